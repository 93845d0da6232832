"""Availability as scenario files write it: a photovoltaic array or a turbine in the site's weather, as a series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from microgrid.fields import Part, Quantity, Reading, Share, refuse
from microgrid.timeline import Timeline

Maker = Callable[[Mapping[str, Any]], NDArray[np.float64]]
Degrees = Annotated[float, Quantity("deg")]
Metres = Annotated[float, Quantity("m", above=0.0)]


class WeatherFile(Part):
    """A weather file: EPW, or CSV with units in its headers."""

    file: str = Field(description="Name of the file, .epw or .csv.")
    typical_year: bool | None = Field(default=None, description="Whether it stands for any year; EPW files do.")
    utc_offset: Annotated[float, Quantity("h", low=-12.0, high=14.0)] | None = Field(
        default=None, description="Offset of its clock, where a CSV file's times have none."
    )
    latitude: Annotated[float, Quantity("deg", low=-90.0, high=90.0)] | None = Field(
        default=None, description="Latitude of the data."
    )
    longitude: Annotated[float, Quantity("deg", low=-180.0, high=180.0)] | None = Field(
        default=None, description="Longitude of the data."
    )
    elevation: Annotated[float, Quantity("m")] | None = Field(default=None, description="Elevation of the data.")
    time_shift: Annotated[float, Quantity("h", low=-2.0, high=2.0)] = Field(
        default=0.0, description="Correction of the sun's clock in the file, such as -30 min where its noon comes late."
    )
    split_global: bool = Field(
        default=False, description="Whether direct and diffuse light are made anew from the global."
    )
    wind_height: Metres = Field(default=10.0, description="Height at which the wind was measured.")


class PhotovoltaicArray(Part):
    """A photovoltaic array in the site's weather, after PVWatts; see the weather package for the models."""

    tilt: Degrees = Field(description="Angle between module and horizontal.")
    azimuth: Degrees = Field(default=180.0, description="Direction it looks at: 180 deg is south, 90 deg east.")
    losses: Share = Field(default=0.14, description="Soiling, wiring, mismatch and the like.")
    inverter_efficiency: Share = Field(default=0.96, description="At rated power.")
    dc_ac_ratio: Annotated[float, Quantity("1", above=0.0)] = Field(
        default=1.1, description="Rating of modules to inverter."
    )
    temperature_coefficient: Annotated[float, Quantity("1/delta_degC")] = Field(
        default=-0.0035, description="Change of power per kelvin."
    )
    mounting: Literal["roof", "open_rack", "insulated_roof"] = Field(
        default="roof", description="How air reaches the modules."
    )
    albedo: Share = Field(default=0.2, description="Reflectance of the ground.")


class Turbine(Part):
    """A wind turbine in the site's weather."""

    turbine: str | None = Field(default=None, description="Name in the Open Energy Database, such as V90/2000.")
    power_curve: list[tuple[float, float]] | None = Field(
        default=None, description="Instead: pairs of wind speed in m/s and power."
    )
    hub_height: Metres = Field(description="Height of the hub.")
    roughness_length: Metres = Field(default=0.15, description="Roughness of the terrain.")
    losses: Share = Field(default=0.0, description="Wake, electric and other losses.")
    density_correction: bool = Field(default=True, description="Whether the curve is stretched to the air's density.")


def makers(
    weather: WeatherFile | None, folder: Path, timeline: Timeline, position: tuple[float | None, float | None]
) -> dict[str, Maker]:
    """Return, by name, the functions that turn a mapping of a scenario file into availability per kW.

    Parameters
    ----------
    weather
        The scenario's weather, or None: then a mapping is refused with the cure.
    folder
        Folder that the weather file's name is relative to.
    timeline
        The scenario's steps.
    position
        Latitude and longitude of the site, where known.
    """

    def data() -> Any:
        if weather is None:
            raise refuse("no weather", "a weather file to compute it from", "add weather: {file: ...} to the scenario")
        path, given = folder / weather.file, weather.model_dump(exclude={"file"}, exclude_none=True)
        return _read(path, _stamp(path), tuple(given.items()))

    def photovoltaic(spec: Mapping[str, Any]) -> NDArray[np.float64]:
        from microgrid.weather import Panels, pv_availability

        array = PhotovoltaicArray.model_validate(spec, context=Reading(folder=folder))
        return pv_availability(data(), timeline, Panels(**array.model_dump()), *position)

    def wind_turbine(spec: Mapping[str, Any]) -> NDArray[np.float64]:
        from microgrid.weather import wind_availability

        return wind_availability(
            data(), timeline, **Turbine.model_validate(spec, context=Reading(folder=folder)).model_dump()
        )

    return {"photovoltaic": photovoltaic, "wind_turbine": wind_turbine}


@lru_cache(maxsize=4)
def _read(path: Path, _stamp: tuple[int, int], given: tuple[tuple[str, Any], ...]) -> Any:
    """Return the weather of a file, kept for the next scenario that asks for it while the file stays as it is."""
    from microgrid.weather import Unsaid, read_weather

    return read_weather(path, Unsaid(**dict(given)))


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes with the content of a file; of one that is not there, what no file has."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_mtime_ns, status.st_size
