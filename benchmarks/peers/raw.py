"""Raw arrays: the rows written by hand with numpy and passed to HiGHS. What nobody can be much faster than."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

from benchmarks.harness import Answer, measure
from benchmarks.plant import Case, Plant, Unit


@dataclass
class Arrays:
    """Columns and rows as they are added, block by block."""

    columns: int = 0
    rows: int = 0
    bounds: list[Any] = field(default_factory=list)
    sides: list[Any] = field(default_factory=list)
    entries: list[Any] = field(default_factory=list)

    def add(self, count: int, high: Any = np.inf, cost: Any = 0.0, whole: bool = False, low: Any = 0.0) -> Any:
        """Add columns; return their numbers."""
        parts = [np.broadcast_to(np.asarray(part, dtype=float), count) for part in (low, high, cost, float(whole))]
        self.bounds.append(np.stack(parts))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def state(self, count: int, low: Any, high: Any, *terms: tuple[Any, Any]) -> None:
        """Add rows ``low <= sum of value * column <= high``."""
        row = np.arange(self.rows, self.rows + count)
        for columns, values in terms:
            self.entries.append((row, np.broadcast_to(columns, count), np.broadcast_to(float(values), count)))
        self.sides.append(np.stack([np.broadcast_to(np.asarray(side, dtype=float), count) for side in (low, high)]))
        self.rows += count

    def at(self, rows: Any, columns: Any, value: float) -> None:
        """Add single entries to rows that are there."""
        self.entries.append((rows, columns, np.full(len(rows), value)))


class Raw:
    """Arrays, then HiGHS."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.case = plant, plant.case

    def build(self) -> None:
        """Write all rows."""
        p, k, n, h = self.plant, self.plant.numbers, self.case.steps, self.plant.hours
        a = self.arrays = Arrays()
        peak = a.add(1, k.import_limit, p.peak_price)
        bought = a.add(n, k.import_limit, p.price * h)
        sun, wind = a.add(n, k.solar * p.sun), a.add(n, k.wind * p.wind)
        charge, discharge = a.add(n, k.battery_power), a.add(n, k.battery_power, k.wear * h)
        stored, level = a.add(n + 1, k.battery_energy), a.add(n + 1, k.tank)
        into, out = a.add(n), a.add(n)
        running = a.add(n, k.electrolyser.power)
        generated = a.add(n, k.generator.power, p.fuel_cost * h)
        supplies = [(column, 1.0) for column in (bought, sun, wind, discharge, generated)]
        a.state(n, p.load, p.load, *supplies, (charge, -1.0), (running, -1.0))
        a.state(n, p.hydrogen, p.hydrogen, (running, 1.0 / k.consumption), (out, 1.0), (into, -1.0))
        a.state(n, -np.inf, 0.0, (bought, 1.0), (peak, -1.0))
        gain, loss = -h * k.efficiency, h / k.efficiency
        a.state(n, 0.0, 0.0, (stored[1:], 1.0), (stored[:-1], -p.kept), (charge, gain), (discharge, loss))
        a.state(n, 0.0, 0.0, (level[1:], 1.0), (level[:-1], -1.0), (into, -h), (out, h))
        a.state(1, 0.0, 0.0, (stored[-1], 1.0), (stored[0], -1.0))
        a.state(1, 0.0, 0.0, (level[-1], 1.0), (level[0], -1.0))
        if self.case.commitment:
            for power, unit in ((running, k.electrolyser), (generated, k.generator)):
                self._commit(a, power, unit)

    def _commit(self, a: Arrays, power: Any, unit: Unit) -> None:
        n = self.case.steps
        on = a.add(n, np.concatenate([[0.0], np.ones(n - 1)]), whole=True)
        start, stop = a.add(n, 1.0, unit.start_cost), a.add(n, 1.0)
        a.state(n, -np.inf, 0.0, (power, 1.0), (on, -unit.power))
        a.state(n, 0.0, np.inf, (power, 1.0), (on, -unit.power * unit.minimum_load))
        first = a.rows
        a.state(n, 0.0, 0.0, (on, 1.0), (start, -1.0), (stop, 1.0))
        a.at(np.arange(first + 1, first + n), on[:-1], -1.0)
        for moved, sign, hours in ((start, -1.0, unit.minimum_up), (stop, 1.0, unit.minimum_down)):
            first = a.rows
            a.state(n, -np.inf, 0.0 if sign < 0 else 1.0, (on, sign), (moved, 1.0))
            for lag in range(1, self.plant.steps_of(hours)):
                a.at(np.arange(first + lag, first + n), moved[:-lag], 1.0)

    def hand_over(self) -> None:
        """Sort the entries by row and pass the model."""
        a = self.arrays
        low, high, cost, whole = np.concatenate(a.bounds, axis=1)
        row_low, row_high = np.concatenate(a.sides, axis=1)
        row, column, value = (np.concatenate(part) for part in zip(*a.entries, strict=True))
        order = np.argsort(row, kind="stable")
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = a.columns, a.rows
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, low, high
        lp.row_lower_, lp.row_upper_ = row_low, row_high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=a.rows))])
        lp.a_matrix_.index_, lp.a_matrix_.value_ = column[order], value[order]
        if whole.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(kind)] for kind in whole.tolist()]
        self.highs = highspy.Highs()
        for option, wanted in self.case.highs_options().items():
            self.highs.setOptionValue(option, wanted)
        self.highs.passModel(lp)
        self.size = {"columns": a.columns, "rows": a.rows, "nonzeros": len(value)}

    def solve(self) -> Answer:
        """Run HiGHS; the plan is an array."""
        self.hand_over()
        trace: list[tuple[float, float, float]] = []
        if self.case.trace:
            self._watch(trace)
        self.highs.run()
        self.plan = np.asarray(self.highs.getSolution().col_value)
        return answer(self.highs, self.case, self.size, trace)

    def _watch(self, trace: list[tuple[float, float, float]]) -> None:
        def look(event: Any) -> None:
            told = event.data_out
            trace.append((told.running_time, told.mip_primal_bound, told.mip_dual_bound))

        # HiGHS tells of its bound only where it would print a line.
        self.highs.setOptionValue("log_to_console", False)
        self.highs.setOptionValue("output_flag", True)
        self.highs.cbMipLogging.subscribe(look)
        self.highs.cbMipImprovingSolution.subscribe(look)


def answer(highs: Any, case: Case, size: Any = None, trace: Any = None) -> Answer:
    """Read objective, bound and time out of a HiGHS object that has run."""
    info = highs.getInfo()
    objective = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if case.commitment else objective
    return Answer(objective, bound, float(highs.getRunTime()), size or {}, trace or [])


if __name__ == "__main__":
    measure(Raw, ())
