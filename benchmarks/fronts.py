"""`python -m benchmarks fronts [SCENARIO]`: a cost-carbon front beside cold solves of its points, by us and by HiGHS.

Every solve is one process on one thread; times are those of the processor, from the plant on. A cold solve of a point
is the cheapest plan below its limit on emissions, with nothing to begin from.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.programs import ROOT

SCENARIO = "scenarios/metal_parts/sizing.yaml"
POINTS = 12


def measure(arguments: Sequence[str]) -> None:
    """Compute a front, then every point of it cold, and print how the times compare."""
    scenario = arguments[0] if arguments else SCENARIO
    front = _apart(scenario, "front", "")
    print(f"front of {POINTS} points: {front['seconds']:.1f} s", flush=True)
    found = []
    for cost, limit in front["points"]:
        times = {way: _apart(scenario, way, limit) for way in ("cold", "highs")}
        for way, told in times.items():
            if abs(told["cost"] - cost) > 1e-4 * abs(cost):
                raise ValueError(f"{way}: {told['cost']:,.2f} below {limit} kg, where the front has {cost:,.2f}")
        found.append([times[way]["seconds"] for way in ("cold", "highs")])
        print(f"below {float(limit):>12,.0f} kg: {found[-1][0]:>6.1f} s, HiGHS {found[-1][1]:>6.1f} s", flush=True)
    for name, column in (("our own", 0), ("HiGHS's", 1)):
        times_of = [each[column] for each in found]
        mean = sum(times_of) / len(times_of)
        ratios = f"{front['seconds'] / mean:.1f} of its mean, {front['seconds'] / times_of[-1]:.1f} of the one"
        print(f"the front takes {ratios} without a limit: {name} cold solves")


def _apart(scenario: str, way: str, limit: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.fronts", scenario, way, limit]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _front(scenario: str) -> dict[str, Any]:
    from microgrid.planning.pareto import pareto
    from microgrid.scenario import read_scenario

    read = read_scenario(ROOT / scenario, {"solver.threads": "1"})
    started = time.process_time()
    points = pareto(read, POINTS).points
    # The cheapest plan is what a limit on emissions that binds nothing leads to.
    told = [(each.cost, repr(each.limit if each.number < POINTS - 1 else 2 * each.limit)) for each in points]
    return {"seconds": time.process_time() - started, "points": told}


def _cold(scenario: str, way: str, limit: str) -> dict[str, Any]:
    from microgrid.model import assemble
    from microgrid.running import horizon_of, settings_of
    from microgrid.scenario import read_scenario
    from solvers import solve, templating
    from solvers.compile import compile_model
    from solvers.highs import solve_matrix

    read = read_scenario(ROOT / scenario)
    settings = replace(settings_of(read.solver), threads=1)
    started = time.process_time()
    with templating():
        model = assemble(read.plant)
        model.limit("emissions", float(limit))
        model.aim("cost")
        if way == "highs":
            outcome = solve_matrix(compile_model(model.pyomo), settings)
        else:
            outcome = solve(model.pyomo, settings, load=False, horizon=horizon_of(model))
    return {"seconds": time.process_time() - started, "cost": outcome.objective}


if __name__ == "__main__":
    _, file, how, below = sys.argv
    print(json.dumps(_front(file) if how == "front" else _cold(file, how, below)))
