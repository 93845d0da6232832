"""What stands from stage to stage: when a capacity comes to its end, and what is bought to go on with it.

A vintage is what was built in one stage, or stood before the first. In each later stage as much of it is kept as the
plan wants, never more than before. What comes to its end within a stage is bought anew at once, at that stage's price:
whoever does not want that gives it up at the stage's begin. What comes to its end where a stage begins is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from microgrid.capacity import Replaced, Sized
from microgrid.finance import replacement_times
from microgrid.finance_section import Finance

_SOON = 1e-9


class Span(NamedTuple):
    """A stage in years from the path's begin."""

    begin: float
    until: float


class Bought(NamedTuple):
    """One thing bought for each unit of a vintage that is kept.

    Parameters
    ----------
    stage
        Number of the stage in which it is bought.
    part
        Name of the part; empty for the whole.
    time
        Years from the path's begin.
    price
        For each unit.
    building
        What does not depend on the size.
    grant
        Share of both that somebody else pays.
    life
        Years until it is worth nothing.
    """

    stage: int
    part: str
    time: float
    price: float
    building: float
    grant: float
    life: float


@dataclass(frozen=True)
class Vintage:
    """What was built in one stage, or stood before.

    Parameters
    ----------
    built
        Number of the stage; None for what stood before the first.
    first
        Number of the first stage in which it stands.
    bought
        What is bought for it in each stage in which it can stand, from the first on.
    renewed
        How often it is bought anew as a whole in each of them.
    left
        What share of it ageing leaves in each of them: the mean over the stage's years, each taken at its begin.
    """

    built: int | None
    first: int
    bought: tuple[tuple[Bought, ...], ...]
    renewed: tuple[int, ...]
    left: tuple[float, ...]

    @property
    def stages(self) -> range:
        """Numbers of the stages in which it can stand."""
        return range(self.first, self.first + len(self.bought))

    @property
    def is_built_for(self) -> bool:
        """Whether anything is paid for building at all, whatever the size."""
        return any(each.building for stage in self.bought for each in stage)

    @property
    def fades(self) -> bool:
        """Whether ageing leaves less of it in any stage."""
        return any(left < 1.0 for left in self.left)

    def left_in(self, number: int) -> float:
        """Return what share of it is left in a stage in which it can stand."""
        return self.left[number - self.first]


class _Whole(NamedTuple):
    """One life of a vintage: its begin, its end, the parts bought within it."""

    begin: float
    ends: float
    parts: Mapping[str, Replaced]


def vintage(
    capacities: Sequence[Sized],
    spans: Sequence[Span],
    built: int | None,
    remaining_life: float = 0.0,
    years: Sequence[Span] | None = None,
) -> Vintage:
    """Follow a vintage through the stages.

    Parameters
    ----------
    capacities
        Prices and lives of the capacity in each stage.
    spans
        The stages in time.
    built
        In which of them it is built; None for what stands before the first, for another `remaining_life` years.
    years
        The years of each stage that ageing is told for; by default all of it.
    """
    first = 0 if built is None else built
    begin = spans[first].begin
    whole = _Whole(
        begin, begin + (remaining_life if built is None else capacities[first].lifetime), capacities[first].parts
    )
    found: list[tuple[Bought, ...]] = []
    renewed: list[int] = []
    made = _made(whole, capacities[first])
    for number in range(first, len(spans)):
        span, capacity, bought = spans[number], capacities[number], list[Bought]()
        if whole.ends <= span.begin + _SOON:
            break
        renewed.append(0)
        if number == built:
            price, building, grant = capacity.capex, capacity.build_cost, capacity.grant
            bought.append(Bought(number, "", begin, price, building, grant, capacity.lifetime))
        bought += _parts(whole, span, capacity, number)
        while whole.ends < span.until - _SOON:
            time = whole.ends
            bought.append(Bought(number, "", time, capacity.capex, capacity.build_cost, 0.0, capacity.lifetime))
            whole = _Whole(time, time + capacity.lifetime, capacity.parts)
            bought += _parts(whole, span, capacity, number)
            renewed[-1] += 1
            made |= _made(whole, capacity)
        found.append(tuple(each for each in bought if each.price or each.building))
    left = [_left(made, each) for each in (years or spans)[first : first + len(found)]]
    return Vintage(built, first, tuple(found), tuple(renewed), tuple(left))


def _made(whole: _Whole, capacity: Sized) -> dict[float, float]:
    """Return when a whole is as new, by itself or by parts that renew it, and what it then loses a year."""
    times = [whole.begin]
    for part in whole.parts.values():
        if part.renews:
            times += [whole.begin + after for after in replacement_times(part.lifetime, whole.ends - whole.begin)]
    return dict.fromkeys(times, capacity.degradation)


def _left(made: Mapping[float, float], span: Span) -> float:
    """Return what share is left on the mean of a span's years, each taken at its begin."""
    shares = []
    for time in range(round(span.begin), round(span.until)):
        last = max(each for each in made if each <= time + _SOON)
        shares.append(max(0.0, 1.0 - made[last] * (time - last)))
    return sum(shares) / len(shares)


def _parts(whole: _Whole, span: Span, capacity: Sized, number: int) -> Iterator[Bought]:
    """Give the parts bought within a stage for one life of the whole, at the stage's price."""
    for name, part in whole.parts.items():
        for after in replacement_times(part.lifetime, whole.ends - whole.begin):
            time = whole.begin + after
            if span.begin - _SOON <= time < span.until - _SOON:
                price = capacity.parts.get(name, part).cost
                yield Bought(number, name, time, price, 0.0, 0.0, min(part.lifetime, whole.ends - time))


def paid_in(time: float) -> int:
    """Return the year in which something bought at a time is paid: the end of the one that holds it."""
    return -int(-(time - _SOON) // 1)


def present_price(bought: Bought, finance: Finance) -> float:
    """Return what one unit of currency of a purchase's price is worth at the path's begin, the grant taken off."""
    year = paid_in(bought.time)
    grown = (1 + finance.growth.get("replacement", 0.0)) ** year
    return float((1 - bought.grant) * grown * (1 + finance.real_rate) ** -year)


def present_rest(bought: Bought, finance: Finance) -> float:
    """Return what is left of it at the project's end, as a share of its price and of its worth at the path's begin."""
    left = 1.0 - (finance.years - bought.time) / bought.life
    if finance.residual_value == "none" or left <= _SOON:
        return 0.0
    grown = (1 + finance.growth.get("replacement", 0.0)) ** paid_in(bought.time)
    return float(left * grown * (1 + finance.real_rate) ** -finance.years)
