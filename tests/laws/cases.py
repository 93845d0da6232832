"""What the laws hold for: every technology's example, and variants of it that use what the example cannot.

Technologies are found by `technologies()`: a new file is under the laws as soon as it has an `example()`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import BaseModel

from microgrid.capacity import Fixed, Sized
from microgrid.series import Series
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.technologies.battery import Wear
from microgrid.technologies.commitment import Commitment
from tests.laws.rules import get, has, put
from tests.laws.surroundings import varied


@dataclass(frozen=True)
class Case:
    """An asset under the laws."""

    kind: str
    variant: str
    asset: Technology

    def __str__(self) -> str:
        """Name the technology in a failing test."""
        return f"{self.kind}-{self.variant}" if self.variant else self.kind


@dataclass(frozen=True)
class Off:
    """A field that a law cannot hold for, what it is set to instead, and why.

    Parameters
    ----------
    kind
        The technology, or ``*`` for every one that has the field.
    """

    kind: str
    path: str
    value: Any
    reason: str


# Everything a commitment can say at once. The last output is left open: a unit of no size has none.
ALL_OF_COMMITMENT = Commitment(
    minimum_load=0.3,
    start_cost=1.5,
    stop_cost=0.7,
    running_cost=0.4,
    minimum_up=1.5,
    minimum_down=0.75,
    maximum_up=5.0,
    maximum_hours=5.5,
    maximum_starts=2,
    ramp_up=0.35,
    ramp_down=0.45,
    start_ramp=0.5,
    stop_ramp=0.6,
    on_before=True,
    hours_before=0.25,
)
RAMPS_ALONE = Commitment(ramp_up=0.3, ramp_down=0.4, on_before=True, output_before=15.0)

# By kind: name of the variant and the fields that make it. Kinds without an entry have their example alone.
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "battery": {
        "lossless": {"charge_efficiency": 1.0, "discharge_efficiency": 1.0, "self_discharge": 0.0},
        "depth": {"wear": Wear(method="depth", replacement_cost=600.0, cycle_life=6000.0, segments=3)},
        "apart": {"exclusive": "always", "initial_charge": None, "final_charge": None},
    },
    "boiler": {
        "hydrogen": {"bus_in": None, "hydrogen_bus": "hydrogen", "commitment": None},
        "ramps": {"commitment": RAMPS_ALONE},
    },
    "electrolyser": {
        "plain": {
            "curve": (), "consumption": 52.0, "minimum_load": 0.0, "standby_power": None,
            "cold_start": {}, "warm_start": {}, "minimum_up": 0.0, "minimum_down": 0.0, "running_cost": 0.0,
            "on_before": 0, "hours_before": None, "stacks": 1, "power_before": 20.0,
        },
        "one stack": {"stacks": 1, "hours_before": None, "power_before": 60.0},
        "one line": {"curve": ({"load": 0.2, "consumption": 50.0}, {"load": 1.0, "consumption": 54.0})},
        "both starting": {"on_before": 2, "hours_before": 0.25, "power_before": 0.0},
        "starts at once": {
            "cold_start": {"energy": 15.0, "cost": 2.0}, "warm_start": {"energy": 4.0},
            "on_before": 0, "hours_before": None,
        },
        "fresh stacks": {"on_before": 0, "standby_before": 1, "hours_before": None, "ramp_up": None, "ramp_down": None},
    },
    "fuel_cell": {
        "one line": {
            "part_load": ({"load": 0.2, "electricity_per_kg": 19.0}, {"load": 1.0, "electricity_per_kg": 16.0}),
        },
        "plain": {
            "part_load": (), "electricity_per_kg": 17.0, "heat_bus": None, "heat_share": None, "commitment": None,
        },
        "no heat": {"heat_bus": None, "heat_share": None},
    },
    "fuel_generator": {
        "plain": {
            "part_load": (), "electric_efficiency": 0.38, "commitment": None, "heat_bus": None, "heat_efficiency": None,
            "heat_rejection": False,
        },
        "no heat": {"heat_bus": None, "heat_efficiency": None, "heat_rejection": False},
        "one line": {"part_load": ({"load": 0.5, "efficiency": 0.32}, {"load": 1.0, "efficiency": 0.37})},
        "back pressure": {"heat_rejection": False},
        "extraction": {
            "heat_efficiency": None, "heat_rejection": False, "power_loss": 0.2, "power_to_heat": 0.6,
        },
    },
    "grid_connection": {
        "no charges": {"capacity_charge": 0.0, "demand_charge": None, "market_factor": None},
        "limited": {
            "import_limit": Series(np.asarray(40.0)), "demand_charge": None, "export_price": Series(np.asarray(0.6)),
        },
    },
    "heat_pump": {"cop": {"cop": Series(np.asarray(3.2)), "source_temperature": None, "sink_temperature": None,
                          "quality": None, "commitment": RAMPS_ALONE}},
    "heat_storage": {
        "lossless": {"charge_efficiency": 1.0, "discharge_efficiency": 1.0, "loss": 0.0, "power": None},
        "cyclic": {"initial_fill": None, "final_fill": None, "exclusive": "never"},
    },
    "hydrogen_tank": {
        "no limits": {"charge_limit": None, "discharge_limit": None, "initial_fill": None, "final_fill": None},
        "apart": {"exclusive": "always", "loss": 0.05},
    },
    "photovoltaic": {"free": {"variable_cost": 0.0}},
    "process": {
        "captured": {
            "carbon_dioxide_bus": "carbon_dioxide", "production": Series(np.asarray(4.0)), "heat": 0.0,
            "heat_bus": None, "fuel": 0.0, "fuel_bus": None,
        },
    },
    "carbon_capture": {"no heat": {"heat": 0.0, "heat_bus": None, "storage_cost": 0.0}},
    "production_load": {"no relief": {"sheddable": 0.0, "unserved_price": None}},
    "supply": {"hydrogen": {"bus": "hydrogen", "price": Series(np.asarray(5.0)), "limit": Series(np.asarray(2.0))}},
}  # fmt: skip


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Return every technology's example and its variants, with series that differ from step to step."""
    found = []
    for kind, cls in technologies().items():
        example = cls.example()
        variants = {"": {}} | VARIANTS.get(kind, {})
        if has(example, "commitment"):
            variants["committed"] = {"commitment": ALL_OF_COMMITMENT}
        found += [Case(kind, name, varied(put(example, dict(fields)))) for name, fields in variants.items()]
    return tuple(found)


@lru_cache(maxsize=1)
def sized_cases() -> tuple[Case, ...]:
    """Return the examples with their capacities as decisions: freely, and by modules that cost something to build."""
    found = []
    for kind, cls in technologies().items():
        if not cls.example().capacities():
            continue
        found.append(Case(kind, "sized", varied(decided(kind, cls.example(), _freely))))
        found.append(Case(kind, "modules", varied(decided(kind, cls.example(), _by_modules))))
    return tuple(found)


def _freely(amount: float) -> Sized:
    return Sized(low=0.0, high=1.5 * amount, capex=150.0, opex=9.0, lifetime=12.0, interest=0.04)


def _by_modules(amount: float) -> Sized:
    return Sized(
        low=0.5 * amount,
        high=2 * amount,
        capex=120.0,
        build_cost=400.0,
        unit_size=amount / 4,
        optional=True,
        lifetime=9.0,
    )


# What an asset whose size is yet to be decided cannot say: how many units there are, and what they did before.
UNDECIDED: dict[str, dict[str, Any]] = {
    "electrolyser": {"stacks": 1, "on_before": 0, "standby_before": 0, "hours_before": None, "power_before": None},
}


def decided(kind: str, asset: Technology, size: Callable[[float], Sized]) -> Technology:
    """Return an asset whose capacities are decisions."""
    capacities = {name: size(capacity.high) for name, capacity in asset.capacities().items()}
    return put(asset, capacities | UNDECIDED.get(kind, {}))


def with_capacity(asset: Technology, name: str, capacity: Fixed | Sized) -> Technology:
    """Return an asset with another capacity."""
    return put(asset, {name: capacity})


def without(case: Case, table: tuple[Off, ...]) -> Technology:
    """Return the case's asset with every field of the table switched off."""
    changes = {
        off.path: off.value
        for off in table
        if off.kind in ("*", case.kind) and has(case.asset, off.path) and get(case.asset, off.path) is not None
    }
    return put(case.asset, changes)


def nested_paths(model: BaseModel, prefix: str = "") -> list[str]:
    """Return the path of every field of a model, and of the models in it that are there."""
    paths = []
    for name in type(model).model_fields:
        paths.append(prefix + name)
        value = getattr(model, name)
        if isinstance(value, BaseModel) and not isinstance(value, Fixed | Sized):
            paths += nested_paths(value, f"{prefix}{name}.")
    return paths
