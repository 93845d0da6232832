"""The page of an investment as it can be operated: worth and emissions with and without foresight, the regret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from microgrid.planning.study_page import Section, StudyPage, card, saved
from microgrid.plots.numbers import amount, decimals_for, percent
from microgrid.plots.operated import draw_months, draw_regret

if TYPE_CHECKING:
    from microgrid.planning.operating import Operated
    from microgrid.results import Result

PAGE = "operated.html"
HOW = {"perfect": "Foreseen", "operated": "As operated"}
_FORECASTS = {
    "perfect": "loads, sun and wind known in advance",
    "persistence": "loads, sun and wind as at the same time yesterday",
    "week": "loads, sun and wind as in the week before",
}


def save_page(study: Operated, folder: Path) -> None:
    """Draw the pictures and write the page beside them."""
    scenario = study.investment.scenario
    currency, limits = scenario.plant.currency, study.limits
    account = study.plan.result.manifest["simulation"]
    forecast = _FORECASTS.get(account["forecast"], account["forecast"])
    months = operation_by_month(study)
    items = study.regret_by_item
    regret = draw_regret(scenario.name, currency, items) if items else None
    sections = [
        Section("What it is worth", ["", *HOW.values(), ""], [[n, *b, u] for n, b, u in figures_of(study)],
                note="The difference to the reference, which is carried out in the same way."),
        Section("Where the regret comes from", ["", currency], [[n, amount(v, 0)] for n, v in items.items()],
                picture=saved(regret, folder / "regret.png") if regret is not None else "",
                caption="What the investment is worth less than with perfect foresight, by what is paid."),
        Section("Month by month", ["Month", *(f"{how}, {currency}" for how in HOW.values()), "More"],
                [[m, amount(a, 0), amount(b, 0), amount(b - a, 0)] for m, (a, b) in months.items()],
                picture=saved(draw_months(scenario.name, currency, months), folder / "months.png"),
                caption="What the plant's operation costs, annuities and upkeep left out."),
        Section("How it was planned", ["", "Plant", "Reference"], list(_planned(study)),
                note=f"Known to each plan: {forecast}; prices as they are."),
        *_caps(study),
    ]  # fmt: skip
    StudyPage(
        about="as operated",
        terms=f"{study.investment.sheet.finance.years} years; forecast: {forecast}",
        verdict=_verdict(study),
        sections=sections,
        limits=limits,
        alarms=list(_alarms(study)),
        cards=list(_cards(study)),
    ).save(scenario, folder / PAGE)


def figures_of(study: Operated) -> Iterator[tuple[str, list[str], str]]:
    """Give each figure with perfect foresight and as operated, as texts, and its unit."""
    currency, figures = study.investment.scenario.plant.currency, [study.sheets[how].figures for how in HOW]
    for key in ("net_present_value", "first_year"):
        yield key.replace("_", " "), [amount(each[key], 0) for each in figures], currency
    yield "internal rate of return", [percent(each["internal_rate"], 1) for each in figures], ""
    told = ["never" if each["payback"] is None else f"{each['payback']:.1f}" for each in figures]
    yield "payback", told, "years"
    for name in ("plan", "reference"):
        costs = [_operation(study.results[how][name]) for how in HOW]
        yield f"operation of the {name}", [amount(cost, 0) for cost in costs], currency
    for name in ("plan", "reference"):
        tonnes = [study.emissions[how][name] / 1000 for how in HOW]
        yield f"emissions of the {name}, all years", [amount(t, decimals_for(abs(t))) for t in tonnes], "tCO2e"
    avoided = [study.avoided(how) / 1000 for how in HOW]
    yield "carbon avoided", [amount(t, decimals_for(abs(t))) for t in avoided], "tCO2e"


def _operation(result: Result) -> float:
    """Return what a time's operation cost, annuities left out."""
    return float(result.costs.loc[result.costs["category"] != "capital", "amount"].sum())


def operation_by_month(study: Operated) -> dict[str, tuple[float, float]]:
    """Return by month what the plant's operation cost with perfect foresight, and as operated."""
    both = [_by_month(study.results[how]["plan"]) for how in HOW]
    return {month: (both[0].get(month, 0.0), both[1].get(month, 0.0)) for month in dict.fromkeys([*both[0], *both[1]])}


def _by_month(result: Result) -> dict[str, float]:
    costs = result.costs[(result.costs["category"] != "capital") & result.costs["time"].notna()]
    months = pd.DatetimeIndex(costs["time"]).strftime("%Y-%m")
    return {str(month): float(total) for month, total in costs["amount"].groupby(months).sum().items()}


def _planned(study: Operated) -> Iterator[list[str]]:
    told = [each.result.manifest["simulation"] for each in (study.plan, study.reference)]
    yield ["plans", *(str(each["plans"]) for each in told)]
    for rung in dict.fromkeys(rung for each in told for rung in each["rungs"]):
        yield [f"of these {rung}", *(str(each["rungs"].get(rung, 0)) for each in told)]
    yield ["steps that could not be balanced", *(str(each["shortfalls"]) for each in told)]


def _caps(study: Operated) -> Iterator[Section]:
    currency = study.investment.scenario.plant.currency
    rows = [
        [column.replace("_", " "), amount(1000 * kept.price, 1)]
        + [amount(tonnes / 1000, 1) for tonnes in (kept.highest, kept.perfect, kept.operated)]
        + ["kept" if kept.is_kept else "NOT KEPT"]
        for column, kept in study.caps.items()
    ]
    if rows:
        titles = ["Cap on", f"Price in its place, {currency}/t", "Allowed, t", "Foreseen, t", "As operated, t", ""]
        note = (
            "A plan of some days cannot know a cap on the whole horizon: it pays what a tonne is worth in the sizing."
        )
        yield Section("Caps", titles, rows, note=note)


def _verdict(study: Operated) -> str:
    currency = study.investment.scenario.plant.currency
    worth, regret = study.worth("operated"), study.regret
    kind = "less" if regret >= 0 else "more"
    return (
        f"With the plans that one can make the investment is worth {amount(worth, 0)} {currency}, "
        f"{amount(abs(regret), 0)} {currency} {kind} than with perfect foresight."
    )


def _alarms(study: Operated) -> Iterator[str]:
    for name, each in (("plant", study.plan), ("reference", study.reference)):
        manifest = each.result.manifest
        if not manifest["audit"]["passed"]:
            yield f"What was carried out of the {name} FAILED ITS AUDIT."
        if manifest["simulation"]["shortfalls"]:
            yield f"The {name} could NOT BE BALANCED at {manifest['simulation']['shortfalls']} steps."
    for column, kept in study.caps.items():
        if not kept.is_kept:
            yield f"As operated, the cap on {column.replace('_', ' ')} is NOT KEPT."


def _cards(study: Operated) -> Iterator[dict[str, str]]:
    currency = study.investment.scenario.plant.currency
    yield card("Net present value, foreseen", amount(study.worth("perfect"), 0), currency)
    yield card("As operated", amount(study.worth("operated"), 0), currency)
    share = study.regret / abs(study.worth("perfect")) if study.worth("perfect") else None
    yield card(
        "Regret", amount(study.regret, 0), currency, "" if share is None else f"{percent(share, 1)} of the worth"
    )
    tonnes = study.avoided("operated") / 1000
    yield card("Carbon avoided, as operated", amount(tonnes, decimals_for(abs(tonnes))), "tCO2e", "all years")
