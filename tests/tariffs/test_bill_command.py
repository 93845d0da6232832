"""`microgrid bill`: files in, a bill out; and what is told of files that are not as wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from microgrid.bills.counter import Request, answer
from microgrid.bills.told import as_csv, as_json, as_text, write
from microgrid.errors import InputError

TARIFF = """\
title: Two options
currency: EUR
time_zone: Europe/Berlin
options: {single: one part, measured: two parts}
default_option: measured
components:
  energy: {kind: energy, price: 0.5 EUR/kWh}
  more: {kind: energy, price: 0.1 EUR/kWh, options: [single]}
  demand: {kind: demand, price: 4 EUR/kW/month, options: [measured]}
power_factor:
  points: [{at: 0.5, adjustment: 40 %}, {at: 0.9, adjustment: 0 %}]
  components: [energy]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tariff.yaml").write_text(TARIFF, encoding="utf-8")
    return tmp_path


def meter(header: str, rows: list[str], start: str = "2026-06-01T00:00+02:00", step: str = "1h") -> Path:
    rows = rows if len(rows) > 1 else [*rows, ",".join("0" * len(header.split(",")))]  # one row has no interval
    times = pd.date_range(start, periods=len(rows), freq=step)
    lines = [f"time,{header}", *(f"{time.isoformat()},{row}" for time, row in zip(times, rows, strict=True))]
    path = Path("meter.csv")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_power_and_energy_come_to_the_same(here):
    """Half-hours of 10 kW are 5 kWh: 2 * 5 * 0.5 + 10 * 4 = 45, either way."""
    for header, rows in (("import [kW]", ["10", "10"]), ("load [kWh]", ["5", "5"]), ("import [MWh]", ["0.005"] * 2)):
        found = answer(Request("tariff.yaml", meter(header, rows, step="30min")))
        assert found.bill.total == pytest.approx(45.0)
        assert found.option == "measured"
        assert found.totals == {"single": pytest.approx(6.0), "measured": pytest.approx(45.0)}


def test_the_cheapest_option_is_found(here):
    assert answer(Request("tariff.yaml", meter("import [kW]", ["10"]), "cheapest")).option == "single"


def test_reactive_energy_adjusts_the_bill(here):
    """100 kW, 75 kvarh an hour: 0.80, a quarter of the way from 0.9 to 0.5: 10 % of 50."""
    found = answer(Request("tariff.yaml", meter("import [kW],reactive [kvarh]", ["100,75"]), "single"))
    assert found.bill.lines()["power factor adjustment"] == pytest.approx(5.0)
    bare = answer(Request("tariff.yaml", meter("import [kW]", ["100"]), "single"))
    assert "no reactive energy" in bare.bill.warnings[-1]


def test_a_bill_is_told_as_text_csv_and_json(here):
    found = answer(Request("tariff.yaml", meter("import [kW],export [kW]", ["10,0", "0,3"])))
    assert as_text(found).splitlines() == [
        "Two options, measured",
        "2026-06         quantity                     amount EUR",
        "  energy            10.0 kWh                       5.00",
        "  demand            10.0 kW                       40.00",
        "  sum                                             45.00",
        "total                                             45.00",
        "under single                                       6.00",
        "warning: 2026-06 is incomplete: readings cover 0.3% of it",
        "warning: energy was exported, and the tariff pays nothing for it",
        "warning: demand: readings of 60 min cannot show the peak of a window of 15 min; it may be higher",
        "warning: no reactive energy and no assumed power factor: its adjustment is not in the bill",
    ]
    assert as_csv(found).splitlines() == [
        "month,line,category,quantity,unit,amount [EUR]",
        "2026-06,energy,energy,10.000000,kWh,5.000000",
        "2026-06,demand,demand,10.000000,kW,40.000000",
    ]
    data = json.loads(as_json(found))
    assert data["total"] == 45.0
    assert data["past"] == {
        "until": "2026-06-01T02:00:00+02:00",
        "peaks": {"demand": "10.0 kW"},
        "energy": "10.0 kWh",
    }
    write(found, Path("bill.json"))
    assert json.loads(Path("bill.json").read_text(encoding="utf-8")) == data


def test_what_a_bill_leaves_is_taken_up_by_the_next(here):
    """JSON is YAML: the `past` of one bill is a file of the next. 10 kW before, 6 kW now: 40 of demand again."""
    first = answer(Request("tariff.yaml", meter("import [kW]", ["10"])))
    Path("past.yaml").write_text(json.dumps(json.loads(as_json(first))["past"]), encoding="utf-8")
    given = {"past": "past.yaml"}
    second = answer(Request("tariff.yaml", meter("import [kW]", ["6"], "2026-06-01T02:00+02:00"), given=given))
    assert second.bill.lines()["demand"] == pytest.approx(40.0)


def test_a_past_under_an_unknown_name_is_refused(here):
    Path("past.yaml").write_text("peaks: {demnd: 10 kW}\nnetted: {all day: 3 kWh}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        answer(Request("tariff.yaml", meter("import [kW]", ["6"]), given={"past": "past.yaml"}))
    assert str(caught.value) == (
        'past.yaml:1  past.peaks.demnd: unknown name\n   wanted one of demand; did you mean "demand"?\n'
        "past.yaml:2  past.netted.all day: unknown name\n   wanted nothing: the tariff measures none"
    )
    Path("past.yaml").write_text("peaks: {demand: 10}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"past\.yaml:1  past\.peaks\.demand: 10"):
        answer(Request("tariff.yaml", meter("import [kW]", ["6"]), given={"past": "past.yaml"}))


def test_overrides_change_the_tariff(here):
    changes = {"components.energy.price": "1 EUR/kWh", "components.demand": "none"}
    found = answer(Request("tariff.yaml", meter("import [kW]", ["10"]), overrides=changes))
    assert found.bill.total == pytest.approx(10.0)


def test_the_months_are_those_of_the_tariffs_clock(here):
    """22:00 UTC on 31 May is June in Berlin."""
    found = answer(Request("tariff.yaml", meter("import [kW]", ["1", "1"], "2026-05-31T21:00+00:00")))
    assert [item.month for item in found.bill.items if item.line == "energy"] == ["2026-05", "2026-06"]


@pytest.mark.parametrize(
    ("header", "rows", "request_of", "told"),
    [
        ("power [kW]", ["1"], {},
         "meter.csv:1  column: columns power\n   wanted a column of the imported power or energy: import or load; name "
         "it with --given column=NAME"),
        ("import [kW]", ["1", ""], {}, "meter.csv:3  column import: no value\n   wanted a number in every interval"),
        ("import [kW]", ["-3"], {},
         "meter.csv:2  column import: -3 kW\n   wanted import and export, each in a column of its own and not below "
         "zero"),
        ("import [EUR]", ["3"], {},
         "meter.csv:1  column import: [EUR]\n   wanted a unit of power (kW) or of energy (kWh)"),
        ("import [kW]", ["3"], {"option": "double"},
         "option: double\n   wanted one of the tariff's options: single, measured; name one with --option"),
        ("import [kW]", ["3"], {"given": {"trafo": "3 kVA"}},
         '--given: trafo\n   wanted one of capacity, transformer, contract, zone, column, past; did you mean '
         '"transformer"?'),
        ("import [kW]", ["3"], {"given": {"transformer": "3"}},
         '--given transformer: 3\n   wanted a quantity in kVA, such as "1250 kVA"; add the unit, such as "3 kVA"'),
        ("import [kW]", ["3"], {"given": {"transformer": "-10 kVA"}},
         '--given transformer: -10 kVA\n   wanted more than 0 kVA'),
        ("import [kW]", ["3"], {"given": {"zone": "Mars"}},
         "zone: Mars\n   wanted an IANA time zone such as Asia/Shanghai"),
        ("import [kW]", ["3"], {"overrides": {"components.energy.price": "1 CNY/kWh"}},
         None),
    ],
)  # fmt: skip
def test_faults_are_told(here, header, rows, request_of, told):
    with pytest.raises(InputError) as caught:
        answer(Request("tariff.yaml", meter(header, rows), **request_of))
    if told is None:
        assert "convert it to EUR" in str(caught.value)
    else:
        assert str(caught.value) == told


def test_steps_that_cut_windows_are_told(here):
    with pytest.raises(InputError, match="wanted steps that divide or fill metering windows of 15 min"):
        answer(Request("tariff.yaml", meter("import [kW]", ["1", "1"], step="10min")))


def test_a_size_that_the_tariff_bills_by_is_asked_for(here):
    text = TARIFF.replace("price: 4 EUR/kW/month", "basis: transformer, price: 4 EUR/kVA/month")
    Path("tariff.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        answer(Request("tariff.yaml", meter("import [kW]", ["3"])))
    assert str(caught.value) == (
        "transformer: missing\n   wanted a transformer in kVA, which the component demand is billed by; give it with "
        '--given transformer="1000 kVA"'
    )
    found = answer(Request("tariff.yaml", meter("import [kW]", ["3"]), given={"transformer": "10 kVA"}))
    assert found.bill.lines()["demand"] == pytest.approx(40.0)


def test_an_ending_that_is_not_known_is_refused(here):
    found = answer(Request("tariff.yaml", meter("import [kW]", ["3"])))
    with pytest.raises(InputError, match=r"a file that ends in \.csv, \.json, \.txt"):
        write(found, Path("bill.xlsx"))


def test_a_component_may_have_a_name_of_one_letter(here):
    """20 kWh at 0.5; the columns are as wide as a month at least."""
    text = "currency: EUR\ntime_zone: UTC\ncomponents: {e: {kind: energy, price: 0.5 EUR/kWh}}\n"
    Path("short.yaml").write_text(text, encoding="utf-8")
    lines = as_text(answer(Request("short.yaml", meter("load [kW]", ["10", "10"])))).splitlines()
    assert lines[2].split() == ["e", "20.0", "kWh", "10.00"]
    assert len({len(line) for line in lines[1:5]}) == 1
