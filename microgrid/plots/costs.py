"""Costs and carbon: line by line up to the total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from microgrid.plots.canvas import WIDTH, Row, Sheet, asset_labels, clean, drawn, heading, legible, money, number_axis
from microgrid.plots.ledgers import BASES, by_basis, by_category, carbon_unit, takes_exports_off, total_of
from microgrid.plots.numbers import amount, decimals_for, larger_unit
from microgrid.plots.palette import FAINT, INK, OTHER, RELIEF_COLOURS
from microgrid.plots.view import View
from microgrid.results import Result

MOST_BARS = 14
BAR = 0.27
"""Height of a bar with its gap, in inches."""


class Bar(NamedTuple):
    """One line of the money ledger."""

    label: str
    amount: float
    colour: str


class Emitted(NamedTuple):
    """One line of the carbon ledger, by location and by market."""

    label: str
    location: float
    market: float
    colour: str


@drawn
def costs(result: Result) -> Figure | None:
    """Draw the money ledger as a waterfall, and the carbon ledger on both bases."""
    view = View.of(result)
    bars, emitted = cost_bars(view), emission_bars(view)
    if not (bars or emitted):
        return None
    rows = []
    if bars:
        rows.append(Row(0.30, BAR * (len(bars) + 1)))
    if emitted:
        rows.append(Row(0.95 if bars else 0.30, 1.6 * BAR * (len(emitted))))
    words = ["Costs"] * bool(bars) + ["carbon" if bars else "Carbon"] * bool(emitted)
    widest = max(len(label) for label in [*(bar.label for bar in bars), *(bar.label for bar in emitted)])
    sheet = Sheet(view, " and ".join(words), rows, None, left=min(0.35 + 0.068 * widest, 0.4 * WIDTH), right=1.25)
    if bars:
        _draw_waterfall(sheet.axes(0), bars, view)
    if emitted:
        _draw_carbon(sheet.axes(len(rows) - 1), emitted, carbon_unit(view.manifest))
    return sheet.figure


def cost_bars(view: View) -> list[Bar]:
    """Return what each line costs, by category, without those that cost nothing; many small ones together."""
    frame = view.result.costs
    if frame.empty:
        return []
    names = asset_labels(view)
    table = by_category(frame)
    largest = float(table["amount"].abs().max())
    bars = []
    for category, asset, line, total in table.itertuples(index=False, name=None):
        if abs(total) > 1e-9 * largest:
            label = f"{category}: {names[asset]}" + (f", {_drawable(line, 'line')}" if line != category else "")
            relief = RELIEF_COLOURS.get(line) if category == "unserved" else None
            bars.append(Bar(label, total, relief or view.colours[asset]))
    return _gathered(bars)


def _drawable(text: str, otherwise: str) -> str:
    return clean(text, 30) if legible(text) else otherwise


def _gathered(bars: list[Bar]) -> list[Bar]:
    if len(bars) <= MOST_BARS:
        return bars
    small = sorted(bars, key=lambda bar: abs(bar.amount))[: len(bars) - MOST_BARS + 1]
    other = Bar(f"{len(small)} smaller lines", sum(bar.amount for bar in small), OTHER)
    return [*(bar for bar in bars if bar not in small), other]


def _draw_waterfall(axes: Axes, bars: Sequence[Bar], view: View) -> None:
    """Each bar begins where the one above it ended; the last is the total."""
    amounts = np.array([bar.amount for bar in bars])
    ends = np.cumsum(amounts)
    begins, total = ends - amounts, float(ends[-1])
    places = np.arange(len(bars) + 1)
    lengths, lefts = [*amounts, total], [*begins, 0.0]
    drawn_bars = axes.barh(places, lengths, left=lefts, height=0.68, color=[*(b.colour for b in bars), INK], zorder=3)
    for patch, bar in zip(drawn_bars, [*bars, None], strict=True):
        patch.set_gid(f"cost:{bar.label if bar else 'total'}")
    for place, end in enumerate(ends):
        axes.plot([end, end], [place - 0.34, place + 1.34], color=FAINT, linewidth=0.7, zorder=2)
    _frame_bars(axes, [*(bar.label for bar in bars), "total"], places)
    decimals = decimals_for(float(np.abs(ends).max()))
    rights = np.maximum(np.array(lefts), np.array(lefts) + np.array(lengths))
    for place, (right, value) in enumerate(zip(rights, lengths, strict=True)):
        weight = "bold" if place == len(bars) else "normal"
        _tell(axes, amount(value, decimals), (right, place), weight)
    axes.set_xlabel(money(view))
    heading(axes, "Costs over the horizon", "each bar begins where the one above it ended")


def _frame_bars(axes: Axes, labels: Sequence[str], places: np.ndarray) -> None:
    axes.set_yticks(places, labels)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_ylim(float(places[-1]) + 0.6, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=4)
    number_axis(axes, "x", at_most=7)
    axes.margins(x=0.02)


def _tell(axes: Axes, text: str, at: tuple[float, float], weight: str) -> None:
    """Write an amount to the right of its bar."""
    axes.annotate(text, at, xytext=(4, 0), textcoords="offset points", va="center", size=8.5, weight=weight)


def emission_bars(view: View) -> list[Emitted]:
    """Return what each line emits, by scope, then the total of scopes 1 and 2; empty where nothing is emitted."""
    frame = view.result.emissions
    if frame.empty:
        return []
    names, bars = asset_labels(view), []
    table = by_basis(frame)
    table = table[(table[list(BASES)].abs() > 1e-9).any(axis=1)]
    off = takes_exports_off(view.manifest)
    for scope, part, asset, line, location, market in table.itertuples(index=False):
        label = f"{_standing(scope, part, view)}: {names[str(asset)]}, {_drawable(line, 'line')}"
        bars.append(Emitted(label, float(location), float(market), view.colours[str(asset)]))
    words = "total of scopes 1 and 2, less exports" if off else "total of scopes 1 and 2"
    total = Emitted(words, total_of(table, off, "location"), total_of(table, off, "market"), INK)
    return [*bars[-(MOST_BARS):], total] if bars else []


def _standing(scope: int, part: str, view: View) -> str:
    """Say where a line of the carbon ledger stands in the account."""
    if not scope:
        return "taken off" if part == "exported" and takes_exports_off(view.manifest) else "apart"
    other = scope == 3 and carbon_unit(view.manifest, "scope_3") != carbon_unit(view.manifest)
    return f"scope {scope}{' in CO2e' if other else ''}"


def _draw_carbon(axes: Axes, bars: Sequence[Emitted], gas: str) -> None:
    largest = max(max(abs(bar.location), abs(bar.market)) for bar in bars)
    scale, unit = larger_unit(gas, largest)
    decimals = decimals_for(largest / scale)
    places = np.arange(len(bars))
    for shift, basis in ((-0.2, "location"), (0.2, "market")):
        values = [getattr(bar, basis) / scale for bar in bars]
        for place, (bar, value) in enumerate(zip(bars, values, strict=True)):
            solid = basis == "location"
            axes.barh(
                place + shift, value, height=0.36, facecolor=bar.colour if solid else "white",
                edgecolor=bar.colour, linewidth=0.9, zorder=3,
                hatch=None if solid else "//////", gid=f"{basis}:{bar.label}",
            )  # fmt: skip
            weight = "bold" if place + 1 == len(bars) else "normal"
            _tell(axes, amount(value, decimals), (max(value, 0.0), place + shift), weight)
    _frame_bars(axes, [bar.label for bar in bars], places)
    axes.set_xlabel(unit)
    entries = [Patch(facecolor=FAINT, edgecolor=FAINT), Patch(facecolor="white", edgecolor=FAINT, hatch="//////")]
    words = [f"{basis}-based" for basis in BASES]
    axes.legend(entries, words, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    heading(axes, "Carbon over the horizon")
