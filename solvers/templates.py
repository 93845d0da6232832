"""Symbolic templates of Pyomo expressions, evaluated with numpy over a whole index at once.

A constraint over 8,760 steps is one expression in a symbolic step. Its value over the index is a constant array and a list
of terms (row, column, coefficient), found by walking the expression once. What is used of Pyomo here is not public API:
`IndexTemplate`, `TemplateSumExpression`, the two flags and the initialisers behind bounds and domains. It is kept in this
module and in `columns`, behind the bound on Pyomo's minor version and a test that compares with Pyomo's own compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.core.base.constraint as pyomo_constraint
import pyomo.core.base.objective as pyomo_objective
from numpy.typing import NDArray
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.param import IndexedParam, ParamData, ScalarParam
from pyomo.core.base.var import IndexedVar, VarData
from pyomo.core.expr import numeric_expr as ne
from pyomo.core.expr import template_expr as te

Array = NDArray[np.float64]
Indices = NDArray[Any]


class NotTemplatedError(Exception):
    """An expression that this module cannot evaluate as arrays; the text says what stood in the way."""


@contextmanager
def templating() -> Iterator[None]:
    """Let Pyomo keep constraints and objectives as templates while a model is built."""
    earlier = pyomo_constraint.TEMPLATIZE_CONSTRAINTS, pyomo_objective.TEMPLATIZE_OBJECTIVES
    pyomo_constraint.TEMPLATIZE_CONSTRAINTS = pyomo_objective.TEMPLATIZE_OBJECTIVES = True
    try:
        yield
    finally:
        pyomo_constraint.TEMPLATIZE_CONSTRAINTS, pyomo_objective.TEMPLATIZE_OBJECTIVES = earlier


@dataclass(frozen=True, eq=False)
class Space:
    """The rows that an expression is evaluated for.

    Parameters
    ----------
    length
        Number of rows.
    values
        What each symbolic index stands for in each row, by the identity of the IndexTemplate.
    """

    length: int
    values: dict[int, Indices]


@dataclass(eq=False)
class Linear:
    """A linear expression for each row: a constant, and terms of rows, columns and coefficients."""

    constant: Array
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    columns: list[NDArray[np.int64]] = field(default_factory=list)
    coefficients: list[Array] = field(default_factory=list)

    def times(self, factor: Array) -> Linear:
        """Return the expression with every row multiplied by its factor."""
        scaled = [c * factor[r] for r, c in zip(self.rows, self.coefficients, strict=True)]
        return Linear(self.constant * factor, list(self.rows), list(self.columns), scaled)

    def add(self, other: Linear) -> None:
        """Add another expression over the same rows."""
        self.constant = self.constant + other.constant
        self.rows += other.rows
        self.columns += other.columns
        self.coefficients += other.coefficients

    @property
    def is_constant(self) -> bool:
        """Whether no column takes part."""
        return not self.rows


class Members:
    """What index sets hold, as arrays, and where in them a value stands; remembered by the set's identity."""

    def __init__(self) -> None:
        self._members: dict[int, Indices] = {}
        self._places: dict[int, dict[Any, int]] = {}
        self._groups: dict[int, tuple[dict[Any, int], NDArray[np.int64], NDArray[np.int64], Indices]] = {}
        self._kept: list[Any] = []

    def of(self, index_set: Any) -> Indices:
        """Return the members of a set, shape (n,) or (n, dimension)."""
        key = id(index_set)
        if key not in self._members:
            self._kept.append(index_set)
            self._members[key] = _as_array(list(index_set))
        return self._members[key]

    def positions(self, index_set: Any, keys: tuple[Indices, ...]) -> NDArray[np.int64]:
        """Return where in a set each key stands.

        Raises
        ------
        NotTemplatedError
            If a key is not in the set.
        """
        members = self.of(index_set)
        if len(keys) == 1 and members.ndim == 1 and members.dtype.kind == "i" and keys[0].dtype.kind in "if":
            found = self._in_a_range(members, keys[0])
            if found is not None:
                return found
        if id(index_set) not in self._places:
            plain = (tuple(m) if isinstance(m, tuple | np.ndarray) else m for m in members.tolist())
            self._places[id(index_set)] = {_key(member): place for place, member in enumerate(plain)}
        places = self._places[id(index_set)]
        columns = [column.tolist() for column in keys]
        wanted = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        try:
            return np.fromiter((places[_key(key)] for key in wanted), dtype=np.int64, count=len(wanted))
        except KeyError as error:
            raise NotTemplatedError(f"index {error} is not in the set {index_set.name}") from None

    @staticmethod
    def _in_a_range(members: Indices, keys: Indices) -> NDArray[np.int64] | None:
        """Return positions in a range of consecutive whole numbers without a look-up, or None if it is none."""
        if not len(members) or members[-1] - members[0] + 1 != len(members) or (np.diff(members) != 1).any():
            return None
        places = keys.astype(np.int64) - members[0]
        if len(places) and (places.min() < 0 or places.max() >= len(members)):
            raise NotTemplatedError("an index reaches beyond its set")
        return places

    def grouped(self, indexed_set: Any) -> tuple[dict[Any, int], NDArray[np.int64], NDArray[np.int64], Indices]:
        """Return an indexed set as places of its keys, starts and lengths, and all members one after the other."""
        key = id(indexed_set)
        if key not in self._groups:
            self._kept.append(indexed_set)
            parts = [list(part) for part in indexed_set.values()]
            lengths = np.fromiter((len(part) for part in parts), dtype=np.int64, count=len(parts))
            starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
            flat = _as_array([member for part in parts for member in part])
            self._groups[key] = ({k: place for place, k in enumerate(indexed_set.keys())}, starts, lengths, flat)
        return self._groups[key]


def _key(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return tuple(_key(part) for part in value) if isinstance(value, tuple | list) else value


def _as_array(members: list[Any]) -> Indices:
    if members and isinstance(members[0], tuple):
        array = np.empty((len(members), len(members[0])), dtype=object)
        array[:] = members
        return array
    if all(type(member) is int for member in members):
        return np.array(members, dtype=np.int64)
    if all(type(member) in (int, float) for member in members):
        return np.array(members, dtype=float)
    array = np.empty(len(members), dtype=object)
    array[:] = members
    return array


class Evaluator:
    """Evaluates expressions over spaces, with the columns that a model's variables have.

    Parameters
    ----------
    column_of
        Returns the first column of an indexed variable.
    column_of_data
        Returns the column of a single variable.
    members
        The model's index sets, as arrays.
    """

    def __init__(
        self, column_of: Callable[[Any], int], column_of_data: Callable[[Any], int], members: Members
    ) -> None:
        self._column_of = column_of
        self._column_of_data = column_of_data
        self.members = members
        self._params: dict[int, tuple[Any, Indices]] = {}

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
            column = self._column_of_data(expression)
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
            keys = self._keys(expression, space)
            columns = self._column_of(component) + self.members.positions(component.index_set(), keys)
            return Linear(np.zeros(space.length), [np.arange(space.length)], [columns], [np.ones(space.length)])
        if isinstance(component, IndexedParam):
            return Linear(self._param(expression, space).astype(float))
        raise NotTemplatedError(f"an item of {component.__class__.__name__}")

    def _keys(self, expression: Any, space: Space) -> tuple[Indices, ...]:
        return tuple(self.numbers(expression.arg(place), space) for place in range(1, expression.nargs()))

    def _param(self, expression: Any, space: Space) -> Indices:
        param = expression.arg(0)
        if id(param) not in self._params:
            values = param.extract_values()
            ordered = [values[key] for key in param.index_set()]
            self._params[id(param)] = (param, _as_array([_key(v) if isinstance(v, tuple) else v for v in ordered]))
        values = self._params[id(param)][1]
        found: Indices = values[self.members.positions(param.index_set(), self._keys(expression, space))]
        return found

    def _template_sum(self, expression: Any, space: Space) -> Linear:
        """Lay out the rows of a sum one after the other, evaluate its body once, and add up again."""
        inner, back = space, np.arange(space.length)
        for templates in expression.template_iters():
            repeat, members = self._laid_out(templates[0]._set, inner)
            values = {key: value[repeat] for key, value in inner.values.items()}
            for template in templates:
                values[id(template)] = members if members.ndim == 1 else members[:, template._index]
            inner, back = Space(len(repeat), values), back[repeat]
        body = self.linear(expression.template_args()[0], inner)
        total = np.zeros(space.length)
        np.add.at(total, back, body.constant)
        return Linear(total, [back[rows] for rows in body.rows], body.columns, body.coefficients)

    def _laid_out(self, index_set: Any, space: Space) -> tuple[NDArray[np.int64], Indices]:
        """Return, for a sum over a set, the row that each of its members belongs to, and the members."""
        if not isinstance(index_set, te.GetItemExpression):
            members = self.members.of(index_set)
            repeat = np.repeat(np.arange(space.length), len(members))
            return repeat, np.tile(members, (space.length,) + (1,) * (members.ndim - 1))
        places, starts, lengths, flat = self.members.grouped(index_set.arg(0))
        columns = [column.tolist() for column in self._keys(index_set, space)]
        wanted = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        group = np.fromiter((places[_key(key)] for key in wanted), dtype=np.int64, count=space.length)
        counts = lengths[group]
        repeat = np.repeat(np.arange(space.length), counts)
        within = np.arange(len(repeat)) - np.repeat(np.cumsum(counts) - counts, counts)
        return repeat, flat[np.repeat(starts[group], counts) + within]


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
