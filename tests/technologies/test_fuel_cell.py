"""Fuel cell: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS, HYDROGEN_LOWER_HEATING_VALUE
from microgrid.plant import PlantBus
from microgrid.technologies.fuel_cell import FuelCell
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from solvers.compile import compile_model
from tests.plants import solved

CURVE = [
    {"load": 0.2, "electricity_per_kg": 20.0},
    {"load": 0.6, "electricity_per_kg": 20.0},
    {"load": 1.0, "electricity_per_kg": 16.0},
]


def fed(cell, demand, hours, hydrogen=2.0, power=1.0, **more):
    """Hydrogen at 2 per kg, power at 1 per kWh unless said otherwise, and a load that must be served."""
    assets = {
        "f": cell,
        "s": Supply(bus="hydrogen", price=hydrogen),
        "g": GridConnection(capacity=1000.0, import_price=power),
        "l": ProductionLoad(demand=demand),
    } | more
    return solved(assets, hours, buses={"heat": PlantBus(CARRIERS["heat"])} if cell.heat_bus else None)


def test_hydrogen_follows_from_output_by_a_constant_yield():
    """80 of 100 kW for 0.5 h and 50 for 2 h at 16 kWh/kg: 140 / 16 kg at 2, and 0.01 a kWh; 20 kW are bought at 1.

    A model that forgot the hours would use 130 / 16 kg.
    """
    plan = fed(FuelCell(capacity=80.0, electricity_per_kg=16.0, variable_cost=0.01), [100.0, 50.0], [0.5, 2.0])
    assert plan.flow("f", "hydrogen") == pytest.approx([-5.0, -3.125])
    assert plan.cost == pytest.approx(140 / 16 * 2 + 1.4 + 10.0)
    assert not compile_model(plan.model.pyomo).integer.any()


def test_the_part_load_curve_is_followed_between_its_points():
    """60 kW take 3 kg/h, 100 kW 6.25: 80 kW take 4.625, by a further 0.08125 kg/kWh. Below 60 kW it is 20 kWh/kg.

    At full-load yield, 80 kW would take 5 kg/h and 10 kW 0.625.
    """
    cell = FuelCell(capacity=100.0, part_load=CURVE)
    plan = fed(cell, [80.0, 10.0, 40.0], [0.5, 2.0, 1.0])
    assert plan.flow("f", "hydrogen") == pytest.approx([-4.625, -0.5, -2.0])
    assert not compile_model(plan.model.pyomo).integer.any()


def test_it_stops_where_a_further_kwh_costs_more_than_buying_it():
    """At 13 per kg a kWh costs 0.65 up to 60 kW and 1.056 above: 60 kW are made, 40 bought. On average 100 pay."""
    plan = fed(FuelCell(capacity=100.0, part_load=CURVE), 100.0, [0.5], hydrogen=13.0)
    assert plan.flow("f", "output") == pytest.approx([60.0])
    assert plan.cost == pytest.approx(0.5 * (39.0 + 40.0))


def test_it_keeps_its_commitment():
    """A minimum load of 30 kW above the 20 wanted, a start at 5: power at 1 is bought. For 40 kW it starts.

    20 * 0.5 + (40 / 20 * 2) * 2 + 5. A relaxation would make the 20 kW for 1 of hydrogen.
    """
    cell = FuelCell(capacity=100.0, electricity_per_kg=20.0, commitment={"minimum_load": 0.3, "start_cost": 5.0})
    plan = fed(cell, [20.0, 40.0], [0.5, 2.0])
    assert plan.flow("f", "output") == pytest.approx([0.0, 40.0])
    assert plan.cost == pytest.approx(10.0 + 8.0 + 5.0)


def test_a_curve_with_idle_losses_needs_the_on_state():
    """15 kWh/kg at 20 %, 20 at 60 %, 18 at full load: on at 20 kW it takes 1.3333 kg/h, at 60 kW 3. 40 kW take 2.1667.

    The line through the first two points asks for 0.5 kg/h at no load: of a cell that is off, none.
    """
    curve = [
        {"load": 0.2, "electricity_per_kg": 15.0},
        *({"load": x, "electricity_per_kg": y} for x, y in ((0.6, 20.0), (1, 18.0))),
    ]
    cell = FuelCell(capacity=100.0, part_load=curve, commitment={"minimum_load": 0.2})
    plan = fed(cell, [40.0, 0.0], [0.5, 2.0])
    assert plan.flow("f", "hydrogen") == pytest.approx([-(4 / 3 + 3) / 2, 0.0])
    with pytest.raises(ValidationError, match="a commitment with a minimum_load"):
        FuelCell(capacity=100.0, part_load=curve)


def test_heat_is_a_share_of_the_hydrogen_and_may_be_thrown_away():
    """40 kW take 2 kg/h, 66.66 kW by their lower heating value: at most 30 %, 19.998 kW, of the 25 kW of heat wanted.

    The rest is missed at 0.4 for half an hour; in the second step no heat is wanted, and none must be taken.
    """
    cell = FuelCell(capacity=100.0, electricity_per_kg=20.0, heat_bus="heat", heat_share=0.3)
    heat = ProductionLoad(bus="heat", demand=[25.0, 0.0], unserved_price=0.4)
    plan = fed(cell, 40.0, [0.5, 1.0], h=heat)
    most = 0.3 * 2 * HYDROGEN_LOWER_HEATING_VALUE
    assert plan.flow("f", "heat") == pytest.approx([most, 0.0])
    assert plan.cost == pytest.approx(3.0 * 2 + 0.4 * 0.5 * (25 - most))


def test_hydrogen_is_not_burnt_for_its_heat():
    """Hydrogen is nearly free and heat is missed at 9, but a cell at 80 kW takes 4.625 kg/h by its curve and no more.

    Rows from below alone would let it take any amount, and turn 30 % of it into heat.
    """
    cell = FuelCell(capacity=100.0, part_load=CURVE, heat_bus="heat", heat_share=0.3)
    heat = ProductionLoad(bus="heat", demand=100.0, unserved_price=9.0)
    plan = fed(cell, 80.0, [0.5, 2.0], hydrogen=0.01, h=heat)
    assert plan.flow("f", "hydrogen") == pytest.approx([-4.625, -4.625])
    assert plan.flow("f", "heat") == pytest.approx([0.3 * HYDROGEN_LOWER_HEATING_VALUE * 4.625] * 2)


def test_its_capacity_may_be_decided():
    """Power at 1 against 0.1 for hydrogen: each kW of 50 saves 0.9 * 2.5 h and costs 1.5 for them."""
    capacity = {"high": 80.0, "capex": 1.5 * 8760 / 2.5, "lifetime": 1.0, "interest": 0.0}
    cell = FuelCell(capacity=capacity, electricity_per_kg=20.0, commitment={"minimum_load": 0.5})
    plan = fed(cell, [50.0, 50.0], [0.5, 2.0])
    assert plan.size("f", "capacity") == pytest.approx(50.0)
    assert plan.cost == pytest.approx(50 * 2.5 * 0.1 + 75.0)


def test_it_presses_its_bus_where_it_runs_for_heat_or_cannot_be_turned_down():
    plain = {"capacity": 100.0, "electricity_per_kg": 20.0}
    assert FuelCell(**plain).presses() == frozenset()
    assert FuelCell(**plain, heat_bus="heat", heat_share=0.3).presses() == {"electricity"}
    assert FuelCell(**plain, commitment={"minimum_load": 0.2}).presses() == {"electricity"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "one of electricity_per_kg and part_load"),
        ({"electricity_per_kg": 20.0, "part_load": CURVE}, "one of electricity_per_kg and part_load"),
        ({"electricity_per_kg": 50.0}, "up to 33.33"),
        ({"part_load": CURVE[:2]}, "two points or more, by ascending load, up to 100 %"),
        ({"electricity_per_kg": 20.0, "heat_bus": "heat"}, "heat_bus and heat_share together, or neither"),
        ({"electricity_per_kg": 20.0, "heat_bus": "heat", "heat_share": 0.6}, "higher heating value of hydrogen"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        FuelCell(capacity=100.0, **fields)


def test_a_curve_that_is_not_convex_is_refused_by_its_point():
    """20 kW take 1, 60 kW 5 and 100 kW 6.25 kg/h: 0.1 kg for a further kWh below 60 kW, 0.03125 above."""
    curve = [CURVE[0], {"load": 0.6, "electricity_per_kg": 12.0}, CURVE[2]]
    with pytest.raises(ValidationError) as caught:
        FuelCell(capacity=100.0, part_load=curve)
    (error,) = caught.value.errors()
    assert error["ctx"]["found"] == "load 0.6: a further kWh takes 0.03125 kg above it, 0.1 kg below it"


def test_the_example_has_a_plan():
    heat = ProductionLoad(bus="heat", demand=5.0, unserved_price=0.1)
    assert fed(FuelCell.example(), [30.0, 50.0], [0.5, 2.0], h=heat).cost > 0
