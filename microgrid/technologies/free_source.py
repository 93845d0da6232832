"""Sources that sun or wind drive: free power up to what they allow; curtailment costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from microgrid.capacity import Size
from microgrid.claims import Between, Charge, Claim, Means, Role
from microgrid.fields import MONEY, Along, PerEnergy, PowerCapacity
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, Rate, Technology, parameter
from microgrid.technologies.patterns import flow_within, variable_cost_claims, variable_costs

PurchasePrices = Annotated[Series, Along(f"{MONEY}/kWh", low=0.0)]


class FreeSource(Technology):
    """A source of free power: ``0 <= output[t] <= capacity * availability[t]``.

    No binary: curtailment is free, so the relaxation has nothing to gain.
    """

    bus: Annotated[str, Bus(("electricity",), "out")] = Field(default="electricity", description="Bus it feeds.")
    capacity: PowerCapacity = Field(description="Rated power, kW.")
    availability: Series = Field(description="Power per kW rated that sun or wind allow.")
    variable_cost: PerEnergy = Field(default=0.0, description="Operation cost per kWh fed.")
    purchase_price: PurchasePrices | None = Field(
        default=None, description="Price per kWh where a third party owns it and sells its power to the plant."
    )
    purchase_of: Literal["taken", "available"] = Field(
        default="taken", description="Whether what is taken is paid, or all that sun or wind allow."
    )

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        return {"output": "renewable"}

    def _purchases(self, block: Any, operation: Operation, output: Any, allowed: Rate) -> list[Cost]:
        """Return what a third party that owns it is paid."""
        if self.purchase_price is None:
            return []
        hours = operation.hours
        price = parameter(
            block, operation.steps, "purchase_price", self.purchase_price.on(operation.timeline, "purchase_price")
        )
        paid: Rate = allowed if self.purchase_of == "available" else lambda t: output[t]
        return [Cost("power purchase", "energy", lambda t: price[t] * hours[t] * paid(t), operation.steps)]

    def _purchase_claims(self, operation: Operation) -> list[Claim]:
        if self.purchase_price is None:
            return []
        price = self.purchase_price.on(operation.timeline)
        of_all = ("capacity", price * self.availability.on(operation.timeline))
        return [Charge("costs", "power purchase", (of_all if self.purchase_of == "available" else ("output", price),))]

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the output within what is available."""
        values = self.availability.on(operation.timeline, "availability")
        available = parameter(block, operation.steps, "availability", values)
        output = flow_within(block, operation, "output", size["capacity"], available)
        amount = size["capacity"].amount
        return Contribution(
            flows=[Flow("output", self.bus, lambda t: output[t], lambda t: amount * available[t])],
            costs=[
                *variable_costs(operation, self.variable_cost, lambda t: output[t]),
                *self._purchases(block, operation, output, lambda t: amount * available[t]),
            ],
        )

    def claims(self, operation: Operation) -> list[Claim]:
        """Output is never negative and never above what is available."""
        available = self.availability.on(operation.timeline)
        return [
            Between("output within availability", (("output", 1.0), ("capacity", -available)), high=0.0),
            Between("output is no consumption", (("output", 1.0),), low=0.0),
            Means("output", "renewable", (("capacity", available),)),
            *variable_cost_claims(self.variable_cost),
            *self._purchase_claims(operation),
        ]
