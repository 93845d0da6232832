"""Weather at the scenario's steps, whatever their length, year and zone."""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.timeline import Timeline
from microgrid.weather import sun
from microgrid.weather.record import (
    COLUMNS,
    COMMON_YEAR,
    RADIATION,
    SECOND,
    Weather,
    clock,
    microseconds,
    stamp,
    utc_offset,
    within_year,
)

_Times = NDArray[np.int64]
_Numbers = NDArray[np.float64]


class Steps(NamedTuple):
    """Starts and ends of n steps [us since 1970 UTC], each shape (n,), ascending and apart."""

    starts: _Times
    ends: _Times


class _Slots(NamedTuple):
    """The data's intervals from before the first step to after the last, in true time."""

    starts: _Times
    length: int
    rows: _Times  # of the weather's frame, -1 where it has none


class _Pieces(NamedTuple):
    """The time of all steps, cut at every edge of a step and of a data interval."""

    begins: _Times
    ends: _Times
    step: _Times
    slot: _Times


def on_timeline(weather: Weather, timeline: Timeline) -> pd.DataFrame:
    """Return the weather at the steps of a timeline, as means over each step.

    Every column is first made a function of time whose mean over each data interval is the datum, then
    averaged exactly over each step. So steps of the data's own length get the data, longer ones their
    time-weighted mean, and splitting a step never changes a mean.

    Within an interval, global and diffuse irradiance follow the sine of the sun's elevation and direct normal
    irradiance is even while the sun is up: the clearness of the sky is held, not the irradiance, and
    ``ghi = dhi + dni sin(elevation)`` stays as true as it was in the data. Without a position, or where the
    data have light after the computed sunset, the value is held. Temperature, wind and pressure are straight
    lines with the slope between the neighbours, limited so that no value passes that of a neighbour (van
    Leer's monotonised central difference [1]_): a steady rise is followed exactly and a peak does not
    overshoot.

    Parameters
    ----------
    weather
        The data. A typical year is matched by month, day and time of the data's own standard time, whatever
        the timeline's year; 29 February takes the 28th. Other data must cover the timeline.
    timeline
        The steps, in any zone.

    Returns
    -------
    pandas.DataFrame
        Index: `timeline.index`. Columns and units as in `Weather.frame`; n rows.

    Raises
    ------
    InputError
        If a step needs a time that the data do not have.

    References
    ----------
    .. [1] B. van Leer, "Towards the ultimate conservative difference scheme III", J. Comput. Phys. 23, 1977,
       pp. 263-275, :doi:`10.1016/0021-9991(77)90094-8`.
    """
    means = step_means(weather, steps_of(timeline), timeline.index.tz)
    return pd.DataFrame(means, index=timeline.index, columns=list(COLUMNS))


def steps_of(timeline: Timeline, longest: float | None = None) -> Steps:
    """Return the steps of a timeline, those longer than `longest` hours cut into equal parts; see `parts_of`."""
    starts = microseconds(timeline.index)
    ends = starts + np.rint(timeline.hours * 3600 * SECOND).astype(np.int64)
    # A third of an hour is no whole number of microseconds: steps that touch shall go on touching.
    touching = np.abs(ends[:-1] - starts[1:]) < SECOND
    ends[:-1] = np.where(touching, starts[1:], ends[:-1])
    if longest is None:
        return Steps(starts, ends)
    count = parts_of(timeline, longest)
    step = np.repeat(np.arange(len(starts)), count)
    part = np.arange(len(step)) - np.repeat(np.cumsum(count) - count, count)
    length, parts = (ends - starts)[step], count[step]
    return Steps(starts[step] + length * part // parts, starts[step] + length * (part + 1) // parts)


def parts_of(timeline: Timeline, longest: float) -> _Times:
    """Return into how many equal parts of at most `longest` hours each step is cut, shape (n,)."""
    return np.maximum(np.ceil(timeline.hours / longest - 1e-9), 1).astype(np.int64)


def mean_of_parts(values: _Numbers, timeline: Timeline, longest: float) -> _Numbers:
    """Return the mean of the parts of each step, from shape (m,) to shape (n,)."""
    count = parts_of(timeline, longest)
    return np.add.reduceat(values, np.cumsum(count) - count) / count


def step_means(weather: Weather, steps: Steps, zone: tzinfo | None) -> dict[str, _Numbers]:
    """Return each column's mean over each step, shape (n,); `zone` is that of the times in messages.

    Raises
    ------
    InputError
        If a step needs a time that the data do not have.
    """
    slots = _slots(weather, steps)
    pieces = _pieces(slots, steps)
    _check_covered(weather, slots, pieces, zone)
    rows = _filled(slots.rows)
    light, sunshine = _radiation_shares(weather, slots, pieces)
    # How much one interval's mean counts in the step's mean, were its value all in this piece.
    lengths = pieces.ends - pieces.begins
    whole = np.bincount(pieces.step, lengths, len(steps.starts))
    weight = slots.length / whole[pieces.step]
    means: dict[str, _Numbers] = {}
    for name in COLUMNS:
        values = weather.frame[name].to_numpy(dtype=float)[rows]
        if name in RADIATION:
            parts = values[pieces.slot] * (sunshine if name == "dni" else light)
        else:
            parts = _on_the_line(values, slots, pieces) * (lengths / slots.length)
        means[name] = np.asarray(np.bincount(pieces.step, parts * weight, len(steps.starts)), dtype=float)
    return means


def _slots(weather: Weather, steps: Steps) -> _Slots:
    index = pd.DatetimeIndex(weather.frame.index)
    first, length = int(microseconds(index[:1])[0]), int(np.diff(microseconds(index[:2]))[0])
    # One more on either side: a slope needs its neighbours, so that a short horizon sees what a long one
    # sees.
    before = (steps.starts[0] - first) // length - 1
    after = -((first - steps.ends[-1]) // length) + 1
    number = np.arange(before, after, dtype=np.int64)
    starts = first + number * length
    if weather.typical_year:
        offset = utc_offset(index)
        origin = within_year(clock(np.array([first + offset])))[0]
        number = (within_year(clock(starts + offset)) - origin) % COMMON_YEAR // length
    inside = (number >= 0) & (number < len(index))
    return _Slots(starts, length, np.where(inside, number, -1))


def _pieces(slots: _Slots, steps: Steps) -> _Pieces:
    cuts = np.unique(np.concatenate([steps.starts, steps.ends, slots.starts]))
    begins, ends = cuts[:-1], cuts[1:]
    step = np.searchsorted(steps.starts, begins, side="right") - 1
    inside = (step >= 0) & (begins < steps.ends[step])
    begins, ends, step = begins[inside], ends[inside], step[inside]
    return _Pieces(begins, ends, step, (begins - slots.starts[0]) // slots.length)


def _check_covered(weather: Weather, slots: _Slots, pieces: _Pieces, zone: tzinfo | None) -> None:
    lacking = pieces.begins[slots.rows[pieces.slot] < 0]
    if not len(lacking):
        return
    index = weather.frame.index
    missing = pd.Timestamp(lacking[0], unit="us", tz="UTC").tz_convert(zone)
    found = f"{stamp(missing)} is missing; the data run from {stamp(index[0])} to {stamp(index[-1] + weather.step)}"
    cure = "choose another horizon or longer data"
    if not weather.typical_year:
        cure += ", or say that they are a typical year"
    raise InputError([Problem("weather", found, "weather for every step of the horizon", cure, weather.path)])


def _filled(rows: _Times) -> _Times:
    """Give slots without data, which no step needs, the row of the slot before, or else of the first with data."""
    last = np.maximum.accumulate(np.where(rows >= 0, np.arange(len(rows)), -1))
    first = int(np.flatnonzero(rows >= 0)[0])
    return rows[np.where(last < 0, first, last)]


def _radiation_shares(weather: Weather, slots: _Slots, pieces: _Pieces) -> tuple[_Numbers, _Numbers]:
    """Return which part of its interval's light and of its sunshine each piece gets, each shape (m,)."""
    time = (pieces.ends - pieces.begins) / slots.length
    if weather.latitude is None or weather.longitude is None or (time == 1).all():
        return time, time
    arc = sun.arc(slots.starts, slots.length, weather.latitude, weather.longitude)
    return arc.shares(pieces.slot, pieces.begins, pieces.ends)


def _on_the_line(values: _Numbers, slots: _Slots, pieces: _Pieces) -> _Numbers:
    """Return the mean over each piece of straight lines through the intervals' means, shape (m,)."""
    change = np.diff(values, prepend=values[0], append=values[-1])
    left, right = change[:-1], change[1:]
    limit = np.minimum(np.minimum(np.abs(left), np.abs(right)) * 2, np.abs(left + right) / 2)
    slope = np.where(left * right > 0, np.sign(left) * limit, 0.0)
    middle = (pieces.begins + pieces.ends) / 2 - slots.starts[pieces.slot] - slots.length / 2
    return values[pieces.slot] + slope[pieces.slot] * (middle / slots.length)
