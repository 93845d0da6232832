"""What a plan claims to rules and contracts: what flows are, what was matched, which certificates were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from microgrid.claims.terms import Factor, Terms

# A generation that is not renewable, such as a fuel cell's, is never green.
Role = Literal[
    "renewable", "generation", "import", "export", "charge", "discharge", "electrolysis", "hydrogen", "supply",
    "contracted by the hour", "contracted by the month", "contracted by the year",
]  # fmt: skip
"""What a quantity is to rules and contracts."""


@dataclass(frozen=True, eq=False)
class Means:
    """What a quantity is to rules and contracts.

    Parameters
    ----------
    quantity
        A port's flow, or a state.
    role
        What it counts as.
    available
        What it could have been: pairs of quantity and factor; the flow is within it. Empty where nothing says so.
    intensity
        What each kWh emits, location-based and upstream, in kgCO2e; None where that is not known.
    """

    quantity: str
    role: Role
    available: Terms = ()
    intensity: Factor | None = None


@dataclass(frozen=True, eq=False)
class Matching:
    """Within each period, no more green energy is matched than a contract generated for the plant.

    Parameters
    ----------
    contract
        Its name.
    matched
        The state that tells what was matched, kW.
    pool
        What was there to match: pairs of quantity and factor, kW; an empty name stands for the constant 1.
    period
        ``hour``, ``month`` or ``year``, on the local calendar.
    most
        Most energy within each period, kWh; None where nothing says so.
    """

    contract: str
    matched: str
    pool: Terms
    period: Literal["hour", "month", "year"]
    most: float | None = None


@dataclass(frozen=True, eq=False)
class Certified:
    """Whole certificates by month, their ledger line, and the energy that they stand for in each period.

    What a period leaves over of a certificate is carried to the next: never less than nothing, never more than one.

    Parameters
    ----------
    line
        The ledger line of the certificates.
    counted
        The state, by month, that tells how many.
    price
        What each adds to the ledger.
    energy
        The state that tells what energy they stand for, kW.
    each
        kWh that one stands for; below zero where they are made of the energy rather than bought for it.
    period
        ``hour``, ``month`` or ``year``.
    most
        Most certificates within each period; None where nothing says so.
    """

    line: str
    counted: str
    price: float
    energy: str
    each: float
    period: Literal["hour", "month", "year"]
    most: float | None = None
