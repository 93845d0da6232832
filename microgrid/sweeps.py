"""The section `sweep` of a scenario file: axes along which fields change, and the points that they span.

A sweep has up to four parts: `grid` (every value of an axis with every value of the others), `zip` (axes of one length
that move together), `list` (changes by name) and `sample` (numbers drawn at random from a seed). Where there are
several parts, every point of one is joined with every point of the others.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import PurePath
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from microgrid.faults import Fault, Keys, RefusedError, refuse, shown
from microgrid.fields import Part

_NUMBER = re.compile(r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z%°µ€£¥$].*)?")
_MOST = 1_000_000
SAMPLE = "sample"


class Axis(Part):
    """Values that one field takes, or several fields that change together."""

    field: str = Field(default="", description="The field by its path, such as assets.battery.energy.")
    values: list[Any] | None = Field(
        default=None, min_length=1, description="What it takes in turn, as the file would say it."
    )
    fields: dict[str, list[Any]] = Field(
        default={}, description="Several fields by path, each with its values; the first of each belong together."
    )
    labels: list[str | int | float] | None = Field(
        default=None, min_length=1, description="What the values are called; by default the values of the first field."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Axis:
        if (self.field == "") == (not self.fields):
            found = "field and fields" if self.fields else "neither field nor fields"
            raise refuse(found, "field with values, or fields", "such as {field: assets.battery.energy, values: [..]}")
        if (self.field == "") == (self.values is not None):
            raise refuse("values without field" if self.values else "a field without values", "field with values")
        lengths = {len(values) for values in [*self.by_field().values(), *([self.labels] if self.labels else [])]}
        if len(lengths) > 1:
            raise refuse(
                f"lists of {' and '.join(map(str, sorted(lengths)))}", "as many values for each field, and labels"
            )
        if lengths == {0}:
            raise refuse("no values", "at least one value")
        return self

    def by_field(self) -> dict[str, list[Any]]:
        """Return the values by the path of their field."""
        return {self.field: self.values or []} if self.field else dict(self.fields)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(next(iter(self.by_field().values())))


class Normal(Part):
    """A normal distribution, cut off where it says so."""

    mean: str | float = Field(description="Mean, as the file would say it: 30 EUR/MWh.")
    deviation: str | float = Field(description="Standard deviation, in the unit of the mean.")
    low: str | float | None = Field(default=None, description="Nothing below; the distribution is cut off there.")
    high: str | float | None = Field(default=None, description="Nothing above.")


class Spread(Part):
    """How one field is distributed."""

    field: str = Field(description="The field by its path, such as assets.gas.price.")
    uniform: list[str | float] | None = Field(
        default=None, min_length=2, max_length=2, description="Lowest and highest value, in one unit."
    )
    normal: Normal | None = Field(default=None, description="A normal distribution.")

    @model_validator(mode="after")
    def _is_one(self) -> Spread:
        if (self.uniform is None) == (self.normal is None):
            raise refuse("both" if self.uniform else "neither", "one of uniform and normal")
        return self


class Sample(Part):
    """Numbers drawn at random, the same for the same seed."""

    cases: int = Field(ge=1, le=_MOST, description="How many points are drawn.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Where the random numbers start.")
    method: Literal["latin_hypercube", "random"] = Field(
        default="latin_hypercube",
        description="latin_hypercube draws once from each of as many equally likely parts; random draws freely.",
    )
    axes: dict[str, Spread] = Field(min_length=1, description="The fields that are drawn, by the name of their axis.")


class Sweep(Part):
    """Cases of one scenario: axes along which its fields change."""

    grid: dict[str, Axis] = Field(default={}, description="Every value of an axis with every value of the others.")
    zip: dict[str, Axis] = Field(default={}, description="Axes of one length whose values belong together.")
    sample: Sample | None = Field(default=None, description="Numbers drawn at random.")
    list: dict[str, dict[str, dict[str, Any]]] = Field(
        default={}, description="By axis and label, the fields that change, by path: {site: {small: {assets.roof: }}}."
    )


class Change(NamedTuple):
    """A field that takes a value; `source` is where the sweep says so."""

    field: str
    value: Any
    source: Keys


class Point(NamedTuple):
    """One point of a sweep: its label on each axis, and what changes there."""

    labels: Mapping[str, str]
    changes: tuple[Change, ...]


def points(sweep: Sweep) -> Iterator[Point]:
    """Give the points of a sweep, the last axis changing first.

    Raises
    ------
    RefusedError
        If axes do not fit together; paths are those within the sweep.
    """
    blocks = [_along(axis, ("grid", name), name) for name, axis in sweep.grid.items()]
    if sweep.zip:
        blocks.append(_zipped(sweep.zip))
    blocks += [_listed(axis, cases) for axis, cases in sweep.list.items()]
    if sweep.sample is not None:
        blocks.append(_drawn(sweep.sample))
    _refuse_twice(blocks)
    for combination in product(*blocks):
        labels = {axis: label for point in combination for axis, label in point.labels.items()}
        yield Point(labels, tuple(change for point in combination for change in point.changes))


def number_of(text: Any) -> tuple[float, str] | None:
    """Return a label or value as a number and its unit; None where it is none."""
    if isinstance(text, bool):
        return None
    if isinstance(text, int | float):
        return float(text), ""
    match = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else (float(match[1].replace("_", "")), (match[2] or "").strip())


def _along(axis: Axis, path: Keys, name: str) -> list[Point]:
    by_field = axis.by_field()
    first = next(iter(by_field.values()))
    labels = [str(label) for label in axis.labels] if axis.labels else [_label(v, at) for at, v in enumerate(first)]
    _refuse_unreadable(labels, path)
    counts = Counter(labels)
    twice = next((label for label in labels if counts[label] > 1), None)
    if twice is not None:
        raise RefusedError([Fault(path, f"{shown(twice)} twice", "each value once", "or labels that differ")])
    found = []
    for at, label in enumerate(labels):
        changes = tuple(Change(field, values[at], _source(axis, path, field)) for field, values in by_field.items())
        found.append(Point({name: label}, changes))
    return found


def _refuse_unreadable(labels: Iterable[str], path: Keys) -> None:
    """Refuse labels that no table and no command line could tell."""
    for label in labels:
        if not label.strip() or not label.isprintable():
            raise RefusedError([Fault(path, f"a label {label!r}", "labels of one line, with something in it")])


def _source(axis: Axis, path: Keys, field: str) -> Keys:
    return (*path, "field") if axis.field else (*path, "fields", field)


def _label(value: Any, at: int) -> str:
    if isinstance(value, Mapping) and isinstance(value.get("file"), str):
        return " ".join([PurePath(value["file"]).stem, *([str(value["column"])] if "column" in value else [])])
    if isinstance(value, Mapping | list):
        return str(at + 1)
    return "none" if value is None else shown(value)


def _zipped(axes: Mapping[str, Axis]) -> list[Point]:
    lengths = {name: len(axis) for name, axis in axes.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise RefusedError([Fault(("zip",), found, "axes of one length", "take a grid for every combination")])
    rows = zip(*[_along(axis, ("zip", name), name) for name, axis in axes.items()], strict=True)
    return [
        Point({k: v for p in row for k, v in p.labels.items()}, tuple(c for p in row for c in p.changes))
        for row in rows
    ]


def _listed(axis: str, cases: Mapping[str, Mapping[str, Any]]) -> list[Point]:
    if not cases:
        raise RefusedError([Fault(("list", axis), "nothing", "cases by name, each with the fields that change")])
    _refuse_unreadable(cases, ("list", axis))
    return [
        Point({axis: label}, tuple(Change(f, v, ("list", axis, label, f)) for f, v in changes.items()))
        for label, changes in cases.items()
    ]


def _drawn(sample: Sample) -> list[Point]:
    """Draw the points of a sample; each axis has a stream of its own, so that a further one changes none before it."""
    from statistics import NormalDist

    import numpy as np

    columns: dict[str, list[str | float]] = {}
    for at, (name, spread) in enumerate(sample.axes.items()):
        random = np.random.Generator(np.random.PCG64([sample.seed, at]))
        shares = random.random(sample.cases)
        if sample.method == "latin_hypercube":
            shares = (random.permutation(sample.cases) + shares) / sample.cases
        path: Keys = ("sample", "axes", name)
        if spread.uniform is not None:
            (low, high), unit = _in_one_unit(spread.uniform, (*path, "uniform"))
            if not high > low:
                found = " to ".join(shown(value) for value in spread.uniform)
                raise RefusedError([Fault((*path, "uniform"), found, "the lowest value, then a higher one")])
            numbers = low + (high - low) * shares
        else:
            numbers, unit = _normal(spread.normal or Normal(mean=0.0, deviation=1.0), shares, path, NormalDist)
        texts = [f"{number:.10g}" for number in numbers.tolist()]
        columns[name] = [f"{text} {unit}" if unit else float(text) for text in texts]
    return [_draw(sample, at, {name: values[at] for name, values in columns.items()}) for at in range(sample.cases)]


def _draw(sample: Sample, at: int, drawn: Mapping[str, str | float]) -> Point:
    labels = {SAMPLE: str(at + 1)} | {name: shown(value) for name, value in drawn.items()}
    changes = (
        Change(sample.axes[name].field, value, ("sample", "axes", name, "field")) for name, value in drawn.items()
    )
    return Point(labels, tuple(changes))


def _normal(normal: Normal, shares: Any, path: Keys, distribution: Any) -> tuple[Any, str]:
    """Return draws of a normal distribution, by its inverse; cut off, so that no share is lost at an end."""
    import numpy as np

    here = (*path, "normal")
    named = {"mean": normal.mean, "deviation": normal.deviation, "low": normal.low, "high": normal.high}
    given = {key: value for key, value in named.items() if value is not None}
    numbers, unit = _in_one_unit(list(given.values()), here)
    value = dict(zip(given, numbers, strict=True))
    if not value["deviation"] > 0:
        raise RefusedError([Fault((*here, "deviation"), shown(normal.deviation), "more than zero")])
    curve = distribution(value["mean"], value["deviation"])
    low = curve.cdf(value["low"]) if "low" in value else 0.0
    high = curve.cdf(value["high"]) if "high" in value else 1.0
    if not high > low:
        raise RefusedError([Fault((*here, "high"), shown(normal.high), "a range in which the distribution lies")])
    inner = np.clip(low + (high - low) * shares, 1e-12, 1 - 1e-12)
    drawn = np.array([curve.inv_cdf(share) for share in inner.tolist()])
    return np.clip(drawn, value.get("low", -np.inf), value.get("high", np.inf)), unit


def _in_one_unit(values: list[Any], path: Keys) -> tuple[list[float], str]:
    found = [number_of(value) for value in values]
    units = {unit for _, unit in [pair for pair in found if pair is not None]}
    if None in found or len(units) != 1 or not all(math.isfinite(pair[0]) for pair in found if pair is not None):
        wanted = "numbers in one unit, written alike, such as [20 EUR/MWh, 60 EUR/MWh]"
        raise RefusedError([Fault(path, ", ".join(shown(value) for value in values), wanted)])
    return [number for number, _ in [pair for pair in found if pair is not None]], units.pop()


def _refuse_twice(blocks: list[list[Point]]) -> None:
    """Refuse an axis, or a field, that stands in two parts: the second would undo the first."""
    axes: dict[str, int] = {}
    fields: dict[str, int] = {}
    faults = []
    for at, block in enumerate(blocks):
        for axis in block[0].labels:
            if axis in axes:
                faults.append(Fault((), f"the axis {shown(axis)} twice", "each axis once"))
            axes[axis] = at
        changed = {change.field: change.source for point in block for change in point.changes}
        for field, source in changed.items():
            if fields.get(field, at) != at:
                faults.append(Fault(source, f"{field} on two axes", "each field on one axis"))
            fields[field] = at
    count = 1
    for block in blocks:
        count *= len(block)
    if not blocks:
        faults.append(Fault((), "no axis", "one of grid, zip, list and sample"))
    if count > _MOST:
        faults.append(Fault((), f"{count:,} cases", f"at most {_MOST:,} cases a file", "leave values or axes out"))
    if faults:
        raise RefusedError(faults)
