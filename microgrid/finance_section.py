"""The sections of a scenario file about money over the years: rates, taxes, grants, what a plan is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator, model_validator

from microgrid.accounts import COST_COLUMNS
from microgrid.faults import Fault, RefusedError, did_you_mean, refuse, shown
from microgrid.fields import Money, Part, Quantity, Share
from microgrid.finance import Method, real_rate
from microgrid.reading import Range, read_number, reading_of
from microgrid.series_fields import quantity_schema

Rate = Annotated[float, Quantity("1", low=-0.5, high=1.0)]
_MOST_YEARS = 100
_REPLACEMENT = "replacement"
_GROWING = (*(column for column in COST_COLUMNS if column not in ("cost", "capital")), _REPLACEMENT)


def _read_growth(value: Any, info: ValidationInfo) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise refuse(shown(value), "a mapping of costs to their growth per year", "such as {energy: 2 %}")
    growth, faults, reading = {}, [], reading_of(info)
    for key, rate in value.items():
        if key not in _GROWING:
            cure = did_you_mean(str(key), _GROWING)
            faults.append(Fault((key,), "unknown key", f"one of {', '.join(_GROWING)}", cure))
            continue
        limits = Range("1", -0.5, 1.0)
        try:
            growth[key], _ = read_number(rate, ("1",), reading)
            if not limits.holds(growth[key]):
                raise limits.refusal(growth[key], shown(rate), "")
        except RefusedError as error:
            faults += [fault.under((key,)) for fault in error.faults if isinstance(fault, Fault)]
    if faults:
        raise RefusedError(faults).for_pydantic
    return growth


_GROWTH = {
    "type": "object",
    "properties": {key: quantity_schema("1") for key in _GROWING},
    "additionalProperties": False,
}


def _whole_years(years: float) -> float:
    if abs(years - round(years)) > 1e-9 or not 1 <= round(years) <= _MOST_YEARS:
        raise refuse(f"{years:g} years", f"whole years from 1 to {_MOST_YEARS}")
    return float(round(years))


class Tax(Part):
    """Tax on profits, which investments lower as they are depreciated."""

    rate: Share = Field(description="Tax on each unit of profit.")
    depreciation: Method = Field(
        default="straight_line",
        description="How investments count as costs: in equal parts, or twice the share of what is left and equal "
        "parts once these are more.",
    )
    depreciation_life: Annotated[float, Quantity("a", above=0.0)] = Field(
        default=10.0, description="Whole years over which an investment is depreciated."
    )
    losses: Literal["offset", "carried_forward"] = Field(
        default="offset", description="Whether a loss lowers the company's other taxes at once, or later taxes here."
    )

    @field_validator("depreciation_life")
    @classmethod
    def _is_whole(cls, years: float) -> float:
        return _whole_years(years)


class Incentive(Part):
    """Money that somebody pays for the project, whatever its sizes; a share of an investment is a capacity's grant."""

    amount: Money = Field(description="What is paid each time.")
    year: int = Field(default=1, ge=0, le=_MOST_YEARS, description="Year of the first payment; 0 is the start.")
    years: int = Field(default=1, ge=1, le=_MOST_YEARS, description="Number of yearly payments.")
    taxed: bool = Field(default=True, description="Whether it counts as profit.")


class Finance(Part):
    """Money over time."""

    discount_rate: Rate = Field(default=0.06, description="Interest per year for annuities and present values.")
    discounting: Literal["real", "nominal"] = Field(
        default="real", description="Whether the rate is one above inflation, or holds it; money is told accordingly."
    )
    inflation: Rate = Field(default=0.0, description="Yearly growth of all prices.")
    project_life: Annotated[float, Quantity("a", above=0.0)] = Field(
        default=20.0, description="Whole years that an investment is judged over."
    )
    first_year: Annotated[int, Field(ge=1900, le=2300)] | None = Field(
        default=None,
        description="Calendar year of the investment, where the horizon's is another: its rules of policies hold.",
    )
    growth: Annotated[dict[str, float], PlainValidator(_read_growth), WithJsonSchema(_GROWTH)] = Field(
        default={}, description="Yearly growth of costs above inflation, by cost column, and of replacements."
    )
    residual_value: Literal["straight_line", "none"] = Field(
        default="straight_line",
        description="What an investment is worth at the project's end, of the life it has left.",
    )
    tax: Tax | None = Field(default=None, description="Tax on profits.")
    incentives: dict[str, Incentive] = Field(default={}, description="Payments by others, by name.")
    carbon_is_paid: bool = Field(
        default=True, description="Whether the carbon price is paid, rather than one that only decides."
    )

    @field_validator("project_life")
    @classmethod
    def _is_whole(cls, years: float) -> float:
        return _whole_years(years)

    @model_validator(mode="after")
    def _pays_within_the_project(self) -> Self:
        faults = [
            Fault(
                ("incentives", name),
                f"a payment {each.year + each.years - 1} years after the start, in a project of {self.years} years",
                "payments within finance.project_life",
            )
            for name, each in self.incentives.items()
            if each.year + each.years - 1 > self.years
        ]
        if faults:
            raise RefusedError(faults).for_pydantic
        return self

    @property
    def years(self) -> int:
        """Years of the project."""
        return round(self.project_life)

    @property
    def real_rate(self) -> float:
        """The discount rate above inflation."""
        return real_rate(self.discount_rate, self.inflation) if self.discounting == "nominal" else self.discount_rate

    @property
    def nominal_rate(self) -> float:
        """The discount rate with inflation in it."""
        return (1 + self.real_rate) * (1 + self.inflation) - 1


class Reference(Part):
    """What an investment is compared with: another scenario, or this one with some of its assets left out."""

    file: str = Field(default="", description="Another scenario file.")
    without: list[str] = Field(default=[], description="Assets of this scenario that are not there.")
    name: str = Field(default="", description="What it is called in reports.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.file) == bool(self.without):
            found = "file and without" if self.file else "neither file nor without"
            raise refuse(found, "one of file and without", "such as without: [roof, battery]")
        return self

    @property
    def told(self) -> str:
        """The name, or what it is."""
        return self.name or (self.file if self.file else f"without {', '.join(self.without)}")
