"""What all pictures share: style, fonts, the sheet with its header, the time axis and the legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from microgrid.carriers import CARRIERS
from microgrid.plots.numbers import amount, moment, steps_told, zone_told
from microgrid.plots.palette import ALARM, FAINT, INK, RULE
from microgrid.plots.view import View
from microgrid.results import Result

WIDTH, TOP, BOTTOM, LEFT, RIGHT = 9.0, 0.62, 0.62, 0.85, 1.75
DPI = 120
STYLE: dict[Any, Any] = {
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
    "lines.solid_joinstyle": "miter",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.6,
}
WIDE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "SimHei", "Noto Sans CJK JP",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


class Row(NamedTuple):
    """A row of a sheet: the gap above it and its own height, in inches."""

    gap: float
    height: float


class Sheet:
    """A figure cut into rows under a header that says what is shown, of which plan and when."""

    def __init__(
        self,
        view: View,
        title: str,
        rows: Sequence[Row],
        shown: View | None = None,
        left: float = LEFT,
        right: float = RIGHT,
    ) -> None:
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
    period = f"{moment(view.times[0])} to {moment(view.end)}, {steps_told(view.hours)}"
    told = f"{period}, local time {zone_told(view.times[0], view.end)}"
    figure.text(left, 1 - 0.37 / height, told, size=8.5, color=FAINT, va="top")
    if alarms:
        words = ", ".join(alarms)
        figure.text(1 - left, 1 - 0.12 / height, words, va="top", ha="right", size=9.5, weight="bold", color=ALARM)


def alarms_of(view: View) -> list[str]:
    """Return what must not be overlooked, wherever the picture is copied to."""
    unproved = not (view.manifest.get("outcome") or {}).get("proved")
    failed = not (view.manifest.get("audit") or {"passed": True}).get("passed")
    return ["NOT PROVED OPTIMAL"] * unproved + ["AUDIT FAILED"] * failed


class Thousands(Formatter):
    """Ticks with thousands separators, and just as many decimals as tell them apart."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return what stands at each tick."""
        step = min((abs(b - a) for a, b in pairwise(values)), default=1.0)
        decimals = next((d for d in range(6) if abs(round(step, d) - step) <= 1e-6 * step), 6)
        return [amount(value, decimals) for value in values]

    def __call__(self, value: float, pos: int | None = None) -> str:  # noqa: ARG002
        """Return what stands at one tick alone."""
        return amount(value, 2)


def number_axis(axes: Axes, which: str = "y", at_most: int = 5) -> None:
    """Give an axis round numbers with thousands separators."""
    axes.locator_params(axis=which, nbins=at_most)  # type: ignore[arg-type]
    (axes.yaxis if which == "y" else axes.xaxis).set_major_formatter(Thousands())


def legend(axes: Axes, entries: Sequence[tuple[Artist, str]]) -> None:
    """Put a legend to the right of the axes, in the order given."""
    if entries:
        handles, words = zip(*entries, strict=True)
        axes.legend(
            handles, words, loc="upper left", bbox_to_anchor=(1.015, 1.03),
            borderaxespad=0.0, handlelength=1.3, labelspacing=0.45,
        )  # fmt: skip


def heading(axes: Axes, text: str, note: str = "") -> None:
    """Put a heading above the axes at the left, with a fainter note behind it."""
    if not text:
        axes.set_title(note, loc="left", size=8.5, color=FAINT, weight="normal", pad=6)
        return
    title = axes.set_title(text, loc="left", size=9.5, weight="bold", pad=6)
    if note:
        axes.annotate(
            f"  {note}", (1, 0), xycoords=title, va="bottom", ha="left", size=8.5, color=FAINT, annotation_clip=False
        )
