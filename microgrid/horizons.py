"""The horizon of a scenario file: a start, and days, an end or several spans of steps, on the site's own clock."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import pandas as pd
from pydantic import Field, model_validator

from microgrid.errors import Problem
from microgrid.faults import Fault, Keys, RefusedError, refuse, shown
from microgrid.fields import Part, Quantity
from microgrid.timeline import Timeline

Length = Annotated[float, Quantity("h", above=0.0)]
_YEARS = (1900, 2200)
_MOST_DAYS = 36_525
_MOST_STEPS = 5_000_000
_EXAMPLES = "such as 2026-07-15 or 2026-07-15T06:00"


class Span(Part):
    """Some days or hours of equal steps."""

    days: int | None = Field(default=None, ge=1, le=_MOST_DAYS, description="Number of local calendar days.")
    length: Length | None = Field(default=None, description="Length, such as 36 h.")
    step: Length = Field(description="Length of a step, such as 15 min.")

    @model_validator(mode="after")
    def _has_one_length(self) -> Span:
        if (self.days is None) == (self.length is None):
            raise refuse("days and length" if self.days else "neither days nor length", "one of days and length")
        return self


class Horizon(Part):
    """The time that is planned: a start, and days, an end or several spans of steps."""

    start: str = Field(description="Local time, or a time with its offset: 2026-07-15 or 2026-07-15T06:00.")
    end: str | None = Field(default=None, description="End, local or with offset; the day it names is not included.")
    days: int | None = Field(default=None, ge=1, le=_MOST_DAYS, description="Number of local calendar days.")
    step: Length | None = Field(default=None, description="Length of a step, such as 15 min.")
    spans: list[Span] | None = Field(
        default=None, min_length=1, description="Several spans of steps, one after the other."
    )

    @model_validator(mode="after")
    def _has_one_length(self) -> Horizon:
        given = [name for name in ("end", "days", "spans") if getattr(self, name) is not None]
        if len(given) != 1:
            raise refuse(" and ".join(given) or "no length", "one of end, days and spans", "such as days: 1")
        if (self.step is None) != (self.spans is not None):
            raise refuse("step" if self.step else "no step", "a step with end or days, as spans have their own")
        return self

    def timeline(self, zone: str) -> Timeline:
        """Return the horizon's steps in the site's zone.

        Raises
        ------
        RefusedError
            If start or end is no time, or the steps do not fill the horizon.
        """
        start, wall = _moment(self.start, zone, ("start",))
        if self.spans is None:
            end = _days_later(wall, self.days or 0, zone) if self.end is None else _moment(self.end, zone, ("end",))[0]
            if end <= start:
                path, found = (("end",), shown(self.end)) if self.end is not None else (("days",), str(self.days))
                raise RefusedError([Fault(path, found, f"an end after the start, {self.start}")])
            return Timeline.spans([(start, end, _step(self.step or 0.0, end - start, ("step",)))])
        spans, at = [], start
        faults: list[Fault | Problem] = []
        for position, span in enumerate(self.spans):
            if span.days:
                end, wall = _days_later(wall, span.days, zone), wall + pd.Timedelta(days=span.days)
            else:
                end = at + pd.Timedelta(hours=span.length or 0.0)
                wall = end.tz_localize(None)
            try:
                spans.append((at, end, _step(span.step, end - at, ("spans", position, "step"))))
            except RefusedError as error:
                faults += error.faults
            at = end
        if faults:
            raise RefusedError(faults)
        return Timeline.spans(spans)


def _moment(text: str, zone: str, path: Keys) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Read a time; return it, and what the local clock shows.

    A date alone is the first moment of that day, though the clock may skip its midnight.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise RefusedError([Fault(path, shown(text), "an ISO date or time", _EXAMPLES)]) from error
    if not _YEARS[0] <= time.year < _YEARS[1]:
        raise RefusedError([Fault(path, shown(text), f"a year from {_YEARS[0]} to {_YEARS[1] - 1}")])
    moment = pd.Timestamp(time)
    if moment.tz is not None:
        local = moment.tz_convert(zone)
        return local, local.tz_localize(None)
    first = moment.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    second = moment.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    if _is_date(text):
        return first, moment
    if first.tz_localize(None) != moment:
        cure = f"the clocks go forward over it; write {first.isoformat(timespec='minutes')}"
        raise RefusedError([Fault(path, shown(text), f"a time that exists in {zone}", cure)])
    if first != second:
        cure = f"write {first.isoformat(timespec='minutes')} or {second.isoformat(timespec='minutes')}"
        raise RefusedError([Fault(path, shown(text), f"a time that comes once in {zone}", cure)])
    return first, moment


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def _days_later(wall: pd.Timestamp, days: int, zone: str) -> pd.Timestamp:
    """Return the same time on the local clock, days later; the next that exists where the clock skips it."""
    return (wall + pd.Timedelta(days=days)).tz_localize(zone, ambiguous=True, nonexistent="shift_forward")


def _step(hours: float, length: pd.Timedelta, path: Keys) -> pd.Timedelta:
    """Return a step that divides a length of time."""
    seconds = hours * 3600
    whole = round(seconds)
    if whole < 1 or abs(seconds - whole) > 1e-6 * seconds:
        raise RefusedError([Fault(path, f"{seconds:g} s", "a step of whole seconds", "such as 15 min")])
    step = pd.Timedelta(seconds=whole)
    if length % step != pd.Timedelta(0):
        wanted = f"a step that divides the horizon of {length / pd.Timedelta(hours=1):g} h"
        raise RefusedError([Fault(path, _told(whole), wanted, "such as 15 min or 1 h")])
    if length // step > _MOST_STEPS:
        wanted = f"at most {_MOST_STEPS:,} steps in a horizon"
        raise RefusedError([Fault(path, f"{length // step:,} steps", wanted, "take longer steps or fewer days")])
    return step


def _told(seconds: int) -> str:
    return f"{seconds / 60:g} min" if seconds % 60 == 0 and seconds < 7200 else f"{seconds / 3600:g} h"
