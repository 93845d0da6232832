"""Fields that hold an amount of emissions, or a price of them: they keep whether they count CO2 alone or all gases."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationInfo

from microgrid.factors import Counted
from microgrid.fields import Quantity
from microgrid.reading import read_number, reading_of


def told_by(value: Any, number: float, unit: str) -> float:
    """Return a number with what it counts; a bare one, made in Python, counts what its column does."""
    return Counted.of(number, unit) if isinstance(value, str) else number


class Carbon(Quantity):
    """Marks a field that holds an amount of emissions, or a price of them, which keeps what it counts."""

    def read(self, value: Any, info: ValidationInfo) -> float:
        """Return the number in the house unit, with its gas where a unit tells it."""
        number = super().read(value, info)
        return told_by(value, number, read_number(value, self.units, reading_of(info))[1])
