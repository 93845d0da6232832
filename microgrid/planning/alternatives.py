"""`alternatives`: what else could be built for nearly the same cost.

Each size is made as small and as large as it can be within a limit on the cost, and a few plans are sought that have
less of some sizes and more of others (modelling to generate alternatives: Brill, Management Science 28 (1982) 221).
Every plan is then made as cheap as its sizes allow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import pyomo.core as pyo

from microgrid.errors import InputError, Problem
from microgrid.model import NO_LIMIT, Model, assemble
from microgrid.planning.alike import Where, decided_in, unlike
from microgrid.results import Result, collect
from microgrid.run_folders import refuse_unfit
from microgrid.running import NoPlanError, Watch, audited, horizon_of, identity_of, settings_of, told
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Outcome, solve, templating

_MOST = 1.0
_MOST_DIVERSE = 50
_NOTHING = 1e-9
_PRIMAL = 4  # HiGHS's name for the primal simplex method
_MOST_SIGNS = 8
_WORDS = {1.0: "less", -1.0: "more"}


@dataclass(frozen=True, eq=False)
class Alternative:
    """A plan that costs nearly as little as the cheapest.

    Parameters
    ----------
    name
        What it is: the cheapest, the least or the most of a size, or less of some and more of others.
    result
        The plan.
    proved
        Whether its solves reached their gap.
    """

    name: str
    result: Result
    proved: bool

    @property
    def cost(self) -> float:
        """What it costs over the horizon."""
        return self.result.cost

    def size(self, where: Where) -> float:
        """Return one of its sizes."""
        return self.result.sizes[where[0]][where[1]]


@dataclass(frozen=True, eq=False)
class AlternativesStudy:
    """What could be built within a share of the least cost.

    Parameters
    ----------
    within
        By what share of the cheapest plan's cost the others may cost more.
    plans
        The cheapest; then the least and the most of each size; then those in between.
    """

    scenario: Scenario
    within: float
    plans: Sequence[Alternative]
    seconds: float = 0.0
    decided: Sequence[Where] = field(default=())

    @property
    def ranges(self) -> dict[Where, tuple[float, float]]:
        """The least and the most of each size that any plan within the limit has."""
        places = {where: 1 + 2 * number for number, where in enumerate(self.decided)}
        return {where: (self.plans[at].size(where), self.plans[at + 1].size(where)) for where, at in places.items()}

    @property
    def proved(self) -> bool:
        """Whether every solve reached its gap."""
        return all(plan.proved for plan in self.plans)

    @property
    def audited(self) -> bool:
        """Whether every plan passed its audit."""
        return all(plan.result.manifest["audit"]["passed"] for plan in self.plans)

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "within": self.within,
            "ranges": {".".join(where): list(pair) for where, pair in self.ranges.items()},
            "plans": [
                {"name": plan.name, "cost": plan.cost, "proved": plan.proved}
                | {"emissions": plan.result.manifest["emissions"]["emissions"]}
                | {"sizes": {".".join(where): plan.size(where) for where in self.decided}}
                for plan in self.plans
            ],
            "audited": self.audited,
        }


def alternatives(
    scenario: Scenario | Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    within: float = 0.02,
    diverse: int = 3,
) -> AlternativesStudy:
    """Return what else could be built for at most a share more than the cheapest plan.

    Parameters
    ----------
    scenario
        A scenario file with sizes to be decided, or a Scenario already read.
    out
        Folder to write plans, table and picture into.
    overrides
        Values by path; only with a file.
    watch
        Called with a Progress while a solver runs.
    within
        Share of the cheapest plan's cost.
    diverse
        How many plans to seek that have less of some sizes and more of others.

    Raises
    ------
    InputError
        If the scenario holds faults, decides nothing, or a share or number is out of range.
    NoPlanError
        If there is no plan.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    _refuse_unfit(scenario, within, diverse)
    if out is not None:
        refuse_unfit(Path(out))
    with templating():
        search = _Search(assemble(scenario.plant), scenario, watch)
        plans = list(search.plans(within, diverse))
    seconds = time.perf_counter() - started
    study = AlternativesStudy(scenario, within, plans, seconds, decided_in(scenario.plant.assets))
    if out is not None:
        from microgrid.planning.alternatives_files import write

        write(study, Path(out))
    return study


def _refuse_unfit(scenario: Scenario, within: float, diverse: int) -> None:
    problems = [scenario.document.placed(fault) for fault in unlike({"": scenario.plant})]
    if not 0 < within <= _MOST:
        problems.append(Problem("--within", f"{within:g}", "a share above 0 and up to 1, such as 0.02 or 2 %"))
    if not 0 <= diverse <= _MOST_DIVERSE:
        problems.append(Problem("--diverse", str(diverse), f"from 0 to {_MOST_DIVERSE} plans"))
    if problems:
        raise InputError(problems)


def directions(count: int, most: int) -> list[tuple[float, ...]]:
    """Return ways in which plans can differ: of each size less (1) or more (-1), as unlike as can be.

    The first is less of everything, the second more of everything. With more than eight sizes, each ninth goes with the
    first.
    """
    ways = list(product((1.0, -1.0), repeat=min(count, _MOST_SIGNS))) if count else []
    chosen = ways[:1]
    while ways and len(chosen) < min(most, len(ways)):
        left = [way for way in ways if way not in chosen]
        chosen.append(max(left, key=lambda way: min(_apart(way, other) for other in chosen)))
    return [tuple(way[at % _MOST_SIGNS] for at in range(count)) for way in chosen[:most]]


def _apart(one: Sequence[float], other: Sequence[float]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


class _Search:
    """One model whose objective is turned to one size after the other."""

    def __init__(self, model: Model, scenario: Scenario, watch: Watch | None) -> None:
        self.model, self.scenario, self.watch = model, scenario, watch
        self.settings = settings_of(scenario.solver)
        self.decided = decided_in(scenario.plant.assets)
        self.last: Any = None
        self.is_linear = False
        self._limit(NO_LIMIT)

    def plans(self, within: float, diverse: int) -> Iterator[Alternative]:
        """Give the cheapest plan, then those within the limit."""
        cheapest = self._alternative("the cheapest", self._solved())
        yield cheapest
        self._limit(cheapest.cost + within * abs(cheapest.cost))
        found = [cheapest]
        for where in self.decided:
            name = " ".join(where).replace("_", " ")
            for sign, word in ((1.0, "least"), (-1.0, "most")):
                found.append(self._extreme(f"{word} {name}", {where: sign / max(self._high(where), _NOTHING)}))
                yield found[-1]
        widths = {
            where: found[2 + 2 * number].size(where) - found[1 + 2 * number].size(where)
            for number, where in enumerate(self.decided)
        }
        free = [where for where, width in widths.items() if width > _NOTHING * max(self._high(where), 1.0)]
        for signs in directions(len(free), diverse):
            told = ", ".join(f"{_WORDS[sign]} {' '.join(w)}" for sign, w in zip(signs, free, strict=True))
            weights = {where: sign / widths[where] for sign, where in zip(signs, free, strict=True)}
            yield self._extreme(told.replace("_", " "), weights)

    def _high(self, where: Where) -> float:
        return float(self.model.sizes[where[0]][where[1]].high)

    def _limit(self, cost: float) -> None:
        """Limit the cost. The row that sizes are held by follows it: rows stay as many and in their order."""
        self.model.limit("cost", cost)
        self._hold(lambda: sum([self.model.sizes[a][f].amount for a, f in self.decided]), NO_LIMIT)

    def _hold(self, amount: Callable[[], Any], highest: float) -> None:
        if hasattr(self.model.pyomo, "sizes_held"):
            self.model.pyomo.del_component("sizes_held")
        self.model.pyomo.sizes_held = pyo.Constraint(rule=lambda _m: amount() <= highest)

    def _extreme(self, name: str, weights: Mapping[Where, float]) -> Alternative:
        """Return the plan with the least weighted sum of sizes, as cheap as that allows."""

        def summed() -> Any:
            return sum([weight * self.model.sizes[a][f].amount for (a, f), weight in weights.items()])

        model = self.model.pyomo
        model.del_component("goal")
        model.goal = pyo.Objective(rule=lambda _m: summed(), sense=pyo.minimize)
        self._hold(summed, NO_LIMIT)
        first = self._solved()
        self._hold(summed, first.objective + 1e-7 * max(abs(first.objective), 1.0))
        self.model.aim("cost")
        return self._alternative(name, self._solved(), first.is_proved)

    def _solved(self) -> Outcome:
        """Solve. Each plan keeps the rows of the next, whose goal is another: the primal simplex method goes on."""
        settings, horizon = self.settings, horizon_of(self.model) if self.last is None else None
        if self.last is not None:
            own: dict[str, object] = {"simplex_strategy": _PRIMAL} if self.is_linear else {}
            settings = replace(settings, method="direct", options=own | dict(settings.options))
        outcome = solve(self.model.pyomo, settings, self.watch, self.last, load=False, horizon=horizon)
        if outcome.plan is None:
            raise NoPlanError(outcome)
        self.last, self.is_linear = outcome.plan, not outcome.integers
        return outcome

    def _alternative(self, name: str, outcome: Outcome, is_proved: bool = True) -> Alternative:
        goals = [{"column": "cost"} | {key: getattr(outcome, key) for key in ("objective", "bound", "gap", "seconds")}]
        manifest = identity_of(self.scenario) | told(self.scenario.plant, outcome, goals)
        assert outcome.plan is not None
        result = collect(self.model, outcome.plan, manifest | {"total_seconds": outcome.seconds})
        return Alternative(name, audited(result), outcome.is_proved and is_proved)
