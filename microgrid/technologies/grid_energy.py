"""Energy lines of a bill: prices by step, tiers by month, export, and net metering."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.tariffs.components import EnergyCharge
from microgrid.tariffs.tariff import NetMetering
from microgrid.technologies.base import Rate, parameter
from microgrid.technologies.grid_meter import Array, Line, Meter, tiered, tiers_of


def energy_line(block: Any, meter: Meter, name: str, component: EnergyCharge) -> Line:
    """Return the line of an energy component: by step, or by month where it has tiers."""
    if component.tiers:
        return _tiered_line(block, meter, name, component)
    imports, hours = meter.imports, meter.operation.hours
    values = meter.tariff.energy_price(name, meter.timeline, meter.shares)
    price = parameter(block, meter.operation.steps, "price", values)
    amounts = values * meter.timeline.weighted_hours * meter.highest
    return Line(
        name,
        "energy",
        lambda t: price[t] * hours[t] * imports[t],
        meter.operation.steps,
        meter.summed(np.minimum(amounts, 0.0)),
        meter.summed(np.maximum(amounts, 0.0)),
    )


def _tiered_line(block: Any, meter: Meter, name: str, component: EnergyCharge) -> Line:
    """Charge the energy of a month in tiers, less what the energy before the horizon cost already."""
    energy, most = meter.energy, meter.most_energy
    ends, prices = [tier.up_to for tier in component.tiers], [tier.price for tier in component.tiers]
    cost = tiered(block, meter, lambda m: energy[m], tiers_of(ends, prices, most))
    before = np.zeros(len(most))
    before[0] = cost_in_tiers(ends, prices, meter.past.energy or 0.0)
    paid = meter.in_months(before, "paid_before", block)
    largest = max(abs(price) for price in prices) * most + np.abs(before)
    return Line(name, "energy", lambda m: cost(m) - paid[m], meter.months, -largest, largest)


def cost_in_tiers(ends: list[float | None], prices: list[float], amount: float) -> float:
    """Return what an amount costs in tiers."""
    total, reached = 0.0, 0.0
    for end, price in zip(ends, prices, strict=True):
        upper = amount if end is None else min(amount, end)
        total += price * max(upper - reached, 0.0)
        reached = max(reached, upper)
    return total


def export_line(block: Any, meter: Meter, price: Array) -> Line:
    """Return what exported energy earns."""
    exports, hours = meter.exports, meter.operation.hours
    earned = parameter(block, meter.operation.steps, "export_price", price)
    nothing = np.zeros(len(meter.names))
    return Line(
        "export", "revenue", lambda t: -earned[t] * hours[t] * exports[t], meter.operation.steps, nothing, nothing
    )


class Pool(NamedTuple):
    """Energy that is netted together: what is left of imports and of exports in each span of time."""

    net: Any
    surplus: Any
    prices: dict[str, Array]
    before: Array


def net_metering_lines(meter: Meter, netting: NetMetering) -> list[Line]:
    """Return the lines of net metering: each netted component on what is left of imports, and the surplus."""
    spans = netting_spans(meter.timeline, netting)
    names = [name for name, c in meter.tariff.of_kind(EnergyCharge).items() if c.netted]
    block = meter.block
    block.spans = pyo.RangeSet(0, int(spans.max()))
    pools = {
        period: _pool(meter, netting, period, spans, names)
        for period, share in meter.shares.items()
        if share.any()
    }  # fmt: skip
    by_month = netting.per == "month"
    lines = [_net_line(meter, name, pools, by_month) for name in names]
    price = netting.surplus_price
    earned = sum(np.maximum(-pool.before, 0.0) for pool in pools.values())
    before = parameter(block, block.spans, "surplus_before", np.asarray(earned, dtype=float))

    def surplus(s: Any) -> Any:
        return -price * (sum([pool.surplus[s] for pool in pools.values()]) - before[s])

    lines.append(_spanned(meter, "export", surplus, by_month, "revenue"))
    return lines


def netting_spans(timeline: Any, netting: NetMetering) -> NDArray[np.int64]:
    """Return the position of the month or year within which each step is netted, shape (n,)."""
    names = timeline.months if netting.per == "month" else np.array([month[:4] for month in timeline.months])
    return np.asarray(np.unique(names.astype(str), return_inverse=True)[1], dtype=np.int64)


def _spanned(meter: Meter, name: str, amount: Rate, by_month: bool, category: Any = "energy") -> Line:
    nothing = np.zeros(len(meter.names))
    if by_month:
        return Line(name, category, amount, meter.months, nothing, nothing)
    spans = list(meter.block.spans)
    return Line(name, category, lambda _: sum([amount(s) for s in spans]), None, nothing, nothing)


def _net_line(meter: Meter, name: str, pools: dict[str, Pool], by_month: bool) -> Line:
    spans = meter.block.spans
    at = list(meter.tariff.components).index(name)
    prices = [
        (pool.net, parameter(meter.block, spans, f"net_price_{at}_{number}", pool.prices[name]))
        for number, pool in enumerate(pools.values())
    ]
    owed = sum(np.maximum(pool.before, 0.0) * pool.prices[name] for pool in pools.values())
    before = parameter(meter.block, spans, f"net_paid_before_{at}", np.asarray(owed, dtype=float))
    return _spanned(meter, name, lambda s: sum([price[s] * net[s] for net, price in prices]) - before[s], by_month)


def _pool(meter: Meter, netting: NetMetering, period: str, spans: NDArray[np.int64], names: list[str]) -> Pool:
    """Split what flowed in a period into what is left of imports and what is left of exports.

    Both at once would not pay where a kWh costs more than a left-over one earns; elsewhere a binary excludes it.
    """
    block, hours, weight = meter.block, meter.operation.hours, meter.operation.block.weight
    imports, exports = meter.imports, meter.exports
    number = list(meter.shares).index(period)
    inside = meter.shares[period] > 0
    count = int(spans.max()) + 1
    steps = {s: np.flatnonzero(inside & (spans == s)).tolist() for s in range(count)}
    members = pyo.Set(block.spans, initialize=steps)
    block.add_component(f"netted_steps_{number}", members)
    before = np.zeros(count)
    before[0] = meter.past.netted.get(period, 0.0)
    so_far = parameter(block, block.spans, f"netted_before_{number}", before)
    most = np.bincount(spans[inside], meter.timeline.weighted_hours[inside], count) * meter.highest + np.abs(before)
    net = pyo.Var(block.spans, bounds=(0.0, None))
    surplus = pyo.Var(block.spans, bounds=(0.0, None))
    block.add_component(f"net_{number}", net)
    block.add_component(f"surplus_{number}", surplus)

    def exports_taken_off_imports(_b: Any, s: Any) -> Any:
        flowed = sum(weight[t] * hours[t] * (imports[t] - exports[t]) for t in members[s])
        return net[s] - surplus[s] == so_far[s] + flowed

    block.add_component(
        f"exports_taken_off_imports_{number}", pyo.Constraint(block.spans, rule=exports_taken_off_imports)
    )
    arrays = {name: meter.tariff.energy_price(name, meter.timeline, meter.shares) for name in names}
    prices = {name: np.array([_first(values, steps[s]) for s in range(count)]) for name, values in arrays.items()}
    total = sum(prices.values(), np.zeros(count))
    if (total <= netting.surplus_price).any() or not meter.operation.money_counts:
        _one_is_left(block, number, net, surplus, parameter(block, block.spans, f"most_netted_{number}", most))
    return Pool(net, surplus, prices, before)


def _first(values: Array, steps: list[int]) -> float:
    return float(values[steps[0]]) if steps else 0.0


def _one_is_left(block: Any, number: int, net: Any, surplus: Any, most: Any) -> None:
    left = pyo.Var(block.spans, within=pyo.Binary)
    block.add_component(f"imports_left_{number}", left)

    def imports_are_left(_b: Any, s: Any) -> Any:
        return net[s] <= most[s] * left[s]

    def exports_are_left(_b: Any, s: Any) -> Any:
        return surplus[s] <= most[s] * (1 - left[s])

    block.add_component(f"imports_are_left_{number}", pyo.Constraint(block.spans, rule=imports_are_left))
    block.add_component(f"exports_are_left_{number}", pyo.Constraint(block.spans, rule=exports_are_left))
