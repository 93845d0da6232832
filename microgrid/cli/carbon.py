"""`microgrid factors`, `account`, `footprint`: emission factors, the account of a run, what its products carry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)]
Out = Annotated[
    Path | None, typer.Option(help="Folder for what is written; by default the run's own.", show_default=False)
]


@commands.command()
def factors(
    word: Annotated[
        str | None, typer.Argument(help="Part of a name, a family or a region, such as north.", show_default=False)
    ] = None,
) -> None:
    """List the emission factors of the catalogue, with unit, source, validity and status."""
    from microgrid.factor_list import factor_list

    typer.echo(factor_list(word))


@commands.command()
def account(run_folder: Run, out: Out = None) -> None:
    """Write the carbon account of a run: a table, a picture of its flows, a disclosure sheet."""
    from microgrid.disclosure import save_account
    from microgrid.results import load

    result = load(run_folder)
    for path in _writable(out or run_folder, lambda folder: save_account(result, folder)):
        typer.echo(str(path))


@commands.command()
def footprint(
    run_folder: Run,
    batches: Annotated[Path, typer.Argument(metavar="BATCHES", help="What was made, a CSV file.", show_default=False)],
    meters: Annotated[
        Path | None, typer.Option(help="Power of sub-lines by batch, a CSV file.", show_default=False)
    ] = None,
    out: Out = None,
) -> None:
    """Tell what the energy of each production batch emitted, by the hour and on average."""
    from microgrid.batches import read_batches
    from microgrid.footprint import footprint as of_batches
    from microgrid.footprint_tables import save_footprint, table
    from microgrid.results import load

    result = load(run_folder)
    found = of_batches(result, read_batches(batches, result, meters))
    paths = _writable(out or run_folder, lambda folder: save_footprint(found, folder))
    typer.echo(table(found))
    for path in paths:
        typer.echo(str(path))


def _writable(folder: Path, write: Callable[[Path], list[Path]]) -> list[Path]:
    """Write into a folder, or say that it cannot be."""
    from microgrid.errors import InputError, Problem

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(folder)
    except OSError as error:
        reason = f"{error.strerror or error}"
        raise InputError(
            [Problem(str(folder), reason, "a folder that can be written", "choose another --out")]
        ) from error
