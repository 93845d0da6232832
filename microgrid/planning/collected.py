"""One of several operations in one model as a run of its own, with ledgers, claims and an audit."""

from __future__ import annotations

from dataclasses import replace

from microgrid.model import Model
from microgrid.planning.unpriced_plan import without_duals
from microgrid.results import Result, collect
from microgrid.running import audited, identity_of, told
from microgrid.scenario import Scenario
from solvers import Outcome


def collected(part: Model, scenario: Scenario, outcome: Outcome) -> Result:
    """Return an operation's plan, audited.

    Its objective is its own cost; it has no bound, as the solver's is that of all operations together: ``joint`` in its
    manifest says so.
    """
    values = without_duals(outcome.plan)
    cost = part.total(values, "cost")
    ended = replace(outcome, objective=cost, bound=float("nan"))
    goals = [{"column": "cost", "objective": cost, "bound": None, "gap": None, "seconds": outcome.seconds}]
    manifest = (
        identity_of(scenario) | told(part.plant, ended, goals) | {"total_seconds": outcome.seconds, "joint": True}
    )
    return audited(collect(part, values, manifest))
