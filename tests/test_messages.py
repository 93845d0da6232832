"""What users are told, word for word: every kind of fault, in files that are good but for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microgrid.plant import COST_COLUMNS, EMISSION_COLUMNS
from microgrid.scenario import read_scenario
from microgrid.sections import Head
from microgrid.technologies import technologies
from microgrid.technologies.commitment import Commitment
from tests.files import CSV, PLANT, changed, told, write

CASES: list[dict[str, Any]] = YAML(typ="safe").load((Path(__file__).parent / "messages.yaml").read_text("utf-8"))
WORDS = {
    "<battery_keys>": ", ".join(technologies()["battery"].model_fields),
    "<commitment_keys>": ", ".join(Commitment.model_fields),
    "<sections>": ", ".join(Head.model_fields),
    "<kinds>": ", ".join(technologies()),
    "<carbon_columns>": ", ".join(EMISSION_COLUMNS),
    "<columns>": ", ".join((*COST_COLUMNS, *EMISSION_COLUMNS)),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand where the files are, so that messages name them as a user does."""
    monkeypatch.chdir(tmp_path)
    return Path()


def test_the_file_that_every_case_changes_is_good(here):
    scenario = read_scenario(write(here))
    assert list(scenario.plant.assets) == ["grid", "battery", "plant"]


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_every_fault_is_told_word_for_word(case, here):
    plant = changed(PLANT, case.get("plant", {}).items()) + case.get("more", "")
    table = "".join(CSV.splitlines(keepends=True)[: case.get("rows")])
    path = write(here, plant, changed(table, case.get("csv", {}).items()))
    expected = changed(case["told"], [(word, text) for word, text in WORDS.items() if word in case["told"]])
    assert told(path, case.get("set")) == expected


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_no_message_speaks_of_the_code(case):
    lowered = case["told"].casefold()
    words = ("input should", "validation error", "pydantic", "traceback", "nonetype", "ndarray", "basemodel", "ctx")
    assert not [word for word in words if word in lowered]
