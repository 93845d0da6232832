"""What a user sees of a running batch: how many cases are over, which run with which gap, and when it will end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from microgrid.batching.batch import Look, Summary
from microgrid.batching.chunks import Event

_FEW = 5
_SURE = 2.0  # standard errors on each side


@dataclass
class Estimate:
    """When a batch will end, from how fast cases came so far; says nothing before it has seen some."""

    started: float = field(default_factory=time.monotonic)
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a case that took so long."""
        self.count += 1
        off = seconds - self.mean
        self.mean += off / self.count
        self.squares += off * (seconds - self.mean)

    def left(self, cases: int, now: float | None = None) -> tuple[float, float] | None:
        """Return between how many and how many seconds the cases that are left will take; None if nobody can tell.

        The pace is that of the wall clock, start of the workers included; the range is what the scatter of the cases so
        far allows for the mean of the rest.
        """
        if self.count < _FEW or cases == 0:
            return None
        pace = ((time.monotonic() if now is None else now) - self.started) / self.count
        deviation = math.sqrt(self.squares / (self.count - 1))
        share = _SURE * deviation / max(self.mean, 1e-9) * math.sqrt(1 / self.count + 1 / cases)
        return max(cases * pace * (1 - share), 0.0), cases * pace * (1 + share)


@dataclass
class Board:
    """What there is to tell, kept up to date by events."""

    estimate: Estimate = field(default_factory=Estimate)
    running: dict[int, tuple[str, float]] = field(default_factory=dict)

    def take(self, event: Event | None) -> None:
        """Learn of an event."""
        if event is None:
            return
        if event.kind == "begins":
            self.running[event.worker] = event.what[1], math.nan
        elif event.kind == "progress" and event.worker in self.running:
            self.running[event.worker] = self.running[event.worker][0], event.what[1]
        elif event.kind == "solved":
            self.running.pop(event.worker, None)
            self.estimate.add(float(event.what.record["seconds"]))

    def line(self, summary: Summary) -> str:
        """Return the state of the batch as a line."""
        over, failed = summary.done + summary.solved, len(summary.failures)
        parts = [f"{over} of {summary.cases} cases"]
        if failed:
            parts.append(f"{failed} without a good plan")
        gaps = [f"{gap:.2%}" for _, gap in self.running.values() if math.isfinite(gap)]
        if gaps:
            parts.append(f"gaps {', '.join(gaps)}")
        left = self.estimate.left(summary.cases - over)
        parts.append("no estimate yet" if left is None else f"{told(*left)} left")
        return "   ".join(parts)


def told(low: float, high: float) -> str:
    """Return a range of seconds in words."""
    unit, size = next((u, s) for u, s in (("s", 1.0), ("min", 60.0), ("h", 3600.0)) if high < 120 * s or u == "h")
    one, other = f"{low / size:.0f}", f"{high / size:.0f}"
    return f"about {other} {unit}" if one == other else f"{one} to {other} {unit}"


@contextmanager
def looking(silent: bool = False, stream: IO[str] | None = None) -> Iterator[Look | None]:
    """Give a function that shows a batch: a bar in place on a terminal, a line now and then in a log."""
    stream = stream or sys.stderr
    board = Board()
    if silent:
        yield None
    elif stream.isatty():
        yield from _bar(board)
    else:
        yield _log(board, stream)


def _bar(board: Board) -> Iterator[Look]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    with Progress(BarColumn(), TextColumn("{task.description}"), console=console, transient=True) as progress:
        task = progress.add_task("reading")

        def look(event: Event | None, summary: Summary) -> None:
            board.take(event)
            over = summary.done + summary.solved
            progress.update(task, total=summary.cases, completed=over, description=board.line(summary))

        yield look


def _log(board: Board, stream: IO[str]) -> Look:
    """Return a look that writes a line ever more seldom: after a second, two, four, up to a minute."""
    now = time.monotonic()
    due, patience = [now + 1.0], [1.0]

    def look(event: Event | None, summary: Summary) -> None:
        board.take(event)
        now = time.monotonic()
        if now >= due[0]:
            patience[0] = min(2 * patience[0], 60.0)
            due[0] = now + patience[0]
            stream.write(board.line(summary) + "\n")
            stream.flush()

    return look
