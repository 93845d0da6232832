"""The two ledgers as tables for people: money by category, carbon by scope on both bases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from microgrid.accounts import Accounting

CATEGORIES = (
    "capital", "fixed", "energy", "demand", "operation", "wear", "start", "carbon", "unserved", "revenue", "stock",
)  # fmt: skip
BASES = ("location", "market")


def by_category(costs: pd.DataFrame) -> pd.DataFrame:
    """Return what each line costs, by category: what is paid first, what is earned last."""
    keys = ["category", "asset", "line"]
    plain = costs[[*keys, "amount"]].astype(dict.fromkeys(keys, str))
    sums = plain.groupby(keys, sort=False)["amount"].sum().reset_index()
    order = sums["category"].map({name: place for place, name in enumerate(CATEGORIES)}).fillna(len(CATEGORIES))
    return sums.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def by_basis(emissions: pd.DataFrame) -> pd.DataFrame:
    """Return emissions by scope, part, asset and line with a column for each basis; what counts in both stands in both.

    What stands in no scope, energy exported and carbon dioxide of biomass, comes last, as scope 0.
    """
    keys = ["scope", "part", "asset", "line"]
    plain = emissions[[*keys, "basis", "amount"]].astype({"asset": str, "basis": str, "part": str, "scope": int})
    plain["line"] = [common_line(str(line)) for line in plain["line"]]
    sums = {
        basis: plain[plain["basis"].isin(["both", basis])].groupby(keys, sort=False)["amount"].sum() for basis in BASES
    }
    table = pd.DataFrame(sums).fillna(0.0).sort_index().reset_index()
    return table.iloc[(table["scope"] == 0).argsort(kind="stable")].reset_index(drop=True)


def total_of(table: pd.DataFrame, takes_exports_off: bool, basis: str) -> float:
    """Return the total of scopes 1 and 2 of a table `by_basis`, with what is exported where the standard says so."""
    counts = table["scope"].isin([1, 2])
    if takes_exports_off:
        counts |= table["part"] == "exported"
    return float(table.loc[counts, basis].sum())


def common_line(line: str) -> str:
    """Return a carbon line's name without its basis, so that both bases of one thing stand together."""
    for basis in BASES:
        line = line.removesuffix(f", {basis}-based")
    return line


def takes_exports_off(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a plan's account takes exported energy off its totals."""
    standard = (manifest.get("accounting") or {}).get("standard", "ghg_protocol")
    return Accounting(standard=standard).takes_exports_off


def carbon_unit(manifest: Mapping[str, Any], column: str = "emissions_location") -> str:
    """Return what a column of the carbon ledger is counted in."""
    return f"kg{(manifest.get('gases') or {}).get(column, 'CO2e')}"
