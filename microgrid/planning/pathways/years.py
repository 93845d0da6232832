"""The years of a stage, where tables tell that they differ: each is planned anew with what stands in the stage.

What stands was decided for a mean of these years. How they run is each year's own: its prices, factors and loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from microgrid.errors import MicrogridError
from microgrid.finance_section import Finance
from microgrid.planning.alike import Where, side_by_side
from microgrid.planning.cash_flow import Array, yearly_costs
from microgrid.planning.collected import collected
from microgrid.planning.pathways.deciding import CANNOT_BE
from microgrid.planning.pathways.model import counting, counts_modules, operated, unpriced
from microgrid.planning.pathways.stages import Stage, years_of
from microgrid.planning.pathways.vintages import Span
from microgrid.planning.variants import pinned
from microgrid.plant import Plant
from microgrid.results import Result
from microgrid.running import NoPlanError, Watch, Written, audited, identity_of, settings_of, solved_from
from microgrid.tied_futures import write_futures
from solvers import Plan, solve, templating

_ROOM = 1e-9
"""What stands may be so much larger, and emissions higher, as numbers are that were read from a plan."""


@dataclass(frozen=True, eq=False)
class YearRun:
    """An operation, and the years of the project that it stands for.

    Parameters
    ----------
    stage
        Number of the stage.
    first, last
        Calendar years.
    counts
        1 for these years, 0 for all others, shape (years + 1,).
    result
        The operation, as a run of its own.
    """

    stage: int
    first: int
    last: int
    counts: Array
    result: Result

    @property
    def years(self) -> str:
        """The calendar years."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def plain(self) -> dict[str, Any]:
        """What it costs and emits in each of its years, before growth, and how good it is, as plain data."""
        manifest = self.result.manifest
        return {
            "first": self.first,
            "last": self.last,
            "costs": {" ".join(key): amount for key, amount in yearly_costs(self.result).items()},
            "emissions": {column: emitted_a_year(self.result, column) for column in manifest["emissions"]},
            "proved": manifest["outcome"]["proved"],
            "audit": manifest["audit"],
        }


class NoYearError(MicrogridError):
    """Years that what stands in their stage does not suffice for; `error` is how their solve ended."""

    def __init__(self, years: str, stage: Stage, error: NoPlanError, cure: str = "") -> None:
        self.years, self.error = years, error
        if error.outcome.ended not in CANNOT_BE:
            super().__init__(f"with what stands in the stage {stage.name}, {years} was not planned: {error}")
            return
        super().__init__(
            f"with what stands in the stage {stage.name}, {years} has no plan ({error})\n"
            "   plan the stage with what asks for most of it (planned_with: highest, of tables in pathway.by_year), "
            f"{cure or 'give its caps by year, or let the stage be shorter'}"
        )


def years_planned(
    number: int,
    stage: Stage,
    result: Result,
    left: Mapping[Where, float],
    finance: Finance,
    is_bound: bool = False,
    watch: Watch | None = None,
) -> list[YearRun]:
    """Plan each year of a stage with what stands in it; one run for all of them where no table tells of any.

    Parameters
    ----------
    number, stage
        The stage.
    result
        Its operation as it was decided, with the sizes that it has.
    left
        What share ageing leaves of what is given as a number.
    is_bound
        Whether a budget holds over all years: those of the stage then emit no more together than it was planned to.
    watch
        Called with a Progress while a solver runs.

    Raises
    ------
    NoYearError
        If what stands does not suffice for a year.
    """
    if not stage.by_year:
        last = stage.year + stage.until - stage.begin - 1
        return [YearRun(number, stage.year, last, years_of(stage, finance), result)]
    plants = {year: _with_what_stands(each.plant, result, left) for year, each in stage.by_year.items()}
    results = _together(stage, plants, result, finance, watch) if is_bound else _one_by_one(stage, plants, watch)
    return list(_runs(number, stage, results, finance))


def _with_what_stands(plant: Plant, result: Result, left: Mapping[Where, float]) -> Plant:
    """Return the plant of a year, nothing in it to be decided but how it runs."""
    whole = {(name, key) for name, asset in plant.assets.items() for key in asset.capacities()
             if counts_modules(plant, (name, key))}  # fmt: skip
    loose = {(name, key) for name, asset in plant.assets.items() for key in asset.capacities()} - whole
    sizes = {
        name: {key: size * (1 + _ROOM) if (name, key) in loose else size for key, size in fields.items()}
        for name, fields in result.sizes.items()
    }
    return pinned(unpriced(plant, loose, left), sizes, {})


def _one_by_one(stage: Stage, plants: Mapping[int, Plant], watch: Watch | None) -> dict[int, Result]:
    """Plan one year after the other, each from the plan before; years that are told alike have one plan."""
    found: dict[int, Result] = {}
    written, plan = Written(), None
    for year, plant in plants.items():
        if year - 1 in found and _told_alike(stage, year, year - 1):
            found[year] = found[year - 1]
            continue
        try:
            found[year], plan = _solved(stage, year, plant, written, plan, watch)
        except NoPlanError as error:
            raise NoYearError(str(year), stage, error) from error
    return found


def _solved(
    stage: Stage, year: int, plant: Plant, written: Written, start: Plan | None, watch: Watch | None
) -> tuple[Result, Plan]:
    scenario = stage.by_year[year]
    result, plan = solved_from(plant, settings_of(scenario.solver), watch, identity_of(scenario), start, written)
    return audited(result), plan


def _told_alike(stage: Stage, year: int, other: int) -> bool:
    mine, their = (
        {key: part for key, part in stage.by_year[each].document.data.items() if key != "name"}
        for each in (year, other)
    )
    return mine == their


def _together(
    stage: Stage, plants: Mapping[int, Plant], planned: Result, finance: Finance, watch: Watch | None
) -> dict[int, Result]:
    """Plan all years as one model, in which they emit no more than the stage was planned to."""
    most = len(plants) * emitted_a_year(planned, "emissions")
    by_name = {str(year): counting(plant, most) for year, plant in plants.items()}
    scenario = next(iter(stage.by_year.values()))
    with templating():
        years = write_futures(by_name, dict.fromkeys(by_name, 1.0), "years")
        money, emitted = list[Any](), list[Any]()
        for after, part in enumerate(years.parts.values(), stage.begin):
            money += operated(part, Span(after, after + 1), finance)
            emitted.append(part.ledger.column("emissions") / part.plant.timeline.years)
        highest = most + _ROOM * abs(most)
        years.pyomo.emissions_within_those_of_the_stage = pyo.Constraint(rule=lambda _m: sum(emitted) <= highest)
        years.pyomo.goal = pyo.Objective(rule=lambda _m: sum(money), sense=pyo.minimize)
        settings = replace(settings_of(scenario.solver), method="direct")
        outcome = solve(years.pyomo, settings, watch, load=False, horizon=side_by_side(years.parts.values()))
    if outcome.plan is None:
        cure = "or let pathway.budget be larger: its years emit no more together than the stage was planned to"
        names = f"{min(plants)} to {max(plants)}"
        raise NoYearError(names, stage, NoPlanError(outcome), cure)
    return {year: collected(years.parts[str(year)], stage.by_year[year], outcome) for year in plants}


def _runs(number: int, stage: Stage, results: Mapping[int, Result], finance: Finance) -> list[YearRun]:
    """Return the runs with the years that each stands for; neighbours that have one plan are one."""
    found: list[YearRun] = []
    begin = stage.year - stage.begin
    for year, result in results.items():
        counts = (np.arange(finance.years + 1) == year - begin + 1).astype(float)
        if found and found[-1].result is result:
            found[-1] = replace(found[-1], last=year, counts=found[-1].counts + counts)
        else:
            found.append(YearRun(number, year, year, counts, result))
    return found


def total_emitted(runs: Sequence[YearRun]) -> float:
    """Return what all years of some runs emit, kgCO2e, as the scenario counts it."""
    return sum(float(run.counts.sum()) * emitted_a_year(run.result, "emissions") for run in runs)


def emitted_a_year(result: Result, column: str) -> float:
    """Return what a year of an operation emits by a column of the carbon ledger, kgCO2e."""
    return float(result.manifest["emissions"][column]) / float(result.manifest["horizon"]["years"])
