"""Several futures in one model: what is built is the same in all, how it runs is each future's own.

Three ways of judging what is built: the expected cost; the mean cost of the worst cases, the conditional value at risk
(Rockafellar and Uryasev, Journal of Risk 2 (2000) 21); the largest regret, by which a plan costs more in a future than
the best plan for that future alone (Savage, Journal of the American Statistical Association 46 (1951) 55).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyomo.core as pyo

from microgrid.model import Model
from microgrid.planning.alike import decided_in
from microgrid.planning.uncertain.futures import FutureYear
from microgrid.tied_futures import TiedFutures, write_futures

Judged = Literal["expected", "risk", "regret"]
JUDGED: dict[Judged, str] = {
    "expected": "least expected cost",
    "risk": "least cost of the worst cases",
    "regret": "least largest regret",
}


@dataclass(frozen=True, eq=False)
class FuturesModel(TiedFutures):
    """A plant in several futures, of which one is to be built.

    Parameters
    ----------
    tail
        Share of the worst cases that `risk` looks at.
    """

    tail: float

    def cost(self, name: str) -> Any:
        """Return what a year costs in a future, annuities included."""
        return _a_year(self.parts[name])

    def judged(self, judged: Judged) -> Any:
        """Return what a way of judging minimises."""
        if judged == "expected":
            return self.expected(_a_year)
        if judged == "regret":
            return self.pyomo.largest_regret
        beyond = sum([share * self.pyomo.beyond[name] for name, share in self.probabilities.items()])
        return self.pyomo.at_risk + beyond / self.tail

    def aim(self, judged: Judged) -> None:
        """Make a way of judging the objective."""
        if hasattr(self.pyomo, "goal"):
            self.pyomo.del_component("goal")
        self.pyomo.goal = pyo.Objective(rule=lambda _m: self.judged(judged), sense=pyo.minimize)

    def hold(self, judged: Judged, reached: float) -> None:
        """Let a way of judging become no worse than what was reached, within the slack of solvers."""
        self.release()
        highest = reached + 1e-6 * abs(reached) + 1e-9
        self.pyomo.held = pyo.Constraint(rule=lambda _m: self.judged(judged) <= highest)

    def release(self) -> None:
        """Take away what was held."""
        if hasattr(self.pyomo, "held"):
            self.pyomo.del_component("held")


def futures_model(futures: Sequence[FutureYear], best: Mapping[str, float], tail: float) -> FuturesModel:
    """Write a plant in several futures.

    Parameters
    ----------
    futures
        The futures.
    best
        What a year costs in each of them with the best plan for it alone.
    tail
        Share of the worst cases.
    """
    plants = {future.name: future.scenario.plant for future in futures}
    futures_apart = write_futures(plants, {future.name: future.probability for future in futures}, "futures")
    model, parts, names = futures_apart.pyomo, futures_apart.parts, list(plants)
    written = FuturesModel(model, parts, futures_apart.probabilities, tail)
    _build_the_same(written)
    model.names = pyo.Set(initialize=names)
    model.at_risk = pyo.Var()
    model.beyond = pyo.Var(model.names, within=pyo.NonNegativeReals)
    model.largest_regret = pyo.Var()
    model.judge = pyo.Block(names)
    for name in names:
        _judge(model.judge[name], written, name, best[name])
    return written


def _a_year(part: Model) -> Any:
    return part.ledger.column("cost") / part.plant.timeline.years


def _build_the_same(written: FuturesModel) -> None:
    """Let every future have the sizes of the first."""
    first = next(iter(written.parts.values()))
    for asset, field in decided_in(first.plant.assets):
        written.tie(f"{asset} {field}", lambda part, a=asset, f=field: part.sizes[a][f].amount)  # type: ignore[misc]


def _judge(block: Any, written: FuturesModel, name: str, best: float) -> None:
    """Say what a future's cost is beyond the value at risk, and beyond the best plan for it."""
    model = written.pyomo
    block.beyond_value_at_risk = pyo.Constraint(
        rule=lambda _b: model.beyond[name] >= written.cost(name) - model.at_risk
    )
    block.within_largest_regret = pyo.Constraint(rule=lambda _b: model.largest_regret >= written.cost(name) - best)
