"""Capacities made in Python: a number or a decision, and what cannot be one."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from microgrid.capacity import Fixed, Size, Sized
from microgrid.finance import annuity_factor


def test_what_stands_is_as_high_as_it_is():
    fixed = Fixed(amount=3.0, opex=2.0)
    assert (fixed.high, fixed.yearly) == (3.0, 2.0)


@pytest.mark.parametrize(
    "fields", [{"amount": -1.0}, {"amount": math.inf}, {"amount": math.nan}, {"amount": 1.0, "opex": -1.0}, {}]
)
def test_what_cannot_stand_is_refused(fields):
    with pytest.raises(ValidationError):
        Fixed(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"high": math.inf},
        {"high": math.nan},
        {"high": -1.0},
        {"low": 2.0, "high": 1.0},
        {"low": -1.0, "high": 1.0},
        {"high": 1.0, "capex": -1.0},
        {"high": 1.0, "build_cost": math.inf},
        {"high": 1.0, "opex": -1.0},
        {"high": 1.0, "lifetime": 0.0},
        {"high": 1.0, "lifetime": math.inf},
        {"high": 1.0, "interest": -1.0},
        {"high": 1.0, "unit_size": 0.0},
        {"high": 1.0, "unit_size": 2.0},
        {"high": 1.0, "size": 2.0},
    ],
)
def test_what_cannot_be_decided_is_refused(fields):
    with pytest.raises(ValidationError):
        Sized(**fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"high": 5.0}, False),
        ({"low": 1.0, "high": 5.0}, False),
        ({"low": 1.0, "high": 5.0, "optional": True}, True),
        ({"high": 5.0, "optional": True}, False),
        ({"high": 5.0, "build_cost": 1.0}, True),
        ({"low": 1.0, "high": 5.0, "build_cost": 1.0}, False),
    ],
)
def test_building_is_a_decision_where_zero_differs_from_little(fields, expected):
    assert Sized(**fields).has_build_decision is expected


def test_interest_of_its_own_comes_before_the_plants():
    assert Sized(high=1.0, lifetime=10.0).yearly_factor(0.08) == annuity_factor(0.08, 10.0)
    assert Sized(high=1.0, lifetime=10.0, interest=0.02).yearly_factor(0.08) == annuity_factor(0.02, 10.0)


def test_capacities_cannot_be_changed():
    with pytest.raises(ValidationError):
        Fixed(amount=1.0).amount = 2.0


def test_a_size_tells_numbers_from_variables():
    assert Size(3.0, 3.0).is_fixed
    assert Size(3, 3.0).is_fixed
    assert not Size(object(), 3.0).is_fixed
