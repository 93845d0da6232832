"""The check of a batch before anything is solved: enough of its cases are read for faults to show."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from microgrid.errors import InputError, Problem
from microgrid.families import Case
from microgrid.scenario import scenario_of
from microgrid.sweeps import number_of

_MANY = 50
_OF_MANY = 10
_SWEPT = 100


def check(cases: Sequence[Case]) -> None:
    """Read enough cases to tell faults before anything is solved.

    Raises
    ------
    InputError
        With every fault found.
    """
    problems, memory = list[Problem](), dict[str, Any]()
    for count, case in enumerate(to_check(cases), 1):
        try:
            scenario_of(case.document(), memory)
        except InputError as error:
            problems += error.problems
        if count % _SWEPT == 0:
            gc.collect(0)  # the command line looks for garbage seldom; what was read here would pile up until then
    if problems:
        raise InputError(dict.fromkeys(problems))


def to_check(cases: Sequence[Case]) -> list[Case]:
    """Return cases among which every value of every field stands, and every set of fields that change together.

    Of a field that takes many numbers in one unit, the least, the greatest and some between stand for the rest: what
    is refused is nearly always too small or too large, and a fault between is told when its case is solved.
    """
    values: dict[tuple[int, str], dict[str, Any]] = {}
    for case in cases:
        for field, value, _ in case.values:
            values.setdefault((id(case.family), field), {})[repr(value)] = value
    wanted = {field: _telling(found) for field, found in values.items()}
    seen, found = set[tuple[Any, ...]](), []
    for case in cases:
        told = set(_told(case, wanted))
        if told - seen:
            seen |= told
            found.append(case)
    return found


def _told(case: Case, wanted: Mapping[tuple[int, str], set[str]]) -> Iterable[tuple[Any, ...]]:
    """Give what can be learnt from a case: of its values, and of the fields that change in it."""
    family = id(case.family)
    yield family, tuple(field for field, _, _ in case.values)
    for field, value, _ in case.values:
        if repr(value) in wanted[family, field]:
            yield family, field, repr(value)


def _telling(values: Mapping[str, Any]) -> set[str]:
    """Return the values of a field that are looked at."""
    if len(values) <= _MANY:
        return set(values)
    numbers = {text: number_of(value) for text, value in values.items()}
    units = {None if number is None else number[1] for number in numbers.values()}
    if None in units or len(units) > 1:
        return set(values)
    by_size = {text: number[0] for text, number in numbers.items() if number is not None}
    if not all(math.isfinite(number) for number in by_size.values()):
        return set(values)
    ordered = sorted(by_size, key=by_size.__getitem__)
    return {ordered[round(at * (len(ordered) - 1) / (_OF_MANY - 1))] for at in range(_OF_MANY)}
