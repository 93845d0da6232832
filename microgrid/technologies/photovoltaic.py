"""Photovoltaic array: free power up to what the sun allows; curtailment costs nothing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from microgrid.capacity import Fixed
from microgrid.fields import Along, PowerCapacity
from microgrid.series import Series
from microgrid.technologies.free_source import FreeSource


class Photovoltaic(FreeSource):
    """A photovoltaic array with its inverter, seen from its alternating-current side."""

    kind: Literal["photovoltaic"] = "photovoltaic"
    capacity: PowerCapacity = Field(description="Rated direct-current power of the modules, kW.")
    availability: Annotated[Series, Along("1", low=0.0, high=1.5, maker="photovoltaic")] = Field(
        description="Power per kW rated that the sun allows: a series, or "
        "{tilt: 10 deg, azimuth: 180 deg, ...} to compute it from the weather."
    )

    @classmethod
    def example(cls) -> Self:
        """Return an array of 100 kW in steady sun."""
        return cls(capacity=Fixed(amount=100.0), availability=Series(np.asarray(0.4)), variable_cost=0.001)
