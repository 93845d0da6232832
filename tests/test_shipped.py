"""Shipped scenarios: each reads, solves and audits; the long ones to a wider gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microgrid.bills.calculator import bill
from microgrid.bills.held import readings_of
from microgrid.bills.readings import Facts
from microgrid.claims import BILLED_BY, TariffBill
from microgrid.factor_checks import factors_used
from microgrid.origins import origins
from microgrid.running import run
from microgrid.scenario import read_scenario
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from solvers import Ended
from tests.test_origins import imbalance

FOLDER = Path(__file__).parent.parent / "scenarios"
SCENARIOS = sorted(FOLDER.glob("*/*.yaml"))

WIDER = {
    "saxony_park/plant.yaml": "5 %",
    "saxony_park/clock_change_week.yaml": "5 %",
    "steel_works/week.yaml": "2 %",
}

pytestmark = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: f"{path.parent.name}/{path.name}")


def test_reads_without_a_fault(path):
    scenario = read_scenario(path)
    assert scenario.name
    assert len(scenario.plant.timeline) >= 96


def test_solves_and_audits(path):
    gap = WIDER.get(f"{path.parent.name}/{path.name}")
    result = run(path, overrides={"solver.gap": gap} if gap else {})
    manifest = result.manifest
    assert manifest["outcome"]["ended"] == Ended.OPTIMAL
    assert manifest["audit"]["findings"] == []
    assert manifest["costs"]["cost"] == pytest.approx(manifest["outcome"]["objective"], rel=1e-6)
    assert result.flows.loc[result.flows["port"] == "unserved", "rate"].sum() == pytest.approx(0.0)
    assert_the_location_based_total_follows_from_flows(result)
    assert imbalance(origins(result)) < 1e-6
    assert_billed(result)


def assert_the_location_based_total_follows_from_flows(result):
    """Energy bought times the factor that the manifest names, and nothing else, is the ledger's total."""
    energy = result.flows.merge(result.steps, on="time")
    energy["amount"] = energy["rate"] * energy["hours"] * energy["weight"]
    sums = energy.groupby(["asset", "port"], observed=True)["amount"].sum()
    standard, total = result.manifest["accounting"]["standard"], 0.0
    for factor in result.manifest["factors"]:
        asset = factor["where"].split(".")[1]
        assert factor["source"], f"{factor['where']} has no source"
        assert not factor["varies"]
        port = {"scope_1": "supply", "scope_2_location": "import"}.get(factor["column"])
        total += factor["value"] * sums[asset, port] if port else 0.0
        if factor["column"] == "scope_2_location" and standard == "gb_t_32150":
            total += factor["value"] * sums.get((asset, "export"), 0.0)
    assert total > 0
    assert result.manifest["emissions"]["emissions_location"] == pytest.approx(total, rel=1e-9)


def test_emission_factors_have_sources(path):
    """Every factor is of the catalogue, or tells where it comes from and how sure that is."""
    used = [each.factor for each in factors_used(read_scenario(path).plant.assets)]
    assert used
    assert [factor for factor in used if not (factor.source and factor.status)] == []


def assert_billed(result):
    """Bill what the meter of each grid connection read: it is what the plan spends on the grid, to a hundredth."""
    for asset in [name for name, kind in result.manifest["kinds"].items() if kind == "grid_connection"]:
        (claim,) = [claim for claim in result.claims[asset] if isinstance(claim, TariffBill)]
        flows = result.flows[result.flows["asset"] == asset]
        imported, exported = (
            flows.loc[flows["port"] == port, "rate"].abs().to_numpy() if (flows["port"] == port).any() else 0.0
            for port in ("import", "export")
        )
        readings = readings_of(result.steps, imported, exported + np.zeros(len(result.steps)))
        sizes = (result.sizes[asset].get(key) for key in ("capacity", "transformer", "contract_demand"))
        facts = Facts(_option(result, asset, claim), *sizes, Past.model_validate(claim.past))
        due = bill(Tariff.model_validate(claim.tariff), readings, facts)
        lines = result.costs[(result.costs["asset"] == asset) & result.costs["line"].isin(claim.lines)]
        assert due.total > 0
        assert lines["amount"].sum() == pytest.approx(due.total, abs=0.01)


def _option(result, asset, claim):
    """Return the billing option of a plan: as told, or as chosen."""
    states = result.states[(result.states["asset"] == asset) & (result.states["value"] > 0.5)]
    chosen = [name.removeprefix(BILLED_BY) for name in states["state"].astype(str) if name.startswith(BILLED_BY)]
    return chosen[0] if claim.billing == "choose" else claim.billing


def test_every_file_has_a_licence_note(path):
    notes = "".join((path.parent / name).read_text(encoding="utf-8") for name in ("LICENSES.md", "README.md"))
    data = [name for name in path.parent.iterdir() if name.suffix in (".csv", ".epw")]
    assert data
    assert [name.name for name in data if name.name not in notes] == []
