"""Lines of the carbon ledger that are a factor times a flow: as expressions for a model, as claims for the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from microgrid.claims import Charge, Claim
from microgrid.factors import gas_of
from microgrid.series import Series
from microgrid.technologies.base import Basis, Emission, Operation, Part, Rate, Scope, parameter
from microgrid.timeline import Timeline


@dataclass(frozen=True, eq=False)
class FactorLine:
    """A line: what each kWh (or kg) of a port's flow emits.

    Parameters
    ----------
    line, scope, basis, part
        As in an Emission.
    port
        The flow, counted into its bus: what an export takes back, or a unit captures, comes out negative.
    factor
        The factors along the horizon; None where there are none, and no line.
    field
        The asset's field that holds them.
    """

    line: str
    scope: Scope
    basis: Basis
    part: Part
    port: str
    factor: Series | None
    field: str


def booked(block: Any, operation: Operation, lines: Sequence[FactorLine], rates: Mapping[str, Rate]) -> list[Emission]:
    """Return the lines as emissions of flows by port; the factors become parameters of the block."""
    hours, found = operation.hours, []
    for place, each in enumerate(lines):
        if each.factor is None or each.port not in rates:
            continue
        values = parameter(block, operation.steps, f"factor_{place}", each.factor.on(operation.timeline, "factor"))
        rate = rates[each.port]

        def amount(t: Any, values: Any = values, rate: Rate = rate) -> Any:
            return values[t] * hours[t] * rate(t)

        found.append(Emission(each.line, each.scope, each.basis, amount, each.part, gas_of(each.factor.unit)))
    return found


def claimed(timeline: Timeline, lines: Sequence[FactorLine], ports: Sequence[str]) -> list[Claim]:
    """State the same lines for the audit."""
    return [
        Charge("emissions", each.line, ((each.port, each.factor.on(timeline)),), factor=each.field)
        for each in lines
        if each.factor is not None and each.port in ports
    ]
