"""Claims: what a plan says of itself, in plain data, so that an audit can hold the written frames against it.

A technology states its physics twice: once as rows for a solver, once as claims for the audit. The two share no code:
rows are symbolic and belong to Pyomo, claims are numbers and names, stored with the plan.

Names in a claim are quantities of the asset: a port's flow (counted into its bus, so a consumption is negative), a
stock, a state or a size. ``"capacity*on"`` is a product of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Factor = float | NDArray[np.float64]
# States that tell which billing option was chosen begin so.
BILLED_BY = "billed by "
Terms = tuple[tuple[str, Factor], ...]
# What a quantity is to rules and contracts. A generation that is not renewable, such as a fuel cell's, is never green.
Role = Literal[
    "renewable", "generation", "import", "export", "charge", "discharge", "electrolysis", "hydrogen", "supply",
    "contracted by the hour", "contracted by the month", "contracted by the year",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Between:
    """At every step (or point), `low` <= sum of factor times quantity <= `high`.

    Parameters
    ----------
    name
        The statement as a short sentence, for messages.
    terms
        Pairs of quantity and factor; an empty name stands for the constant 1.
    low, high
        Bounds; None where there is none.
    on
        ``steps`` or ``points``.
    """

    name: str
    terms: Terms
    low: Factor | None = None
    high: Factor | None = None
    on: Literal["steps", "points"] = "steps"


@dataclass(frozen=True, eq=False)
class StockBalance:
    """A stock at the end of a step is what was kept of it plus what flowed in, counted in `gains` per hour.

    Parameters
    ----------
    stock
        The quantity on points.
    gains
        Flow and factor: how much the stock grows per hour for each unit of the flow.
    loss
        Share lost per hour.
    initial
        Share of `size` at the first point, or None if free.
    final
        Smallest share of `size` at the last point, or None if free.
    cyclic
        Whether the last point equals the first.
    """

    stock: str
    gains: Terms
    size: str
    loss: float = 0.0
    initial: float | None = None
    final: float | None = None
    cyclic: bool = False


@dataclass(frozen=True, eq=False)
class NeverBoth:
    """At no step are both quantities away from zero."""

    first: str
    second: str


@dataclass(frozen=True, eq=False)
class Ramp:
    """A quantity changes from step to step by no more than a share of `size` per hour.

    The change is counted over the hours between the middles of the two steps. With an `on` state, a start or a stop
    may change by `start` or `stop` (shares of size) instead. `before` is the value before the first step, if known.
    """

    quantity: str
    size: str
    up: float | None = None
    down: float | None = None
    on: str = ""
    start: Factor | None = None
    stop: Factor | None = None
    before: float | None = None
    on_before: float = 0.0


@dataclass(frozen=True, eq=False)
class MinimumRun:
    """An on-off state, once changed, stays for a minimum of hours; cut off at the horizon's end.

    `on` counts units of a fleet; `units` is its number, or a quantity that holds it. `on_before` were on before the
    horizon, all for `hours_before` hours, or for long enough where that is None; of these, `begun` tells by hours
    before the horizon how many went on only then. A single unit stays on for no more than `longest` hours.
    """

    on: str
    up: float = 0.0
    down: float = 0.0
    on_before: float = 0.0
    hours_before: float | None = None
    units: float | str = 1.0
    longest: float | None = None
    begun: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Total:
    """Over the whole horizon, the sum of factor times quantity is at most `high`; by the hour or by the event."""

    name: str
    terms: Terms
    high: float
    per: Literal["hour", "event"] = "hour"


@dataclass(frozen=True, eq=False)
class Charge:
    """A ledger line is the sum of factor times quantity at every step.

    Parameters
    ----------
    ledger
        ``costs`` or ``emissions``.
    line
        The line's name in the ledger.
    per
        ``hour``: factors hold per hour and are multiplied by the step's length; ``event``: they are not;
        ``year``: factors hold per year of the horizon; ``month``: per billing month, in proportion to the part covered.
    factor
        The asset's field that holds the emission factor, such as ``contracts.wind.factor``; empty where none does.
    """

    ledger: Literal["costs", "emissions"]
    line: str
    terms: Terms
    per: Literal["hour", "event", "year", "month"] = "hour"
    factor: str = ""


@dataclass(frozen=True, eq=False)
class PeakCharge:
    """A ledger line is `price` times the highest mean over the metering window, each billing month.

    `floor` is a peak already measured in the first month.
    """

    line: str
    quantity: str
    price: float
    window: float
    floor: float = 0.0


@dataclass(frozen=True, eq=False)
class TariffBill:
    """Ledger lines are those of the bill that an imported and an exported flow come to under a tariff.

    Parameters
    ----------
    lines
        The lines, by name.
    tariff, past
        The tariff, and what was measured before the horizon, as plain data.
    billing
        The billing option; ``choose`` where the states ``billed by <option>`` say which.
    whole
        Lines that a month pays in full, though the horizon covers it in part.
    owed
        What is owed of these for peaks before the horizon.
    imported, exported
        The two flows; there need not be the second.
    """

    lines: tuple[str, ...]
    tariff: dict[str, Any]
    past: dict[str, Any]
    billing: str = ""
    whole: tuple[str, ...] = ()
    owed: float = 0.0
    imported: str = "import"
    exported: str = "export"


@dataclass(frozen=True, eq=False)
class Change:
    """From each step to the next, `low` <= `terms` at the step + `earlier` at the step before it <= `high`.

    Parameters
    ----------
    name
        The statement as a short sentence, for messages.
    terms
        Pairs of quantity and factor at the step itself.
    earlier
        Pairs of quantity at the step before and factor; a factor that changes is the one of the step itself.
    low, high
        Bounds; None where there is none.
    first
        What stands in place of `earlier` at the first step: pairs of quantity (a size, or an empty name for the
        constant 1) and factor. None where the time before the horizon is not known: the first step is then free.
    """

    name: str
    terms: Terms
    earlier: Terms
    low: Factor | None = None
    high: Factor | None = None
    first: Terms | None = None


@dataclass(frozen=True, eq=False)
class Lasting:
    """A quantity is how many of what `began` in the last `hours` is still going on, as the mean over each step.

    Whatever begins does so at the start of its step: what begins at step s lasts from ``elapsed[s]`` to
    ``elapsed[s] + hours``, and counts at step t by the share of t that lies within. `ahead` tells of what began
    before the horizon: pairs of the hours that it goes on for from the first point, and of how many do.
    """

    quantity: str
    began: str
    hours: float
    ahead: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class LeftOver:
    """A ledger line saves what a stock holds: `below` for each unit up to `level`, `above` for the rest.

    It counts at a point of the horizon, at its end where that is None.
    """

    line: str
    stock: str
    level: float
    below: float
    above: float
    point: int | None = None


@dataclass(frozen=True, eq=False)
class Means:
    """What a quantity is to rules and contracts.

    Parameters
    ----------
    quantity
        A port's flow, or a state.
    role
        What it counts as.
    available
        What it could have been: pairs of quantity and factor; the flow is within it. Empty where nothing says so.
    intensity
        What each kWh emits, location-based and upstream, in kgCO2e; None where that is not known.
    """

    quantity: str
    role: Role
    available: Terms = ()
    intensity: Factor | None = None


@dataclass(frozen=True, eq=False)
class Matching:
    """Within each period, no more green energy is matched than a contract generated for the plant.

    Parameters
    ----------
    contract
        Its name.
    matched
        The state that tells what was matched, kW.
    pool
        What was there to match: pairs of quantity and factor, kW; an empty name stands for the constant 1.
    period
        ``hour``, ``month`` or ``year``, on the local calendar.
    most
        Most energy within each period, kWh; None where nothing says so.
    """

    contract: str
    matched: str
    pool: Terms
    period: Literal["hour", "month", "year"]
    most: float | None = None


@dataclass(frozen=True, eq=False)
class Certified:
    """Whole certificates by month, their ledger line, and the energy that they stand for in each period.

    What a period leaves over of a certificate is carried to the next: never less than nothing, never more than one.

    Parameters
    ----------
    line
        The ledger line of the certificates.
    counted
        The state, by month, that tells how many.
    price
        What each adds to the ledger.
    energy
        The state that tells what energy they stand for, kW.
    each
        kWh that one stands for; below zero where they are made of the energy rather than bought for it.
    period
        ``hour``, ``month`` or ``year``.
    most
        Most certificates within each period; None where nothing says so.
    """

    line: str
    counted: str
    price: float
    energy: str
    each: float
    period: Literal["hour", "month", "year"]
    most: float | None = None


Claim = (
    Between
    | StockBalance
    | NeverBoth
    | Ramp
    | MinimumRun
    | Charge
    | PeakCharge
    | TariffBill
    | Change
    | Lasting
    | Total
    | Means
    | Matching
    | Certified
    | LeftOver
)
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Claim)}


_PLAIN = frozenset({str, float, int, bool, type(None)})


def to_plain(claim: Claim) -> dict[str, Any]:
    """Return a claim as numbers, texts and lists, ready for JSON."""
    return {"claim": type(claim).__name__, **{part.name: _plain(getattr(claim, part.name)) for part in fields(claim)}}


def from_plain(data: Mapping[str, Any]) -> Claim:
    """Return the claim that `to_plain` wrote."""
    kind = KINDS[data["claim"]]
    values = {f.name: _claimed(f.name, data[f.name]) for f in fields(kind) if f.name in data}
    claim: Claim = kind(**values)
    return claim


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


def _claimed(name: str, value: Any) -> Any:
    if name in ("terms", "gains", "earlier", "first", "available", "pool") and isinstance(value, list):
        return tuple((quantity, _factor(factor)) for quantity, factor in value)
    if name in ("begun", "ahead"):
        return tuple((float(hours), float(count)) for hours, count in value)
    if name in ("lines", "whole"):
        return tuple(value)
    return _factor(value) if isinstance(value, list) else value


def _factor(value: Any) -> Factor:
    return np.asarray(value, dtype=float) if isinstance(value, list) else float(value)
