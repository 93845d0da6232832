"""The whole numbers next to the relaxation: proved where they suffice, else the whole model is searched."""

from __future__ import annotations

import math

import pyomo.environ as pyo
import pytest

from solvers import Ended, Settings, neighbourhood, solve
from tests.solvers.test_windows import factory

NEARBY = Settings(method="neighbourhood", gap=1e-2)


def choice(least: float, sense=pyo.minimize) -> pyo.ConcreteModel:
    """Return two whole numbers from 0 to 5 with ``2 x + 2 y >= least``, of which x costs 1 and y costs 1.1."""
    m = pyo.ConcreteModel()
    m.x, m.y = (
        pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, 5)),
        pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, 5)),
    )
    m.enough = pyo.Constraint(expr=2 * m.x + 2 * m.y >= least)
    sign = 1 if sense == pyo.minimize else -1
    m.cost = pyo.Objective(expr=sign * (m.x + 1.1 * m.y), sense=sense)
    return m


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_a_plan_next_to_the_relaxation_is_proved_by_its_bound(sense):
    """At 2 x + 2 y >= 7.99 the relaxation is x = 3.995; next to it stands x = 4, dearer by 0.005 of 4, or 0.125 %."""
    outcome = solve(choice(7.99, sense), NEARBY)
    assert (outcome.ended, outcome.method) == (Ended.OPTIMAL, "neighbourhood")
    assert abs(outcome.objective) == pytest.approx(4.0)
    assert abs(outcome.bound) == pytest.approx(3.995)
    assert outcome.gap == pytest.approx(0.00125)


def test_what_is_too_far_from_the_bound_is_searched_as_a_whole():
    """At 2 x + 2 y >= 7 the relaxation is x = 3.5 and next to it x = 4, 12.5 % dearer: proved by the search alone."""
    outcome = solve(choice(7.0), NEARBY)
    assert (outcome.ended, outcome.method) == (Ended.OPTIMAL, "direct")
    assert (outcome.objective, outcome.bound) == (pytest.approx(4.0), pytest.approx(4.0, abs=0.05))


def test_where_nothing_next_to_the_relaxation_holds_the_whole_model_is_searched():
    """With x = 3 z and x >= 1.5 the relaxation is x = 1.5; of 1 and 2 next to it neither holds, and the plan is 3."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, 3))
    m.z = pyo.Var(within=pyo.Binary)
    m.third = pyo.Constraint(expr=m.x == 3 * m.z)
    m.most = pyo.Constraint(expr=m.x >= 1.5)
    m.cost = pyo.Objective(expr=m.x)
    outcome = solve(m, NEARBY)
    assert (outcome.ended, outcome.objective) == (Ended.OPTIMAL, pytest.approx(3.0))


def test_it_says_what_the_search_of_the_whole_model_says():
    m = factory(48)
    direct = solve(m, Settings(method="direct", gap=1e-4), load=False)
    nearby = solve(m, Settings(method="neighbourhood", gap=1e-2), load=False)
    assert nearby.ended is Ended.OPTIMAL
    assert direct.bound * (1 - 1e-6) <= nearby.objective <= direct.objective * 1.01
    assert nearby.bound <= direct.objective * (1 + 1e-6)


def test_a_linear_model_and_one_without_a_plan():
    m = choice(7.99)
    m.x.domain = m.y.domain = pyo.NonNegativeReals
    assert solve(m, NEARBY).objective == pytest.approx(3.995)
    assert solve(choice(99.0), NEARBY).ended is Ended.INFEASIBLE


def test_time_that_is_over_is_told_with_the_bound_that_there_is(monkeypatch):
    """The relaxation takes all the time: no plan, and its value as the bound."""
    solved = neighbourhood.solve_matrix

    def slow(*parts):
        outcome = solved(*parts)
        return outcome if parts[0].integer.any() else neighbourhood.replace(outcome, seconds=9.0)

    monkeypatch.setattr(neighbourhood, "solve_matrix", slow)
    outcome = solve(choice(7.99), Settings(method="neighbourhood", seconds=9.0))
    assert (outcome.ended, outcome.has_plan, outcome.bound) == (Ended.TIME, False, pytest.approx(3.995))
    assert math.isnan(outcome.objective)
