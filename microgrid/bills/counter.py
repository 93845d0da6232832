"""From a tariff's name and a meter file to a bill: what `microgrid bill` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from microgrid.bills.calculator import Bill, bill
from microgrid.bills.carried import carried
from microgrid.bills.given import given_facts, refuse_unknown_names, refuse_unknown_zone
from microgrid.bills.meters import read_meter
from microgrid.bills.readings import Facts, Readings
from microgrid.errors import InputError, Problem
from microgrid.tariffs.files import ENDINGS, located, tariff_with
from microgrid.tariffs.fitting import misfits
from microgrid.tariffs.lines import CHEAPEST
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from microgrid.yaml_files import parse_yaml


@dataclass(frozen=True)
class Request:
    """What is asked of the counter: a tariff and readings, and the facts that neither tells.

    Parameters
    ----------
    tariff, load
        Name of the catalogue or file; the meter file.
    option
        Billing option; ``cheapest`` for the one that costs least. By default the tariff's own, or the cheapest.
    given
        By name: `capacity` and `contract` in kW, `transformer` in kVA; `zone`, the time zone where the tariff has none;
        `column`, the name of the column of imports; `past`, a file of what was measured before, as a scenario's `past`.
    overrides
        Values of the tariff by path, such as ``{"components.market.price": "0.4 CNY/kWh"}``.
    """

    tariff: str
    load: Path
    option: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Answer:
    """A bill, with the tariff, the option that holds, totals by option, and what the next bill inherits."""

    bill: Bill
    tariff: Tariff
    option: str
    totals: Mapping[str, float]
    carried: Past
    readings: Readings


def answer(request: Request) -> Answer:
    """Return the bill that is asked for.

    Raises
    ------
    InputError
        With every fault of the tariff, the meter file or the request.
    """
    refuse_unknown_names(request.given)
    changes = dict(_changes(request.overrides))
    first = _tariff(request, changes, None)
    zone = request.given.get("zone") or first.time_zone
    if not zone:
        raise InputError(
            [Problem("zone", "missing", "the time zone of the bill", "such as --given zone=Asia/Shanghai")]
        )
    refuse_unknown_zone(zone)
    file = read_meter(request.load, zone, request.given.get("column", ""))
    readings = file.readings
    tariff = _tariff(request, changes, file.timeline)
    problems = list(misfits(tariff, file.timeline))
    if problems:
        raise InputError(located(problems, _asked(request, changes)))
    facts = given_facts(request.given, tariff, readings)
    bills = _by_option(tariff, readings, facts, request.option or tariff.default_option)
    wanted = request.option or tariff.default_option
    option = wanted if wanted and wanted != CHEAPEST else min(bills, key=lambda name: bills[name].total)
    found = bills[option]
    found = Bill(found.items, (*file.unread, *found.warnings))
    totals = {name: each.total for name, each in bills.items()} if tariff.options else {}
    return Answer(found, tariff, option, totals, carried(tariff, readings, facts.past), readings)


def _tariff(request: Request, changes: Mapping[str, Any], timeline: Any) -> Tariff:
    return tariff_with(_asked(request, changes), timeline)


def _asked(request: Request, changes: Mapping[str, Any]) -> Any:
    """Return the tariff that is asked for as a scenario would write it."""
    base = "file" if request.tariff.endswith(ENDINGS) else "use"
    return {base: request.tariff, **changes} if changes else request.tariff


def _changes(overrides: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Give overrides by path as nested data, by their first key."""
    nested: dict[str, Any] = {}
    for path, text in overrides.items():
        *parents, last = path.split(".")
        inner = nested
        for key in parents:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise InputError([Problem("--set", path, "paths that do not cross each other")])
        inner[last] = parse_yaml(text, "--set", has_lines=False).data
    yield from nested.items()


def _by_option(tariff: Tariff, readings: Readings, facts: Facts, wanted: str) -> dict[str, Bill]:
    """Return the bill under each option whose facts are known; the one that is wanted must be among them."""
    if not tariff.options:
        return {"": bill(tariff, readings, facts)}
    bills, lacking = {}, []
    for option in tariff.options:
        try:
            bills[option] = bill(tariff, readings, replace(facts, option=option))
        except InputError as error:
            lacking += list(error.problems)
            if option == wanted:
                raise
    if wanted and wanted != CHEAPEST and wanted not in bills:
        bill(tariff, readings, replace(facts, option=wanted))
    if not bills:
        raise InputError(list(dict.fromkeys(lacking)))
    return bills
