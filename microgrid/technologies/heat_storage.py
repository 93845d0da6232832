"""Heat storage: a tank of hot water or steam, with losses in charging, standing and discharging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.claims import Between, Claim, NeverBoth, StockBalance
from microgrid.fields import Efficiency, EnergyCapacity, PowerCapacity, Share, SharePerHour, refuse
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, State, Technology
from microgrid.technologies.patterns import EXCLUSIVE, flow_within, never_both, stock, stock_balance, stock_ends


class HeatStorage(Technology):
    """A store of heat, or of cold.

    ``stored[t+1] = (1 - loss) ** hours[t] * stored[t]
    + hours[t] * (charge_efficiency * charge[t] - discharge[t] / discharge_efficiency)``.

    Without losses on the way in and out, charging and discharging at once is the same as the difference of the two:
    nothing is wasted, so there is no binary. With such losses it would burn heat. Nothing here costs money, so where
    heat is worth nothing (surplus, a step whose heat is free) the relaxation would be indifferent, and where it is
    worth less, it would cheat: a binary excludes it, unless `exclusive` says never.
    """

    kind: Literal["heat_storage"] = "heat_storage"
    bus: Annotated[str, Bus(("heat", "cooling"))] = Field(default="heat", description="Bus it stands on.")
    energy: EnergyCapacity = Field(description="Heat that it holds between empty and full, kWh.")
    power: PowerCapacity | None = Field(
        default=None, description="Largest charge, and discharge, kW; without it only the content limits them."
    )
    charge_efficiency: Efficiency = Field(default=1.0, description="Share of the heat drawn that reaches the store.")
    discharge_efficiency: Efficiency = Field(
        default=1.0, description="Share of the heat taken out that reaches the bus."
    )
    loss: SharePerHour = Field(default=0.0, description="Share of the stored heat lost per hour.")
    minimum_fill: Share = Field(default=0.0, description="Least content, as a share of energy.")
    maximum_fill: Share = Field(default=1.0, description="Largest content, as a share of energy.")
    initial_fill: Share | None = Field(
        default=None, description="Share of energy at the start; if not given, it ends as it begins."
    )
    final_fill: Share | None = Field(default=None, description="Least share of energy at the end.")
    cyclic: bool = Field(default=False, description="Whether it must end as it began.")
    exclusive: Literal["auto", "always", "never"] = Field(default="auto", description=EXCLUSIVE)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.minimum_fill >= self.maximum_fill:
            raise refuse(f"{self.minimum_fill:g} to {self.maximum_fill:g}", "minimum_fill below maximum_fill")
        for name, share in (("initial_fill", self.initial_fill), ("final_fill", self.final_fill)):
            if share is not None and not self.minimum_fill <= share <= self.maximum_fill:
                wanted = f"a share within the window {self.minimum_fill:g} to {self.maximum_fill:g}"
                raise refuse(f"{name} {share:g}", wanted)
        return self

    @property
    def returns(self) -> bool:
        """Whether it ends as it begins."""
        return self.cyclic or (self.initial_fill is None and self.final_fill is None)

    @property
    def keeps_ways_apart(self) -> bool:
        """Whether a binary excludes charging and discharging at once."""
        wastes = self.charge_efficiency < 1 or self.discharge_efficiency < 1
        return wastes if self.exclusive == "auto" else self.exclusive == "always"

    def _fastest(self, operation: Operation, size: Mapping[str, Size]) -> Size:
        """Return the power, or without one what would fill the store within the shortest step."""
        if "power" in size:
            return size["power"]
        highest = (
            self.maximum_fill * size["energy"].high / float(operation.timeline.hours.min()) / self.charge_efficiency
        )
        return Size(highest, highest)

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the flows and the stock."""
        fastest = self._fastest(operation, size)
        charge = flow_within(block, operation, "charge", fastest)
        discharge = flow_within(block, operation, "discharge", fastest)
        if self.keeps_ways_apart:
            is_lazy = self.exclusive == "auto"
            never_both(block, operation, (charge, fastest.high), (discharge, fastest.high), is_lazy=is_lazy)
        stored = stock(block, operation, "stored", size["energy"], self.loss, (self.minimum_fill, self.maximum_fill))
        ends = (self.initial_fill, self.final_fill, self.returns)
        stock_ends(block, operation, "stored", size["energy"], ends)
        into, out_of = self.charge_efficiency, self.discharge_efficiency
        stock_balance(block, operation, "stored", stored, lambda t: into * charge[t] - discharge[t] / out_of, self.loss)
        return Contribution(
            flows=[
                Flow("charge", self.bus, lambda t: -charge[t]),
                Flow("discharge", self.bus, lambda t: discharge[t]),
            ],
            states={"stored": State(stored, "points", "initial_fill", "energy")},
        )

    def claims(self, operation: Operation) -> list[Claim]:  # noqa: ARG002
        """State balance, window and power."""
        gains = (("charge", -self.charge_efficiency), ("discharge", -1.0 / self.discharge_efficiency))
        full, empty = (
            (("stored", 1.0), ("energy", -self.maximum_fill)),
            (("stored", 1.0), ("energy", -self.minimum_fill)),
        )
        claims: list[Claim] = [
            StockBalance("stored", gains, "energy", self.loss, self.initial_fill, self.final_fill, self.returns),
            Between("stored below its maximum", full, high=0.0, on="points"),
            Between("stored above its minimum", empty, low=0.0, on="points"),
            Between("charge is a consumption", (("charge", 1.0),), high=0.0),
            Between("discharge is a supply", (("discharge", 1.0),), low=0.0),
        ]
        if self.power is not None:
            claims.append(Between("charge within power", (("charge", -1.0), ("power", -1.0)), high=0.0))
            claims.append(Between("discharge within power", (("discharge", 1.0), ("power", -1.0)), high=0.0))
        if self.keeps_ways_apart:
            claims.append(NeverBoth("charge", "discharge"))
        return claims

    @classmethod
    def example(cls) -> Self:
        """Return a store of 120 kWh and 40 kW with every loss."""
        return cls(
            energy=Fixed(amount=120.0),
            power=Fixed(amount=40.0),
            charge_efficiency=0.98,
            discharge_efficiency=0.97,
            loss=0.005,
            minimum_fill=0.05,
            maximum_fill=0.95,
            initial_fill=0.5,
            final_fill=0.4,
        )
