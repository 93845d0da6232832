"""The state folder: a lock, a journal that only grows, and files that are replaced as a whole or not at all.

What is written is flushed to the disk before it takes the place of what was there, so that a kill, a crash or a full
disk at any moment leaves either the old file or the new one. The state carries a checksum and is kept twice: one that
cannot be read is set aside, told, and the other is taken.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microgrid.errors import InputError, MicrogridError, Problem

FORMAT = 1


class BusyError(MicrogridError):
    """Another run holds the lock of the state folder."""


@dataclass
class Store:
    """A state folder.

    Parameters
    ----------
    folder
        Made if it is not there.
    notes
        What was found damaged, in words.
    """

    folder: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the folder.

        Raises
        ------
        InputError
            If it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                [Problem("--state", f"{self.folder}: {error.strerror}", "a folder that can be written")]
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run; the system lets go of it when the process ends, however it ends.

        Raises
        ------
        BusyError
            If another run holds it.
        """
        with (self.folder / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(f"{self.folder} is in use by another run; nothing was done") from error
            yield

    def load(self) -> dict[str, Any] | None:
        """Return the newest state that is whole, or None where there is none."""
        for name in ("state.json", "state.previous.json"):
            path = self.folder / name
            if not path.is_file():
                continue
            try:
                return _checked(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                aside = path.with_suffix(f".corrupt-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}")
                path.replace(aside)
                self.notes.append(f"{name} is damaged ({error}); set aside as {aside.name}")
        return None

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the state; the one before is kept beside it."""
        body = json.dumps(state, sort_keys=True)
        text = json.dumps({"format": FORMAT, "sum": _sum(body), "state": state}, sort_keys=True)
        current = self.folder / "state.json"
        if current.is_file():
            write_whole(self.folder / "state.previous.json", current.read_text(encoding="utf-8"))
        write_whole(current, text)

    def journal(self, entry: Mapping[str, Any]) -> None:
        """Append a line to the journal; a half-written last line of a killed run is ended first."""
        path = self.folder / "journal.jsonl"
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        with path.open("ab+") as handle:
            if handle.tell() and not _ends_well(handle):
                line = "\n" + line
            handle.write(line.encode())
            handle.flush()
            os.fsync(handle.fileno())


def _ends_well(handle: Any) -> bool:
    handle.seek(-1, os.SEEK_END)
    return bool(handle.read(1) == b"\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file beside the old one, flush it to the disk, and let it take the old one's place."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _checked(path: Path) -> dict[str, Any]:
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}")
    if data["sum"] != _sum(json.dumps(data["state"], sort_keys=True)):
        raise ValueError("its checksum does not hold")
    state: dict[str, Any] = data["state"]
    return state


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
