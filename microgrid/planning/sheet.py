"""A plan's money over the years beside what it is compared with: the difference, incentives, taxes, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from microgrid.finance import depreciation, internal_rate, net_present_value, payback, present_values, taxes
from microgrid.finance_section import Finance
from microgrid.planning.cash_flow import Array, Rows, Scale, price_of
from microgrid.planning.purchases import Purchase

BOUGHT = ("investment", "grant", "replacement", "residual value")
PROJECT = "project"
"""Whose the items are that belong to no asset: incentives and taxes."""


class Side(Protocol):
    """One of the two that are compared: a plan of one year that stands for all, or a pathway."""

    @property
    def bought(self) -> Sequence[Purchase]:
        """All that is bought for it."""

    def rows(self, finance: Finance, scale: Scale) -> Rows:
        """Return what it pays (below zero) and receives, by asset and item, in today's money, shape (years + 1,)."""


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


def compared(plan: Side, reference: Side, finance: Finance, scale: Scale | None = None) -> Sheet:
    """Put a plan beside its reference, with incentives and taxes on the difference."""
    scale = scale or Scale()
    mine, other = plan.rows(finance, scale), reference.rows(finance, scale)
    inflated = (1 + finance.inflation) ** np.arange(finance.years + 1)
    project: Rows = {}
    taxed = np.zeros(finance.years + 1)
    for name, incentive in finance.incentives.items():
        paid = np.zeros(finance.years + 1)
        paid[incentive.year : incentive.year + incentive.years] = incentive.amount
        project[PROJECT, f"incentive: {name}"] = paid
        taxed += paid if incentive.taxed else 0.0
    profits = (_operating(mine) - _operating(other)) * inflated + taxed
    for side, sign in ((plan, 1.0), (reference, -1.0)):
        profits -= sign * _written_off(side.bought, finance, scale)
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


def _written_off(bought: Sequence[Purchase], finance: Finance, scale: Scale) -> Array:
    """Return what counts as a cost for taxes of all that was bought, in each year's money.

    What is left in the books at the project's end is set against what it is worth then.
    """
    off = np.zeros(finance.years + 1)
    if finance.tax is None:
        return off
    life, at_end = round(finance.tax.depreciation_life), (1 + finance.inflation) ** finance.years
    for purchase in bought:
        price = price_of(purchase, finance, scale)
        paid = price * (1 - purchase.granted) * (1 + finance.inflation) ** purchase.year
        parts = depreciation(paid, life, finance.tax.depreciation)[: finance.years - purchase.year]
        off[purchase.year + 1 : purchase.year + 1 + len(parts)] += parts
        left = max(0.0, 1.0 - (finance.years - purchase.time) / purchase.life)
        sold = price * left * at_end if finance.residual_value == "straight_line" else 0.0
        off[-1] += paid - parts.sum() - sold
    return off
