"""`microgrid ls`, `show`, `compare`, `export` and `gc`: what a batch has left in its store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()

Folder = Annotated[Path, typer.Argument(metavar="STORE", help="Folder of the results.")]
Option = Annotated[Path, typer.Option("--store", help="Folder of the results.")]
Family = Annotated[list[str], typer.Option(help="Only cases of this family; may be repeated.", show_default=False)]
STORE = Path("results")


@commands.command()
def ls(store: Folder = STORE, family: Family = []) -> None:  # noqa: B006  typer copies it
    """List the cases of a store: hash, how it ended, cost, name."""
    from microgrid.runs import load_runs

    runs = load_runs(store).only(families=family)
    for name, record in runs.records.items():
        cost = record.get("figures", {}).get("cost")
        told = f"{cost:>16,.2f} {record['currency']}" if cost is not None else " " * 20
        typer.echo(f"{record['id'][:10]}  {record['status']:<12} {told}  {name}")
    typer.echo(f"{len(runs.records)} cases", err=True)


@commands.command()
def show(
    case: Annotated[str, typer.Argument(help="A case: its name, the end of it, or its hash.", show_default=False)],
    store: Option = STORE,
    report: Annotated[bool, typer.Option("--report", help="Write a run folder with pictures and report.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report; by default runs/HASH.", show_default=False)
    ] = None,
) -> None:
    """Show one case; with --report make what `microgrid run` would have written."""
    from microgrid.store.folder import Store
    from microgrid.summary import print_summary

    opened = Store.open(store)
    result = opened.result(case)
    folder = None
    if report or out is not None:
        from microgrid.running import write

        folder = out if out is not None else Path("runs") / opened.record(case)["id"]
        result = write(result, folder)
    print_summary(result, folder)


@commands.command()
def compare(
    cases: Annotated[list[str], typer.Argument(help="Cases; all by default.", show_default=False)] = [],  # noqa: B006
    store: Option = STORE,
    family: Family = [],  # noqa: B006
    figure: Annotated[list[str], typer.Option(help="Figures, or how they begin: cost, size.battery.")] = [],  # noqa: B006
    baseline: Annotated[str, typer.Option(help="Tell the others by what they have more than this case.")] = "",
    axis: Annotated[str, typer.Option(help="Axis along which the picture goes.", show_default=False)] = "",
    across: Annotated[str, typer.Option(help="Second axis, for a heat map.", show_default=False)] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for pictures.", show_default=False)] = None,
) -> None:
    """Tell how cases differ in money, carbon, sizes and energy shares; draw a figure along one axis or two."""
    from microgrid.comparing import differences, surface
    from microgrid.runs import load_runs
    from microgrid.tables_shown import shown_table, with_unit

    runs = load_runs(store).only(cases, family)
    table = differences(runs, figure, baseline).rename(index=lambda name: with_unit(name, runs.units))
    typer.echo(shown_table(table.T if len(table.columns) > 4 else table))
    lacking = runs.cases["status"][~runs.cases.index.isin(runs.figures.index)].value_counts()
    if len(lacking):
        told = ", ".join(f"{count} {status}" for status, count in lacking.items())
        typer.echo(f"left out, for they have no plan: {told}", err=True)
    if out is None and not (axis or across):
        return
    from microgrid.plots.cases import save_costs, save_curves, save_heat_map

    folder = out if out is not None else Path()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = figure[0] if figure else "cost"
    if axis or across or not runs.axes.columns.empty:
        found = surface(runs, chosen, axis, across)
        draw = save_heat_map if across else save_curves
        typer.echo(str(draw(found, folder / f"{chosen}.png")))
    currencies = list(dict.fromkeys(runs.cases["currency"].dropna()))
    if len(currencies) == 1:
        typer.echo(str(save_costs(runs.figures, currencies[0], folder / "costs.png")))


@commands.command()
def export(
    to: Annotated[Path, typer.Argument(help="A .csv, .xlsx or .nc file.", show_default=False)],
    store: Option = STORE,
    family: Family = [],  # noqa: B006
    table: Annotated[
        str, typer.Option(help="A table of all plans, such as flows; by default axes and figures.", show_default=False)
    ] = "",
) -> None:
    """Write cases and figures, or a table of all plans, as CSV, Excel or netCDF."""
    from microgrid.exporting import export_runs
    from microgrid.runs import load_runs

    export_runs(load_runs(store).only(families=family), to, table)
    typer.echo(str(to))


@commands.command(name="gc")
def collect_garbage(
    store: Folder = STORE,
    keep: Annotated[
        list[Path], typer.Option(help="Keep only the cases of these scenario files.", show_default=False)
    ] = [],  # noqa: B006
    dry: Annotated[bool, typer.Option("--dry-run", help="Take nothing away.")] = False,
) -> None:
    """Take away what no case needs: plans of scenarios that changed since, files of broken-off cases."""
    from microgrid.store.folder import Store

    opened = Store.open(store)
    if keep:
        from microgrid.families import expand

        ids = {case.id for case in expand(keep)}
        told = opened.clean(lambda record: record["id"] in ids, dry)
    else:
        told = opened.clean(dry=dry)
    records, files, size = told
    would = "would go" if dry else "went"
    typer.echo(f"{records} records and {files} files {would}, {size / 1e6:,.1f} MB")
