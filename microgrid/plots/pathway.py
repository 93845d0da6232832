"""A pathway: what stands in each stage, by the stage it was built in; money and emissions over the years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from microgrid.plots.canvas import DPI, WIDTH, clean, drawing, heading, legend, legible, number_axis
from microgrid.plots.investment import (
    BAR,
    Swing,
    item_bars,
    scaled_money,
    sum_lines,
    swing_bars,
    width_of_names,
)
from microgrid.plots.numbers import larger_unit
from microgrid.plots.palette import FAINT, INK, mixed

Array = NDArray[np.float64]
BASE = "#0E697B"
_WAYS = ((INK, "-"), (FAINT, "--"), (BASE, ":"))
_LEFT, _RIGHT, _HEIGHT, _GAP, _HEAD = 0.9, 2.0, 1.5, 0.75, 0.55


class Grown(NamedTuple):
    """What stands of a capacity in each stage, by the stage it was built in, for each way of deciding."""

    label: str
    unit: str
    stands: Mapping[str, Mapping[str, Sequence[float]]]


def draw_stages(name: str, years: Sequence[int], grown: Sequence[Grown]) -> Figure:
    """Draw how capacities grow.

    Parameters
    ----------
    years
        The stages.
    grown
        The capacities: by way of deciding (one bar each) and by vintage (one colour each), an amount for each stage.
    """
    with drawing():
        figure, rows = rows_under(f"What stands, stage by stage: {name}", len(grown))
        vintages = list(dict.fromkeys(v for each in grown for ways in each.stands.values() for v in ways))
        shades = np.linspace(0.0, 0.75, max(len(vintages), 1))
        colours = {v: mixed(BASE, "#FFFFFF", float(s)) for v, s in zip(vintages, shades, strict=True)}
        for axes, each in zip(rows, grown, strict=True):
            _bars_of(axes, each, years, colours)
        entries = [(Patch(color=colours[v]), "stood before" if v == "before" else f"built {v}") for v in vintages]
        ways = list(grown[0].stands) if grown else []
        if len(ways) > 1:
            entries += [(Patch(color="white"), f"left bar: {ways[0]}"), (Patch(color="white"), f"right bar: {ways[1]}")]
        legend(rows[0], entries)
        return figure


def _bars_of(axes: Axes, each: Grown, years: Sequence[int], colours: Mapping[str, str]) -> None:
    most = max((sum(v[s] for v in w.values()) for w in each.stands.values() for s in range(len(years))), default=0.0)
    factor, unit = larger_unit(each.unit, most)
    width = 0.8 / len(each.stands)
    for place, ways in enumerate(each.stands.values()):
        at = np.arange(len(years)) + (place - (len(each.stands) - 1) / 2) * width
        below = np.zeros(len(years))
        for vintage, amounts in ways.items():
            heights = np.asarray(amounts) / factor
            axes.bar(
                at, heights, bottom=below, width=0.92 * width, color=colours[vintage], edgecolor=INK, linewidth=0.3
            )
            below = below + heights
    axes.set_xticks(range(len(years)), [str(year) for year in years])
    axes.set_xlim(-0.6, len(years) - 0.4)
    axes.set_ylim(bottom=0.0)
    number_axis(axes)
    heading(axes, clean(each.label, 40) if legible(each.label) else "capacity", unit)


def draw_years(name: str, currency: str, begin: int, paid: Mapping[str, Array], emitted: Mapping[str, Array]) -> Figure:
    """Draw what the path pays in each year, by item, and what it emits, for each way of deciding.

    Parameters
    ----------
    begin
        Calendar year of the path's begin.
    paid
        By item, received above zero, shape (years + 1,).
    emitted
        By way of deciding, kgCO2e a year, shape (years,).
    """
    with drawing():
        figure, (money, carbon) = rows_under(f"Money and emissions over the years: {name}", 2)
        largest = max((float(np.abs(flows).max()) for flows in paid.values()), default=0.0)
        factor, unit = scaled_money(currency, largest)
        entries = item_bars(money, {item: flows / factor for item, flows in paid.items()}, begin)
        legend(money, [(patch, item) for item, patch in entries.items()])
        heading(money, "With perfect foresight", f"{unit} a year, at its end (1 January); above zero: received")
        factor, unit = larger_unit("kgCO2e", max(float(values.max(initial=0.0)) for values in emitted.values()))
        lines = []
        for (way, values), (colour, style) in zip(
            emitted.items(), ((INK, "-"), (FAINT, "--"), (BASE, ":")), strict=False
        ):
            at = begin + np.arange(len(values) + 1)
            (line,) = carbon.plot(
                at, np.append(values, values[-1:]) / factor, color=colour, linestyle=style, drawstyle="steps-post"
            )
            lines.append((line, way))
        carbon.set_ylim(bottom=min(0.0, carbon.get_ylim()[0]))
        number_axis(carbon)
        legend(carbon, lines)
        heading(carbon, "Emissions", f"{unit} a year")
        for axes in (money, carbon):
            axes.set_xlim(begin - 0.6, begin + len(next(iter(paid.values()))) - 0.4)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        return figure


def draw_beside(name: str, currency: str, begin: int, items: Mapping[str, Array], rate: float) -> Figure:
    """Draw what the path brings in each year beside its reference, by item, and the sum so far; as `draw_years`."""
    with drawing():
        figure, (bars, sums) = rows_under(f"Beside the reference: {name}", 2)
        net = np.asarray(sum(items.values()))
        factor, unit = scaled_money(currency, max(float(np.abs(net.cumsum()).max()), float(np.abs(net).max())))
        entries = item_bars(bars, {item: flows / factor for item, flows in items.items()}, begin)
        legend(bars, [(patch, item) for item, patch in entries.items()])
        heading(bars, "Each year", f"{unit} a year, at its end (1 January); above zero: received")
        sum_lines(sums, net / factor, rate, begin)
        heading(sums, "Sum so far", f"{unit}; crosses zero at the payback")
        return figure


def draw_swings(name: str, currency: str, swings: Sequence[Swing], worth: float) -> Figure:
    """Draw what each assumption moves the net present value of a path to."""
    with drawing():
        height = BAR * max(len(swings), 2)
        figure, (axes,) = rows_under(f"What it depends on: {name}", 1, width_of_names(swings), 0.6, height)
        swing_bars(axes, swings, worth, currency)
        return figure


def rows_under(
    title: str, count: int, left: float = _LEFT, right: float = _RIGHT, height: float = _HEIGHT
) -> tuple[Figure, list[Axes]]:
    """Return a figure with rows of axes under a title; sizes in inches."""
    whole = _HEAD + count * (height + _GAP)
    figure = Figure(figsize=(WIDTH, whole), dpi=DPI)
    FigureCanvasAgg(figure)
    shown = title if legible(title) else title.partition(":")[0]
    figure.text(0.16 / WIDTH, 1 - 0.12 / whole, clean(shown, 90), size=12.5, weight="bold", va="top")
    rows = []
    for row in range(count):
        bottom = whole - _HEAD - (row + 1) * height - row * _GAP - 0.3
        rows.append(figure.add_axes((left / WIDTH, bottom / whole, (WIDTH - left - right) / WIDTH, height / whole)))
    return figure, rows
