"""The periods of a rule on a horizon: which steps each year, month or hour has, on the local calendar."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.policies.adopted import Bound
from microgrid.policies.packs import Period
from microgrid.timeline import Timeline

_LABELS: Mapping[Period, str] = {"year": "%Y", "month": "%Y-%m", "hour": "%Y-%m-%dT%H%z"}


def spans(timeline: Timeline, period: Period) -> dict[str, NDArray[np.int64]]:
    """Return the steps of each period by its label, such as ``2026-03``; every step is in one."""
    codes, labels = pd.factorize(timeline.index.strftime(_LABELS[period]))
    return {str(label): np.flatnonzero(codes == code) for code, label in enumerate(labels)}


def in_force(timeline: Timeline, bound: Bound) -> NDArray[np.bool_]:
    """Tell for each step whether the rule is in force on its day, shape (n,)."""
    holds = np.full(len(timeline), True)
    if bound.valid_from:
        holds &= np.asarray(timeline.index >= pd.Timestamp(bound.valid_from, tz=timeline.index.tz))
    if bound.valid_to:
        after = pd.Timestamp(bound.valid_to, tz=timeline.index.tz) + pd.DateOffset(days=1)
        holds &= np.asarray(timeline.index < after)
    return holds


def bound_spans(timeline: Timeline, bound: Bound) -> dict[str, NDArray[np.int64]]:
    """Return the steps of each period in which a rule is in force."""
    holds = in_force(timeline, bound)
    kept = {label: steps[holds[steps]] for label, steps in spans(timeline, bound.period).items()}
    return {label: steps for label, steps in kept.items() if len(steps)}
