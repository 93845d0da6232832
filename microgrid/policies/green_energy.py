"""Green energy that is assigned to electrolysers, in a model: within each period, and by way of stores.

What is assumed, and no more: within a period (an hour, a month), green energy that is not exported may be assigned to
the electrolysers before any other load. A store keeps a green part of its stock: it grows by green energy alone, loses
as the store does, and is empty of green at the start; which kWh leaves first may be chosen. So no discharge is green
that was not charged green, whatever it was charged with besides. Exports are green but for what discharge of the grey
part, or generators that are not renewable, can have fed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.policies.packs import Period
from microgrid.policies.quantities import Quantities
from microgrid.policies.spans import spans
from microgrid.technologies.base import Rate, State, Store, parameter
from microgrid.technologies.patterns import stock_balance


@dataclass(frozen=True, eq=False)
class GreenEnergy:
    """The assignment of green energy for one rule, on the block of its pack."""

    block: Any
    rule: str
    matching: Period
    quantities: Quantities
    _contracted: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def write(self) -> dict[str, State]:
        """Write variables and rows; return the states that tell of them."""
        steps = self.quantities.operation.steps
        assigned = self._declared("green_into_hydrogen", steps)
        exported = self._declared("green_exported", steps)
        needed, quantities = self.quantities.rates["electricity_into_hydrogen"], self.quantities
        assert needed is not None
        contracted = self._contracts()
        self._row(
            "green_within_need",
            steps,
            lambda t: assigned[t] + sum([power[t] for power, _ in contracted.values()]) <= needed(t),
        )
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
            **{f"{name} into hydrogen": State(power, "steps") for name, (power, _) in contracted.items()},
            **states,
        }

    def amount(self, name: str) -> Rate:
        """Return what is assigned, or what the rest of the electricity emits, at each step."""
        quantities, block = self.quantities, self.block
        weight, hours = quantities.operation.block.weight, quantities.operation.hours
        assigned, contracted = block.component(f"{self.rule}_green_into_hydrogen"), [*self._contracted.values()]

        def green(t: Any) -> Any:
            return assigned[t] + sum([power[t] for power, _ in contracted])

        if name == "green_into_hydrogen":
            return lambda t: weight[t] * hours[t] * green(t)
        needed = quantities.rates["electricity_into_hydrogen"]
        assert needed is not None
        intensity = block.component("grey_intensity") or quantities.grey_intensity(block)

        def emitted(t: Any) -> Any:
            own = sum([factor[t] * power[t] for power, factor in contracted])
            return weight[t] * hours[t] * (intensity[t] * (needed(t) - green(t)) + own)

        return emitted

    def _contracts(self) -> dict[str, tuple[Any, Any]]:
        """Assign electrolysers energy of contracts that emit, no more within a period than they deliver.

        It is used as it comes: the green part of a store holds energy alone that emits nothing.
        """
        steps = self.quantities.operation.steps
        for position, contract in enumerate(self.quantities.emitting(self.matching)):
            power = self._declared(f"contract_{position}_into_hydrogen", steps)
            factor = parameter(self.block, steps, f"{self.rule}_contract_{position}_factor", contract.factor)
            delivered = contract.rate

            def excess(t: Any, power: Any = power, delivered: Rate = delivered) -> Any:
                return power[t] - delivered(t)

            self._within_periods(f"contract_{position}_is_there", excess)
            self._contracted[contract.name] = (power, factor)
        return self._contracted

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
        quantities = self.quantities
        contracted = quantities.contracted_green(self.matching)
        sources = [rate for rate in (quantities.rates["generation"], contracted) if rate]

        def excess(t: Any) -> Any:
            used = assigned[t] + exported[t] + sum([into[t] for into in filled.values()])
            made = sum([source(t) for source in sources]) + sum([out_of[t] for out_of in emptied.values()])
            return used - made

        self._within_periods("green_energy_is_there", excess)

    def _within_periods(self, name: str, excess: Rate) -> None:
        """Write that a sum is at or below zero within each period of matching."""
        operation = self.quantities.operation
        weight, hours = operation.block.weight, operation.hours
        if self.matching == "hour" and (operation.timeline.hours >= 1.0 - 1e-9).all():
            self._row(name, operation.steps, lambda t: excess(t) <= 0)
            return
        periods, inside = self._periods()

        def of_period(p: Any) -> Any:
            return sum(weight[t] * hours[t] * excess(t) for t in inside[p]) <= 0

        self._row(name, periods, of_period)

    def _periods(self) -> tuple[Any, Any]:
        """Return the periods of matching as a set, and the steps of each; declared once."""
        known = self.block.component(f"{self.rule}_matching_periods")
        if known is not None:
            return known, self.block.component(f"{self.rule}_matching_steps")
        members = spans(self.quantities.operation.timeline, self.matching)
        periods = pyo.Set(initialize=list(members))
        inside = pyo.Set(periods, initialize={label: np.asarray(part).tolist() for label, part in members.items()})
        self.block.add_component(f"{self.rule}_matching_periods", periods)
        self.block.add_component(f"{self.rule}_matching_steps", inside)
        return periods, inside

    def _declared(self, name: str, index: Any, prefix: str = "") -> Any:
        variable = pyo.Var(index, dense=False, within=pyo.NonNegativeReals)
        self.block.add_component(f"{prefix or self.rule}_{name}", variable)
        return variable

    def _row(self, name: str, index: Any, rule: Rate, prefix: str = "") -> None:
        rows = pyo.Constraint(index, rule=lambda _b, i: rule(i))
        self.block.add_component(f"{prefix or self.rule}_{name}", rows)
