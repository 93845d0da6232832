"""How hard to solve: solver, gap, time, threads, seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


class SettingsError(ValueError):
    """A setting that no solver could follow, or a solver that is not there."""


@dataclass(frozen=True)
class Settings:
    """What a solver is asked for.

    Parameters
    ----------
    solver
        ``highs``, or the name of any solver that Pyomo's SolverFactory knows.
    gap
        Relative gap at which a plan counts as optimal.
    seconds
        Time limit of the solver, or None.
    threads
        Number of threads; None leaves the choice to the solver.
    seed
        Random seed.
    options
        Further options in the solver's own words, passed as they are.
    method
        Whether HiGHS gets the model as one (``direct``), long models are solved in ``windows`` of time, or the whole
        numbers next to the relaxation are tried first (``neighbourhood``); ``auto`` chooses the first or the second by
        size.
    """

    solver: str = "highs"
    gap: float = 1e-4
    seconds: float | None = None
    threads: int | None = None
    seed: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    method: Literal["auto", "direct", "windows", "neighbourhood"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what no solver could follow."""
        if not (math.isfinite(self.gap) and self.gap >= 0):
            raise SettingsError(f"gap {self.gap}: wanted zero or more, such as 0.001 for 0.1 %")
        if self.seconds is not None and not self.seconds > 0:
            raise SettingsError(f"seconds {self.seconds}: wanted a time above zero")
        if self.method not in ("auto", "direct", "windows", "neighbourhood"):
            raise SettingsError(f"method {self.method!r}: wanted auto, direct, windows or neighbourhood")
        if self.method in ("windows", "neighbourhood") and self.solver != "highs":
            raise SettingsError(f"method {self.method} with solver {self.solver}: that way is solved with highs")
        if self.threads is not None and self.threads < 1:
            raise SettingsError(f"threads {self.threads}: wanted at least one")
        if not 0 <= self.seed < 2**31:
            raise SettingsError(f"seed {self.seed}: wanted a whole number from 0 to {2**31 - 1}")
