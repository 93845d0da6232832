"""Capacity is a value or a decision, in one formulation: `Fixed` declares a number, `Sized` a variable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from microgrid.finance import annuity_factor, present_value_of_replacements
from microgrid.names import Named


class Replaced(BaseModel):
    """A part that does not live as long as the whole, such as an inverter, a stack or cells.

    Parameters
    ----------
    cost
        Price of a new one, in currency per unit of the capacity. The first is part of the whole's own price.
    lifetime
        Years that each of them serves.
    remaining_life
        Years that the present one still serves, where the whole stands already; else a whole lifetime.
    renews
        Whether a new one makes up for the degradation of the whole, as a stack or cells do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cost: float
    lifetime: float
    remaining_life: float | None = None
    renews: bool = False

    @model_validator(mode="after")
    def _is_possible(self) -> Replaced:
        _refuse_unless(math.isfinite(self.cost) and self.cost >= 0, "a cost of zero or more")
        _refuse_unless(_is_life(self.lifetime), "a lifetime above zero")
        _refuse_unless(self.remaining_life is None or _is_life(self.remaining_life), "a remaining_life above zero")
        return self


class Standing(BaseModel):
    """What every capacity has, whether it stands or is to be decided.

    Parameters
    ----------
    opex
        Fixed operation and maintenance, in currency per unit and year.
    degradation
        Share of the new capacity that is lost with each year of age.
    parts
        What is replaced within the life of the whole, by name.
    roof, land
        Area that a unit takes of the site's roof and land, in m2.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    opex: float = 0.0
    degradation: float = 0.0
    parts: Annotated[Mapping[str, Replaced], AfterValidator(Named)] = Field(default_factory=Named)
    roof: float = 0.0
    land: float = 0.0

    @model_validator(mode="after")
    def _can_stand(self) -> Self:
        _refuse_unless(math.isfinite(self.opex) and self.opex >= 0, "an opex of zero or more")
        _refuse_unless(0 <= self.degradation < 1, "a degradation from 0 up to 1")
        areas = (self.roof, self.land)
        _refuse_unless(all(math.isfinite(area) and area >= 0 for area in areas), "areas of zero or more")
        return self


class Fixed(Standing):
    """A capacity that stands.

    Parameters
    ----------
    amount
        In the unit of the field: kW, kWh, kg or kg/h.
    remaining_life
        Years that it still serves; None if it outlives every project. Then it is replaced.
    capex
        Price of its replacement, in currency per unit. What was paid for what stands is sunk.
    lifetime
        Years that a replacement serves.
    """

    amount: float
    remaining_life: float | None = None
    capex: float = 0.0
    lifetime: float = 20.0

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
        _refuse_unless(math.isfinite(self.capex) and self.capex >= 0, "a capex of zero or more")
        _refuse_unless(_is_life(self.lifetime), "a lifetime above zero")
        left = self.remaining_life
        _refuse_unless(left is None or (math.isfinite(left) and left >= 0), "a remaining_life of zero or more")
        _refuse_unless(left is None or self.capex > 0, "a capex with remaining_life: what its replacement costs")
        return self


class Sized(Standing):
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
    grant
        Share of the investment that somebody else pays.
    unit_size
        If given, the capacity is a whole number of modules of this size.
    optional
        Whether it may stay unbuilt although `low` is above zero.
    """

    low: float = 0.0
    high: float
    capex: float = 0.0
    build_cost: float = 0.0
    lifetime: float = 20.0
    interest: float | None = None
    grant: float = 0.0
    unit_size: float | None = None
    optional: bool = False

    @property
    def has_build_decision(self) -> bool:
        """Whether building at all is a decision of its own, with a binary."""
        return (self.optional and self.low > 0) or (self.build_cost > 0 and self.low == 0)

    def yearly_factor(self, discount_rate: float) -> float:
        """Return the yearly payment per unit of investment."""
        return annuity_factor(discount_rate if self.interest is None else self.interest, self.lifetime)

    def yearly_capital(self, discount_rate: float) -> float:
        """Return the yearly payment per unit of capacity, its parts included."""
        rate = discount_rate if self.interest is None else self.interest
        parts = [present_value_of_replacements(rate, p.cost, p.lifetime, self.lifetime) for p in self.parts.values()]
        return (self.capex * (1 - self.grant) + math.fsum(parts)) * self.yearly_factor(discount_rate)

    def yearly_building(self, discount_rate: float) -> float:
        """Return the yearly payment for building at all, whatever the size."""
        return self.build_cost * (1 - self.grant) * self.yearly_factor(discount_rate)

    @model_validator(mode="after")
    def _is_possible(self) -> Sized:
        _refuse_unless(math.isfinite(self.high), "a finite high")
        _refuse_unless(self.low >= 0, "a low of zero or more")
        _refuse_unless(self.low <= self.high, "a low that is no more than high")
        costs = (self.capex, self.build_cost)
        _refuse_unless(all(math.isfinite(c) and c >= 0 for c in costs), "costs of zero or more")
        _refuse_unless(_is_life(self.lifetime), "a lifetime above zero")
        _refuse_unless(0 <= self.grant <= 1, "a grant from 0 to 1")
        _refuse_unless(
            all(p.remaining_life is None for p in self.parts.values()), "parts that are new: no remaining_life"
        )
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


def _is_life(years: float) -> bool:
    return math.isfinite(years) and years > 0


def _refuse_unless(holds: bool, wanted: str) -> None:
    if not holds:
        raise PydanticCustomError("wanted", "wanted {wanted}", {"wanted": wanted})
