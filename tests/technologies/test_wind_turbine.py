"""Wind turbine: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.wind_turbine import WindTurbine
from tests.plants import refusal, solved


def grid(prices, **more):
    return GridConnection(capacity=1000.0, import_price=prices, **more)


def test_wind_beyond_load_and_export_is_curtailed():
    """200 kW of turbines: 50 kW for 3 h, then up to 160 kW for half an hour; load 80 kW, export at most 30 kW.

    Bought 30 kW * 3 h * 0.3 = 27. In the half hour 110 kW are fed: 80 for the load, 30 sold at 0.1: -1.5. Operation at
    0.02: (150 + 55) * 0.02 = 4.1. Without curtailment there would be no plan.
    """
    wind = WindTurbine(capacity=200.0, availability=[0.25, 0.8], variable_cost=0.02)
    plan = solved(
        {"w": wind, "g": grid(0.3, export_price=0.1, export_limit=30.0), "l": ProductionLoad(demand=80.0)}, [3.0, 0.5]
    )
    assert plan.cost == pytest.approx(27.0 - 1.5 + 4.1)
    assert plan.flow("w", "output") == pytest.approx([50.0, 110.0])


def test_turbines_are_bought_whole():
    """A load of 150 kW for 2 h at 0.5; a turbine of 100 kW in full wind costs 60 over the horizon.

    None: 150. One: 60 + 50 = 110. Two: 120, half of the second idle. A turbine and a half would be 90.
    """
    wind = WindTurbine(
        capacity={"high": 300.0, "unit_size": 100.0, "capex": 0.6 * 8760 / 2, "lifetime": 1.0, "interest": 0.0},
        availability=1.0,
    )
    plan = solved({"w": wind, "g": grid(0.5), "l": ProductionLoad(demand=150.0)}, [0.5, 1.5])
    assert plan.cost == pytest.approx(110.0)
    assert plan.size("w", "capacity") == pytest.approx(100.0)


def test_more_than_rated_power_is_refused():
    with pytest.raises(ValidationError) as caught:
        WindTurbine(capacity=1.0, availability=[0.9, 1.2])
    assert refusal(caught.value) == ("1.2 at step 1", "a share from 0 to 1")
