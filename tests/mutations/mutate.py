"""Run the tests on mutants of the model, and tell which they notice.

    python -m tests.mutations.mutate --sample 20 --seed 1
    python -m tests.mutations.mutate --all --jobs 2 --only commitment

Each mutant is put into a copy of the tree; the tests that ought to notice run there until the first failure. A mutant
that no test notices has survived: either it changes nothing that matters, or a test is missing.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutations.mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[2]
TREE = ("microgrid", "solvers", "tests", "pyproject.toml")
TECHNOLOGIES = Path("microgrid/technologies")
OF_ALL_PLANTS = (Path("microgrid/ledger.py"), Path("microgrid/model.py"))
NOT_MUTATED = ("__init__", "base")
LAWS = "tests/laws/test_laws.py"
SECONDS = 900
FAILED = 1


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    killed: bool
    by: str
    seconds: float


def files() -> list[Path]:
    """Return the files that are mutated: technologies, what they share, and where they meet."""
    found = [path for path in (ROOT / TECHNOLOGIES).glob("*.py") if path.stem not in NOT_MUTATED]
    own = sorted(path.relative_to(ROOT) for path in found if not path.stem.endswith("claims"))
    return [*own, *OF_ALL_PLANTS]


def kinds_with(path: Path) -> list[str]:
    """Return the kinds of technology that a file is in: its own, or those of the files that import it, by any way."""
    texts = {one.stem: one.read_text(encoding="utf-8") for one in (ROOT / TECHNOLOGIES).glob("*.py")}
    reached, before = {path.stem}, set[str]()
    while reached != before:
        before = set(reached)
        words = [f"technologies.{name} import" for name in before]
        reached |= {stem for stem, text in texts.items() if any(word in text for word in words)}
    return sorted(stem for stem in reached if "kind: Literal" in texts.get(stem, ""))


def relevant_tests(path: Path) -> list[str]:
    """Return what pytest is asked to run for a file: own tests and laws of its kinds; for what all share, all."""
    if path in OF_ALL_PLANTS:
        return [LAWS, "tests/technologies"]
    kinds = kinds_with(path)
    names = list(dict.fromkeys([path.stem, *kinds]))
    own = [f"tests/technologies/test_{name}.py" for name in names]
    # The name of a kind is in the ids of its laws, and in the name of its own file.
    return [*(name for name in own if (ROOT / name).is_file()), LAWS, "-k", " or ".join(names)]


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Give a copy of the tree that may be spoilt."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for name in TREE:
            source, target = ROOT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        yield Path(folder)


def run_tests(tree: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run pytest in a tree, without leaving bytecode: a mutant written within the same second would not be seen."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *arguments,
    ]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def failing(tree: Path, arguments: Sequence[str]) -> list[str]:
    """Return the tests that fail without any mutant: they could notice nothing."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - .*)?$", run_tests(tree, arguments).stdout, flags=re.MULTILINE)


def judge(tree: Path, mutant: Mutant, arguments: Sequence[str]) -> Verdict:
    """Put a mutant into a tree, run the tests until the first failure, and take it out again."""
    target, started = tree / mutant.path, time.perf_counter()
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.text, encoding="utf-8")
    try:
        done = run_tests(tree, ["-x", *arguments])
        first = re.search(r"^(?:FAILED|ERROR) (\S+.*)$", done.stdout, flags=re.MULTILINE)
        by = first[1] if first else done.stdout[-200:] if done.returncode else ""
        if done.returncode not in (0, FAILED) and not first:
            raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout}{done.stderr}")
        return Verdict(mutant, done.returncode != 0, by, time.perf_counter() - started)
    except subprocess.TimeoutExpired:
        return Verdict(mutant, True, "the tests came to no end", time.perf_counter() - started)
    finally:
        target.write_text(original, encoding="utf-8")


def judge_all(mutants: Sequence[Mutant], jobs: int) -> Iterator[Verdict]:
    """Judge mutants, each worker in a tree of its own; tests that fail without a mutant are left out."""
    trees: Queue[Path] = Queue()
    left_out: dict[Path, list[str]] = {}

    def work(mutant: Mutant) -> Verdict:
        tree = trees.get()
        try:
            return judge(tree, mutant, [*relevant_tests(mutant.path), *left_out[mutant.path]])
        finally:
            trees.put(tree)

    with copied_tree() as first:
        for path in dict.fromkeys(mutant.path for mutant in mutants):
            broken = failing(first, relevant_tests(path))
            left_out[path] = [f"--deselect={name}" for name in broken]
            _say(f"{path}: " + (f"{len(broken)} tests fail without a mutant and are left out" if broken else "clean"))
    with _trees(jobs, trees), ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(work, mutants)


@contextmanager
def _trees(count: int, trees: Queue[Path]) -> Iterator[None]:
    if not count:
        yield
        return
    with copied_tree() as tree:
        trees.put(tree)
        with _trees(count - 1, trees):
            yield


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge all mutants or a sample; return how many survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations.mutate", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--sample", type=int, default=20, metavar="N", help="that many, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample")
    parser.add_argument("--only", default="", metavar="NAME", help="files with this in their name")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many to judge at once")
    parser.add_argument("--list", action="store_true", help="list the mutants and run nothing")
    asked = parser.parse_args(arguments)
    mutants = [mutant for path in files() if asked.only in str(path) for mutant in mutants_of(ROOT, path)]
    if not asked.all:
        mutants = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
    if asked.list:
        for mutant in mutants:
            _say(str(mutant))
        return 0
    survivors = []
    for verdict in judge_all(mutants, asked.jobs):
        word = "killed  " if verdict.killed else "SURVIVED"
        _say(f"{word} {verdict.seconds:5.1f} s  {verdict.mutant}  {verdict.by}")
        if not verdict.killed:
            survivors.append(verdict.mutant)
            _say(verdict.mutant.diff((ROOT / verdict.mutant.path).read_text(encoding="utf-8")))
    _say(f"{len(mutants)} mutants, {len(survivors)} survived")
    return len(survivors)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
