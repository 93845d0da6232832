"""The solver of a linear model, kept for the next model with the same coefficients."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import highspy
import numpy as np

from solvers.matrix import Matrix
from solvers.settings import Settings


class KeptSolver:
    """What the last linear model was solved with: its factors and basis are where the next one begins.

    A long model takes longer to be handed over and factored anew than its optimum takes to move a little way.
    """

    def __init__(self) -> None:
        self._solver: Any = None
        self._matrix: Matrix | None = None
        self._settings: Settings | None = None
        self._plan: Any = None

    def keep(self, solver: Any, matrix: Matrix, settings: Settings, plan: Any) -> None:
        """Keep a solver that has found a plan of a linear model; of no other."""
        is_kept = plan is not None and not matrix.integer.any()
        self._solver, self._plan = (solver, plan) if is_kept else (None, None)
        self._matrix, self._settings = (matrix, settings) if is_kept else (None, None)

    def moved(self, matrix: Matrix, settings: Settings, start: Any) -> Any | None:
        """Return the solver with the bounds and costs of a model; None unless it found `start` on such a one."""
        solver, known, told = self._solver, self._matrix, self._settings
        if solver is None or start is not self._plan or known is None or told is None:
            return None
        if replace(told, seconds=None) != replace(settings, seconds=None) or not _are_alike(known, matrix):
            return None
        columns = np.arange(len(matrix.cost), dtype=np.int32)
        rows = np.arange(len(matrix.row_low), dtype=np.int32)
        # HiGHS counts the time of all its runs together.
        seconds = math.inf if settings.seconds is None else solver.getRunTime() + settings.seconds
        done = (
            solver.changeColsCost(len(columns), columns, matrix.cost),
            solver.changeColsBounds(len(columns), columns, matrix.low, matrix.high),
            solver.changeRowsBounds(len(rows), rows, matrix.row_low, matrix.row_high),
            solver.changeObjectiveOffset(matrix.offset),
            solver.setOptionValue("time_limit", seconds),
        )
        return None if highspy.HighsStatus.kError in done else solver


def _are_alike(known: Matrix, other: Matrix) -> bool:
    """Tell whether two linear models have the same coefficients."""
    if known.a.shape != other.a.shape or other.integer.any():
        return False
    pairs = ((getattr(known.a, name), getattr(other.a, name)) for name in ("indptr", "indices", "data"))
    return all(np.array_equal(one, another) for one, another in pairs)
