"""What keeps emission factors from being mixed: families, years and regions, over all assets of a plant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from pydantic import BaseModel

from microgrid.accounts import Accounting
from microgrid.errors import Problem
from microgrid.factor_fields import FactorAlong, FactorValues
from microgrid.factors import MIXES, Factor, catalogue, lies_in
from microgrid.faults import marks_of
from microgrid.series import Series
from microgrid.timeline import Timeline


class Used(NamedTuple):
    """A factor in use: the path of its field, the column that it counts in, what it is."""

    where: str
    column: str
    values: FactorValues

    @property
    def factor(self) -> Factor:
        """Its particulars."""
        return self.values.factor


def factors_used(assets: Mapping[str, BaseModel]) -> Iterator[Used]:
    """Give every emission factor of a plant's assets, those of nested parts included."""
    for name, asset in assets.items():
        yield from _used(asset, f"assets.{name}")


def _used(part: BaseModel, path: str) -> Iterator[Used]:
    for name, mark in marks_of(type(part)).items():
        value = getattr(part, name)
        if isinstance(value, FactorValues) and isinstance(mark, FactorAlong):
            yield Used(f"{path}.{name}", mark.column, value)
        elif isinstance(value, BaseModel):
            yield from _used(value, f"{path}.{name}")
        elif isinstance(value, tuple | list):
            for at, each in enumerate(value):
                if isinstance(each, BaseModel):
                    yield from _used(each, f"{path}.{name}.{at}")
        elif isinstance(value, Mapping):
            for key, each in value.items():
                if isinstance(each, BaseModel):
                    yield from _used(each, f"{path}.{name}.{key}")


def factor_told(used: Used) -> dict[str, Any]:
    """Return a factor in use as a manifest tells it: where it stands, what it counts, by whose word."""
    place = {"where": used.where, "column": used.column, "varies": used.values.values.ndim > 0}
    return place | asdict(used.factor) | {"source": used.factor.source or used.values.origin}


def footprint_told(asset: str, values: Series) -> dict[str, Any]:
    """Return a source's life-cycle factor as a manifest tells it, with its numbers where they change with the step."""
    assert isinstance(values, FactorValues)
    told = factor_told(Used(f"footprint.factors.{asset}", "", values))
    return told | ({"values": values.values.tolist()} if values.values.ndim else {})


def factor_problems(assets: Mapping[str, BaseModel], timeline: Timeline, accounting: Accounting) -> Iterator[Problem]:
    """Give what would make a column of the carbon ledger a sum of things that do not add up."""
    used = list(factors_used(assets))
    yield from _mixed_families(used)
    for each in used:
        yield from _out_of_place(each, timeline, accounting)


def _mixed_families(used: list[Used]) -> Iterator[Problem]:
    """Refuse two answers to the question what a kWh out of the grid emits in one column."""
    first: dict[str, Used] = {}
    for each in used:
        if each.factor.family in MIXES and each.column:
            begun = first.setdefault(each.column, each)
            if each.factor.family != begun.factor.family:
                wanted = f"the family {begun.factor.family} of {begun.where}: one column, one family"
                cure = f"{{factor: ..., family: {begun.factor.family}}} tells the family of a number"
                found = f"{_named(each.factor)}, of the family {each.factor.family}"
                yield Problem(each.where, found, wanted, "" if each.factor.name else cure)


def _out_of_place(each: Used, timeline: Timeline, accounting: Accounting) -> Iterator[Problem]:
    """Refuse a factor of another year or region than the account's; without one, out of its validity."""
    yield from _of_another_region(each, accounting)
    factor, found = each.factor, _named(each.factor)
    if factor.year is not None and accounting.year is not None and factor.year != accounting.year:
        wanted = f"one of {accounting.year}, as accounting.year says"
        yield Problem(each.where, f"{found}, of {factor.year}", wanted, _other(factor, accounting))
    if accounting.year is None and factor.year is not None:
        first, last = str(timeline.index[0].date()), str(timeline.index[-1].date())
        if (factor.valid_from and first < factor.valid_from) or (factor.valid_to and last > factor.valid_to):
            span = f"{factor.valid_from} to {factor.valid_to or 'now'}"
            wanted = f"a factor that is valid from {first} to {last}; this one is from {span}"
            yield Problem(each.where, found, wanted, f"accounting: {{year: {factor.year}}} uses it all the same")


def _of_another_region(each: Used, accounting: Accounting) -> Iterator[Problem]:
    factor = each.factor
    if accounting.region and factor.region and not lies_in(accounting.region, factor.region):
        wanted = f"one for {accounting.region}, or a region around it, as accounting.region says"
        yield Problem(each.where, f"{_named(factor)}, for {factor.region}", wanted, _other(factor, accounting))


def footprint_problems(factors: Mapping[str, Series], accounting: Accounting) -> Iterator[Problem]:
    """Refuse life-cycle factors of another region than the account's; one of another year is told, for it may serve.

    A footprint asks for data as near in time as can be had (ISO 14067), and factors come out years later.
    """
    for asset, values in factors.items():
        if isinstance(values, FactorValues):
            yield from _of_another_region(Used(f"footprint.factors.{asset}", "", values), accounting)


def _named(factor: Factor) -> str:
    return factor.name or "a factor of the file"


def _other(factor: Factor, accounting: Accounting) -> str:
    """Name a factor of the same family in the account's year and region, if the catalogue has one."""
    fitting = [
        other.name
        for other in catalogue().values()
        if other.family == factor.family
        and (accounting.year is None or other.year in (None, accounting.year))
        and (lies_in(accounting.region, other.region) if accounting.region else other.region == factor.region)
    ]
    return f"the catalogue has {fitting[-1]}" if fitting and factor.name else ""
