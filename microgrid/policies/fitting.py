"""What a plant must have for its rules to be checked or enforced, told before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microgrid.errors import Problem
from microgrid.policies.adopted import Bound
from microgrid.policies.packs import HYDROGEN
from microgrid.technologies.base import Technology

if TYPE_CHECKING:
    from microgrid.plant import Plant


def policy_problems(plant: Plant) -> Iterator[Problem]:
    """Give the rules that this plant could not be held to, or not be checked against."""
    for bound in plant.bounds:
        if any(name in HYDROGEN for name in bound.quantities):
            yield from _hydrogen_problems(plant, bound)


def dirtiest_power(plant: Plant) -> NDArray[np.float64]:
    """Return the most that a kWh of electricity emits out of any source that is not green, kg/kWh, shape (n,).

    Zero where there is none; a source of which nobody says what it emits is a problem by itself.
    """
    known: list[NDArray[np.float64] | None] = [np.zeros(len(plant.timeline))]
    for asset in plant.assets.values():
        known += [asset.intensity(port, plant.timeline) for port in _electric_ports(plant, asset)]
        fuel = asset.most_fuel()
        if fuel is not None:
            bus, most = fuel
            emitted = (_of_supply(supply, plant) for _, supply in _suppliers(plant, bus))
            known += [most * each for each in emitted if each is not None]
    return np.asarray(np.max([each for each in known if each is not None], axis=0))


def _electric_ports(plant: Plant, asset: Technology) -> list[str]:
    """Return the ports by which an asset brings electricity from outside."""
    on = {plant.buses[bus].carrier.name for bus, _ in asset.buses().values() if bus in plant.buses}
    wanted = ("import", "supply") if "electricity" in on else ()
    return [port for port, role in asset.roles().items() if role in wanted]


def _suppliers(plant: Plant, bus: str) -> list[tuple[str, Technology]]:
    """Return what brings energy to a bus from outside, by name."""
    return [
        (name, asset)
        for name, asset in plant.assets.items()
        if "supply" in asset.roles().values() and bus in {each for each, _ in asset.buses().values()}
    ]


def _of_supply(asset: Technology, plant: Plant) -> NDArray[np.float64] | None:
    return asset.intensity("supply", plant.timeline)


def _of_unknown_emissions(plant: Plant, where: str) -> Iterator[Problem]:
    """Give the assets whose electricity an enforced rule on hydrogen could not count, for nobody says what it emits."""
    for name, asset in plant.assets.items():
        fuel, roles = asset.most_fuel(), asset.roles().values()
        if "generation" in roles and (fuel is None or not np.isfinite(fuel[1])):
            found = f"electricity of {name}"
            wanted = "generators whose fuel for each kWh has a highest value before there is a plan"
            cure = "write check" if fuel is None else "give it a commitment with a minimum_load, or write check"
            yield Problem(where, found, wanted, cure)
        bought = [(name, asset)] if "supply" in _roles_of_electricity(plant, asset) else []
        for supplier, supply in bought + (_suppliers(plant, fuel[0]) if fuel is not None else []):
            if _of_supply(supply, plant) is None:
                what = "fuel" if fuel is not None else "electricity"
                wanted = f"what each kWh of the {what} emits, for the rule enforced by {where}"
                yield Problem(f"assets.{supplier}", "no factor", wanted, "write a factor of a scope, be it 0, or check")


def _roles_of_electricity(plant: Plant, asset: Technology) -> set[str]:
    return {asset.roles()[port] for port in _electric_ports(plant, asset)}


def _hydrogen_problems(plant: Plant, bound: Bound) -> Iterator[Problem]:
    where = f"policies.{bound.policy}"
    roles = {role for asset in plant.assets.values() for role in asset.roles().values()}
    if bound.mode == "enforce" and not {"electrolysis", "hydrogen"} <= roles:
        yield Problem(where, "a rule on hydrogen", "an asset that makes hydrogen of electricity", "write check")
    for name, field in ((name, asset.lacks_intensity()) for name, asset in plant.assets.items()):
        if field:
            wanted = f"what a kWh imported emits, for the rule {bound.policy}"
            yield Problem(f"assets.{name}.{field}", "missing", wanted, 'such as "0.5306 kgCO2/kWh"')
    if bound.mode == "enforce" and not any(
        _electric_ports(plant, asset) or asset.most_fuel() for asset in plant.assets.values()
    ):
        wanted = "a plant that imports, is supplied or generates, whose factor the rule counts with"
        yield Problem(where, "no grid connection", wanted, "write check")
    if bound.mode == "enforce":
        yield from _of_unknown_emissions(plant, where)
    longest = float(plant.timeline.hours.max())
    if bound.matching == "hour" and longest > 1 + 1e-9:
        step = plant.timeline.index[int(np.argmax(plant.timeline.hours))].isoformat(timespec="minutes")
        found = f"matching by the hour, and the step at {step} of {longest:g} h"
        yield Problem(
            where, found, "steps of an hour or less", "take shorter steps, or matching: month where it may be"
        )
