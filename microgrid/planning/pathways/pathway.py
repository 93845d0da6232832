"""`pathway`: what to build in which year, what to keep and what to give up, over stages whose prices and limits differ.

With perfect foresight all stages are one model. Myopically each stage is decided as if it lasted to the project's end,
and inherits what was built before it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path as File

from microgrid.finance_section import Finance
from microgrid.planning.alike import Where, decided_in, side_by_side
from microgrid.planning.collected import collected
from microgrid.planning.pathways.model import Kept, PathModel, left_of_given, path_model
from microgrid.planning.pathways.money import given_cost
from microgrid.planning.pathways.paths import Path, PathwayStudy
from microgrid.planning.pathways.reference import reference_stages
from microgrid.planning.pathways.stages import Stage, Standing, stages_of
from microgrid.planning.pathways.years import NoYearError, YearRun, total_emitted, years_planned
from microgrid.planning.sizing import NoReferenceError
from microgrid.results import Result
from microgrid.run_folders import refuse_unfit
from microgrid.running import NoPlanError, Watch, run, settings_of
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Ended, Outcome, solve, templating

_CANNOT_BE = (Ended.INFEASIBLE, Ended.INFEASIBLE_OR_UNBOUNDED)


class NoPathError(NoPlanError):
    """There is no path; `stage` names the one that has no plan, where one alone has none."""

    def __init__(self, outcome: Outcome, text: str, stage: str = "") -> None:
        super().__init__(outcome)
        self.stage = stage
        self.args = (text,)

    @property
    def cannot_be(self) -> bool:
        """Whether there is none at all, rather than none that was found in time."""
        return self.outcome.ended in _CANNOT_BE


def pathway(
    scenario: Scenario | File | str,
    out: File | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    myopic: bool = True,
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

    Raises
    ------
    InputError
        If the scenario or one of its stages holds faults.
    NoPathError
        If there is no path.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    stages, standing = stages_of(scenario)
    others = reference_stages(scenario, stages)
    if out is not None:
        refuse_unfit(File(out))
    perfect, blind, dead_end = _perfect(scenario, stages, standing, _budget(scenario), watch), None, ""
    if myopic:
        try:
            blind = _myopic(scenario, stages, standing, watch)
        except NoPathError as error:
            if error.outcome.ended is Ended.INTERRUPTED:
                raise
            dead_end = error.stage if error.cannot_be else f"{error.stage}, in time"
    reference = _reference(scenario, others, standing, watch) if others else None
    study = PathwayStudy(scenario, perfect, blind, dead_end, reference, time.perf_counter() - started)
    if out is not None:
        from microgrid.planning.pathways.pages import write

        write(study, File(out))
    return study


def _perfect(
    scenario: Scenario,
    stages: Sequence[Stage],
    standing: Mapping[Where, Standing],
    budget: float | None,
    watch: Watch | None,
) -> Path:
    finance = scenario.finance
    with templating():
        model = path_model(stages, finance, standing, budget, given=given_cost(stages, finance))
    outcome = _solved(model, scenario, stages, watch)
    results = [collected(model.parts[n], stage.scenario, outcome) for n, stage in enumerate(stages)]
    left, is_bound = left_of_given(stages, finance), budget is not None
    runs = [
        run
        for number, stage in enumerate(stages)
        for run in _years(number, stage, results[number], left[number], finance, is_bound, watch)
    ]
    return Path(stages, results, runs, model.vintages, model.decided(outcome.plan), standing, finance, [outcome])


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


def _reference(
    scenario: Scenario, stages: Sequence[Stage], standing: Mapping[Where, Standing], watch: Watch | None
) -> Path:
    """Plan what the path is compared with over the same years; what it lacks has not stood before."""
    known = set(decided_in(stages[0].scenario.plant.assets))
    try:
        return _perfect(
            scenario, stages, {where: each for where, each in standing.items() if where in known}, None, watch
        )
    except NoPathError as error:
        raise NoReferenceError(error) from error


def _myopic(
    scenario: Scenario, stages: Sequence[Stage], standing: Mapping[Where, Standing], watch: Watch | None
) -> Path:
    """Decide one stage after the other, each as if it lasted to the end."""
    kept: Kept = {}
    results: list[Result] = []
    runs: list[YearRun] = []
    outcomes: list[Outcome] = []
    emitted = 0.0
    finance = scenario.finance
    spans = [stage.span for stage in stages]
    for number, stage in enumerate(stages):
        seen = [*stages[:number], replace(stage, until=finance.years)]
        with templating():
            given = given_cost(stages, finance)
            model = path_model(seen, finance, standing, _budget(scenario), kept, emitted, given, spans[: number + 1])
        outcome = _solved(model, scenario, [seen[-1]], watch)
        results.append(collected(model.parts[number], stage.scenario, outcome))
        outcomes.append(outcome)
        kept = {key: found for key, found in model.decided(outcome.plan).items() if key[2] <= number}
        left = left_of_given(seen, finance, spans[: number + 1])[number]
        found = _years(number, stage, results[-1], left, finance, _budget(scenario) is not None, watch)
        runs += found
        emitted += total_emitted(found)
    return Path(stages, results, runs, model.vintages, kept, standing, finance, outcomes)


def _budget(scenario: Scenario) -> float | None:
    return scenario.pathway.budget if scenario.pathway is not None else None


@templating()
def _solved(model: PathModel, scenario: Scenario, stages: Sequence[Stage], watch: Watch | None) -> Outcome:
    settings = replace(settings_of(scenario.solver), method="direct")
    outcome = solve(model.pyomo, settings, watch, load=False, horizon=side_by_side(model.parts.values()))
    if outcome.plan is None:
        raise _no_path(outcome, scenario, stages)
    return outcome


def _no_path(outcome: Outcome, scenario: Scenario, stages: Sequence[Stage]) -> NoPathError:
    """Return why there is no path: the first stage that has no plan by itself, or all of them together."""
    for stage in stages if outcome.ended in _CANNOT_BE else ():
        try:
            run(stage.scenario)
        except NoPlanError as error:
            return NoPathError(error.outcome, f"the stage {stage.name} has no plan by itself\n{error}", stage.name)
    whole = f"{NoPlanError(outcome)}\n   the stages {', '.join(stage.name for stage in stages)} were planned together"
    if _budget(scenario) is not None and outcome.ended in _CANNOT_BE:
        whole += ": pathway.budget may be too small for what must be emitted"
    return NoPathError(outcome, whole, stages[-1].name)
