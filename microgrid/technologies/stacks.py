"""Stacks alike that are off, on standby or on: what they may do, and what they did before.

A pattern for technologies, as commitment.py is for one unit that is on or off. `stack_rows` writes it into a model,
`stack_claims` states it for the audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from microgrid.capacity import Fixed, Sized
from microgrid.fields import Energy, Hours, Money, refuse
from microgrid.technologies.base import Operation


class Start(BaseModel):
    """What it takes to bring a stack to where it makes hydrogen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class MoveBefore(BaseModel):
    """Stacks that moved shortly before the horizon, so that starts and minimum times are still to be seen through."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    move: Literal["cold_start", "warm_start", "stop"] = Field(description="What they did; stop is to go off.")
    hours: Hours = Field(description="How long before the horizon they did it.")
    stacks: int = Field(default=1, ge=1, description="How many did.")


@dataclass(frozen=True)
class Stacks:
    """One stack or several alike behind one capacity; the attributes are fields of the technology that has them.

    **States.** Every stack is off, on standby (hot, drawing `standby_power`, making nothing) or on. From off it goes
    on by a cold start, from standby by a warm start; to standby it comes only from on. Stacks alike are counted, not
    told apart: the counts `on` and `standby` are whole numbers, and a set of counts that keeps the rows can always be
    dealt out to stacks, first started, first stopped. Start and stop need no integrality with one stack (the balance
    of the states leaves them no other value); with several they are whole, too.

    **Starts.** A stack that starts is on at once, and warms up for the start's `time`, wherever that ends within a
    step: `cold_starting` and `warm_starting` count the stacks that warm up, as the mean over the step. Only the rest
    of those on is live: ``minimum_load * live <= running <= live``, in ratings. A start is seen through: whoever
    starts stays on until it is live, and for `minimum_up`, which counts from the start. A start that ends behind the
    horizon is allowed: it pays its cost and the energy of the part within, and earns nothing here.

    **Ramps** hold for the running power of all stacks together: a live stack may rise and fall by its ramp, one that
    becomes live or leaves may do so by its ramp or its minimum load at once, if that is more. A stack that becomes
    live within a step counts by its share of the step.

    Where nothing tells on from off, there are no states and no integers. Formulation of states after Baumhof, Raheli,
    Johnsen and Kazempour (2023), arXiv:2301.05310, counted over stacks; minimum times after Rajan and Takriti (see
    commitment.py).
    """

    capacity: Fixed | Sized
    stacks: int
    minimum_load: float
    standby_power: float | None
    cold_start: Start
    warm_start: Start
    ramp_up: float | None
    ramp_down: float | None
    minimum_up: float
    minimum_down: float
    running_cost: float
    on_before: int
    standby_before: int
    hours_before: float | None
    start_before: Literal["cold", "warm"]
    power_before: float | None
    moves_before: tuple[MoveBefore, ...] = ()

    def refuse_misfits(self) -> None:
        """Refuse what each attribute allows by itself, and all together do not.

        Raises
        ------
        PydanticCustomError
            With what was found and what was wanted.
        """
        self._refuse_number()
        self._refuse_starts()
        self._refuse_history()
        self._refuse_power_before()

    def _refuse_number(self) -> None:
        if not isinstance(self.capacity, Sized) or self.stacks == 1:
            return
        found = f"{self.stacks} stacks with a capacity to be decided"
        if self.is_counted:
            wanted = "no number of stacks, as the capacity decides how many of unit_size there are"
            raise refuse(found, wanted, "leave stacks out")
        if self.rating is None:
            raise refuse(found, "a unit_size, the rating of one stack", "write unit_size, and leave stacks out")

    def _refuse_starts(self) -> None:
        if self.standby_power is None and not self.warm_start.is_free:
            raise refuse("warm_start without standby_power", "standby_power, as a warm start begins on standby")
        highest = self.capacity.high if self.rating is None else self.rating
        for kind, start in self.starts.items():
            if start.time and start.energy > highest * start.time * (1 + 1e-9) and highest > 0:
                found = f"{kind}_start: {start.energy:g} kWh in {start.time:g} h"
                raise refuse(found, f"no more than the rating of a stack, {highest:g} kW, can draw")

    def _refuse_history(self) -> None:
        before = self.on_before + self.standby_before
        if self.is_counted:
            if before:
                raise refuse(f"{before} stacks before the horizon", "none, as their number is yet to be decided")
        elif before > self.stacks:
            found = f"{before} stacks on or on standby before the horizon"
            raise refuse(found, f"no more than the stacks, {self.stacks}")
        if self.moves_before and self.hours_before is not None:
            raise refuse("hours_before and moves_before", "one of them: moves_before says it stack by stack")
        started = sum(move.stacks for move in self.moves_before if move.move != "stop")
        if started > self.on_before:
            raise refuse(f"{started} stacks started before", f"no more than are on, {self.on_before}")
        if self.standby_before and self.standby_power is None:
            raise refuse("standby_before without standby_power", "standby_power, or no stacks on standby")

    def _refuse_power_before(self) -> None:
        high = self.capacity.high
        most = self.on_before * (self.rating or high) if self.has_switch else high
        if high > 0 and (self.power_before or 0.0) > most + 1e-6 * high:
            found = f"power_before {self.power_before:g} kW with {self.on_before} on before"
            raise refuse(found, f"no more than they can draw, {most:g} kW", "write on_before: how many drew it")

    # How many stacks there are, and of what rating.

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
    def rating(self) -> float | None:
        """The rating of one stack, kW, where it is a number: None where it is the capacity to be decided."""
        if isinstance(self.capacity, Fixed):
            return self.capacity.amount / self.stacks
        if self.capacity.unit_size is not None:
            return self.capacity.unit_size
        stands = self.capacity.low == self.capacity.high and not self.capacity.has_build_decision
        return self.capacity.high / self.stacks if stands else None

    # The states of a stack, and the moves between them.

    @property
    def has_switch(self) -> bool:
        """Whether anything here tells on from off."""
        asked = (self.minimum_load, self.minimum_up, self.minimum_down, self.running_cost)
        return any(asked) or self.standby_power is not None or not self.cold_start.is_free

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
    def warming(self) -> list[str]:
        """The counts of stacks that are on and warm up, by the kind of their start."""
        return [f"{kind}_starting" for kind, start in self.starts.items() if start.time]

    # What was before the horizon.

    @property
    def before(self) -> tuple[int, int]:
        """How many stacks were on, and on standby, before the horizon."""
        return (self.on_before, self.standby_before) if self.most_stacks else (0, 0)

    def still_starting(self, kind: str) -> float:
        """Return for how many hours of the horizon all stacks on before are still in a start of this kind."""
        if kind != self.start_before or self.hours_before is None or not self.before[0]:
            return 0.0
        return max(0.0, self.starts[kind].time - self.hours_before)

    def lately(self, *moves: str) -> tuple[tuple[float, float], ...]:
        """Return what `moves_before` tells of these moves: pairs of hours before the horizon and number of stacks."""
        return tuple((move.hours, float(move.stacks)) for move in self.moves_before if move.move in moves)

    def starting_ahead(self, kind: str) -> tuple[tuple[float, float], ...]:
        """Return the hours of the horizon that starts of this kind go on for, with the number of stacks in each."""
        told = [(self.starts[kind].time - hours, count) for hours, count in self.lately(f"{kind}_start")]
        left = self.still_starting(kind)
        told += [(left, float(self.before[0]))] if left else []
        return tuple((hours, count) for hours, count in told if hours > 0)

    @property
    def waiting_before(self) -> float:
        """How many stacks the horizon begins with that are on, but not live yet."""
        return min(self.before[0], sum(count for kind in self.starts for _, count in self.starting_ahead(kind)))

    @property
    def first_power(self) -> float | None:
        """The power of live stacks before the horizon, or None where it is not known."""
        nothing_ran = not self.most_stacks or (self.has_switch and not self.before[0])
        return 0.0 if nothing_ran else self.power_before

    # How their power may change.

    @property
    def has_ramps(self) -> bool:
        """Whether there is a limit to how fast their power rises or falls."""
        return self.ramp_up is not None or self.ramp_down is not None

    @property
    def may_overfill(self) -> bool:
        """Whether they may have to run more than is wanted: they cannot go low, or not down or up at once."""
        return self.minimum_load > 0 or self.has_ramps

    def ramp_shares(self, operation: Operation) -> tuple[NDArray[np.float64], ...]:
        """Return the largest rise, first power, fall and last power at each step, as shares of rating."""
        hours = operation.timeline.hours
        gaps = np.concatenate([[hours[0]], (hours[:-1] + hours[1:]) / 2])
        up = np.minimum(1.0, gaps * (np.inf if self.ramp_up is None else self.ramp_up))
        down = np.minimum(1.0, gaps * (np.inf if self.ramp_down is None else self.ramp_down))
        return up, np.maximum(self.minimum_load, up), down, np.maximum(self.minimum_load, down)
