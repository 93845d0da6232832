"""Weather: files that read right or say why not, means that keep their energy, and powers worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.errors import InputError
from microgrid.timeline import Timeline
from microgrid.weather import (
    Panels,
    Unsaid,
    Weather,
    on_timeline,
    pv_availability,
    read_weather,
    turbine_names,
    wind_availability,
)

SHANGHAI = {"latitude": 31.4, "longitude": 121.45}
HEADER = "time,ghi [W/m2],dni [W/m2],dhi [W/m2],temperature [degC],wind_speed [m/s]"
ROWS = (
    "2025-06-01T10:00+08:00,500,400,200,25,3",
    "2025-06-01T11:00+08:00,600,500,220,26,4",
    "2025-06-01T12:00+08:00,700,600,240,27,5",
)


def read(path, **unsaid):
    """Read a weather file that leaves some things unsaid."""
    return read_weather(path, Unsaid(**unsaid))


def panels_give(data, timeline, latitude=None, longitude=None, **panels):
    """Return what a kW of panels gives."""
    return pv_availability(data, timeline, Panels(**panels), latitude, longitude)


def weather(start: str = "2025-06-01T00:00+08:00", step: str = "1h", n: int = 24, **columns: object) -> Weather:
    """Return Shanghai weather of constant values, or of those given as a column or as a field."""
    constants = {"ghi": 0.0, "dni": 0.0, "dhi": 0.0, "temperature": 20.0, "wind_speed": 5.0, "pressure": 101_325.0}
    fields = SHANGHAI | {name: columns.pop(name) for name in list(columns) if name not in constants}
    index = pd.date_range(start, periods=n, freq=step)
    frame = pd.DataFrame(constants | columns, index=index, columns=list(constants)).astype(float)
    return Weather(frame, **fields)


def steps(start: str, step: str, n: int, zone: str | None = None) -> Timeline:
    first = pd.Timestamp(start)
    first = first.tz_convert(zone) if zone else first
    return Timeline.regular(first, first + n * pd.Timedelta(step), pd.Timedelta(step))


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, end: str = "\n", encoding: str = "utf-8") -> Path:
        path = tmp_path / "site.csv"
        path.write_bytes(end.join([*lines, ""]).encode(encoding))
        return path

    return write


def epw_row(hour: int, date: str = "2005,6,1", minute: int = 0, **values: float) -> str:
    """Return a line of an EPW file; radiation rises through the day, so that hours can be told apart."""
    known = {"temperature": 20.0, "pressure": 101_000, "ghi": 10 * hour, "dni": hour, "dhi": 5 * hour}
    v = known | {"wind_speed": 2.5} | values
    return (
        f"{date},{hour},{minute},?9?9?9?9E0,{v['temperature']},15.0,70,{v['pressure']},9999,9999,300,"
        f"{v['ghi']},{v['dni']},{v['dhi']},999900,999900,999900,9999,190,{v['wind_speed']},1,1,"
        "9999,99999,9,999999999,0,0.0,0,88,0.0,0.0,1.0"
    )


def epw_heading(per_hour: int = 1) -> list[str]:
    return [
        "LOCATION,Shanghai,Shanghai,CHN,CSWD,583620,31.40,121.45,8.0,5.5",
        "DESIGN CONDITIONS,0",
        "TYPICAL/EXTREME PERIODS,0",
        "GROUND TEMPERATURES,0",
        "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
        "COMMENTS 1,Città",
        "COMMENTS 2,",
        f"DATA PERIODS,1,{per_hour},Data,Sunday, 1/ 1,12/31",
    ]


@pytest.fixture
def epw_file(tmp_path: Path) -> Callable[..., Path]:
    def write(
        rows: Sequence[str], heading: Sequence[str] | None = None, end: str = "\r\n", encoding: str = "latin-1"
    ) -> Path:
        path = tmp_path / "site.EPW"
        lines = [*(epw_heading() if heading is None else heading), *rows, ""]
        path.write_bytes(end.join(lines).encode(encoding))
        return path

    return write


def message(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


# EPW files


def test_epw_hour_one_is_the_first_hour_of_local_standard_time(epw_file):
    got = read(epw_file([epw_row(hour) for hour in range(1, 25)]))
    assert got.typical_year
    assert (got.latitude, got.longitude, got.elevation, got.wind_height) == (31.40, 121.45, 5.5, 10.0)
    assert got.frame.index[0] == pd.Timestamp("2001-06-01T00:00+08:00")
    assert got.step == pd.Timedelta("1h")
    assert got.frame["ghi"].tolist() == [10.0 * hour for hour in range(1, 25)]
    assert got.frame.iloc[0].to_dict() == {
        "ghi": 10.0,
        "dni": 1.0,
        "dhi": 5.0,
        "temperature": 20.0,
        "wind_speed": 2.5,
        "pressure": 101_000.0,
    }


def test_epw_of_a_real_year_keeps_its_years_and_what_is_given_overrides_the_file(epw_file):
    rows = [epw_row(hour, date="2012,2,29") for hour in range(1, 25)]
    got = read(epw_file(rows), typical_year=False, latitude=30.0, elevation=7.0, wind_height=50.0)
    assert got.frame.index[0] == pd.Timestamp("2012-02-29T00:00+08:00")
    assert (got.latitude, got.longitude, got.elevation, got.wind_height) == (30.0, 121.45, 7.0, 50.0)


def test_epw_of_a_leap_year_loses_its_29_february_as_a_typical_year(epw_file):
    dates = ("2012,2,28", "2012,2,29", "2012,3,1")
    rows = [epw_row(hour, date=date, temperature=n) for n, date in enumerate(dates) for hour in range(1, 25)]
    got = read(epw_file(rows))
    assert len(got.frame) == 48
    assert got.frame["temperature"].unique().tolist() == [0.0, 2.0]


def test_epw_months_of_several_years_are_one_typical_year(epw_file):
    rows = [epw_row(hour, date=date) for date in ("1998,1,31", "2004,2,1") for hour in range(1, 25)]
    got = read(epw_file(rows))
    assert got.frame.index[24] == pd.Timestamp("2001-02-01T00:00+08:00")


def test_epw_with_two_records_an_hour_is_read_by_their_order(epw_file):
    rows = [epw_row(hour, minute=minute) for hour in (1, 2) for minute in (30, 60)]
    got = read(epw_file(rows, epw_heading(per_hour=2)))
    assert got.step == pd.Timedelta("30min")
    assert got.frame["dni"].tolist() == [1.0, 1.0, 2.0, 2.0]


def test_epw_without_pressure_takes_that_of_the_standard_atmosphere(epw_file):
    """ISO 2533 has 89,874.6 Pa at 1,000 m."""
    rows = [epw_row(hour, pressure=999_999) for hour in (1, 2)]
    got = read(epw_file(rows), elevation=1000.0)
    assert got.frame["pressure"].tolist() == pytest.approx([89_874.6] * 2, rel=1e-5)


def test_epw_without_direct_and_diffuse_splits_the_global(epw_file):
    rows = [epw_row(hour, ghi=300, dni=9999, dhi=9999) for hour in (11, 12, 13)]
    got = read(epw_file(rows)).frame
    assert (got["dni"] > 0).all()
    assert (got["dhi"].between(100, 300)).all()


def test_a_byte_order_mark_and_either_line_end_are_read(epw_file):
    rows = [epw_row(hour) for hour in (1, 2)]
    one = read(epw_file(rows, end="\r\n", encoding="latin-1")).frame
    other = read(epw_file(rows, end="\n", encoding="utf-8-sig")).frame
    pd.testing.assert_frame_equal(one, other)


def test_epw_faults_are_told_with_line_and_time(epw_file):
    rows = [epw_row(1), epw_row(2, temperature=99.9), epw_row(3, temperature=99.9), epw_row(4, ghi=9999, wind_speed=80)]
    path = epw_file(rows)
    assert message(lambda: read(path)) == (
        f'{path}:10  temperature: "99.9" at 2005-06-01T01:00+08:00, and 1 more\n'
        "   wanted -90 to 60 degC; fill the gap; codes such as 9999 mean that a value is missing\n"
        f'{path}:12  ghi: "9999" at 2005-06-01T03:00+08:00\n'
        "   wanted -5 to 2000 W/m2; fill the gap; codes such as 9999 mean that a value is missing\n"
        f"{path}:12  wind_speed: 80 m/s at 2005-06-01T03:00+08:00\n"
        "   wanted 0 to 75 m/s"
    )


def test_epw_gaps_doubles_and_bad_hours_are_told(epw_file):
    path = epw_file([epw_row(hour) for hour in (1, 2, 3, 5, 6)])
    assert message(lambda: read(path)) == (
        f"{path}:12  time: 2005-06-01T03:00+08:00 is missing\n   wanted steps of 60 min without gaps"
    )
    path = epw_file([epw_row(hour) for hour in (1, 2, 2, 3)])
    assert message(lambda: read(path)) == (
        f"{path}:11  time: 2005-06-01T01:00+08:00 stands twice\n   wanted every month, day and time once"
    )
    path = epw_file([epw_row(hour) for hour in (0, 1, 2)])
    assert message(lambda: read(path)) == (
        f'{path}:9  time: "2005,6,1,0"\n   wanted year, month, day and an hour from 1 to 24'
    )


def test_what_is_no_epw_is_refused(epw_file):
    path = epw_file([], heading=["time,ghi [W/m2]"])
    assert message(lambda: read(path)) == (
        f'{path}:1  weather: "time,ghi [W/m2]"\n'
        '   wanted "LOCATION,city,region,country,source,number,latitude,longitude,time zone,elevation"; '
        "is it an EPW file?"
    )
    path = epw_file([], heading=["LOCATION,a,b,c,d,e,north,121,8,5"])
    assert message(lambda: read(path)).startswith(f'{path}:1  weather: "LOCATION,a,b,c,d,e,north,121,8,5"\n')
    path = epw_file([], heading=["LOCATION,a,b,c,d,e,31,121,80,5"])
    assert message(lambda: read(path)) == f"{path}:1  time zone: 80\n   wanted -12 to 14 h ahead of UTC"
    path = epw_file([], heading=epw_heading()[:-1])
    assert message(lambda: read(path)) == (
        f'{path}  weather: no such line\n   wanted a line "DATA PERIODS" before the data'
    )
    path = epw_file([], heading=epw_heading(per_hour=7))
    assert message(lambda: read(path)) == (f"{path}:8  weather: 7 records an hour\n   wanted a number that divides 60")
    path = epw_file([])
    assert message(lambda: read(path)) == (f"{path}  weather: no data\n   wanted lines of 35 fields, as EPW files have")
    path = epw_file([epw_row(1), "2005,6,1,2,0"])
    assert message(lambda: read(path)) == (
        f"{path}:10  weather: 5 fields\n   wanted lines of 35 fields, as EPW files have"
    )


# CSV files


def test_csv_units_are_those_of_the_header(csv_file):
    path = csv_file(
        "time, wind_speed [km/h] ,temperature [K],pressure [hPa],ghi [kW/m²],dni [W/m^2],dhi [W/m2]",
        "2025-06-01T10:00+08:00,36,293.15,1013.25,0.5,400,200",
        "2025-06-01T10:15+08:00,18,273.15,900,-0.001,-0.0,200",
    )
    got = read(path)
    assert not got.typical_year
    assert (got.latitude, got.longitude, got.elevation) == (None, None, None)
    assert got.step == pd.Timedelta("15min")
    assert got.frame["wind_speed"].tolist() == pytest.approx([10.0, 5.0])
    assert got.frame["temperature"].tolist() == pytest.approx([20.0, 0.0])
    assert got.frame["pressure"].tolist() == pytest.approx([101_325.0, 90_000.0])
    assert got.frame["ghi"].tolist() == [500.0, 0.0]
    assert not np.signbit(got.frame["dni"]).any()


def test_csv_with_byte_order_mark_and_windows_line_ends_is_the_same(csv_file):
    one = read(csv_file(HEADER, *ROWS)).frame
    other = read(csv_file(HEADER, *ROWS, "", end="\r\n", encoding="utf-8-sig")).frame
    pd.testing.assert_frame_equal(one, other)


def test_csv_times_may_be_bare_if_the_offset_is_given(csv_file):
    path = csv_file(HEADER, *(row.replace("+08:00", "").replace("T", " ") for row in ROWS))
    got = read(path, utc_offset=8)
    assert got.frame.index.tolist() == pd.date_range("2025-06-01T10:00+08:00", periods=3, freq="h").tolist()


def test_csv_through_a_change_of_clocks_has_the_lower_offset_as_standard_time(csv_file):
    """On 30 March 2025, 02:00 is 03:00 in Berlin: the offsets jump, the time does not."""
    stamps = ("2025-03-30T01:00+01:00", "2025-03-30T03:00+02:00", "2025-03-30T04:00+0200", "2025-03-30T03:00Z")
    path = csv_file(HEADER, *(f"{time},{row.split(',', 1)[1]}" for time, row in zip(stamps, ROWS * 2, strict=False)))
    index = read(path, utc_offset=1).frame.index
    assert index[0].utcoffset() == pd.Timedelta("1h")
    assert (np.diff(index) == pd.Timedelta("1h")).all()


def test_typical_csv_may_skip_29_february_and_start_on_any_day(csv_file):
    days = ("2020-02-27", "2020-02-28", "2020-03-01")
    path = csv_file(HEADER, *(f"{day}T{h:02}:00Z,0,0,0,{h},3" for day in days for h in range(24)))
    got = read(path, typical_year=True)
    assert got.frame.index[-1] == pd.Timestamp("2001-03-01T23:00Z")
    assert "is missing" in message(lambda: read(path))


def test_overcast_sky_is_split_by_hand(csv_file):
    """Erbs below a clearness of 0.22: the diffuse share is 1 - 0.09 kt.

    At the equator on the equinox the sun is overhead at noon. An hour around it has a mean sine of elevation of
    sin(7.5 deg)/(7.5 deg in rad) = 0.99715. Of 1366.1 W/m2 times 1.0097 (Spencer, day 79) = 1379 W/m2 in space,
    137.9 W/m2 are kt = 0.1003, so the beam is 137.9 x 0.09 x 0.1003 / 0.99715 = 1.248 W/m2.
    """
    rows = ("2025-03-20T11:37:30Z,137.9,20,3", "2025-03-20T12:37:30Z,100,20,3")
    path = csv_file("time,ghi [W/m2],temperature [degC],wind_speed [m/s]", *rows)
    got = read(path, latitude=0.0, longitude=0.0).frame.iloc[0]
    assert got["dni"] == pytest.approx(1.248, rel=0.01)
    assert got["dhi"] == pytest.approx(137.9 - got["dni"] * 0.99715, abs=0.01)


def test_split_radiation_adds_up_and_no_beam_outshines_the_clearest_sky(csv_file):
    """The last row has a noon's radiation at sunset, as files with a wrong clock have."""
    glow = [0, 0, 40, 200, 420, 610, 780, 890, 930, 900, 790, 620, 430, 210, 45, 600]
    path = csv_file(
        "time,ghi [W/m2],temperature [degC],wind_speed [m/s]",
        *(f"2025-06-01T{hour:02}:00+08:00,{ghi},20,3" for hour, ghi in enumerate(glow, start=3)),
    )
    got = read(path, **SHANGHAI)
    assert (got.frame["dhi"] >= 0).all()
    assert got.frame["dni"].iloc[-1] < 500
    assert got.frame["dni"].iloc[:2].tolist() == [0.0, 0.0]
    fine = on_timeline(got, steps("2025-06-01T05:00+08:00", "1min", 12 * 60))
    noon = fine.loc["2025-06-01T11:30+08:00":"2025-06-01T12:10+08:00"]
    # The sun stands at 79.4 to 80.7 deg then, with sines of 0.983 to 0.987.
    beam = (noon["ghi"] - noon["dhi"]).to_numpy() / noon["dni"].to_numpy()
    assert beam == pytest.approx(np.full(41, 0.985), abs=0.003)


def test_global_is_split_again_if_the_parts_are_not_to_be_trusted(csv_file):
    path = csv_file(HEADER, *ROWS)
    trusted = read(path, **SHANGHAI).frame
    split = read(path, **SHANGHAI, split_global=True).frame
    assert trusted["dni"].tolist() == [400.0, 500.0, 600.0]
    assert split["ghi"].tolist() == trusted["ghi"].tolist()
    assert (split["dni"] != trusted["dni"]).all()


def test_times_that_are_late_are_put_right(csv_file):
    got = read(csv_file(HEADER, *ROWS), time_shift=-1 / 3)
    assert got.frame.index[0] == pd.Timestamp("2025-06-01T09:40+08:00")
    hour = on_timeline(got, steps("2025-06-01T10:00+08:00", "1h", 1))
    assert hour["ghi"].iloc[0] == pytest.approx((2 * 500 + 600) / 3)


def test_every_fault_of_a_header_is_told(csv_file):
    path = csv_file(
        "time [UTC],GHI [W/m2],dni [kWh],temperature,wind_speed [m/s],wind_speed [m/s],humidity [%]", f"{ROWS[0]},70"
    )
    known = "one of time, ghi, dni, dhi, temperature, wind_speed, pressure"
    assert message(lambda: read(path)) == (
        f'{path}:1  header: "time [UTC]"\n   wanted time without a unit; write "time"\n'
        f'{path}:1  header: "GHI [W/m2]"\n   wanted {known}; did you mean "ghi [W/m2]"?\n'
        f'{path}:1  header: "dni [kWh]"\n   wanted a unit that converts to W/m2; such as "dni [W/m2]"\n'
        f'{path}:1  header: "temperature" without a unit\n'
        '   wanted the unit in brackets; write "temperature [degC]"\n'
        f'{path}:1  header: "wind_speed [m/s]" again\n   wanted every column once\n'
        f'{path}:1  header: "humidity [%]"\n   wanted {known}\n'
        f'{path}:1  ghi: no such column\n   wanted a column "ghi [W/m2]"\n'
        f'{path}:1  dhi: no such column\n   wanted a column "dhi [W/m2]"'
    )


def test_every_fault_of_the_rows_is_told(csv_file):
    path = csv_file(
        HEADER,
        "2025-06-01T10:00+08:00,500,400,200,25,3",
        "2025-06-01T11:00+08:00,-6,,200,61,abc",
        "2025-06-01T12:00+08:00,500,400,200,25",
        "2025-06-01T12:00+08:00,500,,200,61,inf",
        "2025-06-01T14:00+08:00,500,nan,200,25,3",
    )
    assert message(lambda: read(path)) == (
        f"{path}:4  row: 5 cells\n   wanted 6 cells, as the header has\n"
        f"{path}:6  time: 2025-06-01T13:00+08:00 is missing\n   wanted steps of 60 min without gaps\n"
        f"{path}:3  ghi: -6 W/m2 at 2025-06-01T11:00+08:00\n   wanted -5 to 2000 W/m2\n"
        f"{path}:3  dni: no value at 2025-06-01T11:00+08:00, and 2 more\n   wanted -5 to 1500 W/m2\n"
        f"{path}:3  temperature: 61 degC at 2025-06-01T11:00+08:00, and 1 more\n   wanted -90 to 60 degC\n"
        f'{path}:3  wind_speed: "abc" at 2025-06-01T11:00+08:00, and 1 more\n   wanted 0 to 75 m/s'
    )


def test_times_that_cannot_be_told_are_refused(csv_file):
    bare = [row.replace("+08:00", "") for row in ROWS]
    path = csv_file(HEADER, *bare)
    assert message(lambda: read(path)) == (
        f'{path}:2  time: "2025-06-01T10:00" without an offset, and 2 more\n'
        "   wanted times with their offset from UTC; write 2026-01-01T00:00+08:00, or say the file's UTC offset"
    )
    path = csv_file(HEADER, ROWS[0], "06/01/2025 11:00" + ROWS[1][22:], ROWS[2].replace("25,", "x,"))
    assert message(lambda: read(path)) == (
        f'{path}:3  time: "06/01/2025 11:00"\n   wanted an ISO time; such as 2026-01-01T00:00+08:00'
    )
    path = csv_file(HEADER, ROWS[1], ROWS[0], ROWS[2])
    assert message(lambda: read(path)) == (
        f"{path}:3  time: 2025-06-01T10:00+08:00 after 2025-06-01T11:00+08:00, and 1 more\n"
        "   wanted times in ascending order, in equal steps"
    )
    path = csv_file(HEADER, ROWS[0], ROWS[1], ROWS[1], ROWS[2])
    assert message(lambda: read(path)) == (
        f"{path}:4  time: 2025-06-01T11:00+08:00 stands twice\n   wanted every time once"
    )
    path = csv_file(HEADER, ROWS[0])
    assert message(lambda: read(path)) == (
        f"{path}  time: 1 rows\n   wanted at least two, so that the interval is known"
    )
    path = csv_file(HEADER, ROWS[0], ROWS[1].replace("T11:00", "T10:07"))
    assert message(lambda: read(path)) == (
        f"{path}:3  time: steps of 7 min\n   wanted steps that divide a day, such as 60 min"
    )


def test_files_that_cannot_be_read_are_refused(csv_file, tmp_path):
    missing = tmp_path / "none.csv"
    assert message(lambda: read(missing)) == (
        f"{missing}  weather: cannot be read\n   wanted a weather file; check its name and folder"
    )
    other = tmp_path / "site.xlsx"
    assert message(lambda: read(other)) == (
        f'{other}  weather: "site.xlsx"\n   wanted a file that ends in .epw or .csv'
    )
    path = csv_file("")
    assert message(lambda: read(path)) == (
        f"{path}  weather: an empty file\n   wanted a header and rows; start with a header such as "
        '"time,ghi [W/m2],temperature [degC],wind_speed [m/s]"'
    )
    path = csv_file(HEADER, encoding="utf-16")
    text = message(lambda: read(path))
    assert text.startswith(f"{path}  weather: 'utf-8' codec can't decode byte")
    assert text.endswith('\n   wanted a CSV file in UTF-8; save it as "CSV UTF-8"')
    path = csv_file(HEADER, *ROWS)
    assert message(lambda: read(path, utc_offset=480, time_shift=30)) == (
        "utc_offset: 480 h\n   wanted -12 to 14 h\ntime_shift: 30 h\n   wanted -2 to 2 h"
    )
    assert message(lambda: read(path, latitude=131.4, wind_height=0)) == (
        f"{path}  latitude: 131.4 deg\n   wanted -90 to 90 deg\n{path}  wind_height: 0 m\n   wanted 1 to 500 m"
    )


def test_global_alone_and_nowhere_is_refused(csv_file):
    path = csv_file(
        "time,ghi [W/m2],temperature [degC],wind_speed [m/s]", "2025-01-01T00:00Z,0,1,1", "2025-01-01T01:00Z,0,1,1"
    )
    assert message(lambda: read(path)) == (
        f"{path}  weather: global irradiance to split, and no position to do it with\n"
        '   wanted the latitude and longitude, or columns dni and dhi; such as "31.4 deg" and "121.45 deg"'
    )


def test_weather_made_in_python_is_checked_too():
    frame = weather().frame
    assert message(lambda: Weather(frame[["ghi"]])) == (
        "weather.frame: columns ghi\n   wanted columns ghi, dni, dhi, temperature, wind_speed, pressure"
    )
    assert message(lambda: Weather(frame.tz_localize(None))) == (
        "weather.frame: another index\n   wanted at least two zone-aware times as the index"
    )
    assert message(lambda: Weather(frame.drop(frame.index[3]))) == (
        "weather.frame: other times\n   wanted equal intervals that divide a day, without gaps"
    )
    assert message(lambda: Weather(frame.assign(wind_speed=-1.0))) == (
        "wind_speed: -1 m/s at 2025-06-01T00:00+08:00, and 23 more\n   wanted 0 to 75 m/s"
    )
    assert message(lambda: weather("2024-02-28T00:00Z", n=48, typical_year=True)) == (
        "weather.frame: other times\n   wanted at most 365 days, none a 29 February"
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 3), st.integers(0, 5), st.text(max_size=12), st.booleans())
def test_a_broken_cell_gives_an_error_that_names_it_or_none(tmp_path_factory, line, cell, text, typical_year):
    table = [row.split(",") for row in (HEADER, *ROWS)]
    table[line][cell] = text
    path = tmp_path_factory.getbasetemp() / "broken.csv"
    path.write_text("\n".join(",".join(row) for row in table), encoding="utf-8", errors="replace")
    problems = ()
    try:
        read(path, typical_year=typical_year)
    except InputError as error:
        problems = error.problems
    assert all(problem.place.startswith(str(path)) for problem in problems)


# On the scenario's steps


def test_steps_of_the_data_get_the_data():
    rng = np.random.default_rng(1)
    data = weather(ghi=rng.uniform(0, 900, 24), temperature=rng.uniform(-10, 30, 24), wind_speed=rng.uniform(0, 20, 24))
    got = on_timeline(data, steps("2025-06-01T00:00+08:00", "1h", 24))
    pd.testing.assert_frame_equal(got, data.frame, rtol=1e-14, check_freq=False)


def test_longer_steps_get_the_time_weighted_mean():
    """A step of 90 min from 10:30 holds half of hour 10 and all of hour 11: (10/2 + 11)/1.5 degC."""
    data = weather(temperature=np.arange(24.0), latitude=None, longitude=None)
    timeline = Timeline.of_hours([1.5, 3.0, 2.0], start="2025-06-01T10:30+08:00", zone="Asia/Shanghai")
    got = on_timeline(data, timeline)["temperature"].to_numpy()
    # The half hour 10:30 to 11:00 lies on the line through 10 degC at 10:30 and 11 degC at 11:30.
    assert got == pytest.approx([(10.25 * 0.5 + 11) / 1.5, 13.0, 15.5])


def test_within_an_interval_temperature_and_wind_follow_a_steady_rise():
    data = weather(temperature=2.0 * np.arange(24), wind_speed=np.arange(24) / 2)
    got = on_timeline(data, steps("2025-06-01T05:00+08:00", "15min", 8))
    assert got["temperature"].to_numpy() == pytest.approx(9.25 + 0.5 * np.arange(8))
    assert got["wind_speed"].to_numpy() == pytest.approx(2.3125 + 0.125 * np.arange(8))


def test_a_gust_does_not_overshoot_and_a_calm_does_not_go_below_zero():
    data = weather(n=6, wind_speed=[0, 8, 0, 0, 2, 20])
    got = on_timeline(data, steps("2025-06-01T00:00+08:00", "5min", 72))["wind_speed"].to_numpy().reshape(6, 12)
    assert got[:4].tolist() == [[v] * 12 for v in (0.0, 8.0, 0.0, 0.0)]
    assert got.min() >= 0
    assert got.max() <= 20
    assert got.mean(axis=1) == pytest.approx([0, 8, 0, 0, 2, 20])
    assert np.ptp(got[4]) > 2


@pytest.mark.parametrize("start", ["2025-06-21", "2025-12-21", "2025-03-20"])
@pytest.mark.parametrize("latitude", [31.4, -33.9, 69.6, 0.0, 89.0, -90.0])
def test_radiation_keeps_each_intervals_energy(start, latitude):
    """Also where the sun rises within the hour, never sets, never rises, or lights a night that data say is lit."""
    rng = np.random.default_rng(2)
    lit = rng.uniform(0, 500, (3, 24))
    data = weather(f"{start}T00:00Z", ghi=lit[0], dni=lit[1], dhi=lit[2], latitude=latitude, longitude=13.0)
    for step, n in (("15min", 96), ("1min", 1440), ("20min", 72)):
        fine = on_timeline(data, steps(f"{start}T00:00Z", step, n))
        hourly = fine.to_numpy().reshape(24, n // 24, 6).mean(axis=1)
        assert hourly == pytest.approx(data.frame.to_numpy(), rel=1e-12)
        assert (fine.to_numpy()[:, :3] >= 0).all()


def test_radiation_rises_through_a_morning_hour_and_stays_dark_before_sunrise():
    """Shanghai, 1 June: the centre of the sun passes the horizon at 04:55 (SPA, without refraction)."""
    data = weather(ghi=np.where(np.arange(24) == 4, 10.0, 300.0), dni=100.0, dhi=50.0)
    got = on_timeline(data, steps("2025-06-01T04:00+08:00", "10min", 18))
    assert got["ghi"].iloc[:5].tolist() == [0.0] * 5
    assert got["ghi"].iloc[5] == pytest.approx(60.0)
    assert (np.diff(got["ghi"].iloc[6:12]) > 0).all()
    assert got["dni"].iloc[6:12].tolist() == pytest.approx([100.0] * 6)


def test_without_a_position_radiation_is_held():
    data = weather(ghi=np.arange(24.0), latitude=None)
    got = on_timeline(data, steps("2025-06-01T10:00+08:00", "15min", 8))["ghi"]
    assert got.tolist() == [10.0] * 4 + [11.0] * 4


def typical(hours: int = 8760) -> Weather:
    """Return a typical year at UTC+8 whose temperature tells the day of the year and whose wind tells the hour."""
    hour = np.arange(hours)
    return weather(
        "2001-01-01T00:00+08:00", n=hours, temperature=hour // 24 / 10, wind_speed=hour % 24, typical_year=True
    )


def test_a_typical_year_serves_any_year_and_29_february_takes_the_28th():
    got = on_timeline(typical(), steps("2028-02-28T00:00+08:00", "1h", 72))
    assert got["temperature"].to_numpy().reshape(3, 24).mean(axis=1) == pytest.approx([5.8, 5.8, 5.9])
    assert got["wind_speed"].tolist() == list(range(24)) * 3


def test_a_timeline_may_cross_the_new_year():
    got = on_timeline(typical(), steps("2026-12-31T22:00+08:00", "1h", 4))
    assert got["temperature"].tolist() == [36.4, 36.4, 0.0, 0.0]
    assert got["wind_speed"].tolist() == [22, 23, 0, 1]


def test_a_typical_year_is_matched_in_its_own_standard_time():
    """Noon in Berlin's summer is 10:00 UTC, 18:00 at UTC+8."""
    got = on_timeline(typical(), steps("2026-07-01T12:00+02:00", "1h", 2, zone="Europe/Berlin"))
    assert got["wind_speed"].tolist() == [18, 19]
    assert got.index.tz is not None
    assert str(got.index.tz) == "Europe/Berlin"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_of_23_and_25_hours_lose_and_double_nothing(day, hours):
    first = pd.Timestamp(day, tz="Europe/Berlin")
    timeline = Timeline.regular(first, first + pd.DateOffset(days=1), pd.Timedelta("1h"))
    got = on_timeline(typical(), timeline)
    first_hour = 7  # 00:00 at UTC+1, or 06 at UTC+2, in UTC+8
    if hours == 25:
        first_hour = 6
    assert got["wind_speed"].tolist() == [(first_hour + n) % 24 for n in range(hours)]


def test_a_window_sees_what_the_year_sees():
    rng = np.random.default_rng(3)
    data = weather("2001-01-01T00:00+08:00", n=8760, typical_year=True, wind_speed=rng.uniform(0, 20, 8760), ghi=200.0)
    day = on_timeline(data, steps("2026-05-05T00:00+08:00", "15min", 96))
    week = on_timeline(data, steps("2026-05-03T00:00+08:00", "15min", 7 * 96))
    pd.testing.assert_frame_equal(day, week.iloc[192:288], check_freq=False)


def test_steps_may_leave_time_out():
    """Representative days stand apart; only their own times are needed."""
    index = pd.DatetimeIndex(["2025-06-01T02:00+08:00", "2025-06-01T20:00+08:00"])
    timeline = Timeline(index, np.array([1.0, 2.0]), np.array([100.0, 200.0]))
    got = on_timeline(weather(wind_speed=np.arange(24.0)), timeline)
    assert got["wind_speed"].tolist() == [2.0, 20.5]


def test_steps_of_a_third_of_an_hour_touch():
    timeline = Timeline.of_hours([1 / 3] * 72, start="2025-06-01T00:00+08:00")
    got = on_timeline(weather(wind_speed=np.arange(24.0), latitude=None), timeline)["wind_speed"].to_numpy()
    assert got.reshape(24, 3).mean(axis=1) == pytest.approx(np.arange(24.0))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.01, 7.0), min_size=1, max_size=12), st.floats(0, 23))
def test_any_steps_keep_what_the_data_hold(lengths, late):
    rng = np.random.default_rng(5)
    columns = {name: rng.uniform(0, 50, 120) for name in ("ghi", "dni", "dhi", "temperature", "wind_speed")}
    data = weather("2025-06-01T00:00+08:00", n=120, **columns)
    start = pd.Timestamp("2025-06-01T00:00+08:00") + pd.Timedelta(seconds=round(late * 3600))
    parts = Timeline.of_hours(lengths, start=start.isoformat())
    whole = Timeline.of_hours([sum(lengths)], start=start.isoformat())
    kept = (on_timeline(data, parts).to_numpy() * parts.hours[:, None]).sum(axis=0)
    assert kept == pytest.approx(on_timeline(data, whole).to_numpy()[0] * whole.hours[0], rel=1e-6)


def test_a_time_without_data_is_named():
    data = replace(weather(), path="site.csv")
    after = steps("2025-06-01T22:00+08:00", "1h", 4)
    assert message(lambda: on_timeline(data, after)) == (
        "site.csv  weather: 2025-06-02T00:00+08:00 is missing; "
        "the data run from 2025-06-01T00:00+08:00 to 2025-06-02T00:00+08:00\n"
        "   wanted weather for every step of the horizon; "
        "choose another horizon or longer data, or say that they are a typical year"
    )
    before = steps("2025-05-31T15:30Z", "15min", 4, zone="Europe/Berlin")
    assert "weather: 2025-05-31T17:30+02:00 is missing" in message(lambda: on_timeline(data, before))
    part = replace(typical(48), path="site.epw")
    assert message(lambda: on_timeline(part, steps("2026-01-02T23:00+08:00", "1h", 2))) == (
        "site.epw  weather: 2026-01-03T00:00+08:00 is missing; "
        "the data run from 2001-01-01T00:00+08:00 to 2001-01-03T00:00+08:00\n"
        "   wanted weather for every step of the horizon; choose another horizon or longer data"
    )


# Photovoltaics

NOON = steps("2025-06-01T12:00+08:00", "15min", 1)


def overcast(**columns: object) -> Weather:
    """Return an even sky of 1,000 W/m2 under which close-mounted cells are at 25 degC.

    SAPM, close mount, no wind: 1000 exp(-2.98) + 1000/1000 x 1 = 51.793 K above the air.
    """
    still = {"ghi": 1000.0, "dhi": 1000.0, "wind_speed": 0.0, "temperature": 25 - 1000 * np.exp(-2.98) - 1}
    return weather(step="15min", n=96, **(still | columns))


def test_a_horizontal_panel_at_standard_conditions_gives_its_rating_less_losses():
    """At full load the inverter's efficiency is the nominal one: 1 kW x (1 - 0) x 0.96."""
    got = panels_give(overcast(), NOON, tilt=0, azimuth=180, losses=0.0, dc_ac_ratio=1 / 0.96)
    assert got == pytest.approx([0.96], rel=1e-9)


def test_losses_come_before_the_inverter_and_its_part_load():
    """0.86 kW into an inverter for 0.947 kW: load 0.90816.

    Efficiency 0.96/0.9637 x (-0.0162 x 0.90816 - 0.0059/0.90816 + 0.9858) = 0.960888, power 0.826364.
    """
    got = panels_give(overcast(), NOON, tilt=0, azimuth=180)
    assert got == pytest.approx([0.826364], rel=1e-5)


def test_the_inverter_clips():
    got = panels_give(overcast(), NOON, tilt=0, azimuth=180, dc_ac_ratio=1.25)
    assert got == pytest.approx([0.8])
    strong = overcast(ghi=1400.0, dhi=1400.0, temperature=-60.0)
    assert panels_give(strong, NOON, tilt=0, azimuth=180, losses=0, dc_ac_ratio=0.8) == pytest.approx([1.0])


def test_heat_takes_power_by_the_coefficient():
    """20 K hotter at -0.35 %/K is 7 % less DC; efficiency at a load of 0.93 x 0.96: 0.96184."""
    hot = overcast(temperature=45 - 1000 * np.exp(-2.98) - 1)
    got = panels_give(hot, NOON, tilt=0, azimuth=180, losses=0.0, dc_ac_ratio=1.0)
    load = 0.93 * 0.96
    efficiency = 0.96 / 0.9637 * (-0.0162 * load - 0.0059 / load + 0.9858)
    assert got == pytest.approx([0.93 * efficiency], rel=1e-9)


def test_mounting_orders_the_cells_by_heat():
    warm = overcast(temperature=30.0, wind_speed=3.0)
    got = [
        panels_give(warm, NOON, tilt=0, azimuth=180, mounting=mounting)[0]
        for mounting in ("insulated_roof", "roof", "open_rack")
    ]
    assert got == sorted(got)
    assert got[0] < got[2] - 0.02


def test_wind_measured_high_cools_as_the_wind_at_ten_metres():
    """By the log law with 0.15 m, 4.1997/6.5023 of the wind at 100 m blows at 10 m."""
    low = overcast(temperature=30.0, wind_speed=5.0)
    high = overcast(temperature=30.0, wind_speed=5.0 * 6.502290 / 4.199705, wind_height=100.0)
    ours = [panels_give(w, NOON, tilt=0, azimuth=180)[0] for w in (low, high)]
    assert ours[0] == pytest.approx(ours[1], rel=1e-6)


def test_a_panel_that_faces_the_sun_takes_the_whole_beam():
    """Shanghai, 21 June 2025, 07:52:30 UTC+8: sun at azimuth 82.4 and zenith 53.9 deg by the SPA.

    A beam of 800 W/m2 alone, cells at any temperature (coefficient 0): DC 0.8, load 0.8 x 0.96 = 0.768,
    efficiency 0.96/0.9637 x (-0.0162 x 0.768 - 0.0059/0.768 + 0.9858) = 0.961967.
    """
    beam = weather("2025-06-21T00:00+08:00", step="15min", n=96, dni=800.0)
    timeline = steps("2025-06-21T07:45+08:00", "15min", 1)
    got = panels_give(
        beam, timeline, tilt=53.9, azimuth=82.4, losses=0, dc_ac_ratio=1, temperature_coefficient=0, albedo=0
    )
    assert got == pytest.approx([0.8 * 0.961967], rel=2e-4)


def test_albedo_lights_a_facade():
    """A vertical panel sees half the ground: 0.5 x 0.2 x 1000 = 100 W/m2 more."""
    dark, bright = (
        panels_give(overcast(), NOON, tilt=90, azimuth=180, temperature_coefficient=0, losses=0, albedo=albedo)[0]
        for albedo in (0.0, 0.2)
    )
    assert bright - dark == pytest.approx(0.1 * 0.967, abs=0.002)


@pytest.fixture(scope="module")
def bright_year() -> Callable[[float, float], Weather]:
    """Return a typical year with two thirds of the light of a clear sky (Haurwitz), split by Erbs, at any place."""

    def make(latitude: float, longitude: float) -> Weather:
        from microgrid.weather import sun
        from microgrid.weather.reading import _completed
        from microgrid.weather.record import microseconds

        index = pd.date_range("2001-01-01T00:00+08:00", periods=8760, freq="h")
        light, _ = sun.arc(microseconds(index), 3_600_000_000, latitude, longitude).daylight()
        sine = light / (np.pi / 12)
        ghi = 2 / 3 * 1098 * sine * np.exp(-0.059 / np.maximum(sine, 1e-3))
        frame = pd.DataFrame({"ghi": ghi, "temperature": 15.0, "wind_speed": 3.0}, index=index)
        place = {"latitude": latitude, "longitude": longitude}
        return Weather(_completed(frame, place, False, ""), typical_year=True, **place)

    return make


def test_tilt_towards_the_equator_beats_horizontal_on_either_side(bright_year):
    year = steps("2025-01-01T00:00+08:00", "1h", 8760)

    def total(place: Weather, tilt: float, azimuth: float) -> float:
        return float(panels_give(place, year, tilt=tilt, azimuth=azimuth).sum())

    shanghai, perth = bright_year(31.4, 121.45), bright_year(-31.95, 115.86)
    assert total(shanghai, 25, 180) > 1.02 * total(shanghai, 0, 180) > 1.1 * total(shanghai, 25, 0)
    assert total(perth, 25, 0) > 1.02 * total(perth, 0, 0) > 1.1 * total(perth, 25, 180)
    # In both, east and west get the same, for the sun passes as long on either side.
    assert total(shanghai, 60, 90) == pytest.approx(total(shanghai, 60, 270), rel=0.02)
    assert 1000 < total(shanghai, 25, 180) < 1700


def test_laws_of_a_year_of_panels(bright_year):
    """Night gives nothing, no hour more than the inverter, and an hour is the mean of its quarters."""
    place = bright_year(31.4, 121.45)
    hours = panels_give(place, steps("2025-01-01T00:00+08:00", "1h", 8760), tilt=20, azimuth=170)
    quarters = panels_give(place, steps("2025-01-01T00:00+08:00", "15min", 35_040), tilt=20, azimuth=170)
    long = panels_give(place, steps("2025-01-01T00:00+08:00", "6h", 1460), tilt=20, azimuth=170)
    assert quarters.reshape(-1, 4).mean(axis=1) == pytest.approx(hours, abs=1e-12)
    assert hours.reshape(-1, 6).mean(axis=1) == pytest.approx(long, abs=1e-12)
    assert quarters.min() == 0
    assert quarters.max() <= 1 / 1.1
    by_hour = hours.reshape(365, 24)
    assert by_hour[:, [0, 1, 2, 3, 20, 21, 22, 23]].max() == 0
    assert by_hour[:, 12].min() > 0.1


def test_five_minutes_keep_the_energy_of_an_hour_closely(bright_year):
    place = bright_year(31.4, 121.45)
    hours = panels_give(place, steps("2025-04-01T00:00+08:00", "1h", 24), tilt=20, azimuth=180)
    fine = panels_give(place, steps("2025-04-01T00:00+08:00", "5min", 288), tilt=20, azimuth=180)
    assert fine.reshape(24, 12).mean(axis=1) == pytest.approx(hours, abs=2e-3)
    assert fine.mean() == pytest.approx(hours.mean(), rel=2e-3)


def test_unequal_steps_split_without_change(bright_year):
    place = bright_year(31.4, 121.45)
    whole = Timeline.of_hours([0.5, 2.0, 0.25, 1.25], start="2025-04-01T07:00+08:00")
    split = Timeline.of_hours([0.25, 0.25, 1.0, 1.0, 0.25, 0.75, 0.5], start="2025-04-01T07:00+08:00")
    one = panels_give(place, whole, tilt=20, azimuth=180) * whole.hours
    two = panels_give(place, split, tilt=20, azimuth=180) * split.hours
    assert np.add.reduceat(two, [0, 2, 4, 5]) == pytest.approx(one, rel=1e-12)


def test_the_zone_in_which_a_time_is_told_changes_nothing(bright_year):
    place = bright_year(31.4, 121.45)
    results = [
        panels_give(place, steps("2025-07-01T00:00Z", "1h", 24, zone=zone), tilt=20, azimuth=180)
        for zone in ("UTC", "Asia/Shanghai", "America/St_Johns")
    ]
    assert results[0].tolist() == results[1].tolist() == results[2].tolist()
    # Solar noon at 121.45 deg east on 1 July: 12:00 - 1.45 deg x 4 min + 4 min = 11:58, in the hour from 03:00 UTC.
    assert int(results[0].argmax()) in (3, 4)


def test_the_position_may_be_told_with_the_panels(bright_year):
    place = bright_year(31.4, 121.45)
    nowhere = replace(place, latitude=None, longitude=None, path="site.csv")
    day = steps("2025-07-01T00:00+08:00", "1h", 24)
    here = panels_give(nowhere, day, latitude=31.4, longitude=121.45, tilt=20, azimuth=180)
    assert here.tolist() == panels_give(place, day, tilt=20, azimuth=180).tolist()
    assert message(lambda: panels_give(nowhere, day, tilt=20, azimuth=180)) == (
        'site.csv  latitude: not known\n   wanted the position of the panels; write "latitude: 31.4 deg"\n'
        'site.csv  longitude: not known\n   wanted the position of the panels; write "longitude: 121.45 deg"'
    )
    assert message(lambda: panels_give(nowhere, day, latitude=31.4, tilt=20, azimuth=180)) == (
        'site.csv  longitude: not known\n   wanted the position of the panels; write "longitude: 121.45 deg"'
    )


def test_numbers_of_panels_out_of_range_are_all_told():
    call = {"tilt": 100, "azimuth": -10, "losses": 14, "inverter_efficiency": 96, "dc_ac_ratio": 0, "albedo": 20}
    call |= {"temperature_coefficient": -0.35, "mounting": "rof"}
    assert message(lambda: panels_give(weather(), NOON, **call)) == (
        'mounting: "rof"\n   wanted one of roof, open_rack, insulated_roof; did you mean "roof"?\n'
        "tilt: 100 deg\n   wanted 0 to 90 deg\n"
        "azimuth: -10 deg\n   wanted 0 to 360 deg\n"
        "losses: 14\n   wanted 0 to 1\n"
        "inverter_efficiency: 96\n   wanted 0.5 to 1\n"
        "dc_ac_ratio: 0\n   wanted 0.1 to 10\n"
        "temperature_coefficient: -0.35 1/K\n   wanted -0.02 to 0.02 1/K\n"
        "albedo: 20\n   wanted 0 to 1"
    )


# Wind

CURVE = [(5.0, 0.0), (10.0, 3000.0), (25.0, 3000.0)]
HOUR = steps("2025-06-01T12:00+08:00", "1h", 1)


def blowing(speed: float, **columns: object) -> np.ndarray:
    settings = {"power_curve": CURVE, "hub_height": 10.0, "density_correction": False}
    settings |= {name: columns.pop(name) for name in list(columns) if name in (*settings, "roughness_length", "losses")}
    return wind_availability(weather(wind_speed=speed, **columns), HOUR, **settings)


def test_half_way_between_two_points_is_half_the_power():
    assert blowing(7.5) == pytest.approx([0.5])
    assert blowing(7.5, losses=0.1) == pytest.approx([0.45])
    assert blowing(3.0).tolist() == [0.0]
    assert blowing(10.0).tolist() == [1.0]
    assert blowing(25.0).tolist() == [1.0]
    assert blowing(25.1).tolist() == [0.0]


def test_the_wind_at_the_hub_follows_the_log_law():
    """ln(100/0.15)/ln(10/0.15) = 6.50229/4.19971 = 1.54827: 5 m/s become 7.74137, (7.74137 - 5)/5 of the rating."""
    assert blowing(5.0, hub_height=100.0) == pytest.approx([0.548274], rel=1e-5)
    assert blowing(5.0, hub_height=100.0, wind_height=100.0) == pytest.approx([0.0])
    rough = np.log(100 / 0.4) / np.log(10 / 0.4)
    assert blowing(5.0, hub_height=100.0, roughness_length=0.4) == pytest.approx([rough - 1])


def test_thin_air_needs_more_wind():
    """Half of 1.225 kg/m3 stretches speeds below 7.5 m/s by the cube root of 2.

    At a hub of 10 m with 15 degC (0.052 K more at 2 m), that is 0.6125 x 287.058 x 288.15 = 50,663.4 Pa, and by
    1/8 hPa per metre 125 Pa more at the ground.
    """
    air = {"temperature": 15.0 + 0.0065 * 8, "pressure": 50_663.4 + 125}
    curve = [(4.0, 0.0), (6.0, 1.0), (7.0, 1.0)]
    middle = 5.0 * 2 ** (1 / 3)
    got = blowing(middle, power_curve=curve, density_correction=True, **air)
    assert got == pytest.approx([0.5], abs=1e-5)
    assert blowing(middle, power_curve=curve, **air) == pytest.approx([1.0])


def test_an_hour_of_changing_wind_is_averaged_after_the_curve():
    """Through a threshold: 4 to 6 m/s in an hour gives power in its second half only, the mean speed none."""
    data = weather(n=3, wind_speed=[3.0, 5.0, 7.0])
    timeline = steps("2025-06-01T01:00+08:00", "1h", 1)
    options = {"power_curve": CURVE, "hub_height": 10.0, "density_correction": False}
    # Quarters at 4.25, 4.75, 5.25, 5.75 m/s give 0, 0, 0.05 and 0.15.
    assert wind_availability(data, timeline, **options) == pytest.approx([0.05])
    quarters = wind_availability(data, steps("2025-06-01T01:00+08:00", "15min", 4), **options)
    assert quarters == pytest.approx([0.0, 0.0, 0.05, 0.15])


def test_a_day_is_the_mean_of_its_hours():
    rng = np.random.default_rng(4)
    data = weather(n=48, wind_speed=rng.weibull(2, 48) * 7)
    options = {"turbine": "V90/2000", "hub_height": 100.0}
    day = wind_availability(data, steps("2025-06-01T12:00+08:00", "24h", 1), **options)
    hours = wind_availability(data, steps("2025-06-01T12:00+08:00", "1h", 24), **options)
    assert day == pytest.approx([hours.mean()])


def test_turbines_of_the_library():
    names = turbine_names()
    assert len(names) > 60
    assert names == sorted(names)
    assert {"V90/2000", "E-126/4200"} <= set(names)
    for name in names:
        speeds = np.linspace(0, 40, 401)
        data = weather("2025-01-01T00:00Z", n=401, wind_speed=speeds, wind_height=150.0)
        timeline = steps("2025-01-01T00:00Z", "1h", 401)
        got = wind_availability(data, timeline, turbine=name, hub_height=150.0)
        assert got.min() == 0
        assert 0.99 <= got.max() <= 1
        assert got[0] == got[-1] == 0


def test_turbines_that_cannot_stand_are_refused():
    def call(**options: object) -> str:
        return message(lambda: wind_availability(weather(), HOUR, **({"hub_height": 100.0} | options)))

    assert call(turbine="v90-2000") == (
        'turbine: "v90-2000"\n   wanted one of the 67 turbines of the Open Energy Database; '
        "did you mean V90/2000 or V90/3000 or V80/2000?"
    )
    assert call(turbine="?") == (
        'turbine: "?"\n   wanted one of the 67 turbines of the Open Energy Database; turbine_names() lists them'
    )
    assert call(turbine="V90/2000", hub_height=40) == (
        "hub_height: 40 m\n   wanted more than the rotor's radius of 45 m"
    )
    assert call() == "turbine, power_curve: neither\n   wanted one of the two"
    assert call(turbine="V90/2000", power_curve=CURVE) == "turbine, power_curve: both\n   wanted one of the two"
    assert call(turbine="V90/2000", hub_height=0, losses=5, roughness_length=-1) == (
        "losses: 5\n   wanted 0 to 1\n"
        "roughness_length: -1 m\n   wanted 1e-05 to 5 m\n"
        "hub_height: 0 m\n   wanted 6 to 300 m"
    )
    pairs = "wanted two or more pairs of wind speed in m/s and power"
    assert call(power_curve=[(3, 0)]) == (
        f"power_curve: numbers of shape (1, 2)\n   {pairs}; such as [(3, 0), (12, 1), (25, 1)]"
    )
    assert call(power_curve=[(3, 0), (12, -1)]) == (
        f"power_curve: values negative, missing or all zero\n   {pairs}, none below zero"
    )
    assert call(power_curve=[(3, 0), (12, 1), (11, 1)]) == (
        "power_curve: 11 m/s after 12 m/s\n   wanted wind speeds in ascending order"
    )


# Cost


def test_heavy_packages_are_imported_when_needed_only():
    code = "import sys, microgrid.weather; print({'pvlib', 'windpowerlib', 'pint', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
