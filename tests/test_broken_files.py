"""Random broken files: each is refused with file, place, what was wanted, and never with anything but an InputError."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from microgrid.errors import InputError
from microgrid.scenario import Scenario, read_scenario
from microgrid.technologies import technologies
from tests.breaking import Broken, Files, as_files, broken_files, good, of_technology, scribbled

FAST = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
LEAKS = ("traceback", "input should", "validation error", "pydantic", "errno", "nonetype", "object at 0x", "unexpected")
told: Counter[str] = Counter()


def read(files: Files) -> Scenario:
    """Read a scenario from a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plant.yaml").write_bytes(files.plant)
        (folder / "site.csv").write_bytes(files.csv)
        return read_scenario(folder / "plant.yaml")


def assert_helps(error: InputError) -> None:
    """Each problem says where, in which file, what it found and what it wanted, in a user's words."""
    assert error.problems
    for problem in error.problems:
        assert problem.place.partition(":")[0].rpartition("/")[2] in ("plant.yaml", "site.csv"), problem
        assert problem.where.strip(), problem
        assert problem.found.strip(), problem
        assert problem.wanted.strip(), problem
        assert not [leak for leak in LEAKS if leak in str(problem).casefold().replace("unexpected end", "")], problem
    assert len({str(problem) for problem in error.problems}) == len(error.problems), "a fault is told once"


@pytest.mark.parametrize("kind", technologies())
def test_every_example_is_good_as_a_file(kind):
    """What is broken below is good before: every technology, with every field of its example written out."""
    assets = read(as_files(of_technology(kind))).plant.assets
    assert kind in {getattr(asset, "kind", None) for asset in assets.values()}


def test_there_is_much_to_start_from():
    assert len(good()) == len(technologies()) + 1


@settings(FAST, max_examples=250)
@given(broken_files())
def test_a_broken_file_is_refused_with_its_place_and_what_was_wanted(broken: Broken):
    with pytest.raises(InputError) as caught:
        read(broken.files)
    assert_helps(caught.value)
    problems = caught.value.problems
    if broken.file:
        assert any(f"{broken.file}:" in problem.place for problem in problems), broken.deed
    if broken.about:
        near = [p for p in problems if p.where.startswith(broken.about) or broken.about.startswith(p.where)]
        assert near, (broken.deed, problems)
    told[broken.deed.split(" ")[0]] += 1


@settings(FAST, max_examples=250)
@given(scribbled())
def test_scribbling_breaks_a_file_or_leaves_it_good(files: Files):
    try:
        read(files)
    except InputError as error:
        assert_helps(error)
