"""What of a past does not fit a tariff, which must know its names, or a horizon, which must begin where it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from microgrid.faults import Fault, did_you_mean
from microgrid.tariffs.components import CoincidentCharge, DemandCharge
from microgrid.tariffs.lines import peaks_of
from microgrid.tariffs.past import UNNAMED, Past
from microgrid.tariffs.tariff import Tariff


def unknown_past(tariff: Tariff, past: Past) -> Iterator[Fault]:
    """Give what was measured before under names that this tariff does not bill: it would count for nothing."""
    metered = peaks_of(tariff.components)
    events = [peak for name in tariff.of_kind(CoincidentCharge) for peak in metered[name]]
    nets = tariff.export is not None and tariff.export.net_metering is not None
    for part, names in (
        ("peaks", [peak for peaks in metered.values() for peak in peaks]),
        ("netted", list(tariff.periods) if nets else []),
        ("charged", events),
        ("open_windows", list(metered)),
    ):
        for name in getattr(past, part):
            if name not in names:
                wanted = f"one of {', '.join(names)}" if names else "nothing: the tariff measures none"
                yield Fault((part, name), "unknown name", wanted, did_you_mean(name, names))
    yield from _unknown_months(tariff, past)


def _unknown_months(tariff: Tariff, past: Past) -> Iterator[Fault]:
    """Give peaks of earlier months that no ratchet looks back at, or of which it is open which one does."""
    looking = [name for name, c in tariff.of_kind(DemandCharge).items() if c.ratchet is not None]
    for name, peaks in past.months.items():
        if name == UNNAMED and len(looking) > 1:
            month, peak = next(iter(peaks.items()), ("2025-12", 480.0))
            wanted = f"peaks by component: {', '.join(looking)} each have a ratchet"
            cure = f"such as {{{looking[0]}: {{{month}: {peak:g} kW}}}}"
            yield Fault(("months",), "peaks that name no component", wanted, cure)
        elif name == UNNAMED and not looking:
            yield Fault(("months",), "peaks of earlier months", "none: the tariff has no ratchet")
        elif name != UNNAMED and name not in looking:
            wanted = f"one of {', '.join(looking)}" if looking else "nothing: the tariff has no ratchet"
            yield Fault(("months", name), "unknown name", wanted, did_you_mean(name, looking))


def misplaced(past: Past, begins: pd.Timestamp) -> Iterator[Fault]:
    """Give what of a past cannot have been before a horizon, by its path within the past.

    Parameters
    ----------
    past
        What was measured before.
    begins
        When the horizon begins, on the clock of the bill.
    """
    month = f"{begins:%Y-%m}"
    if past.until is not None:
        yield from _not_joining(past, pd.Timestamp(past.until).tz_convert(begins.tz), begins)
    if past.energy_since is not None and past.energy_since > begins:
        wanted = f"a moment before the horizon begins, {begins.isoformat(timespec='minutes')}"
        yield Fault(("energy_since",), past.energy_since.isoformat(timespec="minutes"), wanted)
    for name, peaks in past.months.items():
        for later in (each for each in peaks if each >= month):
            path = ("months", name, later) if name else ("months", later)
            found = f"{later}, in which the horizon begins" if later == month else f"{later}, after the horizon begins"
            yield Fault(path, found, f"a month before {month}", "the month's own peaks so far stand under peaks")


def _not_joining(past: Past, until: pd.Timestamp, begins: pd.Timestamp) -> Iterator[Fault]:
    """Give a gap or an overlap between what was told and a horizon, and values of a month that has just begun."""
    told, first = (moment.isoformat(timespec="minutes") for moment in (until, begins))
    apart = f"{abs((until - begins) / pd.Timedelta(hours=1)):g} h"
    wanted = f"the moment at which the horizon begins, {first}"
    if until < begins:
        cure = "carry on what was measured in between first; or write by hand what the month has seen, without until"
        yield Fault(("until",), f"{told}, a gap of {apart} before the horizon", wanted, cure)
    elif until > begins:
        cure = "begin the horizon where it ends, or take the past that ends where the horizon begins"
        yield Fault(("until",), f"{told}, an overlap of {apart} with the horizon", wanted, cure)
    elif until == until.normalize() and until.day == 1:
        seen: dict[tuple[str, ...], str] = {("peaks", n): f"{peak:g} kW" for n, peak in past.peaks.items() if peak > 0}
        seen |= {("energy",): f"{past.energy:g} kWh"} if past.energy else {}
        for path, amount in seen.items():
            found = f"{amount} of a month, {until:%Y-%m}, that begins with the horizon"
            cure = "peaks of the month before stand under months, for ratchets; its energy no longer counts"
            yield Fault(path, found, "nothing measured in it yet", cure)
