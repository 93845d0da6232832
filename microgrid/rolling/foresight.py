"""Foresight: what is known of the time to come: prices as they are, loads, sun and wind as foreseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microgrid.copies import copied
from microgrid.forecasting.baselines import foreseen, last_week, persistence
from microgrid.forecasting.futures import Level
from microgrid.forecasting.quantiles import LEAST_DAYS, Learner
from microgrid.plant import Plant
from microgrid.rolling.hedging import Future
from microgrid.series import Series

Kind = Literal["perfect", "persistence", "week", "quantile", "file"]
UNCERTAIN = ("demand", "availability")
"""Fields whose series nobody knows before they happen; all others, prices first, are known in advance."""

Array = NDArray[np.float64]
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
        ``quantile``: the median that trees learn from what was before, as ``week`` where that is too little;
        ``file``: as the plant `given` says.
    given
        A plant on the same steps that holds forecasts.
    holidays
        Local dates on which the plant rests, for ``week`` and ``quantile``.
    levels
        Futures that are foreseen besides, by their quantiles; none but for ``quantile``.
    learners, said
        What was learnt of each series so far, and what it says of the last time that was asked for.
    """

    actual: Plant
    kind: Kind = "perfect"
    given: Plant | None = None
    holidays: frozenset[date] = frozenset()
    levels: Sequence[Level] = ()
    learners: dict[tuple[str, str], Learner] = field(default_factory=dict)
    said: dict[tuple[tuple[str, str], int], Array] = field(default_factory=dict)

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
        if self.kind == "quantile" and self._knows_enough(now):
            return with_uncertain(
                self.actual,
                lambda series, asset, key: replace(series, values=self._learnt(series.values, (asset, key), now, 0.5)),
            )
        places = self._places(now)
        return with_uncertain(
            self.actual, lambda series, *_: replace(series, values=foreseen(series.values, places, now))
        )

    def futures_at(self, now: int) -> list[Future]:
        """Return what may come as foreseen just before a step; nothing where there is too little to learn from.

        All steps of a future are the same quantile: a day of much load is one of much load throughout. Where there is
        much load there is little sun and wind, so that a future is a quantile of what the site draws from the grid.
        """
        if not self._knows_enough(now):
            return []
        return [Future(level.name, level.probability, self._at_level(now, level)) for level in self.levels]

    def _at_level(self, now: int, level: Level) -> Plant:
        return with_uncertain(
            self.actual,
            lambda series, asset, key: replace(
                series, values=self._learnt(series.values, (asset, key), now, level.of_series(key))
            ),
        )

    def _knows_enough(self, now: int) -> bool:
        return bool(self.actual.timeline.elapsed[now] >= 24.0 * LEAST_DAYS)

    def _learnt(self, values: Array, of: tuple[str, str], now: int, quantile: float) -> Array:
        """Return a series with a quantile foreseen in place of what is not known."""
        per_day = round(24.0 / float(self.actual.timeline.hours[0]))
        quantiles = tuple(level.quantile for level in self.levels) or (0.5,)
        if (of, now) not in self.said:
            for old in [key for key in self.said if key[1] != now]:
                del self.said[old]
            learner = self.learners.setdefault(of, Learner(2 * per_day, quantiles, self.holidays))
            self.said[of, now] = learner.foresee(values, self.actual.timeline, now)
        ahead = self.said[of, now][quantiles.index(quantile)]
        return np.concatenate([values[:now], np.clip(ahead, 0.0, 1.0 if of[1] == "availability" else np.inf)])

    def unforeseen(self, now: int) -> int:
        """Return how many of the steps ahead have no past to be foreseen by, and are foreseen as they happen."""
        return int((self._places(now) < 0).sum()) if self.kind in ("persistence", "week", "quantile") else 0

    def _places(self, now: int) -> NDArray[np.int64]:
        timeline = self.actual.timeline
        return persistence(timeline, now) if self.kind == "persistence" else last_week(timeline, now, self.holidays)


def with_uncertain(plant: Plant, change: Change) -> Plant:
    """Return a plant with every uncertain series changed."""
    assets = dict(plant.assets)
    for name, asset in plant.assets.items():
        fields = {
            key: change(series, name, key)
            for key, series in asset.series().items()
            if key in UNCERTAIN and series.values.ndim
        }
        if fields:
            assets[name] = copied(asset, fields)
    return replace(plant, assets=assets)


def _known_until(now: int, series: Series, other: Plant, asset: str, field: str) -> Series:
    told: Series = getattr(other.assets[asset], field)
    ahead = np.broadcast_to(told.values, series.values.shape)[now:]
    return replace(series, values=np.concatenate([series.values[:now], ahead]))
