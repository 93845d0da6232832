"""Rows that few plans break: left out of a model, and what a plan without them makes of them.

A constraint is lazy if a Suffix called ``lazy`` on its block, or on one above, holds it with a true value. It means the
same as any other; only the way to an optimum is another. The rows stay where they are, without bounds, so that names,
duals and the order of rows stay as well. A whole column that nothing but lazy rows asks for, and that costs nothing, is
chosen afterwards: any number that its rows allow will do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyomo.core as pyo
from scipy import sparse

from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.slicing import KEPT, Mask, Places, Program, tighten

SUFFIX = "lazy"
"""What the Suffix is called that marks constraints."""
_ROUNDING = 1e-9


def lazy_rows(model: Any, matrix: Matrix) -> Mask:
    """Return which rows of a compiled model are marked as lazy, shape (rows,)."""
    suffixes = model.component_objects(pyo.Suffix, active=True, descend_into=True)
    marked = {id(part) for each in suffixes if each.local_name == SUFFIX for part, value in each.items() if value}
    lazy = np.zeros(len(matrix.row_low), dtype=bool)
    for block in matrix.rows:
        lazy[block.start : block.start + len(block.index)] = id(block.constraint) in marked
    return lazy


class Settled(NamedTuple):
    """A plan whose free columns are chosen, and which rows, shape (rows,), it breaks all the same."""

    values: Array
    broken: Mask


class _Owned(NamedTuple):
    """Rows that each hold one free column: ``low <= scale * column <= high``, give or take `slack`."""

    rows: Places
    columns: Places
    scale: Array
    low: Array
    high: Array
    slack: Array


@dataclass(frozen=True, eq=False)
class Freed:
    """A model of which some rows are left out.

    Parameters
    ----------
    matrix
        The whole model.
    out
        Which rows are left out, shape (rows,).
    """

    matrix: Matrix
    out: Mask

    @cached_property
    def columns(self) -> Mask:
        """Whole columns that can be chosen one by one once all others are known, shape (columns,)."""
        a, matrix = self.matrix.a, self.matrix
        of_entry = np.repeat(np.arange(a.shape[1]), np.diff(a.indptr))
        is_out = self.out[a.indices]
        asked, met = np.zeros(a.shape[1], dtype=bool), np.zeros(a.shape[1], dtype=bool)
        asked[of_entry[~is_out]] = met[of_entry[is_out]] = True
        free = matrix.integer & (matrix.cost == 0.0) & met & ~asked
        # Two in one row cannot be chosen each by itself.
        many = np.bincount(a.indices[free[of_entry]], minlength=a.shape[0]) > 1
        free[of_entry[many[a.indices]]] = False
        return np.asarray(free)

    @property
    def left(self) -> Matrix:
        """The model without the rows, whose free columns need not be whole."""
        matrix = self.matrix
        return replace(
            matrix,
            row_low=np.where(self.out, -np.inf, matrix.row_low),
            row_high=np.where(self.out, np.inf, matrix.row_high),
            integer=matrix.integer & ~self.columns,
        )

    @cached_property
    def _rows(self) -> tuple[Places, sparse.csr_array]:
        """The rows that are left out, and their coefficients."""
        rows = np.flatnonzero(self.out)
        return rows, sparse.csr_array(sparse.csr_array(self.matrix.a)[rows])

    def settled(self, x: Array) -> Settled:
        """Choose the free columns of a plan, each as near to what it was as its rows allow, and look at all rows.

        Where no whole number keeps the rows of a column, it gets the one that breaks them least.
        """
        owned = self._owned(x)
        low, high = self.matrix.low.copy(), self.matrix.high.copy()
        tighten((owned.columns, owned.scale), owned.low - owned.slack, owned.high + owned.slack, (low, high))
        up, down = np.ceil(low - _ROUNDING), np.floor(high + _ROUNDING)
        crossed = self.columns & (up > down)
        kept = self.columns & ~crossed
        values, places = x.copy(), np.flatnonzero(crossed)
        values[kept] = np.clip(np.round(x[kept]), up[kept], down[kept])
        values[places] = self._least_breaking(owned, places, (down[places], up[places]))
        broken = self._broken_others(x, owned.rows)
        broken[owned.rows] = crossed[owned.columns]
        return Settled(values, broken)

    def _least_breaking(self, owned: _Owned, columns: Places, pair: tuple[Array, Array]) -> Array:
        """Return for each column which of two numbers, within its bounds, breaks its rows least."""
        rows = np.flatnonzero(np.isin(owned.columns, columns))
        place = np.searchsorted(columns, owned.columns[rows])
        lowest, highest = np.ceil(self.matrix.low[columns] - KEPT), np.floor(self.matrix.high[columns] + KEPT)
        found, least = np.zeros(len(columns)), np.full(len(columns), np.inf)
        for tried in pair:
            number, off = np.clip(tried, lowest, highest), np.zeros(len(columns))
            activity = owned.scale[rows] * number[place]
            np.maximum.at(off, place, np.maximum(owned.low[rows] - activity, activity - owned.high[rows]))
            found, least = np.where(off < least, number, found), np.minimum(off, least)
        return found

    def _owned(self, x: Array) -> _Owned:
        """Return the rows that hold a free column, the others at `x`."""
        rows, a = self._rows
        of_entry = np.repeat(np.arange(len(rows)), np.diff(a.indptr))
        is_own = self.columns[a.indices]
        term = np.where(is_own, 0.0, a.data * x[a.indices])
        rest, largest = np.zeros(len(rows)), np.ones(len(rows))
        np.add.at(rest, of_entry, term)
        np.maximum.at(largest, of_entry, abs(term))
        places = of_entry[is_own]
        own = rows[places]
        low, high = self.matrix.row_low[own] - rest[places], self.matrix.row_high[own] - rest[places]
        return _Owned(own, a.indices[is_own].astype(np.int64), a.data[is_own], low, high, KEPT * largest[places])

    def _broken_others(self, x: Array, owned: Places) -> Mask:
        """Return which rows without a free column a plan breaks."""
        rows, a = self._rows
        of_entry = np.repeat(np.arange(len(rows)), np.diff(a.indptr))
        largest, activity = np.ones(len(rows)), a @ x
        np.maximum.at(largest, of_entry, abs(a.data * x[a.indices]))
        off = np.maximum(self.matrix.row_low[rows] - activity, activity - self.matrix.row_high[rows])
        broken = np.zeros(len(self.out), dtype=bool)
        broken[rows] = off > KEPT * largest
        broken[owned] = False
        return broken

    def mended(self, x: Array) -> Program:
        """Return the linear model of all rows with the whole columns of a plan held."""
        whole = np.flatnonzero(self.matrix.integer)
        return Program.of(self.matrix).held(whole, np.round(x[whole]))
