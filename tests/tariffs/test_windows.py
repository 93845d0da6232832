"""Parts planned one after the other, each with what the one before leaves: their bills add up to that of the whole.

First a month in two halves, line by line; then random tariffs over a month's end, cut anywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed
from hypothesis import strategies as st

from microgrid.bills.calculator import bill
from microgrid.bills.carried import carried
from microgrid.bills.readings import Facts, Readings
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from tests.plants import solved
from tests.tariffs.bills import examples, tariff
from tests.tariffs.test_carried import STARTS, contracts, in_full

CLOCK = {
    "multipliers": {"peak": 1.6, "flat": 1.0, "valley": 0.4},
    "days": [{"hours": {"peak": ["8-12", "18-20"], "valley": "22-6", "flat": "rest"}}],
}
EVENT = {
    "name": "e",
    "price": 30.0,
    "hours": ["2026-03-12T18:00/2026-03-12T20:00", "2026-03-20T18:00/2026-03-20T20:00"],
}
SIZES = {"capacity": 400.0, "transformer": 150.0, "contract": 120.0}

# In the second half, what is owed for the month as a whole is in full; by the kWh, each half pays its own.
WHOLE = {"demand", "by period", "contract", "transformer", "events"}
TARIFFS: dict[str, dict[str, Any]] = {
    "peaks": {
        "components": {
            "market": {"price": 0.4, "floats": True},
            "demand": {"kind": "demand", "price": 20.0, "window": 2.0, "rebate": {"share": 0.1, "energy": 260.0}},
            "by period": {"kind": "demand", "price": {"peak": 9.0, "valley": 1.0}, "window": 2.0},
            "events": {"kind": "coincident", "window": 2.0, "events": [EVENT]},
        },
        "export": {"price": 0.1},
    },
    "tiers and contract": {
        "components": {
            "tiers": {"tiers": [{"up_to": 9000.0, "price": 0.5}, {"up_to": 20000.0, "price": 0.4}, {"price": 0.9}]},
            "contract": {"kind": "demand", "basis": "contract", "price": 30.0, "window": 2.0, "overrun": {}},
            "transformer": {"kind": "demand", "basis": "transformer", "price": 5.0},
            "fixed": {"kind": "fixed", "amount": 90.0},
        },
    },
    "net metering": {
        "components": {"energy": {"price": 0.5}, "grid": {"price": 0.1, "netted": False}},
        "export": {"net_metering": {"per": "month", "surplus_price": 0.2}},
    },
}  # fmt: skip


def planned(contract: Tariff, timeline: Timeline, past: Past) -> tuple[Any, Readings]:
    """Plan a half; return the plan and what the meter reads of it."""
    hour = np.arange(len(timeline)) + float(timeline.index[0].day)
    connection = GridConnection(
        capacity=SIZES["capacity"], tariff=contract, past=past, transformer=150.0, contract_demand=120.0
    )
    load = 60.0 + 50.0 * np.sin(hour) ** 2 + 40.0 * (timeline.index.hour == 18)
    around = {
        "load": ProductionLoad(demand=load),
        "sun": Photovoltaic(capacity=200.0, availability=np.where(np.abs(timeline.index.hour - 12) < 4, 0.8, 0.0)),
        "cells": Battery(energy=60.0, power=40.0, initial_charge=0.5, final_charge=0.5),
    }  # fmt: skip
    plan = solved({"grid": connection, **around}, timeline)
    imported = np.array(plan.flow("grid", "import"))
    exported = -np.array(plan.flow("grid", "export")) if connection.may_export else np.zeros(len(timeline))
    return plan, Readings(timeline.index, timeline.hours, imported.clip(0.0), exported.clip(0.0))


@pytest.mark.parametrize("name", TARIFFS)
def test_two_halves_of_a_month_come_to_its_bill(name: str):
    parts = TARIFFS[name]
    contract = tariff(**parts, time_of_use=CLOCK)
    whole = Timeline.regular(
        pd.Timestamp("2026-03-01", tz="Asia/Shanghai"),
        pd.Timestamp("2026-04-01", tz="Asia/Shanghai"),
        pd.Timedelta("2h"),
    )
    cut = len(whole) // 2 // 12 * 12
    halves = [
        Timeline(whole.index[part], whole.hours[part], whole.weights[part])
        for part in (slice(0, cut), slice(cut, None))
    ]
    past, bills, plans, read = Past(energy=0.0), [], [], []
    for half in halves:
        plan, readings = planned(contract, half, past)
        facts = Facts("", **SIZES, past=past)  # type: ignore[arg-type]
        bills.append(bill(contract, readings, facts).lines())
        spent = sum(plan.column(column) for column in ("energy", "revenue", "demand", "fixed"))
        assert spent == pytest.approx(sum(bills[-1].values()), abs=0.01)
        plans.append(plan)
        read.append(readings)
        inherited, past = past, carried(contract, readings, past)
    joined = Readings(
        whole.index,
        whole.hours,
        *(np.concatenate([getattr(r, flow) for r in read]) for flow in ("imported", "exported")),
    )
    month = bill(contract, joined, Facts("", **SIZES)).lines()  # type: ignore[arg-type]
    for line, amount in month.items():
        first = 0.0 if line in WHOLE else bills[0][line]
        assert first + bills[1][line] == pytest.approx(amount, abs=0.01), line
    if name == "peaks":
        told = plans[1].state("grid", "demand peak")[0]
        late = carried(contract, read[1], inherited, whole.index[-1])
        assert told == pytest.approx(late.peaks["demand"]), "the state that a plan reports is what the meter leaves"


PLANS = 16
STEPS = 36


def test_random_tariffs_planned_in_parts_come_to_the_bill_of_the_whole() -> None:
    """Each plan's ledger is the bill of its meter, and the parts add up to the bill of all that the meter read."""
    seen = {"plans": 0, "open": 0, "month ends": 0}

    @examples(PLANS)
    @given(contracts(), st.sampled_from(STARTS[:3]), st.integers(0, 2**31), st.booleans())
    def look_at(contract: Tariff, start: tuple[str, str], chance: int, at_the_end: bool) -> None:
        random = np.random.default_rng(chance)
        first = pd.Timestamp(start[0]).tz_localize(start[1])
        whole = Timeline.of_hours([0.25] * STEPS, first.tz_convert("UTC").isoformat(), start[1])
        load, sun = random.choice([0.0, 6.0, 18.0, 30.0], STEPS), random.choice([0.0, 0.0, 0.5, 1.0], STEPS)
        ends = np.flatnonzero(whole.months[1:] != whole.months[:-1]) + 1
        cut = int(ends[0]) if at_the_end and len(ends) else int(random.integers(1, STEPS))
        past, total, read = Past(), dict[str, float](), []
        for part in (slice(0, cut), slice(cut, STEPS)):
            timeline = Timeline(whole.index[part], whole.hours[part], whole.weights[part])
            readings, spent = _planned(contract, timeline, past, load[part], sun[part])
            due = bill(contract, readings, Facts("", past=past, **PARTS), adjusts=False)
            assert spent == pytest.approx(due.total, abs=1e-4)
            goes_on = part.start == 0 and readings.months[-1] == f"{readings.end:%Y-%m}"
            for item in due.items:
                if not (goes_on and item.month == readings.months[-1] and in_full(contract, item.line)):
                    total[item.line] = total.get(item.line, 0.0) + item.amount
            past = carried(contract, readings, past)
            seen["open"] += part.start == 0 and bool(past.open_windows)
            read.append(readings)
        seen["plans"] += 1
        seen["month ends"] += at_the_end and bool(len(ends))
        flows = (np.concatenate([getattr(each, flow) for each in read]) for flow in ("imported", "exported"))
        joined = bill(contract, Readings(whole.index, whole.hours, *flows), Facts("", **PARTS), adjusts=False)
        note(f"{contract.plain} {cut}")
        for line, amount in joined.lines().items():
            assert total[line] == pytest.approx(amount, abs=1e-4), line

    seed(5)(look_at)()
    assert seen["plans"] >= PLANS
    assert min(seen["open"], seen["month ends"]) >= 4, "cuts within windows and at months' ends were among them"


PARTS: dict[str, Any] = {"capacity": 60.0, "transformer": 40.0, "contract": 22.0}


def _planned(contract: Tariff, timeline: Timeline, past: Past, load: Any, sun: Any) -> tuple[Readings, float]:
    """Plan a part; return what the meter reads of it, and what the ledger says that it costs."""
    grid = GridConnection(capacity=60.0, transformer=40.0, contract_demand=22.0, tariff=contract, past=past)
    around = {
        "load": ProductionLoad(demand=load),
        "sun": Photovoltaic(capacity=25.0, availability=sun),
        "cells": Battery(energy=10.0, power=8.0, initial_charge=0.5),
    }
    plan = solved({"grid": grid, **around}, timeline)
    imported = np.array(plan.flow("grid", "import"))
    exported = -np.array(plan.flow("grid", "export")) if grid.may_export else np.zeros(len(timeline))
    spent = sum(plan.column(column) for column in ("energy", "revenue", "demand", "fixed"))
    return Readings(timeline.index, timeline.hours, imported.clip(0.0), exported.clip(0.0)), spent
