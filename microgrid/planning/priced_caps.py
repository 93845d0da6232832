"""Caps on a whole horizon as prices: what one window after the other can follow, as it knows but a part of the time.

At the price that a cap has in the plan that keeps it, its dual, whoever pays for emissions does best with what the cap
allows. Nobody pays that price: it decides, and is taken out of the money again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from microgrid.accounts import EMISSION_COLUMNS
from microgrid.errors import InputError, Problem
from microgrid.factors import counted_gas
from microgrid.results import Result
from microgrid.scenario import Scenario

_LINE = "{} priced"


def cap_prices(scenario: Scenario, result: Result) -> dict[str, float]:
    """Return what a kg of each capped column is worth in a plan, in currency.

    Raises
    ------
    InputError
        If a cap bounds money, or its price is not known, as where a solver gives no duals.
    """
    prices, problems = {}, []
    for column, told in (result.manifest.get("caps") or {}).items():
        place, where = scenario.document.place(("objective", "caps", column)), f"objective.caps.{column}"
        if column not in EMISSION_COLUMNS:
            wanted = "a cap on emissions, which a price can stand for in the operation"
            problems.append(Problem(where, f"a cap on {column}", wanted, "", place))
        elif told["worth"] is None:
            wanted = "a solver that tells duals, so that a price can stand for it"
            problems.append(Problem(where, "a cap whose price is not known", wanted, "use highs", place))
        else:
            prices[column] = told["worth"]
    if problems:
        raise InputError(problems)
    return prices


def in_place_of_caps(scenario: Scenario, prices: Mapping[str, float]) -> dict[str, str]:
    """Return overrides that give emissions these prices on top of the scenario's, and take its caps away."""
    if not prices:
        return {}
    objective, found = scenario.plant.objective, {"objective.caps": "null"}
    for column, price in prices.items():
        gas = counted_gas(objective.caps[column]) or "CO2e"
        field = "objective.carbon_price" if column == "emissions" else f"objective.carbon_prices.{column}"
        found[field] = f"{price + own_price(scenario, column):.12g} {scenario.plant.currency}/kg{gas}"
    return found


def own_price(scenario: Scenario, column: str) -> float:
    """Return the price that a scenario itself gives a column of the carbon ledger."""
    objective = scenario.plant.objective
    return float(objective.carbon_price if column == "emissions" else objective.carbon_prices.get(column, 0.0))


def without_cap_prices(result: Result, scenario: Scenario, prices: Mapping[str, float]) -> Result:
    """Return a result whose money knows no prices in place of caps: for sheets, as its claims still do."""
    costs = result.costs
    if not prices or costs.empty:
        return result
    amounts = costs["amount"].to_numpy(dtype=float).copy()
    for column, price in prices.items():
        own = own_price(scenario, column)
        if price + own > 0:
            is_priced = (costs["line"].astype(str) == _LINE.format(column)).to_numpy()
            amounts[is_priced] *= own / (price + own)
    return replace(result, costs=costs.assign(amount=amounts))
