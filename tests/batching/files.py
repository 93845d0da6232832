"""A small family of scenarios: a grid, a battery and a load over four steps, with an optimum worked out by hand."""

from __future__ import annotations

from pathlib import Path

PLANT = """\
name: Small
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-06-15, end: 2026-06-15T04:00, step: 1 h}
assets:
  grid:
    kind: grid_connection
    capacity: 100 kW
    import_price: {values: [0.1, 0.4, 0.1, 0.5], unit: EUR/kWh}
    location_factor: 0.5 kgCO2/kWh
  battery:
    kind: battery
    energy: 10 kWh
    power: 10 kW
    charge_efficiency: 100 %
    discharge_efficiency: 100 %
    initial_charge: 0 %
    final_charge: 0 %
    minimum_charge: 0 %
    maximum_charge: 100 %
  load:
    kind: production_load
    demand: 20 kW
solver: {gap: 0 %}
"""
SWEEP = """\
sweep:
  grid:
    carbon price: {field: objective.carbon_price, values: [0 EUR/tCO2, 100 EUR/tCO2]}
    battery: {field: assets.battery.energy, values: [5 kWh, 10 kWh, 20 kWh]}
"""


def write(folder: Path, text: str, name: str = "family.yaml") -> Path:
    """Write a scenario file and return its path."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def cost(battery: float, carbon_price: float) -> float:
    """Return the optimum of a case by hand.

    The load takes 20 kWh each hour at 0.1, 0.4, 0.1 and 0.5 EUR/kWh: 22 EUR. The battery moves its energy, at most the
    10 kWh that its power allows in an hour, from the first hour to the second and from the third to the fourth, and
    saves 0.3 and 0.4 EUR for each kWh. All 80 kWh come from the grid: 40 kg at 0.5 kg/kWh, at a price per tonne.
    """
    return 22.0 - 0.7 * min(battery, 10.0) + carbon_price * 40.0 / 1000.0
