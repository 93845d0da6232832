"""Tariffs from window to window: peaks, ratchets, tiers are carried on, and the bill is what the meter reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid.bills.calculator import bill
from microgrid.bills.readings import Facts, Readings
from microgrid.dispatch.once import dispatch
from microgrid.errors import InputError
from microgrid.rolling.planned import Rung
from microgrid.rolling.simulating import Course, simulate
from microgrid.rolling.windows import Look
from microgrid.scenario import read_scenario
from microgrid.tariffs.past import Past

PLANT = """
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-03-29, days: 4, step: 1 h}
assets:
  grid:
    kind: grid_connection
    capacity: 300 kW
    past: {peaks: {demand day: 70 kW}, energy: 4 MWh, months: {ratcheted: {2026-02: 90 kW}}}
    tariff:
      currency: EUR
      time_of_use:
        days: [{hours: {day: 8-20, night: rest}}]
      components:
        spot: {kind: energy, price: {file: site.csv, column: price}}
        tiers: {kind: energy, tiers: [{up_to: 5 MWh, price: 0.02 EUR/kWh}, {price: 0.05 EUR/kWh}]}
        demand: {kind: demand, price: {day: 6 EUR/kW/month, night: 1 EUR/kW/month}, window: 1 h}
        ratcheted: {kind: demand, price: 2 EUR/kW/month, window: 1 h, ratchet: {share: 80 %, look_back: 3}}
        meter: {kind: fixed, amount: 30 EUR/month}
      export: {price: 0.01 EUR/kWh}
  roof: {kind: photovoltaic, capacity: 60 kW, availability: {file: site.csv, column: sun}}
  battery:
    kind: battery
    energy: 100 kWh
    power: 50 kW
    initial_charge: 50 %
    wear: {replacement_cost: 100 EUR/kWh, cycle_life: 6000}
  mill: {kind: production_load, demand: {file: site.csv, column: load}}
"""
HOURLY = Look(((24.0, 1.0),))


@pytest.fixture
def site(tmp_path) -> Path:
    """Write four days over a change of the clock and a month's end: work by day."""
    times = pd.date_range("2026-03-29", "2026-04-02", freq="h", tz="Europe/Berlin", inclusive="left")
    by_day = (times.hour >= 7) & (times.hour < 18)
    load = np.where(by_day, 80.0, 20.0) + 5.0 * (times.hour % 3)
    sun = np.where(np.abs(times.hour - 13) < 4, 0.9, 0.0)
    rows = zip([t.isoformat() for t in times], load, np.where(by_day, 0.3, 0.1), sun, strict=True)
    text = "".join(f"{time},{drawn},{paid},{given}\n" for time, drawn, paid, given in rows)
    (tmp_path / "site.csv").write_text("time,load [kW],price [EUR/kWh],sun [1]\n" + text)
    (tmp_path / "plant.yaml").write_text(PLANT)
    return tmp_path / "plant.yaml"


def metered(found, tariff, facts: Facts) -> dict[str, float]:
    """Return the calculator's bill of what a simulation's meter read."""
    flows, steps = found.result.flows, found.result.steps
    of_grid = flows[flows["asset"].astype(str) == "grid"]
    rates = {port: rows["rate"].to_numpy() for port, rows in of_grid.groupby("port", observed=True)}
    sold = -rates["export"] if "export" in rates else 0.0 * rates["import"]
    readings = Readings(
        pd.DatetimeIndex(steps["time"]), steps["hours"].to_numpy(), rates["import"].clip(0.0), sold.clip(0.0)
    )
    return bill(tariff, readings, facts, adjusts=False).lines()


def ledger(found) -> dict[str, float]:
    """Return the lines of the money ledger that are the grid's."""
    costs = found.result.costs
    return costs[costs["asset"].astype(str) == "grid"].groupby("line", observed=True)["amount"].sum().to_dict()


@pytest.mark.parametrize("forecast", ["perfect", "persistence"])
def test_the_ledger_is_the_bill_of_the_meter(site, forecast):
    """Windows of a day over a month's end: each line is what the calculator bills for all readings at once."""
    course = Course(HOURLY, every=12.0, forecast=forecast)
    found = simulate(site, "2026-03-29", "2026-04-02", course)
    assert found.result.manifest["audit"]["passed"], found.result.manifest["audit"]["findings"]
    connection = read_scenario(site).plant.assets["grid"]
    due = metered(found, connection.tariff, Facts("", 300.0, past=connection.past))
    booked = ledger(found)
    assert set(booked) == set(due)
    for line, amount in due.items():
        assert booked[line] == pytest.approx(amount, abs=0.01), line
    if forecast == "perfect":
        assert 0.0 <= found.regret < 0.03


def test_each_window_knows_what_the_months_bill_remembers(site):
    """Night peaks of 1 EUR are cheap and 70 kW were seen by day: by day the plan keeps to 70 kW until the month ends.

    The work asks for 80 to 90 kW by day; 60 kW of sun and the battery hold the first two days at 70 kW or less. A
    window that had forgotten the past would pay 6 EUR for each kW of it anew, and plan less than 70 kW for nothing.
    """
    found = simulate(site, "2026-03-29", "2026-03-31", Course(HOURLY, every=12.0))
    flows = found.result.flows
    bought = flows[(flows["asset"].astype(str) == "grid") & (flows["port"].astype(str) == "import")]["rate"].to_numpy()
    hours = pd.DatetimeIndex(found.result.steps["time"]).hour
    assert bought[(hours >= 8) & (hours < 20)].max() <= 70.0 + 1e-6
    assert ledger(found)["demand"] == pytest.approx(6.0 * 70.0 + bought[(hours < 8) | (hours >= 20)].max(), abs=0.01)


def test_a_shipped_contract_is_billed_as_its_meter_reads():
    path = Path(__file__).parents[2] / "scenarios" / "metal_parts" / "contract.yaml"
    look = Look(((12.0, 0.25), (12.0, 1.0)))
    found = simulate(path, "2018-07-16", "2018-07-17", Course(look, every=12.0, forecast="week"))
    option = found.result.manifest["simulation"]["billing"]["grid"]
    connection = read_scenario(path).plant.assets["grid"]
    past = Past(peaks={"measured_demand": 250.0}, energy=40_000.0)
    due = metered(found, connection.tariff, Facts(option, connection.capacity.high, 800.0, past=past))
    assert option == "measured"
    assert ledger(found) == pytest.approx(due, abs=0.01)


SITE = "scenario: plant.yaml\nwindow: 12 h/1 h\ndeadline: 20 s\nmeasurements: {file: measured.csv}\n"


def state_of(folder: Path) -> Past:
    told = json.loads((folder / "state" / "state.json").read_text())
    return Past.model_validate(told["state"]["before"]["grid"]["past"])


def test_dispatch_carries_the_bill_from_run_to_run(site):
    """What was measured counts, and what was planned where nothing was; the month's end closes the month.

    At 10:00 120 kW are metered, above the 70 kW by day of before. At midnight of the first of April the day's peak
    begins anew, and the month's 120 kW stand among the months that the ratchet looks at.
    """
    folder = site.parent
    (folder / "site.yaml").write_text(SITE)
    head = "time,asset,quantity,value,unit\n"
    (folder / "measured.csv").write_text(head)
    first = pd.Timestamp("2026-03-31T08:00+02:00")
    assert dispatch(folder / "site.yaml", folder / "state", first).rung is Rung.PROVED
    assert state_of(folder).peaks["demand day"] == 70.0
    (folder / "measured.csv").write_text(head + "2026-03-31T10:15:00+02:00,grid,import,120,kW\n")
    dispatch(folder / "site.yaml", folder / "state", first + pd.Timedelta(hours=4))
    past = state_of(folder)
    assert past.until == first + pd.Timedelta(hours=4)
    assert past.peaks["demand day"] == pytest.approx(120.0)
    assert past.energy is not None
    assert past.energy > 4000.0 + 120.0
    done = dispatch(folder / "site.yaml", folder / "state", pd.Timestamp("2026-04-01T00:00+02:00"))
    assert done.rung is Rung.PROVED
    past = state_of(folder)
    assert past.peaks.get("demand day", 0.0) == 0.0
    assert past.months["ratcheted"]["2026-03"] >= 120.0
    assert not past.energy


def test_a_scenario_that_says_until_when_its_past_tells_is_gone_on_from(site):
    """Its past ends on 29 March and there is no state: what is known of the month is kept, and that is told."""
    folder = site.parent
    text = site.read_text().replace("past: {peaks", 'past: {until: "2026-03-29T00:00+01:00", peaks')
    site.write_text(text)
    (folder / "site.yaml").write_text(SITE)
    (folder / "measured.csv").write_text("time,asset,quantity,value,unit\n")
    done = dispatch(folder / "site.yaml", folder / "state", pd.Timestamp("2026-03-31T08:00+02:00"))
    assert done.rung is Rung.PROVED
    assert any("what is known of its bill ends at 2026-03-29T00:00+01:00" in note for note in done.account["notes"])
    assert state_of(folder).peaks["demand day"] == 70.0


def test_a_price_of_the_day_holds_on_top_of_a_tariff(site):
    """From 12:00 to 15:00 a kWh costs 9 EUR: the battery is filled before and gives then."""
    folder = site.parent
    (folder / "site.yaml").write_text(SITE + "limits: live.yaml\n")
    (folder / "measured.csv").write_text("time,asset,quantity,value,unit\n")
    (folder / "live.yaml").write_text(
        "limits: [{asset: grid, kind: price, from: 2026-03-30T12:00, until: 2026-03-30T15:00, value: 9 EUR/kWh}]\n"
    )
    done = dispatch(folder / "site.yaml", folder / "state", pd.Timestamp("2026-03-30T08:00+02:00"))
    assert done.rung is Rung.PROVED
    assert not done.account["notes"]
    table = pd.read_csv(done.folder / "setpoints.csv")
    given = table[(table["asset"] == "battery") & (table["name"] == "discharge")]["value"].to_numpy()
    assert given[4:7].sum() > 60.0


def test_a_choice_of_billing_is_refused_where_every_run_would_choose_anew(tmp_path):
    path = Path(__file__).parents[2] / "scenarios" / "metal_parts" / "contract.yaml"
    (tmp_path / "plant.yaml").write_text(f"extends: {path}\nhorizon: {{start: 2018-07-16, days: 1, step: 1 h}}\n")
    (tmp_path / "site.yaml").write_text("scenario: plant.yaml\n")
    with pytest.raises(InputError, match="a billing option to be decided"):
        dispatch(tmp_path / "site.yaml", tmp_path / "state")
