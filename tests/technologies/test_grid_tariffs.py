"""Grid connection under tariffs: plans worked out by hand. Rebates, choices, contracts, ratchets, netting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from microgrid.errors import InputError
from microgrid.model import assemble
from microgrid.tariffs.past import Past
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from solvers import templating
from solvers.compile import compile_model
from tests.plants import plant, refusal, solved
from tests.tariffs.bills import tariff

LEAP = 366 * 24


def grid(components: dict[str, Any], capacity: Any = 500.0, **more: Any) -> GridConnection:
    """Return a connection; what the tariff does not know goes to the connection."""
    own = {key: more.pop(key) for key in list(more) if key in GridConnection.model_fields}
    return GridConnection(capacity=capacity, tariff=tariff(components, **more), **own)


def load(demand: Any, **more: Any) -> ProductionLoad:
    return ProductionLoad(demand=demand, **more)


def cells(energy: float) -> Battery:
    """Return a battery without losses that is empty at first."""
    return Battery(energy=energy, power=999.0, charge_efficiency=1.0, discharge_efficiency=1.0, initial_charge=0.0)


def demand(**more: Any) -> dict[str, Any]:
    return {"kind": "demand", "price": 10.0, "window": 1.0} | more


CLOCK = {
    "multipliers": {"critical": "1.25 x peak", "peak": 2.0, "valley": 0.5},
    "days": [{"hours": {"valley": "0-2", "peak": "2-3", "critical": "rest"}}],
}


def test_each_component_is_a_line_and_only_some_float():
    """Hours at 0.5, 0.5, 2 and 2.5; 10 kW. Market 0.4: 10 * 0.4 * 5.5 = 22. Grid 0.1: 4.

    A battery of 20 kWh charges in the valley what both dear hours want: 40 kWh at 0.2: 8.
    """
    parts = {"market": {"price": 0.4, "floats": True}, "grid": {"price": 0.1}}
    plain = solved({"g": grid(parts, time_of_use=CLOCK), "l": load(10.0)}, [1.0] * 4)
    assert plain.cost == pytest.approx(26.0)
    names = [entry.cost.line for entry in plain.model.ledger.costs]
    assert names == ["market", "grid"]
    shifted = solved({"g": grid(parts, time_of_use=CLOCK), "l": load(10.0), "b": cells(20.0)}, [1.0] * 4)
    assert shifted.cost == pytest.approx(8.0 + 4.0)


def test_a_rising_tier_needs_no_binary_and_a_falling_one_does():
    """100 kWh: 60 at 1 and 40 at 2; or 60 at 2 and 40 at 1. Falling tiers without a binary would cost 100."""
    rising = {"m": {"tiers": [{"up_to": 60.0, "price": 1.0}, {"price": 2.0}]}}
    falling = {"m": {"tiers": [{"up_to": 60.0, "price": 2.0}, {"price": 1.0}]}}
    for parts, cost, binaries in ((rising, 140.0, 0), (falling, 160.0, 1)):
        plan = solved({"g": grid(parts), "l": load(100.0)})
        assert plan.cost == pytest.approx(cost)
        assert plan.outcome.integers == binaries


def test_energy_is_cheaper_unserved_than_in_the_dear_tier():
    """Unserved at 1.5: the second tier at 2 is not used. 60 + 40 * 1.5 = 120."""
    parts = {"m": {"tiers": [{"up_to": 60.0, "price": 1.0}, {"price": 2.0}]}}
    assert solved({"g": grid(parts), "l": load(100.0, unserved_price=1.5)}).cost == pytest.approx(120.0)


def test_each_period_has_a_peak_of_its_own():
    """Dear peaks in hour 2 alone: 30 kW at 10; the 80 kW of hour 0 are free. 10 kWh of battery take 10 kW off: 200."""
    parts = {"m": {"price": 0.0}, "d": demand(price={"peak": 10.0})}
    around = {"l": load([80.0, 0.0, 30.0, 0.0])}
    assert solved({"g": grid(parts, time_of_use=CLOCK), **around}, [1.0] * 4).cost == pytest.approx(300.0)
    plan = solved({"g": grid(parts, time_of_use=CLOCK), **around, "b": cells(10.0)}, [1.0] * 4)
    assert plan.cost == pytest.approx(200.0)
    assert plan.state("g", "d peak peak") == pytest.approx([20.0])


@pytest.mark.parametrize(("counted", "cost"), [("count", 400.0), ("ignore", 100.0)])
def test_a_window_that_is_cut_short_counts_or_not(counted, cost):
    """Windows of two hours, three hours of horizon: 0 and 20 kW are 10 on average; the third hour's 40 kW lie alone."""
    parts = {"d": demand(window=2.0, incomplete_windows=counted)}
    assert solved({"g": grid(parts), "l": load([0.0, 20.0, 40.0])}, [1.0] * 3).cost == pytest.approx(cost)


def test_a_ratchet_makes_an_early_peak_dear():
    """31 January: 100 kW, a battery of 40 kWh; 1 February: 10 kW. 80 % of January's 60 kW is billed in February.

    60 + 48 = 108 at 10. Without the ratchet 60 + 10; without the battery 100 + 80.
    """
    timeline = Timeline.of_hours([1.0, 1.0, 1.0], "2026-01-31T22:00+00:00")
    parts = {"m": {"price": 0.0}, "d": demand(ratchet={"share": 0.8, "look_back": 1})}
    plan = solved({"g": grid(parts), "b": cells(40.0), "l": load([20.0, 100.0, 10.0])}, timeline)
    assert plan.cost == pytest.approx(10 * (60 + 48))
    told = solved({"g": grid(parts, past=Past(months={"2025-12": 200.0})), "l": load([0.0, 0.0, 0.0])}, timeline)
    assert told.cost == pytest.approx(1600.0), "January is billed 160 kW for December; February looks back at none"


def test_the_contract_is_chosen_where_the_last_kilowatt_pays():
    """A peak of 126 kW that nothing can shave, beyond 105 % billed double: 10 * (C + 2 * (126 - 1.05 C)).

    Each kW less of contract saves 10 and costs 21: so the contract is 126 / 1.05 = 120 kW, 1,200.
    """
    part = demand(basis="contract", overrun={"allowed": 1.05, "factor": 2.0})
    chosen = grid({"d": part}, contract_demand={"high": 400.0})
    plan = solved({"g": chosen, "l": load(126.0)})
    assert plan.size("g", "contract_demand") == pytest.approx(120.0)
    assert plan.cost == pytest.approx(1200.0)
    fixed = grid({"d": part}, contract_demand=100.0)
    assert solved({"g": fixed, "l": load(126.0)}).cost == pytest.approx(10 * (100 + 2 * 21))


def test_the_contract_is_at_least_a_share_of_the_transformer():
    """126 kW of load, a transformer of 1,000 kVA: 40 % are 400 kW, 4,000."""
    part = demand(basis="contract", overrun={}, least_contract=0.4)
    plan = solved({"g": grid({"d": part}, contract_demand={"high": 900.0}, transformer=1000.0), "l": load(126.0)})
    assert plan.size("g", "contract_demand") == pytest.approx(400.0)
    assert plan.cost == pytest.approx(4000.0)


def test_the_rebate_is_worth_importing_more():
    """Four hours, all of the month that is covered: 4 / 744 of 260 kWh on 100 kVA are 139.78 kWh. Demand 1,000 a kW.

    30 kW of load are 120 kWh: 30,000 without the rebate. 35 kW all the time are 140 kWh; but only 139.78 are wanted:
    34.946 kW at 900 = 31,452 is dearer than 30,000. At a rebate of a half, 17,473: so much is burnt in the battery.
    """
    wanted = 260 * 100 * 4 / 744
    leaky = Battery(energy=100.0, power=99.0, charge_efficiency=0.5, discharge_efficiency=0.5, initial_charge=0.0)
    for share, cost in ((0.1, 30_000.0), (0.5, 500 * wanted / 4)):
        part = demand(price=1000.0, rebate={"share": share, "energy": 260.0})
        plan = solved({"g": grid({"d": part}, transformer=100.0), "l": load(30.0), "b": leaky}, [1.0] * 4)
        assert plan.cost == pytest.approx(cost)


def test_the_rebate_counts_the_energy_before_the_horizon():
    """The last day of March, 50,000 kWh before it: 50,240 of 260 * 193 = 50,180 wanted: 9 * 10. 49,900 are too few."""
    timeline = Timeline.of_hours([24.0], "2026-03-31T00:00+00:00")
    part = demand(rebate={"share": 0.1, "energy": 260.0})
    for before, cost in ((50_000.0, 90.0), (49_900.0, 100.0)):
        told = grid({"d": part}, transformer=193.0, past=Past(energy=before))
        assert solved({"g": told, "l": load(10.0)}, timeline).cost == pytest.approx(cost)


OPTIONS = {
    "energy": {"price": 0.5},
    "single": {"price": 0.3, "options": ["single"]},
    "measured": demand(options=["measured"]),
    "transformer": demand(basis="transformer", price=4.0, options=["transformer"]),
}
NAMES = {"options": {"single": "", "measured": "", "transformer": ""}}


@pytest.mark.parametrize(
    ("hours", "peak", "option", "cost"),
    [
        (10.0, 50.0, "single", 500 * 0.8),
        (400.0, 30.0, "measured", 12_000 * 0.5 + 300),
        (400.0, 90.0, "transformer", 36_000 * 0.5 + 800),
    ],
)
def test_the_billing_option_is_chosen(hours, peak, option, cost):
    """One part costs 0.3 a kWh more; two cost 10 a measured kW, or 4 for each of 200 kVA.

    500 kWh at 50 kW: 150 against 500 and 800. 12,000 kWh at 30 kW: 3,600, 300, 800. 36,000 kWh at 90 kW: 900 or 800.
    """
    chosen = grid(OPTIONS, billing="choose", transformer=200.0, **NAMES)
    plan = solved({"g": chosen, "l": load(peak)}, Timeline.of_hours([hours], "2026-03-01T00:00+00:00"))
    assert plan.cost == pytest.approx(cost)
    assert plan.state("g", f"billed by {option}") == pytest.approx([1.0])
    told = grid(OPTIONS, billing=option, transformer=200.0, **NAMES)
    assert solved({"g": told, "l": load(peak)}, Timeline.of_hours([hours], "2026-03-01T00:00+00:00")).cost == (
        pytest.approx(cost)
    )


def test_the_capacity_fee_sizes_the_connection():
    """A whole March hour by hour is 744 h; the fee is 0.1 * 0.5 * 730 = 36.5 a kW. 40 kW of base, 100 kW for two hours.

    A kW of the last 60 is wanted for 2 h: unserved at 10 it costs 20, less than 36.5; at 20 it costs 40, more.
    """
    timeline = Timeline.of_hours([742.0, 2.0], "2026-03-01T00:00+00:00")
    fee = {"fee": {"kind": "capacity_fee", "energy_price": 0.1, "load_factor": 0.5}}
    for unserved, size, cost in ((10.0, 40.0, 40 * 36.5 + 1200), (20.0, 100.0, 3650.0)):
        connection = grid(fee, {"high": 300.0})
        plan = solved({"g": connection, "l": load([40.0, 100.0], unserved_price=unserved)}, timeline)
        assert plan.size("g", "capacity") == pytest.approx(size)
        assert plan.cost == pytest.approx(cost)


def test_a_coincident_peak_is_avoided_and_others_are_not():
    """Event in hour 1 at 50 a kW; 20 kW of load, 15 kWh of battery: 5 kW are left: 250."""
    event = {"name": "peak", "price": 50.0, "hours": ["2026-01-05T01:00/2026-01-05T02:00"]}
    parts = {"c": {"kind": "coincident", "events": [event]}}
    plan = solved({"g": grid(parts), "b": cells(15.0), "l": load(20.0)}, [1.0] * 3)
    assert plan.cost == pytest.approx(250.0)


def test_net_metering_nets_within_the_month():
    """30 kW out in one hour, 50 kW in in another: 20 kWh at 0.5. A component that is not netted is paid on all 50."""
    net = {"net_metering": {"per": "month", "surplus_price": 0.1}}
    around = {"l": load([0.0, 50.0]), "pv": Photovoltaic(capacity=30.0, availability=[1.0, 0.0])}
    plan = solved({"g": grid({"m": {"price": 0.5}}, export=net), **around}, [1.0, 1.0])
    assert plan.cost == pytest.approx(10.0)
    assert plan.flow("g", "export") == pytest.approx([-30.0, 0.0])
    gross = {"m": {"price": 0.5, "netted": False}}
    assert solved({"g": grid(gross, export=net), **around}, [1.0, 1.0]).cost == pytest.approx(25.0)


@pytest.mark.parametrize(("per", "cost"), [("month", 25.0 - 3.0), ("year", 10.0)])
def test_net_metering_by_month_or_year(per, cost):
    """30 kWh out in January, 50 kWh in in February: by month 25 less 30 * 0.1, by year 20 * 0.5."""
    timeline = Timeline.of_hours([1.0, 1.0], "2026-01-31T23:00+00:00")
    net = {"net_metering": {"per": per, "surplus_price": 0.1}}
    around = {"l": load([0.0, 50.0]), "pv": Photovoltaic(capacity=30.0, availability=[1.0, 0.0])}
    assert solved({"g": grid({"m": {"price": 0.5}}, export=net), **around}, timeline).cost == pytest.approx(cost)


def test_a_surplus_that_earns_more_than_imports_cost_is_no_money_machine():
    """Left over earns 0.9, imports cost 0.5: netted energy cannot be both, so 10 kWh out earn 9 and no more."""
    net = {"net_metering": {"per": "month", "surplus_price": 0.9}}
    plan = solved({"g": grid({"m": {"price": 0.5}}, export=net), "pv": Photovoltaic(capacity=10.0, availability=1.0)})
    assert plan.cost == pytest.approx(-9.0)


def test_import_keeps_to_the_transformer_at_its_power_factor():
    """100 kVA at 0.9 carry 90 kW; the rest of 95 kW stays unserved at 2."""
    connection = grid({"m": {"price": 0.0}}, transformer=100.0, power_factor=0.9)
    assert solved({"g": connection, "l": load(95.0, unserved_price=2.0)}).cost == pytest.approx(10.0)


def everything() -> GridConnection:
    """Return a connection that uses every kind of component, and the choice between options."""
    clock = CLOCK | {"days": [{"hours": {"valley": "0-2", "peak": "2-4", "critical": "rest"}}]}
    event = {"name": "e", "price": 1.0, "hours": ["2026-01-05T00:00/2026-01-05T01:00"]}
    parts = {
        "market": {"price": 0.4, "floats": True},
        "tiers": {"options": ["a"], "tiers": [
            {"up_to": 60.0, "price": 2.0}, {"up_to": 90.0, "price": 1.0}, {"price": 3.0}]},
        "by period": demand(price={"peak": 10.0, "valley": 1.0}, window=2.0),
        "measured": demand(options=["a"], rebate={}, ratchet={"share": 0.5, "look_back": 1}),
        "in tiers": {"kind": "demand", "window": 2.0, "tiers": [{"up_to": 5.0, "price": 3.0}, {"price": 1.0}]},
        "contract": demand(basis="contract", overrun={}, least_contract=0.4, options=["b"]),
        "transformer": demand(basis="transformer", options=["b"]),
        "events": {"kind": "coincident", "window": 2.0, "events": [event]},
        "fee": {"kind": "capacity_fee", "energy_price": 0.1, "load_factor": 0.5, "options": ["a"]},
        "fixed": {"kind": "fixed", "amount": 5.0, "options": ["b"]},
    }  # fmt: skip
    return grid(
        parts, {"high": 90.0}, time_of_use=clock, options={"a": "", "b": ""}, billing="choose",
        transformer={"low": 10.0, "high": 90.0, "capex": 5.0}, contract_demand={"high": 60.0},
        export={"price": {"valley": 0.1, "peak": 0.2, "critical": 0.3}},
    )  # fmt: skip


def netting() -> GridConnection:
    """Return a connection with net metering."""
    return grid({"m": {"price": 0.5}}, time_of_use=CLOCK, export={"net_metering": {"surplus_price": 0.9}})


@pytest.mark.parametrize("connection", [everything(), netting()], ids=["everything", "netting"])
def test_every_row_is_a_template(connection):
    standing = {"g": connection, "l": load([10.0, 20.0, 10.0, 5.0, 1.0, 2.0])}
    timeline = Timeline.of_hours([1.0] * 6, "2026-01-05T00:00+00:00")
    with templating():
        matrix = compile_model(assemble(plant(standing, timeline)).pyomo)
    assert matrix.fell_back == {}


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        ({}, "neither tariff nor import_price", "one of tariff and import_price"),
        ({"tariff": tariff({"m": {"price": 1.0}}), "import_price": 1.0},
         "tariff and import_price", "one of tariff and import_price"),
        ({"tariff": tariff({"m": {"price": 1.0}}), "capacity_charge": 2.0},
         "capacity_charge beside a tariff", "a tariff, or plain prices"),
        ({"tariff": tariff({"m": {"price": 1.0}}), "export_limit": 2.0},
         "export_limit without export in the tariff", "an export in the tariff"),
        ({"tariff": tariff(OPTIONS, **NAMES)}, "no billing option", "one of single, measured, transformer, choose"),
        ({"tariff": tariff(OPTIONS, **NAMES), "billing": "messured"}, "messured",
         "one of single, measured, transformer, choose"),
        ({"tariff": tariff({"d": demand()}), "past": Past(peaks={"dd": 3.0})}, "unknown name", "one of d"),
        ({"import_price": 1.0, "past": Past(energy=3.0)}, "past beside plain prices",
         "a tariff, or demand_charge.peak_so_far"),
        ({"tariff": tariff({"m": {"price": 1.0}}), "billing": "a"}, "billing a",
         "a tariff with options, or no billing"),
        ({"tariff": tariff({"d": demand(rebate={})})}, "no transformer",
         "a transformer, which the tariff's component d is billed by"),
        ({"tariff": tariff({"d": demand(basis="contract")})}, "no contract_demand",
         "a contract_demand, which the tariff's component d is billed by"),
        ({"tariff": tariff({"d": demand(basis="contract", least_contract=0.4)}), "contract_demand": 39.0,
          "transformer": 100.0}, "a contract_demand of 39 kW", "40 kW or more, 40% of the transformer's capacity"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        GridConnection(capacity=100.0, **fields)
    assert refusal(caught.value) == (found, wanted)


@pytest.mark.parametrize(
    ("components", "more", "hours", "told"),
    [
        ({"m": {"price": 1.0}}, {"valid_to": "2025-12-31"}, [1.0],
         "assets.g.tariff.valid_to: 2025-12-31, before the horizon's last day 2026-01-05\n"
         "   wanted a horizon within the tariff's validity; take another tariff, or write outside_validity: accept"),
        ({"m": {"price": 1.0, "valid_from": "2026-02-01"}}, {}, [1.0],
         "assets.g.tariff.components.m.valid_from: 2026-02-01, after the horizon's first day 2026-01-05\n"
         "   wanted a horizon within the tariff's validity; take another tariff, or write outside_validity: accept"),
        ({"m": {"price": {"2026-02": 1.0}}}, {}, [1.0],
         "assets.g.tariff.components.m.price: nothing for 2026-01\n   wanted a price for every month of the horizon"),
        ({"d": demand(window=0.25)}, {}, [0.1, 0.1, 0.1],
         "assets.g.tariff.components.d.window: the step at 2026-01-05T00:12+00:00 of 6 min\n"
         "   wanted steps that divide or fill metering windows of 15 min; choose another step or another window"),
        ({"d": demand(price={"peak": 1.0})}, {"time_of_use": CLOCK}, [1.0, 2.0],
         "assets.g.tariff.components.d.price: the step at 2026-01-05T01:00+00:00 of 120 min, which an edge of the "
         "clock cuts\n   wanted steps that each lie in one period; choose shorter steps"),
        ({"m": {"price": 1.0}}, {"time_zone": "Asia/Shanghai"}, [1.0],
         "assets.g.tariff.time_zone: Asia/Shanghai\n   wanted a site whose clocks show the same, not UTC; set "
         "site.time_zone, or the tariff's"),
        ({"m": {"price": 1.0}, "n": {"price": {"1": 1.0, "2": 2.0}}}, {"export": {"net_metering": {"per": "year"}}},
         [24.0 * 28, 24.0 * 20],
         "assets.g.tariff.components.n.price: prices from 1 to 2 within all day, 2026\n   wanted one price in each "
         "period of what net metering nets; net by the month, or netted: false"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_horizon_is_told(components, more, hours, told):
    with pytest.raises(InputError) as caught:
        plant({"g": grid(components, **more)}, np.array(hours))
    assert str(caught.value) == told


def test_peaks_on_weighted_steps_are_refused():
    with pytest.raises(InputError, match="a horizon with weights"):
        plant({"g": grid({"d": demand()})}, Timeline.of_hours([1.0], weights=[2.0]))


@pytest.mark.parametrize(("load_of", "option", "cost"), [(100.0, "a", 96_000.0), (1.0, "b", 6_720.0)])
def test_options_on_weighted_steps_count_what_the_steps_stand_for(load_of, option, cost):
    """Two typical days of 2026, 200 and 165 times, hence 8,760 h and twelve months; 5 a month on each of 1,600 kW.

    Option a is the capacity alone: 96,000. Option b is 0.5 a kWh in the first day's 4,800 h, and 4 all year long in the
    first two hours, 365 * 2: at 1 kW 2,400 + 2,920, and a fee of 1,400 in all; at 100 kW hundred times that.
    """
    timeline = Timeline.of_hours([2.0, 22.0, 2.0, 22.0], weights=[200.0, 200.0, 165.0, 165.0])
    parts = {
        "capacity": demand(basis="connection", price=5.0, prorated=True, options=["a"]),
        "energy": {"price": [0.5, 0.5, 0.0, 0.0], "options": ["b"]},
        "early": {"price": {"early": 4.0, "late": 0.0}, "options": ["b"]},
        "fee": {"kind": "fixed", "amount": 1400.0 / 12, "options": ["b"]},
    }
    clock = {"days": [{"hours": {"early": "0-2", "late": "rest"}}]}
    chosen = grid(parts, 1600.0, time_of_use=clock, options={"a": "", "b": ""}, billing="choose")
    plan = solved({"g": chosen, "l": load(load_of)}, timeline)
    assert plan.cost == pytest.approx(cost)
    assert plan.state("g", f"billed by {option}") == pytest.approx([1.0])


def test_outside_of_its_validity_a_tariff_may_be_accepted():
    plan = solved({"g": grid({"m": {"price": 2.0}}, valid_to="2025-12-31", outside_validity="accept"), "l": load(3.0)})
    assert plan.cost == pytest.approx(6.0)


def test_a_rebate_presses_the_bus_and_a_plain_tariff_does_not():
    assert grid({"d": demand(rebate={})}, transformer=10.0).presses() == {"electricity"}
    assert grid({"m": {"price": -0.1}}).presses() == {"electricity"}
    assert grid({"m": {"price": -0.1}, "n": {"price": 0.2}}).presses() == frozenset()
