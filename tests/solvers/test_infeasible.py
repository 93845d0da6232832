"""Why rows cannot hold: amounts, irreducible sets, smallest changes and rays, on models small enough to know them."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers.change import has_products, least_change, relief, slopes, touches
from solvers.compile import compile_model
from solvers.infeasible import Clock, OutOfTimeError, can_be_met, conflict, shortfall
from solvers.unbounded import ray


def compiled(model):
    return compile_model(model, refuse=False)


def clock():
    return Clock(30.0)


def names(matrix, rows):
    return {matrix.row_name(row) for row in rows}


def model(*rows, high=10.0, domain=pyo.NonNegativeReals, count=2, sense=pyo.minimize):
    """Return a model of `count` columns x[0], x[1], ... with rows given as functions of x."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(count), within=domain, bounds=(0, high))
    for number, row in enumerate(rows):
        m.add_component(f"row_{number}", pyo.Constraint(expr=row(m.x)))
    m.goal = pyo.Objective(expr=m.x[0], sense=sense)
    return m


def test_a_shortfall_is_what_rows_must_give_way_by():
    """A row x + y >= 25 with x, y <= 10 lacks 5, and a unit more of either bound is a unit less."""
    matrix = compiled(model(lambda x: x[0] + x[1] >= 25, lambda x: x[0] <= 100))
    found = shortfall(matrix, np.ones(2), clock())
    assert found.total == pytest.approx(5.0)
    assert found.amounts.tolist() == pytest.approx([5.0, 0.0])
    assert found.column_dual.tolist() == pytest.approx([-1.0, -1.0])
    assert found.row_dual.tolist() == pytest.approx([1.0, 0.0])


def test_what_is_too_much_is_below_zero():
    matrix = compiled(model(lambda x: x[0] >= 3, lambda x: x[0] + x[1] <= 1))
    found = shortfall(matrix, np.array([np.inf, 1.0]), clock())
    assert found.amounts.tolist() == pytest.approx([0.0, -2.0])


def test_a_row_may_be_so_dear_that_another_gives_way():
    matrix = compiled(model(lambda x: x[0] >= 6, lambda x: x[0] <= 4))
    assert shortfall(matrix, np.array([1.0, 5.0]), clock()).amounts.tolist() == pytest.approx([2.0, 0.0])
    assert shortfall(matrix, np.array([5.0, 1.0]), clock()).amounts.tolist() == pytest.approx([0.0, -2.0])


def test_where_the_other_rows_cannot_be_met_there_is_no_shortfall():
    matrix = compiled(model(lambda x: x[0] >= 30, lambda x: x[1] >= 1))
    assert shortfall(matrix, np.array([np.inf, 1.0]), clock()) is None


def test_integers_lack_what_fractions_do_not():
    """2 x + 2 y == 5 has fractions, but the nearest whole sums are 4 and 6."""
    matrix = compiled(model(lambda x: 2 * x[0] + 2 * x[1] == 5, domain=pyo.NonNegativeIntegers))
    found = shortfall(matrix, np.ones(1), clock())
    assert found.total == pytest.approx(1.0)
    assert not found.is_relaxed


def test_a_conflict_is_irreducible_and_leaves_out_what_only_stands_by():
    """Rows 0 and 2 contradict each other; rows 1 and 3 have nothing to do with it."""
    rows = (
        lambda x: x[0] + x[1] >= 15,
        lambda x: x[0] - x[1] == 0,
        lambda x: x[0] + x[1] <= 12,
        lambda x: x[2] >= 1,
    )
    matrix = compiled(model(*rows, count=3))
    found = conflict(matrix, clock())
    assert names(matrix, found.rows) == {"row_0", "row_2"}
    assert (found.low, found.high) == ((), ())
    assert found.is_irreducible
    assert not found.needs_integers


def test_a_conflict_names_the_bounds_it_leans_on():
    matrix = compiled(model(lambda x: x[0] + x[1] >= 25, lambda x: x[2] >= 1, count=3))
    found = conflict(matrix, clock())
    assert names(matrix, found.rows) == {"row_0"}
    assert [matrix.column_name(column) for column in found.high] == ["x[0]", "x[1]"]
    assert found.low == ()


def test_a_conflict_of_whole_numbers():
    """With x == 1, 2 y == x has no whole number left: both rows are needed."""
    rows = (lambda x: x[0] == 1, lambda x: 2 * x[1] == x[0], lambda x: x[2] >= 1)
    matrix = compiled(model(*rows, count=3, domain=pyo.NonNegativeIntegers))
    found = conflict(matrix, clock())
    assert names(matrix, found.rows) == {"row_0", "row_1"}
    assert found.needs_integers
    assert found.is_irreducible


def test_each_row_of_a_conflict_is_needed():
    """Leaving out any one row of a chain x0 < x1 < ... < x5 < x0 makes the rest possible."""
    chain = [lambda x, k=k: x[k] + 1 <= x[(k + 1) % 6] for k in range(6)]
    m = model(*chain, lambda x: x[6] + x[7] >= 2, count=8)
    matrix = compiled(m)
    found = conflict(matrix, clock())
    assert names(matrix, found.rows) == {f"row_{k}" for k in range(6)}
    for left_out in range(6):
        m.component(f"row_{left_out}").deactivate()
        assert can_be_met(compiled(m), clock())
        m.component(f"row_{left_out}").activate()


def test_what_can_be_met_has_no_conflict():
    assert conflict(compiled(model(lambda x: x[0] + x[1] >= 15)), clock()) is None


def test_an_empty_row_that_cannot_hold_is_a_conflict():
    matrix = compiled(model(lambda x: 0 * x[0] >= 1, lambda x: x[0] >= 1))
    assert names(matrix, conflict(matrix, clock()).rows) == {"row_0"}


def test_no_time_is_told():
    with pytest.raises(OutOfTimeError):
        conflict(compiled(model(lambda x: x[0] >= 30)), Clock(0.0))


def changed(make, value, step=0.5, span=(-100.0, 100.0)):
    matrix = compiled(make(value))
    found = slopes(matrix, compiled(make(value + step)), step)
    return least_change(matrix, found, span, clock())


def test_the_smallest_change_of_a_bound_and_of_a_row():
    assert changed(lambda high: model(lambda x: x[0] + x[1] >= 25, high=high), 10.0) == pytest.approx(2.5)
    assert changed(lambda low: model(lambda x: x[0] + x[1] >= low), 25.0) == pytest.approx(-5.0)
    assert changed(lambda low: model(lambda x: x[0] + x[1] >= low), 25.0, span=(-4.0, 4.0)) is None


def test_the_smallest_change_of_an_equation_and_of_a_row_of_two_sides():
    """A range whose ends move at different speeds: [v, 2 v] must come down to 20, at v = 10 or less."""
    assert changed(lambda value: model(lambda x: x[0] + x[1] == value), 26.0) == pytest.approx(-6.0)

    def ranged(value):
        return model(lambda x: (value, x[0] + x[1], 2 * value), lambda x: x[0] + x[1] == 20)

    assert changed(ranged, 8.0) == pytest.approx(2.0)
    assert changed(ranged, 30.0) == pytest.approx(-10.0)


def test_the_smallest_change_of_what_multiplies_a_switch():
    """With x <= v u and only one of two on, 14 are wanted of one of them."""

    def switched(value):
        m = model(lambda x: x[0] + x[1] >= 14, high=50.0)
        m.u = pyo.Var(range(2), within=pyo.Binary)
        m.within = pyo.Constraint(range(2), rule=lambda m, k: m.x[k] <= value * m.u[k])
        m.one = pyo.Constraint(expr=m.u[0] + m.u[1] <= 1)
        return m

    matrix = compiled(switched(10.0))
    found = slopes(matrix, compiled(switched(11.0)), 1.0)
    assert not has_products(matrix, found)
    assert least_change(matrix, found, (-10.0, 30.0), clock()) == pytest.approx(4.0)


def test_what_multiplies_any_other_column_is_told():
    make = lambda value: model(lambda x: value * x[0] >= 25)  # noqa: E731
    matrix = compiled(make(2.0))
    assert has_products(matrix, slopes(matrix, compiled(make(2.5)), 0.5))


def test_a_number_that_means_nothing_and_one_that_changes_the_rows():
    matrix = compiled(model(lambda x: x[0] >= 25))
    assert slopes(matrix, compiled(model(lambda x: x[0] >= 25)), 1.0).are_zero
    assert slopes(matrix, compiled(model(lambda x: x[0] >= 25, lambda x: x[1] >= 1)), 1.0) is None


def test_relief_bounds_the_change_that_is_needed():
    """A shortfall of 5 that falls by 2 a unit of the common bound needs 2.5 of it at least."""
    make = lambda high: model(lambda x: x[0] + x[1] >= 25, lambda x: x[1] <= 1000, high=high)  # noqa: E731
    matrix = compiled(make(10.0))
    found = shortfall(matrix, np.ones(2), clock())
    of_bound = slopes(matrix, compiled(make(11.0)), 1.0)
    assert relief(found, of_bound) == pytest.approx(2.0)
    assert touches(found, of_bound)
    other = slopes(matrix, compiled(model(lambda x: x[0] + x[1] >= 25, lambda x: x[1] <= 1001)), 1.0)
    assert not touches(found, other)
    assert relief(found, other) == 0.0


def test_a_ray_is_the_direction_that_pays():
    """Here x and y may grow together without end; z is bounded and has no part in it."""
    m = pyo.ConcreteModel()
    m.x, m.y, m.z = (pyo.Var(within=pyo.NonNegativeReals) for _ in range(3))
    m.balance = pyo.Constraint(expr=m.x - m.y == 0)
    m.limit = pyo.Constraint(expr=m.z <= 3)
    m.goal = pyo.Objective(expr=2 * m.x - 3 * m.y - m.z)
    assert ray(compiled(m), clock()).tolist() == pytest.approx([1.0, 1.0, 0.0])


def test_a_model_with_an_optimum_has_no_ray():
    assert ray(compiled(model(lambda x: x[0] + x[1] >= 5)), clock()) is None
