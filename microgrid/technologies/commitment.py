"""Commitment: on or off, minimum load, starts, minimum times, ramps. One pattern for every unit that has them.

Start and stop are continuous between 0 and 1: with a binary `on`, the switch balance and the minimum-time rows leave
them no other value. Minimum times follow Rajan and Takriti (2005), "Minimum up/down polytopes of the unit commitment
problem with start-up costs", IBM Research Report RC23628: the starts of the last `minimum_up` hours are covered by
`on`. They are cut off at the end of the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pyomo.core as pyo
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.capacity import Size
from microgrid.claims import Between, Change, Charge, Claim, MinimumRun, Ramp, Total
from microgrid.fields import Hours, Money, MoneyPerHour, Power, Quantity, Share, refuse
from microgrid.technologies.base import Cost, Operation, Rate, State, parameter
from microgrid.technologies.patterns import indexed_steps, middle_gaps, recent_steps, times_size

PerHour = Annotated[float, Quantity("1/h", low=0.0)]


class Commitment(BaseModel):
    """How a unit may be switched and moved. Without it, a unit runs anywhere between zero and its capacity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_load: Share = Field(default=0.0, description="Least output while on, as a share of capacity.")
    start_cost: Money = Field(default=0.0, description="Cost of each start.")
    stop_cost: Money = Field(default=0.0, description="Cost of each stop.")
    running_cost: MoneyPerHour = Field(default=0.0, description="Cost of each hour on, whatever the output.")
    minimum_up: Hours = Field(default=0.0, description="Hours a unit stays on after a start.")
    minimum_down: Hours = Field(default=0.0, description="Hours a unit stays off after a stop.")
    maximum_up: Hours | None = Field(default=None, description="Longest run without a stop.")
    maximum_hours: Hours | None = Field(default=None, description="Most hours on over the horizon.")
    maximum_starts: int | None = Field(default=None, ge=0, description="Most starts over the horizon.")
    ramp_up: PerHour | None = Field(default=None, description="Largest rise per hour, as a share of capacity.")
    ramp_down: PerHour | None = Field(default=None, description="Largest fall per hour, as a share of capacity.")
    start_ramp: Share | None = Field(
        default=None,
        description="Largest output in the first step after a start, as a share of capacity; "
        "by default what a ramp or the minimum load allows.",
    )
    stop_ramp: Share | None = Field(
        default=None, description="Largest output in the last step before a stop; default likewise."
    )
    on_before: bool = Field(default=False, description="Whether the unit was on before the horizon.")
    hours_before: Hours | None = Field(
        default=None,
        description="For how long it had been so; by default long enough for the minimum times, "
        "with nothing of the longest run used up.",
    )
    output_before: Power | None = Field(
        default=None, description="Output before the horizon; without it the first step has no ramp limit."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Commitment:
        if self.output_before and not self.on_before:
            raise refuse(
                f"output_before {self.output_before:g} kW of a unit that was off",
                "on_before: true with an output before the horizon",
            )
        for name, share in (("start_ramp", self.start_ramp), ("stop_ramp", self.stop_ramp)):
            if share is not None and share < self.minimum_load:
                raise refuse(f"{name} {share:g}", f"a share of at least the minimum_load, {self.minimum_load:g}")
        return self

    @property
    def has_switch(self) -> bool:
        """Whether anything here needs an on-off binary; ramps alone do not."""
        limits = (self.maximum_up, self.maximum_hours, self.maximum_starts, self.start_ramp, self.stop_ramp)
        costs = (
            self.minimum_load,
            self.start_cost,
            self.stop_cost,
            self.running_cost,
            self.minimum_up,
            self.minimum_down,
        )
        return any(costs) or any(limit is not None for limit in limits)

    @property
    def may_overfill(self) -> bool:
        """Whether a unit may have to make more than is wanted: it cannot go low, or not down or up at once."""
        return self.minimum_load > 0 or self.ramp_up is not None or self.ramp_down is not None


@dataclass(frozen=True)
class Committed:
    """A unit's output with its state: what a technology writes its other rows with.

    Parameters
    ----------
    output
        The output variable, kW.
    live
        `live(t)`: the capacity in operation, kW; the whole capacity if the unit has no switch.
    on
        The on-off variable, or None.
    """

    output: Any
    live: Rate
    on: Any
    costs: list[Cost]
    states: dict[str, State]


def committed(block: Any, operation: Operation, size: Size, spec: Commitment | None, name: str = "output") -> Committed:
    """Write an output between zero and the capacity under the rules of `spec`."""
    output = pyo.Var(operation.steps, dense=False, bounds=(0.0, size.high))
    block.add_component(name, output)
    if spec is None or not spec.has_switch:
        return _unswitched(block, operation, size, spec, output)
    _switch(block, operation, spec)
    live = times_size(block, operation, "live", size, block.on)

    def output_below_live(_b: Any, t: Any) -> Any:
        return output[t] <= live(t)

    block.output_below_live = pyo.Constraint(operation.steps, rule=output_below_live)
    if spec.minimum_load > 0:

        def output_above_minimum(_b: Any, t: Any) -> Any:
            return output[t] >= spec.minimum_load * live(t)

        block.output_above_minimum = pyo.Constraint(operation.steps, rule=output_above_minimum)
    _minimum_times(block, operation, spec)
    _limits(block, operation, spec)
    if (
        spec.ramp_up is not None
        or spec.ramp_down is not None
        or spec.start_ramp is not None
        or spec.stop_ramp is not None
    ):
        _switched_ramps(block, operation, size, spec, output, live)
    states = {
        "on": State(block.on, "steps", "on_before"),
        "starts": State(block.starts, "steps"),
        "stops": State(block.stops, "steps"),
        **_level(spec, output),
    }
    return Committed(output, live, block.on, _costs(block, operation, spec), states)


def _unswitched(block: Any, operation: Operation, size: Size, spec: Commitment | None, output: Any) -> Committed:
    if not size.is_fixed:

        def output_within_capacity(_b: Any, t: Any) -> Any:
            return output[t] <= size.amount

        block.output_within_capacity = pyo.Constraint(operation.steps, rule=output_within_capacity)
    if spec is not None:
        _plain_ramps(block, operation, size, spec, output)
    return Committed(output, lambda _t: size.amount, None, [], _level(spec, output))


def _is_ramped(spec: Commitment | None) -> bool:
    limits = () if spec is None else (spec.ramp_up, spec.ramp_down, spec.start_ramp, spec.stop_ramp)
    return any(limit is not None for limit in limits)


def _level(spec: Commitment | None, output: Any) -> dict[str, State]:
    """Return the output as a state where the next window must know it: where there are ramps."""
    return {"output_level": State(output, "steps", "output_before")} if _is_ramped(spec) else {}


def _level_claims(spec: Commitment | None, output: str, sign: float) -> list[Claim]:
    terms = (("output_level", 1.0), (output, -sign))
    return [Between("the output's level is the output", terms, 0.0, 0.0)] if _is_ramped(spec) else []


def _switch(block: Any, operation: Operation, spec: Commitment) -> None:
    """Add `on`, `starts` and `stops`, with what the time before the horizon still demands as bounds of `on`."""
    begins = operation.timeline.elapsed[:-1]
    before = np.inf if spec.hours_before is None else spec.hours_before
    held_on = (begins < spec.minimum_up - before - 1e-9) & spec.on_before
    held_off = (begins < spec.minimum_down - before - 1e-9) & (not spec.on_before)
    low = parameter(block, operation.steps, "on_low", held_on.astype(float))
    high = parameter(block, operation.steps, "on_high", 1.0 - held_off.astype(float))
    block.on = pyo.Var(operation.steps, dense=False, within=pyo.Binary, bounds=lambda _b, t: (low[t], high[t]))
    block.starts = pyo.Var(operation.steps, dense=False, bounds=(0.0, 1.0))
    block.stops = pyo.Var(operation.steps, dense=False, bounds=(0.0, 1.0))
    on_before = float(spec.on_before)

    def switches(b: Any, t: Any) -> Any:
        return b.on[t] - b.on[t - 1] == b.starts[t] - b.stops[t]

    block.switches = pyo.Constraint(operation.later, rule=switches)
    if operation.has_past:
        block.switches_first = pyo.Constraint(rule=lambda b: b.on[0] - on_before == b.starts[0] - b.stops[0])


def _minimum_times(block: Any, operation: Operation, spec: Commitment) -> None:
    """Cover recent starts by `on`, and recent stops by off; with no minimum time a start covers its own step."""
    starts = indexed_steps(block, operation, "steps_of_minimum_up", recent_steps(operation, spec.minimum_up))
    stops = indexed_steps(block, operation, "steps_of_minimum_down", recent_steps(operation, spec.minimum_down))

    def stays_on_after_start(b: Any, t: Any) -> Any:
        return sum(b.starts[s] for s in starts[t]) <= b.on[t]

    def stays_off_after_stop(b: Any, t: Any) -> Any:
        return sum(b.stops[s] for s in stops[t]) <= 1 - b.on[t]

    block.stays_on_after_start = pyo.Constraint(operation.steps, rule=stays_on_after_start)
    block.stays_off_after_stop = pyo.Constraint(operation.steps, rule=stays_off_after_stop)


def _limits(block: Any, operation: Operation, spec: Commitment) -> None:
    hours, weight = operation.hours, operation.block.weight

    def times(t: Any) -> Any:
        """Return how often a step comes within the horizon that the limits are for, not how often that is counted."""
        return 1.0 if operation.has_past else weight[t]

    if spec.maximum_hours is not None:
        block.hours_on_within_maximum = pyo.Constraint(
            rule=lambda b: sum(times(t) * hours[t] * b.on[t] for t in operation.steps) <= spec.maximum_hours
        )
    if spec.maximum_starts is not None:
        block.starts_within_maximum = pyo.Constraint(
            rule=lambda b: sum(times(t) * b.starts[t] for t in operation.steps) <= spec.maximum_starts
        )
    if spec.maximum_up is not None:
        _longest_run(block, operation, spec.maximum_up)
        if operation.has_past and spec.on_before and spec.hours_before is not None:
            _rest_of_run(block, operation, spec.maximum_up - spec.hours_before)


def _rest_of_run(block: Any, operation: Operation, rest: float) -> None:
    """Forbid a run that began before the horizon to go on for longer than the rest of the longest run."""
    end = max(1, int(np.searchsorted(operation.timeline.elapsed, rest + 1e-9, side="right")))
    if end <= operation.last:
        block.run_from_before = pyo.Set(initialize=range(end), within=operation.steps)
        block.stops_within_rest_of_run = pyo.Constraint(
            rule=lambda b: sum(b.on[t] for t in b.run_from_before) <= end - 1
        )


def _longest_run(block: Any, operation: Operation, longest: float) -> None:
    """Forbid every shortest chain of steps that is longer than the longest run; a period's last steps make none."""
    elapsed, hours = operation.timeline.elapsed, operation.timeline.hours
    ends = np.searchsorted(elapsed, elapsed[:-1] + longest + 1e-9, side="right")
    is_long = [e <= operation.last and hours[t:e].sum() > longest + 1e-9 for t, e in enumerate(ends)]
    chains = [list(range(t, int(e))) if is_long[t] else [] for t, e in enumerate(ends)]
    if not any(chains):
        return
    members = indexed_steps(block, operation, "steps_of_maximum_up", chains)
    block.run_starts = pyo.Set(initialize=[t for t, chain in enumerate(chains) if chain], within=operation.steps)
    allowed = parameter(block, operation.steps, "steps_on_allowed", np.array([len(chain) - 1.0 for chain in chains]))

    def stops_within_longest_run(b: Any, t: Any) -> Any:
        return sum(b.on[s] for s in members[t]) <= allowed[t]

    block.stops_within_longest_run = pyo.Constraint(block.run_starts, rule=stops_within_longest_run)


def _plain_ramps(block: Any, operation: Operation, size: Size, spec: Commitment, output: Any) -> None:
    gap = middle_gaps(operation, block)
    before = spec.output_before if operation.has_past else None
    if spec.ramp_up is not None:
        up = spec.ramp_up

        def rises_within_ramp(_b: Any, t: Any) -> Any:
            return output[t] - output[t - 1] <= up * gap[t] * size.amount

        block.rises_within_ramp = pyo.Constraint(operation.later, rule=rises_within_ramp)
        if before is not None:
            block.rises_first = pyo.Constraint(rule=lambda _b: output[0] - before <= up * gap[0] * size.amount)
    if spec.ramp_down is not None:
        down = spec.ramp_down

        def falls_within_ramp(_b: Any, t: Any) -> Any:
            return output[t - 1] - output[t] <= down * gap[t] * size.amount

        block.falls_within_ramp = pyo.Constraint(operation.later, rule=falls_within_ramp)
        if before is not None:
            block.falls_first = pyo.Constraint(rule=lambda _b: before - output[0] <= down * gap[0] * size.amount)


def _first_step_shares(operation: Operation, spec: Commitment) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the largest rise, first output, fall and last output at each step, as shares of capacity."""
    hours = operation.timeline.hours
    gaps = np.concatenate([[hours[0]], (hours[:-1] + hours[1:]) / 2])
    up = np.minimum(1.0, gaps * (np.inf if spec.ramp_up is None else spec.ramp_up))
    down = np.minimum(1.0, gaps * (np.inf if spec.ramp_down is None else spec.ramp_down))
    start = np.maximum(spec.minimum_load, up) if spec.start_ramp is None else np.full(len(hours), spec.start_ramp)
    stop = np.maximum(spec.minimum_load, down) if spec.stop_ramp is None else np.full(len(hours), spec.stop_ramp)
    return up, start, down, stop


def _switched_ramps(block: Any, operation: Operation, size: Size, spec: Commitment, output: Any, live: Rate) -> None:
    """Limit the change between steps while on, and the output right after a start or before a stop."""
    up, start, down, stop = (
        parameter(block, operation.steps, name, values)
        for name, values in zip(
            ("ramp_up", "start_ramp", "ramp_down", "stop_ramp"), _first_step_shares(operation, spec), strict=True
        )
    )
    started = times_size(block, operation, "started_size", size, block.starts)
    stopped = times_size(block, operation, "stopped_size", size, block.stops)

    def rises_within_ramp(_b: Any, t: Any) -> Any:
        return output[t] - output[t - 1] <= up[t] * live(t - 1) + start[t] * started(t)

    def falls_within_ramp(_b: Any, t: Any) -> Any:
        return output[t - 1] - output[t] <= down[t] * live(t) + stop[t] * stopped(t)

    block.rises_within_ramp = pyo.Constraint(operation.later, rule=rises_within_ramp)
    block.falls_within_ramp = pyo.Constraint(operation.later, rule=falls_within_ramp)
    if not operation.has_past:
        return
    if not spec.on_before:
        block.rises_first = pyo.Constraint(rule=lambda _b: output[0] <= start[0] * started(0))
    elif spec.output_before is not None:
        before = spec.output_before
        block.rises_first = pyo.Constraint(rule=lambda _b: output[0] - before <= up[0] * size.amount)
        block.falls_first = pyo.Constraint(
            rule=lambda _b: before - output[0] <= down[0] * live(0) + stop[0] * stopped(0)
        )


def _costs(block: Any, operation: Operation, spec: Commitment) -> list[Cost]:
    steps, hours = operation.steps, operation.hours
    lines = []
    if spec.start_cost:
        lines.append(Cost("starts", "start", lambda t: spec.start_cost * block.starts[t], steps))
    if spec.stop_cost:
        lines.append(Cost("stops", "start", lambda t: spec.stop_cost * block.stops[t], steps))
    if spec.running_cost:
        lines.append(Cost("running", "operation", lambda t: spec.running_cost * hours[t] * block.on[t], steps))
    return lines


_SWITCH = (("on", 1.0), ("starts", -1.0), ("stops", 1.0))


def commitment_claims(
    operation: Operation, spec: Commitment | None, size: str, output: str, sign: float = 1.0
) -> list[Claim]:
    """State the rules of `spec` for the quantity `output`, whose flow has the given sign, as claims."""
    if spec is None or not spec.has_switch:
        claims: list[Claim] = [Between("output within capacity", ((output, sign), (size, -1.0)), high=0.0)]
        if spec is not None and (spec.ramp_up is not None or spec.ramp_down is not None):
            claims.append(Ramp(output, size, spec.ramp_up, spec.ramp_down, before=spec.output_before))
        return claims + _level_claims(spec, output, sign)
    claims = [
        *_level_claims(spec, output, sign),
        Between("output below the live capacity", ((output, sign), (f"{size}*on", -1.0)), high=0.0),
        Between("output above the minimum load", ((output, sign), (f"{size}*on", -spec.minimum_load)), low=0.0),
        MinimumRun(
            "on", spec.minimum_up, spec.minimum_down, float(spec.on_before), spec.hours_before, longest=spec.maximum_up
        ),
    ]
    before = (("", -float(spec.on_before)),)
    claims += [
        Change("on follows from starts and stops", _SWITCH, (("on", -1.0),), 0.0, 0.0, before),
        Between("a start is on", (("starts", 1.0), ("on", -1.0)), high=0.0),
        Between("starts are counted", (("starts", 1.0),), low=0.0),
        Between("stops are counted", (("stops", 1.0),), low=0.0),
    ]
    if spec.maximum_hours is not None:
        claims.append(Total("hours on within the maximum", (("on", 1.0),), spec.maximum_hours))
    if spec.maximum_starts is not None:
        claims.append(Total("starts within the maximum", (("starts", 1.0),), float(spec.maximum_starts), "event"))
    if (
        spec.ramp_up is not None
        or spec.ramp_down is not None
        or spec.start_ramp is not None
        or spec.stop_ramp is not None
    ):
        _, start, _, stop = _first_step_shares(operation, spec)
        output_before = spec.output_before if spec.on_before else 0.0
        claims.append(
            Ramp(output, size, spec.ramp_up, spec.ramp_down, "on", start, stop, output_before, float(spec.on_before))
        )
    for line, quantity, cost, per in (
        ("starts", "starts", spec.start_cost, "event"),
        ("stops", "stops", spec.stop_cost, "event"),
        ("running", "on", spec.running_cost, "hour"),
    ):
        if cost:
            claims.append(Charge("costs", line, ((quantity, cost),), per))  # type: ignore[arg-type]
    return claims
