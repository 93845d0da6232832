"""What each number of a scenario does to the arrays of a model that cannot be met: which of them may be a cure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from microgrid.compiled import Compiled
from microgrid.errors import MicrogridError
from microgrid.levers import Lever, levers
from microgrid.plant import Plant
from microgrid.technologies.production_load import ProductionLoad
from solvers.change import Slopes, relief, slopes, touches
from solvers.infeasible import TOLERANCE, Clock, Shortfall

_STEP = 0.01


@dataclass(frozen=True, eq=False)
class Pull:
    """A lever, and what it does to the arrays.

    `slopes` is None where moving it changes what rows there are; `relief` is by how much the shortfall falls with each
    unit of it, nan where that is not known.
    """

    lever: Lever
    slopes: Slopes | None
    relief: float
    touches: bool


def pulls(case: Compiled, short: Shortfall, clock: Clock) -> tuple[list[Pull], bool]:
    """Return every lever that may have to do with a shortfall, and whether there was time to look at all of them.

    With the relaxation's certificate, what moves none of the limits it leans on cannot cure it, nor can what moves them
    the other way: neither is returned. What a machine makes of its input is no lever: it is what it is.
    """
    found: list[Pull] = []
    owners = _leaning(case, short)
    for lever in levers(case.plant):
        if lever.is_price or lever.is_physics or (lever.asset and lever.asset not in owners):
            continue
        if clock.left < clock.seconds / 2:
            return found, False
        pull = _pull(case, short, lever)
        if pull is not None:
            found.append(pull)
    return found, True


def _leaning(case: Compiled, short: Shortfall) -> set[str]:
    """Return the assets that a shortfall can have to do with: those whose limits it leans on, and all loads."""
    if not short.is_relaxed:
        return set(case.plant.assets)
    parts = [(part, short.row_dual) for part in case.rows] + [(part, short.column_dual) for part in case.columns]
    owners = {part.owner for part, dual in parts if (abs(dual[part.span]) > TOLERANCE).any()}
    return owners | {name for name, asset in case.plant.assets.items() if isinstance(asset, ProductionLoad)}


def _pull(case: Compiled, short: Shortfall, lever: Lever) -> Pull | None:
    moved = moved_a_little(lever)
    if moved is None:
        return None
    step, plant = moved
    try:
        found = slopes(case.matrix, Compiled.of(plant).matrix, step)
    except MicrogridError:
        return None
    if found is None:
        return Pull(lever, None, math.nan, False)
    if found.are_zero:
        return Pull(lever, None, math.nan, False) if _leaps(lever) else None
    is_touched = touches(short, found)
    if short.is_relaxed and not is_touched:
        return None
    return Pull(lever, found, relief(short, found), is_touched)


def _leaps(lever: Lever) -> bool:
    """Tell whether a small step of a field may mean nothing though a large one does.

    Hours count by whole steps; a cap on what is a mere number holds or does not.
    """
    return lever.unit == "h" or lever.is_whole or lever.keys[0] == "objective"


def moved_a_little(lever: Lever) -> tuple[float, Plant] | None:
    """Return a small step of a lever and the plant with it, up if the field may, else down; None if neither."""
    step = 1.0 if lever.is_whole else lever.step or _STEP * abs(lever.value) or (_STEP if lever.unit == "1" else 1.0)
    for signed in (step, -step):
        plant = lever.at(lever.value + signed)
        if plant is not None:
            return signed, plant
    return None
