"""Forecasts that need nothing but the past: the same time yesterday, or on the same day last week.

Both go by the local clock: what happened at 8:00 is foreseen for 8:00, whatever the clock did in between.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.timeline import Timeline

Array = NDArray[np.float64]
Places = NDArray[np.int64]
SUNDAY = 6


def persistence(timeline: Timeline, now: int) -> Places:
    """Return for each step from `now` on the step of the same time on the last day that is known, or -1.

    Parameters
    ----------
    timeline
        Past and future, in ascending order.
    now
        The first step that is not known yet.
    """
    return _at(timeline, _wall(timeline)[now:] - _days(_days_ahead(timeline, now) + 1), now)


def last_week(timeline: Timeline, now: int, holidays: Collection[date] = ()) -> Places:
    """Return for each step from `now` on the step of the same time and weekday that was known last, or -1.

    A holiday is foreseen as the last Sunday; a working day is not foreseen as a holiday, but as the same day of the
    week before that.

    Parameters
    ----------
    timeline, now
        As for `persistence`.
    holidays
        Local dates on which the plant rests.
    """
    wall = _wall(timeline)
    ahead = wall[now:]
    weeks = _days_ahead(timeline, now) // 7 + 1
    days = 7 * weeks
    off = np.array([time.date() in holidays for time in ahead], dtype=bool)
    back = (ahead.day_of_week.to_numpy() - SUNDAY) % 7
    days = np.where(off, np.where(back == 0, 7, back) + 7 * np.maximum(weeks - 1, 0), days)
    for _ in range(4):
        is_rest = np.array([time.date() in holidays for time in ahead - _days(days)], dtype=bool)
        days = np.where(~off & is_rest, days + 7, days)
    return _at(timeline, ahead - _days(days), now)


def foreseen(values: Array, places: Places, now: int) -> Array:
    """Return a series with what lies ahead put in place of what is not known; steps without a place stay as they are.

    Parameters
    ----------
    values
        The series, past and future.
    places
        For each step from `now` on, the step whose value it takes, or -1.
    """
    ahead = np.where(places >= 0, values[np.maximum(places, 0)], values[now:])
    return np.concatenate([values[:now], ahead])


def holidays_of(country: str, years: Collection[int], subdivision: str | None = None) -> frozenset[date]:
    """Return the public holidays of a country, by the package `holidays`."""
    import holidays

    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=sorted(years)))


def _wall(timeline: Timeline) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(timeline.index.tz_localize(None))


def _days_ahead(timeline: Timeline, now: int) -> NDArray[np.int64]:
    """Return how many whole days after `now` each step from there on lies, by the local clock."""
    ahead = _wall(timeline)[now:]
    return np.asarray(np.maximum((ahead - ahead[0]) // pd.Timedelta(days=1), 0), dtype=np.int64)


def _days(days: NDArray[np.int64]) -> pd.TimedeltaIndex:
    return pd.to_timedelta(days, unit="D")


def _at(timeline: Timeline, times: pd.DatetimeIndex, now: int) -> Places:
    """Return the known step at or before each local time, -1 where there is none within an hour and a half."""
    known = _wall(timeline)[:now]
    if not len(known):
        return np.full(len(times), -1, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    places = order[np.maximum(np.searchsorted(known.to_numpy()[order], times.to_numpy(), side="right") - 1, 0)]
    gap = times - known[places]
    is_near = (gap >= pd.Timedelta(0)) & (gap < pd.Timedelta(minutes=90))
    return np.where(is_near, places, -1).astype(np.int64)
