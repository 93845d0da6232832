"""A sizing on fewer steps, replayed on all of them: what the sizes cost in full, and what none cost less than."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from microgrid.errors import MicrogridError
from microgrid.model import assemble
from microgrid.planning.refining import Array, Held, hold_sizes, worth_of_energy
from microgrid.planning.segments import finely, segmented
from microgrid.planning.typical import typical
from microgrid.plant import Plant
from microgrid.results import Result, collect, sizes_of
from microgrid.running import NoPlanError, Watch, audited, optimise, solve_plant, told
from solvers import Compilation, Plan, Settings, templating


class ReplayError(MicrogridError):
    """Sizes that suffice for the shorter year, and not for the whole."""


@dataclass(frozen=True)
class Shorter:
    """How a horizon is made shorter: `count` segments of neighbouring steps, or typical periods."""

    kind: Literal["segments", "periods"]
    count: int

    def of(self, plant: Plant, values: Array | None = None) -> Plant:
        """Return the plant on the shorter horizon.

        Parameters
        ----------
        values
            What steps are compared by, shape (steps, features); by default every series.

        Raises
        ------
        InputError
            If there are too few or too many, or the plant cannot be planned on them.
        """
        make = segmented if self.kind == "segments" else typical
        return make(plant, self.count, values)

    def ground(self, plant: Plant) -> tuple[Plant, Array | None]:
        """Return the plant on the steps that are to be merged, and what they are compared by at first.

        Segments are merged from finer ones, where their number is what counts: what energy is worth on those, with
        sizes, is what they are compared by the second time.
        """
        return finely(plant, self.count) if self.kind == "segments" else (plant, None)

    def __str__(self) -> str:
        """Tell it in words."""
        return f"{self.count} {'segments' if self.kind == 'segments' else 'typical periods'}"


@dataclass(frozen=True)
class Replay:
    """What sizes cost on all steps that were decided on fewer.

    Parameters
    ----------
    shorter
        What sizes were decided on.
    shorter_cost
        What the shorter year said that they cost.
    cost
        What they cost on all steps.
    bound
        No sizes cost less than this on all steps; None where integers keep it from being known.
    seconds
        Time of the solver for the shorter year, and for the replay.
    """

    shorter: Shorter
    shorter_cost: float
    cost: float
    bound: float | None
    seconds: tuple[float, float]

    @property
    def difference(self) -> float:
        """By what share the whole year costs more than the shorter one said."""
        return (self.cost - self.shorter_cost) / max(abs(self.cost), 1e-10)

    @property
    def gap(self) -> float | None:
        """By what share, at most, the sizes cost more than the best ones; None where there is no bound."""
        if self.bound is None:
            return None
        return max(0.0, self.cost - self.bound) / max(abs(self.cost), 1e-10)

    @property
    def plain(self) -> dict[str, Any]:
        """The replay as plain data, for a manifest."""
        return {
            "kind": self.shorter.kind,
            "count": self.shorter.count,
            "told": str(self.shorter),
            "shorter_cost": self.shorter_cost,
            "cost": self.cost,
            "difference": self.difference,
            "bound": self.bound,
            "gap": self.gap,
            "seconds": {"shorter": self.seconds[0], "replay": self.seconds[1]},
        }


@dataclass(frozen=True)
class Replayed(Replay):
    """A plan on all steps, with sizes that were decided on fewer.

    Parameters
    ----------
    result
        The plan, with the sizes as they were decided.
    """

    result: Result


def replayed(
    plant: Plant, shorter: Shorter, settings: Settings, identity: Mapping[str, Any], watch: Watch | None = None
) -> Replayed:
    """Decide sizes on a shorter horizon, and run all of it with them.

    Raises
    ------
    InputError
        If there are too few or too many segments or periods, or the plant cannot be planned on them.
    ReplayError
        If the sizes do not suffice for all steps.
    NoPlanError
        If there is no plan on the shorter horizon.
    """
    decided = decided_on(plant, shorter, settings, watch)
    with templating():
        model = assemble(plant)
    held = hold_sizes(model, decided.sizes)
    compilation = Compilation(model.pyomo)
    # With its sizes held a linear model is soon solved as it is; stretches of its time would not make it sooner.
    if settings.method == "auto" and not compilation.matrix().integer.any():
        settings = replace(settings, method="direct")
    try:
        outcome, plan, goals = optimise(model, settings, watch, compilation=compilation)
    except NoPlanError as error:
        raise ReplayError(
            f"sizes decided on {shorter} do not suffice for all {len(plant.timeline)} steps ({error})\n"
            f"   take more {shorter.kind}, or none"
        ) from error
    result = audited(collect(model, plan, dict(identity) | told(plant, outcome, goals)))
    is_linear = not outcome.integers and model.goals == ("cost",)
    bound = _bound(plan, held, outcome.bound) if is_linear else None
    return Replayed(shorter, decided.cost, result.cost, bound, (decided.seconds, outcome.seconds), result)


@dataclass(frozen=True)
class Decided:
    """Sizes, what the shorter horizon says that they cost, and the solver's time for it."""

    sizes: Mapping[str, Mapping[str, float]]
    cost: float
    seconds: float


def decided_on(plant: Plant, shorter: Shorter, settings: Settings, watch: Watch | None = None) -> Decided:
    """Decide sizes on a shorter horizon; on segments twice, see `refining`.

    Raises
    ------
    InputError
        If there are too few or too many segments or periods, or the plant cannot be planned on them.
    NoPlanError
        If there is no plan on the shorter horizon.
    """
    ground, values = shorter.ground(plant)
    first = _decide(shorter.of(ground, values), settings, watch)
    if shorter.kind != "segments":
        return first
    with templating():
        model = assemble(ground)
    worth = worth_of_energy(model, first.sizes, settings)
    if worth is None:
        return first
    again = _decide(shorter.of(ground, worth), settings, watch)
    return replace(again, seconds=first.seconds + again.seconds)


def _decide(plant: Plant, settings: Settings, watch: Watch | None) -> Decided:
    """Decide sizes on a shorter horizon. Typical periods do not follow one another: there are no windows of them."""
    if plant.timeline.periods is None:
        result = solve_plant(plant, settings, watch)
        return Decided(result.sizes, result.cost, result.manifest["outcome"]["seconds"])
    with templating():
        model = assemble(plant)
    outcome, plan, _ = optimise(model, replace(settings, method="direct"), watch)
    return Decided(sizes_of(model, plan), model.total(plan, "cost"), outcome.seconds)


def _bound(plan: Plan, held: Held, cost: float) -> float | None:
    """Return what no sizes cost less than: the tangent of the cost in the sizes, at its lowest within their bounds.

    The cost of a linear plant is convex in its sizes, and the duals of the rows that hold them are a subgradient
    (Benders, Numerische Mathematik 4 (1962) 238).
    """
    bound = cost
    for row, value, low, high in held.values():
        dual = plan.dual(row)
        if dual is None:
            return None
        slope = float(dual[0])
        bound += min(slope * (low - value), slope * (high - value), 0.0)
    return bound
