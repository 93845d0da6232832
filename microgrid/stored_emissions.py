"""What batteries, tanks and heat stores hold: energy, and the emissions of what they were filled with, point by point.

From the written frames, by origin: a store takes the mix of its bus, losses raise what each kWh carries, and what it
gives takes its part along. So no store makes anything green. What it held at the first point counts as what it was
filled with since, on average.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from microgrid.origins import Origins, origins
from microgrid.results import Result
from microgrid.source_factors import roles_of, source_factors

COLUMNS = ("asset", "time", "energy", "emissions")
# Energy of unknown emissions below this, in kWh, is a solver's residue.
_LITTLE = 1e-3


def stored_emissions(result: Result) -> pd.DataFrame:
    """Return what each store holds at each point.

    Columns
    -------
    asset, time
        The store, and the point.
    energy
        What it holds, kWh; hydrogen with its lower heating value.
    emissions
        Location-based and upstream emissions of what that was made of, kg of what the factors count; missing where a
        source of it has no factor.
    """
    found = origins(result)
    points = _points(found)
    factors, unknown = source_factors(found, roles_of(result))
    each = found.with_what_was_there_before(factors)
    held = found.carried(each).in_store
    parts = []
    for store in found.network.stores:
        emitted = held[store.asset]
        if unknown.any():
            doubtful = found.held_content[store.asset][:, unknown].sum(axis=1) > _LITTLE
            emitted = np.where(doubtful, np.nan, emitted)
        parts.append(pd.DataFrame({"asset": store.asset, "time": points, "energy": store.held, "emissions": emitted}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _points(found: Origins) -> pd.DatetimeIndex:
    """Return the start of each step, and the end of the last."""
    end = found.time[-1] + pd.Timedelta(hours=float(found.network.hours[-1]))
    return pd.DatetimeIndex(found.time.append(pd.DatetimeIndex([end])))
