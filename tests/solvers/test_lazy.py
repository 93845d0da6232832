"""Rows that are left out as long as no plan breaks them mean the same as all others."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Compilation, Ended, Settings, rounds, solve
from solvers.compile import compile_model
from solvers.highs import solve_matrix
from solvers.lazy import Freed, lazy_rows
from solvers.outcome import MAY_HAVE_PLAN
from tests.solvers.test_contract import DRIVERS

EXACT = Settings(gap=0.0)


def mark(m, *rows):
    """Let rows be put in only where a plan breaks them."""
    m.lazy = pyo.Suffix()
    for row in rows:
        m.lazy[row] = True
    return m


def ways(worth, *, lazy=True, sense=pyo.minimize, need=(), highest=10.0):
    """Return two ways a step, each from 0 to 10, of which `way` allows one; `worth` is what each of them earns.

    `need` are rows ``first + second >= need`` of the first steps. Where both earn something, the linear model takes
    both, and the best plan takes the one that is worth more.
    """
    m = pyo.ConcreteModel()
    m.t = pyo.RangeSet(0, len(worth) - 1)
    m.first = pyo.Var(m.t, bounds=(0, 10))
    m.second = pyo.Var(m.t, bounds=(0, 10))
    m.way = pyo.Var(m.t, within=pyo.Binary)
    m.only_first = pyo.Constraint(m.t, rule=lambda m, t: m.first[t] <= highest * m.way[t])
    m.only_second = pyo.Constraint(m.t, rule=lambda m, t: m.second[t] <= highest * (1 - m.way[t]))
    m.needed = pyo.Constraint(pyo.RangeSet(0, len(need) - 1), rule=lambda m, t: m.first[t] + m.second[t] >= need[t])
    earned = sum(one * m.first[t] + other * m.second[t] for t, (one, other) in enumerate(worth))
    sign = -1 if sense == pyo.minimize else 1
    m.goal = pyo.Objective(expr=sign * earned + 100, sense=sense)
    return mark(m, m.only_first, m.only_second) if lazy else m


def seen(monkeypatch):
    """Return the list to which every round adds the number of whole columns that it solved."""
    found, real = [], rounds._Search._round

    def look(search, freed, start):
        found.append(int(freed.left.integer.sum()))
        return real(search, freed, start)

    monkeypatch.setattr(rounds._Search, "_round", look)
    return found


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_rows_that_no_plan_breaks_are_never_put_in(sense, monkeypatch):
    """Of (3, -1) the first way is worth having, of (-1, 2) the second: 30 + 20 in one round of a linear model."""
    solved = seen(monkeypatch)
    outcome = solve(ways([(3, -1), (-1, 2)], sense=sense), EXACT)
    assert outcome.ended is Ended.OPTIMAL
    assert outcome.objective == outcome.bound == pytest.approx(50.0 if sense == pyo.minimize else 150.0)
    assert outcome.plan.by_name()["way"].tolist() == [1.0, 0.0]
    assert (outcome.integers, outcome.rows, solved) == (2, 4, [0])


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_rows_that_a_plan_breaks_are_put_in(sense, monkeypatch):
    """Of (3, 2) only one may be taken, the first: 30 of 50. Of (1, -1) the first: 10. In all 40 and the 100 of old.

    The mended plan takes one of the two ways of step 0 and is 20 or 30 short of the bound: not proved, so the rows of
    step 0 are put in, and those of step 1 stay out.
    """
    solved = seen(monkeypatch)
    outcome = solve(ways([(3, 2), (1, -1)], sense=sense), EXACT)
    assert outcome.ended is Ended.OPTIMAL
    assert outcome.objective == pytest.approx(60.0 if sense == pyo.minimize else 140.0)
    assert outcome.bound == pytest.approx(outcome.objective)
    assert outcome.plan.by_name()["second"].tolist() == [0.0, 0.0]
    assert solved == [0, 1]
    assert "2 rounds" in outcome.message


def test_a_plan_that_is_mended_within_the_gap_is_proved_at_once(monkeypatch):
    """Both ways of (1, 0.0001) would earn 10.0001, as the second gives 1 at most, and the first alone earns 10.

    Of five steps 50.0005 are the bound and 50 the mended plan, a hundred thousandth apart: near enough for 1e-4. The
    second way is the one that is given up, as 1 is less to break a row by than 10.
    """
    solved = seen(monkeypatch)
    m = ways([(1, 1e-4)] * 5)
    for t in m.t:
        m.second[t].setub(1.0)
    outcome = solve(m, Settings(gap=1e-4))
    assert outcome.ended is Ended.OPTIMAL
    assert (outcome.objective, outcome.bound) == (pytest.approx(50.0, abs=1e-9), pytest.approx(49.9995, abs=1e-9))
    assert outcome.plan.of(m.way).tolist() == [1.0] * 5
    assert outcome.plan.of(m.second).max() == 0.0
    assert solved == [0]


def test_a_row_that_cannot_be_met_is_found_once_it_is_put_in(monkeypatch):
    """The two ways of step 0 are to bring 15, but one of them brings no more than 10."""
    solved = seen(monkeypatch)
    outcome = solve(ways([(1, 1), (1, 1)], need=[15.0]), EXACT)
    assert outcome.ended is Ended.INFEASIBLE
    assert outcome.plan is None
    assert math.isnan(outcome.objective)
    assert solved == [0, 2]  # no mended plan: all rows at once


def test_what_is_infeasible_without_its_lazy_rows_is_infeasible(monkeypatch):
    """Both ways bring no more than 20, and 25 are needed."""
    solved = seen(monkeypatch)
    assert solve(ways([(1, 1)], need=[25.0]), EXACT).ended is Ended.INFEASIBLE
    assert solved == [0]


def test_what_only_lazy_rows_bound_is_not_unbounded():
    """A lazy row alone keeps x at 4."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(within=pyo.NonNegativeReals)
    m.row = pyo.Constraint(expr=2 * m.x <= 8)
    m.goal = pyo.Objective(expr=m.x, sense=pyo.maximize)
    outcome = solve(mark(m, m.row), EXACT)
    assert (outcome.ended, outcome.objective) == (Ended.OPTIMAL, pytest.approx(4.0))


def chained(steps=6, lazy=True):
    """Return ``x[t] <= 10``, in all at most 16, each worth 10 - t; and in lazy rows ``x[t] <= 3``: 3 of five, 1 of one.

    Round by round the linear model takes 10 where no row says less yet: 10 and 6, then 3, 3 and 10, and so on.
    """
    m = pyo.ConcreteModel()
    m.t = pyo.RangeSet(0, steps - 1)
    m.x = pyo.Var(m.t, bounds=(0, 10))
    m.most = pyo.Constraint(expr=sum(m.x[t] for t in m.t) <= 16)
    m.few = pyo.Constraint(m.t, rule=lambda m, t: m.x[t] + m.x[t] <= 6)
    m.goal = pyo.Objective(expr=sum((10 - t) * m.x[t] for t in m.t), sense=pyo.maximize)
    return mark(m, m.few) if lazy else m


def test_rows_without_a_column_of_their_own_are_checked(caplog):
    """Three of each of the first five and one of the sixth: 3 * (10 + 9 + 8 + 7 + 6) + 5 = 125."""
    caplog.set_level(logging.INFO, "solvers.rounds")
    outcome = solve(chained(), EXACT)
    assert outcome.objective == pytest.approx(125.0)
    assert outcome.plan.by_name()["x"].tolist() == pytest.approx([3, 3, 3, 3, 3, 1])
    assert [record.args for record in caplog.records] == [(1, 2), (2, 1), (3, 1), (4, 1)]
    assert "5 rounds" in outcome.message


def test_after_a_few_rounds_all_rows_are_put_in(monkeypatch):
    """Where one round is allowed, the second holds every row: both whole columns, of which one alone was broken."""
    solved = seen(monkeypatch)
    monkeypatch.setattr(rounds, "ROUNDS", 1)
    outcome = solve(ways([(3, 2), (1, -1)]), EXACT)
    assert outcome.objective == pytest.approx(60.0)
    assert solved == [0, 2]


def test_a_column_with_a_price_or_a_row_of_its_own_stays_whole():
    """`way` costs something at step 0, step 1 shares a lazy row with another, step 2 stands in a row that is not lazy.

    Step 3 alone can be chosen afterwards.
    """
    m = ways([(1, 1)] * 4)
    m.extra = pyo.Var(within=pyo.Binary)
    m.shared = pyo.Constraint(expr=m.way[1] + m.extra <= 1)
    m.hard = pyo.Constraint(expr=m.way[2] <= 1)
    m.lazy[m.shared] = True
    m.goal.expr += 0.5 * m.way[0]
    matrix = compile_model(m)
    freed = Freed(matrix, lazy_rows(m, matrix))
    columns = matrix.evaluator.columns
    assert [columns.variables[2].name, *np.flatnonzero(freed.columns)] == ["way", columns.start(m.way) + 3]


def test_numbers_are_chosen_within_what_the_rows_leave():
    """With ``2 n >= x`` and ``n <= y``: x = 5, y = 4 leave 3 and 4, of which 3 is next to 0; x = 5, y = 2 leave none.

    There 2 breaks the first row by 1, and 3 breaks the second by 1; at x = 6.4, y = 2 it is 2.4 against 2 of n = 4.
    """
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 10)), pyo.Var(bounds=(0, 10))
    m.n = pyo.Var(within=pyo.Integers, bounds=(0, 9))
    m.above = pyo.Constraint(expr=2 * m.n >= m.x)
    m.below = pyo.Constraint(expr=m.n <= m.y)
    m.goal = pyo.Objective(expr=m.x)
    matrix = compile_model(mark(m, m.above, m.below))
    freed = Freed(matrix, lazy_rows(m, matrix))

    def settled(x, y, n):
        values, broken = freed.settled(np.array([x, y, n], dtype=float))
        return float(values[2]), broken.tolist()

    assert settled(5, 4, 0) == (3.0, [False, False])
    assert settled(5, 4, 9) == (4.0, [False, False])
    assert settled(5, 4, 3.4) == (3.0, [False, False])
    assert settled(6 + 1e-7, 3, 0) == (3.0, [False, False])  # a trifle is rounding
    assert settled(6 + 1e-4, 3, 0)[1] == [True, True]
    assert settled(6.4, 2, 0) == (4.0, [True, True])


@pytest.mark.parametrize("seed", range(12))
def test_lazy_is_as_good_as_hard(seed):
    """Random worth of both signs, random needs, and a row over all steps that ties them."""
    draw = np.random.default_rng(seed)
    worth = draw.normal(0.3, 1.0, (24, 2)).round(2).tolist()
    need = draw.uniform(0, 9, 12).round(2).tolist()
    found = []
    for lazy in (True, False):
        m = ways(worth, lazy=lazy, need=need)
        m.all = pyo.Constraint(expr=sum(m.first[t] + (t + 1) * m.second[t] for t in m.t) <= 700)
        outcome = solve(m, EXACT)
        assert outcome.is_proved
        assert outcome.bound == pytest.approx(outcome.objective, abs=1e-6)
        found.append(outcome.objective)
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_no_time_means_no_plan_and_no_error():
    """A time limit of next to nothing ends as a time limit, plan or not, and never with a plan that breaks a row."""
    m = ways([(3, 2)] * 200, need=[5.0] * 200)
    outcome = solve(m, Settings(gap=0.0, seconds=1e-9))
    assert outcome.ended in (Ended.TIME, Ended.OPTIMAL)
    if outcome.has_plan:
        assert np.minimum(outcome.plan.of(m.first), outcome.plan.of(m.second)).max() <= 1e-6


def test_when_the_time_is_over_the_mended_plan_stands(monkeypatch):
    """The first round takes all the time: its mended plan is told with what it is short of the bound of 150."""
    clock = rounds.Clock

    def solve_slowly(search, freed, start):
        found = real(search, freed, start)
        monkeypatch.setattr(clock, "left", property(lambda _: 5.0 if search.best is None else 0.0))
        return found

    real = rounds._Search._round
    monkeypatch.setattr(rounds._Search, "_round", solve_slowly)
    m = ways([(3, 2)], sense=pyo.maximize)
    outcome = solve(m, Settings(gap=0.0, seconds=60.0))
    assert outcome.ended is Ended.TIME
    assert outcome.bound == pytest.approx(150.0)
    assert outcome.objective in (pytest.approx(130.0), pytest.approx(120.0))
    assert np.minimum(outcome.plan.of(m.first), outcome.plan.of(m.second)).max() <= 1e-6


def test_prices_are_those_of_a_model_without_the_rows():
    """One of the two ways has to bring 4 at a price of 1 or 2: one more costs 1; rows that are out cost nothing."""
    m = ways([(-1, -2)], need=[4.0])
    outcome = solve(m, EXACT)
    assert outcome.objective == pytest.approx(104.0)
    assert outcome.plan.dual(m.needed).tolist() == pytest.approx([1.0])
    assert outcome.plan.dual(m.only_first).tolist() == pytest.approx([0.0])
    assert outcome.plan.dual(m.only_second).tolist() == pytest.approx([0.0])


def test_prices_of_a_mended_plan_are_those_of_its_whole_numbers():
    """Each step needs 4; the first way costs 2 each, the second earns 0.0001 and brings no more than 1.

    The linear model takes 3 of the first and 1 of the second. The mended plan takes 4 of the first: one more costs 2.
    """
    m = ways([(-2, 1e-4)] * 4, need=[4.0] * 4)
    for t in m.t:
        m.second[t].setub(1.0)
    outcome = solve(m, Settings(gap=0.25))
    assert outcome.objective == pytest.approx(100 + 4 * 8.0)
    assert outcome.bound == pytest.approx(100 + 4 * (6.0 - 1e-4))
    assert outcome.plan.of(m.second).max() == 0.0
    assert outcome.plan.dual(m.needed).tolist() == pytest.approx([2.0] * 4)


def test_the_basis_begins_the_next_solve():
    """What is left without the lazy rows is solved in fewer steps with the plan before, whatever was put in since."""
    worth = np.random.default_rng(3).normal(0, 1, (60, 2)).tolist()
    m = ways([*worth, (1, 1)], need=[3.0] * 30)
    kept = Compilation(m)
    quiet = Settings(gap=0.0, options={"presolve": "off"})
    first = solve(m, quiet, compilation=kept, load=False)
    again = solve(m, quiet, compilation=kept, load=False, start=first.plan)
    assert first.plan.basis is not None
    assert again.objective == pytest.approx(first.objective, rel=1e-9)
    assert again.iterations < first.iterations
    assert "2 rounds" in again.message


@pytest.mark.parametrize("driver", DRIVERS)
def test_other_solvers_keep_every_row(driver):
    """The Suffix says nothing to them: 30 of (3, 2), as the rows say."""
    outcome = solve(ways([(3, 2), (1, -1)]), Settings(solver=driver, gap=0.0))
    assert outcome.objective == pytest.approx(60.0)


def test_rows_of_blocks_are_found_wherever_the_suffix_stands():
    """A Suffix on the model, one on a block, one that says no, one of another name."""
    m = ways([(1, 1)], lazy=False)
    m.b = pyo.Block([1, 2, 3])
    for b in m.b.values():
        b.row = pyo.Constraint(expr=m.first[0] <= 7)
    m.b[1].lazy = pyo.Suffix(initialize={m.b[1].row: True})
    m.b[2].lazy = pyo.Suffix(initialize={m.b[2].row: False})
    m.b[3].other = pyo.Suffix(initialize={m.b[3].row: True})
    mark(m, m.only_second)
    matrix = compile_model(m)
    assert [matrix.row_name(int(row)) for row in np.flatnonzero(lazy_rows(m, matrix))] == ["only_second[0]", "b[1].row"]


def told(m, *ends):
    """Return the outcome where the first rounds end as said, whatever they found, and the whole columns of each."""
    matrix, left, had = compile_model(m), list(ends), []

    def by_word(freed, settings, watch, start):
        had.append(int(freed.integer.sum()))
        found = solve_matrix(freed, settings, watch, start)
        if not left:
            return found
        ended = left.pop(0)
        plan = found.plan if ended in MAY_HAVE_PLAN else None
        return replace(found, ended=ended, plan=plan, bound=found.bound if plan else math.nan)

    lazy = lazy_rows(m, matrix)
    return rounds.solve_in_rounds(matrix, lazy, EXACT, None, None, by_word), had


@pytest.mark.parametrize("ended", [Ended.INTERRUPTED, Ended.TIME, Ended.LIMIT])
def test_a_plan_of_a_round_that_is_stopped_is_mended(ended):
    """Of (3, 2) both ways, 50, are the bound, and one of the two is the plan: told as stopped, with its gap."""
    outcome, had = told(ways([(3, 2)]), ended)
    assert (outcome.ended, had) == (ended, [0])
    assert outcome.objective in (pytest.approx(70.0), pytest.approx(80.0))
    assert outcome.bound == pytest.approx(50.0)
    assert outcome.plan.of(outcome.plan.evaluator.columns.variables[0]).max() <= 10.0


def test_a_round_that_fails_is_followed_by_the_whole_model():
    outcome, had = told(ways([(3, 2)]), Ended.FAILED)
    assert (outcome.ended, outcome.objective, had) == (Ended.OPTIMAL, pytest.approx(70.0), [0, 1])


def test_a_later_round_without_a_plan_does_not_refute_a_mended_one():
    """The mended plan of the first round keeps every row; what the second says of it is left to the whole model."""
    outcome, had = told(ways([(3, 2), (1, -1)]), Ended.OPTIMAL, Ended.INFEASIBLE)
    assert (outcome.ended, outcome.objective, had) == (Ended.OPTIMAL, pytest.approx(60.0), [0, 1, 2])


def test_what_the_whole_model_says_last_stands():
    """A solver that fails at the model of all rows gives no plan, mended or not."""
    outcome, had = told(ways([(3, 2)]), Ended.FAILED, Ended.FAILED)
    assert (outcome.ended, outcome.plan, had) == (Ended.FAILED, None, [0, 1])
