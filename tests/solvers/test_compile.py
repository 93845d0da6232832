"""The array compiler gives the same rows and columns as Pyomo's own, on every plant and on random linear models."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyomo.core.expr.visitor import identify_variables

from microgrid.model import assemble
from microgrid.scenario import read_scenario
from solvers import solve, templating
from solvers.compile import compile_model
from solvers.matrix import InfeasibleRowError
from solvers.template_rows import TemplateRows, expand_templates
from tests.laws.cases import cases
from tests.laws.surroundings import horizon, neighbours, surrounded
from tests.laws.test_periods import in_periods
from tests.solvers.pyomo_form import assert_same

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*/*.yaml"))


def compared(build: Callable[[], Any]) -> Any:
    """Build a model twice, as templates and plainly; compare; return the matrix."""
    with templating():
        matrix = compile_model(build())
    plain = build()
    assert_same(plain, matrix)
    assert_same(plain, compile_model(plain))
    return matrix


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_scenarios_are_all_templates(path):
    """Forty days of a year hold all its rows, two billing months among them: what comes after says the same."""
    plant = read_scenario(path, {"horizon.days": "40"} if path.stem in ("year", "sizing") else {}).plant
    with templating():
        matrix = compile_model(assemble(plant).pyomo)
    assert matrix.fell_back == {}
    assert_same(assemble(plant).pyomo, matrix)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_plants_of_the_laws_are_all_templates(case):
    plant = surrounded(case.asset, neighbours(case.asset, True), horizon())
    assert compared(lambda: assemble(plant).pyomo).fell_back == {}


@pytest.mark.parametrize("case", [case for case in cases() if case.asset.capacities()], ids=str)
def test_typical_periods_are_all_templates(case):
    """Levels at borders, fullest and emptiest begins, and steps that follow none."""
    plant = replace(surrounded(case.asset, neighbours(case.asset, True), horizon()), timeline=in_periods([0, 1, 0]))
    assert compared(lambda: assemble(plant).pyomo).fell_back == {}


SIZE = 5
TEXTS = ["north", "south", "a b"]
Part = Callable[[Any, list[float]], None]


def _index_arithmetic(m: Any, c: list[float]) -> None:
    m.steps = pyo.Constraint(m.later, rule=lambda m, t: m.x[t] - c[0] * m.x[t - 1] <= c[1] * t)


def _look_ups(m: Any, c: list[float]) -> None:
    m.follow = pyo.Param(m.t, initialize={t: (2 * t + 1) % SIZE for t in range(SIZE)}, within=pyo.Any)
    m.looked = pyo.Constraint(m.t, rule=lambda m, t: m.x[m.follow[t]] + m.price[m.follow[t]] * m.y[t, "north"] >= c[0])


def _sums(m: Any, c: list[float]) -> None:
    m.rows = pyo.Constraint(m.t, rule=lambda m, t: sum(m.price[t] * m.y[t, k] for k in m.k) == c[0])
    m.all = pyo.Constraint(rule=lambda m: sum(m.x[t] for t in m.t) + sum(m.y[t, k] for t, k in m.both) <= c[1])


def _indexed_sets(m: Any, c: list[float]) -> None:
    m.recent = pyo.Set(m.t, initialize={t: list(range(max(0, t - 2), t)) for t in range(SIZE)})
    m.past = pyo.Constraint(m.t, rule=lambda m, t: c[0] * m.x[t] + sum(m.x[s] * m.price[s] for s in m.recent[t]) >= 0)


def _ranged(m: Any, c: list[float]) -> None:
    m.band = pyo.Constraint(m.t, rule=lambda m, t: (-abs(c[0]), m.x[t] + c[1], abs(c[0]) + m.price[t] ** 2))
    m.single = pyo.Constraint(expr=pyo.inequality(-9.0, m.z + c[2] * m.x[0], 9.0))


def _reversed(m: Any, c: list[float]) -> None:
    m.floor = pyo.Constraint(m.t, rule=lambda m, t: c[0] >= m.x[t] + c[1] * m.z)
    m.both_sides = pyo.Constraint(m.t, rule=lambda m, t: m.x[t] + c[0] >= 2 * (m.y[t, "south"] - c[1]) / 4)


def _fixed(m: Any, c: list[float]) -> None:
    m.x[1].fix(0.5)
    m.z.fix(c[0])
    m.with_fixed = pyo.Constraint(m.t, rule=lambda m, t: m.x[t] + c[1] * m.z <= 3.0 + abs(c[0] * c[1]))


def _changed_objects(m: Any, c: list[float]) -> None:
    m.x[2].setub(4.0)
    m.y[3, "a b"].domain = pyo.Integers
    m.touched = pyo.Constraint(m.t, rule=lambda m, t: m.x[t] + m.y[t, "a b"] >= -abs(c[0]))


def _named(m: Any, c: list[float]) -> None:
    m.each = pyo.Expression(m.t, rule=lambda m, t: c[0] * m.x[t] + t)
    m.one = pyo.Expression(expr=c[1] * m.z + 1.0)
    m.uses = pyo.Constraint(m.t, rule=lambda m, t: m.each[t] - 2 * m.one <= m.price[t])
    m.again = pyo.Constraint(m.later, rule=lambda m, t: m.each[t - 1] + m.each[t] >= -20)


def _loops(m: Any, c: list[float]) -> None:
    def loop(m: Any, t: Any) -> Any:
        total = c[0]
        for k in m.k:
            total += m.y[t, k]
        return total <= 30

    m.loop = pyo.Constraint(m.t, rule=loop)


def _switched_off(m: Any, c: list[float]) -> None:
    m.off = pyo.Constraint(m.t, rule=lambda m, t: m.x[t] == c[0])
    m.off[1].deactivate()
    m.gone = pyo.Constraint(expr=m.z == 77.0)
    m.gone.deactivate()


def _blocks(m: Any, c: list[float]) -> None:
    def inside(b: Any, _k: Any) -> None:
        b.w = pyo.Var(m.t, dense=False, within=pyo.NonPositiveReals, bounds=lambda _b, t: (-5.0 - m.price[t], 1.0))
        b.tied = pyo.Constraint(m.t, rule=lambda b, t: b.w[t] + m.x[t] <= c[0] + 10)

    m.part = pyo.Block(m.k, rule=inside)
    m.across = pyo.Constraint(m.t, rule=lambda m, t: m.part["south"].w[t] == m.part["north"].w[t] * 0.5)


def _bounds_only(m: Any, c: list[float]) -> None:
    m.open = pyo.Constraint(m.t, rule=lambda m, t: (None, c[0] * m.x[t], 8.0))


def _lists(m: Any, c: list[float]) -> None:
    m.more = pyo.VarList(within=pyo.Binary)
    for number in c:
        m.more.add().setlb(0 if number > 0 else None)
    m.listed = pyo.ConstraintList()
    m.listed.add(m.more[1] + m.x[0] <= 3)
    m.loose = pyo.Var(pyo.Any, dense=False, bounds=(0, 9))
    m.listed.add(m.loose["anything"] + m.more[2] >= -1)


PARTS: list[Part] = [
    _index_arithmetic, _look_ups, _sums, _indexed_sets, _ranged, _reversed, _fixed, _changed_objects, _named, _loops,
    _switched_off, _blocks, _bounds_only, _lists,
]  # fmt: skip


def random_model(parts: list[int], numbers: list[float], maximise: bool) -> Any:
    """Return a linear model of some parts, with these numbers in it."""
    m = pyo.ConcreteModel()
    m.t, m.later, m.k = pyo.RangeSet(0, SIZE - 1), pyo.RangeSet(1, SIZE - 1), pyo.Set(initialize=TEXTS)
    m.both = m.t * m.k
    m.price = pyo.Param(m.t, initialize={t: numbers[t] for t in range(SIZE)}, within=pyo.Any, mutable=len(parts) % 2)
    m.x = pyo.Var(m.t, dense=False, bounds=lambda _m, t: (-10.0 - t, 10.0))
    m.y = pyo.Var(m.both, dense=False, within=pyo.NonNegativeIntegers, bounds=(None, 7))
    m.z = pyo.Var(within=pyo.Reals, bounds=(-50.0, None))
    m.anchor = pyo.Constraint(expr=m.z <= 100.0)
    for place, part in enumerate(parts):
        PARTS[part](m, numbers[place : place + 3])
    m.goal = pyo.Objective(
        rule=lambda m: sum(m.price[t] * m.x[t] for t in m.t) + numbers[0] * m.z + 3.0,
        sense=pyo.maximize if maximise else pyo.minimize,
    )
    return m


NUMBERS = st.floats(-4, 4, width=16).filter(lambda number: abs(number) > 1e-3)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.integers(0, len(PARTS) - 1), min_size=1, max_size=8, unique=True),
    numbers=st.lists(NUMBERS, min_size=11, max_size=11),
    maximise=st.booleans(),
)
def test_random_linear_models(parts, numbers, maximise):
    plain = random_model(parts, numbers, maximise)
    try:
        compile_model(plain)
    except InfeasibleRowError as error:
        assert_cannot_hold(plain.find_component(str(error).split()[2]))
        return
    compared(lambda: random_model(parts, numbers, maximise))


def assert_cannot_hold(row: Any) -> None:
    """Check that a row holds nothing but fixed variables, and is violated by them."""
    assert all(variable.fixed for variable in identify_variables(row.body))
    assert row.slack() < 0


@pytest.mark.parametrize("part", range(len(PARTS)), ids=lambda part: PARTS[part].__name__.strip("_"))
def test_each_part_by_itself(part):
    matrix = compared(lambda: random_model([part], [1.5, -2.0, 0.75, 3.0, -0.5, 1.0, 2.0, 0.25, -1.0, 1.0, 1.0], False))
    assert matrix.a.nnz


def test_what_falls_back_is_named_with_its_reason(caplog):
    with templating():
        m = random_model([PARTS.index(_switched_off)], [1.0] * 11, False)
    with caplog.at_level(logging.INFO, logger="solvers.compile"):
        matrix = compile_model(m)
    assert matrix.fell_back == {"off": "some of its rows are left out or written anew"}
    assert "off is compiled row by row: some of its rows are left out" in caplog.text


def test_variables_are_not_made_into_objects_unless_asked_for():
    with templating():
        m = random_model([PARTS.index(_sums)], [1.0] * 11, False)
        m.bound = pyo.Constraint(m.t, rule=lambda m, t: m.x[t] + m.z >= -3.0)
    outcome = solve(m, load=False)
    assert outcome.is_proved
    assert len(m.x) == len(m.y) == 0
    assert len(outcome.plan.of(m.x)) == SIZE
    outcome.plan.load()
    assert len(m.x) == SIZE
    assert [m.x[t].value for t in m.t] == outcome.plan.of(m.x).tolist()
    assert pyo.value(m.goal) == pytest.approx(outcome.objective)


def test_rows_come_into_being_when_asked_for_and_only_then():
    numbers = [1.5, -2.0, 0.75] + [1.0] * 8
    with templating():
        m = random_model([PARTS.index(_sums)], numbers, False)
    compile_model(m)
    assert isinstance(m.rows._data, TemplateRows)
    assert (m.rows._data.is_untouched, len(m.rows)) == (True, SIZE)
    with pytest.raises(TypeError, match="call expand_templates"):
        copy.copy(m.rows._data)
    m.rows[1].deactivate()
    del m.rows[2]
    assert len(m.rows) == len(list(m.rows.values())) == SIZE - 1
    plain = random_model([PARTS.index(_sums)], numbers, False)
    plain.rows[1].deactivate()
    del plain.rows[2]
    assert_same(plain, compile_model(m))
    expand_templates(m)
    assert_same(plain, compile_model(m))


def test_a_plan_answers_for_any_expression_along_an_index():
    with templating():
        m = random_model([PARTS.index(_sums)], [2.0] * 11, False)
    plan = solve(m).plan
    x = plan.of(m.x)
    np.testing.assert_allclose(plan.along(lambda t: 2 * m.x[t] + m.price[t], m.t), 2 * x + 2.0)
    np.testing.assert_allclose(plan.along(lambda: sum(m.x[t] for t in m.t)), [x.sum()])
    np.testing.assert_allclose(plan.along(lambda _t: sum(x for x in []), m.t), np.zeros(SIZE))
    np.testing.assert_allclose(plan.along(lambda t, k: m.y[t, k], m.both), plan.of(m.y))
    odd = plan.along(lambda t: m.x[t] if t in (1, 3) else 0.0, m.t)
    np.testing.assert_allclose(odd, [0.0, x[1], 0.0, x[3], 0.0])


def test_a_row_without_variables_that_cannot_hold_is_named():
    with templating():
        m = pyo.ConcreteModel()
        m.t = pyo.RangeSet(0, 2)
        m.p = pyo.Param(m.t, initialize={0: 0.0, 1: 2.0, 2: 0.0}, within=pyo.Any)
        m.x = pyo.Var(m.t)
        m.never = pyo.Constraint(m.t, rule=lambda m, t: 0 * m.x[t] + m.p[t] <= 1)
        m.goal = pyo.Objective(rule=lambda m: m.x[0])
    with pytest.raises(InfeasibleRowError, match=r"never\[1\] has no variables"):
        compile_model(m)
    assert "never[1]" in solve(m).message


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda m: pyo.Constraint(expr=m.x * m.x <= 4), "not linear"),
        (lambda m: pyo.Constraint(expr=pyo.exp(m.x) <= 4), "not linear"),
        (lambda m: pyo.Objective(expr=m.x), "2 active objectives"),
        (lambda m: pyo.SOSConstraint(var=m.v, sos=1), "SOSConstraint"),
        (lambda _m: pyo.Var(within=pyo.Set(initialize=[1, 3, 7])), "no interval"),
    ],
)
def test_what_is_no_linear_model_is_refused(write, said):
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    m.v = pyo.Var([1, 2], bounds=(0, 1))
    m.goal = pyo.Objective(expr=m.x + m.y)
    m.more = write(m)
    with pytest.raises(ValueError, match=said):
        compile_model(m)


def test_a_variable_of_another_model_is_refused():
    other = pyo.ConcreteModel()
    other.x = pyo.Var()
    m = pyo.ConcreteModel()
    m.goal = pyo.Objective(expr=other.x)
    with pytest.raises(ValueError, match="is used in the model, but is no part of it"):
        compile_model(m)


def test_templating_ends_when_the_last_builder_ends():
    with templating():
        with templating():
            pass
        m = random_model([PARTS.index(_sums)], [1.0] * 11, False)
        assert hasattr(m.rows[0], "template_expr")
    m = random_model([PARTS.index(_sums)], [1.0] * 11, False)
    assert not hasattr(m.rows[0], "template_expr")
