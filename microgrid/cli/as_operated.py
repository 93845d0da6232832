"""`microgrid operated`: what an investment is worth with the plans that one can make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from microgrid.cli.endings import AUDIT, PROVED
from microgrid.cli.words import File, Set, pairs, run_name

commands = typer.Typer()


@commands.command()
def operated(
    file: File,
    start: Annotated[str, typer.Option("--from", help="First local time; by default the horizon's.")] = "",
    end: Annotated[str, typer.Option("--to", help="End; by default the horizon's.")] = "",
    window: Annotated[str, typer.Option(help="How far plans look ahead; by default a day and a half.")] = "",
    forecast: Annotated[
        str, typer.Option(help="Loads, sun and wind as foreseen: perfect, persistence, week.")
    ] = "week",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default runs/NAME-operated.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print the study as JSON alone.")] = False,
) -> None:
    """Size a plant, plan and carry it out day by day with forecasts, and tell what it is worth so."""
    from microgrid.planning.operating import operated as operated_of
    from microgrid.planning.operating_files import manifest_of, print_operated
    from microgrid.progress import watching
    from microgrid.results import manifest_text

    folder = out if out is not None else Path("runs") / f"{run_name(file)}-operated"
    span, course = _span(start, end), _course(file, pairs(overrides), window, forecast)
    with watching(as_json) as watch:
        study = operated_of(file, folder, pairs(overrides), watch, course, span)
    if as_json:
        typer.echo(manifest_text(manifest_of(study)).encode(), nl=False)
    else:
        print_operated(study, folder)
    raise typer.Exit(PROVED if study.audited else AUDIT)


def _span(start: str, end: str) -> tuple[str, str] | None:
    """Return the time that is carried out, or None for the horizon.

    Raises
    ------
    InputError
        If one of both is missing.
    """
    from microgrid.errors import InputError, Problem

    if bool(start) != bool(end):
        missing = "--to" if start else "--from"
        raise InputError([Problem(missing, "missing", "both --from and --to, or neither")])
    return (start, end) if start else None


def _course(file: Path, overrides: dict[str, str], window: str, forecast: str) -> Any:
    """Return how the plant is planned: windows and forecasts.

    Raises
    ------
    InputError
        If one of them cannot be read.
    """
    from dataclasses import replace

    from microgrid.errors import InputError, Problem
    from microgrid.planning.operating import course_of
    from microgrid.rolling.windows import Look
    from microgrid.scenario import read_scenario

    if forecast not in ("perfect", "persistence", "week"):
        raise InputError([Problem("--forecast", forecast, "one of perfect, persistence, week")])
    known: Any = forecast
    course = replace(course_of(read_scenario(file, overrides)), forecast=known)
    return replace(course, look=Look.read(window)) if window else course
