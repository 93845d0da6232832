"""Money over time, against closed forms, hand-worked sheets and the functions of established packages."""

from __future__ import annotations

import numpy as np
import numpy_financial
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.finance import (
    annuity_factor,
    depreciation,
    internal_rate,
    levelised,
    net_present_value,
    payback,
    present_value_of_replacements,
    present_values,
    real_rate,
    replacement_times,
    taxes,
)


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


FLOWS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


@given(st.floats(-0.3, 1.0), FLOWS)
def test_present_value_is_that_of_numpy_financial(rate, flows):
    scale = float(np.abs(present_values(rate, flows)).sum())
    assert net_present_value(rate, flows) == pytest.approx(numpy_financial.npv(rate, flows), abs=1e-9 * scale + 1e-9)


def test_a_sheet_worked_by_hand():
    """1,000 today, 500 at the end of each of three years, at 10 %.

    Worth: 500 / 1.1 + 500 / 1.21 + 500 / 1.331 - 1000 = 454.545 + 413.223 + 375.657 - 1000 = 243.426. A wrong sheet
    that discounts the first year's flow not at all would give 367.769. Paid back after exactly two years; discounted,
    1000 - 454.545 - 413.223 = 132.231 is left, 132.231 / 375.657 = 0.352 of the third year.
    """
    flows = [-1000.0, 500.0, 500.0, 500.0]
    assert net_present_value(0.1, flows) == pytest.approx(243.426, abs=1e-3)
    assert payback(flows) == pytest.approx(2.0)
    assert payback(present_values(0.1, flows)) == pytest.approx(2.352, abs=1e-3)
    assert internal_rate(flows) == pytest.approx(numpy_financial.irr(flows), abs=1e-9)


@given(st.floats(10.0, 1e6), st.lists(st.floats(1.0, 1e5), min_size=1, max_size=30))
def test_the_internal_rate_is_that_of_numpy_financial(paid, earned):
    rate = internal_rate([-paid, *earned])
    if rate is not None:
        scale = float(np.abs(present_values(rate, [-paid, *earned])).sum())
        assert net_present_value(rate, [-paid, *earned]) == pytest.approx(0.0, abs=1e-6 * scale)
        assert rate == pytest.approx(float(numpy_financial.irr([-paid, *earned])), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("flows", "why"),
    [
        ([100.0, 50.0], "nothing is paid"),
        ([0.0, 0.0], "nothing at all"),
        ([-100.0, 230.0, -132.0], "10 % and 20 % are both right"),
        ([-100.0, -1.0], "nothing comes back"),
    ],
)
def test_no_rate_is_told_where_none_says_how_good_it_is(flows, why):
    assert internal_rate(flows) is None, why


def test_a_replacement_on_the_way_leaves_one_rate():
    """-100, 60, -10, 60: three changes of sign, but the running sum -100, -40, -50, 10 changes once."""
    flows = [-100.0, 60.0, -10.0, 60.0]
    assert internal_rate(flows) == pytest.approx(float(numpy_financial.irr(flows)), abs=1e-9)


@pytest.mark.parametrize(
    ("flows", "expected"), [([-100.0, 40.0, 40.0], None), ([-100.0, 40.0, 40.0, 40.0], 2.5), ([0.0, 5.0], 0.0)]
)
def test_payback(flows, expected):
    assert payback(flows) == (expected if expected is None else pytest.approx(expected))


def test_levelised_cost_by_hand():
    """1,000 today and 50 a year for 100 kWh a year over two years at 10 %.

    Costs 1000 + 50 * 1.735537 = 1086.777, energy 173.5537: 6.2619 a kWh; without discounting it would be 5.5.
    """
    assert levelised(0.1, [1000.0, 50.0, 50.0], [0.0, 100.0, 100.0]) == pytest.approx(6.261905, abs=1e-6)
    assert levelised(0.1, [1000.0], [0.0]) is None


@given(st.floats(0.0, 0.3), st.floats(0.0, 0.1))
def test_nominal_flows_at_the_nominal_rate_are_worth_the_real_ones_at_the_real_rate(rate, inflation):
    flows = np.array([-1000.0, 300.0, 300.0, 500.0])
    nominal = (1 + rate) * (1 + inflation) - 1
    inflated = flows * (1 + inflation) ** np.arange(4)
    assert real_rate(nominal, inflation) == pytest.approx(rate, abs=1e-12)
    assert net_present_value(nominal, inflated) == pytest.approx(net_present_value(rate, flows), abs=1e-9)


@pytest.mark.parametrize(
    ("lifetime", "until", "first", "expected"),
    [
        (10.0, 20.0, None, [10.0]),  # at the end itself nothing is bought
        (8.0, 20.0, None, [8.0, 16.0]),
        (10.0, 20.0, 3.0, [3.0, 13.0]),
        (25.0, 20.0, None, []),
        (10.0, 20.0, 20.0, []),
        (10.0, 20.0, 0.0, [0.0, 10.0]),
    ],
)
def test_when_things_are_bought_anew(lifetime, until, first, expected):
    assert replacement_times(lifetime, until, first) == expected


def test_replacements_are_worth_their_discounted_prices():
    worth = present_value_of_replacements(0.05, 100.0, 8.0, 20.0)
    assert worth == pytest.approx(100 / 1.05**8 + 100 / 1.05**16)


def test_depreciation_by_hand():
    """1,000 over five years: 200 each; declining by 2/5: 400, 240, 144, then 216 left in two equal parts of 108."""
    assert depreciation(1000.0, 5).tolist() == pytest.approx([200.0] * 5)
    declining = depreciation(1000.0, 5, "declining_balance").tolist()
    assert declining == pytest.approx([400.0, 240.0, 144.0, 108.0, 108.0])


@given(st.floats(0.0, 1e6), st.integers(1, 40), st.sampled_from(["straight_line", "declining_balance"]))
def test_all_that_was_paid_is_written_off(amount, years, method):
    parts = depreciation(amount, years, method)
    assert len(parts) == years
    assert parts.sum() == pytest.approx(amount)
    assert (np.diff(parts) <= 1e-6 * amount + 1e-12).all()


def test_nothing_is_written_off_in_no_years():
    with pytest.raises(ValueError, match="at least one year"):
        depreciation(100.0, 0)


def test_losses_save_taxes_or_lower_later_ones():
    """Profits -100, 60, 90 at 25 %: at once -25, 15, 22.5; carried forward only 50 of the third year are taxed."""
    assert taxes([-100.0, 60.0, 90.0], 0.25).tolist() == pytest.approx([-25.0, 15.0, 22.5])
    assert taxes([-100.0, 60.0, 90.0], 0.25, "carried_forward").tolist() == pytest.approx([0.0, 0.0, 12.5])
