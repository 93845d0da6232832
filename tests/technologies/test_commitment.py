"""Commitment: hand-computed optima, and brute force over every pattern of on and off.

The unit is an electric boiler of 100 kW and 100 %: a kWh of heat costs what electricity costs. What is not served costs
its unserved price; what is made too much leaves the heat bus for nothing.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import linprog

from microgrid.carriers import CARRIERS
from microgrid.model import assemble
from microgrid.plant import PlantBus
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from tests.plants import plant, refusal, solved

SURPLUS = {"heat": PlantBus(CARRIERS["heat"], surplus=True)}


def assets(demand, unserved, prices, capacity, rules):
    return {
        "g": GridConnection(capacity=1000.0, import_price=prices),
        "u": Boiler(bus_in="electricity", capacity=capacity, efficiency=1.0, commitment=Commitment(**rules)),
        "l": ProductionLoad(bus="heat", demand=demand, unserved_price=unserved),
    }


def plan_of(demand, hours, unserved=3.0, prices=1.0, capacity=100.0, **rules):
    return solved(assets(demand, unserved, prices, capacity, rules), hours, buses=SURPLUS)


def on(plan):
    return [round(value) for value in plan.state("u", "on")]


@pytest.mark.parametrize(("unserved", "cost"), [(2.0, 40.0), (3.0, 50.0)])
def test_minimum_load(unserved, cost):
    """20 kW wanted, at least 50 kW if on: 50 an hour against 40 or 60 unserved. A fifth switched on would cost 20."""
    assert plan_of(20.0, [0.25], unserved, minimum_load=0.5).cost == pytest.approx(cost * 0.25)


def test_output_keeps_to_capacity():
    """130 kW wanted: 30 kW unserved, for a quarter of an hour."""
    assert plan_of(130.0, [0.25], minimum_load=0.5).cost == pytest.approx((100 + 90) * 0.25)


def test_start_cost():
    """100 kW before and after a gap. Bridging it at 20 kW costs 10 in half an hour, 40 in two; a second start 30.

    One start, a bridge of 10: 240 in all; two starts over the long gap: 260. If it was on before, one start less.
    A start cost counted per hour would be 15 in the half hour.
    """
    rules = {"minimum_load": 0.2, "start_cost": 30.0}
    assert plan_of([100.0, 0.0, 100.0], [1.0, 0.5, 1.0], **rules).cost == pytest.approx(200 + 10 + 30)
    assert plan_of([100.0, 0.0, 100.0], [1.0, 2.0, 1.0], **rules).cost == pytest.approx(200 + 60)
    assert plan_of([100.0, 0.0, 100.0], [1.0, 0.5, 1.0], on_before=True, **rules).cost == pytest.approx(210)


def test_stop_cost():
    """After an hour of 100 kW nothing is wanted: staying on at 20 kW costs 5 in a quarter of an hour, 40 in two hours.

    A stop costs 8: so it stays on, then it stops.
    """
    rules = {"minimum_load": 0.2, "stop_cost": 8.0, "on_before": True}
    assert plan_of([100.0, 0.0], [1.0, 0.25], **rules).cost == pytest.approx(105.0)
    assert plan_of([100.0, 0.0], [1.0, 2.0], **rules).cost == pytest.approx(108.0)


@pytest.mark.parametrize(("running", "cost"), [(20.0, 60.0), (50.0, 80.0)])
def test_running_cost(running, cost):
    """10 kW for two hours: 20 of energy and 40 or 100 of running against 80 unserved."""
    assert plan_of(10.0, [2.0], 4.0, running_cost=running).cost == pytest.approx(cost)


def test_minimum_up_counts_hours_not_steps():
    """Started for the first half hour, it stays on for 1.5 h: two half hours, and the hour that begins before the end.

    100 * 0.5 + 50 * 0.5 + 50 * 1 = 125. Counted as one or two steps it would be 50 or 75.
    """
    rules = {"minimum_load": 0.5, "minimum_up": 1.5}
    plan = plan_of([100.0, 0.0, 0.0, 0.0], [0.5, 0.5, 1.0, 1.0], 10.0, **rules)
    assert plan.cost == pytest.approx(125.0)
    assert on(plan) == [1, 1, 1, 0]


def test_minimum_up_ends_with_the_horizon():
    """A start in the last step is free to be short."""
    plan = plan_of([0.0, 100.0], [1.0, 0.5], minimum_load=0.5, minimum_up=4.0)
    assert plan.cost == pytest.approx(50.0)


def test_minimum_down_counts_hours_not_steps():
    """Stopping for the idle half hour would keep it off in the next step as well: it idles at 40 kW instead.

    100 + 20 + 100. Off for that step alone would give 200; off for both, 400. With a stop of half an hour allowed, 200.
    """
    rules = {"minimum_load": 0.4, "on_before": True}
    demand, hours = [100.0, 0.0, 100.0], [1.0, 0.5, 1.0]
    assert plan_of(demand, hours, minimum_down=1.0, **rules).cost == pytest.approx(220.0)
    assert plan_of(demand, hours, minimum_down=0.5, **rules).cost == pytest.approx(200.0)


@pytest.mark.parametrize(("before", "steps"), [(0.5, 2), (1.0, 1), (1.5, 1), (2.0, 0), (None, 0)])
def test_hours_on_before_count_towards_the_minimum(before, steps):
    """Nothing is wanted; 2 h at least: after half an hour it stays on for the steps that begin before 1.5 h."""
    plan = plan_of(0.0, [1.0, 1.0, 1.0], minimum_load=0.5, minimum_up=2.0, on_before=True, hours_before=before)
    assert plan.cost == pytest.approx(50.0 * steps)


@pytest.mark.parametrize(("before", "lost"), [(0.5, 1.5), (1.5, 0.5), (2.0, 0.0), (None, 0.0)])
def test_hours_off_before_count_towards_the_minimum(before, lost):
    """100 kW wanted for 3.5 h; off for at least 2 h: after half an hour, the steps that begin before 1.5 h are lost."""
    plan = plan_of(100.0, [0.5, 1.0, 1.0, 1.0], minimum_load=0.5, minimum_down=2.0, hours_before=before)
    assert plan.cost == pytest.approx(350.0 + 200 * lost)


def test_maximum_up():
    """No more than 2 h on end in 3.5: off for the half hour that cuts the run, 300 and 150 unserved."""
    plan = plan_of(100.0, [1.0, 0.5, 1.0, 1.0], maximum_up=2.0)
    assert plan.cost == pytest.approx(450.0)
    assert on(plan) == [1, 0, 1, 1]


def test_maximum_up_counts_the_hours_before():
    """On for 1.5 of at most 2 h already, the first hour would be too much. Off for 1.5 h, 2 h are left.

    200 and 450 unserved. Forgetting the past would give 450. After exactly 1 h, the first hour is still free.
    """
    hours = [1.0, 0.5, 1.0, 1.0]
    plan = plan_of(100.0, hours, maximum_up=2.0, on_before=True, hours_before=1.5)
    assert plan.cost == pytest.approx(650.0)
    assert on(plan) == [0, 0, 1, 1]
    assert on(plan_of(100.0, hours, maximum_up=2.0, on_before=True, hours_before=1.0)) == [1, 0, 1, 1]
    assert on(plan_of(100.0, hours, maximum_up=2.0, on_before=True, hours_before=9.0)) == [0, 0, 1, 1]
    assert on(plan_of(100.0, hours, maximum_up=2.0, on_before=True)) == [1, 0, 1, 1]


def test_maximum_hours():
    """An hour of 50 kW, half an hour of 100, an hour of 80; 1.5 h at most. The last two are worth most: 130 + 150."""
    plan = plan_of([50.0, 100.0, 80.0], [1.0, 0.5, 1.0], maximum_hours=1.5)
    assert plan.cost == pytest.approx(280.0)


def test_maximum_starts():
    """Two hours idle between two of 100 kW: bridging at 50 kW costs 100. Free to start it stops, else it bridges.

    Without any start all 200 kWh are unserved, unless it was on before.
    """
    demand, hours = [100.0, 0.0, 100.0], [1.0, 2.0, 1.0]
    for most, before, cost in ((2, False, 200.0), (1, False, 300.0), (0, False, 600.0), (0, True, 300.0)):
        plan = plan_of(demand, hours, minimum_load=0.5, maximum_starts=most, on_before=before)
        assert plan.cost == pytest.approx(cost)


def test_ramp_up_is_per_hour_between_the_middles_of_steps():
    """25 kW an hour from 0: 25 kW in the first hour, 37.5 more in the next step, whose middle is 1.5 h later.

    25 + 2 * 62.5 = 150 kWh are served, 75 + 75 are not. Per step, the second would have 50 kW.
    """
    plan = plan_of(100.0, [1.0, 2.0], ramp_up=0.25, output_before=0.0)
    assert plan.flow("u", "output") == pytest.approx([25.0, 62.5])
    assert plan.cost == pytest.approx(150.0 + 450.0)


def test_without_an_output_before_the_first_step_is_free():
    plan = plan_of(100.0, [1.0, 2.0], ramp_up=0.25)
    assert plan.flow("u", "output") == pytest.approx([100.0, 100.0])


def test_ramp_down():
    """From 100 kW, 30 kW an hour down, nothing wanted: 85 kW for half an hour, 62.5 kW for the next hour."""
    plan = plan_of(0.0, [0.5, 1.0], ramp_down=0.3, on_before=True, output_before=100.0)
    assert plan.cost == pytest.approx(85 * 0.5 + 62.5)


def test_ramp_down_of_a_switched_unit():
    """At least 20 kW, 30 kW an hour down from 100 kW; a stop ramp that is not given allows what the ramp does.

    After 85 and 62.5 kW, 45 kW less over the gap of 1.5 h would be 17.5 kW, below the least 20 kW; and a stop is
    allowed from 45 kW at most. So it runs on at 20 kW for the last two hours. Free to stop, it would be off.
    """
    plan = plan_of(0.0, [0.5, 1.0, 2.0], minimum_load=0.2, ramp_down=0.3, on_before=True, output_before=100.0)
    assert plan.flow("u", "output") == pytest.approx([85.0, 62.5, 20.0])
    assert plan.cost == pytest.approx(42.5 + 62.5 + 40.0)


def test_start_ramp():
    """30 kW at most in the first half hour, then all 100 kW. By default a ramp of 10 kW an hour starts at the minimum.

    Default: 40 kW for half an hour, then 7.5 kW more.
    """
    plan = plan_of(100.0, [0.5, 1.0], minimum_load=0.2, start_ramp=0.3)
    assert plan.flow("u", "output") == pytest.approx([30.0, 100.0])
    plan = plan_of(100.0, [0.5, 1.0], minimum_load=0.4, ramp_up=0.1)
    assert plan.flow("u", "output") == pytest.approx([40.0, 47.5])


def test_stop_ramp():
    """50 kW at most in the last step before a stop. Staying on at 20 kW costs 80 in 4 h, 120 in 6.

    Lowering the hour before to 50 kW costs 100 more than serving it: so it stays on, then it lowers.
    """
    rules = {"minimum_load": 0.2, "stop_ramp": 0.5, "on_before": True}
    stays = plan_of([100.0, 100.0, 0.0], [1.0, 1.0, 4.0], **rules)
    assert stays.cost == pytest.approx(200 + 80)
    stops = plan_of([100.0, 100.0, 0.0], [1.0, 1.0, 6.0], **rules)
    assert stops.cost == pytest.approx(100 + 50 + 150)
    assert stops.flow("u", "output") == pytest.approx([100.0, 50.0, 0.0])


def test_a_stop_in_the_first_step_knows_the_output_before():
    """From 80 kW and no more than 50 kW before a stop, it cannot stop at once: 20 kW for a quarter of an hour."""
    rules = {"minimum_load": 0.2, "stop_ramp": 0.5, "on_before": True}
    assert plan_of(0.0, [0.25, 0.5], output_before=80.0, **rules).cost == pytest.approx(5.0)
    assert plan_of(0.0, [0.25, 0.5], output_before=50.0, **rules).cost == pytest.approx(0.0)


@pytest.mark.parametrize(("price", "size", "cost"), [(1.0, 100.0, 400.0), (2.0, 25.0, 490.0)])
def test_minimum_load_is_a_share_of_the_size_that_is_built(price, size, cost):
    """100 kW for an hour, 10 kW for four; 40 % at least and no surplus; unserved at 5. A kW costs 1, or 2.

    100 kW cannot run at 10: 100 + 200 unserved, and 100 or 200 for the size. 25 kW can: 25 + 375 and 40, and 25 or 50.
    A minimum of the largest size, 80 kW, would never allow 25.
    """
    sized = {"low": 5.0, "high": 200.0, "capex": price * 8760 / 5, "lifetime": 1.0, "interest": 0.0}
    parts = assets([100.0, 10.0], 5.0, 1.0, sized, {"minimum_load": 0.4})
    plan = solved(parts, [1.0, 4.0])
    assert plan.size("u", "capacity") == pytest.approx(size)
    assert plan.cost == pytest.approx(cost)


def test_ramps_are_shares_of_the_size_that_is_built():
    """30 kW wanted at once from 0, half the size an hour: 60 kW must stand; a kW costs 0.5, the unserved kWh 5.

    Each kW up to 60 serves 0.5 kWh for 4 saved.
    """
    sized = {"high": 200.0, "capex": 0.5 * 8760, "lifetime": 1.0, "interest": 0.0}
    plan = plan_of(30.0, [1.0], 5.0, capacity=sized, ramp_up=0.5, output_before=0.0)
    assert plan.size("u", "capacity") == pytest.approx(60.0)
    assert plan.cost == pytest.approx(30.0 + 30.0)


def test_ramps_alone_need_no_binary():
    written = assemble(plant(assets(1.0, 1.0, 1.0, 100.0, {"ramp_up": 0.1, "ramp_down": 0.1}), [1.0, 2.0]))
    assert not hasattr(written.operation.block.asset["u"], "on")
    assert list(written.contributions["u"].states) == ["output_level"]


@pytest.mark.parametrize(
    "rules",
    [
        {"minimum_load": 0.1},
        {"start_cost": 1.0},
        {"stop_cost": 1.0},
        {"running_cost": 1.0},
        {"minimum_up": 1.0},
        {"minimum_down": 1.0},
        {"maximum_up": 1.0},
        {"maximum_hours": 1.0},
        {"maximum_starts": 0},
        {"start_ramp": 0.5},
        {"stop_ramp": 0.5},
    ],
)
def test_what_needs_a_switch(rules):
    assert Commitment(**rules).has_switch
    written = assemble(plant(assets(1.0, 1.0, 1.0, 100.0, rules), [1.0]))
    level = ["output_level"] if {"start_ramp", "stop_ramp"} & rules.keys() else []
    assert list(written.contributions["u"].states) == ["on", "starts", "stops", *level]


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        (
            {"output_before": 5.0},
            "output_before 5 kW of a unit that was off",
            "on_before: true with an output before the horizon",
        ),
        ({"minimum_load": 0.4, "start_ramp": 0.3}, "start_ramp 0.3", "a share of at least the minimum_load, 0.4"),
        ({"minimum_load": 0.4, "stop_ramp": 0.3}, "stop_ramp 0.3", "a share of at least the minimum_load, 0.4"),
        ({"minimum_load": 1.4}, "1.4", "a share from 0 to 1"),
        ({"minimum_up": -1.0}, "-1.0", "0 h or more"),
        ({"ramp_up": -0.1}, "-0.1", "0 1/h or more"),
    ],
)
def test_impossible_fields_are_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        Commitment(**fields)
    assert refusal(caught.value) == (found, wanted)


# Brute force. It shares no word with the model: runs are measured as lengths, and each pattern's output is a small
# linear programme of its own.


def runs_of(pattern, hours, state, before):
    """Yield length in hours, of each run of `state`, and whether it ends within the horizon."""
    length, running = (before, before > 0)
    for value, h in zip(pattern, hours, strict=True):
        if value == state:
            length, running = length + h, True
        elif running:
            yield length, True
            length, running = 0.0, False
    if running:
        yield length, False


def is_allowed(pattern, hours, rules):
    was_on, past = rules["on_before"], rules["hours_before"]
    ups = list(runs_of(pattern, hours, 1, past if was_on else 0.0))
    downs = list(runs_of(pattern, hours, 0, 0.0 if was_on else past))
    stopped_at_once = int(was_on and not pattern[0])
    starts = sum(b > a for a, b in zip((int(was_on), *pattern), pattern, strict=False))
    return (
        all(length >= rules["minimum_up"] - 1e-9 for length, ends in ups if ends)
        and all(length >= rules["minimum_down"] - 1e-9 for length, ends in downs if ends)
        and all(length <= rules["maximum_up"] + 1e-9 for length, _ in ups[stopped_at_once:])
        and sum(h for h, value in zip(hours, pattern, strict=True) if value) <= rules["maximum_hours"] + 1e-9
        and starts <= rules["maximum_starts"]
    )


def cost_of(pattern, demand, hours, prices, unserved, rules, capacity=100.0):
    """Return the cheapest dispatch under a pattern, or infinity; columns are output and unserved by step."""
    n = len(pattern)
    before = (rules["on_before"], rules["output_before"])
    gaps = [hours[0]] + [(a + b) / 2 for a, b in pairwise(hours)]
    low = [rules["minimum_load"] * capacity * value for value in pattern]
    high = [capacity * value for value in pattern]
    rows, limits = [], []
    for t in range(n):
        on_earlier = before[0] if t == 0 else pattern[t - 1]
        earlier = before[1] if t == 0 else 0.0
        for sign, ramp, burst, kept, switched in (
            (1.0, rules["ramp_up"], rules["start_ramp"], on_earlier, pattern[t] and not on_earlier),
            (-1.0, rules["ramp_down"], rules["stop_ramp"], pattern[t], on_earlier and not pattern[t]),
        ):
            share = min(1.0, ramp * gaps[t]) if kept else 0.0
            share += burst if switched else 0.0
            row = np.zeros(2 * n)
            row[t] = sign
            if t:
                row[t - 1] = -sign
            rows.append(row)
            limits.append(share * capacity + sign * earlier)
    for t in range(n):
        row = np.zeros(2 * n)
        row[[t, n + t]] = -1.0
        rows.append(row)
        limits.append(-demand[t])
    costs = [p * h for p, h in zip(prices, hours, strict=True)] + [unserved * h for h in hours]
    bounds = list(zip(low, high, strict=True)) + [(0.0, d) for d in demand]
    found = linprog(costs, np.array(rows), np.array(limits), bounds=bounds)
    if not found.success:
        return np.inf
    shifts = [b - a for a, b in zip((int(before[0]), *pattern), pattern, strict=False)]
    switching = sum(rules["start_cost"] if s > 0 else rules["stop_cost"] if s < 0 else 0.0 for s in shifts)
    running = sum(rules["running_cost"] * h for h, value in zip(hours, pattern, strict=True) if value)
    return found.fun + switching + running


def random_case(seed):
    rng = np.random.default_rng(seed)
    n = 6
    was_on = bool(rng.integers(2))
    least = float(rng.choice([0.1, 0.3, 0.5]))
    rules = {
        "minimum_load": least,
        "start_cost": float(rng.integers(0, 60)),
        "stop_cost": float(rng.integers(0, 20)),
        "running_cost": float(rng.integers(0, 15)),
        "minimum_up": float(rng.choice([0.0, 0.75, 1.5, 2.0])),
        "minimum_down": float(rng.choice([0.0, 0.75, 1.5])),
        "maximum_up": float(rng.choice([2.0, 3.5, 99.0])),
        "maximum_hours": float(rng.choice([3.0, 4.25, 99.0])),
        "maximum_starts": int(rng.choice([1, 2, 9])),
        "ramp_up": float(rng.choice([0.2, 0.5, 9.0])),
        "ramp_down": float(rng.choice([0.2, 0.5, 9.0])),
        "start_ramp": float(rng.choice([least, 0.6, 1.0])),
        "stop_ramp": float(rng.choice([least, 0.6, 1.0])),
        "on_before": was_on,
        "hours_before": float(rng.choice([0.25, 0.5, 1.0, 2.5])),
        "output_before": float(rng.integers(int(100 * least), 101)) if was_on else 0.0,
    }
    hours = rng.choice([0.25, 0.5, 1.0, 1.5], n).tolist()
    demand = (rng.integers(0, 11, n) * 10.0).tolist()
    prices = (rng.integers(-2, 9, n) / 4).tolist()
    return demand, hours, prices, rules


@pytest.mark.parametrize("seed", range(40))
def test_it_finds_what_trying_every_pattern_finds(seed):
    """Six unequal steps, all rules at once, prices that may be negative: 64 patterns, each dispatched on its own.

    The same with a size to be decided that has no choice but 100 kW, under a higher bound that its rows must not use.
    """
    demand, hours, prices, rules = random_case(seed)
    patterns = [p for p in product((0, 1), repeat=len(hours)) if is_allowed(p, hours, rules)]
    best = min((cost_of(p, demand, hours, prices, 2.0, rules) for p in patterns), default=np.inf)
    if np.isinf(best):
        with pytest.raises(AssertionError, match="infeasible"):
            plan_of(demand, hours, 2.0, prices, **rules)
        return
    assert plan_of(demand, hours, 2.0, prices, **rules).cost == pytest.approx(best, abs=1e-5)
    capex = 1e4 * 8760 / sum(hours)
    sized = {"low": 100.0, "high": 170.0, "capex": capex, "lifetime": 1.0, "interest": 0.0}
    plan = plan_of(demand, hours, 2.0, prices, capacity=sized, **rules)
    assert plan.size("u", "capacity") == pytest.approx(100.0)
    assert plan.cost - 1e6 == pytest.approx(best, abs=1e-3)


def test_the_random_cases_are_worth_trying():
    """Most of them have a plan, and their rules forbid a good part of all patterns."""
    allowed = [sum(is_allowed(p, c[1], c[3]) for p in product((0, 1), repeat=6)) for c in map(random_case, range(40))]
    assert sum(count > 0 for count in allowed) > 30
    assert 5 < np.mean(allowed) < 50
