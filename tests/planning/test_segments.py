"""Shorter years: what is merged, what stays apart, and what the whole year says of the sizes."""

from __future__ import annotations

import numpy as np
import pytest

from microgrid.capacity import Fixed, Sized
from microgrid.errors import InputError
from microgrid.planning.replay import ReplayError, Shorter, replayed
from microgrid.planning.segments import extremes, finely, segmented
from microgrid.planning.sizing import size
from microgrid.plant import Plant
from microgrid.running import solve_plant
from microgrid.series import Series
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from solvers import Settings
from tests.planning.files import YEAR, scenario

EXACT = Settings(gap=0.0)
LOAD = [10.0, 10.0, 10.0, 30.0, 20.0, 20.0, 20.0, 12.0]
PRICE = [1.0, 1.0, 1.0, 3.0, 2.0, 2.0, 2.0, 1.0]


def plant(load=LOAD, price=PRICE, capacity=None, hours=None, start="2026-01-05T00:00+00:00"):
    """Return a load on a grid, on steps of one hour or of the lengths given."""
    return Plant(
        Timeline.of_hours(hours or [1.0] * len(load), start=start),
        {
            "grid": GridConnection(
                capacity=capacity or Fixed(amount=100.0), import_price=Series(np.asarray(price, dtype=float))
            ),
            "load": ProductionLoad(demand=Series(np.asarray(load, dtype=float))),
        },
        currency="EUR",
    )


def test_equal_neighbours_are_merged_first_and_extremes_stay_apart():
    """The highest step is the fourth and the lowest the first: both stay. Steps 2-3 and 5-7 are equal; the last is not.

    Merged they lose nothing: the cost is that of all steps, 10 * 3 + 90 + 120 + 12 = 252.
    """
    whole = plant()
    assert extremes(whole).tolist() == [0, 3]
    shorter = segmented(whole, 5)
    assert shorter.timeline.hours.tolist() == [1.0, 2.0, 1.0, 3.0, 1.0]
    assert shorter.assets["load"].demand.values.tolist() == [10.0, 10.0, 30.0, 20.0, 12.0]
    assert shorter.timeline.end == whole.timeline.end
    assert shorter.timeline.years == pytest.approx(whole.timeline.years)
    assert solve_plant(shorter, EXACT).cost == pytest.approx(252.0)


def test_what_is_merged_keeps_its_energy_on_unequal_steps():
    """Steps of 2 h at 20 and 1 h at 26 become 3 h at 22: 66 kWh as before."""
    whole = plant([50.0, 20.0, 26.0, 0.0], [1.0] * 4, hours=[1.0, 2.0, 1.0, 1.0])
    shorter = segmented(whole, 3)
    assert shorter.timeline.hours.tolist() == [1.0, 3.0, 1.0]
    assert shorter.assets["load"].demand.values.tolist() == pytest.approx([50.0, 22.0, 0.0])


def test_months_stay_apart():
    """Of six hours around midnight into February all are alike, and become one segment on either side."""
    whole = plant([5.0] * 6, [1.0] * 6, start="2026-01-31T21:00+00:00")
    assert segmented(whole, 2).timeline.hours.tolist() == [3.0, 3.0]
    with pytest.raises(InputError, match="at least 2: months"):
        segmented(whole, 1)


@pytest.mark.parametrize("count", [0, 8, 9])
def test_segments_must_be_fewer_than_steps(count):
    for cut in (segmented, finely):
        with pytest.raises(InputError, match="fewer than the 8 steps"):
            cut(plant(), count)


def test_finer_segments_are_those_on_the_way_to_fewer():
    """Merged in two steps or in one, where the means of the first are what the second compares by."""
    whole = roofed(192)
    fine, means = finely(whole, 12)
    assert (len(fine.timeline), means.shape[0]) == (48, 48)
    twice, once = segmented(fine, 12, means), segmented(whole, 12)
    assert twice.timeline.hours.tolist() == once.timeline.hours.tolist()
    np.testing.assert_allclose(twice.assets["load"].demand.values, once.assets["load"].demand.values)
    same, _ = finely(whole, 48)
    assert same is whole


def roofed(steps=48):
    """Return two days of sun, load and prices with a roof and a battery to be sized."""
    hour = np.arange(steps) % 24
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * np.where(np.arange(steps) < 24, 1.0, 0.6)
    load = 50 + 20 * np.sin(hour / 24 * 2 * np.pi) + 3 * np.cos(np.arange(steps))
    price = np.where((hour >= 17) & (hour < 21), 0.4, 0.15)
    return Plant(
        Timeline.of_hours([1.0] * steps),
        {
            "grid": GridConnection(capacity=Fixed(amount=200.0), import_price=Series(price)),
            "roof": Photovoltaic(
                capacity=Sized(high=200.0, capex=600.0, lifetime=20.0), availability=Series(np.asarray(sun))
            ),
            "battery": Battery(
                energy=Sized(high=300.0, capex=150.0, lifetime=15.0),
                power=Fixed(amount=60.0),
                wear={"replacement_cost": 100.0, "cycle_life": 6000.0},
            ),
            "load": ProductionLoad(demand=Series(load)),
        },
        currency="EUR",
    )


def test_the_whole_says_what_the_sizes_cost_and_no_sizes_cost_less_than_the_bound():
    """The best sizes cost something between the bound and what the replayed ones do; on nearly all steps all agree."""
    whole = roofed()
    best = solve_plant(whole, EXACT).cost
    errors = []
    for count in (20, 44):
        found = replayed(whole, Shorter("segments", count), EXACT, {})
        assert found.result.manifest["audit"]["findings"] == []
        assert found.bound is not None
        assert found.bound <= best * (1 + 1e-7)
        assert best <= found.result.cost * (1 + 1e-7)
        errors.append(found.result.cost / best - 1)
        assert found.gap >= errors[-1] - 1e-7
    assert errors[1] <= errors[0] + 1e-9
    assert errors[0] < 0.02


def test_where_the_sizes_are_the_best_the_bound_is_near():
    """Load and price of five kinds on five segments lose nothing: replay and optimum are one number.

    The capacity costs 0.0012 EUR/kW in these hours, and nothing is gained by a larger one: the tangent falls by 0.04
    EUR at most from 252.04 to a capacity of zero.
    """
    whole = plant(capacity=Sized(high=100.0, capex=10.0, lifetime=10.0))
    found = replayed(whole, Shorter("segments", 5), EXACT, {})
    best = solve_plant(whole, EXACT).cost
    assert found.result.cost == pytest.approx(best)
    assert found.shorter_cost == pytest.approx(best)
    assert best - 0.04 <= found.bound <= best * (1 + 1e-9)
    assert found.difference == pytest.approx(0.0, abs=1e-9)
    assert found.result.sizes["grid"]["capacity"] == pytest.approx(30.0)


def test_sizes_that_do_not_suffice_are_told():
    """Two loads peak at hours of their own, which stay apart; the peak of their sum, at neither, does not."""
    first, second = [9.0, 0.0, 7.0, 6.0, 0.0, 5.0, 1.0, 1.0], [0.0, 9.0, 7.0, 6.0, 0.0, 1.0, 5.0, 1.0]
    base = plant(first, [1.0] * 8, capacity=Sized(high=100.0, capex=10.0, lifetime=10.0))
    assets = {**base.assets, "other": ProductionLoad(demand=Series(np.asarray(second)))}
    whole = Plant(base.timeline, assets, currency="EUR")
    with pytest.raises(ReplayError, match="take more segments"):
        replayed(whole, Shorter("segments", 5), EXACT, {})


def test_size_by_segments_says_what_it_did(tmp_path):
    """Days alike: on a segment a month all is as on 365 days, and the sheet is that of the whole year."""
    text = YEAR.replace("step: 8760 h", "step: 24 h")
    whole, shorter = (size(scenario(tmp_path, text), shorter=each) for each in (None, Shorter("segments", 12)))
    assert shorter.sheet.net.tolist() == pytest.approx(whole.sheet.net.tolist())
    replay = shorter.plan.result.manifest["replay"]
    assert (replay["told"], replay["cost"]) == ("12 segments", pytest.approx(whole.plan.result.cost))
    assert any("decided on 12 segments" in limit for limit in shorter.limits)
    with pytest.raises(InputError, match="fewer than the 365 steps"):
        size(scenario(tmp_path, text), shorter=Shorter("segments", 365))
