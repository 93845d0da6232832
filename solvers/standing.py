"""The best plan and the best bound so far, and how far apart they are; a plan that breaks a row is never taken."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import numpy as np

from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.outcome import Progress
from solvers.runs import Clock
from solvers.slicing import Program

Watch = Callable[[Progress], None]
log = logging.getLogger(__name__)


class Standing:
    """Where a search stands.

    Parameters
    ----------
    matrix
        The whole model; objective and bound are told in its own sense, with its offset.
    gap
        The relative gap asked for.
    clock
        Tells the time of each step forward.
    watch
        Called with a Progress at each step forward.
    """

    def __init__(self, matrix: Matrix, gap: float, clock: Clock, watch: Watch | None = None) -> None:
        self.program, self.gap, self.clock, self.watch = Program.of(matrix), gap, clock, watch
        self._sign, self._offset = matrix.sign, matrix.offset
        self.best: Array | None = None
        self.duals: Array | None = None
        self.objective, self.bound = math.inf, -math.inf
        self._told = -math.inf

    @property
    def room(self) -> float:
        """The distance between plan and bound that was asked for."""
        value = self.objective if math.isfinite(self.objective) else self.bound
        value = value if math.isfinite(value) else 0.0
        return max(self.gap * abs(value + self._offset), 1e-6 if self.gap else 1e-9)

    @property
    def is_good_enough(self) -> bool:
        """Whether plan and bound are as close as asked for."""
        return self.best is not None and self.objective - self.bound <= self.room

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to do, or no time to do it."""
        return self.is_good_enough or self.clock.is_over

    def take(self, x: Array, duals: Array | None = None) -> bool:
        """Take a plan if it keeps every row, bound and whole number and is better than the best."""
        objective = float(self.program.cost @ x)
        if objective >= self.objective or not self.program.is_kept_by(x):
            return False
        self.best, self.objective, self.duals = x, objective, duals
        self._check(self.bound)
        self.bound = min(self.bound, objective)
        self.tell()
        return True

    def raise_to(self, bound: float) -> None:
        """Take a bound if it is higher.

        Raises
        ------
        RuntimeError
            If it is above a plan by more than rounding: one of the two would be wrong.
        """
        if bound <= self.bound:
            return
        self._check(bound)
        self.bound = min(bound, self.objective)
        if self.bound - self._told >= 0.1 * self.room or self.is_good_enough:
            self.tell()

    def _check(self, bound: float) -> None:
        if bound > self.objective + 1e-5 * max(1.0, abs(self.objective)):
            raise RuntimeError(f"a bound of {bound:.9g} above a plan of {self.objective:.9g}")

    def tell(self, *, is_stopping: bool = False) -> None:
        """Tell whoever watches."""
        self._told = self.bound
        objective, bound = self.in_own_sense(self.objective), self.in_own_sense(self.bound)
        log.info("%.1f s: plan %.9g, bound %.9g", self.clock.spent, objective, bound)
        if self.watch is not None:
            incumbent = objective if self.best is not None else math.nan
            self.watch(Progress(self.clock.spent, incumbent, bound, is_stopping=is_stopping))

    def in_own_sense(self, value: float) -> float:
        """Return a value of the program as one of the model: with its offset, and its sign where it is maximised."""
        return self._sign * (value + self._offset) if math.isfinite(value) else math.nan

    def within_bounds(self, x: Array) -> Array:
        """Return a plan moved into the columns' bounds, whole numbers made whole."""
        inside = np.clip(x, self.program.low, self.program.high)
        inside[self.program.integer] = np.round(inside[self.program.integer])
        return inside
