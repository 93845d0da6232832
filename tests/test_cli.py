"""The command line: what it prints where, its exit codes, and that no fault ever shows a traceback."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from microgrid import cli, running
from microgrid.audit import Audit
from microgrid.cli.endings import exit_code_without_plan
from microgrid.describing import description, overview
from microgrid.errors import InputError, MicrogridError
from microgrid.progress import _log, line, watching
from microgrid.results import load
from microgrid.starter import write_starter
from microgrid.technologies import technologies
from microgrid.yaml_files import read_yaml
from solvers import Ended, Outcome, Progress
from tests.command_line import Ran, typed


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def microgrid(here, monkeypatch, capsys):
    """Return the command line as a function of its arguments, run in an empty folder."""
    with typed(monkeypatch, capsys) as ran:
        yield ran


@pytest.fixture
def plant(here):
    """Return the starter, an hour at a time."""
    path = write_starter(here / "plant")
    path.write_text(path.read_text(encoding="utf-8").replace("step: 15 min", "step: 1 h"), encoding="utf-8")
    return "plant/plant.yaml"


@pytest.fixture
def quick(monkeypatch):
    """Leave pictures and report out: they have tests of their own."""
    monkeypatch.setattr("microgrid.plots.save_plots", lambda _result, _folder: {})
    monkeypatch.setattr("microgrid.report.save_report", lambda _result, _path, _pictures: None)


def command(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "microgrid", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# run


def test_run_writes_a_run_and_tells_it(microgrid, plant, here):
    ran = microgrid("run", plant)
    assert ran.code == cli.PROVED
    assert "Starter plant" in ran.out
    assert "proved, gap" in ran.out
    assert "audit    passed" in ran.out
    assert "runs/plant/report.html" in ran.out.replace("\\", "/")
    assert (here / "runs" / "plant" / "report.html").stat().st_size > 0
    assert load(here / "runs" / "plant").manifest["outcome"]["proved"]


def test_run_names_its_folder(microgrid, plant, here, quick):
    assert microgrid("run", plant, "--out", "mine").code == 0
    assert (here / "mine" / "manifest.json").is_file()
    (here / "plant" / "day.yaml").write_text("extends: plant.yaml\n", encoding="utf-8")
    assert microgrid("run", "plant/day.yaml", "--quiet") == Ran(0, "", "")
    assert (here / "runs" / "plant-day" / "manifest.json").is_file()


def test_json_is_all_that_goes_to_stdout(microgrid, plant, quick):
    ran = microgrid("run", plant, "--json")
    manifest = json.loads(ran.out, parse_constant=pytest.fail)
    assert ran.err == ""
    assert manifest["outcome"]["proved"]
    assert manifest["audit"]["passed"]


def test_json_of_a_process(plant, here):
    ran = command("run", plant, "--json", folder=here)
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["scenario"]["name"] == "Starter plant"
    assert ran.stderr == ""


def test_a_name_that_the_terminal_cannot_write(plant, here):
    """The plan is there and proved: neither the summary nor the JSON fails for want of a character."""
    for more in ([], ["--json"]):
        ran = subprocess.run(
            [sys.executable, "-m", "microgrid", "run", plant, "--set", "name=钢铁厂 ü", *more],
            cwd=here,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert more or b"\\u94a2" in ran.stdout
    assert json.loads(ran.stdout.decode("utf-8"))["scenario"]["name"] == "钢铁厂 ü"


def test_set_overrides(microgrid, plant, quick):
    ran = microgrid("run", plant, "--json", "--set", "assets.battery.energy=2 MWh", "--set", "name=Other")
    manifest = json.loads(ran.out)
    assert manifest["sizes"]["battery"]["energy"] == 2000.0
    assert manifest["scenario"]["name"] == "Other"


def test_a_decision_and_unserved_load_are_told(microgrid, plant, quick):
    overrides = [
        "assets.battery.energy={low: 0 kWh, high: 2 MWh, capex: 1 EUR/kWh}",
        "assets.plant.unserved_price=9 EUR/kWh",
        "assets.grid.capacity=100 kW",
    ]
    ran = microgrid("run", plant, *(part for text in overrides for part in ("--set", text)))
    assert ran.code == 0
    assert "size of battery.energy" in ran.out
    assert "unserved plant:" in ran.out
    assert " kWh" in ran.out


@pytest.mark.parametrize("text", ["nothing", "=3", ""])
def test_set_needs_a_path_and_a_value(microgrid, plant, text):
    ran = microgrid("check", plant, "--set", text)
    assert (ran.code, ran.out) == (cli.INPUT, "")
    assert "wanted PATH=VALUE; such as --set assets.battery.energy" in ran.err


# exit codes


def ending(monkeypatch, **changes):
    """Let the solver end in another way than it does."""
    solve = running.solve
    monkeypatch.setattr(running, "solve", lambda *arguments, **named: replace(solve(*arguments, **named), **changes))


def test_1_usable_but_not_proved(microgrid, plant, monkeypatch, quick):
    ending(monkeypatch, ended=Ended.TIME)
    ran = microgrid("run", plant)
    assert ran.code == cli.NOT_PROVED
    assert "NOT PROVED (time limit)" in ran.out


def test_2_input(microgrid, plant):
    ran = microgrid("run", plant, "--set", "assets.battery.energy=5 kW", "--set", "solver.gp=1 %")
    assert (ran.code, ran.out) == (cli.INPUT, "")
    assert ran.err.splitlines()[0] == "2 faults"
    assert 'wanted a quantity in kWh, such as "2 MWh"' in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "nowhere.yaml"],
        ["run", "."],
        ["run", "plant/plant.yaml", "--nothing"],
        ["run", "plant/plant.yaml", "--set", "solver.name=no_such_solver"],
        ["check", "plant/site.csv"],
        ["unheard_of"],
        ["describe", "batery"],
        ["plot", "."],
        ["new", "plant"],
        ["run", "plant/plant.yaml", "--out", "plant"],
    ],
)
def test_2_whatever_is_wrong_with_what_was_typed(microgrid, plant, arguments):
    ran = microgrid(*arguments)
    assert (ran.code, ran.out) == (cli.INPUT, "")
    assert ran.err.strip()
    assert "MICROGRID_DEBUG" not in ran.err


def test_3_infeasible(microgrid, plant, here):
    ran = microgrid("run", plant, "--set", "assets.plant.demand=99 MW")
    assert (ran.code, ran.out) == (cli.INFEASIBLE, "")
    assert "infeasible" in ran.err
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (Ended.INFEASIBLE, cli.INFEASIBLE),
        (Ended.UNBOUNDED, cli.INFEASIBLE),
        (Ended.INFEASIBLE_OR_UNBOUNDED, cli.INFEASIBLE),
        (Ended.TIME, cli.FAILED),
        (Ended.FAILED, cli.FAILED),
    ],
)
def test_3_and_4_without_a_plan(microgrid, plant, monkeypatch, ended, code):
    ending(monkeypatch, ended=ended, plan=None, objective=math.nan)
    ran = microgrid("run", plant, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.strip()


def test_4_what_nobody_thought_of(microgrid, plant, monkeypatch):
    def broken(*_arguments):
        raise KeyError("a fault of our own")

    monkeypatch.setattr("microgrid.scenario.read_scenario", broken)
    ran = microgrid("check", plant)
    assert (ran.code, ran.out) == (cli.FAILED, "")
    assert ran.err.startswith("unexpected fault: KeyError: 'a fault of our own'")
    monkeypatch.setenv("MICROGRID_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["microgrid", "check", plant])
    with pytest.raises(KeyError):
        cli.main()


def test_4_an_error_on_purpose(microgrid, plant, monkeypatch):
    def broken(*_arguments):
        raise MicrogridError("what it is")

    monkeypatch.setattr("microgrid.scenario.read_scenario", broken)
    assert microgrid("check", plant) == Ran(cli.FAILED, "", "what it is\n")


def test_5_the_audit_failed(microgrid, plant, monkeypatch, quick):
    monkeypatch.setattr(running, "audit", lambda _result: Audit(7, ("the battery gives more than it has",)))
    ran = microgrid("run", plant)
    assert ran.code == cli.AUDIT
    assert "audit    FAILED, 1 of 7 statements" in ran.out
    assert "the battery gives more than it has" in ran.out


def test_130_stopped(microgrid, plant, monkeypatch):
    def stopped(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("microgrid.scenario.read_scenario", stopped)
    assert microgrid("check", plant) == Ran(cli.STOPPED, "", "stopped\n")


def test_130_terminated(microgrid, plant, monkeypatch):
    """A service manager's SIGTERM is an exception like Ctrl-C, so that nothing half-written stays behind."""
    monkeypatch.setattr("microgrid.scenario.read_scenario", lambda *_arguments: signal.raise_signal(signal.SIGTERM))
    assert microgrid("check", plant) == Ran(cli.STOPPED, "", "stopped\n")


def test_sigterm_does_what_ctrl_c_would_do_at_that_moment(monkeypatch):
    """While the solver runs, Ctrl-C keeps its incumbent; where nobody listens to Ctrl-C, SIGTERM still stops."""
    heard = []
    monkeypatch.setattr(signal, "getsignal", lambda _number: lambda number, _frame: heard.append(number))
    cli._terminated(signal.SIGTERM, None)
    assert heard == [signal.SIGTERM]
    monkeypatch.setattr(signal, "getsignal", lambda _number: signal.SIG_IGN)
    with pytest.raises(KeyboardInterrupt):
        cli._terminated(signal.SIGTERM, None)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of another kind")
def test_a_reader_that_leaves_is_no_proof(here):
    """`microgrid schema | true` writes into a pipe that nobody reads: not 1, which would say that a plan is usable."""
    script = f"{sys.executable} -m microgrid schema | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode in (0, cli.UNREAD)
    assert "Traceback" not in ran.stderr
    assert "Exception" not in ran.stderr


# check, describe, new, schema, plot


def test_check_of_a_good_file(microgrid, plant):
    ran = microgrid("check", plant)
    assert ran == Ran(
        0,
        "plant/plant.yaml: good. 4 assets, 24 steps from 2026-06-15T00:00:00+02:00 to 2026-06-16T00:00:00+02:00.\n",
        "",
    )


def test_check_counts_one_as_one(microgrid, here):
    text = (
        "currency: EUR\nsite: {time_zone: UTC}\nhorizon: {start: 2026-06-15, days: 1, step: 24 h}\n"
        "assets: {grid: {kind: grid_connection, capacity: 7 kW, import_price: 0.2 EUR/kWh}}\n"
    )
    (here / "one.yaml").write_text(text, encoding="utf-8")
    assert "good. 1 asset, 1 step from" in microgrid("check", "one.yaml").out


def test_check_tells_every_fault(microgrid, plant, here):
    path = here / plant
    path.write_text(path.read_text("utf-8").replace("energy:", "energi:").replace("700 kW", "700"), encoding="utf-8")
    ran = microgrid("check", plant)
    assert ran.code == cli.INPUT
    assert ran.err.startswith("2 faults\nplant/plant.yaml:")


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_solver_that_is_not_there_is_told_before_the_solve(microgrid, plant, here, monkeypatch, command):
    """With file and line, as any other fault, and every option that the solver does not know."""
    monkeypatch.setattr(running, "solve", lambda *_arguments: pytest.fail("solved"))
    path = here / plant
    text = path.read_text("utf-8")
    line = text.splitlines().index("solver:") + 2
    path.write_text(text.replace("solver:\n", "solver:\n  name: HIGHS\n"), encoding="utf-8")
    ran = microgrid(command, plant)
    assert ran.code == cli.INPUT
    assert ran.err.startswith(f"plant/plant.yaml:{line}  solver.name: HIGHS\n   wanted highs, or a solver that Pyomo")
    options = "{mip_rel_gap: 1, thread: 2, parallel: sometimes}"
    path.write_text(text.replace("solver:\n", f"solver:\n  options: {options}\n"), encoding="utf-8")
    assert microgrid(command, plant).err == (
        "2 faults\n"
        f"plant/plant.yaml:{line}  solver.options.thread: 2\n"
        "   wanted an option of highs, and a value that it takes\n"
        f"plant/plant.yaml:{line}  solver.options.parallel: sometimes\n"
        "   wanted an option of highs, and a value that it takes\n"
    )


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("kind", technologies())
def test_describe_fits_and_leaves_nothing_out(kind, width):
    text = description(kind, width)
    fields = [name for name in technologies()[kind].model_fields if name != "kind"]
    assert [name for name in fields if f"\n{name} " not in text] == []
    if width >= 80:
        assert max(map(len, text.splitlines())) <= width
    meanings = " ".join(text.split())
    first = next(info.description for name, info in technologies()[kind].model_fields.items() if name == fields[1])
    assert width == 140 or " ".join(str(first).split()) in meanings


def test_describe_a_battery(microgrid, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = microgrid("describe", "battery").out.splitlines()
    assert lines[:6] == [
        "battery: A battery behind its inverter, charged and discharged on the",
        "alternating-current side.",
        "",
        "bus                    bus                  electricity",
        "    Bus it stands on.",
        "energy                 kWh, capacity        required",
    ]
    assert "wear.cycle_life        number               required" in lines
    assert lines[-1].endswith("`microgrid describe capacity`.")


def test_describe_what_values_can_be(microgrid):
    assert "times: 1.2" in microgrid("describe", "series").out
    assert microgrid("describe", "quantity").out.startswith("quantity: A number with its unit")
    assert microgrid("describe", "size").out == microgrid("describe", "capacity").out


def test_a_run_in_the_place_of_another_says_so(microgrid, plant):
    assert "in place of" not in microgrid("run", plant, "--out", "one").out
    assert (
        "one/report.html  (in place of the earlier run; --out keeps both)"
        in microgrid("run", plant, "--out", "one").out
    )


def test_describe_on_a_wide_terminal(microgrid, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    lines = microgrid("describe", "battery").out.splitlines()
    assert (
        "charge_efficiency      share                0.95         Share of the power drawn that reaches the cells."
        in lines
    )


@pytest.mark.parametrize("word", ["scenario", "site", "horizon", "objective", "solver", "weather", "buses", "capacity"])
def test_describe_sections(microgrid, word):
    ran = microgrid("describe", word)
    assert ran.code == 0
    assert ran.out.startswith(f"{word}: ")
    assert len(ran.out.splitlines()) > 3


def test_describe_lists_all(microgrid):
    out = microgrid("describe").out
    assert [kind for kind in technologies() if f"\n  {kind} " not in out] == []
    assert out.strip() == overview(80).strip()
    assert max(map(len, out.splitlines())) <= 80


def test_describe_of_nothing_known():
    with pytest.raises(InputError, match='did you mean "battery"'):
        description("batery")


def test_new_then_run_what_it_says(microgrid, here):
    ran = microgrid("new", "mine")
    assert ran.code == 0
    assert ran.out.splitlines()[1].strip() == f"microgrid run {Path('mine') / 'plant.yaml'}"
    assert microgrid("check", "mine/plant.yaml").code == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_new_in_a_folder_that_is_closed(microgrid, here):
    (here / "closed").mkdir(mode=0o500)
    ran = microgrid("new", "closed/mine")
    assert ran.code == cli.INPUT
    assert "a folder that can be written" in ran.err


def test_new_under_a_file(microgrid, here):
    (here / "file").write_text("", encoding="utf-8")
    ran = microgrid("new", "file/mine")
    assert ran.code == cli.INPUT
    assert "a folder that can be written" in ran.err


def test_schema(microgrid, plant, here):
    ran = microgrid("schema")
    assert (ran.code, ran.err) == (0, "")
    schema = Draft202012Validator(json.loads(ran.out))
    data = read_yaml(here / plant).data
    assert schema.is_valid(data)
    data["assets"]["battery"]["energi"] = "1 MWh"
    assert not schema.is_valid(data)


def test_plot_draws_again(microgrid, plant, here, monkeypatch):
    drawn = []

    def save(result, folder):
        drawn.append(result.manifest["scenario"]["name"])
        (folder / "a.png").write_bytes(b"")
        return {"a": folder / "a.png"}

    monkeypatch.setattr("microgrid.plots.save_plots", save)
    monkeypatch.setattr("microgrid.report.save_report", lambda _result, _path, _pictures: None)
    assert microgrid("run", plant, "--quiet").code == 0
    ran = microgrid("plot", "runs/plant", "--out", "pictures/new")
    assert (ran.code, ran.out.strip()) == (0, str(Path("pictures/new/a.png")))
    assert (here / "pictures" / "new" / "a.png").is_file()
    assert microgrid("plot", "runs/plant").out.strip() == str(Path("runs/plant/a.png"))
    assert drawn == ["Starter plant"] * 3


@pytest.mark.parametrize("out", ["plant/plant.yaml", "plant/plant.yaml/pictures"])
def test_plot_into_what_is_no_folder(microgrid, plant, here, quick, out):
    assert microgrid("run", plant, "--quiet").code == 0
    ran = microgrid("plot", "runs/plant", "--out", out)
    assert (ran.code, ran.out) == (cli.INPUT, "")
    assert "wanted a folder that can be written; choose another --out" in ran.err


# speed and silence


def test_help_waits_for_nothing():
    code = (
        "import sys\nfrom microgrid.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pyomo', 'pandas', 'numpy', 'pint', 'pydantic', 'matplotlib', 'scipy', 'highspy', 'solvers'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "describe" in ran.stdout


def test_no_arguments_are_a_plea_for_help(microgrid):
    ran = microgrid()
    assert "run" in ran.out + ran.err


def progress(seconds=1.0, incumbent=100.0, bound=99.0):
    return Progress(seconds=seconds, incumbent=incumbent, bound=bound)


def test_progress_in_a_log_comes_as_the_gap_halves(capsys):
    with watching() as watch:
        for bound in (50.0, 60.0, 80.0, 81.0, 99.0):
            watch(progress(bound=bound))
        watch(progress(incumbent=math.inf))
    gaps = [text.rpartition("gap ")[2] for text in capsys.readouterr().err.splitlines()]
    assert gaps == ["50.000%", "20.000%", "1.000%"]


def test_nobody_watches_a_silent_run():
    with watching(silent=True) as watch:
        assert watch is None


def test_progress_as_a_line():
    assert line(progress()) == "   1.0 s   incumbent 100.00   bound 99.00   gap 1.000%"
    assert line(progress(incumbent=math.inf)) == "   1.0 s   no plan yet   bound 99.00"
    assert line(progress(incumbent=math.inf, bound=-math.inf)).endswith("bound none yet")
    assert line(Progress(1.0, is_stopping=True)) == "   1.0 s   stopping; the best plan so far is kept"


def test_a_log_says_ever_more_seldom_that_there_is_no_plan_yet(capsys):
    watch = _log()
    for seconds in range(1, 60):
        watch(Progress(float(seconds), math.inf, 1.0))
    told = capsys.readouterr().err.splitlines()
    assert [text.split()[0] for text in told] == ["11.0", "23.0", "47.0"]
    assert all("no plan yet" in text for text in told)


def test_an_outcome_knows_its_exit_code():
    assert exit_code_without_plan(Outcome(Ended.INFEASIBLE)) == cli.INFEASIBLE
    assert exit_code_without_plan(Outcome(Ended.INTERRUPTED)) == cli.STOPPED
    assert exit_code_without_plan(Outcome(Ended.TIME)) == cli.FAILED


def test_tariffs_lists_the_catalogue_and_shows_one(microgrid):
    listed = microgrid("tariffs")
    assert listed.code == 0
    assert "guangdong_10kv" in listed.out
    shown = microgrid("tariffs", "guangdong_10kv")
    assert "multipliers: critical 2.125, peak 1.7, flat 1, valley 0.38" in shown.out
    unknown = microgrid("tariffs", "guangdong")
    assert unknown.code == cli.INPUT
    assert 'did you mean "guangdong_10kv"?' in unknown.err


def test_bill_of_a_meter_file(microgrid, here):
    """1,000 kWh at the US form's winter price, and the first tier of its rider: 80 + 12; demand at 12 a kW, 500 kW."""
    rows = "\n".join(f"2026-01-05T{hour:02d}:00-05:00,{power}" for hour, power in enumerate((500, 500, 0)))
    (here / "meter.csv").write_text(f"time,import [kW]\n{rows}\n", encoding="utf-8")
    ran = microgrid("bill", "us_time_of_use_demand", "meter.csv", "--given", "zone=America/New_York", "--json")
    assert (ran.code, ran.err) == (0, "")
    lines = json.loads(ran.out)["lines"]
    assert (lines["energy"], lines["rider"], lines["facilities_demand"]) == pytest.approx((80.0, 12.0, 6000.0))
    assert lines["customer_charge"] == pytest.approx(600 * 3 / 744)
    lacking = microgrid("bill", "us_time_of_use_demand", "meter.csv")
    assert lacking.code == cli.INPUT
    assert lacking.err.startswith("zone: missing\n   wanted the time zone of the bill")
    written = microgrid(
        "bill", "us_time_of_use_demand", "meter.csv", "--given", "zone=America/New_York", "--out", "b.csv"
    )
    assert written.code == 0
    assert (here / "b.csv").read_text(encoding="utf-8").startswith("month,line,category,quantity,unit,amount [USD]\n")


def test_schema_of_tariffs(microgrid):
    ran = microgrid("schema", "tariff")
    Draft202012Validator.check_schema(json.loads(ran.out))
    assert microgrid("schema", "tarif").code == cli.INPUT
