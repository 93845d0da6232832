"""Money over time: pure functions, no plant.

Flows are one amount a year, shape (years + 1,): that of today, then those at the end of each year. What is received
counts above zero, what is paid below. Rates are shares a year: 0.06 for 6 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Flows = NDArray[np.float64]
Method = Literal["straight_line", "declining_balance"]


def annuity_factor(rate: float, years: float) -> float:
    """Return the yearly payment that repays 1 over `years` at the interest `rate`.

    Parameters
    ----------
    rate
        Interest per year, as a share: 0.06 for 6 %. Zero gives straight-line repayment.
    years
        Lifetime in years, above zero.

    Notes
    -----
    ``rate / (1 - (1 + rate) ** -years)``, and ``1 / years`` in the limit of no interest.
    """
    if years <= 0:
        raise ValueError(f"a lifetime must be above zero years, not {years}")
    if abs(rate) < 1e-12:
        return 1 / years
    return rate / -math.expm1(-years * math.log1p(rate))


def real_rate(nominal: float, inflation: float) -> float:
    """Return the rate in money of constant worth that equals a nominal one (Fisher)."""
    return (1 + nominal) / (1 + inflation) - 1


def present_values(rate: float, flows: ArrayLike) -> Flows:
    """Return what each year's flow is worth today."""
    amounts = np.asarray(flows, dtype=float)
    return amounts * (1 + rate) ** -np.arange(len(amounts), dtype=float)


def net_present_value(rate: float, flows: ArrayLike) -> float:
    """Return what all flows together are worth today."""
    return float(present_values(rate, flows).sum())


def internal_rate(flows: ArrayLike) -> float | None:
    """Return the one rate at which the flows are worth nothing together, or None.

    None where there is no such rate, or where there may be several, so that none of them says how good the flows are:
    the signs change more than once, and so do those of the running sum (Norstrom's condition for a single positive
    rate, Journal of Financial and Quantitative Analysis 7 (1972) 1835).
    """
    amounts = np.asarray(flows, dtype=float)
    if _sign_changes(amounts) == 0:
        return None
    running = np.cumsum(amounts)
    is_single = _sign_changes(amounts) == 1
    if not is_single and not (_sign_changes(running) == 1 and running[-1] != 0):
        return None
    from pyxirr import irr

    rate = irr(amounts.tolist())
    if rate is None or not math.isfinite(rate) or (not is_single and rate <= 0):
        return None
    scale = float(np.abs(present_values(rate, amounts)).sum())
    return float(rate) if abs(net_present_value(rate, amounts)) <= 1e-6 * scale else None


def _sign_changes(values: NDArray[np.float64]) -> int:
    signs = np.sign(values[values != 0])
    return int((signs[1:] != signs[:-1]).sum())


def payback(flows: ArrayLike) -> float | None:
    """Return after how many years what was paid has first come back, or None.

    Of present values it is the discounted payback. Within a year the flow counts as even. Nothing paid is back at once.
    """
    running = np.cumsum(np.asarray(flows, dtype=float))
    back = np.flatnonzero(running >= 0)
    if not len(back):
        return None
    year = int(back[0])
    if year == 0:
        return 0.0
    return year - 1 + float(-running[year - 1] / (running[year] - running[year - 1]))


def levelised(rate: float, costs: ArrayLike, amounts: ArrayLike) -> float | None:
    """Return the price at which what is made pays for what it costs, or None where nothing is made.

    Parameters
    ----------
    rate
        Discount rate.
    costs
        What is paid in each year (above zero), the first of them today.
    amounts
        What is made in each year, likewise.
    """
    made = net_present_value(rate, amounts)
    return net_present_value(rate, costs) / made if made > 0 else None


def replacement_times(lifetime: float, until: float, first: float | None = None) -> list[float]:
    """Return when something is bought anew before `until`, in years from now.

    The first time is `first`, or after a lifetime where that is None.
    """
    at = lifetime if first is None else first
    count = max(0, math.ceil((until - at) / lifetime - 1e-9))
    return [at + step * lifetime for step in range(count)]


def present_value_of_replacements(rate: float, cost: float, lifetime: float, until: float) -> float:
    """Return what it is worth today to buy something anew after each lifetime, before `until`."""
    return math.fsum(cost * (1 + rate) ** -at for at in replacement_times(lifetime, until))


def depreciation(amount: float, years: int, method: Method = "straight_line") -> Flows:
    """Return how much of what was paid counts as a cost for taxes in each year after, shape (years,).

    ``straight_line`` gives equal parts. ``declining_balance`` gives ``2 / years`` of what is left, and equal parts as
    soon as these are more (double declining balance with a switch to straight line).
    """
    if years < 1:
        raise ValueError(f"what is depreciated takes at least one year, not {years}")
    left, parts = amount, []
    for year in range(years):
        straight = left / (years - year)
        part = straight if method == "straight_line" else max(left * min(1.0, 2 / years), straight, key=abs)
        parts.append(part)
        left -= part
    return np.asarray(parts, dtype=float)


def taxes(profits: Sequence[float], rate: float, losses: Literal["offset", "carried_forward"] = "offset") -> Flows:
    """Return the tax of each year; negative where a loss saves taxes on other profits of the company.

    With losses ``carried_forward`` a loss lowers later profits instead, and nothing is ever paid back.
    """
    if losses == "offset":
        return rate * np.asarray(profits, dtype=float)
    due, carried = [], 0.0
    for profit in profits:
        taxable = profit + carried
        carried = min(taxable, 0.0)
        due.append(rate * max(taxable, 0.0))
    return np.asarray(due, dtype=float)
