"""The figures of a plan that are compared between cases: money, carbon, sizes, energies, peaks, shares.

Names are paths: ``cost``, ``cost.energy``, ``emissions.scope_1``, ``size.battery.energy``, ``energy.grid.import`` in
kWh or kg over the horizon, ``peak.grid.import`` in kW or kg/h, ``share.own_generation``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from microgrid.alike import Array, alike
from microgrid.results import Result

_RELIEFS = ("shed", "unserved")
_BOUGHT = ("grid_connection", "supply")
_SMALL = 1e-6


def figures(result: Result) -> dict[str, float]:
    """Return the figures of a plan; what is not finite is left out."""
    manifest = result.manifest
    found = {"cost": manifest["costs"].get("cost", 0.0)}
    found |= {f"cost.{category}": amount for category, amount in manifest["costs"].items() if category != "cost"}
    found["emissions"] = manifest["emissions"]["emissions"]
    found |= {
        f"emissions.{column.removeprefix('emissions_')}": kg
        for column, kg in manifest["emissions"].items()
        if column != "emissions"
    }
    for asset, sizes in manifest["sizes"].items():
        found |= {f"size.{asset}.{name}": amount for name, amount in sizes.items()}
    found |= _moved(result)
    outcome = manifest["outcome"]
    found |= {key: outcome[key] for key in ("objective", "bound", "gap") if outcome[key] is not None}
    return {name: float(number) for name, number in found.items() if np.isfinite(number)}


def units_of(result: Result) -> dict[str, str]:
    """Return the unit of each figure of a plan; empty where it is a share or a number."""
    manifest, currency = result.manifest, str(result.manifest["currency"])
    emitted = {column: f"kg{manifest.get('gases', {}).get(column) or 'CO2e'}" for column in manifest["emissions"]}
    goal = emitted.get(manifest["objective"]["goals"][-1], currency)
    sizes = {f"size.{asset}.{name}": unit for asset, units in manifest["units"].items() for name, unit in units.items()}
    found = {f"emissions.{column.removeprefix('emissions_')}": unit for column, unit in emitted.items()}
    found |= {"emissions": emitted["emissions"], "objective": goal, "bound": goal} | sizes
    for (asset, port, unit), _ in alike(result.flows, ["asset", "port", "unit"]):
        found[f"energy.{asset}.{port}"] = unit.removesuffix("/h") if unit.endswith("/h") else f"{unit}h"
        found[f"peak.{asset}.{port}"] = unit
    return {name: currency if name.startswith("cost") else found.get(name, "") for name in figures(result)}


def _moved(result: Result) -> dict[str, float]:
    """Return what moved at each port, the highest rate there, and what share of the electricity was one's own."""
    flows, steps = result.flows, result.steps
    if flows.empty:
        return {}
    hours = steps["hours"].to_numpy(dtype=float) * steps["weight"].to_numpy(dtype=float)
    rates = flows["rate"].to_numpy(dtype=float)
    moved = {key: rates[rows] for key, rows in alike(flows, ["asset", "port", "carrier"])}
    found: dict[str, float] = {}
    for (asset, port, _), rate in moved.items():
        found[f"energy.{asset}.{port}"] = float(np.abs(rate) @ hours)
        found[f"peak.{asset}.{port}"] = float(np.abs(rate).max())
    return found | _shares(result, moved, hours)


def _shares(result: Result, moved: Mapping[tuple[str, ...], Array], hours: Array) -> dict[str, float]:
    """Return which share of the electricity is made on the site, of what is made or bought.

    Made is what comes from assets that store nothing and take neither electricity nor hydrogen.
    """
    kinds = result.manifest.get("kinds") or {}
    storing = {asset for (asset,), _ in alike(result.stocks, ["asset"])}
    taking = {
        asset
        for (asset, _, carrier), rate in moved.items()
        if carrier in ("electricity", "hydrogen") and rate.min() < -_SMALL
    }
    made = bought = 0.0
    for (asset, port, carrier), rate in moved.items():
        amount = float(np.maximum(rate, 0.0) @ hours)
        if carrier != "electricity" or port in _RELIEFS:
            continue
        if kinds.get(asset) in _BOUGHT:
            bought += amount
        elif asset not in storing | taking:
            made += amount
    return {"share.own_generation": made / (made + bought)} if made + bought > _SMALL else {}
