"""The stages of a pathway, each a scenario of its own: the file with that stage's values, read as any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from microgrid.documents import Document, with_values
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, RefusedError, did_you_mean, shown
from microgrid.gas_checks import gas_problems
from microgrid.pathway_section import Pathway
from microgrid.planning.alike import Where, decided_in, unlike
from microgrid.reading import Reading, read_number
from microgrid.scenario import Scenario, scenario_of

SECTION = "pathway"
STUDIES = (SECTION, "reference", "uncertainty")


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
    """

    year: int
    begin: int
    until: int
    scenario: Scenario

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.year)


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
    problems = [scenario.document.placed(fault) for fault in _unfit_times(path, scenario)]
    found: list[Stage] = []
    ends = [*(year - path.stages[0] for year in path.stages[1:]), scenario.finance.years]
    for number, (year, until) in enumerate(zip(path.stages, ends, strict=True)):
        try:
            staged = scenario_of(_document(scenario.document, path, number))
            staged = replace(staged, plant=replace(staged.plant, year=year))
            found.append(Stage(year, year - path.stages[0], until, staged))
        except InputError as error:
            problems += error.problems
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


def _document(document: Document, path: Pathway, number: int) -> Document:
    """Return the file as it is in a stage."""
    values = [(name, None, "") for name in STUDIES if name in document.data]
    values += fields_in(document, path, number)
    name = str(document.data.get("name") or document.files[0].stem)
    return with_values(document, [*values, ("name", f"{name}, {path.stages[number]}", "")])


def fields_in(document: Document, path: Pathway, number: int) -> list[tuple[str, Any, str]]:
    """Return what differs in a stage: field, value and place."""
    return [
        (field, each[number], document.place((SECTION, "fields", field, number))) for field, each in path.fields.items()
    ]


def _unfit_times(path: Pathway, scenario: Scenario) -> Iterator[Fault]:
    """Give what does not fit the project's life, and fields that hold for the path as a whole."""
    last, years = path.stages[-1] - path.stages[0], scenario.finance.years
    if last >= years:
        found = f"a stage {last} years after the first, in a project of {years} years"
        cure = "leave it out, or let finance.project_life be longer"
        yield Fault(
            (SECTION, "stages", len(path.stages) - 1), found, "stages that begin before the project's end", cure
        )
    for field in path.fields:
        section = field.partition(".")[0]
        if section in ("finance", "currency", "solver", "site", *STUDIES):
            wanted = "a field that may differ from stage to stage"
            yield Fault(
                (SECTION, "fields", field), f"{section} by stage", wanted, f"{section} holds for the whole path"
            )


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
