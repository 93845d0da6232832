"""What a kW of panels gives under the weather: the steps of PVWatts, with the models of pvlib.

The chain is that of PVWatts 5 [1]_: position of the sun (NREL SPA [2]_), irradiance on the plane (Hay and
Davies [3]_), reflection of the beam at coated glass (De Soto [4]_, index 1.3 as in PVWatts), cell
temperature (SAPM [5]_), DC power, losses, and the inverter's efficiency at part load with its rating as
the limit. All are implemented by pvlib [6]_.

Steps longer than 15 min are worked out in equal parts of at most 15 min and averaged: a position at the
middle of an hour misses what happens at sunrise, and that at the middle of a day would make it noon all
day. So an hour is the mean of its quarters.

References
----------
.. [1] A. P. Dobos, "PVWatts Version 5 Manual", NREL/TP-6A20-62641, 2014, :doi:`10.2172/1158421`.
.. [2] I. Reda, A. Andreas, "Solar position algorithm for solar radiation applications", Solar Energy
   76(5), 2004, pp. 577-589, :doi:`10.1016/j.solener.2003.12.003`.
.. [3] P. G. Loutzenhiser et al., "Empirical validation of models to compute solar irradiance on inclined
   surfaces for building energy simulation", Solar Energy 81(2), 2007, pp. 254-267,
   :doi:`10.1016/j.solener.2006.03.009`.
.. [4] W. De Soto, S. A. Klein, W. A. Beckman, "Improvement and validation of a model for photovoltaic
   array performance", Solar Energy 80(1), 2006, pp. 78-88, :doi:`10.1016/j.solener.2005.06.010`.
.. [5] D. L. King, W. E. Boyson, J. A. Kratochvil, "Photovoltaic array performance model", SAND2004-3535,
   2004, :doi:`10.2172/919131`.
.. [6] K. S. Anderson et al., "pvlib python: 2023 project update", J. Open Source Softw. 8(92), 2023,
   :doi:`10.21105/joss.05994`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from microgrid.errors import Problem, nearest
from microgrid.timeline import Timeline
from microgrid.weather.record import Weather, clock, out_of_range, refuse_problems
from microgrid.weather.steps import mean_of_parts, step_means, steps_of
from microgrid.weather.wind import at_height

Mounting = Literal["roof", "open_rack", "insulated_roof"]

_Numbers = NDArray[np.float64]
# The names that pvlib gives to the three mountings of King et al. (2004), table 4.
_SAPM = {
    "roof": "close_mount_glass_glass",
    "open_rack": "open_rack_glass_glass",
    "insulated_roof": "insulated_back_glass_polymer",
}
# Longest time that one position of the sun stands for [h].
_LONGEST = 0.25
# Refractive index of the anti-reflective coating of PVWatts' "premium" modules.
_COATING = 1.3
# Height for which the SAPM temperature coefficients hold, and the terrain between there and the anemometer
# [m].
_SAPM_HEIGHT, _ROUGHNESS = 10.0, 0.15


class _Light(NamedTuple):
    """Irradiance on the plane, and the part of it that gets through the glass [W/m2], each shape (m,)."""

    incident: _Numbers
    effective: _Numbers


@dataclass(frozen=True)
class Panels:
    """How panels stand, and what becomes of their power.

    Parameters
    ----------
    tilt
        Angle between panel and horizontal [deg], 0 to 90.
    azimuth
        Where the panels look [deg]: 0 north, 90 east, 180 south, 270 west. South of the equator, 0 is the
        sunny side.
    losses
        Share of the DC power lost to soiling, shading, mismatch, wiring, connections, light-induced
        degradation, nameplate tolerance and outages: 14 % by default [1]_.
    inverter_efficiency
        At rated power; 96 % by default [1]_.
    dc_ac_ratio
        Panels' rating over the inverter's; 1.1 by default [1]_. The inverter holds the power at ``1 /
        dc_ac_ratio``.
    temperature_coefficient
        Change of power per kelvin above 25 degC [1/K]; -0.35 %/K is the "premium" module of [1]_, today's
        ordinary monocrystalline one.
    mounting
        What cools the panels, by SAPM [5]_: ``roof`` close to the roof with some air behind (glass/glass,
        close mount; the default, since the scenarios' panels lie on plant roofs), ``open_rack`` free-standing
        or raised (glass/glass, open rack), ``insulated_roof`` without air behind (glass/polymer, insulated
        back).
    albedo
        Reflectance of the ground; 0.2 by default [1]_.
    """

    tilt: float
    azimuth: float
    losses: float = 0.14
    inverter_efficiency: float = 0.96
    dc_ac_ratio: float = 1.1
    temperature_coefficient: float = -0.0035
    mounting: Mounting = "roof"
    albedo: float = 0.2

    def problems(self) -> list[Problem | None]:
        """Return what is out of its range."""
        return [
            _mounting_problem(self.mounting),
            out_of_range("tilt", self.tilt, (0, 90), "deg"),
            out_of_range("azimuth", self.azimuth, (0, 360), "deg"),
            out_of_range("losses", self.losses, (0, 1), ""),
            out_of_range("inverter_efficiency", self.inverter_efficiency, (0.5, 1), ""),
            out_of_range("dc_ac_ratio", self.dc_ac_ratio, (0.1, 10), ""),
            out_of_range("temperature_coefficient", self.temperature_coefficient, (-0.02, 0.02), "1/K"),
            out_of_range("albedo", self.albedo, (0, 1), ""),
        ]


def pv_availability(
    weather: Weather,
    timeline: Timeline,
    panels: Panels,
    latitude: float | None = None,
    longitude: float | None = None,
) -> NDArray[np.float64]:
    """Return the AC power that a kW of panels can give in each step.

    Parameters
    ----------
    weather
        The data; see `on_timeline` for how they come to the steps.
    timeline
        The n steps.
    panels
        How they stand, and their losses.
    latitude, longitude
        Position of the panels [deg], north and east positive; that of the weather unless given.

    Returns
    -------
    numpy.ndarray
        kW AC per kW DC of rated panels, shape (n,), from 0 to 1.

    Raises
    ------
    InputError
        If the position is not known, a number is out of its range, or the data do not cover the timeline.
    """
    refuse_problems(*panels.problems())
    here = _located(weather, latitude, longitude)
    parts = steps_of(timeline, _LONGEST)
    means = step_means(here, parts, timeline.index.tz)
    day = (means["ghi"] + means["dni"] + means["dhi"]) > 0
    by_day = _only(means, day)
    light = _light(here, (parts.starts + parts.ends)[day] // 2, by_day, panels)
    ac = np.zeros(len(day))
    ac[day] = _power(light, _cell_temperature(here, light.incident, by_day, panels.mounting), panels)
    return np.clip(mean_of_parts(ac, timeline, _LONGEST), 0.0, 1.0)


def _power(light: _Light, cell: _Numbers, panels: Panels) -> _Numbers:
    """Return what leaves the inverter, kW per kW of panels."""
    from pvlib import inverter, pvsystem

    dc = pvsystem.pvwatts_dc(light.effective, cell, 1.0, panels.temperature_coefficient) * (1 - panels.losses)
    rated = 1 / (panels.dc_ac_ratio * panels.inverter_efficiency)
    return np.asarray(inverter.pvwatts(np.maximum(dc, 0.0), rated, panels.inverter_efficiency), dtype=float)


def _mounting_problem(mounting: str) -> Problem | None:
    known = get_args(Mounting)
    if mounting in known:
        return None
    near = nearest(mounting, known)
    return Problem("mounting", f'"{mounting}"', f"one of {', '.join(known)}", f'did you mean "{near}"?' if near else "")


def _located(weather: Weather, latitude: float | None, longitude: float | None) -> Weather:
    """Return the weather with the position of the panels."""
    here = replace(
        weather,
        latitude=weather.latitude if latitude is None else latitude,
        longitude=weather.longitude if longitude is None else longitude,
    )
    cures = {"latitude": "31.4 deg", "longitude": "121.45 deg"}
    refuse_problems(
        *(
            Problem(name, "not known", "the position of the panels", f'write "{name}: {cure}"', weather.path)
            for name, cure in cures.items()
            if getattr(here, name) is None
        )
    )
    return here


def _only(means: dict[str, _Numbers], rows: NDArray[np.bool_]) -> dict[str, _Numbers]:
    return {name: values[rows] for name, values in means.items()}


def _light(here: Weather, times: NDArray[np.int64], means: dict[str, _Numbers], panels: Panels) -> _Light:
    """Return the light on the panels at times [us since 1970 UTC], by the mean irradiance around them."""
    from pvlib import iam, irradiance, solarposition

    moments = clock(times).tz_localize("UTC")
    sun = solarposition.get_solarposition(moments, here.latitude, here.longitude, altitude=here.elevation or 0.0)
    zenith, azimuth = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    on_plane = irradiance.get_total_irradiance(
        panels.tilt,
        panels.azimuth,
        zenith,
        azimuth,
        means["dni"],
        means["ghi"],
        means["dhi"],
        dni_extra=irradiance.get_extra_radiation(np.asarray(moments.day_of_year, dtype=float)),
        albedo=panels.albedo,
        model="haydavies",
    )
    through = iam.physical(irradiance.aoi(panels.tilt, panels.azimuth, zenith, azimuth), n_ar=_COATING)
    direct, diffuse = on_plane["poa_direct"], on_plane["poa_diffuse"]
    return _Light(direct + diffuse, direct * through + diffuse)


def _cell_temperature(here: Weather, incident: _Numbers, means: dict[str, _Numbers], mounting: Mounting) -> _Numbers:
    from pvlib.temperature import TEMPERATURE_MODEL_PARAMETERS, sapm_cell

    wind = at_height(means["wind_speed"], here.wind_height, _SAPM_HEIGHT, _ROUGHNESS)
    coefficients = TEMPERATURE_MODEL_PARAMETERS["sapm"][_SAPM[mounting]]
    return np.asarray(sapm_cell(incident, means["temperature"], wind, **coefficients), dtype=float)
