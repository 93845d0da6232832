"""States of units, restated from when they are on: starts, stops and what still warms up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microgrid.technologies.base import Technology

Array = NDArray[np.float64]
States = dict[str, Array]


def unit_states(on: Array, on_before: float) -> States:
    """Return the states of a unit that is on or off."""
    change = np.diff(on, prepend=on_before)
    return {"on": on, "starts": np.maximum(change, 0.0), "stops": np.maximum(-change, 0.0)}


def stack_states(asset: Any, on: Array, standby: Array, hours: Array) -> States:
    """Return the states of stacks from how many are on and on standby; `asset` knows what was before."""
    stacks = asset.pattern
    on_before, standby_before = stacks.before
    up, rested = np.diff(on, prepend=float(on_before)), np.diff(standby, prepend=float(standby_before))
    warm = np.minimum(np.maximum(up, 0.0), np.maximum(-rested, 0.0))
    rests = np.minimum(np.maximum(-up, 0.0), np.maximum(rested, 0.0))
    states = {
        "off": stacks.most_stacks - on - standby,
        "on": on,
        "cold_starts": np.maximum(up, 0.0) - warm,
        "stops": np.maximum(-up, 0.0) - rests,
    }
    if stacks.standby_power is not None:
        cools = np.maximum(-rested, 0.0) - warm
        states |= {"standby": standby, "warm_starts": warm, "rests": rests, "cools": np.maximum(cools, 0.0)}
    edges = np.concatenate([[0.0], np.cumsum(hours)])
    for kind, start in stacks.starts.items():
        if start.time:
            states[f"{kind}_starting"] = _starting(states[f"{kind}_starts"], start.time, edges) + sum(
                (c * np.clip(left - edges[:-1], 0.0, hours) / hours for left, c in stacks.starting_ahead(kind)),
                np.zeros(len(hours)),
            )
    return states


def _starting(starts: Array, time: float, edges: Array) -> Array:
    """Return how many of the starts go on at each step, as the mean over the step."""
    total = np.zeros(len(starts))
    for begin, count in zip(edges[:-1], starts, strict=True):
        if count > 0:
            over = np.minimum(edges[1:], begin + time) - np.maximum(edges[:-1], begin)
            total += count * np.clip(over, 0.0, None) / np.diff(edges)
    return total


def switch_of(asset: Technology) -> Any:
    """Return the commitment of a unit that has an on-off decision, or None."""
    spec = getattr(asset, "commitment", None)
    return spec if spec is not None and spec.has_switch else None


def has_stacks(asset: Technology) -> bool:
    """Tell whether an asset is made of stacks that are counted."""
    return hasattr(asset, "pattern") and asset.pattern.has_switch


def restated(asset: Technology, states: Mapping[str, Array], hours: Array) -> States:
    """Return all states of an asset from those that matter: `on`, and `standby` of stacks."""
    if has_stacks(asset):
        on = np.round(states["on"])
        standby = np.round(states.get("standby", np.zeros(len(on))))
        return dict(states) | stack_states(asset, on, standby, hours)
    spec = switch_of(asset)
    if spec is None or "on" not in states:
        return dict(states)
    return dict(states) | unit_states(np.round(states["on"]), float(spec.on_before))
