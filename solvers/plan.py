"""A plan as arrays: the values of all columns, read by component or by any expression over an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.linear import Array
from solvers.matrix import Matrix
from solvers.templates import Evaluator


@dataclass(frozen=True, eq=False)
class Plan:
    """What the variables of a model are to be.

    Parameters
    ----------
    evaluator
        Knows which column stands for what.
    values
        One number a column.
    duals
        By the name of a constraint, the dual of each row along its index (nan for an index without a row); empty
        where the solver gave none. Those of a mixed-integer model hold with the integers as they are.
    basis
        The solver's own record of an optimal basis, for the next solve of a linear model of the same structure; of a
        model with lazy rows that of what is linear without them.
    """

    evaluator: Evaluator
    values: Array
    duals: Mapping[str, Array]
    basis: Any = None

    def of(self, variable: Any) -> Array:
        """Return the values of a variable along its index; one value for a single variable."""
        return self.values[self.evaluator.columns.span(variable)]

    def along(self, rule: Callable[..., Any], index_set: Any = None) -> Array:
        """Return the value of ``rule(i)`` for every index of a set; of ``rule()`` without one."""
        return self.evaluator.along(rule, index_set).at(self.values)

    def dual(self, constraint: Any) -> Array | None:
        """Return the duals of a constraint along its index, or None where there are none."""
        return self.duals.get(constraint.name)

    def load(self) -> None:
        """Give the model's Pyomo variables their values; makes an object of every variable."""
        for variable in self.evaluator.columns.variables:
            index = self.evaluator.columns.index(variable)
            for key, value in zip(index, self.of(variable).tolist(), strict=True):
                variable[key].set_value(value, skip_validation=True)

    def by_name(self) -> dict[str, Array]:
        """Return the values of every component by its name, as a start for another model with the same names."""
        return {variable.name: self.of(variable) for variable in self.evaluator.columns.variables}


def duals_by_constraint(matrix: Matrix, row_dual: Array) -> dict[str, Array]:
    """Return the duals of the model's own sense by constraint, along its index."""
    members, found = matrix.evaluator.members, {}
    signed = matrix.sign * row_dual
    for block in matrix.rows:
        part = signed[block.start : block.start + len(block.index)]
        index = members.index(block.constraint)
        if len(index) != len(block.index):
            whole = np.full(len(index), np.nan)
            whole[[members.place(block.constraint, key) for key in block.index]] = part
            part = whole
        found[str(block.constraint.name)] = part
    return found
