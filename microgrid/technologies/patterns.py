"""Rows that several technologies share: flows within a capacity, stocks, products with a state, curves.

Every rule is written for a symbolic step `t`: no Python branch on an index, series are Params, special steps have
sets of their own. A function adds named components to the block it is given and returns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.capacity import Size
from microgrid.claims import Charge, Claim
from microgrid.technologies.base import Cost, Operation, Rate, parameter
from microgrid.technologies.seasonal import at_borders, seasonal_stock

EXCLUSIVE = (
    "When a binary keeps it from charging and discharging at once: auto, where that could pay, while the solver may "
    "leave out steps in which no plan does both; always, in every step from the start; never."
)
"""What the field `exclusive` of a store says."""


def flow_within(block: Any, operation: Operation, name: str, size: Size, share: Any = None) -> Any:
    """Return a flow between zero and the capacity, or a share of it that changes with the step.

    A Fixed capacity becomes a bound of the variable, a Sized one a row ``<name>_within_capacity``.
    """
    high = size.high

    def bounds(_block: Any, t: Any) -> tuple[float, Any]:
        return (0.0, high if share is None else high * share[t])

    variable = pyo.Var(operation.steps, dense=False, bounds=bounds)
    block.add_component(name, variable)
    if not size.is_fixed:

        def within_capacity(_block: Any, t: Any) -> Any:
            return variable[t] <= (size.amount if share is None else size.amount * share[t])

        block.add_component(f"{name}_within_capacity", pyo.Constraint(operation.steps, rule=within_capacity))
    return variable


def stock(
    block: Any, operation: Operation, name: str, size: Size, loss: float, window: tuple[float, float] = (0.0, 1.0)
) -> Any:
    """Return a stock on the points, between the two shares of `window` of the capacity; `loss` is a share per hour."""
    if operation.timeline.periods is not None:
        return seasonal_stock(block, operation, name, size, loss, window)
    low, high = window
    variable = pyo.Var(
        operation.points, dense=False, bounds=(low * size.high if size.is_fixed else 0.0, high * size.high)
    )
    block.add_component(name, variable)
    if not size.is_fixed:

        def below_top(_block: Any, p: Any) -> Any:
            return variable[p] <= high * size.amount

        block.add_component(f"{name}_below_top", pyo.Constraint(operation.points, rule=below_top))
        if low > 0:

            def above_bottom(_block: Any, p: Any) -> Any:
                return variable[p] >= low * size.amount

            block.add_component(f"{name}_above_bottom", pyo.Constraint(operation.points, rule=above_bottom))
    return variable


def stock_balance(block: Any, operation: Operation, name: str, level: Any, gain: Rate, loss: float) -> None:
    """Tie the stock at a step's end to its start: what was kept over the step plus `gain(t)` per hour."""
    keep = parameter(block, operation.steps, f"{name}_kept", (1.0 - loss) ** operation.timeline.hours)
    start, end, hours = operation.start, operation.end, operation.hours

    def balance(_block: Any, t: Any) -> Any:
        return level[end[t]] == keep[t] * level[start[t]] + hours[t] * gain(t)

    block.add_component(f"{name}_balance", pyo.Constraint(operation.steps, rule=balance))


def stock_ends(
    block: Any, operation: Operation, name: str, size: Size, ends: tuple[float | None, float | None, bool]
) -> None:
    """State how a stock begins and ends: `ends` is (initial share, least final share, whether it ends as it began)."""
    initial, final, cyclic = ends
    first, last = begin_and_end(block, operation, name)
    if initial is not None:
        block.add_component(f"{name}_begins", pyo.Constraint(rule=lambda _b: first == initial * size.amount))
    if final is not None:
        block.add_component(f"{name}_ends", pyo.Constraint(rule=lambda _b: last >= final * size.amount))
    if cyclic:
        block.add_component(f"{name}_returns", pyo.Constraint(rule=lambda _b: last == first))


def begin_and_end(block: Any, operation: Operation, name: str) -> tuple[Any, Any]:
    """Return the stock at the first moment of the horizon, and at the last."""
    periods = operation.timeline.periods
    if periods is None:
        level = block.component(name)
        return level[0], level[operation.last]
    level = at_borders(block, name)
    return level[0], level[len(periods.order)]


def never_both(
    block: Any, operation: Operation, first: tuple[Any, float], second: tuple[Any, float], *, is_lazy: bool
) -> Any:
    """Allow only one of two flows at a step; each comes with the largest value it can take.

    Where few plans would use both, the rows are marked as lazy, by a Suffix of that name: the solver may leave them
    out where no plan breaks them. The optimum is the same.
    """
    (one, one_high), (other, other_high) = first, second
    steps = operation.steps
    block.first_way = pyo.Var(steps, dense=False, within=pyo.Binary)

    def only_first(b: Any, t: Any) -> Any:
        return one[t] <= one_high * b.first_way[t]

    def only_second(b: Any, t: Any) -> Any:
        return other[t] <= other_high * (1 - b.first_way[t])

    block.only_first_way = pyo.Constraint(steps, rule=only_first)
    block.only_second_way = pyo.Constraint(steps, rule=only_second)
    if is_lazy:
        block.lazy = pyo.Suffix()
        for rows in (block.only_first_way, block.only_second_way):
            block.lazy[rows] = True
    return block.first_way


def times_size(block: Any, operation: Operation, name: str, size: Size, state: Any) -> Rate:
    """Return `size` times a 0-1 state: exact, by the convex hull of the product where the size is a decision."""
    if size.is_fixed:
        return lambda t: size.amount * state[t]
    product = pyo.Var(operation.steps, dense=False, bounds=(0.0, size.high))
    block.add_component(name, product)

    def only_with_state(_b: Any, t: Any) -> Any:
        return product[t] <= size.high * state[t]

    def at_most_size(_b: Any, t: Any) -> Any:
        return product[t] <= size.amount

    def at_least_size(_b: Any, t: Any) -> Any:
        return product[t] >= size.amount - size.high * (1 - state[t])

    block.add_component(f"{name}_only_with_state", pyo.Constraint(operation.steps, rule=only_with_state))
    block.add_component(f"{name}_at_most_size", pyo.Constraint(operation.steps, rule=at_most_size))
    block.add_component(f"{name}_at_least_size", pyo.Constraint(operation.steps, rule=at_least_size))
    return lambda t: product[t]


def recent_steps(operation: Operation, hours: float) -> list[list[int]]:
    """Return for each step the steps, itself included, that began less than `hours` before it began."""
    begins = operation.timeline.elapsed[:-1]
    first = np.searchsorted(begins, begins - hours + 1e-9, side="right")
    return [list(range(min(int(f), t), t + 1)) for t, f in enumerate(first)]


def indexed_steps(block: Any, operation: Operation, name: str, members: Sequence[Sequence[int]]) -> Any:
    """Put a set of steps for each step on the block, to be summed over inside a rule."""
    sets = pyo.Set(operation.steps, initialize=dict(enumerate(members)), within=operation.steps)
    block.add_component(name, sets)
    return sets


def middle_gaps(operation: Operation, block: Any) -> Any:
    """Return the hours between the middle of each step and of the one before it; the first step counts itself."""
    hours = operation.timeline.hours
    gaps = np.concatenate([[hours[0]], (hours[:-1] + hours[1:]) / 2])
    return parameter(block, operation.steps, "gap", gaps)


def variable_costs(operation: Operation, cost: float, output: Rate) -> list[Cost]:
    """Return the ledger line of a cost per kWh of `output(t)`, if there is one."""
    if not cost:
        return []
    hours = operation.hours
    return [Cost("variable", "operation", lambda t: cost * hours[t] * output(t), operation.steps)]


def variable_cost_claims(cost: float, output: str = "output") -> list[Claim]:
    """State the cost per kWh of a flow into the bus as a claim, if there is one."""
    return [Charge("costs", "variable", ((output, cost),))] if cost else []


def convex_curve(
    block: Any,
    operation: Operation,
    size: Size,
    output: Any,
    live: Rate,
    lines: Sequence[tuple[float, float]],
    exact: bool,
) -> Rate:
    """Return the rate that a convex curve asks for an output: the highest of ``slope * output + offset * live``.

    Parameters
    ----------
    lines
        Slope and offset (per unit of live capacity) of each straight line, by ascending slope.
    exact
        Whether more than the curve asks could pay. Then a binary for each line holds the rate on the curve; otherwise
        rows from below suffice. A single line is an equation in either case.
    """
    if len(lines) == 1:
        ((slope, offset),) = lines
        return lambda t: slope * output[t] + offset * live(t)
    block.lines = pyo.RangeSet(0, len(lines) - 1)
    block.slope = pyo.Param(block.lines, initialize={k: line[0] for k, line in enumerate(lines)}, within=pyo.Any)
    block.offset = pyo.Param(block.lines, initialize={k: line[1] for k, line in enumerate(lines)}, within=pyo.Any)
    if exact:
        return _on_one_line(block, operation, size, output, live, lines)
    block.rate = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)

    def rate_above_line(b: Any, t: Any, k: Any) -> Any:
        return b.rate[t] >= b.slope[k] * output[t] + b.offset[k] * live(t)

    block.rate_above_line = pyo.Constraint(operation.steps, block.lines, rule=rate_above_line)
    return lambda t: block.rate[t]


def _on_one_line(
    block: Any, operation: Operation, size: Size, output: Any, live: Rate, lines: Sequence[tuple[float, float]]
) -> Rate:
    """Cut the output into parts, one for each line; only the part of one line is away from zero."""
    crossings = [(a[1] - b[1]) / (b[0] - a[0]) for a, b in pairwise(lines)]
    edges = [0.0, *crossings, 1.0]
    block.edge = pyo.Param(range(len(edges)), initialize=dict(enumerate(edges)), within=pyo.Any)
    block.line_chosen = pyo.Var(operation.steps, block.lines, dense=False, within=pyo.Binary)
    block.line_live = pyo.Var(operation.steps, block.lines, dense=False, bounds=(0.0, size.high))
    block.line_output = pyo.Var(operation.steps, block.lines, dense=False, bounds=(0.0, size.high))

    def at_most_one_line(b: Any, t: Any) -> Any:
        return sum(b.line_chosen[t, k] for k in b.lines) <= 1

    def only_the_chosen_line_lives(b: Any, t: Any, k: Any) -> Any:
        return b.line_live[t, k] <= size.high * b.line_chosen[t, k]

    def lines_make_up_live(b: Any, t: Any) -> Any:
        return sum(b.line_live[t, k] for k in b.lines) == live(t)

    def lines_make_up_output(b: Any, t: Any) -> Any:
        return sum(b.line_output[t, k] for k in b.lines) == output[t]

    def output_from_line_start(b: Any, t: Any, k: Any) -> Any:
        return b.line_output[t, k] >= b.edge[k] * b.line_live[t, k]

    def output_to_line_end(b: Any, t: Any, k: Any) -> Any:
        return b.line_output[t, k] <= b.edge[k + 1] * b.line_live[t, k]

    steps, each = operation.steps, (operation.steps, block.lines)
    block.at_most_one_line = pyo.Constraint(steps, rule=at_most_one_line)
    block.only_the_chosen_line_lives = pyo.Constraint(*each, rule=only_the_chosen_line_lives)
    block.lines_make_up_live = pyo.Constraint(steps, rule=lines_make_up_live)
    block.lines_make_up_output = pyo.Constraint(steps, rule=lines_make_up_output)
    block.output_from_line_start = pyo.Constraint(*each, rule=output_from_line_start)
    block.output_to_line_end = pyo.Constraint(*each, rule=output_to_line_end)
    return lambda t: sum(
        block.slope[k] * block.line_output[t, k] + block.offset[k] * block.line_live[t, k] for k in block.lines
    )


def curve_lines(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return slope and offset of the straight lines between neighbouring points; points in one line make one line."""
    lines: list[tuple[float, float]] = []
    for (x, y), (next_x, next_y) in pairwise(points):
        slope = (next_y - y) / (next_x - x)
        if not lines or abs(slope - lines[-1][0]) > 1e-9 * abs(slope):
            lines.append((slope, y - slope * x))
    return lines


def below_curve(
    block: Any, operation: Operation, name: str, given: Any, live: Rate, lines: Sequence[tuple[float, float]]
) -> Rate:
    """Return a rate `name` of at most what a concave curve allows: the lowest of ``slope * given + offset * live``.

    Lines come with slope and offset (per unit of live capacity), by descending slope. A single line is an equation.
    """
    if len(lines) == 1:
        ((slope, offset),) = lines
        return lambda t: slope * given[t] + offset * live(t)
    block.lines = pyo.RangeSet(0, len(lines) - 1)
    block.slope = pyo.Param(block.lines, initialize={k: line[0] for k, line in enumerate(lines)}, within=pyo.Any)
    block.offset = pyo.Param(block.lines, initialize={k: line[1] for k, line in enumerate(lines)}, within=pyo.Any)
    made = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
    block.add_component(name, made)

    def below_line(b: Any, t: Any, k: Any) -> Any:
        return made[t] <= b.slope[k] * given[t] + b.offset[k] * live(t)

    block.add_component(f"{name}_below_line", pyo.Constraint(operation.steps, block.lines, rule=below_line))
    return lambda t: made[t]


def lasting(block: Any, operation: Operation, name: str, began: Rate, hours: float, before: Rate | None = None) -> Rate:
    """Return how much of what `began(t)` in the last `hours` is still going on, as the mean over each step.

    What begins with step s is over within one later step: it counts whole in the steps before that one, and there by
    the share of the step that it takes. `before(t)` adds what was going on before the horizon.
    """
    timeline, last = operation.timeline, operation.last
    over = timeline.elapsed[:-1] + hours
    ends_in = np.searchsorted(timeline.elapsed, over + 1e-9, side="right") - 1
    whole: list[list[int]] = [[] for _ in range(last)]
    partly: list[list[int]] = [[] for _ in range(last)]
    share = np.zeros(last)
    for s, end in enumerate(ends_in.tolist()):
        for t in range(s, min(end, last)):
            whole[t].append(s)
        if end < last and over[s] > timeline.elapsed[end] + 1e-9:
            partly[end].append(s)
            share[s] = min((over[s] - timeline.elapsed[end]) / timeline.hours[end], 1.0)
    wholly = indexed_steps(block, operation, f"{name}_whole_steps", whole)
    partial = indexed_steps(block, operation, f"{name}_last_steps", partly)
    part = parameter(block, operation.steps, f"{name}_share_of_last_step", share)
    level = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
    block.add_component(name, level)

    def lasts(_b: Any, t: Any) -> Any:
        going_on = sum(began(s) for s in wholly[t]) + sum(part[s] * began(s) for s in partial[t])
        return level[t] == going_on + (0.0 if before is None else before(t))

    block.add_component(f"{name}_lasts", pyo.Constraint(operation.steps, rule=lasts))
    return lambda t: level[t]
