"""Re-planning: one window after the other, each with a plan by its deadline, and each saying how it came about."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.errors import InputError, MicrogridError
from microgrid.model import Model, assemble
from microgrid.plant import KeptState, Plant
from microgrid.rolling.balancing import Shortfall, carry_out
from microgrid.rolling.first_stage import FirstStage
from microgrid.rolling.hedging import Future, alike_at_first, hedged
from microgrid.rolling.inheriting import Before, before, levels_of, with_before, with_fields
from microgrid.rolling.metering import is_charged_by_peaks, with_peaks_seen
from microgrid.rolling.outlook import Outlook
from microgrid.rolling.planned import Planned, Rung, ceiling_of, of_solver
from microgrid.rolling.rules import rule_plan
from microgrid.rolling.switching import restated
from microgrid.rolling.traces import Trace, ports_of
from microgrid.rolling.views import Views
from microgrid.rolling.windows import Look, groups, window
from microgrid.running import Aimed, NoPlanError, optimise
from solvers import Ended, Settings, templating

Ends = dict[str, dict[str, float]]
_VIEW = 0.25
"""Share of a deadline that the longer view may take."""
_HEDGE = 0.6
"""Share of what is left of a deadline that a plan over several futures may take, before one of them is planned for."""


@dataclass
class Replanner:
    """Plans window after window of one plant; warm, it remembers the longer view and the last plan.

    Parameters
    ----------
    look
        How far each window looks ahead.
    settings
        Gap and threads; the deadline comes with each plan.
    ends
        What stocks must hold where a window ends with all that is foreseen.
    sees_ahead
        Whether the longer view is taken: without it stocks are worth nothing at a window's end, and every window pays
        for its month's peak as if it were the last.
    least
        Hours that a window must keep for it to end with its month.
    change_cost
        What each unit and hour costs that is not on (or on standby) as last planned.
    stage
        What is decided before one knows which future comes, where plans are made for several.
    """

    look: Look
    settings: Settings = field(default_factory=Settings)
    ends: Ends = field(default_factory=dict)
    sees_ahead: bool = True
    least: float = 12.0
    change_cost: float = 0.0
    stage: FirstStage = field(default_factory=FirstStage)
    last: Planned | None = None

    def __post_init__(self) -> None:
        """Begin without any view."""
        self.views = Views(self.settings, self.ends)

    @property
    def outlook(self) -> Outlook | None:
        """The newest longer view of what is foreseen."""
        return self.views.known.get("")

    def plan(
        self,
        foreseen: Plant,
        first: int,
        told: Before,
        deadline: float | None = None,
        futures: Sequence[Future] = (),
    ) -> Planned:
        """Plan the window that begins at a step: whatever happens, there is a plan.

        Parameters
        ----------
        foreseen
            All that is foreseen, in equal steps.
        first
            The step at which the window begins.
        told
            What was before.
        deadline
            Seconds for all of it; without one the solver takes as long as it needs.
        futures
            What may come, on the same steps; the plan is made for all of them, where that can be had in time, and else
            for what is foreseen alone.
        """
        started, looked = time.perf_counter(), self.views.spent
        edges = within_month(foreseen, groups(foreseen.timeline, first, self.look), self.least)
        view = None if deadline is None else _VIEW * deadline
        seen = self._window(Future("", 1.0, foreseen), edges, told, view)
        is_end = int(edges[-1]) == len(foreseen.timeline)
        planned, fallen = None, list[str]()
        if len(futures) > 1:
            planned = self._hedged(futures, (edges, told, is_end), fallen, _rest(deadline, started))
        if planned is None:
            planned = self._alone(seen.plant, is_end, told, fallen, _rest(deadline, started))
        spent = planned.solver_seconds + self.views.spent - looked
        self.last = replace(planned, seconds=time.perf_counter() - started, solver_seconds=spent)
        return self.last

    def _window(self, future: Future, edges: NDArray[np.int64], told: Before, seconds: float | None) -> Future:
        """Return a window with what was before it, and what the longer view and the last plan say of it."""
        bare = with_before(window(future.plant, edges), told)
        seen = bare
        if self.sees_ahead:
            view = self.views.of(future.name, future.plant, int(edges[0]), int(edges[-1]), told, seconds)
            # A future whose own view was not to be had sees what is foreseen.
            seen = _with_view(bare, view or self.outlook, told)
        return replace(future, plant=replace(seen, kept_states=self._kept(bare)))

    def _alone(self, plant: Plant, is_end: bool, told: Before, fallen: list[str], seconds: float | None) -> Planned:
        """Return a plan for what is foreseen alone: the solver's, or else one without it."""
        reasons = list(fallen)
        planned = self._solved([Future("", 1.0, plant)], is_end, reasons, seconds)
        if planned is None:
            return self._by_rules(plant, told, reasons)
        return replace(planned, reason="; ".join(filter(None, [*fallen, planned.reason])))

    def _hedged(
        self,
        futures: Sequence[Future],
        at: tuple[NDArray[np.int64], Before, bool],
        fallen: list[str],
        seconds: float | None,
    ) -> Planned | None:
        """Return a plan over several futures, or None where it is not proved in its share of the time."""
        reasons: list[str] = []
        started, share = time.perf_counter(), None if seconds is None else _HEDGE * seconds
        view = None if share is None else _VIEW * share / len(futures)
        edges, told, is_end = at
        try:
            windows = alike_at_first([self._window(each, edges, told, view) for each in futures], self.stage)
        except InputError as error:
            reasons.append(f"a future cannot be planned: {error}")
        else:
            planned = self._solved(windows, is_end, reasons, _rest(share, started))
            if planned is not None and planned.rung is Rung.PROVED:
                return planned
            reasons += [] if planned is None else [f"{planned.reason}, after {share or 0.0:.3g} s"]
        fallen.append(f"planned for one forecast, not for {len(futures)} futures: {'; '.join(reasons)}")
        return None

    def _kept(self, plant: Plant) -> dict[str, dict[str, KeptState]]:
        """Return what the last plan committed to at the times that a window shares with it."""
        if not self.change_cost or self.last is None:
            return {}
        old, starts = self.last.trace.timeline, plant.timeline.index.as_unit("ns").asi8
        places = np.searchsorted(old.points.as_unit("ns").asi8, starts, side="right") - 1
        is_known = (places >= 0) & (places < len(old))
        price = np.where(is_known, self.change_cost, 0.0)
        found: dict[str, dict[str, KeptState]] = {}
        for name, states in self.last.trace.states.items():
            for state in ("on", "standby"):
                if state in states and name in plant.assets:
                    said = states[state][np.clip(places, 0, len(old) - 1)]
                    planned = np.asarray(np.round(np.where(is_known, said, 0.0)), dtype=float)
                    found.setdefault(name, {})[state] = KeptState(planned, price)
        return found

    def _solved(
        self, futures: Sequence[Future], is_end: bool, reasons: list[str], seconds: float | None
    ) -> Planned | None:
        """Return the solver's plan: first with the ends asked for, then, if there is none, without them."""
        started = time.perf_counter()
        tries = [[replace(each, plant=self._ending(each.plant)) for each in futures]] if is_end and self.ends else []
        for attempt in [*tries, futures]:
            try:
                with templating():
                    model, parts = _written(attempt, self.stage)
                left = _rest(seconds, started)
                if left is not None and left <= 0:
                    reasons.append("no time was left for the solver")
                    return None
                outcome, solution, _ = optimise(model, for_window(self.settings, left))
            except NoPlanError as error:
                reasons.append(f"the solver found no plan: {error}")
                if error.outcome.ended is Ended.TIME:
                    return None
            except (InputError, ValueError, ArithmeticError, MicrogridError) as error:
                reasons.append(f"the model could not be solved: {error}")
                return None
            else:
                return of_solver(attempt, parts, outcome, solution)
        return None

    def _ending(self, plant: Plant) -> Plant:
        """Return the window that ends with all that is foreseen: its stocks end as they must."""
        return replace(with_before(plant, before(plant), self.ends), stock_worth={})

    def _by_rules(self, plant: Plant, told: Before, reasons: list[str]) -> Planned:
        """Return the last plan moved on to now, or else a plan by rules."""
        levels, ports = levels_of(plant, told), self._ports(plant)
        ceiling = ceiling_of(plant, None)
        if self.last is not None:
            wanted = shifted(self.last.trace, plant, ports)
            if wanted is not None:
                carried = carry_out(plant, wanted, levels, ceiling)
                if not carried.shortfalls:
                    return Planned(plant, carried.trace, Rung.SHIFTED, "; ".join(reasons), ceiling)
                reasons.append(f"the last plan, moved on, lacks {_told(carried.shortfalls)}")
        carried = rule_plan(plant, ports, levels, ceiling)
        if carried.shortfalls:
            reasons.append(f"the rules lack {_told(carried.shortfalls)}")
        return Planned(plant, carried.trace, Rung.RULE, "; ".join(reasons), ceiling, shortfalls=carried.shortfalls)

    def _ports(self, plant: Plant) -> dict[str, dict[str, str]]:
        with templating():
            return ports_of(assemble(replace(plant, stock_worth={}, flow_limits={}, kept_states={})))


def _with_view(plant: Plant, outlook: Outlook | None, told: Before) -> Plant:
    """Return the window with what the longer view says of stocks and peaks."""
    if outlook is None:
        return plant
    month = plant.timeline.months[0]
    fields: Before = {}
    for name, peaks in outlook.peaks.items():
        seen = {inherits: by_month.get(month, 0.0) for inherits, by_month in peaks.items()}
        fields[name] = with_peaks_seen(plant.assets[name], told.get(name, {}), seen)
    return replace(with_fields(plant, fields), stock_worth=outlook.worth_along(plant.timeline, _growth(plant)))


def _written(futures: Sequence[Future], stage: FirstStage) -> tuple[Aimed, Mapping[str, Model]]:
    """Write the model of a window in all futures, or in the only one."""
    if len(futures) == 1:
        model = assemble(futures[0].plant)
        return model, {futures[0].name: model}
    probabilities = {each.name: each.probability for each in futures}
    whole = hedged({each.name: each.plant for each in futures}, probabilities, stage)
    return whole, whole.parts


def for_window(settings: Settings, seconds: float | None) -> Settings:
    """Return the settings of one window: without another wish, first what is next to its relaxation."""
    is_free = settings.method == "auto" and settings.solver == "highs"
    return replace(settings, seconds=seconds, method="neighbourhood" if is_free else settings.method)


def within_month(plant: Plant, edges: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    """Return the steps of a window up to the month's end, where a peak is charged and `least` hours are left.

    The next month's peak would count in full, seen by a few of its hours; what stocks are worth behind the month's end
    the longer view knows.
    """
    if not is_charged_by_peaks(plant):
        return edges
    timeline = plant.timeline
    month = timeline.months[edges[0]]
    kept = edges[np.append(timeline.months[edges[:-1]] == month, False)]
    end = kept[-1] + int(np.argmax(timeline.months[kept[-1] :] != month))
    whole = np.append(kept, end)
    is_long = timeline.elapsed[end] - timeline.elapsed[edges[0]] >= least - 1e-9
    return whole if len(kept) < len(edges) - 1 and is_long else edges


def _growth(plant: Plant) -> int | None:
    """Return the point at which steps grow longer, or None."""
    longer = np.flatnonzero(np.diff(plant.timeline.hours) > 0)
    return int(longer[0]) + 1 if len(longer) else None


def shifted(trace: Trace, plant: Plant, ports: dict[str, dict[str, str]]) -> Trace | None:
    """Return a plan moved on to a window: what it says of each time, or of the same time a day sooner.

    None where it tells nothing of any time of the window.
    """
    old, new = trace.timeline, plant.timeline
    places = np.full(len(new), -1)
    for step, moment in enumerate(new.index):
        for time_of_day in _earlier(moment, old.index[0]):
            if time_of_day < old.end:
                places[step] = int(old.index.searchsorted(time_of_day, side="right")) - 1
                break
    if (places < 0).any():
        return None
    flows = {
        asset: {port: trace.flows.get(asset, {}).get(port, np.zeros(len(old)))[places] for port in named}
        for asset, named in ports.items()
    }
    states = {
        name: restated(plant.assets[name], {state: values[places] for state, values in rows.items()}, new.hours)
        for name, rows in trace.states.items()
        if name in plant.assets
    }
    return Trace(new, flows, {}, states, ports)


def _earlier(moment: pd.Timestamp, first: pd.Timestamp) -> Iterator[pd.Timestamp]:
    """Give a time, and the same time on the days before it, as far as a plan reaches back."""
    while moment >= first:
        yield moment
        moment -= pd.Timedelta(days=1)


def _rest(deadline: float | None, started: float) -> float | None:
    return None if deadline is None else deadline - (time.perf_counter() - started)


def _told(shortfalls: tuple[Shortfall, ...]) -> str:
    worst = max(shortfalls, key=lambda shortfall: abs(shortfall.rate))
    what = "lacking" if worst.rate > 0 else "too much"
    return f"{abs(worst.rate):.4g} {what} on {worst.bus} at step {worst.step}, {len(shortfalls)} steps in all"
