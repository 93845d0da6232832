"""The smallest change of one number that a model depends on, such that it can be met.

How the arrays depend on the number is read off two matrices: the model as it is, and with the number moved a little.
Where the number moves only bounds, and coefficients of columns that are 0 or 1, the smallest change is itself a small
addition to the model: one column for the change, and for each such column the exact product of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from solvers.infeasible import Clock, Shortfall, optimum
from solvers.linear import Array
from solvers.matrix import Matrix

_ROUNDING = 1e-9
_ACTIVE = 1e-7


@dataclass(frozen=True, eq=False)
class Slopes:
    """How fast arrays grow with a number.

    Parameters
    ----------
    a
        Of the coefficients, shape (rows, columns).
    row_low, row_high, low, high
        Of the bounds of rows and columns; zero where there is no bound.
    """

    a: sparse.csc_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array

    @property
    def are_zero(self) -> bool:
        """Whether the number means nothing to the model."""
        return not (self.a.nnz or any(part.any() for part in (self.row_low, self.row_high, self.low, self.high)))

    @property
    def columns(self) -> NDArray[np.int64]:
        """Columns with a coefficient that changes."""
        return np.flatnonzero(np.diff(self.a.indptr))


def slopes(matrix: Matrix, moved: Matrix, step: float) -> Slopes | None:
    """Return how the arrays change by unit of a number, or None if a step of it changes what rows there are."""
    if matrix.a.shape != moved.a.shape or _shape(matrix) != _shape(moved):
        return None
    if (matrix.integer != moved.integer).any():
        return None
    a = sparse.csc_array((moved.a - matrix.a) / step)
    scale = max(1.0, float(np.abs(a.data).max())) if a.nnz else 1.0
    a.data[np.abs(a.data) < _ROUNDING * scale] = 0.0
    a.eliminate_zeros()
    pairs = [(getattr(matrix, name), getattr(moved, name)) for name in ("row_low", "row_high", "low", "high")]
    if any((np.isfinite(before) != np.isfinite(after)).any() for before, after in pairs):
        return None
    return Slopes(a, *(_slope(before, after, step) for before, after in pairs))


def _shape(matrix: Matrix) -> list[tuple[str, int]]:
    return [(str(block.constraint.name), len(block.index)) for block in matrix.rows]


def _slope(before: Array, after: Array, step: float) -> Array:
    finite = np.isfinite(before)
    change = np.where(finite, np.where(finite, after, 0.0) - np.where(finite, before, 0.0), 0.0) / step
    change[np.abs(change) < _ROUNDING * max(1.0, float(np.abs(change).max(initial=0.0)))] = 0.0
    return np.asarray(change)


def relief(short: Shortfall, slopes: Slopes) -> float:
    """Return by how much the shortfall falls with each unit that the number grows, at the margin.

    Of numbers that move only bounds it is more than that: without integers, or with their relaxation, a shortfall
    `total` needs a change of at least ``total / relief``, and where there is no relief no change will do.
    """
    row, column = short.row_dual, short.column_dual
    parts = (
        np.maximum(row, 0.0) @ slopes.row_low,
        np.minimum(row, 0.0) @ slopes.row_high,
        np.maximum(column, 0.0) @ slopes.low,
        np.minimum(column, 0.0) @ slopes.high,
        -(row @ (slopes.a @ short.x)),
    )
    return -float(sum(parts))


def leaned_on(short: Shortfall, slopes: Slopes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each row, and for each column, whether the number moves a bound of it that the shortfall leans on."""
    row, column = short.row_dual, short.column_dual
    return (
        ((row > _ACTIVE) & (slopes.row_low != 0)) | ((row < -_ACTIVE) & (slopes.row_high != 0)),
        ((column > _ACTIVE) & (slopes.low != 0)) | ((column < -_ACTIVE) & (slopes.high != 0)),
    )


def touches(short: Shortfall, slopes: Slopes) -> bool:
    """Tell whether the number moves any bound, or any coefficient of a row, that the shortfall leans on."""
    row, column = leaned_on(short, slopes)
    multiplied = np.zeros(len(row), dtype=bool)
    multiplied[slopes.a.indices] = True
    return bool(row.any() or column.any() or (multiplied & (np.abs(short.row_dual) > _ACTIVE)).any())


def has_products(matrix: Matrix, slopes: Slopes) -> bool:
    """Tell whether the number multiplies a column that may be anything but 0 or 1."""
    columns = slopes.columns
    return not ((matrix.low[columns] >= 0) & (matrix.high[columns] <= 1)).all()


def least_change(matrix: Matrix, slopes: Slopes, span: tuple[float, float], clock: Clock) -> float | None:
    """Return the smallest change of the number within `span` that lets all be met; None if there is none.

    Exact where the arrays are straight in the number and the columns whose coefficients change are 0 or 1.

    Raises
    ------
    OutOfTimeError
        If the time was over before that was known.
    """
    solution = optimum(_with_change(matrix, slopes, span), clock)
    return None if solution is None else float(solution.x[len(matrix.cost)])


class _Rows(NamedTuple):
    """Rows over columns, change, size of the change and products."""

    a: sparse.csc_array
    low: Array
    high: Array


def _with_change(matrix: Matrix, slopes: Slopes, span: tuple[float, float]) -> Matrix:
    """Return the model with the change as a column, its size as the only cost, and its products with 0-1 columns."""
    width, products = len(matrix.cost), slopes.columns
    moving = np.flatnonzero((slopes.low != 0) | (slopes.high != 0))
    blocks = [
        *_moved_rows(matrix, slopes, moving),
        _size_rows(width, len(products)),
        *_product_rows(width, products, span),
    ]
    free_low, free_high = matrix.low.copy(), matrix.high.copy()
    free_low[moving], free_high[moving] = -np.inf, np.inf
    none = np.zeros(len(products))
    return replace(
        matrix,
        a=sparse.csc_array(sparse.vstack([block.a for block in blocks])),
        row_low=np.concatenate([block.low for block in blocks]),
        row_high=np.concatenate([block.high for block in blocks]),
        low=np.concatenate([free_low, [span[0], 0.0], none + min(span[0], 0.0)]),
        high=np.concatenate([free_high, [span[1], np.inf], none + max(span[1], 0.0)]),
        integer=np.concatenate([matrix.integer, np.zeros(2 + len(products), dtype=bool)]),
        cost=np.concatenate([np.zeros(width), [0.0, 1.0], none]),
        offset=0.0,
    )


def _moved_rows(matrix: Matrix, slopes: Slopes, moving: NDArray[np.int64]) -> list[_Rows]:
    """Return the model's rows, and its moving bounds as rows, with what the change adds to them."""
    columns, count = slopes.columns, len(moving)
    bounds = sparse.csc_array((np.ones(count), (np.arange(count), moving)), shape=(count, len(matrix.cost)))
    a = sparse.csc_array(sparse.vstack([matrix.a, bounds]))
    low, high = np.append(matrix.row_low, matrix.low[moving]), np.append(matrix.row_high, matrix.high[moving])
    low_slope, high_slope = (
        np.append(slopes.row_low, slopes.low[moving]),
        np.append(slopes.row_high, slopes.high[moving]),
    )
    times = sparse.csc_array(sparse.vstack([slopes.a[:, columns], sparse.csc_array((count, len(columns)))]))
    # A row whose two bounds move apart becomes two rows.
    apart = (low_slope != high_slope) & np.isfinite(low) & np.isfinite(high)
    slope = np.where(np.isfinite(low), low_slope, high_slope)
    split = np.flatnonzero(apart)
    return [
        _Rows(_beside(a, -slope, times), low, np.where(apart, np.inf, high)),
        _Rows(_beside(a[split], -high_slope[split], times[split]), np.full(len(split), -np.inf), high[split]),
    ]


def _beside(a: sparse.csc_array, change: Array, products: sparse.csc_array) -> sparse.csc_array:
    """Return coefficients of columns, change, size of the change (none) and products side by side."""
    parts: list[Any] = [a, sparse.csc_array(change[:, None]), sparse.csc_array((a.shape[0], 1)), products]
    return sparse.csc_array(sparse.hstack(parts))


def _size_rows(width: int, products: int) -> _Rows:
    """Return rows that keep the size of the change above the change and above its negative."""
    place = np.array([0, 0, 1, 1]), np.array([width, width + 1, width, width + 1])
    a = sparse.csc_array((np.array([-1.0, 1.0, 1.0, 1.0]), place), shape=(2, width + 2 + products))
    return _Rows(a, np.zeros(2), np.full(2, np.inf))


def _product_rows(width: int, products: NDArray[np.int64], span: tuple[float, float]) -> list[_Rows]:
    """Return the hull of the product of the change with each 0-1 column: four rows each, all from below."""
    count, (least, most) = len(products), span
    if not count:
        return []
    place = np.arange(count)
    column = sparse.csc_array((np.ones(count), (place, products)), shape=(count, width))
    product = sparse.csc_array((np.ones(count), (place, place)), shape=(count, count))
    change, endless = np.ones(count), np.full(count, np.inf)
    return [
        _Rows(_beside(-least * column, 0.0 * change, product), 0.0 * change, endless),
        _Rows(_beside(most * column, 0.0 * change, -product), 0.0 * change, endless),
        _Rows(_beside(-most * column, -change, product), -most * change, endless),
        _Rows(_beside(least * column, change, -product), least * change, endless),
    ]
