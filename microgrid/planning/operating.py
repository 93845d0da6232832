"""`operated`: what an investment is worth with the plans that one can make, beside perfect foresight.

The sized plant, and its reference, are planned day by day with forecasts and carried out against what happens. The
money over the years is then worked out from what was carried out, with the same purchases.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from microgrid.capacity import Sized
from microgrid.errors import InputError, Problem
from microgrid.finance import net_present_value
from microgrid.planning.cash_flow import Case
from microgrid.planning.priced_caps import cap_prices, in_place_of_caps, without_cap_prices
from microgrid.planning.reference import reference_of
from microgrid.planning.sheet import Sheet, compared
from microgrid.planning.sizing import Investment, emitted, size
from microgrid.results import Result
from microgrid.rolling.simulating import Course, Simulation, simulate
from microgrid.rolling.windows import Look
from microgrid.running import NoPlanError, Watch
from microgrid.scenario import Scenario, read_scenario
from microgrid.solver_trial import refuse_unfit_solver
from solvers import Ended, Outcome

_DAY, _BEHIND = 24.0, 12.0
_TOLD = ("cost", "perfect_cost", "regret", "rungs")
_NOTHING = 1e-6
_A_YEAR = 0.01
_CAP_SLACK = 1e-6
_SAME_PLANT = (
    "Sizes were decided with perfect foresight, and ageing counts as there; prices are known in advance, loads, sun "
    "and wind as the forecast has them."
)
_KEPT = ("opex",)
"""What of a decided capacity its operation costs; all else was paid when it was bought."""


class CapKept(NamedTuple):
    """A cap that a price stood for: the price of a kg, what the time may emit, and what it emits, kgCO2e."""

    price: float
    highest: float
    perfect: float
    operated: float

    @property
    def is_kept(self) -> bool:
        """Whether what was carried out emits no more than allowed."""
        return self.operated <= self.highest * (1 + _CAP_SLACK)


@dataclass(frozen=True, eq=False)
class Operated:
    """An investment with perfect foresight, and as it can be operated.

    Parameters
    ----------
    investment
        The plant as it was sized, and its reference.
    plan, reference
        Both carried out, with perfect foresight beside.
    sheets
        Money over the years by ``perfect`` and ``operated``.
    emissions
        What both emit over the project's life, kgCO2e: by the same two, then by ``plan`` and ``reference``.
    results
        What both were carried out as, without prices in place of caps: by the same.
    prices
        What a kg of each capped column was worth to ``plan`` and ``reference``, in place of the cap.
    """

    investment: Investment
    plan: Simulation
    reference: Simulation
    sheets: Mapping[str, Sheet]
    emissions: Mapping[str, Mapping[str, float]]
    results: Mapping[str, Mapping[str, Result]]
    prices: Mapping[str, Mapping[str, float]]
    seconds: float

    def worth(self, how: str) -> float:
        """Return the net present value, ``perfect`` or ``operated``."""
        return float(self.sheets[how].figures["net_present_value"] or 0.0)

    def avoided(self, how: str) -> float:
        """Return what the plan emits less than its reference over the project's life, kgCO2e."""
        return self.emissions[how]["reference"] - self.emissions[how]["plan"]

    @property
    def regret(self) -> float:
        """What the investment is worth less than with perfect foresight."""
        return self.worth("perfect") - self.worth("operated")

    @property
    def regret_by_item(self) -> dict[str, float]:
        """What of the regret each item of the money over the years makes, the largest first."""
        rate, items = self.sheets["perfect"].rate, {how: sheet.items for how, sheet in self.sheets.items()}
        names = dict.fromkeys([*items["perfect"], *items["operated"]])
        lost = {
            name: sum(
                sign * net_present_value(rate, items[how].get(name, np.zeros(1)))
                for how, sign in (("perfect", 1.0), ("operated", -1.0))
            )
            for name in names
        }
        return dict(sorted(((n, v) for n, v in lost.items() if abs(v) > _NOTHING), key=lambda pair: -abs(pair[1])))

    @property
    def caps(self) -> dict[str, CapKept]:
        """What became of each cap of the plan that a price stood for."""
        plain = self.investment.plan.result.manifest
        told, years = plain.get("caps") or {}, float(plain["horizon"]["years"])
        found = {}
        for column, price in self.prices["plan"].items():
            part = float(self.plan.result.manifest["horizon"]["years"]) / years
            both = [self.results[how]["plan"].manifest["emissions"][column] for how in ("perfect", "operated")]
            found[column] = CapKept(price, part * told[column]["highest"], *both)
        return found

    @property
    def audited(self) -> bool:
        """Whether what was carried out passed its audits, and every step could be balanced."""
        told = [each.result.manifest for each in (self.plan, self.reference)]
        return all(each["audit"]["passed"] and not each["simulation"]["shortfalls"] for each in told)

    @property
    def limits(self) -> list[str]:
        """What the comparison does not say, as sentences."""
        years = float(self.plan.result.manifest["horizon"]["years"])
        part = (
            f"What was carried out stands for {years:.3g} years, and every year is taken to be like it: energy in "
            "proportion, what is billed by the month twelve times the month's bill. Carry out a whole year."
        )
        return [*([part] if abs(years - 1) > _A_YEAR else []), *self._held, _SAME_PLANT]

    @property
    def _held(self) -> Iterator[str]:
        """Tell what became of each cap."""
        for column, kept in self.caps.items():
            yield (
                f"A price of {1000 * kept.price:,.2f} a tonne, which nobody pays, stands for the cap on "
                f"{column.replace('_', ' ')}, as a tonne is worth that in the sizing: as operated the plant emits "
                f"{kept.operated / 1000:,.1f} t, of {kept.highest / 1000:,.1f} t allowed."
            )

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything as plain data."""
        account = self.plan.result.manifest["simulation"]
        return {
            "forecast": account["forecast"],
            "sized": self.investment.sheet.figures,
            "perfect": self.sheets["perfect"].figures,
            "operated": self.sheets["operated"].figures,
            "regret": self.regret,
            "regret_by_item": self.regret_by_item,
            "caps": {column: kept._asdict() for column, kept in self.caps.items()},
            "emissions": {how: dict(found) for how, found in self.emissions.items()},
            "avoided": {how: self.avoided(how) for how in self.sheets},
            "operation": {
                name: {key: each.result.manifest["simulation"][key] for key in _TOLD}
                for name, each in (("plan", self.plan), ("reference", self.reference))
            },
            "limits": self.limits,
            "audited": self.audited,
        }


class NoForesightError(NoPlanError):
    """Perfect foresight found no plan in time, so that there is nothing to compare with."""


def operated(
    path: Path | str,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    course: Course | None = None,
    span: tuple[str, str] | None = None,
) -> Operated:
    """Size a plant, then carry it and its reference out with forecasts, and tell what both are worth.

    Parameters
    ----------
    path
        A scenario file that `size` takes.
    out
        Folder to write what was carried out and the comparison into.
    overrides
        Values by path.
    watch
        Called with a Progress while sizes are decided.
    course
        Windows and forecasts; by default each day is planned at the scenario's step, with the loads, sun and wind of
        last week.
    span
        First local time and end of what is carried out; by default the scenario's horizon.

    Raises
    ------
    InputError
        If the scenario holds faults, or what no window of a longer time can plan.
    NoPlanError
        If there is no plan.
    """
    started, path = time.perf_counter(), Path(path)
    scenario = read_scenario(path, overrides)
    refuse_unfit_solver(scenario)
    course = course or course_of(scenario)
    start, end = span or _whole(scenario)
    investment, other = size(scenario, watch=watch), reference_of(scenario)
    prices = {
        "plan": cap_prices(scenario, investment.plan.result),
        "reference": cap_prices(other, investment.reference.result),
    }
    told = {
        "plan": (path, dict(overrides or {}) | _pinned(scenario, investment.plan.result)),
        "reference": _reference(scenario, path, overrides or {}, investment.reference.result),
    }
    done = {}
    for name, each in (("plan", scenario), ("reference", other)):
        file, values = told[name]
        done[name] = simulate(file, start, end, course, values | in_place_of_caps(each, prices[name]))
    study = _compared(investment, other, done, prices, time.perf_counter() - started)
    if out is not None:
        from microgrid.planning.operating_files import write

        write(study, Path(out))
    return study


def course_of(scenario: Scenario) -> Course:
    """Return a course of a plan a day at the scenario's step, with last week as forecast."""
    step = float(scenario.plant.timeline.hours.min())
    behind = max(step, 1.0)
    return Course(Look(((_DAY, step), (_BEHIND, behind))), every=_DAY, forecast="week")


def _whole(scenario: Scenario) -> tuple[str, str]:
    timeline = scenario.plant.timeline
    return timeline.index[0].tz_localize(None).isoformat(), timeline.end.tz_localize(None).isoformat()


def _pinned(scenario: Scenario, result: Result) -> dict[str, str]:
    """Return overrides that make sizes what they were decided to be; an asset of no size at all is left out."""
    found: dict[str, str] = {}
    for name, asset in scenario.plant.assets.items():
        sizes, units = result.sizes[name], asset.capacity_units()
        decided = [key for key, capacity in asset.capacities().items() if isinstance(capacity, Sized)]
        if decided and all(sizes[key] <= _NOTHING for key in asset.capacities()):
            found[f"assets.{name}"] = "null"
            continue
        for key in decided:
            told = scenario.document.data["assets"][name].get(key)
            kept = {part: told[part] for part in _KEPT if isinstance(told, dict) and part in told}
            amount = {"amount": f"{max(sizes[key], 0.0):.12g} {units[key]}"}
            found[f"assets.{name}.{key}"] = json.dumps(amount | kept)
    return found


def _reference(
    scenario: Scenario, path: Path, overrides: Mapping[str, str], result: Result
) -> tuple[Path, dict[str, str]]:
    """Return the file of the reference, and the values that make it one with given sizes."""
    named = scenario.reference
    if named is None:
        raise InputError([Problem("reference", "missing", "what the investment is compared with")])
    if named.file:
        other = read_scenario(scenario.document.folder / named.file)
        return scenario.document.folder / named.file, _pinned(other, result)
    left_out = {f"assets.{name}": "null" for name in named.without}
    left_out |= {f"footprint.factors.{name}": "null" for name in named.without if name in scenario.footprint}
    left_out["reference"] = "null"
    others = replace(scenario.plant, assets={n: a for n, a in scenario.plant.assets.items() if n not in named.without})
    return path, {**overrides, **_pinned(replace(scenario, plant=others), result), **left_out}


def _compared(
    investment: Investment,
    other: Scenario,
    done: Mapping[str, Simulation],
    prices: Mapping[str, Mapping[str, float]],
    seconds: float,
) -> Operated:
    found: dict[str, dict[str, Result]] = {"perfect": {}, "operated": {}}
    for name, each in (("plan", investment.scenario), ("reference", other)):
        for how, result in (("perfect", done[name].perfect), ("operated", done[name].result)):
            if result is None:
                raise NoForesightError(Outcome(Ended.TIME, message="perfect foresight found no plan in time"))
            found[how][name] = without_cap_prices(result, each, prices[name])
    finance, cases = investment.sheet.finance, investment.cases
    both = {how: {name: replace(cases[name], result=r) for name, r in each.items()} for how, each in found.items()}
    sheets = {how: compared(each["plan"], each["reference"], finance) for how, each in both.items()}
    emissions = {how: {name: _emitted(c, finance.years) for name, c in each.items()} for how, each in both.items()}
    return Operated(investment, done["plan"], done["reference"], sheets, emissions, found, prices, seconds)


def _emitted(case: Case, years: int) -> float:
    return emitted(case, years)["emissions"]
