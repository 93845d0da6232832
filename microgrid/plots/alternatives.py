"""What could be built for nearly the same cost: the range of each size, and the plans within it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from microgrid.plots.canvas import DPI, WIDTH, clean, drawing, heading, legible, number_axis
from microgrid.plots.numbers import larger_unit
from microgrid.plots.palette import ALARM, INK

_ROW, _GAP, _HEAD, _LEFT, _RIGHT = 0.32, 0.62, 0.62, 0.5, 0.5


class Ranged(NamedTuple):
    """A size: its name, unit and most possible; its range; the cheapest plan's; those of all plans."""

    label: str
    unit: str
    high: float
    least: float
    most: float
    cheapest: float
    others: Sequence[float]


def draw_ranges(name: str, within: str, sizes: Sequence[Ranged]) -> Figure:
    """Draw the range of each size within a share of the least cost; the axis goes up to the most that may be built."""
    with drawing():
        height = _HEAD + len(sizes) * (_ROW + _GAP) + 0.25
        figure = Figure(figsize=(WIDTH, height), dpi=DPI)
        FigureCanvasAgg(figure)
        title = f": {clean(name, 50)}" if name.strip() and legible(name) else ""
        text = f"What else could be built{title}"
        figure.text(0.16 / WIDTH, 1 - 0.12 / height, text, size=12.5, weight="bold", va="top")
        for row, each in enumerate(sizes):
            bottom = height - _HEAD - (row + 1) * (_ROW + _GAP) + 0.42
            share = (_LEFT / WIDTH, bottom / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, _ROW / height)
            note = f"; within {within} of the least cost, red: the cheapest plan, dots: other plans" if not row else ""
            _draw(figure.add_axes(share), each, note)
        return figure


def _draw(axes: Axes, each: Ranged, note: str) -> None:
    factor, unit = larger_unit(each.unit, each.high)
    axes.barh(0, (each.most - each.least) / factor, left=each.least / factor, color="#C5DDE3", height=0.7)
    axes.plot([size / factor for size in each.others], [0.0] * len(each.others), "o", color=INK, markersize=3.5)
    axes.plot([each.cheapest / factor] * 2, [-0.45, 0.45], color=ALARM, linewidth=2.2)
    axes.set_yticks([])
    axes.set_ylim(-0.5, 0.5)
    axes.set_xlim(0.0, 1.02 * each.high / factor if each.high > 0 else 1.0)
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)
    number_axis(axes, "x", 8)
    heading(axes, clean(each.label, 40) if legible(each.label) else "size", f"{unit}{note}")
