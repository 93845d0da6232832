"""The programs that are compared, the environment of each, and one run of one of them in a process of its own."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.plant import Case

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".bench"
PATIENCE = 1800.0


@dataclass(frozen=True)
class Program:
    """A program, or one way to use it.

    Parameters
    ----------
    name
        What tables call it.
    module
        Script under `benchmarks/peers`.
    package
        The requirement of the extra `bench` whose environment it runs in; the engine's own if empty.
    arguments
        What the script is told besides the case.
    """

    name: str
    module: str
    package: str = ""
    arguments: tuple[str, ...] = ()


ENGINE = Program("engine", "engine")
ENGINE_FILE = Program("engine, scenario file", "engine_file")
RAW = Program("raw arrays", "raw")
APPSI = Program("Pyomo appsi_highs", "pyomo_", arguments=("appsi",))
CONTRIB = Program("Pyomo contrib.solver", "pyomo_", arguments=("contrib",))
LINOPY = Program("linopy", "linopy_", "linopy")
PYPSA = Program("PyPSA", "pypsa_", "pypsa")
SOLPH = Program("oemof.solph", "solph", "oemof.solph")
FLIXOPT = Program("flixOpt", "flixopt_", "flixopt")
PROGRAMS = (ENGINE, ENGINE_FILE, RAW, APPSI, CONTRIB, LINOPY, PYPSA, SOLPH, FLIXOPT)


@dataclass
class Record:
    """What one process told and took; `fault` says why there is nothing else, `load` how busy the machine was."""

    program: str
    case: dict[str, Any]
    wall: float = 0.0
    megabytes: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    load: float = math.nan

    @property
    def beyond_imports(self) -> float:
        """Peak memory beyond what the process held when all was imported, MB."""
        return self.megabytes - float(self.told.get("imported_megabytes", math.nan))

    @property
    def runs(self) -> list[dict[str, float]]:
        """Seconds of each repeat, by phase."""
        runs: list[dict[str, float]] = self.told.get("runs", [])
        return runs


def requirements() -> dict[str, str]:
    """Return the requirements of the extra `bench` by package name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["bench"]
    return {re.split(r"[<>=!~ \[;]", line, maxsplit=1)[0]: line for line in extra}


def python_of(program: Program) -> str:
    """Return the Python that runs a program, and make its environment if it is not there yet.

    Each package has an environment of its own, as their pins clash; HiGHS is of the engine's version in all.
    """
    if not program.package:
        return sys.executable
    folder = WORK / program.package
    wanted = [requirements()[program.package], f"highspy=={version('highspy')}"]
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    text = "\n".join(wanted) + "\n"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != text:
        print(f"making the environment of {program.name}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted]
        subprocess.run(install, check=True)
        stamp.write_text(text, encoding="utf-8")
    return str(python)


def run(program: Program, case: Case) -> Record:
    """Run a program on a case in a new process."""
    record = Record(program.name, asdict(case), load=os.getloadavg()[0])
    module = f"benchmarks.peers.{program.module}"
    command = [python_of(program), "-m", module, case.to_json(), *program.arguments]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        environment = os.environ | {"BENCH_STARTED": repr(time.time())}
        started = time.perf_counter()
        try:
            code = subprocess.call(command, cwd=ROOT, stdout=out, stderr=err, env=environment, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        record.wall = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        lines, complaints = out.read().splitlines(), err.read().splitlines()
    if code is None:
        record.fault = f"not ready after {PATIENCE:.0f} s"
    elif code:
        record.fault = complaints[-1] if complaints else f"exit code {code}"
    else:
        record.told = json.loads(lines[-1])
        record.megabytes = record.told["megabytes"]
    return record
