"""`microgrid forecast` and `microgrid backtest`: what loads, sun and wind will be, and how good such forecasts were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from microgrid.cli.endings import PROVED, tell
from microgrid.cli.words import File

commands = typer.Typer()


@commands.command()
def forecast(
    site: Annotated[Path, typer.Argument(help="Site file (YAML).", show_default=False)],
    out: Annotated[Path, typer.Option(help="CSV file to write, that the site names as forecasts.", show_default=False)],
    ahead: Annotated[str, typer.Option(help="How far to look ahead.")] = "48 h",
    weather: Annotated[
        Path | None, typer.Option(help="Weather forecast for sun and wind (EPW or CSV).", show_default=False)
    ] = None,
    holidays: Annotated[str, typer.Option(help="Country whose public holidays are rest days.")] = "",
    futures: Annotated[
        int, typer.Option(help="Number of futures to tell of what is learnt, 3 for example; 0 for the usual alone.")
    ] = 0,
    now: Annotated[str, typer.Option(help="Time to look ahead from, with its offset; by default the clock's.")] = "",
) -> None:
    """Foresee loads, sun and wind of a site, as rows that dispatch reads (extra forecast)."""
    import pandas as pd

    from microgrid.cli.operating import moment_of
    from microgrid.dispatch.foreseeing import foresee
    from microgrid.forecasting.futures import levels
    from microgrid.rolling.windows import hours_of

    moment = moment_of(now) if now else pd.Timestamp.now(tz="UTC")
    apart = levels(futures, "--futures") if futures else ()
    found = foresee(site, moment, hours_of(ahead, "--ahead"), weather, holidays, apart)
    found.write(out)
    for note in found.notes:
        tell(note)
    typer.echo(f"{len(found.rows)} rows written to {out}")
    raise typer.Exit(PROVED)


@commands.command()
def backtest(
    file: File,
    asset: Annotated[str, typer.Option(help="Asset whose load or availability is foreseen.", show_default=False)],
    start: Annotated[str, typer.Option("--from", help="First local day that is history.", show_default=False)],
    end: Annotated[str, typer.Option("--to", help="End; the day it names is not included.", show_default=False)],
    history: Annotated[str, typer.Option(help="Time from the start on that is only learnt from.")] = "30 d",
    ahead: Annotated[str, typer.Option(help="How far each forecast looks ahead.")] = "36 h",
    holidays: Annotated[str, typer.Option(help="Country whose public holidays are rest days.")] = "",
) -> None:
    """Hold forecasts of a scenario's series against what came, and against persistence (extra forecast)."""
    from microgrid.forecasting.backtests import backtest as tested
    from microgrid.forecasting.baselines import holidays_of
    from microgrid.rolling.windows import hours_of
    from microgrid.scenario import read_scenario

    plant = read_scenario(file, {"horizon": f'{{start: "{start}", end: "{end}", step: 15 min}}'}).plant
    length = float(plant.timeline.hours[0])
    values = _series_of(plant, asset)
    counts = [round(hours_of(text, name) / length) for text, name in ((history, "--history"), (ahead, "--ahead"))]
    _refuse_short(len(values), *counts)
    rest = holidays_of(holidays, {int(y) for y in plant.timeline.index.year}) if holidays else frozenset()
    table = tested(values, plant.timeline, counts[0], counts[1], holidays=rest)
    typer.echo(table.to_string(float_format=lambda value: f"{value:.4g}"))
    raise typer.Exit(PROVED)


def _series_of(plant: Any, name: str) -> Any:
    """Return the series of an asset that nobody knows beforehand.

    Raises
    ------
    InputError
        If it has none.
    """
    import numpy as np

    from microgrid.errors import InputError, Problem
    from microgrid.rolling.foresight import UNCERTAIN

    known = {
        asset: series.on(plant.timeline)
        for asset, each in plant.assets.items()
        for key, series in each.series().items()
        if key in UNCERTAIN and np.ndim(series.values)
    }
    if name not in known:
        raise InputError([Problem("--asset", name, f"one of {', '.join(known)}")])
    return known[name]


def _refuse_short(steps: int, history: int, ahead: int) -> None:
    from microgrid.errors import InputError, Problem

    if history + ahead > steps:
        found, wanted = f"{steps} steps", f"more than the {history} of --history and the {ahead} of --ahead"
        raise InputError([Problem("--to", found, wanted, "end later, or learn from less")])
