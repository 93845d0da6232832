"""Forecasts of a site, as rows that dispatch reads: learnt from its measurements, or made from a weather forecast.

Loads are foreseen by the median that trees learn from what was measured; where that is too little, by the same day last
week or yesterday. Sun and wind follow a weather forecast, by the same arrays and turbines as the scenario's weather, or
else are foreseen like loads. Of what is learnt, several futures may be told: each a quantile of what the site draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.availability import WeatherFile, makers
from microgrid.dispatch.site import read_site
from microgrid.dispatch.sources import COLUMNS, FUTURE, read_source
from microgrid.dispatch.store import write_whole
from microgrid.documents import read_document
from microgrid.errors import InputError, Problem
from microgrid.faults import RefusedError
from microgrid.forecasting.baselines import foreseen, holidays_of, last_week, persistence
from microgrid.forecasting.futures import Level
from microgrid.forecasting.quantiles import LEAST_DAYS, train
from microgrid.plant import Plant
from microgrid.rolling.foresight import UNCERTAIN
from microgrid.rolling.windows import place_of
from microgrid.scenario import read_scenario
from microgrid.timeline import Timeline
from microgrid.units import quantity

Array = NDArray[np.float64]
HISTORY = pd.Timedelta(days=120)
_MOST_LACKING = 0.1
MEDIAN = Level("", 0.5, 1.0)
_UNITS = {"availability": "1", "demand": "kW"}


@dataclass
class Forecasts:
    """Rows for the time ahead, and how each series was foreseen, in words."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, plant: Plant, of: tuple[str, str], times: pd.DatetimeIndex, values: Array, future: str = "") -> None:
        """Add the rows of a series, that hold in one future or in all."""
        unit = plant.buses[plant.assets[of[0]].bus].carrier.flow_unit if of[1] == "demand" else _UNITS[of[1]]  # type: ignore[attr-defined]
        self.rows += [
            {
                "time": time.isoformat(),
                "asset": of[0],
                "quantity": of[1],
                "value": round(value, 6),
                "unit": unit,
                FUTURE: future,
            }
            for time, value in zip(times, values.tolist(), strict=True)
        ]

    def write(self, path: Path) -> None:
        """Write the rows in one move: whoever reads finds the old ones or the new."""
        columns = [*COLUMNS, *([FUTURE] if any(row[FUTURE] for row in self.rows) else [])]
        write_whole(path, pd.DataFrame(self.rows, columns=columns).to_csv(index=False))


def foresee(
    site_path: Path,
    now: pd.Timestamp,
    hours: float,
    weather: Path | None = None,
    country: str = "",
    futures: Sequence[Level] = (),
) -> Forecasts:
    """Return forecasts of every load, and of sun and wind, from now on.

    Parameters
    ----------
    site_path
        The site file; its measurements are learnt from.
    now
        Zone-aware.
    hours
        How far to look ahead.
    weather
        A weather forecast (EPW or CSV, as for scenarios) that covers that time.
    country
        Whose public holidays are rest days.
    futures
        Futures to tell of each series that is learnt; what is foreseen otherwise holds in all of them.

    Raises
    ------
    InputError
        If site, scenario or weather cannot be read.
    """
    site = read_site(site_path)
    scenario = read_scenario(site_path.parent / site.scenario)
    plant, step = scenario.plant, min(step for _, step in site.look.spans)
    zone = plant.timeline.index.tz
    begins = now.tz_convert(zone).floor(pd.Timedelta(hours=step), ambiguous=True)
    ahead = Timeline.regular(begins, begins + pd.Timedelta(hours=hours), pd.Timedelta(hours=step))
    found = Forecasts()
    by_weather = {} if weather is None else _by_weather(site_path.parent / site.scenario, ahead, weather)
    measured = read_source(site.measurements, site_path.parent, plant.currency, "measurements", now - HISTORY)
    found.notes += measured.notes
    holidays = holidays_of(country, {begins.year, begins.year + 1, begins.year - 1}) if country else frozenset()
    for name, key in _uncertain(plant):
        if key == "availability" and name in by_weather:
            found.add(plant, (name, key), ahead.index, by_weather[name])
            found.notes.append(f"{name}.{key}: from the weather forecast")
            continue
        history = _history(measured.of(name, key), begins, step)
        if history is None:
            found.notes.append(f"{name}.{key}: too little was measured, left to dispatch")
            continue
        levels = [level._replace(quantile=level.of_series(key)) for level in futures] or [MEDIAN]
        said, how = _said(history, ahead, holidays, levels)
        for level, values in said:
            held = np.clip(values, 0.0, 1.0 if key == "availability" else np.inf)
            found.add(plant, (name, key), ahead.index, held, level)
        found.notes.append(f"{name}.{key}: {how}")
    return found


def _uncertain(plant: Plant) -> Iterator[tuple[str, str]]:
    for name, asset in plant.assets.items():
        for key, series in asset.series().items():
            if key in UNCERTAIN and np.ndim(series.values):
                yield name, key


def _by_weather(path: Path, ahead: Timeline, weather: Path) -> dict[str, Array]:
    """Return by asset what its array or turbine can give along the time ahead in the weather that is forecast.

    Raises
    ------
    InputError
        If the file lacks, cannot be read or does not cover that time.
    """
    if not weather.is_file():
        raise InputError([Problem("--weather", str(weather), "a weather file, .epw or .csv")])
    data: dict[str, Any] = read_document(path).data
    site = data.get("site", {})
    position = tuple(quantity(site[key], "deg") if key in site else None for key in ("latitude", "longitude"))
    made = makers(WeatherFile(file=str(weather.resolve())), path.parent, ahead, position)  # type: ignore[arg-type]
    found = {}
    for name, asset in data["assets"].items():
        spec = asset.get("availability")
        if isinstance(spec, dict) and asset.get("kind") in made and not {"file", "values"} & set(spec):
            try:
                found[name] = made[asset["kind"]](spec)
            except (InputError, RefusedError, ValueError) as error:
                wanted = "a weather file that covers the time ahead"
                raise InputError([Problem("--weather", f"{weather.name}: {error}", wanted)]) from error
    return found


def _history(rows: pd.Series | None, begins: pd.Timestamp, step: float) -> pd.Series | None:
    """Return what was measured on equal steps, small holes filled by the day before; None if there is little."""
    if rows is None or not len(rows):
        return None
    length = pd.Timedelta(hours=step)
    known = rows[rows.index < begins].copy()
    known.index = pd.DatetimeIndex(known.index).tz_convert("UTC")
    if not len(known):
        return None
    steps = pd.date_range(known.index[0].ceil(length), begins.tz_convert("UTC"), freq=length, inclusive="left")
    values = known.groupby(known.index.floor(length)).mean().reindex(steps)
    if len(values) * step < 24.0 or values.isna().mean() > _MOST_LACKING:
        return None
    filled = values.fillna(values.shift(round(24.0 / step))).ffill().bfill()
    filled.index = pd.DatetimeIndex(filled.index).tz_convert(begins.tz)
    return filled


def _said(
    history: pd.Series, ahead: Timeline, holidays: frozenset[Any], levels: Sequence[Level]
) -> tuple[list[tuple[str, Array]], str]:
    """Return the forecasts of a series by the future that they hold in, and how they came about."""
    index = pd.DatetimeIndex(history.index).append(ahead.index)
    hours = np.full(len(index), float(ahead.hours[0]))
    timeline = Timeline(pd.DatetimeIndex(index), hours, np.ones(len(index)))
    now = place_of(timeline.index, ahead.index[0])
    values = np.concatenate([history.to_numpy(dtype=float), np.zeros(len(ahead))])
    if now * hours[0] >= 24.0 * LEAST_DAYS:
        quantiles = sorted(level.quantile for level in levels)
        model = train(values, timeline, now, len(ahead), quantiles, holidays)
        said = model.foresee(values, timeline, now)
        told = [(level.name, said[quantiles.index(level.quantile)]) for level in levels]
        return told, f"learnt from {now * hours[0] / 24:.0f} days" + (f", {len(told)} futures" if told[1:] else "")
    is_short = now * hours[0] < 24.0 * 8
    places = persistence(timeline, now) if is_short else last_week(timeline, now, holidays)
    how = "as yesterday" if is_short else "as on the same day last week"
    how += ", too little to learn futures from" if levels[1:] else ""
    return [("", foreseen(values, places, now)[now:])], how


__all__ = ["Forecasts", "foresee"]
