"""The price of a limit on all of the time, as of a year's emissions: what stretches that know no limit keep it by.

Stretches leave out rows that reach beyond them. Where such a row is broken by what they do, their bases are far from
the optimum: at a price at which they just keep it together, they are near.
"""

from __future__ import annotations

import math

from solvers.stretches import Map, Stretches

MOST = 12
"""How many prices are tried at most."""
NEAR = 0.03
"""How near to its limit a row is to come, as a share of how far it was beyond; or a price to its neighbour."""
FACTOR = 4.0
"""How many times as much is tried next, until the limit is kept."""
TRIFLE = 1e-6
"""The share of what a row comes to by which it may be beyond its limit."""
_FIRST = 0.1  # of what all costs, for all that the row comes to


def price_limit(stretches: Stretches, at_once: Map) -> bool:
    """Solve stretches again where they break a limit together, at a price at which they just keep it; tell whether.

    Of several limits the one that is broken most, beside what it comes to, gets a price.
    """
    broken = [each for row in stretches.limits for each in [_broken(stretches, int(row))] if each is not None]
    if not broken:
        return False
    _, row, bound, excess = max(broken)
    sign, low, high = math.copysign(1.0, excess), (0.0, abs(excess)), (math.inf, math.nan)
    price = _FIRST * stretches.cost / max(abs(bound + excess), 1e-9)
    for _ in range(MOST if price > 0 else 0):
        stretches.price(row, sign * price)
        stretches.solve(at_once)
        left = sign * (stretches.reach(row) - bound)
        if abs(left) <= NEAR * abs(excess) or stretches.clock.is_over:
            break
        # Where a price leaves a stretch without a plan, as what it is paid for has no end, it is too high.
        low, high = ((price, left), high) if left > 0 else (low, (price, left))
        if math.isfinite(high[0]) and high[0] - low[0] <= NEAR * high[0]:
            break
        price = _between(low, high)
    return price > 0


def _broken(stretches: Stretches, row: int) -> tuple[float, int, float, float] | None:
    """Return how far a row is broken: beside what it comes to, with the row, its bound, and what is beyond it."""
    reached, program = stretches.reach(row), stretches.program
    for bound, sign in ((program.row_high[row], 1.0), (program.row_low[row], -1.0)):
        excess = reached - bound
        if sign * excess > TRIFLE * max(1.0, abs(reached)):
            return abs(excess) / max(1.0, abs(reached)), row, float(bound), float(excess)
    return None


def _between(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Return the price to try next: where a straight line from one side to the other meets the limit."""
    if math.isinf(high[0]):
        return FACTOR * low[0]
    share = 0.5 if math.isnan(high[1]) else low[1] / (low[1] - high[1])
    return low[0] + min(max(share, 0.1), 0.9) * (high[0] - low[0])
