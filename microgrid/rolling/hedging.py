"""Hedging: one plan for several futures, of which nobody knows yet which one comes.

A two-stage stochastic program (Dantzig 1955, Management Science 1:197): its first stage is the same in all futures,
what comes after it each future's own; the expected cost is least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from microgrid.model import Model, Values, aim_at, at_most, highest_held
from microgrid.plant import Plant
from microgrid.rolling.first_stage import FirstStage, as_usual_at_first, tie_first_stage
from microgrid.rolling.traces import Trace
from microgrid.tied_futures import TiedFutures, write_futures

USUAL = "usual"


@dataclass(frozen=True, eq=False)
class Future:
    """What may come.

    Parameters
    ----------
    name
        What it is called.
    probability
        How likely it is; all together 1.
    plant
        The plant as it is foreseen then.
    """

    name: str
    probability: float
    plant: Plant


@dataclass(frozen=True, eq=False)
class PlannedFuture:
    """What a plan is to do in one of the futures that it was made for.

    Parameters
    ----------
    name, probability
        Of the future.
    plant
        The window as it is foreseen then.
    trace
        What every port, stock and state is to do.
    model
        The window's part of the solved model.
    """

    name: str
    probability: float
    plant: Plant
    trace: Trace
    model: Model


@dataclass(frozen=True, eq=False)
class HedgedModel(TiedFutures):
    """A window in several futures, whose expected cost is minimised."""

    @property
    def first(self) -> Model:
        """The plant in the first of the futures."""
        return next(iter(self.parts.values()))

    @property
    def goals(self) -> tuple[str, ...]:
        """The columns to minimise in turn, their means over the futures."""
        return self.first.goals

    @property
    def asked(self) -> str:
        """The last goal that was asked for."""
        return self.first.asked

    @property
    def along_time(self) -> tuple[Any, ...]:
        """The sets of steps and points that its components run along."""
        return tuple(each for part in self.parts.values() for each in part.along_time)

    def aim(self, column: str) -> None:
        """Make the mean of a ledger column the objective."""
        aim_at(self.pyomo, lambda: self._mean(column))

    def hold(self, column: str, reached: float) -> None:
        """Let the mean of a ledger column rise no higher than what it reached, and the slack that is granted."""
        highest = highest_held(self.first.plant.objective, column, reached)
        self.pyomo.add_component(f"{column}_held", at_most(lambda: self._mean(column), highest))

    def total(self, values: Values, column: str) -> float:
        """Return what a ledger column amounts to in the mean."""
        return float(values.along(lambda: self._mean(column))[0])

    def _mean(self, column: str) -> Any:
        return self.expected(lambda part: part.ledger.column(column))


def hedged(plants: Mapping[str, Plant], probabilities: Mapping[str, float], stage: FirstStage) -> HedgedModel:
    """Write a window in several futures, with the expected cost as its goal.

    Parameters
    ----------
    plants
        The window as it is in each future, all on the same steps and alike in the first stage.
    probabilities
        How likely each is; together 1.
    stage
        How long its first stage lasts.
    """
    apart = write_futures(plants, probabilities, "hedge")
    model = HedgedModel(apart.pyomo, apart.parts, apart.probabilities)
    tie_first_stage(model, stage)
    model.aim(model.goals[0])
    return model


def usual_of(futures: Sequence[Future]) -> Future:
    """Return the future that is planned for where only one is: the one called usual, or else the likeliest."""
    called = [future for future in futures if future.name == USUAL]
    return called[0] if called else max(futures, key=lambda future: future.probability)


def alike_at_first(futures: Sequence[Future], stage: FirstStage) -> list[Future]:
    """Return a window's futures, foreseen in the first stage as in the usual one."""
    usual = usual_of(futures).plant
    return [replace(each, plant=as_usual_at_first(each.plant, usual, stage)) for each in futures]
