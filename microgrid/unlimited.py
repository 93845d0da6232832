"""Why the cost of a plant falls without end: which assets move, what they earn by it, which price would end it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.amounts import rounded_outward, short, told, unit_in
from microgrid.compiled import Compiled
from microgrid.documents import Document
from microgrid.errors import MicrogridError
from microgrid.explanation import Explanation, Limit, Proposal, Unmet
from microgrid.faults import Fault
from microgrid.levers import Lever, levers
from microgrid.plant import Plant
from microgrid.repairs import found_text
from microgrid.technologies.base import Cost, Flow
from solvers import Plan
from solvers.infeasible import Clock, OutOfTimeError, optimum, relaxed
from solvers.unbounded import ray

HEAD = "the scenario is unbounded: a price lets the cost fall without end"
_SECONDS = 60.0
_STEP = 0.01
_NOTHING = 1e-9
_TITLES = ("what pays without end", "the prices it depends on")


def explain_unbounded(plant: Plant, document: Document | None = None) -> Explanation:
    """Return which flows pay without end, by which lines of the ledgers, and which price would end it."""
    clock = Clock(_SECONDS)
    case = Compiled.of(plant)
    try:
        direction = ray(case.matrix, clock)
        if direction is None:
            return Explanation(HEAD, notes=("the price was not found",))
        moved = tuple(_told(case, direction))
        prices = _prices(case, direction)
        proposals = tuple(_proposals(case, direction, prices, document, clock))
    except OutOfTimeError:
        return Explanation(HEAD, notes=(f"the price was not found in {_SECONDS:g} s",))
    return Explanation(HEAD, moved, tuple(_limits(case, prices, document)), proposals, titles=_TITLES)


class _Moving(NamedTuple):
    """A flow that can grow for ever: whose it is, its port, and by how much it grows at each step."""

    owner: str
    flow: Flow
    rates: NDArray[np.float64]

    @property
    def most(self) -> float:
        """The largest growth at any step."""
        return float(np.abs(self.rates).max())


def _along(case: Compiled, direction: NDArray[np.float64]) -> tuple[Plan, Plan]:
    evaluator = case.matrix.evaluator
    return Plan(evaluator, direction, {}), Plan(evaluator, np.zeros_like(direction), {})


def _moving(case: Compiled, direction: NDArray[np.float64]) -> list[_Moving]:
    """Return the flows that can grow for ever, the largest first."""
    moved, still = _along(case, direction)
    steps = case.model.operation.steps
    every = [(name, flow) for name, contribution in case.model.contributions.items() for flow in contribution.flows]
    grown = [_Moving(name, flow, moved.along(flow.rate, steps) - still.along(flow.rate, steps)) for name, flow in every]
    return sorted(
        (one for one in grown if np.abs(one.rates).max() > _NOTHING), key=lambda one: -np.abs(one.rates).max()
    )


def _told(case: Compiled, direction: NDArray[np.float64]) -> Iterator[Unmet]:
    """Give the flows that can grow for ever, then the lines of the ledger that earn and cost by it."""
    moving = _moving(case, direction)
    timeline = case.plant.timeline
    for owner, flow, rates in moving:
        begin = timeline.index[int(np.argmax(np.abs(rates)))]
        hours = float(timeline.hours[np.abs(rates) > _NOTHING].sum())
        what = f"{owner}: {flow.port} on bus {flow.bus} can grow without end, at {begin:%Y-%m-%d %H:%M} for one"
        unit = case.plant.buses[flow.bus].carrier.flow_unit
        yield Unmet(what, owner, (), hours, math.inf, unit)
    if moving:
        yield from _lines(case, direction, moving[0])


def _lines(case: Compiled, direction: NDArray[np.float64], main: _Moving) -> Iterator[Unmet]:
    """Give what each line of the money ledger earns or costs by unit of the flow that grows most."""
    moved, still = _along(case, direction)
    plant = case.plant
    amount = float(np.abs(main.rates) @ plant.timeline.weighted_hours)
    per = f"{plant.currency or 'money'} for each {plant.buses[main.flow.bus].carrier.stock_unit} of it"
    paid = [
        (line, float((_paid(line.cost, moved) - _paid(line.cost, still)).sum())) for line in case.model.ledger.costs
    ]
    for line, sum_of_line in sorted(paid, key=lambda pair: pair[1]):
        if abs(sum_of_line) > _NOTHING:
            word = "earns" if sum_of_line < 0 else "costs"
            what = f"{line.asset}: {line.cost.line} {word} {short(abs(sum_of_line) / amount)} {per}"
            yield Unmet(what, line.asset, (), 0.0, 0.0, "")


def _paid(cost: Cost, plan: Plan) -> NDArray[np.float64]:
    return plan.along(cost.amount, cost.index) if cost.index is not None else plan.along(lambda: cost.amount(None))


def _prices(case: Compiled, direction: NDArray[np.float64]) -> list[tuple[Lever, float]]:
    """Return the prices that the gain depends on, and how fast it falls as each of them grows."""
    gain, found = float(case.matrix.cost @ direction), []
    for lever in levers(case.plant):
        step = _STEP * abs(lever.value) or _STEP
        plant = lever.at(lever.value + step) if lever.is_price else None
        if plant is None:
            continue
        try:
            other = Compiled.of(plant).matrix.cost
        except MicrogridError:
            continue
        if len(other) == len(direction) and abs(float(other @ direction) - gain) > 1e-9 * abs(gain):
            found.append((lever, (float(other @ direction) - gain) / step))
    return found


def _limits(case: Compiled, prices: list[tuple[Lever, float]], document: Document | None) -> Iterator[Limit]:
    for lever, _ in prices:
        place = "" if document is None else document.place(lever.keys)
        found = found_text(lever, document, case.plant.currency)
        yield Limit(Fault(lever.keys, "", "").where, place, lever.asset or "objective", "price", found)


def _proposals(
    case: Compiled,
    direction: NDArray[np.float64],
    prices: list[tuple[Lever, float]],
    document: Document | None,
    clock: Clock,
) -> Iterator[Proposal]:
    """Give for each price the nearest at which nothing is gained any more, if the model then has an optimum."""
    gain = float(case.matrix.cost @ direction)
    for lever, slope in prices:
        change = -gain / slope
        value = rounded_outward(lever.value + change, change) if abs(lever.value + change) > 1e-12 else 0.0
        plant = lever.at(value)
        if plant is None or optimum(relaxed(Compiled.of(plant).matrix), clock) is None:
            continue
        unit = unit_in(None, lever.unit, case.plant.currency)
        where = Fault(lever.keys, "", "").where
        place = "" if document is None else document.place(lever.keys)
        yield Proposal(
            field=where,
            place=place,
            asset=lever.asset,
            found=found_text(lever, document, case.plant.currency),
            wanted=f"times {value:g}" if lever.is_series else told(value, unit),
            overrides={where: told(value, unit)} if document is not None and not lever.is_series else {},
            or_more="or more" if change > 0 else "or less",
        )
