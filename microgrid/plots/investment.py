"""Money over the years, and how much it depends on what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from microgrid.plots.canvas import WIDTH, Row, Sheet, drawing, heading, legend, money, number_axis
from microgrid.plots.palette import FAINT, INK, OTHER
from microgrid.plots.view import View
from microgrid.results import Result

Array = NDArray[np.float64]

ITEM_COLOURS = {
    "investment": "#3C3F44",
    "grant": "#A9D3B8",
    "replacement": "#894D29",
    "residual value": "#B5A678",
    "energy": "#5B90C4",
    "demand": "#183747",
    "revenue": "#F0BC18",
    "fixed": "#9AA0A6",
    "operation": "#E0C2EB",
    "wear": "#24A33A",
    "start": "#EA4110",
    "carbon": "#5D3B8A",
    "carbon allowances": "#9C86B8",
    "unserved": "#D6006E",
    "tax": "#B3001B",
}
LESS, MORE = "#5B90C4", "#F0BC18"
BAR = 0.32


def money_over_years(result: Result, items: Mapping[str, Array], rate: float) -> Figure:
    """Draw what a plan pays and receives more than its reference in each year, and the sum so far.

    Parameters
    ----------
    result
        The plan, for names and currency.
    items
        By item, one amount a year, shape (years + 1,), what is received above zero.
    rate
        Discount rate.
    """
    with drawing():
        view = View.of(result)
        sheet = Sheet(view, "Money over the years", [Row(0.34, 2.6), Row(0.6, 1.7)])
        net = np.asarray(sum(items.values()))
        largest = max(float(np.abs(net.cumsum()).max()), float(np.abs(net).max()))
        factor, unit = scaled_money(money(view), largest)
        bars, sums = sheet.axes(0), sheet.axes(1)
        entries = item_bars(bars, {item: flows / factor for item, flows in items.items()})
        legend(bars, [(patch, item) for item, patch in entries.items()])
        heading(bars, "Beside the reference", f"{unit} a year; received above zero, paid below")
        sum_lines(sums, net / factor, rate)
        heading(sums, "Sum so far", f"{unit}; crosses zero at the payback")
        return sheet.figure


def scaled_money(currency: str, largest: float) -> tuple[float, str]:
    """Return what to divide money by, and the unit then."""
    return (1e6, f"million {currency}") if largest >= 1e6 else (1.0, currency)


def item_bars(axes: Axes, items: Mapping[str, Array], begin: int = 0) -> dict[str, Patch]:
    """Draw what is received and paid by item, year by year from `begin` on; return the legend's entries."""
    entries: dict[str, Patch] = {}
    up, down = (np.zeros(len(next(iter(items.values())))) for _ in range(2))
    for item, flows in items.items():
        if not np.abs(flows).max() > 0:
            continue
        base = "incentive" if item.startswith("incentive") else item
        colour = ITEM_COLOURS.get(base, OTHER)
        bottom = np.where(flows >= 0, up, down)
        axes.bar(begin + np.arange(len(flows)), flows, bottom=bottom, color=colour, width=0.8)
        up, down = up + np.maximum(flows, 0.0), down + np.minimum(flows, 0.0)
        entries[item] = Patch(color=colour)
    axes.axhline(0, color=INK, linewidth=0.8)
    number_axis(axes)
    _year_axis(axes, begin, len(up))
    return entries


def _year_axis(axes: Axes, begin: int, count: int) -> None:
    axes.set_xlim(begin - 0.6, begin + count - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))


def sum_lines(axes: Axes, net: Array, rate: float, begin: int = 0) -> None:
    """Draw the sum of flows up to each year, as paid and discounted."""
    years = np.arange(len(net))
    (plain,) = axes.plot(begin + years, net.cumsum(), color=INK, linewidth=1.6)
    present = net * (1 + rate) ** -years
    (worth,) = axes.plot(begin + years, present.cumsum(), color=FAINT, linewidth=1.6, linestyle="--")
    axes.axhline(0, color=INK, linewidth=0.8)
    _year_axis(axes, begin, len(net))
    axes.set_xlabel("year")
    number_axis(axes)
    legend(axes, [(plain, "as paid"), (worth, f"discounted, {rate:.1%}")])


Swing = tuple[str, str, str, float, float]
"""An assumption's name, less, more, and the value with each."""


def tornado(result: Result, swings: Sequence[Swing], worth: float) -> Figure:
    """Draw what each assumption moves the net present value to: its name, less, more, and the value with each."""
    with drawing():
        view = View.of(result)
        rows = [Row(0.45, BAR * max(len(swings), 2))]
        sheet = Sheet(view, "What it depends on", rows, left=width_of_names(swings), right=0.6)
        swing_bars(sheet.axes(0), swings, worth, money(view))
        return sheet.figure


def width_of_names(swings: Sequence[Swing]) -> float:
    """Return the inches that the names of assumptions take."""
    widest = max(len(f"{name} ({less} to {more})") for name, less, more, *_ in swings)
    return min(0.35 + 0.068 * widest, 0.45 * WIDTH)


def swing_bars(axes: Axes, swings: Sequence[Swing], worth: float, currency: str) -> None:
    """Draw a tornado."""
    factor, unit = scaled_money(currency, max(abs(v) for *_, low, high in swings for v in (low, high)))
    for place, (_, _, _, low, high) in enumerate(swings):
        axes.barh(place, (low - worth) / factor, left=worth / factor, color=LESS, height=0.6)
        axes.barh(place, (high - worth) / factor, left=worth / factor, color=MORE, height=0.6)
    axes.set_yticks(range(len(swings)), [f"{name} ({less} to {more})" for name, less, more, *_ in swings])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.axvline(worth / factor, color=INK, linewidth=0.8)
    axes.axvline(0, color=FAINT, linewidth=0.8, linestyle=":")
    number_axis(axes, "x")
    heading(axes, "Net present value", f"{unit}; blue with less, yellow with more; dotted: zero")
