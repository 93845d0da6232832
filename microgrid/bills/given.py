"""What neither a tariff nor a meter file tells, as `microgrid bill` is given it: sizes, zone, column, past."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from microgrid.bills.readings import Facts, Readings
from microgrid.errors import InputError, Problem
from microgrid.faults import Fault, did_you_mean, faults_of, shown, shown_path
from microgrid.reading import Reading
from microgrid.tariffs.inherited import misplaced, unknown_past
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from microgrid.units import UnitError, quantity
from microgrid.yaml_files import Tree, read_yaml

_SIZES = ("capacity", "transformer", "contract")
_GIVEN = (*_SIZES, "zone", "column", "past")


def refuse_unknown_names(given: Mapping[str, str]) -> None:
    """Refuse what nobody asks for."""
    for name in given:
        if name not in _GIVEN:
            wanted = f"one of {', '.join(_GIVEN)}"
            raise InputError([Problem("--given", name, wanted, did_you_mean(name, _GIVEN))])


def refuse_unknown_zone(zone: str) -> None:
    """Refuse a time zone that there is not."""
    from zoneinfo import available_timezones

    if zone not in available_timezones():
        raise InputError([Problem("zone", shown(zone), "an IANA time zone such as Asia/Shanghai")])


def given_facts(given: Mapping[str, str], tariff: Tariff, readings: Readings) -> Facts:
    """Return sizes and past as they are given, held against the tariff and the readings.

    Raises
    ------
    InputError
        With what is wrong with a size, or with every fault of the past.
    """
    sizes = {name: _size(given, name, "kVA" if name == "transformer" else "kW") for name in _SIZES}
    return Facts("", past=_past(given.get("past"), tariff, readings), **sizes)


def _size(given: Mapping[str, str], name: str, unit: str) -> float | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        size = quantity(text, unit)
    except UnitError as error:
        raise InputError([Problem(f"--given {name}", error.found, error.wanted, error.cure)]) from error
    if size <= 0:
        raise InputError([Problem(f"--given {name}", shown(text), f"more than 0 {unit}")])
    return size


def _past(name: str | None, tariff: Tariff, readings: Readings) -> Past:
    if name is None:
        return Past()
    path = Path(name)
    tree = read_yaml(path)
    if tree.problems:
        raise InputError(tree.problems)
    try:
        past = Past.model_validate(tree.data or {}, context=Reading())
    except ValidationError as error:
        raise InputError([_placed(fault, tree, path) for fault in faults_of(error, Past, tree.data)]) from error
    faults = [*unknown_past(tariff, past), *misplaced(past, readings.times[0])]
    if faults:
        raise InputError([_placed(fault, tree, path) for fault in faults])
    return past


def _placed(fault: Fault | Problem, tree: Tree, path: Path) -> Problem:
    """Return a fault of a file with its line, or that of what it stands in."""
    if isinstance(fault, Problem):
        return fault
    keys = fault.path
    while keys and keys not in tree.places:
        keys = keys[:-1]
    place = fault.place or tree.places.get(keys, f"{shown_path(path)}:1")
    return Problem(".".join(["past", *map(str, fault.path)]), fault.found, fault.wanted, fault.cure, place)
