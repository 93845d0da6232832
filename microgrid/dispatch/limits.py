"""Live limits: an outage, a derating, a call to import less, another price; for some hours, on top of the scenario."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid.copies import copied
from microgrid.dispatch.site import parsed
from microgrid.errors import InputError, Problem
from microgrid.plant import Plant
from microgrid.rolling.metering import energy_prices
from microgrid.series import Series
from microgrid.tariffs.components import EnergyCharge
from microgrid.tariffs.prices import Price
from microgrid.units import UnitError, quantity
from microgrid.yaml_files import read_yaml

Array = NDArray[np.float64]
Ports = dict[str, dict[str, str]]
PRICE_OF_THE_DAY = "price of the day"


class LiveLimit(BaseModel):
    """One limit of the day.

    Parameters
    ----------
    asset
        Whose it is.
    kind
        ``outage``: nothing flows; ``derating``: no more than a share of the capacity; ``import``, ``export``: no more
        than a power; ``price``: the import price.
    since, until
        Local times; without them from now on, and until the line is taken out.
    value
        Share, power or price with its unit; none for an outage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    asset: str
    kind: Literal["outage", "derating", "import", "export", "price"]
    since: str = Field(default="", alias="from")
    until: str = ""
    value: str = ""

    @model_validator(mode="after")
    def _has_value(self) -> LiveLimit:
        if (self.kind == "outage") == bool(self.value):
            raise ValueError("an outage has no value, every other limit has one")
        return self


class LiveLimits(BaseModel):
    """The file of live limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: list[LiveLimit] = []


def read_limits(path: Path) -> list[LiveLimit]:
    """Read the file of live limits; one that is not there holds none.

    Raises
    ------
    InputError
        With what is wrong in it.
    """
    if not path.is_file():
        return []
    tree = read_yaml(path)
    if tree.problems:
        raise InputError(tree.problems)
    found: LiveLimits = parsed(LiveLimits, tree.data or {}, path, tree.places)
    return list(found.limits)


def with_limits(plant: Plant, ports: Ports, limits: list[LiveLimit]) -> Plant:
    """Return the plant with its live limits, on the steps that they hold for.

    Raises
    ------
    InputError
        If a limit names no asset, no time or no value that fits.
    """
    problems = []
    for at, limit in enumerate(limits):
        try:
            plant = _with_limit(plant, ports, limit)
        except (UnitError, ValueError, KeyError, AttributeError) as error:
            wanted = "an asset of the plant, times, and a value with its unit"
            problems.append(Problem(f"limits.{at}", f"{limit.asset}, {limit.kind}: {error}", wanted))
    if problems:
        raise InputError(problems)
    return plant


def _with_limit(plant: Plant, ports: Ports, limit: LiveLimit) -> Plant:
    asset: Any = plant.assets[limit.asset]
    steps = _steps(plant, limit)
    n = len(plant.timeline)
    if limit.kind == "price":
        price = quantity(limit.value, f"{plant.currency}/kWh")
        return replace(plant, assets={**plant.assets, limit.asset: _priced(plant, asset, steps, price)})
    own = dict(plant.flow_limits.get(limit.asset, {}))
    for port, most in _most(plant, asset, ports[limit.asset], limit).items():
        low, high = own.get(port, (np.full(n, -np.inf), np.full(n, np.inf)))
        least, highest = np.maximum(low, -most), np.minimum(high, most)
        own[port] = (_where(steps, least, low), _where(steps, highest, high))
    limited = replace(plant, flow_limits={**plant.flow_limits, limit.asset: own})
    return _switched_off(limited, limit, steps) if limit.kind == "outage" else limited


def _priced(plant: Plant, asset: Any, steps: NDArray[np.bool_], price: float) -> Any:
    """Return a connection with another price of energy at some steps: under a tariff, by a component of its own."""
    if asset.tariff is None:
        values = np.where(steps, price, asset.import_price.on(plant.timeline))
        return copied(asset, {"import_price": Series(values, asset.import_price.unit, "live limits")})
    more = np.where(steps, price - energy_prices(asset, plant.timeline), 0.0)
    own = EnergyCharge(price=Price.of_series(Series(more)), netted=False)
    tariff = copied(asset.tariff, {"components": {**asset.tariff.components, PRICE_OF_THE_DAY: own}})
    return copied(asset, {"tariff": tariff})


def _where(steps: NDArray[np.bool_], limited: Array, free: Array) -> Array:
    return np.asarray(np.where(steps, limited, free), dtype=float)


def _most(plant: Plant, asset: Any, ports: dict[str, str], limit: LiveLimit) -> dict[str, float]:
    """Return the largest rate at each port that a limit holds."""
    if limit.kind == "outage":
        return dict.fromkeys(ports, 0.0)
    if limit.kind in ("import", "export"):
        return {limit.kind: quantity(limit.value, "kW")}
    share = quantity(limit.value, "1")
    capacities = asset.capacities()
    size = capacities["power"] if "power" in capacities else capacities["capacity"]
    unit = asset.capacity_units()["power" if "power" in capacities else "capacity"]
    electric = {port for port, bus in ports.items() if plant.buses[bus].carrier.flow_unit == unit}
    main = {"import", "export", "output", "power", "charge", "discharge", "supply"}
    return dict.fromkeys(electric & main, share * size.high)


def _switched_off(plant: Plant, limit: LiveLimit, steps: NDArray[np.bool_]) -> Plant:
    """Return the plant with a unit that is out from the first step on as off, and its minimum times behind it."""
    asset: Any = plant.assets[limit.asset]
    if not steps[0]:
        return plant
    changes: dict[str, Any] = {}
    if getattr(asset, "commitment", None) is not None:
        off = {"on_before": False, "hours_before": None, "output_before": None}
        changes["commitment"] = copied(asset.commitment, off)
    if hasattr(asset, "pattern"):
        changes = {"on_before": 0, "standby_before": 0, "hours_before": None, "power_before": None, "moves_before": ()}
    return replace(plant, assets={**plant.assets, limit.asset: copied(asset, changes)}) if changes else plant


def _steps(plant: Plant, limit: LiveLimit) -> NDArray[np.bool_]:
    timeline = plant.timeline
    first = _time(limit.since, timeline.index[0], plant)
    last = _time(limit.until, timeline.end, plant)
    return np.asarray((timeline.points[1:] > first) & (timeline.index < last), dtype=bool)


def _time(text: str, default: pd.Timestamp, plant: Plant) -> pd.Timestamp:
    if not text:
        return default
    time = pd.Timestamp(text)
    zone = plant.timeline.index.tz
    return time.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if time.tz is None else time


__all__ = ["LiveLimit", "read_limits", "with_limits"]
