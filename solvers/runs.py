"""Plain arrays to HiGHS on one thread, many times over: the relaxation that is solved again, and pieces of a model.

Several may run at once in threads of one process: HiGHS leaves the interpreter free while it works, and keeps a
scheduler for each thread. Nothing is copied between processes, and scripts need no main guard.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import highspy
import numpy as np

from solvers.linear import Array
from solvers.matrix import whole_bounds
from solvers.settings import SettingsError
from solvers.slicing import KEPT, Places, Program

_STATUS = highspy.HighsModelStatus
_WEIGHTS = highspy.simplex_constants.SimplexEdgeWeightStrategy
_EDGE_WEIGHTS = "simplex_dual_edge_weight_strategy"
_BOUNDED = (_STATUS.kOptimal, _STATUS.kTimeLimit, _STATUS.kInterrupt, _STATUS.kSolutionLimit)

HEURISTICS = ("mip_heuristic_run_rins", "mip_heuristic_run_rens", "mip_heuristic_run_root_reduced_cost")
"""HiGHS options of the heuristics that solve further mixed-integer programs."""
LEAN = dict.fromkeys(("mip_allow_restart", "mip_heuristic_run_feasibility_jump", *HEURISTICS), False)
"""HiGHS options for small pieces. On windows of the benchmarks' year those heuristics took half of all the time, for
plans that branching finds as soon."""


@dataclass(frozen=True)
class Clock:
    """When to stop: a moment of `time.perf_counter`, or as soon as somebody asks."""

    started: float = field(default_factory=time.perf_counter)
    seconds: float | None = None
    asked: threading.Event = field(default_factory=threading.Event)

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return math.inf if self.seconds is None else self.seconds - self.spent

    @property
    def is_over(self) -> bool:
        """Whether to stop now."""
        return self.asked.is_set() or self.left <= 0


class Solved(NamedTuple):
    """What a run found: values and reduced row prices where there are any, objective, and what nothing can beat."""

    status: Any
    values: Array | None
    objective: float
    bound: float
    duals: Array | None

    @property
    def is_optimal(self) -> bool:
        """Whether the gap asked for was reached."""
        return bool(self.status == _STATUS.kOptimal)

    @property
    def is_infeasible(self) -> bool:
        """Whether there is no plan."""
        return bool(self.status == _STATUS.kInfeasible)


class Run:
    """A program in a solver of its own, which remembers its last basis.

    Parameters
    ----------
    program
        What to minimise.
    clock
        When to stop at the latest.
    relaxed
        Whether whole columns may be broken.
    options
        HiGHS options.
    """

    def __init__(self, program: Program, clock: Clock, options: Mapping[str, object], *, relaxed: bool = False) -> None:
        self.program, self.clock = program, clock
        self.is_mixed = bool(program.integer.any()) and not relaxed
        self.solver = highspy.Highs()
        for name, value in ({"output_flag": False, "threads": 1} | dict(options)).items():
            if self.solver.setOptionValue(name, value) == highspy.HighsStatus.kError:
                raise SettingsError(f"HiGHS has no option {name} = {value!r}")
        self.solver.passModel(self._model())

    def _model(self) -> Any:
        program, lp = self.program, highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(program.cost), len(program.row_low)
        lp.col_cost_ = program.cost
        lp.col_lower_, lp.col_upper_ = program.low, program.high
        if self.is_mixed:
            lp.col_lower_, lp.col_upper_ = whole_bounds(program.low, program.high, program.integer)
        lp.row_lower_, lp.row_upper_ = program.row_low, program.row_high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        a = program.a
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = a.indptr, a.indices, a.data
        if self.is_mixed:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[i] for i in program.integer.astype(int).tolist()]
        return lp

    def bound(self, columns: Places, low: Array, high: Array) -> None:
        """Change what columns may be, for the next solve."""
        self.solver.changeColsBounds(len(columns), columns.astype(np.int32), low, high)

    def begin_with(self, basis: Any | None) -> None:
        """Begin the next solve of a linear program with a HiGHS basis, if there is one."""
        if basis is not None:
            begin_with_basis(self.solver, basis)

    def solve(self, seconds: float = math.inf) -> Solved:
        """Run until optimal, until `seconds` have passed, or until the clock says stop."""
        seconds = min(seconds, self.clock.left)
        solver = self.solver
        if math.isfinite(seconds):
            # HiGHS counts the time of all its runs together.
            solver.setOptionValue("time_limit", solver.getRunTime() + max(seconds, 0.01))
        slots = (solver.cbMipInterrupt, solver.cbSimplexInterrupt)
        for slot in slots:
            slot.subscribe(self._interrupt)
        try:
            carry_out(solver)
        finally:
            for slot in slots:
                slot.unsubscribe(self._interrupt)
        return self._solved()

    def _interrupt(self, event: Any) -> None:
        if self.clock.asked.is_set():
            event.interrupt()

    def _solved(self) -> Solved:
        solver = self.solver
        info, solution, status = solver.getInfo(), solver.getSolution(), solver.getModelStatus()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        optimal = status == _STATUS.kOptimal
        objective = float(info.objective_function_value) if feasible else math.inf
        bound = objective if optimal else -math.inf
        if self.is_mixed and status in _BOUNDED and math.isfinite(info.mip_dual_bound):
            bound = float(info.mip_dual_bound)
        duals = np.asarray(solution.row_dual, dtype=float) if optimal and not self.is_mixed else None
        return Solved(
            status, np.asarray(solution.col_value, dtype=float) if feasible else None, objective, bound, duals
        )


def carry_out(solver: Any) -> None:
    """Let HiGHS run, with as many threads as the solver is to have.

    HiGHS refuses to run where its scheduler, one for each thread of Python, began with another number for another
    solver. Then it is begun anew.
    """
    if solver.run() == highspy.HighsStatus.kError:
        highspy.Highs.resetGlobalScheduler(True)
        solver.run()


def begin_with_basis(solver: Any, basis: Any) -> None:
    """Begin the next solve of a linear program with a basis."""
    weigh_by_devex(solver)
    solver.setBasis(basis)


def weigh_by_devex(solver: Any) -> None:
    """Begin the next solve with weights of one, unless other ones are asked for.

    Steepest edge would first solve a system for every row, to weigh them: 13 of 16 seconds where the basis was that of
    a year's neighbour, with 70,000 rows and 1,000 steps from the optimum.
    """
    if solver.getOptionValue(_EDGE_WEIGHTS)[1] == int(_WEIGHTS.kSimplexEdgeWeightStrategyChoose):
        solver.setOptionValue(_EDGE_WEIGHTS, int(_WEIGHTS.kSimplexEdgeWeightStrategyDevex))


def minimise(
    program: Program, clock: Clock, seconds: float, gap: float, options: Mapping[str, object], start: Array | None
) -> Solved:
    """Solve a mixed-integer program to an absolute gap; its plan keeps every row with whole numbers whole.

    Parameters
    ----------
    options
        HiGHS options.
    start
        A plan to begin with.
    """
    if not len(program.cost):
        return Solved(_STATUS.kOptimal, np.zeros(0), 0.0, 0.0, None)
    run = Run(program, clock, {"mip_abs_gap": gap, "mip_rel_gap": 0.0, **LEAN, **options})
    if start is not None:
        places = np.arange(len(start), dtype=np.int32)
        run.solver.setSolution(len(start), places, np.clip(start, program.low, program.high))
    found = run.solve(seconds)
    if found.values is None:
        return found
    values = np.clip(found.values, program.low, program.high)
    values[program.integer] = np.round(values[program.integer])
    if program.excess(values) > 0.1 * KEPT:
        # Numbers that were whole but for a trifle move rows when they are rounded: let the others follow.
        whole = np.flatnonzero(program.integer)
        again = Run(program.held(whole, values[whole]), clock, options, relaxed=True).solve()
        if again.values is None or not again.is_optimal:
            return found._replace(values=None)
        values = np.where(program.integer, values, again.values)
    return found._replace(values=values, objective=float(program.cost @ values))
