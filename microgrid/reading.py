"""How one number of a scenario file is read: text with a unit, or a bare number where none is due, within a range."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo

from microgrid.faults import Fault, RefusedError, shown
from microgrid.timeline import Timeline
from microgrid.units import CURRENCY, UnitError, add_unit, currencies_of, example, measure, wanted_text

MONEY = CURRENCY


@dataclass(frozen=True)
class Reading:
    """What the fields of a scenario file need to know besides their own text.

    Parameters
    ----------
    currency
        The one currency of the file; empty where it is not known.
    folder
        Folder that the names of files are relative to.
    timeline
        The horizon; None where it is not known because it holds faults itself.
    makers
        By name, the weather models that compute a series from a mapping.
    """

    currency: str = ""
    folder: Path = Path()
    timeline: Timeline | None = None
    makers: Mapping[str, Callable[[Mapping[str, Any]], NDArray[np.float64]]] = field(default_factory=dict)


def reading_of(info: ValidationInfo) -> Reading | None:
    """Return what a scenario file told, or None for objects made in Python."""
    return info.context if isinstance(info.context, Reading) else None


def refusal(found: str, wanted: str, cure: str = "") -> RefusedError:
    """Return the refusal of the value that is being read."""
    return RefusedError([Fault((), found, wanted, cure)])


def read_number(value: Any, units: Sequence[str], reading: Reading | None) -> tuple[float, str]:
    """Read one number; return it with the one of `units` that it is in.

    Raises
    ------
    RefusedError
        If it is no number of these units.
    """
    if isinstance(value, str):
        house = [in_currency(unit, reading, value) for unit in units]
        try:
            number, unit = measure(value, house)
        except UnitError as error:
            raise refusal(shown(error.found), error.wanted, error.cure) from error
        return number, units[house.index(unit)]
    house = [in_currency(unit, reading) for unit in units]
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise refusal(shown(value), wanted_text(house))
    if isinstance(value, float) and not math.isfinite(value):
        raise refusal(shown(value), "a finite number")
    if reading is not None and "1" not in units:
        raise refusal(shown(value), wanted_text(house), add_unit(shown(value), house))
    try:
        return float(value), units[0]
    except OverflowError:
        return math.inf, units[0]


def in_currency(unit: str, reading: Reading | None, text: str = "") -> str:
    """Return a unit with the file's currency; without one, with that of the text itself."""
    if MONEY not in unit:
        return unit
    if reading is not None and reading.currency:
        return unit.replace(MONEY, reading.currency)
    return unit.replace(MONEY, next(iter(currencies_of(text)), "EUR"))


def sample_of(unit: str, currency: str = "") -> str:
    """Return a quantity of `unit` as a scenario file would write it."""
    return example(unit.replace(MONEY, currency or "EUR"))


class Range(NamedTuple):
    """What a number of a unit may be: `low` and `high` with their ends, `above` without it."""

    unit: str
    low: float | None = None
    high: float | None = None
    above: float | None = None

    def holds(self, numbers: Any) -> Any:
        """Tell for each number whether it is finite and within the range."""
        good = np.isfinite(numbers)
        if self.low is not None:
            good = good & (numbers >= self.low)
        if self.above is not None:
            good = good & (numbers > self.above)
        return good if self.high is None else good & (numbers <= self.high)

    def refusal(self, number: float, found: str, currency: str) -> RefusedError:
        """Return the refusal of a number that stands in a file as `found`."""
        if not math.isfinite(number):
            return refusal(found, "a finite number")
        is_bare = self.unit == "1" and "%" not in found
        is_percent = is_bare and self.high is not None and self.high <= 1.0 and self.high < number <= 100
        return refusal(found, self._told(currency), f'write "{number:g} %"' if is_percent else "")

    def _told(self, currency: str) -> str:
        """Say the range in words."""
        unit = "" if self.unit == "1" else f" {self.unit.replace(MONEY, currency or 'money')}"
        low, above = self.low, self.above
        if low is not None and 0 < low <= 1e-6:
            low, above = None, 0.0
        if self.unit == "1" and self.high == 1.0 and (low == 0.0 or above == 0.0):
            return "a share from 0 to 1" if low == 0.0 else "a share above 0 and up to 1"
        if self.high is None:
            return f"more than {above:g}{unit}" if above is not None else f"{low:g}{unit} or more"
        if low is None and above is None:
            return f"{self.high:g}{unit} or less"
        begin = f"from {low:g} to" if low is not None else f"above {above:g} and up to"
        return f"{begin} {self.high:g}{unit}"
