"""`pathway`: what to build in which year, what to keep and what to give up, over stages whose prices and limits differ.

With perfect foresight all stages are one model. Myopically each stage is decided as if it lasted to the project's end,
and inherits what was built before it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File

from microgrid.finance_section import Finance
from microgrid.planning.alike import Where, decided_in
from microgrid.planning.collected import collected
from microgrid.planning.pathways.deciding import NoPathError, Question, decided
from microgrid.planning.pathways.model import left_of_given
from microgrid.planning.pathways.paths import Path, PathwayStudy
from microgrid.planning.pathways.reference import reference_stages
from microgrid.planning.pathways.stages import Stage, stages_of
from microgrid.planning.pathways.years import NoYearError, YearRun, total_emitted, years_planned
from microgrid.planning.replay import Shorter
from microgrid.planning.sizing import NoReferenceError
from microgrid.results import Result
from microgrid.run_folders import refuse_unfit
from microgrid.running import Watch
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Ended, Outcome


def pathway(
    scenario: Scenario | File | str,
    out: File | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    myopic: bool = True,
    shorter: Shorter | None = None,
) -> PathwayStudy:
    """Decide what to build in each stage of a scenario's section ``pathway``.

    Parameters
    ----------
    scenario
        A scenario file with the sections ``pathway`` and ``finance``, or a Scenario already read.
    out
        Folder to write each stage's run, the path's tables, pictures and page into.
    overrides
        Values by path; only with a file.
    watch
        Called with a Progress while a solver runs.
    myopic
        Whether to decide stage by stage too, to compare.
    shorter
        If given, what is built is decided on segments or typical periods of each stage, then run on all steps; the
        reference is always planned on all.

    Raises
    ------
    InputError
        If the scenario or one of its stages holds faults.
    NoPathError
        If there is no path.
    ReplayError
        If what was decided on a shorter horizon does not suffice for all steps.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    stages, standing = stages_of(scenario)
    others = reference_stages(scenario, stages)
    if out is not None:
        refuse_unfit(File(out))
    budget = scenario.pathway.budget if scenario.pathway is not None else None
    question = Question(stages, scenario.finance, scenario.solver, standing, budget)
    perfect, blind, dead_end = _perfect(question, shorter, watch), None, ""
    if myopic:
        try:
            blind = _myopic(question, shorter, watch)
        except NoPathError as error:
            if error.outcome.ended is Ended.INTERRUPTED:
                raise
            dead_end = error.stage if error.cannot_be else f"{error.stage}, in time"
    reference = _reference(replace(question, stages=others, budget=None), watch) if others else None
    study = PathwayStudy(scenario, perfect, blind, dead_end, reference, time.perf_counter() - started)
    if out is not None:
        from microgrid.planning.pathways.pages import write

        write(study, File(out))
    return study


def _perfect(question: Question, shorter: Shorter | None, watch: Watch | None) -> Path:
    """Decide all stages at once."""
    stages, finance = question.stages, question.finance
    found = decided(question, shorter, watch)
    results = [collected(found.model.parts[n], stage.scenario, found.outcome) for n, stage in enumerate(stages)]
    left, is_bound = left_of_given(stages, finance), question.budget is not None
    runs = [
        run
        for number, stage in enumerate(stages)
        for run in _years(number, stage, results[number], left[number], finance, is_bound, watch)
    ]
    path = Path(stages, results, runs, found.model.vintages, found.kept, question.standing, finance, [found.outcome])
    return path if found.replay is None else replace(path, replay=found.replay)


def _years(
    number: int,
    stage: Stage,
    result: Result,
    left: Mapping[Where, float],
    finance: Finance,
    is_bound: bool,
    watch: Watch | None,
) -> list[YearRun]:
    """Plan the years of a stage with what stands in it."""
    try:
        return years_planned(number, stage, result, left, finance, is_bound, watch)
    except NoYearError as error:
        raise NoPathError(error.error.outcome, str(error), error.years) from error


def _reference(question: Question, watch: Watch | None) -> Path:
    """Plan what the path is compared with over the same years; what it lacks has not stood before."""
    known = set(decided_in(question.stages[0].scenario.plant.assets))
    standing = {where: each for where, each in question.standing.items() if where in known}
    try:
        return _perfect(replace(question, standing=standing), None, watch)
    except NoPathError as error:
        raise NoReferenceError(error) from error


def _myopic(question: Question, shorter: Shorter | None, watch: Watch | None) -> Path:
    """Decide one stage after the other, each as if it lasted to the end."""
    stages, finance = question.stages, question.finance
    results: list[Result] = []
    runs: list[YearRun] = []
    outcomes: list[Outcome] = []
    for number, stage in enumerate(stages):
        seen = [*stages[:number], replace(stage, until=finance.years)]
        question = replace(question, stages=seen, years=[each.span for each in stages[: number + 1]])
        found = decided(question, shorter, watch)
        results.append(collected(found.model.parts[number], stage.scenario, found.outcome))
        outcomes.append(found.outcome)
        left = left_of_given(seen, finance, question.years)[number]
        runs += _years(number, stage, results[-1], left, finance, question.budget is not None, watch)
        kept = {key: each for key, each in found.kept.items() if key[2] <= number}
        question = replace(question, done=kept, emitted=total_emitted(runs))
    return Path(stages, results, runs, found.model.vintages, kept, question.standing, finance, outcomes)
