"""Windows: a stretch of a longer time as a plant of its own, at steps that may grow with the distance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel

from microgrid.copies import copied
from microgrid.errors import InputError, Problem
from microgrid.plant import Plant
from microgrid.series import Series
from microgrid.tariffs.prices import Price
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from microgrid.units import UnitError, quantity

_SPAN = re.compile(r"\s*([\d.]+\s*[a-z]+)\s*(?:/|at)\s*([\d.]+\s*[a-z]+)\s*", re.IGNORECASE)
WANTED = 'lengths and steps, such as "24 h/15 min, 12 h/1 h"'


@dataclass(frozen=True)
class Look:
    """How far a window looks ahead: pairs of length and step, in hours, one after the other."""

    spans: tuple[tuple[float, float], ...]

    @classmethod
    def read(cls, text: str, where: str = "--window") -> Look:
        """Read a text such as ``24 h/15 min, 12 h/1 h``.

        Raises
        ------
        InputError
            If it is no such text, or a step does not divide its length.
        """
        spans = []
        for part in text.split(","):
            match = _SPAN.fullmatch(part)
            if match is None:
                raise InputError([Problem(where, f'"{text}"', WANTED)])
            length, step = (hours_of(piece, where) for piece in match.groups())
            if step <= 0 or length <= 0 or abs(length / step - round(length / step)) > 1e-9:
                raise InputError([Problem(where, f'"{part.strip()}"', "a step that divides its length")])
            spans.append((length, step))
        return cls(tuple(spans))

    @property
    def hours(self) -> float:
        """Length of the window in hours."""
        return sum(length for length, _ in self.spans)


def hours_of(text: str, where: str) -> float:
    """Return a length of time in hours.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return quantity(text, "h")
    except UnitError:
        raise InputError([Problem(where, f'"{text}"', "a length of time, such as 24 h or 15 min")]) from None


def groups(timeline: Timeline, first: int, look: Look) -> NDArray[np.int64]:
    """Return where each step of a window begins among the steps of a longer timeline, and where the last one ends.

    A span of longer steps begins at a full step of the local clock, so that its steps fill whole metering windows: the
    span before it grows by what lacks. The window ends with the timeline, if that is sooner.

    Parameters
    ----------
    timeline
        Equal steps.
    first
        The step at which the window begins.
    """
    hours = float(timeline.hours[0])
    edges, at, total = [first], first, len(timeline)
    for number, (length, step) in enumerate(look.spans):
        wide = max(1, round(step / hours))
        while number and at < total and not _opens(timeline.index[at], step):
            at += max(1, round(look.spans[number - 1][1] / hours))
            edges.append(at)
        for _ in range(round(length / (wide * hours))):
            at += wide
            edges.append(at)
    return np.array(sorted({min(edge, total) for edge in edges}), dtype=np.int64)


def _opens(time: pd.Timestamp, step: float) -> bool:
    wall = time.tz_localize(None)
    return bool(wall == wall.floor(pd.Timedelta(hours=step))) if step <= 24 else True


def place_of(times: pd.DatetimeIndex, time: pd.Timestamp) -> int:
    """Return the first of ascending times that is not before a time; their number where there is none."""
    return int(np.searchsorted(times.as_unit("ns").asi8, time.as_unit("ns").value))


def merged(timeline: Timeline, edges: NDArray[np.int64]) -> Timeline:
    """Return the timeline whose steps begin at `edges` of a longer one."""
    hours = np.diff(timeline.elapsed[edges])
    return Timeline(timeline.index[edges[:-1]], hours, np.ones(len(hours)))


def window(plant: Plant, edges: NDArray[np.int64]) -> Plant:
    """Return the stretch of a plant between `edges` as a plant of its own; series take the mean over each step.

    Of the limits of the day the tightest within a step holds for all of it.
    """
    timeline = merged(plant.timeline, edges)
    fine, hours = plant.timeline.hours, timeline.hours
    first, last, starts = int(edges[0]), int(edges[-1]), edges[:-1] - edges[0]
    is_same = len(timeline) == last - first

    def taken(series: Series) -> Series:
        numbers = series.values  # noqa: PD011  a field, not pandas
        if not numbers.ndim:
            return series
        part = numbers[first:last]
        if not is_same:
            part = np.add.reduceat(part * fine[first:last], starts) / hours
        return replace(series, values=part)

    assets = {name: with_series(asset, taken) for name, asset in plant.assets.items()}
    limits = {
        name: {port: (np.maximum.reduceat(low[first:last], starts), np.minimum.reduceat(high[first:last], starts))
               for port, (low, high) in by_port.items()}
        for name, by_port in plant.flow_limits.items()
    }  # fmt: skip
    return replace(plant, timeline=timeline, assets=assets, flow_limits=limits)


def with_series(asset: Technology, change: Callable[[Series], Series]) -> Technology:
    """Return an asset with each of its series changed, those of its parts included."""
    changed: Technology = _with_series(asset, change)
    return changed


def _with_series(model: BaseModel, change: Callable[[Series], Series]) -> Any:
    changes: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        new = _changed(value, change)
        if new is not value:
            changes[name] = new
    return copied(model, changes) if changes else model


def _changed(value: Any, change: Callable[[Series], Series]) -> Any:
    """Return what a field holds with its series changed: in parts, lists of parts and mappings of parts alike."""
    if isinstance(value, Series):
        return change(value)
    if isinstance(value, Price):
        return value if value.series is None else replace(value, series=change(value.series))
    if isinstance(value, BaseModel):
        return _with_series(value, change)
    if isinstance(value, tuple | list) and any(isinstance(part, BaseModel | Series | Price) for part in value):
        return type(value)(_changed(part, change) for part in value)
    if isinstance(value, Mapping) and any(isinstance(part, BaseModel | Series | Price) for part in value.values()):
        return {key: _changed(part, change) for key, part in value.items()}
    return value
