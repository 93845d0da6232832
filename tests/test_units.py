"""The door of units: what passes, what does not, and that nothing changes on the way."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid import units
from microgrid.units import UnitError, conversion, currencies_of, example, is_currency, measure, quantity

READ = [
    ("2 MWh", "kWh", 2000.0),
    ("2MWh", "kWh", 2000.0),
    (" 2  MWh ", "kWh", 2000.0),
    ("1.5e3 kW", "kW", 1500.0),
    ("+.5 kW", "kW", 0.5),
    ("-3 kW", "kW", -3.0),
    ("500 kWp", "kW", 500.0),
    ("1 MW_th", "kW", 1000.0),
    ("3.6 GJ", "kWh", 1000.0),
    ("1 tce", "kWh", 29307 / 3.6),
    ("2 kWh*h/h", "kWh", 2.0),
    ("2 kW·h", "kWh", 2.0),
    ("2 kW h", "kWh", 2.0),
    ("24 kWh per day", "kW", 1.0),
    ("95 %", "1", 0.95),
    ("5 ‰", "1", 0.005),
    ("0.95", "1", 0.95),
    ("3600 kJ/kWh", "1", 1.0),
    ("1 %/min", "1/h", 0.6),
    ("2 %/a", "1/a", 0.02),
    ("-0.35 %/K", "1/delta_degC", -0.0035),
    ("-0.35 %/°C", "1/delta_degC", -0.0035),
    ("60 °C", "degC", 60.0),
    ("333.15 K", "degC", 60.0),
    ("140 °F", "degC", 60.0),
    ("15 min", "h", 0.25),
    ("90 s", "h", 0.025),
    ("2 days", "h", 48.0),
    ("20 years", "a", 20.0),
    ("36 g/s", "kg/h", 129.6),
    ("0.66 CNY/kWh", "CNY/kWh", 0.66),
    ("660 CNY/MWh", "CNY/kWh", 0.66),
    ("12 EUR/kW/a", "EUR/kW/month", 1.0),
    ("1 EUR/kW/d", "EUR/kW/a", 365.0),
    ("1 EUR/kW/h", "EUR/kW/a", 8760.0),
    ("7300 d", "a", 20.0),
    ("9.5 EUR/(kW*month)", "EUR/kW/month", 9.5),
    ("60 EUR/tCO2", "EUR/kgCO2", 0.06),
    ("60 EUR/tCO2e", "EUR/kgCO2e", 0.06),
    ("0.5 t CO2-eq/MWh", "kgCO2e/kWh", 0.5),
    ("0.5 kg CO₂/kWh", "kgCO2/kWh", 0.5),
    ("530.6 gCO2eq/kWh", "kgCO2e/kWh", 0.5306),
    ("1 W/m²", "W/m2", 1.0),
    ("1 kW/m^2", "W/m2", 1000.0),
    ("36 km/h", "m/s", 10.0),
    ("1013.25 hPa", "Pa", 101325.0),
    ("180 deg", "deg", 180.0),
    ("500 kW", "kW", 500.0),
]


@pytest.mark.parametrize(("text", "unit", "expected"), READ)
def test_a_quantity_is_read_in_house_units(text, unit, expected):
    assert quantity(text, unit) == pytest.approx(expected, rel=1e-12)


REFUSED = [
    ("", "kW", ""),
    ("abc", "kW", ""),
    ("kW", "kW", ""),
    ("nan kW", "kW", ""),
    ("inf kW", "kW", ""),
    ("--5 kW", "kW", ""),
    ("5 kW kW kWh(", "kW", ""),
    ("5 kg", "kW", ""),
    ("5 EUR", "kW", ""),
    ("5 kW", "EUR/kW", ""),
    ("9.5 EUR/kW", "EUR/kW/month", ""),
    ("10 deg", "1", ""),
    ("5 kg", "kgCO2e", ""),
    ("5 kgCO2", "kgCO2e", ""),
    ("5 kgCO2e", "kgCO2", ""),
    ("5 degC", "1", ""),
    ("5 kWs", "kW", '"kWs" is no unit that is known here'),
    ("5 kkW", "kW", '"kkW" is no unit that is known here'),
    ("500", "kW", 'add the unit, such as "500 kW"'),
    ("15", "h", 'add the unit, such as "15 h", "15 min" or "15 s"'),
    ("100 mW", "kW", 'did you mean "MW"?'),
    ("5 MWH", "kWh", 'did you mean "MWh"?'),
    ("5 kwh", "kWh", 'did you mean "kWh"?'),
    ("1,000 kW", "kW", "write a point before decimals and nothing between thousands"),
    ("1 000 kW", "kW", "write a point before decimals and nothing between thousands"),
    ("1'000 kW", "kW", "write a point before decimals and nothing between thousands"),
    ("0,66 CNY/kWh", "CNY/kWh", "write a point before decimals and nothing between thousands"),
    ("5 EUR/kWh", "CNY/kWh", "convert it to CNY, the currency of the scenario"),
    ("5 RMB/kWh", "CNY/kWh", "write CNY"),
    ("0.3 €/kWh", "EUR/kWh", "write EUR"),
    ("5 kVA", "kW", "apparent power is no power: multiply by the power factor and write kW"),
]


@pytest.mark.parametrize(("text", "unit", "cure"), REFUSED)
def test_what_is_no_such_quantity_is_refused(text, unit, cure):
    with pytest.raises(UnitError) as caught:
        quantity(text, unit)
    assert caught.value.found == text
    assert unit in caught.value.wanted or unit == "1"
    assert caught.value.cure == cure


@pytest.mark.parametrize("text", ["5 kW**9**9**9**9", "5 (((kW**9)**9)**9)**9", "5 kW^999", "5 " + "kW*" * 5000])
def test_a_unit_that_would_take_for_ever_is_refused_at_once(text):
    with pytest.raises(UnitError):
        quantity(text, "kW")


def test_the_first_unit_that_fits_is_told():
    assert measure("5 kg/h", ("kW", "kg/h")) == (5.0, "kg/h")
    assert measure("5 MW", ("kW", "kg/h")) == (5000.0, "kW")
    with pytest.raises(UnitError, match="a quantity in kW or kg/h"):
        measure("5 m", ("kW", "kg/h"))


DIMENSIONS = [
    ("kW", ("W", "kW", "MW", "GW", "kWp", "kJ/h", "kWh/day")),
    ("kWh", ("Wh", "kWh", "MWh", "GJ", "tce", "MMBtu")),
    ("h", ("s", "min", "h", "d", "week")),
    ("kg/h", ("kg/h", "t/d", "g/s")),
    ("1", ("1", "%", "‰")),
    ("degC", ("degC", "K", "degF")),
    ("EUR/kWh", ("EUR/kWh", "EUR/MWh", "EUR/GJ")),
    ("kgCO2e", ("gCO2e", "kgCO2eq", "tCO2e", "MtCO2e")),
    ("kgCO2", ("gCO2", "tCO2", "ktCO2", "MtCO2")),
]
PAIRS = [(house, unit) for house, written in DIMENSIONS for unit in written]


@given(st.sampled_from(PAIRS), st.floats(-1e9, 1e9))
def test_there_and_back_again(pair, number):
    house, written = pair
    there = quantity(f"{number!r} {written}", house)
    back = quantity(f"{there!r} {house}", written)
    assert back == pytest.approx(number, rel=1e-9, abs=1e-6)


@given(st.integers(0, 10_000))
def test_percentages_are_exact(percent):
    assert quantity(f"{percent} %", "1") == percent / 100


@given(st.text(max_size=30), st.sampled_from([house for house, _ in DIMENSIONS]))
def test_any_text_is_a_number_or_a_unit_error(text, unit):
    with suppress(UnitError):
        assert not math.isnan(quantity(text, unit))


@pytest.mark.parametrize("word", sorted(units._words() - {"rad", "deg", "degree", "degrees", "°"}))
def test_every_unit_of_the_list_is_read(word):
    factor, _ = conversion(word, word)
    assert factor == pytest.approx(1.0)


@pytest.mark.parametrize("unit", sorted(units._EXAMPLES))
def test_every_example_is_a_quantity_of_its_unit(unit):
    house = unit.replace("CUR", "EUR")
    assert math.isfinite(quantity(example(house), house))


def test_currencies_are_told_from_units():
    assert is_currency("CNY")
    assert [code for code in ("MWH", "RMB", "eur", "EURO", "€", "") if is_currency(code)] == []
    assert currencies_of("CNY/MWh") == ["CNY"]
    assert currencies_of("MWh/kg") == []


def test_a_currency_has_no_rate_to_another():
    with pytest.raises(UnitError):
        conversion("USD", "EUR")


def test_units_cost_nothing_until_one_is_read():
    code = "import sys, microgrid.units; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
