"""What a bill does not know is told on it, never silent; and what nobody can bill is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.bills.counter import Request, answer
from microgrid.errors import InputError
from microgrid.tariffs.files import read_tariff

HEAD = "title: T\ncurrency: CNY\ntime_zone: Asia/Shanghai\n"
PLAIN = "components:\n  e: {kind: energy, price: 0.5 CNY/kWh}\n"
CLOCK = """\
time_of_use:
  days:
    - {on: ON, hours: {valley: rest}}
    - {hours: {peak: 8-11, valley: rest}}
components: {e: {kind: energy, price: {peak: 1 CNY/kWh, valley: 0.5 CNY/kWh}}}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def meter(header: str = "import [kW]", start: int = 0, end: int = 24, minutes: int = 60) -> Path:
    """Write readings of 10 kW, or one for each column, of some hours of a day in July."""
    cells = ",".join("10" for _ in header.split(","))
    times = [(hour, minute) for hour in range(start, end) for minute in range(0, 60, minutes)]
    rows = [f"2026-07-20T{hour:02d}:{minute:02d}:00+08:00,{cells}" for hour, minute in times]
    Path("meter.csv").write_text("\n".join([f"time,{header}", *rows]), encoding="utf-8")
    return Path("meter.csv")


def warned(text: str, load: Path, **given: str) -> list[str]:
    """Return what is warned of besides that the month is incomplete."""
    Path("t.yaml").write_text(HEAD + text, encoding="utf-8")
    warnings = answer(Request("t.yaml", load, given=given)).bill.warnings
    return [warning for warning in warnings if "is incomplete" not in warning]


def refused(text: str, load: Path | None = None, **given: str) -> str:
    """Return what is told of a tariff that cannot be billed."""
    Path("t.yaml").write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        answer(Request("t.yaml", load or meter(), given=given))
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("import [kW]", []),
        ("import [kW],exported [kW]",
         ['meter.csv:1  column exported is not read, and not in the bill; did you mean "export"?']),
        ("import [kW],load [kW]",
         ["meter.csv:1  column load is not read, and not in the bill; columns that are read: import"]),
        ("load [kW],export [kW],reactve [kvar]",
         ['meter.csv:1  column reactve is not read, and not in the bill; did you mean "reactive"?',
          "energy was exported, and the tariff pays nothing for it"]),
    ],
)  # fmt: skip
def test_columns_that_nobody_reads_are_told(here, header, expected):
    assert warned(PLAIN, meter(header)) == expected


EVENTS = """\
components:
  c:
    kind: coincident
    events:
      - {name: in, price: 1 CNY/kW, hours: ["2026-07-20T10:00/2026-07-20T12:00"]}
      - {name: half, price: 1 CNY/kW, hours: ["2026-07-20T22:00/2026-07-21T02:00"]}
      - {name: later, price: 1 CNY/kW, hours: ["2026-08-20T22:00/2026-08-20T23:00"]}
"""


def test_events_without_readings_are_told(here):
    assert warned(EVENTS, meter()) == [
        "c: no readings in the hours of later: not judged, and not in the bill",
        "c: no readings in 2 of the 4 h of half: its peak may be higher",
    ]


def test_what_an_event_has_seen_before_needs_no_readings(here):
    (here / "past.yaml").write_text("peaks: {c in: 30 kW}", encoding="utf-8")
    told = warned(EVENTS, meter(start=20), past="past.yaml")
    assert told == [
        "c: no readings in the hours of later: not judged, and not in the bill",
        "c: no readings in 2 of the 4 h of half: its peak may be higher",
    ]


@pytest.mark.parametrize(
    ("more", "how"),
    [("", "judged by the part that there are readings of"), (", incomplete_windows: ignore", "left out")],
)
def test_metering_windows_that_are_cut_are_told(here, more, how):
    """Windows of two hours; readings from 09:00 to 11:00 cut two of them."""
    text = f"components: {{d: {{kind: demand, price: 4 CNY/kW/month, window: 2 h{more}}}}}"
    assert warned(text, meter(start=9, end=11)) == [
        f"d: metering window of 120 min at 2026-07-20T08:00+08:00 and 2026-07-20T10:00+08:00: {how}"
    ]
    assert warned(text, meter(start=8, end=10)) == []


def test_periods_without_readings_are_told(here):
    clock = CLOCK.replace("    - {on: ON, hours: {valley: rest}}\n", "").replace("components: {e:", "components: {d:")
    energy = "kind: energy, price: {peak: 1 CNY/kWh, valley: 0.5 CNY/kWh}"
    text = clock.replace(energy, "kind: demand, window: 1 h, price: {peak: 9 CNY/kW/month, valley: 1 CNY/kW/month}")
    assert warned(text, meter(start=12)) == ["d: no readings within peak in 2026-07: that demand is not judged"]
    assert warned(text, meter()) == []


@pytest.mark.parametrize(("kind", "word"), [("holidays", "holidays"), ("hot_days", "hot days")])
def test_days_that_never_come_are_refused_and_told_where_there_are_none(here, kind, word):
    text = CLOCK.replace("ON", kind)
    found = refused(text)
    assert found.startswith(f"t.yaml:6  time_of_use.days.0.on: {word}, of which none are told\n   wanted {kind} beside")
    none = text.replace("time_of_use:\n", f"time_of_use:\n  {kind}: {{dates: []}}\n")
    what = "one that is none" if kind == "holidays" else "one that is not hot"
    assert warned(none, meter()) == [f"no {word} are told (time_of_use.{kind}): every day is billed as {what}"]
    listed = text.replace("time_of_use:\n", f"time_of_use:\n  {kind}: {{dates: [2026-07-20]}}\n")
    assert warned(listed, meter()) == []


def test_a_year_without_holidays_is_refused(here):
    text = CLOCK.replace("ON", "holidays").replace(
        "time_of_use:\n", "time_of_use:\n  holidays: {dates: [2025-10-01]}\n"
    )
    assert refused(text) == (
        "t.yaml:5  tariff.time_of_use.holidays: none of 2026\n"
        "   wanted holidays of every year of the horizon; list them under dates or add, or name a country"
    )
    assert warned(text.replace("}\n  days", ", add: [2026-01-01]}\n  days"), meter()) == []


def test_a_day_that_is_read_in_part_is_judged_by_that_part_and_told(here):
    Path("heat.csv").write_text(
        "time,t [degC]\n" + "".join(f"2026-07-20T{h:02d}:00:00+08:00,{36 if h == 14 else 30}\n" for h in range(24)),
        encoding="utf-8",
    )
    heat = "hot_days: {temperature: {file: heat.csv, column: t}, at_least: 35 degC}"
    text = CLOCK.replace("ON", "hot_days").replace("time_of_use:\n", f"time_of_use:\n  {heat}\n")
    assert warned(text, meter()) == []
    assert warned(text, meter(start=16, end=20)) == [
        "hot days: 2026-07-20 judged by the temperatures within the readings alone"
    ]
    Path("heat.csv").write_text("time,t [degC]\n2026-07-20T06:00:00+08:00,30\n2026-07-20T07:00:00+08:00,36\n")
    assert refused(text).startswith("heat.csv:2  column t: values from 2026-07-20T06:00+08:00")


def test_a_contract_below_the_least_is_refused_as_the_model_refuses_it(here):
    text = "components: {d: {kind: demand, basis: contract, price: 40 CNY/kW/month, least_contract: 40 %}}"
    assert refused(text, contract="100 kW", transformer="1000 kVA") == (
        "contract: 100 kW\n   wanted 400 kW or more, 40% of the transformer's capacity (component d); "
        'give it with --given contract="400 kW"'
    )
    assert "transformer: missing" in refused(text, contract="100 kW")
    found = answer(Request("t.yaml", meter(), given={"contract": "400 kW", "transformer": "1000 kVA"}))
    assert found.bill.lines() == {"d": pytest.approx(16000.0)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("components:\n  export: {kind: energy, price: 0.5 CNY/kWh}\nexport: {price: 0.1 CNY/kWh}",
         "t.yaml:5  components.export: a component named export\n"
         '   wanted another name: export is the line of what exported energy earns; such as "export fee"'),
        ("components:\n  power factor adjustment: {kind: fixed, amount: 3 CNY/month}",
         "t.yaml:5  components.power factor adjustment: a component named power factor adjustment\n"
         "   wanted another name: power factor adjustment is the line of the adjustment by the power factor; "
         'such as "power factor adjustment fee"'),
        ('components:\n  "a.b": {kind: fixed, amount: 3 CNY/month}',
         't.yaml:5  components.a.b: the name "a.b"\n'
         '   wanted a name of letters, digits, _, - and single spaces, at most '
         '60 of them; write "a_b"'),
        ("options: {choose: x, two: y}\n" + PLAIN,
         "t.yaml:4  options.choose: an option named choose\n"
         "   wanted another name: `choose` in place of an option leaves the option to the engine"),
        ("components:\n  c:\n    kind: coincident\n    events:\n"
         "      - {name: x, price: 3 CNY/kW, hours: [2026-07-10T10:00/2026-07-10T11:00]}\n"
         "      - {name: x, price: 5 CNY/kW, hours: [2026-07-11T10:00/2026-07-11T11:00]}\n",
         "t.yaml:9  components.c.events.1.name: x a second time\n"
         "   wanted each event's name once; give it another name, or list its hours with the first"),
        ("time_of_use: {days: [{hours: {peak: rest}}]}\ncomponents:\n"
         "  d: {kind: demand, price: {peak: 4 CNY/kW/month}}\n  d peak: {kind: demand, price: 4 CNY/kW/month}\n",
         't.yaml:7  components.d peak: "d peak peak", which is a peak of d too\n'
         "   wanted names of which each tells one thing; rename one of them"),
        ("time_of_use: {days: [{hours: {file: 8-11, other: rest}}]}\n" + PLAIN,
         "t.yaml:4  time_of_use.days.0.hours.file: a period named file\n"
         "   wanted a word: prices by period could not be told from prices by month, or from a file"),
    ],
)  # fmt: skip
def test_names_that_stand_for_something_else_are_refused(here, text, expected):
    Path("t.yaml").write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_tariff("t.yaml")
    assert str(caught.value) == expected


def test_what_does_not_fit_the_readings_has_its_place(here):
    """In the tariff's file, or in the table of its prices; changes of the command line have none."""
    text = "components:\n  e: {kind: energy, price: 0.5 CNY/kWh, valid_from: 2026-08-01}\n"
    assert refused(text).startswith("t.yaml:5  tariff.components.e.valid_from: 2026-08-01, after the horizon's first")
    dated = "components:\n  e: {kind: energy, price: {2026-06: 0.5 CNY/kWh}}\n"
    assert refused(dated).startswith("t.yaml:5  tariff.components.e.price: nothing for 2026-07")
    Path("p.csv").write_text(
        "time,spot [CNY/kWh]\n2025-07-20T00:00:00+08:00,1\n2025-07-21T00:00:00+08:00,2\n", encoding="utf-8"
    )
    prices = "components:\n  e: {kind: energy, price: {file: p.csv, column: spot}}\n"
    assert refused(prices).startswith("p.csv:3  column spot: values from 2025-07-20T00:00+08:00 to 2025-07-22")
    overrides = {"components.e.valid_to": "2026-07-01"}
    Path("t.yaml").write_text(HEAD + PLAIN, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        answer(Request("t.yaml", meter(), overrides=overrides))
    assert str(caught.value).startswith("tariff.components.e.valid_to: 2026-07-01, before the horizon's last day")
