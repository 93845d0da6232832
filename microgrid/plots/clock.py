"""Time on an axis: steps that hold, and ticks of the local clock that survive the days of 23 and 25 hours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from microgrid.plots.numbers import MONTHS, WEEKDAYS
from microgrid.plots.tracks import Array
from microgrid.plots.view import View


def days_of(times: pd.DatetimeIndex) -> Array:
    """Return times as days since 1970 in universal time, so that no hour is lost when the clocks change."""
    return np.asarray((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1), dtype=float)


def step_edges(view: View) -> Array:
    """Return both edges of every step, as `twice` returns both values."""
    left = days_of(view.times)
    return np.column_stack([left, left + view.hours / 24.0]).ravel()


def point_days(view: View) -> Array:
    """Return the points as days."""
    left = days_of(view.times)
    return np.append(left, left[-1] + view.hours[-1] / 24.0)


def twice(values: Array) -> Array:
    """Return each value at both edges of its step, so that lines and areas hold over the step."""
    return np.repeat(values, 2)


FREQUENCIES = (
    ("1min", 1 / 60), ("5min", 1 / 12), ("15min", 0.25), ("30min", 0.5),
    ("1h", 1.0), ("2h", 2.0), ("3h", 3.0), ("6h", 6.0), ("12h", 12.0),
    ("1D", 24.0), ("W-MON", 168.0), ("MS", 730.0), ("QS", 2190.0), ("YS", 8766.0), ("5YS", 43830.0),
)  # fmt: skip


def time_axis(axes: Axes, start: pd.Timestamp, end: pd.Timestamp, most: int = 9, told: bool = True) -> None:
    """Give an axis the period as limits and ticks at full hours, days, weeks or months of the local clock."""
    span = (end - start) / pd.Timedelta(hours=1)
    frequency = next((name for name, hours in FREQUENCIES if span / hours <= most), FREQUENCIES[-1][0])
    ticks = _ticks(start, end, frequency)
    first, last = days_of(pd.DatetimeIndex([start, end]))
    axes.set_xlim(first, last)
    words = _tick_words(ticks, frequency) if told else [""] * len(ticks)
    if len(ticks) > 2 and ticks[-1] == end and "h" not in frequency and "min" not in frequency:
        words[-1] = ""
    if any("\n" in word for word in words):
        words = [word if "\n" in word else f"{word}\n" for word in words]
    axes.set_xticks(days_of(ticks).tolist(), words)


def _ticks(start: pd.Timestamp, end: pd.Timestamp, frequency: str) -> pd.DatetimeIndex:
    opens, closes = start.tz_localize(None), end.tz_localize(None)
    wall = pd.date_range(opens.floor("D"), closes, freq=frequency)
    local = wall.tz_localize(start.tz, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    inside = local[(local >= start) & (local <= end)].unique()
    return inside if len(inside) > 1 else pd.DatetimeIndex([start, end])


def _tick_words(ticks: pd.DatetimeIndex, frequency: str) -> list[str]:
    words = []
    for position, tick in enumerate(ticks):
        fresh = position == 0 or tick.year != ticks[position - 1].year
        date = f"{tick.day} {MONTHS[tick.month - 1]}"
        if frequency.endswith(("min", "h")):
            begins = position == 0 or tick.date() != ticks[position - 1].date()
            clock = f"{tick.hour:02d}:{tick.minute:02d}"
            words.append(f"{clock}\n{WEEKDAYS[tick.weekday()]} {date}" if begins else clock)
        elif frequency == "1D":
            words.append(f"{WEEKDAYS[tick.weekday()]}\n{date}")
        elif frequency.endswith("YS"):
            words.append(str(tick.year))
        else:
            word = date if frequency == "W-MON" else MONTHS[tick.month - 1]
            words.append(word + (f"\n{tick.year}" if fresh else ""))
    return words
