"""What a bill leaves to the one after it: the month's peaks and energy so far, and the peaks of months before."""

from __future__ import annotations

from microgrid.bills.clock import parts_of_periods
from microgrid.bills.demand import event_peaks
from microgrid.bills.readings import Facts, Readings
from microgrid.tariffs.components import CoincidentCharge, DemandCharge
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff


def carried(tariff: Tariff, readings: Readings, facts: Facts) -> Past:
    """Return what readings that follow inherit, where they begin in the month in which these end.

    Parameters
    ----------
    tariff
        The tariff.
    readings
        What was measured.
    facts
        What was known before that.
    """
    past, months = facts.past, readings.months
    last, is_first = months[-1], len(months) == 1
    parts = parts_of_periods(tariff, readings)
    peaks: dict[str, float] = {}
    highest: dict[str, float] = {}
    for name, component in tariff.components.items():
        if isinstance(component, CoincidentCharge):
            for event in component.events:
                alone = component.model_copy(update={"events": [event]})
                found = [(month, peak) for month, peak, _ in event_peaks(name, alone, readings, past)]
                peaks |= {f"{name} {event.name}": peak for month, peak in found if month == last}
        if not isinstance(component, DemandCharge) or component.basis not in ("measured", "contract"):
            continue
        inner = {name: None}
        if component.price is not None and component.price.form == "periods":
            inner = {f"{name} {period}": parts[period] > 0.5 for period in component.price.numbers}  # type: ignore[misc]
        for key, inside in inner.items():
            measured = readings.peaks(component.window, inside, component.incomplete_windows == "ignore")
            before = past.peaks.get(key, 0.0)
            peaks[key] = max(measured.get(last, 0.0), before if is_first else 0.0)
            for month, peak in measured.items():
                reached = max(peak, before if month == months[0] else 0.0)
                highest[month] = max(highest.get(month, 0.0), reached)
    highest.pop(last, None)
    energy = readings.by_month(readings.energy)[last] + ((past.energy or 0.0) if is_first else 0.0)
    return Past(peaks=peaks, energy=energy, months={**past.months, **highest}, netted=_netted(tariff, readings, past))


def _netted(tariff: Tariff, readings: Readings, past: Past) -> dict[str, float]:
    """Return imports less exports, by period, within the time of netting in which the readings end."""
    netting = tariff.export.net_metering if tariff.export is not None else None
    if netting is None:
        return {}
    length = 7 if netting.per == "month" else 4
    span, first = readings.months[-1][:length], readings.months[0][:length]
    inside = readings.month.astype(f"U{length}") == span
    net = readings.energy - readings.sold
    return {
        period: float(net[inside & (part > 0.5)].sum()) + (past.netted.get(period, 0.0) if span == first else 0.0)
        for period, part in parts_of_periods(tariff, readings).items()
    }
