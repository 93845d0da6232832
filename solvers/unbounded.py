"""Along which direction the objective of a model falls without end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solvers.infeasible import TOLERANCE, Clock, optimum, relaxed
from solvers.linear import Array
from solvers.matrix import Matrix


def ray(matrix: Matrix, clock: Clock) -> Array | None:
    """Return a direction in which a plan may be moved for ever, each unit of which lowers the objective.

    Found as the best direction within a box: rows and bounds that limit a plan forbid to go towards the limit. Whole
    numbers are taken as any numbers: with the rational numbers of a computer, a direction of the one is one of the
    other.

    Returns
    -------
    array or None
        One number a column, the largest of them 1; None if there is no such direction.
    """
    inner, outer = (np.where(np.isfinite(bound), 0.0, bound) for bound in (matrix.row_low, matrix.row_high))
    cone = replace(
        relaxed(matrix),
        row_low=inner,
        row_high=outer,
        low=np.where(np.isfinite(matrix.low), 0.0, -1.0),
        high=np.where(np.isfinite(matrix.high), 0.0, 1.0),
        offset=0.0,
    )
    found = optimum(cone, clock)
    if found is None or found.objective >= -TOLERANCE * max(1.0, float(np.abs(matrix.cost).max(initial=0.0))):
        return None
    largest = float(np.abs(found.x).max())
    return np.asarray(np.where(np.abs(found.x) > TOLERANCE * largest, found.x / largest, 0.0))
