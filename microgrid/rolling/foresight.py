"""Foresight: what is known of the time to come: prices as they are, loads, sun and wind as foreseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microgrid.copies import copied
from microgrid.forecasting.baselines import foreseen, last_week, persistence
from microgrid.plant import Plant
from microgrid.series import Series

Kind = Literal["perfect", "persistence", "week", "file"]
UNCERTAIN = ("demand", "availability")
"""Fields whose series nobody knows before they happen; all others, prices first, are known in advance."""

Change = Callable[[Series, str, str], Series]


@dataclass(frozen=True, eq=False)
class Foresight:
    """Plants as foreseen at one time after the other.

    Parameters
    ----------
    actual
        What happens, in equal steps; what lies before the time of planning is known.
    kind
        ``perfect``: as it happens; ``persistence``: as at the same time yesterday; ``week``: as on that day last week;
        ``file``: as the plant `given` says.
    given
        A plant on the same steps that holds forecasts.
    holidays
        Local dates on which the plant rests, for ``week``.
    """

    actual: Plant
    kind: Kind = "perfect"
    given: Plant | None = None
    holidays: frozenset[date] = frozenset()

    def at(self, now: int) -> Plant:
        """Return the plant as foreseen just before a step."""
        if self.kind == "perfect":
            return self.actual
        if self.kind == "file":
            assert self.given is not None
            other = self.given
            return with_uncertain(
                self.actual, lambda series, asset, field: _known_until(now, series, other, asset, field)
            )
        places = self._places(now)
        return with_uncertain(
            self.actual, lambda series, *_: replace(series, values=foreseen(series.values, places, now))
        )

    def unforeseen(self, now: int) -> int:
        """Return how many of the steps ahead have no past to be foreseen by, and are foreseen as they happen."""
        return int((self._places(now) < 0).sum()) if self.kind in ("persistence", "week") else 0

    def _places(self, now: int) -> NDArray[np.int64]:
        timeline = self.actual.timeline
        return persistence(timeline, now) if self.kind == "persistence" else last_week(timeline, now, self.holidays)


def with_uncertain(plant: Plant, change: Change) -> Plant:
    """Return a plant with every uncertain series changed."""
    assets = dict(plant.assets)
    for name, asset in plant.assets.items():
        fields = {
            field: change(series, name, field)
            for field, series in asset.series().items()
            if field in UNCERTAIN and series.values.ndim
        }
        if fields:
            assets[name] = copied(asset, fields)
    return replace(plant, assets=assets)


def _known_until(now: int, series: Series, other: Plant, asset: str, field: str) -> Series:
    told: Series = getattr(other.assets[asset], field)
    ahead = np.broadcast_to(told.values, series.values.shape)[now:]
    return replace(series, values=np.concatenate([series.values[:now], ahead]))
