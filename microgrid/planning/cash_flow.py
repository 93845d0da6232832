"""Money over the years: a plan beside what it is compared with, from their ledgers of one year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.finance import depreciation, internal_rate, net_present_value, payback, present_values, taxes
from microgrid.finance_section import Finance
from microgrid.planning.purchases import Purchase
from microgrid.results import Result

Array = NDArray[np.float64]
Rows = dict[tuple[str, str], Array]

BOUGHT = ("investment", "grant", "replacement", "residual value")
PROJECT = "project"
"""Whose the items are that belong to no asset: incentives and taxes."""


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


@dataclass(frozen=True)
class Scale:
    """Factors on what is assumed, to see how much depends on it: on prices of what is bought, and by cost column."""

    bought: float = 1.0
    costs: Mapping[str, float] = field(default_factory=dict)


def yearly_costs(result: Result) -> dict[tuple[str, str], float]:
    """Return what a year costs by asset and category, annuities left out.

    A year is as many horizons as go into it. What is billed by the month counts twelve of the horizon's months, each
    billed in full: a horizon of a week holds one whole demand charge, not a fifty-second part of twelve.
    """
    frame, months = result.costs, _months(result)
    years = float(result.manifest["horizon"]["years"])
    found: dict[tuple[str, str], float] = {}
    for (asset, category, _line), part in frame.groupby(["asset", "category", "line"], observed=True, sort=False):
        if category == "capital":
            continue
        is_monthly = len(part) == months != len(result.steps) and part["time"].notna().all()
        factor = 12 / months if is_monthly else 1 / years
        key = (str(asset), str(category))
        found[key] = found.get(key, 0.0) + factor * float(part["amount"].sum())
    return found


def _months(result: Result) -> int:
    return int(pd.DatetimeIndex(result.steps["time"]).strftime("%Y-%m").nunique())


def rows_of(case: Case, finance: Finance, scale: Scale | None = None) -> Rows:
    """Return what a case pays (below zero) and receives, by asset and item, in today's money, shape (years + 1,)."""
    scale = scale or Scale()
    rows: Rows = {}
    for key, flows in (*bought_rows(case.bought, finance, scale), *_operated(case, finance, scale)):
        rows[key] = rows.get(key, np.zeros(finance.years + 1)) + flows
    return rows


def bought_rows(bought: Sequence[Purchase], finance: Finance, scale: Scale) -> Iterator[tuple[tuple[str, str], Array]]:
    """Give what purchases cost, what others pay of them, and what they are worth at the project's end."""
    for purchase in bought:
        price = _price(purchase, finance, scale)
        yield (purchase.asset, purchase.item), _at(purchase.year, -price, finance)
        if purchase.grant:
            yield (purchase.asset, "grant"), _at(purchase.year, price * purchase.grant / purchase.price, finance)
        left = 1.0 - (finance.years - purchase.time) / purchase.life
        if finance.residual_value == "straight_line" and left > 1e-9:
            yield (purchase.asset, "residual value"), _at(finance.years, price * left, finance)


def _price(purchase: Purchase, finance: Finance, scale: Scale) -> float:
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
            grown = (1 + finance.growth.get(category, 0.0)) ** np.arange(finance.years)
            flows = -amount * scale.costs.get(category, 1.0) * grown * shares
            yield (asset, category), np.concatenate([[0.0], flows])


@dataclass(frozen=True)
class Sheet:
    """A plan's money over the years, beside what it is compared with.

    Parameters
    ----------
    plan, reference
        By asset and item, in the money that `finance` discounts: of constant worth, or of each year.
    project
        What belongs to the comparison alone: incentives and taxes.
    profits
        The difference's taxable profit of each year, in the money of that year.
    """

    finance: Finance
    plan: Rows
    reference: Rows
    project: Rows
    profits: Array

    @property
    def rate(self) -> float:
        """The discount rate that fits the money."""
        return self.finance.discount_rate

    @property
    def items(self) -> dict[str, Array]:
        """The difference by item: what the plan pays or receives more than the reference."""
        found: dict[str, Array] = {}
        for rows, sign in ((self.plan, 1.0), (self.reference, -1.0), (self.project, 1.0)):
            for (_, item), flows in rows.items():
                found[item] = found.get(item, np.zeros(len(flows))) + sign * flows
        return found

    @property
    def net(self) -> Array:
        """What the plan brings in each year beside the reference."""
        return np.asarray(sum(self.items.values(), np.zeros(self.finance.years + 1)))

    @property
    def running(self) -> Array:
        """The sum of what it has brought up to each year."""
        return np.cumsum(self.net)

    @property
    def figures(self) -> dict[str, float | None]:
        """The measures that an investment is judged by; None where one does not exist."""
        net, items = self.net, self.items
        investment = float(sum(items[item][0] for item in ("investment", "grant") if item in items))
        worth = net_present_value(self.rate, net)
        costs = {name: -_worth(rows, self.rate) for name, rows in (("plan", self.plan), ("reference", self.reference))}
        return {
            "investment": -investment,
            "net_present_value": worth,
            "internal_rate": internal_rate(net),
            "payback": payback(net),
            "discounted_payback": payback(present_values(self.rate, net)),
            "first_year": float(net[1]),
            "cost_of_plan": costs["plan"],
            "cost_of_reference": costs["reference"],
        }

    def frame(self) -> pd.DataFrame:
        """Return everything as a tidy table: case, asset, year, item, amount."""
        cases = (("plan", self.plan), ("reference", self.reference), (PROJECT, self.project))
        rows = [
            {"case": case, "asset": asset, "item": item, "year": np.arange(len(flows)), "amount": flows}
            for case, table in cases
            for (asset, item), flows in table.items()
        ]
        return pd.concat([pd.DataFrame(row) for row in rows], ignore_index=True)


def _worth(rows: Rows, rate: float) -> float:
    return sum(net_present_value(rate, flows) for flows in rows.values())


def compared(plan: Case, reference: Case, finance: Finance, scale: Scale | None = None) -> Sheet:
    """Put a plan beside its reference, with incentives and taxes on the difference."""
    mine, other = rows_of(plan, finance, scale), rows_of(reference, finance, scale)
    inflated = (1 + finance.inflation) ** np.arange(finance.years + 1)
    project: Rows = {}
    taxed = np.zeros(finance.years + 1)
    for name, incentive in finance.incentives.items():
        paid = np.zeros(finance.years + 1)
        paid[incentive.year : incentive.year + incentive.years] = incentive.amount
        project[PROJECT, f"incentive: {name}"] = paid
        taxed += paid if incentive.taxed else 0.0
    profits = (_operating(mine) - _operating(other)) * inflated + taxed
    for case, sign in ((plan, 1.0), (reference, -1.0)):
        profits -= sign * _written_off(case, finance, scale or Scale())
    if finance.tax is not None:
        due = taxes(profits.tolist(), finance.tax.rate, finance.tax.losses)
        project[PROJECT, "tax"] = -due
    if finance.discounting == "nominal":
        mine, other = ({key: flows * inflated for key, flows in rows.items()} for rows in (mine, other))
    else:  # incentives and taxes are amounts of their own year's money
        project = {key: flows / inflated for key, flows in project.items()}
    return Sheet(finance, mine, other, project, profits)


def _operating(rows: Rows) -> Array:
    return np.asarray(sum(flows for (_, item), flows in rows.items() if item not in BOUGHT))


def _written_off(case: Case, finance: Finance, scale: Scale) -> Array:
    """Return what counts as a cost for taxes of all that was bought, in each year's money.

    What is left in the books at the project's end is set against what it is worth then.
    """
    off = np.zeros(finance.years + 1)
    if finance.tax is None:
        return off
    life, at_end = round(finance.tax.depreciation_life), (1 + finance.inflation) ** finance.years
    for purchase in case.bought:
        price = _price(purchase, finance, scale)
        paid = (price - scale.bought * purchase.grant) * (1 + finance.inflation) ** purchase.year
        parts = depreciation(paid, life, finance.tax.depreciation)[: finance.years - purchase.year]
        off[purchase.year + 1 : purchase.year + 1 + len(parts)] += parts
        left = max(0.0, 1.0 - (finance.years - purchase.time) / purchase.life)
        sold = price * left * at_end if finance.residual_value == "straight_line" else 0.0
        off[-1] += paid - parts.sum() - sold
    return off
