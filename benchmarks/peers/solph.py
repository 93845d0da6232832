"""oemof.solph: an energy system of buses, sources, converters and storages, written as a Pyomo model."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pandas as pd
from oemof import solph
from pyomo.contrib import appsi

from benchmarks.harness import Answer, measure
from benchmarks.plant import Plant, Unit

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


class Solph:
    """An energy system, optimised through Pyomo's appsi interface, as solph itself does for HiGHS."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Make the energy system and its Pyomo model. The peak is an investment in the grid's flow."""
        p, k = self.plant, self.plant.numbers
        index = pd.DatetimeIndex([*p.times, p.times[-1] + (p.times[1] - p.times[0])])
        self.system = solph.EnergySystem(timeindex=index, infer_last_interval=False)
        power, hydrogen = solph.Bus(label="electricity"), solph.Bus(label="hydrogen")
        flow, source, sink = solph.Flow, solph.components.Source, solph.components.Sink
        connection = solph.Investment(ep_costs=p.peak_price, maximum=k.import_limit)
        self.system.add(
            power,
            hydrogen,
            sink(label="mills", inputs={power: flow(fix=p.load, nominal_capacity=1)}),
            sink(label="annealing", inputs={hydrogen: flow(fix=p.hydrogen, nominal_capacity=1)}),
            source(label="grid", outputs={power: flow(nominal_capacity=connection, variable_costs=p.price)}),
            source(label="roof", outputs={power: flow(nominal_capacity=k.solar, maximum=p.sun)}),
            source(label="turbine", outputs={power: flow(nominal_capacity=k.wind, maximum=p.wind)}),
            source(label="generator", outputs={power: self._flow(k.generator, variable_costs=p.fuel_cost)}),
            solph.components.Converter(
                label="electrolyser",
                inputs={power: self._flow(k.electrolyser)},
                outputs={hydrogen: flow()},
                conversion_factors={hydrogen: 1.0 / k.consumption},
            ),
            solph.components.GenericStorage(
                label="battery",
                inputs={power: flow(nominal_capacity=k.battery_power)},
                outputs={power: flow(nominal_capacity=k.battery_power, variable_costs=k.wear)},
                nominal_capacity=k.battery_energy,
                inflow_conversion_factor=k.efficiency,
                outflow_conversion_factor=k.efficiency,
                loss_rate=k.self_discharge,
                balanced=True,
            ),
            solph.components.GenericStorage(
                label="tank",
                inputs={hydrogen: flow()},
                outputs={hydrogen: flow()},
                nominal_capacity=k.tank,
                balanced=True,
            ),
        )
        self.model = solph.Model(self.system)

    def _flow(self, unit: Unit, **terms: Any) -> Any:
        """Return the flow of a unit, with its on-off decisions if the case has any.

        solph forbids a start that leaves less than the minimum time before the horizon ends: the time is cut to
        what is left. It keeps a unit that was off before the horizon off for the first minimum time: that one is
        a step.
        """
        if not self.case.commitment:
            return solph.Flow(nominal_capacity=unit.power, **terms)
        n, up, down = self.case.steps, *map(self.plant.steps_of, (unit.minimum_up, unit.minimum_down))
        decisions = solph.NonConvex(
            startup_costs=unit.start_cost,
            minimum_uptime=[min(up, n - t) for t in range(n)],
            minimum_downtime=[1] + [down] * (n - 1),
            initial_status=0,
        )
        return solph.Flow(nominal_capacity=unit.power, minimum=unit.minimum_load, nonconvex=decisions, **terms)

    def hand_over(self) -> None:
        """Let Pyomo's appsi interface put the model into HiGHS."""
        self.highs = appsi.solvers.Highs()
        self.highs.set_instance(self.model)

    def solve(self) -> Answer:
        """Run HiGHS through solph; the plan is frames out of its Results object."""
        self.model.solve(solver="highs", cmdline_options=self.case.highs_options(), allow_nonoptimal=True)
        results = solph.Results(self.model)
        wanted = ["flow", "storage_content", "invest", *(["status", "startup"] if self.case.commitment else [])]
        self.plan = {key: results[key] for key in wanted}
        told = self.model.solver_results
        return Answer(told["best_feasible_objective"], told["best_objective_bound"], told["wallclock_time"])


if __name__ == "__main__":
    measure(Solph, ("oemof.solph", "pyomo", "pandas"))
