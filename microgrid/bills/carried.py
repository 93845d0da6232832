"""What a bill, or a plan that was carried out, leaves to the next: the month so far, and peaks of months before.

`carried` is exact: what is billed afterwards comes to what one bill of all readings would have come to. Where readings
end with a billing month, the month is closed: its peaks join those of earlier months, and the next begins anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from microgrid.bills.clock import parts_of_periods
from microgrid.bills.demand import event_peaks
from microgrid.bills.readings import Array, Readings, slots_of
from microgrid.tariffs.components import CoincidentCharge, DemandCharge
from microgrid.tariffs.past import OpenWindow, Past
from microgrid.tariffs.tariff import Tariff


class Ledger(NamedTuple):
    """What readings and the past before them say, and when the telling ends.

    Parameters
    ----------
    running
        The billing month in which it ends: a new one, if the readings end with a month.
    """

    readings: Readings
    past: Past
    until: pd.Timestamp

    @property
    def running(self) -> str:
        """The billing month in which what follows begins."""
        return f"{self.until:%Y-%m}"

    def before(self, month: str) -> bool:
        """Tell whether a month is the first, of which the past tells too."""
        return month == self.readings.months[0]


def carried(tariff: Tariff, readings: Readings, before: Past | None = None, until: pd.Timestamp | None = None) -> Past:
    """Return what readings that follow inherit.

    Parameters
    ----------
    tariff
        The tariff; series in it along the readings' intervals.
    readings
        What was measured, each interval counting once.
    before
        What was known before that; nothing by default.
    until
        The closing instant, an edge of the intervals: later ones do not count. By default the end of the readings.

    Raises
    ------
    ValueError
        If `until` is no edge of the intervals.
    """
    past = before if before is not None else Past()
    until = readings.end if until is None else until.tz_convert(readings.times.tz)
    ends = readings.times.append(pd.DatetimeIndex([readings.end]))
    count = int(ends.searchsorted(until))
    if count == len(ends) or ends[count] != until:
        raise ValueError(f"{until.isoformat()} is no edge of readings from {ends[0]} to {ends[-1]}")
    if count == 0:
        return past.model_copy(update={"until": until.to_pydatetime()})
    parts = parts_of_periods(tariff, readings)
    ledger = Ledger(readings.part(slice(0, count)), past, until)
    parts = {period: part[:count] for period, part in parts.items()}
    peaks, months = _demands(tariff, ledger, parts)
    running, charged = _events(tariff, ledger)
    energy, since = _energy(ledger)
    return Past(
        until=until.to_pydatetime(),
        peaks=peaks | running,
        energy=energy,
        energy_since=since,
        months=months,
        netted=_netted(tariff, ledger, parts),
        charged=charged,
        open_windows=_open_windows(tariff, ledger),
    )


def _demands(
    tariff: Tariff, ledger: Ledger, parts: dict[str, Array]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return the running month's peaks by name, and those of the months before by component with a ratchet."""
    readings, past = ledger.readings, ledger.past
    peaks: dict[str, float] = {}
    months: dict[str, dict[str, float]] = {}
    for name, component in tariff.of_kind(DemandCharge).items():
        if component.basis not in ("measured", "contract"):
            continue
        over, begun = ~_still_open(ledger, component.window), past.open_windows.get(name)
        inner = {name: over}
        if component.price is not None and component.price.form == "periods":
            inner = {f"{name} {period}": over & (parts[period] > 0.5) for period in component.price.numbers}
        for key, inside in inner.items():
            measured = readings.peaks(component.window, inside, component.incomplete_windows == "ignore", begun)
            first = readings.months[0]
            measured[first] = max(measured.get(first, 0.0), past.peaks.get(key, 0.0))
            if ledger.running in readings.months:
                peaks[key] = measured.get(ledger.running, 0.0)
            if component.ratchet is not None:
                closed = {month: peak for month, peak in measured.items() if month != ledger.running}
                months[name] = past.earlier(name) | closed
    return peaks, {name: found for name, found in months.items() if found}


def _still_open(ledger: Ledger, window: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell of each interval whether its metering window goes on after the closing instant."""
    slots = ledger.readings.slots(window)
    return np.asarray(slots == slots_of(pd.DatetimeIndex([ledger.until]), window)[0], dtype=bool)


def _open_windows(tariff: Tariff, ledger: Ledger) -> dict[str, OpenWindow]:
    """Return by component what the metering window has seen that is not over."""
    readings, found = ledger.readings, {}
    metered = {n: c for n, c in tariff.of_kind(DemandCharge).items() if c.basis in ("measured", "contract")}
    for name, component in (metered | tariff.of_kind(CoincidentCharge)).items():
        is_open = _still_open(ledger, component.window)
        if is_open.any():
            energy = float((readings.imported * readings.hours)[is_open].sum())
            hours = float(readings.hours[is_open].sum())
            begun = ledger.past.open_windows.get(name)
            if begun is not None and is_open[0]:
                energy, hours = energy + begun.energy, hours + begun.hours
            found[name] = OpenWindow(energy=energy, hours=hours)
    return found


def _events(tariff: Tariff, ledger: Ledger) -> tuple[dict[str, float], dict[str, float]]:
    """Return by event the peak that is billed with the running month, and what earlier months' bills have charged."""
    readings, past = ledger.readings, ledger.past
    running: dict[str, float] = {}
    charged: dict[str, float] = {}
    for name, component in tariff.of_kind(CoincidentCharge).items():
        going_on = {
            event.name for event in component.events
            if any(end > ledger.until for _, end in event.stretches(readings.times.tz))
        }  # fmt: skip
        is_open = _still_open(ledger, component.window)
        closed = {found.event.name: found.peak for found in event_peaks(name, component, readings, past, ~is_open)}
        for found in event_peaks(name, component, readings, past):
            key, peak = f"{name} {found.event.name}", closed.get(found.event.name, 0.0)
            if found.month == ledger.running:
                running[key] = peak
            elif found.event.name in going_on:
                charged[key] = max(peak, found.charged)
        for event in component.events:
            key = f"{name} {event.name}"
            if key in past.charged and (event.name in going_on or key in running):
                charged.setdefault(key, past.charged[key])
    return running, charged


def _energy(ledger: Ledger) -> tuple[float, datetime | None]:
    """Return the running month's energy so far, and since when it is known if not from the first of the month on."""
    readings, past = ledger.readings, ledger.past
    energy = readings.by_month(readings.energy).get(ledger.running, 0.0)
    if not ledger.before(ledger.running):
        return energy, None
    if past.energy is not None:
        return energy + past.energy, past.energy_since
    opens, _ = readings.ends_of(ledger.running)
    return energy, None if readings.times[0] == opens else readings.times[0].to_pydatetime()


def _netted(tariff: Tariff, ledger: Ledger, parts: dict[str, Array]) -> dict[str, float]:
    """Return imports less exports, by period, within the time of netting in which the telling ends."""
    readings, past = ledger.readings, ledger.past
    netting = tariff.export.net_metering if tariff.export is not None else None
    if netting is None:
        return {}
    length = 7 if netting.per == "month" else 4
    span, first = ledger.running[:length], readings.months[0][:length]
    inside = readings.month.astype(f"U{length}") == span
    if not inside.any():
        return {}
    net = readings.energy - readings.sold
    return {
        period: float(net[inside & (part > 0.5)].sum()) + (past.netted.get(period, 0.0) if span == first else 0.0)
        for period, part in parts.items()
    }
