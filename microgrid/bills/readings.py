"""Meter readings, and the facts of a contract that no meter shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.tariffs.past import OpenWindow, Past

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What a bill must know besides the readings.

    Parameters
    ----------
    option
        The billing option; empty where the tariff has none.
    capacity, transformer, contract
        Capacity of the connection in kW, of the transformer in kVA, and contract demand in kW; None where unknown.
    past
        What was measured before the first reading.
    """

    option: str = ""
    capacity: float | None = None
    transformer: float | None = None
    contract: float | None = None
    past: Past = field(default_factory=Past)


@dataclass(frozen=True, eq=False)
class Readings:
    """Mean powers over intervals, in order of time.

    Parameters
    ----------
    times
        Start of each interval on the local clock, zone-aware.
    hours
        Length of each interval.
    imported, exported
        Mean power in kW, zero or more.
    reactive
        Mean reactive power in kvar, of either sign; None where it is not metered.
    weights
        How often each interval counts; ones for readings of a meter.
    """

    times: pd.DatetimeIndex
    hours: Array
    imported: Array
    exported: Array
    reactive: Array | None = None
    weights: Array | None = None

    @cached_property
    def energy(self) -> Array:
        """Energy imported in each interval, kWh, as often as it counts."""
        return self.imported * self.hours * self.counts

    @cached_property
    def sold(self) -> Array:
        """Energy exported in each interval, kWh, as often as it counts."""
        return self.exported * self.hours * self.counts

    @cached_property
    def counts(self) -> Array:
        """How often each interval counts."""
        return np.ones(len(self.hours)) if self.weights is None else self.weights

    @property
    def is_plain(self) -> bool:
        """Whether every interval counts once."""
        return bool((self.counts == 1).all())

    @cached_property
    def month(self) -> NDArray[np.object_]:
        """The local calendar month of each interval, such as ``2026-03``."""
        return np.asarray(self.times.strftime("%Y-%m"), dtype=object)

    @cached_property
    def months(self) -> list[str]:
        """The months, in order."""
        return [str(month) for month in dict.fromkeys(self.month)]

    @cached_property
    def covered(self) -> dict[str, float]:
        """How many months each month counts for: by the part that there are readings of."""
        shares = {}
        for month in self.months:
            inside = self.month == month
            if self.is_plain:
                opens, closes = self.ends_of(month)
                shares[month] = float(self.hours[inside].sum() / ((closes - opens).total_seconds() / 3600))
            else:
                year = 8784.0 if pd.Timestamp(f"{month}-01").is_leap_year else 8760.0
                shares[month] = 12 * float((self.hours * self.counts)[inside].sum()) / year
        return shares

    def ends_of(self, month: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Return the first moment of a month and of the next, on the local clock."""
        first = pd.Timestamp(f"{month}-01")
        zone = self.times.tz
        return first.tz_localize(zone), (first + pd.offsets.MonthBegin(1)).tz_localize(zone)

    def share_before(self, since: datetime | None) -> float:
        """Return which part of the first month lies before the readings, from `since` or the first of the month on."""
        opens, closes = self.ends_of(self.months[0])
        return float((self.times[0] - (opens if since is None else pd.Timestamp(since))) / (closes - opens))

    @property
    def end(self) -> pd.Timestamp:
        """The end of the last interval."""
        return self.times[-1] + pd.Timedelta(hours=float(self.hours[-1]))

    def part(self, which: slice) -> Readings:
        """Return some of the intervals, those of a slice."""
        reactive = None if self.reactive is None else self.reactive[which]
        return Readings(
            self.times[which], self.hours[which], self.imported[which], self.exported[which], reactive,
            self.counts[which],
        )  # fmt: skip

    def slots(self, window: float) -> pd.DatetimeIndex:
        """Return when the metering window of each interval opens, in UTC without zone; `window` in hours."""
        return slots_of(self.times, window)

    def peaks(
        self,
        window: float,
        inside: NDArray[np.bool_] | None = None,
        complete: bool = False,
        begun: OpenWindow | None = None,
    ) -> dict[str, float]:
        """Return each month's highest mean import over a metering window; months without one are left out.

        Parameters
        ----------
        window
            Length of the window in hours. An interval that is longer is a window of its own.
        inside
            Which intervals count.
        complete
            Whether windows that there are not all readings of are left out.
        begun
            What the window that the readings begin in has seen before them.
        """
        energy, hours = self.imported * self.hours, self.hours.copy()
        if begun is not None:
            energy[0] += begun.energy
            hours[0] += begun.hours
        number, _ = pd.factorize(np.asarray(self.slots(window)))
        found: dict[str, float] = {}
        for month in self.months:
            counted = (self.month == month) if inside is None else (self.month == month) & inside
            used = np.bincount(number[counted], weights=energy[counted])
            lasted = np.bincount(number[counted], weights=hours[counted])
            kept = lasted >= window * (1 - 1e-9) if complete else lasted > 0
            if kept.any():
                found[month] = float((used[kept] / lasted[kept]).max())
        return found

    def by_month(self, amounts: Array) -> dict[str, float]:
        """Return the sum of amounts by interval, for each month."""
        return {month: float(amounts[self.month == month].sum()) for month in self.months}


def slots_of(times: pd.DatetimeIndex, window: float) -> pd.DatetimeIndex:
    """Return when the metering window of each time opens on the local clock, in UTC without zone."""
    wall = times.tz_localize(None)
    ahead = wall - times.tz_convert("UTC").tz_localize(None)
    return pd.DatetimeIndex(wall.floor(pd.Timedelta(hours=window)) - ahead)
