"""Supply: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS
from microgrid.plant import Objective, PlantBus
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from tests.plants import solved


def test_it_sells_by_the_hour_up_to_its_limit():
    """60 of 80 kW for 0.5 h, then 40 of 40 kW for 3 h at 0.1; 20 kW are missed for half an hour at 2: 3 + 12 + 20.

    A model that forgot the hours would pay 6 + 4 + 40.
    """
    gas = Supply(bus="natural_gas", price=0.1, limit=60.0)
    need = ProductionLoad(bus="natural_gas", demand=[80.0, 40.0], unserved_price=2.0)
    plan = solved({"s": gas, "l": need}, [0.5, 3.0])
    assert plan.flow("s", "supply") == pytest.approx([60.0, 40.0])
    assert plan.cost == pytest.approx(3.0 + 12.0 + 20.0)
    assert plan.column("energy") == pytest.approx(15.0)


def test_purchased_hydrogen_counts_kilograms_at_the_price_of_each_step():
    """2 kg/h for 0.25 h at 8, then for 2 h at 5: 4 + 20. Its energy content plays no part."""
    assets = {"s": Supply(bus="hydrogen", price=[8.0, 5.0]), "l": ProductionLoad(bus="hydrogen", demand=2.0)}
    assert solved(assets, [0.25, 2.0]).cost == pytest.approx(24.0)


def test_its_limit_may_change_with_the_step():
    """Two suppliers: the cheap one gives 30 kW, then 10; the dear one the rest: 0.05 * 50 + 0.2 * (20 * 1 + 40 * 2)."""
    assets = {
        "cheap": Supply(bus="heat", price=0.05, limit=[30.0, 10.0]),
        "dear": Supply(bus="heat", price=0.2),
        "l": ProductionLoad(bus="heat", demand=50.0),
    }
    assert solved(assets, [1.0, 2.0]).cost == pytest.approx(0.05 * 50 + 0.2 * 100)


def test_what_a_fuel_emits_is_booked_where_it_is_bought_by_scope():
    """50 kW for 0.5 h and 1 h: 75 kWh at 0.202, 0.1 and 0.03 kg each; a factor may change with the step."""
    gas = Supply(
        bus="natural_gas", price=0.1, scope_1_factor=0.202, scope_2_factor=0.1, scope_3_factor=[0.03, 0.06]
    )  # fmt: skip
    plan = solved({"s": gas, "l": ProductionLoad(bus="natural_gas", demand=50.0)}, [0.5, 1.0])
    assert plan.column("scope_1") == pytest.approx(75 * 0.202)
    assert plan.column("scope_2_location") == pytest.approx(7.5)
    assert plan.column("scope_2_market") == pytest.approx(7.5)
    assert plan.column("scope_3") == pytest.approx(25 * 0.03 + 50 * 0.06)


def test_a_carbon_price_turns_the_choice():
    """Gas 0.05 + 0.2 * 0.1 = 0.07 against district heat at 0.06 + 0.05 * 0.1 = 0.065, dearer without carbon."""
    assets = {
        "gas": Supply(bus="heat", price=0.05, scope_1_factor=0.2),
        "district": Supply(bus="heat", price=0.06, scope_2_factor=0.05),
        "l": ProductionLoad(bus="heat", demand=10.0),
    }
    assert solved(assets, [0.5, 2.0]).cost == pytest.approx(25 * 0.05)
    assert solved(assets, [0.5, 2.0], Objective(carbon_price=0.1)).cost == pytest.approx(25 * 0.065)


def test_a_negative_price_is_taken_up_to_the_limit_and_presses_the_bus():
    """Paid 0.1 to take 30 kW for an hour, with 20 kW of surplus thrown away; then 10 kW bought at 0.2 for two."""
    buses = {"heat": PlantBus(CARRIERS["heat"], surplus=True)}
    heat = Supply(bus="heat", price=[-0.1, 0.2], limit=30.0)
    plan = solved({"s": heat, "l": ProductionLoad(bus="heat", demand=10.0)}, [1.0, 2.0], buses=buses)
    assert plan.cost == pytest.approx(-3.0 + 4.0)
    assert heat.presses() == {"heat"}
    assert Supply(bus="heat", price=0.1).presses() == frozenset()


def test_a_negative_price_needs_a_limit():
    with pytest.raises(ValidationError, match="a limit where the price falls below zero"):
        Supply(bus="heat", price=[0.1, -0.1])


def test_its_bus_must_be_said():
    with pytest.raises(ValidationError, match="Field required"):
        Supply(price=0.1)


def test_the_example_has_a_plan():
    assert solved({"s": Supply.example(), "l": ProductionLoad(bus="heat", demand=60.0)}, [0.5, 2.0]).cost > 0
