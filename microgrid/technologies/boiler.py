"""Boiler: heat from a fuel, from electricity or from hydrogen, at a constant efficiency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.carriers import HYDROGEN_HIGHER_HEATING_VALUE, HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Between, Claim
from microgrid.fields import PerEnergy, PowerCapacity, Quantity, refuse
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, Technology
from microgrid.technologies.commitment import Commitment, commitment_claims, committed
from microgrid.technologies.patterns import variable_cost_claims, variable_costs

# A boiler that condenses gives more heat than the lower heating value counts; no fuel's higher heating value is
# further from its lower one than hydrogen's.
_HIGHEST = HYDROGEN_HIGHER_HEATING_VALUE / HYDROGEN_LOWER_HEATING_VALUE


class Boiler(Technology):
    """A boiler for steam or hot water.

    ``input[t] = output[t] / efficiency``; hydrogen, which flows in kg/h, counts with its lower heating value. The
    output keeps to the `commitment`; without one it runs anywhere up to its capacity, and no binary is needed.
    Emissions are booked by whoever supplies the fuel.
    """

    kind: Literal["boiler"] = "boiler"
    bus_in: Annotated[str | None, Bus(("natural_gas", "biogas", "diesel", "coal", "fuel", "electricity"), "in")] = (
        Field(default=None, description="Bus of the fuel or electricity that it takes.")
    )
    hydrogen_bus: Annotated[str | None, Bus(("hydrogen",), "in")] = Field(
        default=None, description="Bus of the hydrogen that it takes, instead of bus_in."
    )
    heat_bus: Annotated[str, Bus(("heat",), "out")] = Field(default="heat", description="Bus it feeds.")
    capacity: PowerCapacity = Field(description="Rated heat output, kW.")
    efficiency: Annotated[float, Quantity("1", low=1e-6, high=_HIGHEST)] = Field(
        description="Heat per energy taken, fuels by their lower heating value; above 1 where flue gas condenses."
    )
    commitment: Commitment | None = Field(default=None, description="Minimum load, starts, minimum times, ramps.")
    variable_cost: PerEnergy = Field(default=0.0, description="Operation cost per kWh of heat.")

    @model_validator(mode="after")
    def _takes_one_thing(self) -> Self:
        if (self.bus_in is None) == (self.hydrogen_bus is None):
            found = "neither bus_in nor hydrogen_bus" if self.bus_in is None else "both bus_in and hydrogen_bus"
            raise refuse(found, "one of bus_in and hydrogen_bus", "write bus_in: natural_gas, or another carrier")
        return self

    @property
    def per_heat(self) -> float:
        """What is taken for each kWh of heat: kWh, or kg of hydrogen."""
        return 1.0 / (self.efficiency * (1.0 if self.hydrogen_bus is None else HYDROGEN_LOWER_HEATING_VALUE))

    def presses(self) -> frozenset[str]:
        """Return the heat bus, where the boiler cannot be turned down at will."""
        forced = self.commitment is not None and self.commitment.may_overfill
        return frozenset({self.heat_bus}) if forced else frozenset()

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the output under its commitment, and what it takes."""
        unit = committed(block, operation, size["capacity"], self.commitment)
        output, per_heat = unit.output, self.per_heat
        return Contribution(
            flows=[
                Flow("input", self.hydrogen_bus or self.bus_in or "", lambda t: -per_heat * output[t]),
                Flow("output", self.heat_bus, lambda t: output[t]),
            ],
            costs=[*unit.costs, *variable_costs(operation, self.variable_cost, lambda t: output[t])],
            states=unit.states,
        )

    def claims(self, operation: Operation) -> list[Claim]:
        """State the efficiency, the commitment and the cost."""
        return [
            Between("heat follows from what is taken", (("input", 1.0), ("output", self.per_heat)), 0.0, 0.0),
            Between("output is no consumption", (("output", 1.0),), low=0.0),
            *commitment_claims(operation, self.commitment, "capacity", "output"),
            *variable_cost_claims(self.variable_cost),
        ]

    @classmethod
    def example(cls) -> Self:
        """Return a gas boiler of 200 kW with a minimum load and starts that cost."""
        return cls(
            bus_in="natural_gas",
            capacity=Fixed(amount=200.0),
            efficiency=0.92,
            commitment=Commitment(minimum_load=0.2, start_cost=3.0, minimum_up=1.0, minimum_down=0.5),
            variable_cost=0.001,
        )
