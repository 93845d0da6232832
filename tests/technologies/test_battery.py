"""Battery: hand-computed optima."""

from __future__ import annotations

import pytest

from microgrid.technologies.battery import Battery, Wear
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from tests.plants import solved


def grid(prices, **more):
    return GridConnection(capacity=1000.0, import_price=prices, **more)


def test_losses_are_paid_on_the_way_in_standing_and_out():
    """72 kWh are wanted in hour 2, when buying is forbiddingly dear.

    Out of the cells: 72 / 0.8 = 90. They stand through hour 1 and, the loss acting on the stock at a step's start,
    through hour 2: 90 / 0.9 / 0.9 = 111.11 must reach the cells in hour 0, so 111.11 / 0.9 = 123.46 are bought at 1.
    Without standing losses it would cost 100.
    """
    battery = Battery(
        energy=200.0, power=200.0, charge_efficiency=0.9, discharge_efficiency=0.8, self_discharge=0.1,
        initial_charge=0.0, exclusive="never",
    )  # fmt: skip
    plan = solved(
        {"b": battery, "g": grid([1.0, 50.0, 1000.0]), "l": ProductionLoad(demand=[0.0, 0.0, 72.0])}, [1, 1, 1]
    )
    assert plan.cost == pytest.approx(90 / 0.9 / 0.9 / 0.9)


def test_a_long_step_moves_more_energy_than_a_short_one():
    """10 kW for 3 h empty 30 kWh, charged in half an hour at 60 kW: price 1 for 30 kWh.

    A model that forgot the hours would buy 10 or 60.
    """
    battery = Battery(
        energy=40.0, power=100.0, charge_efficiency=1.0, discharge_efficiency=1.0, initial_charge=0.0, exclusive="never"
    )
    plan = solved({"b": battery, "g": grid([1.0, 9.0]), "l": ProductionLoad(demand=[0.0, 10.0])}, [0.5, 3.0])
    assert plan.cost == pytest.approx(30.0)
    assert plan.flow("b", "charge") == pytest.approx([-60.0, 0.0])


def test_wear_by_throughput_stops_a_trade_that_does_not_pay():
    """A spread of 0.30 with no losses; wear 600 / (1000 * 0.8) = 0.75 per kWh stops it, 600 / (4000 * 0.8) does not."""
    for cycles, bought in ((1000.0, 50.0 * 0.4), (4000.0, 50.0 * 0.1 + 50.0 * 600 / 3200)):
        battery = Battery(
            energy=100.0, power=100.0, charge_efficiency=1.0, discharge_efficiency=1.0,
            minimum_charge=0.1, maximum_charge=0.9, initial_charge=0.1,
            wear=Wear(replacement_cost=600.0, cycle_life=cycles),
        )  # fmt: skip
        plan = solved({"b": battery, "g": grid([0.1, 0.4]), "l": ProductionLoad(demand=[0.0, 50.0])}, [1, 1])
        assert plan.cost == pytest.approx(bought)


def test_wear_by_depth_empties_shallow_segments_first():
    """Two segments of 50 kWh, exponent 2: a kWh costs 0.1 * 2 * 1/4 = 0.05 out of the first, 0.15 out of the second.

    With a spread of 0.10 only the first segment pays: 50 kWh at 0.1 plus 0.05 wear, 30 kWh bought at 0.2. A full cycle
    of both would cost 50 * 0.05 + 50 * 0.15 = 10 = 100 * 0.1, the throughput cost: the total is the same.
    """
    wear = Wear(method="depth", replacement_cost=100.0, cycle_life=1000.0, segments=2, exponent=2.0)
    assert wear.marginal(1.0) == pytest.approx([0.05, 0.15])
    battery = Battery(
        energy=100.0, power=100.0, charge_efficiency=1.0, discharge_efficiency=1.0, initial_charge=0.0, wear=wear
    )
    plan = solved({"b": battery, "g": grid([0.1, 0.2]), "l": ProductionLoad(demand=[0.0, 80.0])}, [1, 1])
    assert plan.cost == pytest.approx(50 * 0.15 + 30 * 0.2)
    assert plan.flow("b", "discharge") == pytest.approx([0.0, 50.0])


def test_segments_make_up_what_is_stored_though_the_bottom_leaks():
    """100 kWh with 20 at the bottom, 10 % lost per hour of all that is stored, 40 h idle; filled to 90, emptied.

    Idle at the bottom, it takes 2 kWh each hour to stay there: 80 kWh at 1. Filled, it takes 90 - 20 + 2 = 72 at 1; the
    last hour loses 9 of 90, so 61 come out of the segments down to 20. The rest of 100, 39, is bought at 10.
    Segments that forgot the 2 kWh an hour that leak below them would seem to fill up with 20 kWh that nobody has, and
    would let the battery be filled to some 70 only.
    """
    idle = 40
    battery = Battery(
        energy=100.0, power=100.0, charge_efficiency=1.0, discharge_efficiency=1.0, self_discharge=0.1,
        minimum_charge=0.2, maximum_charge=0.9, initial_charge=0.2, final_charge=0.2,
        wear=Wear(method="depth", replacement_cost=0.007, cycle_life=100.0, segments=4, exponent=2.0),
    )  # fmt: skip
    load = ProductionLoad(demand=[0.0] * (idle + 1) + [100.0])
    plan = solved({"b": battery, "g": grid([1.0] * (idle + 1) + [10.0]), "l": load}, [1.0] * (idle + 2))
    assert plan.state("b", "stored")[-2:] == pytest.approx([90.0, 20.0])
    assert plan.cost == pytest.approx(2.0 * idle + 72.0 + 390.0, rel=1e-4)
    parts = [sum(levels) for levels in zip(*(plan.state("b", f"segment_{k}") for k in range(4)), strict=True)]
    assert parts == pytest.approx([level - 20.0 for level in plan.state("b", "stored")], abs=1e-6)


def test_it_does_not_burn_energy_where_energy_has_a_negative_price():
    """At -1 per kWh, 10 kW charged fill the cells; burning 10 more by discharging at once is excluded.

    Efficiency 0.5 in, 1 out, room for 5 kWh, one hour: 10 kWh are taken for -10. Without the binary, charging at
    100 kW and discharging 45 kW at once would take 55.
    """
    battery = Battery(energy=5.0, power=100.0, charge_efficiency=0.5, discharge_efficiency=1.0, initial_charge=0.0)
    plan = solved({"b": battery, "g": grid([-1.0])}, [1])
    assert plan.cost == pytest.approx(-10.0)


def test_final_charge_is_a_least_share_and_a_cycle_ends_as_it_began():
    """From 20 % of 100 kWh to at least 60 %: 40 kWh at 2. The cycle alone needs nothing."""
    free = {"charge_efficiency": 1.0, "discharge_efficiency": 1.0, "exclusive": "never"}
    least = Battery(energy=100.0, power=100.0, initial_charge=0.2, final_charge=0.6, **free)
    assert solved({"b": least, "g": grid([2.0])}, [1]).cost == pytest.approx(80.0)
    cycle = Battery(energy=100.0, power=100.0, initial_charge=0.2, cyclic=True, **free)
    assert solved({"b": cycle, "g": grid([2.0])}, [1]).cost == pytest.approx(0.0)


def test_energy_and_power_are_sized_apart():
    """50 kWh over 2 h need 50 kWh at 3 and 25 kW at 2 a year; the horizon is 4 of 8,760 hours, so capital is scaled.

    Lifetime 1, interest 0: a year's capital is the investment itself: (150 + 50) * 4 / 8760. Energy is free in hours 0
    and 1.
    """
    battery = Battery(
        energy={"high": 100.0, "capex": 3.0, "lifetime": 1.0, "interest": 0.0},
        power={"high": 100.0, "capex": 2.0, "lifetime": 1.0, "interest": 0.0},
        charge_efficiency=1.0, discharge_efficiency=1.0, initial_charge=0.0, exclusive="never",
    )  # fmt: skip
    plan = solved(
        {"b": battery, "g": grid([0.0, 0.0, 9.0, 9.0]), "l": ProductionLoad(demand=[0, 0, 25.0, 25.0])}, [1, 1, 1, 1]
    )
    assert plan.size("b", "energy") == pytest.approx(50.0)
    assert plan.size("b", "power") == pytest.approx(25.0)
    assert plan.cost == pytest.approx(200 * 4 / 8760)
