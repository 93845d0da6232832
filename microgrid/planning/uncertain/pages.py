"""The page of a sizing for several futures, its table and picture, and each plan."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microgrid.faults import shown
from microgrid.planning.uncertain.model import JUDGED
from microgrid.plots.numbers import amount, decimals_for, percent
from microgrid.plots.uncertainty import Costs, draw_costs
from microgrid.report import render
from microgrid.results import FORMAT, load, save_manifest
from microgrid.run_folders import replacing
from microgrid.running import audited

if TYPE_CHECKING:
    from microgrid.planning.uncertain.choices import Choice, UncertaintyStudy

PAGE = "uncertainty.html"
_WIDE = 200
LIMITS = (
    "Only the futures that are named can come; each is known in full once the plant is built.",
    "Money is that of a year with annuities over each lifetime, without taxes and growth of prices.",
)


def write(study: UncertaintyStudy, folder: Path) -> None:
    """Write the plans of each way of judging, the table, the picture and the page; put them in place together."""
    with replacing(folder) as new:
        for number, choice in enumerate(study.choices[: len(JUDGED)]):
            for place, (name, result) in enumerate(choice.results.items(), 1):
                home = new / tuple(JUDGED)[number] / f"{place:02d}"
                home.mkdir(parents=True)
                result.save(home)
                save_manifest(audited(load(home)).manifest | {"future": name}, home)
        study.table.to_csv(new / "uncertainty.csv", index=False)
        save_manifest(manifest_of(study), new)
        costs = [Costs(each.name, each.costs, each.expected(study.shares)) for each in study.choices]
        figure = draw_costs(study.scenario.name, study.scenario.plant.currency, costs)
        figure.savefig(new / "uncertainty.png", metadata={"Software": None})
        picture = b64encode((new / "uncertainty.png").read_bytes()).decode("ascii")
        (new / PAGE).write_text(render("uncertainty.html.j2", _context(study, picture)), encoding="utf-8")


def manifest_of(study: UncertaintyStudy) -> dict[str, Any]:
    """Return what the study's own manifest says."""
    first = next(iter(study.choices[0].results.values())).manifest
    return {
        "format": FORMAT,
        "engine": first["engine"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": {"name": study.scenario.name, "hash": study.scenario.document.digest},
        "currency": study.scenario.plant.currency,
        "outcome": {"ended": first["outcome"]["ended"], "proved": study.proved},
        "total_seconds": study.seconds,
        "uncertainty": study.manifest,
    }


def _context(study: UncertaintyStudy, picture: str) -> dict[str, Any]:
    scenario, told = study.scenario, study.scenario.uncertainty
    fields = {name: future.fields for name, future in told.futures.items()} if told is not None else {}
    alarms = ["A plan FAILED ITS AUDIT."] * (not study.audited) + ["A plan is NOT PROVED OPTIMAL."] * (not study.proved)
    return {
        "name": scenario.name,
        "description": scenario.description,
        "currency": scenario.plant.currency,
        "terms": f"{len(study.futures)} futures; every choice is made before one knows which comes",
        "alarms": alarms,
        "verdict": _verdict(study),
        "picture": picture,
        "tail": percent(study.tail),
        "money": [*study.best, "expected", "worst cases", "regret"],
        "costs": [
            {"choice": each.name, "cells": [amount(value, 0) for value in _money(study, each)]}
            for each in study.choices
        ],
        "sizes": list(_sizes(study, study.choices[0])),
        "built": [
            {"choice": each.name, "cells": [amount(v, decimals_for(abs(v))) for v in _sizes(study, each).values()]}
            for each in study.choices
        ],
        "futures": [
            {"name": future.name, "probability": percent(future.probability, 1)}
            | {
                "changes": "; ".join(f"{path}: {shown(value)}" for path, value in fields[future.name].items())
                or "nothing"
            }
            for future in study.futures
        ],
        "limits": limits_of(study),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": version("green-microgrid"),
    }


def limits_of(study: UncertaintyStudy) -> list[str]:
    """Return what the study does not say."""
    if study.replay is None:
        return list(LIMITS)
    word = "more" if study.replay.difference >= 0 else "less"
    told = (
        f"Sizes were decided on {study.replay.shorter} of each future; all costs are those of all steps, on which the "
        f"least expected cost is {abs(study.replay.difference):.2%} {word}. Each way of judging is at its best on the "
        "shorter years: what is built by another one may come out better."
    )
    return [told, *LIMITS]


def _money(study: UncertaintyStudy, each: Choice) -> Iterator[float]:
    yield from each.costs.values()
    yield each.expected(study.shares)
    yield each.at_risk(study.shares, study.tail)
    yield each.regret(study.best)


def _sizes(study: UncertaintyStudy, each: Choice) -> dict[str, float]:
    """Return the sizes of a choice by what they are called, with their unit."""
    assets = study.scenario.plant.assets
    return {
        f"{asset} {field}, {assets[asset].capacity_units()[field]}".replace("_", " "): size
        for asset, fields in each.sizes.items()
        for field, size in fields.items()
    }


def _verdict(study: UncertaintyStudy) -> str:
    best, currency = study.choices[0], study.scenario.plant.currency
    cost, knowing = amount(best.expected(study.shares), 0), amount(max(study.worth_of_knowing, 0.0), 0)
    return (
        f"Built for the least expected cost, a year costs {cost} {currency} in the mean; "
        f"to know the future before building would save {knowing} {currency} a year."
    )


def print_uncertainty(study: UncertaintyStudy, folder: Path) -> None:
    """Print the choices, a line each."""
    console, currency = Console(highlight=False, width=_WIDE), study.scenario.plant.currency
    console.print(f"[bold]{escape(study.scenario.name)}[/bold]  {len(study.futures)} futures", soft_wrap=True)
    for titles, cells in (
        ([*_sizes(study, study.choices[0])], [[f"{v:,.2f}" for v in _sizes(study, e).values()] for e in study.choices]),
        ([*study.best, "expected", "worst cases", "regret"],
         [[f"{v:,.0f}" for v in _money(study, e)] for e in study.choices]),
    ):  # fmt: skip
        grid = Table(box=None, padding=(0, 2))
        grid.add_column("choice", no_wrap=True)
        for title in titles:
            grid.add_column(escape(title), justify="right", no_wrap=True)
        for each, row in zip(study.choices, cells, strict=True):
            grid.add_row(escape(each.name) + ("" if each.proved else " NOT PROVED"), *row)
        console.print(grid)
    console.print(f"Costs in {currency} a year. {_verdict(study)}", soft_wrap=True)
    if study.replay is not None:
        console.print(f"[bold]mind[/bold]     {escape(limits_of(study)[0])}", soft_wrap=True)
    if not study.audited:
        console.print("[bold red]an audit FAILED[/bold red]")
    console.print(f"page     {escape(str(folder / PAGE))}", soft_wrap=True)
