"""The books of an asset: what the written frames say of it, as arrays by quantity, and findings against them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microgrid.alike import Array, alike
from microgrid.claims import BILLED_BY, Terms
from microgrid.results import Result

RELATIVE = 1e-6
ABSOLUTE = 1e-5


@dataclass(frozen=True)
class Finding:
    """One statement that the frames contradict: by how much at worst, and when."""

    asset: str
    statement: str
    excess: float
    when: str = ""

    def __str__(self) -> str:
        """One line for a terminal."""
        at = f" at {self.when}" if self.when else ""
        return f"{self.asset}: {self.statement}: off by {self.excess:.6g}{at}"


@dataclass(frozen=True)
class Books:
    """What the frames say of one asset, as arrays by quantity."""

    asset: str
    on_steps: Mapping[str, Array]
    on_points: Mapping[str, Array]
    on_months: Mapping[str, Array]
    sizes: Mapping[str, float]
    lines: Mapping[tuple[str, str], Array]
    steps: pd.DataFrame
    years: float

    @property
    def hours(self) -> Array:
        """Length of each step."""
        return self.steps["hours"].to_numpy(dtype=float)

    @property
    def weights(self) -> Array:
        """How often each step counts."""
        return self.steps["weight"].to_numpy(dtype=float)

    def quantity(self, name: str, on: str = "steps") -> Array:
        """Return a quantity, or a product of several, along steps or points."""
        known = self.on_steps if on == "steps" else self.on_points
        length = len(self.steps) + (on == "points")
        value = np.ones(length)
        for part in name.split("*") if name else ():
            value = value * (np.full(length, self.sizes[part]) if part in self.sizes else known[part])
        return value

    def total(self, terms: Terms, on: str = "steps") -> tuple[Array, float]:
        """Return the sum of factor times quantity, and the size of its largest part."""
        parts = [np.asarray(factor) * self.quantity(name, on) for name, factor in terms]
        return np.sum(parts, axis=0), max((float(np.abs(part).max()) for part in parts), default=0.0)


def books_of(result: Result) -> dict[str, Books]:
    """Gather every asset's rows; an asset with claims and no rows has empty books."""
    flows, states = _by_asset(result.flows, "port", "rate"), _by_asset(result.states, "state", "value")
    stocks = _by_asset(result.stocks, "stock", "level")
    ledgers = {name: _by_asset(getattr(result, name), "line", "amount") for name in ("costs", "emissions")}
    n, years = len(result.steps), _years(result.steps)
    times = pd.DatetimeIndex(result.steps["time"])
    months = len(np.unique(12 * times.year + times.month))
    return {
        asset: Books(
            asset,
            flows[asset] | {name: values for name, values in states[asset].items() if len(values) == n},
            stocks[asset],
            {
                name: values
                for name, values in states[asset].items()
                if name.startswith(BILLED_BY) or len(values) == months
            },
            result.sizes.get(asset, {}),
            {(name, line): amounts for name, ledger in ledgers.items() for line, amounts in ledger[asset].items()},
            result.steps,
            years,
        )
        for asset in result.claims
    }


def _by_asset(frame: pd.DataFrame, name: str, value: str) -> defaultdict[str, dict[str, Array]]:
    found: defaultdict[str, dict[str, Array]] = defaultdict(dict)
    values = frame[value].to_numpy(dtype=float)
    for (asset, key), rows in alike(frame, ["asset", name]):
        found[asset][key] = values[rows]
    return found


def _years(steps: pd.DataFrame) -> float:
    """Return the part of a year, or number of years, that the steps stand for."""
    days = np.where(pd.DatetimeIndex(steps["time"]).is_leap_year, 366.0, 365.0)
    return float((steps["hours"].to_numpy() * steps["weight"].to_numpy() / (24.0 * days)).sum())


def worst(books: Books, statement: str, excess: Array, scale: float, on: str = "steps") -> Finding | None:
    """Return the largest excess over the tolerance as a finding."""
    if not np.isfinite(excess).all():
        return Finding(books.asset, statement, float("nan"))
    worst = int(np.argmax(excess)) if len(excess) else 0
    if not len(excess) or excess[worst] <= ABSOLUTE + RELATIVE * scale:
        return None
    times = books.steps["time"]
    when = times.iloc[min(worst, len(times) - 1)].isoformat() if len(excess) >= len(times) else ""
    return Finding(books.asset, statement, float(excess[worst]), when + (" (point)" if on == "points" and when else ""))


def size(values: Array) -> float:
    """Return the largest amount among values, whatever its sign; zero where there are none."""
    return float(np.abs(values).max(initial=0.0))


def periods(steps: pd.DataFrame, period: str) -> pd.Series:
    """Return the label of the year, month or hour of each step, on the local clock."""
    labels = {"year": "%Y", "month": "%Y-%m", "hour": "%Y-%m-%dT%H%z"}
    return pd.Series(steps["time"].dt.strftime(labels[period]))


def energy_by_period(books: Books, terms: Terms, period: str) -> pd.Series:
    """Return the energy of a sum of powers in each period, as often as its steps count."""
    energy = pd.Series(books.total(terms)[0] * books.hours * books.weights)
    return energy.groupby(periods(books.steps, period).to_numpy(), sort=False).sum()
