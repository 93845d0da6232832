"""A plan's energy as a network of sources, buses, converters, stores and uses, and what mixes on its way.

`Network.of` reads frames and claims; `Network.mixed` sends values along with the energy: one linear system of the
buses for each step, with the stores in between. Every port that feeds and is no converter's or store's is a source,
every such port that draws is a use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microgrid.energy_parts import SMALL, Array, Converter, Port, Store, converter_of, converts, ports_of, store_of
from microgrid.results import Result

Book = Literal["shares", "content"]

# Beyond this condition number a step's energy goes round between converters and comes to no use.
_LOST = 1e9


@dataclass(frozen=True, eq=False)
class Mixed:
    """What each kWh on a bus carries, shape (n, m), and what each store holds, shape (n + 1, m).

    `circling` is what went round between converters until nothing was left, and came to no use, per hour, shape (n, m).
    """

    on_bus: Mapping[str, Array]
    in_store: Mapping[str, Array]
    circling: Array


@dataclass(frozen=True, eq=False)
class Network:
    """The energy of a plan."""

    hours: Array
    weights: Array
    sources: tuple[Port, ...]
    uses: tuple[Port, ...]
    converters: tuple[Converter, ...]
    stores: tuple[Store, ...]

    @classmethod
    def of(cls, result: Result) -> Network:
        """Read a plan's flows, stocks and claims."""
        hours = result.steps["hours"].to_numpy(dtype=float)
        by_asset: dict[str, list[Port]] = {}
        for port in ports_of(result):
            by_asset.setdefault(port.asset, []).append(port)
        sources, uses, converters, stores = [], [], [], []
        for asset, ports in by_asset.items():
            store = store_of(result, asset, ports, hours)
            if store is not None:
                stores.append(store)
            elif converts(ports):
                converter, lost = converter_of(ports)
                converters.append(converter)
                uses += lost
            else:
                sources += [port for port in ports if port.fed.any()]
                uses += [port for port in ports if port.drawn.any()]
        weights = result.steps["weight"].to_numpy(dtype=float)
        return cls(hours, weights, tuple(sources), tuple(uses), tuple(converters), tuple(stores))

    @cached_property
    def buses(self) -> tuple[str, ...]:
        """Every bus that energy flows on."""
        ports = [*self.sources, *self.drawing()]
        ports += [port for converter in self.converters for port in converter.outputs]
        ports += [port for store in self.stores for port in store.outputs]
        return tuple(dict.fromkeys(port.bus for port in ports))

    def mixed(self, entering: Mapping[str, Array], before: Mapping[str, Array], book: Book) -> Mixed:
        """Send values along with the energy, from the sources to all buses and stores.

        Parameters
        ----------
        entering
            By bus, what enters with the energy of its sources, per hour, shape (n, m).
        before
            By store, what it holds at the first point, shape (m,).
        book
            ``content``: values are kept: a loss raises what each kWh carries, and a converter's outputs share what its
            inputs carry by their energy. ``shares``: each kWh carries one: what is lost takes its values with it.

        Returns
        -------
        Mixed
            Zero on a bus while nothing leaves it.
        """
        place = {bus: at for at, bus in enumerate(self.buses)}
        solving, is_singular = self._solving(place, book)
        count = next((values.shape[-1] for values in (*entering.values(), *before.values())), 0)
        right = np.zeros((len(self.hours), len(place), count))
        for bus, values in entering.items():
            right[:, place[bus]] += values
        # Stores add to the right-hand side in proportion to what they hold, and are filled in proportion to what the
        # buses carry: a linear recurrence of what they hold, from step to step.
        kept, out, into = self._storing(place, book)
        given = solving @ out
        on_bus = solving @ right
        growing, added = into @ given + kept[:, :, None] * np.eye(len(self.stores)), into @ on_bus
        held = np.zeros((len(self.hours) + 1, len(self.stores), count))
        for at, store in enumerate(self.stores):
            held[0, at] = before[store.asset]
        for t in range(len(self.hours)) if self.stores else ():
            held[t + 1] = growing[t] @ held[t] + added[t]
        on_bus = on_bus + given @ held[:-1]
        circling = np.zeros((len(self.hours), count))
        if is_singular.any():
            circling = (right + out @ held[:-1]).sum(axis=1)
            for port in (*self.uses, *(port for store in self.stores for port in store.inputs)):
                circling = circling - port.drawn[:, None] * on_bus[:, place[port.bus]]
            circling[~is_singular] = 0.0
        in_store = {store.asset: held[:, at] for at, store in enumerate(self.stores)}
        return Mixed({bus: on_bus[:, at] for bus, at in place.items()}, in_store, circling)

    def _storing(self, place: Mapping[str, int], book: Book) -> tuple[Array, Array, Array]:
        """Return how stores hold, give and take, by the values that they hold and that the buses carry.

        Returns
        -------
        tuple
            What is left of each store's values at a step's end, shape (n, stores); what each gives to each bus per
            hour, shape (n, buses, stores); what it takes of what each kWh on a bus carries, shape (n, stores, buses).
        """
        n, stores, buses = len(self.hours), len(self.stores), len(place)
        kept, out, into = np.zeros((n, stores)), np.zeros((n, buses, stores)), np.zeros((n, stores, buses))
        for at, store in enumerate(self.stores):
            full = np.where(store.held[:-1] > SMALL, store.held[:-1], np.inf)
            fed = np.sum([np.zeros(n), *(port.fed for port in store.outputs)], axis=0)
            for port in store.outputs:
                share = port.fed / np.where(fed > SMALL, fed, np.inf)
                out[:, place[port.bus], at] += (
                    share * store.given / self.hours if book == "content" else port.fed / full
                )
            for port in store.inputs:
                taken = self.hours * port.drawn if book == "content" else store.gained.get(port.name, np.zeros(n))
                into[:, at, place[port.bus]] += taken
            gained = np.sum([np.zeros(n), *store.gained.values()], axis=0)
            left = np.maximum(store.held[1:] - gained, 0.0) / full
            kept[:, at] = 1.0 - store.given if book == "content" else left
        return kept, out, into

    def _solving(self, place: Mapping[str, int], book: Book) -> tuple[Array, NDArray[np.bool_]]:
        """Return for each step the matrix that turns what enters each bus into what each of its kWh carries.

        And at which steps energy only goes round and comes to no use, so that there is no such matrix.
        """
        n, buses = len(self.hours), len(place)
        matrix, drawn = np.zeros((n, buses, buses)), np.zeros((n, buses))
        for port in self.drawing():
            drawn[:, place[port.bus]] += port.drawn
        for converter in self.converters:
            for source, target, passed in _passed_on(converter, book):
                matrix[:, place[target], place[source]] -= passed
        is_still = drawn <= SMALL
        scale = np.where(is_still, np.inf, drawn)
        matrix = matrix / scale[:, :, None] + np.eye(buses)
        is_singular = np.linalg.cond(matrix) > _LOST if buses else np.zeros(n, dtype=bool)
        inverse = np.zeros_like(matrix)
        inverse[~is_singular] = np.linalg.inv(matrix[~is_singular])
        inverse[is_singular] = np.linalg.pinv(matrix[is_singular], rcond=1.0 / _LOST)
        return inverse / scale[:, None, :], is_singular

    def drawing(self) -> Iterator[Port]:
        """Give every port that may draw from its bus."""
        yield from (port for converter in self.converters for port in converter.inputs)
        yield from (port for store in self.stores for port in store.inputs)
        yield from self.uses


def _passed_on(converter: Converter, book: Book) -> Iterator[tuple[str, str, Array]]:
    """Give from which bus to which bus a converter passes values on, and how many kWh's worth of them per hour."""
    taken = np.sum([port.drawn for port in converter.inputs], axis=0)
    made = np.sum([port.fed for port in converter.outputs], axis=0)
    for source in converter.inputs:
        for target in converter.outputs:
            if book == "content":
                part = target.fed / np.where(made > SMALL, made, np.inf)
                yield source.bus, target.bus, part * source.drawn
            else:
                part = source.drawn / np.where(taken > SMALL, taken, np.inf)
                yield source.bus, target.bus, part * target.fed
