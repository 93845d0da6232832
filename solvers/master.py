"""Which sizes to try next: the best of what is known of the cost of all else as a function of them.

The cost of a linear program at given sizes is convex in them; its reduced costs there make a plane below it (Benders,
Numerische Mathematik 4 (1962) 238). Whatever prices rows have, they tell a plane; where no plan keeps the rows, prices
tell a wall (a ray) that the sizes must be beyond.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from solvers.linear import Array
from solvers.runs import Clock, Run, Solved
from solvers.slicing import Places, Program


@dataclass(frozen=True)
class Plane:
    """A cost that nothing can beat: `constant + slope @ sizes`, and the prices of rows that tell it."""

    constant: float
    slope: Array
    prices: Array


@dataclass(frozen=True)
class Wall:
    """What sizes must keep for there to be a plan at all: `slope @ sizes >= least`."""

    slope: Array
    least: float


@dataclass(frozen=True)
class Pieces:
    """Planes below the costs of pieces, which add up, with a constant and a cost of sizes, to one of the whole.

    Parameters
    ----------
    constant
        What the pieces' costs leave out.
    cost
        What each column without a time costs besides, shape (columns without a time,).
    planes
        Of each piece, those known.
    """

    constant: float
    cost: Array
    planes: list[list[Plane]]


@dataclass(frozen=True)
class Proposal:
    """Sizes that may be best, the cost that no sizes can beat, and how much each plane has to say in it."""

    sizes: Array
    bound: float
    of_timeless: Array
    of_whole: Array
    of_pieces: list[Array]


@dataclass
class Master:
    """What is known of the cost as a function of sizes.

    Parameters
    ----------
    program
        The rows without a time, over all columns without a time; at no cost.
    places
        Which of those columns are sizes, shape (sizes,).
    whole
        Planes below the whole cost.
    walls
        What sizes must keep.
    """

    program: Program
    places: Places
    clock: Clock
    whole: list[Plane] = field(default_factory=list)
    walls: list[Wall] = field(default_factory=list)

    def nearest(self, sizes: Array) -> Array | None:
        """Return the sizes nearest to some that the rows without a time and the walls allow; None if none do."""
        count = len(sizes)
        chosen = np.zeros((count, len(self.program.cost)))
        chosen[np.arange(count), self.places] = 1.0
        away = np.eye(count)
        rows = np.vstack([np.hstack([chosen, away]), np.hstack([-chosen, away])])
        span = np.maximum(self.program.high[self.places] - self.program.low[self.places], 1e-9)
        found = self._solved(rows, np.concatenate([sizes, -sizes]), 1.0 / span)
        return None if found is None or found.values is None else found.values[self.places]

    def least(self, cost: Array, sizes: Array) -> float:
        """Return the least that columns without a time cost at given sizes, at a cost of each of them."""
        held = replace(self, program=replace(self.program.held(self.places, sizes), cost=cost))
        found = held._solved(np.zeros((0, len(cost))), np.zeros(0), np.zeros(0))
        return np.inf if found is None else found.objective

    def proposal(self, pieces: Pieces) -> Proposal | None:
        """Return the sizes at which all planes together are lowest."""
        planes = [(at, plane) for at, known in enumerate(pieces.planes) for plane in known]
        parts = len(pieces.planes)
        # Columns beyond those without a time: the whole cost, then each piece's.
        rows = [np.concatenate([-pieces.cost, [1.0], -np.ones(parts)])]
        rows += [self._row(plane, np.eye(1, 1 + parts)[0]) for plane in self.whole]
        rows += [self._row(plane, np.eye(1, 1 + parts, 1 + at)[0]) for at, plane in planes]
        least = [pieces.constant, *(each.constant for each in self.whole), *(each.constant for _, each in planes)]
        found = self._solved(np.array(rows), np.array(least), np.eye(1, 1 + parts)[0], endless=1 + parts)
        if found is None:
            return None
        assert found.values is not None
        assert found.duals is not None
        of_timeless, _, of_planes = np.split(found.duals, np.cumsum([len(self.program.row_low), len(self.walls)]))
        of_whole, of_pieces = np.split(of_planes[1:], [len(self.whole)])
        owner = np.array([at for at, _ in planes])
        by_piece = [of_pieces[owner == at] for at in range(parts)]
        return Proposal(found.values[self.places], found.objective, of_timeless, of_whole, by_piece)

    def _row(self, plane: Plane, more: Array) -> Array:
        """Return the row of a plane: a cost less what the sizes make of it."""
        row = np.zeros(len(self.program.cost))
        row[self.places] = -plane.slope
        return np.concatenate([row, more])

    def _solved(self, rows: Array, least: Array, cost: Array, endless: int = 0) -> Solved | None:
        """Minimise over the rows without a time, the walls, and further rows with further columns.

        Parameters
        ----------
        rows, least
            Further rows, shape (rows, columns without a time and further ones), and the least that each may be.
        cost
            The cost of the further columns; the first `endless` have no bounds, the others are not negative.
        """
        program, more = self.program, len(cost)
        walls = np.zeros((len(self.walls), len(program.cost)))
        for row, wall in zip(walls, self.walls, strict=True):
            row[self.places] = wall.slope
        # The master is small: its matrix is put together as a whole one.
        own = np.vstack([program.a.toarray(), walls])
        known = np.hstack([own, np.zeros((len(own), more))])
        beyond = np.full(more, np.inf)
        lowest = np.where(np.arange(more) < endless, -np.inf, 0.0)
        whole = Program(
            sparse.csc_array(np.vstack([known, rows])),
            np.concatenate([program.row_low, [wall.least for wall in self.walls], least]),
            np.concatenate([program.row_high, np.full(len(walls) + len(rows), np.inf)]),
            np.concatenate([program.low, lowest]),
            np.concatenate([program.high, beyond]),
            np.zeros(len(program.cost) + more, dtype=bool),
            np.concatenate([program.cost, cost]),
        )
        found = Run(whole, self.clock, {}, relaxed=True).solve()
        return found if found.is_optimal else None


def wall_of(run: Run, sizes: Places, values: Array) -> Wall | None:
    """Return what a run without a plan tells of the sizes that it was held at; None where it tells nothing.

    Parameters
    ----------
    run
        A run that was found infeasible.
    sizes
        Its columns that are sizes.
    values
        What they were held at.
    """
    _, is_known, ray = run.solver.getDualRay()
    if not is_known:
        return None
    for sign in (1.0, -1.0):
        wall = _wall(run.program, sign * np.asarray(ray), sizes)
        if wall is not None and wall.least > float(wall.slope @ values) + 1e-9 * max(1.0, abs(wall.least)):
            return wall
    return None


def _wall(program: Program, ray: Array, sizes: Places) -> Wall | None:
    """Return what sizes must keep by prices of the rows: what the rows need beyond what other columns can give."""
    # A side of a row that is no bound can have no price.
    endless = np.isinf(np.where(ray > 0, program.row_low, program.row_high))
    price = np.where(endless, 0.0, ray)
    side = np.where(price == 0, 0.0, np.where(price > 0, program.row_low, program.row_high))
    reach = np.asarray(price @ program.a)
    slope = reach[sizes]
    reach[sizes] = 0.0
    reach[abs(reach) < 1e-12 * max(1.0, float(abs(price).max(initial=0.0)))] = 0.0
    best = np.where(reach == 0, 0.0, np.where(reach > 0, program.high, program.low))
    least = float((price * side).sum() - (reach * best).sum())
    return Wall(slope, least) if np.isfinite(least) else None
