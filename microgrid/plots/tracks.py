"""Values along time, with what they are of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RELIEFS = ("shed", "unserved")
SMALL = 1e-6


@dataclass(frozen=True, eq=False)
class Track:
    """Values along the steps, or for a stock along the points."""

    asset: str
    name: str
    along: Array
    bus: str = ""
    carrier: str = ""
    unit: str = ""

    @property
    def is_relief(self) -> bool:
        """Whether this is load that is not served."""
        return self.name in RELIEFS

    @property
    def moves(self) -> bool:
        """Whether anything is away from zero."""
        return bool(np.abs(self.along).max(initial=0.0) > SMALL)
