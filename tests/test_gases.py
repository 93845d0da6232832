"""Carbon dioxide and all greenhouse gases are kept apart: offsets, caps, prices, footprints and contracts' factors."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.account import account
from microgrid.account_table import account_table
from microgrid.caveats import caveats
from microgrid.disclosure import sheet
from microgrid.plant import Objective
from microgrid.plots.view import View
from microgrid.report_carbon import carbon_page
from microgrid.running import run
from microgrid.scenario import read_scenario
from tests.files import PLANT, changed, told, write

GRID = """import_price: 0.2 EUR/kWh
    location_factor: LOCATION
    market_factor: MARKET
    contracts:
      green: {kind: green_trade, premium: 0.01 EUR/kWh, matching: month, most: 100 kWhMORE}"""
PARTS = [("LOCATION", "0.5 kgCO2/kWh"), ("MARKET", "0.6 kgCO2/kWh"), ("MORE", "")]
CURE = "accounting: {gases: CO2e} lets factors of CO2 alone into totals of all gases, and tells so"
# 24 h of 100 to 123 kW are 2,676 kWh at 0.5 kg.
GROSS = 2676 * 0.5


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path()


def scenario(here, more="", *changes):
    """Write the works with one contract; a change replaces one of PARTS."""
    parts = dict(PARTS) | dict(changes)
    grid = changed(GRID, [(old, new) for old, new in parts.items() if old in GRID])
    return write(here, changed(PLANT, [("import_price: 0.2 EUR/kWh", grid)]) + more)


def offsets(*amounts):
    rows = "".join(f"    - {{name: o{at}, amount: {amount}}}\n" for at, amount in enumerate(amounts))
    return f"accounting:\n  offsets:\n{rows}"


def planned(here, more, *changes):
    return run(scenario(here, more, *changes), here / "run")


def test_offsets_of_another_gas_are_told_and_not_taken_off(here):
    """1,338 kgCO2 gross less 100 kgCO2: the 200 kgCO2e, which may be methane's, stand beside it."""
    result = planned(here, offsets("200 kgCO2e", "100 kgCO2"))
    assert result.manifest["emissions"]["emissions_location"] == pytest.approx(GROSS)
    of_paper = account(result)
    assert of_paper.residual.location == pytest.approx(GROSS - 100)
    assert of_paper.residual.gas == "CO2"
    assert of_paper.residual.trace == "the gross total less the offsets above that count CO2 alone"
    caution = (
        "Offsets in CO2e are not taken off the account, for a total of carbon dioxide alone does not hold the other "
        "gases: o0."
    )
    assert caution in of_paper.quality
    assert caution in caveats(result)
    table = account_table(of_paper)
    rows = table[table["section"] == "offset"]
    assert list(zip(rows["location"], rows["unit"], strict=True)) == [(-200.0, "kgCO2e"), (-100.0, "kgCO2")]
    page = sheet(of_paper)
    assert caution in page
    assert "200.0 kgCO2e" in page
    assert carbon_page(View.of(result))["offsets"] == ["o0: 200.0 kgCO2e", "o1: 100.0 kgCO2"]


def test_offsets_of_carbon_dioxide_count_in_an_account_of_all_gases(here):
    all_gases = ("LOCATION", "0.5 kgCO2e/kWh"), ("MARKET", "0.6 kgCO2e/kWh")
    result = planned(here, offsets("100 kgCO2", "200 kgCO2e"), *all_gases)
    assert account(result).residual.location == pytest.approx(GROSS - 300)


def test_offsets_above_the_gross_account_are_cautioned_wherever_it_is_shown(here):
    """By location 1,338 kg, by market 100 kWh are matched: (2,676 - 100) * 0.6 = 1,545.6 kg. 1,400 are above one."""
    result = planned(here, "objective: {basis: market, carbon_price: 1 EUR/kgCO2}\n" + offsets("1400 kgCO2"))
    assert result.manifest["emissions"]["emissions_market"] == pytest.approx(2576 * 0.6)
    caution = "The offsets are more than there is to offset: 1400 kgCO2, and the gross total by location is 1338 kgCO2."
    for shown in (account(result).quality, caveats(result)):
        assert [text for text in shown if text.startswith(caution)]
        assert not [text for text in shown if "by market is" in text]
    assert caution in sheet(account(result))
    assert caution in (here / "run" / "report.html").read_text()


def test_offsets_below_the_gross_account_need_no_caution(here):
    result = planned(here, offsets("1300 kgCO2"))
    assert not [text for text in (*caveats(result), *account(result).quality) if "offset" in text.casefold()]


@pytest.mark.parametrize(
    ("more", "where", "found", "wanted"),
    [
        ("objective: {caps: {scope_2_market: 300 kgCO2e}}", "objective.caps.scope_2_market", "kgCO2e",
         "kgCO2, which scope_2_market counts by assets.grid.location_factor"),
        ("objective: {caps: {emissions: 1 tCO2e}}", "objective.caps.emissions", "kgCO2e",
         "kgCO2, which emissions counts by assets.grid.location_factor"),
        ("objective: {carbon_price: 100 EUR/tCO2e}", "objective.carbon_price", "per kgCO2e",
         "per kgCO2, which emissions counts by assets.grid.location_factor"),
        ("objective: {carbon_prices: {scope_2_location: 1 EUR/tCO2e}}", "objective.carbon_prices.scope_2_location",
         "per kgCO2e", "per kgCO2, which scope_2_location counts by assets.grid.location_factor"),
        ("accounting: {gases: CO2e, trading: {price: 60 EUR/tCO2}}", "accounting.trading.price", "per kgCO2",
         "per kgCO2e, which scope_1 counts by accounting.gases"),
        ("accounting: {gases: CO2e, trading: {price: 60 EUR/tCO2e, allowances: 5 tCO2}}",
         "accounting.trading.allowances", "kgCO2", "kgCO2e, which scope_1 counts by accounting.gases"),
    ],
)  # fmt: skip
def test_caps_and_prices_of_the_other_gas_are_refused_by_file_and_line(here, more, where, found, wanted):
    line = 20
    cure = "" if "gases" in more else f"; {CURE}"
    assert told(scenario(here, more)) == f"plant.yaml:{line}  {where}: {found}\n   wanted {wanted}{cure}"


@pytest.mark.parametrize(
    "more",
    [
        "objective: {caps: {scope_2_market: 3 tCO2}, carbon_price: 100 EUR/tCO2}",
        "objective: {caps: {cost: 3 EUR}}\naccounting: {gases: CO2e, trading: {price: 1 EUR/tCO2e}}",
    ],
)
def test_caps_and_prices_of_the_same_gas_are_taken(here, more):
    assert read_scenario(scenario(here, more)).plant.objective.goals == ("cost",)


def test_numbers_made_in_python_count_what_their_column_does(here):
    plant = read_scenario(scenario(here)).plant
    assert type(plant)(plant.timeline, plant.assets, objective=Objective(caps={"emissions": 1e4}, carbon_price=1.0))


def test_a_contract_s_factor_counts_what_the_column_does(here):
    assert told(scenario(here, "", ("MORE", ", factor: 0.02 kgCO2e/kWh"))) == (
        "plant.yaml:12  assets.grid.contracts.green.factor: kgCO2e\n"
        f"   wanted kgCO2, as assets.grid.location_factor says: one total, one kind of gas; {CURE}"
    )
    asset = read_scenario(scenario(here, "", ("MORE", ", factor: 0.02 kgCO2/kWh"))).plant.assets["grid"]
    assert asset.contracts["green"].factor.gas == "CO2"


def test_a_contract_s_factor_is_no_average(here):
    text = told(scenario(here, "", ("MORE", ", factor: cn/2023/average")))
    assert "plant.yaml:12  assets.grid.contracts.green.factor: cn/2023/average is of the family average" in text
    assert "wanted a factor of the family supplier" in text


def test_what_contracts_leave_is_no_average_by_any_name(here):
    """The family average written out was let through; a bare number that is an average's is told in the summary."""
    written = ("MARKET", "{factor: 0.6 kgCO2/kWh, family: average}")
    assert told(scenario(here, "", written)) == (
        "plant.yaml:10  assets.grid.market_factor: a factor, of the family average\n"
        "   wanted a residual mix, such as cn/2023/average_excluding_traded, for what contracts do not match; an "
        "average holds the green power that was sold to others"
    )


@pytest.mark.parametrize(
    ("market", "same"),
    [("0.5 kgCO2/kWh", "assets.grid.location_factor"), ("0.5306 kgCO2/kWh", "cn/2023/average"), ("0.6 kgCO2/kWh", "")],
)
def test_a_residual_mix_that_is_the_number_of_an_average_is_told(here, market, same):
    found = [text for text in caveats(planned(here, "", ("MARKET", market))) if "residual mix" in text]
    whole = (
        f"assets.grid.market_factor, the residual mix beside contracts, is the number of {same}, an average: it holds "
        "green power that was sold to others, which counts twice."
    )
    assert found == ([whole] if same else [])


def test_footprint_factors_are_of_all_gases(here):
    text = told(scenario(here, "footprint: {factors: {grid: 0.05 kgCO2/kWh}}"))
    assert text.startswith(
        "plant.yaml:20  footprint.factors.grid: 0.05 kgCO2/kWh\n   wanted a quantity in kgCO2e/kWh or"
    )


def test_footprint_factors_of_another_region_are_refused(here):
    more = "footprint: {factors: {grid: cn/2023/footprint}}\naccounting: {region: de}"
    assert told(scenario(here, more)) == (
        "plant.yaml:20  footprint.factors.grid: cn/2023/footprint, for cn\n"
        "   wanted one for de, or a region around it, as accounting.region says"
    )


def test_footprint_factors_of_another_year_are_told(here):
    more = "footprint: {factors: {grid: cn/2024/footprint, plant: 0.1 kgCO2e/kWh}}\naccounting: {year: 2023}"
    assert "Life-cycle factors of another year than the account's 2023: cn/2024/footprint of 2024." in caveats(
        planned(here, more)
    )
