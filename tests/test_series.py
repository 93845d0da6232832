"""Series and tables: a column of any interval on steps of any length, with the energy it had."""

from __future__ import annotations

import os
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.errors import InputError
from microgrid.series import Series, in_unit, mean_over_steps
from microgrid.tables import open_table
from microgrid.timeline import Timeline

START = pd.Timestamp("2026-06-15T00:00+02:00")
MINUTE = pd.Timedelta(minutes=1)


def table(folder, rows, header="time,load [kW]"):
    path = folder / "table.csv"
    path.write_text(header + "\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def hourly(count, start="2026-06-15T00:00+02:00"):
    times = pd.date_range(start, periods=count, freq="h")
    return [f"{time.isoformat()},{number}" for number, time in enumerate(times)]


def test_a_number_holds_for_all_steps():
    assert Series(np.asarray(3.0)).on(Timeline.of_hours([1.0, 2.0])).tolist() == [3.0, 3.0]


def test_as_many_numbers_as_steps():
    timeline = Timeline.of_hours([1.0, 2.0])
    assert Series(np.array([3.0, 4.0])).on(timeline).tolist() == [3.0, 4.0]
    with pytest.raises(InputError, match="demand: 3 values\n   wanted one value, or one for each of the 2 steps"):
        Series(np.array([3.0, 4.0, 5.0])).on(timeline, "demand")


def test_lowest_and_highest():
    series = Series(np.array([3.0, -4.0, 5.0]))
    assert (series.lowest, series.highest) == (-4.0, 5.0)


def test_intervals_that_are_the_steps_keep_their_values():
    values = np.array([1.1, 2.2, 3.3])
    timeline = Timeline.of_hours([1.0, 1.0, 1.0], "2026-06-15T00:00+02:00", "Europe/Berlin")
    assert mean_over_steps(values, START, 60 * MINUTE, timeline).tolist() == values.tolist()


def test_longer_steps_take_the_mean_and_shorter_ones_the_value():
    timeline = Timeline.of_hours([0.5, 0.5, 2.0, 0.25], "2026-06-15T00:00+02:00")
    means = mean_over_steps(np.array([1.0, 2.0, 6.0, 8.0]), START, 60 * MINUTE, timeline)
    assert means.tolist() == [1.0, 1.0, 4.0, 8.0]


numbers = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=48, max_size=48)
steps = st.lists(st.sampled_from([1, 5, 7, 15, 20, 30, 45, 60, 90, 120]), min_size=1, max_size=40)


@given(numbers, st.sampled_from([5, 10, 15, 30, 60]), steps, st.integers(0, 59))
def test_the_energy_is_kept_whatever_the_lengths(values, interval, minutes, late):
    """The horizon starts and ends anywhere within the data; its energy is the exact sum over minutes."""
    data = np.repeat(np.array(values), interval)
    while late + sum(minutes) > len(data):
        minutes = minutes[:-1]
    if not minutes:
        return
    timeline = Timeline.of_hours(np.array(minutes) / 60, (START + late * MINUTE).isoformat())
    means = mean_over_steps(np.array(values), START, interval * MINUTE, timeline)
    edges = late + np.concatenate([[0], np.cumsum(minutes)])
    exact = [data[a:b].mean() for a, b in pairwise(edges)]
    assert means == pytest.approx(exact, rel=1e-9, abs=1e-9 * (1 + np.abs(data).max()) * len(data))
    assert means.min() >= data.min()
    assert means.max() <= data.max()


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3]), min_size=48, max_size=48), steps)
def test_a_mean_of_what_is_never_negative_is_never_negative(values, minutes):
    minutes = minutes[: max(1, np.searchsorted(np.cumsum(minutes), 48 * 15))]
    timeline = Timeline.of_hours(np.array(minutes[:6]) / 60, START.isoformat())
    assert mean_over_steps(np.array(values), START, 15 * MINUTE, timeline).min() >= 0.0


def test_a_whole_fraction_divides():
    assert in_unit(np.array([95.0, 3.0]), 0.01).tolist() == [0.95, 0.03]
    assert in_unit(np.array([95.0]), 1000.0).tolist() == [95000.0]


def test_a_table_across_the_clock_change_is_taken_in_true_time(tmp_path):
    """23 hours of the local day, written in UTC: no value is lost or doubled."""
    opened = open_table(table(tmp_path, hourly(30, "2026-03-28T20:00+00:00")))
    local = pd.Timestamp("2026-03-29", tz="Europe/Berlin")
    timeline = Timeline.regular(local, local + pd.DateOffset(days=1), 60 * MINUTE)
    assert opened.on(timeline, "load").tolist() == list(range(3, 26))


def test_a_doubled_hour_on_the_wall_is_two_rows(tmp_path):
    rows = ["2026-10-25T02:00+02:00,1", "2026-10-25T02:00+01:00,2", "2026-10-25T03:00+01:00,3"]
    timeline = Timeline.of_hours([1.0, 1.0, 1.0], "2026-10-25T00:00+00:00", "Europe/Berlin")
    assert open_table(table(tmp_path, rows)).on(timeline, "load").tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("\n", ",\n"),
        lambda text: text + ",\n,\n",
        lambda text: text.replace(",", ", "),
        lambda text: text.replace("time,load [kW]", '"time","load [kW]"'),
        lambda text: text.replace("load [kW]", " load[kW] "),
        lambda text: text.replace("T", " "),
        lambda text: text.replace("+02:00", "+0200"),
        lambda text: text.replace("+02:00", "+02"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("load [kW]", "load [kW],remark").replace(",1\n", ",1,\n").replace("time,", "time,"),
    ],
)
def test_a_table_is_read_however_it_was_saved(tmp_path, change):
    text = "time,load [kW]\n" + "".join(f"{row}\n" for row in hourly(4))
    changed = change(text)
    if "remark" in changed:
        lines = changed.splitlines()
        changed = "\n".join([lines[0], *(",".join([*line.split(",")[:2], "a word"]) for line in lines[1:])])
    path = tmp_path / "table.csv"
    path.write_bytes(changed.encode())
    timeline = Timeline.of_hours([1.0] * 4, START.isoformat())
    assert open_table(path).on(timeline, "load").tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_gap_outside_the_horizon_does_not_matter(tmp_path):
    rows = [*hourly(4), "2026-06-15T04:00:00+02:00,"]
    opened = open_table(table(tmp_path, rows))
    assert opened.on(Timeline.of_hours([1.0] * 4, START.isoformat()), "load").tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(InputError, match=r"no value at 2026-06-15T02:00\+00:00"):
        opened.on(Timeline.of_hours([1.0] * 5, START.isoformat()), "load")


def test_a_file_that_changed_is_read_again(tmp_path):
    timeline = Timeline.of_hours([1.0] * 2, START.isoformat())
    path = table(tmp_path, hourly(2))
    first = open_table(path)
    assert open_table(path) is first
    table(tmp_path, [row + "0" for row in hourly(2)])
    os.utime(path, ns=(1, 1))
    assert open_table(path).on(timeline, "load").tolist() == [0.0, 10.0]


def test_names_and_units(tmp_path):
    opened = open_table(table(tmp_path, [f"{row},1,x" for row in hourly(2)], "time,load [kW],a b [EUR/kWh],remark"))
    assert opened.names == ["load", "a b", "remark"]
    assert opened.unit("a b") == "EUR/kWh"
    with pytest.raises(InputError, match="no unit in the header"):
        opened.unit("remark")
