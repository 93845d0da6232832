"""The variables of a Pyomo model as columns: one stretch a component, in the order of its index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from solvers.linear import Indices
from solvers.members import Members


@dataclass(frozen=True, eq=False)
class Columns:
    """Where each variable stands.

    Parameters
    ----------
    model
        The model itself: its components know their names only while it lives.
    variables
        The components, in the order of their columns.
    starts
        First column of each component, by identity.
    length
        Number of columns.
    members
        The model's index sets as arrays.
    """

    model: Any
    variables: tuple[Any, ...]
    starts: Mapping[int, int]
    length: int
    members: Members

    @classmethod
    def of(cls, model: Any) -> Columns:
        """Give every variable of a model its columns, blocks of blocks included."""
        variables = tuple(model.component_objects(pyo.Var, active=None, descend_into=True))
        starts, length, members = {}, 0, Members()
        for variable in variables:
            starts[id(variable)] = length
            length += len(members.index(variable))
        return cls(model, variables, starts, length, members)

    def start(self, variable: Any) -> int:
        """Return the first column of a component.

        Raises
        ------
        ValueError
            If it does not belong to the model.
        """
        try:
            return self.starts[id(variable)]
        except KeyError:
            raise ValueError(f"the variable {variable.name} is used in the model, but is no part of it") from None

    def index(self, variable: Any) -> Sequence[Any]:
        """Return the index that a component's columns follow."""
        return self.members.index(variable)

    def size(self, variable: Any) -> int:
        """Return the number of a component's columns."""
        return len(self.members.index(variable))

    def span(self, variable: Any) -> slice:
        """Return the columns of a component."""
        start = self.start(variable)
        return slice(start, start + self.size(variable))

    def at(self, variable: Any, keys: tuple[Indices, ...]) -> NDArray[np.int64]:
        """Return the columns of an indexed component's members."""
        return self.start(variable) + self.members.positions(variable, keys)

    def of_data(self, data: Any) -> int:
        """Return the column of a single variable."""
        component = data.parent_component()
        return self.start(component) + self.members.place(component, data.index())

    def objects(self, variable: Any) -> Iterator[tuple[int, Any]]:
        """Yield the column and the object of every member of a component that has been made an object of."""
        start = self.start(variable)
        if len(variable) == self.size(variable):
            yield from enumerate(variable.values(), start)
            return
        # A component that is not expanded walks through its whole index when it is asked for its keys.
        for key, data in variable._data.items():
            yield start + self.members.place(variable, key), data
