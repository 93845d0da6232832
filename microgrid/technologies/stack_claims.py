"""What is claimed of stacks: the physics of `stack_rows` as plain data for the audit, without its code.

Claims speak of the flow `power`, of `running` (the power of live stacks), of `capacity`, and of the counts of stacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microgrid.claims import Between, Change, Charge, Claim, Lasting, MinimumRun, Ramp
from microgrid.technologies.base import Operation
from microgrid.technologies.stacks import Stacks


def stack_claims(operation: Operation, stacks: Stacks) -> list[Claim]:
    """State states, starts, the flow `power` and what runs of it, ramps and costs."""
    if stacks.has_switch:
        return [*_state_claims(stacks), *_power_claims(operation, stacks), *_ramp_claims(operation, stacks)]
    return [
        Between("running within capacity", (("running", 1.0), ("capacity", -1.0)), high=0.0),
        Between("power is what runs", (("power", 1.0), ("running", 1.0)), 0.0, 0.0),
        Ramp("running", "capacity", stacks.ramp_up, stacks.ramp_down, before=stacks.first_power),
    ]


def live_terms(stacks: Stacks, factor: Any) -> list[tuple[str, Any]]:
    """Return the rating of live stacks, times a factor, as terms of a claim."""
    if not stacks.has_switch:
        return [("capacity", factor)]
    return [*_rated(stacks, ["on"], factor), *_rated(stacks, stacks.warming, -factor)]


def _state_claims(stacks: Stacks) -> list[Claim]:
    """State that every stack has one state, how it changes, and for how long it lasts."""
    on, standby = stacks.before
    off, off_for = float(stacks.most_stacks - on - standby), None if stacks.is_counted else stacks.hours_before
    units: float | str = "capacity_modules" if stacks.is_counted else float(stacks.most_stacks)
    number = ("capacity_modules", -1.0) if stacks.is_counted else ("", -float(stacks.most_stacks))
    started = stacks.lately("cold_start", "warm_start")
    moves = [("on", 1.0), *((name, -1.0) for name in stacks.entering), *((name, 1.0) for name in stacks.leaving)]
    claims: list[Claim] = [
        Between("every stack has one state", (*((name, 1.0) for name in stacks.states), number), 0.0, 0.0),
        Change("stacks start and stop", tuple(moves), (("on", -1.0),), 0.0, 0.0, (("", -float(on)),)),
        MinimumRun("on", stacks.minimum_up, 0.0, float(on), stacks.hours_before, units, begun=started),
        MinimumRun("off", stacks.minimum_down, 0.0, off, off_for, units, begun=stacks.lately("stop")),
        *(MinimumRun(name, units=units) for name in stacks.entering),
    ]
    if stacks.standby_power is not None:
        terms = (("standby", 1.0), ("rests", -1.0), ("warm_starts", 1.0), ("cools", 1.0))
        first = (("", -float(standby)),)
        claims.append(Change("standby comes and goes", terms, (("standby", -1.0),), 0.0, 0.0, first))
        claims.append(MinimumRun("standby", on_before=float(standby), units=units))
    return claims


def _power_claims(operation: Operation, stacks: Stacks) -> list[Claim]:
    """State how long starts last, what live stacks, standby and starts draw, and what they cost."""
    claims: list[Claim] = []
    drawn: list[tuple[str, Any]] = [("power", 1.0), ("running", 1.0)]
    if stacks.standby_power:
        drawn += _rated(stacks, ["standby"], stacks.standby_power)
    for kind, start in stacks.starts.items():
        starts, starting = f"{kind}_starts", f"{kind}_starting"
        if start.time:
            claims.append(Lasting(starting, starts, start.time, ahead=stacks.starting_ahead(kind)))
        if start.energy:
            drawn.append((starting if start.time else starts, start.draw(operation)))
            most = ((starts, start.draw(operation)), ("capacity", -1.0))
            claims.append(Between(f"a {kind} start draws no more than the capacity", most, high=0.0))
        if start.cost:
            claims.append(Charge("costs", f"{kind} starts", ((starts, start.cost),), "event"))
    if stacks.running_cost:
        claims.append(Charge("costs", "stack wear", (("on", stacks.running_cost),)))
    below, above = live_terms(stacks, -1.0), live_terms(stacks, -stacks.minimum_load)
    return [
        *claims,
        Between("running below the live rating", (("running", 1.0), *below), high=0.0),
        Between("running above the minimum load", (("running", 1.0), *above), low=0.0),
        Between("power is what runs, stands by and starts", tuple(drawn), 0.0, 0.0),
    ]


def _ramp_claims(operation: Operation, stacks: Stacks) -> list[Claim]:
    """State how much the power of live stacks may rise and fall from step to step."""
    up, lift, down, drop = stacks.ramp_shares(operation)
    power, (rating, size) = stacks.first_power, (1.0, "capacity") if stacks.rating is None else (stacks.rating, "")
    claims: list[Claim] = []
    if stacks.ramp_up is not None:
        ready, still = rating * (stacks.before[0] - stacks.waiting_before), rating * stacks.waiting_before
        first = None if power is None else (("", -power), (size, -float(up[0] * ready + lift[0] * still)))
        terms = (("running", 1.0), *_rated(stacks, stacks.entering, -lift), *_rated(stacks, stacks.warming, lift))
        earlier = (("running", -1.0), *live_terms(stacks, -up), *_rated(stacks, stacks.warming, -lift))
        claims.append(Change("running rises within its ramp", terms, earlier, None, 0.0, first))
    if stacks.ramp_down is not None:
        known = None if power is None else (("", power),)
        terms = (("running", -1.0), *live_terms(stacks, -down), *_rated(stacks, stacks.leaving, -drop))
        claims.append(Change("running falls within its ramp", terms, (("running", 1.0),), None, 0.0, known))
    return claims


def _rated(stacks: Stacks, names: Sequence[str], factor: Any) -> list[tuple[str, Any]]:
    """Return the rating of the stacks that counts count, times a factor, as terms of a claim."""
    if stacks.rating is None:
        return [(f"capacity*{name}", factor) for name in names]
    return [(name, stacks.rating * factor) for name in names]
