"""Contracts of green energy in the carbon account: what each matched, by which rule, at what cost, and its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from microgrid.results import Result

RULES = {"hour": "hour by hour", "month": "by the month", "year": "by the year"}


@dataclass(frozen=True)
class Contracted:
    """A contract, or a purchase of certificates, in the account.

    Parameters
    ----------
    asset, contract
        The grid connection, and the name of the contract.
    rule
        Within what it is matched with consumption.
    periods, broken
        How many such periods there are, and in how many more was matched than there was.
    available, matched, imported
        kWh that there were to match, kWh matched, and kWh imported by the connection.
    cost
        What it cost net of what it replaced, in the plan's currency.
    place
        File and line of the contract in the scenario.
    trace
        The rows of the run that the amounts are sums of.
    """

    asset: str
    contract: str
    rule: str
    periods: int
    broken: int
    available: float
    matched: float
    imported: float
    cost: float
    place: str
    trace: str

    @property
    def share(self) -> float:
        """Share of the import that it matched."""
        return self.matched / self.imported if self.imported else 0.0


def contracted(result: Result) -> Iterator[Contracted]:
    """Give every contract of a plan that is matched with consumption."""
    inputs = result.manifest.get("inputs") or {}
    for row in result.manifest.get("matching") or ():
        asset, contract = row["asset"], row["contract"]
        where = f"assets.{asset}.contracts.{contract}"
        places = [entry["place"] for path, entry in inputs.items() if path == where or path.startswith(f"{where}.")]
        yield Contracted(
            asset,
            contract,
            RULES[row["matching"]],
            row["periods"],
            row["broken"],
            row["available"],
            row["matched"],
            row["import"],
            _cost(result, asset, contract),
            places[0] if places else "made in Python",
            f"matching.csv: contract = {contract}; costs.parquet: lines that begin with {contract}",
        )


def _cost(result: Result, asset: str, contract: str) -> float:
    costs = result.costs
    own = (costs["asset"].astype(str) == asset) & costs["line"].astype(str).str.startswith(f"{contract}, ")
    return float(costs.loc[own, "amount"].sum())
