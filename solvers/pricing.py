"""What no plan can beat: windows whose ties to each other are priced instead of kept.

The optima of windows with their borders held are no bound: holding a border is a limit more, not one less. But the
rows that tie windows together may be taken out and their breach paid for at any price (Geoffrion 1974, "Lagrangean
relaxation for integer programming", Mathematical Programming Study 2): what is left falls apart into windows, and the
sum of their optima, or of their proved bounds, is a bound of the whole. At the prices of the linear relaxation it is
never below that relaxation's own bound, and it is above it by all that whole numbers cost within the windows.

A column without a time, such as a month's peak, gets a copy in every window whose rows it is in, and each copy a part
of its cost (Guignard and Kim 1987, "Lagrangean decomposition", Mathematical Programming 39). That copies may differ is
all that is given away: within a window the peak, or the size, stays tied to all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.slicing import Mask, Piece, Places, Program

TIED = -1
"""The window of a row that ties several together."""


@dataclass(frozen=True, eq=False)
class Priced:
    """Windows whose ties are priced.

    Parameters
    ----------
    constant
        What to add to the sum of the windows' optima.
    pieces
        The windows' programs; the last one holds the rows without time. A column without a time may be in several.
    floors
        What no plan of a window can beat by the prices alone; they add up to the bound of those prices.
    block_of_row
        The number of the window that each row is in, or TIED.
    paid
        What is added to the constant for each tied row, shape (rows,).
    is_additive
        Whether a window costs what the two cost that it is made of, and what is paid for the rows between them.
    """

    constant: float
    pieces: list[Piece]
    floors: Array
    block_of_row: Places
    paid: Array
    is_additive: bool

    def losses(self, x: Array, bounds: Array) -> Array:
        """Return by how much a plan of the whole is above the bound of each window, at the prices, at least zero."""
        costs = [float(piece.program.cost @ x[piece.columns]) for piece in self.pieces]
        return np.maximum(np.array(costs) - bounds, 0.0)


def priced(program: Program, times: Places, edges: Sequence[int], duals: Array) -> Priced:
    """Return programs whose optima, added to a constant, no plan of the whole can beat.

    Parameters
    ----------
    edges
        Where windows begin, the first at or before all times.
    duals
        Prices of the rows; any will do, those of the linear relaxation do well.
    """
    shared = len(edges)
    block = np.where(times == NO_TIME, shared, np.searchsorted(edges, times, side="right") - 1)
    block_of_row, ties = blocks_of_rows(program, block, shared)
    price = np.where(np.isinf(program.row_low), np.minimum(duals, 0.0), duals)
    price = np.where(np.isinf(program.row_high), np.maximum(price, 0.0), price)
    tied = np.where(ties, price, 0.0)
    paid = _paid(tied, program)
    cost = program.cost - tied @ program.a
    block_of_row[ties] = TIED
    common = np.flatnonzero(block == shared)
    parts, is_additive = _parts(program, common, block_of_row, shared, price, cost[common])
    pieces, prices = [], []
    for piece, rows in _windows(program, block, block_of_row, cost, parts):
        pieces.append(piece)
        prices.append(price[rows])
    floors = np.array([_floor(piece.program, y) for piece, y in zip(pieces, prices, strict=True)])
    return Priced(float(paid.sum()), pieces, floors, block_of_row, paid, is_additive)


def _paid(price: Array, program: Program) -> Array:
    """Return what the sides of rows are worth at prices: the lower side at a positive price, else the upper."""
    side = np.where(price > 0, program.row_low, program.row_high)
    return price * np.where(price == 0, 0.0, side)


def _floor(program: Program, price: Array) -> float:
    """Return what no plan of a program can beat, all its rows priced: each column at the better of its bounds."""
    reduced = program.cost - price @ program.a
    bound = np.where(reduced > 0, program.low, program.high)
    # Where there is no bound, the solver's own tolerance decides whether a price is one.
    trifle = np.isinf(bound) & (abs(reduced) <= 1e-7)
    return float(_paid(price, program).sum() + (reduced * np.where(trifle | (reduced == 0), 0.0, bound)).sum())


def blocks_of_rows(program: Program, block: Places, shared: int) -> tuple[Places, Mask]:
    """Return the block of each row, `shared` for those without a time, and which rows tie windows together."""
    of_entry = block[program.column_of_entry]
    timed = of_entry != shared
    rows = program.a.indices[timed]
    first = np.full(len(program.row_low), shared)
    last = np.full(len(program.row_low), -1)
    np.minimum.at(first, rows, of_entry[timed])
    np.maximum.at(last, rows, of_entry[timed])
    return first, first < last


def _windows(
    program: Program, block: Places, block_of_row: Places, cost: Array, parts: Array
) -> Iterator[tuple[Piece, Places]]:
    """Give each window's program with its own copies of shared columns, its rows; last, the rows without time."""
    shared = len(parts) - 1
    common = np.flatnonzero(block == shared)
    for number in range(shared + 1):
        rows = np.flatnonzero(block_of_row == number)
        own = np.flatnonzero(block == number) if number < shared else common[:0]
        reached = np.bincount(program.by_row[rows].indices, minlength=len(cost))[common] > 0
        reached |= (parts[number] != 0) | (number == shared)
        columns = np.concatenate([own, common[reached]])
        part = program.part(rows, columns, np.concatenate([cost[own], parts[number][reached]]))
        yield Piece(part, columns), rows


def _parts(
    program: Program, common: Places, block_of_row: Places, shared: int, price: Array, cost: Array
) -> tuple[Array, bool]:
    """Return what each window pays for its copy of a shared column, shape (shared + 1, columns), and if by rows alone.

    A window pays what its rows are worth to the column at their prices; what is left of the cost falls to the last
    block. The parts add up to the cost. What is left is nothing but for rounding where the column is at neither bound;
    with no bound on its side the parts give way, for a trifle times endless would be the bound.
    """
    entries = program.a[:, common].tocoo()
    inside = (block_of_row[entries.row] >= 0) & (block_of_row[entries.row] < shared)
    parts = np.zeros((shared + 1, len(common)))
    where = block_of_row[entries.row[inside]], entries.col[inside]
    np.add.at(parts, where, (entries.data * price[entries.row])[inside])
    rest = cost - parts.sum(axis=0)
    endless = ((rest < 0) & np.isinf(program.high[common])) | ((rest > 0) & np.isinf(program.low[common]))
    giving = np.where((parts * rest) < 0, parts, 0.0)
    total = giving.sum(axis=0)
    factor = np.where(endless & (total != 0), rest / np.where(total != 0, total, 1.0), 0.0)
    parts += giving * factor
    parts[shared] = np.where(endless & (total != 0), 0.0, rest)
    return parts, not (endless & (abs(rest) > 1e-9 * np.maximum(1.0, abs(cost)))).any()
