"""Claims: what a plan says of itself, in plain data, so that an audit can hold the written frames against it.

A technology states its physics twice: once as rows for a solver, once as claims for the audit. The two share no code:
rows are symbolic and belong to Pyomo, claims are numbers and names, stored with the plan.

Names in a claim are quantities of the asset: a port's flow (counted into its bus, so a consumption is negative), a
stock, a state or a size. ``"capacity*on"`` is a product of two.
"""

from microgrid.claims.ledgers import BILLED_BY, Charge, LeftOver, PeakCharge, TariffBill
from microgrid.claims.operation import Between, Change, Lasting, MinimumRun, NeverBoth, Ramp, StockBalance, Total
from microgrid.claims.plain import KINDS, Claim, from_plain, to_plain
from microgrid.claims.rules import Certified, Matching, Means, Role
from microgrid.claims.terms import Factor, Terms

__all__ = [
    "BILLED_BY",
    "KINDS",
    "Between",
    "Certified",
    "Change",
    "Charge",
    "Claim",
    "Factor",
    "Lasting",
    "LeftOver",
    "Matching",
    "Means",
    "MinimumRun",
    "NeverBoth",
    "PeakCharge",
    "Ramp",
    "Role",
    "StockBalance",
    "TariffBill",
    "Terms",
    "Total",
    "from_plain",
    "to_plain",
]
