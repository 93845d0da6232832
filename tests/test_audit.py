"""The audit catches: good plans with one thing wrong in them, and each kind of claim, kept and broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from microgrid.accounts import EMISSION_COLUMNS, Accounting
from microgrid.audit import audit
from microgrid.books import Finding
from microgrid.claims import (
    KINDS,
    Between,
    Certified,
    Change,
    Charge,
    Claim,
    Lasting,
    LeftOver,
    Matching,
    Means,
    MinimumRun,
    NeverBoth,
    PeakCharge,
    Ramp,
    StockBalance,
    TariffBill,
    Total,
    from_plain,
    to_plain,
)
from microgrid.results import FRAMES, Result, load
from tests.laws.cases import Case, cases, sized_cases
from tests.laws.solving import base_plan

STEP = 2

examples = pytest.mark.parametrize("case", [case for case in cases() if not case.variant], ids=str)
decided = pytest.mark.parametrize("case", [case for case in sized_cases() if case.variant == "sized"], ids=str)


def found(result: Result) -> tuple[Finding, ...]:
    return audit(result).findings


def of_asset(result: Result, when: str | None = None) -> list[Finding]:
    """Return the findings that name the asset or one of its buses, and the time if one is given."""
    buses = set(result.flows["bus"].astype(str))
    named = [f for f in found(result) if f.asset == "asset" or f.asset.removeprefix("bus ") in buses]
    return [f for f in named if when is None or f.when.startswith(when)]


def rows(frame: pd.DataFrame, **names: str) -> pd.Series:
    """Tell which rows of a frame carry some names."""
    chosen = pd.Series(True, index=frame.index)
    for column, name in names.items():
        chosen &= frame[column].astype(str) == name
    return chosen


def tampered(result: Result, frame: str, row: int, column: str, change: Callable[[float], float]) -> Result:
    """Return a plan with one number changed."""
    table = getattr(result, frame).copy()
    table.loc[row, column] = change(float(table.loc[row, column]))
    return replace(result, **{frame: table})


def by_name(result: Result, frame: str, name: str) -> list[tuple[str, list[int]]]:
    """Return the asset's quantities of a frame with the rows that hold them."""
    table = getattr(result, frame)
    own = table[rows(table, asset="asset")]
    return [(str(key), list(part.index)) for key, part in own.groupby(name, observed=True, sort=False)]


# ---------------------------------------------------------------------------------------------------------------------
# Good plans of every technology with one thing wrong


@examples
def test_a_good_plan_has_no_findings_even_after_it_was_stored(case: Case, tmp_path: Path) -> None:
    """Claims go through JSON and frames through Parquet: what is lost on the way is not checked."""
    plan = base_plan(case)
    before = audit(plan)
    plan.save(tmp_path)
    after = audit(load(tmp_path))
    assert before.passed
    assert after.passed
    assert after.checked == before.checked > 10


@examples
def test_a_kilowatt_more_at_one_step_is_found(case: Case) -> None:
    """The bus does not balance at that step, at least; findings name the bus or the asset, and the step."""
    plan = base_plan(case)
    when = plan.steps["time"][STEP].isoformat()
    for port, index in by_name(plan, "flows", "port"):
        wrong = tampered(plan, "flows", index[STEP], "rate", lambda rate: rate + 1.0)
        assert of_asset(wrong, when), port


@examples
def test_a_flow_with_the_sign_turned_round_is_found(case: Case) -> None:
    plan = base_plan(case)
    for port, index in by_name(plan, "flows", "port"):
        table = plan.flows.copy()
        table.loc[index, "rate"] *= -1.0
        assert of_asset(replace(plan, flows=table)), port


@examples
def test_a_balanced_lie_is_found_by_the_claims(case: Case) -> None:
    """Ten times every flow of the plan, neighbours included, balances on each bus; bounds and bills do not fit."""
    plan = base_plan(case)
    table = plan.flows.assign(rate=plan.flows["rate"] * 10.0)
    assert [finding for finding in found(replace(plan, flows=table)) if finding.asset == "asset"]


@examples
def test_a_stock_off_at_one_point_is_found(case: Case) -> None:
    plan = base_plan(case)
    when = plan.steps["time"][STEP].isoformat()
    for stock, index in by_name(plan, "stocks", "stock"):
        wrong = tampered(plan, "stocks", index[STEP + 1], "level", lambda level: level + 1.0)
        assert of_asset(wrong, when), stock


@pytest.mark.parametrize("case", [case for case in cases() if by_name(base_plan(case), "states", "state")], ids=str)
def test_a_state_off_at_one_step_is_found(case: Case) -> None:
    """A unit that says it was on when it was off, or started when it did not.

    The peak is not among the states of each step: its bill is recomputed from the flows.
    """
    plan = base_plan(case)
    when = plan.steps["time"][STEP].isoformat()
    missed = [
        state
        for state, index in by_name(plan, "states", "state")
        if len(index) == len(plan.steps)
        and not of_asset(tampered(plan, "states", index[STEP], "value", lambda value: 1.0 - value), when)
    ]
    assert not missed


@examples
@pytest.mark.parametrize("ledger", ["costs", "emissions"])
def test_a_ledger_line_off_by_one_is_found(case: Case, ledger: str) -> None:
    """The line is recomputed from its quantities; moving the same amount into another line does not hide it."""
    plan = base_plan(case)
    times = plan.steps["time"]
    for line, index in by_name(plan, ledger, "line"):
        row = index[min(STEP, len(index) - 1)]
        wrong = tampered(plan, ledger, row, "amount", lambda amount: amount + 1.0)
        when = times[STEP].isoformat() if len(index) == len(times) else ""
        assert [finding for finding in of_asset(wrong, when) if line in str(finding)], line
        assert [finding for finding in found(wrong) if finding.asset == "plan"], line


@examples
@pytest.mark.parametrize(
    ("frame", "name"), [("flows", "port"), ("stocks", "stock"), ("costs", "line"), ("emissions", "line")]
)
def test_what_is_missing_is_found(case: Case, frame: str, name: str) -> None:
    """A line that is not there cannot be wrong: the claim that names it must not be passed over."""
    plan = base_plan(case)
    for key, index in by_name(plan, frame, name):
        without = replace(plan, **{frame: getattr(plan, frame).drop(index=index)})
        assert [finding for finding in found(without) if finding.asset == "asset" and key in str(finding)], key


@examples
@pytest.mark.parametrize(
    ("frame", "name"), [("flows", "port"), ("stocks", "stock"), ("states", "state"), ("costs", "line")]
)
def test_one_missing_row_is_a_finding_and_no_traceback(case: Case, frame: str, name: str) -> None:
    plan = base_plan(case)
    for key, index in by_name(plan, frame, name):
        if len(index) >= len(plan.steps) and "peak" not in key:
            without = replace(plan, **{frame: getattr(plan, frame).drop(index=index[STEP]).reset_index(drop=True)})
            assert of_asset(without), key


@examples
@pytest.mark.parametrize(("frame", "name", "column"), [("flows", "port", "rate"), ("costs", "line", "amount")])
def test_what_is_no_number_is_found(case: Case, frame: str, name: str, column: str) -> None:
    """Every comparison with nan is false: an audit that asked whether the excess is too large would pass."""
    plan = base_plan(case)
    for key, index in by_name(plan, frame, name):
        wrong = tampered(plan, frame, index[min(STEP, len(index) - 1)], column, lambda _: float("nan"))
        assert of_asset(wrong), key


@examples
def test_a_line_that_nobody_claims_is_found(case: Case) -> None:
    """Costs that are booked and never recomputed could be anything."""
    plan = base_plan(case)
    extra = plan.costs[rows(plan.costs, category="energy")].head(1).assign(asset="asset", line="gift", amount=-5.0)
    costs = pd.concat([plan.costs.astype({"asset": str, "line": str}), extra], ignore_index=True)
    assert [
        finding for finding in found(replace(plan, costs=costs)) if finding.asset == "asset" and "gift" in str(finding)
    ]


@pytest.mark.parametrize("factor", [0.1, 10.0], ids=["smaller", "larger"])
@examples
def test_a_fixed_size_that_is_told_wrong_is_found(case: Case, factor: float) -> None:
    plan = base_plan(case)
    for name in plan.sizes["asset"]:
        manifest = deepcopy(plan.manifest)
        manifest["sizes"]["asset"][name] *= factor
        assert of_asset(replace(plan, manifest=manifest)), name


@decided
def test_a_decided_size_that_is_told_wrong_is_found(case: Case) -> None:
    plan = base_plan(case)
    for name in plan.sizes["asset"]:
        for factor in (0.5, 1.5):
            manifest = deepcopy(plan.manifest)
            manifest["sizes"]["asset"][name] *= factor
            findings = [str(finding) for finding in of_asset(replace(plan, manifest=manifest))]
            assert [text for text in findings if "capital" in text], (name, factor)


@examples
@pytest.mark.parametrize("total", ["cost", "objective", "goal", "emissions", "carbon"])
def test_a_manifest_that_tells_another_total_is_found(case: Case, total: str) -> None:
    plan = base_plan(case)
    manifest = deepcopy(plan.manifest)
    if total == "cost":
        manifest["costs"]["cost"] += 1.0
    elif total == "objective":
        manifest["outcome"]["objective"] += 1.0
    elif total == "goal":
        manifest["outcome"]["goals"][-1]["objective"] += 1.0
    elif total == "emissions":
        manifest["emissions"]["emissions"] += 1.0
    else:
        manifest["objective"]["carbon_price"] += 1.0
        if not manifest["emissions"]["emissions"]:
            pytest.skip("nothing is emitted")
    assert [finding for finding in found(replace(plan, manifest=manifest)) if finding.asset == "plan"]


@examples
def test_a_cap_that_is_broken_is_found(case: Case) -> None:
    plan = base_plan(case)
    manifest = deepcopy(plan.manifest)
    manifest["objective"]["caps"] = {"cost": plan.cost - 1.0}
    assert ["cost within its cap" in finding.statement for finding in found(replace(plan, manifest=manifest))] == [True]


@examples
def test_steps_of_another_length_are_found(case: Case) -> None:
    """Bills and stocks count hours: told other hours, they do not follow."""
    plan = base_plan(case)
    wrong = tampered(plan, "steps", STEP, "hours", lambda hours: hours + 1.0)
    assert of_asset(wrong) or [f for f in found(wrong) if f.asset.startswith("neighbour")]


# ---------------------------------------------------------------------------------------------------------------------
# Every kind of claim, kept and broken, on frames written by hand

HOURS = np.array([0.5, 1.5, 2.0])
TIMES = pd.DatetimeIndex(pd.Timestamp("2026-03-01T00:00+00:00") + pd.to_timedelta([0.0, 0.5, 2.0], unit="h"))
POINTS = TIMES.append(pd.DatetimeIndex([pd.Timestamp("2026-03-01T04:00+00:00")]))


def written(
    claims: list[Claim],
    flows: Mapping[str, list[float]] | None = None,
    states: Mapping[str, list[float]] | None = None,
    stocks: Mapping[str, list[float]] | None = None,
    costs: Mapping[str, list[float]] | None = None,
    sizes: Mapping[str, float] | None = None,
) -> Result:
    """Return a plan of one asset, written by hand; a bus of its own takes what it gives."""

    def tidy(
        name: str, value: str, data: Mapping[str, list[float]] | None, index: pd.DatetimeIndex, **more: str
    ) -> Any:
        tables = [
            pd.DataFrame({"asset": "unit", name: key, **more, "time": index[: len(values)], value: values})
            for key, values in (data or {}).items()
        ]
        columns = ["asset", name, *more, "time", value]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns).astype({value: float})

    own = tidy("port", "rate", flows, TIMES, bus="b", carrier="electricity", unit="kW")
    world = own.assign(asset="world", rate=-own["rate"])
    money = tidy("line", "amount", costs, TIMES, category="operation")
    total = float(money["amount"].sum())
    manifest = {
        "sizes": {"unit": dict(sizes or {})},
        "costs": {"cost": total, "operation": total},
        "emissions": dict.fromkeys(EMISSION_COLUMNS, 0.0),
        "objective": {
            "goals": ["cost"],
            "carbon_price": 0,
            "carbon_prices": {},
            "caps": {},
            "basis": "location",
            "scopes": [1, 2],
            "slack": 1e-6,
        },
        "accounting": asdict(Accounting()),
        "outcome": {"objective": total, "goals": [{"column": "cost", "objective": total}]},
    }
    columns = ["asset", "line", "scope", "basis", "part", "gas", "time", "amount"]
    emissions = pd.DataFrame(columns=columns).astype({"amount": float})
    return Result(
        manifest,
        steps=pd.DataFrame({"time": TIMES, "hours": HOURS, "weight": 1.0}),
        flows=pd.concat([own, world], ignore_index=True),
        stocks=tidy("stock", "level", stocks, POINTS),
        states=tidy("state", "value", states, TIMES),
        costs=money,
        emissions=emissions,
        prices=pd.DataFrame(columns=["bus", "time", "price"]),
        claims={"unit": claims, "world": [Between("takes what it is given", ((port, 1.0),)) for port in flows or {}]},
    )


FILLED = 10.0 * 0.9**0.5 + 1.6
EMPTIED = FILLED * 0.9**1.5 - 6.0

# Name, claim, frames that keep it, what to put in their place to break it, and when it is broken (step or point).
KEPT_AND_BROKEN: list[tuple[str, Claim, dict[str, Any], dict[str, Any], int | None]] = [
    ("Between high", Between("gives no more than its size", (("out", 1.0), ("size", -1.0)), high=0.0),
     {"flows": {"out": [10.0, 20.0, 0.0]}, "sizes": {"size": 20.0}}, {"sizes": {"size": 19.0}}, 1),
    ("Between low", Between("gives half at least", (("out", 1.0), ("size*on", -0.5)), low=0.0),
     {"flows": {"out": [10.0, 0.0, 20.0]}, "states": {"on": [1.0, 0.0, 1.0]}, "sizes": {"size": 20.0}},
     {"states": {"on": [1.0, 1.0, 1.0]}}, 1),
    ("Between by step", Between("within the sun", (("out", 1.0), ("size", -np.array([0.1, 0.5, 0.3]))), high=0.0),
     {"flows": {"out": [2.0, 10.0, 6.0]}, "sizes": {"size": 20.0}}, {"flows": {"out": [2.0, 9.0, 6.5]}}, 2),
    ("Between on points", Between("never full", (("stock", 1.0), ("size", -0.9)), high=0.0, on="points"),
     {"stocks": {"stock": [9.0, 1.0, 2.0, 3.0]}, "sizes": {"size": 10.0}},
     {"stocks": {"stock": [9.0, 9.5, 2.0, 3.0]}}, 1),
    # 10 * 0.9 ** 0.5 + 0.5 * 0.8 * 4, then * 0.9 ** 1.5 - 1.5 * 2 * 2, then * 0.9 ** 2.
    ("StockBalance", StockBalance("stock", (("in", -0.8), ("out", -2.0)), "size", loss=0.1, initial=0.5, final=0.1),
     {"flows": {"in": [-4.0, 0.0, 0.0], "out": [0.0, 2.0, 0.0]},
      "stocks": {"stock": [10.0, FILLED, EMPTIED, EMPTIED * 0.81]}, "sizes": {"size": 20.0}},
     {"flows": {"in": [-4.0, 0.0, 0.0], "out": [0.0, 2.0, 0.1]}}, 2),
    ("StockBalance initial", StockBalance("stock", (("in", -1.0),), "size", initial=0.5),
     {"flows": {"in": [0.0, 0.0, 0.0]}, "stocks": {"stock": [10.0] * 4}, "sizes": {"size": 20.0}},
     {"stocks": {"stock": [9.0] * 4}}, None),
    ("StockBalance final", StockBalance("stock", (("in", -1.0),), "size", final=0.5),
     {"flows": {"in": [0.0, 0.0, 0.0]}, "stocks": {"stock": [10.0] * 4}, "sizes": {"size": 20.0}},
     {"stocks": {"stock": [9.0] * 4}}, None),
    ("StockBalance cyclic", StockBalance("stock", (("in", -1.0),), "size", cyclic=True),
     {"flows": {"in": [-2.0, 0.0, 0.5]}, "stocks": {"stock": [0.0, 1.0, 1.0, 0.0]}, "sizes": {"size": 20.0}},
     {"flows": {"in": [-2.0, 0.0, 0.0]}, "stocks": {"stock": [0.0, 1.0, 1.0, 1.0]}}, None),
    ("NeverBoth", NeverBoth("in", "out"), {"flows": {"in": [-1.0, 0.0, -2.0], "out": [0.0, 5.0, 0.0]}},
     {"flows": {"in": [-1.0, -0.5, -2.0], "out": [0.0, 5.0, 0.0]}}, 1),
    # Gaps between the middles: 0.5 from before, 1.0, 1.75 hours: 0.2 an hour of 20 kW allows 2, 4 and 7 kW.
    ("Ramp up", Ramp("out", "size", up=0.2, before=1.0), {"flows": {"out": [3.0, 7.0, 14.0]}, "sizes": {"size": 20.0}},
     {"flows": {"out": [3.0, 7.0, 14.1]}}, 2),
    ("Ramp down", Ramp("out", "size", down=0.2), {"flows": {"out": [11.0, 7.0, 0.0]}, "sizes": {"size": 20.0}},
     {"flows": {"out": [11.1, 7.0, 0.0]}}, 1),
    ("Ramp first step", Ramp("out", "size", up=0.2, before=1.0),
     {"flows": {"out": [3.0, 3.0, 3.0]}, "sizes": {"size": 20.0}}, {"flows": {"out": [3.1, 3.0, 3.0]}}, 0),
    ("Ramp start", Ramp("out", "size", up=0.1, on="on", start=0.5, before=0.0),
     {"flows": {"out": [0.0, 10.0, 13.5]}, "states": {"on": [0.0, 1.0, 1.0]}, "sizes": {"size": 20.0}},
     {"flows": {"out": [0.0, 10.5, 13.5]}}, 1),
    ("Ramp stop", Ramp("out", "size", down=0.1, on="on", stop=0.25, before=5.0, on_before=1.0),
     {"flows": {"out": [5.0, 0.0, 0.0]}, "states": {"on": [1.0, 0.0, 0.0]}, "sizes": {"size": 20.0}},
     {"flows": {"out": [5.5, 0.0, 0.0]}}, 1),
    # Steps begin at 0, 0.5 and 2 hours: who starts at 0.5 for 2 hours is on at 2; 1.5 hours are over by then.
    ("MinimumRun up", MinimumRun("on", up=1.5), {"states": {"on": [0.0, 1.0, 0.0]}},
     {"states": {"on": [1.0, 0.0, 0.0]}}, 1),
    ("MinimumRun down", MinimumRun("on", down=1.5, on_before=1.0), {"states": {"on": [1.0, 0.0, 1.0]}},
     {"states": {"on": [0.0, 1.0, 1.0]}}, 1),
    ("MinimumRun from before", MinimumRun("on", up=2.0, on_before=1.0, hours_before=1.5),
     {"states": {"on": [1.0, 0.0, 0.0]}}, {"states": {"on": [0.0, 0.0, 0.0]}}, 0),
    ("MinimumRun off from before", MinimumRun("on", down=2.0, hours_before=1.5),
     {"states": {"on": [0.0, 1.0, 1.0]}}, {"states": {"on": [1.0, 1.0, 1.0]}}, 0),
    ("MinimumRun of units", MinimumRun("on", up=2.0, down=2.0, units=3.0, on_before=1.0),
     {"states": {"on": [1.0, 3.0, 2.0]}}, {"states": {"on": [1.0, 3.0, 0.0]}}, 2),
    ("MinimumRun whole", MinimumRun("on"), {"states": {"on": [0.0, 1.0, 1.0]}}, {"states": {"on": [0.0, 0.6, 1.0]}}, 1),
    # On from 1 hour before the horizon and through the first step: 1.5 hours, and 3 with the second.
    ("MinimumRun longest", MinimumRun("on", on_before=1.0, hours_before=1.0, longest=1.5),
     {"states": {"on": [1.0, 0.0, 0.0]}}, {"states": {"on": [1.0, 1.0, 0.0]}}, None),
    ("MinimumRun longest within", MinimumRun("on", longest=2.0), {"states": {"on": [1.0, 1.0, 0.0]}},
     {"states": {"on": [0.0, 1.0, 1.0]}}, None),
    ("Total per hour", Total("hours on", (("on", 1.0),), 2.0), {"states": {"on": [1.0, 1.0, 0.0]}},
     {"states": {"on": [1.0, 0.0, 1.0]}}, None),
    ("Total per event", Total("starts", (("starts", 1.0),), 2.0, "event"), {"states": {"starts": [1.0, 0.0, 1.0]}},
     {"states": {"starts": [1.0, 1.0, 1.0]}}, None),
    ("Means available", Means("out", "renewable", (("size", np.array([0.1, 0.5, 0.3])),)),
     {"states": {"out": [2.0, 10.0, 6.0]}, "sizes": {"size": 20.0}}, {"states": {"out": [2.0, 9.0, 6.5]}}, 2),
    # 700 kWh on one certificate of 1,000, then 1,150 on it.
    ("Certified", Certified("gec", "count", 5.0, "matched", 1000.0, "month"),
     {"states": {"matched": [400.0, 200.0, 100.0], "count": [1.0]}, "costs": {"gec": [5.0]}},
     {"states": {"matched": [400.0, 500.0, 100.0], "count": [1.0]}}, None),
    ("Certified in part", Certified("gec", "count", 5.0, "matched", 1000.0, "year"),
     {"states": {"matched": [400.0, 200.0, 100.0], "count": [1.0]}, "costs": {"gec": [5.0]}},
     {"states": {"matched": [400.0, 200.0, 100.0], "count": [0.7]}, "costs": {"gec": [3.5]}}, None),
    ("Certified for less", Certified("gec", "count", 5.0, "matched", 1000.0, "year"),
     {"states": {"matched": [400.0, 200.0, 100.0], "count": [1.0]}, "costs": {"gec": [5.0]}},
     {"costs": {"gec": [4.0]}}, None),
    ("Matching", Matching("wind", "taken", (("", np.array([4.0, 4.0, 2.0])),), "year"),
     {"states": {"taken": [2.0, 2.0, 1.0]}}, {"states": {"taken": [5.0, 5.0, 5.0]}}, None),
    ("Charge per hour", Charge("costs", "fuel", (("out", np.array([1.0, 2.0, 3.0])),)),
     {"flows": {"out": [4.0, 4.0, 4.0]}, "costs": {"fuel": [2.0, 12.0, 24.0]}},
     {"costs": {"fuel": [4.0, 8.0, 26.0]}}, 1),
    ("Charge per event", Charge("costs", "starts", (("starts", 5.0),), "event"),
     {"states": {"starts": [0.0, 1.0, 0.0]}, "costs": {"starts": [0.0, 5.0, 0.0]}},
     {"costs": {"starts": [0.0, 7.5, 0.0]}}, 1),
    # Four hours are 4/8760 of the year and 4/744 of March.
    ("Charge per year", Charge("costs", "capital", (("size", 876.0),), "year"),
     {"sizes": {"size": 5.0}, "costs": {"capital": [2.0]}}, {"costs": {"capital": [4380.0]}}, None),
    ("Charge per month", Charge("costs", "contract", (("size", 186.0),), "month"),
     {"sizes": {"size": 5.0}, "costs": {"contract": [5.0]}}, {"costs": {"contract": [930.0]}}, None),
    # Two hours as the window: 6 kW for half an hour and 2 kW for one and a half are 3 kW on average.
    ("PeakCharge", PeakCharge("peak", "out", 10.0, 120.0),
     {"flows": {"out": [6.0, 2.0, 2.5]}, "costs": {"peak": [30.0]}}, {"costs": {"peak": [60.0]}}, None),
    ("PeakCharge floor", PeakCharge("peak", "out", 10.0, 120.0, floor=7.0),
     {"flows": {"out": [6.0, 2.0, 2.5]}, "costs": {"peak": [70.0]}}, {"costs": {"peak": [30.0]}}, None),
    # 2, 6 and 8 kWh at 0.5.
    ("TariffBill", TariffBill(("energy",), {"components": {"energy": {"price": 0.5, "kind": "energy"}}}, {}),
     {"flows": {"import": [4.0, 4.0, 4.0]}, "costs": {"energy": [1.0, 3.0, 4.0]}},
     {"costs": {"energy": [1.0, 3.0, 4.5]}}, None),
    ("Change", Change("on follows", (("on", 1.0), ("starts", -1.0)), (("on", -1.0),), 0.0, 0.0, (("", -1.0),)),
     {"states": {"on": [1.0, 2.0, 2.0], "starts": [0.0, 1.0, 0.0]}},
     {"states": {"on": [1.0, 2.0, 2.0], "starts": [0.0, 0.0, 1.0]}}, 1),
    ("Change first step", Change("rises slowly", (("out", 1.0),), (("out", -1.0),), None, 2.0, (("", -3.0),)),
     {"flows": {"out": [5.0, 7.0, 9.0]}}, {"flows": {"out": [5.5, 7.0, 9.0]}}, 0),
    ("Change free first step", Change("rises slowly", (("out", 1.0),), (("out", -1.0),), None, 2.0),
     {"flows": {"out": [50.0, 52.0, 54.0]}}, {"flows": {"out": [50.0, 52.0, 54.5]}}, 2),
    # Begun at 0.5 for 2.5 hours: all of step 1, half of step 2. Before the horizon: 1 for 0.25 hours, half of step 0.
    # 4 of the 6 at 3, the other 2 at 1; at the first point the 1 that is there at 3.
    ("LeftOver", LeftOver("left", "stock", 4.0, 3.0, 1.0),
     {"stocks": {"stock": [0.0, 1.0, 2.0, 6.0]}, "costs": {"left": [-14.0]}}, {"costs": {"left": [-18.0]}}, None),
    ("LeftOver on the way", LeftOver("left", "stock", 4.0, 3.0, 1.0, 1),
     {"stocks": {"stock": [0.0, 1.0, 2.0, 6.0]}, "costs": {"left": [-3.0]}}, {"costs": {"left": [-14.0]}}, None),
    ("Lasting", Lasting("starting", "starts", 2.5, ahead=((0.25, 1.0),)),
     {"states": {"starting": [0.5, 2.0, 1.0], "starts": [0.0, 2.0, 0.0]}},
     {"states": {"starting": [0.5, 2.0, 2.0], "starts": [0.0, 2.0, 0.0]}}, 2),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "good"), [pytest.param(c, g, id=name) for name, c, g, _, _ in KEPT_AND_BROKEN])
def test_a_claim_that_is_kept_is_not_found_fault_with(claim: Claim, good: dict[str, Any]) -> None:
    assert audit(written([claim], **good)).findings == ()


@pytest.mark.parametrize(
    ("claim", "bad", "step"), [pytest.param(c, g | b, s, id=name) for name, c, g, b, s in KEPT_AND_BROKEN]
)
def test_a_claim_that_is_broken_is_found(claim: Claim, bad: dict[str, Any], step: int | None) -> None:
    """One finding, with the asset's name, by how much it is off, and when it can be told."""
    findings = audit(written([claim], **bad)).findings
    assert findings
    assert {finding.asset for finding in findings} == {"unit"}
    assert all(finding.excess > 0.01 for finding in findings)
    if step is not None:
        assert any(finding.when.startswith(TIMES[step].isoformat()) for finding in findings)


@pytest.mark.parametrize("claim", [pytest.param(claim, id=name) for name, claim, *_ in KEPT_AND_BROKEN])
def test_a_claim_comes_back_from_text_as_it_was(claim: Claim) -> None:
    """A factor that came back as a list, or a bound that was lost, would check something else than was said."""
    assert to_plain(from_plain(to_plain(claim))) == to_plain(claim)


def test_every_kind_of_claim_is_kept_and_broken_above() -> None:
    assert {type(claim).__name__ for _, claim, *_ in KEPT_AND_BROKEN} == KINDS.keys()


def test_a_surplus_that_comes_in_is_found() -> None:
    """Heat of 9 kW from a bus that may only let heat go: the bus balances, and nothing is bought."""
    heat = {"demand": [-9.0, -9.0, -9.0]}
    claim = Between("demand as given", (("demand", 1.0),), -9.0, -9.0)
    plan = written([claim], flows=heat)
    own = plan.flows[plan.flows["asset"].astype(str) == "unit"]
    flows = pd.concat([own, own.assign(asset="bus b", port="surplus", rate=9.0)])
    (finding,) = found(replace(plan, flows=flows, claims={"unit": [claim]}))
    assert (finding.asset, finding.statement, finding.excess) == ("bus b", "surplus leaves the bus", 9.0)


@examples
def test_a_flow_that_nobody_claims_is_found(case: Case) -> None:
    """A gift of 1 kW at every step and a loss of 1 kW balance, and no claim speaks of either."""
    plan = base_plan(case)
    one = plan.flows[rows(plan.flows, asset="asset")].iloc[: len(plan.steps)].assign(rate=1.0)
    parts = [plan.flows.astype({"asset": str, "port": str})]
    parts += [one.assign(asset=asset, port="gift", rate=sign) for asset, sign in (("asset", 1.0), ("nobody", -1.0))]
    findings = found(replace(plan, flows=pd.concat(parts, ignore_index=True)))
    assert sorted(str(f).split(":")[0] for f in findings if "'gift' is claimed by nobody" in str(f)) == [
        "asset",
        "nobody",
    ]


@examples
def test_a_category_that_is_told_wrong_is_found(case: Case) -> None:
    """The breakdown is read as often as the total."""
    plan = base_plan(case)
    for category in set(plan.manifest["costs"]) - {"cost"}:
        manifest = deepcopy(plan.manifest)
        manifest["costs"][category] += 1.0
        assert [f for f in found(replace(plan, manifest=manifest)) if category in f.statement], category


def test_a_number_within_the_tolerance_is_no_finding() -> None:
    """Solvers keep rows to 1e-7 of their size or so: an audit without a tolerance would find fault with every plan."""
    claim = Between("gives no more than its size", (("out", 1.0), ("size", -1.0)), high=0.0)
    for excess, passes in ((1e-6, True), (1e-3, False)):
        plan = written([claim], flows={"out": [10.0, 20.0 + excess, 0.0]}, sizes={"size": 20.0})
        assert audit(plan).passed == passes


def test_findings_tell_what_how_much_and_when() -> None:
    claim = Between("gives no more than its size", (("out", 1.0), ("size", -1.0)), high=0.0)
    (finding,) = audit(written([claim], flows={"out": [10.0, 22.5, 0.0]}, sizes={"size": 20.0})).findings
    assert str(finding) == "unit: gives no more than its size: off by 2.5 at 2026-03-01T00:30:00+00:00"


def test_frames_are_the_ones_that_are_tampered_with() -> None:
    """A new frame needs a test of its own here; prices are the solver's word and bind nobody."""
    assert set(FRAMES) == {"steps", "flows", "stocks", "states", "costs", "emissions", "prices"}


# ---------------------------------------------------------------------------------------------------------------------
# On its own


def test_the_audit_needs_no_modelling_language(tmp_path: Path) -> None:
    """Where Pyomo, the solvers and the model cannot be imported, a stored plan is read and audited all the same."""
    (case,) = [case for case in cases() if str(case) == "battery"]
    base_plan(case).save(tmp_path)
    code = (
        "import sys\n"
        "for name in ('pyomo', 'highspy', 'solvers', 'microgrid.model', 'microgrid.technologies'):\n"
        "    sys.modules[name] = None\n"
        "from microgrid.audit import audit\n"
        "from microgrid.results import load\n"
        "checked = audit(load(sys.argv[1]))\n"
        "print(checked.passed, checked.checked > 10)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout.strip() == "True True", done.stderr
