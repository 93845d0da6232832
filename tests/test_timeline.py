"""Laws of the timeline: steps and points, clock changes, billing months, metering windows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.errors import InputError
from microgrid.timeline import Timeline
from microgrid.units import quantity

HOUR, QUARTER, DAY = pd.Timedelta(hours=1), pd.Timedelta(minutes=15), pd.Timedelta(days=1)
ZONES = ("Europe/Berlin", "Asia/Shanghai", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "UTC")


def local(text: str, zone: str = "Europe/Berlin") -> pd.Timestamp:
    return pd.Timestamp(text).tz_localize(zone, nonexistent="shift_forward", ambiguous=True)


def year(number: int, zone: str = "Europe/Berlin", step: pd.Timedelta = HOUR) -> Timeline:
    return Timeline.regular(local(f"{number}-01-01", zone), local(f"{number + 1}-01-01", zone), step)


def day(text: str, zone: str = "Europe/Berlin", step: pd.Timedelta = HOUR) -> Timeline:
    start = local(text, zone)
    end = local(str((start.tz_localize(None) + DAY).date()), zone)
    return Timeline.regular(start, end, step)


def assert_is_whole(timeline: Timeline) -> None:
    """Points are one more than steps, and each step ends where the next begins."""
    assert len(timeline.points) == len(timeline) + 1
    assert timeline.points[-1] == timeline.end
    ends = timeline.index + pd.to_timedelta(timeline.hours, unit="h")
    assert (ends[:-1] == timeline.index[1:]).all()
    assert timeline.elapsed[-1] == pytest.approx((timeline.end - timeline.index[0]) / HOUR)
    assert timeline.index.is_unique
    assert timeline.index.is_monotonic_increasing


@pytest.mark.parametrize(("number", "hours"), [(2025, 8760), (2026, 8760), (2028, 8784)])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe", "UTC"])
def test_a_year_has_all_its_hours(number, hours, zone):
    timeline = year(number, zone)
    assert len(timeline) == hours
    assert timeline.years == pytest.approx(1.0, abs=1e-12)
    assert_is_whole(timeline)
    assert len(year(number, zone, QUARTER)) == 4 * hours


@pytest.mark.parametrize(
    ("text", "zone", "hours"),
    [
        ("2026-03-29", "Europe/Berlin", 23.0),
        ("2026-10-25", "Europe/Berlin", 25.0),
        ("2026-06-15", "Europe/Berlin", 24.0),
        ("2028-02-29", "Europe/Berlin", 24.0),
        ("2026-10-04", "Australia/Sydney", 23.0),
        ("2026-04-05", "Australia/Sydney", 25.0),
        ("2026-10-04", "Australia/Lord_Howe", 23.5),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2026-09-06", "America/Santiago", 23.0),
        ("2026-06-15", "Asia/Kolkata", 24.0),
    ],
)
def test_a_local_day_has_its_own_length(text, zone, hours):
    timeline = day(text, zone, pd.Timedelta(minutes=30))
    assert timeline.hours.sum() == hours
    assert len(timeline) == 2 * hours
    assert_is_whole(timeline)


@pytest.mark.parametrize("zone", ZONES)
def test_the_months_of_a_year_are_whole(zone):
    shares = year(2026, zone, QUARTER).month_shares
    assert list(shares) == [f"2026-{month:02d}" for month in range(1, 13)]
    assert list(shares.values()) == pytest.approx([1.0] * 12, abs=1e-12)


def test_a_part_of_a_month_is_told_as_one():
    assert day("2026-06-15").month_shares == {"2026-06": pytest.approx(1 / 30)}
    across = Timeline.regular(local("2026-06-30"), local("2026-07-02"), HOUR)
    assert across.month_shares == {"2026-06": pytest.approx(1 / 30), "2026-07": pytest.approx(1 / 31)}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minutes", [15.0, 30.0, 60.0])
def test_windows_share_the_steps_among_them(zone, minutes):
    timeline = Timeline.regular(local("2026-04-03", zone), local("2026-04-07", zone), QUARTER)
    windows = timeline.windows(minutes)
    assert windows.shape == (len(timeline),)
    assert sorted(set(windows)) == list(range(windows.max() + 1))
    assert (np.diff(windows) >= 0).all(), "a window is one run of steps"
    length = pd.Series(timeline.hours).groupby(windows).sum().to_numpy()
    halves = int(zone == "Australia/Lord_Howe" and minutes == 60.0)  # its clock goes back by half an hour
    assert (length == 0.5).sum() == halves or minutes == 30.0
    assert length[length != 0.5] == pytest.approx(minutes / 60)


def test_the_doubled_hour_has_windows_of_its_own():
    timeline = day("2026-10-25", step=QUARTER)
    counts = pd.Series(timeline.windows(60.0)).value_counts()
    assert len(counts) == 25
    assert (counts == 4).all()


def test_a_step_longer_than_a_window_is_a_window():
    timeline = Timeline.of_hours([0.25] * 4 + [1.0, 1.0])
    assert timeline.windows(15.0).tolist() == [0, 1, 2, 3, 4, 5]
    assert timeline.windows(60.0).tolist() == [0, 0, 0, 0, 1, 2]


def test_a_step_across_the_edge_of_a_window_is_refused():
    with pytest.raises(InputError, match="divide or fill metering windows of 15 min"):
        Timeline.of_hours([1 / 6] * 3).windows(15.0)


lengths = st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0, 6.0]), min_size=1, max_size=60)


@given(lengths, st.sampled_from(ZONES))
def test_unequal_steps_are_whole(hours, zone):
    timeline = Timeline.of_hours(hours, "2026-03-28T23:00+00:00", zone)
    assert_is_whole(timeline)
    assert timeline.elapsed.tolist() == pytest.approx([0.0, *np.cumsum(hours)])


@given(lengths, st.lists(st.floats(0.0, 365.0), min_size=60, max_size=60))
def test_weights_count_steps(hours, weights):
    counts = weights[: len(hours)]
    timeline = Timeline.of_hours(hours, weights=counts)
    assert timeline.weighted_hours.sum() == pytest.approx(float(np.dot(hours, counts)))
    assert timeline.years == pytest.approx(float(np.dot(hours, counts)) / 8760)
    assert timeline.is_plain == all(count == 1 for count in counts)


@pytest.mark.parametrize(("price", "paid"), [("1 EUR/kW/d", 365.0), ("1 EUR/kW/h", 8760.0), ("1 EUR/kW/month", 12.0)])
def test_a_year_is_the_same_in_units_and_on_the_timeline(price, paid):
    assert quantity(price, "EUR/kW/a") * year(2026).years == pytest.approx(paid, rel=1e-12)


def test_spans_may_come_from_anywhere_but_must_come():
    start = local("2026-06-15")
    assert len(Timeline.spans(iter([(start, start + DAY, HOUR)]))) == 24
    with pytest.raises(InputError, match="horizon: no spans"):
        Timeline.spans([])


def test_spans_follow_each_other():
    start = local("2026-06-15")
    timeline = Timeline.spans([(start, start + DAY, QUARTER), (start + DAY, start + 3 * DAY, HOUR)])
    assert len(timeline) == 96 + 48
    assert_is_whole(timeline)


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        ("2026-06-16", "2026-06-15", HOUR),
        ("2026-06-15", "2026-06-15", HOUR),
        ("2026-06-15", "2026-06-16", pd.Timedelta(minutes=7)),
        ("2026-06-15", "2026-06-16", pd.Timedelta(0)),
        ("2026-06-15", "2026-06-16", -HOUR),
        ("2026-03-29", "2026-03-30", DAY),
    ],
)
def test_steps_that_do_not_fill_a_span_are_refused(start, end, step):
    with pytest.raises(InputError, match="a whole number of steps away"):
        Timeline.regular(local(start), local(end), step)


@pytest.mark.parametrize(
    ("times", "hours", "weights", "found"),
    [
        (["2026-01-01"], [1.0], [1.0], "times without a zone"),
        ([], [], [], "0 times"),
        (["2026-01-01T00:00Z"], [1.0, 2.0], [1.0], "1 times"),
        (["2026-01-01T00:00Z"], [0.0], [1.0], "a step of no length"),
        (["2026-01-01T00:00Z"], [np.nan], [1.0], "a step of no length"),
        (["2026-01-01T00:00Z"], [1.0], [-1.0], "a negative weight"),
    ],
)
def test_what_no_plan_could_stand_on_is_refused(times, hours, weights, found):
    index = pd.DatetimeIndex(times) if times else pd.DatetimeIndex([], tz="UTC")
    with pytest.raises(InputError, match=found):
        Timeline(index, np.array(hours), np.array(weights))
