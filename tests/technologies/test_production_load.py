"""Production load: hand-computed optima."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from microgrid.errors import InputError
from microgrid.model import assemble
from microgrid.plant import Objective
from microgrid.series import Series
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from solvers import Ended, Settings, solve
from tests.plants import plant, refusal, solved


def grid(prices, capacity=1000.0):
    return GridConnection(capacity=capacity, import_price=prices)


def test_a_part_is_shed_where_energy_is_dearer_than_shedding():
    """100 kW, a tenth sheddable at 0.5: shed at 0.8 for half an hour, not at 0.3 for two hours.

    90 * 0.8 * 0.5 + 10 * 0.5 * 0.5 + 100 * 0.3 * 2 = 36 + 2.5 + 60. Free to shed all, it would pay 25 + 60.
    """
    load = ProductionLoad(demand=100.0, sheddable=0.1, shed_price=0.5)
    plan = solved({"g": grid([0.8, 0.3]), "l": load}, [0.5, 2.0])
    assert plan.cost == pytest.approx(98.5)
    assert plan.flow("l", "shed") == pytest.approx([10.0, 0.0])
    assert plan.flow("l", "demand") == pytest.approx([-100.0, -100.0])
    assert plan.column("unserved") == pytest.approx(2.5)


def test_what_cannot_be_served_is_shed_first_and_then_left_unserved():
    """A connection of 60 kW for 100 kW: 20 kW are shed at 1, 20 kW unserved at 4, for 1.5 h; energy at 0.1."""
    load = ProductionLoad(demand=100.0, sheddable=0.2, shed_price=1.0, unserved_price=4.0)
    plan = solved({"g": grid(0.1, 60.0), "l": load}, [1.5])
    assert plan.cost == pytest.approx((60 * 0.1 + 20 + 80) * 1.5)
    assert plan.flow("l", "unserved") == pytest.approx([20.0])


def test_no_more_is_left_unserved_than_is_wanted():
    """50 kW unserved at 0.1 against 0.3 for a kWh bought; 10 kW shed on top at 0.2 could be sold at 0.25.

    What is not wanted cannot be shed: 5 an hour for 1.5 h. Left apart, the two would make 60 kW of the 50 and earn 0.5.
    """
    load = ProductionLoad(demand=50.0, sheddable=0.2, shed_price=0.2, unserved_price=0.1)
    market = GridConnection(capacity=99.0, import_price=0.3, export_price=0.25)
    plan = solved({"g": market, "l": load}, [0.5, 1.0])
    assert plan.cost == pytest.approx(50 * 0.1 * 1.5)
    assert plan.flow("l", "shed") == pytest.approx([0.0, 0.0])


def test_without_a_price_on_unserved_demand_there_is_no_plan():
    outcome = solve(assemble(plant({"g": grid(0.1, 60.0), "l": ProductionLoad(demand=100.0)}, [0.5])).pyomo, Settings())
    assert outcome.ended is Ended.INFEASIBLE
    assert not outcome.has_plan


def test_a_demand_for_heat_is_met_on_the_heat_bus():
    """60 kWh of heat in half an hour and two hours, by an electric boiler of 80 %, at 0.2: 75 kWh drawn."""
    assets = {
        "g": grid(0.2),
        "boiler": Boiler(bus_in="electricity", capacity=100.0, efficiency=0.8),
        "steam": ProductionLoad(bus="heat", demand=[40.0, 20.0]),
    }
    assert solved(assets, [0.5, 2.0]).cost == pytest.approx(15.0)


def test_a_demand_for_hydrogen_is_counted_in_kilograms():
    """10 kg/h without any source: 2 kg/h shed at 3 per kg, 8 kg/h unserved at 9, over 2.5 h."""
    load = ProductionLoad(bus="hydrogen", demand=10.0, sheddable=0.2, shed_price=3.0, unserved_price=9.0)
    assert solved({"l": load}, [0.5, 2.0]).cost == pytest.approx((6 + 72) * 2.5)


def test_serving_comes_before_emissions():
    """With emissions as the only goal nothing would be served; what is left unserved is kept least first."""
    dirty = GridConnection(capacity=60.0, import_price=0.1, location_factor=0.5)
    load = ProductionLoad(demand=100.0, unserved_price=4.0)
    plan = solved({"g": dirty, "l": load}, [0.5], Objective(goals=("emissions",)))
    assert plan.model.goals == ("unserved", "emissions", "cost")
    assert plan.column("unserved") == pytest.approx(80.0)


def test_a_demand_in_the_wrong_unit_is_refused():
    load = ProductionLoad(bus="hydrogen", demand=Series(np.asarray(5.0), "kW"), unserved_price=1.0)
    with pytest.raises(InputError) as caught:
        plant({"l": load})
    assert str(caught.value) == "assets.l.demand: a series in kW\n   wanted kg/h, as the bus's carrier is counted"


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        ({"demand": [1.0, -3.0]}, "-3 at step 1", "0 kW or more"),
        ({"demand": 1.0, "sheddable": 1.2}, "1.2", "a share from 0 to 1"),
        ({"demand": 1.0, "shed_price": -1.0}, "-1.0", "0 money/kWh or more"),
        ({"demand": 1.0, "unserved_price": float("nan")}, "nan", "a finite number"),
    ],
)
def test_impossible_fields_are_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        ProductionLoad(**fields)
    assert refusal(caught.value) == (found, wanted)


def test_an_unknown_bus_is_refused_with_the_nearest():
    with pytest.raises(InputError) as caught:
        plant({"l": ProductionLoad(bus="hydrogn", demand=1.0)})
    assert str(caught.value) == (
        'assets.l.bus: hydrogn\n   wanted a bus of the plant, or the name of a carrier; did you mean "hydrogen"?'
    )


@pytest.mark.parametrize("unserved_price", [None, 3.0])
def test_a_demand_that_nothing_feeds(unserved_price):
    """2 kW of heat for an hour that nothing makes: unserved at 3 a kWh, a cost of 6; without a price no plan at all."""
    heat = ProductionLoad(bus="heat", demand=2.0, unserved_price=unserved_price)
    if unserved_price is None:
        with pytest.raises(InputError, match=r"assets\.l\.bus: heat\n   wanted a bus that something feeds"):
            plant({"l": heat})
    else:
        assert solved({"l": heat}).cost == pytest.approx(6.0)


def test_no_demand_needs_no_supply():
    assert solved({"l": ProductionLoad(demand=0.0)}).cost == 0.0
