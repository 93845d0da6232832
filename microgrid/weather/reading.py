"""Weather files: EnergyPlus weather (EPW) and CSV with units in the header.

``.epw``: EnergyPlus weather [1]_. Hour 1 is 00 to 01 h local standard time, the zone and the position
stand in the first line. Radiation is that of the hour; temperature, wind and pressure are readings at its
end, taken as its means. A missing pressure is that of the standard atmosphere.

``.csv``: a `time` column with each interval's start in ISO 8601 (with an offset, or bare if `utc_offset`
is given), and columns with their unit in the header: ``ghi [W/m2]``, ``temperature [degC]``, ``wind_speed
[m/s]``, and where known ``dni [W/m2]`` with ``dhi [W/m2]``, and ``pressure [hPa]``. Any unit that
converts will do. The interval is found from the times; it must divide a day. Without pressure, that of
the standard atmosphere [2]_ at `elevation` is taken.

If global irradiance comes alone, it is split into its diffuse and direct parts by the correlation of Erbs
[3]_ with the mean elevation of the sun while it is up in the interval. The beam is held at that of Maxwell's
clearest sky [4]_, and the rest is diffuse: one late hour with the noon's radiation would else outshine the day.

References
----------
.. [1] EnergyPlus, "Auxiliary Programs", chapter "EnergyPlus Weather File (EPW) Data Dictionary".
.. [2] ISO 2533:1975, "Standard Atmosphere".
.. [3] D. G. Erbs, S. A. Klein, J. A. Duffie, "Estimation of the diffuse radiation fraction for hourly,
   daily and monthly-average global radiation", Solar Energy 28(4), 1982, pp. 293-302,
   :doi:`10.1016/0038-092X(82)90302-4`.
.. [4] E. L. Maxwell, "A quasi-physical model for converting hourly global horizontal to direct normal
   insolation", SERI/TR-215-3087, 1987; the coefficients are those of pvlib.irradiance.disc.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.weather import sun
from microgrid.weather.comma_separated import read_csv
from microgrid.weather.epw import read_epw
from microgrid.weather.record import (
    COLUMNS,
    DAY,
    RADIATION,
    TYPICAL_YEAR,
    Weather,
    microseconds,
    out_of_range,
    refuse_problems,
    within_year,
)
from microgrid.weather.rows import Rows

_Numbers = NDArray[np.float64]
# Share of the beam in space that reaches the ground under the clearest sky, a polynomial of the air mass [4].
_CLEAREST = (1.4e-5, -0.000653, 0.0121, -0.122, 0.866)


@dataclass(frozen=True)
class Unsaid:
    """What a weather file may leave unsaid.

    Parameters
    ----------
    typical_year
        Whether the data stand for any year; True for EPW and False for CSV unless said. Years are then
        ignored (a typical year is made of months of several), and so is a 29 February.
    utc_offset
        Hours that the file's standard time is ahead of UTC. For CSV with bare times; for CSV with offsets,
        the smallest offset found is the standard time unless this is given. An EPW file says its own.
    latitude, longitude
        Degrees, north and east positive; they take precedence over those of the file.
    elevation
        Metres above the sea; it takes precedence over that of the file.
    wind_height
        Height above ground at which the wind was measured [m].
    time_shift
        Hours to add to the file's times, where its hours are not those that it says. Two known cases: the EPW files
        of the Chinese Standard Weather Data have the sun's noon 30 min late (-0.5 puts it right), and the typical
        years of PVGIS are moments some 10 min after the hour, not means from then on (-1/3). Panels that look east
        or west, and the hour of the day's peak, are wrong otherwise.
    split_global
        Split the global irradiance even if the file has its parts, where these do not add up to it: in the Chinese
        Standard Weather Data they fall 5 to 10 % short over the year. Mind `time_shift` first.
    """

    typical_year: bool | None = None
    utc_offset: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    elevation: float | None = None
    wind_height: float = 10.0
    time_shift: float = 0.0
    split_global: bool = False

    @property
    def place(self) -> dict[str, float]:
        """The position, as far as it is given."""
        given = {"latitude": self.latitude, "longitude": self.longitude, "elevation": self.elevation}
        return {name: value for name, value in given.items() if value is not None}


_NOTHING = Unsaid()


def read_weather(path: Path, unsaid: Unsaid = _NOTHING) -> Weather:
    """Read a weather file, by its ending.

    Parameters
    ----------
    path
        The file.
    unsaid
        What it does not say itself.

    Returns
    -------
    Weather
        Without gaps or missing values. Radiation just below zero, as pyranometers have it at night, is zero.

    Raises
    ------
    InputError
        With every fault found: file, header, times that are missing, doubled or out of order, and values that
        are missing or out of range, each with its line and time.
    """
    refuse_problems(
        out_of_range("utc_offset", unsaid.utc_offset, (-12, 14), "h"),
        out_of_range("time_shift", unsaid.time_shift, (-2, 2), "h"),
    )
    rows = _rows(path, unsaid.utc_offset)
    typical = path.suffix.lower() == ".epw" if unsaid.typical_year is None else unsaid.typical_year
    place = rows.place | unsaid.place
    frame = _frame(rows.without_leap_days() if typical else rows, typical)
    frame.index += pd.Timedelta(seconds=round(unsaid.time_shift * 3600))
    frame = _completed(frame, place, unsaid.split_global, str(path))
    return Weather(
        frame,
        latitude=place.get("latitude"),
        longitude=place.get("longitude"),
        elevation=place.get("elevation"),
        wind_height=unsaid.wind_height,
        typical_year=typical,
        path=str(path),
    )


def _rows(path: Path, utc_offset: float | None) -> Rows:
    ending = path.suffix.lower()
    if ending == ".epw":
        return read_epw(path)
    if ending == ".csv":
        return read_csv(path, utc_offset)
    raise InputError([Problem("weather", f'"{path.name}"', "a file that ends in .epw or .csv", "", str(path))])


def _frame(rows: Rows, typical: bool) -> pd.DataFrame:
    """Return the rows by their times; raises InputError with all faults of the file."""
    clock_problems, step = rows.clock_problems(typical)
    problems = [*rows.problems, *clock_problems, *rows.value_problems()]
    if problems:
        raise InputError(problem.at(rows.path) for problem in problems)
    first = rows.times[0]
    if typical:
        position = pd.Timedelta(microseconds=int(within_year(rows.times[:1])[0]))
        first = pd.Timestamp(year=TYPICAL_YEAR, month=1, day=1, tz=rows.times.tz) + position
    index = pd.date_range(first, periods=len(rows.times), freq=pd.Timedelta(microseconds=step))
    return pd.DataFrame(rows.columns, index=index)


def _completed(frame: pd.DataFrame, place: dict[str, float], split_global: bool, path: str) -> pd.DataFrame:
    """Return a frame with the columns of `Weather`, those that are missing worked out."""
    columns = {name: frame[name].to_numpy(dtype=float) for name in frame.columns}
    index = pd.DatetimeIndex(frame.index)
    for name in set(RADIATION) & set(columns):
        columns[name] = np.maximum(columns[name], 0.0) + 0.0  # the sum turns -0.0 into 0.0
    if "pressure" not in columns:
        columns["pressure"] = np.full(len(index), _standard_pressure(place.get("elevation", 0.0)))
    if split_global or "dni" not in columns:
        columns |= _split(columns, index, place, path)
    return pd.DataFrame(columns, index=index, columns=list(COLUMNS))


def _standard_pressure(elevation: float) -> float:
    """Return the pressure of the standard atmosphere (ISO 2533) at an elevation in m [Pa]."""
    return float(101_325.0 * (1 - 0.0065 * elevation / 288.15) ** 5.25588)


def _split(
    columns: dict[str, _Numbers], index: pd.DatetimeIndex, place: dict[str, float], path: str
) -> dict[str, _Numbers]:
    """Return direct normal and diffuse irradiance by Erbs, means over each interval, each shape (n,)."""
    if "latitude" not in place or "longitude" not in place:
        found = "global irradiance to split, and no position to do it with"
        wanted = "the latitude and longitude, or columns dni and dhi"
        raise InputError([Problem("weather", found, wanted, 'such as "31.4 deg" and "121.45 deg"', path)])
    from pvlib.irradiance import erbs, get_extra_radiation

    starts = microseconds(index)
    length = int(starts[1] - starts[0])
    light, up = sun.arc(starts, length, place["latitude"], place["longitude"]).daylight()
    # Erbs is about the time of sun: an interval with a sunrise is dark for a part, and its mean the lower for it.
    day = up > 1e-6
    sunny = np.where(day, up * DAY / (2 * np.pi * length), 1.0)
    sine = np.clip(np.where(day, light / np.where(day, up, 1.0), 0.0), 0.0, 1.0)
    zenith, day_of_year = np.degrees(np.arccos(sine)), np.asarray(index.day_of_year, dtype=float)
    beam = erbs(columns["ghi"] / sunny, zenith, day_of_year)["dni"]
    beam = np.minimum(beam, get_extra_radiation(day_of_year) * _clearest(zenith, columns["pressure"])) * sunny
    return {"dni": beam, "dhi": columns["ghi"] - beam * sine}


def _clearest(zenith: _Numbers, pressure: _Numbers) -> _Numbers:
    """Return the share of the beam that Maxwell's clearest sky lets through, shape (n,)."""
    from pvlib.atmosphere import get_absolute_airmass, get_relative_airmass

    # The polynomial was fitted up to an air mass of 12, and the sun has gone where there is none.
    airmass = np.minimum(np.nan_to_num(get_absolute_airmass(get_relative_airmass(zenith), pressure), nan=12.0), 12.0)
    return np.asarray(np.polyval(_CLEAREST, airmass), dtype=float)
