"""The rows of a weather file as they stand there, and every fault that can be told from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.weather.record import (
    COMMON_YEAR,
    DAY,
    SECOND,
    clock,
    first_fault,
    microseconds,
    more,
    stamp,
    utc_offset,
    value_problem,
    within_year,
)


@dataclass(frozen=True, eq=False)
class Rows:
    """What a reader found in a file of n rows.

    Parameters
    ----------
    path
        The file.
    lines
        The line of each row, shape (n,).
    times
        Start of each interval in the file's standard time (a fixed offset); NaT where the file has no time.
    columns
        Values in the units of `Weather`, NaN where there is no number, each shape (n,).
    texts
        The same as written in the file.
    problems
        Faults found so far.
    place
        `latitude`, `longitude`, `elevation`, as far as the file tells.
    cure
        What to say of a missing value.
    """

    path: str
    lines: NDArray[np.int64]
    times: pd.DatetimeIndex
    columns: dict[str, NDArray[np.float64]]
    texts: dict[str, list[str]]
    problems: list[Problem] = field(default_factory=list)
    place: dict[str, float] = field(default_factory=dict)
    cure: str = ""

    def without_leap_days(self) -> Rows:
        """Return the same rows but those of a 29 February."""
        keep = ~((self.times.month == 2) & (self.times.day == 29))
        if keep.all():
            return self
        columns = {name: values[keep] for name, values in self.columns.items()}
        texts = {name: [t for t, k in zip(texts, keep, strict=True) if k] for name, texts in self.texts.items()}
        return replace(self, lines=self.lines[keep], times=self.times[keep], columns=columns, texts=texts)

    def value_problems(self) -> list[Problem]:
        """Return the first fault of each column, with its line and how many more there are."""
        problems = []
        for name, values in self.columns.items():
            row = first_fault(name, values)
            if row is None:
                continue
            problem = value_problem(name, values, row, self.times[row], self.texts[name][row])
            if not np.isfinite(values[row]):
                problem = replace(problem, cure=self.cure)
            problems.append(problem.at(f"{self.path}:{self.lines[row]}"))
        return problems

    def clock_problems(self, typical_year: bool) -> tuple[list[Problem], int]:
        """Return what is wrong with the times, and the interval [us], zero if it cannot be told."""
        if len(self.times) < 2:
            return [Problem("time", f"{len(self.times)} rows", "at least two, so that the interval is known")], 0
        if self.times.isna().any():
            return [], 0
        position = self._positions(typical_year)
        doubled = pd.Index(position).duplicated()
        if doubled.any():
            row = int(np.flatnonzero(doubled)[0])
            what = "month, day and time" if typical_year else "time"
            found = f"{stamp(self.times[row])} stands twice{more(doubled.sum())}"
            return [self._time_problem(row, found, f"every {what} once")], 0
        change = np.diff(position)
        change = change % COMMON_YEAR if typical_year else change
        step = int(np.median(change))
        astray = np.flatnonzero(change != step) + 1
        if len(astray):
            return [self._jump(int(astray[0]), step, len(astray))], 0
        if DAY % step:
            return [self._time_problem(1, f"steps of {_minutes(step)}", "steps that divide a day, such as 60 min")], 0
        return [], step

    def _positions(self, typical_year: bool) -> NDArray[np.int64]:
        times = microseconds(self.times)
        return within_year(clock(times + utc_offset(self.times))) if typical_year else times

    def _jump(self, row: int, step: int, count: int) -> Problem:
        before, here = self.times[row - 1], self.times[row]
        due = before + pd.Timedelta(microseconds=step)
        if step < 0 or here < due:
            found = f"{stamp(here)} after {stamp(before)}"
            return self._time_problem(row, found + more(count), "times in ascending order, in equal steps")
        wanted = f"steps of {_minutes(step)} without gaps"
        return self._time_problem(row, f"{stamp(due)} is missing{more(count)}", wanted)

    def _time_problem(self, row: int, found: str, wanted: str) -> Problem:
        return Problem("time", found, wanted, "", f"{self.path}:{self.lines[row]}")


def content(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        problem = Problem("weather", "cannot be read", "a weather file", "check its name and folder", str(path))
        raise InputError([problem]) from error


def numbers(texts: list[str]) -> NDArray[np.float64]:
    """Return texts as numbers, NaN where one is none, shape (n,)."""
    return np.array(pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce"), dtype=float)


def _minutes(step: int) -> str:
    return f"{step / (60 * SECOND):g} min"
