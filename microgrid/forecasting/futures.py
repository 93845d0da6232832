"""Futures of a forecast: how many, what they are called, how likely they are, and which quantile each of them is.

Three futures are the quantiles of 10, 50 and 90 %, with Swanson's weights of 30, 40 and 30 % (Hurst, Brown and Swanson
2000, AAPG Bulletin 84:1883), which keep mean and spread of what is not too skewed; more of them are the medians of
equally likely parts.
"""

from __future__ import annotations

from typing import NamedTuple

from microgrid.errors import InputError, Problem

SWANSON = {"low": (0.1, 0.3), "usual": (0.5, 0.4), "high": (0.9, 0.3)}
MOST = 9
WANTED = f"an odd number of futures from 3 to {MOST}"


class Level(NamedTuple):
    """A future by its quantile: what the site draws from the grid is no more than its own with that probability."""

    name: str
    quantile: float
    probability: float

    def of_series(self, field: str) -> float:
        """Return its quantile of a series: of a load its own, of what sun and wind give the opposite."""
        return self.quantile if field == "demand" else round(1.0 - self.quantile, 6)


def is_fit(count: int) -> bool:
    """Tell whether there can be so many: an odd number, so that one of them is the usual."""
    return count % 2 == 1 and 3 <= count <= MOST


def levels(count: int, where: str) -> list[Level]:
    """Return a number of futures, from little drawn from the grid to much.

    Parameters
    ----------
    count
        How many.
    where
        What to name in errors.

    Raises
    ------
    InputError
        If there cannot be so many.
    """
    if not is_fit(count):
        raise InputError([Problem(where, str(count), WANTED, "such as 3")])
    if count == len(SWANSON):
        return [Level(name, quantile, probability) for name, (quantile, probability) in SWANSON.items()]
    quantiles = [round((number + 0.5) / count, 6) for number in range(count)]
    names = ["usual" if 2 * number + 1 == count else f"q{100 * q:.0f}" for number, q in enumerate(quantiles)]
    return [Level(name, quantile, 1 / count) for name, quantile in zip(names, quantiles, strict=True)]
