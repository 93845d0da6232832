"""The ledgers' columns, and the rules of the carbon account: what may be minimised, capped, priced and reported.

The account of an organisation is: scope 1 (fuels, processes, less what is captured) + scope 2 (purchased, by location
and by market) - what is exported, if the standard says so. Scope 3 and the carbon dioxide of biomass stand apart.
Offsets and certificates come after the account and change none of its columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

COST_COLUMNS = (
    "cost", "capital", "fixed", "energy", "revenue", "demand", "operation", "wear", "start", "unserved", "carbon",
    "stock",
)  # fmt: skip
EMISSION_COLUMNS = (
    "emissions", "scope_1", "scope_2_location", "scope_2_market", "scope_3", "emissions_location", "emissions_market",
    "exported", "biogenic",
)  # fmt: skip

Standard = Literal["ghg_protocol", "gb_t_32150"]
STANDARDS = {
    "ghg_protocol": "GHG Protocol, corporate standard and scope 2 guidance: exports reduce nothing",
    "gb_t_32150": "GB/T 32150: fuel + process + purchased - exported electricity and heat",
}
# The account's asset in the money ledger.
CARBON_PRICE = "carbon price"


@dataclass(frozen=True)
class Offset:
    """A reduction made elsewhere and bought: shown after the account, never within it.

    Parameters
    ----------
    amount
        Kilograms over the horizon.
    standard
        Who issued it, such as CCER.
    year
        Year of the reduction; None if not told.
    gas
        What it counts: ``CO2`` or ``CO2e``.
    """

    name: str
    amount: float
    standard: str = ""
    year: int | None = None
    source: str = ""
    gas: str = "CO2e"


@dataclass(frozen=True)
class Accounting:
    """How the carbon account is kept.

    Parameters
    ----------
    standard
        Whether exported electricity is taken off the totals.
    gases
        What the columns count: carbon dioxide alone, or all greenhouse gases; empty if the factors tell. Columns of all
        gases admit factors of carbon dioxide alone, which then lack the others.
    year, region
        Whose factors of the catalogue the account wants; None and empty where the horizon decides, and anything goes.
    trading_price
        Price of an emissions trading scheme, in currency per kg, on scope 1 alone; zero for a plant not covered.
    allowances
        Emissions that the scheme leaves free over the horizon, kg.
    offsets
        Shown after the account.
    boundary
        What lies within the account, in the user's words.
    """

    standard: Standard = "ghg_protocol"
    gases: Literal["", "CO2", "CO2e"] = ""
    year: int | None = None
    region: str = ""
    trading_price: float = 0.0
    allowances: float = 0.0
    offsets: tuple[Offset, ...] = ()
    boundary: str = ""

    @property
    def takes_exports_off(self) -> bool:
        """Whether what is exported reduces the totals."""
        return self.standard == "gb_t_32150"
