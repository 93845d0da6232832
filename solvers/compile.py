"""Pyomo model to sparse arrays: every constraint evaluated once, symbolically, over its whole index.

What is no template, or cannot be evaluated as arrays, falls back constraint by constraint to the visitor of Pyomo's own
standard-form compiler; a log line names what fell back and why.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder
from pyomo.core.base import SortComponents
from scipy import sparse

from solvers.columns import Columns, limits_of
from solvers.templates import Array, Evaluator, Linear, NotTemplatedError, Space

log = logging.getLogger(__name__)


class InfeasibleRowError(Exception):
    """A row without variables that cannot hold."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that one constraint gave: where they start, and which of its indices they belong to."""

    constraint: Any
    start: int
    indices: list[Any]


@dataclass(eq=False)
class _Builder:
    """Rows as they come: triplets and bounds."""

    rows: list[NDArray[np.int64]]
    columns: list[NDArray[np.int64]]
    coefficients: list[Array]
    low: list[Array]
    high: list[Array]
    blocks: list[Rows]
    count: int = 0

    def add(self, constraint: Any, indices: list[Any], body: Linear, low: Array, high: Array) -> None:
        """Add rows whose body's constant moves to their bounds; rows without bounds are left out."""
        bounded = np.isfinite(low) | np.isfinite(high)
        place = np.cumsum(bounded) - 1 + self.count
        for rows, columns, coefficients in zip(body.rows, body.columns, body.coefficients, strict=True):
            kept = bounded[rows]
            self.rows.append(place[rows[kept]])
            self.columns.append(columns[kept])
            self.coefficients.append(coefficients[kept])
        self.low.append((low - body.constant)[bounded])
        self.high.append((high - body.constant)[bounded])
        self.blocks.append(Rows(constraint, self.count, [i for i, b in zip(indices, bounded.tolist(), strict=True) if b]))
        self.count += int(bounded.sum())


@dataclass(frozen=True, eq=False)
class Compiled:
    """minimise ``cost @ x + offset`` over ``row_low <= a @ x <= row_high``, ``low <= x <= high``.

    Parameters
    ----------
    a
        Coefficients, compressed by column, shape (rows, columns).
    columns
        Where each variable of the model stands.
    rows
        Which rows each constraint gave.
    sign
        -1 if the model maximises: `cost` and `offset` are already turned round.
    fell_back
        Constraints that were not evaluated as templates, and why.
    """

    a: sparse.csc_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: NDArray[np.bool_]
    cost: Array
    offset: float
    columns: Columns
    rows: list[Rows]
    sign: float
    fell_back: dict[str, str]


def compile_model(model: Any) -> Compiled:
    """Return the arrays of a linear or mixed-integer linear Pyomo model with one active objective.

    Raises
    ------
    InfeasibleRowError
        If a row has no variables left and does not hold.
    ValueError
        If the model is not linear, or has no objective or several.
    """
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) != 1:
        raise ValueError(f"the model has {len(objectives)} active objectives: wanted one")
    columns = Columns.of(model)
    evaluator = Evaluator(columns.start, columns.of_data, columns.members)
    compiler = _Compiler(columns, evaluator)
    for constraint in model.component_objects(pyo.Constraint, active=True, descend_into=True):
        compiler.add(constraint)
    sign = 1.0 if objectives[0].sense == pyo.minimize else -1.0
    cost, offset = compiler.objective(objectives[0])
    limits = limits_of(columns, evaluator)
    for name, reason in compiler.fell_back.items():
        log.info("%s is compiled row by row: %s", name, reason)
    a, row_low, row_high = compiler.matrix()
    low, high = limits.low, limits.high
    if limits.fixed.any():
        low, high = np.where(limits.fixed, limits.value, low), np.where(limits.fixed, limits.value, high)
    _refuse_impossible_rows(a, row_low, row_high, compiler.builder.blocks)
    return Compiled(
        a, row_low, row_high, low, high, limits.integer, sign * cost, sign * offset, columns, compiler.builder.blocks, sign,
        compiler.fell_back,
    )  # fmt: skip


class _Compiler:
    """Turns constraints into rows, by template where there is one and row by row where there is none."""

    def __init__(self, columns: Columns, evaluator: Evaluator) -> None:
        self.columns = columns
        self.evaluator = evaluator
        self.builder = _Builder([], [], [], [], [], [])
        self.fell_back: dict[str, str] = {}

    def add(self, constraint: Any) -> None:
        """Add the rows of a constraint."""
        data = [d for d in (constraint.values() if constraint.is_indexed() else (constraint,)) if d.active]
        if not data:
            return
        try:
            self._by_template(constraint, data)
        except NotTemplatedError as error:
            self.fell_back[constraint.name] = str(error)
            self._row_by_row(constraint, data)

    def objective(self, objective: Any) -> tuple[Array, float]:
        """Return cost and offset of the objective."""
        try:
            expression = objective.template_expr()[0] if hasattr(objective, "template_expr") else objective.expr
            value = self.evaluator.linear(expression, Space(1, {}))
        except NotTemplatedError as error:
            self.fell_back[objective.name] = str(error)
            value = self._walked([objective.expr])
        cost = np.zeros(self.columns.length)
        for columns, coefficients in zip(value.columns, value.coefficients, strict=True):
            np.add.at(cost, columns, coefficients)
        return cost, float(value.constant[0])

    def _by_template(self, constraint: Any, data: list[Any]) -> None:
        if not hasattr(data[0], "template_expr"):
            raise NotTemplatedError("it is no template")
        if constraint.is_indexed() and len(data) < len(constraint.index_set()):
            raise NotTemplatedError("some of its rows are left out")
        expression, indices = data[0].template_expr()
        space = self._space(constraint, indices)
        low, body, high = self._bounded(expression, space)
        index = list(constraint.index_set()) if constraint.is_indexed() else [None]
        self.builder.add(constraint, index, body, low, high)

    def _space(self, constraint: Any, indices: tuple[Any, ...]) -> Space:
        if not constraint.is_indexed():
            return Space(1, {})
        members = self.columns.members.of(constraint.index_set())
        values = {id(t): members if members.ndim == 1 else members[:, t._index] for t in indices}
        return Space(len(members), values)

    def _bounded(self, expression: Any, space: Space) -> tuple[Array, Linear, Array]:
        """Return lower bound, body and upper bound of a relation."""
        nothing = np.full(space.length, np.inf)
        if isinstance(expression, RangedExpression):
            low, body, high = expression.args
            return self.evaluator.linear(low, space).constant, self.evaluator.linear(body, space), self.evaluator.linear(high, space).constant
        if not isinstance(expression, EqualityExpression | InequalityExpression):
            raise NotTemplatedError(f"a relation of the kind {type(expression).__name__}")
        left, right = (self.evaluator.linear(part, space) for part in expression.args)
        if left.is_constant and isinstance(expression, InequalityExpression):
            return left.constant, right, nothing
        left.add(right.times(np.full(space.length, -1.0)))
        zero = np.zeros(space.length)
        return (zero if isinstance(expression, EqualityExpression) else -nothing), left, zero

    def _row_by_row(self, constraint: Any, data: list[Any]) -> None:
        relations = [d.to_bounded_expression() for d in data]
        body = self._walked([relation[1] for relation in relations])
        low, high = (
            np.array([sign * np.inf if r[place] is None else float(pyo.value(r[place])) for r in relations])
            for place, sign in ((0, -1.0), (2, 1.0))
        )
        self.builder.add(constraint, [d.index() for d in data], body, low, high)

    def _walked(self, expressions: list[Any]) -> Linear:
        """Return expressions as Pyomo's own visitor reads them."""
        by_id: dict[int, Any] = {}
        visitor = LinearRepnVisitor({}, var_recorder=VarRecorder(by_id, SortComponents.deterministic))
        constant = np.zeros(len(expressions))
        rows, columns, coefficients = [], [], []
        for row, expression in enumerate(expressions):
            found = visitor.walk_expression(expression)
            if found.nonlinear is not None:
                raise ValueError("the model is not linear")
            constant[row] = found.constant
            for key, coefficient in found.linear.items():
                rows.append(row)
                columns.append(self.columns.of_data(by_id[key]))
                coefficients.append(coefficient)
        triplet = np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64), np.array(coefficients, dtype=float)
        return Linear(constant, [triplet[0]], [triplet[1]], [triplet[2]]) if rows else Linear(constant)

    def matrix(self) -> tuple[sparse.csc_array, Array, Array]:
        """Return coefficients and row bounds of all rows so far."""
        built = self.builder
        triplet = [np.concatenate(part) if part else np.zeros(0) for part in (built.coefficients, built.rows, built.columns)]
        shape = (built.count, self.columns.length)
        a = sparse.csc_array(sparse.coo_array((triplet[0], (triplet[1].astype(np.int64), triplet[2].astype(np.int64))), shape=shape))
        a.sum_duplicates()
        a.eliminate_zeros()
        low, high = (np.concatenate(part) if part else np.zeros(0) for part in (built.low, built.high))
        return a, low, high


def _refuse_impossible_rows(a: sparse.csc_array, low: Array, high: Array, blocks: list[Rows]) -> None:
    """Name a row without variables that cannot hold: no solver would say which it was."""
    empty = np.bincount(a.indices, minlength=a.shape[0]) == 0
    wrong = np.flatnonzero(empty & ((low > 1e-9) | (high < -1e-9)))
    if len(wrong):
        block = next(b for b in reversed(blocks) if b.start <= wrong[0])
        index = block.indices[int(wrong[0]) - block.start]
        name = block.constraint.name if index is None else f"{block.constraint.name}[{index}]"
        raise InfeasibleRowError(f"the row {name} has no variables and does not hold")
