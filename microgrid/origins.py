"""Where energy comes from: for every step, what each bus carries and each store holds, by its source.

From a plan's frames and its claims alone, without the model. All that flows into a bus at a step mixes there, and
whatever leaves it, exports and charging stores included, takes that mix. Two books are kept by the same rules:

shares
    Of each kWh on a bus (or in a store), the share that came from each source; they add up to one. A converter passes
    its inputs' mix on to its outputs, a store gives out the mix that it holds, losses take from all sources alike.
content
    How many kWh of each source it took to make a kWh on a bus. Losses of converters and stores raise it, and so
    nothing is lost: what sources give is what final uses, exports, spills and the change of stocks hold. Several
    outputs of one converter share its inputs by their energy.

Converters that feed each other's buses form loops (an electrolyser and a fuel cell); at each step the mixes of all
buses are the solution of one small linear system, so a loop is no special case. Hydrogen counts with its lower heating
value. Carriers without energy (carbon dioxide) are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.energy_network import Book, Mixed, Network
from microgrid.energy_parts import Array, Port
from microgrid.results import Result

Splits = Mapping[tuple[str, str], Mapping[str, Array]]

BEFORE = "before"
_SMALL = 1e-9
# A store that was charged with less, in kWh, was not charged.
_LITTLE = 1e-6


@dataclass(frozen=True)
class Source:
    """Where energy enters the site.

    Parameters
    ----------
    asset
        The asset that brings it, or the store that held it at the first point.
    port
        The port it comes in by; ``before`` for what a store held at the first point.
    part
        Name of the part, where a port's energy was split, such as into the contracts of a grid connection.
    kind
        Technology of the asset, such as ``photovoltaic``; empty where the plan does not tell.
    carrier
        What enters.
    """

    asset: str
    port: str
    part: str = ""
    kind: str = ""
    carrier: str = ""

    @property
    def name(self) -> str:
        """The source in a word or two."""
        return ", ".join(word for word in (self.asset, BEFORE if self.port == BEFORE else "", self.part) if word)


class Carried(NamedTuple):
    """What energy carries, where each kWh of a source carries something, such as kgCO2e.

    Parameters
    ----------
    on_bus
        By bus, per kWh, shape (n,).
    in_store
        By store, in all, shape (n + 1,).
    circling
        What came to no use, per hour, shape (n,).
    """

    on_bus: Mapping[str, Array]
    in_store: Mapping[str, Array]
    circling: Array


@dataclass(frozen=True, eq=False)
class Origins:
    """The mix of every bus and store; each book is worked out when it is first asked for.

    Parameters
    ----------
    sources
        The k sources, in the order of the last axis of all arrays.
    supplied
        What each source gave, kW, shape (n, k); zero for what stores held before.
    network
        The flows behind it; `network.uses` is where energy leaves for good: demands as far as they are served,
        exports, spills, and what converters draw while they give nothing.
    time
        Start of each step.
    """

    sources: tuple[Source, ...]
    supplied: Array
    network: Network
    time: pd.DatetimeIndex

    @cached_property
    def shares(self) -> Mapping[str, Array]:
        """By bus, shape (n, k): the share of each kWh that came from each source. Zeros where nothing flows."""
        return {bus: _to_one(mix) for bus, mix in self._share_book.on_bus.items()}

    @property
    def held_shares(self) -> Mapping[str, Array]:
        """By store, shape (n + 1, k): the kWh in it by source."""
        return self._share_book.in_store

    @property
    def content(self) -> Mapping[str, Array]:
        """By bus, shape (n, k): how many kWh of each source stand behind each kWh. Zeros where nothing flows."""
        return self._content_book.on_bus

    @property
    def held_content(self) -> Mapping[str, Array]:
        """By store, shape (n + 1, k): how many kWh of each source stand behind what is in it."""
        return self._content_book.in_store

    @property
    def circling(self) -> Array:
        """Content that went round between converters until nothing was left of it, and came to no use.

        Per hour, shape (n, k): zero but where a plan burns energy in a circle.
        """
        return self._content_book.circling

    @cached_property
    def _share_book(self) -> Mixed:
        return self._book("shares")

    @cached_property
    def _content_book(self) -> Mixed:
        return self._book("content")

    def _book(self, book: Book) -> Mixed:
        each = np.eye(len(self.sources))
        entering = _by_bus(self.network, self.sources, self.supplied, self.supplied[:, :, None] * each[None])
        first = len(self.sources) - len(self.network.stores)
        before = {store.asset: store.held[0] * each[first + at] for at, store in enumerate(self.network.stores)}
        return self.network.mixed(entering, before, book)

    @property
    def weighted_hours(self) -> Array:
        """Hours that each step stands for."""
        return self.network.hours * self.network.weights

    def where(self, which: Callable[[Source], bool]) -> NDArray[np.bool_]:
        """Tell for each source whether it is meant, shape (k,)."""
        return np.array([which(source) for source in self.sources], dtype=bool)

    def share(self, bus: str, which: Callable[[Source], bool]) -> Array:
        """Return the share of a bus's energy that came from some sources, shape (n,)."""
        return np.asarray(self.shares[bus][:, self.where(which)].sum(axis=1))

    def held_share(self, store: str, which: Callable[[Source], bool]) -> Array:
        """Return the share of what a store holds that came from some sources, shape (n + 1,); zero if empty."""
        held = self.held_shares[store]
        total = held.sum(axis=1)
        return np.asarray(held[:, self.where(which)].sum(axis=1) / np.where(total > _SMALL, total, 1.0))

    def carried(self, factors: Array) -> Carried:
        """Send amounts along with the energy of the sources, through converters and stores.

        Parameters
        ----------
        factors
            What each kWh of a source carries, by step and source, shape (n, k), such as kgCO2e/kWh. For what a store
            held before the horizon the first step's counts.
        """
        entering = _by_bus(self.network, self.sources, self.supplied, (self.supplied * factors)[:, :, None])
        before = {
            store.asset: np.array([sum(store.held[0] * factors[0, at] for at in self._before(store.asset))])
            for store in self.network.stores
        }
        mixed = self.network.mixed(entering, before, "content")
        return Carried(
            {bus: values[:, 0] for bus, values in mixed.on_bus.items()},
            {store: values[:, 0] for store, values in mixed.in_store.items()},
            mixed.circling.sum(axis=1),
        )

    def with_what_was_there_before(self, factors: Array, told: Collection[str] = ()) -> Array:
        """Return factors with those of what stores held at the first point: where none is told, the plan's mean.

        A store that was filled before the horizon was filled with something: what it was charged with since, on
        average, is the best that the plan knows; where it was never charged, the mean of all sources.

        Parameters
        ----------
        factors
            By step and source, shape (n, k); those of what stores held before are replaced.
        told
            Stores whose own factor stands, for it was given.
        """
        is_open = self.where(lambda source: source.port == BEFORE and source.asset not in told)
        if not is_open.any():
            return factors
        hours, each = self.weighted_hours, factors.copy()
        own = hours @ self.supplied
        mean = float((hours @ (self.supplied * each)).sum() / own.sum()) if own.sum() > 0 else 0.0
        carried, charged = self.carried(each), {store.asset: store for store in self.network.stores}
        for at in np.flatnonzero(is_open):
            store = charged[self.sources[at].asset]
            into = sum((hours * port.drawn * carried.on_bus[port.bus] for port in store.inputs), np.zeros(len(hours)))
            gained = np.zeros(len(hours))
            for port in store.inputs:
                of_sources = 1.0 - self.share(port.bus, lambda source: source.port == BEFORE)
                gained += store.gained.get(port.name, 0.0) * self.network.weights * of_sources
            each[:, at] = float(into.sum() / gained.sum()) if gained.sum() > _LITTLE else mean
        return each

    def _before(self, store: str) -> list[int]:
        """Return the place of what a store held before, among the sources."""
        return [at for at, source in enumerate(self.sources) if (source.asset, source.port) == (store, BEFORE)]

    def frame(self) -> pd.DataFrame:
        """Return the shares as a tidy frame: bus, source, time, share."""
        rows = [
            pd.DataFrame({"bus": bus, "source": source.name, "time": self.time, "share": shares[:, at]})
            for bus, shares in self.shares.items()
            for at, source in enumerate(self.sources)
        ]
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["bus", "source", "time", "share"])


def origins(result: Result, splits: Splits | None = None) -> Origins:
    """Trace a plan's energy back to its sources.

    Parameters
    ----------
    result
        A plan.
    splits
        What is to be told apart within a source: by (asset, port) the names of the parts and their power in kW, shape
        (n,), such as what of an import is delivered under which contract. What is left keeps the port's own name.

    Returns
    -------
    Origins
        Sources in the order of the plan's assets; what stores held at the first point comes last.
    """
    network = Network.of(result)
    kinds: Mapping[str, str] = result.manifest.get("kinds") or {}
    parts = [
        part for port in network.sources for part in _parts(port, kinds, (splits or {}).get((port.asset, port.name)))
    ]
    carriers = {store.asset: store.outputs[0].carrier if store.outputs else "" for store in network.stores}
    stored = [Source(name, BEFORE, "", kinds.get(name, ""), carrier) for name, carrier in carriers.items()]
    sources = (*(source for source, _ in parts), *stored)
    given = [power for _, power in parts] + [np.zeros(len(network.hours)) for _ in stored]
    supplied = np.stack(given, axis=1) if given else np.zeros((len(network.hours), 0))
    return Origins(sources, supplied, network, pd.DatetimeIndex(result.steps["time"]))


def _parts(port: Port, kinds: Mapping[str, str], split: Mapping[str, Array] | None) -> list[tuple[Source, Array]]:
    """Return the parts of a port's energy; what no part claims stands under the port's own name."""
    source = Source(port.asset, port.name, "", kinds.get(port.asset, ""), port.carrier)
    left, parts = port.fed, []
    for name, power in (split or {}).items():
        taken = np.clip(power, 0.0, left)
        left = left - taken
        parts.append((Source(port.asset, port.name, name, source.kind, port.carrier), taken))
    return [(source, left), *parts]


def _by_bus(network: Network, sources: tuple[Source, ...], supplied: Array, values: Array) -> dict[str, Array]:
    """Return what enters each bus with its sources' energy, shape (n, m), out of values of shape (n, k, m)."""
    buses = {(port.asset, port.name): port.bus for port in network.sources}
    entering = {bus: np.zeros((len(supplied), values.shape[2])) for bus in network.buses}
    for at, source in enumerate(sources):
        if source.port != BEFORE:
            entering[buses[source.asset, source.port]] += values[:, at]
    return entering


def _to_one(mix: Array) -> Array:
    """Return shares that add up to one wherever there are any."""
    total = mix.sum(axis=1, keepdims=True)
    return np.asarray(mix / np.where(total > _SMALL, total, 1.0))
