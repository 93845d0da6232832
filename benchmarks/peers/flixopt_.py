"""flixOpt: a flow system of buses, sources, converters and storages, written as a linopy model."""

from __future__ import annotations

import logging
from typing import Any

import flixopt as fx
import pandas as pd

from benchmarks.harness import Answer, measure
from benchmarks.peers.raw import answer
from benchmarks.plant import Plant, Unit

fx.CONFIG.silent()
for name in ("flixopt", "linopy"):
    logging.getLogger(name).setLevel(logging.ERROR)


class FlixOpt:
    """A flow system, optimised through linopy."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Make the flow system and its linopy model. The peak is a mandatory investment in the grid's flow."""
        p, k = self.plant, self.plant.numbers
        self.system = fx.FlowSystem(pd.DatetimeIndex(p.times, name="time"), hours_of_last_timestep=p.hours)
        connection = fx.InvestParameters(
            minimum_size=0,
            maximum_size=k.import_limit,
            mandatory=True,
            effects_of_investment_per_size=p.peak_price,
        )
        self.system.add_elements(
            fx.Effect("cost", "CNY", "cost", is_standard=True, is_objective=True),
            # An imbalance is not allowed, as by every other program.
            fx.Bus("electricity", imbalance_penalty_per_flow_hour=None),
            fx.Bus("hydrogen", imbalance_penalty_per_flow_hour=None),
            fx.Sink("mills", inputs=[self._demand("mills", "electricity", p.load)]),
            fx.Sink("annealing", inputs=[self._demand("annealing", "hydrogen", p.hydrogen)]),
            fx.Source(
                "grid",
                outputs=[fx.Flow("import", "electricity", size=connection, effects_per_flow_hour=p.price)],
            ),
            fx.Source("roof", outputs=[fx.Flow("sun", "electricity", size=k.solar, relative_maximum=p.sun)]),
            fx.Source("turbine", outputs=[fx.Flow("wind", "electricity", size=k.wind, relative_maximum=p.wind)]),
            fx.Source("generator", outputs=[self._unit("power", k.generator, effects_per_flow_hour=p.fuel_cost)]),
            self._electrolyser(),
            fx.Storage(
                "battery",
                charging=fx.Flow("charge", "electricity", size=k.battery_power),
                discharging=fx.Flow("discharge", "electricity", size=k.battery_power, effects_per_flow_hour=k.wear),
                capacity_in_flow_hours=k.battery_energy,
                initial_charge_state="equals_final",
                eta_charge=k.efficiency,
                eta_discharge=k.efficiency,
                relative_loss_per_hour=k.self_discharge,
                prevent_simultaneous_charge_and_discharge=False,
            ),
            fx.Storage(
                "tank",
                # A size is wanted of every flow: one that never binds.
                charging=fx.Flow("into", "hydrogen", size=k.tank / p.hours),
                discharging=fx.Flow("out", "hydrogen", size=k.tank / p.hours),
                capacity_in_flow_hours=k.tank,
                initial_charge_state="equals_final",
                prevent_simultaneous_charge_and_discharge=False,
            ),
        )
        self.system.build_model()

    def _demand(self, name: str, bus: str, values: Any) -> Any:
        return fx.Flow(f"{name}_demand", bus, size=1, fixed_relative_profile=values)

    def _electrolyser(self) -> Any:
        k = self.plant.numbers
        power = self._unit("electricity", k.electrolyser)
        made = fx.Flow("hydrogen", "hydrogen", size=k.electrolyser.power / k.consumption)
        factors = [{"electricity": 1.0, "hydrogen": k.consumption}]
        return fx.LinearConverter("electrolyser", inputs=[power], outputs=[made], conversion_factors=factors)

    def _unit(self, name: str, unit: Unit, **terms: Any) -> Any:
        """Return the flow of a unit, with its on-off decisions if the case has any.

        The flow before the horizon is told for one step less than the minimum time off.
        """
        if not self.case.commitment:
            return fx.Flow(name, "electricity", size=unit.power, **terms)
        steps = self.plant.steps_of(unit.minimum_down) - 1
        before = [unit.power] + [0.0] * steps
        status = fx.StatusParameters(
            effects_per_startup=unit.start_cost, min_uptime=unit.minimum_up, min_downtime=unit.minimum_down
        )
        return fx.Flow(
            name,
            "electricity",
            size=unit.power,
            relative_minimum=unit.minimum_load,
            status_parameters=status,
            previous_flow_rate=before,
            **terms,
        )

    def hand_over(self) -> None:
        """Pass the linopy model to HiGHS directly."""
        self.highs = self.system.model.to_highspy()

    def solve(self) -> Answer:
        """Run HiGHS through flixOpt, handed over directly; the plan is a dataset."""
        case = self.case
        options = case.highs_options() | {"io_api": "direct", "log_to_console": False}
        for own in ("mip_rel_gap", "time_limit", "threads"):
            options.pop(own)
        solver = fx.solvers.HighsSolver(
            mip_gap=case.gap, time_limit_seconds=case.seconds, threads=case.threads, extra_options=options
        )
        self.system.solve(solver, progress=False)
        self.plan = self.system.solution.load()
        return answer(self.system.model.solver_model, case)


if __name__ == "__main__":
    measure(FlixOpt, ("flixopt", "linopy", "xarray", "pandas"))
