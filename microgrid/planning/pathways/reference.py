"""What a pathway is compared with, over the same stages: the scenario without some assets, or another file."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from microgrid.documents import Document, overridden, read_document, with_values
from microgrid.errors import InputError, Problem
from microgrid.planning.alike import otherwise_decided
from microgrid.planning.pathways.by_year import SECTION, STUDIES, calendar_years, changed_in, unfit_tables
from microgrid.planning.pathways.stages import Stage
from microgrid.planning.reference import unlike_reference
from microgrid.scenario import Scenario, scenario_of

_CAPS = "objective.caps"


def reference_stages(scenario: Scenario, stages: Sequence[Stage]) -> list[Stage]:
    """Return the stages of a scenario's reference; none where it names none.

    Without some assets it is each stage without them. Another file has the values of stages in all that it has too
    (loads, prices, factors), or those of a section ``pathway`` of its own. Caps and the budget bind the path alone.

    Raises
    ------
    InputError
        With every fault of a stage, or what keeps both from being compared.
    """
    named = scenario.reference
    if named is None:
        return []
    if named.without:
        memory: dict[str, Any] = {}
        found = [
            replace(
                stage,
                scenario=_without(stage.scenario, named.without, memory),
                by_year={year: _without(each, named.without, memory) for year, each in stage.by_year.items()},
            )
            for stage in stages
        ]
    else:
        found = _of_file(scenario, stages, named.file)
    problems = [problem for mine, other in zip(stages, found, strict=True)
                for problem in unlike_reference(scenario, mine.scenario, other.scenario)]  # fmt: skip
    document = found[0].scenario.document
    problems += [
        document.placed(fault) for fault in otherwise_decided({each.name: each.scenario.plant for each in found})
    ]
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return found


def _without(scenario: Scenario, names: Sequence[str], memory: MutableMapping[str, Any]) -> Scenario:
    left_out = {f"assets.{name}": "null" for name in names}
    left_out |= {f"footprint.factors.{name}": "null" for name in names if name in scenario.footprint}
    return scenario_of(_uncapped(overridden(scenario.document, left_out)), memory)


def _uncapped(document: Document) -> Document:
    caps = (document.data.get("objective") or {}).get("caps")
    return document if caps is None else with_values(document, [(_CAPS, None, "")])


def _of_file(scenario: Scenario, stages: Sequence[Stage], file: str) -> list[Stage]:
    document = read_document(scenario.document.folder / file)
    as_told = scenario_of(document)
    own = as_told.pathway
    if own is not None and list(own.stages) != [stage.year for stage in stages]:
        place, wanted = document.place((SECTION, "stages")), f"the stages of {scenario.document.files[0].name}"
        raise InputError([Problem(f"{SECTION}.stages", str(own.stages), wanted, "", place)])
    path, source = (own, document) if own is not None else (scenario.pathway, scenario.document)
    assert path is not None
    if own is not None:
        unfit = [document.placed(fault) for fault in unfit_tables(own, as_told.plant.assets, scenario.finance)]
        if unfit:
            raise InputError(unfit)
    found, problems, memory = [], list[Problem](), dict[str, Any]()

    def read(number: int, year: int | None) -> Scenario:
        values = [(name, None, "") for name in STUDIES if name in document.data]
        changed = changed_in(source, path, number, scenario.finance, year)
        values += [each for each in changed if own is not None or _has(document, each[0])]
        return scenario_of(_uncapped(with_values(document, values)), memory)

    for number, stage in enumerate(stages):
        years = calendar_years(stages[0].year, stage.span) if path.by_year else ()
        try:
            by_year = {year: read(number, year) for year in years}
            found.append(replace(stage, scenario=read(number, None), by_year=by_year))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return found


def _has(document: Document, path: str) -> bool:
    """Tell whether a stage's field means anything to the file: caps do not, nor does what it has no place for."""
    if path.startswith(_CAPS):
        return False
    here = document.data
    for part in path.split(".")[:-1]:
        if not isinstance(here, dict) or (part not in here and here is not document.data):
            return False
        here = here.get(part, {})
    return isinstance(here, dict)
