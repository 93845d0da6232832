"""The plan of a batch: which cases are solved one after the other, so that each may begin with the plan of the first.

Chunks follow from the list of cases alone, not from how many workers there are or what is done already: the same case
has the same neighbour every time, and hence the same plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from microgrid.families import Case

_LARGEST = 8
_FEWEST_CHUNKS = 16


@dataclass(frozen=True)
class Job:
    """One case as a worker needs it: the number of its family, and what changes in it.

    Parameters
    ----------
    is_wanted
        Whether it is to be solved; else it is solved only where others need its plan to begin with.
    """

    id: str
    name: str
    family: int
    values: tuple[tuple[str, Any, str], ...]
    is_wanted: bool


Chunk = tuple[Job, ...]


class Solved(NamedTuple):
    """A case that is over.

    Parameters
    ----------
    record
        What the index will say of it, the sizes of its files included.
    files
        The files of its tables; none where it has no plan, or where whoever solved it has put them into the store.
    """

    record: dict[str, Any]
    files: Mapping[str, bytes]

    @classmethod
    def given_up(cls, run: str, name: str, message: str) -> Solved:
        """Return what is told of a case that nobody could solve."""
        record = {"id": run, "name": name, "status": "failed", "message": message, "seconds": 0.0, "files": {}}
        return cls(record, {})


class Event(NamedTuple):
    """What a worker tells: that a case ``begins``, its ``progress``, that it is ``solved``; which worker; and what."""

    kind: str
    worker: int
    what: Any


def chunks_of(cases: Sequence[Case], done: Mapping[str, bool]) -> list[Chunk]:
    """Return the chunks that hold anything to be solved.

    Parameters
    ----------
    cases
        All cases of the batch, in their order.
    done
        By hash, whether a case that need not be solved has a plan. One without a plan is left out.
    """
    size = max(1, min(_LARGEST, len(cases) // _FEWEST_CHUNKS))
    found, seen = [], set[str]()
    for first, part in _cut(cases, size):
        jobs = []
        for case in part:
            is_wanted = case.id not in done and case.id not in seen
            seen.add(case.id)
            if is_wanted or done.get(case.id, False):
                jobs.append(Job(case.id, case.name, first, case.values, is_wanted))
        if any(job.is_wanted for job in jobs):
            found.append(tuple(jobs))
    return found


def left_of(chunk: Chunk, over: Collection[str], without_plan: Collection[str]) -> Chunk:
    """Return what is left of a chunk that was broken off: `over` was solved, `without_plan` found to have none."""
    return tuple(
        Job(job.id, job.name, job.family, job.values, job.is_wanted and job.id not in over)
        for job in chunk
        if job.id not in without_plan
    )


def _cut(cases: Sequence[Case], size: int) -> Iterator[tuple[int, Sequence[Case]]]:
    """Give stretches of at most `size` cases of one family, each with the family's number."""
    family, start = -1, 0
    for at, case in enumerate(cases):
        if at == 0 or case.family is not cases[at - 1].family:
            family, start = family + 1, at
        is_last = at + 1 == len(cases) or cases[at + 1].family is not case.family
        if is_last or at + 1 - start == size:
            yield family, cases[start : at + 1]
            start = at + 1
