"""The engine: the plant made of its technologies, assembled, solved, audited and told in frames."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import Answer, measure
from benchmarks.plant import Case, Plant, Unit
from microgrid.capacity import Fixed, Sized
from microgrid.model import assemble
from microgrid.plant import Plant as Site
from microgrid.running import solve_plant
from microgrid.series import Series
from microgrid.technologies.battery import Battery, Wear
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.fuel_generator import FuelGenerator
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.hydrogen_tank import HydrogenTank
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.stacks import Start
from microgrid.technologies.supply import Supply
from microgrid.technologies.wind_turbine import WindTurbine
from microgrid.timeline import Timeline
from solvers import Progress, Settings, solve, templating


def make(plant: Plant) -> Any:
    """Return the engine's own Plant."""
    k = plant.numbers
    start, step = pd.Timestamp(plant.start, tz="UTC"), pd.Timedelta(minutes=plant.case.minutes)
    # One price on the highest import of the whole horizon: a connection as large as its peak, paid by the year.
    connection = Sized(low=0.0, high=k.import_limit, opex=k.peak_price_a_year)
    assets = {
        "grid": GridConnection(capacity=connection, import_price=Series(plant.price)),
        "roof": Photovoltaic(capacity=Fixed(amount=k.solar), availability=Series(plant.sun)),
        "turbine": WindTurbine(capacity=Fixed(amount=k.wind), availability=Series(plant.wind)),
        "battery": Battery(
            energy=Fixed(amount=k.battery_energy),
            power=Fixed(amount=k.battery_power),
            charge_efficiency=k.efficiency,
            discharge_efficiency=k.efficiency,
            self_discharge=k.self_discharge,
            wear=Wear(replacement_cost=k.wear * k.efficiency, cycle_life=1.0),
            cyclic=True,
            exclusive="never",
        ),
        "electrolyser": Electrolyser(
            capacity=Fixed(amount=k.electrolyser.power), consumption=k.consumption, **stacks(plant, k.electrolyser)
        ),
        "tank": HydrogenTank(capacity=Fixed(amount=k.tank), cyclic=True, exclusive="never"),
        "gas": Supply(bus="natural_gas", price=Series(np.asarray(k.fuel_price))),
        "generator": FuelGenerator(
            capacity=Fixed(amount=k.generator.power),
            electric_efficiency=k.generator_efficiency,
            **commitment(plant, k.generator),
        ),
        "mills": ProductionLoad(demand=Series(plant.load)),
        "annealing": ProductionLoad(bus="hydrogen", demand=Series(plant.hydrogen)),
    }
    return Site(Timeline.regular(start, start + plant.case.steps * step, step), assets, currency="CNY")


def stacks(plant: Plant, unit: Unit) -> dict[str, Any]:
    """Return the on-off decisions of the electrolyser, if the case has any."""
    if not plant.case.commitment:
        return {}
    times = {"minimum_up": unit.minimum_up, "minimum_down": unit.minimum_down}
    before = {"hours_before": unit.minimum_down - plant.hours}
    return times | before | {"minimum_load": unit.minimum_load, "cold_start": Start(cost=unit.start_cost)}


def commitment(plant: Plant, unit: Unit) -> dict[str, Any]:
    """Return the on-off decisions of the generator, if the case has any."""
    if not plant.case.commitment:
        return {}
    return {
        "commitment": Commitment(
            minimum_load=unit.minimum_load,
            start_cost=unit.start_cost,
            minimum_up=unit.minimum_up,
            minimum_down=unit.minimum_down,
            hours_before=unit.minimum_down - plant.hours,
        )
    }


def settings(case: Case, seconds: float | None = None, **options: object) -> Any:
    """Return the case's solver settings in the engine's words."""
    limit = case.seconds if seconds is None else seconds
    return Settings(gap=case.gap, seconds=limit, threads=case.threads, options=options)


def answered(result: Any, trace: list[tuple[float, float, float]] | None = None) -> Answer:
    """Read objective, bound and the solver's time out of a result that passed its audit."""
    outcome, audit = result.manifest["outcome"], result.manifest["audit"]
    if not audit["passed"]:
        raise RuntimeError(f"the audit failed: {audit['findings']}")
    size = {key: outcome[key] for key in ("columns", "rows", "integers")}
    return Answer(outcome["objective"], outcome["bound"], outcome["seconds"], size, trace or [])


class Engine:
    """A plant, assembled."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Make the plant from the arrays; its model is assembled with the hand-over."""
        self.site = make(self.plant)

    def hand_over(self) -> float:
        """Assemble, compile and pass the model to HiGHS.

        The engine has no word for stopping there: HiGHS is given no time to run in, and no presolve;
        what it takes all the same is told, and taken off.
        """
        with templating():
            model = assemble(self.site)
        ended = solve(model.pyomo, settings(self.case, 1e-3, presolve="off", simplex_iteration_limit=0), load=False)
        return float(ended.seconds)

    def solve(self) -> Answer:
        """Assemble, solve, collect frames, audit."""
        began, trace = time.perf_counter(), []

        def look(progress: Progress) -> None:
            trace.append((time.perf_counter() - began, progress.incumbent, progress.bound))

        self.result = solve_plant(self.site, settings(self.case), look if self.case.trace else None)
        return answered(self.result, trace)


if __name__ == "__main__":
    measure(Engine, ("green-microgrid", "pyomo", "pandas"))
