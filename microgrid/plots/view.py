"""A result as arrays along its steps: what pictures and report are made from. Knows no drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from microgrid.accounts import EMISSION_COLUMNS
from microgrid.claims import Between, Charge
from microgrid.plots.kinds import kinds_of
from microgrid.plots.numbers import stock_unit
from microgrid.plots.palette import colours
from microgrid.plots.tracks import SMALL, Array, Track
from microgrid.results import Result

BOUGHT_OR_SOLD = ("import", "supply", "export")


@dataclass(frozen=True, eq=False)
class View:
    """A result, or a part of its time, as arrays.

    Parameters
    ----------
    times
        Start of each step on the local clock.
    kinds
        Technology of each asset: as the manifest says, else as its flows betray.
    prices
        What one more unit on a bus would cost, by bus.
    tariffs
        What a unit bought costs and a unit sold earns, by bus and port.
    """

    result: Result
    times: pd.DatetimeIndex
    hours: Array
    weights: Array
    flows: tuple[Track, ...]
    stocks: tuple[Track, ...]
    states: tuple[Track, ...]
    prices: Mapping[str, Array]
    tariffs: Mapping[tuple[str, str], Array]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, result: Result) -> View:
        """Gather a result's frames."""
        n = len(result.steps)
        times = pd.DatetimeIndex(result.steps["time"])
        flows = tuple(_tracks(result.flows, "port", "rate", n, ("bus", "carrier", "unit")))
        stocks = tuple(_with_unit(stock, flows) for stock in _tracks(result.stocks, "stock", "level", n + 1))
        return cls(
            result,
            times,
            hours=result.steps["hours"].to_numpy(dtype=float),
            weights=result.steps["weight"].to_numpy(dtype=float),
            flows=flows,
            stocks=stocks,
            states=tuple(_tracks(result.states, "state", "value", n)),
            prices=_prices(result.prices, n),
            tariffs=_tariffs(result, flows, n),
            kinds=kinds_of(result, flows),
        )

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run knows of itself."""
        return self.result.manifest

    @property
    def name(self) -> str:
        """The scenario's name; empty for a plant made in Python."""
        return str((self.manifest.get("scenario") or {}).get("name") or "")

    @property
    def currency(self) -> str:
        """The scenario's currency."""
        return str(self.manifest.get("currency") or "currency")

    @cached_property
    def colours(self) -> dict[str, str]:
        """The colour of each asset."""
        return colours(self.kinds)

    @cached_property
    def buses(self) -> dict[str, tuple[Track, ...]]:
        """The flows of each bus on which anything moves."""
        of_bus: dict[str, list[Track]] = {}
        for flow in self.flows:
            of_bus.setdefault(flow.bus, []).append(flow)
        return {bus: tuple(flows) for bus, flows in of_bus.items() if any(flow.moves for flow in flows)}

    @property
    def end(self) -> pd.Timestamp:
        """The end of the last step."""
        return self.times[-1] + pd.Timedelta(hours=float(self.hours[-1]))

    @property
    def days(self) -> float:
        """Length of the horizon in days of 24 hours."""
        return float(self.hours.sum()) / 24.0

    @cached_property
    def weighted_hours(self) -> Array:
        """Hours that each step stands for."""
        return self.hours * self.weights

    def total(self, values: Array) -> float:
        """Return what a rate amounts to over the horizon."""
        return float((values * self.weighted_hours).sum())

    def is_load(self, flow: Track) -> bool:
        """Tell whether a flow is the demand of a production load."""
        return self.kinds.get(flow.asset) == "production_load" and not flow.is_relief

    def load(self, flows: Iterable[Track]) -> Array:
        """Return the demand of all production loads among `flows`."""
        return self._sum(-flow.along for flow in flows if self.is_load(flow))

    def electric(self) -> tuple[Track, ...]:
        """Return the flows on buses of electricity."""
        return tuple(flow for flow in self.flows if flow.carrier == "electricity")

    def grid(self, port: str) -> Array:
        """Return import or export of electricity, both counted as above zero."""
        named = (flow for flow in self.electric() if flow.name == port and self.kinds[flow.asset] == "grid_connection")
        return self._sum(np.abs(flow.along) for flow in named)

    def own_generation(self) -> Array:
        """Return the electricity from assets that store nothing and take neither electricity nor hydrogen."""
        taken = {f.asset for f in self.flows if f.carrier in ("electricity", "hydrogen") and f.along.min() < -SMALL}
        storing = {stock.asset for stock in self.stocks}
        bought = {asset for asset, kind in self.kinds.items() if kind in ("grid_connection", "supply")}
        own = (f for f in self.electric() if f.asset not in taken | storing | bought and not f.is_relief)
        return self._sum(np.maximum(flow.along, 0.0) for flow in own)

    def _sum(self, parts: Iterable[Array]) -> Array:
        return np.asarray(np.sum([np.zeros(len(self.times)), *parts], axis=0))

    def cut(self, first: int, last: int) -> View:
        """Return the steps from `first` up to, not including, `last`."""
        steps, points = slice(first, last), slice(first, last + 1)
        return self._mapped(lambda values: values[steps], lambda levels: levels[points], self.times[steps])

    def binned(self, limit: int) -> View:
        """Return no more than `limit` steps: neighbours are averaged, points are thinned out."""
        n = len(self.times)
        if n <= limit:
            return self
        starts = np.arange(0, n, -(-n // limit))
        hours = np.add.reduceat(self.hours, starts)

        def mean(values: Array) -> Array:
            return np.asarray(np.add.reduceat(values * self.hours, starts) / hours)

        thin = self._mapped(mean, lambda levels: levels[[*starts, n]], self.times[starts])
        return replace(thin, hours=hours)

    def _mapped(
        self, steps: Callable[[Array], Array], points: Callable[[Array], Array], times: pd.DatetimeIndex
    ) -> View:
        return replace(
            self,
            times=times,
            hours=steps(self.hours),
            weights=steps(self.weights),
            flows=tuple(replace(flow, along=steps(flow.along)) for flow in self.flows),
            stocks=tuple(replace(stock, along=points(stock.along)) for stock in self.stocks),
            states=tuple(replace(state, along=steps(state.along)) for state in self.states),
            prices={bus: steps(price) for bus, price in self.prices.items()},
            tariffs={key: steps(price) for key, price in self.tariffs.items()},
        )


def _tracks(frame: pd.DataFrame, name: str, value: str, length: int, more: tuple[str, ...] = ()) -> Iterator[Track]:
    """Return one track for each asset and name that has a value at every step (or point)."""
    if frame.empty:
        return
    for (asset, key), part in frame.groupby(["asset", name], observed=True, sort=False):
        if len(part) == length:
            texts = {column: str(part[column].iloc[0]) for column in more}
            yield Track(str(asset), str(key), part[value].to_numpy(dtype=float), **texts)


def _with_unit(stock: Track, flows: tuple[Track, ...]) -> Track:
    """Tell a stock in what its asset's flows add up to."""
    own = next((flow for flow in flows if flow.asset == stock.asset), None)
    return replace(stock, carrier=own.carrier, unit=stock_unit(own.unit)) if own else stock


def _prices(frame: pd.DataFrame, length: int) -> dict[str, Array]:
    if frame.empty:
        return {}
    parts = {str(bus): part["price"].to_numpy(dtype=float) for bus, part in frame.groupby("bus", observed=True)}
    return {bus: price for bus, price in parts.items() if len(price) == length and np.isfinite(price).any()}


def _tariffs(result: Result, flows: tuple[Track, ...], length: int) -> dict[tuple[str, str], Array]:
    """Return what is paid per unit bought, or earned per unit sold, by bus and port: the sum of all lines on it."""
    found: dict[tuple[str, str], Array] = {}
    for flow in flows:
        if flow.name in BOUGHT_OR_SOLD:
            factors = [
                np.broadcast_to(np.asarray(claim.terms[0][1], dtype=float), (length,))
                for claim in result.claims.get(flow.asset, ())
                if isinstance(claim, Charge) and claim.ledger == "costs" and claim.per == "hour"
                if [name for name, _ in claim.terms] == [flow.name]
            ]
            if factors:
                found.setdefault((flow.bus, flow.name), np.sum(factors, axis=0))
    return found


def curtailed(view: View) -> Array | None:
    """Return what sun and wind would have allowed beyond the output; None where no asset says what was available."""
    flows = {(flow.asset, flow.name): flow.along for flow in view.flows}
    spare = []
    for asset, claims in view.result.claims.items():
        sizes = view.result.sizes.get(asset, {})
        for claim in claims:
            if isinstance(claim, Between) and "availab" in claim.name and len(claim.terms) == 2:
                (port, _), (size, factor) = claim.terms
                if (asset, port) in flows and size in sizes:
                    spare.append(-np.asarray(factor) * sizes[size] - flows[asset, port])
    return np.maximum(np.sum(spare, axis=0), 0.0) if spare else None


def last_goal(view: View) -> str:
    """Return the goal that was minimised last: prices are counted in its unit."""
    reached = (view.manifest.get("outcome") or {}).get("goals") or []
    asked = (view.manifest.get("objective") or {}).get("goals") or ["cost"]
    return str(reached[-1]["column"] if reached else asked[-1])


def is_carbon(column: str) -> bool:
    """Tell whether a ledger column counts emissions rather than money."""
    return column in EMISSION_COLUMNS
