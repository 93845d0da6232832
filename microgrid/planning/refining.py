"""What energy is worth at each step, once there are sizes: what neighbouring steps are best compared by.

Steps at which a kWh is worth the same, on every bus, can be planned as one without changing which sizes pay: to the
first order a plan that is averaged over them costs the same. So sizes are decided twice. The first time steps are
merged by their series, the second by what a finer year, with the first sizes, says that energy is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.model import Model
from solvers import Settings, templating
from solvers.compile import compile_model
from solvers.highs import solve_matrix

# Shares of the steps beyond which a price counts as the highest, or the lowest, that there is: a month's one peak makes
# a price many times all others, beside which no difference between them would be seen.
_USUAL = (1.0, 99.0)

Array = NDArray[np.float64]
Held = Mapping[str, tuple[Any, float, float, float]]


def hold_sizes(model: Model, sizes: Mapping[str, Mapping[str, float]]) -> Held:
    """Hold every decided capacity to its size by a row; return each row with the size and its bounds."""
    model.pyomo.held = pyo.Block()
    found = {}
    decided = [(a, f, size.amount) for a, fields in model.sizes.items() for f, size in fields.items()
               if not size.is_fixed]  # fmt: skip
    for asset, field, variable in decided:
        name, value = f"{asset}_{field}", sizes[asset][field]
        row = pyo.Constraint(rule=lambda _b, v=variable, value=value: v == value)
        with templating():
            model.pyomo.held.add_component(name, row)
        found[name] = (row, value, float(variable.lb), float(variable.ub))
    return found


def worth_of_energy(model: Model, sizes: Mapping[str, Mapping[str, float]], settings: Settings) -> Array | None:
    """Return what energy is worth on each bus at each step with these sizes, from 0 to 1, shape (steps, buses).

    It is the dual of the bus's balance in the linear relaxation; None where the sizes do not suffice for it. The model
    holds the sizes afterwards.
    """
    hold_sizes(model, sizes)
    matrix = compile_model(model.pyomo, refuse=False)
    relaxed = replace(matrix, integer=np.zeros_like(matrix.integer))
    outcome = solve_matrix(relaxed, settings)
    if outcome.plan is None or not outcome.is_proved:
        return None
    plant, operation = model.plant, model.pyomo.operation
    balances = [operation.bus[name].balance for name in plant.buses if hasattr(operation.bus[name], "balance")]
    duals = [dual for dual in map(outcome.plan.dual, balances) if dual is not None]
    prices = np.array(duals).T / plant.timeline.weighted_hours[:, None]
    low, high = np.percentile(prices, _USUAL, axis=0)
    spread = np.where(high > low, high - low, 1.0)
    return np.asarray((np.clip(prices, low, high) - low) / spread, dtype=float)
