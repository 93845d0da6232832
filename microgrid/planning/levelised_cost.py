"""Levelised costs: what a kWh or a kg must be worth to pay for what made it, by asset and by bus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.carriers import HYDROGEN_LOWER_HEATING_VALUE
from microgrid.finance import levelised, net_present_value
from microgrid.planning.cash_flow import Case
from microgrid.planning.sheet import Sheet
from microgrid.plots.tracks import RELIEFS
from microgrid.results import Result

_SURPLUS = "bus "
_NOTHING = 1e-9
Array = NDArray[np.float64]


class Levelised(NamedTuple):
    """What one more way to count says of an amount: `of` is an asset or a bus."""

    of: str
    cost: float
    unit: str


class Spell(NamedTuple):
    """An operation, and how often its year counts in each year of the project, shape (years + 1,)."""

    result: Result
    counts: Array


def of_case(case: Case, years: int) -> tuple[list[Spell], dict[str, Array]]:
    """Return the one operation that stands for all years, and the share of each asset that ageing leaves in them."""
    always = np.concatenate([[0.0], np.ones(years)])
    left = {loss.asset: np.concatenate([[0.0], np.asarray(loss.left)]) for loss in case.losses}
    return [Spell(case.result, always)], left


def by_source(sheet: Sheet, spells: Sequence[Spell], left: Mapping[str, Array] | None = None) -> list[Levelised]:
    """Return the levelised cost of each asset that feeds one bus and draws from none, such as a roof's electricity.

    Its output declines with the share of it that is left.
    """
    found, made = [], dict[str, Array]()
    feeds: dict[str, set[str]] = {}
    draws: set[str] = set()
    for spell in spells:
        for asset, amounts in _amounts(spell.result).items():
            into = sum(amount.into for amount in amounts.values())
            made[asset] = made.get(asset, np.zeros(len(spell.counts))) + into * spell.counts
            feeds.setdefault(asset, set()).update(amounts)
            draws |= {asset for amount in amounts.values() if amount.out > _NOTHING}
    units = _units([spell.result for spell in spells])
    for asset, given in made.items():
        owned = [flows for (owner, _), flows in sheet.plan.items() if owner == asset]
        if len(feeds[asset]) > 1 or asset in draws or not owned:
            continue
        cost = levelised(sheet.rate, -np.sum(owned, axis=0), given * (left or {}).get(asset, 1.0))
        if cost is not None:
            found.append(Levelised(asset, cost, units[min(feeds[asset])]))
    return found


def by_bus(sheet: Sheet, spells: Sequence[Spell]) -> list[Levelised]:
    """Return what a kWh (or kg) drawn from each bus costs on average over the project's life.

    All present values go where the energy goes: an asset's own costs and what it draws are passed on to the buses that
    it feeds, in proportion to the energy it feeds them (hydrogen by its lower heating value); storages pass on what
    they store, and their losses make the rest dearer. A carbon price belongs to no asset and is left out. Amounts are
    those of each operation's year. One linear equation a bus, solved together, so that hydrogen from electricity and
    electricity from hydrogen may feed each other.
    """
    results = [spell.result for spell in spells]
    units, heat = _units(results), _heating_values(results)
    buses = list(units)
    place = {bus: at for at, bus in enumerate(buses)}
    worth = _worths(sheet)
    matrix, due = np.zeros((len(buses), len(buses))), np.zeros(len(buses))
    for asset, amounts in _present_amounts(sheet, spells).items():
        if asset.startswith(_SURPLUS):  # what leaves for nothing is not there to be paid for
            for bus, amount in amounts.items():
                matrix[place[bus], place[bus]] += amount.net
        fed = {bus: amount.into * heat[bus] for bus, amount in amounts.items() if amount.into > _NOTHING}
        for bus, energy in fed.items():
            share = energy / sum(fed.values())
            matrix[place[bus], place[bus]] += amounts[bus].net
            due[place[bus]] += share * worth.get(asset, 0.0)
            for source in set(amounts) - set(fed):
                matrix[place[bus], place[source]] += share * amounts[source].net
    costs = _solved(matrix, due)
    return [
        Levelised(bus, float(cost), units[bus]) for bus, cost in zip(buses, costs, strict=True) if np.isfinite(cost)
    ]


def _solved(matrix: Array, due: Array) -> Array:
    """Solve for the buses that something feeds; the others have no cost."""
    costs = np.full(len(due), np.nan)
    fed = np.flatnonzero(np.abs(matrix.diagonal()) > 1e-9)
    part = matrix[np.ix_(fed, fed)]
    if len(fed) and np.linalg.matrix_rank(part) == len(fed):
        costs[fed] = np.linalg.solve(part, due[fed])
    return costs


def _worths(sheet: Sheet) -> dict[str, float]:
    found: dict[str, float] = {}
    for (asset, _), flows in sheet.plan.items():
        found[asset] = found.get(asset, 0.0) - net_present_value(sheet.rate, flows)
    return found


class _Amount(NamedTuple):
    """What an asset puts into a bus and takes out of it in a year: kWh or kg."""

    into: float
    out: float

    @property
    def net(self) -> float:
        return self.into - self.out


def _present_amounts(sheet: Sheet, spells: Sequence[Spell]) -> dict[str, dict[str, _Amount]]:
    """Return the present values of what each asset puts into and takes out of each bus over all years."""
    found: dict[str, dict[str, _Amount]] = {}
    for spell in spells:
        worth = net_present_value(sheet.rate, spell.counts)
        for asset, amounts in _amounts(spell.result).items():
            for bus, amount in amounts.items():
                sofar = found.setdefault(asset, {}).get(bus, _Amount(0.0, 0.0))
                found[asset][bus] = _Amount(sofar.into + worth * amount.into, sofar.out + worth * amount.out)
    return found


def _amounts(result: Result) -> dict[str, dict[str, _Amount]]:
    """Return what each asset puts into and takes out of each bus; load that is not served is load that is not there."""
    years = float(result.manifest["horizon"]["years"])
    weighted = (result.steps["hours"] * result.steps["weight"]).to_numpy(dtype=float) / years
    found: dict[str, dict[str, _Amount]] = {}
    for (asset, port, bus), part in result.flows.groupby(["asset", "port", "bus"], observed=True, sort=False):
        rates = part["rate"].to_numpy(dtype=float)
        into, out = float(np.maximum(rates, 0.0) @ weighted), float(np.maximum(-rates, 0.0) @ weighted)
        if port in RELIEFS:
            into, out = 0.0, out - into
        sofar = found.setdefault(str(asset), {}).get(str(bus), _Amount(0.0, 0.0))
        found[str(asset)][str(bus)] = _Amount(sofar.into + into, sofar.out + out)
    return found


def _units(results: Sequence[Result]) -> Mapping[str, str]:
    """Return the unit of each bus's levelised cost."""
    stock = {"kW": "kWh", "kg/h": "kg"}
    currency = results[0].manifest["currency"]
    return {bus: f"{currency}/{stock[unit]}" for bus, unit in _pairs(results, "unit")}


def _heating_values(results: Sequence[Result]) -> dict[str, float]:
    """Return the kWh in each unit of a bus's carrier."""
    is_hydrogen = ((bus, carrier == "hydrogen") for bus, carrier in _pairs(results, "carrier"))
    return {bus: HYDROGEN_LOWER_HEATING_VALUE if hydrogen else 1.0 for bus, hydrogen in is_hydrogen}


def _pairs(results: Sequence[Result], column: str) -> Iterator[tuple[str, str]]:
    """Give each bus with what its flows say in a column."""
    for result in results:
        yield from result.flows[["bus", column]].astype(str).drop_duplicates().itertuples(index=False)
