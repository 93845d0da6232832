"""A basis to begin a long linear model with, put together from the optimal bases of stretches of its time.

The simplex method takes more steps for each hour of a year than for each hour of a month. Stretches are solved at once
and do not know of each other: rows that reach from one into the next are left out. Their bases together, with those
rows' slacks, are a few steps from the optimum of the whole. Whatever they are, the optimum is the same.

Sizes, columns without a time that nearly all stretches share, would be another in each stretch, and bases that
disagree about them fit together badly. So they agree on the mean first: held there, stretches and then the whole are
soon solved; then the whole may move them, a little at first (a step bounded like that of Marsten, Hogan and
Blankenship, Operations Research 23 (1975) 389, in their BOXSTEP method).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.pricing import blocks_of_rows
from solvers.runs import Clock, Run
from solvers.slicing import Mask, Places, Program

COLUMNS = 5000
"""About how many columns a stretch has. Of 2,000 to 15,000, none took a third longer than the best, on four years."""
STRETCHES = 6
"""The fewest stretches with which to begin; shorter models are solved as they are."""
STEP = 0.2
"""The share of a size that it may first move by; where it would go further, twice as much the next time."""
STEPS = 8
"""How often sizes are moved before they are let go."""
TRIFLE = 0.02
"""The share of its range that a size may move by however small it is."""

_STATUS = highspy.HighsBasisStatus


def first_basis(
    program: Program, times: Places, workers: int, clock: Clock, options: Mapping[str, object]
) -> Any | None:
    """Return a HiGHS basis of a linear program's columns and rows, or None where it is too short to be worth it.

    Parameters
    ----------
    times
        The place in time of each column, or NO_TIME, shape (columns,).
    workers
        How many stretches are solved at once.
    clock
        When to stop at the latest; the basis is then what is known of it.
    options
        HiGHS options.
    """
    length = int(times.max(initial=NO_TIME)) + 1
    number = min(len(times) // COLUMNS, length // 2)
    if number < STRETCHES:
        return None
    with ThreadPoolExecutor(workers) as pool:
        stretches = _Stretches(program, times, number, (clock, options))
        stretches.solve(pool.map)
        basis, sizes = stretches.joined(), stretches.sizes()
        if not len(sizes.columns):
            return basis
        stretches.hold(sizes)
        stretches.solve(pool.map)
        return _moved(stretches, sizes) or basis


@dataclass(frozen=True)
class _Sizes:
    """Columns that stretches are to agree on, and the values that they are held at."""

    columns: Places
    values: Array


@dataclass
class _Stretch:
    """One stretch: its columns and rows, its optimal basis, and the solver while it is to be solved again."""

    own: Places
    rows: Places
    run: Run | None = None
    common: Array | None = None
    basis: Any | None = None

    def solve(self, run: Run) -> None:
        """Solve it; keep what it wants of the columns without a time."""
        found = run.solve()
        self.basis = run.solver.getBasis() if found.is_optimal else None
        self.common = found.values[len(self.own) :] if found.is_optimal and found.values is not None else None


class _Stretches:
    """The stretches of a program."""

    def __init__(self, program: Program, times: Places, number: int, how: tuple[Clock, Mapping[str, object]]) -> None:
        self.program, self.how = program, how
        length = int(times.max()) + 1
        edges = np.arange(number) * length // number
        block = np.where(times == NO_TIME, number, np.searchsorted(edges, times, side="right") - 1)
        block_of_row, ties = blocks_of_rows(program, block, number)
        block_of_row[ties] = number
        self.common = np.flatnonzero(block == number)
        entries = program.a[:, self.common].tocoo()
        inside = block_of_row[entries.row] < number
        self.reaches = np.zeros((number, len(self.common)), dtype=bool)
        self.reaches[block_of_row[entries.row[inside]], entries.col[inside]] = True
        self.shares = np.maximum(self.reaches.sum(axis=0), 1)
        low, high = program.low[self.common], program.high[self.common]
        # Which columns are sizes: most stretches share them, and they have two bounds.
        self.are_sizes = np.isfinite(low) & np.isfinite(high) & (low < high) & (self.shares > number / 2)
        self.all = [_Stretch(np.flatnonzero(block == at), np.flatnonzero(block_of_row == at)) for at in range(number)]

    def _run(self, stretch: _Stretch) -> Run:
        """Return a solver of a stretch, which pays its part of what has no time."""
        own, cost = stretch.own, self.program.cost
        columns = np.concatenate([own, self.common])
        paid = np.concatenate([cost[own], cost[self.common] / self.shares])
        clock, options = self.how
        return Run(self.program.part(stretch.rows, columns, paid), clock, options, relaxed=True)

    def solve(self, at_once: Callable[..., Any]) -> None:
        """Solve all, as far as there is time; where there are sizes to agree on, keep the solvers."""
        clock, _ = self.how

        def solve(stretch: _Stretch) -> None:
            if not clock.is_over:
                run = stretch.run or self._run(stretch)
                stretch.solve(run)
                stretch.run = run if self.are_sizes.any() else None

        list(at_once(solve, self.all))

    def sizes(self) -> _Sizes:
        """Return the sizes that stretches are known to want, with the mean of them."""
        unknown = np.full(len(self.common), np.nan)
        wanted = np.array([unknown if each.common is None else each.common for each in self.all])
        known = self.reaches & np.isfinite(wanted)
        places = np.flatnonzero(self.are_sizes & known.any(axis=0))
        total = np.where(known, wanted, 0.0).sum(axis=0)[places]
        return _Sizes(self.common[places], total / known.sum(axis=0)[places])

    def hold(self, sizes: _Sizes) -> None:
        """Hold sizes in all stretches."""
        places = np.searchsorted(self.common, sizes.columns)
        for stretch in self.all:
            if stretch.run is not None:
                stretch.run.bound(places + len(stretch.own), sizes.values, sizes.values)

    def joined(self, sizes: _Sizes | None = None) -> Any:
        """Return the bases of all stretches as one of the whole, with sizes outside of it that are held."""
        columns = np.full(len(self.program.cost), _STATUS.kLower)
        rows = np.full(len(self.program.row_low), _STATUS.kBasic)
        # A column without a time that is not held stands in many rows: some of them will want it in the basis.
        is_held = self.program.low == self.program.high
        columns[self.common[~is_held[self.common]]] = _STATUS.kBasic
        if sizes is not None:
            columns[sizes.columns] = _STATUS.kLower
        for stretch in self.all:
            if stretch.basis is not None:
                columns[stretch.own] = stretch.basis.col_status[: len(stretch.own)]
                rows[stretch.rows] = stretch.basis.row_status
        whole = highspy.HighsBasis()
        whole.col_status, whole.row_status = columns.tolist(), rows.tolist()
        # HiGHS mends what is one basic column too many or too few.
        whole.valid = whole.alien = True
        return whole


def _moved(stretches: _Stretches, sizes: _Sizes) -> Any | None:
    """Return an optimal basis of the whole, for sizes that move step by step; None where it cannot be had."""
    program, (clock, options) = stretches.program, stretches.how
    run = Run(program, clock, options, relaxed=True)
    run.bound(sizes.columns, sizes.values, sizes.values)
    run.begin_with(stretches.joined(sizes))
    if not run.solve().is_optimal:
        return None
    low, high = program.low[sizes.columns], program.high[sizes.columns]
    values, step = sizes.values, STEP * np.maximum(sizes.values - low, TRIFLE * (high - low))
    for _ in range(STEPS):
        lowest, highest = np.maximum(low, values - step), np.minimum(high, values + step)
        run.bound(sizes.columns, lowest, highest)
        found = run.solve()
        if not found.is_optimal or found.values is None:
            return None
        values = found.values[sizes.columns]
        is_held = _is_held(values, (lowest, highest), (low, high))
        if not is_held.any():
            break
        step = np.where(is_held, 2 * step, step)
    return run.solver.getBasis()


def _is_held(values: Array, step: tuple[Array, Array], bounds: tuple[Array, Array]) -> Mask:
    """Tell which values are as far as their step goes, and not at bounds of their own."""
    trifle = 1e-6 * (bounds[1] - bounds[0])
    below = (values <= step[0] + trifle) & (step[0] > bounds[0] + trifle)
    above = (values >= step[1] - trifle) & (step[1] < bounds[1] - trifle)
    held: NDArray[np.bool_] = below | above
    return held
