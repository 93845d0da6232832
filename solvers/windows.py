"""Long mixed-integer models in windows of time: a plan, what no plan can beat, and the certified gap between the two.

1. The linear relaxation of the whole gives a first bound, values to hold what lies outside of a window at, and prices.
2. Every other window is solved with its whole numbers whole, between margins where they may be broken, beyond which
   the relaxation holds; then the windows between them, between plans that are whole already. What cannot be solved is
   widened.
3. Windows whose ties are priced (see `pricing`) give the bound.
4. Shifted windows are solved again, all else held; wider ones where that brings no more; until the gap asked for is
   reached or the time is over. A linear model with the whole numbers held lets all else follow, and gives the duals.

Whatever rows reach across a border (stocks, minimum times, ramps) is kept exactly: what is outside of a window is
held, and the rows are all there. Columns without a time are free in every window, within what the rest needs.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np

from solvers.coupling import Coupling, spans, with_shortfalls
from solvers.first_plan import FirstPlan, Task, Window, windows_of
from solvers.horizon import Horizon
from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.outcome import Ended, Outcome, Progress
from solvers.plan import Plan, duals_by_constraint
from solvers.pricing import priced
from solvers.runs import Clock, Run, Solved, minimise
from solvers.settings import Settings
from solvers.slicing import Places, Program, piece_of

INTEGERS = 250
"""About how many whole columns a first window holds."""
PATIENCE = 60.0
"""Most seconds for a single window."""
SHARE = 0.3
"""The part of the gap asked for that a single window may leave open."""
FIRST = 5e-4
"""The gap that the windows of a first plan are solved to, where more was asked for."""
TURN = 0.3
"""Most of the time that is left that one turn through windows may take, if all of them were hard."""
HURRY = 1.0
"""Seconds for a window at or below which the first plan found for it is taken."""

Watch = Callable[[Progress], None]
log = logging.getLogger(__name__)


class NoWindowsError(Exception):
    """Windows are no way to solve this model; the text says why."""


def solve_in_windows(
    matrix: Matrix, horizon: Horizon, settings: Settings, watch: Watch | None = None, start: Any = None
) -> Outcome:
    """Solve a compiled model in windows of time.

    Parameters
    ----------
    horizon
        The index sets that run along time.
    settings
        Gap, time limit, threads (windows solved at once; by default the processors at hand) and seed.
    watch
        Called with a Progress whenever plan or bound are better.
    start
        A Plan of a model with the same columns, to begin with if it keeps all rows.

    Raises
    ------
    NoWindowsError
        If the model has no time, its relaxation has no optimum in time, or no first plan was found.
    """
    clock = Clock(seconds=settings.seconds)
    with _stopping(clock.asked):
        return _Search(matrix, horizon.times(matrix.evaluator.columns), settings, clock, watch).run(start)


@contextmanager
def _stopping(asked: threading.Event) -> Iterator[None]:
    """Turn the first Ctrl-C into a stop that keeps the plan; a second one is Python's own again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        if asked.is_set() and callable(earlier):
            earlier(number, frame)
        asked.set()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


class _Search:
    """One solve in windows: the best plan and the best bound so far."""

    def __init__(self, matrix: Matrix, times: Places, settings: Settings, clock: Clock, watch: Watch | None) -> None:
        self.matrix, self.times, self.settings, self.clock, self.watch = matrix, times, settings, clock, watch
        self.program = Program.of(matrix)
        self.length = int(times.max(initial=-1)) + 1
        if self.length < 2:
            raise NoWindowsError("the model has no columns along time")
        self.options = {"random_seed": settings.seed} | dict(settings.options)
        self.workers = settings.threads or _processors()
        self.best: Array | None = None
        self.objective, self.bound = math.inf, -math.inf
        self.duals: Array | None = None
        self.passes = 0

    # The parts of the answer.

    def run(self, start: Any) -> Outcome:
        """Search until the gap is reached or the time is over."""
        self.relaxation = Run(self.program, self.clock, self.options, relaxed=True)
        relaxed = self.relaxation.solve()
        if not relaxed.is_optimal:
            return self._without_relaxation(relaxed)
        assert relaxed.values is not None
        assert relaxed.duals is not None
        self.bound, self.prices = relaxed.objective, relaxed.duals
        self._tell()
        integers = int((self.program.integer & (self.times >= 0)).sum())
        width = math.ceil(self.length * min(1.0, INTEGERS / max(integers, 1)))
        self.width = min(self.length, max(width, min(24, self.length)))
        with ThreadPoolExecutor(self.workers) as pool:
            self.pool = pool
            if not self._begun_with(start):
                self._first_plan(relaxed.values)
            self._polish()
            self._improve()
        return self._outcome()

    def _without_relaxation(self, relaxed: Solved) -> Outcome:
        if relaxed.is_infeasible:
            return self._answer(Ended.INFEASIBLE)
        if self.clock.asked.is_set():
            return self._answer(Ended.INTERRUPTED)
        raise NoWindowsError(f"its linear relaxation has no optimum ({relaxed.status.name})")

    def _outcome(self) -> Outcome:
        if self._is_good_enough:
            return self._answer(Ended.OPTIMAL)
        return self._answer(Ended.INTERRUPTED if self.clock.asked.is_set() else Ended.TIME)

    def _answer(self, ended: Ended) -> Outcome:
        matrix, plan = self.matrix, None
        if self.best is not None:
            duals = {} if self.duals is None else duals_by_constraint(matrix, self.duals)
            plan = Plan(matrix.evaluator, self.best, duals)
        return Outcome(
            ended=ended,
            plan=plan,
            objective=matrix.sign * (self.objective + matrix.offset) if plan else math.nan,
            bound=matrix.sign * (self.bound + matrix.offset) if math.isfinite(self.bound) else math.nan,
            seconds=self.clock.spent,
            solver=f"HiGHS {highspy.Highs().version()}",
            message=f"windows of {self.width} steps, {self.passes} passes" if plan else str(ended),
            columns=len(matrix.cost),
            rows=len(matrix.row_low),
            integers=int(matrix.integer.sum()),
            method="windows",
        )

    @property
    def _room(self) -> float:
        """The distance between plan and bound that was asked for."""
        value = self.objective if math.isfinite(self.objective) else self.bound
        return max(self.settings.gap * abs(value + self.matrix.offset), 1e-6 if self.settings.gap else 1e-9)

    @property
    def _is_good_enough(self) -> bool:
        return self.best is not None and self.objective - self.bound <= self._room

    @property
    def _is_over(self) -> bool:
        return self._is_good_enough or self.clock.is_over

    def _tell(self) -> None:
        objective, bound = (value + self.matrix.offset for value in (self.objective, self.bound))
        log.info("%.1f s: plan %.9g, bound %.9g", self.clock.spent, objective, bound)
        if self.watch is not None:
            sign = self.matrix.sign
            self.watch(Progress(self.clock.spent, sign * objective, sign * bound))

    # The first plan.

    def _begun_with(self, start: Any) -> bool:
        """Take a plan of a model with the same columns, if it keeps the rows of this one."""
        if not isinstance(start, Plan) or len(start.values) != len(self.program.cost):
            return False
        return self._take(np.clip(start.values, self.program.low, self.program.high))

    def _take(self, x: Array) -> bool:
        """Take a plan if it keeps all rows and is better than the best."""
        objective = float(self.program.cost @ x)
        if objective >= self.objective or not self.program.is_kept_by(x):
            return False
        self.best, self.objective, self.duals = x, objective, None
        self._tell()
        return True

    def _first_plan(self, x: Array) -> None:
        """Find whole numbers for all windows, near the relaxation."""
        x, self.program_of_windows = self._with_coupling_whole(x)
        long = spans(self.program, self.times) > 2 * self.width
        price = 10 * abs(self.prices) + 10 * abs(self.bound) / np.maximum(1.0, _sizes_of(self.program))
        loose = with_shortfalls(self.program_of_windows, long, price)
        more = len(loose.cost) - len(x)
        first = FirstPlan(
            loose,
            np.concatenate([self.times, np.full(more, -1)]),
            windows_of(self.length, self.width),
            np.concatenate([x, np.zeros(more)]),
        )
        found = first.found(self._solve_all)
        if found is None:
            raise NoWindowsError("no first plan was found in windows")
        x = found[: len(self.program.cost)]
        if not self._take(x) and not self._take_polished(x):
            raise NoWindowsError("the plans of the windows do not fit together")

    def _with_coupling_whole(self, x: Array) -> tuple[Array, Program]:
        """Hold whole numbers without a time, such as modules, at the next above the relaxation's."""
        coupled = np.flatnonzero(self.program.integer & (self.times < 0))
        if not len(coupled):
            return x, self.program
        whole = np.minimum(np.ceil(x[coupled] - 1e-6), self.program.high[coupled])
        self.relaxation.bound(coupled, whole, whole)
        again = self.relaxation.solve()
        if again.values is None or not again.is_optimal:
            raise NoWindowsError("the relaxation cannot be rounded up")
        return again.values, self.program.held(coupled, whole)

    def _solve_all(self, tasks: Sequence[Task]) -> list[Array | None]:
        """Solve pieces at once, each within its part of the time that is left."""
        turn = _Turn(self.clock, len(tasks), self.workers)
        # A first plan is soon bettered: it need not be good.
        room = self._room * SHARE if self.best is not None else max(self._room, FIRST * abs(self.bound))

        def solve(task: Task) -> Array | None:
            piece = piece_of(task.program, task.columns, task.x, task.relaxed)
            if piece is None or self.clock.is_over:
                return None
            gap = room * task.share(self.length)
            start = task.x[task.columns] if task.is_start else None
            seconds = turn.seconds()
            # Late with the first plan: any plan of a window is better than none of the last ones.
            hurry = {"mip_max_improving_sols": 1} if self.best is None and seconds <= HURRY else {}
            found = minimise(piece.program, self.clock, seconds, gap, self.options | hurry, start)
            if found.values is None:
                return None
            x = task.x.copy()
            x[task.columns] = found.values
            return x

        return list(self.pool.map(solve, tasks))

    # Better plans, better bounds.

    def _polish(self) -> None:
        """Let all that is not whole follow the whole numbers: the optimum of the linear model that is left."""
        if self.best is not None and not self.clock.is_over:
            self._take_polished(self.best)

    def _take_polished(self, x: Array) -> bool:
        whole = np.flatnonzero(self.program.integer)
        values = np.round(x[whole])
        self.relaxation.bound(whole, values, values)
        found = self.relaxation.solve()
        if found.values is None or not found.is_optimal:
            return False
        polished = np.clip(found.values, self.program.low, self.program.high)
        polished[whole] = values
        is_taken = self._take(polished)
        if is_taken or (self.best is x and float(self.program.cost @ polished) <= self.objective + 0.01 * self._room):
            self.duals = found.duals
        return is_taken

    def _improve(self) -> None:
        """Raise the bound and lower the plan in turn, with wider windows where nothing moves any more."""
        width, is_stuck = self.width, False
        while not self._is_over:
            self._raise_bound(width)
            before = self.objective
            for shift in (width // 2, 0):
                self._pass(windows_of(self.length, width, shift))
            self._polish()
            is_stuck = before - self.objective < 0.1 * self._room
            if is_stuck and width >= self.length:
                return
            width = min(self.length, 2 * width)

    def _raise_bound(self, width: int) -> None:
        if self._is_over:
            return
        edges = [window.start for window in windows_of(self.length, width)]
        constant, programs = priced(self.program, self.times, edges, self.prices)
        turn, gap = _Turn(self.clock, len(programs), self.workers), self._room * SHARE / len(programs)

        def solve(program: Program) -> float:
            return minimise(program, self.clock, turn.seconds(), gap, self.options, None).bound

        bound = constant + math.fsum(self.pool.map(solve, programs))
        if bound > self.bound:
            # No bound is above a plan but by rounding: one of the two would be wrong.
            if bound > self.objective + 1e-5 * max(1.0, abs(self.objective)):
                raise RuntimeError(f"a bound of {bound:.9g} above a plan of {self.objective:.9g}")
            self.bound = min(bound, self.objective)
            self._tell()

    def _pass(self, windows: Sequence[Window]) -> None:
        """Solve windows again with all else held: first every other one, then those between."""
        coupling = Coupling.of(self.program, self.times)
        self.passes += 1
        for turn in (0, 1):
            if self._is_over:
                return
            assert self.best is not None
            tasks = [self._again(window) for window in windows[turn::2]]
            for task, found in zip(tasks, self._solve_all(tasks), strict=True):
                if found is not None:
                    x = self.best.copy()
                    moved = task.columns[found[task.columns] != task.x[task.columns]]
                    x[moved] = found[moved]
                    self._take(coupling.settled(self.program, x))

    def _again(self, window: Window) -> Task:
        assert self.best is not None
        columns = np.flatnonzero(window.holds(self.times) | (self.times < 0))
        return Task(self.program, columns, self.best, None, window, is_start=True)


class _Turn:
    """The time of one turn through windows: what easy ones leave goes to hard ones, and some is left over."""

    def __init__(self, clock: Clock, number: int, workers: int) -> None:
        self.clock, self.workers, self.waiting = clock, workers, number
        self.end = clock.spent + TURN * clock.left
        self.lock = threading.Lock()

    def seconds(self) -> float:
        """Return how long the window that begins now may take: a few times its share of what is left."""
        with self.lock:
            share = (self.end - self.clock.spent) * self.workers / max(self.waiting, 1)
            self.waiting -= 1
        return min(PATIENCE, max(1.0, 4 * share))


def _sizes_of(program: Program) -> Array:
    """Return how large the number is that each row is held to."""
    bounds = np.stack([program.row_low, program.row_high])
    sizes: Array = np.where(np.isfinite(bounds), abs(bounds), 0.0).max(axis=0)
    return sizes


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
