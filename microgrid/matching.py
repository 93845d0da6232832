"""The audit table of green contracts: for each hour, month or year, what there was, what was matched, and with what.

From the written frames and claims alone. A period is broken where more is matched than a contract generated or
certificates stand for, or more by all contracts together than was imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from microgrid.books import ABSOLUTE, RELATIVE, Books, books_of, energy_by_period
from microgrid.claims import Certified, Claim, Matching, Means
from microgrid.results import Result

COLUMNS = ("asset", "contract", "matching", "period", "available", "matched", "import", "matched_by_all", "kept")


def matching_table(result: Result) -> pd.DataFrame:
    """Return one row for each contract and each period of its matching rule.

    Columns
    -------
    asset, contract, matching, period
        Connection, contract, rule (``hour``, ``month``, ``year``) and the period's label on the local clock.
    available, matched
        kWh that there were to match: generated, or of certificates with what was carried over; and kWh matched.
    import, matched_by_all
        kWh imported, and kWh matched by all contracts of the connection.
    kept
        Whether neither is above what there was.
    """
    tables = [
        _table(books, claims, claim)
        for books, claims in _connections(result)
        for claim in claims
        if isinstance(claim, Matching) or (isinstance(claim, Certified) and claim.each > 0)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def matching_summary(result: Result) -> list[dict[str, Any]]:
    """Return, for each contract, how many periods its rule has, how many are broken, and the sums over them."""
    table = matching_table(result)
    if table.empty:
        return []
    return [
        {
            "asset": str(asset),
            "contract": str(contract),
            "matching": str(rule),
            "periods": len(part),
            "broken": int((~part["kept"].astype(bool)).sum()),
            "available": float(part["available"].sum()),
            "matched": float(part["matched"].sum()),
            "import": float(part["import"].sum()),
        }
        for (asset, contract, rule), part in table.groupby(["asset", "contract", "matching"], sort=False)
    ]


def _connections(result: Result) -> Iterator[tuple[Books, list[Claim]]]:
    contracted = [
        asset
        for asset, claims in result.claims.items()
        if any(isinstance(claim, Matching | Certified) for claim in claims)
    ]
    books = books_of(result) if contracted else {}
    for asset in contracted:
        yield books[asset], list(result.claims[asset])


def _table(books: Books, claims: list[Claim], claim: Matching | Certified) -> pd.DataFrame:
    everything = tuple((c.quantity, 1.0) for c in claims if isinstance(c, Means) and c.role.startswith("contracted"))
    state = claim.matched if isinstance(claim, Matching) else claim.energy
    matched = energy_by_period(books, ((state, 1.0),), claim.period)
    imported = energy_by_period(books, (("import", 1.0),), claim.period)
    by_all = energy_by_period(books, everything, claim.period)
    available = _available(books, claim, matched)
    over = np.maximum(np.asarray(matched - available), np.asarray(by_all - imported))
    allowed = ABSOLUTE + RELATIVE * np.maximum(np.asarray(imported), np.asarray(available))
    return pd.DataFrame(
        {
            "asset": books.asset,
            "contract": state.rpartition(" ")[0],
            "matching": claim.period,
            "period": matched.index,
            "available": available.to_numpy(dtype=float),
            "matched": matched.to_numpy(dtype=float),
            "import": imported.to_numpy(dtype=float),
            "matched_by_all": by_all.to_numpy(dtype=float),
            "kept": over <= allowed,
        }
    )


def _available(books: Books, claim: Matching | Certified, matched: pd.Series) -> pd.Series:
    if isinstance(claim, Matching):
        there = energy_by_period(books, claim.pool, claim.period)
        return there if claim.most is None else there.clip(upper=claim.most)
    months = pd.Series(books.on_months[claim.counted], index=list(dict.fromkeys(_months(books))))
    bought = months.groupby(months.index.str[: 4 if claim.period == "year" else 7], sort=False).sum() * claim.each
    carried = bought.cumsum() - matched.cumsum()
    return bought + carried.shift(fill_value=0.0)


def _months(books: Books) -> list[str]:
    return [str(month) for month in books.steps["time"].dt.strftime("%Y-%m")]
