"""The audit: recompute balances, stocks, limits, bills and emissions from the written frames alone.

It shares no code with the model: it knows frames, numbers and claims, and no solver. Whatever a solver, a driver or
a row got wrong shows here as a finding with asset, time and size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.claims import (
    Between,
    Change,
    Charge,
    Claim,
    Lasting,
    MinimumRun,
    NeverBoth,
    PeakCharge,
    Ramp,
    StockBalance,
    Terms,
)
from microgrid.results import Result

Array = NDArray[np.float64]

RELATIVE = 1e-6
ABSOLUTE = 1e-5


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
class Audit:
    """How many statements were checked, and which did not hold."""

    checked: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every statement held."""
        return not self.findings


def audit(result: Result) -> Audit:
    """Hold a plan's frames against physics, its claims and its own sums."""
    checks: list[Finding | None] = [*_balances(result), *_sums(result)]
    for asset, claims in result.claims.items():
        books = _Books.of(result, asset)
        checks += [found for claim in claims for found in _check(books, claim)]
    checks += list(_unclaimed(result))
    return Audit(len(checks), tuple(found for found in checks if found is not None))


@dataclass(frozen=True)
class _Books:
    """What the frames say of one asset, as arrays by quantity."""

    asset: str
    on_steps: Mapping[str, Array]
    on_points: Mapping[str, Array]
    sizes: Mapping[str, float]
    lines: Mapping[tuple[str, str], Array]
    steps: pd.DataFrame
    years: float

    @classmethod
    def of(cls, result: Result, asset: str) -> _Books:
        """Gather an asset's rows."""
        n = len(result.steps)
        flows = _by_name(result.flows, asset, "port", "rate")
        states = {k: v for k, v in _by_name(result.states, asset, "state", "value").items() if len(v) == n}
        lines = {
            (ledger, line): amounts
            for ledger in ("costs", "emissions")
            for line, amounts in _by_name(getattr(result, ledger), asset, "line", "amount").items()
        }
        stocks = _by_name(result.stocks, asset, "stock", "level")
        return cls(
            asset, flows | states, stocks, result.sizes.get(asset, {}), lines, result.steps, _years(result.steps)
        )

    @property
    def hours(self) -> Array:
        return self.steps["hours"].to_numpy(dtype=float)

    @property
    def weights(self) -> Array:
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


def _by_name(frame: pd.DataFrame, asset: str, name: str, value: str) -> dict[str, Array]:
    own = frame[frame["asset"] == asset]
    return {str(key): part[value].to_numpy(dtype=float) for key, part in own.groupby(name, observed=True, sort=False)}


def _years(steps: pd.DataFrame) -> float:
    """Return the part of a year, or number of years, that the steps stand for."""
    days = np.where(steps["time"].dt.is_leap_year, 366.0, 365.0)
    return float((steps["hours"] * steps["weight"] / (24.0 * days)).sum())


def _worst(books: _Books, statement: str, excess: Array, scale: float, on: str = "steps") -> Finding | None:
    """Return the largest excess over the tolerance as a finding."""
    if not np.isfinite(excess).all():
        return Finding(books.asset, statement, float("nan"))
    worst = int(np.argmax(excess)) if len(excess) else 0
    if not len(excess) or excess[worst] <= ABSOLUTE + RELATIVE * scale:
        return None
    times = books.steps["time"]
    when = times.iloc[min(worst, len(times) - 1)].isoformat() if len(excess) >= len(times) else ""
    return Finding(books.asset, statement, float(excess[worst]), when + (" (point)" if on == "points" and when else ""))


def _check(books: _Books, claim: Claim) -> Iterator[Finding | None]:
    try:
        yield from list(_CHECKS[type(claim)](books, claim))
    except KeyError as error:
        yield Finding(books.asset, f"{_title(claim)}: no {error} in the frames", float("nan"))


def _title(claim: Claim) -> str:
    return str(getattr(claim, "name", getattr(claim, "line", type(claim).__name__)))


def _between(books: _Books, claim: Between) -> Iterator[Finding | None]:
    total, scale = books.total(claim.terms, claim.on)
    for bound, sign in ((claim.low, -1.0), (claim.high, 1.0)):
        if bound is not None:
            limit = np.broadcast_to(np.asarray(bound, dtype=float), total.shape)
            yield _worst(books, claim.name, sign * (total - limit), max(scale, float(np.abs(limit).max())), claim.on)


def _stock_balance(books: _Books, claim: StockBalance) -> Iterator[Finding | None]:
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


def _never_both(books: _Books, claim: NeverBoth) -> Iterator[Finding | None]:
    first, second = np.abs(books.quantity(claim.first)), np.abs(books.quantity(claim.second))
    scale = float(max(first.max(), second.max()))
    yield _worst(books, f"{claim.first} and {claim.second} never at once", np.minimum(first, second), scale)


def _ramp(books: _Books, claim: Ramp) -> Iterator[Finding | None]:
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


def _change(books: _Books, claim: Change) -> Iterator[Finding | None]:
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


def _lasting(books: _Books, claim: Lasting) -> Iterator[Finding | None]:
    """Overlap each span of what began with each step; what it takes of a step counts by its share."""
    began, told = books.quantity(claim.began), books.quantity(claim.quantity)
    edges = np.concatenate([[0.0], np.cumsum(books.hours)])
    total = claim.before * np.clip(claim.left - edges[:-1], 0.0, books.hours) / books.hours
    for start, count in zip(edges[:-1], began, strict=True):
        if count:
            over = np.minimum(edges[1:], start + claim.hours) - np.maximum(edges[:-1], start)
            total = total + count * np.clip(over, 0.0, None) / books.hours
    scale = float(np.abs(total).max(initial=0.0))
    yield _worst(books, f"{claim.quantity} lasts {claim.hours:g} h", np.abs(told - total), max(scale, 1.0))


def _minimum_run(books: _Books, claim: MinimumRun) -> Iterator[Finding | None]:
    on = np.round(books.quantity(claim.on))
    yield _worst(books, f"{claim.on} is a whole number", np.abs(books.quantity(claim.on) - on), 1.0)
    begins = np.concatenate([[0.0], np.cumsum(books.hours)])[:-1]
    before = np.inf if claim.hours_before is None else claim.hours_before
    earlier = np.concatenate([[claim.on_before], on[:-1]])
    for least, was_before, changed, word in (
        (claim.up, claim.on_before > 0, np.maximum(on - earlier, 0), "on"),
        (claim.down, claim.on_before == 0, np.maximum(earlier - on, 0), "off"),
    ):
        state = on if word == "on" else _off(books, on, claim)
        recent = np.array([changed[(begins > b - least + 1e-9) & (begins <= b)].sum() for b in begins])
        held = ((begins < least - before - 1e-9) & was_before) * (
            claim.on_before if word == "on" else state.max(initial=0.0)
        )
        short = np.maximum(recent, held) - state
        yield _worst(books, f"stays {word} for {least:g} h", short, 1.0)


def _off(books: _Books, on: Array, claim: MinimumRun) -> Array:
    units = books.quantity(claim.units) if isinstance(claim.units, str) else np.full(len(on), float(claim.units))
    return units - on


def _charge(books: _Books, claim: Charge) -> Iterator[Finding | None]:
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


def _month_shares(steps: pd.DataFrame) -> dict[str, float]:
    """Return the part of each local calendar month that the steps cover."""
    local = steps["time"]
    shares = {}
    for label, part in steps.groupby(local.dt.strftime("%Y-%m")):
        opens = pd.Timestamp(f"{label}-01", tz=local.dt.tz)
        closes = opens + pd.offsets.MonthBegin(1)
        shares[str(label)] = float(part["hours"].sum()) / ((closes - opens).total_seconds() / 3600)
    return shares


def _peak_charge(books: _Books, claim: PeakCharge) -> Iterator[Finding | None]:
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


_CHECKS: dict[type[Claim], Callable[..., Iterator[Finding | None]]] = {
    Between: _between,
    StockBalance: _stock_balance,
    NeverBoth: _never_both,
    Ramp: _ramp,
    MinimumRun: _minimum_run,
    Charge: _charge,
    PeakCharge: _peak_charge,
    Change: _change,
    Lasting: _lasting,
}


def _balances(result: Result) -> Iterator[Finding | None]:
    """Hold every bus to its balance: what flows in flows out."""
    flows = result.flows
    for bus, part in flows.groupby("bus", observed=True):
        net = part.groupby("time", sort=False)["rate"].sum().abs()
        worst = int(np.argmax(net.to_numpy()))
        limit = ABSOLUTE + RELATIVE * float(part["rate"].abs().max())
        off, when = float(net.iloc[worst]), pd.Timestamp(str(net.index[worst])).isoformat()
        yield Finding(f"bus {bus}", "what flows in flows out", off, when) if not off <= limit else None


def _sums(result: Result) -> Iterator[Finding | None]:
    """Hold the ledgers to what the manifest says, and to the objective."""
    manifest = result.manifest
    yield _same("plan", "the money ledger adds up to its total", result.cost, manifest["costs"].get("cost", 0.0))
    emitted = result.emissions
    for column, total in manifest["emissions"].items():
        own = float(emitted.loc[_counted(emitted, column, manifest["objective"]), "amount"].sum())
        yield _same("plan", f"the carbon ledger adds up to its column {column}", own, total)
    goal = manifest["outcome"]["goals"][-1]["column"]
    reached = manifest["costs"] | manifest["emissions"]
    yield _same(
        "plan", f"the objective is the ledger column {goal}", reached.get(goal, 0.0), manifest["outcome"]["objective"]
    )
    carbon = float(result.costs.loc[result.costs["category"] == "carbon", "amount"].sum())
    priced = manifest["objective"]["carbon_price"] * manifest["emissions"]["emissions"]
    yield _same("plan", "the carbon price is charged on the emissions", carbon, priced)
    for column, cap in manifest["objective"]["caps"].items():
        over = reached.get(column, 0.0) - cap
        yield Finding("plan", f"{column} within its cap", over) if over > ABSOLUTE + RELATIVE * abs(cap) else None


def _same(asset: str, statement: str, one: float, other: float) -> Finding | None:
    scale = max(abs(one), abs(other))
    return None if abs(one - other) <= ABSOLUTE + RELATIVE * scale else Finding(asset, statement, abs(one - other))


def _counted(frame: pd.DataFrame, column: str, objective: Mapping[str, object]) -> pd.Series:
    """Tell which lines of the carbon ledger a column counts."""
    scope, basis = frame["scope"].astype(int), frame["basis"].astype(str)
    chosen = str(objective["basis"])
    if column == "emissions":
        return scope.isin(objective["scopes"]) & basis.isin(["both", chosen])  # type: ignore[arg-type]
    if column in ("scope_1", "scope_3"):
        return (scope == int(column[-1])) & basis.isin(["both", chosen])
    kind, _, wanted = column.rpartition("_")
    return scope.isin([2] if kind == "scope_2" else [1, 2]) & basis.isin(["both", wanted])


def _unclaimed(result: Result) -> Iterator[Finding | None]:
    """Find ledger lines that nobody claims, and that were therefore never recomputed."""
    for ledger in ("costs", "emissions"):
        frame = getattr(result, ledger)
        for asset, line in frame[["asset", "line"]].drop_duplicates().itertuples(index=False):
            claimed = asset == "carbon price" or any(
                isinstance(c, Charge | PeakCharge) and c.line == line for c in result.claims.get(str(asset), ())
            )
            yield None if claimed else Finding(str(asset), f"{ledger} line {line!r} is claimed by nobody", float("nan"))
