"""Photovoltaic: hand-computed optima."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from microgrid.errors import InputError
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from tests.plants import plant, refusal, solved


def grid(prices, **more):
    return GridConnection(capacity=1000.0, import_price=prices, **more)


def test_what_the_load_does_not_take_is_curtailed():
    """60 kW of load; 100 kW of modules give 50 kW for half an hour, then could give 100 kW for two hours.

    10 kW are bought for half an hour at 0.4: 2. Fed are 25 + 120 kWh at 0.01 of operation: 1.45. Forced to feed all it
    could, the plant would have no plan; without hours the cost would be 4 + 1.1.
    """
    sun = Photovoltaic(capacity=100.0, availability=[0.5, 1.0], variable_cost=0.01)
    plan = solved({"pv": sun, "g": grid(0.4), "l": ProductionLoad(demand=60.0)}, [0.5, 2.0])
    assert plan.cost == pytest.approx(2.0 + 1.45)
    assert plan.flow("pv", "output") == pytest.approx([50.0, 60.0])


def test_it_stands_still_where_buying_costs_less_than_feeding():
    """Feeding costs 0.02 of operation, the grid 0.01 in the first step and pays 0.1 for taking in the second."""
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=0.02)
    plan = solved({"pv": sun, "g": grid([0.01, -0.1, 0.5]), "l": ProductionLoad(demand=40.0)}, [0.5, 1.5, 1.0])
    assert plan.cost == pytest.approx(40 * 0.01 * 0.5 - 40 * 0.1 * 1.5 + 40 * 0.02)
    assert plan.flow("pv", "output") == pytest.approx([0.0, 0.0, 40.0])


def test_its_size_grows_until_a_kilowatt_no_longer_pays():
    """30 kW of load at 0.2; a kW of modules gives half for 1 h, then all of it for 3 h, and costs 0.4 over the horizon.

    Up to 30 kW it saves (0.5 * 1 + 1 * 3) * 0.2 = 0.7; beyond, only the first step is short: 0.1. So 30 kW are built:
    12 and 15 kW bought for 1 h: 3. Forgetting the hours, a kW would save 0.3 and none would be built.
    """
    sun = Photovoltaic(
        capacity={"high": 90.0, "capex": 0.4 * 8760 / 4, "lifetime": 1.0, "interest": 0.0}, availability=[0.5, 1.0]
    )
    plan = solved({"pv": sun, "g": grid(0.2), "l": ProductionLoad(demand=30.0)}, [1.0, 3.0])
    assert plan.size("pv", "capacity") == pytest.approx(30.0)
    assert plan.cost == pytest.approx(12.0 + 3.0)
    assert plan.flow("pv", "output") == pytest.approx([15.0, 30.0])


def test_night_gives_nothing_and_a_capacity_of_zero_is_no_plant():
    """Without sun, and without modules, 10 kW are bought for 2.5 h at 0.3."""
    for capacity, sun in ((100.0, 0.0), (0.0, 1.0)):
        dark = Photovoltaic(capacity=capacity, availability=sun)
        plan = solved({"pv": dark, "g": grid(0.3), "l": ProductionLoad(demand=10.0)}, [0.5, 2.0])
        assert plan.cost == pytest.approx(7.5)


@pytest.mark.parametrize(
    ("availability", "found"),
    [([0.5, 1.6], "1.6 at step 1"), ([-0.1, 0.2], "-0.1 at step 0"), ([0.2, np.nan], "nan at step 1")],
)
def test_impossible_availability_is_refused(availability, found):
    with pytest.raises(ValidationError) as caught:
        Photovoltaic(capacity=1.0, availability=availability)
    assert refusal(caught.value)[0] == found


def test_availability_must_be_as_long_as_the_horizon_and_the_bus_electric():
    sun = Photovoltaic(bus="heat", capacity=1.0, availability=[0.1, 0.2, 0.3])
    with pytest.raises(InputError) as caught:
        plant({"pv": sun}, [1.0, 1.0])
    assert [str(problem) for problem in caught.value.problems] == [
        "assets.pv.bus: a bus of heat\n   wanted a bus of electricity",
        "assets.pv.availability: 3 values\n   wanted one, or one for each of 2 steps",
    ]
