"""Any Pyomo model in, an Outcome out. This package has never heard of a battery."""

from __future__ import annotations

from typing import Any

from solvers.outcome import Ended, Outcome, Progress
from solvers.settings import Settings, SettingsError

__all__ = ["Ended", "Outcome", "Progress", "Settings", "SettingsError", "refuse_unfit", "solve"]


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


def solve(model: Any, settings: Settings | None = None, watch: Any = None) -> Outcome:
    """Solve a Pyomo model with the solver that `settings` names.

    Parameters
    ----------
    model
        A Pyomo ConcreteModel with one active objective.
    settings
        Solver, gap, time limit, threads, seed.
    watch
        Called with a Progress while the solver runs, where the solver can tell.

    Returns
    -------
    Outcome
        Why it ended, whether there is a plan, and how good it is. If there is a plan, the model's variables hold it.
    """
    settings = settings or Settings()
    if settings.solver == "highs":
        from solvers.highs import solve_with_highs

        return solve_with_highs(model, settings, watch)
    from solvers.pyomo_driver import solve_with_pyomo

    return solve_with_pyomo(model, settings)
