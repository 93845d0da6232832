"""Stocks over typical periods: within a period a stock moves as the period does, from one to the next it adds up.

After Kotzur, Markewitz, Robinius and Stolten (2018), "Time series aggregation for energy system design: modeling
seasonal storage", Applied Energy 213: what a stock holds is the level at which a stretch of the year begins, which
loses its share by the hour, and what the period that stands for the stretch has added since. The limits are exact
here: of all stretches of a period only the fullest and the emptiest begin matter, so two levels for each period do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.capacity import Size
from microgrid.technologies.base import Operation, parameter


def seasonal_stock(
    block: Any, operation: Operation, name: str, size: Size, loss: float, window: tuple[float, float]
) -> Any:
    """Return what each period adds to a stock, on the points of the periods; levels stand at the borders.

    Parameters
    ----------
    loss
        Share lost per hour.
    window
        Least and largest level, as shares of the capacity.
    """
    timeline, periods = operation.timeline, operation.timeline.periods
    assert periods is not None
    n, most = len(timeline), window[1] * size.high
    reach = np.full(n + len(periods), most)
    reach[periods.first_points()] = 0.0
    allowed = parameter(block, operation.points, f"{name}_reach", reach)
    added = pyo.Var(operation.points, dense=False, bounds=lambda _b, p: (-allowed[p], allowed[p]))
    block.add_component(name, added)
    level = pyo.Var(operation.block.borders, dense=False, bounds=(0.0, most))
    block.add_component(_border(name), level)
    lengths = np.add.reduceat(timeline.hours, periods.firsts)
    _carry_over(block, operation, name, level, added, (1.0 - loss) ** lengths)
    _stay_within(block, operation, name, (level, added), size, loss, window)
    return added


def _border(name: str) -> str:
    return f"{name}_at_border"


def at_borders(block: Any, name: str) -> Any:
    """Return the levels of a stock between the stretches of the horizon, from its begin to its end."""
    return block.component(_border(name))


def _carry_over(block: Any, operation: Operation, name: str, level: Any, added: Any, kept: Any) -> None:
    """Begin each stretch with what is kept of the level before, and what its period added."""
    timeline, periods = operation.timeline, operation.timeline.periods
    assert periods is not None
    stretches = operation.block.stretches
    keep = parameter(block, stretches, f"{name}_kept_over", kept[periods.order])
    last = parameter(block, stretches, f"{name}_last_point", periods.last_points(len(timeline))[periods.order])

    def carries_over(_b: Any, d: Any) -> Any:
        return level[d + 1] == keep[d] * level[d] + added[last[d]]

    block.add_component(f"{name}_carries_over", pyo.Constraint(stretches, rule=carries_over))


def _stay_within(
    block: Any, operation: Operation, name: str, levels: tuple[Any, Any], size: Size, loss: float, window: Any
) -> None:
    """Keep the stock within its window in the fullest and in the emptiest stretch of each period."""
    (level, added), (low, high) = levels, window
    timeline, periods, sets = operation.timeline, operation.timeline.periods, operation.block
    assert periods is not None
    fullest = pyo.Var(sets.periods, dense=False, bounds=(0.0, high * size.high))
    emptiest = pyo.Var(sets.periods, dense=False, bounds=(0.0, high * size.high))
    block.add_component(f"{name}_fullest", fullest)
    block.add_component(f"{name}_emptiest", emptiest)
    of_point = periods.of_points(len(timeline))
    period = parameter(block, operation.points, f"{name}_period", of_point)
    since = _hours_since_begin(operation, of_point)
    keep = parameter(block, operation.points, f"{name}_kept_since", (1.0 - loss) ** since)

    def not_above_fullest(_b: Any, d: Any) -> Any:
        return level[d] <= fullest[sets.period[d]]

    def not_below_emptiest(_b: Any, d: Any) -> Any:
        return level[d] >= emptiest[sets.period[d]]

    def below_top(_b: Any, p: Any) -> Any:
        return keep[p] * fullest[period[p]] + added[p] <= high * size.amount

    def above_bottom(_b: Any, p: Any) -> Any:
        return keep[p] * emptiest[period[p]] + added[p] >= low * size.amount

    for rule, along in (
        (not_above_fullest, sets.stretches),
        (not_below_emptiest, sets.stretches),
        (below_top, operation.points),
        (above_bottom, operation.points),
    ):
        block.add_component(f"{name}_{rule.__name__}", pyo.Constraint(along, rule=rule))


def _hours_since_begin(operation: Operation, of_point: Any) -> Any:
    """Return how long before each point its period began, shape (points,)."""
    timeline, periods = operation.timeline, operation.timeline.periods
    assert periods is not None
    gone = np.zeros(len(of_point))
    gone[timeline.starts + 1] = timeline.hours
    run = np.cumsum(gone)
    return run - run[periods.first_points()][of_point]
