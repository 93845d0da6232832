"""`microgrid describe`, `new` and `schema`: what helps to write a scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def describe(
    word: Annotated[
        str | None, typer.Argument(help="A kind of asset or a section, such as battery or horizon.", show_default=False)
    ] = None,
) -> None:
    """List the kinds of assets and the sections of a scenario, or the fields of one."""
    from microgrid.describing import description, overview

    typer.echo(overview() if word is None else description(word))


@commands.command()
def new(folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)]) -> None:
    """Write a commented starter scenario that solves as it is."""
    from microgrid.starter import write_starter

    scenario = write_starter(folder)
    typer.echo(f"Wrote {scenario}. Solve it with\n   microgrid run {scenario}")


@commands.command()
def schema(
    what: Annotated[str, typer.Argument(help="Which files: scenario or tariff.")] = "scenario",
) -> None:
    """Print the JSON Schema of scenario files, or of tariff files, for editors."""
    from microgrid.errors import InputError, Problem
    from microgrid.schema import scenario_schema, tariff_schema

    if what not in ("scenario", "tariff"):
        raise InputError([Problem("schema", what, "scenario or tariff")])
    typer.echo(json.dumps(scenario_schema() if what == "scenario" else tariff_schema(), indent=2))
