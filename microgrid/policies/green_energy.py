"""Green energy that is assigned to electrolysers, in a model: within each period, and by way of stores.

What is assumed, and no more: within a period (an hour, a month), green energy that is not exported may be assigned to
the electrolysers before any other load. A store keeps a green part of its stock: it grows by green energy alone, loses
as the store does, and is empty of green at the start; which kWh leaves first may be chosen. So no discharge is green
that was not charged green, whatever it was charged with besides. Exports are green but for what discharge of the grey
part, or generators that are not renewable, can have fed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.policies.packs import Period
from microgrid.policies.quantities import Quantities
from microgrid.policies.spans import spans
from microgrid.technologies.base import Rate, State, Store
from microgrid.technologies.patterns import stock_balance


@dataclass(frozen=True, eq=False)
class GreenEnergy:
    """The assignment of green energy for one rule, on the block of its pack."""

    block: Any
    rule: str
    matching: Period
    quantities: Quantities

    def write(self) -> dict[str, State]:
        """Write variables and rows; return the states that tell of them."""
        steps = self.quantities.operation.steps
        assigned = self._declared("green_into_hydrogen", steps)
        exported = self._declared("green_exported", steps)
        needed, quantities = self.quantities.rates["electricity_into_hydrogen"], self.quantities
        assert needed is not None
        self._row("green_within_need", steps, lambda t: assigned[t] <= needed(t))
        filled, emptied, states = self._stores()
        fed = quantities.rates["export"]
        grey = quantities.rate("generation")
        if fed is not None:
            others = [(store.discharge, emptied[name]) for name, store in quantities.stores.items()]

            def least_exported(t: Any) -> Any:
                out = sum([discharge(t) - green[t] for discharge, green in others])
                return exported[t] >= fed(t) - out - (grey(t) if grey is not None else 0.0)

            self._row("green_exported_at_least", steps, least_exported)
        self._balance(assigned, exported, filled, emptied)
        return {
            "green into hydrogen": State(assigned, "steps"),
            "green exported": State(exported, "steps"),
            **states,
        }

    def amount(self, name: str) -> Rate:
        """Return what is assigned, or what the rest of the electricity emits, at each step."""
        quantities, block = self.quantities, self.block
        weight, hours = quantities.operation.block.weight, quantities.operation.hours
        assigned = block.component(f"{self.rule}_green_into_hydrogen")
        if name == "green_into_hydrogen":
            return lambda t: weight[t] * hours[t] * assigned[t]
        needed = quantities.rates["electricity_into_hydrogen"]
        assert needed is not None
        intensity = block.component("grey_intensity") or quantities.grey_intensity(block)
        return lambda t: weight[t] * hours[t] * intensity[t] * (needed(t) - assigned[t])

    def _stores(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, State]]:
        """Keep the green part of every store apart from the rest."""
        filled, emptied, states = {}, {}, {}
        for position, (name, store) in enumerate(self.quantities.stores.items()):
            into, out_of, level = self._store(f"{self.rule}_{position}", store)
            filled[name], emptied[name] = into, out_of
            states[f"{name} charged green"] = State(into, "steps")
            states[f"{name} discharged green"] = State(out_of, "steps")
            states[f"{name} green"] = State(level, "points")
        return filled, emptied, states

    def _store(self, prefix: str, store: Store) -> tuple[Any, Any, Any]:
        operation = self.quantities.operation
        steps, points = operation.steps, operation.points
        into, out_of = self._declared("charged_green", steps, prefix), self._declared("discharged_green", steps, prefix)
        level = self._declared("green_stored", points, prefix)
        self._row("charged_green_within_charge", steps, lambda t: into[t] <= store.charge(t), prefix)
        self._row("discharged_green_within_discharge", steps, lambda t: out_of[t] <= store.discharge(t), prefix)
        self._row("green_stored_within_stored", points, lambda p: level[p] <= store.level(p), prefix)
        self.block.add_component(f"{prefix}_begins_grey", pyo.Constraint(rule=lambda _b: level[0] == 0))
        stock_balance(
            self.block,
            operation,
            f"{prefix}_green_stored",
            level,
            lambda t: store.into * into[t] - out_of[t] / store.out_of,
            store.loss,
        )
        return into, out_of, level

    def _balance(self, assigned: Any, exported: Any, filled: dict[str, Any], emptied: dict[str, Any]) -> None:
        """Use, store and export no more green energy in a period than is generated, contracted or discharged."""
        quantities, operation = self.quantities, self.quantities.operation
        sources = [rate for rate in (quantities.rates["generation"], quantities.contracted(self.matching)) if rate]
        weight, hours = operation.block.weight, operation.hours

        def excess(t: Any) -> Any:
            used = assigned[t] + exported[t] + sum([into[t] for into in filled.values()])
            made = sum([source(t) for source in sources]) + sum([out_of[t] for out_of in emptied.values()])
            return used - made

        if self.matching == "hour" and (operation.timeline.hours >= 1.0 - 1e-9).all():
            self._row("green_energy_is_there", operation.steps, lambda t: excess(t) <= 0)
            return
        members = spans(operation.timeline, self.matching)
        periods = pyo.Set(initialize=list(members))
        inside = pyo.Set(periods, initialize={label: np.asarray(part).tolist() for label, part in members.items()})
        self.block.add_component(f"{self.rule}_matching_periods", periods)
        self.block.add_component(f"{self.rule}_matching_steps", inside)

        def of_period(p: Any) -> Any:
            return sum(weight[t] * hours[t] * excess(t) for t in inside[p]) <= 0

        self._row("green_energy_is_there", periods, of_period)

    def _declared(self, name: str, index: Any, prefix: str = "") -> Any:
        variable = pyo.Var(index, dense=False, within=pyo.NonNegativeReals)
        self.block.add_component(f"{prefix or self.rule}_{name}", variable)
        return variable

    def _row(self, name: str, index: Any, rule: Rate, prefix: str = "") -> None:
        rows = pyo.Constraint(index, rule=lambda _b, i: rule(i))
        self.block.add_component(f"{prefix or self.rule}_{name}", rows)
