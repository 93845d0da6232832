"""Scenario files read as they are meant, and every fault of every file in one go."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from microgrid.capacity import Sized
from microgrid.scenario import read_scenario
from tests.files import CSV, PLANT, changed, problems, write

HORIZON = "{start: 2026-06-15, days: 1, step: 1 h}"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path()


def scenario(here, *changes, more="", csv=CSV, overrides=None, **others):
    return read_scenario(write(here, changed(PLANT, changes) + more, csv, **others), overrides)


def timeline(here, horizon, zone="Europe/Berlin"):
    constant = ("demand: {file: site.csv, column: load}", "demand: 3 kW")
    return scenario(here, (HORIZON, horizon), ("Europe/Berlin", zone), constant).plant.timeline


def test_a_scenario_is_read_in_house_units(here):
    read = scenario(here)
    plant = read.plant
    assert read.name == "plant"
    assert plant.currency == "EUR"
    assert plant.assets["battery"].energy.amount == 1000.0
    assert plant.assets["grid"].import_price.on(plant.timeline).tolist() == [0.2] * 24
    assert plant.assets["plant"].demand.on(plant.timeline).tolist() == [100.0 + hour for hour in range(24)]
    assert plant.objective.goals == ("cost",)
    assert read.solver.name == "highs"


def test_sections(here):
    more = """\
name: A name
description: A text
finance: {discount_rate: 8 %}
buses: {steam: {carrier: heat, surplus: true}}
objective:
  minimise: [emissions, cost]
  carbon_price: 60 EUR/tCO2e
  basis: market
  scopes: [1, 2, 3]
  caps: {cost: 5 EUR, emissions: 2 tCO2e, scope_3: 1 kgCO2}
  slack: 1 %
solver: {name: highs, gap: 0.1 %, time_limit: 90 s, threads: 2, seed: 3, options: {a: 1, b: x, c: true, d: 0.5}}
"""
    read = scenario(here, more=more)
    goal = read.plant.objective
    assert (read.name, read.description, read.plant.discount_rate) == ("A name", "A text", 0.08)
    assert read.plant.buses["steam"].surplus
    assert (goal.goals, goal.basis, goal.scopes, goal.slack) == (("emissions", "cost"), "market", (1, 2, 3), 0.01)
    assert goal.carbon_price == pytest.approx(0.06)
    assert goal.caps == {"cost": 5.0, "emissions": 2000.0, "scope_3": 1.0}
    assert (read.solver.gap, read.solver.time_limit, read.solver.threads) == (0.001, 0.025, 2)
    assert read.solver.options == {"a": 1, "b": "x", "c": True, "d": 0.5}


@pytest.mark.parametrize("name", ["钢厂", "größe", "पंप", "a b", "a-b_c", "1", "file", "kind", "x" * 60])
def test_names_of_every_script(here, name):
    read = scenario(here, ("  plant:", f"  {name}:"))
    assert name in read.plant.assets


def test_a_series_with_factor_and_addend(here):
    read = scenario(here, ("column: load}", "column: load, times: 50 %, plus: 0.01 MW}"))
    assert read.plant.assets["plant"].demand.on(read.plant.timeline)[:2].tolist() == [60.0, 60.5]


def test_anchors_and_merge_keys(here):
    more = "  second:\n    <<: *b\n    energy: {low: 0 kWh, high: 2 MWh, capex: 250 EUR/kWh}\n"
    read = scenario(here, ("  battery:\n", "  battery: &b\n"), more=more)
    assert read.plant.assets["second"].power == read.plant.assets["battery"].power
    assert isinstance(read.plant.assets["second"].energy, Sized)


def test_numbers_of_any_writing(here):
    more = "solver: {seed: 1_000, gap: 1e-3, time_limit: 1.5e2 s}\nobjective: {slack: .5}\n"
    read = scenario(here, more=more)
    assert (read.solver.seed, read.solver.gap, read.plant.objective.slack) == (1000, 0.001, 0.5)
    assert read.solver.time_limit == pytest.approx(150 / 3600)


BERLIN, SYDNEY, HOWE = "Europe/Berlin", "Australia/Sydney", "Australia/Lord_Howe"
THREE_SPANS = "{start: 2026-03-28, spans: [{days: 1, step: 15 min}, {length: 23 h, step: 1 h}, {days: 1, step: 2 h}]}"
HORIZONS = [
    (BERLIN, HORIZON, "2026-06-15T00:00+02:00", "2026-06-16T00:00+02:00", 24),
    (BERLIN, "{start: 2026-03-29, days: 1, step: 1 h}", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", 23),
    (BERLIN, "{start: 2026-10-25, days: 1, step: 15 min}", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00", 100),
    (BERLIN, "{start: 2028-02-29, days: 1, step: 1 h}", "2028-02-29T00:00+01:00", "2028-03-01T00:00+01:00", 24),
    (BERLIN, "{start: 2026-03-28T02:30, days: 1, step: 30 min}", "2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", 47),  # noqa: E501
    (BERLIN, "{start: 2026-10-25T02:30+01:00, days: 1, step: 1 h}", "2026-10-25T02:30+01:00", "2026-10-26T02:30+01:00", 24),  # noqa: E501
    (BERLIN, "{start: 2026-06-15T06:00:00Z, end: 2026-06-15 10:00, step: 1 h}", "2026-06-15T08:00+02:00", "2026-06-15T10:00+02:00", 2),  # noqa: E501
    (BERLIN, "{start: 2026-06-15, end: 2026-06-15T07:00:00+02:00, step: 30 min}", "2026-06-15T00:00+02:00", "2026-06-15T07:00+02:00", 14),  # noqa: E501
    (BERLIN, THREE_SPANS, "2026-03-28T00:00+01:00", "2026-03-31T00:00+02:00", 96 + 23 + 12),
    ("Asia/Kolkata", HORIZON, "2026-06-15T00:00+05:30", "2026-06-16T00:00+05:30", 24),
    (SYDNEY, "{start: 2026-10-04, days: 1, step: 1 h}", "2026-10-04T00:00+10:00", "2026-10-05T00:00+11:00", 23),
    (HOWE, "{start: 2026-10-04, days: 1, step: 30 min}", "2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00", 47),
    ("America/Santiago", "{start: 2026-09-06, days: 1, step: 1 h}", "2026-09-06T01:00-03:00", "2026-09-07T00:00-03:00", 23),  # noqa: E501
    ("America/Havana", "{start: 2026-11-01, days: 1, step: 1 h}", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00", 25),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(("zone", "horizon", "start", "end", "steps"), HORIZONS)
def test_horizons(here, zone, horizon, start, end, steps):
    read = timeline(here, horizon, zone)
    assert (read.index[0], read.end, len(read)) == (pd.Timestamp(start), pd.Timestamp(end), steps)
    assert str(read.index.tz) == zone


def test_every_fault_of_every_file_in_one_go(here):
    """Two scenario files and a table, eleven faults, told in the order of files and lines."""
    base = changed(
        PLANT,
        [
            ("time_zone", "time_zne"),
            ("700 kW", "700"),
            ("0.2 EUR", "0.2 CNY"),
            ("power: 400 kW", "power: 400 kW\n    power: 500 kW"),
        ],
    )
    child = """\
extends: base.yaml
assets:
  battery: {energy: 5 kW, wear: {cycle_lif: 3}}
  roof: {kind: photovoltaics}
  boiler:
objective: {minimise: cots}
"""
    found = problems(write(here, child, CSV.replace(",105,", ",abc,"), **{"base.yaml": base}))
    assert [(problem.place, problem.where) for problem in found] == [
        ("plant.yaml:3", "assets.battery.energy"),
        ("plant.yaml:3", "assets.battery.wear.replacement_cost"),
        ("plant.yaml:3", "assets.battery.wear.cycle_lif"),
        ("plant.yaml:4", "assets.roof.kind"),
        ("plant.yaml:5", "assets.boiler"),
        ("plant.yaml:6", "objective.minimise"),
        ("base.yaml:2", "site.time_zne"),
        ("base.yaml:7", "assets.grid.capacity"),
        ("base.yaml:8", "assets.grid.import_price"),
        ("base.yaml:13", "assets.battery.power"),
        ("site.csv:7", "column load"),
    ]


def test_a_horizon_that_no_zone_would_help_is_told_beside_the_zone(here):
    changes = [("time_zone: Europe/Berlin", "time_zone: Europe/Berln"), ("start: 2026-06-15", "start: 15.6.2026")]
    assert [p.where for p in problems(write(here, changed(PLANT, changes)))] == ["site.time_zone", "horizon.start"]


def test_a_fault_is_told_once(here):
    """One broken table, used by two assets; one key that is unknown because another is meant."""
    changes = [("import_price: 0.2 EUR/kWh", "import_price: {file: site.csv, column: price}"), ("days", "dys")]
    found = problems(write(here, changed(PLANT, changes), CSV.replace("T05:00", "T05:07")))
    assert [problem.where for problem in found] == ["horizon.dys", "column time"]


def test_plant_and_field_faults_come_together(here):
    found = problems(write(here, changed(PLANT, [("energy: 1 MWh", "energy: 1"), ("400 kW", "400 kW\n    bus: heat")])))
    assert [problem.where for problem in found] == ["assets.battery.energy"]
    found = problems(write(here, changed(PLANT, [("700 kW", "700"), ("400 kW", "400 kW\n    bus: heat")])))
    assert [problem.where for problem in found] == ["assets.grid.capacity", "assets.battery.bus"]


def test_overrides_need_no_section_in_the_file(here):
    read = scenario(here, overrides={"solver.gap": "1 %", "objective.caps.cost": "7 EUR"})
    assert read.solver.gap == 0.01
    assert read.plant.objective.caps == {"cost": 7.0}


def test_an_extending_file_may_remove_and_change(here):
    child = "extends: base.yaml\nassets: {battery: , plant: {demand: 3 kW}}\n"
    read = read_scenario(write(here, child, **{"base.yaml": PLANT}))
    assert sorted(read.plant.assets) == ["grid", "plant"]
    assert read.plant.assets["plant"].demand.highest == 3.0


def test_carriers_of_buses_decide_the_units(here):
    more = """\
  trailer: {kind: supply, bus: hydrogen, price: 40 EUR/kg}
  forklifts: {kind: production_load, bus: hydrogen, demand: 3 kg/h, unserved_price: 99 EUR/kg}
"""
    assert scenario(here, more=more).plant.assets["trailer"].price.unit == "CUR/kg"
    wrong = changed(more, [("EUR/kg", "EUR/kWh"), ("kg/h", "kW")])
    found = problems(write(here, PLANT + wrong))
    assert [problem.where for problem in found] == ["assets.trailer.price", "assets.forklifts.demand"]
    found = problems(write(here, PLANT + changed(more, [("99 EUR/kg", "99 EUR/kWh")])))
    assert [problem.where for problem in found] == ["assets.forklifts.unserved_price"]


def test_the_same_file_reads_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    path = write(tmp_path, changed(PLANT, [("700 kW", "700")]))
    (problem,) = problems(path)
    assert problem.place.endswith("plant.yaml:7")
    assert Path("/", problem.place.partition(":")[0]).is_file()
