"""`uncertainty`: one plant for several years of weather, prices and load, judged in three ways."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microgrid.planning.alike import side_by_side
from microgrid.planning.collected import collected
from microgrid.planning.uncertain.futures import FutureYear, futures_of
from microgrid.planning.uncertain.model import JUDGED, FuturesModel, Judged, futures_model
from microgrid.planning.variants import pinned
from microgrid.results import Result
from microgrid.run_folders import refuse_unfit
from microgrid.running import NoPlanError, Watch, run, settings_of, solve_plant
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Ended, Outcome, solve, templating

Sizes = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Choice:
    """Something that may be built, and what it costs in each future.

    Parameters
    ----------
    name
        What it is best for.
    sizes
        What is built.
    costs
        What a year costs by future, annuities included; infinite where there is no plan with these sizes.
    results
        The plans by future.
    proved
        Whether every solve reached its gap.
    """

    name: str
    sizes: Sizes
    costs: Mapping[str, float]
    results: Mapping[str, Result]
    proved: bool

    def expected(self, shares: Mapping[str, float]) -> float:
        """Return the mean of its costs."""
        return sum(share * self.costs[name] for name, share in shares.items())

    def at_risk(self, shares: Mapping[str, float], tail: float) -> float:
        """Return the mean cost of its worst cases, up to a share `tail` of all."""
        left, total = tail, 0.0
        for name in sorted(shares, key=lambda each: -self.costs[each]):
            part = min(left, shares[name])
            if part > 0:
                total, left = total + part * self.costs[name], left - part
        return total / tail

    def regret(self, best: Mapping[str, float]) -> float:
        """Return the most by which it costs more in a future than the best plan for that future."""
        return max(self.costs[name] - best[name] for name in best)


@dataclass(frozen=True, eq=False)
class UncertaintyStudy:
    """What to build for several futures.

    Parameters
    ----------
    futures
        The futures.
    best
        What a year costs in each with the best plan for it alone.
    choices
        One for each way of judging, then the best for each future alone.
    """

    scenario: Scenario
    futures: Sequence[FutureYear]
    best: Mapping[str, float]
    choices: Sequence[Choice]
    seconds: float

    @property
    def shares(self) -> dict[str, float]:
        """How likely each future is."""
        return {future.name: future.probability for future in self.futures}

    @property
    def tail(self) -> float:
        """The share of worst cases that count as such."""
        assert self.scenario.uncertainty is not None
        return self.scenario.uncertainty.tail

    @property
    def worth_of_knowing(self) -> float:
        """What a year would cost less in the mean, if the future were known before building."""
        return self.choices[0].expected(self.shares) - sum(self.shares[name] * cost for name, cost in self.best.items())

    @property
    def table(self) -> pd.DataFrame:
        """A line for each choice: sizes, cost in each future, expected cost, cost at risk, largest regret."""
        rows = [
            {"choice": each.name}
            | {f"{asset}.{field}": size for asset, fields in each.sizes.items() for field, size in fields.items()}
            | {f"cost: {name}": cost for name, cost in each.costs.items()}
            | {"expected": each.expected(self.shares), "risk": each.at_risk(self.shares, self.tail)}
            | {"regret": each.regret(self.best), "proved": each.proved}
            for each in self.choices
        ]
        return pd.DataFrame(rows)

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "futures": self.shares,
            "tail": self.tail,
            "best": dict(self.best),
            "choices": self.table.to_dict("records"),
            "worth_of_knowing": self.worth_of_knowing,
            "audited": self.audited,
        }

    @property
    def audited(self) -> bool:
        """Whether every plan passed its audit."""
        return all(result.manifest["audit"]["passed"] for each in self.choices for result in each.results.values())

    @property
    def proved(self) -> bool:
        """Whether every solve reached its gap."""
        return all(each.proved for each in self.choices)


def uncertainty(
    scenario: Scenario | Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
) -> UncertaintyStudy:
    """Decide what to build for the futures of a scenario's section ``uncertainty``.

    Parameters
    ----------
    scenario
        A scenario file, or a Scenario already read.
    out
        Folder to write plans, table, picture and page into.
    overrides
        Values by path; only with a file.
    watch
        Called with a Progress while a solver runs.

    Raises
    ------
    InputError
        If the scenario or one of its futures holds faults.
    NoPlanError
        If a future has no plan, or nothing that can be built suffices for all.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    futures = futures_of(scenario)
    if out is not None:
        refuse_unfit(Path(out))
    alone = {future.name: _alone(future, watch) for future in futures}
    best = {name: _a_year(result) for name, result in alone.items()}
    assert scenario.uncertainty is not None
    with templating():
        model = futures_model(futures, best, scenario.uncertainty.tail)
        judged = [_judged(model, futures, how, scenario, watch) for how in JUDGED]
    others = [_in_all(future, alone, futures, scenario, watch) for future in futures]
    study = UncertaintyStudy(scenario, futures, best, [*judged, *others], time.perf_counter() - started)
    if out is not None:
        from microgrid.planning.uncertain.pages import write

        write(study, Path(out))
    return study


def _alone(future: FutureYear, watch: Watch | None) -> Result:
    """Return the best plan for a future alone."""
    try:
        return run(future.scenario, watch=watch)
    except NoPlanError as error:
        raise NoFutureError(error.outcome, f"the future {future.name} has no plan by itself\n{error}") from error


class NoFutureError(NoPlanError):
    """A future has no plan, or all of them together have none."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(outcome)
        self.args = (text,)


def _a_year(result: Result) -> float:
    return result.cost / float(result.manifest["horizon"]["years"])


def _judged(
    model: FuturesModel, futures: Sequence[FutureYear], how: Judged, scenario: Scenario, watch: Watch | None
) -> Choice:
    """Return what is best by a way of judging; where several are, the one of least expected cost."""
    model.release()
    model.aim(how)
    outcome = _solved(model, scenario, watch)
    if how != "expected":
        model.hold(how, outcome.objective)
        model.aim("expected")
        later = _solved(model, scenario, watch, outcome.plan)
        outcome = replace(later, ended=outcome.ended if not outcome.is_proved else later.ended)
    results = {future.name: collected(model.parts[future.name], future.scenario, outcome) for future in futures}
    first = next(iter(results.values()))
    costs = {name: _a_year(result) for name, result in results.items()}
    return Choice(JUDGED[how], _decided(first, first), costs, results, outcome.is_proved)


def _solved(model: FuturesModel, scenario: Scenario, watch: Watch | None, start: Any = None) -> Outcome:
    settings = replace(settings_of(scenario.solver), method="direct")
    outcome = solve(model.pyomo, settings, watch, start, load=False, horizon=side_by_side(model.parts.values()))
    if outcome.plan is None:
        text = f"{NoPlanError(outcome)}\n   each future has a plan by itself; all of them were planned together"
        if outcome.ended in (Ended.INFEASIBLE, Ended.INFEASIBLE_OR_UNBOUNDED):
            text += ", and nothing that can be built suffices for all"
        raise NoFutureError(outcome, text)
    return outcome


def _in_all(
    future: FutureYear,
    alone: Mapping[str, Result],
    futures: Sequence[FutureYear],
    scenario: Scenario,
    watch: Watch | None,
) -> Choice:
    """Return what the best for one future costs in all of them."""
    sizes, settings = alone[future.name].sizes, settings_of(scenario.solver)
    results = {future.name: alone[future.name]}
    for other in futures:
        if other is not future:
            try:
                results[other.name] = solve_plant(pinned(other.scenario.plant, sizes, {}), settings, watch)
            except NoPlanError as error:
                if error.outcome.ended.value == "interrupted":
                    raise
    costs = {each.name: _a_year(results[each.name]) if each.name in results else np.inf for each in futures}
    proved = all(result.manifest["outcome"]["proved"] for result in results.values())
    mine = alone[future.name]
    return Choice(f"best for {future.name} alone", _decided(mine, mine), costs, results, proved)


def _decided(result: Result, sized: Result) -> dict[str, dict[str, float]]:
    """Return the sizes that were decisions."""
    return {
        asset: {field: result.sizes[asset][field] for field in fields}
        for asset, fields in sized.manifest["decided"].items()
    }
