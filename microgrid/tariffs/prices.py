"""Prices of a tariff: one number, one by period of the day, by month, or a series; read by one mark, `PriceIn`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, RefusedError, shown
from microgrid.reading import Range, Reading, in_currency, read_number, reading_of, sample_of
from microgrid.series import Series
from microgrid.series_fields import Along, quantity_schema
from microgrid.timeline import Timeline
from microgrid.units import wanted_text

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_SERIES_KEYS = ("file", "column", "values")
Form = Literal["flat", "periods", "months", "dated", "series"]


@dataclass(frozen=True, eq=False)
class Price:
    """A price in house units.

    Parameters
    ----------
    form
        ``flat``; ``periods`` of the day; ``months`` of the calendar, 1 to 12; ``dated`` months, such as 2026-03;
        or a ``series`` along the horizon.
    numbers
        The number by period or month; under an empty key where there is one for all.
    series
        The series, if it is one.
    unit
        The house unit that it was read in.
    """

    form: Form
    numbers: Mapping[str, float] = field(default_factory=dict)
    series: Series | None = None
    unit: str = ""

    @classmethod
    def flat(cls, number: float) -> Price:
        """Return one price for all times."""
        return cls("flat", {"": float(number)})

    @classmethod
    def of_series(cls, series: Series) -> Price:
        """Return a price that changes with the step; a series of one number is one price for all times."""
        return cls.flat(float(series.values)) if series.values.ndim == 0 else cls("series", {}, series)

    def in_month(self, month: str) -> float:
        """Return the price of a billing month such as ``2026-03``; not for prices by period, nor series.

        Raises
        ------
        KeyError
            If the month has none.
        """
        key = {"flat": "", "months": str(int(month[5:])), "dated": month}[self.form]
        return self.numbers[key]

    def lacks(self, months: Sequence[str]) -> list[str]:
        """Return those of some billing months that have no price."""
        if self.form == "dated":
            return [month for month in months if month not in self.numbers]
        if self.form == "months":
            return [month for month in months if str(int(month[5:])) not in self.numbers]
        return []

    def on(self, timeline: Timeline, shares: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the price on each step, the mean where a step lies in several periods, shape (n,).

        Parameters
        ----------
        timeline
            The horizon.
        shares
            By period, the share of each step that lies in it.
        """
        if self.series is not None:
            return self.series.on(timeline, "price")
        if self.form == "flat":
            return np.full(len(timeline), self.numbers[""])
        if self.form == "periods":
            return np.asarray(sum(price * shares[period] for period, price in self.numbers.items()), dtype=float)
        return np.array([self.in_month(month) for month in timeline.months.tolist()], dtype=float)

    @property
    def is_zero(self) -> bool:
        """Whether nothing is ever paid."""
        return not any(self.numbers.values()) and (self.series is None or not self.series.values.any())

    @property
    def plain(self) -> dict[str, Any]:
        """The price as numbers, for JSON; `PriceIn` reads it back."""
        if self.series is not None:
            return {"form": "series", "values": self.series.values.tolist(), "unit": self.unit}
        return {"form": self.form, "values": dict(self.numbers), "unit": self.unit}


@dataclass(frozen=True)
class PriceIn:
    """Marks a field that holds a price: ``Annotated[Price, PriceIn("CUR/kWh")]``.

    Parameters
    ----------
    unit
        House unit.
    low
        Least that every number may be.
    other_units
        Further house units; the price knows which it was read in.
    """

    unit: str
    low: float | None = None
    other_units: tuple[str, ...] = ()
    series: bool = True

    @property
    def units(self) -> tuple[str, ...]:
        """Every house unit that fits."""
        return (self.unit, *self.other_units)

    def expected(self, currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        house = [in_currency(unit, Reading(currency)) for unit in self.units]
        return f"{wanted_text(house)}, or one for each period", sample_of(self.unit, currency)

    def read(self, value: Any, info: ValidationInfo) -> Price:
        """Return the price."""
        try:
            return self._read(value, info)
        except RefusedError as error:
            raise error.for_pydantic from error

    def _read(self, value: Any, info: ValidationInfo) -> Price:
        reading = reading_of(info)
        if isinstance(value, Price):
            return value
        if isinstance(value, Series):
            return Price.of_series(value)
        if isinstance(value, Mapping) and "form" in value and reading is None:
            return self._of_plain(value)
        if isinstance(value, Mapping) and not any(key in value for key in _SERIES_KEYS):
            return self._of_mapping(value, reading)
        if isinstance(value, Mapping | list | np.ndarray):
            if not self.series:
                wanted = f"{wanted_text(list(self.units))}, or one for each period or month"
                raise RefusedError([Fault((), "a series", wanted)])
            return Price.of_series(Along(self.unit, self.low).read(value, info))
        number, unit = self._number(value, reading)
        return Price("flat", {"": number}, unit=unit)

    def _of_plain(self, value: Mapping[str, Any]) -> Price:
        unit = value.get("unit", "")
        if value["form"] == "series":
            return Price("series", {}, Series(np.asarray(value["values"], dtype=float)), unit)
        return Price(value["form"], {key: float(number) for key, number in value["values"].items()}, None, unit)

    def _of_mapping(self, value: Mapping[str, Any], reading: Reading | None) -> Price:
        faults, numbers, units = list[Fault](), dict[str, float](), dict[str, str]()
        for key, written in value.items():
            try:
                numbers[str(key)], units[str(key)] = self._number(written, reading)
            except RefusedError as error:
                faults += [fault.under((key,)) for fault in error.faults if isinstance(fault, Fault)]
        sorts = {_form(str(key)) for key in value}
        if not faults and (not value or len(sorts) > 1 or len(set(units.values())) > 1):
            wanted = "prices by period (peak: ...), by month (1: ...) or by dated month (2026-01: ...), in one unit"
            faults.append(Fault((), shown(dict(value)), wanted))
        if faults:
            raise RefusedError(faults)
        return Price(sorts.pop(), numbers, None, next(iter(units.values())))

    def _number(self, value: Any, reading: Reading | None) -> tuple[float, str]:
        number, unit = read_number(value, self.units, reading)
        limits = Range(unit, self.low)
        if not limits.holds(number):
            raise limits.refusal(number, shown(value), reading.currency if reading is not None else "")
        return number, unit if isinstance(value, str) else ""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`, write as numbers."""
        written = core_schema.plain_serializer_function_ser_schema(lambda price: price.plain)
        return core_schema.with_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        one = quantity_schema(self.unit)
        by = {
            "type": "object",
            "description": "a price for each period of the day, month of the year (1 to 12) or dated month (2026-03); "
            "or a column of a CSV file",
            "additionalProperties": {"type": ["string", "number"]},
        }
        return {"anyOf": [one, by]}


def _form(key: str) -> Form:
    if key.isdigit() and 1 <= int(key) <= 12:
        return "months"
    return "dated" if _MONTH.fullmatch(key) else "periods"


def no_price(where: str, months: Sequence[str]) -> InputError:
    """Return the error of billing months without a price."""
    return InputError([Problem(where, f"no price for {', '.join(months)}", "a price for every month of the horizon")])
