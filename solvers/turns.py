"""What a search over many windows shares out: the time that is left, the processors, and the word to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from solvers.runs import Clock

PATIENCE = 60.0
"""Most seconds for a single window."""
TURN = 0.4
"""Most of the time that is left that one turn through windows may take, if all of them were hard."""


class Turn:
    """The time of one turn through windows: what easy ones leave goes to hard ones, and some is left over."""

    def __init__(self, clock: Clock, number: int, workers: int) -> None:
        self.clock, self.workers, self.waiting = clock, workers, number
        self.end = clock.spent + TURN * clock.left
        self.lock = threading.Lock()

    def seconds(self) -> float:
        """Return how long the window that begins now may take: a few times its share of what is left."""
        with self.lock:
            share = (self.end - self.clock.spent) * self.workers / max(self.waiting, 1)
            self.waiting -= 1
        return min(PATIENCE, max(1.0, 4 * share))


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def stopping(asked: threading.Event, tell: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C into a stop that keeps the plan, and tell so; a second one is Python's own again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        if asked.is_set() and callable(earlier):
            earlier(number, frame)
        asked.set()
        tell()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
