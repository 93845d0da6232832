"""Windows of time, and a first plan out of theirs: what reaches across borders is made to fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solvers.coupling import Coupling
from solvers.linear import Array
from solvers.slicing import Mask, Places, Program


@dataclass(frozen=True)
class Window:
    """Places in time from `start` to before `end`."""

    start: int
    end: int

    def wider(self, by: int) -> Window:
        """Return the window with more on both sides."""
        return Window(self.start - by, self.end + by)

    def holds(self, times: Places) -> Mask:
        """Tell which times lie within."""
        return (times >= self.start) & (times < self.end)


def windows_of(length: int, width: int, shift: int = 0) -> list[Window]:
    """Return windows that cover places 0 to `length` - 1; with a shift the first is shorter or longer."""
    inner = list(range(width + shift, length - width // 2, width))
    edges = [0, *inner, length]
    return [Window(a, b) for a, b in pairwise(edges)]


@dataclass(frozen=True, eq=False)
class Task:
    """A piece to be solved: which columns of a plan are free, and whether the plan may be begun with."""

    program: Program
    columns: Places
    x: Array
    window: Window
    is_start: bool = False

    def share(self, length: int) -> float:
        """Return the part of the whole time that the window covers."""
        return (self.window.end - self.window.start) / length


SolveAll = Callable[[Sequence[Task]], Iterable[Array | None]]


class FirstPlan:
    """Whole numbers for all windows, from plans of windows that do not know of each other.

    Parameters
    ----------
    x
        Values of all columns: they keep the rows within each window, but not those across borders.
    seam
        How many places on each side of a border are solved again.
    """

    def __init__(self, program: Program, times: Places, x: Array, seam: int) -> None:
        self.program, self.times, self.x, self.seam = program, times, x, seam
        self.coupling = Coupling.of(program, times)

    def found(self, windows: Sequence[Window], is_whole: Sequence[bool], solve_all: SolveAll) -> Array | None:
        """Return a plan of the program, or None.

        Parameters
        ----------
        is_whole
            Which windows have whole numbers already; the others are solved as a whole, and a bit beyond.
        """
        seams = [
            Window(b.start - self.seam, b.start + self.seam)
            for (a, b), whole in zip(pairwise(windows), pairwise(is_whole), strict=True)
            if all(whole)
        ]
        if is_whole[-1]:
            # Rows may tie the end to the beginning.
            seams.append(Window(windows[-1].end - self.seam, windows[-1].end))
        others = [window.wider(self.seam) for window, whole in zip(windows, is_whole, strict=True) if not whole]
        failed = []
        # Neighbours are not solved at once.
        for turn in (seams, others[::2], others[1::2]):
            failed += self._put(turn, solve_all)
        for window in failed:
            step = max(1, (window.end - window.start) // 2)
            if not any(self._put_one(window.wider(by * step), solve_all) for by in (0, 1, 3, 9)):
                return None
        return self.x

    def _put_one(self, window: Window, solve_all: SolveAll) -> bool:
        return not self._put([window], solve_all)

    def _put(self, windows: Sequence[Window], solve_all: SolveAll) -> list[Window]:
        """Solve windows and put their plans in place; return those that failed."""
        found = list(solve_all([self._task(window) for window in windows]))
        failed = [window for window, x in zip(windows, found, strict=True) if x is None]
        for window, x in zip(windows, found, strict=True):
            if x is not None:
                inside = window.holds(self.times)
                self.x[inside] = x[inside]
        self.x = self.coupling.settled(self.program, self.x)
        return failed

    def _task(self, window: Window) -> Task:
        free = window.holds(self.times)
        free[self.coupling.followers] = True
        return Task(self.program, np.flatnonzero(free), self.x.copy(), window)
