"""Contracts of green energy as rows: what is taken, resold, lost and matched, and certificates counted whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.capacity import Size
from microgrid.factors import gas_of
from microgrid.policies.packs import Period
from microgrid.policies.spans import spans
from microgrid.series import Series
from microgrid.technologies.base import Cost, Emission, Operation, Rate, State, parameter
from microgrid.technologies.green_contracts import (
    Agreement,
    Certificates,
    CertificateSale,
    Contract,
    Delivered,
    GreenTrade,
)
from microgrid.technologies.grid_emissions import BY_MARKET


@dataclass
class Settled:
    """What contracts add to their connection."""

    costs: list[Cost] = field(default_factory=list)
    emissions: list[Emission] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    taken: list[Rate] = field(default_factory=list)
    matched: dict[str, Rate] = field(default_factory=dict)
    factors: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    certified: list[Rate] = field(default_factory=list)


@dataclass(frozen=True)
class Site:
    """The connection that contracts settle behind: block, sizes and flows, and what a kWh without contract emits."""

    block: Any
    operation: Operation
    size: Mapping[str, Size]
    imports: Any
    exports: Any
    residual: Series

    def variable(self, name: str, index: Any = None, **kind: Any) -> Any:
        """Declare a variable of the connection, zero or more, by the step unless told otherwise."""
        declared = pyo.Var(
            self.operation.steps if index is None else index, dense=False, **(kind or {"within": pyo.NonNegativeReals})
        )
        self.block.add_component(name, declared)
        return declared

    def series(self, name: str, values: Series) -> Any:
        """Put a series on the connection's block."""
        return parameter(self.block, self.operation.steps, name, values.on(self.operation.timeline, name))

    def rows(self, name: str, index: Any, rule: Rate) -> None:
        """Write a constraint."""
        self.block.add_component(name, pyo.Constraint(index, rule=lambda _b, i: rule(i)))

    def periods(self, name: str, period: Period) -> tuple[Any, Any]:
        """Return the numbers of the periods as a set, and the steps of each."""
        members = list(spans(self.operation.timeline, period).values())
        numbers = pyo.RangeSet(0, len(members) - 1)
        inside = pyo.Set(numbers, initialize={k: steps.tolist() for k, steps in enumerate(members)})
        self.block.add_component(f"{name}_periods", numbers)
        self.block.add_component(f"{name}_steps", inside)
        return numbers, inside

    def energy(self, rate: Rate) -> Rate:
        """Return a power as energy, as often as its step counts."""
        weight, hours = self.operation.block.weight, self.operation.hours
        return lambda t: weight[t] * hours[t] * rate(t)


def settle(contracts: Mapping[str, Contract], site: Site) -> Settled:
    """Write all contracts of a connection; together they take and match no more than it imports."""
    settled = Settled()
    for name, contract in contracts.items():
        _settle(name, contract, site, settled)
    imports, steps = site.imports, site.operation.steps
    taken, matched = settled.taken, list(settled.matched.values())
    if taken:
        site.rows("contracts_taken_within_import", steps, lambda t: sum([rate(t) for rate in taken]) <= imports[t])
    if matched:
        site.rows("contracts_matched_within_import", steps, lambda t: sum([rate(t) for rate in matched]) <= imports[t])
    for name, contract in contracts.items():
        if isinstance(contract, Agreement) and contract.keeps:
            _all_matched(name, contract, site, settled)
    settled.emissions += _emissions(contracts, site, settled)
    return settled


def _settle(name: str, contract: Contract, site: Site, settled: Settled) -> None:
    if isinstance(contract, Agreement):
        _delivered(name, contract, site, settled)
    elif isinstance(contract, GreenTrade):
        _traded(name, contract, site, settled)
    elif isinstance(contract, Certificates):
        _certificates(name, contract, site, settled)
    elif isinstance(contract, CertificateSale):
        _sale(name, contract, site, settled)


def _emissions(contracts: Mapping[str, Contract], site: Site, settled: Settled) -> list[Emission]:
    """Return the market-based account: what is matched by its contract's factor, the rest by the residual one."""
    hours, gas = site.operation.hours, gas_of(site.residual.unit)
    residual, matched = site.series("residual", site.residual), list(settled.matched.values())

    def bare(t: Any) -> Any:
        return residual[t] * hours[t] * (site.imports[t] - sum([rate(t) for rate in matched]))

    lines = [Emission(BY_MARKET, 2, "market", bare, "purchased", gas)]
    for state, rate in settled.matched.items():
        name = state.rpartition(" ")[0]
        contract = contracts[name]
        own = site.series(f"{name}_factor", contract.emits)
        settled.factors[state] = contract.emits.on(site.operation.timeline, name)

        def amount(t: Any, own: Any = own, rate: Rate = rate) -> Any:
            return own[t] * hours[t] * rate(t)

        counted = gas_of(contract.emits.unit) or gas
        lines.append(Emission(f"{name}, matched", 2, "market", amount, "purchased", counted))
    return lines


def _delivered(name: str, contract: Delivered, site: Site, settled: Settled) -> None:
    """Settle what a contract generates: taken while the plant imports, resold, or lost."""
    assert isinstance(contract, Agreement)
    steps, hours = site.operation.steps, site.operation.hours
    amount = site.size[f"{name}_capacity"].amount
    produced = parameter(site.block, steps, f"{name}_produced", contract.produced(site.operation.timeline))
    taken, lost = site.variable(f"{name}_taken"), site.variable(f"{name}_lost")
    price, replaced = site.series(f"{name}_price", contract.price), site.series(f"{name}_replaces", contract.replaces)
    resold = site.variable(f"{name}_resold") if contract.resale_price is not None else None

    def used(t: Any) -> Any:
        return taken[t] + resold[t] if resold is not None else taken[t]

    site.rows(f"{name}_is_settled", steps, lambda t: used(t) + lost[t] == amount * produced[t])
    paid: Rate = (lambda t: amount * produced[t]) if contract.take_or_pay else used
    settled.costs += [
        Cost(f"{name}, energy", "energy", lambda t: price[t] * hours[t] * paid(t), steps),
        Cost(f"{name}, energy replaced", "energy", lambda t: -replaced[t] * hours[t] * taken[t], steps),
    ]
    if contract.resale_price is not None and resold is not None:
        earned = site.series(f"{name}_resale_price", contract.resale_price)
        settled.costs.append(Cost(f"{name}, resold", "revenue", lambda t: -earned[t] * hours[t] * resold[t], steps))
        settled.states[f"{name} resold"] = State(resold, "steps")
    settled.states[f"{name} taken"] = State(taken, "steps")
    settled.states[f"{name} lost"] = State(lost, "steps")
    settled.taken.append(lambda t: taken[t])
    if contract.keeps:
        matched = site.variable(f"{name}_matched")
        settled.states[f"{name} matched"] = State(matched, "steps")
        settled.matched[f"{name} matched"] = lambda t: matched[t]
    else:
        settled.matched[f"{name} taken"] = lambda t: taken[t]


def _all_matched(name: str, contract: Delivered, site: Site, settled: Settled) -> None:
    """Match all certificates of a period, or all its import: one of the two, told by a binary."""
    block, timeline = site.block, site.operation.timeline
    assert isinstance(contract, Agreement)
    numbers, inside = site.periods(name, contract.matching)
    full = site.variable(f"{name}_import_is_all_matched", numbers, within=pyo.Binary)
    matched, used = block.component(f"{name}_matched"), (f"{name}_taken", f"{name}_resold")
    everything = list(settled.matched.values())
    hours = np.array([timeline.weighted_hours[steps].sum() for steps in spans(timeline, contract.matching).values()])
    produced = float(contract.produced(timeline).max(initial=0.0))
    most_left = parameter(block, numbers, f"{name}_most_left", hours * produced * site.size[f"{name}_capacity"].high)
    most_import = parameter(block, numbers, f"{name}_most_import", hours * site.size["capacity"].high)
    left = site.energy(lambda t: sum([block.component(part)[t] for part in used]) - matched[t])
    bare = site.energy(lambda t: site.imports[t] - sum([rate(t) for rate in everything]))
    site.rows(f"{name}_matched_within_generation", numbers, lambda k: sum(left(t) for t in inside[k]) >= 0)
    site.rows(
        f"{name}_left_only_if_all_is_matched",
        numbers,
        lambda k: sum(left(t) for t in inside[k]) <= most_left[k] * full[k],
    )
    site.rows(
        f"{name}_bare_only_if_none_is_left",
        numbers,
        lambda k: sum(bare(t) for t in inside[k]) <= most_import[k] * (1 - full[k]),
    )


def _traded(name: str, contract: GreenTrade, site: Site, settled: Settled) -> None:
    """Buy green energy for what is imported, within what the seller generates and the most of each period."""
    steps, hours, premium = site.operation.steps, site.operation.hours, contract.premium
    taken = site.variable(f"{name}_taken")
    if contract.generation is not None:
        generated = site.series(f"{name}_generation", contract.generation)
        if contract.matching == "hour" and (site.operation.timeline.hours >= 1 - 1e-9).all():
            site.rows(f"{name}_within_generation", steps, lambda t: taken[t] <= generated[t])
        else:
            numbers, inside = site.periods(f"{name}_generation", contract.matching)
            over = site.energy(lambda t: taken[t] - generated[t])
            site.rows(f"{name}_within_generation", numbers, lambda k: sum(over(t) for t in inside[k]) <= 0)
    if contract.most is not None:
        numbers, inside = site.periods(name, contract.matching)
        bought, most = site.energy(lambda t: taken[t]), contract.most
        site.rows(f"{name}_within_the_most", numbers, lambda k: sum(bought(t) for t in inside[k]) <= most)
    settled.costs.append(Cost(f"{name}, premium", "energy", lambda t: premium * hours[t] * taken[t], steps))
    if contract.price is not None and contract.replaces is not None:
        price, replaced = (site.series(f"{name}_{part}", getattr(contract, part)) for part in ("price", "replaces"))
        settled.costs += [
            Cost(f"{name}, energy", "energy", lambda t: price[t] * hours[t] * taken[t], steps),
            Cost(f"{name}, energy replaced", "energy", lambda t: -replaced[t] * hours[t] * taken[t], steps),
        ]
    settled.states[f"{name} taken"] = State(taken, "steps")
    settled.taken.append(lambda t: taken[t])
    settled.matched[f"{name} taken"] = lambda t: taken[t]


def _certificates(name: str, contract: Certificates, site: Site, settled: Settled) -> None:
    """Buy whole certificates; what a period leaves over, less than one, is matched in the next."""
    matched = site.variable(f"{name}_matched")
    count = _counted(name, contract.matching, site, lambda t: matched[t], contract.terms.energy.value, contract.most)
    price = contract.price
    settled.costs.append(
        Cost(f"{name}, certificates", "energy", lambda m: price * count[m], site.block.component(f"{name}_months"))
    )
    settled.states[f"{name} matched"] = State(matched, "steps")
    settled.states[f"{name} certificates"] = State(count, "months")
    settled.matched[f"{name} matched"] = lambda t: matched[t]


def _sale(name: str, contract: CertificateSale, site: Site, settled: Settled) -> None:
    """Sell whole certificates of exported energy; what a month leaves over, less than one, counts in the next."""
    certified = site.variable(f"{name}_certified")
    exports, steps, price = site.exports, site.operation.steps, contract.price
    site.rows(f"{name}_certified_within_export", steps, lambda t: certified[t] <= exports[t])
    count = _counted(name, "month", site, lambda t: certified[t], -contract.terms.energy.value, None)
    settled.costs.append(
        Cost(f"{name}, certificates", "revenue", lambda m: -price * count[m], site.block.component(f"{name}_months"))
    )
    settled.states[f"{name} certified"] = State(certified, "steps")
    settled.states[f"{name} certificates"] = State(count, "months")
    settled.certified.append(lambda t: certified[t])


def _counted(name: str, period: Period, site: Site, rate: Rate, each: float, most: int | None) -> Any:
    """Return the whole certificates by month that an energy takes (`each` above zero) or makes (below).

    Certificates of a year are all bought in its first month. The rest of the last one is carried over.
    """
    block, timeline = site.block, site.operation.timeline
    months = list(dict.fromkeys(timeline.months.tolist()))
    named = pyo.Set(initialize=months)
    block.add_component(f"{name}_months", named)
    numbers, inside = site.periods(name, period)
    firsts: NDArray[np.object_] = np.array(
        [timeline.months[s[0]] for s in spans(timeline, period).values()], dtype=object
    )
    opened = set(firsts.tolist())
    most_of_any = np.inf if most is None else float(most)
    high = parameter(
        block, named, f"{name}_most", np.array([most_of_any if month in opened else 0.0 for month in months])
    )
    count = site.variable(
        f"{name}_certificates", named, within=pyo.NonNegativeIntegers, bounds=lambda _b, m: (0, high[m])
    )
    month_of = parameter(block, numbers, f"{name}_month_of_period", firsts)
    edges = pyo.RangeSet(0, len(firsts))
    block.add_component(f"{name}_edges", edges)
    size = abs(each)
    carried = site.variable(f"{name}_carried", edges, bounds=(0.0, size))
    block.add_component(f"{name}_begins_with_none_carried", pyo.Constraint(rule=lambda _b: carried[0] == 0))
    energy, sign = site.energy(rate), 1.0 if each > 0 else -1.0

    def counts(k: Any) -> Any:
        used = sum(energy(t) for t in inside[k])
        return used == size * count[month_of[k]] + sign * (carried[k] - carried[k + 1])

    site.rows(f"{name}_certificates_count", numbers, counts)
    return count
