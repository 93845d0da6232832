"""What a cost-carbon front says: its points, which of them are beaten, the knee, what a tonne less costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Point:
    """One plan of a front.

    Parameters
    ----------
    number
        Its place, from the cleanest, 0, to the cheapest.
    limit
        What it was allowed to emit, kgCO2e.
    cost, emissions
        What it costs and emits over the horizon.
    bound
        No plan that emits at most `limit` costs less than this.
    ended, proved
        How its solve ended, and whether the gap asked for was proved.
    seconds
        Time of the solver.
    sizes
        Capacities by asset and field.
    audited
        Whether its audit passed.
    """

    number: int
    limit: float
    cost: float
    emissions: float
    bound: float
    ended: str
    proved: bool
    seconds: float
    sizes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    audited: bool = True

    @property
    def gap(self) -> float:
        """Relative distance of the cost from its bound; sums of many hours that differ by rounding are none."""
        distance = (self.cost - self.bound) / max(abs(self.cost), 1e-10)
        return 0.0 if abs(distance) <= 1e-9 else distance

    @property
    def plain(self) -> dict[str, Any]:
        """The point as plain data."""
        return asdict(self) | {"gap": self.gap}


def efficient(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats or equals in both cost and emissions, the cleanest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda each: (each.emissions, each.cost)):
        if not kept or point.cost < kept[-1].cost - 1e-9 * max(1.0, abs(kept[-1].cost)):
            kept.append(point)
    return kept


def knee(points: Sequence[Point]) -> Point | None:
    """Return the point farthest below the straight line between both ends, each axis from 0 to 1; None without one.

    Beyond it, each further kilogram costs more than the front does on average.
    """
    if len(points) < 3:
        return None
    emitted, cost = (np.array([getattr(each, key) for each in points]) for key in ("emissions", "cost"))
    along = (emitted - emitted[0]) / (emitted[-1] - emitted[0])
    down = (cost[0] - cost) / (cost[0] - cost[-1])
    below = down - along
    best = int(np.argmax(below))
    return points[best] if below[best] > 1e-9 else None


def abatement_costs(points: Sequence[Point]) -> list[float]:
    """Return what a kgCO2e less costs between each point and the next dearer one, from the cleanest pair on."""
    return [(clean.cost - cheap.cost) / (cheap.emissions - clean.emissions) for clean, cheap in pairwise(points)]


def table(points: Sequence[Point]) -> pd.DataFrame:
    """Return the efficient points as a table; `abatement_cost` is that of coming here from the next cheaper point."""
    rows = [
        {key: getattr(each, key) for key in ("number", "emissions", "cost", "bound", "gap", "limit", "proved")}
        | {f"{asset}.{name}": size for asset, sizes in each.sizes.items() for name, size in sizes.items()}
        for each in points
    ]
    frame = pd.DataFrame(rows)
    frame.insert(3, "abatement_cost", [*abatement_costs(points), np.nan])
    return frame
