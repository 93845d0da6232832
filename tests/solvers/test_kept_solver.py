"""A kept solver goes on from where it was: other bounds and costs, the same optimum as a new one's."""

from __future__ import annotations

import pyomo.environ as pyo
import pytest

from solvers import Compilation, Ended, Settings, highs, solve
from solvers.compile import compile_model
from solvers.runs import Clock, Run
from solvers.slicing import Program


def model():
    """Return what is bought and made of two fuels, within a limit that moves."""
    m = pyo.ConcreteModel()
    m.t = pyo.RangeSet(0, 9)
    m.coal, m.gas = pyo.Var(m.t, bounds=(0, 10)), pyo.Var(m.t, bounds=(0, 10))
    m.need = pyo.Constraint(m.t, rule=lambda m, t: m.coal[t] + m.gas[t] == 5 + t % 3)
    m.cost = pyo.Objective(expr=sum((1 + 0.1 * t) * m.coal[t] + 3 * m.gas[t] for t in m.t) + 7)
    return m


def limit(m, most):
    """Limit coal; in ten steps 59 are needed, and coal is the cheaper one in all of them."""
    if hasattr(m, "limit"):
        m.del_component("limit")
    m.limit = pyo.Constraint(expr=sum(m.coal[t] for t in m.t) <= most)


@pytest.fixture
def handed_over(monkeypatch):
    """Return a list that grows with each model that HiGHS is handed as a whole."""
    found = []
    loaded = highs.loaded
    monkeypatch.setattr(highs, "loaded", lambda *args: (found.append(1), loaded(*args))[1])
    return found


def test_limits_move_in_one_solver_and_costs_are_those_of_new_ones(handed_over):
    m, last = model(), None
    kept = Compilation(m, keeps_solver=True)
    costs = []
    for most in (60.0, 40.0, 20.0, 0.0, 30.0):
        limit(m, most)
        last = solve(m, Settings(), start=last, load=False, compilation=kept).plan
        costs.append(float(last.along(lambda: m.cost.expr)[0]))
    assert len(handed_over) == 1
    fresh = []
    for most in (60.0, 40.0, 20.0, 0.0, 30.0):
        limit(m, most)
        fresh.append(solve(m, Settings(), load=False).objective)
    assert costs == pytest.approx(fresh)
    assert costs[3] == pytest.approx(3 * 59 + 7)


def test_another_objective_goes_on_as_well(handed_over):
    m = model()
    kept = Compilation(m, keeps_solver=True)
    first = solve(m, Settings(), load=False, compilation=kept)
    m.del_component("cost")
    m.cost = pyo.Objective(expr=sum(2 * m.gas[t] - m.coal[t] for t in m.t) + 1, sense=pyo.maximize)
    second = solve(m, Settings(), start=first.plan, load=False, compilation=kept)
    assert second.objective == pytest.approx(2 * 59 + 1)
    assert len(handed_over) == 1


@pytest.mark.parametrize("change", ["coefficient", "gap", "start", "integer"])
def test_what_is_another_model_gets_a_solver_of_its_own(change, handed_over):
    m = model()
    kept = Compilation(m, keeps_solver=True)
    limit(m, 40.0)
    if change == "integer":
        m.coal[0].domain = pyo.Integers
    first = solve(m, Settings(), load=False, compilation=kept)
    m.del_component("limit")
    m.limit = pyo.Constraint(expr=sum((2 if change == "coefficient" else 1) * m.coal[t] for t in m.t) <= 30.0)
    settings = Settings(gap=1e-6) if change == "gap" else Settings()
    start = None if change == "start" else first.plan
    second = solve(m, settings, start=start, load=False, compilation=kept)
    assert len(handed_over) == 2
    assert second.objective == pytest.approx(solve(m, Settings(), load=False).objective)


def test_time_is_counted_anew_for_each_solve(monkeypatch):
    """HiGHS counts the time of all its runs: a limit that has passed already would end the second at once."""
    m = model()
    kept = Compilation(m, keeps_solver=True)
    limit(m, 40.0)
    first = solve(m, Settings(seconds=5.0), load=False, compilation=kept)
    monkeypatch.setattr(type(kept.solver._solver), "getRunTime", lambda _: 100.0)
    limit(m, 30.0)
    assert solve(m, Settings(seconds=5.0), start=first.plan, load=False, compilation=kept).ended is Ended.OPTIMAL
    assert kept.solver._solver.getOptionValue("time_limit")[1] == pytest.approx(105.0)


def test_no_plan_is_said_so_and_the_next_model_is_handed_over_anew(handed_over):
    m = model()
    kept = Compilation(m, keeps_solver=True)
    first = solve(m, Settings(), load=False, compilation=kept)
    m.limit = pyo.Constraint(expr=sum(m.coal[t] + m.gas[t] for t in m.t) <= 50.0)
    second = solve(m, Settings(), start=first.plan, load=False, compilation=kept)
    assert (second.ended, second.plan) == (Ended.INFEASIBLE, None)
    m.del_component("limit")
    third = solve(m, Settings(), start=first.plan, load=False, compilation=kept)
    assert third.objective == pytest.approx(first.objective)


def test_other_threads_in_between_do_no_harm():
    """HiGHS refuses to run beside a scheduler of another number of threads, which an earlier solver began."""
    m = model()
    kept = Compilation(m, keeps_solver=True)
    limit(m, 40.0)
    first = solve(m, Settings(threads=2), load=False, compilation=kept)
    solve(model(), Settings(threads=1), load=False)
    limit(m, 30.0)
    second = solve(m, Settings(threads=2), start=first.plan, load=False, compilation=kept)
    assert second.ended is Ended.OPTIMAL
    program = Program.of(compile_model(m))
    assert Run(program, Clock(), {}, relaxed=True).solve().objective + 7 == pytest.approx(second.objective)


def test_a_time_limit_ends_with_the_solve_that_it_was_for():
    m = model()
    kept = Compilation(m, keeps_solver=True)
    limit(m, 40.0)
    first = solve(m, Settings(seconds=5.0), load=False, compilation=kept)
    limit(m, 30.0)
    solve(m, Settings(), start=first.plan, load=False, compilation=kept)
    assert kept.solver._solver.getOptionValue("time_limit")[1] == float("inf")
