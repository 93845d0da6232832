"""What steps of a year are compared by: every series that changes, what the calendar says, what sun and wind leave."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from microgrid.plant import Plant
from microgrid.rolling.windows import with_series
from microgrid.series import Series
from microgrid.technologies.base import Technology

Array = NDArray[np.float64]


def features(plant: Plant) -> Array:
    """Return every series that changes and what the calendar says, each from 0 to 1, shape (steps, features)."""
    series = [each.values for asset in plant.assets.values() for each in all_series(asset) if each.values.ndim]
    rows = [(row - row.min()) / np.ptp(row) for row in [*series, *calendar(plant)] if np.ptp(row) > 0]
    return np.column_stack(rows) if rows else np.zeros((len(plant.timeline), 0))


def all_series(asset: Technology) -> list[Series]:
    """Return all series of an asset, those of its parts included."""
    found: list[Series] = []

    def taken(series: Series) -> Series:
        found.append(series)
        return series

    with_series(asset, taken)
    return found


def calendar(plant: Plant) -> list[Array]:
    """Return what assets go by of the calendar, as numbers by step."""
    return [row for asset in plant.assets.values() for row in asset.calendar(plant.timeline)]


def sources(plant: Plant) -> Iterator[tuple[str, Technology]]:
    """Give the assets that sun or wind feed, each with its bus."""
    for asset in plant.assets.values():
        if "availability" in asset.series():
            yield next(iter(asset.buses().values()))[0], asset


def residual_demands(plant: Plant) -> list[Array]:
    """Return what demands are left when each source gives as much as all that may be built of it."""
    found = []
    for asset in plant.assets.values():
        demand = asset.series().get("demand")
        if demand is None:
            continue
        left = demand.on(plant.timeline).copy()
        for bus, source in sources(plant):
            if bus == next(iter(asset.buses().values()))[0]:
                high = source.capacities()["capacity"].high
                left -= high * source.series()["availability"].on(plant.timeline)
        found.append(left)
    return found
