"""Sizes of a long linear program, agreed on by its stretches: nearly the best ones, and how near they are at most.

With sizes among its columns a long program takes ten times as many minutes as with its sizes held: every size stands in
rows of all times. So they are held, here and there, and what the cost is elsewhere is told by planes (see `master`):

1. The whole is solved at some sizes.
2. Its stretches, tied to each other by prices alone (see `pricing`), cost together what the whole costs at those sizes,
   and no more than it at others. They are solved at once, each with a plane of its own, at the sizes that look best.
3. The whole is solved again at what they agree on, and so on.

The planes together are prices of the rows at which no plan of the whole, whatever its sizes, can beat the bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.linear import Array
from solvers.master import Master, Pieces, Plane, Proposal, Wall, wall_of
from solvers.pricing import TIED, Priced, priced
from solvers.runs import Run, Solved
from solvers.slicing import Places
from solvers.stretches import Map, Sizes, Stretches, basis_of

PASSES = 10
"""How often the whole is solved at most."""
ROUNDS = 12
"""How often stretches are solved at most between two solves of the whole."""
WAY = 0.5
"""How far to go from the best sizes known to those that are proposed: planes promise too much far away."""
EASY = 0.05
"""Simplex steps for each column of the whole, up to which it may as well decide the sizes itself, begun from the held
ones: 0.015 on a plant with 44,000 columns and three sizes, 0.07 and 0.26 on two whose sizes it took minutes to move."""
ATTEMPTS = 6
"""How often sizes at which there is no plan are mended or drawn nearer to those at which there is one."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """Sizes that were agreed on.

    Parameters
    ----------
    run
        The whole program, solved with its sizes held.
    sizes
        The sizes, and what they are held at.
    values
        Values of all columns, shape (columns,).
    objective
        What they cost.
    prices
        Prices of the rows, shape (rows,); none where the sizes are left to the whole.
    bound
        What no plan can beat, at those prices.
    """

    run: Run
    sizes: Sizes
    values: Array
    objective: float
    prices: Array
    bound: float


def agreed(stretches: Stretches, sizes: Sizes, tolerance: float, at_once: Map) -> Agreement | None:
    """Return sizes of a program that cost at most so much more than the best; None where none are found.

    Where the whole was solved in few steps with its sizes held, they are left to it: the bound is -inf then.

    Parameters
    ----------
    stretches
        Stretches that were solved with the sizes held; their bases are where to begin.
    sizes
        Sizes to begin with.
    tolerance
        The relative difference between cost and bound that is wanted; what is reached may be more.
    at_once
        How to solve several at once.
    """
    return _Search(stretches, sizes.columns, at_once).run(sizes.values, tolerance)


class _Search:
    """The search for sizes."""

    def __init__(self, stretches: Stretches, columns: Places, at_once: Map) -> None:
        self.program, self.stretches, self.columns, self.at_once = stretches.program, stretches, columns, at_once
        self.clock = stretches.clock
        self.whole = Run(self.program, self.clock, stretches.options, relaxed=True)
        common = stretches.common
        timeless = self.program.part(stretches.timeless_rows, common, np.zeros(len(common)))
        self.master = Master(timeless, np.searchsorted(common, columns), self.clock)
        self.best: tuple[Array, Solved] | None = None
        self.bound, self.prices = -np.inf, np.zeros(0)

    def run(self, sizes: Array, tolerance: float) -> Agreement | None:
        """Solve the whole and its stretches in turn."""
        found = self._first(sizes)
        steps = self.whole.solver.getInfo().simplex_iteration_count
        for _ in range(PASSES if steps > EASY * len(self.program.cost) else 0):
            if found is None or self.best is None:
                break
            room = tolerance * max(1.0, abs(found.objective))
            proposed = self._pass(found, room)
            if self.best[1].objective - self.bound <= room or proposed is None or self.clock.is_over:
                break
            found = self._between(proposed)
        return self._answer()

    def _answer(self) -> Agreement | None:
        if self.best is None:
            return None
        sizes, found = self.best
        assert found.values is not None
        self.whole.bound(self.columns, sizes, sizes)
        bound = self.bound
        if np.isfinite(bound):
            # What the prices alone tell, whatever the tolerance of the master's solver.
            parts = priced(self.program, self.stretches.times, list(self.stretches.edges), self.prices)
            bound = parts.constant + float(parts.floors.sum())
        return Agreement(self.whole, Sizes(self.columns, sizes), found.values, found.objective, self.prices, bound)

    # The whole, at given sizes.

    def _first(self, sizes: Array) -> Solved | None:
        """Solve the whole at the sizes nearest to some at which there is a plan."""
        self.whole.begin_with(self.stretches.joined(Sizes(self.columns, sizes)))
        for _ in range(ATTEMPTS):
            nearest = self.master.nearest(sizes)
            found = None if nearest is None else self._at(nearest)
            if nearest is None or found is not None or not self._walled(self.whole, self.columns, nearest):
                return found
        return None

    def _between(self, sizes: Array) -> Solved | None:
        """Solve the whole at sizes, or as near to them as there is a plan on the way from the best ones."""
        assert self.best is not None
        known = self.best[0]
        for attempt in range(ATTEMPTS):
            tried = known + (sizes - known) * WAY**attempt
            found = self._at(tried)
            if found is not None:
                return found
            self._walled(self.whole, self.columns, tried)
        return None

    def _at(self, sizes: Array) -> Solved | None:
        """Solve the whole at sizes; keep its plane, and the sizes if they are the best."""
        self.whole.bound(self.columns, sizes, sizes)
        found = self.whole.solve()
        if not found.is_optimal or found.values is None or found.duals is None:
            return None
        slope = _reduced_costs(self.whole)[self.columns]
        self.master.whole.append(Plane(found.objective - float(slope @ sizes), slope, found.duals))
        if self.best is None or found.objective < self.best[1].objective:
            self.best = sizes, found
        self.sizes = sizes
        return found

    def _walled(self, run: Run, columns: Places, values: Array, places: Places | None = None) -> bool:
        """Keep a wall that a run without a plan tells; tell whether there is one."""
        wall = wall_of(run, columns, values)
        if wall is None:
            return False
        if places is not None:
            slope = np.zeros(len(self.columns))
            slope[places] = wall.slope
            wall = Wall(slope, wall.least)
        self.master.walls.append(wall)
        return True

    # The stretches, tied by prices.

    def _pass(self, found: Solved, room: float) -> Array | None:
        """Solve stretches at sizes until they agree; return what they agree on, if the whole was not there yet."""
        assert found.duals is not None
        parts = priced(self.program, self.stretches.times, list(self.stretches.edges), found.duals)
        basis = self.whole.solver.getBasis()
        statuses = np.array(basis.col_status, dtype=object), np.array(basis.row_status, dtype=object)
        stretches = [_Piece(self, parts, at, statuses) for at in range(len(parts.pieces) - 1)]
        pieces = Pieces(parts.constant, parts.pieces[-1].program.cost, [each.planes for each in stretches])
        here = self.sizes
        best, least = here, np.inf
        for _ in range(ROUNDS):
            costs = list(self.at_once(lambda piece, sizes=here: piece.solve(sizes), stretches))
            if self.clock.is_over or not all(piece.planes for piece in stretches):
                return None
            total = sum(costs) + parts.constant + self.master.least(pieces.cost, here)
            if total < least:
                best, least = here, total
            proposal = self.master.proposal(pieces)
            if proposal is None:
                return None
            self._take(proposal, np.where(parts.block_of_row == TIED, found.duals, 0.0), stretches)
            if least - proposal.bound <= room / 2:
                break
            here = best + WAY * (proposal.sizes - best)
        return None if np.array_equal(best, self.sizes) else best

    def _take(self, proposal: Proposal, ties: Array, stretches: list[_Piece]) -> None:
        """Take the prices that a proposal's planes add up to, if their bound is better."""
        if proposal.bound <= self.bound:
            return
        share = 1.0 - float(proposal.of_whole.sum())
        prices = share * ties
        for weight, plane in zip(proposal.of_whole, self.master.whole, strict=True):
            prices += weight * plane.prices
        for weights, piece in zip(proposal.of_pieces, stretches, strict=True):
            for weight, plane in zip(weights, piece.planes, strict=True):
                prices[piece.rows] += weight * plane.prices
        prices[self.stretches.timeless_rows] += proposal.of_timeless
        self.bound, self.prices = proposal.bound, prices


class _Piece:
    """A stretch whose ties are priced, at the sizes that it is asked for."""

    def __init__(self, search: _Search, parts: Priced, number: int, statuses: tuple[Any, Any]) -> None:
        piece = parts.pieces[number]
        self.search, self.rows = search, np.flatnonzero(parts.block_of_row == number)
        self.run = Run(piece.program, search.clock, search.stretches.options, relaxed=True)
        of_columns, of_rows = statuses
        self.run.begin_with(basis_of(of_columns[piece.columns], of_rows[self.rows]))
        self.own = np.flatnonzero(np.isin(piece.columns, search.columns))
        self.places = np.searchsorted(search.columns, piece.columns[self.own])
        self.planes: list[Plane] = []

    def solve(self, sizes: Array) -> float:
        """Solve the stretch at sizes; keep its plane and return its cost, or keep a wall."""
        values = sizes[self.places]
        self.run.bound(self.own, values, values)
        found = self.run.solve()
        if not found.is_optimal or found.duals is None:
            if found.is_infeasible:
                self.search._walled(self.run, self.own, values, self.places)
            return np.inf
        slope = np.zeros(len(sizes))
        slope[self.places] = _reduced_costs(self.run)[self.own]
        self.planes.append(Plane(found.objective - float(slope @ sizes), slope, found.duals))
        return found.objective


def _reduced_costs(run: Run) -> Any:
    return np.asarray(run.solver.getSolution().col_dual, dtype=float)
