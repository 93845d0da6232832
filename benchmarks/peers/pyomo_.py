"""The engine's own model through Pyomo's own HiGHS interfaces: what the engine's hand-over replaces.

`python -m benchmarks.peers.pyomo_ CASE appsi` takes `appsi_highs`, `contrib` the newer `pyomo.contrib.solver`.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.harness import Answer, measure
from benchmarks.peers import engine
from benchmarks.plant import Plant
from microgrid.model import assemble

INTERFACE = sys.argv[2]


class Pyomo:
    """The engine's model, and one of Pyomo's interfaces."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Assemble the plant."""
        self.model = assemble(engine.make(self.plant)).pyomo

    def hand_over(self) -> None:
        """Let the interface put the model into HiGHS."""
        self.highs = _interface(INTERFACE)
        self.highs.set_instance(self.model)

    def solve(self) -> Answer:
        """Run HiGHS through the interface, which loads the plan into the model's variables."""
        highs, options = _interface(INTERFACE), self.case.highs_options()
        if INTERFACE == "appsi":
            highs.highs_options = options
            told = highs.solve(self.model)
            return Answer(told.best_feasible_objective, told.best_objective_bound, told.wallclock_time)
        told = highs.solve(self.model, solver_options=options)
        return Answer(told.incumbent_objective, told.objective_bound, highs._solver_model.getRunTime())


def _interface(name: str) -> Any:
    if name == "appsi":
        from pyomo.contrib.appsi.solvers import Highs

        return Highs()
    from pyomo.contrib.solver.solvers.highs import Highs as Newer

    return Newer()


if __name__ == "__main__":
    measure(Pyomo, ("green-microgrid", "pyomo"))
