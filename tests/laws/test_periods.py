"""Laws of typical periods, kept by every technology on unequal steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid.periods import Periods
from microgrid.plant import Plant
from microgrid.rolling.windows import with_series
from microgrid.series import Series
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from solvers import Ended
from tests.laws.cases import Case, Off, cases, has, sized_cases, without
from tests.laws.solving import no_more_than, outcome_of, same
from tests.laws.surroundings import HOURS, START, horizon, neighbours, surrounded

CUT = 3  # the steps of the laws in two periods of three

every_case = pytest.mark.parametrize("case", [*cases(), *sized_cases()], ids=str)
NO_MONTHS = (
    Off("*", "demand_charge", None, "it is paid by the month, and a longer time has other months"),
    Off("*", "capacity_charge", 0.0, "it is paid by the month, and a longer time has other months"),
)


def on(plant: Plant, steps: list[int], timeline: Timeline) -> Plant:
    """Return a plant on chosen steps of its own, one after the other."""

    def taken(series: Series) -> Series:
        return series if series.values.ndim == 0 else replace(series, values=series.values[steps])

    return replace(plant, timeline=timeline, assets={name: with_series(a, taken) for name, a in plant.assets.items()})


def in_periods(order: list[int]) -> Timeline:
    """Return the steps of the laws as two periods, in an order."""
    plain = horizon()
    periods = Periods(np.array([0, CUT]), np.array(order), plain.end, by_month=True)
    weights = np.repeat(periods.counts, CUT)
    return Timeline(plain.index, plain.hours, weights, periods)


def looks_back(asset: Technology) -> bool:
    """Tell whether a step of the asset depends on what it did before, stocks apart."""
    return any(has(asset, path) for path in ("commitment", "cold_start", "ramp_up"))


def cost_of(plant: Plant) -> float:
    outcome = outcome_of(plant)
    if outcome.ended is Ended.INFEASIBLE:
        return float("inf")
    assert outcome.is_proved, outcome
    return outcome.objective


@every_case
def test_periods_that_stand_for_themselves_are_the_whole(case: Case) -> None:
    """As many periods as stretches say what the plain horizon says, stocks with their losses included.

    What is on when a period begins is free, so that what looks back costs no more than on the plain horizon.
    """
    whole = surrounded(case.asset, neighbours(case.asset), horizon())
    found, plain = cost_of(replace(whole, timeline=in_periods([0, 1]))), cost_of(whole)
    if looks_back(case.asset):
        assert found <= no_more_than(plain)
    else:
        assert found == same(plain)


@pytest.mark.parametrize("case", [case for case in [*cases(), *sized_cases()] if not looks_back(case.asset)], ids=str)
def test_a_period_that_comes_twice_is_no_better_than_the_time_it_makes_up(case: Case) -> None:
    """A plan of periods, done in their order, is a plan of the longer time: that one's best costs no more.

    A stock that forgot what it lost between two periods, or passed its limits in one of them, would cost less.
    What looks back is left out, as its first step in each period is free.
    """
    asset = without(case, NO_MONTHS)
    short = surrounded(asset, neighbours(asset), horizon())
    order = [0, 1, 0, 0, 1]
    steps = [step for period in order for step in range(CUT * period, CUT * (period + 1))]
    longer = on(short, steps, Timeline.of_hours([HOURS[step] for step in steps], start=START))
    assert cost_of(longer) <= no_more_than(cost_of(replace(short, timeline=in_periods(order))))
