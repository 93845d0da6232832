"""Cases of the same rows share a model and what is compiled of it, and nobody can tell from their plans."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import microgrid
from microgrid.batching import solving
from microgrid.batching.batch import batch
from microgrid.carriers import CARRIERS
from microgrid.families import expand
from microgrid.model import assemble
from microgrid.plant import Objective, Plant, PlantBus, Worth
from microgrid.running import Written
from microgrid.scenario import read_scenario
from microgrid.timeline import Timeline
from solvers import templating
from solvers.compile import compile_model
from tests.batching.files import PLANT, SWEEP, write
from tests.solvers.test_compilation import assert_equal

DAYS = sorted((Path(__file__).parents[2] / "scenarios").glob("*/day.yaml"))
OBJECTIVES: list[dict[str, Any]] = [
    {"carbon_price": 0.05},
    {"caps": {"emissions": 9e3, "cost": 1e6}, "carbon_price": 0.2},
    {"carbon_prices": {"scope_2_location": 0.1}},
    {},
]


@pytest.mark.parametrize("path", DAYS, ids=lambda path: path.parent.name)
def test_a_model_with_another_objective_has_the_arrays_of_a_new_one(path):
    """Bit by bit, in whatever order the objectives come, and after it was solved towards several goals."""
    plant = read_scenario(path).plant
    written = Written()
    for numbers in OBJECTIVES:
        other = replace(plant, objective=replace(plant.objective, **numbers))
        model, compilation = written.of(other)
        with templating():
            assert_equal(compilation.matrix(), compile_model(assemble(other).pyomo))
            model.hold("cost", 1e6)
            model.aim("emissions")
            compilation.matrix()


def test_rows_are_shared_between_prices_of_carbon_and_between_nothing_else():
    """Whatever field a plant may have, another value of it asks for rows of its own."""
    plant = read_scenario(DAYS[0], {"objective.carbon_price": "1 CNY/tCO2"}).plant
    twin = replace(plant, objective=replace(plant.objective, carbon_price=0.1, caps={"emissions": 1.0}))
    assert twin.has_rows_of(plant)
    worth = {"battery": {"stored": (Worth(1.0, 1.0, 0.0),)}}
    others: dict[str, Any] = {
        "timeline": Timeline.of_hours(plant.timeline.hours, start="2018-07-16T00:00+08:00", zone="Asia/Shanghai"),
        "assets": dict(reversed(plant.assets.items())),
        "buses": {"roof": PlantBus(CARRIERS["electricity"], True)},
        "objective": replace(plant.objective, goals=("emissions",)),
        "discount_rate": 0.01,
        "currency": "EUR",
        "accounting": replace(plant.accounting, trading_price=1.0),
        "policies": ("another",),
        "areas": {"roof": 1.0},
        "stock_worth": worth,
        "flow_limits": {"battery": {"charge": ()}},
        "kept_states": {"battery": {"on": ()}},
        "year": 2030,
    }
    assert others.keys() == {part.name for part in fields(Plant)}
    for name, value in others.items():
        other = replace(plant)
        object.__setattr__(other, name, value)  # past the checks: some of these are no plants
        assert not other.has_rows_of(plant), name
    assert not replace(plant, objective=replace(plant.objective, carbon_price=0.0)).has_rows_of(plant)
    numbers = {"carbon_price", "carbon_prices", "caps"}
    changes = {"goals": ("emissions",), "basis": "market", "scopes": (1,), "slack": 0.1}
    assert changes.keys() | numbers == {part.name for part in fields(Objective)}
    for name, value in changes.items():
        assert not replace(plant, objective=replace(plant.objective, **{name: value})).has_rows_of(plant), name
    same = dict(plant.assets) | {"battery": plant.assets["battery"].model_copy()}
    assert not replace(plant, assets=same).has_rows_of(plant), "an asset that was read anew may be another"


def test_each_case_has_the_plan_of_a_run_of_its_own(tmp_path, monkeypatch):
    """Linear: costs to a millionth. The battery's axis asks for rows of its own, the carbon price does not."""
    monkeypatch.chdir(tmp_path)
    family = write(tmp_path, PLANT + SWEEP)
    models = set()
    of = Written.of

    def counted(self, plant):
        model, compilation = of(self, plant)
        models.add(model.pyomo)
        return model, compilation

    monkeypatch.setattr(solving.Written, "of", counted)
    batch(family, tmp_path / "out", workers=0)
    monkeypatch.undo()
    assert len(models) == 6  # the axis of the battery changes first
    runs = microgrid.load_runs(tmp_path / "out")
    for case in expand([family]):
        alone = microgrid.run(family, case=case.name)
        assert runs.figures.loc[case.name, "cost"] == pytest.approx(alone.cost, rel=1e-6, abs=1e-9), case.name
        shared = runs.store.result(case.name)
        assert shared.manifest["outcome"]["objective"] == pytest.approx(alone.manifest["outcome"]["objective"], 1e-6)
        assert shared.manifest["audit"]["passed"]


def test_prices_of_carbon_share_a_model_and_keep_their_plans(tmp_path, monkeypatch):
    """A day with commitment under three prices and a cap: each to the gap of its own run, by one model a chunk."""
    monkeypatch.chdir(tmp_path)
    sweep = (
        "sweep:\n  grid:\n    carbon price: "
        "{field: objective.carbon_price, values: [1 EUR/tCO2, 80 EUR/tCO2, 300 EUR/tCO2, 80000 EUR/tCO2]}\n"
    )
    family = write(tmp_path, PLANT + sweep)
    models = []
    of = Written.of
    monkeypatch.setattr(
        solving.Written, "of", lambda self, plant: (models.append((found := of(self, plant))[0].pyomo), found)[1]
    )
    batch(family, tmp_path / "out", workers=0)
    assert len(models) == 4
    assert len(set(map(id, models))) == 1
    costs = microgrid.load_runs(tmp_path / "out").figures["cost"]
    assert list(costs) == pytest.approx([15.0 + 40.0 * price / 1000 for price in (1.0, 80.0, 300.0, 80000.0)])


def test_a_case_without_a_plan_leaves_the_model_to_the_next(tmp_path, monkeypatch):
    """Of 40 kg at least, none may be more than 1 kg: no plan; the next case has one again."""
    monkeypatch.chdir(tmp_path)
    sweep = (
        "objective: {caps: {emissions: 100 kgCO2}}\nsweep:\n  grid:\n    cap: "
        "{field: objective.caps.emissions, values: [100 kgCO2, 1 kgCO2, 50 kgCO2]}\n"
    )
    summary = batch(write(tmp_path, PLANT + sweep), tmp_path / "out", workers=0)
    assert dict(summary.ended) == {"proved": 2, "infeasible": 1}
