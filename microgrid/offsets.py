"""Offsets beside a carbon account: which of them count what the account does, and what must be said of them.

They lower no column. What would be left of the gross total is told for information, and only by offsets of its own gas:
a tonne of CO2e may be a tonne of methane's, which an account of carbon dioxide alone does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from microgrid.amounts import short


def fits(offset: Mapping[str, Any], gas: str) -> bool:
    """Tell whether an offset can stand against a total: carbon dioxide is one of all gases, but not the other way."""
    return offset["gas"] == gas or gas == "CO2e"


def cautions(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Say which offsets stand against nothing, and where they are more than there is to offset."""
    offsets = (manifest.get("accounting") or {}).get("offsets") or ()
    if not offsets:
        return
    gas = manifest["gases"]["emissions_location"]
    apart = [offset["name"] for offset in offsets if not fits(offset, gas)]
    if apart:
        why = "a total of carbon dioxide alone does not hold the other gases"
        yield f"Offsets in CO2e are not taken off the account, for {why}: {', '.join(apart)}."
    bought = sum(offset["amount"] for offset in offsets if fits(offset, gas))
    for basis in ("location", "market"):
        gross = manifest["emissions"][f"emissions_{basis}"]
        if bought > max(gross, 0.0):
            amounts = f"{short(bought)} kg{gas}, and the gross total by {basis} is {short(gross)} kg{gas}"
            yield f"The offsets are more than there is to offset: {amounts}. What is beyond it offsets nothing here."
