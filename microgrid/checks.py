"""One check for each kind of claim: what an asset's frames say, held against what the asset claims.

Plain numpy and pandas, and no code of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from microgrid.alike import Array
from microgrid.books import Books, Finding, worst
from microgrid.claims import (
    Between,
    Certified,
    Change,
    Charge,
    Claim,
    Lasting,
    LeftOver,
    Matching,
    Means,
    MinimumRun,
    NeverBoth,
    PeakCharge,
    Ramp,
    StockBalance,
    TariffBill,
    Total,
)
from microgrid.green_checks import certified_holds, matching_holds, means_holds
from microgrid.ledger_checks import charge_holds, left_over_holds, peak_charge_holds, tariff_bill_holds


def check(books: Books, claim: Claim) -> Iterator[Finding | None]:
    """Hold one claim against an asset's books: a finding, or None, for each statement in it."""
    try:
        yield from list(_CHECKS[type(claim)](books, claim))
    except (ValueError, IndexError):
        yield Finding(books.asset, f"{_title(claim)}: the frames have rows too few or too many", float("nan"))
    except KeyError as error:
        yield Finding(books.asset, f"{_title(claim)}: no {error} in the frames", float("nan"))


def _title(claim: Claim) -> str:
    return str(getattr(claim, "name", getattr(claim, "line", type(claim).__name__)))


def _between(books: Books, claim: Between) -> Iterator[Finding | None]:
    total, scale = books.total(claim.terms, claim.on)
    for bound, sign in ((claim.low, -1.0), (claim.high, 1.0)):
        if bound is not None:
            limit = np.broadcast_to(np.asarray(bound, dtype=float), total.shape)
            yield worst(books, claim.name, sign * (total - limit), max(scale, float(np.abs(limit).max())), claim.on)


def _stock_balance(books: Books, claim: StockBalance) -> Iterator[Finding | None]:
    level, size = books.on_points[claim.stock], books.sizes[claim.size]
    gain, _ = books.total(claim.gains)
    grown = level[:-1] * (1.0 - claim.loss) ** books.hours + gain * books.hours
    scale = float(np.abs(level).max() + np.abs(gain * books.hours).max())
    yield worst(books, f"{claim.stock} follows from its flows", np.abs(level[1:] - grown), scale)
    if claim.initial is not None:
        yield worst(books, f"{claim.stock} begins as given", np.abs(level[:1] - claim.initial * size), scale)
    if claim.final is not None:
        yield worst(books, f"{claim.stock} ends high enough", claim.final * size - level[-1:], scale)
    if claim.cyclic:
        yield worst(books, f"{claim.stock} ends as it began", np.abs(level[-1:] - level[:1]), scale)


def _never_both(books: Books, claim: NeverBoth) -> Iterator[Finding | None]:
    first, second = np.abs(books.quantity(claim.first)), np.abs(books.quantity(claim.second))
    scale = float(max(first.max(), second.max()))
    yield worst(books, f"{claim.first} and {claim.second} never at once", np.minimum(first, second), scale)


def _ramp(books: Books, claim: Ramp) -> Iterator[Finding | None]:
    hours, size = books.hours, books.sizes[claim.size]
    value = np.abs(books.quantity(claim.quantity))
    on = np.round(books.quantity(claim.on)) if claim.on else np.ones(len(value))
    before = claim.before if claim.before is not None else value[0]
    earlier = np.concatenate([[before], value[:-1]])
    on_earlier = np.concatenate([[claim.on_before if claim.on else 1.0], on[:-1]])
    gaps = np.concatenate([[hours[0]], (hours[:-1] + hours[1:]) / 2])
    began, ended = np.maximum(on - on_earlier, 0), np.maximum(on_earlier - on, 0)
    for limit, burst, change, kept, switched, word in (
        (claim.up, claim.start, value - earlier, on_earlier, began, "rises"),
        (claim.down, claim.stop, earlier - value, on, ended, "falls"),
    ):
        if limit is None and burst is None:
            continue
        share = np.ones(len(value)) if limit is None else np.minimum(1.0, limit * gaps)
        extra = np.zeros(len(value)) if burst is None else np.broadcast_to(np.asarray(burst, dtype=float), value.shape)
        yield worst(
            books, f"{claim.quantity} {word} within its ramp", change - size * (share * kept + extra * switched), size
        )


def _change(books: Books, claim: Change) -> Iterator[Finding | None]:
    now, scale = books.total(claim.terms)
    parts = [np.asarray(f, dtype=float) * _shifted(books.quantity(name)) for name, f in claim.earlier]
    before = np.sum(parts, axis=0) if parts else np.zeros(len(now))
    if claim.first is not None:
        before[0] = sum(np.ravel(factor)[0] * books.quantity(name)[0] for name, factor in claim.first)
    total = now + before
    skip = 0 if claim.first is not None else 1
    for bound, sign in ((claim.low, -1.0), (claim.high, 1.0)):
        if bound is not None and len(total) > skip:
            limit = np.broadcast_to(np.asarray(bound, dtype=float), total.shape)
            excess = sign * (total - limit)
            excess[:skip] = -np.inf
            largest = max(scale, float(np.abs(before).max()), float(np.abs(limit).max()))
            yield worst(books, claim.name, np.maximum(excess, -1.0), largest)


def _shifted(values: Array) -> Array:
    return np.concatenate([[0.0], values[:-1]])


def _lasting(books: Books, claim: Lasting) -> Iterator[Finding | None]:
    """Overlap each span of what began with each step; what it takes of a step counts by its share."""
    began, told = books.quantity(claim.began), books.quantity(claim.quantity)
    edges = np.concatenate([[0.0], np.cumsum(books.hours)])
    total = np.zeros(len(books.hours))
    for left, count in claim.ahead:
        total = total + count * np.clip(left - edges[:-1], 0.0, books.hours) / books.hours
    for start, count in zip(edges[:-1], began, strict=True):
        if count:
            over = np.minimum(edges[1:], start + claim.hours) - np.maximum(edges[:-1], start)
            total = total + count * np.clip(over, 0.0, None) / books.hours
    scale = float(np.abs(total).max(initial=0.0))
    yield worst(books, f"{claim.quantity} lasts {claim.hours:g} h", np.abs(told - total), max(scale, 1.0))


def _total(books: Books, claim: Total) -> Iterator[Finding | None]:
    amounts, _ = books.total(claim.terms)
    total = float((amounts * (books.hours if claim.per == "hour" else 1.0)).sum())
    yield worst(books, claim.name, np.array([total - claim.high]), max(abs(total), abs(claim.high)))


def _minimum_run(books: Books, claim: MinimumRun) -> Iterator[Finding | None]:
    on = np.round(books.quantity(claim.on))
    yield worst(books, f"{claim.on} is a whole number", np.abs(books.quantity(claim.on) - on), 1.0)
    begins = np.concatenate([[0.0], np.cumsum(books.hours)])[:-1]
    before = np.inf if claim.hours_before is None else claim.hours_before
    earlier = np.concatenate([[claim.on_before], on[:-1]])
    units = books.quantity(claim.units) if isinstance(claim.units, str) else np.full(len(on), float(claim.units))
    for least, kept, changed, state, word in (
        (claim.up, claim.on_before, np.maximum(on - earlier, 0), on, "on"),
        (claim.down, units - claim.on_before, np.maximum(earlier - on, 0), units - on, "off"),
    ):
        recent = np.array([changed[(begins > b - least + 1e-9) & (begins <= b)].sum() for b in begins])
        held = (begins < least - before - 1e-9) * kept
        lately = sum((count * (begins < least - ago - 1e-9) for ago, count in claim.begun), np.zeros(len(on)))
        yield worst(books, f"stays {word} for {least:g} h", np.maximum(recent + lately, held) - state, 1.0)
    if claim.longest is not None:
        yield worst(books, f"stops within {claim.longest:g} h", _runs(books, claim, on) - claim.longest, 1.0)


def _runs(books: Books, claim: MinimumRun, on: Array) -> Array:
    """Return for each step how long a single unit has been on when it ends; zero where it is off."""
    known = claim.on_before > 0 and claim.hours_before is not None
    length, runs = (float(claim.hours_before or 0.0) if known else 0.0), []
    for hours, is_on in zip(books.hours.tolist(), (on > 0.5).tolist(), strict=True):
        length = length + hours if is_on else 0.0
        runs.append(length)
    return np.array(runs)


_CHECKS: dict[type[Claim], Callable[..., Iterator[Finding | None]]] = {
    Between: _between,
    StockBalance: _stock_balance,
    NeverBoth: _never_both,
    Ramp: _ramp,
    MinimumRun: _minimum_run,
    Total: _total,
    Charge: charge_holds,
    PeakCharge: peak_charge_holds,
    TariffBill: tariff_bill_holds,
    Change: _change,
    Lasting: _lasting,
    Means: means_holds,
    Matching: matching_holds,
    Certified: certified_holds,
    LeftOver: left_over_holds,
}
