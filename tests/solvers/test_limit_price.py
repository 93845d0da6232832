"""Limits on all of the time: stretches that are cut apart keep them together, at a price that is found."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Settings, limit_price, methods, solve, stretches
from solvers.compile import compile_model
from solvers.limit_price import price_limit
from solvers.runs import Clock
from solvers.slicing import Program
from solvers.stretches import Stretches, edges_of
from tests.solvers.test_agreement import horizon, plant

STEPS = 240


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    """Let short models be cut into stretches."""
    monkeypatch.setattr(stretches, "COLUMNS", 150)
    monkeypatch.setattr(methods, "COLUMNS", 150)


def limited(most=None, least=None, seed=0):
    """Return the plant with a limit on all that it buys."""
    m = plant(seed)
    m.limit = pyo.Constraint(expr=(least, sum(m.bought[t] for t in m.t), most))
    return m


def cut(m):
    """Return the stretches of a model, solved by themselves, and the program."""
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    parts = Stretches(program, times, edges_of(times), Clock(), {})
    parts.solve(map)
    return parts, program


def bought(parts):
    return parts.reach(int(parts.limits[0]))


@pytest.mark.parametrize(("most", "least"), [(800.0, None), (760.0, None), (None, 900.0)])
def test_stretches_keep_a_limit_together_at_the_price_that_is_found(most, least):
    """By themselves they buy more, or less; priced they come near, as near as the last of them changes its mind."""
    parts, _ = cut(limited(most, least))
    assert len(parts.limits) == 1
    limit, before = most or least, bought(parts)
    assert (before > limit) == (most is not None)
    assert price_limit(parts, map)
    assert abs(bought(parts) - limit) <= 0.6 * abs(before - limit)


def test_a_limit_that_is_kept_has_no_price():
    parts, _ = cut(limited(most=5000.0))
    before = [each.values for each in parts.all]
    assert not price_limit(parts, map)
    assert all(each.values is values for each, values in zip(parts.all, before, strict=True))


def test_a_limit_that_cannot_be_kept_ends_the_search(monkeypatch):
    """Nothing is bought at a price however high, but what sun and store cannot give."""
    prices = []
    price = Stretches.price
    monkeypatch.setattr(Stretches, "price", lambda self, row, each: (prices.append(each), price(self, row, each))[1])
    parts, _ = cut(limited(most=1.0))
    assert price_limit(parts, map)
    assert len(prices) == limit_price.MOST
    assert prices == sorted(prices)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("most", [760.0, 800.0, 820.0])
def test_the_optimum_below_a_limit_is_the_same(seed, most):
    """Begun from stretches at their price, or solved as it is."""
    direct = solve(limited(most, seed=seed), Settings(method="direct"), load=False)
    m = limited(most, seed=seed)
    found = solve(m, Settings(), load=False, horizon=horizon(m))
    assert found.ended is direct.ended
    np.testing.assert_allclose(found.objective, direct.objective, rtol=1e-9)
    if found.plan is not None:
        assert found.iterations < 0.6 * direct.iterations


def test_a_price_at_which_there_is_no_end_is_too_high():
    """What may be bought without end at 0.3 is sold at the first price tried; at a lower one all is as it should be."""
    m = plant()
    m.extra = pyo.Var(m.t, within=pyo.NonNegativeReals)
    m.cost.set_value(m.cost.expr + 0.3 * sum(m.extra[t] for t in m.t))
    m.limit = pyo.Constraint(expr=sum(m.bought[t] + m.extra[t] for t in m.t) >= 2000.0)
    parts, _ = cut(m)
    assert price_limit(parts, map)
    assert all(each.basis is not None for each in parts.all)


def test_where_nothing_is_paid_there_is_no_price():
    m = limited(800.0)
    m.cost.set_value(0.0 * m.bought[0])
    parts, _ = cut(m)
    assert bought(parts) != pytest.approx(800.0)
    assert not price_limit(parts, map)
