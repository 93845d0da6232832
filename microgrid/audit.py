"""The audit: recompute balances, stocks, limits, bills and emissions from the written frames alone.

It shares no code with the model: it knows frames, numbers and claims, and no solver. Whatever a solver, a driver or
a row got wrong shows here as a finding with asset, time and size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.accounts import CARBON_PRICE, EMISSION_COLUMNS
from microgrid.alike import Alike, alike, numbers_of, sums
from microgrid.books import ABSOLUTE, RELATIVE, Finding, books_of
from microgrid.checks import check
from microgrid.claims import Certified, Charge, Claim, LeftOver, Means, PeakCharge, TariffBill
from microgrid.policies.checking import policy_findings
from microgrid.results import Result

Array = NDArray[np.float64]

__all__ = ["Audit", "Finding", "audit"]

# How the frames name a bus that lets surplus go, among assets.
_BUS = "bus "
_BASES = ("both", "location", "market")
_PASSED = "energy is passed through connections for what it takes off the account"


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
    books = books_of(result)
    for asset, claims in result.claims.items():
        checks += [found for claim in claims for found in check(books[asset], claim)]
    checks += [
        *policy_findings(result),
        *_passed_through(result),
        *_surpluses(result),
        *_unclaimed_flows(result),
        *_unclaimed(result),
    ]
    return Audit(len(checks), tuple(found for found in checks if found is not None))


def _balances(result: Result) -> Iterator[Finding | None]:
    """Hold every bus to its balance: what flows in flows out."""
    rates = result.flows["rate"].to_numpy(dtype=float)
    number, times = numbers_of(result.flows["time"])
    for (bus,), rows in alike(result.flows, ["bus"]):
        net = np.abs(np.bincount(number[rows], weights=rates[rows], minlength=len(times)))
        worst = int(np.argmax(net))
        limit = ABSOLUTE + RELATIVE * float(np.abs(rates[rows]).max())
        off, when = float(net[worst]), times[worst].isoformat()
        yield Finding(f"bus {bus}", "what flows in flows out", off, when) if not off <= limit else None


def _sums(result: Result) -> Iterator[Finding | None]:
    """Hold the ledgers to what the manifest says, and to the objective."""
    manifest = result.manifest
    yield _same("plan", "the money ledger adds up to its total", result.cost, manifest["costs"].get("cost", 0.0))
    spent = sums(alike(result.costs, ["category"]), _amounts(result.costs))
    for (category,), amount in spent.items():
        told = manifest["costs"].get(category, 0.0)
        yield _same("plan", f"the money ledger adds up to its column {category}", amount, told)
    lines = alike(result.emissions, ["asset", "line", "scope", "basis", "part"])
    emitted = sums(lines, _amounts(result.emissions))
    for column, total in manifest["emissions"].items():
        own = sum(amount for key, amount in emitted.items() if _is_counted(key, column, manifest))
        yield _same("plan", f"the carbon ledger adds up to its column {column}", own, total)
    yield from _carbon_account(result, lines)
    reached = manifest["costs"] | manifest["emissions"]
    yield from _goals(manifest, reached)
    yield from _carbon_prices(result)
    for column, cap in manifest["objective"]["caps"].items():
        over = reached.get(column, 0.0) - cap
        yield Finding("plan", f"{column} within its cap", over) if over > ABSOLUTE + RELATIVE * abs(cap) else None


def _amounts(ledger: pd.DataFrame) -> Array:
    return ledger["amount"].to_numpy(dtype=float)


def _goals(manifest: Mapping[str, Any], reached: Mapping[str, float]) -> Iterator[Finding | None]:
    """Hold what each goal reached to its ledger column; a later goal may have given up the slack."""
    goals, slack = manifest["outcome"]["goals"], manifest["objective"]["slack"]
    columns, asked = [goal["column"] for goal in goals], manifest["objective"]["goals"][-1]
    told = asked if asked in columns else columns[-1]
    objective = manifest["outcome"]["objective"]
    yield _same("plan", f"the objective is the ledger column {told}", objective, reached.get(told, 0.0))
    for goal in goals:
        column, value = goal["column"], goal["objective"]
        off = abs(reached.get(column, 0.0) - value)
        granted = slack * abs(value) if goal is not goals[-1] else 0.0
        allowed = ABSOLUTE + RELATIVE * abs(value) + granted
        yield Finding("plan", f"the goal {column} is its ledger column", off) if not off <= allowed else None


def _same(asset: str, statement: str, one: float, other: float) -> Finding | None:
    scale = max(abs(one), abs(other))
    return None if abs(one - other) <= ABSOLUTE + RELATIVE * scale else Finding(asset, statement, abs(one - other))


def _is_counted(line: tuple[str, ...], column: str, manifest: Mapping[str, Any]) -> bool:
    """Tell whether a column counts a line of the carbon ledger, told by asset, name, scope, basis and part."""
    _, _, scope, basis, part = line
    objective = manifest["objective"]
    *_, last = column.split("_")
    if basis not in ("both", last if last in ("location", "market") else str(objective["basis"])):
        return False
    if column in ("exported", "biogenic"):
        return part == column
    if column.startswith("scope"):
        return scope == column.split("_")[1]
    scopes = [str(scope) for scope in objective["scopes"]] if column == "emissions" else ["1", "2"]
    takes_off = manifest["accounting"]["standard"] == "gb_t_32150" and "2" in scopes
    return scope in scopes or (takes_off and part == "exported")


def _carbon_account(result: Result, lines: Sequence[Alike]) -> Iterator[Finding | None]:
    """Hold the account to its own rules: parts in their scopes, exports and captures below zero, nothing twice."""
    amounts, manifest = _amounts(result.emissions), result.manifest
    for (asset, line, scope, _, part), _ in lines:
        fits = scope in _SCOPES.get(part, ())
        yield None if fits else Finding(asset, f"{part} {line!r} in scope {scope}", float("nan"))
    for part, sign in (("exported", 1.0), ("captured", 1.0), ("purchased", -1.0)):
        own = [amounts[rows] for key, rows in lines if key[-1] == part]
        over = sign * np.concatenate(own) if own else np.zeros(0)
        worst, limit = float(over.max(initial=0.0)), ABSOLUTE + RELATIVE * float(np.abs(over).max(initial=0.0))
        word = "takes nothing away" if sign > 0 else "takes something away"
        yield Finding("plan", f"a line of what is {part} {word}", worst) if worst > limit else None
    # A line that counts on both bases and one of the same name on a single basis would be the same kilograms twice.
    number, _ = numbers_of(result.emissions["time"])
    twice = sum(len(rows) - len(np.unique(number[rows])) for _, rows in alike(result.emissions, ["asset", "line"]))
    yield Finding("plan", "a line of the carbon ledger stands twice", float(twice)) if twice else None
    columns = manifest["emissions"]
    for basis in ("location", "market"):
        off = columns["exported"] if manifest["accounting"]["standard"] == "gb_t_32150" else 0.0
        total = columns["scope_1"] + columns[f"scope_2_{basis}"] + off
        yield _same("plan", f"the total by {basis} is the sum of its scopes", total, columns[f"emissions_{basis}"])


# In which scopes each part of the account may stand.
_SCOPES = {
    "fuel": ("1",), "process": ("1",), "captured": ("1",), "purchased": ("2",), "upstream": ("3",),
    "exported": ("0",), "biogenic": ("0",),
}  # fmt: skip


def _carbon_prices(result: Result) -> Iterator[Finding | None]:
    """Hold every line of the carbon price to its column of the carbon ledger."""
    manifest = result.manifest
    spent = sums(alike(result.costs, ["category", "line"]), _amounts(result.costs))
    booked = {line: amount for (category, line), amount in spent.items() if category == "carbon"}
    emitted, trading = manifest["emissions"], manifest["accounting"]["trading_price"]
    prices = manifest["objective"]["carbon_prices"]
    due = {f"{column} priced": price * emitted[column] for column, price in prices.items()}
    due["emissions priced"] = due.get("emissions priced", 0.0)
    due["emissions priced"] += manifest["objective"]["carbon_price"] * emitted["emissions"]
    due["emissions trading"] = trading * emitted["scope_1"]
    due["free allowances"] = -trading * manifest["accounting"]["allowances"]
    for line in dict.fromkeys([*due, *booked]):
        statement = f"{line}: the price times its column"
        yield _same("plan", statement, booked.get(line, 0.0), due.get(line, 0.0))


def _passed_through(result: Result) -> Iterator[Finding | None]:
    """Find energy that comes in by one connection and leaves by another, for what the account gains by it."""
    manifest, flows = result.manifest, result.flows
    told = manifest["objective"]
    columns = {*told["goals"], *told["caps"]} & set(EMISSION_COLUMNS)
    if manifest["accounting"]["standard"] != "gb_t_32150" or not (
        columns or told["carbon_price"] or any(told["carbon_prices"].values())
    ):
        return
    connections: dict[str, dict[tuple[str, str], Array]] = {}
    rates, along = flows["rate"].to_numpy(dtype=float), _along_steps(result)
    for (bus, asset, port), rows in alike(flows, ["bus", "asset", "port"]):
        if port in ("import", "export"):
            connections.setdefault(bus, {})[asset, port] = along(flows, rows, rates)
    for bus, moved in connections.items():
        if len({asset for asset, _ in moved}) > 1:
            yield _gained_by_passing(result, bus, moved)


def _along_steps(result: Result) -> Callable[[pd.DataFrame, NDArray[np.intp], Array], Array]:
    """Return what adds amounts of a frame up by step."""
    steps = pd.DatetimeIndex(result.steps["time"])

    def along(frame: pd.DataFrame, rows: NDArray[np.intp], amounts: Array) -> Array:
        at = steps.get_indexer(pd.DatetimeIndex(frame["time"].iloc[rows]))
        return np.bincount(at[at >= 0], weights=amounts[rows][at >= 0], minlength=len(steps)).astype(float)

    return along


def _gained_by_passing(result: Result, bus: str, moved: Mapping[tuple[str, str], Array]) -> Finding | None:
    """Hold, step by step, what is taken off for each kWh exported against what is put on for each kWh imported."""
    hours = (result.steps["hours"] * result.steps["weight"]).to_numpy(dtype=float)
    amounts, along = _amounts(result.emissions), _along_steps(result)
    booked: dict[tuple[str, str, str], Array] = {}
    for key, rows in alike(result.emissions, ["asset", "part", "basis"]):
        booked[key[0], key[1], key[2]] = along(result.emissions, rows, amounts)

    def carbon(asset: str, part: str, bases: Collection[str]) -> Array:
        found = [line for key, line in booked.items() if key[:2] == (asset, part) and key[2] in bases]
        return np.sum(found, axis=0) if found else np.zeros(len(hours))

    put_on, taken_off = np.full(len(hours), np.inf), np.zeros(len(hours))
    rates = {port: np.zeros(len(hours)) for port in ("import", "export")}
    for (asset, port), flow in moved.items():
        rate = np.abs(flow)
        rates[port] += rate
        each = np.where(rate > ABSOLUTE, rate * hours, np.inf)
        if port == "export":
            taken_off = np.maximum(taken_off, -carbon(asset, "exported", _BASES) / each)
            continue
        for basis in ("location", "market"):
            bought = carbon(asset, "purchased", ("both", basis))
            put_on = np.where(rate > ABSOLUTE, np.minimum(put_on, bought / each), put_on)
    through = np.where(taken_off > put_on + ABSOLUTE, np.minimum(rates["import"], rates["export"]), 0.0)
    at = int(np.argmax(through))
    if through[at] <= ABSOLUTE + RELATIVE * max(float(rate.max()) for rate in rates.values()):
        return None
    return Finding(f"bus {bus}", _PASSED, float(through[at]), pd.Timestamp(result.steps["time"].iloc[at]).isoformat())


def _surpluses(result: Result) -> Iterator[Finding | None]:
    """Hold what leaves a bus as surplus to leaving it: no energy comes out of nothing."""
    flows, all_rates = result.flows, result.flows["rate"].to_numpy(dtype=float)
    for (bus, port), rows in alike(flows, ["asset", "port"]):
        if not (bus.startswith(_BUS) and port == "surplus"):
            continue
        rates = all_rates[rows]
        worst = int(np.argmax(rates))
        off, when = float(rates[worst]), pd.Timestamp(flows["time"].iloc[int(rows[worst])]).isoformat()
        limit = ABSOLUTE + RELATIVE * float(np.abs(rates).max())
        yield Finding(bus, "surplus leaves the bus", off, when) if not off <= limit else None


def _unclaimed_flows(result: Result) -> Iterator[Finding | None]:
    """Find flows that no claim of their asset speaks of: they could be anything that balances."""
    named = {
        asset: set(_names(tuple(claim for claim in claims if not isinstance(claim, Means))))
        for asset, claims in result.claims.items()
    }
    for (asset, port), _ in alike(result.flows, ["asset", "port"]):
        is_claimed = port in named.get(asset, ()) or (asset.startswith(_BUS) and port == "surplus")
        yield None if is_claimed else Finding(asset, f"flow {port!r} is claimed by nobody", float("nan"))


def _names(value: Any) -> Iterator[str]:
    """Return every text within claims, products apart: the quantities they speak of are among them."""
    if isinstance(value, str):
        yield from value.split("*")
    elif isinstance(value, tuple):
        yield from (name for part in value for name in _names(part))
    elif is_dataclass(value):
        yield from (name for part in fields(value) for name in _names(getattr(value, part.name)))


def _speaks_of(claim: Claim, line: str) -> bool:
    """Tell whether a claim says what a ledger line amounts to."""
    if isinstance(claim, TariffBill):
        return line in claim.lines
    return isinstance(claim, Charge | LeftOver | PeakCharge | Certified) and claim.line == line


def _unclaimed(result: Result) -> Iterator[Finding | None]:
    """Find ledger lines that nobody claims, and that were therefore never recomputed."""
    for ledger in ("costs", "emissions"):
        frame = getattr(result, ledger)
        for (asset, line), _ in alike(frame, ["asset", "line"]):
            claimed = asset == CARBON_PRICE or any(_speaks_of(c, line) for c in result.claims.get(asset, ()))
            yield None if claimed else Finding(asset, f"{ledger} line {line!r} is claimed by nobody", float("nan"))
