"""The HiGHS driver beyond the contract: time limit, interrupt, progress, duals, settings."""

from __future__ import annotations

import math
import signal
import threading

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Ended, Settings, SettingsError, solve
from solvers.compile import compile_model
from solvers.matrix import whole_bounds
from tests.solvers.models import diet, hard, knapsack
from tests.solvers.test_pricing import random_plant


def test_a_time_limit_keeps_the_incumbent_and_says_so():
    m = hard()
    outcome = solve(m, Settings(seconds=1.0, gap=0.0))
    assert (outcome.ended, outcome.has_plan, outcome.is_proved) == (Ended.TIME, True, False)
    assert outcome.objective >= outcome.bound - 1e-6
    assert outcome.gap > 0
    assert pyo.value(m.goal) == pytest.approx(outcome.objective)


def test_ctrl_c_keeps_the_incumbent():
    threading.Timer(1.5, signal.raise_signal, [signal.SIGINT]).start()
    seen = []
    outcome = solve(hard(), Settings(seconds=60, gap=0.0), seen.append)
    assert (outcome.ended, outcome.has_plan) == (Ended.INTERRUPTED, True)
    assert outcome.seconds < 30
    assert sum(progress.is_stopping for progress in seen) == 1


def test_progress_shows_incumbent_bound_and_gap_while_it_runs():
    seen = []
    solve(hard(), Settings(seconds=2.0, gap=0.0), seen.append)
    assert len(seen) >= 2
    last = seen[-1]
    assert math.isfinite(last.incumbent)
    assert last.bound <= last.incumbent
    assert last.gap > 0
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_progress_of_a_model_that_maximises_is_in_its_own_sense():
    """What is missing or too much is below zero: so are the plans, and none is above the bound."""
    m, seen = hard(), []
    m.goal.set_value(-m.goal.expr)
    m.goal.sense = pyo.maximize
    outcome = solve(m, Settings(seconds=1.0, gap=0.0), seen.append)
    plans = [p.incumbent for p in seen if math.isfinite(p.incumbent)]
    assert plans[-1] == pytest.approx(outcome.objective)
    assert plans[-1] < 0
    assert seen[-1].bound >= plans[-1]


def test_a_model_that_maximises_has_the_duals_of_its_own_sense():
    """One more unit of weight is worth nothing in the knapsack with its choice fixed; in the diet one more costs 3."""
    m = diet()
    outcome = solve(m)
    assert outcome.plan.duals["enough"][0] == pytest.approx(3)
    assert solve(knapsack()).plan.duals["fits"][0] == pytest.approx(0)


def test_duals_of_a_mixed_integer_model_are_those_with_the_integers_fixed():
    """Build at 10 to produce at 1 up to 5, or buy at 4: four units are built for, and one more would cost 1."""
    m = pyo.ConcreteModel()
    m.build = pyo.Var(within=pyo.Binary)
    m.make = pyo.Var(bounds=(0, 5))
    m.buy = pyo.Var(within=pyo.NonNegativeReals)
    m.only_if_built = pyo.Constraint(expr=m.make <= 5 * m.build)
    m.demand = pyo.Constraint(expr=m.make + m.buy == 4)
    m.goal = pyo.Objective(expr=10 * m.build + m.make + 4 * m.buy)
    outcome = solve(m, Settings(gap=0.0))
    assert outcome.objective == pytest.approx(14)
    assert outcome.plan.duals["demand"][0] == pytest.approx(1)


def test_variables_in_no_row_get_a_value_within_their_bounds():
    m = diet()
    solve(m)
    assert m.unused.value == 2


def test_a_row_without_variables_that_cannot_hold_is_infeasible_and_named():
    m = diet()
    m.x.fix(1)
    m.wrong = pyo.Constraint(expr=m.x >= 2)
    outcome = solve(m)
    assert outcome.ended is Ended.INFEASIBLE
    assert "wrong" in outcome.message


def test_an_empty_model_is_solved():
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(1, 2))
    m.goal = pyo.Objective(expr=0 * m.x + 7.0)
    outcome = solve(m)
    assert outcome.is_proved
    assert outcome.objective == pytest.approx(7)


def test_seed_and_threads_are_followed_and_give_the_same_plan():
    one, other = (solve(knapsack(), Settings(seed=7, threads=1)).objective for _ in range(2))
    assert one == other == pytest.approx(46)


def test_matrix_has_the_rows_bounds_and_integers_of_the_model():
    m = diet()
    m.band = pyo.Constraint(expr=(1, m.x - m.y, 2))
    m.n = pyo.Var(within=pyo.Integers, bounds=(-3, 3))
    m.tie = pyo.Constraint(expr=m.n == m.x)
    matrix = compile_model(m)
    assert [matrix.column_name(column) for column in range(4)] == ["x", "y", "unused", "n"]
    assert matrix.integer.tolist() == [False, False, False, True]
    assert matrix.low.tolist() == [0, 0, 2, -3]
    assert matrix.high.tolist() == [6, np.inf, 5, 3]
    assert matrix.cost.tolist() == [2, 3, 0, 0]
    assert matrix.offset == 0.5
    names = [matrix.row_name(row) for row in range(len(matrix.row_low))]
    kept = sorted(zip(names, matrix.row_low.tolist(), matrix.row_high.tolist(), strict=True))
    assert kept == [("band", 1.0, 2.0), ("enough", 10.0, np.inf), ("tie", 0.0, 0.0)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gap": -1.0}, "gap -1.0: wanted zero or more"),
        ({"seconds": 0.0}, "seconds 0.0: wanted a time above zero"),
        ({"threads": 0}, "threads 0: wanted at least one"),
        ({"seed": -1}, "seed -1: wanted a whole number"),
    ],
)
def test_settings_that_no_solver_could_follow_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        Settings(**settings)


def test_an_unknown_solver_or_option_is_refused():
    with pytest.raises(SettingsError, match="solver nosuch: not known"):
        solve(diet(), Settings(solver="nosuch"))
    with pytest.raises(SettingsError, match="HiGHS has no option nonsense"):
        solve(diet(), Settings(options={"nonsense": 1}))


def test_two_objectives_are_refused():
    m = diet()
    m.other = pyo.Objective(expr=m.x)
    with pytest.raises(ValueError, match="2 active objectives"):
        solve(m)


def test_whole_numbers_between_bounds_that_are_none():
    """Modules of a plant may be 3.148 to 5: HiGHS 1.15.1, given that bound in windows, cuts off the optimum of 4."""
    m, whole = random_plant(1), random_plant(1)
    m.modules.setlb(3.14807167)
    whole.modules.setlb(4)
    found, wanted = (solve(model, Settings(gap=0.0), load=False) for model in (m, whole))
    assert found.objective == pytest.approx(wanted.objective, rel=1e-9)
    low, high = whole_bounds(np.array([0.4, 0.4, 1.2]), np.array([2.6, 2.6, 1.8]), np.array([True, False, True]))
    assert low.tolist() == [1.0, 0.4, 1.2]
    assert high.tolist() == [2.0, 2.6, 1.8]
