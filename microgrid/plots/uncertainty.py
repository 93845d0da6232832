"""What choices cost in each future: one line a choice, one dot a future."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from microgrid.plots.canvas import DPI, WIDTH, clean, drawing, heading, labels, legend, legible, number_axis
from microgrid.plots.palette import INK, RULE

_ROW, _HEAD, _FOOT, _LEFT, _RIGHT = 0.36, 0.95, 0.75, 2.6, 2.4


class Costs(NamedTuple):
    """What a choice costs by future (infinite without a plan), and in the mean."""

    name: str
    by_future: Mapping[str, float]
    expected: float


def draw_costs(name: str, currency: str, choices: Sequence[Costs]) -> Figure:
    """Draw what choices cost a year in each future; what has no plan in one of them is told beside its line."""
    with drawing():
        height = _HEAD + _ROW * max(len(choices), 3) + _FOOT
        figure = Figure(figsize=(WIDTH, height), dpi=DPI)
        FigureCanvasAgg(figure)
        title = f": {clean(name, 60)}" if name.strip() and legible(name) else ""
        figure.text(0.16 / WIDTH, 1 - 0.12 / height, f"What may come{title}", size=12.5, weight="bold", va="top")
        share = (_LEFT / WIDTH, _FOOT / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, 1 - (_HEAD + _FOOT) / height)
        axes = figure.add_axes(share)
        futures = list(choices[0].by_future)
        told = labels(dict.fromkeys(futures, "future"))
        colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(futures)))
        known = [cost for each in choices for cost in each.by_future.values() if math.isfinite(cost)]
        unit = 1e6 if max(map(abs, known), default=0.0) >= 1e6 else 1.0
        entries = []
        for future, colour in zip(futures, colours, strict=True):
            costs = [each.by_future[future] / unit for each in choices]
            (dots,) = axes.plot(costs, range(len(choices)), "o", color=colour, markersize=7, zorder=3)
            entries.append((dots, told[future]))
        expected = [each.expected / unit for each in choices]
        (marks,) = axes.plot(expected, range(len(choices)), "|", color=INK, markersize=15, markeredgewidth=2, zorder=2)
        entries.append((marks, "expected"))
        for row, each in enumerate(choices):
            lines = [cost / unit for cost in each.by_future.values() if math.isfinite(cost)]
            axes.plot([min(lines), max(lines)], [row, row], color=RULE, linewidth=3, zorder=1)
            lacking = [told[future] for future, cost in each.by_future.items() if not math.isfinite(cost)]
            if lacking:
                axes.annotate(
                    f"no plan: {', '.join(lacking)}", (max(lines), row), xytext=(8, -3), textcoords="offset points"
                )
        axes.set_yticks(range(len(choices)), [clean(each.name, 34) for each in choices])
        axes.set_ylim(len(choices) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        number_axis(axes, "x")
        legend(axes, entries)
        heading(axes, "Cost of a year", f"{'million ' if unit > 1 else ''}{currency}, annuities included")
        return figure
