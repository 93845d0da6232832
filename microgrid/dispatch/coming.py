"""What may come: the plant as it is foreseen now, and in each future that the forecasts tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from microgrid.dispatch.present import present
from microgrid.dispatch.sources import Readings
from microgrid.plant import Plant
from microgrid.rolling.hedging import USUAL, Future, usual_of
from microgrid.timeline import Timeline


class Coming(NamedTuple):
    """The plant as it is foreseen, the futures that a plan is to be made for, and what had to be filled, in words."""

    plant: Plant
    futures: list[Future]
    notes: list[str]


def coming(
    base: Plant, timeline: Timeline, measured: Readings, forecast: Readings, probabilities: Mapping[str, float]
) -> Coming:
    """Return what may come.

    Parameters
    ----------
    base, timeline, measured, forecast
        As for `present`.
    probabilities
        How likely each future is; empty where the site plans for one forecast.
    """
    told = set(forecast.by_future)
    notes = list(_unknown(told - set(probabilities) - {USUAL}, probabilities))
    if not told & set(probabilities):
        if probabilities:
            notes.append(f"forecasts have no rows of {', '.join(probabilities)}: planned for one forecast")
        seen = present(base, timeline, measured, forecast.in_future(USUAL))
        return Coming(seen.plant, [], [*notes, *seen.notes])
    futures = []
    for name, probability in probabilities.items():
        seen = present(base, timeline, measured, forecast.in_future(name))
        futures.append(Future(name, probability, seen.plant))
        notes += [note for note in seen.notes if note not in notes]
        if name not in told and name != USUAL:
            notes.append(f"the future {name} has no rows of its own, it is foreseen by the rows that hold in all")
    return Coming(usual_of(futures).plant, futures, notes)


def _unknown(names: set[str], probabilities: Mapping[str, float]) -> list[str]:
    """Return a note of rows that belong to no future of the site."""
    if not names:
        return []
    known = f"the site's futures are {', '.join(probabilities)}" if probabilities else "the site names no futures"
    return [f"forecasts: rows of {', '.join(sorted(names))} left out, {known}"]
