"""Single figures out of records: seconds, memory, gaps; what is not there is nan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.programs import Record


def best(records: Iterable[Record], program: str, phase: str, first: bool) -> float:
    """Return the least seconds of a phase over a program's processes; its first run, or the later ones."""
    found = [
        run[phase]
        for record in records
        if record.program == program
        for run in (record.runs[:1] if first else record.runs[1:])
        if phase in run
    ]
    return min(found, default=math.nan)


def process(records: Iterable[Record], program: str, what: str) -> float:
    """Return the least `wall`, `megabytes` or `beyond_imports` over a program's processes."""
    return min((getattr(r, what) for r in records if r.program == program and r.told), default=math.nan)


def gap(records: Iterable[Record], program: str) -> float:
    """Return the gap that a program's first process ended with, as a share; nan where it has no plan."""
    for record in records:
        if record.program == program and "objective" in record.told:
            objective, bound = record.told["objective"], record.told["bound"]
            return max(objective - bound, 0.0) / abs(objective) if math.isfinite(objective) else math.nan
    return math.nan


def gaps(record: Record) -> list[tuple[float, float]]:
    """Return seconds and gap in percent, from the trace and the end of a run."""
    if not record.told:
        return []
    bound, points = -math.inf, []
    ends = [record.runs[0]["total"], record.told["objective"], record.told["bound"]]
    for seconds, incumbent, told in (*record.told["trace"], ends):
        bound = max(bound, told)
        if math.isfinite(incumbent) and math.isfinite(bound):
            points.append((seconds, max(100 * (incumbent - bound) / abs(incumbent), 1e-4)))
    return points


def seconds_to(records: Iterable[Record], program: str, wanted: float) -> float:
    """Return when a program first had a plan within a gap, as a share; infinite if it never had."""
    reached = [
        seconds
        for record in records
        if record.program == program
        for seconds, percent in gaps(record)
        if percent <= 100 * wanted * (1 + 1e-6)
    ]
    return min(reached, default=math.inf)


def spread(records: Sequence[Record]) -> float:
    """Return the largest relative difference between objectives."""
    told = [r.told["objective"] for r in records if "objective" in r.told]
    return (max(told) - min(told)) / abs(min(told)) if told else 0.0
