"""Contracts of green energy: hand-computed optima of each kind and each matching rule, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from microgrid.account import account
from microgrid.account_table import account_table
from microgrid.audit import audit
from microgrid.capacity import Sized
from microgrid.disclosure import sheet
from microgrid.errors import InputError
from microgrid.matching import matching_table
from microgrid.plant import Objective, Plant
from microgrid.running import NoPlanError, solve_plant
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from solvers import Settings
from tests.plants import refusal

RESIDUAL = 0.6


def connection(contracts, price=0.7, **more):
    """Return a grid whose kWh costs 0.7, 0.4 of it for energy, and emits 0.6 kg without contract, by location 0.5."""
    given = {"capacity": 1000.0, "import_price": price, "location_factor": 0.5, "market_factor": RESIDUAL} | more
    return GridConnection(**given, contracts=contracts)


def planned(
    contracts, demand, hours, start="2026-01-31T20:00+00:00", objective=None, assets=None, weights=None, **grid
):
    timeline = Timeline.of_hours(np.asarray(hours, dtype=float), start=start, weights=weights)
    all_assets = {"g": connection(contracts, **grid), "l": ProductionLoad(demand=demand), **(assets or {})}
    plant = Plant(timeline, all_assets, {}, objective or Objective(basis="market"), currency="CNY")
    result = solve_plant(plant, Settings(gap=0.0))
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    return result


def state(result, name):
    own = result.states[result.states["state"].astype(str) == name]
    return own["value"].tolist()


def lines(result):
    sums = result.costs.groupby("line", observed=True)["amount"].sum()
    return {str(line): pytest.approx(float(amount), abs=1e-6) for line, amount in sums.items()}


def market(result):
    return result.manifest["emissions"]["scope_2_market"]


def wind(**more):
    return {
        "kind": "pay_as_produced",
        "capacity": 100.0,
        "availability": [1.0, 0.2],
        "price": 0.3,
        "replaces": 0.4,
    } | more


# --- pay as produced


def test_what_is_taken_replaces_the_energy_of_the_bill_and_the_rest_is_lost():
    """60 kW for half an hour and an hour; the wind gives 100 and 20 kW: 60 and 20 are taken, 40 lost.

    Bill 90 kWh at 0.7 = 63; generated 50 + 20 kWh paid at 0.3 = 21; 30 + 20 taken at 0.4 less = 20. Without hours, or
    paying for what is taken alone, it would be otherwise. Market-based 40 kWh at 0.6 remain; by location all 90 at 0.5.
    """
    result = planned({"wind": wind()}, 60.0, [0.5, 1.0])
    assert state(result, "wind taken") == pytest.approx([60.0, 20.0])
    assert state(result, "wind lost") == pytest.approx([40.0, 0.0])
    assert lines(result) == {"import": 63.0, "wind, energy": 21.0, "wind, energy replaced": -20.0}
    assert market(result) == pytest.approx(40 * 0.6)
    assert result.manifest["emissions"]["scope_2_location"] == pytest.approx(45.0)


def test_without_take_or_pay_only_what_is_used_is_paid():
    """50 kWh at 0.3."""
    result = planned({"wind": wind(take_or_pay=False)}, 60.0, [0.5, 1.0])
    assert result.cost == pytest.approx(63 + 15 - 20)


def test_surplus_is_resold_and_its_certificates_with_it():
    """20 kWh at 0.1; they are not matched with the second step, however short of wind it is."""
    result = planned({"wind": wind(resale_price=0.1)}, 60.0, [0.5, 1.0])
    assert result.cost == pytest.approx(63 + 21 - 20 - 2)
    assert market(result) == pytest.approx(40 * 0.6)


def test_reselling_comes_first_where_it_pays_more_than_taking():
    """0.5 against 0.4: all 70 kWh are resold, none is taken, and nothing is green."""
    result = planned({"wind": wind(resale_price=0.5)}, 60.0, [0.5, 1.0])
    assert result.cost == pytest.approx(63 + 21 - 35)
    assert market(result) == pytest.approx(90 * 0.6)


def test_a_contract_has_its_own_factor():
    """50 kWh at 0.02, 40 at 0.6."""
    assert market(planned({"wind": wind(factor=0.02)}, 60.0, [0.5, 1.0])) == pytest.approx(50 * 0.02 + 40 * 0.6)


def test_a_contract_grows_until_a_kilowatt_no_longer_pays():
    """A kW gives 0.5 + 0.2 kWh at 0.3 = 0.21 and saves 0.4 on what is taken: all 0.7 kWh up to 60 kW, 0.2 above.

    At 60 kW the first step is full; a kW more would save 0.08. The cost is 63 - 60 * (0.28 - 0.21).
    """
    result = planned({"wind": wind(capacity=Sized(high=500.0))}, 60.0, [0.5, 1.0])
    assert result.sizes["g"]["wind_capacity"] == pytest.approx(60.0)
    assert result.cost == pytest.approx(63 - 60 * 0.07)
    assert result.manifest["decided"] == {"g": {"wind_capacity": "kW"}}


def test_two_contracts_share_the_import():
    """60 kW of import: the second may take but what the first, which saves more, leaves."""
    contracts = {"wind": wind(availability=0.4), "base": wind(kind="baseload", capacity=50.0, replaces=0.35)}
    del contracts["base"]["availability"]
    result = planned(contracts, 60.0, [1.0])
    assert state(result, "wind taken") == pytest.approx([40.0])
    assert state(result, "base taken") == pytest.approx([20.0])
    assert market(result) == pytest.approx(0.0)


def test_importing_and_exporting_at_once_stays_excluded_where_a_contract_makes_import_cheap():
    """A kWh imported under the contract costs 0.7 - 0.4 = 0.3, one exported earns 0.5: only a binary forbids both."""
    result = planned({"wind": wind(availability=1.0)}, 20.0, [1.0], export_price=0.5)
    assert result.cost == pytest.approx(20 * 0.7 - 20 * 0.4 + 30)


# --- baseload, trade


def test_baseload_is_constant():
    """50 kW: 30 kWh of load take 30 of 50, then 50 of 100; 20 are lost. 2 * 50 * 0.3 - 80 * 0.4 + 130 * 0.7."""
    base = {"kind": "baseload", "capacity": 50.0, "price": 0.3, "replaces": 0.4}
    result = planned({"base": base}, [30.0, 100.0], [1.0, 1.0])
    assert result.cost == pytest.approx(30 - 32 + 91)
    assert market(result) == pytest.approx(50 * 0.6)


def trade(matching, **more):
    return {"kind": "green_trade", "premium": 0.05, "matching": matching} | more


def capped(highest):
    return Objective(basis="market", caps={"scope_2_market": highest})


def test_trade_by_the_month_costs_its_premium_on_what_a_cap_makes_it_buy():
    """130 kWh at 0.6 = 78 kg; 30 are allowed: 80 kWh at 0.05."""
    result = planned({"t": trade("month")}, [30.0, 100.0], [1.0, 1.0], objective=capped(30.0))
    assert result.cost == pytest.approx(91 + 80 * 0.05)


def test_trade_by_the_month_is_limited_month_by_month():
    """Two hours of January, one of February; 40 kWh a month at most: 60 of 130 + 20 kWh is not enough for 0 kg."""
    hours, demand, start = [1.0, 1.0, 1.0], [30.0, 100.0, 20.0], "2026-01-31T22:00+00:00"
    best = planned({"t": trade("month", most=40.0)}, demand, hours, start, capped(54.0))
    assert best.cost == pytest.approx(105 + 60 * 0.05)
    with pytest.raises(NoPlanError):
        planned({"t": trade("month", most=40.0)}, demand, hours, start, capped(53.0))


def test_trade_by_the_hour_matches_the_hours_of_the_seller():
    """The seller gives 90 kW, then 10: 30 + 10 kWh can be matched, 40 * 0.6 kg less; by the month 100 of the 130."""
    matched = {"generation": [90.0, 10.0]}
    hourly = planned({"t": trade("hour", **matched)}, [30.0, 100.0], [1.0, 1.0], objective=capped(54.0))
    assert state(hourly, "t taken") == pytest.approx([30.0, 10.0])
    monthly = planned({"t": trade("month", **matched)}, [30.0, 100.0], [1.0, 1.0], objective=capped(18.0))
    assert monthly.cost == pytest.approx(91 + 100 * 0.05)
    for matching, cap in (("hour", 53.9), ("month", 17.9)):
        with pytest.raises(NoPlanError):
            planned({"t": trade(matching, **matched)}, [30.0, 100.0], [1.0, 1.0], objective=capped(cap))


def test_quarter_hours_are_matched_within_their_hour_and_no_further():
    """80 kW in the first quarter, load in the second: the same hour matches, over the full hour it does not."""
    contracts = {"t": trade("hour", generation=[80.0, 0.0])}
    result = planned(contracts, [0.0, 80.0], [0.25, 0.25], objective=capped(0.0))
    assert result.cost == pytest.approx(20 * 0.75)
    with pytest.raises(NoPlanError):
        planned(contracts, [0.0, 80.0], [0.25, 0.25], "2026-01-31T20:45+00:00", capped(0.0))


def test_a_price_of_energy_replaces_the_bills():
    """0.35 + 0.05 for 0.4 + 0.02: it pays without any cap, 130 kWh at 0.02."""
    result = planned({"t": trade("month", price=0.35, replaces=0.42)}, [30.0, 100.0], [1.0, 1.0])
    assert result.cost == pytest.approx(91 - 130 * 0.02)


# --- certificates


def certificates(matching, **more):
    given = {"kind": "certificates", "price": 5.0, "source_of_energy": "wind", "vintage": 2026, "matching": matching}
    return given | more


def test_certificates_are_whole_and_what_is_left_is_carried_to_the_next_month():
    """1,500 kWh in January and 400 in February: two certificates, not three, for 100 kWh are left over after all.

    By the month each buys in its month: 2 and 0. A fraction of a certificate would cost 9.5 in place of 10.
    """
    result = planned({"c": certificates("month")}, [750.0, 400.0], [2.0, 1.0], "2026-01-31T22:00+00:00", capped(0.0))
    assert state(result, "c certificates") == pytest.approx([2.0, 0.0])
    assert result.cost == pytest.approx(1900 * 0.7 + 10)


def test_more_than_one_certificate_is_never_carried():
    """400 kWh in January, 2,400 in February in steps of 3 h: one, then two."""
    result = planned({"c": certificates("month")}, [400.0, 800.0], [1.0, 3.0], "2026-01-31T23:00+00:00", capped(0.0))
    assert state(result, "c certificates") == pytest.approx([1.0, 2.0])


def test_certificates_of_the_year_are_matched_with_any_of_its_hours():
    """One certificate for 1,000 of 1,150 kWh, wherever they are used; 150 * 0.6 = 90 kg are allowed."""
    result = planned({"c": certificates("year")}, [750.0, 400.0], [1.0, 1.0], "2026-01-31T23:00+00:00", capped(90.0))
    assert state(result, "c certificates") == pytest.approx([1.0, 0.0])
    assert result.cost == pytest.approx(1150 * 0.7 + 5)
    with pytest.raises(NoPlanError):
        planned({"c": certificates("year", most=1)}, [750.0, 400.0], [1.0, 1.0], objective=capped(89.0))


def test_steps_that_count_several_times_take_certificates_as_often():
    """100 kW in an hour that counts 40 times: four certificates."""
    result = planned({"c": certificates("year")}, 100.0, [1.0], objective=capped(0.0), weights=[40.0])
    assert state(result, "c certificates") == pytest.approx([4.0])


def test_kept_certificates_of_a_surplus_are_matched_within_the_year_and_by_the_hour_not():
    """The wind gives 100, then 20 kWh; 60 are used in each hour. Kept, all 120 are matched; sold with it, 80."""
    kept = wind(resale_price=0.1, matching="year", surplus_certificates="kept")
    assert market(planned({"wind": kept}, 60.0, [1.0, 1.0])) == pytest.approx(0.0)
    assert market(planned({"wind": wind(resale_price=0.1)}, 60.0, [1.0, 1.0])) == pytest.approx(40 * 0.6)
    assert market(planned({"wind": kept}, 30.0, [1.0, 1.0])) == pytest.approx(0.0), "more certificates than import"
    assert market(planned({"wind": kept}, 90.0, [1.0, 1.0])) == pytest.approx(60 * 0.6)


# --- certificates for sale


def selling(**more):
    return {"s": {"kind": "certificate_sale", "price": 5.0} | more}


def test_certificates_of_exported_energy_are_sold_whole_and_their_rest_counts_in_the_next_month():
    """1,600 kWh exported in January, 700 in February: 1 and 1, and 300 kWh are left."""
    sun = {"pv": Photovoltaic(capacity=2000.0, availability=[0.9, 0.45])}
    result = planned(
        selling(), 200.0, [1.0, 1.0], "2026-01-31T23:00+00:00", assets=sun, export_price=0.2, capacity=5000.0
    )
    assert state(result, "s certificates") == pytest.approx([1.0, 1.0])
    assert result.cost == pytest.approx(-2300 * 0.2 - 10)


def test_a_battery_makes_no_certificates():
    """It exports 1,200 kWh that it bought: no renewable source feeds at that step, and nothing can be certified."""
    battery = Battery(energy=2000.0, power=1200.0, initial_charge=0.0, charge_efficiency=1.0, discharge_efficiency=1.0)
    result = planned(
        selling(), 0.0, [1.0, 1.0], price=[0.1, 2.0], export_price=[0.05, 0.9], capacity=1200.0, assets={"b": battery}
    )
    assert result.cost == pytest.approx(1200 * (0.1 - 0.9))
    assert sum(state(result, "s certificates")) == pytest.approx(0.0)


# --- on-site agreements


@pytest.mark.parametrize(("pays_for", "cost"), [("taken", 60 * 0.25 * 2), ("available", 150 * 0.25)])
def test_a_third_party_on_the_roof_is_paid_by_what_is_taken_or_available(pays_for, cost):
    """100 kW in full sun, then in half: 60 kW are taken in one hour, 50 in the other, and 10 bought at 0.7."""
    roof = Photovoltaic(capacity=100.0, availability=[1.0, 0.5], purchase_price=0.25, purchase_of=pays_for)
    result = planned({}, 60.0, [1.0, 1.0], assets={"pv": roof})
    taken = 0.25 * 110
    assert result.cost == pytest.approx((taken if pays_for == "taken" else cost) + 10 * 0.7)


# --- the audit


def test_the_audit_finds_an_hour_that_is_matched_with_more_than_there_was():
    """The frames say that 25 kW were taken of 20."""
    result = planned({"wind": wind()}, 60.0, [1.0, 1.0])
    changed = result.states.copy()
    changed.loc[changed["state"].astype(str) == "wind taken", "value"] = [60.0, 25.0]
    found = {finding.statement for finding in audit(replace(result, states=changed)).findings}
    assert "wind matches within each hour what there is" in found


def test_the_table_tells_every_period_and_fails_the_one_that_is_broken():
    """Two hours of wind, a month of certificates: 60 of 100 and 20 of 20 kWh, then 40 of 1,000; all kept.

    With 25 kWh of wind in the second hour, that hour alone is broken.
    """
    contracts = {"wind": wind(), "c": certificates("month")}
    result = planned(contracts, 60.0, [1.0, 1.0], objective=capped(0.0))
    table = matching_table(result)
    assert table["contract"].tolist() == ["wind", "wind", "c"]
    assert table["period"].tolist() == ["2026-01-31T20+0000", "2026-01-31T21+0000", "2026-01"]
    assert table["available"].tolist() == pytest.approx([100.0, 20.0, 1000.0])
    assert table["matched"].tolist() == pytest.approx([60.0, 20.0, 40.0])
    assert table["kept"].tolist() == [True, True, True]
    assert [each["broken"] for each in result.manifest["matching"]] == [0, 0]
    changed = result.states.copy()
    changed.loc[changed["state"].astype(str) == "wind taken", "value"] = [60.0, 25.0]
    broken = matching_table(replace(result, states=changed))
    assert broken["kept"].tolist() == [True, False, False], "the month is over its import, too"


# --- what is refused


@pytest.mark.parametrize(
    ("contract", "found", "wanted"),
    [
        (certificates("year", source_of_energy="coal"), "a certificate of coal",
         "an eligible source of cn/gec: wind, solar, hydro, biomass, geothermal, ocean"),
        (certificates("year", source_of_energy="storage"), "a certificate of storage",
         "an eligible source of cn/gec: wind, solar, hydro, biomass, geothermal, ocean"),
        (certificates("hour"), "certificates matched by the hour",
         "matching by the month or the year: a certificate does not tell the hour of its energy"),
        (trade("hour"), "matching: hour without generation",
         "generation, by the hour: what the seller generates for the plant"),
        (trade("month", price=0.3), "price or replaces alone",
         "price and replaces together, or neither and a premium alone"),
        (wind(surplus_certificates="kept"), "surplus_certificates: kept with matching: hour",
         "matching by the month or the year, for within the hour a surplus has no use"),
        ({"kind": "certificate_sale", "price": 5.0, "of": "self_used"}, "certificates of self-used power for sale",
         "of: exported, for certificates of self-used power are not tradable under cn/gec"),
        ({"kind": "certificate", "price": 5.0}, "certificate",
         "one of pay_as_produced, baseload, green_trade, certificates, certificate_sale"),
    ],
)  # fmt: skip
def test_contracts_that_no_account_could_take_are_refused(contract, found, wanted):
    with pytest.raises(ValidationError) as caught:
        connection({"c": contract})
    assert refusal(caught.value) == (found, wanted)


def test_contracts_need_a_residual_factor():
    with pytest.raises(ValidationError) as caught:
        GridConnection(capacity=1.0, import_price=1.0, location_factor=0.5, contracts={"c": certificates("year")})
    assert refusal(caught.value)[0] == "contracts without market_factor"


@pytest.mark.parametrize(
    ("contract", "hours", "more", "where"),
    [
        (certificates("year", vintage=2023), [1.0, 1.0], {}, "contracts.c.vintage"),
        (certificates("year", vintage=2027), [1.0, 1.0], {}, "contracts.c.vintage"),
        (trade("hour", generation=5.0), [2.0, 1.0], {}, "contracts.c.matching"),
        (wind(), [2.0, 1.0], {}, "contracts.c.matching"),
        (certificates("month"), [1.0, 1.0], {"market_factor": [0.6, 0.5]}, "market_factor"),
        (trade("month", price=0.3, replaces=[0.4, 0.5]), [1.0, 1.0], {}, "contracts.c.replaces"),
    ],
)
def test_contracts_that_do_not_fit_the_horizon_are_told(contract, hours, more, where):
    with pytest.raises(InputError) as caught:
        planned({"c": contract}, 1.0, hours, "2026-06-01T00:00+00:00", **more)
    assert [problem.where for problem in caught.value.problems] == [f"assets.g.{where}"]


def test_the_account_tells_what_each_contract_matched_and_cost():
    """80 of 130 kWh by trade at 0.05: 4, in table and sheet; the rest of the import keeps the residual factor."""
    result = planned({"t": trade("month")}, [30.0, 100.0], [1.0, 1.0], objective=capped(30.0))
    told = account(result)
    (contract,) = told.contracted
    assert (contract.asset, contract.contract, contract.rule, contract.broken) == ("g", "t", "by the month", 0)
    assert (contract.matched, contract.imported, contract.cost) == pytest.approx((80.0, 130.0, 4.0))
    assert contract.share == pytest.approx(80 / 130)
    (row,) = account_table(told).query("section == 'contract'").to_dict("records")
    assert row["activity"] == pytest.approx(80.0)
    assert "61.5% of the import; kept; cost 4.00" in row["text"]
    assert "g: t" in sheet(told)
