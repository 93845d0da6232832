"""What a bill rests on that is not sure, as sentences: what there are no readings of, and what nobody has told."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from microgrid.bills.clock import parts_of_periods
from microgrid.bills.readings import Facts, Readings, slots_of
from microgrid.tariffs.components import CoincidentCharge, DemandCharge
from microgrid.tariffs.tariff import Tariff

_WHOLE = 1 - 1e-9
_LISTED = 5


def doubts(tariff: Tariff, readings: Readings, facts: Facts) -> Iterator[str]:
    """Tell what could not be judged from the readings, and what is taken to be nothing as it is not known."""
    yield from _incomplete_months(readings)
    yield from _unknown_peaks(tariff, readings, facts)
    if tariff.export is None and readings.exported.any():
        yield "energy was exported, and the tariff pays nothing for it"
    yield from _special_days(tariff, readings)
    yield from _past_of_a_new_month(readings, facts)
    if tariff.power_factor is not None and facts.past.energy:
        yield "the power factor is that of these readings alone: a past tells of no reactive energy"
    if readings.is_plain:
        yield from _events_elsewhere(tariff, readings, facts)
        yield from _windows_in_part(tariff, readings, facts)
        yield from _periods_without_readings(tariff, readings, facts)
        yield from _coarse(tariff, readings, facts.option)


def _incomplete_months(readings: Readings) -> Iterator[str]:
    if readings.is_plain:
        for month, share in readings.covered.items():
            if share < _WHOLE:
                yield f"{month} is incomplete: readings cover {share:.1%} of it"


def _unknown_peaks(tariff: Tariff, readings: Readings, facts: Facts) -> Iterator[str]:
    for name, component in tariff.of_kind(DemandCharge).items():
        ratchet = component.ratchet
        if ratchet is None or ratchet.cyclic or not tariff.applies(name, facts.option):
            continue
        known = {*readings.months, *facts.past.earlier(name)}
        lacking = [month for month in ratchet.looks_at(readings.months[0]) if month not in known]
        if lacking:
            yield f"{name}: no peak is known of {', '.join(sorted(lacking))}; they count as zero"


def _special_days(tariff: Tariff, readings: Readings) -> Iterator[str]:
    clock = tariff.time_of_use
    if clock is None:
        return
    if clock.tells_of("hot_days"):
        hot = clock.hot_days
        if hot.temperature is None and not hot.dates:
            yield "no hot days are told (time_of_use.hot_days): every day is billed as one that is not hot"
        elif hot.temperature is not None:
            cut = [f"{day}" for day in _days_in_part(readings)]
            if cut:
                yield f"hot days: {' and '.join(cut)} judged by the temperatures within the readings alone"
    told = clock.holidays
    if clock.tells_of("holidays") and not (told.country or told.dates or told.add):
        yield "no holidays are told (time_of_use.holidays): every day is billed as one that is none"


def _days_in_part(readings: Readings) -> Iterator[object]:
    """Give the first and the last day, where readings begin after it has begun or end before it ends."""
    first, last = readings.times[0], readings.end
    days = [first.date()] if first != first.normalize() else []
    days += [last.date()] if last != last.normalize() else []
    yield from dict.fromkeys(days)


def _past_of_a_new_month(readings: Readings, facts: Facts) -> Iterator[str]:
    """Tell of a past without a stamp that cannot be of the month in which the readings begin."""
    first, past = readings.times[0], facts.past
    begins_month = first == first.normalize() and first.day == 1
    if past.until is None and begins_month and (past.energy or any(past.peaks.values())):
        yield (
            f"past tells of energy or peaks before the first reading, with which {readings.months[0]} begins: they are "
            "taken to be of that month; peaks of the month before stand under past.months"
        )


def _events_elsewhere(tariff: Tariff, readings: Readings, facts: Facts) -> Iterator[str]:
    """Tell of hours of events that there are no readings of."""
    first, last = readings.times[0], readings.end
    nothing = pd.Timedelta(0)
    for name, component in tariff.of_kind(CoincidentCharge).items():
        if not tariff.applies(name, facts.option):
            continue
        outside, in_part = [], []
        for event in component.events:
            spans = event.stretches(readings.times.tz)
            length = sum((end - start for start, end in spans), nothing)
            within = sum((max(min(end, last) - max(start, first), nothing) for start, end in spans), nothing)
            before = sum((max(min(end, first) - start, nothing) for start, end in spans), nothing)
            key = f"{name} {event.name}"
            is_told = facts.past.until is not None or key in facts.past.peaks or key in facts.past.charged
            lacking = length - within - (before if is_told else nothing)
            if lacking > nothing and not within and key not in facts.past.peaks:
                outside.append(event.name)
            elif lacking > nothing:
                hours = pd.Timedelta(hours=1)
                in_part.append(f"{lacking / hours:g} of the {length / hours:g} h of {event.name}")
        if outside:
            more = f" and {len(outside) - _LISTED} more" if len(outside) > _LISTED else ""
            names = f"{', '.join(outside[:_LISTED])}{more}"
            yield f"{name}: no readings in the hours of {names}: not judged, and not in the bill"
        for told in in_part:
            yield f"{name}: no readings in {told}: its peak may be higher"


def _windows_in_part(tariff: Tariff, readings: Readings, facts: Facts) -> Iterator[str]:
    """Tell of metering windows that begin before the readings, or go on after them."""
    for name, component in tariff.of_kind(DemandCharge).items():
        if component.basis not in ("measured", "contract") or not tariff.applies(name, facts.option):
            continue
        slots = readings.slots(component.window)
        cut = []
        opens = slots[0].tz_localize("UTC")
        if opens != readings.times[0] and name not in facts.past.open_windows:
            cut.append(opens)
        if slots_of(pd.DatetimeIndex([readings.end]), component.window)[0] == slots[-1]:
            cut.append(slots[-1].tz_localize("UTC"))
        if cut:
            times = [moment.tz_convert(readings.times.tz).isoformat(timespec="minutes") for moment in cut]
            ignored = component.incomplete_windows == "ignore"
            how = "left out" if ignored else "judged by the part that there are readings of"
            yield f"{name}: metering window of {60 * component.window:g} min at {' and '.join(times)}: {how}"


def _periods_without_readings(tariff: Tariff, readings: Readings, facts: Facts) -> Iterator[str]:
    """Tell of periods with a demand price of their own that an incomplete month has no readings in."""
    cut = [month for month, share in readings.covered.items() if share < _WHOLE]
    for name, component in tariff.of_kind(DemandCharge).items() if cut else ():
        if component.price is None or component.price.form != "periods" or not tariff.applies(name, facts.option):
            continue
        parts = parts_of_periods(tariff, readings)
        for month in cut:
            empty = [
                period
                for period, price in component.price.numbers.items()
                if price
                and not (parts[period][readings.month == month] > 0).any()
                and not facts.past.peaks.get(f"{name} {period}")
            ]
            if empty:
                yield f"{name}: no readings within {', '.join(empty)} in {month}: that demand is not judged"


def _coarse(tariff: Tariff, readings: Readings, option: str) -> Iterator[str]:
    """Tell of windows that are shorter than the readings."""
    longest = float(readings.hours.max())
    for name, component in tariff.of_kind(DemandCharge).items():
        is_measured = component.basis in ("measured", "contract") and tariff.applies(name, option)
        if is_measured and component.window < longest * _WHOLE:
            yield (
                f"{name}: readings of {60 * longest:g} min cannot show the peak of a window of "
                f"{60 * component.window:g} min; it may be higher"
            )
