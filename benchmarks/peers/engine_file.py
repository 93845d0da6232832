"""The engine from a scenario file: YAML and CSV read and validated, then as in engine.py."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import microgrid
from benchmarks.harness import Answer, measure
from benchmarks.peers.engine import answered, settings
from benchmarks.plant import Case, Plant, Unit
from microgrid.model import assemble
from solvers import solve, templating

SCENARIO = """\
name: Benchmark
currency: CNY
site: {{time_zone: UTC}}
horizon: {{start: {start}, end: {end}, step: {minutes} min}}
assets:
  grid:
    kind: grid_connection
    capacity: {{low: 0 kW, high: {k.import_limit} kW, opex: {k.peak_price_a_year} CNY/kW/a}}
    import_price: {{file: site.csv, column: price}}
  roof: {{kind: photovoltaic, capacity: {k.solar} kW, availability: {{file: site.csv, column: sun}}}}
  turbine: {{kind: wind_turbine, capacity: {k.wind} kW, availability: {{file: site.csv, column: wind}}}}
  battery:
    kind: battery
    energy: {k.battery_energy} kWh
    power: {k.battery_power} kW
    charge_efficiency: {k.efficiency}
    discharge_efficiency: {k.efficiency}
    self_discharge: {k.self_discharge:.12f} 1/h
    wear: {{replacement_cost: {wear} CNY/kWh, cycle_life: 1}}
    cyclic: true
    exclusive: never
  electrolyser:
    kind: electrolyser
    capacity: {k.electrolyser.power} kW
    consumption: {k.consumption} kWh/kg
{stacks}
  tank: {{kind: hydrogen_tank, capacity: {k.tank} kg, cyclic: true, exclusive: never}}
  gas: {{kind: supply, bus: natural_gas, price: {k.fuel_price} CNY/kWh}}
  generator:
    kind: fuel_generator
    capacity: {k.generator.power} kW
    electric_efficiency: {k.generator_efficiency}
{commitment}
  mills: {{kind: production_load, demand: {{file: site.csv, column: load}}}}
  annealing: {{kind: production_load, bus: hydrogen, demand: {{file: site.csv, column: hydrogen}}}}
objective: {{minimise: cost}}
solver: {{gap: {case.gap:.12f}, time_limit: {case.seconds} s, threads: {case.threads}}}
"""


def write(plant: Plant, folder: Path) -> Path:
    """Write the plant as a scenario; return its file."""
    case, k = plant.case, plant.numbers
    stacks = [*_times(k.electrolyser, case, 4), f"    cold_start: {{cost: {k.electrolyser.start_cost} CNY}}"]
    commitment = ["    commitment:", *_times(k.generator, case, 6), f"      start_cost: {k.generator.start_cost} CNY"]
    text = SCENARIO.format(
        k=k,
        case=case,
        start=f"{plant.times[0].astype('datetime64[m]')}+00:00",
        end=f"{plant.end.astype('datetime64[m]')}+00:00",
        minutes=case.minutes,
        wear=k.wear * k.efficiency,
        stacks="\n".join(stacks) if case.commitment else "",
        commitment="\n".join(commitment) if case.commitment else "",
    )
    lines = ["time,price [CNY/kWh],sun [1],wind [1],load [kW],hydrogen [kg/h]"]
    columns = [series.tolist() for series in (plant.price, plant.sun, plant.wind, plant.load, plant.hydrogen)]
    for moment, *values in zip(plant.times.astype("datetime64[m]"), *columns, strict=True):
        lines.append(f"{moment}+00:00,{','.join(map(repr, values))}")
    (folder / "site.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "plant.yaml").write_text(text, encoding="utf-8")
    return folder / "plant.yaml"


def _times(unit: Unit, case: Case, indent: int) -> list[str]:
    fields = {
        "minimum_load": f"{unit.minimum_load}",
        "minimum_up": f"{unit.minimum_up} h",
        "minimum_down": f"{unit.minimum_down} h",
        "hours_before": f"{unit.minimum_down - case.hours} h",
    }
    return [f"{' ' * indent}{name}: {value}" for name, value in fields.items()]


class EngineFile:
    """A scenario file."""

    def __init__(self, plant: Plant) -> None:
        self.case = plant.case
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.file = write(plant, Path(folder))

    def build(self) -> None:
        """Read and validate the files."""
        self.scenario = microgrid.read_scenario(self.file)

    def hand_over(self) -> float:
        """Assemble, compile and pass the model to HiGHS, as in engine.py."""
        with templating():
            model = assemble(self.scenario.plant)
        ended = solve(model.pyomo, settings(self.case, 1e-3, presolve="off", simplex_iteration_limit=0))
        return float(ended.seconds)

    def solve(self) -> Answer:
        """Assemble, solve, collect frames, audit."""
        self.result = microgrid.run(self.scenario)
        return answered(self.result)


if __name__ == "__main__":
    measure(EngineFile, ("green-microgrid", "pyomo", "pandas"))
