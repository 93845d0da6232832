"""`python -m benchmarks`: the engine beside its peers, or whole processes of the shipped scenarios.

python -m benchmarks                  measure all and write docs/benchmarks.md; takes an hour or more
python -m benchmarks --only KEY ...   measure the steps whose keys begin so, keep the others as they were
python -m benchmarks --again          write the page again from what was kept
python -m benchmarks --short          smaller horizons, a few minutes; writes .bench/benchmarks.md, keeps nothing
python -m benchmarks processes [SCENARIO ...]
python -m benchmarks batches [STEP ...]      what a batch costs besides solving: overhead, thousand, week
python -m benchmarks shorter [SCENARIO ...]  sizes decided on shorter years: cost against time, docs/shorter_years.md
python -m benchmarks fronts [SCENARIO]       a cost-carbon front beside cold solves of its points
python -m benchmarks years [SCENARIO ...]    gap against time on years of the shipped plants, in windows and directly
python -m benchmarks rolling replan|year|months [SCENARIO]    re-plans beside HiGHS alone, and what months cost

Every step is kept under .bench/measured as soon as it is done, so that a long run can be taken up again.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import batches, comparison, document, fronts, picture, rolling, shorter_page, shorter_years, years
from benchmarks.comparison import Measured
from benchmarks.plant import Case
from benchmarks.processes import print_table
from benchmarks.programs import PROGRAMS, ROOT, WORK, Record

KEPT = WORK / "measured"


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    if arguments[:1] == ["processes"]:
        print_table(arguments[1:])
        return
    if arguments[:1] == ["batches"]:
        batches.measure(arguments[1:])
        return
    if arguments[:1] == ["shorter"]:
        shorter_years.measure(arguments[1:])
        shorter_page.write(shorter_years.kept(), ROOT / "docs")
        return
    if arguments[:1] == ["fronts"]:
        fronts.measure(arguments[1:])
        return
    if arguments[:1] == ["rolling"]:
        rolling.main(arguments[1:])
        return
    if arguments[:1] == ["years"]:
        years.trace(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The engine beside its peers.")
    parser.add_argument("--short", action="store_true", help="smaller horizons, a few minutes")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="only the steps whose keys begin so")
    parser.add_argument("--again", action="store_true", help="write the page again from what was kept")
    asked = parser.parse_args(arguments)
    KEPT.mkdir(parents=True, exist_ok=True)
    steps = comparison.short() if asked.short else comparison.full()
    if asked.only:
        steps = [step for step in steps if step.key.startswith(tuple(asked.only))]
    try:
        measured = [] if asked.again else comparison.measure(steps, tell if asked.short else keep)
    except comparison.DisagreementError as error:
        sys.exit(f"not one plant, so no times: {error}")
    if asked.short:
        publish(measured, WORK)
    else:
        publish(kept(), ROOT / "docs")


def publish(measured: list[Measured], folder: Path) -> None:
    """Write page and picture into a folder."""
    (folder / "images").mkdir(exist_ok=True)
    image = "images/benchmarks.svg"
    document.write(measured, folder / "benchmarks.md", image if picture.draw(measured, folder / image) else "")
    print(f"written: {folder / 'benchmarks.md'}")


def tell(measured: Measured) -> None:
    """Print what a step took."""
    print(measured.told(), flush=True)


def keep(measured: Measured) -> None:
    """Print what a step took, and keep it."""
    tell(measured)
    (KEPT / f"{measured.step.key}.json").write_text(json.dumps(asdict(measured)), encoding="utf-8")


def kept() -> list[Measured]:
    """Return the steps of a full run that were kept, in their order."""
    files = [KEPT / f"{step.key}.json" for step in comparison.full()]
    return [_read(file) for file in files if file.is_file()]


def _read(file: Path) -> Measured:
    plain, named = json.loads(file.read_text(encoding="utf-8")), {program.name: program for program in PROGRAMS}
    step = plain["step"]
    step |= {"case": Case(**step["case"]), "programs": tuple(named[p["name"]] for p in step["programs"])}
    cold, warm = ([Record(**record) for record in plain[key]] for key in ("cold", "warm"))
    return Measured(comparison.Step(**step), cold, warm)


if __name__ == "__main__":
    main(sys.argv[1:])
