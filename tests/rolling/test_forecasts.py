"""Forecasts learnt from a history: better than persistence on a real load, calibrated, and rows for dispatch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid.dispatch.foreseeing import foresee
from microgrid.errors import InputError
from microgrid.forecasting.backtests import backtest
from microgrid.forecasting.baselines import foreseen, holidays_of, last_week
from microgrid.forecasting.futures import levels
from microgrid.forecasting.quantiles import features, train
from microgrid.timeline import Timeline
from tests.command_line import typed

pytest.importorskip("sklearn")
ROOT = Path(__file__).parents[2]


def hourly(days: int, start: str = "2026-01-05") -> Timeline:
    first = pd.Timestamp(start, tz="Europe/Berlin")
    return Timeline.regular(first, first + pd.DateOffset(days=days), pd.Timedelta(hours=1))


def shifts(timeline: Timeline, seed: int = 1) -> np.ndarray:
    """Return a load with a working week, levels that change from day to day, and noise."""
    random = np.random.default_rng(seed)
    wall = timeline.index.tz_localize(None)
    works = (wall.day_of_week < 5) & (wall.hour >= 6) & (wall.hour < 22)
    levels = random.uniform(0.7, 1.3, int(wall.day_of_year.max()) + 1)[wall.day_of_year]
    return np.where(works, 100.0 * levels, 20.0) + random.normal(0.0, 5.0, len(wall))


def test_a_quantile_is_passed_as_often_as_it_says():
    """Trained on eight weeks, held against four: 80 % lie between 10 and 90 %, and it beats persistence."""
    timeline = hourly(84)
    table = backtest(np.maximum(shifts(timeline), 0.0), timeline, 24 * 56, 24)
    assert 0.7 <= table.loc["quantile", "coverage"] <= 0.9
    assert table.loc["quantile", "skill"] > 0.2
    assert table.loc["persistence", "skill"] == 0.0


def test_the_real_load_is_foreseen_better_than_by_persistence():
    """The metered load of 2018 in the metal-parts plant, by the hour: 58 days to learn from, 14 to be tried on.

    With the holidays of the country that it was metered in; two weeks of a works that stands still at random tell
    little, so no more is asked than to be clearly better.
    """
    table = pd.read_csv(ROOT / "scenarios" / "metal_parts" / "load.csv", nrows=96 * 72)
    hours = table["load [kW]"].to_numpy().reshape(-1, 4).mean(axis=1)
    first = pd.Timestamp("2018-01-01", tz="Asia/Shanghai")
    timeline = Timeline.regular(first, first + pd.Timedelta(days=72), pd.Timedelta(hours=1))
    found = backtest(hours, timeline, 24 * 58, 36, holidays=holidays_of("KR", [2018]))
    assert found.loc["quantile", "skill"] > 0.1
    assert found.loc["quantile", "skill"] > found.loc["week", "skill"]


def test_nothing_is_learnt_from_what_is_still_to_come():
    timeline = hourly(40)
    values, now = shifts(timeline), 24 * 35
    spoilt = np.where(np.arange(len(values)) < now, values, np.nan)
    said = [train(each, timeline, now, 24).foresee(each, timeline, now) for each in (values, spoilt)]
    np.testing.assert_array_equal(*said)
    assert np.isfinite(said[0]).all()
    assert (np.diff(said[0], axis=0) >= 0).all(), "quantiles do not cross"
    assert not np.isnan(features(values, timeline, now, frozenset())[:24]).any()


def test_too_little_history_is_refused():
    timeline = hourly(20)
    with pytest.raises(InputError, match="a history of 21 days"):
        train(shifts(timeline), timeline, 24 * 10, 24)


def test_a_holiday_on_a_weekday_is_foreseen_as_a_rest_day_by_baseline_and_trees():
    """Eight weeks of a working week with three weekdays off; then Thursday 12 March is a holiday, and a day of 20 kW.

    The Thursday before is a working day of 70 to 130 kW from 6 to 22 h, as is the Friday after: who takes the weekday
    alone foresees those; and the first working day after a holiday is not foreseen as one.
    """
    timeline = hourly(70)
    local = timeline.index.date
    free = {pd.Timestamp(day).date() for day in ("2026-01-29", "2026-02-11", "2026-02-23", "2026-03-12")}
    values = np.where(np.isin(local, list(free)), 20.0, shifts(timeline))
    for day in ("2026-03-12", "2026-03-13"):
        now = int(timeline.index.get_loc(pd.Timestamp(day, tz="Europe/Berlin")))
        by_week = foreseen(values, last_week(timeline, now, free), now)[now : now + 24]
        by_trees = train(values, timeline, now, 24, holidays=free).foresee(values, timeline, now)[1][:24]
        for said in (by_week, by_trees):
            at_work = said[7:21]
            if day == "2026-03-12":
                assert at_work.max() < 50.0, said
            else:
                assert at_work.min() > 50.0, said


PLANT = """
currency: EUR
site: {time_zone: Europe/Berlin, latitude: 51 deg, longitude: 13.7 deg}
weather: {file: weather.csv}
horizon: {start: 2026-02-02, days: 7, step: 1 h}
assets:
  grid: {kind: grid_connection, capacity: 300 kW, import_price: 0.2 EUR/kWh}
  roof: {kind: photovoltaic, capacity: 50 kW, availability: {tilt: 30 deg}}
  mill: {kind: production_load, demand: {values: [DEMAND], unit: kW}}
"""


def weather(path: Path, days: pd.DatetimeIndex, light: float) -> None:
    sun = np.where(np.abs(days.hour - 11.5) < 4, light, 0.0)
    rows = "".join(f"{t.isoformat()},{g},{0.5 * g},{0.5 * g},5,3\n" for t, g in zip(days, sun, strict=True))
    path.write_text("time,ghi [W/m2],dni [W/m2],dhi [W/m2],temperature [degC],wind_speed [m/s]\n" + rows)


@pytest.fixture
def site(tmp_path) -> Path:
    """Write a site with thirty days of measured load, and weather files for the scenario's week and the days ahead."""
    timeline = hourly(30)
    load = shifts(timeline)
    (tmp_path / "plant.yaml").write_text(PLANT.replace("DEMAND", ", ".join(["60"] * 168)))
    week = pd.date_range("2026-02-02", periods=168, freq="h", tz="Europe/Berlin")
    weather(tmp_path / "weather.csv", week, 300.0)
    weather(
        tmp_path / "tomorrow.csv", pd.date_range("2026-02-03T23:00", periods=74, freq="h", tz="Europe/Berlin"), 30.0
    )
    rows = [f"{t.isoformat()},mill,demand,{v:.3f},kW\n" for t, v in zip(timeline.index, load, strict=True)]
    (tmp_path / "measured.csv").write_text("time,asset,quantity,value,unit\n" + "".join(rows))
    (tmp_path / "site.yaml").write_text(
        "scenario: plant.yaml\nwindow: 24 h/1 h\nmeasurements: {file: measured.csv}\nforecasts: {file: forecasts.csv}\n"
    )
    return tmp_path / "site.yaml"


@pytest.fixture
def command(monkeypatch, capsys):
    with typed(monkeypatch, capsys) as ran:
        yield ran


NOW = pd.Timestamp("2026-02-04T00:20+01:00")


def test_forecasts_are_rows_that_dispatch_reads(site):
    """Load learnt from thirty days, sun from a dull weather forecast: work from 6 to 22 h, and a tenth of the light."""
    found = foresee(site, NOW, 48.0, site.parent / "tomorrow.csv")
    table = pd.DataFrame(found.rows)
    load = table[table["asset"] == "mill"]["value"].to_numpy()
    assert len(load) == 48
    assert load[8:20].min() > 50.0 > load[:5].max()
    sun = table[table["asset"] == "roof"]["value"].to_numpy()
    assert 0.0 < sun.max() < 0.1
    assert [note.split(": ")[1] for note in found.notes] == ["from the weather forecast", "learnt from 30 days"]


def test_the_command_writes_what_dispatch_then_plans_by(site, command):
    out = site.parent / "forecasts.csv"
    done = command("forecast", str(site), "--out", str(out), "--now", NOW.isoformat(), "--ahead", "36 h")
    assert done.code == 0, done.err
    assert "36 rows written" in done.out
    planned = command("dispatch", str(site), "--state", str(site.parent / "state"), "--now", NOW.isoformat())
    assert planned.code == 0, planned.err
    assert "mill.demand: forecast for 36 of" in planned.err


def test_the_backtest_command_names_assets_and_short_series(command):
    path = str(ROOT / "scenarios" / "metal_parts" / "plant.yaml")
    done = command("backtest", path, "--asset", "grid", "--from", "2018-01-01", "--to", "2018-01-03")
    assert done.code == 2
    assert "one of roof, machines" in done.err
    done = command("backtest", path, "--asset", "machines", "--from", "2018-01-01", "--to", "2018-01-03")
    assert "more than the 2880 of --history" in done.err


def test_futures_are_quantiles_of_what_the_site_draws(site):
    """The load's 10, 50 and 90 %, in that order at every step; sun by the weather forecast, which holds in all."""
    found = foresee(site, NOW, 48.0, site.parent / "tomorrow.csv", futures=levels(3, "futures"))
    table = pd.DataFrame(found.rows)
    mill = table[table["asset"] == "mill"].pivot_table(index="time", columns="future", values="value")
    assert len(mill) == 48
    assert (mill["low"] <= mill["usual"]).all()
    assert (mill["usual"] <= mill["high"]).all()
    assert mill["high"].iloc[8:20].mean() > 1.1 * mill["usual"].iloc[8:20].mean()
    assert set(table[table["asset"] == "roof"]["future"]) == {""}
    usual = pd.DataFrame(foresee(site, NOW, 48.0, site.parent / "tomorrow.csv").rows)
    alone = usual[usual["asset"] == "mill"]["value"].to_numpy()
    assert mill["usual"].to_numpy() == pytest.approx(alone, rel=0.1), (
        "the usual is the single forecast, but for crossings"
    )


def test_where_much_is_generated_little_is_drawn():
    low, usual, high = levels(3, "futures")
    assert [each.of_series("demand") for each in (low, usual, high)] == [0.1, 0.5, 0.9]
    assert [each.of_series("availability") for each in (low, usual, high)] == [0.9, 0.5, 0.1]
    for count in (5, 7, 9):
        found = levels(count, "futures")
        shares = {each.quantile for each in found}
        assert {each.of_series("availability") for each in found} == shares
        assert sum(each.probability for each in found) == pytest.approx(1.0)


def test_futures_that_the_command_writes_are_what_dispatch_then_plans_for(site, command):
    out = site.parent / "forecasts.csv"
    words = ("--now", NOW.isoformat(), "--ahead", "36 h", "--futures", "3")
    done = command("forecast", str(site), "--out", str(out), *words)
    assert done.code == 0, done.err
    assert "mill.demand: learnt from 30 days, 3 futures" in done.err
    assert "108 rows written" in done.out
    site.write_text(site.read_text() + "futures: 3\n")
    planned = command("dispatch", str(site), "--state", str(site.parent / "state"), "--now", NOW.isoformat())
    assert planned.code == 0, planned.err
    told = json.loads((site.parent / "state" / "current" / "plan.json").read_text())["futures"]
    assert list(told) == ["low", "usual", "high"]
    assert told["low"]["cost"] < told["usual"]["cost"] < told["high"]["cost"]
    done = command("forecast", str(site), "--out", str(out), "--futures", "2")
    assert done.code == 2
    assert "--futures: 2\n   wanted an odd number of futures from 3 to 9; such as 3" in done.err


def test_a_history_too_short_for_futures_says_so(site):
    measured = site.parent / "measured.csv"
    rows = measured.read_text().splitlines(keepends=True)
    measured.write_text(rows[0] + "".join(rows[-24 * 12 :]))
    found = foresee(site, NOW, 24.0, futures=levels(3, "futures"))
    assert "mill.demand: as on the same day last week, too little to learn futures from" in found.notes
    assert {row["future"] for row in found.rows} == {""}


SIMULATED = """
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-02-02, days: 1, step: 1 h}
assets:
  grid:
    kind: grid_connection
    capacity: 300 kW
    import_price: {file: site.csv, column: price}
    demand_charge: {price: 8 EUR/kW/month, window: 1 h}
  battery: {kind: battery, energy: 80 kWh, power: 40 kW, initial_charge: 50 %}
  mill: {kind: production_load, demand: {file: site.csv, column: load}}
"""


def test_a_simulation_plans_for_futures_that_are_learnt_on_the_way(tmp_path, command):
    """Thirty days are learnt from; two days are planned for three futures each half day, carried out and audited."""
    timeline = hourly(33)
    rows = zip(timeline.index, shifts(timeline), np.where(timeline.index.hour < 7, 0.1, 0.3), strict=True)
    table = "".join(f"{time.isoformat()},{load:.3f},{price}\n" for time, load, price in rows)
    (tmp_path / "site.csv").write_text("time,load [kW],price [EUR/kWh]\n" + table)
    (tmp_path / "plant.yaml").write_text(SIMULATED)
    words = (str(tmp_path / "plant.yaml"), "--from", "2026-02-05", "--to", "2026-02-07", "--every", "12 h")
    window = ("--window", "24 h/1 h", "--futures", "3")
    done = command("simulate", *words, *window, "--forecast", "quantile", "--out", str(tmp_path / "run"))
    assert done.code == 0, done.err + done.out
    log = json.loads((tmp_path / "run" / "manifest.json").read_text())["simulation"]["log"]
    assert [entry["futures"] for entry in log] == [{"low": 0.3, "usual": 0.4, "high": 0.3}] * 4
    refused = command("simulate", *words, *window, "--forecast", "week")
    assert refused.code == 2
    assert (
        "--futures: futures of the forecast week\n   wanted --forecast quantile, whose quantiles they are"
        in refused.err
    )
