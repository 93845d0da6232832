"""What the engine is meant to reach, as ratios within one run, and what it reached."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.comparison import Measured
from benchmarks.figures import best, gap, process, seconds_to
from benchmarks.programs import APPSI, CONTRIB, ENGINE, FLIXOPT, LINOPY, PYPSA, RAW, SOLPH


@dataclass(frozen=True)
class Target:
    """An aim in words, what was wanted and what was reached; `is_met` is None where it was not measured."""

    what: str
    wanted: str
    reached: str
    is_met: bool | None


def targets(measured: Sequence[Measured]) -> list[Target]:
    """Hold what was measured against the aims."""
    by_key = {m.step.key: m for m in measured}
    found: list[Target] = []
    for key, length in (("year_hand_over", "8,760"), ("quarters_hand_over", "35,040")):
        if key in by_key:
            found += _hand_over(by_key[key], length)
    if "year_lp" in by_key:
        found += _linear(by_key["year_lp"])
    if "job_35040" in by_key:
        found += _memory(by_key["job_35040"], "four years, linear whole job")
    if "day" in by_key:
        found += _day(by_key["day"])
    if "year_gap" in by_key:
        found += _gap(by_key["year_gap"])
    return found


def _at_most(what: str, ratio: float, most: float) -> Target:
    met = ratio <= most if math.isfinite(ratio) else None
    return Target(what, f"at most {most:g}", f"{ratio:.2f}" if met is not None else "–", met)


def _hand_over(m: Measured, length: str) -> Iterator[Target]:
    steps = f"{length} steps" if m.step.case.steps == int(length.replace(",", "")) else f"{m.step.case.steps:,} steps"
    engine = best(m.records, ENGINE.name, "total", first=True)
    for program, most in ((LINOPY, 0.7), (APPSI, 0.1), (CONTRIB, 0.1)):
        if program in m.step.programs:
            ratio = engine / best(m.records, program.name, "total", first=True)
            yield _at_most(f"build and hand-over over {program.name}'s, {steps}", ratio, most)
    yield from _memory(m, f"{steps}, build and hand-over")


def _linear(m: Measured) -> Iterator[Target]:
    total = best(m.records, ENGINE.name, "total", first=True)
    own, raw = best(m.records, ENGINE.name, "solver", first=True), best(m.records, RAW.name, "total", first=True)
    yield _at_most("linear whole job over HiGHS alone on the engine's own arrays", total / own, 1.15)
    yield _at_most("linear whole job over raw arrays and HiGHS", total / raw, 1.15)
    yield from _memory(m, "linear whole job")


def _memory(m: Measured, job: str) -> Iterator[Target]:
    """Hold peak memory against raw arrays', as a whole and without what imports alone take."""
    for what, told in (("megabytes", "peak memory"), ("beyond_imports", "peak memory beyond imports")):
        ratio = process(m.cold, ENGINE.name, what) / process(m.cold, RAW.name, what)
        yield _at_most(f"{told} over that of raw arrays, {job}", ratio, 1.5)


def _day(m: Measured) -> Iterator[Target]:
    engine = best(m.warm, ENGINE.name, "total", first=False)
    for program in (PYPSA, FLIXOPT, SOLPH):
        ratio = best(m.warm, program.name, "total", first=False) / engine
        met = ratio >= 4 if math.isfinite(ratio) else None
        reached = f"{ratio:.1f} times" if met is not None else "–"
        yield Target(f"day with commitment, warm, faster than {program.name}", "at least 4 times", reached, met)


def _gap(m: Measured) -> Iterator[Target]:
    wanted, most = 2e-4, 60.0
    took = seconds_to(m.cold, ENGINE.name, wanted)
    reached = f"{took:.0f} s" if math.isfinite(took) else f"{100 * gap(m.cold, ENGINE.name):.3f} % at the end"
    yield Target(f"{m.step.case.steps:,} hours with commitment to a gap of 0.02 %", "60 s", reached, took <= most)
    alone = gap(m.cold, RAW.name)
    reached = f"{100 * alone:.3f} %" if math.isfinite(alone) else "no plan"
    told = f"HiGHS alone after {m.step.case.seconds:.0f} s"
    yield Target(told, "above 0.1 %", reached, not alone <= 1e-3)
