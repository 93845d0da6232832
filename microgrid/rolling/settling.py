"""Settling: what was carried out as a Result: its frames, its bill and its emissions, from claims alone.

Amounts follow from flows by the claims of the plant, as the audit would recompute them; no solver and no row of the
model has a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.accounts import CARBON_PRICE, EMISSION_COLUMNS
from microgrid.claims import Charge, Claim, PeakCharge
from microgrid.errors import InputError, Problem
from microgrid.model import Model
from microgrid.results import FORMAT, Result, emission_names, emission_totals, horizon_told
from microgrid.rolling.traces import Trace
from microgrid.timeline import Timeline

Array = NDArray[np.float64]


def settle(model: Model, trace: Trace, identity: Mapping[str, Any] | None = None) -> Result:
    """Return what was carried out, with its bill.

    Parameters
    ----------
    model
        The plant as a model on the trace's timeline; it need not be solved.
    trace
        What was carried out.

    Raises
    ------
    InputError
        If a line of a ledger follows from a claim of a kind that cannot be settled.
    """
    timeline, claims = trace.timeline, model.claims()
    sizes = {
        name: {key: capacity.high for key, capacity in asset.capacities().items()}
        for name, asset in model.plant.assets.items()
    }
    books = {name: _quantities(trace, name, sizes.get(name, {})) for name in model.plant.assets}
    costs, emissions = _lines(model, claims, books, trace)
    manifest = _manifest(model, timeline, sizes, costs, emissions)
    prices = pd.DataFrame({"bus": pd.Series(dtype="category"), "time": timeline.index[:0], "price": np.zeros(0)})
    return Result(
        manifest | dict(identity or {}),
        steps=pd.DataFrame({"time": timeline.index, "hours": timeline.hours, "weight": timeline.weights}),
        flows=_flows(model, trace),
        stocks=_frame(trace.stocks, ("asset", "stock"), timeline.points, "level"),
        states=_frame(trace.states, ("asset", "state"), timeline.index, "value"),
        costs=costs,
        emissions=emissions,
        prices=prices,
        claims=claims,
    )


def _manifest(
    model: Model,
    timeline: Timeline,
    sizes: Mapping[str, Mapping[str, float]],
    costs: pd.DataFrame,
    emissions: pd.DataFrame,
) -> dict[str, Any]:
    """Return what is told of what was carried out: no solver, and cost as the one goal."""
    plant, total = model.plant, float(costs["amount"].sum())
    reached = {"objective": total, "bound": None, "gap": None, "seconds": 0.0}
    sizes_of_matrix = {"columns": 0, "rows": 0, "integers": 0}
    outcome = {"ended": "carried out", "proved": False, **reached, "solver": "none", **sizes_of_matrix}
    return {
        "format": FORMAT,
        "currency": plant.currency,
        "horizon": horizon_told(timeline),
        "objective": asdict(plant.objective) | {"caps": {}, "goals": ["cost"]},
        "accounting": asdict(plant.accounting),
        "gases": {column: model.ledger.gas(column) for column in EMISSION_COLUMNS},
        "kinds": {name: str(getattr(asset, "kind", name)) for name, asset in plant.assets.items()},
        "units": {name: asset.capacity_units() for name, asset in plant.assets.items()},
        "decided": {},
        "sizes": sizes,
        "costs": {"cost": total} | _sums(costs, "category"),
        "emissions": emission_totals(model, emissions),
        "outcome": outcome | {"goals": [{"column": "cost"} | reached]},
    }


def _quantities(trace: Trace, name: str, sizes: Mapping[str, float]) -> dict[str, Array]:
    n = len(trace.timeline)
    found = {key: np.full(n, size) for key, size in sizes.items()}
    return found | dict(trace.states.get(name, {})) | dict(trace.flows.get(name, {}))


def _lines(
    model: Model, claims: Mapping[str, list[Claim]], books: Mapping[str, Mapping[str, Array]], trace: Trace
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both ledgers, line by line."""
    costs, emissions, emitted = [], [], dict[tuple[str, str], Array]()
    told = {
        (name, claim.line, getattr(claim, "ledger", "costs")): claim
        for name, found in claims.items()
        for claim in found
        if isinstance(claim, Charge | PeakCharge)
    }
    for entry in model.ledger.emissions:
        claim = _claim(told, entry.asset, entry.emission.line, "emissions")
        amounts = _along(claim, books[entry.asset], trace.timeline)
        emitted[entry.asset, entry.emission.line] = amounts
        emissions.append(pd.DataFrame(emission_names(entry) | {"time": trace.timeline.index, "amount": amounts}))
    for paid in model.ledger.costs:
        names = {"asset": paid.asset, "line": paid.cost.line, "category": paid.cost.category}
        if paid.asset == CARBON_PRICE:
            costs.append(_carbon_rows(names, model, emitted, trace.timeline))
            continue
        if (paid.asset, paid.cost.line, "costs") not in told:
            costs.append(_month_rows(names, model, trace))
            continue
        claim = _claim(told, paid.asset, paid.cost.line, "costs")
        costs.append(_cost_rows(names, claim, books[paid.asset], trace))
    return (
        _tidied(costs, ["asset", "line", "category", "time", "amount"]),
        _tidied(emissions, ["asset", "line", "scope", "basis", "part", "gas", "time", "amount"]),
    )


def _carbon_rows(
    names: dict[str, str], model: Model, emitted: Mapping[tuple[str, str], Array], timeline: Timeline
) -> pd.DataFrame:
    """Return a line of the carbon price: the price of a column times what it counts, or what allowances spare."""
    objective, accounting, line = model.plant.objective, model.plant.accounting, names["line"]
    if line == "free allowances":
        once = pd.DatetimeIndex([pd.NaT]).tz_localize(timeline.index.tz)
        return pd.DataFrame(names | {"time": once, "amount": [-accounting.trading_price * accounting.allowances]})
    column = "scope_1" if line == "emissions trading" else line.removesuffix(" priced")
    price = objective.carbon_prices.get(column, objective.carbon_price)
    price = accounting.trading_price if line == "emissions trading" else price
    counted = [
        emitted[entry.asset, entry.emission.line]
        for entry in model.ledger.emissions
        if model.ledger.counts(entry.emission, column)
    ]
    return pd.DataFrame(names | {"time": timeline.index, "amount": price * np.sum(counted, axis=0)})


def _claim(told: Mapping[tuple[str, str, str], Any], asset: str, line: str, ledger: str) -> Any:
    claim = told.get((asset, line, ledger))
    if claim is None:
        wanted = "a line that follows from the flows by a charge or a metered peak"
        raise InputError(
            [Problem(f"assets.{asset}", f'the line "{line}"', wanted, "leave that part of the tariff out")]
        )
    return claim


def _cost_rows(names: dict[str, str], claim: Any, book: Mapping[str, Array], trace: Trace) -> pd.DataFrame:
    timeline = trace.timeline
    if isinstance(claim, PeakCharge):
        peaks = month_peaks(book[claim.quantity], timeline, claim.window, claim.floor)
        amounts = [claim.price * max(peak, 0.0) for peak in peaks.values()]
        return pd.DataFrame(names | {"time": timeline.month_starts, "amount": amounts})
    if claim.per in ("year", "month"):
        once = pd.DatetimeIndex([pd.NaT]).tz_localize(timeline.index.tz)
        return pd.DataFrame(names | {"time": once, "amount": [_once(claim, book, trace)]})
    return pd.DataFrame(names | {"time": timeline.index, "amount": _along(claim, book, timeline)})


def _month_rows(names: dict[str, str], model: Model, trace: Trace) -> pd.DataFrame:
    """Return a line of plain prices that is due by month: the metered peak, or the contract capacity's part covered.

    Raises
    ------
    InputError
        If it is another line, of a tariff that is not carried from window to window.
    """
    timeline, asset = trace.timeline, model.plant.assets[names["asset"]]
    charge = getattr(asset, "demand_charge", None)
    if names["line"] == "demand charge" and charge is not None:
        rate = trace.flows[names["asset"]]["import"]
        peaks = month_peaks(rate, timeline, charge.window * 60, charge.peak_so_far)
        amounts = [charge.price * max(peak, 0.0) for peak in peaks.values()]
    elif names["line"] == "contract capacity":
        rate_of = asset.capacity_charge * asset.capacity.amount  # type: ignore[attr-defined]
        amounts = [rate_of * share for share in timeline.month_shares.values()]
    else:
        _claim({}, names["asset"], names["line"], "costs")
        amounts = []
    return pd.DataFrame(names | {"time": timeline.month_starts, "amount": amounts})


def _once(claim: Charge, book: Mapping[str, Array], trace: Trace) -> float:
    count = trace.timeline.years if claim.per == "year" else sum(trace.timeline.month_shares.values())
    return count * sum(float(np.asarray(factor)) * float(book[name][0]) for name, factor in claim.terms)


def _along(claim: Charge, book: Mapping[str, Array], timeline: Timeline) -> Array:
    total = np.zeros(len(timeline))
    for name, factor in claim.terms:
        value = np.asarray(factor, dtype=float) * np.ones(len(timeline))
        for part in name.split("*") if name else ():
            value = value * book[part]
        total = total + value
    return np.asarray(total * (timeline.hours if claim.per == "hour" else 1.0), dtype=float)


def month_peaks(rate: Array, timeline: Timeline, minutes: float, floor: float = 0.0) -> dict[str, float]:
    """Return the highest mean over a metering window in each month, kW; `floor` is what the first has seen already.

    Parameters
    ----------
    rate
        Import at each step, kW.
    minutes
        Length of the metering window.
    """
    window = timeline.windows(minutes)
    first = np.flatnonzero(np.diff(window, prepend=-1))
    means = np.add.reduceat(rate * timeline.hours, first) / np.add.reduceat(timeline.hours, first)
    peaks: dict[str, float] = {}
    for month, mean in zip(timeline.months[first].tolist(), means.tolist(), strict=True):
        peaks[month] = max(peaks.get(month, floor if not peaks else 0.0), mean)
    return peaks


def _flows(model: Model, trace: Trace) -> pd.DataFrame:
    rows = []
    for asset, ports in trace.flows.items():
        for port, rates in ports.items():
            carrier = model.plant.buses[trace.ports[asset][port]].carrier
            names = {
                "asset": asset, "port": port, "bus": trace.ports[asset][port], "carrier": carrier.name,
                "unit": carrier.flow_unit,
            }  # fmt: skip
            rows.append(pd.DataFrame(names | {"time": trace.timeline.index, "rate": rates}))
    return _tidied(rows, ["asset", "port", "bus", "carrier", "unit", "time", "rate"])


def _frame(rows: Mapping[str, Mapping[str, Array]], keys: tuple[str, str], times: Any, value: str) -> pd.DataFrame:
    frames = [
        pd.DataFrame({keys[0]: asset, keys[1]: name, "time": times, value: values})
        for asset, by_name in rows.items()
        for name, values in by_name.items()
    ]
    return _tidied(frames, [*keys, "time", value])


def _tidied(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame({column: pd.Series(dtype=float) for column in columns})
    frame = pd.concat(frames, ignore_index=True)[columns]
    return frame.astype(dict.fromkeys(columns[:-2], "category"))


def _sums(frame: pd.DataFrame, column: str) -> dict[str, float]:
    return {str(key): float(value) for key, value in frame.groupby(column, observed=True)["amount"].sum().items()}


__all__ = ["month_peaks", "settle"]
