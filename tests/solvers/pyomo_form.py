"""A model as Pyomo's own standard-form compiler reads it, to compare with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy import sparse

from solvers.matrix import Matrix


class Form(NamedTuple):
    """Rows, columns and numbers of a model, in an order of names."""

    rows: list[tuple[str, Any]]
    columns: list[tuple[str, Any]]
    a: sparse.csr_array
    row_low: np.ndarray
    row_high: np.ndarray
    low: np.ndarray
    high: np.ndarray
    integer: np.ndarray
    cost: np.ndarray
    offset: float


def form_of_pyomo(model: Any) -> Form:
    """Return what Pyomo's compiler makes of a model; the two rows of a ranged constraint become one again."""
    form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=pyo.minimize)
    names = [(row.constraint.parent_component().name, row.constraint.index()) for row in form.rows]
    kind = np.array([row.bound_type for row in form.rows], dtype=int)
    rhs = np.asarray(form.rhs, dtype=float)
    rows = list(dict.fromkeys(names))
    place = {name: row for row, name in enumerate(rows)}
    target = np.array([place[name] for name in names], dtype=int)
    low, high = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    np.maximum.at(low, target, np.where(kind <= 0, rhs, -np.inf))
    np.minimum.at(high, target, np.where(kind >= 0, rhs, np.inf))
    first = [names.index(name) for name in rows] if len(rows) < len(names) else np.arange(len(rows))
    columns = list(form.columns)
    bounds = [variable.bounds for variable in columns]
    return _sorted(
        Form(
            rows,
            [(v.parent_component().name, v.index()) for v in columns],
            sparse.csr_array(form.A)[first],
            low,
            high,
            np.array([-np.inf if b[0] is None else b[0] for b in bounds], dtype=float),
            np.array([np.inf if b[1] is None else b[1] for b in bounds], dtype=float),
            np.array([v.is_integer() for v in columns], dtype=bool),
            np.asarray(form.c.todense(), dtype=float).reshape(-1),
            float(form.c_offset[0]),
        )
    )


def form_of(matrix: Matrix, like: Form) -> Form:
    """Return our own matrix in the same shape: fixed columns are numbers, and what Pyomo leaves out is left out.

    Columns that are left out must not be in any row or in the cost, and rows must have no other than fixed columns.
    """
    columns = matrix.evaluator.columns
    names = [(v.name, index) for v in columns.variables for index in columns.index(v)]
    rows = [(block.constraint.name, index) for block in matrix.rows for index in block.index]
    wanted = set(like.columns)
    kept = np.array([name in wanted for name in names], dtype=bool)
    a = sparse.csr_array(matrix.a)
    gone = np.flatnonzero(~kept)
    free = gone[matrix.low[gone] != matrix.high[gone]]
    assert not a[:, free].nnz
    assert not matrix.cost[free].any()
    value = np.where(np.isin(np.arange(len(names)), gone) & np.isfinite(matrix.low), matrix.low, 0.0)
    moved = a @ np.where(kept, 0.0, value)
    a = a[:, np.flatnonzero(kept)]
    there = np.flatnonzero((np.diff(a.indptr) > 0) | np.isin(np.arange(len(rows)), _places(rows, set(like.rows))))
    return _sorted(
        Form(
            [rows[row] for row in there],
            [name for name, keep in zip(names, kept, strict=True) if keep],
            a[there],
            (matrix.row_low - moved)[there],
            (matrix.row_high - moved)[there],
            matrix.low[kept],
            matrix.high[kept],
            matrix.integer[kept],
            matrix.cost[kept],
            matrix.offset + float(matrix.cost[~kept] @ value[~kept]),
        )
    )


def _places(names: list[Any], wanted: set[Any]) -> list[int]:
    return [place for place, name in enumerate(names) if name in wanted]


def _sorted(form: Form) -> Form:
    down = sorted(range(len(form.rows)), key=lambda row: str(form.rows[row]))
    along = sorted(range(len(form.columns)), key=lambda column: str(form.columns[column]))
    return Form(
        [form.rows[row] for row in down],
        [form.columns[column] for column in along],
        sparse.csr_array(form.a)[down][:, along],
        form.row_low[down],
        form.row_high[down],
        form.low[along],
        form.high[along],
        form.integer[along],
        form.cost[along],
        form.offset,
    )


def assert_same(model: Any, matrix: Matrix) -> None:
    """Compare a compiled model with what Pyomo's compiler makes of the same model, row by row, column by column."""
    theirs = form_of_pyomo(model)
    ours = form_of(matrix, theirs)
    assert ours.rows == theirs.rows
    assert ours.columns == theirs.columns
    difference = abs(ours.a - theirs.a)
    assert difference.max() <= 1e-9 * max(1.0, abs(theirs.a).max()) if difference.nnz else True
    for name in ("row_low", "row_high", "low", "high", "cost", "offset"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(ours.integer, theirs.integer)
