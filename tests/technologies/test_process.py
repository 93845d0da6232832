"""Process: hand-computed plans."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.technologies.process import Process
from microgrid.technologies.supply import Supply
from tests.plants import solved


def test_it_draws_and_emits_by_the_kilogram_made():
    """1000 kg/h for 0.5 h, then 400 kg/h for 2 h: 500 and 800 kg, 1300 in all.

    Electricity 0.1 kWh/kg at 0.5: 65; heat 0.2 kWh/kg at 0.05: 13; fuel 0.8 kWh/kg at 0.03: 31.2. Its limestone sets
    free 0.5 kg a kg: 650 kg, scope 1; the fuel, 1040 kWh at 0.2 kg: 208 kg, scope 1 too, where it is bought.
    """
    kiln = Process(
        production=[1000.0, 400.0], process_factor=0.5, electricity=0.1, heat=0.2, heat_bus="heat", fuel=0.8,
        fuel_bus="coal",
    )  # fmt: skip
    assets = {
        "kiln": kiln,
        "power": Supply(bus="electricity", price=0.5),
        "steam": Supply(bus="heat", price=0.05),
        "coal": Supply(bus="coal", price=0.03, scope_1_factor=0.2),
    }
    plan = solved(assets, [0.5, 2.0])
    assert plan.cost == pytest.approx(65.0 + 13.0 + 31.2)
    assert plan.flow("kiln", "electricity") == pytest.approx([-100.0, -40.0])
    assert plan.column("scope_1") == pytest.approx(650.0 + 208.0)
    assert kiln.needs() == {"electricity", "heat", "coal"}


def test_without_a_factor_it_emits_nothing_itself():
    plan = solved({"mill": Process(production=10.0, electricity=2.0), "s": Supply(bus="electricity", price=1.0)}, [0.5])
    assert plan.cost == pytest.approx(10.0)
    assert plan.column("scope_1") == 0.0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"heat": 1.0}, "both heat and heat_bus, or neither"),
        ({"fuel_bus": "coal"}, "both fuel and fuel_bus, or neither"),
        ({"carbon_dioxide_bus": "carbon_dioxide"}, "a process_factor of carbon dioxide alone"),
    ],
)
def test_fields_that_do_not_fit_together(fields, told):
    with pytest.raises(ValidationError, match=told):
        Process(production=1.0, **fields)
