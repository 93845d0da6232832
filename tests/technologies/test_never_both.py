"""Stores that may pay for wasting energy: both ways at once are excluded where a plan would use them, and exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid.capacity import Sized
from microgrid.carriers import CARRIERS
from microgrid.model import assemble
from microgrid.plant import Objective, PlantBus
from microgrid.rolling.first_stage import FirstStage
from microgrid.rolling.hedging import hedged
from microgrid.running import solve_plant
from microgrid.technologies.battery import Battery
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.heat_pump import HeatPump
from microgrid.technologies.heat_storage import HeatStorage
from microgrid.technologies.hydrogen_tank import HydrogenTank
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from solvers import Settings, rounds, templating
from solvers.compile import compile_model
from solvers.lazy import lazy_rows
from tests.plants import plant, solved

EXACT = Settings(gap=0.0)
METHODS = ("auto", "direct", "windows", "neighbourhood")


def paid_to_draw(exclusive, price=1.0):
    """Return 1 h in which drawing is paid 1 per kWh, and 1 h at `price` with a load of 20 kW."""
    battery = Battery(
        energy=50.0, power=100.0, charge_efficiency=0.8, discharge_efficiency=0.5, initial_charge=0.0,
        exclusive=exclusive,
    )  # fmt: skip
    grid = GridConnection(capacity=1000.0, import_price=[-1.0, price])
    return {"b": battery, "g": grid, "l": ProductionLoad(demand=[0.0, 20.0])}


@pytest.mark.parametrize("method", METHODS)
def test_a_battery_does_not_burn_what_it_is_paid_for(method):
    """Charging fills 50 kWh with 62.5, paid 62.5; 40 of them are the load's 20: -62.5 in all.

    Both ways at once would draw 100 and give back 15, so that 80 - 30 = 50 stay in the cells, paid 85.
    """
    with templating():
        model = assemble(plant(paid_to_draw("auto"), [1.0, 1.0]))
    found = solve_plant(plant(paid_to_draw("auto"), [1.0, 1.0]), replace(EXACT, method=method)).manifest
    assert found["audit"]["passed"]
    assert found["outcome"]["objective"] == pytest.approx(-62.5, abs=1e-6)
    assert found["outcome"]["bound"] == pytest.approx(-62.5, abs=1e-6)
    assert found["outcome"]["integers"] == int(compile_model(model.pyomo).integer.sum()) == 2
    always = solve_plant(plant(paid_to_draw("always"), [1.0, 1.0]), EXACT).manifest
    assert found["outcome"]["objective"] == pytest.approx(always["outcome"]["objective"], rel=1e-9)
    never = solve_plant(plant(paid_to_draw("never"), [1.0, 1.0]), EXACT).manifest
    assert never["outcome"]["objective"] == pytest.approx(-85.0)


def test_where_nothing_is_gained_no_binary_is_solved(monkeypatch):
    """At prices of 0 and 1 the battery serves the load for nothing, one way at a time or mended to it at no cost."""
    whole = []
    real = rounds._Search._round

    def look(search, freed, start):
        whole.append(int(freed.left.integer.sum()))
        return real(search, freed, start)

    monkeypatch.setattr(rounds._Search, "_round", look)
    assets = paid_to_draw("auto") | {"g": GridConnection(capacity=1000.0, import_price=[0.0, 1.0])}
    assert solved(assets, [1.0, 1.0]).cost == pytest.approx(0.0, abs=1e-9)
    assert whole == [0]


def stores(exclusive, *, is_sized):
    """Return a battery, to be sized or of 40 kWh, a heat store and a hydrogen tank, all with losses."""
    energy = Sized(low=0.0, high=80.0, capex=1.0, lifetime=20.0) if is_sized else 40.0
    return {
        "cells": Battery(
            energy=energy, power=25.0, charge_efficiency=0.9, discharge_efficiency=0.8, exclusive=exclusive
        ),
        "water": HeatStorage(
            bus="heat", energy=60.0, power=30.0, charge_efficiency=0.9, discharge_efficiency=0.95, exclusive=exclusive
        ),
        "tank": HydrogenTank(capacity=8.0, charge_limit=2.0, discharge_limit=2.0, compression_energy=4.0,
                             exclusive=exclusive),
    }  # fmt: skip


def factory(seed, exclusive, objective=None):
    """Return a plant of twelve unequal steps with power, heat and hydrogen, at prices of both signs."""
    draw = np.random.default_rng(seed)
    steps = 12
    price = draw.normal(0.02, 0.12, steps).round(3)
    around = {
        "grid": GridConnection(
            capacity=300.0, import_price=price, export_price=price - 0.01, export_limit=15.0,
            location_factor=draw.uniform(0.1, 0.6, steps).round(3), market_factor=0.3,
        ),
        "sun": Photovoltaic(capacity=80.0, availability=draw.uniform(0.0, 1.0, steps).round(3)),
        "pump": HeatPump(capacity=60.0, cop=3.0),
        "stack": Electrolyser(capacity=60.0, consumption=50.0),
        "power": ProductionLoad(demand=draw.uniform(0.0, 60.0, steps).round(1)),
        "warmth": ProductionLoad(bus="heat", demand=draw.uniform(0.0, 50.0, steps).round(1)),
        "gas": ProductionLoad(bus="hydrogen", demand=draw.uniform(0.0, 0.8, steps).round(2)),
    }  # fmt: skip
    buses = {"heat": PlantBus(CARRIERS["heat"], surplus=bool(seed % 2))}
    hours = draw.choice([0.25, 0.5, 1.0, 2.0], steps)
    return plant(around | stores(exclusive, is_sized=seed % 3 == 0), hours, objective, buses)


@pytest.mark.parametrize("seed", range(16))
def test_random_plants_cost_no_more_than_with_every_binary(seed):
    """Lazy or always: the same optimum; and the audit, which knows nothing of either, finds no both at once."""
    found = [solve_plant(factory(seed, how), EXACT).manifest for how in ("auto", "always")]
    assert all(each["audit"]["passed"] for each in found)
    lazy, always = (each["outcome"] for each in found)
    assert lazy["proved"]
    assert lazy["objective"] == pytest.approx(always["objective"], rel=1e-6, abs=1e-6)
    assert lazy["bound"] == pytest.approx(lazy["objective"], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_goals_that_count_no_money_are_reached_alike(seed):
    """Where only emissions count, both ways at once cost nothing wherever energy is clean or over: the mended plan."""
    wanted = Objective(("emissions",))
    found = [solve_plant(factory(seed, how, wanted), EXACT).manifest for how in ("auto", "always")]
    assert all(each["audit"]["passed"] for each in found)
    lazy, always = (each["outcome"] for each in found)
    assert lazy["proved"]
    assert lazy["objective"] == pytest.approx(always["objective"], rel=1e-5, abs=1e-6)
    assert [goal["column"] for goal in lazy["goals"]] == ["emissions", "cost"]
    assert lazy["goals"][1]["objective"] == pytest.approx(always["goals"][1]["objective"], rel=1e-4, abs=1e-3)


def marked(model):
    """Return how many rows of a model are lazy, by the name of the rule."""
    matrix = compile_model(model)
    names = [matrix.row_name(int(row)).split(".")[-1].split("[")[0] for row in np.flatnonzero(lazy_rows(model, matrix))]
    return {name: names.count(name) for name in names}


def test_what_is_to_be_kept_apart_always_is_so_from_the_start():
    """Three stores of twelve steps: 36 rows for each way; none of them lazy where they are to be there always."""
    with templating():
        auto, always = (assemble(factory(0, how)).pyomo for how in ("auto", "always"))
    assert marked(auto) == {"only_first_way": 36, "only_second_way": 36}
    assert marked(always) == {}


def test_several_futures_in_one_model_are_all_found():
    """Two futures of one battery at two steps: four rows for each way."""
    plants = {name: plant(paid_to_draw("auto", price), [1.0, 1.0]) for name, price in (("calm", 1.0), ("dear", 2.0))}
    with templating():
        model = hedged(plants, {"calm": 0.5, "dear": 0.5}, FirstStage())
    assert marked(model.pyomo) == {"only_first_way": 4, "only_second_way": 4}
