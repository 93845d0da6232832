"""What a horizon has that is one window of a longer time: limits of the day, and stocks worth something after it.

Both belong to no technology: limits hold flows, by asset and port; worth belongs to what any stock holds at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.claims import Between, Claim, LeftOver
from microgrid.plant import Plant, Worth
from microgrid.technologies.base import Contribution, Cost, Flow, Operation, State, parameter


def write_window(
    block: Any, operation: Operation, contribution: Contribution, plant: Plant, name: str
) -> Iterator[Cost]:
    """Write the limits of the day on an asset's block, and give what its stocks are worth as cost saved."""
    limits = plant.flow_limits.get(name, {})
    for flow in contribution.flows:
        if flow.port in limits:
            low, high = limits[flow.port]
            _limit(block, operation, flow, f"{flow.port}_above_least", low)
            _limit(block, operation, flow, f"{flow.port}_below_most", high)
    for stock, worths in plant.stock_worth.get(name, {}).items():
        for worth in worths:
            yield _left_over(block, operation, stock, contribution.states[stock], worth)


def window_claims(plant: Plant, name: str) -> Iterator[Claim]:
    """State the limits of the day, and what is left in stocks."""
    for port, (low, high) in plant.flow_limits.get(name, {}).items():
        for name_of, bound, is_low in ((f"{port} above", low, True), (f"{port} below", high, False)):
            limited = np.isfinite(bound)  # a step without a limit says 0 within 0
            held = np.where(limited, bound, 0.0)
            terms = ((port, limited.astype(float)),)
            yield Between(f"{name_of} the limit of the day", terms, *((held, None) if is_low else (None, held)))
    for stock, worths in plant.stock_worth.get(name, {}).items():
        yield from (LeftOver(_line(stock, worth), stock, *worth) for worth in worths)


def _limit(block: Any, operation: Operation, flow: Flow, name: str, values: NDArray[np.float64]) -> None:
    """Write a limit at those steps that have one."""
    steps = [int(t) for t in np.flatnonzero(np.isfinite(values))]
    if not steps:
        return
    limited = pyo.Set(initialize=steps, within=operation.steps)
    block.add_component(f"steps_of_{name}", limited)
    limit = parameter(block, operation.steps, f"limit_of_{name}", np.where(np.isfinite(values), values, 0.0))

    def rate_above_least(_b: Any, t: Any) -> Any:
        return flow.rate(t) >= limit[t]

    def rate_below_most(_b: Any, t: Any) -> Any:
        return flow.rate(t) <= limit[t]

    rule = rate_above_least if name.endswith("least") else rate_below_most
    block.add_component(name, pyo.Constraint(limited, rule=rule))


def _left_over(block: Any, operation: Operation, stock: str, state: State, worth: Worth) -> Cost:
    """Write what a stock lacks of a level at a point; return what it holds there as cost saved.

    No binary: what lies below the level is worth no less than what lies above, so nothing is gained by lacking more.
    """
    level, point = state.variable, operation.last if worth.point is None else worth.point
    name = f"{stock}_short" if worth.point is None else f"{stock}_short_at_{point}"
    short = pyo.Var(bounds=(0.0, worth.level))
    block.add_component(name, short)
    block.add_component(f"{name}_of_level", pyo.Constraint(rule=lambda _b: short >= worth.level - level[point]))
    extra = worth.below - worth.above
    line = _line(stock, worth)
    return Cost(line, "stock", lambda _: -worth.above * level[point] - extra * (worth.level - short))


def _line(stock: str, worth: Worth) -> str:
    return f"{stock} at the end" if worth.point is None else f"{stock} at point {worth.point}"
