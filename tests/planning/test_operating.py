"""What an investment is worth with the plans that one can make: where nothing is to be foreseen, and where it is."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from microgrid.errors import InputError
from microgrid.finance import annuity_factor
from microgrid.planning.operating import operated
from microgrid.planning.priced_caps import in_place_of_caps, without_cap_prices
from microgrid.results import load
from microgrid.running import run
from microgrid.scenario import read_scenario
from tests.command_line import typed

ROOF = "roof: {kind: photovoltaic, availability: 0.5, capacity: {high: 50 kW, capex: 500 EUR/kW, opex: 10 EUR/kW/a}}"
STORE = """\
store:
    kind: battery
    energy: {high: 300 kWh, capex: 60 EUR/kWh, opex: 1 EUR/kWh/a, lifetime: 20 a}
    power: {high: 80 kW, capex: 5 EUR/kW, lifetime: 20 a}
    initial_charge: 50 %
    wear: {replacement_cost: 10 EUR/kWh, cycle_life: 6000}"""
PLANT = """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-03-16, days: 4, step: 1 h}
finance: {discount_rate: 6 %, project_life: 20 a}
reference: {without: [NAME], name: grid only}
assets:
  grid: {kind: grid_connection, capacity: 300 kW, import_price: PRICE, location_factor: 0.5 kgCO2/kWh}
  ASSET
  mill: {kind: production_load, demand: {file: site.csv, column: load}}
"""


def written(folder, name, asset, price="0.1 EUR/kWh"):
    """Write a plant of twelve days whose mill works by day, and twice as much on every third day."""
    times = pd.date_range("2026-03-08", "2026-03-20", freq="h", tz="UTC", inclusive="left")
    by_day = (times.hour >= 8) & (times.hour < 18)
    drawn = np.where(by_day, 60.0, 40.0) * np.where(times.day % 3 == 0, 2.0, 1.0)
    price_of = np.where(by_day, 0.3, 0.1)
    rows = zip([time.isoformat() for time in times], drawn, price_of, strict=True)
    table = "".join(f"{time},{load},{paid}\n" for time, load, paid in rows)
    (folder / "site.csv").write_text("time,load [kW],price [EUR/kWh]\n" + table, encoding="utf-8")
    text = PLANT.replace("NAME", name).replace("ASSET", asset).replace("PRICE", price)
    (folder / "plant.yaml").write_text(text, encoding="utf-8")
    return folder / "plant.yaml"


def test_where_nothing_can_be_moved_foresight_is_worth_nothing(tmp_path):
    """A roof of 50 kW at half its power is always used: 21,900 EUR less 500 a year, however it is foreseen.

    Worth over 20 years at 6 %: 21,400 * 11.469921 - 25,000 = 220,456. Upkeep left out, it would be 226,191.
    """
    study = operated(written(tmp_path, "roof", ROOF))
    assert study.worth("perfect") == pytest.approx(220_456.3, abs=1)
    assert study.worth("operated") == pytest.approx(220_456.3, abs=1)
    assert study.investment.sheet.figures["net_present_value"] == pytest.approx(220_456.3, abs=1)
    assert study.regret == pytest.approx(0, abs=0.01)
    for how in ("perfect", "operated"):
        assert study.avoided(how) == pytest.approx(20 * 25 * 8760 * 0.5)
    assert study.audited


def test_a_store_earns_less_than_with_foresight(tmp_path, monkeypatch, capsys):
    """The forecast by weeks does not know the days of double load: perfect foresight is never worth less."""
    path = written(tmp_path, "store", STORE, "{file: site.csv, column: price}")
    with typed(monkeypatch, capsys) as microgrid:
        ended = microgrid("operated", str(path), "--out", str(tmp_path / "run"))
    assert ended.code == 0, ended.out + ended.err
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["operated"]
    assert told["perfect"]["net_present_value"] > 0
    assert told["regret"] == pytest.approx(told["perfect"]["net_present_value"] - told["operated"]["net_present_value"])
    assert told["regret"] >= -1e-3 * told["perfect"]["net_present_value"]
    assert told["operated"]["investment"] == pytest.approx(told["sized"]["investment"])
    done = load(tmp_path / "run" / "plan" / "operated")
    assert done.sizes["store"]["energy"] > 1
    assert done.cost == pytest.approx(told["operation"]["plan"]["cost"])
    assert any("0.011 years" in limit for limit in told["limits"])
    assert sum(told["regret_by_item"].values()) == pytest.approx(told["regret"], abs=1e-3)
    page = (tmp_path / "run" / "operated.html").read_text(encoding="utf-8")
    for words in ("Where the regret comes from", "Month by month", "How it was planned", "data:image/png"):
        assert words in page


def test_a_price_stands_for_a_cap_and_is_paid_by_nobody(tmp_path):
    """Four days need 5,800 kWh and emit 2,900 kg; a kW of roof gives 48 kWh and avoids 24 kg: 2,300 kg take 25 kW.

    At 9,000 EUR a kW costs (9,000 * 0.0871846 + 10) * 96 / 8,760 = 8.709 EUR in four days and saves 4.80: a kg is worth
    3.909 / 24 = 0.1629 EUR. Nobody pays that: a kW brings 428 EUR a year for 9,000 EUR, however it is carried out.
    """
    path = written(tmp_path, "roof", ROOF.replace("capex: 500", "capex: 9000"))
    text, named = path.read_text(encoding="utf-8"), "reference: {without: [roof], name: grid only}\n"
    path.write_text(text.replace(named, "reference: {file: as_it_is.yaml}\n"), encoding="utf-8")
    others = [line for line in text.replace(named, "").splitlines() if not line.startswith("  roof")]
    (tmp_path / "as_it_is.yaml").write_text("\n".join(others) + "\n", encoding="utf-8")
    study = operated(path, tmp_path / "run", overrides={"objective.caps.emissions": "2300 kgCO2"})
    assert study.investment.plan.result.sizes["roof"]["capacity"] == pytest.approx(25)
    price = ((9_000 * annuity_factor(0.06, 20) + 10) * 96 / 8760 - 4.8) / 24
    assert study.caps["emissions"].price == pytest.approx(price)
    assert study.caps["emissions"].operated == pytest.approx(2_300)
    assert study.caps["emissions"].is_kept
    for how in ("perfect", "operated"):
        assert study.worth(how) == pytest.approx(25 * (-9_000 + 428 / annuity_factor(0.06, 20)), abs=1)
    page = (tmp_path / "run" / "operated.html").read_text(encoding="utf-8")
    for words in ("Price in its place, EUR/t", f"{1000 * price:.1f}", "2.3", "kept"):
        assert words in page


def test_a_price_in_place_of_a_cap_adds_to_the_scenarios_own(tmp_path):
    """60 EUR/t are paid; a kg more of the cap is worth so much less, and what is paid counts."""
    path = written(tmp_path, "roof", ROOF.replace("capex: 500", "capex: 9000"))
    own = {"objective.carbon_price": "60 EUR/tCO2", "objective.caps.emissions": "2900 kgCO2"}
    scenario = read_scenario(path, own)
    overrides = in_place_of_caps(scenario, {"emissions": 0.1})
    assert overrides == {"objective.caps": "null", "objective.carbon_price": "0.16 EUR/kgCO2"}
    result = run(read_scenario(path, own | overrides))
    paid = without_cap_prices(result, scenario, {"emissions": 0.1}).costs
    carbon = paid.loc[paid["category"] == "carbon", "amount"].sum()
    assert carbon == pytest.approx(0.06 * result.manifest["emissions"]["emissions"])


TARIFF = """\
{currency: EUR, time_of_use: {days: [{hours: {day: 8-20, night: rest}}]}, components: {
      energy: {kind: energy, price: {day: 0.3 EUR/kWh, night: 0.1 EUR/kWh}},
      tiers: {kind: energy, tiers: [{up_to: 3 MWh, price: 0.02 EUR/kWh}, {price: 0.05 EUR/kWh}]},
      demand: {kind: demand, price: 6 EUR/kW/month, window: 1 h},
      contract: {kind: demand, price: 2 EUR/kW/month, window: 1 h, ratchet: {share: 80 %, look_back: 3}}}}"""


def test_a_tariff_is_billed_as_carried_out(tmp_path):
    """Time of use, tiers, demand charge and ratchet: the forecast by weeks misses the month's peak, foresight does not.

    Demand is billed by the month, so that the sheet counts it twelve times, energy 8,760 / 96 times.
    """
    path = written(tmp_path, "store", STORE)
    text = path.read_text(encoding="utf-8").replace("import_price: 0.1 EUR/kWh", f"tariff: {TARIFF}")
    path.write_text(text, encoding="utf-8")
    study = operated(path)
    assert study.audited
    assert study.investment.plan.result.sizes["store"]["energy"] > 1
    for how in ("perfect", "operated"):
        bills = [study.results[how][name].costs for name in ("reference", "plan")]
        charges = [frame.loc[frame["category"] == "demand", "amount"].sum() for frame in bills]
        assert study.sheets[how].items["demand"][1] == pytest.approx(12 * (charges[0] - charges[1]))
    assert study.regret >= -1e-3 * abs(study.worth("perfect"))


def test_a_cap_on_money_is_refused(tmp_path):
    path = written(tmp_path, "roof", ROOF)
    with pytest.raises(InputError, match="a cap on cost"):
        operated(path, overrides={"objective.caps.cost": "5000 EUR"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "2026-03-17"), "--to: missing\n   wanted both --from and --to, or neither"),
        (("--forecast", "oracle"), "--forecast: oracle\n   wanted one of perfect, persistence, week"),
        (("--window", "a day"), '--window: "a day"'),
    ],
)
def test_faults_are_told(words, told, tmp_path, monkeypatch, capsys):
    path = written(tmp_path, "roof", ROOF)
    with typed(monkeypatch, capsys) as microgrid:
        ended = microgrid("operated", str(path), *words)
    assert ended.code == 2
    assert told in ended.err
