"""The plan that needs no solver: use sun and wind on the site, charge in the valley, discharge in the peak.

Units stay as they are; what the demand of a bus needs besides is switched on, as soon as its minimum time off allows.
The balancing rule then makes a plan of it that keeps balances, levels and limits, as far as they can be kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from microgrid.plant import Plant
from microgrid.rolling.balancing import Carried, carry_out
from microgrid.rolling.metering import energy_prices
from microgrid.rolling.parts import Parts, parts_of
from microgrid.rolling.switching import has_stacks, stack_states, switch_of, unit_states
from microgrid.rolling.traces import Trace

Array = NDArray[np.float64]
_QUARTER = 0.25
_SPREAD = 0.05
"""Prices that differ by less than this share of their mean have no valley."""


def rule_plan(
    plant: Plant,
    ports: dict[str, dict[str, str]],
    levels: dict[str, dict[str, float]],
    ceiling: Array | None,
) -> Carried:
    """Return a plan by rules alone.

    Parameters
    ----------
    plant
        The window, with what was before.
    ports
        By asset and port, the bus that it stands on.
    levels
        What stocks hold at the beginning.
    ceiling
        Import that is not to be passed, kW, shape (n,).
    """
    n = len(plant.timeline)
    parts = parts_of(plant)
    flows = {asset: {port: np.zeros(n) for port in named} for asset, named in ports.items()}
    states = _states(plant, parts)
    for name, (_, available) in parts.sources.items():
        flows[name]["output"] = available.copy()
    for name, rates in _batteries(plant, parts).items():
        flows[name] |= rates
    _units(plant, parts, flows, states)
    wanted = Trace(plant.timeline, flows, {}, states, ports)
    return carry_out(plant, wanted, levels, ceiling)


def _batteries(plant: Plant, parts: Parts) -> dict[str, dict[str, Array]]:
    """Return charge and discharge of the stores on each electricity bus, by the price of import there."""
    found: dict[str, dict[str, Array]] = {}
    for store in parts.stores:
        grid = next((g for g in parts.grids if g.bus == store.bus), None)
        if plant.buses[store.bus].carrier.name != "electricity" or grid is None:
            continue
        asset: Any = plant.assets[grid.name]
        price, hours = energy_prices(asset, plant.timeline), plant.timeline.hours
        drawn = sum((d for at, d, _, _ in parts.loads.values() if at == store.bus), np.zeros(len(hours)))
        given = sum((a for at, a in parts.sources.values() if at == store.bus), np.zeros(len(hours)))
        rest, usable = np.maximum(drawn - given, 0.0), store.high - store.low
        low, high = np.quantile(price, [_QUARTER, 1.0 - _QUARTER])
        if high - low <= _SPREAD * abs(float(price.mean())):
            found[store.name] = {"charge": np.zeros(len(hours)), "discharge": np.minimum(store.most[1], rest)}
            continue
        valley, peak = price <= low, price >= high
        first_valley = float(hours[valley & _of_first_day(plant)].sum()) or 1.0
        charge = np.where(valley, -min(store.most[0], usable / store.into / first_valley), 0.0)
        found[store.name] = {"charge": charge, "discharge": np.where(peak, np.minimum(store.most[1], rest), 0.0)}
    return found


def _of_first_day(plant: Plant) -> NDArray[np.bool_]:
    return np.asarray(plant.timeline.elapsed[:-1] < 24.0)


def _states(plant: Plant, parts: Parts) -> dict[str, dict[str, Array]]:
    """Return the states of all units: as before, and on where what is on does not suffice."""
    n, hours = len(plant.timeline), plant.timeline.hours
    found: dict[str, dict[str, Array]] = {}
    for name, asset in plant.assets.items():
        spec = switch_of(asset)
        if spec is not None:
            unit = next((unit for unit in parts.converters if unit.name == name), None)
            # A unit that the rule cannot turn goes off: its ramps are beyond it.
            on = np.full(n, float(spec.on_before) if unit is not None else 0.0)
            if not spec.on_before and unit is not None and _is_short(plant, parts, unit.bus, found):
                rest = 0.0 if spec.hours_before is None else max(0.0, spec.minimum_down - spec.hours_before)
                on = np.where(plant.timeline.elapsed[:-1] >= rest - 1e-9, 1.0, 0.0)
            found[name] = unit_states(on, float(spec.on_before))
        elif has_stacks(asset):
            found[name] = _stacks(plant, parts, name, hours)
    return found


def _is_short(plant: Plant, parts: Parts, bus: str, states: dict[str, dict[str, Array]]) -> bool:
    """Tell whether the demand on a bus may pass what can be bought there and what units that are on can give."""
    n = len(plant.timeline)
    demand = sum((d for at, d, _, _ in parts.loads.values() if at == bus), np.zeros(n))
    given = sum((t.most[0] for t in (*parts.supplies, *parts.grids) if t.bus == bus), np.zeros(n))
    for unit in parts.converters:
        if unit.bus == bus:
            rows = states.get(unit.name, {})
            if rows or switch_of(plant.assets[unit.name]) is None:
                given = given + np.array(
                    [unit.range_of(t, {s: float(v[t]) for s, v in rows.items()})[1] for t in range(n)]
                )
    return bool((demand > given + 1e-9).any())


def _stacks(plant: Plant, parts: Parts, name: str, hours: Array) -> dict[str, Array]:
    """Keep stacks as they are, and start as many as the mean demand for hydrogen needs."""
    asset: Any = plant.assets[name]
    n, stacks = len(hours), asset.pattern
    on_before, standby_before = stacks.before
    demand = sum((d for at, d, _, _ in parts.loads.values() if at == asset.hydrogen_bus), np.zeros(n))
    mean = float((demand * hours).sum() / hours.sum())
    rating = stacks.rating or 0.0
    best = min(slope * rating + offset * rating for slope, offset in asset.lines)
    needed = min(stacks.most_stacks, int(np.ceil(mean / best - 1e-9))) if best > 0 else 0
    on = max(on_before, needed)
    standby = max(0, standby_before - (on - on_before))
    made = stack_states(asset, np.full(n, float(on)), np.full(n, float(standby)), hours)
    live = np.maximum(0.0, rating * (made["on"] - sum((made[each] for each in stacks.warming), np.zeros(n))))
    asked = np.array([max([(mean - offset * ready) / slope for slope, offset in asset.lines]) for ready in live])
    return made | {"running": np.clip(asked, stacks.minimum_load * live, live)}


def _units(plant: Plant, parts: Parts, flows: dict[str, dict[str, Array]], states: dict[str, dict[str, Array]]) -> None:
    """Set the ports of units that are on to the least that their states allow, of stacks to what they run at."""
    n = len(plant.timeline)
    for unit in parts.converters:
        rows = states.get(unit.name, {})
        for step in range(n):
            at = {state: float(values[step]) for state, values in rows.items()}
            now = dict.fromkeys(flows[unit.name], 0.0)
            if "running" in at:
                now["power"] = -_drawn(plant.assets[unit.name], at, float(plant.timeline.hours[step]))
                ready, asset = _live(plant.assets[unit.name], at), plant.assets[unit.name]
                lines = asset.lines  # type: ignore[attr-defined]
                now["hydrogen"] = max(0.0, min(slope * at["running"] + offset * ready for slope, offset in lines))
            else:
                now |= unit.rates_at(step, unit.range_of(step, at)[0], at, now)
            for port, rate in now.items():
                flows[unit.name][port][step] = rate


def _live(asset: Any, states: dict[str, float]) -> float:
    stacks = asset.pattern
    warming = sum(states.get(each, 0.0) for each in stacks.warming)
    return float((stacks.rating or 0.0) * (states["on"] - warming))


def _drawn(asset: Any, states: dict[str, float], hours: float) -> float:
    """Return what live stacks, standby and starts draw."""
    stacks = asset.pattern
    power = states["running"] + (stacks.standby_power or 0.0) * (stacks.rating or 0.0) * states.get("standby", 0.0)
    for kind, start in stacks.starts.items():
        if start.energy and start.time:
            power += start.energy / start.time * states[f"{kind}_starting"]
        elif start.energy:
            power += start.energy * states[f"{kind}_starts"] / hours
    return float(power)
