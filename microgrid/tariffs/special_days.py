"""Special days: holidays by country and by own lists, worked weekends, hot days; dates and moments as written."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from microgrid.faults import did_you_mean, refuse, shown
from microgrid.fields import Along, Part, Quantity
from microgrid.series import Series
from microgrid.timeline import Timeline


def read_date(text: Any) -> date:
    """Return an ISO date.

    Raises
    ------
    PydanticCustomError
        If it is none.
    """
    try:
        return date.fromisoformat(text) if isinstance(text, str) else _not_a_date(text)
    except ValueError:
        return _not_a_date(text)


def _not_a_date(value: Any) -> date:
    if isinstance(value, date):
        return value
    raise refuse(shown(value), "a date such as 2026-07-01")


_DATE_SCHEMA = {"type": "string", "description": "a date such as 2026-07-01"}
Date = Annotated[date, PlainValidator(read_date), PlainSerializer(str), WithJsonSchema(_DATE_SCHEMA)]


def read_moment(value: Any) -> datetime:
    """Return an ISO moment; it must tell its offset, for a local time alone may come twice.

    Raises
    ------
    PydanticCustomError
        If it is none, or tells no offset.
    """
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise refuse(shown(value), "a moment with its offset, such as 2026-02-01T00:00+08:00")
    return moment


_MOMENT_SCHEMA = {"type": "string", "description": "a moment with its offset, such as 2026-02-01T00:00+08:00"}
Moment = Annotated[
    datetime, PlainValidator(read_moment), PlainSerializer(datetime.isoformat), WithJsonSchema(_MOMENT_SCHEMA)
]


class Holidays(Part):
    """Public holidays, from the package `holidays` by country, with own dates that add, take away or replace."""

    country: str = Field(default="", description="ISO 3166 code of the country, such as CN.")
    subdivision: str = Field(default="", description="Code of the province or state, such as SN for Saxony in DE.")
    dates: list[Date] | None = Field(default=None, description="The holidays, in place of the package's list.")
    add: list[Date] = Field(default=[], description="Further days that count as holidays.")
    remove: list[Date] = Field(default=[], description="Days of the list that do not.")
    worked: list[Date] = Field(
        default=[], description="Weekend days that are worked, as China moves them: they count as a Monday."
    )

    @model_validator(mode="after")
    def _is_known(self) -> Holidays:
        if self.country:
            known = _countries()
            if self.country not in known:
                raise refuse(shown(self.country), "a country that the package holidays knows, such as CN")
            if self.subdivision and self.subdivision not in known[self.country]:
                wanted = f"a subdivision of {self.country}: {', '.join(known[self.country]) or 'it has none'}"
                raise refuse(shown(self.subdivision), wanted, did_you_mean(self.subdivision, known[self.country]))
        elif self.subdivision:
            raise refuse(f"subdivision {self.subdivision} without country", "a country too")
        return self

    @property
    def are_told(self) -> bool:
        """Whether it is said which days are holidays, be it none."""
        return bool(self.country) or self.dates is not None or bool(self.add)

    def are_known_of(self, year: int) -> bool:
        """Tell whether some day of a year is listed: there is no year without holidays, where there are any."""
        listed = {*(self.dates or ()), *self.add}
        if not self.country and not listed:
            return True
        of_package = self.dates is None and bool(_holidays(self.country, self.subdivision, year))
        return of_package or any(day.year == year for day in listed)

    def of_year(self, year: int) -> frozenset[date]:
        """Return the holidays of a year."""
        listed = self.dates if self.dates is not None else _holidays(self.country, self.subdivision, year)
        return frozenset({*listed, *self.add} - {*self.remove, *self.worked})


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    import holidays

    return holidays.list_supported_countries()


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    if not country:
        return frozenset()
    import holidays

    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


class HotDays(Part):
    """Days that heat makes special: a list, or those on which a temperature reaches a threshold."""

    dates: list[Date] | None = Field(
        default=None,
        description="Hot days, as told; [] says that there are none. Without dates and temperature, none are known.",
    )
    temperature: Annotated[Series, Along("degC")] | None = Field(
        default=None, description="Temperature; a day is hot if its highest value on the horizon reaches `at_least`."
    )
    at_least: Annotated[float, Quantity("degC")] | None = Field(default=None, description="Threshold, such as 35 degC.")

    @model_validator(mode="after")
    def _fits_together(self) -> HotDays:
        if (self.temperature is None) != (self.at_least is None):
            raise refuse("temperature without at_least, or the other way round", "both or neither")
        return self

    @property
    def are_told(self) -> bool:
        """Whether it is said which days are hot, be it none."""
        return self.dates is not None or self.temperature is not None

    def on(self, timeline: Timeline) -> frozenset[date]:
        """Return the hot days of a horizon."""
        if self.temperature is None or self.at_least is None:
            return frozenset(self.dates or ())
        degrees = pd.Series(self.temperature.on(timeline, "temperature"), index=timeline.index.date)
        highest = degrees.groupby(level=0).max()
        return frozenset(self.dates or ()) | frozenset(highest.index[highest >= self.at_least])
