"""A tariff: a contract as components, a clock, and what exported energy earns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from microgrid.faults import Fault, RefusedError, did_you_mean, refuse, shown
from microgrid.fields import MONEY, Part, Quantity
from microgrid.tariffs.calendars import ALL_DAY, TimeOfUse
from microgrid.tariffs.components import (
    AnyComponent,
    CapacityFee,
    DemandCharge,
    EnergyCharge,
    EnergyPrice,
    FixedFee,
    Status,
)
from microgrid.tariffs.lines import CHOOSE, unfit_names, unfit_periods
from microgrid.tariffs.prices import Price
from microgrid.tariffs.special_days import Date
from microgrid.timeline import Timeline

Shares = Mapping[str, NDArray[np.float64]]


class NetMetering(Part):
    """Exported energy is taken off the imported, kWh for kWh, within each billing month or calendar year.

    It is done for each period of the clock apart: what is left of imports there pays the netted components, what is
    left of exports earns the surplus price. Components that are not netted are paid on all imports.
    """

    per: Literal["month", "year"] = Field(default="month", description="Within which time energy is netted.")
    surplus_price: Annotated[float, Quantity(f"{MONEY}/kWh")] = Field(
        default=0.0, description="What a kWh earns that is left over at the end of that time."
    )


class Export(Part):
    """What exported energy earns: a price (fixed, by period, or the market's series), or net metering."""

    price: EnergyPrice | None = Field(default=None, description="Price of exported energy.")
    net_metering: NetMetering | None = Field(default=None, description="Netting of exports against imports.")

    @model_validator(mode="after")
    def _has_one_way(self) -> Export:
        if (self.price is None) == (self.net_metering is None):
            found = "price and net_metering" if self.price is not None else "neither price nor net_metering"
            raise refuse(found, "one of price and net_metering", "without export nothing may be exported")
        return self


class PowerFactorPoint(Part):
    """An adjustment at a power factor; between points it is on the straight line."""

    at: Annotated[float, Quantity("1", low=0.0, high=1.0)] = Field(description="Power factor.")
    adjustment: Annotated[float, Quantity("1")] = Field(description="Share of the adjusted lines added to the bill.")


class PowerFactor(Part):
    """What a month's power factor adds to the bill or takes off it: by the calculator alone, after the fact."""

    points: list[PowerFactorPoint] = Field(min_length=1, description="Adjustments by power factor, in rising order.")
    components: list[str] = Field(min_length=1, description="Components that are adjusted, by name.")
    assumed: Annotated[float, Quantity("1", above=0.0, high=1.0)] | None = Field(
        default=None, description="Power factor where no reactive energy is metered."
    )

    @model_validator(mode="after")
    def _rises(self) -> PowerFactor:
        at = [point.at for point in self.points]
        if any(later <= earlier for earlier, later in pairwise(at)):
            raise refuse("", "points in rising order of the power factor")
        return self

    def adjustment(self, power_factor: float) -> float:
        """Return the share added at a power factor, which counts in whole hundredths."""
        at = [point.at for point in self.points]
        return float(np.interp(round(power_factor, 2), at, [point.adjustment for point in self.points]))


class Tariff(Part):
    """A contract with the grid or a supplier: components, each a line of the bill, and a clock for their prices."""

    title: str = Field(default="", description="What it is called.")
    description: str = Field(default="", description="What it is about, and for whom.")
    currency: str = Field(default="", description="ISO 4217 code of its currency.")
    country: str = Field(default="", description="Where it holds.")
    region: str = Field(default="", description="Province, state or network area.")
    voltage: str = Field(default="", description="Voltage level that it holds for, such as 1-10 kV.")
    time_zone: str = Field(default="", description="IANA zone of its clock, for meter data of another.")
    valid_from: Date | None = Field(default=None, description="First day on which it holds.")
    valid_to: Date | None = Field(default=None, description="Last day on which it holds.")
    outside_validity: Literal["refuse", "accept"] = Field(
        default="refuse", description="What to do with days on which it does not hold: accept is a choice to be told."
    )
    source: str = Field(default="", description="Where its numbers come from.")
    status: Status = Field(default="choice", description="How well the whole is known; components say it of their own.")
    time_of_use: TimeOfUse | None = Field(default=None, description="The clock: periods, seasons, holidays.")
    components: dict[str, AnyComponent] = Field(min_length=1, description="The lines of the bill, by name.")
    options: dict[str, str] = Field(
        default={}, description="Billing options that one may choose between, by name, and what each is."
    )
    default_option: str = Field(default="", description="The option that holds unless another is asked for.")
    export: Export | None = Field(default=None, description="What exported energy earns; without it, none may be.")
    power_factor: PowerFactor | None = Field(default=None, description="Adjustment by the power factor.")

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        from zoneinfo import available_timezones

        if name and name not in available_timezones():
            raise refuse(shown(name), "an IANA time zone such as Asia/Shanghai")
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> Tariff:
        faults = [
            *unfit_names(self.components, self.options),
            *unfit_periods(self.time_of_use),
            *self._unknown_periods(),
            *self._unknown_options(),
            *self._cut_windows(),
            *self._odd_validity(),
            *self._odd_netting(),
            *self._unknown_lines(),
        ]
        if faults:
            raise RefusedError(faults).for_pydantic
        return self

    def __hash__(self) -> int:
        """Hash by title and lines: tariffs are few."""
        return hash((self.title, *self.components))

    def _unknown_periods(self) -> Iterator[Fault]:
        periods = self.time_of_use.periods if self.time_of_use is not None else ()
        priced = [(("components", name, "price"), getattr(c, "price", None), c) for name, c in self.components.items()]
        export = self.export.price if self.export is not None else None
        for path, price, component in [*priced, (("export", "price"), export, None)]:
            if price is None or price.form != "periods":
                continue
            for period in price.numbers:
                if period not in periods:
                    wanted = f"a period of the clock: {', '.join(periods)}" if periods else "a time_of_use with periods"
                    yield Fault((*path, period), "unknown period", wanted, did_you_mean(period, periods))
            # A demand that is not priced in some period is free there; energy without a price is a hole in the bill.
            for period in periods if not isinstance(component, DemandCharge) else ():
                if period not in price.numbers:
                    yield Fault((*path, period), "missing", f"a price for {self._when(period)}")
        for name, component in self.components.items():
            if isinstance(component, EnergyCharge) and component.floats:
                clock = self.time_of_use
                if clock is None or not clock.multipliers:
                    wanted = "time_of_use.multipliers for prices that float"
                    yield Fault(("components", name, "floats"), "true without multipliers", wanted)

    def _when(self, period: str) -> str:
        assert self.time_of_use is not None
        from microgrid.tariffs.hours import clock

        hours = [f"{clock(s.start)}-{clock(s.end)}" for days in self.time_of_use.days for s in days.clock
                 if s.period == period]  # fmt: skip
        return f"{period}, {', '.join(dict.fromkeys(hours))}"

    def _unknown_options(self) -> Iterator[Fault]:
        for name, component in self.components.items():
            for at, option in enumerate(component.options):
                if option not in self.options:
                    wanted = f"one of options: {', '.join(self.options)}" if self.options else "an option under options"
                    cure = did_you_mean(option, self.options)
                    yield Fault(("components", name, "options", at), shown(option), wanted, cure)
        if self.default_option and self.default_option not in self.options:
            wanted = f"one of options: {', '.join(self.options)}"
            yield Fault(("default_option",), shown(self.default_option), wanted)

    def _cut_windows(self) -> Iterator[Fault]:
        """Give metering windows that an edge of the clock cuts, where demand has a price by period."""
        clock = self.time_of_use
        for name, component in self.components.items():
            is_cut = isinstance(component, DemandCharge) and component.price and component.price.form == "periods"
            if not is_cut or clock is None or not isinstance(component, DemandCharge):
                continue
            minutes = component.window * 60
            edges = {stretch.start for days in clock.days for stretch in days.clock}
            cut = sorted(edge for edge in edges if edge % minutes)
            if cut:
                told = f"{minutes:g} min, which the edge at {cut[0] // 60:02d}:{cut[0] % 60:02d} cuts"
                yield Fault(("components", name, "window"), told, "windows that each lie in one period")

    def _odd_validity(self) -> Iterator[Fault]:
        parts: list[tuple[tuple[str, ...], Any]] = [((), self)]
        parts += [(("components", name), component) for name, component in self.components.items()]
        for path, part in parts:
            if part.valid_from and part.valid_to and part.valid_to < part.valid_from:
                found = f"{part.valid_to}, before {part.valid_from}"
                yield Fault((*path, "valid_to"), found, "a last day that is not before valid_from")

    def _odd_netting(self) -> Iterator[Fault]:
        if self.export is None or self.export.net_metering is None:
            return
        for name, component in self.components.items():
            if isinstance(component, EnergyCharge) and component.netted:
                is_series = component.price is None or component.price.form == "series"
                if is_series or component.options:
                    found = "tiers" if component.price is None else "a series" if is_series else "an option"
                    wanted = "for net metering, one price for each period"
                    cure = "netted: false leaves the component out"
                    yield Fault(("components", name), found, wanted, cure)

    def _unknown_lines(self) -> Iterator[Fault]:
        for at, name in enumerate(self.power_factor.components if self.power_factor is not None else ()):
            if name not in self.components:
                wanted = f"a component: {', '.join(self.components)}"
                yield Fault(
                    ("power_factor", "components", at), shown(name), wanted, did_you_mean(name, self.components)
                )

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods of the clock; one for all hours where there is no clock."""
        return self.time_of_use.periods if self.time_of_use is not None else (ALL_DAY,)

    def shares(self, timeline: Timeline) -> dict[str, NDArray[np.float64]]:
        """Return by period the share of each step that lies in it, each of shape (n,)."""
        if self.time_of_use is None:
            return {ALL_DAY: np.ones(len(timeline))}
        return self.time_of_use.shares(timeline)

    def energy_price(self, name: str, timeline: Timeline, shares: Shares) -> NDArray[np.float64]:
        """Return the price of an energy component on each step, times the multiplier if it floats, shape (n,)."""
        component = self.components[name]
        assert isinstance(component, EnergyCharge)
        assert component.price is not None
        price = component.price.on(timeline, shares)
        if not component.floats or self.time_of_use is None:
            return price
        multipliers = self.time_of_use.multipliers
        return np.asarray(price * sum(multipliers[period] * share for period, share in shares.items()), dtype=float)

    def may_reward_waste(self, billing: str = "") -> bool:
        """Tell whether importing more than is needed could pay: at negative prices, or for a rebate on much energy.

        Under the billing option, or under any where it is to be chosen.
        """
        return bool(self.rebated(billing)) or self.least_energy_price(billing) < 0

    def rebated(self, billing: str) -> dict[str, DemandCharge]:
        """Return by name the components under a billing option of which much energy lets a part off."""
        return {
            name: charge
            for name, charge in self.of_kind(DemandCharge).items()
            if charge.rebate is not None
            and charge.rebate.share > 0
            and (billing == CHOOSE or self.applies(name, billing))
        }

    def least_energy_price(self, billing: str) -> float:
        """Return the least that a kWh imported can cost at any time, by all components together."""
        options = list(self.options) if billing == CHOOSE else [billing]
        energy = self.of_kind(EnergyCharge)
        return min(
            sum(self._least_price(component) for name, component in energy.items() if self.applies(name, option))
            for option in options
        )

    def _least_price(self, component: EnergyCharge) -> float:
        """Return the least that a kWh can cost by a component at any time."""
        if component.price is None:
            return min(tier.price for tier in component.tiers)
        price = component.price
        values = [price.series.lowest] if price.series is not None else list(price.numbers.values())
        if component.floats and self.time_of_use is not None:
            return min(value * factor for value in values for factor in self.time_of_use.multipliers.values())
        return min(values)

    def of_kind(self, kind: type[Any]) -> dict[str, Any]:
        """Return the components of a kind, by name."""
        return {name: c for name, c in self.components.items() if isinstance(c, kind)}

    def applies(self, name: str, option: str) -> bool:
        """Tell whether a component is charged under a billing option."""
        return not self.components[name].options or option in self.components[name].options

    @property
    def plain(self) -> dict[str, Any]:
        """The tariff as plain data for JSON; `Tariff.model_validate` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)


def simple_tariff(
    import_price: Price,
    export_price: Price | None,
    demand: tuple[float, float] | None,
    capacity: float,
) -> Tariff:
    """Return the tariff of plain prices: import, export, demand charge (price, window), price of the capacity."""
    components: dict[str, Any] = {"import": EnergyCharge(price=import_price)}
    if demand is not None:
        price, window = demand
        components["demand charge"] = DemandCharge(price=Price.flat(price), window=window)
    if capacity:
        components["contract capacity"] = DemandCharge(
            basis="connection", price=Price.flat(capacity), prorated=True
        )  # fmt: skip
    export = Export(price=export_price) if export_price is not None else None
    return Tariff(components=components, export=export)


__all__ = ["CapacityFee", "Export", "FixedFee", "NetMetering", "Tariff", "simple_tariff"]
