"""The balancing rule by hand: what deviates is taken in a fixed order, within limits, and what cannot be is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid.audit import audit
from microgrid.capacity import Fixed
from microgrid.model import assemble
from microgrid.rolling.balancing import carry_out
from microgrid.rolling.inheriting import after, before, levels_of, with_before
from microgrid.rolling.metering import month_peaks
from microgrid.rolling.reserve import reserve
from microgrid.rolling.rules import rule_plan
from microgrid.rolling.settling import settle
from microgrid.rolling.traces import Trace, ports_of
from microgrid.running import optimise
from microgrid.series import Series
from microgrid.technologies.battery import Battery
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.grid_connection import DemandCharge, GridConnection
from microgrid.technologies.hydrogen_tank import HydrogenTank
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.stacks import Start
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from solvers import Settings, templating
from tests.plants import plant


def series(values) -> Series:
    return Series(np.asarray(values, dtype=float))


def site(load, sun, **fields):
    """Return a grid of 50 kW, a battery of 10 kWh half full, a roof of 20 kW and a load, at hours."""
    assets = {
        "grid": GridConnection(capacity=Fixed(amount=50.0), import_price=series(1.0), **fields.pop("grid", {})),
        "battery": Battery(
            energy=Fixed(amount=10.0), power=Fixed(amount=4.0), charge_efficiency=0.8, discharge_efficiency=0.5,
            initial_charge=0.5,
        ),
        "roof": Photovoltaic(capacity=Fixed(amount=20.0), availability=series(sun)),
        "load": ProductionLoad(demand=series(load), **fields),
    }  # fmt: skip
    return plant(assets, [1.0] * len(load))


def still(whole, **flows) -> Trace:
    """Return a plan in which nothing flows but what is named, as asset__port."""
    with templating():
        ports = ports_of(assemble(whole))
    n = len(whole.timeline)
    rates = {asset: {port: np.zeros(n) for port in named} for asset, named in ports.items()}
    for name, values in flows.items():
        asset, _, port = name.partition("__")
        rates[asset][port] = np.asarray(values, dtype=float)
    return Trace(whole.timeline, rates, {}, {}, ports)


LEVELS = {"battery": {"stored": 5.0}}


def test_what_lacks_is_imported_to_the_ceiling_then_discharged_then_imported_above_it():
    """10 kW lack. Below a ceiling of 7 kW the grid gives 7; 5 kWh at 50 % give 2.5 kW; the last 0.5 passes it."""
    whole = site([10.0], [0.0])
    done = carry_out(whole, still(whole), LEVELS, np.array([7.0]))
    assert done.trace.flows["grid"]["import"].tolist() == pytest.approx([7.5])
    assert done.trace.flows["battery"]["discharge"].tolist() == pytest.approx([2.5])
    assert done.trace.stocks["battery"]["stored"].tolist() == pytest.approx([5.0, 0.0])
    assert not done.shortfalls


def test_too_much_sun_lowers_the_import_then_charges_then_is_curtailed():
    """20 kW of sun come, none was foreseen, 6 kW of import was planned for a load of 6. The battery takes its 4 kW."""
    whole, foreseen = site([6.0], [1.0]), site([6.0], [0.0])
    done = carry_out(whole, still(whole, grid__import=[6.0]), LEVELS, forecast=foreseen)
    assert done.trace.flows["grid"]["import"].tolist() == pytest.approx([0.0])
    assert done.trace.flows["battery"]["charge"].tolist() == pytest.approx([-4.0])
    assert done.trace.flows["roof"]["output"].tolist() == pytest.approx([10.0])
    assert done.trace.stocks["battery"]["stored"][-1] == pytest.approx(5.0 + 0.8 * 4.0)


def test_a_source_that_was_to_be_curtailed_stays_so_until_power_lacks():
    whole, foreseen = site([2.0, 9.0], [0.5, 0.5]), site([2.0, 2.0], [0.5, 0.5])
    done = carry_out(whole, still(whole, roof__output=[2.0, 2.0]), LEVELS, forecast=foreseen)
    assert done.trace.flows["roof"]["output"].tolist() == pytest.approx([2.0, 9.0])


def test_surplus_is_exported_where_that_is_allowed():
    export = {"export_price": series(0.1), "export_limit": series(3.0)}
    whole = site([0.0], [1.0], grid=export)
    done = carry_out(whole, still(whole, roof__output=[20.0]), LEVELS)
    assert done.trace.flows["grid"]["export"].tolist() == pytest.approx([-3.0])
    assert done.trace.flows["roof"]["output"].tolist() == pytest.approx([7.0])


def test_what_no_part_can_give_is_shed_left_unserved_or_told():
    """80 kW, of which 50 from the grid, 2.5 from the battery and 20 % to be shed: 11.5 kW lack, priced or not."""
    whole = site([80.0], [0.0], sheddable=0.2, shed_price=1.0)
    done = carry_out(whole, still(whole), LEVELS)
    assert [(s.bus, pytest.approx(s.rate)) for s in done.shortfalls] == [("electricity", 11.5)]
    priced = site([80.0], [0.0], sheddable=0.2, shed_price=1.0, unserved_price=9.0)
    done = carry_out(priced, still(priced), LEVELS)
    assert not done.shortfalls
    assert done.trace.flows["load"]["unserved"].tolist() == pytest.approx([11.5])


def test_a_battery_cannot_be_told_to_do_what_its_level_forbids():
    """Planned to charge 4 kW for three hours: 5 + 3.2 + 1.8 is full, and the third hour takes nothing."""
    whole = site([0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    done = carry_out(whole, still(whole, battery__charge=[-4.0] * 3, grid__import=[4.0] * 3), LEVELS)
    assert done.trace.stocks["battery"]["stored"].tolist() == pytest.approx([5.0, 8.2, 10.0, 10.0])
    assert done.trace.flows["grid"]["import"].tolist() == pytest.approx([4.0, 2.25, 0.0])


def steel(**fields):
    """Return two stacks of 50 kW, a tank, trailer hydrogen, a gas boiler with its load: three buses in a chain."""
    assets = {
        "grid": GridConnection(capacity=Fixed(amount=300.0), import_price=series([1.0, 3.0, 1.0, 1.0])),
        "stack": Electrolyser(
            capacity=Fixed(amount=100.0), stacks=2, minimum_load=0.2, consumption=50.0, standby_power=0.02,
            cold_start=Start(time=1.0, energy=10.0, cost=5.0), on_before=1, **fields,
        ),
        "tank": HydrogenTank(capacity=Fixed(amount=5.0), compression_energy=2.0, initial_fill=0.5),
        "line": ProductionLoad(bus="hydrogen", demand=series([0.5, 0.9, 1.3, 0.7]), unserved_price=99.0),
        "gas": Supply(bus="natural_gas", price=series(0.1)),
        "boiler": Boiler(
            bus_in="natural_gas", capacity=Fixed(amount=40.0), efficiency=0.8,
            commitment=Commitment(minimum_load=0.4, on_before=True),
        ),
        "bath": ProductionLoad(bus="heat", demand=series([20.0, 30.0, 40.0, 25.0])),
        "mill": ProductionLoad(demand=series([50.0, 60.0, 70.0, 20.0])),
    }  # fmt: skip
    return plant(assets, [1.0] * 4)


def solved_trace(whole) -> Trace:
    with templating():
        model = assemble(whole)
    _, solution, _ = optimise(model, Settings(gap=0.0))
    return Trace.of(model, solution)


def settled(whole, trace):
    with templating():
        return settle(assemble(whole), trace)


def test_a_plan_carried_out_as_foreseen_is_the_plan_and_its_bill_is_the_objective():
    """Nothing deviates: every flow, stock and ledger line comes out as planned, and the audit holds."""
    whole = with_before(steel(), {})
    planned = solved_trace(whole)
    done = carry_out(whole, planned, levels_of(whole, before(whole)), forecast=whole)
    for asset, ports in planned.flows.items():
        for port, rates in ports.items():
            assert done.trace.flows[asset][port] == pytest.approx(rates, abs=1e-6), (asset, port)
    with templating():
        model = assemble(whole)
    outcome, _, _ = optimise(model, Settings(gap=0.0))
    result = settled(whole, done.trace)
    assert result.cost == pytest.approx(outcome.objective)
    assert not audit(result).findings


def test_every_bus_of_a_chain_is_balanced_when_loads_deviate():
    """More hydrogen, more heat, more power than foreseen: tank, boiler with gas, and grid take it; it audits."""
    whole = with_before(steel(), {})
    planned = solved_trace(whole)
    assets = dict(whole.assets)
    for name, factor in (("line", 1.2), ("bath", 0.95), ("mill", 1.3)):
        asset = assets[name]
        assets[name] = asset.model_copy(update={"demand": series(asset.demand.on(whole.timeline) * factor)})
    actual = replace(whole, assets=assets)
    done = carry_out(actual, planned, levels_of(whole, before(whole)), forecast=whole)
    assert not done.shortfalls
    assert not audit(settled(actual, done.trace)).findings
    boiler = done.trace.flows["boiler"]
    assert boiler["output"] == pytest.approx([19.0, 28.5, 38.0, 23.75], abs=1e-6)
    assert boiler["input"] == pytest.approx(-boiler["output"] / 0.8)


def test_the_rules_make_a_plan_that_the_audit_passes():
    whole = with_before(steel(), {})
    with templating():
        ports = ports_of(assemble(whole))
    done = rule_plan(whole, ports, levels_of(whole, before(whole)), None)
    assert not done.shortfalls
    assert not audit(settled(whole, done.trace)).findings


def test_the_rules_start_stacks_when_none_is_on():
    whole = with_before(steel(), {"stack": {"on_before": 0, "standby_before": 1}})
    with templating():
        ports = ports_of(assemble(whole))
    done = rule_plan(whole, ports, levels_of(whole, before(whole)), None)
    assert done.trace.states["stack"]["warm_starts"].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert not audit(settled(whole, done.trace)).findings


def test_the_rules_charge_in_the_valley_and_discharge_in_the_peak():
    """Prices 1, 2, 3, 4 over a load of 4 kW: the cheapest hour charges, the dearest discharges."""
    whole = site([4.0] * 4, [0.0] * 4)
    whole = replace(
        whole,
        assets={**whole.assets, "grid": whole.assets["grid"].model_copy(update={"import_price": series([1, 2, 3, 4])})},
    )
    with templating():
        ports = ports_of(assemble(whole))
    done = rule_plan(whole, ports, LEVELS, None)
    net = done.trace.flows["battery"]["charge"] + done.trace.flows["battery"]["discharge"]
    assert net[0] == pytest.approx(-4.0)
    assert net[1:3].tolist() == pytest.approx([0.0, 0.0])
    assert net[3] == pytest.approx(4.0)


def test_states_are_handed_on_stack_by_stack_and_hour_by_hour():
    """A stack that starts in the last hour is told as started an hour ago; stored energy is told as a share."""
    whole = with_before(steel(), {})
    with templating():
        model = assemble(whole)
    trace = solved_trace(whole)
    states = {name: values.copy() for name, values in trace.states["stack"].items()}
    on = np.array([1.0, 1.0, 1.0, 2.0])
    states |= {
        "on": on,
        "cold_starts": np.array([0.0, 0.0, 0.0, 1.0]),
        "standby": on * 0,
        "stops": on * 0,
        "cools": on * 0,
    }
    told = after(model, replace(trace, states={**trace.states, "stack": states}), before(whole))
    assert told["stack"]["moves_before"] == [{"move": "cold_start", "hours": 1.0, "stacks": 1}]
    assert told["stack"]["on_before"] == 2
    assert told["tank"]["initial_fill"] == pytest.approx(trace.stocks["tank"]["stored"][-1] / 5.0)
    assert told["boiler"]["commitment.on_before"] is True


def test_a_months_peak_is_the_highest_mean_of_a_metering_window():
    timeline = Timeline.of_hours([0.25] * 8, "2026-01-31T23:00+00:00")
    rate = np.array([4.0, 8.0, 2.0, 2.0, 9.0, 1.0, 1.0, 1.0])
    assert month_peaks(rate, timeline, 15) == {"2026-01": 8.0, "2026-02": 9.0}
    assert month_peaks(rate, timeline, 30, 7.0) == {"2026-01": 7.0, "2026-02": 5.0}
    charge = DemandCharge(price=2.0, peak_so_far=8.5)
    assets = {"grid": GridConnection(capacity=Fixed(amount=20.0), import_price=series(1.0), demand_charge=charge),
              "load": ProductionLoad(demand=series(rate))}  # fmt: skip
    whole = plant(assets, timeline)
    with templating():
        model = assemble(whole)
    outcome, _, _ = optimise(model, Settings(gap=0.0))
    assert outcome.objective == pytest.approx(0.25 * rate.sum() + 2.0 * (8.5 + 9.0))


def test_reserve_is_what_is_left_of_power_and_of_energy_for_an_hour():
    """The battery holds 5 kWh at 50 %: 2.5 kW up for an hour; down 4 kW of power. The roof of 10 kW gives 6 of them."""
    whole = site([6.0], [0.5], sheddable=0.5, shed_price=9.0)
    trace = carry_out(whole, still(whole, roof__output=[6.0]), LEVELS, forecast=site([6.0], [1.0])).trace
    trace = replace(trace, flows={**trace.flows, "roof": {"output": np.array([6.0])}})
    table = reserve(whole, trace).set_index("asset")
    assert table.loc["battery", ["up", "down"]].tolist() == pytest.approx([2.5, 4.0])
    assert table.loc["roof", ["up", "down"]].tolist() == pytest.approx([4.0, 6.0])
    assert table.loc["load", ["up", "down"]].tolist() == pytest.approx([3.0, 0.0])
