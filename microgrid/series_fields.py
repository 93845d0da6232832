"""How a field is read that holds a series: a quantity, a column of a CSV file, a list, or what the weather makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from microgrid.errors import InputError
from microgrid.faults import Fault, RefusedError, did_you_mean, no_file, shown
from microgrid.reading import Range, Reading, in_currency, read_number, reading_of, refusal, sample_of
from microgrid.series import Series, in_unit
from microgrid.tables import Table, open_table
from microgrid.timeline import Timeline
from microgrid.units import UnitError, conversion, wanted_text

_COLUMN_KEYS = ("file", "column", "times", "plus")
_VALUES_KEYS = ("values", "unit")
_COLUMN = "{file: site.csv, column: load}"


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

    @property
    def units(self) -> tuple[str, ...]:
        """Every house unit that fits."""
        return (self.unit, *self.other_units)

    def expected(self, currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        sample = sample_of(self.unit, currency)
        return f"a quantity such as {sample}, or a column as {_COLUMN}", sample

    def read(self, value: Any, info: ValidationInfo) -> Series:
        """Return the series in the first unit that fits."""
        try:
            return self._read(value, reading_of(info))
        except RefusedError as error:
            raise error.for_pydantic from error

    def _read(self, value: Any, reading: Reading | None) -> Series:
        limits = Range(self.unit, self.low, self.high)
        if isinstance(value, Series):
            return _within(value, limits, reading)
        if isinstance(value, Mapping) and reading is not None:
            return self._of_mapping(value, limits, reading)
        if isinstance(value, list | tuple | np.ndarray) and reading is None:
            return _within(Series(_frozen(np.asarray(value, dtype=float))), limits, reading)
        if isinstance(value, Mapping | list | tuple | np.ndarray):
            wanted = f"a quantity such as {sample_of(self.unit)}, or a column as {_COLUMN}"
            raise refusal(shown(value), wanted, f'or write {{values: [...], unit: "{self.unit}"}}')
        number, unit = read_number(value, self.units, reading)
        series = Series(_frozen(np.asarray(number)), unit if isinstance(value, str) else "", str(value))
        return _within(series, limits, reading, shown(value))

    def _of_mapping(self, value: Mapping[str, Any], limits: Range, reading: Reading) -> Series:
        if "file" in value or "column" in value:
            _only(value, _COLUMN_KEYS, ("file", "column"))
            return _Column(value, self.units, reading).read(limits)
        if "values" in value:
            _only(value, _VALUES_KEYS, ("values",))
            return _within(_listed(value, self.units, reading), limits, reading)
        if not self.maker:
            raise refusal(shown(value), f"a quantity, a column as {_COLUMN}, or {{values: [...], unit: ...}}")
        if reading.timeline is None or self.maker not in reading.makers:
            return Series(_frozen(np.asarray(limits.low or 0.0)))
        return _within(Series(_frozen(reading.makers[self.maker](value)), self.unit, "weather"), limits, reading)

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`, write as numbers."""
        written = core_schema.plain_serializer_function_ser_schema(lambda series: series.values.tolist())
        return core_schema.with_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        return _series_schema(self.unit, self.maker)


def _only(value: Mapping[str, Any], keys: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Refuse keys that are unknown here, and the lack of those that are needed."""
    faults = [
        Fault((key,), "unknown key", f"one of {', '.join(keys)}", did_you_mean(key, keys))
        for key in value
        if key not in keys
    ]
    guessed = {fault.cure for fault in faults}
    lacking = [key for key in needed if key not in value and f'did you mean "{key}"?' not in guessed]
    faults += [Fault((key,), "missing", f"{key} beside {' and '.join(value)}") for key in lacking]
    if faults:
        raise RefusedError(faults)


@dataclass(frozen=True)
class _Column:
    """A column of a CSV file as a scenario file names it."""

    value: Mapping[str, Any]
    units: tuple[str, ...]
    reading: Reading

    def read(self, limits: Range) -> Series:
        for key in ("file", "column"):
            if not isinstance(self.value[key], str):
                raise RefusedError([Fault((key,), shown(self.value[key]), "a text", f"such as {_COLUMN}")])
        try:
            return self._read(limits)
        except InputError as error:
            raise RefusedError(error.problems) from error

    def _read(self, limits: Range) -> Series:
        file, column = self.value["file"], self.value["column"]
        table = self._table(self.reading.folder / file)
        if column not in table.names:
            known = f"a column of {file}: {', '.join(table.names)}"
            cure = "write the name without the unit" if column in table.headers else did_you_mean(column, table.names)
            raise RefusedError([Fault(("column",), shown(column), known, cure)])
        factor, offset, unit = self._conversion(table, column)
        times, plus = self._number("times", ("1",), 1.0), self._number("plus", (unit,), 0.0)
        origin = f"{file}: {column}"
        if self.reading.timeline is None:
            table.numbers(column)
            return Series(_frozen(np.asarray(limits.low or 0.0)), unit, origin)
        numbers = in_unit(table.on(self.reading.timeline, column), factor) + offset
        series = Series(_frozen(numbers * times + plus), unit, origin)
        return _within(series, limits, self.reading, table=table)

    def _table(self, path: Path) -> Table:
        fault = no_file(path, self.value["file"], "a CSV file that is there", (".csv",))
        if fault is not None:
            raise RefusedError([fault])
        return open_table(path)

    def _conversion(self, table: Table, column: str) -> tuple[float, float, str]:
        """Return factor, offset and house unit of the column's unit."""
        written = table.unit(column)
        house = [in_currency(unit, self.reading) for unit in self.units]
        fault: UnitError | None = None
        for unit, in_house in zip(self.units, house, strict=True):
            try:
                return *conversion(written, in_house), unit
            except UnitError as error:
                fault = fault or error
        cure = fault.cure if fault else ""
        raise RefusedError([Fault(("column",), f"{shown(column)} [{written}]", wanted_text(house), cure)])

    def _number(self, key: str, units: tuple[str, ...], default: float) -> float:
        try:
            number = read_number(self.value[key], units, self.reading)[0] if key in self.value else default
        except RefusedError as error:
            raise RefusedError([fault.under((key,)) for fault in error.faults if isinstance(fault, Fault)]) from error
        if not np.isfinite(number):
            raise RefusedError([Fault((key,), shown(self.value[key]), "a finite number")])
        return number


def _listed(value: Mapping[str, Any], units: tuple[str, ...], reading: Reading) -> Series:
    numbers, unit = value["values"], value.get("unit", "1" if "1" in units else None)
    if not isinstance(unit, str):
        raise refusal(shown(value), "a list of numbers and their unit", f'write {{values: [1, 2], unit: "{units[0]}"}}')
    if not isinstance(numbers, list) or not all(
        isinstance(n, int | float) and not isinstance(n, bool) for n in numbers
    ):
        raise RefusedError([Fault(("values",), shown(numbers), "a list of numbers", "give the unit beside them")])
    steps = len(reading.timeline) if reading.timeline is not None else len(numbers)
    if len(numbers) != steps:
        raise RefusedError([Fault(("values",), f"{len(numbers)} values", f"one for each of the {steps} steps")])
    try:
        one, house = read_number(f"1 {unit}" if unit != "1" else 1.0, units, reading)
        return Series(_frozen(in_unit(np.array([float(n) for n in numbers]), one)), house, "values")
    except RefusedError as error:
        faults = [Fault(("unit",), shown(unit), f.wanted, f.cure) for f in error.faults]
        raise RefusedError(faults) from error
    except OverflowError as error:
        raise RefusedError([Fault(("values",), "a number without end", "finite numbers")]) from error


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.array(values, dtype=float)
    values.setflags(write=False)
    return values


def _within(
    series: Series, limits: Range, reading: Reading | None, found: str = "", table: Table | None = None
) -> Series:
    """Return the series if each of its values is finite and within the limits."""
    values = np.atleast_1d(series.values)
    if reading is not None and reading.timeline is None and series.values.ndim == 0 and not found:
        return series
    wrong = np.flatnonzero(~limits.holds(values))
    if not len(wrong):
        return series
    step, currency = int(wrong[0]), reading.currency if reading is not None else ""
    told = found or f"{values[step]:g}{_at(step, reading, series)}"
    (fault,) = limits.refusal(float(values[step]), told, currency).faults
    if table is not None and reading is not None and reading.timeline is not None and isinstance(fault, Fault):
        place = table.place(table.row_at(reading.timeline.index[step]))
        raise RefusedError([Fault((), f"{told} in {series.origin}", fault.wanted, fault.cure, place)])
    raise RefusedError([fault])


def _at(step: int, reading: Reading | None, series: Series) -> str:
    if not series.values.ndim:
        return ""
    timeline: Timeline | None = reading.timeline if reading is not None else None
    return f" at {timeline.index[step].isoformat(timespec='minutes')}" if timeline is not None else f" at step {step}"


def _series_schema(unit: str, maker: str) -> dict[str, Any]:
    column = {
        "type": "object",
        "description": "a column of a CSV file, times a factor, plus an amount",
        "properties": {
            "file": {"type": "string", "description": "name of the CSV file, from the folder of this file"},
            "column": {"type": "string", "description": "name of the column, without its unit"},
            "times": quantity_schema("1"),
            "plus": quantity_schema(unit),
        },
        "required": ["file", "column"],
        "additionalProperties": False,
    }
    values = {
        "type": "object",
        "description": "one value a step",
        "properties": {"values": {"type": "array", "items": {"type": "number"}}, "unit": {"type": "string"}},
        "required": ["values"],
        "additionalProperties": False,
    }
    made = [{"type": "object", "description": f"computed from the weather, by the {maker} model"}] if maker else []
    return {"anyOf": [quantity_schema(unit), column, values, *made]}


def quantity_schema(unit: str) -> dict[str, Any]:
    """Describe a quantity of `unit` to editors; the key `unit` is for the schema's own last touch."""
    sample = sample_of(unit)
    text: dict[str, Any] = {
        "type": "string",
        "description": f"a quantity with its unit, such as '{sample}'",
        "examples": [sample],
    }
    return {"anyOf": [{"type": "number"}, text], "unit": unit} if unit == "1" else text | {"unit": unit}
