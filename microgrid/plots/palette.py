"""Colours by technology, told apart also by people who see no red or no green; one asset, one colour everywhere."""

from __future__ import annotations

from collections.abc import Mapping

COLOURS = {
    "grid_connection": "#9AA0A6",
    "supply": "#B5A678",
    "fuel_generator": "#894D29",
    "fuel_cell": "#A9D3B8",
    "wind_turbine": "#5B90C4",
    "photovoltaic": "#F0BC18",
    "battery": "#24A33A",
    "electrolyser": "#0E697B",
    "hydrogen_tank": "#183747",
    "boiler": "#551512",
    "heat_pump": "#EA4110",
    "heat_storage": "#E0C2EB",
    "production_load": "#3C3F44",
    "process": "#7A6A8A",
    "carbon_capture": "#6FB7B0",
    "surplus": "#F0F1F3",
    "carbon price": "#5D3B8A",
}
SURPLUS_HATCH = "#B4B9C0"
STRANGER = "#B07AA1"
OTHER = "#D5D8DC"
UNSERVED = "#D6006E"
SHED = "#EFA3C8"
RELIEF_COLOURS = {"unserved": UNSERVED, "shed": SHED}
INK = "#1F2328"
FAINT = "#6B7078"
RULE = "#E4E6EA"
ALARM = "#B3001B"

ORDER = tuple(COLOURS)
"""Stacks grow from what must be read off the axis, the grid, to what comes and goes."""

_SHADES = ((0.0, ""), (0.38, "#FFFFFF"), (0.30, "#000000"), (0.60, "#FFFFFF"), (0.55, "#000000"))


def colours(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the colour of each asset: its technology's, shaded where several share one."""
    seen: dict[str, int] = {}
    found = {}
    for asset, kind in kinds.items():
        base = COLOURS.get(kind, STRANGER)
        share, towards = _SHADES[seen.get(base, 0) % len(_SHADES)]
        seen[base] = seen.get(base, 0) + 1
        found[asset] = mixed(base, towards, share) if share else base
    return found


def mixed(colour: str, towards: str, share: float) -> str:
    """Return a colour moved by a share towards another."""
    parts = zip(_channels(colour), _channels(towards), strict=True)
    return "#" + "".join(f"{round(one + share * (other - one)):02X}" for one, other in parts)


def rank(kind: str) -> int:
    """Return the place of a technology in a stack."""
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
