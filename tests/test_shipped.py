"""Shipped scenarios: each reads, solves and audits; the long ones to a wider gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.running import run
from microgrid.scenario import read_scenario
from solvers import Ended

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


def test_every_file_has_a_licence_note(path):
    notes = "".join((path.parent / name).read_text(encoding="utf-8") for name in ("LICENSES.md", "README.md"))
    data = [name for name in path.parent.iterdir() if name.suffix in (".csv", ".epw")]
    assert data
    assert [name.name for name in data if name.name not in notes] == []
