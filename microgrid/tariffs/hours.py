"""Hours of a day as tariffs write them: ``8-11``, ``11:30-14:30``, ``22-6``, and the word `rest`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from microgrid.faults import Fault, RefusedError, shown

MINUTES_A_DAY = 1440
# All edges of tariffs seen so far are at full and half hours; a finer grid costs time on long horizons.
GRID = 5
REST = "rest"
_RANGE = re.compile(r"\s*(\d{1,2})(?::(\d{2}))?\s*[-–]\s*(\d{1,2})(?::(\d{2}))?\s*")
_SAMPLE = "hours such as 8-11, 11:30-14:30 or 22-6"


class Stretch(NamedTuple):
    """A part of a day: from one minute to another, and the period it belongs to."""

    start: int
    end: int
    period: str


def read_clock(hours: Mapping[str, Any]) -> tuple[Stretch, ...]:
    """Return a day's stretches in order, from ``{peak: [8-11, 18-21], valley: 22-6, flat: rest}``.

    Raises
    ------
    RefusedError
        If an hour is claimed twice, or by no period; the faults name the hours.
    """
    faults, stretches, resting = list[Fault](), list[Stretch](), list[str]()
    for period, value in hours.items():
        for at, text in enumerate(value if isinstance(value, list | tuple) else [value]):
            if text == REST:
                resting.append(period)
                continue
            try:
                stretches += [Stretch(start, end, period) for start, end in _ranges(text)]
            except ValueError:
                path = (period, at) if isinstance(value, list | tuple) else (period,)
                faults.append(Fault(path, shown(text), _SAMPLE, f'or the word "{REST}" for all that is left'))
    stretches.sort()
    faults += list(_overlaps(stretches))
    gaps = list(_gaps(stretches))
    if len(resting) > 1:
        faults.append(Fault((resting[1],), REST, "one period for the rest of the day", f"{resting[0]} has it already"))
    elif gaps and not resting and not faults:
        told = ", ".join(f"{clock(start)} to {clock(end)}" for start, end in gaps)
        faults.append(Fault((), f"no period from {told}", "every hour of the day in one period", "write flat: rest"))
    if faults:
        raise RefusedError(faults)
    return tuple(sorted([*stretches, *(Stretch(*gap, resting[0]) for gap in gaps)])) if resting else tuple(stretches)


def _ranges(text: Any) -> Iterator[tuple[int, int]]:
    """Give a range in minutes from midnight; one over midnight as two."""
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError
    start, end = (60 * int(match[at]) + int(match[at + 1] or 0) for at in (1, 3))
    if max(start, end) > MINUTES_A_DAY or start % GRID or end % GRID or start == end:
        raise ValueError
    if start < end:
        yield start, end
    else:
        yield from ((a, b) for a, b in ((start, MINUTES_A_DAY), (0, end)) if a < b)


def _overlaps(stretches: Sequence[Stretch]) -> Iterator[Fault]:
    reach = Stretch(0, 0, "")
    for each in stretches:
        if each.start < reach.end:
            until = min(each.end, reach.end)
            found = f"{clock(each.start)} to {clock(until)}, which {reach.period} has too"
            yield Fault((each.period,), found, "every hour of the day in one period", "take it out of one of them")
        reach = each if each.end > reach.end else reach


def _gaps(stretches: Sequence[Stretch]) -> Iterator[tuple[int, int]]:
    reached = 0
    for start, end, _ in stretches:
        if start > reached:
            yield reached, start
        reached = max(reached, end)
    if reached < MINUTES_A_DAY:
        yield reached, MINUTES_A_DAY


def clock(minute: int) -> str:
    """Return a minute of the day as a clock shows it; the day's end is 24:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
