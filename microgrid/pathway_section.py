"""The section `pathway` of a scenario file: in which years is built, what is different then, what stands before."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from microgrid.carbon_fields import Carbon
from microgrid.faults import Fault, RefusedError, refuse, shown
from microgrid.fields import Part, Quantity
from microgrid.year_tables import YearTable

_LAST_YEAR = 2300


class Stood(Part):
    """What of a capacity stands already when the first stage begins: it may be kept or given up."""

    amount: str | int | float = Field(description="How much stands, in the unit of the capacity.")
    remaining_life: Annotated[float, Quantity("a", above=0.0, high=1000.0)] = Field(
        description="Years that it still serves."
    )


class Pathway(Part):
    """Stages of an investment: years in which may be built, and what is different from each of them on."""

    stages: list[int] = Field(min_length=1, description="Calendar years in which stages begin, in their order.")
    fields: dict[str, list[Any]] = Field(
        default={}, description="Fields by path, each with one value for each stage, as the file would say it."
    )
    by_year: dict[str, YearTable] = Field(
        default={}, description="Fields by path that change from year to year, within stages too, as tables."
    )
    standing: dict[str, Stood] = Field(
        default={}, description="What stands already, by asset and capacity, such as boiler.capacity."
    )
    budget: Annotated[float, Carbon("kgCO2e", low=0.0, other_units=("kgCO2",))] | None = Field(
        default=None, description="Most that may be emitted over the project's life, all years together."
    )

    @field_validator("stages")
    @classmethod
    def _is_in_order(cls, years: list[int]) -> list[int]:
        for earlier, later in pairwise(years):
            if later <= earlier:
                cure = f"write [{', '.join(str(year) for year in sorted(set(years)))}], and the values in that order"
                raise refuse(f"{later} after {earlier}", "years in ascending order, each once", cure)
        if not 0 < years[0] <= years[-1] <= _LAST_YEAR:
            raise refuse(shown(years), f"calendar years up to {_LAST_YEAR}")
        return years

    @model_validator(mode="after")
    def _has_data_for_each_stage(self) -> Self:
        faults = [
            Fault(("fields", path), _lacking(values, self.stages), f"one value for each of {_listed(self.stages)}")
            for path, values in self.fields.items()
            if len(values) != len(self.stages)
        ]
        if faults:
            raise RefusedError(faults).for_pydantic
        return self


def _lacking(values: list[Any], years: list[int]) -> str:
    count = f"{len(values)} value{'' if len(values) == 1 else 's'} for {len(years)} stage{'s' * (len(years) > 1)}"
    missing = years[len(values) :]
    return f"{count}, none for {_listed(missing)}" if missing else count


def _listed(years: list[int]) -> str:
    return ", ".join(str(year) for year in years)
