"""Pictures of many cases: a figure along an axis, a heat map over two, and what makes up the cost case by case."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from microgrid.comparing import Surface
from microgrid.plots.canvas import DPI, drawing
from microgrid.plots.palette import INK

CATEGORY_COLOURS = {
    "energy": "#9AA0A6", "demand": "#3C3F44", "capital": "#0E697B", "fixed": "#5B90C4", "operation": "#B5A678",
    "wear": "#24A33A", "start": "#894D29", "revenue": "#F0BC18", "carbon": "#5D3B8A", "unserved": "#D6006E",
}  # fmt: skip
_MOST_CURVES = 12
_MOST_BARS = 24


def save_curves(surface: Surface, path: Path) -> Path:
    """Draw a figure along an axis, a curve for each combination of the other axes."""
    with drawing():
        figure, axes = _sheet(5.2, surface.grid.shape[1] > 1)
        positions = _positions(axes, surface.grid.index, surface.along, surface.units)
        colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.88, min(surface.grid.shape[1], _MOST_CURVES)))
        names = list(surface.grid.columns)
        for column, colour in zip(names[:_MOST_CURVES], colours, strict=False):
            label = _curve(column, surface)
            axes.plot(positions, surface.grid[column].to_numpy(), color=colour, marker="o", ms=3.5, label=label)
        axes.set_ylabel(_with_unit(surface.figure, {surface.figure: surface.unit}))
        if len(names) > 1:
            title = "" if len(names) <= _MOST_CURVES else f"the first {_MOST_CURVES} of {len(names)} curves"
            axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title=title or None)
        axes.set_title(f"{surface.figure} along {surface.along}", loc="left", color=INK)
        figure.savefig(path)
    return path


def save_heat_map(surface: Surface, path: Path) -> Path:
    """Draw a figure over two axes; a case without a plan is left white."""
    values = surface.grid.to_numpy(dtype=float)
    with drawing():
        figure, axes = _sheet(5.2, False)
        axes.grid(visible=False)
        drawn = axes.imshow(values, aspect="auto", origin="lower", cmap="cividis")
        axes.set_xticks(range(values.shape[1]), [_value(v) for v in surface.grid.columns], rotation=30, ha="right")
        axes.set_yticks(range(values.shape[0]), [_value(v) for v in surface.grid.index])
        axes.set_xlabel(_with_unit(surface.across, surface.units))
        axes.set_ylabel(_with_unit(surface.along, surface.units))
        figure.colorbar(drawn, ax=axes, label=_with_unit(surface.figure, {surface.figure: surface.unit}))
        if values.size <= 100:
            _write_numbers(axes, values)
        axes.set_title(f"{surface.figure} over {surface.along} and {surface.across}", loc="left", color=INK)
        figure.savefig(path)
    return path


def save_costs(figures: pd.DataFrame, currency: str, path: Path) -> Path:
    """Draw what makes up the cost of each case, side by side; what is earned stands below zero."""
    parts = [name for name in figures.columns if name.startswith("cost.") and figures[name].abs().max() > 0]
    shown = figures.iloc[:_MOST_BARS]
    with drawing():
        figure, axes = _sheet(max(4.0, 0.32 * len(shown) + 2.0), True)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        above, below = np.zeros(len(shown)), np.zeros(len(shown))
        for name in parts:
            amounts = shown[name].fillna(0.0).to_numpy()
            left = np.where(amounts >= 0, above, below)
            category = name.removeprefix("cost.")
            axes.barh(range(len(shown)), amounts, left=left, label=category, color=CATEGORY_COLOURS.get(category))
            above, below = above + np.maximum(amounts, 0.0), below + np.minimum(amounts, 0.0)
        axes.plot(shown["cost"], range(len(shown)), "|", color=INK, ms=9, label="cost")
        axes.set_yticks(range(len(shown)), _without_family(shown.index))
        axes.invert_yaxis()
        axes.set_xlabel(currency)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
        more = f" (the first {_MOST_BARS} of {len(figures)} cases)" if len(figures) > _MOST_BARS else ""
        axes.set_title(f"What the cost is made of{more}", loc="left", color=INK)
        figure.savefig(path)
    return path


def _sheet(height: float, has_legend: bool) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9.0, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.margins(x=0.02 if has_legend else 0.04)
    return figure, axes


def _positions(axes: Axes, index: pd.Index, name: str, units: dict[str, str]) -> np.ndarray:
    axes.set_xlabel(_with_unit(name, units))
    if pd.api.types.is_numeric_dtype(index.dtype):
        return index.to_numpy(dtype=float)
    positions = np.arange(len(index), dtype=float)
    axes.set_xticks(positions, [str(value) for value in index], rotation=20 if len(index) > 4 else 0)
    return positions


def _without_family(names: pd.Index) -> list[str]:
    """Return the names of cases, without that of the family where they share one."""
    heads = {str(name).partition(": ")[0] for name in names}
    return [str(name).removeprefix(f"{next(iter(heads))}: ") if len(heads) == 1 else str(name) for name in names]


def _curve(column: object, surface: Surface) -> str:
    names = [str(name) for name in surface.grid.columns.names]
    values = column if isinstance(column, tuple) else (column,)
    if names == ["None"]:
        return str(column)
    named = zip(names, values, strict=True)
    return ", ".join(f"{name} {_value(value)} {surface.units.get(name, '')}".rstrip() for name, value in named)


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _with_unit(name: str, units: dict[str, str]) -> str:
    return f"{name} [{units[name]}]" if units.get(name) else name


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _write_numbers(axes: Axes, values: np.ndarray) -> None:
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "black" if value > middle else "white"
            axes.text(column, row, _short(value), ha="center", va="center", color=colour, fontsize=7.5)
