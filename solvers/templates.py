"""Symbolic templates of Pyomo expressions, evaluated with numpy over a whole index at once.

A constraint over 8,760 steps is one expression in a symbolic step. Its value over the index is a constant array and a
list of terms (row, column, coefficient), found by walking the expression once. What is used of Pyomo here is not public
API: `IndexTemplate`, `TemplateSumExpression`, `templatize_rule`. It is kept here, in `template_rows` and in `limits`,
behind the bound on Pyomo's minor version and tests that compare with Pyomo's own compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.core.base.expression import IndexedExpression, NamedExpressionData
from pyomo.core.base.param import IndexedParam, ParamData, ScalarParam
from pyomo.core.base.var import IndexedVar, VarData
from pyomo.core.expr import numeric_expr as ne
from pyomo.core.expr import template_expr as te

from solvers.columns import Columns
from solvers.linear import Array, Indices, Linear, NotTemplatedError, Space
from solvers.members import as_array, listed, plain
from solvers.walking import walked

Rule = Callable[..., Any]


_MOST_RULES = 2000


class Evaluator:
    """Evaluates expressions over many rows, in terms of a model's columns."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.members = columns.members
        self._params: dict[int, tuple[Any, Indices]] = {}
        self._rules: dict[tuple[int, ...], tuple[Any, Any, tuple[Any, Space]]] = {}

    def along(self, rule: Rule, index_set: Any = None) -> Linear:
        """Return ``rule(i)`` for every index of a set as a linear expression; one row without one.

        What cannot be called with a symbolic index is evaluated index by index: a rule may do with it what it likes.
        """
        try:
            return self.linear(*self._known(rule, index_set))
        except Exception:  # noqa: BLE001  called again below, where a fault of the rule itself shows
            keys = [()] if index_set is None else [k if isinstance(k, tuple) else (k,) for k in index_set]
            return walked([rule(*key) for key in keys], self.columns)

    def pair(self, block: Any, rule: Rule, index_set: Any) -> tuple[Array | None, Array | None]:
        """Return the two numbers that a rule gives for every index, such as bounds; None where it gives None.

        Raises
        ------
        NotTemplatedError
            If the rule cannot be called with symbolic indices.
        """
        try:
            both, space = self._templated(rule, index_set, block)
        except te.TemplateExpressionError as error:
            raise NotTemplatedError(str(error)) from error
        first, second = (None if part is None else self.numbers(part, space).astype(float) for part in both)
        return first, second

    def _known(self, rule: Rule, index_set: Any) -> tuple[Any, Space]:
        """Return the template of a rule over an index; a model that serves again asks again, and finds it here."""
        if index_set is None:
            return rule(), Space(1, {})
        key = (*_identity(rule), id(index_set))
        if key not in self._rules:
            if len(self._rules) >= _MOST_RULES:
                self._rules.clear()
            found = self._templated(lambda _b, indices: rule(*indices), index_set)
            self._rules[key] = rule, index_set, found  # held, so that no other object gets their numbers
        return self._rules[key][2]

    def _templated(self, rule: Rule, index_set: Any, block: Any = None) -> tuple[Any, Space]:
        expression, templates = te.templatize_rule(block, rule, index_set)
        return expression, self.space(index_set, templates)

    def space(self, component: Any, templates: Any) -> Space:
        """Return the rows of a component's index, where `templates` stand for its parts."""
        members = self.members.array(component)
        return Space(len(members), {id(t): _part(members, t) for t in templates})

    def linear(self, expression: Any, space: Space) -> Linear:
        """Return an expression as a linear one over the rows of a space.

        Raises
        ------
        NotTemplatedError
            If it is not linear, or holds what cannot be evaluated as arrays.
        """
        kind = expression.__class__
        if kind in _SUMS:
            return self._sum(expression.args, space)
        if kind in _PRODUCTS:
            return self._product(expression, space)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, expression, space)
        if isinstance(expression, int | float | np.number):
            return Linear(np.full(space.length, float(expression)))
        return self._leaf(expression, space)

    def numbers(self, expression: Any, space: Space) -> Indices:
        """Return an expression without variables as one value a row; texts stay texts."""
        if isinstance(expression, te.IndexTemplate):
            return self._index(expression, space)
        if isinstance(expression, te.GetItemExpression) and isinstance(expression.arg(0), IndexedParam):
            return self._param(expression, space)
        if isinstance(expression, str):
            return np.full(space.length, expression, dtype=object)
        value = self.linear(expression, space)
        if not value.is_constant:
            raise NotTemplatedError("a variable where a number is due")
        return value.constant

    def _leaf(self, expression: Any, space: Space) -> Linear:
        if isinstance(expression, VarData):
            column = self.columns.of_data(expression)
            rows = np.arange(space.length)
            return Linear(np.zeros(space.length), [rows], [np.full(space.length, column)], [np.ones(space.length)])
        if isinstance(expression, ParamData | ScalarParam):
            return Linear(np.full(space.length, float(expression.value)))
        if isinstance(expression, NamedExpressionData):
            return self.linear(expression.expr, space)
        raise NotTemplatedError(f"no rule for {expression.__class__.__name__}")

    def _sum(self, parts: Any, space: Space) -> Linear:
        total = Linear(np.zeros(space.length))
        for part in parts:
            total.add(self.linear(part, space))
        return total

    def _product(self, expression: Any, space: Space) -> Linear:
        left, right = (self.linear(part, space) for part in expression.args)
        if left.is_constant:
            return right.times(left.constant)
        if right.is_constant:
            return left.times(right.constant)
        raise NotTemplatedError("a product of variables")

    def _division(self, expression: Any, space: Space) -> Linear:
        top, bottom = (self.linear(part, space) for part in expression.args)
        if not bottom.is_constant:
            raise NotTemplatedError("a division by a variable")
        if (bottom.constant == 0).any():
            raise NotTemplatedError("a division by zero")
        return Linear(
            top.constant / bottom.constant,
            top.rows,
            top.columns,
            [c / bottom.constant[r] for r, c in zip(top.rows, top.coefficients, strict=True)],
        )

    def _power(self, expression: Any, space: Space) -> Linear:
        base, exponent = (self.linear(part, space) for part in expression.args)
        if not (base.is_constant and exponent.is_constant):
            raise NotTemplatedError("a power of a variable")
        return Linear(base.constant**exponent.constant)

    def _negation(self, expression: Any, space: Space) -> Linear:
        return self.linear(expression.arg(0), space).times(np.full(space.length, -1.0))

    def _index_value(self, expression: Any, space: Space) -> Linear:
        return Linear(self._index(expression, space).astype(float))

    def _index(self, template: Any, space: Space) -> Indices:
        try:
            return space.values[id(template)]
        except KeyError:
            raise NotTemplatedError("an index from outside the rule") from None

    def _item(self, expression: Any, space: Space) -> Linear:
        component = expression.arg(0)
        if isinstance(component, IndexedVar):
            columns = self.columns.at(component, self._keys(expression, space))
            return Linear(np.zeros(space.length), [np.arange(space.length)], [columns], [np.ones(space.length)])
        if isinstance(component, IndexedParam):
            return Linear(self._param(expression, space).astype(float))
        if isinstance(component, IndexedExpression):
            return self._named(component, self._keys(expression, space))
        raise NotTemplatedError(f"an item of {component.__class__.__name__}")

    def _keys(self, expression: Any, space: Space) -> tuple[Indices, ...]:
        return tuple(self.numbers(expression.arg(place), space) for place in range(1, expression.nargs()))

    def _named(self, component: Any, keys: tuple[Indices, ...]) -> Linear:
        """Return items of an indexed Expression, each of which may be another: every one in use is walked once."""
        wanted = listed(keys)
        places: dict[Any, int] = {}
        for key in wanted:
            places.setdefault(key, len(places))
        items = walked([component[key].expr for key in places], self.columns)
        return items.taken(np.fromiter((places[key] for key in wanted), dtype=np.int64, count=len(wanted)))

    def _param(self, expression: Any, space: Space) -> Indices:
        param = expression.arg(0)
        if id(param) not in self._params:
            self._params[id(param)] = (param, self._values(param))
        values_of = self._params[id(param)][1]
        found: Indices = values_of[self.members.positions(param, self._keys(expression, space))]
        return found

    def _values(self, param: Any) -> Indices:
        """Return a Param along its index; who made it of an array may have left that with it, in the index's order."""
        whole: Indices | None = getattr(param, "array", None)
        if whole is not None and not param.mutable:
            return whole
        given = param.extract_values()
        if any(key not in given for key in self.members.index(param)):
            raise NotTemplatedError(f"the parameter {param.name} has no value for some index")
        values = [plain(given[key]) for key in self.members.index(param)]
        if any(isinstance(value, tuple) for value in values):
            raise NotTemplatedError(f"the parameter {param.name} holds tuples")
        return as_array(values)

    def _template_sum(self, expression: Any, space: Space) -> Linear:
        """Lay out the rows of a sum one after the other, evaluate its body once, and add up again."""
        inner, back = space, np.arange(space.length)
        for templates in expression.template_iters():
            repeat, members = self._laid_out(templates[0]._set, inner)
            values = {key: value[repeat] for key, value in inner.values.items()}
            for template in templates:
                values[id(template)] = _part(members, template)
            inner, back = Space(len(repeat), values), back[repeat]
        body = self.linear(expression.template_args()[0], inner)
        total = np.zeros(space.length)
        np.add.at(total, back, body.constant)
        return Linear(total, [back[rows] for rows in body.rows], body.columns, body.coefficients)

    def _laid_out(self, index_set: Any, space: Space) -> tuple[NDArray[np.int64], Indices]:
        """Return, for a sum over a set, the row that each of its members belongs to, and the members."""
        if not isinstance(index_set, te.GetItemExpression):
            members = self.members.array(index_set)
            repeat = np.repeat(np.arange(space.length), len(members))
            return repeat, np.tile(members, (space.length,) + (1,) * (members.ndim - 1))
        groups = self.members.groups(index_set.arg(0))
        try:
            wanted = (groups.places[key] for key in listed(self._keys(index_set, space)))
            group = np.fromiter(wanted, dtype=np.int64, count=space.length)
        except KeyError as error:
            raise NotTemplatedError(f"{index_set.arg(0).name} has no set for {error}") from None
        counts = groups.lengths[group]
        repeat = np.repeat(np.arange(space.length), counts)
        within = np.arange(len(repeat)) - np.repeat(np.cumsum(counts) - counts, counts)
        return repeat, groups.members[np.repeat(groups.starts[group], counts) + within]


def _part(members: Indices, template: Any) -> Indices:
    """Return what a symbolic index stands for: the members, or one part of those that are tuples."""
    if members.ndim == 1:
        return members
    part = members[:, template._index]
    return as_array(part.tolist())


_SUMS = {ne.SumExpression, ne.LinearExpression, ne.NPV_SumExpression}
_PRODUCTS = {ne.ProductExpression, ne.NPV_ProductExpression, ne.MonomialTermExpression}
_HANDLERS: dict[type[Any], Callable[[Evaluator, Any, Space], Linear]] = {
    ne.DivisionExpression: Evaluator._division,
    ne.NPV_DivisionExpression: Evaluator._division,
    ne.PowExpression: Evaluator._power,
    ne.NPV_PowExpression: Evaluator._power,
    ne.NegationExpression: Evaluator._negation,
    ne.NPV_NegationExpression: Evaluator._negation,
    te.IndexTemplate: Evaluator._index_value,
    te.Numeric_GetItemExpression: Evaluator._item,
    te.NPV_Numeric_GetItemExpression: Evaluator._item,
    te.TemplateSumExpression: Evaluator._template_sum,
}


def _identity(rule: Rule) -> tuple[int, ...]:
    """Return what tells a rule from others; a method of an object is another object each time that it is asked for."""
    owner = getattr(rule, "__self__", None)
    return (id(rule),) if owner is None else (id(owner), id(getattr(rule, "__func__", rule)))
