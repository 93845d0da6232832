"""Families of scenarios: the cases of scenario files, each a complete scenario with a name and a content hash.

A file without a sweep is a case by itself. The hash covers what decides a plan: the data, the files of series, weather
and tariffs that they name, the engine (`versions.engine`). Name and description are left out: they change no number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from microgrid.documents import Document, document_text, read_document, with_values
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, RefusedError, did_you_mean, faults_of, shown, shown_path
from microgrid.named_files import file_hash
from microgrid.sweeps import Point, Sweep, points
from microgrid.versions import engine

_ID = 20


@dataclass(frozen=True, eq=False)
class Family:
    """A scenario file with its sweep: what all its cases share.

    Parameters
    ----------
    document
        The scenario without the sweep's changes.
    name
        What the scenario is called.
    """

    document: Document
    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.document.files[0]


@dataclass(frozen=True, eq=False)
class Case:
    """One case: a family, and what changes in it.

    Parameters
    ----------
    name
        Unlike that of any other case.
    labels
        Its label on each axis, such as ``{"battery": "2 MWh"}``.
    values
        Fields that take values: path, plain data, file and line.
    place
        Where it stands in its family.
    """

    family: Family
    name: str
    labels: Mapping[str, str]
    values: tuple[tuple[str, Any, str], ...]
    place: int = 0

    def document(self) -> Document:
        """Return the complete scenario."""
        document = with_values(self.family.document, self.values)
        document.data["name"] = self.name
        return document

    @cached_property
    def id(self) -> str:
        """The content hash, shortened."""
        return content_id(self.document())


def content_id(document: Document) -> str:
    """Return the hash of all that decides a plan."""
    told = {key: value for key, value in document.data.items() if key not in ("name", "description")}
    files = [file_hash(path) for path in document.named_files]
    whole = json.dumps([dict(engine()), told, files], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(whole.encode()).hexdigest()[:_ID]


def expand(paths: Iterable[Path | str], overrides: Mapping[str, str] | None = None) -> list[Case]:
    """Return the cases of scenario files, file by file.

    Raises
    ------
    InputError
        If a file or its sweep holds faults, or two cases have one name; lists every fault.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            cases += _cases(Path(path), overrides)
        except InputError as error:
            problems += error.problems
    problems += _of_one_name(cases)
    if problems:
        raise InputError(problems)
    return cases


def named_case(path: Path, name: str, overrides: Mapping[str, str] | None = None) -> Case:
    """Return the case of a file that has a name, or whose name within its family it is.

    Raises
    ------
    InputError
        If there is none.
    """
    cases = expand([path], overrides)
    found = next((case for case in cases if name in (case.name, short_name(case))), None)
    if found is None:
        names = [short_name(case) for case in cases]
        cure = did_you_mean(name, names) or "`microgrid expand FILE` lists them"
        raise InputError([Problem("--case", shown(name), f"one of {len(cases)} cases", cure, str(shown_path(path)))])
    return found


def write_cases(cases: Iterable[Case], folder: Path) -> Iterator[Path]:
    """Write each case as a scenario file that is complete by itself; the files that it names stay where they are.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for case in cases:
            path = folder / f"{case.id}.yaml"
            path.write_text(document_text(case.document(), folder), encoding="utf-8")
            yield path
    except OSError as error:
        found = f"{error.strerror or error}"
        raise InputError([Problem(str(folder), found, "a folder that can be written")]) from error


def short_name(case: Case) -> str:
    """Return a case's name without that of its family."""
    return case.name.removeprefix(f"{case.family.name}: ")


def _cases(path: Path, overrides: Mapping[str, str] | None) -> list[Case]:
    document = read_document(path, overrides)
    named = document.data.get("name")
    own = {keys: place for keys, place in document.places.items() if keys[0] != "sweep"}
    shared = replace(document, sweep=None, places=own)
    family = Family(shared, named if isinstance(named, str) and named else path.stem)
    if document.problems:
        raise InputError(sorted(dict.fromkeys(document.problems), key=document.order))
    if document.sweep is None:
        return [Case(family, family.name, {}, ())]
    try:
        sweep = Sweep.model_validate_json(json.dumps(document.sweep), strict=True)
        return [_case(family, sweep, point, place, document) for place, point in enumerate(points(sweep))]
    except ValidationError as error:
        raise InputError(_placed(document, faults_of(error, Sweep, document.sweep))) from error
    except RefusedError as error:
        raise InputError(_placed(document, error.faults)) from error


def _placed(document: Document, faults: Iterable[Fault | Problem]) -> list[Problem]:
    return [document.placed(f.under(("sweep",)) if isinstance(f, Fault) else f) for f in faults]


def _case(family: Family, sweep: Sweep, point: Point, place: int, document: Document) -> Case:
    axes = frozenset(sweep.sample.axes) if sweep.sample is not None else frozenset[str]()
    label = ", ".join(f"{axis} {label}" for axis, label in point.labels.items() if axis not in axes)
    values = tuple((c.field, c.value, document.place(("sweep", *c.source))) for c in point.changes)
    return Case(family, f"{family.name}: {label}", dict(point.labels), values, place)


def _of_one_name(cases: Sequence[Case]) -> Iterator[Problem]:
    first: dict[str, Case] = {}
    for case in cases:
        other = first.setdefault(case.name, case)
        if other is not case:
            where = case.family.document.place(("name",))
            found = f"{shown(case.name)}, as in {other.family.document.place(('name',))}"
            yield Problem(
                "name", found, "names that differ, for results are told by them", "give one another name", where
            )
