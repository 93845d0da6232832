"""What each column may be: bounds, domains and fixed values, as arrays.

A variable declared with ``dense=False`` is not expanded into Python objects: its bounds and its domain are read from
the rules it was declared with, called once with symbolic indices. Objects that exist all the same (because somebody
asked for one, fixed it or changed its bounds) overrule the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solvers.columns import Columns
from solvers.linear import Array, NotTemplatedError
from solvers.templates import Evaluator


@dataclass(frozen=True, eq=False)
class Limits:
    """What each column may be: bounds, whether it is whole, and where it is fixed."""

    low: Array
    high: Array
    integer: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    value: Array


def limits_of(columns: Columns, evaluator: Evaluator) -> Limits:
    """Return bounds, integrality and fixed values of all columns.

    Raises
    ------
    ValueError
        If a domain is no interval of real or whole numbers.
    """
    n = columns.length
    limits = Limits(np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n, bool), np.zeros(n, bool), np.zeros(n))
    for variable in columns.variables:
        if len(variable) < columns.size(variable):
            try:
                _from_rules(variable, columns.span(variable), limits, evaluator)
            except NotTemplatedError:
                for index in columns.index(variable):
                    variable[index]
        _from_objects(columns.objects(variable), limits)
    return limits


def _from_rules(variable: Any, span: slice, limits: Limits, evaluator: Evaluator) -> None:
    """Read bounds and domain of a variable that is not expanded from the rules it was declared with."""
    if not variable._rule_domain.constant():
        raise NotTemplatedError("its domain changes with the index")
    domain = variable._rule_domain(variable.parent_block(), None, variable)
    low: float | Array
    high: float | Array
    low, high, integer = interval(domain)
    rule = variable._rule_bounds
    if rule is not None:

        def pair(block: Any, indices: tuple[Any, ...]) -> Any:
            return rule(block, indices[0] if len(indices) == 1 else indices)

        bounds = evaluator.pair(variable.parent_block(), pair, variable.index_set())
        low = low if bounds[0] is None else np.maximum(low, bounds[0])
        high = high if bounds[1] is None else np.minimum(high, bounds[1])
    limits.low[span], limits.high[span], limits.integer[span] = low, high, integer


def interval(domain: Any) -> tuple[float, float, bool]:
    """Return least and greatest value of a domain, and whether only whole numbers are in it."""
    low, high, step = domain.get_interval()
    if step not in (0, 1):
        raise ValueError(f"the domain {domain} is no interval of real or whole numbers")
    return -np.inf if low is None else low, np.inf if high is None else high, step == 1


def _from_objects(objects: Iterable[tuple[int, Any]], limits: Limits) -> None:
    """Read bounds, domain and fixed value of the objects that exist."""
    whole: dict[int, bool] = {}
    for column, data in objects:
        low, high = data.bounds
        limits.low[column] = -np.inf if low is None else low
        limits.high[column] = np.inf if high is None else high
        domain = data.domain
        if id(domain) not in whole:
            whole[id(domain)] = interval(domain)[2]
        limits.integer[column] = whole[id(domain)]
        if data.fixed:
            limits.fixed[column], limits.value[column] = True, float(data.value)
