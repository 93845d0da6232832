"""Random plants, always feasible: each is solved to proven optimality, and its plan is audited clean.

Assets are the cases of the laws with every field moved at random within its range; prices fall below zero; steps are
unequal. A neighbour on each bus takes and gives whatever is needed, so there is always a plan. Seeds are fixed: every
run draws the same plants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from microgrid.capacity import Fixed, Sized
from microgrid.carriers import CARRIERS
from microgrid.fields import Along, Quantity
from microgrid.footprint import Batch, footprint
from microgrid.origins import Origins, origins
from microgrid.plant import Objective, Plant, PlantBus
from microgrid.results import Result
from microgrid.running import solve_plant
from microgrid.series import Series
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline
from tests.laws.cases import UNDECIDED, Case, cases
from tests.laws.rules import marks_of, nested_models, put, rule
from tests.laws.surroundings import DEFAULT, DEMAND, PLENTY, PRICES, Neighbour
from tests.test_origins import imbalance

PARTS, PLANTS_A_PART = 4, 26

STEPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
FACTORS = (1.0, 0.0, 0.5, 0.8, 1.25, 2.0)
PRICE_FACTORS = (1.0, -1.0, -0.2, 0.0, 0.5, 3.0)
# Fields that may only move to where a plan is sure to exist: a unit that must stay on for longer than it may cannot.
ONLY = {
    "window": (1.0,),
    "minimum_up": (1.0, 0.0, 0.5),
    "maximum_up": (1.0, 2.0),
    "maximum_hours": (1.0, 2.0),
    "hours_before": (1.0,),
    "segments": (1.0,),
    # A store that cannot be filled cannot end as it began, and a boiler that must run takes no end of fuel.
    "charge_limit": (1.0, 0.8),
    "charge_efficiency": (1.0, 0.8),
    "discharge_efficiency": (1.0, 0.8),
    "efficiency": (1.0, 0.8),
    "electric_efficiency": (1.0, 0.8),
}
# What a unit gave before the horizon, as a share of its capacity: more than it has would never ramp down in time.
SHARE_BEFORE = 0.3


@st.composite
def numbers(draw: Callable[..., Any], value: float, mark: Quantity, name: str) -> float:
    """Draw a number around a value, within its range."""
    moved = value * draw(st.sampled_from(ONLY.get(name, FACTORS)))
    return float(np.clip(moved, -np.inf if mark.low is None else mark.low, np.inf if mark.high is None else mark.high))


@st.composite
def series(draw: Callable[..., Any], values: Series, mark: Along, steps: int) -> Series:
    """Draw a series around a mean; prices fall to zero and below."""
    factors = PRICE_FACTORS if mark.unit.startswith("CUR") else FACTORS
    drawn = draw(st.lists(st.sampled_from(factors), min_size=steps, max_size=steps))
    return Series(np.clip(float(np.mean(values.values)) * np.array(drawn), mark.low, mark.high), values.unit)


@st.composite
def capacities(draw: Callable[..., Any], amount: float) -> Fixed | Sized:
    """Draw a capacity: a number, or a decision of every kind."""
    amount *= draw(st.sampled_from(FACTORS[2:]))
    shape = draw(st.sampled_from(("fixed", "fixed", "sized", "modules", "built")))
    if shape == "fixed":
        return Fixed(amount=amount, opex=draw(st.sampled_from((0.0, 20.0))))
    common = {"high": amount, "capex": draw(st.sampled_from((0.0, 300.0, 5000.0))), "lifetime": 10.0}
    if shape == "sized":
        return Sized(**common, opex=15.0)
    if shape == "modules":
        return Sized(**common, unit_size=amount / draw(st.sampled_from((1, 3, 4))))
    return Sized(
        **common, low=0.3 * amount, optional=draw(st.booleans()), build_cost=draw(st.sampled_from((0.0, 900.0)))
    )


def tried(model: Any, changes: dict[str, Any]) -> Any:
    """Return a model with changes, or as it was where they do not fit together with the rest of it."""
    try:
        return put(model, changes)
    except ValidationError:
        return model


@st.composite
def moved(draw: Callable[..., Any], model: BaseModel, steps: int) -> Any:
    """Draw a model whose every field is moved, dropped or left, as far as the fields fit together."""
    fields = type(model).model_fields
    flat = {name: Series(np.asarray(float(np.mean(value.values))), value.unit) for name, value in _series_of(model)}
    model = put(model, flat)
    for name, value in flat.items():
        model = tried(model, {name: draw(series(value, _along(fields[name]), steps))})
    for name, info in fields.items():
        value, ruled = getattr(model, name), rule(type(model), name, info)
        if value is None or name in flat or name == "kind" or name.endswith("_before"):
            continue
        if type(None) in get_args(info.annotation) and draw(st.integers(0, 7)) == 7:
            model = tried(model, {name: None})
        elif ruled == "quantity":
            mark = next(mark for mark in marks_of(info) if isinstance(mark, Quantity))
            model = tried(model, {name: draw(numbers(value, mark, name))})
        elif ruled == "nested" and isinstance(value, BaseModel) and nested_models(info.annotation):
            model = tried(model, {name: draw(moved(value, steps))})
        elif ruled == "stays" and get_origin(info.annotation) is Literal:
            model = tried(model, {name: draw(st.sampled_from(get_args(info.annotation)))})
        elif ruled == "stays" and isinstance(value, bool):
            model = tried(model, {name: draw(st.booleans())})
        elif ruled == "stays" and isinstance(value, int) and name not in ONLY:
            model = tried(model, {name: max(0, value + draw(st.integers(-1, 1)))})
    return model


def _series_of(model: BaseModel) -> list[tuple[str, Series]]:
    named = [(name, getattr(model, name)) for name in type(model).model_fields]
    return [(name, value) for name, value in named if isinstance(value, Series)]


def _along(info: Any) -> Along:
    return next(mark for mark in marks_of(info) if isinstance(mark, Along))


@st.composite
def assets(draw: Callable[..., Any], case: Case, steps: int, weighted: bool) -> Technology:
    """Draw an asset around a case, with capacities drawn together and histories that fit them."""
    asset: Technology = draw(moved(case.asset, steps))
    drawn = {name: draw(capacities(capacity.high)) for name, capacity in asset.capacities().items()}
    if drawn and draw(st.integers(0, 9)) == 9:
        drawn = dict.fromkeys(drawn, Fixed(amount=0.0))
    undecided = UNDECIDED.get(case.kind, {}) if any(isinstance(size, Sized) for size in drawn.values()) else {}
    asset = tried(asset, undecided | drawn)
    return _with_a_way_out(asset, weighted)


def _with_a_way_out(asset: Technology, weighted: bool) -> Technology:
    """Return an asset whose history and whose end leave it a plan."""
    changes: dict[str, Any] = {}
    amounts = [size.amount if isinstance(size, Fixed) else 0.0 for size in asset.capacities().values()]
    before = SHARE_BEFORE * min(amounts) if amounts and min(amounts) > 0 else None
    names = type(asset).model_fields
    if getattr(asset, "power_before", None) is not None:
        # Stacks that are still warming up gave nothing before, whatever the commitment of the rest is.
        changes["power_before"] = 0.0 if getattr(asset, "hours_before", None) is not None else before
    if "commitment" in names and getattr(asset, "commitment", None) is not None and asset.commitment.output_before:
        changes["commitment.output_before"] = before
    for end, start in (("final_charge", "initial_charge"), ("final_fill", "initial_fill")):
        if end in names:
            changes |= {end: None, "cyclic": False} if getattr(asset, start) is not None else {end: None}
    if weighted and "demand_charge" in names:
        changes["demand_charge"] = None
    return put(asset, changes)


@st.composite
def neighbours_on(draw: Callable[..., Any], bus: str, steps: int) -> Neighbour:
    """Draw a neighbour who takes and gives all that is needed, at prices that may be negative."""
    unit = CARRIERS[bus].flow_unit
    mean = float(np.median(PRICES.get(bus, DEFAULT)["both"]))
    asks = mean * np.array(draw(st.lists(st.sampled_from(PRICE_FACTORS), min_size=steps, max_size=steps)))
    pays = asks - draw(st.sampled_from((0.1, 0.0, 1.0))) * mean
    demand = float(np.mean(DEMAND[unit])) * draw(st.sampled_from((1.0, 0.0, 0.5)))
    return Neighbour(
        bus=bus,
        demand=Series(np.asarray(demand)),
        asks=Series(asks),
        pays=Series(pays),
        sells=PLENTY[unit],
        buys=PLENTY[unit],
    )


@st.composite
def timelines(draw: Callable[..., Any]) -> Timeline:
    """Draw unequal steps in whole quarter hours; long ones start on the hour's quarter, as meters do."""
    hours = draw(st.lists(st.sampled_from(STEPS), min_size=2, max_size=8))
    start = draw(st.sampled_from(("2026-01-05T00:00+00:00", "2026-03-28T22:00+00:00", "2027-12-31T21:30+00:00")))
    zone = draw(st.sampled_from(("UTC", "Europe/Berlin", "Asia/Shanghai")))
    weights = draw(st.sampled_from((None, None, 1.0, 30.0)))
    several = None if weights is None else [weights * (1 + step % 3) for step in range(len(hours))]
    return Timeline.of_hours(hours, start=start, zone=zone, weights=several)


@st.composite
def plants(draw: Callable[..., Any]) -> Plant:
    """Draw a plant of one to four assets with a neighbour on each bus."""
    timeline = draw(timelines())
    steps, weighted = len(timeline), not timeline.is_plain
    kinds = draw(st.lists(st.sampled_from(sorted(technologies())), min_size=1, max_size=4, unique=True))
    standing: dict[str, Technology] = {}
    for kind in kinds:
        case = draw(st.sampled_from([case for case in cases() if case.kind == kind]))
        standing[kind] = draw(assets(case, steps, weighted))
    buses = sorted({bus for asset in standing.values() for bus, _ in asset.buses().values()})
    around = {f"neighbour on {bus}": draw(neighbours_on(bus, steps)) for bus in buses}
    goals = draw(
        st.sampled_from(
            (("cost",), ("cost",), ("cost", "emissions"), ("emissions", "cost"), ("scope_2_market", "cost"))
        )
    )
    objective = Objective(
        goals=goals,
        carbon_price=draw(st.sampled_from((0.0, 0.08))),
        basis=draw(st.sampled_from(("location", "market"))),
        scopes=draw(st.sampled_from(((1, 2), (1, 2, 3)))),
    )
    surplus = {"heat": PlantBus(CARRIERS["heat"], surplus=True)} if "heat" in buses and draw(st.booleans()) else {}
    return Plant(timeline, standing | around, surplus, objective, currency="EUR")


def is_planned(plant: Plant) -> None:
    """Solve a plant; the plan must be there, proved and audited clean."""
    for name, asset in plant.assets.items():
        note(f"{name}: {asset!r}")
    note(f"hours {plant.timeline.hours.tolist()}, weights {plant.timeline.weights.tolist()}, {plant.objective}")
    result = solve_plant(plant)
    assert result.manifest["outcome"]["proved"], result.manifest["outcome"]
    assert result.manifest["audit"]["findings"] == []
    assert np.isfinite(result.cost)
    found = origins(result)
    assert imbalance(found) < 1e-6, "what sources give ends in uses, exports and stocks"
    assert footprint(result, made(result), factors_of(found)).imbalance < 1e-6
    assert all(((mix.sum(axis=1) - 1.0) * mix.sum(axis=1) < 1e-9).all() for mix in found.shares.values())


def made(result: Result) -> list[Batch]:
    """Return two batches of the first half of a plan, made by all that draws without giving."""
    time = result.steps["time"]
    loads = tuple(dict.fromkeys(str(name) for name in result.flows["asset"] if str(name) == "production_load"))
    middle = time.iloc[len(time) // 2]
    return [Batch(name, "p", mass, loads, time.iloc[0], middle) for name, mass in (("A", 1.0), ("B", 3.0))]


def factors_of(found: Origins) -> dict[str, dict[str, Any]]:
    """Return a life-cycle factor for each source, no two alike."""
    return {s.asset: {"family": "footprint", "value": 0.1 * at + 0.05} for at, s in enumerate(found.sources)}


def of_all_plants(part: int, check: Callable[[Plant], None]) -> int:
    """Call `check` with every plant of a part; return how many passed."""
    passed = 0

    def look_at(plant: Plant) -> None:
        nonlocal passed
        check(plant)
        passed += 1

    quiet = settings(
        max_examples=PLANTS_A_PART,
        database=None,
        deadline=None,
        # Shrinking would solve a plant that fails a thousand times more; add Phase.shrink to make it small.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    seed(part)(quiet(given(plants())(look_at)))()
    return passed


@pytest.mark.parametrize("part", range(PARTS))
def test_random_plants_are_solved_and_audited(part: int) -> None:
    """A row that only sometimes holds, a binary missing where prices turn, a claim that is wrong for some field."""
    assert of_all_plants(part, is_planned) >= PLANTS_A_PART


def test_the_plants_are_as_various_as_they_should_be() -> None:
    """A hundred plants of the same kind would show little: each technology, decisions and negative prices come up."""
    seen: set[str] = set()

    def look(plant: Plant) -> None:
        for asset in plant.assets.values():
            sizes = asset.capacities().values()
            seen.add(getattr(asset, "kind", "neighbour"))
            seen.update("decided" for size in sizes if isinstance(size, Sized))
            seen.update("nothing" for size in sizes if size.high == 0)
            seen.update("negative price" for one in asset.series().values() if one.lowest < 0)
        seen.add("weights" if not plant.timeline.is_plain else "plain")

    for part in range(PARTS):
        of_all_plants(part, look)
    assert seen >= {*technologies(), "decided", "nothing", "negative price", "weights", "plain"}
