"""Years within the stages of a pathway, worked out by hand: prices, factors, loads, caps by calendar year."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.planning.pathways.deciding import NoPathError
from microgrid.planning.pathways.pathway import pathway
from microgrid.running import NoPlanError
from solvers import Ended, Outcome
from tests.command_line import typed
from tests.planning.files import ROOF as SHIPPED
from tests.planning.files import YEAR, scenario

FORESIGHT = "perfect foresight"
TERMS = "{discount_rate: 10 %, project_life: 4 a}"
ROOF = "{high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a, lifetime: 4 a}"
NONE = "{high: 50 kW, capex: 90000 EUR/kW, lifetime: 4 a}"
SUN = 50 * 0.5 * 8760  # kWh a year of the whole roof: 219,000
LOAD = 100 * 8760
PRICE = "assets.grid.import_price: {values: {2026: 0.1 EUR/kWh, 2028: 0.2 EUR/kWh, 2029: 0.4 EUR/kWh}}"
FACTOR = "assets.grid.location_factor: {values: {2026: 0.5 kgCO2/kWh, 2029: 0.2 kgCO2/kWh}}"
CARBON = "objective.carbon_price: {values: {2026: 0 EUR/tCO2, 2028: 100 EUR/tCO2}, between: steps}"


def staged(folder, *tables, text=YEAR, roof=ROOF, finance=TERMS, stages="[2026, 2028]", more="", **options):
    """Return the pathway of the plant with a roof; all plans must pass their audits, and money the model's own sum."""
    section = f"pathway:\n  stages: {stages}\n{more}  by_year:\n" + "".join(f"    {table}\n" for table in tables)
    path = scenario(folder, text.replace("reference:", f"{section}reference:"), roof=roof, finance=finance)
    study = pathway(path, **options)
    for each in (study.perfect, study.myopic, study.reference):
        assert each is None or each.audits
    return study


def worth(amounts, rate=0.1):
    """Return what amounts at the end of the years 1, 2, ... are worth at the start."""
    return sum(amount * (1 + rate) ** -year for year, amount in enumerate(amounts, 1))


def test_a_whole_sheet_of_years_by_hand(tmp_path):
    """Prices of 0.10, 0.15, 0.20 and 0.40 EUR/kWh, factors of 0.5 to 0.2 kg/kWh, 100 EUR/t from 2028 on.

    50 kW bring 219,000 kWh a year and cost 25,000 EUR at once, 500 EUR a year. The sheet beside the grid alone:

    =============  =======  ======  ======  ======  ======
    end of            2025    2026    2027    2028    2029
    =============  =======  ======  ======  ======  ======
    investment     -25,000
    energy                  21,900  32,850  43,800  87,600
    carbon                       0       0   6,570   4,380
    fixed                     -500    -500    -500    -500
    tCO2e avoided           109.50   87.60   65.70   43.80
    =============  =======  ======  ======  ======  ======

    Year 1 has the prices of 2026; year 3, with which the stage of 2028 begins, those of 2028. A year off by one would
    tell 32,850 in the first year, a mean of the stage 27,375 / 1.1 + 27,375 / 1.21 spread over both.
    """
    study = staged(tmp_path, PRICE, FACTOR, CARBON)
    sheet = study.sheets[FORESIGHT]
    expected = {
        "investment": [-25_000, 0, 0, 0, 0],
        "energy": [0, 21_900, 32_850, 43_800, 87_600],
        "carbon": [0, 0, 0, 6_570, 4_380],
        "fixed": [0, -500, -500, -500, -500],
    }
    assert {item for item, flows in sheet.items.items() if any(flows)} == set(expected)
    for item, flows in expected.items():
        assert sheet.items[item].tolist() == pytest.approx(flows), item
    assert sheet.figures["net_present_value"] == pytest.approx(
        -25_000 + 21_400 / 1.1 + 32_350 / 1.21 + 49_870 / 1.331 + 91_480 / 1.4641
    )
    factors = [0.5, 0.4, 0.3, 0.2]
    assert study.perfect.emissions.tolist() == pytest.approx([(LOAD - SUN) * factor for factor in factors])
    assert study.avoided(FORESIGHT) == pytest.approx(SUN * sum(factors))
    (bus,) = [each for each in study.levelised if each.of == "electricity"]
    prices = [0.1, 0.15, 0.2, 0.4]
    energy = [(LOAD - SUN) * price for price in prices]  # a carbon price belongs to no bus
    assert bus.cost == pytest.approx((25_000 + worth([each + 500 for each in energy])) / worth([LOAD] * 4))


def test_a_price_is_planned_with_so_that_the_cost_of_its_years_is_exact(tmp_path):
    """What is linear in one price costs in the model what its years cost: (0.10 / 1.1 + 0.15 / 1.21) of 1.7355 years.

    A price of carbon times a factor is not: 0.1 EUR/kg at 0.3 and 0.2 kg/kWh is planned as 0.025 EUR/kWh in both years,
    which is 0.005 too little at the end of 2028 and as much too much at the end of 2029.
    """
    study = staged(tmp_path, PRICE)
    path = study.perfect
    cost = 25_000 + worth([500 + (LOAD - SUN) * price for price in (0.1, 0.15, 0.2, 0.4)])
    assert path.cost == pytest.approx(cost)
    assert path.decided_cost == pytest.approx(cost)
    assert path.outcomes[0].objective == pytest.approx(cost)
    both = staged(tmp_path, PRICE, FACTOR, CARBON).perfect
    assert both.decided_cost == pytest.approx(both.outcomes[0].objective)
    assert both.cost - both.decided_cost == pytest.approx(0.005 * (LOAD - SUN) * (1 / 1.331 - 1 / 1.4641))


def test_prices_by_year_decide_when_to_build(tmp_path):
    """What a kW saves is 4,380 kWh at 0.01, 0.01, 0.2 and 0.4 EUR: nothing in 2026 for 800 EUR with four years to live.

    One of 2026 saves 4,380 * (0.0091 + 0.0083 + 0.1503 + 0.2732) = 1,930 for 800 at once; one of 2028 saves 1,854 for
    800 / 1.21 = 661, of which half is left at the end, 273: it is 75 EUR of saving against 139 and 273 of price.
    """
    prices = "{values: {2026: 0.01 EUR/kWh, 2028: 0.2 EUR/kWh, 2029: 0.4 EUR/kWh}, between: steps}"
    roof = ROOF.replace("capex: 500", "capex: 800").replace("opex: 10", "opex: 0")
    study = staged(tmp_path, f"assets.grid.import_price: {prices}", roof=roof)
    built = study.perfect.table["built"].tolist()
    assert built == pytest.approx([0, 50])
    saved = 50 * 4_380 * (0.2 / 1.331 + 0.4 / 1.4641) - 50 * 800 / 1.21 + 50 * 400 / 1.4641
    assert study.sheets[FORESIGHT].figures["net_present_value"] == pytest.approx(saved)


def test_a_load_that_grows_within_a_stage_is_planned_year_by_year(tmp_path):
    """100, 110, 120 and 130 kW: each year's bill and emissions are its own; equal steps of growth have their mean."""
    study = staged(tmp_path, "assets.plant.demand: {values: {2026: 100 kW, 2029: 130 kW}}", roof=NONE, stages="[2026]")
    energy = [8_760 * kw for kw in (100, 110, 120, 130)]
    assert study.perfect.emissions.tolist() == pytest.approx([0.5 * each for each in energy])
    assert study.perfect.flows["grid", "energy"].tolist() == pytest.approx([0, *(-0.1 * each for each in energy)])
    assert study.perfect.cost == pytest.approx(worth([0.1 * each for each in energy]))
    assert study.perfect.results[0].manifest["emissions"]["emissions"] == pytest.approx(115 * 8_760 * 0.5)
    assert [run.years for run in study.perfect.runs] == ["2026", "2027", "2028", "2029"]


def test_growth_and_inflation_come_on_top_of_what_a_table_says(tmp_path):
    """0.1 EUR/kWh in all years by a table is what the file says by itself: growth begins with the second year."""
    terms = "{discount_rate: 10 %, project_life: 4 a, growth: {energy: 10 %}, inflation: 2 %, discounting: nominal}"
    flat = staged(tmp_path, PRICE.replace("0.2 EUR", "0.1 EUR").replace("0.4 EUR", "0.1 EUR"), finance=terms)
    flows = flat.perfect.flows["grid", "energy"].tolist()
    assert flows[1:] == pytest.approx([-0.1 * (LOAD - SUN) * 1.1**year for year in range(4)])
    assert flat.sheets[FORESIGHT].items["energy"].tolist()[1:] == pytest.approx(
        [0.1 * SUN * 1.1 ** (year - 1) * 1.02**year for year in range(1, 5)]
    )


def test_years_that_are_told_alike_have_one_plan(tmp_path):
    """Steps of two years: two plans for the stage of four, each counted twice."""
    table = "assets.plant.demand: {values: {2026: 100 kW, 2028: 120 kW}, between: steps}"
    study = staged(tmp_path, table, roof=NONE, stages="[2026]")
    assert [(run.years, run.counts.tolist()) for run in study.perfect.runs] == [
        ("2026 to 2027", [0, 1, 1, 0, 0]),
        ("2028 to 2029", [0, 0, 0, 1, 1]),
    ]


HARD = "assets.plant.demand: {values: {2026: 100 kW, 2027: 100 kW, 2028: 190 kW, 2029: 220 kW}%s}"


def hard(folder, how):
    """Return the pathway of a load that the grid alone cannot feed in the end: there is nothing to compare it with."""
    text = YEAR.replace("reference: {without: [roof], name: grid only}\n", "").replace(SHIPPED, NONE)
    section = f"pathway:\n  stages: [2026, 2028]\n  by_year:\n    {HARD % how}\n"
    path = folder / "plant.yaml"
    path.write_text(text.replace("{discount_rate: 6 %, project_life: 20 a}", TERMS) + section, encoding="utf-8")
    return pathway(path, myopic=False)


def test_a_year_that_what_stands_does_not_suffice_for_is_named(tmp_path):
    """205 kW on the mean of 2028 and 2029 take 10 kW of roof beside 200 kW of grid; 220 kW take 40 kW."""
    with pytest.raises(NoPathError) as caught:
        hard(tmp_path, "")
    assert caught.value.stage == "2029"
    assert "with what stands in the stage 2028, 2029 has no plan" in str(caught.value)
    assert "planned_with: highest, of tables in pathway.by_year), give its caps by year, or" in str(caught.value)


def test_a_year_that_no_time_was_left_for_is_not_told_as_impossible(tmp_path, monkeypatch):
    module = sys.modules["microgrid.planning.pathways.years"]

    def short(*_words, **_options):
        raise NoPlanError(Outcome(Ended.TIME))

    monkeypatch.setattr(module, "solved_from", short)
    with pytest.raises(NoPathError, match="in the stage 2026, 2026 was not planned") as caught:
        staged(tmp_path, PRICE)
    assert not caught.value.cannot_be
    assert "planned_with" not in str(caught.value)


@pytest.mark.parametrize("how", ["highest", "last"])
def test_a_stage_may_be_planned_with_the_year_that_asks_for_most(how, tmp_path):
    """Then 40 kW stand from 2028 on, of which 2028 has use for all: energy for 170 and 200 kW is bought."""
    path = hard(tmp_path, f", planned_with: {how}").perfect
    assert path.table["stands"].tolist() == pytest.approx([0, 40])
    assert path.flows["grid", "energy"].tolist()[1:] == pytest.approx([-87_600, -87_600, -148_920, -175_200])


def test_a_cap_by_year_is_planned_with_at_its_lowest(tmp_path):
    """438 t without a roof, 2.19 t less a kW: 350 t in 2029 take 40.18 kW, which stand in 2028 too, capped at 400 t."""
    table = "objective.caps.emissions: {values: {2026: 1000 tCO2, 2028: 400 tCO2, 2029: 350 tCO2}, between: steps}"
    study = staged(tmp_path, table, roof=NONE)
    assert study.perfect.table["stands"].tolist() == pytest.approx([0, 88 / 2.19], abs=1e-4)
    assert study.perfect.emissions.tolist() == pytest.approx([438e3, 438e3, 350e3, 350e3])
    assert study.reference.emissions.tolist() == pytest.approx([438e3] * 4), "caps bind the path alone"


TWO = YEAR.replace(
    "  plant:",
    "  green: {kind: grid_connection, capacity: 100 kW, import_price: 0.3 EUR/kWh, location_factor: 0 kgCO2/kWh}\n"
    "  plant:",
)


def test_a_budget_holds_for_the_years_of_a_stage_together(tmp_path):
    """876,000 kWh a year from a grid of 0.4, 0.3, 0.2 and 0.1 kg/kWh are 876 t in all; 700 t are allowed.

    The stage is planned with 0.25 kg/kWh: 700 t are 2,800,000 kWh of 3,504,000, and 704,000 come from the green grid
    for 0.2 EUR/kWh more. Year by year these 176 t are avoided where it costs least: in 2026 a kWh avoids 0.4 kg,
    for 0.5 EUR a kg, worth 0.4545 at the start, but 0.05 kg of 2029 cost more. 0.3 kg of 2027 cost 0.551 a kg: so that
    440,000 kWh of 2026 do.
    """
    factor = "assets.grid.location_factor: {values: {2026: 0.4 kgCO2/kWh, 2029: 0.1 kgCO2/kWh}}"
    study = staged(tmp_path, factor, text=TWO, roof=NONE, stages="[2026]", more="  budget: 700 tCO2\n")
    path = study.perfect
    assert path.emissions.sum() == pytest.approx(700e3)
    assert path.emissions.tolist() == pytest.approx([0.4 * 436_000, 0.3 * LOAD, 0.2 * LOAD, 0.1 * LOAD])
    assert path.cost == pytest.approx(worth([0.1 * LOAD] * 4) + 0.2 * 440_000 / 1.1)
    assert path.decided_cost == pytest.approx(worth([0.1 * LOAD + 0.2 * 176_000] * 4))
    assert study.myopic.emissions.sum() <= 700e3 * (1 + 1e-6)


def test_what_scales_a_series_of_prices_is_money(tmp_path):
    """Times 1, 1.5, 2 and 4 of 0.1 EUR/kWh are the prices of the sheet: the mean is that of money."""
    rows = "".join(f"{day:%Y-%m-%d}T00:00+00:00,0.1\n" for day in pd.date_range("2026-01-01", periods=365))
    (tmp_path / "price.csv").write_text(f"time,price [EUR/kWh]\n{rows}", encoding="utf-8")
    text = YEAR.replace("import_price: 0.1 EUR/kWh", "import_price: {file: price.csv, column: price}")
    times = "assets.grid.import_price.times: {values: {2026: 1, 2028: 2, 2029: 4}}"
    study = staged(tmp_path, times, text=text)
    assert study.perfect.decided_cost == pytest.approx(study.perfect.cost)
    assert study.sheets[FORESIGHT].items["energy"].tolist() == pytest.approx([0, 21_900, 32_850, 43_800, 87_600])


def test_a_reference_in_another_file_has_the_years_too(tmp_path):
    """It buys 876,000 kWh at each year's price, and has nothing of the path's caps."""
    other = "extends: plant.yaml\nname: as it is\npathway:\nassets:\n  roof:\n"
    (tmp_path / "other.yaml").write_text(other, encoding="utf-8")
    text = YEAR.replace("{without: [roof], name: grid only}", "{file: other.yaml}")
    cap = "objective.caps.emissions: {values: {2026: 1000 tCO2}, between: steps}"
    study = staged(tmp_path, PRICE, cap, text=text)
    assert study.reference.flows["grid", "energy"].tolist() == pytest.approx(
        [0, *(-LOAD * price for price in (0.1, 0.15, 0.2, 0.4))]
    )


def test_ageing_and_upkeep_count_once_in_years_that_differ(tmp_path):
    """2 % a year: 99 % on the mean of 2026 and 2027, 95 % later; 500 EUR of upkeep for 50 kW in each year."""
    study = staged(tmp_path, PRICE, roof=ROOF.replace("lifetime: 4 a", "lifetime: 4 a, degradation: 2 %/a"))
    saved = [SUN * left * price for left, price in zip((0.99, 0.99, 0.95, 0.95), (0.1, 0.15, 0.2, 0.4), strict=True)]
    assert study.sheets[FORESIGHT].items["energy"].tolist()[1:] == pytest.approx(saved)
    assert study.sheets[FORESIGHT].items["fixed"].tolist()[1:] == pytest.approx([-500] * 4)


def test_a_table_of_one_stage_is_that_of_many(tmp_path):
    """A stage a year with the values of the years as fields comes to the same, where nothing is built."""
    one = staged(tmp_path, PRICE, FACTOR, CARBON, roof=NONE, stages="[2026]").perfect
    section = (
        "pathway:\n  stages: [2026, 2027, 2028, 2029]\n  fields:\n"
        "    assets.grid.import_price: [0.1 EUR/kWh, 0.15 EUR/kWh, 0.2 EUR/kWh, 0.4 EUR/kWh]\n"
        "    assets.grid.location_factor: [0.5 kgCO2/kWh, 0.4 kgCO2/kWh, 0.3 kgCO2/kWh, 0.2 kgCO2/kWh]\n"
        "    objective.carbon_price: [0 EUR/tCO2, 0 EUR/tCO2, 100 EUR/tCO2, 100 EUR/tCO2]\n"
    )
    path = scenario(tmp_path, YEAR.replace("reference:", f"{section}reference:"), roof=NONE, finance=TERMS)
    many = pathway(path, myopic=False).perfect
    assert one.cost == pytest.approx(many.cost)
    assert one.emissions.tolist() == pytest.approx(many.emissions.tolist())
    assert {key: flows.tolist() for key, flows in one.flows.items() if any(flows)} == {
        key: pytest.approx(flows.tolist()) for key, flows in many.flows.items() if any(flows)
    }


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            "assets.grid.import_price: {values: {2027: 0.1 EUR/kWh, 2028: 0.2 EUR/kWh}}",
            "plant.yaml:8  pathway.by_year.assets.grid.import_price.values: nothing for 2026 and 2029\n"
            "   wanted every year of the project, 2026 to 2029; write a value for 2026",
        ),
        (
            "assets.grid.import_price: {values: {2026: 0.1 EUR/kWh, 2027: 0.2 EUR/kWh}}",
            "plant.yaml:8  pathway.by_year.assets.grid.import_price.values: nothing for 2028 to 2029\n"
            "   wanted every year of the project, 2026 to 2029; write a value for 2029, or between: steps, where the "
            "last one goes on",
        ),
        (
            "assets.grid.import_price: {values: {soon: 0.1 EUR/kWh, 02028: 0.2 EUR/kWh}}",
            "plant.yaml:8  pathway.by_year.assets.grid.import_price.values.soon: soon\n"
            "   wanted a calendar year, such as 2030: 120 EUR/tCO2",
        ),
        (
            "assets.grid.import_price: {values: {2026: 0.1 EUR/kWh, 2029: 20 EUR/MWh}}",
            "plant.yaml:8  pathway.by_year.assets.grid.import_price.values: numbers in EUR/kWh and EUR/MWh\n"
            "   wanted numbers in one unit, written alike",
        ),
        (
            "assets.grid.import_price: {values: {2026: dear, 2029: 0.2 EUR/kWh}}",
            "plant.yaml:8  pathway.by_year.assets.grid.import_price.values.2026: dear\n"
            "   wanted a number as the file would say it, with its unit where one is due",
        ),
        (
            "assets.grid.import_price: {values: {2026: 0.1 EUR/kW, 2029: 0.2 EUR/kW}}",
            "plant.yaml:8  assets.grid.import_price: 0.1 EUR/kW\n   wanted a quantity in EUR/kWh",
        ),
        (
            "assets.grid.inport_price: {values: {2026: 0.1 EUR/kWh, 2029: 0.2 EUR/kWh}}",
            "plant.yaml:8  assets.grid.inport_price: unknown key",
        ),
        (
            "assets.roof.capacity.capex: {values: {2026: 900 EUR/kW, 2029: 500 EUR/kW}}",
            "plant.yaml:8  pathway.by_year.assets.roof.capacity.capex: a capacity by year\n"
            "   wanted what operation depends on: what is built, and its price, change where a stage begins; give it "
            "by stage, in pathway.fields",
        ),
        (
            "finance.discount_rate: {values: {2026: 5 %, 2029: 6 %}}",
            "plant.yaml:8  pathway.by_year.finance.discount_rate: finance by year\n"
            "   wanted a field of assets or objective; finance holds for a stage, or for the whole path",
        ),
        (
            "assets.plant.demand: {values: {2026: 100 kW}, between: line}",
            "plant.yaml:8  pathway.by_year.assets.plant.demand.values: nothing for 2027 to 2029",
        ),
        (
            "assets.plant.demand: {values: {}}",
            "plant.yaml:8  pathway.by_year.assets.plant.demand.values: {}\n   wanted at least 1 of them",
        ),
        (
            "assets.plant.demand: {values: {2026: 100 kW, 2029: 90 kW}, between: curve}",
            "plant.yaml:8  pathway.by_year.assets.plant.demand.between: curve",
        ),
    ],
)  # fmt: skip
def test_faults_are_told(table, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        staged(tmp_path, table)
    problems = [str(problem) for problem in caught.value.problems]
    assert told in "\n".join(problems)
    assert len(problems) <= 2, "a fault of a table is told once, not once a year"


def test_a_field_by_stage_and_by_year_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = "  fields: {assets.grid.import_price: [0.1 EUR/kWh, 0.2 EUR/kWh]}\n"
    with pytest.raises(InputError, match=r"assets\.grid\.import_price by stage and by year\n   wanted each field once"):
        staged(tmp_path, PRICE, more=more)
    with pytest.raises(InputError, match=r"import_price beside assets\.grid\.import_price\.times"):
        staged(tmp_path, PRICE, "assets.grid.import_price.times: {values: {2026: 1}, between: steps}")


def test_a_currency_that_is_not_the_files_is_refused_as_anywhere(tmp_path):
    with pytest.raises(InputError, match="USD"):
        staged(tmp_path, "assets.grid.import_price: {values: {2026: 0.1 USD/kWh, 2029: 0.2 USD/kWh}}")


def test_what_is_written_says_the_same(tmp_path, monkeypatch, capsys):
    """The page holds each year's money and values, the manifest each year's run, the table of money its sum."""
    section = f"pathway:\n  stages: [2026, 2028]\n  by_year:\n    {PRICE}\n    {CARBON}\n"
    path = scenario(tmp_path, YEAR.replace("reference:", f"{section}reference:"), roof=ROOF, finance=TERMS)
    with typed(monkeypatch, capsys) as microgrid:
        checked = microgrid("check", str(path))
        ended = microgrid("pathway", str(path), "--no-myopic", "--out", str(tmp_path / "run"))
    assert (checked.code, ended.code) == (0, 0), ended.err
    assert "each year is then planned anew with what stands" in " ".join(ended.out.split())
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["pathway"]["perfect"]
    assert [(each["first"], each["last"]) for each in told["years"]] == [(year, year) for year in range(2026, 2030)]
    assert [each["costs"]["grid energy"] for each in told["years"]] == pytest.approx(
        [(LOAD - SUN) * price for price in (0.1, 0.15, 0.2, 0.4)]
    )
    money = pd.read_parquet(tmp_path / "run" / "money.parquet")
    assert -(money["amount"] * 1.1 ** -money["year"]).sum() == pytest.approx(told["cost"])
    page = (tmp_path / "run" / "pathway.html").read_text(encoding="utf-8")
    for words in (
        "<td>start of 2026</td>",
        "<td>end of 2029</td>",
        "What changes from year to year",
        "<strong>the stage 2028 is planned with</strong>",
        "0.295238 EUR/kWh",  # (0.2 / 1.331 + 0.4 / 1.4641) / (1 / 1.331 + 1 / 1.4641)
        "its years differ in",
    ):
        assert words in page, words
    assert "end of 2025" not in page
