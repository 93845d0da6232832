"""What a dispatch run leaves: a folder with set-points, reserve, limits met and prices, and a link to the newest."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from microgrid.dispatch.store import write_whole
from microgrid.model import Model, assemble
from microgrid.plant import Plant
from microgrid.rolling.planned import Planned
from microgrid.rolling.reasons import reasons
from microgrid.rolling.reserve import reserve
from microgrid.rolling.settling import settle
from microgrid.rolling.traces import Rows, Trace
from microgrid.timeline import Timeline
from solvers import Plan as Solution
from solvers import templating

_DIGITS = 6


def publish(folder: Path, stamp: str, planned: Planned, account: dict[str, Any]) -> Path:
    """Write a plan into a folder of its own, and let ``current`` point to it once it is whole.

    Raises
    ------
    OSError
        If it cannot be written; ``current`` is then as it was.
    """
    new = folder / "plans" / stamp
    new.mkdir(parents=True, exist_ok=True)
    try:
        write_whole(new / "setpoints.csv", setpoints(planned.trace).to_csv(index=False))
        write_whole(new / "reserve.csv", _csv(reserves(planned)))
        write_whole(new / "limits.csv", _csv(reasons(planned.plant, planned.trace, planned.ceiling)))
        write_whole(new / "prices.csv", _csv(prices(planned)))
        write_whole(new / "plan.json", json.dumps(account, indent=2, ensure_ascii=False) + "\n")
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    point_to(folder, new)
    return new


def point_to(folder: Path, new: Path) -> None:
    """Let the link ``current`` point to a plan, in one move."""
    link = folder / ".current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(new.relative_to(folder))
    os.replace(link, folder / "current")  # noqa: PTH105  a link to a folder is replaced, not moved into it


def sweep(folder: Path, before: str) -> None:
    """Remove plans older than a stamp; the current one stays."""
    current = (folder / "current").resolve()
    for old in sorted((folder / "plans").glob("*")):
        if old.name < before and old.resolve() != current:
            shutil.rmtree(old, ignore_errors=True)


def setpoints(trace: Trace) -> pd.DataFrame:
    """Return what each asset is to do: time, asset, kind (flow, state or stock), name, value.

    Flows are kW or kg/h into the bus, stocks kWh or kg at the end of the step.
    """
    frames = []
    for kind, rows in (("flow", trace.flows), ("state", trace.states), ("stock", trace.stocks)):
        for asset, by_name in rows.items():
            for name, values in by_name.items():
                along = values[1:] if kind == "stock" else values
                frames.append(
                    pd.DataFrame(
                        {
                            "time": [time.isoformat() for time in trace.timeline.index],
                            "hours": trace.timeline.hours,
                            "asset": asset,
                            "kind": kind,
                            "name": name,
                            "value": np.round(along, _DIGITS) + 0.0,
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True)


def prices(planned: Planned) -> pd.DataFrame:
    """Return what one more kWh or kg would cost on each bus; empty where no solver made the plan.

    Of a plan for several futures it is what one more in all of them would cost in the mean.
    """
    rows, solution = [], planned.solution
    models: list[Model | None] = [future.model for future in planned.futures]
    models = models or [planned.model]
    for name in planned.plant.buses:
        duals = [_dual(model, name, solution) for model in models]
        known = [dual for dual in duals if dual is not None]
        if known:
            timeline = planned.plant.timeline
            price = np.round(np.sum(known, axis=0) / timeline.weighted_hours, _DIGITS)
            rows.append(pd.DataFrame({"bus": name, "time": timeline.index, "price": price}))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["bus", "time", "price"])


def _dual(model: Model | None, bus: str, solution: Solution | None) -> Any:
    if model is None or solution is None:
        return None
    block = model.pyomo.operation.bus[bus]
    return solution.dual(block.balance) if hasattr(block, "balance") else None


def reserves(planned: Planned) -> pd.DataFrame:
    """Return the adjustable reserve of a plan; of one for several futures what there is in all of them."""
    if not planned.futures:
        return reserve(planned.plant, planned.trace)
    found = pd.concat([reserve(future.plant, future.trace) for future in planned.futures], ignore_index=True)
    return found.groupby(["asset", "time"], sort=False, as_index=False)[["up", "down"]].min()


class Expected(NamedTuple):
    """What a plan costs by category and emits by column in one future, but for what stocks are worth."""

    future: str
    probability: float
    costs: dict[str, float]
    emissions: dict[str, float]

    @property
    def cost(self) -> float:
        """All costs together."""
        return sum(self.costs.values())


def expected_of(planned: Planned) -> list[Expected]:
    """Return what a plan costs and emits in each future that it was made for; in what is foreseen, where in none."""
    made = [(each.name, each.probability, each.plant, each.trace) for each in planned.futures]
    return [
        Expected(name, probability, *_settled(plant, trace))
        for name, probability, plant, trace in made or [("", 1.0, planned.plant, planned.trace)]
    ]


def expected(found: Sequence[Expected]) -> dict[str, Any]:
    """Return cost by category and emissions in the mean, and the lowest and highest cost where futures are several."""
    shares = [each.probability for each in found]
    costs = _mean(shares, [each.costs for each in found])
    emissions = _mean(shares, [each.emissions for each in found])
    spread = [each.cost for each in found]
    told: dict[str, Any] = {"cost": round(sum(costs.values()), 4)}
    if len(found) > 1:
        told |= {"lowest": round(min(spread), 4), "highest": round(max(spread), 4)}
    return told | {
        "costs": {key: round(value, 4) for key, value in costs.items()},
        "emissions": {key: round(value, 3) for key, value in emissions.items()},
    }


def _mean(shares: Sequence[float], amounts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of amounts by name; what one of them lacks is nothing."""
    names = dict.fromkeys(name for each in amounts for name in each)
    return {
        name: sum(share * each.get(name, 0.0) for share, each in zip(shares, amounts, strict=True)) for name in names
    }


def futures_told(found: Sequence[Expected]) -> dict[str, Any]:
    """Return the futures that a plan was made for: how likely each is, what it costs and emits; none where one was."""
    return {
        each.future: {
            "probability": each.probability,
            "cost": round(each.cost, 4),
            "emissions": round(each.emissions["emissions"], 3),
        }
        for each in found
        if each.future
    }


def _settled(plant: Plant, trace: Trace) -> tuple[dict[str, float], dict[str, float]]:
    """Return what a trace costs by category, but for what stocks are worth, and what it emits."""
    with templating():
        skeleton = assemble(replace(plant, stock_worth={}, flow_limits={}, kept_states={}))
    manifest = settle(skeleton, trace).manifest
    costs = {key: value for key, value in manifest["costs"].items() if key not in ("cost", "stock")}
    return costs, manifest["emissions"]


def plain(trace: Trace) -> dict[str, Any]:
    """Return a trace as plain data, for the state."""
    return {
        "zone": str(trace.timeline.index.tz),
        "times": [time.isoformat() for time in trace.timeline.index],
        "hours": trace.timeline.hours.tolist(),
        "flows": _lists(trace.flows),
        "stocks": _lists(trace.stocks),
        "states": _lists(trace.states),
        "ports": {asset: dict(ports) for asset, ports in trace.ports.items()},
    }


def from_plain(data: dict[str, Any]) -> Trace:
    """Return the trace that `plain` wrote."""
    index = pd.DatetimeIndex(pd.to_datetime(data["times"], utc=True)).tz_convert(data["zone"])
    hours = np.array(data["hours"], dtype=float)
    timeline = Timeline(index, hours, np.ones(len(hours)))
    flows, stocks, states = (_arrays(data[key]) for key in ("flows", "stocks", "states"))
    return Trace(timeline, flows, stocks, states, data["ports"])


def _lists(rows: Rows) -> dict[str, dict[str, list[float]]]:
    return {
        asset: {name: np.round(values, 9).tolist() for name, values in by_name.items()}
        for asset, by_name in rows.items()
    }


def _arrays(rows: Any) -> Rows:
    return {
        asset: {name: np.array(values, dtype=float) for name, values in by_name.items()}
        for asset, by_name in rows.items()
    }


def _csv(frame: pd.DataFrame) -> str:
    told = frame.copy()
    for column in ("time", "from", "until"):
        if column in told:
            told[column] = [time.isoformat() for time in told[column]]
    return str(told.round(_DIGITS).to_csv(index=False))
