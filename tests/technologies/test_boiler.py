"""Boiler: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS
from microgrid.errors import InputError
from microgrid.plant import PlantBus
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from tests.plants import plant, refusal, solved


def grid(prices):
    return GridConnection(capacity=1000.0, import_price=prices)


def heat(demand, **more):
    return ProductionLoad(bus="heat", demand=demand, **more)


def test_it_draws_more_than_it_gives():
    """30 kW of heat for half an hour at 0.2, 60 kW for two hours at 0.1, at 75 %: 20 kWh and 160 kWh are drawn.

    Bought for 4 + 16, and 135 kWh of heat at 0.01 of operation. Multiplying by the efficiency would draw 101.25 kWh.
    """
    boiler = Boiler(bus_in="electricity", capacity=80.0, efficiency=0.75, variable_cost=0.01)
    plan = solved({"g": grid([0.2, 0.1]), "b": boiler, "l": heat([30.0, 60.0])}, [0.5, 2.0])
    assert plan.cost == pytest.approx(20.0 + 1.35)
    assert plan.flow("b", "input") == pytest.approx([-40.0, -80.0])


def test_capacity_is_heat_not_input():
    """A boiler of 50 kW and 50 % gives 50 kW of 80; 30 kW stay unserved at 2 for 1.5 h; 100 kW drawn at 0.1.

    A capacity on the input would give 25 kW.
    """
    boiler = Boiler(bus_in="electricity", capacity=50.0, efficiency=0.5)
    plan = solved({"g": grid(0.1), "b": boiler, "l": heat(80.0, unserved_price=2.0)}, [1.5])
    assert plan.cost == pytest.approx((100 * 0.1 + 30 * 2) * 1.5)


def test_a_minimum_load_throws_heat_away_or_stays_off():
    """Least 40 kW of 100 at 0.1; 10 kW wanted at 0.5, then at 0.3 unserved, in steps of 0.5 and 2 h.

    On, an hour costs 4, thirty kW leave as surplus; off, 5 and then 3. So on for half an hour and off for two.
    """
    boiler = Boiler(bus_in="electricity", capacity=100.0, efficiency=1.0, commitment=Commitment(minimum_load=0.4))
    assets = {"g": grid(0.1), "b": boiler}
    assets["day"] = heat([10.0, 0.0], unserved_price=0.5)
    assets["night"] = heat([0.0, 10.0], unserved_price=0.3)
    plan = solved(assets, [0.5, 2.0], buses={"heat": PlantBus(CARRIERS["heat"], surplus=True)})
    assert plan.cost == pytest.approx(4 * 0.5 + 3 * 2)
    assert plan.flow("b", "output") == pytest.approx([40.0, 0.0])


def test_hydrogen_is_burnt_by_its_lower_heating_value():
    """150 kWh at 90 % are 166.67 kWh of hydrogen: 5.0005 kg at 33.33 kWh/kg, 30 each."""
    boiler = Boiler(hydrogen_bus="hydrogen", capacity=100.0, efficiency=0.9)
    assert boiler.buses()["hydrogen_bus"][0] == "hydrogen"
    assert "bus_in" not in boiler.buses()
    plan = solved({"h2": Supply(bus="hydrogen", price=30.0), "b": boiler, "l": heat([100.0, 50.0])}, [0.5, 2.0])
    assert plan.cost == pytest.approx(150 / 0.9 / 33.33 * 30)


def test_its_size_is_chosen():
    """60 kW of heat for 2 h, 100 kW for half an hour, unserved at 1; heat at 0.2 by an electric boiler of 100 %.

    A kW that runs 2.5 h saves 2, one that runs half an hour 0.4. It costs 1: 60 kW are built.
    """
    boiler = Boiler(
        bus_in="electricity",
        capacity={"high": 200.0, "capex": 8760 / 2.5, "lifetime": 1.0, "interest": 0.0},
        efficiency=1.0,
    )
    plan = solved({"g": grid(0.2), "b": boiler, "l": heat([60.0, 100.0], unserved_price=1.0)}, [2.0, 0.5])
    assert plan.size("b", "capacity") == pytest.approx(60.0)
    assert plan.cost == pytest.approx(60 + 0.2 * (120 + 30) + 40 * 0.5)


def test_it_presses_the_heat_bus_only_if_it_cannot_be_turned_down():
    fields = {"bus_in": "natural_gas", "capacity": 1.0, "efficiency": 0.9}
    assert Boiler(**fields).presses() == frozenset()
    assert Boiler(**fields, commitment=Commitment(start_cost=1.0, minimum_up=3.0)).presses() == frozenset()
    assert Boiler(**fields, commitment=Commitment(minimum_load=0.1)).presses() == {"heat"}
    assert Boiler(**fields, commitment=Commitment(ramp_down=0.1)).presses() == {"heat"}


def test_it_takes_exactly_one_thing():
    for fields, found in (
        ({}, "neither bus_in nor hydrogen_bus"),
        ({"bus_in": "fuel", "hydrogen_bus": "hydrogen"}, "both bus_in and hydrogen_bus"),
    ):
        with pytest.raises(ValidationError) as caught:
            Boiler(capacity=1.0, efficiency=0.9, **fields)
        assert refusal(caught.value) == (found, "one of bus_in and hydrogen_bus")


def test_condensing_passes_and_percent_forgotten_does_not():
    assert Boiler(bus_in="natural_gas", capacity=1.0, efficiency=1.05).per_heat == pytest.approx(1 / 1.05)
    with pytest.raises(ValidationError, match=r"up to 1\.18"):
        Boiler(bus_in="natural_gas", capacity=1.0, efficiency=92.0)


def test_it_may_not_take_heat():
    with pytest.raises(InputError) as caught:
        plant({"b": Boiler(bus_in="heat", capacity=1.0, efficiency=0.9)})
    assert str(caught.value) == (
        "assets.b.bus_in: a bus of heat\n"
        "   wanted a bus of natural_gas or biogas or diesel or coal or fuel or electricity"
    )
