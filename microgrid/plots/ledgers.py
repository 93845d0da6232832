"""The two ledgers as tables for people: money by category, carbon by scope on both bases."""

from __future__ import annotations

import pandas as pd

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
    """Return emissions by scope, asset and line with a column for each basis; what counts in both stands in both."""
    keys = ["scope", "asset", "line"]
    plain = emissions[[*keys, "basis", "amount"]].astype({"asset": str, "basis": str, "scope": int})
    plain["line"] = [common_line(str(line)) for line in plain["line"]]
    sums = {
        basis: plain[plain["basis"].isin(["both", basis])].groupby(keys, sort=False)["amount"].sum() for basis in BASES
    }
    return pd.DataFrame(sums).fillna(0.0).sort_index().reset_index()


def common_line(line: str) -> str:
    """Return a carbon line's name without its basis, so that both bases of one thing stand together."""
    for basis in BASES:
        line = line.removesuffix(f", {basis}-based")
    return line
