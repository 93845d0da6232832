"""What no plan can beat, by windows whose ties are priced, and what that leaves for columns without a time.

A peak or a size has a copy in every window, and each window pays its part of the price: where the relaxation is at its
peak in one window only, nearly all of it. The other windows would then have any peak they like. But a plan that is
better than the best one known costs no window more than that window's own bound and the distance between plan and
bound; so the window that pays for the peak tells how high it may be, and the others are held to that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from solvers.coupling import Coupling
from solvers.first_plan import Window, windows_of
from solvers.horizon import NO_TIME
from solvers.linear import Array
from solvers.pricing import TIED, Priced
from solvers.runs import Clock, Run
from solvers.slicing import KEPT, Piece, Places, Program

WITNESSES = 2
"""How many windows are asked what a column without a time may be: those in which it is worth most."""
CALM = 2
"""How many places on each side of a border are looked at for whole numbers that the relaxation breaks."""

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def calm_windows(program: Program, times: Places, relaxed: Array, width: int) -> list[Window]:
    """Return windows of about a width whose borders lie where the relaxation breaks the fewest whole numbers.

    What is tied across a border is priced there, not kept; that costs the less, the less is to be decided there.
    """
    length = int(times.max()) + 1
    timed = program.integer & (times != NO_TIME)
    broken = np.bincount(times[timed], abs(relaxed - np.round(relaxed))[timed], minlength=length)
    before = np.concatenate([[0.0], np.cumsum(broken)])
    edges, reach = [0], max(width // 6, 1)
    for window in windows_of(length, width)[1:]:
        places = np.arange(max(window.start - reach, 1), min(window.start + reach, length - 1) + 1)
        near = before[np.minimum(places + CALM, length)] - before[np.maximum(places - CALM, 0)]
        edges.append(int(places[np.lexsort((abs(places - window.start), np.round(near, 6)))[0]]))
    return between([*edges, length])


def between(edges: Sequence[int]) -> list[Window]:
    """Return the windows between edges, which begin and end with those of the whole."""
    return [Window(a, b) for a, b in pairwise(edges) if b > a]


class Bounding:
    """Windows whose ties are priced: what each costs at least, and the plan that costs it.

    Parameters
    ----------
    parts
        The windows' programs.
    windows
        Where in time they are; the last program has no time.
    times
        The place in time of each column of the whole, or NO_TIME, shape (columns,).
    is_bound
        Whether no plan can beat what they cost; not where they hold more than the whole does.
    """

    def __init__(self, parts: Priced, windows: Sequence[Window], times: Places, *, is_bound: bool = True) -> None:
        self.parts, self.windows, self.times, self.is_bound = parts, windows, times, is_bound
        self.bounds = parts.floors.copy()
        self.values: list[Array | None] = [None] * len(parts.pieces)
        # The last program has a copy of every column without a time.
        self.shared = parts.pieces[-1].columns

    @property
    def total(self) -> float:
        """What no plan can beat."""
        return self.parts.constant + math.fsum(self.bounds) if self.is_bound else -math.inf

    def take(self, number: int, bound: float, values: Array | None) -> None:
        """Take what the search in a window found."""
        self.bounds[number] = max(self.bounds[number], bound)
        self.values[number] = values

    def follow(self, earlier: Bounding, x: Array) -> list[int]:
        """Take what was found of windows that these are made of; return the numbers of those that are several of them.

        Those come first in which a plan of the whole, x, is farthest above what is known.

        Parameters
        ----------
        earlier
            Windows at the same prices; each is in one of these.
        """
        before, starts = earlier.parts, [window.start for window in self.windows]
        if not (before.is_additive and self.parts.is_additive):
            return list(range(len(self.bounds)))
        into = np.searchsorted(starts, [window.start for window in earlier.windows], side="right") - 1
        members = [np.flatnonzero(into == number) for number in range(len(self.windows))]
        released = np.flatnonzero((before.block_of_row == TIED) & (self.parts.block_of_row != TIED))
        paid = np.bincount(self.parts.block_of_row[released], before.paid[released], minlength=len(self.bounds))
        for number, old in enumerate([*members, np.array([len(earlier.windows)])]):
            known = math.fsum(earlier.bounds[old]) + float(paid[number])
            self.take(number, known, earlier.values[old[0]] if len(old) == 1 else None)
        losses = self.parts.losses(x, self.bounds)
        return [int(number) for number in np.argsort(-losses) if self.values[number] is None]

    def joined(self, x: Array) -> list[Window]:
        """Return windows of two neighbours each, beginning with those in which a plan of the whole loses most."""
        losses = self.parts.losses(x, self.bounds)[: len(self.windows)]
        taken, borders = np.zeros(len(losses), bool), set()
        for number in np.argsort(-(losses[:-1] + losses[1:])):
            if not taken[number : number + 2].any():
                taken[number : number + 2] = True
                borders.add(self.windows[number + 1].start)
        edges = [window.start for window in self.windows if window.start not in borders]
        return between([*edges, self.windows[-1].end])

    def loss_along(self, x: Array, length: int) -> Array:
        """Return by how much a plan of the whole is above the bound, spread evenly over each window's places.

        Returns
        -------
        Shape (places in time,).
        """
        loss = np.zeros(length)
        losses = self.parts.losses(x, self.bounds)
        for window, lost in zip(self.windows, losses[:-1], strict=True):
            loss[window.start : window.end] += lost / (window.end - window.start)
        return loss

    def limits(self, above: float, clock: Clock, at_once: Map) -> tuple[Array, Array]:
        """Return what columns without a time may be in plans that cost at most so much above the bound.

        Whole numbers are left out of it.

        Returns
        -------
        Lowest and highest values, shape (columns without a time,) each.
        """
        program = self.parts.pieces[-1].program
        low, high = program.low.copy(), program.high.copy()

        def ask(place: int) -> None:
            for number in self._witnesses(int(self.shared[place])):
                least, most = self._range(number, int(self.shared[place]), above, clock)
                low[place], high[place] = max(low[place], least), min(high[place], most)

        if math.isfinite(above):
            list(at_once(ask, range(len(self.shared))))
        return low, np.maximum(low, high)

    def _witnesses(self, column: int) -> list[int]:
        """Return the windows in which a column is worth most."""
        pieces = self.parts.pieces[:-1]
        worth = np.array([abs(piece.program.cost[piece.columns == column]).sum() for piece in pieces])
        return [int(number) for number in np.argsort(-worth)[:WITNESSES] if worth[number] > 0]

    def _range(self, number: int, column: int, above: float, clock: Clock) -> tuple[float, float]:
        """Return the least and the most that a column may be where its window costs at most so much above its bound."""
        piece = self.parts.pieces[number]
        program, most = piece.program, float(self.bounds[number]) + above
        capped = replace(
            program,
            a=sparse.csc_array(sparse.vstack([program.a, sparse.csr_array(program.cost[None, :])])),
            row_low=np.append(program.row_low, -np.inf),
            row_high=np.append(program.row_high, most + KEPT * max(1.0, abs(most))),
        )
        ends = []
        for sign in (1.0, -1.0):
            aim = sign * (piece.columns == column)
            found = Run(replace(capped, cost=aim), clock, {}, relaxed=True).solve()
            ends.append(found.objective if found.is_optimal else -math.inf)
        least, most = ends[0], -ends[1]
        return least - KEPT * max(1.0, abs(least)), most + KEPT * max(1.0, abs(most))

    def hold_between(self, low: Array, high: Array, trifle: float) -> list[int]:
        """Hold the columns without a time between values; return the windows that this may make dearer.

        Parameters
        ----------
        low, high
            Shape (columns without a time,).
        trifle
            What a window may be dearer by and not count.
        """
        again = []
        for number, piece in enumerate(self.parts.pieces):
            copies = np.flatnonzero(self.times[piece.columns] == NO_TIME)
            at = np.searchsorted(self.shared, piece.columns[copies])
            lows, highs = piece.program.low.copy(), piece.program.high.copy()
            lows[copies] = np.maximum(lows[copies], low[at])
            highs[copies] = np.maximum(np.minimum(highs[copies], high[at]), lows[copies])
            narrow = replace(piece.program, low=lows, high=highs)
            self.parts.pieces[number] = Piece(narrow, piece.columns)
            values = self.values[number]
            if len(copies) and (values is None or not self._fits(narrow, piece, values, trifle)):
                again.append(number)
        return again

    def _fits(self, narrow: Program, piece: Piece, values: Array, trifle: float) -> bool:
        """Tell whether a window's plan is one of the narrower window too, at the same cost."""
        settled = Coupling.of(narrow, self.times[piece.columns]).settled(narrow, values)
        return float(narrow.cost @ (settled - values)) <= trifle and narrow.is_kept_by(settled)
