"""Versions of this engine and of what it stands on, asked for once: finding them out reads files."""

from functools import cache
from importlib.metadata import version

ENGINE = "green-microgrid"


@cache
def version_of(package: str = ENGINE) -> str:
    """Return the version of an installed package, by default of the engine."""
    return version(package)
