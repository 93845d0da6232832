"""Direct, in windows or next to the relaxation: which way a model is solved with HiGHS, and the way back."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from typing import Any

from solvers.compile import Compilation
from solvers.first_basis import first_basis
from solvers.highs import Start, Watch, solve_matrix, solver_name
from solvers.horizon import Horizon
from solvers.kept_solver import KeptSolver
from solvers.lazy import lazy_rows
from solvers.matrix import InfeasibleRowError, Matrix
from solvers.neighbourhood import solve_nearby
from solvers.outcome import MAY_HAVE_PLAN, Ended, Outcome, Progress
from solvers.rounds import solve_in_rounds
from solvers.runs import Clock
from solvers.settings import Settings, SettingsError
from solvers.slicing import Program
from solvers.stretches import COLUMNS, STRETCHES
from solvers.turns import processors, stopping

WINDOWS_FROM = 5000
"""Whole columns along time from which windows are chosen. A choice between two measured ends: with some hundred (a week
or two of the benchmarks' plant) the model as one reached the gap first, with 17,520 (its year) windows did by far."""

log = logging.getLogger(__name__)


def solve_by_method(
    model: Any,
    settings: Settings,
    watch: Watch | None = None,
    start: Start | None = None,
    horizon: Horizon | None = None,
    compilation: Compilation | None = None,
) -> Outcome:
    """Solve a Pyomo model with HiGHS in the way that is asked for; the outcome's `method` and `message` say which.

    Raises
    ------
    SettingsError
        If windows are asked for and nobody says what runs along time.
    """
    if settings.method == "windows" and horizon is None:
        raise SettingsError("method windows: wanted a model whose horizon is given")
    try:
        matrix = (compilation or Compilation(model)).matrix()
    except InfeasibleRowError as error:
        return Outcome(Ended.INFEASIBLE, solver=solver_name(), message=str(error))

    def by_method(left: Matrix, limited: Settings, look: Watch | None, begin: Start | None) -> Outcome:
        return _solve_matrix(left, horizon, limited, look, begin, None if compilation is None else compilation.solver)

    lazy = lazy_rows(model, matrix)
    if lazy.any():
        return solve_in_rounds(matrix, lazy, settings, watch, start, by_method)
    return by_method(matrix, settings, watch, start)


def _solve_matrix(
    matrix: Matrix,
    horizon: Horizon | None,
    settings: Settings,
    watch: Watch | None,
    start: Start | None,
    kept: KeptSolver | None,
) -> Outcome:
    """Solve a compiled model in the way that is asked for."""
    if settings.method == "neighbourhood":
        return solve_nearby(matrix, settings, watch, start)
    if horizon is None:
        return solve_matrix(matrix, settings, watch, start, kept)
    if _suits_windows(matrix, horizon, settings):
        return _in_windows(matrix, horizon, settings, watch, start)
    is_long = len(matrix.cost) >= COLUMNS * STRETCHES and settings.method == "auto"
    if is_long and start is None and not matrix.integer.any() and "solver" not in settings.options:
        return _from_stretches(matrix, horizon, settings, watch, kept)
    return solve_matrix(matrix, settings, watch, start, kept)


def _from_stretches(
    matrix: Matrix, horizon: Horizon, settings: Settings, watch: Watch | None, kept: KeptSolver | None
) -> Outcome:
    """Solve a linear model, begun with what stretches of its time tell, where it is long."""
    clock = Clock(seconds=settings.seconds)

    def tell() -> None:
        if watch is not None:
            watch(Progress(clock.spent, is_stopping=True))

    with stopping(clock.asked, tell):
        times = horizon.times(matrix.evaluator.columns)
        options = {"random_seed": settings.seed} | dict(settings.options)
        basis = first_basis(Program.of(matrix), times, settings.threads or processors(), clock, options)
    spent = clock.spent
    if clock.is_over:
        ended = Ended.INTERRUPTED if clock.asked.is_set() else Ended.TIME
        return replace(_without_plan(matrix, ended, math.nan, spent, str(ended)), method="direct")
    seconds = None if settings.seconds is None else clock.left
    outcome = solve_matrix(matrix, replace(settings, seconds=seconds), watch, basis, kept)
    return replace(outcome, seconds=outcome.seconds + spent)


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
    matrix: Matrix, horizon: Horizon, settings: Settings, watch: Watch | None, start: Start | None
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
        if error.is_stopped or seconds == 0.0:
            ended = Ended.INTERRUPTED if error.is_stopped else Ended.TIME
            return _without_plan(matrix, ended, error.bound, spent, tried)
        outcome = solve_matrix(matrix, replace(settings, seconds=seconds), watch, start)
        bound = _better(matrix, outcome.bound, error.bound) if outcome.ended in MAY_HAVE_PLAN else outcome.bound
        return replace(outcome, bound=bound, seconds=outcome.seconds + spent, message=f"{outcome.message}; {tried}")


def _better(matrix: Matrix, one: float, other: float) -> float:
    """Return the bound that says more: the higher one where the model is minimised; nan says nothing."""
    known = [matrix.sign * bound for bound in (one, other) if not math.isnan(bound)]
    return matrix.sign * max(known) if known else math.nan


def _without_plan(matrix: Matrix, ended: Ended, bound: float, seconds: float, message: str) -> Outcome:
    """Return that the search was over before there was a plan, and what no plan can beat."""
    return Outcome(
        ended,
        bound=bound,
        seconds=seconds,
        solver=solver_name(),
        message=message,
        columns=len(matrix.cost),
        rows=len(matrix.row_low),
        integers=int(matrix.integer.sum()),
        method="windows",
    )
