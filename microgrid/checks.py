"""One check for each kind of claim: what an asset's frames say, held against what the asset claims.

Plain numpy and pandas, and no code of the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microgrid.alike import Array, alike
from microgrid.bills.held import differences, readings_of
from microgrid.claims import (
    BILLED_BY,
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
    Terms,
    Total,
)
from microgrid.results import Result

RELATIVE = 1e-6
ABSOLUTE = 1e-5
# A bill is held to a hundredth of its currency, however large it is.
_HUNDREDTH = 0.01


@dataclass(frozen=True)
class Finding:
    """One statement that the frames contradict: by how much at worst, and when."""

    asset: str
    statement: str
    excess: float
    when: str = ""

    def __str__(self) -> str:
        """One line for a terminal."""
        at = f" at {self.when}" if self.when else ""
        return f"{self.asset}: {self.statement}: off by {self.excess:.6g}{at}"


@dataclass(frozen=True)
class Books:
    """What the frames say of one asset, as arrays by quantity."""

    asset: str
    on_steps: Mapping[str, Array]
    on_points: Mapping[str, Array]
    on_months: Mapping[str, Array]
    sizes: Mapping[str, float]
    lines: Mapping[tuple[str, str], Array]
    steps: pd.DataFrame
    years: float

    @property
    def hours(self) -> Array:
        """Length of each step."""
        return self.steps["hours"].to_numpy(dtype=float)

    @property
    def weights(self) -> Array:
        """How often each step counts."""
        return self.steps["weight"].to_numpy(dtype=float)

    def quantity(self, name: str, on: str = "steps") -> Array:
        """Return a quantity, or a product of several, along steps or points."""
        known = self.on_steps if on == "steps" else self.on_points
        length = len(self.steps) + (on == "points")
        value = np.ones(length)
        for part in name.split("*") if name else ():
            value = value * (np.full(length, self.sizes[part]) if part in self.sizes else known[part])
        return value

    def total(self, terms: Terms, on: str = "steps") -> tuple[Array, float]:
        """Return the sum of factor times quantity, and the size of its largest part."""
        parts = [np.asarray(factor) * self.quantity(name, on) for name, factor in terms]
        return np.sum(parts, axis=0), max((float(np.abs(part).max()) for part in parts), default=0.0)


def books_of(result: Result) -> dict[str, Books]:
    """Gather every asset's rows; an asset with claims and no rows has empty books."""
    flows, states = _by_asset(result.flows, "port", "rate"), _by_asset(result.states, "state", "value")
    stocks = _by_asset(result.stocks, "stock", "level")
    ledgers = {name: _by_asset(getattr(result, name), "line", "amount") for name in ("costs", "emissions")}
    n, years = len(result.steps), _years(result.steps)
    times = pd.DatetimeIndex(result.steps["time"])
    months = len(np.unique(12 * times.year + times.month))
    return {
        asset: Books(
            asset,
            flows[asset] | {name: values for name, values in states[asset].items() if len(values) == n},
            stocks[asset],
            {
                name: values
                for name, values in states[asset].items()
                if name.startswith(BILLED_BY) or len(values) == months
            },
            result.sizes.get(asset, {}),
            {(name, line): amounts for name, ledger in ledgers.items() for line, amounts in ledger[asset].items()},
            result.steps,
            years,
        )
        for asset in result.claims
    }


def _by_asset(frame: pd.DataFrame, name: str, value: str) -> defaultdict[str, dict[str, Array]]:
    found: defaultdict[str, dict[str, Array]] = defaultdict(dict)
    values = frame[value].to_numpy(dtype=float)
    for (asset, key), rows in alike(frame, ["asset", name]):
        found[asset][key] = values[rows]
    return found


def _years(steps: pd.DataFrame) -> float:
    """Return the part of a year, or number of years, that the steps stand for."""
    days = np.where(pd.DatetimeIndex(steps["time"]).is_leap_year, 366.0, 365.0)
    return float((steps["hours"].to_numpy() * steps["weight"].to_numpy() / (24.0 * days)).sum())


def _worst(books: Books, statement: str, excess: Array, scale: float, on: str = "steps") -> Finding | None:
    """Return the largest excess over the tolerance as a finding."""
    if not np.isfinite(excess).all():
        return Finding(books.asset, statement, float("nan"))
    worst = int(np.argmax(excess)) if len(excess) else 0
    if not len(excess) or excess[worst] <= ABSOLUTE + RELATIVE * scale:
        return None
    times = books.steps["time"]
    when = times.iloc[min(worst, len(times) - 1)].isoformat() if len(excess) >= len(times) else ""
    return Finding(books.asset, statement, float(excess[worst]), when + (" (point)" if on == "points" and when else ""))


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
            yield _worst(books, claim.name, sign * (total - limit), max(scale, float(np.abs(limit).max())), claim.on)


def _stock_balance(books: Books, claim: StockBalance) -> Iterator[Finding | None]:
    level, size = books.on_points[claim.stock], books.sizes[claim.size]
    gain, _ = books.total(claim.gains)
    grown = level[:-1] * (1.0 - claim.loss) ** books.hours + gain * books.hours
    scale = float(np.abs(level).max() + np.abs(gain * books.hours).max())
    yield _worst(books, f"{claim.stock} follows from its flows", np.abs(level[1:] - grown), scale)
    if claim.initial is not None:
        yield _worst(books, f"{claim.stock} begins as given", np.abs(level[:1] - claim.initial * size), scale)
    if claim.final is not None:
        yield _worst(books, f"{claim.stock} ends high enough", claim.final * size - level[-1:], scale)
    if claim.cyclic:
        yield _worst(books, f"{claim.stock} ends as it began", np.abs(level[-1:] - level[:1]), scale)


def _never_both(books: Books, claim: NeverBoth) -> Iterator[Finding | None]:
    first, second = np.abs(books.quantity(claim.first)), np.abs(books.quantity(claim.second))
    scale = float(max(first.max(), second.max()))
    yield _worst(books, f"{claim.first} and {claim.second} never at once", np.minimum(first, second), scale)


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
        yield _worst(
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
            worst = max(scale, float(np.abs(before).max()), float(np.abs(limit).max()))
            yield _worst(books, claim.name, np.maximum(excess, -1.0), worst)


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
    yield _worst(books, f"{claim.quantity} lasts {claim.hours:g} h", np.abs(told - total), max(scale, 1.0))


def _means(books: Books, claim: Means) -> Iterator[Finding | None]:
    """Hold a flow to what was available; what it counts as, only the rules that count it can judge."""
    flow = books.quantity(claim.quantity)
    if claim.available:
        available, scale = books.total(claim.available)
        yield _worst(books, f"{claim.quantity} within what is available", flow - available, scale)
    if claim.intensity is not None:
        intensity = np.atleast_1d(np.asarray(claim.intensity, dtype=float))
        yield _worst(books, f"{claim.quantity} emits nothing below zero", -intensity, 1.0)


def periods(steps: pd.DataFrame, period: str) -> pd.Series:
    """Return the label of the year, month or hour of each step, on the local clock."""
    labels = {"year": "%Y", "month": "%Y-%m", "hour": "%Y-%m-%dT%H%z"}
    return pd.Series(steps["time"].dt.strftime(labels[period]))


def energy_by_period(books: Books, terms: Terms, period: str) -> pd.Series:
    """Return the energy of a sum of powers in each period, as often as its steps count."""
    energy = pd.Series(books.total(terms)[0] * books.hours * books.weights)
    return energy.groupby(periods(books.steps, period).to_numpy(), sort=False).sum()


def _matching(books: Books, claim: Matching) -> Iterator[Finding | None]:
    matched = energy_by_period(books, ((claim.matched, 1.0),), claim.period)
    there = energy_by_period(books, claim.pool, claim.period)
    most = there if claim.most is None else there.clip(upper=claim.most)
    over = (matched - most).to_numpy(dtype=float)
    at, scale = int(np.argmax(over)), float(there.abs().max())
    statement = f"{claim.contract} matches within each {claim.period} what there is"
    is_broken = not over[at] <= ABSOLUTE + RELATIVE * scale
    yield Finding(books.asset, statement, float(over[at]), str(matched.index[at])) if is_broken else None


def _certified(books: Books, claim: Certified) -> Iterator[Finding | None]:
    count = books.on_months[claim.counted]
    whole = np.asarray(np.abs(count - np.round(count)), dtype=float)
    yield _worst(books, f"{claim.counted} are whole", whole, 1.0)
    booked = books.lines[("costs", claim.line)]
    yield _worst(books, f"{claim.line} are paid by the piece", np.abs(booked - claim.price * count), _size(booked))
    months = pd.Series(count, index=periods(books.steps, "month").unique())
    by_period = months.groupby(months.index.str[: 4 if claim.period == "year" else 7], sort=False).sum()
    used = energy_by_period(books, ((claim.energy, 1.0),), claim.period).to_numpy(dtype=float)
    bought = abs(claim.each) * by_period.to_numpy(dtype=float)
    carried = np.asarray(np.cumsum(np.sign(claim.each) * (bought - used)), dtype=float)
    scale = _size(np.cumsum(bought))
    yield _worst(books, f"{claim.line} cover what they stand for", -carried, scale)
    yield _worst(books, f"{claim.line} leave over less than one", carried - abs(claim.each), scale)
    if claim.most is not None:
        yield _worst(
            books, f"{claim.line} within the most", np.asarray(by_period, dtype=float) - claim.most, claim.most
        )


def _size(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))


def _total(books: Books, claim: Total) -> Iterator[Finding | None]:
    amounts, _ = books.total(claim.terms)
    total = float((amounts * (books.hours if claim.per == "hour" else 1.0)).sum())
    yield _worst(books, claim.name, np.array([total - claim.high]), max(abs(total), abs(claim.high)))


def _minimum_run(books: Books, claim: MinimumRun) -> Iterator[Finding | None]:
    on = np.round(books.quantity(claim.on))
    yield _worst(books, f"{claim.on} is a whole number", np.abs(books.quantity(claim.on) - on), 1.0)
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
        yield _worst(books, f"stays {word} for {least:g} h", np.maximum(recent + lately, held) - state, 1.0)
    if claim.longest is not None:
        yield _worst(books, f"stops within {claim.longest:g} h", _runs(books, claim, on) - claim.longest, 1.0)


def _runs(books: Books, claim: MinimumRun, on: Array) -> Array:
    """Return for each step how long a single unit has been on when it ends; zero where it is off."""
    known = claim.on_before > 0 and claim.hours_before is not None
    length, runs = (float(claim.hours_before or 0.0) if known else 0.0), []
    for hours, is_on in zip(books.hours.tolist(), (on > 0.5).tolist(), strict=True):
        length = length + hours if is_on else 0.0
        runs.append(length)
    return np.array(runs)


def _charge(books: Books, claim: Charge) -> Iterator[Finding | None]:
    booked = books.lines[(claim.ledger, claim.line)]
    statement = f"{claim.ledger} line {claim.line!r} follows from its quantities"
    if claim.per in ("year", "month"):
        count = books.years if claim.per == "year" else sum(_month_shares(books.steps).values())
        due = count * sum(float(np.asarray(factor)) * books.sizes.get(name, 1.0) for name, factor in claim.terms)
        yield _worst(books, statement, np.abs(np.array([booked.sum() - due])), abs(due))
        return
    rate, _ = books.total(claim.terms)
    due_by_step = rate * books.weights * (books.hours if claim.per == "hour" else 1.0)
    yield _worst(books, statement, np.abs(booked - due_by_step), float(np.abs(due_by_step).max()))


def _left_over(books: Books, claim: LeftOver) -> Iterator[Finding | None]:
    point = -1 if claim.point is None else int(claim.point)
    held, booked = float(books.on_points[claim.stock][point]), float(books.lines[("costs", claim.line)].sum())
    due = -(claim.below * min(held, claim.level) + claim.above * max(held - claim.level, 0.0))
    yield _worst(books, f"{claim.line} is worth what was said", np.abs(np.array([booked - due])), abs(due))


def _month_shares(steps: pd.DataFrame) -> dict[str, float]:
    """Return the part of each local calendar month that the steps cover."""
    local = steps["time"]
    shares = {}
    for label, part in steps.groupby(local.dt.strftime("%Y-%m")):
        opens = pd.Timestamp(f"{label}-01", tz=local.dt.tz)
        closes = opens + pd.offsets.MonthBegin(1)
        shares[str(label)] = float(part["hours"].sum()) / ((closes - opens).total_seconds() / 3600)
    return shares


def _peak_charge(books: Books, claim: PeakCharge) -> Iterator[Finding | None]:
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
    yield _worst(
        books,
        f"{claim.line} is the bill of the metered peaks",
        np.abs(np.array([booked.sum() - due.sum()])),
        float(due.sum()),
    )


def _tariff_bill(books: Books, claim: TariffBill) -> Iterator[Finding | None]:
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
        yield _worst(books, statement, np.array([off]), scale) if scale else _to_a_hundredth(books, statement, off)


def _to_a_hundredth(books: Books, statement: str, off: float) -> Finding | None:
    return None if off <= _HUNDREDTH else Finding(books.asset, statement, off)


_CHECKS: dict[type[Claim], Callable[..., Iterator[Finding | None]]] = {
    Between: _between,
    StockBalance: _stock_balance,
    NeverBoth: _never_both,
    Ramp: _ramp,
    MinimumRun: _minimum_run,
    Total: _total,
    Charge: _charge,
    PeakCharge: _peak_charge,
    TariffBill: _tariff_bill,
    Change: _change,
    Lasting: _lasting,
    Means: _means,
    Matching: _matching,
    Certified: _certified,
    LeftOver: _left_over,
}
