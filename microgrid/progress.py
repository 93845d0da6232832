"""What a user sees while a solver runs: seconds, incumbent, bound and gap, on one line of the error stream."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from solvers import Progress

Watch = Callable[[Progress], None]


@contextmanager
def watching(silent: bool = False) -> Iterator[Watch | None]:
    """Give a function that shows each Progress it is called with; None where nobody looks.

    On a terminal the line is rewritten in place; in a log file a line comes whenever the gap has halved and, ever more
    seldom, while there is no plan yet.
    """
    if silent:
        yield None
        return
    if not sys.stderr.isatty():
        yield _log()
        return
    from rich.console import Console
    from rich.status import Status

    with Status("reading and building", console=Console(stderr=True)) as status:
        yield lambda progress: status.update(line(progress))


def line(progress: Progress) -> str:
    """Return a Progress as a line."""
    if progress.is_stopping:
        return f"{progress.seconds:6.1f} s   stopping; the best plan so far is kept"
    if not math.isfinite(progress.incumbent):
        bound = f"{progress.bound:,.2f}" if math.isfinite(progress.bound) else "none yet"
        return f"{progress.seconds:6.1f} s   no plan yet   bound {bound}"
    gap = f"{progress.gap:.3%}" if math.isfinite(progress.gap) else "unknown"
    return f"{progress.seconds:6.1f} s   incumbent {progress.incumbent:,.2f}   bound {progress.bound:,.2f}   gap {gap}"


def _log() -> Watch:
    shown, patience = math.inf, 10.0

    def watch(progress: Progress) -> None:
        nonlocal shown, patience
        is_better = math.isfinite(progress.gap) and progress.gap < shown / 2
        is_silent = not math.isfinite(progress.incumbent) and progress.seconds > patience
        if is_better or is_silent or progress.is_stopping:
            shown = progress.gap if is_better else shown
            patience = 2 * progress.seconds if is_silent else patience
            sys.stderr.write(line(progress) + "\n")
            sys.stderr.flush()

    return watch
