"""What a grid connection emits: scope 2 by location and by market, scope 3 upstream, on every kWh imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from microgrid.claims import Charge, Claim
from microgrid.series import Series
from microgrid.technologies.base import Basis, Emission, Operation, Scope, parameter
from microgrid.timeline import Timeline


class Factor(NamedTuple):
    """A line of the carbon ledger: its scope and basis, and what a kWh imported emits."""

    line: str
    scope: Scope
    basis: Basis
    factor: Series


def factors(location: Series | None, market: Series | None, upstream: Series | None) -> list[Factor]:
    """Return the lines that are known; by market, a kWh emits what it does by location unless told otherwise."""
    lines: list[tuple[str, Scope, Basis, Series | None]] = [
        ("import, location-based", 2, "location", location),
        ("import, market-based", 2, "market", market if market is not None else location),
        ("import, upstream", 3, "both", upstream),
    ]
    return [Factor(line, scope, basis, factor) for line, scope, basis, factor in lines if factor is not None]


def emissions(block: Any, operation: Operation, imports: Any, lines: Sequence[Factor]) -> list[Emission]:
    """Return the lines of the carbon ledger."""
    hours, found = operation.hours, []
    for line, scope, basis, factor in lines:
        values = parameter(block, operation.steps, f"factor_{scope}_{basis}", factor.on(operation.timeline, "factor"))
        found.append(Emission(line, scope, basis, lambda t, f=values: f[t] * hours[t] * imports[t]))  # type: ignore[misc]
    return found


def emission_claims(timeline: Timeline, lines: Sequence[Factor]) -> list[Claim]:
    """State the lines of the carbon ledger."""
    return [Charge("emissions", line.line, (("import", line.factor.on(timeline)),)) for line in lines]
