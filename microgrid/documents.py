"""Scenario files as documents: YAML 1.2 with line numbers, inheritance by `extends`, overrides from the command line.

A document is plain data (mappings, lists, texts, numbers) plus the file and line of every key in it, so that a fault
found long after reading still names its place.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microgrid.errors import InputError, Problem, nearest

Path_ = tuple[str | int, ...]


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
    """

    data: dict[str, Any]
    places: dict[Path_, str]
    folder: Path
    files: tuple[Path, ...] = field(default=())

    def place(self, path: Iterable[str | int]) -> str:
        """Return file and line of a path, or of the nearest part of it that stands in a file."""
        keys = tuple(path)
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, str(_shown(self.files[0])) if self.files else "")

    @property
    def digest(self) -> str:
        """Hash of the data and of every file that it names."""
        digest = hashlib.sha256()
        for part in _canonical(self.data):
            digest.update(part.encode())
        for name in sorted(set(_named_files(self.data))):
            path = self.folder / name
            digest.update(path.read_bytes() if path.is_file() else b"missing")
        return digest.hexdigest()


def read_document(path: Path, overrides: Mapping[str, str] | None = None) -> Document:
    """Read a scenario file with all that it extends, then apply overrides such as ``assets.battery.energy: 3 MWh``.

    Raises
    ------
    InputError
        If a file is missing, is no YAML, extends itself, or an override names no place.
    """
    document = _read(path, path.parent, ())
    for key, text in (overrides or {}).items():
        _override(document, key, text)
    return document


def _read(path: Path, folder: Path, chain: tuple[Path, ...]) -> Document:
    if path.resolve() in chain:
        names = " -> ".join(p.name for p in (*chain, path))
        raise InputError(
            [Problem("extends", names, "files that do not extend each other in a circle", "", str(_shown(path)))]
        )
    tree = _load(path)
    places: dict[Path_, str] = {}
    data = _plain(tree, (), str(_shown(path)), places)
    if not isinstance(data, dict):
        raise InputError([Problem("file", "no keys", "a mapping such as `assets:`", "", str(_shown(path)))])
    _rebase(data, path.parent, folder)
    parent = data.pop("extends", None)
    if parent is None:
        return Document(data, places, folder, (path,))
    if not isinstance(parent, str):
        raise InputError([Problem("extends", f"{parent}", "the name of a scenario file", "", places[("extends",)])])
    parent_path = path.parent / parent
    if not parent_path.is_file():
        raise InputError([Problem("extends", parent, "a scenario file that is there", "", places[("extends",)])])
    base = _read(parent_path, folder, (*chain, path.resolve()))
    _merge(base.data, data, (), base.places, places)
    return Document(base.data, base.places, folder, (path, *base.files))


def _load(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="rt", pure=True).load(io.StringIO(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise InputError(
            [Problem("file", "not found", "a scenario file that is there", "check the name", str(_shown(path)))]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem("file", f"{error}", "a readable file in UTF-8", "", str(_shown(path)))]) from error
    except (YAMLError, ValueError, RecursionError) as error:
        mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
        place = f"{_shown(path)}:{mark.line + 1}" if mark is not None else str(_shown(path))
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(
            [Problem("file", f"{reason}", "YAML", "check indentation, colons and quotes", place)]
        ) from error


def _plain(node: Any, path: Path_, file: str, places: dict[Path_, str]) -> Any:
    """Return plain data, and note the line of every key."""
    if isinstance(node, Mapping):
        plain: dict[str, Any] = {}
        for key, value in node.items():
            name = str(key)
            places[(*path, name)] = f"{file}:{node.lc.key(key)[0] + 1}" if hasattr(node, "lc") else file
            plain[name] = _plain(value, (*path, name), file, places)
        return plain
    if isinstance(node, list):
        for position in range(len(node)):
            line = node.lc.item(position)[0] + 1 if hasattr(node, "lc") and node.lc.data else None
            places[(*path, position)] = f"{file}:{line}" if line else file
        return [_plain(value, (*path, position), file, places) for position, value in enumerate(node)]
    return _scalar(node)


def _scalar(node: Any) -> Any:
    if node is None or isinstance(node, bool):
        return node
    if isinstance(node, datetime.datetime | datetime.date):
        return node.isoformat()
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def _rebase(data: Any, here: Path, folder: Path) -> None:
    """Make the files that a document names relative to the folder of the file that was asked for."""
    if here == folder:
        return
    if isinstance(data, dict):
        if isinstance(data.get("file"), str):
            data["file"] = os.path.relpath(here / data["file"], folder)
        for value in data.values():
            _rebase(value, here, folder)
    elif isinstance(data, list):
        for value in data:
            _rebase(value, here, folder)


def _merge(
    base: dict[str, Any], child: dict[str, Any], path: Path_, places: dict[Path_, str], new: dict[Path_, str]
) -> None:
    """Lay a child over its base, key by key; an empty value takes a key away, another kind replaces it."""
    for key, value in child.items():
        here = (*path, key)
        if value is None:
            base.pop(key, None)
            continue
        both_mappings = isinstance(value, dict) and isinstance(base.get(key), dict)
        if (
            both_mappings
            and value.get("kind", base[key].get("kind")) == base[key].get("kind")
            and not _is_series(value)
        ):
            _merge(base[key], value, here, places, new)
        else:
            base[key] = value
            for stale in [p for p in places if p[: len(here)] == here]:
                del places[stale]
        for added in [p for p in new if p[: len(here)] == here]:
            places[added] = new[added]


def _is_series(value: Mapping[str, Any]) -> bool:
    """A series is replaced as a whole: a column of one file does not mix with another's."""
    return "file" in value or "values" in value


def _override(document: Document, key: str, text: str) -> None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    *parents, last = keys = key.split(".")
    data: Any = document.data
    for depth, part in enumerate(parents):
        if not isinstance(data, dict) or part not in data:
            near = nearest(part, data) if isinstance(data, dict) else ""
            cure = f'did you mean "{".".join([*keys[:depth], near])}"?' if near else ""
            raise InputError([Problem(key, "no such field", "a field of the scenario by its path", cure, "--set")])
        data = data[part]
    if not isinstance(data, dict) or not last:
        raise InputError([Problem(key, "no such field", "a field of the scenario by its path", "", "--set")])
    try:
        value = _plain(YAML(typ="safe", pure=True).load(text), (), "--set", {})
    except (YAMLError, ValueError) as error:
        raise InputError([Problem(key, text, "a value as it would stand in the file", "", "--set")]) from error
    path: Path_ = tuple(keys)
    for stale in [p for p in document.places if p[: len(path)] == path]:
        del document.places[stale]
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value
    document.places[path] = "--set"


def _canonical(data: Any) -> Iterable[str]:
    import json

    yield json.dumps(data, sort_keys=True, ensure_ascii=False)


def _named_files(data: Any) -> Iterable[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "file" and isinstance(value, str):
                yield value
            else:
                yield from _named_files(value)
    elif isinstance(data, list):
        for value in data:
            yield from _named_files(value)


def _shown(path: Path) -> Path:
    """Return a path as a user standing here would write it."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
