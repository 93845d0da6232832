"""How a field of a scenario is read: quantities with units, shares, series and capacities.

A field that says `Power` takes "2 MW" from a file and 2000.0 from Python; a bare number in a file is refused where a
unit is due. What a file's fields need to know besides (currency, folder, horizon) travels as the validation context.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    Discriminator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    create_model,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from microgrid.capacity import Fixed, Sized
from microgrid.errors import InputError
from microgrid.series import Series, read_column
from microgrid.timeline import Timeline
from microgrid.units import UnitError, example, quantity

MONEY = "CUR"


@dataclass(frozen=True)
class Reading:
    """What the fields of a scenario file need to know besides their own text."""

    currency: str = ""
    folder: Path = Path()
    timeline: Timeline | None = None
    makers: Mapping[str, Callable[[Mapping[str, Any]], NDArray[np.float64]]] = field(default_factory=dict)


def refuse(found: str, wanted: str, cure: str = "") -> PydanticCustomError:
    """Return the error of one field: what stands there, what was wanted, how to cure it."""
    return PydanticCustomError("wanted", "{wanted}", {"found": found, "wanted": wanted, "cure": cure})


def _reading(info: ValidationInfo) -> Reading | None:
    return info.context if isinstance(info.context, Reading) else None


def _number(value: Any, unit: str, reading: Reading | None) -> float:
    """Read one number: text with a unit, or a bare number where none is due."""
    if isinstance(value, str):
        try:
            return quantity(value, _in_currency(unit, value, reading))
        except UnitError as error:
            raise refuse(error.found, error.wanted, error.cure) from error
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise refuse(_shown(value), f"a quantity such as {_example(unit, reading)!r}")
    if reading is not None and unit != "1":
        cure = f'write the unit, such as "{value} {_example(unit, reading).split(" ", 1)[1]}"'
        raise refuse(f"{value}", f"a quantity with its unit, such as {_example(unit, reading)!r}", cure)
    return float(value)


def _in_currency(unit: str, text: str, reading: Reading | None) -> str:
    if MONEY not in unit:
        return unit
    if reading is not None and reading.currency:
        return unit.replace(MONEY, reading.currency)
    from microgrid.units import currencies_of

    written = currencies_of(text)
    return unit.replace(MONEY, written[0] if written else "EUR")


def _example(unit: str, reading: Reading | None) -> str:
    return example(_in_currency(unit, "", reading))


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _range_text(low: float | None, high: float | None, above: float | None) -> str:
    if low == 0 and high == 1:
        return "a share from 0 to 1"
    parts = [
        f"from {low:g}" if low is not None else "",
        f"above {above:g}" if above is not None else "",
        f"up to {high:g}" if high is not None else "",
    ]
    return "a value " + " ".join(part for part in parts if part)


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

    def read(self, value: Any, info: ValidationInfo) -> float:
        """Return the number in the house unit."""
        number, _ = _first_fitting(value, (self.unit, *self.other_units), _reading(info))
        return self.check(number)

    def check(self, number: float) -> float:
        """Return the number if it is finite and within the range."""
        if not math.isfinite(number):
            raise refuse(f"{number}", "a finite number")
        if (
            (self.low is not None and number < self.low)
            or (self.high is not None and number > self.high)
            or (self.above is not None and number <= self.above)
        ):
            raise refuse(
                f"{number:g}", _range_text(self.low, self.high, self.above), _percent_cure(number, self.unit, self.high)
            )
        return number

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`."""
        return core_schema.with_info_plain_validator_function(self.read, metadata={"unit": self.unit})

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        return _quantity_schema(self.unit)


def _percent_cure(number: float, unit: str, high: float | None) -> str:
    return f'write "{number:g} %"' if unit == "1" and high == 1.0 and 1 < number <= 100 else ""


def _quantity_schema(unit: str) -> dict[str, Any]:
    shown = example(unit.replace(MONEY, "CNY"))
    text = {"type": "string", "description": f"a quantity with its unit, such as '{shown}'", "examples": [shown]}
    return {"anyOf": [{"type": "number"}, text]} if unit == "1" else text


@dataclass(frozen=True)
class Along:
    """Marks a field that holds a series: ``Annotated[Series, Along("kW", low=0.0)]``.

    Parameters
    ----------
    unit
        House unit.
    low, high
        Range that every value must keep.
    other_units
        Further house units, where the carrier is known only from the bus.
    maker
        Name of the weather model that may compute the series instead, such as ``photovoltaic``.
    """

    unit: str
    low: float | None = None
    high: float | None = None
    other_units: tuple[str, ...] = ()
    maker: str = ""

    def read(self, value: Any, info: ValidationInfo) -> Series:
        """Return the series in the first unit that fits."""
        series = _read_series(value, (self.unit, *self.other_units), self.maker, _reading(info))
        _check_range(series, self.low, self.high, self.unit)
        return series

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`, write as numbers."""
        written = core_schema.plain_serializer_function_ser_schema(lambda series: series.values.tolist())
        return core_schema.with_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        return _series_schema(self.unit, self.maker)


def _read_series(value: Any, units: tuple[str, ...], maker: str, reading: Reading | None) -> Series:
    if isinstance(value, Series):
        return value
    if isinstance(value, Mapping):
        if reading is None or reading.timeline is None:
            raise refuse("a mapping", "numbers, when a technology is made in Python")
        return _series_of_mapping(value, units, maker, reading, reading.timeline)
    if isinstance(value, list | tuple | np.ndarray):
        if reading is not None:
            raise refuse(
                "a list",
                'a quantity, or a column as {file: "site.csv", column: "load"}',
                'write {values: [...], unit: "kW"}',
            )
        return Series(_frozen(np.asarray(value, dtype=float)))
    number, unit = _first_fitting(value, units, reading)
    return Series(_frozen(np.asarray(number)), unit if isinstance(value, str) else "", str(value))


def _first_fitting(value: Any, units: tuple[str, ...], reading: Reading | None) -> tuple[float, str]:
    for unit in units[1:]:
        try:
            return _number(value, unit, reading), unit
        except PydanticCustomError:
            continue
    return _number(value, units[0], reading), units[0]


_COLUMN_KEYS = ("file", "column", "times", "plus")
_VALUES_KEYS = ("values", "unit")


def _series_of_mapping(
    value: Mapping[str, Any], units: tuple[str, ...], maker: str, reading: Reading, timeline: Timeline
) -> Series:
    if "file" in value:
        _only(value, _COLUMN_KEYS)
        return _column(value, units, reading, timeline)
    if "values" in value:
        _only(value, _VALUES_KEYS)
        return _listed(value, units, reading, timeline)
    if maker and maker in reading.makers:
        return Series(_frozen(reading.makers[maker](value)), units[0], "weather")
    raise refuse(_shown(dict(value)), "a column as {file: ..., column: ...} or values as {values: [...], unit: ...}")


def _only(value: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    unknown = [key for key in value if key not in keys]
    if unknown:
        raise refuse(f"the key {unknown[0]!r}", f"only {', '.join(keys)} here")


def _column(value: Mapping[str, Any], units: tuple[str, ...], reading: Reading, timeline: Timeline) -> Series:
    if not isinstance(value.get("column"), str) or not isinstance(value["file"], str):
        raise refuse(_shown(dict(value)), "a column by its name", "write {file: site.csv, column: load}")
    path = reading.folder / value["file"]
    error: InputError | None = None
    for unit in units:
        try:
            numbers = read_column(path, value["column"], _in_currency(unit, "", reading), timeline)
        except InputError as fault:
            error = error or fault
            continue
        times = _number(value.get("times", 1.0), "1", reading)
        plus = _number(value["plus"], unit, reading) if "plus" in value else 0.0
        return Series(_frozen(numbers * times + plus), unit, f"{value['file']}: {value['column']}")
    raise PydanticCustomError("table", "{wanted}", {"wanted": str(error), "problems": error.problems if error else ()})


def _listed(value: Mapping[str, Any], units: tuple[str, ...], reading: Reading, timeline: Timeline) -> Series:
    numbers, unit = value["values"], value.get("unit", "1" if "1" in units else None)
    if not isinstance(unit, str) or not isinstance(numbers, list):
        raise refuse(_shown(dict(value)), "a list of numbers and their unit", 'write {values: [1, 2], unit: "kW"}')
    if len(numbers) != len(timeline):
        raise refuse(f"{len(numbers)} values", f"one for each of the {len(timeline)} steps")
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise refuse("a value that is no number", "a list of numbers")
    one, house = _first_fitting(f"1 {unit}" if unit != "1" else 1.0, units, reading)
    return Series(_frozen(np.asarray(numbers, dtype=float) * one), house, "values")


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.array(values, dtype=float)
    values.setflags(write=False)
    return values


def _check_range(series: Series, low: float | None, high: float | None, unit: str) -> None:
    values = np.atleast_1d(series.values)
    if not np.isfinite(values).all():
        step = int(np.flatnonzero(~np.isfinite(values))[0])
        raise refuse(f"no number at step {step}", "a finite number at every step")
    if (low is not None and series.lowest < low) or (high is not None and series.highest > high):
        wrong = (values < (low if low is not None else -np.inf)) | (values > (high if high is not None else np.inf))
        step = int(np.flatnonzero(wrong)[0])
        at = f" at step {step}" if series.values.ndim else ""
        raise refuse(
            f"{values[step]:g}{at}", _range_text(low, high, None), _percent_cure(float(values[step]), unit, high)
        )


def _series_schema(unit: str, maker: str) -> dict[str, Any]:
    column = {
        "type": "object",
        "properties": {"file": {"type": "string"}, "column": {"type": "string"}, "times": {}, "plus": {}},
        "required": ["file", "column"],
        "additionalProperties": False,
    }
    values = {
        "type": "object",
        "properties": {"values": {"type": "array", "items": {"type": "number"}}, "unit": {"type": "string"}},
        "required": ["values"],
        "additionalProperties": False,
    }
    made = [{"type": "object", "description": f"computed from the weather, by the {maker} model"}] if maker else []
    return {"anyOf": [_quantity_schema(unit), column, values, *made]}


@dataclass(frozen=True)
class CapacityIn:
    """Marks a field that holds a capacity in `unit`: ``Annotated[Fixed | Sized, CapacityIn("kW")]``."""

    unit: str

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as a number, a mapping with an amount, or a mapping with bounds."""
        return handler.generate_schema(_capacity_type(self.unit))


def _capacity_type(unit: str) -> Any:
    amount = Annotated[float, Quantity(unit, low=0.0)]
    cost = Annotated[float, Quantity(f"{MONEY}/{unit}", low=0.0)]
    opex = Annotated[float, Quantity(f"{MONEY}/{unit}/a", low=0.0)]
    suffix = unit.replace("/", "Per")
    fixed = create_model(f"Fixed{suffix}", __base__=Fixed, amount=(amount, ...), opex=(opex, 0.0))
    sized = create_model(
        f"Sized{suffix}",
        __base__=Sized,
        low=(amount, 0.0),
        high=(amount, ...),
        capex=(cost, 0.0),
        build_cost=(Money, 0.0),
        lifetime=(Annotated[float, Quantity("a", above=0.0)], 20.0),
        interest=(Annotated[float, Quantity("1", above=-1.0)] | None, None),
        opex=(opex, 0.0),
        unit_size=(Annotated[float, Quantity(unit, above=0.0)] | None, None),
    )
    return _tagged_capacity(unit, fixed, sized)


def _tagged_capacity(unit: str, fixed: type[BaseModel], sized: type[BaseModel]) -> Any:
    def read_amount(value: Any, info: ValidationInfo) -> Fixed:
        return Fixed(amount=Quantity(unit, low=0.0).read(value, info))

    plain = Annotated[Fixed, PlainValidator(read_amount), WithJsonSchema(_quantity_schema(unit))]
    ready = Annotated[Any, WithJsonSchema({"not": {}})]
    return Annotated[
        Annotated[plain, Tag("amount")]
        | Annotated[fixed, Tag("fixed")]
        | Annotated[sized, Tag("sized")]
        | Annotated[ready, Tag("ready")],  # type: ignore[valid-type]
        Discriminator(_capacity_tag),
    ]


CAPACITY_TAGS = ("amount", "fixed", "sized", "ready")


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
FactorSeries = Annotated[Series, Along("kgCO2e/kWh", low=0.0, other_units=("kgCO2e/kg",))]
