"""`microgrid expand` and `microgrid batch`: the cases of scenario files, listed or solved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid.cli.endings import AUDIT, FAILED, INFEASIBLE, INPUT, NOT_PROVED, PROVED
from microgrid.cli.words import Set, pairs

if TYPE_CHECKING:
    from microgrid.batching.batch import Summary

commands = typer.Typer()

Files = Annotated[list[Path], typer.Argument(help="Scenario files (YAML), with sweeps or without.", show_default=False)]
_CODES = {
    "not proved": NOT_PROVED,
    "input": INPUT,
    "infeasible": INFEASIBLE,
    "unbounded": INFEASIBLE,
    "failed": FAILED,
    "audit failed": AUDIT,
}


@commands.command()
def expand(
    files: Files,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write each case into, as a scenario file.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a case, the whole of it.")] = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Do not read the scenarios themselves.")] = False,
) -> None:
    """List the cases of scenario files: content hash and name of each."""
    from microgrid.batching.checking import check
    from microgrid.families import expand as cases_of
    from microgrid.families import write_cases

    cases = cases_of(files, pairs(overrides))
    if not unchecked:
        check(cases)
    if out is not None:
        for path in write_cases(cases, out):
            typer.echo(str(path))
        return
    for case in cases:
        if as_json:
            told = {"id": case.id, "name": case.name, "labels": dict(case.labels), "scenario": case.document().data}
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            typer.echo(f"{case.id}  {case.name}")
    if not as_json:
        typer.echo(f"{len(cases)} case{'s' * (len(cases) != 1)}", err=True)


@commands.command()
def batch(
    files: Files,
    store: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; by default one a processor.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    force: Annotated[bool, typer.Option("--force", help="Solve cases again that are there.")] = False,
    cluster: Annotated[
        str, typer.Option(help="Address of a Dask scheduler: tcp://scheduler:8786.", show_default=False)
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults and failures.")] = False,
) -> None:
    """Solve all cases into a store, those that are there already apart; a stopped batch goes on where it was.

    The exit code is that of the worst case: 0 all proved, 1 some not proved, 2 some with faulty input, 3 some
    infeasible, 4 some failed, 5 some whose audit failed.
    """
    from microgrid.batching.batch import batch as solve_all
    from microgrid.batching.display import looking

    try:
        with looking(quiet) as look:
            summary = solve_all(files, store, workers, pairs(overrides), force=force, cluster=cluster, look=look)
    except KeyboardInterrupt:
        typer.echo(f"what is solved stays in {store}; the same call goes on where this one stopped", err=True)
        raise
    _tell(summary, quiet)
    raise typer.Exit(_exit_code(summary))


def _tell(summary: Summary, quiet: bool) -> None:
    for name, (status, message) in summary.failures.items():
        lines = message.splitlines() or [""]
        typer.echo(f"{status}: {name}\n   " + "\n   ".join(lines[:4]), err=True)
    if quiet:
        return
    if not summary.solved:
        typer.echo(
            f"nothing to solve: all {summary.cases} cases are in {summary.store.path} (--force solves them again)"
        )
        return
    ended = ", ".join(f"{count} {status}" for status, count in sorted(summary.ended.items()))
    before = f"; {summary.done} were there" if summary.done else ""
    typer.echo(f"{summary.solved} of {summary.cases} cases solved in {summary.seconds:.1f} s: {ended}{before}")
    where = summary.store.path
    typer.echo(f"results  {where}   microgrid ls {where}; microgrid compare --store {where}; show and export likewise")


def _exit_code(summary: Summary) -> int:
    """Return the code of the worst case, of those that were there before as well."""
    found = [_CODES[status] for status in summary.statuses if status in _CODES]
    return max(found, default=PROVED)
