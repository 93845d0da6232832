"""What each kWh of a plan's sources emits, location-based and upstream: as their assets say it in their claims."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from microgrid.carriers import CARRIERS, energy_per_unit
from microgrid.claims import Means
from microgrid.energy_parts import Array
from microgrid.origins import BEFORE, Origins, Source
from microgrid.results import Result

Roles = Mapping[tuple[str, str], Means]


def roles_of(result: Result) -> Roles:
    """Return what assets say of their ports, by asset and port."""
    return {
        (asset, claim.quantity): claim
        for asset, claims in result.claims.items()
        for claim in claims
        if isinstance(claim, Means)
    }


def is_green(source: Source, roles: Roles) -> bool:
    """Tell whether a source is sun or wind."""
    means = roles.get((source.asset, source.port))
    return means is not None and means.role == "renewable"


def source_factors(found: Origins, roles: Roles) -> tuple[Array, NDArray[np.bool_]]:
    """Return what each kWh of each source emits, and of which sources nobody says so.

    Returns
    -------
    tuple
        kg/kWh of lower heating value, shape (n, k), zero for sun and wind and for what stores held before the horizon;
        and whether it is not known, shape (k,).
    """
    factors, unknown = np.zeros((len(found.time), len(found.sources))), np.zeros(len(found.sources), dtype=bool)
    for at, source in enumerate(found.sources):
        means = roles.get((source.asset, source.port))
        if source.port == BEFORE or is_green(source, roles):
            continue
        if means is None or means.intensity is None:
            unknown[at] = True
        else:
            factors[:, at] = np.asarray(means.intensity) / energy_per_unit(CARRIERS[source.carrier])
    return factors, unknown
