"""Pictures: what they show is what the frames say, in every shape that a plan can have."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from microgrid.capacity import Sized
from microgrid.plant import Objective, PlantBus
from microgrid.plots import CAPTIONS, save_plots
from microgrid.plots.canvas import alarms_of, asset_labels, clean, labels, legible
from microgrid.plots.clock import days_of, time_axis
from microgrid.plots.costs import costs
from microgrid.plots.dispatch import dispatch, dispatch_least
from microgrid.plots.duration import descending, duration
from microgrid.plots.energy import averaged, energy
from microgrid.plots.numbers import amount, decimals_for, larger_unit, short
from microgrid.plots.palette import COLOURS, UNSERVED, colours
from microgrid.plots.stocks import stocks
from microgrid.plots.view import View, curtailed
from microgrid.plots.weeks import weeks
from microgrid.running import solve_plant
from microgrid.series import Series
from microgrid.technologies.battery import Battery, Wear
from microgrid.technologies.boiler import Boiler
from microgrid.technologies.commitment import Commitment
from microgrid.technologies.electrolyser import Electrolyser
from microgrid.technologies.fuel_cell import FuelCell
from microgrid.technologies.fuel_generator import FuelGenerator
from microgrid.technologies.grid_connection import DemandCharge, GridConnection
from microgrid.technologies.heat_pump import HeatPump
from microgrid.technologies.heat_storage import HeatStorage
from microgrid.technologies.hydrogen_tank import HydrogenTank
from microgrid.technologies.photovoltaic import Photovoltaic
from microgrid.technologies.production_load import ProductionLoad
from microgrid.technologies.supply import Supply
from microgrid.technologies.wind_turbine import WindTurbine
from microgrid.timeline import Timeline
from tests.plants import plant

MAKERS = (dispatch, dispatch_least, energy, stocks, costs, duration)
HOURS = [0.5, 1.0, 2.0, 0.25, 3.0]


def series(values):
    return Series(np.asarray(values, dtype=float))


def grid(**more):
    given = {
        "capacity": 100.0,
        "import_price": [0.1, -0.2, 0.4, 0.9, 0.3],
        "location_factor": 0.5,
        "market_factor": 0.7,
    }
    return GridConnection(**(given | more))


def small_day():
    """Import, export, sun, a battery and a load that is more than the grid gives in step 3, on unequal steps."""
    assets = {
        "grid": grid(export_price=[0.05, -0.3, 0.3, 0.5, 0.05], demand_charge=DemandCharge(price=2.0, window=0.25)),
        "roof": Photovoltaic(capacity=80.0, availability=[0.0, 0.9, 0.7, 0.1, 0.0]),
        "battery": Battery(energy=60.0, power=30.0, wear=Wear(replacement_cost=100.0, cycle_life=5000.0)),
        "works": ProductionLoad(demand=[40.0, 30.0, 60.0, 150.0, 20.0], unserved_price=9.0),
    }
    return solve_plant(plant(assets, HOURS))


def chain():
    """Every carrier: hydrogen made, stored and turned back, heat from pump, boiler and generator, surplus heat."""
    assets = {
        "grid": GridConnection(capacity=900.0, import_price=[0.05, 0.2, 0.9, 0.8]),
        "wind": WindTurbine(capacity=200.0, availability=[0.5, 0.6, 0.1, 0.2]),
        "gas": Supply(bus="natural_gas", price=0.3, scope_1_factor=0.2, scope_3_factor=0.03),
        "generator": FuelGenerator(
            capacity=150.0, electric_efficiency=0.5, heat_efficiency=0.4, heat_bus="heat",
            commitment=Commitment(minimum_load=0.3, start_cost=5.0),
        ),
        "electrolyser": Electrolyser(
            capacity=300.0, stacks=2, minimum_load=0.2, consumption=50.0, standby_power=0.02, standby_before=1
        ),
        "tank": HydrogenTank(capacity=50.0, compression_energy=1.0),
        "cell": FuelCell(capacity=100.0, electricity_per_kg=16.0),
        "pump": HeatPump(capacity=60.0, cop=9.0),
        "boiler": Boiler(capacity=300.0, efficiency=0.9, bus_in="natural_gas"),
        "electrode": Boiler(capacity=300.0, efficiency=0.99, bus_in="electricity"),
        "water": HeatStorage(energy=100.0, power=50.0),
        "works": ProductionLoad(demand=[200.0, 100.0, 300.0, 150.0], sheddable=0.2, shed_price=0.5),
        "line": ProductionLoad(bus="hydrogen", demand=[2.0, 2.0, 2.0, 2.0]),
        "process": ProductionLoad(bus="heat", demand=[200.0, 50.0, 100.0, 250.0]),
    }  # fmt: skip
    from microgrid.carriers import CARRIERS

    return solve_plant(plant(assets, [1.0, 2.0, 1.0, 0.5], buses={"heat": PlantBus(CARRIERS["heat"], surplus=True)}))


def long(days, start="2026-03-01", step="1h", zone="Europe/Berlin"):
    """Plan a battery behind a grid, with the load's peak on day 20 and least load around day 30."""
    first = pd.Timestamp(start, tz=zone)
    timeline = Timeline.regular(first, first + pd.DateOffset(days=days), pd.Timedelta(step))
    hour = timeline.index.hour.to_numpy()
    day = (timeline.index.normalize() - first.normalize()).days.to_numpy()
    load = 50.0 + 30.0 * ((hour >= 8) & (hour < 18)) + 60.0 * ((day == 20) & (hour == 10)) - 20.0 * (abs(day - 30) < 3)
    assets = {
        "grid": GridConnection(
            capacity=500.0, import_price=series(0.1 + 0.1 * (hour > 6)), export_price=series(np.full(len(load), 0.01))
        ),
        "roof": Photovoltaic(capacity=120.0, availability=series(np.clip(np.sin((hour - 6) / 12 * np.pi), 0.0, None))),
        "battery": Battery(energy=40.0, power=20.0),
        "works": ProductionLoad(demand=series(load)),
    }
    return solve_plant(plant(assets, timeline))


@pytest.fixture(scope="module")
def day_plan():
    return small_day()


@pytest.fixture(scope="module")
def chain_plan():
    return chain()


@pytest.fixture(scope="module")
def season():
    return long(60)


def of_kind(figure, start):
    """Return artists by their name, of those whose name begins as given."""
    found = {}
    for axes in figure.axes:
        for artist in [*axes.collections, *axes.lines, *axes.patches]:
            name = str(artist.get_gid() or "")
            if name.startswith(start):
                found.setdefault(name, []).append(artist)
    return found


def layer(artist):
    """Return the lower and upper edge of a filled area at each of its places, and the places."""
    (path,) = artist.get_paths()
    count = (len(path.vertices) - 3) // 2
    low, high = path.vertices[1 : count + 1], path.vertices[count + 2 : 2 * count + 2][::-1]
    assert low[:, 0] == pytest.approx(high[:, 0])
    return low[:, 0], low[:, 1], high[:, 1]


def stack_of(axes, side):
    """Return the height of a stack over the steps, as its artists draw it, piled without gaps."""
    top = None
    for artist in axes.collections:
        if str(artist.get_gid()).startswith(side):
            _, low, high = layer(artist)
            assert low == pytest.approx(np.zeros_like(low) if top is None else top)
            top = high
    return top[::2]


def texts(figure):
    inside = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [*(text.get_text() for text in figure.texts), *inside]


# What is written


def test_every_picture_is_written_and_holds_something(day_plan, tmp_path):
    pictures = save_plots(day_plan, tmp_path)
    assert set(pictures) == {"dispatch", "stocks", "costs", "sankey", "duration"}
    for name, path in pictures.items():
        assert path == tmp_path / f"{name}.png"
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert path.stat().st_size > 8_000
    assert set(pictures) <= set(CAPTIONS)


def test_the_same_plan_gives_the_same_bytes(day_plan, tmp_path):
    first = {name: path.read_bytes() for name, path in save_plots(day_plan, tmp_path).items()}
    assert {name: path.read_bytes() for name, path in save_plots(day_plan, tmp_path).items()} == first


def test_pictures_need_neither_pyplot_nor_a_solver(day_plan, tmp_path):
    day_plan.save(tmp_path)
    code = (
        "import sys, pathlib; from microgrid.plots import save_plots; from microgrid.results import load;"
        "assert 'matplotlib' not in sys.modules; folder = pathlib.Path(sys.argv[1]);"
        "assert len(save_plots(load(folder), folder)) == 5;"
        "assert not {'matplotlib.pyplot', 'pyomo', 'highspy'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0


def test_the_callers_style_is_neither_used_nor_changed(day_plan, tmp_path):
    with mpl.rc_context({"font.family": "serif", "axes.grid": False, "text.color": "red"}):
        before = dict(mpl.rcParams)
        pictures = save_plots(day_plan, tmp_path)
        assert dict(mpl.rcParams) == before
        odd = pictures["dispatch"].read_bytes()
    assert save_plots(day_plan, tmp_path)["dispatch"].read_bytes() == odd


@pytest.mark.parametrize("make", MAKERS)
def test_every_axis_tells_its_unit(make, chain_plan, season):
    for result in (chain_plan, season):
        figure = make(result)
        for axes in figure.axes if figure is not None else ():
            told = {axes.get_ylabel(), axes.get_xlabel()} | {str(a.get_gid()).split(":")[0] for a in axes.collections}
            units = {
                "kW",
                "MW",
                "kWh",
                "kg",
                "kg/h",
                "EUR",
                "kgCO2e",
                "tCO2e",
                "EUR/kWh",
                "EUR/kg",
                "kWh/day",
                "MWh/day",
            }
            beside_another = axes.get_ylabel() == "" and not axes.yaxis.get_tick_params()["labelleft"]
            assert told & units or beside_another or axes.get_yticks().size == 0


def test_titles_say_scenario_period_and_zone(day_plan):
    named = replace(day_plan, manifest=day_plan.manifest | {"scenario": {"name": "Nordwerk"}})
    for make in (dispatch, stocks, costs, duration):
        head = "\n".join(text.get_text() for text in make(named).texts)
        assert "Nordwerk" in head
        assert "5 Jan 2026 00:00 to 5 Jan 2026 06:45, 5 steps of 15 min to 3 h" in head
        assert "UTC (UTC+00:00)" in head


# Dispatch


def test_stacks_add_up_to_the_flows(day_plan):
    (axes, _prices) = dispatch(day_plan).axes
    rates = day_plan.flows.pivot_table(index="time", columns=["asset", "port"], values="rate", observed=True)
    supply = rates.clip(lower=0.0).sum(axis=1).to_numpy()
    consumption = -rates.drop(columns=[("works", "demand")]).clip(upper=0.0).sum(axis=1).to_numpy()
    assert stack_of(axes, "supply:") == pytest.approx(supply)
    assert -stack_of(axes, "consumption:") == pytest.approx(consumption)
    (load,) = of_kind(dispatch(day_plan), "load")["load"]
    assert load.get_ydata()[::2] == pytest.approx([40.0, 30.0, 60.0, 150.0, 20.0])
    assert supply == pytest.approx(consumption + load.get_ydata()[::2])


def test_values_hold_over_their_steps(day_plan):
    (load,) = of_kind(dispatch(day_plan), "load")["load"]
    x = np.asarray(load.get_xdata())
    assert 24 * (x[1::2] - x[::2]) == pytest.approx(HOURS)
    assert x[1:-1:2] == pytest.approx(x[2::2])
    assert load.get_ydata()[::2] == pytest.approx(load.get_ydata()[1::2])


def test_every_bus_has_its_panel_and_adds_up(chain_plan):
    figure = dispatch(chain_plan)
    panels = [axes for axes in figure.axes if any(str(c.get_gid()).startswith("supply:") for c in axes.collections)]
    assert len(panels) == chain_plan.flows["bus"].nunique() == 4
    for axes, bus in zip(panels, View.of(chain_plan).buses, strict=True):
        part = chain_plan.flows[chain_plan.flows["bus"] == bus]
        supply = part["rate"].clip(lower=0.0).groupby(part["time"]).sum().to_numpy()
        assert stack_of(axes, "supply:") == pytest.approx(supply)


def test_prices_are_drawn_with_their_signs(day_plan):
    (_, axes) = dispatch(day_plan).axes
    lines = {line.get_gid(): line.get_ydata()[::2] for line in axes.lines if line.get_gid()}
    assert lines["import price"] == pytest.approx([0.1, -0.2, 0.4, 0.9, 0.3])
    assert lines["export price"] == pytest.approx([0.05, -0.3, 0.3, 0.5, 0.05])
    assert lines["bus price"] == pytest.approx(day_plan.prices["price"].to_numpy())
    assert axes.get_ylim()[0] < -0.3
    assert axes.get_ylabel() == "EUR/kWh"


def test_a_rare_spike_is_told_at_the_edge(season):
    prices = season.prices.copy()
    prices.loc[700, "price"] = 80.0
    prices.loc[710, "price"] = -70.0
    spiked = replace(season, prices=prices)
    view = View.of(spiked).cut(660, 740)
    figure = dispatch(replace(spiked, **frames_of(view, spiked)))
    assert {"▲ 80.0", "▼ −70.0"} <= {t.replace(" ▲", "").replace(" ▼", "") for t in edge_texts(figure)}
    assert max(axes.get_ylim()[1] for axes in figure.axes if axes.get_ylabel() == "EUR/kWh") < 5


def edge_texts(figure):
    found = [text for text in texts(figure) if "▲" in text or "▼" in text]
    return [t if t[0] in "▲▼" else " ".join(reversed(t.split(" "))) for t in found]


def frames_of(view, result):
    """Return the frames of a part of a plan's time."""
    inside = set(view.times)
    cut = {
        name: frame[frame["time"].isin(inside)] for name, frame in vars(result).items() if name in ("flows", "prices")
    }
    empty = {name: getattr(result, name).iloc[:0] for name in ("stocks", "states", "costs", "emissions")}
    steps = result.steps[result.steps["time"].isin(inside)].reset_index(drop=True)
    return cut | empty | {"steps": steps, "claims": {}}


def test_prices_that_stay_are_told_in_words():
    assets = {"grid": GridConnection(capacity=50.0, import_price=0.25), "works": ProductionLoad(demand=[5.0, 9.0])}
    (axes,) = dispatch(solve_plant(plant(assets, [1.0, 1.0]))).axes
    assert any("import price 0.250 EUR/kWh; bus price 0.250 EUR/kWh" in text.get_text() for text in axes.texts)


def test_a_goal_of_emissions_prices_in_carbon():
    assets = {
        "grid": grid(import_price=[0.1, 0.4], location_factor=[0.3, 0.9]),
        "works": ProductionLoad(demand=[5.0, 9.0]),
    }
    (_, axes) = dispatch(solved_for(assets, ("emissions",))).axes
    assert axes.get_ylabel() in ("kgCO2e/kWh", "EUR/kWh")
    told = solved_for(assets, ("emissions",))
    told.manifest["outcome"]["goals"] = [{"column": "emissions"}]
    assert dispatch(told).axes[1].get_ylabel() == "kgCO2e/kWh"


def solved_for(assets, goals):
    return solve_plant(plant(assets, [1.0, 1.0], objective=Objective(goals=goals)))


def test_unserved_load_stands_out(day_plan):
    (unserved,) = of_kind(dispatch(day_plan), "supply:works:unserved")["supply:works:unserved"]
    assert to_hex(unserved.get_facecolor()[0]).upper() == UNSERVED
    assert unserved.get_hatch()
    (bar,) = of_kind(costs(day_plan), "cost:unserved")["cost:unserved: works"]
    assert to_hex(bar.get_facecolor()).upper() == UNSERVED


def test_many_small_assets_are_put_together():
    assets = {"grid": GridConnection(capacity=500.0, import_price=0.3), "works": ProductionLoad(demand=[300.0])}
    assets |= {f"roof {n}": Photovoltaic(capacity=float(n + 1), availability=0.5) for n in range(14)}
    figure = dispatch(solve_plant(plant(assets)))
    drawn = of_kind(figure, "supply:")
    assert len(drawn) == 9
    assert stack_of(figure.axes[0], "supply:") == pytest.approx([300.0])
    (legend,) = (axes.get_legend() for axes in figure.axes if axes.get_legend())
    assert "other (7)" in [text.get_text() for text in legend.get_texts()]


# Colours


def test_an_asset_has_one_colour_in_all_pictures(chain_plan):
    wanted = View.of(chain_plan).colours
    seen = {}
    for make in (dispatch, stocks):
        for name, artists in of_kind(make(chain_plan), "").items():
            asset = name.removeprefix("supply:").removeprefix("consumption:").split(":")[0]
            for artist in artists:
                if asset in wanted and name.startswith(("supply:", "consumption:")) and "shed" not in name:
                    seen.setdefault(asset, set()).add(to_hex(artist.get_facecolor()[0]).upper())
    assert len(seen) >= 11
    assert {asset: {wanted[asset].upper()} for asset in seen} == seen
    for name, (bar, *_) in of_kind(costs(chain_plan), "cost:energy").items():
        assert to_hex(bar.get_facecolor()).upper() == wanted[name.split(": ")[1].split(",")[0]].upper()


def test_two_of_a_kind_are_shades():
    found = colours({"east": "photovoltaic", "west": "photovoltaic", "battery": "battery"})
    assert found["east"] == COLOURS["photovoltaic"]
    assert found["west"] not in (found["east"], found["battery"])


SEES = {
    # Machado, Oliveira and Fernandes (2009), severity 1.0: "A physiologically-based model for simulation of color
    # vision deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6).
    "all": np.eye(3),
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
TOGETHER = (
    "grid_connection supply fuel_generator fuel_cell wind_turbine photovoltaic battery electrolyser heat_pump boiler",
    "supply fuel_generator fuel_cell electrolyser boiler heat_pump heat_storage surplus",
    "supply electrolyser hydrogen_tank fuel_cell boiler",
)


def lightness_and_hue(colour, sees):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(sees) @ linear, 0.0, 1.0)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    x, y, z = np.cbrt(to_xyz @ linear / [0.95047, 1.0, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sees", SEES)
@pytest.mark.parametrize("together", TOGETHER)
def test_colours_on_one_bus_are_told_apart_by_everybody(sees, together):
    seen = {kind: lightness_and_hue(COLOURS[kind], SEES[sees]) for kind in together.split()}
    nearest = min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in itertools.combinations(seen, 2))
    assert nearest[0] > 15, nearest


# Stocks


def test_stocks_and_commitment_are_drawn_as_they_are(chain_plan):
    figure = stocks(chain_plan)
    levels = {name: artists[0].get_ydata() for name, artists in of_kind(figure, "").items() if name.endswith(":stored")}
    for asset in ("tank", "water"):
        frame = chain_plan.stocks[chain_plan.stocks["asset"] == asset]
        assert frame["level"].max() > 5
        assert levels[f"{asset}:stored"] == pytest.approx(frame["level"].to_numpy())
    state = chain_plan.states[(chain_plan.states["asset"] == "electrolyser") & (chain_plan.states["state"] == "on")]
    (strip,) = of_kind(figure, "electrolyser:on")["electrolyser:on"]
    assert layer(strip)[2][::2] * max(1.0, state["value"].max()) == pytest.approx(state["value"].to_numpy(), abs=1e-6)


# Costs and carbon


def test_the_waterfall_ends_at_the_total(day_plan):
    bars = of_kind(costs(day_plan), "cost:")
    (total,) = bars.pop("cost:total")
    assert total.get_width() == pytest.approx(day_plan.cost)
    assert sum(bar.get_width() for (bar,) in bars.values()) == pytest.approx(day_plan.cost)
    revenue = day_plan.costs.loc[day_plan.costs["category"] == "revenue", "amount"].sum()
    assert bars["cost:revenue: grid, export"][0].get_width() == pytest.approx(revenue)
    assert revenue < 0
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for (bar,) in bars.values()]
    assert [begin for begin, _ in ends[1:]] == pytest.approx([end for _, end in ends[:-1]])


def test_carbon_stands_on_both_bases(day_plan):
    figure = costs(day_plan)
    for basis in ("location", "market"):
        (bar,) = of_kind(figure, f"{basis}:total")[f"{basis}:total of scopes 1 and 2"]
        assert bar.get_width() == pytest.approx(day_plan.manifest["emissions"][f"emissions_{basis}"])


def test_many_cost_lines_are_put_together():
    assets = {"grid": GridConnection(capacity=500.0, import_price=0.3), "works": ProductionLoad(demand=[300.0])}
    assets |= {f"roof {n}": Photovoltaic(capacity=9.0 + n, availability=0.5, variable_cost=0.01) for n in range(20)}
    result = solve_plant(plant(assets))
    bars = of_kind(costs(result), "cost:")
    assert len(bars) == 15
    assert sum(bar.get_width() for name, (bar,) in bars.items() if name != "cost:total") == pytest.approx(result.cost)


# Duration


def test_duration_curves_fall_and_keep_their_energy(day_plan):
    figure = duration(day_plan)
    curves = {name: lines[0] for name, lines in of_kind(figure, "").items()}
    load = curves["production load"]
    x, y = np.asarray(load.get_xdata()), np.asarray(load.get_ydata())
    assert (np.diff(y) <= 0).all()
    assert x[-1] == pytest.approx(sum(HOURS))
    assert float((np.diff(x) * y[1:]).sum()) == pytest.approx(np.dot([40.0, 30.0, 60.0, 150.0, 20.0], HOURS))
    residual = np.array([40.0, 30.0, 60.0, 150.0, 20.0]) - View.of(day_plan).own_generation()
    assert curves["load less own generation"].get_ydata().max() == pytest.approx(residual.max())
    assert curves["capacity"].get_ydata()[0] == 100.0
    assert "grid import less export" in curves


def test_equal_powers_share_their_hours():
    hours, power = descending(np.array([1.0, 3.0, 1.0]), np.array([2.0, 0.5, 1.0]))
    assert hours.tolist() == [0.0, 0.5, 0.5, 2.5, 2.5, 3.5]
    assert power.tolist() == [3.0, 3.0, 1.0, 1.0, 1.0, 1.0]


def test_a_capacity_far_above_is_told_in_words():
    assets = {"grid": GridConnection(capacity=9000.0, import_price=0.2), "works": ProductionLoad(demand=[5.0, 9.0])}
    figure = duration(solve_plant(plant(assets, [1.0, 1.0])))
    assert not of_kind(figure, "capacity")
    assert any("grid capacity 9,000 kW, above the axis" in text for text in texts(figure))


# Long horizons, and clocks that change


def test_a_long_horizon_shows_its_hardest_and_its_easiest_week(season):
    hardest, easiest = weeks(View.of(season))
    assert pd.Timestamp("2026-03-21T10:00", tz="Europe/Berlin") in hardest.view.times
    assert pd.Timestamp("2026-03-31T12:00", tz="Europe/Berlin") in easiest.view.times
    for window in (hardest, easiest):
        first, last = window.view.times[0], window.view.end
        assert (first.hour, last.hour) == (0, 0)
        assert (last.normalize() - first.normalize()).round("1D").days == 7
    for make, window in ((dispatch, hardest), (dispatch_least, easiest)):
        figure = make(season)
        assert window.title in figure.texts[0].get_text()
        assert stack_of(figure.axes[0], "supply:").max() <= figure.axes[0].get_ylim()[1]
        (load,) = of_kind(figure, "load")["load"]
        assert load.get_ydata()[::2] == pytest.approx(window.view.load(window.view.electric()))
    assert dispatch(season).axes[0].get_ylim() == dispatch_least(season).axes[0].get_ylim()


def test_a_limit_that_binds_often_picks_the_week_that_imports_most():
    result = long(30)
    flows = result.flows.copy()
    bought = (flows["asset"] == "grid") & (flows["port"] == "import")
    day = (flows["time"] - flows["time"].min()).dt.days
    flows.loc[bought, "rate"] = np.where(flows["time"].dt.hour == 9, 80.0, 10.0 + 30.0 * day.between(14, 20))[bought]
    hardest, _ = weeks(View.of(replace(result, flows=flows)))
    assert hardest.view.times[0] == pd.Timestamp("2026-03-15", tz="Europe/Berlin")


def test_the_whole_horizon_keeps_its_energy(season):
    view = View.of(season)
    word, pieces = averaged(view)
    assert word == "day"
    assert len(pieces.times) == 60
    assert sorted({round(hours, 6) for hours in pieces.hours.tolist()}) == [23.0, 24.0]
    for whole, part in zip(view.flows, pieces.flows, strict=True):
        assert pieces.total(part.along) == pytest.approx(view.total(whole.along))
    stack = stack_of(energy(season).axes[0], "supply:")
    assert len(stack) == 60


def test_ticks_stand_at_local_midnight_across_a_clock_change():
    for start in ("2026-03-27", "2026-10-23"):
        first = pd.Timestamp(start, tz="Europe/Berlin")
        last = first + pd.DateOffset(days=5)
        axes = mpl.figure.Figure().add_subplot()
        time_axis(axes, first, last)
        ticks = (
            pd.to_datetime(np.array(axes.get_xticks()) * 86_400e9).round("s").tz_localize("UTC").tz_convert(first.tz)
        )
        assert {tick.hour for tick in ticks} == {0}
        assert len(ticks) == 6


def test_ticks_survive_a_midnight_that_does_not_exist():
    first = pd.Timestamp("2018-11-03", tz="America/Sao_Paulo")
    axes = mpl.figure.Figure().add_subplot()
    time_axis(axes, first, first + pd.Timedelta(days=3))
    assert len(axes.get_xticks()) > 3


@pytest.mark.parametrize("hours", [0.02, 0.1, 1, 5, 30, 100, 500, 3000, 9000, 60_000, 300_000])
def test_every_length_of_time_has_a_few_ticks(hours):
    first = pd.Timestamp("2026-01-01T07:03", tz="Asia/Shanghai")
    axes = mpl.figure.Figure().add_subplot()
    time_axis(axes, first, first + pd.Timedelta(hours=hours))
    assert 2 <= len(axes.get_xticks()) <= 13


def test_steps_on_clock_change_days_are_neither_lost_nor_doubled():
    first = pd.Timestamp("2026-10-25", tz="Europe/Berlin")
    timeline = Timeline.regular(first, first + pd.DateOffset(days=1), pd.Timedelta("1h"))
    x = days_of(timeline.index)
    assert len(x) == 25
    assert 24 * np.diff(x) == pytest.approx(np.ones(24))


def test_fine_steps_are_averaged_before_they_are_drawn(season):
    view = View.of(season)
    thin = view.binned(1000)
    assert view.binned(1439) is view
    assert len(thin.times) == 720
    for whole, part in zip(view.flows, thin.flows, strict=True):
        assert thin.total(part.along) == pytest.approx(view.total(whole.along))
    assert len(thin.stocks[0].along) == 721
    assert thin.stocks[0].along[-1] == view.stocks[0].along[-1]


def test_long_pictures_are_written(season, tmp_path):
    told = {"dispatch", "dispatch_least", "energy", "stocks", "costs", "sankey", "duration"}
    assert set(save_plots(season, tmp_path)) == told


# What is missing, odd or hostile


def test_pictures_with_nothing_to_show_are_left_out(tmp_path):
    assets = {"grid": GridConnection(capacity=10.0, import_price=0.0), "works": ProductionLoad(demand=[0.0, 0.0])}
    result = solve_plant(plant(assets, [1.0, 1.0]))
    assert save_plots(result, tmp_path) == {}


def test_frames_may_be_empty(day_plan):
    bare = replace(
        day_plan, prices=day_plan.prices.iloc[:0], stocks=day_plan.stocks.iloc[:0], states=day_plan.states.iloc[:0],
        emissions=day_plan.emissions.iloc[:0], costs=day_plan.costs.iloc[:0], claims={},
    )  # fmt: skip
    assert dispatch(bare) is not None
    assert stocks(bare) is None
    assert costs(bare) is None
    assert duration(bare) is not None


ODD = ["钢厂", "$x$", "_hidden", "a\nb", "", "  ", "Q" * 90, "😀", "a$b", "\\alpha", "<script>", "ギ", "Ωmega", "100 %"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_drawn_or_replaced_without_a_warning(name, day_plan, tmp_path):
    frames = {
        frame: renamed(getattr(day_plan, frame), "roof", name)
        for frame in ("flows", "stocks", "states", "costs", "emissions")
    }
    sizes = {name if asset == "roof" else asset: size for asset, size in day_plan.sizes.items()}
    manifest = day_plan.manifest | {"scenario": {"name": name}, "sizes": sizes, "currency": name}
    assert len(save_plots(replace(day_plan, manifest=manifest, **frames), tmp_path)) == 5


def renamed(frame, old, new):
    return frame.assign(asset=[new if asset == old else asset for asset in frame["asset"]])


def test_a_name_without_glyphs_is_replaced_by_what_it_is():
    name = "\U0001f3ed"
    assert not legible(name)
    assert labels({name: "fuel_cell", "": "fuel_cell", "b": "battery"}) == {
        name: "fuel cell 1",
        "": "fuel cell 2",
        "b": "b",
    }


def test_a_long_name_is_cut_and_no_mathematics_is_read():
    assert len(clean("Q" * 90)) == 26
    assert clean("5 $/kW") == r"5 \$/kW"
    assert clean("_a") == " _a"


def test_alarms_follow_the_picture(day_plan):
    outcome = day_plan.manifest["outcome"] | {"proved": False}
    failed = replace(day_plan, manifest=day_plan.manifest | {"outcome": outcome, "audit": {"passed": False}})
    assert alarms_of(View.of(day_plan)) == []
    for make in (dispatch, stocks, costs, duration):
        assert "NOT PROVED OPTIMAL, AUDIT FAILED" in texts(make(failed))


# What a plan does not say of itself


def test_technologies_are_told_by_the_manifest(chain_plan, day_plan):
    kinds = View.of(chain_plan).kinds
    assert kinds["tank"] == "hydrogen_tank"
    assert kinds["bus heat"] == "surplus"
    told = replace(
        day_plan, manifest=day_plan.manifest | {"kinds": day_plan.manifest["kinds"] | {"roof": "wind_turbine"}}
    )
    assert View.of(told).colours["roof"] == COLOURS["wind_turbine"]


def test_curtailment_is_what_was_available_and_not_taken(day_plan):
    output = day_plan.flows.loc[day_plan.flows["asset"] == "roof", "rate"].to_numpy()
    assert curtailed(View.of(day_plan)) == pytest.approx(80.0 * np.array([0.0, 0.9, 0.7, 0.1, 0.0]) - output, abs=1e-6)


def test_sized_assets_and_empty_legends(tmp_path):
    assets = {
        "grid": GridConnection(capacity=100.0, import_price=[0.1, 0.9]),
        "battery": Battery(energy=Sized(high=100.0, capex=0.01, unit_size=10.0), power=50.0),
        "works": ProductionLoad(demand=[10.0, 40.0]),
    }
    result = solve_plant(plant(assets, [1.0, 1.0]))
    assert result.sizes["battery"]["energy"] > 0
    assert set(save_plots(result, tmp_path)) == {"dispatch", "stocks", "costs", "sankey", "duration"}
    assert asset_labels(View.of(result))["battery"] == "battery"


# Numbers


def test_numbers_read_well():
    assert amount(-1234567.891, 2) == "−1,234,567.89"
    assert amount(-0.0004, 2) == "0.00"
    assert amount(float("nan"), 1) == amount(None, 1) == "–"
    assert [short(value) for value in (0.0, 0.01234, 1.2345, 999.6, 1000.0, 123456.7)] == [
        "0", "0.0123", "1.23", "1,000", "1,000", "123,457",
    ]  # fmt: skip
    assert decimals_for(1000.0) == 0
    assert larger_unit("kW", 25_000.0) == (1e3, "MW")
    assert larger_unit("kWh/day", 25_000.0) == (1e3, "MWh/day")
    assert larger_unit("EUR", 1e9) == (1.0, "EUR")
