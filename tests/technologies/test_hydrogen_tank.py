"""Hydrogen tank: hand-computed optima."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microgrid.carriers import CARRIERS
from microgrid.plant import Objective, PlantBus
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.hydrogen_tank import HydrogenTank
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from solvers.compile import compile_model
from tests.plants import solved


def filled(tank, prices, demand, hours, power=0.1, **more):
    """Hydrogen bought at `prices`, electricity at `power`, and a demand that must be met."""
    assets = {
        "t": tank,
        "s": Supply(bus="hydrogen", price=prices),
        "g": GridConnection(capacity=1000.0, import_price=power),
        "d": ProductionLoad(bus="hydrogen", demand=demand),
    }
    return solved(assets, hours, **more)


def test_a_long_step_moves_more_hydrogen_than_a_short_one_and_compression_is_paid_on_the_way_in():
    """4 kg/h for 3 h are 12 kg, charged in half an hour at 24 kg/h: 12 * 5, and 2 kWh/kg at 0.1: 2.4.

    A model that forgot the hours would buy 4 or 24 kg. Compression on the way out would fall into the dear hours.
    """
    tank = HydrogenTank(capacity=20.0, compression_energy=2.0, initial_fill=0.0)
    plan = filled(tank, [5.0, 9.0], [0.0, 4.0], [0.5, 3.0], power=[0.1, 1.0])
    assert plan.cost == pytest.approx(60.0 + 2.4)
    assert plan.flow("t", "compression") == pytest.approx([-48.0, 0.0])
    assert plan.state("t", "stored") == pytest.approx([0.0, 12.0, 0.0])


def test_what_is_stored_is_lost_by_the_hour():
    """9 kg are wanted in the last hour; standing 2 h at 10 % an hour leaves 81 %, and the last hour 90 % of that.

    Stored at the end of step 0: 9 / 0.9 / 0.81. A loss by step would give 9 / 0.9 / 0.9.
    """
    tank = HydrogenTank(capacity=20.0, loss=0.1, initial_fill=0.0)
    plan = filled(tank, [1.0, 50.0, 50.0], [0.0, 0.0, 9.0], [1.0, 2.0, 1.0])
    assert plan.cost == pytest.approx(9 / 0.9 / 0.81)


def test_charge_and_discharge_keep_to_their_limits():
    """Charged at 6 kg/h for 0.5 h: 3 kg; discharged at 1 kg/h for 2 h: 2 kg of 6; the rest is bought at 9."""
    slow = HydrogenTank(capacity=20.0, charge_limit=6.0, initial_fill=0.0)
    assert filled(slow, [5.0, 9.0], [0.0, 3.0], [0.5, 2.0]).cost == pytest.approx(15.0 + 27.0)
    narrow = HydrogenTank(capacity=20.0, discharge_limit=1.0, initial_fill=0.0)
    assert filled(narrow, [5.0, 9.0], [0.0, 3.0], [0.5, 2.0]).cost == pytest.approx(10.0 + 36.0)


def test_the_minimum_fill_stays_in_the_tank():
    """Of 10 kg, 2 must stay: 8 - 2 = 6 kg serve the hour, the other 3 are bought at 4."""
    tank = HydrogenTank(capacity=10.0, minimum_fill=0.2, initial_fill=0.8, final_fill=0.2)
    assert filled(tank, 4.0, 9.0, [1.0]).cost == pytest.approx(12.0)


def test_final_fill_is_a_least_share_and_a_cycle_ends_as_it_began():
    """From 20 % of 50 kg to at least 60 %: 20 kg at 2. The cycle alone needs nothing; nor does a tank with no ends."""
    least = HydrogenTank(capacity=50.0, initial_fill=0.2, final_fill=0.6)
    assert filled(least, 2.0, 0.0, [0.5, 1.0]).cost == pytest.approx(40.0)
    cycle = HydrogenTank(capacity=50.0, initial_fill=0.2, cyclic=True)
    assert filled(cycle, 2.0, 0.0, [0.5, 1.0]).cost == pytest.approx(0.0)
    free = HydrogenTank(capacity=50.0)
    assert filled(free, [2.0, 9.0], [0.0, 5.0], [0.5, 1.0]).cost == pytest.approx(10.0)


def test_it_does_not_burn_power_where_power_has_a_negative_price():
    """Half full, cyclic, paid 1 for each kWh: 5 kg bought in the first step draw 10 kWh and serve the second: 5 - 10.

    In and out at once at 12 kg/h for 0.5 and 1 h, 18 kg would draw 36 kWh: 5 - 36.
    """
    fields = {"capacity": 10.0, "charge_limit": 12.0, "discharge_limit": 12.0, "compression_energy": 2.0}
    tank = HydrogenTank(initial_fill=0.5, cyclic=True, **fields)
    assert filled(tank, 1.0, [0.0, 5.0], [0.5, 1.0], power=-1.0).cost == pytest.approx(-5.0)
    burning = HydrogenTank(initial_fill=0.5, cyclic=True, exclusive="never", **fields)
    assert filled(burning, 1.0, [0.0, 5.0], [0.5, 1.0], power=-1.0).cost == pytest.approx(-31.0)


def test_it_burns_nothing_where_money_does_not_count():
    """Emissions are the goal and power has none: charging and discharging at once would make no difference there."""
    tank = HydrogenTank(capacity=10.0, compression_energy=2.0, initial_fill=0.5, cyclic=True)
    plan = filled(tank, 1.0, 0.0, [0.5, 1.0], objective=Objective(goals=("emissions",)))
    both = zip(plan.flow("t", "charge"), plan.flow("t", "discharge"), strict=True)
    assert all(min(-into, out_of) == pytest.approx(0.0) for into, out_of in both)
    assert compile_model(plan.model.pyomo).integer.any()


def test_without_a_reason_there_is_no_binary():
    """Power is worth something, or compression takes none: both at once gain nothing, whatever hydrogen is worth."""
    tank = HydrogenTank(capacity=10.0, compression_energy=2.0, initial_fill=0.5)
    assert not compile_model(filled(tank, 1.0, 1.0, [0.5, 1.0]).model.pyomo).integer.any()
    surplus = {"hydrogen": PlantBus(CARRIERS["hydrogen"], surplus=True)}
    assert not compile_model(filled(tank, 1.0, 1.0, [0.5, 1.0], buses=surplus).model.pyomo).integer.any()
    silent = HydrogenTank(capacity=10.0, initial_fill=0.5)
    assert not compile_model(filled(silent, 1.0, 1.0, [0.5, 1.0], power=-1.0).model.pyomo).integer.any()


def test_it_is_sized_for_what_it_must_hold():
    """10 kg over 2 h at a minimum fill of 20 %: 12.5 kg at 3 a year, for 2.5 of 8,760 hours."""
    capacity = {"high": 100.0, "capex": 3.0, "lifetime": 1.0, "interest": 0.0}
    tank = HydrogenTank(capacity=capacity, minimum_fill=0.2, initial_fill=0.2)
    plan = filled(tank, [0.0, 9.0], [0.0, 5.0], [0.5, 2.0])
    assert plan.size("t", "capacity") == pytest.approx(12.5)
    assert plan.cost == pytest.approx(37.5 * 2.5 / 8760)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"minimum_fill": 1.0}, "a share below 1"),
        ({"minimum_fill": 0.2, "initial_fill": 0.1}, "a share of at least the minimum_fill, 0.2"),
        ({"minimum_fill": 0.2, "final_fill": 0.1}, "a share of at least the minimum_fill, 0.2"),
        ({"loss": 1.5}, "from 0 to 1 1/h"),
        ({"charge_limit": -1.0}, "0 kg/h or more"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        HydrogenTank(capacity=10.0, **fields)


def test_the_example_has_a_plan():
    assert filled(HydrogenTank.example(), 5.0, [3.0, 4.0], [0.5, 2.0]).cost > 0
