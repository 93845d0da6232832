"""Emission factors: the catalogue against its sources, and how scenario files name and mix them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from microgrid.factor_fields import FactorValues
from microgrid.factors import FAMILIES, STATUS, UNITS, catalogue, factor_named, fuels, lies_in
from microgrid.scenario import read_scenario
from tests.files import PLANT as PLAIN
from tests.files import changed, told, write

PLANT = PLAIN.replace("import_price: 0.2 EUR/kWh", "import_price: 0.2 EUR/kWh\n    location_factor: FACTOR")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path()


def read(here, factor, more=""):
    """Return a scenario whose grid has a location factor."""
    return read_scenario(write(here, changed(PLANT, [("FACTOR", factor)]) + more))


def faults(here, factor, more="", *changes):
    return told(write(here, changed(PLANT, [("FACTOR", factor), *changes]) + more))


@pytest.mark.parametrize("factor", catalogue().values(), ids=list(catalogue()))
def test_every_factor_is_whole(factor):
    """Family, unit, source, status and validity; more than nothing, and no more than the dirtiest coal plant."""
    assert factor.family in FAMILIES
    assert factor.unit in UNITS
    assert factor.status in STATUS
    assert (factor.source == "from memory, no source seen") <= (factor.status == "M")
    assert len(factor.source) > 10
    assert 0.0 < factor.value < 1.2
    assert (factor.family == "footprint") == (factor.gas == "CO2e")
    for day in (factor.valid_from, factor.valid_to):
        assert not day or date.fromisoformat(day)
    assert factor.year is None or factor.valid_from.startswith(str(factor.year))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cn/2023/average", 0.5306),
        ("cn/2023/average_excluding_traded", 0.6096),
        ("cn/2023/fossil", 0.8273),
        ("cn/north/2023/average", 0.6361),
        ("cn/southwest/2021/average", 0.2113),
        ("cn/guangdong/2022/average", 0.4403),
        ("cn/2024/footprint", 0.5777),
        ("cn/heat", 0.11 * 3.6),
        ("ipcc/diesel/combustion", 74.1 * 0.0036),
    ],
)
def test_values_are_those_of_the_sources(name, value):
    assert factor_named(name).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("fuel", "per_measure", "per_gj"),
    [
        ("natural_gas", 2162.0, 55.5),
        ("diesel", 3096.0, 72.6),
        ("petrol", 2925.0, 67.9),
        ("fuel_oil", 3171.0, 75.8),
        ("lpg", 3101.0, 61.8),
        ("coal", 1900.0, 90.9),
        ("coke", 2860.0, 100.6),
        ("refinery_gas", 3012.0, 65.4),
    ],
)
def test_fuels_by_mass_volume_and_energy(fuel, per_measure, per_gj):
    """Heating value, carbon and oxidation of the guides give what their tables print, rounded as they do."""
    found = fuels()[f"cn/{fuel}/combustion"]
    assert found.per_measure == pytest.approx(per_measure, rel=5e-4)
    assert found.per_kwh == pytest.approx(per_gj * 0.0036, rel=1e-3)
    assert catalogue()[f"cn/{fuel}/combustion"].value == found.per_kwh


def test_a_province_lies_in_its_grid_region_and_country():
    assert lies_in("cn/hebei", "cn/north")
    assert lies_in("cn/hebei", "cn")
    assert not lies_in("cn/hebei", "cn/east")
    assert not lies_in("cn", "cn/north")
    assert lies_in("de", "world")


def test_a_name_stands_for_a_number_with_its_source(here):
    scenario = read(here, "de/2020/average", "accounting: {year: 2020}\n")
    factor = scenario.plant.assets["grid"].location_factor
    assert isinstance(factor, FactorValues)
    assert factor.on(scenario.plant.timeline).tolist() == [0.366] * 24
    assert (factor.gas, factor.factor.year, factor.factor.status) == ("CO2", 2020, "V1")


def test_a_number_is_of_the_family_that_its_field_implies(here):
    factor = read(here, "530.6 gCO2/kWh").plant.assets["grid"].location_factor
    assert (factor.factor.family, factor.factor.value, factor.gas) == ("average", pytest.approx(0.5306), "CO2")


def test_a_number_may_tell_its_particulars(here):
    text = "{factor: 0.4 kgCO2e/kWh, region: fr, year: 2026, source: the supplier, status: V2}"
    factor = read(here, text).plant.assets["grid"].location_factor.factor
    assert (factor.region, factor.year, factor.source, factor.status) == ("fr", 2026, "the supplier", "V2")
    assert factor.gas == "CO2e"


def test_a_series_may_tell_its_particulars_too(here):
    factor = read(here, "{factor: {values: [0.1], unit: kgCO2/kWh}, source: x}".replace("[0.1]", str([0.1] * 24)))
    values = factor.plant.assets["grid"].location_factor
    assert values.values.shape == (24,)
    assert values.factor.source == "x"
    assert np.allclose(values.factor.value, 0.1)


def test_an_unknown_name_tells_the_nearest(here):
    assert faults(here, "cn/nort/2023/average") == (
        "plant.yaml:9  assets.grid.location_factor: cn/nort/2023/average\n"
        '   wanted a factor of the catalogue, such as cn/north/2023/average; did you mean "cn/north/2023/average"?'
    )


def test_a_factor_of_another_family_is_refused(here):
    assert faults(here, "cn/2024/footprint") == (
        "plant.yaml:9  assets.grid.location_factor: cn/2024/footprint is of the family footprint\n"
        "   wanted a factor of the family average (electricity: all plants of a region, by what each kWh drawn there "
        "emitted on average); footprint factors stand under footprint.factors"
    )


def test_a_family_that_is_told_must_fit_the_field(here):
    assert faults(here, "{factor: 0.4 kgCO2/kWh, family: fossil}") == (
        "plant.yaml:9  assets.grid.location_factor.family: fossil\n   wanted one of average"
    )


def test_particulars_are_checked_all_in_one_go(here):
    text = "{factor: 0.4 kWh, familly: average, year: old, source: 5, status: V9}"
    lines = faults(here, text).splitlines()
    assert [line.split("  ")[1].split(":")[0] for line in lines[::2]] == [
        "assets.grid.location_factor.familly",
        "assets.grid.location_factor.source",
        "assets.grid.location_factor.status",
        "assets.grid.location_factor.year",
        "assets.grid.location_factor.factor",
    ]
    assert 'did you mean "family"?' in lines[1]


def test_a_factor_of_another_year_is_refused_with_file_and_line(here):
    assert faults(here, "cn/2022/average", "accounting: {year: 2023}\n") == (
        "plant.yaml:9  assets.grid.location_factor: cn/2022/average, of 2022\n"
        "   wanted one of 2023, as accounting.year says; the catalogue has cn/2023/average"
    )


def test_a_factor_that_is_not_valid_on_the_horizon_needs_a_word(here):
    assert faults(here, "cn/2022/average") == (
        "plant.yaml:9  assets.grid.location_factor: cn/2022/average\n"
        "   wanted a factor that is valid from 2026-06-15 to 2026-06-15; this one is from 2022-01-01 to 2022-12-31; "
        "accounting: {year: 2022} uses it all the same"
    )
    assert read(here, "cn/2022/average", "accounting: {year: 2022}\n")
    assert read(here, "cn/2023/average"), "the newest is valid until the next is published"


def test_a_factor_of_another_region_is_refused(here):
    more = "accounting: {region: cn/shanghai, year: 2023}\n"
    assert faults(here, "cn/north/2023/average", more) == (
        "plant.yaml:9  assets.grid.location_factor: cn/north/2023/average, for cn/north\n"
        "   wanted one for cn/shanghai, or a region around it, as accounting.region says; "
        "the catalogue has cn/east/2023/average"
    )
    assert read(here, "cn/east/2023/average", more)
    assert read(here, "cn/2023/average", more)


SECOND = """\
    market_factor: cn/2023/average_excluding_traded
  other:
    kind: grid_connection
    capacity: 10 kW
    import_price: 1 EUR/kWh
    location_factor: cn/2023/average
    market_factor: cn/2023/fossil
"""


def test_two_families_in_one_column_are_refused(here):
    changes = ("location_factor: cn/2023/average\n", f"location_factor: cn/2023/average\n{SECOND}")
    assert faults(here, "cn/2023/average", "", changes) == (
        "plant.yaml:16  assets.other.market_factor: cn/2023/fossil, of the family fossil\n"
        "   wanted the family average_excluding_traded of assets.grid.market_factor: one column, one family"
    )


GAS = """\
  gas:
    kind: supply
    bus: natural_gas
    price: 0.05 EUR/kWh
    scope_1_factor: cn/natural_gas/combustion
"""


def test_carbon_dioxide_and_all_gases_are_not_added_up_unless_told(here):
    changes = ("  battery:\n", f"{GAS}  battery:\n")
    assert faults(here, "0.35 kgCO2e/kWh", "", changes) == (
        "plant.yaml:14  assets.gas.scope_1_factor: kgCO2\n"
        "   wanted kgCO2e, as assets.grid.location_factor says: one total, one kind of gas; accounting: {gases: CO2e} "
        "lets factors of CO2 alone into totals of all gases, and tells so"
    )
    text = changed(PLANT, [("FACTOR", "0.35 kgCO2e/kWh"), changes])
    assert read_scenario(write(here, text + "accounting: {gases: CO2e}\n")).plant.accounting.gases == "CO2e"
    assert "kgCO2, as accounting.gases says" in told(write(here, text + "accounting: {gases: CO2}\n"))


def test_scope_3_may_count_other_gases_while_no_total_holds_it(here):
    upstream = "0.5 kgCO2/kWh\n    upstream_factor: 0.06 kgCO2e/kWh"
    assert read(here, upstream)
    assert "upstream_factor: kgCO2e" in faults(here, upstream, "objective: {scopes: [1, 2, 3]}\n")


def test_a_footprint_factor_needs_an_asset_and_its_family(here):
    more = "footprint: {factors: {gird: cn/2024/footprint, grid: cn/2023/average}}\n"
    assert faults(here, "0.5 kgCO2/kWh", more) == (
        "plant.yaml:17  footprint.factors.grid: cn/2023/average is of the family average\n"
        "   wanted a factor of the family footprint (electricity, heat or a fuel: the whole life cycle, for the "
        "footprint of products)"
    )
    more = "footprint: {factors: {gird: cn/2024/footprint}}\n"
    assert faults(here, "0.5 kgCO2/kWh", more) == (
        'plant.yaml:17  footprint.factors.gird: no asset gird\n   wanted an asset of the scenario; did you mean "grid"?'
    )
