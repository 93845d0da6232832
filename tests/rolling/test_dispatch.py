"""Dispatch with nobody watching: whatever fails, there is a usable plan, a line that says why, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from microgrid.dispatch import publishing, store
from microgrid.dispatch.once import Dispatched, dispatch
from microgrid.dispatch.site import Source
from microgrid.dispatch.sources import read_source
from microgrid.dispatch.store import BusyError, Store
from microgrid.errors import InputError
from microgrid.rolling import replanning
from microgrid.rolling.planned import Rung
from microgrid.running import NoPlanError
from solvers import Ended, Outcome
from tests.rolling.sites import HEAD, SITE, plant_text

NOON = pd.Timestamp("2026-06-15T12:00+02:00")


@pytest.fixture
def site(tmp_path) -> Path:
    """Write a site with all its files; return the site file."""
    (tmp_path / "plant.yaml").write_text(plant_text())
    (tmp_path / "site.yaml").write_text(SITE)
    measure(tmp_path, ("battery", "stored", 30, "kWh"), ("grid", "import", 25, "kW"))
    forecast(tmp_path, [45.0] * 12)
    return tmp_path / "site.yaml"


def measure(folder: Path, *rows: tuple, at: pd.Timestamp = NOON) -> None:
    moment = (at - pd.Timedelta(minutes=5)).isoformat()
    lines = [f"{moment},{','.join(map(str, row))}\n" for row in rows]
    (folder / "measurements.csv").write_text(HEAD + "".join(lines))


def forecast(folder: Path, values: list, at: pd.Timestamp = NOON, unit: str = "kW") -> None:
    times = pd.date_range(at, periods=len(values), freq="h")
    lines = [f"{time.isoformat()},load,demand,{value},{unit}\n" for time, value in zip(times, values, strict=True)]
    (folder / "forecasts.csv").write_text(HEAD + "".join(lines))


def journal(state: Path) -> list[dict]:
    return [json.loads(line) for line in (state / "journal.jsonl").read_text().splitlines() if line.startswith("{")]


def assert_usable(state: Path, hours: int = 6) -> pd.DataFrame:
    """Hold the current plan to its balance, its levels and its limits; return its set-points."""
    table = pd.read_csv(state / "current" / "setpoints.csv")
    flows = table[table["kind"] == "flow"]
    assert flows.groupby("time")["value"].sum().abs().max() < 1e-3
    assert flows["time"].nunique() == hours
    stored = table[table["kind"] == "stock"]["value"]
    assert stored.between(6.0 - 1e-6, 60.0 + 1e-6).all()
    assert flows[flows["name"] == "import"]["value"].between(-1e-6, 100.0 + 1e-6).all()
    assert table["value"].notna().all()
    return table


def at(table: pd.DataFrame, asset: str, name: str) -> list[float]:
    return table[(table["asset"] == asset) & (table["name"] == name)]["value"].tolist()


def test_a_run_writes_setpoints_reserve_reasons_prices_cost_and_emissions(site):
    state = site.parent / "state"
    done = dispatch(site, state, NOON)
    assert done.rung is Rung.PROVED
    table = assert_usable(state)
    assert at(table, "load", "demand") == [-45.0] * 6
    account = json.loads((state / "current" / "plan.json").read_text())
    imported = sum(at(table, "grid", "import"))
    assert account["expected"]["emissions"]["emissions"] == pytest.approx(0.4 * imported, abs=1e-2)
    assert account["expected"]["costs"]["demand"] >= 9 * 25.0
    reserve = pd.read_csv(state / "current" / "reserve.csv")
    assert set(reserve["asset"]) == {"battery", "roof"}
    assert (reserve[["up", "down"]] >= 0).all(axis=None)
    assert len(pd.read_csv(state / "current" / "prices.csv")) == 6
    assert {"asset", "what", "from", "until"} == set(pd.read_csv(state / "current" / "limits.csv"))


def test_the_next_run_goes_on_from_the_plan_where_nothing_is_measured(site):
    state = site.parent / "state"
    dispatch(site, state, NOON)
    stored = at(pd.read_csv(state / "current" / "setpoints.csv"), "battery", "stored")
    (site.parent / "measurements.csv").unlink()
    done = dispatch(site, state, NOON + pd.Timedelta(hours=2))
    assert any("measurements could not be read" in note for note in done.account["notes"])
    before = store.Store(state).load()["before"]
    assert before["battery"]["initial_charge"] == pytest.approx(stored[1] / 60.0, abs=1e-6)
    assert_usable(state)


FORECASTS = {
    "late": [45.0] * 2,
    "a value that is none": [45.0, "NaN", 45.0, "", 45.0, 45.0],
    "below zero": [45.0, -5.0, 45.0, 45.0, 45.0, 45.0],
}


@pytest.mark.parametrize("values", FORECASTS.values(), ids=FORECASTS)
def test_forecasts_that_lack_or_are_wrong_are_filled_and_told(values, site):
    forecast(site.parent, values)
    done = dispatch(site, site.parent / "state", NOON)
    table = assert_usable(site.parent / "state")
    assert all(-50.0 <= drawn <= 0.0 for drawn in at(table, "load", "demand"))
    assert any("load" in note for note in done.account["notes"])


def test_a_forecast_that_is_missing_is_taken_from_the_days_before(site):
    """What was measured a week before is foreseen, not the scenario's typical day of 50 and 30 kW."""
    (site.parent / "forecasts.csv").unlink()
    times = pd.date_range(NOON, periods=12, freq="h")
    rows = "".join(f"{time.isoformat()},load,demand,33,kW\n" for time in times)
    (site.parent / "measurements.csv").write_text(HEAD + rows)
    done = dispatch(site, site.parent / "state", NOON + pd.Timedelta(days=7))
    assert at(assert_usable(site.parent / "state"), "load", "demand") == [-33.0] * 6
    assert any("forecasts could not be read" in note for note in done.account["notes"])


def test_a_forecast_row_holds_until_the_next_one_but_for_two_hours_at_most(site):
    """Rows at 12, 13, 15 and 18 h, for hours with 45, 46, 47 and 48 kW: 17 h is what the scenario says of it, 50 kW."""
    times = [NOON + pd.Timedelta(hours=hours) for hours in (0, 1, 3, 6)]
    rows = [f"{time.isoformat()},load,demand,{45 + place},kW\n" for place, time in enumerate(times)]
    (site.parent / "forecasts.csv").write_text(HEAD + "".join(rows))
    dispatch(site, site.parent / "state", NOON)
    drawn = at(assert_usable(site.parent / "state"), "load", "demand")
    assert drawn == [-45.0, -46.0, -46.0, -47.0, -47.0, -50.0]


def test_a_price_that_is_none_is_left_out_and_told(site):
    rows = f"{NOON.isoformat()},grid,import_price,nan,EUR/kWh\n"
    (site.parent / "forecasts.csv").write_text(HEAD + rows)
    done = dispatch(site, site.parent / "state", NOON)
    assert any("left out grid import_price" in note for note in done.account["notes"])
    assert_usable(site.parent / "state")


@pytest.mark.parametrize("stored", [-5, 3, 70])
def test_stored_energy_out_of_range_is_held_within_and_told(stored, site):
    measure(site.parent, ("battery", "stored", stored, "kWh"))
    done = dispatch(site, site.parent / "state", NOON)
    assert any("battery" in note and "outside" in note for note in done.account["notes"])
    assert done.rung is Rung.PROVED
    assert_usable(site.parent / "state")


def test_an_asset_out_of_order_does_nothing_for_as_long_as_it_is_said_to_be(site):
    (site.parent / "live.yaml").write_text(
        "limits:\n  - {asset: battery, kind: outage, from: 2026-06-15T12:00, until: 2026-06-15T15:00}\n"
    )
    assert dispatch(site, site.parent / "state", NOON).rung is Rung.PROVED
    table = assert_usable(site.parent / "state")
    for port in ("charge", "discharge"):
        assert at(table, "battery", port)[:3] == [0.0, 0.0, 0.0]


def test_a_call_a_derating_and_a_price_hold_on_top_of_the_scenario(site):
    (site.parent / "live.yaml").write_text(
        "limits:\n"
        "  - {asset: grid, kind: import, until: 2026-06-15T13:00, value: 5 kW}\n"
        "  - {asset: battery, kind: derating, value: 50 %}\n"
        "  - {asset: grid, kind: price, from: 2026-06-15T16:00, value: 2 EUR/kWh}\n"
    )
    dispatch(site, site.parent / "state", NOON)
    table = assert_usable(site.parent / "state")
    assert at(table, "grid", "import")[0] <= 5.0 + 1e-6
    assert max(at(table, "battery", "discharge")) <= 15.0 + 1e-6
    prices = pd.read_csv(site.parent / "state" / "current" / "prices.csv")["price"]
    assert prices.iloc[-1] > 0.25


def test_a_limit_of_an_asset_that_is_not_there_is_told_and_left_out(site):
    (site.parent / "live.yaml").write_text("limits:\n  - {asset: turbine, kind: outage}\n")
    done = dispatch(site, site.parent / "state", NOON)
    assert any("live limits left out" in note and "turbine" in note for note in done.account["notes"])
    assert done.rung is Rung.PROVED


def fail(outcome):
    def optimise(*_args, **_settings):
        raise NoPlanError(outcome)

    return optimise


def test_a_solver_that_finds_nothing_in_time_leaves_the_rules_then_the_last_plan(site, monkeypatch):
    """The first run has no plan to go on with: rules. The next one moves the last plan on, and repairs it."""
    monkeypatch.setattr(replanning, "optimise", fail(Outcome(Ended.TIME)))
    state = site.parent / "state"
    first = dispatch(site, state, NOON)
    assert first.rung is Rung.RULE
    assert "time limit" in first.account["reason"]
    assert_usable(state)
    monkeypatch.undo()
    assert dispatch(site, state, NOON + pd.Timedelta(hours=1)).rung is Rung.PROVED
    monkeypatch.setattr(replanning, "optimise", fail(Outcome(Ended.TIME)))
    forecast(site.parent, [47.0] * 12)
    third = dispatch(site, state, NOON + pd.Timedelta(hours=1, minutes=15))
    assert third.rung is Rung.SHIFTED
    assert at(assert_usable(state), "load", "demand")[0] == -47.0


def test_a_plan_that_cannot_be_is_told_with_what_lacks(site):
    """190 kW cannot be had: 100 of the grid, some sun, 30 of the battery for a while. The rules do what they can."""
    forecast(site.parent, [190.0] * 12)
    done = dispatch(site, site.parent / "state", NOON)
    assert done.rung is Rung.RULE
    assert "infeasible" in done.account["reason"]
    assert done.account["shortfalls"]
    assert pd.read_csv(site.parent / "state" / "current" / "setpoints.csv")["value"].notna().all()


def test_a_solver_that_breaks_is_no_reason_for_no_plan(site, monkeypatch):
    def broken(*_args, **_settings):
        raise ValueError("HiGHS refused the model")

    monkeypatch.setattr(replanning, "optimise", broken)
    done = dispatch(site, site.parent / "state", NOON)
    assert done.rung is Rung.RULE
    assert "HiGHS refused the model" in done.account["reason"]
    assert_usable(site.parent / "state")


def go_on_with_a_spoilt_plant(site: Path, hours: int) -> tuple[pd.DataFrame, Dispatched]:
    """Plan, spoil the plant's file, and plan again some hours later; return the first set-points and the second run."""
    state = site.parent / "state"
    dispatch(site, state, NOON)
    first = pd.read_csv(state / "current" / "setpoints.csv")
    (site.parent / "plant.yaml").write_text("name: [")
    return first, dispatch(site, state, NOON + pd.Timedelta(hours=hours))


@pytest.mark.parametrize(
    ("hours", "reason"),
    [(2, "the last plan as it was: "), (38, "until 2026-06-15T18:00:00+02:00, and repeated since then")],
)
def test_a_site_file_that_was_spoilt_leaves_the_last_plan_in_force(hours, reason, site):
    """A plan of six hours from noon: after two hours, and after 38 in its seventh turn, it is in its third hour."""
    state = site.parent / "state"
    first, done = go_on_with_a_spoilt_plant(site, hours)
    assert done.rung is Rung.SHIFTED
    assert reason in done.account["reason"]
    assert at(assert_usable(state, 4), "grid", "import") == at(first, "grid", "import")[2:]
    assert [entry["event"] for entry in journal(state)] == ["planned", "failed", "planned"]


def test_a_site_file_that_never_was_good_is_an_error_that_is_journaled(site):
    site.write_text("scenario: plant.yaml\nwindwo: 6 h/1 h\n")
    with pytest.raises(InputError, match="windwo"):
        dispatch(site, site.parent / "state", NOON)
    assert journal(site.parent / "state")[0]["event"] == "failed"


@pytest.mark.parametrize("spoil", ["", "{", "\x00" * 50, '{"format": 1, "sum": "0", "state": {}}'])
def test_a_damaged_state_is_set_aside_and_the_one_before_it_taken(spoil, site):
    state = site.parent / "state"
    dispatch(site, state, NOON)
    dispatch(site, state, NOON + pd.Timedelta(hours=1))
    (state / "state.json").write_text(spoil)
    done = dispatch(site, state, NOON + pd.Timedelta(hours=2))
    assert any("state.json is damaged" in note for note in done.account["notes"])
    assert len(list(state.glob("*.corrupt-*"))) == 1
    assert_usable(state)


def test_a_full_disk_leaves_the_last_plan_and_the_last_state_in_place(site, monkeypatch):
    state = site.parent / "state"
    dispatch(site, state, NOON)
    first, kept = (state / "current").resolve(), (state / "state.json").read_text()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        dispatch(site, state, NOON + pd.Timedelta(hours=1))
    assert (state / "current").resolve() == first
    assert (state / "state.json").read_text() == kept
    assert not list(state.rglob("*.new"))
    monkeypatch.undo()
    assert dispatch(site, state, NOON + pd.Timedelta(hours=1)).rung is Rung.PROVED


def test_only_one_run_works_on_a_state(site):
    state = Store(site.parent / "state")
    with state.locked(), pytest.raises(BusyError, match="in use by another run"):
        dispatch(site, state.folder, NOON)


def test_a_new_month_begins_without_a_peak_and_the_old_one_keeps_its_own(site):
    measure(site.parent, ("grid", "import", 80, "kW"))
    dispatch(site, site.parent / "state", NOON)
    assert store.Store(site.parent / "state").load()["before"]["grid"]["demand_charge.peak_so_far"] == 80.0
    july = pd.Timestamp("2026-07-01T00:00+02:00")
    measure(site.parent, ("battery", "stored", 30, "kWh"), at=july)
    dispatch(site, site.parent / "state", july)
    assert store.Store(site.parent / "state").load()["before"]["grid"]["demand_charge.peak_so_far"] == 0.0


@pytest.mark.parametrize(
    "now", ["2026-10-25T00:30+02:00", "2026-03-29T00:30+01:00", "2028-02-28T22:00+01:00", "2026-12-31T21:00+01:00"]
)
def test_clock_changes_leap_days_and_the_years_end_are_days_like_others(now, site):
    dispatch(site, site.parent / "state", pd.Timestamp(now))
    table = assert_usable(site.parent / "state")
    times = pd.to_datetime(table["time"].drop_duplicates(), utc=True)
    assert times.diff().dropna().eq(pd.Timedelta(hours=1)).all()


def test_old_plans_are_swept_and_the_current_one_stays(tmp_path):
    for stamp in ("20260101T000000Z", "20260201T000000Z"):
        (tmp_path / "plans" / stamp).mkdir(parents=True)
    publishing.point_to(tmp_path, tmp_path / "plans" / "20260101T000000Z")
    publishing.sweep(tmp_path, "20260301T000000Z")
    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["20260101T000000Z"]


def rows_in(address: str) -> None:
    from sqlalchemy import Column, DateTime, Float, MetaData, String, Table, create_engine

    engine = create_engine(address)
    meta = MetaData()
    table = Table(
        "readings", meta, Column("time", DateTime(timezone=True)), Column("asset", String), Column("quantity", String),
        Column("value", Float), Column("unit", String),
    )  # fmt: skip
    meta.create_all(engine)
    with engine.begin() as connection:
        for minute, value in ((0, 0.25), (15, 0.5)):
            moment = NOON.tz_convert("UTC").to_pydatetime() + pd.Timedelta(minutes=minute).to_pytimedelta()
            connection.execute(
                table.insert().values(time=moment, asset="grid", quantity="import", value=value, unit="MW")
            )
    engine.dispose()


def assert_rows(address: str) -> None:
    found = read_source(Source(database=address, table="readings"), Path(), "EUR", "readings", NOON)
    assert not found.notes
    numbers = found.of("grid", "import")
    assert numbers is not None
    assert numbers.tolist() == [250.0, 500.0]
    assert numbers.index[0] == NOON


def test_rows_come_from_sqlite(tmp_path):
    pytest.importorskip("sqlalchemy")
    rows_in(f"sqlite:///{tmp_path}/site.db")
    assert_rows(f"sqlite:///{tmp_path}/site.db")


def test_a_database_that_is_not_there_is_told(tmp_path):
    pytest.importorskip("sqlalchemy")
    found = read_source(Source(database=f"sqlite:///{tmp_path}/none.db", table="t"), tmp_path, "EUR", "forecasts", NOON)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("forecasts could not be read")


@pytest.fixture
def postgres(tmp_path_factory):
    """Start a PostgreSQL server of our own on a socket, and give its address."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *(Path(p) for p in os.environ.get("PATH", "").split(":"))]
    binaries = next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)
    if binaries is None:
        pytest.skip("no PostgreSQL server on this machine")
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    who: dict = {}
    if os.geteuid() == 0:
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("PostgreSQL does not run as root, and there is no other user for it")
        who = {"user": "postgres"}
    server = None
    try:
        subprocess.run([binaries / "initdb", "-D", folder / "data", "-U", "site", "-A", "trust", "--no-sync"],
                       check=True, capture_output=True, cwd=folder, **who)  # fmt: skip
        server = subprocess.Popen([binaries / "postgres", "-D", folder / "data", "-k", folder, "-h", "", "-F"],
                                  stderr=subprocess.DEVNULL, cwd=folder, **who)  # fmt: skip
        for _ in range(100):
            if (folder / ".s.PGSQL.5432").exists():
                break
            time.sleep(0.1)
        yield f"postgresql+psycopg://site@/postgres?host={folder}"
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_rows_come_from_a_real_postgresql(postgres):
    rows_in(postgres)
    assert_rows(postgres)
