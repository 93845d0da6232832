"""Carriers and heating values, against their sources."""

from __future__ import annotations

import pytest

from microgrid.carriers import CARRIERS, HYDROGEN_HIGHER_HEATING_VALUE, HYDROGEN_LOWER_HEATING_VALUE
from microgrid.units import conversion, quantity


def test_heating_values_of_hydrogen():
    """119.96 and 141.88 MJ/kg at 25 degC; between them lies the evaporation of 9 kg of water a kg, 2.44 MJ/kg each."""
    assert pytest.approx(119.96 / 3.6, rel=1e-3) == HYDROGEN_LOWER_HEATING_VALUE
    assert pytest.approx(141.88 / 3.6, rel=1e-3) == HYDROGEN_HIGHER_HEATING_VALUE
    water = 18.015 / 2.016
    assert (
        pytest.approx(2.442 * water, rel=0.01) == (HYDROGEN_HIGHER_HEATING_VALUE - HYDROGEN_LOWER_HEATING_VALUE) * 3.6
    )


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=list(CARRIERS))
def test_a_stock_is_a_flow_times_hours(carrier):
    assert conversion(f"{carrier.flow_unit}*h", carrier.stock_unit) == (1.0, 0.0)
    assert CARRIERS[carrier.name] is carrier


def test_mass_is_no_energy():
    with pytest.raises(ValueError, match="a quantity in kW"):
        quantity("5 kg/h", CARRIERS["electricity"].flow_unit)
