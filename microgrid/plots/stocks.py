"""Stocks: what is stored over time, and when units are on or standing by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from microgrid.plots.canvas import Row, Sheet, asset_labels, drawn, heading, number_axis
from microgrid.plots.clock import point_days, step_edges, time_axis, twice
from microgrid.plots.energy import pieces_of
from microgrid.plots.numbers import amount, duration, larger_unit, short
from microgrid.plots.palette import FAINT, INK, mixed
from microgrid.plots.tracks import Array, Track
from microgrid.plots.view import View
from microgrid.plots.weeks import FINEST, LONGEST, Window, day_starts, weeks
from microgrid.results import Result

COMMITMENT = ("on", "standby")


@drawn
def stocks(result: Result) -> Figure | None:
    """Draw each stock with its capacity, and under them a strip for each unit that is switched."""
    view = View.of(result)
    held, switched = [stock for stock in view.stocks if stock.moves], commitments(view)
    if not (held or switched):
        return None
    long = view.days > LONGEST
    windows = [Window(view, "whole horizon"), weeks(view)[0]] if long else [Window(view.binned(FINEST), "")]
    tall = 1.6 if len(held) < 4 else 1.25
    rows = [Row(0.30 if row == 0 else 0.42, tall) for row in range(len(held))]
    rows += [Row(0.42 if row == 0 else 0.10, 0.26) for row in range(len(switched))]
    sheet = Sheet(view, _title(bool(held), bool(switched)), rows)
    for column, window in enumerate(windows):
        whole = long and column == 0
        for row, name in enumerate([*((s.asset, s.name) for s in held), *((asset, "") for asset in switched)]):
            axes = sheet.axes(row, column, len(windows))
            time_axis(
                axes, window.view.times[0], window.view.end, 9 if len(windows) == 1 else 7, told=row + 1 == len(rows)
            )
            if row < len(held):
                _draw_stock(axes, window, view, name, whole, column + 1 == len(windows))
            else:
                _draw_strip(axes, window.view, view, switched[name[0]], whole, column + 1 == len(windows))
            if column:
                axes.tick_params(labelleft=False)
                axes.set_ylabel("")
    return sheet.figure


def _title(held: bool, switched: bool) -> str:
    return " and ".join(["Stocks"] * held + ["Commitment" if not held else "commitment"] * switched)


def commitments(view: View) -> dict[str, list[Track]]:
    """Return the switched states of each asset that has some: on first, then standby."""
    found: dict[str, list[Track]] = {}
    for name in COMMITMENT:
        for state in view.states:
            if state.name == name:
                found.setdefault(state.asset, []).append(state)
    return found


def capacity_of(view: View, stock: Track) -> float | None:
    """Return the size that a stock is measured against, as the asset's own claims name it."""
    sizes = view.result.sizes.get(stock.asset, {})
    for claim in view.result.claims.get(stock.asset, ()):
        if getattr(claim, "stock", None) == stock.name:
            return sizes.get(getattr(claim, "size", ""))
    return sizes.get("energy", sizes.get("capacity"))


def cycles(stock: Track, capacity: float) -> float:
    """Return how often the capacity was emptied, counting all that went out."""
    return float(np.maximum(-np.diff(stock.along), 0.0).sum()) / capacity


def _draw_stock(axes: Axes, window: Window, view: View, key: tuple[str, str], daily: bool, last: bool) -> None:
    whole = next(s for s in view.stocks if (s.asset, s.name) == key)
    part = next(s for s in window.view.stocks if (s.asset, s.name) == key)
    capacity, colour = capacity_of(view, whole), view.colours[whole.asset]
    most = max(capacity or 0.0, float(whole.along.max()))
    scale, unit = larger_unit(whole.unit or "kWh", most)
    if daily:
        _draw_range(axes, window.view, part.along / scale, colour)
    else:
        _draw_level(axes, window.view, part, scale, colour)
    if capacity:
        axes.axhline(
            capacity / scale, color=mixed(colour, "#000000", 0.2), linewidth=1.0, linestyle=(0, (4, 3)), zorder=2
        )
    axes.set_ylim(min(0.0, float(whole.along.min()) / scale), most / scale * 1.08)
    axes.set_ylabel(unit)
    number_axis(axes, at_most=4)
    name = asset_labels(view)[whole.asset]
    heading(
        axes,
        "" if window.title.startswith("week") else name if whole.name == "stored" else f"{name}, {whole.name}",
        f"mean and mean daily range by {pieces_of(view)[0]}" if daily else window.title,
    )
    if last:
        _tell(axes, [*_capacity_words(whole, capacity, scale, unit)])


def _capacity_words(stock: Track, capacity: float | None, scale: float, unit: str) -> list[str]:
    if not capacity:
        return [f"highest {short(float(stock.along.max()) / scale)} {unit}"]
    turns = cycles(stock, capacity)
    return [f"capacity {short(capacity / scale)} {unit}", f"{amount(turns, 2 if turns < 10 else 0)} full cycles"]


def _draw_level(axes: Axes, view: View, part: Track, scale: float, colour: str) -> None:
    x = point_days(view)
    axes.fill_between(x, 0.0, part.along / scale, facecolor=colour, alpha=0.28, linewidth=0, zorder=2)
    axes.plot(
        x,
        part.along / scale,
        color=mixed(colour, "#000000", 0.12),
        linewidth=1.5,
        zorder=3,
        gid=f"{part.asset}:{part.name}",
    )


def _draw_range(axes: Axes, view: View, values: Array, colour: str) -> None:
    """Draw the mean level and the mean daily range by day, week or month: single steps would be a solid block."""
    days, (_, pieces) = day_starts(view.times), pieces_of(view)
    edges = _piece_edges(view, pieces)
    firsts = np.searchsorted(days, pieces)
    counts = np.diff(np.append(firsts, len(days)))
    low, high = (
        np.add.reduceat(extreme.reduceat(values[:-1], days), firsts) / counts for extreme in (np.minimum, np.maximum)
    )
    mean = np.add.reduceat(values[:-1] * view.hours, pieces) / np.add.reduceat(view.hours, pieces)
    axes.fill_between(edges, twice(low), twice(high), facecolor=colour, alpha=0.32, linewidth=0, zorder=2)
    axes.plot(edges, twice(mean), color=mixed(colour, "#000000", 0.2), linewidth=1.5, zorder=3, solid_joinstyle="miter")


def _piece_edges(view: View, pieces: NDArray[np.intp]) -> Array:
    edges = step_edges(view)
    return np.column_stack([edges[2 * pieces], np.append(edges[2 * pieces[1:]], edges[-1])]).ravel()


def _draw_strip(axes: Axes, view: View, whole: View, tracks: Sequence[Track], daily: bool, last: bool) -> None:
    """Draw how many units are on, and above them how many stand by, as a share of the most that ever were."""
    asset = tracks[0].asset
    own = [next(s for s in view.states if (s.asset, s.name) == (asset, track.name)) for track in tracks]
    most = max(1.0, float(np.sum([track.along for track in tracks], axis=0).max()))
    _, pieces = pieces_of(view)
    edges = _piece_edges(view, pieces) if daily else step_edges(view)
    base = np.zeros(len(edges))
    colour = whole.colours[asset]
    for track in own:
        values = track.along / most
        if daily:
            values = np.add.reduceat(values * view.hours, pieces) / np.add.reduceat(view.hours, pieces)
        top = base + twice(values)
        solid = track.name == "on"
        axes.fill_between(
            edges, base, top, facecolor=colour if solid else "white", edgecolor=colour,
            linewidth=0 if solid else 0.3, antialiased=not solid,
            hatch=None if solid else "/////", gid=f"{asset}:{track.name}",
        )  # fmt: skip
        base = top
    axes.set_ylim(0, 1.03)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylabel(asset_labels(whole)[asset], rotation=0, ha="right", va="center", size=8.5)
    if last:
        _tell(axes, [_commitment_words(whole, tracks, most)])


def _commitment_words(view: View, tracks: Sequence[Track], most: float) -> str:
    spent = {track.name: round(view.total(track.along), 2) for track in tracks}
    hours = [f"{name} {duration(total)}" for name, total in spent.items() if total or name == "on"]
    starts = [s.along for s in view.states if s.asset == tracks[0].asset and s.name.endswith("starts")]
    count = round(float((np.sum(starts, axis=0) * view.weights).sum())) if starts else 0
    told = [f"{count} start{'s' if count != 1 else ''}"] if count else []
    first = (f"of {most:g}: " if most > 1 else "") + hours[0]
    rest = ", ".join([*hours[1:], *told])
    return f"{first},\n{rest}" if len(first) + len(rest) > 24 else ", ".join(filter(None, (first, rest)))


def _tell(axes: Axes, lines: Sequence[str]) -> None:
    """Write to the right of the axes."""
    low = len(lines) == 1 and axes.get_yticks().size == 0
    axes.annotate(
        "\n".join(lines), (1, 0.5 if low else 1), xytext=(8, 0), xycoords="axes fraction", textcoords="offset points",
        va="center" if low else "top", ha="left", size=8.0 if low else 8.5,
        color=INK if not low else FAINT, annotation_clip=False,
    )  # fmt: skip
