"""The present: what is foreseen now, from forecasts, measurements and typical days, and what was before.

For each series, the best that is known of each step: forecasts where there are rows, the scenario's own numbers where
its horizon covers the time, for loads, sun and wind the same time last week or yesterday as measured, and else the same
weekday and hour of the scenario's own horizon. What had to be filled is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.copies import copied
from microgrid.dispatch.sources import Readings
from microgrid.model import Model
from microgrid.plant import Plant
from microgrid.rolling.foresight import UNCERTAIN
from microgrid.rolling.inheriting import Before, after, path_of
from microgrid.rolling.traces import Trace
from microgrid.rolling.windows import with_series
from microgrid.series import Series
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
_REACH = pd.Timedelta(hours=2)
"""For how long a forecast row holds where no other follows."""
_DAYS_BACK = (7, 1, 14, 2, 3)


@dataclass
class Present:
    """What is foreseen, and what had to be filled or corrected, in words."""

    plant: Plant
    notes: list[str] = field(default_factory=list)


def present(base: Plant, timeline: Timeline, measured: Readings, forecast: Readings) -> Present:
    """Return the plant as foreseen along a timeline.

    Parameters
    ----------
    base
        The scenario's plant on its own horizon.
    timeline
        The steps to come.
    measured, forecast
        The newest numbers.
    """
    notes: list[str] = []
    assets = {}
    for name, asset in base.assets.items():
        changes = {
            key: _along(series, base.timeline, timeline, (name, key), (measured, forecast), notes)
            for key, series in asset.series().items()
        }
        typical = on_other_steps(asset, base.timeline, timeline)
        assets[name] = copied(typical, changes) if changes else typical
    return Present(replace(base, timeline=timeline, assets=assets), notes)


def on_other_steps(asset: Technology, own: Timeline, timeline: Timeline) -> Technology:
    """Return an asset with its series on other steps: as they are where its own horizon covers them, else typical.

    Parameters
    ----------
    asset
        With series on its own horizon, those of its tariff and contracts included.
    own, timeline
        That horizon, and the steps wanted.
    """

    def moved(series: Series) -> Series:
        if not np.ndim(series.values):
            return series
        values = _exact(series.on(own), own, timeline)
        lacking = np.isnan(values)
        values = np.where(lacking, _typical(series.on(own), own, timeline), values) if lacking.any() else values
        return replace(series, values=values)

    return with_series(asset, moved)


def _along(
    series: Series,
    own: Timeline,
    timeline: Timeline,
    of: tuple[str, str],
    readings: tuple[Readings, Readings],
    notes: list[str],
) -> Series:
    measured, forecast = readings
    name, key = of
    values = _forecast(forecast.of(name, key), timeline)
    varies = bool(np.ndim(series.values))
    if not varies and np.isnan(values).all():
        return series
    said = int(np.isfinite(values).sum())
    origin = "typical days"
    if np.isnan(values).any() and varies:
        exact = _exact(series.on(own), own, timeline)
        values = np.where(np.isnan(values), exact, values)
    if np.isnan(values).any() and key in UNCERTAIN:
        before = int(np.isnan(values).sum())
        values = _as_before(values, measured.of(name, key), timeline)
        origin = "the days before" if np.isnan(values).sum() < before else origin
    lacking = np.isnan(values)
    if lacking.any():
        values = np.where(lacking, _typical(series.on(own), own, timeline), values)
    if key in UNCERTAIN:
        values = _held(values, key, of, notes)
        if said < len(timeline) and forecast.series:
            notes.append(f"{name}.{key}: forecast for {said} of {len(timeline)} steps, the rest from {origin}")
    return replace(series, values=values, origin="as foreseen")


def _held(values: Array, key: str, of: tuple[str, str], notes: list[str]) -> Array:
    """Return values within what the field may hold, and tell where they were not."""
    low, high = 0.0, 1.0 if key == "availability" else np.inf
    wrong = (values < low - 1e-9) | (values > high + 1e-9)
    if wrong.any():
        worst = float(values[wrong][0])
        notes.append(f"{of[0]}.{of[1]}: {worst:g} foreseen for a step, held within {low:g} and {high:g}")
    return np.clip(values, low, high)


def _forecast(rows: pd.Series | None, timeline: Timeline) -> Array:
    """Return the rows of a forecast on each step: the last row up to its start, if not too old; else nan."""
    if rows is None or not len(rows):
        return np.full(len(timeline), np.nan)
    times, values = _nanoseconds(rows.index), rows.to_numpy(dtype=float)
    starts = timeline.index.as_unit("ns").asi8
    places = np.searchsorted(times, starts, side="right") - 1
    gaps = np.diff(times)
    # The last row holds for as long as rows usually do.
    last = int(np.median(gaps)) if len(gaps) else _REACH.value
    reach = np.minimum(np.append(gaps, last), _REACH.value)
    is_fresh = (places >= 0) & (starts - times[np.maximum(places, 0)] < reach[np.maximum(places, 0)])
    return np.where(is_fresh, values[np.maximum(places, 0)], np.nan)


def _exact(values: Array, own: Timeline, timeline: Timeline) -> Array:
    """Return the scenario's own numbers at the steps that its horizon covers; nan elsewhere."""
    starts, edges = timeline.index.as_unit("ns").asi8, own.points.as_unit("ns").asi8
    places = np.searchsorted(edges, starts, side="right") - 1
    inside = (places >= 0) & (places < len(values))
    return np.where(inside, values[np.clip(places, 0, len(values) - 1)], np.nan)


def _as_before(values: Array, rows: pd.Series | None, timeline: Timeline) -> Array:
    """Fill what lacks by what was measured at the same local time some days before."""
    if rows is None:
        return values
    filled, wall = values.copy(), timeline.index.tz_localize(None)
    local = pd.DatetimeIndex(rows.index).tz_convert(timeline.index.tz).tz_localize(None)
    known = pd.Series(rows.to_numpy(), index=local)
    known = known[~known.index.duplicated(keep="last")].sort_index()
    moments = _nanoseconds(known.index)
    for days in _DAYS_BACK:
        times = _nanoseconds(wall - pd.Timedelta(days=days))
        places = np.searchsorted(moments, times, side="right") - 1
        found = known.to_numpy()[np.maximum(places, 0)]
        gap = times - moments[np.maximum(places, 0)]
        is_there = (places >= 0) & (gap >= 0) & (gap < pd.Timedelta(hours=1).value) & np.isnan(filled)
        filled = np.where(is_there, found, filled)
    return filled


def _nanoseconds(times: Any) -> NDArray[np.int64]:
    return np.asarray(pd.DatetimeIndex(times).as_unit("ns").asi8, dtype=np.int64)


def _typical(values: Array, own: Timeline, timeline: Timeline) -> Array:
    """Return the numbers of the same weekday and time on the scenario's own horizon, or of the same time of any day."""
    wall, target = own.index.tz_localize(None), timeline.index.tz_localize(None)
    slots = _slots(wall)
    by_week: dict[tuple[int, int], int] = {}
    by_day: dict[int, int] = {}
    for place, (day, slot) in enumerate(zip(wall.day_of_week.tolist(), slots.tolist(), strict=True)):
        by_week[day, slot] = place
        by_day[slot] = place
    found = []
    for day, slot in zip(target.day_of_week.tolist(), _slots(target).tolist(), strict=True):
        begun = (by_week.get((day, s), by_day.get(s)) for s in range(slot, -1, -1))
        found.append(values[next((place for place in begun if place is not None), 0)])
    return np.array(found)


def _slots(wall: Any) -> NDArray[np.int64]:
    """Return the five-minute slot of the day of each time."""
    return np.asarray((wall.hour * 60 + wall.minute) // 5, dtype=np.int64)


def history(
    skeleton: Model, told: Before, last: Trace | None, since: pd.Timestamp | None, now: pd.Timestamp
) -> tuple[Before, str]:
    """Return what is to be told at `now`, taking the last plan as carried out until then; and a note where it ended.

    Parameters
    ----------
    skeleton
        Any model of the plant.
    told
        What was before the last plan.
    last, since
        The last plan, and when it began to count.
    """
    if last is None or since is None or now <= since:
        return told, ""
    points = last.timeline.points
    first = int(np.searchsorted(points.as_unit("ns").asi8, since.as_unit("ns").value))
    until = int(np.searchsorted(points.as_unit("ns").asi8, now.as_unit("ns").value, side="right")) - 1
    if until <= first:
        return told, ""
    note = "" if now <= last.timeline.end else f"no plan since {last.timeline.end.isoformat()}"
    return after(skeleton, last.cut(first, min(until, len(last.timeline))), told), note


def as_measured(plant: Plant, told: Before, measured: Readings, now: pd.Timestamp, notes: list[str]) -> Before:
    """Return what is to be told, with the newest measurements of stocks, states and imports in place of the plan's."""
    found = {name: dict(fields) for name, fields in told.items()}
    for name, asset in plant.assets.items():
        fields = found.setdefault(name, {})
        _stock(name, asset, fields, (measured, now), notes)
        _switch(name, asset, fields, measured, now)
        _peak(name, asset, fields, (measured, now), plant.timeline)
    return found


def _stock(
    name: str, asset: Any, fields: dict[str, Any], newest: tuple[Readings, pd.Timestamp], notes: list[str]
) -> None:
    """Take a measured stock, held within the window that the asset may use."""
    field_name = next((f for f in ("initial_charge", "initial_fill") if f in type(asset).model_fields), "")
    if not field_name:
        return
    measured, now = newest
    level = measured.newest(name, "stored", now, pd.Timedelta(hours=1))
    size = asset.capacities().get("energy", asset.capacities().get("capacity")).high
    low = getattr(asset, "minimum_charge", getattr(asset, "minimum_fill", 0.0))
    high = getattr(asset, "maximum_charge", getattr(asset, "maximum_fill", 1.0))
    if level is None:
        if measured.series:
            notes.append(f"{name}: no measured stock within the last hour, the last plan's is taken")
        share = fields.get(field_name)
        share = 0.5 * (low + high) if share is None else float(share)
    else:
        share = level / size if size else 0.0
    held = min(max(share, low), high)
    if abs(held - share) > 1e-6:
        notes.append(f"{name}: {share:.1%} stored is outside {low:.0%} to {high:.0%}, planned from {held:.1%}")
    fields[field_name] = held


def _switch(name: str, asset: Any, fields: dict[str, Any], measured: Readings, now: pd.Timestamp) -> None:
    on = measured.newest(name, "on", now, pd.Timedelta(hours=1))
    if on is None:
        return
    try:
        path = path_of(asset, "on_before")
    except KeyError:
        return
    was = fields.get(path)
    new: bool | int = round(on) if hasattr(asset, "pattern") else on > 0.5
    if was is not None and int(was) != int(new):
        for other in ("hours_before", "output_before", "power_before"):
            if other in type(asset).model_fields or path.startswith("commitment"):
                fields[path.replace("on_before", other)] = None
        if "moves_before" in fields:
            fields["moves_before"] = []
    fields[path] = new
    if hasattr(asset, "pattern"):
        most = asset.pattern.most_stacks - int(new)
        fields["standby_before"] = min(int(fields.get("standby_before") or 0), max(0, most))
    fields.pop("commitment.output_before" if path.startswith("commitment") and not new else "", None)


def _peak(
    name: str, asset: Any, fields: dict[str, Any], newest: tuple[Readings, pd.Timestamp], timeline: Timeline
) -> None:
    """Raise the month's peak to the highest metered mean since the month began; begin anew with a new month."""
    try:
        path = path_of(asset, "peak_so_far")
    except KeyError:
        return
    measured, now = newest
    rows = measured.of(name, "import")
    month = now.tz_convert(timeline.index.tz).strftime("%Y-%m")
    told_month = fields.get("month", month)
    peak = float(fields.get(path) or 0.0) if told_month == month else 0.0
    if rows is not None:
        metered = rows[rows.index <= now]
        times = pd.DatetimeIndex(metered.index).tz_convert(timeline.index.tz)
        of_month = np.asarray(times.strftime("%Y-%m") == month)
        window = pd.Timedelta(hours=getattr(asset, path.partition(".")[0]).window)
        means = metered[of_month].groupby(times[of_month].tz_convert("UTC").floor(window)).mean()
        peak = max(peak, float(means.max())) if len(means) else peak
    fields[path], fields["month"] = peak, month
