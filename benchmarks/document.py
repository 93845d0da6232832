"""The page `docs/benchmarks.md`, from what was measured."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.comparison import TOLERANCE, Measured, by_length
from benchmarks.figures import best, gap, process, spread
from benchmarks.plant import Numbered
from benchmarks.programs import ENGINE, PROGRAMS, Record
from benchmarks.targets import Target, targets

INTRODUCTION = """\
# Benchmarks

One plant, written for the engine and for others, each in its own words; every program runs in an environment of its
own, hands its model to the same version of HiGHS with the same gap and threads, and must reach the same objective
before any time counts. `make bench` measures again and writes this page; `make bench SHORT=1` takes a few minutes on
smaller horizons and writes `.bench/benchmarks.md` instead.

**The plant** is the steel works of `scenarios/steel_works` with its real load, prices and weather, and its synthetic
hydrogen demand (`benchmarks/plant.py`): photovoltaics {solar:g} kW, wind {wind:g} kW, a battery of
{battery_power:g} kW and {battery_energy:g} kWh with losses and wear, a grid connection with time-of-use prices and one
price on the horizon's highest import, electrolyser, hydrogen tank and hydrogen demand, a gas generator. With
commitment, electrolyser and generator are off or between minimum load and power, pay for each start, and keep minimum
times on and off. Nothing is exported. Years beyond the first repeat it.

**How to read it.** Machines are noisy: compare ratios of one table, not seconds across tables. *Ratio* is to the
engine. *Build and hand-over* runs from plain arrays to a HiGHS object that holds the model. *Whole job* adds HiGHS and
the plan in the program's own tables; the engine's includes its audit. *HiGHS* is the solver's own part. *Process* is a
new process from start to exit, imports and the reading of the series included; its first time is *cold*, a later time
within a process *warm*. *Peak memory* is that of the cold process.
"""

DIFFERENCES = (
    (
        "all",
        "off in the first step and free from the second: solph fixes a unit that was off before the horizon for at "
        "least one step, so every other program is told of a last stop one step less than the minimum time ago",
    ),
    (
        "all",
        "minimum times are cut off at the horizon's end; solph forbids late starts instead, so there the minimum time "
        "on is a series that shrinks to what is left",
    ),
    (
        "engine",
        "one peak over the whole horizon is a connection capacity to be decided, paid by the year; its own demand "
        "charge is by month",
    ),
    (
        "PyPSA",
        "the peak is the size of an extendable generator; minimum times are numbers of snapshots; the gas is a cost of "
        "the generator; the tank is a store, whose one flow has either sign",
    ),
    (
        "oemof.solph",
        "the peak is an investment in a flow; starts are binaries, and minimum times are sums over the states that "
        "follow, a weaker relaxation",
    ),
    (
        "flixOpt",
        "the peak is a mandatory investment in a flow; every flow wants a size, the tank's is one that never binds; "
        "minimum times count durations with big-M rows; it is told to hand over directly, by default it writes a file",
    ),
    ("linopy, raw arrays", "rows written by hand, in the textbook formulation that the engine uses, too"),
)


def write(measured: Sequence[Measured], page: Path, picture: str) -> None:
    """Write the page; `picture` is the drawing it shows, if not empty. What others keep on it stays."""
    parts = [INTRODUCTION.format(**vars(Numbered()))]
    parts.append(_machine(measured))
    parts.append(f"## Aims\n\n{aims(targets(measured))}")
    if picture:
        parts.append(f"![Seconds and memory against the length of the horizon; gap against time]({picture})\n")
    parts.append(_agreement(measured))
    parts += [_table(m) for m in measured if not m.step.key.startswith(("check", "horizon", "job"))]
    parts.append(
        _lengths(by_length(measured, only_hand_over=True), "Build and hand-over against the length of the horizon")
    )
    parts.append(
        _lengths(by_length(measured, only_hand_over=False), "Whole job, linear, against the length of the horizon")
    )
    title = "Where a program could not say it directly, and what was done"
    parts.append(f"## {title}\n\n{_rows(('program', 'statement'), DIFFERENCES)}")
    parts.append(section(page, "Batches"))
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")


def _machine(measured: Sequence[Measured]) -> str:
    versions: dict[str, dict[str, str]] = {}
    for record in _records(measured):
        if record.told:
            versions.setdefault(record.program, record.told["versions"] | {"python": record.told["python"]})
    rows = [
        (name, ", ".join(f"{package} {number}" for package, number in found.items()))
        for name, found in versions.items()
    ]
    head = (
        f"## Versions\n\n{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {platform.system()}.\n"
    )
    return f"{head}\n{_rows(('program', 'versions'), rows)}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def aims(found: Iterable[Target]) -> str:
    """Return a table of what was wanted and what was reached."""
    rows = [(t.what, t.wanted, t.reached, {True: "yes", False: "no", None: "not measured"}[t.is_met]) for t in found]
    return _rows(("aim", "wanted", "measured", "reached"), rows)


def put_section(page: Path, title: str, text: str) -> None:
    """Write a section of a page anew, at its end, and leave all others as they are."""
    old = page.read_text(encoding="utf-8") if page.is_file() else ""
    rest = old.replace(section(page, title), "").rstrip("\n")
    page.write_text(f"{rest}\n\n## {title}\n\n{text}".lstrip("\n"), encoding="utf-8")


def section(page: Path, title: str) -> str:
    """Return a section of a page, with its heading; empty if there is none."""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    found = re.search(rf"^## {re.escape(title)}$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group() if found else ""


def _agreement(measured: Sequence[Measured]) -> str:
    rows = []
    for m in measured:
        told = [r for r in m.records if "objective" in r.told]
        if m.step.key.startswith("check") and told:
            rows.append((m.step.title, f"{told[0].told['objective']:.6f} CNY", f"{spread(told):.1e}"))
    text = f"Equal to {TOLERANCE:g} in every linear case too; with a wider gap, no plan beats another's bound.\n"
    return f"## Equal objectives\n\n{_rows(('case', 'objective', 'largest relative difference'), rows)}\n{text}"


def _records(measured: Sequence[Measured]) -> list[Record]:
    return [record for m in measured for record in m.records]


def _table(m: Measured) -> str:
    only_hand_over = m.step.case.only_hand_over
    names = [p.name for p in PROGRAMS if p in m.step.programs]
    columns = ["program", "build and hand-over, s" if only_hand_over else "whole job, s", "ratio"]
    columns += [] if only_hand_over else ["HiGHS, s"]
    columns += ["warm, s", "ratio"] if m.warm else []
    columns += ["process, s", "ratio", "peak MB", "ratio"]
    columns += ["gap"] if m.step.case.commitment else []
    rows = [_row(m, name) for name in names]
    faults = sorted({f"{r.program}: {r.fault}" for r in m.records if r.fault})
    return f"## {m.step.title}\n\n{_rows(columns, rows)}" + "".join(f"\n{fault}\n" for fault in faults)


def _row(m: Measured, name: str) -> list[str]:
    def add(figure: Callable[[str], float], form: str = "{:.2f}") -> None:
        value, engine = figure(name), figure(ENGINE.name)
        cells.extend([_shown(value, form), _shown(value / engine if engine else math.nan, "{:.2f}")])

    cells = [name]
    add(lambda n: best(m.records, n, "total", first=True))
    if not m.step.case.only_hand_over:
        cells.append(_shown(best(m.records, name, "solver", first=True), "{:.2f}"))
    if m.warm:
        add(lambda n: best(m.warm, n, "total", first=False))
    add(lambda n: process(m.cold, n, "wall"))
    add(lambda n: process(m.cold, n, "megabytes"), "{:.0f}")
    if m.step.case.commitment:
        cells.append(_shown(100 * gap(m.cold, name), "{:.4f} %"))
    return cells


def _lengths(steps: Sequence[Measured], title: str) -> str:
    """Return one table over horizons: seconds and peak memory of each program."""
    if len(steps) < 2:
        return ""
    names = [p.name for p in PROGRAMS if any(p in m.step.programs for m in steps)]
    rows = [
        [
            f"{m.step.case.steps:,}",
            *(_pair(m, name) for name in names),
        ]
        for m in steps
    ]
    return f"## {title}\n\nSeconds / peak MB, cold.\n\n{_rows(['steps', *names], rows)}"


def _pair(m: Measured, name: str) -> str:
    seconds, megabytes = best(m.records, name, "total", first=True), process(m.cold, name, "megabytes")
    return f"{_shown(seconds, '{:.2f}')} / {_shown(megabytes, '{:.0f}')}"


def _shown(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "–"


def _rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
