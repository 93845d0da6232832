"""What flows over a grid connection: import and export within their limits, and never both where that could pay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.capacity import Size
from microgrid.claims import Between, Claim, NeverBoth
from microgrid.series import Series
from microgrid.technologies.base import Operation, parameter
from microgrid.technologies.patterns import flow_within
from microgrid.timeline import Timeline


def limited(block: Any, operation: Operation, name: str, size: Size, limit: Series | None) -> Any:
    """Return a flow between zero and the connection's capacity, and within its limit by step."""
    flow = flow_within(block, operation, name, size)
    if limit is not None:
        highest = parameter(block, operation.steps, f"{name}_limit", limit.on(operation.timeline, name))

        def within_limit(_b: Any, t: Any) -> Any:
            return flow[t] <= highest[t]

        block.add_component(f"{name}_within_limit", pyo.Constraint(operation.steps, rule=within_limit))
    return flow


def one_way(block: Any, operation: Operation, size: Size, tempting: NDArray[np.bool_]) -> None:
    """Allow import or export alone at those steps where doing both at once could pay.

    Where money is no part of the goal, anything that only money forbids could pay.
    """
    contested = tempting if operation.money_counts else np.full(len(tempting), True)
    block.contested = pyo.Set(initialize=[int(t) for t in np.flatnonzero(contested)], within=operation.steps)
    block.importing = pyo.Var(block.contested, dense=False, within=pyo.Binary)
    high = size.high

    def imports_only(b: Any, t: Any) -> Any:
        return b.imports[t] <= high * b.importing[t]

    def exports_only(b: Any, t: Any) -> Any:
        return b.exports[t] <= high * (1 - b.importing[t])

    block.imports_only = pyo.Constraint(block.contested, rule=imports_only)
    block.exports_only = pyo.Constraint(block.contested, rule=exports_only)


def import_claims(timeline: Timeline, limit: Series | None) -> Iterator[Claim]:
    """State what import keeps to."""
    yield Between("import within capacity", (("import", 1.0), ("capacity", -1.0)), high=0.0)
    yield Between("import is a supply", (("import", 1.0),), low=0.0)
    if limit is not None:
        yield Between("import within limit", (("import", 1.0),), high=limit.on(timeline))


def export_claims(timeline: Timeline, limit: Series | None) -> Iterator[Claim]:
    """State what export keeps to."""
    yield Between("export within capacity", (("export", -1.0), ("capacity", -1.0)), high=0.0)
    yield Between("export is a consumption", (("export", 1.0),), high=0.0)
    yield NeverBoth("import", "export")
    if limit is not None:
        yield Between("export within limit", (("export", -1.0),), high=limit.on(timeline))
