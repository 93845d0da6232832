"""Fuel cell: electricity from hydrogen, and heat too where somebody takes it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import pyomo.core as pyo
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.carriers import HYDROGEN_HIGHER_HEATING_VALUE, HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Between, Claim, Role
from microgrid.fields import PerEnergy, PowerCapacity, Quantity, Share, refuse
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, Technology
from microgrid.technologies.commitment import Commitment, commitment_claims, committed
from microgrid.technologies.patterns import convex_curve, curve_lines, variable_cost_claims, variable_costs

# No cell gives more electricity than the lower heating value of its hydrogen.
Yield = Annotated[float, Quantity("kWh/kg", above=0.0, high=HYDROGEN_LOWER_HEATING_VALUE)]


class YieldPoint(BaseModel):
    """A point of a part-load curve, as a maker's data sheet gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load: Annotated[float, Quantity("1", above=0.0, high=1.0)] = Field(description="Output, as a share of capacity.")
    electricity_per_kg: Yield = Field(description="Electricity for each kg of hydrogen at this load.")


class FuelCell(Technology):
    """A fuel cell with its inverter.

    **Hydrogen** follows from the electric output, by a constant `electricity_per_kg` or by straight lines between the
    points of `part_load`; below the first point its yield holds. Each further kW must take no less hydrogen than the
    one before: the curve is convex, and rows from below hold the hydrogen on it, because hydrogen is worth money.
    Where using more could pay (heat made from it, a hydrogen bus on which it may be worth nothing, a plan that does
    not count money) binaries hold it there.

    **Heat**, with a `heat_bus`: ``heat <= heat_share * lower heating value * hydrogen``; a cooler takes the rest.
    """

    kind: Literal["fuel_cell"] = "fuel_cell"
    hydrogen_bus: Annotated[str, Bus(("hydrogen",), "in")] = Field(
        default="hydrogen", description="Bus of the hydrogen that it takes."
    )
    bus: Annotated[str, Bus(("electricity",), "out")] = Field(default="electricity", description="Bus it feeds.")
    heat_bus: Annotated[str | None, Bus(("heat",), "out")] = Field(
        default=None, description="Bus that takes its heat; without it the heat is lost."
    )
    capacity: PowerCapacity = Field(description="Rated electric output, kW.")
    electricity_per_kg: Yield | None = Field(
        default=None, description="Electricity for each kg of hydrogen; 16.7 kWh/kg is half its lower heating value."
    )
    part_load: tuple[YieldPoint, ...] = Field(
        default=(), description="Electricity per kg by load up to 100 %, instead of electricity_per_kg."
    )
    heat_share: Share | None = Field(
        default=None, description="Most heat that can be taken, as a share of the hydrogen's lower heating value."
    )
    commitment: Commitment | None = Field(default=None, description="Minimum load, starts, minimum times, ramps.")
    variable_cost: PerEnergy = Field(default=0.0, description="Operation cost per kWh of electricity fed.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.electricity_per_kg is None) == (not self.part_load):
            found = "both" if self.part_load else "neither"
            raise refuse(f"{found} of electricity_per_kg and part_load", "one of electricity_per_kg and part_load")
        _refuse_curve(self._points)
        if self.lines[0][1] > 0 and (self.commitment is None or not self.commitment.has_switch):
            wanted = "a commitment with a minimum_load, as by this curve it uses hydrogen at no load while it is on"
            raise refuse("part_load without an on-off decision", wanted, "write commitment: {minimum_load: 10 %}")
        if (self.heat_bus is None) != (self.heat_share is None):
            found = (
                f"{'no ' if self.heat_bus is None else ''}heat_bus and {'no ' * (self.heat_share is None)}heat_share"
            )
            raise refuse(found, "heat_bus and heat_share together, or neither")
        self._refuse_miracles()
        return self

    def _refuse_miracles(self) -> None:
        best = self.electricity_per_kg or max(point.electricity_per_kg for point in self.part_load)
        total = best + (self.heat_share or 0.0) * HYDROGEN_LOWER_HEATING_VALUE
        if total > HYDROGEN_HIGHER_HEATING_VALUE:
            wanted = f"no more than the higher heating value of hydrogen, {HYDROGEN_HIGHER_HEATING_VALUE:g} kWh/kg"
            raise refuse(f"{total:.4g} kWh of electricity and heat from each kg", wanted)

    @property
    def _points(self) -> list[tuple[float, float]]:
        """Load and hydrogen at each point of the curve, both per kW of capacity."""
        return [(point.load, point.load / point.electricity_per_kg) for point in self.part_load]

    @property
    def lines(self) -> list[tuple[float, float]]:
        """Slope (kg/kWh) and offset (kg/h per kW of capacity) of the lines of hydrogen over output, by slope."""
        if self.electricity_per_kg is not None:
            return [(1.0 / self.electricity_per_kg, 0.0)]
        lines = curve_lines(self._points)
        return [(1.0 / self.part_load[0].electricity_per_kg, 0.0), *lines] if lines[0][1] < -1e-12 else lines

    def presses(self) -> frozenset[str]:
        """Return the bus it feeds, where it may run for its heat or cannot be turned down at will."""
        forced = self.commitment is not None and self.commitment.may_overfill
        return frozenset({self.bus}) if forced or self.heat_bus is not None else frozenset()

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        return {"output": "generation"}

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the output under its commitment, the hydrogen and the heat."""
        unit = committed(block, operation, size["capacity"], self.commitment)
        output = unit.output
        exact = self.heat_bus is not None or self.hydrogen_bus in operation.pressed or not operation.money_counts
        hydrogen = convex_curve(block, operation, size["capacity"], output, unit.live, self.lines, exact)
        flows = [
            Flow("hydrogen", self.hydrogen_bus, lambda t: -hydrogen(t)),
            Flow("output", self.bus, lambda t: output[t]),
        ]
        if self.heat_bus is not None:
            block.heat = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
            most = (self.heat_share or 0.0) * HYDROGEN_LOWER_HEATING_VALUE

            def heat_within_hydrogen(b: Any, t: Any) -> Any:
                return b.heat[t] <= most * hydrogen(t)

            block.heat_within_hydrogen = pyo.Constraint(operation.steps, rule=heat_within_hydrogen)
            flows.append(Flow("heat", self.heat_bus, lambda t: block.heat[t]))
        costs = [*unit.costs, *variable_costs(operation, self.variable_cost, lambda t: output[t])]
        return Contribution(flows, costs, states=unit.states)

    def claims(self, operation: Operation) -> list[Claim]:
        """State hydrogen, heat, commitment and cost."""
        switched = self.commitment is not None and self.commitment.has_switch
        live, lines = ("capacity*on" if switched else "capacity"), self.lines
        claims: list[Claim] = [
            Between(
                f"hydrogen follows from the output (line {number})",
                (("hydrogen", -1.0), ("output", -slope), (live, -offset)),
                0.0,
                0.0 if len(lines) == 1 else None,
            )
            for number, (slope, offset) in enumerate(lines, 1)
        ]
        claims.append(Between("output is no consumption", (("output", 1.0),), low=0.0))
        if self.heat_bus is not None:
            most = (self.heat_share or 0.0) * HYDROGEN_LOWER_HEATING_VALUE
            claims.append(Between("heat is no consumption", (("heat", 1.0),), low=0.0))
            claims.append(Between("heat within its share", (("heat", 1.0), ("hydrogen", most)), high=0.0))
        claims += commitment_claims(operation, self.commitment, "capacity", "output")
        return [*claims, *variable_cost_claims(self.variable_cost)]

    @classmethod
    def example(cls) -> Self:
        """Return a cell of 60 kW whose heat is used, with a part-load curve and a minimum load."""
        return cls(
            heat_bus="heat",
            capacity=Fixed(amount=60.0),
            part_load=(
                YieldPoint(load=0.2, electricity_per_kg=19.0),
                YieldPoint(load=0.6, electricity_per_kg=18.0),
                YieldPoint(load=1.0, electricity_per_kg=16.0),
            ),
            heat_share=0.35,
            commitment=Commitment(minimum_load=0.2, start_cost=1.0, minimum_up=0.5),
            variable_cost=0.01,
        )


def _refuse_curve(points: list[tuple[float, float]]) -> None:
    """Refuse a curve that does not go up to full load, or on which a further kW takes less than the one before."""
    if not points:
        return
    loads = [load for load, _ in points]
    if len(points) < 2 or loads != sorted(set(loads)) or loads[-1] != 1:
        found = f"loads {', '.join(f'{load:g}' for load in loads)}"
        raise refuse(found, "two points or more, by ascending load, up to 100 %")
    below = 0.0
    for (load, hydrogen), (next_load, next_hydrogen) in pairwise(points):
        slope = (next_hydrogen - hydrogen) / (next_load - load)
        if slope <= 0 or slope < below * (1 - 1e-9):
            found = f"load {load:g}: a further kWh takes {slope:.4g} kg above it, {below:.4g} kg below it"
            raise refuse(found, "a curve on which each further kW takes no less hydrogen than the one before")
        below = slope
