"""What of a tariff does not fit a horizon: dates, clock, months without a price, steps that windows or periods cut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from microgrid.errors import InputError, Problem
from microgrid.tariffs.components import CoincidentCharge, DemandCharge, EnergyCharge
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline


def misfits(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    """Give what does not fit a horizon, each by its path within the tariff."""
    yield from _invalid_days(tariff, timeline)
    yield from _other_clock(tariff, timeline)
    yield from _unknown_holidays(tariff, timeline)
    lacking = list(_months_without_price(tariff, timeline))
    yield from lacking
    if timeline.periods is not None and any(isinstance(c, CoincidentCharge) for c in tariff.components.values()):
        wanted = "a horizon in which each day stands for itself alone"
        yield Problem("components", "events of the grid, on typical days", wanted, "take --segments instead")
    if _counts_months(tariff) and not timeline.keeps_months:
        wanted = "a horizon whose every step counts once"
        cure = "leave peaks, tiers and net metering out of the tariff"
        yield Problem("components", "a horizon with weights", wanted, cure)
    elif not lacking:
        yield from _cut_windows(tariff, timeline)
        yield from _mixed_steps(tariff, timeline)
        yield from _uneven_prices(tariff, timeline)


def _invalid_days(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    if tariff.outside_validity == "accept":
        return
    first, last = timeline.index[0].date(), (timeline.end - timedelta(seconds=1)).date()
    wanted = "a horizon within the tariff's validity"
    cure = "take another tariff, or write outside_validity: accept"
    for where, part in [("", tariff), *((f"components.{name}.", c) for name, c in tariff.components.items())]:
        if part.valid_from is not None and first < part.valid_from:
            found = f"{part.valid_from}, after the horizon's first day {first}"
            yield Problem(f"{where}valid_from", found, wanted, cure)
        if part.valid_to is not None and last > part.valid_to:
            found = f"{part.valid_to}, before the horizon's last day {last}"
            yield Problem(f"{where}valid_to", found, wanted, cure)


def _other_clock(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    """Refuse a site whose clock is not the tariff's."""
    if not tariff.time_zone:
        return
    theirs = timeline.index.tz_convert(tariff.time_zone).tz_localize(None)
    if (theirs != timeline.index.tz_localize(None)).any():
        wanted = f"a site whose clocks show the same, not {timeline.index.tz}"
        yield Problem("time_zone", tariff.time_zone, wanted, "set site.time_zone, or the tariff's")


def _unknown_holidays(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    """Refuse years of which no holiday is listed, where holidays have hours of their own."""
    clock = tariff.time_of_use
    if clock is None or not clock.tells_of("holidays"):
        return
    last = timeline.end - timedelta(seconds=1)
    lacking = [year for year in range(timeline.index[0].year, last.year + 1) if not clock.holidays.are_known_of(year)]
    if lacking:
        found = f"none of {', '.join(map(str, lacking))}"
        wanted = "holidays of every year of the horizon"
        yield Problem("time_of_use.holidays", found, wanted, "list them under dates or add, or name a country")


def _months_without_price(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    months = list(dict.fromkeys(timeline.months.tolist()))
    export = tariff.export.price if tariff.export is not None else None
    priced = [(f"components.{n}.price", getattr(c, "price", None)) for n, c in tariff.components.items()]
    for where, price in [*priced, ("export.price", export)]:
        lacking = price.lacks(months) if price is not None else []
        if lacking:
            yield Problem(where, f"nothing for {', '.join(lacking)}", "a price for every month of the horizon")


def _counts_months(tariff: Tariff) -> bool:
    """Tell whether something is billed that only whole billing months know: peaks, tiers, netting."""
    if tariff.export is not None and tariff.export.net_metering is not None:
        return True
    return any(
        isinstance(c, CoincidentCharge)
        or (isinstance(c, EnergyCharge) and bool(c.tiers))
        or (isinstance(c, DemandCharge) and not c.prorated)
        for c in tariff.components.values()
    )


def _cut_windows(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    """Refuse steps that lie across the edges of metering windows."""
    for name, component in tariff.components.items():
        is_metered = isinstance(component, DemandCharge) and component.basis in ("measured", "contract")
        if not isinstance(component, DemandCharge | CoincidentCharge) or not (
            is_metered or isinstance(component, CoincidentCharge)
        ):
            continue
        try:
            timeline.windows(component.window * 60)
        except InputError as error:
            for problem in error.problems:
                yield Problem(f"components.{name}.window", problem.found, problem.wanted, problem.cure)


def _mixed_steps(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    """Refuse steps that lie in several periods, where peaks or netted energy are counted by period."""
    by_period = [
        f"components.{name}.price"
        for name, c in tariff.components.items()
        if isinstance(c, DemandCharge) and c.price is not None and c.price.form == "periods"
    ]
    if tariff.export is not None and tariff.export.net_metering is not None and tariff.time_of_use is not None:
        by_period.append("export.net_metering")
    if not by_period:
        return
    shares = np.array(list(tariff.shares(timeline).values()))
    mixed = np.flatnonzero(((shares > 0) & (shares < 1)).any(axis=0))
    if len(mixed):
        step = timeline.index[int(mixed[0])].isoformat(timespec="minutes")
        found = f"the step at {step} of {60 * timeline.hours[mixed[0]]:g} min, which an edge of the clock cuts"
        yield Problem(by_period[0], found, "steps that each lie in one period", "choose shorter steps")


def _uneven_prices(tariff: Tariff, timeline: Timeline) -> Iterator[Problem]:
    """Refuse to net energy whose price changes within what is netted: which kWh was taken off would be open."""
    netting = tariff.export.net_metering if tariff.export is not None else None
    if netting is None:
        return
    spans = np.array([month[: 7 if netting.per == "month" else 4] for month in timeline.months.tolist()])
    shares = tariff.shares(timeline)
    for name, component in tariff.of_kind(EnergyCharge).items():
        price = tariff.energy_price(name, timeline, shares) if component.netted else np.zeros(len(timeline))
        for period, share in shares.items():
            for span in dict.fromkeys(spans.tolist()):
                inside = price[(share > 0) & (spans == span)]
                if len(inside) and np.ptp(inside) > 1e-12:
                    found = f"prices from {inside.min():g} to {inside.max():g} within {period}, {span}"
                    wanted = "one price in each period of what net metering nets"
                    yield Problem(f"components.{name}.price", found, wanted, "net by the month, or netted: false")
