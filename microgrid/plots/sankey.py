"""Energy and carbon from where they enter to where they leave: every bus with what feeds it and what draws from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from microgrid.energy_network import Network
from microgrid.energy_parts import Port
from microgrid.origins import BEFORE, Carried, Origins, origins
from microgrid.plots.canvas import Row, Sheet, asset_labels, bus_labels, drawn, heading
from microgrid.plots.ledgers import carbon_unit
from microgrid.plots.numbers import larger_unit, short
from microgrid.plots.palette import INK, OTHER
from microgrid.plots.tracks import SMALL, Array
from microgrid.plots.view import View
from microgrid.results import Result

Measure = Callable[[Port], float]

# Heights in inches: all that flows through the widest bus, between nodes so that names do not overlap, between buses.
WIDEST, GAP, BETWEEN = 2.2, 0.17, 0.5
_BAR, _LEFT, _MIDDLE, _RIGHT = 0.012, 0.27, 0.5, 0.73
_LEAST = 2e-3


class Link(NamedTuple):
    """What one asset gives to a bus or takes from it."""

    label: str
    amount: float
    colour: str


class Hub(NamedTuple):
    """A bus with its links, the largest first."""

    label: str
    given: tuple[Link, ...]
    taken: tuple[Link, ...]


@drawn
def sankey(result: Result) -> Figure | None:
    """Draw how much energy flows over each bus, and how many kilograms of carbon dioxide it carries with it."""
    view, found = View.of(result), origins(result)
    panels = [("Energy", "kWh", energy_hubs(view, found.network))]
    carbon = carbon_hubs(view, found)
    if carbon:
        unit = carbon_unit(result.manifest)
        panels.append(("Carbon that the energy carries, location-based", unit, carbon))
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return None
    rows = [Row(0.45 if at == 0 else 0.75, _height(hubs)) for at, (_, _, hubs) in enumerate(panels)]
    sheet = Sheet(view, "Energy and carbon flows", rows, None, left=0.2, right=0.2)
    for row, (title, unit, hubs) in enumerate(panels):
        axes = sheet.axes(row)
        scale, larger = larger_unit(unit, max(_through(hub) for hub in hubs))
        _draw(axes, hubs, _height(hubs), scale)
        heading(axes, title, larger)
    return sheet.figure


def energy_hubs(view: View, network: Network) -> list[Hub]:
    """Return every bus with the energy that each asset gives and takes, kWh."""
    hours = view.weighted_hours
    return _hubs(view, network, lambda port: float(hours @ port.fed), lambda port: float(hours @ port.drawn))


def carbon_hubs(view: View, found: Origins) -> list[Hub]:
    """Return every bus with what the energy of each asset carries: scopes 1 and 2 by location, kg."""
    factors = _factors(view, found)
    if not factors.any():
        return []
    hours, carried = view.weighted_hours, found.carried(factors)
    given = _given(found, factors, carried)
    return _hubs(
        view,
        found.network,
        lambda port: given[port.asset, port.name],
        lambda port: float(hours @ (port.drawn * carried.on_bus[port.bus])),
    )


def _factors(view: View, found: Origins) -> Array:
    """Return what each kWh of a source emitted at each step, by the ledger, shape (n, k)."""
    frame, n = view.result.emissions, len(view.times)
    counts = frame["basis"].astype(str).isin(["both", "location"]) & frame["scope"].astype(int).isin([1, 2])
    factors = np.zeros((n, len(found.sources)))
    for at, source in enumerate(found.sources):
        own = frame[counts & (frame["asset"].astype(str) == source.asset)]
        if not own.empty and source.port != BEFORE:
            emitted = own.groupby("time", sort=False)["amount"].sum().to_numpy(dtype=float)
            energy = found.supplied[:, at] * view.weighted_hours
            factors[:, at] = emitted / np.where(energy > 0, energy, np.inf)
    return factors


def _given(found: Origins, factors: Array, carried: Carried) -> dict[tuple[str, str], float]:
    """Return what each port carries onto its bus over the horizon: of sources, converters and stores."""
    network, hours = found.network, found.weighted_hours
    given = {
        (source.asset, source.port): float(hours @ (found.supplied[:, at] * factors[:, at]))
        for at, source in enumerate(found.sources)
    }
    for converter in network.converters:
        taken = np.sum([port.drawn * carried.on_bus[port.bus] for port in converter.inputs], axis=0)
        fed = np.sum([port.fed for port in converter.outputs], axis=0)
        for port in converter.outputs:
            given[port.asset, port.name] = float(hours @ (taken * port.fed / np.where(fed > 0, fed, np.inf)))
    for store in network.stores:
        for port in store.outputs:
            held = carried.in_store[store.asset][:-1]
            given[port.asset, port.name] = float(network.weights @ (store.given * held))
    return given


def _hubs(view: View, network: Network, given: Measure, taken: Measure) -> list[Hub]:
    """Return the buses with their links; those too small to see are drawn together."""
    names, buses = asset_labels(view), bus_labels(view)
    ports = list(network.sources) + [port for converter in network.converters for port in converter.outputs]
    ports += [port for store in network.stores for port in store.outputs]
    hubs = []
    for bus in network.buses:
        links = [
            [Link(_named(port, names), measure(port), view.colours.get(port.asset, OTHER)) for port in some]
            for some, measure in (
                ([port for port in ports if port.bus == bus], given),
                ([port for port in network.drawing() if port.bus == bus], taken),
            )
        ]
        hub = Hub(buses.get(bus, bus), *(_largest_first(side) for side in links))
        if _through(hub) > SMALL:
            hubs.append(hub)
    return hubs


def _named(port: Port, names: Mapping[str, str]) -> str:
    name = names.get(port.asset, port.asset)
    word = port.name.replace("_", " ")
    if word.endswith(", idle"):
        return f"{name}, standing by"
    return name if word in ("output", "demand", "supply", "hydrogen", "input", "power") else f"{name}, {word}"


def _largest_first(links: Sequence[Link]) -> tuple[Link, ...]:
    """Return the links from large to small, those too small to see as one."""
    largest = max((link.amount for link in links), default=0.0)
    seen = sorted((link for link in links if link.amount > _LEAST * largest), key=lambda link: -link.amount)
    rest = sum(link.amount for link in links) - sum(link.amount for link in seen)
    small = [Link("smaller ones", rest, OTHER)] if rest > 1e-6 * largest > 0 else []
    return (*seen, *small)


def _through(hub: Hub) -> float:
    return max(sum(link.amount for link in side) for side in (hub.given, hub.taken))


def _tall(hub: Hub, inches: float) -> float:
    """Return the height that a bus needs, with the gaps between its links."""
    return _through(hub) * inches + GAP * max(len(hub.given), len(hub.taken), 2)


def _height(hubs: Sequence[Hub]) -> float:
    inches = WIDEST / max(_through(hub) for hub in hubs)
    return sum(_tall(hub, inches) for hub in hubs) + BETWEEN * (len(hubs) - 1)


def _draw(axes: Axes, hubs: Sequence[Hub], height: float, scale: float) -> None:
    """Draw the buses one below the other; the vertical axis is in inches."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(-height, 0)
    inches = WIDEST / max(_through(hub) for hub in hubs)
    top = 0.0
    for hub in hubs:
        tall, thick = _tall(hub, inches), _through(hub) * inches
        middle = top - (tall - thick) / 2
        axes.add_patch(Rectangle((_MIDDLE - _BAR, middle - thick), 2 * _BAR, thick, color=INK, zorder=3))
        told = f"{hub.label}\n{short(_through(hub) / scale)}"
        axes.text(_MIDDLE, middle + 0.04, told, ha="center", va="bottom", size=8.5, weight="bold", color=INK)
        for side, links in ((-1, hub.given), (1, hub.taken)):
            _draw_side(axes, links, side, top, tall, middle, inches, scale)
        top -= tall + BETWEEN


def _draw_side(
    axes: Axes,
    links: Sequence[Link],
    side: int,
    top: float,
    tall: float,
    middle: float,
    inches: float,
    scale: float,
) -> None:
    """Draw what comes in from the left (-1) or goes out to the right (1) of a bus."""
    space = (tall - sum(link.amount for link in links) * inches) / max(len(links), 1)
    outer, inner = top - space / 2, middle
    edge, near = (_LEFT, _MIDDLE - _BAR) if side < 0 else (_RIGHT, _MIDDLE + _BAR)
    for link in links:
        thick = link.amount * inches
        axes.add_patch(_band((edge, outer), (near, inner), thick, link.colour))
        axes.add_patch(Rectangle((edge - _BAR * (side < 0), outer - thick), _BAR, thick, color=link.colour, zorder=3))
        told = f"{link.label}  {short(link.amount / scale)}"
        place = edge + side * 2 * _BAR
        axes.text(place, outer - thick / 2, told, ha="right" if side < 0 else "left", va="center", size=8.5, color=INK)
        outer -= thick + space
        inner -= thick


def _band(start: tuple[float, float], end: tuple[float, float], thick: float, colour: str) -> PathPatch:
    """Return a band of one thickness that leaves and arrives level."""
    (x0, y0), (x1, y1) = start, end
    bend = (x0 + x1) / 2
    points = [
        (x0, y0), (bend, y0), (bend, y1), (x1, y1), (x1, y1 - thick), (bend, y1 - thick), (bend, y0 - thick),
        (x0, y0 - thick), (x0, y0),
    ]  # fmt: skip
    curve = Path.CURVE4
    codes = [Path.MOVETO, curve, curve, curve, Path.LINETO, curve, curve, curve, Path.CLOSEPOLY]
    return PathPatch(Path(points, codes), facecolor=colour, edgecolor="none", alpha=0.45, zorder=2)
