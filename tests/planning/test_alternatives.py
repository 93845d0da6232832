"""What else could be built for nearly the least cost, worked out by hand."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.planning.alternatives import alternatives, directions
from microgrid.results import load
from tests.command_line import typed

# A kW of roof costs 438 EUR a year and saves as much as 876; one of the other roof 500 EUR.
OTHER = "  other: {kind: photovoltaic, availability: 1, capacity: {high: 100 kW, capex: 5000 EUR/kW, lifetime: 10 a}}\n"
PLANT = """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-01-01, days: 365, step: 8760 h}
finance: {discount_rate: 0 %}
solver: {gap: 0 %}
assets:
  grid: {kind: grid_connection, capacity: 200 kW, import_price: 0.1 EUR/kWh}
  roof: {kind: photovoltaic, availability: 1, capacity: {high: 100 kW, capex: 4380 EUR/kW, lifetime: 10 a}}
{OTHER}  plant: {kind: production_load, demand: 50 kW}
""".replace("{OTHER}", OTHER)


def written(folder, text=PLANT):
    path = folder / "plant.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_ranges_by_hand(tmp_path):
    """50 kW of the cheaper roof: 21,900 EUR a year; 10 % more are 2,190 EUR.

    More of the cheaper roof: 2,190 / 438 = 5 kW, to 55. Less of it: replaced by the other at 62 EUR a kW, 2,190 / 62 =
    35.32 kW less, as leaving them to the grid would cost 438 a kW. The other one: as many, 35.32 kW at the most.
    """
    study = alternatives(written(tmp_path), within=0.1)
    assert study.ranges["roof", "capacity"] == pytest.approx((50 - 2190 / 62, 55), rel=1e-5)
    assert study.ranges["other", "capacity"] == pytest.approx((0, 2190 / 62), rel=1e-5, abs=1e-6)
    assert study.plans[0].cost == pytest.approx(21_900)
    assert all(plan.cost <= 24_090 * (1 + 1e-6) for plan in study.plans)
    assert study.audited
    assert study.proved


def test_weak_currencies_are_no_limit(tmp_path):
    """A thousand million to the euro: the cheapest plan costs 2e13, and what is a tenth above it is as it was."""
    weak = re.sub(r"([\d.]+)( EUR/)", lambda found: f"{float(found[1]) * 1e9:.12g}{found[2]}", PLANT)
    study = alternatives(written(tmp_path, weak), within=0.1)
    assert study.plans[0].cost == pytest.approx(21_900e9)
    assert study.ranges["roof", "capacity"] == pytest.approx((50 - 2190 / 62, 55), rel=1e-4)


def test_windows_asked_for_are_for_the_first_plan_alone(tmp_path):
    """The goals of the others know no time; they were refused for want of a horizon."""
    text = PLANT.replace("{gap: 0 %}", "{gap: 0 %, method: windows}")
    assert alternatives(written(tmp_path, text), within=0.1).ranges["roof", "capacity"] == pytest.approx(
        (50 - 2190 / 62, 55), rel=1e-5
    )


def test_a_range_is_told_with_the_least_cost_of_its_sizes(tmp_path):
    """None of the other roof is the cheapest plan, and costs what that costs, not what it might."""
    study = alternatives(written(tmp_path), within=0.1, diverse=0)
    least = next(plan for plan in study.plans if plan.name == "least other capacity")
    assert least.cost == pytest.approx(21_900, rel=1e-6)
    assert len(study.plans) == 5


def test_less_and_more_of_all_by_hand(tmp_path):
    """Less of all, each by the width of its range: 5 kW left to the grid for 2,190 EUR; to swap roofs takes off none.

    A EUR takes 1 / 438 / 40.32 = 5.66e-5 off; a kW swapped for 62 takes 1 / 40.32 off and adds 1 / 35.32.
    """
    study = alternatives(written(tmp_path), within=0.1, diverse=2)
    less, more = study.plans[-2:]
    assert less.name == "less roof capacity, less other capacity"
    assert [less.size((asset, "capacity")) for asset in ("roof", "other")] == pytest.approx([45, 0], abs=1e-4)
    total = sum(more.size((asset, "capacity")) / width for asset, width in (("roof", 40.3226), ("other", 35.3226)))
    assert total >= 55 / 40.3226 - 1e-6


def test_directions_are_as_unlike_as_can_be():
    """Of three sizes: all less, all more, then ways that differ from both in as many as can be."""
    found = directions(3, 4)
    assert found[:2] == [(1, 1, 1), (-1, -1, -1)]
    assert len(set(found)) == 4
    assert len(directions(2, 50)) == 4
    assert directions(0, 3) == []
    assert len(directions(10, 2)[0]) == 10


def test_modules_are_whole(tmp_path):
    """Modules of 20 kW: 60 kW cost 26,280, 40 and 10 from the grid as much: 40 or 60 are both the cheapest."""
    text = PLANT.replace("capex: 4380 EUR/kW", "capex: 4380 EUR/kW, unit_size: 20 kW").replace(
        OTHER,
        "",
    )
    study = alternatives(written(tmp_path, text), within=0.02)
    assert study.ranges["roof", "capacity"] == pytest.approx((40, 60))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"within": 0.0}, "--within: 0\n   wanted a share above 0 and up to 1"),
        ({"diverse": -1}, "--diverse: -1\n   wanted from 0 to 50 plans"),
        (
            {"overrides": {"assets.roof.capacity": "5 kW", "assets.other.capacity": "5 kW"}},
            "at least one to be decided",
        ),
        ({"overrides": {"objective.minimise": "emissions"}}, "wanted cost alone"),
    ],
)
def test_faults_are_told(options, told, tmp_path):
    with pytest.raises(InputError) as caught:
        alternatives(written(tmp_path), **options)
    assert told in "\n".join(str(problem) for problem in caught.value.problems)


def test_what_is_written_says_the_same(tmp_path, monkeypatch, capsys):
    path, out = written(tmp_path), tmp_path / "run"
    with typed(monkeypatch, capsys) as microgrid:
        ended = microgrid("alternatives", str(path), "--within", "10 %", "--out", str(out))
        assert ended.code == 0, ended.err
        assert "least roof capacity" in ended.out
        refused = microgrid("alternatives", str(path), "--within", "10 kW")
        assert refused.code == 2
        assert "such as 2 % or 0.02" in refused.err
    table = pd.read_csv(out / "alternatives.csv")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["alternatives"]["ranges"]["roof.capacity"][1] == pytest.approx(table["roof.capacity"].max())
    assert load(out / "plans" / "02").sizes["roof"]["capacity"] == pytest.approx(55)
    assert (out / "alternatives.png").stat().st_size > 5_000
    page = (out / "alternatives.html").read_text(encoding="utf-8")
    for words in ("What is free to be decided", "the cheapest", "Costs more", "data:image/png", "Limits of this study"):
        assert words in page
