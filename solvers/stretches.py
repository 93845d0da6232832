"""Stretches of a long linear program's time: solved at once, joined to a basis of the whole, agreeing on sizes.

Stretches do not know of each other: rows that reach from one into the next are left out. Columns without a time that
nearly all stretches share, sizes, would be another in each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.pricing import blocks_of_rows
from solvers.runs import Clock, Run
from solvers.slicing import Places, Program

COLUMNS = 5000
"""About how many columns a stretch has. Of 2,000 to 15,000, none took a third longer than the best, on four years."""
STRETCHES = 6
"""The fewest stretches with which to begin; shorter models are solved as they are."""

_STATUS = highspy.HighsBasisStatus
Map = Callable[..., Any]


def edges_of(times: Places) -> Places | None:
    """Return where the stretches of a program begin, or None where it is too short for them to be worth it."""
    length = int(times.max(initial=NO_TIME)) + 1
    number = min(len(times) // COLUMNS, length // 2)
    return None if number < STRETCHES else np.arange(number) * length // number


@dataclass(frozen=True)
class Sizes:
    """Columns that stretches are to agree on, and the values that they are held at."""

    columns: Places
    values: Array


@dataclass
class _Stretch:
    """One stretch: its columns and rows, its optimal basis, and the solver while it is to be solved again."""

    own: Places
    rows: Places
    run: Run | None = None
    values: Array | None = None
    basis: Any | None = None

    def solve(self, run: Run) -> None:
        """Solve it; keep its plan, columns without a time included, and the last basis that was optimal."""
        found = run.solve()
        self.basis = run.solver.getBasis() if found.is_optimal else self.basis
        self.values = found.values if found.is_optimal else None

    @property
    def common(self) -> Array | None:
        """What it wants of the columns without a time."""
        return None if self.values is None else self.values[len(self.own) :]


class Stretches:
    """The stretches of a program.

    Parameters
    ----------
    times
        The place in time of each column, or NO_TIME, shape (columns,).
    edges
        Where they begin, shape (stretches,).
    clock
        When to stop at the latest.
    options
        HiGHS options.
    """

    def __init__(
        self, program: Program, times: Places, edges: Places, clock: Clock, options: Mapping[str, object]
    ) -> None:
        self.program, self.times, self.edges, self.clock, self.options = program, times, edges, clock, options
        number = len(edges)
        block = np.where(times == NO_TIME, number, np.searchsorted(edges, times, side="right") - 1)
        block_of_row, ties = blocks_of_rows(program, block, number)
        self.timeless_rows = np.flatnonzero((block_of_row == number) & ~ties)
        # What is limited over all of the time: rows that most stretches share.
        self.limits = [row for row in np.flatnonzero(ties) if self._shared(int(row), block) > number / 2]
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
        self.is_solved_again = bool(self.are_sizes.any() or self.limits)
        self.all = [_Stretch(np.flatnonzero(block == at), np.flatnonzero(block_of_row == at)) for at in range(number)]

    def _run(self, stretch: _Stretch) -> Run:
        """Return a solver of a stretch, which pays its part of what has no time."""
        own, cost = stretch.own, self.program.cost
        columns = np.concatenate([own, self.common])
        paid = np.concatenate([cost[own], cost[self.common] / self.shares])
        return Run(self.program.part(stretch.rows, columns, paid), self.clock, self.options, relaxed=True)

    def solve(self, at_once: Map) -> None:
        """Solve all, as far as there is time; keep solvers where sizes are agreed on, or limits priced."""

        def solve(stretch: _Stretch) -> None:
            if not self.clock.is_over:
                run = stretch.run or self._run(stretch)
                stretch.solve(run)
                stretch.run = run if self.is_solved_again else None

        list(at_once(solve, self.all))

    def sizes(self) -> Sizes:
        """Return the sizes that stretches are known to want, with the mean of them."""
        unknown = np.full(len(self.common), np.nan)
        wanted = np.array([unknown if each.common is None else each.common for each in self.all])
        known = self.reaches & np.isfinite(wanted)
        places = np.flatnonzero(self.are_sizes & known.any(axis=0))
        total = np.where(known, wanted, 0.0).sum(axis=0)[places]
        return Sizes(self.common[places], total / known.sum(axis=0)[places])

    def hold(self, sizes: Sizes) -> None:
        """Hold sizes in all stretches."""
        places = np.searchsorted(self.common, sizes.columns)
        for stretch in self.all:
            if stretch.run is not None:
                stretch.run.bound(places + len(stretch.own), sizes.values, sizes.values)

    @property
    def cost(self) -> float:
        """What all stretches cost at their own prices."""
        runs = [each.run for each in self.all if each.run is not None]
        return abs(sum(float(run.solver.getInfo().objective_function_value) for run in runs))

    def _shared(self, row: int, block: Places) -> int:
        """Return how many stretches a row reaches."""
        by_row = self.program.by_row
        reached = block[by_row.indices[by_row.indptr[row] : by_row.indptr[row + 1]]]
        return len(np.unique(reached[reached < len(self.edges)]))

    def reach(self, row: int) -> float:
        """Return what a row over all columns comes to where each stretch does as it likes; nan if not all are known."""
        coefficients, total = self._coefficients(row), 0.0
        for stretch in self.all:
            if stretch.values is None:
                return float("nan")
            total += float(coefficients[stretch.own] @ stretch.values[: len(stretch.own)])
        return total

    def price(self, row: int, price: float) -> None:
        """Let each stretch pay for what it adds to a row over all columns."""
        coefficients = self._coefficients(row)
        for stretch in self.all:
            if stretch.run is not None:
                own = stretch.own
                cost = self.program.cost[own] + price * coefficients[own]
                stretch.run.solver.changeColsCost(len(own), np.arange(len(own), dtype=np.int32), cost)

    def _coefficients(self, row: int) -> Array:
        by_row = self.program.by_row
        entries = slice(by_row.indptr[row], by_row.indptr[row + 1])
        coefficients = np.zeros(len(self.program.cost))
        coefficients[by_row.indices[entries]] = by_row.data[entries]
        return coefficients

    def forget(self) -> None:
        """Let the solvers go."""
        for stretch in self.all:
            stretch.run = None

    def joined(self, sizes: Sizes | None = None) -> Any:
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
        return basis_of(columns, rows)


def basis_of(columns: Any, rows: Any) -> Any:
    """Return a HiGHS basis of statuses; HiGHS mends what is one basic column too many or too few."""
    basis = highspy.HighsBasis()
    basis.col_status, basis.row_status = list(columns), list(rows)
    basis.valid = basis.alien = True
    return basis
