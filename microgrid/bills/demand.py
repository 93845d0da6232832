"""Billed demand: what each month's demand is, and what it costs before any rebate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from microgrid.bills.readings import Array, Facts, Readings
from microgrid.tariffs.components import CoincidentCharge, DemandCharge
from microgrid.tariffs.past import Past


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


def month_peaks(
    name: str, component: DemandCharge | CoincidentCharge, readings: Readings, past: Past
) -> dict[str, float]:
    """Return each month's highest mean import over the metering window, with what was measured before."""
    complete = isinstance(component, DemandCharge) and component.incomplete_windows == "ignore"
    found = readings.peaks(component.window, complete=complete)
    peaks = {month: max(found.get(month, 0.0), 0.0) for month in readings.months}
    first = readings.months[0]
    peaks[first] = max(peaks[first], past.peaks.get(name, 0.0))
    return peaks


def _measured(name: str, component: DemandCharge, readings: Readings, past: Past) -> dict[str, tuple[float, float]]:
    peaks, ratchet, found = month_peaks(name, component, readings, past), component.ratchet, {}
    for month, peak in peaks.items():
        billed = peak
        for earlier in ratchet.looks_at(month) if ratchet is not None else ():
            if earlier < readings.months[0]:
                known = past.months.get(earlier, 0.0)
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
        found = readings.peaks(component.window, parts[period] > 0.5, complete)
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


def event_peaks(
    name: str, component: CoincidentCharge, readings: Readings, past: Past
) -> Iterator[tuple[str, float, float]]:
    """Give for each event that there are readings of: the month it begins in, its peak and its price."""
    zone, wall = readings.times.tz, readings.times.tz_localize(None)
    ahead = wall - readings.times.tz_convert("UTC").tz_localize(None)
    slot = wall.floor(pd.Timedelta(hours=component.window)) - ahead
    # A window begins with the first reading in it.
    begins = pd.DatetimeIndex(pd.Series(readings.times).groupby(slot).transform("min"))
    for event in component.events:
        inside = np.zeros(len(begins), dtype=bool)
        for start, end in event.stretches(zone):
            inside |= np.asarray((begins >= start) & (begins < end))
        if inside.any():
            peak = max(readings.peaks(component.window, inside).values())
            first = str(readings.month[int(np.argmax(inside))])
            yield first, max(peak, past.peaks.get(f"{name} {event.name}", 0.0)), event.price
