"""What `microgrid tariffs` shows: the catalogue, and one tariff line by line with source and status."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from microgrid.errors import InputError, Problem
from microgrid.faults import did_you_mean
from microgrid.tariffs.components import CapacityFee, CoincidentCharge, DemandCharge, EnergyCharge, FixedFee
from microgrid.tariffs.files import catalogue, read_tariff
from microgrid.tariffs.hours import clock
from microgrid.tariffs.prices import Price
from microgrid.tariffs.tariff import Tariff

_WIDEST = 120


def listing() -> str:
    """Return every tariff of the catalogue: name, validity, status, title."""
    lines = ["Tariffs of the catalogue", ""]
    for name in catalogue():
        tariff = read_tariff(name)
        lines += [
            f"  {name}",
            f"      {tariff.title}",
            f"      {_valid(tariff)}; {tariff.currency}; {_statuses(tariff)}",
        ]
    return "\n".join([*lines, "", "`microgrid tariffs NAME` shows all of one; `microgrid describe tariff` its fields."])


def _statuses(tariff: Tariff) -> str:
    unsure = [name for name, component in tariff.components.items() if component.status == "unverified"]
    return f"{len(unsure)} of {len(tariff.components)} lines unverified"


def _valid(part: Any) -> str:
    begins, ends = part.valid_from, part.valid_to
    if begins is None and ends is None:
        return "no dates of validity"
    return f"valid {f'from {begins}' if begins else ''}{' ' if begins and ends else ''}{f'to {ends}' if ends else ''}"


def shown_tariff(name: str) -> str:
    """Return one tariff of the catalogue in full.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    known = catalogue()
    if name not in known:
        wanted = f"one of {', '.join(known)}"
        raise InputError([Problem("tariffs", name, wanted, did_you_mean(name, known))])
    tariff, width = read_tariff(name), min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    return "\n".join(line for text in _lines(tariff) for line in _wrapped(text, width))


def _wrapped(text: str, width: int) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(text, width, subsequent_indent=indent) or [""]


def _lines(tariff: Tariff) -> Iterator[str]:
    yield tariff.title
    yield f"{_valid(tariff)}; {tariff.voltage or 'any voltage'}; {tariff.currency}; status {tariff.status}"
    yield f"source: {tariff.source}"
    yield tariff.description
    for option, told in tariff.options.items():
        yield f"  option {option}: {told}"
    for days in tariff.time_of_use.days if tariff.time_of_use is not None else ():
        hours: dict[str, list[str]] = {}
        for stretch in days.clock:
            hours.setdefault(stretch.period, []).append(f"{clock(stretch.start)}-{clock(stretch.end)}")
        yield f"  {days.name}: " + "; ".join(f"{period} {', '.join(found)}" for period, found in hours.items())
    if tariff.time_of_use is not None and tariff.time_of_use.multipliers:
        factors = tariff.time_of_use.multipliers
        yield "  multipliers: " + ", ".join(f"{period} {factor:g}" for period, factor in factors.items())
    for name, component in tariff.components.items():
        only = f" [{', '.join(component.options)}]" if component.options else ""
        dates = f"; {_valid(component)}" if component.valid_from or component.valid_to else ""
        yield f"  {name}{only}: {_told(component, tariff.currency)}{dates}; {component.status}: {component.source}"
        if component.note:
            yield f"      {component.note}"


def _told(component: Any, currency: str) -> str:
    if isinstance(component, EnergyCharge):
        price = _tiers(component, "kWh") if component.price is None else _price(component.price)
        return f"{price} {currency}/kWh{', floats' if component.floats else ''}"
    if isinstance(component, DemandCharge):
        price = _tiers(component, "kW") if component.price is None else _price(component.price)
        unit = "kVA" if component.basis == "transformer" else "kW"
        more = f", ratchet {component.ratchet.share:.0%}" if component.ratchet is not None else ""
        return f"{price} {currency}/{unit} and month, {component.basis} demand{more}"
    if isinstance(component, CoincidentCharge):
        return ", ".join(f"{event.name} {event.price:g} {currency}/kW" for event in component.events)
    if isinstance(component, CapacityFee):
        return f"{component.rate:g} {currency}/kW and month of capacity"
    assert isinstance(component, FixedFee)
    return f"{component.amount:g} {currency} a month"


def _tiers(component: Any, unit: str) -> str:
    ends = [f"up to {tier.up_to:g} {unit}" if tier.up_to is not None else "above" for tier in component.tiers]
    return ", ".join(f"{tier.price:g} {end}" for tier, end in zip(component.tiers, ends, strict=True))


def _price(price: Price) -> str:
    if price.series is not None:
        return "a series of"
    return ", ".join(f"{key} {number:g}".strip() for key, number in price.numbers.items())
