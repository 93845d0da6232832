"""The futures that a plant is sized for, each a scenario of its own: the file with that future's values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from microgrid.documents import Document, with_values
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault
from microgrid.planning.alike import unlike
from microgrid.scenario import Scenario, scenario_of
from microgrid.uncertainty_section import Uncertainty

SECTION = "uncertainty"
_STUDIES = (SECTION, "pathway", "reference")
_WHOLE = ("currency", "solver", "site", "finance", *_STUDIES)


@dataclass(frozen=True)
class FutureYear:
    """One year that may come.

    Parameters
    ----------
    name
        What it is called.
    probability
        How likely it is; all together 1.
    scenario
        What is planned then.
    """

    name: str
    probability: float
    scenario: Scenario


def futures_of(scenario: Scenario) -> list[FutureYear]:
    """Return the futures of a scenario.

    Raises
    ------
    InputError
        With every fault of every future, each with file and line.
    """
    told, document = scenario.uncertainty, scenario.document
    if told is None:
        cure = "such as uncertainty: {futures: {usual: {}, dear: {fields: {assets.grid.import_price: 0.3 EUR/kWh}}}}"
        raise InputError([Problem(SECTION, "missing", "the futures to size for", cure, document.place(()))])
    problems = [document.placed(fault) for fault in _fields_of_the_whole(told)]
    found: list[FutureYear] = []
    for name, probability in told.probabilities.items():
        try:
            found.append(FutureYear(name, probability, scenario_of(_document(document, told, name))))
        except InputError as error:
            problems += error.problems
    if len(found) == len(told.futures):
        plants = {future.name: future.scenario.plant for future in found}
        problems += [document.placed(fault) for fault in unlike(plants)]
    if problems:
        raise InputError(sorted(dict.fromkeys(problems), key=document.order))
    return found


def _fields_of_the_whole(told: Uncertainty) -> Iterator[Fault]:
    """Give the fields that cannot differ from future to future."""
    for name, future in told.futures.items():
        for field in future.fields:
            section = field.partition(".")[0]
            if section in _WHOLE:
                wanted = "a field that may differ from future to future"
                yield Fault((SECTION, "futures", name, "fields", field), f"{section} by future", wanted)


def _document(document: Document, told: Uncertainty, name: str) -> Document:
    """Return the file as it is in a future."""
    values = [(section, None, "") for section in _STUDIES if section in document.data]
    for field, value in told.futures[name].fields.items():
        values.append((field, value, document.place((SECTION, "futures", name, "fields", field))))
    title = str(document.data.get("name") or document.files[0].stem)
    return with_values(document, [*values, ("name", f"{title}, {name}", "")])
