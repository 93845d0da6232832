"""What rules speak of, as expressions of a model: energy, hydrogen and emissions of each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.accounts import EMISSION_COLUMNS
from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Role
from microgrid.ledger import Ledger
from microgrid.plant import Plant
from microgrid.policies.fitting import dirtiest_power
from microgrid.policies.packs import Period
from microgrid.technologies.base import Contribution, Flow, Operation, Rate, Store, parameter

# A contract that is matched by the hour is matched by the month and the year too.
CONTRACTED: Mapping[Period, tuple[Role, ...]] = {
    "hour": ("contracted by the hour",),
    "month": ("contracted by the hour", "contracted by the month"),
    "year": ("contracted by the hour", "contracted by the month", "contracted by the year"),
}


class ContractedRate(NamedTuple):
    """What a contract delivers in the model: its name, kW, and kg for each kWh."""

    name: str
    rate: Rate
    factor: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quantities:
    """Rates (kW, kg/h) and amounts by step of what the plant's assets say of their flows.

    A rate is a function of a step, or None where no asset has a part in it.
    """

    plant: Plant
    operation: Operation
    contributions: Mapping[str, Contribution]
    ledger: Ledger

    @cached_property
    def flows(self) -> dict[Role, list[Flow]]:
        """Every flow that has a role."""
        found: dict[Role, list[Flow]] = {}
        for name, asset in self.plant.assets.items():
            roles = asset.roles()
            for flow in self.contributions[name].flows:
                if flow.port in roles:
                    found.setdefault(roles[flow.port], []).append(flow)
        return found

    @cached_property
    def stores(self) -> dict[str, Store]:
        """Every store of electricity, by its asset."""
        return {name: c.store for name, c in self.contributions.items() if c.store is not None}

    def rate(self, *roles: Role, sign: float = 1.0) -> Rate | None:
        """Return the sum of all flows with one of several roles."""
        rates = [flow.rate for role in roles for flow in self.flows.get(role, ())]
        return _summed([_times(sign, rate) for rate in rates])

    @cached_property
    def rates(self) -> dict[str, Rate | None]:
        """The rates by quantity, in kW or kg/h."""
        made, exported = self.rate("renewable"), self.rate("export", sign=-1.0)
        bought = _summed([flow.rate for flow in self._supplied("electricity")])
        imported = _summed([self.rate("import"), bought])
        less = self.rate("export")
        return {
            "available": _summed([flow.available or flow.rate for flow in self.flows.get("renewable", ())]),
            "generation": made,
            "self_use": _summed([made, less]) if made else None,
            "export": exported,
            "import": imported,
            "consumption": _summed([made, self.rate("generation"), imported, less]),
            "contracted": self.contracted("year"),
            "energy": _summed([made, imported, less, *(_in_kwh(self.plant, flow) for flow in self._fuels())]),
            "hydrogen": self.rate("hydrogen"),
            "electricity_into_hydrogen": self.rate("electrolysis", sign=-1.0),
        }

    def contracted(self, within: Period) -> Rate | None:
        """Return the power of contracts that are matched within a period or a shorter one."""
        return _summed([contract.rate for contract in self._contracts(within)])

    def contracted_green(self, within: Period) -> Rate | None:
        """Return the part of it that emits nothing."""
        return _summed([contract.rate for contract in self._contracts(within) if not contract.factor.any()])

    def emitting(self, within: Period) -> list[ContractedRate]:
        """Return the contracts among them whose own factor is above zero."""
        return [contract for contract in self._contracts(within) if contract.factor.any()]

    def _contracts(self, within: Period) -> list[ContractedRate]:
        return [
            ContractedRate(f"{name} {state}", matched, self.contributions[name].contract_factors[state])
            for name, asset in self.plant.assets.items()
            for state, matched in self.contributions[name].contracted.items()
            if asset.roles().get(state) in CONTRACTED[within]
        ]

    def amount(self, name: str) -> Rate | None:
        """Return a quantity's amount at each step, as often as the step counts: kWh, kg or kgCO2e."""
        weight, hours = self.operation.block.weight, self.operation.hours
        if name in EMISSION_COLUMNS:
            emitted = _summed(self.ledger.emitted(name))
            return None if emitted is None else lambda t: weight[t] * emitted(t)
        rate = self.rates[name]
        return None if rate is None else lambda t: weight[t] * hours[t] * rate(t)

    def grey_intensity(self, block: Any) -> Any:
        """Put on a block what a kWh emits that is not green: the dirtiest source's factor at each step.

        Which sources an electrolyser is fed by is known by the plan alone, and their mix is no linear function of it;
        the dirtiest counts no less. What a store gives may have been charged at any step.
        """
        values = dirtiest_power(self.plant)
        if self.stores:
            values = np.full(len(values), values.max())
        return parameter(block, self.operation.steps, "grey_intensity", values)

    def _supplied(self, carrier: str) -> list[Flow]:
        return [flow for flow in self.flows.get("supply", ()) if self.plant.buses[flow.bus].carrier.name == carrier]

    def _fuels(self) -> list[Flow]:
        electric = self._supplied("electricity")
        return [flow for flow in self.flows.get("supply", ()) if flow not in electric]


def _in_kwh(plant: Plant, flow: Flow) -> Rate:
    """Return a flow in kW, hydrogen by its lower heating value."""
    factor = HYDROGEN_LOWER_HEATING_VALUE if plant.buses[flow.bus].carrier.stock_unit == "kg" else 1.0
    return _times(factor, flow.rate)


def _times(factor: float, rate: Rate) -> Rate:
    return rate if factor == 1.0 else lambda t: factor * rate(t)


def _summed(rates: list[Any]) -> Rate | None:
    known = [rate for rate in rates if rate is not None]
    return (lambda t: sum([rate(t) for rate in known])) if known else None
