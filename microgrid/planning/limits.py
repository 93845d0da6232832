"""What a sizing study does not say, as sentences: whoever decides on it should read them beside the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from microgrid.capacity import Sized
from microgrid.caveats import caveats
from microgrid.planning.cash_flow import Case
from microgrid.scenario import Scenario

_A_YEAR = 0.01


def limits(scenario: Scenario, plan: Case, reference: Case) -> list[str]:
    """Return the limits of a study, the general ones last."""
    return [
        *caveats(plan.result),
        *_horizon(scenario),
        *_policies(scenario),
        *_replay(plan),
        *_wear(plan),
        *_ageing(plan),
        *_bounds(scenario, plan),
        *_unproved(plan, reference),
        *_general(scenario),
    ]


def _horizon(scenario: Scenario) -> Iterator[str]:
    years = scenario.plant.timeline.years
    if abs(years - 1) > _A_YEAR:
        yield (
            f"The horizon stands for {years:.3g} years, and every year is taken to be like it: energy in proportion, "
            "what is billed by the month twelve times the horizon's month. Size on a whole year."
        )


def _policies(scenario: Scenario) -> Iterator[str]:
    plant = scenario.plant
    if plant.policies and plant.year is None:
        yield (
            f"Rules of policies are those of {plant.timeline.index[0].year}, the year of the horizon's calendar: "
            "where the investment is of another year, finance.first_year says so."
        )


def _replay(plan: Case) -> Iterator[str]:
    replay = plan.result.manifest.get("replay")
    if replay:
        yield replay_told(replay)


def replay_told(replay: Mapping[str, Any]) -> str:
    """Say what sizes that were decided on a shorter horizon cost on all of it; `replay` is a Replay as plain data."""
    sure = "how far from the best ones is not known, for the plant has integers"
    if replay["gap"] is not None and replay["gap"] >= 1:
        sure = "how far from the best ones is not known, as the tangent of the cost says too little"
    elif replay["gap"] is not None:
        sure = f"the best ones cost at most {replay['gap']:.2%} less"
    return (
        f"Sizes were decided on {replay['told']} of the horizon and run on all of its steps: they cost "
        f"{abs(replay['difference']):.2%} {'more' if replay['difference'] >= 0 else 'less'} there, and {sure}."
    )


def _wear(plan: Case) -> Iterator[str]:
    """Tell when the wear of cells is paid; parts that renew them beside it are refused by the battery itself."""
    worn = {str(name) for name in plan.result.costs.loc[plan.result.costs["category"] == "wear", "asset"].unique()}
    for name in sorted(worn):
        yield (
            f"The wear of {name} counts as paid when it happens, as money set aside for new cells, not in the year "
            "in which they are bought."
        )


def _ageing(plan: Case) -> Iterator[str]:
    for loss in plan.losses:
        yield (
            f"Ageing of {loss.asset}: the operation was computed for {loss.least:.1%} of its {loss.field}, the least "
            "that is left of it; years in between count in proportion to what is lost. Sizes were decided as if new."
        )


def _bounds(scenario: Scenario, plan: Case) -> Iterator[str]:
    """Tell which sizes are as large as they may be: more might be better."""
    for name, asset in scenario.plant.assets.items():
        for key, capacity in asset.capacities().items():
            if isinstance(capacity, Sized) and plan.result.sizes[name][key] >= capacity.high * (1 - 1e-6) > 0:
                yield f"{name}.{key} is as large as it may be ({capacity.high:g}): more of it might pay."


def _unproved(plan: Case, reference: Case) -> Iterator[str]:
    for name, case in (("plan", plan), ("reference", reference)):
        outcome = case.result.manifest["outcome"]
        if not outcome["proved"]:
            yield f"The {name} is not proved optimal ({outcome['ended']}): its cost may be too high."
        if not case.result.manifest["audit"]["passed"]:
            yield f"The {name} FAILED its audit: do not use these numbers before that is understood."


def _general(scenario: Scenario) -> Iterator[str]:
    finance = scenario.finance
    yield (
        "One year stands for all: the same weather, load and production in each, known in advance; prices grow only as "
        "the scenario says."
    )
    before = "tax, incentives, " if finance.tax is not None or finance.incentives else ""
    yield (
        f"Sizes were decided by the cost of a year with annuities over each lifetime, without {before}growth of prices "
        "and residual values; the money over the years counts all of them."
    )
    if finance.tax is not None and finance.tax.losses == "offset":
        yield "Losses lower the company's other taxes in the same year."
