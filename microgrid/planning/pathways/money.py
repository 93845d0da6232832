"""Money over the years of a pathway, from its plans' own ledgers and from what was bought, without the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from microgrid.capacity import Fixed
from microgrid.finance import net_present_value
from microgrid.finance_section import Finance
from microgrid.planning.alike import Where
from microgrid.planning.cash_flow import Array, Rows, Scale, added_up, bought_rows, column_of, yearly_costs
from microgrid.planning.pathways.model import Kept, left_of_given
from microgrid.planning.pathways.sizes import faded
from microgrid.planning.pathways.stages import Stage, years_of
from microgrid.planning.pathways.vintages import Bought, Vintage
from microgrid.planning.purchases import Purchase, purchases
from microgrid.planning.variants import with_capacities
from microgrid.plant import Plant
from microgrid.results import Result

_NOTHING = 1e-9


def path_rows(
    operations: Sequence[tuple[Result, Array]],
    bought: Sequence[Purchase],
    upkeep: Mapping[str, Array],
    finance: Finance,
    scale: Scale | None = None,
) -> Rows:
    """Return what a path pays (below zero) and receives, by asset and item, in today's money, shape (years + 1,).

    Parameters
    ----------
    operations
        Each operation with 1 for the years that it stands for and 0 for all others, shape (years + 1,).
    bought
        All purchases.
    upkeep
        By asset, what the upkeep of what has faded costs in each year, before growth; see `faded_upkeep`.
    """
    scale = scale or Scale()
    flows = list(bought_rows(bought, finance, scale))
    for result, holds in operations:
        flows += [
            ((asset, item), -amount * holds * _changed(item, finance, scale))
            for (asset, item), amount in yearly_costs(result).items()
        ]
    fixed = _changed("fixed", finance, scale)
    flows += [((asset, "fixed"), -amounts * fixed) for asset, amounts in upkeep.items()]
    return added_up(flows, finance)


def _changed(item: str, finance: Finance, scale: Scale) -> Array:
    """Return what a cost of today's prices is multiplied with in each year."""
    years = np.maximum(np.arange(finance.years + 1) - 1, 0)
    column = column_of(item)
    return np.asarray(scale.costs.get(column, 1.0) * (1 + finance.growth.get(column, 0.0)) ** years)


def faded_upkeep(
    stages: Sequence[Stage], vintages: Mapping[Where, Sequence[Vintage]], kept: Kept, finance: Finance
) -> dict[str, Array]:
    """Return by asset what the upkeep of all that stands costs in each year beyond that of what it still gives."""
    found = _given_upkeep(stages, finance)
    for where, each in vintages.items():
        for number, stage in enumerate(stages):
            opex = stage.scenario.plant.assets[where[0]].capacities()[where[1]].opex
            lost = opex * sum(faded(where, each, kept, number))
            if lost:
                found[where[0]] = found.get(where[0], 0.0) + lost * years_of(stage, finance)
    return found


def _given_upkeep(stages: Sequence[Stage], finance: Finance) -> dict[str, Array]:
    """Return the same of what is given as a number."""
    found: dict[str, Array] = {}
    for stage, shares in zip(stages, left_of_given(stages, finance), strict=True):
        for (name, key), left in shares.items():
            capacity = stage.scenario.plant.assets[name].capacities()[key]
            lost = capacity.opex * capacity.high * (1.0 - left)
            if lost:
                found[name] = found.get(name, np.zeros(finance.years + 1)) + lost * years_of(stage, finance)
    return found


def cost_of(rows: Rows, finance: Finance) -> float:
    """Return what all of it costs at the path's begin."""
    return -sum(net_present_value(finance.real_rate, flows) for flows in rows.values())


def path_purchases(
    stages: Sequence[Stage], vintages: Mapping[Where, Sequence[Vintage]], kept: Kept, finance: Finance
) -> list[Purchase]:
    """Return all that is bought on a path: for what is decided, and for what is given as the first stage has it."""
    found = _given_purchases(stages, finance)
    for where, each in vintages.items():
        for one in each:
            found += _of_vintage(where, one, kept, stages)
    return found


def given_cost(stages: Sequence[Stage], finance: Finance) -> float:
    """Return what is paid whatever is decided, at the path's begin: what stands as a number is replaced, and fades."""
    bought, upkeep = _given_purchases(stages, finance), _given_upkeep(stages, finance)
    return cost_of(path_rows([], bought, upkeep, finance), finance)


def _given_purchases(stages: Sequence[Stage], finance: Finance) -> list[Purchase]:
    given = _given(stages[0].scenario.plant)
    sizes = {name: {key: c.high for key, c in asset.capacities().items()} for name, asset in given.assets.items()}
    return purchases(given, sizes, finance.years)


def _given(plant: Plant) -> Plant:
    """Return a plant without what is decided: these capacities are zero."""
    assets = {
        name: with_capacities(
            asset, {key: c if isinstance(c, Fixed) else Fixed(amount=0.0) for key, c in asset.capacities().items()}
        )
        for name, asset in plant.assets.items()
    }
    return replace(plant, assets=assets, areas={})


def _of_vintage(where: Where, found: Vintage, kept: Kept, stages: Sequence[Stage]) -> Iterator[Purchase]:
    """Give the purchases of a vintage; what is given up later is worth nothing from then on."""
    amounts = [kept[where, found.built, number] for number in found.stages]
    ends = [float(stages[number].begin) for number in found.stages[1:]]
    leaving = [
        (end, (now[0] - then[0], now[1] - then[1])) for end, (now, then) in zip(ends, pairwise(amounts), strict=True)
    ]
    for place, bought in enumerate(found.bought):
        for each in bought:
            slices = [*leaving[place:], (np.inf, amounts[-1])]
            yield from _sliced(where, found, each, slices)


def _sliced(
    where: Where, found: Vintage, bought: Bought, slices: Sequence[tuple[float, tuple[float, float]]]
) -> Iterator[Purchase]:
    """Give one purchase for each part of it that is given up at another time."""
    item = (
        "investment" if found.built == bought.stage and not bought.part and _is_first(found, bought) else "replacement"
    )
    what = f"{where[1]}: {bought.part}" if bought.part else where[1]
    for end, (amount, stands) in slices:
        price = bought.price * amount + bought.building * stands
        if abs(price) > _NOTHING:
            life = min(bought.life, end - bought.time)
            yield Purchase(where[0], what, item, bought.time, price, bought.grant * price, life)


def _is_first(found: Vintage, bought: Bought) -> bool:
    return bought.time <= min(each.time for each in found.bought[0]) + _NOTHING
