"""Any Pyomo model in, an Outcome out. This package has never heard of a battery."""

from __future__ import annotations

from typing import Any

from solvers.compile import Compilation
from solvers.horizon import Horizon
from solvers.outcome import Ended, Outcome, Progress
from solvers.plan import Plan
from solvers.settings import Settings, SettingsError
from solvers.template_rows import templating

__all__ = [
    "Compilation",
    "Ended",
    "Horizon",
    "Outcome",
    "Plan",
    "Progress",
    "Settings",
    "SettingsError",
    "refuse_unfit",
    "solve",
    "templating",
]


def refuse_unfit(settings: Settings) -> None:
    """Refuse settings that `solve` would refuse, as far as that can be known without a model.

    Raises
    ------
    SettingsError
        If the solver is not there, or HiGHS does not know an option.
    """
    if settings.solver == "highs":
        from solvers.highs import configured

        configured(settings)
        return
    from solvers.pyomo_driver import found

    found(settings.solver)


def solve(
    model: Any,
    settings: Settings | None = None,
    watch: Any = None,
    start: Any = None,
    *,
    load: bool = True,
    horizon: Horizon | None = None,
    compilation: Compilation | None = None,
) -> Outcome:
    """Solve a Pyomo model with the solver that `settings` names.

    Parameters
    ----------
    model
        A Pyomo ConcreteModel with one active objective. Constraints in a Suffix called ``lazy`` are put in only where a
        plan breaks them: no other optimum, but a shorter way to it where few are broken (HiGHS; others keep all rows).
    settings
        Solver, gap, time limit, threads, seed.
    watch
        Called with a Progress while the solver runs, where the solver can tell.
    start
        Where the solver can use it: a Plan of a model with the same names, or values by component name along the index
        (nan where unknown).
    load
        Whether to give the model's variables the plan's values. A year's variables are many Python objects: where the
        plan's arrays are enough, leave them out.
    horizon
        The index sets that run along time: with them long mixed-integer models can be solved in windows.
    compilation
        What is kept of the model from solve to solve, for who solves it several times.

    Returns
    -------
    Outcome
        Why it ended, the plan if there is one, and how good it is.
    """
    outcome = _driven(model, settings or Settings(), watch, start, horizon, compilation)
    if load and outcome.plan is not None:
        outcome.plan.load()
    return outcome


def _driven(
    model: Any, settings: Settings, watch: Any, start: Any, horizon: Horizon | None, compilation: Compilation | None
) -> Outcome:
    if settings.solver == "highs":
        from solvers.methods import solve_by_method

        return solve_by_method(model, settings, watch, start, horizon, compilation)
    from solvers.pyomo_driver import solve_with_pyomo

    return solve_with_pyomo(model, settings)
