"""A tariff and a green contract on one connection: what is replaced is a component of the bill, hour by hour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from microgrid.audit import audit
from microgrid.bills.calculator import bill
from microgrid.bills.held import readings_of
from microgrid.bills.readings import Facts
from microgrid.errors import InputError
from microgrid.plant import Plant
from microgrid.running import solve_plant
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from solvers import Settings
from tests.files import PLANT, changed, told, write
from tests.plants import refusal
from tests.tariffs.bills import tariff

# Hours at 0.5, 0.5, 2 and 2.5 times the price of what floats.
CLOCK = {
    "multipliers": {"critical": "1.25 x peak", "peak": 2.0, "valley": 0.5},
    "days": [{"hours": {"valley": "0-2", "peak": "2-3", "critical": "rest"}}],
}
PARTS = {"market": {"price": 0.4, "floats": True}, "grid": {"price": 0.1}}
WIND = {"kind": "pay_as_produced", "capacity": 100.0, "availability": 0.06, "price": 0.3, "replaces": "market"}


def connection(contract, parts=None, **more):
    own = {"time_of_use": CLOCK} | more
    given = {key: own.pop(key) for key in list(own) if key in GridConnection.model_fields}
    rates = {"location_factor": 0.5, "market_factor": 0.6}
    return GridConnection(
        capacity=500.0, tariff=tariff(parts or PARTS, **own), contracts={"wind": contract}, **rates, **given
    )


def planned(connected, demand, hours):
    timeline = Timeline.of_hours(np.asarray(hours), start="2026-03-02T00:00+00:00")
    assets = {"g": connected, "l": ProductionLoad(demand=demand)}
    result = solve_plant(Plant(timeline, assets, {}, currency="CNY"), Settings(gap=0.0))
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    return result


def line(result, name):
    return float(result.costs.loc[result.costs["line"].astype(str) == name, "amount"].sum())


def test_a_contract_replaces_the_component_at_the_price_of_the_hour():
    """10 kW for four hours: the market's 0.4 * 5.5 * 10 = 22, the grid's 0.1 * 40 = 4. Wind gives 6 kW at 0.3, 7.2.

    All is taken, for it is paid in any case: 6 * 0.4 * 5.5 = 13.2 less. The grid's part stays: 26 + 7.2 - 13.2.
    """
    result = planned(connection(WIND), 10.0, [1.0] * 4)
    assert line(result, "wind, energy replaced") == pytest.approx(-13.2)
    assert result.cost == pytest.approx(20.0)


def test_what_is_not_paid_unless_taken_is_taken_where_the_hour_is_dear():
    """In the valley the market is 0.2, below the wind's 0.3; at 0.8 and 1.0 it saves 6 * (0.5 + 0.7) = 7.2."""
    result = planned(connection(WIND | {"take_or_pay": False}), 10.0, [1.0] * 4)
    taken = result.states[result.states["state"].astype(str) == "wind taken"]["value"].tolist()
    assert taken == pytest.approx([0.0, 0.0, 6.0, 6.0])
    assert result.cost == pytest.approx(26.0 - 7.2)


def test_a_price_and_a_component_of_that_price_are_one():
    parts = {"market": {"price": 0.4}, "grid": {"price": 0.1}}
    by_name, by_price = (
        planned(connection(WIND | {"replaces": told}, parts, time_of_use=None), [10.0, 3.0], [0.5, 1.0]).cost
        for told in ("market", 0.4)
    )
    assert by_name == pytest.approx(by_price)


@pytest.mark.parametrize("contract", [WIND, WIND | {"take_or_pay": False, "price": 0.25}])
def test_the_calculator_s_bills_are_the_model_s_cost(contract):
    """One bill of all that was imported; one of what the contract delivered, whose market component is not paid.

    Quarter and half hours across an edge of the time of use, with a demand charge beside.
    """
    parts = PARTS | {"peak": {"kind": "demand", "price": 10.0, "window": 0.5}}
    connected = connection(contract, parts)
    hours = [0.5, 0.5, 0.25, 0.25, 0.5, 0.5, 0.5]
    result = planned(connected, [4.0, 9.0, 12.0, 2.0, 7.0, 20.0, 5.0], hours)
    flows = result.flows.astype({"port": str})
    imported = flows.loc[flows["port"] == "import", "rate"].to_numpy()
    taken = result.states[result.states["state"].astype(str) == "wind taken"]["value"].to_numpy()
    nothing = np.zeros(len(hours))
    whole, green = (
        bill(connected.tariff, readings_of(result.steps, power, nothing), Facts()) for power in (imported, taken)
    )
    for name, amount in whole.lines().items():
        assert line(result, name) == pytest.approx(amount, abs=0.01)
    assert -line(result, "wind, energy replaced") == pytest.approx(green.lines()["market"], abs=0.01)
    paid = contract["price"] * float((taken if not contract.get("take_or_pay", True) else nothing + 6.0) @ hours)
    assert result.cost == pytest.approx(whole.total - green.lines()["market"] + paid, abs=0.01)


def test_the_audit_finds_a_component_replaced_at_another_price():
    result = planned(connection(WIND), 10.0, [1.0] * 4)
    costs = result.costs.copy()
    own = costs["line"].astype(str) == "wind, energy replaced"
    costs.loc[costs.index[own][2], "amount"] -= 1.0
    told_of = [finding.statement for finding in audit(replace(result, costs=costs)).findings]
    assert "costs line 'wind, energy replaced' follows from its quantities" in told_of


TRADE = {"kind": "green_trade", "price": 0.3, "replaces": "market", "matching": "month"}


def test_trade_by_the_month_replaces_no_component_that_changes_within_it():
    with pytest.raises(InputError) as caught:
        planned(connection(TRADE), 10.0, [1.0] * 4)
    assert str(caught.value) == (
        "assets.g.contracts.wind.replaces: a price that changes within the month\n"
        "   wanted one that does not, or matching: hour"
    )
    flat = connection(TRADE, {"market": {"price": 0.4}}, time_of_use=None)
    assert planned(flat, 10.0, [1.0] * 4).cost == pytest.approx(40 * 0.3)


TIERS = {"tiers": [{"up_to": 20.0, "price": 0.4}, {"price": 0.5}]}


@pytest.mark.parametrize(
    ("parts", "more", "found"),
    [
        ({"markt": {"price": 0.4}}, {}, "market"),
        ({"market": {"kind": "demand", "price": 4.0}, "grid": {"price": 0.1}}, {}, "market"),
        ({"market": TIERS}, {}, "market, which has tiers"),
        ({"market": {"price": 0.4}}, {"export": {"net_metering": {}}}, "market, which net metering takes exports off"),
    ],
)
def test_components_that_no_contract_can_replace_are_refused(parts, more, found):
    with pytest.raises(ValidationError) as caught:
        connection(WIND, parts, time_of_use=None, **more)
    fault = caught.value.errors()[0]["ctx"]["faults"][0]
    assert (fault.path, fault.found) == (("contracts", "wind", "replaces"), found)


CHOICE = {
    "options": {"small": "to 100 kVA", "large": "above"},
    "default_option": "small",
    "time_of_use": None,
}
BY_OPTION = {"market": {"price": 0.4, "options": ["large"]}, "flat": {"price": 0.5, "options": ["small"]}}


@pytest.mark.parametrize("billing", ["small", "choose"])
def test_a_component_that_the_bill_may_not_have_is_refused(billing):
    with pytest.raises(ValidationError) as caught:
        connection(WIND, BY_OPTION, **CHOICE, billing=billing)
    found = f"market, which billing {billing} may not have"
    assert refusal(caught.value) == (found, "billing by one option that has it: large")


def test_a_component_of_the_option_that_is_billed_is_replaced():
    """40 kWh at 0.4 less 24 of the wind's, which cost 0.3."""
    connected = connection(WIND, BY_OPTION, **CHOICE, billing="large")
    assert planned(connected, 10.0, [1.0] * 4).cost == pytest.approx(40 * 0.4 - 24 * 0.4 + 24 * 0.3)


GRID = """capacity: 700 kW
    tariff: {title: T, currency: EUR, components: {market: {kind: energy, price: 0.2 EUR/kWh}}}
    location_factor: 0.5 kgCO2/kWh
    market_factor: 0.6 kgCO2/kWh
    contracts:
      wind:
        kind: baseload
        capacity: 50 kW
        price: 0.1 EUR/kWh
        replaces: COMPONENT"""
FILE = [("capacity: 700 kW\n    import_price: 0.2 EUR/kWh", GRID)]


def test_a_component_that_is_none_is_told_by_file_and_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(Path(), changed(PLANT, [*FILE, ("COMPONENT", "markt")]))
    assert told(path) == (
        "plant.yaml:16  assets.grid.contracts.wind.replaces: markt\n"
        '   wanted an energy component of the tariff: market; did you mean "market"?'
    )
