"""What a plan claims of its ledgers: where each line of money and carbon comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from microgrid.claims.terms import Terms

BILLED_BY = "billed by "
"""States that tell which billing option was chosen begin so."""


@dataclass(frozen=True, eq=False)
class Charge:
    """A ledger line is the sum of factor times quantity at every step.

    Parameters
    ----------
    ledger
        ``costs`` or ``emissions``.
    line
        The line's name in the ledger.
    per
        ``hour``: factors hold per hour and are multiplied by the step's length; ``event``: they are not;
        ``year``: factors hold per year of the horizon; ``month``: per billing month, in proportion to the part covered.
    factor
        The asset's field that holds the emission factor, such as ``contracts.wind.factor``; empty where none does.
    """

    ledger: Literal["costs", "emissions"]
    line: str
    terms: Terms
    per: Literal["hour", "event", "year", "month"] = "hour"
    factor: str = ""


@dataclass(frozen=True, eq=False)
class PeakCharge:
    """A ledger line is `price` times the highest mean over the metering window, each billing month.

    `floor` is a peak already measured in the first month.
    """

    line: str
    quantity: str
    price: float
    window: float
    floor: float = 0.0


@dataclass(frozen=True, eq=False)
class TariffBill:
    """Ledger lines are those of the bill that an imported and an exported flow come to under a tariff.

    Parameters
    ----------
    lines
        The lines, by name.
    tariff, past
        The tariff, and what was measured before the horizon, as plain data.
    billing
        The billing option; ``choose`` where the states ``billed by <option>`` say which.
    whole
        Lines that a month pays in full, though the horizon covers it in part.
    owed
        What is owed of these for peaks before the horizon.
    imported, exported
        The two flows; there need not be the second.
    """

    lines: tuple[str, ...]
    tariff: dict[str, Any]
    past: dict[str, Any]
    billing: str = ""
    whole: tuple[str, ...] = ()
    owed: float = 0.0
    imported: str = "import"
    exported: str = "export"


@dataclass(frozen=True, eq=False)
class LeftOver:
    """A ledger line saves what a stock holds: `below` for each unit up to `level`, `above` for the rest.

    It counts at a point of the horizon, at its end where that is None.
    """

    line: str
    stock: str
    level: float
    below: float
    above: float
    point: int | None = None
