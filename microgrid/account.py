"""The carbon account of a plan as an auditor reads it: boundary, activity, factors, lines, totals, offsets, gaps.

Made of a run's frames and manifest alone. Every figure carries its trace: the frame, column and rows that it is the sum
of, or the file and line that it was written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid.account_notes import quality, uncovered
from microgrid.accounts import STANDARDS
from microgrid.claims import Charge
from microgrid.results import Result

BASES = ("location", "market")
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
_COLUMNS = {
    "fuel": ("scope_1",), "process": ("scope_1",), "captured": (), "upstream": ("scope_3",), "biogenic": ("biogenic",),
    "exported": ("exported", "scope_2_location"),
}  # fmt: skip


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


@dataclass(frozen=True)
class Total:
    """A column of the account on both bases, with its trace."""

    label: str
    location: float
    market: float
    gas: str
    trace: str


@dataclass(frozen=True)
class Account:
    """A carbon account."""

    name: str
    period: str
    boundary: str
    method: str
    lines: tuple[Line, ...]
    gross: tuple[Total, ...]
    apart: tuple[Total, ...]
    factors: tuple[dict[str, Any], ...]
    contracts: tuple[dict[str, Any], ...]
    offsets: tuple[dict[str, Any], ...]
    residual: Total
    prices: tuple[dict[str, str], ...]
    quality: tuple[str, ...]
    uncovered: tuple[str, ...]
    origin: tuple[tuple[str, str], ...]


def account(result: Result) -> Account:
    """Return the carbon account of a plan."""
    manifest = result.manifest
    emitted, gases = manifest["emissions"], manifest["gases"]
    factors = tuple(_factors(manifest))
    lines = tuple(_lines(result, factors))
    gross = tuple(_gross(emitted, gases, manifest["accounting"]["standard"]))
    offsets = tuple(_offsets(manifest))
    bought = sum(offset["amount"] for offset in offsets)
    total = gross[-1]
    residual = Total(
        "Residual after offsets, for information",
        total.location - bought,
        total.market - bought,
        total.gas,
        "the gross total less the offsets above",
    )
    horizon = manifest["horizon"]
    return Account(
        str((manifest.get("scenario") or {}).get("name") or "Plan"),
        f"{horizon['start']} to {horizon['end']} ({horizon['zone']}), {horizon['years']:.4g} years",
        manifest["accounting"]["boundary"] or "not told in the scenario (accounting.boundary)",
        STANDARDS[manifest["accounting"]["standard"]],
        lines,
        gross,
        tuple(_apart(emitted, gases, manifest["accounting"]["standard"])),
        factors,
        tuple(factor for factor in factors if factor["family"] == "supplier"),
        offsets,
        residual,
        tuple(_prices(manifest)),
        tuple(quality(result, factors, {line.gas for line in lines if line.scope in (1, 2)})),
        tuple(uncovered(result, {line.asset for line in lines}, {line.part for line in lines})),
        tuple(_origin(manifest)),
    )


def _factors(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every factor in use with the file and line that it stands in."""
    for factor in manifest["factors"]:
        place, text = _written(manifest, factor["where"])
        yield factor | {"place": place or "made in Python", "text": text}


def _written(manifest: Mapping[str, Any], where: str) -> tuple[str, str]:
    """Return file and line of a field, or of its first part, and what stands there."""
    inputs: Mapping[str, Mapping[str, str]] = manifest.get("inputs") or {}
    for path, entry in inputs.items():
        if path == where or path.startswith(f"{where}."):
            return entry["place"], entry["text"]
    return "", ""


def _lines(result: Result, factors: tuple[dict[str, Any], ...]) -> Iterator[Line]:
    """Give the lines of the account, part by part."""
    keys = ["part", "scope", "asset", "line", "basis", "gas"]
    frame = result.emissions.astype(dict.fromkeys(keys, str))
    sums = frame.groupby(keys, sort=False)["amount"].sum().reset_index()
    for part in PARTS:
        for row in sums[sums["part"] == part].to_dict("records"):
            basis, amount = row["basis"], float(row["amount"])
            activity, unit = _activity(result, row["asset"], row["line"])
            implied = abs(amount) / activity if activity else None
            factor = _behind(factors, row["asset"], part, basis, implied)
            yield Line(
                part,
                int(row["scope"]),
                row["asset"],
                row["line"],
                row["gas"],
                amount if basis in ("both", "location") else None,
                amount if basis in ("both", "market") else None,
                activity,
                unit,
                factor.get("where", ""),
                factor.get("place", ""),
                f"emissions.parquet: sum of amount where asset = {row['asset']} and line = {row['line']}",
            )


def _activity(result: Result, asset: str, line: str) -> tuple[float | None, str]:
    """Return what flowed behind a line, by the claim that the audit held it against."""
    claim = next(
        (
            c
            for c in result.claims.get(asset, ())
            if isinstance(c, Charge) and (c.ledger, c.line) == ("emissions", line)
        ),
        None,
    )
    if claim is None or len(claim.terms) != 1:
        return None, ""
    ((port, _),) = claim.terms
    flows = result.flows[(result.flows["asset"] == asset) & (result.flows["port"] == port)]
    if flows.empty:
        return None, ""
    stands = (result.steps["hours"] * result.steps["weight"]).to_numpy(dtype=float)
    total = float(np.abs(flows["rate"].to_numpy(dtype=float)) @ stands)
    return total, {"kW": "kWh", "kg/h": "kg"}.get(str(flows["unit"].iloc[0]), "")


def _behind(
    factors: tuple[dict[str, Any], ...], asset: str, part: str, basis: str, implied: float | None
) -> dict[str, Any]:
    """Return the factor behind a line; by market, that of the location where there is no other.

    Where the line's amount by its activity is known, it must be the factor's: a line that several factors make up, or
    none of these, has no one factor behind it.
    """
    wanted = _COLUMNS.get(part, (f"scope_2_{'location' if basis == 'both' else basis}", "scope_2_location"))
    own = [factor for factor in factors if factor["where"].split(".")[1] == asset]
    fitting = [factor for column in wanted for factor in own if factor["column"] == column]
    if implied is not None:
        fitting = [factor for factor in fitting if factor["varies"] or abs(factor["value"] - implied) <= 1e-6 * implied]
    return fitting[0] if fitting else {}


def _gross(emitted: Mapping[str, float], gases: Mapping[str, str], standard: str) -> Iterator[Total]:
    """Give the gross account: scopes, what is exported if the standard takes it off, the total."""
    trace = "manifest.json: emissions."
    yield Total("Scope 1", emitted["scope_1"], emitted["scope_1"], gases["scope_1"], f"{trace}scope_1")
    by = [emitted[f"scope_2_{basis}"] for basis in BASES]
    yield Total("Scope 2", by[0], by[1], gases["scope_2_location"], f"{trace}scope_2_location, scope_2_market")
    if standard == "gb_t_32150":
        yield Total("Exported", emitted["exported"], emitted["exported"], gases["exported"], f"{trace}exported")
    by = [emitted[f"emissions_{basis}"] for basis in BASES]
    traced = f"{trace}emissions_location, emissions_market"
    yield Total("Gross total", by[0], by[1], gases["emissions_location"], traced)


def _apart(emitted: Mapping[str, float], gases: Mapping[str, str], standard: str) -> Iterator[Total]:
    """Give what stands beside the total."""
    told = {"scope_3": "Scope 3, upstream", "exported": "Exported", "biogenic": "Biogenic carbon dioxide"}
    for column, label in told.items():
        if not (column == "exported" and standard == "gb_t_32150"):
            amount = emitted[column]
            yield Total(label, amount, amount, gases[column], f"manifest.json: emissions.{column}")


def _offsets(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for at, offset in enumerate(manifest["accounting"]["offsets"]):
        place, _ = _written(manifest, f"accounting.offsets.{at}")
        told = [offset["standard"], str(offset["year"] or ""), offset["source"]]
        yield {**offset, "place": place, "text": ", ".join(part for part in told if part) or "no standard told"}


def _prices(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Give every price of carbon that the scenario sets."""
    inputs: Mapping[str, Mapping[str, str]] = manifest.get("inputs") or {}
    for where, entry in inputs.items():
        if where.startswith(("objective.carbon_price", "accounting.trading")):
            yield {"where": where, "text": entry["text"], "place": entry["place"]}


def _origin(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    scenario, engine = manifest.get("scenario") or {}, manifest.get("engine") or {}
    yield "Scenario files", ", ".join(scenario.get("files") or ()) or "made in Python"
    yield "Scenario hash", str(scenario.get("hash") or "")
    yield "Engine", str(engine.get("version") or "")
    yield "Run created", str(manifest.get("created") or "")
