"""Fronts whose plans are worked out by hand; what an interruption leaves; what is beaten is left out."""

from __future__ import annotations

import json

import pytest

from microgrid.errors import InputError
from microgrid.finance import annuity_factor
from microgrid.planning import pareto as module
from microgrid.planning.front import Point, abatement_costs, efficient, knee
from microgrid.planning.pareto import FRONT, pareto
from microgrid.results import load
from tests.planning.files import ROOF, YEAR, scenario

CLEAN = 0.5 * 8760 * 0.5  # kgCO2e that a kW of roof avoids in a year
SAVED = 0.5 * 8760 * 0.1  # EUR that it saves
TWO = YEAR.replace(ROOF, "{high: 50 kW, capex: 10000 EUR/kW, lifetime: 20 a}").replace(
    "  plant:",
    "  first: {kind: photovoltaic, availability: 0.5, capacity: {high: 20 kW, capex: 6000 EUR/kW, lifetime: 20 a}}\n"
    "  plant:",
)
DEAR = [each * annuity_factor(0.06, 20) - SAVED for each in (6000, 10_000)]  # EUR a kW of roof costs more than it saves


def cost_of(roof):
    """Return what a year costs with so many kW of roof in all: the first 20 are the cheaper ones."""
    return 100 * 8760 * 0.1 + min(roof, 20) * DEAR[0] + max(roof - 20, 0) * DEAR[1]


def test_a_front_of_two_roofs_by_hand(tmp_path):
    """Neither roof pays: the cheapest plan has none, the cleanest all 70 kW; in between the cheaper one comes first.

    Five plans avoid 0, 1/4, ... of 70 kW's emissions: 0, 17.5, 35, 52.5 and 70 kW. A kg costs (523.1 - 438) / 2,190
    with the first roof and (871.8 - 438) / 2,190 with the second; the bend between them is nearest to 17.5 kW.
    """
    front = pareto(scenario(tmp_path, TWO), 5)
    roofs = [70, 52.5, 35, 17.5, 0]
    assert [each.cost for each in front.points] == pytest.approx([cost_of(roof) for roof in roofs], rel=1e-5)
    assert [each.emissions for each in front.points] == pytest.approx(
        [438_000 - CLEAN * roof for roof in roofs], rel=1e-5
    )
    assert all(each.proved and each.audited and each.gap <= 1e-4 for each in front.points)
    steps = abatement_costs(front.points)
    assert steps[:2] == pytest.approx([DEAR[1] / CLEAN] * 2, rel=1e-4)
    assert steps[2] == pytest.approx((2.5 * DEAR[0] + 15 * DEAR[1]) / 17.5 / CLEAN, rel=1e-4)
    assert steps[3] == pytest.approx(DEAR[0] / CLEAN, rel=1e-4)
    assert knee(front.points).number == 3
    assert knee(front.points).sizes["first"]["capacity"] == pytest.approx(17.5, rel=1e-4)


def test_a_point_tells_what_a_kilogram_more_would_save(tmp_path):
    """A limit of the front tightens the plant's own cap of 400 t: its price is the second roof's, or the first's."""
    text = TWO.replace("objective:", "objective:\n  caps: {emissions: 400 tCO2}") if "objective:" in TWO else TWO
    text = text if "objective:" in TWO else text + "objective: {caps: {emissions: 400 tCO2}}\n"
    out = tmp_path / "front"
    front = pareto(scenario(tmp_path, text), 4, out)
    worth = [
        load(out / "points" / f"{each.number:03d}").manifest["caps"]["emissions"]["worth"] for each in front.points
    ]
    roofs = [(438_000 - each.emissions) / CLEAN for each in front.points]
    expected = [DEAR[0 if roof < 20 - 1e-6 else 1] / CLEAN for roof in roofs]
    assert roofs == pytest.approx([70, 52.45, 34.9, 17.35], abs=0.1)
    assert worth[1:] == pytest.approx(expected[1:], rel=1e-4)


def test_a_front_of_whole_numbers_begins_with_what_is_known(tmp_path, monkeypatch):
    """Limits grow from the cleanest plan on: each solve after the first two begins with a plan that keeps its limit."""
    text = TWO.replace("{high: 50 kW,", "{high: 50 kW, unit_size: 5 kW,")
    starts = []
    solve = module.solve

    def seen(model, settings, watch, start, **more):
        starts.append(start)
        return solve(model, settings, watch, start, **more)

    monkeypatch.setattr(module, "solve", seen)
    front = pareto(scenario(tmp_path, text), 4)
    assert [each is None for each in starts] == [True, True, False, False, False]
    assert [each.emissions for each in front.computed[1:]] == sorted(each.emissions for each in front.computed[1:])


def test_an_interrupted_front_goes_on(tmp_path, monkeypatch):
    path, out, solves = scenario(tmp_path, TWO), tmp_path / "front", []
    whole = pareto(path, 4, out)
    solve = module.solve

    def counted(*args, **more):
        solves.append(1)
        return solve(*args, **more)

    monkeypatch.setattr(module, "solve", counted)
    again = pareto(path, 4, out)
    assert not solves
    assert again.points == whole.points
    kept = json.loads((out / FRONT).read_text(encoding="utf-8"))
    kept["computed"] = [each for each in kept["computed"] if each["number"] != 1]
    (out / FRONT).write_text(json.dumps(kept), encoding="utf-8")
    third = pareto(path, 4, out)
    assert len(solves) == 1
    assert [each.cost for each in third.points] == pytest.approx([each.cost for each in whole.points])
    assert load(out / "points" / "001").cost == pytest.approx(third.computed[-1].cost)
    assert (out / "front.png").stat().st_size > 10_000
    assert len((out / "front.csv").read_text(encoding="utf-8").splitlines()) == 5
    with pytest.raises(InputError, match="another scenario or count"):
        pareto(path, 5, out)
    monkeypatch.setattr(module, "engine", lambda: {"green-microgrid": "0.1.0", "source": "edited"})
    with pytest.raises(InputError, match="by another engine"):
        pareto(path, 4, out)


def test_no_plan_is_clean_by_not_producing(tmp_path):
    """Unserved load costs 0.05 EUR/kWh, less than electricity: the cheapest plan would serve and emit nothing."""
    text = TWO.replace("demand: 100 kW", "demand: 100 kW, unserved_price: 0.05 EUR/kWh")
    front = pareto(scenario(tmp_path, text), 2)
    assert [each.emissions for each in front.points] == pytest.approx([438_000 - 70 * CLEAN, 438_000], rel=1e-5)


@pytest.mark.parametrize("text", [TWO.replace(", location_factor: 0.5 kgCO2/kWh", "")])
def test_a_plant_that_emits_nothing_has_no_front(text, tmp_path):
    with pytest.raises(InputError, match="nothing that emits"):
        pareto(scenario(tmp_path, text), 3)


def test_one_point_is_no_front_and_a_foreign_folder_none_of_ours(tmp_path):
    with pytest.raises(InputError, match="both ends included"):
        pareto(scenario(tmp_path, TWO), 1)
    with pytest.raises(InputError, match="something that is no front"):
        pareto(scenario(tmp_path, TWO), 3, tmp_path)


def point(emissions, cost):
    return Point(0, emissions, cost, emissions, cost, "optimal", True, 0.0)


def test_what_another_plan_beats_is_left_out():
    kept = [point(1.0, 9.0), point(2.0, 5.0), point(4.0, 4.0)]
    beaten = [point(2.0, 6.0), point(3.0, 5.0), point(5.0, 4.0)]
    assert efficient([*beaten, *kept]) == kept
    assert knee(kept) == kept[1]


def test_a_straight_front_has_no_knee():
    assert knee([point(1.0, 3.0), point(2.0, 2.0), point(3.0, 1.0)]) is None
    assert knee([point(1.0, 3.0), point(3.0, 1.0)]) is None
