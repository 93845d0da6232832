"""Small plants for tests: build, solve, audit, look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from microgrid.audit import audit
from microgrid.model import Model, assemble
from microgrid.plant import Objective, Plant, PlantBus
from microgrid.results import collect
from microgrid.running import told
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from solvers import Outcome, Settings, solve, templating


@dataclass(frozen=True)
class Solved:
    """A plant with its plan."""

    model: Model
    outcome: Outcome

    @property
    def cost(self) -> float:
        """The objective."""
        return self.outcome.objective

    def flow(self, asset: str, port: str) -> list[float]:
        """Return the rate per step, counted into the bus."""
        (flow,) = [f for f in self.model.contributions[asset].flows if f.port == port]
        return [float(pyo.value(flow.rate(t))) for t in self.model.operation.steps]

    def state(self, asset: str, name: str) -> list[float]:
        """Return a state along its index."""
        variable = self.model.contributions[asset].states[name].variable
        return [float(pyo.value(variable[i])) for i in variable.index_set()]

    def size(self, asset: str, name: str) -> float:
        """Return a capacity."""
        return float(pyo.value(self.model.sizes[asset][name].amount))

    def column(self, name: str) -> float:
        """Return the sum over a ledger column."""
        return float(pyo.value(self.model.ledger.column(name)))


def plant(
    assets: Mapping[str, Technology],
    hours: Sequence[float] | Timeline = (1.0,),
    objective: Objective | None = None,
    buses: Mapping[str, PlantBus] | None = None,
) -> Plant:
    """Return a plant on steps of the given lengths, or on a timeline."""
    timeline = hours if isinstance(hours, Timeline) else Timeline.of_hours(np.asarray(hours, dtype=float))
    return Plant(timeline, assets, buses or {}, objective or Objective(), currency="EUR")


def solved(
    assets: Mapping[str, Technology],
    hours: Sequence[float] | Timeline = (1.0,),
    objective: Objective | None = None,
    buses: Mapping[str, PlantBus] | None = None,
    **settings: Any,
) -> Solved:
    """Solve a plant to a gap of zero and return its plan; a plan must be there, proved, and pass its audit."""
    with templating():
        written = assemble(plant(assets, hours, objective, buses))
    outcome = solve(written.pyomo, Settings(gap=0.0, **settings))
    assert outcome.is_proved, outcome
    manifest = told(written.plant, outcome, [{"column": written.goals[0], "objective": outcome.objective}])
    checked = audit(collect(written, outcome.plan, manifest))
    assert checked.passed, checked.findings
    return Solved(written, outcome)


def refusal(error: Any) -> tuple[str, str]:
    """Return what the first fault of a validation error found, and what it wanted."""
    context = error.errors()[0]["ctx"]
    fault = context["faults"][0] if "faults" in context else None
    return (fault.found, fault.wanted) if fault is not None else (context["found"], context["wanted"])
