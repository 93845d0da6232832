"""What a bill leaves to the next: bills of parts, one carrying on the other, come to the bill of the whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, seed
from hypothesis import strategies as st

from microgrid.bills.calculator import bill
from microgrid.bills.carried import carried
from microgrid.bills.readings import Facts, Readings
from microgrid.tariffs.components import CoincidentCharge, DemandCharge
from microgrid.tariffs.past import Past
from microgrid.tariffs.tariff import Tariff
from tests.tariffs.bills import examples, readings

BILLS = 33
SIZES: dict[str, Any] = {"capacity": 60.0, "transformer": 40.0, "contract": 22.0}
CLOCK = {
    "multipliers": {"peak": 1.7, "flat": 1.0, "valley": "0.5 x flat"},
    "days": [{"hours": {"peak": ["10-12", "14-19"], "valley": "22-6", "flat": "rest"}}],
}
EXPORTS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"price": 0.1},
    {"net_metering": {"per": "month", "surplus_price": 0.03}},
    {"net_metering": {"per": "year", "surplus_price": 0.3}},
)
STARTS = (
    ("2026-01-31T18:00", "Asia/Shanghai"),
    ("2026-03-28T20:15", "Europe/Berlin"),
    ("2025-12-31T15:30", "America/Los_Angeles"),
    ("2026-02-10T00:00", "UTC"),
)
EVENTS = [
    {"name": name, "price": price, "hours": hours}
    for name, price, hours in (
        ("border", 4.0, ["2026-01-31T22:00/2026-02-01T02:00", "2026-03-29T04:00/2026-03-29T06:30"]),
        ("year", 3.0, ["2025-12-31T20:00/2025-12-31T21:00", "2026-01-01T05:00/2026-01-01T09:30"]),
        ("never", 9.0, ["2021-02-01T01:00/2021-02-01T04:00"]),
    )
]


@st.composite
def contracts(draw: Callable[..., Any]) -> Tariff:
    """Draw a tariff with components of every kind that the past matters to."""
    window = st.sampled_from((0.25, 0.5, 1.0, 3.0))
    whole = st.sampled_from(("count", "ignore"))
    ratchet = {"share": 0.8, "look_back": draw(st.integers(1, 3)), "cyclic": False}
    energy = draw(st.sampled_from((0.01, 1.0, 260.0)))
    made: list[dict[str, Any]] = [
        {"kind": "energy", "price": 0.3, "floats": True},
        {"kind": "energy", "netted": False, "tiers": [{"up_to": 150.0, "price": 0.5}, {"up_to": 400.0, "price": 0.2},
                                                      {"price": 0.9}]},
        {"kind": "demand", "price": 20.0, "window": draw(window), "incomplete_windows": draw(whole)},
        {"kind": "demand", "price": 12.0, "window": draw(window), "ratchet": ratchet},
        {"kind": "demand", "window": draw(window), "tiers": [{"up_to": 15.0, "price": 1.0}, {"price": 6.0}],
         "ratchet": {"share": 0.9, "look_back": 1}},
        {"kind": "demand", "price": {"peak": 9.0, "valley": 2.0}, "window": draw(st.sampled_from((0.25, 1.0))),
         "incomplete_windows": draw(whole)},
        {"kind": "demand", "basis": "contract", "price": 5.0, "window": draw(window), "overrun": {}},
        {"kind": "demand", "price": 7.0, "window": draw(window), "rebate": {"share": 0.2, "energy": energy}},
        {"kind": "demand", "basis": "transformer", "price": 3.0, "prorated": draw(st.booleans())},
        {"kind": "coincident", "window": draw(st.sampled_from((0.5, 1.0))), "events": EVENTS},
        {"kind": "capacity_fee", "energy_price": 0.1, "load_factor": 0.6},
        {"kind": "fixed", "amount": 90.0},
    ]  # fmt: skip
    drawn = draw(st.lists(st.integers(0, len(made) - 1), min_size=2, max_size=7, unique=True))
    export = draw(st.sampled_from(EXPORTS))
    more = {"export": export} if export is not None else {}
    return Tariff.model_validate(
        {"components": {f"line {number}": made[number] for number in drawn}, "time_of_use": CLOCK, **more}
    )


def billed_in_parts(contract: Tariff, whole: Readings, cuts: list[int], past: Past) -> dict[str, float]:
    """Bill a part after the other; of a month that is cut, what is owed in full is owed by its last part."""
    edges = [0, *cuts, len(whole.hours)]
    total: dict[str, float] = {}
    for at, (first, last) in enumerate(pairwise(edges)):
        part = whole.part(slice(first, last))
        due = bill(contract, part, Facts("", past=past, **SIZES), adjusts=False)
        goes_on = part.months[-1] == f"{part.end:%Y-%m}" and at < len(edges) - 2
        for item in due.items:
            if not (goes_on and item.month == part.months[-1] and in_full(contract, item.line)):
                total[item.line] = total.get(item.line, 0.0) + item.amount
        past = carried(contract, part, past)
    return total


def in_full(contract: Tariff, line: str) -> bool:
    component = contract.components.get(line)
    return isinstance(component, CoincidentCharge) or (isinstance(component, DemandCharge) and not component.prorated)


def test_parts_come_to_the_whole() -> None:
    """Cuts anywhere: within a metering window, an event, a month, at its end; ratchets, tiers, netting, rebates."""
    seen = {"bills": 0, "open": 0, "month ends": 0}

    @examples(BILLS)
    @given(contracts(), st.sampled_from(STARTS), st.integers(0, 2**31), st.sampled_from((1, 2, 6)), st.booleans())
    def look_at(contract: Tariff, start: tuple[str, str], chance: int, count: int, is_known: bool) -> None:
        random = np.random.default_rng(chance)
        steps = 4 * 24
        whole = readings(
            list(random.choice([0.0, 4.0, 12.0, 31.0], steps)), start[0], 0.25, start[1],
            list(random.choice([0.0, 0.0, 9.0], steps)),
        )  # fmt: skip
        cuts = sorted(random.choice(np.arange(1, steps), count, replace=False).tolist())
        ends = np.flatnonzero(whole.month[1:] != whole.month[:-1]) + 1
        if len(ends) and chance % 2 == 0:
            cuts = sorted({*cuts, int(ends[0])})
            seen["month ends"] += 1
        looking = [name for name, c in contract.components.items() if getattr(c, "ratchet", None)]
        past = Past(energy=80.0, months={name: {"2025-11": 41.0} for name in looking}) if is_known else Past()
        note(f"{contract.plain} {cuts}")
        expected = bill(contract, whole, Facts("", past=past, **SIZES), adjusts=False).lines()
        found = billed_in_parts(contract, whole, cuts, past)
        seen["bills"] += 1
        seen["open"] += bool(carried(contract, whole.part(slice(0, cuts[0])), past).open_windows)
        for line, amount in expected.items():
            assert found[line] == pytest.approx(amount, abs=1e-6), line
        assert sum(found.values()) == pytest.approx(sum(expected.values()), abs=1e-6)

    seed(11)(look_at)()
    assert seen["bills"] >= BILLS
    assert min(seen["open"], seen["month ends"]) >= 10, "cuts within windows and at months' ends were among them"
