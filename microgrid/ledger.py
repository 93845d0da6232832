"""The two ledgers, money and carbon: the single truth behind objective, breakdown, account and report.

Carbon has no price of its own: whatever the objective or a trading scheme charges for a column of the carbon ledger is
entered as a line of money, so that the objective is one sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyomo.core as pyo

from microgrid.accounts import CARBON_PRICE, Accounting
from microgrid.plant import Objective
from microgrid.technologies.base import Cost, Emission, Operation, Rate


@dataclass(frozen=True)
class CostLine:
    """A line of the money ledger with the asset it belongs to."""

    asset: str
    cost: Cost


@dataclass(frozen=True)
class EmissionLine:
    """A line of the carbon ledger with the asset it belongs to."""

    asset: str
    emission: Emission


class Ledger:
    """All lines of one model, and the sums over any column of them."""

    def __init__(self, operation: Operation, objective: Objective, accounting: Accounting) -> None:
        self.operation = operation
        self.objective = objective
        self.accounting = accounting
        self.costs: list[CostLine] = []
        self.emissions: list[EmissionLine] = []

    def add(self, asset: str, costs: Iterable[Cost], emissions: Iterable[Emission] = ()) -> None:
        """Enter an asset's lines."""
        self.costs += [CostLine(asset, cost) for cost in costs]
        self.emissions += [EmissionLine(asset, emission) for emission in emissions]

    def price_carbon(self) -> None:
        """Enter what columns of the carbon ledger cost as lines of money: the objective's prices, a trading scheme."""
        accounting = self.accounting
        priced = [("emissions priced", "emissions", self.objective.carbon_price)]
        priced += [(f"{column} priced", column, price) for column, price in self.objective.carbon_prices.items()]
        priced.append(("emissions trading", "scope_1", accounting.trading_price))
        for line, column, price in priced:
            emitted = [each.emission.amount for each in self._emitted(column)]
            if price and emitted:
                plain = float(price)  # one that remembers its gas is no number to Pyomo

                def amount(t: Any, price: float = plain, emitted: list[Rate] = emitted) -> Any:
                    return price * sum([each(t) for each in emitted])

                self.add(CARBON_PRICE, [Cost(line, "carbon", amount, self.operation.steps)])
        free = accounting.trading_price * accounting.allowances
        if free:
            self.add(CARBON_PRICE, [Cost("free allowances", "carbon", lambda _: -free)])

    def under(self, objective: Objective) -> Ledger:
        """Return the same lines under another objective, without those of its prices of carbon."""
        ledger = Ledger(self.operation, objective, self.accounting)
        ledger.costs = [line for line in self.costs if line.asset != CARBON_PRICE]
        ledger.emissions = list(self.emissions)
        return ledger

    def column(self, name: str) -> Any:
        """Return the sum over a column, as an expression; steps count as often as their weight says."""
        parts = [self.summed(line.cost) for line in self._paid(name)]
        parts += [self._summed(line.emission.amount, self.operation.steps) for line in self._emitted(name)]
        return pyo.quicksum(parts)

    def summed(self, cost: Cost) -> Any:
        """Return what a line of money amounts to over the horizon, as an expression."""
        return self._summed(cost.amount, cost.index)

    def emitted(self, column: str) -> list[Rate]:
        """Return what each line of a column emits at a step, for once that the step counts."""
        return [line.emission.amount for line in self._emitted(column)]

    def counts(self, emission: Emission, column: str) -> bool:
        """Tell whether a line of the carbon ledger belongs to a column."""
        basis = column.rpartition("_")[2] if column.endswith(("_location", "_market")) else self.objective.basis
        if emission.basis not in ("both", basis):
            return False
        if column in ("exported", "biogenic"):
            return emission.part == column
        if column.startswith("scope_"):
            return emission.scope == int(column[6])
        scopes = self.objective.scopes if column == "emissions" else (1, 2)
        if column not in ("emissions", "emissions_location", "emissions_market"):
            return False
        if emission.part == "exported":
            return self.accounting.takes_exports_off and 2 in scopes
        return emission.scope in scopes

    def gas(self, column: str) -> str:
        """Return what a column counts: ``CO2`` or ``CO2e``, as the accounting says, else as its lines do."""
        lines = [*self._emitted(column)] or [*self._emitted("emissions_location")]
        gases = {line.emission.gas for line in lines} - {""}
        return "CO2" if gases == {"CO2"} and self.accounting.gases != "CO2e" else "CO2e"

    def _paid(self, column: str) -> Iterator[CostLine]:
        return (line for line in self.costs if column in ("cost", line.cost.category))

    def _emitted(self, column: str) -> Iterator[EmissionLine]:
        return (line for line in self.emissions if self.counts(line.emission, column))

    def _summed(self, amount: Rate, index: Any) -> Any:
        if index is None:
            return amount(None)
        if index is self.operation.steps:
            weight = self.operation.block.weight
            return sum(amount(t) * weight[t] for t in index)
        return sum(amount(i) for i in index)
