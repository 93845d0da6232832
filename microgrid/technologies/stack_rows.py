"""The rows of stacks: counts by state and by move, and the power that states, starts and ramps allow.

Every rule is written for a symbolic step, as in patterns.py. The physics is told in stacks.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.capacity import Size
from microgrid.technologies.base import Cost, Operation, Rate, State, parameter
from microgrid.technologies.commitment import Commitment, committed
from microgrid.technologies.patterns import indexed_steps, lasting, recent_steps, times_size
from microgrid.technologies.stacks import Stacks, Start


@dataclass(frozen=True)
class Powered:
    """The power of stacks: what a technology writes its other rows with.

    Parameters
    ----------
    running
        The power of live stacks, kW.
    live
        `live(t)`: the rating that can run, kW; the whole capacity if nothing tells on from off.
    drawn
        `drawn(t)`: what live stacks, standby and starts draw, kW.
    """

    running: Any
    live: Rate
    drawn: Rate
    costs: list[Cost]
    states: dict[str, State]


def powered(block: Any, operation: Operation, size: Size, stacks: Stacks) -> Powered:
    """Write the power of stacks, and their states where anything tells on from off."""
    if not stacks.has_switch:
        return _unswitched(block, operation, size, stacks)
    counts = _Counts(block, operation, size, stacks)
    _states(counts)
    _minimum_times(counts)
    block.running = pyo.Var(operation.steps, dense=False, bounds=(0.0, size.high))
    live = _live(counts)
    _start_limits(counts)
    if stacks.has_ramps:
        _ramps(counts, live)
    if stacks.standby_power:
        counts.rated("standby")
    return Powered(block.running, live, lambda t: _drawn(counts, t), _costs(counts), _reported(counts))


def _unswitched(block: Any, operation: Operation, size: Size, stacks: Stacks) -> Powered:
    """Write a power anywhere between zero and the capacity, within its ramps."""
    ramps = Commitment(
        ramp_up=stacks.ramp_up, ramp_down=stacks.ramp_down, on_before=True, output_before=stacks.first_power
    )
    unit = committed(block, operation, size, ramps, "running")
    states = {"running": State(unit.output, "steps", "power_before")}
    return Powered(unit.output, unit.live, lambda t: unit.output[t], [], states)


@dataclass(frozen=True)
class _Counts:
    """The counts of stacks inside a model, and the rating behind each count."""

    block: Any
    operation: Operation
    size: Size
    stacks: Stacks
    ratings: dict[str, Rate] = field(default_factory=dict)

    @property
    def number(self) -> Any:
        """How many stacks there are: a number, or the variable that decides it."""
        return self.stacks.most_stacks if self.size.modules is None else self.size.modules

    @property
    def rating(self) -> Size:
        """The rating of one stack: a number, or the whole capacity to be decided."""
        rating = self.stacks.rating
        return self.size if rating is None else Size(rating, rating)

    def sum(self, names: Iterable[str], t: Any) -> Any:
        """Return the sum of several counts at a step."""
        return sum([getattr(self.block, name)[t] for name in names])

    def rated(self, name: str) -> Rate:
        """Return the rating of the stacks that a count counts; a product of decisions is written when first asked."""
        if name not in self.ratings:
            count = getattr(self.block, name)
            self.ratings[name] = times_size(self.block, self.operation, f"{name}_rating", self.rating, count)
        return self.ratings[name]


def _states(counts: _Counts) -> None:
    """Write the counts, and how they change: every stack has one state, and moves between them."""
    block, operation, stacks = counts.block, counts.operation, counts.stacks
    most, (on_before, _) = stacks.most_stacks, stacks.before
    moves = pyo.NonNegativeIntegers if most > 1 else pyo.NonNegativeReals
    whole = {name: pyo.NonNegativeIntegers for name in stacks.states if name != "off"}
    domains = {"off": pyo.NonNegativeReals} | whole | dict.fromkeys(stacks.moves, moves)
    for name, domain in domains.items():
        block.add_component(name, pyo.Var(operation.steps, dense=False, within=domain, bounds=(0, most)))

    def every_stack_has_one_state(_b: Any, t: Any) -> Any:
        return counts.sum(stacks.states, t) == counts.number

    def changes(t: Any, before: Any) -> Any:
        return block.on[t] - before == counts.sum(stacks.entering, t) - counts.sum(stacks.leaving, t)

    block.every_stack_has_one_state = pyo.Constraint(operation.steps, rule=every_stack_has_one_state)
    block.stacks_start_and_stop = pyo.Constraint(operation.later, rule=lambda b, t: changes(t, b.on[t - 1]))
    if operation.has_past:
        block.stacks_start_and_stop_first = pyo.Constraint(rule=lambda _b: changes(0, on_before))
    if stacks.standby_power is not None:
        _standby(counts)


def _standby(counts: _Counts) -> None:
    block, operation, (_, standby_before) = counts.block, counts.operation, counts.stacks.before

    def changes(t: Any, before: Any) -> Any:
        return block.standby[t] - before == block.rests[t] - block.warm_starts[t] - block.cools[t]

    def rested_is_on_standby(b: Any, t: Any) -> Any:
        return b.rests[t] <= b.standby[t]

    block.standby_comes_and_goes = pyo.Constraint(operation.later, rule=lambda b, t: changes(t, b.standby[t - 1]))
    if operation.has_past:
        block.standby_comes_and_goes_first = pyo.Constraint(rule=lambda _b: changes(0, standby_before))
    block.rested_is_on_standby = pyo.Constraint(operation.steps, rule=rested_is_on_standby)


def _minimum_times(counts: _Counts) -> None:
    """Cover recent starts by `on`, until they are live and for minimum_up; what recently went off by `off`."""
    block, operation, stacks = counts.block, counts.operation, counts.stacks
    started = {
        f"{kind}_starts": _recent(counts, f"steps_of_{kind}_start", max(stacks.minimum_up, start.time))
        for kind, start in stacks.starts.items()
    }
    stopped = _recent(counts, "steps_of_minimum_down", stacks.minimum_down)
    on_before, off_before = stacks.before[0], counts.number - sum(stacks.before)
    begun = stacks.starts.get(stacks.start_before, Start()).time
    held_on = _held(counts, "on_held", max(stacks.minimum_up, begun))
    held_off = _held(counts, "off_held", stacks.minimum_down)
    times = {f"{kind}_start": max(stacks.minimum_up, start.time) for kind, start in stacks.starts.items()}
    lately_on = _lately(counts, "lately_started", times)
    lately_off = _lately(counts, "lately_stopped", {"stop": stacks.minimum_down})

    def started_stays_on(b: Any, t: Any) -> Any:
        recent = sum([sum(getattr(b, name)[s] for s in steps[t]) for name, steps in started.items()])
        return recent + on_before * held_on[t] + lately_on[t] <= b.on[t]

    def stopped_stays_off(b: Any, t: Any) -> Any:
        recent = sum([sum(getattr(b, name)[s] for s in stopped[t]) for name in stacks.going_off])
        return recent + off_before * held_off[t] + lately_off[t] <= b.off[t]

    block.started_stays_on = pyo.Constraint(operation.steps, rule=started_stays_on)
    block.stopped_stays_off = pyo.Constraint(operation.steps, rule=stopped_stays_off)


def _recent(counts: _Counts, name: str, hours: float) -> Any:
    return indexed_steps(counts.block, counts.operation, name, recent_steps(counts.operation, hours))


def _held(counts: _Counts, name: str, least: float) -> Any:
    """Return 1 at the steps at which what was before the horizon must still be, else 0."""
    before = np.inf if counts.stacks.hours_before is None else counts.stacks.hours_before
    begins = counts.operation.timeline.elapsed[:-1]
    return parameter(counts.block, counts.operation.steps, name, (begins < least - before - 1e-9).astype(float))


def _lately(counts: _Counts, name: str, least: dict[str, float]) -> Any:
    """Return how many stacks must still be where a move before the horizon brought them, at each step."""
    begins, stacks = counts.operation.timeline.elapsed[:-1], counts.stacks
    held = [
        count * (begins < hours - ago - 1e-9) for move, hours in least.items() for ago, count in stacks.lately(move)
    ]
    return parameter(counts.block, counts.operation.steps, name, np.sum([0.0 * begins, *held], axis=0))


def _live(counts: _Counts) -> Rate:
    """Return the rating that can run: what is on and not warming up; keep the running power within it."""
    block, operation, stacks = counts.block, counts.operation, counts.stacks
    running, least, on = block.running, stacks.minimum_load, counts.rated("on")
    warming = [_warming(counts, kind, start) for kind, start in stacks.starts.items() if start.time]

    def live(t: Any) -> Any:
        return on(t) - sum([rating(t) for rating in warming])

    def running_below_live(_b: Any, t: Any) -> Any:
        return running[t] <= live(t)

    def running_above_minimum(_b: Any, t: Any) -> Any:
        return running[t] >= least * live(t)

    block.running_below_live = pyo.Constraint(operation.steps, rule=running_below_live)
    if least > 0:
        block.running_above_minimum = pyo.Constraint(operation.steps, rule=running_above_minimum)
    return live


def _warming(counts: _Counts, kind: str, start: Start) -> Rate:
    """Write how many stacks warm up in a start of this kind; return their rating."""
    block, operation, stacks, name = counts.block, counts.operation, counts.stacks, f"{kind}_starting"
    hours, begins = operation.timeline.hours, operation.timeline.elapsed[:-1]
    ahead = [count * np.clip((left - begins) / hours, 0.0, 1.0) for left, count in stacks.starting_ahead(kind)]
    still = np.sum([0.0 * begins, *ahead], axis=0)
    before = parameter(block, operation.steps, f"{name}_before", still)
    starts, started, rating = getattr(block, f"{kind}_starts"), counts.rated(f"{kind}_starts"), counts.rating
    lasting(block, operation, name, lambda t: starts[t], start.time, lambda t: before[t])
    if not rating.is_fixed:
        counts.ratings[name] = lasting(
            block, operation, f"{name}_rating", started, start.time, lambda t: rating.amount * before[t]
        )
    return counts.rated(name)


def _start_limits(counts: _Counts) -> None:
    """Keep what a start draws within the capacity, so that a stack of no size cannot burn power by starting.

    Where rating and time are numbers, the fields have been held to it already.
    """
    for kind, start in counts.stacks.starts.items():
        if start.energy and not (start.time and counts.rating.is_fixed):
            _start_limit(counts, kind, start)


def _start_limit(counts: _Counts, kind: str, start: Start) -> None:
    block, operation, size = counts.block, counts.operation, counts.size
    starts = getattr(block, f"{kind}_starts")
    draw = parameter(block, operation.steps, f"{kind}_start_draw", start.draw(operation))

    def start_within_capacity(_b: Any, t: Any) -> Any:
        return draw[t] * starts[t] <= size.amount

    block.add_component(f"{kind}_start_within_capacity", pyo.Constraint(operation.steps, rule=start_within_capacity))


def _drawn(counts: _Counts, t: Any) -> Any:
    """Return what live stacks, standby and starts draw at a step."""
    block, stacks, hours = counts.block, counts.stacks, counts.operation.hours
    power = block.running[t]
    if stacks.standby_power:
        power += stacks.standby_power * counts.rated("standby")(t)
    for kind, start in stacks.starts.items():
        if start.energy and start.time:
            power += start.energy / start.time * getattr(block, f"{kind}_starting")[t]
        elif start.energy:
            power += start.energy * getattr(block, f"{kind}_starts")[t] / hours[t]
    return power


def _ramps(counts: _Counts, live: Rate) -> None:
    """Limit the change of the running power; a stack that becomes live or leaves may do so by its share at once."""
    block, operation, stacks = counts.block, counts.operation, counts.stacks
    names = ("ramp_up", "start_ramp", "ramp_down", "stop_ramp")
    shares = zip(names, stacks.ramp_shares(operation), strict=True)
    up, lift, down, drop = (parameter(block, operation.steps, name, values) for name, values in shares)
    entering, leaving, warming = (
        [counts.rated(name) for name in each] for each in (stacks.entering, stacks.leaving, stacks.warming)
    )
    running, rating = block.running, counts.rating.amount
    power = stacks.first_power if operation.has_past else None
    still = rating * stacks.waiting_before
    ready = rating * stacks.before[0] - still

    def rise(t: Any, power_before: Any, live_before: Any, warming_before: Any) -> Any:
        lifted = sum([rated(t) for rated in entering]) + warming_before - sum([rated(t) for rated in warming])
        return running[t] - power_before <= up[t] * live_before + lift[t] * lifted

    def running_rises_within_ramp(_b: Any, t: Any) -> Any:
        return rise(t, running[t - 1], live(t - 1), sum([rated(t - 1) for rated in warming]))

    def fall(t: Any, power_before: Any) -> Any:
        return power_before - running[t] <= down[t] * live(t) + drop[t] * sum([rated(t) for rated in leaving])

    def running_falls_within_ramp(_b: Any, t: Any) -> Any:
        return fall(t, running[t - 1])

    if stacks.ramp_up is not None:
        block.running_rises_within_ramp = pyo.Constraint(operation.later, rule=running_rises_within_ramp)
        if power is not None:
            block.running_rises_first = pyo.Constraint(rule=lambda _b: rise(0, power, ready, still))
    if stacks.ramp_down is not None:
        block.running_falls_within_ramp = pyo.Constraint(operation.later, rule=running_falls_within_ramp)
        if power is not None:
            block.running_falls_first = pyo.Constraint(rule=lambda _b: fall(0, power))


def _costs(counts: _Counts) -> list[Cost]:
    """Return what starts and hours on cost."""
    block, steps, hours, wear = counts.block, counts.operation.steps, counts.operation.hours, counts.stacks.running_cost
    lines = [_start_cost(counts, kind, start) for kind, start in counts.stacks.starts.items() if start.cost]
    if wear:
        lines.append(Cost("stack wear", "wear", lambda t: wear * hours[t] * block.on[t], steps))
    return lines


def _start_cost(counts: _Counts, kind: str, start: Start) -> Cost:
    starts = getattr(counts.block, f"{kind}_starts")
    return Cost(f"{kind} starts", "start", lambda t: start.cost * starts[t], counts.operation.steps)


def _reported(counts: _Counts) -> dict[str, State]:
    """Return the counts and the running power, and the fields that inherit them."""
    block, stacks = counts.block, counts.stacks
    inherits = {"on": "on_before", "standby": "standby_before", "running": "power_before"}
    names = [*stacks.states, *stacks.moves, *stacks.warming, "running"]
    return {name: State(getattr(block, name), "steps", inherits.get(name, "")) for name in names}
