"""Small models that the tests of drivers share."""

from __future__ import annotations

import random

import pyomo.environ as pyo


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


def hard(n=60, rows=25, seed=1):
    """Return a market-split-like model: feasible at once through its slacks, not proved for a long time."""
    draw = random.Random(seed)
    m = pyo.ConcreteModel()
    m.i, m.r = pyo.RangeSet(0, n - 1), pyo.RangeSet(0, rows - 1)
    m.x = pyo.Var(m.i, within=pyo.Binary)
    m.over = pyo.Var(m.r, within=pyo.NonNegativeReals)
    m.under = pyo.Var(m.r, within=pyo.NonNegativeReals)
    a = {(r, i): draw.randrange(100) for r in range(rows) for i in range(n)}
    total = {r: sum(a[r, i] for i in range(n)) // 2 for r in range(rows)}
    m.split = pyo.Constraint(
        m.r, rule=lambda m, r: sum(a[r, i] * m.x[i] for i in m.i) + m.under[r] - m.over[r] == total[r]
    )
    m.goal = pyo.Objective(expr=sum(m.over[r] + m.under[r] for r in m.r))
    return m
