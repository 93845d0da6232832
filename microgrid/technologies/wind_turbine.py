"""Wind turbine: free power up to what the wind allows; curtailment costs nothing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from microgrid.capacity import Fixed
from microgrid.fields import Along, PowerCapacity
from microgrid.series import Series
from microgrid.technologies.free_source import FreeSource


class WindTurbine(FreeSource):
    """One or more wind turbines.

    Whole turbines are bought with the ``unit_size`` of a capacity to be decided.
    """

    kind: Literal["wind_turbine"] = "wind_turbine"
    capacity: PowerCapacity = Field(description="Rated power of all turbines together, kW.")
    availability: Annotated[Series, Along("1", low=0.0, high=1.0, maker="wind_turbine")] = Field(
        description="Power per kW rated that the wind allows: a series, or "
        "{turbine: V90/2000, hub_height: 95 m, ...} to compute it from the weather."
    )

    @classmethod
    def example(cls) -> Self:
        """Return turbines of 150 kW in a steady breeze."""
        return cls(capacity=Fixed(amount=150.0), availability=Series(np.asarray(0.3)), variable_cost=0.002)
