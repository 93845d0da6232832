"""A batch: cases in, a store that holds the plan of each, solved once for its hash."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from microgrid.batching.checking import check
from microgrid.batching.chunks import Chunk, Event, Solved, chunks_of
from microgrid.documents import Document
from microgrid.families import Case, expand
from microgrid.faults import shown_path
from microgrid.store.folder import PLANS, Store
from microgrid.versions import version_of

STORE = "results"


class Workers(Protocol):
    """Whoever solves chunks: in this process, in others, or on a cluster."""

    def begin(self) -> None:
        """Begin what can be begun before the cases are checked."""

    def events(self) -> Generator[Event | None, None, None]:
        """Give what becomes of the cases, and None now and then."""

    def stop(self) -> None:
        """End what was begun, however far it is; more than once does no harm."""


@dataclass
class Summary:
    """What a batch did.

    Parameters
    ----------
    cases
        How many there were.
    done
        How many of them had been solved before.
    ended
        How many of those that were solved now ended how.
    failures
        Status and message of each case that has no good plan, by name; those of earlier calls included.
    statuses
        Every way in which a case ended, now or before.
    """

    store: Store
    cases: int
    done: int
    ended: Counter[str] = field(default_factory=Counter)
    failures: dict[str, tuple[str, str]] = field(default_factory=dict)
    statuses: set[str] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def solved(self) -> int:
        """How many cases were solved now, with a plan or without."""
        return sum(self.ended.values())


Look = Callable[[Event | None, Summary], None]


def batch(
    files: Iterable[Path | str] | Path | str,
    store: Path | str = STORE,
    workers: int | None = None,
    overrides: Mapping[str, str] | None = None,
    *,
    force: bool = False,
    cluster: str = "",
    look: Look | None = None,
) -> Summary:
    """Solve the cases of scenario files into a result store; a case that is there already is not solved again.

    Parameters
    ----------
    files
        Scenario files, with sweeps or without.
    store
        Folder of the results; made where it is not there.
    workers
        Number of processes, by default one a processor; 0 solves in this process, which is good for a few quick cases.
    overrides
        Values by path, for every case: ``{"assets.battery.energy": "3 MWh"}``.
    force
        Whether cases are solved again though they are there.
    cluster
        Address of a Dask scheduler, such as ``tcp://scheduler:8786``, whose workers solve the cases instead.
    look
        Called with every event, and every now and then with None.

    Raises
    ------
    InputError
        If a file holds faults, two cases have one name, or the store cannot be written. What was solved stays.
    """
    named = [files] if isinstance(files, Path | str) else list(files)
    cases = expand(named, overrides)
    opened = Store.open_or_make(store)
    done = {} if force else opened.done()
    started = time.perf_counter()
    summary = Summary(opened, len(cases), sum(case.id in done for case in cases))
    _name_again(opened, cases, done)
    _recall(summary, cases, done)
    chunks = chunks_of(cases, {run: record["status"] in PLANS for run, record in done.items()})
    if chunks:
        solvers = _workers(workers, cluster, _families(cases), chunks, opened)
        try:
            solvers.begin()
            wanted = {job.id for chunk in chunks for job in chunk if job.is_wanted}
            check([case for case in cases if case.id in wanted])
            _collect(solvers, cases, summary, look)
        finally:
            solvers.stop()
    summary.seconds = time.perf_counter() - started
    return summary


def _families(cases: Collection[Case]) -> dict[int, Document]:
    families = dict.fromkeys(case.family for case in cases)
    return {number: family.document for number, family in enumerate(families)}


def _workers(
    workers: int | None, cluster: str, families: Mapping[int, Document], chunks: Sequence[Chunk], store: Store
) -> Workers:
    if cluster:
        from microgrid.batching.cluster import Cluster

        return Cluster(cluster, families, chunks)
    if workers == 0:
        from microgrid.batching.alone import Alone

        return Alone(families, chunks)
    from microgrid.batching.pool import Pool

    return Pool(workers or processors(), families, chunks, store)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _collect(workers: Workers, cases: Sequence[Case], summary: Summary, look: Look | None) -> None:
    """Write what becomes of the cases as it comes."""
    named: dict[str, list[Case]] = {}
    for case in cases:
        named.setdefault(case.id, []).append(case)
    events = workers.events()
    try:
        for event in events:
            if event is not None and event.kind == "solved":
                _add(summary, named[event.what.record["id"]], event.what)
            if look is not None:
                look(event, summary)
    finally:
        events.close()  # ends the processes, whatever happened


def _add(summary: Summary, cases: Sequence[Case], solved: Solved) -> None:
    if solved.files:
        summary.store.put(solved.record["id"], solved.files)
    summary.store.note([solved.record | _of_case(case) for case in cases])
    for case in cases:
        summary.ended[solved.record["status"]] += 1
        _fail(summary, case, solved.record)


def _of_case(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "family": case.family.name,
        "file": str(shown_path(case.family.path)),
        "labels": dict(case.labels),
        "place": case.place,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": version_of(),
    }


def _fail(summary: Summary, case: Case, record: Mapping[str, Any]) -> None:
    summary.statuses.add(record["status"])
    if record["status"] not in PLANS or record["status"] == "audit failed":
        summary.failures[case.name] = record["status"], record["message"]


def _recall(summary: Summary, cases: Sequence[Case], done: Mapping[str, Mapping[str, Any]]) -> None:
    """Tell failures of earlier calls again: the user asked for these cases, too."""
    for case in cases:
        if case.id in done:
            _fail(summary, case, done[case.id])


def _name_again(store: Store, cases: Sequence[Case], done: Mapping[str, Mapping[str, Any]]) -> None:
    """Record what was solved under another name, or before the case was changed and changed back."""
    current = store.records()
    news = [
        dict(done[case.id]) | _of_case(case) | {"finished": done[case.id]["finished"]}
        for case in cases
        if case.id in done and (case.name not in current or not _same(current[case.name], case))
    ]
    if news:
        store.note(news)


def _same(record: Mapping[str, Any], case: Case) -> bool:
    own = case.id, case.family.name, dict(case.labels), case.place
    return (record["id"], record["family"], record["labels"], record["place"]) == own
