"""`python -m benchmarks years [SCENARIO ...]`: gap against time on years with commitment, both methods.

Every line is a moment at which plan or bound became better. Machines are noisy, and most so with other work beside:
compare the two methods of one run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from microgrid.model import assemble
from microgrid.progress import line
from microgrid.running import NoPlanError, optimise, settings_of
from microgrid.scenario import read_scenario
from solvers import Progress, templating

YEARS = Path(__file__).parent / "years"
METHODS: tuple[Literal["windows", "direct"], ...] = ("windows", "direct")


def show(progress: Progress) -> None:
    """Print a moment of a solve."""
    print("   " + line(progress), flush=True)


def measure(path: Path, method: Literal["windows", "direct"]) -> None:
    """Solve a scenario by one method, in its own time limit, and print how it went."""
    scenario = read_scenario(path)
    with templating():
        model = assemble(scenario.plant)
    print(f"{path.stem}, {method}", flush=True)
    try:
        outcome, _, _ = optimise(model, replace(settings_of(scenario.solver), method=method), show)
    except NoPlanError as error:
        outcome = error.outcome
        print(f"   no plan: bound {outcome.bound:,.2f}")
    print(f"   {outcome.ended}, gap {outcome.gap:.4%}, {outcome.seconds:.1f} s: {outcome.message}", flush=True)


def trace(scenarios: list[str]) -> None:
    """Print gap against time for every scenario and method."""
    for path in map(Path, scenarios) if scenarios else sorted(YEARS.glob("*.yaml")):
        for method in METHODS:
            measure(path, method)
