"""What differs from stage to stage and from year to year of a pathway: fields, their values, where these stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from microgrid.documents import Document
from microgrid.faults import Fault, marks_of, shown
from microgrid.finance_section import Finance
from microgrid.pathway_section import Pathway
from microgrid.planning.pathways.vintages import Span
from microgrid.reading import MONEY
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.year_tables import Planned, YearTable

SECTION = "pathway"
STUDIES = (SECTION, "reference", "uncertainty")
_CAPS = "objective.caps."
_SCALED = ("times", "plus")
Changed = tuple[str, Any, str]
"""A field, its value as plain data, and its place."""


def spans_of(path: Pathway, finance: Finance) -> list[Span]:
    """Return the stages in years from the path's begin; the last one ends with the project's life."""
    begins = [year - path.stages[0] for year in path.stages]
    return [Span(begin, until) for begin, until in zip(begins, [*begins[1:], finance.years], strict=True)]


def changed_in(
    document: Document, path: Pathway, number: int, finance: Finance, year: int | None = None
) -> list[Changed]:
    """Return what differs in a stage: in one of its calendar years, or in what all of it is planned with.

    Parameters
    ----------
    number
        Number of the stage.
    year
        One of its calendar years; None for what it is planned with.
    """
    found = [
        (field, each[number], document.place((SECTION, "fields", field, number))) for field, each in path.fields.items()
    ]
    span = spans_of(path, finance)[number]
    for field, table in path.by_year.items():
        where = (SECTION, "by_year", field, "values")
        if year is None:
            amount = planned_with(document, path, field, span, finance)
            found.append((field, table.written(amount), document.place(where)))
        else:
            found.append((field, table.told(year), document.place((*where, str(year)))))
    return found


def planned_with(document: Document, path: Pathway, field: str, span: Span, finance: Finance) -> float:
    """Return the number of a table that a stage is planned with.

    The mean of money is weighted by what money at the end of each year is worth, so that the cost of a plan that stays
    as it is, is that of its years, as long as it is linear in that number; all other means count each year alike.
    """
    table = path.by_year[field]
    years = calendar_years(path.stages[0], span)
    rate = finance.real_rate if is_money(document, field, table) else 0.0
    weights = [(1 + rate) ** -(after + 1) for after in range(round(span.begin), round(span.until))]
    default: Planned = "lowest" if field.startswith(_CAPS) else "mean"
    return table.planned(years, weights, default)


def calendar_years(first: int, span: Span) -> list[int]:
    """Return the calendar years of a stage, of a path that begins with `first`."""
    return [first + after for after in range(round(span.begin), round(span.until))]


def is_money(document: Document, field: str, table: YearTable) -> bool:
    """Tell whether a table is of money: by its unit, or as what scales a series of prices."""
    currency = document.data.get("currency")
    if isinstance(currency, str) and currency in table.unit:
        return True
    parts = field.split(".")
    if len(parts) != len(("assets", "name", "field", "times")) or parts[0] != "assets" or parts[-1] not in _SCALED:
        return False
    kind = ((document.data.get("assets") or {}).get(parts[1]) or {}).get("kind")
    known = technologies()
    mark = marks_of(known[kind]).get(parts[2]) if kind in known else None
    return MONEY in str(getattr(mark, "unit", ""))


def unfit_tables(path: Pathway, assets: Mapping[str, Technology], finance: Finance) -> Iterator[Fault]:
    """Give the tables that are of no use: of fields that cannot have them, or with years of which nothing is said."""
    first, last = path.stages[0], path.stages[0] + finance.years - 1
    for field, table in path.by_year.items():
        where = (SECTION, "by_year", field)
        unfit = _unfit(field, path, assets)
        if unfit is not None:
            yield Fault(where, *unfit)
            continue
        lacking = table.lacking(first, last)
        if lacking:
            wanted = f"every year of the project, {first} to {last}"
            cure = f"write a value for {lacking[0]}" if lacking[0] == first else f"write a value for {lacking[-1]}"
            if lacking[0] > first:
                cure += ", or between: steps, where the last one goes on"
            yield Fault((*where, "values"), f"nothing for {_range(lacking, table)}", wanted, cure)


def _unfit(field: str, path: Pathway, assets: Mapping[str, Technology]) -> tuple[str, str, str] | None:
    """Return why a field cannot have a table: what was found, what was wanted, the cure."""
    parts = field.split(".")
    if parts[0] not in ("assets", "objective"):
        wanted = "a field of assets or objective"
        return f"{parts[0]} by year", wanted, f"{parts[0]} holds for a stage, or for the whole path"
    asset = assets.get(parts[1]) if parts[0] == "assets" and len(parts) > 2 else None
    if asset is not None and parts[2] in asset.capacities():
        wanted = "what operation depends on: what is built, and its price, change where a stage begins"
        return "a capacity by year", wanted, f"give it by stage, in {SECTION}.fields"
    for other in (*path.fields, *path.by_year):
        if _holds(other, field) or _holds(field, other):
            return f"{field} beside {other}", "each field once", "by stage, or by year"
    if field in path.fields:
        return f"{shown(field)} by stage and by year", "each field once", f"leave it out of {SECTION}.fields"
    return None


def _holds(outer: str, inner: str) -> bool:
    """Tell whether a path leads through another one."""
    return inner.startswith(f"{outer}.")


def _range(years: Sequence[int], table: YearTable) -> str:
    """Return years at one end, or at both, as a text."""
    early = [year for year in years if year < table.years[0]]
    late = [year for year in years if year > table.years[-1]]
    parts = [f"{part[0]} to {part[-1]}" if len(part) > 1 else str(part[0]) for part in (early, late) if part]
    return " and ".join(parts)
