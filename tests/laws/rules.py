"""What each field of a model measures, read off its unit; and models with those fields multiplied.

The laws scale plants: all money, all sizes, all durations. `scaled` walks the fields of a model and multiplies each by
what its unit says. It knows no technology. A field whose unit or type it does not know is an `UnruledFieldError`, so
that a new field cannot slip past the laws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from microgrid.capacity import Fixed, Replaced, Sized
from microgrid.fields import Along, CapacityIn, Quantity
from microgrid.series import Series
from microgrid.tariffs.files import TariffIn
from microgrid.tariffs.past import AmountsIn
from microgrid.technologies.base import Bus

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C", Fixed, Sized, Replaced)


class UnruledFieldError(AssertionError):
    """A field of which nobody has said how it scales."""


@dataclass(frozen=True)
class Factors:
    """By how much to multiply what is extensive, what is money, and what is time."""

    size: float = 1.0
    money: float = 1.0
    time: float = 1.0


# Exponents of (size, money, time) by unit: what to multiply a field by, so that a plant of `size` times the extent,
# with `money` times the prices, on steps `time` times as long, does the same and pays size * money * time as much.
UNITS: dict[str, tuple[int, int, int]] = {
    "1": (0, 0, 0),
    "kW": (1, 0, 0),
    "kg/h": (1, 0, 0),
    "kWh": (1, 0, 1),
    "kg": (1, 0, 1),
    "h": (0, 0, 1),
    "1/h": (0, 0, -1),
    "CUR": (1, 1, 1),
    "CUR/h": (1, 1, 0),
    "CUR/kWh": (0, 1, 0),
    "CUR/kg": (0, 1, 0),
    "CUR/kW/month": (0, 1, 0),
    "kVA": (1, 0, 0),
    "CUR/kgCO2e": (0, 1, 0),
    "kWh/kg": (0, 0, 0),
    "kgCO2e/kWh": (0, 0, 0),
    "kgCO2e/kg": (0, 0, 0),
    "kgCO2/kWh": (0, 0, 0),
    "kgCO2/kg": (0, 0, 0),
    "degC": (0, 0, 0),
}

# Plain numbers, of which the unit says nothing: cycle lives and exponents are ratios.
PLAIN = {("Wear", "cycle_life"), ("Wear", "exponent")}
PLAIN_KINDS = {bool, str, int, datetime}

# Fields of a capacity: exponents of (size, money), and how the unit's own exponent of time counts. Investment is paid
# by the year, so a longer horizon brings its share by itself, and a stock that grows with the steps must not pay twice.
CAPACITY: dict[str, tuple[int, int, int]] = {
    "amount": (1, 0, 1),
    "low": (1, 0, 1),
    "high": (1, 0, 1),
    "unit_size": (1, 0, 1),
    "capex": (0, 1, -1),
    "opex": (0, 1, -1),
    "build_cost": (1, 1, 0),
    "lifetime": (0, 0, 0),
    "interest": (0, 0, 0),
    "optional": (0, 0, 0),
    "remaining_life": (0, 0, 0),
    "degradation": (0, 0, 0),
    "grant": (0, 0, 0),
    "roof": (-1, 0, -1),
    "land": (-1, 0, -1),
    "cost": (0, 1, -1),
    "renews": (0, 0, 0),
}


def scaled(model: M, by: Factors) -> M:
    """Return a model with every field multiplied by what its unit says."""
    fields = type(model).model_fields
    return type(model)(**{name: _scaled(model, name, info, by) for name, info in fields.items()})


def rules(cls: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Return how each field of a class and of the classes inside it is ruled, for the test that none is forgotten."""
    for name, info in cls.model_fields.items():
        ruled = rule(cls, name, info)
        yield f"{cls.__name__}.{name}", ruled
        for nested in nested_models(info.annotation) if ruled == "nested" else ():
            yield from rules(nested)


def rule(cls: type[BaseModel], name: str, info: FieldInfo) -> str:
    """Return how a field is ruled: ``quantity``, ``series``, ``capacity``, ``nested`` or ``stays``.

    Raises
    ------
    UnruledFieldError
        If nothing is said of it.
    """
    marks = list(marks_of(info))
    for mark in marks:
        if isinstance(mark, CapacityIn):
            exponents(mark.unit)
            return "capacity"
        if isinstance(mark, Quantity | Along):
            if {exponents(unit) for unit in mark.other_units} - {exponents(mark.unit)}:
                raise UnruledFieldError(f"{cls.__name__}.{name}: {mark.unit} and {mark.other_units} scale differently")
            return "quantity" if isinstance(mark, Quantity) else "series"
    if any(isinstance(mark, TariffIn | AmountsIn) for mark in marks):
        return "stays"  # the cases have none: a tariff keeps laws of its own, in tests/tariffs
    if nested_models(info.annotation):
        return "nested"
    kinds = set(_leaves(info.annotation)) - {NoneType}
    if (cls.__name__, name) in PLAIN or any(isinstance(mark, Bus) for mark in marks) or kinds <= PLAIN_KINDS:
        return "stays"
    raise UnruledFieldError(f"{cls.__name__}.{name} of type {info.annotation}: give it a unit, or a rule in {__name__}")


def exponents(unit: str) -> tuple[int, int, int]:
    """Return the exponents of size, money and time of a unit."""
    if unit not in UNITS:
        raise UnruledFieldError(f"the unit {unit}: say in {__name__} how it scales")
    return UNITS[unit]


def marks_of(info: FieldInfo) -> Iterator[Any]:
    """Return the marks of a field: its own, and those of the parts of its type."""
    yield from info.metadata
    for part in get_args(info.annotation):
        yield from getattr(part, "__metadata__", ())


def nested_models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models in a type such as ``Wear | None`` or ``tuple[LoadPoint, ...]``; capacities are not meant."""
    found = [leaf for leaf in _leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
    return [leaf for leaf in found if not issubclass(leaf, Fixed | Sized)]


def _leaves(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Literal:
        yield from (type(value) for value in get_args(annotation))
    elif origin is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif origin is dict:
        yield from _leaves(get_args(annotation)[1])
    elif origin in (Union, UnionType, tuple):
        for part in get_args(annotation):
            if part is not Ellipsis:
                yield from _leaves(part)
    else:
        yield annotation


def _scaled(model: BaseModel, name: str, info: FieldInfo, by: Factors) -> Any:
    value, ruled = getattr(model, name), rule(type(model), name, info)
    if value is None or ruled == "stays":
        return value
    if ruled == "nested":
        if isinstance(value, dict):
            return {key: scaled(part, by) for key, part in value.items()}
        return tuple(scaled(part, by) for part in value) if isinstance(value, tuple) else scaled(value, by)
    mark = next(mark for mark in marks_of(info) if isinstance(mark, Quantity | Along | CapacityIn))
    size, money, time = exponents(mark.unit)
    if ruled == "capacity":
        return scaled_capacity(value, time, by)
    if mark.unit == "1/h" and getattr(mark, "high", None) == 1.0:
        # A share lost per hour compounds: what is kept over a step stays the same.
        return 1.0 - (1.0 - value) ** (1.0 / by.time)
    factor = by.size**size * by.money**money * by.time**time
    return Series(value.values * factor, value.unit) if isinstance(value, Series) else value * factor


def scaled_capacity(capacity: C, time: int, by: Factors) -> C:
    """Return a capacity with its amounts and prices multiplied; `time` is the exponent of its unit."""
    values: dict[str, Any] = {}
    for name in type(capacity).model_fields:
        value = getattr(capacity, name)
        if name == "parts":
            values[name] = {part: scaled_capacity(new, time, by) for part, new in value.items()}
            continue
        if name not in CAPACITY:
            raise UnruledFieldError(f"{type(capacity).__name__}.{name}: say in {__name__} how it scales")
        on_size, on_money, on_time = CAPACITY[name]
        factor = by.size**on_size * by.money**on_money * by.time ** (on_time * time)
        stays = value is None or isinstance(value, bool)
        values[name] = value if stays else value * factor
    return type(capacity)(**values)


def has(model: BaseModel, path: str) -> bool:
    """Tell whether a path such as ``commitment.ramp_up`` leads to a field."""
    head, _, rest = path.partition(".")
    if head not in type(model).model_fields:
        return False
    value = getattr(model, head)
    return not rest or (isinstance(value, BaseModel) and has(value, rest))


def get(model: BaseModel, path: str) -> Any:
    """Return the value at a path."""
    head, _, rest = path.partition(".")
    value = getattr(model, head)
    return get(value, rest) if rest else value


def put(model: M, changes: dict[str, Any]) -> M:
    """Return a model with other values at some paths, validated as a whole."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    inner: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        head, _, rest = path.partition(".")
        if rest:
            inner.setdefault(head, {})[rest] = value
        else:
            values[head] = value
    for head, below in inner.items():
        values[head] = put(values[head], below)
    return type(model)(**values)
