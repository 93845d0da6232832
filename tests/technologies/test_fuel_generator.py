"""Fuel generator: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS
from microgrid.model import assemble
from microgrid.plant import Objective, PlantBus
from microgrid.technologies.battery import Battery, Wear
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.fuel_generator import FuelGenerator
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from tests.plants import plant, refusal, solved

# At 100 kW: fuel of 100 kW at a quarter load, 150 at half, 300 at full. Lines: 50 + 2 * output, then 3 * output.
CURVE = ({"load": 0.25, "efficiency": 0.25}, {"load": 0.5, "efficiency": 1 / 3}, {"load": 1.0, "efficiency": 1 / 3})
BACK_PRESSURE = {"heat_bus": "heat", "electric_efficiency": 0.4, "heat_efficiency": 0.5}
EXTRACTION = {"heat_bus": "heat", "electric_efficiency": 0.5, "power_loss": 0.2, "power_to_heat": 0.6}


def gas(price, **more):
    return Supply(bus="natural_gas", price=price, **more)


def load(demand, bus="electricity", **more):
    return ProductionLoad(bus=bus, demand=demand, **more)


def grid(price):
    return GridConnection(capacity=1000.0, import_price=price)


def test_it_burns_fuel_where_the_grid_is_dearer():
    """Gas at 0.06 and 40 %: 0.15 a kWh, and 0.01 of operation. The grid asks 0.1 for half an hour, then 0.3 for two.

    80 kW bought for half an hour: 4. Then 50 kW made for two hours: 16, 30 kW bought: 18. Without the efficiency a
    kWh would seem to cost 0.07, and it would run throughout.
    """
    unit = FuelGenerator(capacity=50.0, electric_efficiency=0.4, variable_cost=0.01)
    plan = solved({"gas": gas(0.06), "u": unit, "g": grid([0.1, 0.3]), "l": load(80.0)}, [0.5, 2.0])
    assert plan.cost == pytest.approx(4.0 + 16.0 + 18.0)
    assert plan.flow("u", "fuel") == pytest.approx([0.0, -125.0])


def test_emissions_are_booked_where_the_fuel_is_bought():
    """30 kW at 30 % for an hour and a half: 150 kWh of gas at 0.2 kg each is scope 1, counted once."""
    unit = FuelGenerator(capacity=50.0, electric_efficiency=0.3)
    plan = solved({"gas": gas(0.06, scope_1_factor=0.2), "u": unit, "l": load(30.0)}, [0.5, 1.0])
    assert plan.column("scope_1") == pytest.approx(30.0)
    assert plan.column("emissions") == pytest.approx(30.0)


@pytest.mark.parametrize(("demand", "fuel"), [(80.0, 240.0), (50.0, 150.0), (40.0, 130.0), (20.0, 90.0)])
def test_part_load_takes_more_fuel(demand, fuel):
    """On the curve 80 kW take 3 * 80, 40 kW take 50 + 2 * 40; below the first point its line goes on: 50 + 2 * 20.

    At a constant third, 40 kW would take 120 and 20 kW 60.
    """
    unit = FuelGenerator(capacity=100.0, part_load=CURVE, commitment=Commitment(minimum_load=0.1))
    plan = solved({"gas": gas(0.1), "u": unit, "l": load(demand)}, [0.25])
    assert plan.cost == pytest.approx(fuel * 0.1 * 0.25)


def test_no_load_fuel_is_burnt_only_while_on():
    """20 kW for half an hour against 0.3 unserved, for two hours against 0.6; 90 kW of gas at 0.1 cost 9 an hour.

    Unserved 6 and 12 an hour: off, then on. Half switched on, 20 kW would take 60 kW of fuel, no more than unserved.
    """
    unit = FuelGenerator(capacity=100.0, part_load=CURVE, commitment=Commitment(minimum_load=0.1))
    assets = {"gas": gas(0.1), "u": unit}
    assets["cheap"] = load([20.0, 0.0], unserved_price=0.3)
    assets["dear"] = load([0.0, 20.0], unserved_price=0.6)
    plan = solved(assets, [0.5, 2.0])
    assert plan.cost == pytest.approx(6 * 0.5 + 9 * 2)
    assert plan.flow("u", "fuel") == pytest.approx([0.0, -90.0])


def test_a_curve_that_is_best_at_low_load_needs_no_switch():
    """50 % up to half load, 40 % at full: fuel 2 * output, then 100 kW at half and 250 at full: 3 * output - 50.

    30 kW take 60; 80 kW take 190. The upper line alone would burn 40 and 190.
    """
    curve = ({"load": 0.5, "efficiency": 0.5}, {"load": 1.0, "efficiency": 0.4})
    unit = FuelGenerator(capacity=100.0, part_load=curve)
    assert [part for line in unit.fuel_lines for part in line] == pytest.approx([2.0, 0.0, 3.0, -0.5])
    plan = solved({"gas": gas(1.0), "u": unit, "l": load([30.0, 80.0])}, [0.5, 2.0])
    assert plan.cost == pytest.approx(60 * 0.5 + 190 * 2)


def test_points_in_one_line_make_one_line_and_no_binaries():
    curve = ({"load": 0.25, "efficiency": 0.25}, {"load": 0.5, "efficiency": 1 / 3}, {"load": 1.0, "efficiency": 0.4})
    unit = FuelGenerator(capacity=100.0, part_load=curve, commitment=Commitment(minimum_load=0.25))
    assert len(unit.fuel_lines) == 1
    assert unit.fuel_lines[0] == pytest.approx((2.0, 0.5))


def test_a_sized_unit_burns_no_load_fuel_by_its_size():
    """40 kW for 2 h, nothing for half an hour. A unit of 40 to 80 kW takes 120 kW of gas at 0.1, a bigger one more.

    A kW costs 0.5, so 40 kW are built: 20 and 24 of fuel; off in the last half hour. Lines for the largest size would
    burn 100 kW at no load: 180 kW.
    """
    unit = FuelGenerator(
        capacity={"low": 10.0, "high": 200.0, "capex": 0.5 * 8760 / 2.5, "lifetime": 1.0, "interest": 0.0},
        part_load=CURVE,
        commitment=Commitment(minimum_load=0.25),
    )
    plan = solved({"gas": gas(0.1), "u": unit, "l": load([40.0, 0.0])}, [2.0, 0.5])
    assert plan.size("u", "capacity") == pytest.approx(40.0)
    assert plan.cost == pytest.approx(20.0 + 24.0)
    assert plan.flow("u", "fuel") == pytest.approx([-120.0, 0.0])


def test_back_pressure_binds_electricity_to_heat():
    """40 % and 50 %: 30 kW of heat wanted, which nothing else can take: 60 kW of fuel, 24 kW of electricity.

    The other 26 of 50 kW are bought at 0.5; gas at 0.1; 1.5 h. Free of the heat it would make all 50 kW for 12.5.
    """
    unit = FuelGenerator(capacity=100.0, **BACK_PRESSURE)
    plan = solved({"gas": gas(0.1), "u": unit, "g": grid(0.5), "l": load(50.0), "h": load(30.0, "heat")}, [1.0, 0.5])
    assert plan.cost == pytest.approx((6.0 + 13.0) * 1.5)
    assert plan.flow("u", "heat") == pytest.approx([30.0, 30.0])


def test_rejected_heat_frees_the_electricity():
    """With rejection the same unit makes all 50 kW from 125 kW of gas; 32.5 kW of heat are thrown away."""
    unit = FuelGenerator(capacity=100.0, **BACK_PRESSURE, heat_rejection=True)
    plan = solved({"gas": gas(0.1), "u": unit, "g": grid(0.5), "l": load(50.0), "h": load(30.0, "heat")}, [1.0, 0.5])
    assert plan.cost == pytest.approx(12.5 * 1.5)
    assert plan.flow("u", "heat") == pytest.approx([30.0, 30.0])


def test_rejection_makes_no_heat():
    """80 kW of heat are wanted, 50 kW of electricity make 62.5 of them, 17.5 stay unserved at 2, for half an hour."""
    unit = FuelGenerator(capacity=100.0, **BACK_PRESSURE, heat_rejection=True)
    heat = load(80.0, "heat", unserved_price=2.0)
    plan = solved({"gas": gas(0.1), "u": unit, "l": load(50.0), "h": heat}, [0.5])
    assert plan.cost == pytest.approx((12.5 + 35.0) * 0.5)


def test_it_does_not_burn_more_than_its_curve_asks_to_make_heat():
    """40 kW of electricity ask for 130 kW of fuel and give 65 kW of heat of the 100 wanted; 35 kW unserved at 2.

    Held on its curve from below only, it would burn 200 kW of gas at 0.01 and serve all the heat as a boiler.
    """
    unit = FuelGenerator(
        capacity=100.0,
        part_load=CURVE,
        heat_bus="heat",
        heat_efficiency=0.5,
        heat_rejection=True,
        commitment=Commitment(minimum_load=0.25),
    )
    heat = load(100.0, "heat", unserved_price=2.0)
    plan = solved({"gas": gas(0.01), "u": unit, "l": load([40.0, 0.0]), "h": heat}, [0.5, 2.0])
    assert plan.cost == pytest.approx((1.3 + 70) * 0.5 + 200 * 2)


@pytest.mark.parametrize("capacity", [100.0, {"low": 100.0, "high": 130.0, "capex": 1e9}])
@pytest.mark.parametrize(("demand", "fuel"), [(30.0, 110.0), (80.0, 240.0)])
def test_held_exactly_a_curve_is_the_same_curve(capacity, demand, fuel):
    """Gas that pays 0.1 to be burnt: no more than the curve asks for can be burnt, with a size given or decided."""
    unit = FuelGenerator(capacity=capacity, part_load=CURVE, commitment=Commitment(minimum_load=0.25))
    plan = solved({"gas": gas(-0.1, limit=900.0), "u": unit, "l": load(demand)}, [0.5])
    assert plan.flow("u", "fuel") == pytest.approx([-fuel])


def test_binaries_on_the_curve_stand_only_where_burning_could_pay():
    unit = FuelGenerator(capacity=100.0, part_load=CURVE, commitment=Commitment(minimum_load=0.25))
    for price, objective, exact in (
        (0.1, Objective(), False),
        (-0.1, Objective(), True),
        (0.1, Objective(goals=("emissions",)), True),
    ):
        written = assemble(plant({"gas": gas(price, limit=1.0), "u": unit}, [1.0], objective))
        assert hasattr(written.operation.block.asset["u"], "line_chosen") is exact


def test_extraction_gives_up_electricity_for_heat():
    """100 kW at 50 %, 0.2 kW lost per kW of heat: 60 kW of electricity and 50 kW of heat are 70 kW gross, 140 of fuel.

    150 kW of heat are more than it can: gross 100 = (0.6 + 0.2) * 125. It gives 75 kW of electricity, of which 60
    are wanted, so the heat stays at 100 kW: 60 / 0.6. Gross 80, fuel 160; 50 kW of heat unserved at 2.
    """
    unit = FuelGenerator(capacity=100.0, **EXTRACTION)
    heat = load([50.0, 150.0], "heat", unserved_price=2.0)
    plan = solved({"gas": gas(0.1), "u": unit, "l": load(60.0), "h": heat}, [0.5, 2.0])
    assert plan.cost == pytest.approx(14 * 0.5 + (16 + 100) * 2)
    assert plan.flow("u", "heat") == pytest.approx([50.0, 100.0])
    assert plan.state("u", "gross") == pytest.approx([70.0, 80.0])


def test_extraction_capacity_holds_for_the_gross_output():
    """95 kW of electricity leave 5 kW of a gross 100: 25 kW of heat of the 40 wanted.

    A capacity on the electricity alone would give all 40.
    """
    unit = FuelGenerator(capacity=100.0, **EXTRACTION)
    heat = load(40.0, "heat", unserved_price=2.0)
    plan = solved({"gas": gas(0.1), "u": unit, "l": load(95.0), "h": heat}, [0.5])
    assert plan.cost == pytest.approx((20 + 30) * 0.5)


def test_a_switched_extraction_unit_is_off_as_a_whole():
    """Least gross 40 kW; 10 kW of electricity and 15 of heat (13 gross) cannot be made: both stay unserved at 1.

    With the surplus of both buses free to leave, it runs at gross 40 for half the cost: 80 kW of gas at 0.1.
    """
    unit = FuelGenerator(capacity=100.0, **EXTRACTION, commitment=Commitment(minimum_load=0.4), variable_cost=0.0)
    assets = {
        "gas": gas(0.1),
        "u": unit,
        "l": load(10.0, unserved_price=1.0),
        "h": load(15.0, "heat", unserved_price=1.0),
    }
    assert solved(assets, [0.5]).cost == pytest.approx(12.5)
    free = {bus: PlantBus(CARRIERS[bus], surplus=True) for bus in ("electricity", "heat")}
    assert solved(assets, [0.5], buses=free).cost == pytest.approx(4.0)


def test_a_battery_does_not_burn_what_a_minimum_load_makes_too_much():
    """Least 50 kW of 100, 30 kW wanted at 1 unserved, a full battery: the unit cannot run, 15 is lost in half an hour.

    Charging 100 kW and discharging 80 kW at once, the battery would burn the 20 kW too much, for 0.5 of wear.
    """
    unit = FuelGenerator(capacity=100.0, electric_efficiency=0.5, commitment=Commitment(minimum_load=0.5))
    cells = Battery(
        energy=1.0,
        power=500.0,
        charge_efficiency=0.8,
        discharge_efficiency=1.0,
        initial_charge=1.0,
        final_charge=1.0,
        wear=Wear(replacement_cost=1.0, cycle_life=100.0),
    )
    plan = solved({"gas": gas(0.01), "u": unit, "b": cells, "l": load(30.0, unserved_price=1.0)}, [0.5])
    assert plan.cost == pytest.approx(15.0)


def test_what_it_presses():
    """Heat and electricity press each other; alone, electricity is pressed by what cannot be turned down."""
    plain = {"capacity": 1.0, "electric_efficiency": 0.4}
    assert FuelGenerator(**plain).presses() == frozenset()
    assert FuelGenerator(**plain, commitment=Commitment(start_cost=1.0)).presses() == frozenset()
    assert FuelGenerator(**plain, commitment=Commitment(minimum_load=0.1)).presses() == {"electricity"}
    assert FuelGenerator(capacity=1.0, **BACK_PRESSURE).presses() == {"electricity", "heat"}
    assert FuelGenerator(capacity=1.0, **BACK_PRESSURE, heat_rejection=True).presses() == {"electricity", "heat"}
    assert FuelGenerator(capacity=1.0, **EXTRACTION).presses() == {"electricity", "heat"}


HEAT_WANTED = "with a heat_bus either heat_efficiency, or both power_loss and power_to_heat"


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        (
            {},
            "neither of electric_efficiency and part_load",
            "one of electric_efficiency and part_load",
        ),
        (
            {"electric_efficiency": 0.4, "part_load": CURVE},
            "both of electric_efficiency and part_load",
            "one of electric_efficiency and part_load",
        ),
        ({"part_load": CURVE[:2]}, "loads 0.25, 0.5", "two points or more, by ascending load, up to 100 %"),
        ({"part_load": CURVE[2:]}, "loads 1", "two points or more, by ascending load, up to 100 %"),
        ({"part_load": CURVE[::-1]}, "loads 1, 0.5, 0.25", "two points or more, by ascending load, up to 100 %"),
        (
            {"part_load": (*CURVE[:2], {"load": 0.75, "efficiency": 0.3}, {"load": 1.0, "efficiency": 0.35})},
            "load 0.75: a further kW takes 1.429 kW of fuel above it, 4 kW of fuel below it",
            "a curve on which each further kW takes no less fuel than the one before",
        ),
        (
            {"part_load": ({"load": 0.5, "efficiency": 0.1}, {"load": 1.0, "efficiency": 0.4})},
            "load 0.5: a further kW takes -5 kW of fuel above it",
            "a curve on which each further kW takes no less fuel than the one before",
        ),
        (
            {"part_load": CURVE},
            "part_load without an on-off decision",
            "a commitment with a minimum_load, as by this curve it burns fuel at no load while it is on",
        ),
        (
            {"part_load": CURVE, "commitment": {"ramp_up": 0.5}},
            "part_load without an on-off decision",
            "a commitment with a minimum_load, as by this curve it burns fuel at no load while it is on",
        ),
        (
            {"electric_efficiency": 0.4, "heat_efficiency": 0.4},
            "fields of heat without a heat_bus",
            "a heat_bus that takes the heat",
        ),
        ({"electric_efficiency": 0.4, "heat_bus": "heat"}, "no heat_efficiency and 0 of the other two", HEAT_WANTED),
        ({**EXTRACTION, "heat_efficiency": 0.4}, "heat_efficiency and 2 of the other two", HEAT_WANTED),
        ({**EXTRACTION, "power_loss": None}, "no heat_efficiency and 1 of the other two", HEAT_WANTED),
        (
            {**EXTRACTION, "heat_rejection": True},
            "heat_rejection with extraction",
            "heat_rejection with heat_efficiency only",
        ),
        (
            {**BACK_PRESSURE, "heat_efficiency": 0.8},
            "120.0%",
            "electricity and heat of no more than 118% of the fuel's lower heating value",
        ),
        ({"electric_efficiency": 40.0}, "40.0", "a share above 0 and up to 1"),
    ],
)
def test_impossible_fields_are_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        FuelGenerator(capacity=1.0, **fields)
    assert refusal(caught.value) == (found, wanted)
