"""One run: a scenario in, an optimal and audited plan out, written so that a crash leaves the old run whole."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from microgrid.audit import audit
from microgrid.capacity import Sized
from microgrid.errors import InputError, MicrogridError
from microgrid.explaining import explain
from microgrid.explanation import Explanation
from microgrid.factor_checks import factor_told, factors_used, footprint_told
from microgrid.matching import matching_summary, matching_table
from microgrid.model import Model, Values, assemble
from microgrid.plant import Plant
from microgrid.policies.checking import verdicts
from microgrid.results import FORMAT, Result, collect, horizon_told, load, save_manifest
from microgrid.run_folders import refuse_unfit, replacing
from microgrid.scenario import Scenario, Solver, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from microgrid.stored_emissions import stored_emissions
from microgrid.versions import version_of
from solvers import Compilation, Ended, Horizon, Outcome, Plan, Progress, Settings, SettingsError, solve, templating

Watch = Callable[[Progress], None]


class Aimed(Protocol):
    """A model that minimises one ledger column after the other: a plant's, or one of several of its futures."""

    @property
    def pyomo(self) -> Any:
        """The ConcreteModel."""

    @property
    def goals(self) -> tuple[str, ...]:
        """The columns to minimise in turn."""

    @property
    def asked(self) -> str:
        """The last goal that was asked for."""

    @property
    def along_time(self) -> tuple[Any, ...]:
        """The sets that its components run along."""

    def aim(self, column: str) -> None:
        """Make a column the objective."""

    def hold(self, column: str, reached: float) -> None:
        """Let a column rise no higher than what it reached, and the slack that is granted."""

    def total(self, values: Values, column: str) -> float:
        """Return what a column amounts to in a plan."""


class NoPlanError(MicrogridError):
    """There is no plan; `outcome` says how the solver ended.

    `explanation` says, where the scenario is infeasible or unbounded and the cause was found, what cannot be met, which
    limits are met there and which change of a field cures it; else it is None.
    """

    def __init__(self, outcome: Outcome, explanation: Explanation | None = None) -> None:
        self.outcome, self.explanation = outcome, explanation
        super().__init__(_why(outcome) if explanation is None else str(explanation))


def run(
    scenario: Scenario | Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    case: str = "",
) -> Result:
    """Solve a scenario, audit the plan and, if asked, write it.

    Parameters
    ----------
    scenario
        A scenario file, or a Scenario already read.
    out
        Folder to write frames, manifest, plots and report into; replaced as a whole once all is written.
    overrides
        Values by path, such as ``{"assets.battery.energy": "3 MWh"}``; only with a file.
    watch
        Called with a Progress while the solver runs.
    case
        Name of the case, where the file holds a sweep.

    Returns
    -------
    Result
        Frames and manifest; ``manifest["audit"]`` says whether every statement held.

    Raises
    ------
    InputError
        If the scenario holds faults or asks for a solver that is not there, or no run can be written into `out`.
    NoPlanError
        If it is infeasible or unbounded, or the solver found no plan in time.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides, case)
    refuse_unfit_solver(scenario)
    if out is not None:
        refuse_unfit(Path(out))
    try:
        result = _solved(scenario.plant, settings_of(scenario.solver), watch, identity_of(scenario))
    except NoPlanError as error:
        raise NoPlanError(error.outcome, explain(error.outcome, scenario.plant, scenario.document)) from None
    result.manifest["total_seconds"] = time.perf_counter() - started
    return audited(result) if out is None else write(result, Path(out))


def solve_plant(
    plant: Plant,
    settings: Settings | None = None,
    watch: Watch | None = None,
    identity: Mapping[str, Any] | None = None,
) -> Result:
    """Solve and audit a plant made in Python.

    Raises
    ------
    NoPlanError
        If there is no plan; ``explaining.explain(error.outcome, plant)`` finds out why.
    """
    return audited(_solved(plant, settings or Settings(), watch, identity or {}))


def _solved(plant: Plant, settings: Settings, watch: Watch | None, identity: Mapping[str, Any]) -> Result:
    return solved_from(plant, settings, watch, identity)[0]


@dataclass
class Written:
    """A model that is kept for the next plant, which may have the same rows."""

    model: Model | None = None
    compilation: Compilation | None = None

    def of(self, plant: Plant) -> tuple[Model, Compilation]:
        """Return the model of a plant, and what is compiled of it already."""
        earlier, self.model = self.model, None  # of no more use, should the next not come about
        with templating(), _pyomo_silent():
            model = assemble(plant, earlier)
        if self.compilation is None or self.compilation.model is not model.pyomo:
            self.compilation = Compilation(model.pyomo)
        self.model = model
        return model, self.compilation


def solved_from(
    plant: Plant,
    settings: Settings,
    watch: Watch | None,
    identity: Mapping[str, Any],
    start: Plan | None = None,
    written: Written | None = None,
) -> tuple[Result, Plan]:
    """Solve a plant; return the result, not audited yet, and its own plan.

    Parameters
    ----------
    plant, settings, watch
        As in `solve_plant`.
    identity
        What the manifest says of the scenario.
    start
        The plan of a plant like this one, to begin with.
    written
        The model of the plant before, for plants that are solved one after the other.
    """
    started = time.perf_counter()
    model, compilation = (written or Written()).of(plant)
    outcome, plan, goals = optimise(model, settings, watch, start, compilation)
    result = collect(model, plan, dict(identity) | told(plant, outcome, goals))
    result.manifest["total_seconds"] = time.perf_counter() - started
    return result, plan


def audited(result: Result) -> Result:
    """Audit a plan, and write what was found into its manifest."""
    checked = audit(result)
    result.manifest["audit"] = {
        "passed": checked.passed,
        "checked": checked.checked,
        "findings": [str(finding) for finding in checked.findings],
    }
    if result.manifest.get("policies"):
        result.manifest["verdicts"] = [verdict.plain() for verdict in verdicts(result)]
    matched = matching_summary(result)
    if matched:
        result.manifest["matching"] = matched
    return result


@contextmanager
def _pyomo_silent() -> Iterator[None]:
    """Keep Pyomo from logging what is raised all the same: a stop by the user half-way through building."""
    logger = logging.getLogger("pyomo")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@templating()
def optimise(
    model: Aimed,
    settings: Settings,
    watch: Watch | None = None,
    start: Plan | None = None,
    compilation: Compilation | None = None,
) -> tuple[Outcome, Plan, list[dict[str, Any]]]:
    """Minimise the model's goals in turn; return the last outcome, its plan, and what each goal reached.

    A time limit holds for all goals together. Where a later goal is interrupted, or finds no plan of its own, the plan
    of the goals before it stands, and the outcome is that goal's with the reason why it ended: not proved. The first
    goal begins with `start`, the plan of a plant like this one; each later goal with the plan of the one before.

    Raises
    ------
    NoPlanError
        If the first goal ends without a plan.
    """
    reached: list[dict[str, Any]] = []
    horizon = horizon_of(model)
    left, ended = settings.seconds, Ended.OPTIMAL
    kept = compilation or Compilation(model.pyomo)
    plan: Plan | None = None
    for goal in model.goals:
        if reached:
            model.hold(reached[-1]["column"], reached[-1]["objective"])
            model.aim(goal)
        limited, begin = replace(settings, seconds=left), plan or start
        outcome = solve(model.pyomo, limited, watch, begin, load=False, horizon=horizon, compilation=kept)
        ended = outcome.ended if outcome.ended is not Ended.OPTIMAL else ended
        if outcome.plan is None:
            break
        best, plan = outcome, outcome.plan
        reached.append(
            {"column": goal} | {key: getattr(outcome, key) for key in ("objective", "bound", "gap", "seconds")}
        )
        left = None if left is None else max(left - outcome.seconds, 0.1)
        if outcome.ended is Ended.INTERRUPTED:
            break
    if plan is None:
        raise NoPlanError(outcome)
    outcome = replace(best, ended=ended, seconds=sum(goal["seconds"] for goal in reached))
    return _of_the_goal_asked_for(model, plan, outcome, reached), plan, reached


def horizon_of(model: Aimed) -> Horizon:
    """Return what of a model runs along time."""
    return Horizon(model.along_time)


def _of_the_goal_asked_for(model: Aimed, plan: Plan, outcome: Outcome, reached: list[dict[str, Any]]) -> Outcome:
    """Return the outcome with the bound of the last goal asked for, and what the final plan makes of its column."""
    column = model.asked
    goal = next((goal for goal in reached if goal["column"] == column), reached[-1])
    if goal is reached[-1]:
        return outcome
    return replace(outcome, objective=model.total(plan, column), bound=goal["bound"])


def settings_of(solver: Solver) -> Settings:
    """Return a scenario's solver section as settings."""
    seconds = None if solver.time_limit is None else solver.time_limit * 3600
    return Settings(solver.name, solver.gap, seconds, solver.threads, solver.seed, dict(solver.options), solver.method)


def write(result: Result, folder: Path) -> Result:
    """Write a run beside the old one, audit what was written, and rename it into place.

    Returns
    -------
    Result
        The run as read back from its files, with the audit of these files in its manifest.

    Raises
    ------
    InputError
        If the folder cannot be written, or holds something that is no run.
    """
    with replacing(folder) as new:
        return write_into(result, new)[0]


def write_into(result: Result, folder: Path) -> tuple[Result, dict[str, Path]]:
    """Write a run with pictures and report into a folder that is there; return it as read back, and its pictures."""
    from microgrid.plots import save_plots
    from microgrid.report import save_report

    result.save(folder)
    written = audited(load(folder))
    save_manifest(written.manifest, folder)
    if "matching" in written.manifest:
        matching_table(written).to_csv(folder / "matching.csv", index=False)
    stored = stored_emissions(written)
    if len(stored):
        stored.to_csv(folder / "stored_emissions.csv", index=False, float_format="%.9g")
    pictures = save_plots(written, folder)
    save_report(written, folder / "report.html", pictures)
    return written, pictures


def identity_of(scenario: Scenario) -> dict[str, Any]:
    """Return what a manifest says of the scenario itself."""
    document = scenario.document
    files = [os.path.relpath(path, document.folder) for path in document.files]
    return {
        "scenario": {
            "name": scenario.name,
            "description": scenario.description,
            "files": files,
            "hash": document.digest,
        },
        "inputs": document.told(),
        "footprint": {name: footprint_told(name, values) for name, values in scenario.footprint.items()},
    }


def told(plant: Plant, outcome: Outcome, goals: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a manifest says of a solve: engine, horizon, goals, outcome."""
    timeline = plant.timeline
    answers = {
        key: getattr(outcome, key)
        for key in ("objective", "bound", "gap", "seconds", "solver", "columns", "rows", "integers", "method")
    }
    return {
        "format": FORMAT,
        "engine": {
            "version": version_of(),
            "python": platform.python_version(),
            "pyomo": version_of("pyomo"),
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "currency": plant.currency,
        "horizon": horizon_told(timeline),
        "objective": asdict(plant.objective),
        "accounting": asdict(plant.accounting),
        "factors": [factor_told(used) for used in factors_used(plant.assets)],
        "kinds": {name: str(getattr(asset, "kind", name)) for name, asset in plant.assets.items()},
        "units": {name: asset.capacity_units() for name, asset in plant.assets.items()},
        "decided": _decided(plant),
        **({"policies": [bound.plain() for bound in plant.bounds]} if plant.policies else {}),
        "outcome": {"ended": outcome.ended.value, "proved": outcome.is_proved, **answers, "goals": goals},
    }


def _decided(plant: Plant) -> dict[str, dict[str, str]]:
    """Return the unit of every capacity that was a decision, by asset and field."""
    decided: dict[str, dict[str, str]] = {}
    for name, asset in plant.assets.items():
        units = asset.capacity_units()
        found = {key: units[key] for key, capacity in asset.capacities().items() if isinstance(capacity, Sized)}
        if found:
            decided[name] = found
    return decided


def _why(outcome: Outcome) -> str:
    reasons = {
        Ended.INFEASIBLE: "the scenario is infeasible: no plan can meet all its limits at once",
        Ended.UNBOUNDED: "the scenario is unbounded: a price lets the cost fall without end",
        Ended.INFEASIBLE_OR_UNBOUNDED: "the scenario is infeasible or unbounded",
        Ended.TIME: "the time limit came before any plan was found; raise solver.time_limit, or widen solver.gap",
        Ended.LIMIT: "a limit among solver.options came before any plan was found; raise it",
        Ended.INTERRUPTED: "stopped before any plan was found",
    }
    text = reasons.get(outcome.ended, "the solver failed")
    return f"{text} ({outcome.message})" if outcome.message else text


__all__ = ["InputError", "NoPlanError", "SettingsError", "optimise", "run", "settings_of", "solve_plant", "write"]
