"""A plant as data: horizon, buses, assets and what is wanted of the plan. What scenario files are read into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from microgrid.carriers import CARRIERS, Carrier
from microgrid.errors import InputError, Problem, nearest
from microgrid.series import Series
from microgrid.technologies.base import Technology
from microgrid.timeline import Timeline

COST_COLUMNS = (
    "cost", "capital", "fixed", "energy", "revenue", "demand", "operation", "wear", "start", "unserved", "carbon",
)  # fmt: skip
EMISSION_COLUMNS = (
    "emissions", "scope_1", "scope_2_location", "scope_2_market", "scope_3", "emissions_location", "emissions_market",
)  # fmt: skip


@dataclass(frozen=True)
class PlantBus:
    """A bus: its carrier, and whether surplus may leave it for nothing, as heat may."""

    carrier: Carrier
    surplus: bool = False


@dataclass(frozen=True)
class Objective:
    """What is wanted of a plan.

    Parameters
    ----------
    goals
        Ledger columns to minimise, the most important first; each later one without giving up more than `slack` of
        the earlier ones. ``cost`` and ``emissions`` are the usual ones.
    carbon_price
        Price of the column ``emissions``, in currency per kgCO2e, booked as cost.
    basis, scopes
        What the column ``emissions`` counts: scope 2 by location or by market, and which scopes.
    caps
        Highest value of ledger columns, in currency or kgCO2e.
    slack
        Share of an earlier goal's value that a later goal may give up.
    """

    goals: tuple[str, ...] = ("cost",)
    carbon_price: float = 0.0
    basis: Literal["location", "market"] = "location"
    scopes: tuple[int, ...] = (1, 2)
    caps: Mapping[str, float] = field(default_factory=dict)
    slack: float = 1e-6


@dataclass(frozen=True, eq=False)
class Plant:
    """Everything a model is made of.

    Raises
    ------
    InputError
        If names, carriers or series do not fit together; lists every fault.
    """

    timeline: Timeline
    assets: Mapping[str, Technology]
    buses: Mapping[str, PlantBus] = field(default_factory=dict)
    objective: Objective = field(default_factory=Objective)
    discount_rate: float = 0.06
    currency: str = ""

    def __post_init__(self) -> None:
        """Declare the buses that need no declaration, then gather every fault."""
        object.__setattr__(self, "buses", self._with_implied_buses())
        problems = [*self._asset_problems(), *self._objective_problems()]
        if problems:
            raise InputError(problems)

    def _with_implied_buses(self) -> dict[str, PlantBus]:
        """A bus named like a carrier needs no declaration."""
        buses = dict(self.buses)
        for asset in self.assets.values():
            for bus, _ in asset.buses().values():
                if bus not in buses and bus in CARRIERS:
                    buses[bus] = PlantBus(CARRIERS[bus])
        return buses

    def _asset_problems(self) -> Iterator[Problem]:
        if not self.assets:
            yield Problem("assets", "none", "at least one asset")
        for name, asset in self.assets.items():
            for field_name, (bus, mark) in asset.buses().items():
                where = f"assets.{name}.{field_name}"
                known = self.buses.get(bus)
                if known is None:
                    near = nearest(bus, [*self.buses, *CARRIERS])
                    cure = f'did you mean "{near}"?' if near else "declare it under buses"
                    yield Problem(where, f'bus "{bus}"', "a bus of the plant, or the name of a carrier", cure)
                elif mark.carriers and known.carrier.name not in mark.carriers:
                    yield Problem(where, f"a bus of {known.carrier.name}", f"a bus of {' or '.join(mark.carriers)}")
            yield from self._series_problems(name, asset)

    def _series_problems(self, name: str, asset: Technology) -> Iterator[Problem]:
        units = {self.buses[b].carrier.flow_unit for b, _ in asset.buses().values() if b in self.buses}
        for field_name, series in asset.series().items():
            where = f"assets.{name}.{field_name}"
            if series.values.ndim and len(series.values) != len(self.timeline):
                yield Problem(
                    where, f"{len(series.values)} values", f"one, or one for each of {len(self.timeline)} steps"
                )
            if _is_flow(series) and len(units) == 1 and series.unit not in units:
                yield Problem(where, f"a series in {series.unit}", f"{units.pop()}, as the bus's carrier flows")

    def _objective_problems(self) -> Iterator[Problem]:
        known = (*COST_COLUMNS, *EMISSION_COLUMNS)
        wanted = f"a ledger column: {', '.join(known)}"
        for column in (*self.objective.goals, *self.objective.caps):
            if column not in known:
                near = nearest(column, known)
                yield Problem("objective", f'column "{column}"', wanted, f'did you mean "{near}"?' if near else "")
        if not self.objective.goals:
            yield Problem("objective.minimise", "nothing", wanted)


def _is_flow(series: Series) -> bool:
    return series.unit in ("kW", "kg/h")
