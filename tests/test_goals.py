"""Goals: cost, carbon price, emissions, one after the other, caps; and the ledgers that they are made of."""

from __future__ import annotations

import pytest

from microgrid.errors import InputError
from microgrid.plant import Objective, Plant, PlantBus
from microgrid.running import NoPlanError, solve_plant
from microgrid.technologies.fuel_generator import FuelGenerator
from microgrid.technologies.grid_connection import DemandCharge, GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from solvers import Ended, Settings
from tests.plants import plant

EXACT = Settings(gap=0.0)


def assets(**load):
    """Return 10 kW over 1 h and then 3 h, from a grid of 1 at 0.5 kg, or from gas of 2 at 0.1 kg in all.

    Gas costs 1 per kWh of fuel and 0.05 kg: 2 and 0.1 kg for each kWh of electricity. 40 kWh in all.
    """
    return {
        "grid": GridConnection(capacity=100.0, import_price=1.0, location_factor=0.5, market_factor=0.3),
        "gas": Supply(bus="natural_gas", price=1.0, scope_1_factor=0.05, scope_3_factor=0.01),
        "engine": FuelGenerator(capacity=100.0, electric_efficiency=0.5),
        "load": ProductionLoad(demand=10.0, **load),
    }


def result(objective=None, **load):
    return solve_plant(plant(assets(**load), [1.0, 3.0], objective), EXACT)


def test_cheapest_takes_the_grid():
    found = result()
    assert found.manifest["outcome"]["objective"] == pytest.approx(40.0)
    assert found.manifest["emissions"]["scope_2_location"] == pytest.approx(20.0)
    assert found.manifest["emissions"]["scope_2_market"] == pytest.approx(12.0)
    assert found.manifest["emissions"]["emissions"] == pytest.approx(20.0)


def test_cleanest_takes_the_gas():
    found = result(Objective(("emissions",)))
    assert found.manifest["outcome"]["objective"] == pytest.approx(4.0, rel=1e-5)
    assert found.manifest["emissions"]["scope_1"] == pytest.approx(4.0, rel=1e-5)
    assert found.manifest["emissions"]["scope_3"] == pytest.approx(0.8, rel=1e-5)
    assert found.cost == pytest.approx(80.0, rel=1e-5)


@pytest.mark.parametrize(("price", "cost"), [(2.4, 40 + 20 * 2.4), (2.6, 80 + 4 * 2.6)])
def test_a_carbon_price_switches_where_it_pays(price, cost):
    """One kWh of gas saves 0.4 kg and costs 1 more: the switch is at 2.5. The price is a line of the money ledger."""
    found = result(Objective(carbon_price=price))
    assert found.manifest["outcome"]["objective"] == pytest.approx(cost)
    assert found.cost == pytest.approx(cost)
    assert found.manifest["costs"]["carbon"] == pytest.approx(price * found.manifest["emissions"]["emissions"])


def test_the_basis_and_the_scopes_decide_what_is_priced():
    """By market the grid has 0.3 kg: saving 0.2 kg for 1, the switch is at 5. With scope 1 alone gas never pays."""
    assert result(Objective(carbon_price=4.9, basis="market")).manifest["emissions"]["scope_1"] == pytest.approx(0)
    assert result(Objective(carbon_price=5.1, basis="market")).manifest["emissions"]["scope_1"] == pytest.approx(4)
    only_direct = result(Objective(carbon_price=99.0, scopes=(1,)))
    assert only_direct.cost == pytest.approx(40.0)
    assert only_direct.manifest["emissions"]["emissions"] == pytest.approx(0.0)


def test_a_cap_on_a_carbon_column_is_met_at_least_cost():
    """12 kg by location: 20 kWh each, 20 * 0.5 + 20 * 0.1. Cost 20 + 40."""
    found = result(Objective(caps={"emissions_location": 12.0}))
    assert found.cost == pytest.approx(60.0)
    assert found.manifest["emissions"]["emissions_location"] == pytest.approx(12.0)


def test_a_cap_on_a_money_column_limits_the_cleanest():
    """60 in all buys 20 kWh of gas and 20 of the grid: 12 kg."""
    found = result(Objective(("emissions",), caps={"cost": 60.0}))
    assert found.manifest["outcome"]["objective"] == pytest.approx(12.0, rel=1e-5)


def test_an_impossible_cap_is_infeasible_and_returns_no_numbers():
    with pytest.raises(NoPlanError) as raised:
        result(Objective(caps={"emissions": 3.9}))
    assert raised.value.outcome.ended is Ended.INFEASIBLE


def test_a_cap_on_a_column_that_nothing_fills_holds_or_does_not():
    bare = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=1.0)}
    assert solve_plant(plant(bare, objective=Objective(caps={"emissions": 1.0}))).cost == pytest.approx(1.0)
    with pytest.raises(NoPlanError):
        solve_plant(plant(bare, objective=Objective(caps={"scope_1": -1.0})))
    clean = solve_plant(plant(bare, objective=Objective(("emissions", "cost"))))
    assert clean.cost == pytest.approx(1.0)


def test_cheapest_among_the_cleanest_and_the_other_way_round():
    """Two grids of equal emissions and different price: the first goal leaves the choice to the second."""
    twins = {
        "dear": GridConnection(capacity=100.0, import_price=3.0, location_factor=0.2),
        "cheap": GridConnection(capacity=5.0, import_price=1.0, location_factor=0.2),
        "dirty": GridConnection(capacity=100.0, import_price=1.0, location_factor=0.9),
        "load": ProductionLoad(demand=10.0),
    }
    cleanest = solve_plant(plant(twins, [1.0], Objective(("emissions", "cost"))), EXACT)
    assert cleanest.manifest["emissions"]["emissions"] == pytest.approx(2.0, rel=1e-5)
    assert cleanest.cost == pytest.approx(5 * 3 + 5 * 1, rel=1e-5)
    cheapest = solve_plant(plant(twins, [1.0], Objective(("cost", "emissions"))), EXACT)
    assert cheapest.cost == pytest.approx(10.0, rel=1e-5)
    assert cheapest.manifest["emissions"]["emissions"] == pytest.approx(5 * 0.2 + 5 * 0.9, rel=1e-4)
    assert [goal["column"] for goal in cheapest.manifest["outcome"]["goals"]] == ["cost", "emissions", "cost"]


def with_peak(price):
    charge = DemandCharge(price=price)
    return assets() | {
        "grid": GridConnection(capacity=100.0, import_price=1.0, location_factor=0.5, demand_charge=charge)
    }


@pytest.mark.parametrize(
    ("price", "slack", "cost", "emitted"), [(1e-4, 0.6, 64.0, 10.4), (1e-4, 2.0, 80.0, 4.0), (10.0, 0.05, 80.0, 4.0)]
)
def test_what_a_later_goal_may_spend_is_spent_on_nothing_else(price, slack, cost, emitted):
    """Cost 40 from the grid; 60 % more, 64 in all, buys 24 kWh of gas at 1 more each: 16 * 0.5 + 24 * 0.1 = 10.4 kg.

    At a slack of 200 % all 40 kWh are gas: 80, and 4 kg; the 40 left over buy nothing. With 10 a kW of peak gas is the
    cheapest as well, at 80: a plan that ended with the emissions told 84, for a peak that no meter saw.
    """
    found = solve_plant(plant(with_peak(price), [1.0, 3.0], Objective(("cost", "emissions"), slack=slack)), EXACT)
    assert found.manifest["audit"]["passed"], found.manifest["audit"]["findings"]
    assert found.manifest["emissions"]["emissions"] == pytest.approx(emitted, rel=1e-3)
    assert found.manifest["outcome"]["objective"] == pytest.approx(emitted, rel=1e-3)
    assert found.cost == pytest.approx(cost, rel=1e-3)


def test_the_lowest_peak_is_not_that_of_a_plant_that_stands_still():
    """10 kW must be served: the peak of 10 kW stays, and costs 80. Unserved at 5, the peak would be 0 and cost 200."""
    standing = {
        "grid": GridConnection(capacity=100.0, import_price=1.0, demand_charge=DemandCharge(price=8.0)),
        "load": ProductionLoad(demand=10.0, unserved_price=5.0),
    }
    found = solve_plant(plant(standing, [1.0, 3.0], Objective(("demand",))), EXACT)
    assert found.manifest["costs"]["unserved"] == pytest.approx(0.0, abs=1e-6)
    assert found.cost == pytest.approx(80.0 + 40.0)


def test_unserved_demand_may_be_a_goal_of_its_own():
    """Asked for after the emissions, it comes before them all the same, and once."""
    found = result(Objective(("emissions", "unserved")), unserved_price=5.0)
    assert [goal["column"] for goal in found.manifest["outcome"]["goals"]] == ["unserved", "emissions", "cost"]
    assert found.manifest["emissions"]["emissions"] == pytest.approx(4.0, rel=1e-5)


def test_no_plan_gets_clean_by_not_serving():
    """Unserved demand emits nothing; it is minimised before emissions, so 40 kWh are served by gas."""
    found = result(Objective(("emissions",)), unserved_price=5.0)
    assert found.manifest["outcome"]["goals"][0]["column"] == "unserved"
    assert found.manifest["costs"]["unserved"] == pytest.approx(0.0, abs=1e-6)
    assert found.manifest["emissions"]["emissions"] == pytest.approx(4.0, rel=1e-5)


def test_weights_count_in_both_ledgers():
    """The same plan counted 7 and 2 times: 10 kWh * 7 + 30 kWh * 2 = 130."""
    from microgrid.timeline import Timeline

    weighted = Timeline.of_hours([1.0, 3.0], weights=[7.0, 2.0])
    found = solve_plant(plant(assets(), weighted), EXACT)
    assert found.cost == pytest.approx(130.0)
    assert found.manifest["emissions"]["scope_2_location"] == pytest.approx(65.0)
    assert found.manifest["audit"]["passed"]


@pytest.mark.parametrize(
    "objective",
    [
        Objective(carbon_price=1.7),
        Objective(("emissions",)),
        Objective(("emissions", "cost")),
        Objective(("cost", "emissions"), carbon_price=0.3, basis="market", scopes=(1, 2, 3)),
        Objective(("scope_3",)),
    ],
)
def test_breakdown_and_account_sum_to_the_objective(objective):
    found = result(objective, sheddable=0.1, shed_price=1.5, unserved_price=9.0)
    goal = objective.goals[-1]
    sums = found.manifest["costs"] | found.manifest["emissions"]
    assert sums.get(goal, 0.0) == pytest.approx(found.manifest["outcome"]["objective"], rel=1e-6, abs=1e-6)
    assert found.manifest["audit"] == {"passed": True, "checked": found.manifest["audit"]["checked"], "findings": []}


def test_a_bus_with_surplus_lets_go_what_nobody_takes():
    """A back-pressure CHP of 10 kW electricity makes 10 kW heat; 4 kW are wanted, 6 leave."""
    chp = {
        "gas": Supply(bus="natural_gas", price=1.0),
        "chp": FuelGenerator(capacity=10.0, electric_efficiency=0.4, heat_bus="heat", heat_efficiency=0.4),
        "power": ProductionLoad(demand=10.0),
        "warmth": ProductionLoad(bus="heat", demand=4.0),
    }
    from microgrid.carriers import CARRIERS

    with pytest.raises(NoPlanError):
        solve_plant(plant(chp))
    found = solve_plant(plant(chp, buses={"heat": PlantBus(CARRIERS["heat"], surplus=True)}), EXACT)
    assert found.cost == pytest.approx(25.0)
    surplus = found.flows[found.flows["port"] == "surplus"]
    assert surplus["rate"].tolist() == pytest.approx([-6.0])
    assert found.manifest["audit"]["passed"]


def test_an_unknown_column_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r'emision(.|\n)*did you mean "emissions"'):
        Plant(plant(assets()).timeline, assets(), objective=Objective(("emision",)))
