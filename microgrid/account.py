"""The carbon account of a plan as an auditor reads it: boundary, activity, factors, lines, totals, offsets, gaps.

Made of a run's frames and manifest alone. Every figure carries its trace: the frame, column and rows that it is the sum
of, or the file and line that it was written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from microgrid.account_contracts import Contracted, contracted
from microgrid.account_lines import Line, lines, written
from microgrid.account_notes import quality, uncovered
from microgrid.accounts import STANDARDS
from microgrid.offsets import cautions, fits
from microgrid.results import Result

BASES = ("location", "market")


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
    contracted: tuple[Contracted, ...]
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
    booked = tuple(lines(result, factors))
    gross = tuple(_gross(emitted, gases, manifest["accounting"]["standard"]))
    offsets = tuple(_offsets(manifest))
    residual = _residual(gross[-1], offsets)
    horizon = manifest["horizon"]
    return Account(
        str((manifest.get("scenario") or {}).get("name") or "Plan"),
        f"{horizon['start']} to {horizon['end']} ({horizon['zone']}), {horizon['years']:.4g} years",
        manifest["accounting"]["boundary"] or "not told in the scenario (accounting.boundary)",
        STANDARDS[manifest["accounting"]["standard"]],
        booked,
        gross,
        tuple(_apart(emitted, gases, manifest["accounting"]["standard"])),
        factors,
        tuple(factor for factor in factors if factor["family"] == "supplier"),
        tuple(contracted(result)),
        offsets,
        residual,
        tuple(_prices(manifest)),
        (
            *quality(result, factors, {line.gas for line in booked if line.scope in (1, 2)}),
            *cautions(manifest),
        ),
        tuple(uncovered(result, {line.asset for line in booked}, {line.part for line in booked})),
        tuple(_origin(manifest)),
    )


def _factors(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every factor in use with the file and line that it stands in."""
    for factor in manifest["factors"]:
        place, text = written(manifest, factor["where"])
        yield factor | {"place": place or "made in Python", "text": text}


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
        place, _ = written(manifest, f"accounting.offsets.{at}")
        told = [offset["standard"], str(offset["year"] or ""), offset["source"]]
        text = ", ".join(part for part in told if part) or "no standard told"
        yield {**offset, "place": place, "text": text}


def _residual(gross: Total, offsets: tuple[dict[str, Any], ...]) -> Total:
    """Return what would be left of the gross total, by the offsets that count what it does."""
    bought = sum(offset["amount"] for offset in offsets if fits(offset, gross.gas))
    left_out = not all(fits(offset, gross.gas) for offset in offsets)
    told = f"the gross total less the offsets above{f' that count {gross.gas} alone' if left_out else ''}"
    return Total(
        "Residual after offsets, for information", gross.location - bought, gross.market - bought, gross.gas, told
    )


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
