"""The carbon account: what each standard counts, what is priced, and that the audit finds what is counted twice."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from microgrid.accounts import EMISSION_COLUMNS, Accounting, Offset
from microgrid.audit import audit
from microgrid.capacity import Fixed
from microgrid.plant import Objective, Plant
from microgrid.results import Result
from microgrid.running import solve_plant
from microgrid.series import Series
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.process import Process
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline


def grid(**more) -> GridConnection:
    fields = {"capacity": Fixed(amount=500.0), "import_price": 0.5, "export_price": 0.1, "location_factor": 0.6}
    return GridConnection(**fields | {"market_factor": 0.7, "upstream_factor": 0.05} | more)


def assets(**more) -> dict:
    """Return a plant of every part of the account.

    Over 0.5 h and 2 h: load 100 kW, sun 60 then 150 kW, so 20 kWh are imported and 100 kWh exported. 10 kg/h of
    product, 0.4 kg each: 10 kg. Gas 20 kW at 0.2: 10 kg. Wood 8 kW at 0.35: 7 kg of biogenic carbon dioxide.
    """
    return {
        "grid": grid(**more),
        "roof": Photovoltaic(capacity=Fixed(amount=300.0), availability=[0.2, 0.5]),
        "load": ProductionLoad(demand=100.0),
        "kiln": Process(production=10.0, process_factor=0.4),
        "gas": Supply(bus="natural_gas", price=0.05, scope_1_factor=0.2),
        "oven": ProductionLoad(bus="natural_gas", demand=20.0),
        "wood": Supply(bus="fuel", price=0.03, biogenic_factor=0.35),
        "stove": ProductionLoad(bus="fuel", demand=8.0),
    }


def planned(accounting: Accounting, objective: Objective | None = None, **more) -> Result:
    wanted = {"objective": objective or Objective(), "accounting": accounting, "currency": "CNY"}
    result = solve_plant(Plant(Timeline.of_hours([0.5, 2.0]), assets(**more), **wanted))
    assert result.manifest["audit"]["findings"] == []
    return result


SCOPES = {"scope_1": 20.0, "scope_2_location": 12.0, "scope_2_market": 14.0, "scope_3": 1.0, "biogenic": 7.0}


def test_after_the_ghg_protocol_exports_reduce_nothing():
    """20 kWh at 0.6 and at 0.7, 10 + 10 kg direct; 100 kWh exported at 0.6 are told apart: 60 kg."""
    told = planned(Accounting()).manifest["emissions"]
    totals = {"emissions_location": 32.0, "emissions_market": 34.0, "emissions": 32.0, "exported": -60.0}
    assert told == pytest.approx(SCOPES | totals)


def test_after_gb_t_32150_exports_are_taken_off_on_their_own_line():
    """Fuel 10 + process 10 + purchased 12 - exported 60; scope 2 itself stays what was bought."""
    told = planned(Accounting(standard="gb_t_32150")).manifest["emissions"]
    totals = {"emissions_location": -28.0, "emissions_market": -26.0, "emissions": -28.0, "exported": -60.0}
    assert told == pytest.approx(SCOPES | totals)


def test_exports_have_a_factor_of_their_own_where_one_is_given():
    told = planned(Accounting(standard="gb_t_32150"), export_factor=0.5).manifest["emissions"]
    assert told["exported"] == pytest.approx(-50.0)
    assert told["emissions_location"] == pytest.approx(32.0 - 50.0)


def test_exports_count_only_where_scope_2_does():
    objective = Objective(scopes=(1, 3))
    told = planned(Accounting(standard="gb_t_32150"), objective).manifest["emissions"]
    assert told["emissions"] == pytest.approx(21.0)


def test_a_covered_plant_pays_for_direct_emissions_alone_beside_an_internal_price():
    """20 kg of scope 1 at 0.06 less 15 kg free, and 32 kg of scopes 1 and 2 at 0.01, and scope 3 at 0.5."""
    accounting = Accounting(trading_price=0.06, allowances=15.0)
    result = planned(accounting, Objective(carbon_price=0.01, carbon_prices={"scope_3": 0.5}))
    lines = result.costs[result.costs["category"] == "carbon"].groupby("line", observed=True)["amount"].sum()
    assert lines.to_dict() == pytest.approx(
        {"emissions trading": 1.2, "free allowances": -0.9, "emissions priced": 0.32, "scope_3 priced": 0.5}
    )


def test_a_price_of_direct_emissions_leaves_purchases_alone():
    """Gas heat at 0.05 + 0.2 kg * 0.3 = 0.11 against power at 0.1 and, if it is asked for, 0.6 kg.

    With a price on scope 1 power is cheaper; with the same price on scopes 1 and 2 gas stays the cheaper one.
    """
    plant = {
        "grid": GridConnection(capacity=Fixed(amount=100.0), import_price=0.1, location_factor=0.6),
        "gas": Supply(bus="natural_gas", price=0.05, scope_1_factor=0.2),
        "burner": Boiler(bus_in="natural_gas", capacity=Fixed(amount=50.0), efficiency=1.0),
        "electrode": Boiler(bus_in="electricity", capacity=Fixed(amount=50.0), efficiency=1.0),
        "dryer": ProductionLoad(bus="heat", demand=40.0),
    }
    timeline = Timeline.of_hours([1.0])
    traded = solve_plant(Plant(timeline, plant, accounting=Accounting(trading_price=0.3), currency="CNY"))
    internal = solve_plant(Plant(timeline, plant, objective=Objective(carbon_price=0.3), currency="CNY"))
    assert traded.manifest["emissions"]["scope_1"] == pytest.approx(0.0)
    assert traded.cost == pytest.approx(4.0)
    assert internal.manifest["emissions"]["scope_1"] == pytest.approx(8.0)
    assert internal.cost == pytest.approx(40 * 0.11)


@pytest.mark.parametrize("column", ["exported", "biogenic", "scope_3", "emissions_market"])
def test_every_column_may_carry_a_cap(column):
    reached = planned(Accounting()).manifest["emissions"][column]
    capped = planned(Accounting(), Objective(caps={column: reached + 1.0}))
    assert capped.manifest["emissions"][column] <= reached + 1.0


def test_passing_through_never_pays_where_an_export_takes_more_off_than_an_import_puts_on():
    """Exports take 0.9 kg off, imports put 0.6 on: at 1 a kg, 0.3 could be earned on each kWh passed through.

    Import and export at once are excluded at such steps, whatever the prices are.
    """
    accounting = Accounting(standard="gb_t_32150")
    result = planned(accounting, Objective(carbon_price=1.0), export_factor=0.9)
    flows = result.flows.pivot_table(index="time", columns=["asset", "port"], values="rate", observed=True)
    assert np.minimum(flows["grid", "import"].abs(), flows["grid", "export"].abs()).max() == pytest.approx(
        0.0, abs=1e-6
    )


def test_offsets_change_nothing():
    """An offset larger than all that is emitted: no column, no cost and no plan is another."""
    bare = planned(Accounting())
    offset = planned(Accounting(offsets=(Offset("forest", 1000.0, "CCER"),)))
    assert offset.manifest["emissions"] == bare.manifest["emissions"]
    assert offset.cost == bare.cost


@pytest.mark.parametrize("standard", ["ghg_protocol", "gb_t_32150"])
def test_the_location_based_total_follows_from_the_flows_alone(standard):
    """Recomputed from the frame of flows and the factors, by nothing that the ledger is made of."""
    result = planned(Accounting(standard=standard))
    energy = result.flows.merge(result.steps, on="time")
    energy["amount"] = energy["rate"] * energy["hours"] * energy["weight"]
    by = energy.groupby(["asset", "port"], observed=True)["amount"].sum()
    total = 0.6 * by["grid", "import"] + 0.2 * by["gas", "supply"] + 0.4 * 10.0 * 2.5
    total += 0.6 * by["grid", "export"] * (standard == "gb_t_32150")
    assert result.manifest["emissions"]["emissions_location"] == pytest.approx(total, rel=1e-9)


def findings(result: Result) -> list[str]:
    return [str(finding) for finding in audit(result).findings]


def test_a_line_that_stands_twice_is_found():
    """The same kilograms on both bases and again on one; totals and manifest made to fit."""
    result = planned(Accounting())
    again = result.emissions[result.emissions["line"] == "import, location-based"]
    twice = replace(result, emissions=pd.concat([result.emissions, again], ignore_index=True))
    manifest = deepcopy(result.manifest)
    for column in ("emissions", "scope_2_location", "emissions_location"):
        manifest["emissions"][column] += 12.0
    assert [text for text in findings(replace(twice, manifest=manifest)) if "stands twice" in text]


def test_an_export_within_scope_2_is_found():
    """What is exported and what is bought netted in one scope: gross purchases would no longer be told."""
    result = planned(Accounting(standard="gb_t_32150"))
    frame = result.emissions.astype({"scope": int})
    frame.loc[frame["line"] == "export", "scope"] = 2
    assert [text for text in findings(replace(result, emissions=frame)) if "exported 'export' in scope 2" in text]


def test_biogenic_carbon_dioxide_in_a_total_is_found():
    result = planned(Accounting())
    frame = result.emissions.astype({"scope": int})
    frame.loc[frame["line"] == "supply, biogenic", "scope"] = 1
    found = findings(replace(result, emissions=frame))
    assert [text for text in found if "column scope_1" in text]
    assert [text for text in found if "biogenic 'supply, biogenic' in scope 1" in text]


def test_a_total_that_an_offset_lowered_is_found():
    """Offsets lower nothing: a total that is short of its scopes is a finding."""
    result = planned(Accounting(offsets=(Offset("forest", 5.0),)))
    manifest = deepcopy(result.manifest)
    manifest["emissions"]["emissions_location"] -= 5.0
    found = findings(replace(result, manifest=manifest))
    assert [text for text in found if "the total by location is the sum of its scopes" in text]


@pytest.mark.parametrize("line", ["emissions trading", "free allowances", "emissions priced"])
def test_a_carbon_price_that_is_booked_wrong_is_found(line):
    result = planned(Accounting(trading_price=0.06, allowances=15.0), Objective(carbon_price=0.01))
    costs = result.costs.copy()
    costs.loc[costs["line"] == line, "amount"] *= 1.1
    assert [
        text for text in findings(replace(result, costs=costs)) if text.startswith(f"plan: {line}: the price times")
    ]


def test_columns_tell_what_they_count():
    """Carbon dioxide alone where all factors say so; all gases where one does; and as the accounting says."""
    dioxide = Series(np.asarray(0.6), "kgCO2/kWh")
    alone = {"location_factor": dioxide, "market_factor": dioxide}
    plant = {"grid": grid(**alone), "load": ProductionLoad(demand=10.0)}
    timeline = Timeline.of_hours([1.0])
    told = solve_plant(Plant(timeline, plant, currency="CNY")).manifest["gases"]
    assert set(told) == set(EMISSION_COLUMNS)
    assert (told["scope_2_location"], told["emissions"]) == ("CO2", "CO2")
    every = solve_plant(Plant(timeline, plant, currency="CNY", accounting=Accounting(gases="CO2e"))).manifest["gases"]
    assert every["emissions"] == "CO2e"
