"""Electrolyser: hand-computed optima, and a comparison with every possible sequence of states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import linprog

from microgrid.carriers import CARRIERS
from microgrid.plant import PlantBus
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from solvers.compile import compile_model
from tests.plants import solved

SURPLUS = {"hydrogen": PlantBus(CARRIERS["hydrogen"], surplus=True)}


def electrolyser(**more):
    given = {"capacity": 100.0} | more
    return Electrolyser(**({"consumption": 50.0} if "curve" not in given else {}), **given)


def grid(prices):
    return GridConnection(capacity=1000.0, import_price=prices)


def wanted(demand, value=20.0):
    """Return a demand for hydrogen; what is not served is missed at `value` per kg."""
    return ProductionLoad(bus="hydrogen", demand=demand, unserved_price=value)


def run(unit, prices, demand, hours, value=20.0, buses=None):
    return solved({"e": unit, "g": grid(prices), "d": wanted(demand, value)}, hours, buses=buses or SURPLUS)


def test_constant_consumption_is_an_equation_and_needs_no_integers():
    """1 kg/h for 2.5 h at 50 kWh/kg and 0.1: 12.5. A model that forgot the hours would pay 10."""
    assets = {"e": electrolyser(), "g": grid(0.1), "d": ProductionLoad(bus="hydrogen", demand=1.0)}
    plan = solved(assets, [0.5, 2.0])
    assert plan.cost == pytest.approx(12.5)
    assert plan.flow("e", "hydrogen") == pytest.approx([1.0, 1.0])
    assert not compile_model(plan.model.pyomo).integer.any()


def test_variable_cost_and_running_cost_are_paid_by_kwh_and_by_hour_on():
    """Half an hour at 50 kW: 25 kWh at 0.1 + 0.02, and 4 an hour of wear: 3 + 2. The idle step costs nothing."""
    plan = run(electrolyser(running_cost=4.0, variable_cost=0.02), 0.1, [0.0, 1.0], [3.0, 0.5])
    assert plan.cost == pytest.approx(25 * 0.12 + 0.5 * 4)
    assert plan.column("wear") == pytest.approx(2.0)
    assert plan.column("operation") == pytest.approx(0.5)


@pytest.mark.parametrize(("price", "cost"), [(0.1, 0.5 * 3.0), (0.2, 0.5 * 4.0)])
def test_below_the_minimum_load_it_runs_at_it_or_not_at_all(price, cost):
    """0.4 kg/h would take 20 kW, the minimum is 30: 30 * 0.1 an hour is less than 0.4 kg missed at 10, 30 * 0.2 is not.

    A relaxation would run at 20 kW and pay 2 an hour, or 4.
    """
    plan = run(electrolyser(minimum_load=0.3), price, 0.4, [0.5], value=10.0)
    assert plan.cost == pytest.approx(cost)


CURVE = [
    {"load": 0.2, "consumption": 40.0},
    {"load": 0.6, "consumption": 48.0},
    {"load": 1.0, "consumption": 54.0},
]


def test_the_curve_is_followed_between_its_points():
    """20, 60 and 100 kW make 0.5, 1.25 and 1.85185 kg/h. 0.875 kg/h lie halfway to 60 kW: 40 kW; 1.55093: 80 kW.

    Constant consumption of 54 would take 47.25, 67.5 and 83.75 kW.
    """
    demand = [0.875, 1.25, (1.25 + 100 / 54) / 2]
    plan = run(electrolyser(minimum_load=0.2, curve=CURVE), 0.1, demand, [1.0, 0.5, 2.0])
    assert plan.flow("e", "power") == pytest.approx([-40.0, -60.0, -80.0])
    assert plan.cost == pytest.approx(0.1 * (40 + 30 + 160))


def test_without_minimum_load_the_first_consumption_holds_below_the_curve_and_there_are_no_integers():
    """0.1 kg/h, a fifth of the first point, take 4 kW at 40 kWh/kg. The line above it alone would ask for none."""
    assets = {"e": electrolyser(curve=CURVE), "g": grid(0.1), "d": ProductionLoad(bus="hydrogen", demand=[0.1, 1.25])}
    plan = solved(assets, [0.5, 2.0])
    assert plan.flow("e", "power") == pytest.approx([-4.0, -60.0])
    assert not compile_model(plan.model.pyomo).integer.any()


def test_hydrogen_below_the_curve_is_vented_where_nobody_can_take_it():
    """Held on for 1.5 h by its minimum time, it runs at 20 kW though no hydrogen is wanted and none may leave the bus.

    With constant consumption hydrogen follows power exactly, and there would be no plan.
    """
    unit = electrolyser(minimum_load=0.2, curve=CURVE, minimum_up=2.0, on_before=1, hours_before=0.5)
    assets = {"e": unit, "g": grid(0.1), "d": ProductionLoad(bus="hydrogen", demand=0.0)}
    plan = solved(assets, [1.0, 0.5, 1.0])
    assert plan.flow("e", "power") == pytest.approx([-20.0, -20.0, 0.0])
    assert plan.flow("e", "hydrogen") == pytest.approx([0.0, 0.0, 0.0])


@pytest.mark.parametrize(("idle", "state", "pause"), [(2.0, "standby", 0.1 * 5 * 2 + 0.5), (8.0, "off", 3.0)])
def test_a_short_pause_is_spent_on_standby_and_a_long_one_off(idle, state, pause):
    """Standby: 5 kW at 0.1 and a warm start of 0.5, so 1.5 for 2 h and 4.5 for 8 h. Off: a cold start of 3.

    The hydrogen around the pause takes 50 kW for 1.5 h: 7.5. Without standby the short pause would cost 3.
    """
    unit = electrolyser(
        minimum_load=0.2, standby_power=0.05, cold_start={"cost": 3.0}, warm_start={"cost": 0.5}, on_before=1
    )
    plan = run(unit, 0.1, [1.0, 0.0, 1.0], [0.5, idle, 1.0])
    assert plan.state("e", state)[1] == pytest.approx(1.0)
    assert plan.cost == pytest.approx(7.5 + pause)
    assert plan.column("start") == pytest.approx(0.5 if state == "standby" else 3.0)


def test_standby_cannot_be_reached_from_off():
    """Standby and warm starts cost nothing here, a cold start 7: going to standby first would dodge the cold start."""
    unit = electrolyser(standby_power=0.0, cold_start={"cost": 7.0})
    plan = run(unit, 0.1, [0.0, 1.0], [1.0, 1.0])
    assert plan.cost == pytest.approx(5.0 + 7.0)


def test_a_cold_start_shorter_than_the_step_takes_its_part_of_the_step():
    """A quarter of the hour warms up with 10 kWh: 75 kWh make 1.5 of 2 kg; 0.5 kg is missed at 20; the start costs 3.

    0.1 * 85 + 10 + 3. With no delay nothing would be missed; with a whole step of delay, everything.
    """
    unit = electrolyser(cold_start={"time": 0.25, "energy": 10.0, "cost": 3.0})
    plan = run(unit, 0.1, 2.0, [1.0])
    assert plan.cost == pytest.approx(8.5 + 10.0 + 3.0)
    assert plan.state("e", "cold_starting") == pytest.approx([0.25])
    assert plan.flow("e", "power") == pytest.approx([-85.0])


def test_a_cold_start_longer_than_the_steps_ends_within_a_later_one():
    """1.25 h over steps of 0.5, 0.5 and 1 h end a quarter into the third; 20 kWh are drawn at 16 kW.

    Power: 16, 16, 0.25 * 16 + 0.75 * 100 = 79, 100. Missed: 1 + 1 + 0.5 kg. Rounded to whole steps it would miss 4 kg
    (three steps) or 2 (two).
    """
    unit = electrolyser(cold_start={"time": 1.25, "energy": 20.0})
    plan = run(unit, 0.1, 2.0, [0.5, 0.5, 1.0, 2.0])
    assert plan.flow("e", "power") == pytest.approx([-16.0, -16.0, -79.0, -100.0])
    assert plan.cost == pytest.approx(0.1 * (8 + 8 + 79 + 200) + 20 * 2.5)


def test_the_minimum_load_holds_for_the_part_of_the_step_that_is_live():
    """Live for half of the hour: at least 15 kW on the mean, which is 30 kW while live, though 10 kW would do."""
    unit = electrolyser(minimum_load=0.3, cold_start={"time": 0.5})
    assert run(unit, 0.1, 0.2, [1.0]).flow("e", "power") == pytest.approx([-15.0])


def test_two_starts_may_end_within_the_same_long_step():
    """Two stacks of 50 kW, starts of 1.25 h with 30 kWh, so 24 kW; the grid lets only one start in the first half hour.

    In the step from 1 to 3 h one warms up for an eighth, the other for three eighths: 12 kW, and 1.5 * 50 kW to run.
    """
    unit = electrolyser(stacks=2, cold_start={"time": 1.25, "energy": 30.0})
    narrow = GridConnection(capacity=1000.0, import_price=0.1, import_limit=[30.0, 100.0, 200.0])
    plan = solved({"e": unit, "g": narrow, "d": wanted([0.0, 0.0, 2.0])}, [0.5, 0.5, 2.0], buses=SURPLUS)
    assert plan.state("e", "cold_starting") == pytest.approx([1.0, 2.0, 0.5])
    assert plan.flow("e", "power") == pytest.approx([-24.0, -48.0, -87.0])


def test_a_start_that_ends_behind_the_horizon_pays_its_cost_and_the_energy_within():
    """A start of 2 h in a horizon of 1.5 h makes nothing, so it is left out: 3 kg are missed at 20.

    Paid 1 for each kWh, it is worth its cost of 4 for the 7.5 of its 10 kWh that lie within.
    """
    unit = electrolyser(cold_start={"time": 2.0, "energy": 10.0, "cost": 4.0})
    assert run(unit, 0.1, 2.0, [0.5, 1.0]).cost == pytest.approx(60.0)
    assert run(unit, -1.0, 2.0, [0.5, 1.0]).cost == pytest.approx(60.0 + 4.0 - 7.5)


def test_a_start_is_seen_through():
    """Paid for power in the first half hour only, it would start, draw and stop again: but it must go on until live.

    Started, the rest of the hour draws 10 kW at 3 in the second step: 5 earned, 15 paid. So it stays off.
    """
    unit = electrolyser(cold_start={"time": 1.0, "energy": 10.0})
    assert run(unit, [-1.0, 3.0], 0.0, [0.5, 0.5]).cost == pytest.approx(0.0)
    assert run(unit, [-1.0, 0.5], 0.0, [0.5, 0.5]).cost == pytest.approx(-5.0 + 2.5)


def test_start_energy_without_time_is_drawn_in_the_first_step():
    """10 kWh in half an hour are 20 kW on top of the 50 that 1 kg/h takes; the next step draws 50 only."""
    plan = run(electrolyser(cold_start={"energy": 10.0}), 0.1, 1.0, [0.5, 2.0])
    assert plan.flow("e", "power") == pytest.approx([-70.0, -50.0])
    assert plan.cost == pytest.approx(0.1 * (10 + 25 + 100))


def test_a_warm_start_takes_its_own_time_and_energy():
    """From standby: 0.1 of 0.5 h warms up with 1 kWh, so 80 kW on the mean make 1.6 of 2 kg/h. A cold one: none."""
    unit = electrolyser(
        standby_power=0.05, cold_start={"time": 5.0}, warm_start={"time": 0.1, "energy": 1.0, "cost": 2.0},
        standby_before=1,
    )  # fmt: skip
    plan = run(unit, 0.1, 2.0, [0.5])
    assert plan.flow("e", "power") == pytest.approx([-82.0])
    assert plan.cost == pytest.approx(0.1 * 41 + 20 * 0.2 + 2.0)


def test_an_unswitched_ramp_counts_hours_between_the_middles_of_steps():
    """From 0 kW: 20 %/h over 1 h, then over (1 + 2) / 2 h: 20 and 50 of 100 kW wanted. By step it would be 20, 40."""
    plan = run(electrolyser(ramp_up=0.2, power_before=0.0), 0.1, 2.0, [1.0, 2.0])
    assert plan.flow("e", "power") == pytest.approx([-20.0, -50.0])
    assert plan.cost == pytest.approx(0.1 * (20 + 100) + 20 * (1.6 + 2.0))


def test_a_start_may_jump_to_the_minimum_load_and_then_ramps():
    """Off before: 30 kW at once, then 10 %/h over 1.5 h: 45 kW. A plain ramp could never reach 30 kW."""
    plan = run(electrolyser(minimum_load=0.3, ramp_up=0.1), 0.1, 2.0, [1.0, 2.0])
    assert plan.flow("e", "power") == pytest.approx([-30.0, -45.0])


def test_a_stop_may_jump_from_the_minimum_load_only():
    """100 kW before, power dear: down by 30 %/h to 70 and to 40 kW, and from 40 kW, the minimum load, off."""
    unit = electrolyser(minimum_load=0.4, ramp_down=0.3, on_before=1, power_before=100.0)
    plan = run(unit, 1.0, 0.0, [1.0, 1.0, 1.0])
    assert plan.flow("e", "power") == pytest.approx([-70.0, -40.0, 0.0])


def test_a_stack_that_becomes_live_within_a_step_ramps_by_its_share():
    """Live for half of the first hour, at 40 kW: 20 on the mean. Then 20 + 0.5 * 40 + 0.5 * 10 = 45 kW, then 55.

    A model that took the 20 kW for the level reached would allow 30 kW, less than the minimum load.
    """
    unit = electrolyser(minimum_load=0.4, ramp_up=0.1, cold_start={"time": 0.5})
    plan = run(unit, 0.1, 2.0, [1.0, 1.0, 1.0])
    assert plan.flow("e", "power") == pytest.approx([-20.0, -45.0, -55.0])


def test_several_stacks_ramp_together():
    """Two stacks of 50 kW on before at 60 kW, 20 %/h of 100 kW in all: 80, then 100. Each alone could rise by 10."""
    unit = electrolyser(stacks=2, minimum_load=0.2, ramp_up=0.2, on_before=2, power_before=60.0)
    assert run(unit, 0.1, 2.0, [1.0, 1.0]).flow("e", "power") == pytest.approx([-80.0, -100.0])


def test_minimum_up_counts_from_the_start_over_unequal_steps():
    """Wanted in the first half hour only, on for 2 h: 50 kW, then 20 kW of minimum load for 1.5 h at 0.2.

    0.1 * 25 + 0.2 * 30 = 8.5, less than 20 * 0.5 kg missed. Without minimum_up it would be 2.5.
    """
    unit = electrolyser(minimum_load=0.2, minimum_up=2.0)
    plan = run(unit, [0.1, 0.2, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0], [0.5, 1.0, 0.5, 1.0])
    assert plan.flow("e", "power") == pytest.approx([-50.0, -20.0, -20.0, 0.0])
    assert plan.cost == pytest.approx(2.5 + 6.0)


def test_minimum_down_keeps_it_off():
    """Off where power costs 9, it stays off for 1.5 h, so the hour after is missed as well: 20 * (0.5 + 1) = 30.

    On at 30 % through the dear half hour would cost 9 * 15. Without minimum_down only 20 * 0.5 would be missed.
    """
    unit = electrolyser(minimum_load=0.3, minimum_down=1.5, on_before=1)
    plan = run(unit, [0.1, 9.0, 0.1, 0.1], [2.0, 1.0, 1.0, 1.0], [1.0, 0.5, 1.0, 1.0])
    assert plan.state("e", "off") == pytest.approx([0.0, 1.0, 1.0, 0.0])
    assert plan.cost == pytest.approx(0.1 * 150 + 30)


def test_what_was_on_before_is_held_for_the_rest_of_its_minimum_time():
    """On for 0.5 of 2 h: it must run at 20 kW for 1.5 h more, though no hydrogen is wanted. On for long, for none."""
    unit = {"minimum_load": 0.2, "minimum_up": 2.0, "on_before": 1}
    plan = run(electrolyser(hours_before=0.5, **unit), 1.0, 0.0, [1.0, 0.5, 1.0])
    assert plan.flow("e", "power") == pytest.approx([-20.0, -20.0, 0.0])
    assert run(electrolyser(**unit), 1.0, 0.0, [1.0, 0.5, 1.0]).cost == pytest.approx(0.0)


def test_what_was_off_before_is_held_for_the_rest_of_its_minimum_time():
    """Off for 0.5 of 2 h: nothing in the first 1.5 h, whatever hydrogen is worth."""
    plan = run(electrolyser(minimum_down=2.0, hours_before=0.5), 0.1, 1.0, [1.0, 0.5, 1.0])
    assert plan.flow("e", "power") == pytest.approx([0.0, 0.0, -50.0])


@pytest.mark.parametrize(("kind", "first"), [("cold", 0.5 * 8 + 0.5 * 100), ("warm", 100.0)])
def test_a_start_before_the_horizon_goes_on_in_it(kind, first):
    """Started 0.25 h before, a cold start of 0.75 h takes half of the first hour; a warm one of 0.1 h is over."""
    unit = electrolyser(
        standby_power=0.05, cold_start={"time": 0.75, "energy": 6.0}, warm_start={"time": 0.1},
        on_before=1, hours_before=0.25, start_before=kind,
    )  # fmt: skip
    assert run(unit, 0.1, 2.0, [1.0, 0.5]).flow("e", "power") == pytest.approx([-first, -100.0])


def test_two_stacks_reach_half_the_load_of_one():
    """At a minimum load of 50 %, 0.5 kg/h take 25 kW: one of two stacks. One big stack would draw 50."""
    assert run(electrolyser(minimum_load=0.5, stacks=2), 0.1, 0.5, [0.5]).cost == pytest.approx(1.25)
    assert run(electrolyser(minimum_load=0.5), 0.1, 0.5, [0.5]).cost == pytest.approx(2.5)


def test_stacks_are_started_as_they_are_needed_and_each_start_is_paid():
    """0.8, then 1.8 kg/h: one stack of 50 kW, then both; each start costs 3. Stopping one in between costs nothing."""
    unit = electrolyser(minimum_load=0.5, stacks=2, cold_start={"cost": 3.0})
    plan = run(unit, 0.1, [0.8, 1.8, 0.8, 1.8], [0.5, 1.0, 0.5, 1.0])
    assert plan.state("e", "on") == pytest.approx([1.0, 2.0, 2.0, 2.0])
    assert plan.column("start") == pytest.approx(6.0)
    assert plan.cost == pytest.approx(0.1 * (20 + 90 + 25 + 90) + 6.0)


@pytest.mark.parametrize(("value", "size", "cost"), [(3.0, 60.0, 3.0 + 2.4), (0.5, 0.0, 1.6)])
def test_a_capacity_to_be_decided_keeps_its_minimum_load(value, size, cost):
    """2 kg/h for an hour take 100 kW, then 0.6 for two hours take 30; at 50 % minimum load 60 kW can go that low.

    Capital 0.05 a kW, power free, 3.2 kg in all. At 3 a kg, 60 kW miss 0.8 kg: 3 + 2.4; 100 kW miss the later 1.2 kg:
    5 + 3.6; nothing built: 9.6. At 0.5 nothing is built. A relaxed product of size and state would build 100 kW and
    miss nothing.
    """
    capacity = {"high": 200.0, "capex": 0.05 * 8760 / 3, "lifetime": 1.0, "interest": 0.0}
    unit = electrolyser(capacity=capacity, minimum_load=0.5)
    plan = solved({"e": unit, "g": grid(0.0), "d": wanted([2.0, 0.6], value)}, [1.0, 2.0])
    assert plan.size("e", "capacity") == pytest.approx(size, abs=1e-6)
    assert plan.cost == pytest.approx(cost)


def test_a_sized_stack_starts_ramps_and_stands_by_in_proportion_to_its_size():
    """Pinned to 80 kW, it costs what 80 kW given cost, with every feature; a range around it makes the hull work."""
    more = {
        "minimum_load": 0.2, "curve": CURVE, "standby_power": 0.1, "warm_start": {"time": 0.1, "energy": 1.0},
        "cold_start": {"time": 0.4, "energy": 5.0, "cost": 1.0}, "ramp_up": 0.5, "ramp_down": 0.5, "minimum_up": 1.0,
        "on_before": 1, "hours_before": 0.1, "power_before": 0.0,
    }  # fmt: skip
    hours, prices, demand = [0.5, 1.0, 0.5, 2.0], [0.3, 0.1, 0.9, 0.2], [0.5, 1.2, 0.1, 1.3]
    given = run(electrolyser(capacity=80.0, **more), prices, demand, hours)
    pinned = run(electrolyser(capacity={"low": 80.0, "high": 80.0}, **more), prices, demand, hours)
    upkeep = {"opex": 1e5, "high": 80.0, "low": 79.9999999}
    hulled = run(electrolyser(capacity=upkeep, **more), prices, demand, hours)
    assert pinned.cost == pytest.approx(given.cost)
    assert hulled.cost - hulled.column("fixed") == pytest.approx(given.cost, rel=1e-6)


def test_a_stack_of_no_size_cannot_burn_power_by_starting():
    """Paid 1 a kWh, a start draws 10 kWh in half an hour: 20 kW of capacity, at 50 each, would be needed for it."""
    capacity = {"high": 100.0, "capex": 50.0 * 8760 / 1.0, "lifetime": 1.0, "interest": 0.0}
    for time in (0.0, 0.25):
        unit = electrolyser(capacity=capacity, cold_start={"time": time, "energy": 10.0})
        assert run(unit, -1.0, 0.0, [0.5, 0.5]).cost == pytest.approx(0.0)


def test_a_capacity_by_unit_size_decides_the_number_of_stacks():
    """100 kW are wanted for an hour, then 20 kW for two: three stacks of 40 kW, of which one runs at half load later.

    Capital 0.1 a kW: 12; power 0.1 * (100 + 40) = 14. One stack of any size could not run at 20 kW and 100 kW.
    """
    capacity = {"high": 200.0, "capex": 0.1 * 8760 / 3, "lifetime": 1.0, "interest": 0.0, "unit_size": 40.0}
    unit = electrolyser(capacity=capacity, minimum_load=0.5)
    plan = run(unit, 0.1, [2.0, 0.4], [1.0, 2.0])
    assert plan.size("e", "capacity") == pytest.approx(120.0)
    assert plan.state("e", "on")[1] == pytest.approx(1.0)
    assert plan.state("e", "off")[1] == pytest.approx(2.0)
    assert plan.cost == pytest.approx(12.0 + 14.0)


def test_zero_capacity_is_as_if_it_were_not_there():
    """No start, no standby, no energy, even where drawing power is paid for and stacks were on before."""
    unit = electrolyser(
        capacity=0.0, stacks=2, standby_power=0.1, cold_start={"energy": 10.0}, minimum_up=2.0, on_before=1,
        hours_before=0.0, power_before=5.0, ramp_down=0.1,
    )  # fmt: skip
    assert run(unit, -1.0, 1.0, [1.0, 0.5]).cost == pytest.approx(30.0)


def test_waste_heat_is_a_share_of_the_running_power_and_may_be_thrown_away():
    """50 kW running give up to 12.5 kW of heat; 20 are wanted in the first step, none in the second.

    Missed: 7.5 kW at 0.5 for half an hour. Heat that had to be taken would leave the second step without a plan.
    """
    unit = electrolyser(heat_bus="heat", heat_share=0.25)
    heat = ProductionLoad(bus="heat", demand=[20.0, 0.0], unserved_price=0.5)
    assets = {"e": unit, "g": grid(0.1), "d": ProductionLoad(bus="hydrogen", demand=1.0), "h": heat}
    plan = solved(assets, [0.5, 1.0])
    assert plan.flow("e", "heat") == pytest.approx([12.5, 0.0])
    assert plan.cost == pytest.approx(0.1 * 75 + 0.5 * 7.5 * 0.5)


def test_it_presses_the_hydrogen_bus_where_it_cannot_be_turned_down_at_will():
    assert electrolyser().presses() == frozenset()
    assert electrolyser(minimum_load=0.2, minimum_up=2.0).presses() == {"hydrogen"}
    assert electrolyser(ramp_down=0.2).presses() == {"hydrogen"}


REFUSED = [
    ({"consumption": 50.0, "curve": CURVE}, "one of consumption and curve"),
    ({"consumption": None}, "one of consumption and curve"),
    ({"consumption": 4.8}, "33.33"),
    ({"curve": CURVE, "minimum_load": 0.1}, "from the minimum load, 0.1, to 100 %"),
    ({"curve": CURVE[:2]}, "from any load to 100 %"),
    ({"curve": [CURVE[0], {"load": 0.6, "consumption": 70.0}, CURVE[2]], "minimum_load": 0.2}, "no more than the one"),
    ({"warm_start": {"cost": 1.0}}, "standby_power, as a warm start begins on standby"),
    ({"cold_start": {"time": 0.5, "energy": 51.0}}, "no more than the rating of a stack, 100 kW, can draw"),
    ({"stacks": 2, "capacity": {"high": 100.0}}, "a unit_size, the rating of one stack"),
    ({"stacks": 2, "capacity": {"high": 100.0, "unit_size": 50.0}}, "no number of stacks"),
    ({"capacity": {"high": 100.0, "unit_size": 50.0}, "on_before": 1}, "none, as their number is yet to be decided"),
    ({"on_before": 2}, "no more than the stacks, 1"),
    ({"standby_before": 1}, "standby_power, or no stacks on standby"),
    ({"minimum_load": 0.1, "power_before": 20.0}, "no more than they can draw, 0 kW"),
    ({"stacks": 2, "cold_start": {"cost": 1.0}, "on_before": 1, "power_before": 60.0}, "than they can draw, 50 kW"),
    ({"heat_bus": "heat"}, "heat_bus and heat_share together, or neither"),
    ({"heat_bus": "heat", "heat_share": 0.4}, "no more than 100 %"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_what_cannot_be_is_refused(fields, message):
    given = {"capacity": 100.0} | ({} if {"consumption", "curve"} & set(fields) else {"consumption": 50.0}) | fields
    with pytest.raises(ValidationError, match=message):
        Electrolyser(**given)


def test_a_curve_that_is_not_concave_is_refused_by_its_point():
    """20, 60 and 100 of 100 kW make 0.5, 0.857 and 1.852 kg/h: the second line is steeper than the first."""
    curve = [CURVE[0], {"load": 0.6, "consumption": 70.0}, CURVE[2]]
    with pytest.raises(ValidationError) as caught:
        electrolyser(curve=curve, minimum_load=0.2)
    (error,) = caught.value.errors()
    assert error["ctx"]["found"] == "load 0.6: a further kWh makes 0.02487 kg above it, 0.008929 kg below it"


def test_the_example_has_a_plan():
    assets = {"e": Electrolyser.example(), "g": grid(0.1), "d": wanted([0.5, 1.0, 0.0])}
    assert solved(assets, [0.25, 1.0, 0.5]).cost > 0


# Every sequence of states, stack by stack: no counts, no relaxation, no rows shared with the engine.


def trajectories(unit, hours, before):
    """Yield what one stack may do: live share, power of starts and standby, starts' cost, hours on, by step."""
    begins = np.concatenate([[0.0], np.cumsum(hours)])
    for states in itertools.product(
        ("off", "on") + (("standby",) if unit.standby_power is not None else ()), repeat=len(hours)
    ):
        tried = _followed(unit, hours, begins, before, states)
        if tried is not None:
            yield tried


def _followed(unit, hours, begins, before, states):
    n, rating = len(hours), unit.capacity.amount / unit.stacks
    live, drawn, cost = np.zeros(n), np.zeros(n), 0.0
    until_on = until_off = 0.0
    ago = np.inf if unit.hours_before is None else unit.hours_before
    if before == "on":
        time = getattr(unit, f"{unit.start_before}_start").time
        until_on, warm_until = max(unit.minimum_up, time) - ago, time - ago
        power = getattr(unit, f"{unit.start_before}_start").energy / time if time else 0.0
    else:
        warm_until, power = 0.0, 0.0
        until_off = unit.minimum_down - ago if before == "off" else 0.0
    for t, (was, now) in enumerate(itertools.pairwise((before, *states))):
        at = begins[t]
        if (was, now) == ("off", "standby"):
            return None
        if (was == "on" and now != "on" and at < until_on - 1e-9) or (
            was == "off" and now != "off" and at < until_off - 1e-9
        ):
            return None
        if was != "on" and now == "on":
            start = unit.cold_start if was == "off" else unit.warm_start
            cost += start.cost
            until_on, warm_until = at + max(unit.minimum_up, start.time), at + start.time
            power = start.energy / start.time if start.time else 0.0
            drawn[t] += 0.0 if start.time else start.energy / hours[t]
        if was != "off" and now == "off":
            until_off = at + unit.minimum_down
        if now == "on":
            warming = float(np.clip(warm_until - at, 0.0, hours[t]))
            live[t] = 1.0 - warming / hours[t]
            drawn[t] += power * warming / hours[t]
            cost += unit.running_cost * hours[t]
        if now == "standby":
            drawn[t] += unit.standby_power * rating
    left = np.array([was == "on" and now != "on" for was, now in itertools.pairwise((before, *states))])
    waits = before == "on" and max(0.0, getattr(unit, f"{unit.start_before}_start").time - ago) > 0
    first = 0.0 if before != "on" or waits else 1.0
    return live, drawn, cost, left, first


def best_by_enumeration(unit, prices, demand, hours, value):
    """Return the least cost over all sequences; for each, a small linear program finds power and hydrogen.

    Sequences come by what their starts and standby cost, until not even a stack that is always live could make up.
    """
    befores = ["on"] * unit.on_before + ["standby"] * unit.standby_before
    befores += ["off"] * (unit.stacks - len(befores))
    tried = []
    for chosen in itertools.product(*(list(trajectories(unit, hours, before)) for before in befores)):
        fixed = sum(cost + float(prices @ (drawn * hours)) for _, drawn, cost, _, _ in chosen)
        tried.append((fixed, chosen))
    at_least = _dispatched(unit, prices, demand, hours, value, None)
    best = np.inf
    for fixed, chosen in sorted(tried, key=lambda pair: pair[0]):
        if fixed + at_least >= best:
            break
        best = min(best, fixed + _dispatched(unit, prices, demand, hours, value, chosen))
    return best


def _dispatched(unit, prices, demand, hours, value, chosen):
    """Minimise over power p and hydrogen h: prices * p + value * (demand - h). With none chosen, all are live."""
    n, rating = len(hours), unit.capacity.amount / unit.stacks
    live = np.full(n, float(unit.stacks)) if chosen is None else sum(share for share, *_ in chosen)
    loads = np.array([point.load for point in unit.curve])
    made = loads / np.array([point.consumption for point in unit.curve])
    rows, limits = [], []
    for (x0, y0), (x1, y1) in itertools.pairwise(zip(loads, made, strict=True)):
        slope = (y1 - y0) / (x1 - x0)
        for t in range(n):
            row = np.zeros(2 * n)
            row[t], row[n + t] = -slope, 1.0
            rows.append(row)
            limits.append((y0 - slope * x0) * rating * live[t])
    if chosen is not None and unit.ramp_up is not None:
        _ramped(unit, hours, chosen, rows, limits)
    least = 0.0 if chosen is None else unit.minimum_load
    bounds = [(least * rating * a, rating * a) for a in live] + [(0.0, d) for d in demand]
    cost = np.concatenate([prices * hours, -value * hours])
    solution = linprog(cost, A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds)
    return solution.fun + value * float(demand @ hours) if solution.status == 0 else np.inf


def _ramped(unit, hours, chosen, rows, limits):
    n, rating = len(hours), unit.capacity.amount / unit.stacks
    for t in range(n):
        gap = hours[0] if t == 0 else (hours[t] + hours[t - 1]) / 2
        up, down = min(1.0, unit.ramp_up * gap), min(1.0, unit.ramp_down * gap)
        now = [share[t] for share, *_ in chosen]
        was = [share[t - 1] if t else first for share, _, _, _, first in chosen]
        gone = sum(bool(left[t]) for *_, left, _ in chosen)
        lifted = sum(max(0.0, b - a) for a, b in zip(was, now, strict=True))
        power = unit.power_before if unit.on_before else 0.0
        rise, fall = np.zeros(2 * n), np.zeros(2 * n)
        rise[t], fall[t] = 1.0, -1.0
        if t:
            rise[t - 1], fall[t - 1] = -1.0, 1.0
        rows += [rise, fall]
        limits.append((0.0 if t else power) + rating * (up * sum(was) + max(unit.minimum_load, up) * lifted))
        limits.append((0.0 if t else -power) + rating * (down * sum(now) + max(unit.minimum_load, down) * gone))


def random_unit(rng, stacks, ramps):
    on = int(rng.integers(0, stacks + 1))
    standby = int(rng.integers(0, stacks - on + 1))
    before, rating = float(rng.choice([0.1, 0.6, 3.0])), 100 / stacks
    cold = {
        "time": rng.choice([0.0, 0.2, 0.5, 0.9]),
        "energy": rng.uniform(0, 0.15 * rating),
        "cost": rng.uniform(0, 6),
    }
    warm = {"time": rng.choice([0.0, 0.1, 0.2]), "energy": rng.uniform(0, 0.08 * rating), "cost": rng.uniform(0, 1)}
    ramp = {"ramp_up": rng.uniform(0.1, 1.0), "ramp_down": rng.uniform(0.3, 1.0)} if ramps else {}
    waits = on and before < cold["time"]
    return electrolyser(
        stacks=stacks, minimum_load=0.2, curve=CURVE, standby_power=rng.uniform(0.01, 0.05), cold_start=cold,
        warm_start=warm, minimum_up=rng.choice([0.0, 0.7, 1.2]), minimum_down=rng.choice([0.0, 0.6]),
        running_cost=rng.uniform(0, 0.5), on_before=on, standby_before=standby, hours_before=before,
        power_before=0.0 if waits else on * rng.uniform(0.2, 1.0) * rating, **ramp,
    )  # fmt: skip


def random_case(seed):
    """Return one or two stacks, step lengths, prices with a dear hour or two, and a demand that pauses."""
    rng = np.random.default_rng(seed)
    stacks, ramps = 1 + seed % 2, seed % 3 == 0
    steps = 4 if stacks == 2 else 6
    hours = rng.choice([0.25, 0.4, 0.5, 1.0], steps)
    prices = rng.uniform(-0.1, 0.4, steps) + rng.choice([0.0, 1.0], steps)
    return (
        random_unit(rng, stacks, ramps),
        hours,
        prices,
        rng.uniform(0.2, 2.0, steps) * rng.choice([0.0, 1.0, 1.0], steps),
    )


@pytest.mark.parametrize("seed", range(8))
def test_no_sequence_of_states_is_cheaper(seed):
    """The optimum of the rows is the cheapest of all sequences of states, for one stack and for two."""
    unit, hours, prices, demand = random_case(seed)
    plan = run(unit, prices, demand, hours, value=10.0)
    assert plan.cost == pytest.approx(best_by_enumeration(unit, prices, demand, hours, value=10.0), abs=1e-6)
