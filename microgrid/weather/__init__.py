"""Weather files in, availability per kW out.

A file becomes a `Weather`; a `Weather` and a timeline become irradiance, temperature and wind on the
scenario's steps, and from these what a kW of panels or of turbine can give in each step. pvlib and
windpowerlib do the physics; they are imported when first needed, so that a command without weather does not
wait for them.
"""

from microgrid.weather.photovoltaics import Mounting, Panels, pv_availability
from microgrid.weather.reading import Unsaid, read_weather
from microgrid.weather.record import Weather
from microgrid.weather.steps import on_timeline
from microgrid.weather.wind import turbine_names, wind_availability

__all__ = [
    "Mounting",
    "Panels",
    "Unsaid",
    "Weather",
    "on_timeline",
    "pv_availability",
    "read_weather",
    "turbine_names",
    "wind_availability",
]
