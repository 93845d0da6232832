"""What belongs beside the numbers of a carbon account: how far they can be relied on, and what they leave out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from microgrid.factors import STATUS
from microgrid.results import Result

_WHOLE_YEAR = 0.999


def quality(result: Result, factors: Sequence[Mapping[str, Any]], gases: Collection[str]) -> Iterator[str]:
    """Say how far the numbers can be relied on.

    Parameters
    ----------
    factors
        The factors in use, with the places where they stand.
    gases
        What the lines of scopes 1 and 2 count.
    """
    manifest = result.manifest
    yield "Amounts are planned, not metered: they come from the optimal plan of a model, not from a meter."
    audit, outcome = manifest.get("audit") or {}, manifest["outcome"]
    if audit.get("passed"):
        yield f"The audit recomputed {audit['checked']} statements from the written frames, these lines among them."
    else:
        yield "THE AUDIT FAILED OR WAS NOT MADE: do not use this account."
    if not outcome["proved"]:
        yield f"The plan is not proved optimal ({outcome['ended']})."
    yield from _of_factors(factors, pd.Timestamp(manifest["horizon"]["start"]).year)
    if manifest["horizon"]["years"] < _WHOLE_YEAR:
        yield f"The period is {manifest['horizon']['years']:.2%} of a year: an account of a year needs a year."
    if {"CO2", "CO2e"} <= set(gases):
        yield "Factors of carbon dioxide alone stand in totals of all greenhouse gases: their CH4 and N2O are missing."
    elif set(gases) == {"CO2"}:
        yield "Scopes 1 and 2 count carbon dioxide alone; no CH4, N2O, HFCs, PFCs, SF6 and NF3."


def _of_factors(factors: Sequence[Mapping[str, Any]], calendar: int) -> Iterator[str]:
    """Say how well the factors are known, and of which year they are."""
    for factor in factors:
        name = factor["name"] or factor["where"]
        if factor["status"] in ("M", "V2"):
            yield f"{name}: {STATUS[factor['status']]} ({factor['place']})."
        elif not factor["source"]:
            yield f"{name}: no source told ({factor['place']})."
    for year in sorted({factor["year"] for factor in factors if factor["year"] not in (None, calendar)}):
        yield f"Factors of {year} are applied to the calendar of {calendar}."


def uncovered(result: Result, emitting: Collection[str], parts: Collection[str]) -> Iterator[str]:
    """Say what an account leaves out.

    Parameters
    ----------
    emitting
        The assets that have a line in it.
    parts
        The parts of it that have a line.
    """
    kinds: Mapping[str, str] = result.manifest.get("kinds") or {}
    for asset, kind in kinds.items():
        if kind in ("grid_connection", "supply") and asset not in emitting:
            yield f"What {asset} buys has no emission factor: it counts as nothing."
    if "process" not in parts:
        yield "Process emissions: no asset of the plan gives any."
    if "upstream" not in parts:
        yield "Upstream emissions of fuels and electricity (scope 3, category 3)."
    yield "Scope 3 beyond the upstream of energy: materials, transport, waste, use of products, equipment."
    yield "Mobile sources, refrigerants and switchgear gases, unless an asset of the plan gives them."
