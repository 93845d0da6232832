"""A pathway as one model: an operation block for each stage, and what is built, kept and given up between them.

Money counts at the path's begin: each year's operating costs and each purchase by the discount rate, what is left of
lives at the project's end taken off.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.capacity import Fixed, Sized
from microgrid.finance_section import Finance
from microgrid.model import Model, write_plant
from microgrid.names import Named
from microgrid.planning.alike import Where, decided_in
from microgrid.planning.pathways.sizes import add_up, declare_kept, faded, fades, keep_within_areas
from microgrid.planning.pathways.stages import Stage, Standing
from microgrid.planning.pathways.vintages import Span, Vintage, present_price, present_rest, vintage
from microgrid.planning.purchases import left_of_life
from microgrid.planning.variants import with_capacities
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
    years: Sequence[Span] | None = None,
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
        What is paid whatever is decided, at the path's begin: it counts in the objective, and so in its gap.
    years
        The years of each stage that ageing is told for; by default all of it.
    """
    over = len(stages) - 1 if done else 0
    model = pyo.ConcreteModel(name="pathway")
    names = [stage.name for stage in stages]
    planned = {number: stage for number, stage in enumerate(stages) if number >= over}
    spans = years or [stage.span for stage in stages]
    model.stage = pyo.Block(names[over:])
    model.build = pyo.Block(list(stages[0].scenario.plant.assets))
    decided = decided_in(stages[0].scenario.plant.assets)
    vintages = {where: _vintages(where, stages, standing.get(where), spans) for where in decided}
    fading = {where for where, found in vintages.items() if fades(found)}
    given_left = left_of_given(stages, finance, spans)
    plants = {n: unpriced(stage.scenario.plant, fading, given_left[n]) for n, stage in planned.items()}
    parts = {n: write_plant(counting(plant, budget), model.stage[names[n]]) for n, plant in plants.items()}
    kept: dict[tuple[Where, int | None, int], tuple[Any, Any]] = dict(done or {})
    money: list[Any] = [given]
    for where, found in vintages.items():
        capacities = _capacities(where, stages)
        for each in found:
            declare_kept(model.build[where[0]], where, each, capacities, names, kept, standing.get(where))
            money += _bought(where, each, kept, finance, over)
        add_up(model.build[where[0]], where, found, kept, parts, stages)
        money += _upkeep_of_what_faded(where, found, kept, planned, finance)
    model.site = pyo.Block()
    keep_within_areas(model.site, vintages, kept, planned)
    money += [line for number in parts for line in operated(parts[number], stages[number].span, finance)]
    model.goal = pyo.Objective(rule=lambda _m: sum(money), sense=pyo.minimize)
    if budget is not None:
        _keep_within_budget(model, _emitted(parts, stages), budget - emitted)
    return PathModel(model, parts, vintages, kept)


def _keep_within_budget(model: Any, years: Sequence[Any], left: float) -> None:
    """Let all years together emit no more than what is left of the budget."""
    most = float(left)  # one that remembers its gas is no number to Pyomo
    model.emissions_within_budget = pyo.Constraint(rule=lambda _m: sum(years) <= most)


def unpriced(plant: Plant, fading: Container[Where] = (), left: Mapping[Where, float] | None = None) -> Plant:
    """Return a plant whose capacities cost nothing to build: what is built is paid for outside its operation.

    Of capacities that fade it has what is left of them, so that neither their bounds nor their modules hold in it;
    `left` says so of what is given as a number. Nor do areas, which count what stands.
    """
    free = {"capex": 0.0, "build_cost": 0.0, "grant": 0.0, "parts": Named()}
    loose = {"low": 0.0, "optional": False, "unit_size": None}

    def changed(where: Where, capacity: Fixed | Sized) -> Fixed | Sized:
        if isinstance(capacity, Fixed):
            return capacity.model_copy(update={"amount": capacity.amount * (left or {}).get(where, 1.0)})
        return capacity.model_copy(update=free | (loose if where in fading else {}))

    assets = {
        name: with_capacities(asset, {key: changed((name, key), each) for key, each in asset.capacities().items()})
        for name, asset in plant.assets.items()
    }
    return replace(plant, assets=assets, areas={})


def left_of_given(
    stages: Sequence[Stage], finance: Finance, years: Sequence[Span] | None = None
) -> list[dict[Where, float]]:
    """Return of each stage what share ageing leaves of what is given as a number: the mean over its years."""
    spans = years or [stage.span for stage in stages]
    plant, found = stages[0].scenario.plant, list[dict[Where, float]]()
    shares = {
        (name, key): left_of_life(plant, name, key, finance.years)
        for name, asset in plant.assets.items()
        for key, capacity in asset.capacities().items()
        if isinstance(capacity, Fixed) and capacity.degradation
    }
    for span in spans:
        held = slice(round(span.begin), round(span.until))
        found.append({where: float(np.mean(left[held])) for where, left in shares.items()})
    return found


def counting(plant: Plant, budget: float | None) -> Plant:
    """Return a plant whose emissions have a say in its operation, as a budget over all years gives them one."""
    if budget is None or plant.objective.counts_carbon:
        return plant
    return replace(plant, objective=replace(plant.objective, caps={**plant.objective.caps, "emissions": _NO_LIMIT}))


def _capacities(where: Where, stages: Sequence[Stage]) -> list[Sized]:
    name, key = where
    found = [stage.scenario.plant.assets[name].capacities()[key] for stage in stages]
    return [capacity for capacity in found if isinstance(capacity, Sized)]


def _vintages(where: Where, stages: Sequence[Stage], standing: Standing | None, years: Sequence[Span]) -> list[Vintage]:
    """Return what stood before, and what each stage can build."""
    capacities, spans = _capacities(where, stages), [stage.span for stage in stages]
    if counts_modules(stages[0].scenario.plant, where):
        capacities = [capacity.model_copy(update={"degradation": 0.0}) for capacity in capacities]
    before = [vintage(capacities, spans, None, standing.remaining_life, years)] if standing is not None else []
    return before + [vintage(capacities, spans, number, years=years) for number in range(len(stages))]


def counts_modules(plant: Plant, where: Where) -> bool:
    """Tell whether an operation counts the modules of a capacity, which can then be no fraction of themselves."""
    return plant.assets[where[0]].counts_modules


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


def operated(part: Model, years: Span, finance: Finance) -> Iterator[Any]:
    """Give what an operation costs at the path's begin in all years that it stands for, line by line."""
    for line in part.ledger.costs:
        worth = _worth(years, finance, line.cost.category)
        yield worth * times_a_year(part, line.cost) * part.ledger.summed(line.cost)


def _upkeep_of_what_faded(
    where: Where, found: Sequence[Vintage], kept: Kept, planned: Mapping[int, Stage], finance: Finance
) -> Iterator[Any]:
    """Give what the upkeep of all that stands costs beyond that of what it still gives."""
    for number, stage in planned.items():
        each = stage.scenario.plant.assets[where[0]].capacities()[where[1]].opex * _worth(stage.span, finance, "fixed")
        if each:
            yield from (each * amount for amount in faded(where, found, kept, number))


def _worth(held: Span, finance: Finance, category: str) -> float:
    """Return what one unit of currency in each of some years is worth at the path's begin, with its growth."""
    years = np.arange(held.begin + 1, held.until + 1)
    grown = (1 + finance.growth.get(category, 0.0)) ** (years - 1)
    return float((grown * (1 + finance.real_rate) ** -years.astype(float)).sum())


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
