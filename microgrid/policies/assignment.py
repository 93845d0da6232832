"""Which green energy electrolysers may count as theirs, from the frames alone.

Where a rule was enforced, the plan holds an assignment, which `findings` holds to what there was. Where it is only
checked, `worked_out` assigns what is generated first, then what a store holds of green energy, as early as it is
needed; it looks no further ahead, so it never counts too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.books import ABSOLUTE, RELATIVE, Finding
from microgrid.policies.measures import Measures, StoredPower

Array = NDArray[np.float64]


class Assigned(NamedTuple):
    """Green power of the electrolysers at each step: kW that emit nothing, kW of contracts that emit, and kg/h."""

    clean: Array
    contracted: Array
    emitted: Array

    @property
    def green(self) -> Array:
        """All of it, kW."""
        return self.clean + self.contracted


class Kept(NamedTuple):
    """The assignment that a plan holds for an enforced rule, in kW, and of each store, in kW and kWh.

    `contracted` is what each contract delivers to electrolysers whose own factor is above zero.
    """

    assigned: Array
    contracted: list[Array]
    exported: Array
    charged: list[Array]
    discharged: list[Array]
    stored: list[Array]


def green_power(measures: Measures, owner: str, matching: str) -> Assigned:
    """Return the green power assigned to the electrolysers at each step."""
    found, contracts = kept(measures, owner, matching), measures.emitting(matching)
    clean = worked_out(measures, matching) if found is None else found.assigned
    powers = _of_contracts(measures, matching, clean) if found is None else found.contracted
    nothing = np.zeros(len(clean))
    emitted = [power * contract.factor for power, contract in zip(powers, contracts, strict=True)]
    return Assigned(clean, np.sum([nothing, *powers], axis=0), np.sum([nothing, *emitted], axis=0))


def _of_contracts(measures: Measures, matching: str, clean: Array) -> list[Array]:
    """Return what contracts that emit may be assigned, the cleanest first, where they emit less than the rest."""
    left, found = measures.power("electricity_into_hydrogen") - clean, dict[str, Array]()
    counted, groups = measures.hours * measures.weights, labels(measures.time, matching)
    rest = measures.intensity if measures.intensity is not None else np.zeros(len(left))
    contracts = measures.emitting(matching)
    for contract in sorted(contracts, key=lambda each: float(each.factor.mean())):
        power = found[contract.name] = np.zeros(len(left))
        for steps in np.split(np.arange(len(left)), np.flatnonzero(np.diff(groups)) + 1):
            there = float((contract.power * counted)[steps].sum())
            for t in steps[np.argsort((contract.factor - rest)[steps], kind="stable")]:
                if contract.factor[t] < rest[t] and counted[t]:
                    power[t] = max(min(float(left[t]), there / counted[t]), 0.0)
                    there -= power[t] * counted[t]
        left = left - power
    return [found[contract.name] for contract in contracts]


def kept(measures: Measures, owner: str, matching: str) -> Kept | None:
    """Return the assignment that the plan holds under the name `owner`, or None."""
    states, stocks = measures.result.states, measures.result.stocks
    own = states[states["asset"].astype(str) == owner]
    if own.empty:
        return None
    by_name = {str(name): part["value"].to_numpy(dtype=float) for name, part in own.groupby("state", observed=True)}
    levels = stocks[stocks["asset"].astype(str) == owner]
    stored = {str(name): part["level"].to_numpy(dtype=float) for name, part in levels.groupby("stock", observed=True)}
    names = [store.asset for store in measures.stores]
    return Kept(
        by_name["green into hydrogen"],
        [by_name[f"{contract.name} into hydrogen"] for contract in measures.emitting(matching)],
        by_name["green exported"],
        [by_name[f"{name} charged green"] for name in names],
        [by_name[f"{name} discharged green"] for name in names],
        [stored[f"{name} green"] for name in names],
    )


def labels(time: pd.DatetimeIndex, matching: str) -> NDArray[np.int64]:
    """Return the number of the matching period of each step, on the local clock."""
    wall = time.tz_localize(None)
    shift = wall - time.tz_convert("UTC").tz_localize(None)
    keys = {"hour": (wall.floor("h") - shift).asi8, "month": time.year * 12 + time.month, "year": time.year}
    return np.asarray(pd.factorize(np.asarray(keys[matching]))[0], dtype=np.int64)


def worked_out(measures: Measures, matching: str) -> Array:
    """Return the green power that may be assigned, in kW, shape (n,)."""
    needed = measures.power("electricity_into_hydrogen")
    counted = measures.hours * measures.weights
    spare_discharge = [np.maximum(store.discharge - measures.rate("export"), 0.0) for store in measures.stores]
    fed = np.maximum(
        measures.rate("export") - sum((store.discharge for store in measures.stores), np.zeros(len(needed)))
        - measures.rate("generation"), 0.0
    )  # fmt: skip
    made = (measures.power("generation") - fed + measures.contracted_green(matching)) * counted
    groups, assigned = labels(measures.time, matching), np.zeros(len(needed))
    intensity = measures.intensity if measures.intensity is not None else np.zeros(len(needed))
    held = [0.0 for _ in measures.stores]
    for steps in np.split(np.arange(len(needed)), np.flatnonzero(np.diff(groups)) + 1):
        there = max(float(made[steps].sum()), 0.0)
        for t in steps[np.argsort(-intensity[steps], kind="stable")]:
            taken = min(float(needed[t] * counted[t]), there)
            there -= taken
            assigned[t] += taken / counted[t] if counted[t] else 0.0
        for t in steps if matching == "hour" else ():
            for k, store in enumerate(measures.stores):
                hours, weight = measures.hours[t], measures.weights[t]
                into = min(float(store.charge[t] * hours), there / weight if weight else 0.0)
                there -= into * weight
                lacking = float((needed[t] - assigned[t]) * hours)
                out = max(min(float(spare_discharge[k][t] * hours), lacking, held[k] * store.out_of), 0.0)
                assigned[t] += out / hours
                held[k] = _grown(store, held[k], into, out, hours, float(store.level[t + 1]))
    return assigned


def _grown(store: StoredPower, held: float, into: float, out: float, hours: float, level: float) -> float:
    kept_share = float((1.0 - store.loss) ** hours)
    return min(max(kept_share * held + store.into * into - out / store.out_of, 0.0), level)


def findings(measures: Measures, owner: str, matching: str) -> Iterator[Finding | None]:
    """Hold an assignment that the plan keeps to the energy there was, and its stores to their own balances."""
    found = kept(measures, owner, matching)
    if found is None:
        yield Finding(owner, "a rule is enforced, and nothing tells how it is met", float("nan"))
        return
    stores, hours = measures.stores, measures.hours
    needed = measures.power("electricity_into_hydrogen")

    def worst(statement: str, excess: Array, scale: float) -> Finding | None:
        at = int(np.argmax(excess))
        if excess[at] <= ABSOLUTE + RELATIVE * scale:
            return None
        when = measures.time[min(at, len(hours) - 1)].isoformat()
        return Finding(owner, statement, float(excess[at]), when)

    scale = float(max(np.abs(needed).max(), measures.rate("renewable").max(), 1.0))
    assigned = np.sum([found.assigned, *found.contracted], axis=0)
    yield worst("no more green energy is assigned than electrolysers draw", assigned - needed, scale)
    for contract, power in zip(measures.emitting(matching), found.contracted, strict=True):
        lacking = pd.Series((power - contract.power) * hours * measures.weights)
        of_period = lacking.groupby(labels(measures.time, matching)).sum().to_numpy(dtype=float)
        yield worst(f"{contract.name} delivers what is assigned of it", of_period, scale)
    for quantity in (
        found.assigned,
        *found.contracted,
        found.exported,
        *found.charged,
        *found.discharged,
        *found.stored,
    ):
        yield worst("green energy is nowhere below zero", -quantity, scale)
    fed = measures.rate("export") - measures.rate("generation")
    made = measures.power("generation") + measures.contracted_green(matching)
    used = found.assigned + found.exported
    for store, charged, discharged, stored in zip(stores, found.charged, found.discharged, found.stored, strict=True):
        yield worst(f"{store.asset} is charged with no more green energy than it is", charged - store.charge, scale)
        yield worst(f"{store.asset} gives no more green energy than it gives", discharged - store.discharge, scale)
        size = float(max(store.level.max(), 1.0))
        yield worst(f"{store.asset} holds no more green energy than it holds", stored - store.level, size)
        gain = hours * (store.into * charged - discharged / store.out_of)
        grown = stored[:-1] * (1.0 - store.loss) ** hours + gain
        yield worst(f"{store.asset} gives no green energy that it was not charged with", stored[1:] - grown, size)
        yield worst(f"{store.asset} begins with no green energy", stored[:1], size)
        fed = fed - (store.discharge - discharged)
        used, made = used + charged, made + discharged
    yield worst("exports are green but for what else can have fed them", fed - found.exported, scale)
    lacking = pd.Series((used - made) * hours * measures.weights).groupby(labels(measures.time, matching)).sum()
    yield worst("green energy is there when it is assigned", lacking.to_numpy(dtype=float), scale)
