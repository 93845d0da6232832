"""Plans written by hand, frame by frame, for what works on frames alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from microgrid.carriers import CARRIERS
from microgrid.claims import Claim
from microgrid.results import Result
from microgrid.timeline import Timeline

Rates = Sequence[float]


def plan(
    flows: Mapping[tuple[str, str, str], Rates],
    hours: Sequence[float] = (1.0,),
    stocks: Mapping[tuple[str, str], Rates] | None = None,
    claims: Mapping[str, Sequence[Claim]] | None = None,
    kinds: Mapping[str, str] | None = None,
    weights: Sequence[float] | None = None,
    **manifest: Any,
) -> Result:
    """Return a plan of flows by (asset, port, bus) and stocks by (asset, stock); a bus is named like its carrier."""
    timeline = Timeline.of_hours(np.asarray(hours, dtype=float), weights=weights)
    moved = [
        pd.DataFrame(
            {
                "asset": asset, "port": port, "bus": bus, "carrier": bus, "unit": CARRIERS[bus].flow_unit,
                "time": timeline.index, "rate": np.asarray(rates, dtype=float),
            }
        )
        for (asset, port, bus), rates in flows.items()
    ]  # fmt: skip
    held = [
        pd.DataFrame({"asset": asset, "stock": stock, "time": timeline.points, "level": np.asarray(level, dtype=float)})
        for (asset, stock), level in (stocks or {}).items()
    ]
    empty = {
        "states": ("asset", "state", "time", "value"),
        "costs": ("asset", "line", "category", "time", "amount"),
        "emissions": ("asset", "line", "scope", "basis", "part", "gas", "time", "amount"),
        "prices": ("bus", "time", "price"),
    }
    frames = {name: pd.DataFrame(columns=list(columns)) for name, columns in empty.items()}
    return Result(
        {"kinds": dict(kinds or {}), "sizes": {}, **manifest},
        steps=pd.DataFrame({"time": timeline.index, "hours": timeline.hours, "weight": timeline.weights}),
        flows=pd.concat(moved, ignore_index=True),
        stocks=pd.concat(held, ignore_index=True)
        if held
        else pd.DataFrame(columns=["asset", "stock", "time", "level"]),
        claims=dict(claims or {}),
        **frames,
    )
