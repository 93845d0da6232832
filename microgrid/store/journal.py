"""The index of a store: one line of JSON a record, only ever appended to; the last of a case counts.

A line is written in one piece under a lock, so that several processes may append. A line that a crash has torn is
passed over, and the next append begins a new one: nothing that was recorded before is lost.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Record = dict[str, Any]
_NEEDED = ("id", "name", "status", "files")


def read_journal(path: Path) -> list[Record]:
    """Return the last record of each case and hash, in the order in which they came."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found: dict[tuple[str, str], Record] = {}
    for record in _records(lines):
        key = record["name"], record["id"]
        found.pop(key, None)
        found[key] = record
    return list(found.values())


def append(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Add records at the end."""
    text = "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records).encode()
    with locked(path), path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            text = text if file.read(1) == b"\n" else b"\n" + text
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def rewrite(path: Path, keep: Callable[[Record], bool]) -> None:
    """Leave out lines that were superseded or torn, and records that are not to be kept."""
    with locked(path):
        records = [record for record in read_journal(path) if keep(record)]
        text = "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def _records(lines: Iterable[bytes]) -> Iterator[Record]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and all(key in record for key in _NEEDED):
            yield record


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from appending; where the system has no such locks, a line in one write must do."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.with_name(f".{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
