"""Series: numbers along the horizon, from a scalar, a list or a column of a CSV file.

A table's first column is `time`: ISO 8601 with zone, the start of each interval. Every other header carries its unit
in brackets: ``load [kW]``. Intervals are equal and without gaps; values hold over their interval. A series is taken
onto the scenario's steps as the time-weighted mean, so that energy is kept whatever the two step lengths are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem, nearest
from microgrid.timeline import Timeline
from microgrid.units import UnitError, conversion, scaled

_HEADER = re.compile(r"\s*(?P<name>.+?)\s*\[(?P<unit>[^\]]*)\]\s*")
_ZONED = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})\s*$")


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


@dataclass(frozen=True, eq=False)
class Table:
    """A CSV file with its times in UTC, its columns and their units."""

    path: Path
    times: pd.DatetimeIndex
    columns: dict[str, NDArray[np.float64]]
    units: dict[str, str]
    step: pd.Timedelta

    @property
    def end(self) -> pd.Timestamp:
        """The end of the last interval."""
        return self.times[-1] + self.step


def read_column(path: Path, column: str, unit: str, timeline: Timeline) -> NDArray[np.float64]:
    """Return a column of a CSV file on the steps of `timeline`, in `unit`, shape (n,).

    Raises
    ------
    InputError
        If the file, the column or its unit is not as wanted, or the data do not cover the horizon.
    """
    table = open_table(path)
    if column not in table.columns:
        near = nearest(column, table.columns)
        cure = f'did you mean "{near}"?' if near else f"the file has {', '.join(table.columns)}"
        raise InputError(
            [Problem(f"column {column}", "not in the file", "a column by its name without the unit", cure, str(path))]
        )
    try:
        factor, offset = conversion(table.units[column], unit)
    except UnitError as error:
        raise InputError(
            [Problem(f"column {column}", f"[{table.units[column]}]", error.wanted, error.cure, str(path))]
        ) from error
    values = _project(table, column, timeline)
    return _scale(values, factor) + offset


def open_table(path: Path) -> Table:
    """Read a CSV file, or return it from memory if it has not changed since.

    Raises
    ------
    InputError
        If the file cannot be read, or its header or times are not as wanted.
    """
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise InputError(
            [Problem("file", "not found", "a CSV file that can be read", "check the name", str(path))]
        ) from error
    return _read_table(path, stamp)


@lru_cache(maxsize=64)
def _read_table(path: Path, _stamp: int) -> Table:
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", dtype={0: str}, skipinitialspace=True)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError([Problem("file", reason, "a CSV file in UTF-8 with a header", "", str(path))]) from error
    if frame.columns.empty or str(frame.columns[0]).strip() != "time":
        found = f'the first column is "{frame.columns[0]}"' if len(frame.columns) else "no column"
        raise InputError([Problem("header", found, 'a first column "time"', "", f"{path}:1")])
    if len(frame) < 2:
        raise InputError(
            [Problem("rows", f"{len(frame)}", "at least two rows, so that the interval is known", "", str(path))]
        )
    times = _times(path, frame.iloc[:, 0])
    step = _step(path, times)
    columns: dict[str, NDArray[np.float64]] = {}
    units: dict[str, str] = {}
    for position, header in enumerate(frame.columns[1:], start=1):
        name, unit = _header(path, str(header))
        columns[name] = _numbers(path, name, frame.iloc[:, position])
        units[name] = unit
    return Table(path, times, columns, units, step)


def _header(path: Path, header: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(header)
    if match is None:
        cure = f'write "{header} [kW]", or "{header} [1]" for a share'
        raise InputError([Problem(f'header "{header}"', "no unit", "the unit in brackets", cure, f"{path}:1")])
    return match["name"], match["unit"]


def _numbers(path: Path, name: str, column: pd.Series) -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = f'"{column.iloc[row]}"'
        raise InputError([Problem(f"column {name}", found, "a number", "", f"{path}:{row + 2}")])
    return numbers.to_numpy(dtype=float)


def _times(path: Path, texts: pd.Series) -> pd.DatetimeIndex:
    stamps = texts.fillna("").str.strip()
    times = pd.to_datetime(stamps, utc=True, format="ISO8601", errors="coerce")
    wrong = times.isna() | ~stamps.str.contains(_ZONED)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        cure = "such as 2026-07-15T00:15+08:00"
        raise InputError(
            [Problem("column time", f'"{stamps.iloc[row]}"', "an ISO time with its zone", cure, f"{path}:{row + 2}")]
        )
    return pd.DatetimeIndex(times)


def _step(path: Path, times: pd.DatetimeIndex) -> pd.Timedelta:
    gaps = times[1:] - times[:-1]
    step = pd.Series(gaps).mode().iloc[0]
    wrong = np.flatnonzero(gaps != step)
    if step <= pd.Timedelta(0) or len(wrong):
        row = int(wrong[0]) if len(wrong) else 0
        here, there = times[row], times[row + 1]
        place = f"{path}:{row + 3}"
        if there <= here:
            found = f"{there.isoformat()} after {here.isoformat()}"
            raise InputError([Problem("column time", found, "ascending times, each once", "", place)])
        missing = (here + step).isoformat()
        found = f"{missing} is missing" if there > here + step else f"{there.isoformat()} comes too early"
        raise InputError([Problem("column time", found, f"intervals of {_minutes(step)} without gaps", "", place)])
    return step


def _minutes(step: pd.Timedelta) -> str:
    return f"{step / pd.Timedelta(minutes=1):g} min"


def _project(table: Table, column: str, timeline: Timeline) -> NDArray[np.float64]:
    start, end = timeline.index[0], timeline.end
    if start < table.times[0] or end > table.end:
        zone = timeline.index.tz
        found = f"{table.times[0].tz_convert(zone).isoformat()} to {table.end.tz_convert(zone).isoformat()}"
        wanted = f"values for the whole horizon, {start.isoformat()} to {end.isoformat()}"
        raise InputError([Problem(f"column {column}", found, wanted, "", str(table.path))])
    first = int((start - table.times[0]) // table.step)
    last = -int(-(end - table.times[0]) // table.step)
    values = table.columns[column][first:last]
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row = first + int(bad[0])
        stamp = table.times[row].tz_convert(timeline.index.tz).isoformat()
        found = f"no value at {stamp}" + (f" and at {len(bad) - 1} more times" if len(bad) > 1 else "")
        raise InputError(
            [Problem(f"column {column}", found, "a number at every time of the horizon", "", f"{table.path}:{row + 2}")]
        )
    return _average(values, table.times[first], table.step, timeline)


def _average(
    values: NDArray[np.float64], start: pd.Timestamp, step: pd.Timedelta, timeline: Timeline
) -> NDArray[np.float64]:
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
    return np.where(inside, values[first], means)


def _scale(values: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    if factor == 1.0:
        return values
    inverse = 1.0 / scaled(1.0, factor)
    return values / inverse if inverse == round(inverse) else values * factor
