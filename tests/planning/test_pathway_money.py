"""Money of a pathway beside its reference, worked out by hand: taxes, grants, growth, ageing, residual values."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.planning.pathways.limits import path_limits
from microgrid.planning.pathways.pathway import pathway
from microgrid.planning.pathways.vintages import Span, vintage
from microgrid.planning.sizing import NoReferenceError, size
from microgrid.scenario import read_scenario
from solvers import Ended, Outcome
from tests.command_line import typed
from tests.planning.files import YEAR, scenario

GRID = 100 * 8760 * 0.1  # EUR a year without a roof
SAVED = 0.5 * 8760 * 0.1  # EUR that a kW of roof saves in a year: 438
FORESIGHT = "perfect foresight"


def staged(folder, fields="", text=YEAR, stages="[2026, 2028]", more="", myopic=False, **changes):
    """Return the pathway of the plant with a roof; all plans must pass their audits."""
    section = f"pathway:\n  stages: {stages}\n  fields: {{{fields}}}\n{more}"
    study = pathway(scenario(folder, text.replace("reference:", f"{section}reference:"), **changes), myopic=myopic)
    for path in (study.perfect, study.myopic, study.reference):
        assert path is None or path.audits
    return study


def of(study, column):
    return study.perfect.table.loc[study.perfect.table["asset"] == "roof", column].tolist()


def flows(study, item, way=FORESIGHT):
    return study.sheets[way].items[item].tolist()


TERMS = (
    "{discount_rate: 10 %, project_life: 4 a, growth: {energy: 10 %}, tax: {rate: 25 %, depreciation_life: 2 a}, "
    "incentives: {prize: {amount: 500 EUR, year: 2}}}"
)
ROOF = (
    "{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 4 a, grant: 20 %, "
    "parts: {inverter: {cost: 100 EUR/kW, lifetime: 3 a}}}"
)
TWICE = "assets.roof.capacity.capex: [1000 EUR/kW, 400 EUR/kW], assets.roof.capacity.high: [20 kW, 50 kW]"


def test_a_whole_sheet_by_hand(tmp_path):
    """Four years at 10 %, stages in years 0 and 2, a roof of 20 kW at first and of 50 kW at most from 2028 on.

    A kW of 2026 brings 438 * 4 / 1.1 - 10 * 3.170 - 100 / 1.331 = 1,485.9 for 800: 685.9. In its place one of 2028
    brings 438 * 2 / 1.1 - 14.3 - 264.5 + 136.6 = 654.2, so that 20 kW are built at once and 30 kW later.

    =================  =======  ======  =======  =========  ==========
    year                     0       1        2          3           4
    =================  =======  ======  =======  =========  ==========
    investment         -20,000          -12,000
    grant, 20 %          4,000            2,400
    inverter of 2026                                -2,000
    left of 2028                                                 6,000
    energy                       8,760    9,636     26,499    29,148.9
    upkeep                        -200     -200       -500        -500
    prize                                   500
    written off                  8,000    8,000      4,800       4,800
    inverter's books                                             2,000
    profit                         560    1,936     21,199    27,848.9
    tax, 25 %                     -140     -484  -5,299.75  -6,962.225
    net                -16,000   8,420     -148  18,699.25  27,686.675
    =================  =======  ======  =======  =========  ==========

    Energy: 438 EUR a kW, 10 % more each year. The roof of 2028 has half of its four years left, 6,000 of 12,000; the
    16,000 and 9,600 paid for both are written off in two years each, and what it is worth at the end is profit then.
    Of the inverter, bought in year 3 for one year of use, 1,000 are written off and 1,000 left in the books.
    """
    study = staged(tmp_path, TWICE, roof=ROOF, finance=TERMS)
    assert of(study, "built") == pytest.approx([20, 30])
    assert of(study, "kept") == pytest.approx([0, 20])
    expected = {
        "investment": [-20_000, 0, -12_000, 0, 0],
        "grant": [4_000, 0, 2_400, 0, 0],
        "replacement": [0, 0, 0, -2_000, 0],
        "residual value": [0, 0, 0, 0, 6_000],
        "energy": [0, 8_760, 9_636, 26_499, 29_148.9],
        "fixed": [0, -200, -200, -500, -500],
        "incentive: prize": [0, 0, 500, 0, 0],
        "tax": [0, -140, -484, -5_299.75, -6_962.225],
    }
    assert set(expected) == {item for item, amounts in study.sheets[FORESIGHT].items.items() if any(amounts)}
    for item, amounts in expected.items():
        assert flows(study, item) == pytest.approx(amounts), item
    assert study.sheets[FORESIGHT].net.tolist() == pytest.approx([-16_000, 8_420, -148, 18_699.25, 27_686.675])
    figures = study.sheets[FORESIGHT].figures
    assert figures["investment"] == pytest.approx(16_000)
    assert figures["net_present_value"] == pytest.approx(
        -16_000 + 8_420 / 1.1 - 148 / 1.1**2 + 18_699.25 / 1.1**3 + 27_686.675 / 1.1**4
    )
    assert figures["payback"] == pytest.approx(2 + 7_728 / 18_699.25)
    assert study.avoided(FORESIGHT) == pytest.approx(2_190 * (20 * 2 + 50 * 2))
    (bus,) = [each for each in study.levelised if each.of == "electricity"]
    paid = figures["cost_of_plan"] / (876_000 * sum(1.1**-year for year in range(1, 5)))
    assert bus.cost == pytest.approx(paid)


def test_grants_of_later_stages_count_at_the_price_of_their_year(tmp_path):
    """Prices of equipment grow by 10 % a year: 30 kW of 2028 cost 14,520, of which a fifth is granted.

    Written off: 7,200 a year of 14,400 before, and 5,808 a year of 11,616 later; 7,260 are left of 14,520 at the end.
    The inverter costs 2,662 in year 3; both halves of it lower the last year's profit.
    """
    terms = TERMS.replace("energy: 10 %", "replacement: 10 %").replace(
        ", incentives: {prize: {amount: 500 EUR, year: 2}}", ""
    )
    study = staged(tmp_path, TWICE.replace("1000 EUR", "900 EUR"), roof=ROOF, finance=terms)
    assert flows(study, "grant") == pytest.approx([3_600, 0, 2_904, 0, 0])
    assert flows(study, "residual value")[4] == pytest.approx(7_260)
    profits = [8_760 - 200 - 7_200] * 2 + [21_900 - 500 - 5_808, 21_900 - 500 - 5_808 - 2_662 + 7_260]
    assert flows(study, "tax") == pytest.approx([0.0, *(-0.25 * each for each in profits)])


LONG = "{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 20 a, degradation: 2 %/a}"


def test_a_roof_fades_from_stage_to_stage_by_hand(tmp_path):
    """2 % a year: on the mean of the years 1 to 5 it gives 96 %, of the years 6 to 20 76 %. Upkeep is that of 50 kW."""
    study = staged(tmp_path, stages="[2026, 2031]", roof=LONG)
    assert of(study, "stands") == pytest.approx([50, 50])
    assert of(study, "left") == pytest.approx([48, 38])
    assert flows(study, "energy")[1:] == pytest.approx([48 * SAVED] * 5 + [38 * SAVED] * 15)
    assert flows(study, "fixed")[1:] == pytest.approx([-500.0] * 20)
    assert study.avoided(FORESIGHT) == pytest.approx(2_190 * (48 * 5 + 38 * 15))
    assert study.perfect.cost == pytest.approx(study.perfect.outcomes[0].objective)
    roof = next(each for each in study.levelised if each.of == "roof")
    worth = [sum(1.06**-y for y in years) for years in (range(1, 6), range(6, 21))]
    cost = 25_000 + 500 * sum(worth)
    assert roof.cost == pytest.approx(cost / (4_380 * (48 * worth[0] + 38 * worth[1])))


def test_a_cap_is_met_by_what_is_left(tmp_path):
    """350 t take 88 / 2.19 = 40.18 kW that give; built in 2031, 15 years leave 86 % at 2 % a year on their mean."""
    roof = LONG.replace("capex: 500", "capex: 9000")
    study = staged(tmp_path, "objective.caps.emissions: [1000 tCO2, 350 tCO2]", stages="[2026, 2031]", roof=roof)
    assert of(study, "left") == pytest.approx([0, 88 / 2.19], abs=1e-4)
    assert of(study, "stands") == pytest.approx([0, 88 / 2.19 / 0.86], abs=1e-4)
    assert study.perfect.emissions[5:].tolist() == pytest.approx([350e3] * 15)
    assert study.reference.emissions.tolist() == pytest.approx([438e3] * 20), "caps bind the path alone"


def test_bounds_and_areas_hold_for_what_stands(tmp_path):
    """100 m2 take 25 kW at 4 m2/kW, and go on to: what has faded makes no room."""
    text = YEAR.replace("site: {time_zone: UTC}", "site: {time_zone: UTC, roof_area: 100 m2}")
    roof = LONG.replace("lifetime: 20 a", "lifetime: 20 a, roof: 4 m2/kW")
    study = staged(tmp_path, text=text, stages="[2026, 2031]", roof=roof)
    assert of(study, "stands") == pytest.approx([25, 25])
    least = LONG.replace("high: 50 kW, capex: 500", "low: 30 kW, high: 50 kW, capex: 90000")
    assert of(staged(tmp_path, stages="[2026, 2031]", roof=least), "stands") == pytest.approx([30, 30])


STACKS = """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-01-01, days: 1, step: 12 h}
finance: {discount_rate: 10 %, project_life: 4 a}
pathway: {stages: [2026, 2028]}
assets:
  grid: {kind: grid_connection, capacity: 2 MW, import_price: 0.1 EUR/kWh}
  electrolyser:
    kind: electrolyser
    consumption: 50 kWh/kg
    minimum_load: 50 %
    capacity: {high: 2 MW, capex: 100 EUR/kW, lifetime: 10 a, unit_size: 500 kW, degradation: 1 %/a}
  plant: {kind: production_load, bus: hydrogen, demand: {values: [6, 20], unit: kg/h}}
"""


def test_stacks_that_go_on_and_off_one_by_one_do_not_fade_on_a_path(tmp_path):
    """20 kg/h take two stacks of 500 kW; one of them alone makes 6 kg/h from 300 kW, above its least load of 250 kW.

    As one stack of 985 kW, which is what is left of both, they could do no less than 492 kW, and there were no plan.
    """
    (tmp_path / "plant.yaml").write_text(STACKS, encoding="utf-8")
    study = pathway(tmp_path / "plant.yaml", myopic=False)
    assert study.perfect.audits
    assert study.perfect.table["stands"].tolist() == study.perfect.table["left"].tolist() == pytest.approx([1000, 1000])
    for result in study.perfect.results:
        live = result.states.loc[result.states["state"] == "on", "value"].tolist()
        assert live == pytest.approx([1, 2])
    assert any("Ageing of electrolyser.capacity is not counted" in limit for limit in path_limits(study))


def test_what_is_given_fades_and_is_as_new_after_its_life(tmp_path):
    """40 kW for four more years at 1 % a year, then new for ten: 1.5, 4.5 and 2.5 % are lost on the mean of each stage.

    Stages of 4, 10 and 6 years; the upkeep of 3 EUR/kW is that of 40 kW in all of them.
    """
    old = (
        "{amount: 40 kW, remaining_life: 4 a, capex: 300 EUR/kW, lifetime: 10 a, degradation: 1 %/a, opex: 3 EUR/kW/a}"
    )
    text = YEAR.replace("  plant:", f"  old: {{kind: photovoltaic, availability: 0.5, capacity: {old}}}\n  plant:")
    path = staged(tmp_path, text=text, stages="[2026, 2030, 2040]", roof="{high: 1 W, capex: 1 EUR/W}").perfect
    left = [0.985, 0.955, 0.975]
    for result, share in zip(path.results, left, strict=True):
        assert result.sizes["old"]["capacity"] == pytest.approx(40 * share)
    fixed = path.flows["old", "fixed"].tolist()
    assert fixed[1:] == pytest.approx([-120.0] * 20)
    assert path.flows["old", "replacement"].tolist()[4] == pytest.approx(-12_000)
    assert path.cost == pytest.approx(path.outcomes[0].objective)


def test_parts_that_renew_make_up_for_age():
    """Cells every three years: ages 0, 1 | 2, 0, 1 | 2, and as new when the whole is bought again after six years."""
    from microgrid.capacity import Replaced, Sized

    cells = {"cells": Replaced(cost=5.0, lifetime=3.0, renews=True)}
    sized = Sized(high=10.0, capex=20.0, lifetime=6.0, degradation=0.1, parts=cells)
    found = vintage([sized] * 4, [Span(0, 2), Span(2, 5), Span(5, 6), Span(6, 8)], 0)
    assert found.left == pytest.approx((0.95, 1 - 0.3 / 3, 0.8))
    kept_on = vintage([sized] * 3, [Span(0, 2), Span(2, 5), Span(5, 8)], 0)
    assert kept_on.left == pytest.approx((0.95, 0.9, 1 - (0.2 + 0.0 + 0.1) / 3))
    assert kept_on.renewed == (0, 0, 1)


def test_one_stage_says_what_size_says(tmp_path):
    """Taxes, incentives, grants, parts and growth come to the same in both; so do the levelised costs."""
    terms = TERMS.replace("project_life: 4 a", "project_life: 12 a, inflation: 2 %")
    roof = ROOF.replace("lifetime: 4 a", "lifetime: 5 a")
    study = staged(tmp_path, stages="[2026]", roof=roof, finance=terms)
    sized = size(scenario(tmp_path, roof=roof, finance=terms))
    assert study.sheets[FORESIGHT].figures == pytest.approx(sized.sheet.figures, nan_ok=True)
    assert {each.of: each.cost for each in study.levelised} == pytest.approx(
        {each.of: each.cost for each in (*sized.buses, *sized.sources)}
    )
    assert [(s.assumption, s.with_less, s.with_more) for s in study.sensitivities] == [
        (s.assumption, pytest.approx(s.with_less), pytest.approx(s.with_more)) for s in sized.sensitivities
    ]


def test_nominal_and_real_money_are_worth_the_same_before_taxes(tmp_path):
    """8.12 % with 2 % of inflation is 6 % above it."""
    worths = []
    for rates in ("discount_rate: 6 %", "discount_rate: 8.12 %, discounting: nominal, inflation: 2 %"):
        study = staged(tmp_path, TWICE, roof=ROOF, finance=f"{{{rates}, project_life: 4 a}}")
        worths.append(study.sheets[FORESIGHT].figures["net_present_value"])
    assert worths[0] == pytest.approx(worths[1])


def test_a_carbon_price_that_is_not_paid_decides_alone(tmp_path):
    """At 900 EUR/t a roof of 9,000 EUR/kW pays; what it is worth is what the meter says: much less than nothing."""
    text = YEAR.replace("reference:", "objective: {carbon_price: 900 EUR/tCO2}\nreference:")
    terms = "{discount_rate: 6 %, project_life: 20 a, carbon_is_paid: false}"
    roof = LONG.replace("capex: 500", "capex: 9000").replace(", degradation: 2 %/a", "")
    study = staged(tmp_path, text=text, finance=terms, roof=roof, stages="[2026]")
    assert of(study, "built") == pytest.approx([50])
    worth = sum(1.06**-year for year in range(1, 21))
    assert study.sheets[FORESIGHT].figures["net_present_value"] == pytest.approx(50 * (-9_000 + 428 * worth))
    assert study.perfect.cost == pytest.approx(study.perfect.outcomes[0].objective)


OTHER = """\
extends: plant.yaml
name: as it is
pathway:
assets:
  roof: {capacity: {amount: 10 kW, opex: 10 EUR/kW/a}}
"""


def test_a_reference_in_another_file_has_the_load_of_each_stage(tmp_path):
    """10 kW stand in the reference: 40 kW more save 438 EUR each, whatever the load; what it lacks is left out."""
    (tmp_path / "other.yaml").write_text(OTHER, encoding="utf-8")
    fields = "assets.plant.demand: [100 kW, 120 kW], assets.roof.capacity.capex: [500 EUR/kW, 400 EUR/kW]"
    study = staged(
        tmp_path, fields, reference="{file: other.yaml, name: as it is}", roof=LONG.replace("2 %/a", "0 %/a")
    )
    assert flows(study, "energy")[1:] == pytest.approx([40 * SAVED] * 20)
    assert study.reference.emissions[[0, 5]].tolist() == pytest.approx([(1_000 - 50) * 438, (1_200 - 50) * 438])


def test_a_reference_with_stages_of_its_own_must_have_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = OTHER.replace("pathway:\n", "pathway: {stages: [2026, 2029]}\n")
    (tmp_path / "other.yaml").write_text(own, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.yaml:3  pathway\.stages: \[2026, 2029\]\n   wanted the stages of"):
        staged(tmp_path, reference="{file: other.yaml, name: as it is}")


def test_a_reference_that_has_no_plan_is_told(tmp_path):
    """250 kW of load do not come through 200 kW of grid without the roof."""
    roof = "{high: 200 kW, capex: 500 EUR/kW}"
    with pytest.raises(NoReferenceError, match="the stage 2028 has no plan by itself"):
        staged(tmp_path, "assets.plant.demand: [100 kW, 250 kW]", roof=roof)


def test_without_a_reference_costs_are_told_alone(tmp_path):
    text = YEAR.replace("reference: {without: [roof], name: grid only}\n", "")
    (tmp_path / "plant.yaml").write_text(text + "pathway: {stages: [2026, 2030]}\n", encoding="utf-8")
    study = pathway(tmp_path / "plant.yaml", tmp_path / "run", myopic=False)
    assert study.reference is None
    assert study.sheets == {}
    page = (tmp_path / "run" / "pathway.html").read_text(encoding="utf-8")
    assert "names no reference" in page
    assert "Money beside the reference" not in page


def test_what_stood_is_told_as_given_up_in_the_first_stage(tmp_path):
    """Upkeep of 500 EUR/kW is more than 30 kW save: they go at once."""
    stood = "  standing: {roof.capacity: {amount: 30 kW, remaining_life: 8 a}}\n"
    roof = "{high: 50 kW, capex: 9000 EUR/kW, opex: 500 EUR/kW/a, lifetime: 20 a}"
    study = staged(tmp_path, more=stood, roof=roof)
    assert of(study, "given_up") == pytest.approx([30, 0])
    assert any("not in the reference" in limit for limit in path_limits(study))


def test_what_is_written_and_printed_says_the_same(tmp_path, monkeypatch, capsys):
    section = f"pathway: {{stages: [2026, 2028], fields: {{{TWICE}}}}}\n"
    path = scenario(tmp_path, YEAR.replace("reference:", f"{section}reference:"), roof=ROOF, finance=TERMS)
    with typed(monkeypatch, capsys) as microgrid:
        ended = microgrid("pathway", str(path), "--out", str(tmp_path / "run"))
    assert ended.code == 0, ended.err
    for words in ("net present value", "24,492", "grid only", "stage by stage", "kept", "invested"):
        assert words in ended.out
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["pathway"]
    worth = told["figures"][FORESIGHT]["net_present_value"]
    money = pd.read_parquet(tmp_path / "run" / "money_beside.parquet")
    sign = money["case"].map({"plan": 1.0, "reference": -1.0, "project": 1.0})
    assert (sign * money["amount"] * 1.1 ** -money["year"]).sum() == pytest.approx(worth)
    page = (tmp_path / "run" / "pathway.html").read_text(encoding="utf-8")
    for words in ("Ways to decide", "Money beside the reference", "What it depends on", "24,492", "Levelised costs"):
        assert words in page


def test_incentives_after_the_projects_end_are_refused(tmp_path):
    """They would otherwise be left out without a word."""
    late = "{project_life: 4 a, incentives: {prize: {amount: 500 EUR, year: 3, years: 4}}}"
    with pytest.raises(InputError, match="6 years after the start, in a project of 4 years"):
        read_scenario(scenario(tmp_path, finance=late))


def test_a_sum_that_falls_below_zero_again_after_its_payback_is_told(tmp_path):
    """5 kW pay back in two years; 45 more in 2031 take the sum below zero once more."""
    fields = "assets.roof.capacity.high: [5 kW, 50 kW], assets.roof.capacity.capex: [500 EUR/kW, 900 EUR/kW]"
    study = staged(tmp_path, fields, stages="[2026, 2031]", roof=LONG)
    assert of(study, "built") == pytest.approx([5, 45])
    assert study.sheets[FORESIGHT].figures["payback"] < 2
    assert any(limit.startswith("Payback is told as of the first time: in 2031") for limit in path_limits(study))


def test_a_path_that_no_time_was_left_for_is_not_told_as_impossible(tmp_path, monkeypatch):
    """Every solve of the way stage by stage ends by its time limit: there may well be a plan."""
    module, calls = sys.modules["microgrid.planning.pathways.deciding"], []
    solved = module.solve

    def short(*words, **options):
        calls.append(words)
        return solved(*words, **options) if len(calls) == 1 else Outcome(Ended.TIME)

    monkeypatch.setattr(module, "solve", short)
    text = YEAR.replace("reference: {without: [roof], name: grid only}\n", "")
    (tmp_path / "plant.yaml").write_text(text + "pathway: {stages: [2026, 2030]}\n", encoding="utf-8")
    study = pathway(tmp_path / "plant.yaml")
    assert study.myopic is None
    assert study.dead_end == "2026, in time"
