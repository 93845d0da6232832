"""Typical days: which stand for which, how stocks follow their order, and what the whole year says of the sizes."""

from __future__ import annotations

import numpy as np
import pytest

from microgrid.capacity import Fixed
from microgrid.errors import InputError
from microgrid.model import assemble
from microgrid.planning.replay import Shorter, replayed
from microgrid.planning.sizing import size
from microgrid.planning.typical import days_of, extreme_days, typical
from microgrid.plant import Objective, Plant
from microgrid.running import optimise, solve_plant
from microgrid.series import Series
from microgrid.tariffs.tariff import Tariff
from microgrid.technologies.battery import Battery
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.timeline import Timeline
from solvers import Settings, templating
from tests.command_line import typed
from tests.planning.files import YEAR, scenario
from tests.planning.test_segments import roofed

EXACT = Settings(gap=0.0)
HALF_A_DAY = 1 - 0.5 ** (1 / 24)  # share lost per hour, where a day loses half


def plant(days=("a", "a", "b", "b"), step=24.0, start="2026-01-05T00:00+00:00", zone="UTC", **grid):
    """Return a load of 1 kW with a lossy store, on days that are cheap (a) or dear (b)."""
    prices = np.repeat([{"a": 1.0, "b": 10.0}[day] for day in days], round(24 / step))
    timeline = Timeline.of_hours([step] * len(prices), start=start, zone=zone)
    connection = {"capacity": Fixed(amount=100.0), "import_price": Series(prices)} | grid
    return Plant(
        timeline,
        {
            "grid": GridConnection(**connection),
            "store": Battery(
                energy=Fixed(amount=60.0),
                power=Fixed(amount=50.0),
                charge_efficiency=1.0,
                discharge_efficiency=1.0,
                self_discharge=HALF_A_DAY,
                initial_charge=0.0,
                final_charge=0.0,
                exclusive="never",
            ),
            "load": ProductionLoad(demand=Series(np.asarray(1.0))),
        },
        currency="EUR",
    )


def cost_of(shorter: Plant) -> float:
    with templating():
        model = assemble(shorter)
    outcome, _, _ = optimise(model, Settings(gap=0.0, method="direct"))
    assert outcome.is_proved
    return outcome.objective


def test_a_store_carries_energy_from_cheap_days_to_dear_ones_and_loses_by_the_day():
    """Days a, a, b, b of 24 kWh at 1 and 10 EUR/kWh; a day in store loses half. Each a stores x, each b takes y.

    Begins of days: 0, x, x/2 + x = 1.5x, 0.75x - y, 0.375x - 1.5y. The last is not below zero: y <= x/4. A kWh more
    in x costs 2 EUR and saves 20/4 = 5: so x rises until the store of 60 kWh is full, 1.5x = 60, x = 40, y = 10.
    Cost 2 * (24 + 40) + 2 * 10 * (24 - 10) = 408 EUR. Without the losses between days x = y = 24 would cost 96; with
    levels that begin anew each day nothing is stored, 48 + 480 = 528.

    Four days free to differ cost 318: 60 are stored on the second cheap day, 24 of the 30 left are used on the first
    dear day and 3, half of the rest, on the last: 48 + 60 + 10 * (48 - 27).
    """
    whole = plant()
    shorter = typical(whole, 2)
    assert shorter.timeline.periods.order.tolist() == [0, 0, 1, 1]
    assert shorter.timeline.weights.tolist() == [2.0, 2.0]
    assert cost_of(shorter) == pytest.approx(408.0)
    assert cost_of(typical(whole, 4)) == pytest.approx(318.0)


def test_as_many_periods_as_days_are_the_whole():
    """Four periods of four days, in steps of six hours, say what all steps say, with every loss between."""
    whole = plant(step=6.0)
    best = solve_plant(whole, EXACT).cost
    assert cost_of(typical(whole, 4)) == pytest.approx(best)
    assert cost_of(typical(whole, 2)) >= best


def test_a_sized_plant_is_replayed_with_a_bound():
    """Two days of sun, load and prices: as many periods as days find the best sizes, and the tangent says so."""
    whole = roofed()
    found, best = replayed(whole, Shorter("periods", 2), EXACT, {}), solve_plant(whole, EXACT).cost
    assert found.shorter_cost == pytest.approx(best)
    assert found.result.cost == pytest.approx(best)
    assert found.bound <= best * (1 + 1e-7)
    assert found.result.manifest["audit"]["findings"] == []
    assert str(found.shorter) == "2 typical periods"


def test_the_day_of_the_peak_stays_as_it_is():
    """Ten days of 10 kW, of which one rises to 30 for an hour: it stays alone, and the bill has its peak.

    Nine days cost 240 EUR, the tenth 260; the peak 30 * 2. Merged, the peak would be below 30.
    """
    load = np.full(240, 10.0)
    load[100] = 30.0
    grid = GridConnection(
        capacity=Fixed(amount=100.0), import_price=Series(np.asarray(1.0)), demand_charge={"price": 2.0, "window": 1.0}
    )
    whole = Plant(
        Timeline.of_hours([1.0] * 240), {"grid": grid, "load": ProductionLoad(demand=Series(load))}, currency="EUR"
    )
    assert extreme_days(whole, days_of(whole)) == {4}
    assert cost_of(typical(whole, 2)) == pytest.approx(9 * 240 + 260 + 60)


def test_months_are_billed_as_those_of_the_whole():
    """January's last days and February's first are alike, and are not merged: each month has its peak and its rebate.

    Loads of 10 kW in January, 20 in February. A rebate of half the charge is due from 100 kWh a kVA and month, in
    proportion to the covered days: what counts is all energy of the month, not that of its typical day.
    """
    load = np.repeat([10.0, 20.0], [24 * 31, 24 * 28])
    tariff = Tariff.model_validate(
        {
            "components": {
                "energy": {"kind": "energy", "price": 0.1},
                "demand": {"kind": "demand", "price": 3.0, "rebate": {"energy": 300.0, "share": 0.5}},
            }
        }
    )
    grid = GridConnection(capacity=Fixed(amount=100.0), transformer=Fixed(amount=40.0), tariff=tariff)
    whole = Plant(
        Timeline.of_hours([1.0] * len(load), start="2026-01-01T00:00+00:00"),
        {"grid": grid, "load": ProductionLoad(demand=Series(load))},
        currency="EUR",
    )
    assert cost_of(typical(whole, 2)) == pytest.approx(solve_plant(whole, EXACT).cost)
    with pytest.raises(InputError, match="2 to 59: days of every kind"):
        typical(whole, 1)


def test_days_of_23_and_25_hours_stand_for_themselves():
    """Berlin's last Sunday in March has 23 hours: alone with its own length; the weeks around make one kind."""
    index_hours = 24 * 14 - 1
    whole = Plant(
        Timeline.of_hours([1.0] * index_hours, start="2026-03-22T23:00+00:00", zone="Europe/Berlin"),
        {
            "grid": GridConnection(capacity=Fixed(amount=10.0), import_price=Series(np.asarray(0.2))),
            "load": ProductionLoad(demand=Series(np.asarray(1.0))),
        },
        currency="EUR",
    )
    shorter = typical(whole, 2)
    assert sorted(np.bincount(shorter.timeline.periods.order).tolist()) == [1, 13]
    assert shorter.timeline.weighted_hours.sum() == pytest.approx(index_hours)
    assert cost_of(shorter) == pytest.approx(0.2 * index_hours)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_there_are_no_more_periods_than_days_and_no_fewer_than_kinds_of_them(count):
    other = plant(start="2026-01-30T00:00+00:00", demand_charge={"price": 1.0, "window": 24.0})
    with pytest.raises(InputError, match="2 to 4: days of every kind"):
        typical(other, count)


def test_what_typical_days_cannot_tell_of_is_refused():
    weighted = Timeline.of_hours([24.0] * 4, weights=[2.0] * 4)
    with pytest.raises(InputError, match="steps that count once"):
        typical(Plant(weighted, plant().assets, objective=Objective(), currency="EUR"), 2)


def test_size_by_typical_days_says_what_it_did(tmp_path):
    """Days alike: on a day a month all is as on 365 days, and the sheet is that of the whole year."""
    text = YEAR.replace("step: 8760 h", "step: 24 h")
    whole, shorter = (size(scenario(tmp_path, text), shorter=each) for each in (None, Shorter("periods", 12)))
    assert shorter.sheet.net.tolist() == pytest.approx(whole.sheet.net.tolist())
    replay = shorter.plan.result.manifest["replay"]
    assert (replay["told"], replay["cost"]) == ("12 typical periods", pytest.approx(whole.plan.result.cost))
    assert any("decided on 12 typical periods" in limit for limit in shorter.limits)


def test_one_kind_of_shorter_year_at_a_time(monkeypatch, capsys, tmp_path):
    with typed(monkeypatch, capsys) as run:
        found = run("size", str(scenario(tmp_path)), "--segments", "5", "--periods", "5")
    assert found.code == 2
    assert "--periods: 5, beside --segments 5" in found.err
