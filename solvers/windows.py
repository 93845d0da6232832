"""Long mixed-integer models in windows of time: a plan, what no plan can beat, and the certified gap between the two.

1. The linear relaxation of the whole gives a first bound, values for what has no time, and prices (see `relaxation`).
2. Windows whose ties are priced (see `pricing`) give a better bound, and whole numbers that fit within each window.
3. What lies around the borders of those is solved with all else held, so that what reaches across fits as well: the
   first plan. What cannot be solved is widened. Peaks and sizes are narrowed to what a better plan may have, and the
   windows that feel it solved again (see `bounding`).
4. In turn, until the gap asked for is reached or the time is over: shifted windows are solved again, all else held, and
   neighbours are joined for a better bound; in both those come first in which plan and bound are farthest apart. A
   linear model with the whole numbers held lets all else follow, and gives the duals.

Whatever rows reach across a border (stocks, minimum times, ramps) is kept exactly: what is outside of a window is
held, and the rows are all there. Columns without a time are free in every window, within what the rest needs, but for
sizes that the relaxation holds: of those, plans have the relaxation's until nothing moves any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import highspy
import numpy as np

from solvers.bounding import Bounding, calm_windows
from solvers.coupling import Coupling
from solvers.first_plan import FirstPlan, Task, Window, windows_of, with_borders_held
from solvers.horizon import Horizon
from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.outcome import Ended, Outcome
from solvers.plan import Plan, duals_by_constraint
from solvers.pricing import priced
from solvers.relaxation import Relaxation
from solvers.runs import HEURISTICS, Clock, Solved, minimise
from solvers.settings import Settings
from solvers.slicing import KEPT, Piece, Places, Program, held_by_rows, piece_of
from solvers.standing import Standing, Watch
from solvers.turns import Turn, processors, stopping

INTEGERS = 288
"""About how many whole columns a first window holds. Half as many took as long on the benchmarks' year, with two for
each hour; on the steel works' year, with eight, windows of a day did not reach the gap that those of a day and a half
did."""
SHORTEST = 24
"""The fewest places in time of a first window."""
SHARE = 0.1
"""The part of the gap asked for that windows which raise the bound may leave open together."""
LOOSE = 0.3
"""The same of windows that lower the plan."""
HASTY = {"mip_max_improving_sols": 1} | dict.fromkeys(HEURISTICS, True)
"""HiGHS options for windows that found no plan in time: any plan is better than none."""


class NoWindowsError(Exception):
    """Windows found no plan; the text says why, `bound` what they proved all the same (or nan).

    `is_stopped` tells that the user asked for it: then nothing else is to be tried.
    """

    def __init__(self, text: str, bound: float = math.nan, *, is_stopped: bool = False) -> None:
        super().__init__(text)
        self.bound, self.is_stopped = bound, is_stopped


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
    standing = Standing(matrix, settings.gap, clock, watch)
    with stopping(clock.asked, lambda: standing.tell(is_stopping=True)):
        return _Search(matrix, horizon.times(matrix.evaluator.columns), settings, standing).run(start)


class _Search:
    """One solve in windows."""

    def __init__(self, matrix: Matrix, times: Places, settings: Settings, standing: Standing) -> None:
        self.matrix, self.times, self.standing, self.clock = matrix, times, standing, standing.clock
        # Sizes that rows hold are known in every window.
        standing.program = held_by_rows(standing.program, np.flatnonzero(times < 0))
        self.program = standing.program
        self.length = int(times.max(initial=-1)) + 1
        if self.length < 2:
            raise NoWindowsError("the model has no columns along time")
        self.options = {"random_seed": settings.seed} | dict(settings.options)
        self.workers = settings.threads or processors()
        integers = int((self.program.integer & (times >= 0)).sum())
        width = math.ceil(self.length * min(1.0, INTEGERS / max(integers, 1)))
        self.width = min(self.length, max(width, SHORTEST))
        # What columns without a time may be, once a plan is known.
        self.limits: tuple[Array, Array] | None = None
        self.above = math.inf
        self.passes = 0

    # The parts of the answer.

    def run(self, start: Any) -> Outcome:
        """Search until the gap is reached or the time is over."""
        self.relaxation = Relaxation(self.program, self.times, self.workers, self.clock, self.options)
        relaxed = self.relaxation.solve(self.standing.gap)
        if not relaxed.is_optimal:
            return self._without_relaxation(relaxed)
        assert relaxed.values is not None
        assert relaxed.duals is not None
        self.prices = relaxed.duals
        self.standing.raise_to(relaxed.bound)
        with ThreadPoolExecutor(self.workers) as pool:
            self.pool = pool
            try:
                self.windows = calm_windows(self.program, self.times, relaxed.values, self.width)
                if self._begun_with(start) and not len(self.relaxation.held):
                    self._raise_bound(self.windows)
                else:
                    self._first_plan(relaxed.values)
                self._polish()
                self._free_sizes()
                self._narrow()
                self._improve()
            except BaseException:
                self.clock.asked.set()
                raise
        return self._outcome()

    def _without_relaxation(self, relaxed: Solved) -> Outcome:
        if relaxed.is_infeasible:
            return self._answer(Ended.INFEASIBLE)
        if self.clock.asked.is_set():
            return self._answer(Ended.INTERRUPTED)
        raise NoWindowsError(f"its linear relaxation has no optimum ({relaxed.status.name})")

    def _outcome(self) -> Outcome:
        if self.standing.is_good_enough:
            return self._answer(Ended.OPTIMAL)
        return self._answer(Ended.INTERRUPTED if self.clock.asked.is_set() else Ended.TIME)

    def _answer(self, ended: Ended) -> Outcome:
        matrix, standing, plan = self.matrix, self.standing, None
        if standing.best is not None:
            duals = {} if standing.duals is None else duals_by_constraint(matrix, standing.duals)
            plan = Plan(matrix.evaluator, standing.best, duals)
        return Outcome(
            ended=ended,
            plan=plan,
            objective=standing.in_own_sense(standing.objective),
            bound=standing.in_own_sense(standing.bound),
            seconds=self.clock.spent,
            solver=f"HiGHS {highspy.Highs().version()}",
            message=f"windows of {self.width} steps, {self.passes} passes" if plan else str(ended),
            columns=len(matrix.cost),
            rows=len(matrix.row_low),
            integers=int(matrix.integer.sum()),
            method="windows",
        )

    # The bound, and whole numbers within windows.

    def _raise_bound(
        self, windows: Sequence[Window], fitting: Array | None = None, earlier: Bounding | None = None
    ) -> list[Window]:
        """Solve windows whose ties are priced; return those whose plans were put in place.

        Parameters
        ----------
        fitting
            Values of the whole, in place: each window's are replaced by its plan, if one fits what has no time.
        earlier
            Windows at the same prices: what is known of those that stay is taken over.
        """
        self.bounding = self._priced(windows)
        if self.limits is not None:
            self.bounding.hold_between(*self.limits, 0.0)
        todo = list(range(len(self.bounding.bounds)))
        if earlier is not None and self.standing.best is not None:
            todo = self.bounding.follow(earlier, self.standing.best)
        fits = self._solve_priced(todo, fitting)
        return [windows[number] for number in fits if number < len(windows)]

    def _priced(self, windows: Sequence[Window], held: Program | None = None) -> Bounding:
        """Return windows whose ties are priced, of the whole or of a program with more held: then it is no bound."""
        program = held or self.program
        parts = priced(program, self.times, [window.start for window in windows], self.prices)
        return Bounding(parts, windows, self.times, is_bound=held is None)

    def _free_sizes(self) -> None:
        """Begin with a bound for all sizes, where the first plan was made with the relaxation's.

        The better the plan, the less is left of the sizes that a still better one could have: so it comes first.
        """
        if len(self.relaxation.held) and self.standing.best is not None:
            self.bounding = self._priced(self.windows)
            self._pass(windows_of(self.length, self.width, self.width // 2))
            self._polish()

    def _solve_priced(self, numbers: Sequence[int], fitting: Array | None = None) -> list[int]:
        """Solve priced windows; return those whose plans were put in place."""
        bounding = self.bounding
        turn, share = Turn(self.clock, len(numbers), self.workers), SHARE if bounding.is_bound else LOOSE
        room = self.standing.room * share

        def solve(number: int) -> bool:
            piece = bounding.parts.pieces[number]
            if self.standing.is_over:
                return False
            x, gap = self.standing.best, room / len(bounding.bounds)
            start = None if x is None else x[piece.columns]
            seconds = turn.seconds()
            found = minimise(piece.program, self.clock, seconds, gap, self.options, start)
            bounding.take(number, found.bound, found.values)
            if fitting is None or found.values is None:
                return False
            return self._fit(piece, found.values, fitting, seconds, gap)

        fits = []
        for number, fit in zip(numbers, self.pool.map(solve, numbers), strict=True):
            self.standing.raise_to(bounding.total)
            fits += [number] if fit else []
        return fits

    def _narrow(self) -> None:
        """Hold what has no time to what it may be in a better plan, and solve the windows again that feel it."""
        bounding, standing = self.bounding, self.standing
        if not len(bounding.shared) or standing.is_over:
            return
        above = standing.objective - bounding.total + standing.room
        if above > 0.5 * self.above:
            return
        self.above, self.limits = above, bounding.limits(above, self.clock, self.pool.map)
        self._solve_priced(bounding.hold_between(*self.limits, 0.1 * standing.room / len(bounding.bounds)))

    def _fit(self, piece: Piece, values: Array, x: Array, seconds: float, gap: float) -> bool:
        """Put a window's plan in place, and tell whether there was one.

        If it leans on a copy of what has no time that is not the others', it is solved again with that held at x.
        """
        own = self.times[piece.columns] >= 0
        held = np.where(own, values, x[piece.columns])
        if piece.program.excess(held) > KEPT:
            common = np.flatnonzero(~own)
            program = piece.program.held(common, x[piece.columns[common]])
            found = minimise(program, self.clock, seconds, gap, self.options, None)
            if found.values is None:
                return False
            held = found.values
        x[piece.columns[own]] = held[own]
        return True

    # The first plan.

    def _begun_with(self, start: Any) -> bool:
        """Take a plan of a model with the same columns, if it keeps the rows of this one."""
        if not isinstance(start, Plan) or len(start.values) != len(self.program.cost):
            return False
        return self.standing.take(self.standing.within_bounds(start.values))

    def _first_plan(self, x: Array) -> None:
        """Find whole numbers for all windows."""
        x, program = self._with_coupling_whole(x)
        windows, sizes = self.windows, self.relaxation.held
        if len(sizes):
            program = program.held(sizes, x[sizes])
            starts = [window.start for window in windows]
            self.bounding = self._priced(windows, held=with_borders_held(program, self.times, starts, x))
            fits = self._solve_priced(range(len(self.bounding.bounds)), x)
            whole = [windows[number] for number in fits if number < len(windows)]
        else:
            whole = self._raise_bound(windows, x)
        price = 10 * abs(self.prices) + 10 * abs(self.standing.bound) / np.maximum(1.0, self.program.sides)
        first = FirstPlan.of_loose(program, self.times, x, self.width, price)
        found = first.found(windows, [window in whole for window in windows], self._solve_all)
        is_begun = self.standing.best is not None
        if found is None and not is_begun:
            raise self._no_windows("no first plan was found in windows")
        x = x if found is None else found[: len(x)]
        if not self.standing.take(x) and not self._take_polished(x) and not is_begun:
            raise self._no_windows("the plans of the windows do not fit together")

    def _no_windows(self, why: str) -> NoWindowsError:
        bound = self.standing.in_own_sense(self.standing.bound)
        return NoWindowsError(why, bound, is_stopped=self.clock.asked.is_set())

    def _with_coupling_whole(self, x: Array) -> tuple[Array, Program]:
        """Hold whole numbers without a time, such as modules, at the next above the relaxation's."""
        coupled = np.flatnonzero(self.program.integer & (self.times < 0))
        if not len(coupled):
            return x.copy(), self.program
        whole = np.minimum(np.ceil(x[coupled] - 1e-6), self.program.high[coupled])
        again = self.relaxation.with_whole(coupled, whole)
        if again.values is None or not again.is_optimal:
            raise self._no_windows("the relaxation cannot be rounded up")
        return again.values, self.program.held(coupled, whole)

    def _solve_all(self, tasks: Sequence[Task]) -> Iterator[Array | None]:
        """Solve pieces at once, each within its part of the time that is left; give them in order as they come."""
        turn, room = Turn(self.clock, len(tasks), self.workers), self.standing.room * LOOSE

        def solve(task: Task) -> Array | None:
            piece = None if self.standing.is_over else piece_of(task.program, task.columns, task.x)
            if piece is None:
                return None
            start = task.x[task.columns] if task.is_start else None
            seconds = turn.seconds()
            gap = room * task.share(self.length)
            found = minimise(piece.program, self.clock, seconds, gap, self.options, start)
            if found.values is None and not found.is_infeasible and self.standing.best is None:
                found = minimise(piece.program, self.clock, seconds, gap, HASTY | self.options, start)
            if found.values is None:
                return None
            x = task.x.copy()
            x[task.columns] = found.values
            return x

        return self.pool.map(solve, tasks)

    # Better plans.

    def _polish(self) -> None:
        """Let all that is not whole follow the whole numbers: the optimum of the linear model that is left."""
        if self.standing.best is not None and not self.clock.is_over:
            self._take_polished(self.standing.best)

    def _take_polished(self, x: Array) -> bool:
        found = self.relaxation.following(x)
        if found.values is None or not found.is_optimal:
            return False
        polished = self.standing.within_bounds(found.values)
        is_taken, standing = self.standing.take(polished, found.duals), self.standing
        if standing.best is x and float(self.program.cost @ polished) <= standing.objective + 0.01 * standing.room:
            standing.duals = found.duals
        return is_taken

    def _improve(self) -> None:
        """Lower the plan and raise the bound in turn, the plan in wider windows where nothing moves any more."""
        width, shift = self.width, self.width // 2
        while not self.standing.is_over:
            apart = self.standing.objective - self.standing.bound
            self._pass(windows_of(self.length, width, shift))
            self._polish()
            self._narrow()
            self._join()
            if apart - (self.standing.objective - self.standing.bound) < 0.1 * self.standing.room:
                self.relaxation.let_go()
                if width >= self.length and len(self.bounding.windows) == 1:
                    return
                width = min(self.length, 2 * width)
            shift = width // 2 if width < self.length and not shift else 0

    def _join(self) -> None:
        """Solve neighbours as one, nothing priced between them then."""
        if self.standing.best is not None and len(self.bounding.windows) > 1:
            self._raise_bound(self.bounding.joined(self.standing.best), earlier=self.bounding)

    def _pass(self, windows: Sequence[Window]) -> None:
        """Solve windows again with all else held: first every other one, then those between."""
        coupling, standing = Coupling.of(self.program, self.times), self.standing
        self.passes += 1
        for turn in (0, 1):
            if standing.is_over or standing.best is None:
                return
            tasks = [self._again(window) for window in self._worst_first(windows[turn::2])]
            for task, found in zip(tasks, self._solve_all(tasks), strict=True):
                if found is not None:
                    x = standing.best.copy()
                    moved = task.columns[found[task.columns] != task.x[task.columns]]
                    x[moved] = found[moved]
                    standing.take(coupling.settled(self.program, x))

    def _worst_first(self, windows: Sequence[Window]) -> list[Window]:
        """Return windows in the order of what plan and bound are apart in them; without those where that is nothing."""
        assert self.standing.best is not None
        loss = self.bounding.loss_along(self.standing.best, self.length)
        lost = [float(loss[window.start : window.end].sum()) for window in windows]
        trifle = 0.1 * self.standing.room / self.length
        order = np.argsort(lost)[::-1]
        return [windows[i] for i in order if lost[i] > trifle * (windows[i].end - windows[i].start)]

    def _again(self, window: Window) -> Task:
        assert self.standing.best is not None
        columns = np.setdiff1d(np.flatnonzero(window.holds(self.times) | (self.times < 0)), self.relaxation.held)
        return Task(self.program, columns, self.standing.best, window, is_start=True)
