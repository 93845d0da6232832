"""The sections of a scenario file but for the technologies: site, money, buses, goals and solver."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from microgrid.accounts import COST_COLUMNS, EMISSION_COLUMNS, STANDARDS, Accounting, Offset, Standard
from microgrid.availability import WeatherFile
from microgrid.carriers import CARRIERS
from microgrid.factor_fields import FootprintFactor
from microgrid.factors import Counted, counted_gas
from microgrid.faults import Fault, RefusedError, did_you_mean, refuse, shown
from microgrid.fields import MONEY, Part, Quantity, Share
from microgrid.finance_section import Finance, Reference
from microgrid.horizons import Horizon, Length
from microgrid.plant import Area as PlantArea
from microgrid.plant import Objective
from microgrid.policies.adopted import MODES, Policy, read_policies
from microgrid.policies.packs import packs
from microgrid.reading import Range, read_number, reading_of
from microgrid.series_fields import quantity_schema
from microgrid.sweeps import Sweep
from microgrid.units import is_currency

_NO_PLACES = {"localtime", "Factory"}  # what they mean depends on the machine
_COLUMNS = (*COST_COLUMNS, *EMISSION_COLUMNS)
_CARBON = ("kgCO2e", "kgCO2")
_PER_CARBON = tuple(f"{MONEY}/{unit}" for unit in _CARBON)
_A_COLUMN = f"a ledger column: {', '.join(_COLUMNS)}"


Area = Annotated[float, Quantity("m2", low=0.0)] | None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Return every zone that there is; to look for them walks through a folder tree."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones() - _NO_PLACES)


class Site(Part):
    """Where the plant stands."""

    time_zone: str = Field(description="IANA name of the local time zone, such as Asia/Shanghai.")
    latitude: Annotated[float, Quantity("deg", low=-90.0, high=90.0)] | None = Field(
        default=None, description="North is positive."
    )
    longitude: Annotated[float, Quantity("deg", low=-180.0, high=180.0)] | None = Field(
        default=None, description="East is positive."
    )

    roof_area: Area = Field(default=None, description="Roof that all capacities with a field `roof` share.")
    land_area: Area = Field(default=None, description="Land that all capacities with a field `land` share.")

    @property
    def areas(self) -> dict[PlantArea, float]:
        """The areas that there is a limit to, in m2."""
        named: dict[PlantArea, float | None] = {"roof": self.roof_area, "land": self.land_area}
        return {name: area for name, area in named.items() if area is not None}

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        known = _zones()
        if name not in known:
            cure = next((f'did you mean "{zone}"?' for zone in known if zone.casefold() == name.casefold()), "")
            raise refuse(shown(name), "an IANA time zone such as Asia/Shanghai", cure or did_you_mean(name, known))
        return name


class Bus(Part):
    """A bus that is not named like its carrier, or lets surplus go."""

    carrier: str = Field(description=f"One of {', '.join(CARRIERS)}.", json_schema_extra={"enum": list(CARRIERS)})
    surplus: bool = Field(default=False, description="Whether surplus may leave for nothing.")

    @field_validator("carrier")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in CARRIERS:
            raise refuse(shown(name), f"one of {', '.join(CARRIERS)}", did_you_mean(name, CARRIERS))
        return name


def _told_by(value: Any, number: float, unit: str) -> float:
    """Return a number with what it counts; a bare one, made in Python, counts what its column does."""
    return Counted.of(number, unit) if isinstance(value, str) else number


class Carbon(Quantity):
    """Marks a field that holds an amount of emissions, or a price of them, which keeps what it counts."""

    def read(self, value: Any, info: ValidationInfo) -> float:
        """Return the number in the house unit, with its gas where a unit tells it."""
        number = super().read(value, info)
        return _told_by(value, number, read_number(value, self.units, reading_of(info))[1])


def _read_goals(value: Any) -> tuple[str, ...]:
    goals = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not goals:
        raise refuse("nothing", _A_COLUMN)
    for goal in goals:
        if not isinstance(goal, str) or goal not in _COLUMNS:
            raise refuse(shown(goal), _A_COLUMN, did_you_mean(str(goal), _COLUMNS))
    if len(set(goals)) < len(goals):
        raise refuse(shown(goals), "each column once")
    return goals


def _read_caps(value: Any, info: ValidationInfo) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise refuse(shown(value), "a mapping of ledger columns to their highest values", "such as {cost: 5000 EUR}")
    caps, faults, reading = {}, [], reading_of(info)
    for column, cap in value.items():
        if column not in _COLUMNS:
            faults.append(Fault((column,), "unknown key", _A_COLUMN, did_you_mean(str(column), _COLUMNS)))
            continue
        units = (MONEY,) if column in COST_COLUMNS else _CARBON
        try:
            number, unit = read_number(cap, units, reading)
            caps[column] = number if unit == MONEY else _told_by(cap, number, unit)
            if not Range(units[0]).holds(caps[column]):
                raise Range(units[0]).refusal(caps[column], shown(cap), "")
        except RefusedError as error:
            faults += [fault.under((column,)) for fault in error.faults if isinstance(fault, Fault)]
    if faults:
        raise RefusedError(faults).for_pydantic
    return caps


def _read_prices(value: Any, info: ValidationInfo) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise refuse(shown(value), "a mapping of carbon columns to their prices", "such as {scope_1: 60 EUR/tCO2}")
    prices, faults, reading = {}, [], reading_of(info)
    for column, price in value.items():
        if column not in EMISSION_COLUMNS:
            wanted = f"a column of the carbon ledger: {', '.join(EMISSION_COLUMNS)}"
            faults.append(Fault((column,), "unknown key", wanted, did_you_mean(str(column), EMISSION_COLUMNS)))
            continue
        try:
            prices[column] = _told_by(price, *read_number(price, _PER_CARBON, reading))
            if not Range(_PER_CARBON[0], low=0.0).holds(prices[column]):
                currency = reading.currency if reading is not None else ""
                raise Range(_PER_CARBON[0], low=0.0).refusal(prices[column], shown(price), currency)
        except RefusedError as error:
            faults += [fault.under((column,)) for fault in error.faults if isinstance(fault, Fault)]
    if faults:
        raise RefusedError(faults).for_pydantic
    return prices


def _read_options(value: Any) -> dict[str, str | int | float | bool]:
    if not isinstance(value, Mapping):
        raise refuse(shown(value), "a mapping of the solver's options to their values")
    faults = [
        Fault((key,), shown(part), "a text, a number, true or false")
        for key, part in value.items()
        if not isinstance(part, str | int | float | bool)
    ]
    if faults:
        raise RefusedError(faults).for_pydantic
    return dict(value)


_ONE_GOAL = {"type": "string", "enum": list(_COLUMNS)}
_GOALS = {"anyOf": [_ONE_GOAL, {"type": "array", "items": _ONE_GOAL, "minItems": 1}]}
_CAPS = {
    "type": "object",
    "properties": {
        column: quantity_schema(MONEY if column in COST_COLUMNS else "kgCO2e") for column in _COLUMNS
    },
    "additionalProperties": False,
}  # fmt: skip
_PRICES = {
    "type": "object",
    "properties": {column: quantity_schema(_PER_CARBON[0]) for column in EMISSION_COLUMNS},
    "additionalProperties": False,
}
_OPTIONS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}


class Goals(Part):
    """What is wanted of the plan."""

    minimise: Annotated[tuple[str, ...], PlainValidator(_read_goals), WithJsonSchema(_GOALS)] = Field(
        default_factory=lambda: ("cost",), description="A ledger column, or several, the most important first."
    )
    carbon_price: Annotated[float, Carbon(_PER_CARBON[0], low=0.0, other_units=_PER_CARBON[1:])] = Field(
        default=0.0, description="Price of `emissions`, booked as cost."
    )
    carbon_prices: Annotated[dict[str, float], PlainValidator(_read_prices), WithJsonSchema(_PRICES)] = Field(
        default={}, description="Prices of single carbon columns besides, such as {scope_1: 60 EUR/tCO2}."
    )
    basis: Literal["location", "market"] = Field(default="location", description="How `emissions` counts scope 2.")
    scopes: list[Literal[1, 2, 3]] = Field(default=[1, 2], min_length=1, description="Scopes that `emissions` counts.")
    caps: Annotated[dict[str, float], PlainValidator(_read_caps), WithJsonSchema(_CAPS)] = Field(
        default={}, description="Highest value of ledger columns, in money or kgCO2e."
    )
    slack: Share = Field(default=1e-6, description="Share of an earlier goal that a later one may give up.")

    def objective(self) -> Objective:
        """Return the goals as the model wants them."""
        return Objective(
            self.minimise, self.carbon_price, self.basis, tuple(self.scopes), dict(self.caps), self.slack,
            dict(self.carbon_prices),
        )  # fmt: skip


class OffsetPart(Part):
    """A reduction made elsewhere and bought; shown after the account, and changing nothing in it."""

    name: str = Field(description="What it is called.")
    amount: Annotated[float, Carbon(_CARBON[0], above=0.0, other_units=_CARBON[1:])] = Field(
        description="How much was reduced."
    )
    standard: str = Field(default="", description="Who issued it, such as CCER.")
    year: int | None = Field(default=None, description="Year of the reduction.")
    source: str = Field(default="", description="Registry entry or document.")

    def told(self) -> Offset:
        """Return it as the account wants it."""
        gas = counted_gas(self.amount) or "CO2e"
        return Offset(self.name, float(self.amount), self.standard, self.year, self.source, gas)


class Trading(Part):
    """An emissions trading scheme that covers the plant: it charges for direct emissions, scope 1, alone."""

    price: Annotated[float, Carbon(_PER_CARBON[0], low=0.0, other_units=_PER_CARBON[1:])] = Field(
        description="Price of an allowance."
    )
    allowances: Annotated[float, Carbon(_CARBON[0], low=0.0, other_units=_CARBON[1:])] = Field(
        default=0.0, description="Emissions left free over the horizon."
    )


class AccountingPart(Part):
    """How the carbon account is kept."""

    standard: Standard = Field(
        default="ghg_protocol", description="; ".join(f"{name}: {text}" for name, text in STANDARDS.items())
    )
    gases: Literal["CO2", "CO2e"] | None = Field(
        default=None, description="What columns count; by default what their factors do, if all do the same."
    )
    year: int | None = Field(default=None, ge=1990, le=2100, description="Year whose factors the account wants.")
    region: str = Field(default="", description="Region whose factors it wants, such as cn/north.")
    trading: Trading | None = Field(default=None, description="Emissions trading, for a plant that is covered.")
    offsets: list[OffsetPart] = Field(default=[], description="Offsets, shown after the account.")
    boundary: str = Field(default="", description="What lies within the account, in your words.")

    def told(self) -> Accounting:
        """Return it as the ledger wants it."""
        return Accounting(
            self.standard,
            self.gases or "",
            self.year,
            self.region,
            self.trading.price if self.trading is not None else 0.0,
            self.trading.allowances if self.trading is not None else 0.0,
            tuple(each.told() for each in self.offsets),
            self.boundary,
        )


class Footprint(Part):
    """What the footprint of products needs: life-cycle factors of the sources of energy."""

    factors: dict[str, FootprintFactor] = Field(
        default={}, description="Life-cycle emissions per kWh (or kg) of each source, by asset."
    )


class Solver(Part):
    """How hard to solve."""

    name: str = Field(default="highs", description="highs, or any solver that Pyomo knows.")
    gap: Annotated[float, Quantity("1", low=0.0, high=0.5)] = Field(
        default=1e-4,
        description="Relative gap at which a plan counts as optimal.",
    )
    time_limit: Length | None = Field(default=None, description="Longest run of the solver, such as 60 s.")
    method: Literal["auto", "direct", "windows"] = Field(
        default="auto",
        description="direct: the model as one; windows: a long one in windows of time; auto chooses by size.",
    )
    threads: int | None = Field(default=None, ge=1, le=4096, description="Number of threads.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Random seed.")
    options: Annotated[dict[str, str | int | float | bool], PlainValidator(_read_options), WithJsonSchema(_OPTIONS)] = (
        Field(default={}, description="Further options in the solver's own words.")
    )


_ANSWERS = {"type": "object", "properties": {"mode": {"enum": list(MODES)}}, "additionalProperties": True}
_POLICY_NAME = {"anyOf": [{"enum": list(packs())}, {"pattern": r"\.yaml$"}]}
_POLICIES = {
    "anyOf": [
        {
            "type": "object",
            "propertyNames": _POLICY_NAME,
            "additionalProperties": {"anyOf": [{"enum": list(MODES)}, _ANSWERS]},
        },
        {"type": "array", "items": _POLICY_NAME},
    ]
}


class Head(Part):
    """A scenario file: the sections that it is made of."""

    extends: str = Field(default="", description="Another scenario file, whose keys this one inherits and overrides.")
    name: str = Field(default="", description="What it is called in reports.")
    description: str = Field(default="", description="What it is about.")
    currency: str = Field(description="ISO 4217 code of the one currency of the file, such as CNY.")
    site: Site = Field(description="Where the plant stands.")
    horizon: Horizon = Field(description="The time that is planned.")
    finance: Finance = Field(default_factory=Finance, description="Money over time.")
    reference: Reference | None = Field(default=None, description="What an investment is compared with.")
    weather: WeatherFile | None = Field(default=None, description="The weather that availabilities are computed from.")
    buses: dict[str, Bus] = Field(default={}, description="Buses that are not named like their carrier.")
    assets: dict[str, Any] = Field(min_length=1, description="What stands on the site, by name.")
    objective: Goals = Field(default_factory=Goals, description="What is wanted of the plan.")
    policies: Annotated[tuple[Policy, ...], PlainValidator(read_policies), WithJsonSchema(_POLICIES)] = Field(
        default=(), description="Rules of governments and standards, each to check or to enforce."
    )
    accounting: AccountingPart = Field(default_factory=AccountingPart, description="How the carbon account is kept.")
    footprint: Footprint = Field(default_factory=Footprint, description="What the footprint of products needs.")
    solver: Solver = Field(default_factory=Solver, description="How hard to solve.")
    sweep: Sweep | None = Field(default=None, description="Cases of the scenario, for `microgrid batch`.")

    @field_validator("currency")
    @classmethod
    def _is_code(cls, code: str) -> str:
        if not is_currency(code):
            raise refuse(shown(code), "an ISO 4217 currency such as CNY or EUR")
        return code
