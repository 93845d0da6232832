"""Chunks solved by the workers of a Dask cluster: scenarios and series travel once, a lost worker's chunks elsewhere.

The workers need the same version of this package, and write nothing but a temporary folder; results travel back and are
written here. So a cluster needs no file system that all its machines share.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from microgrid.batching.chunks import Chunk, Event, Job, Solved
from microgrid.documents import Document, with_values
from microgrid.errors import InputError, MicrogridError, Problem
from microgrid.versions import engine

_PATIENCE = "20s"
_AHEAD = 3
"""Chunks submitted for each thread of the cluster: enough to keep it busy, few enough not to fill a scheduler."""


@dataclass(frozen=True)
class Bundle:
    """All that the workers need: the families, and the files that their cases name, by path under one root."""

    families: Mapping[int, Document]
    root: str
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, families: Mapping[int, Document], chunks: Sequence[Chunk]) -> Bundle:
        """Gather the files of all cases."""
        named = {path.absolute() for document in families.values() for path in document.named_files}
        for chunk in chunks:
            for job in chunk:
                changed = with_values(families[job.family], job.values)
                named |= {path.absolute() for path in changed.named_files}
        inside = [os.path.normpath(path) for path in named]
        around = [os.path.normpath(p.absolute()) for d in families.values() for p in (d.folder, *d.files)]
        root = os.path.commonpath([*inside, *around])
        root = root if Path(root).is_dir() else str(Path(root).parent)
        files = {os.path.relpath(path, root): Path(path).read_bytes() for path in inside if Path(path).is_file()}
        return cls(families, root, files)

    @property
    def name(self) -> str:
        """A name that other contents have not."""
        return f"green-microgrid-{hashlib.sha256(pickle.dumps(self)).hexdigest()[:16]}"

    def unpacked(self, folder: Path) -> dict[int, Document]:
        """Write the files into a folder; return the families as if they stood there."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return {number: self._moved(document, folder) for number, document in self.families.items()}

    def _moved(self, document: Document, folder: Path) -> Document:
        def there(path: Path) -> Path:
            moved = folder / os.path.relpath(path.absolute(), self.root)
            return Path(os.path.normpath(moved))

        home = there(document.folder)
        home.mkdir(parents=True, exist_ok=True)
        return replace(document, folder=home, files=tuple(there(path) for path in document.files))


class Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, address: str, families: Mapping[int, Document], chunks: Sequence[Chunk]) -> None:
        self.client = _connected(address)
        self.chunks = chunks
        try:
            self.bundle = Bundle.of(families, chunks)
            self.client.register_plugin(_plugin(self.bundle), name=self.bundle.name)
            _refuse_other_versions(self.client)
        except BaseException:
            self.client.close()
            raise

    def begin(self) -> None:
        """Begin nothing: the workers are there."""

    def stop(self) -> None:
        """Leave the scheduler; workers forget what they were given."""
        with suppress(Exception):
            self.client.unregister_worker_plugin(self.bundle.name)
        self.client.close()

    def events(self) -> Generator[Event | None, None, None]:
        """Give the cases of each chunk as it comes back."""
        from distributed import KilledWorker, as_completed

        ahead = iter(self.chunks)
        pending: dict[str, tuple[Any, Chunk]] = {}
        done = as_completed(loop=self.client.loop)

        def submit(chunk: Chunk) -> None:
            future = self.client.submit(_solved, self.bundle.name, chunk, pure=False)
            pending[future.key] = future, chunk
            done.add(future)

        try:
            threads = sum(self.client.nthreads().values())
            for chunk in islice(ahead, max(_AHEAD * threads, _AHEAD)):
                submit(chunk)
            for future in done:
                _, chunk = pending.pop(future.key)
                try:
                    yield from _events(future.result())
                except KilledWorker as error:
                    wanted = [job for job in chunk if job.is_wanted]
                    if len(wanted) == 1:
                        yield _given_up(wanted[0], error)
                    for part in _apart(chunk, wanted) if len(wanted) > 1 else ():
                        submit(part)
                future.release()
                for chunk in islice(ahead, 1):
                    submit(chunk)
                yield None
        finally:
            with suppress(Exception):
                self.client.cancel([future for future, _ in pending.values()])
            self.stop()


def _events(solved: list[Solved]) -> Iterator[Event]:
    for case in solved:
        yield Event("solved", 0, case)


def _given_up(job: Job, error: Exception) -> Event:
    message = f"its workers died: {error}; perhaps the memory ran out"
    return Event("solved", 0, Solved.given_up(job.id, job.name, message))


def _apart(chunk: Chunk, wanted: Sequence[Job]) -> Iterator[Chunk]:
    """Give the cases of a chunk one by one, each with the same plan to begin with as in the whole."""
    for one in wanted:
        yield tuple(replace(job, is_wanted=job is one) for job in chunk)


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        cure = "pip install 'green-microgrid[cluster]'"
        raise InputError([Problem("--cluster", "no package distributed", "Dask's client", cure)]) from error
    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        wanted = "the address of a Dask scheduler that runs, such as tcp://scheduler:8786"
        raise InputError([Problem("--cluster", f"{address}: {error}", wanted)]) from error


def _refuse_other_versions(client: Any) -> None:
    """Refuse workers with another engine, or other packages that make numbers."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        raise MicrogridError("the cluster has no workers: start some, and call the batch again") from None
    own = dict(engine())
    for worker, found in client.run(_engine).items():
        other = next((part for part in own if found.get(part) != own[part]), None)
        if other is not None:
            has = f"{other} {found.get(other, 'none')}, here it is {own[other]}"
            cure = "install the same on all machines, or its plans would be told under a hash that is not theirs"
            raise MicrogridError(f"the worker {worker} has {has}: {cure}")


def _engine() -> dict[str, str]:
    return dict(engine())


def _plugin(bundle: Bundle) -> Any:
    """Return the plugin that gives every worker, later ones included, the bundle and a solver of its own."""
    from distributed import WorkerPlugin

    class Unpack(WorkerPlugin):  # type: ignore[misc]
        """Holds a solver on a worker."""

        def __init__(self) -> None:
            self.name = bundle.name
            self.bundle = bundle

        def setup(self, worker: Any) -> None:
            """Write the files and make the solver."""
            _hold(worker, self.bundle)

        def teardown(self, worker: Any) -> None:
            """Take them away."""
            _release(worker, self.bundle.name)

    return Unpack()


@dataclass
class _Held:
    folder: tempfile.TemporaryDirectory[str]
    solver: Any
    lock: Any


def _hold(worker: Any, bundle: Bundle) -> None:
    from microgrid.batching.solving import Solver

    folder = tempfile.TemporaryDirectory(prefix="green-microgrid-")
    held = worker.__dict__.setdefault("green_microgrid", {})
    held[bundle.name] = _Held(folder, Solver(bundle.unpacked(Path(folder.name))), Lock())


def _release(worker: Any, name: str) -> None:
    held = worker.__dict__.get("green_microgrid", {}).pop(name, None)
    if held is not None:
        held.folder.cleanup()


def _solved(name: str, chunk: Chunk) -> list[Solved]:
    """Solve a chunk on a worker; one at a time in a process, for models are built with state of the whole process."""
    from distributed import get_worker

    held = get_worker().__dict__["green_microgrid"][name]
    with held.lock:
        return list(held.solver.chunk(chunk))
