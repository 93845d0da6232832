"""Grid connection: energy bought and sold at prices, limits, demand charge, contract capacity, scope 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from microgrid.capacity import Fixed, Size
from microgrid.claims import Charge, Claim, PeakCharge
from microgrid.errors import InputError, Problem
from microgrid.fields import (
    MONEY,
    EnergyPrices,
    FactorSeries,
    Power,
    PowerCapacity,
    PowerSeries,
    Quantity,
    refuse,
)
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, State, Technology, parameter
from microgrid.technologies.grid_emissions import Factor, emission_claims, emissions, factors
from microgrid.technologies.grid_flows import export_claims, import_claims, limited, one_way
from microgrid.timeline import Timeline

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
    peak_ahead: Power = Field(
        default=0.0,
        description="Peak that each later month will reach in any case, for horizons that see little of it.",
    )

    @field_validator("window")
    @classmethod
    def _divides_a_day(cls, window: float) -> float:
        seconds = round(window * 3600)
        if seconds < 1 or abs(window * 3600 - seconds) > 1e-6 or 86400 % seconds:
            raise refuse("", "a window that divides a day", "such as 15 min or 1 h")
        return window


class GridConnection(Technology):
    """The plant's connection to the public grid.

    Import and export each have a price series (negative values allowed) and limits within the connection capacity.
    Importing and exporting at once is excluded by a binary at those steps where it could pay, and only there: where
    the export price is not below the import price.
    """

    kind: Literal["grid_connection"] = "grid_connection"
    bus: Annotated[str, Bus(("electricity",))] = Field(default="electricity", description="Bus it feeds.")
    capacity: PowerCapacity = Field(description="Contract capacity: the largest import, and export, kW.")
    import_price: EnergyPrices = Field(description="Price of imported energy.")
    export_price: EnergyPrices | None = Field(
        default=None, description="Price of exported energy; without it nothing may be exported."
    )
    import_limit: PowerSeries | None = Field(default=None, description="Largest import, kW.")
    export_limit: PowerSeries | None = Field(default=None, description="Largest export, kW.")
    capacity_charge: PerPowerMonth = Field(default=0.0, description="Price of the contract capacity per kW and month.")
    demand_charge: DemandCharge | None = Field(default=None, description="Charge on each month's measured peak.")
    location_factor: FactorSeries | None = Field(
        default=None, description="Location-based scope 2 emissions per kWh imported."
    )
    market_factor: FactorSeries | None = Field(
        default=None, description="Market-based scope 2 emissions per kWh; by default the location-based."
    )
    upstream_factor: FactorSeries | None = Field(
        default=None, description="Scope 3 upstream emissions per kWh imported."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.export_limit is not None and self.export_price is None:
            raise refuse("export_limit without export_price", "an export_price, be it 0, where export is allowed")
        if self.market_factor is not None and self.location_factor is None:
            wanted = "a location_factor too, or the location-based account would say that imports emit nothing"
            raise refuse("market_factor without location_factor", wanted)
        return self

    def presses(self) -> frozenset[str]:
        """Where importing pays, wasting pays too."""
        return frozenset({self.bus}) if self.import_price.lowest < 0 else frozenset()

    def misfits(self, timeline: Timeline) -> Iterator[Problem]:
        """Refuse a demand charge on weighted steps, and on steps that cut its metering windows."""
        if self.demand_charge is None:
            return
        if not timeline.is_plain:
            wanted = "a horizon whose every step counts once"
            yield Problem("demand_charge", "a horizon with weights", wanted, "leave the demand charge out")
            return
        try:
            timeline.windows(self.demand_charge.window * 60)
        except InputError as error:
            yield from (replace(problem, where="demand_charge.window") for problem in error.problems)

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write import and export, their prices and limits, the peak and the emissions."""
        steps, hours = operation.steps, operation.hours
        imports = limited(block, operation, "imports", size["capacity"], self.import_limit)
        flows = [Flow("import", self.bus, lambda t: imports[t])]
        price = parameter(block, steps, "import_price", self.import_price.on(operation.timeline, "import_price"))
        costs = [Cost("import", "energy", lambda t: price[t] * hours[t] * imports[t], steps)]
        if self.export_price is not None:
            exports = limited(block, operation, "exports", size["capacity"], self.export_limit)
            flows.append(Flow("export", self.bus, lambda t: -exports[t]))
            earned = parameter(block, steps, "export_price", self.export_price.on(operation.timeline, "export_price"))
            costs.append(Cost("export", "revenue", lambda t: -earned[t] * hours[t] * exports[t], steps))
            one_way(block, operation, size["capacity"], earned.array >= price.array)
        states: dict[str, State] = {}
        if self.demand_charge is not None:
            costs.append(self._peaks(block, operation, self.demand_charge, imports))
            states["peak"] = State(block.peak, "months", "peak_so_far")
        if self.capacity_charge:
            costs.append(self._contract(operation, size["capacity"]))
        return Contribution(flows, costs, emissions(block, operation, imports, self._factors()), states)

    def _peaks(self, block: Any, operation: Operation, charge: DemandCharge, imports: Any) -> Cost:
        """Keep each month's peak above the mean import of each of its metering windows."""
        timeline = operation.timeline
        months = list(dict.fromkeys(timeline.months.tolist()))
        block.months = pyo.Set(initialize=months)
        floor = {month: charge.peak_so_far if month == months[0] else charge.peak_ahead for month in months}
        block.peak = pyo.Var(block.months, bounds=lambda _b, m: (floor[m], None))

        window = timeline.windows(charge.window * 60)
        if window[-1] + 1 == len(timeline):
            self._below_peak(block, operation, imports)
        else:
            self._mean_below_peak(block, operation, imports, window)
        return Cost("demand charge", "demand", lambda m: charge.price * block.peak[m], block.months)

    @staticmethod
    def _below_peak(block: Any, operation: Operation, imports: Any) -> None:
        """Keep the peak above every step, where no step is shorter than its window."""
        month = parameter(block, operation.steps, "month", operation.timeline.months)

        def import_below_peak(b: Any, t: Any) -> Any:
            return imports[t] <= b.peak[month[t]]

        block.import_below_peak = pyo.Constraint(operation.steps, rule=import_below_peak)

    @staticmethod
    def _mean_below_peak(block: Any, operation: Operation, imports: Any, window: NDArray[np.int64]) -> None:
        """Keep the peak above the mean of every window of several steps."""
        timeline, hours = operation.timeline, operation.hours
        first = np.flatnonzero(np.diff(window, prepend=-1))
        block.windows = pyo.RangeSet(0, len(first) - 1)
        month = parameter(block, block.windows, "window_month", timeline.months[first])
        length = parameter(block, block.windows, "window_hours", np.add.reduceat(timeline.hours, first))
        members = np.split(np.arange(len(timeline)), first[1:])
        block.window_steps = pyo.Set(block.windows, initialize={w: s.tolist() for w, s in enumerate(members)})

        def mean_below_peak(b: Any, w: Any) -> Any:
            return sum(hours[t] * imports[t] for t in b.window_steps[w]) <= length[w] * b.peak[month[w]]

        block.mean_below_peak = pyo.Constraint(block.windows, rule=mean_below_peak)

    def _contract(self, operation: Operation, size: Size) -> Cost:
        """Charge the contract capacity by the part of each month covered; weighted steps stand for parts of a year."""
        timeline = operation.timeline
        total = self.capacity_charge * (
            sum(timeline.month_shares.values()) if timeline.is_plain else 12 * timeline.years
        )
        return Cost("contract capacity", "demand", lambda _: total * size.amount)

    def _factors(self) -> list[Factor]:
        return factors(self.location_factor, self.market_factor, self.upstream_factor)

    def claims(self, operation: Operation) -> list[Claim]:
        """State limits, bill and emissions."""
        timeline = operation.timeline
        claims: list[Claim] = [
            *import_claims(timeline, self.import_limit),
            Charge("costs", "import", (("import", self.import_price.on(timeline)),)),
        ]
        if self.export_price is not None:
            claims += export_claims(timeline, self.export_limit)
            claims.append(Charge("costs", "export", (("export", self.export_price.on(timeline)),)))
        if self.demand_charge is not None:
            charge = self.demand_charge
            floors = (charge.peak_so_far, charge.peak_ahead)
            claims.append(PeakCharge("demand charge", "import", charge.price, charge.window * 60, *floors))
        if self.capacity_charge:
            rate, per = (self.capacity_charge, "month") if timeline.is_plain else (12 * self.capacity_charge, "year")
            claims.append(Charge("costs", "contract capacity", (("capacity", rate),), per))  # type: ignore[arg-type]
        return claims + emission_claims(timeline, self._factors())

    @classmethod
    def example(cls) -> Self:
        """Return a connection with both directions, a demand charge and all factors."""
        return cls(
            capacity=Fixed(amount=120.0),
            import_price=Series(np.asarray(0.5)),
            export_price=Series(np.asarray(0.1)),
            export_limit=Series(np.asarray(50.0)),
            capacity_charge=2.0,
            demand_charge=DemandCharge(price=8.0, window=0.25, peak_so_far=5.0),
            location_factor=Series(np.asarray(0.55)),
            market_factor=Series(np.asarray(0.61)),
            upstream_factor=Series(np.asarray(0.05)),
        )
