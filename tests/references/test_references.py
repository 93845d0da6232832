"""Cases that other tools solved, in our words; README.md beside this file says whose they are and what was changed.

A folder with an `expected.yaml` holds scenario files, and says what each must come to; a folder with a `cases.yaml`
holds small plants as a table. Every objective is met to a relative 1e-6, every listed total and size to 1e-4; every
plan is proved optimal and passes its audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from microgrid.bills.calculator import bill
from microgrid.bills.readings import Facts, Readings
from microgrid.plant import Objective, Plant
from microgrid.results import Result
from microgrid.running import settings_of, solve_plant
from microgrid.scenario import Solver, read_scenario
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline

HERE = Path(__file__).parent
HOURS_OF_YEAR = 8760.0


def read(path: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(path)


EXACT = settings_of(Solver.model_validate(read(HERE / "base.yaml")["solver"]))
EXPECTED = {folder.parent.name: read(folder) for folder in sorted(HERE.glob("*/expected.yaml"))}
UNIT_COMMITMENT = read(HERE / "pypsa_unit_commitment" / "cases.yaml")
MICRO = read(HERE / "flixopt_micro" / "cases.yaml")
CLOSED_FORM = read(HERE / "bills" / "closed_form.yaml")


def total(result: Result, name: str) -> float:
    """Return the sum of a flow (kWh, kg), of a state or of a ledger column: "roof output", "chp starts", "demand"."""
    if " " not in name:
        return (result.manifest["costs"] | result.manifest["emissions"])[name]
    flow = named(result.flows, "port", name)["rate"].to_numpy()
    if len(flow):
        return abs(float((flow * result.steps["hours"] * result.steps["weight"]).sum()))
    return float(along(result, name).sum())


def along(result: Result, name: str) -> np.ndarray:
    """Return a flow or a state by step: "coal output", "coal on"."""
    flow = named(result.flows, "port", name)["rate"].to_numpy()
    state = named(result.states, "state", name)["value"].to_numpy()
    assert len(flow) or len(state), f"no {name} in the result"
    return flow if len(flow) else state


def named(frame: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    """Return the rows of an asset and its port or state."""
    asset, quantity = name.split()
    return frame[(frame["asset"] == asset) & (frame[column] == quantity)]


def assert_meets(result: Result, expected: Mapping[str, Any]) -> None:
    """Assert that a plan is proved, audited, and comes to what was expected."""
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    assert result.manifest["outcome"]["proved"]
    assert result.manifest["outcome"]["objective"] == pytest.approx(expected["objective"], rel=1e-6)
    for name, value in expected.get("totals", {}).items():
        assert total(result, name) == pytest.approx(value, rel=1e-4, abs=1e-3), name
    for name, value in expected.get("sizes", {}).items():
        asset, field = name.split()
        assert result.sizes[asset][field] == pytest.approx(value, rel=1e-4, abs=1e-6), name
    for name, values in expected.get("series", {}).items():
        assert along(result, name) == pytest.approx(values, rel=1e-6, abs=1e-6), name


# `size` solves the sizing reference, in tests/planning/test_reference_tool.py: a year is solved but once.
SOLVED = [(case, name) for case, found in EXPECTED.items() for name in found if case != "sizing_lp"]


@pytest.mark.parametrize(("case", "name"), SOLVED)
def test_scenario(case: str, name: str):
    expected = EXPECTED[case][name]
    scenario = read_scenario(HERE / case / f"{name}.yaml")
    plant, steps = scenario.plant, scenario.plant.timeline
    if "weight" in expected:
        plant = replace(
            plant, timeline=Timeline(steps.index, steps.hours, np.full(len(steps), float(expected["weight"])))
        )
    assert_meets(solve_plant(plant, settings_of(scenario.solver)), expected)


@pytest.mark.parametrize("case", EXPECTED)
def test_every_scenario_is_expected(case: str):
    assert {path.stem for path in (HERE / case).glob("*.yaml")} - {"expected", "closed_form"} == set(EXPECTED[case])


@pytest.mark.parametrize("name", UNIT_COMMITMENT)
def test_pypsa_unit_commitment(name: str):
    case = UNIT_COMMITMENT[name]
    units = {unit: generator(**data) for unit, data in case["units"].items()}
    load = {"kind": "production_load", "demand": case["load"]}
    fuel = {"kind": "supply", "bus": "natural_gas", "price": 0}
    assert_meets(solved({**units, "fuel": fuel, "load": load}), case)


def generator(capacity: float, price: float, **commitment: Any) -> dict[str, Any]:
    """Return a unit whose marginal cost is `price`: its fuel is free, and none is lost."""
    plain = {"kind": "fuel_generator", "capacity": capacity, "electric_efficiency": 1, "variable_cost": price}
    return plain | ({"commitment": commitment} if commitment else {})


@pytest.mark.parametrize("name", MICRO)
def test_flixopt_micro(name: str):
    assert_meets(solved(MICRO[name]["assets"], MICRO[name].get("caps", {})), MICRO[name])


@pytest.mark.parametrize("name", [name for name in MICRO if name.startswith("storage")])
def test_flixopt_micro_as_heat(name: str):
    assert_meets(solved(as_heat(MICRO[name]["assets"])), MICRO[name])


def as_heat(assets: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a battery case on a heat bus: a supply for the grid connection, a heat storage for the battery."""
    words = {"self_discharge": "loss"} | {
        f"{end}_charge": f"{end}_fill" for end in ("minimum", "maximum", "initial", "final")
    }
    store = {words.get(key, key): value for key, value in assets["store"].items()}
    return {
        "grid": {"kind": "supply", "bus": "heat", "price": assets["grid"]["import_price"]},
        "store": store | {"kind": "heat_storage"},
        "load": {**assets["load"], "bus": "heat"},
    }


def solved(assets: Mapping[str, Mapping[str, Any]], caps: Mapping[str, float] | None = None) -> Result:
    """Solve a plant of the table: an hour for each value of the load."""
    hours = len(assets["load"]["demand"])
    built = {name: technology(data, hours) for name, data in assets.items()}
    plant = Plant(Timeline.of_hours([1.0] * hours), built, objective=Objective(caps=caps or {}), currency="EUR")
    return solve_plant(plant, EXACT)


def technology(data: Mapping[str, Any], hours: float) -> Technology:
    """Return an asset of the table; a size is paid for in full within `hours`."""
    whole = {"lifetime": hours / HOURS_OF_YEAR, "interest": 0}
    fields = {
        key: {**value, **whole} if isinstance(value, dict) and "high" in value else value
        for key, value in data.items()
        if value is not None
    }
    return technologies()[fields["kind"]].model_validate(fields)


@pytest.mark.parametrize("name", CLOSED_FORM)
def test_bill_in_closed_form(name: str):
    """The calculator bills the load; the engine, which has no choice, spends as much, and is audited."""
    case = CLOSED_FORM[name]
    load = np.full(case["load"]["hours"], float(case["load"]["level"]))
    for hour, value in case["load"].get("at", {}).items():
        load[hour - 1] = value
    timeline = Timeline.of_hours(np.ones(len(load)), "2022-01-01T00:00+00:00")
    tariff = Tariff.model_validate({"components": case["components"]})
    readings = Readings(timeline.index, timeline.hours, load, np.zeros(len(load)))
    found = bill(tariff, readings, Facts())
    assert found.total == pytest.approx(case["expected"], rel=1e-9)
    if "billed" in case:
        assert [item.quantity for item in found.items] == pytest.approx(case["billed"])
    grid = GridConnection(capacity=1000.0, tariff=tariff)
    plan = solve_plant(Plant(timeline, {"grid": grid, "load": ProductionLoad(demand=load)}, currency="USD"), EXACT)
    assert plan.manifest["audit"]["passed"], plan.manifest["audit"]["findings"]
    assert plan.cost == pytest.approx(case["expected"], rel=1e-9)
