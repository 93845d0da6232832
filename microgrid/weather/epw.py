"""EnergyPlus weather files: eight lines of heading, then one line an hour."""

from __future__ import annotations

import csv
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from microgrid.errors import InputError, Problem
from microgrid.weather.rows import Rows, content, numbers

# Field number and the code for "missing", by the EnergyPlus data dictionary; that and all above it is no
# value.
_FIELDS = {
    "temperature": (6, 99.9),
    "pressure": (9, 999_999.0),
    "ghi": (13, 9999.0),
    "dni": (14, 9999.0),
    "dhi": (15, 9999.0),
    "wind_speed": (21, 999.0),
}
_LAST_FIELD = 21
_MAY_LACK = (("dni", "dhi"), ("pressure",))


def read_epw(path: Path) -> Rows:
    """Return the rows of an EPW file; see `read_weather`.

    Columns that are missing throughout and can be worked out (pressure; dni and dhi) are left away.

    Raises
    ------
    InputError
        If the file cannot be read, or is no EPW file.
    """
    lines = content(path).decode("utf-8-sig", errors="replace").splitlines()
    place, offset = _location(path, lines[0] if lines else "")
    heading, per_hour = _heading(path, lines)
    kept = [(number, line) for number, line in enumerate(lines[heading:], start=heading + 1) if line.strip()]
    fields = list(csv.reader(line for _, line in kept))
    number_of = np.array([number for number, _ in kept], dtype=np.int64)
    short = [row for row, values in enumerate(fields) if len(values) <= _LAST_FIELD]
    if short or not fields:
        row = short[0] if short else -1
        place_of = f"{path}:{number_of[row]}" if short else str(path)
        found = f"{len(fields[row])} fields" if short else "no data"
        raise InputError([Problem("weather", found, "lines of 35 fields, as EPW files have", "", place_of)])
    texts = {name: [values[field].strip() for values in fields] for name, (field, _) in _FIELDS.items()}
    columns = {name: numbers(texts[name]) for name in _FIELDS}
    for name, (_, missing) in _FIELDS.items():
        columns[name][columns[name] >= missing] = np.nan
    for names in _MAY_LACK:
        if all(np.isnan(columns[name]).all() for name in names):
            for name in names:
                del columns[name]
    times, problems = _times(path, fields, number_of, offset, per_hour)
    cure = "fill the gap; codes such as 9999 mean that a value is missing"
    return Rows(str(path), number_of, times, columns, texts, problems, place, cure)


def _location(path: Path, line: str) -> tuple[dict[str, float], float]:
    fields = line.split(",")
    wanted = '"LOCATION,city,region,country,source,number,latitude,longitude,time zone,elevation"'
    problem = Problem("weather", f'"{line[:60]}"', wanted, "is it an EPW file?", f"{path}:1")
    if fields[0] != "LOCATION" or len(fields) < 10:
        raise InputError([problem])
    try:
        latitude, longitude, offset, elevation = (float(field) for field in fields[6:10])
    except ValueError as error:
        raise InputError([problem]) from error
    if not -12 <= offset <= 14:
        raise InputError([Problem("time zone", f"{offset:g}", "-12 to 14 h ahead of UTC", "", f"{path}:1")])
    return {"latitude": latitude, "longitude": longitude, "elevation": elevation}, offset


def _heading(path: Path, lines: list[str]) -> tuple[int, int]:
    """Return how many lines come before the data, and how many records an hour has."""
    for row, line in enumerate(lines):
        fields = line.split(",")
        if fields[0] == "DATA PERIODS" and len(fields) > 2:
            per_hour = int(fields[2]) if fields[2].strip().isdigit() else 0
            if per_hour not in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60):
                found = f"{fields[2]} records an hour"
                raise InputError([Problem("weather", found, "a number that divides 60", "", f"{path}:{row + 1}")])
            return row + 1, per_hour
    raise InputError([Problem("weather", "no such line", 'a line "DATA PERIODS" before the data', "", str(path))])


def _times(
    path: Path, fields: list[list[str]], lines: np.ndarray, offset: float, per_hour: int
) -> tuple[pd.DatetimeIndex, list[Problem]]:
    """Return each interval's start; the hour tells its end, and the minute is written in too many ways to be used."""
    year, month, day, hour = (numbers([values[field] for values in fields]) for field in range(4))
    year[~((year >= 1800) & (year < 2200))] = np.nan
    hour[~((hour >= 1) & (hour <= 24))] = np.nan
    dates = pd.DataFrame({"year": year, "month": month, "day": day})
    starts = pd.to_datetime(dates, errors="coerce") + pd.to_timedelta(hour - 1, unit="h")
    starts += pd.to_timedelta(np.arange(len(fields)) % per_hour * (60 / per_hour), unit="min")
    wrong = np.flatnonzero(starts.isna())
    problems = []
    if len(wrong):
        row = int(wrong[0])
        found = f'"{",".join(fields[row][:4])}"'
        problems = [Problem("time", found, "year, month, day and an hour from 1 to 24", "", f"{path}:{lines[row]}")]
    return pd.DatetimeIndex(starts).tz_localize(timezone(timedelta(hours=offset))), problems
