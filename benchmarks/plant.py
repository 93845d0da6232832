"""The plant that every program is given: plain arrays from the shipped series, and a handful of numbers.

Needs numpy and nothing else, because each program runs in an environment of its own. Series and sizes are those of the
steel works (`scenarios/steel_works/README.md` has their sources); availability follows from the weather file by two
lines of arithmetic, so that no weather library is needed here. The numbers marked "choice" only make the plant
complete. `docs/benchmarks.md` tells what the plant is; `peers/` states it in each program's own words.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SERIES = Path(__file__).resolve().parents[1] / "scenarios" / "steel_works"
# The first interval of all series.
BEGINNING = np.datetime64("2018-01-01T00:00", "m")

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Unit:
    """A machine that is off, or on between its minimum load and its power; times in hours.

    Before the horizon it was off for one step less than `minimum_down`, so that it is off in the first step and free
    from the second on: that is what every program can say. `minimum_down` is therefore two steps or more.
    """

    power: float
    minimum_load: float
    start_cost: float
    minimum_up: float
    minimum_down: float


@dataclass(frozen=True)
class Numbered:
    """Sizes in kW, kWh and kg; money in CNY."""

    solar: float = 6000.0
    wind: float = 3000.0
    battery_power: float = 2000.0
    battery_energy: float = 4000.0
    efficiency: float = 0.933
    self_discharge: float = 0.00003
    wear: float = 0.08
    import_limit: float = 14000.0
    peak_price_a_year: float = 576.0
    consumption: float = 54.0
    tank: float = 350.0
    fuel_price: float = 0.34
    generator_efficiency: float = 0.40
    # Choices: a gas engine that pays at peak prices, an alkaline electrolyser with room to follow the price.
    generator: Unit = Unit(1500.0, 0.4, 300.0, 4.0, 2.0)
    electrolyser: Unit = Unit(2500.0, 0.2, 80.0, 3.0, 2.0)


@dataclass(frozen=True)
class Case:
    """What a program is asked to do.

    Parameters
    ----------
    steps, minutes
        Number and length of the steps.
    first
        The day of 2018 that the first step begins; times are taken as UTC.
    commitment
        Whether generator and electrolyser have on-off decisions.
    only_hand_over
        Stop when HiGHS holds the model.
    repeats
        How often to do it in one process: the first is cold, the others are warm.
    gap, seconds, threads
        What HiGHS is asked for; the gap is relative, as a share.
    trace
        Whether to tell how incumbent and bound came closer.
    """

    steps: int
    minutes: int
    first: str = "2018-01-01"
    commitment: bool = False
    only_hand_over: bool = False
    repeats: int = 1
    gap: float = 1e-4
    seconds: float = 3600.0
    threads: int = 1
    trace: bool = False

    @classmethod
    def from_json(cls, text: str) -> Case:
        """Read a case from what `to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the case as JSON."""
        return json.dumps(asdict(self))

    @property
    def hours(self) -> float:
        """Length of a step."""
        return self.minutes / 60

    def highs_options(self) -> dict[str, object]:
        """Return what every program's HiGHS is asked for."""
        return {
            "output_flag": False,
            "threads": self.threads,
            "mip_rel_gap": self.gap,
            "time_limit": self.seconds,
            "random_seed": 0,
        }


@dataclass(frozen=True, eq=False)
class Plant:
    """Series along the steps, shape (n,): kW, kg/h, CNY/kWh, and shares for sun and wind."""

    case: Case
    load: Numbers
    hydrogen: Numbers
    price: Numbers
    sun: Numbers
    wind: Numbers
    numbers: Numbered = Numbered()

    @property
    def hours(self) -> float:
        """Length of a step."""
        return self.case.hours

    @property
    def start(self) -> str:
        """Beginning of the first step; all times are UTC."""
        return f"{self.case.first}T00:00"

    @cached_property
    def times(self) -> NDArray[np.datetime64]:
        """Beginning of each step."""
        minutes = np.arange(self.case.steps) * self.case.minutes
        return np.datetime64(self.start, "ns") + minutes.astype("timedelta64[m]")

    @property
    def end(self) -> Any:
        """End of the last step."""
        return np.datetime64(self.start, "m") + np.timedelta64(self.case.steps * self.case.minutes, "m")

    @cached_property
    def peak_price(self) -> float:
        """Price of the horizon's highest import, per kW: the yearly one by the part of each calendar year covered."""
        years = self.times.astype("datetime64[Y]").astype(int) + 1970
        leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
        covered = float((self.hours / np.where(leap, 8784.0, 8760.0)).sum())
        return self.numbers.peak_price_a_year * covered

    @property
    def fuel_cost(self) -> float:
        """Fuel for each kWh of the generator."""
        return self.numbers.fuel_price / self.numbers.generator_efficiency

    @property
    def kept(self) -> float:
        """Share of the battery's content that is left after a step."""
        return float((1.0 - self.numbers.self_discharge) ** self.hours)

    def steps_of(self, hours: float) -> int:
        """Return a time as a number of steps."""
        return round(hours / self.hours)


def make_plant(case: Case) -> Plant:
    """Return the plant over the case's steps; beyond a year the series begin again."""
    load, hydrogen, price = (_column(name) for name in ("load", "hydrogen_demand", "prices"))
    weather = np.loadtxt(SERIES / "weather.epw", delimiter=",", skiprows=8, usecols=(13, 21), encoding="latin-1")
    sun = np.clip(weather[:, 0] / 1000.0 * 0.86, 0.0, 1.0)
    # Logarithmic profile from 10 m to 134 m over 0.15 m of roughness, cubic from 3 to 11 m/s.
    at_hub = weather[:, 1] * np.log(134.0 / 0.15) / np.log(10.0 / 0.15)
    wind = np.clip((at_hub**3 - 3.0**3) / (11.0**3 - 3.0**3), 0.0, 1.0)
    load, hydrogen, price, sun, wind = (_along(values, case) for values in (load, hydrogen, price, sun, wind))
    return Plant(case, load, hydrogen, price, sun, wind)


def _column(name: str) -> Numbers:
    return np.loadtxt(SERIES / f"{name}.csv", delimiter=",", skiprows=1, usecols=1)


def _along(values: Numbers, case: Case) -> Numbers:
    """Take a year of equal intervals onto the case's steps: means of shorter ones, repeats of longer ones."""
    minutes = 525_600 // len(values)
    if case.minutes > minutes:
        values = values.reshape(-1, case.minutes // minutes).mean(axis=1)
    else:
        values = np.repeat(values, minutes // case.minutes)
    skipped = int((np.datetime64(f"{case.first}T00:00", "m") - BEGINNING) / np.timedelta64(case.minutes, "m"))
    return values.take(np.arange(skipped, skipped + case.steps), mode="wrap")
