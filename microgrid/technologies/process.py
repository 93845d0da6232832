"""Process: production with its specific demands, and the emissions that its chemistry sets free besides fuels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from microgrid.capacity import Size
from microgrid.claims import Between, Charge, Claim
from microgrid.factor_fields import ProcessFactor
from microgrid.factors import gas_of
from microgrid.fields import Along, Quantity, refuse
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Emission, Flow, Operation, Technology, parameter
from microgrid.timeline import Timeline

PerProduct = Annotated[float, Quantity("kWh/kg", low=0.0)]
Production = Annotated[Series, Along("kg/h", low=0.0)]


class Process(Technology):
    """Production at given rates: ``demand[t] = specific demand * production[t]`` of electricity, heat and fuel.

    Making cement clinker drives carbon dioxide out of limestone, electrodes and carbonates burn off in a steel works:
    ``emission[t] = process_factor * hours[t] * production[t]``, scope 1, beside the fuels, which are booked where they
    are bought. With a `carbon_dioxide_bus`, the same kilograms flow there, to be captured; what is not leaves the bus
    as surplus and stays emitted. Nothing is decided here, so there is no binary and no row.
    """

    kind: Literal["process"] = "process"
    production: Production = Field(description="What it makes, kg/h.")
    process_factor: ProcessFactor | None = Field(
        default=None, description="Emissions of making it, besides fuels, per kg of product."
    )
    electricity: PerProduct = Field(default=0.0, description="Electricity per kg of product.")
    heat: PerProduct = Field(default=0.0, description="Heat per kg of product.")
    fuel: PerProduct = Field(default=0.0, description="Fuel of lower heating value per kg of product.")
    bus: Annotated[str, Bus(("electricity",), "in")] = Field(
        default="electricity", description="Bus it draws electricity from."
    )
    heat_bus: Annotated[str | None, Bus(("heat",), "in")] = Field(default=None, description="Bus it draws heat from.")
    fuel_bus: Annotated[str | None, Bus(("natural_gas", "biogas", "diesel", "coal", "fuel"), "in")] = Field(
        default=None, description="Bus it draws fuel from."
    )
    carbon_dioxide_bus: Annotated[str | None, Bus(("carbon_dioxide",), "out")] = Field(
        default=None, description="Bus that its carbon dioxide goes to; declare it with surplus, for the stack."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name, bus, amount in (("heat", self.heat_bus, self.heat), ("fuel", self.fuel_bus, self.fuel)):
            if (bus is None) != (amount == 0.0):
                found = f"{name}_bus without {name}" if amount == 0.0 else f"{name} without {name}_bus"
                raise refuse(found, f"both {name} and {name}_bus, or neither")
        gas = gas_of(self.process_factor.unit) if self.process_factor is not None else ""
        if self.carbon_dioxide_bus is not None and (self.process_factor is None or gas == "CO2e"):
            found = "carbon_dioxide_bus without process_factor" if self.process_factor is None else f"kg{gas}"
            raise refuse(found, "a process_factor of carbon dioxide alone, in kgCO2/kg, that says how much flows there")
        return self

    def needs(self) -> frozenset[str]:
        """Name the buses of its demands."""
        if self.production.highest <= 0:
            return frozenset()
        return frozenset(bus for _, bus, amount in self._demands() if amount)

    def _demands(self) -> Iterator[tuple[str, str, float]]:
        """Give port, bus and amount per kg of product of each thing it draws."""
        for port, bus, amount in (
            ("electricity", self.bus, self.electricity),
            ("heat", self.heat_bus, self.heat),
            ("fuel", self.fuel_bus, self.fuel),
        ):
            if bus is not None:
                yield port, bus, amount

    def _emitted(self, timeline: Timeline) -> NDArray[np.float64]:
        """Return the process emissions per hour, shape (n,)."""
        factors = self.process_factor.on(timeline, "process_factor") if self.process_factor is not None else 0.0
        return np.asarray(factors * self.production.on(timeline, "production"))

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:  # noqa: ARG002
        """Write what it draws and emits."""
        steps, hours = operation.steps, operation.hours
        made = parameter(block, steps, "production", self.production.on(operation.timeline, "production"))
        flows = [
            Flow(port, bus, lambda t, amount=amount: -amount * made[t])  # type: ignore[misc]
            for port, bus, amount in self._demands()
        ]
        if self.process_factor is None:
            return Contribution(flows)
        emitted = parameter(block, steps, "emitted", self._emitted(operation.timeline))
        if self.carbon_dioxide_bus is not None:
            flows.append(Flow("carbon_dioxide", self.carbon_dioxide_bus, lambda t: emitted[t]))
        gas = gas_of(self.process_factor.unit)
        line = Emission("process", 1, "both", lambda t: emitted[t] * hours[t], "process", gas)
        return Contribution(flows, emissions=[line])

    def claims(self, operation: Operation) -> list[Claim]:
        """State the demands and the emissions per kg of product."""
        made = self.production.on(operation.timeline)
        claims: list[Claim] = [
            Between(f"{port} by what is made", ((port, 1.0),), -amount * made, -amount * made)
            for port, _, amount in self._demands()
        ]
        if self.process_factor is not None:
            emitted = self._emitted(operation.timeline)
            claims.append(Charge("emissions", "process", (("", emitted),), factor="process_factor"))
            if self.carbon_dioxide_bus is not None:
                claims.append(
                    Between("carbon dioxide as the process sets it free", (("carbon_dioxide", 1.0),), emitted, emitted)
                )
        return claims

    @classmethod
    def example(cls) -> Self:
        """Return a kiln of 500 kg/h with demands of every kind, its carbon dioxide let into the air."""
        return cls(
            production=Series(np.asarray(500.0)),
            process_factor=Series(np.asarray(0.5)),
            electricity=0.06,
            heat=0.04,
            heat_bus="heat",
            fuel=0.08,
            fuel_bus="natural_gas",
        )
