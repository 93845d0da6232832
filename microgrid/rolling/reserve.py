"""Adjustable reserve: how much more, or less, the site could draw from the grid at each step, asset by asset.

Up is power that the grid would be relieved of: more generation, more discharge, less consumption. Down is the opposite.
Both hold for a step by itself, sustained for an hour at least, with units that are on staying on and units that are off
staying off: what a call for the next hour could count on. Demand response is what the guide for industrial green
microgrids asks for (observable, measurable, adjustable, controllable; published 9 January 2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.plant import Plant
from microgrid.rolling.parts import Store, parts_of
from microgrid.rolling.switching import has_stacks, switch_of
from microgrid.rolling.traces import Trace

Array = NDArray[np.float64]
SUSTAINED = 1.0
"""Hours for which stored energy must be able to keep a call up."""


def reserve(plant: Plant, trace: Trace) -> pd.DataFrame:
    """Return the adjustable reserve of a plan: asset, time, up and down, kW.

    Parameters
    ----------
    plant
        The window.
    trace
        Its plan.
    """
    rows = []
    for asset, up, down in _reserves(plant, trace):
        rows.append(
            pd.DataFrame(
                {
                    "asset": asset,
                    "time": trace.timeline.index,
                    "up": np.maximum(up, 0.0),
                    "down": np.maximum(down, 0.0),
                }
            )
        )
    columns = ["asset", "time", "up", "down"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _reserves(plant: Plant, trace: Trace) -> Iterator[tuple[str, Array, Array]]:
    parts, electric = parts_of(plant), {n for n, bus in plant.buses.items() if bus.carrier.name == "electricity"}
    for store in parts.stores:
        if store.bus in electric:
            yield store.name, *_of_store(store, trace)
    for name, (bus, available) in parts.sources.items():
        if bus in electric:
            output = trace.flows[name]["output"]
            yield name, available - output, output
    for name, (bus, demand, share, _) in parts.loads.items():
        if bus in electric and share:
            shed = trace.flows[name]["shed"]
            yield name, share * demand - shed, shed
    for name, asset in plant.assets.items():
        if has_stacks(asset):
            yield name, *_of_stacks(asset, trace, name)
        elif hasattr(asset, "commitment"):
            yield from _of_unit(asset, trace, name, electric)


def _of_store(store: Store, trace: Trace) -> tuple[Array, Array]:
    level, hours = trace.stocks[store.name]["stored"][:-1], np.maximum(trace.timeline.hours, SUSTAINED)
    rates = trace.flows[store.name]
    net = rates["discharge"] + rates["charge"]
    most_in, most_out = store.most if store.day is None else store.day
    highest = np.minimum(most_out, np.maximum(level - store.low, 0.0) * store.out_of / hours)
    lowest = -np.minimum(most_in, np.maximum(store.high - level, 0.0) / (store.into * hours))
    return highest - net, net - lowest


def _of_stacks(asset: Any, trace: Trace, name: str) -> tuple[Array, Array]:
    states, stacks = trace.states[name], asset.pattern
    warming = sum((states[each] for each in stacks.warming if each in states), np.zeros(len(trace.timeline)))
    live = (stacks.rating or 0.0) * (states["on"] - warming)
    return states["running"] - stacks.minimum_load * live, live - states["running"]


def _of_unit(asset: Any, trace: Trace, name: str, electric: set[str]) -> Iterator[tuple[str, Array, Array]]:
    """Give the reserve of a unit by its port on an electricity bus, in proportion to the output it is turned by."""
    ports = [port for port, bus in trace.ports[name].items() if bus in electric and port in ("output", "input")]
    if not ports or "output" not in trace.flows[name]:
        return
    spec, rate, output = switch_of(asset), trace.flows[name][ports[0]], trace.flows[name]["output"]
    capacity = asset.capacities()["capacity"].high
    on = trace.states[name]["on"] if spec is not None else np.ones(len(output))
    least = (spec.minimum_load if spec is not None else 0.0) * capacity * on
    per_output = np.divide(rate, output, out=np.zeros_like(rate), where=output > 0)
    more, less = (capacity * on - output) * np.abs(per_output), (output - least) * np.abs(per_output)
    yield (name, more, less) if ports[0] == "output" else (name, less, more)
