"""Why there is no plan: thirty scenarios broken on purpose, what is told of them, and that the told change cures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microgrid.explaining import explain_infeasible
from microgrid.running import run, solve_plant
from microgrid.scenario import read_scenario
from solvers import Settings

HERE = Path(__file__).parent / "infeasible"
FAULTS: list[dict[str, Any]] = YAML(typ="safe").load((HERE / "faults.yaml").read_text("utf-8"))


def broken(fault: dict[str, Any]) -> tuple[Path, dict[str, str]]:
    """Return the file of a fault and its overrides."""
    return HERE / f"{fault['base']}.yaml", {path: str(text) for path, text in fault["set"].items()}


@pytest.mark.parametrize("base", ["power", "hydrogen", "heat"])
def test_what_the_faults_are_put_into_is_good(base):
    plant = read_scenario(HERE / f"{base}.yaml").plant
    assert solve_plant(plant, Settings(gap=0.01)).manifest["outcome"]["proved"]


def test_there_are_thirty_faults():
    assert len(FAULTS) == 30
    assert len({fault["fault"] for fault in FAULTS}) == 30


@pytest.mark.parametrize("fault", FAULTS, ids=[fault["fault"] for fault in FAULTS])
def test_a_right_field_is_named_and_its_change_solves(fault):
    path, overrides = broken(fault)
    scenario = read_scenario(path, overrides)
    explanation = explain_infeasible(scenario.plant, scenario.document, seconds=600)
    assert explanation.unmet
    proposals = {proposal.field: proposal for proposal in explanation.proposals[:6]}
    right = [field for field in fault["right"] if field in proposals]
    assert right, f"told: {list(proposals)}"
    proposal = proposals[right[0]]
    assert proposal.is_proved
    cured = run(path, overrides=overrides | dict(proposal.overrides))
    assert cured.manifest["audit"]["passed"]
