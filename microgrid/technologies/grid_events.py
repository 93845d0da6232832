"""Coincident peaks of a bill: the highest mean import within named hours, when the network has its own peak."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.tariffs.components import CoincidentCharge, Event
from microgrid.tariffs.past import OpenWindow
from microgrid.technologies.base import parameter
from microgrid.technologies.grid_meter import Line, Meter
from microgrid.technologies.grid_peaks import with_begun
from microgrid.timeline import Timeline


def coincident_line(block: Any, meter: Meter, name: str, component: CoincidentCharge) -> Line:
    """Charge the highest mean import within each event's hours, in the month in which the event begins.

    An event that the first month has seen before the horizon is charged with it, whether it goes on or not; of one
    that earlier months' bills have charged, only what exceeds that.
    """
    begun = meter.past.open_windows.get(name)
    events = steps_of_events(meter.timeline, component, 0.0 if begun is None else begun.hours)
    seen = {event.name for event in component.events if f"{name} {event.name}" in meter.past.peaks}
    events = {event.name: events.get(event.name, np.array([], dtype=np.int64)) for event in component.events
              if event.name in events or event.name in seen}  # fmt: skip
    nothing = np.zeros(len(meter.names))
    if not events:
        return Line(name, "demand", lambda _: 0.0, meter.months, nothing, nothing, is_constant=True)
    before = np.array([meter.past.peaks.get(f"{name} {event}", 0.0) for event in events])
    charged = np.array([meter.past.charged.get(f"{name} {event}", 0.0) for event in events])
    block.events = pyo.RangeSet(0, len(events) - 1)
    least = parameter(block, block.events, "peak_so_far", np.maximum(before, charged))
    price = parameter(block, block.events, "price", np.array([_priced(component, event).price for event in events]))
    paid = parameter(block, block.events, "peak_charged", charged)
    block.event_peak = pyo.Var(block.events, dense=False, bounds=lambda _b, e: (least[e], None))
    high, in_month = nothing.copy(), dict[int, list[int]]({month: [] for month in range(len(nothing))})
    for at, (event, steps) in enumerate(events.items()):
        if len(steps):
            _means_below(block, meter, at, steps, component.window, begun)
        month = 0 if event in seen else int(meter.month[steps[0]])
        in_month[month].append(at)
        high[month] += price.array[at] * max(meter.highest_mean(component.window, begun), before[at])
    block.month_events = pyo.Set(meter.months, initialize=in_month)
    block.charge = pyo.Var(meter.months, bounds=(0.0, None))

    def events_charged(b: Any, m: Any) -> Any:
        return b.charge[m] == sum(price[e] * (b.event_peak[e] - paid[e]) for e in b.month_events[m])

    block.events_charged = pyo.Constraint(meter.months, rule=events_charged)
    return Line(name, "demand", lambda m: block.charge[m], meter.months, nothing, high)


def _priced(component: CoincidentCharge, name: str) -> Event:
    return next(event for event in component.events if event.name == name)


def _means_below(
    block: Any, meter: Meter, event: int, steps: NDArray[np.int64], window: float, begun: OpenWindow | None
) -> None:
    name = f"event_{event}"
    imports, hours = meter.imports, meter.operation.hours
    number = meter.timeline.windows(window * 60)[steps]
    first = np.flatnonzero(np.diff(number, prepend=-1))
    windows = pyo.RangeSet(0, len(first) - 1)
    block.add_component(f"{name}_windows", windows)
    lengths = np.add.reduceat(meter.timeline.hours[steps], first)
    length, so_far = with_begun(block, windows, name, (lengths, number[0] == 0), begun)
    members = pyo.Set(
        windows, initialize={w: part.tolist() for w, part in enumerate(np.split(steps, first[1:]))}
    )  # fmt: skip
    block.add_component(f"{name}_window_steps", members)

    def mean_below_peak(_b: Any, w: Any) -> Any:
        return so_far[w] + sum(hours[t] * imports[t] for t in members[w]) <= length[w] * block.event_peak[event]

    block.add_component(f"mean_below_{name}", pyo.Constraint(windows, rule=mean_below_peak))


def steps_of_events(
    timeline: Timeline, component: CoincidentCharge, hours_before: float = 0.0
) -> dict[str, NDArray[np.int64]]:
    """Return by event the steps of the metering windows that begin within its hours; events elsewhere are left out.

    `hours_before` is for how long the first window had lasted when the horizon began.
    """
    number = timeline.windows(component.window * 60)
    begins = timeline.index[np.searchsorted(number, number)]
    begins = begins.where(number > 0, timeline.index[0] - pd.Timedelta(hours=hours_before))
    found = {}
    for event in component.events:
        inside = np.zeros(len(timeline), dtype=bool)
        for start, end in event.stretches(timeline.index.tz):
            inside |= (begins >= start) & (begins < end)
        if inside.any():
            found[event.name] = np.flatnonzero(inside)
    return found
