"""The commands of batches, as they are typed: what they print, and how they end."""

from __future__ import annotations

import json

import pytest

from microgrid import cli
from microgrid.scenario import read_scenario
from tests.batching.files import PLANT, SWEEP, write
from tests.command_line import Ran, typed

FIRST = "carbon price 0 EUR/tCO2, battery 5 kWh"


@pytest.fixture
def microgrid(tmp_path, monkeypatch, capsys):
    """Return the command line as a function of its arguments, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    with typed(monkeypatch, capsys) as ran:
        yield ran


@pytest.fixture
def solved(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP)
    assert microgrid("batch", "family.yaml", "--workers", "0", "--quiet") == Ran(0, "", "")
    return microgrid


def test_expand_lists_hash_and_name(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP)
    ran = microgrid("expand", "family.yaml")
    lines = ran.out.splitlines()
    assert (ran.code, len(lines), ran.err) == (0, 6, "6 cases\n")
    assert lines[0].split("  ", 1)[1] == f"Small: {FIRST}"


def test_expand_prints_whole_scenarios(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP)
    told = [json.loads(line) for line in microgrid("expand", "family.yaml", "--json").out.splitlines()]
    assert told[0]["labels"] == {"carbon price": "0 EUR/tCO2", "battery": "5 kWh"}
    assert told[0]["scenario"]["assets"]["battery"]["energy"] == "5 kWh"


def test_expand_writes_files_that_read(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP)
    paths = microgrid("expand", "family.yaml", "--out", "cases").out.split()
    assert len(paths) == 6
    assert read_scenario(paths[0]).name == f"Small: {FIRST}"


def test_expand_tells_a_field_that_is_not_there(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP.replace("battery.energy", "battery.enrgy"))
    ran = microgrid("expand", "family.yaml")
    assert (ran.code, ran.out) == (cli.INPUT, "")
    assert "family.yaml:28  assets.battery.enrgy: unknown key" in ran.err
    assert 'did you mean "energy"?' in ran.err


def test_batch_tells_what_it_did_and_then_that_there_is_nothing_to_do(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP)
    ran = microgrid("batch", "family.yaml", "--workers", "0")
    assert ran.code == 0
    assert ran.out.startswith("6 of 6 cases solved in ")
    assert ": 6 proved\n" in ran.out
    assert microgrid("batch", "family.yaml").out == (
        "nothing to solve: all 6 cases are in results (--force solves them again)\n"
    )


@pytest.mark.parametrize("again", [False, True])
def test_the_exit_code_is_that_of_the_worst_case_also_the_second_time(microgrid, tmp_path, again):
    sweep = "sweep:\n  grid:\n    grid: {field: assets.grid.capacity, values: [100 kW, 5 kW]}\n"
    write(tmp_path, PLANT + sweep)
    ran = microgrid("batch", "family.yaml", "--workers", "0")
    if again:
        ran = microgrid("batch", "family.yaml", "--workers", "0")
    assert ran.code == cli.INFEASIBLE
    assert "infeasible: Small: grid 5 kW\n   the scenario is infeasible" in ran.err


def test_compare_tells_units_and_what_it_leaves_out(microgrid, tmp_path):
    """Import of 80 kWh costs 15 EUR with the battery; the second case has no plan, and nobody may overlook it."""
    write(tmp_path, PLANT + "sweep:\n  grid:\n    grid: {field: assets.grid.capacity, values: [100 kW, 5 kW]}\n")
    microgrid("batch", "family.yaml", "--workers", "0", "--quiet")
    ran = microgrid("compare", "--figure", "cost", "--figure", "energy.grid.import")
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["cost", "[EUR]", "15"], ["cost.energy", "[EUR]", "15"], ["energy.grid.import", "[kWh]", "80"],
    ]  # fmt: skip
    assert ran.err == "left out, for they have no plan: 1 infeasible\n"


def test_run_of_a_family_says_how_to_solve_it(microgrid, tmp_path):
    write(tmp_path, PLANT + SWEEP)
    ran = microgrid("run", "family.yaml")
    assert ran.code == cli.INPUT
    assert ran.err == (
        "family.yaml:25  sweep: a sweep\n   wanted one case of it; `microgrid expand FILE` lists them, "
        "`microgrid batch FILE` solves them, --case NAME takes one\n"
    )
    assert microgrid("check", "family.yaml", "--case", FIRST).code == 0


def test_ls_show_compare_and_gc(solved):
    listed = solved("ls").out.splitlines()
    assert len(listed) == 6
    assert "18.50 EUR  Small: carbon price 0 EUR/tCO2, battery 5 kWh" in listed[0]
    shown = solved("show", FIRST).out
    assert f"Small: {FIRST}" in shown
    assert "audit    passed" in shown
    assert "report" not in shown
    compared = solved("compare", "--figure", "cost").out
    assert "18.5" in compared
    assert solved("gc", "--dry-run").out == "0 records and 0 files would go, 0.0 MB\n"


def test_show_makes_a_report_when_asked(solved, tmp_path, monkeypatch):
    monkeypatch.setattr("microgrid.plots.save_plots", lambda _result, _folder: {})
    ran = solved("show", FIRST, "--report", "--out", "one")
    assert (ran.code, (tmp_path / "one" / "report.html").is_file()) == (0, True)


def test_compare_draws_where_it_is_told_to(solved, tmp_path):
    ran = solved("compare", "--axis", "battery", "--across", "carbon price", "--out", "pictures")
    assert ran.out.splitlines()[-2:] == ["pictures/cost.png", "pictures/costs.png"]
    assert all((tmp_path / path).is_file() for path in ran.out.splitlines()[-2:])


def test_export_writes_the_file(solved, tmp_path):
    assert solved("export", "cases.csv").out == "cases.csv\n"
    assert (tmp_path / "cases.csv").read_text().count("\n") == 7


def test_gc_keeps_the_cases_of_the_files_it_is_told(solved, tmp_path):
    write(tmp_path, PLANT + SWEEP.replace(", 20 kWh", ""))
    assert solved("gc", "--keep", "family.yaml").out.startswith("2 records and 16 files went")
    assert len(solved("ls").out.splitlines()) == 4


@pytest.mark.parametrize("command", [("ls",), ("show", "x"), ("compare",), ("export", "a.csv"), ("gc",)])
def test_without_a_store_it_is_told_how_to_make_one(microgrid, command):
    ran = microgrid(*command)
    assert ran.code == cli.INPUT
    assert "`microgrid batch FILE --store FOLDER` makes one" in ran.err


def test_a_store_that_cannot_be_written_is_told(microgrid, tmp_path):
    write(tmp_path, PLANT)
    (tmp_path / "file").write_text("")
    ran = microgrid("batch", "family.yaml", "--store", "file/store")
    assert ran.code == cli.INPUT
    assert "wanted a folder that can be written" in ran.err
