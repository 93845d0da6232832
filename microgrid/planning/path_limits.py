"""What a pathway does not say, as sentences: whoever decides on it should read them beside the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from microgrid.capacity import Fixed, Sized
from microgrid.planning.stages import Stage
from microgrid.scenario import Scenario

_A_YEAR = 0.01


def path_limits(scenario: Scenario, stages: Sequence[Stage]) -> list[str]:
    """Return the limits of a pathway, the general ones last."""
    return [*_horizons(stages), *_growth(scenario), *_capacities(scenario, stages), *_general(scenario)]


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
            f"Growth a year, {', '.join(told)}, runs through all years on top of what the stages state: prices "
            "of later stages belong at the level of the first year, or leave growth out."
        )


def _capacities(scenario: Scenario, stages: Sequence[Stage]) -> Iterator[str]:
    for name, asset in scenario.plant.assets.items():
        for key, capacity in asset.capacities().items():
            where = f"{name}.{key}"
            if isinstance(capacity, Sized) and capacity.interest is not None:
                yield f"{where} has an interest of its own: a pathway discounts by the project's rate instead."
            if capacity.degradation:
                yield f"Ageing of {where} is not counted: what stands gives what is new."
            if isinstance(capacity, Fixed):
                others = [stage.scenario.plant.assets[name].capacities()[key] for stage in stages]
                amounts = {other.amount for other in others if isinstance(other, Fixed)}
                if len(amounts) > 1:
                    yield f"{where} is given, and another one in some stages: what changing it costs is not counted."


def _general(scenario: Scenario) -> Iterator[str]:
    yield "Within a stage every year is like its horizon, known in advance; what changes, changes where a stage begins."
    yield "What comes to its end within a stage is bought anew at once; what is given up early is sold for nothing."
    if scenario.finance.tax is not None or scenario.finance.incentives:
        yield "Money is told before taxes and incentives."
    if not scenario.finance.carbon_is_paid:
        yield "The carbon price decides and stands in the cost, although the scenario says that it is not paid."
