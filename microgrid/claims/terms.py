"""What claims are made of: quantities with factors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Factor = float | NDArray[np.float64]
Terms = tuple[tuple[str, Factor], ...]
"""Pairs of quantity and factor."""
