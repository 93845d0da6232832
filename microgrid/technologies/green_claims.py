"""Contracts of green energy as claims for the audit, and what of them does not fit a horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from microgrid.claims import Between, Certified, Charge, Claim, Matching, Means, Role, Terms
from microgrid.errors import Problem
from microgrid.factor_fields import FactorValues
from microgrid.policies.packs import Period
from microgrid.policies.spans import spans
from microgrid.series import Series
from microgrid.technologies.green_contracts import (
    Agreement,
    Certificates,
    CertificateSale,
    Contract,
    Delivered,
    GreenTrade,
)
from microgrid.technologies.grid_emissions import BY_MARKET
from microgrid.timeline import Timeline

_ROLES: Mapping[Period, Role] = {
    "hour": "contracted by the hour",
    "month": "contracted by the month",
    "year": "contracted by the year",
}


def matched_states(contracts: Mapping[str, Contract]) -> dict[str, Role]:
    """Return, by the state that tells it, within what period each contract's green energy is matched."""
    found: dict[str, Role] = {}
    for name, contract in contracts.items():
        if isinstance(contract, Certificates):
            found[f"{name} matched"] = _ROLES[contract.matching]
        elif isinstance(contract, GreenTrade):
            found[f"{name} taken"] = _ROLES[contract.matching]
        elif isinstance(contract, Agreement):
            kept = contract.keeps
            found[f"{name} {'matched' if kept else 'taken'}"] = _ROLES[contract.matching if kept else "hour"]
    return found


def contract_claims(contracts: Mapping[str, Contract], timeline: Timeline, residual: Series | None) -> Iterator[Claim]:
    """State what contracts settle, cost and match."""
    matched = matched_states(contracts)
    for name, contract in contracts.items():
        if isinstance(contract, Agreement):
            yield from _delivered(name, contract, timeline)
        elif isinstance(contract, GreenTrade):
            yield from _traded(name, contract, timeline)
        elif isinstance(contract, Certificates | CertificateSale):
            yield from _certified(name, contract)
    for state, role in matched.items():
        name = state.rpartition(" ")[0]
        emits, field = contracts[name].emits.on(timeline), f"contracts.{name}.factor"
        yield Charge("emissions", f"{name}, matched", ((state, emits),), factor=field)
        yield Means(state, role, intensity=emits)
        yield Between(f"{state} is not below zero", ((state, 1.0),), low=0.0)
    if contracts and residual is not None:
        rest = residual.on(timeline)
        bare: Terms = (("import", rest), *((state, -rest) for state in matched))
        yield Charge("emissions", BY_MARKET, bare, factor="market_factor")
    taken = [f"{name} taken" for name, c in contracts.items() if isinstance(c, Delivered | GreenTrade)]
    for told, states in (("contracts take", taken), ("contracts match", list(matched))):
        if states:
            terms: Terms = (*((state, 1.0) for state in states), ("import", -1.0))
            yield Between(f"{told} no more than is imported", terms, high=0.0)


def _delivered(name: str, contract: Agreement, timeline: Timeline) -> Iterator[Claim]:
    produced, size = contract.produced(timeline), f"{name}_capacity"
    sold = contract.resale_price is not None
    used: Terms = ((f"{name} taken", 1.0), *(((f"{name} resold", 1.0),) if sold else ()))
    yield Between(f"{name}, all is taken, resold or lost", (*used, (f"{name} lost", 1.0), (size, -produced)), 0.0, 0.0)
    for part in ("taken", "lost", *(("resold",) if sold else ())):
        yield Between(f"{name} {part} is not below zero", ((f"{name} {part}", 1.0),), low=0.0)
    price = contract.price.on(timeline)
    paid = ((size, price * produced),) if contract.take_or_pay else tuple((state, price) for state, _ in used)
    yield Charge("costs", f"{name}, energy", paid)
    yield Charge("costs", f"{name}, energy replaced", ((f"{name} taken", -contract.replaces.on(timeline)),))
    if contract.resale_price is not None:
        yield Charge("costs", f"{name}, resold", ((f"{name} resold", -contract.resale_price.on(timeline)),))
    if contract.keeps:
        yield Matching(name, f"{name} matched", used, contract.matching)
    else:
        yield Matching(name, f"{name} taken", ((size, produced),), "hour")


def _traded(name: str, contract: GreenTrade, timeline: Timeline) -> Iterator[Claim]:
    state = f"{name} taken"
    yield Charge("costs", f"{name}, premium", ((state, contract.premium),))
    if contract.price is not None and contract.replaces is not None:
        yield Charge("costs", f"{name}, energy", ((state, contract.price.on(timeline)),))
        yield Charge("costs", f"{name}, energy replaced", ((state, -contract.replaces.on(timeline)),))
    pool: Terms = (("import", 1.0),)
    if contract.generation is not None:
        pool = (("", contract.generation.on(timeline)),)
    yield Matching(name, state, pool, contract.matching, contract.most)


def _certified(name: str, contract: Certificates | CertificateSale) -> Iterator[Claim]:
    each, line = contract.terms.energy.value, f"{name}, certificates"
    if isinstance(contract, CertificateSale):
        certified: Terms = ((f"{name} certified", 1.0), ("export", 1.0))
        yield Between(f"{name}, certified energy is exported", certified, high=0.0)
        yield Between(f"{name} certified is not below zero", ((f"{name} certified", 1.0),), low=0.0)
        yield Certified(line, f"{name} certificates", -contract.price, f"{name} certified", -each, "month")
    else:
        state, most = f"{name} matched", contract.most
        yield Certified(line, f"{name} certificates", contract.price, state, each, contract.matching, most)


def contract_misfits(
    contracts: Mapping[str, Contract], timeline: Timeline, residual: Series | None
) -> Iterator[Problem]:
    """Give what of the contracts does not fit the horizon, each by the path of its field."""
    factor = residual.factor if isinstance(residual, FactorValues) else None
    if contracts and factor is not None and factor.family == "average":
        wanted = "a residual mix, such as cn/2023/average_excluding_traded, for what contracts do not match"
        cure = "an average holds the green power that was sold to others"
        yield Problem("market_factor", f"{factor.name or 'a factor'}, of the family average", wanted, cure)
    for name, contract in contracts.items():
        where = f"contracts.{name}"
        if isinstance(contract, Certificates):
            yield from _vintage(where, contract, timeline)
        period: Period = "month" if isinstance(contract, CertificateSale) else _matching(contract)
        yield from _periods(where, period, timeline)
        if period != "hour" and not isinstance(contract, CertificateSale) and _changes(residual, timeline, period):
            found = f"a market_factor that changes within the {period}"
            wanted = f"one that does not, where {name} is matched by the {period}"
            yield Problem("market_factor", found, wanted, "take the residual mix of the year, or matching: hour")
        if period != "hour" and _changes(contract.emits, timeline, period):
            found, wanted = f"a factor that changes within the {period}", "one that does not, or matching: hour"
            yield Problem(f"{where}.factor", found, wanted)
        if isinstance(contract, GreenTrade) and period != "hour":
            for field in ("price", "replaces"):
                if _changes(getattr(contract, field), timeline, period):
                    found, wanted = f"a price that changes within the {period}", "one that does not, or matching: hour"
                    yield Problem(f"{where}.{field}", found, wanted)


def _matching(contract: Contract) -> Period:
    if isinstance(contract, Delivered):
        return contract.matching if contract.keeps else "hour"
    assert isinstance(contract, GreenTrade | Certificates)
    return contract.matching


def _periods(where: str, period: Period, timeline: Timeline) -> Iterator[Problem]:
    at = int(np.argmax(timeline.hours))
    if period == "hour" and timeline.hours[at] > 1 + 1e-9:
        step = timeline.index[at].isoformat(timespec="minutes")
        found = f"matching by the hour, and the step at {step} of {timeline.hours[at]:g} h"
        yield Problem(f"{where}.matching", found, "steps of an hour or less", "take shorter steps")
    if period == "month" and not timeline.is_plain:
        found, wanted = "matching by the month on a horizon with weights", "a horizon whose every step counts once"
        yield Problem(f"{where}.matching", found, wanted, "match by the year")


def _vintage(where: str, contract: Certificates, timeline: Timeline) -> Iterator[Problem]:
    first, last = int(timeline.index[0].year), int(timeline.index[-1].year)
    good = contract.terms.validity.years
    if not last - good <= contract.vintage <= first:
        wanted = (
            f"one of {last - good} to {first}: {contract.scheme} is good for {good} years, and not before its energy"
        )
        yield Problem(f"{where}.vintage", str(contract.vintage), wanted)


def _changes(series: Series | None, timeline: Timeline, period: Period) -> bool:
    if series is None or series.values.ndim == 0:
        return False
    values = series.on(timeline)
    return any(np.ptp(values[steps]) > 1e-12 for steps in spans(timeline, period).values())


def contracts_may_reward_waste(contracts: Mapping[str, Contract], price: Series | None, least: float) -> bool:
    """Tell whether a kWh imported may cost less than nothing, for what a contract replaces of its price.

    Parameters
    ----------
    contracts
        The contracts.
    price
        The plain price of imports; None where a tariff has prices that depend on the horizon.
    least
        The least that a kWh imported can cost without contracts.
    """
    replaced = [getattr(contract, "replaces", None) for contract in contracts.values()]
    known = [part for part in replaced if part is not None]
    if price is None:
        return any(bool((part.values > least).any()) for part in known)
    return any(bool((price.values < part.values).any()) for part in known)


def most_gained(contracts: Mapping[str, Contract], timeline: Timeline) -> np.ndarray:
    """Return by how much contracts can make a kWh imported cheaper at most, shape (n,): never too little."""
    gains = [np.zeros(len(timeline))]
    for contract in contracts.values():
        if isinstance(contract, Delivered):
            own = 0.0 if contract.take_or_pay else contract.price.on(timeline)
            gains.append(contract.replaces.on(timeline) - own)
        elif isinstance(contract, GreenTrade) and contract.price is not None and contract.replaces is not None:
            gains.append(contract.replaces.on(timeline) - contract.price.on(timeline) - contract.premium)
    return np.asarray(np.max(gains, axis=0), dtype=float)
