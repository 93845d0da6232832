"""Annuities, against closed forms and the present value of what they pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.finance import annuity_factor


@pytest.mark.parametrize(
    ("rate", "years", "expected"),
    [
        (0.06, 20.0, 0.0871845570),  # the factor of any table of annuities
        (0.08, 10.0, 0.1490294887),
        (0.0, 25.0, 0.04),
        (0.05, 1.0, 1.05),
        (1e-17, 25.0, 0.04),
        (1e-9, 25.0, 0.04),
    ],
)
def test_annuity(rate, years, expected):
    assert annuity_factor(rate, years) == pytest.approx(expected, rel=1e-7)


@given(st.floats(-0.4, 1.0), st.integers(1, 60))
def test_the_payments_are_worth_what_was_lent(rate, years):
    payment = annuity_factor(rate, float(years))
    assert sum(payment / (1 + rate) ** year for year in range(1, years + 1)) == pytest.approx(1.0, rel=1e-6)


@given(st.floats(-0.4, 0.5), st.floats(0.5, 30.0))
def test_a_longer_life_costs_less_a_year(rate, years):
    assert annuity_factor(rate, years * 1.1) < annuity_factor(rate, years)


@pytest.mark.parametrize("years", [0.0, -1.0])
def test_no_life_no_annuity(years):
    with pytest.raises(ValueError, match="a lifetime must be above zero years"):
        annuity_factor(0.06, years)
