"""Availability from weather files as scenarios name them."""

from pathlib import Path

import numpy as np
import pandas as pd

from microgrid.scenario import read_scenario

SCENARIO = """
name: sun
currency: EUR
site: {time_zone: UTC, latitude: 30 deg, longitude: 0 deg}
weather: {file: weather.csv, elevation: 0 m, latitude: 30 deg, longitude: 0 deg}
horizon: {start: 2025-06-01, days: 1, step: 1 h}
assets:
  roof: {kind: photovoltaic, capacity: 10 kW, availability: {tilt: 0 deg}}
  load: {kind: production_load, demand: 0 kW}
"""


def write_weather(folder: Path, noon: float) -> None:
    """Write a day whose radiation is highest at noon, W/m2."""
    times = pd.date_range("2025-06-01", periods=24, freq="h", tz="UTC")
    sun = noon * np.maximum(np.sin((np.arange(24) - 5.5) * np.pi / 13), 0.0)
    rows = [f"{time.isoformat()},{ghi:.1f},20,3" for time, ghi in zip(times, sun, strict=True)]
    header = "time,ghi [W/m2],temperature [degC],wind_speed [m/s]"
    (folder / "weather.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def available(folder: Path) -> np.ndarray:
    """Return the roof's availability per kW, shape (24,)."""
    return np.asarray(read_scenario(folder / "sun.yaml").plant.assets["roof"].availability.values)


def test_a_weather_file_that_changed_is_read_anew(tmp_path):
    """Weather is kept from one scenario to the next; a file written over must not be answered from memory."""
    (tmp_path / "sun.yaml").write_text(SCENARIO, encoding="utf-8")
    write_weather(tmp_path, 800.0)
    bright = available(tmp_path)
    assert (available(tmp_path) == bright).all()
    write_weather(tmp_path, 400.0)
    dull = available(tmp_path)
    assert bright.max() > 0.5
    assert 0.3 * bright.max() < dull.max() < 0.7 * bright.max()
