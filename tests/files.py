"""Scenario files for tests: one good file, and ways to write it with a part replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from microgrid.errors import InputError, Problem
from microgrid.scenario import read_scenario

PLANT = """\
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-06-15, days: 1, step: 1 h}
assets:
  grid:
    kind: grid_connection
    capacity: 700 kW
    import_price: 0.2 EUR/kWh
  battery:
    kind: battery
    energy: 1 MWh
    power: 400 kW
  plant:
    kind: production_load
    demand: {file: site.csv, column: load}
"""
CSV = "time,load [kW],price [EUR/kWh]\n" + "".join(
    f"2026-06-15T{hour:02d}:00+02:00,{100 + hour},0.1\n" for hour in range(24)
)

Changes = Iterable[tuple[str, str]]


def changed(text: str, changes: Changes) -> str:
    """Return a text with each old part replaced by the new one; every old part must be there."""
    for old, new in changes:
        assert old in text, f"{old!r} is not in the text that a test wants to change"
        text = text.replace(old, new)
    return text


def write(folder: Path, plant: str | bytes = PLANT, csv: str | bytes = CSV, **others: str) -> Path:
    """Write a scenario, its table and other files; return the scenario's path."""
    for name, text in {"plant.yaml": plant, "site.csv": csv, **others}.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / "plant.yaml"


def problems(path: Path, overrides: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Return the faults of a scenario that must have some."""
    with pytest.raises(InputError) as caught:
        read_scenario(path, overrides)
    return caught.value.problems


def told(path: Path, overrides: Mapping[str, str] | None = None) -> str:
    """Return the faults of a scenario as a user reads them."""
    return "\n".join(str(problem) for problem in problems(path, overrides))
