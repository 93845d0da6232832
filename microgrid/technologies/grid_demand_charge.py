"""A demand charge at a plain price, for connections without a tariff."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from microgrid.fields import MONEY, Power, Quantity
from microgrid.tariffs.components import divides_a_day

PerPowerMonth = Annotated[float, Quantity(f"{MONEY}/kW/month", low=0.0)]
Window = Annotated[float, Quantity("h", above=0.0)]


class DemandCharge(BaseModel):
    """A price on each billing month's highest mean import over the metering window, on the local clock.

    A horizon that covers part of a month pays the whole month's charge on its peak, because the bill will. A peak
    that the month has already seen is passed as `peak_so_far`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: PerPowerMonth = Field(description="Price per kW and month.")
    window: Window = Field(default=0.25, description="Length of the metering window.")
    peak_so_far: Power = Field(default=0.0, description="Highest mean import already measured in the first month.")

    _window = field_validator("window")(divides_a_day)
