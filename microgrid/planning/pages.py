"""The page for an investment meeting: what to build, its money over the years, carbon, sensitivities, limits."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid.planning.page_policies import broken_rules, policy_rows
from microgrid.plots.numbers import amount, decimals_for, larger_unit, moment, percent, short
from microgrid.report import render

if TYPE_CHECKING:
    from microgrid.planning.sizing import Investment

Plain = dict[str, Any]
PAGE = "investment.html"
_COLUMNS = {
    "scope_1": "scope 1",
    "scope_2_location": "scope 2, location-based",
    "scope_2_market": "scope 2, market-based",
    "scope_3": "scope 3",
}
DISPATCH = ("dispatch", "dispatch_least")
"""Pictures of a plan's typical weeks."""


def save_pages(investment: Investment, folder: Path, pictures: Mapping[str, Path]) -> Path:
    """Draw the pictures of an investment and write its page; return the page.

    Parameters
    ----------
    pictures
        The plan's own pictures, of which the typical weeks are shown.
    """
    drawn = _drawn(investment, folder)
    shown = drawn | {name: pictures[name] for name in DISPATCH if name in pictures}
    page = folder / PAGE
    page.write_text(investment_page(investment, shown), encoding="utf-8")
    return page


def investment_page(investment: Investment, pictures: Mapping[str, Path]) -> str:
    """Return the page as HTML that holds everything and loads nothing."""
    return render("investment.html.j2", _context(investment, pictures))


def _drawn(investment: Investment, folder: Path) -> dict[str, Path]:
    from microgrid.plots.investment import money_over_years, tornado

    result, sheet = investment.plan.result, investment.sheet
    figures = {"money": money_over_years(result, sheet.items, sheet.rate)}
    if investment.sensitivities:
        worth = sheet.figures["net_present_value"] or 0.0
        swings = [(s.assumption, s.less, s.more, s.with_less, s.with_more) for s in investment.sensitivities]
        figures["sensitivities"] = tornado(result, swings, worth)
    paths = {}
    for name, figure in figures.items():
        paths[name] = folder / f"{name}.png"
        figure.savefig(paths[name], metadata={"Software": None})
    return paths


def _context(investment: Investment, pictures: Mapping[str, Path]) -> Plain:
    scenario, sheet = investment.scenario, investment.sheet
    finance, manifest = sheet.finance, investment.plan.result.manifest
    timeline = scenario.plant.timeline
    kind = "of constant worth" if finance.discounting == "real" else "of each year"
    return {
        "name": scenario.name,
        "description": scenario.description,
        "currency": scenario.plant.currency,
        "reference": scenario.reference.told if scenario.reference is not None else "",
        "period": f"{moment(timeline.index[0])} to {moment(timeline.end)}",
        "terms": f"{finance.years} years, discount rate {percent(finance.discount_rate, 2)} "
        f"({finance.discounting}), money {kind}",
        "alarms": _alarms(investment),
        "verdict": _verdict(investment),
        "cards": list(_cards(investment)),
        "sizes": list(_sizes(investment)),
        "items": _items(investment),
        "years": [_year(investment, year) for year in range(finance.years + 1)],
        "levelised": [_levelised(each) for each in (*investment.buses, *investment.sources)],
        "carbon": list(_carbon(investment)),
        "sensitivities": [
            {"assumption": each.assumption, "less": each.less, "more": each.more}
            | {"with_less": amount(each.with_less, 0), "with_more": amount(each.with_more, 0)}
            for each in investment.sensitivities
        ],
        "rules": list(policy_rows(investment.plan.result, investment.reference.result)),
        "limits": investment.limits,
        "pictures": {name: b64encode(path.read_bytes()).decode("ascii") for name, path in pictures.items()},
        "created": str(manifest.get("created", "")),
        "solver": str((manifest.get("outcome") or {}).get("solver", "")),
        "proof": _proof(manifest),
        "engine": str((manifest.get("engine") or {}).get("version", "")),
    }


def _alarms(investment: Investment) -> list[str]:
    """Return what must not be overlooked."""
    found = []
    for name, case in investment.cases.items():
        manifest = case.result.manifest
        if not manifest["outcome"]["proved"]:
            found.append(f"The {name} is NOT PROVED OPTIMAL.")
        if not manifest["audit"]["passed"]:
            found.append(f"The {name} FAILED ITS AUDIT.")
        unserved = case.result.flows.loc[case.result.flows["port"].astype(str) == "unserved", "rate"]
        if float(unserved.abs().sum()) > 1e-6:
            found.append(f"The {name} leaves demand UNSERVED.")
    broken = broken_rules(investment.plan.result)
    if broken:
        found.append(f"The plan does NOT MEET {'; '.join(broken)}.")
    return found


def _proof(manifest: Mapping[str, Any]) -> str:
    """Say how good the sizes are, for what they were decided by."""
    replay, outcome = manifest.get("replay"), manifest["outcome"]
    told = "of the cost of a year with annuities"
    if replay:
        how = f"Sizes were decided on {replay['told']}"
        if replay["gap"] is None:
            return f"{how}: how near to the best {told} is not known"
        return f"{how}, within {percent(replay['gap'], 2)} {told}"
    within = f"within a gap of {percent(outcome.get('gap'), 4)} {told}"
    return f"Proved optimal {within}" if outcome["proved"] else f"Not proved optimal; {within}"


def _verdict(investment: Investment) -> str:
    """Say in a sentence whether it pays."""
    figures, currency = investment.sheet.figures, investment.scenario.plant.currency
    worth = figures["net_present_value"] or 0.0
    if not (figures["investment"] or 0.0):
        return "Nothing is worth building at these prices."
    gain = "more" if worth >= 0 else "less"
    return (
        f"Over {investment.sheet.finance.years} years it is worth {_money(abs(worth), currency)} {gain} than it costs."
    )


def _money(value: float, currency: str) -> str:
    factor, unit = larger_unit(currency, abs(value))
    return f"{short(value / factor)} {unit}"


def _cards(investment: Investment) -> Iterator[Plain]:
    figures, currency = investment.sheet.figures, investment.scenario.plant.currency
    paid = "at the start, grants taken off, more than the reference"
    yield _card("Investment", amount(figures["investment"], 0), currency, paid)
    yield _card("Net present value", amount(figures["net_present_value"], 0), currency)
    yield _card("Internal rate of return", percent(figures["internal_rate"], 1), "", _of_rate(investment))
    yield _card("Payback", _years(figures["payback"]), "", f"discounted {_years(figures['discounted_payback'])}")
    yield _card("First year", amount(figures["first_year"], 0), currency, "more than the reference")
    avoided = investment.avoided
    decimals = decimals_for(abs(avoided) / 1000)
    yield _card("Carbon avoided", amount(avoided / 1000, decimals), "tCO2e", "over the project's life")
    if investment.abatement_cost is not None:
        cost = amount(1000 * investment.abatement_cost, 1)
        yield _card("Cost of avoiding", cost, f"{currency}/tCO2e", "below zero: it earns")


def _of_rate(investment: Investment) -> str:
    sheet = investment.sheet
    return "none, or no single one" if sheet.figures["internal_rate"] is None else sheet.finance.discounting


def _years(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} years"


def _card(label: str, value: str, unit: str, note: str = "") -> Plain:
    return {"label": label, "value": value, "unit": unit, "note": note}


def _sizes(investment: Investment) -> Iterator[Plain]:
    manifest, other = investment.plan.result.manifest, investment.reference.result
    for asset, fields in manifest["decided"].items():
        for field, unit in fields.items():
            size = investment.plan.result.sizes[asset][field]
            before = other.sizes.get(asset, {}).get(field)
            spent = sum(p.price for p in investment.plan.bought if (p.asset, p.what, p.time) == (asset, field, 0.0))
            yield {
                "asset": asset,
                "field": field.replace("_", " "),
                "size": amount(size, decimals_for(abs(size))),
                "unit": unit,
                "reference": "" if before is None else amount(before, decimals_for(abs(before))),
                "price": amount(spent, 0) if spent else "",
            }


def _items(investment: Investment) -> list[str]:
    return [item for item, flows in investment.sheet.items.items() if np.abs(flows).max() > 0]


def _year(investment: Investment, year: int) -> Plain:
    sheet = investment.sheet
    items = sheet.items
    return {
        "year": year,
        "items": [amount(float(items[item][year]), 0) for item in _items(investment)],
        "net": amount(float(sheet.net[year]), 0),
        "running": amount(float(sheet.running[year]), 0),
    }


def _levelised(each: Any) -> Plain:
    return {"of": each.of, "cost": amount(each.cost, 4), "unit": each.unit}


def _carbon(investment: Investment) -> Iterator[Plain]:
    emitted = investment.emissions
    for column, words in _COLUMNS.items():
        both = [emitted[name][column] / 1000 for name in ("reference", "plan")]
        if any(both):
            decimals = decimals_for(max(abs(value) for value in both))
            cells = [amount(value, decimals) for value in (*both, both[0] - both[1])]
            yield {"column": words, "cells": cells}
