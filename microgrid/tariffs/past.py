"""What a bill must know of the time before the horizon: peaks and energy of the month, peaks of months before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic_core import CoreSchema, core_schema

from microgrid.faults import Fault, RefusedError, refuse, shown
from microgrid.fields import Energy, Part
from microgrid.reading import Range, read_number, reading_of, sample_of
from microgrid.series_fields import quantity_schema


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
        numbers, faults, limits = {}, list[Fault](), Range(self.unit, self.low)
        for key, written in value.items():
            try:
                number, _ = read_number(written, (self.unit,), reading_of(info))
                if not limits.holds(number):
                    raise limits.refusal(number, shown(written), "")
                numbers[str(key)] = number
            except RefusedError as error:
                faults += [fault.under((key,)) for fault in error.faults if isinstance(fault, Fault)]
        if faults:
            raise RefusedError(faults).for_pydantic
        return numbers

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`."""
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors."""
        return {"type": "object", "additionalProperties": quantity_schema(self.unit)}


class Past(Part):
    """What was measured before the horizon: what a window inherits from the one before."""

    peaks: Annotated[dict[str, float], AmountsIn("kW", low=0.0)] = Field(
        default={},
        description="Highest mean import of the first month so far, by demand component; by `component period` or "
        "`component event` where it has several.",
    )
    energy: Energy | None = Field(
        default=None, description="Energy imported in the first month so far; counts for tiers and rebates."
    )
    months: Annotated[dict[str, float], AmountsIn("kW", low=0.0)] = Field(
        default={}, description="Measured peaks of earlier months, such as {2025-12: 480 kW}; count for ratchets."
    )
    netted: Annotated[dict[str, float], AmountsIn("kWh")] = Field(
        default={}, description="Imports less exports so far within the time of net metering, by period."
    )

    def __hash__(self) -> int:
        """Hash what dictionaries hold, which Python cannot of itself."""
        held = (self.peaks, self.months, self.netted)
        return hash((self.energy, *(tuple(sorted(each.items())) for each in held)))

    @field_validator("months")
    @classmethod
    def _are_months(cls, months: dict[str, float]) -> dict[str, float]:
        for month in months:
            if len(month) != 7 or month[4] != "-" or not (month[:4] + month[5:]).isdigit():
                raise refuse(shown(month), "a month such as 2025-12")
        return months
