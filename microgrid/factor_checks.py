"""What keeps emission factors from being mixed: families, gases, years and regions, over all assets of a plant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def factor_told(used: Used) -> dict[str, Any]:
    """Return a factor in use as a manifest tells it: where it stands, what it counts, by whose word."""
    factor = used.factor
    return {
        "where": used.where,
        "column": used.column,
        "name": factor.name,
        "family": factor.family,
        "value": factor.value,
        "varies": used.values.values.ndim > 0,
        "unit": factor.unit,
        "region": factor.region,
        "year": factor.year,
        "source": factor.source or used.values.origin,
        "status": factor.status,
        "valid_from": factor.valid_from,
        "valid_to": factor.valid_to,
    }


def footprint_told(asset: str, values: Series) -> dict[str, Any]:
    """Return a source's life-cycle factor as a manifest tells it, with its numbers where they change with the step."""
    assert isinstance(values, FactorValues)
    told = factor_told(Used(f"footprint.factors.{asset}", "", values))
    return told | ({"values": values.values.tolist()} if values.values.ndim else {})


def factor_problems(
    assets: Mapping[str, BaseModel], timeline: Timeline, scopes: Iterable[int], accounting: Accounting
) -> Iterator[Problem]:
    """Give what would make a column of the carbon ledger a sum of things that do not add up."""
    used = list(factors_used(assets))
    yield from _mixed_families(used)
    yield from _mixed_gases(used, set(scopes), accounting)
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


def _mixed_gases(used: list[Used], scopes: set[int], accounting: Accounting) -> Iterator[Problem]:
    """Refuse carbon dioxide alone and all greenhouse gases in one total, where nobody said that they may be."""
    if accounting.gases == "CO2e":
        return
    summed = [each for each in used if each.values.gas and _is_summed(each.column, scopes)]
    wanted_gas = accounting.gases or (summed[0].values.gas if summed else "")
    for each in summed:
        if each.values.gas != wanted_gas:
            by = "accounting.gases" if accounting.gases else summed[0].where
            yield Problem(
                each.where,
                f"kg{each.values.gas}",
                f"kg{wanted_gas}, as {by} says: one total, one kind of gas",
                "accounting: {gases: CO2e} lets factors of CO2 alone into totals of all gases, and tells so",
            )


def _is_summed(column: str, scopes: set[int]) -> bool:
    """Tell whether a column is added to others: scopes 1 and 2 always, scope 3 where the objective counts it."""
    return bool(column) and column != "biogenic" and (column != "scope_3" or 3 in scopes)


def _out_of_place(each: Used, timeline: Timeline, accounting: Accounting) -> Iterator[Problem]:
    """Refuse a factor of another year or region than the account's; without one, out of its validity."""
    factor = each.factor
    found = _named(factor)
    if accounting.region and factor.region and not lies_in(accounting.region, factor.region):
        wanted = f"one for {accounting.region}, or a region around it, as accounting.region says"
        yield Problem(each.where, f"{found}, for {factor.region}", wanted, _other(factor, accounting))
    if factor.year is not None and accounting.year is not None and factor.year != accounting.year:
        wanted = f"one of {accounting.year}, as accounting.year says"
        yield Problem(each.where, f"{found}, of {factor.year}", wanted, _other(factor, accounting))
    if accounting.year is None and factor.year is not None:
        first, last = str(timeline.index[0].date()), str(timeline.index[-1].date())
        if (factor.valid_from and first < factor.valid_from) or (factor.valid_to and last > factor.valid_to):
            span = f"{factor.valid_from} to {factor.valid_to or 'now'}"
            wanted = f"a factor that is valid from {first} to {last}; this one is from {span}"
            yield Problem(each.where, found, wanted, f"accounting: {{year: {factor.year}}} uses it all the same")


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
