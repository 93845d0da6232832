"""Rolling dispatch: how long a re-plan takes beside HiGHS alone, a year of daily re-plans, and twelve months' regret.

python -m benchmarks rolling replan [SCENARIO] [DAYS]   one warm re-plan a day: 36 h at 15 min, gap 0.1 %
python -m benchmarks rolling futures [SCENARIO] [DAYS]  the same for three futures of the load, beside one forecast
python -m benchmarks rolling year [SCENARIO]            a year of daily re-plans, carried out
python -m benchmarks rolling months [SCENARIO] [MONTH ...]    months by themselves, against perfect foresight
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from benchmarks.programs import ROOT
from microgrid.forecasting.futures import levels
from microgrid.model import assemble
from microgrid.rolling.foresight import with_uncertain
from microgrid.rolling.hedging import Future
from microgrid.rolling.inheriting import before, ends_of
from microgrid.rolling.planned import Planned
from microgrid.rolling.replanning import Replanner
from microgrid.rolling.simulating import Course, simulate
from microgrid.rolling.windows import Look
from microgrid.running import settings_of
from microgrid.scenario import Scenario, read_scenario
from microgrid.series import Series
from solvers import Settings, templating
from solvers.compile import compile_model
from solvers.highs import solve_matrix

YEAR = 2018
STEEL, METAL = "steel_works", "metal_parts"
LOOK = Look(((36.0, 0.25),))
GAP = 1e-3
# A simulation carries the peak on by itself; no month begins with one.
NO_PEAK = {"assets.grid.demand_charge.peak_so_far": "0 kW"}
_HIGHS_OWN = {"mip_allow_restart": True, "mip_heuristic_run_root_reduced_cost": True}


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    what, rest = (arguments or ["replan"])[0], arguments[1:]
    if what == "year":
        year(rest[0] if rest else METAL)
    elif what == "months":
        months(rest[0] if rest else METAL, [int(month) for month in rest[1:]] or list(range(1, 13)))
    elif what == "futures":
        futures(rest[0] if rest else METAL, int(rest[1]) if len(rest) > 1 else 3)
    else:
        replans(rest[0] if rest else STEEL, int(rest[1]) if len(rest) > 1 else 5)


def _read(scenario: str, days: int) -> Scenario:
    horizon = f'{{start: "{YEAR}-01-16", days: {days + 9}, step: 15 min}}'
    return read_scenario(ROOT / "scenarios" / scenario / "plant.yaml", {"horizon": horizon})


def futures(scenario: str, days: int) -> None:
    """Re-plan day after day for one forecast, and for three whose loads are a tenth apart; views taken by all."""
    read = _read(scenario, days)
    plant, told, settings = read.plant, before(read.plant), replace(settings_of(read.solver), gap=GAP)
    apart = [
        Future(level.name, level.probability, with_uncertain(plant, partial(_scaled, share)))
        for level, share in zip(levels(3, "futures"), (0.9, 1.0, 1.1), strict=True)
    ]
    print("day   processor s: one forecast   three futures   ratio   rungs")
    for day in range(days + 1):
        took, rungs = [], []
        for known in ([], apart):
            began = time.process_time()
            planned = Replanner(LOOK, settings, ends_of(plant)).plan(plant, 96 * day, told, 600.0, known)
            took.append(time.process_time() - began)
            rungs.append(f"{planned.rung.value}{' of several' if planned.futures else ''}")
        if day:  # the first one warms the process up
            print(
                f"{day:3d}   {took[0]:25.2f}   {took[1]:13.2f}   {took[1] / took[0]:5.2f}   {', '.join(rungs)}",
                flush=True,
            )


def _scaled(share: float, series: Series, _asset: str, field: str) -> Series:
    return replace(series, values=series.values * share) if field == "demand" else series


def replans(scenario: str, days: int) -> None:
    """Re-plan day after day, each from the scenario's own state, and solve the same windows by HiGHS alone."""
    read = _read(scenario, days)
    plant, told = read.plant, before(read.plant)
    replanner = Replanner(LOOK, replace(settings_of(read.solver), gap=GAP), ends_of(plant))
    print("day   re-plan s   its solver s   longer view   gap %   HiGHS alone s   ratio   aim s: 1.5 HiGHS + 0.3")
    for day in range(days + 1):
        planned = replanner.plan(plant, 96 * day, told, 60.0)
        if not day:
            continue  # the first one warms the process up
        alone = _alone(planned)
        print(
            f"{day:3d}   {planned.seconds:9.2f}   {planned.solver_seconds:12.2f}   "
            f"{replanner.outlook.seconds if replanner.outlook else 0.0:11.2f}   {100 * planned.gap:5.3f}   "
            f"{alone:13.2f}   {planned.seconds / alone:5.2f}   {1.5 * alone + 0.3:.2f}",
            flush=True,
        )


def _alone(planned: Planned) -> float:
    """Return the seconds that HiGHS takes for the same window as one model, by its own options."""
    with templating():
        matrix = compile_model(assemble(planned.plant).pyomo)
    return solve_matrix(matrix, Settings(gap=GAP, options=_HIGHS_OWN)).seconds


def year(scenario: str) -> None:
    """Plan and carry out a year, a day at a time."""
    _simulated(scenario, f"{YEAR}-01-01", f"{YEAR + 1}-01-01")


def months(scenario: str, which: list[int]) -> None:
    """Plan and carry out months by themselves."""
    for month in which:
        after = f"{YEAR}-{month + 1:02d}-01" if month < 12 else f"{YEAR + 1}-01-01"
        _simulated(scenario, f"{YEAR}-{month:02d}-01", after)


def _simulated(scenario: str, start: str, end: str) -> None:
    began, worked = time.perf_counter(), time.process_time()
    path = ROOT / "scenarios" / scenario / "plant.yaml"
    account = simulate(path, start, end, Course(), NO_PEAK).result.manifest["simulation"]
    took = time.perf_counter() - began
    perfect = f"{account['perfect_cost']:,.0f}" if "perfect_cost" in account else "no plan"
    regret = "" if account["regret"] is None else f"{account['regret']:.3%}"
    print(
        f"{scenario} {start} {end}: {account['plans']} plans {account['rungs']}, cost {account['cost']:,.0f}, perfect "
        f"foresight {perfect}, regret {regret}; plans {account['seconds']:.1f} s, of which the solver "
        f"{account['solver_seconds']:.1f} s; in all {took:.1f} s, processor {time.process_time() - worked:.1f} s",
        flush=True,
    )
