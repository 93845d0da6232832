"""Where the sun stands within a data interval: how an hour's radiation is shared among its minutes.

In an interval the sine of the sun's elevation is ``a + b cos(w)`` with the hour angle ``w`` linear in time
[1]_, so its integral while the sun is up is a formula. Shares worked out from it add up to exactly one,
whatever the steps: splitting a step changes nothing. Declination and equation of time are those of Spencer
[2]_, good to 0.04 deg and 0.6 min; powers are worked out later from the far more exact positions of pvlib.

References
----------
.. [1] J. A. Duffie, W. A. Beckman, N. Blair, "Solar Engineering of Thermal Processes", 5th ed., Wiley, 2020,
   :doi:`10.1002/9781119540328`, eq. 1.6.5.
.. [2] J. W. Spencer, "Fourier series representation of the position of the sun", Search 2(5), p. 172, 1971.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microgrid.weather.record import DAY, clock

_Numbers = NDArray[np.float64]
# Below this integral (radians of hour angle) an interval is night, and what radiation it has is spread
# evenly.
_NIGHT = 1e-9


@dataclass(frozen=True, eq=False)
class Arc:
    """The sun's daily arc over each of n intervals.

    Parameters
    ----------
    a, b
        Sine of the elevation is ``a + b cos(w)``, shape (n,).
    dusk
        Hour angle of sunset, 0 in a polar night, pi in a polar day [rad], shape (n,).
    noon
        Hour angle in the middle of each interval [rad], shape (n,).
    starts
        Start of each interval [us since 1970 UTC], shape (n,).
    length
        Length of an interval [us].
    """

    a: _Numbers
    b: _Numbers
    dusk: _Numbers
    noon: _Numbers
    starts: NDArray[np.int64]
    length: int

    def shares(
        self, at: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[_Numbers, _Numbers]:
        """Return the parts of an interval's light and of its sunshine time that fall into pieces of it.

        Parameters
        ----------
        at
            The interval that each of m pieces lies in, shape (m,).
        begins, ends
            Where the pieces begin and end [us], shape (m,).

        Returns
        -------
        tuple of numpy.ndarray
            Share of the integral of the elevation's sine, and of the time with the sun above the horizon,
            each shape (m,), from 0 to 1; the plain share of time where the sun stays down.
        """
        light_before, up_before = self._until(at, begins)
        light_after, up_after = self._until(at, ends)
        light, up = self.daylight()
        time = (ends - begins) / self.length
        return _share(light_after - light_before, light[at], time), _share(up_after - up_before, up[at], time)

    def daylight(self) -> tuple[_Numbers, _Numbers]:
        """Return each interval's integral of the elevation's sine and its time of sun, in hour angle [rad]."""
        at = np.arange(len(self.starts))
        light_before, up_before = self._until(at, self.starts)
        light_after, up_after = self._until(at, self.starts + self.length)
        return light_after - light_before, up_after - up_before

    def _until(self, at: NDArray[np.int64], times: NDArray[np.int64]) -> tuple[_Numbers, _Numbers]:
        a, b, dusk = self.a[at], self.b[at], self.dusk[at]
        angle = self.noon[at] + (times - self.starts[at] - self.length / 2) * (2 * np.pi / DAY)
        turns = np.round(angle / (2 * np.pi))
        risen = np.clip(angle - 2 * np.pi * turns, -dusk, dusk)
        light = 2 * turns * (a * dusk + b * np.sin(dusk)) + a * risen + b * np.sin(risen)
        return light, 2 * turns * dusk + risen


def arc(starts: NDArray[np.int64], length: int, latitude: float, longitude: float) -> Arc:
    """Return the sun's arc over intervals.

    Parameters
    ----------
    starts
        Start of each interval [us since 1970 UTC], shape (n,).
    length
        Length of an interval [us].
    latitude, longitude
        Degrees, north and east positive.
    """
    from pvlib.solarposition import declination_spencer71, equation_of_time_spencer71

    middle = starts + length // 2
    day = np.asarray(clock(middle).day_of_year, dtype=float)
    declination = declination_spencer71(day)
    solar_time = (middle % DAY) / DAY + longitude / 360 + equation_of_time_spencer71(day) / 1440
    a = np.sin(np.radians(latitude)) * np.sin(declination)
    b = np.cos(np.radians(latitude)) * np.cos(declination)
    dusk = np.arccos(np.clip(-a / b, -1.0, 1.0))
    return Arc(a, b, dusk, 2 * np.pi * (solar_time - 0.5), starts, length)


def _share(part: _Numbers, whole: _Numbers, time: _Numbers) -> _Numbers:
    day = whole > _NIGHT
    return np.where(day, np.maximum(part, 0.0) / np.where(day, whole, 1.0), time)
