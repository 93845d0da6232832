"""Pyomo model to sparse arrays: every constraint evaluated once, symbolically, over its whole index.

What is no template, or cannot be evaluated as arrays, falls back constraint by constraint to the visitor of Pyomo's own
standard-form compiler; a log line names what fell back and why.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
from pyomo.repn.util import categorize_valid_components
from scipy import sparse

from solvers.columns import Columns
from solvers.limits import limits_of
from solvers.linear import Array, Linear, NotTemplatedError, Space
from solvers.matrix import InfeasibleRowError, Matrix, Rows
from solvers.template_rows import untouched
from solvers.templates import Evaluator
from solvers.walking import walked

_KNOWN = {
    pyo.Block, pyo.Constraint, pyo.Objective, pyo.Var, pyo.Param, pyo.Expression, pyo.ExternalFunction, pyo.Set,
    pyo.RangeSet, pyo.Suffix,
}  # fmt: skip
ROUNDING = 1e-9
"""What a row without variables may be off by and still hold."""

log = logging.getLogger(__name__)


def compile_model(model: Any, *, refuse: bool = True) -> Matrix:
    """Return the arrays of a linear or mixed-integer linear Pyomo model with one active objective.

    Parameters
    ----------
    model
        A Pyomo ConcreteModel.
    refuse
        Whether a row without variables that cannot hold is an error, or a row like any other.

    Raises
    ------
    InfeasibleRowError
        If a row has no variables and does not hold.
    ValueError
        If the model is not linear, has no objective or several, or holds active components of another kind.
    """
    _, unknown = categorize_valid_components(model, active=True, sort=False, valid=_KNOWN, targets=set())
    if unknown:
        names = ", ".join(str(kind.__name__) for kind in unknown)
        raise ValueError(f"the model holds components of a kind that has no rows: {names}")
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) != 1:
        raise ValueError(f"the model has {len(objectives)} active objectives: wanted one")
    columns = Columns.of(model)
    compiler = _Compiler(columns, Evaluator(columns))
    for constraint in model.component_objects(pyo.Constraint, active=True, descend_into=True):
        compiler.add(constraint)
    matrix = compiler.matrix(objectives[0])
    if refuse:
        _refuse_impossible_rows(matrix)
    return matrix


@dataclass(eq=False)
class _Parts:
    """Rows as they come: triplets and bounds."""

    rows: list[NDArray[np.int64]] = field(default_factory=list)
    columns: list[NDArray[np.int64]] = field(default_factory=list)
    coefficients: list[Array] = field(default_factory=list)
    low: list[Array] = field(default_factory=list)
    high: list[Array] = field(default_factory=list)
    blocks: list[Rows] = field(default_factory=list)
    count: int = 0

    def add(self, constraint: Any, index: Sequence[Any], body: Linear, bounds: tuple[Array, Array]) -> None:
        """Add rows whose body's constant moves to their bounds; rows without bounds are left out."""
        low, high = bounds
        bounded = np.isfinite(low) | np.isfinite(high)
        place = np.cumsum(bounded) - 1 + self.count
        for rows, columns, coefficients in zip(body.rows, body.columns, body.coefficients, strict=True):
            kept = bounded[rows]
            self.rows.append(place[rows[kept]])
            self.columns.append(columns[kept])
            self.coefficients.append(coefficients[kept])
        self.low.append((low - body.constant)[bounded])
        self.high.append((high - body.constant)[bounded])
        kept_index = index if bounded.all() else [i for i, b in zip(index, bounded.tolist(), strict=True) if b]
        if kept_index:
            self.blocks.append(Rows(constraint, self.count, kept_index))
        self.count += len(kept_index)

    def joined(self, width: int) -> tuple[sparse.csc_array, Array, Array]:
        """Return coefficients and row bounds of all rows."""
        coefficients, low, high = (_joined(part) for part in (self.coefficients, self.low, self.high))
        place = _joined(self.rows).astype(np.int32), _joined(self.columns).astype(np.int32)
        a = sparse.csc_array(sparse.coo_array((coefficients, place), shape=(self.count, width)))
        a.sum_duplicates()
        a.eliminate_zeros()
        return a, low, high


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)


class _Compiler:
    """Turns constraints into rows, by template where there is one and one by one where there is none."""

    def __init__(self, columns: Columns, evaluator: Evaluator) -> None:
        self.columns = columns
        self.evaluator = evaluator
        self.parts = _Parts()
        self.fell_back: dict[str, str] = {}

    def add(self, constraint: Any) -> None:
        """Add the rows of a constraint."""
        try:
            template = untouched(constraint) or _shared(constraint, self.columns)
            if template is not None:
                self._by_template(constraint, template)
        except NotTemplatedError as error:
            self._fall_back(constraint, error)
            self._one_by_one(constraint)

    def matrix(self, objective: Any) -> Matrix:
        """Return all rows so far, with the objective and what the columns may be."""
        cost, offset = self._objective(objective)
        sign = 1.0 if objective.sense == pyo.minimize else -1.0
        limits = limits_of(self.columns, self.evaluator)
        a, row_low, row_high = self.parts.joined(self.columns.length)
        return Matrix(
            a=a,
            row_low=row_low,
            row_high=row_high,
            low=np.where(limits.fixed, limits.value, limits.low),
            high=np.where(limits.fixed, limits.value, limits.high),
            integer=limits.integer,
            cost=sign * cost,
            offset=sign * offset,
            rows=self.parts.blocks,
            sign=sign,
            evaluator=self.evaluator,
            fell_back=self.fell_back,
        )

    def _fall_back(self, component: Any, reason: Exception) -> None:
        self.fell_back[component.name] = str(reason)
        log.info("%s is compiled row by row: %s", component.name, reason)

    def _objective(self, objective: Any) -> tuple[Array, float]:
        """Return cost and offset of the objective."""
        try:
            if not hasattr(objective, "template_expr"):
                raise NotTemplatedError("it is no template")
            value = self.evaluator.linear(objective.template_expr()[0], Space(1, {}))
        except NotTemplatedError as error:
            self._fall_back(objective, error)
            value = walked([objective.expr], self.columns)
        cost = np.zeros(self.columns.length)
        for columns, coefficients in zip(value.columns, value.coefficients, strict=True):
            np.add.at(cost, columns, coefficients)
        return cost, float(value.constant[0])

    def _by_template(self, constraint: Any, template: tuple[Any, Any]) -> None:
        index = self.columns.members.index(constraint)
        expression, templates = template
        space = self.evaluator.space(constraint, templates) if constraint.is_indexed() else Space(1, {})
        low, body, high = self._bounded(expression, space)
        self.parts.add(constraint, index, body, (low, high))

    def _bounded(self, expression: Any, space: Space) -> tuple[Array, Linear, Array]:
        """Return lower bound, body and upper bound of a relation."""
        if isinstance(expression, RangedExpression):
            low, body, high = (self.evaluator.linear(part, space) for part in expression.args)
            if not (low.is_constant and high.is_constant):
                raise NotTemplatedError("a bound with variables")
            return low.constant, body, high.constant
        if not isinstance(expression, EqualityExpression | InequalityExpression):
            raise NotTemplatedError(f"a relation of the kind {type(expression).__name__}")
        left, right = (self.evaluator.linear(part, space) for part in expression.args)
        nothing, zero = np.full(space.length, np.inf), np.zeros(space.length)
        if left.is_constant and isinstance(expression, InequalityExpression):
            return left.constant, right, nothing
        left.add(right.times(np.full(space.length, -1.0)))
        return (zero if isinstance(expression, EqualityExpression) else -nothing), left, zero

    def _one_by_one(self, constraint: Any) -> None:
        data = [d for d in constraint.values() if d.active]
        for d in data:
            d.expr  # noqa: B018  makes an expression of its own out of a template
        relations = [d.to_bounded_expression() for d in data]
        body = walked([relation[1] for relation in relations], self.columns)
        low, high = (
            np.array([sign * np.inf if r[place] is None else float(pyo.value(r[place])) for r in relations])
            for place, sign in ((0, -1.0), (2, 1.0))
        )
        self.parts.add(constraint, [d.index() for d in data], body, (low, high))


def _shared(constraint: Any, columns: Columns) -> tuple[Any, Any] | None:
    """Return the template that all rows of a constraint share, as objects of their own; None if no row is active.

    Raises
    ------
    NotTemplatedError
        If they share none.
    """
    data = [d for d in constraint.values() if d.active]
    if not data:
        return None
    if not hasattr(data[0], "template_expr"):
        raise NotTemplatedError("it is no template")
    if len(data) < len(columns.members.index(constraint)) or not all(hasattr(d, "template_expr") for d in data):
        raise NotTemplatedError("some of its rows are left out or written anew")
    template: tuple[Any, Any] = data[0].template_expr()
    return template


def _refuse_impossible_rows(matrix: Matrix) -> None:
    """Name a row without variables that cannot hold: no solver would say which it was."""
    empty = np.bincount(matrix.a.indices, minlength=matrix.a.shape[0]) == 0
    wrong = np.flatnonzero(empty & ((matrix.row_low > ROUNDING) | (matrix.row_high < -ROUNDING)))
    if len(wrong):
        name = matrix.row_name(int(wrong[0]))
        raise InfeasibleRowError(f"the row {name} has no variables and does not hold")
