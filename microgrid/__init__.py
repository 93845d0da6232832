"""Optimisation of industrial green microgrids: a scenario file in, an optimal and audited plan out.

>>> import microgrid
>>> result = microgrid.run("plant.yaml")  # doctest: +SKIP
>>> result.flows  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microgrid.batching.batch import batch
    from microgrid.errors import InputError, MicrogridError, Problem
    from microgrid.planning.alternatives import alternatives
    from microgrid.planning.operating import operated
    from microgrid.planning.pareto import pareto
    from microgrid.planning.pathways.pathway import pathway
    from microgrid.planning.replay import Shorter
    from microgrid.planning.sizing import size
    from microgrid.planning.uncertain.uncertainty import uncertainty
    from microgrid.results import Result, load
    from microgrid.running import NoPlanError, run, solve_plant
    from microgrid.runs import load_runs
    from microgrid.scenario import Scenario, read_scenario

__all__ = [
    "InputError",
    "MicrogridError",
    "NoPlanError",
    "Problem",
    "Result",
    "Scenario",
    "Shorter",
    "alternatives",
    "batch",
    "load",
    "load_runs",
    "operated",
    "pareto",
    "pathway",
    "read_scenario",
    "run",
    "size",
    "solve_plant",
    "uncertainty",
]

_HOMES = {
    "InputError": "errors",
    "MicrogridError": "errors",
    "NoPlanError": "running",
    "Problem": "errors",
    "Result": "results",
    "Scenario": "scenario",
    "alternatives": "planning.alternatives",
    "Shorter": "planning.replay",
    "batch": "batching.batch",
    "load": "results",
    "load_runs": "runs",
    "operated": "planning.operating",
    "pareto": "planning.pareto",
    "pathway": "planning.pathways.pathway",
    "read_scenario": "scenario",
    "run": "running",
    "size": "planning.sizing",
    "solve_plant": "running",
    "uncertainty": "planning.uncertain.uncertainty",
}


def __getattr__(name: str) -> Any:
    """Import a public word when it is first used, so that ``microgrid --help`` does not wait for a solver."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
