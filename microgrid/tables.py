"""CSV files: a column of times, columns of numbers whose headers carry their units, and every fault with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.faults import shown, shown_path
from microgrid.series import mean_over_steps
from microgrid.timeline import Timeline

_HEADER = re.compile(r"\s*(?P<name>.*?)\s*\[(?P<unit>[^\]]*)\]\s*")
_ZONED = re.compile(r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$")
_EMPTY = ("", "nan", "na", "n/a", "null", "none", "-")
_NUMBER = "write a point before decimals and nothing between thousands"


@dataclass(frozen=True, eq=False)
class Table:
    """A CSV file of n rows in equal intervals.

    Parameters
    ----------
    path
        The file.
    lines
        The line of each row, shape (n,).
    times
        Start of each interval in UTC, shape (n,).
    step
        Length of an interval.
    headers
        The header of each column after the first, as written.
    cells
        The texts of each of these columns.
    """

    path: Path
    lines: NDArray[np.int64]
    times: pd.DatetimeIndex
    step: pd.Timedelta
    headers: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def end(self) -> pd.Timestamp:
        """The end of the last interval."""
        return self.times[-1] + self.step

    @property
    def names(self) -> list[str]:
        """The names of the columns, without their units."""
        return [_name(header)[0] for header in self.headers]

    def unit(self, name: str) -> str:
        """Return the unit of a column.

        Raises
        ------
        InputError
            If its header has none, or two columns have this name.
        """
        found = [header for header in self.headers if _name(header)[0] == name]
        where, place = f"column {name}", f"{shown_path(self.path)}:1"
        if len(found) > 1:
            wanted = "each name once"
            raise InputError([Problem(where, f"{len(found)} times in the header", wanted, "rename one", place)])
        unit = _name(found[0])[1]
        if unit is None:
            cure = f'write "{name} [kW]", or "{name} [1]" for a share'
            raise InputError([Problem(where, "no unit in the header", "the unit in brackets", cure, place)])
        return unit

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return the numbers of a column as they stand in the file, NaN where a cell is empty.

        Raises
        ------
        InputError
            If a cell holds something else.
        """
        return _numbers(self, self.names.index(name), name)

    def on(self, timeline: Timeline, name: str) -> NDArray[np.float64]:
        """Return a column on the steps of `timeline`, in its own unit, shape (n,).

        Raises
        ------
        InputError
            If the column does not cover the horizon, or has no number somewhere within it.
        """
        numbers, first, last = self.numbers(name), *self._rows(timeline, name)
        values = numbers[first:last]
        bad = np.flatnonzero(np.isnan(values))
        if len(bad):
            row = first + int(bad[0])
            found = f"no value at {self._time(row, timeline)}{_more(len(bad))}"
            wanted = "a number at every time of the horizon"
            raise InputError([Problem(f"column {name}", found, wanted, "", self.place(row))])
        return mean_over_steps(values, self.times[first], self.step, timeline)

    def place(self, row: int) -> str:
        """Return file and line of a row."""
        return f"{shown_path(self.path)}:{self.lines[row]}"

    def row_at(self, time: pd.Timestamp) -> int:
        """Return the row whose interval holds a time."""
        return int((time - self.times[0]) // self.step)

    def _rows(self, timeline: Timeline, name: str) -> tuple[int, int]:
        """Return the first row of the horizon and the one after its last."""
        start, end, zone = timeline.index[0], timeline.end, timeline.index.tz
        if start < self.times[0] or end > self.end:
            found = f"values from {_told(self.times[0], zone)} to {_told(self.end, zone)}"
            wanted = f"values for the whole horizon, {_told(start, zone)} to {_told(end, zone)}"
            place = self.place(0 if start < self.times[0] else -1)
            raise InputError([Problem(f"column {name}", found, wanted, "", place)])
        return self.row_at(start), -int(-(end - self.times[0]) // self.step)

    def _time(self, row: int, timeline: Timeline) -> str:
        return _told(self.times[row], timeline.index.tz)


def open_table(path: Path) -> Table:
    """Read a CSV file, or return it from memory if it has not changed since.

    Raises
    ------
    InputError
        If the file cannot be read, or its header, rows or times are not as wanted.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError([_file_problem(path, f"{error.strerror}")]) from error
    return _read(path, Path.cwd(), (stat.st_mtime_ns, stat.st_size))


def _file_problem(path: Path, found: str) -> Problem:
    return Problem("file", found, "a CSV file in UTF-8 that can be read", "", str(shown_path(path)))


@lru_cache(maxsize=64)
def _read(path: Path, _folder: Path, _stamp: tuple[int, int]) -> Table:
    header, rows, lines = _even_rows(path, *_rows(path))
    columns = tuple(zip(*rows, strict=True))
    texts = [text.strip() for text in columns[0]]
    times = _times(path, texts, lines)
    step = _step(path, times, texts, lines)
    return Table(path, lines, times, step, tuple(header[1:]), columns[1:])


def _rows(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the header, the rows that are not blank and their lines."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        rows = [(cells, reader.line_num) for cells in reader if any(cell and not cell.isspace() for cell in cells)]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = Problem(
            "file", f"a byte that is no UTF-8 in line {line}", "a CSV file in UTF-8", 'save it as "CSV UTF-8"',
            f"{shown_path(path)}:{line}",
        )  # fmt: skip
        raise InputError([problem]) from error
    except OSError as error:
        found = "a folder" if path.is_dir() else f"{error.strerror}"
        raise InputError([_file_problem(path, found)]) from error
    except csv.Error as error:
        found, place = f"{error}", f"{shown_path(path)}:{reader.line_num}"
        raise InputError([Problem("row", found, "cells with commas between them", "", place)]) from error
    if not rows:
        raise InputError([_file_problem(path, "an empty file")])
    header = [cell.strip() for cell in rows[0][0]]
    while header and not header[-1]:
        header.pop()
    return header, [cells for cells, _ in rows[1:]], [line for _, line in rows[1:]]


def _even_rows(
    path: Path, header: list[str], rows: list[list[str]], lines: list[int]
) -> tuple[list[str], list[list[str]], NDArray[np.int64]]:
    """Refuse a header without `time`, and rows with more or fewer cells than the header."""
    place = str(shown_path(path))
    if not header or header[0] != "time":
        cure = "separate the columns by commas" if any(mark in header[0] for mark in ";\t") else ""
        raise InputError(
            [
                Problem(
                    "header", f'the first column is "{shown(header[0])}"', 'a first column "time"', cure, f"{place}:1"
                )
            ]
        )
    width = len(header)
    wrong = [at for at, cells in enumerate(rows) if len(cells) < width or any(cells[width:])]
    if wrong:
        found = f"{len(rows[wrong[0]])} cells{_more(len(wrong), 'rows')}"
        wanted = f"{width} cells, as the header has"
        cure = _NUMBER if len(rows[wrong[0]]) > width else ""
        raise InputError([Problem("row", found, wanted, cure, f"{place}:{lines[wrong[0]]}")])
    if len(rows) < 2:
        found = "one row" if rows else "no rows"
        wanted = "at least two rows, so that the interval is known"
        raise InputError([Problem("rows", found, wanted, "", f"{place}:{lines[-1] if rows else 1}")])
    return header, [cells[:width] for cells in rows], np.array(lines, dtype=np.int64)


def _name(header: str) -> tuple[str, str | None]:
    match = _HEADER.fullmatch(header)
    return (match["name"], match["unit"]) if match is not None else (header, None)


@lru_cache(maxsize=256)
def _numbers(table: Table, position: int, name: str) -> NDArray[np.float64]:
    texts = pd.Series([text.strip() for text in table.cells[position]], dtype=object)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float)
    odd = np.flatnonzero(~np.isfinite(numbers))
    wrong = [int(row) for row in odd if texts.iloc[row].casefold() not in _EMPTY]
    if wrong:
        found = f"{shown(texts.iloc[wrong[0]])}{_more(len(wrong), 'rows')}"
        raise InputError([Problem(f"column {name}", found, "a number", _NUMBER, table.place(wrong[0]))])
    return numbers


def _times(path: Path, texts: Sequence[str], lines: NDArray[np.int64]) -> pd.DatetimeIndex:
    times = pd.DatetimeIndex(pd.to_datetime(list(texts), utc=True, format="ISO8601", errors="coerce"))
    unzoned = np.array([_ZONED.search(text) is None for text in texts])
    wrong = np.flatnonzero(np.asarray(times.isna()) | unzoned)
    if len(wrong):
        row = int(wrong[0])
        found = f"{shown(texts[row])}{_more(len(wrong), 'rows')}"
        place, cure = f"{shown_path(path)}:{lines[row]}", "such as 2026-07-15T00:15+08:00"
        raise InputError([Problem("column time", found, "an ISO time with its zone", cure, place)])
    return times


def _step(path: Path, times: pd.DatetimeIndex, texts: Sequence[str], lines: NDArray[np.int64]) -> pd.Timedelta:
    gaps = times[1:] - times[:-1]
    back = np.flatnonzero(gaps <= pd.Timedelta(0))
    if len(back):
        row = int(back[0])
        place, found = f"{shown_path(path)}:{lines[row + 1]}", f"{texts[row + 1]} after {texts[row]}"
        raise InputError([Problem("column time", found, "ascending times, each once", "", place)])
    step = pd.Series(gaps).mode().iloc[0]
    wrong = np.flatnonzero(gaps != step)
    if not len(wrong):
        return step
    row = int(wrong[0])
    here, there = times[row], times[row + 1]
    place = f"{shown_path(path)}:{lines[row + 1]}"
    late = there > here + step
    zone = pd.Timestamp(texts[row]).tz
    found = f"{_told(here + step, zone)} is missing" if late else f"{texts[row + 1]} comes too early"
    wanted = f"intervals of {step / pd.Timedelta(minutes=1):g} min without gaps"
    raise InputError([Problem("column time", found, wanted, "", place)])


def _told(time: pd.Timestamp, zone: Any) -> str:
    """Write a time in a zone, without seconds that are zero."""
    local = time.tz_convert(zone)
    return local.isoformat(timespec="minutes" if local.second == 0 and local.microsecond == 0 else "auto")


def _more(count: int, what: str = "times") -> str:
    return f" and {count - 1} more {what if count > 2 else what[:-1]}" if count > 1 else ""
