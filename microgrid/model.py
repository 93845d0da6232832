"""assemble(): the only place where assets meet. One balance per bus, one objective out of the two ledgers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray

from microgrid.capacity import Fixed, Size, Sized
from microgrid.claims import Between, Charge, Claim, Means
from microgrid.kept_commitments import kept_claims, write_kept
from microgrid.ledger import Ledger
from microgrid.one_window import window_claims, write_window
from microgrid.passing_through import keep_from_passing
from microgrid.plant import Objective, Plant
from microgrid.policies.enforcing import enforce
from microgrid.policies.quantities import Quantities
from microgrid.technologies.base import Contribution, Cost, Flow, Operation, Technology, make_operation

# Share of a goal that nothing may be bought with, but without which a solver's tolerances would leave it no plan.
_SETTLED = 1e-6
NO_LIMIT = 1e18
"""A limit that binds nothing, in any currency or unit, and is a row all the same: rows are as many from a study's first
solve on. To HiGHS only 1e20 would be infinite."""


class Values(Protocol):
    """A plan's numbers, as a solver gives them."""

    def along(self, rule: Callable[..., Any], index_set: Any = None) -> NDArray[np.float64]:
        """Return the value of ``rule(i)`` for every index of a set; of ``rule()`` without one."""

    def dual(self, constraint: Any) -> NDArray[np.float64] | None:
        """Return the duals of a constraint along its index, or None where there are none."""


@dataclass(frozen=True, eq=False)
class Model:
    """A plant written as a Pyomo model, with what is needed to read a plan back out of it.

    Parameters
    ----------
    pyomo
        The ConcreteModel, whose active objective is the first goal; or the block of one that holds several plants.
    sizes
        Capacities by asset and field.
    contributions
        What each asset contributed; a bus with surplus contributes under the name ``bus <name>``.
    """

    plant: Plant
    pyomo: Any
    operation: Operation
    sizes: Mapping[str, Mapping[str, Size]]
    contributions: Mapping[str, Contribution]
    ledger: Ledger

    @property
    def goals(self) -> tuple[str, ...]:
        """The columns to minimise in turn: those asked for, and what makes a plan of them that one would follow.

        Where anything but money as a whole comes first, serving the load comes before it. Cost comes last in any case:
        the cheapest among the best, so that peaks and purchases are no higher than they need be.
        """
        asked = self.plant.objective.goals
        can_leave_unserved = any(line.cost.category == "unserved" for line in self.ledger.costs)
        first = ("unserved",) if asked[0] not in ("cost", "unserved") and can_leave_unserved else ()
        last = () if asked[-1] == "cost" else ("cost",)
        return (*first, *(goal for goal in asked if goal not in first), *last)

    @property
    def asked(self) -> str:
        """The last goal that was asked for."""
        return self.plant.objective.goals[-1]

    @property
    def along_time(self) -> tuple[Any, ...]:
        """The sets of steps and points that its components run along."""
        return (self.operation.steps, self.operation.later, self.operation.points)

    def aim(self, column: str) -> None:
        """Make a ledger column the objective."""
        aim_at(self.pyomo, lambda: self.ledger.column(column))

    def total(self, values: Values, column: str) -> float:
        """Return what a ledger column amounts to in a plan."""
        return float(values.along(lambda: self.ledger.column(column))[0])

    def hold(self, column: str, reached: float) -> None:
        """Let a ledger column rise no higher than what it reached, and the slack that the objective grants.

        What was asked for last gives way to nothing but a goal that nobody asked for by name: where cost has had its
        turn already, its second turn may spend no slack of it.
        """
        highest = highest_held(self.plant.objective, column, reached)
        self.pyomo.add_component(f"{column}_held", at_most(lambda: self.ledger.column(column), highest))

    def limit(self, column: str, highest: float) -> None:
        """Keep a ledger column below a limit, in place of an earlier one: the rows stay as many and in their order."""
        name = f"{column}_limited"
        if hasattr(self.pyomo, name):
            self.pyomo.del_component(name)
        self.pyomo.add_component(name, at_most(lambda: self.ledger.column(column), highest))

    def forget_objective(self) -> None:
        """Take out the goal, and the rows that keep columns of the ledgers below something."""
        for kind in (pyo.Objective, pyo.Constraint):
            for component in list(self.pyomo.component_objects(kind, descend_into=False)):
                self.pyomo.del_component(component)

    def claims(self) -> dict[str, list[Claim]]:
        """Return what the plan will say of itself, by asset."""
        found = {
            name: _with_roles(
                asset,
                [
                    *asset.claims(self.operation),
                    *self._capacity_claims(asset),
                    *window_claims(self.plant, name),
                    *kept_claims(self.plant, name),
                ],
            )
            for name, asset in self.plant.assets.items()
        }
        return {name: claims for name, claims in found.items() if claims}

    def _capacity_claims(self, asset: Technology) -> Iterator[Claim]:
        rate = self.plant.discount_rate
        for name, capacity in asset.capacities().items():
            if isinstance(capacity, Fixed):
                yield Between(f"{name} as given", ((name, 1.0),), capacity.amount, capacity.amount)
            else:
                yield from _size_claims(name, capacity)
                if capacity.yearly_capital(rate):
                    yield Charge("costs", f"{name} capital", ((name, capacity.yearly_capital(rate)),), "year")
                if capacity.build_cost:
                    each = capacity.yearly_building(rate)
                    yield Charge("costs", f"{name} building", ((f"{name}_built", each),), "year")
            if capacity.opex:
                yield Charge("costs", f"{name} upkeep", ((name, capacity.opex),), "year")


def _with_roles(asset: Technology, claims: list[Claim]) -> list[Claim]:
    """Add what flows are to rules and contracts, where the asset says no more of them than that."""
    told = {claim.quantity for claim in claims if isinstance(claim, Means)}
    return claims + [Means(port, role) for port, role in asset.roles().items() if port not in told]


def assemble(plant: Plant, earlier: Model | None = None) -> Model:
    """Write a plant as a Pyomo model.

    Parameters
    ----------
    plant
        The plant.
    earlier
        A model that has served: where its plant has the same rows, they are taken over and `earlier` is of no more use.
    """
    if earlier is None or not plant.has_rows_of(earlier.plant):
        written = _written(plant, pyo.ConcreteModel(name="plant"))
    else:
        earlier.forget_objective()
        written = replace(earlier, plant=plant, ledger=earlier.ledger.under(plant.objective))
    _price_and_cap(written)
    written.aim(written.goals[0])
    return written


def write_plant(plant: Plant, block: Any) -> Model:
    """Write a plant on a block, without an objective: a model may hold several of them, such as stages or futures."""
    written = _written(plant, block)
    _price_and_cap(written)
    return written


def _written(plant: Plant, block: Any) -> Model:
    """Write what does not depend on prices of carbon, nor on caps."""
    block.size = pyo.Block(list(plant.assets))
    sizes = {
        name: {key: declare_size(block.size[name], key, capacity) for key, capacity in asset.capacities().items()}
        for name, asset in plant.assets.items()
    }
    _keep_within_areas(plant, block, sizes)
    block.operation = pyo.Block()
    operation, contributions, ledger = _operate(plant, block.operation, sizes)
    for name, asset in plant.assets.items():
        ledger.add(name, _capital(plant, block.size[name], asset, sizes[name]))
    _certify(block, operation, plant, contributions)
    keep_from_passing(block.site, operation, plant, contributions, sizes)
    block.policy = pyo.Block(list(dict.fromkeys(bound.policy for bound in plant.bounds)))
    contributions |= enforce(block.policy, plant.bounds, Quantities(plant, operation, contributions, ledger))
    return Model(plant, block, operation, sizes, contributions, ledger)


def _price_and_cap(written: Model) -> None:
    """Write what prices of carbon and caps add."""
    written.ledger.price_carbon()
    for column, highest in written.plant.objective.caps.items():
        row = at_most(lambda c=column: written.ledger.column(c), highest)  # type: ignore[misc]
        written.pyomo.add_component(f"{column}_within_cap", row)


def _certify(model: Any, operation: Operation, plant: Plant, contributions: Mapping[str, Contribution]) -> None:
    """Let certificates be issued for no more than renewable sources feed at the same step: a store makes none."""
    certified = [rate for contribution in contributions.values() for rate in contribution.certified]
    made = [
        flow.rate
        for name, asset in plant.assets.items()
        for flow in contributions[name].flows
        if asset.roles().get(flow.port) == "renewable"
    ]
    model.green = pyo.Block()
    if certified:

        def certified_within_generation(_b: Any, t: Any) -> Any:
            return sum([rate(t) for rate in certified]) <= sum([rate(t) for rate in made])

        model.green.certified_within_generation = pyo.Constraint(operation.steps, rule=certified_within_generation)


def _size_claims(name: str, capacity: Sized) -> Iterator[Claim]:
    if capacity.has_build_decision:
        built = f"{name}_built"
        yield Between(f"{name} only if built", ((name, 1.0), (built, -capacity.high)), high=0.0)
        yield Between(f"{name} large enough if built", ((name, 1.0), (built, -capacity.low)), low=0.0)
    else:
        yield Between(f"{name} within its bounds", ((name, 1.0),), capacity.low, capacity.high)
    if capacity.unit_size is not None:
        yield Between(f"{name} of whole modules", ((name, 1.0), (f"{name}_modules", -capacity.unit_size)), 0.0, 0.0)


def aim_at(model: Any, amount: Callable[[], Any]) -> None:
    """Make an amount the objective of a Pyomo model, in place of an earlier one."""
    if hasattr(model, "goal"):
        model.del_component("goal")
    model.goal = pyo.Objective(rule=lambda _m: amount(), sense=pyo.minimize)


def highest_held(objective: Objective, column: str, reached: float) -> float:
    """Return how high a ledger column may rise above what it reached, while later goals are minimised."""
    is_settled = column == objective.goals[-1] and "cost" in objective.goals
    slack = min(objective.slack, _SETTLED) if is_settled else objective.slack
    return reached + slack * abs(reached) + 1e-9


def at_most(amount: Callable[[], Any], highest: float) -> Any:
    """Return the row that keeps an amount below a limit; one without variables holds or does not."""
    limit = float(highest)  # one that remembers its gas is no number to Pyomo

    def within_limit(_model: Any) -> Any:
        found = amount()
        if isinstance(found, int | float):
            return pyo.Constraint.Feasible if found <= limit else pyo.Constraint.Infeasible
        return found <= limit

    return pyo.Constraint(rule=within_limit)


def _operate(
    plant: Plant, block: Any, sizes: Mapping[str, Mapping[str, Size]]
) -> tuple[Operation, dict[str, Contribution], Ledger]:
    """Write one operation of the plant on a block: its assets and its balances, on capacities given from outside."""
    operation = make_operation(block, plant.timeline, pressed_buses(plant), plant.objective.goals[0] == "cost")
    ledger = Ledger(operation, plant.objective, plant.accounting)
    block.asset = pyo.Block(list(plant.assets))
    contributions: dict[str, Contribution] = {}
    for name, asset in plant.assets.items():
        contribution = asset.build(block.asset[name], operation, sizes[name])
        kept = write_kept(block.asset[name], operation, contribution, plant, name)
        contributions[name] = contribution._replace(states={**contribution.states, **kept.states})
        ledger.add(name, contribution.costs, contribution.emissions)
        ledger.add(name, [*write_window(block.asset[name], operation, contribution, plant, name), *kept.costs])
    block.bus = pyo.Block(list(plant.buses))
    for name, bus in plant.buses.items():
        if bus.surplus:
            block.bus[name].surplus = pyo.Var(operation.steps, dense=False, within=pyo.NonNegativeReals)
            surplus = block.bus[name].surplus
            contributions[f"bus {name}"] = Contribution([Flow("surplus", name, lambda t, v=surplus: -v[t])])  # type: ignore[misc]
        _balance(block.bus[name], operation, [f for c in contributions.values() for f in c.flows if f.bus == name])
    return operation, contributions, ledger


def _balance(block: Any, operation: Operation, flows: list[Flow]) -> None:
    """Write the balance of a bus: what flows in flows out, at every step."""
    if not flows:
        return

    def balance(_b: Any, t: Any) -> Any:
        total = sum([flow.rate(t) for flow in flows])
        return pyo.Constraint.Feasible if isinstance(total, int | float) and total == 0 else total == 0

    block.balance = pyo.Constraint(operation.steps, rule=balance)


def declare_size(block: Any, name: str, capacity: Fixed | Sized) -> Size:
    """Declare a capacity: a number, or a variable with its modules and its decision to build."""
    if isinstance(capacity, Fixed):
        return Size(capacity.amount, capacity.amount)
    low = 0.0 if capacity.has_build_decision else capacity.low
    size = pyo.Var(bounds=(low, capacity.high))
    block.add_component(name, size)
    modules = None
    if capacity.unit_size is not None:
        modules = pyo.Var(within=pyo.NonNegativeIntegers, bounds=(0, int(capacity.high / capacity.unit_size + 1e-9)))
        block.add_component(f"{name}_modules", modules)
        block.add_component(f"{name}_of_modules", pyo.Constraint(expr=size == capacity.unit_size * modules))
    if capacity.has_build_decision:
        built = pyo.Var(within=pyo.Binary)
        block.add_component(f"{name}_built", built)
        block.add_component(f"{name}_only_if_built", pyo.Constraint(expr=size <= capacity.high * built))
        if capacity.low > 0:
            block.add_component(f"{name}_least_if_built", pyo.Constraint(expr=size >= capacity.low * built))
    return Size(size, capacity.high, modules, capacity.unit_size)


def _keep_within_areas(plant: Plant, model: Any, sizes: Mapping[str, Mapping[str, Size]]) -> None:
    """Let all capacities together take no more of a roof or of land than the site has."""
    model.site = pyo.Block()
    for place, most in plant.areas.items():
        taken = [each * sizes[asset][name].amount for asset, name, each in plant.takes(place)]
        if taken and not isinstance(sum(taken), int | float):
            model.site.add_component(f"{place}_within_area", pyo.Constraint(expr=sum(taken) <= most))


def _capital(plant: Plant, block: Any, asset: Technology, sizes: Mapping[str, Size]) -> Iterator[Cost]:
    """Return what the capacities of an asset cost over the horizon: annuities and upkeep, by the part of a year."""
    years, rate = plant.timeline.years, plant.discount_rate
    for name, capacity in asset.capacities().items():
        amount = sizes[name].amount
        if isinstance(capacity, Sized):
            each, whole = capacity.yearly_capital(rate) * years, capacity.yearly_building(rate) * years
            if each:
                yield Cost(f"{name} capital", "capital", lambda _, c=each, a=amount: c * a)  # type: ignore[misc]
            if capacity.build_cost:
                built = getattr(block, f"{name}_built", 1.0)
                yield Cost(f"{name} building", "capital", lambda _, c=whole, b=built: c * b)  # type: ignore[misc]
        if capacity.opex:
            yield Cost(f"{name} upkeep", "fixed", lambda _, c=capacity.opex * years, a=amount: c * a)  # type: ignore[misc]


def pressed_buses(plant: Plant) -> frozenset[str]:
    """Return the buses on which energy may be worth nothing or less.

    An asset that can overfill a bus presses it; a converter passes the pressure on from the bus it draws from to the
    buses it feeds. A bus whose surplus may leave for nothing can be worth nothing.
    """
    pressed = {name for name, bus in plant.buses.items() if bus.surplus}
    for asset in plant.assets.values():
        pressed |= asset.presses()
    passes = [(source, target) for asset in plant.assets.values() for source, target in _conversions(asset)]
    while True:
        reached = {target for source, target in passes if source in pressed} - pressed
        if not reached:
            return frozenset(pressed)
        pressed |= reached


def _conversions(asset: Technology) -> Iterator[tuple[str, str]]:
    marked = asset.buses().values()
    for source, source_mark in marked:
        for target, target_mark in marked:
            if source != target and source_mark.direction == "in" and target_mark.direction == "out":
                yield source, target
