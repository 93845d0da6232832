"""`python -m benchmarks`: the engine beside its peers, or whole processes of the shipped scenarios.

python -m benchmarks                  measure all and write docs/benchmarks.md; takes an hour or more
python -m benchmarks --short          smaller horizons, a few minutes; writes .bench/benchmarks.md
python -m benchmarks --only KEY ...   single steps, by the start of their keys, into .bench as well
python -m benchmarks --again          write the page again from what the last full run kept
python -m benchmarks processes [SCENARIO ...]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import comparison, document, picture
from benchmarks.plant import Case
from benchmarks.processes import print_table
from benchmarks.programs import PROGRAMS, ROOT, WORK, Record

KEPT = WORK / "measured.json"


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    if arguments[:1] == ["processes"]:
        print_table(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The engine beside its peers.")
    parser.add_argument("--short", action="store_true", help="smaller horizons, a few minutes")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="only the steps whose keys begin so")
    parser.add_argument("--again", action="store_true", help="write the page again from what was kept")
    asked = parser.parse_args(arguments)
    WORK.mkdir(exist_ok=True)
    if asked.again:
        publish(kept(), ROOT / "docs")
        return
    steps = comparison.short() if asked.short else comparison.full()
    if asked.only:
        steps = [step for step in steps if step.key.startswith(tuple(asked.only))]
    try:
        measured = comparison.measure(steps, lambda line: print(line, flush=True))
    except comparison.DisagreementError as error:
        sys.exit(f"not one plant, so no times: {error}")
    whole = not (asked.short or asked.only)
    if whole:
        keep(measured)
    publish(measured, ROOT / "docs" if whole else WORK)


def publish(measured: list[comparison.Measured], folder: Path) -> None:
    """Write page and picture into a folder."""
    (folder / "images").mkdir(exist_ok=True)
    image = "images/benchmarks.svg"
    document.write(measured, folder / "benchmarks.md", image if picture.draw(measured, folder / image) else "")
    print(f"written: {folder / 'benchmarks.md'}")


def keep(measured: list[comparison.Measured]) -> None:
    """Keep all records."""
    KEPT.write_text(json.dumps([asdict(m) for m in measured]), encoding="utf-8")


def kept() -> list[comparison.Measured]:
    """Return the records of the last full run."""
    named = {program.name: program for program in PROGRAMS}
    measured = []
    for plain in json.loads(KEPT.read_text(encoding="utf-8")):
        step = plain["step"]
        step |= {"case": Case(**step["case"]), "programs": tuple(named[p["name"]] for p in step["programs"])}
        cold, warm = ([Record(**record) for record in plain[key]] for key in ("cold", "warm"))
        measured.append(comparison.Measured(comparison.Step(**step), cold, warm))
    return measured


if __name__ == "__main__":
    main(sys.argv[1:])
