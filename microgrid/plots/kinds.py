"""Which technology an asset is: the manifest tells; what is no asset is told by what it is."""

from __future__ import annotations

from microgrid.plots.tracks import Track
from microgrid.results import Result


def kinds_of(result: Result, flows: tuple[Track, ...]) -> dict[str, str]:
    """Return the technology of each asset, ``surplus`` for a bus that lets go, and other names for themselves."""
    named = (*(flow.asset for flow in flows), *map(str, result.costs["asset"].unique()))
    surplus = {flow.asset: "surplus" for flow in flows if flow.name == "surplus"}
    return {name: name for name in named} | surplus | (result.manifest.get("kinds") or {})
