"""Investments whose sheets are worked out by hand: what is bought, what it earns, taxes, ageing, levelised costs."""

from __future__ import annotations

import json

import numpy as np
import numpy_financial
import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.finance import annuity_factor
from microgrid.planning.ageing import AgedError
from microgrid.planning.purchases import left_of_life, purchases
from microgrid.planning.sizing import NoReferenceError, money, size
from microgrid.results import load
from microgrid.scenario import read_scenario
from tests.planning.files import PRICE, ROOF, SAVED, UPKEEP, YEAR, scenario, sized


def flows(investment, item):
    return investment.sheet.items.get(item, np.zeros(investment.sheet.finance.years + 1)).tolist()


def test_a_roof_by_hand(tmp_path):
    """A roof of 50 kW at half its power saves 21,900 a year, costs 25,000 at the start and after ten years, 500 a year.

    Worth at 6 % over 20 years: 21,400 * 11.469921 - 25,000 - 25,000 / 1.06**10 = 206,496.4. Without the replacement it
    would be 220,456; with the annuity counted beside the investment, less by all of it.
    """
    investment = sized(tmp_path)
    assert investment.plan.result.sizes["roof"]["capacity"] == pytest.approx(50.0)
    expected = np.full(21, SAVED - UPKEEP)
    expected[0], expected[10] = -PRICE, SAVED - UPKEEP - PRICE
    assert investment.sheet.net.tolist() == pytest.approx(expected.tolist())
    figures = investment.sheet.figures
    assert figures["net_present_value"] == pytest.approx(206_496.4, abs=0.1)
    assert figures["net_present_value"] == pytest.approx(float(numpy_financial.npv(0.06, expected)))
    assert figures["internal_rate"] == pytest.approx(float(numpy_financial.irr(expected)), rel=1e-6)
    assert figures["payback"] == pytest.approx(PRICE / 21_400)
    assert figures["investment"] == pytest.approx(PRICE)
    avoided = 20 * 50 * 0.5 * 8760 * 0.5
    assert investment.avoided == pytest.approx(avoided)
    assert investment.abatement_cost == pytest.approx(-206_496.4 / avoided, rel=1e-6)


def test_the_years_money_is_worth_what_the_model_minimised(tmp_path):
    """Where lives divide the project's, and nothing is taxed or grows, the annuity of all present values is the cost.

    Parts are in it: an inverter of 80 EUR/kW after 4 and 8 of a life of 10 years, so four of them in 20.
    """
    roof = ROOF.replace("lifetime: 10 a", "lifetime: 10 a, parts: {inverter: {cost: 80 EUR/kW, lifetime: 4 a}}")
    investment = sized(tmp_path, roof=roof)
    years = [p.time for p in investment.plan.bought if p.what == "capacity: inverter"]
    assert years == pytest.approx([4.0, 8.0, 14.0, 18.0])
    yearly = investment.sheet.figures["cost_of_plan"] * annuity_factor(0.06, 20)
    assert yearly == pytest.approx(investment.plan.result.cost, rel=1e-9)
    other = investment.sheet.figures["cost_of_reference"] * annuity_factor(0.06, 20)
    assert other == pytest.approx(investment.reference.result.cost, rel=1e-9)


def test_what_is_left_of_a_life_is_worth_its_share(tmp_path):
    """A life of 15 years in a project of 20: bought at 0 and 15, a third used at the end, two thirds of 25,000 left."""
    investment = sized(tmp_path, roof=ROOF.replace("lifetime: 10 a", "lifetime: 15 a"))
    assert flows(investment, "residual value")[20] == pytest.approx(PRICE * 2 / 3)
    assert flows(investment, "replacement")[15] == pytest.approx(-PRICE)
    nothing = "{discount_rate: 6 %, project_life: 20 a, residual_value: none}"
    investment = sized(tmp_path, roof=ROOF.replace("lifetime: 10 a", "lifetime: 15 a"), finance=nothing)
    assert not any(flows(investment, "residual value"))


def test_taxes_by_hand(tmp_path):
    """Two years, 25 % tax, 20,000 granted of 25,000, 5,000 written off over five years, life of four years.

    Profit a year: 21,900 - 500 - 1,000 = 20,400; at the end 3,000 are in the books and the roof is worth half of
    25,000: 9,500 more. Taxes 5,100 and 7,475. Written off on the whole price, they would be 4,100 and less.
    """
    roof = ROOF.replace("lifetime: 10 a", "lifetime: 4 a, grant: 80 %")
    finance = "{discount_rate: 6 %, project_life: 2 a, tax: {rate: 25 %, depreciation_life: 5 a}}"
    investment = sized(tmp_path, roof=roof, finance=finance)
    assert flows(investment, "tax") == pytest.approx([0.0, -5_100.0, -7_475.0])
    assert flows(investment, "grant") == pytest.approx([20_000.0, 0.0, 0.0])
    assert investment.sheet.net.tolist() == pytest.approx([-5_000.0, 16_300.0, 21_400 + 12_500 - 7_475])
    cost = 500 * 0.2 * 50 * annuity_factor(0.06, 4)
    assert investment.plan.result.manifest["costs"]["capital"] == pytest.approx(cost)


def test_nominal_and_real_money_say_the_same_before_taxes(tmp_path):
    """A nominal rate of 8.12 % at 2 % inflation is a real one of 6 %: worth and plan are the same."""
    real = sized(tmp_path)
    nominal = sized(
        tmp_path, finance="{discount_rate: 8.12 %, discounting: nominal, inflation: 2 %, project_life: 20 a}"
    )
    assert nominal.sheet.figures["net_present_value"] == pytest.approx(real.sheet.figures["net_present_value"])
    assert nominal.plan.result.cost == pytest.approx(real.plan.result.cost)
    assert flows(nominal, "energy")[3] == pytest.approx(SAVED * 1.02**3)


def test_growth_and_incentives_by_hand(tmp_path):
    """Energy grows by 10 % a year from the second on; 1,000 of the second and third year are no profit."""
    finance = (
        "{discount_rate: 0 %, project_life: 3 a, growth: {energy: 10 %}, carbon_is_paid: false, residual_value: none, "
        "tax: {rate: 50 %, depreciation_life: 3 a}, "
        "incentives: {prize: {amount: 1000 EUR, year: 2, years: 2, taxed: false}}}"
    )
    investment = sized(tmp_path, finance=finance)
    saved = [SAVED, 1.1 * SAVED, 1.21 * SAVED]
    assert flows(investment, "energy")[1:] == pytest.approx(saved)
    assert flows(investment, "incentive: prize") == pytest.approx([0.0, 0.0, 1000.0, 1000.0])
    taxed = [0.5 * (each - UPKEEP - PRICE / 3) for each in saved]
    assert flows(investment, "tax")[1:] == pytest.approx([-each for each in taxed])


def test_ageing_by_hand(tmp_path):
    """At 2 % a year of a life of ten, year y saves 1 - 0.02 (y - 1) of 21,900, and as new in year 11; upkeep stays.

    The price per kWh is that of all money over all energy, each at its present value.
    """
    investment = sized(tmp_path, roof=ROOF.replace("lifetime: 10 a", "lifetime: 10 a, degradation: 2 %/a"))
    left = [1 - 0.02 * (year % 10) for year in range(20)]
    assert flows(investment, "energy")[1:] == pytest.approx([SAVED * share for share in left])
    assert flows(investment, "fixed")[1:] == pytest.approx([-UPKEEP] * 20)
    assert investment.avoided == pytest.approx(sum(left) * 50 * 0.5 * 8760 * 0.5)
    discount = 1.06 ** -np.arange(1, 21)
    costs = PRICE + PRICE / 1.06**10 + UPKEEP * discount.sum()
    (roof,) = [each for each in investment.sources if each.of == "roof"]
    assert roof.cost == pytest.approx(costs / (50 * 0.5 * 8760 * (np.array(left) * discount).sum()))
    assert roof.unit == "EUR/kWh"


def test_what_stands_is_replaced_when_its_life_is_over_and_renewed_by_parts(tmp_path):
    """40 kW stand for 4 more years and then for 10 each, at 300 EUR/kW; new cells every 3 years make up for ageing."""
    standing = (
        "{amount: 40 kW, remaining_life: 4 a, capex: 300 EUR/kW, lifetime: 10 a, degradation: 1 %/a, "
        "parts: {cells: {cost: 7 EUR/kW, lifetime: 3 a, remaining_life: 1 a, renews: true}}}"
    )
    plant = read_scenario(scenario(tmp_path, roof=standing)).plant
    bought = purchases(plant, {"roof": {"capacity": 40.0}, "grid": {"capacity": 200.0}, "plant": {}}, 12)
    told = sorted((p.time, p.what, p.item, p.price, p.life) for p in bought)
    assert told == [
        (1.0, "capacity: cells", "replacement", 280.0, 3.0),
        (4.0, "capacity", "replacement", 12_000.0, 10.0),
        (7.0, "capacity: cells", "replacement", 280.0, 3.0),
        (10.0, "capacity: cells", "replacement", 280.0, 3.0),
    ]
    ages = [0, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]
    assert left_of_life(plant, "roof", "capacity", 12) == pytest.approx([1 - 0.01 * age for age in ages])


def test_two_roofs_share_one_area(tmp_path):
    """The dearer roof of 4 m2/kW earns more on an m2 than one of 10: 75 kW on 300 m2; of 610 m2 it leaves 250."""
    text = YEAR.replace("site: {time_zone: UTC}", "site: {time_zone: UTC, roof_area: 300 m2}").replace(
        "  plant:",
        "  cheap: {kind: photovoltaic, availability: 0.5, capacity: {high: 90 kW, capex: 100 EUR/kW, roof: 10 m2/kW}}\n"
        "  plant:",
    )
    text = text.replace(ROOF, "{high: 90 kW, capex: 500 EUR/kW, roof: 4 m2/kW}")
    sizes = sized(tmp_path, text).plan.result.sizes
    assert (sizes["roof"]["capacity"], sizes["cheap"]["capacity"]) == pytest.approx((75.0, 0.0), abs=1e-6)
    wide = sized(tmp_path, text.replace("300 m2", "610 m2")).plan.result.sizes
    assert (wide["roof"]["capacity"], wide["cheap"]["capacity"]) == pytest.approx((90.0, 25.0))


HYDROGEN = """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-01-01, days: 365, step: 8760 h}
finance: {discount_rate: 6 %, project_life: 20 a}
reference: {without: [stack]}
assets:
  grid: {kind: grid_connection, capacity: 200 kW, import_price: 0.1 EUR/kWh}
  trailer: {kind: supply, bus: hydrogen, price: 20 EUR/kg}
  stack:
    kind: electrolyser
    capacity: {high: 60 kW, capex: 1000 EUR/kW, lifetime: 20 a}
    consumption: 50 kWh/kg
  plant: {kind: production_load, demand: 10 kW}
  furnace: {kind: production_load, bus: hydrogen, demand: 1 kg/h}
"""


def test_hydrogen_costs_its_electricity_and_its_stack(tmp_path):
    """1 kg/h takes 50 kW at 0.1 EUR/kWh: 5 EUR/kg, and 50,000 EUR of stack at an annuity of 0.0871846 over 8,760 kg."""
    costs = {each.of: each for each in sized(tmp_path, HYDROGEN).buses}
    assert costs["electricity"].cost == pytest.approx(0.1)
    assert costs["hydrogen"].cost == pytest.approx(5.0 + 50_000 * annuity_factor(0.06, 20) / 8760)
    assert costs["hydrogen"].unit == "EUR/kg"


def test_what_a_week_bills_by_the_month_counts_twelve_times_a_year(tmp_path):
    """Three days, 73 h, are a 120th of a year; the peak's 5 EUR/kW are due twelve times a year, not 120 times."""
    text = YEAR.replace("days: 365, step: 8760 h", "end: 2026-01-04T01:00, step: 1 h").replace(
        "import_price: 0.1 EUR/kWh,", "import_price: 0.1 EUR/kWh, demand_charge: {price: 5 EUR/kW/month, window: 1 h},"
    )
    investment = sized(tmp_path, text)
    saved = investment.sheet.items
    assert saved["demand"][1] == pytest.approx(12 * 5 * 25.0)
    assert saved["energy"][1] == pytest.approx(SAVED)
    assert any("stands for 0.00833 years" in limit for limit in investment.limits)


def test_what_is_written_says_the_same(tmp_path):
    investment = size(scenario(tmp_path), tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["investment"]["figures"]["net_present_value"] == pytest.approx(206_496.4, abs=0.1)
    assert manifest["audit"]["passed"]
    table = money(tmp_path / "run")
    signs = {"plan": 1.0, "reference": -1.0, "project": 1.0}
    net = (table["amount"] * table["case"].map(signs)).groupby(table["year"]).sum()
    assert net.tolist() == pytest.approx(investment.sheet.net.tolist())
    costs = pd.DataFrame(load(tmp_path / "run" / "reference").costs)
    assert costs["amount"].sum() == pytest.approx(investment.reference.result.cost)
    page = (tmp_path / "run" / "investment.html").read_text(encoding="utf-8")
    for words in ("206,496", "grid only", "Limits of this study", "data:image/png"):
        assert words in page
    assert "http" not in page.replace("http-equiv", "")


def test_sensitivities_move_the_worth_as_they_must(tmp_path):
    """A fifth of equipment is 0.2 * (25,000 + 25,000 / 1.06**10), a fifth of energy 0.2 * 21,900 * 11.47."""
    found = {each.assumption: each for each in sized(tmp_path).sensitivities}
    assert found["prices of equipment"].with_more == pytest.approx(206_496.4 - 0.2 * (PRICE + 13_959.87), abs=1)
    assert found["energy prices"].with_less == pytest.approx(206_496.4 - 0.2 * SAVED * 11.469921, abs=1)
    assert found["discount rate"].with_less > 206_496 > found["discount rate"].with_more
    swings = [each.swing for each in found.values()]
    assert swings == sorted(swings, reverse=True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reference": "{without: [rof]}"}, 'wanted an asset of the scenario; did you mean "roof"?'),
        ({"reference": "{without: [roof], file: x.yaml}"}, "wanted one of file and without"),
        ({"reference": "{file: none.yaml}"}, "wanted a scenario file that is there"),
        ({"roof": "50 kW"}, "capacities that are all given"),
        ({"roof": "{high: 50 kW, lifetime: 0 a}"}, "wanted above 0 and up to 1000 a"),
        ({"roof": "{capex: 5 EUR/kW}"}, "capacity.high: missing"),
        ({"finance": "{discount_rate: 6}"}, 'wanted from -0.5 to 1; write "6 %"'),
        ({"finance": "{project_life: 2.5 a}"}, "whole years from 1 to 100"),
        ({"finance": "{growth: {energi: 2 %}}"}, 'did you mean "energy"?'),
        ({"finance": "{growth: {energy: 2}}"}, 'write "2 %"'),
    ],
)
def test_faults_are_told(changes, told, tmp_path):
    with pytest.raises(InputError) as caught:
        size(scenario(tmp_path, **changes))
    assert told in "\n".join(str(problem) for problem in caught.value.problems)


def test_a_missing_reference_is_proposed(tmp_path):
    with pytest.raises(InputError, match=r"without: \[roof\]"):
        size(scenario(tmp_path, YEAR.replace("reference: {without: [roof], name: grid only}\n", "")))


def test_a_roof_smaller_than_what_stands_on_it_is_told(tmp_path):
    text = YEAR.replace("site: {time_zone: UTC}", "site: {time_zone: UTC, roof_area: 100 m2}")
    with pytest.raises(InputError, match="at least 200 m2"):
        size(scenario(tmp_path, text, roof="{amount: 50 kW, roof: 4 m2/kW}"))


def test_references_of_another_currency_or_length_are_refused(tmp_path):
    other = YEAR.replace("EUR", "CNY").replace("days: 365, step: 8760 h", "days: 73, step: 24 h")
    (tmp_path / "other.yaml").write_text(other, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        size(scenario(tmp_path, reference="{file: other.yaml}"))
    told = "\n".join(str(problem) for problem in caught.value.problems)
    assert "one in EUR" in told
    assert "a horizon of 1 years" in told


def test_a_reference_without_a_plan_says_so(tmp_path):
    text = YEAR.replace("capacity: 200 kW", "capacity: 80 kW")
    with pytest.raises(NoReferenceError, match="the reference has no plan"):
        size(scenario(tmp_path, text))


def test_a_plan_that_ages_into_nothing_says_what_aged(tmp_path):
    """80 kW from the grid and half of the roof's 40 meet 100 kW; half of what is left after nine years does not."""
    text = YEAR.replace("capacity: 200 kW", "capacity: 80 kW").replace("without: [roof]", "file: other.yaml")
    (tmp_path / "other.yaml").write_text(YEAR, encoding="utf-8")
    roof = ROOF.replace("50 kW", "40 kW").replace("lifetime: 10 a", "lifetime: 10 a, degradation: 4 %/a")
    with pytest.raises(AgedError, match=r"roof.capacity has aged to 64.0%"):
        size(scenario(tmp_path, text, roof=roof))


def test_allowances_are_paid_where_the_plants_own_carbon_price_is_not(tmp_path):
    """10 t are left free at 50 EUR/t: 500 EUR a year for whoever emits nothing; 100 EUR/t of its own decide alone."""
    text = YEAR.replace(
        "reference:",
        "objective: {carbon_price: 100 EUR/tCO2}\n"
        "accounting: {trading: {price: 50 EUR/tCO2, allowances: 10 tCO2}}\nreference:",
    )
    finance = "{discount_rate: 6 %, project_life: 20 a, carbon_is_paid: false, growth: {carbon: 10 %}}"
    sheet = sized(tmp_path, text, finance=finance).sheet
    for rows in (sheet.plan, sheet.reference):
        paid = {item: flows for (_, item), flows in rows.items() if item.startswith("carbon")}
        assert list(paid) == ["carbon allowances"]
        assert paid["carbon allowances"][1:3] == pytest.approx([500.0, 550.0])
