"""Batteries and tanks carry the emissions of what filled them: by hand, on random plants, in a run's folder."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.origins import origins
from microgrid.plant import Plant
from microgrid.running import run, solve_plant
from microgrid.source_factors import roles_of, source_factors
from microgrid.stored_emissions import stored_emissions
from microgrid.technologies.battery import Battery
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.fuel_cell import FuelCell
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.hydrogen_tank import HydrogenTank
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from solvers import Settings
from tests.files import CSV, PLANT, changed, write


def planned(assets, hours, start="2026-01-05T00:00+00:00"):
    result = solve_plant(Plant(Timeline.of_hours(np.asarray(hours), start=start), assets, {}), Settings(gap=0.01))
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    return result


def held(result, asset):
    frame = stored_emissions(result)
    own = frame[frame["asset"].astype(str) == asset]
    return own["energy"].tolist(), own["emissions"].tolist()


def test_a_battery_holds_what_it_was_charged_with_and_its_losses():
    """50 kWh taken in the cheap hour at 0.2 kg are 10 kg in 40 kWh; 32 go out at 0.8, all of them, when it is dear."""
    assets = {
        "g": GridConnection(capacity=50.0, import_price=[0.1, 9.0], location_factor=[0.2, 0.9]),
        "b": Battery(energy=40.0, power=50.0, charge_efficiency=0.8, discharge_efficiency=0.8, initial_charge=0.0,
                     final_charge=0.0),
        "l": ProductionLoad(demand=[0.0, 32.0]),
    }  # fmt: skip
    energy, emitted = held(planned(assets, [1.0, 1.0]), "b")
    assert energy == pytest.approx([0.0, 40.0, 0.0], abs=1e-6)
    assert emitted == pytest.approx([0.0, 10.0, 0.0], abs=1e-6)


def test_a_tank_holds_what_its_hydrogen_was_made_of():
    """Two kilograms of 50 kWh at 0.2 kg are made in the first hour, 20 kg; one is left after the second."""
    assets = {
        "g": GridConnection(capacity=500.0, import_price=[0.1, 9.0], location_factor=[0.2, 0.9]),
        "e": Electrolyser(capacity=100.0, consumption=50.0),
        "t": HydrogenTank(capacity=10.0, initial_fill=0.0, final_fill=0.1),
        "h": ProductionLoad(bus="hydrogen", demand=[0.0, 1.0]),
    }
    energy, emitted = held(planned(assets, [1.0, 1.0]), "t")
    assert energy == pytest.approx([0.0, 2 * HYDROGEN_LOWER_HEATING_VALUE, HYDROGEN_LOWER_HEATING_VALUE])
    assert emitted == pytest.approx([0.0, 20.0, 10.0])


def test_what_has_no_factor_leaves_the_emissions_open():
    assets = {
        "g": GridConnection(capacity=50.0, import_price=[0.1, 9.0]),
        "b": Battery(energy=40.0, power=50.0, initial_charge=0.0, charge_efficiency=1.0, discharge_efficiency=1.0),
        "l": ProductionLoad(demand=[0.0, 32.0]),
    }
    energy, emitted = held(planned(assets, [1.0, 1.0]), "b")
    assert energy[1] > 31
    assert emitted[0] == 0.0
    assert np.isnan(emitted[1])


def random_plant(seed):
    """Return a plant of eight unequal steps with battery, electrolyser, tank, fuel cell and a grid both ways."""
    draw = np.random.default_rng(seed)
    n = 8
    hours = draw.choice([0.25, 0.5, 1.0, 2.0], n)
    price, factor = draw.uniform(0.02, 1.0, n), draw.uniform(0.1, 0.9, n)
    assets = {
        "g": GridConnection(
            capacity=400.0, import_price=price, export_price=0.5 * price, location_factor=factor, upstream_factor=0.05
        ),
        "pv": Photovoltaic(capacity=300.0, availability=draw.uniform(0.0, 1.0, n)),
        "b": Battery(energy=200.0, power=100.0, initial_charge=draw.uniform(0.1, 0.9), final_charge=0.1,
                     self_discharge=0.01),
        "e": Electrolyser(capacity=150.0, consumption=52.0),
        "t": HydrogenTank(capacity=20.0, initial_fill=draw.uniform(0.0, 1.0), final_fill=0.2, compression_energy=1.5),
        "cell": FuelCell(capacity=60.0, electricity_per_kg=17.0),
        "trailer": Supply(bus="hydrogen", price=draw.uniform(0.5, 20.0), scope_3_factor=9.0, limit=2.0),
        "l": ProductionLoad(demand=draw.uniform(20.0, 250.0, n)),
        "h": ProductionLoad(bus="hydrogen", demand=draw.uniform(0.0, 1.5, n)),
    }  # fmt: skip
    return assets, hours


@pytest.mark.parametrize("seed", range(12))
def test_what_sources_emit_is_what_uses_and_stores_hold(seed):
    """Step by step: what sources bring + what stores lose = what leaves for good; battery and tank by the same law."""
    result = planned(*random_plant(seed))
    found = origins(result)
    factors, unknown = source_factors(found, roles_of(result))
    assert not unknown.any()
    each = found.with_what_was_there_before(factors)
    carried, network = found.carried(each), found.network
    assert {store.asset for store in network.stores} == {"b", "t"}
    brought = (found.supplied * each).sum(axis=1) * network.hours
    used = sum(port.drawn * carried.on_bus[port.bus] for port in network.uses) * network.hours
    grown = sum(np.diff(stock) for stock in carried.in_store.values())
    scale = max(float(brought.sum()), 1.0)
    assert np.abs(brought - used - grown - carried.circling * network.hours).max() / scale < 1e-6
    frame = stored_emissions(result)
    for store in network.stores:
        own = frame[frame["asset"].astype(str) == store.asset]
        assert own["emissions"].to_numpy() == pytest.approx(carried.in_store[store.asset])
        assert (own["emissions"].to_numpy() >= -1e-9).all()
        assert (own["energy"].to_numpy() > 1e-6)[own["emissions"].to_numpy() > 1e-3].all()


def test_both_kinds_of_store_move_in_some_of_the_random_plants():
    """Else the law above would hold of nothing: over the plants both stores fill and empty, and the fuel cell runs."""
    moved = {"b": 0.0, "t": 0.0, "cell": 0.0}
    for seed in range(4):
        result = planned(*random_plant(seed))
        flows = result.flows.astype({"asset": str})
        for asset in moved:
            moved[asset] += float(flows.loc[flows["asset"] == asset, "rate"].abs().sum())
    assert all(total > 1.0 for total in moved.values()), moved


def test_a_run_s_folder_holds_them(tmp_path):
    priced = [("import_price: 0.2 EUR/kWh", "import_price: 0.2 EUR/kWh\n    location_factor: 0.5 kgCO2/kWh")]
    run(write(tmp_path, changed(PLANT, priced), CSV), tmp_path / "run")
    frame = pd.read_csv(tmp_path / "run" / "stored_emissions.csv")
    assert list(frame.columns) == ["asset", "time", "energy", "emissions"]
    assert len(frame) == 25
    assert set(frame["asset"]) == {"battery"}
