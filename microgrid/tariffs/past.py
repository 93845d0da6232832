"""What a bill must know of the time before the horizon: peaks and energy of the month, peaks of months before.

`bills.carried.carried` writes it from what a meter read; a scenario's `past` writes it by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic_core import CoreSchema, core_schema

from microgrid.faults import Fault, RefusedError, refuse, shown
from microgrid.fields import Energy, Hours, Part
from microgrid.reading import Range, read_number, reading_of, sample_of
from microgrid.series_fields import quantity_schema
from microgrid.tariffs.special_days import Moment

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
# Earlier months' peaks that name no component: those of the one that looks back.
UNNAMED = ""


@dataclass(frozen=True)
class AmountsIn:
    """Marks a field that holds quantities of one unit by name: ``Annotated[dict[str, float], AmountsIn("kW")]``."""

    unit: str
    low: float | None = None

    def expected(self, currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        return f"quantities by name, such as {sample_of(self.unit, currency)}", ""

    def read(self, value: Any, info: ValidationInfo) -> dict[str, float]:
        """Return the numbers by name."""
        if not isinstance(value, Mapping):
            raise refuse(shown(value), f"quantities by name, such as {sample_of(self.unit)}")
        numbers, faults = self.numbers(value, info)
        if faults:
            raise RefusedError(faults).for_pydantic
        return numbers

    def numbers(self, value: Mapping[Any, Any], info: ValidationInfo) -> tuple[dict[str, float], list[Fault]]:
        """Return the numbers by name, and what is wrong with others."""
        numbers, faults, limits = {}, list[Fault](), Range(self.unit, self.low)
        for key, written in value.items():
            try:
                number, _ = read_number(written, (self.unit,), reading_of(info))
                if not limits.holds(number):
                    raise limits.refusal(number, shown(written), "")
                numbers[str(key)] = number
            except RefusedError as error:
                faults += [fault.under((key,)) for fault in error.faults if isinstance(fault, Fault)]
        return numbers, faults

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`."""
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        return {"type": "object", "additionalProperties": quantity_schema(self.unit)}


@dataclass(frozen=True)
class PeaksByMonth(AmountsIn):
    """Marks a field that holds peaks of months by component, or of months alone: these stand under an empty name."""

    def expected(self, _currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        return f"peaks in {self.unit} by component and month, such as {{demand: {{2025-12: 480 kW}}}}", ""

    def read(self, value: Any, info: ValidationInfo) -> dict[str, Any]:
        """Return the numbers by component and month."""
        if not isinstance(value, Mapping):
            raise refuse(shown(value), *self.expected(""))
        nested = [isinstance(part, Mapping) for part in value.values()]
        if any(nested) and not all(nested):
            raise refuse(shown(dict(value)), "peaks by month, or by component and month, not both")
        named = dict(value) if any(nested) else {UNNAMED: value} if value else {}
        found, faults = dict[str, Any](), list[Fault]()
        for name, peaks in named.items():
            path = (name,) if name != UNNAMED or any(nested) else ()
            faults += [
                Fault((*path, month), shown(month), "a month such as 2025-12, its number from 01 to 12")
                for month in peaks
                if not MONTH.fullmatch(str(month))
            ]
            found[str(name)], inner = self.numbers(peaks, info)
            faults += [fault.under(path) for fault in inner]
        if faults:
            raise RefusedError(faults).for_pydantic
        return found

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        inner = {"type": "object", "additionalProperties": quantity_schema(self.unit)}
        return {"type": "object", "additionalProperties": {"anyOf": [inner, quantity_schema(self.unit)]}}


class OpenWindow(Part):
    """What was imported in a metering window that is not over yet."""

    energy: Energy = Field(description="Energy imported in it so far.")
    hours: Hours = Field(description="How long it has lasted.")


class Past(Part):
    """What was measured before the horizon: what a window, or a bill, inherits from the one before.

    All but `months` is of the billing month in which the horizon begins.
    """

    until: Moment | None = Field(
        default=None,
        description="Moment up to which it tells, where the horizon must begin; bills and plans write it. Without it, "
        "what is told is of the month in which the horizon begins.",
    )
    peaks: Annotated[dict[str, float], AmountsIn("kW", low=0.0)] = Field(
        default={},
        description="Highest mean import of the first month so far, by demand component; by `component period` or "
        "`component event` where it has several.",
    )
    energy: Energy | None = Field(
        default=None, description="Energy imported in the first month so far; counts for tiers and rebates."
    )
    energy_since: Moment | None = Field(
        default=None,
        description="From when on that energy is known, for rebates; by default from the first of the month.",
    )
    months: Annotated[dict[str, dict[str, float]], PeaksByMonth("kW", low=0.0)] = Field(
        default={},
        description="Measured peaks of earlier months by demand component, such as {demand: {2025-12: 480 kW}}, or "
        "{2025-12: 480 kW} where one component alone has a ratchet; count for ratchets.",
    )
    netted: Annotated[dict[str, float], AmountsIn("kWh")] = Field(
        default={}, description="Imports less exports so far within the time of net metering, by period."
    )
    charged: Annotated[dict[str, float], AmountsIn("kW", low=0.0)] = Field(
        default={},
        description="Peaks of events that go on over a month's end, by `component event`, as bills of earlier months "
        "have charged them: only what exceeds them is charged anew.",
    )
    open_windows: dict[str, OpenWindow] = Field(
        default={}, description="By component, the metering window that is not over where the horizon begins."
    )

    def __hash__(self) -> int:
        """Hash what dictionaries hold, which Python cannot of itself."""
        held = (self.peaks, self.netted, self.charged, self.open_windows)
        months = tuple((name, *sorted(peaks.items())) for name, peaks in sorted(self.months.items()))
        return hash((self.until, self.energy, months, *(tuple(sorted(each, key=str)) for each in held)))

    @model_validator(mode="after")
    def _knows_energy(self) -> Past:
        if self.energy_since is not None and self.energy is None:
            raise refuse("energy_since without energy", "an energy too")
        return self

    def earlier(self, component: str) -> dict[str, float]:
        """Return the peaks of earlier months that a demand component looks back at."""
        return self.months.get(UNNAMED, {}) | self.months.get(component, {})
