"""`microgrid size`, `pareto`, `pathway`, `uncertainty`, `alternatives`: what to build, when, and what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid.cli.endings import AUDIT, NOT_PROVED, PROVED, exit_code
from microgrid.cli.words import File, Set, pairs, run_name

if TYPE_CHECKING:
    from microgrid.planning.replay import Shorter

commands = typer.Typer()
Segments = Annotated[
    int | None, typer.Option(help="Decide sizes on so many segments, then run all steps.", show_default=False)
]
Periods = Annotated[
    int | None, typer.Option(help="Decide sizes on so many typical days, then run all.", show_default=False)
]


def _shorter(segments: int | None, periods: int | None) -> Shorter | None:
    """Return what sizes are decided on, where that is asked to be fewer than all steps."""
    from microgrid.errors import InputError, Problem
    from microgrid.planning.replay import Shorter

    if segments is not None and periods is not None:
        raise InputError([Problem("--periods", f"{periods}, beside --segments {segments}", "one of the two")])
    if segments is not None:
        return Shorter("segments", segments)
    return None if periods is None else Shorter("periods", periods)


@commands.command()
def size(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/NAME-size.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    segments: Segments = None,
    periods: Periods = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Decide what to build; tell what it is worth beside the reference over the years."""
    from microgrid.planning.sizing import size as size_scenario
    from microgrid.progress import watching
    from microgrid.results import manifest_text

    folder = out if out is not None else Path("runs") / f"{run_name(file)}-size"
    shorter = _shorter(segments, periods)
    with watching(quiet or as_json) as watch:
        investment = size_scenario(file, folder, pairs(overrides), watch, shorter)
    if as_json:
        typer.echo(manifest_text(investment.plan.result.manifest).encode(), nl=False)
    elif not quiet:
        from microgrid.planning.telling import print_investment

        print_investment(investment, folder)
    raise typer.Exit(max(exit_code(case.result) for case in investment.cases.values()))


@commands.command()
def pareto(
    file: File,
    points: Annotated[int, typer.Option(help="How many plans, the cleanest and the cheapest included.")] = 10,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the front; by default runs/NAME-pareto.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print the front as JSON alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Find the cheapest plans from the least emissions to the least cost; goes on where it was stopped."""
    from microgrid.planning.pareto import pareto as pareto_of
    from microgrid.progress import watching
    from microgrid.results import manifest_text

    folder = out if out is not None else Path("runs") / f"{run_name(file)}-pareto"
    with watching(quiet or as_json) as watch:
        front = pareto_of(file, points, folder, pairs(overrides), watch)
    if as_json:
        typer.echo(manifest_text(front.manifest).encode(), nl=False)
    elif not quiet:
        from microgrid.planning.telling import print_front

        print_front(front, folder)
    if not all(point.audited for point in front.computed):
        raise typer.Exit(AUDIT)
    raise typer.Exit(PROVED if all(point.proved for point in front.computed) else NOT_PROVED)


@commands.command()
def pathway(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pathway; by default runs/NAME-pathway.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    myopic: Annotated[bool, typer.Option(help="Decide stage by stage too, to compare.")] = True,
    segments: Segments = None,
    periods: Periods = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pathway as JSON alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Decide what to build, keep and give up in each stage of an investment."""
    from microgrid.planning.pathways.pages import manifest_of
    from microgrid.planning.pathways.pathway import pathway as pathway_of
    from microgrid.progress import watching
    from microgrid.results import manifest_text

    folder = out if out is not None else Path("runs") / f"{run_name(file)}-pathway"
    shorter = _shorter(segments, periods)
    with watching(quiet or as_json) as watch:
        study = pathway_of(file, folder, pairs(overrides), watch, myopic, shorter)
    if as_json:
        typer.echo(manifest_text(manifest_of(study)).encode(), nl=False)
    elif not quiet:
        from microgrid.planning.pathways.telling import print_pathway

        print_pathway(study, folder)
    paths = [path for path in (study.perfect, study.myopic, study.reference) if path is not None]
    if not all(path.audits for path in paths):
        raise typer.Exit(AUDIT)
    raise typer.Exit(PROVED if all(path.proved for path in paths) else NOT_PROVED)


@commands.command()
def uncertainty(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default runs/NAME-uncertainty.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    segments: Segments = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the study as JSON alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Decide what to build for several futures: by expected cost, worst cases and regret."""
    from microgrid.planning.uncertain.pages import manifest_of, print_uncertainty
    from microgrid.planning.uncertain.uncertainty import uncertainty as uncertainty_of
    from microgrid.progress import watching
    from microgrid.results import manifest_text

    folder = out if out is not None else Path("runs") / f"{run_name(file)}-uncertainty"
    with watching(quiet or as_json) as watch:
        study = uncertainty_of(file, folder, pairs(overrides), watch, segments)
    if as_json:
        typer.echo(manifest_text(manifest_of(study)).encode(), nl=False)
    elif not quiet:
        print_uncertainty(study, folder)
    if not study.audited:
        raise typer.Exit(AUDIT)
    raise typer.Exit(PROVED if study.proved else NOT_PROVED)


@commands.command()
def alternatives(
    file: File,
    within: Annotated[str, typer.Option(help="How much more the others may cost.")] = "2 %",
    diverse: Annotated[int, typer.Option(help="How many plans with less of some and more of others.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default runs/NAME-alternatives.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print the study as JSON alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Tell what else could be built for nearly the least cost: the range of each size, and plans unlike each other."""
    from microgrid.cli.words import share
    from microgrid.planning.alternatives import alternatives as alternatives_of
    from microgrid.planning.alternatives_files import manifest_of, print_alternatives
    from microgrid.progress import watching
    from microgrid.results import manifest_text

    folder = out if out is not None else Path("runs") / f"{run_name(file)}-alternatives"
    with watching(quiet or as_json) as watch:
        study = alternatives_of(file, folder, pairs(overrides), watch, share(within, "--within"), diverse)
    if as_json:
        typer.echo(manifest_text(manifest_of(study)).encode(), nl=False)
    elif not quiet:
        print_alternatives(study, folder)
    if not study.audited:
        raise typer.Exit(AUDIT)
    raise typer.Exit(PROVED if study.proved else NOT_PROVED)
