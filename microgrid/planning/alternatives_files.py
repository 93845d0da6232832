"""What is written and printed of alternatives: their plans, a table, a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.planning.alternatives_page import PAGE, save_page
from microgrid.results import FORMAT, load, save_manifest
from microgrid.run_folders import replacing
from microgrid.running import audited

if TYPE_CHECKING:
    from microgrid.planning.alternatives import AlternativesStudy

_WIDE = 200


def write(study: AlternativesStudy, folder: Path) -> None:
    """Write the plans, the table and the picture beside an old study, and rename them into place."""
    with replacing(folder) as new:
        for number, plan in enumerate(study.plans):
            home = new / "plans" / f"{number:02d}"
            home.mkdir(parents=True)
            plan.result.save(home)
            save_manifest(audited(load(home)).manifest | {"alternative": plan.name}, home)
        table_of(study).to_csv(new / "alternatives.csv", index=False)
        save_manifest(manifest_of(study), new)
        save_page(study, new)


def table_of(study: AlternativesStudy) -> pd.DataFrame:
    """Return a line for each plan: cost, emissions, sizes."""
    return pd.DataFrame(
        {"plan": each["name"], "cost": each["cost"], "emissions": each["emissions"]} | each["sizes"]
        for each in study.manifest["plans"]
    )


def manifest_of(study: AlternativesStudy) -> dict[str, Any]:
    """Return what the study's own manifest says."""
    first = study.plans[0].result.manifest
    return {
        "format": FORMAT,
        "engine": first["engine"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": first["scenario"],
        "currency": study.scenario.plant.currency,
        "outcome": first["outcome"] | {"proved": study.proved},
        "total_seconds": study.seconds,
        "alternatives": study.manifest,
    }


def print_alternatives(study: AlternativesStudy, folder: Path) -> None:
    """Print the plans, a line each, and the range of each size."""
    console, currency = Console(highlight=False, width=_WIDE), study.scenario.plant.currency
    cheapest = study.plans[0]
    console.print(
        f"[bold]{escape(study.scenario.name)}[/bold]  within {study.within:.1%} of {cheapest.cost:,.2f} {currency}",
        soft_wrap=True,
    )
    grid = Table(box=None, padding=(0, 2))
    grid.add_column("plan", no_wrap=True)
    units = [study.scenario.plant.assets[asset].capacity_units()[field] for asset, field in study.decided]
    for title in ("cost", *(f"{'.'.join(w)}, {u}" for w, u in zip(study.decided, units, strict=True))):
        grid.add_column(escape(title), justify="right")
    for plan in study.plans:
        more = plan.cost / cheapest.cost - 1 if cheapest.cost else 0.0
        sizes = [f"{plan.size(where):,.2f}" for where in study.decided]
        grid.add_row(escape(plan.name) + ("" if plan.proved else " NOT PROVED"), f"{more:+.2%}", *sizes)
    console.print(grid)
    if not study.audited:
        console.print("[bold red]an audit FAILED[/bold red]")
    console.print(f"page     {escape(str(folder / PAGE))}", soft_wrap=True)
