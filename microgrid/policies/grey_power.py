"""What electricity emits that is not green, by where it comes from, as electrolysers draw it: from the frames alone.

Imports count with their factor, a supplier's power with its own, a generator's with what its fuel emits for each kWh
that it gives (heat takes its part by energy), a fuel cell's with what its hydrogen carries. At every step all that is
not green mixes; a store of electricity gives out what it was charged with, kWh by kWh: its losses are the plant's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.energy_network import Network
from microgrid.energy_parts import SMALL, Converter
from microgrid.origins import BEFORE, Origins, origins
from microgrid.results import Result
from microgrid.source_factors import Roles, is_green, source_factors

Array = NDArray[np.float64]

_ELECTRICITY = "electricity"
# Electricity of unknown emissions below this, in kWh, is a solver's residue.
_LITTLE = 1e-3


class _Entering(NamedTuple):
    """Electricity as it enters a bus: kg and kW that are not green, and kW of which nobody says what they emit."""

    bus: str
    emitted: Array
    grey: Array
    unknown: Array

    @property
    def columns(self) -> Array:
        """The three side by side, shape (n, 3)."""
        return np.stack([self.emitted, self.grey, self.unknown], axis=1)


def grey_intensity(result: Result, roles: Roles) -> Array | None:
    """Return what each kWh emits that electrolysers draw and that is not green, kg/kWh, shape (n,).

    Parameters
    ----------
    roles
        What assets say of their ports, by asset and port.

    Returns
    -------
    array or None
        Where all that is drawn is green by origin, the dirtiest of the plant's sources stands for what is not assigned.
        None where electrolysers draw electricity of which nobody says what it emits.
    """
    found = origins(result)
    entering = [*_from_outside(found, roles), *_from_converters(found, roles)]
    dirtiest = _dirtiest(entering, roles, len(found.time))
    mixed = _mixed(found.network, entering, float(dirtiest.max(initial=0.0)))
    drawn = np.zeros((len(found.time), 3))
    for port in found.network.drawing():
        means = roles.get((port.asset, port.name))
        if means is not None and means.role == "electrolysis" and port.bus in mixed:
            drawn += port.drawn[:, None] * mixed[port.bus]
    emitted, grey, unknown = drawn.T
    if float(unknown @ found.network.hours) > _LITTLE:
        return None
    return np.where(grey > SMALL, emitted / np.where(grey > SMALL, grey, 1.0), dirtiest)


def _from_outside(found: Origins, roles: Roles) -> Iterator[_Entering]:
    """Give the electricity that comes in as such: none of sun and wind is grey."""
    factors, unknown = source_factors(found, roles)
    buses = {(port.asset, port.name): port.bus for port in found.network.sources}
    for at, source in enumerate(found.sources):
        if source.carrier == _ELECTRICITY and source.port != BEFORE:
            power = found.supplied[:, at]
            grey = 0.0 if is_green(source, roles) else 1.0
            yield _Entering(
                buses[source.asset, source.port], power * factors[:, at], power * grey, power * float(unknown[at])
            )


def _from_converters(found: Origins, roles: Roles) -> Iterator[_Entering]:
    """Give the electricity of generators and fuel cells, with what the energy carries that it was made of."""
    converters = [converter for converter in found.network.converters if _makes_electricity(converter)]
    if not converters:
        return
    factors, unknown = source_factors(found, roles)
    carried = found.carried(found.with_what_was_there_before(factors)).on_bus
    doubtful = found.carried(np.tile(unknown.astype(float), (len(found.time), 1))).on_bus
    for converter in converters:
        made = np.sum([port.fed for port in converter.outputs], axis=0)
        emitted, of_unknown = (
            np.sum([port.drawn * values[port.bus] for port in converter.inputs], axis=0)
            for values in (carried, doubtful)
        )
        for port in converter.outputs:
            if port.carrier == _ELECTRICITY:
                share = port.fed / np.where(made > SMALL, made, 1.0)
                yield _Entering(port.bus, share * emitted, port.fed, port.fed * (of_unknown > SMALL))


def _makes_electricity(converter: Converter) -> bool:
    return any(port.carrier == _ELECTRICITY for port in converter.outputs)


def _dirtiest(entering: list[_Entering], roles: Roles, n: int) -> Array:
    """Return at each step the highest intensity of an import, and of what entered at any step, shape (n,)."""
    imports = [means.intensity for means in roles.values() if means.role == "import" and means.intensity is not None]
    known = [np.broadcast_to(np.asarray(intensity, dtype=float), (n,)) for intensity in imports]
    made = [
        float((each.emitted[each.grey > SMALL] / each.grey[each.grey > SMALL]).max(initial=0.0)) for each in entering
    ]
    return np.asarray(np.max(known, axis=0) if known else np.full(n, max(made, default=0.0)), dtype=float)


def _mixed(network: Network, entering: list[_Entering], at_first: float) -> Mapping[str, Array]:
    """Return what each kWh on a bus is: kg emitted, the part that is not green, the part of which nobody knows.

    Electricity that is made on the site enters as if it came from outside. What stores held before is as dirty as the
    dirtiest import.
    """
    plain = replace(network, converters=tuple(each for each in network.converters if not _makes_electricity(each)))
    by_bus = {bus: np.zeros((len(network.hours), 3)) for bus in plain.buses}
    for each in entering:
        by_bus[each.bus] += each.columns
    before = {store.asset: store.held[0] * np.array([at_first, 1.0, 0.0]) for store in network.stores}
    return plain.mixed(by_bus, before, "shares").on_bus
