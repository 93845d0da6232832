"""`pathway`: what to build in which year, what to keep and what to give up, over stages whose prices and limits differ.

With perfect foresight all stages are one model. Myopically each stage is decided as if it lasted to the project's end,
and inherits what was built before it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.finance_section import Finance
from microgrid.planning.alike import Where
from microgrid.planning.cash_flow import Rows
from microgrid.planning.path_model import Kept, PathModel, path_model
from microgrid.planning.path_money import cost_of, given_cost, path_purchases, path_rows
from microgrid.planning.path_table import path_table
from microgrid.planning.purchases import Purchase
from microgrid.planning.stages import Stage, Standing, stages_of
from microgrid.planning.unpriced_plan import without_duals
from microgrid.planning.vintages import Vintage
from microgrid.results import Result, collect
from microgrid.run_folders import refuse_unfit
from microgrid.running import NoPlanError, Watch, audited, identity_of, run, settings_of, told
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Outcome, solve, templating

_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Path:
    """What is built, kept and given up over the stages, and what it costs.

    Parameters
    ----------
    stages
        The stages.
    results
        Each stage's operation, as a run of its own.
    vintages, kept
        By capacity, all that can be built; how much of each is kept in each stage.
    bought
        All purchases.
    rows
        Money over the years by asset and item, paid below zero, shape (years + 1,).
    finance
        Rates and growth.
    outcomes
        How each solve ended: one with perfect foresight, one a stage without.
    """

    stages: Sequence[Stage]
    results: Sequence[Result]
    vintages: Mapping[Where, Sequence[Vintage]]
    kept: Kept
    bought: Sequence[Purchase]
    rows: Rows
    finance: Finance
    outcomes: Sequence[Outcome]

    @property
    def cost(self) -> float:
        """What everything costs at the path's begin."""
        return cost_of(self.rows, self.finance)

    @property
    def proved(self) -> bool:
        """Whether every solve reached its gap."""
        return all(outcome.is_proved for outcome in self.outcomes)

    @property
    def audits(self) -> bool:
        """Whether every stage passed its audit, and the money over the years is what the model minimised."""
        return all(result.manifest["audit"]["passed"] for result in self.results) and self.books_agree

    @property
    def books_agree(self) -> bool:
        """Whether ledgers and purchases add up to the model's objective; without perfect foresight it has none."""
        if len(self.outcomes) != 1:
            return True
        objective = self.outcomes[0].objective
        scale = sum(float(np.abs(flows).sum()) for flows in self.rows.values())
        return abs(self.cost - objective) <= _SAME * max(scale, 1.0)

    @property
    def emissions(self) -> NDArray[np.float64]:
        """What each year of the project emits, kgCO2e, as the scenario counts it, shape (years,)."""
        found = np.zeros(self.finance.years)
        for stage, result in zip(self.stages, self.results, strict=True):
            emitted = result.manifest["emissions"]["emissions"] / float(result.manifest["horizon"]["years"])
            found[stage.begin : stage.until] = emitted
        return found

    @property
    def table(self) -> pd.DataFrame:
        """What stands, is built, is given up and comes to its end in each stage, by capacity."""
        return path_table(self.stages, self.vintages, self.kept)

    @property
    def plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "cost": self.cost,
            "bound": self.outcomes[0].bound if len(self.outcomes) == 1 else None,
            "gap": self.outcomes[0].gap if len(self.outcomes) == 1 else None,
            "proved": self.proved,
            "audited": self.audits,
            "books_agree": self.books_agree,
            "seconds": sum(outcome.seconds for outcome in self.outcomes),
            "emissions": self.emissions.tolist(),
            "stages": self.table.to_dict("records"),
            "net": np.asarray(sum(self.rows.values())).tolist(),
        }


@dataclass(frozen=True, eq=False)
class PathwayStudy:
    """A pathway with perfect foresight, and beside it one that is decided stage by stage.

    Parameters
    ----------
    myopic
        None where it was not asked for, or found no plan in a stage, which `dead_end` then names.
    """

    scenario: Scenario
    perfect: Path
    myopic: Path | None = None
    dead_end: str = ""
    seconds: float = 0.0

    @property
    def regret(self) -> float | None:
        """What deciding stage by stage costs more, at the path's begin."""
        return None if self.myopic is None else self.myopic.cost - self.perfect.cost

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "stages": [stage.year for stage in self.perfect.stages],
            "finance": self.perfect.finance.model_dump(),
            "perfect": self.perfect.plain,
            "myopic": None if self.myopic is None else self.myopic.plain,
            "dead_end": self.dead_end,
            "regret": self.regret,
        }


class NoPathError(NoPlanError):
    """There is no path; `stage` names the one that has no plan, where one alone has none."""

    def __init__(self, outcome: Outcome, text: str, stage: str = "") -> None:
        super().__init__(outcome)
        self.stage = stage
        self.args = (text,)


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
    if out is not None:
        refuse_unfit(File(out))
    perfect, blind, dead_end = _perfect(scenario, stages, standing, watch), None, ""
    if myopic:
        try:
            blind = _myopic(scenario, stages, standing, watch)
        except NoPathError as error:
            dead_end = error.stage
    study = PathwayStudy(scenario, perfect, blind, dead_end, time.perf_counter() - started)
    if out is not None:
        from microgrid.planning.path_pages import write

        write(study, File(out))
    return study


def _perfect(
    scenario: Scenario, stages: Sequence[Stage], standing: Mapping[Where, Standing], watch: Watch | None
) -> Path:
    with templating():
        given = given_cost(stages, scenario.finance)
        model = path_model(stages, scenario.finance, standing, _budget(scenario), given=given)
    outcome = _solved(model, scenario, stages, watch)
    results = [_result(model, number, stage, outcome) for number, stage in enumerate(stages)]
    return _path(scenario, stages, model, model.decided(outcome.plan), results, [outcome])


def _myopic(
    scenario: Scenario, stages: Sequence[Stage], standing: Mapping[Where, Standing], watch: Watch | None
) -> Path:
    """Decide one stage after the other, each as if it lasted to the end."""
    kept: Kept = {}
    results: list[Result] = []
    outcomes: list[Outcome] = []
    emitted = 0.0
    for number, stage in enumerate(stages):
        seen = [*stages[:number], replace(stage, until=scenario.finance.years)]
        with templating():
            given = given_cost(stages, scenario.finance)
            model = path_model(seen, scenario.finance, standing, _budget(scenario), kept, emitted, given)
        outcome = _solved(model, scenario, [seen[-1]], watch)
        results.append(_result(model, number, stage, outcome))
        outcomes.append(outcome)
        kept = {key: found for key, found in model.decided(outcome.plan).items() if key[2] <= number}
        manifest = results[-1].manifest
        years = (stage.until - stage.begin) / float(manifest["horizon"]["years"])
        emitted += years * manifest["emissions"]["emissions"]
    return _path(scenario, stages, model, kept, results, outcomes)


def _budget(scenario: Scenario) -> float | None:
    return scenario.pathway.budget if scenario.pathway is not None else None


def _path(
    scenario: Scenario,
    stages: Sequence[Stage],
    model: PathModel,
    kept: Kept,
    results: Sequence[Result],
    outcomes: Sequence[Outcome],
) -> Path:
    finance = scenario.finance
    bought = path_purchases(stages, model.vintages, kept, finance)
    rows = path_rows(stages, results, bought, finance)
    return Path(stages, results, model.vintages, kept, bought, rows, finance, outcomes)


@templating()
def _solved(model: PathModel, scenario: Scenario, stages: Sequence[Stage], watch: Watch | None) -> Outcome:
    settings = replace(settings_of(scenario.solver), method="direct")
    outcome = solve(model.pyomo, settings, watch, load=False)
    if outcome.plan is None:
        raise _no_path(outcome, scenario, stages)
    return outcome


def _no_path(outcome: Outcome, scenario: Scenario, stages: Sequence[Stage]) -> NoPathError:
    """Return why there is no path: the first stage that has no plan by itself, or all of them together."""
    for stage in stages:
        try:
            run(stage.scenario)
        except NoPlanError as error:
            return NoPathError(error.outcome, f"the stage {stage.name} has no plan by itself\n{error}", stage.name)
    whole = f"{NoPlanError(outcome)}\n   the stages {', '.join(stage.name for stage in stages)} were planned together"
    if _budget(scenario) is not None:
        whole += ": pathway.budget may be too small for what must be emitted"
    return NoPathError(outcome, whole, stages[-1].name)


def _result(model: PathModel, number: int, stage: Stage, outcome: Outcome) -> Result:
    """Return a stage's operation as a run of its own."""
    part, values = model.parts[number], without_duals(outcome.plan)
    cost = part.total(values, "cost")
    ended = replace(outcome, objective=cost, bound=float("nan"))
    goals = [{"column": "cost", "objective": cost, "bound": None, "gap": None, "seconds": outcome.seconds}]
    result = collect(part, values, identity_of(stage.scenario) | told(part.plant, ended, goals))
    result.manifest["total_seconds"] = outcome.seconds
    return audited(result)
