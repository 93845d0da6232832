"""The components of a contract: each is a line of the bill, by energy, by demand, or by the month."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, field_validator, model_validator

from microgrid.faults import Fault, RefusedError, refuse, shown
from microgrid.fields import MONEY, Energy, Part, PerEnergy, Power, Quantity, Share
from microgrid.tariffs.prices import Price, PriceIn
from microgrid.tariffs.special_days import Date

PerKilowattMonth = Annotated[float, Quantity(f"{MONEY}/kW/month", low=0.0)]
EnergyPrice = Annotated[Price, PriceIn(f"{MONEY}/kWh")]
DemandPrice = Annotated[Price, PriceIn(f"{MONEY}/kW/month", low=0.0, other_units=(f"{MONEY}/kVA/month",), series=False)]
Window = Annotated[float, Quantity("h", above=0.0)]
Status = Literal["V1", "V2", "unverified", "choice"]


def divides_a_day(window: float) -> float:
    """Return a metering window in hours, if it divides a day."""
    seconds = round(window * 3600)
    if seconds < 1 or abs(window * 3600 - seconds) > 1e-6 or 86400 % seconds:
        raise refuse("", "a window that divides a day", "such as 15 min or 1 h")
    return window


class Component(Part):
    """What every component says of itself."""

    options: list[str] = Field(
        default=[], description="Billing options under which it is charged; under all of them if none is named."
    )
    valid_from: Date | None = Field(default=None, description="First day on which it holds.")
    valid_to: Date | None = Field(default=None, description="Last day on which it holds.")
    source: str = Field(default="", description="Where its numbers come from.")
    status: Status = Field(
        default="choice",
        description="V1 two independent or official sources, V2 one secondary source, unverified a default to be "
        "checked before money is spent on it, choice one's own.",
    )
    note: str = Field(default="", description="What else one should know.")


class EnergyTier(Part):
    """A price per kWh up to an amount of energy in the month."""

    up_to: Energy | None = Field(default=None, description="Energy of the month up to which it holds; the last: none.")
    price: Annotated[float, Quantity(f"{MONEY}/kWh")] = Field(description="Price per kWh within the tier.")


class DemandTier(Part):
    """A price per kW up to a demand."""

    up_to: Power | None = Field(default=None, description="Demand up to which it holds; the last: none.")
    price: PerKilowattMonth = Field(description="Price per kW and month within the tier.")


def _ends_open(tiers: list[Any]) -> list[Any]:
    """Return tiers in rising order whose last one has no end."""
    ends = [tier.up_to for tier in tiers]
    if tiers and (ends[-1] is not None or None in ends[:-1]):
        raise refuse("", "tiers of which the last, and only the last, has no up_to")
    if any(later <= earlier for earlier, later in zip([0.0, *ends[:-1]], ends[:-1], strict=False)):
        raise refuse("", "tiers in rising order")
    return tiers


class EnergyCharge(Component):
    """A price on every kWh imported."""

    kind: Literal["energy"] = "energy"
    price: EnergyPrice | None = Field(
        default=None, description="Price per kWh: one, one by period or month, or a series; or else tiers."
    )
    floats: bool = Field(default=False, description="Whether the multipliers of the time of use act on it.")
    tiers: list[EnergyTier] = Field(default=[], description="Prices by the energy of the month, in rising order.")
    netted: bool = Field(default=True, description="Whether net metering takes exported energy off it.")

    @field_validator("tiers")
    @classmethod
    def _tiers_end_open(cls, tiers: list[EnergyTier]) -> list[EnergyTier]:
        return _ends_open(tiers)

    @model_validator(mode="after")
    def _has_one_price(self) -> EnergyCharge:
        if (self.price is None) == (not self.tiers):
            raise refuse("price and tiers" if self.tiers else "neither price nor tiers", "one of price and tiers")
        if self.floats and (self.price is None or self.price.form == "periods"):
            told = "tiers" if self.price is None else "a price by period"
            raise refuse(f"{told} that floats", "floats: true only with a price that the multipliers may act on")
        return self


class Ratchet(Part):
    """A month is billed for no less than a share of the highest peak of other months."""

    share: Share = Field(description="Share of that peak.")
    look_back: int = Field(default=11, ge=1, le=60, description="How many months before are looked at.")
    months: list[Annotated[int, Field(ge=1, le=12)]] = Field(
        default=[], description="Months of the year whose peaks count, 1 to 12; all by default."
    )
    cyclic: bool = Field(
        default=False,
        description="Whether months before the horizon are those of the same name within it: a year like the last.",
    )

    def looks_at(self, month: str) -> list[str]:
        """Return the billing months that a billing month looks back at, such as ``2025-12``, nearest first."""
        year, number = int(month[:4]), int(month[5:])
        earlier = [divmod(12 * year + number - 1 - count, 12) for count in range(1, self.look_back + 1)]
        return [f"{y:04d}-{m + 1:02d}" for y, m in earlier if not self.months or m + 1 in self.months]


class Overrun(Part):
    """What demand beyond the contract costs."""

    allowed: Annotated[float, Quantity("1", low=1.0)] = Field(
        default=1.05, description="Demand that the contract price covers, as a multiple of the contract demand."
    )
    factor: Annotated[float, Quantity("1", low=0.0)] = Field(
        default=2.0, description="How many times the price what lies beyond is billed."
    )


class Rebate(Part):
    """A part of the demand charge is let off in months of high use of the transformer."""

    share: Share = Field(default=0.1, description="Part of the demand charge that is let off.")
    energy: Annotated[float, Quantity("kWh/kVA", low=0.0)] = Field(
        default=260.0, description="Least energy of the month per kVA of transformer capacity."
    )


class DemandCharge(Component):
    """A price on each month's demand: measured, contracted, or by the transformer or the connection.

    A horizon that covers part of a month pays the whole month's charge, because the bill will, unless `prorated`.
    """

    kind: Literal["demand"] = "demand"
    basis: Literal["measured", "contract", "transformer", "connection"] = Field(
        default="measured",
        description="What is billed: each month's highest mean import over the metering window, the contract demand, "
        "the transformer's kVA, or the connection's capacity.",
    )
    price: DemandPrice | None = Field(
        default=None,
        description="Price per kW (transformer: per kVA) and month: one, one by month, or, for measured demand, one by "
        "period, each on its own peak; or else tiers.",
    )
    tiers: list[DemandTier] = Field(default=[], description="Prices by the billed demand, in rising order.")
    window: Window = Field(default=0.25, description="Length of the metering window.")
    incomplete_windows: Literal["count", "ignore"] = Field(
        default="count", description="What to do with a window that the horizon covers in part."
    )
    ratchet: Ratchet | None = Field(default=None, description="Least billed demand, by the peaks of other months.")
    overrun: Overrun | None = Field(default=None, description="What demand beyond the contract costs.")
    least_contract: Share = Field(
        default=0.0, description="Least contract demand, as a share of the transformer's capacity."
    )
    rebate: Rebate | None = Field(default=None, description="What is let off in months of high use.")
    prorated: bool = Field(
        default=False, description="Whether a month that the horizon covers in part is charged in part."
    )

    @property
    def lets_off(self) -> bool:
        """Whether months of high use are let off a part."""
        return self.rebate is not None and self.rebate.share > 0

    _window = field_validator("window")(divides_a_day)

    @field_validator("tiers")
    @classmethod
    def _tiers_end_open(cls, tiers: list[DemandTier]) -> list[DemandTier]:
        return _ends_open(tiers)

    @model_validator(mode="after")
    def _fits_together(self) -> DemandCharge:
        if (self.price is None) == (not self.tiers):
            raise refuse("price and tiers" if self.tiers else "neither price nor tiers", "one of price and tiers")
        is_measured, is_contract = self.basis == "measured", self.basis == "contract"
        by_period = self.price is not None and self.price.form == "periods"
        for what, holds in (
            ("tiers", not self.tiers or is_measured),
            ("ratchet", self.ratchet is None or is_measured),
            ("prices by period", not by_period or is_measured),
            ("overrun", self.overrun is None or is_contract),
            ("least_contract", not self.least_contract or is_contract),
            ("rebate", self.rebate is None or is_measured or is_contract),
            ("prorated", not self.prorated or not (is_measured or is_contract)),
        ):
            if not holds:
                raise refuse(f"{what} on {self.basis} demand", f"no {what} with this basis")
        if by_period and self.ratchet is not None:
            raise refuse("a ratchet on prices by period", "a ratchet on one price, or on one by month")
        unit = self.price.unit if self.price is not None else ""
        if unit and ("/kVA/" in unit) != (self.basis == "transformer"):
            wanted = "a price per kVA for transformers, and per kW for all other demand"
            raise refuse(f"a price per {unit.split('/')[1]} on {self.basis} demand", wanted)
        return self


class Event(Part):
    """Hours in which the network's own peak falls, and what a kW of import in them costs."""

    name: str = Field(description="What it is called in messages and states.")
    price: Annotated[float, Quantity(f"{MONEY}/kW", low=0.0)] = Field(description="Price per kW of the highest import.")
    hours: list[str] = Field(
        min_length=1, description="Stretches as start/end: 2026-07-15T16:00/2026-07-15T18:00, local or with offset."
    )

    @field_validator("hours")
    @classmethod
    def _are_stretches(cls, hours: list[str]) -> list[str]:
        for text in hours:
            try:
                start, end = _stretch(text, "UTC")
            except (ValueError, TypeError):
                raise refuse(shown(text), "a stretch such as 2026-07-15T16:00/2026-07-15T18:00") from None
            if end <= start:
                raise refuse(shown(text), "a stretch that ends after it begins")
        return hours

    def stretches(self, zone: Any) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """Return the hours as moments; those without an offset are local."""
        return [_stretch(text, zone) for text in self.hours]


def _stretch(text: str, zone: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    first, _, last = text.partition("/")
    start, end = (_moment(part.strip(), zone) for part in (first, last))
    return start, end


def _moment(text: str, zone: Any) -> pd.Timestamp:
    moment = pd.Timestamp(datetime.fromisoformat(text))
    if moment.tz is not None:
        return moment
    return moment.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")


class CoincidentCharge(Component):
    """A price on the highest mean import within named hours: the peaks of the network, not one's own."""

    kind: Literal["coincident"] = "coincident"
    events: list[Event] = Field(min_length=1, description="Hours and prices; each event is billed once.")
    window: Window = Field(default=1.0, description="Length of the metering window.")

    _window = field_validator("window")(divides_a_day)

    @field_validator("events")
    @classmethod
    def _names_once(cls, events: list[Event]) -> list[Event]:
        for at, event in enumerate(events):
            if event.name in [other.name for other in events[:at]]:
                found, cure = (
                    f"{shown(event.name)} a second time",
                    "give it another name, or list its hours with the first",
                )
                raise RefusedError([Fault((at, "name"), found, "each event's name once", cure)]).for_pydantic
        return events


class CapacityFee(Component):
    """A fee on the connection's capacity instead of the energy price of transmission and distribution.

    A month costs energy_price * load_factor * hours * capacity (rule No. 1192 of 2025 on nearby consumption).
    """

    kind: Literal["capacity_fee"] = "capacity_fee"
    energy_price: PerEnergy = Field(description="Energy price of transmission and distribution at the voltage level.")
    load_factor: Share = Field(description="Average load factor of the province's large users.")
    hours: Annotated[float, Quantity("h", low=0.0)] = Field(default=730.0, description="Hours of a month, as ruled.")
    prorated: bool = Field(
        default=True, description="Whether a month that the horizon covers in part is charged in part."
    )

    @property
    def rate(self) -> float:
        """Cost of a kW of capacity and month."""
        return self.energy_price * self.load_factor * self.hours


class FixedFee(Component):
    """An amount of money each month, in proportion to the part of the month that the horizon covers."""

    kind: Literal["fixed"] = "fixed"
    amount: Annotated[float, Quantity(f"{MONEY}/month")] = Field(description="Amount each month.")


AnyComponent = Annotated[
    EnergyCharge | DemandCharge | CoincidentCharge | CapacityFee | FixedFee, Field(discriminator="kind")
]
