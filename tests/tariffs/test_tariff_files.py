"""Tariffs as files and mappings: what is read, what builds on what, and what users are told of faults."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from microgrid.errors import InputError
from microgrid.scenario import read_scenario
from microgrid.schema import scenario_schema, tariff_schema
from microgrid.tariff_list import listing, shown_tariff
from microgrid.tariffs.files import catalogue, read_tariff, tariff_with
from microgrid.tariffs.tariff import Tariff
from microgrid.timeline import Timeline
from microgrid.yaml_files import read_yaml
from tests.files import PLANT, told, write

GOOD = """\
title: A contract
currency: EUR
time_of_use:
  multipliers: {peak: 2, flat: 1}
  days:
    - {name: work, weekdays: [monday, tuesday, wednesday, thursday, friday], hours: {peak: 8-12, flat: rest}}
    - {name: weekend, weekdays: [saturday, sunday], hours: {flat: rest}}
components:
  market: {kind: energy, price: 0.2 EUR/kWh, floats: true}
  demand: {kind: demand, price: 8 EUR/kW/month}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def refused(text: str, name: str = "bad.yaml") -> str:
    """Return what is told of a tariff file."""
    Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_tariff(name)
    return str(caught.value)


def test_a_file_is_read(here):
    contract = read_tariff("good.yaml")
    assert list(contract.components) == ["market", "demand"]
    assert contract.time_of_use is not None
    assert contract.time_of_use.multipliers == {"peak": 2.0, "flat": 1.0}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{peak: 8-12, flat: rest}", "{peak: [8-12, 11-13], flat: rest}",
         "bad.yaml:6  time_of_use.days.0.hours.peak: 11:00 to 12:00, which peak has too\n"
         "   wanted every hour of the day in one period; take it out of one of them"),
        ("{peak: 8-12, flat: rest}", "{peak: 8-12, flat: 11:30-20}",
         "bad.yaml:6  time_of_use.days.0.hours.flat: 11:30 to 12:00, which peak has too\n"
         "   wanted every hour of the day in one period; take it out of one of them"),
        ("{peak: 8-12, flat: rest}", "{peak: 8-12, flat: [0-8, 13:30-24]}",
         "bad.yaml:6  time_of_use.days.0.hours: no period from 12:00 to 13:30\n"
         "   wanted every hour of the day in one period; write flat: rest"),
        ("{peak: 8-12, flat: rest}", "{peak: 8 to 12, flat: rest}",
         "bad.yaml:6  time_of_use.days.0.hours.peak: 8 to 12\n"
         '   wanted hours such as 8-11, 11:30-14:30 or 22-6; or the word "rest" for all that is left'),
        ("{peak: 8-12, flat: rest}", "{peak: rest, flat: rest}",
         "bad.yaml:6  time_of_use.days.0.hours.flat: rest\n"
         "   wanted one period for the rest of the day; peak has it already"),
        ("weekdays: [saturday, sunday], ", "weekdays: [sunday], ",
         "bad.yaml:5  time_of_use.days: nothing for 01-01 to 12-31 on saturday\n"
         "   wanted every day of the year among one kind of days; add days, or months to those that are there"),
        ("weekdays: [saturday, sunday], ", "months: [7], ",
         "2 faults\n"
         "bad.yaml:5  time_of_use.days: 07-01 to 07-31 on monday, tuesday, wednesday, thursday, friday, which work and "
         "weekend claim\n   wanted every day of the year among one kind of days; take them out of one\n"
         "bad.yaml:5  time_of_use.days: nothing for 01-01 to 06-30, 08-01 to 12-31 on saturday, sunday\n"
         "   wanted every day of the year among one kind of days; add days, or months to those that are there"),
        ("flat: 1}", "flat: 1, peek: 3}",
         'bad.yaml:4  time_of_use.multipliers.peek: a period of no hour\n   wanted one of peak, flat; did '
         'you mean "peak"?'),
        ("peak: 2, ", "peak: 1.25 x top, ",
         "bad.yaml:4  time_of_use.multipliers.peak: the period top\n   wanted one of peak, flat"),
        ("peak: 2, flat: 1", "peak: 2 x flat, flat: 0.5 x peak",
         "bad.yaml:4  time_of_use.multipliers.flat: peak -> flat -> peak\n"
         "   wanted multiples that do not go round in a circle"),
        ("price: 0.2 EUR/kWh, floats: true", "price: {peak: 0.2 EUR/kWh, flatt: 0.1 EUR/kWh}",
         "2 faults\n"
         'bad.yaml:9  components.market.price.flatt: unknown period\n   wanted a period of the clock: peak, flat; did '
         'you mean "flat"?\n'
         "bad.yaml:9  components.market.price.flat: missing\n"
         "   wanted a price for flat, 00:00-08:00, 12:00-24:00, 00:00-24:00"),
        ("price: 0.2 EUR/kWh, floats", "price: 0.2, floats",
         'bad.yaml:9  components.market.price: 0.2\n   wanted a quantity in EUR/kWh, such as "0.66 EUR/kWh"; add the '
         'unit, such as "0.2 EUR/kWh"'),
        ("kind: demand, ", "kind: deman, ",
         "bad.yaml:10  components.demand.kind: deman\n"
         "   wanted one of energy, demand, coincident, capacity_fee, fixed; "
         'did you mean "demand"?'),
        ("kind: demand, ", "",
         "bad.yaml:10  components.demand.kind: missing\n"
         "   wanted one of energy, demand, coincident, capacity_fee, fixed; write kind: energy"),
        ("price: 8 EUR/kW/month", "price: 8 EUR/kVA/month",
         "bad.yaml:10  components.demand: a price per kVA on measured demand\n"
         "   wanted a price per kVA for transformers, and per kW for all other demand"),
        ("price: 8 EUR/kW/month", "price: 8 EUR/kW/month, options: [two]",
         "bad.yaml:10  components.demand.options.0: two\n   wanted an option under options"),
        ("title: A contract", "valid_from: 2026-07-01\nvalid_to: 2026-06-30",
         "bad.yaml:2  valid_to: 2026-06-30, before 2026-07-01\n   wanted a last day that is not before valid_from"),
        ("title: A contract", "time_zone: Mars",
         "bad.yaml:1  time_zone: Mars\n   wanted an IANA time zone such as Asia/Shanghai"),
        ("title: A contract", "valid_from: July 2026",
         "bad.yaml:1  valid_from: July 2026\n   wanted a date such as 2026-07-01"),
        ("title: A contract", "tittle: A contract",
         None),
    ],
)  # fmt: skip
def test_faults_name_the_hours_and_the_lines(here, old, new, expected):
    text = refused(GOOD.replace(old, new))
    head = f"{text.count('wanted')} faults\n" if text.count("   wanted") > 1 else ""
    if expected is None:
        assert text.startswith("bad.yaml:1  tittle: unknown key\n   wanted one of title, ")
        assert text.endswith('did you mean "title"?')
    else:
        assert head + text == expected


def test_a_missing_tariff_and_a_circle_are_told(here):
    with pytest.raises(InputError, match=r'a tariff of the catalogue: .*; did you mean "guangdong_10kv"'):
        read_tariff("guangdong")
    with pytest.raises(InputError, match="wanted a tariff file that is there"):
        read_tariff("none.yaml")
    assert "in a circle" in refused("file: bad.yaml\n")


def test_changes_lie_over_a_file_key_by_key(here):
    changes = {"file": "good.yaml", "components": {"market": {"price": "0.3 EUR/kWh"}, "demand": "none"}}
    contract = tariff_with(changes)
    assert list(contract.components) == ["market"]
    assert (
        contract.energy_price("market", Timeline.of_hours([1.0]), {"peak": np.ones(1), "flat": np.zeros(1)})[0] == 0.6
    )


def test_a_tariff_read_back_from_its_plain_data_is_the_same(here):
    for name in catalogue():
        contract = read_tariff(name)
        assert Tariff.model_validate(contract.plain).plain == contract.plain


SCENARIO = PLANT.replace("import_price: 0.2 EUR/kWh", "tariff: good.yaml")


def scenario(change: str) -> str:
    return PLANT.replace("import_price: 0.2 EUR/kWh", change)


def test_a_scenario_names_a_file_or_a_mapping(here):
    for text in ("tariff: good.yaml", "tariff: {file: good.yaml, components: {demand: {price: 9 EUR/kW/month}}}"):
        plant = read_scenario(write(here, scenario(text))).plant
        assert list(plant.assets["grid"].contract.components) == ["market", "demand"]  # type: ignore[attr-defined]
    changed = read_scenario(
        write(here, scenario(text)), {"assets.grid.tariff.components.demand.price": "7 EUR/kW/month"}
    )
    assert changed.plant.assets["grid"].contract.components["demand"].price.numbers == {"": 7.0}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("tariff: guangdong_10kv",
         "plant.yaml:8  assets.grid.tariff: "),
        ("tariff: {file: good.yaml, components: {demand: {price: 8 EUR}}}",
         'plant.yaml:8  assets.grid.tariff.components.demand.price: 8 EUR\n   wanted a quantity in EUR/kW/month or '
         'EUR/kVA/month, such as "40 EUR/kW/month"'),
        ("tariff: {file: bad.yaml}",
         'bad.yaml:9  components.market.price: 0.2\n   wanted a quantity in EUR/kWh, such as "0.66 EUR/kWh"; add the '
         'unit, such as "0.2 EUR/kWh"'),
        ("tariff: {file: gud.yaml}",
         'plant.yaml:8  assets.grid.tariff.file: gud.yaml\n   wanted a tariff file that is there; did you mean '
         '"good.yaml"?'),
        ("tariff: {file: good.yaml, components: {market: {price: {file: site.csv, column: prise}, floats: false}}}",
         'plant.yaml:8  assets.grid.tariff.components.market.price.column: prise\n'),
    ],
)  # fmt: skip
def test_faults_of_a_tariff_in_a_scenario_have_their_places(here, change, expected):
    (here / "bad.yaml").write_text(GOOD.replace("price: 0.2 EUR/kWh", "price: 0.2"), encoding="utf-8")
    if "guangdong" in change:
        assert "a tariff in CNY" in told(write(here, scenario(change)))
    else:
        assert told(write(here, scenario(change))).startswith(expected)


def test_a_tariff_is_not_held_against_a_horizon_that_is_not_known(here):
    (here / "old.yaml").write_text(f"valid_to: 2026-06-30\ntime_zone: Europe/Berlin\n{GOOD}", encoding="utf-8")
    assert "valid_to" not in told(write(here, scenario("tariff: old.yaml").replace("days: 1", "dys: 1")))
    lacking = "tariff: {components: {m: {kind: energy, price: {2026-07: 1 EUR/kWh}}}, export: {net_metering: {}}}"
    assert told(write(here, scenario(lacking))) == (
        "plant.yaml:8  assets.grid.tariff.components.m.price: nothing for 2026-06\n"
        "   wanted a price for every month of the horizon"
    )


def test_a_series_of_the_scenario_is_a_price(here):
    text = "tariff: {components: {m: {kind: energy, price: {file: site.csv, column: load, times: 1}}}}"
    assert "wanted" in told(write(here, scenario(text))), "a load is no price"


def test_seasons_that_cut_months_and_wrap_over_the_year():
    contract = Tariff.model_validate({
        "time_of_use": {"days": [
            {"name": "summer", "first": "06-15", "last": "09-14", "hours": {"a": "rest"}},
            {"name": "winter", "first": "09-15", "last": "06-14", "hours": {"b": "rest"}},
        ]},
        "components": {"m": {"kind": "energy", "price": {"a": 1.0, "b": 2.0}}},
    })  # fmt: skip
    clock = contract.time_of_use
    assert clock is not None
    for day, name in (
        ("2026-06-14", "winter"),
        ("2026-06-15", "summer"),
        ("2026-09-15", "winter"),
        ("2026-01-01", "winter"),
    ):
        assert clock.day_of(date.fromisoformat(day), frozenset()).name == name


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_shares_go_by_the_local_clock_when_it_changes(day, hours):
    """Deep from 00:00 to 03:00: two hours of a day of 23, four of one of 25, three of others."""
    contract = Tariff.model_validate({
        "time_of_use": {"days": [{"hours": {"deep": "0-3", "other": "rest"}}]},
        "components": {"m": {"kind": "energy", "price": 1.0}},
    })  # fmt: skip
    start = pd.Timestamp(day, tz="Europe/Berlin")
    timeline = Timeline.regular(start, start + pd.Timedelta(hours=hours), pd.Timedelta("15min"))
    deep = contract.shares(timeline)["deep"]
    assert (deep * timeline.hours).sum() == pytest.approx(hours - 21)


@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_says_of_every_line_where_it_comes_from(name):
    contract = read_tariff(name)
    assert contract.title
    assert contract.source
    assert name in listing()
    text = shown_tariff(name)
    for line, component in contract.components.items():
        assert component.source, line
        assert component.status in ("V1", "V2", "unverified")
        assert line in text


@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_passes_the_schema(name):
    Draft202012Validator.check_schema(tariff_schema())
    data: Any = read_yaml(catalogue()[name]).data
    assert [error.message for error in Draft202012Validator(tariff_schema()).iter_errors(data)] == []
    data["components"]["market" if "market" in data["components"] else "energy"]["prise"] = 1
    assert not Draft202012Validator(tariff_schema()).is_valid(data)


def test_the_schema_of_scenarios_knows_tariffs():
    validator = Draft202012Validator(
        scenario_schema()["$defs"]["grid_connection"] | {"$defs": scenario_schema()["$defs"]}
    )
    for tariff in ("guangdong_10kv", {"use": "guangdong_10kv", "components": {}}):
        assert validator.is_valid({"kind": "grid_connection", "capacity": "1 kW", "tariff": tariff})
    assert not validator.is_valid({"kind": "grid_connection", "capacity": "1 kW", "tariff": {"uses": "x"}})
