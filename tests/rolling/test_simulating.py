"""The closed loop: plans carried out against what happens, settled and audited, held against perfect foresight."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.forecasting.baselines import foreseen, last_week, persistence
from microgrid.rolling.simulating import Course, simulate
from microgrid.rolling.windows import Look
from microgrid.timeline import Timeline

PLANT = """
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-03-23, days: 1, step: 1 h}
assets:
  grid:
    kind: grid_connection
    capacity: 200 kW
    import_price: {file: site.csv, column: price}
    demand_charge: {price: 20 EUR/kW/month, window: 1 h}
    location_factor: 0.4 kgCO2e/kWh
  battery:
    kind: battery
    energy: 100 kWh
    power: 50 kW
    initial_charge: 50 %
    wear: {replacement_cost: 100 EUR/kWh, cycle_life: 6000}
  mill: {kind: production_load, demand: {file: site.csv, column: load}}
"""
HOURLY = Look(((12.0, 1.0), (12.0, 2.0)))


@pytest.fixture
def site(tmp_path):
    """Write nine days around a clock change: work by day, and on the eighth day twice as much."""
    times = pd.date_range("2026-03-23", "2026-04-01", freq="h", tz="Europe/Berlin", inclusive="left")
    by_day = (times.hour >= 8) & (times.hour < 18)
    load = np.where(by_day, 60.0, 20.0) * np.where(times.day == 30, 2.0, 1.0)
    price = np.where(by_day, 0.3, 0.1)
    rows = zip([time.isoformat() for time in times], load, price, strict=True)
    text = "".join(f"{time},{drawn},{paid}\n" for time, drawn, paid in rows)
    (tmp_path / "site.csv").write_text("time,load [kW],price [EUR/kWh]\n" + text)
    (tmp_path / "plant.yaml").write_text(PLANT)
    return tmp_path / "plant.yaml"


def test_perfect_forecasts_end_within_three_percent_of_perfect_foresight(site):
    """The month's peak comes on the eighth day: windows of a day know of it by the longer view."""
    course = Course(HOURLY, every=12.0)
    found = simulate(site, "2026-03-23", "2026-04-01", course)
    account = found.result.manifest["simulation"]
    assert found.result.manifest["audit"]["passed"], found.result.manifest["audit"]["findings"]
    assert account["rungs"] == {"proved": 18}
    assert 0.0 <= found.regret < 0.03


def test_forecasts_that_err_cost_more_and_the_bill_still_adds_up(site):
    """Yesterday is foreseen for the eighth day: its load comes as a surprise, and is paid for."""
    found = simulate(site, "2026-03-28", "2026-04-01", Course(HOURLY, every=12.0, forecast="persistence"))
    assert found.result.manifest["audit"]["passed"], found.result.manifest["audit"]["findings"]
    assert found.regret > 0.0
    assert found.result.manifest["simulation"]["foreseen_as_it_happened"] == 0


def test_what_no_window_can_plan_is_refused(site):
    with pytest.raises(InputError, match="a size to be decided"):
        simulate(site, "2026-03-24", "2026-03-25", Course(HOURLY, every=12.0),
                 {"assets.battery.energy": "{low: 0 kWh, high: 10 kWh, capex: 1 EUR/kWh, lifetime: 9 a}"})  # fmt: skip
    with pytest.raises(InputError, match="caps on the whole horizon"):
        simulate(site, "2026-03-24", "2026-03-25", Course(HOURLY, every=12.0), {"objective.caps": "{cost: 9 EUR}"})
    with pytest.raises(InputError, match="--every"):
        simulate(site, "2026-03-24", "2026-03-25", Course(HOURLY, every=0.5))


def days(start: str, count: int) -> Timeline:
    first = pd.Timestamp(start, tz="Europe/Berlin")
    return Timeline.regular(first, first + pd.DateOffset(days=count), pd.Timedelta(hours=1))


def test_persistence_foresees_the_last_known_day_by_the_local_clock():
    """At noon of the second day the morning after is foreseen as this morning, this evening as last evening."""
    timeline = days("2026-06-01", 3)
    places = persistence(timeline, 36)
    assert places[:12].tolist() == list(range(12, 24))
    assert places[12:24].tolist() == list(range(24, 36))
    assert places[24:].tolist() == list(range(12, 24))
    values = foreseen(np.arange(72.0), places, 36)
    assert values[35:38].tolist() == [35.0, 12.0, 13.0]


def test_eight_oclock_is_foreseen_as_eight_oclock_though_the_clock_changes_in_between():
    timeline = days("2026-03-28", 3)
    wall = timeline.index.tz_localize(None)
    now = 24
    places = persistence(timeline, now)
    known = places >= 0
    assert (wall[places[known]].hour == wall[now:][known].hour).all()


def test_the_same_day_last_week_passes_by_holidays():
    """Thursday 14 May is a holiday: it is foreseen as the Sunday before, and Thursday 21 May as 7 May."""
    timeline = days("2026-05-04", 21)
    rest = {pd.Timestamp("2026-05-14").date()}
    index = timeline.index
    now = int(index.get_loc(pd.Timestamp("2026-05-14", tz="Europe/Berlin")))
    assert index[last_week(timeline, now, rest)[0]].date() == pd.Timestamp("2026-05-10").date()
    now = int(index.get_loc(pd.Timestamp("2026-05-21", tz="Europe/Berlin")))
    assert index[last_week(timeline, now, rest)[0]].date() == pd.Timestamp("2026-05-07").date()


def test_without_a_past_there_is_no_place():
    assert set(persistence(days("2026-06-01", 1), 0).tolist()) == {-1}
