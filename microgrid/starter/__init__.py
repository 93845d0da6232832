"""The starter scenario: a small plant that solves as it is, and explains every line."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from microgrid.errors import InputError, Problem

FILES = ("plant.yaml", "site.csv")


def write_starter(folder: Path) -> Path:
    """Write the starter's files into a new or empty folder; return the scenario file.

    Raises
    ------
    InputError
        If one of its files is there already, or the folder cannot be written.
    """
    taken = [name for name in FILES if (folder / name).exists()]
    if taken:
        wanted = "a folder without these files"
        raise InputError([Problem(str(folder), f"{', '.join(taken)} already there", wanted, "choose another folder")])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            text = (resources.files(__package__) / name).read_text(encoding="utf-8")
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(folder), f"{error.strerror}", "a folder that can be written")]) from error
    return folder / "plant.yaml"
