"""What a plan's numbers do not say of themselves: whoever decides on them should read it beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from microgrid.claims import TariffBill
from microgrid.factors import catalogue
from microgrid.offsets import cautions
from microgrid.results import Result

_WHOLE = 1 - 1e-6


def caveats(result: Result) -> list[str]:
    """Return, as sentences, what would lead astray whoever took the numbers of a plan for more than they are."""
    return [
        *_peaks_of_part_of_a_month(result),
        *_sizes_on_part_of_a_month(result),
        *_days_of_which_none_are_told(result),
        *_purchases_that_emit_nothing(result),
        *_unverified_factors(result),
        *_gases_that_are_missing(result),
        *_averages_beside_contracts(result),
        *_footprints_of_another_year(result),
        *cautions(result.manifest),
    ]


def _peaks_of_part_of_a_month(result: Result) -> Iterator[str]:
    """Tell that the cost of a few days holds the demand charge of the whole month, and what was owed before."""
    billed = result.costs[_in_full(result)]
    parts = {month: share for month, share in _month_shares(result.steps).items() if share < _WHOLE}
    total = float(billed["amount"].sum())
    if not (parts and total):
        return
    owed = sum(c.owed for claims in result.claims.values() for c in claims if isinstance(c, TariffBill))
    currency = result.manifest["currency"]
    months = ", ".join(f"{month} ({share:.0%} of it)" for month, share in parts.items())
    before = f", {owed:,.2f} of it for a peak that was there before" if owed else ""
    yield f"The cost holds {total:,.2f} {currency} of demand charges for whole months{before}: {months}."


def _sizes_on_part_of_a_month(result: Result) -> Iterator[str]:
    """Tell where sizes were decided against peaks that count for a month, on investments that count for days."""
    lines = _in_full(result)
    parts = {month: share for month, share in _month_shares(result.steps).items() if share < _WHOLE}
    if result.manifest.get("decided") and lines.any() and parts:
        months = ", ".join(f"{month} ({share:.0%} of it)" for month, share in parts.items())
        yield (
            "Sizes were decided on a horizon that covers months in part, while demand charges count for the whole of "
            f"each: {months}. Saving a peak looks worth more than it is, beside investments that count for the "
            "horizon only. Size on whole months, best on a year."
        )


def _days_of_which_none_are_told(result: Result) -> Iterator[str]:
    """Tell where a tariff has hours for hot days, or holidays, of which it says that there are none."""
    for asset, claims in result.claims.items():
        for clock in (c.tariff.get("time_of_use") for c in claims if isinstance(c, TariffBill)):
            kinds = {days.get("on") for days in clock["days"]} if clock else set()
            hot, holidays = (clock["hot_days"], clock["holidays"]) if clock else ({}, {})
            untold = ["hot days"] if "hot_days" in kinds and not (hot.get("dates") or "temperature" in hot) else []
            if "holidays" in kinds and not any(holidays.get(key) for key in ("country", "dates", "add")):
                untold.append("holidays")
            for word in untold:
                yield f"The tariff of {asset} has hours for {word}, and none are told: every day is billed as another."


def _in_full(result: Result) -> pd.Series:
    """Tell which rows of the money ledger are charged for whole months."""
    whole = {
        (asset, line)
        for asset, claims in result.claims.items()
        for claim in claims
        if isinstance(claim, TariffBill)
        for line in claim.whole
    }
    rows = zip(result.costs["asset"].astype(str), result.costs["line"].astype(str), strict=True)
    return pd.Series([row in whole for row in rows], index=result.costs.index, dtype=bool)


def _month_shares(steps: pd.DataFrame) -> dict[str, float]:
    time = pd.DatetimeIndex(steps["time"])
    hours = steps["hours"].groupby(time.strftime("%Y-%m"), sort=False).sum()
    shares = {}
    for month, covered in zip(hours.index.astype(str), hours.tolist(), strict=True):
        opens = pd.Timestamp(f"{month}-01", tz=time.tz)
        shares[month] = covered / ((opens + pd.DateOffset(months=1) - opens) / pd.Timedelta(hours=1))
    return shares


def _unverified_factors(result: Result) -> Iterator[str]:
    """Tell which emission factors nobody has seen a source of."""
    used = [*(result.manifest.get("factors") or ()), *(result.manifest.get("footprint") or {}).values()]
    names = dict.fromkeys(factor["name"] or factor["where"] for factor in used if factor["status"] == "M")
    if names:
        yield f"Unverified emission factors, from memory and to be checked before any filing: {', '.join(names)}."


def _gases_that_are_missing(result: Result) -> Iterator[str]:
    """Tell where factors of carbon dioxide alone were let into totals of all greenhouse gases."""
    scoped = result.emissions[result.emissions["scope"].astype(int).isin([1, 2])]
    columns = {factor["where"] for factor in result.manifest.get("factors") or () if "CO2e" not in factor["unit"]}
    if {"CO2", "CO2e"} <= set(scoped["gas"].astype(str)) and columns:
        yield f"Totals of all greenhouse gases hold factors of carbon dioxide alone: {', '.join(sorted(columns))}."


def _averages_beside_contracts(result: Result) -> Iterator[str]:
    """Tell where what contracts do not match counts with a number that is an average's, whatever it is called."""
    contracted = {row["asset"] for row in result.manifest.get("matching") or ()}
    used = [each for each in result.manifest.get("factors") or () if each["where"].split(".")[1] in contracted]
    averages = {each.value: each.name for each in catalogue().values() if each.family == "average"}
    averages |= {each["value"]: each["where"] for each in used if each["column"] == "scope_2_location"}
    for each in used:
        same = averages.get(each["value"])
        if each["column"] == "scope_2_market" and each["family"] != "supplier" and same and not each["varies"]:
            what = f"{each['where']}, the residual mix beside contracts, is the number of {same}, an average"
            yield f"{what}: it holds green power that was sold to others, which counts twice."


def _footprints_of_another_year(result: Result) -> Iterator[str]:
    """Tell which life-cycle factors are of another year than the account's: allowed, but to be disclosed."""
    year = (result.manifest.get("accounting") or {}).get("year")
    told = (result.manifest.get("footprint") or {}).values()
    others = [f"{each['name'] or each['where']} of {each['year']}" for each in told if each["year"] not in (None, year)]
    if year is not None and others:
        yield f"Life-cycle factors of another year than the account's {year}: {', '.join(others)}."


def _purchases_that_emit_nothing(result: Result) -> Iterator[str]:
    """Tell where carbon is priced, minimised or capped, and a grid from which is bought has no emission factor."""
    objective = result.manifest.get("objective") or {}
    columns = [*objective.get("goals", ()), *objective.get("caps", {})]
    if not (objective.get("carbon_price") or any(str(name).startswith(("emissions", "scope")) for name in columns)):
        return
    kinds, emitting = result.manifest.get("kinds") or {}, set(result.emissions["asset"].astype(str))
    bought = result.flows[(result.flows["port"].astype(str) == "import") & (result.flows["rate"] > 0)]
    for asset in dict.fromkeys(bought["asset"].astype(str)):
        if kinds.get(asset) == "grid_connection" and asset not in emitting:
            yield f"Emissions count in this plan, and {asset} has no emission factor: what it imports counts as clean."
