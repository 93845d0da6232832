"""Bounds of priced windows: whatever the prices, no plan is better; at the relaxation's, none is below it."""

from __future__ import annotations

import math

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Horizon, Settings, solve, windows
from solvers.compile import compile_model
from solvers.first_plan import windows_of
from solvers.pricing import priced
from solvers.runs import Clock, Run, minimise
from solvers.slicing import Program

STEPS = 16


def random_plant(seed, sense=pyo.minimize):
    """Return a unit, a store and purchases over unequal, weighted steps, tied by rows that the seed draws.

    Two peaks of half the time each; a store that returns, ends at a level, or is free; a cap on all that is made, an
    amount that must be made, or neither; a whole number of modules without a time; minimum times up.
    """
    random = np.random.default_rng(seed)
    hours, weight = random.choice([0.25, 0.5, 1.0], STEPS), random.choice([1.0, 2.0, 5.0], STEPS)
    need, price = random.uniform(4, 14, STEPS), random.uniform(-1, 6, STEPS)
    m = pyo.ConcreteModel()
    m.steps, m.later = pyo.RangeSet(0, STEPS - 1), pyo.RangeSet(1, STEPS - 1)
    m.points, m.months = pyo.RangeSet(0, STEPS), pyo.RangeSet(0, 1)
    m.on, m.starts = pyo.Var(m.steps, within=pyo.Binary), pyo.Var(m.steps, bounds=(0, 1))
    m.made, m.bought = pyo.Var(m.steps, bounds=(0, 10)), pyo.Var(m.steps, within=pyo.NonNegativeReals)
    m.into, m.out_of = pyo.Var(m.steps, bounds=(0, 4)), pyo.Var(m.steps, bounds=(0, 4))
    m.stored, m.peak = pyo.Var(m.points, bounds=(0, 6)), pyo.Var(m.months, within=pyo.NonNegativeReals)
    m.modules = pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, 5))
    m.least = pyo.Constraint(m.steps, rule=lambda m, t: m.made[t] >= 5 * m.on[t])
    m.most = pyo.Constraint(m.steps, rule=lambda m, t: m.made[t] <= 10 * m.on[t])
    m.begins = pyo.Constraint(m.later, rule=lambda m, t: m.starts[t] >= m.on[t] - m.on[t - 1])
    m.lasts = pyo.Constraint(
        m.steps, rule=lambda m, t: sum(m.starts[s] for s in range(max(0, t - 2), t + 1)) <= m.on[t]
    )
    m.need = pyo.Constraint(m.steps, rule=lambda m, t: m.made[t] + m.bought[t] + m.out_of[t] - m.into[t] == need[t])
    m.balance = pyo.Constraint(
        m.steps,
        rule=lambda m, t: m.stored[t + 1] == 0.99 * m.stored[t] + hours[t] * (0.9 * m.into[t] - m.out_of[t]),
    )
    m.fits = pyo.Constraint(m.points, rule=lambda m, p: m.stored[p] <= 1.5 * m.modules)
    m.below = pyo.Constraint(m.steps, rule=lambda m, t: m.bought[t] <= m.peak[2 * t // STEPS])
    total = sum(weight[t] * hours[t] * m.made[t] for t in m.steps)
    tie = seed % 3
    if tie == 0:
        m.returns = pyo.Constraint(expr=m.stored[STEPS] == m.stored[0])
        m.cap = pyo.Constraint(expr=total <= random.uniform(20, 80))
    elif tie == 1:
        m.ends = pyo.Constraint(expr=m.stored[STEPS] >= 2)
        m.amount = pyo.Constraint(expr=total == random.uniform(40, 80))
    running = (2.5 * m.made[t] + 2 * m.on[t] + price[t] * m.bought[t] for t in m.steps)
    cost = sum(weight[t] * hours[t] * part for t, part in zip(m.steps, running, strict=True))
    cost += sum(6 * m.starts[t] for t in m.steps) + 3 * m.modules + sum(15 * m.peak[i] for i in m.months) + 100
    m.goal = pyo.Objective(expr=cost if sense == pyo.minimize else -cost, sense=sense)
    return m


def horizon(m):
    return Horizon((m.steps, m.later, m.points))


def bound_of(parts):
    """Return what the windows prove together when each is solved to its optimum."""
    return parts.constant + math.fsum(
        minimise(piece.program, Clock(), math.inf, 0.0, {}, None).bound for piece in parts.pieces
    )


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_is_below_the_bound_of_any_prices(seed):
    """The prices of the relaxation, none at all, and random ones: each is a bound of the optimum found as one model."""
    m = random_plant(seed)
    optimum = solve(m, Settings(gap=0.0, method="direct"), load=False).objective
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    relaxed = Run(program, Clock(), {}, relaxed=True).solve()
    random = np.random.default_rng(seed)
    for width in (4, 7):
        edges = [window.start for window in windows_of(STEPS + 1, width)]
        at_relaxation = priced(program, times, edges, relaxed.duals)
        assert at_relaxation.constant + at_relaxation.floors.sum() == pytest.approx(relaxed.objective, abs=1e-5)
        assert bound_of(at_relaxation) >= relaxed.objective - 1e-5
        for duals in (relaxed.duals, 0 * relaxed.duals, relaxed.duals + random.normal(0, 1, len(relaxed.duals))):
            parts = priced(program, times, edges, duals)
            bound = bound_of(parts)
            assert bound + matrix.offset <= optimum + 1e-5
            assert (parts.constant + parts.floors.sum()) <= bound + 1e-5


@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_lies_between_bound_and_plan(seed, monkeypatch):
    """Peaks, caps, fixed amounts, returning stores, modules, unequal and weighted steps; every fourth is maximised."""
    monkeypatch.setattr(windows, "INTEGERS", 5)
    monkeypatch.setattr(windows, "SHORTEST", 4)
    sense = pyo.maximize if seed % 4 == 3 else pyo.minimize
    optimum = solve(random_plant(seed, sense), Settings(gap=0.0, method="direct"), load=False).objective
    m = random_plant(seed, sense)
    outcome = solve(m, Settings(gap=1e-3, method="windows", seconds=30), load=False, horizon=horizon(m))
    assert outcome.has_plan
    sign = 1 if sense == pyo.minimize else -1
    assert sign * outcome.bound <= sign * optimum + 1e-5
    assert sign * outcome.objective >= sign * optimum - 1e-5
    matrix = compile_model(m)
    assert Program.of(matrix).is_kept_by(outcome.plan.values)
