"""Numbers as a scenario file would write them: in the unit that stands there, rounded outward to what can be read."""

from __future__ import annotations

import math
import re
from typing import Any

from microgrid.fields import MONEY
from microgrid.units import UnitError, conversion

_WRITTEN = re.compile(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*")
_SPARE = 1e-3


def unit_in(text: Any, unit: str, currency: str) -> str:
    """Return the unit in which a value is written in a file; the house unit where none is.

    Parameters
    ----------
    text
        What stands in the file, or None.
    unit
        House unit, with ``CUR`` for money.
    """
    house = unit.replace(MONEY, currency or "EUR")
    match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return ("" if isinstance(text, int | float) else "%") if unit == "1" else house
    return match[2] or ""


def in_file_unit(value: float, written: str, unit: str, currency: str) -> float:
    """Return a number of the house unit in the unit `written`."""
    try:
        factor, offset = conversion(written, unit.replace(MONEY, currency or "EUR"))
    except UnitError:
        return value
    return (value - offset) / factor


def rounded_outward(value: float, direction: float, digits: int = 4) -> float:
    """Return the number with few digits that lies next to `value` in a direction.

    Digits below zero ask for the nearest number of as many digits, in whatever direction.
    """
    if value == 0.0 or not math.isfinite(value):
        return value
    if digits < 0:
        return float(f"{value:.{-digits}g}")
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    turned = math.ceil if direction > 0 else math.floor
    return float(f"{turned(value / unit - math.copysign(_SPARE, direction)) * unit:.{digits}g}")


def told(number: float, unit: str) -> str:
    """Return a number with its unit: ``1,040`` is never written so, for a file would not read it."""
    text = f"{number:.10g}" if abs(number) < 1e15 else f"{number:g}"
    return f"{text} {unit}".strip()


def short(number: float) -> str:
    """Return an amount for a message: four digits are enough, whole numbers stay whole."""
    if abs(number) >= 1000:
        return f"{number:.0f}"
    return f"{number:.4g}"
