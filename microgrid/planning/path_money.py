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
from microgrid.planning.cash_flow import Rows, Scale, bought_rows, yearly_costs
from microgrid.planning.path_model import Kept
from microgrid.planning.purchases import Purchase, purchases
from microgrid.planning.stages import Stage
from microgrid.planning.variants import with_capacities
from microgrid.planning.vintages import Bought, Vintage
from microgrid.plant import Plant
from microgrid.results import Result

_NOTHING = 1e-9


def path_rows(stages: Sequence[Stage], results: Sequence[Result], bought: Sequence[Purchase], finance: Finance) -> Rows:
    """Return what a path pays (below zero) and receives, by asset and item, in today's money, shape (years + 1,)."""
    rows: Rows = {}

    def add(key: tuple[str, str], flows: np.ndarray) -> None:
        rows[key] = rows.get(key, np.zeros(finance.years + 1)) + flows

    for key, flows in bought_rows(bought, finance, Scale()):
        add(key, flows)
    for stage, result in zip(stages, results, strict=True):
        years = np.arange(finance.years + 1)
        holds = (years > stage.begin) & (years <= stage.until)
        for (asset, category), amount in yearly_costs(result).items():
            grown = (1 + finance.growth.get(category, 0.0)) ** np.maximum(years - 1, 0)
            add((asset, category), np.where(holds, -amount * grown, 0.0))
    return rows


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
    """Return what is bought whatever is decided, at the path's begin: what stands as a number is replaced."""
    bought = _given_purchases(stages, finance)
    return -sum(net_present_value(finance.real_rate, flows) for _, flows in bought_rows(bought, finance, Scale()))


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
