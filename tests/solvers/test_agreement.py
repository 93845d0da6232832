"""Sizes that stretches agree on: near the best ones, within their limits, and with a bound that holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyomo.environ as pyo
import pytest
from scipy import sparse

from solvers import Ended, Horizon, Settings, agreement, relaxation, solve, stretches, windows
from solvers.agreement import agreed
from solvers.compile import compile_model
from solvers.master import Master, Pieces, Plane, wall_of
from solvers.pricing import priced
from solvers.runs import Clock, Run
from solvers.slicing import Program
from solvers.stretches import Stretches, edges_of

STEPS = 240


def plant(seed=0, most=60.0):
    """Return purchases up to a limit, sun and a store to be sized on one piece of land, over ten days."""
    random = np.random.default_rng(seed)
    hour = np.arange(STEPS) % 24
    price = 3 + np.sin(hour / 24 * 2 * np.pi) + random.uniform(0, 1, STEPS)
    load = random.uniform(4, 8, STEPS)
    light = np.maximum(0.0, np.sin((hour - 6) / 12 * np.pi)) * random.uniform(0.3, 1, STEPS)
    m = pyo.ConcreteModel()
    m.t, m.points = pyo.RangeSet(0, STEPS - 1), pyo.RangeSet(0, STEPS)
    m.bought, m.sunny = pyo.Var(m.t, bounds=(0, 7)), pyo.Var(m.t, within=pyo.NonNegativeReals)
    m.into, m.out_of = pyo.Var(m.t, bounds=(0, 9)), pyo.Var(m.t, bounds=(0, 9))
    m.stored = pyo.Var(m.points, within=pyo.NonNegativeReals)
    m.store, m.sun = pyo.Var(bounds=(0, 40)), pyo.Var(bounds=(0, 40))
    m.need = pyo.Constraint(m.t, rule=lambda m, t: m.bought[t] + m.sunny[t] + m.out_of[t] - m.into[t] == load[t])
    m.balance = pyo.Constraint(
        m.t, rule=lambda m, t: m.stored[t + 1] == 0.999 * m.stored[t] + 0.9 * m.into[t] - m.out_of[t]
    )
    m.fits = pyo.Constraint(m.points, rule=lambda m, p: m.stored[p] <= m.store)
    m.shines = pyo.Constraint(m.t, rule=lambda m, t: m.sunny[t] <= light[t] * m.sun)
    m.returns = pyo.Constraint(expr=m.stored[STEPS] == m.stored[0])
    m.land = pyo.Constraint(expr=m.store + 2 * m.sun <= most)
    m.cost = pyo.Objective(expr=sum(price[t] * m.bought[t] for t in m.t) + 9 * m.store + 150 * m.sun)
    return m


def horizon(m):
    return Horizon((m.t, m.points))


@pytest.fixture(autouse=True)
def always_agreed(monkeypatch):
    """Let short models be cut into stretches, and let no model decide its sizes by itself."""
    monkeypatch.setattr(stretches, "COLUMNS", 150)
    monkeypatch.setattr(agreement, "EASY", -1.0)


def agreed_on(m, near=1e-4, clock=None):
    """Return what the stretches of a model agree on, and the program."""
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    parts = Stretches(program, times, edges_of(times), clock or Clock(), {})
    with ThreadPoolExecutor(2) as pool:
        parts.solve(pool.map)
        sizes = parts.sizes()
        parts.hold(sizes)
        parts.solve(pool.map)
        return agreed(parts, sizes, near, pool.map), program, times


@pytest.mark.parametrize("most", [60.0, 25.0])
@pytest.mark.parametrize("seed", range(6))
def test_sizes_are_near_the_best_and_the_bound_holds(seed, most):
    """Land for all that pays, and land that binds: the optimum lies between bound and cost, and those are near."""
    best = solve(plant(seed, most), Settings(), load=False).objective
    found, program, times = agreed_on(plant(seed, most))
    assert found.bound <= best * (1 + 1e-9) <= found.objective * (1 + 2e-9)
    assert found.objective - found.bound <= 1e-4 * best
    assert found.values @ program.cost == pytest.approx(found.objective)
    assert program.is_kept_by(found.values)
    # The prices prove the bound by themselves, wherever the whole is cut.
    parts = priced(program, times, [0, 100], found.prices)
    assert parts.constant + parts.floors.sum() == pytest.approx(found.bound, rel=1e-9)


def test_land_that_the_mean_does_not_keep_is_kept():
    """Stretches do not know of the land: what they want on the mean takes more than there is."""
    m = plant(most=25.0)
    found, _, _ = agreed_on(m)
    store, sun = found.sizes.values
    assert store + 2 * sun <= 25.0 + 1e-6


def test_sizes_without_a_plan_are_mended_by_walls():
    """At one hour 8 more are needed than can be bought: on the mean of the stretches, no store gives them."""
    m = plant()
    m.rush = pyo.Constraint(expr=m.out_of[100] >= 8)
    walls = []

    class Walled(Master):
        def nearest(self, sizes):
            walls.append(len(self.walls))
            return super().nearest(sizes)

    best = solve(m, Settings(), load=False).objective
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "Master", Walled)
        # Begun with nothing at all, there is no plan.
        patch.setattr(Stretches, "sizes", lambda self: stretches.Sizes(self.common[self.are_sizes], np.zeros(2)))
        found, _, _ = agreed_on(m)
    assert max(walls) >= 1
    assert found.bound <= best * (1 + 1e-9) <= found.objective * (1 + 2e-9)
    assert found.objective - found.bound <= 1e-3 * best


def test_where_the_whole_is_easy_it_decides_the_sizes_itself(monkeypatch):
    monkeypatch.setattr(agreement, "EASY", 10.0)
    found, _, _ = agreed_on(plant())
    assert found.bound == -np.inf
    assert not len(found.prices)


def test_no_plan_at_any_size_is_said_so():
    m = plant()
    m.rush = pyo.Constraint(expr=m.out_of[100] - m.into[100] >= 8)
    m.store.setub(2.0)
    assert agreed_on(m)[0] is None
    assert solve(m, Settings(), load=False, horizon=horizon(m)).ended is Ended.INFEASIBLE


def test_a_clock_that_is_over_ends_it():
    assert agreed_on(plant(), clock=Clock(seconds=0.0))[0] is None


def test_planes_propose_where_they_are_lowest_together():
    """With 10 - s and s as planes the whole is least at s = 5, and each of the two has half the say."""
    program = Program(
        sparse.csc_array((0, 1)),
        np.zeros(0),
        np.zeros(0),
        np.zeros(1),
        np.array([20.0]),
        np.zeros(1, bool),
        np.zeros(1),
    )
    master = Master(program, np.array([0]), Clock())
    one, other = Plane(10.0, np.array([-1.0]), np.zeros(0)), Plane(0.0, np.array([1.0]), np.zeros(0))
    master.whole.append(Plane(-100.0, np.zeros(1), np.zeros(0)))
    found = master.proposal(Pieces(0.0, np.zeros(1), [[one, other]]))
    assert (found.sizes[0], found.bound) == pytest.approx((5.0, 5.0))
    assert found.of_pieces[0] == pytest.approx([0.5, 0.5])
    # With what the size costs besides, 0.5 for each, s = 5 is the best still: 5 + 2.5.
    assert master.proposal(Pieces(0.0, np.array([0.5]), [[one, other]])).bound == pytest.approx(7.5)
    assert master.nearest(np.array([30.0])) == pytest.approx([20.0])


def test_a_wall_is_what_the_sizes_lack():
    """With x + 2 s >= 10 and x at most 4, s = 1 lacks 4, and 2 s >= 6 is the wall."""
    a = sparse.csc_array(np.array([[1.0, 2.0]]))
    program = Program(
        a, np.array([10.0]), np.array([np.inf]), np.zeros(2), np.array([4.0, 9.0]), np.zeros(2, bool), np.ones(2)
    )
    run = Run(program, Clock(), {"presolve": "off"}, relaxed=True)
    size, value = np.array([1]), np.array([1.0])
    run.bound(size, value, value)
    assert run.solve().is_infeasible
    wall = wall_of(run, size, value)
    assert wall.least / wall.slope[0] == pytest.approx(3.0)
    assert wall.slope[0] > 0


def with_engine(m):
    """Let an engine that is on or off, and modules of the store, make whole numbers of some of it."""
    m.on = pyo.Var(m.t, within=pyo.Binary)
    m.made = pyo.Var(m.t, bounds=(0, 3))
    m.modules = pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, 8))
    m.of_modules = pyo.Constraint(expr=m.store == 5 * m.modules)
    m.most = pyo.Constraint(m.t, rule=lambda m, t: m.made[t] <= 3 * m.on[t])
    m.least = pyo.Constraint(m.t, rule=lambda m, t: m.made[t] >= 2 * m.on[t])
    for t in m.t:
        m.need[t].set_value(m.need[t].body + m.made[t] == m.need[t].upper)
    m.cost.set_value(m.cost.expr + sum(2 * m.made[t] + 3 * m.on[t] for t in m.t))
    return m


def test_windows_agree_on_sizes_and_are_right(monkeypatch):
    """Windows with sizes held reach the gap, beside the model as one; modules stay whole, the store follows them."""
    monkeypatch.setattr(windows, "INTEGERS", 48)
    known = solve(with_engine(plant()), Settings(gap=1e-3), load=False)
    m = with_engine(plant())
    found = solve(m, Settings(gap=2e-3, method="windows", seconds=60), horizon=horizon(m))
    assert found.method == "windows"
    assert found.ended is Ended.OPTIMAL
    assert found.bound <= known.objective * (1 + 1e-9)
    assert found.objective >= known.bound * (1 - 1e-9)
    assert m.modules.value == round(m.modules.value)
    assert m.store.value == pytest.approx(5 * m.modules.value)


def test_what_follows_a_plan_keeps_its_sizes():
    """With whole numbers and sizes held the rest follows: no dearer than the plan, and the sizes as they were."""
    m = with_engine(plant())
    found = solve(m, Settings(gap=1e-2), load=False)
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    relaxed = relaxation.Relaxation(program, times, 2, Clock(), {})
    first = relaxed.solve(1e-2)
    assert len(relaxed.held)
    assert first.bound <= first.objective
    following = relaxed.following(found.plan.values)
    assert following.objective <= found.plan.values @ program.cost + 1e-6
    assert following.values[relaxed.held] == pytest.approx(found.plan.values[relaxed.held], abs=1e-6)


def test_sizes_that_stay_apart_are_left_to_the_simplex_method(monkeypatch):
    """One pass is too few to agree within a millionth: the relaxation is solved as it is, and nothing is held."""
    monkeypatch.setattr(agreement, "PASSES", 1)
    monkeypatch.setattr(agreement, "ROUNDS", 1)
    m = plant()
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    relaxed = relaxation.Relaxation(program, times, 2, Clock(), {})
    found = relaxed.solve(1e-6)
    assert not len(relaxed.held)
    assert found.bound == found.objective == pytest.approx(solve(m, Settings(), load=False).objective, rel=1e-9)


def test_rows_without_a_bound_are_left_out_and_have_no_price():
    m = plant()
    m.idle = pyo.Constraint(m.t, rule=lambda m, t: m.bought[t] + m.sunny[t] <= 1e3)
    matrix = compile_model(m)
    program, times = Program.of(matrix), horizon(m).times(matrix.evaluator.columns)
    idle = np.flatnonzero(program.row_high == 1e3)
    program.row_high[idle] = np.inf
    relaxed = relaxation.Relaxation(program, times, 2, Clock(), {})
    found = relaxed.solve(1e-3)
    assert len(relaxed.rows) == len(program.row_low) - len(idle)
    assert len(found.duals) == len(program.row_low)
    assert not found.duals[idle].any()
