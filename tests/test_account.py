"""The carbon account on paper: every figure against the plan, every trace against what it names, and the files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from microgrid.account import account
from microgrid.account_lines import PARTS
from microgrid.account_table import COLUMNS, account_table
from microgrid.caveats import caveats
from microgrid.cli import app
from microgrid.disclosure import sheet
from microgrid.origins import origins
from microgrid.plots.sankey import Hub, carbon_hubs, energy_hubs
from microgrid.plots.view import View
from microgrid.results import load
from microgrid.running import run
from tests.files import CSV, PLANT, changed, write

MORE = """\
  gas:
    kind: supply
    bus: natural_gas
    price: 0.05 EUR/kWh
    scope_1_factor: cn/natural_gas/combustion
  oven: {kind: production_load, bus: natural_gas, demand: 40 kW}
accounting:
  standard: gb_t_32150
  year: 2023
  boundary: the works without the canteen
  trading: {price: 50 EUR/tCO2, allowances: 100 kgCO2}
  offsets:
    - {name: forest, amount: 1 tCO2, standard: CCER, year: 2024, source: registry 17}
footprint: {factors: {grid: cn/2023/footprint, gas: 0.24 kgCO2e/kWh}}
"""
GRID = """\
import_price: 0.2 EUR/kWh
    export_price: 0.05 EUR/kWh
    location_factor: cn/north/2023/average
    market_factor:
      {factor: 0.7 kgCO2/kWh, family: average_excluding_traded, source: a letter, status: M}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a run."""
    here = tmp_path_factory.mktemp("account")
    path = write(here, changed(PLANT, [("import_price: 0.2 EUR/kWh", GRID)]) + MORE, CSV)
    run(path, here / "run")
    return here / "run"


@pytest.fixture(scope="module")
def plan(folder):
    return load(folder)


def summed(plan, **names):
    frame = plan.emissions
    for column, name in names.items():
        frame = frame[frame[column].astype(str) == name]
    return float(frame["amount"].sum())


def test_every_line_is_the_sum_that_its_trace_names(plan):
    """The trace is read as a person would: asset and line out of the text, then the sum of the frame's rows."""
    told = account(plan)
    assert {line.part for line in told.lines} == {"fuel", "purchased", "exported"}
    for line in told.lines:
        asset, name = re.fullmatch(r".* asset = (\w+) and line = (.*)", line.trace).groups()
        amount = line.location if line.location is not None else line.market
        assert amount == pytest.approx(summed(plan, asset=asset, line=name))


def test_activity_times_factor_is_the_line(plan):
    told = {line.line: line for line in account(plan).lines}
    bought, gas = told["import, location-based"], told["supply, burnt"]
    assert bought.location == pytest.approx(bought.activity * 0.6361)
    assert told["import, market-based"].market == pytest.approx(bought.activity * 0.7)
    assert (gas.activity, gas.activity_unit) == (pytest.approx(960.0), "kWh")
    assert gas.location == gas.market == pytest.approx(960.0 * 0.1999404)


def test_a_line_whose_amount_is_not_its_factor_s_names_none(plan):
    """Half of the gas burnt under another factor: the catalogue's does not stand behind all of it."""
    frame = plan.emissions.copy()
    frame.loc[frame["asset"].astype(str) == "gas", "amount"] *= 0.5
    told = {line.line: line for line in account(replace(plan, emissions=frame)).lines}
    assert told["supply, burnt"].factor == ""
    assert told["import, location-based"].factor == "assets.grid.location_factor"


def test_every_factor_and_price_names_the_line_where_it_stands(plan, folder):
    """Each place is opened: the line of the file must hold what the account says stands there."""
    told = account(plan)
    named = {factor["where"]: factor["place"] for factor in told.factors}
    assert set(named) == {"assets.grid.location_factor", "assets.grid.market_factor", "assets.gas.scope_1_factor"}
    places = [(factor["place"], factor["text"]) for factor in told.factors]
    places += [(price["place"], price["text"]) for price in told.prices]
    assert len(places) == 5
    for place, text in places:
        file, _, number = place.rpartition(":")
        assert text in Path(file).read_text().splitlines()[int(number) - 1]
    assert {line.place for line in told.lines if line.asset == "gas"} == {named["assets.gas.scope_1_factor"]}


def test_offsets_stand_behind_the_gross_total_and_change_none_of_it(plan):
    told, emitted = account(plan), plan.manifest["emissions"]
    assert [total.label for total in told.gross] == ["Scope 1", "Scope 2", "Exported", "Gross total"]
    *parts, total = told.gross
    assert total.location == pytest.approx(sum(part.location for part in parts)) == emitted["emissions_location"]
    assert total.market == pytest.approx(sum(part.market for part in parts))
    assert told.residual.location == pytest.approx(total.location - 1000.0)
    assert told.offsets[0]["text"] == "CCER, 2024, registry 17"
    assert told.offsets[0]["place"].endswith(":32")


def test_quality_names_what_is_unsure(plan):
    told = " ".join(account(plan).quality)
    assert "assets.grid.market_factor: unverified" in told
    assert "cn/natural_gas/combustion: one secondary source" in told
    assert "Factors of 2023 are applied to the calendar of 2026." in told
    assert "of a year" in told
    assert "carbon dioxide alone" in told
    assert any("Unverified emission factors" in text and "market_factor" in text for text in caveats(plan))


def test_what_is_not_covered_names_purchases_without_a_factor(plan):
    bare = replace(plan, emissions=plan.emissions[plan.emissions["asset"].astype(str) != "gas"])
    assert "What gas buys has no emission factor: it counts as nothing." in account(bare).uncovered


def test_the_table_holds_every_figure_with_its_trace(plan):
    told = account(plan)
    table = account_table(told)
    assert tuple(table.columns) == COLUMNS
    assert table["trace"].notna().all()
    gross = table[(table["section"] == "gross") & (table["item"] == "Gross total")].iloc[0]
    assert gross["location"] == told.gross[-1].location
    sections = {"boundary", "method", "factor", "gross", "apart", "offset", "after offsets", "price"}
    assert set(table["section"]) >= sections
    assert set(table["section"]) & set(PARTS.values())


def test_the_files_are_written_and_open_offline(folder, tmp_path):
    result = CliRunner().invoke(app, ["account", str(folder), "--out", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["account.csv", "account.html", "account.png"]
    html = (tmp_path / "new" / "account.html").read_text(encoding="utf-8")
    assert "http" not in html.replace("http-equiv", "")
    assert "the works without the canteen" in html
    assert "plant.yaml:10" in html
    assert pd.read_csv(tmp_path / "new" / "account.csv")["section"].iloc[0] == "boundary"


def test_hostile_names_stay_text(plan):
    told = replace(account(plan), name="<script>alert(1)</script>")
    assert "<script>" not in sheet(told)


def test_a_folder_that_cannot_be_written_is_told(folder, tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["account", str(folder), "--out", str(tmp_path / "file" / "in")])
    assert "a folder that can be written" in str(result.exception)


def sides(hub: Hub) -> tuple[float, float]:
    return sum(link.amount for link in hub.given), sum(link.amount for link in hub.taken)


def test_the_picture_balances_each_bus_in_energy_and_carbon(plan):
    """What comes in from the left goes out to the right; carbon enters as the ledger has it."""
    view, found = View.of(plan), origins(plan)
    for hub in (*energy_hubs(view, found.network), *carbon_hubs(view, found)):
        given, taken = sides(hub)
        assert given == pytest.approx(taken, rel=1e-6)
    entering = sum(
        link.amount for hub in carbon_hubs(view, found) for link in hub.given if link.label in ("grid, import", "gas")
    )
    assert entering == pytest.approx(summed(plan, line="import, location-based") + summed(plan, line="supply, burnt"))


def test_batches_of_a_run_are_told_from_the_command_line(folder, tmp_path):
    batches = tmp_path / "batches.csv"
    batches.write_text(
        "batch,product,mass [t],load,start,end\n"
        "A,ring,2,plant;oven,2026-06-15T06:00,2026-06-15T14:00\nB,ring,1,plant,2026-06-15T10:00,2026-06-15T14:00\n"
    )
    result = CliRunner().invoke(app, ["footprint", str(folder), str(batches), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    told = pd.read_csv(tmp_path / "footprint_products.csv").set_index("batch")
    assert told.loc["A", "emissions"] > 320 * 0.24
    balance = pd.read_csv(tmp_path / "footprint_balance.csv")
    assert abs(balance["amount"].sum()) < 1e-6 * balance["amount"].abs().sum()


def test_factors_are_listed_and_searched():
    listed = CliRunner().invoke(app, ["factors"]).output
    assert "cn/north/2023/average" in listed
    assert "unverified" in listed
    assert "cn/diesel/combustion" not in CliRunner().invoke(app, ["factors", "footprint"]).output
    assert "part of the name, family or region" in str(CliRunner().invoke(app, ["factors", "xyzzy"]).exception)
