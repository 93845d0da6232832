"""How a field is read that holds an emission factor: a quantity, a series, a name, or one with its particulars.

    location_factor: cn/north/2023/average
    location_factor: 0.366 kgCO2/kWh
    location_factor: {factor: 0.366 kgCO2/kWh, family: average, region: de, year: 2020, source: Umweltbundesamt}
    location_factor: {factor: {file: grid.csv, column: intensity}, source: the grid operator's hourly mix}

A field knows which families it may hold; a bare quantity is taken as the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from microgrid.errors import Problem
from microgrid.factors import FAMILIES, STATUS, UNITS, Factor, catalogue, factor_named, gas_of
from microgrid.faults import Fault, RefusedError, did_you_mean, shown
from microgrid.reading import Reading, refusal
from microgrid.series import Series
from microgrid.series_fields import Along

_NAME = re.compile(r"[A-Za-z_]\w*(?:/\w+)+")
_KEYS = ("factor", "family", "region", "year", "source", "status")
_EXAMPLES = {"average": "cn/north/2023/average", "combustion": "cn/natural_gas/combustion", "heat": "cn/heat"}


_UNTOLD = Factor("", "", 0.0, "")


@dataclass(frozen=True, eq=False)
class FactorValues(Series):
    """Emission factors along a horizon, with where they come from.

    Parameters
    ----------
    factor
        The particulars; its `value` is the mean where the numbers change with the step.
    """

    factor: Factor = _UNTOLD

    @property
    def gas(self) -> str:
        """What it counts: ``CO2``, ``CO2e``, or nothing where the caller vouches for it."""
        return gas_of(self.unit)


@dataclass(frozen=True)
class FactorAlong(Along):
    """Marks a field that holds an emission factor.

    Parameters
    ----------
    families
        What it may be; a quantity without a family is taken as the first.
    column
        The column of the carbon ledger that it counts in, or an empty text for one that counts in none.
    """

    families: tuple[str, ...] = ()
    column: str = ""

    def expected(self, currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        wanted, sample = super().expected(currency)
        return f"{wanted}, or a name of the catalogue such as {self._example}", sample

    @property
    def _example(self) -> str:
        return _EXAMPLES.get(self.families[0]) or next(
            (name for name, factor in catalogue().items() if factor.family in self.families), "cn/2023/average"
        )

    def _read(self, value: Any, reading: Reading | None) -> Series:
        if isinstance(value, str) and _NAME.fullmatch(value.strip()):
            return self._named(value.strip(), reading)
        if isinstance(value, Mapping) and "factor" in value:
            return self._described(value, reading)
        if isinstance(value, FactorValues):
            self._fitting(value.factor.family, shown(value.factor.name or value.factor.family))
        series = super()._read(value, reading)
        told = value.factor if isinstance(value, FactorValues) else Factor("", self.families[0], 0.0, "")
        return _with(series, told)

    def _named(self, name: str, reading: Reading | None) -> FactorValues:
        factor = factor_named(name)
        self._fitting(factor.family, name)
        series = super()._read(f"{factor.value!r} {factor.unit}", reading)
        return _with(Series(series.values, factor.unit, name), factor)

    def _described(self, value: Mapping[str, Any], reading: Reading | None) -> FactorValues:
        faults = list(self._particulars(value))
        inner, series = value["factor"], None
        try:
            if isinstance(inner, Mapping) and "factor" in inner:
                raise refusal(shown(inner), "a quantity or a column")
            series = self._read(inner, reading)
        except RefusedError as error:
            faults += [fault.under(("factor",)) if isinstance(fault, Fault) else fault for fault in error.faults]
        if isinstance(series, FactorValues) and series.factor.name:
            cure = "the name alone says where it comes from: write it without the mapping"
            faults.append(Fault(("factor",), shown(inner), "a quantity or a column", cure))
        if faults or series is None:
            raise RefusedError(faults)
        words = {key: value.get(key, "") for key in ("region", "source", "status")}
        told = Factor("", value.get("family", self.families[0]), 0.0, "", year=value.get("year"), **words)
        return _with(series, told)

    def _particulars(self, value: Mapping[str, Any]) -> Iterator[Fault | Problem]:
        """Give what is wrong beside the factor itself."""
        for key, part in value.items():
            if key not in _KEYS:
                yield Fault((key,), "unknown key", f"one of {', '.join(_KEYS)}", did_you_mean(key, _KEYS))
            elif key in ("region", "source", "status") and not isinstance(part, str):
                yield Fault((key,), shown(part), "a text")
        family, year = value.get("family", self.families[0]), value.get("year")
        if family not in self.families:
            wanted = f"one of {', '.join(self.families)}"
            yield Fault(("family",), shown(family), wanted, did_you_mean(str(family), self.families))
        status = value.get("status", "")
        if isinstance(status, str) and status not in ("", *STATUS):
            wanted = "; ".join(f"{key}: {meaning}" for key, meaning in STATUS.items())
            yield Fault(("status",), shown(status), f"one of {wanted}")
        if year is not None and (isinstance(year, bool) or not isinstance(year, int)):
            yield Fault(("year",), shown(year), "a year such as 2023")

    def _fitting(self, family: str, found: str) -> None:
        """Refuse a factor of a family that answers another question."""
        if family and family not in self.families:
            wanted = f"a factor of the family {' or '.join(self.families)} ({FAMILIES[self.families[0]]})"
            cure = "footprint factors stand under footprint.factors" if family == "footprint" else ""
            raise refusal(f"{found} is of the family {family}", wanted, cure)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        plain = super().__get_pydantic_json_schema__(schema, handler)
        name = {"type": "string", "description": f"a name of the catalogue, such as '{self._example}'"}
        mapping = {
            "type": "object",
            "description": "a factor with its particulars",
            "properties": {
                "factor": {"anyOf": plain["anyOf"]},
                "family": {"type": "string", "enum": list(self.families)},
                "region": {"type": "string"},
                "year": {"type": "integer"},
                "source": {"type": "string"},
                "status": {"type": "string"},
            },
            "required": ["factor"],
            "additionalProperties": False,
        }
        return {"anyOf": [*plain["anyOf"], name, mapping]}


def _with(series: Series, told: Factor) -> FactorValues:
    """Return a series as factors; the value told of is their mean."""
    mean = float(np.mean(series.values)) if series.values.size else 0.0
    return FactorValues(series.values, series.unit, series.origin, replace(told, value=mean, unit=series.unit))


_PER_KWH, _PER_KG = UNITS[:2], UNITS[2:]


def _field(column: str, *families: str, units: tuple[str, ...] = UNITS) -> FactorAlong:
    return FactorAlong(units[0], low=0.0, other_units=units[1:], families=families, column=column)


LocationFactor = Annotated[Series, _field("scope_2_location", "average", units=_PER_KWH)]
_MARKET = ("residual", "average_excluding_traded", "fossil", "average", "supplier")
MarketFactor = Annotated[Series, _field("scope_2_market", *_MARKET, units=_PER_KWH)]
ContractFactor = Annotated[Series, _field("scope_2_market", "supplier", units=_PER_KWH)]
ExportFactor = Annotated[Series, _field("exported", "average", *_MARKET[:3], units=_PER_KWH)]
HeatFactor = Annotated[Series, _field("scope_2_location", "heat", "supplier")]
CombustionFactor = Annotated[Series, _field("scope_1", "combustion")]
BiogenicFactor = Annotated[Series, _field("biogenic", "biogenic")]
ProcessFactor = Annotated[Series, _field("scope_1", "process", units=_PER_KG)]
UpstreamFactor = Annotated[Series, _field("scope_3", "upstream")]
FootprintFactor = Annotated[Series, _field("", "footprint", units=("kgCO2e/kWh", "kgCO2e/kg"))]
