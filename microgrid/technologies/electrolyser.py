"""Electrolyser: hydrogen from electricity, in stacks that are off, on standby or on, and that take time to start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.capacity import Fixed, Size, Sized
from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import Between, Change, Charge, Claim, Lasting, MinimumRun, Ramp
from microgrid.fields import (
    Energy,
    Hours,
    Money,
    MoneyPerHour,
    PerEnergy,
    Power,
    PowerCapacity,
    Quantity,
    Share,
    refuse,
)
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, Rate, State, Technology
from microgrid.technologies.commitment import Commitment, PerHour, committed
from microgrid.technologies.patterns import (
    below_curve,
    curve_lines,
    indexed_steps,
    lasting,
    parameter,
    recent_steps,
    times_size,
    variable_cost_claims,
    variable_costs,
)

# No stack makes hydrogen that holds more than the electricity it draws.
Consumption = Annotated[float, Quantity("kWh/kg", low=HYDROGEN_LOWER_HEATING_VALUE)]


class ConsumptionPoint(BaseModel):
    """A point of a part-load curve, as a maker's data sheet gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    load: Annotated[float, Quantity("1", above=0.0, high=1.0)] = Field(description="Power, as a share of the rating.")
    consumption: Consumption = Field(description="Electricity for each kg of hydrogen at this load.")


class Start(BaseModel):
    """What it takes to bring a stack to where it makes hydrogen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    time: Hours = Field(default=0.0, description="Hours until the stack makes hydrogen.")
    energy: Energy = Field(
        default=0.0,
        description="Electricity for each stack, drawn evenly over the time; without time, over the first step.",
    )
    cost: Money = Field(default=0.0, description="Cost of each stack's start.")

    @property
    def is_free(self) -> bool:
        """Whether it takes nothing."""
        return not (self.time or self.energy or self.cost)

    def draw(self, operation: Operation) -> NDArray[np.float64]:
        """Return the power of one start, kW, in case it begins with a step, shape (n,)."""
        return self.energy / (np.full(operation.last, self.time) if self.time else operation.timeline.hours)


class Electrolyser(Technology):
    """An electrolyser of one stack or several alike, with rectifier and auxiliaries.

    **States.** Every stack is off, on standby (hot, drawing `standby_power`, making nothing) or on. From off it goes
    on by a cold start, from standby by a warm start; to standby it comes only from on. Stacks alike are counted, not
    told apart: the counts `on` and `standby` are whole numbers, and a set of counts that keeps the rows below can
    always be dealt out to stacks, first started, first stopped. Start and stop need no integrality with one stack
    (the balance of the states leaves them no other value); with several they are whole, too.

    **Starts.** A stack that starts is on at once, and warms up for the start's `time`, wherever that ends within a
    step: `cold_starting` and `warm_starting` count the stacks that warm up, as the mean over the step. Only the rest
    of those on is live: ``minimum_load * live <= running <= live``, in ratings. A start is seen through: whoever
    starts stays on until it is live, and for `minimum_up`, which counts from the start. A start that ends behind the
    horizon is allowed: it pays its cost and the energy of the part within, and earns nothing here.

    **Ramps** hold for the running power of all stacks together: a live stack may rise and fall by its ramp, one that
    becomes live or leaves may do so by its ramp or its minimum load at once, if that is more. A stack that becomes
    live within a step counts by its share of the step.

    **Hydrogen.** With constant `consumption` an equation, ``hydrogen = running / consumption``. A `curve` is concave
    (each further kW makes no more hydrogen than the one before), so rows from above need no binaries:
    ``hydrogen <= slope_k * running + offset_k * live`` for each line k. Hydrogen below the curve is made and vented:
    possible, costs power, and done only where hydrogen is worth nothing.

    **Heat**, with a `heat_bus`: ``heat <= heat_share * running``; a cooler takes the rest.

    Without minimum load, standby, starts that take something, minimum times and costs of running, nothing tells on
    from off, and there are no integers. Formulation of states after Baumhof, Raheli, Johnsen and Kazempour (2023),
    arXiv:2301.05310, counted over stacks; minimum times after Rajan and Takriti (see commitment.py).
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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.consumption is None) == (not self.curve):
            raise refuse(
                f"{'both' if self.curve else 'neither'} of consumption and curve", "one of consumption and curve"
            )
        if self.curve:
            _refuse_curve(self.curve, self.minimum_load)
        self._refuse_stacks()
        self._refuse_starts()
        self._refuse_history()
        self._refuse_heat()
        return self

    def _refuse_stacks(self) -> None:
        if not isinstance(self.capacity, Sized) or self.stacks == 1:
            return
        found = f"{self.stacks} stacks with a capacity to be decided"
        if self.capacity.unit_size is not None:
            wanted = "no number of stacks, as the capacity decides how many of unit_size there are"
            raise refuse(found, wanted, "leave stacks out")
        if self.rating is None:
            raise refuse(found, "a unit_size, the rating of one stack", "write unit_size, and leave stacks out")

    def _refuse_starts(self) -> None:
        if self.standby_power is None and not self.warm_start.is_free:
            raise refuse("warm_start without standby_power", "standby_power, as a warm start begins on standby")
        for name, start in self.starts.items():
            highest = self.capacity.high if self.rating is None else self.rating
            if start.time and start.energy > highest * start.time * (1 + 1e-9) and highest > 0:
                found = f"{name}_start: {start.energy:g} kWh in {start.time:g} h"
                raise refuse(found, f"no more than the rating of a stack, {highest:g} kW, can draw")

    def _refuse_history(self) -> None:
        before = self.on_before + self.standby_before
        if self.is_counted:
            if before:
                raise refuse(f"{before} stacks before the horizon", "none, as their number is yet to be decided")
        elif before > self.stacks:
            raise refuse(
                f"{before} stacks on or on standby before the horizon", f"no more than the stacks, {self.stacks}"
            )
        if self.standby_before and self.standby_power is None:
            raise refuse("standby_before without standby_power", "standby_power, or no stacks on standby")
        self._refuse_power_before()

    def _refuse_power_before(self) -> None:
        high = self.capacity.high
        most = self.on_before * (self.rating or high) if self.has_switch else high
        if high > 0 and (self.power_before or 0.0) > most + 1e-6 * high:
            found = f"power_before {self.power_before:g} kW with {self.on_before} on before"
            raise refuse(found, f"no more than they can draw, {most:g} kW", "write on_before: how many drew it")

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
    def starts(self) -> dict[str, Start]:
        """The kinds of start that stacks can make."""
        return {"cold": self.cold_start} | ({} if self.standby_power is None else {"warm": self.warm_start})

    @property
    def states(self) -> list[str]:
        """The states that a stack can have."""
        return ["off", "on"] if self.standby_power is None else ["off", "on", "standby"]

    @property
    def entering(self) -> list[str]:
        """The moves of stacks that go on."""
        return [f"{kind}_starts" for kind in self.starts]

    @property
    def leaving(self) -> list[str]:
        """The moves of stacks that were on: off, and to standby."""
        return ["stops"] if self.standby_power is None else ["stops", "rests"]

    @property
    def going_off(self) -> list[str]:
        """The moves of stacks that go off: from on, and from standby."""
        return ["stops"] if self.standby_power is None else ["stops", "cools"]

    @property
    def moves(self) -> list[str]:
        """Every move between states."""
        return list(dict.fromkeys([*self.entering, *self.leaving, *self.going_off]))

    @property
    def has_switch(self) -> bool:
        """Whether anything here tells on from off."""
        asked = (self.minimum_load, self.minimum_up, self.minimum_down, self.running_cost)
        return any(asked) or self.standby_power is not None or not self.cold_start.is_free

    @property
    def rating(self) -> float | None:
        """The rating of one stack, kW, where it is a number: None where it is the capacity to be decided."""
        if isinstance(self.capacity, Fixed):
            return self.capacity.amount / self.stacks
        if self.capacity.unit_size is not None:
            return self.capacity.unit_size
        stands = self.capacity.low == self.capacity.high and not self.capacity.has_build_decision
        return self.capacity.high / self.stacks if stands else None

    @property
    def is_counted(self) -> bool:
        """Whether the number of stacks is itself a decision."""
        return isinstance(self.capacity, Sized) and self.capacity.unit_size is not None

    @property
    def most_stacks(self) -> int:
        """The largest number of stacks that there can be; none where the capacity is zero."""
        if isinstance(self.capacity, Sized) and self.capacity.unit_size is not None:
            return int(self.capacity.high / self.capacity.unit_size + 1e-9)
        return self.stacks if self.capacity.high > 0 else 0

    @property
    def lines(self) -> list[tuple[float, float]]:
        """Slope (kg/kWh) and offset (kg/h per kW live) of the lines of hydrogen over power, by descending slope."""
        if self.consumption is not None:
            return [(1.0 / self.consumption, 0.0)]
        return curve_lines(_points(self.curve, self.minimum_load))

    @property
    def before(self) -> tuple[int, int]:
        """How many stacks were on, and on standby, before the horizon."""
        return (self.on_before, self.standby_before) if self.most_stacks else (0, 0)

    def still_starting(self, kind: str) -> float:
        """Return for how many hours of the horizon the stacks on before are still in a start of this kind."""
        if kind != self.start_before or self.hours_before is None or not self.before[0]:
            return 0.0
        return max(0.0, self.starts[kind].time - self.hours_before)

    @property
    def waiting_before(self) -> int:
        """How many stacks the horizon begins with that are on, but not live yet."""
        return self.before[0] if any(self.still_starting(kind) for kind in self.starts) else 0

    @property
    def first_power(self) -> float | None:
        """The power of live stacks before the horizon, or None where it is not known."""
        nothing_ran = not self.most_stacks or (self.has_switch and not self.before[0])
        return 0.0 if nothing_ran else self.power_before

    def presses(self) -> frozenset[str]:
        """Return the hydrogen bus, where it may run for its heat, or cannot be turned down or up at will."""
        forced = self.minimum_load > 0 or self.ramp_up is not None or self.ramp_down is not None
        return frozenset({self.hydrogen_bus}) if forced or self.heat_bus is not None else frozenset()

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write states and power, then hydrogen and heat."""
        unit = (self._switched if self.has_switch else self._unswitched)(block, operation, size["capacity"])
        running = block.running
        hydrogen = below_curve(block, operation, "hydrogen", running, unit.live, self.lines)
        flows = [Flow("power", self.bus, lambda t: -unit.drawn(t)), Flow("hydrogen", self.hydrogen_bus, hydrogen)]
        if self.heat_bus is not None:
            block.heat = pyo.Var(operation.steps, within=pyo.NonNegativeReals)
            most = self.heat_share or 0.0

            def heat_within_share(b: Any, t: Any) -> Any:
                return b.heat[t] <= most * b.running[t]

            block.heat_within_share = pyo.Constraint(operation.steps, rule=heat_within_share)
            flows.append(Flow("heat", self.heat_bus, lambda t: block.heat[t]))
        costs = [*unit.costs, *variable_costs(operation, self.variable_cost, lambda t: running[t])]
        return Contribution(flows, costs, states=unit.states | {"running": State(running, "steps", "power_before")})

    def _unswitched(self, block: Any, operation: Operation, size: Size) -> _Powered:
        """Write a power anywhere between zero and the capacity, within its ramps."""
        ramps = Commitment(
            ramp_up=self.ramp_up, ramp_down=self.ramp_down, on_before=True, output_before=self.first_power
        )
        unit = committed(block, operation, size, ramps, "running")
        return _Powered(unit.live, lambda t: unit.output[t])

    def _switched(self, block: Any, operation: Operation, size: Size) -> _Powered:
        """Write the states of the stacks, what those on may draw, and what standby and starts draw."""
        stacks = _Stacks(self, block, operation, size)
        stacks.write_states()
        stacks.write_minimum_times()
        block.running = pyo.Var(operation.steps, bounds=(0.0, size.high))
        live = stacks.write_live()
        stacks.write_start_limits()
        if self.ramp_up is not None or self.ramp_down is not None:
            stacks.write_ramps(live)
        return _Powered(live, stacks.drawn, stacks.costs(), stacks.states())

    def claims(self, operation: Operation) -> list[Claim]:
        """State states, starts, power, hydrogen, heat and costs."""
        live: list[tuple[str, Any]] = [("capacity", 1.0)]
        if self.has_switch:
            claims = [*self._state_claims(), *self._power_claims(operation), *self._ramp_claims(operation)]
            live = self._live()
        else:
            claims = [
                Between("running within capacity", (("running", 1.0), ("capacity", -1.0)), high=0.0),
                Between("power is what runs", (("power", 1.0), ("running", 1.0)), 0.0, 0.0),
                Ramp("running", "capacity", self.ramp_up, self.ramp_down, before=self.first_power),
            ]
        for number, (slope, offset) in enumerate(self.lines, 1):
            terms = (("hydrogen", 1.0), ("running", -slope), *_times(live, -offset))
            low = 0.0 if len(self.lines) == 1 else None
            claims.append(Between(f"hydrogen follows from power (line {number})", terms, low, 0.0))
        claims.append(Between("running is never negative", (("running", 1.0),), low=0.0))
        claims.append(Between("hydrogen is no consumption", (("hydrogen", 1.0),), low=0.0))
        if self.heat_bus is not None:
            claims.append(Between("heat is no consumption", (("heat", 1.0),), low=0.0))
            most = (("heat", 1.0), ("running", -(self.heat_share or 0.0)))
            claims.append(Between("heat within its share", most, high=0.0))
        return [*claims, *variable_cost_claims(self.variable_cost, "running")]

    def _rated(self, names: Sequence[str]) -> list[tuple[str, Any]]:
        """Return the rating of the stacks that counts count, as terms of a claim."""
        return [(f"capacity*{name}", 1.0) if self.rating is None else (name, self.rating) for name in names]

    @property
    def _warming(self) -> list[tuple[str, Any]]:
        return self._rated([f"{kind}_starting" for kind, start in self.starts.items() if start.time])

    def _live(self) -> list[tuple[str, Any]]:
        return [*self._rated(["on"]), *_times(self._warming, -1.0)]

    def _state_claims(self) -> list[Claim]:
        """State that every stack has one state, how it changes, and for how long it lasts."""
        on, standby = self.before
        units: float | str = "capacity_modules" if self.is_counted else float(self.most_stacks)
        stacks = ("capacity_modules", -1.0) if self.is_counted else ("", -float(self.most_stacks))
        off, off_for = float(self.most_stacks - on - standby), None if self.is_counted else self.hours_before
        moves = [("on", 1.0), *((name, -1.0) for name in self.entering), *((name, 1.0) for name in self.leaving)]
        claims: list[Claim] = [
            Between("every stack has one state", (*((name, 1.0) for name in self.states), stacks), 0.0, 0.0),
            Change("stacks start and stop", tuple(moves), (("on", -1.0),), 0.0, 0.0, (("", -float(on)),)),
            MinimumRun("on", self.minimum_up, 0.0, float(on), self.hours_before, units),
            MinimumRun("off", self.minimum_down, 0.0, off, off_for, units),
            *(MinimumRun(name, units=units) for name in self.entering),
        ]
        if self.standby_power is not None:
            terms = (("standby", 1.0), ("rests", -1.0), ("warm_starts", 1.0), ("cools", 1.0))
            first = (("", -float(standby)),)
            claims.append(Change("standby comes and goes", terms, (("standby", -1.0),), 0.0, 0.0, first))
            claims.append(MinimumRun("standby", on_before=float(standby), units=units))
        return claims

    def _power_claims(self, operation: Operation) -> list[Claim]:
        """State how long starts last, what live stacks, standby and starts draw, and what they cost."""
        claims: list[Claim] = []
        drawn: list[tuple[str, Any]] = [("power", 1.0), ("running", 1.0)]
        if self.standby_power:
            drawn += _times(self._rated(["standby"]), self.standby_power)
        for kind, start in self.starts.items():
            starts, starting, left = f"{kind}_starts", f"{kind}_starting", self.still_starting(kind)
            if start.time:
                claims.append(Lasting(starting, starts, start.time, float(self.before[0]) if left else 0.0, left))
            if start.energy:
                drawn.append((starting if start.time else starts, start.draw(operation)))
                most = ((starts, start.draw(operation)), ("capacity", -1.0))
                claims.append(Between(f"a {kind} start draws no more than the capacity", most, high=0.0))
            if start.cost:
                claims.append(Charge("costs", f"{kind} starts", ((starts, start.cost),), "event"))
        if self.running_cost:
            claims.append(Charge("costs", "stack wear", (("on", self.running_cost),)))
        least = (("running", 1.0), *_times(self._live(), -self.minimum_load))
        return [
            *claims,
            Between("running below the live rating", (("running", 1.0), *_times(self._live(), -1.0)), high=0.0),
            Between("running above the minimum load", least, low=0.0),
            Between("power is what runs, stands by and starts", tuple(drawn), 0.0, 0.0),
        ]

    def _ramp_claims(self, operation: Operation) -> list[Claim]:
        """State how much the power of live stacks may rise and fall from step to step."""
        up, lift, down, drop = self.ramp_shares(operation)
        power, (rating, size) = self.first_power, (1.0, "capacity") if self.rating is None else (self.rating, "")
        claims: list[Claim] = []
        if self.ramp_up is not None:
            ready, still = rating * (self.before[0] - self.waiting_before), rating * self.waiting_before
            first = None if power is None else (("", -power), (size, -float(up[0] * ready + lift[0] * still)))
            terms = (("running", 1.0), *_times(self._rated(self.entering), -lift), *_times(self._warming, lift))
            earlier = (("running", -1.0), *_times(self._live(), -up), *_times(self._warming, -lift))
            claims.append(Change("running rises within its ramp", terms, earlier, None, 0.0, first))
        if self.ramp_down is not None:
            known = None if power is None else (("", power),)
            terms = (("running", -1.0), *_times(self._live(), -down), *_times(self._rated(self.leaving), -drop))
            claims.append(Change("running falls within its ramp", terms, (("running", 1.0),), None, 0.0, known))
        return claims

    def ramp_shares(self, operation: Operation) -> tuple[NDArray[np.float64], ...]:
        """Return the largest rise, first power, fall and last power at each step, as shares of rating."""
        hours = operation.timeline.hours
        gaps = np.concatenate([[hours[0]], (hours[:-1] + hours[1:]) / 2])
        up = np.minimum(1.0, gaps * (np.inf if self.ramp_up is None else self.ramp_up))
        down = np.minimum(1.0, gaps * (np.inf if self.ramp_down is None else self.ramp_down))
        return up, np.maximum(self.minimum_load, up), down, np.maximum(self.minimum_load, down)

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


def _times(terms: Iterable[tuple[str, Any]], factor: Any) -> list[tuple[str, Any]]:
    """Return the terms of a claim, times a factor."""
    return [(name, own * factor) for name, own in terms]


@dataclass(frozen=True)
class _Powered:
    """What the rest is written with: `live(t)`, the rating that can run, and `drawn(t)`, the power of everything."""

    live: Rate
    drawn: Rate
    costs: list[Cost] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)


class _Stacks:
    """The stacks inside a model: their counts by state and by move, and the rating behind each count."""

    def __init__(self, spec: Electrolyser, block: Any, operation: Operation, size: Size) -> None:
        self.spec, self.block, self.operation, self.size = spec, block, operation, size
        self.most = spec.most_stacks
        self.count = self.most if size.modules is None else size.modules
        self.rating = size if spec.rating is None else Size(spec.rating, spec.rating)
        self._ratings: dict[str, Rate] = {}

    def sum(self, names: Sequence[str], t: Any) -> Any:
        """Return the sum of several counts at a step."""
        return sum(getattr(self.block, name)[t] for name in names)

    def rated(self, name: str) -> Rate:
        """Return the rating of the stacks that a count counts."""
        if name not in self._ratings:
            counted = getattr(self.block, name)
            self._ratings[name] = times_size(self.block, self.operation, f"{name}_rating", self.rating, counted)
        return self._ratings[name]

    def write_states(self) -> None:
        """Write the counts, and how they change: every stack has one state, and moves between them."""
        spec, block, operation, (on_before, _) = self.spec, self.block, self.operation, self.spec.before
        moves = pyo.NonNegativeIntegers if self.most > 1 else pyo.NonNegativeReals
        whole = {name: pyo.NonNegativeIntegers for name in spec.states if name != "off"}
        counts = {"off": pyo.NonNegativeReals} | whole | dict.fromkeys(spec.moves, moves)
        for name, domain in counts.items():
            block.add_component(name, pyo.Var(operation.steps, within=domain, bounds=(0, self.most)))

        def every_stack_has_one_state(_b: Any, t: Any) -> Any:
            return self.sum(spec.states, t) == self.count

        def stacks_start_and_stop(b: Any, t: Any) -> Any:
            return b.on[t] - b.on[t - 1] == self.sum(spec.entering, t) - self.sum(spec.leaving, t)

        block.every_stack_has_one_state = pyo.Constraint(operation.steps, rule=every_stack_has_one_state)
        block.stacks_start_and_stop = pyo.Constraint(operation.later, rule=stacks_start_and_stop)
        block.stacks_start_and_stop_first = pyo.Constraint(
            rule=lambda b: b.on[0] - on_before == self.sum(spec.entering, 0) - self.sum(spec.leaving, 0)
        )
        if spec.standby_power is not None:
            self._write_standby()

    def _write_standby(self) -> None:
        block, operation, (_, before) = self.block, self.operation, self.spec.before

        def standby_comes_and_goes(b: Any, t: Any) -> Any:
            return b.standby[t] - b.standby[t - 1] == b.rests[t] - b.warm_starts[t] - b.cools[t]

        def rested_is_on_standby(b: Any, t: Any) -> Any:
            return b.rests[t] <= b.standby[t]

        block.standby_comes_and_goes = pyo.Constraint(operation.later, rule=standby_comes_and_goes)
        block.standby_comes_and_goes_first = pyo.Constraint(
            rule=lambda b: b.standby[0] - before == b.rests[0] - b.warm_starts[0] - b.cools[0]
        )
        block.rested_is_on_standby = pyo.Constraint(operation.steps, rule=rested_is_on_standby)

    def write_minimum_times(self) -> None:
        """Cover recent starts by `on`, until they are live and for minimum_up; what recently went off by `off`."""
        spec, block, operation = self.spec, self.block, self.operation
        windows = {
            f"{kind}_starts": self._recent(f"steps_of_{kind}_start", max(spec.minimum_up, start.time))
            for kind, start in spec.starts.items()
        }
        stopped = self._recent("steps_of_minimum_down", spec.minimum_down)
        on_before, off_before = spec.before[0], self.count - sum(spec.before)
        begun = spec.starts.get(spec.start_before, Start()).time
        held_on = self._held("on_held", max(spec.minimum_up, begun))
        held_off = self._held("off_held", spec.minimum_down)

        def started_stays_on(b: Any, t: Any) -> Any:
            recent = sum(sum(getattr(b, name)[s] for s in steps[t]) for name, steps in windows.items())
            return recent + on_before * held_on[t] <= b.on[t]

        def stopped_stays_off(b: Any, t: Any) -> Any:
            recent = sum(sum(getattr(b, name)[s] for s in stopped[t]) for name in spec.going_off)
            return recent + off_before * held_off[t] <= b.off[t]

        block.started_stays_on = pyo.Constraint(operation.steps, rule=started_stays_on)
        block.stopped_stays_off = pyo.Constraint(operation.steps, rule=stopped_stays_off)

    def _recent(self, name: str, hours: float) -> Any:
        return indexed_steps(self.block, self.operation, name, recent_steps(self.operation, hours))

    def _held(self, name: str, least: float) -> Any:
        """Return 1 at the steps at which what was before the horizon must still be, else 0."""
        before = np.inf if self.spec.hours_before is None else self.spec.hours_before
        begins = self.operation.timeline.elapsed[:-1]
        return parameter(self.block, self.operation.steps, name, (begins < least - before - 1e-9).astype(float))

    def write_live(self) -> Rate:
        """Return the rating that can run: what is on and not warming up; keep the running power within it."""
        block, running, on = self.block, self.block.running, self.rated("on")
        warming = [self._warming(kind, start) for kind, start in self.spec.starts.items() if start.time]
        least = self.spec.minimum_load

        def live(t: Any) -> Any:
            return on(t) - sum(rating(t) for rating in warming)

        def running_below_live(_b: Any, t: Any) -> Any:
            return running[t] <= live(t)

        def running_above_minimum(_b: Any, t: Any) -> Any:
            return running[t] >= least * live(t)

        block.running_below_live = pyo.Constraint(self.operation.steps, rule=running_below_live)
        if least > 0:
            block.running_above_minimum = pyo.Constraint(self.operation.steps, rule=running_above_minimum)
        return live

    def _warming(self, kind: str, start: Start) -> Rate:
        """Write how many stacks warm up in a start of this kind; return their rating."""
        spec, block, operation, name = self.spec, self.block, self.operation, f"{kind}_starting"
        hours, begins = operation.timeline.hours, operation.timeline.elapsed[:-1]
        still = spec.before[0] * np.clip((spec.still_starting(kind) - begins) / hours, 0.0, 1.0)
        before = parameter(block, operation.steps, f"{name}_before", still)
        starts, rated, rating = getattr(block, f"{kind}_starts"), self.rated(f"{kind}_starts"), self.rating.amount
        lasting(block, operation, name, lambda t: starts[t], start.time, lambda t: before[t])
        if not self.rating.is_fixed:
            self._ratings[name] = lasting(
                block, operation, f"{name}_rating", rated, start.time, lambda t: rating * before[t]
            )
        return self.rated(name)

    def write_start_limits(self) -> None:
        """Keep what a start draws within the capacity, so that a stack of no size cannot burn power by starting.

        Where rating and time are numbers, the fields have been held to it already.
        """
        for kind, start in self.spec.starts.items():
            if start.energy and not (start.time and self.rating.is_fixed):
                self._limit_start(kind, start)

    def _limit_start(self, kind: str, start: Start) -> None:
        block, operation, starts = self.block, self.operation, getattr(self.block, f"{kind}_starts")
        draw = parameter(block, operation.steps, f"{kind}_start_draw", start.draw(operation))

        def start_within_capacity(_b: Any, t: Any) -> Any:
            return draw[t] * starts[t] <= self.size.amount

        block.add_component(
            f"{kind}_start_within_capacity", pyo.Constraint(operation.steps, rule=start_within_capacity)
        )

    def drawn(self, t: Any) -> Any:
        """Return what live stacks, standby and starts draw at a step."""
        spec, block, hours = self.spec, self.block, self.operation.hours
        power = block.running[t]
        if spec.standby_power:
            power += spec.standby_power * self.rated("standby")(t)
        for kind, start in spec.starts.items():
            if start.energy and start.time:
                power += start.energy / start.time * getattr(block, f"{kind}_starting")[t]
            elif start.energy:
                power += start.energy * getattr(block, f"{kind}_starts")[t] / hours[t]
        return power

    def write_ramps(self, live: Rate) -> None:
        """Limit the change of the running power; a stack that becomes live or leaves may do so by its share at once."""
        spec, block, operation = self.spec, self.block, self.operation
        names = ("ramp_up", "start_ramp", "ramp_down", "stop_ramp")
        up, lift, down, drop = (
            parameter(block, operation.steps, name, values)
            for name, values in zip(names, spec.ramp_shares(operation), strict=True)
        )
        entering, leaving = [self.rated(name) for name in spec.entering], [self.rated(name) for name in spec.leaving]
        warming = [self.rated(f"{kind}_starting") for kind, start in spec.starts.items() if start.time]
        running, power = block.running, spec.first_power
        still = self.rating.amount * spec.waiting_before
        ready = self.rating.amount * spec.before[0] - still

        def rise(t: Any, power_before: Any, live_before: Any, warming_before: Any) -> Any:
            lifted = sum(rating(t) for rating in entering) + warming_before - sum(rating(t) for rating in warming)
            return running[t] - power_before <= up[t] * live_before + lift[t] * lifted

        def running_rises_within_ramp(_b: Any, t: Any) -> Any:
            return rise(t, running[t - 1], live(t - 1), sum(rating(t - 1) for rating in warming))

        def fall(t: Any, power_before: Any) -> Any:
            return power_before - running[t] <= down[t] * live(t) + drop[t] * sum(rating(t) for rating in leaving)

        def running_falls_within_ramp(_b: Any, t: Any) -> Any:
            return fall(t, running[t - 1])

        if spec.ramp_up is not None:
            block.running_rises_within_ramp = pyo.Constraint(operation.later, rule=running_rises_within_ramp)
            if power is not None:
                block.running_rises_first = pyo.Constraint(rule=lambda _b: rise(0, power, ready, still))
        if spec.ramp_down is not None:
            block.running_falls_within_ramp = pyo.Constraint(operation.later, rule=running_falls_within_ramp)
            if power is not None:
                block.running_falls_first = pyo.Constraint(rule=lambda _b: fall(0, power))

    def costs(self) -> list[Cost]:
        """Return what starts and hours on cost."""
        block, operation, wear = self.block, self.operation, self.spec.running_cost
        lines = [self._start_cost(kind, start) for kind, start in self.spec.starts.items() if start.cost]
        if wear:
            lines.append(Cost("stack wear", "wear", lambda t: wear * operation.hours[t] * block.on[t], operation.steps))
        return lines

    def _start_cost(self, kind: str, start: Start) -> Cost:
        starts = getattr(self.block, f"{kind}_starts")
        return Cost(f"{kind} starts", "start", lambda t: start.cost * starts[t], self.operation.steps)

    def states(self) -> dict[str, State]:
        """Return the counts, and the fields that inherit them."""
        inherits = {"on": "on_before", "standby": "standby_before"}
        warming = [f"{kind}_starting" for kind, start in self.spec.starts.items() if start.time]
        names = [*self.spec.states, *self.spec.moves, *warming]
        return {name: State(getattr(self.block, name), "steps", inherits.get(name, "")) for name in names}


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
