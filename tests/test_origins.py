"""Origins: mixes worked out by hand, and what must hold of any plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.claims import StockBalance
from microgrid.origins import Origins, Source, origins
from tests.frames import plan

BATTERY = {"battery": [StockBalance("stored", (("charge", -0.8), ("discharge", -2.0)), "energy")]}


def named(found: Origins, *names: str) -> list[int]:
    """Return the places of sources."""
    return [[source.name for source in found.sources].index(name) for name in names]


def mix(found: Origins, bus: str, step: int, *names: str, book: str = "shares") -> Sequence[float]:
    """Return what some sources are of a bus at a step."""
    values: Sequence[float] = getattr(found, book)[bus][step, named(found, *names)].tolist()
    return values


def imbalance(found: Origins) -> float:
    """Return by how much, relative to all, what sources give is more or less than uses and stocks hold."""
    hours = found.weighted_hours
    given = hours @ found.supplied
    used = sum(((hours * use.drawn) @ found.content[use.bus] for use in found.network.uses), np.zeros(len(given)))
    used = used + hours @ found.circling
    weights = found.network.weights
    kept = sum((weights @ np.diff(held, axis=0) for held in found.held_content.values()), np.zeros(len(given)))
    scale = max(float(np.abs(given).sum()), float(np.abs(kept).sum()), 1.0)
    return float(np.abs(given - used - kept).max(initial=0.0)) / scale


def test_whatever_leaves_a_bus_takes_its_mix():
    """30 kW of sun and 10 from the grid: three quarters and one, for the load and for what is exported alike.

    At the second step all comes from the grid; at the third nothing flows, and there is no mix to tell.
    """
    flows = {
        ("roof", "output", "electricity"): [30.0, 0.0, 0.0],
        ("grid", "import", "electricity"): [10.0, 8.0, 0.0],
        ("grid", "export", "electricity"): [-20.0, 0.0, 0.0],
        ("mill", "demand", "electricity"): [-20.0, -8.0, 0.0],
    }
    found = origins(plan(flows, [1.0, 0.5, 2.0], kinds={"roof": "photovoltaic"}))
    assert found.sources[0] == Source("roof", "output", "", "photovoltaic", "electricity")
    assert [mix(found, "electricity", t, "roof", "grid") for t in range(3)] == [[0.75, 0.25], [0.0, 1.0], [0.0, 0.0]]
    assert found.share("electricity", lambda source: source.kind == "photovoltaic").tolist() == [0.75, 0.0, 0.0]
    assert {use.name for use in found.network.uses} == {"export", "demand"}
    assert imbalance(found) < 1e-12


def test_what_is_not_served_is_no_supply():
    """A load of 10 kW of which 4 are unserved and 1 is shed: 5 kW come from the grid, and nothing from nowhere."""
    flows = {
        ("grid", "import", "electricity"): [5.0],
        ("mill", "demand", "electricity"): [-10.0],
        ("mill", "shed", "electricity"): [1.0],
        ("mill", "unserved", "electricity"): [4.0],
    }
    found = origins(plan(flows))
    assert [source.name for source in found.sources] == ["grid"]
    assert found.network.uses[0].drawn.tolist() == [5.0]


def test_a_battery_gives_out_what_it_was_filled_with_and_its_losses_raise_the_content():
    """10 kWh of sun become 8 in the cells; drawn, all 8, they give 4 on the bus beside 4 from the grid.

    Half of the bus is sun by share, though it took 10 / 8 kWh of sun for each kWh of the bus, and 4 / 8 of grid. A
    battery that made its own energy green, or mixed in the grid of the hour of discharge, would show here.
    """
    flows = {
        ("roof", "output", "electricity"): [10.0, 0.0],
        ("grid", "import", "electricity"): [0.0, 4.0],
        ("battery", "charge", "electricity"): [-10.0, 0.0],
        ("battery", "discharge", "electricity"): [0.0, 4.0],
        ("mill", "demand", "electricity"): [0.0, -8.0],
    }
    found = origins(plan(flows, [1.0, 1.0], {("battery", "stored"): [0.0, 8.0, 0.0]}, BATTERY))
    assert mix(found, "electricity", 1, "roof", "grid") == pytest.approx([0.5, 0.5])
    assert mix(found, "electricity", 1, "roof", "grid", book="content") == pytest.approx([1.25, 0.5])
    assert found.held_shares["battery"][:, named(found, "roof")[0]].tolist() == pytest.approx([0.0, 8.0, 0.0])
    assert found.held_content["battery"][:, named(found, "roof")[0]].tolist() == pytest.approx([0.0, 10.0, 0.0])
    assert imbalance(found) < 1e-12


def test_what_a_store_held_before_is_a_source_of_its_own():
    """8 kWh from before, 8 more of sun (10 on the bus); 4 kWh out take half of the 16: half sun, half from before."""
    flows = {
        ("roof", "output", "electricity"): [10.0, 0.0],
        ("battery", "charge", "electricity"): [-10.0, 0.0],
        ("battery", "discharge", "electricity"): [0.0, 4.0],
        ("mill", "demand", "electricity"): [0.0, -4.0],
    }
    found = origins(plan(flows, [1.0, 1.0], {("battery", "stored"): [8.0, 16.0, 8.0]}, BATTERY))
    assert mix(found, "electricity", 1, "roof", "battery, before") == pytest.approx([0.5, 0.5])
    assert found.held_share("battery", lambda source: source.asset == "roof").tolist() == pytest.approx([0.0, 0.5, 0.5])
    # Of sun 5 of 10 kWh went out, of what was there before 4 of 8; both in the same 4 kWh.
    assert mix(found, "electricity", 1, "roof", "battery, before", book="content") == pytest.approx([1.25, 1.0])
    assert imbalance(found) < 1e-12


def test_standing_losses_take_from_all_sources_alike_and_raise_the_content():
    """8 kWh of sun of which a half is left after the hour: the 4 are all sun, and stand for 10 kWh of it."""
    lossy = {"battery": [StockBalance("stored", (("charge", -0.8), ("discharge", -1.0)), "energy", loss=0.5)]}
    flows = {
        ("roof", "output", "electricity"): [10.0, 0.0],
        ("battery", "charge", "electricity"): [-10.0, 0.0],
        ("battery", "discharge", "electricity"): [0.0, 0.0],
    }
    found = origins(plan(flows, [1.0, 1.0], {("battery", "stored"): [0.0, 8.0, 4.0]}, lossy))
    assert found.held_shares["battery"][2, 0] == pytest.approx(4.0)
    assert found.held_content["battery"][2, 0] == pytest.approx(10.0)


def test_an_electrolyser_and_a_fuel_cell_that_feed_each_other_are_solved_together():
    """100 kW of sun, 60 of all drawn by the electrolyser, whose kilogram gives 20 kW back: 60 kW for the load.

    All that the sun gives ends in the load: 100 / 60 kWh of sun for each of its kWh. Followed bus by bus, without
    solving the loop, the 20 kW of the fuel cell would carry nothing, or carry it twice.
    """
    flows = {
        ("roof", "output", "electricity"): [100.0],
        ("electrolyser", "power", "electricity"): [-60.0],
        ("electrolyser", "hydrogen", "hydrogen"): [1.0],
        ("cell", "hydrogen", "hydrogen"): [-1.0],
        ("cell", "output", "electricity"): [20.0],
        ("mill", "demand", "electricity"): [-60.0],
    }
    found = origins(plan(flows))
    assert mix(found, "electricity", 0, "roof", book="content") == pytest.approx([100 / 60])
    assert mix(found, "hydrogen", 0, "roof", book="content") == pytest.approx([100 / HYDROGEN_LOWER_HEATING_VALUE])
    assert mix(found, "electricity", 0, "roof") == pytest.approx([1.0])
    assert imbalance(found) < 1e-12


def test_a_converters_outputs_share_its_inputs_by_their_energy():
    """100 kW of gas become 30 of electricity and 50 of heat: 37.5 and 62.5 kW of gas, 1.25 for each kW.

    Beside 30 kW of sun, the electricity is half gas by share, whatever it took to make it.
    """
    flows = {
        ("gas", "supply", "natural_gas"): [100.0],
        ("engine", "fuel", "natural_gas"): [-100.0],
        ("engine", "output", "electricity"): [30.0],
        ("engine", "heat", "heat"): [50.0],
        ("roof", "output", "electricity"): [30.0],
        ("mill", "demand", "electricity"): [-60.0],
        ("dryer", "demand", "heat"): [-50.0],
    }
    found = origins(plan(flows))
    assert mix(found, "electricity", 0, "gas", "roof", book="content") == pytest.approx([37.5 / 60, 0.5])
    assert mix(found, "electricity", 0, "gas", "roof") == pytest.approx([0.5, 0.5])
    assert mix(found, "heat", 0, "gas", book="content") == pytest.approx([1.25])
    assert imbalance(found) < 1e-12


def test_a_compressor_s_work_is_behind_the_hydrogen_and_no_part_of_it():
    """A kilogram from a trailer, pressed into the tank with 2 kWh from the grid; it comes out later.

    By share it is the trailer's; behind it stand 33.33 kWh of the trailer and 2 of the grid.
    """
    tank = {"tank": [StockBalance("stored", (("charge", -1.0), ("discharge", -1.0)), "capacity")]}
    flows = {
        ("trailer", "supply", "hydrogen"): [1.0, 0.0],
        ("grid", "import", "electricity"): [2.0, 0.0],
        ("tank", "charge", "hydrogen"): [-1.0, 0.0],
        ("tank", "compression", "electricity"): [-2.0, 0.0],
        ("tank", "discharge", "hydrogen"): [0.0, 0.5],
        ("oven", "demand", "hydrogen"): [0.0, -0.5],
    }
    found = origins(plan(flows, [1.0, 1.0], {("tank", "stored"): [0.0, 1.0, 0.5]}, tank))
    assert mix(found, "hydrogen", 1, "trailer", "grid") == pytest.approx([1.0, 0.0])
    each = 2.0 / HYDROGEN_LOWER_HEATING_VALUE
    assert mix(found, "hydrogen", 1, "trailer", "grid", book="content") == pytest.approx([1.0, each])
    assert imbalance(found) < 1e-12


def test_a_unit_that_stands_by_uses_what_it_draws():
    """An electrolyser makes hydrogen at the first step and only draws 3 kW at the second: they are its own use."""
    flows = {
        ("grid", "import", "electricity"): [60.0, 3.0],
        ("electrolyser", "power", "electricity"): [-60.0, -3.0],
        ("electrolyser", "hydrogen", "hydrogen"): [1.0, 0.0],
        ("oven", "demand", "hydrogen"): [-1.0, 0.0],
    }
    found = origins(plan(flows, [1.0, 1.0]))
    (idle,) = [use for use in found.network.uses if use.asset == "electrolyser"]
    assert idle.drawn.tolist() == [0.0, 3.0]
    assert imbalance(found) < 1e-12


def test_an_import_can_be_told_apart_by_contract():
    """10 kW of import of which 6 come under a contract; at the second step it would deliver more than is imported."""
    flows = {("grid", "import", "electricity"): [10.0, 4.0], ("mill", "demand", "electricity"): [-10.0, -4.0]}
    found = origins(plan(flows, [1.0, 1.0]), {("grid", "import"): {"wind park": np.array([6.0, 6.0])}})
    assert mix(found, "electricity", 0, "grid, wind park", "grid") == pytest.approx([0.6, 0.4])
    assert mix(found, "electricity", 1, "grid, wind park", "grid") == pytest.approx([1.0, 0.0])


def test_what_energy_carries_may_change_with_the_step_and_stays_in_the_store():
    """A battery filled at 0.2 kg/kWh gives out what it was filled with, when the grid stands at 0.9.

    10 kWh at 0.2 are 2 kg, behind 4 kWh of the bus: 0.5 kg each.
    """
    flows = {
        ("grid", "import", "electricity"): [10.0, 0.0],
        ("battery", "charge", "electricity"): [-10.0, 0.0],
        ("battery", "discharge", "electricity"): [0.0, 4.0],
        ("mill", "demand", "electricity"): [0.0, -4.0],
    }
    found = origins(plan(flows, [1.0, 1.0], {("battery", "stored"): [0.0, 8.0, 0.0]}, BATTERY))
    carried = found.carried(np.array([[0.2, 0.0], [0.9, 0.0]]))
    assert carried.on_bus["electricity"].tolist() == pytest.approx([0.2, 0.5])
    assert carried.in_store["battery"].tolist() == pytest.approx([0.0, 2.0, 0.0])


def test_the_frame_tells_shares_by_bus_source_and_time():
    flows = {("grid", "import", "electricity"): [5.0], ("mill", "demand", "electricity"): [-5.0]}
    frame = origins(plan(flows)).frame()
    assert frame[["bus", "source", "share"]].to_numpy().tolist() == [["electricity", "grid", 1.0]]


def test_energy_burnt_in_a_circle_is_told_apart():
    """60 kW paid for and burnt: all goes to the electrolyser, comes back as 20 kW and goes there again; no use."""
    flows = {
        ("grid", "import", "electricity"): [60.0],
        ("electrolyser", "power", "electricity"): [-80.0],
        ("electrolyser", "hydrogen", "hydrogen"): [1.0],
        ("cell", "hydrogen", "hydrogen"): [-1.0],
        ("cell", "output", "electricity"): [20.0],
    }
    found = origins(plan(flows))
    assert found.circling[0].tolist() == pytest.approx([60.0])
    assert imbalance(found) < 1e-12


def test_what_a_battery_takes_and_gives_at_once_is_lost_in_it():
    """24 kW in, 13.8 out at the same hour, where burning energy pays: it takes 10.2, and what it took stays its own."""
    flows = {
        ("grid", "import", "electricity"): [10.2],
        ("battery", "charge", "electricity"): [-24.0],
        ("battery", "discharge", "electricity"): [13.8],
    }
    claims = {"battery": [StockBalance("stored", (("charge", -0.75), ("discharge", -18 / 13.8)), "energy")]}
    found = origins(plan(flows, [1.0], {("battery", "stored"): [0.0, 0.0]}, claims))
    assert found.held_content["battery"][1, 0] == pytest.approx(10.2)
    assert found.held_shares["battery"][1].tolist() == pytest.approx([0.0, 0.0])
    assert imbalance(found) < 1e-12
