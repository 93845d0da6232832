"""Windows of time: the same optimum as the model as one, a bound that no plan beats, a plan that keeps every row."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Ended, Horizon, Settings, SettingsError, methods, solve, windows
from solvers.compile import compile_model
from solvers.methods import solve_by_method
from solvers.runs import Clock
from solvers.standing import Standing

WINDOWS = Settings(method="windows", gap=2e-3)
DIRECT = Settings(method="direct", gap=0.0)


def factory(steps=72, *, cap=None, sized=False, modules=False, peak=True, least=4.0, seed=1):
    """Return a unit on or off (4 to 10 per step, dear starts, three steps up), a store, and purchases with a peak.

    `cap` limits what the unit makes in all, `sized` makes the store's size a decision, `modules` a whole number.
    """
    random = np.random.default_rng(seed)
    need = 8 + 6 * np.sin(np.arange(steps) / 24 * 2 * np.pi) + random.uniform(0, 3, steps)
    price = 3 + 2 * np.sin(np.arange(steps) / 24 * 2 * np.pi + 1) + random.uniform(0, 1, steps)
    m = pyo.ConcreteModel()
    m.steps, m.later, m.points = pyo.RangeSet(0, steps - 1), pyo.RangeSet(1, steps - 1), pyo.RangeSet(0, steps)
    m.on = pyo.Var(m.steps, within=pyo.Binary)
    m.starts = pyo.Var(m.steps, bounds=(0, 1))
    m.made, m.bought = pyo.Var(m.steps, bounds=(0, 10)), pyo.Var(m.steps, bounds=(0, 20))
    m.into, m.out_of = pyo.Var(m.steps, bounds=(0, 3)), pyo.Var(m.steps, bounds=(0, 3))
    m.stored, m.peak = pyo.Var(m.points, bounds=(0, 8)), pyo.Var(within=pyo.NonNegativeReals)
    m.least = pyo.Constraint(m.steps, rule=lambda m, t: m.made[t] >= least * m.on[t])
    m.most = pyo.Constraint(m.steps, rule=lambda m, t: m.made[t] <= 10 * m.on[t])
    m.begins = pyo.Constraint(m.later, rule=lambda m, t: m.starts[t] >= m.on[t] - m.on[t - 1])
    m.lasts = pyo.Constraint(
        m.steps, rule=lambda m, t: sum(m.starts[s] for s in range(max(0, t - 2), t + 1)) <= m.on[t]
    )
    m.need = pyo.Constraint(m.steps, rule=lambda m, t: m.made[t] + m.bought[t] + m.out_of[t] - m.into[t] == need[t])
    m.balance = pyo.Constraint(
        m.steps, rule=lambda m, t: m.stored[t + 1] == m.stored[t] + 0.9 * m.into[t] - m.out_of[t]
    )
    m.returns = pyo.Constraint(expr=m.stored[steps] == m.stored[0])
    cost = sum(2.2 * m.made[t] + 3 * m.on[t] + 9 * m.starts[t] + price[t] * m.bought[t] for t in m.steps)
    if peak:
        m.below_peak = pyo.Constraint(m.steps, rule=lambda m, t: m.bought[t] <= m.peak)
        cost += 20 * m.peak
    if cap is not None:
        m.cap = pyo.Constraint(expr=sum(m.made[t] for t in m.steps) <= cap)
    if sized or modules:
        m.size = pyo.Var(bounds=(0, 8), within=pyo.NonNegativeIntegers if modules else pyo.NonNegativeReals)
        m.fits = pyo.Constraint(m.points, rule=lambda m, p: m.stored[p] <= m.size)
        cost += 5 * m.size
    m.goal = pyo.Objective(expr=cost)
    return m


def horizon(m):
    return Horizon((m.steps, m.later, m.points))


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Windows of 24 steps."""
    monkeypatch.setattr(windows, "INTEGERS", 24)


def broken_by(m):
    """Return by how much Pyomo's own evaluation finds the worst row, bound or whole number broken."""
    worst = 0.0
    for row in m.component_data_objects(pyo.Constraint, active=True):
        low, body, high = (None if part is None else pyo.value(part) for part in row.to_bounded_expression())
        worst = max(worst, body - high if high is not None else 0.0, low - body if low is not None else 0.0)
    for variable in m.component_data_objects(pyo.Var):
        if variable.is_integer() or variable.is_binary():
            worst = max(worst, abs(variable.value - round(variable.value)))
        low, high = variable.bounds
        worst = max(worst, variable.value - (math.inf if high is None else high), (low or 0.0) - variable.value)
    return worst


CASES = {
    "peak": {},
    "cap over all": {"cap": 300.0},
    "size": {"sized": True},
    "size in modules": {"modules": True},
    "no coupling": {"peak": False},
    "minimum load": {"least": 8.0},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threads", [1, 2])
def test_same_optimum_as_directly(case, threads):
    """The direct optimum lies between bound and plan; both within the gap; Pyomo itself finds every row kept."""
    true = solve(factory(**CASES[case]), DIRECT).objective
    m = factory(**CASES[case])
    outcome = solve(m, Settings(method="windows", gap=2e-3, threads=threads, seconds=30), horizon=horizon(m))
    assert outcome.method == "windows"
    assert outcome.has_plan
    assert outcome.bound <= true + 1e-6
    assert outcome.objective >= true - 1e-6
    assert outcome.objective == pytest.approx(pyo.value(m.goal), rel=1e-9)
    assert broken_by(m) <= 1e-6
    assert outcome.ended is Ended.OPTIMAL
    assert outcome.gap <= 2e-3 + 1e-9


def test_a_maximum_has_its_bound_above():
    m = factory()
    m.goal.deactivate()
    m.gain = pyo.Objective(expr=1000 - m.goal.expr, sense=pyo.maximize)
    true = 1000 - solve(factory(), DIRECT).objective
    outcome = solve(m, WINDOWS, horizon=horizon(m))
    assert outcome.objective <= true + 1e-6 <= outcome.bound + 2e-6
    assert outcome.ended is Ended.OPTIMAL


def test_infeasible_is_said():
    m = factory(cap=300.0)
    m.too_much = pyo.Constraint(expr=sum(m.made[t] for t in m.steps) >= 301)
    outcome = solve(m, WINDOWS, horizon=horizon(m))
    assert (outcome.ended, outcome.has_plan) == (Ended.INFEASIBLE, False)


def test_infeasible_only_for_whole_numbers_is_said_by_the_way_back():
    """One unit of 4 to 10 that must make 3 in all: the relaxation can, no plan can."""
    m = factory(cap=3.0)
    m.some = pyo.Constraint(expr=sum(m.made[t] for t in m.steps) >= 3)
    outcome = solve(m, WINDOWS, horizon=horizon(m))
    assert (outcome.ended, outcome.has_plan, outcome.method) == (Ended.INFEASIBLE, False, "direct")
    assert "windows were tried first" in outcome.message


def test_time_limit_keeps_a_plan_and_says_so():
    m = factory(480)
    began = time.perf_counter()
    outcome = solve(m, Settings(method="windows", gap=0.0, seconds=4.0), horizon=horizon(m))
    assert time.perf_counter() - began < 12
    assert outcome.ended in (Ended.TIME, Ended.OPTIMAL)
    assert outcome.has_plan
    assert not (outcome.ended is Ended.TIME and outcome.is_proved)
    assert outcome.bound <= outcome.objective + 1e-6
    assert broken_by(m) <= 1e-6


def test_interrupt_keeps_the_plan():
    m = factory(480)

    def stop_at_a_plan(progress):
        if math.isfinite(progress.incumbent) and not stopped.is_set():
            stopped.set()
            os.kill(os.getpid(), signal.SIGINT)

    stopped = threading.Event()
    outcome = solve(m, Settings(method="windows", gap=0.0, seconds=60), stop_at_a_plan, horizon=horizon(m))
    assert outcome.ended is Ended.INTERRUPTED
    assert outcome.has_plan
    assert broken_by(m) <= 1e-6
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_begins_with_a_plan():
    m = factory()
    first = solve(m, WINDOWS, horizon=horizon(m))
    again = solve(m, WINDOWS, start=first.plan, horizon=horizon(m))
    assert again.objective <= first.objective + 1e-9


def test_the_same_twice():
    found = []
    for _ in range(2):
        m = factory()
        found.append(solve(m, WINDOWS, horizon=horizon(m)).objective)
    assert found[0] == found[1]


def test_duals_are_those_with_the_whole_numbers_held():
    m = factory()
    outcome = solve(m, WINDOWS, horizon=horizon(m))
    fixed = factory()
    for t in fixed.steps:
        fixed.on[t].fix(round(m.on[t].value))
    linear = solve(fixed, DIRECT)
    assert linear.objective == pytest.approx(outcome.objective, rel=1e-5)
    assert outcome.plan.dual(m.need) is not None


def test_auto_takes_windows_for_many_whole_numbers_only(monkeypatch):
    m = factory(48)
    assert solve_by_method(m, Settings(), horizon=horizon(m)).method == "direct"
    monkeypatch.setattr("solvers.methods.WINDOWS_FROM", 40)
    assert solve_by_method(m, Settings(), horizon=horizon(m)).method == "windows"
    assert solve_by_method(m, Settings(method="direct"), horizon=horizon(m)).method == "direct"
    assert solve_by_method(m, Settings()).method == "direct"


def test_a_linear_model_is_never_solved_in_windows():
    m = factory(48)
    for t in m.steps:
        m.on[t].domain = pyo.UnitInterval
    assert solve(m, WINDOWS, horizon=horizon(m)).method == "direct"


def test_settings_that_cannot_be():
    with pytest.raises(SettingsError, match="wanted auto, direct, windows or neighbourhood"):
        Settings(method="window")
    with pytest.raises(SettingsError, match="method windows with solver cbc: that way is solved with highs"):
        Settings(method="windows", solver="cbc")
    with pytest.raises(SettingsError, match="horizon"):
        solve(factory(4), WINDOWS)


def test_times_are_those_of_the_index():
    m = factory(4, sized=True)
    m.line = pyo.RangeSet(0, 1)
    m.some = pyo.Set(initialize=[1, 3], within=m.steps)
    m.on_line, m.at_some, m.no_time = pyo.Var(m.steps, m.line), pyo.Var(m.some), pyo.Var(m.line)
    columns = compile_model(m).evaluator.columns
    times = horizon(m).times(columns)

    def of(variable):
        return times[columns.span(variable)].tolist()

    assert of(m.on_line) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert (of(m.at_some), of(m.no_time), of(m.size), of(m.stored)) == ([1, 3], [-1, -1], [-1], [0, 1, 2, 3, 4])


def no_first_plan(monkeypatch, until):
    """Let the search for a first plan end without one, once `until` holds for the search's own clock."""

    def found(self, windows, is_whole, solve_all):
        until()

    monkeypatch.setattr(windows.FirstPlan, "found", found)


def test_without_a_plan_in_time_the_bound_is_kept(monkeypatch):
    """The windows' bound is above the relaxation and below the optimum; there is no plan and nothing pretends one."""
    optimum = solve(factory(), DIRECT).objective
    m = factory()
    for t in m.steps:
        m.on[t].domain = pyo.UnitInterval
    relaxation = solve(m, DIRECT).objective
    no_first_plan(monkeypatch, lambda: time.sleep(6.0))
    m = factory()
    outcome = solve(m, Settings(method="windows", gap=1e-4, seconds=5.0), horizon=horizon(m))
    assert (outcome.ended, outcome.has_plan, outcome.is_proved) == (Ended.TIME, False, False)
    assert relaxation + 0.1 <= outcome.bound <= optimum + 1e-6
    assert math.isnan(outcome.objective)


def test_stopped_before_a_plan_the_bound_is_kept_and_nothing_else_is_tried(monkeypatch):
    no_first_plan(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGINT))
    m = factory()
    outcome = solve(m, Settings(method="windows", gap=1e-4, seconds=60), horizon=horizon(m))
    assert (outcome.ended, outcome.has_plan, outcome.method) == (Ended.INTERRUPTED, False, "windows")
    assert math.isfinite(outcome.bound)


def test_the_way_back_keeps_the_better_bound(monkeypatch):
    """Windows prove something and find no plan; the model as one finds a plan and proves next to nothing."""
    no_first_plan(monkeypatch, lambda: None)
    optimum = solve(factory(), DIRECT).objective
    direct = methods.solve_matrix
    monkeypatch.setattr(methods, "solve_matrix", lambda *parts: replace(direct(*parts), bound=-1e9))
    m = factory()
    outcome = solve(m, WINDOWS, horizon=horizon(m))
    assert (outcome.method, outcome.has_plan) == ("direct", True)
    assert 0.9 * optimum <= outcome.bound <= optimum + 1e-6


@pytest.mark.parametrize("spoiled", ["row", "bound", "whole number"])
def test_a_plan_that_breaks_something_is_never_taken(spoiled):
    m = factory(24)
    plan = solve(m, DIRECT).plan
    matrix = compile_model(m)
    columns = matrix.evaluator.columns
    x, made, on = plan.values.copy(), columns.start(m.made), columns.start(m.on)
    if spoiled == "row":
        x[columns.start(m.bought)] += 1e-3
    elif spoiled == "bound":
        x[columns.start(m.stored)] = -1e-3
    else:
        x[on], x[made] = 0.5, 4.5
    standing = Standing(matrix, 0.0, Clock())
    assert not standing.take(x)
    assert standing.best is None
    assert standing.take(plan.values)


def test_a_start_that_breaks_a_row_is_not_begun_with():
    """A plan of the same columns with other needs: windows find their own."""
    m = factory(72, seed=2)
    other = solve(factory(72, seed=1), DIRECT).plan
    outcome = solve(m, WINDOWS, start=other, horizon=horizon(m))
    assert broken_by(m) <= 1e-6
    assert outcome.ended is Ended.OPTIMAL
