"""Numbers, units and times as people read them: thousands separators, a real minus sign, months in words."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LARGER = {
    "kW": ((1e4, "MW", 1e3), (1e7, "GW", 1e6)),
    "kWh": ((1e4, "MWh", 1e3), (1e7, "GWh", 1e6)),
    "kg": ((1e4, "t", 1e3),),
    "kg/h": ((1e4, "t/h", 1e3),),
    "kgCO2e": ((1e4, "tCO2e", 1e3),),
    "kgCO2": ((1e4, "tCO2", 1e3),),
}
MISSING = "–"


def amount(value: float | None, decimals: int) -> str:
    """Return a number with thousands separators; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{round(float(value), decimals) + 0.0:,.{decimals}f}".replace("-", "−")


def decimals_for(largest: float) -> int:
    """Return how many decimals a column of numbers needs whose largest is given."""
    if not math.isfinite(largest) or largest == 0:
        return 0
    return int(np.clip(3 - math.ceil(math.log10(abs(largest) * 1.0000001)), 0, 4))


def short(value: float | None) -> str:
    """Return a number with about three digits, or all of those before the point."""
    if value is None or not math.isfinite(value):
        return MISSING
    return amount(value, decimals_for(abs(value)))


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share in percent."""
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{amount(100 * share, decimals)} %"


def larger_unit(unit: str, largest: float) -> tuple[float, str]:
    """Return what to divide by, and the unit then, so that the largest number stays below five digits."""
    best = (1.0, unit)
    base, _, per = unit.partition("/day")
    for least, bigger, factor in LARGER.get(base, ()):
        if largest >= least:
            best = (factor, bigger + ("/day" if unit != base and not per else ""))
    return best


def stock_unit(flow_unit: str) -> str:
    """Return the unit of what flows in an hour."""
    return {"kW": "kWh", "kg/h": "kg"}.get(flow_unit, f"{flow_unit}·h")


def day(time: pd.Timestamp) -> str:
    """Return a date in words."""
    return f"{time.day} {MONTHS[time.month - 1]} {time.year}"


def moment(time: pd.Timestamp) -> str:
    """Return a date and a time of the clock in words."""
    return f"{day(time)} {time.hour:02d}:{time.minute:02d}"


def duration(hours: float) -> str:
    """Return a length of time in the unit that suits it."""
    if hours < 1 - 1e-9:
        return f"{hours * 60:.3g} min"
    return f"{round(hours, 2):g} h" if hours < 1e3 else f"{short(hours)} h"


def steps_told(hours: NDArray[np.float64]) -> str:
    """Return how many steps there are, and how long they are."""
    count = f"{len(hours):,} step" + ("s" if len(hours) != 1 else "")
    least, most = float(hours.min()), float(hours.max())
    return f"{count} of {duration(least)}" + ("" if most - least < 1e-9 else f" to {duration(most)}")


def offset(time: pd.Timestamp) -> str:
    """Return the distance of a local time from UTC."""
    shift = time.utcoffset()
    minutes = 0 if shift is None else round(shift.total_seconds() / 60)
    return f"UTC{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def zone_told(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return the zone with its distance from UTC at both ends of a period."""
    ends = [offset(first), offset(last)] if offset(first) != offset(last) else [offset(first)]
    return f"{first.tz} ({' to '.join(ends)})"
