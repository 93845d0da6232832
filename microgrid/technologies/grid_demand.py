"""Demand lines of a bill: measured peaks, ratchets, contract demand, transformer and connection, rebates, events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.core as pyo

from microgrid.capacity import Size
from microgrid.tariffs.components import CapacityFee, DemandCharge, Ratchet
from microgrid.technologies.base import State, parameter
from microgrid.technologies.grid_meter import Array, Line, Meter, tiered, tiers_of
from microgrid.technologies.grid_peaks import before, measured

States = dict[str, State]


def demand_line(block: Any, meter: Meter, name: str, component: DemandCharge, states: States) -> Line:
    """Return the line of a demand component, by month; the peaks that it measures join `states`."""
    if component.basis in ("transformer", "connection"):
        size = meter.sizes["transformer" if component.basis == "transformer" else "capacity"]
        return _sized_line(block, meter, name, _monthly(meter, component), size)
    if component.basis == "contract":
        line = _contract_line(block, meter, name, component, states)
    elif component.price is not None and component.price.form == "periods":
        line = _period_line(block, meter, name, component, states)
    else:
        line = _measured_line(block, meter, name, component, states)
    return _rebated(block, meter, component, line) if component.lets_off else line


def fee_line(block: Any, meter: Meter, name: str, fee: CapacityFee) -> Line:
    """Return the capacity fee of nearby consumption: an energy price on the connection's capacity."""
    count = meter.covered if fee.prorated else np.ones(len(meter.names))
    return _sized_line(block, meter, name, fee.rate * count, meter.sizes["capacity"])


def fixed_line(block: Any, meter: Meter, name: str, amount: float) -> Line:
    """Return an amount each month, by the part of it that the horizon covers."""
    due = amount * meter.covered
    paid = meter.in_months(due, "fee", block)
    return Line(name, "fixed", lambda m: paid[m], meter.months, due, due, is_constant=True)


def _monthly(meter: Meter, component: DemandCharge) -> Array:
    """Return what a unit of demand costs in each month, in part where it is prorated, shape (months,)."""
    assert component.price is not None
    prices = np.array([component.price.in_month(name) for name in meter.names])
    return prices * meter.covered if component.prorated else prices


def _sized_line(block: Any, meter: Meter, name: str, rates: Array, size: Size) -> Line:
    rate = meter.in_months(rates, "rate", block)
    low, high = (0.0, rates * size.high) if not size.is_fixed else (rates * size.high, rates * size.high)
    return Line(
        name,
        "demand",
        lambda m: rate[m] * size.amount,
        meter.months,
        low + np.zeros_like(rates),
        high,
        is_constant=size.is_fixed,
    )


def _measured_line(block: Any, meter: Meter, name: str, component: DemandCharge, states: States) -> Line:
    peak = measured(block, meter, component, "peak", before(meter, name))
    states[f"{name} peak"] = State(peak, "months", f"past.peaks.{name}")
    most = _most(meter, name, component)
    billed = peak
    if component.ratchet is not None:
        billed, most = _ratchet(block, meter, (name, component.ratchet), peak, most)
    if component.tiers:
        ends, prices = [tier.up_to for tier in component.tiers], [tier.price for tier in component.tiers]
        cost = tiered(block, meter, lambda m: billed[m], tiers_of(ends, prices, most))
        return Line(name, "demand", cost, meter.months, np.zeros_like(most), max(prices) * most)
    rates = _monthly(meter, component)
    rate = meter.in_months(rates, "rate", block)
    return Line(name, "demand", lambda m: rate[m] * billed[m], meter.months, np.zeros_like(most), rates * most)


def _most(meter: Meter, name: str, component: DemandCharge) -> Array:
    """Return the highest peak that there can be in each month, or was before the horizon in the first."""
    most = np.full(len(meter.names), meter.highest)
    seen = [peak for key, peak in meter.past.peaks.items() if key.startswith(name)]
    most[0] = max(meter.highest_mean(component.window, meter.past.open_windows.get(name)), *seen, 0.0)
    return most


def _period_line(block: Any, meter: Meter, name: str, component: DemandCharge, states: States) -> Line:
    """Charge each period's own peak."""
    assert component.price is not None
    prices = component.price.numbers
    peaks = []
    for period, price in prices.items():
        key = f"{name} {period}"
        inside = meter.shares[period] > 0
        peak = measured(block, meter, component, f"{period} peak", before(meter, name, key), inside)
        states[f"{key} peak"] = State(peak, "months", f"past.peaks.{key}")
        peaks.append((price, peak))
    most = _most(meter, name, component) * sum(prices.values())
    return Line(
        name,
        "demand",
        lambda m: sum([price * peak[m] for price, peak in peaks]),
        meter.months,
        np.zeros_like(most),
        most,
    )


def _ratchet(block: Any, meter: Meter, named: tuple[str, Ratchet], peak: Any, most: Array) -> tuple[Any, Array]:
    """Return the billed demand: no less than the month's peak, and than a share of the peaks looked back at."""
    name, ratchet = named
    known_before = meter.past.earlier(name)
    floors, pairs = np.zeros(len(meter.names)), []
    for at, month in enumerate(meter.names):
        for earlier in ratchet.looks_at(month):
            inside = _position(meter, earlier, ratchet.cyclic, at)
            if inside is None:
                floors[at] = max(floors[at], ratchet.share * known_before.get(earlier, 0.0))
            elif inside != at:
                pairs.append((at, inside))
    least = meter.in_months(floors, "ratchet_so_far", block)
    block.billed = pyo.Var(meter.months, dense=False, bounds=lambda _b, m: (least[m], None))

    def billed_above_peak(b: Any, m: Any) -> Any:
        return b.billed[m] >= peak[m]

    block.billed_above_peak = pyo.Constraint(meter.months, rule=billed_above_peak)
    if pairs:
        block.looks = pyo.RangeSet(0, len(pairs) - 1)
        later = parameter(block, block.looks, "looks_from", np.array([pair[0] for pair in pairs]))
        before = parameter(block, block.looks, "looks_at", np.array([pair[1] for pair in pairs]))

        def billed_above_earlier_peak(b: Any, i: Any) -> Any:
            return b.billed[later[i]] >= ratchet.share * peak[before[i]]

        block.billed_above_earlier_peak = pyo.Constraint(block.looks, rule=billed_above_earlier_peak)
    return block.billed, np.full(len(most), max(most.max(), floors.max()))


def _position(meter: Meter, month: str, cyclic: bool, at: int) -> int | None:
    """Return where a month stands in the horizon; a cyclic year's months stand for those before it."""
    if month in meter.names[:at]:
        return meter.names.index(month)
    named = [name for name in meter.names[at:] if name[5:] == month[5:]]
    return meter.names.index(named[0]) if cyclic and named else None


def _contract_line(block: Any, meter: Meter, name: str, component: DemandCharge, states: States) -> Line:
    """Charge the contract demand, and the part of the peak beyond it by its factor."""
    contract, rates = meter.sizes["contract_demand"], _monthly(meter, component)
    rate = meter.in_months(rates, "rate", block)
    if component.least_contract and not (contract.is_fixed and meter.sizes["transformer"].is_fixed):
        transformer = meter.sizes["transformer"]

        def contract_above_least(_b: Any) -> Any:
            return contract.amount >= component.least_contract * transformer.amount

        block.contract_above_least = pyo.Constraint(rule=contract_above_least)
    high = contract.high + np.zeros_like(rates)
    if component.overrun is None:
        return Line(name, "demand", lambda m: rate[m] * contract.amount, meter.months, 0 * rates, rates * high,
                    is_constant=contract.is_fixed)  # fmt: skip
    allowed, factor = component.overrun.allowed, component.overrun.factor
    peak = measured(block, meter, component, "peak", before(meter, name))
    states[f"{name} peak"] = State(peak, "months", f"past.peaks.{name}")
    block.beyond = pyo.Var(meter.months, dense=False, bounds=(0.0, None))

    def beyond_contract(b: Any, m: Any) -> Any:
        return b.beyond[m] >= peak[m] - allowed * contract.amount

    block.beyond_contract = pyo.Constraint(meter.months, rule=beyond_contract)
    high = high + factor * _most(meter, name, component)
    amount = lambda m: rate[m] * (contract.amount + factor * block.beyond[m])  # noqa: E731
    return Line(name, "demand", amount, meter.months, 0 * rates, rates * high)


def _rebated(block: Any, meter: Meter, component: DemandCharge, line: Line) -> Line:
    """Let a share of the line off in months whose energy reaches the threshold per kVA of transformer.

    `busy` is 1 in such months, and 0 in the others: the product with the line's amount is exact.
    """
    assert component.rebate is not None
    transformer, energy, months = meter.sizes["transformer"], meter.energy, meter.months
    per_size = component.rebate.energy * covered_so_far(meter)
    wanted = meter.in_months(per_size, "energy_wanted", block)
    most = meter.in_months(meter.most_energy, "most_energy", block)
    largest = meter.in_months(per_size * transformer.high, "most_wanted", block)
    block.busy = pyo.Var(months, dense=False, within=pyo.Binary)

    def busy_with_enough_energy(b: Any, m: Any) -> Any:
        return energy[m] >= wanted[m] * transformer.amount - largest[m] * (1 - b.busy[m])

    def busy_if_enough_energy(b: Any, m: Any) -> Any:
        return energy[m] <= wanted[m] * transformer.amount + most[m] * b.busy[m]

    block.busy_with_enough_energy = pyo.Constraint(months, rule=busy_with_enough_energy)
    block.busy_if_enough_energy = pyo.Constraint(months, rule=busy_if_enough_energy)
    high = meter.in_months(line.high, "most_charged", block)
    block.spared = pyo.Var(months, dense=False, bounds=(0.0, None))

    def spared_only_if_busy(b: Any, m: Any) -> Any:
        return b.spared[m] <= high[m] * b.busy[m]

    def spared_at_most_all(b: Any, m: Any) -> Any:
        return b.spared[m] <= line.amount(m)

    def spared_at_least_all(b: Any, m: Any) -> Any:
        return b.spared[m] >= line.amount(m) - high[m] * (1 - b.busy[m])

    block.spared_only_if_busy = pyo.Constraint(months, rule=spared_only_if_busy)
    block.spared_at_most_all = pyo.Constraint(months, rule=spared_at_most_all)
    block.spared_at_least_all = pyo.Constraint(months, rule=spared_at_least_all)
    share = component.rebate.share
    return line._replace(amount=lambda m: line.amount(m) - share * block.spared[m], is_constant=False)


def covered_so_far(meter: Meter) -> Array:
    """Return the part of each month whose energy is known, shape (months,).

    A month that the horizon ends in, or begins in with no energy told before it, is judged by the part that is there.
    """
    covered = meter.covered.copy()
    if meter.past.energy is not None:
        opens = pd.Timestamp(f"{meter.names[0]}-01", tz=meter.timeline.index.tz)
        length = (opens + pd.DateOffset(months=1) - opens) / pd.Timedelta(hours=1)
        since = opens if meter.past.energy_since is None else pd.Timestamp(meter.past.energy_since)
        covered[0] += (meter.timeline.index[0] - since) / pd.Timedelta(hours=1) / length
    return covered
