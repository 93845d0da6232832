"""What every program's script has in common: clocks, memory, one line of JSON. Needs numpy and nothing else.

The clocks run over the program's own work: making its model from plain arrays, handing it to HiGHS, running HiGHS,
bringing the plan back into its tables. What a Job does in its `__init__` is not counted.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from benchmarks.plant import Case, Plant, make_plant


@dataclass
class Answer:
    """What came out of a solve; `solver` is the time that HiGHS itself reports, or that ran while it did."""

    objective: float
    bound: float
    solver: float
    size: Mapping[str, int] = field(default_factory=dict)
    trace: list[tuple[float, float, float]] = field(default_factory=list)


class Job(Protocol):
    """One program's way from arrays to a plan."""

    def build(self) -> None:
        """Make the program's model."""

    def hand_over(self) -> float | None:
        """Put the model into HiGHS, and do not run it; return the seconds that it ran all the same, if it had to."""

    def solve(self) -> Answer:
        """Put the model into HiGHS, run it, bring the plan back into the program's own tables."""


def measure(job_of: Callable[[Plant], Job], packages: tuple[str, ...]) -> None:
    """Run the case given as JSON on the command line, and print what it took as JSON.

    Whoever starts the process may put the time into `BENCH_STARTED`: then `start` is what Python and imports took.
    """
    began = float(os.environ.get("BENCH_STARTED", time.time()))
    imported, held = time.time() - began, peak_megabytes()
    case = Case.from_json(sys.argv[1])
    plant = make_plant(case)
    runs, answer = [], None
    for _ in range(case.repeats):
        run, answer = _once(job_of, plant)
        runs.append(run)
        gc.collect()
    told: dict[str, Any] = {
        "start": imported,
        "runs": runs,
        "megabytes": peak_megabytes(),
        "imported_megabytes": held,
        "versions": {name: version(name) for name in (*packages, "highspy", "numpy")},
        "python": sys.version.split()[0],
    }
    if answer is not None:
        told |= {"objective": answer.objective, "bound": answer.bound, "size": answer.size, "trace": answer.trace}
    print(json.dumps(told))


def peak_megabytes() -> float:
    """Return the most memory that this process ever held.

    Linux keeps it by address space. The usual `ru_maxrss` would also count the process that started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _once(job_of: Callable[[Plant], Job], plant: Plant) -> tuple[dict[str, float], Answer | None]:
    job = job_of(plant)
    started = time.perf_counter()
    job.build()
    built = time.perf_counter()
    if plant.case.only_hand_over:
        ran = job.hand_over() or 0.0
        ended = time.perf_counter() - ran
        return {"build": built - started, "hand_over": ended - built, "total": ended - started}, None
    answer = job.solve()
    ended = time.perf_counter()
    run = {"build": built - started, "solver": answer.solver, "total": ended - started}
    return run | {"around": run["total"] - answer.solver}, answer
