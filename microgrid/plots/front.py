"""What less carbon costs: the front of efficient plans, and the cost of each further tonne."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from microgrid.plots.canvas import DPI, WIDTH, clean, drawing, heading, legible, number_axis
from microgrid.plots.numbers import short
from microgrid.plots.palette import ALARM, FAINT, INK

HEIGHT = 5.6


def draw_front(
    name: str,
    currency: str,
    points: Sequence[tuple[float, float, float]],
    knee: int | None,
    abatement: Sequence[float],
) -> Figure:
    """Draw a front.

    Parameters
    ----------
    points
        Emissions in kgCO2e, cost, and the bound of the cost, the cleanest first.
    knee
        Which of them is the knee.
    abatement
        What a kgCO2e less costs between each point and the next.
    """
    with drawing():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
        FigureCanvasAgg(figure)
        title = f": {clean(name, 62)}" if name.strip() and legible(name) else ""
        figure.text(0.018, 0.975, f"What less carbon costs{title}", size=12.5, weight="bold", va="top")
        above = figure.add_axes((0.12, 0.47, 0.82, 0.38))
        below = figure.add_axes((0.12, 0.1, 0.82, 0.22), sharex=above)
        emitted, cost, bound = (np.array(column) for column in zip(*points, strict=True))
        emitted = emitted / 1000
        unit = 1e6 if np.abs(cost).max() >= 1e6 else 1.0
        above.plot(emitted, cost / unit, color=INK, linewidth=1.4, marker="o", markersize=4)
        above.vlines(emitted, bound / unit, cost / unit, color=ALARM, linewidth=2.0)
        if knee is not None:
            above.plot(emitted[knee], cost[knee] / unit, color=ALARM, marker="o", markersize=8, fillstyle="none")
            note = f"knee: {short(float(emitted[knee]))} t"
            above.annotate(note, (emitted[knee], cost[knee] / unit), xytext=(8, 8), textcoords="offset points")
        heading(above, "Cost", f"{'million ' if unit > 1 else ''}{currency}; red: from the bound to the plan")
        if len(abatement):
            steps = 1000 * np.array(abatement)
            below.stairs(steps, emitted, color=INK, baseline=None, linewidth=1.4)
        below.axhline(0, color=FAINT, linewidth=0.8)
        heading(below, "Cost of one tonne less", f"{currency}/tCO2e, between neighbours")
        below.set_xlabel("emissions, tCO2e")
        for axes in (above, below):
            number_axis(axes)
        number_axis(below, "x", 8)
        above.tick_params(labelbottom=False)
        return figure
