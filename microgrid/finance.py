"""Money over time: pure functions, no plant."""

from __future__ import annotations

import math


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
