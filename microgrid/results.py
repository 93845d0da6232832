"""A solved model as tidy frames and a manifest: one vocabulary, stored as Parquet and JSON.

Frames
------
steps
    time, hours, weight of every step.
flows
    asset, port, bus, carrier, unit, time, rate: kW or kg/h, counted into the bus.
stocks
    asset, stock, time (a point), level.
states
    asset, state, time, value, such as on and off; and, by month, the billed peak.
costs
    asset, line, category, time (empty for what is paid once), amount in the scenario's currency.
emissions
    asset, line, scope, basis, part, gas, time, amount in kg of the gas: CO2, or CO2e (also where none was told).
prices
    bus, time, price: what one more kWh (or kg) would cost, with all on-off decisions as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from microgrid.accounts import EMISSION_COLUMNS
from microgrid.alike import alike, sums
from microgrid.claims import Claim, from_plain, to_plain
from microgrid.errors import InputError, Problem

if TYPE_CHECKING:
    from microgrid.ledger import EmissionLine
    from microgrid.model import Model, Values
    from microgrid.timeline import Timeline

FRAMES = ("steps", "flows", "stocks", "states", "costs", "emissions", "prices")
FORMAT = 2
_USUAL_PARTS = {0: "exported", 1: "fuel", 2: "purchased", 3: "upstream"}
_NEEDED = ("format", "sizes", "costs", "emissions", "outcome", "horizon")


@dataclass(frozen=True, eq=False)
class Result:
    """A plan: its frames, its manifest, and the claims that an audit holds against them."""

    manifest: dict[str, Any]
    steps: pd.DataFrame
    flows: pd.DataFrame
    stocks: pd.DataFrame
    states: pd.DataFrame
    costs: pd.DataFrame
    emissions: pd.DataFrame
    prices: pd.DataFrame
    claims: Mapping[str, Sequence[Claim]] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """Name the plan in a line; its frames are too long to be shown."""
        name = self.manifest.get("scenario", {}).get("name", "a plant made in Python")
        ended = self.manifest.get("outcome", {}).get("ended", "")
        return f"<Result of {name}: {len(self.steps)} steps, cost {self.cost:,.2f}, {ended}>"

    @property
    def sizes(self) -> dict[str, dict[str, float]]:
        """Capacities by asset and field."""
        sizes: dict[str, dict[str, float]] = self.manifest["sizes"]
        return sizes

    @property
    def cost(self) -> float:
        """Sum of the money ledger."""
        return float(self.costs["amount"].sum())

    def save(self, folder: Path) -> None:
        """Write frames, claims and manifest into an existing folder."""
        for name in FRAMES:
            getattr(self, name).to_parquet(folder / f"{name}.parquet", index=False)
        claims = {asset: [to_plain(claim) for claim in claims] for asset, claims in self.claims.items()}
        (folder / "claims.json").write_text(json.dumps(claims), encoding="utf-8")
        save_manifest(self.manifest, folder)


def save_manifest(manifest: Mapping[str, Any], folder: Path) -> None:
    """Write a manifest into a run folder."""
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """Return a manifest as JSON, to be read by people; what is not a number is null."""
    return json.dumps(plain_manifest(manifest), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_SAFE = frozenset({str, int, bool, type(None)})


def plain_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as JSON knows it: what is not a number is None."""
    return {str(key): _json_safe(part) for key, part in manifest.items()}


def _json_safe(value: Any) -> Any:
    if type(value) in _SAFE:
        return value
    if isinstance(value, Mapping):
        return {str(key): _json_safe(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(part) for part in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def load(folder: Path | str) -> Result:
    """Read a run folder.

    Raises
    ------
    InputError
        If the folder holds no run, or one of another format.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        claims = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
        lacking = [key for key in _NEEDED if key not in manifest]
        if lacking:
            raise KeyError(lacking[0])
        if manifest["format"] != FORMAT:
            found = f"format {manifest['format']}"
            raise InputError([Problem(str(folder), found, f"a run of format {FORMAT}", "run the scenario again")])
        frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in FRAMES}
        told = {asset: [from_plain(claim) for claim in found] for asset, found in claims.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        reason = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        wanted = "a folder that `microgrid run` wrote"
        raise InputError([Problem(str(folder), f"not readable: {reason}", wanted)]) from error
    return Result(manifest, **frames, claims=told)


def collect(model: Model, values: Values, manifest: dict[str, Any]) -> Result:
    """Read a plan out of a solved model.

    Parameters
    ----------
    model
        The model.
    values
        The plan: values of any expression along an index, and the duals of rows, where there are any.
    manifest
        What the run knows of itself; sizes and ledger totals are added.
    """
    costs, emissions = _costs(model, values), _emissions(model, values)
    manifest = manifest | {
        "sizes": sizes_of(model, values),
        "costs": _totals(costs, "category"),
        "emissions": emission_totals(model, emissions),
        "gases": {column: model.ledger.gas(column) for column in EMISSION_COLUMNS},
    }
    if model.plant.objective.caps:
        manifest["caps"] = _caps(model, values, manifest["costs"] | manifest["emissions"])
    return Result(
        manifest,
        steps=_steps(model),
        flows=_flows(model, values),
        stocks=_stocks(model, values),
        states=_states(model, values),
        costs=costs,
        emissions=emissions,
        prices=_prices(model, values),
        claims=model.claims(),
    )


def _tidy(rows: list[dict[str, Any]], columns: Sequence[str], values: str) -> pd.DataFrame:
    """Stack one table a row of `rows`; texts repeat as categories, which are made once and not found out row by row."""
    if not rows:
        empty = pd.DataFrame(columns=list(columns)).astype(dict.fromkeys(set(columns) - {"time", values}, "category"))
        return empty.astype({values: float})
    lengths = [len(row["time"]) for row in rows]
    first, *others = (row["time"] for row in rows)
    stacked: dict[str, Any] = {
        "time": first.append(others) if others else first,
        values: np.concatenate([np.asarray(row[values], dtype=float) for row in rows]),
    }
    for column in columns:
        if column not in stacked:
            known = tuple(sorted({row[column] for row in rows}))
            codes = np.repeat([known.index(row[column]) for row in rows], lengths)
            stacked[column] = pd.Categorical.from_codes(codes, dtype=_categories(known))
    return pd.DataFrame({column: stacked[column] for column in columns})


@lru_cache(maxsize=200)
def _categories(known: tuple[Any, ...]) -> pd.CategoricalDtype:
    """Return texts, or numbers, as categories; the same few come again with every plan of a batch."""
    return pd.CategoricalDtype(pd.Index(known))


def _steps(model: Model) -> pd.DataFrame:
    timeline = model.plant.timeline
    return pd.DataFrame({"time": timeline.index, "hours": timeline.hours, "weight": timeline.weights})


def _flows(model: Model, values: Values) -> pd.DataFrame:
    timeline, buses, rows = model.plant.timeline, model.plant.buses, []
    for asset, contribution in model.contributions.items():
        for flow in contribution.flows:
            carrier = buses[flow.bus].carrier
            rates = values.along(flow.rate, model.operation.steps)
            names = {
                "asset": asset,
                "port": flow.port,
                "bus": flow.bus,
                "carrier": carrier.name,
                "unit": carrier.flow_unit,
            }
            rows.append(names | {"time": timeline.index, "rate": rates})
    return _tidy(rows, ("asset", "port", "bus", "carrier", "unit", "time", "rate"), "rate")


def _stocks(model: Model, values: Values) -> pd.DataFrame:
    rows = [
        {
            "asset": asset,
            "stock": name,
            "time": model.plant.timeline.points,
            "level": values.along(state.variable.__getitem__, state.variable.index_set()),
        }
        for asset, contribution in model.contributions.items()
        for name, state in contribution.states.items()
        if state.on == "points"
    ]
    return _tidy(rows, ("asset", "stock", "time", "level"), "level")


def _states(model: Model, values: Values) -> pd.DataFrame:
    timeline, rows = model.plant.timeline, []
    for asset, contribution in model.contributions.items():
        for name, state in contribution.states.items():
            if state.on == "points":
                continue
            times = timeline.index if state.on == "steps" else timeline.month_starts
            along = values.along(state.variable.__getitem__, state.variable.index_set())
            rows.append({"asset": asset, "state": name, "time": times, "value": along})
    return _tidy(rows, ("asset", "state", "time", "value"), "value")


def _costs(model: Model, values: Values) -> pd.DataFrame:
    timeline, rows = model.plant.timeline, []
    for entry in model.ledger.costs:
        cost = entry.cost
        names = {"asset": entry.asset, "line": cost.line, "category": cost.category}
        if cost.index is model.operation.steps:
            amounts = values.along(cost.amount, cost.index) * timeline.weights
            rows.append(names | {"time": timeline.index, "amount": amounts})
        elif cost.index is None:
            once = pd.DatetimeIndex([pd.NaT]).tz_localize(timeline.index.tz)
            rows.append(names | {"time": once, "amount": values.along(lambda c=cost: c.amount(None))})
        else:
            rows.append(names | {"time": timeline.month_starts, "amount": values.along(cost.amount, cost.index)})
    return _tidy(rows, ("asset", "line", "category", "time", "amount"), "amount")


def horizon_told(timeline: Timeline) -> dict[str, Any]:
    """Return what a manifest says of the horizon."""
    return {
        "start": timeline.index[0].isoformat(),
        "end": timeline.end.isoformat(),
        "zone": str(timeline.index.tz),
        "steps": len(timeline),
        "years": timeline.years,
    }


def emission_names(entry: EmissionLine) -> dict[str, Any]:
    """Return what the frame of emissions calls a line of the carbon ledger."""
    emission = entry.emission
    return {
        "asset": entry.asset,
        "line": emission.line,
        "scope": emission.scope,
        "basis": emission.basis,
        "part": emission.part or _USUAL_PARTS[emission.scope],
        "gas": emission.gas or "CO2e",
    }


def _emissions(model: Model, values: Values) -> pd.DataFrame:
    timeline, rows = model.plant.timeline, []
    for entry in model.ledger.emissions:
        emission = entry.emission
        names = emission_names(entry)
        amounts = values.along(emission.amount, model.operation.steps) * timeline.weights
        rows.append(names | {"time": timeline.index, "amount": amounts})
    return _tidy(rows, ("asset", "line", "scope", "basis", "part", "gas", "time", "amount"), "amount")


def _prices(model: Model, values: Values) -> pd.DataFrame:
    timeline, rows = model.plant.timeline, []
    for name in model.plant.buses:
        bus = model.pyomo.operation.bus[name]
        dual = values.dual(bus.balance) if hasattr(bus, "balance") else None
        if dual is not None:
            rows.append({"bus": name, "time": timeline.index, "price": dual / timeline.weighted_hours})
    return _tidy(rows, ("bus", "time", "price"), "price")


def sizes_of(model: Model, values: Values) -> dict[str, dict[str, float]]:
    """Return capacities by asset and field, with what was decided of modules and of building at all."""
    sizes: dict[str, dict[str, float]] = {}
    for asset, by_field in model.sizes.items():
        block = model.pyomo.size[asset]
        named = {name: float(values.along(lambda s=size: s.amount)[0]) for name, size in by_field.items()}
        for name in by_field:
            for extra in ("built", "modules"):
                if hasattr(block, f"{name}_{extra}"):
                    variable = getattr(block, f"{name}_{extra}")
                    named[f"{name}_{extra}"] = float(values.along(lambda v=variable: v)[0])
        sizes[asset] = named
    return sizes


def _totals(frame: pd.DataFrame, column: str) -> dict[str, float]:
    amounts = frame["amount"].to_numpy(dtype=float)
    totals = sums(alike(frame, [column]), amounts)
    return {"cost": float(amounts.sum())} | {key: totals[(key,)] for (key,) in sorted(totals)}


def _caps(model: Model, values: Values, totals: Mapping[str, float]) -> dict[str, dict[str, float | None]]:
    """Return of each cap its limit, what is reached, and what a unit more of it would save; None where nobody knows."""
    found = {}
    for column, highest in model.plant.objective.caps.items():
        # A study's own limit stands beside the cap, or in its place: what a unit of either saves, the tighter one does.
        rows = [getattr(model.pyomo, f"{column}_{word}", None) for word in ("within_cap", "limited")]
        duals = [values.dual(row) for row in rows if row is not None]
        known = [float(dual[0]) for dual in duals if dual is not None and len(dual) == 1 and np.isfinite(dual[0])]
        worth = max(0.0, -sum(known)) if duals and len(known) == len(duals) else None
        found[column] = {"highest": float(highest), "reached": totals.get(column, 0.0), "worth": worth}
    return found


def emission_totals(model: Model, frame: pd.DataFrame) -> dict[str, float]:
    """Return what the carbon ledger's columns add up to, by the lines of a frame."""
    found = sums(alike(frame, ["asset", "line"]), frame["amount"].to_numpy(dtype=float))
    entries = [(line.emission, found.get((line.asset, line.emission.line), 0.0)) for line in model.ledger.emissions]
    return {
        column: sum(amount for emission, amount in entries if model.ledger.counts(emission, column))
        for column in EMISSION_COLUMNS
    }
