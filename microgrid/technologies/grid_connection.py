"""Grid connection: energy bought and sold under a tariff or at plain prices, limits, peaks, contract, scope 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pydantic import Field, model_validator

from microgrid.capacity import Fixed, Size, Sized
from microgrid.claims import Between, Claim, Means, Role
from microgrid.errors import InputError, Problem
from microgrid.factor_fields import ExportFactor, LocationFactor, MarketFactor, UpstreamFactor
from microgrid.faults import Fault, RefusedError, did_you_mean
from microgrid.fields import (
    CapacityIn,
    EnergyPrices,
    PowerCapacity,
    PowerSeries,
    Quantity,
    refuse,
)
from microgrid.names import Named, unfit_name
from microgrid.series import Series
from microgrid.tariffs.components import DemandCharge as TariffDemand
from microgrid.tariffs.files import TariffIn
from microgrid.tariffs.fitting import misfits
from microgrid.tariffs.inherited import misplaced, unknown_past
from microgrid.tariffs.lines import CHOOSE
from microgrid.tariffs.past import Past
from microgrid.tariffs.prices import Price
from microgrid.tariffs.tariff import Tariff, simple_tariff
from microgrid.technologies.base import Bus, Contribution, Flow, Operation, Passing, State, Technology
from microgrid.technologies.factor_lines import FactorLine, booked, claimed
from microgrid.technologies.green_claims import (
    contract_claims,
    contract_misfits,
    contracts_may_reward_waste,
    matched_states,
    most_gained,
)
from microgrid.technologies.green_contracts import Agreement, CertificateSale, Contracts
from microgrid.technologies.green_rows import Site, settle
from microgrid.technologies.grid_bill import tempting, write_bill
from microgrid.technologies.grid_claims import bill_claims
from microgrid.technologies.grid_demand_charge import DemandCharge, PerPowerMonth
from microgrid.technologies.grid_emissions import (
    BY_MARKET,
    factors,
    passing,
    physical,
)
from microgrid.technologies.grid_flows import export_claims, import_claims, limited, one_way
from microgrid.technologies.grid_meter import Meter
from microgrid.technologies.replaced_component import component_faults, priced
from microgrid.timeline import Timeline

DEMAND_CHARGE = "demand charge"
_SIMPLE = ("import_price", "export_price", "capacity_charge", "demand_charge")


class GridConnection(Technology):
    """The plant's connection to the public grid, billed by a tariff or at plain prices.

    Prices may be negative. Importing and exporting at once is excluded by a binary at those steps where it could pay,
    and only there. Plain prices (import_price, export_price, demand_charge, capacity_charge) are a small tariff.
    """

    kind: Literal["grid_connection"] = "grid_connection"
    bus: Annotated[str, Bus(("electricity",))] = Field(default="electricity", description="Bus it feeds.")
    capacity: PowerCapacity = Field(description="Contract capacity: the largest import, and export, kW.")
    tariff: Annotated[Tariff | None, TariffIn()] = Field(
        default=None,
        description="The contract: a name of the catalogue (`microgrid tariffs`), a file, or a mapping with changes on "
        "top of `use: NAME` or `file: FILE`; in place of plain prices. See `microgrid describe tariff`.",
    )
    billing: str = Field(
        default="",
        description="Billing option of the tariff; `choose` leaves it to the engine, one for the horizon. "
        "By default the tariff's own.",
    )
    transformer: Annotated[Fixed | Sized, CapacityIn("kVA")] | None = Field(
        default=None, description="Capacity of the transformers, which tariffs bill by and rebates count by."
    )
    power_factor: Annotated[float, Quantity("1", above=0.0, high=1.0)] = Field(
        default=1.0, description="Power factor assumed of the transformer: import is at most that share of its kVA."
    )
    contract_demand: PowerCapacity | None = Field(
        default=None, description="Contract demand, where the tariff bills it: a number, or bounds to choose it in."
    )
    past: Past = Field(default_factory=Past, description="What was measured before the horizon, for the tariff.")
    import_price: EnergyPrices | None = Field(default=None, description="Price of imported energy.")
    export_price: EnergyPrices | None = Field(
        default=None, description="Price of exported energy; without it nothing may be exported."
    )
    import_limit: PowerSeries | None = Field(default=None, description="Largest import, kW.")
    export_limit: PowerSeries | None = Field(default=None, description="Largest export, kW.")
    capacity_charge: PerPowerMonth = Field(default=0.0, description="Price of the contract capacity per kW and month.")
    demand_charge: DemandCharge | None = Field(default=None, description="Charge on each month's measured peak.")
    location_factor: LocationFactor | None = Field(
        default=None, description="Location-based scope 2 emissions per kWh imported."
    )
    market_factor: MarketFactor | None = Field(
        default=None, description="Market-based scope 2 emissions per kWh; by default the location-based."
    )
    upstream_factor: UpstreamFactor | None = Field(
        default=None, description="Scope 3 upstream emissions per kWh imported."
    )
    export_factor: ExportFactor | None = Field(
        default=None,
        description="What each kWh exported takes off, where the accounting standard does so; by default the "
        "location-based.",
    )

    contracts: Contracts = Field(
        default_factory=Named, description="Contracts of green energy by name: PPAs, trade, certificates."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._refuse_contracts()
        if (self.tariff is None) == (self.import_price is None):
            found = "neither tariff nor import_price" if self.tariff is None else "tariff and import_price"
            raise refuse(found, "one of tariff and import_price")
        plain = [name for name in _SIMPLE if getattr(self, name) not in (None, 0.0)]
        if self.tariff is not None and plain:
            raise refuse(f"{plain[0]} beside a tariff", "a tariff, or plain prices", "put it into the tariff")
        if self.export_limit is not None and not self.may_export:
            wanted = "an export_price, be it 0, where export is allowed"
            if self.tariff is not None:
                raise refuse("export_limit without export in the tariff", "an export in the tariff")
            raise refuse("export_limit without export_price", wanted)
        if self.export_factor is not None and (not self.may_export or self.location_factor is None):
            raise refuse(
                "export_factor", "an export_price, or an export in the tariff, and a location_factor beside it"
            )
        if self.market_factor is not None and self.location_factor is None:
            wanted = "a location_factor too, or the location-based account would say that imports emit nothing"
            raise refuse("market_factor without location_factor", wanted)
        if self.tariff is not None:
            self._has_what_the_tariff_bills(self.tariff)
            unknown = [fault.under(("past",)) for fault in unknown_past(self.tariff, self.past)]
            if unknown:
                raise RefusedError(unknown).for_pydantic
        elif self.past != Past():
            raise refuse("past beside plain prices", "a tariff, or demand_charge.peak_so_far")
        return self

    def _refuse_contracts(self) -> None:
        for name, contract in self.contracts.items():
            unfit = unfit_name(name)
            if unfit is not None:
                raise RefusedError([Fault(("contracts", name), *unfit)]).for_pydantic
            if isinstance(contract, CertificateSale) and not self.may_export:
                raise refuse(
                    f"contracts.{name} without export", "export at a price: certificates are sold of what is exported"
                )
        faults = list(component_faults(self.contracts, self.tariff, self.option))
        if faults:
            raise RefusedError(faults).for_pydantic
        if self.contracts and self.market_factor is None:
            wanted = "a market_factor: what a kWh without a contract emits, the residual mix"
            raise refuse("contracts without market_factor", wanted, 'such as "0.6096 kgCO2/kWh"')

    def _settled(self, timeline: Timeline) -> dict[str, Any]:
        """Return the contracts with the prices that they replace, by step."""
        return priced(self.contracts, self.contract, timeline)

    def capacities(self) -> dict[str, Fixed | Sized]:
        """Return the capacities by field name, those of contracts included."""
        return super().capacities() | self._contracted_capacities

    def capacity_units(self) -> dict[str, str]:
        """Return the unit of each capacity."""
        return super().capacity_units() | dict.fromkeys(self._contracted_capacities, "kW")

    @property
    def _contracted_capacities(self) -> dict[str, Fixed | Sized]:
        return {
            f"{name}_capacity": contract.capacity
            for name, contract in self.contracts.items()
            if isinstance(contract, Agreement)
        }

    def intensity(self, port: str, timeline: Timeline) -> NDArray[np.float64] | None:
        """Return what each kWh imported emits where it is made and before."""
        return physical(timeline, self.location_factor, self.upstream_factor) if port == "import" else None

    def lacks_intensity(self) -> str:
        """Name the location_factor, where it is not given."""
        return "location_factor" if self.location_factor is None else ""

    def _has_what_the_tariff_bills(self, tariff: Tariff) -> None:
        """Refuse a tariff that bills what the connection does not say."""
        options = [*tariff.options, CHOOSE] if tariff.options else []
        if tariff.options and self.option not in options:
            found = self.billing or "no billing option"
            cure = did_you_mean(self.billing, options) or f"write billing: {options[0]}"
            raise refuse(found, f"one of {', '.join(options)}", cure)
        if self.billing and not tariff.options:
            raise refuse(f"billing {self.billing}", "a tariff with options, or no billing")
        for name, component in tariff.of_kind(TariffDemand).items():
            if component.options and self.option not in (*component.options, CHOOSE):
                continue
            needs = {"transformer": ["transformer"], "contract": ["contract_demand"]}.get(component.basis, [])
            needs += ["transformer"] if component.rebate is not None or component.least_contract else []
            for need in needs:
                if getattr(self, need) is None:
                    raise refuse(f"no {need}", f"a {need}, which the tariff's component {name} is billed by")
            contract, transformer = self.contract_demand, self.transformer
            if isinstance(contract, Fixed) and isinstance(transformer, Fixed):
                least = component.least_contract * transformer.amount
                if contract.amount < least * (1 - 1e-9):
                    wanted = f"{least:g} kW or more, {component.least_contract:.0%} of the transformer's capacity"
                    raise refuse(f"a contract_demand of {contract.amount:g} kW", wanted)

    @property
    def option(self) -> str:
        """The billing option, or `choose`; empty where the tariff has none."""
        return self.billing or (self.tariff.default_option if self.tariff is not None else "")

    @property
    def contract(self) -> Tariff:
        """The tariff; plain prices as one."""
        if self.tariff is not None:
            return self.tariff
        assert self.import_price is not None
        earned = Price.of_series(self.export_price) if self.export_price is not None else None
        charge = self.demand_charge
        demand = (charge.price, charge.window) if charge is not None else None
        return simple_tariff(Price.of_series(self.import_price), earned, demand, self.capacity_charge)

    @property
    def inherited(self) -> Past:
        """What was measured before the horizon; the peak of a plain demand charge among it."""
        if self.demand_charge is None:
            return self.past
        return Past(peaks={DEMAND_CHARGE: self.demand_charge.peak_so_far})

    @property
    def may_export(self) -> bool:
        """Whether energy may be exported."""
        return self.tariff.export is not None if self.tariff is not None else self.export_price is not None

    def presses(self) -> frozenset[str]:
        """Where importing pays, wasting pays too."""
        contract = self.contract
        least = contract.least_energy_price(self.option)
        pays = contract.may_reward_waste(self.option) or contracts_may_reward_waste(
            self.contracts, self.import_price, least
        )
        return frozenset({self.bus}) if pays else frozenset()

    def counts_months(self) -> bool:
        """Tell whether it is billed by the month."""
        return self.tariff is not None or self.demand_charge is not None or bool(self.contracts)

    def calendar(self, timeline: Timeline) -> list[NDArray[np.float64]]:
        """Return the billing month of each step, and its share in each period of the tariff's clock."""
        months = [np.unique(timeline.months.astype(str), return_inverse=True)[1].astype(float)]
        shares = self.contract.shares(timeline).values()
        return [*(months if self.counts_months() else []), *shares]

    def misfits(self, timeline: Timeline) -> Iterator[Problem]:
        """Refuse contracts that do not fit, peaks on weighted steps, cut windows, and days without tariff."""
        unfit = [] if self.tariff is None else list(misfits(self.tariff, timeline))
        if not unfit:
            yield from contract_misfits(self._settled(timeline), timeline, self.market_factor)
        if self.tariff is not None:
            yield from (replace(problem, where=f"tariff.{problem.where}") for problem in unfit)
            for fault in misplaced(self.past, timeline.index[0]):
                yield Problem(f"past.{fault.where}", fault.found, fault.wanted, fault.cure)
            return
        if self.demand_charge is None:
            return
        if not timeline.keeps_months:
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
        return known | {"export": "export"} if self.may_export else known

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write import and export with their limits, the bill, and the emissions."""
        contracts = self._settled(operation.timeline)
        imports = limited(block, operation, "imports", size["capacity"], self.import_limit)
        self._within_transformer(block, operation, size, imports)
        flows = [Flow("import", self.bus, lambda t: imports[t])]
        exports = None
        if self.may_export:
            exports = limited(block, operation, "exports", size["capacity"], self.export_limit)
            flows.append(Flow("export", self.bus, lambda t: -exports[t]))
        meter = Meter(block, operation, self.contract, imports, exports, size, self.inherited)
        bill = write_bill(meter, self.option)
        lines = self._factors()
        if exports is not None:
            gained = most_gained(contracts, operation.timeline)
            carbon = self.passing(operation.timeline)
            both = tempting(meter, self.option, gained) | (carbon.taken_off > carbon.put_on)
            one_way(block, operation, size["capacity"], both)
        states = {name: self._as_told(name, state) for name, state in bill.states.items()}
        named = {("peak" if self.tariff is None else name): state for name, state in states.items()}
        emitted = booked(block, operation, lines, {flow.port: flow.rate for flow in flows})
        if not self.contracts:
            return Contribution(flows, bill.costs, emitted, named)
        assert self.market_factor is not None
        settled = settle(contracts, Site(block, operation, size, imports, exports, self.market_factor))
        return Contribution(
            flows,
            bill.costs + settled.costs,
            emitted + settled.emissions,
            named | settled.states,
            contracted=settled.matched,
            contract_factors=settled.factors,
            certified=settled.certified,
        )

    def _as_told(self, _name: str, state: State) -> State:
        return state._replace(inherits="peak_so_far") if self.tariff is None else state

    def _within_transformer(self, block: Any, operation: Operation, size: Mapping[str, Size], imports: Any) -> None:
        """Keep import within what the transformer carries at the assumed power factor."""
        if self.transformer is None:
            return
        transformer, share = size["transformer"], self.power_factor

        def import_within_transformer(_b: Any, t: Any) -> Any:
            return imports[t] <= share * transformer.amount

        block.import_within_transformer = pyo.Constraint(operation.steps, rule=import_within_transformer)

    def _factors(self) -> list[FactorLine]:
        """Return the lines of import and export; with contracts, they write the one by market themselves."""
        lines = factors(self.location_factor, self.market_factor, self.upstream_factor, self.export_factor)
        return [line for line in lines if not (self.contracts and line.line == BY_MARKET)]

    def passing(self, timeline: Timeline) -> Passing:
        """Return what imports, those of contracts among them, and exports do to an account."""
        lines = [
            FactorLine(BY_MARKET, 2, "market", "purchased", "import", contract.emits, f"contracts.{name}.factor")
            for name, contract in self.contracts.items()
        ]
        exported = [line for line in self._factors() if self.may_export or line.part != "exported"]
        return passing([*exported, *lines], timeline)

    def claims(self, operation: Operation) -> list[Claim]:
        """State limits, bill and emissions."""
        timeline = operation.timeline
        claims: list[Claim] = [
            *import_claims(timeline, self.import_limit),
            Means("import", "import", intensity=self.intensity("import", timeline)),
        ]
        if self.transformer is not None:
            terms = (("import", 1.0), ("transformer", -self.power_factor))
            claims.append(Between("import within transformer", terms, high=0.0))
        if self.may_export:
            claims += export_claims(timeline, self.export_limit)
        claims += bill_claims(self.contract, timeline, self.option, self.inherited)
        claims += contract_claims(self._settled(timeline), timeline, self.market_factor)
        ports = ["import", "export"] if self.may_export else ["import"]
        return claims + claimed(timeline, self._factors(), ports)

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
            export_factor=Series(np.asarray(0.53)),
        )
