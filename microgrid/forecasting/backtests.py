"""Backtests: what forecasts would have said in the past, held against what came, and against persistence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.forecasting.baselines import foreseen, last_week, persistence
from microgrid.forecasting.quantiles import QUANTILES, Learner
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
Method = Callable[[Array, Timeline, int], Array]
"""Gives the quantiles of each step ahead, shape (quantiles, steps); a plain forecast is a single row."""
METHODS = ("persistence", "week", "quantile")


def backtest(
    values: Array,
    timeline: Timeline,
    first: int,
    ahead: int,
    methods: Sequence[str] = METHODS,
    holidays: Collection[date] = (),
    every: int | None = None,
    quantiles: Sequence[float] = QUANTILES,
) -> pd.DataFrame:
    """Return how good forecasts were, one row a method.

    Parameters
    ----------
    values, timeline
        The series on equal steps.
    first
        The first step at which is forecast; what lies before it is history alone.
    ahead
        How many steps each forecast looks ahead.
    methods
        Of `METHODS`.
    holidays
        Local dates on which the plant rests.
    every
        Steps from one forecast to the next; a day by default.

    Returns
    -------
    pandas.DataFrame
        By method, in the unit of the series: `mae` and `bias` (forecast less actual) of the median, `rmse`, `pinball`
        (the mean over the quantiles), `coverage` (share of steps between the outer quantiles), and `skill`, 1 less its
        mae over that of persistence.
    """
    step = every or round(24.0 / float(timeline.hours[0]))
    begins = range(first, len(timeline) - ahead + 1, step)
    wanted = tuple(sorted(quantiles))
    rows = []
    for name in methods:
        method = _method(name, wanted, frozenset(holidays), ahead)
        said, seen = [], []
        for now in begins:
            part = Timeline(
                timeline.index[: now + ahead], timeline.hours[: now + ahead], timeline.weights[: now + ahead]
            )
            # What is to come is out of reach.
            known = np.where(np.arange(now + ahead) < now, values[: now + ahead], np.nan)
            said.append(method(known, part, now))
            seen.append(values[now : now + ahead])
        rows.append({"method": name} | _scores(np.concatenate(said, axis=1), np.concatenate(seen), wanted))
    table = pd.DataFrame(rows).set_index("method")
    if "persistence" in table.index:
        errors = table["mae"]
        table["skill"] = 1.0 - errors / float(errors["persistence"])
    return table


def _method(name: str, quantiles: tuple[float, ...], holidays: frozenset[date], ahead: int) -> Method:
    if name == "persistence":
        return lambda values, timeline, now: foreseen(values, persistence(timeline, now), now)[None, now:]
    if name == "week":
        return lambda values, timeline, now: foreseen(values, last_week(timeline, now, holidays), now)[None, now:]
    return Learner(ahead, quantiles, holidays).foresee


def _scores(said: Array, seen: Array, quantiles: tuple[float, ...]) -> dict[str, float]:
    is_plain = len(said) == 1
    median = said[0] if is_plain else said[int(np.argmin(np.abs(np.array(quantiles) - 0.5)))]
    off = median - seen
    rows = np.repeat(said, len(quantiles), axis=0) if is_plain else said
    below = seen[None, :] - rows
    shares = np.array(quantiles)[:, None]
    pinball = np.maximum(shares * below, (shares - 1.0) * below)
    inside = (seen >= rows[0]) & (seen <= rows[-1])
    return {
        "mae": float(np.abs(off).mean()),
        "rmse": float(np.sqrt((off**2).mean())),
        "bias": float(off.mean()),
        "pinball": float(pinball.mean()),
        "coverage": float("nan") if is_plain else float(inside.mean()),
    }
