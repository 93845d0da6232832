"""The page of alternatives: the range of each size, the plans within it, what each costs and emits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid.planning.study_page import Section, StudyPage, card, saved
from microgrid.plots.alternatives import Ranged, draw_ranges
from microgrid.plots.numbers import amount, decimals_for, percent

if TYPE_CHECKING:
    from microgrid.planning.alike import Where
    from microgrid.planning.alternatives import Alternative, AlternativesStudy

PAGE, PICTURE = "alternatives.html", "alternatives.png"
_NARROW, _WIDE = 0.1, 0.5
_LIMITS = (
    "The range of a size is that of it alone: not all of them can be had at once. The plans of the table are whole.",
    "Costs are those of the horizon with annuities over each lifetime, without taxes, growth and residual values.",
    "One year stands for all: the same weather, load and production in each, known in advance.",
)


def save_page(study: AlternativesStudy, folder: Path) -> None:
    """Draw the picture and write the page beside it."""
    scenario, within = study.scenario, percent(study.within, 1)
    ranges = [_ranged(study, where) for where in study.decided]
    currency = scenario.plant.currency
    names = [f"{' '.join(where)}, {each.unit}".replace("_", " ") for where, each in
             zip(study.decided, ranges, strict=True)]  # fmt: skip
    table = ["Plan", f"Cost, {currency}", "Costs more", "tCO2e", *names]
    sections = [
        Section("What is free to be decided", ["Size", "Unit", "Least", "Cheapest plan", "Most", "May be", "Free"],
                [_range(each) for each in ranges], words=2,
                picture=saved(draw_ranges(scenario.name, within, ranges), folder / PICTURE),
                caption=f"How far each size can go while the plan costs at most {within} more than the cheapest.",
                note="Free: the range as a share of the most that may be built."),
        Section("Plans", table, [_plan(study, plan) for plan in study.plans],
                note="Each as cheap as its sizes allow."),
    ]  # fmt: skip
    StudyPage(
        about="what else could be built",
        terms=f"Plans that cost at most {within} more than the cheapest; {len(study.plans)} of them were made",
        verdict=_verdict(study, ranges),
        sections=sections,
        limits=_LIMITS,
        alarms=list(_alarms(study)),
        cards=list(_cards(study)),
    ).save(scenario, folder / PAGE)


def _ranged(study: AlternativesStudy, where: Where) -> Ranged:
    asset, field = where
    technology = study.scenario.plant.assets[asset]
    others = [plan.size(where) for plan in study.plans[1:]]
    label, unit = f"{asset} {field}".replace("_", " "), technology.capacity_units()[field]
    high = technology.capacities()[field].high
    return Ranged(label, unit, high, *study.ranges[where], study.plans[0].size(where), others)


def _share(each: Ranged) -> float:
    return (each.most - each.least) / each.high if each.high > 0 else 0.0


def _range(each: Ranged) -> list[str]:
    sizes = (each.least, each.cheapest, each.most, each.high)
    return [each.label, each.unit, *(amount(size, decimals_for(abs(size))) for size in sizes), percent(_share(each))]


def _plan(study: AlternativesStudy, plan: Alternative) -> list[str]:
    cheapest, tonnes = study.plans[0].cost, plan.result.manifest["emissions"]["emissions"] / 1000
    more = percent(plan.cost / cheapest - 1, 2) if cheapest else ""
    sizes = [plan.size(where) for where in study.decided]
    return [
        plan.name + ("" if plan.proved else " (NOT PROVED)"),
        amount(plan.cost, 0),
        more,
        amount(tonnes, decimals_for(abs(tonnes))),
        *(amount(size, decimals_for(abs(size))) for size in sizes),
    ]


def _verdict(study: AlternativesStudy, ranges: list[Ranged]) -> str:
    """Say which sizes may be decided by something else than cost, and which may not."""
    free = [each.label for each in ranges if _share(each) >= _WIDE]
    bound = [each.label for each in ranges if _share(each) <= _NARROW]
    told = [
        f"free to be decided by more than cost: {', '.join(free)}" if free else "",
        f"held by the cost: {', '.join(bound)}" if bound else "",
    ]
    words = "; ".join(each for each in told if each) or "each size has some room"
    return f"For {percent(study.within, 1)} more than the least cost, {words}."


def _alarms(study: AlternativesStudy) -> Iterator[str]:
    if not study.audited:
        yield "A plan FAILED ITS AUDIT."
    if not study.proved:
        yield "A plan is NOT PROVED: ranges may be wider than told."


def _cards(study: AlternativesStudy) -> Iterator[dict[str, str]]:
    currency = study.scenario.plant.currency
    yield card("Least cost", amount(study.plans[0].cost, 0), currency, "of the horizon, annuities included")
    cleanest = min(study.plans, key=lambda plan: float(plan.result.manifest["emissions"]["emissions"]))
    both = [float(plan.result.manifest["emissions"]["emissions"]) / 1000 for plan in (study.plans[0], cleanest)]
    yield card("Emissions of the cheapest", amount(both[0], decimals_for(abs(both[0]))), "tCO2e")
    yield card("The cleanest of these", amount(both[1], decimals_for(abs(both[1]))), "tCO2e", cleanest.name)
