"""What a pathway does not say, as sentences: whoever decides on it should read them beside the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from microgrid.capacity import Fixed, Sized
from microgrid.planning.limits import replay_told
from microgrid.planning.pathways.model import counts_modules
from microgrid.planning.pathways.paths import FORESIGHT, PathwayStudy
from microgrid.planning.pathways.stages import Stage
from microgrid.scenario import Scenario

_A_YEAR = 0.01


def path_limits(study: PathwayStudy) -> list[str]:
    """Return the limits of a pathway, the general ones last."""
    scenario, stages = study.scenario, study.perfect.stages
    return [
        *_horizons(stages),
        *([] if study.perfect.replay is None else [replay_told(study.perfect.replay.plain)]),
        *_growth(scenario),
        *_years(study),
        *_capacities(scenario, stages),
        *_bounds(study),
        *_compared(study),
        *_general(scenario),
    ]


def _horizons(stages: Sequence[Stage]) -> Iterator[str]:
    for stage in stages:
        years = stage.scenario.plant.timeline.years
        if abs(years - 1) > _A_YEAR:
            yield (
                f"The horizon of {stage.name} stands for {years:.3g} years: energy counts in proportion, what is "
                "billed by the month twelve times the horizon's month. Plan whole years."
            )


def _growth(scenario: Scenario) -> Iterator[str]:
    told = [f"{key} {rate:+.2%}" for key, rate in scenario.finance.growth.items() if rate]
    if told:
        yield (
            f"Growth a year, {', '.join(told)}, runs through all years on top of what stages and tables state: prices "
            "of later years belong at the level of the first year, or leave growth out."
        )


def _years(study: PathwayStudy) -> Iterator[str]:
    """Tell how stages stand for years that differ, and what difference that makes."""
    path, section = study.perfect, study.scenario.pathway
    if section is None or not path.differs_by_year:
        return
    yield (
        f"Within a stage years differ in what tables say ({', '.join(section.by_year)}): what is built is decided with "
        "one value for all of them, and each year is then planned anew with what stands; all else is alike."
    )
    more = path.cost - path.decided_cost
    share = abs(more) / max(abs(path.cost), 1.0)
    word = "more" if more > 0 else "less"
    yield (
        f"Year by year the path costs {share:.2%} {word} than it was decided by, and its gap is that of the decision: "
        "shorter stages come nearer."
    )


def _capacities(scenario: Scenario, stages: Sequence[Stage]) -> Iterator[str]:
    for name, asset in scenario.plant.assets.items():
        for key, capacity in asset.capacities().items():
            where = f"{name}.{key}"
            if isinstance(capacity, Sized) and capacity.interest is not None:
                yield f"{where} has an interest of its own: a pathway discounts by the project's rate instead."
            if capacity.degradation and counts_modules(scenario.plant, (name, key)):
                yield f"Ageing of {where} is not counted, as whole modules are: what stands gives what is new."
            elif capacity.degradation:
                yield f"Ageing of {where}: in each stage it gives what is left of it on the mean of the stage's years."
            if isinstance(capacity, Fixed):
                others = [stage.scenario.plant.assets[name].capacities()[key] for stage in stages]
                amounts = {other.amount for other in others if isinstance(other, Fixed)}
                if len(amounts) > 1:
                    yield f"{where} is given, and another one in some stages: what changing it costs is not counted."


def _general(scenario: Scenario) -> Iterator[str]:
    if scenario.pathway is None or not scenario.pathway.by_year:
        yield "Within a stage every year is like its horizon: what changes, changes where a stage begins."
    yield "Every year's hours are known in advance."
    if scenario.plant.policies:
        yield "Rules of policies are those of each stage's year, in which it is commissioned unless the scenario says."
    yield "What comes to its end within a stage is bought anew at once; what is given up early is sold for nothing."
    if scenario.finance.tax is not None or scenario.finance.incentives:
        yield "Taxes and incentives count in the money beside the reference; what is built was decided without them."
    if scenario.finance.tax is not None:
        yield "What is given up goes on to be written off over its years; losses and taxes are those of the comparison."
    if not scenario.finance.carbon_is_paid:
        yield "The carbon price decides, and stands in the cost of the path; beside the reference it is not paid."


def _bounds(study: PathwayStudy) -> Iterator[str]:
    """Tell which capacities are as large as they may be in a stage."""
    for row in study.perfect.table.to_dict("records"):
        stage = next(each for each in study.perfect.stages if each.year == row["year"])
        high = stage.scenario.plant.assets[row["asset"]].capacities()[row["field"]].high
        if row["stands"] >= high * (1 - 1e-6) > 0:
            yield f"{row['asset']}.{row['field']} is as large as it may be in {row['year']} ({high:g}): more might pay."


def _compared(study: PathwayStudy) -> Iterator[str]:
    """Tell what the reference does not do that the path has to."""
    if study.reference is None:
        yield "The scenario names no reference: there is no net present value, and taxes and incentives are not told."
        return
    running = study.sheets[FORESIGHT].running
    back = np.flatnonzero(running >= 0)
    if len(back) and (running[back[0] :] < 0).any():
        year = study.perfect.stages[0].year + int(back[0] + np.flatnonzero(running[back[0] :] < 0)[0])
        yield f"Payback is told as of the first time: in {year} later investments take the sum below zero again."
    known = study.reference.vintages
    for where, stood in study.perfect.standing.items():
        if where not in known and stood.amount:
            yield f"{'.'.join(where)} stands already, but not in the reference, which does without it."
    for stage in study.perfect.stages:
        cap = stage.scenario.plant.objective.caps.get("emissions")
        years = stage.scenario.plant.timeline.years
        emitted = float(study.reference.emissions[stage.begin : stage.until].max())
        if cap is not None and emitted > cap / years * (1 + 1e-6):
            yield (
                f"The reference emits {emitted / 1000:,.1f} t a year in the stage {stage.name}, more than the cap "
                "allows: caps and budget bind the path alone."
            )
    budget = study.scenario.pathway.budget if study.scenario.pathway is not None else None
    if budget is not None and float(study.reference.emissions.sum()) > budget * (1 + 1e-6):
        yield f"The reference emits {study.reference.emissions.sum() / 1000:,.1f} t in all, more than the budget."
