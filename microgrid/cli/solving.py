"""`microgrid run` and `microgrid check`: one scenario, solved or read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.endings import exit_code
from microgrid.cli.words import Case, File, Set, pairs, run_name

commands = typer.Typer()


@commands.command()
def run(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/NAME.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
    case: Case = "",
) -> None:
    """Solve a scenario; write frames, manifest, pictures and report."""
    from microgrid.progress import watching
    from microgrid.results import manifest_text
    from microgrid.running import run as run_scenario

    folder = out if out is not None else Path("runs") / run_name(file)
    replaced = (folder / "manifest.json").is_file()
    with watching(quiet or as_json) as watch:
        result = run_scenario(file, folder, pairs(overrides), watch, case)
    if as_json:
        typer.echo(manifest_text(result.manifest).encode(), nl=False)
    elif not quiet:
        from microgrid.summary import print_summary

        print_summary(result, folder, replaced)
    raise typer.Exit(exit_code(result))


@commands.command()
def check(file: File, overrides: Set = [], case: Case = "") -> None:  # noqa: B006
    """Read a scenario and tell every fault, without solving it."""
    from microgrid.scenario import read_scenario
    from microgrid.solver_trial import refuse_unfit_solver

    scenario = read_scenario(file, pairs(overrides), case)
    refuse_unfit_solver(scenario)
    if scenario.pathway is not None:
        from microgrid.planning.pathways.stages import stages_of

        stages_of(scenario)
    if scenario.uncertainty is not None:
        from microgrid.planning.uncertain.futures import futures_of

        futures_of(scenario)
    timeline, assets = scenario.plant.timeline, len(scenario.plant.assets)
    typer.echo(
        f"{file}: good. {assets} asset{'s' * (assets > 1)}, {len(timeline)} step{'s' * (len(timeline) > 1)} from "
        f"{timeline.index[0].isoformat()} to {timeline.end.isoformat()}."
    )
