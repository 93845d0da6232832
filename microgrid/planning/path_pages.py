"""The page of a pathway, its tables and pictures, and each stage's run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.faults import shown
from microgrid.planning.path_limits import path_limits
from microgrid.plots.numbers import amount, decimals_for, percent
from microgrid.plots.pathway import Grown, draw_stages, draw_years
from microgrid.report import render
from microgrid.results import FORMAT, load, save_manifest
from microgrid.run_folders import replacing
from microgrid.running import audited

if TYPE_CHECKING:
    from microgrid.planning.pathway import Path, PathwayStudy

Plain = dict[str, Any]
PAGE = "pathway.html"
FORESIGHT, MYOPIC = "perfect foresight", "stage by stage"


def write(study: PathwayStudy, folder: File) -> None:
    """Write each stage's run, the tables, the pictures and the page beside an old run, and rename them into place."""
    with replacing(folder) as new:
        for way, path in ways(study).items():
            home = new if way == FORESIGHT else new / "myopic"
            for stage, result in zip(path.stages, path.results, strict=True):
                place = home / "stages" / stage.name
                place.mkdir(parents=True)
                result.save(place)
                save_manifest(audited(load(place)).manifest, place)
            path.table.to_parquet(home / "path.parquet", index=False)
            _money(path).to_parquet(home / "money.parquet", index=False)
        save_manifest(manifest_of(study), new)
        pictures = _drawn(study, new)
        (new / PAGE).write_text(render("pathway.html.j2", _context(study, pictures)), encoding="utf-8")


def ways(study: PathwayStudy) -> dict[str, Path]:
    """Return the paths by how they were decided."""
    found = {FORESIGHT: study.perfect}
    return found if study.myopic is None else found | {MYOPIC: study.myopic}


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
        | {key: getattr(outcome, key) for key in keys},
        "total_seconds": study.seconds,
        "pathway": study.manifest | {"limits": path_limits(study.scenario, study.perfect.stages)},
    }


def _money(path: Path) -> pd.DataFrame:
    rows = [
        {"asset": asset, "item": item, "year": np.arange(len(flows)), "amount": flows}
        for (asset, item), flows in path.rows.items()
    ]
    return pd.concat([pd.DataFrame(row) for row in rows], ignore_index=True)


def _drawn(study: PathwayStudy, folder: File) -> dict[str, str]:
    paths, years = ways(study), [stage.year for stage in study.perfect.stages]
    emitted = {way: path.emissions for way, path in paths.items()}
    currency = study.scenario.plant.currency
    figures = {
        "stages": draw_stages(study.scenario.name, years, _grown(study)),
        "years": draw_years(study.scenario.name, currency, years[0], _items(study.perfect), emitted),
    }
    found = {}
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        found[name] = b64encode((folder / f"{name}.png").read_bytes()).decode("ascii")
    return found


def _grown(study: PathwayStudy) -> list[Grown]:
    """Return what stands of each capacity by vintage; what never stands is left out, unless nothing does."""
    paths, count = ways(study), len(study.perfect.stages)
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


def _items(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return what is paid by item, all assets together."""
    found: dict[str, NDArray[np.float64]] = {}
    for (_, item), flows in path.rows.items():
        found[item] = found.get(item, np.zeros(len(flows))) + flows
    return found


def _context(study: PathwayStudy, pictures: dict[str, str]) -> Plain:
    path, scenario, finance = study.perfect, study.scenario, study.perfect.finance
    items = {item: flows for item, flows in _items(path).items() if np.abs(flows).max() > 0}
    net = np.asarray(sum(items.values()))
    outcome, emitted = path.outcomes[0], path.emissions / 1000
    proof = "Proved optimal" if path.proved else "Not proved optimal"
    told = scenario.pathway.fields if scenario.pathway is not None else {}
    return {
        "name": scenario.name,
        "description": scenario.description,
        "currency": scenario.plant.currency,
        "terms": _terms(path),
        "alarms": list(_alarms(study)),
        "verdict": _verdict(study),
        "proof": f"{proof} within a gap of {percent(outcome.gap, 4)}",
        "cards": list(_cards(study)),
        "pictures": pictures,
        "ways": [{"title": way.capitalize(), "rows": list(_rows(each))} for way, each in ways(study).items()],
        "items": list(items),
        "years": [
            {"year": path.stages[0].year + y, "cells": [amount(float(f[y]), 0) for f in items.values()]}
            | {"net": amount(float(net[y]), 0), "emitted": amount(float(emitted[y - 1]), 1) if y else ""}
            for y in range(finance.years + 1)
        ],
        "stages": [stage.name for stage in path.stages],
        "changes": [{"field": field, "values": [shown(value) for value in values]} for field, values in told.items()],
        "limits": path_limits(scenario, path.stages),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "solver": outcome.solver,
        "engine": version("green-microgrid"),
    }


def _terms(path: Path) -> str:
    rate, names = percent(path.finance.real_rate, 2), ", ".join(stage.name for stage in path.stages)
    return f"{path.finance.years} years from {path.stages[0].year}, {rate} interest above inflation; stages {names}"


def _alarms(study: PathwayStudy) -> Iterator[str]:
    for way, path in ways(study).items():
        if not path.proved:
            yield f"The path with {way} is NOT PROVED OPTIMAL."
        if not path.audits:
            yield f"The path with {way} FAILED ITS AUDIT."
        for stage, result in zip(path.stages, path.results, strict=True):
            unserved = result.flows.loc[result.flows["port"].astype(str) == "unserved", "rate"]
            if float(unserved.abs().sum()) > 1e-6:
                yield f"The path with {way} leaves demand UNSERVED in {stage.name}."


def _verdict(study: PathwayStudy) -> str:
    currency = study.scenario.plant.currency
    text = (
        f"All {study.perfect.finance.years} years cost {amount(study.perfect.cost, 0)} {currency} at the path's begin"
    )
    if study.dead_end:
        return f"{text}. Decided stage by stage, there is no plan any more in {study.dead_end}."
    if study.regret is None:
        return f"{text}."
    more = f"{amount(max(study.regret, 0.0), 0)} {currency}"
    return f"{text}. Who decides stage by stage, as if each lasted to the end, pays {more} more."


def _cards(study: PathwayStudy) -> Iterator[Plain]:
    currency = study.scenario.plant.currency
    for way, path in ways(study).items():
        yield {"label": f"Cost, {way}", "value": amount(path.cost, 0), "unit": currency, "note": "at the path's begin"}
    for way, path in ways(study).items():
        total = float(path.emissions.sum()) / 1000
        value = amount(total, decimals_for(abs(total)))
        yield {"label": f"Emissions, {way}", "value": value, "unit": "tCO2e", "note": "all years together"}


def _rows(path: Path) -> Iterator[Plain]:
    for row in path.table.to_dict("records"):
        cells = [row[key] for key in ("stands", "built", "given_up", "ended", "renewed")]
        told = [amount(value, decimals_for(abs(value))) if abs(value) > 1e-6 else "" for value in cells]
        capacity = f"{row['asset']} {row['field']}".replace("_", " ")
        yield {"capacity": capacity, "year": row["year"], "cells": told, "unit": row["unit"]}
