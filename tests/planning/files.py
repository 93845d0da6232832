"""A plant for planners: one step that is a year, so that every number can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

from microgrid.planning.sizing import Investment, size

YEAR = """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-01-01, days: 365, step: 8760 h}
finance: {discount_rate: 6 %, project_life: 20 a}
reference: {without: [roof], name: grid only}
assets:
  grid: {kind: grid_connection, capacity: 200 kW, import_price: 0.1 EUR/kWh, location_factor: 0.5 kgCO2/kWh}
  roof:
    kind: photovoltaic
    availability: 0.5
    capacity: {high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 10 a}
  plant: {kind: production_load, demand: 100 kW}
"""
ROOF = "{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 10 a}"
SAVED = 50 * 0.5 * 8760 * 0.1  # 21,900 EUR a year
PRICE, UPKEEP = 25_000.0, 500.0


def scenario(folder: Path, text: str = YEAR, **changes: str) -> Path:
    """Write the plant with parts of it replaced: the roof's capacity, the finance section, the reference."""
    parts = {
        "roof": ROOF,
        "finance": "{discount_rate: 6 %, project_life: 20 a}",
        "reference": "{without: [roof], name: grid only}",
    }
    for name, new in changes.items():
        assert parts[name] in text
        text = text.replace(parts[name], new)
    path = folder / "plant.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def sized(folder: Path, text: str = YEAR, **changes: str) -> Investment:
    """Return the plant sized and compared; both plans must pass their audits."""
    investment = size(scenario(folder, text, **changes))
    for case in investment.cases.values():
        assert case.result.manifest["audit"]["findings"] == []
    return investment
