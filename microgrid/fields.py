"""The kinds of fields that technologies are made of: quantities with units, shares, series and capacities.

A field that says `Power` takes "2 MW" from a file and 2000.0 from Python; a bare number in a file is refused where a
unit is due. What a file's fields need to know besides (currency, folder, horizon) travels as the validation context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    create_model,
)
from pydantic_core import CoreSchema, core_schema

from microgrid.capacity import Fixed, Sized
from microgrid.faults import RefusedError, refuse, shown
from microgrid.reading import MONEY, Range, Reading, in_currency, read_number, reading_of, sample_of
from microgrid.series import Series
from microgrid.series_fields import Along, quantity_schema
from microgrid.units import wanted_text


class Part(BaseModel):
    """A part of a scenario file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Quantity:
    """Marks a field that holds one number, within a range: ``Annotated[float, Quantity("kW", low=0.0)]``.

    Parameters
    ----------
    unit
        House unit.
    low, high, above
        Range, `above` without its end.
    other_units
        Further house units, where the carrier is known only from the bus.
    """

    unit: str
    low: float | None = None
    high: float | None = None
    above: float | None = None
    other_units: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """Every house unit that fits."""
        return (self.unit, *self.other_units)

    def expected(self, currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        reading = Reading(currency)
        return wanted_text([in_currency(unit, reading) for unit in self.units]), sample_of(self.unit, currency)

    def read(self, value: Any, info: ValidationInfo) -> float:
        """Return the number in the house unit, if it is finite and within the range."""
        reading, limits = reading_of(info), Range(self.unit, self.low, self.high, self.above)
        try:
            number, _ = read_number(value, self.units, reading)
            if not limits.holds(number):
                raise limits.refusal(number, shown(value), reading.currency if reading is not None else "")
        except RefusedError as error:
            raise error.for_pydantic from error
        return number

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`."""
        return core_schema.with_info_plain_validator_function(self.read, metadata={"unit": self.unit})

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        return quantity_schema(self.unit)


@dataclass(frozen=True)
class CapacityIn:
    """Marks a field that holds a capacity in `unit`: ``Annotated[Fixed | Sized, CapacityIn("kW")]``."""

    unit: str

    @property
    def models(self) -> dict[str, Any]:
        """What a mapping is read as, by the name of the alternative: that of a number, of bounds, of a number alone."""
        return _capacity_models(self.unit) | {"amount": float, "ready": float}

    def expected(self, currency: str) -> tuple[str, str]:  # noqa: ARG002
        """Say what is expected, and give a sample."""
        sample = sample_of(self.unit)
        return f"a capacity such as {sample}, or {{low: ..., high: {sample}, capex: ...}}", sample

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as a number, a mapping with an amount, or a mapping with bounds."""
        return handler.generate_schema(_capacity_type(self.unit))


@lru_cache(maxsize=16)
def _capacity_models(unit: str) -> dict[str, type[BaseModel]]:
    amount: Any = Annotated[float, Quantity(unit, low=0.0)]
    module: Any = Annotated[float, Quantity(unit, above=0.0)] | None
    per = f"({unit})" if "/" in unit else unit
    capex: Any = Annotated[float, Quantity(f"{MONEY}/{per}", low=0.0)]
    opex: Any = Annotated[float, Quantity(f"{MONEY}/{per}/a", low=0.0)]
    years: Any = Annotated[float, Quantity("a", above=0.0, high=1000.0)]
    interest: Any = Annotated[float, Quantity("1", low=-0.5, high=1.0)] | None
    upkeep = Field(default=0.0, description="Fixed operation and maintenance, per unit and year.")
    name = unit.replace("/", "_per_")
    fixed = create_model(
        f"capacity_{name}",
        __base__=Fixed,
        __doc__="A capacity that stands.",
        amount=(amount, Field(description="How much stands.")),
        opex=(opex, upkeep),
    )
    sized = create_model(
        f"sized_capacity_{name}",
        __base__=Sized,
        __doc__="A capacity to be decided.",
        low=(amount, Field(default=0.0, description="Least that may be built.")),
        high=(amount, Field(description="Most that may be built.")),
        capex=(capex, Field(default=0.0, description="Investment per unit.")),
        build_cost=(Money, Field(default=0.0, description="Investment that does not depend on the size.")),
        lifetime=(years, Field(default=20.0, description="Years over which the investment is repaid.")),
        interest=(interest, Field(default=None, description="Interest per year; by default the discount rate.")),
        opex=(opex, upkeep),
        unit_size=(module, Field(default=None, description="Size of one module, where only whole ones are built.")),
        optional=(bool, Field(default=False, description="Whether it may stay unbuilt although low is above zero.")),
    )
    return {"fixed": fixed, "sized": sized}


@lru_cache(maxsize=16)
def _capacity_type(unit: str) -> Any:
    def read_amount(value: Any, info: ValidationInfo) -> Fixed:
        return Fixed(amount=Quantity(unit, low=0.0).read(value, info))

    fixed: Any
    sized: Any
    fixed, sized = _capacity_models(unit).values()
    plain: Any = Annotated[Fixed, PlainValidator(read_amount), WithJsonSchema(quantity_schema(unit))]
    ready: Any = Annotated[Any, WithJsonSchema({"not": {}})]
    alternatives: Any = (
        Annotated[plain, Tag("amount")]
        | Annotated[fixed, Tag("fixed")]
        | Annotated[sized, Tag("sized")]
        | Annotated[ready, Tag("ready")]
    )
    return Annotated[alternatives, Discriminator(_capacity_tag)]


def _capacity_tag(value: Any) -> str:
    if isinstance(value, Fixed | Sized):
        return "ready"
    if isinstance(value, Mapping):
        return "fixed" if "amount" in value else "sized"
    return "amount"


Share = Annotated[float, Quantity("1", low=0.0, high=1.0)]
Efficiency = Annotated[float, Quantity("1", low=1e-6, high=1.0)]
Hours = Annotated[float, Quantity("h", low=0.0)]
SharePerHour = Annotated[float, Quantity("1/h", low=0.0, high=1.0)]
Power = Annotated[float, Quantity("kW", low=0.0)]
Energy = Annotated[float, Quantity("kWh", low=0.0)]
Mass = Annotated[float, Quantity("kg", low=0.0)]
Money = Annotated[float, Quantity(MONEY, low=0.0)]
MoneyPerHour = Annotated[float, Quantity(f"{MONEY}/h", low=0.0)]
PerEnergy = Annotated[float, Quantity(f"{MONEY}/kWh", low=0.0)]
PerAmount = Annotated[float, Quantity(f"{MONEY}/kWh", low=0.0, other_units=(f"{MONEY}/kg",))]
PowerCapacity = Annotated[Fixed | Sized, CapacityIn("kW")]
EnergyCapacity = Annotated[Fixed | Sized, CapacityIn("kWh")]
MassCapacity = Annotated[Fixed | Sized, CapacityIn("kg")]
AmountPrices = Annotated[Series, Along(f"{MONEY}/kWh", other_units=(f"{MONEY}/kg",))]
EnergyPrices = Annotated[Series, Along(f"{MONEY}/kWh")]
FlowSeries = Annotated[Series, Along("kW", low=0.0, other_units=("kg/h",))]
PowerSeries = Annotated[Series, Along("kW", low=0.0)]

__all__ = [
    "MONEY",
    "Along",
    "AmountPrices",
    "CapacityIn",
    "Efficiency",
    "Energy",
    "EnergyCapacity",
    "EnergyPrices",
    "FlowSeries",
    "Hours",
    "Mass",
    "MassCapacity",
    "Money",
    "MoneyPerHour",
    "Part",
    "PerAmount",
    "PerEnergy",
    "Power",
    "PowerCapacity",
    "PowerSeries",
    "Quantity",
    "Reading",
    "Share",
    "SharePerHour",
    "refuse",
]
