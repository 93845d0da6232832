"""`uncertainty`: one plant for several years of weather, prices and load, judged in three ways."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from microgrid.model import assemble
from microgrid.planning.alike import side_by_side
from microgrid.planning.collected import collected
from microgrid.planning.refining import worth_of_energy
from microgrid.planning.replay import Replay, ReplayError, Shorter, replayed
from microgrid.planning.uncertain.choices import Choice, Sizes, UncertaintyStudy
from microgrid.planning.uncertain.futures import FutureYear, futures_of
from microgrid.planning.uncertain.model import JUDGED, FuturesModel, Judged, futures_model
from microgrid.planning.variants import pinned
from microgrid.results import Result
from microgrid.run_folders import refuse_unfit
from microgrid.running import NoPlanError, Watch, identity_of, run, settings_of, solve_plant
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Ended, Outcome, solve, templating


def uncertainty(
    scenario: Scenario | Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    segments: int | None = None,
) -> UncertaintyStudy:
    """Decide what to build for the futures of a scenario's section ``uncertainty``.

    Parameters
    ----------
    scenario
        A scenario file, or a Scenario already read.
    out
        Folder to write plans, table, picture and page into.
    overrides
        Values by path; only with a file.
    watch
        Called with a Progress while a solver runs.
    segments
        If given, sizes are decided on so many segments of each future, which is then planned on all steps.

    Raises
    ------
    InputError
        If the scenario or one of its futures holds faults.
    NoPlanError
        If a future has no plan, or nothing that can be built suffices for all.
    ReplayError
        If sizes decided on a shorter horizon do not suffice for all steps.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    futures, shorter = futures_of(scenario), None if segments is None else Shorter("segments", segments)
    if out is not None:
        refuse_unfit(Path(out))
    alone = {future.name: _alone(future, shorter, watch) for future in futures}
    judged, replay = _judged_on(futures, alone, scenario, shorter, watch)
    others = [_in_all(future, alone, futures, scenario, watch) for future in futures]
    choices = [*judged, *others]
    best = {name: min(each.costs[name] for each in choices) if shorter else _a_year(alone[name]) for name in alone}
    study = UncertaintyStudy(scenario, futures, best, choices, time.perf_counter() - started, replay)
    if out is not None:
        from microgrid.planning.uncertain.pages import write

        write(study, Path(out))
    return study


def _judged_on(
    futures: Sequence[FutureYear],
    alone: Mapping[str, Result],
    scenario: Scenario,
    shorter: Shorter | None,
    watch: Watch | None,
) -> tuple[list[Choice], Replay | None]:
    """Return what is best by each way of judging; decided on a shorter horizon where one is given."""
    assert scenario.uncertainty is not None
    tail, best = scenario.uncertainty.tail, {name: _a_year(result) for name, result in alone.items()}
    if shorter is None:
        return _each_judged(futures, best, tail, scenario, watch), None
    cut = [replace(each, scenario=_shortened(each, alone[each.name], shorter)) for each in futures]
    short = {each.name: _a_year(run(each.scenario, watch=watch)) for each in cut}
    first = _each_judged(cut, short, tail, scenario, watch)
    found = [_on_all_steps(each, futures, scenario, shorter, watch) for each in first]
    shares = {future.name: future.probability for future in futures}
    costs = first[0].expected(shares), found[0].expected(shares)
    return found, Replay(shorter, *costs, None, (0.0, 0.0))


@templating()
def _each_judged(
    futures: Sequence[FutureYear], best: Mapping[str, float], tail: float, scenario: Scenario, watch: Watch | None
) -> list[Choice]:
    model = futures_model(futures, best, tail)
    return [_judged(model, futures, how, scenario, watch) for how in JUDGED]


def _shortened(future: FutureYear, alone: Result, shorter: Shorter) -> Scenario:
    """Return a future on segments, by what energy is worth at each step with the best sizes for it alone."""
    ground, means = shorter.ground(future.scenario.plant)
    with templating():
        model = assemble(ground)
    worth = worth_of_energy(model, alone.sizes, settings_of(future.scenario.solver))
    return replace(future.scenario, plant=shorter.of(ground, means if worth is None else worth))


def _on_all_steps(
    choice: Choice, futures: Sequence[FutureYear], scenario: Scenario, shorter: Shorter, watch: Watch | None
) -> Choice:
    """Return a choice that was decided on a shorter horizon with its plans on all steps."""
    sizes = next(iter(choice.results.values())).sizes
    results = _planned(sizes, futures, scenario, watch)
    lacking = [future.name for future in futures if future.name not in results]
    if lacking:
        raise ReplayError(
            f"what has the {choice.name} on {shorter} does not suffice for all steps of {', '.join(lacking)}\n"
            f"   take more {shorter.kind}, or none"
        )
    costs = {name: _a_year(result) for name, result in results.items()}
    proved = choice.proved and all(result.manifest["outcome"]["proved"] for result in results.values())
    return replace(choice, costs=costs, results=results, proved=proved)


def _alone(future: FutureYear, shorter: Shorter | None, watch: Watch | None) -> Result:
    """Return the best plan for a future alone."""
    try:
        if shorter is not None:
            each = future.scenario
            return replayed(each.plant, shorter, settings_of(each.solver), identity_of(each), watch).result
        return run(future.scenario, watch=watch)
    except NoPlanError as error:
        raise NoFutureError(error.outcome, f"the future {future.name} has no plan by itself\n{error}") from error


class NoFutureError(NoPlanError):
    """A future has no plan, or all of them together have none."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(outcome)
        self.args = (text,)


def _a_year(result: Result) -> float:
    return result.cost / float(result.manifest["horizon"]["years"])


def _judged(
    model: FuturesModel, futures: Sequence[FutureYear], how: Judged, scenario: Scenario, watch: Watch | None
) -> Choice:
    """Return what is best by a way of judging; where several are, the one of least expected cost."""
    model.release()
    model.aim(how)
    outcome = _solved(model, scenario, watch)
    if how != "expected":
        model.hold(how, outcome.objective)
        model.aim("expected")
        later = _solved(model, scenario, watch, outcome.plan)
        outcome = replace(later, ended=outcome.ended if not outcome.is_proved else later.ended)
    results = {future.name: collected(model.parts[future.name], future.scenario, outcome) for future in futures}
    first = next(iter(results.values()))
    costs = {name: _a_year(result) for name, result in results.items()}
    return Choice(JUDGED[how], _decided(first, first), costs, results, outcome.is_proved)


def _solved(model: FuturesModel, scenario: Scenario, watch: Watch | None, start: Any = None) -> Outcome:
    settings = replace(settings_of(scenario.solver), method="direct")
    outcome = solve(model.pyomo, settings, watch, start, load=False, horizon=side_by_side(model.parts.values()))
    if outcome.plan is None:
        text = f"{NoPlanError(outcome)}\n   each future has a plan by itself; all of them were planned together"
        if outcome.ended in (Ended.INFEASIBLE, Ended.INFEASIBLE_OR_UNBOUNDED):
            text += ", and nothing that can be built suffices for all"
        raise NoFutureError(outcome, text)
    return outcome


def _in_all(
    future: FutureYear,
    alone: Mapping[str, Result],
    futures: Sequence[FutureYear],
    scenario: Scenario,
    watch: Watch | None,
) -> Choice:
    """Return what the best for one future costs in all of them."""
    others = [other for other in futures if other is not future]
    found = _planned(alone[future.name].sizes, others, scenario, watch) | {future.name: alone[future.name]}
    results = {each.name: found[each.name] for each in futures if each.name in found}
    costs = {each.name: _a_year(results[each.name]) if each.name in results else np.inf for each in futures}
    proved = all(result.manifest["outcome"]["proved"] for result in results.values())
    mine = alone[future.name]
    return Choice(f"best for {future.name} alone", _decided(mine, mine), costs, results, proved)


def _planned(sizes: Sizes, futures: Sequence[FutureYear], scenario: Scenario, watch: Watch | None) -> dict[str, Result]:
    """Return the plans of futures with sizes that are given; where there is none, it is left out."""
    settings, found = settings_of(scenario.solver), {}
    for future in futures:
        try:
            found[future.name] = solve_plant(pinned(future.scenario.plant, sizes, {}), settings, watch)
        except NoPlanError as error:
            if error.outcome.ended is Ended.INTERRUPTED:
                raise
    return found


def _decided(result: Result, sized: Result) -> dict[str, dict[str, float]]:
    """Return the sizes that were decisions."""
    return {
        asset: {field: result.sizes[asset][field] for field in fields}
        for asset, fields in sized.manifest["decided"].items()
    }
