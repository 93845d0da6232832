"""Pyomo model to sparse arrays: every constraint evaluated once, symbolically, over its whole index.

What is no template, or cannot be evaluated as arrays, falls back constraint by constraint to the visitor of Pyomo's own
standard-form compiler; a log line names what fell back and why.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
from pyomo.repn.util import categorize_valid_components
from scipy import sparse

from solvers.columns import Columns
from solvers.kept_solver import KeptSolver
from solvers.limits import Limits, limits_of
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
    return Compilation(model).matrix(refuse=refuse)


class Compilation:
    """A model that is compiled more than once, while rows come and go and the objective changes.

    What has been compiled is kept: variables, and rows by their constraints. Who keeps a compilation must not change
    these, but may add constraints, take some away, and aim at another objective. Where there are other variables than
    before, all is compiled anew.

    Parameters
    ----------
    model
        A Pyomo ConcreteModel.
    keeps_solver
        Whether a linear model's solver is kept too: the next solve that starts with its plan goes on in it.
    """

    def __init__(self, model: Any, *, keeps_solver: bool = False) -> None:
        self.model = model
        self.solver = KeptSolver() if keeps_solver else None
        self._compiler = _Compiler(Columns.of(model))

    def matrix(self, *, refuse: bool = True) -> Matrix:
        """Return the model's arrays as they are now; see `compile_model`."""
        _, unknown = categorize_valid_components(self.model, active=True, sort=False, valid=_KNOWN, targets=set())
        if unknown:
            names = ", ".join(str(kind.__name__) for kind in unknown)
            raise ValueError(f"the model holds components of a kind that has no rows: {names}")
        objectives = list(self.model.component_data_objects(pyo.Objective, active=True))
        if len(objectives) != 1:
            raise ValueError(f"the model has {len(objectives)} active objectives: wanted one")
        columns = Columns.of(self.model)
        if [*map(id, columns.variables)] != [*map(id, self._compiler.columns.variables)]:
            self._compiler = _Compiler(columns)
        matrix = self._compiler.matrix(objectives[0])
        if refuse:
            _refuse_impossible_rows(matrix)
        return matrix


@dataclass(frozen=True, eq=False)
class _Part:
    """The rows of one constraint, counted from 0: triplets, bounds, and the indices that they belong to."""

    constraint: Any
    rows: Sequence[NDArray[np.int64]] = ()
    columns: Sequence[NDArray[np.int64]] = ()
    coefficients: Sequence[Array] = ()
    low: Array = field(default_factory=lambda: np.zeros(0))
    high: Array = field(default_factory=lambda: np.zeros(0))
    index: Sequence[Any] = ()
    fell_back: str = ""

    @classmethod
    def of(cls, constraint: Any, index: Sequence[Any], body: Linear, bounds: tuple[Array, Array]) -> _Part:
        """Return rows whose body's constant moves to their bounds; rows without bounds are left out."""
        low, high = bounds
        bounded = np.isfinite(low) | np.isfinite(high)
        place = np.cumsum(bounded) - 1
        kept = [bounded[rows] for rows in body.rows]
        return cls(
            constraint,
            [place[rows[k]] for rows, k in zip(body.rows, kept, strict=True)],
            [columns[k] for columns, k in zip(body.columns, kept, strict=True)],
            [coefficients[k] for coefficients, k in zip(body.coefficients, kept, strict=True)],
            (low - body.constant)[bounded],
            (high - body.constant)[bounded],
            index if bounded.all() else [i for i, b in zip(index, bounded.tolist(), strict=True) if b],
        )


class _Rows(NamedTuple):
    """The rows of all constraints."""

    parts: Sequence[_Part]
    a: sparse.csc_array
    low: Array
    high: Array
    blocks: Sequence[Rows]

    @classmethod
    def of(cls, parts: Sequence[_Part], width: int) -> _Rows:
        """Put the rows of constraints below each other."""
        starts = np.cumsum([0, *(len(part.index) for part in parts)]).tolist()
        placed = list(zip(parts, starts, strict=False))
        rows = _joined([each + start for part, start in placed for each in part.rows]).astype(np.int32)
        columns = _joined([each for part in parts for each in part.columns]).astype(np.int32)
        coefficients = _joined([each for part in parts for each in part.coefficients])
        a = sparse.csc_array(sparse.coo_array((coefficients, (rows, columns)), shape=(starts[-1], width)))
        a.sum_duplicates()
        a.eliminate_zeros()
        blocks = [Rows(part.constraint, start, part.index) for part, start in placed if part.index]
        return cls(parts, a, _joined([part.low for part in parts]), _joined([part.high for part in parts]), blocks)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)


class _Compiler:
    """Turns constraints into rows, by template where there is one and one by one where there is none."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.evaluator = Evaluator(columns)
        self.parts: dict[int, _Part] = {}
        self.rows: _Rows | None = None

    @cached_property
    def limits(self) -> Limits:
        """What the columns may be."""
        return limits_of(self.columns, self.evaluator)

    def matrix(self, objective: Any) -> Matrix:
        """Return the rows of all active constraints, with the objective and what the columns may be."""
        constraints = self.columns.model.component_objects(pyo.Constraint, active=True, descend_into=True)
        parts = [self.parts.get(id(constraint)) or self._part(constraint) for constraint in constraints]
        self.parts = {id(part.constraint): part for part in parts}
        if self.rows is None or [*map(id, parts)] != [*map(id, self.rows.parts)]:
            self.rows = _Rows.of(parts, self.columns.length)
        fell_back = {part.constraint.name: part.fell_back for part in parts if part.fell_back}
        cost, offset, reason = self._objective(objective)
        sign = 1.0 if objective.sense == pyo.minimize else -1.0
        limits = self.limits
        return Matrix(
            a=self.rows.a,
            row_low=self.rows.low,
            row_high=self.rows.high,
            low=np.where(limits.fixed, limits.value, limits.low),
            high=np.where(limits.fixed, limits.value, limits.high),
            integer=limits.integer,
            cost=sign * cost,
            offset=sign * offset,
            rows=self.rows.blocks,
            sign=sign,
            evaluator=self.evaluator,
            fell_back=fell_back | ({objective.name: reason} if reason else {}),
        )

    def _part(self, constraint: Any) -> _Part:
        """Return the rows of a constraint."""
        try:
            template = untouched(constraint) or _shared(constraint, self.columns)
            return _Part(constraint) if template is None else self._by_template(constraint, template)
        except NotTemplatedError as error:
            log.info("%s is compiled row by row: %s", constraint.name, error)
            return replace(self._one_by_one(constraint), fell_back=str(error))

    def _objective(self, objective: Any) -> tuple[Array, float, str]:
        """Return cost and offset of the objective, and why it was no template if it was none."""
        reason = ""
        try:
            if not hasattr(objective, "template_expr"):
                raise NotTemplatedError("it is no template")
            value = self.evaluator.linear(objective.template_expr()[0], Space(1, {}))
        except NotTemplatedError as error:
            log.info("%s is compiled row by row: %s", objective.name, error)
            reason = str(error)
            value = walked([objective.expr], self.columns)
        cost = np.zeros(self.columns.length)
        for columns, coefficients in zip(value.columns, value.coefficients, strict=True):
            np.add.at(cost, columns, coefficients)
        return cost, float(value.constant[0]), reason

    def _by_template(self, constraint: Any, template: tuple[Any, Any]) -> _Part:
        index = self.columns.members.index(constraint)
        expression, templates = template
        space = self.evaluator.space(constraint, templates) if constraint.is_indexed() else Space(1, {})
        low, body, high = self._bounded(expression, space)
        return _Part.of(constraint, index, body, (low, high))

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

    def _one_by_one(self, constraint: Any) -> _Part:
        data = [d for d in constraint.values() if d.active]
        for d in data:
            d.expr  # noqa: B018  makes an expression of its own out of a template
        relations = [d.to_bounded_expression() for d in data]
        body = walked([relation[1] for relation in relations], self.columns)
        low, high = (
            np.array([sign * np.inf if r[place] is None else float(pyo.value(r[place])) for r in relations])
            for place, sign in ((0, -1.0), (2, 1.0))
        )
        return _Part.of(constraint, [d.index() for d in data], body, (low, high))


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
