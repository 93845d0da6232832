"""The variables of a Pyomo model as columns: one block a component, bounds and domains as arrays.

A variable declared with ``dense=False`` is not expanded into Python objects: its bounds and its domain are read from the rules it
was declared with, called once with symbolic indices. Objects that exist all the same (because somebody asked for one, fixed
it or changed its bounds) overrule the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.template_expr import templatize_rule

from solvers.templates import Evaluator, Members, NotTemplatedError, Space

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Columns:
    """Where each variable stands.

    Parameters
    ----------
    variables
        The components, in the order of their columns.
    starts
        First column of each component, by identity.
    members
        The model's index sets as arrays.
    """

    variables: tuple[Any, ...]
    starts: Mapping[int, int]
    length: int
    members: Members

    @classmethod
    def of(cls, model: Any) -> Columns:
        """Number the columns of a model's variables, blocks of blocks included."""
        variables = tuple(model.component_objects(pyo.Var, active=None, descend_into=True))
        starts, length = {}, 0
        for variable in variables:
            starts[id(variable)] = length
            length += len(variable.index_set()) if variable.is_indexed() else 1
        return cls(variables, starts, length, Members())

    def start(self, variable: Any) -> int:
        """Return the first column of a component."""
        try:
            return self.starts[id(variable)]
        except KeyError:
            raise NotTemplatedError(f"the variable {variable.name} is not in the model") from None

    def of_data(self, data: Any) -> int:
        """Return the column of a single variable."""
        component = data.parent_component()
        if not component.is_indexed():
            return self.start(component)
        index = data.index()
        keys = index if isinstance(index, tuple) else (index,)
        arrays = tuple(np.array([key], dtype=object if isinstance(key, str) else None) for key in keys)
        return self.start(component) + int(self.members.positions(component.index_set(), arrays)[0])

    def span(self, variable: Any) -> slice:
        """Return the columns of a component."""
        start = self.start(variable)
        return slice(start, start + (len(variable.index_set()) if variable.is_indexed() else 1))


@dataclass(frozen=True, eq=False)
class Limits:
    """What each column may be: bounds, whether it is whole, and where it is fixed."""

    low: Array
    high: Array
    integer: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    value: Array


def limits_of(columns: Columns, evaluator: Evaluator) -> Limits:
    """Return bounds, integrality and fixed values of all columns."""
    n = columns.length
    limits = Limits(np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n, bool), np.zeros(n, bool), np.zeros(n))
    for variable in columns.variables:
        span = columns.span(variable)
        length = span.stop - span.start
        if len(variable) < length:
            _from_rules(variable, span, limits, evaluator)
        _from_objects(variable, columns, limits)
    return limits


def _from_rules(variable: Any, span: slice, limits: Limits, evaluator: Evaluator) -> None:
    """Read bounds and domain of a variable that is not expanded from the rules it was declared with."""
    index_set = variable.index_set()
    if not variable._rule_domain.constant():
        raise NotTemplatedError(f"{variable.name} has a domain that changes with the index: declare it dense")
    domain = variable._rule_domain(variable.parent_block(), None, variable)
    low, high = domain.bounds()
    limits.low[span] = -np.inf if low is None else low
    limits.high[span] = np.inf if high is None else high
    limits.integer[span] = not domain.isdiscrete() is False
    if variable._rule_bounds is None:
        return
    bounds, indices = templatize_rule(variable.parent_block(), _pair(variable._rule_bounds), index_set)
    members = evaluator.members.of(index_set)
    values = {id(t): members if members.ndim == 1 else members[:, t._index] for t in indices}
    space = Space(span.stop - span.start, values)
    for bound, array, tighter in ((bounds[0], limits.low, np.maximum), (bounds[1], limits.high, np.minimum)):
        if bound is not None:
            array[span] = tighter(array[span], evaluator.numbers(bound, space).astype(float))


def _pair(rule: Any) -> Any:
    """Return a rule of bounds that Pyomo's templates can call: block and a tuple of indices."""

    def call(block: Any, indices: tuple[Any, ...]) -> Any:
        return rule(block, indices[0] if len(indices) == 1 else indices)

    return call


def _from_objects(variable: Any, columns: Columns, limits: Limits) -> None:
    """Read bounds, domain and fixed value of the objects that exist."""
    start = columns.start(variable)
    if variable.is_indexed():
        dense = len(variable) == len(variable.index_set())
        items = variable.values()
        places = range(start, start + len(variable)) if dense else (columns.of_data(data) for data in items)
    else:
        items, places = (variable,), (start,)
    for place, data in zip(places, variable.values() if variable.is_indexed() else items, strict=True):
        low, high = data.bounds
        limits.low[place] = -np.inf if low is None else low
        limits.high[place] = np.inf if high is None else high
        limits.integer[place] = data.is_integer()
        if data.fixed:
            limits.fixed[place], limits.value[place] = True, data.value
