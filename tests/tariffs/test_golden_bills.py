"""Bills worked out by hand: the working stands in each test, and what a wrong calculator would say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid.scenario import read_scenario
from microgrid.tables import open_table
from microgrid.tariffs.components import EnergyCharge
from tests.tariffs.bills import billed, lines, readings

CLOCK = {
    "multipliers": {"critical": "1.25 x peak", "peak": 1.6, "flat": 1, "valley": 0.4},
    "days": [{"hours": {"critical": "18-19", "peak": ["8-12", "17-18"], "valley": "22-6", "flat": "rest"}}],
}
DAY = [10.0] * 24


def test_1_components_add_up_and_only_some_float():
    """10 kW for a day. Hours: critical 1 at 2.0, peak 5 at 1.6, valley 8 at 0.4, flat 10: 2 + 8 + 3.2 + 10 = 23.2.

    Market 0.4 floats: 0.4 * 10 * 23.2 = 92.8. Grid 0.1: 24. Funds 0.03: 7.2. All floating, it were 122.96.
    """
    parts = {"market": {"price": 0.4, "floats": True}, "grid": {"price": 0.1}, "funds": {"price": 0.03}}
    assert lines(billed(parts, readings(DAY), time_of_use=CLOCK)) == {"market": 92.8, "grid": 24.0, "funds": 7.2}


def test_2_the_clock_acts_on_the_hours_it_names():
    """100 kW at 18:00 to 19:00 alone, floating at 1.25 * 1.6 = 2: 0.4 * 2 * 100 = 80."""
    load = [0.0] * 18 + [100.0] + [0.0] * 5
    assert lines(billed({"market": {"price": 0.4, "floats": True}}, readings(load), time_of_use=CLOCK)) == {
        "market": 80.0
    }


def test_3_a_day_of_23_hours_has_one_hour_of_valley_less():
    """29 March 2026 in Berlin: 02:00 does not exist. 10 kW * (23.2 - 0.4) weighted hours * 0.4 = 91.2."""
    read = readings([10.0] * 23, "2026-03-29T00:00", zone="Europe/Berlin")
    assert lines(billed({"m": {"price": 0.4, "floats": True}}, read, time_of_use=CLOCK)) == {"m": 91.2}


def test_4_a_day_of_25_hours_has_one_more():
    """25 October 2026 in Berlin: 02:00 comes twice. 10 kW * (23.2 + 0.4) * 0.4 = 94.4."""
    read = readings([10.0] * 25, "2026-10-25T00:00", zone="Europe/Berlin")
    assert lines(billed({"m": {"price": 0.4, "floats": True}}, read, time_of_use=CLOCK)) == {"m": 94.4}


def test_5_an_hour_that_an_edge_cuts_pays_both_prices():
    """Deep until 11:30, flat after it: the hour from 11 on, at 20 kW, pays 10 kWh at 0.1 and 10 at 0.5: 6."""
    clock = {"days": [{"hours": {"deep": "0-11:30", "flat": "rest"}}]}
    read = readings([20.0], "2026-03-02T11:00")
    assert lines(billed({"m": {"price": {"deep": 0.1, "flat": 0.5}}}, read, time_of_use=clock)) == {"m": 6.0}


def test_6_holidays_weekends_and_hot_days_have_their_own_hours():
    """24 kWh a day: Friday 1 May 2026, a holiday in China, at 0.1; a weekend at 0.2; Monday at 1; a hot Tuesday at 2.

    24 * (0.1 + 0.2 + 0.2 + 1 + 2) = 84.
    """
    week = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    clock = {
        "days": [
            {"on": "hot_days", "hours": {"hot": "rest"}},
            {"on": "holidays", "hours": {"holiday": "rest"}},
            {"weekdays": ["saturday", "sunday"], "hours": {"weekend": "rest"}},
            {"weekdays": week, "hours": {"work": "rest"}},
        ],
        "holidays": {"country": "CN", "remove": ["2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05"]},
        "hot_days": {"dates": ["2026-05-05"]},
    }
    price = {"hot": 2.0, "holiday": 0.1, "weekend": 0.2, "work": 1.0}
    read = readings([1.0] * 120, "2026-05-01T00:00", zone="Asia/Shanghai")
    assert lines(billed({"m": {"price": price}}, read, time_of_use=clock)) == {"m": 84.0}


def test_7_a_day_is_hot_if_its_temperature_reaches_the_threshold():
    """34.9 degC at most on Monday, 35 on Tuesday: 24 kWh at 1, 24 at 2."""
    clock = {
        "days": [{"on": "hot_days", "hours": {"hot": "rest"}}, {"hours": {"other": "rest"}}],
        "hot_days": {"temperature": [34.9] * 24 + [20.0] * 12 + [35.0] + [20.0] * 11, "at_least": 35.0},
    }
    read = readings([1.0] * 48)
    assert lines(billed({"m": {"price": {"hot": 2.0, "other": 1.0}}}, read, time_of_use=clock)) == {"m": 72.0}


def test_8_prices_by_month_change_at_local_midnight():
    """In Shanghai, 16:00 UTC is the first of April: two hours at 1, two at 3, of 5 kW."""
    read = readings([5.0] * 4, "2026-03-31T22:00", zone="Asia/Shanghai")
    found = billed({"m": {"price": {"2026-03": 1.0, "2026-04": 3.0}}}, read)
    assert found.by_month("m") == {"2026-03": 10.0, "2026-04": 30.0}


def test_9_tiers_are_filled_by_the_energy_of_each_month():
    """March: 100 kWh, 60 at 1 and 40 at 2. April: 50 kWh, all at 1. 60 + 80 + 50 = 190."""
    read = readings([50.0, 50.0, 25.0, 25.0], "2026-03-31T22:00")
    found = billed({"m": {"tiers": [{"up_to": 60.0, "price": 1.0}, {"price": 2.0}]}}, read)
    assert found.by_month("m") == {"2026-03": 140.0, "2026-04": 50.0}


def test_10_tiers_go_on_from_the_energy_before():
    """50 kWh were imported before: of 30 kWh, 10 fill the first tier and 20 lie in the second: 10 * 1 + 20 * 3."""
    parts = {"m": {"tiers": [{"up_to": 60.0, "price": 1.0}, {"price": 3.0}]}}
    assert lines(billed(parts, readings([30.0]), {"past": {"energy": 50.0}})) == {"m": 70.0}


def demand(**more: Any) -> dict[str, Any]:
    return {"peak": {"kind": "demand", "price": 10.0, "window": 0.5} | more}


QUARTERS = [60.0, 20.0, 50.0, 10.0, 0.0, 90.0, 90.0, 0.0]


def test_11_demand_is_the_highest_mean_of_half_hours():
    """Means 40, 30, 45, 45: 45 kW, 450. By quarters it were 900; by windows that slide, 90."""
    assert lines(billed(demand(), readings(QUARTERS, step=0.25))) == {"peak": 450.0}


@pytest.mark.parametrize(("window", "peak"), [(0.25, 90.0), (1.0, 45.0)])
def test_12_other_windows(window, peak):
    """By quarters 90 kW; by hours 35 and 45."""
    assert lines(billed(demand(window=window), readings(QUARTERS, step=0.25))) == {"peak": 10 * peak}


def test_13_a_peak_from_before_counts_in_the_first_month_only():
    """January: 45 measured, 60 before: 600. February: 20 kW: 200."""
    read = readings([45.0, 45.0, 20.0, 20.0], "2026-01-31T23:00", step=0.5)
    found = billed(demand(), read, {"past": {"peaks": {"peak": 60.0}}})
    assert found.by_month("peak") == {"2026-01": 600.0, "2026-02": 200.0}


def test_14_each_period_pays_for_its_own_peak():
    """Peak hours 8-12: 30 kW at 5; others: 80 kW at 1: 150 + 80. All-time peak at both prices were 480."""
    clock = {"days": [{"hours": {"on": "8-12", "off": "rest"}}]}
    load = [80.0] * 8 + [30.0] * 4 + [10.0] * 12
    assert lines(billed(demand(price={"on": 5.0, "off": 1.0}), readings(load), time_of_use=clock)) == {"peak": 230.0}


def test_15_demand_in_tiers():
    """70 kW: 50 at 0, 20 at 12."""
    parts = {"peak": {"kind": "demand", "tiers": [{"up_to": 50.0, "price": 0.0}, {"price": 12.0}]}}
    assert lines(billed(parts, readings([70.0]))) == {"peak": 240.0}


def test_16_a_ratchet_bills_a_share_of_an_earlier_peak():
    """February's 20 kW are below 80 % of January's 50, and of the 60 of December: 48. January: 50 above 48."""
    read = readings([50.0] * 24 + [20.0] * 24, "2026-01-31T00:00")
    found = billed(demand(ratchet={"share": 0.8, "look_back": 3}), read, {"past": {"months": {"2025-12": 60.0}}})
    assert found.by_month("peak") == {"2026-01": 500.0, "2026-02": 480.0}


def test_17_beyond_105_percent_of_the_contract_is_billed_double():
    """Contract 100 kW at 10. 104 kW: 1,000. 125 kW: 100 + 2 * (125 - 105) = 140: 1,400."""
    parts = demand(basis="contract", overrun={"allowed": 1.05, "factor": 2.0})
    read = readings([104.0] * 24 + [125.0] * 24, "2026-01-31T00:00")
    found = billed(parts, read, {"contract": 100.0})
    assert found.by_month("peak") == {"2026-01": 1000.0, "2026-02": 1400.0}


def test_18_transformer_capacity_is_billed_whatever_was_used():
    """315 kVA at 24 a month: 7,560 for a month of which one hour was read, in full; 7,560 / 744 if prorated."""
    parts = {"t": {"kind": "demand", "basis": "transformer", "price": 24.0}}
    assert lines(billed(parts, readings([1.0]), {"transformer": 315.0})) == {"t": 7560.0}
    parts["t"]["prorated"] = True
    assert lines(billed(parts, readings([1.0]), {"transformer": 315.0})) == {"t": round(7560 / 744, 6)}


@pytest.mark.parametrize(("load", "due"), [(350.0, 3150.0), (349.0, 3490.0)])
def test_19_a_tenth_is_let_off_from_260_kwh_a_kva_on(load, due):
    """March's 744 h at 350 kW are 260.4 kWh for each of 1,000 kVA: 0.9 * 10 * 350. At 349 kW, 259.656: 10 * 349."""
    read = readings([load] * 744, "2026-03-01T00:00")
    found = billed(demand(rebate={"share": 0.1, "energy": 260.0}), read, {"transformer": 1000.0})
    assert found.total == pytest.approx(due)


def test_20_the_capacity_fee_of_nearby_consumption():
    """0.12 per kWh * load factor 0.6 * 730 h * 500 kW = 26,280 a month; a 31st of it for a day of March."""
    parts = {"fee": {"kind": "capacity_fee", "energy_price": 0.12, "load_factor": 0.6}}
    assert lines(billed(parts, readings([0.0] * 24), {"capacity": 500.0})) == {"fee": round(26280 / 31, 6)}


def test_21_a_fixed_fee_by_the_part_of_the_month():
    """62 a month, two days of March: 4."""
    assert lines(billed({"fee": {"kind": "fixed", "amount": 62.0}}, readings([0.0] * 48))) == {"fee": 4.0}


def test_22_events_bill_the_highest_load_in_their_hours():
    """Two hours of event at 12 and 30 kW: 30 * 4 = 120; the 90 kW around it count for nothing."""
    event = {"name": "july", "price": 4.0, "hours": ["2026-03-02T10:00/2026-03-02T12:00"]}
    load = [90.0] * 10 + [12.0, 30.0] + [90.0] * 12
    assert lines(billed({"cp": {"kind": "coincident", "events": [event]}}, readings(load))) == {"cp": 120.0}


def test_23_exports_earn_their_price_by_period():
    """10 kW out for a day: 12 h at 0.1 and 12 h at 0.3: -48; nothing is imported."""
    clock = {"days": [{"hours": {"day": "6-18", "night": "rest"}}]}
    found = billed(
        {"m": {"price": 1.0}}, readings([0.0] * 24, exported=10.0), time_of_use=clock,
        export={"price": {"day": 0.1, "night": 0.3}},
    )  # fmt: skip
    assert lines(found) == {"m": 0.0, "export": -48.0}


def test_24_net_metering_takes_exports_off_by_month_and_period():
    """March: 100 in, 130 out: nothing to pay, 30 left at 0.1. April: 50 in, 20 out: 30 at 0.5, and 50 at 0.05 of grid.

    Netted over the year: 150 in, 150 out: nothing to pay and nothing left; the grid's line stays.
    """
    read = readings([50.0, 50.0, 25.0, 25.0], "2026-03-31T22:00", exported=[65.0, 65.0, 10.0, 10.0])
    parts = {"energy": {"price": 0.5}, "grid": {"price": 0.05, "netted": False}}
    monthly = {"net_metering": {"per": "month", "surplus_price": 0.1}}
    assert lines(billed(parts, read, export=monthly)) == {"energy": 15.0, "grid": 7.5, "export": -3.0}
    yearly = {"net_metering": {"per": "year", "surplus_price": 0.1}}
    assert lines(billed(parts, read, export=yearly)) == {"energy": 0.0, "grid": 7.5, "export": 0.0}


POWER_FACTOR = {
    "points": [{"at": 0.0, "adjustment": 1.45}, {"at": 0.65, "adjustment": 0.15}, {"at": 0.7, "adjustment": 0.1},
               {"at": 0.9, "adjustment": 0.0}, {"at": 0.95, "adjustment": -0.0075}, {"at": 1.0, "adjustment": -0.0075}],
    "components": ["m"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reactive", "share"),
    [(0.0, -0.0075), (75.0, 0.05), (-75.0, 0.05), (133.3333, 0.25), (32.86841, -0.0075), (48.43221, 0.0)],
)
def test_25_the_power_factor_adds_or_takes_off(reactive, share):
    """100 kW; cos phi = 100 / hypot(100, Q). Q 75: 0.80, ten hundredths below 0.90: 5 %, whichever way it flows.

    Q 133.33: 0.60: 15 % at 0.65, and 2 % for each of five hundredths below it: 25 %. Q 32.87: 0.95; Q 48.43: 0.90.
    """
    found = billed(
        {"m": {"price": 1.0}, "funds": {"price": 9.0}}, readings([100.0] * 24, reactive=reactive),
        power_factor=POWER_FACTOR,
    )  # fmt: skip
    assert found.lines()["power factor adjustment"] == pytest.approx(share * 2400.0)


def test_26_reactive_energy_counts_over_the_month_not_by_hour():
    """Half a month's hours at Q 75, half at -75: 75 in absolute value all the time, 0.80. A net sum would be 1.00."""
    found = billed(
        {"m": {"price": 1.0}}, readings([100.0] * 24, reactive=[75.0, -75.0] * 12), power_factor=POWER_FACTOR
    )
    assert found.lines()["power factor adjustment"] == pytest.approx(0.05 * 2400)


def test_27_only_the_lines_of_the_option_are_charged():
    """One part: 100 kWh at 0.8. Two parts: 100 kWh at 0.5 and 100 kW at 10."""
    parts = {
        "one": {"price": 0.8, "options": ["single"]},
        "two": {"price": 0.5, "options": ["measured"]},
        "peak": {"kind": "demand", "price": 10.0, "options": ["measured"]},
    }
    options = {"single": "", "measured": ""}
    assert lines(billed(parts, readings([100.0]), {"option": "single"}, options=options)) == {"one": 80.0}
    assert lines(billed(parts, readings([100.0]), {"option": "measured"}, options=options)) == {
        "two": 50.0,
        "peak": 1000.0,
    }


def test_28_a_series_is_paid_hour_by_hour_below_zero_too():
    """1 kW at 0.3, -0.1 and 0.2: 0.4."""
    assert lines(billed({"m": {"price": [0.3, -0.1, 0.2]}}, readings([1.0, 1.0, 1.0]))) == {"m": pytest.approx(0.4)}


def test_incomplete_months_and_unknown_peaks_are_told():
    parts = demand(ratchet={"share": 0.5, "look_back": 2})
    found = billed(parts, readings([1.0] * 24))
    assert found.warnings == (
        "2026-03 is incomplete: readings cover 3.2% of it",
        "peak: no peak is known of 2026-01, 2026-02; they count as zero",
        "peak: readings of 60 min cannot show the peak of a window of 30 min; it may be higher",
    )
    assert np.isfinite(found.total)


def test_a_contract_by_components_is_the_price_that_others_computed_hour_by_hour():
    """The Shanghai clock of a shipped plant: holidays, rest days, worked weekends; 8,760 prices to their last digit."""
    folder = Path(__file__).parents[2] / "scenarios" / "metal_parts"
    year = {"horizon": "{start: 2018-01-01, end: 2019-01-01, step: 1 h}"}
    plant = read_scenario(folder / "contract.yaml", year).plant
    contract = plant.assets["grid"].contract
    shares = contract.shares(plant.timeline)
    price = sum(contract.energy_price(name, plant.timeline, shares) for name in contract.of_kind(EnergyCharge))
    told = open_table(folder / "prices.csv").on(plant.timeline, "import_price")
    assert np.abs(price - told).max() < 6e-6
