"""What every driver must do: the same optimum, the same three answers, on the same small models."""

from __future__ import annotations

import math

import pyomo.environ as pyo
import pytest

from microgrid.model import assemble
from microgrid.technologies.boiler import Boiler
from solvers import Ended, Settings, SettingsError, refuse_unfit, solve, templating
from tests.laws.surroundings import horizon, neighbours, surrounded
from tests.solvers.models import diet, hard, knapsack

CANDIDATES = ("highs", "appsi_highs", "cbc", "glpk", "scip")


def _installed(name):
    try:
        refuse_unfit(Settings(solver=name))
    except SettingsError:
        return False
    return True


DRIVERS = [name for name in CANDIDATES if _installed(name)]

pytestmark = pytest.mark.parametrize("driver", DRIVERS)


def test_a_linear_optimum_with_a_constant(driver):
    m = diet()
    outcome = solve(m, Settings(solver=driver))
    assert (outcome.ended, outcome.has_plan, outcome.is_proved) == (Ended.OPTIMAL, True, True)
    assert outcome.objective == pytest.approx(24.5)
    assert outcome.bound == pytest.approx(24.5, rel=1e-3)
    assert (m.x.value, m.y.value) == (pytest.approx(6), pytest.approx(4))


def test_an_integer_optimum_that_maximises(driver):
    m = knapsack()
    outcome = solve(m, Settings(solver=driver, gap=0.0))
    assert outcome.objective == pytest.approx(46)
    assert outcome.bound >= 46 - 1e-6
    assert outcome.gap == pytest.approx(0, abs=1e-6)
    assert [round(m.take[i].value) for i in m.item] == [1, 0, 1, 0]


def test_equality_ranged_and_fixed(driver):
    """X + y = 5, 1 <= x - y <= 2, z fixed at 3: minimise x + z gives x = 3, y = 2."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(None, None))
    m.y = pyo.Var(bounds=(None, None))
    m.z = pyo.Var(bounds=(0, 9))
    m.z.fix(3)
    m.total = pyo.Constraint(expr=m.x + m.y == 5)
    m.difference = pyo.Constraint(expr=(1, m.x - m.y, 2))
    m.with_fixed = pyo.Constraint(expr=m.x + m.z <= 100)
    m.goal = pyo.Objective(expr=m.x + m.z)
    outcome = solve(m, Settings(solver=driver))
    assert outcome.objective == pytest.approx(6)
    assert (m.x.value, m.y.value) == (pytest.approx(3), pytest.approx(2))


def test_infeasible_has_no_plan(driver):
    m = diet()
    m.too_little = pyo.Constraint(expr=m.x + m.y <= 9)
    outcome = solve(m, Settings(solver=driver))
    assert outcome.ended in (Ended.INFEASIBLE, Ended.INFEASIBLE_OR_UNBOUNDED)
    assert not outcome.has_plan
    assert math.isnan(outcome.objective)


def test_unbounded_has_no_plan(driver):
    m = pyo.ConcreteModel()
    m.x = pyo.Var(within=pyo.NonNegativeReals)
    m.y = pyo.Var(within=pyo.NonNegativeReals)
    m.apart = pyo.Constraint(expr=m.x - m.y <= 1)
    m.goal = pyo.Objective(expr=-m.x)
    outcome = solve(m, Settings(solver=driver))
    assert outcome.ended in (Ended.UNBOUNDED, Ended.INFEASIBLE_OR_UNBOUNDED)
    assert not outcome.has_plan


def test_a_plant_written_as_templates_has_the_same_optimum(driver):
    """A boiler with commitment: binaries, ramps, histories, and variables that are not expanded."""

    def written():
        with templating():
            return assemble(surrounded(Boiler.example(), neighbours(Boiler.example()), horizon())).pyomo

    outcome = solve(written(), Settings(solver=driver, gap=0.0))
    assert outcome.is_proved
    assert outcome.objective == pytest.approx(solve(written(), Settings(gap=0.0)).objective, rel=1e-6)


@pytest.mark.parametrize("seconds", [2.0, 0.01], ids=["with", "perhaps without"])
def test_a_time_limit_ends_it_with_an_incumbent_and_without(driver, seconds):
    outcome = solve(hard(), Settings(solver=driver, gap=0.0, seconds=seconds))
    assert outcome.ended is Ended.TIME
    assert not outcome.is_proved
    if outcome.has_plan:
        assert math.isnan(outcome.bound) or outcome.bound <= outcome.objective + 1e-6
        assert outcome.plan.along(lambda: 0)[0] == 0.0
    else:
        assert math.isnan(outcome.objective)


def test_a_start_changes_no_optimum(driver):
    m = knapsack()
    first = solve(m, Settings(solver=driver, gap=0.0))
    again = solve(m, Settings(solver=driver, gap=0.0), start=first.plan)
    assert again.objective == pytest.approx(first.objective)
    assert [round(m.take[i].value) for i in m.item] == [1, 0, 1, 0]
