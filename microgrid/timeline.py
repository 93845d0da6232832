"""Time as the model sees it: steps that carry flows, points that carry stocks.

Steps may be unequal. Every step knows its length in hours and how often it counts (its weight), so a normal day, a
day at 15 min followed by hours, and a year cut into segments are the same thing. Times are zone-aware: a local day
has 23, 24 or 25 hours, and no step is ever lost or doubled when the clocks change.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem


@dataclass(frozen=True, eq=False)
class Timeline:
    """The horizon: `n` steps and the `n + 1` points between and around them.

    Parameters
    ----------
    index
        Start of each step, zone-aware, ascending, shape (n,).
    hours
        Length of each step in hours, shape (n,), above zero.
    weights
        How often each step counts in money and emissions, shape (n,); ones for a plain horizon.
    """

    index: pd.DatetimeIndex
    hours: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse a timeline that no plan could stand on."""
        if self.index.tz is None:
            raise InputError([Problem("horizon", "times without a zone", "zone-aware times")])
        n = len(self.index)
        if n == 0 or self.hours.shape != (n,) or self.weights.shape != (n,):
            found = f"{n} times, {self.hours.shape} hours, {self.weights.shape} weights"
            raise InputError([Problem("horizon", found, "at least one step, with as many hours and weights")])
        if not (np.isfinite(self.hours).all() and (self.hours > 0).all()):
            raise InputError([Problem("horizon", "a step of no length", "steps longer than zero")])
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise InputError([Problem("horizon", "a negative weight", "weights of zero or more")])

    @classmethod
    def regular(cls, start: pd.Timestamp, end: pd.Timestamp, step: pd.Timedelta) -> Timeline:
        """Return equal steps from `start` up to `end`, both zone-aware."""
        return cls.spans([(start, end, step)])

    @classmethod
    def spans(cls, spans: Iterable[tuple[pd.Timestamp, pd.Timestamp, pd.Timedelta]]) -> Timeline:
        """Return spans of equal steps one after the other, such as a day at 15 min and then hours.

        Steps are counted in elapsed time, not on the wall clock: a local day of 23 hours has 23 steps of one hour.
        """
        parts, spans = [], list(spans)
        if not spans:
            raise InputError([Problem("horizon", "no spans", "at least one")])
        for start, end, step in spans:
            length = end - start
            if step <= pd.Timedelta(0) or length <= pd.Timedelta(0) or length % step != pd.Timedelta(0):
                found = f"{start} to {end} in steps of {step}"
                raise InputError([Problem("horizon", found, "an end after the start, a whole number of steps away")])
            parts.append(pd.date_range(start, end, freq=step, inclusive="left"))
        index = pd.DatetimeIndex(parts[0])
        for part in parts[1:]:
            index = pd.DatetimeIndex(index.append(part))
        hours = np.concatenate(
            [np.full(len(p), s / pd.Timedelta(hours=1)) for p, (_, _, s) in zip(parts, spans, strict=True)]
        )
        return cls(index, hours, np.ones(len(index)))

    @classmethod
    def of_hours(
        cls,
        hours: Sequence[float] | NDArray[np.float64],
        start: str = "2026-01-05T00:00+00:00",
        zone: str = "UTC",
        weights: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Timeline:
        """Return a timeline from step lengths alone, for small studies and tests."""
        lengths = np.asarray(hours, dtype=float)
        first = pd.Timestamp(start).tz_convert(zone)
        offsets = pd.to_timedelta(np.concatenate([[0.0], np.cumsum(lengths)[:-1]]), unit="h")
        counts = np.ones(len(lengths)) if weights is None else np.asarray(weights, dtype=float)
        return cls(pd.DatetimeIndex(first + offsets), lengths, counts)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.index)

    @cached_property
    def points(self) -> pd.DatetimeIndex:
        """The `n + 1` times at which stocks are told: each step's start, and the end of the last."""
        return pd.DatetimeIndex(self.index.append(pd.DatetimeIndex([self.end])))

    @cached_property
    def end(self) -> pd.Timestamp:
        """The end of the last step."""
        return self.index[-1] + pd.Timedelta(hours=float(self.hours[-1]))

    @cached_property
    def elapsed(self) -> NDArray[np.float64]:
        """Hours from the first point to each point, shape (n + 1,)."""
        return np.concatenate([[0.0], np.cumsum(self.hours)])

    @cached_property
    def weighted_hours(self) -> NDArray[np.float64]:
        """Hours that each step stands for: length times weight, shape (n,)."""
        return self.hours * self.weights

    @property
    def is_plain(self) -> bool:
        """Whether every step counts once, so that calendar months can be billed."""
        return bool((self.weights == 1).all())

    @cached_property
    def years(self) -> float:
        """How many years the horizon stands for; a whole calendar year is exactly 1, leap or not."""
        in_year = np.array([8784.0 if calendar.isleap(y) else 8760.0 for y in self.index.year])
        return float((self.weighted_hours / in_year).sum())

    @cached_property
    def months(self) -> NDArray[np.object_]:
        """The billing month of each step, such as ``2026-03``, by the local calendar, shape (n,)."""
        return np.asarray(self.index.strftime("%Y-%m"), dtype=object)

    @cached_property
    def month_starts(self) -> pd.DatetimeIndex:
        """The first step of each billing month."""
        _, first = np.unique(self.months, return_index=True)
        return self.index[np.sort(first)]

    @cached_property
    def month_shares(self) -> dict[str, float]:
        """The part of each billing month that the horizon covers, from above 0 to 1."""
        shares = {}
        for month in dict.fromkeys(self.months):
            first = pd.Timestamp(f"{month}-01", tz=self.index.tz)
            length = (first + pd.DateOffset(months=1) - first) / pd.Timedelta(hours=1)
            shares[str(month)] = float(self.hours[self.months == month].sum() / length)
        return shares

    def windows(self, minutes: float) -> NDArray[np.int64]:
        """Return the number of the metering window that each step belongs to, shape (n,).

        Windows start on the local clock's full `minutes`. A step that is longer than a window is a window of its
        own: its mean power is then the best that can be known of the maximum.

        Raises
        ------
        InputError
            If a step lies across the edge of a window that it does not fill.
        """
        if minutes not in self._windows:
            self._windows[minutes] = self._numbered(minutes)
        return self._windows[minutes]

    @cached_property
    def _windows(self) -> dict[float, NDArray[np.int64]]:
        return {}

    def _numbered(self, minutes: float) -> NDArray[np.int64]:
        window = pd.Timedelta(minutes=minutes)
        wall = self.index.tz_localize(None)
        shift = wall - self.index.tz_convert("UTC").tz_localize(None)
        opens = wall.floor(window)
        closes = opens + window
        ends = wall + pd.to_timedelta(self.hours, unit="h")
        short = self.hours <= minutes / 60 * (1 + 1e-9)
        astray = (short & (ends > closes + pd.Timedelta(seconds=1))) | (~short & (wall != opens))
        if astray.any():
            step = int(np.flatnonzero(astray)[0])
            found = f"the step at {self.index[step].isoformat(timespec='minutes')} of {60 * self.hours[step]:g} min"
            wanted = f"steps that divide or fill metering windows of {minutes:g} min"
            raise InputError([Problem("horizon", found, wanted, "choose another step or another window")])
        return np.asarray(pd.factorize(opens - shift)[0], dtype=np.int64)
