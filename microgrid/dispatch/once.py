"""One planning run: reads site, state and the newest numbers, plans, publishes, remembers. There is always a plan."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microgrid.dispatch.limits import read_limits, with_limits
from microgrid.dispatch.metered import Since, at_any_time, with_bills
from microgrid.dispatch.present import as_measured, history, present
from microgrid.dispatch.publishing import expected, from_plain, plain, publish, sweep
from microgrid.dispatch.site import Site, read_site
from microgrid.dispatch.sources import Readings, read_source
from microgrid.dispatch.store import Store
from microgrid.errors import InputError, MicrogridError
from microgrid.model import assemble
from microgrid.plant import Plant
from microgrid.rolling.inheriting import Before, before, with_before
from microgrid.rolling.outlook import LEAST_DAYS
from microgrid.rolling.replanning import Planned, Replanner, Rung
from microgrid.rolling.simulating import refuse_unfit_plant
from microgrid.rolling.traces import Trace, ports_of
from microgrid.rolling.windows import window
from microgrid.running import settings_of
from microgrid.scenario import read_scenario
from microgrid.timeline import Timeline
from solvers import Settings, templating

_HISTORY = pd.Timedelta(days=35)


@dataclass(frozen=True)
class Dispatched:
    """How a run ended: its plan's rung, what the plan says of itself, and where it is."""

    rung: Rung
    account: dict[str, Any]
    folder: Path


@dataclass
class _Run:
    """What a run knows so far."""

    now: pd.Timestamp
    deadline: float
    started: float
    notes: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - (time.perf_counter() - self.started)


def dispatch(site_path: Path | str, state: Path | str, now: pd.Timestamp | None = None) -> Dispatched:
    """Plan once.

    Parameters
    ----------
    site_path
        The site file.
    state
        The state folder.
    now
        Zone-aware; the clock's time by default.

    Returns
    -------
    Dispatched
        With the plan's rung and the folder that it was written into.

    Raises
    ------
    BusyError
        If another run works on the state.
    InputError
        If the site cannot be read, and there is no earlier plan to go on with.
    OSError
        If the plan cannot be written; the plan before it is still in place.
    """
    store, started = Store(Path(state)), time.perf_counter()
    moment = pd.Timestamp.now(tz="UTC") if now is None else now
    with store.locked():
        known = store.load()
        run = _Run(moment, 60.0, started, list(store.notes))
        try:
            return _planned(Path(site_path), store, known, run)
        except OSError as error:
            _journal(store, run, {"event": "not written", "reason": str(error)})
            raise
        except Exception as error:
            # Whatever went wrong, the plant goes on by the plan that there is.
            reason = "; ".join(str(error).split("\n"))
            _journal(store, run, {"event": "failed", "reason": reason})
            if known is None or "plan" not in known:
                raise
            return _as_last_planned(store, known, run, reason)


def _planned(path: Path, store: Store, known: dict[str, Any] | None, run: _Run) -> Dispatched:
    site = read_site(path)
    run.deadline = site.seconds
    scenario = read_scenario(path.parent / site.scenario)
    refuse_unfit_plant(scenario.plant)
    base, look = scenario.plant, site.look
    since = run.now - _HISTORY
    sources = [
        read_source(source, path.parent, base.currency, name, since)
        for source, name in ((site.measurements, "measurements"), (site.forecasts, "forecasts"))
    ]
    for readings in sources:
        run.notes += readings.notes
    timeline = _timeline(run.now, base, min(step for _, step in look.spans), look.hours)
    seen = present(at_any_time(base), timeline, sources[0], sources[1])
    run.notes += seen.notes
    told, last = _before(seen.plant, known, sources[0], run)
    last_run = None if last is None or known is None else Since(pd.Timestamp(known["since"]), last.trace)
    told = with_bills(base, told, last_run, sources[0], timeline, run.notes)
    limited = _limited(seen.plant, path.parent / site.limits if site.limits else None, run)
    change = site.change_cost(base.currency)
    replanner = Replanner(look, _settings(settings_of(scenario.solver)), change_cost=change)
    replanner.last = last
    planned = replanner.plan(limited, 0, told, max(run.left, 0.0))
    return _published(store, site, planned, told, run)


def _settings(settings: Settings) -> Settings:
    return replace(settings, seconds=None)


def _timeline(now: pd.Timestamp, base: Plant, step: float, hours: float) -> Timeline:
    """Return equal steps from the one that `now` lies in to the end of all that a plan may look at."""
    zone = base.timeline.index.tz
    length = pd.Timedelta(hours=step)
    local = now.tz_convert(zone)
    first = local - (local.tz_localize(None) - local.tz_localize(None).floor(length))
    reach = first + pd.Timedelta(hours=hours)
    month = (reach.tz_localize(None).to_period("M") + 1).start_time
    later = max(month.tz_localize(zone), reach + pd.Timedelta(days=LEAST_DAYS))
    count = int(np.ceil((later - first) / length))
    return Timeline.regular(first, first + count * length, length)


def _before(plant: Plant, known: dict[str, Any] | None, measured: Readings, run: _Run) -> tuple[Before, Planned | None]:
    """Return what was before now, by the state and the measurements, and the last plan."""
    now, told, last = plant.timeline.index[0], before(plant), None
    if known is not None:
        told = {name: dict(fields) for name, fields in told.items()}
        for name, fields in known["before"].items():
            if name in told:
                told[name] |= fields | {"month": pd.Timestamp(known["since"]).tz_convert(now.tz).strftime("%Y-%m")}
        trace, since = from_plain(known["plan"]), pd.Timestamp(known["since"])
        if set(trace.flows) - {f for f in trace.flows if f.startswith("bus ")} <= set(plant.assets):
            skeleton = _skeleton(plant, {})
            told, note = history(skeleton, told, trace, since, now)
            run.notes += [note] if note else []
            last = Planned(plant, trace, Rung(known["rung"]), "", np.full(len(trace.timeline), np.inf))
    told = as_measured(plant, told, measured, now, run.notes)
    return {name: {k: v for k, v in fields.items() if k != "month"} for name, fields in told.items()}, last


def _skeleton(plant: Plant, told: Before) -> Any:
    with templating():
        return assemble(with_before(window(plant, np.array([0, 1])), told))


def _limited(plant: Plant, path: Path | None, run: _Run) -> Plant:
    """Return the plant with its live limits; limits that cannot be read are told and left out."""
    if path is None:
        return plant
    try:
        limits = read_limits(path)
        return with_limits(plant, ports_of(_skeleton(plant, {})), limits)
    except InputError as error:
        run.notes += [f"live limits left out: {problem}".replace("\n", "; ") for problem in error.problems]
        return plant


def _published(store: Store, site: Site, planned: Planned, told: Before, run: _Run) -> Dispatched:
    """Write the plan, then the state, then a line of the journal: whatever is lost in between is planned anew."""
    with templating():
        model = assemble(replace(planned.plant, stock_worth={}, flow_limits={}, kept_states={}))
    first = planned.plant.timeline.index[0]
    account = {
        "planned_at": run.now.isoformat(),
        "from": first.isoformat(),
        "until": planned.plant.timeline.end.isoformat(),
        "rung": planned.rung.value,
        "reason": planned.reason,
        "gap": None if np.isnan(planned.gap) else planned.gap,
        "expected": expected(planned, model),
        "currency": planned.plant.currency,
        "shortfalls": [list(shortfall) for shortfall in planned.shortfalls],
        "notes": run.notes,
        "seconds": round(time.perf_counter() - run.started, 3),
        "solver_seconds": round(planned.solver_seconds, 3),
    }
    stamp = run.now.tz_convert("UTC").strftime("%Y%m%dT%H%M%SZ")
    folder = publish(store.folder, stamp, planned, account)
    store.save(
        {
            "since": first.isoformat(),
            "before": told,
            "plan": plain(planned.trace),
            "rung": planned.rung.value,
            "account": account,
        }
    )
    _journal(store, run, {"event": "planned", "plan": stamp} | {k: account[k] for k in ("rung", "reason", "seconds")})
    keep = run.now.tz_convert("UTC") - pd.Timedelta(hours=site.hours_kept)
    sweep(store.folder, keep.strftime("%Y%m%dT%H%M%SZ"))
    return Dispatched(planned.rung, account, folder)


def _as_last_planned(store: Store, known: dict[str, Any], run: _Run, reason: str) -> Dispatched:
    """Publish what is left of the last plan, untouched: the site could not be read, so nothing can be repaired."""
    trace, repeated = _repeated(from_plain(known["plan"]), run.now)
    first = int(np.searchsorted(trace.timeline.points.as_unit("ns").asi8, run.now.as_unit("ns").value, "right")) - 1
    if first < 0:
        raise MicrogridError(f"{reason}; and the last plan begins at {trace.timeline.index[0].isoformat()}")
    rest = trace.cut(first, len(trace.timeline))
    account = known["account"] | {
        "planned_at": run.now.isoformat(),
        "from": rest.timeline.index[0].isoformat(),
        "rung": Rung.SHIFTED.value,
        "reason": f"the last plan as it was{repeated}: {reason}",
        "gap": None,
        "notes": run.notes,
    }
    stamp = run.now.tz_convert("UTC").strftime("%Y%m%dT%H%M%SZ")
    folder = publish_untouched(store.folder, stamp, rest, account)
    _journal(store, run, {"event": "planned", "plan": stamp, "rung": Rung.SHIFTED.value, "reason": account["reason"]})
    return Dispatched(Rung.SHIFTED, account, folder)


def _repeated(trace: Trace, now: pd.Timestamp) -> tuple[Trace, str]:
    """Return a plan, repeated where it has ended, and what to tell of that; its stocks are then not known.

    It is repeated by the day, so that its hours keep their time, or as often as it fits where it is shorter than a day.
    """
    timeline = trace.timeline
    if now < timeline.end:
        return trace, ""
    every = min(pd.Timedelta(days=1), timeline.end - timeline.index[0])
    times = (now - timeline.end) // every + 1
    later = Timeline(timeline.index + times * every, timeline.hours, timeline.weights)
    return replace(trace, timeline=later, stocks={}), f" until {timeline.end.isoformat()}, and repeated since then"


def publish_untouched(folder: Path, stamp: str, trace: Trace, account: dict[str, Any]) -> Path:
    """Write set-points and account alone: of a plant that cannot be read there is no reserve to tell."""
    import json

    from microgrid.dispatch.publishing import point_to, setpoints
    from microgrid.dispatch.store import write_whole

    new = folder / "plans" / stamp
    new.mkdir(parents=True, exist_ok=True)
    write_whole(new / "setpoints.csv", setpoints(trace).to_csv(index=False))
    write_whole(new / "plan.json", json.dumps(account, indent=2, ensure_ascii=False) + "\n")
    point_to(folder, new)
    return new


def _journal(store: Store, run: _Run, entry: dict[str, Any]) -> None:
    """Write to the journal; a journal that cannot be written stops nothing."""
    try:
        store.journal({"time": run.now.isoformat(), **entry, "notes": run.notes})
    except OSError:
        return


__all__ = ["Dispatched", "dispatch"]
