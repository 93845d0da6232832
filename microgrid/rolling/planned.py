"""A plan of one window: what it is to do, how it came about, and up to which import deviations are the grid's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from microgrid.model import Model
from microgrid.plant import Plant
from microgrid.rolling.balancing import Shortfall
from microgrid.rolling.hedging import Future, PlannedFuture, usual_of
from microgrid.rolling.metering import ceilings
from microgrid.rolling.traces import Trace
from solvers import Outcome
from solvers import Plan as Solution

Array = NDArray[np.float64]


class Rung(StrEnum):
    """How a plan came about, the best first."""

    PROVED = "proved"
    """The solver proved it to be within the gap asked for."""
    INCUMBENT = "incumbent"
    """The best plan that the solver had found when its time was over."""
    SHIFTED = "shifted"
    """The last plan, moved on to now and repaired by the balancing rule."""
    RULE = "rule"
    """A plan by rules, without a solver."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan of one window.

    Parameters
    ----------
    plant
        The window, with what was before.
    trace
        What every port, stock and state is to do.
    rung, reason
        How it came about, and why by no better way.
    ceiling
        Import up to which deviations are the grid's, kW, shape (n,).
    gap
        Proved distance from the best, as a share; nan where nothing is proved.
    seconds, solver_seconds
        Time that it took, and the solver's part of it, the longer view's included.
    model, solution
        The solved model and its values, where there are any.
    shortfalls
        What even this plan cannot balance.
    futures
        Where it was made for several, what it is to do in each; `plant`, `trace` and `model` are the usual one's.
    """

    plant: Plant
    trace: Trace
    rung: Rung
    reason: str
    ceiling: Array
    gap: float = math.nan
    seconds: float = 0.0
    solver_seconds: float = 0.0
    model: Model | None = None
    solution: Solution | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    futures: tuple[PlannedFuture, ...] = ()


def of_solver(futures: Sequence[Future], parts: Mapping[str, Model], outcome: Outcome, solution: Solution) -> Planned:
    """Return the plan that the solver found for a window in all futures, or in the only one.

    Parameters
    ----------
    futures
        The window in each of them.
    parts
        The solved model's part of each, by name.
    """
    usual = usual_of(futures)
    planned = tuple(
        PlannedFuture(each.name, each.probability, each.plant, Trace.of(parts[each.name], solution), parts[each.name])
        for each in futures
    )
    trace = next(each.trace for each in planned if each.name == usual.name)
    gap = outcome.gap
    rung = Rung.PROVED if outcome.is_proved else Rung.INCUMBENT
    reason = "" if rung is Rung.PROVED else f"the solver ended by its {outcome.ended}, at a gap of {gap:.2%}"
    return Planned(
        usual.plant, trace, rung, reason, ceiling_of(usual.plant, trace), gap, solver_seconds=outcome.seconds,
        model=parts[usual.name], solution=solution, futures=planned if len(planned) > 1 else (),
    )  # fmt: skip


def ceiling_of(plant: Plant, trace: Trace | None) -> Array:
    """Return the import that the month's peak allows at each step: what it has seen, or the plan itself reaches."""
    timeline = plant.timeline
    ceiling = np.full(len(timeline), np.inf)
    months = list(dict.fromkeys(timeline.months.tolist()))
    for name, asset in plant.assets.items():
        for measured, floor in ceilings(asset, timeline):
            for month in months:
                steps = measured & (timeline.months == month)
                seen = floor if month == months[0] else 0.0
                planned = float(trace.flows[name]["import"][steps].max(initial=0.0)) if trace is not None else 0.0
                reached = max(seen, planned)
                ceiling[steps] = np.minimum(ceiling[steps], reached if reached > 0 else np.inf)
    return ceiling
