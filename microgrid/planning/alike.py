"""What several versions of one plant have in common, as they share what is built: its stages, or its futures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from microgrid.capacity import Sized
from microgrid.faults import Fault
from microgrid.model import Model
from microgrid.plant import Plant
from microgrid.technologies.base import Technology
from solvers import Horizon

Where = tuple[str, str]
"""A capacity: asset and field."""


def decided_in(assets: Mapping[str, Technology]) -> list[Where]:
    """Return the capacities that are decisions."""
    return [
        (name, key)
        for name, asset in assets.items()
        for key, capacity in asset.capacities().items()
        if isinstance(capacity, Sized)
    ]


def side_by_side(parts: Iterable[Model]) -> Horizon:
    """Return where in time the columns of several operations in one model stand.

    They run side by side: a stretch of time holds the same weeks of all of them, and their share of what is built.
    """
    operations = [part.operation for part in parts]
    return Horizon(tuple(each for op in operations for each in (op.steps, op.later, op.points)))


def unlike(plants: Mapping[str, Plant]) -> Iterator[Fault]:
    """Give what keeps plants, by name, from sharing what is built, and goals that are not money alone."""
    first = next(iter(plants.values()))
    if first.objective.goals != ("cost",):
        cure = "let objective.caps hold emissions down"
        yield Fault(("objective", "minimise"), ", ".join(first.objective.goals), "cost alone", cure)
    yield from otherwise_decided(plants)
    if not decided_in(first.assets):
        cure = "such as {low: 0 kW, high: 2 MW, capex: ...}: `microgrid describe capacity`"
        yield Fault(("assets",), "capacities that are all given", "at least one to be decided", cure)


def otherwise_decided(plants: Mapping[str, Plant]) -> Iterator[Fault]:
    """Give the capacities that are decided in one plant and not in the next, or come in other modules."""
    for earlier, later in pairwise(plants.items()):
        yield from _otherwise_decided(earlier, later)


def _otherwise_decided(earlier: tuple[str, Plant], later: tuple[str, Plant]) -> Iterator[Fault]:
    """Give the capacities that are decided in one and not in the other, or come in other modules."""
    for name, asset in earlier[1].assets.items():
        others = later[1].assets[name].capacities()
        for key, capacity in asset.capacities().items():
            other = others.get(key)
            if isinstance(capacity, Sized) != isinstance(other, Sized):
                found = f"{_kind(capacity)} in {earlier[0]}, {_kind(other)} in {later[0]}"
                yield Fault(("assets", name, key), found, "a capacity that is decided in all of them, or in none")
            elif isinstance(capacity, Sized) and capacity.unit_size != getattr(other, "unit_size", None):
                yield Fault(("assets", name, key, "unit_size"), "modules of several sizes", "one size in all of them")


def _kind(capacity: object) -> str:
    if capacity is None:
        return "none"
    return "decided" if isinstance(capacity, Sized) else "given"
