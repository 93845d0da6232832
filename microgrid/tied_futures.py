"""Several futures of one plant in one model: a block for each, and rows that tie what is decided before one knows.

Whatever is not tied is each future's own: its operation, its ledgers, its peaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyomo.core as pyo

from microgrid.model import Model, write_plant
from microgrid.plant import Plant


@dataclass(frozen=True, eq=False)
class TiedFutures:
    """A plant in several futures.

    Parameters
    ----------
    pyomo
        The ConcreteModel.
    parts
        The plant in each future, by name.
    probabilities
        How likely each is; together 1.
    """

    pyomo: Any
    parts: Mapping[str, Model]
    probabilities: Mapping[str, float]

    def expected(self, amount: Callable[[Model], Any]) -> Any:
        """Return the mean of an amount over the futures."""
        return sum([share * amount(self.parts[name]) for name, share in self.probabilities.items()])

    def tie(self, what: str, of: Callable[[Model], Any]) -> None:
        """Let an amount be in every future what it is in the first."""
        first, *others = self.parts
        for other in others:
            row = pyo.Constraint(expr=of(self.parts[other]) == of(self.parts[first]))
            self.pyomo.same[other].add_component(what, row)

    def tie_along(self, what: str, of: Callable[[Model], Callable[[Any], Any]], index: Any) -> None:
        """Let an amount be in every future what it is in the first, at each place of an index."""
        first, *others = self.parts
        ours = of(self.parts[first])
        for other in others:
            theirs = of(self.parts[other])

            def decided_before_it_is_known(_b: Any, t: Any, theirs: Any = theirs) -> Any:
                return theirs(t) == ours(t)

            row = pyo.Constraint(index, rule=decided_before_it_is_known)
            self.pyomo.same[other].add_component(what, row)


def write_futures(plants: Mapping[str, Plant], probabilities: Mapping[str, float], name: str) -> TiedFutures:
    """Write a plant in several futures, nothing tied yet and no goal set.

    Parameters
    ----------
    plants
        The plant as it is in each future, by name.
    probabilities
        How likely each is; together 1.
    name
        Of the model.
    """
    model = pyo.ConcreteModel(name=name)
    model.future = pyo.Block(list(plants))
    parts = {future: write_plant(plant, model.future[future]) for future, plant in plants.items()}
    model.same = pyo.Block(list(plants)[1:])
    return TiedFutures(model, parts, probabilities)
