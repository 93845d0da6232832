"""Heat storage: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS
from microgrid.claims import NeverBoth
from microgrid.model import assemble
from microgrid.plant import PlantBus
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.heat_storage import HeatStorage
from microgrid.technologies.production_load import ProductionLoad
from tests.plants import plant, refusal, solved


def plan_of(store, prices, demand, hours, boiler=1000.0, **more):
    """Solve a store beside an electric boiler of 100 %, which makes heat at the price of electricity."""
    assets = {
        "g": GridConnection(capacity=1000.0, import_price=prices),
        "b": Boiler(bus_in="electricity", capacity=boiler, efficiency=1.0),
        "s": store,
    }
    if demand is not None:
        assets["l"] = ProductionLoad(bus="heat", demand=demand)
    return solved(assets, hours, **more)


def test_losses_are_paid_on_the_way_in_standing_and_out():
    """36 kW are wanted for the last half hour, when heat is forbiddingly dear: 18 kWh.

    Out of the store 18 / 0.9 = 20. It loses 19 % an hour: over 2 h it keeps 0.81 ** 2, over the last half hour
    0.81 ** 0.5 = 0.9. Charged in the first step, whose length does not matter: 20 / 0.9 / 0.6561 / 0.8 kWh at 1.
    A loss per step would keep 0.81 in each.
    """
    store = HeatStorage(energy=500.0, charge_efficiency=0.8, discharge_efficiency=0.9, loss=0.19, initial_fill=0.0)
    plan = plan_of(store, [1.0, 900.0, 900.0], [0.0, 0.0, 36.0], [0.25, 2.0, 0.5])
    assert plan.cost == pytest.approx(20 / 0.9 / 0.6561 / 0.8)


def test_without_a_power_it_fills_within_the_shortest_step():
    """60 kWh are charged in a quarter of an hour, as 240 kW, at 1; the store holds no more than 60 of the 80 wanted.

    The last 20 kWh cost 5 each. With a power of 100 kW, 25 kWh are charged and 55 bought dear.
    """
    for power, cost in ((None, 60.0 + 100.0), (100.0, 25.0 + 275.0)):
        store = HeatStorage(energy=60.0, power=power, initial_fill=0.0)
        plan = plan_of(store, [1.0, 5.0], [0.0, 40.0], [0.25, 2.0])
        assert plan.cost == pytest.approx(cost)


def test_a_lossy_store_fills_to_the_brim_without_a_power():
    """Of 80 kWh drawn in half an hour, 40 reach a store of 40 kWh, and 20 kWh leave it: the limit is the content."""
    store = HeatStorage(energy=40.0, charge_efficiency=0.5, discharge_efficiency=0.5, initial_fill=0.0)
    plan = plan_of(store, [1.0, 99.0], [0.0, 10.0], [0.5, 2.0])
    assert plan.cost == pytest.approx(80.0)
    assert plan.flow("s", "charge") == pytest.approx([-160.0, 0.0])


def test_it_does_not_burn_heat_where_energy_has_a_negative_price():
    """Electricity at -1: the boiler's heat goes into the store alone; 10 kWh fill it, half of which is lost on the way.

    10 kWh for -10, in half an hour. Charging and discharging at once would burn up to the boiler's 100 kW: -50.
    """
    store = HeatStorage(energy=5.0, charge_efficiency=0.5, initial_fill=0.0)
    plan = plan_of(store, -1.0, None, [0.5], boiler=100.0)
    assert plan.cost == pytest.approx(-10.0)
    cheat = HeatStorage(energy=5.0, charge_efficiency=0.5, initial_fill=0.0, exclusive="never", power=100.0)
    assert plan_of(cheat, -1.0, None, [0.5], boiler=100.0).cost < -20


def test_binaries_stand_only_where_doing_both_wastes():
    """Both at once wastes nothing without losses; standing losses do not change that."""
    for fields, apart in (
        ({}, False),
        ({"loss": 0.1}, False),
        ({"charge_efficiency": 0.9}, True),
        ({"discharge_efficiency": 0.9}, True),
        ({"exclusive": "always"}, True),
        ({"discharge_efficiency": 0.9, "exclusive": "never"}, False),
    ):
        written = assemble(plant({"s": HeatStorage(energy=10.0, **fields)}, [1.0, 2.0]))
        assert hasattr(written.operation.block.asset["s"], "first_way") is apart
        assert any(isinstance(claim, NeverBoth) for claim in written.claims()["s"]) is apart


def test_window_start_and_end():
    """100 kWh between 20 % and 70 %, from 60 % to at least 50 %; lossless; 0.1 for half an hour, then 2 for two hours.

    10 kWh fill it to 70 at 0.1; 20 of the 30 kWh wanted take it to 50, 10 are bought at 2. Filled beyond 70 it would
    cost 2, emptied below 50 it would cost 1.
    """
    store = HeatStorage(energy=100.0, minimum_fill=0.2, maximum_fill=0.7, initial_fill=0.6, final_fill=0.5)
    plan = plan_of(store, [0.1, 2.0], [0.0, 15.0], [0.5, 2.0])
    assert plan.cost == pytest.approx(1.0 + 20.0)
    assert plan.state("s", "stored") == pytest.approx([60.0, 70.0, 50.0])


def test_the_bottom_of_the_window_stays():
    """30 kWh above the bottom of 20 % serve 30 of 40 kWh wanted, the rest costs 2 each. Emptied to zero, all."""
    store = HeatStorage(energy=100.0, minimum_fill=0.2, initial_fill=0.5, final_fill=0.2)
    assert plan_of(store, 2.0, 16.0, [0.5, 2.0]).cost == pytest.approx(20.0)


def test_it_ends_as_it_began_if_nothing_is_said():
    """It may begin where it likes, but must return: 30 kWh at 1 are moved, 10 of the 40 wanted bought at 9.

    Bound to begin half full, it can only move 15 kWh. Without a return it would begin full, for nothing.
    """
    for fields, moved in (({}, 30.0), ({"initial_fill": 0.5, "cyclic": True}, 15.0)):
        store = HeatStorage(energy=30.0, **fields)
        plan = plan_of(store, [1.0, 9.0], [0.0, 20.0], [0.5, 2.0])
        assert plan.cost == pytest.approx(moved + (40 - moved) * 9)


def test_energy_and_power_are_sized():
    """30 kW for 2 h bought at 0, wanted when heat costs 9: 60 kWh at 3 and, charged within half an hour, 120 kW at 2.

    The horizon is 2.5 of 8,760 hours; lifetime 1, interest 0: 180 + 240, each times 2.5 / 8760.
    """
    whole = {"lifetime": 1.0, "interest": 0.0}
    store = HeatStorage(
        energy={"high": 100.0, "capex": 3.0, **whole}, power={"high": 500.0, "capex": 2.0, **whole}, initial_fill=0.0
    )
    plan = plan_of(store, [0.0, 9.0], [0.0, 30.0], [0.5, 2.0])
    assert plan.size("s", "energy") == pytest.approx(60.0)
    assert plan.size("s", "power") == pytest.approx(120.0)
    assert plan.cost == pytest.approx(420 * 2.5 / 8760)


def test_a_sized_store_without_power_begins_with_a_share_of_what_is_built():
    """20 kWh are wanted at 3; a kWh built costs 1 and brings half a kWh at the start: 40 kWh are built.

    A start of half the largest size, 45 kWh, would do with 20 kWh built, or refuse them.
    """
    store = HeatStorage(
        energy={"high": 90.0, "capex": 4380.0, "lifetime": 1.0, "interest": 0.0}, initial_fill=0.5, final_fill=0.0
    )
    plan = plan_of(store, 3.0, 10.0, [0.5, 1.5])
    assert plan.size("s", "energy") == pytest.approx(40.0)
    assert plan.cost == pytest.approx(40.0)


def test_surplus_heat_is_thrown_away_by_the_bus_not_burnt_by_the_store():
    """Heat pays 0.2 to be taken and may leave the bus: all 50 kW of the boiler run, none of it is burnt."""
    store = HeatStorage(energy=10.0, charge_efficiency=0.5, initial_fill=0.0)
    buses = {"heat": PlantBus(CARRIERS["heat"], surplus=True)}
    plan = plan_of(store, -0.2, None, [0.5, 2.0], boiler=50.0, buses=buses)
    assert plan.cost == pytest.approx(-0.2 * 50 * 2.5)
    for charge, discharge in zip(plan.flow("s", "charge"), plan.flow("s", "discharge"), strict=True):
        assert min(-charge, discharge) == pytest.approx(0.0)


def test_cold_is_stored_on_a_cooling_bus():
    store = HeatStorage(bus="cooling", energy=10.0, initial_fill=1.0, final_fill=0.0)
    cold = ProductionLoad(bus="cooling", demand=8.0, unserved_price=3.0)
    assert solved({"s": store, "l": cold}, [0.5, 1.0]).cost == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        ({"minimum_fill": 0.6, "maximum_fill": 0.5}, "0.6 to 0.5", "minimum_fill below maximum_fill"),
        ({"maximum_fill": 0.9, "initial_fill": 1.0}, "initial_fill 1", "a share within the window 0 to 0.9"),
        ({"minimum_fill": 0.1, "final_fill": 0.05}, "final_fill 0.05", "a share within the window 0.1 to 1"),
        ({"charge_efficiency": 0.0}, "0.0", "a share above 0 and up to 1"),
        ({"loss": 2.0}, "2.0", "from 0 to 1 1/h"),
    ],
)
def test_impossible_fields_are_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        HeatStorage(energy=1.0, **fields)
    assert refusal(caught.value) == (found, wanted)
