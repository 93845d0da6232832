"""The report: exact totals, loud alarms, nothing from outside, nothing unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlparse

import numpy as np
import pytest

from microgrid.capacity import Sized
from microgrid.plant import Objective
from microgrid.plots import save_plots
from microgrid.plots.numbers import amount, decimals_for
from microgrid.report import report, save_report
from microgrid.results import load
from microgrid.running import solve_plant
from microgrid.technologies.battery import Battery, Wear
from microgrid.technologies.grid_connection import DemandCharge, GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from tests.plants import plant

HOURS = [0.5, 1.0, 2.0, 0.25, 3.0]


def assets(**changed):
    given = {
        "grid": GridConnection(
            capacity=100.0, import_price=[1000.0, -200.0, 400.0, 900.0, 300.0],
            export_price=[0.05, -300.0, 0.3, 0.5, 0.05],
            demand_charge=DemandCharge(price=2000.0), location_factor=0.5, market_factor=0.7, upstream_factor=0.1,
        ),
        "roof": Photovoltaic(capacity=80.0, availability=[0.0, 0.9, 0.7, 0.1, 0.0]),
        "battery": Battery(
            energy=Sized(high=60.0, capex=90.0, unit_size=20.0), power=Sized(high=30.0, capex=20.0, build_cost=10.0),
            wear=Wear(replacement_cost=100.0, cycle_life=5000.0),
        ),
        "works": ProductionLoad(demand=[40.0, 30.0, 60.0, 90.0, 20.0]),
    }  # fmt: skip
    return given | changed


def short_of_power():
    return solve_plant(
        plant(assets(works=ProductionLoad(demand=[40.0, 30.0, 60.0, 250.0, 20.0], unserved_price=9e3)), HOURS)
    )


@pytest.fixture(scope="module")
def plan():
    return solve_plant(plant(assets(), HOURS))


@pytest.fixture(scope="module")
def unserved():
    return short_of_power()


class Reader(HTMLParser):
    """Collects what a browser would see: tags that are opened and closed in order, attributes, text."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def rows(html, heading):
    """Return the cells of the first table after a heading."""
    table = html.split(heading, 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    found = []
    for row in table.split("<tr")[1:]:
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.DOTALL)
        found.append([re.sub(r"<[^>]+>", "", cell).strip() for cell in cells])
    return found


def number(text):
    return float(text.replace(",", "").replace("−", "-"))


def with_manifest(result, **parts):
    return replace(result, manifest=result.manifest | parts)


# Totals


def test_money_is_told_line_by_line_up_to_the_exact_total(plan):
    html = report(plan, {})
    table = rows(html, "<h3>Money</h3>")
    assert table[-1][:2] == ["Total cost", f"{plan.cost:,.2f}".replace("-", "−")]
    lines = {(row[1], row[0]): number(row[2]) for row in table if len(row) == 4}
    sums = plan.costs.groupby(["asset", "line"], observed=True)["amount"].sum()
    assert lines == {key: pytest.approx(value, abs=0.0051) for key, value in sums.items()}
    subtotals = [number(row[1]) for row in table[:-1] if len(row) == 3]
    assert sum(subtotals) == pytest.approx(plan.cost, abs=0.01 * len(subtotals))
    assert f" Cost {amount(plan.cost, 2)} EUR " in read(html).text


def test_carbon_is_told_by_scope_on_both_bases_up_to_the_totals(plan):
    html = report(plan, {})
    table = rows(html, "<h3>Carbon</h3>")
    emitted = plan.manifest["emissions"]
    decimals = max(decimals_for(max(abs(value) for value in emitted.values())), 1)
    told = {row[0]: row[1:] for row in table if len(row) == 3}
    assert told["Scope 2"] == [
        amount(emitted["scope_2_location"], decimals),
        amount(emitted["scope_2_market"], decimals),
    ]
    assert told["Scope 3, reported apart"] == [amount(emitted["scope_3"], decimals)] * 2
    totals = [amount(emitted[f"emissions_{basis}"], decimals) for basis in ("location", "market")]
    assert told["Total of scopes 1 and 2"] == totals
    assert ["import", "grid", *told["Scope 2"]] in table


def test_balances_close_on_every_bus(plan):
    table = rows(report(plan, {}), "<h2>Balances</h2>")
    hours = plan.steps.set_index("time")["hours"]
    energy = plan.flows.assign(energy=plan.flows["rate"] * plan.flows["time"].map(hours))
    supplied = energy.loc[energy["energy"] > 0, "energy"].sum()
    total = table[-1]
    assert total[0] == "Total"
    assert number(total[1]) == pytest.approx(supplied, abs=0.06)
    assert total[1] == total[2]
    ports = {(row[0], row[1]): row for row in table[:-1]}
    assert number(ports["works", "demand"][3]) == pytest.approx(np.dot([40.0, 30.0, 60.0, 90.0, 20.0], HOURS), abs=0.06)


def test_sizes_say_what_was_decided_and_in_which_modules(plan):
    table = {(row[0], row[1]): row[2:] for row in rows(report(plan, {}), "<h2>Sizes</h2>")}
    sizes = plan.sizes["battery"]
    assert number(table["battery", "energy"][0]) == pytest.approx(sizes["energy"])
    assert table["battery", "energy"][1] == "kWh"
    assert f"{round(sizes['energy_modules'])} modules" in table["battery", "energy"][2]
    assert "decided by the plan" in table["battery", "power"][2]
    assert "built" in table["battery", "power"][2]
    assert table["grid", "capacity"] == ["100.0", "kW", ""]


def test_headlines_give_peak_and_own_shares(plan):
    text = read(report(plan, {})).text
    flows = plan.flows.pivot_table(index="time", columns=["asset", "port"], values="rate", observed=True)
    hours = plan.steps["hours"].to_numpy()
    own, export = (float(np.dot(flows[key], hours)) for key in (("roof", "output"), ("grid", "export")))
    bought = float(np.dot(flows["grid", "import"], hours))
    peak = float(flows["grid", "import"].max())
    assert f"Peak import {amount(peak, decimals_for(peak))} kW" in text
    assert f"Self-consumption {amount(100 * (1 + export / own), 1)} %" in text
    assert f"Own share of supply {amount(100 * (own + export) / (own + export + bought), 1)} %" in text


def test_several_goals_are_told_one_by_one():
    result = solve_plant(
        plant(assets(), HOURS, Objective(goals=("emissions", "cost"), carbon_price=0.06, caps={"cost": 1e9}))
    )
    html = report(result, {})
    table = rows(html, "<h3>Goals, one after the other</h3>")
    assert [row[0] for row in table] == [goal["column"] for goal in result.manifest["outcome"]["goals"]]
    text = read(html).text
    assert "Minimised: emissions, then cost; carbon price 60.0 EUR/tCO2e; cost at most 1,000,000,000.00" in text
    assert "emissions priced" in text


# How it ended


def test_a_proved_and_audited_plan_raises_no_alarm(plan):
    html = report(plan, {})
    text = read(html).text
    assert f"Proved optimal within a gap of {100 * plan.manifest['outcome']['gap']:.4f} %" in text
    assert f"Passed. {plan.manifest['audit']['checked']} statements" in text
    assert 'role="alert"' not in html
    assert "NOT PROVED" not in text


def test_a_plan_whose_sizes_were_decided_on_less_is_proved_for_these_alone(plan):
    text = read(report(replace(plan, manifest=plan.manifest | {"replay": {"told": "600 segments"}}), {})).text
    assert "Proved optimal for its sizes, which were decided on 600 segments, within a gap of" in text
    assert "no plan with these sizes is below" in text


@pytest.mark.parametrize(
    ("bound", "told"), [(1234.5, "no plan can be below 1,234.50 EUR (gap 12.3456 %)"), (None, "no bound is known")]
)
def test_a_plan_that_is_not_proved_says_so_loudly(plan, bound, told):
    ending = {"proved": False, "ended": "time limit", "bound": bound, "gap": None if bound is None else 0.123456}
    html = report(with_manifest(plan, outcome=plan.manifest["outcome"] | ending), {})
    text = read(html).text
    assert "NOT PROVED OPTIMAL The solver ended by: time limit." in text
    assert told in text
    assert 'class="banner loud" role="alert"' in html
    assert "Proved optimal within" not in text


def test_unserved_demand_is_loud(unserved):
    html = report(unserved, {})
    short = unserved.flows[unserved.flows["port"] == "unserved"]
    total = float((short["rate"].to_numpy() * unserved.steps["hours"].to_numpy()).sum())
    assert total > 1
    text = read(html).text
    assert f"UNSERVED DEMAND works: {amount(total, decimals_for(total))} kWh" in text
    assert 'class="card loud"' in html


def test_a_failed_audit_lists_every_finding(plan):
    findings = [f"battery: statement {n}: off by {n}" for n in range(3)]
    html = report(with_manifest(plan, audit={"passed": False, "checked": 1036, "findings": findings}), {})
    text = read(html).text
    assert "AUDIT FAILED 3 of 1,036 statements do not hold" in text
    assert all(finding in text for finding in findings)
    assert html.index("AUDIT FAILED") < html.index("<h2>")


def test_thousands_of_findings_do_not_drown_the_report(plan):
    audit = {"passed": False, "checked": 9000, "findings": ["off"] * 2500}
    assert "and 2400 more, in manifest.json" in read(report(with_manifest(plan, audit=audit), {})).text


def test_a_plan_without_audit_says_so(plan):
    without = {key: value for key, value in plan.manifest.items() if key != "audit"}
    assert "NOT AUDITED" in read(report(replace(plan, manifest=without), {})).text


# One file that loads nothing


def test_the_file_is_whole_and_loads_nothing(plan, tmp_path):
    pictures = save_plots(plan, tmp_path)
    save_report(plan, tmp_path / "report.html", pictures)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    reader = read(html)
    assert reader.tags.count("img") == len(pictures) == 5
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(reader.tags)
    for name, value in reader.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "srcset", "action", "data"):
            assert value.startswith(("data:image/png;base64,", "#"))
    assert not re.search(r"https?://|//[a-z]|url\(|@import", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html))
    assert "default-src 'none'" in html
    assert str(tmp_path) not in html
    for name, value in reader.attributes:
        assert name != "href" or urlparse(value).netloc == ""


def test_pictures_of_other_names_are_shown_too(plan, tmp_path):
    pictures = save_plots(plan, tmp_path)
    html = report(plan, {"my_own": pictures["costs"]})
    assert read(html).tags.count("img") == 1
    assert "my own" in html


def test_it_reads_on_paper_and_on_a_phone(plan):
    html = report(plan, {})
    assert "@page { size: A4" in html
    assert 'name="viewport"' in html
    assert '<meta charset="utf-8">' in html


def test_a_run_read_back_gives_the_same_report(plan, tmp_path):
    plan.save(tmp_path)
    assert report(load(tmp_path), {}) == report(plan, {})


# Hostile, odd, missing


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


def test_everything_is_escaped(plan):
    frames = {}
    for name in ("flows", "stocks", "states", "costs", "emissions"):
        frame = getattr(plan, name)
        frames[name] = frame.assign(asset=[HOSTILE if asset == "grid" else asset for asset in frame["asset"]])
    frames["costs"] = frames["costs"].assign(line=[HOSTILE] * len(frames["costs"]))
    manifest = plan.manifest | {
        "scenario": {"name": HOSTILE, "description": HOSTILE, "files": [HOSTILE], "hash": HOSTILE},
        "sizes": {HOSTILE: {HOSTILE: 1.0}},
        "decided": {HOSTILE: {HOSTILE: HOSTILE}},
        "currency": HOSTILE,
        "created": HOSTILE,
        "audit": {"passed": False, "checked": 1, "findings": [HOSTILE]},
        "outcome": plan.manifest["outcome"] | {"solver": HOSTILE, "ended": HOSTILE, "proved": False},
        "objective": plan.manifest["objective"] | {"caps": {HOSTILE: 1.0}},
    }
    reader = read(report(replace(plan, manifest=manifest, **frames), {}))
    assert not {"script", "img"} & set(reader.tags)
    assert reader.text.count("<script>alert(1)</script>") >= 12


@pytest.mark.parametrize("name", ["钢厂", "", "   ", "\U0001f3ed", "Ωmega", "a\nb"])
def test_any_name_is_told(name, plan, tmp_path):
    named = with_manifest(plan, scenario={"name": name, "description": "第一行\n第二行"})
    frames = {}
    for frame in ("flows", "stocks", "states", "costs", "emissions"):
        own = getattr(plan, frame)
        frames[frame] = own.assign(asset=[name if asset == "battery" else asset for asset in own["asset"]])
    named = replace(named, **frames)
    html = report(named, save_plots(named, tmp_path))
    assert f"<h1>{name.strip() or 'Plan'}</h1>" in html
    assert "第二行" in html


def test_names_that_no_font_has_are_explained_beside_the_pictures(plan, tmp_path):
    factory = "\U0001f3ed"
    flows = plan.flows.assign(asset=[factory if asset == "roof" else asset for asset in plan.flows["asset"]])
    named = with_manifest(replace(plan, flows=flows), kinds={factory: "photovoltaic"})
    text = read(report(named, save_plots(named, tmp_path))).text
    assert re.search(rf"In the pictures photovoltaic 1 stands for {factory}", text)
    assert "In the pictures" not in read(report(named, {})).text


def test_what_is_missing_is_left_out_or_told(plan):
    bare = replace(
        plan, prices=plan.prices.iloc[:0], stocks=plan.stocks.iloc[:0], states=plan.states.iloc[:0],
        emissions=plan.emissions.iloc[:0], costs=plan.costs.iloc[:0], claims={},
        manifest={"sizes": {}},
    )  # fmt: skip
    text = read(report(bare, {})).text
    assert "The scenario gives no emission factors" in text
    assert "Nothing costs anything" in text
    assert "NOT PROVED OPTIMAL" in text
    assert "NOT AUDITED" in text


def test_a_plant_where_nothing_flows_has_a_report(tmp_path):
    idle = {"grid": GridConnection(capacity=10.0, import_price=0.0), "works": ProductionLoad(demand=[0.0, 0.0])}
    result = solve_plant(plant(idle, [1.0, 1.0]))
    text = read(report(result, save_plots(result, tmp_path))).text
    assert "Proved optimal" in text
    assert "Balances" not in text


def test_no_machine_path_is_told(plan, tmp_path):
    html = report(
        with_manifest(plan, scenario={"name": "n", "files": ["plant.yaml", "../base.yaml"], "hash": "ab"}), {}
    )
    assert "plant.yaml, ../base.yaml" in html
    assert str(tmp_path.parent) not in html
