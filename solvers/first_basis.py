"""A basis to begin a long linear model with, put together from the optimal bases of stretches of its time.

The simplex method takes more steps for each hour of a year than for each hour of a month. Stretches are solved at once;
their bases together are a few steps from the optimum of the whole. Whatever they are, the optimum is the same.

A limit on all of the time has its price in all stretches (see `limit_price`). Sizes would be another in each stretch,
and bases that disagree about them fit together badly. So they are agreed on first (see `agreement`) and held there;
then the whole may move them, a little at first (a step bounded like that of Marsten, Hogan and Blankenship, Operations
Research 23 (1975) 389, in their BOXSTEP method).
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solvers.agreement import Agreement, agreed
from solvers.limit_price import price_limit
from solvers.linear import Array
from solvers.runs import Clock
from solvers.slicing import Mask, Places, Program
from solvers.stretches import Stretches, edges_of

STEP = 0.2
"""The share of a size that it may first move by; where it would go further, twice as much the next time."""
SHORT_STEP = 0.02
"""The same for sizes known to be nearly the best ones."""
STEPS = 8
"""How often sizes are moved before they are let go."""
TRIFLE = 0.02
"""The share of its range that a size may move by however small it is."""
NEAR = 1e-4
"""How near to the best cost sizes are agreed on before they are moved."""


@dataclass(frozen=True)
class Beginning:
    """What stretches tell of the whole: a basis, and sizes where there are any to agree on."""

    basis: Any
    agreement: Agreement | None = None


def first_basis(
    program: Program, times: Places, workers: int, clock: Clock, options: Mapping[str, object]
) -> Any | None:
    """Return a HiGHS basis of a linear program's columns and rows, or None where it is too short to be worth it.

    Parameters
    ----------
    times
        The place in time of each column, or NO_TIME, shape (columns,).
    workers
        How many stretches are solved at once.
    clock
        When to stop at the latest; the basis is then what is known of it.
    options
        HiGHS options.
    """
    known = beginning(program, times, workers, (clock, options), NEAR)
    return None if known is None else basis_of_moved(known, program)


def beginning(
    program: Program, times: Places, workers: int, how: tuple[Clock, Mapping[str, object]], near: float
) -> Beginning | None:
    """Return what stretches tell of a program, or None where it is too short to be worth it.

    Parameters
    ----------
    near
        How near to the best cost sizes are to be agreed on, as a share of it.
    """
    edges = edges_of(times)
    if edges is None:
        return None
    with ThreadPoolExecutor(workers) as pool:
        stretches = Stretches(program, times, edges, *how)
        stretches.solve(pool.map)
        is_limited = price_limit(stretches, pool.map)
        basis, sizes = stretches.joined(), stretches.sizes()
        if not len(sizes.columns):
            return Beginning(basis)
        stretches.hold(sizes)
        stretches.solve(pool.map)
        stretches.forget()
        if is_limited:
            basis = stretches.joined(sizes)
        if is_limited and not program.integer.any():
            # Sizes a little too small keep no such limit: the whole decides them itself.
            return Beginning(basis)
        return Beginning(basis, agreed(stretches, sizes, near, pool.map))


def basis_of_moved(known: Beginning, program: Program) -> Any:
    """Return a basis of the whole, at its optimum where there were sizes to agree on and all went well."""
    return known.basis if known.agreement is None else _moved(known.agreement, program) or known.basis


def _moved(agreement: Agreement, program: Program) -> Any | None:
    """Return an optimal basis of the whole, for sizes that move step by step; None where it cannot be had."""
    run, sizes = agreement.run, agreement.sizes
    low, high = program.low[sizes.columns], program.high[sizes.columns]
    share = SHORT_STEP if np.isfinite(agreement.bound) else STEP
    values, step = sizes.values, share * np.maximum(sizes.values - low, TRIFLE * (high - low))
    for _ in range(STEPS):
        lowest, highest = np.maximum(low, values - step), np.minimum(high, values + step)
        run.bound(sizes.columns, lowest, highest)
        found = run.solve()
        if not found.is_optimal or found.values is None:
            return None
        values = found.values[sizes.columns]
        is_held = _is_held(values, (lowest, highest), (low, high))
        if not is_held.any():
            break
        step = np.where(is_held, 2 * step, step)
    return run.solver.getBasis()


def _is_held(values: Array, step: tuple[Array, Array], bounds: tuple[Array, Array]) -> Mask:
    """Tell which values are as far as their step goes, and not at bounds of their own."""
    trifle = 1e-6 * (bounds[1] - bounds[0])
    below = (values <= step[0] + trifle) & (step[0] > bounds[0] + trifle)
    above = (values >= step[1] - trifle) & (step[1] < bounds[1] - trifle)
    held: NDArray[np.bool_] = below | above
    return held
