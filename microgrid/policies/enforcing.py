"""Rules as rows: a sum over each period is bounded by a sum, both linear in the flows of the plant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.policies.adopted import Bound
from microgrid.policies.green_energy import GreenEnergy
from microgrid.policies.packs import HYDROGEN
from microgrid.policies.quantities import Quantities
from microgrid.policies.spans import bound_spans
from microgrid.technologies.base import Contribution, Rate, State


def enforce(block: Any, bounds: Sequence[Bound], quantities: Quantities) -> Iterator[tuple[str, Contribution]]:
    """Write the rules that are enforced, each under its pack; give the states that an audit needs to follow them.

    Parameters
    ----------
    block
        Pyomo block indexed by the names of the packs.
    bounds
        The rules that hold for the plant, enforced or not.
    quantities
        What the plant's assets say of their flows.
    """
    for bound in bounds:
        if bound.mode == "enforce":
            states: dict[str, State] = {}
            green = None
            if any(name in HYDROGEN for name in bound.quantities):
                green = GreenEnergy(block[bound.policy], bound.rule, bound.matching or "hour", quantities)
                states = green.write()
            _bounded(block[bound.policy], bound, quantities, green)
            if states:
                yield state_owner(bound.policy, bound.rule), Contribution([], states=states)


def state_owner(policy: str, rule: str) -> str:
    """Return under which name, among assets, the frames keep what a rule is met with."""
    return f"policy {policy} {rule}"


def _bounded(block: Any, bound: Bound, quantities: Quantities, green: GreenEnergy | None) -> None:
    """Bound the rule's sum in each period; a quantity that no asset has a part in is zero."""

    def amount(name: str) -> Rate | None:
        return green.amount(name) if green is not None and name in HYDROGEN else quantities.amount(name)

    sign = 1.0 if bound.sense == "at_most" else -1.0
    factors = [(sign * factor, amount(name)) for name, factor in bound.numerator.items()]
    factors += [(-sign * bound.limit * factor, amount(name)) for name, factor in bound.denominator.items()]
    known = [(factor, rate) for factor, rate in factors if rate is not None and factor]
    if not known:
        return
    timeline, operation = quantities.operation.timeline, quantities.operation
    members = bound_spans(timeline, bound)
    if not members:
        return

    def excess(t: Any) -> Any:
        return sum([factor * rate(t) for factor, rate in known])

    block.add_component(bound.rule, sums_below(block, bound.rule, operation.steps, members, excess))


def sums_below(
    block: Any, name: str, steps: Any, members: Mapping[str, NDArray[np.int64]], excess: Rate
) -> pyo.Constraint:
    """Return the rows that keep a sum over each period at or below zero."""
    periods = pyo.Set(initialize=list(members))
    block.add_component(f"{name}_periods", periods)
    if len(members) == 1 and len(next(iter(members.values()))) == len(steps):

        def whole(_b: Any, _p: Any) -> Any:
            return _row(sum(excess(t) for t in steps))

        return pyo.Constraint(periods, rule=whole)
    inside = pyo.Set(periods, initialize={label: part.tolist() for label, part in members.items()})
    block.add_component(f"{name}_steps", inside)

    def of_period(_b: Any, p: Any) -> Any:
        return _row(sum(excess(t) for t in inside[p]))

    return pyo.Constraint(periods, rule=of_period)


def _row(total: Any) -> Any:
    """Return the row; a sum without variables holds or does not."""
    if isinstance(total, int | float):
        return pyo.Constraint.Feasible if total <= 0 else pyo.Constraint.Infeasible
    return total <= 0
