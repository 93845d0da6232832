"""A window is a stretch of a longer time: steps, series, what stocks are worth at its end, limits of the day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from microgrid.audit import audit
from microgrid.capacity import Fixed
from microgrid.carriers import CARRIERS
from microgrid.copies import copied
from microgrid.errors import InputError
from microgrid.model import assemble
from microgrid.plant import PlantBus, Worth
from microgrid.results import collect
from microgrid.rolling.windows import Look, groups, merged, window
from microgrid.running import optimise, told
from microgrid.series import Series
from microgrid.technologies.battery import Battery
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.grid_connection import GridConnection
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.stacks import MoveBefore, Start
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from solvers import Settings, templating
from tests.plants import plant, solved


def quarter_hours(start: str, days: int, zone: str = "Europe/Berlin") -> Timeline:
    first = pd.Timestamp(start, tz=zone)
    return Timeline.regular(first, first + pd.DateOffset(days=days), pd.Timedelta(minutes=15))


def series(values) -> Series:
    return Series(np.asarray(values, dtype=float))


def grid(price, **fields) -> GridConnection:
    return GridConnection(capacity=Fixed(amount=100.0), import_price=series(price), **fields)


def lossless(energy: float = 10.0, **fields) -> Battery:
    return Battery(
        energy=Fixed(amount=energy), power=Fixed(amount=10.0), charge_efficiency=1.0, discharge_efficiency=1.0, **fields
    )


def planned(whole):
    """Solve a plant to the end and return its trusted frames and the value of its goal."""
    with templating():
        model = assemble(whole)
    outcome, solution, goals = optimise(model, Settings(gap=0.0))
    result = collect(model, solution, told(whole, outcome, goals))
    assert not audit(result).findings
    return result


def test_a_look_is_read_from_words():
    assert Look.read("24 h/15 min, 12 h at 1 h").spans == ((24.0, 0.25), (12.0, 1.0))


@pytest.mark.parametrize("text", ["24 h", "a day", "1 h/25 min", "24 kW/1 h", ""])
def test_what_is_no_look_is_refused(text):
    with pytest.raises(InputError):
        Look.read(text)


def test_longer_steps_begin_at_a_full_step_of_the_local_clock():
    """A window from 10:15: a day of quarter hours ends at 10:15, so three more follow, and hours begin at 11:00."""
    timeline = quarter_hours("2026-06-15", 4)
    edges = groups(timeline, 41, Look(((24.0, 0.25), (2.0, 1.0))))
    assert np.diff(edges).tolist() == [1] * 99 + [4, 4]
    assert timeline.index[edges[99]].strftime("%H:%M") == "11:00"


def test_a_window_ends_with_what_is_foreseen():
    timeline = quarter_hours("2026-06-15", 1)
    assert groups(timeline, 90, Look(((24.0, 0.25),))).tolist() == list(range(90, 97))


def test_a_day_of_23_hours_has_no_step_more_or_less():
    timeline = quarter_hours("2026-03-29", 2)
    steps = merged(timeline, groups(timeline, 0, Look(((4.0, 0.25), (20.0, 1.0)))))
    assert steps.elapsed[-1] == 24.0
    assert steps.end == pd.Timestamp("2026-03-30T01:00", tz="Europe/Berlin")


def test_series_take_the_mean_over_longer_steps_in_parts_of_assets_too():
    timeline = Timeline.of_hours([0.5] * 4)
    whole = plant({"grid": grid([1, 3, 5, 5]), "load": ProductionLoad(demand=series([10, 20, 0, 40]))}, timeline)
    part = window(whole, np.array([0, 2, 4]))
    assert part.assets["grid"].import_price.values.tolist() == [2.0, 5.0]  # noqa: PD011
    assert part.assets["load"].demand.values.tolist() == [15.0, 20.0]  # noqa: PD011


def test_a_stock_is_filled_to_the_level_that_is_worth_its_price_and_no_further():
    """Power costs 2 now. What is left is worth 3 up to 4 kWh and 1 above: 4 kWh are bought for 8, and no more.

    Worth 3 throughout would fill all 10 kWh; without worth none would be bought.
    """
    worth = {"battery": {"stored": (Worth(4.0, 3.0, 1.0),)}}
    base = plant({"grid": grid(2.0), "battery": lossless(initial_charge=0.0)})
    result = planned(replace(base, stock_worth=worth))
    assert result.stocks["level"].tolist() == pytest.approx([0.0, 4.0])
    assert result.manifest["costs"] == pytest.approx({"cost": -4.0, "energy": 8.0, "stock": -12.0})


def test_worth_on_the_way_keeps_a_level_only_while_it_pays():
    """Power costs 1, then 4, then 9; the load of 5 kW comes last. Holding 5 kWh after the first hour is worth 2 a kWh.

    All 5 kWh are bought in the first hour at 1 in any case; with a worth at point 1 the ledger tells 5 * 2 saved.
    """
    load = ProductionLoad(demand=series([0, 0, 5]))
    base = plant({"grid": grid([1, 4, 9]), "battery": lossless(initial_charge=0.0), "load": load}, [1.0, 1.0, 1.0])
    worth = {"battery": {"stored": (Worth(5.0, 2.0, 0.0, 1),)}}
    result = planned(replace(base, stock_worth=worth))
    assert result.stocks["level"].tolist() == pytest.approx([0.0, 5.0, 5.0, 0.0])
    assert result.cost == pytest.approx(5.0 - 10.0)


def test_the_audit_finds_a_stock_that_is_told_to_be_worth_more():
    worth = {"battery": {"stored": (Worth(4.0, 3.0, 1.0),)}}
    base = plant({"grid": grid(2.0), "battery": lossless(initial_charge=0.0)})
    result = planned(replace(base, stock_worth=worth))
    result.costs.loc[result.costs["category"] == "stock", "amount"] -= 1.0
    assert any("is worth what was said" in str(finding) for finding in audit(result).findings)


def test_limits_of_the_day_hold_flows_at_their_steps_alone():
    """A call: no more than 3 kW of import in the second hour. The 8 kW there come from 5 kWh charged an hour before.

    Without the call nothing would be charged, for the price is the same throughout.
    """
    load = ProductionLoad(demand=series([8, 8]))
    base = plant({"grid": grid([1, 1]), "battery": lossless(initial_charge=0.0), "load": load}, [1.0, 1.0])
    limits = {"grid": {"import": (np.array([-np.inf, -np.inf]), np.array([np.inf, 3.0]))}}
    result = planned(replace(base, flow_limits=limits))
    imported = result.flows[result.flows["port"] == "import"]["rate"]
    assert imported.tolist() == pytest.approx([13.0, 3.0])
    result.flows.loc[imported.index[1], "rate"] = 3.5
    assert any("limit of the day" in str(finding) for finding in audit(result).findings)


def electrolyser(**fields) -> Electrolyser:
    return Electrolyser(
        capacity=Fixed(amount=100.0), stacks=2, minimum_load=0.2, consumption=50.0,
        cold_start=Start(time=1.0, energy=10.0), minimum_up=2.0, on_before=2, **fields,
    )  # fmt: skip


def test_of_two_stacks_on_only_the_one_that_started_lately_is_still_warming_up():
    """Two stacks of 50 kW are on, one for half an hour of its cold start's hour. In the first half hour one is live.

    Trailer hydrogen costs 100 a kg, power nothing to speak of: the live stack makes 1 kg/h, then both make 2 kg/h.
    Had both been taken as warming up, the first half hour's kilogram would be bought dear.
    """
    moves = (MoveBefore(move="cold_start", hours=0.5),)
    found = solved(
        {
            "grid": grid(0.01),
            "stack": electrolyser(moves_before=moves),
            "trailer": Supply(bus="hydrogen", price=series(100.0)),
            "line": ProductionLoad(bus="hydrogen", demand=series(2.0)),
        },
        [0.5, 0.5, 0.5],
    )
    assert found.flow("stack", "hydrogen") == pytest.approx([1.0, 2.0, 2.0])
    assert found.flow("trailer", "supply") == pytest.approx([1.0, 0.0, 0.0])
    assert found.state("stack", "cold_starting") == pytest.approx([1.0, 0.0, 0.0])


def test_a_stack_that_started_lately_stays_on_and_the_other_may_stop():
    """Nothing is wanted. The stack that started an hour ago stays on for the second of its two, the other stops."""
    moves = (MoveBefore(move="cold_start", hours=1.0),)
    buses = {"hydrogen": PlantBus(CARRIERS["hydrogen"], surplus=True)}
    found = solved({"grid": grid(1.0), "stack": electrolyser(moves_before=moves)}, [1.0, 1.0], buses=buses)
    assert found.state("stack", "on") == pytest.approx([1.0, 0.0])


def test_a_copy_forgets_what_the_original_computed_of_itself():
    """The grid's contract follows from its prices: a copy with another price must not go on with the old one."""
    timeline = Timeline.of_hours([1.0, 1.0])

    def prices(connection):
        contract = connection.contract
        return contract.energy_price("import", timeline, contract.shares(timeline)).tolist()

    one = grid([1.0, 1.0])
    assert prices(one) == [1.0, 1.0]
    assert prices(copied(one, {"import_price": series([7.0, 9.0])})) == [7.0, 9.0]
