"""Windows of time, and a first plan out of theirs: what reaches across borders is made to fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from solvers.coupling import Coupling, spans, with_shortfalls
from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.pricing import blocks_of_rows
from solvers.slicing import Mask, Places, Program

SEAM = 6
"""What part of a window is solved again on each side of a border."""


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


def with_borders_held(program: Program, times: Places, edges: Sequence[int], x: Array) -> Program:
    """Return a program whose windows hand each other the stocks that a solution of its relaxation has at their borders.

    A row that balances one column of a later window, and nothing whole there, holds that column and no longer ties.

    Parameters
    ----------
    edges
        Where windows begin.
    x
        The solution of the relaxation, shape (columns,).
    """
    shared = len(edges)
    block = np.where(times == NO_TIME, shared, np.searchsorted(edges, times, side="right") - 1)
    first, ties = blocks_of_rows(program, block, shared)
    entries = program.a.tocoo()
    is_later = (block[entries.col] != shared) & (block[entries.col] > first[entries.row]) & ties[entries.row]
    balances = ties & (program.row_low == program.row_high)
    balances &= np.bincount(entries.row, is_later, minlength=len(ties)) == 1
    balances[entries.row[is_later & program.integer[entries.col]]] = False
    handed = is_later & balances[entries.row]
    rows, columns, held = entries.row[handed], entries.col[handed], x[entries.col[handed]]
    moved = np.bincount(rows, entries.data[handed] * held, minlength=len(ties))
    a = sparse.csc_array((entries.data[~handed], (entries.row[~handed], entries.col[~handed])), shape=program.a.shape)
    whole = replace(program, a=a, row_low=program.row_low - moved, row_high=program.row_high - moved)
    return whole.held(columns, held)


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

    @classmethod
    def of_loose(cls, program: Program, times: Places, x: Array, width: int, price: Array) -> FirstPlan:
        """Return that of a program whose rows longer than two windows may fall short, at a price of each row.

        Parameters
        ----------
        width
            About how many places a window has.
        """
        loose = with_shortfalls(program, spans(program, times) > 2 * width, price)
        more = len(loose.cost) - len(x)
        times = np.concatenate([times, np.full(more, NO_TIME)])
        return cls(loose, times, np.concatenate([x, np.zeros(more)]), max(1, width // SEAM))

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
