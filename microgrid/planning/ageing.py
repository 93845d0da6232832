"""What ageing costs: the operation computed anew with a capacity as small as it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from microgrid.errors import MicrogridError
from microgrid.planning.cash_flow import Loss, yearly_costs
from microgrid.planning.purchases import left_of_life
from microgrid.planning.variants import pinned
from microgrid.plant import Plant
from microgrid.results import Result
from microgrid.running import NoPlanError

Solve = Callable[[Plant], Result]


class AgedError(MicrogridError):
    """A plant that its ageing leaves without a plan."""


def losses(plant: Plant, result: Result, years: int, solve: Solve) -> Iterator[Loss]:
    """Give what each capacity that ages changes, one at a time.

    The operation is computed for the least that is left of a capacity; years in between count in proportion to what is
    lost. For a linear plant without integers the cost of a year is convex in each capacity, so that this proportion
    counts no year's loss too low. What two capacities lose together is taken as the sum of both.

    Raises
    ------
    AgedError
        If there is no plan with what is left.
    """
    for name, asset in plant.assets.items():
        for key, capacity in asset.capacities().items():
            left = left_of_life(plant, name, key, years)
            if not capacity.degradation or min(left) >= 1.0 or result.sizes[name][key] <= 0:
                continue
            yield _loss(plant, result, (name, key), left, solve)


def _loss(plant: Plant, result: Result, where: tuple[str, str], left: list[float], solve: Solve) -> Loss:
    least = min(left)
    try:
        aged = solve(pinned(plant, result.sizes, {where: least}))
    except NoPlanError as error:
        name = ".".join(where)
        raise AgedError(
            f"when {name} has aged to {least:.1%} of its capacity, no plan meets all limits ({error})\n"
            f"   let other capacities be larger, replace it earlier, or lower assets.{name}.degradation"
        ) from error
    before, after = yearly_costs(result), yearly_costs(aged)
    changed = {key: after.get(key, 0.0) - before.get(key, 0.0) for key in {**before, **after}}
    # The upkeep of what has aged is still that of the whole.
    costs = {key: amount for key, amount in changed.items() if key[1] != "fixed"}
    years = float(result.manifest["horizon"]["years"])
    emitted = {
        column: (aged.manifest["emissions"][column] - amount) / years
        for column, amount in result.manifest["emissions"].items()
    }
    return Loss(*where, tuple(left), least, costs, emitted)
