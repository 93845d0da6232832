"""The whole numbers next to the relaxation: a proved plan in a fraction of the time, where the relaxation is tight.

The linear relaxation is a bound. The model in which each whole number may only be one of the two next to its value
there is a small one (relaxation enforced neighbourhood search, Berthold 2014, Operations Research Letters 42): where
its plan is as near to the bound as was asked for, nothing is left to search; else that plan begins the search of the
whole model.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from solvers.highs import Start, solve_matrix
from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.outcome import MAY_HAVE_PLAN, Ended, Outcome, Progress
from solvers.settings import Settings

Watch = Callable[[Progress], None]
METHOD = "neighbourhood"
_WHOLE = 1e-6
"""How far from a whole number a value counts as that number; HiGHS's own tolerance."""
_SHARE = 0.5
"""Of the gap asked for and of the time left, what the small model may take for itself."""

log = logging.getLogger(__name__)


def solve_nearby(matrix: Matrix, settings: Settings, watch: Watch | None = None, start: Start | None = None) -> Outcome:
    """Solve a model by the whole numbers next to its relaxation, and as one where that proves too little.

    Parameters
    ----------
    matrix
        The model; without whole numbers it is solved as it is.
    settings
        Gap and time limit hold for all parts together.
    watch
        As for `solve_matrix`.
    start
        A plan to begin with, where the whole model has to be searched and the small one found none.
    """
    if not matrix.integer.any():
        return solve_matrix(matrix, settings, watch, start)
    relaxed = solve_matrix(_relaxed(matrix), settings)
    left = None if settings.seconds is None else settings.seconds - relaxed.seconds
    if relaxed.ended in (Ended.TIME, Ended.INTERRUPTED) or (left is not None and left <= 0.0):
        return _without_plan(matrix, relaxed)
    if relaxed.plan is None or not relaxed.is_proved:
        # Infeasible or unbounded: the model itself says which.
        return _whole(matrix, settings, relaxed, watch, start)
    part = replace(settings, gap=_SHARE * settings.gap, seconds=None if left is None else _SHARE * left)
    near = solve_matrix(_next_to(matrix, relaxed.plan.values), part, watch)
    found = _joined(matrix, near, relaxed)
    if found.has_plan and found.gap <= settings.gap:
        log.info("next to the relaxation: gap %.3g", found.gap)
        return replace(found, ended=Ended.OPTIMAL)
    if near.ended is Ended.INTERRUPTED:
        return found
    return _whole(matrix, settings, found, watch, found.plan or start)


def _relaxed(matrix: Matrix) -> Matrix:
    return replace(matrix, integer=np.zeros_like(matrix.integer))


def _next_to(matrix: Matrix, values: Array) -> Matrix:
    """Return the model with each whole number held to the two next to its value, or to the one that it is."""
    low, high = matrix.low.copy(), matrix.high.copy()
    whole = matrix.integer
    low[whole] = np.maximum(low[whole], np.floor(values[whole] + _WHOLE))
    high[whole] = np.minimum(high[whole], np.ceil(values[whole] - _WHOLE))
    return replace(matrix, low=low, high=high)


def _joined(matrix: Matrix, near: Outcome, relaxed: Outcome) -> Outcome:
    """Return the small model's outcome as one of the whole model: with the relaxation's bound, and both times."""
    bound = relaxed.objective
    if near.has_plan:
        # A bound beyond the plan is rounding.
        bound = matrix.sign * min(matrix.sign * bound, matrix.sign * near.objective)
    return replace(
        near,
        bound=bound,
        seconds=relaxed.seconds + near.seconds,
        iterations=relaxed.iterations + near.iterations,
        method=METHOD,
    )


def _whole(matrix: Matrix, settings: Settings, found: Outcome, watch: Watch | None, start: Start | None) -> Outcome:
    """Search the whole model in the time that is left, beginning with what was found."""
    left = None if settings.seconds is None else settings.seconds - found.seconds
    if left is not None and left <= 0.0:
        return replace(found, ended=Ended.TIME)
    outcome = solve_matrix(matrix, replace(settings, seconds=left), watch, start)
    bounds = [matrix.sign * each for each in (outcome.bound, found.bound) if not math.isnan(each)]
    return replace(
        outcome,
        bound=matrix.sign * max(bounds) if bounds and outcome.ended in MAY_HAVE_PLAN else outcome.bound,
        seconds=outcome.seconds + found.seconds,
        iterations=outcome.iterations + found.iterations,
    )


def _without_plan(matrix: Matrix, relaxed: Outcome) -> Outcome:
    """Return that the search was over before there was a plan; a relaxation that was solved is a bound."""
    return replace(
        relaxed,
        ended=Ended.INTERRUPTED if relaxed.ended is Ended.INTERRUPTED else Ended.TIME,
        plan=None,
        objective=math.nan,
        bound=relaxed.objective if relaxed.is_proved else math.nan,
        integers=int(matrix.integer.sum()),
        method=METHOD,
    )
