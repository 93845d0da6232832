"""The stages of a pathway, each a scenario of its own: the file with that stage's values, read as any other.

Where tables by calendar year change fields, so is each year of a stage, and the stage is planned with a mean of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from microgrid.documents import Document, with_values
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, RefusedError, did_you_mean, shown
from microgrid.finance_section import Finance
from microgrid.gas_checks import gas_problems
from microgrid.pathway_section import Pathway
from microgrid.planning.alike import Where, decided_in, unlike
from microgrid.planning.cash_flow import Array
from microgrid.planning.pathways.by_year import (
    SECTION,
    STUDIES,
    calendar_years,
    changed_in,
    spans_of,
    unfit_tables,
)
from microgrid.planning.pathways.vintages import Span
from microgrid.reading import Reading, read_number
from microgrid.scenario import Scenario, scenario_of


@dataclass(frozen=True)
class Stage:
    """A stretch of years that are alike.

    Parameters
    ----------
    year
        Calendar year in which it begins.
    begin, until
        Whole years from the first stage's begin to its own, and to its end.
    scenario
        What is planned then.
    by_year
        What each of its calendar years is like; empty where they are all like the stage.
    """

    year: int
    begin: int
    until: int
    scenario: Scenario
    by_year: Mapping[int, Scenario] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.year)

    @property
    def span(self) -> Span:
        """Its begin and its end."""
        return Span(self.begin, self.until)


def years_of(stage: Stage, finance: Finance) -> Array:
    """Return 1 for the years of a stage, 0 for all others, shape (years + 1,)."""
    years = np.arange(finance.years + 1)
    return ((years > stage.begin) & (years <= stage.until)).astype(float)


class Standing(NamedTuple):
    """What of a capacity stands when the path begins, and for how many years."""

    amount: float
    remaining_life: float


def stages_of(scenario: Scenario) -> tuple[list[Stage], dict[Where, Standing]]:
    """Return a scenario's stages, and what stands before the first of them.

    Raises
    ------
    InputError
        With every fault of every stage, each with file and line.
    """
    path = scenario.pathway
    if path is None:
        cure = "such as pathway: {stages: [2026, 2030], fields: {objective.carbon_price: [80 EUR/tCO2, 120 EUR/tCO2]}}"
        place = scenario.document.place(())
        raise InputError([Problem(SECTION, "missing", "the stages of the investment", cure, place)])
    unfit = [*_unfit_times(path, scenario), *unfit_tables(path, scenario.plant.assets, scenario.finance)]
    problems = [scenario.document.placed(fault) for fault in unfit]
    if problems and path.by_year:  # years of which nothing is said cannot be read
        raise InputError(sorted(problems, key=scenario.document.order))
    found: list[Stage] = []
    memory: dict[str, Any] = {}
    for number in range(len(path.stages)):
        try:
            found.append(_stage(scenario, path, number, memory))
        except InputError as error:
            problems += [each for each in error.problems if not _has_told(problems, each, path)]
    if len(found) == len(path.stages):
        problems += [scenario.document.placed(fault) for fault in _unlike(found)]
        problems += [scenario.document.placed(problem) for problem in _gas_of_budget(path, found[0].scenario)]
    standing = {}
    for key in path.standing:
        try:
            standing.update(_standing(key, path, scenario))
        except RefusedError as error:
            told = (fault for fault in error.faults if isinstance(fault, Fault))
            problems += [scenario.document.placed(fault.under((SECTION, "standing", key))) for fault in told]
    if problems:
        raise InputError(sorted(dict.fromkeys(problems), key=scenario.document.order))
    return found, standing


def _has_told(problems: Sequence[Problem], problem: Problem, path: Pathway) -> bool:
    """Tell whether a fault of a table is no news, as it was told of an earlier stage."""
    is_of_table = any(f"{problem.where}.".startswith(f"{name}.") for name in path.by_year)
    return is_of_table and problem.where in {each.where for each in problems}


def _stage(scenario: Scenario, path: Pathway, number: int, memory: MutableMapping[str, Any]) -> Stage:
    """Read a stage, and before it each of its years where tables tell of them: their faults are in the file's words."""
    year, span = path.stages[number], spans_of(path, scenario.finance)[number]

    def read(of: int | None) -> Scenario:
        told = scenario_of(_document(scenario, path, number, of), memory)
        return replace(told, plant=replace(told.plant, year=year))

    years = calendar_years(path.stages[0], span) if path.by_year else ()
    by_year = {each: read(each) for each in years}
    return Stage(year, round(span.begin), round(span.until), read(None), by_year)


def _document(scenario: Scenario, path: Pathway, number: int, year: int | None) -> Document:
    """Return the file as it is in a stage, or in one of its years."""
    document = scenario.document
    values = [(name, None, "") for name in STUDIES if name in document.data]
    values += changed_in(document, path, number, scenario.finance, year)
    name = str(document.data.get("name") or document.files[0].stem)
    when = path.stages[number] if year is None else year
    return with_values(document, [*values, ("name", f"{name}, {when}", "")])


def _unfit_times(path: Pathway, scenario: Scenario) -> Iterator[Fault]:
    """Give what does not fit the project's life, and fields that hold for the path as a whole."""
    last, years = path.stages[-1] - path.stages[0], scenario.finance.years
    if last >= years:
        found = f"a stage {last} years after the first, in a project of {years} years"
        cure = "leave it out, or let finance.project_life be longer"
        yield Fault(
            (SECTION, "stages", len(path.stages) - 1), found, "stages that begin before the project's end", cure
        )
    for name in path.fields:
        section = name.partition(".")[0]
        if section in ("finance", "currency", "solver", "site", *STUDIES):
            wanted = "a field that may differ from stage to stage"
            yield Fault((SECTION, "fields", name), f"{section} by stage", wanted, f"{section} holds for the whole path")


def _unlike(stages: Sequence[Stage]) -> Iterator[Fault]:
    """Give what must be alike in all stages, and caps that money over the years cannot have."""
    for stage in stages:
        for column in ("cost", "capital"):
            if column in stage.scenario.plant.objective.caps:
                found = f"a cap on {column}"
                yield Fault(("objective", "caps", column), found, "a cap on what a stage's operation costs or emits")
    yield from unlike({stage.name: stage.scenario.plant for stage in stages})


def _gas_of_budget(path: Pathway, scenario: Scenario) -> Iterator[Problem]:
    """Give a budget that counts another kind of gas than the emissions that it bounds."""
    if path.budget is not None:
        plant, told = scenario.plant, {f"{SECTION}.budget": ("emissions", path.budget)}
        yield from gas_problems(plant.assets, plant.objective.scopes, plant.accounting, told)


def _standing(key: str, path: Pathway, scenario: Scenario) -> dict[Where, Standing]:
    """Return what stands of a capacity, named as ``boiler.capacity``."""
    assets, stood = scenario.plant.assets, path.standing[key]
    known = {".".join(where): where for where in decided_in(assets)}
    if key not in known:
        wanted = f"a capacity to be decided: {', '.join(known)}"
        raise RefusedError([Fault((), f"no such capacity as {shown(key)}", wanted, did_you_mean(key, known))])
    name, field = where = known[key]
    unit, capacity = assets[name].capacity_units()[field], assets[name].capacities()[field]
    reading = Reading(scenario.plant.currency, scenario.document.folder)
    try:
        amount, _ = read_number(stood.amount, (unit,), reading)
    except RefusedError as error:
        raise RefusedError(f.under(("amount",)) for f in error.faults if isinstance(f, Fault)) from None
    if not 0 <= amount <= capacity.high:
        wanted = f"from 0 to {capacity.high:g} {unit}, the most that there may be"
        raise RefusedError([Fault(("amount",), shown(stood.amount), wanted)])
    module = getattr(capacity, "unit_size", None)
    if module is not None and abs(amount / module - round(amount / module)) > 1e-6:
        raise RefusedError([Fault(("amount",), shown(stood.amount), f"whole modules of {module:g} {unit}")])
    return {where: Standing(amount, stood.remaining_life)}
