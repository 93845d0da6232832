"""Load duration curves: how many hours a power is reached or exceeded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from microgrid.plots.canvas import Row, Sheet, drawn, legend, number_axis
from microgrid.plots.numbers import larger_unit, short
from microgrid.plots.palette import ALARM, COLOURS, FAINT, INK, mixed
from microgrid.plots.tracks import SMALL, Array
from microgrid.plots.view import View
from microgrid.results import Result


class Curve(NamedTuple):
    """A power over the steps, to be sorted."""

    name: str
    power: Array
    colour: str
    style: str = "-"


@drawn
def duration(result: Result) -> Figure | None:
    """Draw load, exchange with the grid and residual load of all electricity buses, with the grid's capacity."""
    view = View.of(result)
    curves = [curve for curve in _curves(view) if np.abs(curve.power).max() > SMALL]
    if not curves:
        return None
    sheet = Sheet(view, "Duration curves of electricity", [Row(0.15, 3.4)], right=2.1)
    axes = sheet.axes(0)
    peak = max(float(np.abs(curve.power).max()) for curve in curves)
    scale, unit = larger_unit("kW", peak)
    entries = []
    for curve in curves:
        hours, sorted_power = descending(curve.power / scale, view.weighted_hours)
        (line,) = axes.plot(
            hours, sorted_power, color=curve.colour, linestyle=curve.style, linewidth=1.8, gid=curve.name
        )
        entries.append((line, _told(curve, view, scale, unit)))
    axes.axhline(0, color=FAINT, linewidth=0.7, zorder=1)
    axes.set_xlim(0, float(view.weighted_hours.sum()))
    _limits(axes, [curve.power / scale for curve in curves])
    _capacity(axes, view, scale, unit)
    axes.set_xlabel("hours at or above the power")
    axes.set_ylabel(unit)
    number_axis(axes)
    number_axis(axes, "x", at_most=9)
    legend(axes, entries)
    return sheet.figure


def _curves(view: View) -> list[Curve]:
    load, own = view.load(view.electric()), view.own_generation()
    imports, exports = view.grid("import"), view.grid("export")
    word = "grid import less export" if exports.max() > SMALL else "grid import"
    curves = [
        Curve("production load", load, INK),
        Curve(word, imports - exports, mixed(COLOURS["grid_connection"], "#000000", 0.12)),
    ]
    if own.max() > SMALL and load.max() > SMALL:
        curves.append(
            Curve("load less own generation", load - own, mixed(COLOURS["photovoltaic"], "#000000", 0.18), "--")
        )
    return curves


def descending(values: Array, hours: Array) -> tuple[Array, Array]:
    """Return both edges of each step, sorted from the highest value down, as hours passed and value."""
    order = np.argsort(-values, kind="stable")
    passed = np.concatenate([[0.0], np.cumsum(hours[order])])
    return np.repeat(passed, 2)[1:-1], np.repeat(values[order], 2)


def _limits(axes: Axes, curves: Sequence[Array]) -> None:
    low, high = min(0.0, *(float(c.min()) for c in curves)), max(0.0, *(float(c.max()) for c in curves))
    room = 0.06 * (high - low)
    axes.set_ylim(low - (room if low < 0 else 0.0), high + room)


def _capacity(axes: Axes, view: View, scale: float, unit: str) -> None:
    """Draw the grid connection's capacity; one far beyond all curves is told in words, so as not to press them flat."""
    grids = [asset for asset, kind in view.kinds.items() if kind == "grid_connection"]
    capacity = sum(view.result.sizes.get(asset, {}).get("capacity", 0.0) for asset in grids) / scale
    if not capacity:
        return
    low, high = axes.get_ylim()
    text = f"grid capacity {short(capacity)} {unit}"
    if capacity <= 2.5 * high:
        axes.set_ylim(low, max(high, 1.08 * capacity))
        axes.axhline(capacity, color=ALARM, linewidth=1.1, linestyle=(0, (4, 3)), gid="capacity", zorder=2)
        at, offset, place = capacity, (-2, 3), "bottom"
    else:
        at, offset, place, text = high, (-2, -2), "top", f"▲ {text}, above the axis"
    axes.annotate(
        text, (1, at), xycoords=axes.get_yaxis_transform(), xytext=offset, textcoords="offset points",
        ha="right", va=place, size=8.5, color=ALARM,
    )  # fmt: skip


def _told(curve: Curve, view: View, scale: float, unit: str) -> str:
    """Name a curve with its peak and its energy."""
    energy = view.total(curve.power)
    factor, energy_unit = larger_unit("kWh", abs(energy))
    return (
        f"{curve.name}\npeak {short(float(curve.power.max()) / scale)} {unit}, {short(energy / factor)} {energy_unit}"
    )
