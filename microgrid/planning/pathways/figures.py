"""What a pathway's page and a terminal tell of it, as rows of texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from microgrid.finance import net_present_value
from microgrid.planning.cash_flow import Rows
from microgrid.planning.pathways.by_year import calendar_years, planned_with
from microgrid.planning.pathways.paths import FORESIGHT
from microgrid.plots.numbers import amount, decimals_for, percent
from microgrid.year_tables import YearTable

if TYPE_CHECKING:
    from microgrid.planning.pathways.paths import Path, PathwayStudy

Plain = dict[str, Any]
Array = NDArray[np.float64]
_NOTHING = 1e-6
TABLE = {
    "stands": "stands",
    "left": "gives",
    "kept": "kept",
    "built": "built",
    "given_up": "given up",
    "ended": "at its end",
    "renewed": "bought anew within",
}
"""Columns of the table of capacities, and what they are called."""


def comparison(study: PathwayStudy) -> tuple[list[str], list[tuple[str, list[str], str]]]:
    """Return the ways to decide beside each other: their names; figure by figure its name, a text each, the unit."""
    currency, ways = study.scenario.plant.currency, study.ways
    paths = list(ways.values())
    others = [study.reference] if study.reference is not None else []
    named = study.scenario.reference
    titles = [*ways, *([named.told if named is not None else "reference"] if others else [])]
    rows = [
        ("cost at the path's begin", [amount(path.cost, 0) for path in (*paths, *others)], currency),
        ("emissions, all years", [_tonnes(path.emissions.sum()) for path in (*paths, *others)], "tCO2e"),
    ]
    blank = [""] * len(others)
    rows += [(name, [*cells, *blank], unit) for name, cells, unit in _beside(study)]
    return titles, rows


def _beside(study: PathwayStudy) -> Iterator[tuple[str, list[str], str]]:
    """Give the figures that need a reference."""
    currency, sheets = study.scenario.plant.currency, study.sheets
    if not sheets:
        return
    figures = [sheet.figures for sheet in sheets.values()]
    bought = [_present(sheet.items, sheet.rate) for sheet in sheets.values()]
    yield "invested at the start", [amount(each["investment"], 0) for each in figures], currency
    yield "invested in all, as of the start", [amount(each, 0) for each in bought], currency
    yield "net present value", [amount(each["net_present_value"], 0) for each in figures], currency
    yield "internal rate of return", [percent(each["internal_rate"], 1) for each in figures], ""
    for key in ("payback", "discounted_payback"):
        yield key.replace("_", " "), ["never" if f[key] is None else f"{f[key]:.1f}" for f in figures], "years"
    yield "carbon avoided", [_tonnes(study.avoided(way) or 0.0) for way in sheets], "tCO2e"
    costs = [study.abatement_cost(way) for way in sheets]
    told = ["none avoided" if each is None else amount(1000 * each, 1) for each in costs]
    yield "cost of avoiding", told, f"{currency}/tCO2e"


def _present(items: dict[str, Array], rate: float) -> float:
    """Return the worth at the start of all investments, grants taken off."""
    return -sum(net_present_value(rate, items[item]) for item in ("investment", "grant") if item in items)


def _tonnes(kilograms: float) -> str:
    value = kilograms / 1000
    return amount(value, decimals_for(abs(value)))


def by_stage(study: PathwayStudy) -> tuple[list[str], list[list[str]]]:
    """Return titles and a line for each stage: what is invested in it, its first year's money, emissions, the cap."""
    titles = [
        "stage",
        "years",
        "invested",
        "first year",
        "tCO2e a year",
        "reference, tCO2e a year",
        "cap, tCO2e a year",
    ]
    rows = []
    for number, stage in enumerate(study.perfect.stages):
        years = stage.scenario.plant.timeline.years
        cap = stage.scenario.plant.objective.caps.get("emissions")
        held = slice(stage.begin, stage.until)
        other = study.reference.emissions[held].mean() / 1000 if study.reference is not None else None
        emitted = study.perfect.emissions[held].mean() / 1000
        rows.append(
            [stage.name, f"{stage.begin + 1} to {stage.until}", *_money_of(study, number)]
            + ["" if each is None else amount(each, decimals_for(abs(each)))
               for each in (emitted, other, None if cap is None else cap / years / 1000)]
        )  # fmt: skip
    return titles, rows


def _money_of(study: PathwayStudy, number: int) -> tuple[str, str]:
    """Return what a stage invests, and what its first year brings beside the reference or costs without one."""
    stage = study.perfect.stages[number]
    sheet = study.sheets.get(FORESIGHT)
    items = sheet.items if sheet is not None else by_item(study.perfect.flows)
    paid = sum(items[item][stage.begin] for item in ("investment", "grant") if item in items)
    running = sum(flows[stage.begin + 1] for item, flows in items.items() if item not in ("investment", "grant"))
    return amount(-float(paid), 0), amount(float(running), 0)


def by_item(rows: Rows) -> dict[str, Array]:
    """Return what is paid by item, all assets together."""
    found: dict[str, Array] = {}
    for (_, item), flows in rows.items():
        found[item] = found.get(item, np.zeros(len(flows))) + flows
    return found


def tables_by_year(study: PathwayStudy) -> Plain | None:
    """Return what tables say of each year, and what each stage is planned with; None where there are none."""
    path, stages = study.scenario.pathway, study.perfect.stages
    if path is None or not path.by_year:
        return None
    document, finance = study.scenario.document, study.scenario.finance
    rows = []
    for stage in stages:
        for year in calendar_years(path.stages[0], stage.span):
            cells = [_shortly(table, table.at(year)) for table in path.by_year.values()]
            rows.append({"what": str(year), "cells": cells, "is_stage": False})
        means = [(t, planned_with(document, path, name, stage.span, finance)) for name, t in path.by_year.items()]
        told = f"the stage {stage.name} is planned with"
        rows.append({"what": told, "cells": [_shortly(*each) for each in means], "is_stage": True})
    return {"fields": list(path.by_year), "rows": rows}


def _shortly(table: YearTable, number: float) -> str:
    return f"{number:.6g} {table.unit}".strip()


def columns_of(study: PathwayStudy) -> list[str]:
    """Return the columns of the table of capacities that say anything; what is left only where ageing counts."""
    frames = [path.table for path in study.ways.values()]
    found = [key for key in TABLE if any(frame[key].abs().max() > _NOTHING for frame in frames)]
    fades = any((frame["stands"] - frame["left"]).abs().max() > _NOTHING for frame in frames)
    return [key for key in found if key != "left" or fades]


def capacity_rows(path: Path, columns: list[str]) -> Iterator[Plain]:
    """Give what a path does with each capacity in each stage."""
    for row in path.table.to_dict("records"):
        cells = [row[key] for key in columns]
        told = [amount(value, decimals_for(abs(value))) if abs(value) > _NOTHING else "" for value in cells]
        capacity = f"{row['asset']} {row['field']}".replace("_", " ")
        yield {"capacity": capacity, "year": row["year"], "cells": told, "unit": row["unit"]}


def yearly(items: dict[str, Array], first: int, emitted: Array | None = None) -> Plain:
    """Return money year by year: the items, and a line for each year with its sum and the sum so far."""
    kept = {item: flows for item, flows in items.items() if np.abs(flows).max() > 0}
    net = np.asarray(sum(kept.values()))
    return {
        "items": list(kept),
        "years": [
            {"year": f"end of {first + y - 1}" if y else f"start of {first}"}
            | {"cells": [amount(float(flows[y]), 0) for flows in kept.values()]}
            | {"net": amount(float(net[y]), 0), "running": amount(float(net[: y + 1].sum()), 0)}
            | {"emitted": amount(float(emitted[y - 1]) / 1000, 1) if y and emitted is not None else ""}
            for y in range(len(net))
        ],
    }
