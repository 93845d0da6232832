"""The first stage: what is decided before one knows which future comes, and so is the same in all of them.

In the first stage all futures foresee what the usual one does: what loads, sun and wind do otherwise until the next
look is balanced by rule, whatever was planned. So all that is planned for it can be the same. After it, it may be told
for how long it is decided ahead which units are on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyomo.core as pyo

from microgrid.copies import copied
from microgrid.errors import InputError, Problem
from microgrid.plant import Plant
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


def as_usual_at_first(plant: Plant, usual: Plant, stage: FirstStage) -> Plant:
    """Return a window in some future, foreseen in its first stage as in the usual one.

    Parameters
    ----------
    plant, usual
        The window in both, on the same steps.
    stage
        How long the first stage lasts.
    """
    steps = stage.steps(plant.timeline)
    assets = dict(plant.assets)
    for name, asset in plant.assets.items():
        known, changes = usual.assets[name].series(), {}
        for key, series in asset.series().items():
            values = series.on(plant.timeline).copy()
            values[:steps] = known[key].on(plant.timeline)[:steps]
            if (values != series.on(plant.timeline)).any():
                changes[key] = replace(series, values=values)
        if changes:
            assets[name] = copied(asset, changes)
    return replace(plant, assets=assets)


def tie_first_stage(tied: TiedFutures, stage: FirstStage) -> None:
    """Write the rows that make the first stage the same in all futures.

    Parameters
    ----------
    tied
        The futures of a window, foreseen alike in the first stage, and nothing tied yet.
    stage
        How long it lasts.
    """
    one = next(iter(tied.parts.values()))
    model, timeline, steps = tied.pyomo, one.plant.timeline, one.operation.steps
    model.first_stage = pyo.Set(initialize=range(stage.steps(timeline)), within=steps)
    model.units_ahead = pyo.Set(initialize=range(stage.steps_of_units(timeline)), within=steps)
    for asset, contribution in one.contributions.items():
        for place, flow in enumerate(contribution.flows):
            if _is_decided(flow.rate(0)):
                rate = lambda part, a=asset, p=place: part.contributions[a].flows[p].rate  # noqa: E731
                tied.tie_along(f"{asset} {flow.port}", rate, model.first_stage)
        for name in COMMITTED:
            if name in contribution.states:
                state = lambda part, a=asset, s=name: part.contributions[a].states[s].variable.__getitem__  # noqa: E731
                tied.tie_along(f"{asset} {name}", state, model.units_ahead)


def _steps(timeline: Timeline, hours: float) -> int:
    return int((timeline.elapsed[:-1] < hours - 1e-9).sum())


def _is_decided(rate: Any) -> bool:
    """Tell whether a flow is anything but a number that was given."""
    return not isinstance(rate, int | float) and bool(rate.is_potentially_variable())
