"""The contract of a technology: a frozen data object that answers, and does not reach out.

`build` writes variables and rows on the technology's own Pyomo block and returns a Contribution; `claims` states the
same physics as plain data for the audit. Nothing in a technology knows another asset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pyomo.common.dependencies import DeferredImportCallbackFinder

from microgrid.capacity import Fixed, Size, Sized
from microgrid.claims import Claim, Role
from microgrid.errors import Problem
from microgrid.fields import CapacityIn
from microgrid.series import Series
from microgrid.timeline import Timeline

# Pyomo imports scipy.stats and pyplot as soon as anything imports scipy or matplotlib, only to have them at hand: up to
# a second of every run.
for _package in ("scipy", "matplotlib"):
    DeferredImportCallbackFinder._callbacks.pop(_package, None)

Rate = Callable[[Any], Any]
Scope = Literal[0, 1, 2, 3]
Part = Literal["", "fuel", "process", "captured", "purchased", "upstream", "exported", "biogenic"]
Basis = Literal["both", "location", "market"]
Category = Literal[
    "capital", "fixed", "energy", "revenue", "demand", "operation", "wear", "start", "unserved", "carbon", "stock"
]


@dataclass(frozen=True)
class Bus:
    """Marks a field that names a bus: which carriers it may have, and which way the asset moves them."""

    carriers: tuple[str, ...] = ()
    direction: Literal["in", "out", "both"] = "both"


class Flow(NamedTuple):
    """What an asset moves at one port: `rate(t)` in kW or kg/h, counted into the bus.

    `available(t)` is what it could have been, where sun or wind allow more than is taken.
    """

    port: str
    bus: str
    rate: Rate
    available: Rate | None = None


class Store(NamedTuple):
    """What a store of electricity does, so that the origin of what it holds can be kept apart.

    `level(p)` in kWh, `charge(t)` and `discharge(t)` in kW at the bus, with the shares that reach the store and the
    bus, and the share lost per hour.
    """

    level: Rate
    charge: Rate
    discharge: Rate
    into: float
    out_of: float
    loss: float


class Cost(NamedTuple):
    """One line of the money ledger: `amount(i)` for each `i` of `index`, or a single amount where index is None."""

    line: str
    category: Category
    amount: Rate
    index: Any = None


class Emission(NamedTuple):
    """One line of the carbon ledger: `amount(t)` for each step, in kg of its gas.

    Parameters
    ----------
    scope
        1 to 3; 0 for what is told apart and stands in no scope: energy exported, carbon dioxide of biomass.
    basis
        Whether it counts by location, by market or in both accounts.
    part
        Which part of an organisation's account it is (GB/T 32150: fuel, process, purchased, exported); if not given,
        the usual one of its scope.
    gas
        ``CO2`` or ``CO2e``; empty where the caller vouches for it.
    """

    line: str
    scope: Scope
    basis: Basis
    amount: Rate
    part: Part = ""
    gas: str = ""


class State(NamedTuple):
    """A variable worth reporting, and the field that inherits its last value in the next window.

    A stock is inherited as its share of the capacity named by `share_of`.
    """

    variable: Any
    on: Literal["steps", "points", "months"]
    inherits: str = ""
    share_of: str = ""


class Passing(NamedTuple):
    """What passing energy through the site does to an account, kg for each kWh, shape (n,).

    `put_on` is the least that a kWh imported can add, on any basis and under any contract; `taken_off` is what a kWh
    exported takes off, where the account's standard does so.
    """

    put_on: NDArray[np.float64]
    taken_off: NDArray[np.float64]


class Contribution(NamedTuple):
    """What the rest of the model must know of an asset."""

    flows: Sequence[Flow]
    costs: Sequence[Cost] = ()
    emissions: Sequence[Emission] = ()
    states: Mapping[str, State] = {}
    store: Store | None = None
    contracted: Mapping[str, Rate] = {}
    contract_factors: Mapping[str, NDArray[np.float64]] = {}
    certified: Sequence[Rate] = ()


@dataclass(frozen=True)
class Operation:
    """The block of one operation: its sets, its hours, and what an asset may know of its surroundings.

    Parameters
    ----------
    block
        Pyomo block that holds `steps`, `points`, `later` (all steps but the first), `hours`, `start` and `end`.
    timeline
        The horizon behind the sets.
    pressed
        Buses on which energy may be worth nothing or less, so that wasting it could pay: there, and only there,
        storages need a binary against charging and discharging at once.
    money_counts
        Whether money is part of the goal. Where it is not, a waste that only money forbids must be excluded.
    """

    block: Any
    timeline: Timeline
    pressed: frozenset[str] = frozenset()
    money_counts: bool = True

    @property
    def steps(self) -> Any:
        """The set of steps, 0 to n - 1."""
        return self.block.steps

    @property
    def later(self) -> Any:
        """The set of steps that have one before them."""
        return self.block.later

    @property
    def has_past(self) -> bool:
        """Whether the first step follows what was before the horizon; what was before a period is not known."""
        return self.timeline.periods is None

    @property
    def points(self) -> Any:
        """The set of points, 0 to n; of periods, those of one after those of the other."""
        return self.block.points

    @property
    def hours(self) -> Any:
        """Length of each step in hours."""
        return self.block.hours

    @property
    def start(self) -> Any:
        """The point at which a step starts."""
        return self.block.start

    @property
    def end(self) -> Any:
        """The point at which a step ends."""
        return self.block.end

    @property
    def last(self) -> int:
        """The last point."""
        return len(self.timeline)

    def __hash__(self) -> int:
        """Operations are told apart by identity."""
        return id(self)


def parameter(block: Any, index_set: Any, name: str, values: NDArray[Any]) -> Any:
    """Put an array along an index set on the block as a Param and return it."""
    param = pyo.Param(index_set, within=pyo.Any)
    block.add_component(name, param)
    # An initialiser is checked index by index, which takes longer than all else that a year's model needs: what
    # comes along the set itself needs no check. Whoever evaluates the model as arrays finds the array with it.
    param._data = _Along(index_set, values)
    param.array = values
    return param


class _Along(Mapping[Any, Any]):
    """An array as what a Param looks its values up in."""

    def __init__(self, index_set: Any, values: NDArray[Any]) -> None:
        keys = _range_of(index_set)
        self._index, self._values = list(index_set) if keys is None else keys, values
        if len(self._index) != len(values):
            raise ValueError(f"{len(values)} values for {len(self._index)} indices")

    def __getitem__(self, key: Any) -> Any:
        """Return a value as a plain number or text."""
        hash(
            key
        )  # a symbolic index has none: Pyomo knows by the TypeError, as of a dict, that it is not to be looked up
        try:
            value = self._values[self._index.index(key)]
        except ValueError:
            raise KeyError(key) from None
        return value.item() if isinstance(value, np.generic) else value

    def __iter__(self) -> Iterator[Any]:
        """Walk through the index."""
        return iter(self._index)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._index)


def _range_of(index_set: Any) -> range | None:
    """Return a set of whole numbers that follow one another as a range, or None."""
    ranges = list(index_set.ranges()) if isinstance(index_set, pyo.RangeSet) else []
    if len(ranges) == 1 and ranges[0].step == 1:
        return range(ranges[0].start, ranges[0].end + 1)
    return None


def make_operation(
    block: Any, timeline: Timeline, pressed: frozenset[str] = frozenset(), money_counts: bool = True
) -> Operation:
    """Put the sets and step lengths of `timeline` on a Pyomo block."""
    n = len(timeline)
    block.steps = pyo.RangeSet(0, n - 1)
    periods = timeline.periods
    block.later = pyo.RangeSet(1, n - 1) if periods is None else pyo.Set(initialize=timeline.later.tolist())
    block.points = pyo.RangeSet(0, n if periods is None else n + len(periods) - 1)
    parameter(block, block.steps, "hours", timeline.hours)
    parameter(block, block.steps, "weight", timeline.weights)
    parameter(block, block.steps, "start", timeline.starts)
    parameter(block, block.steps, "end", timeline.starts + 1)
    if periods is not None:
        block.periods = pyo.RangeSet(0, len(periods) - 1)
        block.stretches = pyo.RangeSet(0, len(periods.order) - 1)
        block.borders = pyo.RangeSet(0, len(periods.order))
        parameter(block, block.stretches, "period", periods.order)
    return Operation(block, timeline, pressed, money_counts)


@cache
def _bus_marks(kind: type[BaseModel]) -> Mapping[str, Bus]:
    """Return the fields of a technology that name a bus, with their marks."""
    marks = {name: [m for m in info.metadata if isinstance(m, Bus)] for name, info in kind.model_fields.items()}
    return {name: found[0] for name, found in marks.items() if found}


class Technology(BaseModel, ABC):
    """A thing that can stand on a site: validated data that knows how to write itself into a model."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        ser_json_inf_nan="strings",
    )
    source: str = Field(default="", description="Where the parameters come from, in the user's words.")

    @abstractmethod
    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:
        """Write variables and rows on `block`; return flows, ledger lines and states.

        Parameters
        ----------
        block
            The asset's own Pyomo block.
        operation
            Steps, points and hours.
        size
            The asset's capacities by field name, as numbers or variables.
        """

    @abstractmethod
    def claims(self, operation: Operation) -> list[Claim]:
        """State the same physics as plain data, in the words of the written frames."""

    @classmethod
    @abstractmethod
    def example(cls) -> Self:
        """Return a sensible instance that uses one unequal-step-proof value for every feature."""

    def presses(self) -> frozenset[str]:
        """Return the buses that this asset can overfill: energy there may be worth nothing or less."""
        return frozenset()

    def needs(self) -> frozenset[str]:
        """Return the buses that this asset draws from whatever the plan is: something else must feed them."""
        return frozenset()

    def roles(self) -> Mapping[str, Role]:
        """Return what flows (and states) of this asset are to rules and contracts, by the name of the port."""
        return {}

    def passing(self, timeline: Timeline) -> Passing | None:  # noqa: ARG002
        """Return what imports and exports do to an account, where it is a connection to the outside."""
        return None

    def intensity(self, port: str, timeline: Timeline) -> NDArray[np.float64] | None:  # noqa: ARG002
        """Return what each kWh (or kg) of a port emits, location-based and upstream; None where nobody says."""
        return None

    def most_fuel(self) -> tuple[str, float] | None:
        """Return, for a generator, the bus of its fuel and the most of it that a kWh of electricity can take."""
        return None

    def lacks_intensity(self) -> str:
        """Return the field that would say what each kWh imported emits, where it is due and not given."""
        return ""

    def counts_months(self) -> bool:
        """Tell whether it is billed by the month."""
        return False

    def calendar(self, timeline: Timeline) -> list[NDArray[np.float64]]:  # noqa: ARG002
        """Return what it goes by of the calendar, as numbers by step: steps that differ in it are not alike."""
        return []

    def misfits(self, timeline: Timeline) -> Iterator[Problem]:  # noqa: ARG002
        """Give what does not fit the horizon, each by the path of its field within this asset."""
        yield from ()

    @property
    def counts_modules(self) -> bool:
        """Whether its rows count modules of a capacity to be decided, which can then be no fraction of themselves."""
        return False

    def capacities(self) -> dict[str, Fixed | Sized]:
        """Return the capacities by field name."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in named.items() if isinstance(value, Fixed | Sized)}

    def capacity_units(self) -> dict[str, str]:
        """Return the unit of each capacity by its name."""
        found = {}
        for name, info in type(self).model_fields.items():
            within = (mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ()))
            mark = next((mark for mark in (*info.metadata, *within) if isinstance(mark, CapacityIn)), None)
            if mark is not None:
                found[name] = mark.unit
        return found

    def series(self) -> dict[str, Series]:
        """Return the series by field name."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in named.items() if isinstance(value, Series)}

    def buses(self) -> dict[str, tuple[str, Bus]]:
        """Return, by field name, the bus that each port uses and what may flow there."""
        named = ((name, getattr(self, name), mark) for name, mark in _bus_marks(type(self)).items())
        return {name: (value, mark) for name, value, mark in named if value is not None}
