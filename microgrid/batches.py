"""Production batches from a CSV file: what was made, how much, on which loads, from when to when.

    batch,product,mass [t],load,start,end
    C-0716-1,cold strip,42.0,mills,2018-07-16T06:00,2018-07-16T10:30
    C-0716-2,annealed strip,38.5,mills; annealing,2018-07-16T10:30,2018-07-16T16:00

Times without a zone are on the site's clock. A second table may hold what sub-lines metered: a column of power for each
batch that had a meter of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

import pandas as pd

from microgrid.errors import InputError, Problem, nearest
from microgrid.faults import no_file, shown, shown_path
from microgrid.footprint import Batch
from microgrid.results import Result
from microgrid.tables import open_table
from microgrid.timeline import Timeline
from microgrid.units import UnitError, conversion

COLUMNS = ("batch", "product", "mass", "load", "start", "end")


def read_batches(path: Path, result: Result, meters: Path | None = None) -> list[Batch]:
    """Read the batches of a plan.

    Parameters
    ----------
    path
        The CSV file.
    result
        The plan; its clock reads times without a zone.
    meters
        A table of time and, by batch, the power of its own sub-line in kW.

    Raises
    ------
    InputError
        With every fault found, each with file and line.
    """
    rows, problems = _rows(path)
    zone = pd.DatetimeIndex(result.steps["time"]).tz
    batches = []
    for place, row in rows:
        read, faults = _batch(place, row, zone)
        problems += faults
        if read is not None:
            batches.append(read)
    if not problems and meters is not None:
        batches, problems = _metered(batches, meters, result)
    if not (problems or batches):
        problems.append(Problem("batches", "none", "at least one row", "", f"{shown_path(path)}:1"))
    if problems:
        raise InputError(problems)
    return batches


def _rows(path: Path) -> tuple[list[tuple[str, dict[str, str]]], list[Problem]]:
    """Return the rows with their places; the mass is in kg."""
    lost = no_file(path, str(path), "a CSV file that is there", (".csv",))
    if lost is not None:
        raise InputError([Problem("batches", lost.found, lost.wanted, lost.cure)])
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError([Problem("batches", f"not readable: {error}", "a CSV file in UTF-8")]) from error
    header = [name.strip() for name in lines[0]] if lines else []
    names = [name.partition("[")[0].strip() for name in header]
    place = f"{shown_path(path)}:1"
    problems = [
        Problem(f"column {name}", "missing", f"the columns {', '.join(COLUMNS)}", _near(name, names), place)
        for name in COLUMNS
        if name not in names
    ]
    if problems:
        raise InputError(problems)
    unit = header[names.index("mass")].partition("[")[2].rstrip("] ")
    try:
        factor, _ = conversion(unit, "kg") if unit else (None, 0.0)
    except UnitError as error:
        raise InputError([Problem("column mass", error.found, error.wanted, error.cure, place)]) from error
    if factor is None:
        raise InputError([Problem("column mass", "no unit", "one in brackets", "write mass [kg] or mass [t]", place)])
    rows = []
    for at, line in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in line):
            here = f"{shown_path(path)}:{at}"
            if len(line) != len(names):
                problems.append(Problem("row", f"{len(line)} cells", f"{len(names)}, as the header has", "", here))
                continue
            row = dict(zip(names, (cell.strip() for cell in line), strict=True))
            rows.append((here, row | {"factor": repr(factor)}))
    return rows, problems


def _near(name: str, names: Sequence[str]) -> str:
    near = nearest(name, names)
    return f'is it "{near}"?' if near else ""


def _batch(place: str, row: Mapping[str, str], zone: tzinfo | None) -> tuple[Batch | None, list[Problem]]:
    """Return the batch of a row, and what is wrong with it."""
    name, problems = row["batch"], []
    where = f"batch {name}" if name else "batch"
    if not name:
        problems.append(Problem(where, "no name", "a name for each batch", "", place))
    try:
        mass = float(row["mass"]) * float(row["factor"])
    except ValueError:
        mass = 0.0
        problems.append(Problem(f"{where}, mass", shown(row["mass"]), "a number", "", place))
    times = {}
    for end in ("start", "end"):
        try:
            time = pd.Timestamp(row[end])
            times[end] = time.tz_localize(zone) if time.tzinfo is None else time.tz_convert(zone)
            if pd.isna(times[end]):
                raise ValueError(row[end])
        except (ValueError, TypeError):
            wanted = "an ISO time that is on the clock once, such as 2018-07-16T06:00"
            problems.append(Problem(f"{where}, {end}", shown(row[end]), wanted, "add its distance from UTC", place))
    loads = tuple(part.strip() for part in row["load"].split(";") if part.strip())
    if not loads:
        problems.append(
            Problem(f"{where}, load", "none", "the load that made it, or several with ; between", "", place)
        )
    if problems:
        return None, problems
    return Batch(name, row["product"], mass, loads, times["start"], times["end"], place), []


def _metered(batches: Sequence[Batch], path: Path, result: Result) -> tuple[list[Batch], list[Problem]]:
    """Return the batches with what their sub-lines metered."""
    lost = no_file(path, str(path), "a CSV file that is there", (".csv",))
    if lost is not None:
        raise InputError([Problem("meters", lost.found, lost.wanted, lost.cure)])
    table = open_table(path)
    problems = list(_strangers(table.names, batches, path))
    metered, timeline = [], timeline_of(result)
    for batch in batches:
        if batch.name in table.names:
            try:
                factor, _ = conversion(table.unit(batch.name), "kW")
            except UnitError as error:
                problems.append(Problem(f"column {batch.name}", error.found, error.wanted, error.cure, f"{path}:1"))
                continue
            if len(batch.loads) > 1:
                wanted = "a batch of a single load, for a meter sits on one sub-line"
                problems.append(Problem(f"batch {batch.name}", f"{len(batch.loads)} loads", wanted, "", batch.place))
            metered.append(replace(batch, meter=table.on(timeline, batch.name) * factor))
        else:
            metered.append(batch)
    return metered, problems


def _strangers(names: Sequence[str], batches: Sequence[Batch], path: Path) -> Iterator[Problem]:
    known = [batch.name for batch in batches]
    for name in names:
        if name not in known:
            yield Problem(f"column {name}", "no batch of that name", "a batch", _near(name, known), f"{path}:1")


def timeline_of(result: Result) -> Timeline:
    """Return a plan's steps as a timeline."""
    times = pd.DatetimeIndex(result.steps["time"])
    hours, weights = result.steps["hours"].to_numpy(dtype=float), result.steps["weight"].to_numpy(dtype=float)
    return Timeline.of_hours(hours, start=times[0].isoformat(), zone=str(times.tz), weights=weights)
