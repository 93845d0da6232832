"""One plant for several futures, worked out by hand: expected cost, worst cases, regret; faults; files."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.planning.uncertain.futures import futures_of
from microgrid.planning.uncertain.model import futures_model
from microgrid.planning.uncertain.uncertainty import NoFutureError, uncertainty
from microgrid.results import load
from microgrid.scenario import read_scenario
from solvers import templating
from solvers.compile import compile_model
from tests.command_line import typed
from tests.solvers.pyomo_form import assert_same

FUTURES = """\
  futures:
    small: {probability: 60 %, fields: {assets.plant.demand: 20 kW}}
    usual: {probability: 20 %, fields: {assets.plant.demand: 50 kW}}
    large: {probability: 20 %, fields: {assets.plant.demand: 80 kW}}
"""
PLANT = f"""\
currency: EUR
site: {{time_zone: UTC}}
horizon: {{start: 2026-01-01, days: 365, step: 8760 h}}
finance: {{discount_rate: 0 %}}
solver: {{gap: 0 %}}
uncertainty:
  tail: 20 %
{FUTURES}assets:
  grid: {{kind: grid_connection, capacity: 200 kW, import_price: 0.1 EUR/kWh}}
  roof: {{kind: photovoltaic, availability: 1, capacity: {{high: 100 kW, capex: 4380 EUR/kW, lifetime: 10 a}}}}
  plant: {{kind: production_load, demand: 50 kW}}
"""
EACH = 438.0  # EUR a year for a kW of roof; without it the kW costs 876


@pytest.fixture
def microgrid(monkeypatch, capsys):
    with typed(monkeypatch, capsys) as command:
        yield lambda *words: command(*map(str, words))


def written(folder, text=PLANT):
    path = folder / "plant.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def roofs(study):
    return [each.sizes["roof"]["capacity"] for each in study.choices]


def test_three_ways_of_judging_by_hand(tmp_path):
    """A kW of roof costs 438 EUR a year and saves 876 where it is needed.

    Expected cost: a kW pays where it is needed with more than 50 %: the first 20 kW are (100 %), the next 30 are not
    (40 %). Worst cases: of the worst 20 % the load is 80 kW, all of which pay: 80 kW, 35,040 EUR. Regret: 438 EUR for
    each kW too many or too few: least in the middle between 20 and 80, 50 kW.
    """
    study = uncertainty(written(tmp_path))
    assert roofs(study) == pytest.approx([20, 80, 50, 20, 50, 80], rel=1e-5)
    expected, risk, regret, *alone = study.choices
    assert expected.expected(study.shares) == pytest.approx(20 * EACH + 876 * (0.2 * 30 + 0.2 * 60))
    assert risk.at_risk(study.shares, 0.2) == pytest.approx(80 * EACH, rel=1e-5)
    assert regret.regret(study.best) == pytest.approx(30 * EACH, rel=1e-5)
    assert study.best == pytest.approx({"small": 20 * EACH, "usual": 50 * EACH, "large": 80 * EACH})
    assert study.worth_of_knowing == pytest.approx(24_528 - EACH * (0.6 * 20 + 0.2 * 50 + 0.2 * 80))
    assert alone[0].costs == pytest.approx({"small": 8760, "usual": 8760 + 876 * 30, "large": 8760 + 876 * 60})
    assert study.audited
    assert study.proved


def test_no_choice_beats_the_one_that_is_best_by_its_way_of_judging(tmp_path):
    """Half of all cases are worst ones: all of `large` and `usual`, and a sixth of `small`."""
    study = uncertainty(written(tmp_path, PLANT.replace("tail: 20 %", "tail: 50 %")))
    shares, choices = study.shares, study.choices
    worst = (0.2 * choices[1].costs["large"] + 0.2 * choices[1].costs["usual"] + 0.1 * choices[1].costs["small"]) / 0.5
    assert choices[1].at_risk(shares, 0.5) == pytest.approx(worst)
    slack = 1 + 1e-5
    assert all(choices[0].expected(shares) <= each.expected(shares) * slack for each in choices)
    assert all(choices[1].at_risk(shares, 0.5) <= each.at_risk(shares, 0.5) * slack for each in choices)
    assert all(choices[2].regret(study.best) <= each.regret(study.best) * slack for each in choices)


def test_one_future_told_twice_is_no_uncertainty(tmp_path):
    """Twice the same year, without probabilities: half each, nothing to know, and what `run` would build."""
    futures = "  futures: {one: {}, other: {}}\n"
    study = uncertainty(written(tmp_path, PLANT.replace(FUTURES, futures)))
    assert study.shares == {"one": 0.5, "other": 0.5}
    assert roofs(study) == pytest.approx([50] * 5, rel=1e-5)
    assert study.worth_of_knowing == pytest.approx(0, abs=0.1)


def test_what_is_best_for_one_future_may_have_no_plan_in_another(tmp_path):
    """A grid of 40 kW and the roof that is best for 20 kW of load do not feed 80 kW."""
    study = uncertainty(written(tmp_path, PLANT.replace("capacity: 200 kW", "capacity: 40 kW")))
    assert study.choices[3].costs["large"] == float("inf")
    assert study.choices[0].sizes["roof"]["capacity"] == pytest.approx(40)


def test_every_row_is_a_template_and_says_what_pyomo_says(tmp_path):
    scenario = read_scenario(written(tmp_path, PLANT.replace("step: 8760 h", "step: 2190 h")))
    best = dict.fromkeys(("small", "usual", "large"), 5.0)

    def build(how):
        model = futures_model(futures_of(scenario), best, 0.2)
        model.aim(how)
        model.hold("regret", 7.0)
        return model.pyomo

    for how in ("expected", "risk", "regret"):
        with templating():
            matrix = compile_model(build(how))
        assert matrix.fell_back == {}
        assert_same(build(how), matrix)


def test_a_future_without_a_plan_is_named(tmp_path):
    with pytest.raises(NoFutureError, match="the future large has no plan by itself"):
        uncertainty(written(tmp_path, PLANT.replace("80 kW}}", "800 kW}}")))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "probability: 60 %", "probability: 50 %",
            "plant.yaml:6  uncertainty: probabilities of 90 % together\n   wanted 100 %",
        ),
        (
            "probability: 60 %, ", "",
            "plant.yaml:6  uncertainty: a probability of usual, none of small\n"
            "   wanted one of each future, or of none",
        ),
        (
            "assets.plant.demand: 20 kW", "assets.plant.demnd: 20 kW",
            "plant.yaml:9  assets.plant.demnd: unknown key",
        ),
        (
            "assets.plant.demand: 20 kW", "finance.discount_rate: 3 %",
            "plant.yaml:9  uncertainty.futures.small.fields.finance.discount_rate: finance by future\n"
            "   wanted a field that may differ from future to future",
        ),
        (
            "assets.plant.demand: 20 kW", "assets.roof.capacity: 20 kW",
            "assets.roof.capacity: given in small, decided in usual\n"
            "   wanted a capacity that is decided in all of them, or in none",
        ),
        ("tail: 20 %", "tail: 20", 'uncertainty.tail: 20\n   wanted a share above 0 and up to 1; write "20 %"'),
    ],
)  # fmt: skip
def test_faults_are_told(old, new, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert old in PLANT
    with pytest.raises(InputError) as caught:
        uncertainty(written(tmp_path, PLANT.replace(old, new)))
    assert told in "\n".join(str(problem) for problem in caught.value.problems)


def test_what_is_written_says_the_same(microgrid, tmp_path):
    path = written(tmp_path)
    ended = microgrid("uncertainty", path, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert "least largest regret" in ended.out
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["uncertainty"]["worth_of_knowing"] == pytest.approx(7_884)
    table = pd.read_csv(tmp_path / "run" / "uncertainty.csv")
    assert table["roof.capacity"].tolist() == pytest.approx([20, 80, 50, 20, 50, 80], rel=1e-5)
    plan = load(tmp_path / "run" / "regret" / "03")
    assert plan.manifest["future"] == "large"
    assert plan.cost == pytest.approx(table["cost: large"].tolist()[2])
    page = (tmp_path / "run" / "uncertainty.html").read_text(encoding="utf-8")
    for words in ("What to build", "assets.plant.demand: 80 kW", "60.0 %", "data:image/png"):
        assert words in page
    assert "http" not in page.replace("http-equiv", "")
    assert microgrid("check", path).code == 0
