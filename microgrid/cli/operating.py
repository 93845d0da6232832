"""`microgrid simulate` and `microgrid dispatch`: a plant planned again and again, in the past or right now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from microgrid.cli.endings import AUDIT, NOT_PROVED, PROVED, tell
from microgrid.cli.words import File, Set, pairs

commands = typer.Typer()
_FORECASTS = ("perfect", "persistence", "week", "quantile")


@commands.command()
def simulate(  # noqa: PLR0913, PLR0917  each of them is an option
    file: File,
    start: Annotated[str, typer.Option("--from", help="First local day or time.", show_default=False)],
    end: Annotated[str, typer.Option("--to", help="End; the day it names is not included.", show_default=False)],
    window: Annotated[str, typer.Option(help="How far each plan looks ahead.")] = "24 h/15 min, 12 h/1 h",
    every: Annotated[str, typer.Option(help="Time from one plan to the next.")] = "24 h",
    forecast: Annotated[
        str,
        typer.Option(
            help="Loads, sun and wind as foreseen: perfect, persistence, week, quantile (learnt from what was before; "
            "extra forecast), the last two with a country's holidays as week:CN, or a scenario file with forecasts."
        ),
    ] = "week",
    futures: Annotated[
        int,
        typer.Option(help="Number of futures that each plan is made for, by quantiles of the forecast; 0 for one."),
    ] = 0,
    first_stage: Annotated[
        str,
        typer.Option(
            help="How long set-points are the same in all futures; without it until the next plan, an hour at most."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for frames, manifest and report.", show_default=False)
    ] = None,
    overrides: Set = [],  # noqa: B006  typer copies it
) -> None:
    """Plan and carry out a scenario from one time to another, against what really happened."""
    from microgrid.rolling.first_stage import FirstStage
    from microgrid.rolling.simulating import Course
    from microgrid.rolling.simulating import simulate as simulated
    from microgrid.rolling.windows import Look, hours_of

    kind, _, country = forecast.partition(":")
    given = None if kind in _FORECASTS else Path(forecast)
    known: Any = kind if given is None else "file"
    often = hours_of(every, "--every")
    stage = FirstStage(hours_of(first_stage, "--first-stage") if first_stage else min(often, FirstStage().hours))
    home = country if given is None else ""
    course = Course(Look.read(window), often, known, home, futures=futures, stage=stage)
    found = simulated(file, start, end, course, pairs(overrides), given, _told_on)
    result = found.result
    if out is not None:
        from microgrid.running import write

        write(result, out)
    account = result.manifest["simulation"]
    typer.echo(_summary(account, result.manifest, out))
    raise typer.Exit(PROVED if result.manifest["audit"]["passed"] and not account["shortfalls"] else AUDIT)


def _told_on(reached: Any, end: Any) -> None:
    if reached.day == 1 or reached == end:
        tell(f"carried out until {reached.isoformat(timespec='minutes')}")


def _summary(account: dict[str, Any], manifest: dict[str, Any], out: Path | None) -> str:
    currency = manifest["currency"]
    rungs = ", ".join(f"{count} {rung}" for rung, count in account["rungs"].items())
    hedged = f"; {account['hedged']} for several futures" if account["hedged"] else ""
    lines = [
        f"{account['plans']} plans ({rungs}{hedged}) in {account['seconds']:.1f} s, of which the solver "
        f"{account['solver_seconds']:.1f} s",
        f"cost as carried out  {account['cost']:16,.2f} {currency}   emissions {account['emissions']:14,.1f} kgCO2e",
    ]
    if "perfect_cost" in account:
        lines.append(
            f"perfect foresight    {account['perfect_cost']:16,.2f} {currency}   "
            f"emissions {account['perfect_emissions']:14,.1f} kgCO2e"
        )
        counted = "" if account["stocks_counted"] else " not"
        regret = "-" if account["regret"] is None else f"{account['regret']:.2%}"
        lines.append(f"regret               {regret:>16}, stocks at the end{counted} counted")
    if account["shortfalls"]:
        lines.append(f"{account['shortfalls']} steps could not be balanced: the report's audit names them")
    audit = manifest["audit"]
    lines.append(f"audit: {audit['checked']} statements, {len(audit['findings'])} findings")
    lines += [f"   {finding}" for finding in audit["findings"][:5]]
    return "\n".join([*lines, f"written to {out}"] if out is not None else lines)


@commands.command()
def dispatch(
    site: Annotated[Path, typer.Argument(help="Site file (YAML).", show_default=False)],
    state: Annotated[Path, typer.Option(help="State folder: lock, journal, state and plans.", show_default=False)],
    now: Annotated[str, typer.Option(help="Time to plan at, with its offset; by default the clock's.")] = "",
) -> None:
    """Plan once, for cron or systemd: site, state and the newest numbers in, set-points out."""
    import pandas as pd

    from microgrid.dispatch.once import dispatch as dispatched
    from microgrid.rolling.planned import Rung

    done = dispatched(site, state, moment_of(now) if now else pd.Timestamp.now(tz="UTC"))
    account = done.account
    tell(f"{account['from']}: {done.rung.value}" + (f", {account['reason']}" if account["reason"] else ""))
    for note in account["notes"]:
        tell(f"   {note}")
    typer.echo(str(done.folder))
    raise typer.Exit(PROVED if done.rung is Rung.PROVED else NOT_PROVED)


def moment_of(text: str) -> Any:
    """Return a time that was typed with its offset.

    Raises
    ------
    InputError
        If it is none.
    """
    import pandas as pd

    from microgrid.errors import InputError, Problem

    try:
        moment = pd.Timestamp(text)
    except ValueError:
        moment = None
    if moment is None or moment.tz is None:
        raise InputError([Problem("--now", f'"{text}"', "a time with its offset", "such as 2026-07-15T06:00+08:00")])
    return moment
