"""Starts: the plan of an earlier solve, for a model of the same names with other numbers."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Ended, Settings, solve, templating
from tests.solvers.models import hard

STEPS = 96


def storage(prices):
    """Return a storage that buys when it is cheap, as a linear model of many steps."""
    with templating():
        m = pyo.ConcreteModel()
        m.t, m.later = pyo.RangeSet(0, STEPS - 1), pyo.RangeSet(1, STEPS - 1)
        m.price = pyo.Param(m.t, initialize=dict(enumerate(prices)), within=pyo.Any)
        m.buy = pyo.Var(m.t, dense=False, bounds=(0, 4))
        m.level = pyo.Var(m.t, dense=False, bounds=(0, 10))
        m.first = pyo.Constraint(rule=lambda m: m.level[0] == m.buy[0] - 1)
        m.balance = pyo.Constraint(m.later, rule=lambda m, t: m.level[t] == m.level[t - 1] + m.buy[t] - 1)
        m.goal = pyo.Objective(rule=lambda m: sum(m.price[t] * m.buy[t] for t in m.t))
    return m


def prices(shift):
    return [2.0 + np.sin(t / 5.0 + shift) for t in range(STEPS)]


def test_the_basis_of_an_earlier_optimum_saves_iterations():
    first = solve(storage(prices(0.0)), load=False)
    cold = solve(storage(prices(0.05)), load=False)
    warm = solve(storage(prices(0.05)), start=first.plan, load=False)
    assert warm.objective == pytest.approx(cold.objective, rel=1e-9)
    again = solve(storage(prices(0.0)), start=first.plan, load=False)
    assert again.iterations == 0
    assert warm.iterations < solve(storage(prices(0.05)), Settings(options={"presolve": "off"})).iterations


def test_a_basis_of_another_shape_is_left_alone():
    first = solve(storage(prices(0.0)), load=False)
    other = storage(prices(0.0))
    other.more = pyo.Constraint(expr=other.buy[3] <= 2)
    assert solve(other, start=first.plan).objective >= first.objective - 1e-9


NO_SEARCH = {"mip_max_nodes": 0, "mip_heuristic_effort": 0.0, "presolve": "off"}


def test_a_mixed_integer_model_begins_with_the_plan_it_is_given():
    """Without nodes and heuristics a plan comes from the start alone: the incumbent is no worse than what was given."""
    earlier = solve(hard(), Settings(seconds=2.0, gap=0.0))
    outcome = solve(hard(), Settings(gap=0.0, options=NO_SEARCH), start=earlier.plan)
    assert outcome.has_plan
    assert outcome.objective <= earlier.objective + 1e-6


def test_values_by_name_may_leave_some_open():
    """Only the binaries are known: the slacks of the rows follow from them."""
    earlier = solve(hard(), Settings(seconds=2.0, gap=0.0))
    start = {"x": earlier.plan.by_name()["x"], "over": np.full(25, np.nan), "nobody": np.zeros(3), "under": np.zeros(2)}
    outcome = solve(hard(), Settings(gap=0.0, seconds=2.0, options=NO_SEARCH), start=start)
    assert outcome.has_plan
    assert outcome.objective <= earlier.objective + 1e-6


def test_a_start_that_is_no_plan_does_no_harm():
    model = hard(n=8, rows=3)
    outcome = solve(model, Settings(gap=0.0), start={"x": np.full(8, 7.5)})
    assert outcome.ended is Ended.OPTIMAL
    assert outcome.objective == pytest.approx(solve(hard(n=8, rows=3), Settings(gap=0.0)).objective)
