"""Running commitments are kept while they are worth keeping: a price on each unit and hour that is not as planned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from microgrid.audit import audit
from microgrid.capacity import Fixed
from microgrid.dispatch.once import dispatch
from microgrid.errors import InputError
from microgrid.plant import KeptState
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from tests.plants import plant
from tests.rolling.test_windows import planned, series

NIGHT = pd.Timestamp("2026-06-15T00:00+02:00")


def heat(price: float):
    """Return a boiler of which a kWh costs 1, and heat bought for 0.9, for 10 kW over two hours; the boiler was on."""
    assets = {
        "gas": Supply(bus="fuel", price=series(1.0)),
        "boiler": Boiler(
            capacity=Fixed(amount=20.0), efficiency=1.0, bus_in="fuel", heat_bus="heat",
            commitment=Commitment(minimum_load=0.5, on_before=True),
        ),
        "bought": Supply(bus="heat", price=series(0.9)),
        "load": ProductionLoad(bus="heat", demand=series([10, 10])),
    }  # fmt: skip
    kept = {"boiler": {"on": KeptState(np.ones(2), np.full(2, price))}}
    return replace(plant(assets, Timeline.of_hours([1.0, 1.0])), kept_states=kept)


@pytest.mark.parametrize(("price", "on", "cost"), [(0.5, 0.0, 19.0), (1.5, 1.0, 20.0)])
def test_a_commitment_is_kept_while_it_is_worth_it(price, on, cost):
    """Off saves 0.1 * 10 an hour: at 0.5 an hour the boiler goes off for 18 + 2 * 0.5, at 1.5 it stays on for 20.

    A model that forgot the price would be off in both; one that charged it in one of the hours alone would tell 18.5.
    """
    result = planned(heat(price))
    states = result.states[result.states["state"].astype(str) == "on"]["value"]
    assert states.tolist() == pytest.approx([on, on])
    assert result.cost == pytest.approx(cost)


def test_the_audit_holds_what_is_told_as_changed_to_the_states():
    result = planned(heat(0.5))
    changed = result.costs["line"].astype(str) == "on changed from plan"
    assert result.costs[changed]["amount"].tolist() == pytest.approx([0.5, 0.5])
    told = result.states["state"].astype(str) == "on fewer than planned"
    result.states.loc[told, "value"] = 0.0
    findings = [str(finding) for finding in audit(result).findings]
    assert any("as planned, but for what is told as changed" in finding for finding in findings)


SITE = "scenario: plant.yaml\nwindow: 6 h/1 h\nforecasts: {file: forecasts.csv}\n"
PLANT = """
currency: EUR
site: {time_zone: Europe/Berlin}
horizon: {start: 2026-06-15, days: 1, step: 1 h}
assets:
  gas: {kind: supply, bus: fuel, price: 1 EUR/kWh}
  bought: {kind: supply, bus: heat, price: {values: [PRICES], unit: EUR/kWh}}
  boiler:
    {kind: boiler, capacity: 20 kW, efficiency: 100 %, bus_in: fuel, heat_bus: heat, commitment: {minimum_load: 50 %}}
  load: {kind: production_load, bus: heat, demand: {values: [LOAD], unit: kW}}
"""


@pytest.mark.parametrize(("change", "on"), [("", 0.0), ("change: 5 EUR/h\n", 1.0)])
def test_a_replan_goes_back_on_the_running_plan_only_where_that_pays(change, on, tmp_path):
    """Heat costs 1.1, so the boiler is planned; then 0.95 is forecast, 0.5 EUR an hour less than the boiler's 10 kW."""
    prices, load = ", ".join(["1.1"] * 24), ", ".join(["10"] * 24)
    (tmp_path / "plant.yaml").write_text(PLANT.replace("PRICES", prices).replace("LOAD", load))
    (tmp_path / "site.yaml").write_text(SITE + change)
    (tmp_path / "forecasts.csv").write_text("time,asset,quantity,value,unit\n")
    dispatch(tmp_path / "site.yaml", tmp_path / "state", NIGHT)
    times = pd.date_range(NIGHT, periods=12, freq="h")
    rows = [f"{time.isoformat()},bought,price,0.95,EUR/kWh\n" for time in times]
    (tmp_path / "forecasts.csv").write_text("time,asset,quantity,value,unit\n" + "".join(rows))
    done = dispatch(tmp_path / "site.yaml", tmp_path / "state", NIGHT + pd.Timedelta(hours=1))
    table = pd.read_csv(done.folder / "setpoints.csv")
    states = table[(table["asset"] == "boiler") & (table["name"] == "on")]["value"].tolist()
    assert states[:5] == [on] * 5
    assert done.account["expected"]["cost"] == pytest.approx(57.0 if not on else 59.5)


def test_a_price_of_change_that_is_none_is_refused(tmp_path):
    (tmp_path / "plant.yaml").write_text(PLANT.replace("PRICES", "1").replace("LOAD", "1"))
    (tmp_path / "site.yaml").write_text(SITE + "change: 5 kW\n")
    (tmp_path / "plant.yaml").write_text(
        PLANT.replace("PRICES", ", ".join(["1"] * 24)).replace("LOAD", ", ".join(["1"] * 24))
    )
    with pytest.raises(InputError, match="an amount per hour"):
        dispatch(tmp_path / "site.yaml", tmp_path / "state", NIGHT)
