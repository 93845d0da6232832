"""Windows of time, and a first plan out of them: every other one between margins, then those between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """A piece to be solved."""

    program: Program
    columns: Places
    x: Array
    relaxed: Mask | None
    window: Window
    is_start: bool = False

    def share(self, length: int) -> float:
        """Return the part of the whole time that the window covers."""
        return (self.window.end - self.window.start) / length


SolveAll = Callable[[Sequence[Task]], list[Array | None]]


class FirstPlan:
    """Whole numbers for all windows: every other one between margins, then those between."""

    def __init__(self, program: Program, times: Places, windows: Sequence[Window], x: Array) -> None:
        self.program, self.times, self.x = program, times, x
        self.coupling = Coupling.of(program, times)
        self.windows = windows
        self.margin = max(1, (windows[0].end - windows[0].start) // 4)

    def found(self, solve_all: SolveAll) -> Array | None:
        """Return a plan of the program, or None."""
        between = self._put(self.windows[::2], self.margin, solve_all)
        failed = self._put(sorted([*self.windows[1::2], *between], key=lambda w: w.start), 0, solve_all)
        for window in failed:
            if not any(self._put_one(window.wider(by * 2 * self.margin), solve_all) for by in (0, 1, 3, 9)):
                return None
        return self.x

    def _put_one(self, window: Window, solve_all: SolveAll) -> bool:
        return not self._put([window], 0, solve_all)

    def _put(self, windows: Sequence[Window], margin: int, solve_all: SolveAll) -> list[Window]:
        """Solve windows and put their plans in place; return those that failed."""
        found = solve_all([self._task(window, margin) for window in windows])
        failed = [window for window, x in zip(windows, found, strict=True) if x is None]
        for window, x in zip(windows, found, strict=True):
            if x is not None:
                inside = window.holds(self.times)
                self.x[inside] = x[inside]
        self.x = self.coupling.settled(self.program, self.x)
        return failed

    def _task(self, window: Window, margin: int) -> Task:
        free = window.wider(margin).holds(self.times)
        free[self.coupling.followers] = True
        return Task(self.program, np.flatnonzero(free), self.x.copy(), ~window.holds(self.times), window)
