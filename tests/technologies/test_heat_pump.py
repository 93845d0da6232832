"""Heat pump: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS
from microgrid.errors import InputError
from microgrid.plant import PlantBus
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.heat_pump import HeatPump
from microgrid.technologies.production_load import ProductionLoad
from tests.plants import plant, refusal, solved


def grid(prices):
    return GridConnection(capacity=1000.0, import_price=prices)


def heat(demand, **more):
    return ProductionLoad(bus="heat", demand=demand, **more)


def test_each_step_has_its_own_coefficient():
    """60 kW of heat for half an hour at 3, for two hours at 4: 10 + 30 kWh of electricity at 0.5; operation at 0.02.

    The mean coefficient of 3.5 would draw 42.86 kWh; without hours it would be 35.
    """
    pump = HeatPump(capacity=100.0, cop=[3.0, 4.0], variable_cost=0.02)
    plan = solved({"g": grid(0.5), "hp": pump, "l": heat(60.0)}, [0.5, 2.0])
    assert plan.cost == pytest.approx(20.0 + 150 * 0.02)
    assert plan.flow("hp", "input") == pytest.approx([-20.0, -15.0])


def test_the_coefficient_follows_from_temperatures():
    """From 10 to 60 degC at half of Carnot: 0.5 * 333.15 / 50 = 3.3315; from 35 degC: 0.5 * 333.15 / 25 = 6.663.

    66.63 kW of heat: 20 kW for half an hour, 10 kW for two hours, at 1. In degC the first would be 0.6 instead.
    """
    pump = HeatPump(capacity=100.0, source_temperature=[10.0, 35.0], sink_temperature=60.0, quality=0.5)
    plan = solved({"g": grid(1.0), "hp": pump, "l": heat(66.63)}, [0.5, 2.0])
    assert plan.cost == pytest.approx(10.0 + 20.0)


def test_capacity_is_heat_and_a_boiler_takes_the_rest():
    """50 kW of pump at 4 and a boiler of 80 % share 90 kW of heat, 0.4 a kWh: 12.5 + 50 kW for 1.5 h.

    A capacity on the electricity would give 200 kW of heat and leave the boiler cold.
    """
    assets = {
        "g": grid(0.4),
        "hp": HeatPump(capacity=50.0, cop=4.0),
        "b": Boiler(bus_in="electricity", capacity=99.0, efficiency=0.8),
        "l": heat(90.0),
    }
    assert solved(assets, [1.5]).cost == pytest.approx((12.5 + 50) * 0.4 * 1.5)


def test_a_minimum_load_keeps_it_off_when_little_is_wanted():
    """Least 30 kW at 3 and 0.3 a kWh: 3 an hour. 12 kW unserved at 0.2 cost 2.4, at 0.4 they cost 4.8: then it runs.

    Without the minimum, 12 kW would cost 1.2 and it would run for both.
    """
    pump = HeatPump(capacity=60.0, cop=3.0, commitment=Commitment(minimum_load=0.5))
    buses = {"heat": PlantBus(CARRIERS["heat"], surplus=True)}
    for unserved, cost in ((0.2, 2.4), (0.4, 3.0)):
        plan = solved({"g": grid(0.3), "hp": pump, "l": heat(12.0, unserved_price=unserved)}, [0.25], buses=buses)
        assert plan.cost == pytest.approx(cost * 0.25)


def test_its_size_is_chosen_against_a_boiler():
    """At 0.3 a kWh of heat costs 0.1 by the pump, 0.3 by the boiler: 0.2 saved. A kW of pump costs 0.45.

    The first 20 kW run for 4 h and save 0.8 each, the next 60 kW for 1 h and save 0.2: 20 kW are built.
    """
    pump = HeatPump(capacity={"high": 99.0, "capex": 0.45 * 8760 / 4, "lifetime": 1.0, "interest": 0.0}, cop=3.0)
    boiler = Boiler(bus_in="electricity", capacity=99.0, efficiency=1.0)
    plan = solved({"g": grid(0.3), "hp": pump, "b": boiler, "l": heat([20.0, 80.0])}, [3.0, 1.0])
    assert plan.size("hp", "capacity") == pytest.approx(20.0)
    assert plan.cost == pytest.approx(20 * 0.45 + 20 * 4 * 0.1 + 60 * 0.3)


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        ({}, "no cop and 0 of the three", "either cop, or all of source_temperature, sink_temperature and quality"),
        (
            {"cop": 3.0, "quality": 0.5},
            "cop and 1 of the three",
            "either cop, or all of source_temperature, sink_temperature and quality",
        ),
        (
            {"source_temperature": 10.0, "sink_temperature": 50.0},
            "no cop and 2 of the three",
            "either cop, or all of source_temperature, sink_temperature and quality",
        ),
        (
            {"source_temperature": [10.0, 55.0], "sink_temperature": 50.0, "quality": 0.5},
            "a sink of 50 degC and a source of 55 degC at step 1",
            "a sink above the source",
        ),
        (
            {"source_temperature": 50.0, "sink_temperature": 50.0, "quality": 0.5},
            "a sink of 50 degC and a source of 50 degC",
            "a sink above the source",
        ),
        (
            {"source_temperature": 0.0, "sink_temperature": [60.0, 150.0], "quality": 0.3},
            "a coefficient of 0.846 at step 1",
            "a coefficient of 1 or more",
        ),
        (
            {"source_temperature": [1.0, 2.0], "sink_temperature": [60.0, 70.0, 80.0], "quality": 0.3},
            "2 source and 3 sink temperatures",
            "as many of the one as of the other",
        ),
        (
            {"source_temperature": 283.15, "sink_temperature": 60.0, "quality": 0.3},
            "283.15",
            "from -60 to 150 degC",
        ),
        ({"cop": [3.0, 0.9]}, "0.9 at step 1", "1 or more"),
        ({"source_temperature": 1.0, "sink_temperature": 60.0, "quality": 50.0}, "50.0", "a share from 0 to 1"),
    ],
)
def test_impossible_fields_are_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        HeatPump(capacity=1.0, **fields)
    assert refusal(caught.value) == (found, wanted)


def test_temperatures_must_be_as_long_as_the_horizon():
    pump = HeatPump(capacity=1.0, source_temperature=[1.0, 2.0, 3.0], sink_temperature=[50.0, 60.0, 70.0], quality=0.5)
    with pytest.raises(InputError) as caught:
        plant({"hp": pump}, [1.0, 1.0])
    assert [problem.where for problem in caught.value.problems] == [
        "assets.hp.source_temperature",
        "assets.hp.sink_temperature",
    ]


def test_it_presses_the_heat_bus_only_if_it_cannot_be_turned_down():
    assert HeatPump(capacity=1.0, cop=3.0).presses() == frozenset()
    assert HeatPump(capacity=1.0, cop=3.0, commitment=Commitment(ramp_up=0.5)).presses() == {"heat"}
