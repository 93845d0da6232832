"""What the weather was: the checked data that everything else is worked out from, and the clock they run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem

SECOND = 1_000_000
DAY = 86_400 * SECOND
COMMON_YEAR = 365 * DAY
# Typical years have no year; theirs are told in this one, which has no 29 February.
TYPICAL_YEAR = 2001


class Quantity(NamedTuple):
    """What a column measures: its unit, and the range outside which a value is a fault of the data.

    The ranges hold at 1 min too: drifting clouds lift global irradiance well above the solar constant of
    1,361 W/m2, and pyranometers read a few W/m2 below zero at night.
    """

    unit: str
    low: float
    high: float

    @property
    def wanted(self) -> str:
        """The range in words."""
        return f"{self.low:g} to {self.high:g} {self.unit}"


QUANTITIES = {
    "ghi": Quantity("W/m2", -5.0, 2000.0),
    "dni": Quantity("W/m2", -5.0, 1500.0),
    "dhi": Quantity("W/m2", -5.0, 1500.0),
    "temperature": Quantity("degC", -90.0, 60.0),
    "wind_speed": Quantity("m/s", 0.0, 75.0),
    "pressure": Quantity("Pa", 45_000.0, 110_000.0),
}
RADIATION = ("ghi", "dni", "dhi")
COLUMNS = tuple(QUANTITIES)


@dataclass(frozen=True, eq=False)
class Weather:
    """Weather at one place, in equal intervals without gaps.

    Parameters
    ----------
    frame
        Means over intervals. Index: each interval's start, zone-aware, ascending, equal steps that divide a
        day. Columns: `ghi`, `dni`, `dhi` (irradiance: global horizontal, direct normal, diffuse horizontal)
        [W/m2], `temperature` [degC], `wind_speed` [m/s], `pressure` at the station [Pa].
    latitude, longitude
        Degrees, north and east positive; None if unknown.
    elevation
        Metres above the sea; None if unknown.
    wind_height
        Height above ground at which the wind was measured [m]; 10 m is the rule of the WMO.
    typical_year
        Whether the data stand for any year: matched by month, day and time of the index's own (first) UTC
        offset.
    path
        The file it was read from, for messages.

    Raises
    ------
    InputError
        If columns, times, values or the position are not as told above.
    """

    frame: pd.DataFrame
    latitude: float | None = None
    longitude: float | None = None
    elevation: float | None = None
    wind_height: float = 10.0
    typical_year: bool = False
    path: str = ""

    def __post_init__(self) -> None:
        """Refuse weather that would give wrong answers quietly."""
        problems = [*self._frame_problems(), *self._place_problems()]
        if problems:
            raise InputError(problem.at(self.path) for problem in problems)

    def _frame_problems(self) -> list[Problem]:
        index, columns = self.frame.index, ", ".join(map(str, self.frame.columns))
        if tuple(self.frame.columns) != COLUMNS:
            return [Problem("weather.frame", f"columns {columns}", f"columns {', '.join(COLUMNS)}")]
        if not isinstance(index, pd.DatetimeIndex) or index.tz is None or len(index) < 2:
            return [Problem("weather.frame", "another index", "at least two zone-aware times as the index")]
        steps = np.unique(np.diff(microseconds(index)))
        if len(steps) > 1 or steps[0] <= 0 or DAY % steps[0]:
            return [Problem("weather.frame", "other times", "equal intervals that divide a day, without gaps")]
        problems = []
        for name in COLUMNS:
            values = self.frame[name].to_numpy(dtype=float)
            row = first_fault(name, values)
            if row is not None:
                problems.append(value_problem(name, values, row, index[row]))
        if self.typical_year:
            position = within_year(clock(microseconds(index) + utc_offset(index)))
            leaps = (np.diff(position) % COMMON_YEAR != steps[0]).any()
            if leaps or len(index) * steps[0] > COMMON_YEAR:
                problems.append(Problem("weather.frame", "other times", "at most 365 days, none a 29 February"))
        return problems

    def _place_problems(self) -> list[Problem]:
        problems = [
            out_of_range("latitude", self.latitude, (-90, 90), "deg"),
            out_of_range("longitude", self.longitude, (-180, 180), "deg"),
            out_of_range("elevation", self.elevation, (-450, 9000), "m"),
            out_of_range("wind_height", self.wind_height, (1, 500), "m"),
        ]
        return [problem for problem in problems if problem]

    @property
    def step(self) -> pd.Timedelta:
        """The length of one interval."""
        step: pd.Timedelta = self.frame.index[1] - self.frame.index[0]
        return step


def microseconds(index: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Return zone-aware times as whole microseconds since 1970 in UTC, shape (n,)."""
    return index.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)


def clock(times: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as naive times, shape (n,)."""
    return pd.DatetimeIndex(times.astype("datetime64[us]"))


def utc_offset(index: pd.DatetimeIndex) -> int:
    """Return how far the clock of a zone-aware index is ahead of UTC at its first time, in microseconds."""
    ahead = index[0].utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds()) * SECOND


def within_year(times: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Return microseconds since 1 January in a year of 365 days, shape (n,); 29 February falls on the 28th."""
    days_before = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
    month, day = np.asarray(times.month), np.asarray(times.day)
    days = days_before[month - 1] + np.where(month == 2, np.minimum(day, 28), day) - 1
    hours = days * 24 + np.asarray(times.hour)
    seconds = (hours * 60 + np.asarray(times.minute)) * 60 + np.asarray(times.second)
    return np.asarray(seconds, dtype=np.int64) * SECOND


def value_problem(name: str, values: NDArray[np.float64], row: int, time: pd.Timestamp, text: str = "") -> Problem:
    """Return what is wrong with a column's value at a row, and with how many more; `text` is as in the file."""
    known = QUANTITIES[name]
    value = f"{values[row]:g} {known.unit}"
    if not np.isfinite(values[row]):
        value = f'"{text}"' if text else "no value"
    at = "" if pd.isna(time) else f" at {stamp(time)}"
    return Problem(name, f"{value}{at}{more(faults(name, values).sum())}", known.wanted)


def faults(name: str, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which values are missing or out of their range, shape (n,)."""
    known = QUANTITIES[name]
    with np.errstate(invalid="ignore"):
        return ~((values >= known.low) & (values <= known.high))


def first_fault(name: str, values: NDArray[np.float64]) -> int | None:
    """Return the first row with a value that is missing or out of its range, or None."""
    rows = np.flatnonzero(faults(name, values))
    return int(rows[0]) if len(rows) else None


def refuse_problems(*problems: Problem | None) -> None:
    """Raise an InputError with the problems that there are."""
    found = [problem for problem in problems if problem]
    if found:
        raise InputError(found)


def out_of_range(where: str, value: float | None, limits: tuple[float, float], unit: str) -> Problem | None:
    """Return the fault of a number that is not between its limits, or None; None is no fault."""
    low, high = limits
    if value is None or low <= value <= high:
        return None
    spaced = f" {unit}" if unit else ""
    return Problem(where, f"{value:g}{spaced}", f"{low:g} to {high:g}{spaced}")


def more(count: int) -> str:
    """Return how many faults there are besides the one that is told."""
    return f", and {count - 1} more" if count > 1 else ""


def stamp(time: pd.Timestamp) -> str:
    """Return a time as messages write it, such as ``2025-03-30T02:00+08:00``."""
    return time.isoformat(timespec="minutes" if time.second == 0 else "seconds")
