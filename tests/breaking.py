"""Ways to break a scenario file so that it is surely broken, and good files to start from."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, NamedTuple, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel
from ruamel.yaml import YAML

from microgrid.capacity import Fixed, Sized
from microgrid.faults import Node
from microgrid.sections import Head
from microgrid.series import Series
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.yaml_files import parse_yaml

Keys = tuple[Any, ...]


class Files(NamedTuple):
    """A scenario and its table, as they are written."""

    plant: bytes
    csv: bytes


class Broken(NamedTuple):
    """A broken scenario: what was done to it, which file the fault is in, and the path it is told under."""

    files: Files
    deed: str
    file: str
    about: str = ""


def starter() -> dict[str, Any]:
    """Return the starter's data."""
    data: dict[str, Any] = parse_yaml(_shipped("plant.yaml"), "plant.yaml").data
    return data


def _shipped(name: str) -> str:
    return (resources.files("microgrid.starter") / name).read_text(encoding="utf-8")


def of_technology(kind: str) -> dict[str, Any]:
    """Return the data of a scenario in which one technology stands, with every field of its example written out."""
    demand = {"file": "site.csv", "column": "load"}
    example = technologies()[kind].example()
    asset = {"kind": kind, **written(example)}
    feeds = {f"{bus} feed": {"kind": "supply", "bus": bus, "price": "1 EUR/kWh"} for bus in sorted(example.needs())}
    return {
        "currency": "EUR",
        "site": {"time_zone": "Europe/Berlin"},
        "horizon": {"start": "2026-06-15", "days": 1, "step": "1 h"},
        "assets": {
            "one": asset,
            "plant": {"kind": "production_load", "demand": demand, "unserved_price": "5 EUR/kWh"},
            **feeds,
        },
    }


def written(model: BaseModel) -> dict[str, Any]:
    """Return the fields of a technology, or of a part of one, as a scenario file would write them."""
    fields = {}
    for name, info in type(model).model_fields.items():
        value, node = getattr(model, name), Node(info.annotation, tuple(info.metadata))
        if value is not None and value != info.get_default(call_default_factory=True) and name != "kind":
            fields[name] = _written(value, getattr(node.mark, "unit", "1").replace("CUR", "EUR"), model)
    return fields


def _written(value: Any, unit: str, model: BaseModel) -> Any:
    if isinstance(value, Fixed):
        return f"{value.amount!r} {unit}"
    if isinstance(value, Sized):
        return {"low": f"{value.low!r} {unit}", "high": f"{value.high!r} {unit}"}
    if isinstance(value, Series):
        return f"{float(value.values)!r} {_flow_unit(unit, model)}"
    if isinstance(value, BaseModel):
        return written(value)
    if isinstance(value, tuple | list):
        return [_written(part, unit, model) for part in value]
    is_quantity = isinstance(value, float) and unit != "1"
    return f"{value!r} {_flow_unit(unit, model)}" if is_quantity else value


def _flow_unit(unit: str, model: BaseModel) -> str:
    """Return the unit that fits an asset whose only bus carries hydrogen."""
    buses = {bus for bus, _ in model.buses().values()} if isinstance(model, Technology) else set()
    swaps = {"kW": "kg/h", "EUR/kWh": "EUR/kg", "kgCO2e/kWh": "kgCO2e/kg"}
    return swaps.get(unit, unit) if buses == {"hydrogen"} else unit


@lru_cache(maxsize=1)
def good() -> tuple[dict[str, Any], ...]:
    """Return the data of every file to start from."""
    return (starter(), *(of_technology(kind) for kind in technologies()))


def as_files(data: dict[str, Any], csv: str | None = None) -> Files:
    """Write data as YAML, beside the starter's table."""
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump(data, stream)
    return Files(stream.getvalue().encode(), (csv or _shipped("site.csv")).encode())


class Place(NamedTuple):
    """A key in the data, with what the models expect there."""

    path: Keys
    value: Any
    node: Node
    siblings: tuple[str, ...]
    required: bool

    @property
    def about(self) -> str:
        """The path as a text."""
        return ".".join(str(key) for key in self.path)


def places(data: dict[str, Any]) -> list[Place]:
    """Return every key that a model knows, but names that users choose."""
    found = list(_places({key: part for key, part in data.items() if key != "assets"}, Node(Head), ()))
    for name, asset in data["assets"].items():
        found += _places(asset, Node(technologies()[asset["kind"]]), ("assets", name))
    return found


def _places(data: Any, node: Node, path: Keys) -> Iterator[Place]:
    if isinstance(data, list):
        for at, part in enumerate(data):
            yield from _places(part, node.down(at), (*path, at))
        return
    if not isinstance(data, dict) or node.model is None:
        return
    fields = node.model.model_fields
    for key, value in data.items():
        if key in fields:
            inner = node.down(key)
            yield Place((*path, key), value, inner, tuple(fields), fields[key].is_required())
            yield from _places(value, inner, (*path, key))


def changed(data: dict[str, Any], path: Keys, value: Any) -> dict[str, Any]:
    """Return a copy with another value at a path."""
    data = copy.deepcopy(data)
    part: Any = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return data


def without(data: dict[str, Any], path: Keys) -> dict[str, Any]:
    """Return a copy without a key."""
    data = copy.deepcopy(data)
    part: Any = data
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return data


@st.composite
def misspelt(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Give a key a letter too many, too few or another."""
    place = draw(st.sampled_from([p for p in places(data) if p.path[-1] != "kind"]))
    key = str(place.path[-1])
    at = draw(st.integers(0, len(key) - 1))
    letter = draw(st.sampled_from("abcxyz_Q"))
    before, after = key[:at], key[at + 1 :]
    other = draw(st.sampled_from([before + letter + key[at:], before + after, before + letter + after]))
    if other in place.siblings or other == "" or other in ("file", "values"):
        other = key + "_x"
    moved = changed(without(data, place.path), (*place.path[:-1], other), place.value)
    return Broken(as_files(moved), f"{key} became {other}", "plant.yaml", ".".join(map(str, place.path[:-1])))


def _wrong_values(place: Place) -> list[Any]:
    """Return values that cannot stand at a place."""
    annotation, key = place.node.annotation, place.path[-1]
    if place.node.mark is not None:
        return _wrong_quantities(place.node.mark)
    chosen = ("kind", "time_zone", "carrier", "currency", "basis", "minimise")
    wrong: list[Any] = [True, [1], {"a": 1}]
    if key in chosen or get_origin(annotation) is Literal:
        wrong += ["unheard_of", "", 5, ["unheard_of"]]
    elif key in ("start", "end"):
        wrong += ["yesterday", "2026-13-01", "2026-02-30", "15.06.2026", "", 2026, "0001-01-01", "2026-06-15T25:00"]
    elif any(hasattr(mark, "carriers") for mark in place.node.marks):
        wrong += ["nowhere", "", 5, ["electricity"]]
    elif place.node.model is not None:
        wrong += [5, "abc"]
    elif annotation is bool:
        wrong = ["yes", 1, "true", [True], 0.0]
    elif isinstance(place.value, int | float):
        wrong += ["abc", -7, "5 kW", float("nan")]
    else:
        wrong += [5, 0.5]
    return wrong


def _wrong_quantities(mark: Any) -> list[Any]:
    units = getattr(mark, "units", (mark.unit,))
    anything = [
        True,
        "abc",
        "5 parsec",
        "5 kVA",
        "1e999 kW",
        "5,5 kW",
        [1, 2],
        {"foo": 1},
        "nan",
        "",
        "5 kW kW",
        10**400,
    ]
    bare = [5, -3.5, "17"] if "1" not in units else []
    money = ["5 USD/kWh", "3 RMB"] if "CUR" in mark.unit else []
    return [*anything, *bare, *money, "-1 kW" if mark.unit != "kW" else "-1 kWh"]


@st.composite
def mistaken(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Put a value where it cannot stand."""
    free = ("caps", "options", "buses", "scopes")
    place = draw(st.sampled_from([p for p in places(data) if p.path[-1] not in free]))
    value = draw(st.sampled_from(_wrong_values(place)))
    files = as_files(changed(data, place.path, value))
    return Broken(files, f"{place.about} became {value!r:.40}", "plant.yaml", place.about)


@st.composite
def left_out(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Leave out a field that has no default."""
    place = draw(st.sampled_from([p for p in places(data) if p.required or p.path[-1] == "kind"]))
    return Broken(as_files(without(data, place.path)), f"without {place.about}", "plant.yaml", place.about)


@st.composite
def emptied(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Leave nothing after a key."""
    place = draw(st.sampled_from(places(data)))
    return Broken(as_files(changed(data, place.path, None)), f"{place.about} emptied", "plant.yaml", place.about)


_UNFIT_NAMES = ["", "a.b", "a[0]", " a", "a  b", 'a"b', "a'b", "bus x", "carbon price", "x" * 99, "a\nb", "a:b"]


@st.composite
def misnamed(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Give an asset a name that cannot stand in a path."""
    name = draw(st.sampled_from(_UNFIT_NAMES))
    old = draw(st.sampled_from(list(data["assets"])))
    assets = {name if key == old else key: asset for key, asset in data["assets"].items()}
    return Broken(as_files({**data, "assets": assets}), f"{old} named {name!r:.20}", "plant.yaml", "assets")


@st.composite
def unreadable(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Make a file no YAML, or YAML that a scenario has no use for."""
    lines = as_files(data).plant.decode().splitlines(keepends=True)
    at = draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    deeds: dict[str, Callable[[], str | bytes]] = {
        "a tab": lambda: "\t" + line,
        "a bracket": lambda: line + "[\n",
        "a quote": lambda: '"' + line.lstrip() + "\n",
        "a tag": lambda: re.sub(r": ?", ": !x ", line, count=1) if ": " in line else "!x " + line.lstrip(),
        "a line twice": lambda: line + line if not line.lstrip().startswith("-") else "{{ " + line,
        "a byte": lambda: line.encode().rstrip(b"\n") + b"\xff\n",
        "a nought": lambda: line.rstrip("\n") + "\0\n",
        "an alias": lambda: line.rstrip("\n") + "\nzz: *nothing\n",
        "a second document": lambda: line + "---\na: 1\n",
        "a percent sign": lambda: re.sub(r":.*", ": %x", line) if ":" in line else "%x\n",
        "a bare colon": lambda: line.rstrip("\n").rstrip(":") + ": a: b\n",
    }
    deed = draw(st.sampled_from(sorted(deeds)))
    new = deeds[deed]()
    parts = [new if position == at else part for position, part in enumerate(lines)]
    content = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return Broken(Files(content, _shipped("site.csv").encode()), f"{deed} in line {at + 1}", "plant.yaml")


_WRONG_CELLS = ["abc", "", "1.5.2", "inf", "nan", "0x1F", "1_000", '"1,000"', "5 kW", "-3", "1e999", "--", "12x"]
_WRONG_TIMES = ["", "yesterday", "15.06.2026 00:00", "2026-06-31T00:00+02:00", "2026-06-15", "1"]
_WRONG_HEADERS = ["load", "load [parsec]", "load [kg]", "load []", "lod [kW]", "load [kW", "sun [kW]"]
_LETTERS = [b"", b":", b" ", b"\n", b"-", b"[", b"{", b"&a", b"*a", b"!", b"%", b"0", b"\xc3\xa9", b",", b'"']


@st.composite
def broken_table(draw: st.DrawFn, data: dict[str, Any]) -> Broken:
    """Put a fault into a table: into its header, its times or the cells of a column that is used."""
    lines = _shipped("site.csv").splitlines()
    row = draw(st.integers(1, len(lines) - 1))
    middle = draw(st.integers(2, len(lines) - 2))
    time, load, *others = lines[row].split(",")
    cell = draw(st.sampled_from(_WRONG_CELLS))
    stamp = draw(st.sampled_from([*_WRONG_TIMES, time[:16]]))
    header = draw(st.sampled_from(_WRONG_HEADERS))
    end = draw(st.sampled_from([0, 1, 2, len(lines) - 1]))
    deeds = {
        "a cell": _with(lines, row, ",".join([time, cell, *others])),
        "a time": _with(lines, row, ",".join([stamp, load, *others])),
        "a cell too many": _with(lines, row, ",".join([time, "1", load, *others])),
        "a cell too few": _with(lines, row, ",".join([time, load])),
        "a header": _with(lines, 0, lines[0].replace("load [kW]", header)),
        "no time": _with(lines, 0, lines[0].replace("time", draw(st.sampled_from(["Time", "date", "", "t"])))),
        "a gap": [*lines[:middle], *lines[middle + 1 :]],
        "a row twice": [*lines[: row + 1], *lines[row:]],
        "an order": [*lines[:middle], lines[middle + 1], lines[middle], *lines[middle + 2 :]],
        "an end": lines[:end] if end < len(lines) - 1 else lines[:-1],
        "a beginning": [lines[0], *lines[2:]],
        "semicolons": [line.replace(",", ";") for line in lines],
        "an open quote": _with(lines, row, f'{time},"{load},' + ",".join(others)),
    }
    deed = draw(st.sampled_from(sorted(deeds)))
    csv = "\n".join(deeds[deed]) + "\n"
    told = f"{deed}, row {row}, middle {middle}, {cell!r}, {stamp!r}, {header!r}, {end}"
    return Broken(as_files(data, csv), told, "")


def _with(lines: list[str], at: int, line: str) -> list[str]:
    return [line if position == at else other for position, other in enumerate(lines)]


@st.composite
def broken_files(draw: st.DrawFn) -> Broken:
    """Any good file, broken in any of these ways."""
    data = draw(st.sampled_from(good()))
    ways = [misspelt, mistaken, left_out, emptied, misnamed, unreadable, broken_table]
    return draw(draw(st.sampled_from([misspelt, mistaken, mistaken, *ways]))(data))


@st.composite
def scribbled(draw: st.DrawFn) -> Files:
    """Put letters into a good file, or take some out, anywhere: most are broken then, some are not."""
    files = as_files(draw(st.sampled_from(good())))
    which = draw(st.sampled_from(["plant", "csv"]))
    content = bytearray(getattr(files, which))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        letters = draw(st.sampled_from(_LETTERS))
        content[at : at + draw(st.integers(0, 3))] = letters
    return files._replace(**{which: bytes(content)})
