"""Names of the ledgers' columns: what may be minimised, capped and reported."""

from __future__ import annotations

COST_COLUMNS = (
    "cost", "capital", "fixed", "energy", "revenue", "demand", "operation", "wear", "start", "unserved", "carbon",
    "stock",
)  # fmt: skip
EMISSION_COLUMNS = (
    "emissions", "scope_1", "scope_2_location", "scope_2_market", "scope_3", "emissions_location", "emissions_market",
)  # fmt: skip
