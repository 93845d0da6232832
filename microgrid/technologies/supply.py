"""Supply: what is bought by the kWh or kg with no metered peak: natural gas, hydrogen by trailer, district heat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pydantic import Field, model_validator

from microgrid.capacity import Size
from microgrid.claims import Between, Charge, Claim, Means, Role
from microgrid.factor_fields import BiogenicFactor, CombustionFactor, HeatFactor, UpstreamFactor
from microgrid.fields import AmountPrices, FlowSeries, refuse
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, Technology, parameter
from microgrid.technologies.factor_lines import FactorLine, booked, claimed
from microgrid.timeline import Timeline


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
    scope_1_factor: CombustionFactor | None = Field(
        default=None, description="Emissions of burning it on the site, per kWh (or kg) bought."
    )
    scope_2_factor: HeatFactor | None = Field(
        default=None, description="Emissions of making it elsewhere, where it is heat, steam or cold, per kWh bought."
    )
    scope_3_factor: UpstreamFactor | None = Field(
        default=None, description="Upstream emissions of winning, making and bringing it, per kWh (or kg) bought."
    )
    biogenic_factor: BiogenicFactor | None = Field(
        default=None, description="Carbon dioxide of burning biomass on the site; told apart, in no total."
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

    def intensity(self, port: str, timeline: Timeline) -> NDArray[np.float64] | None:  # noqa: ARG002
        """Return what each kWh (or kg) bought emits where it is burnt or made, and before; None where nobody says."""
        told = [self.scope_1_factor, self.scope_2_factor, self.scope_3_factor]
        known = [factor.on(timeline) for factor in told if factor is not None]
        if not known and self.biogenic_factor is None:
            return None
        return np.asarray(np.sum([np.zeros(len(timeline)), *known], axis=0))

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
            emissions=booked(block, operation, self._factors(), {"supply": lambda t: supply[t]}),
        )

    def _factors(self) -> list[FactorLine]:
        return [
            FactorLine("supply, burnt", 1, "both", "fuel", "supply", self.scope_1_factor, "scope_1_factor"),
            FactorLine(
                "supply, made elsewhere", 2, "both", "purchased", "supply", self.scope_2_factor, "scope_2_factor"
            ),
            FactorLine("supply, upstream", 3, "both", "upstream", "supply", self.scope_3_factor, "scope_3_factor"),
            FactorLine("supply, biogenic", 0, "both", "biogenic", "supply", self.biogenic_factor, "biogenic_factor"),
        ]

    def claims(self, operation: Operation) -> list[Claim]:
        """State the limit, the bill and the emissions."""
        timeline = operation.timeline
        high = None if self.limit is None else self.limit.on(timeline)
        return [
            Between("supply within its limit", (("supply", 1.0),), 0.0, high),
            Charge("costs", "supply", (("supply", self.price.on(timeline)),)),
            *claimed(timeline, self._factors(), ["supply"]),
            Means("supply", "supply", intensity=self.intensity("supply", timeline)),
        ]

    @classmethod
    def example(cls) -> Self:
        """Return district heat of at most 70 kW with a factor of every scope and of biomass."""
        return cls(
            bus="heat",
            price=Series(np.asarray(0.09)),
            limit=Series(np.asarray(70.0)),
            scope_1_factor=Series(np.asarray(0.01)),
            scope_2_factor=Series(np.asarray(0.2)),
            scope_3_factor=Series(np.asarray(0.03)),
            biogenic_factor=Series(np.asarray(0.04)),
        )
