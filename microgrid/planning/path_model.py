"""A pathway as one model: an operation block for each stage, and what is built, kept and given up between them.

Money counts at the path's begin: each year's operating costs and each purchase by the discount rate, what is left of
lives at the project's end taken off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.capacity import Sized
from microgrid.finance_section import Finance
from microgrid.model import Model, write_plant
from microgrid.names import Named
from microgrid.planning.alike import Where, decided_in
from microgrid.planning.stages import Stage, Standing
from microgrid.planning.variants import with_capacities
from microgrid.planning.vintages import Span, Vintage, present_price, present_rest, vintage
from microgrid.plant import Plant
from microgrid.technologies.base import Cost

_NO_LIMIT = 1e12  # kgCO2e: a gigatonne a horizon
Kept = dict[tuple[Where, int | None, int], tuple[float, float]]
"""How much of a vintage is kept in a stage, and whether anything of it stands: by capacity, vintage and stage."""


@dataclass(frozen=True, eq=False)
class PathModel:
    """A pathway written as a Pyomo model.

    Parameters
    ----------
    pyomo
        The ConcreteModel.
    parts
        By number of the stage, its operation; stages that are over have none.
    vintages
        By capacity, all that was and can be built.
    kept
        Numbers of stages that are over, variables of the others, as amount and whether anything stands.
    """

    pyomo: Any
    parts: Mapping[int, Model]
    vintages: Mapping[Where, Sequence[Vintage]]
    kept: Mapping[tuple[Where, int | None, int], tuple[Any, Any]]

    def decided(self, values: Any) -> Kept:
        """Return the numbers of a plan."""
        return {key: (_number(values, amount), _number(values, stands)) for key, (amount, stands) in self.kept.items()}


def _number(values: Any, amount: Any) -> float:
    return amount if isinstance(amount, float) else float(values.along(lambda: amount)[0])


def path_model(
    stages: Sequence[Stage],
    finance: Finance,
    standing: Mapping[Where, Standing],
    budget: float | None = None,
    done: Kept | None = None,
    emitted: float = 0.0,
    given: float = 0.0,
) -> PathModel:
    """Write a pathway.

    Parameters
    ----------
    stages
        The stages; the last one ends with the project's life.
    finance
        Rates, life and growth.
    standing
        What stands before the first.
    budget
        Most that may be emitted over all years, kgCO2e.
    done
        What was decided in earlier stages, for a path that is decided stage by stage; only the last stage is planned.
    emitted
        What these stages have emitted.
    given
        What is bought whatever is decided, at the path's begin: it counts in the objective, and so in its gap.
    """
    done = done or {}
    over = len(stages) - 1 if done else 0
    model = pyo.ConcreteModel(name="pathway")
    names = [stage.name for stage in stages]
    model.stage = pyo.Block(names[over:])
    model.build = pyo.Block(list(stages[0].scenario.plant.assets))
    parts = {
        number: write_plant(_counting(unpriced(stage.scenario.plant), budget), model.stage[stage.name])
        for number, stage in enumerate(stages)
        if number >= over
    }
    vintages = {where: _vintages(where, stages, standing.get(where)) for where in decided_in(parts[over].plant.assets)}
    kept: dict[tuple[Where, int | None, int], tuple[Any, Any]] = dict(done)
    money: list[Any] = [given]
    for where, found in vintages.items():
        capacities = _capacities(where, stages)
        for each in found:
            _declare(model.build[where[0]], where, each, capacities, names, kept, standing.get(where))
            money += _bought(where, each, kept, finance, over)
        _add_up(model.build[where[0]], where, found, kept, parts, names)
    money += [part for number in parts for part in _operated(parts[number], stages[number], finance)]
    model.goal = pyo.Objective(rule=lambda _m: sum(money), sense=pyo.minimize)
    if budget is not None:
        years = _emitted(parts, stages)
        model.emissions_within_budget = pyo.Constraint(rule=lambda _m: sum(years) <= budget - emitted)
    return PathModel(model, parts, vintages, kept)


def unpriced(plant: Plant) -> Plant:
    """Return a plant whose capacities cost nothing to build: what is built is paid for outside its operation."""
    free = {"capex": 0.0, "build_cost": 0.0, "grant": 0.0, "parts": Named()}
    assets = {
        name: with_capacities(
            asset,
            {
                key: capacity.model_copy(update=free)
                for key, capacity in asset.capacities().items()
                if isinstance(capacity, Sized)
            },
        )
        for name, asset in plant.assets.items()
    }
    return replace(plant, assets=assets)


def _counting(plant: Plant, budget: float | None) -> Plant:
    """Return a plant whose emissions have a say in its operation, as a budget over all years gives them one."""
    if budget is None or plant.objective.counts_carbon:
        return plant
    return replace(plant, objective=replace(plant.objective, caps={**plant.objective.caps, "emissions": _NO_LIMIT}))


def _capacities(where: Where, stages: Sequence[Stage]) -> list[Sized]:
    name, key = where
    found = [stage.scenario.plant.assets[name].capacities()[key] for stage in stages]
    return [capacity for capacity in found if isinstance(capacity, Sized)]


def _vintages(where: Where, stages: Sequence[Stage], standing: Standing | None) -> list[Vintage]:
    """Return what stood before, and what each stage can build."""
    capacities, spans = _capacities(where, stages), [Span(stage.begin, stage.until) for stage in stages]
    before = [vintage(capacities, spans, None, standing.remaining_life)] if standing is not None else []
    return before + [vintage(capacities, spans, number) for number in range(len(stages))]


def _declare(
    block: Any,
    where: Where,
    found: Vintage,
    capacities: Sequence[Sized],
    names: Sequence[str],
    kept: dict[tuple[Where, int | None, int], tuple[Any, Any]],
    standing: Standing | None,
) -> None:
    """Declare how much of a vintage is kept in each stage that is not over: no more than in the one before."""
    origin = "before" if found.built is None else names[found.built]
    before: tuple[Any, Any] | None = None
    if found.built is None and standing is not None:
        before = (standing.amount, 1.0 if standing.amount else 0.0)
    for number in found.stages:
        key, capacity = (where, found.built, number), capacities[number]
        if key not in kept:
            name = f"{where[1]}_of_{origin}_in_{names[number]}"
            kept[key] = _kept(block, name, capacity, found.is_built_for)
            if before is not None:
                for now, then, told in zip(kept[key], before, ("kept", "stands"), strict=True):
                    if not isinstance(now, float):
                        row = pyo.Constraint(expr=now <= then)
                        block.add_component(f"{name}_{told}_no_more_than_before", row)
        before = kept[key]


def _kept(block: Any, name: str, capacity: Sized, is_built_for: bool) -> tuple[Any, Any]:
    """Declare how much is kept of a vintage, its modules, and whether it stands at all where that costs money."""
    amount = pyo.Var(bounds=(0.0, capacity.high))
    block.add_component(name, amount)
    if capacity.unit_size is not None:
        modules = pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, int(capacity.high / capacity.unit_size + 1e-9)))
        block.add_component(f"{name}_modules", modules)
        block.add_component(f"{name}_of_modules", pyo.Constraint(expr=amount == capacity.unit_size * modules))
    if not is_built_for:
        return amount, 1.0
    stands = pyo.Var(within=pyo.Binary)
    block.add_component(f"{name}_stands", stands)
    block.add_component(f"{name}_only_if_it_stands", pyo.Constraint(expr=amount <= capacity.high * stands))
    return amount, stands


def _add_up(
    block: Any,
    where: Where,
    found: Sequence[Vintage],
    kept: Mapping[tuple[Where, int | None, int], tuple[Any, Any]],
    parts: Mapping[int, Model],
    names: Sequence[str],
) -> None:
    """Let a stage's capacity be what is kept of all vintages."""
    name, field = where
    for number, part in parts.items():
        amounts = [kept[where, each.built, number][0] for each in found if number in each.stages]
        size = part.sizes[name][field].amount
        row = pyo.Constraint(expr=size == sum(amounts))
        block.add_component(f"{field}_in_{names[number]}_is_what_is_kept", row)


def _bought(
    where: Where,
    found: Vintage,
    kept: Mapping[tuple[Where, int | None, int], tuple[Any, Any]],
    finance: Finance,
    over: int,
) -> Iterator[Any]:
    """Give what is bought for a vintage, and what is left of it at the end, at the path's begin."""
    last = found.stages[-1]
    for number, stage in zip(found.stages, found.bought, strict=True):
        amount, stands = kept[where, found.built, number]
        end_amount, end_stands = kept[where, found.built, last]
        for each in stage:
            if number >= over:
                yield present_price(each, finance) * (each.price * amount + each.building * stands)
            rest = present_rest(each, finance)
            if rest:
                yield -rest * (each.price * end_amount + each.building * end_stands)


def _operated(part: Model, stage: Stage, finance: Finance) -> Iterator[Any]:
    """Give what the operation of all years of a stage costs at the path's begin, line by line."""
    years = np.arange(stage.begin + 1, stage.until + 1)
    for line in part.ledger.costs:
        grown = (1 + finance.growth.get(line.cost.category, 0.0)) ** (years - 1)
        worth = float((grown * (1 + finance.real_rate) ** -years.astype(float)).sum())
        yield worth * times_a_year(part, line.cost) * part.ledger.summed(line.cost)


def times_a_year(part: Model, cost: Cost) -> float:
    """Return how often a horizon's amount is due in a year: what is billed by the month twelve times a month's bill."""
    timeline = part.plant.timeline
    months = len(set(timeline.months))
    is_monthly = cost.index is not None and cost.index is not part.operation.steps and months != len(timeline)
    return 12 / months if is_monthly else 1 / timeline.years


def _emitted(parts: Mapping[int, Model], stages: Sequence[Stage]) -> list[Any]:
    """Return what all years of the stages emit."""
    return [
        (stages[number].until - stages[number].begin) / part.plant.timeline.years * part.ledger.column("emissions")
        for number, part in parts.items()
    ]
