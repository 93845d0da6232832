"""The page of a pathway, its tables and pictures, and each stage's run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from microgrid.faults import shown
from microgrid.planning.page_policies import rules_of_stages
from microgrid.planning.pages import DISPATCH
from microgrid.planning.pathways.figures import (
    TABLE,
    by_item,
    by_stage,
    capacity_rows,
    columns_of,
    comparison,
    tables_by_year,
    yearly,
)
from microgrid.planning.pathways.limits import path_limits
from microgrid.planning.pathways.paths import FORESIGHT
from microgrid.plots.numbers import amount, decimals_for, percent
from microgrid.plots.pathway import Grown, draw_beside, draw_stages, draw_swings, draw_years
from microgrid.report import render
from microgrid.results import FORMAT, save_manifest
from microgrid.run_folders import replacing
from microgrid.running import write_into

if TYPE_CHECKING:
    from microgrid.planning.pathways.paths import Path, PathwayStudy
    from microgrid.planning.pathways.stages import Stage

Plain = dict[str, Any]
PAGE = "pathway.html"


def write(study: PathwayStudy, folder: File) -> None:
    """Write each stage's run, the tables, the pictures and the page beside an old run, and rename them into place."""
    with replacing(folder) as new:
        weeks: list[Plain] = []
        for way, path in study.ways.items():
            home = new if way == FORESIGHT else new / "myopic"
            for stage, result in zip(path.stages, path.results, strict=True):
                place = home / "stages" / stage.name
                place.mkdir(parents=True)
                _, drawn = write_into(result, place)
                weeks += [_weeks(stage, drawn, path.differs_by_year)] if way == FORESIGHT else []
            path.table.to_parquet(home / "path.parquet", index=False)
            _money(path).to_parquet(home / "money.parquet", index=False)
            if way in study.sheets:
                study.sheets[way].frame().to_parquet(home / "money_beside.parquet", index=False)
        save_manifest(manifest_of(study), new)
        pictures = _drawn(study, new)
        (new / PAGE).write_text(render("pathway.html.j2", _context(study, pictures, weeks)), encoding="utf-8")


def _weeks(stage: Stage, drawn: Mapping[str, File], differs_by_year: bool) -> Plain:
    """Return the dispatch of a stage's typical weeks, of the pictures of its run, and where its report stands."""
    return {
        "stage": stage.name,
        "years": f"{stage.year} to {stage.year + stage.until - stage.begin - 1}",
        "report": f"stages/{stage.name}/report.html",
        "is_mean": differs_by_year,
        "pictures": {name: _encoded(drawn[name]) for name in DISPATCH if name in drawn},
    }


def manifest_of(study: PathwayStudy) -> Plain:
    """Return what the study's own manifest says."""
    first, outcome = study.perfect.results[0].manifest, study.perfect.outcomes[0]
    keys = ("objective", "bound", "gap", "seconds", "solver", "columns", "rows", "integers", "method")
    return {
        "format": FORMAT,
        "engine": first["engine"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": {"name": study.scenario.name, "description": study.scenario.description}
        | {"hash": study.scenario.document.digest},
        "currency": study.scenario.plant.currency,
        "outcome": {"ended": outcome.ended.value, "proved": study.perfect.proved}
        | {key: getattr(outcome, key) for key in keys}
        | ({} if study.perfect.replay is None else {"bound": study.perfect.bound, "gap": study.perfect.gap}),
        "total_seconds": study.seconds,
        "pathway": study.manifest | {"limits": path_limits(study)},
    }


def _money(path: Path) -> pd.DataFrame:
    rows = [
        {"asset": asset, "item": item, "year": np.arange(len(flows)), "amount": flows}
        for (asset, item), flows in path.flows.items()
    ]
    return pd.concat([pd.DataFrame(row) for row in rows], ignore_index=True)


def _drawn(study: PathwayStudy, folder: File) -> dict[str, str]:
    years = [stage.year for stage in study.perfect.stages]
    emitted = {way: path.emissions for way, path in study.ways.items()}
    if study.reference is not None:
        emitted["reference"] = study.reference.emissions
    name, currency = study.scenario.name, study.scenario.plant.currency
    figures = {
        "stages": draw_stages(name, years, _grown(study)),
        "years": draw_years(name, currency, years[0], by_item(study.perfect.flows), emitted),
    }
    if study.sheets:
        sheet = study.sheets[FORESIGHT]
        figures["beside"] = draw_beside(name, currency, years[0], sheet.items, sheet.rate)
        worth = sheet.figures["net_present_value"] or 0.0
        swings = [(s.assumption, s.less, s.more, s.with_less, s.with_more) for s in study.sensitivities]
        if swings:
            figures["swings"] = draw_swings(name, currency, swings, worth)
    found = {}
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        found[name] = _encoded(folder / f"{name}.png")
    return found


def _encoded(picture: File) -> str:
    return b64encode(picture.read_bytes()).decode("ascii")


def _grown(study: PathwayStudy) -> list[Grown]:
    """Return what stands of each capacity by vintage; what never stands is left out, unless nothing does."""
    paths, count = study.ways, len(study.perfect.stages)
    found = []
    for where in study.perfect.vintages:
        unit = study.scenario.plant.assets[where[0]].capacity_units()[where[1]]
        stands = {
            way: {
                "before" if each.built is None else path.stages[each.built].name: [
                    path.kept[where, each.built, number][0] if number in each.stages else 0.0 for number in range(count)
                ]
                for each in path.vintages[where]
            }
            for way, path in paths.items()
        }
        found.append(Grown(f"{where[0]} {where[1]}".replace("_", " "), unit, stands))
    built = [each for each in found if any(max(v) > 1e-6 for w in each.stands.values() for v in w.values())]
    return built or found[:1]


def _context(study: PathwayStudy, pictures: dict[str, str], weeks: list[Plain]) -> Plain:
    path, scenario = study.perfect, study.scenario
    outcome, sheet = path.outcomes[0], study.sheets.get(FORESIGHT)
    told = scenario.pathway.fields if scenario.pathway is not None else {}
    first, columns = path.stages[0].year, columns_of(study)
    titles, figures = comparison(study)
    return {
        "name": scenario.name,
        "description": scenario.description,
        "currency": scenario.plant.currency,
        "reference": scenario.reference.told if scenario.reference is not None else "",
        "terms": _terms(path),
        "alarms": list(_alarms(study)),
        "verdict": _verdict(study),
        "proof": _proof(path),
        "cards": list(_cards(study)),
        "pictures": pictures,
        "weeks": weeks,
        "titles": [title[:1].upper() + title[1:] for title in titles],
        "figures": [
            {"name": name[:1].upper() + name[1:], "cells": cells, "unit": unit} for name, cells, unit in figures
        ],
        "columns": [TABLE[key].capitalize() for key in columns],
        "ways": [{"title": way.capitalize(), "rows": list(capacity_rows(p, columns))} for way, p in study.ways.items()],
        "by_stage": by_stage(study),
        "beside": None if sheet is None else yearly(sheet.items, first),
        "paid": yearly(by_item(path.flows), first, path.emissions),
        "stages": [stage.name for stage in path.stages],
        "changes": [{"field": field, "values": [shown(value) for value in values]} for field, values in told.items()],
        "by_year": tables_by_year(study),
        "rules": list(rules_of_stages(path.by_stage)),
        "levelised": [{"of": e.of, "cost": amount(e.cost, 4), "unit": e.unit} for e in study.levelised],
        "limits": path_limits(study),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "solver": outcome.solver,
        "engine": version("green-microgrid"),
    }


def _begun(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def _proof(path: Path) -> str:
    """Say how good what is built is, for what it was decided by."""
    told = " of what it costs with one value for all years of a stage" if path.differs_by_year else ""
    if path.replay is not None:
        how = f"What is built was decided on {path.replay.shorter} of each stage"
        if path.gap is None or path.gap >= 1:
            return f"{how}: how near that is to the best{told} is not known"
        return f"{how}, within {percent(path.gap, 2)} of the best{told}"
    return f"{'Proved' if path.proved else 'Not proved'} optimal within a gap of {percent(path.gap, 4)}{told}"


def _terms(path: Path) -> str:
    finance, names = path.finance, ", ".join(stage.name for stage in path.stages)
    kind = "of constant worth" if finance.discounting == "real" else "of each year"
    rate = f"discount rate {percent(finance.discount_rate, 2)} ({finance.discounting}), money {kind}"
    return f"{finance.years} years from {path.stages[0].year}, {rate}; stages {names}"


def _alarms(study: PathwayStudy) -> Iterator[str]:
    paths = study.ways if study.reference is None else study.ways | {"reference": study.reference}
    for way, path in paths.items():
        named = "The reference" if way == "reference" else f"The path with {way}"
        if not path.proved:
            yield f"{named} is NOT PROVED OPTIMAL."
        if not path.audits:
            yield f"{named} FAILED ITS AUDIT."
        for run in path.runs:
            unserved = run.result.flows.loc[run.result.flows["port"].astype(str) == "unserved", "rate"]
            if float(unserved.abs().sum()) > 1e-6:
                yield f"{named} leaves demand UNSERVED in {run.years}."
    for rule in rules_of_stages({run.years: run.result for run in study.perfect.runs}):
        if rule["is_broken"]:
            yield f"The path does NOT MEET {rule['policy']}, {rule['rule']}, in {rule['stage']}."


def _verdict(study: PathwayStudy) -> str:
    currency, sheet = study.scenario.plant.currency, study.sheets.get(FORESIGHT)
    years = f"{study.perfect.finance.years} years"
    text = f"All {years} cost {amount(study.perfect.cost, 0)} {currency} at the path's begin"
    if sheet is not None:
        worth = sheet.figures["net_present_value"] or 0.0
        gain = "more" if worth >= 0 else "less"
        text = f"Over {years} the path is worth {amount(abs(worth), 0)} {currency} {gain} than it costs"
    if study.dead_end:
        return f"{text}. Decided stage by stage, there is no plan any more in {study.dead_end}."
    if study.regret is None:
        return f"{text}."
    more = f"{amount(max(study.regret, 0.0), 0)} {currency}"
    return f"{text}. Who decides stage by stage, as if each lasted to the end, pays {more} more."


def _cards(study: PathwayStudy) -> Iterator[Plain]:
    currency, path, sheet = study.scenario.plant.currency, study.perfect, study.sheets.get(FORESIGHT)
    yield {"label": "Cost of the path", "value": amount(path.cost, 0), "unit": currency, "note": "at the path's begin"}
    if sheet is not None:
        told = sheet.figures
        yield _card("Net present value", amount(told["net_present_value"], 0), currency, "beside the reference")
        yield _card("Internal rate of return", percent(told["internal_rate"], 1), "", path.finance.discounting)
        back = "never" if told["payback"] is None else f"{told['payback']:.1f} years"
        yield _card("Payback", back, "", "after the path's begin")
    total = float(path.emissions.sum()) / 1000
    yield _card("Emissions", amount(total, decimals_for(abs(total))), "tCO2e", "all years together")
    avoided = study.avoided(FORESIGHT)
    if avoided is not None:
        yield _card("Carbon avoided", amount(avoided / 1000, decimals_for(abs(avoided) / 1000)), "tCO2e", "all years")


def _card(label: str, value: str, unit: str, note: str) -> Plain:
    return {"label": label, "value": value, "unit": unit, "note": note}
