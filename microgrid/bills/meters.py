"""Meter files: import, and export and reactive energy where metered, as power or as energy of each interval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from microgrid.bills.readings import Array, Readings
from microgrid.errors import InputError, Problem
from microgrid.faults import did_you_mean, shown, shown_path
from microgrid.series import in_unit
from microgrid.tables import Table, open_table
from microgrid.timeline import Timeline
from microgrid.units import UnitError, conversion

_IMPORT = ("import", "load")
_FURTHER = ("export", "reactive")
_UNITS = {"power": ("kW", "kWh"), "reactive": ("kvar", "kvarh")}


class MeterFile(NamedTuple):
    """What a meter file holds: readings, their timeline, and what of the file was not read, as sentences."""

    readings: Readings
    timeline: Timeline
    unread: tuple[str, ...]


def read_meter(path: Path, zone: str, column: str = "") -> MeterFile:
    """Read a meter file: columns `import` (or `load`, or `column`), `export` and `reactive`, each with its unit.

    Parameters
    ----------
    path
        CSV file; times are the start of each interval, ISO 8601 with zone.
    zone
        Local time zone by whose clock and calendar the bill goes.
    column
        Name of the column of imports, where it is another.

    Raises
    ------
    InputError
        If there is no such column, or a number is missing or negative.
    """
    table = open_table(path)
    names = [column] if column else [name for name in _IMPORT if name in table.names][:1]
    if not names or names[0] not in table.names:
        found = column or f"columns {', '.join(table.names)}"
        wanted = f"a column of the imported power or energy: {' or '.join(_IMPORT)}"
        cure = did_you_mean(column, table.names) if column else "name it with --given column=NAME"
        raise InputError([Problem("column", found, wanted, cure, f"{shown_path(path)}:1")])
    hours = np.full(len(table.times), table.step / pd.Timedelta(hours=1))
    times = pd.DatetimeIndex(table.times).tz_convert(zone)
    imported = _power(table, names[0], "power", hours)
    exported = _power(table, "export", "power", hours) if "export" in table.names else np.zeros(len(hours))
    reactive = _power(table, "reactive", "reactive", hours) if "reactive" in table.names else None
    for name, values in ((names[0], imported), ("export", exported)):
        wrong = np.flatnonzero(values < 0)
        if len(wrong):
            place, wanted = (
                table.place(int(wrong[0])),
                "import and export, each in a column of its own and not below zero",
            )
            raise InputError([Problem(f"column {name}", f"{values[wrong[0]]:g} kW", wanted, "", place)])
    readings = Readings(times, hours, imported, exported, reactive)
    return MeterFile(readings, Timeline(times, hours, np.ones(len(hours))), tuple(_unread(table, names[0])))


def _unread(table: Table, imports: str) -> Iterator[str]:
    """Tell of columns that count for nothing, and which one they may have been meant to be."""
    known = (imports, *_FURTHER)
    for name in table.names:
        if name not in known:
            near = did_you_mean(name, [word for word in (*_IMPORT, *_FURTHER) if word not in table.names])
            read = ", ".join(word for word in known if word in table.names)
            cure = f"; {near}" if near else f"; columns that are read: {read}"
            yield f"{shown_path(table.path)}:1  column {shown(name)} is not read, and not in the bill{cure}"


def _power(table: Table, name: str, kind: str, hours: Array) -> Array:
    """Return a column as mean power, whether it holds power or the energy of each interval."""
    power, energy = _UNITS[kind]
    numbers, written = table.numbers(name), table.unit(name)
    empty = np.flatnonzero(np.isnan(numbers))
    if len(empty):
        found = f"no value in {len(empty)} intervals" if len(empty) > 1 else "no value"
        raise InputError(
            [Problem(f"column {name}", found, "a number in every interval", "", table.place(int(empty[0])))]
        )
    try:
        return in_unit(numbers, conversion(written, power)[0])
    except UnitError:
        pass
    try:
        return in_unit(numbers, conversion(written, energy)[0]) / hours
    except UnitError as error:
        wanted = f"a unit of power ({power}) or of energy ({energy})"
        place = f"{shown_path(table.path)}:1"
        raise InputError([Problem(f"column {name}", f"[{written}]", wanted, error.cure, place)]) from error
