"""Tables by calendar year in a scenario file: what a field is in each year, and what of it a stage is planned with."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from microgrid.faults import Fault, RefusedError, shown
from microgrid.fields import Part
from microgrid.sweeps import number_of

_FOUR = re.compile("[0-9]{4}")
_FIRST, _LAST = 1900, 2300
_YEAR = "a calendar year, such as 2030: 120 EUR/tCO2"
Planned = Literal["mean", "first", "last", "highest", "lowest"]


class YearTable(Part):
    """What a field is in each calendar year."""

    values: dict[str, Any] = Field(
        min_length=1, description="Numbers in one unit by calendar year, each as the file would say it."
    )
    between: Literal["line", "steps"] = Field(
        default="line",
        description="What holds between two years: the straight line between them, or the earlier one, which goes on.",
    )
    planned_with: Planned | None = Field(
        default=None,
        description="What a stage is planned with, of its years: by default the mean, of caps the lowest. The mean of "
        "money is weighted by what money of each year is worth.",
    )

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        faults = [
            Fault(("values", year), shown(year), _YEAR)
            for year in self.values
            if not (_FOUR.fullmatch(year) and _FIRST <= int(year) <= _LAST)
        ]
        numbers = {year: number_of(value) for year, value in self.values.items()}
        wanted = "a number as the file would say it, with its unit where one is due"
        faults += [
            Fault(("values", year), shown(self.values[year]), wanted)
            for year, found in numbers.items()
            if found is None or not math.isfinite(found[0])
        ]
        units = list(dict.fromkeys(found[1] for found in numbers.values() if found is not None))
        if not faults and len(units) > 1:
            told = " and ".join(unit or "no unit" for unit in units)
            faults.append(Fault(("values",), f"numbers in {told}", "numbers in one unit, written alike"))
        if faults:
            raise RefusedError(faults).for_pydantic
        return self

    @property
    def years(self) -> list[int]:
        """The years that it tells, in their order."""
        return sorted(int(year) for year in self.values)

    @property
    def unit(self) -> str:
        """The unit of its numbers as it is written; empty where they have none."""
        return self._number(self.years[0])[1]

    def lacking(self, first: int, last: int) -> list[int]:
        """Return the years, from `first` to `last`, of which it says nothing."""
        told = self.years
        end = told[-1] if self.between == "line" else last
        return [year for year in range(first, last + 1) if not told[0] <= year <= end]

    def at(self, year: int) -> float:
        """Return the number of a year of which it says something."""
        told = self.years
        place = bisect_right(told, year)
        before = told[place - 1]
        here = self._number(before)[0]
        if self.between == "steps" or before == year:
            return here
        after = told[place]
        share = (year - before) / (after - before)
        return here + share * (self._number(after)[0] - here)

    def told(self, year: int) -> Any:
        """Return what the field is in a year, as the file says it or would."""
        return self.values.get(str(year), self.written(self.at(year)))

    def written(self, number: float) -> str | float:
        """Return a number as the file would say it."""
        return f"{number:.15g} {self.unit}" if self.unit else float(f"{number:.15g}")

    def planned(self, years: Sequence[int], weights: Sequence[float], default: Planned = "mean") -> float:
        """Return what a stage is planned with.

        Parameters
        ----------
        years
            Its calendar years.
        weights
            What each of them counts in the mean.
        default
            What is taken of them where the table does not say.
        """
        numbers = [self.at(year) for year in years]
        how = self.planned_with or default
        if how in ("first", "last"):
            return numbers[0 if how == "first" else -1]
        if how in ("highest", "lowest"):
            return (max if how == "highest" else min)(numbers)
        return math.fsum(w * n for w, n in zip(weights, numbers, strict=True)) / math.fsum(weights)

    def _number(self, year: int) -> tuple[float, str]:
        found = number_of(self.values[str(year)])
        assert found is not None  # the table was refused otherwise
        return found
