"""Arrays to HiGHS with one passModel; progress while it runs; time limit and Ctrl-C keep the incumbent."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np

from solvers.compile import compile_model
from solvers.kept_solver import KeptSolver
from solvers.linear import Array
from solvers.matrix import InfeasibleRowError, Matrix, whole_bounds
from solvers.outcome import MAY_HAVE_PLAN, Ended, Outcome, Progress
from solvers.plan import Plan, duals_by_constraint
from solvers.runs import begin_with_basis, carry_out, weigh_by_devex
from solvers.settings import Settings, SettingsError

Watch = Callable[[Progress], None]

_ENDED = {
    highspy.HighsModelStatus.kOptimal: Ended.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Ended.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Ended.UNBOUNDED,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: Ended.INFEASIBLE_OR_UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Ended.TIME,
    highspy.HighsModelStatus.kIterationLimit: Ended.LIMIT,
    highspy.HighsModelStatus.kSolutionLimit: Ended.LIMIT,
    highspy.HighsModelStatus.kMemoryLimit: Ended.LIMIT,
    highspy.HighsModelStatus.kInterrupt: Ended.INTERRUPTED,
    highspy.HighsModelStatus.kModelEmpty: Ended.OPTIMAL,
}


OWN_OPTIONS = {"mip_allow_restart": False, "mip_heuristic_run_root_reduced_cost": False}
"""What differs from HiGHS's own defaults, measured on days and weeks of plants with commitment
(docs/architecture.md): where the relaxation is tight, both take more time than they save."""

Start = Plan | Mapping[str, Array] | highspy.HighsBasis


def solve_with_highs(model: Any, settings: Settings, watch: Watch | None = None, start: Start | None = None) -> Outcome:
    """Solve a Pyomo model with HiGHS.

    Parameters
    ----------
    model
        A linear or mixed-integer linear Pyomo model.
    settings
        Gap, time limit, threads, seed and HiGHS options.
    watch
        Called from the solver's thread as incumbent and bound improve.
    start
        A plan of a model with the same names: an incumbent to begin with, or for a linear model the basis. Or a basis.
    """
    try:
        matrix = compile_model(model)
    except InfeasibleRowError as error:
        return Outcome(Ended.INFEASIBLE, solver=solver_name(), message=str(error))
    return solve_matrix(matrix, settings, watch, start)


def solve_matrix(
    matrix: Matrix,
    settings: Settings,
    watch: Watch | None = None,
    start: Start | None = None,
    kept: KeptSolver | None = None,
) -> Outcome:
    """Solve a model that is compiled already; in the solver that is kept, where it found `start` on one like it."""
    solver = None if kept is None else kept.moved(matrix, settings, start)
    if solver is not None:
        weigh_by_devex(solver)
    else:
        solver = loaded(matrix, settings)
        if start is not None:
            _begin_with(solver, matrix, start)
    outcome = _ran(solver, matrix, watch)
    if kept is not None:
        kept.keep(solver, matrix, settings, outcome.plan)
    return outcome


def _ran(solver: Any, matrix: Matrix, watch: Watch | None) -> Outcome:
    started = time.perf_counter()
    with _watched(solver, watch, started, matrix.sign), _interruptible(solver, watch, started):
        carry_out(solver)
    ended = _told_apart(solver)
    return _outcome(matrix, solver, ended, time.perf_counter() - started)


def solver_name() -> str:
    """Return name and version of the solver."""
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
    # Without output HiGHS tells nothing of its progress either.
    _set(solver, "log_to_console", False)
    _set(solver, "mip_rel_gap", settings.gap)
    _set(solver, "mip_abs_gap", 0.0 if settings.gap == 0 else 1e-6)
    _set(solver, "random_seed", settings.seed)
    if settings.seconds is not None:
        _set(solver, "time_limit", float(settings.seconds))
    # What an earlier solver of another number of threads has left behind.
    highspy.Highs.resetGlobalScheduler(True)
    if settings.threads is not None:
        _set(solver, "threads", settings.threads)
    for option, value in (OWN_OPTIONS | dict(settings.options)).items():
        _set(solver, option, value)
    return solver


def loaded(matrix: Matrix, settings: Settings) -> Any:
    """Return a HiGHS that holds a model and follows the settings, ready to run."""
    solver = configured(settings)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(matrix.cost), len(matrix.row_low)
    lp.col_cost_, lp.offset_ = matrix.cost, matrix.offset
    lp.col_lower_, lp.col_upper_ = whole_bounds(matrix.low, matrix.high, matrix.integer)
    lp.row_lower_, lp.row_upper_ = matrix.row_low, matrix.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.a.indptr, matrix.a.indices, matrix.a.data
    if matrix.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[i] for i in matrix.integer.astype(int).tolist()]
    if solver.passModel(lp) == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refused the model: a coefficient is not finite, or bounds cross")
    return solver


def _begin_with(solver: Any, matrix: Matrix, start: Start) -> None:
    """Give the solver an incumbent or, for a linear model of the same shape, the basis of an earlier optimum."""
    if isinstance(start, highspy.HighsBasis):
        begin_with_basis(solver, start)
        return
    if isinstance(start, Plan):
        basis = start.basis
        if basis is not None and not matrix.integer.any():
            if (len(basis.col_status), len(basis.row_status)) == (len(matrix.cost), len(matrix.row_low)):
                begin_with_basis(solver, basis)
            return
        start = start.by_name()
    columns = matrix.evaluator.columns
    values = np.full(len(matrix.cost), np.nan)
    for variable in columns.variables:
        given = start.get(variable.name)
        if given is not None and len(given) == columns.size(variable):
            values[columns.span(variable)] = given
    known = np.flatnonzero(np.isfinite(values))
    if len(known):
        within = np.clip(values, matrix.low, matrix.high)[known]
        solver.setSolution(len(known), known.astype(np.int32), within)


def _set(solver: Any, option: str, value: object) -> None:
    if solver.setOptionValue(option, value) == highspy.HighsStatus.kError:
        raise SettingsError(f"HiGHS has no option {option} = {value!r}")


@contextmanager
def _watched(solver: Any, watch: Watch | None, started: float, sign: float) -> Iterator[None]:
    """Pass incumbent and bound, in the model's own sense, to `watch` while the solver runs."""
    if watch is None:
        yield
        return

    def look(event: Any) -> None:
        data = event.data_out
        seconds = time.perf_counter() - started
        watch(Progress(seconds, sign * float(data.mip_primal_bound), sign * float(data.mip_dual_bound)))

    solver.cbMipLogging.subscribe(look)
    solver.cbMipImprovingSolution.subscribe(look)
    try:
        yield
    finally:
        solver.cbMipLogging.unsubscribe(look)
        solver.cbMipImprovingSolution.unsubscribe(look)


@contextmanager
def _interruptible(solver: Any, watch: Watch | None, started: float) -> Iterator[None]:
    """Turn the first Ctrl-C into a stop that keeps the incumbent, and say so; a second one is Python's own again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = threading.Event()
    earlier = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        if asked.is_set() and callable(earlier):
            earlier(number, frame)
        asked.set()
        if watch is not None:
            watch(Progress(time.perf_counter() - started, is_stopping=True))

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


def _outcome(matrix: Matrix, solver: Any, ended: Ended, seconds: float) -> Outcome:
    info = solver.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    empty = len(matrix.cost) == 0
    is_there = (feasible or empty) and ended in MAY_HAVE_PLAN
    objective = bound = math.nan
    if is_there:
        objective = float(info.objective_function_value) if not empty else matrix.offset
    if matrix.integer.any():
        bound = float(info.mip_dual_bound)
    elif ended is Ended.OPTIMAL:
        bound = objective
    return Outcome(
        ended=ended,
        plan=_plan(matrix, solver, ended is Ended.OPTIMAL) if is_there else None,
        objective=matrix.sign * objective,
        bound=matrix.sign * bound,
        seconds=seconds,
        solver=solver_name(),
        message=str(solver.modelStatusToString(solver.getModelStatus())),
        columns=len(matrix.cost),
        rows=len(matrix.row_low),
        integers=int(matrix.integer.sum()),
        iterations=int(info.simplex_iteration_count),
    )


def _plan(matrix: Matrix, solver: Any, is_optimal: bool) -> Plan:
    """Return the solver's plan, within the bounds and with whole numbers whole, and its duals if it is optimal."""
    values = np.clip(np.asarray(solver.getSolution().col_value, dtype=float), matrix.low, matrix.high)
    values[matrix.integer] = np.round(values[matrix.integer])
    duals, basis = _duals_and_basis(matrix, solver) if is_optimal and len(values) else ({}, None)
    return Plan(matrix.evaluator, values, duals, basis)


def _duals_and_basis(matrix: Matrix, solver: Any) -> tuple[dict[str, Array], Any]:
    """Return the rows' duals, those of a mixed-integer model with the integers fixed; and a linear model's basis."""
    is_mip = bool(matrix.integer.any())
    if is_mip:
        solver = _with_integers_fixed(solver)
        if solver is None:
            return {}, None
    solution, basis = solver.getSolution(), solver.getBasis()
    kept = basis if basis.valid and not is_mip else None
    if not solution.dual_valid:
        return {}, kept
    return duals_by_constraint(matrix, np.asarray(solution.row_dual, dtype=float)), kept


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
