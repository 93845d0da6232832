"""linopy: the rows written over labelled arrays, handed over directly."""

from __future__ import annotations

from typing import Any

import linopy
import pandas as pd
import xarray as xr

from benchmarks.harness import Answer, measure
from benchmarks.peers.raw import answer
from benchmarks.plant import Plant, Unit


class Linopy:
    """A linopy model of the plant."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Declare variables and rows; stocks are told at the end of each step."""
        p, k, h = self.plant, self.plant.numbers, self.plant.hours
        m = self.model = linopy.Model()
        self.time = pd.RangeIndex(self.case.steps, name="time")
        peak = m.add_variables(0, k.import_limit, name="peak")
        bought = self._variable("import", k.import_limit)
        sun, wind = self._variable("sun", k.solar * p.sun), self._variable("wind", k.wind * p.wind)
        charge, discharge = self._variable("charge", k.battery_power), self._variable("discharge", k.battery_power)
        stored, level = self._variable("stored", k.battery_energy), self._variable("level", k.tank)
        into, out = self._variable("into"), self._variable("out")
        running = self._variable("running", k.electrolyser.power)
        generated = self._variable("generated", k.generator.power)
        supplied = bought + sun + wind + discharge + generated
        m.add_constraints(supplied - charge - running == self._along(p.load), name="electricity")
        m.add_constraints(running / k.consumption + out - into == self._along(p.hydrogen), name="hydrogen")
        m.add_constraints(bought - peak <= 0, name="below_peak")
        gained = h * k.efficiency * charge - h / k.efficiency * discharge
        m.add_constraints(stored - p.kept * stored.roll(time=1) - gained == 0, name="battery")
        m.add_constraints(level - level.roll(time=1) - h * into + h * out == 0, name="tank")
        cost = (self._along(p.price * h) * bought).sum() + (k.wear * h * discharge).sum()
        cost = cost + (p.fuel_cost * h * generated).sum() + p.peak_price * peak
        if self.case.commitment:
            cost = cost + self._commit("electrolyser", running, k.electrolyser)
            cost = cost + self._commit("generator", generated, k.generator)
        m.add_objective(cost)

    def _along(self, values: Any) -> Any:
        return xr.DataArray(values, dims="time", coords={"time": self.time})

    def _variable(self, name: str, high: Any = float("inf"), **kinds: Any) -> Any:
        high = self._along(high) if hasattr(high, "shape") else high
        return self.model.add_variables(0, high, coords=[self.time], name=name, **kinds)

    def _commit(self, name: str, power: Any, unit: Unit) -> Any:
        m = self.model
        on = m.add_variables(coords=[self.time], name=f"{name}_on", binary=True)
        start, stop = self._variable(f"{name}_start", 1.0), self._variable(f"{name}_stop", 1.0)
        m.add_constraints(power - unit.power * on <= 0, name=f"{name}_below")
        m.add_constraints(power - unit.power * unit.minimum_load * on >= 0, name=f"{name}_above")
        m.add_constraints(on.isel(time=[0]) <= 0, name=f"{name}_first")
        before = on.to_linexpr().shift(time=1).fillna(0)
        m.add_constraints(on - before - start + stop == 0, name=f"{name}_switches")
        started = start.rolling(time=self.plant.steps_of(unit.minimum_up), min_periods=1).sum()
        stopped = stop.rolling(time=self.plant.steps_of(unit.minimum_down), min_periods=1).sum()
        m.add_constraints(started - on <= 0, name=f"{name}_stays_on")
        m.add_constraints(stopped + on <= 1, name=f"{name}_stays_off")
        return (unit.start_cost * start).sum()

    def hand_over(self) -> None:
        """Pass the model to HiGHS directly."""
        self.highs = self.model.to_highspy()

    def solve(self) -> Answer:
        """Run HiGHS through linopy; the plan is a dataset."""
        options = self.case.highs_options()
        self.model.solve("highs", io_api="direct", progress=False, **options)
        self.plan = self.model.solution.load()
        return answer(self.model.solver_model, self.case)


if __name__ == "__main__":
    measure(Linopy, ("linopy", "xarray", "pandas"))
