"""How many yes-or-no decisions a tariff costs: by month where the mathematics allows it, by step where it does not.

Two months, February and March 2026, in steps of 6 h: 112 and 124 steps.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from microgrid.model import assemble
from microgrid.tariffs.past import Past
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from tests.plants import plant
from tests.tariffs.bills import tariff

ZONE = "Asia/Shanghai"
FEBRUARY, MARCH = 112, 124
MONTHS = Timeline.regular(
    pd.Timestamp("2026-02-01", tz=ZONE), pd.Timestamp("2026-04-01", tz=ZONE), pd.Timedelta("6h")
)  # fmt: skip
ENERGY = {"price": 0.5}
EXPORT = {"price": 0.2}
WEAR = {"replacement_cost": 800.0, "cycle_life": 6000.0}
CLOCK = {"days": [{"hours": {"day": "6-18", "night": "rest"}}]}


def rebate(share: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"kind": "demand", "price": 30.0, "window": 6.0, "rebate": {"share": share, "energy": 260.0}} | more


def binaries(connection: dict[str, Any], **contract: Any) -> dict[str, int]:
    """Return by name how many binaries a plant with a battery has under a tariff."""
    components = contract.pop("components")
    grid = GridConnection(
        capacity=500.0, tariff=tariff({"e": ENERGY} | components, **contract), transformer=400.0, **connection
    )
    around = {
        "load": ProductionLoad(demand=100.0),
        "cells": Battery(energy=100.0, power=50.0, wear=WEAR),
    }
    model = assemble(plant({"grid": grid, **around}, MONTHS)).pyomo
    found: Counter[str] = Counter()
    for variable in model.component_data_objects(pyo.Var, active=True):
        if variable.is_binary():
            found[variable.parent_component().local_name] += 1
    return dict(found)


def test_prices_demand_and_rising_tiers_need_none():
    rising = {"tiers": [{"up_to": 9000.0, "price": 0.1}, {"price": 0.2}]}
    ratchet = {"kind": "demand", "price": 9.0, "window": 6.0, "ratchet": {"share": 0.8}}
    contract = {"kind": "demand", "basis": "contract", "price": 9.0, "window": 6.0, "overrun": {}}
    assert binaries(
        {"contract_demand": 300.0}, components={"t": rising, "r": ratchet, "c": contract}, export=EXPORT
    ) == {}  # fmt: skip


def test_falling_tiers_need_one_a_month_and_tier():
    falling = {"tiers": [{"up_to": 9000.0, "price": 0.4}, {"up_to": 20000.0, "price": 0.3}, {"price": 0.2}]}
    assert binaries({}, components={"t": falling}, export=EXPORT) == {"tier_0_full": 2, "tier_1_full": 2}


def test_a_choice_of_options_needs_one_each_for_the_horizon():
    two = {"a": {"kind": "demand", "price": 9.0, "window": 6.0, "options": ["one"]},
           "b": {"kind": "demand", "basis": "transformer", "price": 5.0, "options": ["two"]}}  # fmt: skip
    found = binaries({"billing": "choose"}, components=two, options={"one": "", "two": ""}, export=EXPORT)
    assert found == {"billed_by": 2}


def test_a_rebate_needs_one_a_month_where_nothing_is_exported_and_waste_is_cut():
    """A battery could waste energy for it: its direction is a decision at each step. The bill needs one a month."""
    assert binaries({}, components={"d": rebate()}) == {"busy": 2, "first_way": FEBRUARY + MARCH}


def test_a_rebate_needs_one_a_step_in_months_that_are_open_alone():
    """In February 400 kVA * 260 kWh/kVA = 104 MWh are wanted; 110 MWh are there before the horizon: it is reached.

    March is open: 744 h * 500 kW = 372 MWh may or may not be imported. There, energy sent round the meter could reach
    it at a loss that the rebate pays; with no more than a row for the month, the plan would do so.
    """
    open_both = binaries({}, components={"d": rebate()}, export=EXPORT)
    assert open_both["importing"] == FEBRUARY + MARCH
    reached = binaries({"past": Past(energy=110e3)}, components={"d": rebate()}, export=EXPORT)
    assert reached["importing"] == MARCH
    beyond = {"share": 0.1, "energy": 1000.0}
    assert binaries({}, components={"d": rebate() | {"rebate": beyond}}, export=EXPORT).get("importing", 0) == 0


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_rebate_that_is_not_charged_or_lets_nothing_off_needs_none_by_step(share):
    options = {"one": "", "two": ""}
    parts = {"d": rebate(share, options=["one"] if share else [])}
    found = binaries({"billing": "two"}, components=parts, options=options, export=EXPORT)
    assert found == {}


def test_net_metering_needs_one_a_month_and_period_at_most():
    """None where a kWh left over earns less than an imported one costs.

    Nor any by step, as a line on gross imports makes both at once cost something. Where nothing is paid on gross
    imports, both at once would cost nothing, and each step needs one.
    """
    gross = {"g": {"price": 0.1, "netted": False}}
    low, high = ({"net_metering": {"per": "month", "surplus_price": price}} for price in (0.2, 0.9))
    assert binaries({}, components=gross, export=low, time_of_use=CLOCK) == {}
    found = binaries({}, components=gross, export=high, time_of_use=CLOCK)
    assert found == {"imports_left_0": 2, "imports_left_1": 2}
    assert binaries({}, components={}, export=low, time_of_use=CLOCK) == {"importing": FEBRUARY + MARCH}


def test_export_prices_need_one_at_those_steps_alone_where_they_are_as_high_as_import():
    """0.6 by day for exports, 0.5 for imports: half of the steps."""
    by_day = {"price": {"day": 0.6, "night": 0.1}}
    assert binaries({}, components={}, export=by_day, time_of_use=CLOCK) == {"importing": (FEBRUARY + MARCH) // 2}


def test_a_contract_needs_none_as_long_as_no_kilowatt_hour_gets_cheaper_than_nothing():
    """What it replaces, 0.4, is less than the 0.5 that a kWh costs at least; 0.6 is more."""
    ppa = {"kind": "pay_as_produced", "capacity": 50.0, "availability": 0.5, "price": 0.3, "matching": "hour"}
    known = {"location_factor": 0.5, "market_factor": 0.6}
    cheap, dear = ({"contracts": {"w": ppa | {"replaces": part}}} | known for part in (0.4, 0.6))
    hours = Timeline.of_hours(np.ones(24), "2026-02-01T00:00+08:00", ZONE)
    for more, expected in ((cheap, 0), (dear, 24)):
        grid = GridConnection(capacity=500.0, tariff=tariff({"e": ENERGY}), **more)
        around = {"load": ProductionLoad(demand=100.0), "cells": Battery(energy=100.0, power=50.0, wear=WEAR)}
        model = assemble(plant({"grid": grid, **around}, hours)).pyomo
        found = [v for v in model.component_data_objects(pyo.Var, active=True) if v.is_binary()]
        assert len(found) == expected
