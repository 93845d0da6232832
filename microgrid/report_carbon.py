"""The carbon page of a report: the account by scope on both bases, and the factors behind it with where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from microgrid.plots.ledgers import BASES, by_basis, carbon_unit, takes_exports_off, total_of
from microgrid.plots.numbers import amount, decimals_for
from microgrid.plots.view import View

Plain = dict[str, Any]


def carbon_page(view: View) -> Plain | None:
    """Return the carbon ledger by scope, on both bases."""
    if view.result.emissions.empty:
        return None
    table = by_basis(view.result.emissions)
    decimals = max(decimals_for(float(np.abs(table[list(BASES)].to_numpy(dtype=float)).max())), 1)

    def told(part: pd.DataFrame) -> list[str]:
        return [amount(float(part[basis].sum()), decimals) for basis in BASES]

    off = takes_exports_off(view.manifest)
    groups = []
    for (order, title), part in table.groupby(table.apply(_group_of_line, axis=1), sort=True):
        lines = [
            {"asset": asset, "line": line, "amounts": [amount(location, decimals), amount(market, decimals)]}
            for asset, line, location, market in part[["asset", "line", *BASES]].itertuples(index=False)
        ]
        counts = order < _APART or (off and order == _APART)
        column = {_APART + 1: "scope_3", _APART + 2: "biogenic"}.get(order, "emissions_location")
        unit = carbon_unit(view.manifest, column)
        named = title if unit == carbon_unit(view.manifest) else f"{title}, {unit}"
        groups.append({"title": named, "counts": counts, "lines": lines, "amounts": told(part)})
    objective = view.manifest.get("objective") or {}
    counted = (view.manifest.get("emissions") or {}).get("emissions")
    return {
        "groups": groups,
        "unit": carbon_unit(view.manifest),
        "takes_exports_off": off,
        "total": [amount(total_of(table, off, basis), decimals) for basis in BASES],
        "counted": f"{amount(counted, decimals)} {carbon_unit(view.manifest, 'emissions')}",
        "counted_scopes": " and ".join(str(scope) for scope in objective.get("scopes") or ()),
        "counted_basis": objective.get("basis", "location"),
        "factors": [_factor(view, factor) for factor in view.manifest.get("factors") or ()],
        "offsets": [
            f"{offset['name']}: {amount(offset['amount'], decimals)} kg{offset['gas']}"
            for offset in (view.manifest.get("accounting") or {}).get("offsets") or ()
        ],
    }


# In the account's order: what stands behind scopes 1 and 2 counts in its total or not, by the standard.
_APART = 3


def _group_of_line(row: Any) -> tuple[int, str]:
    """Return the place and the title of the group that a line of the account stands in."""
    if row["scope"] in (1, 2):
        return int(row["scope"]), f"Scope {row['scope']}"
    return {"exported": (_APART, "Exported"), "biogenic": (5, "Biogenic carbon dioxide")}.get(
        row["part"], (4, "Scope 3")
    )


def _factor(view: View, factor: Mapping[str, Any]) -> Plain:
    """Return an emission factor with the file and line that it stands in."""
    inputs = view.manifest.get("inputs") or {}
    where = str(factor["where"])
    place = next((told["place"] for path, told in inputs.items() if (path + ".").startswith(where + ".")), "")
    value = f"{'mean ' if factor['varies'] else ''}{factor['value']:.6g} {factor['unit']}".strip()
    return {"name": factor["name"] or where, "value": value, "status": factor["status"], "place": place}
