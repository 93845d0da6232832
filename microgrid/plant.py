"""A plant as data: horizon, buses, assets and what is wanted of the plan. What scenario files are read into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.accounts import COST_COLUMNS, EMISSION_COLUMNS, Accounting
from microgrid.capacity import Fixed, Sized
from microgrid.carriers import CARRIERS, Carrier
from microgrid.errors import InputError, Problem, nearest
from microgrid.factor_checks import factor_problems
from microgrid.faults import Fault, marks_of, shown
from microgrid.gas_checks import gas_problems
from microgrid.names import unfit_name
from microgrid.policies.adopted import Bound, Policy
from microgrid.policies.fitting import policy_problems
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from microgrid.units import CURRENCY

Area = Literal["roof", "land"]

UNFED = "a bus that something feeds"


@dataclass(frozen=True)
class PlantBus:
    """A bus: its carrier, and whether surplus may leave it for nothing, as heat may."""

    carrier: Carrier
    surplus: bool = False


@dataclass(frozen=True)
class Objective:
    """What is wanted of a plan.

    Parameters
    ----------
    goals
        Ledger columns to minimise, the most important first; each later one without giving up more than `slack` of
        the earlier ones. ``cost`` and ``emissions`` are the usual ones.
    carbon_price
        Price of the column ``emissions``, in currency per kgCO2e, booked as cost.
    basis, scopes
        What the column ``emissions`` counts: scope 2 by location or by market, and which scopes.
    caps
        Highest value of ledger columns, in currency or kg of what a carbon column counts.
    carbon_prices
        Prices of single columns of the carbon ledger besides, in currency per kg.
    slack
        Share of an earlier goal's value that a later goal may give up.
    """

    goals: tuple[str, ...] = ("cost",)
    carbon_price: float = 0.0
    basis: Literal["location", "market"] = "location"
    scopes: tuple[int, ...] = (1, 2)
    caps: Mapping[str, float] = field(default_factory=dict)
    slack: float = 1e-6
    carbon_prices: Mapping[str, float] = field(default_factory=dict)

    @property
    def counts_carbon(self) -> bool:
        """Whether emissions have a say in what the plan is."""
        carbon = set(EMISSION_COLUMNS) & {*self.goals, *self.caps}
        return bool(carbon or self.carbon_price or any(self.carbon_prices.values()))

    def without_numbers(self) -> Objective:
        """Return it without prices and caps: what is left decides which rows a model has."""
        return replace(self, carbon_price=0.0, carbon_prices={}, caps={})


class Worth(NamedTuple):
    """What a kWh or kg in a stock is worth at a point: `below` up to a level, `above` from there on.

    `below` is no less than `above`; without a `point` it is the end of the horizon.
    """

    level: float
    below: float
    above: float
    point: int | None = None


class KeptState(NamedTuple):
    """What a state was planned to be at each step, and what each unit and hour costs that it is not; shapes (n,)."""

    planned: NDArray[np.float64]
    price: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plant:
    """Everything a model is made of.

    Parameters
    ----------
    stock_worth
        What is left in a stock at the end of the horizon is worth, by asset and stock: it counts as cost
        saved, in the category ``stock``. A horizon that is one window of a longer time needs it, or would end empty.
    flow_limits
        Limits of the day that come on top of the assets' own, by asset and port: least and largest rate into the bus at
        each step, infinite where there is none. An outage, a derating, a call to import less.
    kept_states
        What an earlier plan committed to, and what it costs to do otherwise, by asset and state.
    year
        The calendar year that the horizon stands for, where that is another than its own: rules of policies are those
        of that year.

    Raises
    ------
    InputError
        If names, carriers or series do not fit together; lists every fault.
    """

    timeline: Timeline
    assets: Mapping[str, Technology]
    buses: Mapping[str, PlantBus] = field(default_factory=dict)
    objective: Objective = field(default_factory=Objective)
    discount_rate: float = 0.06
    currency: str = ""
    accounting: Accounting = field(default_factory=Accounting)
    policies: tuple[Policy, ...] = ()
    areas: Mapping[Area, float] = field(default_factory=dict)
    """What the site has of each area, in m2; all capacities that take of it share it."""
    stock_worth: Mapping[str, Mapping[str, tuple[Worth, ...]]] = field(default_factory=dict)
    flow_limits: Mapping[str, Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]] = field(
        default_factory=dict
    )
    kept_states: Mapping[str, Mapping[str, KeptState]] = field(default_factory=dict)
    year: int | None = None

    def __post_init__(self) -> None:
        """Declare the buses that need no declaration, then gather every fault."""
        object.__setattr__(self, "buses", self._with_implied_buses())
        problems = [*self._name_problems(), *self._asset_problems(), *self._unfed(), *self._objective_problems()]
        problems += policy_problems(self)
        problems += factor_problems(self.assets, self.timeline, self.accounting)
        problems += gas_problems(self.assets, self.objective.scopes, self.accounting, dict(self._caps_and_prices()))
        problems += self._area_problems()
        if problems:
            raise InputError(problems)

    def _with_implied_buses(self) -> dict[str, PlantBus]:
        """Return the buses, those named like a carrier among them, which need no declaration."""
        buses = dict(self.buses)
        for asset in self.assets.values():
            for bus, _ in asset.buses().values():
                if bus not in buses and bus in CARRIERS:
                    buses[bus] = PlantBus(CARRIERS[bus])
        return buses

    def _caps_and_prices(self) -> Iterator[tuple[str, tuple[str, float]]]:
        """Give every cap and price of carbon by the path of its field: the column that it is about, and its number."""
        objective, accounting = self.objective, self.accounting
        yield "objective.carbon_price", ("emissions", objective.carbon_price)
        for where, numbers in (("caps", objective.caps), ("carbon_prices", objective.carbon_prices)):
            for column, number in numbers.items():
                yield f"objective.{where}.{column}", (column, number)
        yield "accounting.trading.price", ("scope_1", accounting.trading_price)
        yield "accounting.trading.allowances", ("scope_1", accounting.allowances)

    def has_rows_of(self, other: Plant) -> bool:
        """Tell whether a model of it has the rows of another's, so that only prices of carbon and caps differ.

        Whether carbon counts at all decides on rows: no price is another structure than some price.

        Assets are the same only if they are one object, as they are where they were read from the same data.
        """
        of_windows = ("stock_worth", "flow_limits", "kept_states")
        apart = ("timeline", "assets", "objective", *of_windows)
        plain = [part.name for part in fields(self) if part.name not in apart]
        return (
            self.timeline is other.timeline
            and list(self.assets) == list(other.assets)
            and all(asset is other.assets[name] for name, asset in self.assets.items())
            and self.objective.without_numbers() == other.objective.without_numbers()
            and self.objective.counts_carbon == other.objective.counts_carbon
            and not any(getattr(plant, name) for plant in (self, other) for name in of_windows)
            and all(getattr(self, name) == getattr(other, name) for name in plain)
        )

    @property
    def bounds(self) -> list[Bound]:
        """The rules that hold for it, checked or enforced, as of the year that its horizon stands for."""
        first = int(self.timeline.index[0].year)
        year = first if self.year is None else self.year
        return [bound for policy in self.policies for bound in policy.bounds(year, first - year)]

    def takes(self, area: Area) -> Iterator[tuple[str, str, float]]:
        """Give asset, field and m2 a unit of every capacity that takes of an area."""
        for name, asset in self.assets.items():
            for key, capacity in asset.capacities().items():
                if getattr(capacity, area):
                    yield name, key, getattr(capacity, area)

    def stock_units(self, asset: Technology) -> set[str]:
        """Return the units in which the carriers of an asset's buses are counted: kWh, kg or both."""
        return {self.buses[bus].carrier.stock_unit for bus, _ in asset.buses().values() if bus in self.buses}

    def _name_problems(self) -> Iterator[Problem]:
        for section, names in (("assets", self.assets), ("buses", self.buses)):
            for name in names:
                unfit = unfit_name(name)
                if unfit is not None:
                    yield Problem(Fault((section, name), *unfit).where, *unfit)
        for name, bus in self.buses.items():
            if name in CARRIERS and bus.carrier.name != name:
                wanted = f"a bus named like a carrier to carry it, or another name than {name}"
                yield Problem(f"buses.{name}.carrier", bus.carrier.name, wanted)

    def _asset_problems(self) -> Iterator[Problem]:
        if not self.assets:
            yield Problem("assets", "none", "at least one asset")
        for name, asset in self.assets.items():
            for field_name, (bus, mark) in asset.buses().items():
                where = f"assets.{name}.{field_name}"
                known = self.buses.get(bus)
                if known is None:
                    near = nearest(bus, [*self.buses, *CARRIERS])
                    cure = f'did you mean "{near}"?' if near else "declare it under buses"
                    yield Problem(where, shown(bus), "a bus of the plant, or the name of a carrier", cure)
                elif mark.carriers and known.carrier.name not in mark.carriers:
                    yield Problem(where, f"a bus of {known.carrier.name}", f"a bus of {' or '.join(mark.carriers)}")
            yield from self._series_problems(name, asset)
            for misfit in asset.misfits(self.timeline):
                yield replace(misfit, where=f"assets.{name}.{misfit.where}")

    def _area_problems(self) -> Iterator[Problem]:
        """Give the areas that are taken more than once over by what stands, or must be built."""
        for area, most in self.areas.items():
            taken = 0.0
            for name, key, each in self.takes(area):
                capacity = self.assets[name].capacities()[key]
                taken += each * (capacity.amount if isinstance(capacity, Fixed) else _least(capacity))
            if taken > most * (1 + 1e-9):
                wanted = f"at least {taken:g} m2, which what stands or must be built takes"
                yield Problem(f"site.{area}_area", f"{most:g} m2", wanted)

    def _unfed(self) -> Iterator[Problem]:
        """Give the demands that nothing could ever meet."""
        ports = [port for asset in self.assets.values() for port in asset.buses().values()]
        fed = {bus for bus, mark in ports if mark.direction != "in"}
        for name, asset in self.assets.items():
            for field_name, (bus, _) in asset.buses().items():
                if bus in self.buses and bus in asset.needs() - fed:
                    yield Problem(f"assets.{name}.{field_name}", shown(bus), UNFED, "add an asset that feeds it")

    def _series_problems(self, name: str, asset: Technology) -> Iterator[Problem]:
        stocks = self.stock_units(asset)
        for field_name, series in asset.series().items():
            where = f"assets.{name}.{field_name}"
            if series.values.ndim and len(series.values) != len(self.timeline):
                yield Problem(
                    where, f"{len(series.values)} values", f"one, or one for each of {len(self.timeline)} steps"
                )
            is_by_carrier = len(amounts_of(marks_of(type(asset))[field_name])) > 1
            if is_by_carrier and len(stocks) == 1 and amount_of(series.unit) not in ("", *stocks):
                (stock,) = stocks
                wanted = f"{_counted_in(stock, self._told(series.unit))}, as the bus's carrier is counted"
                yield Problem(where, f"a series in {self._told(series.unit)}", wanted)

    def _told(self, unit: str) -> str:
        return unit.replace(CURRENCY, self.currency or "money")

    def _objective_problems(self) -> Iterator[Problem]:
        known = (*COST_COLUMNS, *EMISSION_COLUMNS)
        wanted = f"a ledger column: {', '.join(known)}"
        named = [("minimise", column) for column in self.objective.goals] + [("caps", c) for c in self.objective.caps]
        for column in self.objective.carbon_prices:
            if column not in EMISSION_COLUMNS:
                wanted_here = f"a column of the carbon ledger: {', '.join(EMISSION_COLUMNS)}"
                yield Problem("objective.carbon_prices", f'column "{column}"', wanted_here)
        for part, column in named:
            if column not in known:
                near = nearest(column, known)
                cure = f'did you mean "{near}"?' if near else ""
                yield Problem(f"objective.{part}", f'column "{column}"', wanted, cure)
        if not self.objective.goals:
            yield Problem("objective.minimise", "nothing", wanted)
        if len(set(self.objective.goals)) < len(self.objective.goals):
            yield Problem("objective.minimise", ", ".join(self.objective.goals), "each column once")


def _least(capacity: Sized) -> float:
    return 0.0 if capacity.has_build_decision else capacity.low


def amount_of(unit: str) -> str:
    """Return kWh or kg, whichever a flow or a price per amount counts; empty for any other unit."""
    ends = {"kW": "kWh", "kg/h": "kg"}
    return ends.get(unit) or next((stock for stock in ("kWh", "kg") if unit.endswith(f"/{stock}")), "")


def amounts_of(mark: Any) -> set[str]:
    """Return the amounts, kWh and kg, that a field may count in, which is known from the bus alone."""
    return {amount_of(unit) for unit in getattr(mark, "units", ())} - {""}


def _counted_in(stock: str, unit: str) -> str:
    """Return a unit per kWh as one per kg, or the other way round; likewise kW as kg/h."""
    flows = {"kWh": "kW", "kg": "kg/h"}
    per, _, _ = unit.rpartition("/")
    return flows[stock] if unit in flows.values() else f"{per}/{stock}"
