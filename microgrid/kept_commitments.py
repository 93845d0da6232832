"""What it costs to go back on running commitments: a price on each unit and hour that is not as last planned.

It belongs to no technology: it holds any state of an asset that counts units. Whoever re-plans often would else switch
units for a saving that the next forecast takes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyomo.core as pyo

from microgrid.claims import Between, Charge, Claim
from microgrid.plant import KeptState, Plant
from microgrid.technologies.base import Contribution, Cost, Operation, State, parameter


class Kept(NamedTuple):
    """The ledger lines of changed commitments, and the states that they are counted by."""

    costs: list[Cost]
    states: dict[str, State]


def write_kept(block: Any, operation: Operation, contribution: Contribution, plant: Plant, name: str) -> Kept:
    """Count on an asset's block how far its states are from what was planned, both ways, and give what that costs.

    No binary: both ways at once cost more and gain nothing, for no price is below zero.
    """
    kept = Kept([], {})
    for state, told in plant.kept_states.get(name, {}).items():
        if state in contribution.states:
            _write(block, operation, (state, contribution.states[state].variable), told, kept)
    return kept


def _write(block: Any, operation: Operation, told: tuple[str, Any], known: KeptState, kept: Kept) -> None:
    state, variable = told
    counts = [pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals) for _ in range(2)]
    for way, count in zip(("fewer", "more"), counts, strict=True):
        block.add_component(f"{state}_{way}_than_planned", count)
        kept.states[f"{state} {way} than planned"] = State(count, "steps")
    fewer, more = counts
    planned = parameter(block, operation.steps, f"{state}_planned", known.planned)
    price = parameter(block, operation.steps, f"price_of_{state}_changed", known.price)
    hours = operation.hours

    def changed_from_plan(_b: Any, t: Any) -> Any:
        return variable[t] + fewer[t] - more[t] == planned[t]

    block.add_component(f"{state}_changed_from_plan", pyo.Constraint(operation.steps, rule=changed_from_plan))
    kept.costs.append(
        Cost(_line(state), "operation", lambda t: price[t] * hours[t] * (fewer[t] + more[t]), operation.steps)
    )


def kept_claims(plant: Plant, name: str) -> Iterator[Claim]:
    """State how changes are counted, and what they cost."""
    for state, told in plant.kept_states.get(name, {}).items():
        ways = [f"{state} {way} than planned" for way in ("fewer", "more")]
        terms = ((state, 1.0), (ways[0], 1.0), (ways[1], -1.0))
        yield Between(f"{state} as planned, but for what is told as changed", terms, told.planned, told.planned)
        yield Charge("costs", _line(state), tuple((way, told.price) for way in ways))


def _line(state: str) -> str:
    return f"{state} changed from plan"
