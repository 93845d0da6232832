"""What keeps carbon dioxide and all greenhouse gases apart: in totals, and in caps and prices of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from microgrid.accounts import Accounting
from microgrid.errors import Problem
from microgrid.factor_checks import Used, factors_used
from microgrid.factors import counted_gas

# What a column adds up, by the columns that factors stand in; by market, a factor by location stands in for none told.
_ADDS = {
    "scope_1": ("scope_1",), "scope_2_location": ("scope_2_location",), "scope_3": ("scope_3",),
    "scope_2_market": ("scope_2_market", "scope_2_location"), "exported": ("exported", "scope_2_location"),
    "biogenic": ("biogenic",),
}  # fmt: skip
_ALL_GASES = "accounting: {gases: CO2e} lets factors of CO2 alone into totals of all gases, and tells so"


def gas_problems(
    assets: Mapping[str, BaseModel],
    scopes: tuple[int, ...],
    accounting: Accounting,
    told: Mapping[str, tuple[str, float]],
) -> Iterator[Problem]:
    """Give what would add, cap or price one kind of gas as another.

    Parameters
    ----------
    scopes
        What the column ``emissions`` counts.
    told
        Caps and prices by the path of their field: the column that each is about, and its number.
    """
    used = [each for each in factors_used(assets) if each.values.gas]
    yield from _mixed(used, set(scopes), accounting)
    for where, (column, number) in told.items():
        asked = counted_gas(number)
        counted, by = _counted(column, used, scopes, accounting)
        if asked and counted and asked != counted:
            per = "per " if "price" in where else ""
            cure = _ALL_GASES if asked == "CO2e" else ""
            yield Problem(where, f"{per}kg{asked}", f"{per}kg{counted}, which {column} counts by {by}", cure)


def _mixed(used: list[Used], scopes: set[int], accounting: Accounting) -> Iterator[Problem]:
    """Refuse carbon dioxide alone and all greenhouse gases in one total, where nobody said that they may be."""
    if accounting.gases == "CO2e":
        return
    summed = [each for each in used if _is_summed(each.column, scopes)]
    wanted_gas = accounting.gases or (summed[0].values.gas if summed else "")
    for each in summed:
        if each.values.gas != wanted_gas:
            by = "accounting.gases" if accounting.gases else summed[0].where
            yield Problem(
                each.where,
                f"kg{each.values.gas}",
                f"kg{wanted_gas}, as {by} says: one total, one kind of gas",
                _ALL_GASES,
            )


def _is_summed(column: str, scopes: set[int]) -> bool:
    """Tell whether a column is added to others: scopes 1 and 2 always, scope 3 where the objective counts it."""
    return bool(column) and column != "biogenic" and (column != "scope_3" or 3 in scopes)


def _counted(column: str, used: list[Used], scopes: tuple[int, ...], accounting: Accounting) -> tuple[str, str]:
    """Return what a column counts and the field that says so; nothing where the caller vouches for its factors."""
    if accounting.gases == "CO2e":
        return "CO2e", "accounting.gases"
    parts = set(_ADDS.get(column, ()))
    if column.startswith("emissions"):
        counts = tuple(f"scope_{scope}" for scope in (scopes if column == "emissions" else (1, 2)))
        parts = {part for name, added in _ADDS.items() if name.startswith(counts) for part in added}
    lines = [each for each in used if each.column in parts]
    widest = next((each for each in lines if each.values.gas == "CO2e"), lines[0] if lines else None)
    return ("", "") if widest is None else (widest.values.gas, widest.where)
