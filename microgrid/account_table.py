"""A carbon account as one table, a row for each figure, with the file and line or the frame that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from microgrid.account import Account, Total
from microgrid.account_contracts import Contracted
from microgrid.account_lines import PARTS, Line

COLUMNS = ("section", "item", "scope", "activity", "activity_unit", "location", "market", "unit", "text", "trace")


def account_table(told: Account) -> pd.DataFrame:
    """Return an account as one table: section, item, amounts, units, and the trace of each row."""
    rows = [
        {"section": "boundary", "item": "plant", "text": told.name, "trace": "manifest.json: scenario.name"},
        {"section": "boundary", "item": "period", "text": told.period, "trace": "manifest.json: horizon"},
        {"section": "boundary", "item": "boundary", "text": told.boundary, "trace": "accounting.boundary"},
        {"section": "method", "item": "standard", "text": told.method, "trace": "accounting.standard"},
        *({"section": "factor", **_factor(factor)} for factor in told.factors),
        *({"section": PARTS[line.part], **_line(line)} for line in told.lines),
        *({"section": "gross", **_total(total)} for total in told.gross),
        *({"section": "apart", **_total(total)} for total in told.apart),
        *({"section": "contract", **_contracted(each)} for each in told.contracted),
        *({"section": "offset", **_offset(offset)} for offset in told.offsets),
        {"section": "after offsets", **_total(told.residual)},
        *({"section": "price", "item": p["where"], "text": p["text"], "trace": p["place"]} for p in told.prices),
        *_numbered("data quality", told.quality),
        *_numbered("not covered", told.uncovered),
    ]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _numbered(section: str, texts: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for at, text in enumerate(texts, 1):
        yield {"section": section, "item": str(at), "text": text, "trace": "manifest.json"}


def _factor(factor: Mapping[str, Any]) -> dict[str, Any]:
    known = [
        f"family {factor['family']}",
        f"region {factor['region']}" if factor["region"] else "",
        f"year {factor['year']}" if factor["year"] is not None else "",
        f"source: {factor['source']}" if factor["source"] else "no source told",
        f"status {factor['status']}" if factor["status"] else "no status told",
    ]
    return {
        "item": factor["name"] or factor["where"],
        "activity": factor["value"],
        "activity_unit": factor["unit"],
        "text": "; ".join(part for part in known if part),
        "trace": factor["place"],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "item": f"{line.asset}: {line.line}",
        "scope": line.scope,
        "activity": line.activity,
        "activity_unit": line.activity_unit,
        "location": line.location,
        "market": line.market,
        "unit": f"kg{line.gas}",
        "text": f"factor in {line.place or line.factor}" if line.factor else "",
        "trace": line.trace,
    }


def _total(total: Total) -> dict[str, Any]:
    amounts = {"location": total.location, "market": total.market, "unit": f"kg{total.gas}"}
    return {"item": total.label, **amounts, "trace": total.trace}


def _contracted(each: Contracted) -> dict[str, Any]:
    kept = f"broken in {each.broken} of {each.periods} periods" if each.broken else "kept"
    return {
        "item": f"{each.asset}: {each.contract}, matched {each.rule}",
        "activity": each.matched,
        "activity_unit": "kWh",
        "text": f"{each.share:.1%} of the import; {kept}; cost {each.cost:.2f}; {each.place}",
        "trace": each.trace,
    }


def _offset(offset: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {"location": -offset["amount"], "market": -offset["amount"], "unit": f"kg{offset['gas']}"}
    return {"item": offset["name"], **amounts, "text": offset["text"], "trace": offset["place"]}
