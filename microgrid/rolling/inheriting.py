"""What a window hands to the next: the fields of each asset that tell what was before the horizon.

A state is inherited by the field that `State.inherits` names, within the asset or one of its parts; how long a unit has
been on or off, and which starts are not over yet, follow from the states themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import BaseModel

from microgrid.copies import copied
from microgrid.model import Model
from microgrid.plant import Plant
from microgrid.rolling.traces import Trace
from microgrid.technologies.base import State, Technology

Before = dict[str, dict[str, Any]]
"""By asset, the value of each inherited field by its path, such as ``commitment.on_before``."""

_STACK_MOVES = {"cold_start": "cold_starts", "warm_start": "warm_starts"}
_ENDLESS = 1e6
# A stock of which nothing is known is taken to be half full.
_HALF = 0.5


def before(plant: Plant) -> Before:
    """Return what the plant itself says of the time before its horizon."""
    told: Before = {}
    for name, asset in plant.assets.items():
        paths = [path for path, _ in _history(asset)]
        told[name] = {path: _plain(_get(asset, path)) for path in paths}
    return {name: fields for name, fields in told.items() if fields}


def with_before(plant: Plant, told: Before, ends: Mapping[str, Mapping[str, float]] | None = None) -> Plant:
    """Return the plant as it stands after what `told` tells of.

    Parameters
    ----------
    plant
        A window.
    told
        What was before.
    ends
        By asset and field, the share of capacity that a stock must hold at the end; others may end as they like.
    """
    assets = {
        name: _asset_with(asset, told.get(name, {}), (ends or {}).get(name, {})) for name, asset in plant.assets.items()
    }
    return replace(plant, assets=assets)


def with_fields(plant: Plant, fields: Before) -> Plant:
    """Return the plant with the values of some fields, by asset and path."""
    assets = dict(plant.assets)
    for name, changes in fields.items():
        for path, value in changes.items():
            assets[name] = _put(assets[name], path, _typed(path, value))
    return replace(plant, assets=assets)


def ends_of(plant: Plant) -> dict[str, dict[str, float]]:
    """Return how a plant's stocks must end: as its fields say, or as they begin; nothing of those that are free."""
    found: dict[str, dict[str, float]] = {}
    for name, asset in plant.assets.items():
        for first, last in (("initial_charge", "final_charge"), ("initial_fill", "final_fill")):
            if last in type(asset).model_fields:
                share = getattr(asset, last) if getattr(asset, last) is not None else getattr(asset, first)
                if share is not None:
                    found[name] = {last: float(share)}
    return found


def levels_of(plant: Plant, told: Before) -> dict[str, dict[str, float]]:
    """Return what each stock holds after what `told` tells of, kWh or kg."""
    found: dict[str, dict[str, float]] = {}
    for name, asset in plant.assets.items():
        for field, size in (("initial_charge", "energy"), ("initial_fill", "energy"), ("initial_fill", "capacity")):
            if field in type(asset).model_fields and size in asset.capacities():
                share = told.get(name, {}).get(field, getattr(asset, field))
                found[name] = {"stored": (_HALF if share is None else float(share)) * asset.capacities()[size].high}
    return found


def after(model: Model, trace: Trace, told: Before) -> Before:
    """Return what is to be told after a trace of which `told` told what was before.

    Parameters
    ----------
    model
        Any model of the plant: it knows which field inherits which state.
    trace
        What was carried out.
    """
    new: Before = {}
    for name, asset in model.plant.assets.items():
        fields = dict(told.get(name, {}))
        for state_name, state in model.contributions[name].states.items():
            told_of = trace.stocks if state.on == "points" else trace.states
            if state.inherits and state.on != "months" and state_name in told_of.get(name, {}):
                path = path_of(asset, state.inherits)
                fields[path] = _inherited(asset, state, state_name, trace, name)
        fields |= _lasting(asset, trace, name, fields)
        fields |= _used(trace, name, fields)
        if fields:
            new[name] = fields
    return new


def path_of(asset: BaseModel, field: str) -> str:
    """Return the path of a field within an asset or one of its parts.

    Raises
    ------
    KeyError
        If it has none of that name.
    """
    for path in _paths(asset):
        if path.rpartition(".")[2] == field:
            return path
    raise KeyError(field)


def _paths(model: BaseModel, start: str = "") -> Iterator[str]:
    """Give the path of each field, those of an asset itself before those of its parts."""
    parts = []
    for name in type(model).model_fields:
        yield start + name
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            parts.append((value, f"{start}{name}."))
    for part, path in parts:
        yield from _paths(part, path)


_FIELDS = (
    "initial_charge", "initial_fill", "on_before", "standby_before", "hours_before", "output_before", "power_before",
    "moves_before", "peak_so_far", "maximum_hours", "maximum_starts", "start_before", "past",
)  # fmt: skip


def _history(asset: Technology) -> Iterator[tuple[str, Any]]:
    for path in _paths(asset):
        if path.rpartition(".")[2] in _FIELDS:
            yield path, _get(asset, path)


def _get(model: Any, path: str) -> Any:
    for key in path.split("."):
        model = getattr(model, key)
    return model


def _put(model: Any, path: str, value: Any) -> Any:
    key, _, rest = path.partition(".")
    return copied(model, {key: _put(getattr(model, key), rest, value) if rest else value})


def _asset_with(asset: Technology, fields: Mapping[str, Any], ends: Mapping[str, float]) -> Technology:
    """Return an asset with inherited fields; it need not end as it began, nor at a level but those of `ends`."""
    free = {"final_charge": None, "final_fill": None, "cyclic": False}
    changes = {name: ends.get(name, value) for name, value in free.items() if name in type(asset).model_fields}
    for name in ("initial_charge", "initial_fill"):
        if name in type(asset).model_fields and fields.get(name, getattr(asset, name)) is None:
            changes[name] = _HALF
    for path, value in fields.items():
        key, _, rest = path.partition(".")
        if value is None and key in ("initial_charge", "initial_fill"):
            continue
        part = changes.get(key, getattr(asset, key))
        changes[key] = _put(part, rest, value) if rest else _typed(key, value)
    new: Technology = copied(asset, changes) if changes else asset
    return new


def _typed(key: str, value: Any) -> Any:
    """Return a plain value as the field wants it: moves of stacks and a bill's past are objects of their own."""
    if key == "past":
        from microgrid.tariffs.past import Past

        return Past.model_validate(value)
    if key == "moves_before":
        from microgrid.technologies.stacks import MoveBefore

        return tuple(MoveBefore(**move) for move in value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [part.model_dump() for part in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return value


def _inherited(asset: Technology, state: State, state_name: str, trace: Trace, name: str) -> Any:
    if state.on == "points":
        level = float(trace.stocks[name][state_name][-1])
        size = getattr(asset, state.share_of).amount
        return min(max(level / size, 0.0), 1.0) if size > 0 else 0.0
    value = float(trace.states[name][state_name][-1])
    kind = type(_get(asset, path_of(asset, state.inherits)))
    if kind in (bool, int):
        return kind(round(value))
    return max(value, 0.0)


def _lasting(asset: Technology, trace: Trace, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return for how long units have been as they are: stack by stack, or for the one unit that there is."""
    states = trace.states.get(name, {})
    if "on" not in states:
        return {}
    hours = trace.timeline.hours
    if "moves_before" in type(asset).model_fields:
        return {"moves_before": _moves(states, hours, fields.get("moves_before") or []), "hours_before": None}
    path = path_of(asset, "hours_before")
    on = np.round(states["on"])
    changes = np.flatnonzero(np.diff(on)) + 1
    if len(changes):
        return {path: float(hours[changes[-1] :].sum())}
    since = fields.get(path)
    was_on = bool(states["starts"][0] > 0.5 or states["stops"][0] > 0.5) if len(on) else False
    if was_on:
        return {path: float(hours.sum())}
    return {path: None if since is None else min(float(since) + float(hours.sum()), _ENDLESS)}


def _moves(states: Mapping[str, Any], hours: Any, earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the moves of stacks that may still tell: those of the last day."""
    length = float(hours.sum())
    ago = length - np.concatenate([[0.0], np.cumsum(hours)[:-1]])
    found = [{**move, "hours": float(move["hours"]) + length} for move in earlier]
    for move, state in (("cold_start", "cold_starts"), ("warm_start", "warm_starts"), ("stop", "gone_off")):
        counts = _gone_off(states) if state == "gone_off" else states.get(state, np.zeros(len(hours)))
        found += [
            {"move": move, "hours": float(ago[t]), "stacks": round(float(counts[t]))}
            for t in np.flatnonzero(np.asarray(counts) > 0.5)
        ]
    return _standing([move for move in found if move["hours"] <= 24.0], round(float(states["on"][-1])))


def _gone_off(states: Mapping[str, Any]) -> Any:
    """Return how many stacks went off: from on where there is no standby, from on or standby where there is."""
    stops = np.asarray(states["stops"], dtype=float)
    return stops + np.asarray(states["cools"]) if "cools" in states else stops


def _standing(moves: list[dict[str, Any]], on: int) -> list[dict[str, Any]]:
    """Keep the latest starts of those stacks that are still on, and every stop."""
    kept, left = [], on
    for move in sorted(moves, key=lambda move: float(move["hours"])):
        if move["move"] == "stop":
            kept.append(move)
        elif left > 0:
            kept.append({**move, "stacks": min(left, int(move["stacks"]))})
            left -= int(kept[-1]["stacks"])
    return kept


def _used(trace: Trace, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left of hours and starts that a horizon may have in all."""
    states, left = trace.states.get(name, {}), {}
    for field, state, lengths in (
        ("maximum_hours", "on", trace.timeline.hours),
        ("maximum_starts", "starts", np.ones(len(trace.timeline))),
    ):
        path = next((path for path in fields if path.rpartition(".")[2] == field), "")
        if path and fields[path] is not None and state in states:
            rest = max(0.0, float(fields[path]) - float((np.round(states[state]) * lengths).sum()))
            left[path] = round(rest) if field == "maximum_starts" else rest
    return left
