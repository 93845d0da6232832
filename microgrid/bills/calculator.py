"""The calculator: what a meter's readings cost under a tariff, by month and component.

It knows tariffs and readings, and nothing of the optimiser: an engine's ledger can be held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from microgrid.bills.clock import parts_of_periods
from microgrid.bills.demand import billed_demand, event_peaks
from microgrid.bills.doubts import doubts
from microgrid.bills.netting import netted_lines
from microgrid.bills.readings import Array, Facts, Readings
from microgrid.errors import InputError, Problem
from microgrid.tariffs.components import CapacityFee, CoincidentCharge, DemandCharge, EnergyCharge, FixedFee
from microgrid.tariffs.lines import ADJUSTMENT, EXPORT
from microgrid.tariffs.prices import Price
from microgrid.tariffs.tariff import Tariff

# Meters count in steps; a threshold is reached where no meter could tell that it was missed.
_RESOLUTION = 1e-6


class Item(NamedTuple):
    """A line of a month's bill: what was counted, in which unit, and what it costs."""

    month: str
    line: str
    category: str
    quantity: float
    unit: str
    amount: float


@dataclass(frozen=True)
class Bill:
    """A bill: its items, and what one should know of it."""

    items: tuple[Item, ...]
    warnings: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """What is to be paid."""
        return float(sum(item.amount for item in self.items))

    def lines(self) -> dict[str, float]:
        """Return the amount of each line over all months."""
        sums: dict[str, float] = {}
        for item in self.items:
            sums[item.line] = sums.get(item.line, 0.0) + item.amount
        return sums

    def by_month(self, line: str) -> dict[str, float]:
        """Return the amount of a line in each month."""
        sums: dict[str, float] = {}
        for item in self.items:
            if item.line == line:
                sums[item.month] = sums.get(item.month, 0.0) + item.amount
        return sums


def bill(tariff: Tariff, readings: Readings, facts: Facts, adjusts: bool = True) -> Bill:
    """Return the bill of a meter's readings.

    Parameters
    ----------
    tariff
        The tariff; series in it along the readings' intervals.
    readings
        The readings.
    facts
        Billing option, capacities, and what was measured before.
    adjusts
        Whether the power factor's adjustment is a line of it.

    Raises
    ------
    InputError
        If a fact is lacking that the tariff needs.
    """
    _refuse_lacking(tariff, facts)
    parts = parts_of_periods(tariff, readings)
    netting = tariff.export.net_metering if tariff.export is not None else None
    items: list[Item] = []
    for name, component in tariff.components.items():
        if component.options and facts.option not in component.options:
            continue
        if netting is not None and isinstance(component, EnergyCharge) and component.netted:
            continue
        items += _component(tariff, name, readings, facts, parts)
    if netting is not None:
        items += [Item(*row) for row in netted_lines(tariff, readings, facts, parts, netting, prices_of)]
    elif tariff.export is not None and tariff.export.price is not None:
        earned = -_price(tariff.export.price, readings, parts) * readings.sold
        sold = readings.by_month(readings.sold)
        items += [Item(m, EXPORT, "revenue", sold[m], "kWh", due) for m, due in readings.by_month(earned).items()]
    warnings = list(doubts(tariff, readings, facts))
    if adjusts and tariff.power_factor is not None:
        items += _adjusted(tariff, readings, items, warnings)
    return Bill(tuple(items), tuple(warnings))


def _refuse_lacking(tariff: Tariff, facts: Facts) -> None:
    problems = []
    if tariff.options and facts.option not in tariff.options:
        wanted = f"one of the tariff's options: {', '.join(tariff.options)}"
        problems.append(Problem("option", facts.option or "missing", wanted, "name one with --option"))
    for name, component in tariff.components.items():
        if component.options and facts.option not in component.options:
            continue
        wants = []
        if isinstance(component, DemandCharge):
            wants = {"transformer": ["transformer"], "connection": ["capacity"], "contract": ["contract"]}.get(
                component.basis, []
            )
            by_size = component.rebate is not None or component.least_contract
            wants = [*wants, *(["transformer"] if by_size else [])]
        elif isinstance(component, CapacityFee):
            wants = ["capacity"]
        for want in wants:
            if getattr(facts, want) is None:
                unit = "kVA" if want == "transformer" else "kW"
                wanted = f"a {want} in {unit}, which the component {name} is billed by"
                problems.append(Problem(want, "missing", wanted, f'give it with --given {want}="1000 {unit}"'))
        if isinstance(component, DemandCharge) and component.least_contract:
            problems += list(_below_least(name, component, facts))
    if problems:
        raise InputError(list(dict.fromkeys(problems)))


def _below_least(name: str, component: DemandCharge, facts: Facts) -> Iterator[Problem]:
    """Give a contract demand below the least that the tariff allows: nobody could have such a contract."""
    least = component.least_contract * (facts.transformer or 0.0)
    if facts.contract is not None and facts.contract < least * (1 - _RESOLUTION):
        wanted = (
            f"{least:g} kW or more, {component.least_contract:.0%} of the transformer's capacity (component {name})"
        )
        yield Problem("contract", f"{facts.contract:g} kW", wanted, f'give it with --given contract="{least:g} kW"')


def _component(
    tariff: Tariff, name: str, readings: Readings, facts: Facts, parts: Mapping[str, Array]
) -> Iterator[Item]:
    component = tariff.components[name]
    months = readings.months
    if isinstance(component, EnergyCharge):
        yield from _energy(tariff, name, readings, facts, parts)
    elif isinstance(component, DemandCharge):
        yield from _demand(name, component, readings, facts, parts)
    elif isinstance(component, CoincidentCharge):
        for found in event_peaks(name, component, readings, facts.past):
            yield Item(found.month, name, "demand", found.due, "kW", found.event.price * found.due)
    elif isinstance(component, CapacityFee):
        capacity = facts.capacity or 0.0
        for month in months:
            count = readings.covered[month] if component.prorated else 1.0
            due = component.energy_price * component.load_factor * component.hours * capacity * count
            yield Item(month, name, "demand", capacity, "kW", due)
    elif isinstance(component, FixedFee):
        for month in months:
            yield Item(
                month, name, "fixed", readings.covered[month], "month", component.amount * readings.covered[month]
            )


def prices_of(tariff: Tariff, name: str, readings: Readings, parts: Mapping[str, Array]) -> Array:
    """Return the price of an energy component in each interval, floated by the clock's multipliers if it floats."""
    component = tariff.components[name]
    assert isinstance(component, EnergyCharge)
    assert component.price is not None
    price = _price(component.price, readings, parts)
    if component.floats and tariff.time_of_use is not None:
        factor = np.zeros(len(price))
        for period, part in parts.items():
            factor = factor + tariff.time_of_use.multipliers[period] * part
        return price * factor
    return price


def _price(price: Price, readings: Readings, parts: Mapping[str, Array]) -> Array:
    """Return a price in each interval."""
    form, values = price.form, price.numbers
    if price.series is not None:
        numbers = price.series.values
        if len(numbers) != len(readings.hours):
            found = f"{len(numbers)} values"
            raise InputError([Problem("price", found, f"one for each of the {len(readings.hours)} intervals")])
        return numbers
    if form == "periods":
        total = np.zeros(len(readings.hours))
        for period, value in values.items():
            total = total + value * parts[period]
        return total
    by_month = {}
    for month in readings.months:
        by_month[month] = values[{"flat": "", "months": month[5:].lstrip("0"), "dated": month}[form]]
    return np.array([by_month[month] for month in readings.month], dtype=float)


def _energy(tariff: Tariff, name: str, readings: Readings, facts: Facts, parts: Mapping[str, Array]) -> Iterator[Item]:
    component = tariff.components[name]
    assert isinstance(component, EnergyCharge)
    used = readings.by_month(readings.energy)
    if component.tiers:
        for at, month in enumerate(readings.months):
            before = (facts.past.energy or 0.0) if at == 0 else 0.0
            tiers = [(tier.up_to, tier.price) for tier in component.tiers]
            due = in_tiers(tiers, before + used[month]) - in_tiers(tiers, before)
            yield Item(month, name, "energy", used[month], "kWh", due)
        return
    costs = readings.by_month(prices_of(tariff, name, readings, parts) * readings.energy)
    for month, due in costs.items():
        yield Item(month, name, "energy", used[month], "kWh", due)


def in_tiers(tiers: list[tuple[float | None, float]], amount: float) -> float:
    """Return what an amount costs, tier after tier."""
    due, start = 0.0, 0.0
    for end, price in tiers:
        if amount <= start:
            break
        due += price * ((amount if end is None else min(amount, end)) - start)
        start = amount if end is None else end
    return due


def _demand(
    name: str, component: DemandCharge, readings: Readings, facts: Facts, parts: Mapping[str, Array]
) -> Iterator[Item]:
    charges = billed_demand(name, component, readings, facts, parts)
    used, past = readings.by_month(readings.energy), facts.past.energy
    for at, (month, (billed, due)) in enumerate(charges.items()):
        amount = due
        if component.rebate is not None:
            covered, energy = readings.covered[month], used[month]
            if at == 0 and past is not None:
                covered += readings.share_before(facts.past.energy_since)
                energy += past
            wanted = component.rebate.energy * (facts.transformer or 0.0) * covered
            if energy >= wanted * (1 - _RESOLUTION):
                amount = due * (1 - component.rebate.share)
        yield Item(month, name, "demand", billed, "kVA" if component.basis == "transformer" else "kW", amount)


def _adjusted(tariff: Tariff, readings: Readings, items: list[Item], warnings: list[str]) -> list[Item]:
    """Return what the power factor of each month adds to the lines that it adjusts."""
    rule = tariff.power_factor
    assert rule is not None
    if readings.reactive is None and rule.assumed is None:
        warnings.append("no reactive energy and no assumed power factor: its adjustment is not in the bill")
        return []
    found = []
    active = readings.by_month(readings.energy)
    # Reactive energy counts in absolute value, whichever way it flows.
    reactive = None if readings.reactive is None else readings.by_month(np.abs(readings.reactive) * readings.hours)
    for month in readings.months:
        factor = rule.assumed or 1.0
        if reactive is not None:
            apparent = float(np.hypot(active[month], reactive[month]))
            factor = active[month] / apparent if apparent > 0 else 1.0
        base = sum(item.amount for item in items if item.month == month and item.line in rule.components)
        found.append(Item(month, ADJUSTMENT, "fixed", factor, "power factor", rule.adjustment(factor) * base))
    return found
