"""Reasons: why a plan is as it is, read off the plan itself: prices, and the limits that are met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.plant import Plant
from microgrid.rolling.parts import parts_of
from microgrid.rolling.traces import Trace

Array = NDArray[np.float64]
_NEAR = 1e-4


def reasons(plant: Plant, trace: Trace, ceiling: Array) -> pd.DataFrame:
    """Return the limits that a plan meets: asset, what, from, until.

    Parameters
    ----------
    plant, trace
        The window and its plan.
    ceiling
        Import that the month's peak allows at each step, kW.
    """
    rows = [
        {"asset": asset, "what": what, "from": trace.timeline.index[first], "until": trace.timeline.points[last]}
        for asset, what, steps in _met(plant, trace, ceiling)
        for first, last in _runs(np.asarray(steps, dtype=bool))
    ]
    return pd.DataFrame(rows, columns=["asset", "what", "from", "until"]).sort_values("from", ignore_index=True)


def _met(plant: Plant, trace: Trace, ceiling: Array) -> Iterator[tuple[str, str, Any]]:
    """Give each limit with the steps at which it is met."""
    parts = parts_of(plant)
    for store in parts.stores:
        level, rates = trace.stocks[store.name]["stored"][1:], trace.flows[store.name]
        span = store.high - store.low
        yield store.name, "full", level >= store.high - _NEAR * span
        yield store.name, "empty", level <= store.low + _NEAR * span
        for port, most in (("charge", store.most[0]), ("discharge", store.most[1])):
            if np.isfinite(most):
                yield store.name, f"{port} at its limit of {most:g}", np.abs(rates[port]) >= most * (1 - _NEAR)
    for grid in parts.grids:
        bought = trace.flows[grid.name]["import"]
        at_peak = np.isfinite(ceiling) & (bought >= ceiling * (1 - _NEAR)) & (bought > 0)
        yield grid.name, "import at the month's peak", at_peak
        yield grid.name, "import at its limit", bought >= grid.most[0] * (1 - _NEAR)
    for name, (_, available) in parts.sources.items():
        output = trace.flows[name]["output"]
        yield name, "curtailed", output < available - _NEAR * (1.0 + available)
    for name in parts.loads:
        for port in ("shed", "unserved"):
            if port in trace.flows[name]:
                yield name, port, trace.flows[name][port] > _NEAR


def _runs(steps: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Give first step and the step after the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], steps, [False]]).astype(int)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
