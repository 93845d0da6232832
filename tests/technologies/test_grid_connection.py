"""Grid connection: hand-computed bills and emissions."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from microgrid.errors import InputError
from microgrid.model import assemble
from microgrid.plant import Objective
from microgrid.series import Series
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import DemandCharge, GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from tests.plants import plant, refusal, solved


def sun(capacity, availability=1.0):
    return Photovoltaic(capacity=capacity, availability=availability)


def load(demand, **more):
    return ProductionLoad(demand=demand, **more)


def test_imports_keep_to_limit_and_capacity():
    """A load of 100 kW; a limit of 80 kW for half an hour, none for two hours, a capacity of 90 kW.

    20 kW, then 10 kW stay unserved at 5: 20 * 0.5 * 5 + 10 * 2 * 5 = 150. Bought 40 kWh at 0.3, 180 kWh at 0.1: 30.
    """
    grid = GridConnection(capacity=90.0, import_price=[0.3, 0.1], import_limit=[80.0, 500.0])
    plan = solved({"g": grid, "l": load(100.0, unserved_price=5.0)}, [0.5, 2.0])
    assert plan.cost == pytest.approx(150.0 + 30.0)
    assert plan.flow("g", "import") == pytest.approx([80.0, 90.0])


def test_exports_keep_to_limit_and_capacity():
    """100 kW of sun, 20 kW of load: 80 kW could be sold; 50 kW for half an hour by limit, 60 kW for 2 h by capacity."""
    grid = GridConnection(capacity=60.0, import_price=1.0, export_price=[0.2, 0.1], export_limit=[50.0, 99.0])
    plan = solved({"g": grid, "pv": sun(100.0), "l": load(20.0)}, [0.5, 2.0])
    assert plan.cost == pytest.approx(-50 * 0.2 * 0.5 - 60 * 0.1 * 2)
    assert plan.flow("g", "export") == pytest.approx([-50.0, -60.0])


def test_without_an_export_price_nothing_is_exported():
    """The sun's surplus is curtailed: the bill is zero, and there is no export port at all."""
    plan = solved({"g": GridConnection(capacity=60.0, import_price=1.0), "pv": sun(100.0), "l": load(20.0)}, [0.5])
    assert plan.cost == pytest.approx(0.0)
    assert [flow.port for flow in plan.model.contributions["g"].flows] == ["import"]


def test_a_negative_export_price_curtails_and_a_zero_limit_forbids():
    """Selling at -0.1 loses, so nothing is sold in the first step; in the second the limit is zero; the third sells."""
    grid = GridConnection(
        capacity=99.0, import_price=1.0, export_price=[-0.1, 0.5, 0.5], export_limit=[99.0, 0.0, 99.0]
    )
    plan = solved({"g": grid, "pv": sun(30.0)}, [2.0, 0.5, 1.5])
    assert plan.cost == pytest.approx(-30 * 0.5 * 1.5)


def test_it_does_not_trade_with_itself_at_negative_prices():
    """Import pays 0.2, export earns 0.1, and nothing on site can take energy: nothing can be earned.

    Importing and exporting 100 kW at once would bring 30 an hour.
    """
    grid = GridConnection(capacity=100.0, import_price=[-0.2, -0.2], export_price=[0.1, -0.1])
    assert solved({"g": grid}, [0.5, 2.0]).cost == pytest.approx(0.0)


def test_it_does_not_sell_all_sun_while_it_buys_the_load():
    """Selling earns 0.3, buying costs 0.1; 30 kW of sun, 10 kW of load.

    One meter sees the difference: 20 kW sold, -6 an hour for 1.5 h; then 10 kW bought for half an hour.
    Buying 10 kW while selling 30 kW would give -8 an hour.
    """
    grid = GridConnection(capacity=100.0, import_price=0.1, export_price=0.3)
    plan = solved({"g": grid, "pv": sun(30.0, [1.0, 0.0]), "l": load(10.0)}, [1.5, 0.5])
    assert plan.cost == pytest.approx(-6.0 * 1.5 + 10 * 0.1 * 0.5)


def test_binaries_stand_only_where_trading_with_itself_could_pay():
    """Only the second of three steps has an export price that is not below the import price."""
    grid = GridConnection(capacity=100.0, import_price=[0.3, 0.2, 0.3], export_price=[0.1, 0.2, 0.1])
    written = assemble(plant({"g": grid}, [1.0, 1.0, 1.0]))
    assert list(written.operation.block.asset["g"].importing) == [1]
    green = assemble(plant({"g": grid}, [1.0, 1.0, 1.0], Objective(goals=("emissions",))))
    assert list(green.operation.block.asset["g"].importing) == [0, 1, 2]


def quarters(count, start="2026-01-31T15:00+00:00", zone="Asia/Shanghai"):
    return Timeline.of_hours([0.25] * count, start, zone)


def test_demand_is_billed_by_month_on_the_mean_of_half_hours():
    """Two hours in quarters, from 23:00 on 31 January local time; 10 per kW of the half-hourly mean.

    January: means of 60 and 20: 40; of 50 and 10: 30; but 45 kW were measured before, so 45. February: 80 and 40: 60.
    Bill 450 + 600. By quarters it would be 600 + 800, in UTC months all is January: 600, without the past 400 + 600.
    """
    grid = GridConnection(
        capacity=500.0, import_price=0.0, demand_charge=DemandCharge(price=10.0, window=0.5, peak_so_far=45.0)
    )
    plan = solved({"g": grid, "l": load([60.0, 20.0, 50.0, 10.0, 80.0, 40.0, 20.0, 20.0])}, quarters(8))
    assert plan.cost == pytest.approx(1050.0)
    assert plan.state("g", "peak") == pytest.approx([45.0, 60.0])


def test_a_past_peak_counts_only_in_the_first_month():
    """20 kW all the time, 45 kW measured in January: 45 in January, 20 in February."""
    grid = GridConnection(capacity=500.0, import_price=0.0, demand_charge=DemandCharge(price=1.0, peak_so_far=45.0))
    plan = solved({"g": grid, "l": load(20.0)}, quarters(8))
    assert plan.state("g", "peak") == pytest.approx([45.0, 20.0])


def test_a_step_longer_than_the_window_counts_with_its_mean():
    """Two hours of 30 kW and a quarter of 70 kW: the peak is 70 kW, whatever the energy."""
    timeline = Timeline.of_hours([2.0, 0.25], "2026-03-01T00:00+00:00")
    grid = GridConnection(capacity=500.0, import_price=0.1, demand_charge=DemandCharge(price=2.0))
    plan = solved({"g": grid, "l": load([30.0, 70.0])}, timeline)
    assert plan.cost == pytest.approx(2.0 * 70 + 0.1 * (60 + 17.5))


@pytest.mark.parametrize(("window", "peak"), [(1.0, 70.0), (2.0, 60.0)])
def test_a_battery_shaves_what_the_meter_sees(window, peak):
    """Loads of 40 kW, 80 kW by hours, 10 kWh of battery: shaved to 50 and 70 in windows of an hour.

    In one window of two hours the mean is 60 kW, with or without a battery. Energy at 0.1: 12.
    """
    cells = Battery(
        energy=10.0, power=99.0, charge_efficiency=1.0, discharge_efficiency=1.0, initial_charge=0.0, exclusive="never"
    )
    grid = GridConnection(capacity=500.0, import_price=0.1, demand_charge=DemandCharge(price=10.0, window=window))
    plan = solved({"g": grid, "b": cells, "l": load([40.0, 80.0])}, [1.0, 1.0])
    assert plan.cost == pytest.approx(10 * peak + 12.0)


def test_steps_that_do_not_fill_the_window_are_refused():
    grid = GridConnection(capacity=500.0, import_price=0.0, demand_charge=DemandCharge(price=10.0))
    with pytest.raises(InputError) as caught:
        plant({"g": grid, "l": load(1.0)}, [0.1, 0.1, 0.1])
    assert str(caught.value) == (
        "assets.g.demand_charge.window: the step at 2026-01-05T00:12+00:00 of 6 min\n"
        "   wanted steps that divide or fill metering windows of 15 min; choose another step or another window"
    )


@pytest.mark.parametrize("window", [1e-12, 0.5 / 3600, 7 / 60, 2.5 * 24, 1e9])
def test_windows_that_drift_against_the_clock_are_refused(window):
    with pytest.raises(ValidationError) as caught:
        DemandCharge(price=10.0, window=window)
    assert refusal(caught.value) == ("", "a window that divides a day")


def test_a_demand_charge_on_weighted_steps_is_refused():
    grid = GridConnection(capacity=500.0, import_price=0.0, demand_charge=DemandCharge(price=10.0))
    with pytest.raises(InputError) as caught:
        plant({"g": grid}, Timeline.of_hours([1.0], weights=[2.0]))
    assert str(caught.value) == (
        "assets.g.demand_charge: a horizon with weights\n"
        "   wanted a horizon whose every step counts once; leave the demand charge out"
    )


def test_contract_capacity_is_charged_by_the_part_of_each_month():
    """100 kW at 20 per kW and month, from 31 January 00:00 to 2 February 00:00: a 31st and a 28th of a month."""
    timeline = Timeline.of_hours([10.0, 14.0, 24.0], "2026-01-31T00:00+00:00")
    grid = GridConnection(capacity=100.0, import_price=0.0, capacity_charge=20.0)
    assert solved({"g": grid}, timeline).cost == pytest.approx(2000 / 31 + 2000 / 28)


def test_contract_capacity_is_chosen_against_what_stays_unserved():
    """14 of February's 28 days: a kW costs 20 / 2 = 10. 40 kW for 335.5 h, 100 kW for half an hour, unserved at 15.

    The last 60 kW are wanted for half an hour: 7.5 a kW unserved, so 40 kW are contracted; 400, and 60 * 7.5 = 450.
    At a whole month's 20 the answer is the same, but the bill 1,250; at 5 per kW and month, 100 kW are taken.
    """
    timeline = Timeline.of_hours([335.5, 0.5], "2026-02-01T00:00+00:00")
    for charge, size, cost in ((20.0, 40.0, 850.0), (5.0, 100.0, 250.0)):
        grid = GridConnection(capacity={"high": 300.0}, import_price=0.0, capacity_charge=charge)
        plan = solved({"g": grid, "l": load([40.0, 100.0], unserved_price=15.0)}, timeline)
        assert plan.size("g", "capacity") == pytest.approx(size)
        assert plan.cost == pytest.approx(cost)


def test_weighted_steps_pay_the_contract_by_the_year_they_stand_for():
    """Two typical days, 200 and 165 times: 12 months at 100 kW * 2, not two days of one month."""
    timeline = Timeline.of_hours([24.0, 24.0], weights=[200.0, 165.0])
    grid = GridConnection(capacity=100.0, import_price=0.0, capacity_charge=2.0)
    assert solved({"g": grid}, timeline).cost == pytest.approx(12 * 200.0)


def test_scope_2_is_booked_by_location_and_by_market():
    """100 kWh in half an hour, 50 kWh in two hours: by location 0.5 and 0.6, by market 0.7 and 0.1, upstream 0.04.

    Location 50 + 30 = 80, market 70 + 5 = 75, scope 3 is 6. Forgetting hours would give 100 + 15.
    """
    grid = GridConnection(
        capacity=500.0, import_price=0.0, location_factor=[0.5, 0.6], market_factor=[0.7, 0.1], upstream_factor=0.04
    )
    plan = solved({"g": grid, "l": load([200.0, 25.0])}, [0.5, 2.0], Objective(basis="market"))
    columns = ("scope_2_location", "scope_2_market", "scope_3", "emissions", "emissions_location", "scope_1")
    assert [plan.column(column) for column in columns] == pytest.approx([80.0, 75.0, 6.0, 75.0, 80.0, 0.0])


def test_the_market_factor_is_the_location_factor_unless_given():
    plan = solved({"g": GridConnection(capacity=9.0, import_price=0.0, location_factor=0.5), "l": load(8.0)}, [0.25])
    assert plan.column("scope_2_market") == pytest.approx(1.0)


def test_export_takes_nothing_off_the_emissions():
    """Half an hour of import at 0.5, an hour and a half of export: only the import counts."""
    grid = GridConnection(capacity=99.0, import_price=0.2, export_price=0.1, location_factor=0.5)
    plan = solved({"g": grid, "pv": sun(40.0, [0.0, 1.0]), "l": load([20.0, 10.0])}, [0.5, 1.5])
    assert plan.column("emissions") == pytest.approx(5.0)
    assert plan.cost == pytest.approx(2.0 - 30 * 0.1 * 1.5)


def test_a_carbon_price_counts_on_the_chosen_basis():
    """10 kWh at 0.5 or 0.8 kg, 2 per kg: 10 or 16 on top of the energy at 1."""
    for basis, cost in (("location", 20.0), ("market", 26.0)):
        grid = GridConnection(capacity=99.0, import_price=1.0, location_factor=0.5, market_factor=0.8)
        plan = solved({"g": grid, "l": load(20.0)}, [0.5], Objective(carbon_price=2.0, basis=basis))
        assert plan.cost == pytest.approx(cost)


@pytest.mark.parametrize(
    ("fields", "found", "wanted"),
    [
        (
            {"market_factor": 0.6},
            "market_factor without location_factor",
            "a location_factor too, or the location-based account would say that imports emit nothing",
        ),
        (
            {"export_limit": 1.0},
            "export_limit without export_price",
            "an export_price, be it 0, where export is allowed",
        ),
        ({"import_limit": [1.0, -2.0]}, "-2 at step 1", "0 kW or more"),
        ({"capacity_charge": -1.0}, "-1.0", "0 money/kW/month or more"),
        ({"demand_charge": {"price": 1.0, "window": 0.0}}, "0.0", "more than 0 h"),
        ({"demand_charge": {"price": 1.0, "peak_so_far": np.inf}}, "inf", "a finite number"),
        ({"location_factor": -0.1}, "-0.1", "0 kgCO2e/kWh or more"),
    ],
)
def test_impossible_fields_are_refused(fields, found, wanted):
    with pytest.raises(ValidationError) as caught:
        GridConnection(capacity=1.0, import_price=1.0, **fields)
    assert refusal(caught.value) == (found, wanted)


def test_it_presses_its_bus_only_where_importing_pays():
    assert GridConnection(capacity=1.0, import_price=[0.1, -0.1]).presses() == {"electricity"}
    assert GridConnection(capacity=1.0, import_price=[0.1, 0.0], export_price=-1.0).presses() == frozenset()


def test_a_copy_with_other_prices_is_billed_at_them():
    """What is derived from the prices is derived anew in a copy: 10 kWh at 2 instead of 1."""
    grid = GridConnection(capacity=10.0, import_price=1.0)
    assert grid.contract.components
    dearer = grid.model_copy(update={"import_price": Series(np.asarray(2.0))})
    assert solved({"g": dearer, "l": load(10.0)}, [1.0]).cost == pytest.approx(20.0)
