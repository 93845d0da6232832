"""What a dispatch run leaves: a folder with set-points, reserve, limits met and prices, and a link to the newest."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microgrid.dispatch.store import write_whole
from microgrid.rolling.planned import Planned
from microgrid.rolling.reasons import reasons
from microgrid.rolling.reserve import reserve
from microgrid.rolling.settling import settle
from microgrid.rolling.traces import Rows, Trace
from microgrid.timeline import Timeline

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
        write_whole(new / "reserve.csv", _csv(reserve(planned.plant, planned.trace)))
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
    """Return what one more kWh or kg would cost on each bus; empty where no solver made the plan."""
    rows, model, solution = [], planned.model, planned.solution
    if model is not None and solution is not None:
        for name in model.plant.buses:
            bus = model.pyomo.operation.bus[name]
            dual = solution.dual(bus.balance) if hasattr(bus, "balance") else None
            if dual is not None:
                timeline = model.plant.timeline
                price = np.round(dual / timeline.weighted_hours, _DIGITS)
                rows.append(pd.DataFrame({"bus": name, "time": timeline.index, "price": price}))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["bus", "time", "price"])


def expected(planned: Planned, skeleton: Any) -> dict[str, Any]:
    """Return the cost by category and the emissions that a plan expects; what stocks are worth is apart."""
    result = settle(skeleton, planned.trace)
    costs = {key: value for key, value in result.manifest["costs"].items() if key not in ("cost", "stock")}
    emissions = {key: round(value, 3) for key, value in result.manifest["emissions"].items()}
    return {
        "cost": round(sum(costs.values()), 4),
        "costs": {key: round(value, 4) for key, value in costs.items()},
        "emissions": emissions,
    }


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
