"""The whole of a long horizon: each bus by day, week or month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from microgrid.plots.canvas import Row, Sheet, bus_labels, drawn, heading, legend
from microgrid.plots.clock import time_axis
from microgrid.plots.numbers import stock_unit
from microgrid.plots.stack import draw_bus, extent
from microgrid.plots.tracks import Array
from microgrid.plots.view import View
from microgrid.plots.weeks import LONGEST
from microgrid.results import Result


@drawn
def energy(result: Result) -> Figure | None:
    """Draw what each bus is supplied with and supplies on an average day of each day, week or month.

    Averages, so that a week cut off by the horizon's end stands as high as a whole one.
    """
    view = View.of(result)
    if view.days <= LONGEST or not view.buses:
        return None
    word, pieces = averaged(view)
    sheet = Sheet(view, f"Energy by {word}", [Row(0.30 if row == 0 else 0.72, 2.3) for row in range(len(view.buses))])
    for row, bus in enumerate(view.buses):
        axes = sheet.axes(row)
        time_axis(axes, view.times[0], view.end, most=13)
        unit = stock_unit(view.buses[bus][0].unit)
        legend(axes, draw_bus(axes, pieces, view, bus, extent(pieces, bus), f"{unit}/day", 24.0))
        heading(axes, bus_labels(view)[bus], "each day" if word == "day" else f"mean day of each {word}")
    return sheet.figure


def averaged(view: View) -> tuple[str, View]:
    """Return days, weeks or months, whichever gives a readable number of pieces, as steps of a coarser view."""
    word, starts = pieces_of(view)
    return word, _pieces(view, starts)


def pieces_of(view: View) -> tuple[str, NDArray[np.intp]]:
    """Return the first step of each day, week or month."""
    wall = view.times.tz_localize(None)
    if view.days <= 70:
        word, labels = "day", wall.floor("D").asi8
    elif view.days <= 800:
        word, labels = "week", wall.to_period("W-SUN").asi8
    else:
        word, labels = "month", wall.to_period("M").asi8
    return word, np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))


def _pieces(view: View, starts: NDArray[np.intp]) -> View:
    hours = np.add.reduceat(view.weighted_hours, starts)
    safe = np.where(hours > 0, hours, 1.0)

    def mean(values: Array) -> Array:
        return np.asarray(np.add.reduceat(values * view.weighted_hours, starts) / safe)

    flows = tuple(replace(flow, along=mean(flow.along)) for flow in view.flows)
    ends = np.append(view.times[starts[1:]], pd.DatetimeIndex([view.end])) if len(starts) > 1 else [view.end]
    lengths = (pd.DatetimeIndex(ends) - view.times[starts]) / pd.Timedelta(hours=1)
    return replace(
        view,
        times=view.times[starts],
        hours=np.asarray(lengths, dtype=float),
        weights=np.ones(len(starts)),
        flows=flows,
    )
