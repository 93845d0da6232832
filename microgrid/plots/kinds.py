"""Which technology an asset is, where a run does not say it: ports, carriers and hours betray it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from microgrid.plots.tracks import SMALL, Track
from microgrid.results import Result

TELLING = {
    "surplus": "surplus",
    "import": "grid_connection",
    "export": "grid_connection",
    "supply": "supply",
    "demand": "production_load",
}


def kinds_of(
    result: Result, flows: tuple[Track, ...], stocks: tuple[Track, ...], times: pd.DatetimeIndex
) -> dict[str, str]:
    """Return the technology of each asset: as the manifest says, else as its flows betray."""
    told = result.manifest.get("kinds") or {}
    paid = map(str, result.costs["asset"].unique())
    named = [*(result.manifest.get("sizes") or {}), *(flow.asset for flow in flows), *paid]
    stored = {stock.asset: stock.carrier for stock in stocks}
    return {
        asset: told.get(asset) or _betrayed(asset, [f for f in flows if f.asset == asset], stored.get(asset), times)
        for asset in dict.fromkeys(named)
    }


def _betrayed(asset: str, flows: list[Track], stored: str | None, times: pd.DatetimeIndex) -> str:
    """Return what an asset seems to be, from its ports and what flows there."""
    ports, carriers = {flow.name for flow in flows}, {flow.carrier for flow in flows}
    if not flows:
        return asset
    for port, kind in TELLING.items():
        if port in ports:
            return kind
    if stored is not None:
        return {"electricity": "battery", "hydrogen": "hydrogen_tank"}.get(stored, "heat_storage")
    taken = {flow.carrier for flow in flows if flow.along.min() < -SMALL}
    given = {flow.carrier for flow in flows if flow.along.max() > SMALL}
    if not taken:
        return _source(asset, flows, times) if "electricity" in carriers else "supply"
    return _converter(taken, given, float(np.sum([flow.along for flow in flows])))


def _converter(taken: set[str], given: set[str], gain: float) -> str:
    """Tell converters apart by what they take and give; a heat pump gives more than it takes."""
    if "hydrogen" in given:
        return "electrolyser"
    if "electricity" in given:
        return "fuel_cell" if "hydrogen" in taken else "fuel_generator"
    return "heat_pump" if "electricity" in taken and gain > SMALL else "boiler"


def _source(asset: str, flows: list[Track], times: pd.DatetimeIndex) -> str:
    """Tell wind from sun, which does not shine from ten to three."""
    if any(word in asset.lower() for word in ("wind", "turbine", "风")):
        return "wind_turbine"
    night = (times.hour >= 22) | (times.hour < 3)
    shining = any(np.abs(flow.along[night]).max(initial=0.0) > SMALL for flow in flows)
    return "wind_turbine" if shining else "photovoltaic"
