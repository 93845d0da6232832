"""An engine's ledger held against the calculator's bill of the same flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from microgrid.bills.calculator import bill
from microgrid.bills.readings import Array, Facts, Readings
from microgrid.claims import TariffBill
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff


class Difference(NamedTuple):
    """What a statement of the bill is off by, and on which scale."""

    statement: str
    off: float
    scale: float


def readings_of(steps: pd.DataFrame, imported: Array, exported: Array) -> Readings:
    """Return what a meter would have read of a plan: `steps` with time, hours and weight; flows in kW."""
    times = pd.DatetimeIndex(steps["time"])
    hours, weights = (steps[name].to_numpy(dtype=float) for name in ("hours", "weight"))
    # A solver's tolerance is no energy.
    return Readings(times, hours, np.maximum(imported, 0.0), np.maximum(exported, 0.0), None, weights)


def differences(
    claim: TariffBill,
    readings: Readings,
    sizes: Mapping[str, float],
    lines: Mapping[str, Array],
    option: str,
) -> Iterator[Difference]:
    """Compare the ledger's lines with the bill's, by month where the ledger knows months, and their totals.

    Parameters
    ----------
    claim
        Tariff, past and lines.
    readings
        What the meter reads.
    sizes
        Capacities by field.
    lines
        Amounts of each ledger line, along steps or months, or one for all.
    option
        The billing option that holds.
    """
    facts = Facts(
        option,
        sizes.get("capacity"),
        sizes.get("transformer"),
        sizes.get("contract_demand"),
        Past.model_validate(claim.past),
    )
    due = bill(Tariff.model_validate(claim.tariff), readings, facts, adjusts=False)
    months = readings.months
    booked_in_all = 0.0
    for line in claim.lines:
        booked = lines.get(line, np.zeros(1))
        booked_in_all += float(booked.sum())
        billed = due.by_month(line)
        if len(booked) == len(readings.hours) and len(booked) != len(months):
            booked = np.array([booked[readings.month == month].sum() for month in months])
        owed = np.array([billed.get(month, 0.0) for month in months])
        pairs = (booked, owed) if len(booked) == len(months) else (booked.sum(keepdims=True), owed.sum(keepdims=True))
        off = float(np.abs(pairs[0] - pairs[1]).max())
        yield Difference(f"{line} is what the tariff bills for the metered flows", off, float(np.abs(owed).max()))
    yield Difference("the grid's lines add up to the bill of the metered flows", abs(booked_in_all - due.total), 0.0)
