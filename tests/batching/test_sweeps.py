"""Sweeps: which points they span, what the cases are called, and every way in which one can be wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import fmean, pstdev
from typing import Any

import pytest

from microgrid.documents import read_document
from microgrid.errors import InputError
from microgrid.families import expand, named_case, short_name, write_cases
from microgrid.scenario import read_scenario
from microgrid.sweeps import Sweep, number_of, points
from tests.batching.files import PLANT, SWEEP, write


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand where the files are, so that messages name them as a user does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what changes at each point."""
    return [{change.field: change.value for change in point.changes} for point in points(Sweep(**sweep))]


def told(folder, sweep: str) -> str:
    """Return the faults of a family."""
    with pytest.raises(InputError) as caught:
        expand([write(folder, PLANT + sweep).relative_to(folder)])
    return "\n".join(map(str, caught.value.problems))


def test_a_grid_is_every_value_with_every_other_the_last_axis_first():
    sweep = {"grid": {"a": {"field": "x", "values": [1, 2]}, "b": {"field": "y", "values": ["p", "q"]}}}
    assert values(sweep) == [{"x": 1, "y": "p"}, {"x": 1, "y": "q"}, {"x": 2, "y": "p"}, {"x": 2, "y": "q"}]


def test_axes_of_a_zip_move_together_and_one_axis_may_have_several_fields():
    sweep = {
        "zip": {
            "year": {"fields": {"weather.file": ["a.epw", "b.epw"], "horizon.start": ["2018", "2019"]}},
            "price": {"field": "p", "values": [1, 2]},
        }
    }
    assert values(sweep) == [
        {"weather.file": "a.epw", "horizon.start": "2018", "p": 1},
        {"weather.file": "b.epw", "horizon.start": "2019", "p": 2},
    ]
    assert [dict(point.labels) for point in points(Sweep(**sweep))] == [  # type: ignore[arg-type]
        {"year": "a.epw", "price": "1"},
        {"year": "b.epw", "price": "2"},
    ]


def test_parts_of_a_sweep_are_joined_each_with_each():
    sweep = {
        "grid": {"a": {"field": "x", "values": [1, 2]}},
        "list": {"site": {"with roof": {}, "without": {"assets.roof": None}}},
        "sample": {"cases": 3, "axes": {"s": {"field": "z", "uniform": [0, 1]}}},
    }
    found = values(sweep)
    assert len(found) == 2 * 2 * 3
    assert sum("assets.roof" in point for point in found) == 6


def test_a_latin_hypercube_draws_once_from_each_part_and_the_same_for_the_same_seed():
    """Of 10 draws between 0 and 10 kW, each whole kW holds one; a random sample of this seed does not."""
    axes = {"p": {"field": "x", "uniform": ["0 kW", "10 kW"]}}
    drawn = values({"sample": {"cases": 10, "seed": 3, "axes": axes}})
    numbers = sorted(float(point["x"].removesuffix(" kW")) for point in drawn)
    assert [int(number) for number in numbers] == list(range(10))
    assert drawn == values({"sample": {"cases": 10, "seed": 3, "axes": axes}})
    assert drawn != values({"sample": {"cases": 10, "seed": 4, "axes": axes}})
    free = values({"sample": {"cases": 10, "seed": 3, "method": "random", "axes": axes}})
    assert sorted(int(float(point["x"].split()[0])) for point in free) != list(range(10))


def test_a_further_axis_of_a_sample_changes_no_other():
    one = {"p": {"field": "x", "uniform": [0, 1]}}
    two = one | {"q": {"field": "y", "uniform": [0, 1]}}
    first = [point["x"] for point in values({"sample": {"cases": 5, "axes": one}})]
    assert first == [point["x"] for point in values({"sample": {"cases": 5, "axes": two}})]


def test_a_normal_sample_has_mean_and_deviation_and_stays_within_its_cut():
    """A hypercube of 1,000 draws keeps the mean to a thousandth; cut off at the mean, none lies below it.

    Half a normal distribution has the mean `deviation * sqrt(2 / pi)` above the cut: 30 + 5 * 0.798 = 33.99.
    """
    axes = {"p": {"field": "x", "normal": {"mean": 30.0, "deviation": 5.0}}}
    drawn = [point["x"] for point in values({"sample": {"cases": 1000, "axes": axes}})]
    assert (fmean(drawn), pstdev(drawn)) == (pytest.approx(30.0, abs=0.03), pytest.approx(5.0, rel=0.02))
    axes = {"p": {"field": "x", "normal": {"mean": 30.0, "deviation": 5.0, "low": 30.0}}}
    cut = [point["x"] for point in values({"sample": {"cases": 1000, "axes": axes}})]
    assert min(cut) >= 30.0
    assert fmean(cut) == pytest.approx(33.99, abs=0.05)


@pytest.mark.parametrize(
    ("text", "found"),
    [("2 MWh", (2.0, "MWh")), ("1e-3 EUR/kWh", (0.001, "EUR/kWh")), (5, (5.0, "")), ("95 %", (95.0, "%")),
     ("-30 min", (-30.0, "min")), ("2018-01-01", None), ("none", None), (True, None), ("", None)],
)  # fmt: skip
def test_labels_are_numbers_where_they_look_like_one(text, found):
    """A date begins with digits, too; its unit would be "-01-01"."""
    assert number_of(text) == found


def test_cases_are_complete_scenarios_with_names_and_hashes(here):
    cases = expand([write(here, PLANT + SWEEP)])
    assert [case.name for case in cases][:2] == [
        "Small: carbon price 0 EUR/tCO2, battery 5 kWh",
        "Small: carbon price 0 EUR/tCO2, battery 10 kWh",
    ]
    assert len({case.id for case in cases}) == 6
    data = cases[5].document().data
    assert (data["objective"]["carbon_price"], data["assets"]["battery"]["energy"]) == ("100 EUR/tCO2", "20 kWh")
    assert "sweep" not in data


def test_a_case_written_as_a_file_is_the_same_case(here):
    family = write(here, PLANT.replace("demand: 20 kW", "demand: {file: load.csv, column: load}") + SWEEP)
    rows = "".join(f"2026-06-15T0{hour}:00+02:00,20\n" for hour in range(4))
    (here / "load.csv").write_text(f"time,load [kW]\n{rows}")
    (written, *_) = write_cases(expand([family])[4:5], here / "deep" / "cases")
    scenario = read_scenario(written)
    assert scenario.name == "Small: carbon price 100 EUR/tCO2, battery 10 kWh"
    assert scenario.plant.objective.carbon_price == pytest.approx(0.1)


def test_the_hash_is_that_of_what_decides_the_plan(here):
    """Another name changes no plan; another number, or another number in a file that is named, does."""
    plant = PLANT.replace("demand: 20 kW", "demand: {file: load.csv, column: load}")
    (here / "load.csv").write_text("time,load [kW]\n")
    (first,) = expand([write(here, plant)])
    (renamed,) = expand([write(here, plant.replace("name: Small", "name: Large"))])
    (changed,) = expand([write(here, plant.replace("10 kWh", "11 kWh"))])
    (overridden,) = expand([write(here, plant)], {"assets.battery.energy": "11 kWh"})
    assert first.id == renamed.id != changed.id == overridden.id
    (here / "load.csv").write_text("time,load [kW]\n2026-06-15T00:00+02:00,20\n")
    (other,) = expand([write(here, plant)])
    assert other.id != first.id


def test_hashes_do_not_depend_on_the_process(here):
    path = write(here, PLANT + SWEEP)
    code = f"from microgrid.families import expand; print(*[c.id for c in expand([{str(path)!r}])])"
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.split() == [case.id for case in expand([path])]


def test_a_sweep_is_inherited_and_its_files_stay_where_they_are(here):
    (here / "base").mkdir()
    sweep = "sweep: {grid: {year: {field: weather.file, values: [a.epw, b.epw]}}}\n"
    write(here / "base", PLANT + "weather: {file: a.epw}\n" + sweep, "plant.yaml")
    cases = expand([write(here, "extends: base/plant.yaml\nname: Child\n")])
    assert [case.document().data["weather"]["file"] for case in cases] == ["base/a.epw", "base/b.epw"]
    assert [case.name for case in cases] == ["Child: year base/a.epw", "Child: year base/b.epw"]


def test_a_child_adds_an_axis_and_takes_one_away(here):
    write(here, PLANT + SWEEP)
    text = """\
extends: family.yaml
name: Child
sweep:
  grid:
    battery:
    power: {field: assets.battery.power, values: [5 kW, 6 kW]}
"""
    cases = expand([write(here, text, "child.yaml")])
    assert [set(case.labels) for case in cases] == [{"carbon price", "power"}] * 4


def test_a_family_is_no_scenario_but_each_of_its_cases_is(here):
    path = write(here, PLANT + SWEEP)
    with pytest.raises(InputError, match="`microgrid batch FILE` solves them"):
        read_scenario(path)
    name = "carbon price 100 EUR/tCO2, battery 5 kWh"
    assert read_scenario(path, case=name).plant.objective.carbon_price == pytest.approx(0.1)
    assert short_name(named_case(path, f"Small: {name}")) == name
    with pytest.raises(InputError, match="did you mean"):
        read_scenario(path, case="carbon price 100 EUR/tCO2, battery 6 kWh")


def test_an_empty_sweep_is_told(here):
    assert "nothing" in told(here, "sweep:\n")
    assert told(here, "sweep: {grid: {}}\n").splitlines() == [
        "family.yaml:25  sweep: no axis",
        "   wanted one of grid, zip, list and sample",
    ]


def test_values_twice_are_told(here):
    found = told(here, "sweep:\n  grid:\n    b: {field: assets.battery.energy, values: [1 kWh, 1 kWh]}\n")
    assert found == "family.yaml:27  sweep.grid.b: 1 kWh twice\n   wanted each value once; or labels that differ"


@pytest.mark.parametrize("label", ['""', '" "', '"a\\nb"'])
def test_labels_that_no_table_could_tell_are_refused(here, label):
    axis = f"{{field: assets.battery.energy, values: [1 kWh, 2 kWh], labels: [a/b, {label}]}}"
    found = told(here, f"sweep:\n  grid:\n    b: {axis}\n")
    assert found.endswith("wanted labels of one line, with something in it")
    assert "wanted labels of one line" in told(here, f"sweep: {{list: {{b: {{{label}: {{}}}}}}}}\n")


@pytest.mark.parametrize(
    ("range_", "wanted"),
    [
        ("2 kWh, 1 kWh", "2 kWh to 1 kWh\n   wanted the lowest value, then a higher one"),
        ("1 kWh, 1 kWh", "1 kWh to 1 kWh\n   wanted the lowest value, then a higher one"),
        (".nan, .inf", "nan, inf\n   wanted numbers in one unit"),
    ],
)
def test_a_range_that_is_none_is_refused(here, range_, wanted):
    found = told(here, f"sweep: {{sample: {{cases: 2, axes: {{b: {{field: x, uniform: [{range_}]}}}}}}}}\n")
    assert found.startswith(f"family.yaml:25  sweep.sample.axes.b.uniform: {wanted}")


def test_two_axes_on_one_field_are_told(here):
    sweep = """\
sweep:
  grid:
    a: {field: assets.battery.energy, values: [1 kWh, 2 kWh]}
    b: {field: assets.battery.energy, values: [3 kWh]}
"""
    assert "assets.battery.energy on two axes\n   wanted each field on one axis" in told(here, sweep)


def test_zips_of_unequal_lengths_are_told(here):
    sweep = """\
sweep:
  zip:
    a: {field: assets.battery.energy, values: [1 kWh, 2 kWh]}
    b: {field: assets.battery.power, values: [3 kW]}
"""
    assert told(here, sweep) == (
        "family.yaml:26  sweep.zip: a has 2, b has 1\n   wanted axes of one length; take a grid for every combination"
    )


def test_samples_in_two_units_are_told(here):
    sweep = "sweep: {sample: {cases: 3, axes: {p: {field: assets.load.demand, uniform: [1 kW, 2 MW]}}}}\n"
    assert "wanted numbers in one unit, written alike" in told(here, sweep)


def test_a_misspelt_key_of_a_sweep_is_told_with_the_nearest(here):
    found = told(here, "sweep:\n  grid:\n    b: {feild: assets.battery.energy, values: [1 kWh]}\n")
    assert 'did you mean "field"?' in found
    assert "family.yaml:27" in found


def test_two_cases_of_one_name_are_refused(here):
    write(here, PLANT, "one.yaml")
    write(here, PLANT, "two.yaml")
    with pytest.raises(InputError) as caught:
        expand(["one.yaml", "two.yaml"])
    assert str(caught.value) == (
        "two.yaml:1  name: Small, as in one.yaml:1\n"
        "   wanted names that differ, for results are told by them; give one another name"
    )


def test_more_cases_than_anybody_solves_are_refused_before_they_are_made(here):
    axis = "{field: assets.f%d.x, values: [%s]}"
    axes = "\n".join(f"    a{n}: {axis % (n, ', '.join(map(str, range(100))))}" for n in range(4))
    assert "100,000,000 cases" in told(here, f"sweep:\n  grid:\n{axes}\n")


def test_set_overrides_all_cases(here):
    cases = expand([write(here, PLANT + SWEEP)], {"assets.load.demand": "7 kW"})
    assert {case.document().data["assets"]["load"]["demand"] for case in cases} == {"7 kW"}


def test_documents_keep_the_sweep_apart(here):
    document = read_document(write(here, PLANT + SWEEP))
    assert "sweep" not in document.data
    assert set(document.sweep) == {"grid"}


def test_an_axis_of_an_extended_family_takes_other_values(here):
    """What it says nothing new of it keeps; told another field, it is another axis as a whole."""
    write(here, PLANT + SWEEP)
    text = "extends: family.yaml\nname: Child\nsweep:\n  grid:\n    carbon price: {values: [7 EUR/tCO2]}\n"
    text += "    battery: {field: assets.battery.power, values: [1 kW, 2 kW]}\n"
    cases = expand([write(here, text, "child.yaml")])
    assert [dict(case.labels) for case in cases] == [
        {"carbon price": "7 EUR/tCO2", "battery": "1 kW"},
        {"carbon price": "7 EUR/tCO2", "battery": "2 kW"},
    ]
    assert [field for field, _, _ in cases[0].values] == ["objective.carbon_price", "assets.battery.power"]
