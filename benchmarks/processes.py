"""`python -m benchmarks processes [SCENARIO ...]`: whole processes, from the command to the written report.

Machines are noisy: read the ratios of one table, not seconds across tables. `overhead` is everything but the solver's
own time: imports, reading, building, hand-over, frames, audit, pictures, report.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

SHIPPED = (
    "scenarios/metal_parts/day.yaml",
    "scenarios/metal_parts/year.yaml",
    "scenarios/steel_works/day.yaml",
    "scenarios/saxony_park/year.yaml",
)
REPEATS = 3


def measure(scenario: str, folder: Path) -> dict[str, float]:
    """Run a scenario once in a process of its own; return wall and solver seconds and peak memory in MB."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "microgrid", "run", scenario, "--out", str(folder), "--quiet"]
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{scenario}: exit code {os.waitstatus_to_exitcode(status)}")
    solver = float(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["outcome"]["seconds"])
    return {"wall": wall, "solver": solver, "overhead": wall - solver, "megabytes": usage.ru_maxrss / 1024}


def print_table(scenarios: list[str]) -> None:
    """Print the median of a few runs of each scenario, by default of the shipped ones."""
    print(f"{'scenario':<40}{'wall s':>10}{'solver s':>10}{'overhead s':>12}{'peak MB':>10}")
    with tempfile.TemporaryDirectory() as temporary:
        for scenario in scenarios or SHIPPED:
            runs = [measure(scenario, Path(temporary) / "run") for _ in range(REPEATS)]
            middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            print(
                f"{scenario:<40}{middle['wall']:>10.2f}{middle['solver']:>10.2f}"
                f"{middle['overhead']:>12.2f}{middle['megabytes']:>10.0f}"
            )
