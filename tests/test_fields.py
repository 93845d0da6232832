"""Fields of technologies: bare numbers from Python, quantities from files, capacities in three forms."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from microgrid.capacity import Fixed, Sized
from microgrid.faults import Fault, did_you_mean, faults_of, shown
from microgrid.fields import (
    MONEY,
    Along,
    CapacityIn,
    Efficiency,
    EnergyCapacity,
    FlowSeries,
    Power,
    Quantity,
    Reading,
    Share,
)
from microgrid.series import Series
from microgrid.timeline import Timeline

Price = Annotated[float, Quantity(f"{MONEY}/kWh", above=0.0)]
Either = Annotated[float, Quantity(f"{MONEY}/kWh", other_units=(f"{MONEY}/kg",))]


class Thing(BaseModel):
    """One field of each kind."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    power: Power = 1.0
    share: Share = 0.5
    efficiency: Efficiency = 0.9
    price: Price = 1.0
    either: Either = 1.0
    energy: EnergyCapacity | None = None
    flow: FlowSeries | None = None
    spare: Share | None = None


READING = Reading("CNY", timeline=Timeline.of_hours([1.0, 2.0]))


def from_file(**fields):
    return Thing.model_validate(fields, context=READING)


def refused(context=READING, **fields) -> list[Fault]:
    with pytest.raises(ValidationError) as caught:
        Thing.model_validate(fields, context=context)
    return [fault for fault in faults_of(caught.value, Thing, fields, ("thing",), "CNY") if isinstance(fault, Fault)]


def test_python_gives_bare_numbers_in_house_units():
    thing = Thing(power=5, share=0.2, price=3.0, either=2.0)
    assert (thing.power, thing.share, thing.price, thing.either) == (5.0, 0.2, 3.0, 2.0)


def test_python_may_write_units_too():
    assert Thing(power="5 MW", price="2 EUR/MWh").price == 0.002


def test_files_give_quantities():
    thing = from_file(power="5 MW", share="20 %", price="0.66 CNY/kWh", either="3 CNY/kg", spare=0.3)
    assert (thing.power, thing.share, thing.price, thing.either, thing.spare) == (5000.0, 0.2, 0.66, 3.0, 0.3)


@pytest.mark.parametrize(
    ("fields", "found", "wanted", "cure"),
    [
        ({"power": 5}, "5", 'a quantity in kW, such as "500 kW"', 'add the unit, such as "5 kW"'),
        ({"power": "-5 kW"}, "-5 kW", "0 kW or more", ""),
        ({"power": True}, "true", 'a quantity in kW, such as "500 kW"', ""),
        ({"power": None}, "nothing", 'a quantity in kW, such as "500 kW"', ""),
        ({"power": {"a": 1}}, "{a: 1}", 'a quantity in kW, such as "500 kW"', ""),
        ({"share": 20}, "20", "a share from 0 to 1", 'write "20 %"'),
        ({"share": 2000}, "2000", "a share from 0 to 1", ""),
        ({"share": "120 %"}, "120 %", "a share from 0 to 1", ""),
        ({"efficiency": 0}, "0", "a share above 0 and up to 1", ""),
        ({"price": "0 CNY/kWh"}, "0 CNY/kWh", "more than 0 CNY/kWh", ""),
        ({"either": "3 CNY/m"}, "3 CNY/m", 'a quantity in CNY/kWh or CNY/kg, such as "0.66 CNY/kWh"', ""),
        ({"share": float("nan")}, "nan", "a finite number", ""),
        ({"share": 10**400}, "1" + "0" * 56 + "...", "a finite number", ""),
    ],
)
def test_what_a_file_may_not_write(fields, found, wanted, cure):
    (key,) = fields
    assert refused(**fields) == [Fault(("thing", key), found, wanted, cure)]


def test_python_is_held_to_the_range_too():
    (fault,) = refused(context=None, share=20.0)
    assert fault.wanted == "a share from 0 to 1"


@pytest.mark.parametrize(
    ("written", "capacity"),
    [
        ("2 MWh", Fixed(amount=2000.0)),
        ({"amount": "2 MWh"}, Fixed(amount=2000.0)),
        ({"amount": "2 MWh", "opex": "3 CNY/kWh/a"}, Fixed(amount=2000.0, opex=3.0)),
        ({"high": "2 MWh"}, Sized(high=2000.0)),
        (
            {"low": "1 MWh", "high": "2 MWh", "capex": "3 CNY/kWh", "build_cost": "4 CNY", "interest": "5 %"},
            Sized(low=1000.0, high=2000.0, capex=3.0, build_cost=4.0, interest=0.05),
        ),
        (
            {"high": "2 MWh", "lifetime": "15 a", "unit_size": "500 kWh", "optional": True},
            Sized(high=2000.0, lifetime=15.0, unit_size=500.0, optional=True),
        ),
    ],
)
def test_a_capacity_is_a_number_or_a_decision(written, capacity):
    energy = from_file(energy=written).energy
    assert energy is not None
    assert isinstance(energy, type(capacity))
    assert energy.model_dump() == capacity.model_dump()


def test_a_capacity_made_in_python_is_taken_as_it_is():
    sized = Sized(high=3.0)
    assert Thing(energy=sized).energy is sized
    assert Thing(energy=3.0).energy == Fixed(amount=3.0)


@pytest.mark.parametrize(
    ("written", "path", "wanted"),
    [
        ("2 MW", (), 'a quantity in kWh, such as "2 MWh"'),
        ({"amount": 2}, ("amount",), 'a quantity in kWh, such as "2 MWh"'),
        ({"low": "1 kWh"}, ("high",), 'a quantity in kWh, such as "2 MWh"'),
        ({"high": "1 kWh", "lifetime": "0 a"}, ("lifetime",), "above 0 and up to 1000 a"),
        ({"high": "1 kWh", "hihg": "1 kWh"}, ("hihg",), f"one of {', '.join(Sized.model_fields)}"),
    ],
)
def test_a_faulty_capacity_is_told_by_its_path(written, path, wanted):
    (fault,) = refused(energy=written)
    assert (fault.path, fault.wanted) == (("thing", "energy", *path), wanted)


def test_a_capacity_per_hour_has_its_investment_in_brackets():
    marked = CapacityIn("kg/h").models["sized"].model_fields["capex"].metadata
    assert Quantity(f"{MONEY}/(kg/h)", low=0.0) in marked


def test_a_series_is_a_number_a_list_or_numbers_from_python():
    for written in (3.0, "3 kW"):
        assert Thing(flow=written).flow.values.tolist() == 3.0
    assert Thing(flow=[1, 2]).flow.values.tolist() == [1.0, 2.0]
    series = Series(np.array([1.0]))
    assert Thing(flow=series).flow is series


def test_a_series_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Thing(flow=[1, 2]).flow.values[0] = 5.0


def test_a_series_keeps_the_unit_it_was_measured_in():
    assert from_file(flow="3 kg/h").flow.unit == "kg/h"
    assert from_file(flow="3 MW").flow.unit == "kW"
    assert from_file(flow={"values": [1, 2], "unit": "kg/h"}).flow.unit == "kg/h"


def test_listed_values_are_converted_exactly():
    class Shares(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        share: Annotated[Series, Along("1", low=0.0, high=1.0)]

    read = Shares.model_validate({"share": {"values": [95, 3], "unit": "%"}}, context=READING)
    assert read.share.values.tolist() == [0.95, 0.03]
    assert Shares.model_validate({"share": {"values": [0.95, 0.03]}}, context=READING).share.values[0] == 0.95


@pytest.mark.parametrize("values", [[-1.0, 2.0], [np.nan, 2.0], [np.inf, 2.0]])
def test_python_may_not_give_impossible_series(values):
    (fault,) = refused(context=None, flow=values)
    assert fault.found.endswith("at step 0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        ("a b", "a b"),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", '"a\\nb"'),
        ({"a": [1, None]}, "{a: [1, nothing]}"),
        ("x" * 70, "x" * 57 + "..."),
    ],
)
def test_values_are_shown_as_a_file_would_write_them(value, text):
    assert shown(value) == text


def test_a_beginning_is_a_hint():
    assert did_you_mean("lat", ["latitude", "longitude"]) == 'did you mean "latitude"?'
    assert did_you_mean("minimum", ["minimum_load", "minimum_up"]) != ""
    assert did_you_mean("xyz", ["latitude"]) == ""
