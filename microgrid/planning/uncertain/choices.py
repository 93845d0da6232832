"""What to build for several futures: a choice with its costs in each, and the study of all choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from microgrid.planning.replay import Replay
from microgrid.planning.uncertain.futures import FutureYear
from microgrid.results import Result
from microgrid.scenario import Scenario

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
    replay
        What sizes were decided on, where that were fewer than all steps, and what the least expected cost is beside
        what those said.
    """

    scenario: Scenario
    futures: Sequence[FutureYear]
    best: Mapping[str, float]
    choices: Sequence[Choice]
    seconds: float
    replay: Replay | None = None

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
            "replay": None if self.replay is None else self.replay.plain,
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
