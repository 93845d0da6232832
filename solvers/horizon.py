"""Where in time the columns of a model stand, told by the index sets that run along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solvers.columns import Columns

NO_TIME = -1
"""The time of a column that belongs to no step: a size, a month's peak."""


@dataclass(frozen=True)
class Horizon:
    """The Pyomo sets whose members are places in time: 0, 1, 2 and so on.

    Parameters
    ----------
    sets
        Sets of steps and of points. A component belongs to time if its index, or the first part of its index, is one of
        these sets or was declared within one.
    """

    sets: tuple[Any, ...]

    def times(self, columns: Columns) -> NDArray[np.int64]:
        """Return for each column the place in time at which it stands, or NO_TIME, shape (columns,)."""
        times = np.full(columns.length, NO_TIME, dtype=np.int64)
        for variable in columns.variables:
            if variable.is_indexed() and self._runs_along(variable.index_set()):
                keys = columns.index(variable)
                times[columns.span(variable)] = [key[0] if isinstance(key, tuple) else key for key in keys]
        return times

    def _runs_along(self, index_set: Any) -> bool:
        first = next(iter(index_set.subsets()), index_set)
        return any(known is first or known is first.domain for known in self.sets)
