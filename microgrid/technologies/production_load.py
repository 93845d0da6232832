"""Production load: what the plant's processes draw; a part may be shed at a price, the rest is served or reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from pydantic import Field

from microgrid.capacity import Size
from microgrid.claims import Between, Charge, Claim
from microgrid.fields import FlowSeries, PerAmount, Share
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, Technology, parameter


class ProductionLoad(Technology):
    """A demand on any carrier.

    ``shed[t] <= sheddable * demand[t]``, each unit at `shed_price`. With an `unserved_price`, demand that cannot be
    met is left unserved at that price and reported as such; without one, a plan must meet it or there is none.
    No binary: shedding and leaving unserved cost money, so the relaxation has nothing to gain.
    """

    kind: Literal["production_load"] = "production_load"
    bus: Annotated[str, Bus((), "in")] = Field(default="electricity", description="Bus it draws from.")
    demand: FlowSeries = Field(description="What the process draws, kW or kg/h.")
    sheddable: Share = Field(default=0.0, description="Share of the demand that may be shed.")
    shed_price: PerAmount = Field(default=0.0, description="Cost of each kWh (or kg) shed.")
    unserved_price: PerAmount | None = Field(
        default=None, description="Cost of each kWh (or kg) left unserved; without it all is served."
    )

    def needs(self) -> frozenset[str]:
        """Name the bus of a demand that cannot all be left unserved."""
        can_go = self.unserved_price is not None or self.sheddable == 1.0 or self.demand.highest <= 0
        return frozenset() if can_go else frozenset({self.bus})

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:  # noqa: ARG002
        """Write the demand, and what of it may be shed or left unserved."""
        steps, hours = operation.steps, operation.hours
        demand = parameter(block, steps, "demand", self.demand.on(operation.timeline, "demand"))
        flows, costs = [Flow("demand", self.bus, lambda t: -demand[t])], []
        for name, share, price in self._reliefs():
            relief = pyo.Var(steps, dense=False, bounds=lambda _b, t, share=share: (0.0, share * demand[t]))
            block.add_component(name, relief)
            flows.append(Flow(name, self.bus, lambda t, v=relief: v[t]))  # type: ignore[misc]
            costs.append(Cost(name, "unserved", lambda t, v=relief, p=price: p * hours[t] * v[t], steps))  # type: ignore[misc]
        if len(self._reliefs()) > 1:

            def relief_within_demand(b: Any, t: Any) -> Any:
                return b.shed[t] + b.unserved[t] <= demand[t]

            block.relief_within_demand = pyo.Constraint(steps, rule=relief_within_demand)
        return Contribution(flows, costs)

    def _reliefs(self) -> list[tuple[str, float, float]]:
        """Return port, largest share of demand and price of each way not to serve it."""
        reliefs = [("shed", self.sheddable, self.shed_price)] if self.sheddable else []
        return reliefs + ([("unserved", 1.0, self.unserved_price)] if self.unserved_price is not None else [])

    def claims(self, operation: Operation) -> list[Claim]:
        """State the demand, what was shed of it, and what that cost."""
        demand = self.demand.on(operation.timeline)
        claims: list[Claim] = [Between("demand as given", (("demand", 1.0),), -demand, -demand)]
        for name, share, price in self._reliefs():
            claims.append(Between(f"{name} within its share", ((name, 1.0),), 0.0, share * demand))
            claims.append(Charge("costs", name, ((name, price),)))
        if len(self._reliefs()) > 1:
            claims.append(Between("relief within demand", (("shed", 1.0), ("unserved", 1.0)), high=demand))
        return claims

    @classmethod
    def example(cls) -> Self:
        """Return a load of 80 kW, a tenth of which may be shed."""
        return cls(demand=Series(np.asarray(80.0)), sheddable=0.1, shed_price=0.9, unserved_price=5.0)
