"""Weather as CSV: a column `time`, and columns whose headers carry their units."""

from __future__ import annotations

import csv
import re
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem, nearest
from microgrid.units import UnitError, conversion
from microgrid.weather.record import QUANTITIES, more
from microgrid.weather.rows import Rows, content, numbers

_HEADER = re.compile(r"\s*([^\[\]]*?)\s*(?:\[([^\[\]]*)\])?\s*")
_OFFSET = re.compile(r"[T ].*?(Z|[+-]\d{2}(?::?\d{2})?)$")
_POWER = re.compile(r"(?<=[A-Za-z])([23])(?![A-Za-z0-9])")
_REQUIRED = ("ghi", "temperature", "wind_speed")
_EXAMPLES = {"time": "time"} | {name: f"{name} [{quantity.unit}]" for name, quantity in QUANTITIES.items()}


def read_csv(path: Path, utc_offset: float | None) -> Rows:
    """Return the rows of a CSV file; see `read_weather`.

    Raises
    ------
    InputError
        If the file cannot be read, or its header has no `time` or none of the columns.
    """
    table, lines = _table(path)
    names, units, problems = _header(f"{path}:{lines[0]}", table[0])
    body, number_of = _even_rows(str(path), table, lines, problems)
    cells = {name: [row[at].strip() for row in body] for at, name in enumerate(names) if name}
    times = _times(path, cells.pop("time", []), number_of, utc_offset, problems)
    columns = {name: numbers(texts) * units[name][0] + units[name][1] for name, texts in cells.items()}
    if problems and not (columns and len(times)):
        raise InputError(problems)
    return Rows(str(path), number_of, times, columns, cells, problems)


def _table(path: Path) -> tuple[list[list[str]], list[int]]:
    """Return the cells of all lines that are not blank, and their line numbers."""
    try:
        reader = csv.reader(content(path).decode("utf-8-sig").splitlines())
        table = [(cells, reader.line_num) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        problem = Problem("weather", str(error), "a CSV file in UTF-8", 'save it as "CSV UTF-8"', str(path))
        raise InputError([problem]) from error
    if not table:
        cure = f'start with a header such as "{",".join(_EXAMPLES[name] for name in ("time", *_REQUIRED))}"'
        raise InputError([Problem("weather", "an empty file", "a header and rows", cure, str(path))])
    return [cells for cells, _ in table], [line for _, line in table]


def _header(place: str, cells: list[str]) -> tuple[list[str], dict[str, tuple[float, float]], list[Problem]]:
    """Return each column's name, empty if it is of no use, the conversion of each, and the faults."""
    names: list[str] = []
    units: dict[str, tuple[float, float]] = {}
    problems: list[Problem] = []
    for cell in cells:
        match = _HEADER.fullmatch(cell)
        name, unit = (match[1], match[2]) if match else (cell, None)
        problem = _header_problem(cell, name, unit, names, units)
        names.append("" if problem else name)
        if problem:
            problems.append(problem.at(place))
    found = {name for name in _EXAMPLES if any(_named(cell) == name for cell in cells)}
    lacking = [name for name in ("time", *_REQUIRED) if name not in found]
    if len(found & {"dni", "dhi"}) == 1:
        lacking += {"dni", "dhi"} - found
    problems += [Problem(name, "no such column", f'a column "{_EXAMPLES[name]}"', "", place) for name in lacking]
    return names, units, problems


def _named(cell: str) -> str:
    return cell.split("[", maxsplit=1)[0].strip()


def _header_problem(
    cell: str, name: str, unit: str | None, names: list[str], units: dict[str, tuple[float, float]]
) -> Problem | None:
    """Return what is wrong with a header, or None and put its conversion into `units`."""
    if name not in _EXAMPLES:
        near = nearest(name.lower(), _EXAMPLES)
        cure = f'did you mean "{_EXAMPLES[near]}"?' if near else ""
        return Problem("header", f'"{cell}"', f"one of {', '.join(_EXAMPLES)}", cure)
    if name in names:
        return Problem("header", f'"{cell}" again', "every column once")
    if name == "time":
        return None if unit is None else Problem("header", f'"{cell}"', "time without a unit", 'write "time"')
    if not unit:
        return Problem("header", f'"{cell}" without a unit', "the unit in brackets", f'write "{_EXAMPLES[name]}"')
    try:
        units[name] = conversion(_spelled(unit), _spelled(QUANTITIES[name].unit))
    except UnitError:
        wanted = f"a unit that converts to {QUANTITIES[name].unit}"
        return Problem("header", f'"{cell}"', wanted, f'such as "{_EXAMPLES[name]}"')
    return None


def _spelled(unit: str) -> str:
    """Write m2 as m**2: everyone writes W/m2, but the registry of units takes the 2 for a part of the name."""
    return _POWER.sub(r"**\1", unit)


def _even_rows(
    path: str, table: list[list[str]], lines: list[int], problems: list[Problem]
) -> tuple[list[list[str]], NDArray[np.int64]]:
    """Return the rows that have as many cells as the header, and their lines."""
    width = len(table[0])
    odd = [row for row in range(1, len(table)) if len(table[row]) != width]
    if odd:
        found = f"{len(table[odd[0]])} cells{more(len(odd))}"
        problems.append(Problem("row", found, f"{width} cells, as the header has", "", f"{path}:{lines[odd[0]]}"))
    left_out = {0, *odd}
    kept = [row for row in range(len(table)) if row not in left_out]
    return [table[row] for row in kept], np.array([lines[row] for row in kept], dtype=np.int64)


def _times(
    path: Path, texts: list[str], lines: NDArray[np.int64], utc_offset: float | None, problems: list[Problem]
) -> pd.DatetimeIndex:
    """Return each interval's start in the file's standard time, NaT where there is none."""
    matches = [_OFFSET.search(text) for text in texts]
    bare = np.array([match is None for match in matches], dtype=bool)
    times = pd.DatetimeIndex(
        pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", utc=True, errors="coerce")
    )
    unreadable = np.asarray(times.isna())
    offsets = {match[1] for match, wrong in zip(matches, unreadable, strict=True) if match and not wrong}
    standard = utc_offset if utc_offset is not None else min(map(_hours, offsets), default=0.0)
    if utc_offset is not None:
        times = times.where(~bare, times - pd.Timedelta(hours=utc_offset))
    wrongs = [(unreadable, "", "an ISO time", "such as 2026-01-01T00:00+08:00")]
    if utc_offset is None:
        cure = "write 2026-01-01T00:00+08:00, or say the file's UTC offset"
        wrongs.append((bare & ~unreadable, " without an offset", "times with their offset from UTC", cure))
    for wrong, what, wanted, cure in wrongs:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            found = f'"{texts[row]}"{what}{more(wrong.sum())}'
            problems.append(Problem("time", found, wanted, cure, f"{path}:{lines[row]}"))
    return times.tz_convert(timezone(timedelta(hours=standard)))


def _hours(offset: str) -> float:
    if offset == "Z":
        return 0.0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours = int(digits[:2]) + int(digits[2:]) / 60
    return -hours if offset[0] == "-" else hours
