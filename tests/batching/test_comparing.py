"""Runs as frames, tables of differences, figures along axes, pictures and exports: numbers that are known by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray
from PIL import Image

import microgrid
from microgrid.batching.batch import batch
from microgrid.comparing import differences, surface
from microgrid.errors import InputError
from microgrid.exporting import export_runs
from microgrid.plots.cases import save_costs, save_curves, save_heat_map
from microgrid.runs import Runs
from microgrid.store.folder import Store
from tests.batching.files import PLANT, SWEEP, cost, write


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    """Solve the small family, and a case whose grid is too weak."""
    folder = tmp_path_factory.mktemp("runs")
    batch(write(folder, PLANT + SWEEP), folder / "out", workers=0)
    weak = PLANT.replace("name: Small", "name: Weak").replace("capacity: 100 kW", "capacity: 5 kW")
    batch(write(folder, weak, "weak.yaml"), folder / "out", workers=0)
    return microgrid.load_runs(folder / "out")


@pytest.fixture
def small(runs) -> Runs:
    return runs.only(families=["Small"])


def test_cases_axes_and_figures_stand_in_the_order_of_the_sweep(runs):
    assert list(runs.axes["battery"].dropna()) == [5.0, 10.0, 20.0] * 2
    assert runs.axes.attrs["units"] == {"carbon price": "EUR/tCO2", "battery": "kWh"}
    assert runs.cases["status"].tolist() == ["proved"] * 6 + ["infeasible"]
    assert len(runs.figures) == 6


def test_figures_are_those_of_the_plan_by_hand(small):
    """80 kWh are bought at 0.5 kg each; the peak is the load of 20 kW and 10 kW into the battery."""
    row = small.figures.loc["Small: carbon price 100 EUR/tCO2, battery 10 kWh"]
    expected = {
        "cost": cost(10, 100), "cost.carbon": 4.0, "emissions": 40.0, "emissions.location": 40.0,
        "size.battery.energy": 10.0, "energy.grid.import": 80.0, "peak.grid.import": 30.0,
        "energy.battery.discharge": 20.0, "share.own_generation": 0.0,
    }  # fmt: skip
    assert row[list(expected)].to_dict() == pytest.approx(expected)


def test_figures_have_units(small):
    expected = {
        "cost": "EUR", "cost.carbon": "EUR", "objective": "EUR", "emissions": "kgCO2", "emissions.location": "kgCO2",
        "size.battery.energy": "kWh", "size.grid.capacity": "kW", "energy.grid.import": "kWh", "peak.grid.import": "kW",
        "share.own_generation": "", "gap": "",
    }  # fmt: skip
    assert {figure: small.units[figure] for figure in expected} == expected
    assert set(small.units) == set(small.figures.columns)
    assert surface(small, "peak.grid.import", "battery").unit == "kW"


def test_money_of_two_currencies_is_not_compared(small, tmp_path):
    """The same plant in CNY costs the same number of another money; what is counted in kWh may be compared."""
    batch(write(tmp_path, PLANT.replace("EUR", "CNY").replace("Small", "Other")), tmp_path / "out", workers=0)
    batch(write(tmp_path, PLANT), tmp_path / "out", workers=0)
    both = microgrid.load_runs(tmp_path / "out")
    with pytest.raises(InputError, match="compare: money in CNY and EUR\n   wanted cases in one currency"):
        differences(both)
    assert differences(both, ["energy.grid.import"]).loc["energy.grid.import"].tolist() == pytest.approx([80.0, 80.0])
    assert both.units["cost"] == ""


def test_a_table_of_all_plans_has_the_case_in_front_and_local_times(small):
    flows = small.table("flows")
    assert flows.columns[0] == "case"
    imports = flows[flows["port"] == "import"].groupby("case", observed=True)["rate"].sum()
    assert imports.tolist() == pytest.approx([80.0] * 6)
    assert str(flows["time"].dt.tz) == "Europe/Berlin"
    assert list(small.table("costs", ["amount"]).columns) == ["case", "amount"]
    with pytest.raises(InputError, match='did you mean "flows"'):
        small.table("flow")


def test_the_table_of_differences_leaves_out_what_is_the_same(small):
    table = differences(small)
    assert "size.grid.capacity" not in table.index
    assert table.loc["cost"].tolist() == pytest.approx([cost(b, p) for p in (0, 100) for b in (5, 10, 20)])
    assert next(iter(table.columns)) == "carbon price 0 EUR/tCO2, battery 5 kWh"


def test_a_baseline_makes_differences(small):
    table = differences(small, ["cost"], "carbon price 0 EUR/tCO2, battery 5 kWh")
    assert table.loc["cost"].tolist() == pytest.approx([18.5, -3.5, -3.5, 4.0, 0.5, 0.5])


def test_a_figure_along_an_axis_makes_a_curve_of_what_else_changes(small):
    found = surface(small, "cost", "battery")
    assert found.grid.index.tolist() == [5.0, 10.0, 20.0]
    assert found.grid[0.0].tolist() == pytest.approx([18.5, 15.0, 15.0])
    assert found.grid[100.0].tolist() == pytest.approx([22.5, 19.0, 19.0])


def test_a_surface_over_two_axes(small):
    found = surface(small, "cost", "carbon price", "battery")
    assert np.allclose(found.grid.to_numpy(), [[18.5, 15.0, 15.0], [22.5, 19.0, 19.0]])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cost", "batery"), 'did you mean "battery"'),
        (("costs", "battery"), 'did you mean "cost'),
        (("cost", "carbon price", "carbon"), 'did you mean "carbon price"'),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(small, words, told):
    with pytest.raises(InputError, match=told):
        surface(small, *words)


def test_a_third_axis_is_no_heat_map(small, tmp_path):
    text = PLANT.replace("Small", "Cube") + SWEEP + "    load: {field: assets.load.demand, values: [20 kW, 10 kW]}\n"
    batch(write(tmp_path, text), small.store.path, workers=0)
    cube = microgrid.load_runs(small.store.path).only(families=["Cube"])
    with pytest.raises(InputError, match="load changes too"):
        surface(cube, "cost", "carbon price", "battery")
    assert surface(cube, "cost", "battery").grid.shape == (3, 4)


def test_one_case_cannot_be_compared_along_an_axis(small):
    one = small.only(["carbon price 0 EUR/tCO2, battery 5 kWh"])
    with pytest.raises(InputError, match="cases of a sweep"):
        surface(one)


def test_no_plan_is_nothing_to_compare(runs):
    with pytest.raises(InputError, match="no case with a plan"):
        differences(runs.only(families=["Weak"]))


def test_pictures_are_drawn(small, tmp_path):
    drawn = [
        save_curves(surface(small, "cost", "battery"), tmp_path / "curves.png"),
        save_heat_map(surface(small, "cost", "carbon price", "battery"), tmp_path / "map.png"),
        save_costs(small.figures, "EUR", tmp_path / "costs.png"),
    ]
    for path in drawn:
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 5, f"{path.name} is blank"


def test_exports_hold_the_same_numbers(small, tmp_path):
    for name in ("a.csv", "a.xlsx", "a.nc"):
        export_runs(small, tmp_path / name)
    frame = pd.read_csv(tmp_path / "a.csv")
    sheet = pd.read_excel(tmp_path / "a.xlsx")
    with xarray.open_dataset(tmp_path / "a.nc", engine="scipy") as data:
        costs = data["cost"].to_numpy()
        assert data["battery"].attrs["units"] == "kWh"
        assert data["cost"].attrs["units"] == "EUR"
        assert data["battery"].to_numpy().tolist() == [5.0, 10.0, 20.0] * 2
    expected = small.figures["cost"].to_numpy()
    for found in (frame["cost [EUR]"], sheet["cost [EUR]"], costs):
        assert np.allclose(found, expected)
    assert frame["battery [kWh]"].tolist() == [5.0, 10.0, 20.0] * 2


def test_tables_are_exported_too(small, tmp_path):
    for name in ("flows.csv", "flows.xlsx", "flows.nc"):
        export_runs(small, tmp_path / name, "flows")
    rows = len(small.table("flows"))
    assert len(pd.read_csv(tmp_path / "flows.csv")) == len(pd.read_excel(tmp_path / "flows.xlsx")) == rows
    with xarray.open_dataset(tmp_path / "flows.nc", engine="scipy") as data:
        assert str(data["time"].to_numpy()[0]) == "2026-06-14T22:00:00.000000000"


def test_an_empty_store_has_nothing_to_export(tmp_path):
    Store.open_or_make(tmp_path / "none")
    with pytest.raises(InputError, match="export: no case\n"):
        export_runs(microgrid.load_runs(tmp_path / "none"), tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_other_endings_are_refused(small, tmp_path):
    with pytest.raises(InputError, match=r"a file that ends in .csv, .xlsx, .nc"):
        export_runs(small, tmp_path / "a.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="wanted a file that can be written"):
        export_runs(small, tmp_path / "file" / "a.csv")
