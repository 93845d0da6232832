"""`microgrid plot`: the pictures of a run that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def plot(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures; by default the run's own.", show_default=False)
    ] = None,
) -> None:
    """Draw the pictures of a run again."""
    from microgrid.errors import InputError, Problem
    from microgrid.plots import save_plots
    from microgrid.results import load

    folder = out if out is not None else run_folder
    result = load(run_folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = save_plots(result, folder)
    except OSError as error:
        reason = f"{error.strerror or error}"
        raise InputError(
            [Problem(str(folder), reason, "a folder that can be written", "choose another --out")]
        ) from error
    for path in paths.values():
        typer.echo(str(path))
