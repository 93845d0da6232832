"""Scenario files as documents: inheritance by `extends`, overrides from the command line, the place of every key.

A document is plain data (mappings, lists, texts, numbers) plus the file and line of every key in it, so that a fault
found long after reading still names its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, Keys, did_you_mean, shown, shown_path
from microgrid.named_files import file_hash, named_files, rebase
from microgrid.yaml_files import Tree, parse_yaml, read_yaml

_SERIES = ("file", "values", "factor")
_SERIES_KEYS = ("file", "column", "times", "plus", "values", "unit")
SET = "--set"


@dataclass(frozen=True)
class Document:
    """A scenario's data after inheritance and overrides.

    Parameters
    ----------
    data
        Plain data; the value of a key ``file`` is relative to `folder`.
    places
        File and line of each key, by its path.
    folder
        Folder of the file that was asked for.
    files
        Every file that was read, the one asked for first.
    problems
        Faults found on the way; the rest of the data can still be read.
    refused
        Paths with a fault among these, so that what follows from them need not be told too.
    sweep
        The section that makes several cases of the scenario, as plain data; None where there is none.
    """

    data: dict[str, Any]
    places: dict[Keys, str]
    folder: Path
    files: tuple[Path, ...] = field(default=())
    problems: list[Problem] = field(default_factory=list)
    refused: set[Keys] = field(default_factory=set)
    sweep: Any = None

    def place(self, path: Iterable[str | int]) -> str:
        """Return file and line of a path, or of the nearest part of it that stands in a file."""
        keys = tuple(path)
        while keys and keys not in self.places:
            keys = keys[:-1]
        if keys in self.places:
            return self.places[keys]
        return f"{shown_path(self.files[0])}:1" if self.files else ""

    def told(self) -> dict[str, dict[str, str]]:
        """Return every value by its path, as it was written, with file and line; a column of a table is one value."""
        return {
            Fault(path, "", "").where: {"text": shown(value), "place": self.place(path)}
            for path, value in _leaves(self.data, ())
        }

    def has_told(self, fault: Fault | Problem) -> bool:
        """Tell whether a fault is no news, because the value itself, or one within it, was refused already."""
        path = fault.path if isinstance(fault, Fault) else ()
        return bool(path) and any(refused[: len(path)] == path for refused in self.refused)

    def placed(self, fault: Fault | Problem) -> Problem:
        """Return a fault as a Problem with its file and line."""
        if isinstance(fault, Problem):
            known = {Fault(keys, "", "").where: keys for keys in self.places}
            parts = fault.where.split(".")
            starts = (known.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
            return fault.at(self.place(next((keys for keys in starts if keys is not None), ())))
        where = fault.where or "file"
        return Problem(where, fault.found, fault.wanted, fault.cure, fault.place or self.place(fault.path))

    def order(self, problem: Problem) -> tuple[int, int]:
        """Return where a problem belongs in a list: file by file in the order of reading, line by line."""
        file, _, line = problem.place.rpartition(":")
        names = [str(shown_path(path)) for path in self.files]
        return names.index(file) if file in names else len(names), int(line) if line.isdigit() else 0

    @property
    def digest(self) -> str:
        """Hash of the data and of every file that it names."""
        digest = hashlib.sha256(json.dumps(self.data, sort_keys=True, ensure_ascii=False).encode())
        for path in self.named_files:
            digest.update(file_hash(path).encode())
        return digest.hexdigest()

    @property
    def named_files(self) -> list[Path]:
        """Every file that the data name, of series, weather or tariffs, and what such files name in turn."""
        return named_files(self.data, self.folder)


def read_document(path: Path, overrides: Mapping[str, str] | None = None) -> Document:
    """Read a scenario file with all that it extends, then apply overrides such as ``assets.battery.energy: 3 MWh``.

    An empty value takes away what the extended file gives under its key. Faults that leave the rest readable are among
    the document's `problems`: doubled keys, tags, empty values that take nothing away, overrides of what is not there.

    Raises
    ------
    InputError
        If a file is missing, is no YAML or extends itself.
    """
    return _finished(_read(path, path.parent, ()), overrides or {})


def overridden(document: Document, overrides: Mapping[str, str]) -> Document:
    """Return a document with further overrides, on top of what it was read with."""
    changed = replace(
        document,
        data=deepcopy(document.data),
        places=dict(document.places),
        problems=list(document.problems),
        refused=set(document.refused),
    )
    return _finished(changed, overrides)


def with_values(document: Document, values: Iterable[tuple[str, Any, str]]) -> Document:
    """Return a document in which fields take values: each with its path, its value as plain data, and its place.

    It shares with the document whatever no path goes through: nobody may change what its keys hold. A value of None
    takes the field away. A path that there is no place for is among the document's `problems`.
    """
    changed = replace(
        document,
        data=dict(document.data),
        places=dict(document.places),
        problems=list(document.problems),
        refused=set(document.refused),
        sweep=None,
    )
    for path, value, place in values:
        _part_from(changed.data, path)
        changed.problems.extend(_put(changed, path, deepcopy(value), place, shown(value)))
    return changed


def _part_from(data: dict[str, Any], path: str) -> None:
    """Copy what stands around a field: the rest is shared with the document that the data came from."""
    here: Any = data
    for part in path.split(".")[:-1]:
        if not _has(here, part):
            return
        step = int(part) if isinstance(here, list) else part
        here[step] = copy(here[step])
        here = here[step]


def _finished(document: Document, overrides: Mapping[str, Any]) -> Document:
    """Apply overrides, then tell and take away what is empty."""
    if document.data.get("sweep") is not None:
        document = replace(document, sweep=document.data.pop("sweep"))
    for key, value in overrides.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        document.problems.extend(_override(document, key, text))
    for keys in _empty(document.data, ()):
        if keys not in document.refused:
            document.problems.append(_emptiness(keys, document.place(keys)))
            document.refused.add(keys)
    _prune(document.data)
    return document


def _emptiness(path: Keys, place: str) -> Problem:
    cure = "write one, or leave the key out; an empty value takes away what an extended file gives"
    return Problem(Fault(path, "", "").where, "nothing", "a value", cure, place)


def _prune(data: Any) -> None:
    """Take empty values out of mappings: their faults are told."""
    if isinstance(data, dict):
        for key in [key for key, value in data.items() if value is None]:
            del data[key]
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        _prune(value)


def _read(path: Path, folder: Path, chain: tuple[Path, ...]) -> Document:
    tree = read_yaml(path)
    if not isinstance(tree.data, dict) or not tree.data:
        found = "nothing" if tree.data in (None, {}) else f"a {'list' if isinstance(tree.data, list) else 'value'}"
        cure = "`microgrid new FOLDER` writes a scenario to start from"
        raise InputError(
            [Problem("file", found, "keys such as currency, site and assets", cure, f"{shown_path(path)}:1")]
        )
    rebase(tree.data, path.parent, folder)
    parent = tree.data.pop("extends", None)
    if parent is None:
        return Document(tree.data, tree.places, folder, (path,), tree.problems, tree.refused)
    try:
        parent_path = _parent(path, parent, chain, tree.places[("extends",)])
        base = _read(parent_path, folder, (*chain, path.resolve()))
    except InputError as error:
        raise InputError([*tree.problems, *error.problems]) from error
    _merge(base, tree, base.data, tree.data, ())
    problems, refused = tree.problems + base.problems, tree.refused | base.refused
    return Document(base.data, base.places, folder, (path, *base.files), problems, refused)


def _parent(path: Path, parent: Any, chain: tuple[Path, ...], place: str) -> Path:
    """Return the file that `path` extends."""
    wanted = "the name of a scenario file, from the folder of this one"
    if not isinstance(parent, str):
        raise InputError([Problem("extends", shown(parent), wanted, "", place)])
    found = path.parent / parent
    try:
        is_file = found.is_file()
        names = [other.name for other in found.parent.iterdir() if other.suffix in (".yaml", ".yml")]
    except (OSError, ValueError):
        is_file, names = False, []
    if not is_file:
        raise InputError([Problem("extends", shown(parent), wanted, did_you_mean(found.name, names), place)])
    if found.resolve() in (*chain, path.resolve()):
        circle = " -> ".join(step.name for step in (*chain, path, found))
        raise InputError([Problem("extends", circle, "files that do not extend each other in a circle", "", place)])
    return found


def _merge(document: Document, tree: Tree, base: dict[str, Any], child: dict[str, Any], path: Keys) -> None:
    """Lay a child over its base, key by key; an empty value takes a key away, another form replaces it."""
    for key, value in child.items():
        here = (*path, key)
        if value is None and key in base:
            del base[key]
            _move_places(document, tree, here)
        elif isinstance(value, dict) and isinstance(base.get(key), dict) and not _replaces(value, base[key], path):
            document.places[here] = tree.places[here]
            _merge(document, tree, base[key], value, here)
        else:
            base[key] = value
            _move_places(document, tree, here)


def _move_places(document: Document, tree: Tree, path: Keys) -> None:
    for stale in [p for p in document.places if p[: len(path)] == path]:
        del document.places[stale]
    document.places.update({p: place for p, place in tree.places.items() if p[: len(path)] == path})


def _replaces(child: Mapping[str, Any], base: Mapping[str, Any], path: Keys) -> bool:
    """Tell whether a mapping takes another's place as a whole: another kind, another series, another form of size."""
    if path[:1] == ("sweep",):
        return "field" in child or "fields" in child  # another axis; else the same one with other values
    if path == ("assets",):
        return "kind" in child and child["kind"] != base.get("kind")
    if "file" in base and not any(key in part for part in (base, child) for key in ("column", "values")):
        return "file" in child and child["file"] != base["file"]
    if any(key in child for key in _SERIES):
        return True
    if any(key in base for key in _SERIES):
        return any(key not in _SERIES_KEYS for key in child)
    return ("amount" in child and "high" in base) or ("amount" in base and ("low" in child or "high" in child))


def _empty(data: Any, path: Keys) -> list[Keys]:
    """Return the paths of values that are empty and take nothing away."""
    if isinstance(data, dict):
        return [found for key, value in data.items() for found in _empty(value, (*path, key))]
    if isinstance(data, list):
        return [found for at, value in enumerate(data) for found in _empty(value, (*path, at))]
    return [path] if data is None else []


_NO_VALUE = Problem("value", "no YAML", "YAML")


def _override(document: Document, key: str, text: str) -> list[Problem]:
    """Set one value; return the fault if there is no such place."""
    try:
        tree = parse_yaml(text, SET, has_lines=False)
    except InputError:
        tree = Tree(problems=[_NO_VALUE])
    if tree.problems:
        return [Problem(key, shown(text), "a value as it would stand in the file", "put texts in quotes", SET)]
    return _put(document, key, tree.data, SET, shown(text))


def _put(document: Document, key: str, value: Any, origin: str, text: str) -> list[Problem]:
    """Set a field to plain data; return the fault if there is no such place."""
    *parents, last = keys = key.split(".")
    wanted = "a field of the scenario by its path, such as assets.battery.energy"
    if key == "extends":
        return [Problem(key, text, wanted, "what a file extends stands in the file", origin)]
    data: Any = document.data
    path: Keys = ()
    for depth, part in enumerate(parents):
        if not _has(data, part):
            may_add = isinstance(data, dict) and part and path != ("assets",) and value is not None
            if not may_add:
                return [Problem(key, f'no "{part}"', wanted, _near(keys, depth, data), origin)]
            data[part] = {}
            document.places[(*path, part)] = origin
        step = int(part) if isinstance(data, list) else part
        data, path = data[step], (*path, step)
    fits = _has(data, last) or (isinstance(data, dict) and last and value is not None)
    if not fits:
        return [Problem(key, f'no "{last}"', wanted, _near(keys, len(parents), data), origin)]
    _set(document, data, int(last) if isinstance(data, list) else last, value, path, origin)
    return []


def _set(document: Document, data: Any, key: str | int, value: Any, parent: Keys, origin: str) -> None:
    path = (*parent, key)
    for stale in [p for p in document.places if p[: len(path)] == path]:
        del document.places[stale]
    if value is None and isinstance(data, dict):
        del data[key]
    else:
        data[key] = value
        document.places[path] = origin


def _has(data: Any, key: str) -> bool:
    if isinstance(data, list):
        return key.isdigit() and int(key) < len(data)
    return isinstance(data, dict) and key in data


def _near(keys: list[str], depth: int, data: Any) -> str:
    if isinstance(data, list):
        return f"it holds {len(data)} of them, counted from 0"
    if not isinstance(data, dict):
        return f"{'.'.join(keys[:depth])} is a value and has no fields" if depth else ""
    near = did_you_mean(keys[depth], data)
    return near.replace('"', f'"{".".join([*keys[:depth], ""])}', 1) if near else ""


def document_text(document: Document, folder: Path) -> str:
    """Return a document as a scenario file that may stand in `folder`."""
    from io import StringIO

    from ruamel.yaml import YAML

    data = deepcopy(document.data)
    rebase(data, document.folder.resolve(), folder.resolve())
    writer, text = YAML(typ="safe", pure=True), StringIO()
    writer.default_flow_style = False
    writer.dump(data, text)
    return text.getvalue()


def _leaves(data: Any, path: Keys) -> Iterable[tuple[Keys, Any]]:
    if isinstance(data, dict) and not ("column" in data or "values" in data):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(data, list) and any(isinstance(value, dict | list) for value in data):
        for at, value in enumerate(data):
            yield from _leaves(value, (*path, at))
    else:
        yield path, data
