"""The two ledgers, money and carbon: the single truth behind objective, breakdown, account and report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyomo.core as pyo

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

    def __init__(self, operation: Operation, objective: Objective) -> None:
        self.operation = operation
        self.objective = objective
        self.costs: list[CostLine] = []
        self.emissions: list[EmissionLine] = []

    def add(self, asset: str, costs: Iterable[Cost], emissions: Iterable[Emission] = ()) -> None:
        """Enter an asset's lines."""
        self.costs += [CostLine(asset, cost) for cost in costs]
        self.emissions += [EmissionLine(asset, emission) for emission in emissions]

    def price_carbon(self) -> None:
        """Enter the carbon price as a line of money, in proportion to the column ``emissions``."""
        price, lines = self.objective.carbon_price, [line.emission.amount for line in self._emitted("emissions")]
        if not (price and lines):
            return

        def amount(t: Any) -> Any:
            return price * sum([emitted(t) for emitted in lines])

        self.add("carbon price", [Cost("emissions priced", "carbon", amount, self.operation.steps)])

    def column(self, name: str) -> Any:
        """Return the sum over a column, as an expression; steps count as often as their weight says."""
        parts = [self._summed(line.cost.amount, line.cost.index) for line in self._paid(name)]
        parts += [self._summed(line.emission.amount, self.operation.steps) for line in self._emitted(name)]
        return pyo.quicksum(parts)

    def emitted(self, column: str) -> list[Rate]:
        """Return what each line of a column emits at a step, for once that the step counts."""
        return [line.emission.amount for line in self._emitted(column)]

    def counts(self, emission: Emission, column: str) -> bool:
        """Tell whether a line of the carbon ledger belongs to a column."""
        if column in ("scope_1", "scope_3"):
            return emission.scope == int(column[-1]) and emission.basis in ("both", self.objective.basis)
        if column.startswith("scope_2_"):
            return emission.scope == 2 and emission.basis in ("both", column.removeprefix("scope_2_"))
        if column.startswith("emissions_"):
            return emission.scope in (1, 2) and emission.basis in ("both", column.removeprefix("emissions_"))
        return (
            column == "emissions"
            and emission.scope in self.objective.scopes
            and emission.basis in ("both", self.objective.basis)
        )

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
