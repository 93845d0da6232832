"""What is written and printed of an investment as it can be operated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.planning.operating_page import PAGE, figures_of, save_page
from microgrid.results import FORMAT, load, save_manifest
from microgrid.run_folders import replacing
from microgrid.running import audited, identity_of

if TYPE_CHECKING:
    from microgrid.planning.operating import Operated


def write(study: Operated, folder: Path) -> None:
    """Write what was carried out, and the comparison, beside an old study, and rename them into place."""
    with replacing(folder) as new:
        for name, simulation in (("plan", study.plan), ("reference", study.reference)):
            for how, result in (("operated", simulation.result), ("perfect", simulation.perfect)):
                if result is not None:
                    place = new / name / how
                    place.mkdir(parents=True)
                    result.save(place)
                    save_manifest(audited(load(place)).manifest, place)
        for how, sheet in study.sheets.items():
            sheet.frame().to_parquet(new / f"money_{how}.parquet", index=False)
        save_manifest(manifest_of(study), new)
        save_page(study, new)


def manifest_of(study: Operated) -> dict[str, Any]:
    """Return what the study's own manifest says."""
    sized = study.investment.plan.result.manifest
    return {
        "format": FORMAT,
        "engine": sized["engine"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": identity_of(study.investment.scenario)["scenario"],
        "currency": sized["currency"],
        "outcome": {"ended": "carried out", "proved": False},
        "total_seconds": study.seconds,
        "operated": study.manifest,
    }


def print_operated(study: Operated, folder: Path) -> None:
    """Print both worths beside each other."""
    console, currency = Console(highlight=False), study.investment.scenario.plant.currency
    console.print(f"[bold]{escape(study.investment.scenario.name)}[/bold]  as operated", soft_wrap=True)
    grid = Table(box=None, padding=(0, 2))
    for title in ("", "foreseen", "as operated", ""):
        grid.add_column(title, justify="right" if title else "left", no_wrap=True)
    for name, both, unit in figures_of(study):
        grid.add_row(name, *both, unit)
    console.print(grid)
    account = study.plan.result.manifest["simulation"]
    rungs = ", ".join(f"{count} {rung}" for rung, count in account["rungs"].items())
    console.print(f"{account['plans']} plans of the plant ({rungs}), forecast: {account['forecast']}", soft_wrap=True)
    parts = ", ".join(f"{item} {value:,.0f}" for item, value in study.regret_by_item.items())
    console.print(f"regret   {study.regret:,.2f} {currency} of net present value: {parts}", soft_wrap=True)
    for limit in study.limits:
        console.print(f"[bold]mind[/bold]     {escape(limit)}", soft_wrap=True)
    if not study.audited:
        console.print("[bold red]an audit FAILED, or steps could not be balanced[/bold red]")
    console.print(f"page     {escape(str(folder / PAGE))}", soft_wrap=True)
