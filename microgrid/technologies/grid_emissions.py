"""What a grid connection emits: scope 2 by location and by market, scope 3 upstream; and what its exports take off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from microgrid.series import Series
from microgrid.technologies.base import Passing
from microgrid.technologies.factor_lines import FactorLine
from microgrid.timeline import Timeline

BY_MARKET = "import, market-based"


def factors(
    location: Series | None, market: Series | None, upstream: Series | None, export: Series | None
) -> list[FactorLine]:
    """Return the lines of import and export.

    By market, a kWh emits what it does by location unless told otherwise; a kWh exported takes off what one imported
    puts on by location. Exports stand on a line of their own, in no scope: the standard of the account says whether
    they count.
    """
    by_market = (location, "location_factor") if market is None else (market, "market_factor")
    taken_off = (location, "location_factor") if export is None else (export, "export_factor")
    return [
        FactorLine("import, location-based", 2, "location", "purchased", "import", location, "location_factor"),
        FactorLine(BY_MARKET, 2, "market", "purchased", "import", *by_market),
        FactorLine("import, upstream", 3, "both", "upstream", "import", upstream, "upstream_factor"),
        FactorLine("export", 0, "both", "exported", "export", *taken_off),
    ]


def physical(timeline: Timeline, location: Series | None, upstream: Series | None) -> NDArray[np.float64] | None:
    """Return what each kWh imported emits where it is made and before, shape (n,); None where nobody says."""
    if location is None:
        return None
    before = np.zeros(len(timeline)) if upstream is None else upstream.on(timeline)
    return location.on(timeline) + before


def passing(lines: Sequence[FactorLine], timeline: Timeline) -> Passing:
    """Return the least that an import puts on an account, by any of its lines, and what an export takes off."""
    nothing = np.zeros(len(timeline))
    put_on = [line.factor.on(timeline) for line in lines if line.factor is not None and line.part == "purchased"]
    taken_off = next((line.factor for line in lines if line.part == "exported"), None)
    least = np.min(put_on, axis=0) if put_on else nothing
    return Passing(np.asarray(least), nothing if taken_off is None else taken_off.on(timeline))
