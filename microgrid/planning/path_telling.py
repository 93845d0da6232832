"""What a terminal shows of a pathway: what to build when, and what deciding stage by stage costs more."""

from __future__ import annotations

from pathlib import Path as File

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.planning.path_limits import path_limits
from microgrid.planning.path_pages import PAGE, ways
from microgrid.planning.pathway import PathwayStudy

_NOTHING = 1e-6


def print_pathway(study: PathwayStudy, folder: File) -> None:
    """Print a pathway as a table, a line for each capacity and stage in which something changes."""
    console, currency = Console(highlight=False), study.scenario.plant.currency
    console.print(f"[bold]{escape(study.scenario.name)}[/bold]", soft_wrap=True)
    for way, path in ways(study).items():
        word = "[green]proved[/green]" if path.proved else "[bold red]NOT PROVED[/bold red]"
        checked = "audits passed" if path.audits else "[bold red]audit FAILED[/bold red]"
        emitted = float(path.emissions.sum()) / 1000
        console.print(
            f"{way:<18} {word}, {checked}: {path.cost:,.2f} {currency} at the path's begin, {emitted:,.2f} tCO2e",
            soft_wrap=True,
        )
    if study.dead_end:
        console.print(
            f"[bold]mind[/bold]     stage by stage, there is no plan any more in {study.dead_end}", soft_wrap=True
        )
    grid = Table(box=None, padding=(0, 2))
    table = study.perfect.table
    columns = {"stands": "stands", "built": "built", "given_up": "given up", "ended": "ended", "renewed": "renewed"}
    shown = [key for key in columns if table[key].abs().max() > _NOTHING]
    for title in ("capacity", "stage", *(columns[key] for key in shown), ""):
        grid.add_column(title, justify="left" if title in ("capacity", "") else "right", no_wrap=True)
    for row in table.to_dict("records"):
        told = [f"{row[key]:,.2f}" if abs(row[key]) > _NOTHING else "" for key in shown]
        grid.add_row(escape(f"{row['asset']}.{row['field']}"), str(row["year"]), *told, row["unit"])
    console.print(grid)
    for limit in path_limits(study.scenario, study.perfect.stages):
        console.print(f"[bold]mind[/bold]     {escape(limit)}", soft_wrap=True)
    console.print(f"page     {escape(str(folder / PAGE))}", soft_wrap=True)
