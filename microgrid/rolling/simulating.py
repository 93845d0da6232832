"""Simulation: planned again and again, carried out against what happens, and held against perfect foresight."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microgrid.audit import audit
from microgrid.capacity import Sized
from microgrid.errors import InputError, Problem
from microgrid.forecasting.baselines import holidays_of
from microgrid.forecasting.futures import levels
from microgrid.model import Model, assemble
from microgrid.plant import Plant
from microgrid.results import Result
from microgrid.rolling.balancing import Carried, carry_out
from microgrid.rolling.choosing import chosen, undecided, with_billing
from microgrid.rolling.first_stage import FirstStage
from microgrid.rolling.foresight import Foresight, Kind
from microgrid.rolling.inheriting import Before, after, before, ends_of, levels_of, with_before
from microgrid.rolling.metering import with_meters
from microgrid.rolling.planned import Planned
from microgrid.rolling.replanning import Replanner, for_window
from microgrid.rolling.settling import settle
from microgrid.rolling.traces import Trace
from microgrid.rolling.windows import Look, place_of, window
from microgrid.running import NoPlanError, optimise, settings_of
from microgrid.scenario import Scenario, read_scenario
from solvers import templating

HISTORY = (15, 8, 1)
"""Days before the start that are read, as far as the series reach back."""
LEARNT = (90, 60, 30, *HISTORY)
"""The same for forecasts that learn."""
Watch = Callable[[pd.Timestamp, pd.Timestamp], None]


@dataclass(frozen=True)
class Course:
    """How a simulation goes.

    Parameters
    ----------
    look
        How far each plan looks ahead, and at which steps.
    every
        Hours from one plan to the next.
    forecast
        What is known of loads, sun and wind.
    country
        Whose public holidays the forecast by weeks knows; none without it.
    deadline
        Seconds for each plan.
    sees_ahead
        Whether plans know of the time behind their window, by the longer view.
    change_cost
        What each unit and hour costs that is not switched as last planned.
    futures
        For how many futures each plan is made, by quantiles of the forecast; with none for what is foreseen alone.
    stage
        What is decided before one knows which future comes.
    """

    look: Look = field(default_factory=lambda: Look(((24.0, 0.25), (12.0, 1.0))))
    every: float = 24.0
    forecast: Kind = "perfect"
    country: str = ""
    deadline: float | None = 60.0
    sees_ahead: bool = True
    change_cost: float = 0.0
    futures: int = 0
    stage: FirstStage = field(default_factory=FirstStage)


@dataclass(frozen=True, eq=False)
class Simulation:
    """What was carried out, and what perfect foresight would have done.

    Parameters
    ----------
    result
        What was carried out, as the frames and ledgers of a run; its manifest tells the simulation.
    perfect
        The plan of perfect foresight, carried out likewise; None where no solver found one in time.
    rungs
        How many plans came about in which way.
    """

    result: Result
    perfect: Result | None
    rungs: Mapping[str, int]

    @property
    def regret(self) -> float:
        """What the simulation cost more than perfect foresight, as a share of it, stocks at the end counted."""
        found = self.result.manifest["simulation"]["regret"]
        return float("nan") if found is None else float(found)


def simulate(
    path: Path | str,
    start: str,
    end: str,
    course: Course | None = None,
    overrides: Mapping[str, str] | None = None,
    forecast_file: Path | str | None = None,
    watch: Watch | None = None,
) -> Simulation:
    """Plan and carry out a scenario from one time to another, window by window.

    Parameters
    ----------
    path
        The scenario file; its horizon is not used.
    start, end
        Local times or dates.
    course
        Window, intervals and forecasts.
    overrides
        Values by path.
    forecast_file
        A scenario file that says what is foreseen, in place of the forecasts of `course`.
    watch
        Called with the time reached and the end.

    Raises
    ------
    InputError
        If the scenario holds faults, or something that no window can plan: sizes to be decided, caps.
    """
    course = course or Course()
    step = min(step for _, step in course.look.spans)
    scenario, origin = _world(path, start, end, step, overrides, LEARNT if course.forecast == "quantile" else HISTORY)
    scenario = _billed(scenario, origin)
    refuse_unfit_plant(scenario.plant)
    _refuse_every(course, step)
    if course.futures and (forecast_file is not None or course.forecast != "quantile"):
        found = f"futures of the forecast {course.forecast if forecast_file is None else forecast_file}"
        raise InputError([Problem("--futures", found, "--forecast quantile, whose quantiles they are")])
    given = None
    if forecast_file is not None:
        given = _read(forecast_file, scenario.plant.timeline.index[0].isoformat(), end, step, overrides).plant
        course = replace(course, forecast="file")
    years = {int(year) for year in scenario.plant.timeline.index.year}
    holidays = holidays_of(course.country, years) if course.country else frozenset()
    apart = levels(course.futures, "--futures") if course.futures else ()
    foresight = Foresight(scenario.plant, course.forecast, given, holidays, apart)
    return _Loop(scenario, origin, course, foresight, watch).run()


def _read(path: Path | str, start: str, end: str, step: float, overrides: Mapping[str, str] | None) -> Scenario:
    horizon = f'{{start: "{start}", end: "{end}", step: {step * 60:g} min}}'
    return read_scenario(path, {**(overrides or {}), "horizon": horizon})


def _world(
    path: Path | str,
    start: str,
    end: str,
    step: float,
    overrides: Mapping[str, str] | None,
    history: tuple[int, ...] = HISTORY,
) -> tuple[Scenario, int]:
    """Return the scenario from some days before the start on, if its series reach there, and the step it starts at."""
    bare = _read(path, start, end, step, overrides)
    first = bare.plant.timeline.index[0]
    for days in history:
        early = (first.tz_localize(None) - pd.Timedelta(days=days)).isoformat()
        try:
            known = _read(path, early, end, step, overrides)
        except InputError:
            continue
        return known, place_of(known.plant.timeline.index, first)
    return bare, 0


def _billed(scenario: Scenario, origin: int) -> Scenario:
    """Return the scenario with the billing option that all of its time would choose, where it leaves the choice."""
    plant = scenario.plant
    if not undecided(plant):
        return scenario
    ahead = window(plant, np.arange(origin, len(plant.timeline) + 1))
    return replace(scenario, plant=with_billing(plant, chosen(ahead, settings_of(scenario.solver))))


def refuse_unfit_plant(plant: Plant) -> None:
    """Refuse what no window of a longer time could plan.

    Raises
    ------
    InputError
        If a size is to be decided, or a cap holds for the horizon as a whole.
    """
    problems = [
        Problem(f"assets.{name}.{key}", "a size to be decided", "a number", "size the plant first, by microgrid run")
        for name, asset in plant.assets.items()
        for key, capacity in asset.capacities().items()
        if isinstance(capacity, Sized)
    ]
    problems += [
        Problem(f"assets.{name}.billing", "a billing option to be decided", f"one of {', '.join(options)}",
                "a window cannot choose for the months behind it: name the one that the contract holds")
        for name, options in undecided(plant).items()
    ]  # fmt: skip
    if plant.objective.caps:
        found, wanted = "caps on the whole horizon", "none, as a window knows but a part of it"
        problems.append(Problem("objective.caps", found, wanted, "give emissions a price: objective.carbon_price"))
    if problems:
        raise InputError(problems)


def _refuse_every(course: Course, step: float) -> None:
    count, fine = course.every / step, course.look.spans[0][0]
    if count < 1 or abs(count - round(count)) > 1e-9 or course.every > fine + 1e-9:
        wanted = f"a whole number of steps of {step * 60:g} min, no longer than the window's first part, {fine:g} h"
        raise InputError([Problem("--every", f"{course.every:g} h", wanted)])


class _Loop:
    """The closed loop."""

    def __init__(
        self, scenario: Scenario, origin: int, course: Course, foresight: Foresight, watch: Watch | None
    ) -> None:
        self.scenario, self.origin, self.course, self.foresight, self.watch = (
            scenario, origin, course, foresight, watch,
        )  # fmt: skip
        self.plant = scenario.plant
        self.n = len(self.plant.timeline)
        self.told = before(self.plant)
        self.ends = ends_of(self.plant)
        settings = settings_of(scenario.solver)
        least = max(12.0, course.every)
        self.replanner = Replanner(
            course.look, settings, self.ends, course.sees_ahead, least, course.change_cost, course.stage
        )
        self.skeleton = _assembled(with_before(window(self.plant, np.array([origin, origin + 1])), self.told))
        self.rungs: Counter[str] = Counter()
        self.log: list[dict[str, Any]] = []

    def run(self) -> Simulation:
        """Walk through the time, then settle and compare."""
        started, first = time.perf_counter(), self.told
        carried = list(self._walk())
        trace = Trace.joined(part.trace for part in carried)
        planning = time.perf_counter() - started
        result = self._settled(trace, first)
        perfect = self._perfect(first)
        shortfalls = sum(len(part.shortfalls) for part in carried)
        result.manifest["simulation"] = self._account(result, perfect, shortfalls, planning)
        return Simulation(result, perfect, dict(self.rungs))

    def _walk(self) -> Iterator[Carried]:
        count = round(self.course.every / float(self.plant.timeline.hours[0]))
        for now in range(self.origin, self.n, count):
            until = min(now + count, self.n)
            futures = self.foresight.futures_at(now)
            planned = self.replanner.plan(self.foresight.at(now), now, self.told, self.course.deadline, futures)
            self._note(planned, now)
            yield self._carried(planned, now, until)
            if self.watch is not None:
                self.watch(self.plant.timeline.points[until], self.plant.timeline.end)

    def _note(self, planned: Planned, now: int) -> None:
        self.rungs[planned.rung.value] += 1
        self.log.append(
            {
                "time": self.plant.timeline.index[now].isoformat(),
                "rung": planned.rung.value,
                "reason": planned.reason,
                "gap": planned.gap,
                "seconds": round(planned.seconds, 4),
                "solver_seconds": round(planned.solver_seconds, 4),
                "futures": {future.name: future.probability for future in planned.futures},
            }
        )

    def _carried(self, planned: Planned, now: int, until: int) -> Carried:
        """Carry out the first steps of a plan, and remember what is to be told to the next."""
        edges = np.arange(now, until + 1)
        happened = with_before(window(self.plant, edges), self.told)
        expected = with_before(window(self.foresight.at(now), edges), self.told)
        count = until - now
        levels = levels_of(happened, self.told)
        carried = carry_out(happened, planned.trace.cut(0, count), levels, planned.ceiling[:count], expected)
        told = after(self.skeleton, carried.trace, self.told)
        self.told = with_meters(happened, carried.trace, told)
        return carried

    def _settled(self, trace: Trace, first: Before) -> Result:
        """Return what was carried out with its bill, and its audit."""
        world = with_before(window(self.plant, np.arange(self.origin, self.n + 1)), first)
        identity = {"scenario": {"name": self.scenario.name, "description": self.scenario.description}}
        result = settle(_assembled(world), trace, identity)
        checked = audit(result)
        result.manifest["audit"] = {
            "passed": checked.passed,
            "checked": checked.checked,
            "findings": [str(finding) for finding in checked.findings],
        }
        return result

    def _perfect(self, first: Before) -> Result | None:
        """Return the plan of one window over all the time, of what really happens."""
        whole = window(self.plant, np.arange(self.origin, self.n + 1))
        model = _assembled(with_before(whole, first, self.ends))
        limit = self.course.deadline or 60.0
        try:
            outcome, solution, _ = optimise(model, for_window(self.replanner.settings, 4 * limit))
        except NoPlanError:
            return None
        result = settle(_assembled(with_before(whole, first)), Trace.of(model, solution))
        result.manifest["outcome"] |= {"bound": outcome.bound, "gap": outcome.gap, "proved": outcome.is_proved}
        return result

    def _account(self, result: Result, perfect: Result | None, shortfalls: int, seconds: float) -> dict[str, Any]:
        """Return what the manifest says of the simulation."""
        told: dict[str, Any] = {
            "every_hours": self.course.every,
            "window": [list(span) for span in self.course.look.spans],
            "forecast": self.course.forecast,
            "billing": {n: a.option for n, a in self.plant.assets.items() if getattr(a, "option", "")},  # type: ignore[attr-defined]
            "foreseen_as_it_happened": self.foresight.unforeseen(self.origin),
            "plans": len(self.log),
            "rungs": dict(self.rungs),
            "hedged": sum(bool(entry["futures"]) for entry in self.log),
            "shortfalls": shortfalls,
            "seconds": seconds,
            "solver_seconds": sum(entry["solver_seconds"] for entry in self.log),
            "cost": result.cost,
            "emissions": result.manifest["emissions"]["emissions"],
            "regret": None,
            "log": self.log,
        }
        if perfect is None:
            return told
        left = self._left_over(result, perfect)
        told |= {
            "perfect_cost": perfect.cost,
            "perfect_bound": perfect.manifest["outcome"]["bound"],
            "perfect_emissions": perfect.manifest["emissions"]["emissions"],
            "stock_difference": left,
            "stocks_counted": self.replanner.outlook is not None,
            "regret": (result.cost - left - perfect.cost) / abs(perfect.cost) if perfect.cost else None,
        }
        return told

    def _left_over(self, result: Result, perfect: Result) -> float:
        """Return what the simulation's stocks hold more than those of perfect foresight at the end, in money."""
        total, outlook = 0.0, self.replanner.outlook
        if outlook is None:
            return 0.0
        for (asset, stock), worth in outlook.worth.items():
            ends = [_last_level(each, asset, stock) for each in (result, perfect)]
            total += float(np.median(worth)) * (ends[0] - ends[1])
        return total


def _assembled(plant: Plant) -> Model:
    with templating():
        return assemble(plant)


def _last_level(result: Result, asset: str, stock: str) -> float:
    frame = result.stocks
    rows = frame[(frame["asset"].astype(str) == asset) & (frame["stock"].astype(str) == stock)]
    return float(rows["level"].iloc[-1]) if len(rows) else 0.0


__all__ = ["Course", "Simulation", "refuse_unfit_plant", "simulate"]
