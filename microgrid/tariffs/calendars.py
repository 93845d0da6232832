"""Which day has which hours: seasons, weekdays, holidays, hot days; and the period of every minute of a horizon."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import (
    Field,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from microgrid.faults import Fault, RefusedError, did_you_mean, refuse, shown
from microgrid.fields import Part
from microgrid.tariffs.hours import GRID, MINUTES_A_DAY, Stretch, read_clock
from microgrid.tariffs.special_days import Holidays, HotDays
from microgrid.timeline import Timeline

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALL_DAY = "all day"
_MULTIPLE = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*[x×*]\s*(.+?)\s*")
_DAY = re.compile(r"(\d{2})-(\d{2})")


class Days(Part):
    """Some days of the year, and which of their hours belong to which period."""

    name: str = Field(default="", description="What they are called in messages, such as summer.")
    months: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(
        default=None, min_length=1, description="Months, 1 to 12; all by default."
    )
    first: str | None = Field(default=None, description="First day of a season that cuts months, such as 06-15.")
    last: str | None = Field(default=None, description="Last day of that season, such as 09-14; it is included.")
    weekdays: list[Literal[WEEKDAYS]] | None = Field(  # type: ignore[valid-type]
        default=None, min_length=1, description="Days of the week; all by default."
    )
    on: Literal["holidays", "hot_days"] | None = Field(
        default=None, description="Only holidays, or only hot days: they go before all other days, the first the first."
    )
    hours: dict[str, str | list[str]] = Field(
        min_length=1, description="Hours of each period, such as {peak: [8-11, 18-21], valley: 22-6, flat: rest}."
    )
    _clock: tuple[Stretch, ...] = PrivateAttr(default=())

    @field_validator("first", "last")
    @classmethod
    def _is_a_day(cls, text: str | None) -> str | None:
        match = _DAY.fullmatch(text) if text else None
        if text is not None and (match is None or not _exists(int(match[1]), int(match[2]))):
            raise refuse(shown(text), "a day of the year as month-day, such as 06-15")
        return text

    @field_validator("hours")
    @classmethod
    def _fill_a_day(cls, hours: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        try:
            read_clock(hours)
        except RefusedError as error:
            raise error.for_pydantic from error
        return hours

    @model_validator(mode="after")
    def _fits_together(self) -> Days:
        if (self.first is None) != (self.last is None):
            raise refuse("first without last, or the other way round", "both or neither")
        if self.first is not None and self.months is not None:
            raise refuse("months and first", "one of months, and first with last")
        self._clock = read_clock(self.hours)
        return self

    @property
    def clock(self) -> tuple[Stretch, ...]:
        """The day's stretches in order."""
        return self._clock

    def holds(self, month: int, day: int, weekday: int) -> bool:
        """Tell whether a day of the year, on a day of the week, is one of these."""
        if self.weekdays is not None and WEEKDAYS[weekday] not in self.weekdays:
            return False
        if self.first is None or self.last is None:
            return self.months is None or month in self.months
        text = f"{month:02d}-{day:02d}"
        within = self.first <= text, text <= self.last
        return all(within) if self.first <= self.last else any(within)


def _exists(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2024, month)[1]


def _read_multipliers(value: Any) -> dict[str, float]:
    """Read numbers, and multiples of other periods: ``{critical: 1.25 x peak, peak: 1.7, flat: 1}``."""
    if not isinstance(value, Mapping):
        raise refuse(shown(value), "a mapping of periods to multipliers", "such as {peak: 1.7, flat: 1, valley: 0.38}")
    try:
        return {period: _multiplier(value, period, ()) for period in value}
    except RefusedError as error:
        raise error.for_pydantic from error


def _multiplier(value: Mapping[str, Any], period: str, chain: tuple[str, ...]) -> float:
    written = value[period]
    if isinstance(written, int | float) and not isinstance(written, bool) and np.isfinite(written):
        return float(written)
    match = _MULTIPLE.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        wanted = "a number, or a multiple of another period"
        raise RefusedError([Fault((period,), shown(written), wanted, "such as 1.25 x peak")])
    factor, other = float(match[1]), match[2]
    if other not in value:
        wanted = f"one of {', '.join(value)}"
        raise RefusedError([Fault((period,), f"the period {shown(other)}", wanted, did_you_mean(other, value))])
    if other in (*chain, period):
        circle = " -> ".join((*chain, period, other))
        raise RefusedError([Fault((period,), circle, "multiples that do not go round in a circle")])
    return factor * _multiplier(value, other, (*chain, period))


_MULTIPLIERS = {"type": "object", "additionalProperties": {"type": ["number", "string"]}}


class TimeOfUse(Part):
    """The clock of a tariff: which period each hour of each day belongs to, and the multiplier of each period."""

    multipliers: Annotated[
        dict[str, float], PlainValidator(_read_multipliers), WithJsonSchema(_MULTIPLIERS)
    ] = Field(
        default={}, description="What floating prices are multiplied by in each period: a number, or 1.25 x peak."
    )  # fmt: skip
    days: list[Days] = Field(min_length=1, description="Seasons and kinds of days, each with its hours.")
    holidays: Holidays = Field(default_factory=Holidays, description="Which days are holidays.")
    hot_days: HotDays = Field(default_factory=HotDays, description="Which days are hot.")

    @model_validator(mode="after")
    def _fits_together(self) -> TimeOfUse:
        faults = [*self._unclear_days(), *self._unknown_periods(), *self._untold_days()]
        if faults:
            raise RefusedError(faults).for_pydantic
        return self

    def _unclear_days(self) -> Iterator[Fault]:
        """Give the days of a year that two kinds of days claim, or none."""
        plain = [days for days in self.days if days.on is None]
        claims: dict[tuple[str, ...], list[tuple[int, date]]] = {}
        for weekday in range(7):
            for day in (date(2024, 1, 1) + timedelta(days=count) for count in range(366)):
                names = tuple(self._name(days) for days in plain if days.holds(day.month, day.day, weekday))
                if len(names) != 1:
                    claims.setdefault(names, []).append((weekday, day))
        for names, found in claims.items():
            weekdays = sorted({weekday for weekday, _ in found})
            when = ", ".join(_spans(sorted({day for _, day in found})))
            told = f"{when}{'' if len(weekdays) == 7 else ' on ' + ', '.join(WEEKDAYS[w] for w in weekdays)}"
            wanted = "every day of the year among one kind of days"
            if names:
                yield Fault(("days",), f"{told}, which {' and '.join(names)} claim", wanted, "take them out of one")
            else:
                yield Fault(("days",), f"nothing for {told}", wanted, "add days, or months to those that are there")

    def _name(self, days: Days) -> str:
        return days.name or f"days.{next(at for at, each in enumerate(self.days) if each is days)}"

    def _unknown_periods(self) -> Iterator[Fault]:
        for period in self.multipliers:
            if period not in self.periods:
                wanted = f"one of {', '.join(self.periods)}"
                cure = did_you_mean(period, self.periods)
                # A multiplier may be there for others to build on, but not by a slip of the pen.
                if cure:
                    yield Fault(("multipliers", period), "a period of no hour", wanted, cure)
        if self.multipliers:
            for period in self.periods:
                if period not in self.multipliers:
                    yield Fault(("multipliers", period), "missing", "a multiplier for every period with hours")

    def _untold_days(self) -> Iterator[Fault]:
        """Give kinds of days that never come, as nobody says when they do."""
        for at, days in enumerate(self.days):
            if days.on == "holidays" and not self.holidays.are_told:
                cure = "such as holidays: {country: CN}, or {dates: [2026-01-01]}; {dates: []} where there are none"
                yield Fault(("days", at, "on"), "holidays, of which none are told", "holidays beside days", cure)
            if days.on == "hot_days" and not self.hot_days.are_told:
                cure = "such as hot_days: {dates: [2026-07-20]}, or a temperature; {dates: []} where there are none"
                yield Fault(("days", at, "on"), "hot days, of which none are told", "hot_days beside days", cure)

    def tells_of(self, kind: str) -> bool:
        """Tell whether holidays, or hot days, have hours of their own."""
        return any(days.on == kind for days in self.days)

    @cached_property
    def periods(self) -> tuple[str, ...]:
        """The names of all periods, in the order of the file."""
        return tuple(dict.fromkeys(period for days in self.days for period in days.hours))

    def day_of(self, day: date, hot: frozenset[date]) -> Days:
        """Return the kind of days that a date is one of: special ones first."""
        weekday = 0 if day in self.holidays.worked else day.weekday()
        fitting = [days for days in self.days if days.holds(day.month, day.day, weekday)]
        for days in fitting:
            if (days.on == "holidays" and day in self.holidays.of_year(day.year)) or (
                days.on == "hot_days" and day in hot
            ):
                return days
        return next(days for days in fitting if days.on is None)

    def shares(self, timeline: Timeline) -> dict[str, NDArray[np.float64]]:
        """Return by period the share of each step that lies in it, on the local clock, each of shape (n,)."""
        hot = self.hot_days.on(timeline)
        grid = pd.Timedelta(minutes=GRID)
        # In UTC, for a local time that comes twice cannot be rounded.
        first, last = timeline.index[0].tz_convert("UTC").floor(grid), timeline.end.tz_convert("UTC").ceil(grid)
        slots = pd.date_range(first, last, freq=grid, inclusive="left").tz_convert(timeline.index.tz)
        minutes = (slots.hour * 60 + slots.minute).to_numpy() // GRID
        days, of_day = np.unique(slots.tz_localize(None).normalize(), return_inverse=True)
        tables: dict[int, NDArray[np.int64]] = {}
        rows = np.empty((len(days), MINUTES_A_DAY // GRID), dtype=np.int64)
        for at, day in enumerate(pd.DatetimeIndex(days).date):
            kind = self.day_of(day, hot)
            if id(kind) not in tables:
                tables[id(kind)] = self._table(kind)
            rows[at] = tables[id(kind)]
        period = rows[of_day, minutes]
        offset = (timeline.index - slots[0]) / grid
        starts = np.asarray(offset, dtype=float)
        ends = starts + timeline.hours * 60 / GRID
        edges = np.arange(len(slots) + 1)
        found = {}
        for at, name in enumerate(self.periods):
            summed = np.concatenate([[0.0], np.cumsum(period == at)])
            share = (np.interp(ends, edges, summed) - np.interp(starts, edges, summed)) / (ends - starts)
            found[name] = np.where(np.abs(share - np.round(share)) < 1e-9, np.round(share), share)
        return found

    def _table(self, days: Days) -> NDArray[np.int64]:
        table = np.empty(MINUTES_A_DAY // GRID, dtype=np.int64)
        for start, end, period in days.clock:
            table[start // GRID : end // GRID] = self.periods.index(period)
        return table


def _spans(days: Iterable[date]) -> Iterator[str]:
    """Give days that follow one another as spans of month-day."""
    listed = list(days)
    first = listed[0]
    for day, after in zip(listed, [*listed[1:], None], strict=True):
        if after is None or after - day > timedelta(days=1):
            yield f"{first:%m-%d}" if first == day else f"{first:%m-%d} to {day:%m-%d}"
            first = after or day
