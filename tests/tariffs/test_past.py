"""What was measured before: a bill's `past` as a file of the next, by hand, and one that does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microgrid.bills.calculator import bill
from microgrid.bills.carried import carried
from microgrid.bills.counter import Answer, Request, answer
from microgrid.bills.readings import Facts
from microgrid.bills.told import as_json
from microgrid.errors import InputError
from microgrid.tariffs.past import OpenWindow, Past
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from tests.files import PLANT, changed, told, write
from tests.plants import solved
from tests.tariffs.bills import readings, tariff

TARIFF = """\
title: T
currency: CNY
time_zone: Asia/Shanghai
components:
  energy: {kind: energy, price: 0.5 CNY/kWh}
  demand: {kind: demand, price: 40 CNY/kW/month, window: 1 h}
"""
RATCHET = TARIFF.replace("window: 1 h", "window: 1 h, ratchet: {share: 80 %, look_back: 11}")
TWO = RATCHET + "  quarter: {kind: demand, price: 1 CNY/kW/month, ratchet: {share: 50 %}}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def billed(text: str, start: str, days: int, peak: float, given: str | dict[str, object] | None = None) -> Answer:
    """Bill hours of 10 kW, one of them at `peak`, from the first of a month on."""
    Path("t.yaml").write_text(text, encoding="utf-8")
    hours = pd.date_range(start, periods=24 * days, freq="h", tz="Asia/Shanghai")
    rows = [f"{time.isoformat()},{peak if at == 5 else 10}" for at, time in enumerate(hours)]
    Path("m.csv").write_text("\n".join(["time,import [kW]", *rows]), encoding="utf-8")
    if given is None:
        return answer(Request("t.yaml", Path("m.csv")))
    Path("past.yaml").write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8")
    return answer(Request("t.yaml", Path("m.csv"), given={"past": "past.yaml"}))


def left(found: Answer) -> dict[str, object]:
    """Return the `past` of a bill's JSON."""
    past: dict[str, object] = json.loads(as_json(found))["past"]
    return past


def test_what_january_leaves_is_nothing_that_february_owes(here):
    """February alone: 28 * 24 h * 10 kW + 90 kWh, by 0.5: 3,405, and its own peak, 100 kW at 40: 4,000.

    With January's peak of 300 kW read as February's own, its bill would be 12,000 for demand.
    """
    january = left(billed(TARIFF, "2026-01-01", 31, 300.0))
    assert january == {"until": "2026-02-01T00:00:00+08:00", "energy": "0.0 kWh"}
    february = billed(TARIFF, "2026-02-01", 28, 100.0, january)
    assert february.bill.lines() == {"energy": pytest.approx(3405.0), "demand": pytest.approx(4000.0)}
    assert not february.bill.warnings


def test_a_ratchet_looks_back_at_its_own_component(here):
    """January's hourly peak is 300 kW: February's 100 kW are billed as 0.8 * 300 = 240, at 40: 9,600.

    By quarters of an hour, February is billed half of 300: 150 kW at 1. Readings of an hour show no more.
    """
    january = left(billed(TWO, "2026-01-01", 31, 300.0))
    assert january["months"] == {"demand": {"2026-01": "300.0 kW"}, "quarter": {"2026-01": "300.0 kW"}}
    own = {"until": january["until"], "months": {"demand": {"2026-01": "300 kW"}, "quarter": {"2026-01": "400 kW"}}}
    lines = billed(TWO, "2026-02-01", 28, 100.0, own).bill.lines()
    assert lines["demand"] == pytest.approx(9600.0)
    assert lines["quarter"] == pytest.approx(200.0)


def test_peaks_of_months_need_no_component_where_one_alone_looks_back(here):
    lines = billed(RATCHET, "2026-02-01", 28, 100.0, "months: {2026-01: 300 kW}").bill.lines()
    assert lines["demand"] == pytest.approx(9600.0)


@pytest.mark.parametrize(
    ("text", "past", "expected"),
    [
        (TARIFF, 'until: "2026-01-31T00:00+08:00"',
         "past.yaml:1  past.until: 2026-01-31T00:00+08:00, a gap of 24 h before the horizon\n"
         "   wanted the moment at which the horizon begins, 2026-02-01T00:00+08:00; carry on what was measured in "
         "between first; or write by hand what the month has seen, without until"),
        (TARIFF, 'peaks: {demand: 3 kW}\nuntil: "2026-02-01T06:00+08:00"',
         "past.yaml:2  past.until: 2026-02-01T06:00+08:00, an overlap of 6 h with the horizon\n"
         "   wanted the moment at which the horizon begins, 2026-02-01T00:00+08:00; begin the horizon where it ends, "
         "or take the past that ends where the horizon begins"),
        (TARIFF, "until: 2026-02-01T00:00",
         "past.yaml:1  past.until: 2026-02-01T00:00\n"
         "   wanted a moment with its offset, such as 2026-02-01T00:00+08:00"),
        (TARIFF, 'until: "2026-02-01T00:00+08:00"\nenergy: 16.8 MWh\npeaks: {demand: 50 kW}',
         "past.yaml:3  past.peaks.demand: 50 kW of a month, 2026-02, that begins with the horizon\n"
         "   wanted nothing measured in it yet; peaks of the month before stand under months, for ratchets; its energy "
         "no longer counts\n"
         "past.yaml:2  past.energy: 16800 kWh of a month, 2026-02, that begins with the horizon\n"
         "   wanted nothing measured in it yet; peaks of the month before stand under months, for ratchets; its energy "
         "no longer counts"),
        (RATCHET, "months:\n  2026-13: 480 kW\n  2026-00: 1 kW",
         "past.yaml:2  past.months.2026-13: 2026-13\n   wanted a month such as 2025-12, its number from 01 to 12\n"
         "past.yaml:3  past.months.2026-00: 2026-00\n   wanted a month such as 2025-12, its number from 01 to 12"),
        (RATCHET, "months:\n  demand:\n    2026-02: 480 kW\n    2027-05: 900 kW",
         "past.yaml:3  past.months.demand.2026-02: 2026-02, in which the horizon begins\n"
         "   wanted a month before 2026-02; the month's own peaks so far stand under peaks\n"
         "past.yaml:4  past.months.demand.2027-05: 2027-05, after the horizon begins\n"
         "   wanted a month before 2026-02; the month's own peaks so far stand under peaks"),
        (TWO, "months: {2026-01: 480 kW}",
         "past.yaml:1  past.months: peaks that name no component\n"
         "   wanted peaks by component: demand, quarter each have a ratchet; such as {demand: {2026-01: 480 kW}}"),
        (TWO, "months: {demnd: {2026-01: 480 kW}}",
         'past.yaml:1  past.months.demnd: unknown name\n   wanted one of demand, quarter; did you mean "demand"?'),
        (TARIFF, "months: {2026-01: 480 kW}",
         "past.yaml:1  past.months: peaks of earlier months\n   wanted none: the tariff has no ratchet"),
        (RATCHET, "months: {2026-01: 480 kW, demand: {2025-12: 3 kW}}",
         "past.yaml:1  past.months: {2026-01: 480 kW, demand: {2025-12: 3 kW}}\n"
         "   wanted peaks by month, or by component and month, not both"),
        (RATCHET, "months: {demand: {2025-12: 3}}",
         'past.yaml:1  past.months.demand.2025-12: 3\n'
         '   wanted a quantity in kW, such as "500 kW"; add the unit, such as "3 kW"'),
        (TARIFF, 'energy: 3 kWh\nenergy_since: "2026-03-01T00:00+08:00"',
         "past.yaml:2  past.energy_since: 2026-03-01T00:00+08:00\n"
         "   wanted a moment before the horizon begins, 2026-02-01T00:00+08:00"),
    ],
)  # fmt: skip
def test_a_past_that_does_not_fit_is_told(here, text, past, expected):
    with pytest.raises(InputError) as caught:
        billed(text, "2026-02-01", 28, 100.0, past)
    assert str(caught.value) == expected


def test_a_past_without_a_stamp_is_of_the_month_and_doubted_where_that_cannot_be(here):
    """450 kW are billed as February's; that nothing can have been measured in it yet is told."""
    found = billed(TARIFF, "2026-02-01", 28, 100.0, "peaks: {demand: 450 kW}")
    assert found.bill.lines()["demand"] == pytest.approx(18000.0)
    assert any("with which 2026-02 begins" in warning for warning in found.bill.warnings)


def test_a_plan_must_begin_where_its_past_ends(here):
    """A scenario tells it with file and line, as any other fault."""
    more = """\
    tariff: {components: {energy: {kind: energy, price: 0.5 EUR/kWh}}}
    past:
      until: "2026-06-14T12:00+02:00"
"""
    found = told(write(here, changed(PLANT, [("    import_price: 0.2 EUR/kWh\n", more)])))
    assert found == (
        "plant.yaml:10  assets.grid.past.until: 2026-06-14T12:00+02:00, a gap of 12 h before the horizon\n"
        "   wanted the moment at which the horizon begins, 2026-06-15T00:00+02:00; carry on what was measured in "
        "between first; or write by hand what the month has seen, without until"
    )


def test_a_metering_window_goes_on_over_the_border():
    """A window of an hour has seen 30 min of 80 kW, 40 kWh; the plan's half hour of 20 kW makes 50 kW of it.

    Alone, that half hour would be 20 kW; the next hour's 45 kW would then be the peak: 45 instead of 50.
    """
    contract = tariff({"e": {"price": 0.1}, "d": {"kind": "demand", "price": 10.0, "window": 1.0}})
    past = Past(open_windows={"d": OpenWindow(energy=40.0, hours=0.5)})
    timeline = Timeline.of_hours([0.5, 1.0], "2026-01-05T08:30+00:00")
    plan = solved(
        {
            "g": GridConnection(capacity=100.0, tariff=contract, past=past),
            "l": ProductionLoad(demand=[20.0, 45.0]),
        },
        timeline,
    )
    assert plan.column("demand") == pytest.approx(500.0)
    read = readings([20.0, 45.0, 45.0], "2026-01-05T08:30", 0.5)
    assert bill(contract, read, Facts(past=past)).lines()["d"] == pytest.approx(500.0)
    whole = readings([80.0, 20.0, 45.0, 45.0], "2026-01-05T08:00", 0.5)
    first = carried(contract, whole, until=pd.Timestamp("2026-01-05T08:30Z"))
    assert first.open_windows == past.open_windows
    assert first.peaks == {"d": 0.0}


def test_an_event_over_a_months_end_is_charged_once():
    """23:00 to 01:00: 30 kW in January, charged with it at 2; 50 kW in February: only 20 kW more."""
    event = {"name": "e", "price": 2.0, "hours": ["2026-01-31T23:00/2026-02-01T01:00"]}
    contract = tariff({"b": {"price": 0.1}, "c": {"kind": "coincident", "window": 1.0, "events": [event]}})
    whole = readings([30.0, 50.0, 90.0], "2026-01-31T23:00")
    assert bill(contract, whole, Facts()).lines()["c"] == pytest.approx(100.0)
    january, february = whole.part(slice(0, 1)), whole.part(slice(1, 3))
    assert bill(contract, january, Facts()).lines()["c"] == pytest.approx(60.0)
    past = carried(contract, january)
    assert past.charged == {"c e": 30.0}
    assert bill(contract, february, Facts(past=past)).lines()["c"] == pytest.approx(40.0)
    plan = solved(
        {"g": GridConnection(capacity=100.0, tariff=contract, past=past), "l": ProductionLoad(demand=[50.0, 90.0])},
        Timeline.of_hours([1.0, 1.0], "2026-02-01T00:00+00:00"),
    )
    assert plan.column("demand") == pytest.approx(40.0)


def test_what_an_event_was_charged_pays_for_no_other():
    """January charged `e` for 30 kW. In February `e` reaches 10 kW, `f` 20 kW: 40 for `f`, nothing back for `e`."""
    events = [
        {"name": "e", "price": 2.0, "hours": ["2026-01-31T23:00/2026-02-01T01:00"]},
        {"name": "f", "price": 2.0, "hours": ["2026-02-01T01:00/2026-02-01T02:00"]},
    ]
    contract = tariff({"b": {"price": 0.1}, "c": {"kind": "coincident", "window": 1.0, "events": events}})
    past = Past(charged={"c e": 30.0})
    assert bill(contract, readings([10.0, 20.0], "2026-02-01T00:00"), Facts(past=past)).lines()["c"] == 40.0
    plan = solved(
        {"g": GridConnection(capacity=100.0, tariff=contract, past=past), "l": ProductionLoad(demand=[10.0, 20.0])},
        Timeline.of_hours([1.0, 1.0], "2026-02-01T00:00+00:00"),
    )
    assert plan.column("demand") == pytest.approx(40.0)


def test_an_event_that_is_over_is_still_owed_with_its_month():
    """The month has seen the event at 30 kW: the bill that carries it on charges 60, with no reading of it."""
    event = {"name": "e", "price": 2.0, "hours": ["2026-01-05T08:00/2026-01-05T10:00"]}
    contract = tariff({"b": {"price": 0.1}, "c": {"kind": "coincident", "window": 1.0, "events": [event]}})
    past = carried(contract, readings([30.0, 20.0, 70.0], "2026-01-05T08:00"))
    assert past.peaks == {"c e": 30.0}
    later = readings([5.0], "2026-01-05T11:00")
    assert bill(contract, later, Facts(past=past)).lines()["c"] == pytest.approx(60.0)
    grid = GridConnection(capacity=100.0, tariff=contract, past=past)
    plan = solved({"g": grid, "l": ProductionLoad(demand=[5.0])}, Timeline.of_hours([1.0], "2026-01-05T11:00+00:00"))
    assert plan.column("demand") == pytest.approx(60.0)


def test_a_past_is_plain_data_and_back():
    contract = tariff({"d": {"kind": "demand", "price": 10.0, "window": 1.0, "ratchet": {"share": 0.5}}})
    read = readings(list(np.arange(40.0)), "2026-01-31T08:15", 0.25)
    past = carried(contract, read)
    again = Past.model_validate(json.loads(json.dumps(past.model_dump(mode="json", exclude_none=True))))
    assert again == past
    assert hash(again) == hash(past)
    assert past.energy_since == read.times[0], "energy before the first reading is not known"


def test_a_closing_instant_within_an_interval_is_refused():
    with pytest.raises(ValueError, match="is no edge of readings"):
        carried(tariff({"e": {"price": 1.0}}), readings([1.0, 1.0]), until=pd.Timestamp("2026-03-02T00:30Z"))
