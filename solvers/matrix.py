"""A linear model as sparse arrays, with the Pyomo components behind its rows and columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from solvers.linear import Array
from solvers.templates import Evaluator


class InfeasibleRowError(Exception):
    """A row without variables that cannot hold."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that one constraint gave: where they start, and which of its indices they belong to."""

    constraint: Any
    start: int
    index: Sequence[Any]


@dataclass(frozen=True, eq=False)
class Matrix:
    """minimise ``cost @ x + offset`` over ``row_low <= a @ x <= row_high``, ``low <= x <= high``.

    Parameters
    ----------
    a
        Coefficients, compressed by column, shape (rows, columns).
    integer
        Which columns are whole numbers.
    rows
        Which rows each constraint gave, in their order.
    sign
        -1 if the model maximises: `cost` and `offset` are already turned round.
    evaluator
        Evaluates further expressions in terms of the same columns.
    fell_back
        Components that were not evaluated as templates, and why.
    """

    a: sparse.csc_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: NDArray[np.bool_]
    cost: Array
    offset: float
    rows: Sequence[Rows]
    sign: float
    evaluator: Evaluator
    fell_back: Mapping[str, str]

    def row_name(self, row: int) -> str:
        """Return what a row is called in the model."""
        return row_name(self.rows, row)

    def column_name(self, column: int) -> str:
        """Return what a column is called in the model."""
        columns = self.evaluator.columns
        starts = [columns.starts[id(variable)] for variable in columns.variables]
        # Components without members start where the next one does.
        variable = columns.variables[bisect_right(starts, column) - 1]
        return _named(variable, columns.index(variable)[column - columns.start(variable)])


def row_name(rows: Sequence[Rows], row: int) -> str:
    """Return what a row is called in the model."""
    block = rows[bisect_right([block.start for block in rows], row) - 1]
    return _named(block.constraint, block.index[row - block.start])


def _named(component: Any, index: Any) -> str:
    if index is None:
        return str(component.name)
    text = ",".join(map(str, index)) if isinstance(index, tuple) else str(index)
    return f"{component.name}[{text}]"


def whole_bounds(low: Array, high: Array, integer: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return bounds between which no whole column has less than a whole number, shape (columns,) each.

    HiGHS 1.15.1 cuts off optima of models in which a whole column's bound is none. Where no whole number lies between,
    the bounds stay as they are.
    """
    up, down = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    rounds = integer & (up <= down)
    return np.where(rounds, up, low), np.where(rounds, down, high)
