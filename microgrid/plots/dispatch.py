"""Dispatch: on each bus what supplies it, what it supplies, and what one more unit would cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from microgrid.plant import COST_COLUMNS
from microgrid.plots.canvas import (
    Row,
    Sheet,
    asset_labels,
    bus_labels,
    drawn,
    heading,
    legend,
    money,
    number_axis,
    step_edges,
    time_axis,
    twice,
)
from microgrid.plots.numbers import larger_unit, short, stock_unit
from microgrid.plots.palette import COLOURS, FAINT, INK, OTHER, RELIEF_COLOURS, mixed, rank
from microgrid.plots.view import BOUGHT_OR_SOLD, SMALL, Array, Track, View
from microgrid.results import Result

LONGEST = 10.5
"""Days beyond which single steps are shown for two weeks only."""
FINEST = 3000
MOST_LAYERS = 9
BUS_PRICE = "#5B2A86"
TARIFF_COLOURS = (COLOURS["grid_connection"], COLOURS["supply"], mixed(COLOURS["grid_connection"], "#FFFFFF", 0.45))


@dataclass(frozen=True, eq=False)
class Layer:
    """What one asset gives to a bus or takes from it, as one colour of a stack."""

    key: str
    label: str
    colour: str
    values: Array
    loud: bool = False


class Window(NamedTuple):
    """A part of the horizon that is shown, and why."""

    view: View
    title: str


@drawn
def dispatch(result: Result) -> Figure | None:
    """Draw each bus: supply above zero, consumption below, production load as a line, prices underneath.

    Of a horizon of more than ten days, the week of the highest import is shown.
    """
    return _picture(View.of(result), 0)


@drawn
def dispatch_least(result: Result) -> Figure | None:
    """Draw the week of the least net import, on the scale of `dispatch`; None for a shorter horizon."""
    view = View.of(result)
    return _picture(view, 1) if view.days > LONGEST else None


def _picture(view: View, which: int) -> Figure | None:
    if not view.buses:
        return None
    windows = weeks(view) if view.days > LONGEST else [Window(view.binned(FINEST), "")]
    shown = windows[which].view
    rows, plan = _rows(view, tall=2.5 if len(view.buses) < 3 else 1.9)
    sheet = Sheet(view, " in the ".join(filter(None, ("Dispatch", windows[which].title))), rows, shown)
    for row, (bus, part) in enumerate(plan):
        axes = sheet.axes(row)
        time_axis(axes, shown.times[0], shown.end, told=row + 1 == len(plan) or plan[row + 1][1] == "flows")
        if part == "flows":
            ends = [extent(window.view, bus) for window in windows]
            limits = min(low for low, _ in ends), max(high for _, high in ends)
            legend(axes, draw_bus(axes, shown, view, bus, limits))
            heading(axes, bus_labels(view)[bus], _note(view, bus))
        else:
            legend(axes, _draw_prices(axes, shown, view, bus))
    return sheet.figure


def _rows(view: View, tall: float) -> tuple[list[Row], list[tuple[str, str]]]:
    rows, plan = [], []
    for bus in view.buses:
        rows.append(Row(0.30 if not rows else 0.72, tall))
        plan.append((bus, "flows"))
        if _price_lines(view, bus) and not _steady_price(view, bus):
            rows.append(Row(0.12, 0.85))
            plan.append((bus, "prices"))
    return rows, plan


def extent(view: View, bus: str) -> tuple[float, float]:
    """Return how far the stacks of a bus reach below and above zero, in the bus's unit."""
    flows = [flow for flow in view.flows if flow.bus == bus]
    up = np.sum([np.maximum(flow.values, 0.0) for flow in flows], axis=0)
    down = np.sum([np.minimum(flow.values, 0.0) for flow in flows], axis=0)
    load = view.load(flows)
    return float((down + load).min()), float(np.maximum(up, load).max())


def draw_bus(
    axes: Axes, view: View, whole: View, bus: str, limits: tuple[float, float], unit: str = "", factor: float = 1.0
) -> list[tuple[Artist, str]]:
    """Draw a bus's stacks over the steps of `view`; return legend entries from the top of the stack down.

    Parameters
    ----------
    limits
        How far the axis must reach, in the bus's unit.
    unit, factor
        Another unit to show, and what to multiply by.
    """
    low, high = limits[0] * factor, limits[1] * factor
    scale, unit = larger_unit(unit or whole.buses[bus][0].unit, max(-low, high))
    flows = [replace(flow, values=flow.values * factor / scale) for flow in view.flows if flow.bus == bus]
    supply = layers(whole, flows, 1.0)
    consumption = layers(whole, [flow for flow in flows if not view.is_load(flow)], -1.0)
    edges, load = step_edges(view), view.load(flows)
    for stack, sign in ((supply, 1.0), (consumption, -1.0)):
        _draw_stack(axes, edges, stack, sign)
    has_load = any(view.is_load(flow) and flow.moves for flow in flows)
    if has_load:
        _draw_load(axes, edges, load)
    axes.axhline(0, color=FAINT, linewidth=0.7, zorder=3)
    axes.set_ylabel(unit)
    room = 0.06 * (high - low) or 1.0
    axes.set_ylim((low - room * (low < -SMALL)) / scale, (high + room) / scale)
    number_axis(axes)
    line = [(Line2D([], [], color=INK, linewidth=1.6), "production load")] if has_load else []
    return [*line, *_entries(supply, consumption)]


def layers(view: View, flows: Sequence[Track], sign: float) -> list[Layer]:
    """Return what flows one way as layers, one for each asset, from the axis outwards; many small ones together."""
    names, found = asset_labels(view), {}
    for flow in flows:
        values = np.maximum(sign * flow.values, 0.0)
        if values.max(initial=0.0) <= SMALL:
            continue
        key = f"{flow.asset}:{flow.name}" if flow.is_relief else flow.asset
        if key in found:
            found[key] = replace(found[key], values=found[key].values + values)
        elif flow.is_relief:
            found[key] = Layer(key, f"{flow.name}: {names[flow.asset]}", RELIEF_COLOURS[flow.name], values, loud=True)
        else:
            found[key] = Layer(key, names[flow.asset], view.colours[flow.asset], values)
    assets = sorted(found.values(), key=lambda layer: (layer.loud, rank(view.kinds.get(layer.key, ""))))
    return _gathered(assets)


def _gathered(stack: list[Layer]) -> list[Layer]:
    """Put the smallest layers of a long stack together."""
    if len(stack) <= MOST_LAYERS:
        return stack
    small = sorted((s for s in stack if not s.loud), key=lambda s: float(s.values.sum()))[: len(stack) - MOST_LAYERS + 1]
    kept = [layer for layer in stack if layer not in small]
    other = Layer("other", f"other ({len(small)})", OTHER, np.sum([s.values for s in small], axis=0))
    return [*(s for s in kept if not s.loud), other, *(s for s in kept if s.loud)]


def _draw_stack(axes: Axes, edges: Array, stack: Sequence[Layer], factor: float) -> None:
    base = np.zeros(len(edges))
    side = "supply" if factor > 0 else "consumption"
    for layer in stack:
        top = base + twice(layer.values) * factor
        axes.fill_between(
            edges, base, top, facecolor=layer.colour, edgecolor="white" if layer.loud else "none", linewidth=0, antialiased=False,
            hatch="////" if layer.loud else None, gid=f"{side}:{layer.key}", zorder=2,
        )  # fmt: skip
        base = top


def _draw_load(axes: Axes, edges: Array, load: Array) -> None:
    axes.plot(edges, twice(load), color="white", linewidth=3.0, alpha=0.75, zorder=4, solid_joinstyle="miter")
    axes.plot(edges, twice(load), color=INK, linewidth=1.5, zorder=5, gid="load", solid_joinstyle="miter")


def _entries(supply: Sequence[Layer], consumption: Sequence[Layer]) -> Iterator[tuple[Artist, str]]:
    """One entry an asset: where it stands, above or below zero, says what it does."""
    both = {layer.key: layer for layer in (*reversed(supply), *consumption)}
    for layer in both.values():
        hatch = {"hatch": "////", "edgecolor": "white"} if layer.loud else {"edgecolor": "none"}
        yield Patch(facecolor=layer.colour, **hatch), layer.label  # type: ignore[arg-type]


def _price_lines(view: View, bus: str) -> list[tuple[str, Array, str, float]]:
    """Return name, values, colour and width of each price on a bus."""
    lines = [
        (f"{way} price", view.tariffs[bus, way], colour, 2.4)
        for way, colour in zip(BOUGHT_OR_SOLD, TARIFF_COLOURS, strict=True)
        if (bus, way) in view.tariffs
    ]
    if bus in view.prices:
        lines.append(("bus price", view.prices[bus], BUS_PRICE, 1.2))
    return lines


def _draw_prices(axes: Axes, view: View, whole: View, bus: str) -> list[tuple[Artist, str]]:
    edges, entries = step_edges(view), []
    for name, values, colour, width in _price_lines(view, bus):
        (line,) = axes.plot(edges, twice(values), color=colour, linewidth=width, gid=name, solid_joinstyle="miter", zorder=3)
        entries.append((line, name))
    low, high = _price_range(whole, bus)
    axes.set_ylim(low, high)
    if low < 0 < high:
        axes.axhline(0, color=FAINT, linewidth=0.7, zorder=2)
    axes.set_ylabel(_price_unit(whole, bus))
    number_axis(axes, at_most=3)
    _mark_beyond(axes, view, bus, (low, high))
    return entries


def _steady_price(view: View, bus: str) -> bool:
    """Tell whether no price on a bus ever changes, so that a sentence says it all."""
    return all(np.ptp(values[np.isfinite(values)]) <= 1e-6 for _, values, _, _ in _price_lines(view, bus))


def _note(view: View, bus: str) -> str:
    lines = _price_lines(view, bus)
    words = ["supply above zero, consumption below"]
    if lines and _steady_price(view, bus):
        words += [f"{name} {short(float(np.nanmean(values)))} {_price_unit(view, bus)} throughout" for name, values, _, _ in lines]
    return "; ".join(words)


def _price_unit(view: View, bus: str) -> str:
    """A bus price is what the last goal would pay: money, or emissions."""
    goal = str((view.manifest.get("objective") or {}).get("goals", ["cost"])[-1])
    return f"{money(view) if goal in COST_COLUMNS else 'kgCO2e'}/{stock_unit(view.buses[bus][0].unit)}"


def _price_range(view: View, bus: str) -> tuple[float, float]:
    """Return a range that holds all tariffs, and the bus price but for its rare spikes."""
    tariffs = [view.tariffs[bus, way] for way in BOUGHT_OR_SOLD if (bus, way) in view.tariffs]
    price = view.prices.get(bus, np.zeros(0))
    finite = price[np.isfinite(price)]
    usual = np.quantile(finite, [0.03, 0.97]) if len(finite) else np.zeros(0)
    held = np.concatenate([*tariffs, usual, [0.0]])
    low, high = float(held.min()), float(held.max())
    span = high - low or 1.0
    if len(finite):
        low = float(finite.min()) if finite.min() >= low - 0.5 * span else low
        high = float(finite.max()) if finite.max() <= high + 0.5 * span else high
    room = 0.12 * (high - low or 1.0)
    return (low - room if low < 0 else 0.0), high + room


def _mark_beyond(axes: Axes, view: View, bus: str, limits: tuple[float, float]) -> None:
    """Say what does not fit: the highest and the lowest price beyond the axis."""
    price = view.prices.get(bus)
    if price is None or not np.isfinite(price).any():
        return
    edges = step_edges(view)
    for worst, beyond, at, sign in (
        (int(np.nanargmax(price)), np.nanmax(price) > limits[1], 1.0, "▲"),
        (int(np.nanargmin(price)), np.nanmin(price) < limits[0], 0.0, "▼"),
    ):
        if beyond:
            x = (edges[2 * worst] + edges[2 * worst + 1]) / 2
            share = (x - edges[0]) / (edges[-1] - edges[0])
            where = {"ha": "left" if share < 0.5 else "right", "va": "top" if at else "bottom"}
            text = f"{sign} up to {short(price[worst])}" if at else f"{sign} down to {short(price[worst])}"
            axes.text(x, at, text, transform=axes.get_xaxis_transform(), size=8, color=BUS_PRICE, zorder=6, **where)  # type: ignore[arg-type]


def weeks(view: View) -> list[Window]:
    """Return the seven days of the highest import, and the seven days with the least net import.

    Where several weeks reach the same highest import, as under a limit, the one that imports most stands for them.
    Without a grid, the load on electricity stands for the import; without that, all supply.
    """
    measure, word = _stressed(view)
    starts = day_starts(view.times)
    energy = np.convolve(np.add.reduceat(measure * view.hours, starts), np.ones(7), mode="valid")
    peaks = np.lib.stride_tricks.sliding_window_view(np.maximum.reduceat(measure, starts), 7).max(axis=1)
    hardest = int(np.argmax(np.where(peaks >= 0.999 * peaks.max(), energy, -np.inf)))
    titles = (f"week of the highest {word}", f"week of the least {'net ' if word == 'import' else ''}{word}")
    firsts = (hardest, int(np.argmin(energy)))
    return [_week(view, starts, first, title) for first, title in zip(firsts, titles, strict=True)]


def _stressed(view: View) -> tuple[Array, str]:
    for measure, word in ((view.grid("import") - view.grid("export"), "import"), (view.load(view.electric()), "load")):
        if np.abs(measure).max() > SMALL:
            return measure, word
    return np.asarray(np.sum([np.maximum(flow.values, 0.0) for flow in view.flows], axis=0)), "supply"


def day_starts(times: pd.DatetimeIndex) -> NDArray[np.intp]:
    """Return the first step of each local day."""
    dates = times.normalize()
    return np.flatnonzero(np.concatenate([[True], dates[1:] != dates[:-1]]))


def _week(view: View, starts: NDArray[np.intp], first: int, title: str) -> Window:
    last = int(starts[first + 7]) if first + 7 < len(starts) else len(view.times)
    return Window(view.cut(int(starts[first]), last).binned(FINEST), title)
