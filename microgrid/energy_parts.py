"""A plan's frames as parts of an energy network: ports, converters, stores, told apart by flows and claims alone.

An asset whose claims balance a stock with its ports is a store; one that draws from some buses and feeds others is a
converter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from microgrid.carriers import CARRIERS, energy_per_unit
from microgrid.claims import StockBalance
from microgrid.results import Result

Array = NDArray[np.float64]

RELIEFS = ("shed", "unserved")
# What flows below this, in kW, does not flow: solvers leave residues of this size.
SMALL = 1e-7


@dataclass(frozen=True, eq=False)
class Port:
    """One flow of an asset: kW of heating value, counted into the bus, shape (n,)."""

    asset: str
    name: str
    bus: str
    carrier: str
    rate: Array

    @property
    def fed(self) -> Array:
        """What it gives to the bus."""
        return np.maximum(self.rate, 0.0)

    @property
    def drawn(self) -> Array:
        """What it takes from the bus."""
        return np.maximum(-self.rate, 0.0)


@dataclass(frozen=True, eq=False)
class Converter:
    """Ports that draw, and ports that feed other buses."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, eq=False)
class Store:
    """A stock between ports of one bus, and what it takes besides, such as the work of a compressor.

    Where it takes and gives at once, only the difference counts: what goes round in it is lost in it.

    Parameters
    ----------
    inputs, outputs
        What it takes and gives.
    held
        kWh at each point, shape (n + 1,).
    gained
        kWh that are added to the stock at each step out of each input; the work of a compressor adds nothing.
    given
        Share of the stock that is given out at each step.
    """

    asset: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    held: Array
    gained: Mapping[str, Array]
    given: Array


def ports_of(result: Result) -> Iterator[Port]:
    """Give every flow of energy, residues set to zero, with what is not served of a demand taken off it."""
    frame = result.flows
    n = len(result.steps)
    reliefs: dict[tuple[str, str], Array] = {}
    ports = []
    for names, places in frame.groupby(["asset", "port"], observed=True, sort=False).indices.items():
        asset, name = (str(part) for part in cast(tuple[object, object], names))
        rows = frame.iloc[np.sort(places)]
        carrier, bus = str(rows["carrier"].iloc[0]), str(rows["bus"].iloc[0])
        energy = energy_per_unit(CARRIERS[carrier]) if carrier in CARRIERS else 1.0
        if energy == 0.0 or len(rows) != n:
            continue
        rate = rows["rate"].to_numpy(dtype=float) * energy
        if name in RELIEFS:
            reliefs[asset, bus] = reliefs.get((asset, bus), np.zeros(n)) + rate
        else:
            ports.append(Port(asset, name, bus, carrier, rate))
    for port in ports:
        relief = reliefs.get((port.asset, port.bus))
        rate = port.rate if relief is None else np.minimum(port.rate + relief, 0.0)
        yield Port(port.asset, port.name, port.bus, port.carrier, np.where(np.abs(rate) > SMALL, rate, 0.0))


def converts(ports: list[Port]) -> bool:
    """Tell whether an asset draws from some buses and feeds others."""
    fed = {port.bus for port in ports if port.fed.any()}
    drawn = {port.bus for port in ports if port.drawn.any()}
    return bool(fed and drawn) and not fed & drawn


def converter_of(ports: list[Port]) -> tuple[Converter, list[Port]]:
    """Return a converter; and what it draws while it gives nothing, standing by, as uses of their own."""
    outputs = tuple(port for port in ports if port.fed.any())
    idle = np.sum([port.fed for port in outputs], axis=0) <= SMALL
    inputs, lost = [], []
    for port in ports:
        if port.drawn.any():
            inputs.append(Port(port.asset, port.name, port.bus, port.carrier, np.where(idle, 0.0, port.rate)))
            if port.drawn[idle].any():
                rate = np.where(idle, port.rate, 0.0)
                lost.append(Port(port.asset, f"{port.name}, idle", port.bus, port.carrier, rate))
    return Converter(tuple(inputs), outputs), lost


def store_of(result: Result, asset: str, ports: list[Port], hours: Array) -> Store | None:
    """Return an asset as a store, if one of its claims balances a stock with its ports."""
    named = {port.name: port for port in ports}
    claims = (claim for claim in result.claims.get(asset, ()) if isinstance(claim, StockBalance))
    claim = next((claim for claim in claims if {name for name, _ in claim.gains} <= named.keys()), None)
    if claim is None:
        return None
    carrier = next(named[name].carrier for name, _ in claim.gains)
    level = result.stocks[(result.stocks["asset"] == asset) & (result.stocks["stock"] == claim.stock)]
    held = np.maximum(level["level"].to_numpy(dtype=float), 0.0) * energy_per_unit(CARRIERS[carrier])
    # Ports count kWh, gains count the stock's own unit for each unit of the flow: the same ratio in either.
    grown = np.sum([np.asarray(factor) * named[name].rate * hours for name, factor in claim.gains], axis=0)
    through = [named[name] for name, _ in claim.gains]
    net = np.sum([port.rate for port in through], axis=0)
    kept = (1.0 - claim.loss) ** hours * held[:-1]
    taken = np.where(net > 0.0, np.maximum(-grown, 0.0), 0.0)
    inputs = [_net(port, np.minimum(net, 0.0)) for port in through if port.drawn.any()]
    outputs = [_net(port, np.maximum(net, 0.0)) for port in through if port.fed.any()]
    besides = [port for port in ports if port not in through and port.drawn.any()]
    return Store(
        asset,
        (*inputs, *besides),
        tuple(outputs),
        held,
        {port.name: np.where(net < 0.0, np.maximum(grown, 0.0), 0.0) for port in inputs},
        np.clip(taken / np.where(kept > SMALL, kept, np.inf), 0.0, 1.0),
    )


def _net(port: Port, rate: Array) -> Port:
    """Return a port with another rate."""
    return Port(port.asset, port.name, port.bus, port.carrier, rate)
