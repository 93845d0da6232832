"""Plans for the laws: solved to a gap of zero, and compared."""

from __future__ import annotations

import math
from functools import lru_cache

import pytest

from microgrid.model import assemble
from microgrid.plant import Plant
from microgrid.results import Result
from microgrid.running import solve_plant
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from solvers import Ended, Outcome, Settings, solve, templating
from tests.laws.cases import Case
from tests.laws.rules import Factors
from tests.laws.surroundings import horizon, neighbours, surrounded

EXACT = Settings(gap=0.0)
# HiGHS keeps rows to 1e-7 and integers to 1e-6; a law that fails, fails by percents.
CLOSE = 1e-6


def audited(plant: Plant) -> Result:
    """Return the proved plan of a plant with its frames and its audit."""
    result = solve_plant(plant, EXACT)
    assert result.manifest["outcome"]["proved"], result.manifest["outcome"]
    return result


def outcome_of(plant: Plant) -> Outcome:
    """Return how the solve of a plant ended, without frames: that is most of the time of a small plant."""
    with templating():
        model = assemble(plant)
    return solve(model.pyomo, EXACT, load=False)


def cost_of(
    asset: Technology | None, around: Technology, timeline: Timeline | None = None, by: Factors | None = None
) -> float:
    """Return what a plant of the asset costs among the neighbours of `around`; without a plan, infinitely much."""
    outcome = outcome_of(surrounded(asset, neighbours(around), timeline or horizon(), by))
    if outcome.ended is Ended.INFEASIBLE:
        return math.inf
    assert outcome.is_proved, outcome
    return outcome.objective


@lru_cache(maxsize=256)
def base_plan(case: Case, pressed: bool = False) -> Result:
    """Return the plan of a case as it is; several laws compare with it."""
    return audited(surrounded(case.asset, neighbours(case.asset, pressed), horizon()))


@lru_cache(maxsize=256)
def base_cost(case: Case) -> float:
    """Return what a case costs as it is."""
    return cost_of(case.asset, case.asset)


def same(cost: float) -> object:
    """Return what equals `cost` to the accuracy of the solver; a plan that is not there equals nothing."""
    assert math.isfinite(cost)
    return pytest.approx(cost, rel=CLOSE, abs=1e-5)


def no_more_than(cost: float) -> float:
    """Return `cost` with the accuracy of the solver on top."""
    return cost + CLOSE * abs(cost) + 1e-5
