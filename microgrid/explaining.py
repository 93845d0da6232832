"""Why a plant has no plan: what cannot be met, the limits met there, and the smallest changes that cure it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.accounts import COST_COLUMNS
from microgrid.amounts import short
from microgrid.compiled import Compiled, Part
from microgrid.documents import Document
from microgrid.explanation import Explanation, Limit, Period, Unmet
from microgrid.factors import kilograms_of
from microgrid.faults import Fault
from microgrid.levers import Lever
from microgrid.plant import Plant
from microgrid.policies.packs import QUANTITIES
from microgrid.policies.spans import bound_spans
from microgrid.pulls import Pull, pulls
from microgrid.repairs import Repairs, data_at, found_text
from microgrid.timeline import Timeline
from microgrid.unlimited import explain_unbounded
from solvers import Ended, Outcome
from solvers.change import leaned_on
from solvers.infeasible import TOLERANCE, Clock, OutOfTimeError, Shortfall, conflict, shortfall

SECONDS = 120.0
"""How long to look for an explanation."""
HEAD = "the scenario is infeasible: no plan can meet all its limits at once"


def explain_infeasible(plant: Plant, document: Document | None = None, seconds: float = SECONDS) -> Explanation:
    """Return why no plan can meet all limits of a plant.

    Parameters
    ----------
    plant
        A plant that was found to be infeasible.
    document
        The scenario behind it: gives files and lines, and proposals are read by it as `--set` would be.
    seconds
        Time after which what is known by then is returned.
    """
    clock = Clock(seconds)
    case = Compiled.of(plant)
    try:
        found = _first_shortfall(case, clock)
    except OutOfTimeError:
        return Explanation(HEAD, notes=(f"what is lacking was not found in {seconds:g} s",))
    if found is None:
        return _by_names(case, clock)
    short_of, story = found
    unmet = tuple(story(case, short_of))
    pulled, all_pulled = pulls(case, short_of, clock)
    repairs = Repairs(case, short_of, document, clock)
    repairs.tried_all = all_pulled
    proposals = tuple(repairs.found(pulled))
    named = {proposal.field for proposal in proposals}
    limits = tuple(sorted(_limits(case, short_of, pulled, unmet, document), key=lambda limit: limit.field not in named))
    return Explanation(HEAD, unmet, limits, proposals, tuple(_notes(case, short_of, repairs, bool(proposals), seconds)))


def _notes(case: Compiled, found: Shortfall, repairs: Repairs, has_proposal: bool, seconds: float) -> Iterator[str]:
    if not found.is_relaxed and case.matrix.integer.any():
        yield "with units running in part it could be met: it is being on or off, or one way at a time, that forbids it"
    if not repairs.tried_all:
        yield f"not all fields were tried: {seconds:g} s were over"
    elif not has_proposal:
        yield "no single field was found whose change alone would do: it takes several"


# --- what cannot be met


Story = Callable[[Compiled, Shortfall], Iterator[Unmet]]


def _first_shortfall(case: Compiled, clock: Clock) -> tuple[Shortfall, Story] | None:
    """Let caps give way, rules, ends of stocks, balances, at last all rows: the first that suffices tells the story."""
    rules = {(bound.policy, bound.rule) for bound in case.plant.bounds}
    stories: tuple[tuple[NDArray[np.float64], Story], ...] = (
        (_only(case, lambda part: part.kind == "cap"), _caps),
        (_only(case, lambda part: (part.owner, part.name) in rules), _rules_of_policies),
        (_only(case, lambda part: part.kind == "asset" and part.name.endswith("_ends")), _ends),
        (case.weights, _balances),
        (_only(case, lambda part: part.kind == "asset" and part.name.endswith("_returns")), _ends),
        (_only(case, lambda part: part.kind == "asset"), _rules),
        (np.ones(len(case.matrix.row_low)), _rules),
    )
    for weights, story in stories:
        found = shortfall(case.matrix, weights, clock) if np.isfinite(weights).any() else None
        if found is not None and found.total > TOLERANCE:
            return found, story
    return None


def _only(case: Compiled, chosen: Callable[[Part], bool]) -> NDArray[np.float64]:
    """Return a weight of one for the rows of chosen constraints, infinite for all others, shape (rows,)."""
    weights = np.full(len(case.matrix.row_low), np.inf)
    for part in case.rows:
        if chosen(part):
            weights[part.span] = 1.0
    return weights


def _rules_of_policies(case: Compiled, found: Shortfall) -> Iterator[Unmet]:
    """Tell by how much each rule that gives way would be missed."""
    bounds = {(bound.policy, bound.rule): bound for bound in case.plant.bounds}
    for part in case.rows_of("policy"):
        over = np.abs(found.amounts[part.span])
        bound = bounds.get((part.owner, part.name))
        if bound is None or not over.any():
            continue
        labels = list(bound_spans(case.plant.timeline, bound))
        unit = QUANTITIES[next(iter(bound.numerator))][0] if not bound.unit else bound.unit.partition("/")[0]
        for label, amount in zip(labels, over.tolist(), strict=True):
            if amount:
                word = "too little" if bound.sense == "at_least" else "too much"
                what = f"{bound.policy}, {part.words}, {label}: at best {short(amount)} {unit} {word} ({bound.text})"
                yield Unmet(what, bound.policy, (), float(case.plant.timeline.hours.sum()), amount, unit)


def _caps(case: Compiled, found: Shortfall) -> Iterator[Unmet]:
    for part in case.rows_of("cap"):
        over = abs(float(found.amounts[part.span][0]))
        if not over:
            continue
        column = part.name.removesuffix("_within_cap")
        cap, filled = case.plant.objective.caps[column], case.model.ledger.column(column)
        over = filled - cap if isinstance(filled, int | float) else over
        unit = (case.plant.currency or "money") if column in COST_COLUMNS else kilograms_of(cap)
        what = (
            f"{column.replace('_', ' ')} within {short(cap)} {unit}: the least possible is {short(cap + over)} {unit}"
        )
        yield Unmet(what, column, (), float(case.plant.timeline.hours.sum()), over, unit)


def _ends(case: Compiled, found: Shortfall) -> Iterator[Unmet]:
    timeline = case.plant.timeline
    for part in case.rows_of("asset"):
        lacking = float(np.abs(found.amounts[part.span]).max(initial=0.0))
        if lacking:
            unit = _stock_unit(case, part.owner)
            what = f"{part.owner} lacks {short(lacking)} {unit} of what it must hold then"
            if part.name.endswith("_returns"):
                what = f"{part.owner} is {short(lacking)} {unit} off from what it began with, and must return to it"
            yield Unmet(f"{timeline.end:%Y-%m-%d %H:%M}: {what}", part.owner, (), 0.0, lacking, unit)


def _balances(case: Compiled, found: Shortfall) -> Iterator[Unmet]:
    hours = case.plant.timeline.hours
    for part in case.rows_of("bus"):
        carrier = case.plant.buses[part.owner].carrier
        for sign, word in ((1.0, "lacks"), (-1.0, "has too much by")):
            amounts = np.maximum(sign * found.amounts[part.span], 0.0)
            steps = part.times[amounts > 0]
            if not len(steps):
                continue
            most, total = float(amounts.max()), float(amounts @ hours[part.times])
            loads = _loads(case, part.owner) if sign > 0 else ""
            what = f"{loads}bus {part.owner} {word} up to {short(most)} {carrier.flow_unit}"
            what += f", {short(total)} {carrier.stock_unit} in all"
            periods = tuple(_periods(case.plant.timeline, steps))
            yield Unmet(what, part.owner, periods, float(hours[steps].sum()), sign * most, carrier.flow_unit)


def _loads(case: Compiled, bus: str) -> str:
    """Name what draws from a bus and cannot do without."""
    names = [name for name, asset in case.plant.assets.items() if _is_load_on(asset, bus)]
    return f"the load {names[0]} on " if len(names) == 1 else ""


def _is_load_on(asset: object, bus: str) -> bool:
    return getattr(asset, "kind", "") == "production_load" and getattr(asset, "bus", "") == bus


def _rules(case: Compiled, found: Shortfall) -> Iterator[Unmet]:
    """Tell rules by their names: of what is no balance, no more is known than what the rule is called."""
    hours = case.plant.timeline.hours
    for part in case.rows:
        amounts = np.abs(found.amounts[part.span])
        if not amounts.any():
            continue
        steps = part.times[(amounts > 0) & (part.times >= 0)]
        steps = np.minimum(steps, len(hours) - 1)
        what = f"{part.owner}: {part.words} cannot hold, it is off by up to {short(float(amounts.max()))}".lstrip(": ")
        periods = tuple(_periods(case.plant.timeline, steps))
        yield Unmet(what, part.owner, periods, float(hours[steps].sum()), float(amounts.max()), "")


def _periods(timeline: Timeline, steps: NDArray[np.int64]) -> Iterator[Period]:
    """Give steps in a row as periods."""
    points = timeline.points
    steps = np.unique(steps)
    for run in np.split(steps, np.flatnonzero(np.diff(steps) > 1) + 1):
        if len(run):
            yield Period(points[int(run[0])], points[int(run[-1]) + 1], len(run))


def _stock_unit(case: Compiled, asset: str) -> str:
    bus, _ = next(iter(case.plant.assets[asset].buses().values()), ("", None))
    return case.plant.buses[bus].carrier.stock_unit if bus in case.plant.buses else ""


# --- which limits are met there


class _Held(NamedTuple):
    """A limit that a field states: whose it is, in words, and whether it is met where something is lacking."""

    owner: str
    words: str
    is_there: bool


def _limits(
    case: Compiled, found: Shortfall, pulled: list[Pull], unmet: tuple[Unmet, ...], document: Document | None
) -> Iterator[Limit]:
    """Give what the shortfall leans on, with the fields that say so: first what is met at the same time."""
    there = _steps_of(case.plant.timeline, unmet)
    fields: dict[_Held, list[Lever]] = {}
    helds = [(pull.lever, list(_held(case, found, pull, there))) for pull in pulled]
    # The field that says least else says it best: the initial charge rather than the energy that it is a share of.
    for lever, several in sorted(helds, key=lambda pair: (len(pair[1]), pair[0].keys[-1] in ("capacity", "energy"))):
        for held in several:
            fields.setdefault(held, []).append(lever)
    for held in sorted(fields, key=lambda held: (not held.is_there, -len(fields[held]))):
        known = [lever for lever in fields[held] if document is None or data_at(document, lever.keys) is not None]
        if not known and not held.words.startswith("empty"):
            continue
        lever = (known or fields[held])[0]
        place = "" if document is None else document.place(lever.keys)
        there_is = found_text(lever, document, case.plant.currency)
        yield Limit(Fault(lever.keys, "", "").where, place, held.owner, held.words, there_is)


def _steps_of(timeline: Timeline, unmet: tuple[Unmet, ...]) -> NDArray[np.bool_]:
    """Return which steps something is lacking at, all of them where it is about the horizon, shape (n,)."""
    periods = [period for part in unmet for period in part.periods]
    begin = timeline.index
    there = [(begin >= period.begin) & (begin < period.end) for period in periods]
    return np.asarray(np.any(there, axis=0) if there else np.ones(len(timeline), dtype=bool))


def _held(case: Compiled, found: Shortfall, pull: Pull, there: NDArray[np.bool_]) -> Iterator[_Held]:
    """Give the limits that a field states by itself: bounds, not what a machine makes of its input."""
    if pull.slopes is None or pull.lever.is_physics:
        return
    row, column = leaned_on(found, pull.slopes)
    if not row.any() and not column.any():
        # What multiplies a switch, such as a minimum load, moves no bound, and states a limit all the same.
        row[pull.slopes.a.indices] = True
        row &= np.abs(found.row_dual) > TOLERANCE
    for part in case.rows:
        is_own = part.kind == "asset" or (part.kind == "cap" and not pull.lever.asset)
        if is_own and row[part.span].any():
            yield _Held(part.owner or "objective", part.words, _is_there(part, row, there))
    for part in case.columns:
        if column[part.span].any():
            yield _Held(part.owner, _bound_words(case, found, part, column), _is_there(part, column, there))


def _is_there(part: Part, held: NDArray[np.bool_], there: NDArray[np.bool_]) -> bool:
    """Tell whether a limit is met when something is lacking, a stock at either end of the step."""
    times = part.times[held[part.span]]
    times = times[times >= 0]
    ends = np.concatenate([times, times - 1]) if part.is_points else times
    return bool(there[ends[(ends >= 0) & (ends < len(there))]].any())


def _bound_words(case: Compiled, found: Shortfall, part: Part, held: NDArray[np.bool_]) -> str:
    columns = part.start + np.flatnonzero(held[part.span])
    is_low = bool(found.column_dual[columns[0]] > 0)
    bound = (case.matrix.low if is_low else case.matrix.high)[columns]
    amount = f"{short(float(bound.min() if is_low else bound.max()))}{_unit_of(case, part)}"
    if part.is_points:
        return f"{'empty' if is_low else 'full'} with {amount} {part.words}"
    return f"{part.words} {'at least' if is_low else 'at most'} {amount}"


def _unit_of(case: Compiled, part: Part) -> str:
    """Return the unit of a variable of an asset, as far as its first bus tells."""
    asset = case.plant.assets.get(part.owner)
    if asset is None or (part.times < 0).any():
        return ""
    bus, _ = next(iter(asset.buses().values()), ("", None))
    if bus not in case.plant.buses:
        return ""
    carrier = case.plant.buses[bus].carrier
    return f" {carrier.stock_unit if part.is_points else carrier.flow_unit}"


def _by_names(case: Compiled, clock: Clock) -> Explanation:
    """Say what rows contradict each other, where no more can be said."""
    found = None
    with suppress(OutOfTimeError):
        found = conflict(case.matrix, clock)
    if found is None:
        return Explanation(HEAD, notes=("what it fails by is smaller than what a solver can tell from zero",))
    names = ", ".join(case.matrix.row_name(row) for row in found.rows[:5])
    return Explanation(HEAD, notes=(f"these rows of the model cannot hold together: {names}",))


def explain(outcome: Outcome, plant: Plant, document: Document | None = None) -> Explanation | None:
    """Return why a plant has no plan, if it is the plant's fault.

    Parameters
    ----------
    outcome
        How its solve ended.
    plant, document
        As for `explain_infeasible`.
    """
    if outcome.ended not in (Ended.UNBOUNDED, Ended.INFEASIBLE, Ended.INFEASIBLE_OR_UNBOUNDED):
        return None
    try:
        return (explain_unbounded if outcome.ended is Ended.UNBOUNDED else explain_infeasible)(plant, document)
    except Exception as error:  # noqa: BLE001  that there is no plan is known, whatever goes wrong in asking why
        head = HEAD if outcome.ended is Ended.INFEASIBLE else f"the scenario is {outcome.ended.value}"
        return Explanation(head, notes=(f"why was not found, for a fault of our own: {type(error).__name__}: {error}",))
