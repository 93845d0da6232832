"""One run: what is written, and what stays whole when something breaks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import microgrid
from microgrid import running
from microgrid.errors import InputError
from microgrid.plant import Objective
from microgrid.results import FRAMES, load
from microgrid.running import solve_plant
from microgrid.starter import write_starter
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from solvers import Ended, Settings
from tests.plants import plant


@pytest.fixture
def starter(tmp_path):
    return write_starter(tmp_path / "starter")


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    solve_plant(plant({"grid": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=1.0)})).save(
        folder
    )
    return folder


def test_three_lines_of_python(starter):
    result = microgrid.run(starter)
    assert list(result.flows.columns) == ["asset", "port", "bus", "carrier", "unit", "time", "rate"]
    assert result.manifest["outcome"]["proved"]
    assert result.manifest["audit"]["passed"]


def test_a_result_is_shown_in_a_line(starter):
    assert repr(microgrid.run(starter)).startswith("<Result of Starter plant: 96 steps, cost ")


def test_overrides_from_python_may_be_numbers(starter):
    """A number where no unit is due is taken; where one is due the fault is the user's, in the user's words."""
    assert microgrid.run(starter, overrides={"solver.seed": 7}).manifest["outcome"]["proved"]
    with pytest.raises(InputError, match=r"assets\.battery\.energy: 3"):
        microgrid.run(starter, overrides={"assets.battery.energy": 3})


def test_a_run_folder_reads_back_as_it_was_solved(starter, tmp_path):
    folder = tmp_path / "runs" / "one"
    solved = microgrid.run(starter)
    written = microgrid.run(starter, folder)
    again = load(folder)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(written, name))
        left, right = getattr(again, name), getattr(solved, name)
        assert list(left.columns) == list(right.columns)
        pd.testing.assert_frame_equal(left, right, check_dtype=False, check_categorical=False)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["audit"]["passed"]
    assert manifest["scenario"]["name"] == "Starter plant"
    assert len(manifest["scenario"]["hash"]) == 64
    assert (folder / "report.html").stat().st_size > 10_000
    assert [path for path in folder.parent.iterdir() if path != folder] == []


def test_overrides_change_the_plan_and_the_hash(starter):
    plain = microgrid.run(starter)
    bigger = microgrid.run(starter, overrides={"assets.battery.energy": "2 MWh"})
    assert bigger.sizes["battery"]["energy"] == 2000.0
    assert bigger.cost < plain.cost
    assert bigger.manifest["scenario"]["hash"] != plain.manifest["scenario"]["hash"]


@pytest.mark.parametrize("goals", ["cost", "[emissions, cost]"])
def test_a_scenario_can_be_solved_in_windows(starter, goals, monkeypatch):
    """A battery that is kept from doing both ways at once has whole numbers: either method finds the same cost."""
    monkeypatch.setattr("solvers.windows.INTEGERS", 30)
    set_to = {"assets.battery.exclusive": "always", "objective.minimise": goals, "solver.gap": "0.1 %"}
    direct, windows = (
        microgrid.run(starter, overrides=set_to | {"solver.method": method}) for method in ("direct", "windows")
    )
    assert direct.manifest["outcome"]["method"] == "direct"
    assert windows.manifest["outcome"]["method"] == "windows"
    assert windows.manifest["audit"]["passed"]
    assert windows.cost == pytest.approx(direct.cost, rel=2e-3)


def test_a_crash_while_writing_leaves_the_old_run_whole(starter, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    microgrid.run(starter, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def breaks(*_args):
        raise RuntimeError("lightning")

    monkeypatch.setattr("microgrid.report.save_report", breaks)
    with pytest.raises(RuntimeError, match="lightning"):
        microgrid.run(starter, folder, {"assets.battery.energy": "2 MWh"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("manifest.json", "", "not readable: Expecting value"),
        ("manifest.json", "[]", "not readable: no 'format'"),
        ("manifest.json", '{"format": 1}', "not readable: no 'sizes'"),
        ("manifest.json", None, "not readable: .*No such file"),
        ("claims.json", "[]", "not readable: "),
        ("claims.json", '{"grid": [{"claim": "of another engine"}]}', "not readable: no 'of another engine'"),
        ("flows.parquet", "time,rate", "not readable: "),
    ],
)
def test_a_folder_that_holds_half_a_run_is_told(tmp_path, small_run, file, text, found):
    folder = shutil.copytree(small_run, tmp_path / "half")
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=found):
        load(folder)


def test_a_run_of_another_format_is_told(tmp_path, small_run):
    folder = shutil.copytree(small_run, tmp_path / "other")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}), encoding="utf-8")
    with pytest.raises(InputError, match="format 99\n   wanted a run of format 2; run the scenario again"):
        load(folder)


def test_a_second_run_replaces_the_first_as_a_whole(starter, tmp_path):
    folder = tmp_path / "run"
    microgrid.run(starter, folder)
    (folder / "stray.txt").write_text("old", encoding="utf-8")
    microgrid.run(starter, folder)
    assert not (folder / "stray.txt").exists()


def test_a_folder_that_is_no_run_is_not_touched(starter, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="not empty and no run"):
        microgrid.run(starter, tmp_path)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_what_is_audited_is_what_was_written(starter, tmp_path, monkeypatch):
    """A file that says another number than the solver fails the audit, though the plan in memory was right."""
    honest = running.Result.save

    def tampered(self, folder):
        honest(self, folder)
        flows = pd.read_parquet(folder / "flows.parquet")
        flows.loc[flows["port"] == "import", "rate"] += 1.0
        flows.to_parquet(folder / "flows.parquet", index=False)

    monkeypatch.setattr(running.Result, "save", tampered)
    result = microgrid.run(starter, tmp_path / "run")
    assert not result.manifest["audit"]["passed"]
    assert any("bus electricity" in finding for finding in result.manifest["audit"]["findings"])


def test_one_goal_stopped_by_time_makes_the_whole_plan_unproved(monkeypatch):
    from dataclasses import replace

    honest = running.solve
    calls = []

    def impatient(model, settings, *more, **named):
        calls.append(settings.seconds)
        outcome = honest(model, settings, *more, **named)
        return replace(outcome, ended=Ended.TIME, seconds=7.0) if len(calls) == 1 else outcome

    monkeypatch.setattr(running, "solve", impatient)
    assets = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=5.0)}
    result = running.solve_plant(plant(assets, objective=Objective(("cost", "emissions"))), Settings(seconds=10.0))
    assert not result.manifest["outcome"]["proved"]
    assert result.manifest["outcome"]["ended"] == "time limit"
    assert calls == [10.0, pytest.approx(3.0, abs=0.1), pytest.approx(3.0, abs=0.1)]


def test_a_later_goal_without_a_plan_leaves_the_plan_of_the_earlier(monkeypatch):
    from solvers import Outcome

    honest = running.solve
    calls = []

    def gives_up(model, settings, *more, **named):
        calls.append(settings)
        return honest(model, settings, *more, **named) if len(calls) == 1 else Outcome(Ended.TIME)

    monkeypatch.setattr(running, "solve", gives_up)
    assets = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=5.0)}
    result = running.solve_plant(plant(assets, objective=Objective(("cost", "emissions"))))
    assert result.cost == pytest.approx(5.0)
    assert result.manifest["outcome"]["ended"] == "time limit"
    assert not result.manifest["outcome"]["proved"]
    assert [goal["column"] for goal in result.manifest["outcome"]["goals"]] == ["cost"]
    assert result.manifest["audit"]["passed"]


def test_prices_are_the_duals_of_the_balances_by_hour():
    """Half an hour at 2, two hours at 5, a battery too small to matter: one more kWh costs what the grid asks."""
    assets = {
        "g": GridConnection(capacity=90.0, import_price=[2.0, 5.0]),
        "b": Battery(energy=1e-3, power=1e-3),
        "l": ProductionLoad(demand=5.0),
    }
    result = running.solve_plant(plant(assets, [0.5, 2.0]))
    assert result.prices["price"].tolist() == pytest.approx([2.0, 5.0], rel=1e-3)


def test_results_do_not_depend_on_the_order_of_assets():
    assets = {
        "g": GridConnection.example(),
        "b": Battery.example(),
        "l": ProductionLoad.example(),
    }
    one = running.solve_plant(plant(assets, [0.5, 2.0, 0.25]))
    other = running.solve_plant(plant(dict(reversed(assets.items())), [0.5, 2.0, 0.25]))
    assert one.cost == pytest.approx(other.cost, rel=1e-9)


def test_a_clock_change_is_planned_hour_by_hour():
    """The 29 March of 2020 in Berlin has 23 hours: 10 kW cost 230, and the day after the change 240."""
    from microgrid.timeline import Timeline

    def day(text):
        start = pd.Timestamp(text, tz="Europe/Berlin")
        return Timeline.regular(start, start + pd.DateOffset(days=1), pd.Timedelta("15min"))

    for text, hours in (("2020-03-29", 23), ("2020-10-25", 25), ("2020-03-30", 24)):
        assets = {"g": GridConnection(capacity=90.0, import_price=1.0), "l": ProductionLoad(demand=10.0)}
        assert running.solve_plant(plant(assets, day(text))).cost == pytest.approx(10 * hours)


def test_running_imports_no_picture_or_weather_library_before_it_is_needed():
    code = (
        "import sys, microgrid.running;"
        "print([m for m in ('matplotlib', 'pvlib', 'windpowerlib', 'pint') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_manifest_holds_no_number_that_json_does_not_know(starter):
    from microgrid.results import manifest_text

    result = microgrid.run(starter)
    odd = result.manifest | {"odd": [float("nan"), float("inf"), np.float64(1.5), np.int64(2)]}
    assert json.loads(manifest_text(odd))["odd"] == [None, None, 1.5, 2]
