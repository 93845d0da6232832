"""The footprint of products: what the energy of each production batch emitted over its life cycle, hour by hour.

From a plan's frames alone, by the mix of every step (`origins`): what leaves a bus takes the bus's mix, stores give
out what they were filled with, losses raise what is left, exports take their part with them. So what batches, common
energy, exports and stocks hold is what the sources gave: nothing is lost and nothing counts twice.

Two numbers are told side by side: the emissions of the hours in which a batch was made, and those of the period's
average. All batches of the same hour get the same mix; green hours cannot be picked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from microgrid.carriers import CARRIERS, energy_per_unit
from microgrid.energy_parts import Array, Port
from microgrid.errors import InputError, Problem, nearest
from microgrid.origins import BEFORE, Carried, Origins, Source, origins
from microgrid.results import Result

REST = "common"
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Batch:
    """A production batch.

    Parameters
    ----------
    name, product
        What it is called, and what it is.
    mass
        Output, kg.
    loads
        The loads that made it: assets of the plan.
    start, end
        When they did.
    place
        File and line, for messages.
    meter
        Power of its own sub-line at each step, kW, shape (n,), where it was metered; else None.
    """

    name: str
    product: str
    mass: float
    loads: tuple[str, ...]
    start: pd.Timestamp
    end: pd.Timestamp
    place: str = ""
    meter: Array | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Footprint:
    """The emissions of batches, and all that they are a part of.

    Parameters
    ----------
    batches
        By batch and load: batch, product, mass, load, carrier, energy [kWh], and kgCO2e by the hours (emissions) and
        by the period's average (average); the rows of ``common`` hold what no batch was made with.
    balance
        kgCO2e by what gave or got it: each source above zero; batches, common energy, exports and losses, change of
        stocks below.
    factors
        By source: name, kgCO2e/kWh (its mean), where it stands, how well it is known.
    """

    batches: pd.DataFrame
    balance: pd.DataFrame
    factors: pd.DataFrame

    @property
    def imbalance(self) -> float:
        """What sources gave less what was made of it, relative to what they gave."""
        given = float(self.balance.loc[self.balance["amount"] > 0, "amount"].sum())
        return abs(float(self.balance["amount"].sum())) / max(given, 1e-9)

    def products(self) -> pd.DataFrame:
        """Return the batches with all their loads together, and kgCO2e per kg of product by both ways."""
        own = self.batches[self.batches["batch"] != REST]
        sums = own.groupby(["batch", "product", "mass"], sort=False)[["energy", "emissions", "average"]].sum()
        table = sums.reset_index()
        for column in ("emissions", "average"):
            table[f"{column}_per_kg"] = table[column] / table["mass"]
        return table


def footprint(
    result: Result, batches: Sequence[Batch], factors: Mapping[str, Mapping[str, Any]] | None = None
) -> Footprint:
    """Return the footprint of a plan's batches.

    Parameters
    ----------
    result
        A plan.
    batches
        What was made, when and by which loads.
    factors
        By asset, ``family`` (must be footprint), ``value`` per kWh or per kg as `unit` says, or ``values`` by step; by
        default those that the scenario gave.

    Raises
    ------
    InputError
        If a source has no life-cycle factor, or a batch does not fit the plan; lists every fault.
    """
    found = origins(result)
    told = result.manifest.get("footprint") or {} if factors is None else factors
    problems = [*_unknown_factors(found, told), *_unfit(found, batches)]
    if problems:
        raise InputError(problems)
    values = [_values(source, told, found) for source in found.sources]
    each = np.stack(values, axis=1) if values else np.zeros((len(found.time), 0))
    each = found.with_what_was_there_before(each, frozenset(told))
    carried = found.carried(each)
    rows, rest = _of_batches(found, carried, batches)
    return Footprint(
        pd.DataFrame([*rows, *rest], columns=_COLUMNS),
        _balance(found, carried, each, pd.DataFrame([*rows, *rest], columns=_COLUMNS)),
        pd.DataFrame(
            [
                {
                    "source": source.name,
                    "factor": float(each[:, at].mean()),
                    "where": (told.get(source.asset) or {}).get("where", "mean of what the plan charged"),
                    "status": (told.get(source.asset) or {}).get("status", ""),
                }
                for at, source in enumerate(found.sources)
            ]
        ),
    )


_COLUMNS = ["batch", "product", "mass", "load", "carrier", "energy", "emissions", "average"]


def _unknown_factors(found: Origins, told: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    """Refuse sources without a life-cycle factor, and factors of another family."""
    problems = []
    for source in found.sources:
        where, factor = f"footprint.factors.{source.asset}", told.get(source.asset)
        if source.port != BEFORE and factor is None:
            wanted = "a life-cycle factor of every source, such as cn/2024/footprint"
            problems.append(Problem(where, "missing", wanted, "own sun and wind are not free of it"))
        elif factor is not None and factor.get("family") != "footprint":
            problems.append(Problem(where, f"a factor of the family {factor.get('family')}", "one of footprint"))
    return list(dict.fromkeys(problems))


def _values(source: Source, told: Mapping[str, Mapping[str, Any]], found: Origins) -> Array:
    """Return a source's factor at each step, kgCO2e per kWh; hydrogen counts with its lower heating value."""
    factor, n = told.get(source.asset), len(found.time)
    if source.port == BEFORE and factor is None:
        return np.zeros(n)
    assert factor is not None
    values = np.broadcast_to(np.asarray(factor.get("values", factor["value"]), dtype=float), (n,))
    if str(factor.get("unit", "")).endswith("/kg"):
        carrier = CARRIERS.get(source.carrier)
        return np.asarray(values / energy_per_unit(carrier) if carrier is not None else values)
    return np.array(values)


def _unfit(found: Origins, batches: Sequence[Batch]) -> list[Problem]:
    """Refuse batches that the plan knows nothing of."""
    loads = {use.asset for use in found.network.uses if not (_leaves(use, found) or use.name.endswith(", idle"))}
    end = found.time[-1] + pd.Timedelta(hours=float(found.network.hours[-1]))
    problems = []
    for batch in batches:
        where = f"batch {batch.name}"
        if not batch.mass > 0:
            problems.append(Problem(where, f"a mass of {batch.mass:g} kg", "more than nothing", "", batch.place))
        if not batch.start < batch.end:
            found_times = f"from {batch.start.isoformat()} to {batch.end.isoformat()}"
            problems.append(Problem(where, found_times, "an end after the start", "", batch.place))
        elif batch.end <= found.time[0] or batch.start >= end:
            span = f"{found.time[0].isoformat()} to {end.isoformat()}"
            problems.append(Problem(where, batch.start.isoformat(), f"a time within the plan, {span}", "", batch.place))
        for load in batch.loads:
            if load not in loads:
                near = nearest(load, loads)
                cure = f'did you mean "{near}"?' if near else ""
                problems.append(
                    Problem(where, f"no load {load}", f"one of {', '.join(sorted(loads))}", cure, batch.place)
                )
    names = [batch.name for batch in batches]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1 or name == REST):
        place = next(batch.place for batch in reversed(batches) if batch.name == name)
        problems.append(Problem(f"batch {name}", "a name that is taken", "another name for each batch", "", place))
    return problems


def _of_batches(
    found: Origins, carried: Carried, batches: Sequence[Batch]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a row for each batch and load, and for what no batch was made with."""
    hours, rows, rest = found.weighted_hours, [], []
    for use in found.network.uses:
        if _leaves(use, found):
            continue
        made = [batch for batch in batches if use.asset in batch.loads]
        left, intensity, average = use.drawn, carried.on_bus[use.bus], _average(found, carried, use.bus)
        for batch, power in zip(made, _powers(found, use, made), strict=True):
            left = left - power
            rows.append(
                _row(batch.name, batch.product, batch.mass, use, hours * power, carried.on_bus[use.bus], average)
            )
        rest.append(_row(REST, "", np.nan, use, hours * left, intensity, average))
    return rows, rest


def _leaves(use: Port, found: Origins) -> bool:
    """Tell whether a use is no load of the plant: what is exported or spilt."""
    sources = {source.asset for source in found.sources}
    return use.asset in sources or use.asset.startswith("bus ")


def _row(
    name: str, product: str, mass: float, use: Port, energy: Array, intensity: Array, average: float
) -> dict[str, Any]:
    total = float(energy.sum())
    values = (name, product, mass, use.asset, use.carrier, total, float(energy @ intensity), total * average)
    return dict(zip(_COLUMNS, values, strict=True))


def _average(found: Origins, carried: Carried, bus: str) -> float:
    """Return what a kWh on a bus carries on average over the period, by all that leaves it."""
    drawn = [port.drawn for port in found.network.drawing() if port.bus == bus]
    energy = found.weighted_hours * np.sum(drawn, axis=0)
    return float(energy @ carried.on_bus[bus] / energy.sum()) if energy.sum() > 0 else 0.0


def _powers(found: Origins, use: Port, batches: Sequence[Batch]) -> list[Array]:
    """Return what each batch draws of a load: its metered sub-line first, then of the rest by output mass.

    Raises
    ------
    InputError
        If sub-lines were metered with more than the load drew.
    """
    metered = [np.zeros(len(use.rate)) if batch.meter is None else batch.meter for batch in batches]
    common = use.drawn - np.sum([np.zeros(len(use.rate)), *metered], axis=0)
    worst = int(np.argmin(common))
    if common[worst] < -_TOLERANCE * max(float(use.drawn.max(initial=0.0)), 1.0):
        told = f"{use.drawn[worst] - common[worst]:g} kW on the sub-lines of {use.asset}"
        wanted = f"no more than the {use.drawn[worst]:g} kW that it draws at {found.time[worst].isoformat()}"
        raise InputError([Problem("meters", told, wanted)])
    rates = [_rate(found, batch) for batch in batches]
    total = np.sum([np.zeros(len(use.rate)), *rates], axis=0)
    shares = [rate / np.where(total > 0, total, 1.0) for rate in rates]
    return [own + share * np.maximum(common, 0.0) for own, share in zip(metered, shares, strict=True)]


def _rate(found: Origins, batch: Batch) -> Array:
    """Return the mass that a batch makes in each step, if it makes as much at every moment between start and end.

    Where batches share a step, the load's energy is theirs by these masses; a batch that fills only a part of a step
    that no other batch uses gets all of it, for the plan knows no finer time than its steps.
    """
    starts = found.time
    ends = starts + pd.to_timedelta(found.network.hours, unit="h")
    first = np.maximum(starts.asi8, pd.DatetimeIndex([batch.start]).tz_convert(starts.tz).as_unit(starts.unit).asi8)
    last = np.minimum(ends.as_unit(starts.unit).asi8, pd.DatetimeIndex([batch.end]).as_unit(starts.unit).asi8)
    overlap = np.maximum(last - first, 0).astype(float)
    whole = pd.Timedelta(batch.end - batch.start) / pd.Timedelta(1, unit=starts.unit)
    return np.asarray(batch.mass * overlap / whole)


def _balance(found: Origins, carried: Carried, each: Array, rows: pd.DataFrame) -> pd.DataFrame:
    """Return where emissions came from and where they went; the sum is zero."""
    hours = found.weighted_hours
    entries = [
        (source.name, float(hours @ (found.supplied[:, at] * each[:, at])))
        for at, source in enumerate(found.sources)
        if source.port != BEFORE
    ]
    for name, part in rows.groupby("batch", sort=False):
        entries.append((f"batch {name}" if name != REST else "common energy", -float(part["emissions"].sum())))
    for use in found.network.uses:
        if _leaves(use, found):
            gone = float(hours @ (use.drawn * carried.on_bus[use.bus]))
            entries.append((f"{use.asset}, {use.name}", -gone))
    entries.append(("burnt in circles", -float(hours @ carried.circling)))
    for store, held in carried.in_store.items():
        grown = float(np.diff(held) @ found.network.weights)
        entries.append((f"stock of {store}", -grown))
    return pd.DataFrame(entries, columns=["what", "amount"])
