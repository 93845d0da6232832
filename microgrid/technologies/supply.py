"""Supply: what is bought by the kWh or kg with no metered peak: natural gas, hydrogen by trailer, district heat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from pydantic import Field, model_validator

from microgrid.capacity import Size
from microgrid.claims import Between, Charge, Claim, Role
from microgrid.fields import AmountPrices, FactorSeries, FlowSeries, refuse
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Emission, Flow, Operation, Scope, Technology, parameter


class Supply(Technology):
    """A purchase at a price, up to a limit: ``0 <= supply[t] <= limit[t]``.

    Any carrier can be supplied; purchased hydrogen is a supply on a hydrogen bus. Fuels are bought by the kWh of lower
    heating value. What a fuel emits when it is burnt is booked here, where it is bought, as scope 1; steam and heat
    from a neighbour are scope 2, the upstream chain is scope 3. No binary: it only flows one way.
    """

    kind: Literal["supply"] = "supply"
    bus: Annotated[str, Bus((), "out")] = Field(description="Bus it feeds.")
    price: AmountPrices = Field(description="Price of each kWh (or kg).")
    limit: FlowSeries | None = Field(default=None, description="Largest supply, kW or kg/h; unlimited if not given.")
    scope_1_factor: FactorSeries | None = Field(
        default=None, description="Emissions of burning it on the site, per kWh (or kg) bought."
    )
    scope_2_factor: FactorSeries | None = Field(
        default=None, description="Emissions of making it elsewhere, where it is heat, steam or cold, per kWh bought."
    )
    scope_3_factor: FactorSeries | None = Field(
        default=None, description="Upstream emissions of winning, making and bringing it, per kWh (or kg) bought."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.price.lowest < 0 and self.limit is None:
            wanted = "a limit where the price falls below zero, or there is no end to what it would pay to buy"
            raise refuse(f"a price of {self.price.lowest:g} and no limit", wanted)
        return self

    def presses(self) -> frozenset[str]:
        """Where buying pays, wasting pays too."""
        return frozenset({self.bus}) if self.price.lowest < 0 else frozenset()

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        return {"supply": "supply"}

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:  # noqa: ARG002
        """Write the supply, its price and its emissions."""
        steps, hours = operation.steps, operation.hours
        if self.limit is None:
            block.supply = pyo.Var(steps, dense=False, within=pyo.NonNegativeReals)
        else:
            limit = parameter(block, steps, "limit", self.limit.on(operation.timeline, "limit"))
            block.supply = pyo.Var(steps, dense=False, bounds=lambda _b, t: (0.0, limit[t]))
        supply = block.supply
        price = parameter(block, steps, "price", self.price.on(operation.timeline, "price"))
        return Contribution(
            flows=[Flow("supply", self.bus, lambda t: supply[t])],
            costs=[Cost("supply", "energy", lambda t: price[t] * hours[t] * supply[t], steps)],
            emissions=self._emissions(block, operation, supply),
        )

    def _factors(self) -> list[tuple[str, Scope, Series]]:
        lines: list[tuple[str, Scope, Series | None]] = [
            ("supply, burnt", 1, self.scope_1_factor),
            ("supply, made elsewhere", 2, self.scope_2_factor),
            ("supply, upstream", 3, self.scope_3_factor),
        ]
        return [(line, scope, factor) for line, scope, factor in lines if factor is not None]

    def _emissions(self, block: Any, operation: Operation, supply: Any) -> list[Emission]:
        hours, lines = operation.hours, []
        for line, scope, factor in self._factors():
            name = f"scope_{scope}_factor"
            values = parameter(block, operation.steps, name, factor.on(operation.timeline, name))
            lines.append(Emission(line, scope, "both", lambda t, f=values: f[t] * hours[t] * supply[t]))  # type: ignore[misc]
        return lines

    def claims(self, operation: Operation) -> list[Claim]:
        """State the limit, the bill and the emissions."""
        timeline = operation.timeline
        high = None if self.limit is None else self.limit.on(timeline)
        return [
            Between("supply within its limit", (("supply", 1.0),), 0.0, high),
            Charge("costs", "supply", (("supply", self.price.on(timeline)),)),
            *(Charge("emissions", line, (("supply", factor.on(timeline)),)) for line, _, factor in self._factors()),
        ]

    @classmethod
    def example(cls) -> Self:
        """Return district heat of at most 70 kW with a factor of every scope."""
        return cls(
            bus="heat",
            price=Series(np.asarray(0.09)),
            limit=Series(np.asarray(70.0)),
            scope_1_factor=Series(np.asarray(0.01)),
            scope_2_factor=Series(np.asarray(0.2)),
            scope_3_factor=Series(np.asarray(0.03)),
        )
