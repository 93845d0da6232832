"""Versions of this engine and of what it stands on, asked for once: finding them out reads files."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

ENGINE = "green-microgrid"
_MAKE_NUMBERS = ("highspy", "holidays", "pvlib", "pyomo", "windpowerlib")
"""Packages of which another version may plan, or read weather and calendars, in another way."""
_SOURCES = (".csv", ".py", ".txt", ".yaml")
_DIGITS = 16


@cache
def version_of(package: str = ENGINE) -> str:
    """Return the version of an installed package, by default of the engine."""
    return version(package)


@cache
def engine() -> Mapping[str, str]:
    """Return all that decides what the engine makes of data: its version and source, and packages that make numbers.

    The source counts too, its catalogue of data included: whoever adds a technology, or pulls a change, has the same
    version, and another engine.
    """
    found = {ENGINE: version_of(), "source": _source()}
    for package in _MAKE_NUMBERS:
        try:
            found[package] = version_of(package)
        except PackageNotFoundError:
            found[package] = "none"
    return MappingProxyType(found)


def _source() -> str:
    """Return the hash of the engine's own files, wherever they are installed."""
    digest, here = hashlib.sha256(), Path(__file__).parent
    for package in (here, here.parent / "solvers"):
        for path in sorted(package.rglob("*")):
            if path.suffix in _SOURCES:
                name = path.relative_to(package.parent).as_posix()
                digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:_DIGITS]
