"""`size`: what to build, what it earns over the years beside a reference, what it emits, and how sure that is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from microgrid.planning.ageing import losses
from microgrid.planning.cash_flow import Case
from microgrid.planning.levelised_cost import Levelised, by_bus, by_source, of_case
from microgrid.planning.limits import limits
from microgrid.planning.purchases import purchases
from microgrid.planning.reference import reference_of
from microgrid.planning.replay import Shorter, replayed
from microgrid.planning.sensitivity import Sensitivity, sensitivities
from microgrid.planning.sheet import Sheet, compared
from microgrid.results import Result, load, save_manifest
from microgrid.run_folders import refuse_unfit, replacing
from microgrid.running import NoPlanError, Watch, audited, identity_of, run, settings_of, solve_plant
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver

MONEY = "money.parquet"
REFERENCE = "reference"


@dataclass(frozen=True)
class Investment:
    """A sized plant and what it is worth beside its reference.

    Parameters
    ----------
    scenario
        What was sized.
    plan, reference
        The two plans with all that is bought for them.
    sheet
        Money over the years.
    sources, buses
        Levelised costs by asset that draws on nothing, and by bus.
    sensitivities
        What moves the net present value, the most important first.
    limits
        What the study does not say, as sentences.
    """

    scenario: Scenario
    plan: Case
    reference: Case
    sheet: Sheet
    sources: list[Levelised]
    buses: list[Levelised]
    sensitivities: list[Sensitivity]
    limits: list[str]

    @property
    def emissions(self) -> dict[str, dict[str, float]]:
        """What both cases emit over the project's life, by column of the carbon ledger, in kgCO2e."""
        return {name: emitted(case, self.sheet.finance.years) for name, case in self.cases.items()}

    @property
    def cases(self) -> dict[str, Case]:
        """The plan and its reference by name."""
        return {"plan": self.plan, "reference": self.reference}

    @property
    def avoided(self) -> float:
        """What the plan emits less than the reference over the project's life, kgCO2e, as the scenario counts it."""
        emitted = self.emissions
        return emitted["reference"]["emissions"] - emitted["plan"]["emissions"]

    @property
    def abatement_cost(self) -> float | None:
        """What a kgCO2e avoided costs, in today's money; below zero where avoiding it earns; None where none is."""
        worth = self.sheet.figures["net_present_value"] or 0.0
        return -worth / self.avoided if self.avoided > 1e-6 else None

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data, for a run's manifest."""
        finance = self.sheet.finance
        return {
            "reference": self.scenario.reference.told if self.scenario.reference is not None else "",
            "finance": finance.model_dump(),
            "figures": self.sheet.figures,
            "years": list(range(finance.years + 1)),
            "net": self.sheet.net.tolist(),
            "emissions": self.emissions,
            "avoided": self.avoided,
            "abatement_cost": self.abatement_cost,
            "levelised": {"assets": _plain(self.sources), "buses": _plain(self.buses)},
            "sensitivities": [each._asdict() for each in self.sensitivities],
            "ageing": [
                {"case": name, "asset": loss.asset, "field": loss.field, "least": loss.least}
                for name, case in self.cases.items()
                for loss in case.losses
            ],
            "limits": self.limits,
        }


def size(
    scenario: Scenario | Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    shorter: Shorter | None = None,
) -> Investment:
    """Decide what to build, and compare it with the scenario's reference over the project's life.

    Parameters
    ----------
    scenario
        A scenario file with capacities to be decided and a section ``reference``, or a Scenario already read.
    out
        Folder to write the plan, the reference, the money over the years, pictures and reports into.
    overrides
        Values by path; only with a file.
    watch
        Called with a Progress while a solver runs.
    shorter
        If given, sizes are decided on segments or typical periods; the operation is then planned on all steps.

    Raises
    ------
    InputError
        If the scenario holds faults, decides nothing, or names no reference that it can be compared with.
    NoPlanError
        If it, or its reference, has no plan.
    AgedError
        If ageing leaves no plan.
    ReplayError
        If sizes decided on a shorter horizon do not suffice for all steps.
    """
    started = time.perf_counter()
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, overrides)
    refuse_unfit_solver(scenario)
    other = reference_of(scenario)
    if out is not None:
        refuse_unfit(Path(out))
    cases = {}
    for name, each in (("plan", scenario), (REFERENCE, other)):
        cases[name] = _case(each, scenario, name, watch, shorter)
    investment = _compared(scenario, cases["plan"], cases[REFERENCE])
    investment.plan.result.manifest["total_seconds"] = time.perf_counter() - started
    investment.plan.result.manifest["investment"] = investment.manifest
    if out is not None:
        write(investment, Path(out))
    return investment


def _case(each: Scenario, scenario: Scenario, name: str, watch: Watch | None, shorter: Shorter | None) -> Case:
    """Solve a scenario, and what its ageing changes."""
    try:
        result = run(each, watch=watch) if shorter is None or name == REFERENCE else _replayed(each, shorter, watch)
    except NoPlanError as error:
        if name == REFERENCE:
            raise NoReferenceError(error) from error
        raise
    finance, settings = scenario.finance, settings_of(scenario.solver)
    solve = partial(solve_plant, settings=settings, watch=watch)
    bought = purchases(each.plant, result.sizes, finance.years)
    return Case(result, bought, tuple(losses(each.plant, result, finance.years, solve)))


def _replayed(scenario: Scenario, shorter: Shorter, watch: Watch | None) -> Result:
    found = replayed(scenario.plant, shorter, settings_of(scenario.solver), identity_of(scenario), watch)
    found.result.manifest["replay"] = found.plain
    return found.result


class NoReferenceError(NoPlanError):
    """The reference has no plan, so that there is nothing to compare with."""

    def __init__(self, error: NoPlanError) -> None:
        super().__init__(error.outcome, error.explanation)
        self.args = (f"the reference has no plan: choose another one\n{error}",)


def _compared(scenario: Scenario, plan: Case, reference: Case) -> Investment:
    sheet = compared(plan, reference, scenario.finance)
    spells, left = of_case(plan, scenario.finance.years)
    return Investment(
        scenario,
        plan,
        reference,
        sheet,
        by_source(sheet, spells, left),
        by_bus(sheet, spells),
        sensitivities(plan, reference, scenario.finance),
        limits(scenario, plan, reference),
    )


def emitted(case: Case, years: int) -> dict[str, float]:
    """Return what a case emits over the years, ageing counted."""
    of_year = float(case.result.manifest["horizon"]["years"])
    return {
        column: years * amount / of_year
        + sum(loss.emissions[column] * float(loss.shares.sum()) for loss in case.losses)
        for column, amount in case.result.manifest["emissions"].items()
    }


def _plain(costs: list[Levelised]) -> list[dict[str, Any]]:
    return [each._asdict() for each in costs]


def write(investment: Investment, folder: Path) -> None:
    """Write plan, reference, money and reports beside an old run, and rename them into place.

    What is told is what the written files say: the plan is audited from them once more.
    """
    from microgrid.planning.pages import save_pages
    from microgrid.plots import save_plots
    from microgrid.report import save_report

    with replacing(folder) as new:
        plan, reference = investment.plan.result, investment.reference.result
        investment.sheet.frame().to_parquet(new / MONEY, index=False)
        (new / REFERENCE).mkdir()
        for result, place in ((reference, new / REFERENCE), (plan, new)):
            result.save(place)
            written = audited(load(place))
            save_manifest(written.manifest, place)
        pictures = save_plots(written, new)
        save_report(written, new / "report.html", pictures)
        save_pages(investment, new, pictures)


def money(folder: Path | str) -> pd.DataFrame:
    """Read the money over the years of a run that `size` wrote: case, asset, item, year, amount."""
    return pd.read_parquet(Path(folder) / MONEY)
