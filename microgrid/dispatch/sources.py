"""Measurements and forecasts as rows: time, asset, quantity, value, unit; from a CSV file or any SQL database.

Unattended, a row that cannot be used stops nothing: it is left out, and told as a note.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microgrid.dispatch.site import Source
from microgrid.units import UnitError, conversion

COLUMNS = ("time", "asset", "quantity", "value", "unit")
FUTURE = "future"
"""Column of forecasts that says in which future a row holds; a row without one holds in all."""
Series = dict[tuple[str, str], pd.Series]
_HOUSE = ("kW", "kg/h", "kWh", "kg", "1", "degC")
_MOST_NOTES = 5


@dataclass
class Readings:
    """Numbers in house units, by asset and quantity, along ascending times.

    Parameters
    ----------
    series
        By asset and quantity.
    notes
        What could not be used, in words.
    by_future
        What holds in one future alone, by its name.
    """

    series: Series = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    by_future: dict[str, Series] = field(default_factory=dict)

    def of(self, asset: str, quantity: str) -> pd.Series | None:
        """Return the numbers of a quantity, or None."""
        return self.series.get((asset, quantity))

    def in_future(self, name: str) -> Readings:
        """Return the numbers of a future: its own, and where and when it has none those that hold in all."""
        series = dict(self.series)
        for key, own in self.by_future.get(name, {}).items():
            common = series.get(key, own.iloc[:0])
            outside = (common.index < own.index[0]) | (common.index > own.index[-1])
            series[key] = pd.concat([common[outside], own]).sort_index()
        return Readings(series)

    def newest(self, asset: str, quantity: str, now: pd.Timestamp, age: pd.Timedelta) -> float | None:
        """Return the last number up to a time, unless it is older than `age`."""
        numbers = self.of(asset, quantity)
        if numbers is None:
            return None
        known = numbers[numbers.index <= now]
        return float(known.iloc[-1]) if len(known) and now - known.index[-1] <= age else None


def read_source(source: Source | None, folder: Path, currency: str, name: str, since: pd.Timestamp) -> Readings:
    """Read a source; whatever is wrong with it is told in the notes.

    Parameters
    ----------
    source
        Where the rows are; None where the site has none.
    folder
        Folder of the site file.
    currency
        Of the scenario, for prices.
    name
        What the source is called in notes.
    since
        Rows before it are not read.
    """
    if source is None:
        return Readings()
    try:
        frame = _csv(folder / source.file) if source.file else _sql(source)
    except Exception as error:  # noqa: BLE001  a driver may raise anything, and there must be a plan all the same
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Readings(notes=[f"{name} could not be read: {reason}"])
    return _readings(frame, currency, name, since)


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, skipinitialspace=True)


def _sql(source: Source) -> pd.DataFrame:
    from sqlalchemy import MetaData, Table, create_engine, select

    address = source.database
    if address.startswith("$"):
        address = os.environ[address[1:]]
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            table = Table(source.table, MetaData(), autoload_with=connection)
            columns = [*COLUMNS, *([FUTURE] if FUTURE in table.c else [])]
            rows = connection.execute(select(*[table.c[column] for column in columns])).fetchall()
    finally:
        engine.dispose()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=columns)
    return frame.astype({"asset": str, "quantity": str, "unit": str})


def _readings(frame: pd.DataFrame, currency: str, name: str, since: pd.Timestamp) -> Readings:
    lacking = [column for column in COLUMNS if column not in frame]
    if lacking:
        return Readings(notes=[f"{name} have no column {', '.join(lacking)}"])
    times = pd.to_datetime(frame["time"], utc=True, errors="coerce", format="ISO8601")
    values = pd.to_numeric(frame["value"], errors="coerce").to_numpy(dtype=float)
    factors = _factors(frame["unit"].astype(str).unique(), currency)
    scale = np.array([factors.get(unit, (np.nan, 0.0)) for unit in frame["unit"].astype(str)], dtype=float)
    scale = scale.reshape(-1, 2)
    house = values * scale[:, 0] + scale[:, 1]
    good = np.isfinite(house) & times.notna().to_numpy() & (times >= since).to_numpy(dtype=bool)
    wrong = ~(np.isfinite(house) & times.notna().to_numpy())
    found = Readings(notes=_notes(frame[wrong], name))
    kept = pd.DataFrame({"time": times[good], "value": house[good]})
    told = frame[FUTURE].fillna("").astype(str).str.strip() if FUTURE in frame else pd.Series("", frame.index)
    keys = [frame.loc[good, "asset"].astype(str), frame.loc[good, "quantity"].astype(str), told[good]]
    for (asset, quantity, future), part in kept.groupby(keys):
        ordered = part.sort_values("time", kind="stable").drop_duplicates("time", keep="last")
        index = pd.DatetimeIndex(ordered["time"])
        series = found.by_future.setdefault(str(future), {}) if future else found.series
        series[str(asset), str(quantity)] = pd.Series(ordered["value"].to_numpy(), index=index)
    return found


def _factors(units: Iterable[str], currency: str) -> dict[str, tuple[float, float]]:
    """Return factor and offset of each unit that can be read."""
    found = {}
    houses = (*_HOUSE, f"{currency}/kWh", f"{currency}/kg") if currency else _HOUSE
    for unit in units:
        for house in houses:
            try:
                found[unit] = conversion(unit, house)
                break
            except UnitError:
                continue
    return found


def _notes(wrong: pd.DataFrame, name: str) -> list[str]:
    rows: list[Any] = wrong.head(_MOST_NOTES).to_dict("records")
    notes = [
        f"{name}: left out {row['asset']} {row['quantity']} at {row['time']}: {row['value']} {row['unit']} is no "
        "number with a unit"
        for row in rows
    ]
    more = len(wrong) - len(rows)
    return [*notes, f"{name}: left out {more} more rows"] if more > 0 else notes
