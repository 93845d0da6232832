"""A path decided: on all steps of its stages, or on fewer, then run on all of them with what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo

from microgrid.finance_section import Finance
from microgrid.model import assemble
from microgrid.planning.alike import Where, side_by_side
from microgrid.planning.pathways.model import Kept, PathModel, path_model
from microgrid.planning.pathways.money import given_cost
from microgrid.planning.pathways.stages import Stage, Standing
from microgrid.planning.pathways.tangent import Key, lowest_change
from microgrid.planning.pathways.vintages import Span
from microgrid.planning.refining import Array, worth_of_energy
from microgrid.planning.replay import Replay, ReplayError, Shorter
from microgrid.planning.unpriced_plan import without_duals
from microgrid.planning.variants import with_capacities
from microgrid.plant import Plant
from microgrid.results import sizes_of
from microgrid.running import NoPlanError, Watch, run, settings_of
from microgrid.scenario import Solver
from solvers import Ended, Outcome, Plan, solve, templating

Held = Mapping[Key, Any]
Grounds = Mapping[int, tuple[Plant, Array | None]]
"""By number of a stage: its plant on the steps that are to be merged, and what they are compared by."""
CANNOT_BE = (Ended.INFEASIBLE, Ended.INFEASIBLE_OR_UNBOUNDED)
"""How a solve ends where there is no plan at all, rather than none that was found in time."""


class NoPathError(NoPlanError):
    """There is no path; `stage` names the one that has no plan, where one alone has none."""

    def __init__(self, outcome: Outcome, text: str, stage: str = "") -> None:
        super().__init__(outcome)
        self.stage = stage
        self.args = (text,)

    @property
    def cannot_be(self) -> bool:
        """Whether there is none at all, rather than none that was found in time."""
        return self.outcome.ended in CANNOT_BE


@dataclass(frozen=True)
class Question:
    """What is to be decided: all stages at once, or the last one after those that are over.

    Parameters
    ----------
    solver
        How hard to solve.
    done
        What was decided in stages that are over; empty where all are planned. All else is as in `path_model`.
    """

    stages: Sequence[Stage]
    finance: Finance
    solver: Solver
    standing: Mapping[Where, Standing]
    budget: float | None = None
    done: Kept = field(default_factory=dict)
    emitted: float = 0.0
    years: Sequence[Span] | None = None

    @property
    def planned(self) -> range:
        """Numbers of the stages that are planned."""
        return range(len(self.stages) - 1 if self.done else 0, len(self.stages))

    def model(self, plants: Mapping[int, Plant] | None = None) -> PathModel:
        """Return it as a model, with other plants in some stages."""
        others = plants or {}
        stages = [
            replace(stage, scenario=replace(stage.scenario, plant=others.get(number, stage.scenario.plant)))
            for number, stage in enumerate(self.stages)
        ]
        given = given_cost(self.stages, self.finance)
        with templating():
            return path_model(
                stages, self.finance, self.standing, self.budget, self.done, self.emitted, given, self.years
            )


class Decided(NamedTuple):
    """A path's model on all steps with its solution; `replay` tells what was decided on fewer."""

    model: PathModel
    outcome: Outcome
    replay: Replay | None

    @property
    def kept(self) -> Kept:
        """What is built and kept."""
        return self.model.decided(self.outcome.plan)


def decided(question: Question, shorter: Shorter | None = None, watch: Watch | None = None) -> Decided:
    """Decide a path; on a shorter horizon of each stage, where one is given, and then run on all steps.

    Raises
    ------
    InputError
        If there are too few or too many segments or periods, or a plant cannot be planned on them.
    NoPathError
        If there is no path.
    ReplayError
        If what was decided on a shorter horizon does not suffice for all steps.
    """
    if shorter is None:
        model = question.model()
        return Decided(model, _solved(model, question, watch), None)
    grounds = {number: shorter.ground(question.stages[number].scenario.plant) for number in question.planned}
    first, seconds = _decided_on(shorter, question, grounds, watch), 0.0
    if shorter.kind == "segments":
        seconds = first.outcome.seconds
        first = _decided_on(shorter, question, _worths(first, question, grounds), watch)
    model = question.model()
    held = _hold(model, first.kept)
    outcome = _solve(model, question, watch)
    if outcome.plan is None and outcome.ended in CANNOT_BE:
        steps = len(question.stages[-1].scenario.plant.timeline)
        raise ReplayError(
            f"what was decided on {shorter} does not suffice for all {steps} steps ({NoPlanError(outcome)})\n"
            f"   take more {shorter.kind}, or none"
        )
    if outcome.plan is None:
        raise _no_path(outcome, question)
    bound = None if outcome.integers else _bound(question, model, held, first.kept, outcome.plan, outcome.bound)
    times = seconds + first.outcome.seconds, outcome.seconds
    return Decided(model, outcome, Replay(shorter, first.outcome.objective, outcome.objective, bound, times))


def _decided_on(shorter: Shorter, question: Question, grounds: Grounds, watch: Watch | None) -> Decided:
    """Decide on a shorter horizon of each stage that is planned."""
    plants = {number: shorter.of(plant, values) for number, (plant, values) in grounds.items()}
    model = question.model(plants)
    return Decided(model, _solved(model, question, watch), None)


def _worths(first: Decided, question: Question, grounds: Grounds) -> Grounds:
    """Return the stages' plants with what energy is worth at each step, with what was decided the first time."""
    found: dict[int, tuple[Plant, Array | None]] = {}
    plan = without_duals(first.outcome.plan)
    for number, part in first.model.parts.items():
        plant, means = grounds[number]
        known = part.plant.assets
        assets = {name: with_capacities(asset, known[name].capacities()) for name, asset in plant.assets.items()}
        with templating():
            model = assemble(replace(plant, assets=assets, areas={}))
        worth = worth_of_energy(model, sizes_of(part, plan), settings_of(question.solver))
        found[number] = plant, means if worth is None else worth
    return found


def _bound(question: Question, model: PathModel, held: Held, kept: Kept, plan: Plan, cost: float) -> float | None:
    """Return what no path costs less than: the tangent of the cost in what is kept, at its lowest."""
    duals = {key: plan.dual(row) for key, row in held.items()}
    slopes = {key: float(dual[0]) for key, dual in duals.items() if dual is not None}
    if len(slopes) < len(held):
        return None
    amounts = {key: amount for key, (amount, _) in kept.items()}
    change = lowest_change(slopes, amounts, question.stages, model.vintages, question.standing)
    return None if change is None else cost + change


def _hold(model: PathModel, kept: Kept) -> Held:
    """Hold what is built and kept by rows; return the row of each amount."""
    model.pyomo.held = pyo.Block()
    found: dict[Key, Any] = {}
    for key, parts in model.kept.items():
        where, built, number = key
        name = f"{where[0]}_{where[1]}_{'before' if built is None else built}_{number}"
        for told, variable, value in zip(("kept", "stands"), parts, kept[key], strict=True):
            if isinstance(variable, float):
                continue
            within = float(np.clip(value, float(variable.lb), float(variable.ub)))
            row = pyo.Constraint(rule=lambda _b, v=variable, value=within: v == value)
            with templating():
                model.pyomo.held.add_component(f"{name}_{told}", row)
            if told == "kept":
                found[key] = row
    return found


@templating()
def _solve(model: PathModel, question: Question, watch: Watch | None) -> Outcome:
    settings = replace(settings_of(question.solver), method="direct")
    return solve(model.pyomo, settings, watch, load=False, horizon=side_by_side(model.parts.values()))


def _solved(model: PathModel, question: Question, watch: Watch | None) -> Outcome:
    outcome = _solve(model, question, watch)
    if outcome.plan is None:
        raise _no_path(outcome, question)
    return outcome


def _no_path(outcome: Outcome, question: Question) -> NoPathError:
    """Return why there is no path: the first stage that has no plan by itself, or all of them together."""
    stages = [question.stages[number] for number in question.planned]
    for stage in stages if outcome.ended in CANNOT_BE else ():
        try:
            run(stage.scenario)
        except NoPlanError as error:
            return NoPathError(error.outcome, f"the stage {stage.name} has no plan by itself\n{error}", stage.name)
    whole = f"{NoPlanError(outcome)}\n   the stages {', '.join(stage.name for stage in stages)} were planned together"
    if question.budget is not None and outcome.ended in CANNOT_BE:
        whole += ": pathway.budget may be too small for what must be emitted"
    return NoPathError(outcome, whole, stages[-1].name)
