"""Dispatch under random faults, run after run on one state: each leaves a usable plan and a line in the journal.

The suite runs a sample; ``python -m tests.rolling.random_faults 1000`` runs as many as one likes, and tells how the
plans came about, how much the memory grew, and every run that left no usable plan.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pandas as pd

from benchmarks.harness import peak_megabytes
from microgrid.dispatch import publishing, store
from microgrid.dispatch.once import dispatch
from microgrid.dispatch.store import Store
from microgrid.rolling import replanning, views
from microgrid.running import NoPlanError
from solvers import Ended, Outcome
from tests.rolling.sites import HEAD, SITE, plant_text

STARTS = ("2026-03-28T22:00+01:00", "2026-10-24T23:00+02:00", "2028-02-28T20:00+01:00", "2026-12-31T18:00+01:00")
"""Before a day of 23 hours, one of 25, a leap day, a year's end."""
LEVELS = (6.0, 60.0)
MOST_IMPORT = 100.0


class KilledError(BaseException):
    """The process ends here, as far as a process can tell of itself."""


@dataclass
class World:
    """A site whose files are written anew before each run."""

    folder: Path
    chance: random.Random
    now: pd.Timestamp
    patches: ExitStack = field(default_factory=ExitStack)

    @property
    def state(self) -> Path:
        """Return the state folder."""
        return self.folder / "state"

    def heal(self) -> None:
        """Write every file as it should be."""
        (self.folder / "plant.yaml").write_text(plant_text())
        (self.folder / "site.yaml").write_text(SITE + "futures: 3\n")
        (self.folder / "live.yaml").unlink(missing_ok=True)
        moment = (self.now - pd.Timedelta(minutes=5)).isoformat()
        stored = self.chance.uniform(8, 58)
        self.write("measurements.csv", [f"{moment},battery,stored,{stored:.2f},kWh", f"{moment},grid,import,25,kW"])
        # Every other run is planned over three futures.
        self.forecast([self.chance.uniform(20, 60) for _ in range(12)], apart=self.chance.choice([0.0, 10.0]))

    def write(self, name: str, rows: list[str]) -> None:
        """Write a file of rows."""
        (self.folder / name).write_text(HEAD + "\n".join(rows) + "\n")

    def forecast(self, values: list, late: int = 0, apart: float = 0.0) -> None:
        """Write the load's forecast, some hours late, in one future or in three that are some kW apart."""
        times = pd.date_range(self.now.tz_convert("UTC").floor("h"), periods=len(values), freq="h")
        moments = [(time - pd.Timedelta(hours=late)).isoformat() for time in times]
        pairs = list(zip(moments, values, strict=True))
        if not apart:
            self.write("forecasts.csv", [f"{time},load,demand,{value},kW" for time, value in pairs])
            return
        rows = [
            f"{time},load,demand,{value + more},kW,{name}\n"
            for name, more in (("low", -apart), ("usual", 0.0), ("high", apart))
            for time, value in pairs
        ]
        (self.folder / "forecasts.csv").write_text(HEAD.replace("unit\n", "unit,future\n") + "".join(rows))

    def limit(self, text: str) -> None:
        """Write the file of live limits."""
        (self.folder / "live.yaml").write_text(text)


def no_plan(outcome: Outcome) -> Callable:
    def optimise(*_parts, **_settings):
        raise NoPlanError(outcome)

    return optimise


def broken(*_parts, **_settings):
    raise ValueError("HiGHS refused the model")


def full(_handle):
    raise OSError(28, "No space left on device")


def killed_at(count: int) -> Callable:
    """Return a way of writing files whole that is killed half-way through one of them."""
    written, left = store.write_whole, [count]

    def write(path: Path, text: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            path.with_name(f".{path.name}.new").write_text(text[: len(text) // 2])
            raise KilledError
        written(path, text)

    return write


def cut_short(world: World) -> None:
    write = killed_at(world.chance.randrange(7))
    for module in (store, publishing):
        world.patches.enter_context(patch.object(module, "write_whole", write))


def damaged(world: World) -> None:
    path = world.state / "state.json"
    if path.is_file():
        text = path.read_text()
        path.write_text(world.chance.choice(["", "{", text[: len(text) // 2], text.replace("1", "2", 3), "\x00" * 40]))


FAULTS: dict[str, Callable[[World], object]] = {
    "nothing": lambda _w: None,
    "solver out of time": lambda w: w.patches.enter_context(
        patch.object(replanning, "optimise", no_plan(Outcome(Ended.TIME)))
    ),
    "solver broken": lambda w: w.patches.enter_context(patch.object(replanning, "optimise", broken)),
    "no view": lambda w: w.patches.enter_context(patch.object(views, "look_out", lambda *_a, **_k: None)),
    "no forecast": lambda w: (w.folder / "forecasts.csv").unlink(missing_ok=True),
    "late forecast": lambda w: w.forecast([40.0] * 12, late=w.chance.randrange(4, 200)),
    "forecast of nan": lambda w: w.forecast(w.chance.choices([40.0, "nan", "", "inf", "x"], k=12)),
    "more than can be": lambda w: w.forecast([w.chance.uniform(150, 900)] * 12),
    "a future beyond what can be": lambda w: w.forecast([40.0] * 12, apart=w.chance.uniform(80, 900)),
    "futures of nan": lambda w: w.forecast([float("nan")] * 12, apart=1.0),
    "less than nothing": lambda w: w.forecast([-30.0] * 12),
    "price of nan": lambda w: w.write("forecasts.csv", [f"{w.now.isoformat()},grid,import_price,nan,EUR/kWh"]),
    "forecast is no table": lambda w: (w.folder / "forecasts.csv").write_bytes(b"\xff\xfe\x00garbage,\n\n,,"),
    "meter gap": lambda w: w.write("measurements.csv", []),
    "no meter": lambda w: (w.folder / "measurements.csv").unlink(missing_ok=True),
    "stored out of range": lambda w: w.write(
        "measurements.csv", [f"{w.now.isoformat()},battery,stored,{w.chance.choice([-40, 0, 61, 1e9, 'nan'])},kWh"]
    ),
    "battery is out": lambda w: w.limit("limits: [{asset: battery, kind: outage}]\n"),
    "grid is out": lambda w: w.limit("limits: [{asset: grid, kind: outage}]\n"),
    "call": lambda w: w.limit("limits: [{asset: grid, kind: import, value: 20 kW}]\n"),
    "limits of nobody": lambda w: w.limit("limits: [{asset: turbine, kind: outage}]\n"),
    "limits are no file": lambda w: w.limit("limits: [{asset: "),
    "state damaged": damaged,
    "site spoilt": lambda w: (w.folder / w.chance.choice(["plant.yaml", "site.yaml"])).write_text("name: ["),
    "disk full": lambda w: w.patches.enter_context(patch.object(os, "fsync", full)),
    "killed": cut_short,
    "long silence": lambda w: setattr(w, "now", w.now + pd.Timedelta(days=w.chance.randrange(1, 40))),
}


@dataclass
class Account:
    """What many runs came to."""

    rungs: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run(count: int, seed: int, folder: Path) -> Account:
    """Run dispatch many times on one state, each time with one to three faults."""
    chance, account = random.Random(seed), Account()
    world = World(folder, chance, pd.Timestamp(chance.choice(STARTS)))
    world.heal()
    dispatch(folder / "site.yaml", world.state, world.now)
    for number in range(count):
        if number % 50 == 49:
            world.now = max(world.now, pd.Timestamp(chance.choice(STARTS)))
        world.now += pd.Timedelta(minutes=chance.choice([15, 15, 30, 60]))
        world.heal()
        names = chance.sample(sorted(FAULTS), k=chance.choice([1, 1, 2, 3]))
        account.faults.update(names)
        lines = len(journal(world.state))
        with world.patches:
            for name in names:
                FAULTS[name](world)
            rung = _once(world)
        account.rungs[rung] += 1
        account.wrong += [f"run {number}, {', '.join(names)}: {wrong}" for wrong in _wrong(world, rung, lines)]
    return account


def _once(world: World) -> str:
    try:
        return dispatch(world.folder / "site.yaml", world.state, world.now).rung.value
    except OSError as error:
        if "No space left" not in str(error):
            raise
        return "not written"
    except KilledError:
        return "killed"


def _wrong(world: World, rung: str, lines: int) -> list[str]:
    """Return what is wrong with what a run left."""
    found = _wrong_plan(world)
    entries = journal(world.state)
    if rung not in ("killed", "not written") and len(entries) <= lines:
        found.append("no line in the journal")
    if rung in ("shifted", "rule") and not entries[-1].get("reason"):
        found.append("a lower rung without a reason")
    if Store(world.state).load() is None:
        found.append("no state that can be loaded")
    return found


def _wrong_plan(world: World) -> list[str]:
    """Return what is wrong with the plan in force: its balance, its levels, its limits."""
    folder = world.state / "current"
    try:
        table = pd.read_csv(folder / "setpoints.csv")
        told = json.loads((folder / "plan.json").read_text())
    except (OSError, ValueError) as error:
        return [f"the plan in force cannot be read: {error}"]
    flows, found = table[table["kind"] == "flow"], []
    if table["value"].isna().any() or not len(flows):
        found.append("holes in the plan")
    if not told.get("shortfalls") and flows.groupby("time")["value"].sum().abs().max() > 1e-3:
        found.append("the plan does not balance, and does not say so")
    stored = table[table["kind"] == "stock"]["value"]
    if not stored.between(LEVELS[0] - 1e-6, LEVELS[1] + 1e-6).all():
        found.append(f"stored {stored.min():g} to {stored.max():g}")
    bought = flows[flows["name"] == "import"]["value"]
    if not bought.between(-1e-6, MOST_IMPORT + 1e-6).all():
        found.append(f"import {bought.min():g} to {bought.max():g}")
    return found


def journal(state: Path) -> list[dict]:
    """Return the lines of the journal that are whole."""
    lines = (state / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def main(count: int, seed: int) -> None:
    """Run, and tell."""
    with tempfile.TemporaryDirectory() as folder:
        early = run(min(50, count), seed, Path(folder))
        before = peak_megabytes()
    with tempfile.TemporaryDirectory() as folder:
        account = run(count, seed + 1, Path(folder))
    told = [
        f"{count} runs, seed {seed}: {dict(account.rungs)}",
        f"faults: {dict(account.faults.most_common())}",
        f"peak memory {before:.0f} MB after {min(50, count)} runs, {peak_megabytes():.0f} MB after all",
        *early.wrong,
        *account.wrong,
    ]
    is_well = not (early.wrong or account.wrong)
    end = ["every run left a usable plan and a line in the journal"] if is_well else []
    sys.stdout.write("\n".join([*told, *end]) + "\n")
    sys.exit(not is_well)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 7)
