"""Two grid connections with contracts each: the market-based column under a cap, and energy that is passed through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid.accounts import Accounting
from microgrid.audit import audit
from microgrid.plant import Objective, Plant
from microgrid.running import NoPlanError, solve_plant
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from solvers import Settings

TRADE = {"kind": "green_trade", "premium": 0.05, "matching": "month"}
CHINESE = Accounting(standard="gb_t_32150")


def connection(**more):
    given = {"capacity": 100.0, "import_price": 0.5, "location_factor": 0.5, "market_factor": 0.6}
    return GridConnection(**(given | more))


def planned(assets, hours, cap, accounting=CHINESE, **goal):
    timeline = Timeline.of_hours(np.asarray(hours), start="2026-01-31T00:00+00:00")
    objective = Objective(basis="market", caps={} if cap is None else {"emissions_market": cap}, **goal)
    plant = Plant(timeline, assets, {}, objective, currency="CNY", accounting=accounting)
    result = solve_plant(plant, Settings(gap=0.0))
    assert result.manifest["audit"]["passed"], result.manifest["audit"]["findings"]
    return result


def booked(result, asset, line):
    frame = result.emissions.astype({"asset": str, "line": str})
    return float(frame.loc[(frame["asset"] == asset) & (frame["line"] == line), "amount"].sum())


def two_contracts():
    """Return 40 kW behind a cheap connection of 20 kW with a dirty residual mix, and a larger one."""
    own = {"base": TRADE | {"premium": 0.02, "factor": 0.1, "most": 8.0}}
    return {
        "g": connection(contracts={"trade": TRADE | {"most": 12.0}}),
        "h": connection(capacity=20.0, import_price=0.45, market_factor=0.8, contracts=own),
        "l": ProductionLoad(demand=40.0),
    }


def test_each_connection_counts_its_own_residual_mix_and_contracts_under_one_cap():
    """40 kW for half an hour and an hour: 30 kWh through each, 30 * 0.6 + 30 * 0.8 = 42 kg; 32 may be.

    A kWh of h's contract costs 0.02 and spares 0.8 - 0.1 = 0.7 kg; one of g's costs 0.05 and spares 0.6; one moved
    from h to g costs 0.05 and spares 0.2. So all 8 kWh of h, 5.6 kg, and of g 4.4 / 0.6 = 7.333 kWh. With the residual
    mix of the other connection, or without the contract's own 0.8 kg, the sum is another.
    """
    result = planned(two_contracts(), [0.5, 1.0], 32.0, Accounting())
    assert result.cost == pytest.approx(30 * 0.5 + 30 * 0.45 + 8 * 0.02 + 4.4 / 0.6 * 0.05)
    assert booked(result, "g", "import, market-based") == pytest.approx(0.6 * (30 - 4.4 / 0.6))
    assert booked(result, "h", "import, market-based") == pytest.approx(0.8 * 22)
    assert booked(result, "h", "base, matched") == pytest.approx(0.1 * 8)
    assert result.manifest["emissions"]["emissions_market"] == pytest.approx(32.0)
    assert result.manifest["emissions"]["emissions_location"] == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("asset", "line"), [("g", "import, market-based"), ("h", "import, market-based"), ("h", "base, matched")]
)
def test_the_audit_finds_a_wrong_market_column_of_either(asset, line):
    """A tenth of a kilogram less on one line, and as much less in the column, so that the sums still agree."""
    result = planned(two_contracts(), [0.5, 1.0], 32.0, Accounting())
    frame = result.emissions.copy()
    own = (frame["asset"].astype(str) == asset) & (frame["line"].astype(str) == line)
    frame.loc[frame.index[own][0], "amount"] -= 0.1
    told = result.manifest | {"emissions": dict(result.manifest["emissions"])}
    for column in ("emissions", "emissions_market", "scope_2_market"):
        told["emissions"][column] -= 0.1
    findings = audit(replace(result, emissions=frame, manifest=told)).findings
    assert [(finding.asset, finding.statement) for finding in findings] == [
        (asset, f"emissions line {line!r} follows from its quantities")
    ]
    assert findings[0].excess == pytest.approx(0.1)


def exporting(**more):
    """Return sun for 30 kW in the first hour, a load of 10 and 20 kW, import by g under a contract, export by h."""
    return {
        "g": connection(contracts={"trade": TRADE}),
        "h": connection(import_price=0.6, export_price=0.3),
        "sun": Photovoltaic(capacity=30.0, availability=[1.0, 0.0]),
        "l": ProductionLoad(demand=[10.0, 20.0]),
    } | more


def test_exports_of_the_sun_come_off_and_contracts_do_the_rest():
    """20 kWh exported take off 10 kg; of 20 kWh imported 18.333 are matched to come to -9: 20 * 0.6 - 11 = 1 kg.

    20 * 0.5 + 18.333 * 0.05 - 20 * 0.3.
    """
    result = planned(exporting(), [1.0, 1.0], -9.0)
    assert result.cost == pytest.approx(10 + 11 / 0.6 * 0.05 - 6)
    assert result.manifest["emissions"]["exported"] == pytest.approx(-10.0)
    assert result.manifest["emissions"]["scope_2_market"] == pytest.approx(1.0)


@pytest.mark.parametrize("goal", [{}, {"goals": ("emissions_market",)}, {"carbon_price": 10.0}])
def test_green_energy_is_not_bought_by_one_connection_to_be_exported_by_the_other(goal):
    """All 20 kWh matched, the account is -10 kg. A kWh bought green by g and exported by h would take off 0.5 more.

    Cost 20 * 0.55 - 6 = 5, whether carbon is priced or minimised: at 10 a kg passing a kWh through would earn 4.75.
    """
    result = planned(exporting(), [1.0, 1.0], None if goal else -10.0, **goal)
    assert result.manifest["emissions"]["emissions_market"] == pytest.approx(-10.0, abs=1e-4)
    assert result.cost == pytest.approx(5.0 - 100.0 * (goal == {"carbon_price": 10.0}), abs=1e-4)


def test_a_cap_that_passing_through_alone_would_keep_is_infeasible():
    with pytest.raises(NoPlanError):
        planned(exporting(), [1.0, 1.0], -10.5)


def test_two_mixes_by_location_are_no_way_round_either():
    """In by a clean connection, out by a dirty one: 0.2 against 0.9. Nothing is exported, 6 kg stay."""
    assets = {
        "g": connection(location_factor=0.2, market_factor=0.2),
        "h": connection(location_factor=0.9, market_factor=0.9, export_price=0.3),
        "l": ProductionLoad(demand=30.0),
    }
    result = planned(assets, [1.0], None, goals=("emissions_market",))
    assert result.manifest["emissions"]["emissions_location"] == pytest.approx(6.0)


def test_where_exports_reduce_nothing_both_connections_are_free():
    """Under the GHG Protocol, selling by h at 0.6 what g brings at 0.5 is a matter of money: no row forbids it.

    50 kW go out in both hours; g brings 50 + 10 - 30 and 50 + 20 kWh: 100 * 0.5 - 100 * 0.6.
    """
    assets = exporting(h=connection(import_price=0.7, export_price=0.6, capacity=50.0))
    result = planned(assets, [1.0, 1.0], 1000.0, Accounting())
    assert result.cost == pytest.approx(-10.0)
    rates = result.flows.astype({"asset": str, "port": str}).set_index(["asset", "port"])["rate"]
    assert rates["h", "export"].tolist() == pytest.approx([-50.0, -50.0])


def test_the_audit_finds_energy_that_is_passed_through():
    """2 kWh more come in by g in the second hour and go out by h, a kilogram is taken off for them."""
    result = planned(exporting(), [1.0, 1.0], -9.0)
    flows, carbon = result.flows.copy(), result.emissions.copy()
    last = flows["time"].max()
    for asset, port, rate in (("g", "import", 2.0), ("h", "export", -2.0)):
        own = (flows["asset"].astype(str) == asset) & (flows["port"].astype(str) == port) & (flows["time"] == last)
        flows.loc[own, "rate"] += rate
    taken = (carbon["asset"].astype(str) == "h") & (carbon["line"].astype(str) == "export") & (carbon["time"] == last)
    carbon.loc[taken, "amount"] -= 1.0
    findings = audit(replace(result, flows=flows, emissions=carbon)).findings
    (found,) = [each for each in findings if "passed through" in each.statement]
    assert (found.asset, found.excess) == ("bus electricity", pytest.approx(2.0))
