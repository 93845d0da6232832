"""What an investment is compared with, as a scenario of its own."""

from __future__ import annotations

from microgrid.capacity import Sized
from microgrid.documents import overridden
from microgrid.errors import InputError, Problem
from microgrid.faults import shown
from microgrid.plant import Plant
from microgrid.scenario import Scenario, read_scenario, scenario_of


def reference_of(scenario: Scenario) -> Scenario:
    """Return the scenario that a sized one is compared with.

    Raises
    ------
    InputError
        If there is nothing to size, no reference is named, it holds faults, or cannot be compared.
    """
    if not _sized(scenario.plant):
        cure = "such as {low: 0 kW, high: 2 MW, capex: ...}: `microgrid describe capacity`"
        raise InputError([Problem("assets", "capacities that are all given", "at least one to be decided", cure)])
    named = scenario.reference
    if named is None:
        assets = ", ".join(name for name in _sized(scenario.plant) if _can_go(scenario.plant, name))
        cure = f"such as reference: {{without: [{assets}]}}" if assets else "such as reference: {file: as_is.yaml}"
        place = scenario.document.place(())
        raise InputError([Problem("reference", "missing", "what the investment is compared with", cure, place)])
    if named.without:
        left_out = {f"assets.{name}": "null" for name in named.without}
        left_out |= {f"footprint.factors.{name}": "null" for name in named.without if name in scenario.footprint}
        return scenario_of(overridden(scenario.document, left_out | {"reference": "null"}))
    other = read_scenario(scenario.document.folder / named.file)
    unlike = unlike_reference(scenario, scenario, other)
    if unlike:
        raise InputError(unlike)
    return other


def _sized(plant: Plant) -> list[str]:
    """Return the assets with a capacity to be decided."""
    return [
        name for name, asset in plant.assets.items() if any(isinstance(c, Sized) for c in asset.capacities().values())
    ]


def _can_go(plant: Plant, name: str) -> bool:
    """Tell whether every demand could still be fed without an asset."""
    needed = {bus for asset in plant.assets.values() for bus in asset.needs()}
    others = (asset for other, asset in plant.assets.items() if other != name)
    fed = {bus for asset in others for bus, mark in asset.buses().values() if mark.direction != "in"}
    kind = getattr(plant.assets[name], "kind", "")
    return needed <= fed and kind != "grid_connection"


def unlike_reference(scenario: Scenario, compared: Scenario, other: Scenario) -> list[Problem]:
    """Return what keeps a scenario, or a stage of it, from being compared with another one: money or time."""
    place, file = scenario.document.place(("reference", "file")), scenario.reference
    where = shown(file.file) if file is not None else ""
    mine, their = compared.plant, other.plant
    found = []
    if mine.currency != their.currency:
        found.append(Problem("reference.file", f"{where} in {their.currency}", f"one in {mine.currency}", "", place))
    if abs(mine.timeline.years - their.timeline.years) > 1e-6 * mine.timeline.years:
        counted = f"{where} over {their.timeline.years:.4g} years"
        wanted = f"a horizon of {mine.timeline.years:.4g} years, as this scenario has"
        found.append(Problem("reference.file", counted, wanted, "", place))
    return found
