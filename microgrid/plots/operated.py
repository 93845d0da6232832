"""What foresight is worth: the net present value lost by item, and what each month costs more than foreseen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from microgrid.plots.canvas import drawing, heading, legend, number_axis
from microgrid.plots.investment import BAR, ITEM_COLOURS, scaled_money
from microgrid.plots.palette import ALARM, INK, OTHER
from microgrid.plots.pathway import rows_under

LESS = "#24A33A"


def draw_regret(name: str, currency: str, items: Mapping[str, float]) -> Figure:
    """Draw by item what the investment is worth less as operated than with perfect foresight."""
    with drawing():
        height = BAR * max(len(items), 2)
        figure, (axes,) = rows_under(f"Where the regret comes from: {name}", 1, 1.5, 0.6, height)
        factor, unit = scaled_money(currency, max((abs(value) for value in items.values()), default=0.0))
        for place, (item, value) in enumerate(items.items()):
            axes.barh(place, value / factor, color=ITEM_COLOURS.get(item, OTHER), height=0.6)
        axes.set_yticks(range(len(items)), list(items))
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.axvline(0, color=INK, linewidth=0.8)
        number_axis(axes, "x")
        heading(axes, "Net present value lost", f"{unit}; below zero: gained")
        return figure


def draw_months(name: str, currency: str, months: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw by month what the plant's operation costs with perfect foresight, and how much more as operated."""
    with drawing():
        figure, (costs, more) = rows_under(f"Month by month: {name}", 2)
        places, both = np.arange(len(months)), np.asarray(list(months.values())).reshape(-1, 2)
        factor, unit = scaled_money(currency, float(np.abs(both).max(initial=0.0)))
        costs.bar(places, both[:, 0] / factor, color=ITEM_COLOURS["energy"], width=0.7)
        heading(costs, "Operation with perfect foresight", unit)
        gap = both[:, 1] - both[:, 0]
        factor, unit = scaled_money(currency, float(np.abs(gap).max(initial=0.0)))
        more.bar(places, gap / factor, color=np.where(gap >= 0, ALARM, LESS).tolist(), width=0.7)
        more.axhline(0, color=INK, linewidth=0.8)
        heading(more, "As operated, beyond that", unit)
        legend(more, [(Patch(color=ALARM), "costs more"), (Patch(color=LESS), "costs less")])
        for axes in (costs, more):
            axes.set_xticks(places, list(months), rotation=0 if len(months) < 8 else 30)
            number_axis(axes)
        return figure
