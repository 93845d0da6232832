"""What the rows of a bill are written with: flows, sizes, months; sums by month, products with a choice, tiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.capacity import Size
from microgrid.tariffs.past import OpenWindow, Past
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies.base import Category, Operation, Rate, parameter
from microgrid.timeline import Timeline

Array = NDArray[np.float64]


class Line(NamedTuple):
    """A line of the bill: its amount along steps or months, and between what it lies in each month.

    Parameters
    ----------
    low, high
        Bounds of the month's amount, shape (months,), for the product with a choice.
    is_constant
        Whether the amount is a number whatever the plan is.
    """

    name: str
    category: Category
    amount: Rate
    index: Any
    low: Array
    high: Array
    is_constant: bool = False


@dataclass(frozen=True, eq=False)
class Meter:
    """The connection as its bill sees it.

    Parameters
    ----------
    block
        The asset's Pyomo block.
    imports, exports
        The two flows in kW; no exports where none may be.
    sizes
        Capacity, and transformer and contract demand where there are.
    past
        What was measured before the horizon.
    """

    block: Any
    operation: Operation
    tariff: Tariff
    imports: Any
    exports: Any
    sizes: Mapping[str, Size]
    past: Past = field(default_factory=Past)

    @property
    def timeline(self) -> Timeline:
        """The horizon."""
        return self.operation.timeline

    @cached_property
    def shares(self) -> dict[str, Array]:
        """By period of the clock, the share of each step in it."""
        return self.tariff.shares(self.timeline)

    @cached_property
    def names(self) -> list[str]:
        """The billing months, such as ``2026-03``, in order."""
        return list(dict.fromkeys(self.timeline.months.tolist()))

    @cached_property
    def month(self) -> NDArray[np.int64]:
        """The position of each step's month, shape (n,)."""
        positions = {name: at for at, name in enumerate(self.names)}
        return np.array([positions[name] for name in self.timeline.months.tolist()], dtype=np.int64)

    @cached_property
    def months(self) -> Any:
        """The set of billing months, by position; with it the steps of each."""
        block = self.block
        block.months = pyo.RangeSet(0, len(self.names) - 1)
        steps = {at: np.flatnonzero(self.month == at).tolist() for at in range(len(self.names))}
        block.month_steps = pyo.Set(block.months, initialize=steps)
        return block.months

    @cached_property
    def covered(self) -> Array:
        """How many months each billing month counts for, by the part of it that the horizon covers, shape (months,)."""
        timeline = self.timeline
        if timeline.keeps_months:
            return np.array([timeline.month_shares[name] for name in self.names])
        in_year = np.where(timeline.index.is_leap_year, 8784.0, 8760.0)
        return self.summed(12 * timeline.weighted_hours / in_year)

    @property
    def highest(self) -> float:
        """The largest import there can be, kW."""
        return self.sizes["capacity"].high

    def highest_mean(self, window: float, begun: OpenWindow | None) -> float:
        """Return the highest mean import of a metering window that there can be, kW."""
        if begun is None:
            return self.highest
        # A window that is open may have seen more than the connection allows, if it did so for one step alone.
        return max(self.highest, self.highest + begun.energy / max(window, begun.hours))

    @cached_property
    def month_hours(self) -> Array:
        """Hours of the horizon in each month, shape (months,)."""
        return self.summed(self.timeline.weighted_hours)

    def summed(self, values: Array) -> Array:
        """Return the sum of values by step over each month, shape (months,)."""
        return np.bincount(self.month, values, len(self.names)).astype(float)

    def in_months(self, values: Sequence[float] | Array, name: str, block: Any = None) -> Any:
        """Return one number a month as a Param."""
        return parameter(self.block if block is None else block, self.months, name, np.asarray(values, dtype=float))

    @cached_property
    def energy(self) -> Any:
        """The energy imported in each month, what was imported before the horizon included, kWh."""
        months, imports = self.months, self.imports
        hours, weight = self.operation.hours, self.operation.block.weight
        before = np.zeros(len(self.names))
        before[0] = self.past.energy or 0.0
        so_far = self.in_months(before, "energy_before")
        self.block.month_energy = pyo.Var(months, bounds=(0.0, None))

        def energy_of_month(b: Any, m: Any) -> Any:
            return b.month_energy[m] == so_far[m] + sum(weight[t] * hours[t] * imports[t] for t in b.month_steps[m])

        self.block.energy_of_month = pyo.Constraint(months, rule=energy_of_month)
        return self.block.month_energy

    @cached_property
    def most_energy(self) -> Array:
        """The most energy that can be imported in each month, shape (months,)."""
        most = self.highest * self.month_hours
        most[0] += self.past.energy or 0.0
        return np.asarray(most, dtype=float)


def only_if(block: Any, meter: Meter, line: Line, active: Any) -> Line:
    """Return a line that is paid only where a 0-1 expression is 1: exact, by the hull of the product.

    The amount by month lies between the line's bounds, which are the only constants of the rows.
    """
    months = meter.months
    if line.is_constant:
        return line._replace(amount=lambda m: line.amount(m) * active)
    amount = line.amount
    if line.index is meter.operation.steps:
        weight = meter.operation.block.weight
        block.total = pyo.Var(months)
        steps = meter.block.month_steps

        def total_of_month(b: Any, m: Any) -> Any:
            return b.total[m] == sum(amount(t) * weight[t] for t in steps[m])

        block.total_of_month = pyo.Constraint(months, rule=total_of_month)
        amount = block.total.__getitem__
    low, high = meter.in_months(line.low, "least", block), meter.in_months(line.high, "most", block)
    block.paid = pyo.Var(months)

    def paid_only_if_chosen(b: Any, m: Any) -> Any:
        return b.paid[m] <= high[m] * active

    def earned_only_if_chosen(b: Any, m: Any) -> Any:
        return b.paid[m] >= low[m] * active

    def paid_at_least(b: Any, m: Any) -> Any:
        return b.paid[m] >= amount(m) - high[m] * (1 - active)

    def paid_at_most(b: Any, m: Any) -> Any:
        return b.paid[m] <= amount(m) - low[m] * (1 - active)

    for rule in (paid_only_if_chosen, earned_only_if_chosen, paid_at_least, paid_at_most):
        block.add_component(rule.__name__, pyo.Constraint(months, rule=rule))
    return line._replace(amount=lambda m: block.paid[m], index=months)


class Tier(NamedTuple):
    """A stretch of a quantity, and the price of each unit within it."""

    width: Array
    price: float


def tiers_of(ends: Sequence[float | None], prices: Sequence[float], most: Array) -> list[Tier]:
    """Return tiers by width, each of shape (months,), the last as wide as the quantity can get."""
    edges = [np.zeros_like(most), *(np.minimum(most, most if end is None else end) for end in ends)]
    widths = np.diff(np.array(edges), axis=0)
    return [Tier(width, price) for width, price in zip(widths, prices, strict=True)]


def tiered(block: Any, meter: Meter, quantity: Rate, tiers: Sequence[Tier]) -> Rate:
    """Return what a quantity by month costs in tiers.

    Where prices rise from tier to tier, the optimum fills the cheap ones first and no binary is needed; where one
    falls, a binary `full` keeps the next tier empty until the one before it is full.
    """
    months, parts = meter.months, []
    for at, tier in enumerate(tiers):
        width = meter.in_months(tier.width, f"width_{at}", block)
        part = pyo.Var(months, dense=False, bounds=lambda _b, m, w=width: (0.0, w[m]))
        block.add_component(f"tier_{at}", part)
        parts.append((part, width))

    def tiers_hold_all(_b: Any, m: Any) -> Any:
        return sum([part[m] for part, _ in parts]) == quantity(m)

    block.tiers_hold_all = pyo.Constraint(months, rule=tiers_hold_all)
    if any(later.price < earlier.price for earlier, later in pairwise(tiers)):
        for at in range(len(tiers) - 1):
            _in_order(block, months, at, parts)

    def cost(m: Any) -> Any:
        return sum([tier.price * part[m] for tier, (part, _) in zip(tiers, parts, strict=True)])

    return cost


def _in_order(block: Any, months: Any, at: int, parts: Sequence[tuple[Any, Any]]) -> None:
    (part, width), (later, later_width) = parts[at], parts[at + 1]
    full = pyo.Var(months, dense=False, within=pyo.Binary)
    block.add_component(f"tier_{at}_full", full)

    def full_before_next(_b: Any, m: Any) -> Any:
        return part[m] >= width[m] * full[m]

    def next_only_if_full(_b: Any, m: Any) -> Any:
        return later[m] <= later_width[m] * full[m]

    block.add_component(f"tier_{at}_full_before_next", pyo.Constraint(months, rule=full_before_next))
    block.add_component(f"tier_{at + 1}_only_if_full", pyo.Constraint(months, rule=next_only_if_full))
