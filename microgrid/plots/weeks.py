"""Which parts of a long horizon are worth seeing step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.plots.tracks import SMALL, Array
from microgrid.plots.view import View

LONGEST = 10.5
"""Days beyond which single steps are shown for two weeks only."""
FINEST = 3000
"""Steps beyond which neighbours are averaged."""


class Window(NamedTuple):
    """A part of the horizon that is shown, and why."""

    view: View
    title: str


def weeks(view: View) -> list[Window]:
    """Return the seven days of the highest import, and the seven days with the least net import.

    Where several weeks reach the same highest import, as under a limit, the one that imports most stands for them.
    Without a grid, the load on electricity stands for the import; without that, all supply.
    """
    measure, word = _stressed(view)
    starts = day_starts(view.times)
    days = min(7, len(starts))  # steps may be longer than days
    energy = np.convolve(np.add.reduceat(measure * view.hours, starts), np.ones(days), mode="valid")
    peaks = np.lib.stride_tricks.sliding_window_view(np.maximum.reduceat(measure, starts), days).max(axis=1)
    hardest = int(np.argmax(np.where(peaks >= 0.999 * peaks.max(), energy, -np.inf)))
    titles = (f"week of the highest {word}", f"week of the least {'net ' if word == 'import' else ''}{word}")
    firsts = (hardest, int(np.argmin(energy)))
    return [_week(view, starts, first, title) for first, title in zip(firsts, titles, strict=True)]


def _stressed(view: View) -> tuple[Array, str]:
    for measure, word in ((view.grid("import") - view.grid("export"), "import"), (view.load(view.electric()), "load")):
        if np.abs(measure).max() > SMALL:
            return measure, word
    return np.asarray(np.sum([np.maximum(flow.along, 0.0) for flow in view.flows], axis=0)), "supply"


def day_starts(times: pd.DatetimeIndex) -> NDArray[np.intp]:
    """Return the first step of each local day, by the date on the wall: some days have no midnight."""
    dates = times.tz_localize(None).floor("D")
    return np.flatnonzero(np.concatenate([[True], dates[1:] != dates[:-1]]))


def _week(view: View, starts: NDArray[np.intp], first: int, title: str) -> Window:
    last = int(starts[first + 7]) if first + 7 < len(starts) else len(view.times)
    return Window(view.cut(int(starts[first]), last).binned(FINEST), title)
