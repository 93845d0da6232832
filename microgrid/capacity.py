"""Capacity is a value or a decision, in one formulation: `Fixed` declares a number, `Sized` a variable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from microgrid.finance import annuity_factor


class Fixed(BaseModel):
    """A capacity that stands.

    Parameters
    ----------
    amount
        In the unit of the field: kW, kWh, kg or kg/h.
    opex
        Fixed operation and maintenance, in currency per unit and year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: float
    opex: float = 0.0

    @property
    def high(self) -> float:
        """The largest value the capacity can take."""
        return self.amount

    @property
    def yearly(self) -> float:
        """Cost per unit and year: operation and maintenance; what was paid for it is sunk."""
        return self.opex

    @model_validator(mode="after")
    def _is_possible(self) -> Fixed:
        _refuse_unless(math.isfinite(self.amount) and self.amount >= 0, "a capacity of zero or more")
        _refuse_unless(math.isfinite(self.opex) and self.opex >= 0, "an opex of zero or more")
        return self


class Sized(BaseModel):
    """A capacity to be decided between `low` and `high`.

    Parameters
    ----------
    low, high
        Bounds in the unit of the field. `high` is finite: it is the only big-M of the house.
    capex
        Investment, in currency per unit.
    build_cost
        Investment that does not depend on the size, in currency; paid if anything is built.
    lifetime
        Years over which the investment is repaid.
    interest
        Interest per year; the plant's discount rate if not given.
    opex
        Fixed operation and maintenance, in currency per unit and year.
    unit_size
        If given, the capacity is a whole number of modules of this size.
    optional
        Whether it may stay unbuilt although `low` is above zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = 0.0
    high: float
    capex: float = 0.0
    build_cost: float = 0.0
    lifetime: float = 20.0
    interest: float | None = None
    opex: float = 0.0
    unit_size: float | None = None
    optional: bool = False

    @property
    def has_build_decision(self) -> bool:
        """Whether building at all is a decision of its own, with a binary."""
        return (self.optional and self.low > 0) or (self.build_cost > 0 and self.low == 0)

    def yearly_factor(self, discount_rate: float) -> float:
        """Return the yearly payment per unit of investment."""
        return annuity_factor(discount_rate if self.interest is None else self.interest, self.lifetime)

    @model_validator(mode="after")
    def _is_possible(self) -> Sized:
        _refuse_unless(math.isfinite(self.high), "a finite high")
        _refuse_unless(self.low >= 0, "a low of zero or more")
        _refuse_unless(self.low <= self.high, "a low that is no more than high")
        costs = (self.capex, self.build_cost, self.opex)
        _refuse_unless(all(math.isfinite(c) and c >= 0 for c in costs), "costs of zero or more")
        _refuse_unless(self.lifetime > 0 and math.isfinite(self.lifetime), "a lifetime above zero")
        _refuse_unless(self.interest is None or self.interest > -1, "an interest above -100 %")
        _refuse_unless(
            self.unit_size is None or 0 < self.unit_size <= self.high, "a unit_size above zero and no more than high"
        )
        return self


@dataclass(frozen=True)
class Size:
    """A capacity inside a model: what a technology's rows are written with.

    Parameters
    ----------
    amount
        A number, or the Pyomo variable that decides it.
    high
        The largest value it can take.
    modules
        How many modules of `high / highest modules` it consists of: a number, an integer variable, or None
        where modules are not counted.
    unit_size
        The size of one module, if modules are counted.
    """

    amount: Any
    high: float
    modules: Any = None
    unit_size: float | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether the capacity is a number."""
        return isinstance(self.amount, float | int)


def _refuse_unless(holds: bool, wanted: str) -> None:
    if not holds:
        raise PydanticCustomError("wanted", "wanted {wanted}", {"wanted": wanted})
