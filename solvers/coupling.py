"""Columns without a time, which tie all of it together: peaks, sizes, and what long rows fall short by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.slicing import Mask, Places, Program


@dataclass(frozen=True, eq=False)
class Coupling:
    """The columns without a time.

    Parameters
    ----------
    columns
        All of them.
    followers
        Those that every row only pushes up, and that cost nothing less than nothing: a peak, say. Whatever the rest of
        the plan is, the least that the rows ask for is best. Their lowest values are the `low` of the program.
    """

    columns: Places
    followers: Places

    @classmethod
    def of(cls, program: Program, times: Places) -> Coupling:
        """Find the columns without a time in a program."""
        columns = np.flatnonzero(times == NO_TIME)
        entries = program.a[:, columns].tocoo()
        low, high = program.row_low[entries.row], program.row_high[entries.row]
        pushes_up = np.where(entries.data > 0, np.isinf(high), np.isinf(low))
        lonely = np.ones(len(columns), bool)
        lonely[entries.col[~pushes_up]] = False
        # Two followers in one row would wait for each other.
        shared = np.bincount(entries.row, minlength=program.a.shape[0])[entries.row] > 1
        lonely[entries.col[shared]] = False
        lonely &= (program.cost[columns] >= 0) & ~program.integer[columns] & np.isfinite(program.low[columns])
        return cls(columns, columns[lonely])

    def settled(self, program: Program, x: Array) -> Array:
        """Return a plan with every follower at the least that the rows ask for."""
        settled = x.copy()
        settled[self.followers] = 0.0
        part = program.a[:, self.followers].tocoo()
        activity = program.a @ settled
        wanted = np.where(part.data > 0, program.row_low[part.row], program.row_high[part.row]) - activity[part.row]
        least = program.low[self.followers].copy()
        np.maximum.at(least, part.col, wanted / part.data)
        settled[self.followers] = np.minimum(least, program.high[self.followers])
        return settled


def spans(program: Program, times: Places) -> Places:
    """Return how many places in time lie between the first and the last that each row reaches, shape (rows,)."""
    of_entry = times[program.column_of_entry]
    timed = of_entry != NO_TIME
    rows = program.a.indices[timed]
    first = np.full(program.a.shape[0], np.iinfo(np.int64).max)
    last = np.full(program.a.shape[0], np.iinfo(np.int64).min)
    np.minimum.at(first, rows, of_entry[timed])
    np.maximum.at(last, rows, of_entry[timed])
    return np.where(last >= first, last - first, 0)


def with_shortfalls(program: Program, long: Mask, price: Array) -> Program:
    """Return the program with what each long row may be broken by as further columns, at a price.

    A cap on a whole year says nothing of how much of it is a week's; windows that each take their own share of the
    relaxation's could not be solved at all if that share were a wall.

    Parameters
    ----------
    long
        Which rows, shape (rows,).
    price
        The price of breaking each row by one, shape (rows,).
    """
    above = np.flatnonzero(long & np.isfinite(program.row_high))
    below = np.flatnonzero(long & np.isfinite(program.row_low))
    rows = np.concatenate([above, below])
    signs = np.concatenate([np.full(len(above), -1.0), np.ones(len(below))])
    more = sparse.csc_array((signs, (rows, np.arange(len(rows)))), shape=(program.a.shape[0], len(rows)))
    nothing = np.zeros(len(rows))
    return replace(
        program,
        a=sparse.csc_array(sparse.hstack([program.a, more])),
        low=np.concatenate([program.low, nothing]),
        high=np.concatenate([program.high, np.full(len(rows), np.inf)]),
        integer=np.concatenate([program.integer, np.zeros(len(rows), bool)]),
        cost=np.concatenate([program.cost, price[rows]]),
    )
