"""A basis to begin a long linear model with, put together from the optimal bases of stretches of its time.

The simplex method takes more steps for each hour of a year than for each hour of a month. Stretches are solved at once
and do not know of each other: rows that reach from one into the next are left out. Their bases together, with those
rows' slacks, are a few steps from the optimum of the whole. Whatever they are, the optimum is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import highspy
import numpy as np

from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.pricing import blocks_of_rows
from solvers.runs import Clock, Run
from solvers.slicing import Places, Program

COLUMNS = 5000
"""About how many columns a stretch has. Of 2,000 to 15,000, none took a third longer than the best, on four years."""
STRETCHES = 6
"""The fewest stretches with which to begin; shorter models are solved as they are."""

_STATUS = highspy.HighsBasisStatus


def first_basis(
    program: Program, times: Places, workers: int, clock: Clock, options: Mapping[str, object]
) -> Any | None:
    """Return a HiGHS basis of a linear program's columns and rows, or None where it is too short to be worth it.

    Parameters
    ----------
    times
        The place in time of each column, or NO_TIME, shape (columns,).
    workers
        How many stretches are solved at once.
    clock
        When to stop at the latest; the basis is then what is known of it.
    options
        HiGHS options.
    """
    length = int(times.max(initial=NO_TIME)) + 1
    number = min(len(times) // COLUMNS, length // 2)
    if number < STRETCHES:
        return None
    edges = np.arange(number) * length // number
    block = np.where(times == NO_TIME, number, np.searchsorted(edges, times, side="right") - 1)
    block_of_row, ties = blocks_of_rows(program, block, number)
    # Rows among columns without a time hold in every stretch, or sizes that are sums of others would cost nothing.
    everywhere = block_of_row == number
    block_of_row[ties] = number
    columns, rows = np.full(len(times), _STATUS.kLower), np.full(len(program.row_low), _STATUS.kBasic)
    # A column without a time stands in many rows: some of them will want it in the basis.
    columns[times == NO_TIME] = _STATUS.kBasic

    def put(stretch: int) -> None:
        own, inside = np.flatnonzero(block == stretch), np.flatnonzero(block_of_row == stretch)
        held = np.concatenate([inside, np.flatnonzero(everywhere)])
        basis = _basis_of(program, own, np.flatnonzero(block == number), held, number, (clock, options))
        if basis is not None:
            columns[own], rows[inside] = basis.col_status[: len(own)], basis.row_status[: len(inside)]

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(put, range(number)))
    whole = highspy.HighsBasis()
    whole.col_status, whole.row_status = columns.tolist(), rows.tolist()
    # HiGHS mends what is one basic column too many or too few.
    whole.valid = whole.alien = True
    return whole


def _basis_of(
    program: Program,
    own: Places,
    common: Places,
    rows: Places,
    number: int,
    how: tuple[Clock, Mapping[str, object]],
) -> Any | None:
    """Return the optimal basis of a stretch, which pays its part of what has no time, or None if it has none."""
    clock, options = how
    if clock.is_over:
        return None
    columns = np.concatenate([own, common])
    cost: Array = np.concatenate([program.cost[own], program.cost[common] / number])
    stretch = program.part(rows, columns, cost)
    run = Run(stretch, clock, options, relaxed=True)
    return run.solver.getBasis() if run.solve().is_optimal else None
