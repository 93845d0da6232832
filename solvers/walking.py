"""Plain expressions, one by one, as Pyomo's own visitor of linear expressions reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pyomo.core.base import SortComponents
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from solvers.columns import Columns
from solvers.linear import Linear


def walked(expressions: Sequence[Any], columns: Columns) -> Linear:
    """Return expressions without symbolic indices as one linear row each; fixed variables stay columns.

    Raises
    ------
    ValueError
        If one is not linear.
    """
    by_id: dict[int, Any] = {}
    visitor = LinearRepnVisitor({}, var_recorder=VarRecorder(by_id, SortComponents.deterministic))
    constant = np.zeros(len(expressions))
    rows: list[int] = []
    places: list[int] = []
    coefficients: list[float] = []
    for row, expression in enumerate(expressions):
        found = visitor.walk_expression(expression)
        if found.nonlinear is not None:
            raise ValueError(f"the model is not linear: {expression}")
        constant[row] = found.constant
        for key, coefficient in found.linear.items():
            rows.append(row)
            places.append(columns.of_data(by_id[key]))
            coefficients.append(coefficient)
    if not rows:
        return Linear(constant)
    triplet = np.array(rows, dtype=np.int64), np.array(places, dtype=np.int64), np.array(coefficients, dtype=float)
    return Linear(constant, [triplet[0]], [triplet[1]], [triplet[2]])
