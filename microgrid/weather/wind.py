"""What a kW of wind turbine gives under the weather, with the curves and models of windpowerlib.

The wind is taken to the hub by the logarithmic profile, and through the power curve, whose wind speeds
are first stretched to the density of the air at the hub [1]_ (thin air needs more wind for the same
power). Models and curves are those of windpowerlib [2]_; no network is used. Steps longer than 15 min are
worked out in equal parts of at most 15 min and averaged.

References
----------
.. [1] L. Svenningsen, "Power curve air density correction and other power curve options in WindPRO", EMD
   International, 2010.
.. [2] S. Haas et al., "wind-python/windpowerlib", :doi:`10.5281/zenodo.824267`; curves: Open Energy
   Database, "wind_turbine_library".
.. [3] I. Troen, E. L. Petersen, "European Wind Atlas", Risoe National Laboratory, 1989, ISBN
   87-550-1482-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.timeline import Timeline
from microgrid.weather.record import Weather, out_of_range, refuse_problems
from microgrid.weather.steps import mean_of_parts, step_means, steps_of

_Numbers = NDArray[np.float64]
# Wind passes a turbine's curve far from linearly: long steps are averaged after it, in parts of this length
# [h].
_LONGEST = 0.25
# Height of the thermometer, by the rule of the WMO [m].
_SCREEN_HEIGHT = 2.0
_ZERO_CELSIUS = 273.15


def wind_availability(
    weather: Weather,
    timeline: Timeline,
    *,
    turbine: str | None = None,
    power_curve: Sequence[tuple[float, float]] | None = None,
    hub_height: float,
    roughness_length: float = 0.15,
    losses: float = 0.0,
    density_correction: bool = True,
) -> NDArray[np.float64]:
    """Return the share of its rated power that a turbine can give in each step.

    Parameters
    ----------
    weather
        The data; see `on_timeline` for how they come to the steps.
    timeline
        The n steps.
    turbine
        A turbine of the Open Energy Database by its name, such as ``V90/2000``; see `turbine_names`.
    power_curve
        Instead of a turbine: pairs of wind speed [m/s], ascending, and power in any unit. Between points the
        curve is straight; below the first and above the last speed the turbine stands still.
    hub_height
        Above ground [m].
    roughness_length
        Of the terrain around [m]. The default lies between classes 2 (0.1 m, farmland with some houses and
        hedgerows) and 3 (0.4 m, small towns, woods) of the European Wind Atlas [3]_.
    losses
        Share lost to wakes, electrics and outages, from 0 to 1.
    density_correction
        False where the power curve holds for the site's own air.

    Returns
    -------
    numpy.ndarray
        Power over rated power, the highest of the curve, shape (n,), from 0 to 1.

    Raises
    ------
    InputError
        If there is no such turbine, a number is out of its range, or the data do not cover the timeline.
    """
    refuse_problems(
        out_of_range("losses", losses, (0, 1), ""),
        out_of_range("roughness_length", roughness_length, (1e-5, 5), "m"),
        out_of_range("hub_height", hub_height, (6, 300), "m"),
    )
    speeds, shares = _curve(turbine, power_curve, hub_height)
    means = step_means(weather, steps_of(timeline, _LONGEST), timeline.index.tz)
    wind = at_height(means["wind_speed"], weather.wind_height, hub_height, roughness_length)
    if density_correction:
        power = _through_the_curve(wind, speeds, shares, _density(means, hub_height))
    else:
        power = np.interp(wind, speeds, shares, left=0.0, right=0.0)
    return np.clip(mean_of_parts(power, timeline, _LONGEST) * (1 - losses), 0.0, 1.0)


def turbine_names() -> list[str]:
    """Return the turbines that have a power curve, in the order of the alphabet."""
    return sorted(_library()[0].index)


def at_height(speed: _Numbers, measured: float, height: float, roughness_length: float) -> _Numbers:
    """Return wind speeds at another height by the logarithmic profile for neutral air, shape (n,).

    Parameters
    ----------
    speed
        Wind speed at `measured` metres [m/s], shape (n,).
    measured, height, roughness_length
        Metres above ground.
    """
    return speed * float(np.log(height / roughness_length) / np.log(measured / roughness_length))


def _curve(
    turbine: str | None, power_curve: Sequence[tuple[float, float]] | None, hub_height: float
) -> tuple[_Numbers, _Numbers]:
    """Return the wind speeds [m/s] and shares of rated power of a curve, each shape (k,)."""
    if (turbine is None) == (power_curve is None):
        found = "neither" if turbine is None else "both"
        raise InputError([Problem("turbine, power_curve", found, "one of the two")])
    if turbine is not None:
        speeds, powers, radius = _library_curve(turbine)
        if hub_height <= radius:
            found, wanted = f"{hub_height:g} m", f"more than the rotor's radius of {radius:g} m"
            raise InputError([Problem("hub_height", found, wanted)])
    else:
        points = np.array(power_curve, dtype=float)
        problem = _curve_problem(points)
        if problem:
            raise InputError([problem])
        speeds, powers = points.T
    return speeds, powers / powers.max()


@lru_cache(maxsize=1)
def _library() -> tuple[pd.DataFrame, pd.Series]:
    """Return powers [W] by turbine and wind speed, and rotor diameters [m] by turbine.

    The files are those that windpowerlib packs; its own reader uses what pandas 4 takes away.
    """
    import windpowerlib

    folder = Path(windpowerlib.__file__).parent / "oedb"
    curves = pd.read_csv(folder / "power_curves.csv", index_col="turbine_type")
    turbines = pd.read_csv(folder / "turbine_data.csv", index_col="turbine_type")
    return curves, turbines["rotor_diameter"]


def _library_curve(name: str) -> tuple[_Numbers, _Numbers, float]:
    """Return wind speeds [m/s], powers [W] and the rotor's radius [m] of a turbine of the library."""
    curves, diameters = _library()
    if name not in curves.index:
        near = get_close_matches(name.upper(), curves.index, n=3, cutoff=0.5)
        cure = f"did you mean {' or '.join(near)}?" if near else "turbine_names() lists them"
        wanted = f"one of the {len(curves)} turbines of the Open Energy Database"
        raise InputError([Problem("turbine", f'"{name}"', wanted, cure)])
    curve = curves.loc[name].dropna()
    speeds = np.array([float(speed) for speed in curve.index])
    return speeds, curve.to_numpy(dtype=float), float(diameters[name]) / 2


def _curve_problem(points: _Numbers) -> Problem | None:
    wanted = "two or more pairs of wind speed in m/s and power"
    if points.ndim != 2 or points.shape[0] < 2 or points.shape[1] != 2:
        return Problem("power_curve", f"numbers of shape {points.shape}", wanted, "such as [(3, 0), (12, 1), (25, 1)]")
    speeds, powers = points.T
    if not (np.isfinite(points).all() and (points >= 0).all() and powers.max() > 0):
        return Problem("power_curve", "values negative, missing or all zero", f"{wanted}, none below zero")
    if (np.diff(speeds) <= 0).any():
        at = int(np.flatnonzero(np.diff(speeds) <= 0)[0])
        found = f"{speeds[at + 1]:g} m/s after {speeds[at]:g} m/s"
        return Problem("power_curve", found, "wind speeds in ascending order")
    return None


def _density(means: dict[str, _Numbers], hub_height: float) -> _Numbers:
    """Return the density of the air at the hub [kg/m3], shape (m,)."""
    from windpowerlib.density import ideal_gas
    from windpowerlib.temperature import linear_gradient

    hub_temperature = linear_gradient(means["temperature"] + _ZERO_CELSIUS, _SCREEN_HEIGHT, hub_height)
    return np.asarray(ideal_gas(means["pressure"], 0.0, hub_height, hub_temperature), dtype=float)


def _through_the_curve(wind: _Numbers, speeds: _Numbers, shares: _Numbers, density: _Numbers) -> _Numbers:
    from windpowerlib.power_output import power_curve_density_correction

    return np.asarray(power_curve_density_correction(wind, speeds, shares, density), dtype=float)
