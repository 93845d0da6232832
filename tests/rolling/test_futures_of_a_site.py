"""Futures of a site: in the site file, foreseen by rows of their own, planned for together and told in the plan."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from microgrid.dispatch.once import dispatch
from microgrid.dispatch.site import read_site
from microgrid.errors import InputError
from microgrid.rolling.planned import Rung
from tests.rolling.sites import SITE, plant_text
from tests.rolling.test_dispatch import NOON, assert_usable, at, journal, measure

FUTURES = "futures: {low: 30 %, usual: 40 %, high: 30 %}\n"
HEAD = "time,asset,quantity,value,unit,future\n"
LOADS = {"low": 30.0, "usual": 45.0, "high": 70.0}


@pytest.fixture
def site(tmp_path) -> Path:
    """Write a site whose load has three futures."""
    (tmp_path / "plant.yaml").write_text(plant_text())
    (tmp_path / "site.yaml").write_text(SITE + FUTURES)
    measure(tmp_path, ("battery", "stored", 30, "kWh"), ("grid", "import", 25, "kW"))
    forecast_futures(tmp_path, LOADS)
    return tmp_path / "site.yaml"


def forecast_futures(folder: Path, loads: dict, now: pd.Timestamp = NOON) -> None:
    rows = [
        f"{moment.isoformat()},load,demand,{value},kW,{future}\n"
        for future, value in loads.items()
        for moment in pd.date_range(now, periods=12, freq="h")
    ]
    (folder / "forecasts.csv").write_text(HEAD + "".join(rows))


def account(site: Path) -> dict:
    told: dict = json.loads((site.parent / "state" / "current" / "plan.json").read_text())
    return told


def planned(site: Path, now: pd.Timestamp = NOON):
    return dispatch(site, site.parent / "state", now)


def test_a_plan_tells_its_futures_their_costs_and_the_mean_of_them(site):
    done = planned(site)
    assert done.rung is Rung.PROVED
    told = account(site)
    assert {name: future["probability"] for name, future in told["futures"].items()} == {
        "low": 0.3, "usual": 0.4, "high": 0.3,
    }  # fmt: skip
    costs = {name: future["cost"] for name, future in told["futures"].items()}
    assert costs["low"] < costs["usual"] < costs["high"]
    mean = 0.3 * costs["low"] + 0.4 * costs["usual"] + 0.3 * costs["high"]
    assert told["expected"]["cost"] == pytest.approx(mean, abs=1e-3)
    assert [told["expected"][key] for key in ("lowest", "highest")] == [costs["low"], costs["high"]]
    assert at(assert_usable(site.parent / "state"), "load", "demand") == [-45.0] * 6
    assert journal(site.parent / "state")[-1]["futures"] == told["futures"]
    assert len(pd.read_csv(done.folder / "prices.csv")) == 6


def test_futures_that_all_say_the_same_are_planned_as_one_forecast_is(site):
    forecast_futures(site.parent, dict.fromkeys(LOADS, 45.0))
    planned(site)
    hedged = account(site)["expected"]
    site.write_text(SITE)
    forecast_futures(site.parent, {"": 45.0})
    dispatch(site, site.parent / "alone", NOON)
    alone = json.loads((site.parent / "alone" / "current" / "plan.json").read_text())
    assert alone["futures"] == {}
    assert hedged["cost"] == pytest.approx(alone["expected"]["cost"], abs=1e-3)


def test_a_row_without_a_future_holds_in_all_and_own_rows_come_first(site):
    """Only `high` has rows of its own; the others are foreseen by those that name none."""
    forecast_futures(site.parent, {"": 45.0, "high": 70.0})
    done = planned(site)
    costs = {name: future["cost"] for name, future in account(site)["futures"].items()}
    assert costs["low"] == pytest.approx(costs["usual"], rel=1e-3)
    assert costs["high"] > costs["usual"] + 1.0
    assert "the future low has no rows of its own, it is foreseen by the rows that hold in all" in done.account["notes"]


def test_rows_of_a_future_that_the_site_does_not_name_are_left_out_and_told(site):
    forecast_futures(site.parent, LOADS | {"storm": 90.0})
    done = planned(site)
    assert "forecasts: rows of storm left out, the site's futures are low, usual, high" in done.account["notes"]
    assert list(account(site)["futures"]) == ["low", "usual", "high"]


def test_forecasts_without_any_futures_are_planned_for_as_one_and_that_is_told(site):
    forecast_futures(site.parent, {"": 45.0})
    done = planned(site)
    assert done.rung is Rung.PROVED
    assert account(site)["futures"] == {}
    assert any("no rows of low, usual, high: planned for one forecast" in note for note in done.account["notes"])


def test_a_site_without_futures_takes_the_usual_one_and_tells_what_it_leaves_out(site):
    site.write_text(SITE)
    done = planned(site)
    assert at(assert_usable(site.parent / "state"), "load", "demand") == [-45.0] * 6
    assert "forecasts: rows of high, low left out, the site names no futures" in done.account["notes"]


def test_limits_of_the_day_hold_in_every_future(site):
    """A battery at half its power and a call: 15 kW and 60 kW hold in the plan, and 70 kW of load in `high` too."""
    (site.parent / "live.yaml").write_text(
        "limits:\n"
        "  - {asset: battery, kind: derating, value: 50 %}\n"
        "  - {asset: grid, kind: import, until: 2026-06-15T14:00, value: 60 kW}\n"
    )
    assert planned(site).rung is Rung.PROVED
    assert len(account(site)["futures"]) == 3
    table = assert_usable(site.parent / "state")
    assert max(at(table, "battery", "discharge")) <= 15.0 + 1e-6
    assert max(at(table, "grid", "import")[:2]) <= 60.0 + 1e-6


def test_a_future_that_nothing_can_meet_leaves_the_plan_for_one_forecast(site):
    """300 kW over a connection of 100 kW: no plan hedges against it, so the usual load is planned for, and told."""
    forecast_futures(site.parent, LOADS | {"high": 300.0})
    done = planned(site)
    assert done.rung is Rung.PROVED
    assert account(site)["futures"] == {}
    assert done.account["reason"].startswith("planned for one forecast, not for 3 futures: the solver found no plan")
    assert at(assert_usable(site.parent / "state"), "load", "demand") == [-45.0] * 6


@pytest.mark.parametrize("now", ["2026-10-25T00:30+02:00", "2026-03-29T00:30+01:00", "2026-06-30T21:00+02:00"])
def test_clock_changes_and_the_months_end_are_times_like_others(now, site):
    forecast_futures(site.parent, LOADS, pd.Timestamp(now).floor("h"))
    assert planned(site, pd.Timestamp(now)).rung is Rung.PROVED
    assert len(account(site)["futures"]) == 3
    assert_usable(site.parent / "state")


TOLD = {
    "3": {"low": 0.3, "usual": 0.4, "high": 0.3},
    "5": {"q10": 0.2, "q30": 0.2, "usual": 0.2, "q70": 0.2, "q90": 0.2},
    "[calm, storm]": {"calm": 0.5, "storm": 0.5},
    "{calm: 0.75, storm: 25 %}": {"calm": 0.75, "storm": 0.25},
    "{calm: , storm: }": {"calm": 0.5, "storm": 0.5},
}


@pytest.mark.parametrize(("text", "shares"), TOLD.items(), ids=TOLD)
def test_futures_are_told_as_a_number_as_names_or_with_their_probabilities(text, shares, tmp_path):
    (tmp_path / "site.yaml").write_text(f"{SITE}futures: {text}\n")
    assert read_site(tmp_path / "site.yaml").futures == pytest.approx(shares)


FAULTS = {
    "{low: 30 %, high: 60 %}": "site.yaml:8  futures: probabilities of 90 % together\n   wanted 100 %",
    "{low: 30 %, high: }": (
        "site.yaml:8  futures: a probability of low, none of high\n   wanted one of each future, or of none"
    ),
    "{low: 0 %, high: 100 %}": (
        "site.yaml:8  futures: a future that never comes\n   wanted probabilities above zero; leave it out"
    ),
    "{low: 30 kW, high: 70 %}": 'site.yaml:8  futures: low: 30 kW\n   wanted a probability; such as "30 %"',
    "4": "site.yaml:8  futures: 4\n   wanted an odd number of futures from 3 to 9; such as 3",
    "{low: 100 %}": (
        "site.yaml:8  futures: {low: 100 %}\n"
        "   wanted two futures or more; such as 3, or {low: 30 %, usual: 40 %, high: 30 %}"
    ),
}


@pytest.mark.parametrize(("text", "told"), FAULTS.items(), ids=FAULTS)
def test_futures_that_cannot_be_are_refused_with_file_and_line(text, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("site.yaml").write_text(f"{SITE}futures: {text}\n")
    with pytest.raises(InputError) as error:
        read_site(Path("site.yaml"))
    assert str(error.value) == told
