"""What is bought over a project's life: investments, their replacements, and the parts that are replaced in between."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from microgrid.capacity import Fixed, Replaced, Sized
from microgrid.finance import replacement_times
from microgrid.plant import Plant

_NOTHING = 1e-9


class Purchase(NamedTuple):
    """One thing bought.

    Parameters
    ----------
    asset, what
        Whose it is; the capacity's field, with the part's name behind it.
    item
        ``investment`` at the start, ``replacement`` later.
    time
        Years from the start; it is paid at the end of the year that holds it.
    price
        In today's money.
    grant
        What of the price somebody else pays.
    life
        Years until it is worth nothing.
    """

    asset: str
    what: str
    item: str
    time: float
    price: float
    grant: float
    life: float

    @property
    def year(self) -> int:
        """The year that it is paid in."""
        return math.ceil(self.time - 1e-9)

    @property
    def granted(self) -> float:
        """Share of the price that somebody else pays."""
        return self.grant / self.price if self.price else 0.0


def purchases(plant: Plant, sizes: Mapping[str, Mapping[str, float]], years: int) -> list[Purchase]:
    """Return all that is bought for a plant of given sizes within `years`.

    A grant is paid on the first investment alone. What stands already is bought when its remaining life is over.
    """
    found: list[Purchase] = []
    for name, asset in plant.assets.items():
        for key, capacity in asset.capacities().items():
            size = sizes[name][key]
            if size > _NOTHING * max(capacity.high, 1.0):
                built = sizes[name].get(f"{key}_built", 1.0)
                found += _of_capacity((name, key), capacity, size, built, years)
    return found


def _of_capacity(
    where: tuple[str, str], capacity: Fixed | Sized, size: float, built: float, years: int
) -> Iterator[Purchase]:
    """Give the wholes one after the other, and within the life of each its parts."""
    price = capacity.capex * size
    grant = 0.0
    times: list[float] = []
    if isinstance(capacity, Sized):
        price += capacity.build_cost * built
        grant = capacity.grant * price
        times = [0.0, *replacement_times(capacity.lifetime, years)]
    elif capacity.remaining_life is not None:
        times = replacement_times(capacity.lifetime, years, capacity.remaining_life)
    if isinstance(capacity, Fixed):
        ends = capacity.remaining_life if capacity.remaining_life is not None else math.inf
        yield from _parts(where, capacity.parts, size, (0.0, min(ends, years), ends), stands=True)
    for time in times:
        item = "investment" if isinstance(capacity, Sized) and time == 0 else "replacement"
        if price:
            yield Purchase(*where, item, time, price, grant if time == 0 else 0.0, capacity.lifetime)
        ends = time + capacity.lifetime
        yield from _parts(where, capacity.parts, size, (time, min(ends, years), ends), stands=False)


def _parts(
    where: tuple[str, str],
    parts: Mapping[str, Replaced],
    size: float,
    span: tuple[float, float, float],
    stands: bool,
) -> Iterator[Purchase]:
    """Give the parts bought within the life of a whole: its begin, the last moment that counts, its end."""
    asset, key = where
    begin, until, end = span
    for name, part in parts.items():
        first = part.remaining_life if stands else None
        for after in replacement_times(part.lifetime, until - begin, first):
            time = begin + after
            life = min(part.lifetime, end - time)
            yield Purchase(asset, f"{key}: {name}", "replacement", time, part.cost * size, 0.0, life)


def left_of_life(plant: Plant, asset: str, field: str, years: int) -> list[float]:
    """Return what share of a capacity, new or as it stands, is left in each of the years 1 to `years`.

    A year is counted with what is left at its begin; what is replaced is new again in the year after.
    """
    capacity = plant.assets[asset].capacities()[field]
    end = capacity.remaining_life if isinstance(capacity, Fixed) else capacity.lifetime
    begins = [0.0] if end is None else [0.0, *replacement_times(capacity.lifetime, years, end)]
    renewed = list(begins)
    for begin, until in zip(begins, [*begins[1:], float(years)], strict=True):
        for part in (part for part in capacity.parts.values() if part.renews):
            first = part.remaining_life if isinstance(capacity, Fixed) and not begin else None
            renewed += [begin + after for after in replacement_times(part.lifetime, until - begin, first)]
    ages = (year - max(time for time in renewed if time <= year + 1e-9) for year in range(years))
    return [max(0.0, 1.0 - capacity.degradation * age) for age in ages]
