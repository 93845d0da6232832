"""Six faults that a modeller makes, put in on purpose: the tests notice each.

The rest are for `python -m tests.mutations.mutate`, which takes its time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutations.mutants import Mutant, mutants_of
from tests.mutations.mutate import LAWS, ROOT, TECHNOLOGIES, copied_tree, judge, relevant_tests

BATTERY, GRID, LEDGER = TECHNOLOGIES / "battery.py", TECHNOLOGIES / "grid_energy.py", Path("microgrid/ledger.py")
PATTERNS, COMMITMENT = TECHNOLOGIES / "patterns.py", TECHNOLOGIES / "commitment.py"

# File, fault, the expression it is in as it stands on its line, and which tests to ask where not those of the file.
FAULTS: list[tuple[Path, str, str, list[str]]] = [
    (BATTERY, "drop hours", "cost / out_of * hours[t]", []),
    (GRID, "flip sign", "-earned[t]", []),
    (TECHNOLOGIES / "electrolyser.py", "flip sign", "-unit.drawn(t)", []),
    (PATTERNS, "drop hours", "hours[t] * gain(t)", [LAWS, "-k", "heat_storage"]),
    (COMMITMENT, "flip sign", "b.on[t] - b.on[t - 1]", [LAWS, "-k", "boiler"]),
    (LEDGER, "drop weight", "amount(t) * weight[t]", [LAWS, "-k", "weights_scale"]),
]


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """Give a copy of the tree that the mutants are put into."""
    with copied_tree() as copy:
        yield copy


def the_mutant(path: Path, fault: str, before: str) -> Mutant:
    """Return the mutant with this fault; where the code has changed, another must be chosen."""
    fitting = [mutant for mutant in mutants_of(ROOT, path) if (mutant.fault, mutant.before) == (fault, before)]
    assert fitting, f"{path} has no {before!r} any more: choose another fault of its kind"
    return fitting[0]


@pytest.mark.parametrize(
    ("path", "fault", "before", "asked"),
    [pytest.param(*one, id=f"{one[0].stem}: {one[1]} in {one[2]}") for one in FAULTS],
)
def test_a_fault_is_noticed(tree: Path, path: Path, fault: str, before: str, asked: list[str]) -> None:
    """A fault that no test notices is one that a change could bring in tomorrow."""
    verdict = judge(tree, the_mutant(path, fault, before), asked or relevant_tests(path))
    assert verdict.killed
    assert verdict.by.startswith("tests/"), f"no test failed, but {verdict.by}"


@pytest.mark.parametrize("path", dict.fromkeys(path for path, *_ in FAULTS), ids=str)
def test_mutants_are_python_and_differ_from_what_they_were(path: Path) -> None:
    """A mutant that cannot be imported is killed by anything."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for mutant in mutants_of(ROOT, path):
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse(text)), str(mutant)
        assert mutant.diff(text)
