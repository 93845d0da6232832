"""The parts of a plant as a balancing rule sees them: stores, trades, sources, loads and converters that can be turned.

What is of no kind known here follows its plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microgrid.plant import Plant
from microgrid.series import Series
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
Now = dict[str, dict[str, float]]


@dataclass
class Store:
    """A stock that can be filled and emptied.

    Parameters
    ----------
    into, out_of
        Share of what is drawn that reaches the stock; share of what is taken out that reaches the bus.
    low, high
        Least and largest level, kWh or kg.
    most
        Largest charge and discharge, kW or kg/h.
    side
        Bus and energy per unit charged of what drives the charging.
    day
        Largest charge and discharge at each step, where the day has limits of its own.
    """

    name: str
    bus: str
    into: float
    out_of: float
    loss: float
    low: float
    high: float
    most: tuple[float, float]
    side: tuple[str, float] = ("", 0.0)
    day: tuple[Array, Array] | None = None
    level: float = 0.0
    net: float = 0.0
    bounds: tuple[float, float] = (0.0, 0.0)

    def begin(self, wanted: float, hours: float, step: int) -> None:
        """Take what is wanted of a step, into the bus, as far as the level allows."""
        kept = self.level * (1.0 - self.loss) ** hours
        most_in, most_out = self.most if self.day is None else (float(side[step]) for side in self.day)
        fill = max(0.0, (self.high - kept) / (self.into * hours))
        empty = max(0.0, (kept - self.low) * self.out_of / hours)
        lowest = -min(most_in, fill)
        must_fill = (self.low - kept) / (self.into * hours)
        highest = max(lowest, -must_fill) if must_fill > 1e-9 * (1.0 + self.high) / hours else min(most_out, empty)
        self.bounds = (lowest, highest)
        self.net = min(max(wanted, lowest), highest)

    def move(self, more: float) -> float:
        """Give more into the bus, or less where `more` is below zero; return what came of it."""
        low, high = self.bounds
        new = min(max(self.net + more, low), high)
        moved, self.net = new - self.net, new
        return moved

    def end(self, hours: float) -> None:
        """Let the step pass."""
        gain = -self.net * self.into if self.net < 0 else -self.net / self.out_of
        self.level = min(max(self.level * (1.0 - self.loss) ** hours + gain * hours, 0.0), self.high)

    def rates(self) -> dict[str, float]:
        """Return the rates at its ports."""
        rates = {"charge": min(self.net, 0.0), "discharge": max(self.net, 0.0)}
        return rates | ({"compression": self.side[1] * min(self.net, 0.0)} if self.side[0] else {})


@dataclass
class Trade:
    """Something bought, and sold, within limits; its net rate counts into the bus."""

    name: str
    bus: str
    ports: tuple[str, str]
    most: tuple[Array, Array]
    net: float = 0.0
    bounds: tuple[float, float] = (0.0, 0.0)

    def begin(self, wanted: float, step: int) -> None:
        """Take what is wanted of a step within the limits."""
        self.bounds = (-float(self.most[1][step]), float(self.most[0][step]))
        self.net = min(max(wanted, self.bounds[0]), self.bounds[1])

    def move(self, more: float, low: float = -np.inf, high: float = np.inf) -> float:
        """Give more into the bus, or less, but no further than `low` or `high`; return what came of it."""
        low, high = max(low, self.bounds[0]), min(high, self.bounds[1])
        new = min(max(self.net + more, min(low, self.net)), max(high, self.net))
        moved, self.net = new - self.net, new
        return moved

    def rates(self) -> dict[str, float]:
        """Return the rates at its ports."""
        bought, sold = self.ports
        rates = {bought: max(self.net, 0.0)}
        return rates | ({sold: min(self.net, 0.0)} if sold else {})


@dataclass
class Converter:
    """A unit whose output can be turned up and down while it is on, all its ports in proportion.

    `range_of` returns the least and largest output that its state allows; `rates_at` the ports at an output.
    """

    name: str
    bus: str
    range_of: Callable[[int, Mapping[str, float]], tuple[float, float]]
    rates_at: Callable[[int, float, Mapping[str, float], Mapping[str, float]], dict[str, float]]


@dataclass
class Parts:
    """The parts of a plant along some steps."""

    stores: list[Store] = field(default_factory=list)
    grids: list[Trade] = field(default_factory=list)
    supplies: list[Trade] = field(default_factory=list)
    sources: dict[str, tuple[str, Array]] = field(default_factory=dict)
    loads: dict[str, tuple[str, Array, float, bool]] = field(default_factory=dict)
    converters: list[Converter] = field(default_factory=list)


def parts_of(plant: Plant) -> Parts:
    """Return the parts of a plant on the steps of its timeline."""
    parts = Parts()
    for name, asset in plant.assets.items():
        made = _KINDS.get(str(getattr(asset, "kind", "")))
        if made is not None:
            made(parts, name, asset, plant.timeline)
    for name, limits in plant.flow_limits.items():
        _limit(parts, name, limits)
    return parts


def _limit(parts: Parts, name: str, limits: Mapping[str, tuple[Array, Array]]) -> None:
    """Keep a part within the limits of the day."""
    for trade in (*parts.grids, *parts.supplies):
        if trade.name == name:
            bought = limits.get(trade.ports[0], (None, np.inf))[1]
            sold = limits.get(trade.ports[1], (-np.inf, None))[0]
            trade.most = (np.minimum(trade.most[0], bought), np.minimum(trade.most[1], -np.asarray(sold)))
    for store in parts.stores:
        if store.name == name:
            into, out_of = limits.get("charge", (-np.inf, None))[0], limits.get("discharge", (None, np.inf))[1]
            store.day = (np.minimum(store.most[0], -np.asarray(into)), np.minimum(store.most[1], np.asarray(out_of)))
    for unit in parts.converters:
        if unit.name == name:
            unit.range_of = _lowered(unit, limits)
    if name in parts.sources:
        bus, available = parts.sources[name]
        parts.sources[name] = (bus, np.minimum(available, limits.get("output", (None, np.inf))[1]))


def _lowered(
    unit: Converter, limits: Mapping[str, tuple[Array, Array]]
) -> Callable[[int, Mapping[str, float]], tuple[float, float]]:
    """Return the range of a unit that is held to the limits of the day at the port that it is turned by."""
    own, port = unit.range_of, next((port for port in ("hydrogen", "heat", "output") if port in limits), "")

    def range_of(step: int, states: Mapping[str, float]) -> tuple[float, float]:
        low, high = own(step, states)
        most = float(limits[port][1][step]) if port else np.inf
        return min(low, most), min(high, most)

    return range_of


def _on(series: Series | None, timeline: Timeline, default: float) -> Array:
    return np.full(len(timeline), default) if series is None else series.on(timeline)


def _battery(parts: Parts, name: str, asset: Any, _timeline: Timeline) -> None:
    energy, power = asset.energy.amount, asset.power.amount
    parts.stores.append(
        Store(
            name, asset.bus, asset.charge_efficiency, asset.discharge_efficiency, asset.self_discharge,
            asset.minimum_charge * energy, asset.maximum_charge * energy, (power, power),
        )
    )  # fmt: skip


def _heat_storage(parts: Parts, name: str, asset: Any, _timeline: Timeline) -> None:
    energy, power = asset.energy.amount, asset.power.amount if asset.power is not None else np.inf
    parts.stores.append(
        Store(
            name, asset.bus, asset.charge_efficiency, asset.discharge_efficiency, asset.loss,
            asset.minimum_fill * energy, asset.maximum_fill * energy, (power, power),
        )
    )  # fmt: skip


def _tank(parts: Parts, name: str, asset: Any, _timeline: Timeline) -> None:
    most = tuple(np.inf if limit is None else limit for limit in (asset.charge_limit, asset.discharge_limit))
    side = (asset.power_bus, asset.compression_energy) if asset.compression_energy else ("", 0.0)
    capacity = asset.capacity.amount
    parts.stores.append(
        Store(name, asset.bus, 1.0, 1.0, asset.loss, asset.minimum_fill * capacity, capacity, most, side)  # type: ignore[arg-type]
    )


def _grid(parts: Parts, name: str, asset: Any, timeline: Timeline) -> None:
    capacity = asset.capacity.amount
    bought = np.minimum(_on(asset.import_limit, timeline, capacity), capacity)
    sells = asset.may_export
    sold = np.minimum(_on(asset.export_limit, timeline, capacity), capacity) if sells else np.zeros(len(timeline))
    parts.grids.append(Trade(name, asset.bus, ("import", "export" if sells else ""), (bought, sold)))


def _supply(parts: Parts, name: str, asset: Any, timeline: Timeline) -> None:
    limit = _on(asset.limit, timeline, np.inf)
    parts.supplies.append(Trade(name, asset.bus, ("supply", ""), (limit, np.zeros(len(timeline)))))


def _source(parts: Parts, name: str, asset: Any, timeline: Timeline) -> None:
    available = asset.capacity.amount * asset.availability.on(timeline)
    parts.sources[name] = (asset.bus, available)


def _load(parts: Parts, name: str, asset: Any, timeline: Timeline) -> None:
    is_priced = asset.unserved_price is not None
    parts.loads[name] = (asset.bus, asset.demand.on(timeline), asset.sheddable, is_priced)


def _boiler(parts: Parts, name: str, asset: Any, _timeline: Timeline) -> None:
    taken = asset.per_heat
    _proportional(parts, name, asset, (asset.heat_bus, 1.0), lambda _t: {"input": -taken, "output": 1.0})


def _heat_pump(parts: Parts, name: str, asset: Any, timeline: Timeline) -> None:
    cop = asset.cop_on(SimpleNamespace(timeline=timeline))
    _proportional(parts, name, asset, (asset.heat_bus, 1.0), lambda t: {"input": -1.0 / cop[t], "output": 1.0})


def _generator(parts: Parts, name: str, asset: Any, _timeline: Timeline) -> None:
    """Add a CHP in back pressure: it is turned by its heat."""
    is_linear = asset.electric_efficiency is not None and asset.power_loss is None
    if is_linear and asset.heat_bus is not None and not asset.heat_rejection:
        burnt, ratio = 1.0 / asset.heat_efficiency, asset.electric_efficiency / asset.heat_efficiency
        per_heat = {"fuel": -burnt, "output": ratio, "heat": 1.0}
        _proportional(parts, name, asset, (asset.heat_bus, 1.0 / ratio), lambda _t: per_heat)


def _proportional(
    parts: Parts, name: str, asset: Technology, bus: tuple[str, float], ports: Callable[[int], dict[str, float]]
) -> None:
    """Add a unit whose ports are in proportion; `bus` is what it is turned by, and that for each kW of capacity."""
    spec = getattr(asset, "commitment", None)
    if spec is not None and any(part is not None for part in (spec.ramp_up, spec.ramp_down, spec.start_ramp)):
        return
    least = spec.minimum_load if spec is not None else 0.0
    is_switched = spec is not None and spec.has_switch
    capacity = asset.capacities()["capacity"].high * bus[1]

    def range_of(_step: int, states: Mapping[str, float]) -> tuple[float, float]:
        live = round(states.get("on", 0.0)) if is_switched else 1.0
        return least * capacity * live, capacity * live

    def rates_at(
        step: int, output: float, _states: Mapping[str, float], _rates: Mapping[str, float]
    ) -> dict[str, float]:
        return {port: per_output * output for port, per_output in ports(step).items()}

    parts.converters.append(Converter(name, bus[0], range_of, rates_at))


def _electrolyser(parts: Parts, name: str, asset: Any, _timeline: Timeline) -> None:
    stacks, lines = asset.pattern, asset.lines
    if stacks.has_ramps:
        return
    rating = float(stacks.rating or 0.0)

    def live(states: Mapping[str, float]) -> float:
        if not stacks.has_switch:
            return float(asset.capacity.amount)
        return rating * (states["on"] - sum(states.get(each, 0.0) for each in stacks.warming))

    def made(running: float, ready: float) -> float:
        return float(max(0.0, min(slope * running + offset * ready for slope, offset in lines)))

    def range_of(_step: int, states: Mapping[str, float]) -> tuple[float, float]:
        ready = max(0.0, live(states))
        return made(stacks.minimum_load * ready, ready), made(ready, ready)

    def rates_at(
        _step: int, output: float, states: Mapping[str, float], rates: Mapping[str, float]
    ) -> dict[str, float]:
        ready = max(0.0, live(states))
        asked = max((output - offset * ready) / slope for slope, offset in lines)
        running = max(stacks.minimum_load * ready, asked, 0.0)
        running = min(running, ready)
        new = dict(rates) | {"power": rates["power"] - (running - states["running"]), "hydrogen": made(running, ready)}
        if asset.heat_bus is not None:
            new["heat"] = min(rates["heat"], asset.heat_share * running)
        return new

    parts.converters.append(Converter(name, asset.hydrogen_bus, range_of, rates_at))


_KINDS: dict[str, Callable[[Parts, str, Any, Timeline], None]] = {
    "battery": _battery,
    "heat_storage": _heat_storage,
    "hydrogen_tank": _tank,
    "grid_connection": _grid,
    "supply": _supply,
    "photovoltaic": _source,
    "wind_turbine": _source,
    "production_load": _load,
    "boiler": _boiler,
    "heat_pump": _heat_pump,
    "fuel_generator": _generator,
    "electrolyser": _electrolyser,
}
