"""Rules on hydrogen: what electricity that is not green emits, by where it comes from, checked and enforced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid.audit import audit
from microgrid.capacity import Fixed
from microgrid.carriers import CARRIERS
from microgrid.errors import InputError
from microgrid.plant import Plant, PlantBus
from microgrid.policies.adopted import Policy
from microgrid.policies.packs import packs
from microgrid.running import NoPlanError, solve_plant
from microgrid.technologies.battery import Battery
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.fuel_cell import FuelCell
from microgrid.technologies.fuel_generator import FuelGenerator, LoadPoint
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from solvers import Settings

CLEAN, LOW = "cn/clean_hydrogen", "cn/low_carbon_hydrogen"


def policy(name=CLEAN, mode="check", **answers):
    return Policy(name, packs()[name], mode, answers)


def planned(assets, hours, *policies, buses=None):
    timeline = Timeline.of_hours(np.asarray(hours), start="2026-01-05T00:00+00:00")
    result = solve_plant(Plant(timeline, assets, buses or {}, currency="CNY", policies=policies), Settings(gap=0.0))
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    return result


def reached(result, rule="intensity"):
    (found,) = [each for each in result.manifest["verdicts"] if each["rule"] == rule]
    return found["value"], found["met"]


def hydrogen(demand=1.0, **others):
    """1 kg/h takes 50 kW."""
    electrolyser = Electrolyser(capacity=200.0, consumption=50.0)
    return {"e": electrolyser, "h": ProductionLoad(bus="hydrogen", demand=demand), **others}


def grid(price=0.1, **more):
    return GridConnection(**({"capacity": 1000.0, "import_price": price, "location_factor": 0.5} | more))


def engine(factor=0.2, **more):
    """Return a gas engine of 40 % and its gas, 0.2 kg per kWh of fuel: 0.5 kg per kWh of electricity."""
    given = {"capacity": 500.0, "electric_efficiency": 0.4, "fuel_bus": "natural_gas"}
    gas = Supply(bus="natural_gas", price=0.01, scope_1_factor=factor)
    return {"engine": FuelGenerator(**(given | more)), "gas": gas}


def test_a_generator_counts_its_fuel_by_its_efficiency():
    """50 kWh/kg of 0.2 / 0.4 kg are 25 kg/kg; at the factor of the idle grid, 0.05, they would be 2.5 and clean."""
    value, met = reached(planned(hydrogen(g=grid(1.0, location_factor=0.05), **engine()), [1.0, 0.5], policy()))
    assert (value, met) == (pytest.approx(25.0), False)


def test_without_a_grid_a_generator_is_judged_too():
    value, met = reached(planned(hydrogen(**engine()), [1.0], policy(LOW)))
    assert (value, met) == (pytest.approx(25.0), False)


def test_the_heat_of_a_generator_takes_its_part_by_energy():
    """0.4 of electricity and 0.4 of heat share the fuel's 0.2 kg: 0.25 kg per kWh, 12.5 kg/kg."""
    cogeneration = engine(heat_bus="heat", heat_efficiency=0.4)
    assets = hydrogen(**cogeneration, warm=ProductionLoad(bus="heat", demand=50.0))
    assert reached(planned(assets, [1.0], policy()))[0] == pytest.approx(12.5)


def test_upstream_emissions_of_a_fuel_count():
    """0.2 burnt and 0.04 before: 0.24 / 0.4 * 50 = 30."""
    gas = Supply(bus="natural_gas", price=0.01, scope_1_factor=0.2, scope_3_factor=0.04)
    assets = hydrogen(**(engine() | {"gas": gas}))
    assert reached(planned(assets, [1.0], policy()))[0] == pytest.approx(30.0)


def test_a_supplier_s_power_counts_with_its_factor():
    """0.9 kg: 45 kg/kg, at the factor of the idle grid 2.5."""
    coal = Supply(bus="electricity", price=0.05, scope_2_factor=0.9)
    found = planned(hydrogen(g=grid(0.5, location_factor=0.05), coal=coal), [1.0], policy())
    assert reached(found) == (pytest.approx(45.0), False)


def test_what_is_not_green_mixes_by_the_hour():
    """The engine runs full for half of what is drawn, the grid gives the rest: (0.5 + 0.1) / 2 * 50 = 15 kg/kg.

    Sun for 10 of the 50 kW that hydrogen takes is its own, whoever else draws: 15 * 40 / 50 = 12.
    """
    assets = hydrogen(
        g=grid(1.0, location_factor=0.1), l=ProductionLoad(demand=30.0), **engine(capacity=Fixed(amount=40.0))
    )
    assert reached(planned(assets, [1.0], policy()))[0] == pytest.approx(15.0)
    sunny = assets | {"pv": Photovoltaic(capacity=10.0, availability=1.0), "l": ProductionLoad(demand=40.0)}
    assert reached(planned(sunny, [1.0], policy()))[0] == pytest.approx(12.0)


def test_a_battery_gives_out_what_it_was_charged_with():
    """Charged from a grid of 0.2 kg in the first hour, used in the second, when the grid would emit 0.8: 10 kg/kg."""
    battery = Battery(energy=200.0, power=100.0, charge_efficiency=0.9, discharge_efficiency=0.9, initial_charge=0.0)
    assets = hydrogen([0.0, 1.0], g=grid([0.1, 1.0], location_factor=[0.2, 0.8]), b=battery)
    assert reached(planned(assets, [1.0, 1.0], policy()))[0] == pytest.approx(10.0)


def test_what_a_battery_held_before_is_as_dirty_as_the_dirtiest_import():
    battery = Battery(energy=100.0, power=100.0, initial_charge=1.0, charge_efficiency=1.0, discharge_efficiency=1.0)
    assets = hydrogen(g=grid(1.0, location_factor=[0.2, 0.8]), b=battery)
    assert reached(planned(assets, [1.0, 1.0], policy()))[0] == pytest.approx(40.0)


def test_a_fuel_cell_counts_what_its_hydrogen_carries():
    """Bought hydrogen of 8 kg/kg makes 20 kWh: 0.4 kg each, so 20 kg for a kilogram of hydrogen made of it.

    At the factor of the grid beside it, 0.1, it would be 5. A rule could not be enforced: what a fuel cell's hydrogen
    carries is known by the plan alone.
    """
    assets = hydrogen(
        g=grid(1.0, location_factor=0.1),
        trailer=Supply(bus="bought", price=0.01, scope_3_factor=8.0),
        cell=FuelCell(capacity=50.0, electricity_per_kg=20.0, hydrogen_bus="bought"),
    )
    buses = {"bought": PlantBus(CARRIERS["hydrogen"])}
    assert reached(planned(assets, [1.0], policy(), buses=buses))[0] == pytest.approx(20.0)
    with pytest.raises(InputError, match="electricity of cell"):
        planned(assets, [1.0], policy(mode="enforce"), buses=buses)


def test_fuel_of_which_nobody_says_what_it_emits_is_not_judged_and_not_enforced():
    bare = engine() | {"gas": Supply(bus="natural_gas", price=0.01)}
    assert reached(planned(hydrogen(g=grid(1.0), **bare), [1.0], policy())) == (None, None)
    with pytest.raises(InputError) as caught:
        planned(hydrogen(g=grid(1.0), **bare), [1.0], policy(mode="enforce"))
    assert str(caught.value) == (
        "assets.gas: no factor\n   wanted what each kWh of the fuel emits, for the rule enforced by "
        "policies.cn/clean_hydrogen; write a factor of a scope, be it 0, or check"
    )


def test_unknown_power_that_is_not_drawn_leaves_the_verdict_alone():
    """The supplier is dearer than the grid, and idle: 25 kg/kg of the grid's 0.5."""
    idle = Supply(bus="electricity", price=5.0)
    assert reached(planned(hydrogen(g=grid(), coal=idle), [1.0], policy()))[0] == pytest.approx(25.0)


# --- enforced


def test_an_enforced_rule_counts_the_dirtiest_source():
    """Sun at 1, the engine's 0.5 kg at 0.025: of 50 kWh/kg 4.9 / 0.5 = 9.8 may be grey, 40.2 must be the sun's."""
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=1.0)
    result = planned(hydrogen(pv=sun, **engine()), [0.5, 1.0], policy(mode="enforce"))
    assert result.cost == pytest.approx(1.5 * (40.2 * 1.0 + 9.8 * 0.025))
    assert reached(result) == (pytest.approx(4.9), True)


def test_an_enforced_rule_takes_the_worst_of_a_part_load_curve():
    """At its least load, half, the engine has 25 %: 0.2 / 0.25 = 0.8 kg, whatever it runs at: 4.9 / 0.8 = 6.125 grey.

    The rest, 43.875, is the sun's. At full load it has 40 % and emits 0.5, so the hydrogen is cleaner than enforced:
    no more than 6.125 * 0.8.
    """
    curve = (LoadPoint(load=0.5, efficiency=0.25), LoadPoint(load=1.0, efficiency=0.4))
    unit = engine(electric_efficiency=None, part_load=curve, commitment=Commitment(minimum_load=0.5))
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=1.0)
    assets = hydrogen(pv=sun, l=ProductionLoad(demand=500 - 6.125), **unit)
    result = planned(assets, [1.0], policy(mode="enforce"))
    assert result.cost == pytest.approx(43.875 * 1.0 + 500 / 0.4 * 0.01)
    assert reached(result)[0] == pytest.approx(6.125 * 0.5)


def test_an_enforced_rule_that_generators_break_has_no_plan():
    with pytest.raises(NoPlanError):
        planned(hydrogen(**engine()), [1.0], policy(mode="enforce"))


def test_a_supplier_s_power_is_enforced_with_its_factor():
    """At 0.9 kg: 4.9 / 0.9 kWh of a kilogram may be coal's, the sun's cost 1."""
    coal = Supply(bus="electricity", price=0.05, scope_2_factor=0.9)
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=1.0)
    result = planned(hydrogen(pv=sun, coal=coal), [1.0], policy(mode="enforce"))
    grey = 4.9 / 0.9
    assert result.cost == pytest.approx(50 - grey + grey * 0.05)
    assert reached(result)[0] == pytest.approx(4.9)


def test_where_a_battery_may_have_been_charged_at_any_hour_the_dirtiest_hour_counts():
    """Factors of 0.2 and 0.8, all electricity in the first hour: with a battery in the plant, 4.9 / 0.8 may be grey."""
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=1.0)
    clean = grid([0.1, 5.0], location_factor=[0.2, 0.8])
    alone = planned(hydrogen([1.0, 0.0], g=clean, pv=sun), [1.0, 1.0], policy(mode="enforce"))
    assert alone.cost == pytest.approx(4.9 / 0.2 * 0.1 + (50 - 4.9 / 0.2))
    idle = Battery(energy=1.0, power=1.0, initial_charge=0.0, final_charge=0.0)
    result = planned(hydrogen([1.0, 0.0], g=clean, pv=sun, b=idle), [1.0, 1.0], policy(mode="enforce"))
    assert result.cost == pytest.approx(4.9 / 0.8 * 0.1 + (50 - 4.9 / 0.8))
    assert reached(result)[0] == pytest.approx(4.9 / 0.8 * 0.2)


# --- contracts with a factor of their own


def contracted(*contracts, **more):
    named = {
        f"c{at}": {"kind": "baseload", "capacity": power, "price": 0.3, "replaces": 0.4, "factor": factor}
        for at, (power, factor) in enumerate(contracts)
    }
    return grid(1.0, market_factor=0.6, contracts=named, **more)


def test_a_contract_s_own_factor_counts():
    """50 kWh at 0.3 kg are 15 kg/kg; green energy that emits nothing would be 0."""
    assert reached(planned(hydrogen(g=contracted((100.0, 0.3))), [1.0, 0.5], policy()))[0] == pytest.approx(15.0)


def test_the_cleanest_contract_is_hydrogen_s_and_one_dirtier_than_the_grid_is_not():
    """20 kW that emit nothing, 10 at 0.1, then the grid's 0.5 rather than 0.6: 10 * 0.1 + 20 * 0.5 = 11 kg/kg."""
    connection = contracted((20.0, 0.0), (10.0, 0.1), (20.0, 0.6))
    assert reached(planned(hydrogen(g=connection), [1.0], policy()))[0] == pytest.approx(11.0)


@pytest.mark.parametrize("matching", ["hour", "month"])
def test_an_enforced_rule_states_a_contract_s_own_factor(matching):
    """4.9 of c contract at 0.05, 0.5 of the grid, 1.0 the sun: 50 = sun + contract + grey, by the cheapest.

    Contracted 30 kW at 0.05 are 1.5 kg, 3.4 kg remain for 6.8 kWh of the grid; the sun makes 13.2. The contract is paid
    in any case: its kWh cost 1 - 0.4 as they are taken, the grid's 1, the sun's 2. Without the contract's 1.5 kg, 9.8
    kWh would be grey; counted as grey, the contract would leave 4.9 / 0.5 = 9.8 for both together.
    """
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=2.0)
    result = planned(hydrogen(g=contracted((30.0, 0.05)), pv=sun), [1.0], policy(mode="enforce", matching=matching))
    assert result.cost == pytest.approx(30 * 0.3 + 30 * 0.6 + 6.8 * 1.0 + 13.2 * 2.0)
    assert reached(result)[0] == pytest.approx(4.9)
    free = planned(hydrogen(g=contracted((30.0, 0.05)), pv=sun), [1.0], policy(matching=matching))
    assert reached(free)[0] == pytest.approx(30 * 0.05 + 20 * 0.5)


def test_the_audit_finds_more_of_a_contract_than_it_delivers():
    sun = Photovoltaic(capacity=100.0, availability=1.0, variable_cost=2.0)
    result = planned(hydrogen(g=contracted((30.0, 0.05)), pv=sun), [1.0], policy(mode="enforce"))
    states = result.states.copy()
    assigned = states["state"].astype(str) == "g c0 taken into hydrogen"
    assert states.loc[assigned, "value"].tolist() == pytest.approx([30.0])
    states.loc[assigned, "value"] += 1.0
    told = [finding.statement for finding in audit(replace(result, states=states)).findings]
    assert "g c0 taken delivers what is assigned of it" in told
