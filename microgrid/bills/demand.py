"""Billed demand: what each month's demand is, and what it costs before any rebate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.bills.readings import Array, Facts, Readings
from microgrid.tariffs.components import CoincidentCharge, DemandCharge, Event
from microgrid.tariffs.past import OpenWindow, Past


def billed_demand(
    name: str, component: DemandCharge, readings: Readings, facts: Facts, parts: Mapping[str, Array]
) -> dict[str, tuple[float, float]]:
    """Return for each month the demand that is billed, and what it costs before any rebate."""
    if component.basis in ("transformer", "connection"):
        size = (facts.transformer if component.basis == "transformer" else facts.capacity) or 0.0
        share = readings.covered if component.prorated else dict.fromkeys(readings.months, 1.0)
        return {month: (size, _price(component, month) * size * share[month]) for month in readings.months}
    if component.basis == "contract":
        return _contracted(name, component, readings, facts)
    if component.price is not None and component.price.form == "periods":
        return _by_period(name, component, readings, facts.past, parts)
    return _measured(name, component, readings, facts.past)


def _price(component: DemandCharge, month: str) -> float:
    """Return the price of a month."""
    price = component.price
    assert price is not None
    values = price.numbers
    return values[""] if price.form == "flat" else values[month if price.form == "dated" else str(int(month[-2:]))]


def month_peaks(name: str, component: DemandCharge, readings: Readings, past: Past) -> dict[str, float]:
    """Return each month's highest mean import over the metering window, with what was measured before."""
    complete = component.incomplete_windows == "ignore"
    found = readings.peaks(component.window, complete=complete, begun=past.open_windows.get(name))
    peaks = {month: max(found.get(month, 0.0), 0.0) for month in readings.months}
    first = readings.months[0]
    peaks[first] = max(peaks[first], past.peaks.get(name, 0.0))
    return peaks


def _measured(name: str, component: DemandCharge, readings: Readings, past: Past) -> dict[str, tuple[float, float]]:
    peaks, ratchet, found = month_peaks(name, component, readings, past), component.ratchet, {}
    known_before = past.earlier(name)
    for month, peak in peaks.items():
        billed = peak
        for earlier in ratchet.looks_at(month) if ratchet is not None else ():
            if earlier < readings.months[0]:
                known = known_before.get(earlier, 0.0)
                if ratchet is not None and ratchet.cyclic:
                    twins = [own for own in readings.months if own[5:] == earlier[5:] and own >= month]
                    known = peaks[twins[0]] if twins else known
            else:
                known = peaks.get(earlier, 0.0)
            billed = max(billed, ratchet.share * known if ratchet is not None else 0.0)
        if component.tiers:
            due, start = 0.0, 0.0
            for tier in component.tiers:
                end = billed if tier.up_to is None else min(billed, tier.up_to)
                due += tier.price * max(0.0, end - start)
                start = max(start, end)
        else:
            due = _price(component, month) * billed
        found[month] = (billed, due)
    return found


def _by_period(
    name: str, component: DemandCharge, readings: Readings, past: Past, parts: Mapping[str, Array]
) -> dict[str, tuple[float, float]]:
    assert component.price is not None
    due, highest = dict.fromkeys(readings.months, 0.0), dict.fromkeys(readings.months, 0.0)
    complete = component.incomplete_windows == "ignore"
    for period, price in component.price.numbers.items():
        found = readings.peaks(component.window, parts[period] > 0.5, complete, past.open_windows.get(name))
        for month in readings.months:
            before = past.peaks.get(f"{name} {period}", 0.0) if month == readings.months[0] else 0.0
            peak = max(found.get(month, 0.0), before)
            due[month] += price * peak
            highest[month] = max(highest[month], peak)
    return {month: (highest[month], due[month]) for month in readings.months}


def _contracted(name: str, component: DemandCharge, readings: Readings, facts: Facts) -> dict[str, tuple[float, float]]:
    contract, overrun = facts.contract or 0.0, component.overrun
    peaks = month_peaks(name, component, readings, facts.past)
    found = {}
    for month in readings.months:
        billed = contract
        if overrun is not None and peaks[month] > overrun.allowed * contract:
            billed = contract + overrun.factor * (peaks[month] - overrun.allowed * contract)
        found[month] = (billed, _price(component, month) * billed)
    return found


class EventPeak(NamedTuple):
    """An event of a bill: the month that it is billed in, its peak, and what earlier bills have charged of it, kW."""

    event: Event
    month: str
    peak: float
    charged: float

    @property
    def due(self) -> float:
        """The demand that is charged, kW."""
        return max(self.peak - self.charged, 0.0)


def event_peaks(
    name: str, component: CoincidentCharge, readings: Readings, past: Past, counted: NDArray[np.bool_] | None = None
) -> Iterator[EventPeak]:
    """Give each event of which there are readings, or which the first month has seen before them.

    `counted` says which intervals count for peaks; all by default.
    """
    begun = past.open_windows.get(name)
    for event, inside in events_inside(component, readings, begun):
        before = past.peaks.get(f"{name} {event.name}")
        if inside.any() or before is not None:
            counts = inside if counted is None else inside & counted
            peaks = readings.peaks(component.window, counts, begun=begun).values()
            month = readings.months[0] if before is not None else str(readings.month[int(np.argmax(inside))])
            charged = past.charged.get(f"{name} {event.name}", 0.0)
            yield EventPeak(event, month, max([*peaks, before or 0.0]), charged)


def events_inside(
    component: CoincidentCharge, readings: Readings, begun: OpenWindow | None
) -> Iterator[tuple[Event, NDArray[np.bool_]]]:
    """Give each event with the intervals whose metering windows begin within its hours."""
    slot = readings.slots(component.window)
    # A window begins with the first reading in it.
    begins = pd.Series(readings.times).groupby(slot).transform("min")
    if begun is not None:
        begins[slot == slot[0]] = readings.times[0] - pd.Timedelta(hours=begun.hours)
    for event in component.events:
        inside = np.zeros(len(begins), dtype=bool)
        for start, end in event.stretches(readings.times.tz):
            inside |= ((begins >= start) & (begins < end)).to_numpy()
        yield event, inside
