"""Metering: what the grid's meter leaves to the next window, and what it comes to on the bill.

A window inherits what its month has seen: of plain prices the peak, of a tariff all that its bill remembers (peaks,
the month's energy, earlier months for ratchets, netted energy, metering windows that are not over), as `bills.carried`
works it out from the metered flows. What was carried out is billed by the calculator, all its readings at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.bills.calculator import Bill, bill
from microgrid.bills.carried import carried
from microgrid.bills.readings import Facts, Readings
from microgrid.plant import Plant
from microgrid.rolling.inheriting import Before, path_of
from microgrid.rolling.traces import Trace
from microgrid.tariffs.components import DemandCharge, EnergyCharge
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
_PEAKS = "past.peaks."


def with_meters(plant: Plant, trace: Trace, told: Before) -> Before:
    """Return what is to be told after a trace with what the meters of its grid connections leave.

    Parameters
    ----------
    plant
        The plant along the trace, with what was before it.
    trace
        What was carried out.
    told
        What else is to be told.
    """
    new = dict(told)
    for name, asset in plant.assets.items():
        if getattr(asset, "tariff", None) is not None:
            past = carried(asset.contract, readings_of(trace, name), asset.past)  # type: ignore[attr-defined]
            new[name] = {**new.get(name, {}), "past": plain_past(past)}
            continue
        path = _path_of_peak(asset)
        if path:
            charge = getattr(asset, path.partition(".")[0])
            flow = trace.flows[name]["import"]
            peaks = month_peaks(flow, trace.timeline, charge.window * 60, charge.peak_so_far)
            new[name] = {**new.get(name, {}), path: peaks.get(trace.timeline.end.strftime("%Y-%m"), 0.0)}
    return new


def plain_past(past: Past) -> dict[str, Any]:
    """Return a past as plain data; `Past.model_validate` reads it back."""
    return past.model_dump(mode="json", exclude_none=True)


def readings_of(trace: Trace, name: str) -> Readings:
    """Return what the meter of a grid connection read of a trace; a solver's tolerance is no energy."""
    timeline, flows = trace.timeline, trace.flows[name]
    sold = -flows["export"] if "export" in flows else np.zeros(len(timeline))
    return Readings(timeline.index, timeline.hours, flows["import"].clip(0.0), sold.clip(0.0))


def bill_of(asset: Any, readings: Readings) -> Bill:
    """Return the bill of a connection's readings; its sizes are numbers."""
    sizes = {key: capacity.high for key, capacity in asset.capacities().items()}
    facts = Facts(
        asset.option, sizes.get("capacity"), sizes.get("transformer"), sizes.get("contract_demand"), asset.inherited
    )
    return bill(asset.contract, readings, facts, adjusts=False)


def with_peaks_seen(asset: Any, fields: Mapping[str, Any], seen: Mapping[str, float]) -> dict[str, Any]:
    """Return the fields of a connection of which some peaks will be reached in any case.

    Parameters
    ----------
    asset
        The connection.
    fields
        What was before, by path.
    seen
        By the path that inherits it, the peak of the first month, kW.
    """
    changes: dict[str, Any] = {}
    for inherits, peak in seen.items():
        if not inherits.startswith(_PEAKS):
            path = path_of(asset, inherits)
            changes[path] = max(float(fields.get(path, 0.0) or 0.0), peak)
            continue
        past = Past.model_validate(changes.get("past", fields.get("past", {})))
        key = inherits.removeprefix(_PEAKS)
        # Of a month that has just begun nothing can have been measured; this was foreseen.
        raised = past.peaks | {key: max(past.peaks.get(key, 0.0), peak)}
        changes["past"] = plain_past(past.model_copy(update={"peaks": raised, "until": None}))
    return changes


def is_charged_by_peaks(plant: Plant) -> bool:
    """Tell whether any connection pays for a month's peak."""
    return any(
        getattr(asset, "demand_charge", None) is not None or any(_metered(asset)) for asset in plant.assets.values()
    )


def ceilings(asset: Any, timeline: Timeline) -> Iterator[tuple[NDArray[np.bool_], float]]:
    """Give the steps at which a peak of a connection is measured, and what the first month has seen of it, kW."""
    if getattr(asset, "tariff", None) is None:
        path = _path_of_peak(asset)
        if path:
            yield np.full(len(timeline), True), float(getattr(asset, path.partition(".")[0]).peak_so_far)
        return
    shares = asset.contract.shares(timeline)
    for name, component in _metered(asset):
        price = component.price
        if price is not None and price.form == "periods":
            for period in price.numbers:
                yield shares[period] > 0.5, asset.past.peaks.get(f"{name} {period}", 0.0)
        else:
            yield np.full(len(timeline), True), asset.past.peaks.get(name, 0.0)


def energy_prices(asset: Any, timeline: Timeline) -> Array:
    """Return what a kWh imported costs at each step, tiers by their first price, shape (n,)."""
    tariff: Tariff = asset.contract
    total, shares = np.zeros(len(timeline)), tariff.shares(timeline)
    for name, component in tariff.of_kind(EnergyCharge).items():
        if tariff.applies(name, asset.option):
            is_tiered = component.price is None
            total = total + (component.tiers[0].price if is_tiered else tariff.energy_price(name, timeline, shares))
    return total


def month_peaks(rate: Array, timeline: Timeline, minutes: float, floor: float = 0.0) -> dict[str, float]:
    """Return the highest mean over a metering window in each month, kW; `floor` is what the first has seen already.

    Parameters
    ----------
    rate
        Import at each step, kW.
    minutes
        Length of the metering window.
    """
    window = timeline.windows(minutes)
    first = np.flatnonzero(np.diff(window, prepend=-1))
    means = np.add.reduceat(rate * timeline.hours, first) / np.add.reduceat(timeline.hours, first)
    peaks: dict[str, float] = {}
    for month, mean in zip(timeline.months[first].tolist(), means.tolist(), strict=True):
        peaks[month] = max(peaks.get(month, floor if not peaks else 0.0), mean)
    return peaks


def bill_rows(names: Mapping[str, str], due: Bill, timeline: Timeline) -> pd.DataFrame:
    """Return a line of a bill as rows of the money ledger, one a month."""
    billed = due.by_month(names["line"])
    firsts = pd.Series(timeline.index, index=timeline.months).groupby(level=0, sort=False).first()
    amounts = [billed.get(str(month), 0.0) for month in firsts.index]
    return pd.DataFrame(dict(names) | {"time": pd.DatetimeIndex(firsts), "amount": amounts})


def _metered(asset: Any) -> Iterator[tuple[str, DemandCharge]]:
    """Give the components of a connection's tariff that a measured peak is charged by."""
    tariff = getattr(asset, "tariff", None)
    if tariff is None:
        return
    for name, component in tariff.of_kind(DemandCharge).items():
        if component.basis in ("measured", "contract") and tariff.applies(name, asset.option):
            yield name, component


def _path_of_peak(asset: Any) -> str:
    try:
        return path_of(asset, "peak_so_far")
    except KeyError:
        return ""
