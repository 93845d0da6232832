"""Cases side by side: the figures that differ and matter, and one figure along one axis or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from microgrid.errors import InputError, Problem
from microgrid.faults import did_you_mean, shown
from microgrid.runs import Runs

MATTERS = ("cost", "emissions", "size.", "share.")
"""How figures begin that are compared unless others are asked for: money, carbon, sizes, energy shares."""
_MONEY = ("cost", "objective", "bound")
_SMALL = 1e-6


def differences(runs: Runs, figures: Sequence[str] = (), baseline: str = "") -> pd.DataFrame:
    """Return the figures that differ, one row a figure and one column a case; cases without a plan are left out.

    Parameters
    ----------
    figures
        The figures wanted, or how their names begin; by default money, carbon, sizes and energy shares.
    baseline
        A case: the others are told by what they have more than it.

    Raises
    ------
    InputError
        If there is nothing to compare, no such figure or case, or there is money of several currencies.
    """
    frame = _wanted(runs, figures)
    spread = frame.max() - frame.min()
    differ = frame.loc[:, figures_that_differ(frame)] if not figures else frame
    if len(frame) > 1 and not len(differ.columns) and spread.size:
        differ = frame[["cost"]]
    if baseline:
        name = runs.store.record(baseline)["name"]
        if name not in differ.index:
            raise InputError([Problem("--baseline", shown(baseline), "one of the cases that are compared")])
        rest = differ.drop(index=name) - differ.loc[name]
        differ = pd.concat([differ.loc[[name]], rest])
    families = {str(runs.records[name]["family"]) for name in differ.index}
    if len(families) == 1:
        differ = differ.rename(index=lambda name: str(name).removeprefix(f"{next(iter(families))}: "))
    return differ.T


def figures_that_differ(frame: pd.DataFrame) -> list[str]:
    """Return the columns that are not the same in every row."""
    scale = frame.abs().max().clip(lower=1.0)
    apart = (frame.max() - frame.min()) > _SMALL * scale
    partly = frame.isna().any() & frame.notna().any()
    return [str(name) for name in frame.columns[apart | partly]]


@dataclass(frozen=True)
class Surface:
    """One figure along one axis, or two.

    Parameters
    ----------
    grid
        One row a value of `along`, one column a curve; or, with two axes alone, a value of `across`.
    units
        Of the axes, by name.
    unit
        Of the figure.
    """

    figure: str
    along: str
    across: str
    grid: pd.DataFrame
    units: dict[str, str]
    unit: str


def surface(runs: Runs, figure: str = "cost", along: str = "", across: str = "") -> Surface:
    """Return a figure along an axis; what else changes makes curves of their own.

    Parameters
    ----------
    along
        The axis; by default the one with the most values.
    across
        A second axis, for a heat map.

    Raises
    ------
    InputError
        If there is no such axis or figure, or several cases have one place.
    """
    axes = runs.axes.dropna(axis="columns", how="all")
    axes = axes.loc[:, [name for name in axes.columns if len(axes[name].dropna().unique()) > 1]]
    if axes.empty:
        raise InputError([Problem("--axis", "no axis", "cases of a sweep along which something changes")])
    along = _axis(along or str(axes.nunique().idxmax()), axes)
    frame = _wanted(runs, [figure])
    if figure not in frame.columns:
        raise _no_figure(figure, runs)
    others = [str(name) for name in axes.columns if name not in (along, across)]
    if across:
        _axis(across, axes)
        if others:
            cure = "choose cases so that nothing else changes"
            raise InputError([Problem("--across", f"{', '.join(others)} changes too", "two axes that change", cure)])
    joined = axes.join(frame[figure], how="inner")
    columns = [across] if across else others
    if columns:
        values = joined.pivot_table(figure, along, columns, aggfunc="first", observed=True, sort=True)
        if joined.duplicated([along, *columns]).any():
            raise InputError([Problem("--axis", "several cases at one place", "one case at each", "choose a family")])
    else:
        values = joined.set_index(along)[[figure]].sort_index()
    return Surface(figure, along, across, values, runs.axes.attrs["units"], runs.units.get(figure, ""))


def _axis(name: str, axes: pd.DataFrame) -> str:
    if name not in axes.columns:
        wanted = f"an axis along which the cases differ: {', '.join(axes.columns)}"
        raise InputError([Problem("--axis", shown(name), wanted, did_you_mean(name, axes.columns))])
    return name


def _wanted(runs: Runs, figures: Sequence[str]) -> pd.DataFrame:
    frame = runs.figures
    if frame.empty:
        raise InputError([Problem("compare", "no case with a plan", "at least one", "`microgrid ls` tells why")])
    if not figures:
        return _in_one_currency(frame.loc[:, [n for n in frame.columns if str(n).startswith(MATTERS)]], runs)
    chosen = [c for figure in figures for c in frame.columns if c == figure or str(c).startswith(f"{figure}.")]
    for figure in figures:
        if not any(c == figure or str(c).startswith(f"{figure}.") for c in frame.columns):
            raise _no_figure(figure, runs)
    return _in_one_currency(frame[list(dict.fromkeys(chosen))], runs)


def _in_one_currency(frame: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """Return figures as they are.

    Raises
    ------
    InputError
        If money is among them, and it is of several currencies.
    """
    currencies = dict.fromkeys(str(runs.records[case]["currency"]) for case in frame.index)
    if len(currencies) > 1 and any(str(name).startswith(_MONEY) for name in frame.columns):
        wanted, cure = "cases in one currency", "choose some of them, or a family, or figures that are no money"
        raise InputError([Problem("compare", f"money in {' and '.join(currencies)}", wanted, cure)])
    return frame


def _no_figure(figure: str, runs: Runs) -> InputError:
    known = list(runs.figures.columns)
    starts = sorted({str(name).partition(".")[0] for name in known})
    wanted = f"a figure, or how one begins: {', '.join(starts)}"
    return InputError([Problem("--figure", shown(figure), wanted, did_you_mean(figure, known))])
