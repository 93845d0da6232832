"""Product footprints: batches worked out by hand, the closing of the balance, and faults of the batches' files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid.batches import read_batches
from microgrid.claims import StockBalance
from microgrid.errors import InputError
from microgrid.footprint import Batch, Footprint, footprint
from tests.frames import plan

GRID, SUN = {"family": "footprint", "value": 0.6}, {"family": "footprint", "value": 0.05}
FACTORS = {"grid": GRID, "roof": SUN}
T0 = pd.Timestamp("2026-01-05T00:00", tz="UTC")


def hour(number: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(hours=number)


def batch(name: str, mass: float, start: float, end: float, load: str = "mill", meter=None) -> Batch:
    return Batch(name, "strip", mass, (load,), hour(start), hour(end), "batches.csv:2", meter)


def two_hours():
    """Return a plan: an hour of the grid, 10 kWh, then an hour of sun, 30 kWh of which 10 are exported."""
    flows = {
        ("grid", "import", "electricity"): [10.0, 0.0],
        ("roof", "output", "electricity"): [0.0, 30.0],
        ("grid", "export", "electricity"): [0.0, -10.0],
        ("mill", "demand", "electricity"): [-10.0, -20.0],
    }
    return plan(flows, [1.0, 1.0])


def told(found: Footprint, name: str) -> tuple[float, float, float]:
    """Return energy, emissions by the hour and by the average of a batch."""
    part = found.batches[found.batches["batch"] == name]
    return float(part["energy"].sum()), float(part["emissions"].sum()), float(part["average"].sum())


def test_a_batch_gets_the_mix_of_its_hours_and_beside_it_the_average():
    """10 kWh of the grid's hour: 6 kg; 20 kWh of the sun's: 1 kg. Exports take 10 * 0.05 with them.

    The average of all 40 kWh that left the bus: (6 + 1.5) / 40 = 0.1875 a kWh. No hour's green is anybody's to pick:
    both batches of the second hour would get 0.05.
    """
    found = footprint(two_hours(), [batch("A", 4.0, 0, 1), batch("B", 10.0, 1, 2)], FACTORS)
    assert told(found, "A") == pytest.approx((10.0, 6.0, 1.875))
    assert told(found, "B") == pytest.approx((20.0, 1.0, 3.75))
    assert found.products()["emissions_per_kg"].tolist() == pytest.approx([1.5, 0.1])
    balance = dict(found.balance.itertuples(index=False, name=None))
    assert balance["grid, export"] == pytest.approx(-0.5)
    assert found.imbalance < 1e-12


def test_batches_that_share_an_hour_share_its_energy_by_mass():
    """In the second hour 6 and 2 kg are made: three quarters and one of 20 kWh. The first hour is common."""
    found = footprint(two_hours(), [batch("A", 6.0, 1, 2), batch("B", 2.0, 1, 2)], FACTORS)
    assert told(found, "A")[0] == pytest.approx(15.0)
    assert told(found, "B")[0] == pytest.approx(5.0)
    assert told(found, "common")[:2] == pytest.approx((10.0, 6.0))
    assert found.imbalance < 1e-12


def test_a_batch_over_several_hours_makes_its_mass_evenly():
    """B makes 10 kg over both hours, 5 in the second, beside 15 of A: a quarter of 20 kWh, and all 10 of the first."""
    found = footprint(two_hours(), [batch("A", 15.0, 1, 2), batch("B", 10.0, 0, 2)], FACTORS)
    assert told(found, "B")[0] == pytest.approx(10.0 + 5.0)


def test_metered_sub_lines_come_first_and_the_rest_goes_by_mass():
    """12 of 20 kWh metered for A; of the 8 left half goes to each, for both make 5 kg."""
    meter = np.array([0.0, 12.0])
    found = footprint(two_hours(), [batch("A", 5.0, 1, 2, meter=meter), batch("B", 5.0, 1, 2)], FACTORS)
    assert told(found, "A")[0] == pytest.approx(16.0)
    assert told(found, "B")[0] == pytest.approx(4.0)


def test_more_than_a_load_draws_cannot_be_metered_on_its_sub_lines():
    meter = np.array([0.0, 25.0])
    with pytest.raises(InputError) as error:
        footprint(two_hours(), [batch("A", 5.0, 1, 2, meter=meter)], FACTORS)
    assert str(error.value) == (
        "meters: 25 kW on the sub-lines of mill\n   wanted no more than the 20 kW that it draws at "
        "2026-01-05T01:00:00+00:00"
    )


BATTERY = {"battery": [StockBalance("stored", (("charge", -0.8), ("discharge", -2.0)), "energy")]}


def stored(before: float = 0.0):
    """Return a plan: 10 kWh of sun into a battery, then 4 out of it beside 4 of the grid."""
    flows = {
        ("roof", "output", "electricity"): [10.0, 0.0],
        ("grid", "import", "electricity"): [0.0, 4.0],
        ("battery", "charge", "electricity"): [-10.0, 0.0],
        ("battery", "discharge", "electricity"): [0.0, 4.0],
        ("mill", "demand", "electricity"): [0.0, -8.0],
    }
    return plan(flows, [1.0, 1.0], {("battery", "stored"): [before, before + 8.0, before]}, BATTERY)


def test_the_battery_carries_what_it_was_filled_with_and_its_losses_make_it_more():
    """10 kWh of sun at 0.05, 0.5 kg, come back as 4 kWh; with 4 * 0.6 of the grid, the batch has 2.9 kg.

    A battery that gave out clean energy would make it 2.4, one that mixed in the grid of its hour 4.8.
    """
    found = footprint(stored(), [batch("A", 1.0, 1, 2)], FACTORS)
    assert told(found, "A")[:2] == pytest.approx((8.0, 2.9))
    assert found.imbalance < 1e-12


def test_what_was_stored_before_carries_what_it_has_been_charged_with_since_unless_told():
    """8 kWh from before and 8 of sun: 0.5 kg in 8 kWh is 0.0625 each, so a half drawn is 0.5 kg as well.

    Told that it was filled at 0.3 a kWh, half of the stock of 2.4 + 0.5 kg goes out.
    """
    plain = footprint(stored(8.0), [batch("A", 1.0, 1, 2)], FACTORS)
    assert told(plain, "A")[1] == pytest.approx(0.5 + 2.4)
    before = FACTORS | {"battery": {"family": "footprint", "value": 0.3}}
    assert told(footprint(stored(8.0), [batch("A", 1.0, 1, 2)], before), "A")[1] == pytest.approx(1.45 + 2.4)
    assert plain.imbalance < 1e-12


def test_a_store_told_to_have_been_filled_with_nothing_to_carry_carries_nothing():
    """Zero is told, not missing: half of the 0.5 kg of the sun goes out, beside 4 * 0.6 of the grid."""
    before = FACTORS | {"battery": {"family": "footprint", "value": 0.0}}
    assert told(footprint(stored(8.0), [batch("A", 1.0, 1, 2)], before), "A")[1] == pytest.approx(0.25 + 2.4)


def test_hydrogen_and_electricity_of_one_batch_are_added_up():
    """A batch on two loads: 10 kWh from the grid, and a kilogram of hydrogen made with 50 kWh of it, 36 kg in all."""
    flows = {
        ("grid", "import", "electricity"): [60.0],
        ("electrolyser", "power", "electricity"): [-50.0],
        ("electrolyser", "hydrogen", "hydrogen"): [1.0],
        ("mill", "demand", "electricity"): [-10.0],
        ("oven", "demand", "hydrogen"): [-1.0],
    }
    both = Batch("A", "strip", 2.0, ("mill", "oven"), hour(0), hour(1))
    found = footprint(plan(flows), [both], FACTORS)
    assert found.batches[found.batches["batch"] == "A"]["carrier"].tolist() == ["electricity", "hydrogen"]
    assert told(found, "A")[1] == pytest.approx(36.0)


def test_a_factor_per_kilogram_counts_hydrogen_by_mass():
    flows = {("trailer", "supply", "hydrogen"): [2.0], ("oven", "demand", "hydrogen"): [-2.0]}
    factors = {"trailer": {"family": "footprint", "value": 9.0, "unit": "kgCO2e/kg"}}
    found = footprint(plan(flows), [batch("A", 1.0, 0, 1, load="oven")], factors)
    assert told(found, "A")[1] == pytest.approx(18.0)


def test_factors_may_change_with_the_step():
    """The grid at 0.6 for the first hour and 0.1 for the second; only the first imports."""
    factors = FACTORS | {"grid": GRID | {"values": [0.3, 0.9]}}
    assert told(footprint(two_hours(), [batch("A", 4.0, 0, 1)], factors), "A")[1] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"roof": None}, "footprint.factors.roof: missing\n   wanted a life-cycle factor of every source"),
        ({"roof": SUN | {"family": "average"}}, "footprint.factors.roof: a factor of the family average"),
    ],
)
def test_sources_need_life_cycle_factors(wrong, message):
    """Own sun is not free of emissions over its life, and a factor of another family is no footprint."""
    factors = {name: factor for name, factor in (FACTORS | wrong).items() if factor is not None}
    with pytest.raises(InputError) as error:
        footprint(two_hours(), [batch("A", 4.0, 0, 1)], factors)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (batch("A", 0.0, 0, 1), "batches.csv:2  batch A: a mass of 0 kg\n   wanted more than nothing"),
        (batch("A", 1.0, 1, 0), "an end after the start"),
        (batch("A", 1.0, 5, 6), "a time within the plan, 2026-01-05T00:00:00+00:00 to 2026-01-05T02:00:00+00:00"),
        (batch("A", 1.0, 0, 1, load="mil"), 'batch A: no load mil\n   wanted one of mill; did you mean "mill"?'),
        (batch("common", 1.0, 0, 1), "a name that is taken"),
    ],
)
def test_batches_that_do_not_fit_the_plan_are_refused(made, message):
    with pytest.raises(InputError) as error:
        footprint(two_hours(), [made], FACTORS)
    assert message in str(error.value)


HEAD = "batch,product,mass [t],load,start,end\n"
ROW = "A,strip,0.004,mill,2026-01-05T00:00,2026-01-05T01:00\n"


def file(folder, text, name="batches.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_batches_are_read_on_the_sites_clock(tmp_path):
    (read,) = read_batches(file(tmp_path, HEAD + ROW), two_hours())
    assert (read.name, read.mass, read.loads, read.start) == ("A", pytest.approx(4.0), ("mill",), hour(0))
    assert told(footprint(two_hours(), [read], FACTORS), "A") == pytest.approx((10.0, 6.0, 1.875))


def test_sub_lines_are_read_from_a_table_by_batch(tmp_path):
    table = file(tmp_path, "time,A [MW]\n2026-01-05T00:00+00:00,0.004\n2026-01-05T01:00+00:00,0\n", "meters.csv")
    (read,) = read_batches(file(tmp_path, HEAD + ROW), two_hours(), table)
    assert read.meter.tolist() == pytest.approx([4.0, 0.0])


def test_faults_of_a_batch_file_are_told_in_one_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = file(tmp_path, HEAD + "A,strip,many,,2026-13-05T00:00,2026-01-05T01:00\nB,strip\n")
    with pytest.raises(InputError) as error:
        read_batches(path, two_hours())
    assert str(error.value) == (
        "batches.csv:3  row: 2 cells\n   wanted 6, as the header has\n"
        "batches.csv:2  batch A, mass: many\n   wanted a number\n"
        "batches.csv:2  batch A, start: 2026-13-05T00:00\n"
        "   wanted an ISO time that is on the clock once, such as 2018-07-16T06:00; add its distance from UTC\n"
        "batches.csv:2  batch A, load: none\n   wanted the load that made it, or several with ; between"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch,product,mas [t],load,start,end\n", "column mass: missing\n   wanted the columns batch, product, mass"),
        ("batch,product,mass,load,start,end\n" + ROW, "write mass [kg] or mass [t]"),
        ("batch,product,mass [kWh],load,start,end\n" + ROW, "wanted a quantity in kg"),
        (HEAD, "at least one row"),
    ],
)
def test_a_header_that_does_not_fit_is_told(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        read_batches(file(tmp_path, text), two_hours())
    assert message in str(error.value)


def test_a_meter_of_no_batch_is_refused(tmp_path):
    table = file(tmp_path, "time,a [kW]\n2026-01-05T00:00+00:00,4\n2026-01-05T01:00+00:00,0\n", "meters.csv")
    with pytest.raises(InputError) as error:
        read_batches(file(tmp_path, HEAD + ROW), two_hours(), table)
    assert "column a: no batch of that name" in str(error.value)
