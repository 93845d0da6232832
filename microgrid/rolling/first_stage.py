"""The first stage: what is decided before one knows which future comes, and so is the same in all of them.

As long as the futures foresee the same, everything is. From there on to the end of the stage, which units are on, and
the set-points of all that follows its plan: what loads, sun and wind do differently is taken by the assets that the
balancing rule would turn to, on each bus its grid connections, or else its stores, supplies and units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.errors import InputError, Problem
from microgrid.plant import Plant
from microgrid.rolling.parts import parts_of
from microgrid.technologies.base import Technology
from microgrid.tied_futures import TiedFutures
from microgrid.timeline import Timeline

COMMITTED = ("on", "standby")
"""States that say which units run."""


@dataclass(frozen=True)
class FirstStage:
    """How long the first stage lasts.

    Parameters
    ----------
    hours
        For how long set-points are the same in all futures: until the next look.
    units
        For how long it is the same in all futures which units are on; no less than `hours`.
    """

    hours: float = 1.0
    units: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a stage that has no time.

        Raises
        ------
        InputError
            If it is no longer than nothing, or `units` is below zero.
        """
        if self.hours <= 0 or self.units < 0:
            found = f"{self.hours:g} h" if self.hours <= 0 else f"units ahead by {self.units:g} h"
            raise InputError([Problem("first stage", found, "a length of time above zero", "such as 1 h")])

    def steps(self, timeline: Timeline) -> int:
        """Return how many steps of a window begin within it."""
        return _steps(timeline, self.hours)

    def steps_of_units(self, timeline: Timeline) -> int:
        """Return at how many steps of a window it is decided ahead which units are on."""
        return _steps(timeline, max(self.hours, self.units))


def tie_first_stage(tied: TiedFutures, stage: FirstStage) -> None:
    """Write the rows that make the first stage the same in all futures.

    Parameters
    ----------
    tied
        The futures of a window, nothing tied yet.
    stage
        How long it lasts.
    """
    plants = [part.plant for part in tied.parts.values()]
    timeline, one = plants[0].timeline, next(iter(tied.parts.values()))
    known, until, units = known_alike(plants), stage.steps(timeline), stage.steps_of_units(timeline)
    model, steps = tied.pyomo, one.operation.steps
    model.known_alike = pyo.Set(initialize=range(min(known, until)), within=steps)
    model.first_stage = pyo.Set(initialize=range(until), within=steps)
    model.units_ahead = pyo.Set(initialize=range(units), within=steps)
    free = balancing(plants[0])
    for asset, contribution in one.contributions.items():
        for place, flow in enumerate(contribution.flows):
            if _is_decided(flow.rate(0)):
                index = model.known_alike if asset in free or asset not in plants[0].assets else model.first_stage
                rate = lambda part, a=asset, p=place: part.contributions[a].flows[p].rate  # noqa: E731
                tied.tie_along(f"{asset} {flow.port}", rate, index)
        for name in COMMITTED:
            if name in contribution.states:
                state = lambda part, a=asset, s=name: part.contributions[a].states[s].variable.__getitem__  # noqa: E731
                tied.tie_along(f"{asset} {name}", state, model.units_ahead)


def balancing(plant: Plant) -> frozenset[str]:
    """Return the assets that take what happens otherwise than foreseen, and those that it happens to."""
    parts = parts_of(plant)
    found = {*parts.sources, *parts.loads, *(grid.name for grid in parts.grids)}
    for bus in plant.buses:
        if any(grid.bus == bus for grid in parts.grids):
            continue
        found |= {supply.name for supply in parts.supplies if supply.bus == bus}
        found |= {store.name for store in parts.stores if store.bus == bus}
        if not any(store.bus == bus for store in parts.stores):
            found |= {name for name, asset in plant.assets.items() if _feeds(asset, bus)}
    return frozenset(found)


def known_alike(plants: Sequence[Plant]) -> int:
    """Return for how many steps all plants foresee the same."""
    first, *others = plants
    told = dict(_series(first))
    count = len(first.timeline)
    for other in others:
        for key, values in _series(other):
            apart = np.flatnonzero(values != told[key])
            count = min(count, int(apart[0])) if len(apart) else count
    return count


def _series(plant: Plant) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, asset in plant.assets.items():
        for key, series in asset.series().items():
            yield (name, key), series.on(plant.timeline)


def _feeds(asset: Technology, bus: str) -> bool:
    return any(fed == bus and mark.direction != "in" for fed, mark in asset.buses().values())


def _steps(timeline: Timeline, hours: float) -> int:
    return int((timeline.elapsed[:-1] < hours - 1e-9).sum())


def _is_decided(rate: Any) -> bool:
    """Tell whether a flow is anything but a number that was given."""
    return not isinstance(rate, int | float) and bool(rate.is_potentially_variable())
