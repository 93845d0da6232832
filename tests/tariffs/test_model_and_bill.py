"""Random tariffs on random small plants: the ledger of the plan is the calculator's bill of what the meter read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, note, seed
from hypothesis import strategies as st

from microgrid.bills.calculator import bill
from microgrid.bills.held import readings_of
from microgrid.bills.readings import Facts
from microgrid.tariffs.inherited import unknown_past
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from tests.plants import solved
from tests.tariffs.bills import examples

PLANTS = 40
CLOCKS: tuple[dict[str, Any], ...] = (
    {
        "multipliers": {"peak": 1.7, "flat": 1.0, "valley": "0.5 x flat"},
        "days": [{"hours": {"peak": ["10-12", "14-19"], "valley": "22-6", "flat": "rest"}}],
    },
    {
        "multipliers": {"critical": "1.25 x peak", "peak": 1.5, "flat": 1, "valley": 0.4},
        "days": [
            {"on": "holidays", "hours": {"valley": "rest"}},
            {"on": "hot_days", "hours": {"critical": "8-20", "valley": "rest"}},
            {"weekdays": ["saturday", "sunday"], "hours": {"flat": "rest", "peak": "11-13"}},
            {
                "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "hours": {"valley": ["0-8"], "peak": ["8-12"], "flat": "rest"},
            },
        ],
        "holidays": {"country": "DE", "subdivision": "SN", "add": ["2026-01-31"]},
        "hot_days": {"dates": ["2026-03-30", "2026-02-02"]},
    },
)
PERIODS = (("peak", "flat", "valley"), ("critical", "peak", "flat", "valley"))
STARTS = (
    ("2026-01-31T12:00+00:00", "Asia/Shanghai"),
    ("2026-03-28T20:00+00:00", "Europe/Berlin"),
    ("2026-10-24T21:00+00:00", "Europe/Berlin"),
    ("2025-12-31T20:00+00:00", "UTC"),
    ("2026-10-25T00:30+00:00", "Europe/Berlin"),
)


@st.composite
def components(draw: Callable[..., Any], periods: tuple[str, ...], options: bool) -> dict[str, dict[str, Any]]:
    """Draw one to five components of every kind."""
    price = st.sampled_from((0.05, 0.2, 0.4, 0.8))
    found: dict[str, dict[str, Any]] = {"base": {"kind": "energy", "price": draw(price)}}
    drawn = draw(st.lists(st.integers(0, 10), max_size=4, unique=True))
    rate = draw(st.sampled_from((0.5, 3.0, 20.0)))
    floor = draw(st.sampled_from((0.0, 0.3)))
    made: dict[int, dict[str, Any]] = {
        0: {"kind": "energy", "price": draw(st.sampled_from((0.3, -0.5))), "floats": True},
        1: {"kind": "energy", "price": {period: draw(price) for period in periods}},
        2: {"kind": "energy", "tiers": [{"up_to": draw(st.sampled_from((20.0, 60.0))), "price": draw(price)},
                                        {"up_to": 150.0, "price": draw(price)}, {"price": draw(price)}]},
        3: {"kind": "demand", "price": rate, "window": draw(st.sampled_from((0.25, 0.5, 1.0)))},
        4: {"kind": "demand", "price": {"peak": rate, "flat": 1.0}, "window": 0.5},
        5: {"kind": "demand", "window": 0.5, "tiers": [{"up_to": 15.0, "price": draw(st.sampled_from((0.0, 9.0)))},
                                                       {"price": rate}],
            "ratchet": {"share": 0.7, "look_back": 2, "cyclic": draw(st.booleans())} if draw(st.booleans()) else None},
        6: {"kind": "demand", "basis": "contract", "price": rate, "overrun": {"allowed": 1.05, "factor": 2.0},
            "least_contract": floor},
        7: {"kind": "demand", "price": rate, "rebate": {"share": 0.25, "energy": draw(st.sampled_from((20.0, 260.0)))}},
        8: {"kind": "demand", "basis": "transformer", "price": rate, "prorated": draw(st.booleans())},
        9: {"kind": "coincident", "window": 0.5, "events": [
            {"name": "evening", "price": 4.0, "hours": [
                "2026-02-01T01:00/2026-02-01T04:00", "2026-03-29T00:00/2026-03-29T03:30"]},
            {"name": "never", "price": 4.0, "hours": ["2021-02-01T01:00/2021-02-01T04:00"]}]},
        10: {"kind": "capacity_fee", "energy_price": 0.1, "load_factor": 0.6},
    }  # fmt: skip
    found |= {f"line {number}": {k: v for k, v in made[number].items() if v is not None} for number in drawn}
    if options:
        for number, component in enumerate(found.values()):
            if number:
                component["options"] = draw(st.sampled_from((["one"], ["two"], ["one", "two"])))
    return found


@st.composite
def cases(draw: Callable[..., Any]) -> tuple[GridConnection, dict[str, Any], Timeline]:
    """Draw a connection with its tariff, a plant around it, and a horizon over the end of a month."""
    which, options = draw(st.sampled_from((0, 1))), draw(st.booleans())
    export: dict[str, Any] | None = draw(
        st.sampled_from(
            (
                None,
                {"price": 0.1},
                {"price": {period: 0.05 * (at + 1) for at, period in enumerate(PERIODS[which])}},
                {"net_metering": {"per": "month", "surplus_price": 0.03}},
                {"net_metering": {"per": "year", "surplus_price": 0.9}},
            )
        )
    )
    parts = draw(components(PERIODS[which], options))
    nets = export is not None and "net_metering" in export
    for component in parts.values():
        if component["kind"] == "energy" and nets and ("tiers" in component or component.get("options")):
            component["netted"] = False
    data: dict[str, Any] = {"components": parts, "time_of_use": CLOCKS[which]}
    data |= {"export": export} if export is not None else {}
    data |= {"options": {"one": "", "two": ""}} if options else {}
    start, zone = draw(st.sampled_from(STARTS))
    step = draw(st.sampled_from((0.25, 0.5)))
    timeline = Timeline.of_hours([step] * 24, start, zone)
    sizes = {"transformer": 40.0, "contract_demand": 22.0}
    if draw(st.booleans()):
        sizes |= {"contract_demand": {"high": 35.0}, "transformer": {"low": 30.0, "high": 60.0, "capex": 400.0}}  # type: ignore[dict-item]
    past = Past(
        peaks=draw(st.sampled_from(({}, {"line 3": 12.0, "line 4 peak": 9.0, "line 9 evening": 30.0, "line 6": 26.0}))),
        energy=draw(st.sampled_from((None, 30.0))),
        months={"2025-12": 28.0},
        netted=draw(st.sampled_from(({}, {"flat": 5.0, "peak": -4.0}))),
    )
    billing = draw(st.sampled_from(("one", "choose"))) if options else ""
    contract = Tariff.model_validate(data)
    unknown = {fault.path[-1] for fault in unknown_past(contract, past)}
    parts = {name: getattr(past, name) for name in ("peaks", "netted")}
    looks_back = any(getattr(c, "ratchet", None) is not None for c in contract.components.values())
    parts |= {"months": past.months if looks_back else {}}
    kept = {name: {key: value for key, value in part.items() if key not in unknown} for name, part in parts.items()}
    past = past.model_copy(update=kept)
    grid = GridConnection(capacity=60.0, tariff=contract, billing=billing, past=past, **sizes)
    loads = draw(st.lists(st.sampled_from((0.0, 8.0, 20.0, 31.0)), min_size=24, max_size=24))
    suns = draw(st.lists(st.sampled_from((0.0, 0.0, 0.5, 1.0)), min_size=24, max_size=24))
    around = {
        "load": ProductionLoad(demand=loads),
        "sun": Photovoltaic(capacity=25.0, availability=suns),
        "cells": Battery(energy=10.0, power=8.0, initial_charge=0.5),
    }
    return grid, around, timeline


def is_billed_as_planned(case: tuple[GridConnection, dict[str, Any], Timeline]) -> None:
    """Plan, read the meter, bill it: line by line, and in all to a hundredth of a hundredth."""
    grid, around, timeline = case
    note(f"{grid!r}")
    plan = solved({"grid": grid, **around}, timeline)
    steps = plan.model.operation.timeline
    import pandas as pd

    frame = pd.DataFrame({"time": steps.index, "hours": steps.hours, "weight": steps.weights})
    exported = -np.array(plan.flow("grid", "export")) if grid.may_export else np.zeros(len(steps))
    readings = readings_of(frame, np.array(plan.flow("grid", "import")), exported)
    option = grid.option
    if option == "choose":
        option = max(("one", "two"), key=lambda name: plan.state("grid", f"billed by {name}")[0])
    facts = Facts(option, 60.0, plan.size("grid", "transformer"), plan.size("grid", "contract_demand"), grid.inherited)
    due = bill(grid.contract, readings, facts)
    spent = sum(plan.column(name) for name in ("energy", "revenue", "demand", "fixed"))
    wear = spent - due.total
    assert abs(wear) < 1e-4, (due.lines(), spent)


def test_the_ledger_is_the_bill() -> None:
    """Whatever the tariff, a row that only sometimes holds or a binary that is missing shows as a difference."""
    billed = 0

    def look_at(case: tuple[GridConnection, dict[str, Any], Timeline]) -> None:
        nonlocal billed
        is_billed_as_planned(case)
        billed += 1

    seed(4)(examples(PLANTS)(given(cases())(look_at)))()
    assert billed >= PLANTS
