"""Names that a tariff gives rise to: lines, peaks, states, options; none may stand for two things.

A bill, a ledger and a past know everything by name alone: a component that is called like a line made inside would be
added to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from microgrid.claims import BILLED_BY
from microgrid.faults import Fault, shown
from microgrid.names import unfit_name
from microgrid.tariffs.calendars import TimeOfUse
from microgrid.tariffs.components import AnyComponent, CoincidentCharge, DemandCharge

EXPORT = "export"
ADJUSTMENT = "power factor adjustment"
# What stands in place of an option's name where one is to be chosen.
CHOOSE = "choose"
CHEAPEST = "cheapest"
_LINES = {EXPORT: "what exported energy earns", ADJUSTMENT: "the adjustment by the power factor"}
_WORDS = {CHOOSE: "leaves the option to the engine", CHEAPEST: "asks for the cheapest option"}
# Keys that say of a price that it is no price by period.
_PRICE_KEYS = ("file", "column", "values", "form", "times", "plus")


def peaks_of(components: Mapping[str, AnyComponent]) -> dict[str, list[str]]:
    """Return by component what its peaks are called, in a past and in the states of a plan."""
    found: dict[str, list[str]] = {}
    for name, component in components.items():
        if isinstance(component, CoincidentCharge):
            found[name] = [f"{name} {event.name}" for event in component.events]
        elif isinstance(component, DemandCharge) and component.basis in ("measured", "contract"):
            by_period = component.price is not None and component.price.form == "periods"
            periods = component.price.numbers if by_period and component.price is not None else ()
            found[name] = [f"{name} {period}" for period in periods] or [name]
    return found


def unfit_names(components: Mapping[str, AnyComponent], options: Iterable[str]) -> Iterator[Fault]:
    """Give names that stand for something else already, or cannot stand in paths."""
    for name in components:
        unfit = unfit_name(name)
        if unfit is not None:
            yield Fault(("components", name), *unfit)
        elif name in _LINES:
            wanted = f"another name: {name} is the line of {_LINES[name]}"
            yield Fault(("components", name), f"a component named {name}", wanted, f'such as "{name} fee"')
    seen = {}
    for option in options:
        seen[f"{BILLED_BY}{option}"] = f"what tells of the option {option}"
        if option in _WORDS:
            wanted = f"another name: `{option}` in place of an option {_WORDS[option]}"
            yield Fault(("options", option), f"an option named {option}", wanted)
    for name, peaks in peaks_of(components).items():
        for peak in peaks:
            state = f"{peak} peak"
            if state in seen:
                found = f'"{state}", which is {seen[state]} too'
                yield Fault(("components", name), found, "names of which each tells one thing", "rename one of them")
            seen[state] = f"a peak of {name}"


def unfit_periods(clock: TimeOfUse | None) -> Iterator[Fault]:
    """Give periods by whose names no price could be told."""
    for at, days in enumerate(clock.days if clock is not None else ()):
        for period in days.hours:
            is_month = period.isdigit() or (period[:4].isdigit() and period[4:5] == "-")
            if is_month or period in _PRICE_KEYS:
                found = f"a period named {shown(period)}"
                wanted = "a word: prices by period could not be told from prices by month, or from a file"
                yield Fault(("time_of_use", "days", at, "hours", period), found, wanted)
