"""What a terminal shows of a sized plant and of a front: what to build, what it is worth, what less carbon costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.planning.front import abatement_costs, knee
from microgrid.planning.pages import PAGE
from microgrid.planning.pareto import Front
from microgrid.planning.sizing import Investment
from microgrid.policies.telling import verdict_line


def print_investment(investment: Investment, folder: Path) -> None:
    """Print an investment in two dozen lines."""
    console = Console(highlight=False)
    reference = investment.scenario.reference
    told = reference.told if reference is not None else ""
    console.print(f"[bold]{escape(investment.scenario.name)}[/bold]  beside: {escape(told)}", soft_wrap=True)
    for name, case in investment.cases.items():
        outcome, audit = case.result.manifest["outcome"], case.result.manifest["audit"]
        replay = case.result.manifest.get("replay")
        of_sizes = "" if replay is None else f" for its sizes, decided on {replay['told']}"
        word = "[green]proved[/green]" if outcome["proved"] else f"[bold red]NOT PROVED[/bold red] ({outcome['ended']})"
        word += of_sizes
        checked = (
            f"audit passed, {audit['checked']} statements" if audit["passed"] else "[bold red]audit FAILED[/bold red]"
        )
        console.print(f"{name:<10} {word}, {checked}", soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, amount, unit in _figures(investment):
        table.add_row(escape(name), f"{amount:>16}", unit)
    console.print(table)
    for verdict in investment.plan.result.manifest.get("verdicts") or ():
        console.print(f"policy   {escape(verdict_line(verdict))}", soft_wrap=True)
    for limit in investment.limits:
        console.print(f"[bold]mind[/bold]     {escape(limit)}", soft_wrap=True)
    console.print(f"report   {escape(str(folder / PAGE))}", soft_wrap=True)


def _figures(investment: Investment) -> Iterator[tuple[str, str, str]]:
    figures, currency = investment.sheet.figures, investment.scenario.plant.currency
    for asset, fields in investment.plan.result.manifest["decided"].items():
        for field, unit in fields.items():
            yield f"size of {asset}.{field}", f"{investment.plan.result.sizes[asset][field]:,.2f}", unit
    for name in ("investment", "net_present_value", "first_year"):
        yield name.replace("_", " "), f"{figures[name] or 0.0:,.2f}", currency
    rate = figures["internal_rate"]
    yield "internal rate of return", "none" if rate is None else f"{100 * rate:,.2f}", "" if rate is None else "%"
    for name in ("payback", "discounted_payback"):
        years = figures[name]
        yield name.replace("_", " "), "never" if years is None else f"{years:,.2f}", "" if years is None else "a"
    for each in (*investment.buses, *investment.sources):
        yield f"levelised cost of {each.of}", f"{each.cost:,.4f}", each.unit
    yield "carbon avoided", f"{investment.avoided / 1000:,.2f}", "tCO2e"
    if investment.abatement_cost is not None:
        yield "cost of avoiding it", f"{1000 * investment.abatement_cost:,.2f}", f"{currency}/tCO2e"


def print_front(front: Front, folder: Path) -> None:
    """Print a front as a table, a line a plan."""
    console, currency, points = Console(highlight=False), front.scenario.plant.currency, front.points
    console.print(f"[bold]{escape(front.scenario.name)}[/bold]  {len(points)} efficient plans", soft_wrap=True)
    grid = Table(box=None, padding=(0, 2))
    for title in ("emissions, tCO2e", f"cost, {currency}", "gap", f"a tonne less, {currency}/t", ""):
        grid.add_column(title, justify="right" if title else "left")
    best, steps = knee(points), [None, *abatement_costs(points)]
    for point, step in zip(points, steps, strict=True):
        less = "" if step is None else f"{1000 * step:,.1f}"
        words = [*(["knee"] if point is best else []), *([] if point.proved else ["NOT PROVED"])]
        words += [] if point.audited else ["AUDIT FAILED"]
        cells = (f"{point.emissions / 1000:,.2f}", f"{point.cost:,.2f}", f"{point.gap:.4%}", less, ", ".join(words))
        grid.add_row(*cells)
    console.print(grid)
    console.print("A tonne less: from a line to the one above it.", soft_wrap=True)
    console.print(f"picture  {escape(str(folder / 'front.png'))}", soft_wrap=True)
