"""Processes of this machine that solve chunks. One that dies takes its running case with it, and is replaced."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from microgrid.batching.chunks import Chunk, Event, Solved, left_of
from microgrid.batching.process import receive, send
from microgrid.documents import Document
from microgrid.errors import InputError, MicrogridError
from microgrid.store.folder import PLANS, Store

_DEATHS = 2
"""How often the process of a case may die before the case is given up."""


@dataclass(eq=False)
class _Worker:
    """A process, its chunk, and what it has solved of it."""

    process: subprocess.Popen[bytes]
    chunk: Chunk | None = None
    running: tuple[str, str] | None = None
    over: set[str] = field(default_factory=set)
    without_plan: set[str] = field(default_factory=set)
    ear: threading.Thread | None = None

    def end(self) -> int:
        """Close the input, wait for the process to end, and return how it did."""
        with suppress(OSError):  # what was sent to a dead process, and not yet written
            if self.process.stdin is not None:
                self.process.stdin.close()
        code = self.process.wait()
        if self.ear is not None:
            self.ear.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


class Pool:
    """Some processes and the chunks before them; they put the files of their cases into the store themselves."""

    def __init__(self, workers: int, families: Mapping[int, Document], chunks: Sequence[Chunk], store: Store) -> None:
        self.families = families
        self.store = store
        self.ahead = deque(chunks)
        self.deaths: dict[str, int] = {}
        self.heard: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
        self.workers: dict[int, _Worker] = {}
        self.started = 0
        self.most = max(1, min(workers, len(chunks)))

    def events(self) -> Generator[Event | None, None, None]:
        """Give what the workers tell, and None now and then while they tell nothing, until all chunks are over."""
        self.begin()
        try:
            while self.workers:
                try:
                    number, kind, what = self.heard.get(timeout=0.2)
                except queue.Empty:
                    yield None
                    continue
                yield from self._take(number, kind, what)
        finally:
            self.stop()

    def begin(self) -> None:
        """Start the processes: they import while the caller may still have something else to do."""
        while self.started < self.most:
            self._start()

    def stop(self) -> None:
        """End every process at once, whatever it does."""
        for worker in self.workers.values():
            worker.process.kill()
        for worker in self.workers.values():
            worker.end()
        self.workers.clear()

    def _start(self) -> None:
        code = [sys.executable, "-m", "microgrid.batching.process"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        # In a session of its own it does not hear Ctrl-C: it is the parent that ends it.
        process = subprocess.Popen(
            code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
        number, self.started = self.started, self.started + 1
        self.workers[number] = _Worker(process)
        ear = threading.Thread(target=self._listen, args=(number, process), daemon=True)
        self.workers[number].ear = ear
        ear.start()
        self._send(number, (self.families, self.store))

    def _listen(self, number: int, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        while True:
            try:
                self.heard.put((number, *receive(process.stdout)))
            except (EOFError, ValueError):
                self.heard.put((number, "dead", None))
                return

    def _send(self, number: int, message: Any) -> None:
        """Send a message; that a process is dead is heard where its output ends."""
        stream = self.workers[number].process.stdin
        try:
            if stream is not None:
                send(stream, message)
        except OSError:
            return

    def _take(self, number: int, kind: str, what: Any) -> Iterator[Event]:
        worker = self.workers.get(number)
        if worker is None:
            return
        if kind in ("ready", "chunk"):
            self._next(number, worker)
        elif kind == "dead":
            yield from self._bury(number, worker)
        elif kind == "refused":
            raise InputError(what)
        else:
            if kind == "begins":
                worker.running = what
            elif kind == "solved":
                worker.over.add(what.record["id"])
                if what.record["status"] not in PLANS:
                    worker.without_plan.add(what.record["id"])
            yield Event(kind, number, what)

    def _next(self, number: int, worker: _Worker) -> None:
        worker.over, worker.without_plan, worker.running = set(), set(), None
        worker.chunk = self.ahead.popleft() if self.ahead else None
        if worker.chunk is not None:
            self._send(number, worker.chunk)
        else:
            self._dismiss(number)

    def _dismiss(self, number: int) -> None:
        self.workers.pop(number).end()

    def _bury(self, number: int, worker: _Worker) -> Iterator[Event]:
        """Put what a dead process had before it back in front, without a case of which it is the second."""
        self.workers.pop(number)
        code = worker.end()
        chunk, running = worker.chunk, worker.running
        if chunk is None:
            raise MicrogridError(f"a worker could not start: it ended with {_ending(code)}")
        if running is not None:
            case, name = running
            self.deaths[case] = self.deaths.get(case, 0) + 1
            if self.deaths[case] >= _DEATHS:
                message = f"its process died {_DEATHS} times, last with {_ending(code)}; perhaps the memory ran out"
                worker.over.add(case)
                worker.without_plan.add(case)
                yield Event("solved", number, Solved.given_up(case, name, message))
        left = left_of(chunk, worker.over, worker.without_plan)
        if any(job.is_wanted for job in left):
            self.ahead.appendleft(left)
        if self.ahead:
            self._start()


def _ending(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"
