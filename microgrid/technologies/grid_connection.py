"""Grid connection: energy bought and sold at prices, limits, demand charge, contract capacity, scope 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from microgrid.capacity import Fixed, Size, Sized
from microgrid.claims import Charge, Claim, Means, PeakCharge, Role
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, RefusedError
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
from microgrid.names import unfit_name
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, State, Technology, parameter
from microgrid.technologies.green_claims import contract_claims, contract_misfits, matched_states, most_gained
from microgrid.technologies.green_contracts import Baseload, CertificateSale, Contracts, Named, PayAsProduced
from microgrid.technologies.green_rows import Site, settle
from microgrid.technologies.grid_emissions import (
    Factor,
    emission_claims,
    emissions,
    factors,
    physical,
    physical_intensity,
)
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

    contracts: Contracts = Field(
        default_factory=Named, description="Contracts of green energy by name: PPAs, trade, certificates."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._refuse_contracts()
        if self.export_limit is not None and self.export_price is None:
            raise refuse("export_limit without export_price", "an export_price, be it 0, where export is allowed")
        if self.market_factor is not None and self.location_factor is None:
            wanted = "a location_factor too, or the location-based account would say that imports emit nothing"
            raise refuse("market_factor without location_factor", wanted)
        return self

    def _refuse_contracts(self) -> None:
        for name, contract in self.contracts.items():
            unfit = unfit_name(name)
            if unfit is not None:
                raise RefusedError([Fault(("contracts", name), *unfit)]).for_pydantic
            if isinstance(contract, CertificateSale) and self.export_price is None:
                raise refuse(
                    f"contracts.{name} without export_price", "an export_price: certificates of what is exported"
                )
        if self.contracts and self.market_factor is None:
            wanted = "a market_factor: what a kWh without a contract emits, the residual mix"
            raise refuse("contracts without market_factor", wanted, 'such as "0.6096 kgCO2/kWh"')

    def capacities(self) -> dict[str, Fixed | Sized]:
        """Return the capacities by field name, those of contracts included."""
        return super().capacities() | {
            f"{name}_capacity": contract.capacity
            for name, contract in self.contracts.items()
            if isinstance(contract, PayAsProduced | Baseload)
        }

    def capacity_units(self) -> dict[str, str]:
        """Return the unit of each capacity."""
        return super().capacity_units() | dict.fromkeys(self.capacities(), "kW")

    def presses(self) -> frozenset[str]:
        """Where importing pays, wasting pays too."""
        gained = max((series.highest for series in self._replaced()), default=0.0)
        return frozenset({self.bus}) if self.import_price.lowest - max(gained, 0.0) < 0 else frozenset()

    def _replaced(self) -> list[Series]:
        parts = (getattr(contract, "replaces", None) for contract in self.contracts.values())
        return [part for part in parts if part is not None]

    def lacks_intensity(self) -> str:
        """Name the location_factor, where it is not given."""
        return "location_factor" if self.location_factor is None else ""

    def misfits(self, timeline: Timeline) -> Iterator[Problem]:
        """Refuse contracts, and a demand charge, that do not fit the horizon's steps."""
        yield from contract_misfits(self.contracts, timeline, self.market_factor)
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

    def roles(self) -> Mapping[str, Role]:
        """Tell what its flows are to rules and contracts."""
        known: dict[str, Role] = {"import": "import", **matched_states(self.contracts)}
        return known | {"export": "export"} if self.export_price is not None else known

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write import and export, their prices and limits, the peak and the emissions."""
        steps, hours = operation.steps, operation.hours
        imports = limited(block, operation, "imports", size["capacity"], self.import_limit)
        intensity = physical_intensity(block, operation, self.location_factor, self.upstream_factor)
        flows = [Flow("import", self.bus, lambda t: imports[t], intensity=intensity)]
        price = parameter(block, steps, "import_price", self.import_price.on(operation.timeline, "import_price"))
        costs = [Cost("import", "energy", lambda t: price[t] * hours[t] * imports[t], steps)]
        if self.export_price is not None:
            exports = limited(block, operation, "exports", size["capacity"], self.export_limit)
            flows.append(Flow("export", self.bus, lambda t: -exports[t]))
            earned = parameter(block, steps, "export_price", self.export_price.on(operation.timeline, "export_price"))
            costs.append(Cost("export", "revenue", lambda t: -earned[t] * hours[t] * exports[t], steps))
            cheapest = price.array - most_gained(self.contracts, operation.timeline)
            one_way(block, operation, size["capacity"], earned.array >= cheapest)
        states: dict[str, State] = {}
        if self.demand_charge is not None:
            costs.append(self._peaks(block, operation, self.demand_charge, imports))
            states["peak"] = State(block.peak, "months", "peak_so_far")
        if self.capacity_charge:
            costs.append(self._contract(operation, size["capacity"]))
        emitted = emissions(block, operation, imports, self._factors())
        if not self.contracts:
            return Contribution(flows, costs, emitted, states)
        settled = settle(
            self.contracts,
            Site(block, operation, size, imports, block.component("exports"), self._residual(block, operation)),
        )
        return Contribution(
            flows,
            costs + settled.costs,
            emitted + settled.emissions,
            states | settled.states,
            contracted=settled.matched,
            certified=settled.certified,
        )

    def _residual(self, block: Any, operation: Operation) -> Any:
        assert self.market_factor is not None
        return parameter(block, operation.steps, "residual", self.market_factor.on(operation.timeline, "market_factor"))

    def _peaks(self, block: Any, operation: Operation, charge: DemandCharge, imports: Any) -> Cost:
        """Keep each month's peak above the mean import of each of its metering windows."""
        timeline = operation.timeline
        months = list(dict.fromkeys(timeline.months.tolist()))
        block.months = pyo.Set(initialize=months)
        floor = {month: charge.peak_so_far if month == months[0] else 0.0 for month in months}
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
            Means("import", "import", intensity=physical(timeline, self.location_factor, self.upstream_factor)),
            Charge("costs", "import", (("import", self.import_price.on(timeline)),)),
        ]
        if self.export_price is not None:
            claims += export_claims(timeline, self.export_limit)
            claims.append(Charge("costs", "export", (("export", self.export_price.on(timeline)),)))
        if self.demand_charge is not None:
            charge = self.demand_charge
            claims.append(PeakCharge("demand charge", "import", charge.price, charge.window * 60, charge.peak_so_far))
        if self.capacity_charge:
            rate, per = (self.capacity_charge, "month") if timeline.is_plain else (12 * self.capacity_charge, "year")
            claims.append(Charge("costs", "contract capacity", (("capacity", rate),), per))  # type: ignore[arg-type]
        claims += contract_claims(self.contracts, timeline, self.market_factor)
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
