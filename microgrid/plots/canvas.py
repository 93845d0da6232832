"""What all pictures share: style, fonts, the sheet with its header, the time axis and the legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from microgrid.carriers import CARRIERS
from microgrid.plots.numbers import MONTHS, WEEKDAYS, amount, decimals_for, moment, steps_told, zone_told
from microgrid.plots.palette import ALARM, FAINT, INK, RULE
from microgrid.plots.view import Array, View
from microgrid.results import Result

WIDTH, TOP, BOTTOM, LEFT, RIGHT = 9.0, 0.62, 0.62, 0.85, 1.75
DPI = 120
STYLE = {
    "text.usetex": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.0,
    "axes.unicode_minus": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "font.size": 9.0,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.6,
}
WIDE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "SimHei", "Noto Sans CJK JP", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


class Row(NamedTuple):
    """A row of a sheet: the gap above it and its own height, in inches."""

    gap: float
    height: float


class Sheet:
    """A figure cut into rows under a header that says what is shown, of which plan and when."""

    def __init__(self, view: View, title: str, rows: Sequence[Row], shown: View | None = None, left: float = LEFT, right: float = RIGHT) -> None:
        self.height = TOP + sum(row.gap + row.height for row in rows) + BOTTOM
        self.figure = Figure(figsize=(WIDTH, self.height), dpi=DPI)
        FigureCanvasAgg(self.figure)
        self.rows, self.left, self.right = rows, left, right
        _header(self.figure, shown or view, title, self.height)

    def axes(self, row: int, column: int = 0, columns: int = 1, gap: float = 0.3, **more: Any) -> Axes:
        """Add axes in a row, of which it may fill one of several equal columns."""
        return self.span(row, column / columns, (column + 1) / columns, gap if columns > 1 else 0.0, **more)

    def span(self, row: int, begin: float, end: float, gap: float = 0.0, **more: Any) -> Axes:
        """Add axes in a row, from one share of its width to another."""
        width = WIDTH - self.left - self.right + gap
        left = self.left + begin * width
        bottom = self.height - TOP - sum(r.gap + r.height for r in self.rows[: row + 1])
        inches = (left, bottom, (end - begin) * width - gap, self.rows[row].height)
        whole = (WIDTH, self.height, WIDTH, self.height)
        share = [inch / of for inch, of in zip(inches, whole, strict=True)]
        return self.figure.add_axes((share[0], share[1], share[2], share[3]), **more)


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the house's style, whatever style the caller's matplotlib has."""
    with mpl.rc_context(STYLE | {"font.family": list(families())}):
        yield


def drawn(make: Callable[[Result], Figure | None]) -> Callable[[Result], Figure | None]:
    """Make a picture in the house's style."""

    @wraps(make)
    def styled(result: Result) -> Figure | None:
        with drawing():
            return make(result)

    return styled


@cache
def families() -> tuple[str, ...]:
    """Return the fonts: the one that matplotlib brings, then one for Chinese and its neighbours if installed."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ("DejaVu Sans", *[name for name in WIDE_FONTS if name in installed][:1])


@cache
def _glyphs() -> frozenset[int]:
    paths = [font_manager.findfont(name, fallback_to_default=False) for name in families()]
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())


def legible(text: str) -> bool:
    """Tell whether the fonts have every character of a text."""
    return all(character.isprintable() and ord(character) in _glyphs() for character in text)


def clean(text: str, longest: int = 26) -> str:
    """Return a text that is safe to draw: short, without mathematics, and not hidden from legends."""
    cut = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    escaped = cut.replace("\\", "∖").replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def labels(names: Mapping[str, str]) -> dict[str, str]:
    """Return how each name is drawn: as it is where the fonts allow, else by what it names, with a number."""
    count: dict[str, int] = {}
    found = {}
    for name, kind in names.items():
        if name.strip() and legible(name):
            found[name] = clean(name)
        else:
            word = kind.replace("_", " ") if legible(kind) else "asset"
            count[word] = count.get(word, 0) + 1
            found[name] = f"{word} {count[word]}"
    return found


def asset_labels(view: View) -> dict[str, str]:
    """Return how each asset is drawn."""
    return labels(view.kinds)


def bus_labels(view: View) -> dict[str, str]:
    """Return how each bus is drawn."""
    found = labels({bus: f"{flows[0].carrier} bus" for bus, flows in view.buses.items()})
    return {bus: label.replace("_", " ").capitalize() if bus in CARRIERS else label for bus, label in found.items()}


def money(view: View) -> str:
    """Return the currency as it is drawn."""
    return clean(view.currency) if legible(view.currency) else "currency"


def _header(figure: Figure, view: View, title: str, height: float) -> None:
    left, name = 0.16 / WIDTH, view.name
    alarms = alarms_of(view)
    shown = f": {clean(name, 42 if alarms else 62)}" if name.strip() and legible(name) else ""
    figure.text(left, 1 - 0.12 / height, f"{title}{shown}", size=12.5, weight="bold", va="top")
    told = f"{moment(view.times[0])} to {moment(view.end)}, {steps_told(view.hours)}, local time {zone_told(view.times[0], view.end)}"
    figure.text(left, 1 - 0.37 / height, told, size=8.5, color=FAINT, va="top")
    if alarms:
        figure.text(1 - left, 1 - 0.12 / height, ", ".join(alarms), size=9.5, weight="bold", color=ALARM, va="top", ha="right")


def alarms_of(view: View) -> list[str]:
    """Return what must not be overlooked, wherever the picture is copied to."""
    unproved = not (view.manifest.get("outcome") or {}).get("proved")
    failed = not (view.manifest.get("audit") or {"passed": True}).get("passed")
    return ["NOT PROVED OPTIMAL"] * unproved + ["AUDIT FAILED"] * failed


def days_of(times: pd.DatetimeIndex) -> Array:
    """Return times as days since 1970 in universal time, so that no hour is lost when the clocks change."""
    return np.asarray((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1), dtype=float)


def step_edges(view: View) -> Array:
    """Return both edges of every step, as `twice` returns both values."""
    left = days_of(view.times)
    return np.column_stack([left, left + view.hours / 24.0]).ravel()


def point_days(view: View) -> Array:
    """Return the points as days."""
    left = days_of(view.times)
    return np.append(left, left[-1] + view.hours[-1] / 24.0)


def twice(values: Array) -> Array:
    """Return each value at both edges of its step, so that lines and areas hold over the step."""
    return np.repeat(values, 2)


FREQUENCIES = (
    ("1min", 1 / 60), ("5min", 1 / 12), ("15min", 0.25), ("30min", 0.5), ("1h", 1.0), ("2h", 2.0), ("3h", 3.0), ("6h", 6.0), ("12h", 12.0),
    ("1D", 24.0), ("W-MON", 168.0), ("MS", 730.0), ("QS", 2190.0), ("YS", 8766.0), ("5YS", 43830.0),
)  # fmt: skip


def time_axis(axes: Axes, start: pd.Timestamp, end: pd.Timestamp, most: int = 9, told: bool = True) -> None:
    """Give an axis the period as limits and ticks at full hours, days, weeks or months of the local clock."""
    span = (end - start) / pd.Timedelta(hours=1)
    frequency = next((name for name, hours in FREQUENCIES if span / hours <= most), FREQUENCIES[-1][0])
    ticks = _ticks(start, end, frequency)
    first, last = days_of(pd.DatetimeIndex([start, end]))
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(FixedLocator(days_of(ticks).tolist()))
    words = _tick_words(ticks, frequency) if told else [""] * len(ticks)
    if len(ticks) > 2 and ticks[-1] == end and "h" not in frequency and "min" not in frequency:
        words[-1] = ""
    if any("\n" in word for word in words):
        words = [word if "\n" in word else f"{word}\n" for word in words]
    axes.set_xticks(days_of(ticks).tolist(), words)


def _ticks(start: pd.Timestamp, end: pd.Timestamp, frequency: str) -> pd.DatetimeIndex:
    opens, closes = start.tz_localize(None), end.tz_localize(None)
    wall = pd.date_range(opens.floor("D"), closes, freq=frequency)
    local = wall.tz_localize(start.tz, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    inside = local[(local >= start) & (local <= end)].unique()
    return inside if len(inside) > 1 else pd.DatetimeIndex([start, end])


def _tick_words(ticks: pd.DatetimeIndex, frequency: str) -> list[str]:
    words = []
    for position, tick in enumerate(ticks):
        fresh = position == 0 or tick.year != ticks[position - 1].year
        date = f"{tick.day} {MONTHS[tick.month - 1]}"
        if frequency.endswith(("min", "h")):
            begins = position == 0 or tick.normalize() != ticks[position - 1].normalize()
            words.append(f"{tick.hour:02d}:{tick.minute:02d}" + (f"\n{WEEKDAYS[tick.weekday()]} {date}" if begins else ""))
        elif frequency == "1D":
            words.append(f"{WEEKDAYS[tick.weekday()]}\n{date}")
        elif frequency.endswith("YS"):
            words.append(str(tick.year))
        else:
            word = date if frequency == "W-MON" else MONTHS[tick.month - 1]
            words.append(word + (f"\n{tick.year}" if fresh else ""))
    return words


def number_axis(axes: Axes, which: str = "y", at_most: int = 5) -> None:
    """Give an axis round numbers with thousands separators."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axes.locator_params(axis=which, nbins=at_most)  # type: ignore[arg-type]

    def told(value: float, _position: int | None) -> str:
        low, high = axis.get_view_interval()
        return amount(value, max(decimals_for(abs(high - low)) - 1, 0))

    axis.set_major_formatter(FuncFormatter(told))


def legend(axes: Axes, entries: Sequence[tuple[Artist, str]]) -> None:
    """Put a legend to the right of the axes, in the order given."""
    if entries:
        handles, words = zip(*entries, strict=True)
        axes.legend(
            handles, words, loc="upper left", bbox_to_anchor=(1.015, 1.03), borderaxespad=0.0, handlelength=1.3, labelspacing=0.45
        )


def heading(axes: Axes, text: str, note: str = "") -> None:
    """Put a heading above the axes at the left, with a fainter note behind it."""
    title = axes.set_title(text, loc="left", size=9.5, weight="bold", pad=6)
    if note:
        axes.annotate(
            f"  {note}", (1, 0), xycoords=title, va="bottom", ha="left", size=8.5, color=FAINT, annotation_clip=False
        )
