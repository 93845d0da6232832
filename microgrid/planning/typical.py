"""Shorter years of typical periods: days that are alike are planned once, and counted as often as they come.

Days are merged by Ward's criterion, those first that lose least; of each group the day nearest to its mean stands for
all, scaled to the group's mean. Days whose calendar differs (billing month, hours of the tariff's periods, a clock that
changes) never stand for one another, and the days that decide sizes stay as they are. The order of the days is kept,
so that stocks follow it: see `technologies/seasonal.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from microgrid.errors import InputError, Problem
from microgrid.periods import Periods
from microgrid.planning.features import calendar, features, residual_demands, sources
from microgrid.plant import Plant
from microgrid.rolling.windows import with_series
from microgrid.series import Series
from microgrid.timeline import Timeline

Array = NDArray[np.float64]
Whole = NDArray[np.intp]
WHERE = "--periods"


@dataclass(frozen=True, eq=False)
class Days:
    """The local days of a horizon.

    Parameters
    ----------
    firsts
        First step of each day, shape (d,).
    kinds
        Days of different kinds may not stand for one another, shape (d,).
    points
        By kind, what days are compared by, shape (days of that kind, features).
    """

    timeline: Timeline
    firsts: Whole
    kinds: Whole
    points: dict[int, Array]

    def steps(self, day: int) -> slice:
        """Return the steps of a day."""
        last = self.firsts[day + 1] if day + 1 < len(self.firsts) else len(self.timeline)
        return slice(int(self.firsts[day]), int(last))


def typical(plant: Plant, count: int, values: Array | None = None) -> Plant:
    """Return a plant on `count` typical days of its horizon, each counted as often as days are like it.

    Parameters
    ----------
    values
        What days are compared by, shape (steps, features); by default every series.

    Raises
    ------
    InputError
        If there are to be more periods than days, or fewer than kinds of days and days that stay apart need; if the
        plant has rules or limits that typical days cannot tell of.
    """
    _refuse_unfit(plant)
    days = days_of(plant, values)
    groups = _grouped(days, extreme_days(plant, days), count)
    chosen = sorted((_medoid(days, group), group) for group in groups)
    order = np.empty(len(days.firsts), dtype=np.intp)
    for number, (_, group) in enumerate(chosen):
        order[group] = number
    shorter = _timeline(plant, days, [day for day, _ in chosen], order)

    def taken(series: Series) -> Series:
        return _represented(series, days, chosen)

    assets = {name: with_series(asset, taken) for name, asset in plant.assets.items()}
    return replace(plant, timeline=shorter, assets=assets)


def _refuse_unfit(plant: Plant) -> None:
    cure = "take --segments instead"
    problems = []
    if not plant.timeline.is_plain:
        problems.append(Problem("horizon", "steps with weights", "steps that count once", cure))
    if plant.bounds:
        found = f"{len(plant.bounds)} rules of policies"
        problems.append(Problem("policies", found, "no rules where days stand for one another", cure))
    if plant.flow_limits or plant.stock_worth:
        problems.append(Problem(WHERE, "limits of the day, or a worth of stocks", "a plant without them", cure))
    if problems:
        raise InputError(problems)


def days_of(plant: Plant, values: Array | None = None) -> Days:
    """Return the days of a plant's horizon by the local calendar, with what they are compared by."""
    timeline = plant.timeline
    dates = timeline.index.date
    firsts = np.flatnonzero(np.append(True, dates[1:] != dates[:-1])).astype(np.intp)
    clock = (timeline.index.hour * 60 + timeline.index.minute).to_numpy(dtype=float)
    marks = np.column_stack([clock, timeline.hours, *calendar(plant)]).round(9)
    compared = features(plant) if values is None else values
    compared = compared * np.sqrt(timeline.hours)[:, None]
    keys: dict[bytes, list[int]] = {}
    for day, steps in enumerate(np.split(np.arange(len(timeline)), firsts[1:])):
        keys.setdefault(marks[steps].tobytes(), []).append(day)
    kinds = np.empty(len(firsts), dtype=np.intp)
    days = Days(timeline, firsts, kinds, {})
    for number, members in enumerate(keys.values()):
        kinds[members] = number
        days.points[number] = np.array([compared[days.steps(day)].ravel() for day in members])
    return days


def extreme_days(plant: Plant, days: Days) -> set[int]:
    """Return the days that stay as they are.

    In each month (in the whole horizon, where nothing is billed by the month) the day on which each demand is highest,
    and that on which sun and wind leave most of it; in the whole horizon each source's poorest day.
    """
    months = plant.timeline.months if bills_months(plant) else np.zeros(len(plant.timeline))
    demands = [a.series()["demand"].on(plant.timeline) for a in plant.assets.values() if "demand" in a.series()]
    found = set()
    for values in [*demands, *residual_demands(plant)]:
        for month in dict.fromkeys(months.tolist()):
            steps = np.flatnonzero(months == month)
            if np.ptp(values[steps]) > 0:
                found.add(_day_of(days, int(steps[np.argmax(values[steps])])))
    for _, source in sources(plant):
        made = source.series()["availability"].on(plant.timeline) * plant.timeline.hours
        if np.ptp(made) > 0:
            found.add(int(np.argmin(np.add.reduceat(made, days.firsts))))
    return found


def bills_months(plant: Plant) -> bool:
    """Tell whether any asset is billed by the month."""
    return any(asset.counts_months() for asset in plant.assets.values())


def _day_of(days: Days, step: int) -> int:
    return int(np.searchsorted(days.firsts, step, side="right")) - 1


def _grouped(days: Days, apart: set[int], count: int) -> list[Whole]:
    """Return the days in `count` groups: each of one kind, those of `apart` alone."""
    total = len(days.firsts)
    by_kind = [np.flatnonzero(days.kinds == kind) for kind in days.points]
    free = [np.array([place for place, day in enumerate(members) if day not in apart]) for members in by_kind]
    least = len(apart) + sum(len(places) > 0 for places in free)
    if not least <= count <= total:
        wanted = f"{least} to {total}: days of every kind of calendar, and those that decide sizes, stay apart"
        raise InputError([Problem(WHERE, str(count), wanted)])
    merges = sorted(
        (height, kind, number, pair)
        for kind, places in enumerate(free)
        if len(places) > 1
        for number, (height, pair) in enumerate(_merges(days.points[kind][places]))
    )
    groups = {(kind, at): [int(members[place])] for kind, members in enumerate(by_kind)
              for at, place in enumerate(free[kind])}  # fmt: skip
    for _, kind, number, (one, other) in merges[: total - count]:
        groups[kind, len(free[kind]) + number] = groups.pop((kind, one)) + groups.pop((kind, other))
    return [np.array(sorted(group), dtype=np.intp) for group in [*groups.values(), *([day] for day in sorted(apart))]]


def _merges(points: Array) -> Iterator[tuple[float, tuple[int, int]]]:
    """Give the mergers of Ward's criterion from the first to the last: what each loses, and which two it joins."""
    from scipy.cluster.hierarchy import linkage

    for one, other, height, _ in linkage(points, "ward"):
        yield float(height), (int(one), int(other))


def _medoid(days: Days, group: Whole) -> int:
    """Return the day of a group that is nearest to its mean."""
    kind = int(days.kinds[group[0]])
    points = days.points[kind][np.searchsorted(np.flatnonzero(days.kinds == kind), group)]
    return int(group[np.argmin(((points - points.mean(axis=0)) ** 2).sum(axis=1))])


def _timeline(plant: Plant, days: Days, chosen: list[int], order: Whole) -> Timeline:
    whole = plant.timeline
    steps = [np.arange(whole_day.start, whole_day.stop) for whole_day in map(days.steps, chosen)]
    lengths = np.array([len(each) for each in steps])
    periods = Periods(np.concatenate([[0], np.cumsum(lengths)[:-1]]), order, whole.end, bills_months(plant))
    taken = np.concatenate(steps)
    return Timeline(whole.index[taken], whole.hours[taken], np.repeat(periods.counts, lengths), periods)


def _represented(series: Series, days: Days, chosen: list[tuple[int, Whole]]) -> Series:
    """Return a series on the chosen days, each scaled so that its mean is that of the days it stands for.

    What may be below zero, and temperatures, are taken as they are.
    """
    if series.values.ndim == 0:
        return series
    is_scaled = series.lowest >= 0 and series.unit != "degC"
    means = np.add.reduceat(series.values * days.timeline.hours, days.firsts)
    parts = []
    for day, group in chosen:
        own = series.values[days.steps(day)]
        scale = means[group].mean() / means[day] if is_scaled and means[day] > 0 else 1.0
        parts.append(np.clip(own * scale, series.lowest, series.highest) if len(group) > 1 else own)
    return replace(series, values=np.concatenate(parts))
