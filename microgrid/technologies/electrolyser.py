"""Electrolyser: hydrogen from electricity, in stacks that are off, on standby or on, and that take time to start."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Between, Claim, Role
from microgrid.fields import Hours, MoneyPerHour, PerEnergy, Power, PowerCapacity, Quantity, Share, refuse
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, Technology
from microgrid.technologies.commitment import PerHour
from microgrid.technologies.patterns import below_curve, curve_lines, variable_cost_claims, variable_costs
from microgrid.technologies.stack_claims import live_terms, stack_claims
from microgrid.technologies.stack_rows import powered
from microgrid.technologies.stacks import MoveBefore, Stacks, Start

# No stack makes hydrogen that holds more than the electricity it draws.
Consumption = Annotated[float, Quantity("kWh/kg", low=HYDROGEN_LOWER_HEATING_VALUE)]


class ConsumptionPoint(BaseModel):
    """A point of a part-load curve, as a maker's data sheet gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load: Annotated[float, Quantity("1", above=0.0, high=1.0)] = Field(description="Power, as a share of the rating.")
    consumption: Consumption = Field(description="Electricity for each kg of hydrogen at this load.")


class Electrolyser(Technology):
    """An electrolyser of one stack or several alike, with rectifier and auxiliaries.

    **Stacks** are off, on standby (hot, drawing `standby_power`, making nothing) or on; a stack goes on by a cold start
    from off, by a warm start from standby. It is live, and makes hydrogen, once its start is over: then the power
    `running` lies between its minimum load and its rating. Starts are seen through, ramps hold for all stacks together;
    stacks.py tells how stacks are counted and starts timed.

    **Hydrogen.** With constant `consumption` an equation, ``hydrogen = running / consumption``. A `curve` is concave
    (each further kW makes no more hydrogen than the one before), so rows from above need no binaries:
    ``hydrogen <= slope_k * running + offset_k * live`` for each line k. Hydrogen below the curve is made and vented:
    possible, costs power, and done only where hydrogen is worth nothing.

    **Heat**, with a `heat_bus`: ``heat <= heat_share * running``; a cooler takes the rest.

    Without minimum load, standby, starts that take something, minimum times and costs of running, nothing tells on
    from off, and there are no integers.
    """

    kind: Literal["electrolyser"] = "electrolyser"
    bus: Annotated[str, Bus(("electricity",), "in")] = Field(default="electricity", description="Bus it draws from.")
    hydrogen_bus: Annotated[str, Bus(("hydrogen",), "out")] = Field(default="hydrogen", description="Bus it feeds.")
    heat_bus: Annotated[str | None, Bus(("heat",), "out")] = Field(
        default=None, description="Bus that takes its waste heat; without it the heat is lost."
    )
    capacity: PowerCapacity = Field(description="Rated electric input of all stacks together, kW.")
    stacks: int = Field(
        default=1, ge=1, description="Number of stacks alike; a capacity with unit_size decides their number itself."
    )
    minimum_load: Share = Field(
        default=0.0,
        description="Least power of a live stack, as a share of its rating; 15 % for alkaline and 5 % for PEM "
        "stacks in the table that PMC9332215 (2022) adapts from IRENA.",
    )
    consumption: Consumption | None = Field(default=None, description="Electricity for each kg of hydrogen.")
    curve: tuple[ConsumptionPoint, ...] = Field(
        default=(),
        description="Consumption by load, from the minimum load (or, without one, from any load, below which its "
        "consumption holds) to 100 %, instead of consumption.",
    )
    standby_power: Share | None = Field(
        default=None, description="Power of a stack on standby, as a share of its rating; without it no standby."
    )
    cold_start: Start = Field(default=Start(), description="What it takes to start a stack that was off.")
    warm_start: Start = Field(default=Start(), description="What it takes to start a stack that was on standby.")
    ramp_up: PerHour | None = Field(default=None, description="Largest rise of power per hour, as a share of rating.")
    ramp_down: PerHour | None = Field(default=None, description="Largest fall of power per hour, as a share of rating.")
    minimum_up: Hours = Field(default=0.0, description="Hours a stack stays on after a start, warming up included.")
    minimum_down: Hours = Field(default=0.0, description="Hours a stack stays off once it is off.")
    running_cost: MoneyPerHour = Field(default=0.0, description="Wear of a stack for each hour on.")
    variable_cost: PerEnergy = Field(default=0.0, description="Operation cost per kWh drawn by live stacks.")
    heat_share: Share | None = Field(
        default=None,
        description="Most heat that can be taken, as a share of the power of live stacks; 26 % for alkaline "
        "electrolysers (Danish Energy Agency, technology catalogue, sheet 86).",
    )
    on_before: int = Field(default=0, ge=0, description="Stacks that were on before the horizon.")
    standby_before: int = Field(default=0, ge=0, description="Stacks that were on standby before the horizon.")
    hours_before: Hours | None = Field(
        default=None, description="For how long all stacks had been in their states; by default long enough."
    )
    start_before: Literal["cold", "warm"] = Field(
        default="cold", description="The start that brought the stacks on before to be on, if it is not over yet."
    )
    power_before: Power | None = Field(
        default=None, description="Power of live stacks before; without it the first step has no ramp limit."
    )
    moves_before: tuple[MoveBefore, ...] = Field(
        default=(),
        description="Stacks that started or went off shortly before the horizon, instead of hours_before; all others "
        "have been in their states for long enough.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.consumption is None) == (not self.curve):
            raise refuse(
                f"{'both' if self.curve else 'neither'} of consumption and curve", "one of consumption and curve"
            )
        if self.curve:
            _refuse_curve(self.curve, self.minimum_load)
        self.pattern.refuse_misfits()
        self._refuse_heat()
        return self

    def _refuse_heat(self) -> None:
        if (self.heat_bus is None) != (self.heat_share is None):
            found = (
                f"{'no ' if self.heat_bus is None else ''}heat_bus and {'no ' * (self.heat_share is None)}heat_share"
            )
            raise refuse(found, "heat_bus and heat_share together, or neither")
        best = self.consumption or min(point.consumption for point in self.curve)
        total = HYDROGEN_LOWER_HEATING_VALUE / best + (self.heat_share or 0.0)
        if total > 1 + 1e-9:
            raise refuse(f"{total:.1%} of the power in hydrogen and heat", "no more than 100 %")

    @property
    def pattern(self) -> Stacks:
        """The stacks by themselves, without what they make."""
        return Stacks(
            capacity=self.capacity,
            stacks=self.stacks,
            minimum_load=self.minimum_load,
            standby_power=self.standby_power,
            cold_start=self.cold_start,
            warm_start=self.warm_start,
            ramp_up=self.ramp_up,
            ramp_down=self.ramp_down,
            minimum_up=self.minimum_up,
            minimum_down=self.minimum_down,
            running_cost=self.running_cost,
            on_before=self.on_before,
            standby_before=self.standby_before,
            hours_before=self.hours_before,
            start_before=self.start_before,
            power_before=self.power_before,
            moves_before=self.moves_before,
        )

    @property
    def counts_modules(self) -> bool:
        """Whether stacks go on and off one by one, and their number is a decision."""
        return self.pattern.is_counted and self.pattern.has_switch

    @property
    def lines(self) -> list[tuple[float, float]]:
        """Slope (kg/kWh) and offset (kg/h per kW live) of the lines of hydrogen over power, by descending slope."""
        if self.consumption is not None:
            return [(1.0 / self.consumption, 0.0)]
        return curve_lines(_points(self.curve, self.minimum_load))

    def presses(self) -> frozenset[str]:
        """Return the hydrogen bus, where it may run for its heat, or cannot be turned down or up at will."""
        forced = self.pattern.may_overfill or self.heat_bus is not None
        return frozenset({self.hydrogen_bus}) if forced else frozenset()

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        return {"power": "electrolysis", "hydrogen": "hydrogen"}

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write states and power, then hydrogen and heat."""
        unit = powered(block, operation, size["capacity"], self.pattern)
        running = unit.running
        hydrogen = below_curve(block, operation, "hydrogen", running, unit.live, self.lines)
        flows = [Flow("power", self.bus, lambda t: -unit.drawn(t)), Flow("hydrogen", self.hydrogen_bus, hydrogen)]
        if self.heat_bus is not None:
            block.heat = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
            most = self.heat_share or 0.0

            def heat_within_share(b: Any, t: Any) -> Any:
                return b.heat[t] <= most * running[t]

            block.heat_within_share = pyo.Constraint(operation.steps, rule=heat_within_share)
            flows.append(Flow("heat", self.heat_bus, lambda t: block.heat[t]))
        costs = [*unit.costs, *variable_costs(operation, self.variable_cost, lambda t: running[t])]
        return Contribution(flows, costs, states=unit.states)

    def claims(self, operation: Operation) -> list[Claim]:
        """State states, starts, power, hydrogen, heat and costs."""
        claims, lines = stack_claims(operation, self.pattern), self.lines
        for number, (slope, offset) in enumerate(lines, 1):
            terms = (("hydrogen", 1.0), ("running", -slope), *live_terms(self.pattern, -offset))
            low = 0.0 if len(lines) == 1 else None
            claims.append(Between(f"hydrogen follows from power (line {number})", terms, low, 0.0))
        claims.append(Between("running is never negative", (("running", 1.0),), low=0.0))
        claims.append(Between("hydrogen is no consumption", (("hydrogen", 1.0),), low=0.0))
        if self.heat_bus is not None:
            claims.append(Between("heat is no consumption", (("heat", 1.0),), low=0.0))
            most = (("heat", 1.0), ("running", -(self.heat_share or 0.0)))
            claims.append(Between("heat within its share", most, high=0.0))
        return [*claims, *variable_cost_claims(self.variable_cost, "running")]

    @classmethod
    def example(cls) -> Self:
        """Return two stacks of 50 kW with every feature."""
        return cls(
            heat_bus="heat",
            capacity=Fixed(amount=100.0),
            stacks=2,
            minimum_load=0.2,
            curve=(
                ConsumptionPoint(load=0.2, consumption=50.0),
                ConsumptionPoint(load=0.6, consumption=51.0),
                ConsumptionPoint(load=1.0, consumption=54.0),
            ),
            standby_power=0.02,
            cold_start=Start(time=0.75, energy=5.0, cost=2.0),
            warm_start=Start(time=0.1, energy=0.5, cost=0.5),
            ramp_up=0.8,
            ramp_down=0.9,
            minimum_up=1.0,
            minimum_down=0.5,
            running_cost=0.1,
            variable_cost=0.002,
            heat_share=0.2,
            on_before=1,
            hours_before=0.5,
        )


def _points(curve: tuple[ConsumptionPoint, ...], minimum_load: float) -> list[tuple[float, float]]:
    """Return load and hydrogen at each point, both per kW of rating; without minimum load they begin at nothing."""
    points = [(point.load, point.load / point.consumption) for point in curve]
    return points if minimum_load else [(0.0, 0.0), *points]


def _refuse_curve(curve: tuple[ConsumptionPoint, ...], minimum_load: float) -> None:
    """Refuse a curve that does not span the loads of a live stack, or on which a further kW makes more hydrogen."""
    loads = [point.load for point in curve]
    begins = not minimum_load or loads[0] == minimum_load
    if len(curve) < 2 or loads != sorted(set(loads)) or loads[-1] != 1 or not begins:
        found = f"loads {', '.join(f'{load:g}' for load in loads)}"
        lowest = f"the minimum load, {minimum_load:g}," if minimum_load else "any load"
        raise refuse(found, f"two points or more, by ascending load, from {lowest} to 100 %")
    below = np.inf
    for (load, made), (next_load, next_made) in pairwise(_points(curve, minimum_load)):
        slope = (next_made - made) / (next_load - load)
        if slope <= 0 or slope > below * (1 + 1e-9):
            found = f"load {load:g}: a further kWh makes {slope:.4g} kg above it, {below:.4g} kg below it"
            raise refuse(found, "a curve on which each further kW makes hydrogen, and no more than the one before")
        below = slope
