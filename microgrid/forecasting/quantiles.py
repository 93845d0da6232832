"""Quantiles of a series by gradient-boosted trees, trained on the site's own history and calibrated on its last part.

One model for each quantile (scikit-learn's HistGradientBoostingRegressor, extra ``forecast``) learns from the calendar
and from what persistence and the same days of the last weeks would say, at all distances ahead at once. Trees fitted to
a past are too sure of themselves, so they learn from its older four fifths, and what the newest fifth shows them to be
off by is added to what they say (split conformal calibration, Romano, Patterson and Candes 2019, arXiv:1905.03222): a
quantile is passed as often as it says, and the median has no bias.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.forecasting.baselines import foreseen, last_week, persistence
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
QUANTILES = (0.1, 0.5, 0.9)
LEAST_DAYS = 21
"""Days of history without which there is nothing to learn from: two weeks to look back at, and one to learn."""
LEARNT_AGAIN = 7
"""Days after which a model is trained anew."""
_NEWEST = 0.2
_MOST_ROWS = 60_000
_WEEKS = 3


@dataclass(frozen=True, eq=False)
class QuantileModel:
    """What was learnt of a series.

    Parameters
    ----------
    quantiles
        Ascending, each from 0 to 1.
    trees
        A fitted model for each.
    shifts
        What calibration adds to each, in the unit of the series.
    ahead
        Steps that it was trained to look ahead; beyond them the last distance counts.
    low, high
        Range that the series had, widened by a tenth: nothing is foreseen outside.
    holidays
        Local dates on which the plant rests.
    """

    quantiles: tuple[float, ...]
    trees: tuple[Any, ...]
    shifts: Array
    ahead: int
    low: float
    high: float
    holidays: frozenset[date] = frozenset()

    def foresee(self, values: Array, timeline: Timeline, now: int) -> Array:
        """Return the quantiles of each step from `now` on, shape (quantiles, steps ahead); they never cross.

        Parameters
        ----------
        values
            The series; what lies at `now` or later is not looked at.
        timeline
            Its steps, past and future.
        """
        rows = features(values, timeline, now, self.holidays)
        rows[:, 0] = np.minimum(rows[:, 0], self.ahead)
        said = np.array([_predicted(tree, rows) for tree in self.trees]) + self.shifts[:, None]
        return np.clip(np.sort(said, axis=0), self.low, self.high)


@dataclass
class Learner:
    """A quantile model that is trained anew once a week, as its history grows.

    Parameters
    ----------
    ahead
        How many steps are to be foreseen.
    quantiles
        Which quantiles.
    holidays
        Local dates on which the plant rests.
    """

    ahead: int
    quantiles: tuple[float, ...] = QUANTILES
    holidays: frozenset[date] = frozenset()
    _model: QuantileModel | None = None
    _learnt: int = 0

    def foresee(self, values: Array, timeline: Timeline, now: int) -> Array:
        """Return the quantiles of each step from `now` on, shape (quantiles, steps ahead).

        Raises
        ------
        InputError
            As `train`.
        """
        per_day = round(24.0 / float(timeline.hours[0]))
        if self._model is None or now - self._learnt >= LEARNT_AGAIN * per_day:
            self._model = train(values, timeline, now, self.ahead, self.quantiles, self.holidays)
            self._learnt = now
        return self._model.foresee(values, timeline, now)


def train(
    values: Array,
    timeline: Timeline,
    now: int,
    ahead: int,
    quantiles: Sequence[float] = QUANTILES,
    holidays: Collection[date] = (),
    seed: int = 0,
) -> QuantileModel:
    """Learn from what is known before a step.

    Parameters
    ----------
    values, timeline
        The series on equal steps; what lies at `now` or later is not looked at.
    now
        The first step that is not known.
    ahead
        How many steps are to be foreseen.
    quantiles
        Which quantiles.
    holidays
        Local dates on which the plant rests.

    Raises
    ------
    InputError
        If the history is too short, a quantile is none, or scikit-learn is not installed.
    """
    per_day = round(24.0 / float(timeline.hours[0]))
    if now < LEAST_DAYS * per_day:
        found = f"{now / per_day:.1f} days"
        raise InputError([Problem("forecast", found, f"a history of {LEAST_DAYS} days or more to learn from")])
    wanted = tuple(sorted(quantiles))
    if not wanted or wanted[0] <= 0 or wanted[-1] >= 1:
        raise InputError([Problem("quantiles", str(list(quantiles)), "shares above 0 and below 1")])
    rest = frozenset(holidays)
    rows, seen = _history(values, timeline, (now, ahead, per_day), rest)
    cut = int(len(rows) * (1.0 - _NEWEST))
    trees = tuple(_fitted(quantile, rows[:cut], seen[:cut], seed) for quantile in wanted)
    newer, came = rows[cut:], seen[cut:]
    shifts = [float(np.quantile(came - _predicted(tree, newer), q)) for q, tree in zip(wanted, trees, strict=True)]
    known = values[:now]
    spread = 0.1 * float(np.ptp(known))
    low = float(known.min()) - spread
    return QuantileModel(
        wanted, trees, np.array(shifts), ahead, max(low, 0.0) if known.min() >= 0 else low, float(known.max()) + spread,
        rest,
    )  # fmt: skip


def features(values: Array, timeline: Timeline, now: int, holidays: frozenset[date]) -> Array:
    """Return what the trees see of each step from `now` on, shape (steps ahead, features).

    Steps ahead, time of the day, weekday, rest day; what persistence and each of the last weeks say; the mean of
    the last day, and the last value that is known. What lacks is nan, which trees can live with.
    """
    wall = pd.DatetimeIndex(timeline.index.tz_localize(None))[now:]
    distance = np.arange(1, len(wall) + 1, dtype=float)
    clock = (wall.hour + wall.minute / 60.0).to_numpy(dtype=float)
    rest = np.array([float(day in holidays) for day in wall.date])
    per_day = round(24.0 / float(timeline.hours[0]))
    last_day = float(values[max(0, now - per_day) : now].mean()) if now else np.nan
    newest = float(values[now - 1]) if now else np.nan
    columns = [distance, clock, wall.day_of_week.to_numpy(dtype=float), rest]
    columns.append(_said(values, persistence(timeline, now), now))
    week = last_week(timeline, now, holidays)
    for back in range(_WEEKS):
        places = np.where(week >= 0, week - 7 * back * per_day, -1)
        columns.append(_said(values, places, now))
    columns += [np.full(len(wall), last_day), np.full(len(wall), newest)]
    return np.column_stack(columns)


def _said(values: Array, places: NDArray[np.int64], now: int) -> Array:
    said = foreseen(values, places, now)[now:]
    return np.where(places >= 0, said, np.nan)


def _history(
    values: Array, timeline: Timeline, spans: tuple[int, int, int], holidays: frozenset[date]
) -> tuple[Array, Array]:
    """Return what the trees would have seen, and what came of it, at earlier times of planning; the oldest first."""
    now, ahead, per_day = spans
    first = 14 * per_day
    # Whole days back from now, an hour less each time, so that all distances meet all times of the day.
    begins = np.arange(now - ahead, first - 1, -max(1, per_day - max(1, per_day // 24)))[::-1]
    most = max(1, _MOST_ROWS // ahead)
    parts, seen = [], []
    for begin in begins[-most:].tolist():
        last = min(begin + ahead, now)
        part = Timeline(timeline.index[:last], timeline.hours[:last], timeline.weights[:last])
        parts.append(features(values[:last], part, begin, holidays))
        seen.append(values[begin:last])
    return np.concatenate(parts), np.concatenate(seen)


def _fitted(quantile: float, rows: Array, seen: Array, seed: int) -> Any:
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        wanted = "scikit-learn, for forecasts by quantiles"
        problem = Problem("forecast", "scikit-learn is not there", wanted, 'pip install "green-microgrid[forecast]"')
        raise InputError([problem]) from error
    tree = HistGradientBoostingRegressor(
        loss="quantile", quantile=quantile, max_iter=60, learning_rate=0.12, max_leaf_nodes=16, min_samples_leaf=40,
        max_bins=63, early_stopping=False, random_state=seed,
    )  # fmt: skip
    # Threads that wait for one another take longer than one alone, where a plant server has other work too.
    with threadpool_limits(1):
        return tree.fit(rows, seen)


def _predicted(tree: Any, rows: Array) -> Array:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        found: Array = tree.predict(rows)
        return found
