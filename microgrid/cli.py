"""`microgrid ...`: what planners and plant servers type.

Exit codes: 0 proved, 1 usable but not proved, 2 input, 3 infeasible or unbounded, 4 solver failed, 5 audit failed;
130 stopped by the user, 141 nobody reads the output any more.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from microgrid.results import Result
    from solvers import Outcome

PROVED, NOT_PROVED, INPUT, INFEASIBLE, FAILED, AUDIT = range(6)
STOPPED = 130
UNREAD = 141

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Plan an industrial green microgrid: a scenario file in, an optimal and audited plan out.",
)

File = Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help='Override a field: --set assets.battery.energy="3 MWh".'),
]


@app.command()
def run(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/NAME.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Solve a scenario; write frames, manifest, pictures and report."""
    from microgrid.progress import watching
    from microgrid.results import manifest_text
    from microgrid.running import run as run_scenario

    folder = out if out is not None else Path("runs") / _name(file)
    replaced = (folder / "manifest.json").is_file()
    with watching(quiet or as_json) as watch:
        result = run_scenario(file, folder, _pairs(overrides), watch)
    if as_json:
        typer.echo(manifest_text(result.manifest).encode(), nl=False)
    elif not quiet:
        from microgrid.summary import print_summary

        print_summary(result, folder, replaced)
    raise typer.Exit(_exit_code(result))


@app.command()
def check(file: File, overrides: Set = []) -> None:  # noqa: B006
    """Read a scenario and tell every fault, without solving it."""
    from microgrid.scenario import read_scenario
    from microgrid.solver_trial import refuse_unfit_solver

    scenario = read_scenario(file, _pairs(overrides))
    refuse_unfit_solver(scenario)
    timeline, assets = scenario.plant.timeline, len(scenario.plant.assets)
    typer.echo(
        f"{file}: good. {assets} asset{'s' * (assets > 1)}, {len(timeline)} step{'s' * (len(timeline) > 1)} from "
        f"{timeline.index[0].isoformat()} to {timeline.end.isoformat()}."
    )


@app.command()
def describe(
    word: Annotated[
        str | None, typer.Argument(help="A kind of asset or a section, such as battery or horizon.", show_default=False)
    ] = None,
) -> None:
    """List the kinds of assets and the sections of a scenario, or the fields of one."""
    from microgrid.describing import description, overview

    typer.echo(overview() if word is None else description(word))


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)]) -> None:
    """Write a commented starter scenario that solves as it is."""
    from microgrid.starter import write_starter

    scenario = write_starter(folder)
    typer.echo(f"Wrote {scenario}. Solve it with\n   microgrid run {scenario}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from microgrid.scenario import scenario_schema

    typer.echo(json.dumps(scenario_schema(), indent=2))


@app.command()
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


def main() -> None:
    """Run the command line; every fault becomes a message and an exit code."""
    # A run makes few objects that die young: looking for them, and at the end through all there are, takes a second.
    gc.set_threshold(200_000, 50, 50)
    atexit.register(gc.freeze)
    signal.signal(signal.SIGTERM, _terminated)
    if isinstance(sys.stdout, TextIOWrapper):  # a name that a terminal's encoding lacks is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except SystemExit:  # typer's answer to a pipe that nobody reads any more
        _silence()
        code = UNREAD
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except Exception as error:
        if os.environ.get("MICROGRID_DEBUG"):
            raise
        sys.exit(_told(error))
    if code == STOPPED:
        _tell("stopped")
    sys.exit(code if isinstance(code, int) else PROVED)


def _terminated(number: int, frame: FrameType | None) -> None:
    """Stop as Ctrl-C does, when a service manager asks for it: the solver's incumbent is kept, no half run stays."""
    interrupt = signal.getsignal(signal.SIGINT)
    if not callable(interrupt):
        raise KeyboardInterrupt
    interrupt(number, frame)


def _told(error: Exception) -> int:
    """Tell what went wrong, and return the exit code that says so."""
    from microgrid.errors import InputError, MicrogridError

    if isinstance(error, InputError):
        _tell(_faults(error))
        return INPUT
    if isinstance(error, MicrogridError):
        _tell(str(error))
        outcome = getattr(error, "outcome", None)
        return _exit_code_without_plan(outcome) if outcome is not None else FAILED
    if type(error).__name__ == "SettingsError":
        _tell(str(error))
        return INPUT
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # a command line that typer cannot read
        error.show()
        return INPUT
    _tell(f"unexpected fault: {type(error).__name__}: {error}\nMICROGRID_DEBUG=1 shows where; please report it")
    return FAILED


def _silence() -> None:
    """Keep the interpreter from writing to a closed pipe on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _faults(error: Any) -> str:
    count = len(error.problems)
    head = f"{count} faults\n" if count > 1 else ""
    return head + "\n".join(str(problem) for problem in error.problems)


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def _name(file: Path) -> str:
    """Name a run after the scenario's folder and file."""
    folder = file.resolve().parent.name
    return file.stem if not folder or folder == file.stem else f"{folder}-{file.stem}"


def _pairs(overrides: list[str]) -> dict[str, str]:
    from microgrid.errors import InputError, Problem

    pairs = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError([Problem("--set", text, "PATH=VALUE", 'such as --set assets.battery.energy="3 MWh"')])
        pairs[key.strip()] = value.strip()
    return pairs


def _exit_code(result: Result) -> int:
    if not result.manifest["audit"]["passed"]:
        return AUDIT
    return PROVED if result.manifest["outcome"]["proved"] else NOT_PROVED


def _exit_code_without_plan(outcome: Outcome) -> int:
    from solvers import Ended

    if outcome.ended is Ended.INTERRUPTED:
        return STOPPED
    hopeless = (Ended.INFEASIBLE, Ended.UNBOUNDED, Ended.INFEASIBLE_OR_UNBOUNDED)
    return INFEASIBLE if outcome.ended in hopeless else FAILED


if __name__ == "__main__":
    main()
