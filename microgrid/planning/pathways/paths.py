"""What a pathway came to: a path with its money and emissions, and a study of the ways to decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microgrid.finance_section import Finance
from microgrid.planning.alike import Where
from microgrid.planning.cash_flow import Rows, Scale
from microgrid.planning.levelised_cost import Levelised, Spell, by_bus, by_source
from microgrid.planning.pathways.model import Kept
from microgrid.planning.pathways.money import cost_of, faded_upkeep, path_purchases, path_rows
from microgrid.planning.pathways.stages import Stage, Standing, years_of
from microgrid.planning.pathways.table import path_table
from microgrid.planning.pathways.vintages import Vintage
from microgrid.planning.pathways.years import YearRun, emitted_a_year
from microgrid.planning.purchases import Purchase
from microgrid.planning.replay import Replay
from microgrid.planning.sensitivity import Sensitivity, sensitivities
from microgrid.planning.sheet import Sheet, compared
from microgrid.results import Result
from microgrid.scenario import Scenario
from solvers import Outcome

Array = NDArray[np.float64]
_SAME = 1e-6
FORESIGHT, MYOPIC = "perfect foresight", "stage by stage"


@dataclass(frozen=True, eq=False)
class Path:
    """What is built, kept and given up over the stages, and what it costs.

    Parameters
    ----------
    stages
        The stages.
    results
        Each stage's operation as it was decided, as a run of its own: its sizes are what ageing leaves on the mean of
        the stage's years.
    runs
        The operation of all years: each stage's, or that of each of its years where tables tell that they differ.
    vintages, kept
        By capacity, all that can be built; how much of each is kept in each stage.
    standing
        What stood before the first stage.
    finance
        Rates and growth.
    outcomes
        How each solve ended: one with perfect foresight, one a stage without.
    replay
        What it was decided on, where that were fewer than all steps.
    """

    stages: Sequence[Stage]
    results: Sequence[Result]
    runs: Sequence[YearRun]
    vintages: Mapping[Where, Sequence[Vintage]]
    kept: Kept
    standing: Mapping[Where, Standing]
    finance: Finance
    outcomes: Sequence[Outcome]
    replay: Replay | None = None

    @cached_property
    def bought(self) -> Sequence[Purchase]:
        """All purchases."""
        return path_purchases(self.stages, self.vintages, self.kept, self.finance)

    @cached_property
    def flows(self) -> Rows:
        """Money over the years by asset and item before taxes, paid below zero, shape (years + 1,)."""
        return self._flows(self.finance, Scale())

    @cached_property
    def decided_by(self) -> Rows:
        """The same as the path was decided by: each stage's operation in all of its years."""
        if not self.differs_by_year:
            return self.flows
        held = [years_of(stage, self.finance) for stage in self.stages]
        upkeep = faded_upkeep(self.stages, self.vintages, self.kept, self.finance)
        return path_rows(list(zip(self.results, held, strict=True)), self.bought, upkeep, self.finance)

    def _flows(self, finance: Finance, scale: Scale) -> Rows:
        upkeep = faded_upkeep(self.stages, self.vintages, self.kept, finance)
        return path_rows([(run.result, run.counts) for run in self.runs], self.bought, upkeep, finance, scale)

    def rows(self, finance: Finance, scale: Scale) -> Rows:
        """Return what it really pays and receives: without a carbon price that only decides."""
        rows = self._flows(finance, scale)
        return rows if finance.carbon_is_paid else {key: flows for key, flows in rows.items() if key[1] != "carbon"}

    @property
    def cost(self) -> float:
        """What everything costs at the path's begin, before taxes."""
        return cost_of(self.flows, self.finance)

    @property
    def differs_by_year(self) -> bool:
        """Whether tables tell that the years of stages differ."""
        return any(stage.by_year for stage in self.stages)

    @property
    def decided_cost(self) -> float:
        """What it costs as the path was decided by: with each stage's mean in place of its years."""
        return cost_of(self.decided_by, self.finance)

    @property
    def proved(self) -> bool:
        """Whether every solve reached its gap."""
        years = (run.result.manifest["outcome"]["proved"] for run in self.runs)
        return all(outcome.is_proved for outcome in self.outcomes) and (not self.differs_by_year or all(years))

    @property
    def bound(self) -> float | None:
        """No path costs less than this, of those that differ in what is built; None where nobody knows."""
        if self.replay is not None:
            return self.replay.bound
        return self.outcomes[0].bound if len(self.outcomes) == 1 else None

    @property
    def gap(self) -> float | None:
        """By what share, at most, it costs more than the best one; None where nobody knows."""
        if self.replay is not None:
            return self.replay.gap
        return self.outcomes[0].gap if len(self.outcomes) == 1 else None

    @property
    def audits(self) -> bool:
        """Whether every stage and year passed its audit, and the money over the years is what the model minimised."""
        plans = (*self.results, *(run.result for run in self.runs))
        return all(result.manifest["audit"]["passed"] for result in plans) and self.books_agree

    @property
    def books_agree(self) -> bool:
        """Whether ledgers and purchases add up to the model's objective; without perfect foresight it has none."""
        if len(self.outcomes) != 1:
            return True
        objective = self.outcomes[0].objective
        scale = sum(float(np.abs(flows).sum()) for flows in self.decided_by.values())
        return abs(self.decided_cost - objective) <= _SAME * max(scale, 1.0)

    @property
    def emissions(self) -> Array:
        """What each year of the project emits, kgCO2e, as the scenario counts it, shape (years,)."""
        return self.emitted("emissions")

    def emitted(self, column: str) -> Array:
        """Return what each year of the project emits by a column of the carbon ledger, kgCO2e, shape (years,)."""
        return np.asarray(sum(run.counts[1:] * emitted_a_year(run.result, column) for run in self.runs))

    @property
    def by_stage(self) -> dict[str, Result]:
        """Each stage's operation by the stage's name."""
        return {stage.name: result for stage, result in zip(self.stages, self.results, strict=True)}

    @property
    def spells(self) -> list[Spell]:
        """Each operation with the years that it stands for."""
        return [Spell(run.result, run.counts) for run in self.runs]

    @cached_property
    def table(self) -> pd.DataFrame:
        """What stands, is kept, built, given up and comes to its end in each stage, by capacity."""
        return path_table(self.stages, self.vintages, self.kept, self.standing)

    @property
    def plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "cost": self.cost,
            "decided_cost": self.decided_cost,
            "bound": self.bound,
            "gap": self.gap,
            "replay": None if self.replay is None else self.replay.plain,
            "proved": self.proved,
            "audited": self.audits,
            "books_agree": self.books_agree,
            "seconds": sum(outcome.seconds for outcome in self.outcomes),
            "emissions": self.emissions.tolist(),
            "years": [run.plain for run in self.runs],
            "stages": self.table.to_dict("records"),
            "net": np.asarray(sum(self.flows.values())).tolist(),
        }


@dataclass(frozen=True, eq=False)
class PathwayStudy:
    """A pathway with perfect foresight, beside it one that is decided stage by stage, and what both are compared with.

    Parameters
    ----------
    myopic
        None where it was not asked for, or found no plan in a stage, which `dead_end` then names, and whether for time.
    reference
        The scenario's reference over the same stages; None where the scenario names none.
    """

    scenario: Scenario
    perfect: Path
    myopic: Path | None = None
    dead_end: str = ""
    reference: Path | None = None
    seconds: float = 0.0

    @property
    def ways(self) -> dict[str, Path]:
        """The paths by how they were decided."""
        found = {FORESIGHT: self.perfect}
        return found if self.myopic is None else found | {MYOPIC: self.myopic}

    @property
    def regret(self) -> float | None:
        """What deciding stage by stage costs more, at the path's begin."""
        return None if self.myopic is None else self.myopic.cost - self.perfect.cost

    @cached_property
    def sheets(self) -> dict[str, Sheet]:
        """Money over the years beside the reference by way of deciding; none without a reference."""
        if self.reference is None:
            return {}
        return {way: compared(path, self.reference, self.scenario.finance) for way, path in self.ways.items()}

    @cached_property
    def sensitivities(self) -> list[Sensitivity]:
        """What moves the net present value of the path with foresight, the most important first."""
        if self.reference is None:
            return []
        return sensitivities(self.perfect, self.reference, self.scenario.finance)

    @cached_property
    def levelised(self) -> list[Levelised]:
        """Levelised costs over all stages of what each bus and each source gives."""
        if self.reference is None:
            return []
        sheet, spells = self.sheets[FORESIGHT], self.perfect.spells
        return [*by_bus(sheet, spells), *by_source(sheet, spells)]

    def avoided(self, way: str) -> float | None:
        """Return what a path emits less than the reference over all years, kgCO2e."""
        if self.reference is None:
            return None
        return float(self.reference.emissions.sum() - self.ways[way].emissions.sum())

    def abatement_cost(self, way: str) -> float | None:
        """Return what a kgCO2e avoided costs, below zero where avoiding it earns; None where none is."""
        avoided = self.avoided(way)
        if avoided is None or avoided <= _SAME:
            return None
        return -float(self.sheets[way].figures["net_present_value"] or 0.0) / avoided

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data."""
        named = self.scenario.reference
        return {
            "stages": [stage.year for stage in self.perfect.stages],
            "finance": self.scenario.finance.model_dump(),
            "perfect": self.perfect.plain,
            "myopic": None if self.myopic is None else self.myopic.plain,
            "dead_end": self.dead_end,
            "regret": self.regret,
            "reference": None if self.reference is None or named is None else {"name": named.told}
            | {"cost": self.reference.cost, "emissions": self.reference.emissions.tolist()},
            "figures": {way: sheet.figures for way, sheet in self.sheets.items()},
            "net_beside_reference": {way: sheet.net.tolist() for way, sheet in self.sheets.items()},
            "avoided": {way: self.avoided(way) for way in self.sheets},
            "abatement_cost": {way: self.abatement_cost(way) for way in self.sheets},
            "levelised": [each._asdict() for each in self.levelised],
            "sensitivities": [each._asdict() for each in self.sensitivities],
        }  # fmt: skip
