"""A small site that dispatch plans: connection, roof, battery and load over a day."""

from __future__ import annotations

PLANT = """
name: Dispatch
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-06-15, days: 1, step: 1 h}
assets:
  grid:
    kind: grid_connection
    capacity: 100 kW
    import_price: {values: [PRICES], unit: EUR/kWh}
    demand_charge: {price: 9 EUR/kW/month, window: 15 min}
    location_factor: 0.4 kgCO2e/kWh
  roof: {kind: photovoltaic, capacity: 40 kW, availability: {values: [SUN]}}
  battery:
    kind: battery
    energy: 60 kWh
    power: 30 kW
    minimum_charge: 10 %
    initial_charge: 50 %
    wear: {replacement_cost: 200 EUR/kWh, cycle_life: 6000}
  load: {kind: production_load, demand: {values: [LOAD], unit: kW}}
"""
PRICES = [0.1] * 7 + [0.3] * 12 + [0.2] * 5
SUN = [0.0] * 7 + [0.2, 0.4, 0.6, 0.7, 0.8, 0.8, 0.7, 0.6, 0.4, 0.2] + [0.0] * 7
LOAD = [20.0] * 6 + [50.0] * 12 + [30.0] * 6
SITE = """
scenario: plant.yaml
window: 6 h/1 h
deadline: 20 s
measurements: {file: measurements.csv}
forecasts: {file: forecasts.csv}
limits: live.yaml
"""
HEAD = "time,asset,quantity,value,unit\n"


def plant_text() -> str:
    """Return the scenario file."""
    plant = PLANT
    for word, values in (("PRICES", PRICES), ("SUN", SUN), ("LOAD", LOAD)):
        plant = plant.replace(word, ", ".join(map(str, values)))
    return plant
