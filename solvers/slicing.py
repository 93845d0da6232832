"""Linear programs as plain arrays, and pieces of them: some columns free, all others held where they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from solvers.linear import Array
from solvers.matrix import Matrix

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

KEPT = 1e-6
"""What a row or bound may be off by and still count as kept, times the row's largest term where that is above one."""


@dataclass(frozen=True, eq=False)
class Program:
    """minimise ``cost @ x`` over ``row_low <= a @ x <= row_high``, ``low <= x <= high``, some columns whole."""

    a: sparse.csc_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: Mask
    cost: Array

    @classmethod
    def of(cls, matrix: Matrix) -> Program:
        """Return a compiled model without the names of its parts."""
        parts = (matrix.row_low, matrix.row_high, matrix.low, matrix.high, matrix.integer, matrix.cost)
        return cls(matrix.a, *parts)

    @cached_property
    def by_row(self) -> sparse.csr_array:
        """The coefficients, compressed by row."""
        return sparse.csr_array(self.a)

    @cached_property
    def column_of_entry(self) -> Places:
        """The column of every stored coefficient of `a`."""
        return np.repeat(np.arange(self.a.shape[1]), np.diff(self.a.indptr))

    @property
    def sides(self) -> Array:
        """How large the number is that each row is held to, shape (rows,)."""
        bounds = np.stack([self.row_low, self.row_high])
        sides: Array = np.where(np.isfinite(bounds), abs(bounds), 0.0).max(axis=0)
        return sides

    def held(self, columns: Places, values: Array) -> Program:
        """Return the program with columns held at values."""
        low, high = self.low.copy(), self.high.copy()
        low[columns] = high[columns] = values
        return replace(self, low=low, high=high)

    def part(self, rows: Places, columns: Places, cost: Array) -> Program:
        """Return the program of some rows and columns alone, at a cost of their own, shape (columns,)."""
        a = sparse.csc_array(self.by_row[rows][:, columns])
        bounds = (self.low[columns], self.high[columns], self.integer[columns])
        return Program(a, self.row_low[rows], self.row_high[rows], *bounds, cost)

    def excess(self, x: Array) -> float:
        """Return by how much the worst row or bound is broken, in the measure of KEPT; whole columns must be whole."""
        off = np.maximum(self.low - x, x - self.high)
        off[self.integer] = np.maximum(off, abs(x - np.round(x)))[self.integer]
        activity = self.a @ x
        largest = np.ones(len(activity))
        np.maximum.at(largest, self.a.indices, abs(self.a.data * x[self.column_of_entry]))
        rows = np.maximum(self.row_low - activity, activity - self.row_high) / largest
        return float(max(off.max(initial=0.0), rows.max(initial=0.0)))

    def is_kept_by(self, x: Array) -> bool:
        """Tell whether a plan keeps every row, bound and whole number."""
        return self.excess(x) <= KEPT


@dataclass(frozen=True, eq=False)
class Piece:
    """A program over some columns of a larger one."""

    program: Program
    columns: Places


def piece_of(whole: Program, columns: Places, x: Array) -> Piece | None:
    """Return the program in which `columns` are free and all others stay at `x`; None if that cannot hold.

    A row that reaches a single free column becomes a bound of it: the rows of a whole year on its peak, say, leave one
    bound. Rows without a free column are not looked at.
    """
    part = whole.a[:, columns]
    count = np.bincount(part.indices, minlength=whole.a.shape[0])
    rows = np.flatnonzero(count)
    rest = (whole.a @ x)[rows] - part[rows] @ x[columns]
    low, high = whole.low[columns].copy(), whole.high[columns].copy()
    row_low, row_high = whole.row_low[rows] - rest, whole.row_high[rows] - rest
    by_row = sparse.csr_array(part[rows])
    single = count[rows] == 1
    alone = by_row[single]
    tighten((alone.indices.astype(np.int64), alone.data), row_low[single], row_high[single], (low, high))
    crossed = low - high
    if (crossed > 1e-5 * np.maximum(1.0, abs(high))).any():
        return None
    middle = np.where(crossed > 0, (low + high) / 2, 0.0)
    low, high = np.where(crossed > 0, middle, low), np.where(crossed > 0, middle, high)
    integer = whole.integer[columns]
    several = ~single
    body = sparse.csc_array(by_row[several])
    return Piece(Program(body, row_low[several], row_high[several], low, high, integer, whole.cost[columns]), columns)


def held_by_rows(program: Program, columns: Places) -> Program:
    """Return a program in which those of some columns that a row of their own holds at a value are held there."""
    rows, low, high = program.by_row, program.low.copy(), program.high.copy()
    single = np.flatnonzero((np.diff(rows.indptr) == 1) & (program.row_low == program.row_high))
    single = single[np.isin(rows.indices[rows.indptr[single]], columns)]
    alone = rows[single]
    tighten(
        (alone.indices.astype(np.int64), alone.data), program.row_low[single], program.row_high[single], (low, high)
    )
    return replace(program, low=low, high=np.maximum(low, high))


def tighten(entries: tuple[Places, Array], row_low: Array, row_high: Array, bounds: tuple[Array, Array]) -> None:
    """Turn rows of one column each into bounds of that column, in place; `entries` are columns and coefficients."""
    low, high = bounds
    column, scale = entries
    one, other = row_low / scale, row_high / scale
    np.maximum.at(low, column, np.where(scale > 0, one, other))
    np.minimum.at(high, column, np.where(scale > 0, other, one))
