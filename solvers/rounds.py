"""Solve a model without its lazy rows, and put in those that the plan breaks, until it breaks none.

What is left is a relaxation: its bound holds for the whole model, and where it has no plan, the whole has none. A plan
that breaks rows is mended first: all whole numbers held, those of broken rows at what breaks them least, the linear
model of all rows is solved. Where that costs no more than the gap asked for, nothing is left to search. Else the broken
rows are put in, and what is left is solved again, with the mended plan to begin with.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from solvers.highs import Start, Watch
from solvers.lazy import Freed
from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.outcome import MAY_HAVE_PLAN, Ended, Outcome, Progress
from solvers.plan import Plan, duals_by_constraint
from solvers.runs import Clock, Run
from solvers.settings import Settings
from solvers.slicing import Mask
from solvers.turns import stopping

ROUNDS = 4
"""Most rounds in which rows are left out. Each may take as long as the whole model."""
KEPT_BACK = 0.1
"""Of the time that is left, what a round leaves for mending its plan."""

Solve = Callable[[Matrix, Settings, Watch | None, Start | None], Outcome]
_STOPPED = (Ended.TIME, Ended.LIMIT, Ended.INTERRUPTED)

log = logging.getLogger(__name__)


def solve_in_rounds(
    matrix: Matrix, lazy: Mask, settings: Settings, watch: Watch | None, start: Start | None, solve: Solve
) -> Outcome:
    """Solve a compiled model some of whose rows are lazy.

    Parameters
    ----------
    matrix
        The whole model.
    lazy
        Which rows to leave out at first, shape (rows,).
    settings
        Gap and time limit hold for all rounds together.
    watch
        As for `solve`; while rows are left out, the incumbent that it is told may break them.
    start
        A plan to begin with.
    solve
        Solves a compiled model.

    Returns
    -------
    Outcome
        As of the whole model: its size, the best plan, the best bound, the time of all rounds.
    """
    return _Search(matrix, settings, watch, solve).run(lazy, start)


class _Search:
    """One solve in rounds."""

    def __init__(self, matrix: Matrix, settings: Settings, watch: Watch | None, solve: Solve) -> None:
        self.matrix, self.settings, self.watch, self.solve = matrix, settings, watch, solve
        self.clock = Clock(seconds=settings.seconds)
        self.best: Plan | None = None
        self.objective, self.bound = math.inf, -math.inf
        self.rounds = self.iterations = 0
        # Of the first linear round: the next solve begins with the same rows left out.
        self.basis: Any = None

    def run(self, lazy: Mask, start: Start | None) -> Outcome:
        """Solve until a plan breaks no row, or is near enough to the bound, or the time is over."""
        out = lazy
        while True:
            freed = Freed(self.matrix, out)
            outcome = self._round(freed, start)
            broken = self._looked_at(freed, outcome)
            ended = self._ended(outcome, is_kept=outcome.has_plan and not broken.any(), is_whole=not out.any())
            if ended is not None:
                return self._answer(outcome, ended)
            goes_on = outcome.has_plan and self.best is not None and self.rounds < ROUNDS
            out = out & ~broken if goes_on else np.zeros_like(out)
            start = self.best or start

    def _looked_at(self, freed: Freed, outcome: Outcome) -> Mask:
        """Take what a round found, mended where it has to be; return the rows that it breaks, shape (rows,)."""
        if outcome.plan is None:
            return np.zeros_like(freed.out)
        self.basis = self.basis or outcome.plan.basis
        values, broken = freed.settled(outcome.plan.values)
        if broken.any():
            log.info("round %d: %d rows broken", self.rounds, int(broken.sum()))
            self._mend(freed, values)
        else:
            self._take(replace(outcome.plan, values=values))
        return broken

    def _ended(self, outcome: Outcome, *, is_kept: bool, is_whole: bool) -> Ended | None:
        """Return how the search ended, or None if it goes on."""
        if is_kept:
            return outcome.ended
        if self._is_good_enough:
            return Ended.OPTIMAL
        if outcome.ended in _STOPPED and (self.best is not None or not outcome.has_plan):
            return outcome.ended
        if outcome.ended is Ended.INTERRUPTED or self.clock.is_over:
            is_asked = outcome.ended is Ended.INTERRUPTED or self.clock.asked.is_set()
            return Ended.INTERRUPTED if is_asked else Ended.TIME
        is_refuted = outcome.ended is Ended.INFEASIBLE and self.best is None
        return outcome.ended if is_whole or is_refuted else None

    def _round(self, freed: Freed, start: Start | None) -> Outcome:
        """Solve what is left in a part of the time that is left."""
        self.rounds += 1
        is_whole, spent = not freed.out.any(), self.clock.spent
        share = 1.0 if is_whole else 1.0 - KEPT_BACK
        seconds = None if self.settings.seconds is None else max(share * self.clock.left, 1e-3)
        left = freed.left
        if isinstance(start, Plan) and start.basis is None and not left.integer.any():
            start = None
        outcome = self.solve(left, replace(self.settings, seconds=seconds), self._watch_from(spent), start)
        self.iterations += outcome.iterations
        bound = self.matrix.sign * outcome.bound
        self.bound = self.bound if math.isnan(bound) else max(self.bound, bound)
        return outcome

    def _watch_from(self, spent: float) -> Watch | None:
        """Return who watches, told of the time of all rounds."""
        watch = self.watch
        if watch is None or not spent:
            return watch

        def look(progress: Progress) -> None:
            watch(replace(progress, seconds=progress.seconds + spent))

        return look

    def _mend(self, freed: Freed, x: Array) -> None:
        """Let all that is not whole follow the whole numbers, all rows kept."""
        with stopping(self.clock.asked, self._tell_stopping):
            options = {"random_seed": self.settings.seed} | dict(self.settings.options)
            run = Run(freed.mended(x), self.clock, options, relaxed=True)
            found = run.solve()
        if found.values is None or not found.is_optimal:
            return
        values = np.clip(found.values, run.program.low, run.program.high)
        duals = {} if found.duals is None else duals_by_constraint(self.matrix, found.duals)
        self._take(Plan(self.matrix.evaluator, values, duals))

    def _tell_stopping(self) -> None:
        if self.watch is not None:
            self.watch(Progress(self.clock.spent, is_stopping=True))

    def _take(self, plan: Plan) -> None:
        """Take a plan of the whole model if it is better than the best."""
        objective = float(self.matrix.cost @ plan.values) + self.matrix.offset
        if objective <= self.objective:
            self.best, self.objective = replace(plan, basis=self.basis), objective

    @property
    def _is_good_enough(self) -> bool:
        gap = self.settings.gap
        if self.best is None:
            return False
        room = max(gap * abs(self.objective), 1e-6) if gap else 1e-9 * max(1.0, abs(self.objective))
        return self.objective - self.bound <= room

    def _answer(self, outcome: Outcome, ended: Ended) -> Outcome:
        """Return the last round's outcome as that of the whole model: with the best plan, and the best bound."""
        matrix, sign = self.matrix, self.matrix.sign
        rounds = f"; {self.rounds} rounds, as plans broke lazy rows" if self.rounds > 1 else ""
        told = replace(
            outcome,
            ended=ended,
            seconds=self.clock.spent,
            message=outcome.message + rounds,
            integers=int(matrix.integer.sum()),
            iterations=self.iterations,
        )
        if ended not in MAY_HAVE_PLAN:
            return told
        # A bound beyond the plan is rounding.
        bound = sign * min(self.bound, self.objective)
        bound = bound if math.isfinite(bound) else math.nan
        if self.best is None:
            return replace(told, plan=None, objective=math.nan, bound=bound)
        return replace(told, plan=self.best, objective=sign * self.objective, bound=bound)
