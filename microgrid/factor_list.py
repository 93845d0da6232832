"""The catalogue of emission factors as people read it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator

from microgrid.errors import InputError, Problem
from microgrid.factors import FAMILIES, STATUS, Factor, catalogue, fuels
from microgrid.faults import did_you_mean


def factor_list(word: str | None = None, width: int | None = None) -> str:
    """Return the factors whose name, family or region holds a word, by family.

    Raises
    ------
    InputError
        If there is none.
    """
    width = width or min(shutil.get_terminal_size((100, 24)).columns, 160)
    found = [factor for factor in catalogue().values() if word is None or _holds(factor, word.casefold())]
    if not found:
        known = [*catalogue(), *FAMILIES]
        wanted = "part of the name, family or region of a factor"
        raise InputError([Problem("factors", str(word), wanted, did_you_mean(str(word), known))])
    lines: list[str] = []
    for family, meaning in FAMILIES.items():
        of_family = [factor for factor in found if factor.family == family]
        if of_family:
            lines += [*textwrap.wrap(f"{family}: {meaning}", width), *_table(of_family), ""]
    marks = _marks()
    for source in dict.fromkeys(factor.source for factor in found):
        lines += textwrap.wrap(f"{marks[source]} {source}", width, subsequent_indent="    ")
    lines += ["", *(f"{status}: {meaning}" for status, meaning in STATUS.items())]
    return "\n".join(lines)


def _holds(factor: Factor, word: str) -> bool:
    return any(word in text.casefold() for text in (factor.name, factor.family, factor.region))


def _marks() -> dict[str, str]:
    """Return a number for each source, whichever of them are shown."""
    sources = dict.fromkeys(factor.source for factor in catalogue().values())
    return {source: f"[{at}]" for at, source in enumerate(sources, 1)}


def _table(factors: list[Factor]) -> Iterator[str]:
    sources = _marks()
    space = max(len(factor.name) for factor in factors) + 2
    for factor in factors:
        told = f"{factor.value:.4f} {factor.unit}"
        valid = f"{factor.valid_from or '...'} to {factor.valid_to or '...'}"
        fuel = fuels().get(factor.name)
        per = f"  {fuel.per_measure:.0f} kgCO2/{fuel.measure}" if fuel is not None else ""
        yield f"  {factor.name.ljust(space)}{told.ljust(20)}{factor.status:<4}{valid:<26}{sources[factor.source]}{per}"
