"""Pathways decided on shorter years: run on all steps with what was decided, the bound and the difference told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.planning.pathways.limits import path_limits
from microgrid.planning.pathways.pathway import pathway
from microgrid.planning.replay import ReplayError, Shorter
from microgrid.planning.uncertain.uncertainty import uncertainty
from tests.command_line import typed
from tests.planning.files import YEAR, scenario

TERMS = "{discount_rate: 10 %, project_life: 4 a}"
SERIES = "{file: site.csv, column: %s}"
HOURLY = (
    YEAR.replace("days: 365, step: 8760 h", "days: 4, step: 1 h")
    .replace("import_price: 0.1 EUR/kWh", f"import_price: {SERIES % 'price'}")
    .replace("availability: 0.5", f"availability: {SERIES % 'sun'}")
    .replace("demand: 100 kW", f"demand: {SERIES % 'load'}")
    .replace(
        "  plant:",
        "  store:\n    kind: battery\n    energy: {high: 400 kWh, capex: 100 EUR/kWh, lifetime: 10 a}\n"
        "    power: {high: 80 kW, capex: 20 EUR/kW, lifetime: 10 a}\n    cyclic: true\n"
        "    wear: {replacement_cost: 60 EUR/kWh, cycle_life: 6000}\n  plant:",
    )
)
FIELDS = "assets.roof.capacity.capex: [900 EUR/kW, 500 EUR/kW], assets.plant.demand.times: [1, 1.2]"


def four_days(folder, fields=FIELDS, text=HOURLY, more=""):
    """Write four days of sun, load and prices, and two stages of them."""
    hour = np.arange(96)
    frame = pd.DataFrame(
        {
            "time": pd.date_range("2026-01-01", periods=96, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M+00:00"),
            "sun [1]": np.clip(np.sin((hour % 24 - 6) / 12 * np.pi), 0, None) * (1 - 0.2 * (hour // 24)),
            "load [kW]": 80 + 20 * np.sin(hour % 24 / 24 * 2 * np.pi) + 3 * np.cos(hour),
            "price [EUR/kWh]": np.where((hour % 24 >= 17) & (hour % 24 < 21), 0.4, 0.1 + 0.001 * hour),
        }
    )
    frame.to_csv(folder / "site.csv", index=False)
    section = f"pathway:\n  stages: [2026, 2028]\n  fields: {{{fields}}}\n{more}"
    return scenario(folder, text.replace("reference:", f"{section}reference:"), finance=TERMS)


def test_no_path_costs_less_than_the_bound_and_the_best_one_no_more_than_the_replay(tmp_path):
    """The best path lies between both, and its stages are planned on all 96 hours."""
    file = four_days(tmp_path)
    best = pathway(file, myopic=False).perfect.cost
    errors = []
    for kind, count in (("segments", 30), ("segments", 80), ("periods", 3)):
        path = pathway(file, shorter=Shorter(kind, count), myopic=False).perfect
        assert path.audits
        assert path.replay.cost == pytest.approx(path.cost)
        assert path.bound <= best * (1 + 1e-7)
        assert best <= path.cost * (1 + 1e-7)
        errors.append(path.cost / best - 1)
        assert path.gap >= errors[-1] - 1e-7
        assert [len(result.steps) for result in path.results] == [96, 96]
    assert errors[1] <= errors[0] + 1e-9
    assert errors[0] < 0.03


ALIKE = YEAR.replace("step: 8760 h", "step: 24 h")


def test_days_that_are_alike_lose_nothing(tmp_path):
    """On a segment a month all is as on 365 days, for both ways of deciding; the tangent's bound is the cost itself.

    A kW saves 428 EUR a year: 50 kW of 500 EUR pay in both stages, whatever the other one does, so that all slopes are
    those of a capacity that stands at its bound.
    """
    section = "pathway: {stages: [2026, 2031], fields: {assets.roof.capacity.capex: [500 EUR/kW, 400 EUR/kW]}}\n"
    file = scenario(tmp_path, ALIKE.replace("reference:", f"{section}reference:"))
    whole, shorter = (pathway(file, shorter=each) for each in (None, Shorter("segments", 12)))
    for way, path in shorter.ways.items():
        assert path.cost == pytest.approx(whole.ways[way].cost)
        assert path.table["stands"].tolist() == pytest.approx(whole.ways[way].table["stands"].tolist())
        assert path.audits
    replay = shorter.perfect.replay
    assert replay.difference == pytest.approx(0.0, abs=1e-9)
    assert replay.bound <= whole.perfect.cost * (1 + 1e-9)
    assert shorter.reference.replay is None
    assert any("decided on 12 segments" in limit for limit in path_limits(shorter))


def test_whole_modules_have_no_bound(tmp_path):
    """Modules of 20 kW are whole in the replay as they were decided, and nobody knows what others would cost."""
    roof = "{high: 60 kW, capex: 500 EUR/kW, lifetime: 10 a, unit_size: 20 kW}"
    text = HOURLY.replace("{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 10 a}", roof)
    path = pathway(four_days(tmp_path, text=text), shorter=Shorter("segments", 30), myopic=False).perfect
    roofs = path.table.loc[path.table["asset"] == "roof", "stands"].to_numpy() / 20
    assert roofs == pytest.approx(np.round(roofs))
    assert path.bound is None
    assert path.gap is None
    assert path.audits


def test_years_that_differ_are_planned_on_all_steps_too(tmp_path):
    """A price of carbon by year is in the decision as its mean, in the runs as it is."""
    more = "  by_year: {objective.carbon_price: {values: {2026: 0 EUR/tCO2, 2029: 60 EUR/tCO2}}}\n"
    path = pathway(four_days(tmp_path, more=more), shorter=Shorter("segments", 40), myopic=False).perfect
    assert path.audits
    assert [len(run.result.steps) for run in path.runs] == [96] * 4
    emitted = [run.result.manifest["emissions"]["emissions"] for run in path.runs]
    paid = [-flow for flow in path.flows["carbon price", "carbon"].tolist()[1:]]
    assert paid == pytest.approx([0.02 * year * each * 365 / 4 for year, each in enumerate(emitted)])


PEAKS = """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-01-05, days: 1, step: 3 h}
finance: {discount_rate: 10 %, project_life: 4 a}
pathway: {stages: [2026, 2028]}
assets:
  grid: {kind: grid_connection, capacity: {high: 100 kW, capex: 10 EUR/kW, lifetime: 10 a}, import_price: 1 EUR/kWh}
  first: {kind: production_load, demand: {values: [9, 0, 7, 6, 0, 5, 1, 1], unit: kW}}
  second: {kind: production_load, demand: {values: [0, 9, 7, 6, 0, 1, 5, 1], unit: kW}}
"""


def test_what_does_not_suffice_for_all_steps_is_told(tmp_path):
    """Two loads peak at hours of their own, which stay apart; the peak of their sum, at neither, does not."""
    (tmp_path / "plant.yaml").write_text(PEAKS, encoding="utf-8")
    with pytest.raises(ReplayError, match="does not suffice for all 8 steps") as caught:
        pathway(tmp_path / "plant.yaml", shorter=Shorter("segments", 5))
    assert "take more segments, or none" in str(caught.value)


def test_the_command_tells_what_it_decided_on(tmp_path, monkeypatch, capsys):
    file = four_days(tmp_path)
    with typed(monkeypatch, capsys) as microgrid:
        ended = microgrid("pathway", str(file), "--segments", "40", "--no-myopic", "--out", str(tmp_path / "run"))
        both = microgrid("pathway", str(file), "--segments", "40", "--periods", "3")
        many = microgrid("pathway", str(file), "--segments", "96", "--out", str(tmp_path / "other"))
    assert ended.code == 0, ended.err
    assert "decided on 40 segments" in ended.out
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    replay = told["pathway"]["perfect"]["replay"]
    assert replay["cost"] == pytest.approx(told["pathway"]["perfect"]["cost"])
    assert told["outcome"]["bound"] == replay["bound"]
    page = (tmp_path / "run" / "pathway.html").read_text(encoding="utf-8")
    assert "What is built was decided on 40 segments of each stage, within" in page
    assert (both.code, many.code) == (2, 2)
    assert "one of the two" in both.err
    assert "fewer than the 96 steps" in many.err


def test_more_segments_than_steps_are_refused(tmp_path):
    with pytest.raises(InputError, match="fewer than the 96 steps"):
        pathway(four_days(tmp_path), shorter=Shorter("segments", 97))


SECTION = """\
uncertainty:
  futures:
    usual: {probability: 60 %}
    large: {probability: 40 %, fields: {assets.plant.demand.times: 1.5}}
"""


def test_several_futures_on_segments(tmp_path):
    """Every choice is planned on all hours of each future, and none costs less in the mean than the best on all."""
    text = HOURLY.replace("reference:", f"{SECTION}reference:")
    file = four_days(tmp_path, text=text)
    best = uncertainty(file)
    for count in (30, 80):
        study = uncertainty(file, segments=count)
        assert study.audited
        assert {len(result.steps) for each in study.choices for result in each.results.values()} == {96}
        shares, least = study.shares, best.choices[0].expected(best.shares)
        for each in study.choices:
            assert each.expected(shares) >= least * (1 - 1e-6)
            assert each.regret(study.best) >= -1e-6
        assert study.choices[0].expected(shares) <= least * 1.03
        assert study.replay.cost == pytest.approx(study.choices[0].expected(shares))


def test_several_futures_tell_what_they_were_decided_on(tmp_path, monkeypatch, capsys):
    file = four_days(tmp_path, text=HOURLY.replace("reference:", f"{SECTION}reference:"))
    with typed(monkeypatch, capsys) as microgrid:
        ended = microgrid("uncertainty", str(file), "--segments", "40", "--out", str(tmp_path / "run"))
        many = microgrid("uncertainty", str(file), "--segments", "96", "--out", str(tmp_path / "other"))
    assert (ended.code, many.code) == (0, 2), ended.err
    assert "Sizes were decided on 40 segments of each future" in ended.out
    assert "fewer than the 96 steps" in many.err
    page = (tmp_path / "run" / "uncertainty.html").read_text(encoding="utf-8")
    assert "Sizes were decided on 40 segments of each future" in page
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["uncertainty"]
    assert told["replay"]["told"] == "40 segments"


def test_futures_that_sizes_do_not_suffice_for_are_told(tmp_path):
    """As on a path: the peak of two loads' sum is in no segment of five."""
    futures = SECTION.replace("assets.plant.demand.times: 1.5", "assets.grid.import_price: 2 EUR/kWh")
    (tmp_path / "plant.yaml").write_text(PEAKS.replace("pathway: {stages: [2026, 2028]}\n", futures), encoding="utf-8")
    with pytest.raises(ReplayError, match="take more segments, or none"):
        uncertainty(tmp_path / "plant.yaml", segments=5)
