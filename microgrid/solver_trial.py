"""Whether the solver that a scenario asks for is there, and knows its options: found out before the plan is built."""

from __future__ import annotations

from collections.abc import Iterator

from microgrid.errors import InputError, Problem
from microgrid.faults import shown
from microgrid.scenario import Scenario
from solvers import Settings, SettingsError, refuse_unfit


def refuse_unfit_solver(scenario: Scenario) -> None:
    """Refuse a solver that is not there, and options that it does not know.

    Raises
    ------
    InputError
        With every fault, each with file and line.
    """
    problems = [scenario.document.placed(problem) for problem in _problems(scenario)]
    if problems:
        raise InputError(problems)


def _problems(scenario: Scenario) -> Iterator[Problem]:
    name, options = scenario.solver.name, scenario.solver.options
    if _is_refused(Settings(name)):
        yield Problem("solver.name", shown(name), "highs, or a solver that Pyomo knows and that is installed")
        return
    for option, value in options.items():
        if _is_refused(Settings(name, options={option: value})):
            yield Problem(f"solver.options.{option}", shown(value), f"an option of {name}, and a value that it takes")


def _is_refused(settings: Settings) -> bool:
    try:
        refuse_unfit(settings)
    except SettingsError:
        return True
    return False
