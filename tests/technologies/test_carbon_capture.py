"""Carbon capture: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.capacity import Fixed, Sized
from microgrid.carriers import CARRIERS
from microgrid.plant import Objective, PlantBus
from microgrid.technologies.carbon_capture import CarbonCapture
from microgrid.technologies.process import Process
from microgrid.technologies.supply import Supply
from tests.plants import solved

STACK = {"carbon_dioxide": PlantBus(CARRIERS["carbon_dioxide"], surplus=True)}


def plant(capture, price=0.1):
    """Return a kiln that sets free 100 kg/h, whose stream may be captured."""
    return {
        "kiln": Process(production=200.0, process_factor=0.5, carbon_dioxide_bus="carbon_dioxide"),
        "capture": capture,
        "power": Supply(bus="electricity", price=price),
    }


def test_it_captures_where_carbon_costs_more_than_electricity_and_storage():
    """100 kg/h for 2 h, of which 60 kg/h are treated and 90 % of those caught: 108 kg, with 0.5 kWh each.

    Electricity 54 kWh at 0.1 and storage 108 kg at 0.02: 5.4 + 2.16, against 108 kg at 0.1. What is left, 200 - 108 kg,
    stays scope 1. A model that let the unit catch all of a stream would take off 120 kg.
    """
    capture = CarbonCapture(capacity=Fixed(amount=60.0), capture_rate=0.9, electricity=0.5, storage_cost=0.02)
    plan = solved(plant(capture), [0.5, 1.5], Objective(carbon_price=0.1), STACK)
    assert plan.flow("capture", "carbon_dioxide") == pytest.approx([-60.0, -60.0])
    assert plan.column("scope_1") == pytest.approx(200.0 - 108.0)
    assert plan.cost == pytest.approx(5.4 + 2.16 + 0.1 * 92.0)


def test_it_stands_still_where_carbon_is_cheaper():
    """0.04 for electricity and 0.02 for storage, a kg, against 0.05 for the emission."""
    capture = CarbonCapture(capacity=Fixed(amount=60.0), electricity=0.4, storage_cost=0.02)
    plan = solved(plant(capture), [1.0], Objective(carbon_price=0.05), STACK)
    assert plan.column("scope_1") == pytest.approx(100.0)
    assert plan.cost == pytest.approx(5.0)


def test_what_is_used_and_let_go_is_not_taken_off():
    """Of 90 kg caught an hour, a third is sold for drinks: 60 stay away, at the electricity of all 90."""
    capture = CarbonCapture(capacity=Fixed(amount=100.0), stored_share=2 / 3, electricity=0.1)
    plan = solved(plant(capture), [1.0], Objective(carbon_price=1.0), STACK)
    assert plan.column("scope_1") == pytest.approx(40.0)
    assert plan.column("energy") == pytest.approx(0.1 * 9.0)


def test_its_size_may_be_a_decision_and_never_exceeds_the_stream():
    """Capturing is worth 1 a kg, a size a thousandth: 100 kg/h are treated, for there are no more; heat in step."""
    sized = Sized(high=500.0, capex=100.0, lifetime=20.0)
    capture = CarbonCapture(capacity=sized, capture_rate=1.0, electricity=0.1, heat=0.9, heat_bus="heat")
    assets = plant(capture) | {"steam": Supply(bus="heat", price=0.01)}
    plan = solved(assets, [2.0], Objective(carbon_price=1.0), STACK)
    assert plan.size("capture", "capacity") == pytest.approx(100.0)
    assert plan.flow("capture", "heat") == pytest.approx([-90.0])
    assert plan.column("scope_1") == pytest.approx(0.0, abs=1e-6)


def test_heat_needs_its_bus():
    with pytest.raises(ValidationError, match="both heat and heat_bus, or neither"):
        CarbonCapture(capacity=Fixed(amount=1.0), electricity=0.1, heat=1.0)
