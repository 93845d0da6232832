"""The longer view: what stocks are worth at a window's end, and which peak the month will reach in any case.

A window of a day and a half neither knows what comes after it nor how high the month's peak will be. The longer view is
the plant to the end of the month in which the window ends, and for some days at least, without integers: a linear model
that is solved in a moment. Its duals say what a kWh or kg in a stock is worth at each time; its peaks are what imports
the month cannot do without, so that no window pays, in wear or production, for keeping below a peak that comes anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.model import Model, assemble
from microgrid.plant import Plant, Worth
from microgrid.rolling.inheriting import Before, with_before
from microgrid.rolling.windows import Look, groups, merged, place_of, window
from microgrid.timeline import Timeline
from solvers import Plan, Settings, templating
from solvers.compile import compile_model
from solvers.highs import solve_matrix

LEAST_DAYS = 3
_FADE = 0.95
_KEPT = 3.0
MOST_COLUMNS = 25_000


@dataclass(frozen=True, eq=False)
class Outlook:
    """What the longer view saw.

    Parameters
    ----------
    times
        The points of the view.
    worth
        By asset and stock, what a kWh or kg is worth at each of these points but the first.
    levels
        By asset and stock, what the view holds at each of its points.
    peaks
        By asset, the field that inherits it and month, the peak that the view could not do without, kW.
    seconds
        Time that the solver took.
    """

    times: pd.DatetimeIndex
    worth: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    levels: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    peaks: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    seconds: float = 0.0

    def covers(self, time: pd.Timestamp) -> bool:
        """Tell whether the view reaches a time."""
        return bool(self.times[0] < time <= self.times[-1])

    def worth_along(self, timeline: Timeline, change: int | None) -> dict[str, dict[str, tuple[Worth, ...]]]:
        """Return what stocks are worth at the end of a window, and where its steps grow longer.

        At the view's own level its dual is what one more unit saves and what it costs alike, so it says nothing of how
        much to keep: what lacks of that level is worth the most that the view pays in the time behind, what passes it a
        little less than the dual. Where the window's steps grow, it no longer sees short peaks: up to there it keeps to
        the view's level, unless that costs several times what the view itself would pay.

        Parameters
        ----------
        timeline
            The window.
        change
            The point at which its steps grow longer, or None.
        """
        points = [(None, timeline.end)] if change is None else [(None, timeline.end), (change, timeline.points[change])]
        found: dict[str, dict[str, tuple[Worth, ...]]] = {}
        for asset, stock in self.worth:
            worths = [self._worth(asset, stock, time, point) for point, time in points]
            found.setdefault(asset, {})[stock] = tuple(worths)
        return found

    def _worth(self, asset: str, stock: str, time: pd.Timestamp, point: int | None) -> Worth:
        place = min(max(1, place_of(self.times, time)), len(self.times) - 1)
        values = self.worth[asset, stock]
        level, here = float(self.levels[asset, stock][place]), float(values[place - 1])
        most = float(values[place - 1 :].max())
        if point is None:
            return Worth(level, most, _FADE * here)
        return Worth(level, _KEPT * most, 0.0, point)


def look_out(
    plant: Plant,
    first: int,
    end: int,
    told: Before,
    settings: Settings,
    ends: Mapping[str, Mapping[str, float]],
    seconds: float | None = None,
) -> Outlook | None:
    """Return the longer view from a step on; None where the view has no optimum.

    Parameters
    ----------
    plant
        All that is foreseen, in equal steps.
    first, end
        The step at which the view begins, and the step at which the window ends.
    told
        What was before.
    ends
        What stocks must hold at the end of the view, as shares, so that they are worth something until then.
    seconds
        Time that the solver may take.
    """
    last = _view_end(plant.timeline, end)
    step = _step(plant, last - first)
    length = float(plant.timeline.hours[first:last].sum())
    edges = groups(plant.timeline, first, Look(((np.ceil(length / step) * step, step),)))
    edges = np.unique(np.minimum(edges, last))
    with templating():
        model = assemble(with_before(window(plant, edges), told, ends))
    matrix = compile_model(model.pyomo, refuse=False)
    outcome = solve_matrix(replace(matrix, integer=np.zeros_like(matrix.integer)), replace(settings, seconds=seconds))
    if outcome.plan is None or not outcome.is_proved:
        return None
    plan, points = outcome.plan, merged(plant.timeline, edges).points
    return Outlook(points, _worth(model, plan), _levels(model, plan), _peaks(model, plan), outcome.seconds)


def _view_end(timeline: Timeline, end: int) -> int:
    """Return the step after the last of the month in which a window ends, some days later at least."""
    at = timeline.points[end] - pd.Timedelta(seconds=1)
    month = (at.tz_localize(None).to_period("M") + 1).start_time.tz_localize(timeline.index.tz)
    latest = max(month, timeline.points[end] + pd.Timedelta(days=LEAST_DAYS))
    return min(place_of(timeline.points, latest), len(timeline))


def _step(plant: Plant, steps: int) -> float:
    """Return the step of the view in hours: the plant's own, or hours where there would be too many."""
    own = float(plant.timeline.hours[0])
    return own if steps * 3 * len(plant.assets) <= MOST_COLUMNS else max(own, 1.0)


def _worth(model: Model, plan: Plan) -> dict[tuple[str, str], NDArray[np.float64]]:
    found = {}
    for asset, contribution in model.contributions.items():
        for name, state in contribution.states.items():
            if state.on == "points" and state.inherits:
                balance = state.variable.parent_block().component(f"{name}_balance")
                dual = None if balance is None else plan.dual(balance)
                if dual is not None:
                    found[asset, name] = np.maximum(-dual, 0.0)
    return found


def _levels(model: Model, plan: Plan) -> dict[tuple[str, str], NDArray[np.float64]]:
    return {
        (asset, name): plan.of(state.variable)
        for asset, contribution in model.contributions.items()
        for name, state in contribution.states.items()
        if state.on == "points" and state.inherits
    }


def _peaks(model: Model, plan: Plan) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    months = [str(month) for month in dict.fromkeys(model.plant.timeline.months.tolist())]
    for asset, contribution in model.contributions.items():
        for state in contribution.states.values():
            if state.on == "months" and state.inherits.rpartition(".")[0] in ("", "past.peaks") and state.inherits:
                peaks = dict(zip(months, plan.of(state.variable).tolist(), strict=True))
                found.setdefault(asset, {})[state.inherits] = peaks
    return found
