"""A model that is compiled again after rows came and went has the arrays of one that is compiled for the first time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers import Compilation, solve, templating
from solvers.compile import compile_model
from solvers.matrix import InfeasibleRowError, Matrix


def built() -> Any:
    """Return: buy x at 2, make y at 3, at most 4 of each, meet a need of 5 in each of two steps."""
    model = pyo.ConcreteModel()
    model.t = pyo.RangeSet(0, 1)
    model.x = pyo.Var(model.t, dense=False, bounds=(0, 4))
    model.y = pyo.Var(model.t, dense=False, bounds=(0, 4))
    model.need = pyo.Constraint(model.t, rule=lambda m, t: m.x[t] + m.y[t] >= 5)
    model.goal = pyo.Objective(rule=lambda m: sum(2 * m.x[t] + 3 * m.y[t] for t in m.t))
    return model


def limit(model: Any, most: float) -> None:
    model.limit = pyo.Constraint(rule=lambda m: sum(m.x[t] for t in m.t) <= most)


def aim(model: Any, price: float) -> None:
    model.del_component("goal")
    model.goal = pyo.Objective(rule=lambda m: sum(price * m.x[t] + 3 * m.y[t] for t in m.t))


def assert_equal(one: Matrix, other: Matrix) -> None:
    """Hold every array to the other's, bit by bit."""
    for name in ("row_low", "row_high", "low", "high", "integer", "cost"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("data", "indices", "indptr", "shape"):
        assert np.array_equal(getattr(one.a, name), getattr(other.a, name)), name
    assert (one.offset, one.sign, one.fell_back) == (other.offset, other.sign, other.fell_back)
    assert [one.row_name(row) for row in range(len(one.row_low))] == [
        other.row_name(row) for row in range(len(other.row_low))
    ]


@pytest.mark.parametrize("is_template", [True, False])
def test_rows_that_came_and_went_leave_the_arrays_of_a_new_model(is_template):
    with templating() if is_template else pytest.MonkeyPatch.context():
        model = built()
        kept = Compilation(model)
        assert_equal(kept.matrix(), compile_model(model))
        for change in (
            lambda: limit(model, 6.0),
            lambda: aim(model, 5.0),
            lambda: model.del_component("limit"),
            lambda: limit(model, 3.0),
            model.need.deactivate,
            model.need.activate,
        ):
            change()
            assert_equal(kept.matrix(), compile_model(model))


def test_what_is_kept_is_not_compiled_again(monkeypatch):
    """Only the new row and the new goal are evaluated; of the rows that stay, the arrays themselves are shared."""
    with templating():
        model = built()
        kept = Compilation(model)
        first = kept.matrix()
        aim(model, 5.0)
        second = kept.matrix()
    assert second.a is first.a
    assert second.cost.tolist() == [5.0, 5.0, 3.0, 3.0]


def test_other_variables_are_compiled_anew():
    with templating():
        model = built()
        kept = Compilation(model)
        kept.matrix()
        model.z = pyo.Var(bounds=(0, 1))
        model.extra = pyo.Constraint(expr=model.z + model.x[0] <= 3)
        assert_equal(kept.matrix(), compile_model(model))


def test_optima_follow_what_changed():
    """By hand, each step needing 5 with at most 4 of either.

    x goes first, 4 a step, and y makes the 1 left: 2 * (8 + 3) = 22. With 6 of x in all, y makes 4: 24. With x at 5, y
    goes first, 4 a step, and x is 1: 2 * (12 + 5) = 34. Without x, y cannot make the 5: no plan.
    """
    with templating():
        model = built()
        kept = Compilation(model)
        reached = [solve(model, compilation=kept, load=False).objective]
        limit(model, 6.0)
        reached.append(solve(model, compilation=kept, load=False).objective)
        aim(model, 5.0)
        reached.append(solve(model, compilation=kept, load=False).objective)
        model.del_component("limit")
        limit(model, 0.0)
        assert solve(model, compilation=kept, load=False).plan is None
    assert reached == pytest.approx([22.0, 24.0, 34.0])


def test_impossible_rows_are_refused_each_time():
    model = built()
    kept = Compilation(model)
    kept.matrix()
    model.never = pyo.Constraint(rule=lambda m: (1.0, 0.0 * m.x[0], None))
    for _ in range(2):
        with pytest.raises(InfeasibleRowError, match="never"):
            kept.matrix()
