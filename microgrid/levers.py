"""Every number and every yes-or-no of a plant that could be another, by its path in the scenario.

A lever knows its field, its value in house units and what it may be, and makes the same plant with another value. So
whoever looks for the cause of something can try fields without knowing any technology.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ValidationError

from microgrid.accounts import COST_COLUMNS
from microgrid.capacity import Fixed, Sized
from microgrid.errors import InputError
from microgrid.factors import kilograms_of
from microgrid.faults import Keys, marks_of
from microgrid.fields import MONEY
from microgrid.plant import Plant
from microgrid.series import Series
from microgrid.technologies.base import Technology

Put = Callable[[Any], Plant]
_PHYSICS = (
    "efficiency", "consumption", "cop", "heat_share", "loss", "self_discharge", "quality", "temperature", "vintage",
)  # fmt: skip
# Green energy may be used within the longer period where the shorter one lets no plan be found.
_COARSER = {"hour": "month", "month": "year"}


@dataclass(frozen=True, eq=False)
class Lever:
    """A number that could be another.

    Parameters
    ----------
    keys
        Path from the scenario's root.
    value
        In the house unit; 1 for a series of several numbers, which is scaled as a whole.
    unit
        House unit, with ``CUR`` for money; empty for the factor of a series.
    low, high
        What the field may be at most, by itself.
    is_whole
        Whether only whole numbers fit.
    put
        Makes the plant with another value.
    step
        Of what size the steps are in which it counts, where it counts in steps; zero where it does not.
    measures
        House unit of the numbers that a factor scales.
    """

    keys: Keys
    value: float
    unit: str
    low: float
    high: float
    is_whole: bool
    put: Put
    step: float = 0.0
    measures: str = ""

    @property
    def asset(self) -> str:
        """The asset whose field it is, or an empty text."""
        return str(self.keys[1]) if self.keys[0] == "assets" else ""

    @property
    def is_series(self) -> bool:
        """Whether it scales a series."""
        return not self.unit

    @property
    def is_price(self) -> bool:
        """Whether it is an amount of money per something."""
        return MONEY in self.unit + self.measures and self.keys[:2] != ("objective", "caps")

    @property
    def is_physics(self) -> bool:
        """Whether it says what a machine is, rather than how large it is or how it may be run."""
        is_start = len(self.keys) > 3 and str(self.keys[-2]).endswith("_start")
        is_factor = "kgCO2" in self.unit + self.measures and self.keys[0] != "objective"
        return str(self.keys[-1]).endswith(_PHYSICS) or self.unit == "kWh/kg" or is_start or is_factor

    def at(self, value: float) -> Plant | None:
        """Return the plant with another value, or None if the field may not have it."""
        if not (self.low <= value <= self.high):
            return None
        try:
            return self.put(int(value) if self.is_whole else value)
        except (ValidationError, InputError):
            return None


class Switch(NamedTuple):
    """Something that could be otherwise: its path, what to write there, and the plant with it."""

    keys: Keys
    text: str
    put: Callable[[], Plant]


def levers(plant: Plant) -> Iterator[Lever]:
    """Give every number of the assets, and the caps."""
    for name, asset in plant.assets.items():
        yield from _levers(asset, ("assets", name), lambda new, name=name: _with_asset(plant, name, new))  # type: ignore[misc]
    for column, cap in plant.objective.caps.items():
        unit = MONEY if column in COST_COLUMNS else kilograms_of(cap)
        yield Lever(("objective", "caps", column), float(cap), unit, -math.inf, math.inf, False, _cap(plant, column))
    price = plant.objective.carbon_price
    yield Lever(
        ("objective", "carbon_price"),
        float(price),
        f"{MONEY}/{kilograms_of(price)}",
        -math.inf,
        math.inf,
        False,
        lambda value: replace(plant, objective=replace(plant.objective, carbon_price=value)),
    )


def switches(plant: Plant) -> Iterator[Switch]:
    """Give every yes-or-no the other way round, and what could be left out or be there besides."""
    for name, asset in plant.assets.items():
        yield from _switches(asset, ("assets", name), lambda new, name=name: _with_asset(plant, name, new))  # type: ignore[misc]
    for name, bus in plant.buses.items():
        if not bus.surplus:
            wasteful = {**plant.buses, name: replace(bus, surplus=True)}
            yield Switch(("buses", name, "surplus"), "true", lambda buses=wasteful: replace(plant, buses=buses))  # type: ignore[misc]

    for policy in plant.policies:
        if policy.mode == "enforce":
            others = tuple(replace(p, mode="check") if p is policy else p for p in plant.policies)
            keys = ("policies", policy.name, *(("mode",) if policy.answers else ()))
            yield Switch(keys, "check", lambda policies=others: replace(plant, policies=policies))  # type: ignore[misc]


def _with_asset(plant: Plant, name: str, asset: Technology) -> Plant:
    return replace(plant, assets={**plant.assets, name: asset})


def _cap(plant: Plant, column: str) -> Put:
    objective = plant.objective
    return lambda value: replace(plant, objective=replace(objective, caps={**objective.caps, column: value}))


def _with(model: BaseModel, **changes: Any) -> Any:
    """Return a validated copy of a model with other values."""
    return type(model)(**{name: getattr(model, name) for name in type(model).model_fields} | changes)


def _parts(model: BaseModel) -> Iterator[tuple[str, Any, Any]]:
    """Give name, value and mark of each field."""
    for name, mark in marks_of(type(model)).items():
        yield name, getattr(model, name), mark


def _levers(model: BaseModel, path: Keys, put: Callable[[Any], Plant]) -> Iterator[Lever]:
    for name, value, mark in _parts(model):
        keys = (*path, name)

        def put_here(new: Any, name: str = name) -> Plant:
            return put(_with(model, **{name: new}))

        if isinstance(value, Fixed | Sized):
            yield from _of_capacity(value, mark.unit, keys, put_here)
        elif isinstance(value, Series):
            yield from _of_series(value, mark, keys, put_here)
        elif isinstance(value, BaseModel):
            yield from _levers(value, keys, put_here)
        elif isinstance(value, Mapping):
            for part, (model_of_part, put_part) in _named_parts(value, put_here).items():
                yield from _levers(model_of_part, (*keys, part), put_part)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield Lever(keys, float(value), "1", 0.0, math.inf, True, put_here)
        elif isinstance(value, float) and hasattr(mark, "unit"):
            low = mark.low if mark.low is not None else (-math.inf if mark.above is None else mark.above)
            high = math.inf if mark.high is None else mark.high
            yield Lever(keys, value, mark.unit, low, high, False, put_here)


def _named_parts(value: Mapping[str, Any], put: Callable[[Any], Plant]) -> dict[str, tuple[BaseModel, Put]]:
    """Return the parts that stand in a field by name, such as contracts, and what makes the plant with another."""

    def put_part(name: str) -> Put:
        return lambda new: put({**value, name: new})

    return {name: (part, put_part(name)) for name, part in value.items() if isinstance(part, BaseModel)}


def _of_capacity(value: Fixed | Sized, unit: str, keys: Keys, put: Callable[[Any], Plant]) -> Iterator[Lever]:
    names = ("amount",) if isinstance(value, Fixed) else ("low", "high")
    for name in names:
        here = keys if name == "amount" else (*keys, name)

        def put_amount(new: float, name: str = name) -> Plant:
            return put(_with(value, **{name: new}))

        step = 0.0 if isinstance(value, Fixed) else value.unit_size or 0.0
        yield Lever(here, float(getattr(value, name)), unit, 0.0, math.inf, False, put_amount, step)


def _of_series(value: Series, mark: Any, keys: Keys, put: Callable[[Any], Plant]) -> Iterator[Lever]:
    low = -math.inf if mark.low is None else mark.low
    high = math.inf if mark.high is None else mark.high
    if value.values.ndim == 0:
        number, unit = float(value.values), value.unit or mark.unit
        yield Lever(keys, number, unit, low, high, False, lambda new: put(replace(value, values=np.asarray(new))))
    elif value.values.any():
        yield Lever(
            keys,
            1.0,
            "",
            0.0,
            math.inf,
            False,
            lambda factor: put(replace(value, values=value.values * factor)),
            measures=mark.unit,
        )  # fmt: skip


def _switches(model: BaseModel, path: Keys, put: Callable[[Any], Plant]) -> Iterator[Switch]:
    for name, value, mark in _parts(model):
        keys = (*path, name)

        def put_here(new: Any, name: str = name) -> Plant:
            return put(_with(model, **{name: new}))

        if isinstance(value, bool):
            yield Switch(keys, str(not value).lower(), lambda here=put_here, new=not value: here(new))  # type: ignore[misc]
        elif isinstance(value, BaseModel) and not isinstance(value, Fixed | Sized):
            yield from _switches(value, keys, put_here)
        elif isinstance(value, Mapping):
            for part, (model_of_part, put_part) in _named_parts(value, put_here).items():
                yield from _switches(model_of_part, (*keys, part), put_part)
        elif name == "matching" and value in _COARSER:
            coarser = _COARSER[value]
            yield Switch(keys, coarser, lambda here=put_here, new=coarser: here(new))  # type: ignore[misc]
        elif value is None and name == "export_price":
            free = Series(np.asarray(0.0))
            yield Switch(keys, f"0 {mark.unit}", lambda here=put_here, new=free: here(new))  # type: ignore[misc]
        elif value is not None and type(model).model_fields[name].default is None and not isinstance(value, Series):
            yield Switch(keys, "", lambda here=put_here: here(None))  # type: ignore[misc]
