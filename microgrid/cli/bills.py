"""`microgrid tariffs` and `bill`: the catalogue of tariffs, and what a meter's readings cost under one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.words import pairs

commands = typer.Typer()


@commands.command()
def tariffs(
    name: Annotated[
        str | None, typer.Argument(help="A tariff of the catalogue, to see all of it.", show_default=False)
    ] = None,
) -> None:
    """List the tariffs of the catalogue, or show one: its lines, where they come from, how well they are known."""
    from microgrid.tariff_list import listing, shown_tariff

    typer.echo(listing() if name is None else shown_tariff(name))


@commands.command()
def bill(
    tariff: Annotated[str, typer.Argument(help="A tariff of the catalogue, or a tariff file.", show_default=False)],
    load: Annotated[
        Path, typer.Argument(help="Meter file (CSV): import, export, reactive, each with unit.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="File to write: .csv, .json or .txt.", show_default=False)] = None,
    option: Annotated[str, typer.Option(help="Billing option, or cheapest.", show_default=False)] = "",
    given: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=VALUE",
            help="What neither tells: capacity, contract (kW), transformer (kVA), zone, column, past (a file): "
            '--given transformer="1000 kVA".',
        ),
    ] = [],  # noqa: B006  typer copies it
    overrides: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="PATH=VALUE", help='Override the tariff: --set components.market.price="0.4 CNY/kWh".'
        ),
    ] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bill a meter file under a tariff, by month and line. Knows no optimiser."""
    from microgrid.bills.counter import Request, answer
    from microgrid.bills.told import as_json as told_in_json
    from microgrid.bills.told import as_text, write

    changes = pairs(overrides, example='--set components.market.price="0.4 CNY/kWh"')
    found = answer(Request(tariff, load, option, pairs(given, "--given", '--given transformer="1000 kVA"'), changes))
    if out is not None:
        write(found, out)
    typer.echo(told_in_json(found) if as_json else as_text(found))
