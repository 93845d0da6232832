"""Arrays to HiGHS with one passModel; progress while it runs; time limit and Ctrl-C keep the incumbent."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from solvers.matrix import InfeasibleRowError, Matrix, load_values, to_matrix
from solvers.outcome import Ended, Outcome, Progress
from solvers.settings import Settings, SettingsError

Watch = Callable[[Progress], None]

_ENDED = {
    highspy.HighsModelStatus.kOptimal: Ended.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Ended.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Ended.UNBOUNDED,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: Ended.INFEASIBLE_OR_UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Ended.TIME,
    highspy.HighsModelStatus.kInterrupt: Ended.INTERRUPTED,
    highspy.HighsModelStatus.kModelEmpty: Ended.OPTIMAL,
}


def solve_with_highs(model: Any, settings: Settings, watch: Watch | None = None) -> Outcome:
    """Solve a Pyomo model with HiGHS and load the plan into its variables.

    Parameters
    ----------
    model
        A linear or mixed-integer linear Pyomo model.
    settings
        Gap, time limit, threads, seed and HiGHS options.
    watch
        Called from the solver's thread as incumbent and bound improve.
    """
    try:
        matrix = to_matrix(model)
    except InfeasibleRowError as error:
        return Outcome(Ended.INFEASIBLE, has_plan=False, solver=_name(), message=str(error))
    solver = _loaded(matrix, settings)
    started = time.perf_counter()
    with _watched(solver, watch, started), _interruptible(solver):
        solver.run()
    ended = _told_apart(solver)
    return _outcome(model, matrix, solver, ended, time.perf_counter() - started)


def _name() -> str:
    highs = highspy.Highs()
    return f"HiGHS {highs.version()}"


def configured(settings: Settings) -> Any:
    """Return a HiGHS without a model that follows the settings.

    Raises
    ------
    SettingsError
        If it does not know an option, or not with that value.
    """
    solver = highspy.Highs()
    _set(solver, "output_flag", False)
    _set(solver, "mip_rel_gap", settings.gap)
    _set(solver, "mip_abs_gap", 0.0 if settings.gap == 0 else 1e-6)
    _set(solver, "random_seed", settings.seed)
    if settings.seconds is not None:
        _set(solver, "time_limit", float(settings.seconds))
    if settings.threads is not None:
        highspy.Highs.resetGlobalScheduler(True)
        _set(solver, "threads", settings.threads)
    for option, value in settings.options.items():
        _set(solver, option, value)
    return solver


def _loaded(matrix: Matrix, settings: Settings) -> Any:
    solver = configured(settings)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(matrix.cost), len(matrix.row_low)
    lp.col_cost_, lp.offset_ = matrix.cost, matrix.offset
    lp.col_lower_, lp.col_upper_ = matrix.low, matrix.high
    lp.row_lower_, lp.row_upper_ = matrix.row_low, matrix.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.a.indptr, matrix.a.indices, matrix.a.data
    if matrix.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[i] for i in matrix.integer.astype(int).tolist()]
    if solver.passModel(lp) == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refused the model: a coefficient is not finite, or bounds cross")
    return solver


def _set(solver: Any, option: str, value: object) -> None:
    if solver.setOptionValue(option, value) == highspy.HighsStatus.kError:
        raise SettingsError(f"HiGHS has no option {option} = {value!r}")


@contextmanager
def _watched(solver: Any, watch: Watch | None, started: float) -> Iterator[None]:
    """Pass incumbent and bound to `watch` while the solver runs."""
    if watch is None:
        yield
        return

    def look(event: Any) -> None:
        data = event.data_out
        watch(Progress(time.perf_counter() - started, float(data.mip_primal_bound), float(data.mip_dual_bound)))

    solver.cbMipLogging.subscribe(look)
    solver.cbMipImprovingSolution.subscribe(look)
    try:
        yield
    finally:
        solver.cbMipLogging.unsubscribe(look)
        solver.cbMipImprovingSolution.unsubscribe(look)


@contextmanager
def _interruptible(solver: Any) -> Iterator[None]:
    """Turn the first Ctrl-C into a stop that keeps the incumbent; a second one is Python's own again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = threading.Event()
    earlier = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        if asked.is_set() and callable(earlier):
            earlier(number, frame)
        asked.set()

    def interrupt(event: Any) -> None:
        if asked.is_set():
            event.interrupt()

    slots = (solver.cbMipInterrupt, solver.cbSimplexInterrupt, solver.cbIpmInterrupt)
    for slot in slots:
        slot.subscribe(interrupt)
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
        for slot in slots:
            slot.unsubscribe(interrupt)


def _told_apart(solver: Any) -> Ended:
    """Return why the solver ended; where presolve left two cases open, solve again without it."""
    ended = _ENDED.get(solver.getModelStatus(), Ended.FAILED)
    if ended is not Ended.INFEASIBLE_OR_UNBOUNDED:
        return ended
    _set(solver, "presolve", "off")
    solver.run()
    return _ENDED.get(solver.getModelStatus(), Ended.FAILED)


def _outcome(model: Any, matrix: Matrix, solver: Any, ended: Ended, seconds: float) -> Outcome:
    info = solver.getInfo()
    is_mip = bool(matrix.integer.any())
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    empty = len(matrix.cost) == 0
    has_plan = (feasible or empty) and ended in (Ended.OPTIMAL, Ended.TIME, Ended.INTERRUPTED)
    objective = bound = math.nan
    if has_plan:
        values: NDArray[np.float64] = np.asarray(solver.getSolution().col_value, dtype=float)
        values = np.clip(values, matrix.low, matrix.high)
        values[matrix.integer] = np.round(values[matrix.integer])
        load_values(model, matrix.columns, values)
        objective = float(info.objective_function_value) if not empty else matrix.offset
    if is_mip:
        bound = float(info.mip_dual_bound)
    elif ended is Ended.OPTIMAL:
        bound = objective
    return Outcome(
        ended=ended,
        has_plan=has_plan,
        objective=matrix.sign * objective,
        bound=matrix.sign * bound,
        seconds=seconds,
        solver=_name(),
        message=str(solver.modelStatusToString(solver.getModelStatus())),
        columns=len(matrix.cost),
        rows=len(matrix.row_low),
        integers=int(matrix.integer.sum()),
        duals=_duals(matrix, solver) if has_plan and ended is Ended.OPTIMAL else {},
    )


def _duals(matrix: Matrix, solver: Any) -> dict[str, dict[object, float]]:
    """Return the rows' duals; those of a mixed-integer model with the integers fixed at the plan."""
    if matrix.integer.any():
        solver = _with_integers_fixed(solver)
        if solver is None:
            return {}
    solution = solver.getSolution()
    if not solution.dual_valid:
        return {}
    duals: dict[str, dict[object, float]] = {}
    for row, dual in zip(matrix.rows, np.asarray(solution.row_dual).tolist(), strict=True):
        by_index = duals.setdefault(row.parent_component().name, {})
        by_index[row.index()] = by_index.get(row.index(), 0.0) + matrix.sign * dual
    return duals


def _with_integers_fixed(solver: Any) -> Any:
    """Return a solver that holds the optimum of the linear model with the integers fixed, or None."""
    status, lp = solver.getFixedLp()
    if status == highspy.HighsStatus.kError:
        return None
    fixed = highspy.Highs()
    _set(fixed, "output_flag", False)
    fixed.passModel(lp)
    fixed.run()
    return fixed if fixed.getModelStatus() == highspy.HighsModelStatus.kOptimal else None
