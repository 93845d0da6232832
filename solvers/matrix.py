"""A Pyomo model as sparse arrays: rows, columns, bounds, integrality, objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy import sparse


@dataclass(frozen=True, eq=False)
class Matrix:
    """minimise ``cost @ x + offset`` over ``row_low <= a @ x <= row_high``, ``low <= x <= high``.

    Parameters
    ----------
    a
        Coefficients, compressed by column, shape (rows, columns).
    columns
        The Pyomo variable behind each column.
    rows
        The Pyomo constraint behind each row.
    sign
        -1 if the model maximises: `cost` and `offset` are already turned round.
    """

    a: sparse.csc_array
    row_low: NDArray[np.float64]
    row_high: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    integer: NDArray[np.bool_]
    cost: NDArray[np.float64]
    offset: float
    columns: list[Any]
    rows: list[Any]
    sign: float


class InfeasibleRowError(Exception):
    """A row without variables that cannot hold."""


def to_matrix(model: Any) -> Matrix:
    """Return the arrays of a linear or mixed-integer linear Pyomo model with one active objective.

    Raises
    ------
    InfeasibleRowError
        If a row has no variables left and does not hold.
    ValueError
        If the model is not linear, or has no objective or several.
    """
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) != 1:
        raise ValueError(f"the model has {len(objectives)} active objectives: wanted one")
    try:
        form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=pyo.minimize)
    except Exception as error:
        if type(error).__name__ == "InfeasibleConstraintException":
            raise InfeasibleRowError(str(error)) from error
        raise
    kind = np.fromiter((row.bound_type for row in form.rows), dtype=int, count=len(form.rows))
    rhs = np.asarray(form.rhs, dtype=float)
    columns = list(form.columns)
    bounds = [variable.bounds for variable in columns]
    low = np.array([-np.inf if b[0] is None else b[0] for b in bounds], dtype=float)
    high = np.array([np.inf if b[1] is None else b[1] for b in bounds], dtype=float)
    return Matrix(
        a=form.A,
        row_low=np.where(kind <= 0, rhs, -np.inf),
        row_high=np.where(kind >= 0, rhs, np.inf),
        low=low,
        high=high,
        integer=np.fromiter((v.is_integer() for v in columns), dtype=bool, count=len(columns)),
        cost=np.asarray(form.c.todense(), dtype=float).reshape(-1) if columns else np.zeros(0),
        offset=float(form.c_offset[0]),
        columns=columns,
        rows=[row.constraint for row in form.rows],
        sign=1.0 if objectives[0].sense == pyo.minimize else -1.0,
    )


def load_values(model: Any, columns: list[Any], values: NDArray[np.float64]) -> None:
    """Give the model's variables a solution; variables in no row take the value nearest to zero that they may."""
    for variable, number in zip(columns, values.tolist(), strict=True):
        variable.set_value(number, skip_validation=True)
    seen = {id(variable) for variable in columns}
    for variable in model.component_data_objects(pyo.Var):
        if id(variable) not in seen and not variable.fixed:
            low, high = variable.bounds
            nearest = min(max(0.0, -np.inf if low is None else low), np.inf if high is None else high)
            variable.set_value(nearest, skip_validation=True)
