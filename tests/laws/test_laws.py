"""Laws that every technology keeps, whatever it is, on unequal steps that are not one hour.

Each law compares two plans that must cost the same, or one no more than the other. A test's name holds the technology.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from microgrid.capacity import Fixed, Sized
from microgrid.finance import annuity_factor
from microgrid.technologies import technologies
from microgrid.technologies.base import Technology
from tests.laws.cases import UNDECIDED, Case, Off, cases, nested_paths, sized_cases, with_capacity, without
from tests.laws.rules import Factors, UnruledFieldError, get, has, put, rules, scaled
from tests.laws.solving import base_cost, base_plan, cost_of, no_more_than, outcome_of, same
from tests.laws.surroundings import HOURS, Neighbour, halves, horizon, neighbours, surrounded, twice

K = 2.5

every_case = pytest.mark.parametrize("case", cases(), ids=str)
every_sized_or_not = pytest.mark.parametrize("case", [*cases(), *sized_cases()], ids=str)
every_fixed_capacity = pytest.mark.parametrize(
    ("case", "name"),
    [pytest.param(case, name, id=f"{case}-{name}") for case in cases() for name in case.asset.capacities()],
)


@pytest.mark.parametrize("kind", technologies())
def test_every_field_has_a_rule(kind: str) -> None:
    """A field that no rule scales would pass the laws of scale by not being scaled, and be forgotten."""
    assert all(ruled for _, ruled in rules(technologies()[kind]))


def test_a_field_without_a_unit_is_refused() -> None:
    """The walk over the fields must fail on what it does not know, or the test above shows nothing."""

    class Strange(Neighbour):
        colour: float = 1.0

    with pytest.raises(UnruledFieldError, match=r"Strange\.colour"):
        dict(rules(Strange))


@every_case
def test_the_asset_is_used(case: Case) -> None:
    """A law about an asset that stands idle holds for any model of it: every port must move at some step."""
    flows = base_plan(case).flows
    own = flows[flows["asset"] == "asset"]
    idle = [port for port, part in own.groupby("port", observed=True) if part["rate"].abs().max() < 1e-3]
    assert not own.empty
    assert not idle


@every_sized_or_not
@pytest.mark.parametrize("pressed", [False, True], ids=["", "negative prices"])
def test_the_plan_is_audited_clean_and_its_ledgers_make_up_the_objective(case: Case, pressed: bool) -> None:
    """A row that says something else than its claim shows in the audit; a cost outside the ledgers in the sum.

    With negative prices, a model without the binaries it needs would burn energy by charging and discharging at once.
    """
    plan = base_plan(case, pressed)
    objective = plan.manifest["outcome"]["objective"]
    assert plan.manifest["audit"]["findings"] == []
    assert plan.manifest["audit"]["checked"] > len(plan.claims["asset"])
    assert plan.costs["amount"].sum() == same(objective)
    assert sum(amount for name, amount in plan.manifest["costs"].items() if name != "cost") == same(objective)


@every_sized_or_not
def test_money_scales(case: Case) -> None:
    """With every price times k, the plan costs k times as much: a cost that forgot its price would stay as it was."""
    cost = cost_of(case.asset, case.asset, by=Factors(money=K))
    assert cost == same(K * base_cost(case))


@every_sized_or_not
def test_size_scales(case: Case) -> None:
    """With every kW, kWh, kg and cost per event times k, the plan costs k times as much.

    A constant in a row, a limit without its capacity or a big-M of its own would break this.
    """
    cost = cost_of(case.asset, case.asset, by=Factors(size=K))
    assert cost == same(K * base_cost(case))


NO_PEAKS = (Off("*", "demand_charge", None, "it is paid by the month, and a month has no weight"),)
NO_MONTHS = (
    *NO_PEAKS,
    Off("*", "capacity_charge", 0.0, "it is paid by the month, not by the step"),
)


@every_sized_or_not
def test_time_scales(case: Case) -> None:
    """On steps k times as long, with k times the kWh and hours and a k-th of the ramps, the plan costs k times as much.

    A flow that were counted without the step's hours would cost the same as before.
    """
    asset = without(case, NO_MONTHS)
    slow = horizon(tuple(K * length for length in HOURS))
    assert cost_of(asset, asset, slow, Factors(time=K)) == same(K * cost_of(asset, asset))


@every_sized_or_not
def test_weights_scale(case: Case) -> None:
    """Where every step counts w times, the plan costs w times as much.

    A line without its weight would count once, and investment must be paid for the years that the steps stand for. The
    months of weighted steps are parts of a year, so what is paid by the month scales from weighted to weighted.
    """
    asset = without(case, NO_MONTHS)
    once, several = (horizon(weights=(weight,) * len(HOURS)) for weight in (K, 2 * K))
    assert cost_of(asset, asset, once) == same(K * cost_of(asset, asset))
    asset = without(case, NO_PEAKS)
    assert cost_of(asset, asset, several) == same(2 * cost_of(asset, asset, once))


NOT_SPLIT = (
    Off("*", "self_discharge", 0.0, "a loss acts on the stock at a step's start, so shorter steps lose more exactly"),
    Off("*", "loss", 0.0, "a loss acts on the stock at a step's start, so shorter steps lose more exactly"),
    Off("*", "commitment.ramp_up", None, "between shorter steps less may change"),
    Off("*", "commitment.ramp_down", None, "between shorter steps less may change"),
    Off("*", "commitment.start_ramp", None, "it holds for the first step, and that is shorter"),
    Off("*", "commitment.stop_ramp", None, "it holds for the last step, and that is shorter"),
    Off("*", "ramp_up", None, "between shorter steps less may change"),
    Off("*", "ramp_down", None, "between shorter steps less may change"),
    Off("electrolyser", "cold_start.time", 0.0, "a start shares its step with live running, and that step is shorter"),
    Off("electrolyser", "warm_start.time", 0.0, "a start shares its step with live running, and that step is shorter"),
    Off("electrolyser", "cold_start.energy", 0.0, "without a time it is drawn in one step, and that is shorter"),
    Off("electrolyser", "warm_start.energy", 0.0, "without a time it is drawn in one step, and that is shorter"),
)


@every_case
def test_splitting_steps_changes_nothing(case: Case) -> None:
    """With each step cut in two halves alike, a linear plan costs the same: nothing depends on how time is cut.

    With on-off decisions it costs no more: whatever the whole steps did, their halves can do, but a unit may now switch
    in the middle. A cost or a stock that counted steps instead of hours would double.
    """
    asset = without(case, NOT_SPLIT)
    whole = outcome_of(surrounded(asset, neighbours(asset), horizon()))
    fine = horizon(halves(tuple(length / 2 for length in HOURS)))
    around = {name: twice(one) for name, one in neighbours(asset).items()}
    split = outcome_of(surrounded(twice(asset), around, fine))
    assert whole.is_proved
    assert split.is_proved
    if whole.integers == 0:
        assert split.objective == same(whole.objective)
    else:
        assert split.objective <= no_more_than(whole.objective)


def can_be_decided(case: Case) -> bool:
    """Tell whether the capacity may be a decision: a number of stacks, or what they did before, may forbid it."""
    return all(get(case.asset, path) == value for path, value in UNDECIDED.get(case.kind, {}).items())


@every_fixed_capacity
def test_a_size_pinned_to_c_costs_what_the_fixed_c_costs(case: Case, name: str) -> None:
    """Fixed and decided capacities are one formulation: bounds of the one are rows of the other."""
    amount = case.asset.capacities()[name].high
    fixed = with_capacity(case.asset, name, Fixed(amount=amount, opex=50.0))
    pinned = with_capacity(case.asset, name, Sized(low=amount, high=amount, opex=50.0))
    assert cost_of(pinned, pinned) == same(cost_of(fixed, fixed))


@every_fixed_capacity
def test_modules_that_make_up_c_cost_what_the_fixed_c_costs(case: Case, name: str) -> None:
    """Two modules of half the size are the whole: what counts units must count as many as there are."""
    amount, changes = case.asset.capacities()[name].high, UNDECIDED.get(case.kind, {})
    several = {"stacks": 2} if has(case.asset, "stacks") else {}
    fixed = put(case.asset, changes | several | {name: Fixed(amount=amount)})
    modules = put(case.asset, changes | {name: Sized(low=amount, high=amount, unit_size=amount / 2)})
    assert cost_of(modules, modules) == same(cost_of(fixed, fixed))


@every_fixed_capacity
def test_capex_is_paid_as_its_annuity_over_the_horizon(case: Case, name: str) -> None:
    """Between a pinned size and the fixed one lies its investment: capex * size * annuity * years, and no more.

    A model that paid the whole investment at once, or forgot the length of the horizon, would differ a thousandfold.
    """
    amount = case.asset.capacities()[name].high
    sized = Sized(low=amount, high=amount, capex=700.0, build_cost=90.0, lifetime=15.0, interest=0.05)
    pinned = with_capacity(case.asset, name, sized)
    paid = (700.0 * amount + 90.0) * annuity_factor(0.05, 15.0) * sum(HOURS) / 8760
    assert cost_of(pinned, pinned) - base_cost(case) == pytest.approx(paid, rel=1e-4, abs=1e-5)


NOT_AT_ZERO = (
    Off("grid_connection", "demand_charge.peak_so_far", 0.0, "a peak already measured is billed whatever follows"),
    Off("*", "commitment.on_before", False, "a unit that was on stands, and must stop at a cost"),
    Off("*", "commitment.hours_before", None, "a unit that was on stands, and must stop at a cost"),
    Off("*", "commitment.output_before", None, "a unit that gave something stands, and falls within its ramp"),
    Off("*", "power_before", None, "a unit that drew something stands, and falls within its ramp"),
)


@every_case
def test_nothing_of_it_is_as_if_it_were_not_there(case: Case) -> None:
    """With no capacity, or without one with no limit and demand, an asset moves nothing and costs nothing.

    A start, a standby draw or a minimum that forgot the capacity would still be paid.
    """
    asset = without(case, NOT_AT_ZERO)
    absent = cost_of(None, asset)
    names = list(asset.capacities())
    if not names:
        nothing = scaled(asset, Factors(size=0.0))
        assert cost_of(nothing, asset) == same(absent)
        return
    zeros: list[Fixed | Sized] = [Fixed(amount=0.0), Sized(low=0.0, high=0.0)]
    for zero in zeros:
        assert cost_of(put(asset, dict.fromkeys(names, zero)), asset) == same(absent)


@every_fixed_capacity
def test_one_zero_capacity_is_enough_to_stop_it(case: Case, name: str) -> None:
    """A store without power, or power without a store, earns nothing: a capacity that no row holds would.

    It may cost something, or be impossible: a store that cannot be filled cannot end as it began if it leaks.
    """
    asset = without(case, NOT_AT_ZERO)
    assert cost_of(with_capacity(asset, name, Fixed(amount=0.0)), asset) >= cost_of(None, asset) - 1e-5


@every_fixed_capacity
def test_a_wider_choice_of_size_never_costs_more(case: Case, name: str) -> None:
    """Whatever is best up to c is allowed up to 2c: a big-M that loosened, or a size taken by its bound, would show."""
    changes = UNDECIDED.get(case.kind, {})
    amount = case.asset.capacities()[name].high
    narrow, wide = (put(case.asset, changes | {name: Sized(low=0.0, high=high)}) for high in (amount, 2 * amount))
    assert cost_of(wide, wide) <= no_more_than(cost_of(narrow, narrow))


# Fields that limit what an asset may do, and how to loosen each; found by name wherever they stand.
LOOSER: dict[str, Callable[[Any], Any]] = {
    "import_limit": lambda limit: None if limit.highest > 0 else limit,
    "export_limit": lambda limit: None if limit.highest > 0 else limit,
    "limit": lambda _: None,
    "charge_limit": lambda limit: 2 * limit,
    "discharge_limit": lambda limit: 2 * limit,
    "minimum_load": lambda share: share / 2,
    "minimum_up": lambda hours: hours / 2,
    "minimum_down": lambda hours: hours / 2,
    "maximum_up": lambda hours: 2 * hours,
    "maximum_hours": lambda hours: 2 * hours,
    "maximum_starts": lambda count: count + 1,
    "ramp_up": lambda share: 2 * share,
    "ramp_down": lambda share: 2 * share,
    "start_ramp": lambda share: min(1.0, 1.5 * share),
    "stop_ramp": lambda share: min(1.0, 1.5 * share),
    "minimum_charge": lambda share: share / 2,
    "maximum_charge": lambda share: (1 + share) / 2,
    "minimum_fill": lambda share: share / 2,
    "maximum_fill": lambda share: (1 + share) / 2,
    "final_charge": lambda _: None,
    "final_fill": lambda _: None,
    "heat_rejection": lambda _: True,
    "sheddable": lambda share: (1 + share) / 2,
}
# Names that sound like limits and are none.
NOT_LOOSENED: dict[str, str] = {}


@every_case
def test_every_limit_is_loosened(case: Case) -> None:
    """A new field that is named like a limit belongs into the table of the next law, or is named as an exception."""
    names = {path.rpartition(".")[2] for path in nested_paths(case.asset)}
    sound_like_limits = {
        name for name in names if name.startswith(("minimum_", "maximum_")) or name.endswith(("limit", "ramp"))
    }
    assert sound_like_limits <= LOOSER.keys() | NOT_LOOSENED.keys()


def loosened() -> list[Any]:
    """Return every limit of every case."""
    return list(_loosened())


def _loosened() -> Iterator[Any]:
    for case in cases():
        for path in nested_paths(case.asset):
            name, value = path.rpartition(".")[2], get(case.asset, path)
            if (
                name in LOOSER
                and value is not None
                and value is not False
                and (case.kind, path) not in CURVE_FROM_MINIMUM
            ):
                yield pytest.param(case, path, id=f"{case}-{path}")


# A curve begins at the minimum load, so another minimum load is another curve.
CURVE_FROM_MINIMUM = {("electrolyser", "minimum_load")}


@pytest.mark.parametrize(("case", "path"), loosened())
def test_a_looser_limit_never_costs_more(case: Case, path: str) -> None:
    """What was allowed under the tighter limit still is: a limit with its sign turned round would cost more."""
    asset: Technology = put(case.asset, {path: LOOSER[path.rpartition(".")[2]](get(case.asset, path))})
    assert cost_of(asset, case.asset) <= no_more_than(base_cost(case))


# Stores by the field of their lowest mark: those of the highest, of the first and of the last share.
STORES = {
    "minimum_charge": ("maximum_charge", "initial_charge", "final_charge"),
    "minimum_fill": ("maximum_fill", "initial_fill", "final_fill"),
}
NO_LOSS = (
    Off("*", "self_discharge", 0.0, "what stays at the bottom leaks, too"),
    Off("*", "loss", 0.0, "what stays at the bottom leaks, too"),
)


@pytest.mark.parametrize("case", [case for case in cases() if STORES.keys() & nested_paths(case.asset)], ids=str)
def test_what_stays_at_the_bottom_of_a_store_does_not_matter(case: Case) -> None:
    """A store that is used between two marks is a smaller store that is used from empty to full.

    A row that took a share of the whole for a share of what is used, or the bottom with the wrong sign, would differ.
    """
    asset = without(case, NO_LOSS)
    (bottom,) = STORES.keys() & nested_paths(asset)
    top, first, last = STORES[bottom]
    (name,) = {"energy", "capacity"} & asset.capacities().keys()
    low, high = get(asset, bottom), get(asset, top) if has(asset, top) else 1.0
    used = high - low
    changes: dict[str, Any] = {bottom: 0.0, name: Fixed(amount=asset.capacities()[name].high * used)}
    changes |= {top: 1.0} if has(asset, top) else {}
    shares = {end: get(asset, end) for end in (first, last)}
    changes |= {end: (share - low) / used for end, share in shares.items() if share is not None}
    if has(asset, "wear.replacement_cost"):
        changes["wear.replacement_cost"] = get(asset, "wear.replacement_cost") / used
    smaller = put(asset, changes)
    assert cost_of(smaller, asset) == same(cost_of(asset, asset))


@every_case
def test_stocks_and_flows_are_numbers(case: Case) -> None:
    """A frame with a hole in it would pass sums that skip holes."""
    plan = base_plan(case)
    for frame, column in ((plan.flows, "rate"), (plan.stocks, "level"), (plan.states, "value"), (plan.costs, "amount")):
        assert np.isfinite(frame[column].to_numpy()).all()
