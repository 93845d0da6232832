"""Linear models begun from stretches of their time: the same optimum, in fewer steps."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Ended, Horizon, Settings, first_basis, methods, solve, stretches
from solvers.compile import compile_model
from solvers.first_basis import first_basis as basis_of
from solvers.runs import Clock
from solvers.slicing import Program, held_by_rows

STEPS = 480


def store(seed=0, need=0.0):
    """Return purchases, a store that returns, and a size that is paid for once, over twenty days."""
    random = np.random.default_rng(seed)
    price = 3 + np.sin(np.arange(STEPS) / 24 * 2 * np.pi) + random.uniform(0, 1, STEPS)
    load = random.uniform(1, 5, STEPS) + need
    m = pyo.ConcreteModel()
    m.t, m.points = pyo.RangeSet(0, STEPS - 1), pyo.RangeSet(0, STEPS)
    m.bought, m.into = pyo.Var(m.t, bounds=(0, 8)), pyo.Var(m.t, bounds=(0, 3))
    m.out_of, m.stored = pyo.Var(m.t, bounds=(0, 3)), pyo.Var(m.points, within=pyo.NonNegativeReals)
    m.size = pyo.Var(bounds=(0, 30))
    m.need = pyo.Constraint(m.t, rule=lambda m, t: m.bought[t] + m.out_of[t] - m.into[t] == load[t])
    m.balance = pyo.Constraint(
        m.t, rule=lambda m, t: m.stored[t + 1] == 0.999 * m.stored[t] + 0.9 * m.into[t] - m.out_of[t]
    )
    m.fits = pyo.Constraint(m.points, rule=lambda m, p: m.stored[p] <= m.size)
    m.returns = pyo.Constraint(expr=m.stored[STEPS] == m.stored[0])
    m.cost = pyo.Objective(expr=sum(price[t] * m.bought[t] for t in m.t) + 12 * m.size)
    return m


def with_peak(m):
    """Let a peak between two bounds be paid: the mean of what stretches want of it is too low for the highest."""
    m.peak = pyo.Var(bounds=(0, 50))
    busiest = max(m.t, key=lambda t: pyo.value(m.need[t].upper))
    m.highest = pyo.Constraint(expr=m.bought[busiest] == 7.5)
    m.within = pyo.Constraint(m.t, rule=lambda m, t: m.bought[t] <= m.peak)
    m.cost.set_value(m.cost.expr + 40 * m.peak)
    return m


def horizon(m):
    return Horizon((m.t, m.points))


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    monkeypatch.setattr(stretches, "COLUMNS", 200)
    monkeypatch.setattr(methods, "COLUMNS", 200)


@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_is_the_same_in_fewer_steps(seed):
    cold = solve(store(seed), Settings(options={"presolve": "off"}), load=False)
    m = store(seed)
    begun = solve(m, Settings(), load=False, horizon=horizon(m))
    assert begun.ended is Ended.OPTIMAL
    assert begun.objective == pytest.approx(cold.objective, rel=1e-9)
    assert begun.iterations < 0.5 * cold.iterations
    assert begun.plan.dual(m.need) is not None


def test_sizes_that_stretches_agreed_on_leave_nothing_to_do(monkeypatch):
    """The basis is the optimal one already; without the agreement hundreds of steps are left."""
    m = store()
    assert solve(m, Settings(), load=False, horizon=horizon(m)).iterations <= 2
    monkeypatch.setattr(stretches.Stretches, "sizes", lambda _: stretches.Sizes(np.zeros(0, int), np.zeros(0)))
    assert solve(m, Settings(), load=False, horizon=horizon(m)).iterations > 100


def test_sizes_step_no_further_than_they_may_and_as_far_as_they_must():
    """A size whose mean is far from the best is reached in steps that double; its own bounds are no reason for more."""
    bounds = np.array([0.0, 0.0, 0.0]), np.array([100.0, 100.0, 100.0])
    step = np.array([8.0, 0.0, 20.0]), np.array([12.0, 5.0, 30.0])
    assert first_basis._is_held(np.array([12.0, 0.0, 25.0]), step, bounds).tolist() == [True, False, False]


def test_a_row_that_holds_a_column_without_a_time_is_a_bound_as_well():
    m = store()
    m.held = pyo.Constraint(expr=2 * m.size == 7)
    m.begins = pyo.Constraint(expr=m.stored[0] == 1)
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    known = held_by_rows(program, np.flatnonzero(times < 0))
    changed = np.flatnonzero((known.low != program.low) | (known.high != program.high))
    assert changed.tolist() == np.flatnonzero(times < 0).tolist()
    assert (known.low[changed], known.high[changed]) == (3.5, 3.5)


def test_what_cannot_be_is_said_so():
    m = store(need=20.0)
    assert solve(m, Settings(), load=False, horizon=horizon(m)).ended is Ended.INFEASIBLE


def test_short_models_and_stopped_clocks_have_no_basis(monkeypatch):
    m = store()
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    assert basis_of(program, times, 2, Clock(), {}) is not None
    # What is not solved in time is left as it would be without a basis.
    late = basis_of(program, times, 2, Clock(seconds=0.0), {})
    assert {int(status) for status in late.row_status} == {1}
    monkeypatch.setattr(stretches, "COLUMNS", 2000)
    assert basis_of(program, times, 2, Clock(), {}) is None


def test_another_algorithm_is_left_alone(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("no basis is wanted")

    monkeypatch.setattr(methods, "first_basis", refuse)
    m = store()
    outcome = solve(m, Settings(options={"solver": "ipm"}), load=False, horizon=horizon(m))
    assert outcome.ended is Ended.OPTIMAL


def test_a_time_limit_counts_the_stretches():
    m = store()
    outcome = solve(m, Settings(seconds=1e-4), load=False, horizon=horizon(m))
    assert outcome.ended is Ended.TIME
    assert outcome.plan is None
