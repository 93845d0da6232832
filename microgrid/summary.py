"""What a terminal shows of a run: how it ended, what it costs and emits, what was sized, where it lies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.caveats import caveats
from microgrid.results import Result


def print_summary(result: Result, folder: Path, replaced: bool = False) -> None:
    """Print a run in a dozen lines; `replaced` says that its folder held an earlier one."""
    console = Console(highlight=False)
    manifest = result.manifest
    console.print(f"[bold]{escape(manifest['scenario']['name'])}[/bold]  {_period(manifest)}", soft_wrap=True)
    console.print(_ending(manifest), soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, amount, unit in _figures(manifest, result):
        table.add_row(escape(name), f"{amount:>16,.2f}", unit)
    console.print(table)
    for line in _warnings(manifest, result):
        console.print(line, soft_wrap=True)
    earlier = "  (in place of the earlier run; --out keeps both)" if replaced else ""
    console.print(f"report   {escape(str(folder / 'report.html'))}{earlier}", soft_wrap=True)


def _period(manifest: dict[str, Any]) -> str:
    horizon = manifest["horizon"]
    return f"{horizon['start']} to {horizon['end']}, {horizon['steps']} steps"


def _ending(manifest: dict[str, Any]) -> str:
    outcome = manifest["outcome"]
    is_known = outcome["gap"] is not None and math.isfinite(outcome["gap"])
    gap = f", gap {outcome['gap']:.4%}" if is_known else ""
    word = "[green]proved[/green]" if outcome["proved"] else f"[bold red]NOT PROVED[/bold red] ({outcome['ended']})"
    seconds = f"{outcome['seconds']:.2f} s, {manifest['total_seconds']:.2f} s with reading and building"
    return f"{word}{gap}, {outcome['solver']} ({outcome['method']}) {seconds}"


def _figures(manifest: dict[str, Any], result: Result) -> Iterable[tuple[str, float, str]]:
    currency = manifest["currency"]
    for category, amount in manifest["costs"].items():
        yield ("cost" if category == "cost" else f"  {category}"), amount, currency
    for column in ("scope_1", "scope_2_location", "scope_2_market", "exported", "scope_3", "biogenic"):
        if manifest["emissions"][column]:
            yield column.replace("_", " "), manifest["emissions"][column], f"kg{manifest['gases'][column]}"
    for asset, sizes in result.sizes.items():
        units = manifest["decided"].get(asset, {})
        yield from ((f"size of {asset}.{name}", size, units[name]) for name, size in sizes.items() if name in units)


def _warnings(manifest: dict[str, Any], result: Result) -> Iterable[str]:
    unserved = result.flows[result.flows["port"] == "unserved"]
    amounts = unserved.merge(result.steps, on="time")
    for (asset, unit), part in amounts.groupby(["asset", "unit"], observed=True):
        total = float((part["rate"] * part["hours"] * part["weight"]).sum())
        if total > 1e-6:
            yield f"[bold red]unserved[/bold red] {escape(str(asset))}: {total:,.2f} {_STOCKS.get(str(unit), '')}"
    yield from (f"[bold]mind[/bold]     {escape(caveat)}" for caveat in caveats(result))
    audit = manifest["audit"]
    if audit["passed"]:
        yield f"audit    passed, {audit['checked']} statements"
    else:
        yield f"[bold red]audit    FAILED[/bold red], {len(audit['findings'])} of {audit['checked']} statements"
        yield from (f"   {escape(finding)}" for finding in audit["findings"][:10])


_STOCKS = {"kW": "kWh", "kg/h": "kg"}
