"""Readings and tariffs for bills worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, settings

from microgrid.bills.calculator import Bill, bill
from microgrid.bills.readings import Facts, Readings
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff


def readings(
    imported: Any,
    start: str = "2026-03-02T00:00",
    step: float = 1.0,
    zone: str = "UTC",
    exported: Any = 0.0,
    reactive: Any = None,
) -> Readings:
    """Return readings of equal intervals from a local time on; one number stands for all."""
    n = max(len(x) if isinstance(x, list | np.ndarray) else 1 for x in (imported, exported))
    first = pd.Timestamp(start).tz_localize(zone)
    times = pd.DatetimeIndex(first + pd.to_timedelta(np.arange(n) * step, unit="h"))
    powers = (np.broadcast_to(np.asarray(x, dtype=float), (n,)) for x in (imported, exported))
    var = None if reactive is None else np.broadcast_to(np.asarray(reactive, dtype=float), (n,))
    one, other = powers
    return Readings(times, np.full(n, step), one, other, var)


def tariff(components: dict[str, Any], **more: Any) -> Tariff:
    """Return a tariff; a component without a kind is one of energy."""
    named = {name: {"kind": "energy"} | component for name, component in components.items()}
    return Tariff.model_validate({"components": named, **more})


def billed(components: dict[str, Any], read: Readings, facts: dict[str, Any] | None = None, **more: Any) -> Bill:
    """Return the bill of readings."""
    known = dict(facts or {})
    past = Past(**known.pop("past", {}))
    return bill(tariff(components, **more), read, Facts(past=past, **known))


def lines(found: Bill) -> dict[str, float]:
    """Return the amount of each line, to a millionth."""
    return {name: round(amount, 6) for name, amount in found.lines().items()}


def examples(count: int) -> settings:
    """Return settings of a property test: so many examples, always the same, none of them made smaller."""
    return settings(
        max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
