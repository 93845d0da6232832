"""One run: a scenario in, an optimal and audited plan out, written so that a crash leaves the old run whole."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from microgrid.audit import Audit, audit
from microgrid.capacity import Sized
from microgrid.errors import InputError, MicrogridError, Problem
from microgrid.model import Model, assemble
from microgrid.plant import Plant
from microgrid.results import FORMAT, Result, collect, load, save_manifest
from microgrid.scenario import Scenario, Solver, read_scenario
from solvers import Ended, Horizon, Outcome, Plan, Progress, Settings, SettingsError, solve, templating

Watch = Callable[[Progress], None]


class NoPlanError(MicrogridError):
    """There is no plan; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(_why(outcome))


def run(
    scenario: Scenario | Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
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

    Returns
    -------
    Result
        Frames and manifest; ``manifest["audit"]`` says whether every statement held.

    Raises
    ------
    InputError
        If the scenario holds faults.
    NoPlanError
        If it is infeasible or unbounded, or the solver found no plan in time.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    result = solve_plant(scenario.plant, settings_of(scenario.solver), watch, _identity(scenario))
    result.manifest["total_seconds"] = time.perf_counter() - started
    return result if out is None else write(result, Path(out))


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
        If there is no plan.
    """
    started = time.perf_counter()
    with templating():
        model = assemble(plant)
    outcome, plan, goals = optimise(model, settings or Settings(), watch)
    manifest = dict(identity or {}) | told(plant, outcome, goals)
    result = collect(model, plan, manifest)
    checked = audit(result)
    result.manifest["audit"] = _audit_told(checked)
    result.manifest["total_seconds"] = time.perf_counter() - started
    return result


@templating()
def optimise(
    model: Model, settings: Settings, watch: Watch | None = None
) -> tuple[Outcome, Plan, list[dict[str, Any]]]:
    """Minimise the model's goals in turn; return the last outcome, its plan, and what each goal reached.

    A time limit holds for all goals together. Where a later goal is interrupted, or finds no plan of its own, the plan
    of the goals before it stands, and the outcome is that goal's with the reason why it ended: not proved.

    Raises
    ------
    NoPlanError
        If the first goal ends without a plan.
    """
    reached: list[dict[str, Any]] = []
    operation = model.operation
    horizon = Horizon((operation.steps, operation.later, operation.points))
    left, ended = settings.seconds, Ended.OPTIMAL
    plan: Plan | None = None
    for goal in model.goals:
        if reached:
            model.hold(reached[-1]["column"], reached[-1]["objective"])
            model.aim(goal)
        outcome = solve(model.pyomo, replace(settings, seconds=left), watch, plan, load=False, horizon=horizon)
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


def _of_the_goal_asked_for(model: Model, plan: Plan, outcome: Outcome, reached: list[dict[str, Any]]) -> Outcome:
    """Return the outcome with the bound of the last goal asked for, and what the final plan makes of its column."""
    column = model.plant.objective.goals[-1]
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
    from microgrid.plots import save_plots
    from microgrid.report import save_report

    with _beside(folder) as new:
        result.save(new)
        written = load(new)
        written.manifest["audit"] = _audit_told(audit(written))
        save_manifest(written.manifest, new)
        save_report(written, new / "report.html", save_plots(written, new))
    return written


@contextmanager
def _beside(folder: Path) -> Any:
    """Give a new folder beside `folder`; put it in its place when all is written, and take it away when not."""
    if folder.exists() and not (folder / "manifest.json").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            [
                Problem(
                    str(folder),
                    "not empty and no run",
                    "a new folder, or one of an earlier run",
                    "choose another --out",
                )
            ]
        )
    new = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        yield new
        new.chmod(0o755)
        old = new.with_name(f"{new.name}.old")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        reason = f"{error.strerror or error}"
        raise InputError(
            [Problem(str(folder), reason, "a folder that can be written", "choose another --out")]
        ) from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def _identity(scenario: Scenario) -> dict[str, Any]:
    document = scenario.document
    files = [os.path.relpath(path, document.folder) for path in document.files]
    return {
        "scenario": {
            "name": scenario.name,
            "description": scenario.description,
            "files": files,
            "hash": document.digest,
        }
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
            "version": version("green-microgrid"),
            "python": platform.python_version(),
            "pyomo": version("pyomo"),
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "currency": plant.currency,
        "horizon": {
            "start": timeline.index[0].isoformat(),
            "end": timeline.end.isoformat(),
            "zone": str(timeline.index.tz),
            "steps": len(timeline),
            "years": timeline.years,
        },
        "objective": asdict(plant.objective),
        "kinds": {name: str(getattr(asset, "kind", name)) for name, asset in plant.assets.items()},
        "units": {name: asset.capacity_units() for name, asset in plant.assets.items()},
        "decided": _decided(plant),
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


def _audit_told(checked: Audit) -> dict[str, Any]:
    return {
        "passed": checked.passed,
        "checked": checked.checked,
        "findings": [str(finding) for finding in checked.findings],
    }


def _why(outcome: Outcome) -> str:
    reasons = {
        Ended.INFEASIBLE: "the scenario is infeasible: no plan can meet all its limits at once",
        Ended.UNBOUNDED: "the scenario is unbounded: a price lets the cost fall without end",
        Ended.INFEASIBLE_OR_UNBOUNDED: "the scenario is infeasible or unbounded",
        Ended.TIME: "the time limit came before any plan was found; give it more time",
        Ended.INTERRUPTED: "stopped before any plan was found",
    }
    text = reasons.get(outcome.ended, "the solver failed")
    return f"{text} ({outcome.message})" if outcome.message else text


__all__ = ["InputError", "NoPlanError", "SettingsError", "optimise", "run", "settings_of", "solve_plant", "write"]
