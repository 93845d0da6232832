"""Plans over several futures, by hand: what is kept, started and paid before one knows which of them comes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from microgrid.audit import audit
from microgrid.capacity import Fixed
from microgrid.carriers import CARRIERS
from microgrid.dispatch.publishing import prices, reserves
from microgrid.errors import InputError
from microgrid.plant import Objective, PlantBus
from microgrid.results import collect
from microgrid.rolling import replanning
from microgrid.rolling.first_stage import FirstStage
from microgrid.rolling.hedging import Future, HedgedModel, alike_at_first, hedged, usual_of
from microgrid.rolling.planned import Rung
from microgrid.rolling.replanning import Replanner
from microgrid.rolling.traces import Trace
from microgrid.rolling.windows import Look
from microgrid.running import NoPlanError, optimise, told
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.grid_demand_charge import DemandCharge
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.timeline import Timeline
from solvers import Ended, Outcome, Settings, templating
from solvers.compile import compile_model
from tests.plants import plant
from tests.rolling.test_windows import grid, lossless, planned, series
from tests.solvers.pyomo_form import assert_same

HALVES = {"idle": 0.5, "work": 0.5}


class Hedge:
    """A plan over several futures, each audited by itself."""

    def __init__(self, plants, probabilities, stage=None):
        with templating():
            model = hedged(plants, probabilities, stage or FirstStage())
        outcome, values, goals = optimise(model, Settings(gap=0.0))
        self.cost = outcome.objective
        self.traces = {name: Trace.of(part, values) for name, part in model.parts.items()}
        self.results = {}
        for name, part in model.parts.items():
            cost = part.total(values, "cost")
            alone = replace(outcome, objective=cost, bound=float("nan"))
            reached = [
                {**goal, "objective": part.total(values, goal["column"]), "bound": None, "gap": None} for goal in goals
            ]
            manifest = told(part.plant, alone, reached)
            self.results[name] = collect(part, values, manifest)
            assert not audit(self.results[name]).findings, name

    def flow(self, future, asset, port):
        return self.traces[future].flows[asset][port].tolist()


def battery_day(price, load):
    """Return a full battery of 10 kWh, 10 kW drawn now at a price of 4, and some load at another price after that."""
    assets = {
        "grid": grid([4.0, price]),
        "battery": lossless(10.0, initial_charge=1.0),
        "load": ProductionLoad(demand=series([10.0, load])),
    }
    return plant(assets, Timeline.of_hours([1.0, 1.0]))


@pytest.mark.parametrize(("price", "now", "cost"), [(6.0, 10.0, 30.0), (10.0, 0.0, 40.0)])
def test_a_battery_is_kept_for_a_dear_hour_as_far_as_it_is_likely(price, now, cost):
    """In the second hour 10 kW are drawn with a probability of 0.5, or none: a kWh kept is worth half its price then.

    At 6 it is worth 3, used now 4: all is used now, and the dear hour costs 0.5 * 10 * 6 = 30. At 10 it is worth 5: all
    is kept, and the first hour costs 10 * 4 = 40. A plan for the mean load of 5 kW keeps 5 kWh in either case, for it
    thinks them needed for sure; followed, it costs 20 + 0.5 * 30 = 35, and 20 + 0.5 * 50 = 45.
    """
    found = Hedge({"idle": battery_day(price, 0.0), "work": battery_day(price, 10.0)}, HALVES)
    assert found.cost == pytest.approx(cost)
    assert found.flow("idle", "battery", "discharge")[0] == pytest.approx(now)
    assert found.flow("work", "battery", "discharge")[0] == pytest.approx(now)
    mean = planned(battery_day(price, 5.0))
    used = mean.flows[(mean.flows["asset"] == "battery") & (mean.flows["port"] == "discharge")]["rate"]
    assert used.tolist() == pytest.approx([5.0, 5.0])


def heat_day(load):
    """Return a boiler whose start costs 12 and whose kWh costs 1, heat bought for 3, and a load in the second hour."""
    assets = {
        "gas": Supply(bus="fuel", price=series(1.0)),
        "boiler": Boiler(
            capacity=Fixed(amount=10.0), efficiency=1.0, bus_in="fuel", heat_bus="heat",
            commitment=Commitment(start_cost=12.0),
        ),
        "bought": Supply(bus="heat", price=series(3.0)),
        "load": ProductionLoad(bus="heat", demand=series([0.0, load])),
    }  # fmt: skip
    return plant(assets, Timeline.of_hours([1.0, 1.0]))


@pytest.mark.parametrize(
    ("likely", "units", "on", "cost"), [(0.5, 0.0, 1.0, 11.0), (0.5, 2.0, 0.0, 15.0), (0.7, 2.0, 1.0, 19.0)]
)
def test_a_unit_that_must_be_started_ahead_is_started_if_the_load_is_likely_enough(likely, units, on, cost):
    """10 kW of heat come with some probability; the boiler saves 2 * 10 = 20 of the 30 that they cost bought.

    Where one may wait, it is started for 12 only if they come: 0.5 * (10 + 12) = 11. Decided ahead, the start is paid
    in any case: at 0.5 it would save 10 for 12, so all is bought for 0.5 * 30 = 15; at 0.7 it saves 14, and all costs
    12 + 0.7 * 10 = 19.
    """
    plants = {"idle": heat_day(0.0), "work": heat_day(10.0)}
    found = Hedge(plants, {"idle": 1 - likely, "work": likely}, FirstStage(1.0, units))
    assert found.cost == pytest.approx(cost)
    assert found.traces["work"].states["boiler"]["on"][1] == pytest.approx(on)
    if units:
        assert found.traces["idle"].states["boiler"]["on"][1] == pytest.approx(on)


def peak_day(loads, **fields):
    """Return a connection that pays 8 for each kW of the month's peak, a battery, and some load."""
    charge = DemandCharge(price=8.0, window=1.0)
    assets = {
        "grid": grid([1.0, 2.0, 3.0], demand_charge=charge),
        "battery": lossless(10.0, initial_charge=0.5, **fields),
        "load": ProductionLoad(demand=series(loads)),
    }
    return plant(assets, Timeline.of_hours([1.0, 1.0, 1.0]))


def test_futures_that_are_all_the_same_cost_what_one_does():
    """Two or three of them, with any probabilities: nothing is added to the single plan's cost, nor taken off."""
    whole = replace(peak_day([10.0, 30.0, 20.0]), objective=Objective())
    alone = planned(whole).cost
    assert Hedge({"one": whole, "other": whole}, {"one": 0.2, "other": 0.8}).cost == pytest.approx(alone, rel=1e-9)
    three = dict.fromkeys(("low", "usual", "high"), heat_day(10.0))
    found = Hedge(three, dict.fromkeys(three, 1 / 3), FirstStage(2.0, 2.0))
    assert found.cost == pytest.approx(planned(heat_day(10.0)).cost, rel=1e-9)


def test_every_future_pays_for_its_own_peak_of_the_month():
    """Without a battery 10 kW or 50 kW are drawn in the last hour: the peak is paid in each future by itself.

    Energy: 20 * (1 + 2) in both and 3 * 10 or 3 * 50 besides; peaks of 20 and 50 kW at 8. Halves: 60 + 90 + 280 = 430.
    A peak that all share would be 50 kW in both, for 550.
    """
    idle, work = ({**peak_day([20.0, 20.0, load]).assets} for load in (10.0, 50.0))
    plants = {
        name: plant({key: asset for key, asset in assets.items() if key != "battery"}, Timeline.of_hours([1.0] * 3))
        for name, assets in (("idle", idle), ("work", work))
    }
    assert Hedge(plants, HALVES).cost == pytest.approx(430.0)


def test_the_first_stage_is_foreseen_as_usual_in_all_futures():
    """The load of the first hour is 4 kW as usual, or 10: it is planned for 4, and the rule takes what differs.

    A kWh costs 4 now and 1 later, nothing is drawn later: the battery gives 4 kW in both, and all costs nothing.
    """

    def day(load):
        assets = {
            "grid": grid([4.0, 1.0]),
            "battery": lossless(10.0, initial_charge=1.0),
            "load": ProductionLoad(demand=series([load, 0.0])),
        }
        return plant(assets, Timeline.of_hours([1.0, 1.0]))

    told = [Future("usual", 0.6, day(4.0)), Future("work", 0.4, day(10.0))]
    alike = alike_at_first(told, FirstStage(1.0))
    assert [each.plant.assets["load"].demand.values.tolist() for each in alike] == [[4.0, 0.0]] * 2
    found = Hedge({each.name: each.plant for each in alike}, {"usual": 0.6, "work": 0.4})
    assert found.flow("work", "battery", "discharge")[0] == pytest.approx(4.0)
    assert found.cost == pytest.approx(0.0)


def test_a_first_stage_counts_the_steps_that_begin_within_it():
    timeline = Timeline.of_hours([0.25, 0.25, 0.5, 2.0, 2.0])
    assert FirstStage(1.0).steps(timeline) == 3
    assert FirstStage(0.25).steps(timeline) == 1
    assert FirstStage(1.0, 1.5).steps_of_units(timeline) == 4
    assert FirstStage(1.0, 0.5).steps_of_units(timeline) == 3


@pytest.mark.parametrize(("hours", "units"), [(0.0, 0.0), (-1.0, 0.0), (1.0, -1.0)])
def test_a_first_stage_without_time_is_refused(hours, units):
    with pytest.raises(InputError, match="a length of time above zero"):
        FirstStage(hours, units)


def test_every_row_is_a_template_and_says_what_pyomo_says():
    plants = {"idle": heat_day(0.0), "work": heat_day(10.0)}
    for stage in (FirstStage(1.0), FirstStage(2.0, 2.0)):
        with templating():
            matrix = compile_model(hedged(plants, HALVES, stage).pyomo)
        assert matrix.fell_back == {}
        assert_same(hedged(plants, HALVES, stage).pyomo, matrix)


def test_emissions_that_come_first_are_the_mean_of_the_futures_too():
    """A kWh emits 1 kg now and 3 kg later, where it is needed with a probability of 0.5: to keep it spares 1.5 kg.

    So all is kept though money says otherwise (0.5 * 6 < 4): 10 kWh bought now for 40, instead of 30 in the mean.
    """

    def day(load):
        whole = battery_day(6.0, load)
        emitting = grid([4.0, 6.0], location_factor=series([1.0, 3.0]))
        goals = Objective(goals=("emissions", "cost"))
        return replace(whole, assets={**whole.assets, "grid": emitting}, objective=goals)

    found = Hedge({"idle": day(0.0), "work": day(10.0)}, HALVES)
    assert found.flow("idle", "battery", "discharge")[0] == pytest.approx(0.0, abs=1e-3)
    assert found.cost == pytest.approx(40.0, rel=1e-4)


def test_the_usual_future_is_the_one_called_so_or_the_likeliest():
    day = battery_day(1.0, 1.0)
    named = [Future("high", 0.6, day), Future("usual", 0.4, day)]
    assert usual_of(named).name == "usual"
    assert usual_of([Future("a", 0.3, day), Future("b", 0.7, day)]).name == "b"


LOOK = Look(((2.0, 1.0),))


def replanned(deadline=None, price=6.0):
    replanner = Replanner(LOOK, Settings(gap=0.0), sees_ahead=False)
    futures = [Future(name, 0.5, battery_day(price, load)) for name, load in (("idle", 0.0), ("work", 10.0))]
    return replanner.plan(battery_day(price, 5.0), 0, {}, deadline, futures)


def test_a_plan_over_futures_is_the_first_stage_and_then_the_usual_future():
    found = replanned()
    assert found.rung is Rung.PROVED
    assert found.reason == ""
    assert [future.name for future in found.futures] == ["idle", "work"]
    assert found.trace.flows["battery"]["discharge"].tolist() == pytest.approx([10.0, 0.0])


def test_a_reserve_is_what_there_is_in_every_future():
    """All 10 kWh are kept at a price of 10. First hour: 10 kW more could be given in both futures, none taken.

    Second hour: idle, the full battery could give 10 kW and take none; at work it gives 10 kW and could give as much
    less. A call can count on neither.
    """
    found = replanned(price=10.0)
    table = reserves(found).set_index("time")
    assert table["up"].tolist() == pytest.approx([10.0, 0.0])
    assert table["down"].tolist() == pytest.approx([0.0, 0.0])
    alone = reserves(replace(found, futures=()))
    assert alone["up"].tolist() == pytest.approx([10.0, 10.0])


def test_what_one_more_kwh_costs_is_the_mean_over_the_futures():
    """20 kW in a second hour at 6 or at 8: one more kWh is bought at 7 in the mean, in the first hour at 4.

    The dual of one future alone would say half its price, 3 or 4.
    """
    replanner = Replanner(LOOK, Settings(gap=0.0), sees_ahead=False)
    futures = [Future(name, 0.5, battery_day(price, 20.0)) for name, price in (("idle", 6.0), ("work", 8.0))]
    found = replanner.plan(futures[0].plant, 0, {}, None, futures)
    assert prices(found)["price"].tolist() == pytest.approx([4.0, 7.0])


def test_every_future_has_its_own_longer_view():
    """10 or 50 kW all month: what the month cannot do without is 10 kW in one future and 50 kW in the other.

    With the view of the usual future alone, the other one would pay 8 a kW for 40 kW that come in any case.
    """

    def month(load):
        assets = {
            "grid": grid(1.0, demand_charge=DemandCharge(price=8.0, window=1.0)),
            "load": ProductionLoad(demand=series(np.full(96, load))),
        }
        return plant(assets, Timeline.of_hours([1.0] * 96))

    futures = [Future("usual", 0.5, month(10.0)), Future("high", 0.5, month(50.0))]
    found = Replanner(Look(((24.0, 1.0),)), Settings(gap=0.0)).plan(month(10.0), 0, {}, None, futures)
    seen = [future.plant.assets["grid"].demand_charge.peak_so_far for future in found.futures]
    assert seen == pytest.approx([10.0, 50.0])


def test_the_time_that_writing_a_model_takes_is_the_solvers_loss(monkeypatch):
    """Writing the futures takes all of their share: nothing is solved, and one forecast is planned for."""
    written = replanning._written

    def slow(futures, stage):
        if len(futures) > 1:
            time.sleep(1.0)
        return written(futures, stage)

    monkeypatch.setattr(replanning, "_written", slow)
    found = replanned(1.5)
    assert found.futures == ()
    assert "no time was left for the solver" in found.reason


HEDGE_FAILS = {
    "out of time": (NoPlanError(Outcome(Ended.TIME)), "time"),
    "no plan": (NoPlanError(Outcome(Ended.INFEASIBLE)), "infeasible"),
    "broken": (ValueError("HiGHS refused the model"), "HiGHS refused the model"),
}


@pytest.mark.parametrize(("error", "word"), HEDGE_FAILS.values(), ids=HEDGE_FAILS)
def test_where_futures_cannot_be_planned_for_one_forecast_is_and_that_is_told(error, word, monkeypatch):
    """The mean load of 5 kW is planned for: 5 kWh are kept."""

    def one_alone(model, settings):
        if isinstance(model, HedgedModel):
            raise error
        return optimise(model, settings)

    monkeypatch.setattr(replanning, "optimise", one_alone)
    found = replanned(60.0)
    assert found.rung is Rung.PROVED
    assert found.futures == ()
    assert found.reason.startswith("planned for one forecast, not for 2 futures")
    assert word in found.reason
    assert found.trace.flows["battery"]["discharge"].tolist() == pytest.approx([5.0, 5.0])


def test_a_plan_over_futures_that_is_not_proved_in_its_share_of_the_deadline_is_left(monkeypatch):
    """It gets no more than three fifths of the time, and one that ends with a gap gives way to a proved single plan."""
    given = []

    def slow(model, settings):
        outcome, values, goals = optimise(model, settings)
        given.append((isinstance(model, HedgedModel), settings.seconds))
        if isinstance(model, HedgedModel):
            outcome = replace(outcome, ended=Ended.TIME, bound=outcome.objective - 9.0)
        return outcome, values, goals

    monkeypatch.setattr(replanning, "optimise", slow)
    found = replanned(60.0)
    assert [is_hedged for is_hedged, _ in given] == [True, False]
    assert 30.0 < given[0][1] <= 36.0
    assert found.rung is Rung.PROVED
    assert found.futures == ()
    assert "not for 2 futures" in found.reason


def test_where_no_solver_helps_the_known_rungs_follow(monkeypatch):
    def never(_model, _settings):
        raise NoPlanError(Outcome(Ended.TIME))

    monkeypatch.setattr(replanning, "optimise", never)
    found = replanned(60.0)
    assert found.rung is Rung.RULE
    assert "not for 2 futures" in found.reason
    assert np.isfinite(found.trace.flows["grid"]["import"]).all()


def test_a_bus_that_lets_surplus_go_is_tied_while_nothing_differs():
    """Until the futures differ everything is decided, what a bus lets go included."""
    plants = {}
    for name, load in (("idle", 0.0), ("work", 10.0)):
        base = heat_day(load)
        buses = {**base.buses, "heat": PlantBus(CARRIERS["heat"], surplus=True)}
        plants[name] = replace(base, buses=buses)
    found = Hedge(plants, HALVES)
    assert found.flow("idle", "bus heat", "surplus")[0] == found.flow("work", "bus heat", "surplus")[0]
