"""What groups of commands share: arguments, and how overrides are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help='Override a field: --set assets.battery.energy="3 MWh".'),
]
Case = Annotated[
    str, typer.Option("--case", help="The case to take, where the file holds a sweep.", show_default=False)
]


def pairs(
    overrides: list[str], option: str = "--set", example: str = '--set assets.battery.energy="3 MWh"'
) -> dict[str, str]:
    """Return overrides such as ``assets.battery.energy=3 MWh`` by path; `example` is the option as one would type it.

    Raises
    ------
    InputError
        If one of them is no such pair.
    """
    from microgrid.errors import InputError, Problem

    found = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError([Problem(option, text, "PATH=VALUE", f"such as {example}")])
        found[key.strip()] = value.strip()
    return found


def run_name(file: Path) -> str:
    """Name a run after the scenario's folder and file."""
    folder = file.resolve().parent.name
    return file.stem if not folder or folder == file.stem else f"{folder}-{file.stem}"


def share(text: str, option: str) -> float:
    """Return a share such as ``2 %`` or ``0.02``.

    Raises
    ------
    InputError
        If it is no share.
    """
    from microgrid.errors import InputError, Problem
    from microgrid.units import UnitError, measure

    try:
        return measure(text, ["1"])[0]
    except UnitError as error:
        raise InputError([Problem(option, text, "a share", "such as 2 % or 0.02")]) from error
