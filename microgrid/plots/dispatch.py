"""Dispatch: on each bus what supplies it, what it supplies, and what one more unit would cost."""

from __future__ import annotations

from matplotlib.figure import Figure

from microgrid.plots.canvas import Row, Sheet, bus_labels, drawn, heading, legend
from microgrid.plots.clock import time_axis
from microgrid.plots.prices import draw_prices, is_steady, note, price_lines
from microgrid.plots.stack import draw_bus, extent
from microgrid.plots.view import View
from microgrid.plots.weeks import FINEST, LONGEST, Window, weeks
from microgrid.results import Result


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
    rows, plan = _rows(view, shown, tall=2.5 if len(view.buses) < 3 else 1.9)
    sheet = Sheet(view, " in the ".join(filter(None, ("Dispatch", windows[which].title))), rows, shown)
    for row, (bus, part) in enumerate(plan):
        axes = sheet.axes(row)
        time_axis(axes, shown.times[0], shown.end, told=row + 1 == len(plan) or plan[row + 1][1] == "flows")
        if part == "flows":
            ends = [extent(window.view, bus) for window in windows]
            limits = min(low for low, _ in ends), max(high for _, high in ends)
            legend(axes, draw_bus(axes, shown, view, bus, limits))
            heading(axes, bus_labels(view)[bus], note(shown, bus))
        else:
            legend(axes, draw_prices(axes, shown, view, bus))
    return sheet.figure


def _rows(view: View, shown: View, tall: float) -> tuple[list[Row], list[tuple[str, str]]]:
    rows: list[Row] = []
    plan: list[tuple[str, str]] = []
    for bus in view.buses:
        rows.append(Row(0.30 if not rows else 0.72, tall))
        plan.append((bus, "flows"))
        if price_lines(shown, bus) and not is_steady(shown, bus):
            rows.append(Row(0.24, 0.85))
            plan.append((bus, "prices"))
    return rows, plan
