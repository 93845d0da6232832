"""Choosing: the billing option that a longer time would hold to, where a scenario leaves it to the engine.

A network lets one change the option by the quarter at best, so no window may choose its own: each option is taken in
turn, the plant is solved without integers, and the cheapest one holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from microgrid.copies import copied
from microgrid.model import assemble
from microgrid.plant import Plant
from microgrid.tariffs.lines import CHOOSE
from solvers import Settings, templating
from solvers.compile import compile_model
from solvers.highs import solve_matrix


def undecided(plant: Plant) -> dict[str, tuple[str, ...]]:
    """Return, by grid connection, the billing options that are left to be chosen from."""
    return {
        name: tuple(asset.tariff.options)  # type: ignore[attr-defined]
        for name, asset in plant.assets.items()
        if getattr(asset, "tariff", None) is not None and getattr(asset, "option", "") == CHOOSE
    }


def chosen(plant: Plant, settings: Settings) -> dict[str, str]:
    """Return the option that costs least over the whole of a plant's time, for each connection that has the choice.

    Parameters
    ----------
    plant
        Along all of the time.
    settings
        Of the linear solves.
    """
    found: dict[str, str] = {}
    for name, options in undecided(plant).items():
        costs = {option: _cost(with_billing(plant, {**found, name: option}), settings) for option in options}
        found[name] = min(costs, key=lambda option: costs[option])
    return found


def with_billing(plant: Plant, options: dict[str, str]) -> Plant:
    """Return the plant with billing options that hold."""
    changed: dict[str, Any] = {name: copied(plant.assets[name], {"billing": held}) for name, held in options.items()}
    return replace(plant, assets={**plant.assets, **changed})


def _cost(plant: Plant, settings: Settings) -> float:
    with templating():
        model = assemble(plant)
    matrix = compile_model(model.pyomo, refuse=False)
    outcome = solve_matrix(replace(matrix, integer=np.zeros_like(matrix.integer)), settings)
    return outcome.objective if outcome.is_proved else float("inf")
