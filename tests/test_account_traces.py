"""Every figure of an account is followed to where it says it comes from, and what stands there is the figure.

The plants are the shipped ones with contracts, on a few days of their month: the traces are read as a person would read
them, and files are opened by nothing but their name and line.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid.account import account
from microgrid.factors import catalogue
from microgrid.results import load
from microgrid.running import run
from microgrid.units import quantity

HERE = Path(__file__).parents[1] / "docs" / "green_power"
SHORT = {"horizon.days": "2", "horizon.start": "2018-07-02", "objective.caps.scope_2_market": "1 tCO2"}
OWN = {"assets.grid.contracts.wind.factor": "0.02 kgCO2/kWh"}


@pytest.fixture(scope="module", params=["annual", "hourly", "certificates"])
def folder(request, tmp_path_factory):
    """Return the folder of a run."""
    name, more = request.param, OWN if request.param == "hourly" else {}
    here = tmp_path_factory.mktemp(name) / "run"
    run(HERE / f"{name}.yaml", here, SHORT | more)
    return here


def standing_at(place: str, of: Path) -> str:
    """Return the line of a file that a place names, or the override that it was given by."""
    file, _, number = place.rpartition(":")
    return Path(file).read_text("utf-8").splitlines()[int(number) - 1]


def number_in(text: str) -> float:
    """Return the factor that a line of a scenario file writes: a name of the catalogue, or a quantity."""
    name = re.search(r"\w+(?:/\w+)+", text.partition("#")[0])
    if name is not None and name[0] in catalogue():
        return catalogue()[name[0]].value
    written = re.search(r"[\d.]+ kgCO2e?/kWh", text)
    assert written is not None, f"no factor in {text!r}"
    return quantity(written[0], "kgCO2/kWh")


def test_lines_are_the_sum_of_their_rows_and_the_product_of_activity_and_factor(folder):
    """The matched line of a contract was said to stand on the residual factor."""
    plan, told = load(folder), account(load(folder))
    frame = pd.read_parquet(folder / "emissions.parquet")
    inputs = plan.manifest["inputs"]
    seen = set()
    for line in told.lines:
        asset, name = re.fullmatch(
            r"emissions.parquet: sum of amount where asset = (\w+) and line = (.*)", line.trace
        ).groups()
        rows = frame[(frame["asset"].astype(str) == asset) & (frame["line"].astype(str) == name)]
        amount = line.location if line.location is not None else line.market
        assert amount == pytest.approx(rows["amount"].sum())
        assert line.factor
        seen.add(line.line.rpartition(", ")[2])
        if line.place == "--set":
            factor = number_in(inputs[line.factor]["text"])
        elif line.line.endswith(", matched"):
            contract = line.line.removesuffix(", matched")
            assert standing_at(line.place, folder).strip().startswith(("kind:", f"{contract}:"))
            assert line.factor == f"assets.grid.contracts.{contract}"
            factor = 0.0
        else:
            factor = number_in(standing_at(line.place, folder))
        assert line.activity * factor == pytest.approx(amount, abs=1e-6)
    assert seen == {"location-based", "market-based", "matched"}


def test_activities_are_the_flows_and_add_up(folder):
    """What is matched and what is not are all that is imported."""
    told, plan = account(load(folder)), load(folder)
    by_line = {line.line: line.activity for line in told.lines}
    flows = plan.flows[plan.flows["port"].astype(str) == "import"]
    imported = float(flows["rate"].to_numpy() @ (plan.steps["hours"] * plan.steps["weight"]).to_numpy())
    matched = sum(activity for line, activity in by_line.items() if line.endswith(", matched"))
    assert by_line["import, location-based"] == pytest.approx(imported)
    assert by_line["import, market-based"] + matched == pytest.approx(imported)
    assert matched > 0


def test_factors_and_contracts_stand_where_they_say(folder):
    told = account(load(folder))
    for factor in told.factors:
        if factor["place"] != "--set":
            assert number_in(standing_at(factor["place"], folder)) == pytest.approx(factor["value"])
    for contract in told.contracted:
        assert contract.contract in "".join(Path(contract.place.rpartition(":")[0]).read_text("utf-8"))
        table = pd.read_csv(folder / "matching.csv")
        assert table.loc[table["contract"] == contract.contract, "matched"].sum() == pytest.approx(contract.matched)
        costs = pd.read_parquet(folder / "costs.parquet")
        own = costs["line"].astype(str).str.startswith(f"{contract.contract}, ")
        assert costs.loc[own, "amount"].sum() == pytest.approx(contract.cost)


def test_totals_are_the_manifest_s(folder):
    """Each trace is a path of manifest.json, and names one number for each basis."""
    plan, told = load(folder), account(load(folder))
    for total in (*told.gross, *told.apart):
        columns = total.trace.removeprefix("manifest.json: emissions.").split(", ")
        values = [plan.manifest["emissions"][column] for column in columns]
        assert [total.location, total.market] == pytest.approx([values[0], values[-1]])
        assert np.isfinite(values).all()
