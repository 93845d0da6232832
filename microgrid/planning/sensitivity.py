"""How much a decision depends on what was assumed: one assumption at a time, sizes and operation as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from microgrid.finance import net_present_value
from microgrid.finance_section import Finance
from microgrid.planning.cash_flow import Scale
from microgrid.planning.sheet import Side, compared

_STEP = 0.2
_POINTS = 0.02
_YEARS = 5
_PRICES = {"energy": "energy prices", "demand": "demand and capacity charges", "carbon": "carbon price"}


class Sensitivity(NamedTuple):
    """What an assumption moves: the net present value with less of it, and with more."""

    assumption: str
    less: str
    more: str
    with_less: float
    with_more: float

    @property
    def swing(self) -> float:
        """The distance between the two."""
        return abs(self.with_more - self.with_less)


def sensitivities(plan: Side, reference: Side, finance: Finance) -> list[Sensitivity]:
    """Return what moves the net present value, the most important first.

    The plan is not made anew: with other prices another one might be better, so that a loss is told no smaller, and a
    gain no larger, than a planner who knew of it could make it.
    """
    found = [*_of_prices(plan, reference, finance), *_of_terms(plan, reference, finance)]
    return sorted((each for each in found if each.swing > 0), key=lambda each: -each.swing)


def _worth(plan: Side, reference: Side, finance: Finance, scale: Scale | None = None) -> float:
    sheet = compared(plan, reference, finance, scale)
    return net_present_value(sheet.rate, sheet.net)


def _of_prices(plan: Side, reference: Side, finance: Finance) -> Iterator[Sensitivity]:
    told = f"-{_STEP:.0%}", f"+{_STEP:.0%}"
    low, high = 1 - _STEP, 1 + _STEP
    worths = [_worth(plan, reference, finance, Scale(bought=factor)) for factor in (low, high)]
    yield Sensitivity("prices of equipment", *told, *worths)
    for category, words in _PRICES.items():
        worths = [_worth(plan, reference, finance, Scale(costs={category: factor})) for factor in (low, high)]
        yield Sensitivity(words, *told, *worths)


def _of_terms(plan: Side, reference: Side, finance: Finance) -> Iterator[Sensitivity]:
    rates = [finance.discount_rate - _POINTS, finance.discount_rate + _POINTS]
    worths = [_worth(plan, reference, finance.model_copy(update={"discount_rate": rate})) for rate in rates]
    yield Sensitivity("discount rate", f"{rates[0]:.1%}", f"{rates[1]:.1%}", *worths)
    energy = finance.growth.get("energy", 0.0)
    grown = [energy - _POINTS, energy + _POINTS]
    worths = [
        _worth(plan, reference, finance.model_copy(update={"growth": {**finance.growth, "energy": rate}}))
        for rate in grown
    ]
    yield Sensitivity("yearly growth of energy prices", f"{grown[0]:+.1%}", f"{grown[1]:+.1%}", *worths)
