"""Tariff files: a name of the catalogue, a file, or a mapping with changes on top of either, in; a Tariff out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, Keys, RefusedError, did_you_mean, faults_of, no_file, shown
from microgrid.reading import Reading, reading_of
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline
from microgrid.yaml_files import read_yaml

ENDINGS = (".yaml", ".yml")
_BASES = ("use", "file")
# What a change writes to take a key away where an empty value is no value, as in a scenario file.
TAKEN_AWAY = "none"
_SERIES = ("file", "values")


@dataclass
class Source:
    """A tariff as data, the places of keys that stand in files of its own, and the paths that were changed since."""

    data: dict[str, Any]
    places: dict[Keys, str] = field(default_factory=dict)
    changed: set[Keys] = field(default_factory=set)


def catalogue() -> dict[str, Path]:
    """Return the file of every tariff of the catalogue, by name."""
    folder = Path(str(resources.files("microgrid"))) / "catalogue" / "tariffs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_tariff(name: Path | str, timeline: Timeline | None = None, folder: Path | None = None) -> Tariff:
    """Read a tariff by the name of the catalogue, or of a file.

    Parameters
    ----------
    name
        Such as ``guangdong_10kv`` or ``my_tariff.yaml``.
    timeline
        Where series of the tariff are wanted; without it they are not read.
    folder
        Folder that the name of a file is relative to.

    Raises
    ------
    InputError
        With every fault, each with file and line.
    """
    return tariff_with(str(name), timeline, folder)


def tariff_with(value: Any, timeline: Timeline | None = None, folder: Path | None = None) -> Tariff:
    """Read a tariff by name, or by a mapping with changes on top of `use: NAME` or `file: FILE`.

    Raises
    ------
    InputError
        As `read_tariff`.
    """
    try:
        return tariff_of(value, Reading("", folder or Path(), timeline))
    except RefusedError as error:
        told = [Problem(f.where or "tariff", f.found, f.wanted, f.cure, f.place) for f in error.faults]
        raise InputError(told) from error


def tariff_of(value: Any, reading: Reading) -> Tariff:
    """Return the tariff that a name or a mapping stands for.

    Raises
    ------
    RefusedError
        With every fault; those within files of the tariff's own have their places.
    """
    source = _source(value, reading, ())
    own = source.data.get("currency")
    if own and reading.currency and own != reading.currency:
        wanted = f"a tariff in {reading.currency}, the currency of the scenario"
        raise RefusedError([_placed(Fault(("currency",), f"a tariff in {own}", wanted), source)])
    reading = replace(reading, currency=reading.currency or (own if isinstance(own, str) else ""))
    try:
        return Tariff.model_validate_json(json.dumps(source.data), strict=True, context=reading)
    except ValidationError as error:
        faults = faults_of(error, Tariff, source.data, (), reading.currency)
        raise RefusedError([_placed(f, source) if isinstance(f, Fault) else f for f in faults]) from error


def located(problems: Iterable[Problem], value: Any, folder: Path | None = None) -> list[Problem]:
    """Return faults of a tariff that was read, each with the file and line of what it is about.

    Parameters
    ----------
    problems
        Faults, each by its path within the tariff.
    value, folder
        As `tariff_with` has read it.
    """
    source = _source(value, Reading("", folder or Path()), ())
    changed = [Fault(path, "", "").where for path in source.changed]
    places = {Fault(path, "", "").where: place for path, place in source.places.items()}
    return [_located(problem, places, changed) for problem in problems]


def _located(problem: Problem, places: Mapping[str, str], changed: Iterable[str]) -> Problem:
    if problem.place or any(f"{problem.where}.".startswith(f"{path}.") for path in changed):
        return replace(problem, where=f"tariff.{problem.where}")
    known = [path for path in places if path and f"{problem.where}.".startswith(f"{path}.")]
    return replace(problem, where=f"tariff.{problem.where}", place=places[max(known, key=len)] if known else "")


def _placed(fault: Fault, source: Source) -> Fault | Problem:
    """Return a fault with its place, if it stands in a file of the tariff's own."""
    path = fault.path
    if any(path[:length] in source.changed for length in range(1, len(path) + 1)):
        return fault
    while path and path not in source.places:
        path = path[:-1]
    place = fault.place or source.places.get(path, "")
    return Problem(fault.where or "tariff", fault.found, fault.wanted, fault.cure, place) if place else fault


def _source(value: Any, reading: Reading, chain: tuple[Path, ...]) -> Source:
    wanted = "a name of the catalogue, the name of a file, or a mapping with components"
    if isinstance(value, str):
        return _file_of(value, reading, chain) if value.endswith(ENDINGS) else _named(value, reading, chain)
    if not isinstance(value, Mapping):
        raise RefusedError([Fault((), shown(value), wanted, "`microgrid tariffs` lists the catalogue")])
    given = [key for key in _BASES if key in value]
    if not given:
        return Source(_pruned(dict(value)))
    if len(given) > 1 or not isinstance(value[given[0]], str):
        found = "use and file" if len(given) > 1 else shown(value[given[0]])
        raise RefusedError([Fault((given[0],), found, "one of use: NAME and file: FILE")])
    try:
        find = _named if given[0] == "use" else _file_of
        base = find(value[given[0]], reading, chain)
    except RefusedError as error:
        inner = [fault.under((given[0],)) if isinstance(fault, Fault) else fault for fault in error.faults]
        raise RefusedError(inner) from error
    changes = {key: part for key, part in value.items() if key not in _BASES}
    _lay_over(base, base.data, changes, ())
    return Source(_pruned(base.data), base.places, base.changed)


def _named(name: str, reading: Reading, chain: tuple[Path, ...]) -> Source:
    known = catalogue()
    if name not in known:
        cure = did_you_mean(name, known) or "a file's name ends in .yaml"
        raise RefusedError([Fault((), shown(name), f"a tariff of the catalogue: {', '.join(known)}", cure)])
    return _read(known[name], reading, chain)


def _file_of(name: str, reading: Reading, chain: tuple[Path, ...]) -> Source:
    path = reading.folder / name
    lost = no_file(path, name, "a tariff file that is there", ENDINGS)
    if lost is not None:
        raise RefusedError([replace(lost, path=())])
    return _read(path, reading, chain)


def _read(path: Path, reading: Reading, chain: tuple[Path, ...]) -> Source:
    if path.resolve() in chain:
        circle = " -> ".join(step.name for step in (*chain, path))
        raise RefusedError([Fault((), circle, "tariffs that do not build on each other in a circle")])
    try:
        tree = read_yaml(path)
    except InputError as error:
        raise RefusedError(error.problems) from error
    if tree.problems:
        raise RefusedError(tree.problems)
    if not isinstance(tree.data, dict) or not tree.data:
        raise RefusedError([Problem("tariff", shown(tree.data), "keys such as currency and components", "", str(path))])
    inner = replace(reading, folder=path.parent)
    found = _source(tree.data, inner, (*chain, path.resolve()))
    # What a file changes of another stands in it; the rest stands where it stood.
    places = dict(found.places) | {keys: place for keys, place in tree.places.items() if keys not in found.places}
    return Source(_rebased(deepcopy(found.data), path.parent, reading.folder), places)


def _rebased(data: Any, here: Path, folder: Path) -> Any:
    """Return data whose files are relative to the folder of whoever asked."""
    if isinstance(data, dict):
        return {
            key: os.path.relpath(here / value, folder)
            if key == "file" and isinstance(value, str) and here != folder
            else _rebased(value, here, folder)
            for key, value in data.items()
        }
    return [_rebased(part, here, folder) for part in data] if isinstance(data, list) else data


def _lay_over(source: Source, base: dict[str, Any], changes: Mapping[str, Any], path: Keys) -> None:
    """Lay changes over a base, key by key; an empty value, or `none`, takes a key away, another form replaces it."""
    for key, value in changes.items():
        here = (*path, key)
        old = base.get(key)
        is_same = isinstance(value, Mapping) and isinstance(old, dict) and not _replaces(value, old)
        if is_same and isinstance(value, Mapping) and isinstance(old, dict):
            _lay_over(source, old, value, here)
            continue
        source.places = {keys: place for keys, place in source.places.items() if keys[: len(here)] != here}
        source.changed.add(here)
        if value is None or value == TAKEN_AWAY:
            base.pop(key, None)
        else:
            base[key] = deepcopy(value)


def _replaces(value: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    is_series = any(key in part for part in (value, old) for key in _SERIES)
    return is_series or ("kind" in value and value["kind"] != old.get("kind"))


def _pruned(data: Any) -> Any:
    """Return data without empty values: they take something away, or nothing."""
    if isinstance(data, dict):
        return {key: _pruned(value) for key, value in data.items() if value is not None}
    return [_pruned(part) for part in data] if isinstance(data, list) else data


@dataclass(frozen=True)
class TariffIn:
    """Marks a field that holds a tariff: a name of the catalogue, a file, or a mapping."""

    is_opaque: bool = True

    def expected(self, _currency: str) -> tuple[str, str]:
        """Say what is expected, and give a sample."""
        return "a tariff: a name of the catalogue, a file, or a mapping with components", "guangdong_10kv"

    def read(self, value: Any, info: ValidationInfo) -> Tariff | None:
        """Return the tariff."""
        if value is None or isinstance(value, Tariff):
            return value
        reading = reading_of(info)
        if reading is None and isinstance(value, Mapping) and not any(key in value for key in _BASES):
            return Tariff.model_validate(value)
        try:
            return tariff_of(value, reading or Reading())
        except RefusedError as error:
            raise error.for_pydantic from error

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`, write as plain data."""
        written = core_schema.plain_serializer_function_ser_schema(lambda tariff: tariff and tariff.plain)
        return core_schema.with_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the field to editors; the schema of tariff files says what the mapping holds."""
        keys: dict[str, Any] = {name: {} for name in Tariff.model_fields}
        named: dict[str, Any] = {"use": {"type": "string", "enum": list(catalogue())}, "file": {"type": "string"}}
        described = {"description": "a tariff, or changes on top of `use: NAME` or `file: FILE`"}
        mapping = {"type": "object", "properties": named | keys, "additionalProperties": False} | described
        return {"anyOf": [{"type": "string", "description": "a name of the catalogue, or of a file"}, mapping]}
