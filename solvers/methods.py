"""Direct or in windows: which way a model is solved with HiGHS, and the way back where windows find no plan."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from solvers.compile import compile_model
from solvers.highs import Start, solve_matrix, solver_name
from solvers.horizon import Horizon
from solvers.matrix import InfeasibleRowError, Matrix
from solvers.outcome import Ended, Outcome, Progress
from solvers.settings import Settings, SettingsError

WINDOWS_FROM = 5000
"""Whole columns along time from which windows are chosen, measured on years and weeks of plants: below it HiGHS by
itself proves as much in the same time, above it it may find no plan at all."""

log = logging.getLogger(__name__)


def solve_by_method(
    model: Any,
    settings: Settings,
    watch: Callable[[Progress], None] | None = None,
    start: Start | None = None,
    horizon: Horizon | None = None,
) -> Outcome:
    """Solve a Pyomo model with HiGHS, as one or in windows of time; the outcome's `method` and `message` say which.

    Raises
    ------
    SettingsError
        If windows are asked for and nobody says what runs along time.
    """
    if settings.method == "windows" and horizon is None:
        raise SettingsError("method windows: wanted a model whose horizon is given")
    try:
        matrix = compile_model(model)
    except InfeasibleRowError as error:
        return Outcome(Ended.INFEASIBLE, solver=solver_name(), message=str(error))
    if horizon is None or not _suits_windows(matrix, horizon, settings):
        return solve_matrix(matrix, settings, watch, start)
    return _in_windows(matrix, horizon, settings, watch, start)


def _suits_windows(matrix: Matrix, horizon: Horizon, settings: Settings) -> bool:
    """Tell whether to solve in windows: never a linear model, by itself only one with many whole numbers."""
    if settings.method == "direct" or not matrix.integer.any():
        return False
    if settings.method == "windows":
        return True
    if int(matrix.integer.sum()) < WINDOWS_FROM:
        return False
    times = horizon.times(matrix.evaluator.columns)
    return int((matrix.integer & (times >= 0)).sum()) >= WINDOWS_FROM


def _in_windows(
    matrix: Matrix, horizon: Horizon, settings: Settings, watch: Callable[[Progress], None] | None, start: Start | None
) -> Outcome:
    """Solve in windows; as one model, in the time that is left, where they find no plan."""
    from solvers.windows import NoWindowsError, solve_in_windows

    began = time.perf_counter()
    log.info("solved in windows: %d whole numbers", int(matrix.integer.sum()))
    try:
        return solve_in_windows(matrix, horizon, settings, watch, start)
    except NoWindowsError as error:
        log.info("not in windows, but directly: %s", error)
        spent = time.perf_counter() - began
        seconds = None if settings.seconds is None else max(settings.seconds - spent, 0.0)
        tried = f"windows were tried first: {error}"
        if seconds == 0.0:
            return _without_plan(matrix, spent, tried)
        outcome = solve_matrix(matrix, replace(settings, seconds=seconds), watch, start)
        return replace(outcome, seconds=outcome.seconds + spent, message=f"{outcome.message}; {tried}")


def _without_plan(matrix: Matrix, seconds: float, message: str) -> Outcome:
    """Return that the time was over before there was a plan."""
    return Outcome(
        Ended.TIME,
        seconds=seconds,
        solver=solver_name(),
        message=message,
        columns=len(matrix.cost),
        rows=len(matrix.row_low),
        integers=int(matrix.integer.sum()),
        method="windows",
    )
