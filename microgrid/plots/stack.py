"""A bus as stacks: what supplies it above zero, what it supplies below, and the production load as a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from microgrid.plots.canvas import asset_labels, number_axis
from microgrid.plots.clock import step_edges, twice
from microgrid.plots.numbers import larger_unit
from microgrid.plots.palette import FAINT, INK, OTHER, RELIEF_COLOURS, SURPLUS_HATCH, rank
from microgrid.plots.tracks import SMALL, Array, Track
from microgrid.plots.view import View

MOST_LAYERS = 9


@dataclass(frozen=True, eq=False)
class Layer:
    """What one asset gives to a bus or takes from it, as one colour of a stack."""

    key: str
    label: str
    colour: str
    heights: Array
    hatch: str = ""
    """Colour of the hatching: white on load that is not served, grey on surplus that is let go."""


def extent(view: View, bus: str) -> tuple[float, float]:
    """Return how far the stacks of a bus reach below and above zero, in the bus's unit."""
    flows = [flow for flow in view.flows if flow.bus == bus]
    up = np.sum([np.maximum(flow.along, 0.0) for flow in flows], axis=0)
    down = np.sum([np.minimum(flow.along, 0.0) for flow in flows], axis=0)
    load = view.load(flows)
    return float((down + load).min()), float(np.maximum(up, load).max())


def draw_bus(
    axes: Axes, view: View, whole: View, bus: str, limits: tuple[float, float], unit: str = "", factor: float = 1.0
) -> list[tuple[Artist, str]]:
    """Draw a bus's stacks over the steps of `view`; return legend entries from the top of the stack down.

    Parameters
    ----------
    limits
        How far the axis must reach, in the bus's unit.
    unit, factor
        Another unit to show, and what to multiply by.
    """
    low, high = limits[0] * factor, limits[1] * factor
    scale, unit = larger_unit(unit or whole.buses[bus][0].unit, max(-low, high))
    flows = [replace(flow, along=flow.along * factor / scale) for flow in view.flows if flow.bus == bus]
    supply = layers(whole, flows, 1.0)
    consumption = layers(whole, [flow for flow in flows if not view.is_load(flow)], -1.0)
    edges, load = step_edges(view), view.load(flows)
    for stack, sign in ((supply, 1.0), (consumption, -1.0)):
        _draw_stack(axes, edges, stack, sign)
    has_load = any(view.is_load(flow) and flow.moves for flow in flows)
    if has_load:
        _draw_load(axes, edges, load)
    axes.axhline(0, color=FAINT, linewidth=0.7, zorder=3)
    axes.set_ylabel(unit)
    room = 0.06 * (high - low) or 1.0
    axes.set_ylim((low - room * (low < -SMALL)) / scale, (high + room) / scale)
    number_axis(axes, at_most=7)
    line = [(Line2D([], [], color=INK, linewidth=1.6), "production load")] if has_load else []
    return [*line, *_entries(supply, consumption)]


def layers(view: View, flows: Sequence[Track], sign: float) -> list[Layer]:
    """Return what flows one way as layers, one for each asset, from the axis outwards; many small ones together."""
    names = asset_labels(view)
    found: dict[str, Layer] = {}
    for flow in flows:
        heights = np.maximum(sign * flow.along, 0.0)
        if heights.max(initial=0.0) <= SMALL:
            continue
        key = f"{flow.asset}:{flow.name}" if flow.is_relief else flow.asset
        if key in found:
            found[key] = replace(found[key], heights=found[key].heights + heights)
        elif flow.is_relief:
            label = f"{flow.name}: {names[flow.asset]}"
            found[key] = Layer(key, label, RELIEF_COLOURS[flow.name], heights, hatch="white")
        else:
            hatch = SURPLUS_HATCH if view.kinds[flow.asset] == "surplus" else ""
            found[key] = Layer(key, names[flow.asset], view.colours[flow.asset], heights, hatch)
    assets = sorted(found.values(), key=lambda layer: (layer.hatch == "white", rank(view.kinds.get(layer.key, ""))))
    return _gathered(assets)


def _gathered(stack: list[Layer]) -> list[Layer]:
    """Put the smallest layers of a long stack together."""
    if len(stack) <= MOST_LAYERS:
        return stack
    plain = sorted((layer for layer in stack if not layer.hatch), key=lambda layer: float(layer.heights.sum()))
    small = plain[: len(stack) - MOST_LAYERS + 1]
    kept = [layer for layer in stack if layer not in small]
    other = Layer("other", f"other ({len(small)})", OTHER, np.sum([layer.heights for layer in small], axis=0))
    return [*(s for s in kept if not s.hatch), other, *(s for s in kept if s.hatch)]


def _draw_stack(axes: Axes, edges: Array, stack: Sequence[Layer], factor: float) -> None:
    base = np.zeros(len(edges))
    side = "supply" if factor > 0 else "consumption"
    for layer in stack:
        top = base + twice(layer.heights) * factor
        axes.fill_between(
            edges, base, top, facecolor=layer.colour, edgecolor=layer.hatch or "none", linewidth=0, antialiased=False,
            hatch="////" if layer.hatch else None, gid=f"{side}:{layer.key}", zorder=2,
        )  # fmt: skip
        base = top


def _draw_load(axes: Axes, edges: Array, load: Array) -> None:
    """Draw the load with a light rim, so that it stands out from any colour; thinner where steps are narrow."""
    width = 1.5 if len(load) <= 300 else 0.9
    for colour, more, gid in (("white", 1.2, None), (INK, 0.0, "load")):
        axes.plot(
            edges, twice(load), color=colour, linewidth=width + more, alpha=0.8 if more else 1.0,
            zorder=5 - bool(more), gid=gid, solid_joinstyle="miter",
        )  # fmt: skip


def _entries(supply: Sequence[Layer], consumption: Sequence[Layer]) -> Iterator[tuple[Artist, str]]:
    """One entry an asset: where it stands, above or below zero, says what it does."""
    both = {layer.key: layer for layer in (*reversed(supply), *consumption)}
    for layer in both.values():
        hatch = "////" if layer.hatch else None
        yield Patch(facecolor=layer.colour, edgecolor=layer.hatch or "none", linewidth=0, hatch=hatch), layer.label
