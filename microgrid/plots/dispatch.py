"""Dispatch: on each bus what supplies it, what it supplies, and what one more unit would cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

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
from microgrid.plots.numbers import day, larger_unit, short, stock_unit
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

    A horizon of more than ten days is shown by two weeks: the one with the highest import and the one with the least.
    """
    view = View.of(result)
    if not view.buses:
        return None
    windows = weeks(view) if view.days > LONGEST else [Window(view.binned(FINEST), "")]
    rows, plan = _rows(view, tall=2.5 if len(view.buses) < 3 else 1.9)
    sheet = Sheet(view, "Dispatch", rows)
    shared: dict[int, list[Axes]] = {}
    for column, window in enumerate(windows):
        for row, (bus, part) in enumerate(plan):
            axes = sheet.axes(row, column, len(windows))
            shared.setdefault(row, []).append(axes)
            last = row + 1 == len(plan) or plan[row + 1][1] == "flows"
            time_axis(axes, window.view.times[0], window.view.end, 9 if len(windows) == 1 else 7, told=last)
            _draw(axes, view, window, bus, part, column + 1 == len(windows), column == 0)
    for row, beside in shared.items():
        _share(beside, plan[row][1])
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


def _draw(axes: Axes, whole: View, window: Window, bus: str, part: str, last: bool, first: bool) -> None:
    if part == "flows":
        entries = draw_bus(axes, window.view, whole, bus)
        heading(axes, bus_labels(whole)[bus] if first else "", window.title or _note(whole, bus))
    else:
        entries = _draw_prices(axes, window.view, whole, bus)
    if last:
        legend(axes, entries)
    if not first:
        axes.set_ylabel("")


def _share(beside: Sequence[Axes], part: str) -> None:
    """Give axes that stand side by side the same scale."""
    low = min(axes.get_ylim()[0] for axes in beside)
    high = max(axes.get_ylim()[1] for axes in beside)
    for position, axes in enumerate(beside):
        axes.set_ylim(low, high)
        number_axis(axes, at_most=5 if part == "flows" else 3)
        if position:
            axes.tick_params(labelleft=False)


def draw_bus(axes: Axes, view: View, whole: View, bus: str, unit: str = "", factor: float = 1.0) -> list[tuple[Artist, str]]:
    """Draw a bus's stacks over the steps of `view`; return legend entries from the top of the stack down.

    Rates are shown in the bus's unit, or multiplied by `factor` in `unit`.
    """
    flows = [replace(flow, values=flow.values * factor) for flow in view.flows if flow.bus == bus]
    supply = layers(whole, flows, 1.0)
    consumption = layers(whole, [flow for flow in flows if not view.is_load(flow)], -1.0)
    load = view.load(flows)
    top, bottom = sum_of(supply, load), sum_of(consumption, load)
    scale, unit = larger_unit(unit or flows[0].unit, max(float(top.max()), float(load.max()), float(bottom.max())))
    edges = step_edges(view)
    for stack, sign in ((supply, 1.0), (consumption, -1.0)):
        _draw_stack(axes, edges, stack, sign / scale)
    has_load = bool(load.max() > SMALL)
    if has_load:
        _draw_load(axes, edges, load / scale)
    axes.axhline(0, color=FAINT, linewidth=0.7, zorder=3)
    axes.set_ylabel(unit)
    room = 0.06 * float(top.max() + bottom.max()) / scale or 1.0
    low = -float(bottom.max()) / scale - room if consumption else 0.0
    axes.set_ylim(low, max(float(top.max()), float(load.max())) / scale + room)
    number_axis(axes)
    line = [(Line2D([], [], color=INK, linewidth=1.6), "production load")] if has_load else []
    return [*line, *_entries(supply, consumption)]


def sum_of(stack: Sequence[Layer], like: Array) -> Array:
    """Return the height of a stack."""
    return np.asarray(np.sum([np.zeros(len(like)), *(layer.values for layer in stack)], axis=0))


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
    """Return the seven days around the highest import, and the seven days with the least net import.

    Without a grid, the load on electricity stands for the import; without that, all supply.
    """
    measure, word = view.grid("import") - view.grid("export"), "import"
    if not np.abs(measure).max() > SMALL:
        measure, word = view.load(view.electric()), "load"
    if not np.abs(measure).max() > SMALL:
        supply = [np.maximum(flow.values, 0.0) for flow in view.flows]
        measure, word = np.asarray(np.sum(supply, axis=0)), "supply"
    starts = _day_starts(view)
    peak = int(np.searchsorted(starts, int(np.argmax(measure)), side="right")) - 1
    energy = np.add.reduceat(measure * view.hours, starts)
    calmest = int(np.argmin(np.convolve(energy, np.ones(7), mode="valid")))
    firsts = (min(max(peak - 3, 0), len(starts) - 7), calmest)
    titles = (f"highest {word}", f"least {'net ' if word == 'import' else ''}{word}")
    return [_week(view, starts, first, title) for first, title in zip(firsts, titles, strict=True)]


def _day_starts(view: View) -> np.ndarray:
    dates = view.times.normalize()
    return np.flatnonzero(np.concatenate([[True], dates[1:] != dates[:-1]]))


def _week(view: View, starts: np.ndarray, first: int, title: str) -> Window:
    last = int(starts[first + 7]) if first + 7 < len(starts) else len(view.times)
    part = view.cut(int(starts[first]), last)
    return Window(part.binned(FINEST), f"week of {title}, {day(part.times[0])}")
