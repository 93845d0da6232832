"""What a terminal shows of a pathway: what to build when, and what deciding stage by stage costs more."""

from __future__ import annotations

from pathlib import Path as File

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.planning.pathways.figures import TABLE, by_stage, columns_of, comparison
from microgrid.planning.pathways.limits import path_limits
from microgrid.planning.pathways.pages import PAGE
from microgrid.planning.pathways.paths import PathwayStudy

_NOTHING = 1e-6
_WIDE = 200


def print_pathway(study: PathwayStudy, folder: File) -> None:
    """Print a pathway: the ways to decide beside each other, what is built when, what each stage brings."""
    console = Console(highlight=False, width=_WIDE)
    console.print(f"[bold]{escape(study.scenario.name)}[/bold]", soft_wrap=True)
    paths = study.ways if study.reference is None else study.ways | {"reference": study.reference}
    for way, path in paths.items():
        word = "[green]proved[/green]" if path.proved else "[bold red]NOT PROVED[/bold red]"
        checked = "audits passed" if path.audits else "[bold red]audit FAILED[/bold red]"
        console.print(f"{way:<18} {word}, {checked}", soft_wrap=True)
    if study.dead_end:
        console.print(
            f"[bold]mind[/bold]     stage by stage, there is no plan any more in {study.dead_end}", soft_wrap=True
        )
    titles, figures = comparison(study)
    _print(console, ["", *titles, ""], [[name, *cells, unit] for name, cells, unit in figures])
    _print(console, *_capacities(study))
    _print(console, *by_stage(study))
    for limit in path_limits(study):
        console.print(f"[bold]mind[/bold]     {escape(limit)}", soft_wrap=True)
    console.print(f"page     {escape(str(folder / PAGE))}", soft_wrap=True)


def _capacities(study: PathwayStudy) -> tuple[list[str], list[list[str]]]:
    columns = columns_of(study)
    rows = []
    for row in study.perfect.table.to_dict("records"):
        told = [f"{row[key]:,.2f}" if abs(row[key]) > _NOTHING else "" for key in columns]
        rows.append([f"{row['asset']}.{row['field']}", str(row["year"]), *told, row["unit"]])
    return ["capacity", "stage", *(TABLE[key] for key in columns), ""], rows


def _print(console: Console, titles: list[str], rows: list[list[str]]) -> None:
    grid = Table(box=None, padding=(0, 2))
    for number, title in enumerate(titles):
        grid.add_column(escape(title), justify="right" if number and title else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(escape(cell) for cell in row))
    console.print(grid)
    console.print()
