"""The lines of a carbon account: what was burnt, bought or sold, the factor behind it, and where both can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid.books import Books, books_of
from microgrid.claims import Charge
from microgrid.results import Result

# Parts of an account in the order of GB/T 32150, what they are called, and where they stand.
PARTS = {
    "fuel": "Fuel combustion",
    "process": "Industrial processes",
    "captured": "Captured and stored",
    "purchased": "Purchased electricity and heat",
    "exported": "Exported electricity",
    "upstream": "Upstream of fuels and electricity",
    "biogenic": "Carbon dioxide of biomass",
}
# A line's amount is its factor's to this share, or the factor is not behind all of it.
_SAME = 1e-6


@dataclass(frozen=True)
class Line:
    """A line of the account.

    Parameters
    ----------
    part, scope, asset, line, gas
        As in the frame of emissions.
    location, market
        Amount on either basis, kg; the same where a line counts on both.
    activity
        What was burnt, bought or sold, and its unit; None where a line is no factor times a flow.
    factor
        Path of the factor behind it in the scenario, and the file and line where it stands.
    trace
        The rows of the run that the amount is the sum of.
    """

    part: str
    scope: int
    asset: str
    line: str
    gas: str
    location: float | None
    market: float | None
    activity: float | None
    activity_unit: str
    factor: str
    place: str
    trace: str


def lines(result: Result, factors: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Give the lines of the account, part by part.

    Parameters
    ----------
    factors
        Every factor in use as the manifest tells it, with its `place`.
    """
    keys, books = ["part", "scope", "asset", "line", "basis", "gas"], books_of(result)
    frame = result.emissions.astype(dict.fromkeys(keys, str))
    sums = frame.groupby(keys, sort=False)["amount"].sum().reset_index()
    for part in PARTS:
        for row in sums[sums["part"] == part].to_dict("records"):
            asset, basis, amount = row["asset"], row["basis"], float(row["amount"])
            claim = _claim(result, asset, row["line"])
            activity = None if claim is None or asset not in books else _activity(books[asset], claim)
            factor = {} if claim is None else _behind(result, factors, asset, claim, amount, activity)
            yield Line(
                part,
                int(row["scope"]),
                asset,
                row["line"],
                row["gas"],
                amount if basis in ("both", "location") else None,
                amount if basis in ("both", "market") else None,
                activity,
                "" if activity is None or claim is None else _unit(result, asset, claim),
                factor.get("where", ""),
                factor.get("place", ""),
                f"emissions.parquet: sum of amount where asset = {asset} and line = {row['line']}",
            )


def _claim(result: Result, asset: str, line: str) -> Charge | None:
    """Return the claim that the audit held a line against."""
    own = (claim for claim in result.claims.get(asset, ()) if isinstance(claim, Charge))
    return next((claim for claim in own if (claim.ledger, claim.line) == ("emissions", line)), None)


def _activity(books: Books, claim: Charge) -> float | None:
    """Return what flowed behind a line: one quantity, or one less others that count with another factor."""
    (first, factor), *others = claim.terms
    is_rest = all(np.array_equal(np.asarray(each), -np.asarray(factor)) for _, each in others)
    if not first or (others and not (is_rest and np.any(factor))):
        return None
    rate = books.quantity(first) - sum(books.quantity(name) for name, _ in others)
    return float(np.abs(rate) @ (books.hours * books.weights))


def _unit(result: Result, asset: str, claim: Charge) -> str:
    """Return the unit of a line's activity; what is no flow is a part of one, in kW."""
    flows = result.flows[(result.flows["asset"] == asset) & (result.flows["port"] == claim.terms[0][0])]
    return {"kW": "kWh", "kg/h": "kg"}.get("kW" if flows.empty else str(flows["unit"].iloc[0]), "")


def _behind(
    result: Result,
    factors: Sequence[Mapping[str, Any]],
    asset: str,
    claim: Charge,
    amount: float,
    activity: float | None,
) -> Mapping[str, Any]:
    """Return the factor behind a line, by the field that the asset says it is in.

    Where the line's amount by its activity is known, it must be the factor's: a line that several factors make up, or
    none of these, has no one factor behind it. What a contract delivers without a factor of its own emits nothing: that
    stands where the contract does.
    """
    where = f"assets.{asset}.{claim.factor}"
    factor = next((each for each in factors if each["where"] == where), None)
    if factor is None:
        contract = where.removesuffix(".factor")
        is_bare = claim.factor.startswith("contracts.") and not amount
        return {"where": contract, "place": place_of(result.manifest, contract)} if is_bare else {}
    implied = abs(amount) / activity if activity else factor["value"]
    is_its_own = factor["varies"] or abs(factor["value"] - implied) <= _SAME * max(implied, factor["value"])
    return factor if is_its_own else {}


def place_of(manifest: Mapping[str, Any], where: str) -> str:
    """Return file and line of a field, or of its first part."""
    return written(manifest, where)[0]


def written(manifest: Mapping[str, Any], where: str) -> tuple[str, str]:
    """Return file and line of a field, or of its first part, and what stands there."""
    inputs: Mapping[str, Mapping[str, str]] = manifest.get("inputs") or {}
    for path, entry in inputs.items():
        if path == where or path.startswith(f"{where}."):
            return entry["place"], entry["text"]
    return "", ""
