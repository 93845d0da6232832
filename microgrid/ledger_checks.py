"""Checks of ledger lines: what follows from quantities, from metered peaks, and from a tariff as a calculator bills."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from microgrid.bills.held import differences, readings_of
from microgrid.books import Books, Finding, worst
from microgrid.claims import BILLED_BY, Charge, LeftOver, PeakCharge, TariffBill

# A bill is held to a hundredth of its currency, however large it is.
_HUNDREDTH = 0.01


def charge_holds(books: Books, claim: Charge) -> Iterator[Finding | None]:
    """Hold a ledger line to the sum of factor times quantity that it is said to be."""
    booked = books.lines[(claim.ledger, claim.line)]
    statement = f"{claim.ledger} line {claim.line!r} follows from its quantities"
    if claim.per in ("year", "month"):
        count = books.years if claim.per == "year" else sum(_month_shares(books.steps).values())
        due = count * sum(float(np.asarray(factor)) * books.sizes.get(name, 1.0) for name, factor in claim.terms)
        yield worst(books, statement, np.abs(np.array([booked.sum() - due])), abs(due))
        return
    rate, _ = books.total(claim.terms)
    due_by_step = rate * books.weights * (books.hours if claim.per == "hour" else 1.0)
    yield worst(books, statement, np.abs(booked - due_by_step), float(np.abs(due_by_step).max()))


def left_over_holds(books: Books, claim: LeftOver) -> Iterator[Finding | None]:
    """Hold what a stock is worth at a point to what it holds there."""
    point = -1 if claim.point is None else int(claim.point)
    held, booked = float(books.on_points[claim.stock][point]), float(books.lines[("costs", claim.line)].sum())
    due = -(claim.below * min(held, claim.level) + claim.above * max(held - claim.level, 0.0))
    yield worst(books, f"{claim.line} is worth what was said", np.abs(np.array([booked - due])), abs(due))


def _month_shares(steps: pd.DataFrame) -> dict[str, float]:
    """Return the part of each local calendar month that the steps cover."""
    local = steps["time"]
    shares = {}
    for label, part in steps.groupby(local.dt.strftime("%Y-%m")):
        opens = pd.Timestamp(f"{label}-01", tz=local.dt.tz)
        closes = opens + pd.offsets.MonthBegin(1)
        shares[str(label)] = float(part["hours"].sum()) / ((closes - opens).total_seconds() / 3600)
    return shares


def peak_charge_holds(books: Books, claim: PeakCharge) -> Iterator[Finding | None]:
    """Bill the meter's own way: mean of each window on the local clock, highest of the month, times the price."""
    local = books.steps["time"]
    meter = pd.DataFrame({"energy": books.quantity(claim.quantity) * books.hours, "hours": books.hours})
    minute = local.dt.hour * 60 + local.dt.minute
    meter["window"] = [
        (stamp.date(), stamp.utcoffset(), slot)
        for stamp, slot in zip(local, (minute // claim.window).tolist(), strict=True)
    ]
    meter["month"] = local.dt.strftime("%Y-%m").to_numpy()
    means = meter.groupby(["month", "window"], sort=False)[["energy", "hours"]].sum()
    peaks = (means["energy"] / means["hours"]).groupby(level=0, sort=False).max()
    peaks.iloc[0] = max(peaks.iloc[0], claim.floor)
    due = claim.price * peaks.clip(lower=0.0).to_numpy()
    booked = books.lines[("costs", claim.line)]
    yield worst(
        books,
        f"{claim.line} is the bill of the metered peaks",
        np.abs(np.array([booked.sum() - due.sum()])),
        float(due.sum()),
    )


def tariff_bill_holds(books: Books, claim: TariffBill) -> Iterator[Finding | None]:
    """Hold ledger lines against the calculator's bill of what flowed; their total to a hundredth."""
    nothing = np.zeros(len(books.steps))
    flows = (books.on_steps.get(port, nothing) for port in (claim.imported, claim.exported))
    imported, exported = (sign * flow for sign, flow in zip((1.0, -1.0), flows, strict=True))
    options = {name: told for name, told in books.on_months.items() if name.startswith(BILLED_BY)}
    chosen = {name.removeprefix(BILLED_BY): float(told[0]) for name, told in options.items()}
    option = max(chosen, key=chosen.__getitem__) if chosen else claim.billing
    booked = {line: amounts for (ledger, line), amounts in books.lines.items() if ledger == "costs"}
    readings = readings_of(books.steps, imported, exported)
    for statement, off, scale in differences(claim, readings, books.sizes, booked, option):
        yield worst(books, statement, np.array([off]), scale) if scale else _to_a_hundredth(books, statement, off)


def _to_a_hundredth(books: Books, statement: str, off: float) -> Finding | None:
    return None if off <= _HUNDREDTH else Finding(books.asset, statement, off)
