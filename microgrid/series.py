"""Series: numbers along the horizon, from a scalar, a list or a column of a CSV file.

A table's first column is `time`: ISO 8601 with zone, the start of each interval. Every other header carries its unit
in brackets: ``load [kW]``. Intervals are equal and without gaps; values hold over their interval. A series is taken
onto the scenario's steps as the time-weighted mean, so that energy is kept whatever the two step lengths are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.timeline import Timeline
from microgrid.units import scaled


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers in house units along a horizon.

    Parameters
    ----------
    values
        One number for all steps, shape (), or one a step, shape (n,).
    unit
        The unit as measured, such as ``kW`` or ``kg/h``; empty where the caller vouches for house units.
    origin
        Where the numbers came from, such as ``site.csv: load [kW]``, for messages and reports.
    """

    values: NDArray[np.float64]
    unit: str = ""
    origin: str = ""

    def on(self, timeline: Timeline, where: str = "series") -> NDArray[np.float64]:
        """Return the numbers on the steps of `timeline`, shape (n,).

        Raises
        ------
        InputError
            If there are as many numbers as steps of some other timeline.
        """
        if self.values.ndim == 0:
            return np.full(len(timeline), float(self.values))
        if self.values.shape != (len(timeline),):
            found = f"{len(self.values)} values"
            raise InputError([Problem(where, found, f"one value, or one for each of the {len(timeline)} steps")])
        return self.values

    @property
    def lowest(self) -> float:
        """The smallest value."""
        return float(self.values.min())

    @property
    def highest(self) -> float:
        """The largest value."""
        return float(self.values.max())


def mean_over_steps(
    values: NDArray[np.float64], start: pd.Timestamp, step: pd.Timedelta, timeline: Timeline
) -> NDArray[np.float64]:
    """Return the time-weighted means of equal intervals over the steps of `timeline`, shape (n,).

    Parameters
    ----------
    values
        What holds over each interval; they cover the whole timeline.
    start, step
        Start of the first interval, and the length of each.
    """
    interval = step / pd.Timedelta(hours=1)
    if (
        len(values) == len(timeline)
        and timeline.index[0] == start
        and np.allclose(timeline.hours, interval, rtol=1e-12)
    ):
        return values.copy()
    offset = (timeline.index[0] - start) / pd.Timedelta(hours=1)
    edges = (timeline.elapsed + offset) / interval
    first = np.minimum(np.floor(edges[:-1] + 1e-9).astype(int), len(values) - 1)
    inside = edges[1:] <= first + 1 + 1e-9
    total = np.concatenate([[0.0], np.cumsum(values)])
    means = np.diff(np.interp(edges, np.arange(len(total)), total)) / np.diff(edges)
    return np.asarray(np.where(inside, values[first], np.clip(means, values.min(), values.max())), dtype=float)


def in_unit(values: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Multiply by a unit's factor, exactly where it is a whole fraction."""
    if factor == 1.0:
        return values
    inverse = 1.0 / scaled(1.0, factor)
    return np.asarray(values / inverse if inverse == round(inverse) else values * factor)
