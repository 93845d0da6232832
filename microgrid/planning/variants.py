"""The same plant otherwise: sizes as they were decided, or with a capacity that has aged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from microgrid.capacity import Fixed, Sized
from microgrid.plant import Plant
from microgrid.technologies.base import Technology

_NOTHING = 1e-9


def pinned(plant: Plant, sizes: Mapping[str, Mapping[str, float]], left: Mapping[tuple[str, str], float]) -> Plant:
    """Return a plant whose sizes are no decisions any more.

    Parameters
    ----------
    plant
        The plant.
    sizes
        What was decided, by asset and field.
    left
        By asset and field, the share of a capacity that is left; all of it where it is not named.
    """
    assets = {
        name: with_capacities(
            asset,
            {
                key: _pinned(capacity, sizes[name][key], left.get((name, key), 1.0))
                for key, capacity in asset.capacities().items()
            },
        )
        for name, asset in plant.assets.items()
    }
    return replace(plant, assets=assets, areas={})


def with_capacities(asset: Technology, capacities: Mapping[str, Fixed | Sized]) -> Technology:
    """Return an asset with other capacities."""
    fields = {name: getattr(asset, name) for name in type(asset).model_fields}
    return type(asset)(**fields | dict(capacities))


def _pinned(capacity: Fixed | Sized, size: float, left: float) -> Fixed | Sized:
    """Return a capacity that cannot be another; a decided one still counts its modules and its capital."""
    if isinstance(capacity, Fixed):
        return capacity.model_copy(update={"amount": capacity.amount * left})
    amount = size * left
    if amount <= _NOTHING * max(capacity.high, 1.0):
        return Fixed(amount=0.0)
    unit = None if capacity.unit_size is None else capacity.unit_size * left
    return capacity.model_copy(update={"low": amount, "high": amount, "unit_size": unit, "optional": False})
