"""The folder that a run is written into: refused before the solve if it is unfit, replaced as a whole at the end."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from microgrid.errors import InputError, Problem

_ATTEMPTS = 100
_LOOKS = 3  # another run may be putting its own folder in place between two looks at one
_WANTED = "a new folder, or one of an earlier run"
_CURE = "choose another --out"


def refuse_unfit(folder: Path) -> None:
    """Refuse a folder that a run could not be written into; nothing is left behind.

    Raises
    ------
    InputError
        If it holds something that is no run, cannot be replaced, or cannot be made.
    """
    with _told_of(folder):
        home = _home(folder)
        trial = _beside(_nearest(home.parent) / home.name)
        trial.mkdir()
        trial.rmdir()


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder beside `folder`; put it in its place when all is written, and take it away when not.

    A run that is whole but cannot be put in its place any more is kept where it was written.

    Raises
    ------
    InputError
        As `refuse_unfit`, or if writing fails.
    """
    new = None
    with _told_of(folder):
        home = _home(folder)
        home.parent.mkdir(parents=True, exist_ok=True)
        new = _beside(home)
        try:
            new.mkdir()
            yield new
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    kept = f"the run is kept in {new}"
    with _told_of(folder, kept):
        _put(new, _home(folder, kept))


def _is_no_folder(path: Path) -> bool:
    """Tell whether something else than a folder is there; asked once, as another run may take its place."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _home(folder: Path, cure: str = _CURE) -> Path:
    """Return the folder itself, behind any links, if it can be replaced."""
    try:
        home = folder.resolve()
    except RuntimeError as error:  # before Python 3.13, a link that leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    found = ""
    if _is_no_folder(home):
        found = "a file"
    elif Path.cwd().is_relative_to(home):
        found = "the folder you stand in, or one around it"
    elif os.path.ismount(home):
        found = "a volume of its own, which cannot be replaced"
    elif _is_no_folder(_nearest(home)):
        found = "a folder under a file"
    elif all(_is_foreign(home) for _ in range(_LOOKS)):
        found = "not empty and no run"
    if found:
        raise InputError([Problem(str(folder), found, _WANTED, cure)])
    return home


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest around it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _is_foreign(folder: Path) -> bool:
    """Tell whether a folder holds something that is no run."""
    try:
        if not folder.is_dir() or not any(folder.iterdir()):
            return False
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return not (isinstance(manifest, dict) and {"format", "engine", "outcome"} <= manifest.keys())


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")


def _put(new: Path, folder: Path) -> None:
    """Rename a folder into place, and take away what stood there; another run may be doing the same."""
    for attempt in range(_ATTEMPTS):
        old = _beside(folder)
        with suppress(FileNotFoundError):
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError as error:
            is_overtaken = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
            if not is_overtaken or attempt == _ATTEMPTS - 1:
                with suppress(OSError):
                    old.rename(folder)
                raise
        else:
            return
        finally:
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _told_of(folder: Path, cure: str = _CURE) -> Iterator[None]:
    """Tell what the system refuses as a fault of the folder."""
    try:
        yield
    except OSError as error:
        raise InputError(
            [Problem(str(folder), f"{error.strerror or error}", "a folder that can be written", cure)]
        ) from error
