"""A plant as arrays whose rows and columns know the asset, the rule and the time that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.model import Model, assemble
from microgrid.plant import Plant
from solvers import templating
from solvers.compile import compile_model
from solvers.matrix import Matrix

_KILOGRAM = 100.0


class Part(NamedTuple):
    """A constraint or a variable: whose it is, what it is called there, and which rows or columns it has.

    `owner` is an asset, a bus, or empty for the site and for a cap; `times` is the step or point of each row or column,
    -1 where it is about the horizon as a whole.
    """

    kind: str
    owner: str
    name: str
    start: int
    times: NDArray[np.int64]
    is_points: bool

    @property
    def span(self) -> slice:
        """Its rows, or its columns."""
        return slice(self.start, self.start + len(self.times))

    @property
    def words(self) -> str:
        """Its name as a phrase."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, eq=False)
class Compiled:
    """A plant, its model and the model's arrays."""

    plant: Plant
    model: Model
    matrix: Matrix

    @classmethod
    def of(cls, plant: Plant) -> Compiled:
        """Write a plant as a model and compile it, rows that cannot hold included."""
        with templating():
            model = assemble(plant)
        return cls(plant, model, compile_model(model.pyomo, refuse=False))

    @cached_property
    def rows(self) -> list[Part]:
        """Every constraint."""
        return [self._part(rows.constraint, rows.start, rows.index) for rows in self.matrix.rows]

    @cached_property
    def columns(self) -> list[Part]:
        """Every variable that has columns."""
        columns = self.matrix.evaluator.columns
        found = ((v, columns.start(v), columns.index(v)) for v in columns.variables)
        return [self._part(variable, start, index) for variable, start, index in found if len(index)]

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """What a kW lacking counts in each balance row: its hours; infinite for every other row, shape (rows,).

        A kilogram counts more than the electricity that could make it, so that what lacks for hydrogen is told as the
        electricity that lacks where that is the cause.
        """
        weights = np.full(len(self.matrix.row_low), np.inf)
        for part in self.rows_of("bus"):
            worth = _KILOGRAM if self.plant.buses[part.owner].carrier.stock_unit == "kg" else 1.0
            weights[part.span] = worth * self.plant.timeline.hours[part.times]
        return weights

    def rows_of(self, kind: str) -> Iterator[Part]:
        """Give the constraints of a kind: ``asset``, ``bus``, ``site``, ``policy`` or ``cap``."""
        return (part for part in self.rows if part.kind == kind)

    @cached_property
    def _owners(self) -> dict[int, tuple[str, str]]:
        operation, size = self.model.pyomo.operation, self.model.pyomo.size
        assets = {id(block[name]): ("asset", name) for name in self.plant.assets for block in (operation.asset, size)}
        policy = self.model.pyomo.policy
        assets |= {id(policy[name]): ("policy", str(name)) for name in policy}
        assets[id(self.model.pyomo.green)] = ("green", "")
        assets[id(self.model.pyomo.site)] = ("site", "")
        return assets | {id(operation.bus[name]): ("bus", name) for name in self.plant.buses}

    def _part(self, component: Any, start: int, index: Any) -> Part:
        kind, owner = self._owners.get(id(component.parent_block()), ("cap", ""))
        operation = self.model.operation
        along = component.index_set() if component.is_indexed() else None
        is_points = along is operation.points
        is_steps = is_points or along is operation.steps or along is operation.later or _holds_steps(component)
        times = np.array(index if is_steps else [-1] * len(index), dtype=np.int64)
        return Part(kind, owner, component.local_name, start, times, is_points)


def _holds_steps(component: Any) -> bool:
    """Tell whether a component is indexed by a set that was made of steps."""
    domain = getattr(component.index_set(), "domain", None) if component.is_indexed() else None
    return domain is not None and domain is getattr(component.parent_block().model().operation, "steps", None)
