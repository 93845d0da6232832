"""Traces: what every port, stock and state does along a horizon, as arrays, whether planned or carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microgrid.model import Model, Values
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
Rows = dict[str, dict[str, Array]]


@dataclass(frozen=True, eq=False)
class Trace:
    """What a plant does along `n` steps.

    Parameters
    ----------
    timeline
        The steps.
    flows
        By asset and port, the rate into the bus at each step, kW or kg/h, shape (n,).
    stocks
        By asset and stock, the level at each point, kWh or kg, shape (n + 1,).
    states
        By asset and state, the value at each step, shape (n,).
    ports
        By asset and port, the bus that it stands on.
    """

    timeline: Timeline
    flows: Rows
    stocks: Rows = field(default_factory=dict)
    states: Rows = field(default_factory=dict)
    ports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Model, values: Values) -> Trace:
        """Read a solved model."""
        operation, flows, stocks, states = model.operation, Rows(), Rows(), Rows()
        for asset, contribution in model.contributions.items():
            flows[asset] = {flow.port: values.along(flow.rate, operation.steps) for flow in contribution.flows}
            for name, state in contribution.states.items():
                if state.on != "months":
                    rows = stocks if state.on == "points" else states
                    along = values.along(state.variable.__getitem__, state.variable.index_set())
                    rows.setdefault(asset, {})[name] = along
        return cls(model.plant.timeline, flows, stocks, states, ports_of(model))

    def cut(self, first: int, last: int) -> Trace:
        """Return the steps from `first` up to, not including, `last`."""
        steps, points = slice(first, last), slice(first, last + 1)
        return Trace(
            part_of(self.timeline, first, last),
            _each(self.flows, lambda values: values[steps]),
            _each(self.stocks, lambda values: values[points]),
            _each(self.states, lambda values: values[steps]),
            self.ports,
        )

    @classmethod
    def joined(cls, traces: Iterable[Trace]) -> Trace:
        """Return traces that follow one another as one; a port that some lack did nothing there."""
        parts = list(traces)
        timeline = joined_timeline([part.timeline for part in parts])
        lengths = [len(part.timeline) for part in parts]
        flows = _stacked([part.flows for part in parts], lengths)
        states = _stacked([part.states for part in parts], lengths)
        inner = [_each(part.stocks, lambda values: values[:-1]) for part in parts]
        stocks = _stacked(inner, lengths)
        for asset, by_name in parts[-1].stocks.items():
            for name, values in by_name.items():
                stocks[asset][name] = np.append(stocks[asset][name], values[-1])
        ports = {asset: dict(names) for part in parts for asset, names in part.ports.items()}
        return cls(timeline, flows, stocks, states, ports)


def ports_of(model: Model) -> dict[str, dict[str, str]]:
    """Return, by asset and port, the bus that it stands on."""
    return {
        asset: {flow.port: flow.bus for flow in contribution.flows}
        for asset, contribution in model.contributions.items()
    }


def part_of(timeline: Timeline, first: int, last: int) -> Timeline:
    """Return the steps from `first` up to, not including, `last`."""
    steps = slice(first, last)
    return Timeline(timeline.index[steps], timeline.hours[steps], timeline.weights[steps])


def joined_timeline(timelines: list[Timeline]) -> Timeline:
    """Return timelines that follow one another as one."""
    index = timelines[0].index
    for other in timelines[1:]:
        index = index.append(other.index)  # type: ignore[assignment]
    hours = np.concatenate([timeline.hours for timeline in timelines])
    return Timeline(index, hours, np.concatenate([timeline.weights for timeline in timelines]))


def _each(rows: Mapping[str, Mapping[str, Array]], change: Any) -> Rows:
    return {asset: {name: change(values) for name, values in by_name.items()} for asset, by_name in rows.items()}


def _stacked(parts: list[Rows], lengths: list[int]) -> Rows:
    names = dict.fromkeys((asset, name) for part in parts for asset, by_name in part.items() for name in by_name)
    stacked: Rows = {}
    for asset, name in names:
        pieces = [part.get(asset, {}).get(name, np.zeros(length)) for part, length in zip(parts, lengths, strict=True)]
        stacked.setdefault(asset, {})[name] = np.concatenate(pieces)
    return stacked
