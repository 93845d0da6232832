"""Carbon capture: takes carbon dioxide out of a stream, with electricity and heat, and stores it away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microgrid.capacity import Fixed, Size, Sized
from microgrid.claims import Between, Charge, Claim
from microgrid.fields import MONEY, CapacityIn, Quantity, Share, refuse
from microgrid.technologies.base import Bus, Contribution, Cost, Emission, Flow, Operation, Technology
from microgrid.technologies.patterns import flow_within

PerCaptured = Annotated[float, Quantity("kWh/kg", low=0.0)]
PerKilogram = Annotated[float, Quantity(f"{MONEY}/kg", low=0.0)]


class CarbonCapture(Technology):
    """A unit that treats a stream of carbon dioxide and keeps a share of it out of the air.

    ``0 <= treated[t] <= capacity``; ``capture_rate * treated[t]`` is captured, the rest goes up the stack. Per kg
    captured it draws electricity and heat, and costs `storage_cost`. What is captured and stays away is taken off
    scope 1, where whatever feeds the stream has booked it; so nothing is captured that was not emitted on the site, and
    what is not captured stays emitted. No binary: it only flows one way, and drawing more than is captured earns
    nothing.
    """

    kind: Literal["carbon_capture"] = "carbon_capture"
    carbon_dioxide_bus: Annotated[str, Bus(("carbon_dioxide",), "in")] = Field(
        default="carbon_dioxide", description="Bus that the stream comes from; declare it with surplus, for the stack."
    )
    capacity: Annotated[Fixed | Sized, CapacityIn("kg/h")] = Field(description="Largest stream that it treats, kg/h.")
    capture_rate: Share = Field(default=0.9, description="Share of the treated stream that is captured; a choice.")
    stored_share: Share = Field(
        default=1.0,
        description="Share of what is captured that stays out of the air; what is used and let go does not.",
    )
    electricity: PerCaptured = Field(description="Electricity per kg captured, compression included.")
    heat: PerCaptured = Field(default=0.0, description="Heat per kg captured.")
    storage_cost: PerKilogram = Field(default=0.0, description="Transport and storage per kg captured.")
    bus: Annotated[str, Bus(("electricity",), "in")] = Field(
        default="electricity", description="Bus it draws electricity from."
    )
    heat_bus: Annotated[str | None, Bus(("heat",), "in")] = Field(default=None, description="Bus it draws heat from.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.heat_bus is None) != (self.heat == 0.0):
            found = "heat_bus without heat" if self.heat == 0.0 else "heat without heat_bus"
            raise refuse(found, "both heat and heat_bus, or neither")
        return self

    def _ports(self) -> Iterator[tuple[str, str, float]]:
        """Give port, bus and what is drawn there for each kg treated."""
        yield "carbon_dioxide", self.carbon_dioxide_bus, 1.0
        yield "electricity", self.bus, self.capture_rate * self.electricity
        if self.heat_bus is not None:
            yield "heat", self.heat_bus, self.capture_rate * self.heat

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the stream, what it draws and costs, and what it takes off."""
        steps, hours = operation.steps, operation.hours
        treated = flow_within(block, operation, "treated", size["capacity"])
        flows = [
            Flow(port, bus, lambda t, per_kg=per_kg: -per_kg * treated[t])  # type: ignore[misc]
            for port, bus, per_kg in self._ports()
        ]
        costs, kept_away = [], self.capture_rate * self.stored_share
        if self.storage_cost:
            price = self.storage_cost * self.capture_rate
            costs.append(Cost("storage", "operation", lambda t: price * hours[t] * treated[t], steps))
        taken_off = Emission("captured", 1, "both", lambda t: -kept_away * hours[t] * treated[t], "captured", "CO2")
        return Contribution(flows, costs, [taken_off])

    def claims(self, operation: Operation) -> list[Claim]:  # noqa: ARG002
        """State the size, what is drawn in proportion, the bill and what is taken off."""
        price = self.storage_cost * self.capture_rate
        drawn = {port: per_kg for port, _, per_kg in self._ports() if port != "carbon_dioxide"}
        return [
            Between("treated within capacity", (("carbon_dioxide", -1.0), ("capacity", -1.0)), high=0.0),
            Between("carbon dioxide is drawn", (("carbon_dioxide", 1.0),), high=0.0),
            Charge("emissions", "captured", (("carbon_dioxide", self.capture_rate * self.stored_share),)),
            *(
                Between(f"{port} by what is captured", ((port, 1.0), ("carbon_dioxide", -per_kg)), 0.0, 0.0)
                for port, per_kg in drawn.items()
            ),
            *([Charge("costs", "storage", (("carbon_dioxide", -price),))] if price else []),
        ]

    @classmethod
    def example(cls) -> Self:
        """Return a unit that treats 80 kg/h with electricity and heat."""
        return cls(
            capacity=Fixed(amount=80.0),
            capture_rate=0.85,
            stored_share=0.95,
            electricity=0.12,
            heat=0.9,
            heat_bus="heat",
            storage_cost=0.05,
        )
