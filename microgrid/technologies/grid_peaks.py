"""Measured peaks of a bill: rows that keep a month's peak above the mean import of each of its metering windows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.tariffs.components import DemandCharge
from microgrid.tariffs.past import OpenWindow
from microgrid.technologies.base import parameter
from microgrid.technologies.grid_meter import Array, Meter


class Before(NamedTuple):
    """What there was of a peak before the horizon: the month's so far, and the metering window that is not over."""

    peak: float
    begun: OpenWindow | None


def before(meter: Meter, component: str, key: str = "") -> Before:
    """Return what there was of a component's peak, under the name `key` where it has several."""
    past = meter.past
    return Before(past.peaks.get(key or component, 0.0), past.open_windows.get(component))


def measured(
    block: Any,
    meter: Meter,
    component: DemandCharge,
    name: str,
    seen: Before,
    inside: NDArray[np.bool_] | None = None,
) -> Any:
    """Return each month's peak: no less than the mean import of each of its metering windows.

    Parameters
    ----------
    component
        Whose metering windows they are.
    name
        What the variable is called.
    seen
        What the first month has seen before the horizon.
    inside
        Which steps count; all by default.
    """
    months, timeline = meter.months, meter.timeline
    floors = np.zeros(len(meter.names))
    floors[0] = seen.peak
    least = meter.in_months(floors, f"{name}_so_far", block)
    peak = pyo.Var(months, dense=False, bounds=lambda _b, m: (least[m], None))
    block.add_component(name, peak)
    number = timeline.windows(component.window * 60)
    counts = np.full(len(timeline), True) if inside is None else inside
    if component.incomplete_windows == "ignore":
        lengths = np.bincount(number, timeline.hours)
        lengths[0] += seen.begun.hours if seen.begun is not None else 0.0
        counts = counts & (lengths[number] >= component.window * (1 - 1e-9))
    counted = np.flatnonzero(counts)
    if not len(counted):
        return peak
    if number[-1] + 1 == len(timeline) and seen.begun is None:
        _below_peak(block, meter, name, peak, counted)
    else:
        _mean_below_peak(block, meter, name, (peak, seen.begun), number[counted], counted)
    return peak


def _below_peak(block: Any, meter: Meter, name: str, peak: Any, counted: NDArray[np.int64]) -> None:
    """Keep the peak above every step, where no step is shorter than its window."""
    imports, steps = meter.imports, meter.operation.steps
    if len(counted) < len(meter.timeline):
        steps = pyo.Set(initialize=counted.tolist(), within=steps)
        block.add_component(f"{name}_steps", steps)
    month = parameter(block, steps, f"{name}_month", meter.month[counted])

    def import_below_peak(_b: Any, t: Any) -> Any:
        return imports[t] <= peak[month[t]]

    block.add_component(f"import_below_{name}", pyo.Constraint(steps, rule=import_below_peak))


def _mean_below_peak(
    block: Any,
    meter: Meter,
    name: str,
    known: tuple[Any, OpenWindow | None],
    number: NDArray[np.int64],
    counted: NDArray[np.int64],
) -> None:
    """Keep the peak above the mean of every window; the first may have begun before the horizon."""
    peak, begun = known
    imports, hours = meter.imports, meter.operation.hours
    first = np.flatnonzero(np.diff(number, prepend=-1))
    windows = pyo.RangeSet(0, len(first) - 1)
    block.add_component(f"{name}_windows", windows)
    month = parameter(block, windows, f"{name}_month", meter.month[counted[first]])
    lengths = np.add.reduceat(meter.timeline.hours[counted], first)
    length, so_far = with_begun(block, windows, name, (lengths, number[0] == 0), begun)
    members = np.split(counted, first[1:])
    steps = pyo.Set(windows, initialize={w: part.tolist() for w, part in enumerate(members)})
    block.add_component(f"{name}_window_steps", steps)

    def mean_below_peak(_b: Any, w: Any) -> Any:
        return so_far[w] + sum(hours[t] * imports[t] for t in steps[w]) <= length[w] * peak[month[w]]

    block.add_component(f"mean_below_{name}", pyo.Constraint(windows, rule=mean_below_peak))


def with_begun(
    block: Any, windows: Any, name: str, known: tuple[Array, bool], begun: OpenWindow | None
) -> tuple[Any, Any]:
    """Return how long each window is and what it has seen before the horizon, as Params.

    `known` are the windows' lengths within the horizon, and whether the first of them is the one that it begins in.
    """
    lengths, is_first = known
    lengths, energies = lengths.copy(), np.zeros(len(lengths))
    if begun is not None and is_first:
        lengths[0] += begun.hours
        energies[0] = begun.energy
    return parameter(block, windows, f"{name}_hours", lengths), parameter(
        block, windows, f"{name}_window_so_far", energies
    )
