"""What no path costs less than, told by one path's cost and how it changes with each amount that is built and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.optimize import linprog

from microgrid.planning.alike import Where
from microgrid.planning.cash_flow import Array
from microgrid.planning.pathways.stages import Stage, Standing
from microgrid.planning.pathways.vintages import Vintage

Key = tuple[Where, int | None, int]
"""A vintage in a stage: its capacity, the stage in which it was built, the stage."""


def lowest_change(
    slopes: Mapping[Key, float],
    amounts: Mapping[Key, float],
    stages: Sequence[Stage],
    vintages: Mapping[Where, Sequence[Vintage]],
    standing: Mapping[Where, Standing],
) -> float | None:
    """Return by how much the tangent falls at most, over all that may be built and kept; None where nobody knows.

    Parameters
    ----------
    slopes
        What one unit more of each amount costs more: a subgradient of the path's cost, which is convex in them.
    amounts
        Where the tangent touches; of stages that are over too.

    Notes
    -----
    Amounts are no more than in the stage before, and their sum is within the capacity's bounds.
    """
    keys = list(slopes)
    place = {key: at for at, key in enumerate(keys)}
    rows: list[Array] = []
    most: list[float] = []
    for row, high in (*_kept_rows(keys, place, amounts, vintages, standing), *_bounds(keys, place, stages)):
        rows.append(row)
        most.append(high)
    cost = np.array([slopes[key] for key in keys])
    found = linprog(cost, A_ub=np.array(rows), b_ub=np.array(most), bounds=(0, None), method="highs")
    if found.fun is None or not found.success:
        return None
    return min(0.0, float(found.fun) - float(cost @ np.array([amounts[key] for key in keys])))


def _kept_rows(
    keys: Sequence[Key],
    place: Mapping[Key, int],
    amounts: Mapping[Key, float],
    vintages: Mapping[Where, Sequence[Vintage]],
    standing: Mapping[Where, Standing],
) -> Iterator[tuple[Array, float]]:
    """Give rows that keep no more of a vintage than in the stage before, or than stood before the first."""
    for where, built, number in keys:
        found = next(each for each in vintages[where] if each.built == built)
        before = (where, built, number - 1)
        row = _row(place, [(where, built, number)])
        if number > found.first:
            is_open = before in place
            if is_open:
                row[place[before]] = -1.0
            yield row, 0.0 if is_open else amounts[before]
        elif built is None:
            yield row, standing[where].amount


def _bounds(keys: Sequence[Key], place: Mapping[Key, int], stages: Sequence[Stage]) -> Iterator[tuple[Array, float]]:
    """Give rows that keep the sum of what stands in each stage within the capacity's bounds."""
    together: dict[tuple[Where, int], list[Key]] = {}
    for key in keys:
        together.setdefault((key[0], key[2]), []).append(key)
    for ((asset, field), number), members in together.items():
        capacity = stages[number].scenario.plant.assets[asset].capacities()[field]
        row = _row(place, members)
        yield row, float(capacity.high)
        yield -row, -float(getattr(capacity, "low", 0.0))


def _row(place: Mapping[Key, int], members: Sequence[Key]) -> Array:
    row = np.zeros(len(place))
    row[[place[key] for key in members]] = 1.0
    return row
