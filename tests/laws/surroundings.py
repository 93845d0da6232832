"""What stands around an asset in a law: on each of its buses a neighbour who buys, sells and demands.

The neighbour is a technology of the tests, so that a fault of a technology of the package cannot cancel itself out. Its
prices vary from step to step, so that whatever the asset is, there are steps at which using it pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
import pyomo.environ as pyo
from pydantic import Field

from microgrid.capacity import Size
from microgrid.carriers import CARRIERS
from microgrid.claims import Between, Charge, Claim
from microgrid.fields import AmountPrices, FlowSeries, Quantity
from microgrid.plant import Objective, Plant
from microgrid.series import Series
from microgrid.technologies.base import Bus, Contribution, Cost, Flow, Operation, Technology, parameter
from microgrid.timeline import Timeline
from tests.laws.rules import Factors, marks_of, scaled

FlowLimit = Annotated[float, Quantity("kW", low=0.0, other_units=("kg/h",))]


class Neighbour(Technology):
    """Whoever stands on a bus beside the asset: sells to it, buys from it at a lower price, and has a demand."""

    bus: Annotated[str, Bus()] = Field(description="Bus it stands on.")
    demand: FlowSeries = Field(description="What it draws in any case.")
    asks: AmountPrices = Field(description="Price at which it sells.")
    pays: AmountPrices = Field(description="Price at which it buys.")
    sells: FlowLimit = Field(description="Most that it sells.")
    buys: FlowLimit = Field(description="Most that it buys.")

    def presses(self) -> frozenset[str]:
        return frozenset({self.bus}) if self.pays.lowest <= 0 or self.asks.lowest <= 0 else frozenset()

    def build(self, block: Any, operation: Operation, size: Mapping[str, Size]) -> Contribution:  # noqa: ARG002
        steps, hours = operation.steps, operation.hours
        demand, asks, pays = (
            parameter(block, steps, f"{name}_given", getattr(self, name).on(operation.timeline))
            for name in ("demand", "asks", "pays")
        )
        block.sold = pyo.Var(steps, bounds=(0.0, self.sells))
        block.bought = pyo.Var(steps, bounds=(0.0, self.buys))
        return Contribution(
            flows=[
                Flow("demand", self.bus, lambda t: -demand[t]),
                Flow("sold", self.bus, lambda t: block.sold[t]),
                Flow("bought", self.bus, lambda t: -block.bought[t]),
            ],
            costs=[
                Cost("asked", "energy", lambda t: asks[t] * hours[t] * block.sold[t], steps),
                Cost("paid", "revenue", lambda t: -pays[t] * hours[t] * block.bought[t], steps),
            ],
        )

    def claims(self, operation: Operation) -> list[Claim]:
        demand = self.demand.on(operation.timeline)
        return [
            Between("demand as given", (("demand", 1.0),), -demand, -demand),
            Between("sold within its limit", (("sold", 1.0),), 0.0, self.sells),
            Between("bought within its limit", (("bought", 1.0),), -self.buys, 0.0),
            Charge("costs", "asked", (("sold", self.asks.on(operation.timeline)),)),
            Charge("costs", "paid", (("bought", self.pays.on(operation.timeline)),)),
        ]

    @classmethod
    def example(cls) -> Self:
        flat = Series(np.asarray(1.0))
        return cls(bus="electricity", demand=flat, asks=flat, pays=flat, sells=1.0, buys=1.0)


# Unequal steps, none of one hour, in whole quarter hours even when cut in two; the month ends before the fifth.
HOURS = (0.5, 1.5, 0.25, 2.0, 2.5, 0.5)
START = "2026-01-31T19:45+00:00"

# Prices at which the neighbour sells, by carrier and by what the asset does with it: takes it, gives it, or both. It
# buys at nine tenths of that. Cheap and dear steps alternate, so that storing pays and units switch.
DEFAULT = {
    "in": (0.03, 0.06, 0.03, 0.04, 1.0, 0.03),
    "out": (0.10, 0.02, 0.25, 0.15, 0.20, 0.08),
    "both": (0.02, 0.30, 0.10, 0.03, 0.40, 0.05),
}
PRICES = {
    "electricity": {
        "in": (0.06, 0.95, 0.12, 0.05, 6.0, 0.10),
        "out": (0.25, 0.05, 0.60, 0.40, 0.50, 0.20),
        "both": (0.05, 0.90, 0.30, 0.03, 0.70, 0.12),
    },
    "hydrogen": {
        "in": (1.0, 3.0, 1.5, 2.0, 30.0, 1.0),
        "out": (6.0, 2.0, 8.0, 7.0, 5.0, 9.0),
        "both": (1.0, 8.0, 4.0, 0.5, 9.0, 2.0),
    },
}
# Who lets carbon dioxide go pays for having it taken away.
PRICES["carbon_dioxide"] = PRICES["hydrogen"] | {"in": (-1.5, 0.1, -1.2, -2.0, 0.5, -1.0)}
DEMAND = {"kW": (30.0, 45.0, 20.0, 60.0, 50.0, 25.0), "kg/h": (1.0, 1.5, 0.5, 2.0, 1.8, 0.8)}
ROOM = {"kW": 70.0, "kg/h": 2.5}
PLENTY = {"kW": 2000.0, "kg/h": 60.0}

# By how much a series of an example differs from step to step.
VARIED = (1.0, 0.8, 1.1, 0.9, 0.75, 1.05)


def horizon(hours: tuple[float, ...] = HOURS, weights: tuple[float, ...] | None = None) -> Timeline:
    """Return the steps of the laws."""
    return Timeline.of_hours(hours, start=START, weights=weights)


def halves(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return every value twice."""
    return tuple(value for value in values for _ in range(2))


def varied(asset: Technology) -> Technology:
    """Return an asset whose series differ from step to step, within what the fields allow."""
    values = {name: getattr(asset, name) for name in type(asset).model_fields}
    for name, series in asset.series().items():
        mark = next(mark for mark in marks_of(type(asset).model_fields[name]) if hasattr(mark, "low"))
        changed = np.clip(float(series.values) * np.array(VARIED), mark.low, mark.high)
        values[name] = Series(changed, series.unit)
    return type(asset)(**values)


def twice(asset: Technology) -> Technology:
    """Return an asset with every value of its series twice, for steps cut in two."""
    values = {name: getattr(asset, name) for name in type(asset).model_fields}
    doubled = {name: Series(np.repeat(s.values, 2), s.unit) for name, s in asset.series().items()}
    return type(asset)(**values | doubled)


def neighbours(asset: Technology, pressed: bool = False) -> dict[str, Technology]:
    """Return a neighbour for each bus of an asset; `pressed` ones also give and take at prices below zero."""
    found: dict[str, Technology] = {}
    for bus, mark in asset.buses().values():
        unit = CARRIERS[bus].flow_unit
        asks = np.array(PRICES.get(bus, DEFAULT)[mark.direction])
        if pressed:
            asks = asks - 1.5 * np.sort(asks)[1]
        found[f"neighbour on {bus}"] = Neighbour(
            bus=bus,
            demand=Series(np.array(DEMAND[unit])),
            asks=Series(asks),
            pays=Series(asks - 0.1 * np.abs(asks)),
            sells=PLENTY[unit],
            buys=ROOM[unit],
        )
    return found


CARBON_PRICE = 0.05


def surrounded(
    asset: Technology | None,
    around: Mapping[str, Technology],
    timeline: Timeline,
    by: Factors | None = None,
) -> Plant:
    """Return the plant of an asset and its neighbours, all scaled; None stands for the asset's absence."""
    by = by or Factors()
    assets = dict(around) if asset is None else {"asset": asset, **around}
    objective = Objective(carbon_price=CARBON_PRICE * by.money)
    return Plant(timeline, {name: scaled(one, by) for name, one in assets.items()}, objective=objective, currency="EUR")
