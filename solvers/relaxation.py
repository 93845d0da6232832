"""The linear relaxation of a long mixed-integer model, solved once, and again with its whole numbers held."""

from __future__ import annotations

from collections.abc import Mapping

import highspy
import numpy as np

from solvers.agreement import Agreement
from solvers.first_basis import basis_of_moved, beginning
from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.runs import Clock, Run, Solved
from solvers.slicing import Places, Program

NEAR = 0.3
"""The part of the gap asked for that sizes may be off the best ones of the relaxation."""


class Relaxation:
    """The relaxation of a program, in a solver of its own.

    Its sizes are held wherever that spares minutes (see `agreement`): at nearly the best ones of the relaxation, then
    at those of each plan that is to be followed.

    Parameters
    ----------
    times
        The place in time of each column, or NO_TIME, shape (columns,).
    workers
        How many stretches of time are solved at once.
    clock
        When to stop at the latest.
    options
        HiGHS options.
    """

    def __init__(
        self, program: Program, times: Places, workers: int, clock: Clock, options: Mapping[str, object]
    ) -> None:
        self.times, self.workers, self.clock, self.options = times, workers, clock, options
        # Rows without a bound, as lazy ones are, would be carried along in every basis.
        self.rows = np.flatnonzero(np.isfinite(program.row_low) | np.isfinite(program.row_high))
        self.number_of_rows = len(program.row_low)
        self.program = program.part(self.rows, np.arange(len(program.cost)), program.cost)
        self.held: Places = np.zeros(0, dtype=np.int64)

    def solve(self, gap: float) -> Solved:
        """Solve it: values that keep its rows, a bound, and prices of rows at which it is one.

        Sizes on which stretches do not agree within the gap are left to the simplex method.

        Parameters
        ----------
        gap
            The relative gap that is asked for in the end.
        """
        known = beginning(self.program, self.times, self.workers, (self.clock, self.options), NEAR * gap)
        agreement = None if known is None else known.agreement
        if agreement is not None and agreement.objective - agreement.bound <= gap * abs(agreement.objective):
            return self._agreed(agreement)
        self.run = Run(self.program, self.clock, self.options, relaxed=True)
        if known is not None:
            self.run.begin_with(basis_of_moved(known, self.program))
        return self._solved()

    def _solved(self) -> Solved:
        return self._of_all_rows(self.run.solve())

    def _of_all_rows(self, found: Solved) -> Solved:
        """Return what was found with a price of nothing for rows without a bound."""
        if found.duals is None:
            return found
        duals = np.zeros(self.number_of_rows)
        duals[self.rows] = found.duals
        return found._replace(duals=duals)

    def _agreed(self, agreement: Agreement) -> Solved:
        self.run, self.held = agreement.run, agreement.sizes.columns
        optimal = highspy.HighsModelStatus.kOptimal
        found = Solved(optimal, agreement.values, agreement.objective, agreement.bound, agreement.prices)
        return self._of_all_rows(found)

    def following(self, x: Array) -> Solved:
        """Let all else follow the whole numbers of a plan, and its sizes where they are held."""
        whole = np.flatnonzero(self.program.integer)
        values = np.round(x[whole])
        self.run.bound(whole, values, values)
        others = np.setdiff1d(self.held, whole)
        self.run.bound(others, x[others], x[others])
        return self._solved()

    def with_whole(self, columns: Places, values: Array) -> Solved:
        """Hold columns without a time at whole numbers; sizes that a row without a time ties to them may follow."""
        self.run.bound(columns, values, values)
        others = np.setdiff1d(np.intersect1d(self.held, self._tied_to(columns)), columns)
        self.run.bound(others, self.program.low[others], self.program.high[others])
        return self._solved()

    def let_go(self) -> None:
        """Hold no sizes any more."""
        self.run.bound(self.held, self.program.low[self.held], self.program.high[self.held])
        self.held = np.zeros(0, dtype=np.int64)

    def _tied_to(self, columns: Places) -> Places:
        """Return all columns in rows without a time that reach some columns."""
        by_row = self.program.by_row
        timed = np.asarray(abs(by_row) @ (self.times != NO_TIME).astype(float)) > 0
        chosen = np.zeros(len(self.times))
        chosen[columns] = 1.0
        reached = np.asarray(abs(by_row) @ chosen) > 0
        return np.unique(by_row[np.flatnonzero(reached & ~timed)].indices).astype(np.int64)
