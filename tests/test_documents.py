"""Documents: inheritance key by key, overrides, and the place of everything in its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.documents import read_document
from microgrid.errors import InputError
from microgrid.yaml_files import parse_yaml


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path()


def read(here, text, overrides=None, **others):
    for name, other in others.items():
        path = here / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(other, encoding="utf-8")
    (here / "plant.yaml").write_text(text, encoding="utf-8")
    return read_document(here / "plant.yaml", overrides)


def test_plain_data_and_the_line_of_every_key(here):
    document = read(here, "# a comment\na: 1\nb:\n  c: [x, 2.5,\n      true]\n  d: text\n")
    assert document.data == {"a": 1, "b": {"c": ["x", 2.5, True], "d": "text"}}
    assert document.place(("a",)) == "plant.yaml:2"
    assert document.place(("b", "c")) == "plant.yaml:4"
    assert document.place(("b", "c", 2)) == "plant.yaml:5"
    assert document.place(("b", "d")) == "plant.yaml:6"
    assert document.place(("b", "nothing", "here")) == "plant.yaml:3"
    assert document.place(("nothing",)) == "plant.yaml:1"
    assert document.problems == []


def test_what_looks_like_a_time_or_a_word_stays_a_text(here):
    text = "a: 2026-06-15\nb: 2026-06-15T06:00:00+02:00\nc: yes\nd: 12:30\ne: 1_000\nf: 1e3\n2026: x\n"
    assert read(here, text).data == {
        "a": "2026-06-15",
        "b": "2026-06-15T06:00:00+02:00",
        "c": "yes",
        "d": "12:30",
        "e": 1000,
        "f": 1000.0,
        "2026": "x",
    }


def test_anchors_and_merge_keys(here):
    text = "a: &a {x: 1, y: &y [1, 2]}\nb:\n  <<: *a\n  x: 5\nc: *y\nd:\n  <<: [{x: 7}, *a]\n"
    document = read(here, text)
    assert document.data["b"] == {"x": 5, "y": [1, 2]}
    assert document.data["c"] == [1, 2]
    assert document.data["d"] == {"x": 7, "y": [1, 2]}
    assert document.place(("b", "x")) == "plant.yaml:4"
    assert document.place(("b", "y")) == "plant.yaml:1"


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: " + "[" * 500 + "]" * 500, "a: " + "[" * 5000])
def test_endless_nesting_is_a_fault(here, text):
    with pytest.raises(InputError, match="keys within keys") as caught:
        read(here, text)
    assert caught.value.problems[0].place.startswith("plant.yaml")


def test_endless_aliases_are_a_fault():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="more than a million values"):
        parse_yaml("\n".join(lines), "plant.yaml")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "nothing"),
        (b"# a comment\n", "nothing"),
        (b"- a\n", "a list"),
        (b"word", "a value"),
        (b"a: 1\nb: \xe9\n", "the byte 0xe9, which is no UTF-8"),
        (b"\x89PNG\r\n", "the byte 0x89, which is no UTF-8"),
        ("a: 1".encode("utf-16"), "the byte 0xff, which is no UTF-8"),
        (b"a: 1\nb: x\x00y\n", "unacceptable character #x0000: special characters are not allowed"),
        (b"a: [1\n", "expected ',' or ']', but got '<stream end>'"),
        (b"a: 1\n---\nb: 2\n", "a second document"),
        (b"a: *b\n", "found undefined alias 'b'"),
    ],
)
def test_what_is_no_scenario_file(here, content, found):
    (here / "plant.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_document(here / "plant.yaml")
    (problem,) = caught.value.problems
    assert (problem.where, problem.found) == ("file", found)
    assert problem.place.startswith("plant.yaml:")
    assert problem.cure


def test_a_byte_is_told_by_its_line(here):
    (here / "plant.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(InputError) as caught:
        read_document(here / "plant.yaml")
    assert caught.value.problems[0].place == "plant.yaml:2"


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: 1\nb: 2\n", b"a: 1\r\nb: 2\r\n", b"a: 1\rb: 2\r"])
def test_marks_and_line_ends_of_other_systems(here, content):
    (here / "plant.yaml").write_bytes(content)
    document = read_document(here / "plant.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert document.place(("b",)) == "plant.yaml:2"


@pytest.mark.parametrize("name", ["nowhere.yaml", "nowhere/plant.yaml", "."])
def test_a_file_that_is_not_there(here, name):
    with pytest.raises(InputError) as caught:
        read_document(here / name)
    assert caught.value.problems[0].cure


BASE = """\
name: base
assets:
  grid: {kind: grid_connection, capacity: 5 kW}
  battery:
    kind: battery
    energy: {low: 1 kWh, high: 2 MWh}
    power: {amount: 4 kW, opex: 1 EUR/kW/a}
    wear: {cycle_life: 5, segments: 3}
  load:
    kind: production_load
    demand: {file: site.csv, column: load, times: 2}
"""


def extended(here, text):
    return read(here, "extends: base.yaml\n" + text, base_yaml=BASE)


def test_a_file_inherits_key_by_key(here):
    document = extended(here, "assets:\n  battery:\n    wear: {segments: 4}\n")
    assert document.data["name"] == "base"
    assert document.data["assets"]["battery"]["wear"] == {"cycle_life": 5, "segments": 4}
    assert document.place(("assets", "battery", "wear", "segments")) == "plant.yaml:4"
    assert document.place(("assets", "battery", "wear", "cycle_life")) == "base.yaml:8"
    assert [path.name for path in document.files] == ["plant.yaml", "base.yaml"]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("assets: {grid: }", ("assets", "grid"), None),
        ("assets: {battery: {wear: }}", ("assets", "battery", "wear"), None),
        ("assets: {grid: {kind: supply, bus: heat}}", ("assets", "grid"), {"kind": "supply", "bus": "heat"}),
        ("assets: {battery: {energy: 3 kWh}}", ("assets", "battery", "energy"), "3 kWh"),
        (
            "assets: {battery: {energy: {high: 3 MWh}}}",
            ("assets", "battery", "energy"),
            {"low": "1 kWh", "high": "3 MWh"},
        ),
        ("assets: {battery: {energy: {amount: 3 MWh}}}", ("assets", "battery", "energy"), {"amount": "3 MWh"}),
        ("assets: {battery: {power: {high: 3 MW}}}", ("assets", "battery", "power"), {"high": "3 MW"}),
        (
            "assets: {battery: {power: {opex: 2 EUR/kW/a}}}",
            ("assets", "battery", "power"),
            {"amount": "4 kW", "opex": "2 EUR/kW/a"},
        ),
        ("assets: {load: {demand: 3 kW}}", ("assets", "load", "demand"), "3 kW"),
        (
            "assets: {load: {demand: {column: heat}}}",
            ("assets", "load", "demand"),
            {"file": "site.csv", "column": "heat", "times": 2},
        ),
        ("assets: {load: {demand: {file: b.csv}}}", ("assets", "load", "demand"), {"file": "b.csv"}),
        ("assets: {load: {demand: {values: [1]}}}", ("assets", "load", "demand"), {"values": [1]}),
        ("assets: {load: {demand: {tilt: 10 deg}}}", ("assets", "load", "demand"), {"tilt": "10 deg"}),
    ],
)
def test_what_takes_the_place_of_what(here, text, path, expected):
    document = extended(here, text)
    assert document.problems == []
    found = document.data
    for key in path:
        found = found.get(key)
    assert found == expected


def test_an_empty_value_that_takes_nothing_away_is_a_fault(here):
    document = extended(here, "assets: {batery: , battery: {source: }}\nname:\n")
    assert [problem.where for problem in document.problems] == ["assets.battery.source", "assets.batery"]
    assert [problem.place for problem in document.problems] == ["plant.yaml:2"] * 2
    assert "name" not in document.data


def test_files_are_named_from_the_folder_of_the_file_that_was_asked_for(here):
    base = BASE.replace("site.csv", "data/site.csv") + "weather: {file: ../here.epw}\n"
    document = read(here, "extends: below/base.yaml\n", below__base_yaml=base)
    assert document.data["assets"]["load"]["demand"]["file"] == "below/data/site.csv"
    assert document.data["weather"]["file"] == "here.epw"


def test_a_long_chain(here):
    others = {f"f{n}_yaml": f"extends: f{n + 1}.yaml\na: {{k{n}: {n}, last: {n}}}\n" for n in range(30)}
    document = read(here, "extends: f0.yaml\n", f30_yaml="a: {k30: 30}\n", **others)
    assert document.data["a"] == {"last": 0, **{f"k{n}": n for n in range(31)}}
    assert document.place(("a", "k7")) == "f7.yaml:2"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("extends: nowhere.yaml", "nowhere.yaml"),
        ("extends: bse.yaml", "bse.yaml"),
        ("extends: [base.yaml]", "[base.yaml]"),
        ("extends: .", "."),
        ("extends: plant.yaml", "plant.yaml -> plant.yaml"),
        ("extends: circle.yaml", "plant.yaml -> circle.yaml -> plant.yaml"),
        ("extends: " + "x" * 300, "x" * 57 + "..."),
        ('extends: "a\\0b"', '"a\\x00b"'),
    ],
)
def test_what_cannot_be_extended(here, text, found):
    with pytest.raises(InputError) as caught:
        read(here, f"name: a\n{text}\n", base_yaml=BASE, circle_yaml="name: b\nextends: plant.yaml\n")
    (problem,) = caught.value.problems
    assert (problem.where, problem.found) == ("extends", found)
    assert problem.place in ("plant.yaml:2", "circle.yaml:2")


def test_a_file_that_cannot_be_read_hides_no_faults_of_those_that_extend_it(here):
    """Doubled keys of the child and of the file between, told beside what is wrong with the last."""
    with pytest.raises(InputError) as caught:
        read(
            here,
            "extends: between.yaml\nname: a\nname: b\n",
            between_yaml="extends: broken.yaml\ncurrency: 010\n",
            broken_yaml="a: [\n",
        )
    places = [problem.place for problem in caught.value.problems]
    assert places == ["plant.yaml:3", "between.yaml:2", "broken.yaml:2"]


@pytest.mark.parametrize(
    ("key", "value", "path", "expected"),
    [
        ("assets.battery.energy", "3 MWh", ("assets", "battery", "energy"), "3 MWh"),
        ("assets.battery.energy.high", "3 MWh", ("assets", "battery", "energy", "high"), "3 MWh"),
        ("assets.battery", "{kind: battery}", ("assets", "battery"), {"kind": "battery"}),
        ("assets.new", "{kind: battery}", ("assets", "new"), {"kind": "battery"}),
        ("assets.battery.wear", "", ("assets", "battery"), None),
        ("assets.battery.wear", "null", ("assets", "battery"), None),
        ("solver.gap", "1 %", ("solver", "gap"), "1 %"),
        ("solver.options.a", "2", ("solver", "options", "a"), 2),
        ("assets.grid.demand_charge.price", "3 EUR", ("assets", "grid", "demand_charge", "price"), "3 EUR"),
        ("horizon.start", "2026-06-15T06:00:00+02:00", ("horizon", "start"), "2026-06-15T06:00:00+02:00"),
        ("name", "'a: b'", ("name",), "a: b"),
    ],
)
def test_an_override_sets_a_value(here, key, value, path, expected):
    document = read(here, BASE, {key: value})
    assert document.problems == []
    found = document.data
    for part in path:
        found = found[part]
    if expected is None:
        assert "wear" not in found
    else:
        assert found == expected
        assert document.place(path) == "--set"


def test_overrides_reach_into_lists(here):
    document = read(here, "a: [{b: 1}, {b: 2}]\n", {"a.1.b": "5", "a.0": "{c: 3}"})
    assert document.data == {"a": [{"c": 3}, {"b": 5}]}
    assert document.place(("a", 1, "b")) == "--set"


def test_every_faulty_override_is_told(here):
    overrides = {
        "assets.batery.energy": "1 kWh",
        "assets.battery.kind.x": "1",
        "name": "[1",
        "": "1",
        "a..b": "1",
        "assets.bat": "",
        "x": "!tag 3",
        "extends": "a",
    }
    document = read(here, BASE, overrides)
    assert [problem.where for problem in document.problems] == list(overrides)
    assert {problem.place for problem in document.problems} == {"--set"}


def test_the_digest_knows_the_data_and_every_file_named(here):
    (here / "site.csv").write_text("a", encoding="utf-8")
    first = read(here, BASE).digest
    assert read(here, BASE + "# a comment\n").digest == first
    assert read(here, BASE, {"name": "other"}).digest != first
    (here / "site.csv").write_text("b", encoding="utf-8")
    assert read(here, BASE).digest != first
    (here / "site.csv").unlink()
    assert len(read(here, BASE).digest) == 64
