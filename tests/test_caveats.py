"""Caveats: what a plan's numbers do not say of themselves."""

from __future__ import annotations

import pandas as pd
import pytest

from microgrid.capacity import Sized
from microgrid.caveats import caveats
from microgrid.plant import Objective
from microgrid.report import report
from microgrid.running import solve_plant
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies.grid_connection import DemandCharge, GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from tests.plants import plant


def days(start, end, step="24h"):
    first, last = (pd.Timestamp(day, tz="Europe/Berlin") for day in (start, end))
    return Timeline.regular(first, last, pd.Timedelta(step))


def sized_plan(timeline, **grid):
    connection = GridConnection(capacity=Sized(high=50.0, capex=10.0), import_price=1.0, **grid)
    return solve_plant(plant({"g": connection, "l": ProductionLoad(demand=5.0)}, timeline))


def test_sizes_decided_on_part_of_a_month_with_its_whole_demand_charge_are_told():
    """A week of February carries the whole month's charge of 8 a kW, and 7 of 365 days of the investment."""
    plan = sized_plan(days("2026-02-02", "2026-02-09"), demand_charge=DemandCharge(price=8.0))
    billed, told = caveats(plan)
    assert "2026-02 (25% of it)" in told
    assert billed == "The cost holds 40.00 EUR of demand charges for whole months: 2026-02 (25% of it)."
    assert "Size on whole months" in report(plan, {})


def test_what_was_owed_for_an_earlier_peak_is_told():
    """A day that imports 5 kW where 9 kW were seen already: all 72 of the charge were owed before it began."""
    charge = DemandCharge(price=8.0, peak_so_far=9.0)
    grid = GridConnection(capacity=50.0, import_price=1.0, demand_charge=charge)
    plan = solve_plant(plant({"g": grid, "l": ProductionLoad(demand=5.0)}, days("2026-02-02", "2026-02-03", "1h")))
    assert caveats(plan) == [
        "The cost holds 72.00 EUR of demand charges for whole months, 72.00 of it for a peak that was there before: "
        "2026-02 (4% of it)."
    ]


@pytest.mark.parametrize(
    ("timeline", "grid"),
    [
        (days("2026-03-01", "2026-04-01", "1h"), {"demand_charge": DemandCharge(price=8.0)}),
        (days("2026-02-02", "2026-02-09"), {}),
    ],
    ids=["a whole month of 743 hours", "no demand charge"],
)
def test_sizes_on_whole_months_or_without_peaks_are_not_told(timeline, grid):
    assert caveats(sized_plan(timeline, **grid)) == []


@pytest.mark.parametrize(
    ("objective", "factor", "is_told"),
    [
        (Objective(carbon_price=0.1), None, True),
        (Objective(("emissions",)), None, True),
        (Objective(caps={"scope_1": 5.0}), None, True),
        (Objective(carbon_price=0.1), 0.5, False),
        (Objective(), None, False),
    ],
)
def test_a_grid_that_seems_clean_for_want_of_a_factor_is_told(objective, factor, is_told):
    """Where emissions count, imports at no factor are the cleanest there is: plans would flee to them."""
    grid = GridConnection(capacity=50.0, import_price=1.0, location_factor=factor)
    plan = solve_plant(plant({"g": grid, "l": ProductionLoad(demand=5.0)}, [1.0], objective))
    assert [text.split(",")[1] for text in caveats(plan)] == [
        " and g has no emission factor: what it imports counts as clean."
    ] * is_told


@pytest.mark.parametrize(("kind", "word"), [("hot_days", "hot days"), ("holidays", "holidays")])
def test_special_days_of_which_none_are_told_are_told(kind, word):
    """None are known of is not the same as that there are none: a plan that may be too cheap says so."""
    clock = {"days": [{"on": kind, "hours": {"dear": "rest"}}, {"hours": {"cheap": "rest"}}]}
    prices = {"e": {"kind": "energy", "price": {"dear": 2.0, "cheap": 1.0}}}
    for dates, expected in (
        ([], [f"The tariff of g has hours for {word}, and none are told: every day is billed as another."]),
        (["2026-02-02"], []),
    ):
        tariff = Tariff.model_validate({"time_of_use": clock | {kind: {"dates": dates}}, "components": prices})
        connection = GridConnection(capacity=50.0, tariff=tariff)
        load = ProductionLoad(demand=5.0)
        plan = solve_plant(plant({"g": connection, "l": load}, days("2026-02-02", "2026-02-03", "1h")))
        assert caveats(plan) == expected
