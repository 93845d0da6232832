"""Metered: what a tariff's bill remembers at the time of planning, by the last state, the plan since and the meter.

From the last run on, a connection's import is what was measured, and where nothing was, what was planned. Peaks are no
lower than those of the month's measured import.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.bills.carried import carried
from microgrid.bills.readings import Readings as Meter
from microgrid.copies import copied
from microgrid.dispatch.present import on_other_steps
from microgrid.dispatch.sources import Readings
from microgrid.plant import Plant
from microgrid.rolling.inheriting import Before
from microgrid.rolling.metering import plain_past
from microgrid.rolling.traces import Trace
from microgrid.tariffs.past import Past
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
_LONGEST = pd.Timedelta(days=40)
"""A state that is older tells nothing of the month."""


class Since(NamedTuple):
    """The last plan, and the time from which on it was to be carried out."""

    time: pd.Timestamp
    plan: Trace


def with_bills(
    base: Plant, told: Before, last: Since | None, measured: Readings, now: Timeline, notes: list[str]
) -> Before:
    """Return what is to be told with the past of every tariff up to the first step to be planned.

    Parameters
    ----------
    base
        The scenario's plant on its own horizon.
    told
        What was before: of tariffs, as the last state says or else the scenario.
    last
        The last plan; None where there is none.
    measured
        The newest measurements.
    now
        The steps to be planned.
    notes
        Where to tell what had to be left out.
    """
    found = dict(told)
    for name, asset in _with_tariffs(base):
        past = Past.model_validate(told.get(name, {}).get("past", {}))
        past = asset.past if past.until is None else past
        step, begins = float(now.hours[0]), now.index[0]
        contract = _Contract(name, asset, base.timeline)
        past = _carried_on(contract, past, last, measured, begins, step, notes)
        past = _as_measured(contract, past, measured, begins, step)
        found[name] = {**found.get(name, {}), "past": plain_past(_until(past, begins))}
    return found


def at_any_time(plant: Plant) -> Plant:
    """Return a plant that may begin at any time, though its scenario says until when its past tells."""
    loose: dict[str, Any] = {
        name: copied(asset, {"past": _loose(asset.past)})
        for name, asset in _with_tariffs(plant)
        if asset.past.until is not None
    }
    return replace(plant, assets={**plant.assets, **loose}) if loose else plant


class _Contract(NamedTuple):
    """A connection under a tariff, and the horizon of its own series."""

    name: str
    asset: Any
    own: Timeline

    def along(self, timeline: Timeline) -> Any:
        """Return its tariff on other steps."""
        moved: Any = on_other_steps(self.asset, self.own, timeline)
        return moved.contract


def _with_tariffs(plant: Plant) -> Iterator[tuple[str, Any]]:
    for name, asset in plant.assets.items():
        if getattr(asset, "tariff", None) is not None:
            yield name, asset


def _carried_on(
    contract: _Contract,
    past: Past,
    last: Since | None,
    measured: Readings,
    begins: pd.Timestamp,
    step: float,
    notes: list[str],
) -> Past:
    """Return the past at the time of planning, from the last state and what has happened since."""
    if past.until is None or pd.Timestamp(past.until) == begins:
        return past
    since = pd.Timestamp(past.until).tz_convert(begins.tz)
    length = pd.Timedelta(hours=step)
    is_near = last is not None and last.time == since and since < begins <= since + _LONGEST
    if not is_near or (begins - since) % length:
        told = since.isoformat(timespec="minutes")
        notes.append(f"{contract.name}: what is known of its bill ends at {told}; its month is begun from the meter")
        ended = pd.Timestamp(past.until).tz_convert(begins.tz).strftime("%Y-%m")
        return Past(months=past.months) if ended != begins.strftime("%Y-%m") else _loose(past)
    timeline = Timeline.regular(since, begins, length)
    assert last is not None
    flows = [_flow(last.plan, contract.name, port, timeline) for port in ("import", "export")]
    flows[0] = _where_measured(flows[0], measured.of(contract.name, "import"), timeline)
    meter = Meter(timeline.index, timeline.hours, flows[0].clip(0.0), (-flows[1]).clip(0.0))
    return carried(contract.along(timeline), meter, past)


def _until(past: Past, begins: pd.Timestamp) -> Past:
    """Return the past as what is known until now; of a month that begins now, nothing can have been measured."""
    told: dict[str, Any] = {"until": begins.to_pydatetime()}
    if begins == begins.normalize() and begins.day == 1:
        told |= {"peaks": {}, "energy": None, "energy_since": None}
    return past.model_copy(update=told)


def _loose(past: Past) -> Past:
    return past.model_copy(update={"until": None, "open_windows": {}})


def _flow(plan: Trace, name: str, port: str, timeline: Timeline) -> Array:
    """Return what a plan says of a port on other steps; nothing where it has ended."""
    rates = plan.flows.get(name, {}).get(port)
    if rates is None:
        return np.zeros(len(timeline))
    edges, starts = plan.timeline.points.as_unit("ns").asi8, timeline.index.as_unit("ns").asi8
    places = np.searchsorted(edges, starts, side="right") - 1
    inside = (places >= 0) & (places < len(rates))
    return np.where(inside, rates[np.clip(places, 0, len(rates) - 1)], 0.0)


def _where_measured(planned: Array, rows: pd.Series | None, timeline: Timeline) -> Array:
    """Return the mean of what was measured within each step, and what was planned where there is nothing."""
    if rows is None or not len(rows):
        return planned
    edges = timeline.points.as_unit("ns").asi8
    times = np.asarray(pd.DatetimeIndex(rows.index).as_unit("ns").asi8)
    places = np.searchsorted(edges, times, side="right") - 1
    inside = (places >= 0) & (places < len(timeline))
    counts = np.bincount(places[inside], minlength=len(timeline))
    sums = np.bincount(places[inside], rows.to_numpy(dtype=float)[inside], minlength=len(timeline))
    return np.where(counts > 0, sums / np.maximum(counts, 1), planned)


def _as_measured(contract: _Contract, past: Past, measured: Readings, begins: pd.Timestamp, step: float) -> Past:
    """Return the past with peaks no lower than those of the month's measured import."""
    rows = measured.of(contract.name, "import")
    opens = begins.tz_localize(None).to_period("M").start_time.tz_localize(begins.tz)
    if rows is None or opens == begins:
        return past
    inside = rows[(rows.index >= opens) & (rows.index < begins)]
    length = pd.Timedelta(hours=step)
    if not len(inside) or (begins - opens) % length:
        return past
    timeline = Timeline.regular(opens, begins, length)
    meter = Meter(
        timeline.index, timeline.hours,
        _where_measured(np.zeros(len(timeline)), inside, timeline).clip(0.0), np.zeros(len(timeline)),
    )  # fmt: skip
    seen = carried(contract.along(timeline), meter, Past())
    peaks = past.peaks | {key: max(peak, past.peaks.get(key, 0.0)) for key, peak in seen.peaks.items()}
    return past.model_copy(update={"peaks": peaks, "energy": past.energy if past.energy is not None else seen.energy})
