"""Runs that are killed at any moment leave a state that loads, a journal that reads, and a whole plan in force."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from microgrid.dispatch.once import dispatch
from microgrid.dispatch.store import Store
from microgrid.rolling.planned import Rung
from tests.rolling.sites import SITE, plant_text
from tests.rolling.test_dispatch import NOON, assert_usable, forecast, journal, measure
from tests.rolling.test_futures_of_a_site import FUTURES, LOADS, forecast_futures


def plan_on_and_kill(site: Path, state: Path, after: float) -> None:
    """Plan minute by minute in a process of its own, and kill it after some seconds; hold what is left to be whole."""
    code = (
        "import sys, pandas as pd\nfrom microgrid.dispatch.once import dispatch\nprint('ready', flush=True)\n"
        "for minute in range(1, 60):\n    dispatch(sys.argv[1], sys.argv[2], pd.Timestamp(sys.argv[3]) + "
        "pd.Timedelta(minutes=minute))\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(site), str(state), NOON.isoformat()], stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    run.stdout.readline()
    time.sleep(after)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    fresh = Store(state)
    assert fresh.load() is not None
    assert not fresh.notes
    assert_usable(state)


@pytest.mark.parametrize(("futures", "kills"), [("", 2), (FUTURES, 1)], ids=["one forecast", "three futures"])
def test_a_kill_at_any_moment_loses_nothing(futures, kills, tmp_path):
    (tmp_path / "plant.yaml").write_text(plant_text())
    (tmp_path / "site.yaml").write_text(SITE + futures)
    measure(tmp_path, ("battery", "stored", 30, "kWh"), ("grid", "import", 25, "kW"))
    if futures:
        forecast_futures(tmp_path, LOADS)
    else:
        forecast(tmp_path, [45.0] * 12)
    site, state, at_random = tmp_path / "site.yaml", tmp_path / "state", random.Random(4)
    dispatch(site, state, NOON)
    for _ in range(kills):
        plan_on_and_kill(site, state, at_random.uniform(0.1, 1.2))
    count = len(journal(state))
    assert dispatch(site, state, NOON + pd.Timedelta(hours=2)).rung is Rung.PROVED
    assert len(journal(state)) == count + 1


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path):
    keeper = Store(tmp_path)
    keeper.journal({"event": "one"})
    with (tmp_path / "journal.jsonl").open("a") as handle:
        handle.write('{"event": "tw')
    keeper.journal({"event": "three"})
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in (lines[0], lines[2])] == ["one", "three"]
