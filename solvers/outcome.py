"""Three separate answers after a solve: why it ended, whether there is a plan, and how good the plan is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from solvers.plan import Plan


class Ended(StrEnum):
    """Why a solver stopped."""

    OPTIMAL = "optimal"
    """The gap asked for is proved."""
    TIME = "time limit"
    """The time was over."""
    LIMIT = "limit"
    """Another limit that was set came first: nodes, iterations, solutions, memory."""
    INTERRUPTED = "interrupted"
    """The user stopped it."""
    INFEASIBLE = "infeasible"
    """No plan can meet all rows."""
    UNBOUNDED = "unbounded"
    """The objective can fall without end."""
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    """One of the two; the solver did not find out which."""
    FAILED = "failed"
    """The solver gave up, for numerical trouble or a fault of its own."""


MAY_HAVE_PLAN = (Ended.OPTIMAL, Ended.TIME, Ended.LIMIT, Ended.INTERRUPTED)


@dataclass(frozen=True)
class Outcome:
    """How a solve ended.

    Parameters
    ----------
    ended
        Why the solver stopped.
    plan
        A feasible plan, or None.
    objective
        Value of the plan, or nan.
    bound
        What no plan can beat, or nan.
    seconds
        Time the solver itself ran.
    solver
        Name and version.
    message
        What the solver said, or which row cannot hold.
    columns, rows, integers
        Size of what was solved.
    method
        How it was solved: ``direct``, as one model; in ``windows`` of time; by the ``neighbourhood`` of the relaxation.
    iterations
        Simplex iterations it took, where the solver tells.
    """

    ended: Ended
    plan: Plan | None = field(default=None, repr=False)
    objective: float = math.nan
    bound: float = math.nan
    seconds: float = 0.0
    solver: str = ""
    message: str = ""
    columns: int = 0
    rows: int = 0
    integers: int = 0
    method: str = "direct"
    iterations: int = 0

    @property
    def has_plan(self) -> bool:
        """Whether there is a feasible plan."""
        return self.plan is not None

    @property
    def gap(self) -> float:
        """Relative distance between plan and bound, as a share of the plan's value; nan without both."""
        if not (math.isfinite(self.objective) and math.isfinite(self.bound)):
            return math.nan
        distance = abs(self.objective - self.bound)
        return 0.0 if distance <= 1e-9 else distance / max(abs(self.objective), 1e-10)

    @property
    def is_proved(self) -> bool:
        """Whether the plan is proved to be within the gap asked for."""
        return self.has_plan and self.ended is Ended.OPTIMAL


@dataclass(frozen=True)
class Progress:
    """A look at a running solve; `is_stopping` once it has been asked to stop."""

    seconds: float
    incumbent: float = math.nan
    bound: float = math.nan
    is_stopping: bool = False

    @property
    def gap(self) -> float:
        """Relative distance between incumbent and bound; nan before there is an incumbent."""
        if not (math.isfinite(self.incumbent) and math.isfinite(self.bound)):
            return math.nan
        return abs(self.incumbent - self.bound) / max(abs(self.incumbent), 1e-10)
