"""`python -m benchmarks shorter [SCENARIO ...]`: what sizes decided on shorter years cost, and how long they take.

Every sizing is one process on one thread. Times are those of the processor, from the plant to the audited plan of the
whole year, and to the sizes alone: other work on the machine changes them little. Each is kept under .bench/shorter as
soon as it is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.programs import ROOT, WORK

if TYPE_CHECKING:
    from microgrid.plant import Plant
    from solvers import Settings

SCENARIOS = (
    "scenarios/metal_parts/sizing.yaml",
    "benchmarks/sizing/park.yaml",
    "benchmarks/sizing/steel_linear.yaml",
)
COUNTS = {"segments": (300, 600, 1200, 2400), "periods": (40, 60, 90, 120)}
KEPT = WORK / "shorter"
PATIENCE = 1500.0


@dataclass(frozen=True)
class Sizing:
    """What one way to decide sizes came to.

    Parameters
    ----------
    kind, count
        ``segments`` or ``periods`` and how many; ``steps`` for all of them, ``highs`` for all by HiGHS alone, given the
        arrays.
    cost, told
        What the sizes cost on all steps, and what the shorter year said of them.
    bound
        No sizes cost less; None where that is not known.
    seconds
        Processor time, to the audited plan of all steps.
    decided
        The same, to the sizes.
    fault
        Why there is nothing else; empty if nothing went wrong.
    """

    scenario: str
    kind: str
    count: int
    cost: float = 0.0
    told: float = 0.0
    bound: float | None = None
    seconds: float = 0.0
    decided: float = 0.0
    fault: str = ""

    @property
    def key(self) -> str:
        """Name of the file that it is kept in."""
        return f"{Path(self.scenario).parent.name}-{Path(self.scenario).stem}-{self.kind}-{self.count}"


def decide(scenario: str, kind: str, count: int) -> Sizing:
    """Size a scenario in this process."""
    from dataclasses import replace

    from microgrid.errors import MicrogridError
    from microgrid.planning.replay import Shorter, decided_on, replayed
    from microgrid.running import settings_of, solve_plant
    from microgrid.scenario import read_scenario

    read = read_scenario(ROOT / scenario)
    settings = replace(settings_of(read.solver), threads=1)
    started = time.process_time()
    if kind == "highs":
        cost = _by_highs(read.plant, settings)
        taken = time.process_time() - started
        return Sizing(scenario, kind, count, cost, cost, cost, taken, taken)
    try:
        if kind == "steps":
            result = solve_plant(read.plant, settings)
            taken = time.process_time() - started
            return Sizing(
                scenario, kind, count, result.cost, result.cost, result.manifest["outcome"]["bound"], taken, taken
            )
        shorter = Shorter("segments" if kind == "segments" else "periods", count)
        found = replayed(read.plant, shorter, settings, {})
        taken, again = time.process_time() - started, time.process_time()
        decided_on(read.plant, shorter, settings)
        decided = time.process_time() - again
    except MicrogridError as error:
        return Sizing(scenario, kind, count, seconds=time.process_time() - started, fault=" ".join(str(error).split()))
    return Sizing(scenario, kind, count, found.result.cost, found.shorter_cost, found.bound, taken, decided)


def _by_highs(plant: Plant, settings: Settings) -> float:
    """Return what the best plan costs that HiGHS finds in the model as it is written."""
    from microgrid.model import assemble
    from solvers import templating
    from solvers.compile import compile_model
    from solvers.highs import solve_matrix

    with templating():
        matrix = compile_model(assemble(plant).pyomo)
    return solve_matrix(matrix, settings).objective


def measure(scenarios: Sequence[str]) -> None:
    """Size all scenarios in all ways that are not kept yet, each in a process of its own."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for scenario in scenarios or SCENARIOS:
        ways = [("highs", 0), ("steps", 0), *((kind, count) for kind, counts in COUNTS.items() for count in counts)]
        for kind, count in ways:
            empty = Sizing(scenario, kind, count)
            file = KEPT / f"{empty.key}.json"
            if not file.is_file():
                file.write_text(json.dumps(asdict(_apart(empty))), encoding="utf-8")
            sizing = Sizing(**json.loads(file.read_text(encoding="utf-8")))
            print(f"{sizing.key:<45} {sizing.cost:>16,.2f} {sizing.seconds:>8.1f} s  {sizing.fault}", flush=True)


def _apart(sizing: Sizing) -> Sizing:
    command = [sys.executable, "-m", "benchmarks.shorter_years", sizing.scenario, sizing.kind, str(sizing.count)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return Sizing(sizing.scenario, sizing.kind, sizing.count, fault=f"not ready after {PATIENCE:.0f} s")
    if done.returncode:
        return Sizing(sizing.scenario, sizing.kind, sizing.count, fault=done.stderr.splitlines()[-1])
    return Sizing(**json.loads(done.stdout.splitlines()[-1]))


def kept() -> list[Sizing]:
    """Return what was kept."""
    return [Sizing(**json.loads(file.read_text(encoding="utf-8"))) for file in sorted(KEPT.glob("*.json"))]


if __name__ == "__main__":
    print(json.dumps(asdict(decide(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
