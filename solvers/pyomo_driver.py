"""Any other solver that Pyomo's SolverFactory knows, one setting away."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.opt import SolverStatus, TerminationCondition

from solvers.columns import Columns
from solvers.limits import limits_of
from solvers.outcome import MAY_HAVE_PLAN, Ended, Outcome
from solvers.plan import Plan
from solvers.settings import Settings, SettingsError
from solvers.template_rows import expand_templates
from solvers.templates import Evaluator

_ENDED = {
    TerminationCondition.optimal: Ended.OPTIMAL,
    TerminationCondition.globallyOptimal: Ended.OPTIMAL,
    TerminationCondition.infeasible: Ended.INFEASIBLE,
    TerminationCondition.unbounded: Ended.UNBOUNDED,
    TerminationCondition.infeasibleOrUnbounded: Ended.INFEASIBLE_OR_UNBOUNDED,
    TerminationCondition.maxTimeLimit: Ended.TIME,
    TerminationCondition.maxIterations: Ended.LIMIT,
    TerminationCondition.maxEvaluations: Ended.LIMIT,
    TerminationCondition.userInterrupt: Ended.INTERRUPTED,
}

# What each solver calls the settings: gap, time limit, threads, seed.
_WORDS: dict[str, tuple[str | None, str | None, str | None, str | None]] = {
    "gurobi": ("MIPGap", "TimeLimit", "Threads", "Seed"),
    "cplex": ("mip_tolerances_mipgap", "timelimit", "threads", "randomseed"),
    "scip": ("limits/gap", "limits/time", "parallel/maxnthreads", "randomization/randomseedshift"),
    "scip_direct": ("limits/gap", "limits/time", "parallel/maxnthreads", "randomization/randomseedshift"),
    "cbc": ("ratioGap", "seconds", "threads", "randomCbcSeed"),
    "glpk": ("mipgap", "tmlim", None, None),
    "appsi_highs": ("mip_rel_gap", "time_limit", "threads", "random_seed"),
}
# The same solver as a Python package, where its program is not there.
_PACKAGES = {"scip": "scip_direct"}
# Solvers whose presolve ends with no more than "undefined" where there is no optimum; its own word for both is Pyomo's
# `other`.
_SAY_NEITHER = ("glpk",)


def solve_with_pyomo(model: Any, settings: Settings) -> Outcome:
    """Solve a Pyomo model with a solver by its Pyomo name and load the plan into the model's variables.

    Raises
    ------
    SettingsError
        If Pyomo does not know the solver, or it is not installed.
    """
    solver = found(settings.solver)
    started = time.perf_counter()
    try:
        expand_templates(model)
        results = solver.solve(model, load_solutions=False, options=_options(settings))
    except (ValueError, RuntimeError, OSError) as error:
        message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return Outcome(Ended.FAILED, seconds=time.perf_counter() - started, solver=settings.solver, message=message)
    return _outcome(model, solver, results, settings, time.perf_counter() - started)


def found(name: str) -> Any:
    """Return a solver by its Pyomo name.

    Raises
    ------
    SettingsError
        If Pyomo does not know it, or it is not installed.
    """
    logging.getLogger("pyomo").setLevel(logging.ERROR)
    solver = pyo.SolverFactory(name)
    if name in _PACKAGES and not _is_there(solver):
        solver = pyo.SolverFactory(_PACKAGES[name])
    if not _is_there(solver):
        raise SettingsError(f"solver {name}: not known to Pyomo or not installed; wanted highs, or one that is")
    return solver


def _is_there(solver: Any) -> bool:
    try:
        return bool(solver.available(exception_flag=False))
    except Exception:  # noqa: BLE001  each of Pyomo's drivers has its own way to say no
        return False


def _options(settings: Settings) -> dict[str, object]:
    words = _WORDS.get(settings.solver, (None, None, None, None))
    wished = (settings.gap, settings.seconds, settings.threads, settings.seed or None)
    options: dict[str, object] = {
        word: value for word, value in zip(words, wished, strict=True) if word is not None and value is not None
    }
    if settings.solver == "glpk" and "tmlim" in options:
        options["tmlim"] = math.ceil(settings.seconds or 1)
    return options | dict(settings.options)


def _outcome(model: Any, solver: Any, results: Any, settings: Settings, seconds: float) -> Outcome:
    condition = results.solver.termination_condition
    ended = _ended(results, settings, seconds)
    plan = _plan(model) if ended in MAY_HAVE_PLAN and _load(model, solver, results) else None
    objective = math.nan
    if plan is not None:
        (goal,) = model.component_data_objects(pyo.Objective, active=True)
        objective = float(plan.along(lambda: goal.expr)[0])
    return Outcome(
        ended=ended,
        plan=plan,
        objective=objective,
        bound=_bound(model, results, ended, objective, settings),
        seconds=seconds,
        solver=settings.solver,
        message=str(condition),
    )


def _ended(results: Any, settings: Settings, seconds: float) -> Ended:
    condition = results.solver.termination_condition
    if condition == TerminationCondition.other and settings.solver in _SAY_NEITHER:
        return Ended.INFEASIBLE_OR_UNBOUNDED
    is_cut_short = condition == TerminationCondition.feasible or results.solver.status == SolverStatus.aborted
    if condition not in _ENDED and is_cut_short and settings.seconds and seconds >= settings.seconds:
        return Ended.TIME
    return _ENDED.get(condition, Ended.FAILED)


def _load(model: Any, solver: Any, results: Any) -> bool:
    """Load the solution, if there is one."""
    try:
        if hasattr(solver, "load_vars"):
            solver.load_vars()
        else:
            if not len(results.solution):
                return False
            model.solutions.load_from(results)
    except (ValueError, RuntimeError, AttributeError):
        return False
    variables = list(model.component_data_objects(pyo.Var))
    return not variables or any(v.value is not None for v in variables)


def _plan(model: Any) -> Plan:
    """Return the values of the model's variables; those in no row take the value nearest to zero that they may."""
    columns = Columns.of(model)
    evaluator = Evaluator(columns)
    limits = limits_of(columns, evaluator)
    values = np.clip(0.0, limits.low, limits.high)
    for variable in columns.variables:
        for column, data in columns.objects(variable):
            if data.value is not None:
                values[column] = data.value
    values = np.clip(values, limits.low, limits.high)
    values[limits.integer] = np.round(values[limits.integer])
    return Plan(evaluator, values, {})


def _bound(model: Any, results: Any, ended: Ended, objective: float, settings: Settings) -> float:
    """Return the solver's bound; a proved plan of a solver that reports none is bounded by the gap asked for."""
    (goal,) = model.component_data_objects(pyo.Objective, active=True)
    told = results.problem.lower_bound if goal.sense == pyo.minimize else results.problem.upper_bound
    try:
        bound = float(told)
    except (TypeError, ValueError):
        bound = math.nan
    if math.isfinite(bound):
        return bound
    if ended is not Ended.OPTIMAL:
        return math.nan
    slack = settings.gap * abs(objective)
    return objective - slack if goal.sense == pyo.minimize else objective + slack
