"""Money over the years of one case: what it pays and receives, from its ledger of one year and what is bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.finance_section import Finance
from microgrid.planning.purchases import Purchase
from microgrid.results import Result

Array = NDArray[np.float64]
Rows = dict[tuple[str, str], Array]

TRADED = "carbon allowances"
"""What emissions trading costs: it is paid, whether or not the scenario's own price of carbon is."""


@dataclass(frozen=True)
class Loss:
    """What ageing changes: costs and emissions of a year in which a capacity is down to `least` of itself.

    Parameters
    ----------
    asset, field
        The capacity.
    left
        Share of it that is left in each of the project's years, shape (years,).
    least
        The smallest of these, for which the operation was computed anew.
    costs
        By asset and category, what a year costs more then.
    emissions
        By ledger column, what a year emits more then.
    """

    asset: str
    field: str
    left: tuple[float, ...]
    least: float
    costs: Mapping[tuple[str, str], float]
    emissions: Mapping[str, float]

    @property
    def shares(self) -> Array:
        """How much of the whole change counts in each year: in proportion to what is lost."""
        lost = 1.0 - np.asarray(self.left)
        return lost / (1.0 - self.least)


@dataclass(frozen=True)
class Case:
    """A plan with what its money over the years depends on."""

    result: Result
    bought: Sequence[Purchase]
    losses: Sequence[Loss] = ()

    def rows(self, finance: Finance, scale: Scale) -> Rows:
        """Return what it pays (below zero) and receives, by asset and item, in today's money, shape (years + 1,)."""
        return added_up([*bought_rows(self.bought, finance, scale), *_operated(self, finance, scale)], finance)


@dataclass(frozen=True)
class Scale:
    """Factors on what is assumed, to see how much depends on it: on prices of what is bought, and by cost column."""

    bought: float = 1.0
    costs: Mapping[str, float] = field(default_factory=dict)


def yearly_costs(result: Result) -> dict[tuple[str, str], float]:
    """Return what a year costs by asset and item, annuities left out; items are cost columns, and allowances traded.

    A year is as many horizons as go into it. What is billed by the month counts twelve of the horizon's months, each
    billed in full: a horizon of a week holds one whole demand charge, not a fifty-second part of twelve.
    """
    frame, months = result.costs, _months(result)
    years = float(result.manifest["horizon"]["years"])
    found: dict[tuple[str, str], float] = {}
    for (asset, category, line), part in frame.groupby(["asset", "category", "line"], observed=True, sort=False):
        if category == "capital":
            continue
        item = TRADED if category == "carbon" and not str(line).endswith(" priced") else str(category)
        is_monthly = len(part) == months != len(result.steps) and part["time"].notna().all()
        factor = 12 / months if is_monthly else 1 / years
        key = (str(asset), item)
        found[key] = found.get(key, 0.0) + factor * float(part["amount"].sum())
    return found


def column_of(item: str) -> str:
    """Return the cost column that an item is part of."""
    return "carbon" if item == TRADED else item


def _months(result: Result) -> int:
    return int(pd.DatetimeIndex(result.steps["time"]).strftime("%Y-%m").nunique())


def added_up(flows: Iterable[tuple[tuple[str, str], Array]], finance: Finance) -> Rows:
    """Return the sum of flows by asset and item, shape (years + 1,) each."""
    rows: Rows = {}
    for key, amounts in flows:
        rows[key] = rows.get(key, np.zeros(finance.years + 1)) + amounts
    return rows


def bought_rows(bought: Sequence[Purchase], finance: Finance, scale: Scale) -> Iterator[tuple[tuple[str, str], Array]]:
    """Give what purchases cost, what others pay of them, and what they are worth at the project's end."""
    for purchase in bought:
        price = price_of(purchase, finance, scale)
        yield (purchase.asset, purchase.item), _at(purchase.year, -price, finance)
        if purchase.grant:
            yield (purchase.asset, "grant"), _at(purchase.year, price * purchase.granted, finance)
        left = 1.0 - (finance.years - purchase.time) / purchase.life
        if finance.residual_value == "straight_line" and left > 1e-9:
            yield (purchase.asset, "residual value"), _at(finance.years, price * left, finance)


def price_of(purchase: Purchase, finance: Finance, scale: Scale) -> float:
    """Return a price in today's money, with what it has grown above inflation since."""
    return scale.bought * purchase.price * (1 + finance.growth.get("replacement", 0.0)) ** purchase.year


def _at(year: int, amount: float, finance: Finance) -> Array:
    flows = np.zeros(finance.years + 1)
    flows[year] = amount
    return flows


def _operated(case: Case, finance: Finance, scale: Scale) -> Iterator[tuple[tuple[str, str], Array]]:
    """Give the operating costs: every year is like the horizon's, but for prices that grow and what ages."""
    ones = np.ones(finance.years)
    changes = [(loss.costs, loss.shares) for loss in case.losses]
    for costs, shares in ((yearly_costs(case.result), ones), *changes):
        for (asset, category), amount in costs.items():
            if category == "carbon" and not finance.carbon_is_paid:
                continue
            grown = (1 + finance.growth.get(column_of(category), 0.0)) ** np.arange(finance.years)
            flows = -amount * scale.costs.get(column_of(category), 1.0) * grown * shares
            yield (asset, category), np.concatenate([[0.0], flows])
