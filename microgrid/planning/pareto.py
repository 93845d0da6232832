"""`pareto`: what less carbon costs. One model, whose limit on emissions is moved from plan to plan.

Each plan is the cheapest below its limit, and its bound says what no plan below that limit can cost less than. Each
solve begins where the last one ended. After both ends, a linear model goes from the cheapest plan to the cleanest, in
one solver: a limit that tightens leaves its basis dual feasible, and the way is shorter than back. A mixed-integer one
goes the other way: what keeps a limit keeps a looser one too, and is the incumbent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from microgrid.errors import InputError, Problem
from microgrid.model import NO_LIMIT, Model, assemble
from microgrid.planning.front import Point, abatement_costs, efficient, knee, table
from microgrid.results import collect, manifest_text
from microgrid.running import NoPlanError, Watch, audited, horizon_of, settings_of, told
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from microgrid.versions import engine
from solvers import Compilation, Ended, Outcome, Settings, solve, templating

FRONT = "front.json"
_MOST_POINTS = 1000


@dataclass(frozen=True)
class Front:
    """The efficient plans between the cleanest and the cheapest.

    Parameters
    ----------
    scenario
        What was planned.
    computed
        Every point that was computed.
    """

    scenario: Scenario
    computed: tuple[Point, ...]

    @property
    def points(self) -> list[Point]:
        """The points that no other beats, the cleanest first."""
        return efficient(self.computed)

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data."""
        best = knee(self.points)
        return {
            "currency": self.scenario.plant.currency,
            "points": [point.plain for point in self.points],
            "knee": None if best is None else best.number,
            "abatement_costs": abatement_costs(self.points),
        }


def pareto(
    scenario: Scenario | Path | str,
    points: int,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
) -> Front:
    """Return the cheapest plans for limits on emissions between those of the cheapest plan and the least possible.

    Parameters
    ----------
    scenario
        A scenario file, or a Scenario already read. Its own objective is replaced; its caps and its carbon price hold.
    points
        How many, both ends included.
    out
        Folder to write into after each point; a front that was interrupted goes on where it stopped.

    Raises
    ------
    InputError
        If the scenario holds faults, counts no emissions, or the folder holds something else.
    NoPlanError
        If there is no plan.
    """
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    if not 2 <= points <= _MOST_POINTS:
        raise InputError([Problem("--points", str(points), f"from 2 to {_MOST_POINTS}, both ends included")])
    record = _Record.of(scenario, points, None if out is None else Path(out))
    search = _Search.of(scenario, record, watch)
    try:
        for point in search.points(points):
            record.add(point)
    finally:
        record.close()
    front = Front(scenario, tuple(record.known.values()))
    if out is not None:
        _draw(front, Path(out))
    return front


@dataclass(eq=False)
class _Search:
    """One model and the last plan found on it."""

    model: Model
    settings: Settings
    record: _Record
    watch: Watch | None
    compilation: Compilation
    last: Any = None
    aimed: str = ""

    @classmethod
    def of(cls, scenario: Scenario, record: _Record, watch: Watch | None) -> _Search:
        objective = replace(scenario.plant.objective, goals=("cost",))
        with templating():
            model = assemble(replace(scenario.plant, objective=objective))
        if not any(model.ledger.counts(line.emission, "emissions") for line in model.ledger.emissions):
            cure = "give the grid a location_factor, or fuels their factors"
            raise InputError(
                [Problem("objective.scopes", "nothing that emits", "emissions that a plan may avoid", cure)]
            )
        return cls(model, settings_of(scenario.solver), record, watch, Compilation(model.pyomo, keeps_solver=True))

    @templating()
    def points(self, count: int) -> Iterator[Point]:
        """Give the points that are not known yet: both ends, then the others in the order that is soonest done."""
        self._serve_what_can_be_served()
        cheapest = self._point(count - 1, NO_LIMIT)
        of_cheapest = self.last
        yield cheapest
        least = self._least(cheapest)
        limits = np.linspace(least, cheapest.emissions, count)
        slack = self.model.plant.objective.slack
        yield self._point(0, least + slack * abs(least) + 1e-9)
        numbers = range(1, count - 1 if cheapest.emissions - least > 1e-6 * max(1.0, abs(least)) else 1)
        if all(number in self.record.known for number in numbers):
            return
        is_linear = not self.compilation.matrix().integer.any()
        if is_linear:
            self.last = of_cheapest
        for number in reversed(numbers) if is_linear else numbers:
            yield self._point(number, float(limits[number]))

    def _serve_what_can_be_served(self) -> None:
        """Hold the cost of unserved load to its least: no plan is clean by not producing."""
        if any(line.cost.category == "unserved" for line in self.model.ledger.costs):
            self._aim("unserved")
            outcome = self._solved()
            self.model.hold("unserved", outcome.objective)
            self.last = None

    def _least(self, cheapest: Point) -> float:
        """Return the least that any plan emits, within the gap."""
        known = self.record.least
        if known is not None:
            return known
        self.model.limit("emissions", max(cheapest.emissions, cheapest.limit))
        self._aim("emissions")
        self.last = None  # the optimum for another goal is farther away than stretches of time are
        self.record.least = self._solved().objective
        return self.record.least

    def _point(self, number: int, limit: float) -> Point:
        """Return the cheapest plan below a limit, from the record if it is there."""
        if number in self.record.known:
            return self.record.known[number]
        self.model.limit("emissions", limit)
        self._aim("cost")
        outcome = self._solved()
        assert outcome.plan is not None
        plant = self.model.plant
        if limit < NO_LIMIT:
            caps = {**plant.objective.caps, "emissions": min(limit, plant.objective.caps.get("emissions", limit))}
            plant = replace(plant, objective=replace(plant.objective, caps=caps))
        goals = [{"column": "cost"} | {key: getattr(outcome, key) for key in ("objective", "bound", "gap", "seconds")}]
        result = audited(collect(replace(self.model, plant=plant), outcome.plan, told(plant, outcome, goals)))
        self.record.save(number, result)
        emitted = result.manifest["emissions"]["emissions"]
        return Point(
            number,
            limit if limit < NO_LIMIT else emitted,
            result.cost,
            emitted,
            outcome.bound,
            outcome.ended.value,
            outcome.is_proved,
            outcome.seconds,
            result.sizes,
            result.manifest["audit"]["passed"],
        )

    def _aim(self, column: str) -> None:
        if column != self.aimed:
            self.model.aim(column)
            self.aimed = column

    def _solved(self) -> Outcome:
        horizon = horizon_of(self.model)
        model, kept = self.model.pyomo, self.compilation
        outcome = solve(model, self.settings, self.watch, self.last, load=False, horizon=horizon, compilation=kept)
        if outcome.ended is Ended.INTERRUPTED:  # what is known is kept; the search goes on from there another time
            raise KeyboardInterrupt
        if outcome.plan is None:
            raise NoPlanError(outcome)
        self.last = outcome.plan
        return outcome


@dataclass(eq=False)
class _Record:
    """What of a front is known, in memory and in its folder."""

    folder: Path | None
    key: dict[str, Any]
    known: dict[int, Point]
    least: float | None = None

    @classmethod
    def of(cls, scenario: Scenario, points: int, folder: Path | None) -> _Record:
        """Return the record of a front, with what an interrupted search has left in its folder."""
        key = {"hash": scenario.document.digest, "count": points, "engine": dict(engine())}
        if folder is None:
            return cls(None, key, {})
        wanted, cure = "a new folder, or one of this very front", "choose another --out"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            is_empty = not any(folder.iterdir())
            found = {} if is_empty else json.loads((folder / FRONT).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError([Problem(str(folder), "something that is no front", wanted, cure)]) from error
        if found and found.get("key") != key:
            other = "the front of another scenario or count, or by another engine"
            raise InputError([Problem(str(folder), other, wanted, cure)])
        known = {
            each["number"]: Point(**{k: v for k, v in each.items() if k != "gap"}) for each in found.get("computed", ())
        }
        return cls(folder, key, known, found.get("least"))

    def save(self, number: int, result: Any) -> None:
        """Write the frames of a point."""
        if self.folder is not None:
            place = self.folder / "points" / f"{number:03d}"
            place.mkdir(parents=True, exist_ok=True)
            result.save(place)

    def add(self, point: Point) -> None:
        """Keep a point, so that no interruption loses it."""
        self.known[point.number] = point
        self.close()

    def close(self) -> None:
        """Write what is known; the file is whole at any time."""
        if self.folder is None:
            return
        computed = [self.known[number].plain for number in sorted(self.known)]
        text = manifest_text({"key": self.key, "least": self.least, "computed": computed})
        new = self.folder / f".{FRONT}"
        new.write_text(text, encoding="utf-8")
        new.replace(self.folder / FRONT)


def _draw(front: Front, folder: Path) -> None:
    """Write the efficient points as a table and a picture."""
    from microgrid.plots.front import draw_front

    table(front.points).to_csv(folder / "front.csv", index=False)
    best = knee(front.points)
    pairs = [(each.emissions, each.cost, each.bound) for each in front.points]
    place = None if best is None else front.points.index(best)
    figure = draw_front(front.scenario.name, front.scenario.plant.currency, pairs, place, abatement_costs(front.points))
    figure.savefig(folder / "front.png", metadata={"Software": None})
