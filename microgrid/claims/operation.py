"""What a plan claims of flows, stocks and states: bounds, balances, ramps, times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from microgrid.claims.terms import Factor, Terms


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
class Total:
    """Over the whole horizon, the sum of factor times quantity is at most `high`; by the hour or by the event."""

    name: str
    terms: Terms
    high: float
    per: Literal["hour", "event"] = "hour"
