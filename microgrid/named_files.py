"""The files that a document names: with all that they name in turn, their hashes, and the folder they are named from.

A value names a file under the key ``file``, or under ``tariff`` where it ends like one; in a sweep, where the path of
the field that takes the value ends so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from microgrid.errors import InputError
from microgrid.yaml_files import read_yaml

_YAML = (".yaml", ".yml")
_HASHES: dict[tuple[Path, int, int], str] = {}
_WITHIN: dict[tuple[Path, str], list[Path]] = {}


def named_files(data: Any, folder: Path) -> list[Path]:
    """Return every file that plain data name, relative to a folder, and the files that these name in turn."""
    found: dict[Path, None] = {}
    ahead = [folder / name for name in sorted(set(_named(data)))]
    while ahead:
        path = Path(os.path.normpath(ahead.pop(0)))
        if path not in found:
            found[path] = None
            ahead += _named_within(path)
    return list(found)


def file_hash(path: Path) -> str:
    """Return the hash of a file, read again only if its size or time of change is another; "missing" if it is not."""
    try:
        told = path.stat()
        key = path, told.st_size, told.st_mtime_ns
        if key not in _HASHES:
            _HASHES[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"
    return _HASHES[key]


def rebase(data: Any, here: Path, folder: Path) -> None:
    """Make the files that a document names relative to the folder of the file that was asked for."""
    if here == folder:
        return
    if isinstance(data, dict):
        for key in ("file", "tariff"):
            if _is_file(key, data.get(key)):
                data[key] = os.path.relpath(here / data[key], folder)
        _rebase_swept(data, here, folder)
        for value in data.values():
            rebase(value, here, folder)
    elif isinstance(data, list):
        for value in data:
            rebase(value, here, folder)


def _rebase_swept(data: dict[str, Any], here: Path, folder: Path) -> None:
    """Do the same in a sweep, where the name of a file is the value of a path such as ``weather.file``."""
    named = {key: (str(key).rpartition(".")[2], value) for key, value in data.items() if "." in str(key)}
    if isinstance(data.get("field"), str):
        named["values"] = data["field"].rpartition(".")[2], data.get("values")
    for key, (last, value) in named.items():
        if isinstance(value, list):
            data[key] = [os.path.relpath(here / v, folder) if _is_file(last, v) else v for v in value]
        elif _is_file(last, value):
            data[key] = os.path.relpath(here / value, folder)


def _is_file(key: Any, value: Any) -> bool:
    """Tell whether a value names a file: a tariff may, or may name one of the catalogue."""
    return isinstance(value, str) and (key == "file" or (key == "tariff" and value.endswith(_YAML)))


def _named(data: Any) -> Iterable[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            last = str(key).rpartition(".")[2]  # fields by path, of stages and futures, may have a list of values
            for each in value if isinstance(value, list) and "." in str(key) else [value]:
                if _is_file(last, each):
                    yield each
                else:
                    yield from _named(each)
    elif isinstance(data, list):
        for value in data:
            yield from _named(value)


def _named_within(path: Path) -> list[Path]:
    """Return the files that a file of YAML names, such as a tariff its prices; what cannot be read names none."""
    if path.suffix not in _YAML:
        return []
    key = path, file_hash(path)
    if key not in _WITHIN:
        try:
            data = read_yaml(path).data
        except InputError:
            data = None
        named = set(_named(data))
        if isinstance(data, dict) and isinstance(data.get("extends"), str):
            named.add(data["extends"])
        _WITHIN[key] = [path.parent / name for name in sorted(named)]
    return _WITHIN[key]
