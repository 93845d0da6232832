"""Balancing: a plan carried out against what really happens, by a rule that needs no solver and looks no step ahead.

Units that switch do as planned. What loads, sun and wind do differently is taken bus by bus, heat and hydrogen before
electricity, fuels last:

- what lacks: less export, less curtailment, more import up to the step's ceiling, stocks, supplies, units that are on
  turned up, import above the ceiling, shedding, demand left unserved;
- what is too much: less import and supply, less shedding, stocks, export, units that are on turned down, curtailment,
  surplus where the bus lets it go.

What remains lacks all the same, and is told as a `Shortfall`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.plant import Plant
from microgrid.rolling.parts import Converter, Now, Parts, Store, Trade, parts_of
from microgrid.rolling.traces import Trace

Array = NDArray[np.float64]
_ORDER = {"cooling": 0, "heat": 1, "hydrogen": 2, "electricity": 3}
_PASSES = 6
_EXACT = 1e-9


class Shortfall(NamedTuple):
    """What no part of the plant could balance at a step: kW or kg/h lacking, or below zero too much."""

    step: int
    bus: str
    rate: float


@dataclass(frozen=True, eq=False)
class Carried:
    """A plan as it was carried out, and what could not be balanced."""

    trace: Trace
    shortfalls: tuple[Shortfall, ...]


def carry_out(
    plant: Plant,
    wanted: Trace,
    levels: dict[str, dict[str, float]],
    ceiling: Array | None = None,
    forecast: Plant | None = None,
) -> Carried:
    """Carry out a plan against what happens.

    Parameters
    ----------
    plant
        What happens: its loads and availabilities.
    wanted
        The plan, on the same steps.
    levels
        What each stock holds at the beginning, by asset and stock.
    ceiling
        Import up to which the grid takes deviations before the stocks do, kW, shape (n,); without it its limits.
    forecast
        What was expected, on the same steps: a source that was to give all that was expected gives all there is.
    """
    return _Follower(plant, wanted, levels, ceiling, forecast).run()


class _Follower:
    """The walk through the steps."""

    def __init__(
        self,
        plant: Plant,
        wanted: Trace,
        levels: dict[str, dict[str, float]],
        ceiling: Array | None,
        forecast: Plant | None,
    ) -> None:
        n = len(wanted.timeline)
        self.plant, self.wanted, self.n = plant, wanted, n
        self.parts: Parts = parts_of(plant)
        self.ceiling = np.full(n, np.inf) if ceiling is None else ceiling
        self.expected = {} if forecast is None else parts_of(forecast).sources
        self.buses = sorted(plant.buses, key=lambda bus: _ORDER.get(plant.buses[bus].carrier.name, 9))
        self.ports = wanted.ports
        self.flows = {a: {p: np.zeros(n) for p in ports} for a, ports in self.ports.items()}
        self.states = {a: {s: v.copy() for s, v in rows.items()} for a, rows in wanted.states.items()}
        self.stocks = {s.name: np.zeros(n + 1) for s in self.parts.stores}
        for store in self.parts.stores:
            store.level = min(max(levels[store.name]["stored"], 0.0), store.high)
            self.stocks[store.name][0] = store.level
        self.shortfalls: list[Shortfall] = []

    def run(self) -> Carried:
        """Walk through all steps."""
        for step in range(self.n):
            self._step(step)
        stocks = {name: {"stored": levels} for name, levels in self.stocks.items()}
        trace = Trace(self.wanted.timeline, self.flows, stocks, self.states, self.ports)
        return Carried(trace, tuple(self.shortfalls))

    def _step(self, step: int) -> None:
        hours = float(self.wanted.timeline.hours[step])
        now: Now = {
            asset: {port: float(values[step]) for port, values in rows.items()}
            for asset, rows in self.wanted.flows.items()
        }
        self._begin(step, hours, now)
        for _ in range(_PASSES):
            if not sum([self._balanced(bus, step, now) for bus in self.buses]):
                break
        for bus in self.buses:
            rest = self._net(bus, now)
            if abs(rest) > 1e-6:
                self.shortfalls.append(Shortfall(step, bus, -rest))
        self._write(step, now)
        for store in self.parts.stores:
            store.end(hours)
            self.stocks[store.name][step + 1] = store.level

    def _begin(self, step: int, hours: float, now: Now) -> None:
        """Set what happens by itself, and what is wanted of the rest within its limits."""
        for name, (_, available) in self.parts.sources.items():
            there, planned = float(available[step]), now[name]["output"]
            expected = float(self.expected[name][1][step]) if name in self.expected else planned
            is_free = planned >= 0.999 * expected
            now[name]["output"] = there if is_free else min(there, planned)
        for name, (_, demand, share, is_priced) in self.parts.loads.items():
            drawn, rates = float(demand[step]), now[name]
            rates["demand"] = -drawn
            if share:
                rates["shed"] = min(rates.get("shed", 0.0), share * drawn)
            if is_priced:
                rates["unserved"] = min(rates.get("unserved", 0.0), drawn - rates.get("shed", 0.0))
        for store in self.parts.stores:
            rates = now[store.name]
            store.begin(rates.get("discharge", 0.0) + rates.get("charge", 0.0), hours, step)
            rates |= store.rates()
        for trade in (*self.parts.grids, *self.parts.supplies):
            rates = now[trade.name]
            trade.begin(rates[trade.ports[0]] + rates.get(trade.ports[1], 0.0), step)
            rates |= trade.rates()
        for bus in self.plant.buses:
            if f"bus {bus}" in now:
                now[f"bus {bus}"]["surplus"] = 0.0

    def _net(self, bus: str, now: Now) -> float:
        return sum([now[asset][port] for asset, ports in self.ports.items() for port, b in ports.items() if b == bus])

    def _balanced(self, bus: str, step: int, now: Now) -> int:
        """Balance a bus as far as can be; return 1 if anything was moved, else 0."""
        net = self._net(bus, now)
        if abs(net) <= _EXACT * (1.0 + abs(net)):
            return 0
        rest = -net
        for move in self._lacking(bus, step, now) if rest > 0 else self._too_much(bus, step, now):
            rest -= move(rest)
            if abs(rest) <= _EXACT:
                break
        return int(abs(rest + net) > _EXACT)

    def _lacking(self, bus: str, step: int, now: Now) -> Iterator[Callable[[float], float]]:
        """Give what can bring more into a bus, in the order of the rule."""
        top = float(self.ceiling[step])
        for grid in self._on(self.parts.grids, bus):
            yield lambda more, g=grid: self._traded(g, now, more, high=0.0)  # type: ignore[misc]
        for name, (at, available) in self.parts.sources.items():
            if at == bus:
                yield lambda more, n=name, a=available: _raised(now, n, "output", more, 0.0, float(a[step]))  # type: ignore[misc]
        for grid in self._on(self.parts.grids, bus):
            yield lambda more, g=grid: self._traded(g, now, more, high=top)  # type: ignore[misc]
        yield from self._stored(bus, now)
        for supply in self._on(self.parts.supplies, bus):
            yield lambda more, g=supply: self._traded(g, now, more)  # type: ignore[misc]
        yield from self._turned(bus, step, now)
        for grid in self._on(self.parts.grids, bus):
            yield lambda more, g=grid: self._traded(g, now, more)  # type: ignore[misc]
        yield from self._unloaded(bus, step, now)

    def _too_much(self, bus: str, step: int, now: Now) -> Iterator[Callable[[float], float]]:
        """Give what can take more out of a bus, in the order of the rule; rates below zero are what is to be taken."""
        for trade in (*self._on(self.parts.grids, bus), *self._on(self.parts.supplies, bus)):
            yield lambda more, g=trade: self._traded(g, now, more, low=0.0)  # type: ignore[misc]
        yield from self._unloaded(bus, step, now)
        yield from self._stored(bus, now)
        for grid in self._on(self.parts.grids, bus):
            yield lambda more, g=grid: self._traded(g, now, more)  # type: ignore[misc]
        yield from self._turned(bus, step, now)
        for name, (at, _) in self.parts.sources.items():
            if at == bus:
                yield lambda more, n=name: _raised(now, n, "output", more, 0.0, np.inf)  # type: ignore[misc]
        if self.plant.buses[bus].surplus:
            yield lambda more: _raised(now, f"bus {bus}", "surplus", more, -np.inf, 0.0)

    @staticmethod
    def _on(trades: list[Trade], bus: str) -> list[Trade]:
        return [trade for trade in trades if trade.bus == bus]

    @staticmethod
    def _traded(trade: Trade, now: Now, more: float, low: float = -np.inf, high: float = np.inf) -> float:
        moved = trade.move(more, low, high)
        now[trade.name] |= trade.rates()
        return moved

    def _stored(self, bus: str, now: Now) -> Iterator[Callable[[float], float]]:
        def move(more: float, store: Store) -> float:
            moved = store.move(more)
            now[store.name] |= store.rates()
            return moved

        for store in self.parts.stores:
            if store.bus == bus:
                yield lambda more, s=store: move(more, s)  # type: ignore[misc]

    def _turned(self, bus: str, step: int, now: Now) -> Iterator[Callable[[float], float]]:
        def move(more: float, unit: Converter) -> float:
            states = {name: float(values[step]) for name, values in self.states.get(unit.name, {}).items()}
            port = next(port for port, b in self.ports[unit.name].items() if b == bus)
            output, (low, high) = now[unit.name][port], unit.range_of(step, states)
            new = unit.rates_at(step, min(max(output + more, low), high), states, now[unit.name])
            if "running" in states:
                self.states[unit.name]["running"][step] += now[unit.name]["power"] - new["power"]
            now[unit.name] |= new
            return new[port] - output

        for unit in self.parts.converters:
            if unit.bus == bus:
                yield lambda more, u=unit: move(more, u)  # type: ignore[misc]

    def _unloaded(self, bus: str, step: int, now: Now) -> Iterator[Callable[[float], float]]:
        """Give what loads can do without, or get back: first what was unserved, last what was shed."""
        for name, (at, demand, share, is_priced) in self.parts.loads.items():
            if at != bus:
                continue
            drawn = float(demand[step])
            if share:
                yield lambda more, n=name, d=drawn, s=share: _raised(now, n, "shed", more, 0.0, s * d)  # type: ignore[misc]
            if is_priced:
                yield lambda more, n=name, d=drawn: _raised(  # type: ignore[misc]
                    now, n, "unserved", more, 0.0, d - now[n].get("shed", 0.0)
                )

    def _write(self, step: int, now: Now) -> None:
        for asset, rates in now.items():
            for port, rate in rates.items():
                if port in self.flows[asset]:
                    self.flows[asset][port][step] = rate


def _raised(now: Now, name: str, port: str, more: float, low: float, high: float) -> float:
    rate = now[name][port]
    new = min(max(rate + more, min(low, rate)), max(high, rate))
    now[name][port] = new
    return new - rate
