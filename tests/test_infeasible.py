"""Why there is no plan: scenarios broken on purpose, what is told of them, and that the told change cures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microgrid.amounts import rounded_outward
from microgrid.carriers import CARRIERS
from microgrid.explaining import explain, explain_infeasible
from microgrid.model import assemble
from microgrid.plant import Objective, PlantBus
from microgrid.running import NoPlanError, run, solve_plant
from microgrid.scenario import read_scenario
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.unlimited import explain_unbounded
from solvers import Ended, Outcome, Settings, solve
from tests.planning.files import YEAR, scenario
from tests.plants import plant

HERE = Path(__file__).parent / "infeasible"
FAULTS: list[dict[str, Any]] = YAML(typ="safe").load((HERE / "faults.yaml").read_text("utf-8"))


def broken(fault: dict[str, Any]) -> tuple[Path, dict[str, str]]:
    """Return the file of a fault and its overrides."""
    return HERE / f"{fault['base']}.yaml", {path: str(text) for path, text in fault["set"].items()}


@pytest.mark.parametrize("base", ["power", "hydrogen", "heat", "contracts"])
def test_what_the_faults_are_put_into_is_good(base):
    plant = read_scenario(HERE / f"{base}.yaml").plant
    assert solve_plant(plant, Settings(gap=0.01)).manifest["outcome"]["proved"]


def test_every_fault_is_another():
    assert len({fault["fault"] for fault in FAULTS}) == len(FAULTS) == 33


@pytest.mark.parametrize("fault", FAULTS, ids=[fault["fault"] for fault in FAULTS])
def test_a_right_field_is_named_and_its_change_solves(fault):
    path, overrides = broken(fault)
    scenario = read_scenario(path, overrides)
    explanation = explain_infeasible(scenario.plant, scenario.document, seconds=600)
    assert explanation.unmet
    proposals = {proposal.field: proposal for proposal in explanation.proposals[:6]}
    right = [field for field in fault["right"] if field in proposals]
    assert right, f"told: {list(proposals)}"
    proposal = proposals[right[0]]
    assert proposal.is_proved
    cured = read_scenario(path, overrides | dict(proposal.overrides))
    assert solve(assemble(cured.plant).pyomo, Settings(gap=0.5), load=False).has_plan


# --- what is told, word for word


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand where the files are, so that messages name them as a user does."""
    for base in ("power", "hydrogen", "heat"):
        (tmp_path / f"{base}.yaml").write_bytes((HERE / f"{base}.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return Path()


def no_plan(path: Path, overrides: dict[str, str]) -> NoPlanError:
    with pytest.raises(NoPlanError) as caught:
        run(path, overrides=overrides)
    return caught.value


def test_a_load_that_lacks_power_is_told_word_for_word(here):
    error = no_plan(here / "hydrogen.yaml", {"assets.tank.discharge_limit": "3 kg/h", "assets.tank.final_fill": "10 %",
                                             "assets.electrolyser.capacity": "1200 kW"})  # fmt: skip
    assert str(error) == TOLD_LOAD


def test_a_unit_that_must_run_is_told_word_for_word(here):
    minimum = {"assets.engine.commitment.minimum_load": "90 %", "assets.engine.commitment.minimum_up": "24 h"}
    before = {"assets.engine.commitment.on_before": "true", "assets.engine.commitment.hours_before": "1 h"}
    assert str(no_plan(here / "heat.yaml", minimum | before)) == TOLD_MUST_RUN


def test_a_cap_is_told_word_for_word(here):
    assert str(no_plan(here / "power.yaml", {"objective.caps.cost": "300 EUR"})) == TOLD_CAP


def test_a_cap_of_carbon_dioxide_alone_is_cured_in_its_own_unit(tmp_path, monkeypatch):
    """438 t less 2.19 t for each of 50 kW of roof: 328.5 t, however the file tells a cap, and not as many kilograms."""
    monkeypatch.chdir(tmp_path)
    for cap, least in (("6 tCO2", "328.5 tCO2"), ("6000 kgCO2", "328500 kgCO2")):
        file = scenario(tmp_path, f"{YEAR}objective: {{caps: {{emissions: {cap}}}}}\n")
        told = str(no_plan(file, {}))
        assert f"objective.caps.emissions (plant.yaml:13): {cap} -> {least} or more" in told
        assert "emissions within 6000 kgCO2: the least possible is 328500 kgCO2\n" in told


TOLD_LOAD = """\
the scenario is infeasible: no plan can meet all its limits at once
cannot be met
   2026-01-16 08:00 to 10:00 (2 steps): the load furnaces on bus hydrogen lacks up to 8 kg/h, 16 kg in all
limits met there
   tank: discharge at most 3 kg/h (assets.tank.discharge_limit: 3 kg/h, --set)
   trailer: supply at most 5 kg/h (assets.trailer.limit: 5 kg/h, hydrogen.yaml:29)
   electrolyser: running at most 1200 kW (assets.electrolyser.capacity: 1200 kW, --set)
each of these changes alone cures it (each proved by a solve)
   assets.electrolyser.capacity (--set): 1200 kW -> 1600 kW or more
   assets.trailer.limit (hydrogen.yaml:29): 5 kg/h -> 13 kg/h or more
   assets.tank.discharge_limit (--set): 3 kg/h -> 11 kg/h or more
   assets.furnaces.sheddable (hydrogen.yaml:30): not given, so 0 % -> 20 % or more
   assets.furnaces.demand (hydrogen.yaml:33): its values -> times 0.8"""
TOLD_MUST_RUN = """\
the scenario is infeasible: no plan can meet all its limits at once
cannot be met
   2026-01-16 06:00 to 07:00 (1 step); 2026-01-16 11:00 to 12:00 (1 step): bus electricity has too much by up
      to 60 kW, 120 kWh in all
limits met there
   engine: output above minimum (assets.engine.commitment.minimum_load: 90 %, --set)
each of these changes alone cures it (each proved by a solve)
   assets.engine.capacity (heat.yaml:18): 400 kW -> 333.3 kW or less
   assets.engine.commitment.minimum_load (--set): 90 % -> 75 % or less
   assets.grid.export_price (heat.yaml:6): not given -> 0 EUR/kWh
   assets.engine.commitment.minimum_up (--set): 24 h -> 1 h or less
   assets.engine.commitment.on_before (--set): true -> false
   assets.works.demand (heat.yaml:38): its values -> times 1.2
   and 1 more"""
TOLD_CAP = """\
the scenario is infeasible: no plan can meet all its limits at once
cannot be met
   cost within 300 EUR: the least possible is 608.2 EUR
limits met there
   objective: cost within cap (objective.caps.cost: 300 EUR, --set)
   roof: output at most 100 kW (assets.roof.availability: its values, power.yaml:17)
   battery: stored begins (assets.battery.initial_charge: 50 %, power.yaml:24)
   battery: stored ends (assets.battery.final_charge: 50 %, power.yaml:25)
each of these changes alone cures it (each proved by a solve)
   objective.caps.cost (--set): 300 EUR -> 608.2 EUR or more
   assets.roof.capacity (power.yaml:16): 200 kW -> 1479 kW or more
   assets.works.sheddable (power.yaml:26): not given, so 0 % -> 48.2 % or more
   assets.works.demand (power.yaml:28): its values -> times 0.5184"""


def test_the_explanation_is_data_too(here):
    """A connection of 400 kW for a load of 700: the field, where it stands, when, how much, and what to write."""
    text = (here / "power.yaml").read_text("utf-8").replace("capacity: 1 MW", "capacity: 0.4 MW")
    (here / "power.yaml").write_text(text, "utf-8")
    explanation = no_plan(here / "power.yaml", {}).explanation
    assert explanation is not None
    (unmet,) = explanation.unmet
    assert (unmet.asset, unmet.unit) == ("electricity", "kW")
    assert unmet.missing > 0
    assert unmet.hours == sum((p.end - p.begin).total_seconds() for p in unmet.periods) / 3600
    proposal = explanation.proposals[0]
    assert (proposal.asset, proposal.field, proposal.place) == ("grid", "assets.grid.capacity", "power.yaml:8")
    assert proposal.found == "0.4 MW"
    assert list(proposal.overrides) == ["assets.grid.capacity"]
    assert proposal.overrides["assets.grid.capacity"] == proposal.wanted
    assert proposal.wanted.endswith(" MW")
    limit = next(limit for limit in explanation.limits if limit.field == "assets.grid.capacity")
    assert (limit.asset, limit.what) == ("grid", "imports at most 400 kW")


def test_a_smaller_change_does_not_do(here):
    """What is proposed is the least: one percent of the way back, and there is no plan."""
    overrides = {"assets.grid.capacity": "400 kW"}
    wanted = float(no_plan(here / "power.yaml", overrides).explanation.proposals[0].wanted.removesuffix(" kW"))
    enough = run(here / "power.yaml", overrides={"assets.grid.capacity": f"{wanted} kW"})
    assert enough.manifest["outcome"]["proved"]
    less = no_plan(here / "power.yaml", {"assets.grid.capacity": f"{wanted - 0.01 * (wanted - 400)} kW"})
    assert less.outcome.ended is Ended.INFEASIBLE


def test_time_that_is_over_is_told():
    scenario = read_scenario(HERE / "power.yaml", {"assets.grid.capacity": "400 kW"})
    explanation = explain_infeasible(scenario.plant, scenario.document, seconds=1e-9)
    assert explanation.notes == ("what is lacking was not found in 1e-09 s",)


def test_a_plant_made_in_python_is_explained_when_asked():
    assets = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=10.0)}
    made = plant(assets, (1.0, 0.5))
    with pytest.raises(NoPlanError) as caught:
        solve_plant(made)
    assert caught.value.explanation is None
    explanation = explain(caught.value.outcome, made)
    assert explanation is not None
    assert str(explanation.proposals[0]) == "assets.g.capacity: 9 kW -> 10 kW or more"
    assert explanation.unmet[0].missing == pytest.approx(1.0)


def test_a_cap_on_a_column_that_nothing_fills():
    assets = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=1.0)}
    explanation = explain_infeasible(plant(assets, objective=Objective(caps={"scope_1": -1.0})))
    assert explanation.unmet[0].what == "scope 1 within -1 kgCO2e: the least possible is 0 kgCO2e"
    assert explanation.proposals[0].wanted == "0 kgCO2e"


def test_a_plant_that_has_a_plan_is_not_explained_away():
    assets = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=1.0)}
    explanation = explain_infeasible(plant(assets))
    assert not explanation.unmet
    assert explanation.notes == ("what it fails by is smaller than what a solver can tell from zero",)
    assert explain(Outcome(Ended.TIME), plant(assets)) is None


def test_a_fault_in_asking_why_does_not_hide_that_there_is_no_plan(here, monkeypatch):
    def broken(*_arguments):
        raise KeyError("a fault of our own")

    monkeypatch.setattr("microgrid.explaining.explain_infeasible", broken)
    error = no_plan(here / "power.yaml", {"objective.caps.cost": "300 EUR"})
    assert error.outcome.ended is Ended.INFEASIBLE
    assert "why was not found, for a fault of our own: KeyError" in str(error)


def test_an_unbounded_plant_names_flow_ledger_and_price():
    """Burning gas for nothing earns 0.2 kg * 0.5 EUR/kg a kWh and costs 0.05 EUR: either price ends it."""
    assets = {
        "gas": Supply(bus="natural_gas", price=0.05, scope_1_factor=0.2),
        "furnace": ProductionLoad(bus="natural_gas", demand=5.0),
    }
    buses = {"natural_gas": PlantBus(CARRIERS["natural_gas"], surplus=True)}
    made = plant(assets, (1.0, 0.5), Objective(carbon_price=-0.5), buses)
    with pytest.raises(NoPlanError) as caught:
        solve_plant(made)
    assert caught.value.outcome.ended is Ended.UNBOUNDED
    assert str(explain(caught.value.outcome, made)) == TOLD_UNBOUNDED


TOLD_UNBOUNDED = """\
the scenario is unbounded: a price lets the cost fall without end
what pays without end
   gas: supply on bus natural_gas can grow without end, at 2026-01-05 00:00 for one
   bus natural_gas: surplus on bus natural_gas can grow without end, at 2026-01-05 00:00 for one
   carbon price: emissions priced earns 0.1 EUR for each kWh of it
   gas: supply costs 0.05 EUR for each kWh of it
the prices it depends on
   gas: price (assets.gas.price: 0.05 EUR/kWh)
   objective: price (objective.carbon_price: -0.5 EUR/kgCO2e)
each of these changes alone cures it (each proved by a solve)
   assets.gas.price: 0.05 EUR/kWh -> 0.1 EUR/kWh or more
   objective.carbon_price: -0.5 EUR/kgCO2e -> -0.25 EUR/kgCO2e or more"""


def test_an_optimum_has_no_ray_to_tell():
    assets = {"g": GridConnection(capacity=9.0, import_price=1.0), "l": ProductionLoad(demand=1.0)}
    assert explain_unbounded(plant(assets)).notes == ("the price was not found",)


@pytest.mark.parametrize(
    ("value", "direction", "rounded"),
    [(1039.71, 1, 1040.0), (1040.0, 1, 1040.0), (1039.71, -1, 1039.0), (0.52341, 1, 0.5235), (0.0, 1, 0.0),
     (-12.3456, -1, -12.35), (5.00001, 1, 5.001), (5.0000001, 1, 5.0)],
)  # fmt: skip
def test_numbers_are_rounded_outward(value, direction, rounded):
    assert rounded_outward(value, direction) == rounded
