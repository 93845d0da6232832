"""Why no plan can meet all rows: how much is lacking, and which rows cannot hold together.

Both answers work on the arrays. `shortfall` lets chosen rows give way at a price and returns how much they must, with
the prices of all other limits: a certificate of why not less. `conflict` returns rows and bounds that cannot hold
together, of which none can be left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from solvers.highs import loaded
from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.settings import Settings

TOLERANCE = 1e-6
"""What a row may be off by and still count as met."""


class OutOfTimeError(Exception):
    """The time was over before there was an answer."""


class Clock:
    """A deadline that several solves share, `seconds` after now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until the deadline.

        Raises
        ------
        OutOfTimeError
            If there are none left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        return left

    def check(self) -> None:
        """Raise OutOfTimeError if the time is over."""
        _ = self.left


@dataclass(frozen=True, eq=False)
class Solution:
    """An optimum of a matrix: values and what each limit is worth.

    Parameters
    ----------
    objective
        Value of the optimum.
    x
        One number a column.
    row_dual, column_dual
        What a unit more of a row's, or of a column's, active bound adds to the objective; empty for a model with
        integers.
    """

    objective: float
    x: Array
    row_dual: Array
    column_dual: Array


@dataclass(frozen=True, eq=False)
class Shortfall:
    """How much rows must give way so that all others can be met.

    Parameters
    ----------
    total
        Sum of all amounts, each by its weight.
    amounts
        One a row: above zero what it lacks, below zero what it has too much; zero for rows that hold.
    x
        A plan that meets all the others, one value a column.
    row_dual, column_dual
        What a unit more of a bound adds to `total`; with integers, while these stay as they are in `x`.
    is_relaxed
        Whether integers were taken as any number between their bounds.
    """

    total: float
    amounts: Array
    x: Array
    row_dual: Array
    column_dual: Array
    is_relaxed: bool


@dataclass(frozen=True)
class Conflict:
    """Rows and bounds that cannot hold together.

    Parameters
    ----------
    rows
        The rows, by number.
    low, high
        Columns whose lower, and upper, bound takes part.
    is_irreducible
        Whether all can be met as soon as any one of the rows is left out; False where the time was over before that
        was known.
    needs_integers
        Whether all could be met by fractions.
    """

    rows: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    is_irreducible: bool
    needs_integers: bool


def optimum(matrix: Matrix, clock: Clock) -> Solution | None:
    """Return an optimum of a matrix, or None if there is none.

    Raises
    ------
    OutOfTimeError
        If the time was over before that was known.
    """
    solver = loaded(matrix, Settings(gap=1e-6, seconds=clock.left, options={"parallel": "off"}))
    solver.run()
    status = solver.getModelStatus()
    if status in (highspy.HighsModelStatus.kTimeLimit, highspy.HighsModelStatus.kInterrupt):
        raise OutOfTimeError
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
        return None
    solution, is_mip = solver.getSolution(), bool(matrix.integer.any())
    none = np.zeros(0)
    return Solution(
        float(solver.getInfo().objective_function_value),
        np.asarray(solution.col_value, dtype=float),
        none if is_mip else np.asarray(solution.row_dual, dtype=float),
        none if is_mip else np.asarray(solution.col_dual, dtype=float),
    )


def can_be_met(matrix: Matrix, clock: Clock) -> bool:
    """Tell whether there is any plan at all.

    Raises
    ------
    OutOfTimeError
        If the time was over before that was known.
    """
    return optimum(replace(matrix, cost=np.zeros(len(matrix.cost)), offset=0.0), clock) is not None


def relaxed(matrix: Matrix) -> Matrix:
    """Return a matrix without the demand that integers are whole."""
    return replace(matrix, integer=np.zeros(len(matrix.cost), dtype=bool))


def shortfall(matrix: Matrix, weights: Array, clock: Clock) -> Shortfall | None:
    """Let rows give way at a price, and return by how much they must.

    The relaxation is asked first: if it lacks something, so does the model, and its answer is a proof. Where the
    relaxation lacks nothing, integers are what it fails by.

    Parameters
    ----------
    matrix
        The model; its own cost is not looked at.
    weights
        One a row: the price of a unit that the row gives way by; infinite for rows that hold in any case.

    Returns
    -------
    Shortfall or None
        None if the other rows cannot be met either.

    Raises
    ------
    OutOfTimeError
        If the time was over first.
    """
    soft = np.flatnonzero(np.isfinite(weights))
    elastic = _elastic(matrix, weights, soft)
    found = optimum(relaxed(elastic), clock)
    if found is None:
        return None
    is_relaxed = found.objective > TOLERANCE or not matrix.integer.any()
    if not is_relaxed:
        whole = optimum(elastic, clock)
        if whole is None:
            return None
        found = optimum(_with_integers_at(elastic, whole.x), clock) or whole
    width, amounts = len(matrix.cost), np.zeros(len(matrix.row_low))
    lacking, surplus = np.split(found.x[width:], 2)
    amounts[soft] = lacking - surplus
    amounts[np.abs(amounts) < TOLERANCE] = 0.0
    return Shortfall(
        found.objective, amounts, found.x[:width], found.row_dual, found.column_dual[:width], is_relaxed
    )  # fmt: skip


def _elastic(matrix: Matrix, weights: Array, soft: NDArray[np.int64]) -> Matrix:
    """Return a matrix with two columns more for each row that may give way: what it lacks, what it has too much."""
    count = len(soft)
    slack = sparse.csc_array((np.ones(count), (soft, np.arange(count))), shape=(len(matrix.row_low), count))
    none = np.zeros(2 * count)
    return replace(
        matrix,
        a=sparse.csc_array(sparse.hstack([matrix.a, slack, -slack])),
        low=np.concatenate([matrix.low, none]),
        high=np.concatenate([matrix.high, none + np.inf]),
        integer=np.concatenate([matrix.integer, none.astype(bool)]),
        cost=np.concatenate([np.zeros(len(matrix.cost)), weights[soft], weights[soft]]),
        offset=0.0,
    )


def _with_integers_at(matrix: Matrix, x: Array) -> Matrix:
    whole = np.round(x)
    return relaxed(
        replace(
            matrix,
            low=np.where(matrix.integer, whole, matrix.low),
            high=np.where(matrix.integer, whole, matrix.high),
        )
    )


def conflict(matrix: Matrix, clock: Clock) -> Conflict | None:
    """Return rows and bounds that cannot hold together; None if all can be met.

    The certificate of the relaxation leaves few rows to look at. From these, or where only integers make it impossible
    from all, first whole constraints and then single rows are left out as long as the rest cannot be met either.
    """
    found = shortfall(matrix, np.ones(len(matrix.row_low)), clock)
    if found is None or found.total <= TOLERANCE:
        return None
    kept = np.ones(len(matrix.row_low), dtype=bool)
    model = matrix
    if found.is_relaxed:
        kept, model = np.abs(found.row_dual) > TOLERANCE, relaxed(matrix)
    kept, is_irreducible = _filtered(model, kept, clock)
    low, high = _active_bounds(model, kept, clock) if found.is_relaxed else ((), ())
    rows = tuple(np.flatnonzero(kept).tolist())
    return Conflict(rows, low, high, is_irreducible, not found.is_relaxed)


def _filtered(matrix: Matrix, kept: NDArray[np.bool_], clock: Clock) -> tuple[NDArray[np.bool_], bool]:
    """Leave out what is not needed for the conflict; tell whether all was tried."""
    try:
        for group in _groups(matrix, kept):
            fewer = kept.copy()
            fewer[group] = False
            if fewer.sum() < kept.sum() and not can_be_met(only(matrix, fewer), clock):
                kept = fewer
    except OutOfTimeError:
        return kept, False
    return kept, True


def _groups(matrix: Matrix, kept: NDArray[np.bool_]) -> Iterator[Any]:
    """Give whole constraints first, then single rows."""
    for block in matrix.rows:
        if len(block.index) > 1:
            yield slice(block.start, block.start + len(block.index))
    yield from np.flatnonzero(kept).tolist()


def only(matrix: Matrix, kept: NDArray[np.bool_]) -> Matrix:
    """Return a matrix in which only some rows demand anything."""
    return replace(
        matrix, row_low=np.where(kept, matrix.row_low, -np.inf), row_high=np.where(kept, matrix.row_high, np.inf)
    )


def _active_bounds(
    matrix: Matrix, kept: NDArray[np.bool_], clock: Clock
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """Return the columns whose lower, and upper, bound the conflict of these rows leans on."""
    found = shortfall(only(matrix, kept), np.where(kept, 1.0, np.inf), clock)
    if found is None:
        return (), ()
    low, high = (np.flatnonzero(sign * found.column_dual > TOLERANCE).tolist() for sign in (1.0, -1.0))
    return tuple(low), tuple(high)
