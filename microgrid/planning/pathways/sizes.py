"""What stands in each stage as rows: how much is kept of each vintage, and what a stage's operation has of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyomo.core as pyo

from microgrid.capacity import Sized
from microgrid.model import Model, declare_size
from microgrid.planning.alike import Where
from microgrid.planning.pathways.stages import Stage, Standing
from microgrid.planning.pathways.vintages import Vintage

Amounts = Mapping[tuple[Where, int | None, int], tuple[Any, Any]]
"""How much of a vintage is kept in a stage, and whether anything of it stands: by capacity, vintage and stage."""


def declare_kept(
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


def add_up(
    block: Any,
    where: Where,
    found: Sequence[Vintage],
    kept: Amounts,
    parts: Mapping[int, Model],
    stages: Sequence[Stage],
) -> None:
    """Let a stage's operation have what is left of all that is kept; bounds hold for what stands, as it was built."""
    name, field = where
    for number, part in parts.items():
        standing = [each for each in found if number in each.stages]
        amounts = [kept[where, each.built, number][0] for each in standing]
        size, stage = part.sizes[name][field].amount, stages[number]
        if not fades(found):
            row = pyo.Constraint(expr=size == sum(amounts))
            block.add_component(f"{field}_in_{stage.name}_is_what_is_kept", row)
            continue
        capacity = stage.scenario.plant.assets[name].capacities()[field]
        bounded = capacity.model_copy(update={"build_cost": 0.0, "unit_size": None})
        stands = declare_size(block, f"{field}_in_{stage.name}", bounded).amount
        row = pyo.Constraint(expr=stands == sum(amounts))
        block.add_component(f"{field}_in_{stage.name}_is_what_is_kept", row)
        left = [each.left_in(number) * amount for each, amount in zip(standing, amounts, strict=True)]
        row = pyo.Constraint(expr=size == sum(left))
        block.add_component(f"{field}_in_{stage.name}_gives_what_is_left", row)


def fades(found: Sequence[Vintage]) -> bool:
    """Tell whether a stage's operation has less of a capacity than stands."""
    return any(each.fades for each in found)


def keep_within_areas(
    block: Any, vintages: Mapping[Where, Sequence[Vintage]], kept: Amounts, stages: Mapping[int, Stage]
) -> None:
    """Let all that stands in a stage take no more of a roof or of land than the site has, faded or not."""
    for number, stage in stages.items():
        plant = stage.scenario.plant
        for place, most in plant.areas.items():
            taken = [each * _stands((asset, key), number, plant.assets[asset].capacities()[key], vintages, kept)
                     for asset, key, each in plant.takes(place)]  # fmt: skip
            if taken and not isinstance(sum(taken), int | float):
                block.add_component(f"{place}_within_area_in_{stage.name}", pyo.Constraint(expr=sum(taken) <= most))


def _stands(
    where: Where, number: int, capacity: Any, vintages: Mapping[Where, Sequence[Vintage]], kept: Amounts
) -> Any:
    if where not in vintages:
        return capacity.amount
    return sum(kept[where, each.built, number][0] for each in vintages[where] if number in each.stages)


def faded(where: Where, found: Sequence[Vintage], kept: Amounts, number: int) -> Iterator[Any]:
    """Give, of each vintage, what stands in a stage and gives nothing any more."""
    for each in found:
        if number in each.stages and each.left_in(number) < 1.0:
            yield (1.0 - each.left_in(number)) * kept[where, each.built, number][0]
