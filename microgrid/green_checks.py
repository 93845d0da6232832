"""Checks of what flows count as, and of contracts and certificates: held to the periods in which they are matched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from microgrid.books import ABSOLUTE, RELATIVE, Books, Finding, energy_by_period, periods, size, worst
from microgrid.claims import Certified, Matching, Means


def means_holds(books: Books, claim: Means) -> Iterator[Finding | None]:
    """Hold a flow to what was available; what it counts as, only the rules that count it can judge."""
    flow = books.quantity(claim.quantity)
    if claim.available:
        available, scale = books.total(claim.available)
        yield worst(books, f"{claim.quantity} within what is available", flow - available, scale)
    if claim.intensity is not None:
        intensity = np.atleast_1d(np.asarray(claim.intensity, dtype=float))
        yield worst(books, f"{claim.quantity} emits nothing below zero", -intensity, 1.0)


def matching_holds(books: Books, claim: Matching) -> Iterator[Finding | None]:
    """Hold what a contract matches in each period to what it generated there."""
    matched = energy_by_period(books, ((claim.matched, 1.0),), claim.period)
    there = energy_by_period(books, claim.pool, claim.period)
    most = there if claim.most is None else there.clip(upper=claim.most)
    over = (matched - most).to_numpy(dtype=float)
    at, scale = int(np.argmax(over)), float(there.abs().max())
    statement = f"{claim.contract} matches within each {claim.period} what there is"
    is_broken = not over[at] <= ABSOLUTE + RELATIVE * scale
    yield Finding(books.asset, statement, float(over[at]), str(matched.index[at])) if is_broken else None


def certified_holds(books: Books, claim: Certified) -> Iterator[Finding | None]:
    """Hold certificates to being whole, paid by the piece, and enough for their energy with less than one left over."""
    count = books.on_months[claim.counted]
    whole = np.asarray(np.abs(count - np.round(count)), dtype=float)
    yield worst(books, f"{claim.counted} are whole", whole, 1.0)
    booked = books.lines[("costs", claim.line)]
    yield worst(books, f"{claim.line} are paid by the piece", np.abs(booked - claim.price * count), size(booked))
    months = pd.Series(count, index=periods(books.steps, "month").unique())
    by_period = months.groupby(months.index.str[: 4 if claim.period == "year" else 7], sort=False).sum()
    used = energy_by_period(books, ((claim.energy, 1.0),), claim.period).to_numpy(dtype=float)
    bought = abs(claim.each) * by_period.to_numpy(dtype=float)
    carried = np.asarray(np.cumsum(np.sign(claim.each) * (bought - used)), dtype=float)
    scale = size(np.cumsum(bought))
    yield worst(books, f"{claim.line} cover what they stand for", -carried, scale)
    yield worst(books, f"{claim.line} leave over less than one", carried - abs(claim.each), scale)
    if claim.most is not None:
        yield worst(books, f"{claim.line} within the most", np.asarray(by_period, dtype=float) - claim.most, claim.most)
