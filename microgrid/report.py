"""The report of a plan: one HTML file that holds everything, opens anywhere and loads nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from microgrid.caveats import caveats
from microgrid.plots import CAPTIONS
from microgrid.plots.ledgers import BASES, by_category, carbon_unit
from microgrid.plots.numbers import amount, decimals_for, moment, percent, short, steps_told, stock_unit, zone_told
from microgrid.plots.tracks import RELIEFS, SMALL
from microgrid.plots.view import View, curtailed, is_carbon
from microgrid.policies.telling import WORDS, due, indication, lacking_told, reached
from microgrid.report_carbon import carbon_page
from microgrid.results import Result

Plain = dict[str, Any]
STYLE = "report.css"

PLACES = {
    "Dispatch": ("dispatch", "dispatch_least", "energy"),
    "Stocks": ("stocks",),
    "Costs": ("costs",),
    "Carbon": ("sankey",),
    "Duration": ("duration",),
}


def save_report(result: Result, path: Path, pictures: Mapping[str, Path]) -> None:
    """Write the report of a plan.

    Parameters
    ----------
    result
        The plan.
    path
        The HTML file to write.
    pictures
        PNG files by name, as `save_plots` returns them; they are put into the file.
    """
    path.write_text(report(result, pictures), encoding="utf-8")


def report(result: Result, pictures: Mapping[str, Path]) -> str:
    """Return the report of a plan as HTML."""
    return render("report.html.j2", _context(result, pictures))


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return one of the house's templates with its values, as HTML that holds everything and loads nothing."""
    from importlib.resources import files

    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files("microgrid").joinpath("templates")
    sources = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in (template, STYLE)}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(context)


def _context(result: Result, pictures: Mapping[str, Path]) -> Plain:
    view, manifest = View.of(result), result.manifest
    scenario = manifest.get("scenario") or {}
    return {
        "name": view.name.strip() or "Plan",
        "description": str(scenario.get("description") or ""),
        "period": f"{moment(view.times[0])} to {moment(view.end)}, {steps_told(view.hours)}, {_standing_for(view)}",
        "zone": zone_told(view.times[0], view.end),
        "currency": view.currency,
        "colours": view.colours,
        "ending": _ending(view),
        "goals": list(_goals(view)),
        "wishes": "; ".join(_wishes(view)),
        "unserved": list(_reliefs(view, "unserved")),
        "caveats": caveats(result),
        "headlines": list(_headlines(view)),
        "curtailment_known": curtailed(view) is not None,
        "sizes": list(_sizes(view)),
        "costs": _costs(view),
        "carbon": carbon_page(view),
        "balances": [_balance(view, bus) for bus in view.buses],
        "audit": manifest.get("audit"),
        "rules": list(_rules(view)),
        "matching": list(_matching(view)),
        "pictures": _pictures(pictures),
        "replaced": _replaced(view) if pictures else {},
        "provenance": list(_provenance(view)),
    }


def _standing_for(view: View) -> str:
    hours, meant = float(view.hours.sum()), float(view.weighted_hours.sum())
    plain = f"{short(hours / 24)} days" if hours > 48 else f"{hours:g} h"
    return plain if abs(meant - hours) < 1e-6 else f"{plain} that stand for {short(meant / 24)} days"


def _ending(view: View) -> Plain:
    """Return how the solve ended, in words; what is missing is told as missing."""
    outcome = view.manifest.get("outcome") or {}
    goal = str((view.manifest.get("objective") or {}).get("goals", ["cost"])[-1])
    unit = carbon_unit(view.manifest, goal) if is_carbon(goal) else view.currency
    return {
        "proved": bool(outcome.get("proved")),
        "is_joint": bool(view.manifest.get("joint")),
        "sizes_by": (view.manifest.get("replay") or {}).get("told", ""),
        "ended": str(outcome.get("ended", "unknown")),
        "goal": goal,
        "objective": f"{amount(outcome.get('objective'), 2)} {unit}",
        "bound": f"{amount(outcome['bound'], 2)} {unit}" if np.isfinite(outcome.get("bound") or np.nan) else None,
        "gap": percent(outcome.get("gap"), 4),
        "solver": str(outcome.get("solver") or "unknown solver"),
        "seconds": f"{amount(outcome.get('seconds'), 2)} s",
        "total_seconds": f"{amount(view.manifest.get('total_seconds'), 2)} s",
        "extent": ", ".join(f"{outcome.get(part, 0):,} {part}" for part in ("columns", "rows", "integers")),
    }


def _goals(view: View) -> Iterator[Plain]:
    goals = (view.manifest.get("outcome") or {}).get("goals") or []
    for goal in goals if len(goals) > 1 else ():
        values = {key: amount(goal.get(key), 2) for key in ("objective", "bound", "seconds")}
        yield values | {"column": goal["column"], "gap": percent(goal.get("gap"), 4)}


def _wishes(view: View) -> Iterator[str]:
    objective = view.manifest.get("objective") or {}
    if objective.get("goals"):
        yield "Minimised: " + ", then ".join(str(goal).replace("_", " ") for goal in objective["goals"])
    if objective.get("carbon_price"):
        unit = carbon_unit(view.manifest, "emissions").removeprefix("kg")
        yield f"carbon price {short(1000 * objective['carbon_price'])} {view.currency}/t{unit}"
    for column, cap in (objective.get("caps") or {}).items():
        yield f"{str(column).replace('_', ' ')} at most {amount(cap, 2)}"


def _reliefs(view: View, port: str) -> Iterator[Plain]:
    """Return how much of each load was not served."""
    for flow in view.flows:
        total = view.total(flow.along)
        if flow.name == port and total > SMALL:
            share = total / view.total(-_demand(view, flow.asset)) if port in RELIEFS else None
            yield {"asset": flow.asset, "amount": f"{short(total)} {stock_unit(flow.unit)}", "share": percent(share, 2)}


def _demand(view: View, asset: str) -> np.ndarray:
    return next(flow.along for flow in view.flows if flow.asset == asset and view.is_load(flow))


def _headlines(view: View) -> Iterator[Plain]:
    emitted = view.manifest.get("emissions") or {}
    yield _card("Cost", amount(view.result.cost, 2), view.currency)
    if not view.result.emissions.empty:
        apart = [f"scope {n} {short(emitted.get(f'scope_{n}'))}" for n in (1, 3) if emitted.get(f"scope_{n}")]
        for basis in BASES:
            told, unit = f"scopes 1 and 2, {basis}-based", carbon_unit(view.manifest)
            yield _card("Emissions", amount(emitted.get(f"emissions_{basis}"), 1), unit, "; ".join([told, *apart]))
    imports, exports, own = view.grid("import"), view.grid("export"), view.own_generation()
    if imports.max() > SMALL:
        yield _card("Peak import", short(float(imports.max())), "kW", moment(view.times[int(np.argmax(imports))]))
    yield from _own_shares(view, view.total(imports), view.total(exports), view.total(own))
    for port in reversed(RELIEFS):
        for relief in _reliefs(view, port):
            yield _card(port.capitalize(), relief["amount"], "", f"{relief['asset']}, {relief['share']} of its demand")


def _card(label: str, value: str, unit: str, note: str = "") -> Plain:
    return {"label": label, "value": value, "unit": unit, "note": note, "loud": label == "Unserved"}


def _own_shares(view: View, imports: float, exports: float, own: float) -> Iterator[Plain]:
    """Return the shares of own generation, where there is some and no more is exported than it gives."""
    if own <= SMALL:
        return
    yield _card("Own generation", short(own), "kWh")
    if exports <= own:
        yield _card("Self-consumption", percent(1 - exports / own, 1), "", "own generation not exported")
        yield _card("Own share of supply", percent((own - exports) / (own - exports + imports), 1), "")
    spare = curtailed(view)
    if spare is not None:
        lost = view.total(spare)
        yield _card("Curtailed", short(lost), "kWh", f"{percent(lost / (own + lost), 1)} of what sun and wind allowed")


def _sizes(view: View) -> Iterator[Plain]:
    decided, units = view.manifest.get("decided") or {}, view.manifest.get("units") or {}
    for asset, sizes in view.result.sizes.items():
        for field, size in sizes.items():
            if not field.endswith(("_built", "_modules")):
                modules, built = sizes.get(f"{field}_modules"), sizes.get(f"{field}_built")
                yield {
                    "asset": asset,
                    "field": field.replace("_", " "),
                    "size": amount(size, decimals_for(abs(size)) + 1),
                    "unit": units.get(asset, {}).get(field, ""),
                    "decided": field in (decided.get(asset) or {}),
                    "modules": "" if modules is None else f"{round(modules)} modules",
                    "built": "" if built is None else ("built" if round(built) else "not built"),
                }


def _costs(view: View) -> Plain:
    """Return the money ledger by category; the lines sum to the total."""
    table, total = by_category(view.result.costs), view.result.cost
    groups = []
    for category, part in table.groupby("category", sort=False):
        lines = [
            {"asset": asset, "line": line, "amount": amount(value, 2), "share": _share(value, total)}
            for asset, line, value in part[["asset", "line", "amount"]].itertuples(index=False)
        ]
        subtotal = float(part["amount"].sum())
        groups.append(
            {"category": category, "lines": lines, "amount": amount(subtotal, 2), "share": _share(subtotal, total)}
        )
    return {"groups": groups, "total": amount(total, 2)}


def _share(part: float, total: float) -> str:
    return percent(part / total, 1) if total > SMALL else ""


def _balance(view: View, bus: str) -> Plain:
    flows = view.buses[bus]
    rows = [(flow, view.total(np.maximum(flow.along, 0.0)), view.total(np.maximum(-flow.along, 0.0))) for flow in flows]
    supplied, consumed = sum(row[1] for row in rows), sum(row[2] for row in rows)
    decimals = decimals_for(max(supplied, consumed)) + 1
    lines = [
        {
            "asset": flow.asset,
            "port": flow.name.replace("_", " "),
            "supplied": amount(up, decimals) if up > SMALL else "",
            "consumed": amount(down, decimals) if down > SMALL else "",
            "share": percent(max(up / supplied if supplied else 0.0, down / consumed if consumed else 0.0), 1),
        }
        for flow, up, down in sorted(rows, key=lambda row: (row[1] <= SMALL, -row[1], -row[2]))
        if max(up, down) > SMALL
    ]
    sums = {"supplied": amount(supplied, decimals), "consumed": amount(consumed, decimals)}
    return {"bus": bus, "carrier": flows[0].carrier, "unit": stock_unit(flows[0].unit), "lines": lines} | sums


def _matching(view: View) -> Iterator[Plain]:
    """Return what each contract of green energy matched, and whether its rule was kept in every period."""
    for each in view.manifest.get("matching") or ():
        yield {
            "contract": f"{each['asset']}, {each['contract']}",
            "rule": f"by the {each['matching']}",
            "available": short(each["available"]),
            "matched": short(each["matched"]),
            "share": percent(each["matched"] / each["import"] if each["import"] else 0.0, 1),
            "periods": each["periods"],
            "broken": each["broken"],
        }


def _rules(view: View) -> Iterator[Plain]:
    """Return what the plan makes of each rule of its policies, with the figures behind it."""
    for verdict in view.manifest.get("verdicts") or ():
        yield {
            "policy": verdict["policy"],
            "rule": str(verdict["rule"]).replace("_", " "),
            "mode": {"check": "checked", "enforce": "enforced"}[verdict["mode"]],
            "period": f"{verdict['period']}{indication(verdict)}",
            "text": verdict["text"],
            "word": WORDS[verdict["met"]],
            "broken": verdict["met"] is False,
            "known": verdict["met"] is not None,
            "numerator": f"{short(verdict['numerator'])} {verdict['amount_unit']}",
            "denominator": short(verdict["denominator"]),
            "reached": reached(verdict),
            "due": due(verdict),
            "lacking": lacking_told(verdict),
            "assumes": verdict["assumes"],
            "source": f"{verdict['document']}; seen in {verdict['source']} ({verdict['status']})",
        }


def _pictures(pictures: Mapping[str, Path]) -> dict[str, list[Plain]]:
    """Return the pictures by section, as data."""
    placed = {name for names in PLACES.values() for name in names}
    sections = {**PLACES, "Other": tuple(name for name in pictures if name not in placed)}
    return {
        section: [
            {
                "name": name,
                "data": b64encode(pictures[name].read_bytes()).decode("ascii"),
                "caption": CAPTIONS.get(name, name.replace("_", " ")),
            }
            for name in names
            if name in pictures
        ]
        for section, names in sections.items()
    }


def _replaced(view: View) -> dict[str, str]:
    """Return the names that no font could draw, by what stands for them in the pictures."""
    from microgrid.plots.canvas import asset_labels, legible

    return {label: name for name, label in asset_labels(view).items() if not (name.strip() and legible(name))}


def _provenance(view: View) -> Iterator[tuple[str, str]]:
    manifest = view.manifest
    scenario, engine = manifest.get("scenario") or {}, manifest.get("engine") or {}
    outcome = manifest.get("outcome") or {}
    entries = (
        ("Scenario files", ", ".join(scenario.get("files") or ())),
        ("Scenario hash", scenario.get("hash")),
        ("Engine", engine.get("version")),
        ("Python, Pyomo", " and ".join(str(engine[key]) for key in ("python", "pyomo") if key in engine)),
        ("Solver", outcome.get("solver")),
        ("Created", manifest.get("created")),
        ("Format of the run", manifest.get("format")),
    )
    return ((name, str(value)) for name, value in entries if value not in (None, ""))
