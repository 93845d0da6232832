"""Fuel generator: an engine or turbine that makes electricity from a fuel, and heat too if a bus takes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import pyomo.core as pyo
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.carriers import HYDROGEN_HIGHER_HEATING_VALUE, HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Between, Claim, Role
from microgrid.fields import Efficiency, PerEnergy, PowerCapacity, Quantity, Share, refuse
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, Rate, State, Technology
from microgrid.technologies.commitment import Commitment, Committed, commitment_claims, committed
from microgrid.technologies.patterns import convex_curve, curve_lines, variable_cost_claims, variable_costs

# Nothing that burns gives more than its higher heating value; no fuel's is further from the lower one than hydrogen's.
_HIGHEST = HYDROGEN_HIGHER_HEATING_VALUE / HYDROGEN_LOWER_HEATING_VALUE


class LoadPoint(BaseModel):
    """A point of a part-load curve, as a maker's data sheet gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load: Annotated[float, Quantity("1", above=0.0, high=1.0)] = Field(description="Output, as a share of capacity.")
    efficiency: Efficiency = Field(description="Electricity per fuel (lower heating value) at this load.")


class FuelGenerator(Technology):
    """A generator set, a gas turbine or a steam turbine with its boiler.

    **Fuel** follows from the electric output, by a constant `electric_efficiency` or by straight lines between the
    points of `part_load`. Each further kW must take no less fuel than the one before: the curve is convex, and rows
    from below hold the fuel on it, because fuel costs money (of a fuel that is free, a plan may report too much).
    Where burning more could pay (heat made from the fuel, a fuel bus on which energy may be worth nothing, a plan that
    does not count money) binaries hold it there.

    **Heat**, with a `heat_bus`, comes in one of two ways. Back pressure, with `heat_efficiency`: ``heat =
    heat_efficiency * fuel``; with `heat_rejection` the rest of it is thrown away. Extraction, with `power_loss` and
    `power_to_heat`: the fuel follows from ``gross = output + power_loss * heat``, which is what the turbine would give
    if no heat were drawn and what the capacity and the commitment hold for; ``output >= power_to_heat * heat``.

    Emissions are booked by whoever supplies the fuel.
    """

    kind: Literal["fuel_generator"] = "fuel_generator"
    fuel_bus: Annotated[str, Bus(("natural_gas", "biogas", "diesel", "coal", "fuel"), "in")] = Field(
        default="natural_gas", description="Bus of the fuel."
    )
    bus: Annotated[str, Bus(("electricity",), "out")] = Field(default="electricity", description="Bus it feeds.")
    heat_bus: Annotated[str | None, Bus(("heat",), "out")] = Field(
        default=None, description="Bus that takes its heat; without it the heat is lost."
    )
    capacity: PowerCapacity = Field(description="Rated electric output, kW.")
    electric_efficiency: Efficiency | None = Field(
        default=None, description="Electricity per fuel (lower heating value); with extraction, when no heat is drawn."
    )
    part_load: tuple[LoadPoint, ...] = Field(
        default=(), description="Efficiency by load up to 100 %, instead of electric_efficiency."
    )
    heat_efficiency: Share | None = Field(default=None, description="Back pressure: heat per fuel.")
    heat_rejection: bool = Field(default=False, description="Back pressure: whether heat may be thrown away.")
    power_loss: Annotated[float, Quantity("1", low=0.0, high=1.0)] | None = Field(
        default=None, description="Extraction: electricity given up per heat drawn."
    )
    power_to_heat: Annotated[float, Quantity("1", above=0.0)] | None = Field(
        default=None, description="Extraction: least electricity per heat."
    )
    commitment: Commitment | None = Field(default=None, description="Minimum load, starts, minimum times, ramps.")
    variable_cost: PerEnergy = Field(default=0.0, description="Operation cost per kWh of electricity fed.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.electric_efficiency is None) == (not self.part_load):
            found = "both" if self.part_load else "neither"
            raise refuse(f"{found} of electric_efficiency and part_load", "one of electric_efficiency and part_load")
        _refuse_curve(self.part_load)
        if self.fuel_lines[0][1] > 1e-9 and (self.commitment is None or not self.commitment.has_switch):
            wanted = "a commitment with a minimum_load, as by this curve it burns fuel at no load while it is on"
            raise refuse("part_load without an on-off decision", wanted, "write commitment: {minimum_load: 30 %}")
        self._refuse_heat()
        return self

    def _refuse_heat(self) -> None:
        extraction = [part for part in (self.power_loss, self.power_to_heat) if part is not None]
        backward = self.heat_efficiency is not None
        if self.heat_bus is None and (extraction or backward or self.heat_rejection):
            raise refuse("fields of heat without a heat_bus", "a heat_bus that takes the heat", "write heat_bus: heat")
        if self.heat_bus is not None and (backward == bool(extraction) or len(extraction) == 1):
            wanted = "with a heat_bus either heat_efficiency, or both power_loss and power_to_heat"
            raise refuse(f"{'' if backward else 'no '}heat_efficiency and {len(extraction)} of the other two", wanted)
        if self.heat_rejection and not backward:
            raise refuse("heat_rejection with extraction", "heat_rejection with heat_efficiency only", "leave it out")
        if self._highest_total > _HIGHEST:
            wanted = f"electricity and heat of no more than {_HIGHEST:.0%} of the fuel's lower heating value"
            raise refuse(f"{self._highest_total:.1%}", wanted)

    @property
    def _highest_total(self) -> float:
        """The largest share of the fuel's lower heating value that leaves as electricity and heat."""
        electric = self.electric_efficiency or max(point.efficiency for point in self.part_load)
        if self.power_loss is not None and self.power_to_heat is not None:
            return electric * (1.0 + self.power_to_heat) / (self.power_loss + self.power_to_heat)
        return electric + (self.heat_efficiency or 0.0)

    @property
    def fuel_lines(self) -> list[tuple[float, float]]:
        """Slope and offset, per kW of capacity, of the lines of fuel over electricity, by ascending slope."""
        if self.electric_efficiency is not None:
            return [(1.0 / self.electric_efficiency, 0.0)]
        lines = curve_lines(_fuel_points(self.part_load))
        first = self.part_load[0].efficiency
        falls_from_start = lines[0][1] < -1e-9
        return [(1.0 / first, 0.0), *lines] if falls_from_start else lines

    def most_fuel(self) -> tuple[str, float] | None:
        """Return the bus of its fuel and the most of it that a kWh takes: at its least load, with the most heat."""
        least = self.commitment.minimum_load if self.commitment is not None else 0.0
        most = max(_most_per_kwh(slope, offset, least) for slope, offset in self.fuel_lines)
        heat = self.power_loss / self.power_to_heat if self.power_loss is not None and self.power_to_heat else 0.0
        return self.fuel_bus, most * (1.0 + heat)

    def presses(self) -> frozenset[str]:
        """Return what it can overfill.

        Where heat and electricity are bound to each other, wanting one may mean too much of the other. Without heat, a
        unit that cannot be turned down at will may give more electricity than is wanted.
        """
        if self.heat_bus is not None:
            return frozenset({self.bus, self.heat_bus})
        forced = self.commitment is not None and self.commitment.may_overfill
        return frozenset({self.bus}) if forced else frozenset()

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        return {"output": "generation"}

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the output under its commitment, the fuel and the heat."""
        unit = committed(block, operation, size["capacity"], self.commitment, self._driven)
        exact = self.heat_efficiency is not None or self.fuel_bus in operation.pressed or not operation.money_counts
        fuel = convex_curve(block, operation, size["capacity"], unit.output, unit.live, self.fuel_lines, exact)
        heat, output = self._heat_and_output(block, operation, unit, fuel)
        flows = [Flow("fuel", self.fuel_bus, lambda t: -fuel(t)), Flow("output", self.bus, output)]
        if self.heat_bus is not None:
            flows.append(Flow("heat", self.heat_bus, heat))
        gross = {"gross": State(unit.output, "steps")} if self.power_loss is not None else {}
        costs = [*unit.costs, *variable_costs(operation, self.variable_cost, output)]
        return Contribution(flows, costs, states=unit.states | gross)

    @property
    def _driven(self) -> str:
        """The quantity that fuel, capacity and commitment hold for."""
        return "output" if self.power_loss is None else "gross"

    def _heat_and_output(self, block: Any, operation: Operation, unit: Committed, fuel: Rate) -> tuple[Rate, Rate]:
        share, loss, ratio, gross = self.heat_efficiency or 0.0, self.power_loss, self.power_to_heat, unit.output
        if loss is None and not self.heat_rejection:
            return lambda t: share * fuel(t), lambda t: gross[t]
        block.heat = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
        if loss is None or ratio is None:

            def heat_within_fuel(b: Any, t: Any) -> Any:
                return b.heat[t] <= share * fuel(t)

            block.heat_within_fuel = pyo.Constraint(operation.steps, rule=heat_within_fuel)
            return lambda t: block.heat[t], lambda t: gross[t]

        def heat_within_turbine(b: Any, t: Any) -> Any:
            return gross[t] - loss * b.heat[t] >= ratio * b.heat[t]

        block.heat_within_turbine = pyo.Constraint(operation.steps, rule=heat_within_turbine)
        return lambda t: block.heat[t], lambda t: gross[t] - loss * block.heat[t]

    def claims(self, operation: Operation) -> list[Claim]:
        """State fuel, heat, commitment and cost."""
        switched = self.commitment is not None and self.commitment.has_switch
        live, lines = ("capacity*on" if switched else "capacity"), self.fuel_lines
        claims: list[Claim] = [
            Between(
                f"fuel follows from the output (line {number})",
                (("fuel", -1.0), (self._driven, -slope), (live, -offset)),
                0.0,
                0.0 if len(lines) == 1 else None,
            )
            for number, (slope, offset) in enumerate(lines, 1)
        ]
        claims.append(Between("output is no consumption", (("output", 1.0),), low=0.0))
        claims += commitment_claims(operation, self.commitment, "capacity", self._driven)
        return [*claims, *self._heat_claims(), *variable_cost_claims(self.variable_cost)]

    def _heat_claims(self) -> list[Claim]:
        if self.heat_bus is None:
            return []
        none: list[Claim] = [Between("heat is no consumption", (("heat", 1.0),), low=0.0)]
        if self.power_loss is not None and self.power_to_heat is not None:
            drawn, bound = (("gross", 1.0), ("output", -1.0), ("heat", -self.power_loss)), self.power_to_heat
            least = Between("electricity keeps its ratio to heat", (("output", 1.0), ("heat", -bound)), low=0.0)
            return [*none, Between("heat costs its electricity", drawn, 0.0, 0.0), least]
        terms = (("heat", 1.0), ("fuel", self.heat_efficiency or 0.0))
        return [*none, Between("heat follows from fuel", terms, None if self.heat_rejection else 0.0, 0.0)]

    @classmethod
    def example(cls) -> Self:
        """Return a gas engine of 100 kW whose heat may be thrown away."""
        return cls(
            heat_bus="heat",
            capacity=Fixed(amount=100.0),
            part_load=(
                LoadPoint(load=0.5, efficiency=0.32),
                LoadPoint(load=0.75, efficiency=0.36),
                LoadPoint(load=1.0, efficiency=0.37),
            ),
            heat_efficiency=0.45,
            heat_rejection=True,
            commitment=Commitment(minimum_load=0.5, start_cost=4.0, minimum_up=1.0, minimum_down=1.0),
            variable_cost=0.01,
        )


def _fuel_points(curve: tuple[LoadPoint, ...]) -> list[tuple[float, float]]:
    """Return load and fuel at each point, both per kW of capacity."""
    return [(point.load, point.load / point.efficiency) for point in curve]


def _most_per_kwh(slope: float, offset: float, least: float) -> float:
    """Return the most fuel per electricity along a line: at the least load if it burns some at none, else at full."""
    if offset <= 0.0:
        return slope + offset
    return slope + offset / least if least > 0.0 else math.inf


def _refuse_curve(curve: tuple[LoadPoint, ...]) -> None:
    """Refuse a curve that does not go up to full load, or on which a further kW takes less fuel than the one before."""
    if not curve:
        return
    loads = [point.load for point in curve]
    if len(curve) < 2 or loads != sorted(set(loads)) or loads[-1] != 1:
        raise refuse(
            f"loads {', '.join(f'{load:g}' for load in loads)}", "two points or more, by ascending load, up to 100 %"
        )
    below = 0.0
    for (load, fuel), (next_load, next_fuel) in pairwise(_fuel_points(curve)):
        above = (next_fuel - fuel) / (next_load - load)
        if above <= 0 or above < below - 1e-9:
            found = f"load {load:g}: a further kW takes {above:.4g} kW of fuel above it"
            found += f", {below:.4g} kW of fuel below it" if below else ""
            raise refuse(found, "a curve on which each further kW takes no less fuel than the one before")
        below = above
