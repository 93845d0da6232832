"""Policy packs: each rule met, just met, broken and enforced, on plants small enough to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid.audit import audit
from microgrid.capacity import Fixed, Sized
from microgrid.claims import Means
from microgrid.model import assemble
from microgrid.plant import Objective, Plant
from microgrid.policies.adopted import Policy, moved_day
from microgrid.policies.measures import Measures
from microgrid.policies.packs import QUANTITIES, packs
from microgrid.policies.quantities import Quantities
from microgrid.results import collect
from microgrid.running import NoPlanError, optimise, run, solve_plant, told
from microgrid.technologies import technologies
from microgrid.technologies.battery import Battery
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.fuel_generator import FuelGenerator
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from solvers import Settings, templating

GUIDE, DIRECT, NEARBY = "cn/industrial_microgrid_guide", "cn/direct_connection_650", "cn/nearby_consumption_1192"


def policy(name, mode="enforce", **answers):
    return Policy(name, packs()[name], mode, answers)


def plant(assets, hours, *policies, start="2026-01-05T00:00+00:00", **more):
    timeline = Timeline.of_hours(np.asarray(hours, dtype=float), start=start, **more)
    return Plant(timeline, assets, {}, Objective(), currency="EUR", policies=tuple(policies))


def planned(*args, **more):
    """Solve to a gap of zero; a plan must be there and pass its audit."""
    result = solve_plant(plant(*args, **more), Settings(gap=0.0))
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    return result


def verdict(result, rule):
    (found,) = [each for each in result.manifest["verdicts"] if each["rule"] == rule]
    return found


def sun(capacity, availability, **more):
    return Photovoltaic(capacity=capacity, availability=availability, **more)


def grid(price=0.5, **more):
    return GridConnection(capacity=1000.0, import_price=price, **more)


def load(demand):
    return ProductionLoad(demand=demand)


# --- shares of available generation


def growing(capacity, high=200.0):
    """60 kW of load; sun in full, then at 0.3: to serve the second hour takes 200 kW, most of which is idle before."""
    size = Sized(high=high) if capacity is None else Fixed(amount=capacity)
    return {"pv": sun(size, [1.0, 0.3]), "g": grid(1.0), "l": load(60.0)}


def test_self_use_counts_what_is_curtailed_in_its_denominator():
    """60 % of available: 60 + 0.3 s >= 0.6 * 1.3 s: s <= 125; without the rule 200 kW are built, 120 of 260 kWh used.

    The second hour buys 60 - 37.5 = 22.5 kWh at 1. With generation as denominator all 200 kW could be built.
    """
    free = planned(growing(None), [1.0, 1.0], policy(GUIDE, "check"))
    found = verdict(free, "self_use")
    assert found["met"] is False
    assert (found["numerator"], found["denominator"]) == (pytest.approx(120.0), pytest.approx(260.0))
    assert found["lacking"] == pytest.approx(0.6 * 260 - 120)
    held = planned(growing(None), [1.0, 1.0], policy(GUIDE))
    assert held.sizes["pv"]["capacity"] == pytest.approx(125.0)
    assert held.cost == pytest.approx(22.5)
    assert verdict(held, "self_use")["met"] is True


def test_self_use_that_is_just_met_is_met_and_a_kilowatt_more_breaks_it():
    """125 kW are exactly 60 %: 97.5 of 162.5 kWh. With 126 kW 97.8 of 163.8 are 0.48 kWh short, curtailed or not."""
    assert verdict(planned(growing(125.0), [1.0, 1.0], policy(GUIDE)), "self_use")["met"] is True
    found = verdict(planned(growing(126.0), [1.0, 1.0], policy(GUIDE, "check")), "self_use")
    assert found["met"] is False
    assert found["lacking"] == pytest.approx(0.48)
    with pytest.raises(NoPlanError):
        planned(growing(126.0), [1.0, 1.0], policy(GUIDE))


def exporting():
    """100 kW in sun for 2.5 h, 70 kW of load: 75 of 250 kWh could be sold at 0.3."""
    return {"pv": sun(100.0, 1.0), "g": grid(0.5, export_price=0.3), "l": load(70.0)}


@pytest.mark.parametrize(
    ("answers", "exported"),
    [({"spot_market": "continuous"}, 50.0), ({}, 0.0), ({"spot_market": "not_continuous"}, 0.0)],
)
def test_export_is_bounded_where_the_spot_market_runs_and_forbidden_where_not(answers, exported):
    """20 % of 250 kWh available are 50, sold at 0.3; unbounded it would be 75 kWh."""
    result = planned(exporting(), [0.5, 2.0], policy(GUIDE, **answers))
    assert result.cost == pytest.approx(-0.3 * exported)
    rule = "export" if answers.get("spot_market") == "continuous" else "no_export"
    assert verdict(result, rule)["numerator"] == pytest.approx(exported)
    assert verdict(result, rule)["met"] is True
    free = verdict(planned(exporting(), [0.5, 2.0], policy(GUIDE, "check", **answers)), rule)
    assert (free["met"], free["lacking"]) == (False, pytest.approx(75.0 - exported))


def test_a_province_may_set_a_lower_ceiling():
    """10 % of 250 kWh."""
    result = planned(
        exporting(), [0.5, 2.0], policy(DIRECT, spot_market="continuous", export_ceiling=0.1, commissioned=2026)
    )
    assert result.cost == pytest.approx(-0.3 * 25.0)


# --- shares of consumption


@pytest.mark.parametrize("name", [DIRECT, NEARBY])
@pytest.mark.parametrize(("year", "share"), [(2026, 0.30), (2029, 0.30), (2030, 0.35), (2034, 0.35)])
def test_share_of_consumption_of_old_and_new_projects(name, year, share):
    """100 kW of load for 2.5 h; the sun's power costs 0.7, the grid's 0.5: no more is built than the rule asks."""
    assets = {"pv": sun(Sized(high=100.0), 1.0, variable_cost=0.7), "g": grid(0.5), "l": load(100.0)}
    result = planned(assets, [0.5, 2.0], policy(name, commissioned=year))
    assert result.cost == pytest.approx(250 * (0.7 * share + 0.5 * (1 - share)))
    rule = "share_of_consumption" if year < 2030 else "share_of_consumption_2030"
    found = verdict(result, rule)
    assert (found["met"], found["value"]) == (True, pytest.approx(share))
    short = verdict(planned(assets, [0.5, 2.0], policy(name, "check", commissioned=year)), rule)
    assert (short["met"], short["lacking"]) == (False, pytest.approx(250 * share))


def test_by_default_a_project_is_new_in_the_year_in_which_the_horizon_begins():
    bounds = plant({"l": load(0.0)}, [1.0], policy(DIRECT), start="2031-01-05T00:00+00:00").bounds
    assert [bound.rule for bound in bounds] == ["self_use", "share_of_consumption_2030", "no_export"]


def test_consumption_counts_own_generators_and_the_losses_of_stores():
    """Generated 40 + 30, imported 50, exported nothing: 120 kWh consumed, 20 of them lost in or kept by the battery."""
    assets = {
        "pv": sun(40.0, [1.0, 0.0]),
        "chp": FuelGenerator(capacity=30.0, electric_efficiency=0.4, fuel_bus="natural_gas"),
        "gas": Supply(bus="natural_gas", price=0.01),
        "b": Battery(energy=20.0, power=20.0, initial_charge=0.0, final_charge=0.5, charge_efficiency=0.5),
        "g": grid(0.5),
        "l": load([100.0, 0.0]),
    }
    result = planned(assets, [1.0, 1.0], policy(NEARBY, "check", commissioned=2026))
    measures = Measures(result)
    total = sum(measures.amount("consumption"))
    bought, made = sum(measures.amount("import")), sum(measures.rate("generation"))
    assert total == pytest.approx(40 + made + bought)
    assert total == pytest.approx(100 + 20)
    assert verdict(result, "share_of_consumption")["denominator"] == pytest.approx(total)


# --- emissions for each unit of energy


def test_emissions_per_tce_of_energy():
    """0.20 t/tce are 0.0245676 kg/kWh: of a factor of 0.5, 4.91352 % may come from the grid; the sun costs 1 a kWh."""
    assets = {
        "pv": sun(Sized(high=100.0), 1.0, variable_cost=1.0),
        "g": grid(0.5, location_factor=0.5),
        "l": load(100.0),
    }
    share = 0.20 * 0.122838 / 0.5
    result = planned(assets, [0.5, 2.0], policy("cn/zero_carbon_park"))
    assert result.cost == pytest.approx(250 * (1 - 0.5 * share))
    found = verdict(result, "emissions_per_energy")
    assert (found["value"], found["unit"]) == (pytest.approx(0.20), "tCO2/tce")
    large = planned(assets, [0.5, 2.0], policy("cn/zero_carbon_park", energy_use="from_1_Mtce"))
    assert large.cost == pytest.approx(250 * (1 - 0.75 * share))
    free = verdict(planned(assets, [1.0], policy("cn/zero_carbon_park", "check")), "emissions_per_energy")
    assert (free["met"], free["value"]) == (False, pytest.approx(0.5 / 0.122838))
    assert (free["lacking"], free["amount_unit"]) == (pytest.approx(0.05 - 0.2 * 0.0122838), "tCO2")


# --- hydrogen


def hydrogen(**others):
    """1 kg/h takes 50 kW; a kWh of the grid emits 0.5 kg."""
    return {
        "e": Electrolyser(capacity=100.0, consumption=50.0),
        "h": ProductionLoad(bus="hydrogen", demand=others.pop("demand", 1.0)),
        **others,
    }


@pytest.mark.parametrize(("name", "limit"), [("cn/low_carbon_hydrogen", 14.51), ("cn/clean_hydrogen", 4.9)])
def test_hydrogen_is_as_green_as_its_threshold_asks(name, limit):
    """Of 50 kWh/kg, limit / 0.5 may be grey. The sun costs 1, the grid 0.1; 30 kW of other load get none of it."""
    assets = hydrogen(pv=sun(100.0, 1.0, variable_cost=1.0), g=grid(0.1, location_factor=0.5), l=load(30.0))
    result = planned(assets, [0.5, 1.0], policy(name))
    grey = limit / 0.5
    assert result.cost == pytest.approx(1.5 * ((50 - grey) * 1.0 + (grey + 30) * 0.1))
    assert verdict(result, "intensity")["value"] == pytest.approx(limit)
    free = verdict(planned(assets, [0.5, 1.0], policy(name, "check")), "intensity")
    assert (free["met"], free["value"]) == (False, pytest.approx(25.0))
    assert free["lacking"] == pytest.approx(1.5 * (25 - limit))


def test_upstream_emissions_count_too():
    """0.5 + 0.1 kg/kWh: 30 kg/kg."""
    assets = hydrogen(g=grid(0.1, location_factor=0.5, upstream_factor=0.1))
    assert verdict(planned(assets, [1.0], policy("cn/clean_hydrogen", "check")), "intensity")["value"] == pytest.approx(
        30
    )


def storing():
    """Sun and no demand for hydrogen in the first hour, the other way round in the second, a battery of 72 %."""
    return hydrogen(
        demand=[0.0, 1.0],
        pv=sun(100.0, [1.0, 0.0], variable_cost=0.3),
        g=grid([0.1, 1.0], location_factor=0.5),
        b=Battery(energy=200.0, power=100.0, charge_efficiency=0.9, discharge_efficiency=0.8, initial_charge=0.25,
                  final_charge=0.25, exclusive="never"),
    )  # fmt: skip


def test_a_battery_gives_no_green_energy_that_it_was_not_charged_with():
    """40.2 of the 50 kWh must be green, 55.8 kWh of sun at 0.3 into the battery; the rest from the grid at 0.1.

    What the battery held at the start is not green. A model that called all discharge green would charge it with
    69.4 kWh of the grid at 0.1; one without the green part of its stock would have no plan.
    """
    result = planned(storing(), [1.0, 1.0], policy("cn/clean_hydrogen"))
    assert result.cost == pytest.approx(40.2 / 0.72 * 0.3 + 9.8 / 0.72 * 0.1)
    assert verdict(result, "intensity")["value"] == pytest.approx(4.9)
    free = planned(storing(), [1.0, 1.0], policy("cn/clean_hydrogen", "check"))
    assert free.cost == pytest.approx(50 / 0.72 * 0.1)
    assert verdict(free, "intensity")["value"] == pytest.approx(25.0)


def test_what_is_checked_follows_the_battery_too():
    """Forced to take the sun alone, all of it is green: the check counts zero, with no assignment in the plan."""
    assets = storing() | {"g": grid([9.0, 9.0], location_factor=0.5)}
    found = verdict(planned(assets, [1.0, 1.0], policy("cn/clean_hydrogen", "check")), "intensity")
    assert (found["met"], found["value"]) == (True, pytest.approx(0.0, abs=1e-6))


def test_the_audit_finds_green_energy_out_of_nothing():
    """The frames say that the battery gave 5 kWh more of green energy than it did."""
    result = planned(storing(), [1.0, 1.0], policy("cn/clean_hydrogen"))
    changed = result.states.copy()
    row = changed["state"].astype(str) == "b discharged green"
    changed.loc[row, "value"] = changed.loc[row, "value"] + [0.0, 5.0]
    found = {finding.statement for finding in audit(replace(result, states=changed)).findings}
    assert "b gives no green energy that it was not charged with" in found


def of_two_hours(mode, start, late):
    """60 kW of load and sun in the first hour, hydrogen and `late` sun in the second, whose power costs 0.3."""
    assets = hydrogen(
        demand=[0.0, 1.0],
        pv=sun(100.0, [1.0, late], variable_cost=0.3),
        g=grid(0.1, location_factor=0.5),
        l=load([60.0, 0.0]),
    )
    return planned(assets, [1.0, 1.0], policy("eu/rfnbo", mode), start=start)


def test_renewable_hydrogen_is_matched_by_the_month_until_2029_and_by_the_hour_from_2030():
    """3.38 kg/kg leave 6.76 of 50 kWh grey; 43.24 kWh of sun at 0.3 in the month, whenever; from 2030 in the hour."""
    early = of_two_hours("enforce", "2029-12-31T20:00+00:00", late=0.0)
    assert early.cost == pytest.approx(43.24 * 0.3 + (110 - 43.24) * 0.1)
    assert verdict(early, "intensity_by_month")["value"] == pytest.approx(3.38)
    with pytest.raises(NoPlanError):
        of_two_hours("enforce", "2030-01-01T00:00+00:00", late=0.0)
    late = of_two_hours("enforce", "2030-01-01T00:00+00:00", late=1.0)
    assert late.cost == pytest.approx(early.cost)
    (output,) = [
        part["rate"].tolist() for _, part in late.flows[late.flows["port"] == "output"].groupby("asset", observed=True)
    ]
    assert output == pytest.approx([0.0, 43.24])


def test_a_horizon_over_the_change_has_a_rule_for_each_part():
    """An hour of 2029 and one of 2030, each with hydrogen at 0.5: both rules tell 25 kg/kg of their own hour."""
    assets = hydrogen(g=grid(0.1, location_factor=0.5))
    result = planned(assets, [1.0, 1.0], policy("eu/rfnbo", "check"), start="2029-12-31T23:00+00:00")
    found = [(each["rule"], each["period"], each["denominator"]) for each in result.manifest["verdicts"]]
    assert found == [
        ("intensity_by_month", "2029-12", pytest.approx(1.0)),
        ("intensity_by_hour", "2030-01", pytest.approx(1.0)),
    ]


def test_quarter_hours_are_matched_within_their_hour():
    """Sun in the first quarter, hydrogen in the second: matched by the hour, all green but what the rule leaves."""
    assets = hydrogen(
        demand=[0.0, 1.0],
        pv=sun(100.0, [1.0, 0.0], variable_cost=0.3),
        g=grid(0.1, location_factor=0.5),
        l=load([100.0, 0.0]),
    )
    enforced = planned(assets, [0.25, 0.25], policy("cn/clean_hydrogen"))
    assert enforced.cost == pytest.approx(0.25 * (40.2 * 0.3 + 109.8 * 0.1))
    with pytest.raises(NoPlanError):
        planned(assets, [0.25, 0.25], policy("cn/clean_hydrogen"), start="2026-01-05T00:45+00:00")


# --- the model's quantities are those of the frames


def test_frames_and_model_mean_the_same_by_every_quantity():
    """A plant with all roles, on unequal steps that count several times: each quantity from both sides."""
    assets = hydrogen(
        pv=sun(100.0, [1.0, 0.4, 0.0], variable_cost=0.01),
        g=grid([0.5, 0.2, 0.9], export_price=0.1, location_factor=[0.5, 0.6, 0.4], upstream_factor=0.05),
        b=Battery(energy=40.0, power=20.0, initial_charge=0.5),
        gas=Supply(bus="natural_gas", price=0.1, scope_1_factor=0.2),
        chp=FuelGenerator(capacity=20.0, electric_efficiency=0.4, fuel_bus="natural_gas"),
        trailer=Supply(bus="hydrogen", price=20.0),
        l=load([40.0, 60.0, 30.0]),
    )
    held = plant(assets, [0.5, 2.0, 1.0], policy(GUIDE, "check"), weights=[1.0, 3.0, 2.0])
    with templating():
        model = assemble(held)
    outcome, plan, goals = optimise(model, Settings(gap=0.0))
    measures = Measures(collect(model, plan, told(held, outcome, goals)))
    quantities = Quantities(held, model.operation, model.contributions, model.ledger)
    compared = [name for name in QUANTITIES if name not in ("green_into_hydrogen", "hydrogen_emissions", "contracted")]
    for name in compared:
        rate = quantities.amount(name)
        own = np.zeros(3) if rate is None else plan.along(rate, model.operation.steps)
        assert measures.amount(name) == pytest.approx(own, abs=1e-6), name
    assert measures.amount("energy").sum() > measures.amount("consumption").sum() > 0


def test_a_day_under_a_yearly_rule_is_an_indication():
    """Two hours are 2 / 8760 of the year; a year in one weighted step is all of it."""
    day = verdict(planned(growing(125.0), [1.0, 1.0], policy(GUIDE, "check")), "self_use")
    assert day["covered"] == pytest.approx(2 / 8760)
    year = planned(growing(125.0), [1.0, 1.0], policy(GUIDE, "check"), weights=[4380.0, 4380.0])
    assert verdict(year, "self_use")["covered"] == pytest.approx(1.0)
    assert verdict(year, "self_use")["denominator"] == pytest.approx(162.5 * 4380)


def test_what_a_plant_does_not_have_is_neither_met_nor_broken():
    assets = {"g": grid(location_factor=0.5), "l": load(1.0)}
    result = planned(assets, [1.0], policy(GUIDE, "check"), policy("cn/clean_hydrogen", "check"))
    assert {each["met"] for each in result.manifest["verdicts"]} == {None}


def test_roles_are_claimed_once_each():
    """What an asset says of its flows before it is built, its claims say too."""
    operation = assemble(plant({"g": grid(), "l": load(1.0)}, [0.5, 1.0])).operation
    for technology in technologies().values():
        example = technology.example()
        told = [claim for claim in example.claims(operation) if isinstance(claim, Means)]
        assert {claim.quantity: claim.role for claim in told}.items() <= dict(example.roles()).items()
        assert len({claim.quantity for claim in told}) == len(told)


def test_a_document_that_is_not_in_force_is_told():
    """The guide is of 2026 to 2030: a plan of 2024 and one of 2031 are measured by it all the same."""
    assets = {"pv": sun(10.0, 1.0), "g": grid(), "l": load(20.0)}
    early = verdict(planned(assets, [1.0], policy(GUIDE, "check"), start="2024-05-01T00:00+00:00"), "self_use")
    assert early["outside"] == "before 2026-01-09, when the document comes into force"
    late = verdict(planned(assets, [1.0], policy(GUIDE, "check"), start="2031-05-01T00:00+00:00"), "self_use")
    assert late["outside"] == "after 2030-12-31, when the document ends"
    assert (
        verdict(planned(assets, [1.0], policy(GUIDE, "check"), start="2028-05-01T00:00+00:00"), "self_use")["outside"]
        == ""
    )


def test_a_rule_that_cannot_be_met_is_named_with_what_it_lacks_and_cured_by_checking_it(tmp_path):
    """126 kW of sun where 125 are just enough load: 0.48 kWh of self-use too little, however it is run."""
    path = tmp_path / "plant.yaml"
    path.write_text(
        """\
currency: EUR
site: {time_zone: UTC}
horizon: {start: 2026-01-05, spans: [{length: 2 h, step: 1 h}]}
assets:
  grid: {kind: grid_connection, capacity: 1 MW, import_price: 1 EUR/kWh}
  pv: {kind: photovoltaic, capacity: 126 kW, availability: {values: [1, 0.3]}}
  load: {kind: production_load, demand: 60 kW}
policies: {cn/industrial_microgrid_guide: enforce}
"""
    )
    with pytest.raises(NoPlanError) as caught:
        run(path)
    told = str(caught.value)
    assert f"{GUIDE}, self use, 2026: at best 0.48 kWh too little" in told
    assert f"policies.{GUIDE}" in told
    assert run(path, overrides={f"policies.{GUIDE}": "check"}).manifest["verdicts"][0]["met"] is False


def growing_plant():
    assets = {"pv": sun(Fixed(amount=100.0), [1.0, 0.3]), "g": grid(1.0), "l": load(60.0)}
    return plant(assets, [1.0, 1.0], policy(NEARBY, "check"), start="2018-01-05T00:00+00:00")


def test_a_horizon_that_stands_for_another_year_has_that_years_rules():
    """A calendar of 2018 that stands for 2030: what holds from 2030 on holds, and the documents are in force."""
    sized = replace(growing_plant(), year=2030)
    shares = {bound.rule: bound for bound in sized.bounds}
    assert "share_of_consumption_2030" in shares
    assert shares["share_of_consumption_2030"].document_from == "2013-10-01"
    result = solve_plant(sized, Settings(gap=0.0))
    told = {each["rule"]: each["outside"] for each in result.manifest["verdicts"]}
    assert set(told.values()) == {""}
    before = solve_plant(growing_plant(), Settings(gap=0.0))
    assert before.manifest["verdicts"][0]["outside"] == "before 2025-10-01, when the document comes into force"
    early = solve_plant(replace(growing_plant(), year=2020), Settings(gap=0.0))
    assert early.manifest["verdicts"][0]["outside"] == "before 2025-10-01, when the document comes into force"


@pytest.mark.parametrize(
    ("day", "years", "moved"),
    [("2030-01-01", -12, "2018-01-01"), ("2028-02-29", -2, "2026-02-28"), ("2028-02-29", 4, "2032-02-29"), ("", 3, "")],
)
def test_days_of_rules_are_moved_by_years(day, years, moved):
    assert moved_day(day, years) == moved
