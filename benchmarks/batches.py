"""`python -m benchmarks batches [STEP ...]`: what a batch costs besides solving, into docs/benchmarks.md.

The plant is the metal-parts plant of `scenarios/`; every case is a day or a week of it with another price. Steps are
`overhead`, `thousand` and `week`; each takes one to three minutes on two processors, and what it found is kept under
.bench, so that the page can be written from all of them.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.document import aims, put_section
from benchmarks.programs import ROOT, WORK
from benchmarks.targets import Target
from microgrid.batching.chunks import chunks_of
from microgrid.batching.solving import Solver
from microgrid.families import expand

PLANT = ROOT / "scenarios" / "metal_parts" / "day.yaml"
KEPT = WORK / "batches.json"
SECTION = "Batches"
INTRODUCTION = """\
Cases of `scenarios/metal_parts/day.yaml` (96 steps, four assets), each with another carbon price, or with a battery of
its own; the weeks with another electricity price. *Besides the solve* is all that a worker does for a case: reading,
writing and compiling the model, frames, audit, figures, the bytes of its files. Measured by
`python -m benchmarks batches`.
"""
_MEGABYTE = 1024.0


def families(folder: Path, name: str, field: str, values: list[str], days: int = 1) -> Path:
    """Write a family of a case for each value of a field."""
    lines = [
        f"extends: {os.path.relpath(PLANT, folder)}",
        f"name: {name}",
        f"horizon: {{start: 2018-07-16, days: {days}, step: 15 min}}",
        "sweep:",
        "  grid:",
        f"    value: {{field: {field}, values: [{', '.join(values)}]}}",
    ]
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def prices(folder: Path, cases: int) -> Path:
    """Write a family of days with prices of carbon: its cases share a model."""
    values = [f"{price} CNY/tCO2" for price in range(cases)]
    return families(folder, f"prices_{cases}", "objective.carbon_price", values)


def batteries(folder: Path, cases: int) -> Path:
    """Write a family of days with batteries: each case has a model of its own."""
    return families(folder, "batteries", "assets.battery.energy", [f"{500 + at} kWh" for at in range(cases)])


@dataclass(frozen=True)
class Called:
    """A batch in a process of its own: its seconds, and the peak memory of it and of its largest worker in MB."""

    seconds: float
    caller: float
    worker: float


def called(family: Path, store: Path, workers: int) -> Called:
    """Run `microgrid batch` and look at its processes while it runs."""
    command = [sys.executable, "-m", "microgrid", "batch", str(family), "--store", str(store)]
    command += ["--workers", str(workers), "--quiet"]
    started, peaks = time.perf_counter(), {"caller": 0.0, "worker": 0.0}
    process = os.posix_spawn(command[0], command, os.environ)
    while True:
        for pid in (process, *_children(process)):
            who = "caller" if pid == process else "worker"
            peaks[who] = max(peaks[who], _peak(pid))
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{family.name}: exit code {os.waitstatus_to_exitcode(status)}")
    return Called(seconds, **peaks)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def _peak(pid: int) -> float:
    """Return the peak memory of a process in MB; 0 where it has ended, or the system does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / _MEGABYTE
    return 0.0


def machine() -> float:
    """Return what this machine gives for a second process that shares nothing with the first: 2 at best."""
    command = [sys.executable, "-c", "for at in range(30_000_000): at * at"]
    seconds = []
    for count in (1, 2):
        started = time.perf_counter()
        for process in [os.posix_spawn(command[0], command, os.environ) for _ in range(count)]:
            os.waitpid(process, 0)
        seconds.append(time.perf_counter() - started)
    return 2 * seconds[0] / seconds[1]


def overhead(folder: Path, cases: int = 200) -> Iterator[Target]:
    """Tell what a worker does for a case besides solving it, with a shared model and with models of their own."""
    for family, told in ((prices(folder, cases), "prices of carbon"), (batteries(folder, cases), "sizes of a battery")):
        listed = expand([family])
        solver = Solver({0: listed[0].family.document})
        first, *chunks = chunks_of(listed, {})
        list(solver.chunk(first))  # what is read and imported once
        solved = [case for chunk in chunks for case in solver.chunk(chunk)]
        beside = [case.record["seconds"] - case.record["told"]["seconds"]["solver"] for case in solved]
        within = statistics.median(case.record["told"]["seconds"]["solver"] for case in solved)
        middle = statistics.median(beside)
        reached = f"{1000 * middle:.0f} ms, {middle / within:.0f} times the solve"
        yield Target(
            f"a case besides its solve, {told}, median of {len(solved)}", "below 60 ms", reached, middle < 0.06
        )


def thousand(folder: Path, cases: int = 1000) -> Iterator[Target]:
    """Tell how a batch of many cases gains by a second worker, and what it takes to find out that all is done."""
    family = prices(folder, cases)
    one = called(family, folder / "one", 1)
    two = called(family, folder / "two", 2)
    again = called(family, folder / "two", 2)
    few = called(prices(folder, cases // 10), folder / "few", 2)
    gained = one.seconds / two.seconds
    reached = f"{gained:.2f} times; two loops of plain Python: {machine():.2f} times"
    yield Target(f"{cases:,} days, two workers over one", "1.8 times as fast", reached, gained >= 1.8)
    reached = f"{again.seconds:.1f} s"
    yield Target(f"{cases:,} days that are done, asked for again", "3 s", reached, again.seconds <= 3.0)
    for who, title in (("worker", "of a worker"), ("caller", "of the process that was called")):
        ratio = getattr(two, who) / getattr(few, who)
        reached = f"{ratio:.2f} times, {getattr(two, who):.0f} MB"
        what = f"peak memory {title}, {cases:,} cases over {cases // 10:,}"
        yield Target(what, "does not grow: at most 1.1 times", reached, ratio <= 1.1)


def week(folder: Path, cases: int = 50, alone: int = 5) -> Iterator[Target]:
    """Tell how a batch of weeks compares with as many runs; some of these stand for all."""
    values = [f"{0.5 + at / cases:g}" for at in range(cases)]
    family = families(folder, "weeks", "assets.grid.import_price.times", values, days=7)
    together = called(family, folder / "weeks", 2).seconds
    started = time.perf_counter()
    for case in expand([family])[:: cases // alone]:
        command = [sys.executable, "-m", "microgrid", "run", str(family), "--case", case.name, "--quiet"]
        process = os.posix_spawn(command[0], [*command, "--out", str(folder / "run")], os.environ)
        os.waitpid(process, 0)
    each = (time.perf_counter() - started) / len(range(0, cases, cases // alone))
    ratio = each * cases / together
    what = f"{cases} weeks with other prices over {cases} runs, one after the other ({alone} measured)"
    yield Target(what, "3 times as fast", f"{ratio:.1f} times", ratio >= 3.0)


STEPS: dict[str, Callable[[Path], Iterator[Target]]] = {"overhead": overhead, "thousand": thousand, "week": week}


def measure(names: list[str]) -> None:
    """Measure the steps that are named, by default all, and write the page's section from all that is kept."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.exit(f"no step {unknown[0]}: wanted {', '.join(STEPS)}")
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    for name in names or list(STEPS):
        with tempfile.TemporaryDirectory() as folder:
            kept[name] = [asdict(target) for target in STEPS[name](Path(folder))]
        for target in kept[name]:
            print(f"{target['what']:<90}{target['reached']}", flush=True)
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept), encoding="utf-8")
    found = [Target(**target) for name in STEPS for target in kept.get(name, ())]
    put_section(ROOT / "docs" / "benchmarks.md", SECTION, f"{INTRODUCTION}\n{aims(found)}")
