"""What windows leave for columns without a time holds for every better plan; what joined windows are known to cost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from solvers import Settings, solve
from solvers.bounding import Bounding, between, calm_windows
from solvers.compile import compile_model
from solvers.first_plan import Window
from solvers.pricing import priced
from solvers.runs import Clock, Run, minimise
from solvers.slicing import Program
from tests.solvers.test_pricing import STEPS, horizon, random_plant

SEEDS = range(8)


def solved(bounding, numbers=None):
    """Solve windows to their optima."""
    for number in range(len(bounding.bounds)) if numbers is None else numbers:
        found = minimise(bounding.parts.pieces[number].program, Clock(), math.inf, 0.0, {}, None)
        bounding.take(number, found.bound, found.values)
    return bounding


@pytest.fixture(scope="module")
def plants():
    """Return programs with times, prices of the relaxation, and an optimum found as one model."""
    found = []
    for seed in SEEDS:
        m = random_plant(seed)
        matrix = compile_model(m)
        program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
        prices = Run(program, Clock(), {}, relaxed=True).solve()
        optimum = solve(m, Settings(gap=0.0, method="direct"), load=False).plan.values
        found.append((program, times, prices, optimum))
    return found


def begun(program, times, prices, windows):
    return Bounding(priced(program, times, [window.start for window in windows], prices.duals), windows, times)


@pytest.mark.parametrize("seed", SEEDS)
def test_better_plans_lie_within_the_limits(plants, seed):
    """Limits for plans at most so much above the bound hold the optimum; tighter ones lie within wider ones."""
    program, times, prices, optimum = plants[seed]
    bounding = solved(begun(program, times, prices, between([0, 6, 12, STEPS + 1])))
    above = float(program.cost @ optimum) - bounding.total
    assert above >= -1e-6
    wide, tight = (bounding.limits(by, Clock(), map) for by in (above + 5, above))
    inside = optimum[bounding.shared]
    for low, high in (wide, tight):
        assert (inside >= low - 1e-6).all()
        assert (inside <= high + 1e-6).all()
    assert (tight[0] >= wide[0] - 1e-6).all()
    assert (tight[1] <= wide[1] + 1e-6).all()
    before = bounding.total
    again = bounding.hold_between(*tight, 0.0)
    assert solved(bounding, again).total >= before - 1e-9
    assert bounding.total <= float(program.cost @ optimum) + 1e-5


def test_limits_say_something(plants):
    """In at least half of the plants a peak or the modules may be less than they could be before."""
    narrower = 0
    for program, times, prices, optimum in plants:
        bounding = solved(begun(program, times, prices, between([0, 6, 12, STEPS + 1])))
        low, high = bounding.limits(float(program.cost @ optimum) - bounding.total, Clock(), map)
        narrower += bool((high < program.high[bounding.shared] - 0.1).any() or (low > 0.1).any())
    assert narrower >= len(plants) // 2


@pytest.mark.parametrize("seed", SEEDS)
def test_joined_windows_cost_at_least_what_their_parts_did(plants, seed):
    """Neighbours made one begin with the same total, and end above it and below the optimum."""
    program, times, prices, optimum = plants[seed]
    narrow = solved(begun(program, times, prices, between([0, 4, 8, 12, STEPS + 1])))
    windows = narrow.joined(optimum)
    assert len(windows) in (2, 3)
    wide = begun(program, times, prices, windows)
    todo = wide.follow(narrow, optimum)
    assert todo
    assert wide.total == pytest.approx(narrow.total, abs=1e-6)
    solved(wide, todo)
    assert narrow.total - 1e-6 <= wide.total <= float(program.cost @ optimum) + 1e-5


def test_an_unfinished_bound_limits_nothing(plants):
    program, times, prices, _ = plants[0]
    bounding = begun(program, times, prices, between([0, 8, STEPS + 1]))
    low, high = bounding.limits(math.inf, Clock(), map)
    np.testing.assert_array_equal(low, program.low[bounding.shared])
    np.testing.assert_array_equal(high, program.high[bounding.shared])


def test_borders_lie_where_nothing_is_broken(plants):
    """Of the places near a border the one is taken around which the relaxation breaks the fewest whole numbers."""
    program, times, _, optimum = plants[0]
    broken = optimum.copy()
    on = np.flatnonzero(program.integer & (times >= 0))
    broken[on] = 0.5
    calm = (times[on] >= 6) & (times[on] < 10)
    broken[on[calm]] = 1.0
    windows = calm_windows(program, times, broken, 9)
    assert windows[0].start == 0
    assert windows[-1].end == STEPS + 1
    assert windows[1].start == 8
    assert calm_windows(program, times, broken, 100) == [Window(0, STEPS + 1)]
