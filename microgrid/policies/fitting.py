"""What a plant must have for its rules to be checked or enforced, told before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from microgrid.errors import Problem
from microgrid.policies.adopted import Bound
from microgrid.policies.packs import HYDROGEN

if TYPE_CHECKING:
    from microgrid.plant import Plant


def policy_problems(plant: Plant) -> Iterator[Problem]:
    """Give the rules that this plant could not be held to, or not be checked against."""
    for bound in plant.bounds:
        if any(name in HYDROGEN for name in bound.quantities):
            yield from _hydrogen_problems(plant, bound)


def _of_unknown_emissions(plant: Plant, where: str) -> Iterator[Problem]:
    """Give the assets whose electricity a rule on hydrogen would count with the grid's factor, which is not theirs."""
    for name, asset in plant.assets.items():
        for port, role in asset.roles().items():
            buses = [plant.buses[bus].carrier.name for bus, _ in asset.buses().values() if bus in plant.buses]
            if role == "generation" or (role == "supply" and "electricity" in buses):
                wanted = "electricity of the grid, of sun and wind and of contracts: no other is known to the rule"
                yield Problem(where, f"electricity of {name}, {port}", wanted, "write check")


def _hydrogen_problems(plant: Plant, bound: Bound) -> Iterator[Problem]:
    where = f"policies.{bound.policy}"
    roles = {role for asset in plant.assets.values() for role in asset.roles().values()}
    if bound.mode == "enforce" and not {"electrolysis", "hydrogen"} <= roles:
        yield Problem(where, "a rule on hydrogen", "an asset that makes hydrogen of electricity", "write check")
    for name, field in ((name, asset.lacks_intensity()) for name, asset in plant.assets.items()):
        if field:
            wanted = f"what a kWh imported emits, for the rule {bound.policy}"
            yield Problem(f"assets.{name}.{field}", "missing", wanted, 'such as "0.5306 kgCO2/kWh"')
    if bound.mode == "enforce" and not any("import" in asset.roles().values() for asset in plant.assets.values()):
        yield Problem(
            where, "no grid connection", "a plant that imports, whose factor the rule counts with", "write check"
        )
    if bound.mode == "enforce":
        yield from _of_unknown_emissions(plant, where)
    longest = float(plant.timeline.hours.max())
    if bound.matching == "hour" and longest > 1 + 1e-9:
        step = plant.timeline.index[int(np.argmax(plant.timeline.hours))].isoformat(timespec="minutes")
        found = f"matching by the hour, and the step at {step} of {longest:g} h"
        yield Problem(
            where, found, "steps of an hour or less", "take shorter steps, or matching: month where it may be"
        )
