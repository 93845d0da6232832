"""Energy is not passed through the site for its emissions: in by one connection, out by another.

Where the account's standard takes exports off, a kWh bought under a contract and exported at once would lower the
account by the grid's factor, though nothing was made or saved. A single connection excludes that by itself; several on
one bus are kept from it together, at those steps where an export of one takes off more than an import of another puts
on, and only where emissions have a say in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.capacity import Size
from microgrid.plant import Plant
from microgrid.technologies.base import Contribution, Operation, Passing, Rate


def keep_from_passing(
    block: Any,
    operation: Operation,
    plant: Plant,
    contributions: Mapping[str, Contribution],
    sizes: Mapping[str, Mapping[str, Size]],
) -> None:
    """Let the connections of a bus all import or all export, at the steps where both at once could pay in carbon."""
    if not (plant.accounting.takes_exports_off and plant.objective.counts_carbon):
        return
    for bus, passing in _connections(plant).items():
        if len(passing) > 1:
            pays = np.max([each.taken_off for each in passing.values()], axis=0) > np.min(
                [each.put_on for each in passing.values()], axis=0
            )
            steps = [int(t) for t in np.flatnonzero(pays)]
            if not steps:
                continue
            _one_way(block, bus, operation, steps)
            for name in passing:
                rates = {flow.port: flow.rate for flow in contributions[name].flows}
                _follows(
                    block, f"{bus}_{name}", block.component(f"{bus}_importing"), rates, sizes[name]["capacity"].high
                )


def _connections(plant: Plant) -> dict[str, dict[str, Passing]]:
    """Return, by bus, the connections to the outside and what passing through them does to the account."""
    found: dict[str, dict[str, Passing]] = {}
    for name, asset in plant.assets.items():
        passing = asset.passing(plant.timeline)
        if passing is not None:
            for bus, _ in asset.buses().values():
                found.setdefault(bus, {})[name] = passing
    return found


def _one_way(block: Any, bus: str, operation: Operation, steps: list[int]) -> None:
    """Declare whether the connections of a bus import, at the steps where it matters."""
    contested = pyo.Set(initialize=steps, within=operation.steps)
    block.add_component(f"{bus}_contested", contested)
    block.add_component(f"{bus}_importing", pyo.Var(contested, dense=False, within=pyo.Binary))


def _follows(block: Any, name: str, importing: Any, rates: Mapping[str, Rate], high: float) -> None:
    """Let a connection import while its bus does, and export while it does not."""
    steps = importing.index_set()

    def imports_only_with_others(_b: Any, t: Any) -> Any:
        return rates["import"](t) <= high * importing[t]

    def exports_only_with_others(_b: Any, t: Any) -> Any:
        return -rates["export"](t) <= high * (1 - importing[t])

    block.add_component(f"{name}_imports_only_with_others", pyo.Constraint(steps, rule=imports_only_with_others))
    if "export" in rates:
        block.add_component(f"{name}_exports_only_with_others", pyo.Constraint(steps, rule=exports_only_with_others))
