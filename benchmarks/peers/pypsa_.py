"""PyPSA: a network of buses, generators, a storage unit, a store and a link."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
import pypsa

from benchmarks.harness import Answer, measure
from benchmarks.peers.raw import answer
from benchmarks.plant import Plant, Unit

for name in ("pypsa", "linopy"):
    logging.getLogger(name).setLevel(logging.ERROR)


class PyPSA:
    """A network, optimised through linopy."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Make the network and its linopy model.

        The peak is the size of an extendable generator. The tank is a store, whose one flow has either sign.
        """
        p, k = self.plant, self.plant.numbers
        n = self.network = pypsa.Network()
        n.set_snapshots(pd.DatetimeIndex(p.times))
        n.snapshot_weightings = n.snapshot_weightings.astype(float) * p.hours

        def along(values: Any) -> Any:
            return pd.Series(values, index=n.snapshots)

        n.add("Bus", ["electricity", "hydrogen"])
        n.add("Load", "mills", bus="electricity", p_set=along(p.load))
        n.add("Load", "annealing", bus="hydrogen", p_set=along(p.hydrogen))
        n.add(
            "Generator",
            "grid",
            bus="electricity",
            p_nom_extendable=True,
            p_nom_max=k.import_limit,
            capital_cost=p.peak_price,
            marginal_cost=along(p.price),
        )
        n.add("Generator", "roof", bus="electricity", p_nom=k.solar, p_max_pu=along(p.sun))
        n.add("Generator", "turbine", bus="electricity", p_nom=k.wind, p_max_pu=along(p.wind))
        n.add(
            "Generator",
            "generator",
            bus="electricity",
            p_nom=k.generator.power,
            marginal_cost=p.fuel_cost,
            **self._commitment(k.generator),
        )
        n.add(
            "Link",
            "electrolyser",
            bus0="electricity",
            bus1="hydrogen",
            p_nom=k.electrolyser.power,
            efficiency=1.0 / k.consumption,
            **self._commitment(k.electrolyser),
        )
        n.add(
            "StorageUnit",
            "battery",
            bus="electricity",
            p_nom=k.battery_power,
            max_hours=k.battery_energy / k.battery_power,
            efficiency_store=k.efficiency,
            efficiency_dispatch=k.efficiency,
            standing_loss=k.self_discharge,
            marginal_cost=k.wear,
            cyclic_state_of_charge=True,
        )
        n.add("Store", "tank", bus="hydrogen", e_nom=k.tank, e_cyclic=True)
        n.optimize.create_model(include_objective_constant=False)

    def _commitment(self, unit: Unit) -> dict[str, Any]:
        """Return the on-off fields: times in snapshots; off for one snapshot less than the minimum time before."""
        if not self.case.commitment:
            return {}
        down = self.plant.steps_of(unit.minimum_down)
        return {
            "committable": True,
            "p_min_pu": unit.minimum_load,
            "start_up_cost": unit.start_cost,
            "min_up_time": self.plant.steps_of(unit.minimum_up),
            "min_down_time": down,
            "up_time_before": 0,
            "down_time_before": down - 1,
        }

    def hand_over(self) -> None:
        """Pass the linopy model to HiGHS directly."""
        self.highs = self.network.model.to_highspy()

    def solve(self) -> Answer:
        """Run HiGHS through linopy; the plan stands in the network's frames."""
        options = self.case.highs_options()
        self.network.optimize.solve_model(solver_name="highs", io_api="direct", progress=False, solver_options=options)
        return answer(self.network.model.solver_model, self.case)


if __name__ == "__main__":
    measure(PyPSA, ("pypsa", "linopy", "xarray", "pandas"))
