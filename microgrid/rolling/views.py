"""The longer views that have been taken: one of what is foreseen, and one of each future, renewed once a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from microgrid.plant import Plant
from microgrid.rolling.inheriting import Before
from microgrid.rolling.outlook import Outlook, look_out
from solvers import Settings

_RENEWED = pd.Timedelta(hours=24)


@dataclass
class Views:
    """Longer views by what they see, remembered from plan to plan.

    Parameters
    ----------
    settings
        Of the solver.
    ends
        What stocks must hold at the end of all that is foreseen.
    known
        The newest view of each.
    spent
        Seconds that the solver took for views in all.
    """

    settings: Settings
    ends: Mapping[str, Mapping[str, float]]
    known: dict[str, Outlook | None] = field(default_factory=dict)
    spent: float = 0.0
    _taken: dict[str, pd.Timestamp] = field(default_factory=dict)

    def of(
        self, name: str, foreseen: Plant, first: int, end: int, told: Before, seconds: float | None
    ) -> Outlook | None:
        """Return a view, renewed once a day and where it does not reach far enough; None where there is none.

        Parameters
        ----------
        name
            Of what is seen: a future, or nothing for what is foreseen alone.
        foreseen, first, end, told, seconds
            As for `look_out`.
        """
        now, until = foreseen.timeline.index[first], foreseen.timeline.points[end]
        known, taken = self.known.get(name), self._taken.get(name)
        reaches = known is not None and known.covers(until)
        if reaches and taken is not None and now - taken < _RENEWED:
            return known
        view = look_out(foreseen, first, end, told, self.settings, self.ends, seconds)
        self._taken[name] = now
        self.spent += view.seconds if view is not None else 0.0
        if view is not None or not reaches:
            self.known[name] = view
        return self.known[name]
