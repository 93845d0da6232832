"""Hydrogen tank: hydrogen in kilograms, compressed on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.claims import Between, Claim, NeverBoth, StockBalance
from microgrid.fields import MassCapacity, Quantity, Share, SharePerHour, refuse
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, State, Technology
from microgrid.technologies.patterns import EXCLUSIVE, flow_within, never_both, stock, stock_balance, stock_ends

MassFlow = Annotated[float, Quantity("kg/h", low=0.0)]


class HydrogenTank(Technology):
    """A hydrogen tank with its compressor.

    ``stored[t+1] = (1 - loss) ** hours[t] * stored[t] + hours[t] * (charge[t] - discharge[t])``, and the compressor
    draws ``compression[t] = compression_energy * charge[t]`` from the power bus. What comes out needs no power.

    Charging and discharging at once moves no hydrogen: the balance knows only the difference, and the loss only what
    is stored, so whatever hydrogen is worth, there is nothing to gain. All it does is burn compression energy.
    It could therefore pay only where electricity may be worth nothing or less, or where the goal does not count it as
    money: there, and only there, a binary excludes it. Without compression energy nothing is wasted, and both at once
    is but another way to write the difference of the two.
    """

    kind: Literal["hydrogen_tank"] = "hydrogen_tank"
    bus: Annotated[str, Bus(("hydrogen",))] = Field(default="hydrogen", description="Hydrogen bus it stands on.")
    power_bus: Annotated[str, Bus(("electricity",), "in")] = Field(
        default="electricity", description="Bus that drives the compressor."
    )
    capacity: MassCapacity = Field(description="Hydrogen that it holds when full, kg.")
    charge_limit: MassFlow | None = Field(
        default=None, description="Largest charge, kg/h; without it only the content limits it."
    )
    discharge_limit: MassFlow | None = Field(
        default=None, description="Largest discharge, kg/h; without it only the content limits it."
    )
    compression_energy: Annotated[float, Quantity("kWh/kg", low=0.0)] = Field(
        default=0.0,
        description="Electricity for each kg charged; 1.7 kWh/kg up to 250 bar (Stöckl, Schill and Zerrahn 2021, "
        "arXiv:2005.03464: 0.05 kWh per kWh).",
    )
    loss: SharePerHour = Field(default=0.0, description="Share of the stored hydrogen lost per hour.")
    minimum_fill: Share = Field(
        default=0.0, description="Share of capacity that stays in the tank, to keep its pressure."
    )
    initial_fill: Share | None = Field(
        default=None, description="Share of capacity at the start; if not given, it ends as it begins."
    )
    final_fill: Share | None = Field(default=None, description="Least share of capacity at the end.")
    cyclic: bool = Field(default=False, description="Whether it must end as it began.")
    exclusive: Literal["auto", "always", "never"] = Field(default="auto", description=EXCLUSIVE)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.minimum_fill >= 1:
            raise refuse(f"minimum_fill {self.minimum_fill:g}", "a share below 1")
        for name, share in (("initial_fill", self.initial_fill), ("final_fill", self.final_fill)):
            if share is not None and share < self.minimum_fill:
                raise refuse(f"{name} {share:g}", f"a share of at least the minimum_fill, {self.minimum_fill:g}")
        return self

    @property
    def returns(self) -> bool:
        """Whether it ends as it begins."""
        return self.cyclic or (self.initial_fill is None and self.final_fill is None)

    def keeps_ways_apart(self, operation: Operation) -> bool:
        """Tell whether charging and discharging at once must be excluded by a binary."""
        if self.exclusive != "auto":
            return self.exclusive == "always"
        could_pay = self.power_bus in operation.pressed or not operation.money_counts
        return self.compression_energy > 0 and could_pay

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write the flows and the stock."""
        capacity = size["capacity"]
        emptied_at_once = capacity.high / float(operation.timeline.hours.min())
        most_in, most_out = (
            emptied_at_once if limit is None else min(limit, emptied_at_once)
            for limit in (self.charge_limit, self.discharge_limit)
        )
        charge = flow_within(block, operation, "charge", Size(most_in, most_in))
        discharge = flow_within(block, operation, "discharge", Size(most_out, most_out))
        if self.keeps_ways_apart(operation):
            is_lazy = self.exclusive == "auto"
            never_both(block, operation, (charge, most_in), (discharge, most_out), is_lazy=is_lazy)
        stored = stock(block, operation, "stored", capacity, self.loss, (self.minimum_fill, 1.0))
        ends = (self.initial_fill, self.final_fill, self.returns)
        stock_ends(block, operation, "stored", capacity, ends)
        stock_balance(block, operation, "stored", stored, lambda t: charge[t] - discharge[t], self.loss)
        flows = [Flow("charge", self.bus, lambda t: -charge[t]), Flow("discharge", self.bus, lambda t: discharge[t])]
        if self.compression_energy:
            flows.append(Flow("compression", self.power_bus, lambda t: -self.compression_energy * charge[t]))
        return Contribution(flows, states={"stored": State(stored, "points", "initial_fill", "capacity")})

    def claims(self, operation: Operation) -> list[Claim]:
        """State balance, window, limits and compression."""
        gains = (("charge", -1.0), ("discharge", -1.0))
        full, empty = (("stored", 1.0), ("capacity", -1.0)), (("stored", 1.0), ("capacity", -self.minimum_fill))
        slowest = None if self.charge_limit is None else -self.charge_limit
        claims: list[Claim] = [
            StockBalance("stored", gains, "capacity", self.loss, self.initial_fill, self.final_fill, self.returns),
            Between("stored within the capacity", full, high=0.0, on="points"),
            Between("stored above the minimum fill", empty, low=0.0, on="points"),
            Between("charge within its limit", (("charge", 1.0),), slowest, 0.0),
            Between("discharge within its limit", (("discharge", 1.0),), 0.0, self.discharge_limit),
        ]
        if self.compression_energy:
            drawn = (("compression", 1.0), ("charge", -self.compression_energy))
            claims.append(Between("compression follows from the charge", drawn, 0.0, 0.0))
        if self.keeps_ways_apart(operation):
            claims.append(NeverBoth("charge", "discharge"))
        return claims

    @classmethod
    def example(cls) -> Self:
        """Return a tank of 50 kg with every limit and loss."""
        return cls(
            capacity=Fixed(amount=50.0),
            charge_limit=12.0,
            discharge_limit=15.0,
            compression_energy=1.7,
            loss=0.001,
            minimum_fill=0.06,
            initial_fill=0.5,
            final_fill=0.4,
        )
