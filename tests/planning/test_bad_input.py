"""What planners get wrong, typed at every command: each a fault with file and line, never a traceback."""

from __future__ import annotations

import pytest

from tests.command_line import typed
from tests.planning.files import YEAR

PATHWAY = "pathway: {stages: [2026, 2030], fields: {assets.roof.capacity.capex: [500 EUR/kW, 400 EUR/kW]}}\n"
FUTURES = (
    "uncertainty: {futures: {usual: {probability: 50 %}, "
    "more: {probability: 50 %, fields: {assets.plant.demand: 120 kW}}}}\n"
)
PLANT = YEAR.replace("reference:", f"{PATHWAY}{FUTURES}reference:")
COMMANDS = ("size", "pareto", "pathway", "uncertainty", "alternatives", "operated")

STAGE_PRICES = "plant.yaml:5  pathway.fields.assets.roof.capacity.capex: "
FAULTS = {
    "an unlimited size": ("high: 50 kW, ", "", "plant.yaml:13  assets.roof.capacity.high: missing"),
    "an infinite size": ("50 kW", ".inf kW", "plant.yaml:13  assets.roof.capacity.high: .inf kW"),
    "a lifetime of zero": ("lifetime: 10 a", "lifetime: 0 a", "plant.yaml:13  assets.roof.capacity.lifetime: 0 a"),
    "a project of no years": ("project_life: 20 a", "project_life: 0 a", "plant.yaml:4  finance.project_life: 0 a"),
    "a rate in percent": (
        "rate: 6 %", "rate: 6",
        'plant.yaml:4  finance.discount_rate: 6\n   wanted from -0.5 to 1; write "6 %"',
    ),
    "a stage without data": (", 400 EUR/kW]", "]", f"{STAGE_PRICES}1 value for 2 stages, none for 2030"),
    "a value for all stages": ("[500 EUR/kW, 400 EUR/kW]", "500 EUR/kW", f"{STAGE_PRICES}500 EUR/kW"),
    "stages out of order": ("[2026, 2030]", "[2030, 2026]", "plant.yaml:5  pathway.stages: 2026 after 2030"),
    "probabilities of 0.9": (
        "usual: {probability: 50 %}", "usual: {probability: 40 %}",
        "plant.yaml:6  uncertainty: probabilities of 90 % together",
    ),
    "no such reference": (
        "[roof]", "[rof]",
        'plant.yaml:7  reference.without.0: rof\n   wanted an asset of the scenario; did you mean "roof"?',
    ),
    "no such file": (
        "{without: [roof], name: grid only}", "{file: none.yaml}", "plant.yaml:7  reference.file: none.yaml",
    ),
    "a low above high": ("high: 50 kW", "low: 60 kW, high: 50 kW", "plant.yaml:13  assets.roof.capacity"),
    "a late incentive": (
        "project_life: 20 a}", "project_life: 20 a, incentives: {prize: {amount: 5 EUR, year: 30}}}",
        "plant.yaml:4  finance.incentives.prize: a payment 30 years after the start",
    ),
}  # fmt: skip


@pytest.fixture
def microgrid(monkeypatch, capsys):
    with typed(monkeypatch, capsys) as command:
        yield lambda *words: command(*map(str, words))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_place(fault, command, microgrid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old, new, told = FAULTS[fault]
    assert old in PLANT
    (tmp_path / "plant.yaml").write_text(PLANT.replace(old, new), encoding="utf-8")
    ended = microgrid(command, "plant.yaml", "--out", "run")
    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "without", "told"),
    [
        (("size",), "reference: {without: [roof], name: grid only}\n", "plant.yaml:1  reference: missing"),
        (("operated",), "reference: {without: [roof], name: grid only}\n", "plant.yaml:1  reference: missing"),
        (("pathway",), PATHWAY, "plant.yaml:1  pathway: missing"),
        (("uncertainty",), FUTURES, "plant.yaml:1  uncertainty: missing"),
        (("pareto", "--points", "1"), "", "--points: 1"),
        (("alternatives", "--within", "-2 %"), "", "--within: -0.02"),
        (("alternatives", "--within", "much"), "", "--within"),
        (("alternatives", "--diverse", "99"), "", "--diverse: 99"),
        (("size", "--segments", "0"), "", "--segments: 0"),
    ],
)
def test_what_a_command_needs_is_told(words, without, told, microgrid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plant.yaml").write_text(PLANT.replace(without, "") if without else PLANT, encoding="utf-8")
    command, *options = words
    ended = microgrid(command, "plant.yaml", *options, "--out", "run")
    assert ended.code == 2
    assert told in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_to_decide_is_told(command, microgrid, tmp_path, monkeypatch):
    """All sizes are given; a front needs none."""
    monkeypatch.chdir(tmp_path)
    given = PLANT.replace("{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 10 a}", "50 kW")
    given = given.replace(PATHWAY, "pathway: {stages: [2026, 2030]}\n")
    (tmp_path / "plant.yaml").write_text(given, encoding="utf-8")
    ended = microgrid(command, "plant.yaml", "--out", "run")
    assert ended.code == (0 if command == "pareto" else 2)
    assert command == "pareto" or "capacities that are all given" in ended.err
