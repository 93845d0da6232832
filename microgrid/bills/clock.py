"""Which period each interval of a meter lies in, walked minute by minute on the local clock."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from microgrid.bills.readings import Array, Readings
from microgrid.tariffs.calendars import ALL_DAY, Days
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline


def parts_of_periods(tariff: Tariff, readings: Readings) -> dict[str, Array]:
    """Return by period the share of each interval that lies in it."""
    clock = tariff.time_of_use
    if clock is None:
        return {ALL_DAY: np.ones(len(readings.hours))}
    hot = clock.hot_days.on(Timeline(readings.times, readings.hours, readings.counts))
    kinds: dict[date, Days] = {}
    known: dict[tuple[int, int, float], dict[str, float]] = {}
    parts = {period: np.zeros(len(readings.hours)) for period in clock.periods}
    steady = _steady(readings)
    for at, (start, hours) in enumerate(zip(readings.times.to_pydatetime(), readings.hours.tolist(), strict=True)):
        day = start.date()
        if day not in kinds:
            kinds[day] = clock.day_of(day, hot)
        key = (id(kinds[day]), 60 * start.hour + start.minute, hours)
        found = known.get(key) if steady[at] else None
        if found is None:
            found = _walked(tariff, start, hours, kinds, hot)
        if steady[at]:
            known[key] = found
        for period, share in found.items():
            parts[period][at] = share
    return parts


def _steady(readings: Readings) -> list[bool]:
    """Tell of each interval whether it lies within one day on a clock that does not change, from a full minute on."""
    starts = readings.times
    ends = starts + pd.to_timedelta(readings.hours, unit="h")
    walls = [times.tz_localize(None) for times in (starts, ends)]
    ahead = [
        wall - times.tz_convert("UTC").tz_localize(None) for wall, times in zip(walls, (starts, ends), strict=True)
    ]
    same_day = walls[0].normalize() == (walls[1] - pd.Timedelta(1, "ns")).normalize()
    whole = (walls[0] == walls[0].floor("min")) & same_day & (ahead[0] == ahead[1])
    return [bool(each) for each in whole]


def _walked(
    tariff: Tariff, start: object, hours: float, kinds: dict[date, Days], hot: frozenset[date]
) -> dict[str, float]:
    """Walk through an interval from edge to edge of the clock, and to every full hour, at which clocks may change."""
    assert tariff.time_of_use is not None
    here, end = pd.Timestamp(start), pd.Timestamp(start) + pd.Timedelta(hours=hours)  # type: ignore[arg-type]
    found: dict[str, float] = {}
    while here < end:
        day = here.date()
        if day not in kinds:
            kinds[day] = tariff.time_of_use.day_of(day, hot)
        seconds = 3600 * here.hour + 60 * here.minute + here.second + here.microsecond / 1e6
        stretch = next(s for s in kinds[day].clock if 60 * s.start <= seconds < 60 * s.end)
        left = min(60 * stretch.end - seconds, 3600 - seconds % 3600)
        step = min(pd.Timedelta(seconds=left), end - here)
        found[stretch.period] = found.get(stretch.period, 0.0) + step / pd.Timedelta(hours=hours)
        here += step
    return {period: 1.0 if abs(share - 1) < 1e-9 else share for period, share in found.items()}
