"""Prices on a bus: what one more unit would cost, beside what the tariff charges and pays."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from microgrid.plots.canvas import money, number_axis
from microgrid.plots.clock import step_edges, twice
from microgrid.plots.numbers import short, stock_unit
from microgrid.plots.palette import COLOURS, FAINT, mixed
from microgrid.plots.tracks import Array
from microgrid.plots.view import BOUGHT_OR_SOLD, View, is_carbon, last_goal

BUS_PRICE = "#5B2A86"
TARIFF_COLOURS = (COLOURS["grid_connection"], COLOURS["supply"], mixed(COLOURS["grid_connection"], "#FFFFFF", 0.45))


def price_lines(view: View, bus: str) -> list[tuple[str, Array, str, float]]:
    """Return name, values, colour and width of each price on a bus."""
    lines = [
        (f"{way} price", view.tariffs[bus, way], colour, 2.4)
        for way, colour in zip(BOUGHT_OR_SOLD, TARIFF_COLOURS, strict=True)
        if (bus, way) in view.tariffs
    ]
    if bus in view.prices:
        lines.append(("bus price", view.prices[bus], BUS_PRICE, 1.2))
    return lines


def draw_prices(axes: Axes, view: View, whole: View, bus: str) -> list[tuple[Artist, str]]:
    """Draw the prices of a bus over the steps of `view`; return legend entries."""
    edges = step_edges(view)
    entries: list[tuple[Artist, str]] = []
    for name, values, colour, width in price_lines(view, bus):
        (line,) = axes.plot(edges, twice(values), color=colour, linewidth=width, gid=name, zorder=3)
        entries.append((line, name))
    low, high = _price_range(whole, bus)
    axes.set_ylim(low, high)
    if low < 0 < high:
        axes.axhline(0, color=FAINT, linewidth=0.7, zorder=2)
    axes.set_ylabel(_price_unit(whole, bus))
    number_axis(axes, at_most=3)
    _mark_beyond(axes, view, bus, (low, high))
    return entries


def is_steady(view: View, bus: str) -> bool:
    """Tell whether the prices on a bus hardly change, so that a sentence says it all."""
    lines = [values[np.isfinite(values)] for _, values, _, _ in price_lines(view, bus)]
    return all(np.ptp(values) <= max(1e-6, 0.03 * np.abs(values).max()) for values in lines)


def note(view: View, bus: str) -> str:
    """Return what stands behind the name of a bus: which way is which, once, and prices that hardly change."""
    lines = price_lines(view, bus)
    words = ["supply above zero, consumption below"] if bus == next(iter(view.buses)) else []
    if lines and is_steady(view, bus):
        unit = _price_unit(view, bus)
        for name, values, _, _ in lines:
            ends = dict.fromkeys((short(float(np.nanmin(values))), short(float(np.nanmax(values)))))
            words.append(f"{name} {' to '.join(ends)} {unit}")
    return "; ".join(words)


def _price_unit(view: View, bus: str) -> str:
    """Return the unit of prices on a bus: the goal that was solved last pays in money, or in emissions."""
    paid = "kgCO2e" if is_carbon(last_goal(view)) else money(view)
    return f"{paid}/{stock_unit(view.buses[bus][0].unit)}"


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
        low = min(low, float(finite.min())) if finite.min() >= low - 0.5 * span else low
        high = max(high, float(finite.max())) if finite.max() <= high + 0.5 * span else high
    room = 0.12 * (high - low or 1.0)
    return (low - room if low < 0 else 0.0), high + room


def _mark_beyond(axes: Axes, view: View, bus: str, limits: tuple[float, float]) -> None:
    """Say at the edge what does not fit: the highest and the lowest price beyond the axis."""
    price = view.prices.get(bus)
    if price is None or not np.isfinite(price).any():
        return
    edges = step_edges(view)
    for worst, beyond, above in (
        (int(np.nanargmax(price)), np.nanmax(price) > limits[1], True),
        (int(np.nanargmin(price)), np.nanmin(price) < limits[0], False),
    ):
        if beyond:
            x = (edges[2 * worst] + edges[2 * worst + 1]) / 2
            side = "left" if x < (edges[0] + edges[-1]) / 2 else "right"
            words = ["▲" if above else "▼", short(price[worst])]
            axes.annotate(
                " ".join(words if side == "left" else reversed(words)), (x, float(above)),
                xycoords=axes.get_xaxis_transform(), ha=side, textcoords="offset points",
                xytext=(-4 if side == "left" else 4, 1 if above else -1),
                va="bottom" if above else "top", size=7.5, color=BUS_PRICE, annotation_clip=False,
            )  # fmt: skip
