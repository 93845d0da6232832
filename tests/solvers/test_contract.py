"""What every driver must do: the same optimum, the same three answers, on the same small models."""

from __future__ import annotations

import math

import pyomo.environ as pyo
import pytest

from solvers import Ended, Settings, solve

CANDIDATES = ("highs", "appsi_highs", "cbc", "glpk", "scip")


def _installed(name):
    return name == "highs" or pyo.SolverFactory(name).available(exception_flag=False)


DRIVERS = [name for name in CANDIDATES if _installed(name)]

pytestmark = pytest.mark.parametrize("driver", DRIVERS)


def diet():
    """Minimise 2x + 3y over x + y >= 10, x <= 6: x = 6, y = 4, 24."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 6))
    m.y = pyo.Var(bounds=(0, None))
    m.unused = pyo.Var(bounds=(2, 5))
    m.enough = pyo.Constraint(expr=m.x + m.y >= 10)
    m.goal = pyo.Objective(expr=2 * m.x + 3 * m.y + 0.5)
    return m


def knapsack(n=4):
    """Maximise value within a weight of 10: items (6, 30), (3, 14), (4, 16), (2, 9): 6 + 4 = 46 beats 6 + 3 = 44."""
    weights, values = [6, 3, 4, 2], [30, 14, 16, 9]
    m = pyo.ConcreteModel()
    m.item = pyo.RangeSet(0, n - 1)
    m.take = pyo.Var(m.item, within=pyo.Binary)
    m.fits = pyo.Constraint(expr=sum(weights[i] * m.take[i] for i in m.item) <= 10)
    m.goal = pyo.Objective(expr=sum(values[i] * m.take[i] for i in m.item), sense=pyo.maximize)
    return m


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
